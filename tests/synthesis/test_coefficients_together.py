"""Tests of factors and contrasts on every model, variance inflation, and effects averaged or weighted within studies."""

import json
import pickle
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

import acuevidence as ae

REFERENCE = Path(__file__).parents[1] / "reference"


def read(name):
    return json.loads((REFERENCE / f"{name}.json").read_text())


def columns(data):
    return pd.DataFrame({name: cells for name, cells in data.items() if not isinstance(cells[0], list)})


@pytest.fixture(scope="module")
def trials():
    """BCG trials by how patients were allocated; metafor gives the test of the factor as QM."""
    found = read("unimods__dat.bcg__alloc")
    X = np.array(found["data"]["X"])
    kind = np.where(X[:, 1] == 1, "random", np.where(X[:, 2] == 1, "systematic", "alternate"))
    return pd.DataFrame({"yi": found["data"]["yi"], "vi": found["data"]["vi"], "alloc": kind}), found["expected"]


@pytest.mark.parametrize(("test", "theirs"), [("z", "z"), ("t", "t"), ("HKSJ", "knha")])
def test_a_factor_is_tested_by_its_term(trials, test, theirs):
    data, expected = trials
    want = expected["REML"]["tests"][theirs]
    found = ae.meta_analysis("yi", "vi", data=data, moderators="~ C(alloc)", test=test).test("C(alloc)")
    assert_allclose([found.statistic, found.p_value], [want["QM"], want["QMp"]], rtol=1e-6)
    assert found.df == (2, np.inf if test == "z" else 10)


def test_a_contrast_of_two_coefficients_is_their_difference(trials):
    data, _ = trials
    one = ae.meta_analysis("yi", "vi", data=data, moderators="~ C(alloc)", test="t")
    levels = ["random", "systematic", "alternate"]
    other = ae.meta_analysis(
        "yi", "vi", data=data.assign(alloc=pd.Categorical(data["alloc"], levels)), moderators="~ alloc", test="t"
    )
    found = one.test(np.array([[0.0, -1.0, 1.0]]))
    assert_allclose(found.p_value, other.coefficients["p_value"].loc["alloc[T.systematic]"], rtol=1e-9)
    assert found.terms == ("- C(alloc)[T.random] + C(alloc)[T.systematic]",)


def test_multilevel_and_multivariate_models_test_their_terms():
    data = columns(read("robumeta__dat.konstantopoulos2011")["data"]).assign(era=lambda d: (d["year"] > 1990).astype(int))
    model = ae.multilevel(data=data, random="district/school", moderators="~ era")
    assert_allclose(model.test("era").p_value, model.coefficients["p_value"].loc["era"], rtol=1e-9)
    assert_allclose(model.test().statistic, model.qm, rtol=1e-9)
    robust = model.robust("district")
    assert_allclose(robust.test("era").p_value, robust.coefficients["p_value"].loc["era"], rtol=1e-6)
    berkey = read("mv__dat.berkey1998")
    joint = ae.multivariate("yi", np.array(berkey["data"]["V"]), data=columns(berkey["data"]), outcome="outcome", cluster="trial")
    same = joint.test(np.array([[1.0, -1.0]]))
    c, V = joint.coefficients["estimate"].to_numpy(), joint.vcov.to_numpy()
    assert_allclose(same.statistic, (c[0] - c[1]) ** 2 / (V[0, 0] + V[1, 1] - 2 * V[0, 1]), rtol=1e-9)


def test_the_name_of_a_test_stays_a_name():
    result = ae.meta_analysis([0.2, 0.5, 0.3], [0.02, 0.04, 0.03], test="HKSJ")
    assert result.test == "HKSJ"
    assert json.dumps(result.test) == '"HKSJ"'
    assert type(pickle.loads(pickle.dumps(result)).test()).__name__ == "WaldTest"
    with pytest.raises(ae.InputError, match="one of: Intercept"):
        result.test("year")


def test_variance_inflation_agrees_with_metafor():
    found = read("diagmods__dat.gibson2002__type")
    X = np.array(found["data"]["X"])
    data = pd.DataFrame(X[:, 1:], columns=[f"x{i}" for i in range(1, X.shape[1])]).assign(
        yi=found["data"]["yi"], vi=found["data"]["vi"]
    )
    result = ae.meta_analysis("yi", "vi", data=data, moderators=[c for c in data if c.startswith("x")], test="z")
    assert_allclose(result.vif()["vif"], found["expected"]["vif"], rtol=1e-5)
    assert_allclose(result.vif()["sif"], found["expected"]["sif"], rtol=1e-5)


@pytest.mark.parametrize("weighted", [True, False])
@pytest.mark.parametrize("rho", [0, 0.5, 0.8])
def test_aggregated_effects_agree_with_metafor(rho, weighted):
    found = read("vcalc__syn.vcalcA")
    want = found["expected"].get(f"aggregate_CS_rho{rho}{'' if weighted else '_unweighted'}")
    if want is None:
        pytest.skip("no reference value of this pair")
    got = ae.aggregate("yi", "vi", "study", data=columns(found["data"]), rho=rho, weighted=weighted)
    assert_allclose(got[["yi", "vi"]].to_numpy().T, [want["yi"], want["vi"]], rtol=1e-9)


def test_aggregating_has_no_unit():
    y, v, study = np.array([0.1, 0.4, 0.7]), np.array([0.02, 0.05, 0.03]), ["a", "a", "b"]
    plain, scaled = ae.aggregate(y, v, study), ae.aggregate(1e-6 * y, 1e-12 * v, study)
    assert_allclose(scaled["yi"] * 1e6, plain["yi"], rtol=1e-12)
    with pytest.raises(ae.InputError, match="rho"):
        ae.aggregate(y, v, study, rho=1)


@pytest.mark.parametrize(
    ("key", "weights", "moderators", "rho"),
    [
        ("CORR_int", "CORR", None, 0.8),
        ("CORR_year", "CORR", "~ year", 0.8),
        ("CORR_rho04", "CORR", None, 0.4),
        ("HIER_int", "HIER", None, 0.8),
        ("HIER_year", "HIER", "~ year", 0.8),
    ],
)
@pytest.mark.parametrize("unit", [1.0, 1e-5, 1e6])
def test_robust_weights_agree_with_robumeta_in_every_unit(key, weights, moderators, rho, unit):
    found = read("robumeta__dat.konstantopoulos2011")
    want = found["expected"][key]
    data = columns(found["data"]).assign(yi=lambda d: d["yi"] * unit, vi=lambda d: d["vi"] * unit**2)
    got = ae.robust_weights("yi", "vi", "district", data=data, weights=weights, moderators=moderators, rho=rho)
    assert_allclose(got.coefficients["estimate"] / unit, want["b"], rtol=1e-6)
    assert_allclose(got.coefficients["se"] / unit, want["se"], rtol=1e-6)
    assert_allclose(got.coefficients["df"], want["dfs"], rtol=1e-6)
    assert_allclose(got.tau2 / unit**2, want["tau.sq"], rtol=1e-6)
    if weights == "HIER":
        assert_allclose(got.omega2 / unit**2, want["omega.sq"], rtol=1e-6)


def test_hierarchical_weights_need_a_study_of_two_effects():
    with pytest.raises(ae.InputError, match="HIER"):
        ae.robust_weights([0.1, 0.2, 0.4], [0.1] * 3, ["a", "b", "c"], weights="HIER")


def test_groups_are_tested_one_by_one():
    trials = pd.DataFrame(
        {
            "yi": [0.9, 0.4, 0.6, 0.1, 0.5, 0.3, 0.2, 0.7, 0.8, 0.1],
            "vi": 0.04,
            "weeks": [12, 6, 8, 4, 10, 9, 7, 3, 5, 11],
            "year": [1, 5, 3, 2, 9, 4, 8, 6, 7, 2],
            "group": list("ab") * 5,
        }
    )
    grouped = ae.meta_analysis(data=trials, by="group", moderators="~ weeks + year")
    found, inflated = grouped.test(["weeks", "year"]), grouped.vif()
    for name, one in grouped.items():
        alone = one.test(["weeks", "year"])
        assert (found.loc[name, "statistic"], found.loc[name, "p_value"]) == (alone.statistic, alone.p_value)
        assert inflated.loc[name, "vif"].tolist() == one.vif()["vif"].tolist()
    with pytest.raises(ae.InputError, match="terms"):
        grouped.test("nonsense")


def test_contrasts_may_be_lists_and_clusters_are_those_of_the_model():
    frame = pd.DataFrame({"yi": [0.9, 0.4, 0.6, 0.1, 0.5, 0.3], "vi": 0.04, "kind": list("aabbcc"), "trial": list("ppqqrr")})
    fit = ae.meta_analysis("yi", "vi", data=frame, moderators="~ kind")
    as_array, as_list = fit.test(np.array([[0, 1.0, 0], [0, 0, 1.0]])), fit.test([[0, 1, 0], [0, 0, 1]])
    assert (as_list.statistic, as_list.df) == (as_array.statistic, as_array.df) == (fit.test("kind").statistic, fit.test("kind").df)
    assert fit.test([0, 1, -1]).df1 == 1
    with pytest.raises(ae.InputError, match="rows of equal length"):
        fit.test([[0, 1, 0], [0, 1]])
    nested = ae.multilevel("yi", "vi", data=frame.assign(row=range(6)), random="trial/row")
    pd.testing.assert_frame_equal(nested.influence(), nested.influence("trial"))
    assert nested.leave_one_cluster_out().index.unique().tolist() == ["p", "q", "r"]
