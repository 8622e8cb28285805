"""What the figures of questions draw: the numbers are those of the pooled effects, and words are made from them last."""

import math
from dataclasses import replace

import pandas as pd
import pytest

import acuevidence as ae
from acuevidence.effects.participants import counted
from acuevidence.questions.groups import printed_number
from acuevidence.synthesis.coefficients import contrast
from acuevidence.verdicts.answer import Estimate, decide


def three(*sizes):
    """Return three invented trials of 0.2, 0.4 and 0.6 with a variance of 0.04 each."""
    n1, n2 = zip(*sizes, strict=True)
    return pd.DataFrame({"yi": [0.2, 0.4, 0.6], "vi": [0.04] * 3, "n1": n1, "n2": n2})


def test_the_overview_holds_the_numbers_of_the_pooled_effect():
    pool = ae.meta_analysis("yi", "vi", data=three((10, 10), (20, 20), (30, None)), method="EE", test="z")
    (row,) = ae.questions.overview({"made": {"other": pool}}).rows.to_dict("records")
    # Equal variances: the mean of the effects, with a variance of 0.04 / 3.
    assert row["estimate"] == pytest.approx(0.4)
    assert row["ci_high"] - row["ci_low"] == pytest.approx(2 * 1.959963984540054 * math.sqrt(0.04 / 3))
    assert (row["group"], row["comparator"], row["k"], row["patients"], row["at_least"]) == ("made", "other", 3, 90, True)


def test_participants_are_at_least_those_printed():
    assert counted(three((10, 10), (20, 20), (30, 30))).text() == "120"
    assert counted(three((10, 10), (20, None), (30, 30))).text("≥") == "≥100"
    assert counted(pd.DataFrame({"yi": [0.2]})).text() == ""


def test_a_contrast_is_a_weighted_sum_with_its_variance():
    found = contrast([1, -1], pd.Series([0.5, 0.2]).to_numpy(), pd.DataFrame([[0.04, 0.01], [0.01, 0.09]]).to_numpy(), None)
    se = math.sqrt(0.04 + 0.09 - 2 * 0.01)
    assert (found.estimate, found.se) == pytest.approx((0.3, se))
    assert found.p_value == pytest.approx(math.erfc(0.3 / se / math.sqrt(2)))
    assert found.ci_high == pytest.approx(0.3 + 1.959963984540054 * se)


def test_numbers_are_read_from_what_is_printed():
    assert printed_number("8-12") == 10
    assert printed_number("12") == 12
    assert printed_number("3 per week") is None


def test_words_are_made_from_the_numbers():
    slope = Estimate("v other, weeks", 0.1, -0.2, 0.5, "slope", "slope {estimate} SD per 10 ({interval})")
    assert slope.text == "v other, weeks: slope 0.10 SD per 10 (-0.20 to 0.50)"
    assert Estimate("share", 0.25, 0.1, 0.4, "share").text == "share: 25% (10% to 40%)"
    assert not Estimate("v other", note="no trial with a usable figure").bounded


def test_the_first_step_that_holds_decides():
    assert decide((False, "supported"), (1 > 0, "mixed"), (True, "not supported")) == "mixed"


def test_a_trial_that_is_not_pooled_is_counted_under_its_reason():
    effects = ae.trial_effects("neck_pain", comparator="sham")
    reasons = [
        "no figure printed for pain",
        "week 60 is outside the window",
        "caution: an SE",
        "no figure printed for outside the window",
    ]
    left = pd.DataFrame({"trial_id": list("abcd"), "study": list("abcd"), "comparator": "sham", "arm": None, "reason": reasons})
    effects.attrs["excluded"] = type(effects.attrs["excluded"])(left)
    row = ae.questions.flow("neck_pain", effects=effects).comparisons.set_index("comparator").loc["sham"]
    assert (row["no_figure"], row["outside"], row["other"], row["left_out"]) == (2, 1, 1, 4)
    assert row["pooled"] == effects["trial_id"].nunique() == row["asked"] - 4


def test_a_published_effect_that_favours_the_comparator_is_negative_with_its_limits_in_order():
    evidence = ae.load_evidence()
    ours = ae.questions.published("low_back_pain", evidence=evidence)
    table = evidence.reference_syntheses.assign(favours="comparator")
    turned = ae.questions.published("low_back_pain", evidence=replace(evidence, reference_syntheses=table))
    assert len(ours) == len(turned) > 0
    assert (turned["estimate"] <= 0).all()
    both = turned.dropna(subset="ci_low")
    assert (both["ci_low"] <= both["estimate"]).all() and (both["estimate"] <= both["ci_high"]).all()
