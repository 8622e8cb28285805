"""Are selection models fitted as in metafor, and is their likelihood the one that is written down?

metafor's ``selmodel`` (5.1, maximum likelihood, two optimisers, the better likelihood kept) is the reference. Its integrals for
the smooth weight functions have a relative tolerance of 1e-4, so those are held to that; step functions are closed form.
p-uniform* is compared with the R package puniform 0.2.7, whose limits come from a search with a coarse tolerance.
The likelihood itself is checked against scipy's adaptive integration.
"""

import itertools
import json
import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.integrate import quad
from scipy.stats import norm

import acuevidence as ae

REFERENCE = Path(__file__).parents[1] / "reference"
KINDS = {
    "beta": "beta",
    "halfnorm": "halfnormal",
    "logistic": "logistic",
    "negexp": "negexp",
    "power": "power",
    "stepfun": "step",
}


def cases(step):
    found = []
    for name in ("dat.bcg", "dat.hackshaw1998") if not step else ("dat.bcg", "dat.hackshaw1998", "dat.raudenbush1985"):
        file = json.loads((REFERENCE / f"selmodel__{name}.json").read_text())
        for key, want in file["expected"].items():
            method, kind, *rest = [*key.split("|"), ""][:3] if "|" in key else ("", "", "")
            given = "fixed" in key or "Vevea" in key or not isinstance(want, dict) or "beta" not in want or "warnings" in want
            if given or kind not in KINDS or (kind == "stepfun") != step:
                continue
            found.append(pytest.param(file["data"], method, KINDS[kind], rest[0], want, id=f"{name} {key}"))
    return found


def fitted(data, method, kind, rest):
    result = ae.meta_analysis(data["yi"], data["vi"], method=method, test="z")
    options = {"steps": [float(cut) for cut in rest.split(",")]} if kind == "step" else {}
    return result.selection_model(kind, precision="se" if rest == "prec=sei" else None, **options)


@pytest.mark.parametrize(("data", "method", "kind", "rest", "want"), cases(step=True))
def test_step_functions_agree_with_metafor(data, method, kind, rest, want):
    found = fitted(data, method, kind, rest)
    assert found.loglik == pytest.approx(want["logLik_ML"], abs=1e-8)
    assert (found.estimate, found.se) == pytest.approx((want["beta"][0], want["se"][0]), rel=1e-5, abs=1e-6)
    assert found.tau2 == pytest.approx(want.get("tau2", 0.0), rel=1e-5, abs=1e-7)
    np.testing.assert_allclose(found.delta, want["delta"], rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(found.delta_se[1:], np.array(want["se_delta"][1:], dtype=float), rtol=1e-4)
    assert (found.lrt, found.lrt_p) == pytest.approx((want["LRT"], want["LRTp"]), rel=1e-6, abs=1e-8)
    assert found.lrt_df == want["LRTdf"]


@pytest.mark.parametrize(("data", "method", "kind", "rest", "want"), cases(step=False))
def test_smooth_weight_functions_agree_with_metafor(data, method, kind, rest, want):
    found = fitted(data, method, kind, rest)
    assert found.loglik == pytest.approx(want["logLik_ML"], abs=3e-4)
    assert (found.estimate, found.tau2) == pytest.approx((want["beta"][0], want.get("tau2", 0.0)), rel=2e-4, abs=1e-5)
    np.testing.assert_allclose(found.delta, want["delta"], rtol=2e-4, atol=1e-4)


WEIGHTS = {
    "beta": lambda p, d: np.clip(p, 1e-5, 1 - 1e-5) ** (d[0] - 1) * (1 - np.clip(p, 1e-5, 1 - 1e-5)) ** (d[1] - 1),
    "halfnormal": lambda p, d: np.exp(-d[0] * p**2),
    "step": lambda p, d: np.where(p <= 0.025, 1.0, np.where(p <= 0.5, d[1], d[2])),
}


@pytest.mark.parametrize("kind", ["beta", "halfnormal", "step"])
def test_likelihood_is_that_of_adaptive_integration(kind):
    data = json.loads((REFERENCE / "selmodel__dat.bcg.json").read_text())["data"]
    y, v = -np.array(data["yi"]), np.array(data["vi"])
    found = ae.meta_analysis(y, v).selection_model(kind, steps=(0.025, 0.5))
    weight, total = WEIGHTS[kind], 0.0
    for effect, variance in zip(y, v, strict=True):
        se, spread = math.sqrt(variance), math.sqrt(variance + found.tau2)

        def density(x, se=se, spread=spread):
            return weight(norm.sf(x / se), found.delta) * norm.pdf(x, found.estimate, spread)

        breaks = [se * norm.isf(p) for p in (0.025, 0.5, 1e-5, 1 - 1e-5)]
        ends = sorted([found.estimate - 12 * spread, found.estimate + 12 * spread, *breaks])
        mean = sum(quad(density, a, b, epsabs=1e-13, epsrel=1e-11)[0] for a, b in itertools.pairwise(ends))
        total += math.log(weight(norm.sf(effect / se), found.delta)) + norm.logpdf(effect, found.estimate, spread) - math.log(mean)
    assert found.loglik == pytest.approx(total, abs=1e-7)


def test_turning_every_effect_turns_the_model():
    data = json.loads((REFERENCE / "selmodel__dat.hackshaw1998.json").read_text())["data"]
    one = ae.meta_analysis(data["yi"], data["vi"]).selection_model()
    two = ae.meta_analysis(-np.array(data["yi"]), data["vi"]).selection_model()
    assert (one.alternative, two.alternative) == ("greater", "less")
    assert two.estimate == pytest.approx(-one.estimate, rel=1e-8)
    np.testing.assert_allclose(two.delta, one.delta, rtol=1e-6)


@pytest.mark.parametrize("name", ["dat.bcg", "dat.nielweise2008", "syn.wideA"])
def test_p_uniform_star_agrees_with_puniform(name):
    file = json.loads((REFERENCE / f"pubbias__{name}.json").read_text())
    want = file["expected"]["puni_star"]
    found = ae.meta_analysis(file["data"]["yi"], file["data"]["vi"]).p_uniform()
    assert (found.estimate, found.tau2) == pytest.approx((want["est"], want["tau2"]), rel=1e-4, abs=1e-5)
    assert (found.ci_low, found.ci_high) == pytest.approx((want["ci.lb"], want["ci.ub"]), rel=1e-3, abs=1e-4)
    assert (found.statistic, found.p_value) == pytest.approx((want["L.0"], want["pval.0"]), rel=1e-5)


def test_impossible_selection_models_are_refused_with_the_fix():
    result = ae.meta_analysis([0.1, 0.4, 0.5, 0.3, 0.6, 0.2], [0.02, 0.03, 0.05, 0.02, 0.06, 0.04])
    with pytest.raises(ae.InputError, match="steps must lie between 0 and 1"):
        result.selection_model(steps=(0.025, 1.5))
    with pytest.raises(ae.InputError, match="no trial has a one-sided P value from 0 to 1e-06; choose other steps"):
        result.selection_model(steps=(1e-6,))
    with pytest.raises(ae.InputError, match="did you mean 'halfnormal'"):
        result.selection_model("halfnorm")
    with pytest.raises(ae.InputError, match="precision has no part in a step"):
        result.selection_model(precision="se")


@pytest.mark.parametrize(
    ("key", "steps"),
    [
        ("ML|stepfun|0.025,0.5|fixed delta 1,.5,.2", (0.025, 0.5)),
        (
            "ML|stepfun|VeveaWoods moderate one-tailed",
            (0.005, 0.01, 0.05, 0.1, 0.25, 0.35, 0.5, 0.65, 0.75, 0.9, 0.95, 0.99, 0.995, 1),
        ),
    ],
)
@pytest.mark.parametrize("unit", [1.0, 1e-5])
def test_given_weights_agree_with_metafor(key, steps, unit):
    file = json.loads((REFERENCE / "selmodel__dat.bcg.json").read_text())
    want = file["expected"][key]
    result = ae.meta_analysis(np.array(file["data"]["yi"]) * unit, np.array(file["data"]["vi"]) * unit**2, method="ML", test="z")
    found = result.selection_model(steps=steps, weights=want["delta"], alternative="less")
    assert found.estimate / unit == pytest.approx(want["beta"][0], rel=1e-6)
    assert found.se / unit == pytest.approx(want["se"][0], rel=1e-6)
    assert found.tau2 / unit**2 == pytest.approx(want["tau2"], rel=1e-6)
    assert found.lrt_df == 0
    assert math.isnan(found.lrt_p)


def test_weights_of_one_are_the_model_without_selection_also_with_moderators():
    file = json.loads((REFERENCE / "selmodel__dat.bcg.json").read_text())
    data = pd.DataFrame({"yi": file["data"]["yi"], "vi": file["data"]["vi"], "year": np.arange(1950, 1963)})
    plain = ae.meta_analysis("yi", "vi", data=data, moderators="~ year", method="ML", test="z")
    found = plain.selection_model(weights=(1, 1))
    assert found.coefficients["estimate"].to_numpy() == pytest.approx(plain.coefficients["estimate"].to_numpy(), rel=1e-7)
    assert found.loglik == pytest.approx(plain.loglik, abs=1e-10)
    free = plain.selection_model(kind="halfnormal")
    assert free.loglik >= plain.loglik - 1e-9
    moved = ae.meta_analysis("yi", "vi", data=data.assign(year=data["year"] - 1950), moderators="~ year", method="ML", test="z")
    slopes = [one.coefficients["estimate"].loc["year"] for one in (free, moved.selection_model(kind="halfnormal"))]
    assert slopes[0] == pytest.approx(slopes[1], rel=1e-5)


def test_weights_that_do_not_fit_are_refused():
    result = ae.meta_analysis([0.1, 0.4, 0.5, 0.3], [0.02, 0.03, 0.05, 0.02])
    with pytest.raises(ae.InputError, match="the first of them 1"):
        result.selection_model(weights=(0.5, 0.2))
    with pytest.raises(ae.InputError, match="kind='step'"):
        result.selection_model(kind="beta", weights=(1, 1))
