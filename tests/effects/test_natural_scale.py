"""Are effects that are analysed on another scale brought back to the one that readers know, everywhere in the same way?

Pooled values are those of metaprop and metacor of meta 8.3 in tests/reference; what one trial prints comes back from its own effect.
"""

import json
from pathlib import Path

import numpy as np
import pytest

import acuevidence as ae

REFERENCE = Path(__file__).parents[1] / "reference"


def reference(name):
    return json.loads((REFERENCE / f"{name}.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def proportions():
    return reference("metaprop__dat.pritz1997")


# metaprop treats a share of 0 or 1 in another way than escalc in its raw and log proportions, so these are not compared.
NATURAL = {"PLOGIT": ("PLO", lambda y: 1 / (1 + np.exp(-y))), "PAS": ("PAS", lambda y: np.sin(np.clip(y, 0, np.pi / 2)) ** 2)}


@pytest.mark.parametrize("key", NATURAL)
def test_pooled_proportions_agree_with_metaprop(proportions, key):
    code, back = NATURAL[key]
    d, want = proportions["data"], proportions["expected"][key]
    trials = ae.effect_size(code, events=d["xi"], n=d["ni"]).assign(effect=code)
    result = ae.meta_analysis("yi", "vi", data=trials, test="z")
    assert result.estimate == pytest.approx(want["TE_random"], rel=1e-6)
    assert (result.ci_low, result.ci_high) == pytest.approx((want["lower_random"], want["upper_random"]), rel=1e-6)
    assert result.tau2 == pytest.approx(want["tau2"], rel=1e-6)
    found = result.predict(transform=True).iloc[0]
    assert found["pred"] == pytest.approx(back(want["TE_random"]), rel=1e-6)
    assert found["ci_low"] == pytest.approx(back(want["lower_random"]), rel=1e-6)
    assert found["ci_high"] == pytest.approx(back(want["upper_random"]), rel=1e-6)
    assert f"As a proportion {found['pred']:.3g} (" in result.summary()
    assert "CI" in result.summary()
    assert f"; P {result.p_value:.3f}" not in result.summary()  # no proportion means no effect


def test_double_arcsines_come_back_by_the_harmonic_mean_as_in_metaprop(proportions):
    d = proportions["data"]
    trials = ae.effect_size("PFT", events=d["xi"], n=d["ni"]).assign(effect="PFT", n=d["ni"])
    found = ae.meta_analysis("yi", "vi", data=trials, test="z").predict(transform=True)
    assert found["pred"].item() == pytest.approx(proportions["expected"]["PFT|backtransformed_harmonic"]["random"], rel=1e-6)
    with pytest.raises(ae.InputError, match="need a column n"):
        ae.meta_analysis("yi", "vi", data=trials.drop(columns="n")).predict(transform=True)


def test_pooled_correlations_agree_with_metacor():
    read = reference("metacor__dat.molloy2014")
    d, want = read["data"], read["expected"]["ZCOR"]
    result = ae.meta_analysis(data=ae.read_trials({"study": d["study"], "r": d["ri"], "n": d["ni"]}), test="HKSJ")
    assert (result.ci_low, result.ci_high) == pytest.approx((want["lower_random"], want["upper_random"]), rel=1e-6)
    found = result.predict(transform=True).iloc[0]
    assert found["pred"] == pytest.approx(np.tanh(want["TE_random"]), rel=1e-6)
    assert found["ci_low"] == pytest.approx(np.tanh(want["lower_random"]), rel=1e-6)
    assert "As a correlation 0.149" in result.summary()


@pytest.mark.parametrize("code", ["IRLN", "IRS", "IRFT"])
def test_a_rate_comes_back_from_its_own_effect(code):
    events, time = np.array([4, 1, 30]), np.array([1344.0, 12.5, 3.25])
    yi = ae.effect_size(code, events=events, time=time)["yi"]
    found = [ae.effects.back_transform(y, code, n=t) for y, t in zip(yi, time, strict=True)]
    np.testing.assert_allclose(found, events / time, rtol=1e-9)


def test_no_event_comes_back_as_no_event():
    yi = ae.effect_size("IRFT", events=0, time=40)["yi"].item()
    assert ae.effects.back_transform(yi, "IRFT", n=40) == pytest.approx(0, abs=1e-12)


def test_effects_on_their_natural_scale_have_no_other():
    trials = ae.effect_size("PR", events=[3, 6], n=[20, 30]).assign(effect="PR")
    with pytest.raises(ae.InputError, match="'PR' have no other scale"):
        ae.meta_analysis("yi", "vi", data=trials).predict(transform=True)


def test_a_measure_may_be_named_where_the_data_name_none():
    result = ae.meta_analysis([-1.2, -0.8, -1.0], [0.05, 0.04, 0.06])
    assert result.predict(transform="PLO")["pred"].item() == pytest.approx(1 / (1 + np.exp(-result.estimate)), rel=1e-12)
    assert result.predict(transform="OR")["ci_high"].item() == pytest.approx(np.exp(result.ci_high), rel=1e-12)
    with pytest.raises(ae.InputError, match="transform='PLO'"):
        result.predict(transform=True)
    with pytest.raises(ae.InputError, match="transform='PLOO' is not known; did you mean 'PLO'"):
        result.predict(transform="PLOO")


def test_a_forest_plot_shows_proportions_where_logits_are_pooled():
    result = ae.meta_analysis(data=ae.read_trials({"study": list("ABC"), "events": [6, 20, 11], "n": [40, 80, 50]}), labels="study")
    ax = result.forest()
    shown = [text.get_text() for text in ax.figure.findobj(lambda one: hasattr(one, "get_text"))]
    assert any(text.startswith("0.15 (") for text in shown)  # 6 of 40
    assert any(text.startswith("Proportion") for text in shown)
    assert not any("overall effect" in text for text in shown)
    ticks = {tick.get_text(): place for tick, place in zip(ax.get_xticklabels(), ax.get_xticks(), strict=True)}
    assert ticks["0.2"] == pytest.approx(np.log(0.2 / 0.8), abs=1e-3)
