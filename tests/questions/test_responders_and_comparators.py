"""Are absolute effects the counts' own arithmetic, and are two comparators compared with the arms they share?"""

import numpy as np
import pytest
from scipy.stats import t

import acuevidence as ae
from acuevidence.questions import comparators, responders


@pytest.fixture(scope="module")
def found():
    return responders()


def test_one_trial_is_its_own_counts(found):
    effects = found.effects
    for row in found.pools[found.pools["k"] == 1].itertuples():
        comparator, _, population = row.comparator.partition(", ")
        own = effects[(effects["condition"] == row.condition) & (effects["comparator"] == comparator)]
        own = (own[own["population"] == population] if population else own).iloc[0]
        one, other = own["events1"] / own["n1"], own["events2"] / own["n2"]
        if one in (0, 1) or other in (0, 1):  # half a patient is added to every cell
            continue
        assert (row.control_risk, row.rr, row.rd) == pytest.approx((other, one / other, 100 * (one - other)))
        assert row.pooled_rd == pytest.approx(100 * (one - other))


def test_the_difference_is_the_ratio_at_the_median_risk_and_no_risk_passes_one(found):
    for row in found.pools.itertuples():
        for ratio, rd in ((row.rr, row.rd), (row.rr_low, row.rd_low), (row.rr_high, row.rd_high)):
            assert rd == pytest.approx(100 * (min(ratio * row.control_risk, 1) - row.control_risk))
        assert row.rd_high <= 100 * (1 - row.control_risk) + 1e-9


def test_a_number_needed_to_treat_is_given_only_where_zero_is_excluded(found):
    pools = found.pools
    shown = pools["nnt"].notna()
    assert shown.any() and not shown.all()
    assert ((pools["rd_low"] > 0) | (pools["rd_high"] < 0))[shown].all()
    np.testing.assert_allclose(pools.loc[shown, "nnt"], 100 / pools.loc[shown, "rd"].abs())
    np.testing.assert_allclose(pools.loc[shown, "nnt_low"], 100 / pools.loc[shown, "rd_high"])


def test_conditions_are_pooled_together_only_where_asked():
    both = responders(["low_back_pain", "knee_osteoarthritis"], comparator="sham", together=True).pools
    assert both["k"].tolist() == [4] and both["rd"].iloc[0] == pytest.approx(4.8, abs=0.1)
    with pytest.raises(ae.InputError, match="name them"):
        responders(together=True)


def test_the_pooled_difference_of_headache_is_the_published_arithmetic(found):
    row = found.pools.set_index(["condition", "comparator"]).loc[("headache", "sham")]
    assert (row["pooled_rd"], row["pooled_rd_low"], row["pooled_rd_high"]) == pytest.approx((11, -2, 25), abs=0.5)


@pytest.mark.parametrize(("condition", "p"), [("knee_osteoarthritis", 0.005), ("neck_pain", 0.017), ("low_back_pain", 0.027)])
def test_comparators_are_compared_in_one_model(condition, p):
    one = comparators(condition)
    assert one.p_model == pytest.approx(p, abs=1.5e-3)  # to the digits of a run by hand
    assert one.df == one.k - 2
    assert one.p_model == pytest.approx(2 * t.sf(abs(one.difference / one.se), one.k - 2))
    assert one.p_value == (one.p_model if np.isnan(one.p_robust) else max(one.p_model, one.p_robust))


@pytest.mark.parametrize(("condition", "trusted"), [("low_back_pain", True), ("neck_pain", False), ("shoulder_pain", False)])
def test_cluster_robust_tests_are_shown_from_four_degrees_of_freedom(condition, trusted):
    one = comparators(condition)  # Tipton 2015: below four the test's level is not known
    assert (one.robust_df > 4) is trusted is not bool(np.isnan(one.p_robust))
    assert one.p_value == (one.p_robust if trusted else one.p_model)


def test_shared_arms_are_counted_and_change_the_answer():
    one = comparators("knee_osteoarthritis")
    both = one.effects.groupby("trial_id")["comparator"].nunique()
    assert one.shared == (both == 2).sum() > 0
    apart = one.effects.assign(other=(one.effects["comparator"] == "usual_care").astype(float))
    alone = ae.meta_analysis("yi", "vi", data=apart, moderators="~ other")
    assert alone.coefficients.loc["other", "se"] != pytest.approx(one.se, rel=1e-3)


def test_too_few_trials_are_refused():
    with pytest.raises(ae.InputError, match="1 trials against usual_care; two or more"):
        comparators("fibromyalgia")
