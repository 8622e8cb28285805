"""The course of the effect over the weeks: what enters, how periods are compared, and what is refused."""

import matplotlib as mpl
import numpy as np
import pytest

import acuevidence as ae
from acuevidence.questions.time_course import PERIODS

mpl.use("Agg")


@pytest.fixture(scope="module")
def course():
    return ae.questions.time_course("headache", "sham")


def test_every_trial_is_followed_on_one_instrument_and_a_week_counts_once(course):
    rows = course.effects
    assert (rows.groupby(["trial_id", "comparator"])[["outcome", "instrument"]].nunique() == 1).all(axis=None)
    assert not rows.duplicated(["trial_id", "comparator", "week"]).any()


def test_a_week_of_the_course_is_the_effect_trial_effects_gives(course):
    usual = ae.trial_effects("headache", comparator="sham")
    both = course.effects.merge(usual, on=["trial_id", "week", "outcome", "measure_used"])
    assert len(both) >= 2
    np.testing.assert_allclose(both["yi_x"], both["yi_y"], rtol=1e-12)


def test_weeks_fall_in_the_period_that_names_them(course):
    starts = course.effects["period"].map(PERIODS).astype(float)
    assert (course.effects["week"] >= starts).all()
    assert (course.effects.loc[course.effects["week"] >= 51.5, "period"] == "week 52 on").all()


def test_changes_are_differences_of_the_periods_and_add_up(course):
    mean = course.periods.set_index("period")["estimate"]
    for change in course.changes.itertuples():
        assert change.estimate == pytest.approx(mean[change.later] - mean[change.earlier], rel=1e-9, abs=1e-12)


def test_more_correlated_weeks_tell_a_change_better():
    loose, tight = (ae.questions.time_course(comparator="sham", correlation=r).changes for r in (0.0, 0.8))
    linked = loose["k"] > 1
    assert linked.any()
    assert (tight.loc[linked, "se"] < loose.loc[linked, "se"]).all()


def test_impossible_correlations_and_timings_are_refused():
    with pytest.raises(ae.InputError, match="correlation must be at least 0 and below 1"):
        ae.questions.time_course(correlation=1)
    with pytest.raises(ae.InputError, match="leave timing and measure out"):
        ae.questions.time_course("headache", timing="short")


def test_figure_names_its_axis(course):
    assert course.plot().get_xlabel() == "Weeks since randomisation"
