"""Numbers as text: what is printed where a number is very small, very large or on the edge."""

import pytest

from acuevidence import words


@pytest.mark.parametrize(
    ("value", "said"),
    [(0.0004, "<0.001"), (0.000999, "<0.001"), (0.001, "0.001"), (0.04, "0.040"), (1.0, "1.000"), (float("nan"), "not estimable")],
)
def test_a_p_value_below_a_thousandth_is_not_a_number(value, said):
    assert words.p(value) == said


def test_few_decimals_never_make_a_small_p_value_look_larger():
    assert words.p(0.009, decimals=2) == "0.009"
    assert words.p(0.04, decimals=2, leading_zero=False) == ".04"


@pytest.mark.parametrize(("value", "said"), [(-0.001, "0.00"), (-0.006, "-0.01"), (0.0, "0.00"), (2e7, "2e+07")])
def test_a_number_that_rounds_to_zero_has_no_sign(value, said):
    assert words.number(value) == said


def test_a_ratio_beyond_a_thousand_is_only_said_to_be_larger():
    assert (words.number(1001.0, ratio=True), words.number(1001.0)) == ("> 1000", "1001.00")


def test_one_of_a_thing_and_several():
    assert [words.count(n, "synthesis", "syntheses") for n in (0, 1, 1200)] == ["0 syntheses", "1 synthesis", "1,200 syntheses"]
