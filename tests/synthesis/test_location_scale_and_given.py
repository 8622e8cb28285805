"""Models in which tau2 depends on moderators, is given, or in which the weights are."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

import acuevidence as ae

REFERENCE = Path(__file__).parents[1] / "reference"
CASES = [
    (name, mods, scale, method, link)
    for name, mods, scale in [("dat.bangertdrowns2004", None, "~ length"), ("syn.k100A", "~ x1", "~ x1")]
    for method in ("ML", "REML")
    for link in ("log", "identity")
]


def read(name):
    found = json.loads((REFERENCE / f"{name}.json").read_text())
    return pd.DataFrame({key: cells for key, cells in found["data"].items() if not isinstance(cells[0], list)}), found["expected"]


@pytest.mark.parametrize(("name", "mods", "scale", "method", "link"), CASES)
@pytest.mark.parametrize("unit", [1.0, 1e-4, 1e5])
def test_location_scale_models_agree_with_metafor_in_every_unit(name, mods, scale, method, link, unit):
    data, expected = read(f"locscale__{name}")
    want = expected.get(f"{method}|{link}")
    if want is None:
        pytest.skip("no reference value")
    scaled = data.assign(yi=data["yi"] * unit, vi=data["vi"] * unit**2)
    got = ae.meta_analysis("yi", "vi", data=scaled, moderators=mods, method=method, test="z", scale=scale, link=link)
    assert_allclose(got.coefficients["estimate"] / unit, want["beta"], rtol=2e-4)
    assert_allclose(got.coefficients["se"] / unit, want["se"], rtol=2e-4)
    alpha = got.scale_coefficients["estimate"].to_numpy()
    alpha = alpha / unit**2 if link == "identity" else alpha - np.log(unit**2) * np.array([1, 0])
    assert_allclose(alpha, want["alpha"], rtol=1e-3)
    if link == "log":
        assert_allclose(got.scale_coefficients["se"], want["se_alpha"], rtol=2e-3)
    assert_allclose(got.tau2 / unit**2, want["tau2"], rtol=1e-3)
    if unit == 1:
        assert_allclose(got.loglik, want["logLik"], rtol=1e-6)
        assert_allclose(got.predict()["tau2"], got.tau2, rtol=1e-9)
        assert got.loglik >= want["logLik"] - 1e-8


def test_a_scale_with_an_intercept_alone_is_the_usual_model():
    data, _ = read("locscale__syn.k100A")
    usual = ae.meta_analysis("yi", "vi", data=data, test="z")
    for link in ("log", "identity"):
        found = ae.meta_analysis("yi", "vi", data=data, test="z", scale="~ 1", link=link)
        assert_allclose(found.tau2, usual.tau2, rtol=1e-7)
        assert_allclose([found.estimate, found.se, found.loglik], [usual.estimate, usual.se, usual.loglik], rtol=1e-8)


def test_a_given_tau2_at_its_estimate_changes_nothing():
    y, v = [0.9, 0.4, 0.6, 0.1, 0.5], [0.09, 0.04, 0.06, 0.02, 0.03]
    usual = ae.meta_analysis(y, v)
    given = ae.meta_analysis(y, v, tau2=usual.tau2)
    for name in ("estimate", "se", "ci_low", "pi_low", "i2", "h2", "qm_p"):
        assert_allclose(getattr(given, name), getattr(usual, name), rtol=1e-10, err_msg=name)
    assert given.method == "given"
    assert given.tau2_se is None
    assert not hasattr(given, "leave_one_out")


def test_a_given_tau2_of_one_gives_weights_by_hand():
    result = ae.meta_analysis([0.0, 1.0], [1.0, 3.0], tau2=1.0, test="z")
    assert_allclose([result.estimate, result.se], [1 / 3, (1 / (1 / 2 + 1 / 4)) ** 0.5], rtol=1e-12)


def test_given_weights():
    y, v = np.array([0.9, 0.4, 0.6, 0.1, 0.5]), np.array([0.09, 0.04, 0.06, 0.02, 0.03])
    usual = ae.meta_analysis(y, v, test="z")
    same = ae.meta_analysis(y, v, test="z", weights=5 / (v + usual.tau2))
    assert_allclose([same.estimate, same.se], [usual.estimate, usual.se], rtol=1e-12)
    even = ae.meta_analysis(y, v, test="z", weights=np.ones(5))
    assert_allclose([even.estimate, even.se], [y.mean(), np.sqrt((v + usual.tau2).sum()) / 5], rtol=1e-12)
    assert even.weights.tolist() == [20.0] * 5
    data = pd.DataFrame({"yi": y, "vi": v, "w": [1, 1, np.nan, 1, 1]})
    assert ae.meta_analysis("yi", "vi", data=data, weights="w", missing="drop").k == 4


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"tau2": -1.0}, "0 or more"),
        ({"weights": [1, 0, 1]}, "weights must be positive"),
        ({"tau2": 0.1, "by": list("aab")}, "one by one"),
        ({"scale": "~ x"}, "data="),
    ],
)
def test_what_cannot_be_given_is_refused(options, said):
    with pytest.raises(ae.InputError, match=said):
        ae.meta_analysis([0.1, 0.4, 0.2], [0.1, 0.1, 0.2], **options)


def test_a_location_scale_model_needs_a_likelihood():
    data, _ = read("locscale__syn.k100A")
    with pytest.raises(ae.InputError, match="REML"):
        ae.meta_analysis("yi", "vi", data=data, scale="~ x1", method="DL")


def test_a_result_of_which_something_was_given_has_its_forest_and_its_text():
    result = ae.meta_analysis([0.9, 0.4, 0.6], [0.09, 0.04, 0.06], tau2=0.05)
    assert any("0.05" in text.get_text() for text in result.forest().figure.findobj(lambda part: hasattr(part, "get_text")))
    assert "τ² given" in result.methods_text()
