"""Do the tests of asymmetry give what metafor, meta and metasens give, and do they know when to keep silent?

The reference files hold the output of metafor 5.1 (regtest, ranktest, trimfill, fsn, tes), meta 8.3 (metabias) and metasens 1.5
(limitmeta) on published data sets; PET and PEESE there are R's lm. metafor's meta-regressions stop at a tolerance of 1e-5 in
tau2, so what rests on them is compared to 2e-4; what is closed form to 1e-9.
"""

import json
import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy import stats

import acuevidence as ae

REFERENCE = Path(__file__).parents[1] / "reference"
DATASETS = ("dat.bcg", "dat.nielweise2008", "syn.wideA")
PREDICTORS = {"sei": "se", "vi": "vi", "ninv": "1/n", "sqrtninv": "1/sqrt(n)", "ni": "n"}


def reference(name):
    return json.loads((REFERENCE / f"pubbias__{name}.json").read_text())


def pooled(name, **options):
    data = reference(name)["data"]
    n = {"n": data["ni_total"]} if data.get("ni_total") else {}
    return ae.meta_analysis(data["yi"], data["vi"], **{"test": "z", **options}, **n)


@pytest.mark.parametrize("name", DATASETS)
@pytest.mark.parametrize("model", ["rma", "lm"])
@pytest.mark.parametrize("predictor", PREDICTORS)
def test_eggers_family_agrees_with_metafor(name, model, predictor):
    want = reference(name)["expected"]["regtest"].get(f"{model}|{predictor}")
    if want is None:
        assert "ni_total" not in reference(name)["data"]
        return
    found = pooled(name).small_study_test(model=model, predictor=PREDICTORS[predictor])
    near = {"rel": 1e-9} if model == "lm" else {"rel": 2e-4, "abs": 1e-6}
    assert found.statistic == pytest.approx(want["zval"], **near)
    assert found.p_value == pytest.approx(want["pval"], **near)
    assert found.slope == pytest.approx(want["coef"][1], **near)
    assert found.slope_se == pytest.approx(want["se"][1], **near)
    assert found.df == (want["ddf"] if model == "lm" else None)
    if want["limit_estimate"] is None:
        assert found.limit is None
    else:
        limits = (found.limit, found.limit_low, found.limit_high)
        assert limits == pytest.approx((want["limit_estimate"], want["limit_ci_lb"], want["limit_ci_ub"]), **near)


@pytest.mark.parametrize("name", DATASETS)
def test_beggs_rank_test_agrees_with_metafor(name):
    want = reference(name)["expected"]["ranktest"]
    found = pooled(name).small_study_test(kind="begg")
    assert (found.statistic, found.p_value) == pytest.approx((want["tau"], want["pval"]), rel=1e-9)


@pytest.mark.parametrize("kind", ["peters", "harbord"])
def test_tests_for_odds_ratios_agree_with_meta(kind):
    data = reference("dat.bcg")["data"]
    counts = pd.DataFrame({"events1": data["ai"], "n1": data["n1i"], "events2": data["ci"], "n2": data["n2i"]})
    effects = pd.concat([counts, ae.effect_size("OR", data=counts, events1="events1", n1="n1", events2="events2", n2="n2")], axis=1)
    want = reference("dat.bcg")["expected"]["metabias"][f"{kind.capitalize()}|OR"]
    found = ae.meta_analysis(data=effects).small_study_test(kind=kind)
    assert (found.statistic, found.p_value, found.df) == pytest.approx((want["statistic"], want["pval"], want["df"]), rel=1e-9)
    assert found.slope == pytest.approx(want["estimate"]["bias"], rel=1e-9)
    turned = ae.meta_analysis(data=effects.assign(yi=-effects.yi)).small_study_test(kind=kind)
    assert turned.statistic == pytest.approx(-want["statistic"], rel=1e-9)


@pytest.mark.parametrize("name", DATASETS)
def test_pet_and_peese_are_weighted_least_squares(name):
    found = pooled(name).pet_peese()
    for row in ("PET", "PEESE"):
        want = reference(name)["expected"][row]
        assert (found.loc[row, "estimate"], found.loc[row, "slope"]) == pytest.approx(want["coef"], rel=1e-8)
        assert (found.loc[row, "se"], found.loc[row, "slope_se"]) == pytest.approx(want["se"], rel=1e-8)
        assert found.loc[row, "p_value"] == pytest.approx(want["p"][0], rel=1e-8)
    assert found["chosen"].sum() == 1
    assert bool(found.loc["PEESE", "chosen"]) == (found.loc["PET", "p_value"] < 0.10)


@pytest.mark.parametrize("name", DATASETS)
def test_limit_meta_analysis_agrees_with_metasens(name):
    want = reference(name)["expected"]["limitmeta"]
    found = pooled(name).limit_meta_analysis()
    assert (found.estimate, found.se) == pytest.approx((want["TE_adjust"], want["seTE_adjust"]), rel=1e-4, abs=1e-6)
    assert (found.ci_low, found.ci_high) == pytest.approx((want["lower"], want["upper"]), rel=1e-4, abs=1e-6)
    assert (found.q_small, found.q_resid) == pytest.approx((want["Q_small"], want["Q_resid"]), rel=1e-9, abs=1e-9)
    assert found.g2 / 100 == pytest.approx(want["G_squared"], rel=1e-4, abs=1e-6)
    np.testing.assert_allclose(found.limits["yi"], want["TE_limit"], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", DATASETS)
@pytest.mark.parametrize("method", ["REML", "DL", "EE"])
@pytest.mark.parametrize("estimator", ["L0", "R0", "Q0"])
@pytest.mark.parametrize("side", ["auto", "left", "right"])
def test_trim_and_fill_agrees_with_metafor(name, method, estimator, side):
    want = reference(name)["expected"]["trimfill"].get(f"{method}|{estimator}|{side}")
    assert want is not None or method == "EE"
    if not want or want.get("k0") is None:
        return
    found = pooled(name, method=method).trim_and_fill(estimator, None if side == "auto" else side)
    assert (found.k0, found.side) == (want["k0"], want["side"])
    assert (found.estimate, found.se) == pytest.approx((want["beta"], want["se"]), rel=2e-4, abs=1e-6)
    assert found.k0_se == pytest.approx(math.nan if want["se_k0"] is None else want["se_k0"], rel=1e-9, nan_ok=True)
    assert found.p_k0 == (None if want["p_k0"] is None else pytest.approx(want["p_k0"]))
    np.testing.assert_allclose(sorted(found.filled["yi"]), sorted(want["filled_yi"]), rtol=2e-4, atol=1e-6)


@pytest.mark.parametrize("name", DATASETS)
@pytest.mark.parametrize("kind", ["rosenthal", "orwin", "rosenberg"])
def test_fail_safe_n_agrees_with_metafor(name, kind):
    want = reference(name)["expected"]["fsn"][kind.capitalize()]
    found = pooled(name).fail_safe_n(kind)
    assert found.n == want["fsnum"]
    if want["pval"] is not None:
        assert found.p_value == pytest.approx(want["pval"], rel=1e-9)
    assert any("says nothing about bias" in note for note in found.notes)


def test_orwin_needs_no_number_when_the_target_lies_on_the_other_side():
    assert pooled("dat.bcg").fail_safe_n("orwin", target=0.1).n == math.inf
    assert pooled("dat.bcg").fail_safe_n("orwin", target=-0.05).n == 99  # metafor, weighted


@pytest.mark.parametrize("name", DATASETS)
@pytest.mark.parametrize("test", ["chi2", "binom", "exact"])
def test_excess_significance_agrees_with_metafor(name, test):
    expected = reference(name)["expected"]["tes"]
    want = expected.get(test)
    if want is None:
        assert test == "exact"
        return
    found = pooled(name, method="EE").excess_significance(test=test)
    assert (found.observed, found.expected) == pytest.approx((want["O"], want["E"]), rel=1e-9)
    assert found.p_value == pytest.approx(want["pval"], rel=1e-9)
    np.testing.assert_allclose(found.power, expected["power"], rtol=1e-9)


def test_power_under_heterogeneity_is_the_average_over_true_effects():
    result = pooled("dat.bcg")
    found = result.excess_significance()
    true = np.linspace(-8, 8, 4001) * math.sqrt(result.tau2) + result.estimate
    weight = np.exp(-0.5 * ((true - result.estimate) ** 2) / result.tau2)
    from scipy.stats import norm

    for power, variance in zip(found.power, result.vi, strict=True):
        z = true / math.sqrt(variance)
        assert power == pytest.approx(np.average(norm.sf(1.959963984540054 - z) + norm.cdf(-1.959963984540054 - z), weights=weight))


@settings(max_examples=25, deadline=None)
@given(st.lists(st.tuples(st.floats(-2, 2), st.floats(0.01, 1.0)), min_size=4, max_size=12), st.floats(0.01, 100))
def test_asymmetry_does_not_depend_on_unit_or_sign(trials, unit):
    y, v = np.array(trials).T
    if np.ptp(v) < 1e-3 or np.ptp(y) < 1e-3:
        return
    found = ae.meta_analysis(y, v, method="DL").small_study_test(model="lm")
    assume(abs(found.statistic) < 1e6)  # trials on one line leave nothing but rounding
    scaled = ae.meta_analysis(unit * y, unit**2 * v, method="DL").small_study_test(model="lm")
    turned = ae.meta_analysis(-y, v, method="DL").small_study_test(model="lm")
    assert scaled.statistic == pytest.approx(found.statistic, rel=1e-6, abs=1e-6)
    assert turned.statistic == pytest.approx(-found.statistic, rel=1e-9, abs=1e-9)


@pytest.mark.parametrize(
    "ask",
    [
        lambda r: r.small_study_test(),
        lambda r: r.small_study_test(kind="begg"),
        lambda r: r.trim_and_fill(),
        lambda r: r.fail_safe_n(),
        lambda r: r.pet_peese(),
        lambda r: r.excess_significance(),
        lambda r: r.limit_meta_analysis(),
        lambda r: r.selection_model(),
        lambda r: r.p_uniform(),
        lambda r: r.sequential(),
    ],
)
def test_two_trials_are_refused_and_few_are_flagged(ask):
    with pytest.raises(ae.InputError, match="at least 3 trials; this result has 2"):
        ask(ae.meta_analysis([0.2, 0.5], [0.02, 0.05]))


def test_fewer_than_ten_trials_are_flagged_in_the_result_itself():
    few = ae.meta_analysis([0.2, 0.5, 0.1, 0.6], [0.02, 0.05, 0.03, 0.08])
    for found in (few.small_study_test(), few.trim_and_fill(), few.excess_significance(), few.limit_meta_analysis()):
        assert "with fewer than 10" in found.summary()
    assert "with fewer than 10" not in pooled("dat.bcg").small_study_test().summary()


def test_a_test_that_lacks_its_data_says_what_to_give():
    result = ae.meta_analysis([0.2, 0.5, 0.1], [0.02, 0.05, 0.03])
    with pytest.raises(ae.InputError, match="give n= to meta_analysis"):
        result.small_study_test(predictor="1/n")
    with pytest.raises(ae.InputError, match="events1, n1, events2 and n2"):
        result.small_study_test(kind="peters")
    with pytest.raises(ae.InputError, match="did you mean 'egger'"):
        result.small_study_test(kind="eger")
    with pytest.raises(ae.InputError, match="same in every trial"):
        ae.meta_analysis([0.2, 0.5, 0.1], [0.02, 0.02, 0.02]).small_study_test()
    frame = pd.DataFrame({"yi": [0.2, 0.5, 0.1, 0.3], "vi": [0.02, 0.05, 0.03, 0.04], "x": [1.0, 2.0, 3.0, 5.0]})
    with pytest.raises(ae.InputError, match="has moderators"):
        ae.meta_analysis("yi", "vi", data=frame, moderators="~ x").trim_and_fill()


def test_peese_stands_in_where_pet_finds_an_effect_at_a_tenth():
    y, v = [0.31, 0.14, 0.45, 0.19, 0.18, 0.09, 0.34, 0.23], [0.06, 0.067, 0.165, 0.027, 0.124, 0.148, 0.046, 0.02]
    found = ae.meta_analysis(y, v).pet_peese()
    # ordinary weighted regression on the standard error, its residual variance free
    X, w = np.column_stack([np.ones(8), np.sqrt(v)]), 1 / np.array(v)
    inverse = np.linalg.inv(X.T @ (w[:, None] * X))
    b = inverse @ X.T @ (w * np.array(y))
    scale = (w * (np.array(y) - X @ b) ** 2).sum() / 6
    p = 2 * stats.t.sf(abs(b[0]) / math.sqrt(scale * inverse[0, 0]), 6)
    assert found.loc["PET", "p_value"] == pytest.approx(p)
    assert 0.05 < p < 0.10
    assert found["chosen"].tolist() == [False, True]
