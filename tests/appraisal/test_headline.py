"""Is what is printed of few trials what an independent integral gives, and does it say no more than the trials?"""

import math

import numpy as np
import pandas as pd
import pytest
from scipy.integrate import quad
from scipy.stats import norm, t

import acuevidence as ae
from acuevidence.appraisal.states import spanning, state_of
from acuevidence.evidence.carried import carry

EVIDENCE = ae.load_evidence()


def effects(yi, vi, outcome="pain", condition="neck_pain", measure="SMD", n=500):
    frame = pd.DataFrame(
        {"yi": yi, "vi": vi, "outcome": outcome, "condition": condition, "comparator": "sham", "effect": measure, "n1": n, "n2": n}
    )
    frame["study"] = frame["trial_id"] = [f"t{i}" for i in range(len(frame))]
    return carry(frame, topic=EVIDENCE.topic, direction="benefit", evidence=EVIDENCE)


def pooled(*args, **options):
    return ae.meta_analysis("yi", "vi", data=effects(*args, **options), labels="study")


def posterior_cdf(x, y, v, log_density, ahead=False):
    """Return P(mu <= x), or of a new trial's effect, by scipy's adaptive rule over log tau2."""

    def given(log_tau2):
        tau2 = math.exp(log_tau2)
        w = 1 / (v + tau2)
        mean = float(w @ y / w.sum())
        log = 0.5 * np.log(w).sum() - 0.5 * math.log(w.sum()) - 0.5 * float(w @ (y - mean) ** 2)
        sd = math.sqrt(1 / w.sum() + (tau2 if ahead else 0))
        return math.exp(log) * math.exp(log_density(log_tau2)), norm.cdf((x - mean) / sd)

    whole = quad(lambda u: given(u)[0], -300, 60, points=[-30, -8, -4, 0, 12], limit=900)[0]
    return quad(lambda u: math.prod(given(u)), -300, 60, points=[-30, -8, -4, 0, 12], limit=900)[0] / whole


PRIORS = {
    "SMD": lambda u: t.logpdf((u + 3.02) / 2.27, 5),  # of log tau2, Rhodes 2015
    "OR": lambda u: norm.logpdf((u + 2.05) / 1.71),  # Turner 2015
}


@pytest.mark.parametrize("measure", PRIORS)
def test_three_trials_are_pooled_under_the_published_prior(measure):
    y, v = np.array([0.1, 0.6, 0.35]), np.array([0.02, 0.05, 0.03])
    found = pooled(y, v, measure=measure).headline()
    for limit, p in (("ci_low", 0.025), ("estimate", 0.5), ("ci_high", 0.975)):
        assert posterior_cdf(getattr(found, limit), y, v, PRIORS[measure]) == pytest.approx(p, abs=1e-5)
    for limit, p in (("pi_low", 0.025), ("pi_high", 0.975)):
        assert posterior_cdf(getattr(found, limit), y, v, PRIORS[measure], ahead=True) == pytest.approx(p, abs=1e-5)


def test_points_are_pooled_as_smds_and_multiplied_by_the_sd():
    y, v, sd = np.array([0.1, 0.6, 0.35]), np.array([0.02, 0.05, 0.03]), ae.questions.typical_sd("neck_pain").sd
    smd, points = pooled(y, v).headline(), pooled(sd * y, sd**2 * v, measure="MD").headline()
    for name in ("estimate", "ci_low", "ci_high", "pi_low", "pi_high"):
        assert getattr(points, name) == pytest.approx(sd * getattr(smd, name), rel=1e-9)
    assert points.state == smd.state


def test_one_trial_is_itself_and_two_are_not_pooled():
    one, two = pooled([0.8], [0.01]).headline(), pooled([0.9, 1.0], [0.01, 0.02]).headline()
    assert (one.ci_low, one.ci_high) == pytest.approx((0.8 - 1.959964 * 0.1, 0.8 + 1.959964 * 0.1), abs=1e-6)
    assert (two.estimate, two.ci_low, two.pi_low) == (None, None, None)
    assert list(two.trials["state"]) == ["important"] * 2 and two.state == "benefit, importance uncertain"
    assert list(two.beside.index) == ["REML, HKSJ-adhoc", "HKSJ", "Wald", "Bayes, rhodes-pain"]


def test_from_five_trials_the_random_effects_interval_stands_and_attributes_never_change():
    result = pooled([0.1, 0.5, 0.3, 0.7, 0.2], [0.01] * 5)
    found = result.headline()
    assert (found.estimate, found.ci_low, found.pi_high) == (result.estimate, result.ci_low, result.pi_high)
    three = pooled([0.1, 0.6, 0.35], [0.02, 0.05, 0.03])
    assert three.ci_low != three.headline().ci_low


def test_the_prediction_interval_is_never_the_confidence_interval():
    result = pooled([0.30, 0.31, 0.29, 0.30, 0.30], [0.02] * 5)
    found = result.headline()
    assert result.tau2 == 0 and result.pi_low == pytest.approx(result.ci_low)
    y, v = np.array([0.30, 0.31, 0.29, 0.30, 0.30]), np.full(5, 0.02)
    assert posterior_cdf(found.pi_low, y, v, PRIORS["SMD"], ahead=True) == pytest.approx(0.025, abs=1e-5)


def test_where_methods_differ_the_state_holds_for_both():
    result = pooled([0.2, 0.7, 0.75], [0.01, 0.01, 0.01])
    found = result.headline()
    bayes = state_of(found.ci_low, found.ci_high, found.threshold)
    own = state_of(result.ci_low, result.ci_high, found.threshold)
    assert own != bayes
    assert found.state == spanning([(found.ci_low, found.ci_high), (result.ci_low, result.ci_high)], found.threshold)
    assert "Methods differ" in found.notes[0]


def test_a_review_without_a_prior_keeps_its_interval_and_says_few_trials():
    result = ae.meta_analysis([0.1, 0.6, 0.35], [0.02, 0.05, 0.03])
    found = result.headline()
    assert (found.ci_low, found.method) == (result.ci_low, "REML, HKSJ-adhoc")
    assert found.notes[0].startswith("Few trials (3)") and found.pi_low is None


def test_a_measure_without_a_prior_is_too_few_below_five():
    assert pooled([0.1, 0.2, 0.3], [0.02] * 3, measure="VR").headline().method == "too few"
    assert pooled([0.1, 0.2, 0.3, 0.1, 0.2], [0.02] * 5, measure="VR").headline().estimate is not None


@pytest.mark.parametrize(
    ("low", "high", "threshold", "state"),
    [
        (-0.4, -0.1, 0.5, "harm"),
        (0.5, 0.9, 0.5, "important"),
        (0.1, 0.6, 0.5, "benefit, importance uncertain"),
        (0.1, 0.4, 0.5, "small"),
        (-0.1, 0.4, 0.5, "no important effect"),
        (-0.1, 0.6, 0.5, "cannot tell"),
        (-0.6, 0.1, 0.5, "cannot tell"),
        (0.1, 0.4, None, "benefit"),
        (-0.1, 0.4, None, "no difference shown"),
        (-0.4, -0.1, None, "harm"),
    ],
)
def test_the_interval_decides(low, high, threshold, state):
    assert state_of(low, high, threshold) == state


def test_no_side_is_named_where_none_is_known():
    assert ae.meta_analysis([0.4, 0.5, 0.6, 0.5, 0.4], [0.01] * 5).headline().state == "difference"


def test_a_meta_regression_has_no_headline():
    with pytest.raises(ae.InputError, match="has moderators"):
        ae.meta_analysis("yi", "vi", data=effects([0.1, 0.2, 0.3, 0.4], 0.02).assign(x=[1, 2, 3, 5]), moderators="~ x").headline()


def test_thresholds_go_by_condition_outcome_and_comparison():
    sd = ae.questions.typical_sd("low_back_pain").sd
    assert ae.mid("pain", "MD", condition="low_back_pain").low == 15
    assert ae.mid("pain", "SMD", condition="low_back_pain").low == pytest.approx(15 / sd)
    assert ae.mid("pain", "SMD", condition="low_back_pain").sensitivity == pytest.approx((10 / sd,))
    assert ae.mid("pain_disability", "SMD", condition="knee_osteoarthritis").low == 0.37
    assert ae.mid("pain", "MD", condition="shoulder_pain").low == 10
    assert ae.mid("function", "MD", condition="knee_osteoarthritis", comparator="sham").low == pytest.approx(357 / 68)
    for outcome in ("headache_frequency", "response", "quality_of_life", "sleep", "medication", "function"):
        assert ae.mid(outcome, "SMD") is None
    assert ae.mid("function", "SMD", condition="knee_osteoarthritis", comparator="usual_care") is None
    with pytest.raises(ae.InputError, match="headache_frequency"):
        ae.mid("headache_frequencies", "SMD")


def test_what_one_patient_notices_decides_nothing_between_groups():
    table = EVIDENCE.thresholds
    within = table[(table["level"] == "within") & (table["outcome"] == "pain") & (table["condition"] == "knee_osteoarthritis")]
    assert len(within) > 1
    assert ae.mid("pain", "SMD", condition="knee_osteoarthritis").low == 0.37
