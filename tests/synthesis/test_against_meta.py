"""Analyses of R's meta, mixmeta and dosresmeta, from their own data to the numbers they print."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

import acuevidence as ae

REFERENCE = Path(__file__).parents[1] / "reference"
COMMON = {
    "estimate": "TE_common",
    "se": "seTE_common",
    "ci_low": "lower_common",
    "ci_high": "upper_common",
    "statistic": "stat_common",
    "p_value": "pval_common",
}
RANDOM = {ours: theirs.replace("common", "random") for ours, theirs in COMMON.items()} | {"tau2": "tau2"}
PREDICTED = {"pi_low": "lower_predict", "pi_high": "upper_predict"}
FITS = (
    ("REML|classic|V", "z", "V"),
    ("REML|classic|HTS", "z", "HTS"),
    ("REML|classic|S", "z", "z"),
    ("REML|HK|HK", "HKSJ", "V"),
    ("REML|HK|HK-PR", "HKSJ", "HTS"),
    ("REML|HK|adhoc=se", "HKSJ-adhoc", None),
    ("DL|classic|HTS", "z", "HTS"),
    ("PM|HK|HTS", "HKSJ", None),
    *((f"{method}|classic|HTS", "z", "HTS") for method in ("ML", "HS", "SJ", "HE", "EB")),
)


def read(name):
    found = json.loads((REFERENCE / f"{name}.json").read_text())
    return found["data"], found["expected"]


def agree(result, want, names):
    for ours, theirs in names.items():
        if want.get(theirs) is not None:
            assert_allclose(getattr(result, ours), np.ravel(want[theirs])[0], rtol=1e-6, atol=1e-8, err_msg=theirs)


def agree_both(yi, vi, want, test="z"):
    common = ae.meta_analysis(yi, vi, method="EE", test="z")
    agree(common, want, COMMON | {"q": "Q", "q_df": "df_Q", "q_p": "pval_Q"})
    assert_allclose(common.i2 / 100, want["I2"], rtol=1e-6, atol=1e-8)
    agree(ae.meta_analysis(yi, vi, test=test), want, RANDOM)


@pytest.mark.parametrize("name", ["metagen__dat.bcg", "metagen__dat.hine1989"])
@pytest.mark.parametrize(("key", "test", "prediction"), FITS)
def test_effects_are_pooled_as_metagen_does(name, key, test, prediction):
    data, expected = read(name)
    want = expected[key]
    result = ae.meta_analysis(data["yi"], data["vi"], method=key.split("|")[0], test=test, prediction=prediction or "V")
    agree(result, want, RANDOM if prediction is None else RANDOM | PREDICTED)
    if test == "z" and prediction == "V":
        agree_both(data["yi"], data["vi"], want)


@pytest.mark.parametrize("name", ["metagen__dat.bcg", "metagen__dat.hine1989"])
@pytest.mark.parametrize("method", ["REML", "EE"])
def test_the_interval_of_i2_by_cochrans_q_is_that_of_metagen(name, method):
    data, expected = read(name)
    want = expected["REML|classic|V"]
    found = ae.meta_analysis(data["yi"], data["vi"], method=method).heterogeneity_intervals("HT")
    assert_allclose(found.loc["i2"] / 100, [want["I2"], want["lower_I2"], want["upper_I2"]], rtol=1e-6, atol=1e-8)
    assert_allclose(found.loc["h2"] ** 0.5, [want["H"], want["lower_H"], want["upper_H"]], rtol=1e-6)
    with pytest.raises(ae.InputError, match="degrees of freedom"):
        ae.meta_analysis([0.1, 0.2], [0.1, 0.1]).heterogeneity_intervals("HT")


@pytest.fixture(scope="module")
def vaccine():
    data, expected = read("metabin__dat.bcg")
    return {"events1": data["ai"], "n1": data["n1i"], "events2": data["ci"], "n2": data["n2i"]}, data["subgroup"], expected


@pytest.mark.parametrize(("key", "measure"), [("RR", "RR"), ("OR", "OR"), ("RD", "RD"), ("ASD", "AS")])
def test_counts_are_pooled_as_metabin_does_by_inverse_variance(vaccine, key, measure):
    tables, _, expected = vaccine
    effects = ae.effect_size(measure, **tables)
    agree_both(effects["yi"], effects["vi"], expected[f"{key}|Inverse"])


def test_tables_are_pooled_as_metabin_does(vaccine):
    tables, _, expected = vaccine
    for measure in ("RR", "OR"):
        agree(ae.mantel_haenszel(**tables, measure=measure), expected[f"{measure}|MH|MH.exact"], COMMON)
    agree(ae.peto(**tables), expected["OR|Peto"], COMMON)


def test_subgroups_are_those_of_metabin(vaccine):
    tables, subgroup, expected = vaccine
    effects = ae.effect_size("RR", **tables)
    found = ae.meta_analysis(effects["yi"], effects["vi"], by=subgroup, test="z")
    want = expected["RR|Inverse|subgroup"]["subgroups"]
    for i, level in enumerate(want["levels"]):
        for ours, theirs in (("k", "k"), ("estimate", "TE_random"), ("se", "seTE_random"), ("tau2", "tau2")):
            assert_allclose(getattr(found[level], ours), want[theirs][i], rtol=1e-6)


@pytest.mark.parametrize("key", ["MD", "ROM"])
def test_means_are_pooled_as_metacont_does(key):
    data, expected = read("metacont__dat.normand1999")
    means = {f"{ours}{i}": data[f"{theirs}{i}i"] for ours, theirs in (("mean", "m"), ("sd", "sd"), ("n", "n")) for i in (1, 2)}
    effects = ae.effect_size(key, **means, correct=False)
    agree_both(effects["yi"], effects["vi"], expected[key], test="HKSJ")


def test_regressions_are_diagnosed_as_by_metafor():
    data, expected = read("diagmods__dat.bcg__both")
    X = np.array(data["X"], dtype=float)
    trials = pd.DataFrame({"yi": data["yi"], "vi": data["vi"]} | {f"x{i}": column for i, column in enumerate(X.T) if i})
    result = ae.meta_analysis("yi", "vi", data=trials, moderators=list(trials.columns[2:]), test="z")
    found, want = result.influence(), expected["influence"]["inf"]
    names = {"cook_d": "cook.d", "cov_r": "cov.r", "tau2_del": "tau2.del", "q_del": "QE.del"}
    for ours in ("rstudent", "dffits", "cook_d", "cov_r", "tau2_del", "q_del", "hat", "weight"):
        assert_allclose(found[ours], want[names.get(ours, ours)], rtol=1e-6, atol=1e-8)
    for ours, theirs in (("pred", "pred"), ("se", "se"), ("pi_low", "pi.lb"), ("pi_high", "pi.ub")):
        assert_allclose(result.blup()[ours], expected["blup"][theirs], rtol=1e-6)
    assert_allclose(result.vif(), np.column_stack([expected["vif"], expected["sif"]]), rtol=1e-6)


def outcomes(means, covariances, terms):
    """Return the long table and V of several outcomes of each study."""
    k, o = np.shape(means)
    rows = pd.DataFrame({"study": np.repeat(range(k), o), "outcome": pd.Categorical(list(terms) * k, terms), "yi": np.ravel(means)})
    V = np.zeros((k * o, k * o))
    for i, one in enumerate(covariances):
        V[o * i : o * (i + 1), o * i : o * (i + 1)] = one
    return rows, V


@pytest.mark.parametrize("method", ["REML", "ML"])
def test_two_outcomes_are_pooled_as_mixmeta_does(method):
    data, expected = read("mvmeta__berkey98")
    covariances = [[[a, b], [b, c]] for a, b, c in zip(data["var_PD"], data["cov_PD_AL"], data["var_AL"], strict=True)]
    rows, V = outcomes(np.column_stack([data["PD"], data["AL"]]), covariances, ["PD", "AL"])
    found = ae.multivariate("yi", V, data=rows, outcome="outcome", cluster="study", method=method)
    want = expected[method.lower()]
    assert_allclose(found.coefficients["estimate"], want["coef"], rtol=1e-6)
    assert_allclose(found.vcov, want["vcov"], rtol=1e-6)
    assert_allclose(found.G, want["Psi"], rtol=1e-6)
    assert_allclose([found.loglik, found.q], [want["logLik"], want["qstat"]["Q"][0]], rtol=1e-6)


@pytest.mark.parametrize("terms", [("dose",), ("dose", "dose2")])
def test_dose_response_in_two_stages_agrees_with_dosresmeta(terms):
    """Slopes of each study by least squares with the covariance that its log risk ratios share, then their mean."""
    data, expected = read(f"doseresponse__alcohol_cvd__{''.join(terms)}")
    doses = pd.DataFrame({name: data[name] for name in ("id", "logrr", "se", *terms)}).dropna().reset_index(drop=True)
    shared = expected["covariance_greenland_longnecker_by_study"]
    asked = {"random": None, "moderators": f"~ 0 + {' + '.join(terms)}", "test": "z"}
    slopes, covariances, V = [], [], np.zeros((len(doses), len(doses)))
    for (_, rows), own in zip(doses.groupby("id"), shared, strict=True):
        V[np.ix_(rows.index, rows.index)] = own
        if len(terms) < len(rows):
            stage = ae.multilevel("logrr", np.array(own), data=rows, **asked)
            slopes.append(stage.coefficients["estimate"].to_numpy())
            covariances.append(stage.vcov.to_numpy())
    together = ae.multilevel("logrr", V, data=doses, **asked)
    assert_allclose(together.coefficients["estimate"], expected["1stage|fixed"]["coef"], rtol=1e-6)
    assert_allclose(together.vcov, expected["1stage|fixed"]["vcov"], rtol=1e-6)
    rows, S = outcomes(slopes, covariances, terms)
    for method, exact in (("REML", 2e-5), ("ML", 2e-4)):  # the reference's ML stops a little below the maximum
        want = expected[f"2stage|{method.lower()}"]
        if len(terms) == 1:
            one = ae.meta_analysis(rows["yi"], S.diagonal(), method=method, test="z")
            found, covariance, spread = [one.estimate], [[one.se**2]], [[one.tau2]]
        else:
            many = ae.multivariate("yi", S, data=rows, outcome="outcome", cluster="study", method=method)
            found, covariance, spread = many.coefficients["estimate"], many.vcov, many.G
            assert many.loglik >= want["logLik"] - 1e-9
        assert_allclose(found, want["coef"], rtol=exact)
        assert_allclose(covariance, want["vcov"], rtol=10 * exact)
        assert_allclose(spread, want["Psi"], rtol=10 * exact)


def test_outcomes_may_have_units_of_their_own():
    data, _ = read("mvmeta__berkey98")
    means = np.column_stack([data["PD"], data["AL"]])
    covariances = [[[a, b], [b, c]] for a, b, c in zip(data["var_PD"], data["cov_PD_AL"], data["var_AL"], strict=True)]
    units = np.array([1.0, 1e-4])
    for structure in ("UN", "HCS", "DIAG"):
        plain, scaled = (
            ae.multivariate("yi", V, data=rows, outcome="outcome", cluster="study", structure=structure)
            for rows, V in (outcomes(means * u, np.array(covariances) * np.outer(u, u), ["PD", "AL"]) for u in (np.ones(2), units))
        )
        assert_allclose(scaled.coefficients["estimate"] / units, plain.coefficients["estimate"], rtol=1e-6)
        assert_allclose(scaled.tau2 / units**2, plain.tau2, rtol=1e-5)
        assert_allclose(scaled.rho, plain.rho, rtol=1e-5)
