"""One-stage models and person-time against metafor 5.1 (rma.glmm, rma.mh), and what binds them without it."""

import json
from pathlib import Path

import numpy as np
import pytest
from builders import METAFOR
from scipy.special import gammaln
from scipy.stats import binom, norm, poisson

import acuevidence as ae

REFERENCE = Path(__file__).parents[1] / "reference"


def reference(name):
    read = json.loads((REFERENCE / f"{name}.json").read_text(encoding="utf-8"))
    numbers = {key: np.array(cells, float) for key, cells in read["data"].items() if key != "study"}
    return numbers, read["expected"]


def person_time(name="glmm__dat.nielweise2008"):
    d, expected = reference(name)
    return (d["x1i"], d["t1i"], d["x2i"], d["t2i"]), expected


def people(name="glmm__dat.collins1985b"):
    d, expected = reference(name)
    return (d["ai"], d["ai"] + d["bi"], d["ci"], d["ci"] + d["di"]), expected


EFFECTS = {"ML": "random", "EE": "equal"}


@pytest.mark.parametrize("model", ["UM.FS", "CM.EL"])
@pytest.mark.parametrize("method", ["ML", "EE"])
def test_rate_ratios_agree_with_metafor_within_its_quadrature(model, method):
    arms, expected = person_time()
    want, found = expected[f"{model}|{method}"], ae.glmm(*arms, model=model, effects=EFFECTS[method], rates=True)
    assert found.estimate == pytest.approx(want["beta"][0], rel=2e-4)
    assert found.se == pytest.approx(want["se"][0], rel=2e-5)
    assert found.tau2 == pytest.approx(want["tau2"], rel=5e-4)
    assert found.i2 == pytest.approx(want["I2"], rel=5e-4)
    assert (found.q, found.q_p) == (pytest.approx(want["QE_LRT"], rel=1e-9), pytest.approx(want["QEp_LRT"], rel=1e-8))
    assert found.q_wald == pytest.approx(want["QE_Wld"], rel=1e-5)


@pytest.mark.parametrize("model", ["UM.FS", "CM.EL", "CM.AL"])
def test_equal_effects_agree_with_metafor_to_all_its_digits(model):
    arms, expected = people()
    want, found = expected[f"{model}|EE"], ae.glmm(*arms, model=model, effects="equal")
    assert found.estimate == pytest.approx(want["beta"][0], rel=1e-7)
    assert found.se == pytest.approx(want["se"][0], rel=5e-4)  # metafor's numerical second derivative in CM.EL
    assert (found.loglik, found.aic, found.bic) == (
        pytest.approx(want["logLik"], rel=1e-10),
        pytest.approx(want["AIC"], rel=1e-10),
        pytest.approx(want["BIC"], rel=1e-10),
    )
    assert (found.tau2, found.i2, found.h2, found.method) == (0, 0, 1, "EE")


def test_the_approximate_conditional_model_agrees_with_metafor():
    arms, expected = people()
    want, found = expected["CM.AL|ML"], ae.glmm(*arms, model="CM.AL")
    assert found.estimate == pytest.approx(want["beta"][0], rel=1e-5)
    assert found.se == pytest.approx(want["se"][0], rel=2e-5)
    assert found.tau2 == pytest.approx(want["tau2"], rel=5e-5)


@pytest.mark.parametrize("method", ["ML", "EE"])
def test_proportions_of_one_group_agree_with_metafor(method):
    d, expected = reference("glmm__dat.pritz1997")
    want, found = expected[f"PLO|{method}"], ae.glmm_single(d["xi"], d["ni"], effects=EFFECTS[method])
    assert found.estimate == pytest.approx(want["beta"][0], rel=2e-5)
    assert found.se == pytest.approx(want["se"][0], rel=5e-5)
    assert found.tau2 == pytest.approx(want["tau2"], rel=1e-4)
    assert found.q == pytest.approx(want["QE_LRT"], rel=1e-9)
    assert found.q_wald == pytest.approx(want["QE_Wld"], rel=1e-6)


def test_one_common_rate_is_all_events_over_all_time():
    found = ae.glmm_single([4, 0, 9], [120.5, 60, 231], effects="equal", rates=True)
    assert found.estimate == pytest.approx(np.log(13 / 411.5), rel=1e-9)
    assert found.se == pytest.approx(13**-0.5, rel=1e-8)
    assert "As a rate 0.0316" in found.summary()


def test_one_common_proportion_is_all_events_over_all_people():
    found = ae.glmm_single([4, 0, 9], [120, 60, 231], effects="equal")
    assert found.estimate == pytest.approx(np.log(13 / 398), rel=1e-9)
    assert found.se == pytest.approx((1 / 13 + 1 / 398) ** 0.5, rel=1e-8)


def test_rates_of_one_group_have_the_likelihood_of_a_mixture_summed_by_hand():
    x, t = np.array([4, 0, 9, 30]), np.array([120.5, 60, 231, 300])
    found = ae.glmm_single(x, t, rates=True)

    def loglik(theta, tau):
        z = np.linspace(theta - 12 * tau, theta + 12 * tau, 20001)
        mass = norm.pdf(z, theta, tau) * (z[1] - z[0])
        return sum(np.log((poisson.pmf(xi, ti * np.exp(z)) * mass).sum()) for xi, ti in zip(x, t, strict=True))

    best, tau = found.estimate, found.tau2**0.5
    assert found.loglik == pytest.approx(loglik(best, tau), rel=1e-9)
    assert all(loglik(best + a, tau + b) < found.loglik for a, b in ((0.01, 0), (-0.01, 0), (0, 0.01), (0, -0.01)))


@pytest.mark.parametrize("rates", [False, True])
def test_random_intercepts_have_the_likelihood_of_two_mixtures_summed_by_hand(rates):
    x1, n1, x2, n2 = np.array([[4, 60, 11, 70], [9, 80, 8, 75], [2, 50, 14, 55], [12, 90, 13, 88], [1, 40, 9, 41]]).T
    found = ae.glmm(x1, n1, x2, n2, model="UM.RS", rates=rates)
    assert found.tau2 > 0
    assert found.sigma2 > 0

    def loglik(theta, tau, alpha, sigma):
        s = np.linspace(-9, 9, 301)
        mass = norm.pdf(s) * (s[1] - s[0])
        z, a = theta + tau * s[:, None], alpha + sigma * s
        total = 0.0
        for k in range(len(x1)):
            if rates:
                there = poisson.pmf(x1[k], n1[k] * np.exp(a + z / 2)) * poisson.pmf(x2[k], n2[k] * np.exp(a - z / 2))
            else:
                p1, p2 = 1 / (1 + np.exp(-a - z / 2)), 1 / (1 + np.exp(-a + z / 2))
                there = binom.pmf(x1[k], n1[k], p1) * binom.pmf(x2[k], n2[k], p2)
            total += np.log(mass @ there @ mass)
        return total

    from scipy.optimize import minimize

    at = np.array([found.estimate, found.tau2**0.5, 0.0, found.sigma2**0.5])
    at[2] = minimize(lambda alpha: -loglik(at[0], at[1], alpha[0], at[3]), [-2.0], tol=1e-12).x[0]
    assert loglik(*at) == pytest.approx(found.loglik, rel=1e-9)
    for i in range(4):
        for step in (0.01, -0.01):
            beside = at.copy()
            beside[i] += step
            assert loglik(*beside) < found.loglik


def test_trials_alike_in_everything_have_neither_spread():
    found = ae.glmm(*(np.full(6, n) for n in (12, 40, 20, 42)), model="UM.RS")
    assert found.tau2 == 0
    assert found.sigma2 == pytest.approx(0, abs=1e-6)
    assert found.estimate == pytest.approx(np.log(12 * 22 / (28 * 20)), rel=1e-6)


@pytest.mark.parametrize("model", ["UM.FS", "UM.RS", "CM.EL"])
@pytest.mark.parametrize("unit", [1 / 365.25, 1e6])
def test_rate_ratios_do_not_depend_on_the_unit_of_time(model, unit):
    (x1, t1, x2, t2), _ = person_time()
    there, here = (ae.glmm(x1, t1 * u, x2, t2 * u, model=model, rates=True) for u in (1.0, unit))
    assert here.estimate == pytest.approx(there.estimate, rel=1e-6)
    assert here.tau2 == pytest.approx(there.tau2, rel=1e-5)
    assert here.se == pytest.approx(there.se, rel=1e-6)


@pytest.mark.parametrize("model", ["UM.FS", "UM.RS", "CM.EL", "CM.AL"])
def test_exchanging_the_groups_turns_the_sign(model):
    (x1, n1, x2, n2), _ = people()
    there, back = ae.glmm(x1, n1, x2, n2, model=model), ae.glmm(x2, n2, x1, n1, model=model)
    assert back.estimate == pytest.approx(-there.estimate, abs=1e-7)
    assert back.tau2 == pytest.approx(there.tau2, rel=1e-6)


# --- person-time by Mantel and Haenszel ---------------------------------------------------------------------------


@pytest.mark.parametrize("measure", ["IRR", "IRD"])
def test_person_time_agrees_with_metafor(measure):
    arms, expected = person_time("mh__dat.nielweise2008")
    found, want = ae.mantel_haenszel(*arms, measure=measure), expected[f"MH_{measure}"]
    for ours, theirs in METAFOR.items():
        assert getattr(found, ours) == pytest.approx(want[theirs], rel=1e-8), ours
    if measure == "IRR":
        assert (found.cmh, found.cmh_p) == (pytest.approx(want["MH"], rel=1e-9), pytest.approx(want["MHp"], rel=1e-9))


@pytest.mark.parametrize("unit", [1 / 365.25, 1e6])
def test_person_time_may_have_any_unit(unit):
    (x1, t1, x2, t2), _ = person_time()
    ratio = [ae.mantel_haenszel(x1, t1 * u, x2, t2 * u, measure="IRR") for u in (1.0, unit)]
    assert ratio[1].estimate == pytest.approx(ratio[0].estimate, rel=1e-12)
    gap = [ae.mantel_haenszel(x1, t1 * u, x2, t2 * u, measure="IRD") for u in (1.0, unit)]
    assert gap[1].estimate * unit == pytest.approx(gap[0].estimate, rel=1e-12)
    assert gap[1].q == pytest.approx(gap[0].q, rel=1e-10)


# --- each trial's part -----------------------------------------------------------------------------------------------

POOLS = {
    "OR": lambda *arms, **more: ae.mantel_haenszel(*arms, **more),
    "RR": lambda *arms, **more: ae.mantel_haenszel(*arms, measure="RR", **more),
    "RD": lambda *arms, **more: ae.mantel_haenszel(*arms, measure="RD", **more),
    "IRR": lambda *arms, **more: ae.mantel_haenszel(*arms, measure="IRR", **more),
    "IRD": lambda *arms, **more: ae.mantel_haenszel(*arms, measure="IRD", **more),
    "Peto": lambda *arms, **more: ae.peto(*arms, **more),
}
TRIALS = np.array([[4, 60, 11, 70], [9, 80, 8, 75], [2, 50, 14, 55], [12, 90, 13, 88], [0, 40, 9, 41], [0, 30, 0, 33]], float).T
ROW = ["estimate", "se", "statistic", "p_value", "ci_low", "ci_high", "q", "q_p", "i2", "h2"]


@pytest.mark.parametrize("pool", POOLS)
def test_leaving_a_trial_out_is_pooling_the_others(pool):
    frame = POOLS[pool](*TRIALS, labels=list("ABCDEF")).leave_one_out()
    assert frame.index.tolist() == list("ABCDEF")
    for i, label in enumerate("ABCDEF"):
        alone = POOLS[pool](*np.delete(TRIALS, i, axis=1))
        assert [getattr(alone, name) for name in ROW] == pytest.approx(frame.loc[label, ROW].tolist(), rel=1e-9, abs=1e-9), label


@pytest.mark.parametrize("pool", POOLS)
def test_trials_accumulate_in_the_order_given(pool):
    frame = POOLS[pool](*TRIALS, labels=list("ABCDEF")).cumulative(order=[3, 1, 2, 6, 5, 4])
    assert frame.index.tolist() == list("BCAFED")
    first = POOLS[pool](*TRIALS[:, [1, 2, 0, 5]])
    assert [getattr(first, name) for name in ROW] == pytest.approx(frame.loc["F", ROW].tolist(), rel=1e-9, abs=1e-9)


def test_sets_without_the_events_a_ratio_needs_have_no_effect():
    frame = ae.mantel_haenszel([0, 0, 3], [50, 40, 60], [2, 3, 4], [50, 41, 58], measure="RR").leave_one_out()
    assert frame["estimate"].isna().tolist() == [False, False, True]
    assert frame.loc[2].isna().all()


def test_influence_names_the_trial_that_moves_the_result():
    result = ae.mantel_haenszel([4, 6, 3, 25], [60, 50, 40, 60], [9, 8, 7, 8], [58, 52, 41, 60], labels=list("ABCD"))
    frame, without = result.influence(), result.leave_one_out()
    # Log odds ratio of D by hand, and its distance from the others in units of both variances.
    own, variance = np.log(25 * 52 / (35 * 8)), 1 / 25 + 1 / 35 + 1 / 8 + 1 / 52
    want = (own - without.at["D", "estimate"]) / np.sqrt(variance + without.at["D", "se"] ** 2)
    assert frame.at["D", "rstudent"] == pytest.approx(want, rel=1e-12)
    assert frame.at["D", "cov_r"] == pytest.approx((without.at["D", "se"] / result.se) ** 2, rel=1e-12)
    assert frame["cook_d"].idxmax() == "D"
    assert frame["influential"].equals((frame["cook_d"] > 0.4549364) | (frame["dfbetas"].abs() > 1))  # median of chi-square, 1 df
    assert frame.at["D", "influential"]


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: ae.glmm([1, 2], [9.5, 4], [4, 2], [60, 60]), "n1 must be whole numbers: row 0 has 9.5"),
        (lambda: ae.glmm([1, 2], [9.5, 0], [4, 2], [60, 60], rates=True), "n1 is person-time and must be positive: row 1"),
        (lambda: ae.glmm([0, 0], [9.5, 4], [4, 2], [60, 60], rates=True), "every trial points to a rate ratio of 0"),
        (lambda: ae.glmm([1, 2], [9.5, 4], [4, 2], [60, 60], rates=True, model="CM.AL"), "model='CM.EL'"),
        (lambda: ae.glmm([1, 2], [9, 4], [4, 2], [60, 60], effects="fixed"), "effects='fixed' is not known"),
        (lambda: ae.glmm_single([0, 0], [60, 60]), "no event in any trial"),
        (lambda: ae.glmm_single([60, 50], [60, 50]), "everybody had the event"),
        (lambda: ae.glmm_single([1], [60]), "needs two trials"),
        (lambda: ae.mantel_haenszel([0, 0], [60, 60], [4, 2], [60, 60], measure="IRR"), "no rate ratio; use measure='IRD'"),
        (lambda: ae.mantel_haenszel([1], [60], [4], [60]).leave_one_out(), "needs two trials"),
        (lambda: ae.mantel_haenszel([1, 2], [60, 40], [4, 2], [60, 30]).influence(), "needs 3 trials"),
    ],
)
def test_what_cannot_be_pooled_is_refused_by_name(call, words):
    with pytest.raises(ae.AcuevidenceError, match=words):
        call()


def test_one_trial_of_equal_effects_is_the_trial_itself():
    found = ae.glmm([12], [40], [20], [42], effects="equal")
    assert found.estimate == pytest.approx(np.log(12 * 22 / (28 * 20)), rel=1e-9)
    assert found.se == pytest.approx((1 / 12 + 1 / 28 + 1 / 20 + 1 / 22) ** 0.5, rel=1e-8)
    assert (found.q, found.q_p) == (pytest.approx(0, abs=1e-9), 1)


def test_equal_proportions_have_the_likelihood_of_one_binomial_a_trial():
    x, n = np.array([4, 0, 9]), np.array([120, 60, 231])
    found, p = ae.glmm_single(x, n, effects="equal"), 13 / 411
    choose = gammaln(n + 1) - gammaln(x + 1) - gammaln(n - x + 1)
    assert found.loglik == pytest.approx((choose + x * np.log(p) + (n - x) * np.log(1 - p)).sum(), rel=1e-10)
