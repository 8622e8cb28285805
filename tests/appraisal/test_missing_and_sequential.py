"""Do missing trials enter as they are said to, and do the monitoring boundaries spend the error they are given?

Boundaries are those printed for the O'Brien-Fleming-type spending function of Lan and DeMets with five equally spaced looks and
two-sided alpha 0.05: 4.877, 3.357, 2.680, 2.290, 2.031 (Reboussin et al 2000, Controlled Clinical Trials 21:190).
"""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.stats import multivariate_normal, norm

import acuevidence as ae
from acuevidence.appraisal.sequential import obrien_fleming


@pytest.fixture(scope="module")
def pooled():
    effects = ae.trial_effects("low_back_pain")
    return ae.meta_analysis("yi", "vi", data=effects, labels="study", by="comparator", test="HKSJ-adhoc")


@pytest.fixture(scope="module")
def missing(pooled):
    return pooled["sham"].missing_evidence()


MID = ae.mid("pain", "SMD", condition="low_back_pain").low


def together(result, missing, effects):
    y, v = np.concatenate([result.yi, effects]), np.concatenate([result.vi, missing.trials["vi"]])
    return ae.meta_analysis(y, v, method=result.method, test=result.test)


def test_missing_trials_are_those_left_out_that_report_a_direction_or_unusable_figures(missing):
    left = ae.trial_effects("low_back_pain", comparator="sham").attrs["excluded"]
    left = left[left["reason"] != "a course of one session"]  # it answers another question
    known = left[left["reported_direction"].notna() | ~left["reason"].str.startswith("no figure printed")]
    assert set(missing.trials["study"]) == set(known[known["arm"].isna()]["study"])
    assert set(missing.trials.loc[missing.trials["reported_direction"] == "benefit", "direction"]) == {1}
    assert (
        missing.k_missing
        < ae.meta_analysis(data=ae.trial_effects("low_back_pain", comparator="sham")).missing_evidence(include="all").k_missing
    )


def test_variance_of_a_missing_trial_is_that_of_its_size(missing):
    known = missing.trials.dropna(subset=["n"])
    np.testing.assert_allclose(known["vi"], 4 / known["n"].astype(float))


@pytest.mark.parametrize(
    ("scenario", "effect"),
    [("null", lambda d: 0 * d), ("reported", lambda d: MID * d), ("opposite", lambda d: 0 * d - MID)],
)
def test_scenarios_are_the_synthesis_with_the_assumed_effects(pooled, missing, scenario, effect):
    assert missing.size == pytest.approx(MID)
    result = together(pooled["sham"], missing, effect(missing.trials["direction"].to_numpy(dtype=float)))
    row = missing.scenarios.loc[scenario]
    assert tuple(row[["estimate", "ci_low", "ci_high", "k"]]) == pytest.approx(
        (result.estimate, result.ci_low, result.ci_high, result.k)
    )


def test_a_reported_harm_counts_against_the_treatment_and_anything_else_for_neither(pooled):
    frame = pooled["sham"].data.copy()
    left = pd.DataFrame(frame.attrs["excluded"])
    left = left[left["arm"].isna() & (left["comparator"] == "sham")].head(3)
    said = left.assign(reported_direction=["benefit", "harm", "no_difference"], n=[40, 100, 400], reason="no SD")
    frame.attrs["excluded"] = type(frame.attrs["excluded"])(said)
    found = ae.meta_analysis("yi", "vi", data=frame, labels="study").missing_evidence().trials
    assert found["direction"].tolist() == [1, -1, 0]
    assert found["vi"].tolist() == pytest.approx([0.1, 0.04, 0.01])  # 4 / n


def test_the_verdict_flips_at_the_bound_and_not_before(pooled, missing):
    result, k = pooled["sham"], missing.k_missing
    assert missing.verdict == "above"
    assert together(result, missing, np.full(k, missing.bound + 1e-4)).ci_low > 0
    assert together(result, missing, np.full(k, missing.bound - 1e-4)).ci_low < 0
    assert together(result, missing, np.full(k, missing.bound_mid)).estimate == pytest.approx(missing.mid, abs=1e-4)
    assert together(result, missing, np.full(k, missing.bound_below)).ci_high == pytest.approx(0, abs=1e-4)


def test_missing_evidence_says_what_it_needs(pooled):
    with pytest.raises(ae.InputError, match="pool the rows of trial_effects"):
        ae.meta_analysis([0.1, 0.2, 0.3], [0.01, 0.02, 0.03]).missing_evidence()
    both = ae.meta_analysis(data=ae.trial_effects("low_back_pain"))
    with pytest.raises(ae.InputError, match="one comparator at a time"):
        both.missing_evidence()
    with pytest.raises(ae.InputError, match="size must be a positive number"):
        pooled["sham"].missing_evidence(size=-0.2)


def test_boundaries_are_the_published_ones():
    found = obrien_fleming([0.2, 0.4, 0.6, 0.8, 1.0])
    np.testing.assert_allclose(found, [4.877, 3.357, 2.680, 2.290, 2.031], atol=6e-4)


@pytest.mark.parametrize("looks", [(0.3, 1.0), (0.5, 0.9, 1.0)])
def test_boundaries_spend_exactly_alpha(looks):
    bounds, t = obrien_fleming(looks, 0.05), np.array(looks)
    covariance = np.sqrt(np.minimum.outer(t, t) / np.maximum.outer(t, t))
    inside = multivariate_normal(cov=covariance, abseps=1e-9, releps=1e-9, maxpts=10**6).cdf(bounds, lower_limit=-bounds)
    assert 1 - inside == pytest.approx(0.05, abs=2e-6)


def test_one_look_with_all_information_is_the_conventional_test():
    assert obrien_fleming([1.0], 0.05)[0] == pytest.approx(norm.isf(0.025), abs=1e-8)
    assert obrien_fleming([0.4, 1.2, 1.5], 0.05)[-1] == pytest.approx(norm.isf(0.025))
    with pytest.raises(ae.InputError, match="rise from look to look"):
        obrien_fleming([0.5, 0.4])


def test_required_information_is_that_of_one_trial_without_heterogeneity():
    y, v = np.array([0.31, 0.29, 0.30]), np.array([0.02, 0.03, 0.04])
    found = ae.meta_analysis(y, v).sequential(delta=0.3, alpha=0.05, power=0.9)
    per_arm = 2 * (norm.isf(0.025) + norm.isf(0.1)) ** 2 / 0.3**2
    assert found.diversity == 0
    assert 4 * found.required == pytest.approx(2 * per_arm)  # 4/n is the variance of a mean difference of SD 1
    assert found.accrued == pytest.approx((1 / v).sum())


def test_heterogeneity_takes_more_information_by_the_share_that_it_takes_of_the_weights():
    found = ae.meta_analysis([0.0, 0.6], [0.02, 0.02], method="DL", test="z")  # Q 9, so tau2 = (9 - 1) / 50 = 0.16
    assert found.tau2 == pytest.approx(0.16)
    third = ae.meta_analysis([0.0, 0.6, 0.3], [0.02] * 3, method="DL", test="z")  # Q 9 with 2 df, C = 100: tau2 = 0.07
    assert third.tau2 == pytest.approx(0.07)
    monitored = third.sequential(delta=0.3)
    # variances of the mean: 0.02 / 3 without tau2 and 0.09 / 3 with it
    assert monitored.diversity == pytest.approx(100 * (1 - 2 / 9))
    assert monitored.required == pytest.approx((norm.isf(0.025) + norm.isf(0.1)) ** 2 / 0.3**2 * 9 / 2)


def test_participants_are_those_of_the_trials_and_not_their_information():
    read = json.loads((Path(__file__).parents[1] / "reference" / "uni__dat.bcg__RR.json").read_text())["data"]
    bcg = pd.DataFrame(read).rename(columns={"n1i": "n1", "n2i": "n2"})
    found = ae.meta_analysis("yi", "vi", data=bcg).sequential(delta=0.3)
    assert found.participants == 357347 == found.steps["participants"].iloc[-1]
    assert found.accrued == pytest.approx((1 / bcg["vi"]).sum())
    assert found.required_participants == pytest.approx(357347 * found.required / found.accrued)
    assert "357,347 participants" in found.summary()
    unknown = ae.meta_analysis(bcg["yi"], bcg["vi"]).sequential(delta=0.3)
    assert unknown.participants is None
    assert "participants" not in unknown.summary()


def test_cumulative_z_follows_the_order_and_ends_at_the_pooled_one(pooled):
    result = pooled["sham"]
    found = result.sequential()
    whole = ae.meta_analysis(result.yi, result.vi, test="z")
    assert found.steps["z"].iloc[-1] == pytest.approx(whole.statistic)
    assert found.steps["order"].is_monotonic_increasing
    first = result.data.sort_values("year", kind="stable").iloc[0]
    assert found.steps["z"].iloc[0] == pytest.approx(first["yi"] / first["vi"] ** 0.5)
    variance = 1 / (1 / (result.vi + result.tau2)).sum()
    assert found.diversity == pytest.approx(100 * (1 - (1 / (1 / result.vi).sum()) / variance), abs=1e-9)
    with pytest.raises(ae.InputError, match="power must lie between 0 and 1"):
        result.sequential(power=90)
