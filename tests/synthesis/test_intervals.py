"""Intervals by bootstrap, for prediction and robust to small-study effects, against pimeta and metafor."""

import json
from pathlib import Path

import numpy as np
import pytest

import acuevidence as ae
from acuevidence.synthesis.intervals import _drawn_tau2

REFERENCE = Path(__file__).parents[1] / "reference"


def read(name):
    return json.loads((REFERENCE / f"{name}.json").read_text())


def test_bootstrap_prediction_agrees_with_pimeta_within_its_simulation_error():
    known = read("pimeta__dat.raudenbush1985")
    want = known["expected"]["boot"]
    low, high = ae.meta_analysis(known["data"]["yi"], known["data"]["vi"]).bootstrap_prediction(seed=3)
    width = want["upi"] - want["lpi"]
    assert low == pytest.approx(want["lpi"], abs=0.02 * width)
    assert high == pytest.approx(want["upi"], abs=0.02 * width)


def test_tau2_drawn_under_equal_variances_has_the_q_profile_limits_as_quantiles():
    y, v = [0.1, 0.9, -0.4, 0.6, 0.2, 1.1], [0.04] * 6
    fitted = ae.meta_analysis(y, v)
    drawn = _drawn_tau2(fitted.vi, fitted.q, np.random.default_rng(1).normal(size=(200_000, 6)))
    low, high = fitted.tau2_interval("QP")
    assert np.mean(drawn <= low) == pytest.approx(0.025, abs=0.002)
    assert np.mean(drawn >= high) == pytest.approx(0.025, abs=0.002)


def test_henmi_copas_agrees_with_metafor_on_bcg():
    # metafor's hc(rma(yi, vi, data = dat.bcg)); its root search stops at 1e-4.
    known = read("tau2ci__dat.bcg__RR")["data"]
    found = ae.meta_analysis(known["yi"], known["vi"]).henmi_copas().iloc[0]
    assert found["estimate"] == pytest.approx(-0.43028516365409103, rel=1e-9)
    assert found["se"] == pytest.approx(0.28354435135524986, rel=1e-9)
    assert found["ci_low"] == pytest.approx(-1.155511867500363, abs=1e-4)
    assert found["ci_high"] == pytest.approx(0.29494154019218094, abs=1e-4)


def test_q_profile_interval_agrees_with_metafor_on_bcg():
    known = read("tau2ci__dat.bcg__RR")
    found = ae.meta_analysis(known["data"]["yi"], known["data"]["vi"]).tau2_interval()
    want = known["expected"]["no_moderators"]["QP"]["tau2"]
    assert found == pytest.approx(want[1:3], rel=1e-4)


@pytest.mark.parametrize("kind", ["parametric", "study"])
def test_bootstrap_centres_on_the_estimate_and_repeats_under_its_seed(kind):
    known = read("tau2ci__dat.bcg__RR")["data"]
    fitted = ae.meta_analysis(known["yi"], known["vi"])
    found = fitted.bootstrap(kind, seed=5)
    assert found.loc["Intercept", "ci_low"] < fitted.estimate < found.loc["Intercept", "ci_high"]
    assert found.loc["Intercept", "se"] == pytest.approx(fitted.se, rel=0.15)
    assert found.equals(fitted.bootstrap(kind, seed=5))
    assert not found.equals(fitted.bootstrap(kind, seed=6))


def test_parametric_bootstrap_of_tau2_is_the_bt_interval():
    known = read("tau2ci__dat.bcg__RR")["data"]
    fitted = ae.meta_analysis(known["yi"], known["vi"])
    row = fitted.bootstrap(seed=2).loc["tau2"]
    assert fitted.tau2_interval("BT", seed=2) == (row["ci_low"], row["ci_high"])


def test_one_trial_has_no_such_intervals_and_two_have():
    one, two = ae.meta_analysis([0.2], [0.02]), ae.meta_analysis([0.2, 0.5], [0.02, 0.03])
    for ask in (
        lambda r: r.bootstrap(),
        lambda r: r.bootstrap_prediction(),
        lambda r: r.henmi_copas(),
        lambda r: r.tau2_interval(),
    ):
        with pytest.raises(ae.InputError):
            ask(one)
    assert two.bootstrap_prediction(seed=1)[0] < two.estimate < two.bootstrap_prediction(seed=1)[1]


def test_a_bootstrapped_prediction_of_three_trials_is_by_t_with_two_degrees_of_freedom():
    # Q is 0.02 where 2 are expected, so that nearly every draw of tau2 is 0: what is left is t times sqrt(0.02 / 6)
    low, high = ae.meta_analysis([0.0, 0.1, 0.2], [1.0, 1.0, 1.0], method="DL").bootstrap_prediction(n=20_000, seed=1)
    half = 4.302653 * (0.02 / 6) ** 0.5
    assert (low, high) == pytest.approx((0.1 - half, 0.1 + half), abs=0.25 * half)
