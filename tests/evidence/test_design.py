"""What the facts of a trial's design say: shares of the arms, the end of the course, and when the comparator had the treatment."""

import math
from types import SimpleNamespace

import pytest

import acuevidence as ae
from acuevidence.evidence import select
from acuevidence.evidence.design import design_of


def fact(field, value, arm=None, basis="stated"):
    return SimpleNamespace(field=field, value=value, arm=arm, basis=basis)


@pytest.mark.parametrize(("ratio", "shares"), [("2:1:1", (0.5, 0.25, 0.25)), ("1:1", (0.5, 0.5)), ("3:2", (0.6, 0.4))])
def test_a_ratio_says_which_share_of_the_patients_each_arm_has(ratio, shares):
    assert design_of([fact("allocation_ratio", ratio)]).allocation == pytest.approx(shares)


def test_an_arm_that_never_has_the_treatment_counts_for_ever():
    found = design_of([fact("treated_after_week", "12", "wait"), fact("treated_after_week", "never", "usual")])
    assert found.treated_after == {"wait": 12.0, "usual": math.inf}


def test_an_endpoint_that_was_not_declared_is_none():
    declared = design_of([fact("primary_outcome", "pain;function"), fact("primary_week", "8")])
    assert (declared.primary, declared.primary_week) == (("pain", "function"), 8.0)
    assert design_of([fact("primary_outcome", "pain", basis="not_declared"), fact("primary_week", "8")]).primary == ()


def test_of_several_comparator_arms_the_one_treated_first_ends_the_comparison():
    trial = SimpleNamespace(treatment_weeks=12.0)
    design = SimpleNamespace(course=None, treated_after={"waiting": 8.0, "later": 10.0})
    rules = ae.load_evidence().rules
    found = select._course(trial, design, {"later": None, "waiting": None}, "waitlist", rules)
    assert found == (8.0, 8.0)  # the course counts until then, too
    assert select._course(trial, design, {"later": None}, "waitlist", rules) == (10.0, 10.0)
    assert select._course(trial, SimpleNamespace(course=None, treated_after={}), {"usual": None}, "usual_care", rules) == (
        12.0,
        math.inf,
    )
