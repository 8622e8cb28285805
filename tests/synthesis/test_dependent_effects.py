"""Models of dependent effects against metafor 5.1 and netmeta 3.3, and what a network refuses."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import acuevidence as ae

REFERENCE = Path(__file__).parents[1] / "reference"


def read(name):
    found = json.loads((REFERENCE / f"{name}.json").read_text())
    return found["data"], found["expected"]


def test_crossed_random_effects_agree_with_metafor():
    data, expected = read("mv__syn.crossedA")
    want = expected["crossed_REML"]
    fit = ae.multilevel(data=pd.DataFrame(data), random="a + b + id", test="z")
    assert fit.estimate == pytest.approx(want["beta"][0], rel=1e-6)
    assert fit.se == pytest.approx(want["se"][0], rel=1e-6)
    np.testing.assert_allclose(fit.sigma2, want["sigma2"], rtol=1e-5)


def test_two_outcomes_of_the_same_trials_agree_with_metafor():
    data, expected = read("mv__dat.berkey1998")
    V = np.array(data.pop("V"))
    want = expected["UN_ML"]
    fit = ae.multivariate("yi", V, data=pd.DataFrame(data), outcome="outcome", cluster="trial", method="ML", test="z")
    np.testing.assert_allclose(fit.coefficients["estimate"], want["beta"], rtol=1e-6)
    np.testing.assert_allclose(fit.coefficients["se"], want["se"], rtol=1e-6)
    assert fit.rho == pytest.approx(want["rho"][0], rel=1e-5)


def test_covariance_of_effects_of_a_study_agrees_with_metafor():
    data, expected = read("vcalc__syn.vcalcA")
    V = ae.vcalc(data=pd.DataFrame(data), cluster="study", scale="esid", rho_scale=0.5)
    np.testing.assert_allclose(V, expected["rho05"], rtol=1e-10, atol=1e-14)


@pytest.mark.parametrize("effects", ["common", "random"])
def test_triangle_of_treatments_agrees_with_netmeta(effects):
    data, expected = read("nma__syn.triangleA")
    net = ae.network("treat1", "treat2", "TE", "seTE", "studlab", data=pd.DataFrame(data), effects=effects)
    np.testing.assert_allclose(net.estimates, expected["DL"][f"TE_{effects}"], rtol=1e-6, atol=1e-12)
    np.testing.assert_allclose(net.se, expected["DL"][f"seTE_{effects}"], rtol=1e-6, atol=1e-12)


def trials(*rows):
    return pd.DataFrame(rows, columns=["study", "treat1", "treat2", "yi", "se"])


def test_network_in_two_parts_is_refused_and_the_parts_are_named():
    apart = trials((1, "manual", "sham", 0.3, 0.1), (2, "waiting list", "usual care", 0.1, 0.1))
    with pytest.raises(ae.InputError, match=r"\{manual, sham\}; \{usual care, waiting list\}"):
        ae.network(data=apart)


def test_three_arm_trial_whose_effects_do_not_add_up_is_refused():
    three = trials((1, "manual", "sham", 0.3, 0.1), (1, "sham", "usual care", 0.4, 0.1), (1, "manual", "usual care", 0.1, 0.1))
    with pytest.raises(ae.InputError, match="do not add up"):
        ae.network(data=three)


@pytest.mark.filterwarnings("error")
def test_an_outcome_that_one_trial_reports_has_no_i2():
    data = pd.DataFrame(
        {
            "trial": list("AABBCCDD"),
            "outcome": ["pain", "function", "pain", "late", "pain", "function", "pain", "function"],
            "yi": [0.2, 0.1, 0.7, 0.4, 0.5, 0.6, 1.0, 0.7],
            "vi": 0.02,
        }
    )
    fit = ae.multivariate(data=data, outcome="outcome", cluster="trial", structure="CS")
    assert list(fit.tau2.index) == ["function", "late", "pain"]
    assert fit.i2.index.tolist() == ["function", "pain"]
    assert fit.i2["pain"] == pytest.approx(100 * fit.tau2["pain"] / (fit.tau2["pain"] + 0.02))
    assert "nan" not in fit.summary().lower()


def vcalc_case(**columns):
    data, expected = read("vcalc__syn.vcalcA")
    frame = pd.DataFrame(data)
    kept = frame.index[~frame.duplicated(["study", *columns.values()])]  # rows that nothing tells apart would be one effect
    return frame.loc[kept].reset_index(drop=True), {
        name: np.array(V)[np.ix_(kept, kept)] for name, V in expected.items() if "agg" not in name
    }


def test_effects_covary_by_phi_to_the_power_of_the_weeks_between_as_in_metafor():
    data, expected = vcalc_case(week="time")
    V = ae.vcalc(data=data, cluster="study", week="time", phi=0.8)
    np.testing.assert_allclose(V, expected["time_phi"], rtol=1e-10, atol=1e-14)
    # two effects with variances of 0.04 and weeks 4 and 8 of one trial
    assert ae.vcalc([0.04, 0.04], [1, 1], week=[4, 8], phi=0.9).iloc[0, 1] == pytest.approx(0.9**4 * 0.04)


def test_outcomes_and_weeks_together_agree_with_metafor():
    data, expected = vcalc_case(outcome="type", week="time")
    V = ae.vcalc(data=data, cluster="study", outcome="type", rho=0.4, week="time", phi=0.9)
    np.testing.assert_allclose(V, expected["type_time"], rtol=1e-10, atol=1e-14)


def test_shared_groups_agree_with_metafor():
    data, expected = vcalc_case(arm1="grp1")
    arms = {"arm1": "grp1", "arm2": "grp2", "n1": "w1", "n2": "w2"}
    np.testing.assert_allclose(ae.vcalc(data=data, cluster="study", **arms), expected["shared_group"], rtol=1e-10, atol=1e-14)


def test_an_arm_on_the_other_side_of_the_next_contrast_turns_the_covariance():
    given = {"n1": [50, 40], "n2": [25, 50], "yi": [0.0, 0.0], "measure": "SMD"}
    V = ae.vcalc([0.06, 0.045], [1, 1], arm1=["a", "c"], arm2=["b", "a"], **given)
    assert V.iloc[0, 1] == pytest.approx(-1 / 50)  # the 50 of arm a, first in one and second in the other
    same = ae.vcalc([0.06, 0.045], [1, 1], arm1=["a", "a"], arm2=["b", "c"], n1=[50, 50], n2=[25, 40], yi=[0.5, 0.4], measure="SMD")
    assert same.iloc[0, 1] == pytest.approx(1 / 50 + 0.5 * 0.4 / (2 * (50 + 25 + 40)))  # Gleser and Olkin


@pytest.mark.parametrize("rho", [0.0, 0.5, 0.8])
def test_effects_averaged_within_studies_agree_with_metafor(rho):
    data, expected = read("vcalc__syn.vcalcA")
    want = expected[f"aggregate_CS_rho{rho:g}"]
    found = ae.aggregate(data=pd.DataFrame(data), cluster="study", rho=rho)
    np.testing.assert_allclose(found["yi"], want["yi"], rtol=1e-10)
    np.testing.assert_allclose(found["vi"], want["vi"], rtol=1e-10)


@pytest.mark.parametrize("method", ["REML", "ML"])
def test_criteria_and_prediction_of_crossed_effects_agree_with_metafor(method):
    data, expected = read("mv__syn.crossedA")
    want = expected[f"crossed_{method}"]
    fit = ae.multilevel(data=pd.DataFrame(data), random="a + b + id" if method == "REML" else "a + b", method=method, test="z")
    stats = want["fit_stats"][method]
    assert [fit.loglik, fit.aic, fit.bic, fit.aicc] == pytest.approx(
        [stats["logLik"], stats["AIC"], stats["BIC"], stats["AICc"]], rel=1e-6
    )
    assert (fit.pi_low, fit.pi_high) == pytest.approx((want["predict"]["pi.lb"], want["predict"]["pi.ub"]), rel=1e-5)


@pytest.mark.parametrize("structure", ["UN", "CS", "HCS", "DIAG", "ID"])
def test_structures_of_two_outcomes_agree_with_metafor(structure):
    data, expected = read("mv__dat.berkey1998")
    V, want = np.array(data.pop("V")), expected[f"{structure}_REML"]
    fit = ae.multivariate("yi", V, data=pd.DataFrame(data), outcome="outcome", cluster="trial", structure=structure, test="z")
    np.testing.assert_allclose(fit.coefficients["estimate"], want["beta"], rtol=1e-5)
    np.testing.assert_allclose(fit.G, want["G"], rtol=1e-4, atol=1e-9)
    assert fit.aic == pytest.approx(want["fit_stats"]["REML"]["AIC"], rel=1e-6)
    assert fit.qm == pytest.approx(want["QM"], rel=1e-4)


def test_the_interval_of_a_component_and_its_share_agree_with_metafor():
    data, expected = read("mv__syn.crossedA")
    want = expected["crossed_REML"]["confint_profile"][""]["sigma^2.3"]
    fit = ae.multilevel(data=pd.DataFrame(data), random="a + b + id", test="z")
    found = fit.sigma2_interval().loc["id"]
    assert (found["ci_low"], found["ci_high"]) == pytest.approx((want[1], want[2]), rel=1e-4, abs=1e-9)
    v = np.array(data["vi"])  # the typical variance of Higgins and Thompson, as for one component
    typical = (len(v) - 1) / ((1 / v).sum() - (1 / v**2).sum() / (1 / v).sum())
    sigma2 = np.array(expected["crossed_REML"]["sigma2"])
    np.testing.assert_allclose(fit.i2, 100 * sigma2 / (sigma2.sum() + typical), rtol=1e-4)


def test_moderators_are_tested_together_by_f_on_their_number():
    data, _ = read("mv__syn.crossedA")
    frame = pd.DataFrame(data).assign(z=lambda d: d["x"] ** 2)
    fit = ae.multilevel(data=frame, random="a/id", moderators="~ x + z", test="t")
    b, V = fit.coefficients["estimate"].to_numpy()[1:], fit.vcov.to_numpy()[1:, 1:]
    assert fit.qm == pytest.approx(b @ np.linalg.solve(V, b) / 2)


def test_weeks_two_apart_correlate_by_the_square_of_one_step():
    rng = np.random.default_rng(2)
    frame = pd.DataFrame({"trial": np.repeat(np.arange(12), 3), "week": np.tile([1, 2, 3], 12)})
    frame = frame.assign(yi=np.repeat(rng.normal(0, 0.4, 12), 3) + rng.normal(0, 0.2, 36), vi=0.02)
    G = ae.multivariate(data=frame, outcome="week", cluster="trial", structure="AR").G.to_numpy()
    r = G / np.sqrt(np.outer(G.diagonal(), G.diagonal()))
    assert 0.1 < r[0, 1] < 0.99 and r[0, 1] == pytest.approx(r[1, 2])
    assert r[0, 2] == pytest.approx(r[0, 1] ** 2)


def test_two_endpoints_of_one_contrast_covary_as_gleser_and_olkin_print():
    given = {"arm1": ["a", "a"], "arm2": ["b", "b"], "n1": [50, 50], "n2": [25, 25], "yi": [0.5, 0.4], "measure": "SMD"}
    V = ae.vcalc([0.06, 0.06], [1, 1], outcome=["pain", "function"], rho=0.6, **given)
    assert V.iloc[0, 1] == pytest.approx(0.6 * (1 / 50 + 1 / 25) + 0.6**2 * 0.5 * 0.4 / (2 * 75))
