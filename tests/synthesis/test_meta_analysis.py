"""meta_analysis against metafor on public data, and the conventions it must name.

The expected values are in tests/reference (see the README there). A difference in an estimate means that tau2 or the weights
are wrong; one in an interval alone means the test's adjustment.
"""

import json
import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import acuevidence as ae
from acuevidence.errors import InputError

REFERENCE = Path(__file__).resolve().parents[1] / "reference"
TESTS = {"z": "z", "t": "t", "knha": "HKSJ", "adhoc": "HKSJ-adhoc"}


def _reference(name):
    return json.loads((REFERENCE / f"{name}.json").read_text())


@pytest.mark.parametrize("name", ["uni__dat.bcg__RR", "uni__syn.k2A"])
@pytest.mark.parametrize("method", ["EE", "DL", "HE", "HS", "HSk", "SJ", "ML", "REML", "EB", "PM", "PMM"])
@pytest.mark.parametrize("test", TESTS)
def test_every_estimator_and_test_agrees_with_metafor(name, method, test):
    found = _reference(name)
    expected = found["expected"][method]
    if test not in expected["tests"]:
        assert method == "EE"
        return
    yi, vi = np.array(found["data"]["yi"], float), np.array(found["data"]["vi"], float)
    one = ae.meta_analysis(yi, vi, method=method, test=TESTS[test])
    for attribute, key in [
        ("estimate", "beta"),
        ("se", "se"),
        ("p_value", "pval"),
        ("ci_low", "ci_lb"),
        ("ci_high", "ci_ub"),
    ]:
        assert getattr(one, attribute) == pytest.approx(float(expected["tests"][test][key][0]), rel=1e-6, abs=1e-8)
    assert one.tau2 == pytest.approx(float(expected["common"]["tau2"]), rel=1e-6, abs=1e-7)
    assert one.i2 == pytest.approx(float(expected["common"]["I2"]), rel=1e-6, abs=1e-6)
    np.testing.assert_allclose(one.weights, expected["common"]["weights_percent"], rtol=1e-6)
    common, predicted = expected["common"], expected["tests"][test].get("predict", {})
    numbers = {"tau2_se": "se_tau2", "h2": "H2", "q": "QE", "q_p": "QEp"}
    for attribute, key in numbers.items():
        if common[key] is not None and not (attribute == "tau2_se" and method == "EE"):
            assert getattr(one, attribute) == pytest.approx(float(common[key]), rel=1e-6, abs=1e-7), attribute
    fitted = common.get("fit_stats", {}).get("REML" if method == "REML" else "ML", {})
    for attribute, key in {"loglik": "logLik", "aic": "AIC", "bic": "BIC", "aicc": "AICc"}.items():
        if isinstance(fitted.get(key), float) and math.isfinite(fitted[key]):
            assert getattr(one, attribute) == pytest.approx(fitted[key], rel=1e-6), attribute
    if "pi.lb" in predicted and method != "EE" and test != "z":  # under z metafor predicts by the normal distribution
        assert (one.pi_low, one.pi_high) == pytest.approx((predicted["pi.lb"], predicted["pi.ub"]), rel=1e-6)
        table = one.predict()
        assert table[["pi_low", "pi_high"]].iloc[0].tolist() == pytest.approx([predicted["pi.lb"], predicted["pi.ub"]], rel=1e-6)


def test_the_q_profile_interval_agrees_with_metafor():
    found = _reference("tau2ci__dat.bcg__RR")
    low, high = ae.meta_analysis(found["data"]["yi"], found["data"]["vi"]).tau2_interval("QP")
    expected = found["expected"]["no_moderators"]["QP"]["tau2"]
    assert (low, high) == pytest.approx((expected[1], expected[2]), rel=1e-4)


@pytest.mark.parametrize("scale", [1e-6, 1e-3, 1.0, 1e4])
def test_reml_does_not_depend_on_the_unit_of_the_effects(scale):
    found = _reference("uni__dat.bcg__RR")["data"]
    yi, vi = np.array(found["yi"], float), np.array(found["vi"], float)
    plain, scaled = ae.meta_analysis(yi, vi), ae.meta_analysis(scale * yi, scale**2 * vi)
    assert scaled.tau2 / scale**2 == pytest.approx(plain.tau2, rel=1e-10)
    assert scaled.ci_low / scale == pytest.approx(plain.ci_low, rel=1e-10)


def test_one_trial_keeps_its_own_interval_and_says_so():
    one = ae.meta_analysis([0.5], [0.04])
    assert (one.estimate, one.se, one.tau2, one.k) == (0.5, pytest.approx(0.2), None, 1)
    assert one.ci_low == pytest.approx(0.5 - 1.959963984540054 * 0.2)
    assert "One trial" in one.summary()


def test_two_trials_are_flagged_as_wide():
    assert any("wide" in note for note in ae.meta_analysis([0.5, 0.1], [0.04, 0.04]).notes)


def test_no_trial_is_an_error_that_says_why():
    with pytest.raises(InputError, match="no trial"):
        ae.meta_analysis([], [])


def test_an_impossible_variance_names_its_row():
    data = pd.DataFrame({"yi": [0.1, 0.2], "vi": [0.1, 0.0]}, index=["Foster 2007", "Witt 2005"])
    with pytest.raises(InputError, match="Witt 2005"):
        ae.meta_analysis("yi", "vi", data=data)


def test_sham_and_usual_care_are_not_pooled_without_an_explicit_word():
    effects = ae.trial_effects("low_back_pain")
    apart = ae.meta_analysis("yi", "vi", data=effects, by="comparator")
    assert apart.overall is None
    assert ae.meta_analysis("yi", "vi", data=effects, by="comparator", overall=True).overall.k == len(effects)


def test_the_test_between_groups_is_the_weighted_sum_of_squares_about_their_mean():
    effects = ae.trial_effects("neck_pain")
    apart = ae.meta_analysis("yi", "vi", data=effects, by="comparator", test="z")
    estimate = np.array([one.estimate for one in apart.values()])
    weight = np.array([one.se for one in apart.values()]) ** -2.0
    mean = (weight * estimate).sum() / weight.sum()
    assert apart.between.q == pytest.approx((weight * (estimate - mean) ** 2).sum())
    assert apart.between.df == 1


def test_every_convention_is_named_in_the_repr():
    text = repr(ae.pooled("knee_osteoarthritis")["sham"])
    for word in ("REML", "HKSJ", "I² from τ²", "prediction interval V", "Q-profile"):
        assert word in text


def test_rows_that_are_left_out_are_listed_with_their_reason():
    one = ae.meta_analysis([0.1, np.nan, 0.3], [0.1, 0.1, 0.1], labels=["a", "b", "c"], missing="drop")
    assert one.k == 2
    assert one.excluded[["study", "reason"]].values.tolist() == [["b", "yi is missing"]]


def test_trials_that_agree_exactly_have_a_test_statistic_and_a_flag_but_no_failure():
    one = ae.meta_analysis([0.3, 0.3, 0.3], [0.1, 0.2, 0.1], test="HKSJ")
    assert (one.estimate, one.se, one.p_value) == (pytest.approx(0.3), 0.0, 0.0)
    assert any("HKSJ-adhoc" in note for note in one.notes)
    nothing = ae.meta_analysis(np.zeros(4), np.ones(4), test="HKSJ")
    assert (nothing.statistic, nothing.p_value) == (0.0, 1.0)
