"""The course of the effect over the weeks: what enters, how periods are compared, and what is refused."""

import itertools

import matplotlib as mpl
import numpy as np
import pytest

import acuevidence as ae
from acuevidence.questions.time_course import PERIODS

mpl.use("Agg")


@pytest.fixture(scope="module")
def course():
    return ae.questions.time_course(comparator="sham")


def test_every_trial_is_followed_on_one_instrument_and_a_week_counts_once(course):
    rows = course.weeks
    assert (rows.groupby(["trial_id", "comparator"])[["outcome", "instrument"]].nunique() == 1).all(axis=None)
    assert not rows.duplicated(["trial_id", "comparator", "week"]).any()


def test_a_period_is_the_plain_pool_of_its_trials(course):
    for row in course.periods.itertuples():
        mine = course.effects[(course.effects["comparator"] == row.comparator) & (course.effects["period"] == row.period)]
        assert not mine["trial_id"].duplicated().any()
        pool = ae.meta_analysis("yi", "vi", data=mine)
        assert row.k == pool.k
        if pool.k >= 5:
            assert (row.estimate, row.ci_low, row.ci_high) == pytest.approx((pool.estimate, pool.ci_low, pool.ci_high))


def test_half_a_year_after_the_course_is_the_number_of_the_claim():
    whole = ae.questions.time_course(comparator="sham").periods.set_index("period").loc["half a year after"]
    lines = ae.evaluate_claims("lasting")["estimates"].iloc[0].split("\n")
    line = next(line for line in lines if line.startswith("half a year after the course v sham"))
    assert f"{whole.k} trials, SMD {whole.estimate:.2f} ({whole.ci_low:.2f} to {whole.ci_high:.2f})" in line


def test_weeks_count_from_the_end_of_the_course_in_half_open_periods(course):
    for frame in (course.effects, course.weeks.dropna(subset="after")):
        low, end = (frame["period"].map({name: edges[i] for name, edges in PERIODS.items()}).astype(float) for i in (0, 1))
        assert ((frame["after"] >= low) & (frame["after"] < end)).all()
    edges = list(PERIODS.values())
    assert all(first[1] == then[0] for first, then in itertools.pairwise(edges))


def test_a_change_is_pooled_from_trials_that_print_both(course):
    """Trial by trial: the difference of two weeks on one instrument, its variance by the assumed correlation of 0.6."""
    seen = 0
    for change in course.changes[course.changes["k"] >= 2].itertuples():
        mine = course.weeks[course.weeks["comparator"] == change.comparator]
        sides = []
        for name in (change.earlier, change.later):
            of = mine[mine["period"] == name].assign(gap=lambda rows, name=name: (rows["after"] - PERIODS[name][2]).abs())
            sides.append(of.sort_values("gap", kind="stable").groupby("trial_id").first())
        both = sides[0].index.intersection(sides[1].index)
        first, then = (side.loc[both] for side in sides)
        assert change.k == len(both)
        vi = first["vi"] + then["vi"] - 2 * 0.6 * np.sqrt(first["vi"] * then["vi"])
        pool = ae.meta_analysis((then["yi"] - first["yi"]).to_numpy(), vi.to_numpy())
        assert change.estimate == pytest.approx(pool.estimate)
        seen += 1
    assert seen


def test_impossible_correlations_and_timings_are_refused():
    with pytest.raises(ae.InputError, match="correlation must be at least 0 and below 1"):
        ae.questions.time_course(correlation=1)
    with pytest.raises(ae.InputError, match="leave timing and measure out"):
        ae.questions.time_course("headache", timing="short")


def test_figure_names_its_axis(course):
    assert course.plot().get_xlabel() == "Weeks from the end of the course"
