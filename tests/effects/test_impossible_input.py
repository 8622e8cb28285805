"""Is impossible input refused by the name of its argument and its position, and never turned into a NaN or an infinity?"""

import re

import numpy as np
import pandas as pd
import pytest

import acuevidence as ae
from acuevidence import effects

MEANS = {"mean1": [3, 3], "sd1": [1, 1], "n1": [20, 20], "mean2": [2, 2], "sd2": [1, 1], "n2": [20, 20]}
COUNTS = {"events1": [3, 3], "n1": [20, 20], "events2": [5, 5], "n2": [20, 20]}
RATES = {"events1": [3, 3], "time1": [20, 20], "events2": [5, 5], "time2": [20, 20]}
ONE = {"events": [3, 3], "n": [20, 20]}
PAIRED = {"mean_pre": [5, 5], "mean_post": [3, 3], "sd_pre": [2, 2], "sd_post": [2, 2], "n": [20, 20], "r": [0.5, 0.5]}

# measure, possible summaries, argument made impossible in the second trial, its value, what the message says
EFFECTS = [
    *[(m, MEANS, "sd1", -1, "sd1 must not be negative") for m in ("MD", "SMD", "SMDH", "ROM", "VR", "CVR", "D2OR")],
    *[(m, MEANS, "n2", 1, "n2 must be 2 or more") for m in ("MD", "SMD", "SMDH", "ROM", "VR", "CVR", "D2OR")],
    *[(m, MEANS, "mean1", np.nan, "mean1 is missing") for m in ("MD", "SMD", "ROM", "CVR")],
    ("SMD", MEANS, "sd2", np.inf, "sd2 must be finite"),
    ("ROM", MEANS, "mean2", 0, "mean1 and mean2 must be of one sign"),
    ("CVR", MEANS, "mean1", -3, "mean1 and mean2 must be of one sign"),
    ("VR", MEANS, "sd2", 0, "sd2 must be positive"),
    *[(m, COUNTS, "events1", 21, "events1 must not exceed n1") for m in ("RR", "OR", "RD", "AS", "PETO", "OR2D")],
    *[(m, COUNTS, "events2", -1, "events2 must not be negative") for m in ("RR", "OR", "RD", "AS", "PETO", "OR2D")],
    ("OR", COUNTS, "n1", 0, "n1 must be 1 or more"),
    ("IRR", RATES, "time1", 0, "time1 must be positive"),
    ("IRR", RATES, "events2", -1, "events2 must not be negative"),
    *[(m, ONE, "events", 21, "events must not exceed n") for m in ("PR", "PLO", "PAS", "PFT")],
    *[(m, PAIRED, "r", 1.0, "r must lie between -1 and 1") for m in ("MC", "SMCC")],
    ("MC", PAIRED, "n", 1, "n must be 2 or more"),
    ("SMCC", PAIRED, "n", 2, "n must be 2 or more (3 when standardised)"),
    ("SMCR", {k: v for k, v in PAIRED.items() if k != "sd_post"}, "sd_pre", 0, "sd_pre is zero"),
]


@pytest.mark.parametrize(("measure", "possible", "name", "value", "message"), EFFECTS)
def test_impossible_summaries_are_named_with_their_row(measure, possible, name, value, message):
    frame = pd.DataFrame(possible, index=["first", "second"]).astype(float)
    frame.loc["second", name] = value
    with pytest.raises(ae.InputError, match=re.escape(message)) as refused:
        ae.effect_size(measure, data=frame, **{column: column for column in frame})
    assert "'second'" in str(refused.value)
    assert "'first'" not in str(refused.value)


@pytest.mark.parametrize("measure", ["MD", "SMD", "SMDH", "ROM", "D2OR"])
def test_groups_without_any_spread_are_refused(measure):
    with pytest.raises(ae.InputError, match=r"sd1 and sd2 are both zero.*row 1"):
        ae.effect_size(measure, **{**MEANS, "sd1": [1, 0], "sd2": [1, 0]})


def test_an_unbiased_risk_difference_of_a_single_participant_is_refused():
    with pytest.raises(ae.InputError, match=r"n1 must be 2 or more.*row 1"):
        ae.effect_size("RD", vtype="UB", events1=[1, 1], n1=[5, 1], events2=[2, 1], n2=[5, 5])


CONVERSIONS = [
    (effects.from_ci, {"low": [1, 3], "high": [2, 2]}, "high must be above low"),
    (effects.from_ci, {"low": [1, 0], "high": [2, 2], "log": True}, "low must be positive for a ratio"),
    (effects.from_p, {"yi": [1, 1], "p": [0.5, 1.2]}, "p must lie between 0 and 1"),
    (effects.from_p, {"yi": [1, 1], "p": [0.5, 0]}, "p must lie between 0 and 1"),
    (effects.from_p, {"yi": [1, 0], "p": 0.5}, "yi is zero"),
    (effects.from_p, {"yi": [1, 1], "p": 0.5, "df": [5, 0]}, "df must be positive"),
    (effects.from_t, {"yi": [1, 1], "t": [2, 0]}, "t is zero"),
    (effects.from_f, {"yi": [1, 1], "f": [2, -1]}, "f must be positive"),
    (effects.sd_from_se, {"se": [1, -1], "n": 10}, "se must not be negative"),
    (effects.sd_from_se, {"se": 1, "n": [10, 1]}, "n must be 2 or more"),
    (effects.sd_from_ci, {"low": [1, 3], "high": 2, "n": 10}, "high must be above low"),
    (effects.sd_from_ci, {"low": 1, "high": 2, "n": [10, 1]}, "n must be 2 or more"),
    (effects.mean_sd_from_quantiles, {"n": 20, "q1": [1, 4], "median": 3, "q3": 5}, "q1 must not exceed median"),
    (effects.mean_sd_from_quantiles, {"n": [20, 2], "q1": 1, "median": 3, "q3": 5}, "n must be 3 or more"),
    (effects.mean_sd_from_quantiles, {"n": 20, "q1": [1, 3], "median": 3, "q3": [5, 3]}, "q1 and q3 are equal"),
    (
        effects.mean_sd_from_quantiles,
        {"n": 20, "q1": [1, 0], "median": 3, "q3": 5, "method": "bc"},
        "q1 must be positive",
    ),
    (
        effects.mean_sd_from_quantiles,
        {"n": 20, "q1": [1, 3], "median": 3, "q3": 5, "method": "bc"},
        "q1 and median must",
    ),
    (effects.combine_arms, {"mean": [1, 2], "sd": [1, -1], "n": [5, 5]}, "sd must not be negative"),
    (effects.combine_arms, {"mean": [1, 2], "sd": [1, 1], "n": [5, 0]}, "n must be 1 or more"),
    (effects.combine_arms, {"mean": [1, np.nan], "sd": [1, 1], "n": [5, 5]}, "mean is missing"),
    (effects.sd_of_change, {"sd_pre": [1, -1], "sd_post": 1, "r": 0.5}, "sd_pre must not be negative"),
    (effects.sd_of_change, {"sd_pre": 1, "sd_post": 1, "r": [0.5, 1]}, "r must lie between -1 and 1"),
    (effects.sd_of_final, {"sd_change": [1, 1], "r": [0.5, 1]}, "r must lie between -1 and 1"),
    (effects.correlation_of_change, {"sd_pre": 1, "sd_post": 1, "sd_change": [1, 3]}, "sd_change fits no correlation"),
    (effects.design_effect, {"cluster_size": [5, 0.5], "icc": 0.1}, "cluster_size must be 1 or more"),
    (effects.design_effect, {"cluster_size": 5, "icc": [0.1, 1.1]}, "icc must lie within 0..1"),
    (effects.crossover_se, {"sd1": [1, 0], "sd2": [1, 0], "n": 10, "r": 0.5}, "sd1 and sd2 are both zero"),
    (effects.crossover_smd, {"mean1": 1, "sd1": 1, "mean2": 0, "sd2": 1, "n": [9, 1], "r": 0.5}, "n must be 2 or more"),
    (effects.smd_to_r, {"smd": 0.5, "n1": [5, 0], "n2": 5}, "n1 must be 1 or more"),
    (effects.r_to_smd, {"r": [0.5, -1]}, "r must lie between -1 and 1"),
    (effects.smd_to_points, {"yi": 0.5, "sd": [20, 0]}, "sd must be positive"),
    (effects.responders_per_100, {"yi": 0.5, "control_risk": [0.3, 1]}, "control_risk must lie between 0 and 1"),
    (effects.smd_to_nnt, {"yi": [0.5, 0], "control_risk": 0.3}, "yi is zero"),
    (effects.back_transform, {"yi": 0.5, "measure": "PFT", "n": [5, 0]}, "n must be 1 or more"),
    (effects.hedges_j, {"m": [5, 1]}, "m must be above 1"),
]


@pytest.mark.parametrize(("function", "given", "message"), CONVERSIONS)
def test_impossible_figures_are_named_with_their_row(function, given, message):
    with pytest.raises(ae.InputError, match=re.escape(message)) as refused:
        function(**given)
    assert "row 1 has" in str(refused.value)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: ae.effect_size("SMD", mean1=1, sd1=1, n1=5), "needs mean2, sd2, n2"),
        (lambda: ae.effect_size("OR", **COUNTS, sd1=1), "does not take sd1"),
        (lambda: ae.effect_size("SMDD", **MEANS), "measure='SMDD' is not known; did you mean 'SMD"),
        (lambda: ae.effect_size("OR", **COUNTS, vtype="UB"), "measure 'OR' has no vtype='UB'"),
        (lambda: ae.effect_size("OR", **COUNTS, add=-1), "add must be zero or a positive number"),
        (lambda: ae.effect_size("OR", **COUNTS, to="some"), "to='some' is not known"),
        (lambda: effects.from_ci(1, 2, level=95), "level must lie between 0 and 1"),
        (
            lambda: effects.mean_sd_from_quantiles(20, q1=1, q3=5),
            "give minimum median maximum, q1 median q3, or all five",
        ),
        (lambda: effects.combine_arms([], [], []), "are empty: give one value an arm"),
        (lambda: effects.combine_arms([3], [0], [1]), "n must add up to 2 or more"),
        (lambda: effects.split_arm(3, 4), "n=3 cannot be split over parts=4"),
        (lambda: effects.split_arm(10, 2, 11), "events must lie between 0 and n=10"),
        (lambda: effects.split_arm(10.5, 2), "n must be a whole number"),
        (lambda: effects.smd_to_r(0.5, n1=5), "n2 is missing"),
        (lambda: effects.back_transform(0.5, "PFT"), "measure 'PFT' needs n"),
        (lambda: effects.back_transform(0.5, "LOG"), "measure='LOG' is not known"),
    ],
)
def test_impossible_calls_say_what_would_be_right(call, message):
    with pytest.raises(ae.InputError, match=re.escape(message)):
        call()


ZEROS = [(0, 10, 0, 10), (0, 10, 3, 10), (10, 10, 10, 10), (10, 10, 0, 10), (0, 1, 1, 1)]


@pytest.mark.parametrize("measure", ["RR", "OR", "RD", "AS", "PETO", "OR2D"])
def test_zero_cells_and_single_participants_give_finite_effects_by_default(measure):
    got = ae.effect_size(measure, **dict(zip(COUNTS, np.transpose(ZEROS), strict=True)))
    assert np.isfinite(got.to_numpy()).all()
    assert (got["vi"] > 0).all()


@pytest.mark.parametrize("measure", ["PR", "PLO", "PAS", "PFT"])
def test_no_events_all_events_and_one_participant_give_finite_proportions(measure):
    got = ae.effect_size(measure, events=[0, 10, 0, 1], n=[10, 10, 1, 1])
    assert np.isfinite(got.to_numpy()).all()
    assert (got["vi"] > 0).all()
    assert ae.effect_size("IRR", events1=0, time1=5, events2=0, time2=5).notna().all().all()


@pytest.mark.parametrize("measure", ["OR", "RR", "RD", "PETO"])
def test_an_effect_lost_because_nothing_was_added_is_announced_with_its_row(measure):
    frame = pd.DataFrame(COUNTS, index=["first", "second"])
    frame.loc["second", ["events1", "events2"]] = 0
    with pytest.warns(RuntimeWarning, match="no finite effect with a positive variance in row 'second'"):
        got = ae.effect_size(measure, data=frame, to="none", **{column: column for column in frame})
    assert not np.isinf(got.to_numpy()).any()
    assert got.loc["first"].notna().all()


def test_double_zeros_are_dropped_only_on_request_and_then_without_a_warning():
    given = {"events1": [0, 3], "n1": 20, "events2": [0, 5], "n2": 20}
    assert ae.effect_size("OR", **given).notna().all().all()
    dropped = ae.effect_size("OR", drop_empty=True, **given)
    assert dropped["yi"].isna().tolist() == [True, False]


def test_a_limit_that_does_not_exist_stays_missing():
    assert np.isnan(effects.back_transform(None, "OR"))
    assert np.isnan(effects.back_transform([np.nan, 0.0], "PLO")).tolist() == [True, False]
