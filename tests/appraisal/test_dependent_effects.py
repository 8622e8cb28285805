"""What single studies do to multilevel and multivariate models, against refits one by one and identities."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

import acuevidence as ae

REFERENCE = Path(__file__).parents[1] / "reference"


def read(name):
    found = json.loads((REFERENCE / f"{name}.json").read_text())
    data = {key: cells for key, cells in found["data"].items() if not isinstance(cells[0], list)}
    return pd.DataFrame(data), found


@pytest.fixture(scope="module")
def schools():
    return read("robumeta__dat.konstantopoulos2011")[0]


@pytest.mark.parametrize(("moderators", "method"), [(None, "REML"), ("~ year", "ML")])
def test_each_cluster_is_left_out_as_by_a_fit_of_its_own(schools, moderators, method):
    asked = {"random": "district/school", "moderators": moderators, "method": method}
    found = ae.multilevel(data=schools, **asked).leave_one_cluster_out("district")
    for district in (11, 71, 86):
        alone = ae.multilevel(data=schools[schools["district"] != district], **asked)
        got = found.loc[[district]]
        assert_allclose(got["estimate"], alone.coefficients["estimate"], rtol=1e-6)
        assert_allclose(got["se"], alone.coefficients["se"], rtol=1e-6)
        assert_allclose(got.filter(like="sigma2").iloc[0].to_numpy(float), alone.sigma2, rtol=1e-5, atol=1e-9)


def test_leaving_out_has_no_unit(schools):
    small = schools.assign(yi=schools["yi"] * 1e-5, vi=schools["vi"] * 1e-10)
    plain, scaled = (ae.multilevel(data=d, random="district/school") for d in (schools, small))
    left, same = (model.leave_one_cluster_out("district")["estimate"] for model in (scaled, plain))
    assert_allclose(left * 1e5, same, rtol=1e-6)
    assert_allclose(scaled.influence("district")["cook_d"], plain.influence("district")["cook_d"], rtol=1e-5)


def test_cooks_distance_of_one_coefficient_is_a_squared_change(schools):
    model = ae.multilevel(data=schools, random="district/school")
    left = model.leave_one_cluster_out("district")
    found = model.influence("district")
    assert_allclose(found["cook_d"], ((model.estimate - left["estimate"]) / model.se) ** 2, rtol=1e-9)
    assert_allclose(found["cov_r"], (left["se"] / model.se) ** 2, rtol=1e-9)
    assert found["k"].sum() == model.k


def test_a_multivariate_model_keeps_its_covariance():
    data, found = read("mv__dat.berkey1998")
    V = np.array(found["data"]["V"])
    model = ae.multivariate("yi", V, data=data, outcome="outcome", cluster="trial")
    left = model.leave_one_cluster_out("cluster", reestimate=False)
    first = data["trial"] == data["trial"].iloc[0]
    rest = np.flatnonzero(~first)
    M = V[np.ix_(rest, rest)] + np.array(
        [
            [model.G.loc[a, b] * (s == t) for b, t in zip(data["outcome"][rest], data["trial"][rest], strict=True)]
            for a, s in zip(data["outcome"][rest], data["trial"][rest], strict=True)
        ]
    )
    X = np.column_stack([data["outcome"][rest] == name for name in model.coefficients.index]).astype(float)
    W = np.linalg.inv(M)
    vcov = np.linalg.inv(X.T @ W @ X)
    assert_allclose(left.iloc[:2]["estimate"], vcov @ X.T @ W @ data["yi"][rest], rtol=1e-8)
    assert_allclose(left.iloc[:2]["se"], np.sqrt(vcov.diagonal()), rtol=1e-8)


def test_predictions_of_true_effects_agree_with_those_of_one_variance():
    """With one random effect a trial the model is the usual one, whose predictions agree with metafor's blup."""
    data = pd.DataFrame({"yi": [0.9, 0.4, 0.6, 0.1, 0.5], "vi": [0.09, 0.04, 0.06, 0.02, 0.03], "trial": list("abcde")})
    one = ae.meta_analysis("yi", "vi", data=data, test="z").blup()
    many = ae.multilevel(data=data, random="trial", test="z").blup()
    for name in ("pred", "se", "pi_low", "pi_high"):
        assert_allclose(many[name], one[name], rtol=1e-6)


def test_predicting_for_new_moderators(schools):
    model = ae.multilevel(data=schools.assign(year=schools["year"] - 1990), random="district/school", moderators="~ year")
    new = model.predict(pd.DataFrame({"year": [0.0, 5.0]}))
    b, V = model.coefficients["estimate"], model.vcov.to_numpy()
    assert_allclose(new["pred"], [b.iloc[0], b.iloc[0] + 5 * b.iloc[1]], rtol=1e-10)
    assert_allclose(new["se"], [V[0, 0] ** 0.5, (V[0, 0] + 10 * V[0, 1] + 25 * V[1, 1]) ** 0.5], rtol=1e-10)
    plain = ae.multilevel(data=schools, random="district/school")
    assert_allclose(plain.predict()[["pi_low", "pi_high"]].iloc[0], [plain.pi_low, plain.pi_high], rtol=1e-12)


def test_small_study_effects_are_a_moderator(schools):
    model = ae.multilevel(data=schools, random="district/school")
    same = ae.multilevel(data=schools.assign(se=schools["vi"] ** 0.5), random="district/school", moderators="~ se").coefficients
    found = model.small_study_test()
    assert_allclose(
        [found.statistic, found.p_value, found.slope, found.limit, found.limit_low],
        [*same.loc["se", ["statistic", "p_value", "estimate"]], *same.loc["Intercept", ["estimate", "ci_low"]]],
        rtol=1e-6,
    )


def test_clusters_that_tear_dependent_effects_apart_are_refused(schools):
    model = ae.multilevel(data=schools, random="district/school")
    with pytest.raises(ae.InputError, match="separates"):
        model.leave_one_cluster_out("school")


@pytest.fixture(scope="module")
def outcomes():
    data, found = read("mv__dat.berkey1998")
    return data, np.array(found["data"]["V"])


def test_small_study_effects_of_several_outcomes_are_one_moderator(outcomes):
    data, V = outcomes
    asked = {"data": data.assign(se=np.sqrt(V.diagonal())), "outcome": "outcome", "cluster": "trial"}
    found = ae.multivariate("yi", V, **asked).small_study_test()
    same = ae.multivariate("yi", V, moderators="~ 0 + outcome + se", **asked).coefficients
    assert_allclose(
        [found.statistic, found.slope, found.limit],
        [*same.loc["se", ["statistic", "estimate"]], same["estimate"].iloc[0]],
        rtol=1e-6,
    )


def test_predicting_outcomes(outcomes):
    data, V = outcomes
    model = ae.multivariate("yi", V, data=data, outcome="outcome", cluster="trial")
    plain = model.predict()
    assert_allclose(plain["pred"], model.coefficients["estimate"])
    half = (plain["pi_high"] - plain["pi_low"]) / (plain["ci_high"] - plain["ci_low"])
    assert_allclose(half, np.sqrt(1 + model.tau2 / plain["se"] ** 2), rtol=1e-10)
    new = model.predict(pd.DataFrame({"outcome": ["PD", "AL"]}, index=["x", "y"]))
    assert_allclose(new.loc["x"], plain.loc["PD"])
    with pytest.raises(ae.InputError, match="no trial reports"):
        model.predict(pd.DataFrame({"outcome": ["XX"]}))
    with pytest.raises(ae.InputError, match="lacks the outcome"):
        model.predict(pd.DataFrame({"year": [1]}))
    by_year = ae.multivariate("yi", V, data=data, outcome="outcome", cluster="trial", moderators="~ 0 + outcome + year")
    own = by_year.predict(data)
    assert_allclose(own, by_year.predict(), rtol=1e-9)


def test_least_squares_with_a_given_covariance(outcomes):
    """As the fixed model of mixmeta; robust and refitted by the caller's own column of trials."""
    want = json.loads((REFERENCE / "mvmeta__berkey98.json").read_text())["expected"]["fixed"]
    data, V = outcomes
    found = ae.multilevel("yi", V, data=data, random=None, moderators="~ 0 + C(outcome, levels=['PD', 'AL'])", method="ML")
    assert_allclose(found.loglik, want["logLik"], rtol=1e-9)
    assert_allclose(found.coefficients["estimate"], want["coef"], rtol=1e-9)
    assert_allclose(found.vcov, want["vcov"], rtol=1e-9)
    assert len(found.sigma2) == 0
    assert_allclose(found.blup()["pred"], found.model.X @ found.coefficients["estimate"], rtol=1e-9)
    assert len(found.leave_one_cluster_out("trial")) == 10
    assert len(found.robust("trial").coefficients) == 2


@pytest.mark.parametrize("moderators", [None, "~ 0 + outcome + year"])
def test_a_forest_of_outcomes_keeps_them_apart(outcomes, moderators):
    data, V = outcomes
    model = ae.multivariate("yi", V, data=data, outcome="outcome", cluster="trial", moderators=moderators)
    ax = model.forest()
    said = " ".join(text.get_text() for text in ax.figure.findobj(match=lambda artist: hasattr(artist, "get_text")))
    assert "AL" in said
    assert "PD" in said
    assert ("Random effects" in said) == (moderators is None)
    assert "Multivariate meta-analysis" in said


def test_a_forest_of_a_multilevel_model(schools):
    model = ae.multilevel(data=schools, random="district/school")
    part = model.parts()[0]
    assert_allclose([part.estimate, part.pi_low], [model.estimate, model.pi_low])
    ax = model.forest(width=89)
    assert len(ax.get_figure().axes) == 1


@pytest.mark.parametrize("structure", ["UN", "CS", "HCS", "DIAG"])
def test_a_multivariate_model_is_fitted_anew_without_each_trial(outcomes, structure):
    data, V = outcomes
    asked = {"outcome": "outcome", "cluster": "trial", "structure": structure}
    found = ae.multivariate("yi", V, data=data, **asked).leave_one_cluster_out("trial")
    for trial in data["trial"].unique()[:3]:
        rest = np.flatnonzero(data["trial"] != trial)
        alone = ae.multivariate("yi", V[np.ix_(rest, rest)], data=data.iloc[rest], **asked)
        assert_allclose(found.loc[[trial], "estimate"], alone.coefficients["estimate"], rtol=1e-5)
        assert_allclose(found.loc[[trial]].filter(like="tau2").iloc[0].to_numpy(float), alone.tau2, rtol=1e-4, atol=1e-8)
