"""Deletion diagnostics, subsets and permutations against metafor, and identities that hold for any data."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import acuevidence as ae
from acuevidence.appraisal.influence import influence_limits
from acuevidence.errors import InputError

REFERENCE = Path(__file__).resolve().parents[1] / "reference"
FITS = {"REML": ("REML", "z"), "EE": ("EE", "z"), "REML_knha": ("REML", "HKSJ")}


def _reference(name):
    return json.loads((REFERENCE / f"{name}.json").read_text())


def _fit(found, method, test):
    return ae.meta_analysis(np.array(found["data"]["yi"], float), np.array(found["data"]["vi"], float), method=method, test=test)


def _moderated(found, **options):
    X = np.array(found["data"]["X"], float)
    data = pd.DataFrame(X[:, 1:], columns=[f"x{i}" for i in range(1, X.shape[1])])
    formula = "~ " + " + ".join(data.columns)
    data = data.assign(yi=found["data"]["yi"], vi=found["data"]["vi"])
    return ae.meta_analysis("yi", "vi", data=data, moderators=formula, **options)


@pytest.mark.parametrize("name", ["diag__syn.k3A__REML_knha", "diag__dat.hine1989__REML", "diag__dat.hine1989__EE"])
def test_diagnostics_agree_with_metafor(name):
    found = _reference(name)
    result = _fit(found, *FITS[name.split("__")[-1]])
    expected = found["expected"]
    tables = [
        (
            result.influence(),
            expected["influence"]["inf"],
            {"rstudent": "rstudent", "dffits": "dffits", "cook_d": "cook.d", "cov_r": "cov.r", "q_del": "QE.del", "hat": "hat"},
        ),
        (
            result.leave_one_out(),
            expected["leave1out"],
            {
                "estimate": "estimate",
                "se": "se",
                "p_value": "pval",
                "ci_low": "ci.lb",
                "q": "Q",
                "tau2": "tau2",
                "i2": "I2",
                "h2": "H2",
            },
        ),
        (
            result.cumulative(),
            expected["cumul_by_given_order"],
            {"estimate": "estimate", "ci_high": "ci.ub", "q_p": "Qp", "tau2": "tau2"},
        ),
        (result.blup(), expected.get("blup", {}), {"pred": "pred", "se": "se", "pi_low": "pi.lb"}),
        (result.baujat(), expected["baujat"], {"x": "x", "y": "y"}),
    ]
    for frame, values, names in tables:
        for ours, theirs in names.items():
            if values.get(theirs) is not None:
                np.testing.assert_allclose(frame[ours], np.array(values[theirs], float), rtol=2e-4, atol=1e-6)
    assert result.influence().influential.tolist() == expected["influence"]["is_infl"]


def test_diagnostics_of_a_regression_agree_with_metafor_where_a_trial_can_be_left_out():
    found = _reference("diagmods__dat.gibson2002__type")
    frame = _moderated(found, test="z").influence()
    expected = found["expected"]["influence"]["inf"]
    for ours, theirs in {"rstudent": "rstudent", "cook_d": "cook.d", "cov_r": "cov.r", "hat": "hat"}.items():
        np.testing.assert_allclose(frame[ours], np.array(expected[theirs], float), rtol=2e-4, atol=1e-6)
    alone = frame["rstudent"].isna()
    assert alone.any()
    assert frame.loc[alone, "influential"].all()


@pytest.mark.parametrize("key", ["DL|z", "REML|knha", "EE|z"])
def test_the_exact_permutation_test_agrees_with_metafor(key):
    found = _reference("permutest__syn.k3A")
    method, test = key.split("|")
    tested = _fit(found, method, {"z": "z", "knha": "HKSJ"}[test]).permutation_test(exact=True)
    assert tested.p_value == pytest.approx(found["expected"][key]["pval"][0])
    assert tested.permutations == found["expected"][key]["exact_permutations"]


@pytest.mark.parametrize("key", ["DL_z", "DL_knha", "EE_z"])
def test_permuted_moderators_agree_with_metafor(key):
    found = _reference("permutestmods__dat.bcg__ablat")
    method, test = key.split("_")
    tested = _moderated(found, method=method, test={"z": "z", "knha": "HKSJ"}[test]).permutation_test(exact=True)
    np.testing.assert_allclose(tested.p_values, found["expected"][key]["pval"])
    assert tested.qm_p == pytest.approx(found["expected"][key]["QMp"])


def test_a_sampled_permutation_test_approaches_the_exact_one():
    result = ae.meta_analysis([0.2, 0.5, 0.3, 0.1, 0.4, -0.1], [0.02, 0.04, 0.03, 0.05, 0.02, 0.03])
    exact, sampled = result.permutation_test(exact=True), result.permutation_test(exact=False, n=20_000, seed=1)
    assert sampled.p_value == pytest.approx(exact.p_value, abs=0.01)
    assert not sampled.exact


def test_every_subset_agrees_with_metafor():
    found = _reference("gosh__dat.hine1989__REML")
    subsets = _fit(found, "REML", "z").gosh()
    assert len(subsets) == len(found["expected"]["k"])
    for ours, theirs in {"estimate": "estimate", "tau2": "tau2", "q": "QE"}.items():
        several = np.array(found["expected"]["k"]) > 1
        expected = np.sort(np.array(found["expected"][theirs], float)[several])
        np.testing.assert_allclose(np.sort(subsets.loc[subsets.k > 1, ours]), expected, rtol=2e-3, atol=2e-4)


def test_the_full_subset_is_the_result_and_each_trial_belongs_to_half_of_the_subsets():
    result = ae.meta_analysis([0.2, 0.5, 0.3, 1.0], [0.02, 0.04, 0.03, 0.03], labels=list("ABCD"))
    subsets = result.gosh()
    full = subsets[subsets[list("ABCD")].all(axis=1)].iloc[0]
    assert (full.estimate, full.tau2) == pytest.approx((result.estimate, result.tau2))
    assert (subsets[list("ABCD")].sum() == 8).all()


def test_sampled_subsets_are_distinct_and_repeat_with_the_seed():
    rng = np.random.default_rng(5)
    result = ae.meta_analysis(rng.normal(size=30), rng.uniform(0.1, 0.2, 30))
    one, two = result.gosh(500, seed=3), result.gosh(500, seed=3)
    assert one.equals(two)
    assert not one.filter(like="trial_").duplicated().any()


def test_more_trials_than_can_be_enumerated_are_refused_with_the_way_out():
    result = ae.meta_analysis(np.zeros(21), np.ones(21))
    with pytest.raises(InputError, match="subsets=1_000_000"):
        result.gosh()


def test_the_last_cumulative_row_is_the_result_in_any_order():
    result = ae.meta_analysis([0.2, 0.5, 0.3, 1.0], [0.02, 0.04, 0.03, 0.03])
    for order in (None, [4, 3, 2, 1], [2, 2, 1, 1]):
        assert result.cumulative(order).iloc[-1].estimate == pytest.approx(result.estimate)


def test_leaving_out_a_trial_is_fitting_without_it():
    yi, vi = np.array([0.2, 0.5, 0.3, 1.0]), np.array([0.02, 0.04, 0.03, 0.03])
    left = ae.meta_analysis(yi, vi).leave_one_out()
    for i in range(4):
        alone = ae.meta_analysis(np.delete(yi, i), np.delete(vi, i))
        assert (left.ci_low.iloc[i], left.tau2.iloc[i]) == pytest.approx((alone.ci_low, alone.tau2), abs=1e-12)


@pytest.mark.parametrize("method", ["leave_one_out", "cumulative", "gosh"])
def test_methods_of_a_pooled_effect_refuse_moderators(method):
    data = pd.DataFrame({"yi": [0.1, 0.2, 0.4, 0.3], "vi": 0.1, "year": [2001, 2002, 2003, 2004]})
    with pytest.raises(InputError, match="without moderators"):
        getattr(ae.meta_analysis("yi", "vi", data=data, moderators="~ year"), method)()


@pytest.mark.parametrize("test", ["HKSJ", "z"])
def test_trials_that_agree_exactly_influence_nothing(test):
    frame = ae.meta_analysis([0.25] * 5, [0.02, 0.03, 0.04, 0.02, 0.03], test=test).influence()
    assert not frame.influential.any()
    assert frame.cook_d.abs().max() < 1e-12


def test_a_seed_fixes_the_permutations_and_nothing_else_does():
    rng = np.random.default_rng(5)
    result = ae.meta_analysis(rng.normal(0.1, 0.4, 20), np.full(20, 0.1))
    values = [[result.permutation_test(exact=False, n=999, seed=seed).p_value for seed in range(4)] for _ in range(2)]
    assert values[0] == values[1]
    assert len(set(values[0])) > 1


def test_an_smd_beyond_three_is_spoken_of_and_another_measure_is_not():
    frame = pd.DataFrame({"yi": [3.1, 0.2, 2.9], "vi": 0.1, "effect": "SMD"})
    (said,) = [note for note in ae.meta_analysis("yi", "vi", data=frame).notes if "beyond 3" in note]
    assert "standard error" in said
    assert not any("beyond 3" in note for note in ae.meta_analysis("yi", "vi", data=frame.assign(effect="MD")).notes)
    assert not any("beyond 3" in note for note in ae.meta_analysis("yi", "vi", data=frame[1:]).notes)


def test_a_table_of_groups_predicts_as_each_group_does():
    frame = pd.DataFrame({"yi": [0.1, 0.5, 0.9, 0.2, 0.4, 0.7, 0.3], "vi": 0.04, "g": list("aaabbbb")})
    for kind in ("V", "HTS", "z"):
        groups = ae.meta_analysis("yi", "vi", data=frame, by="g", prediction=kind)
        table = groups.to_frame().set_index("g")
        for name, one in groups.items():
            assert table.loc[name, ["pi_low", "pi_high"]].tolist() == pytest.approx([one.pi_low, one.pi_high])


def test_a_hat_value_stands_out_above_three_times_the_mean():
    assert influence_limits(10, 2) == pytest.approx(
        {"dffits": 3 * np.sqrt(2 / 8), "cook_d": 1.386294, "hat": 0.6}, rel=1e-6
    )  # 2 log 2
