"""Meta-regression against metafor 5.1, its identities, and the settings it refuses."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import acuevidence as ae

REFERENCE = Path(__file__).parents[1] / "reference"
TESTS = {"z": "z", "t": "t", "knha": "HKSJ", "adhoc": "HKSJ-adhoc"}


def small():
    return pd.DataFrame(
        {
            "yi": [0.1, 0.3, 0.5, 0.2, 0.6, 0.4],
            "vi": [0.02, 0.03, 0.02, 0.04, 0.05, 0.03],
            "a": list("xxyyzz"),
            "x": [1.0, 2, 3, 4, 5, 7],
            "double": [2.0, 4, 6, 8, 10, 14],
            "b": list("ppqqrr"),
            "c": pd.Categorical(list("uuvvuv"), categories=list("uvw")),
        }
    )


@pytest.mark.parametrize("name", ["bcg__alloc", "bcg__both"])
@pytest.mark.parametrize("method", ["REML", "DL", "PM", "ML"])
def test_coefficients_and_omnibus_tests_agree_with_metafor(name, method):
    read = json.loads((REFERENCE / f"unimods__dat.{name}.json").read_text())
    X = np.array(read["data"]["X"], float)[:, 1:]
    data = pd.DataFrame(X, columns=[f"x{i}" for i in range(X.shape[1])]).assign(yi=read["data"]["yi"], vi=read["data"]["vi"])
    expected = read["expected"][method]
    for test, want in expected["tests"].items():
        found = ae.meta_analysis(data=data, moderators=" + ".join(["~ 1", *data.columns[:-2]]), method=method, test=TESTS[test])
        for ours, theirs in {
            "estimate": "beta",
            "se": "se",
            "p_value": "pval",
            "ci_low": "ci_lb",
            "ci_high": "ci_ub",
        }.items():
            assert found.coefficients[ours].tolist() == pytest.approx(want[theirs], rel=1e-6)
        assert found.qm == pytest.approx(want["QM"], rel=1e-6)
        assert found.qm_p == pytest.approx(want["QMp"], rel=1e-6)


def test_predicting_the_trials_own_settings_returns_their_fitted_values():
    data = small()
    fitted = ae.meta_analysis(data=data, moderators="~ x + C(a)", test="z")
    pd.testing.assert_frame_equal(fitted.predict(data), fitted.predict(), check_exact=False, rtol=1e-12)


def test_a_prediction_at_zero_is_the_intercept_with_its_interval():
    fitted = ae.meta_analysis(data=small(), moderators="~ x")
    row = fitted.predict(pd.DataFrame({"x": [0.0]})).iloc[0]
    for name, ours in {"pred": "estimate", "se": "se", "ci_low": "ci_low", "ci_high": "ci_high"}.items():
        assert row[name] == pytest.approx(getattr(fitted, ours), rel=1e-12)


def test_an_interaction_is_the_product_of_its_terms():
    data = pd.concat([small(), small().assign(yi=lambda f: f["yi"][::-1].to_numpy() + 0.1)], ignore_index=True)
    data["z"] = [0.0, 1.0, 3.0] * 4
    data["product"] = data["x"] * data["z"]
    joint = ae.meta_analysis(data=data, moderators="~ x * z").coefficients
    by_hand = ae.meta_analysis(data=data, moderators="~ x + z + product").coefficients
    np.testing.assert_allclose(joint.to_numpy(), by_hand.to_numpy(), rtol=1e-9)


def test_without_moderators_a_prediction_has_a_row_for_each_new_setting():
    new = pd.DataFrame({"x": [1, 2, 3]}, index=list("abc"))
    found = ae.meta_analysis(data=small()).predict(new)
    assert found.index.tolist() == list("abc")
    assert found["pred"].nunique() == 1


@pytest.mark.parametrize(
    ("formula", "words"),
    [
        ("~ a + b", r"b\[T.q\], b\[T.r\] follows from the terms before it"),
        ("~ x + double", "double follows from the terms before it"),
        ("~ c", r"no trial has c\[T.w\]; drop the level"),
        ("~ x * a", "asks for 6 coefficients from 6 trials"),
        ("~ dose", "dose.* is not known"),
        ("~ x +", "cannot be read"),
    ],
)
def test_moderators_that_cannot_be_told_apart_are_named(formula, words):
    with pytest.raises(ae.InputError, match=words):
        ae.meta_analysis(data=small(), moderators=formula)


@pytest.mark.parametrize(
    ("new", "words"),
    [
        (pd.DataFrame({"a": ["x", "w"], "x": [1, 2]}), "a has a level that no trial has: row 1 has 'w'"),
        (pd.DataFrame({"a": ["x"]}), "new lacks the moderator x"),
    ],
)
def test_settings_the_data_do_not_know_are_refused(new, words):
    with pytest.raises(ae.InputError, match=words):
        ae.meta_analysis(data=small(), moderators="~ a + x").predict(new)


@pytest.mark.parametrize("method", ["EE", "DL", "REML", "PM"])
def test_a_line_through_the_origin_is_weighted_least_squares(method):
    rng = np.random.default_rng(1)
    d = pd.DataFrame({"yi": rng.normal(5, 1, 8), "vi": rng.uniform(0.1, 1, 8), "x": rng.uniform(1, 3, 8)})
    found = ae.meta_analysis("yi", "vi", data=d, moderators="~ 0 + x", method=method, test="z")
    w = 1 / (d["vi"] + (found.tau2 or 0.0))
    assert found.beta[0] == pytest.approx((w * d["x"] * d["yi"]).sum() / (w * d["x"] ** 2).sum(), rel=1e-10)
    assert found.se == pytest.approx((w * d["x"] ** 2).sum() ** -0.5, rel=1e-10)
    line = (d["x"] * d["yi"] / d["vi"]).sum() / (d["x"] ** 2 / d["vi"]).sum()
    assert found.q == pytest.approx(((d["yi"] - line * d["x"]) ** 2 / d["vi"]).sum(), rel=1e-10)
    if method == "PM":
        assert (w * (d["yi"] - found.beta[0] * d["x"]) ** 2).sum() == pytest.approx(7, rel=1e-8)
