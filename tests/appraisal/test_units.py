"""What is made of a pooled effect is the same in every unit in which effects are counted, and where effects are moved."""

import numpy as np
import pandas as pd
import pytest

import acuevidence as ae
from acuevidence.appraisal.selection_model import KINDS

LOCATION = ("estimate", "ci_low", "ci_high", "limit", "limit_low", "limit_high", "yi")
OF_ZERO = ("statistic", "p_value", "chosen")  # tests against 0, which a shift moves
FEW = (1e-8, 1e8)


def table(y, v, unit=1.0):
    k = np.arange(len(y))
    year = np.random.default_rng(len(y)).normal(2000, 8, len(y)).round(1)
    return pd.DataFrame({"yi": y * unit, "vi": v * unit**2, "year": year, "n": 20 + 7 * k[::-1] % 90})


def pooled(y, v, unit=1.0, **options):
    return ae.meta_analysis("yi", "vi", data=table(y, v, unit), **options)


@pytest.mark.parametrize("test", ["z", "HKSJ"])
def test_influence(effect_sets, same_in_units, same_when_shifted, test):
    def found(y, v, unit=1.0):
        result = pooled(y, v, unit, test=test)
        return {"influence": result.influence(), "baujat": result.baujat()}

    def left_out(y, v, unit=1.0):
        result = pooled(y, v, unit, test=test)
        return {"one": result.leave_one_out(), "year": result.cumulative("year")}

    same_in_units(found, effect_sets, FEW)
    same_in_units(left_out, effect_sets, FEW)
    same_when_shifted(found, effect_sets[1::2])
    same_when_shifted(left_out, effect_sets[::4], located=LOCATION, leave=OF_ZERO)


def test_influence_with_moderators(effect_sets, same_in_units, same_when_shifted):
    def found(y, v, unit=1.0):
        result = pooled(y, v, unit, moderators="~ year")
        return {"influence": result.influence(), "baujat": result.baujat()}

    same_in_units(found, effect_sets[1:-1:2], FEW)
    same_when_shifted(found, effect_sets[1:3])


def test_influence_does_not_depend_on_the_unit_of_a_moderator(effect_sets):
    _, y, v = effect_sets[0]
    one = pooled(y, v, moderators="~ year").influence()
    for unit in (1e-8, 1e8):
        data = table(y, v).assign(year=lambda d, u=unit: (d["year"] - 2000) * u)
        other = ae.meta_analysis("yi", "vi", data=data, moderators="~ year").influence()
        for name in ("rstudent", "dffits", "cook_d", "cov_r", "tau2_del", "hat", "dfbetas_year"):
            assert other[name].to_numpy() == pytest.approx(one[name].to_numpy(), rel=1e-6), name


def test_every_subset(effect_sets, same_in_units, same_when_shifted):
    def subsets(y, v, unit=1.0):
        return pooled(y, v, unit).gosh(subsets=200, seed=1)

    same_in_units(subsets, effect_sets)
    same_when_shifted(subsets, effect_sets[::2], located=LOCATION)
    same_in_units(lambda y, v, u: pooled(y, v, u).gosh_clusters(subsets=200, seed=1).trials, effect_sets[6:7], FEW)


def kinds_of_egger(y, v, unit=1.0):
    result = pooled(y, v, unit)
    tests = [(model, predictor) for model in ("rma", "lm") for predictor in ("se", "vi", "n", "1/n", "1/sqrt(n)")]
    found = {f"{model} {predictor}": result.small_study_test("egger", model, predictor) for model, predictor in tests}
    return {
        name: {
            "statistic": t.statistic,
            "p_value": t.p_value,
            **({} if t.limit is None else {"estimate": t.limit, "ci_low": t.limit_low, "ci_high": t.limit_high}),
        }
        for name, t in found.items()
    }


def test_small_studies(effect_sets, same_in_units, same_when_shifted):
    def others(y, v, unit=1.0):
        result = pooled(y, v, unit)
        begg, limit = result.small_study_test("begg"), result.limit_meta_analysis()
        names = ("estimate", "se", "ci_low", "ci_high")
        return {
            "begg": {"tau_b": begg.statistic, "p_begg": begg.p_value},
            "pet": result.pet_peese().loc["PET"].to_dict(),
            "peese": result.pet_peese().loc["PEESE"].drop(["slope", "slope_se"]).to_dict(),
            "limit": {name: getattr(limit, name) for name in names} | {"slope": limit.slope, "g2": limit.g2 / 100},
        }

    same_in_units(kinds_of_egger, effect_sets[1:-1:2], FEW)
    same_when_shifted(kinds_of_egger, effect_sets[:2], located=LOCATION)
    same_in_units(others, effect_sets[:-1:2], FEW)


@pytest.mark.parametrize("estimator", ["L0", "R0"])
def test_trim_and_fill(effect_sets, same_in_units, same_when_shifted, estimator):
    def filled(y, v, unit=1.0):
        return pooled(y, v, unit).trim_and_fill(estimator)

    same_in_units(filled, effect_sets)
    same_when_shifted(filled, effect_sets[::2], located=LOCATION)


def test_fail_safe_and_excess(effect_sets, same_in_units):
    def found(y, v, unit=1.0):
        result = pooled(y, v, unit)
        return {
            **{kind: result.fail_safe_n(kind) for kind in ("rosenthal", "orwin", "rosenberg")},
            **{test: result.excess_significance(test=test) for test in ("chi2", "binom", "exact")},
        }

    same_in_units(found, effect_sets)


@pytest.mark.parametrize("kind", KINDS)
def test_selection_models(effect_sets, same_in_units, kind):
    def adjusted(y, v, unit=1.0):
        found = pooled(y, v, unit).selection_model(kind)
        names = ("estimate", "se", "ci_low", "ci_high", "tau2", "tau2_se", "lrt", "lrt_p", "unadjusted", "p_value")
        return {name: getattr(found, name) for name in names} | {"weights": found.delta, "weights_se": found.delta_se}

    same_in_units(adjusted, [effect_sets[0], effect_sets[3]], FEW)


def test_p_uniform(effect_sets, same_in_units):
    same_in_units(lambda y, v, u: pooled(y, v, u).p_uniform(), [effect_sets[0], effect_sets[5]], FEW)


def test_sequential(effect_sets, same_in_units):
    def monitored(y, v, unit=1.0):
        found = pooled(y, v, unit).sequential(delta=0.2 * unit)
        return {"steps": found.steps[["estimate", "z", "fraction", "boundary"]], "diversity": found.diversity}

    same_in_units(monitored, effect_sets, FEW)


def test_p_uniform_says_when_its_estimate_lies_beyond_every_trial():
    within = ae.meta_analysis([0.5, 0.4, 0.1, 0.6, 0.2], [0.03, 0.02, 0.02, 0.06, 0.04]).p_uniform()
    assert not any("beyond the effect of every trial" in note for note in within.notes)
    beyond = ae.meta_analysis([0.5] * 12, [0.1] * 12).p_uniform()
    # The mean of a normal of variance 0.1 cut off above at 0.62 is 0.5 where its own mean is 1.2 or so.
    assert beyond.estimate > 1
    assert any("beyond the effect of every trial" in note for note in beyond.notes)
    assert any("No trial is significant" in note for note in beyond.notes)


def test_q0_without_a_root_is_refused():
    y = np.array([0.0, 0.30, 0.31, 0.32, 0.33, 0.34])
    v = np.array([1e-6, 0.2, 0.2, 0.2, 0.2, 0.2])
    with pytest.raises(ae.InputError, match="Q0"):
        ae.meta_analysis(y, v, method="EE").trim_and_fill("Q0")
