"""The parts of the effect: identities, Fieller's equation, and what is said where trials are too few."""

import matplotlib as mpl
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import acuevidence as ae
from acuevidence.questions.decompose import shared_arm_covariance, split_effect
from acuevidence.synthesis.ratio import ratio_interval

mpl.use("Agg")

effect = st.floats(-2, 2)
error = st.floats(0.01, 1)


@pytest.fixture(scope="module")
def whole():
    return ae.decompose()


def test_total_is_specific_plus_non_specific_in_every_condition(whole):
    parts = whole.parts.pivot(index="condition", columns="part", values="estimate").dropna(subset="total")
    assert len(parts) >= 4
    np.testing.assert_allclose(parts["total"], parts["specific"] + parts["non_specific"], rtol=1e-12)


def test_share_is_non_specific_over_total(whole):
    parts = whole.parts.pivot(index="condition", columns="part", values="estimate")
    shares = whole.shares.set_index("condition")["share"].dropna()
    np.testing.assert_allclose(shares, (parts["non_specific"] / parts["total"])[shares.index], rtol=1e-12)
    inside = (whole.shares["kind"] == "bounded") & (whole.shares["low"] >= 0) & (whole.shares["high"] <= 1)
    assert (whole.shares["share"].notna() == inside).all()
    assert whole.shares.loc[whole.shares["kind"].notna() & ~inside, "words"].str.contains("not estimable").all()


def test_three_arm_trials_alone_and_no_trial_that_fills_an_arm(whole):
    # Lee 2009: 12 of 12 with acupuncture respond
    assert whole.left_out == ("Lee 2009",)
    three = ae.decompose(["low_back_pain", "knee_osteoarthritis", "headache", "neck_pain"], three_arm=True)
    assert (three.effects.groupby("trial_id")["comparator"].nunique() == 2).all()
    share = three.shares.iloc[0]
    assert share["k_total"] == share["k_specific"] == share["k_three_arm"]
    # As two statistical reviews computed it by hand: about 70 % (57 to 87)
    assert [share["share"], share["low"], share["high"]] == pytest.approx([0.70, 0.57, 0.87], abs=0.02)


def test_effects_of_different_trials_do_not_covary_and_shared_arms_do(whole):
    trial = whole.effects["trial_id"].to_numpy()
    V = whole.covariance.to_numpy()
    same = trial[:, None] == trial
    assert np.all(V[~same] == 0)
    off = same & ~np.eye(len(V), dtype=bool)
    assert off.any()
    assert np.all(V[off] > 0)


def test_covariance_of_a_shared_arm_is_that_of_gleser_and_olkin(whole):
    two = whole.effects[whole.effects["trial_id"] == "melchart2005"]
    V = shared_arm_covariance(two).to_numpy()
    patients = two["n1"].iloc[0] + two["n2"].sum()
    expected = 1 / two["n1"].iloc[0] + two["yi"].prod() / (2 * patients)
    assert V[0, 1] == pytest.approx(float(expected), rel=1e-12)


def test_a_single_three_arm_trial_gives_the_difference_of_its_effects():
    effects = ae.trial_effects("low_back_pain")
    effects = effects[effects["trial_id"] != "haake2007"]  # the other trial with all three arms
    trial = effects[effects["trial_id"] == "brinkhaus2006"].set_index("comparator")
    three = trial["yi"]
    direct = split_effect(effects).parts.loc["direct"]
    assert direct["k"] == 1
    # both effects share the 146 patients of the treated arm; 73 had sham, 79 usual care
    covariance = 1 / 146 + three.prod() / (2 * (146 + 73 + 79))
    assert direct["se"] == pytest.approx(float(trial["vi"].sum() - 2 * covariance) ** 0.5, rel=1e-9)
    assert direct["estimate"] == pytest.approx(three["usual_care"] - three["sham"], rel=1e-12)


def test_too_few_trials_are_said_and_nothing_is_estimated():
    found = ae.decompose("fibromyalgia")
    assert "too few trials" in found.shares["words"].iloc[0]
    assert np.isnan(found.shares["share"].iloc[0])
    assert found.models == {}


def test_posterior_is_the_same_on_every_run_and_near_fieller(whole):
    again = ae.decompose("low_back_pain").shares.iloc[0]
    first = whole.shares.set_index("condition").loc["low_back_pain"]
    assert again["post_low"] == first["post_low"]
    everything = whole.shares.iloc[0]
    assert everything["post_low"] == pytest.approx(everything["low"], abs=0.01)
    assert everything["post_high"] == pytest.approx(everything["high"], abs=0.01)


def test_both_comparators_are_needed():
    with pytest.raises(ae.InputError, match="both comparators"):
        ae.decompose(comparator="sham")


@given(effect, error, effect, error, st.floats(-0.95, 0.95))
def test_fieller_limits_solve_their_equation(a, se_a, b, se_b, r):
    covariance = r * se_a * se_b
    found = ratio_interval((a, se_a), (b, se_b), covariance)
    if found.kind == "unbounded":
        return
    for limit in (found.low, found.high):
        left = (a - limit * b) ** 2
        right = 1.959963984540054**2 * (se_a**2 - 2 * limit * covariance + limit**2 * se_b**2)
        assert left == pytest.approx(right, rel=1e-5, abs=1e-9 * (1 + limit**2))


@given(effect, error, effect, error)
def test_the_estimate_itself_is_never_rejected_and_bounds_need_a_total_effect(a, se_a, b, se_b):
    found = ratio_interval((a, se_a), (b, se_b))
    assert (found.kind == "bounded") == (abs(b) / se_b > 1.959963984540054)
    if abs(b) > 1e-3:
        edge = 1e-9 * (1 + abs(a / b))
        assert found.holds(a / b) or min(abs(found.low - a / b), abs(found.high - a / b)) < edge


def test_figure_shows_every_condition(whole):
    labels = [tick.get_text() for tick in whole.plot().get_yticklabels()]
    assert labels[0] == "All conditions"
    assert len(labels) == whole.shares["kind"].notna().sum()
