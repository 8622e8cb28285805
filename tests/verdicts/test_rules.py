"""The steps from numbers to verdicts, one at a time, on numbers made up for them."""

import math
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

import acuevidence as ae
from acuevidence.verdicts import analyses, claims, surveys
from acuevidence.verdicts.answer import Estimate, between, combined, decide, mark
from acuevidence.verdicts.findings import Cell, Finding, Pools, between_trials, by_share

CELL = Cell(conditions=("neck_pain",), comparator="sham", label="made up")


def claim(**thresholds):
    return SimpleNamespace(thresholds=thresholds, options={"classes": ["pain", "bruise"], "beside": ["faint"]})


@pytest.mark.parametrize(
    ("state", "important", "benefit"),
    [
        ("important", "yes", "yes"),
        ("benefit, importance uncertain", "part", "yes"),
        ("benefit", "part", "yes"),
        ("small", "no", "yes"),
        ("no important effect", "no", "no"),
        ("no difference shown", "?", "?"),
        ("cannot tell", "?", "?"),
        ("harm", "no", "no"),
    ],
)
def test_a_small_effect_is_a_benefit_and_not_an_important_one(state, important, benefit):
    assert (mark(state, "important"), mark(state, "benefit")) == (important, benefit)


def test_one_no_among_open_cells_does_not_make_a_no():
    assert combined(["no", "?"]) == combined(["?"]) == "cannot tell"
    assert combined(["no", "no"]) == "not supported"
    assert combined(["no", "yes"]) == combined(["part", "?"]) == "partly supported"
    assert between([True, True]) == "partly supported"


@pytest.mark.parametrize(("threshold", "participants"), [(0.3, 349), (0.2, 785), (0.5, 126)])
def test_participants_needed_are_those_of_both_arms(threshold, participants):
    # Lehr: 2 (1.96 + 0.84)^2 / d^2 in each of two arms; 174.4, 392.4 and 62.8
    data = pd.DataFrame({"n1": [20], "n2": [30]})
    finding = Finding(
        cell=CELL,
        result=SimpleNamespace(k=3, data=data),
        headline=SimpleNamespace(state="cannot tell", threshold=threshold),
        certainty=None,
        missing=(),
        decides=True,
    )
    assert f"{threshold:.2f} SD from no effect takes {participants} participants" in finding.needed()
    assert "now 50 participants" in finding.needed()


@pytest.mark.parametrize(
    ("shown", "of", "verdict"), [(2, 3, "supported"), (1, 2, "supported"), (1, 3, "partly supported"), (0, 3, "not supported")]
)
def test_half_of_the_syntheses_support(shown, of, verdict):
    assert by_share(claim(half=0.5), ["a synthesis"] * shown, of, [], "heterogeneous").verdict == verdict


@pytest.mark.parametrize(("k", "level"), [(9, "very low"), (10, "low")])
def test_a_comparison_between_few_trials_loses_another_step(k, level):
    assert between_trials(k, claim(trials_moderator=10))[0] == level


def counts(**studies):
    rows = [
        {"study": study, "event": event, "events": n, "denominator": "patients"}
        for study, pair in studies.items()
        for event, n in zip(("any", "requiring_treatment"), pair, strict=True)
    ]
    return SimpleNamespace(sources=pd.DataFrame(rows))


def test_of_surveys_that_count_both_the_largest_says_how_many_events_were_mild():
    assert surveys._mild(counts(small=(10, 9), large=(1000, 200), middle=(100, 60))) == ("large", 0.2)


RULES = {"reported_by": ["clinicians"], "selected": {"own": "one team"}, "indirect": {}, "i2": 75}


def surveyed(**numbers):
    """Return what a question on safety answers: one class of event, counted by three sources that patients report to."""
    row = {
        "event": "serious",
        "label": "serious",
        "denominator": "treatments",
        "reported_by": "patients",
        "rate": 0.5,
        "ci_low": 0.1,
    }
    row |= {"ci_high": 0.9, "i2": 0.0, "sources": 3, "events": 1, "n": 100, "method": "exact"}
    found = counts(large=(1000, 200))
    found.rates, found.per = pd.DataFrame([row | numbers]), 10_000
    named = {key: (row | numbers)[key] for key in ("event", "denominator", "reported_by")}
    asked = pd.DataFrame({"study_id": ["own", "a", "b"], "pooled": True, **named})
    found.sources = pd.concat([found.sources.assign(pooled=False), asked], ignore_index=True)
    return found


@pytest.mark.parametrize(
    ("numbers", "level"),
    [
        ({}, "high"),
        ({"i2": 74.9}, "high"),
        ({"i2": 75.0}, "moderate"),
        ({"reported_by": "clinicians"}, "moderate"),
        ({"reported_by": "clinicians", "i2": 80.0}, "low"),
        ({"reported_by": "clinicians", "i2": 80.0, "ci_high": 1.2}, "very low"),
        ({"i2": math.nan}, "high"),
    ],
)
def test_a_rate_loses_a_step_for_who_reports_one_for_disagreement_and_one_for_its_width(numbers, level):
    found = surveyed(**numbers)
    assert surveys._certainty(found, found.rates, RULES, {"treatments": 1.0})[0] == level


@pytest.mark.parametrize(("high", "verdict"), [(0.9, "supported"), (1.1, "partly supported")])
def test_an_event_is_rare_when_the_upper_limit_of_its_rate_is(high, verdict, monkeypatch):
    one = surveyed(ci_high=high)
    other = one.rates.assign(denominator="patients", ci_high=2.0)
    one.rates = pd.concat([one.rates, other], ignore_index=True)
    monkeypatch.setattr(surveys, "_rates", lambda pools: RULES)
    asked = SimpleNamespace(thresholds={"very_rare": 1, "rare": 10, "half": 0.5}, options={"classes": ["serious"]})
    assert surveys.rates(asked, SimpleNamespace(safety=lambda: one)).verdict == verdict


@pytest.mark.parametrize(
    ("low", "high", "pain", "verdict"),
    [(0.5, 0.9, 9, "supported"), (0.1, 0.49, 9, "not supported"), (0.4, 0.6, 9, "partly supported"), (0.4, 0.6, 1, "cannot tell")],
)
def test_the_usual_events_are_judged_by_the_interval_of_their_share(low, high, pain, verdict, monkeypatch):
    found = surveyed()
    rows = [found.rates.assign(event=event, rate=rate) for event, rate in (("pain", pain), ("bruise", 8), ("faint", 2))]
    found.rates = pd.concat(rows, ignore_index=True)
    monkeypatch.setattr(surveys, "_share", lambda found, classes: [Estimate("share", 0.5, low, high, "share")])
    monkeypatch.setattr(surveys, "_printed_shares", lambda found, classes: [])
    monkeypatch.setattr(surveys, "_rates", lambda pools: RULES)
    assert surveys.usual_events(claim(half=0.5), SimpleNamespace(safety=lambda: found)).verdict == verdict


@pytest.mark.parametrize(
    ("low", "high", "kind", "where"),
    [
        (0.2, 0.8, "bounded", "a part"),
        (0.2, 1.1, "bounded", "not estimable"),
        (-0.1, 0.8, "bounded", "not estimable"),
        (-0.5, -0.1, "bounded", "no part"),
        (0.2, 0.8, "complement", "not estimable"),
    ],
)
def test_a_share_counts_where_its_whole_interval_lies_between_none_and_all(low, high, kind, where):
    assert analyses._share_state(SimpleNamespace(share=0.5, low=low, high=high, kind=kind)) == where
    assert analyses._share_state(SimpleNamespace(share=math.nan, low=low, high=high, kind=None)) == "too few"


@pytest.mark.parametrize(
    ("more", "low", "high", "where"),
    [
        (None, 0.0, 0.1, "too few"),
        (True, 0.1, 0.3, "more spread"),
        (False, 0.05, 0.3, "explained by the mean"),
        (False, -0.3, -0.05, "less spread"),
        (False, -0.09, 0.09, "alike"),
        (False, -0.3, 0.09, "unsure"),
        (False, -0.09, 0.3, "unsure"),
    ],
)
def test_spreads_are_alike_where_both_limits_lie_within_the_margin(more, low, high, where):
    told = {"more_spread": pd.NA if more is None else more}
    assert analyses._spread(told, {"ci_low": low, "ci_high": high}, math.log(1.1)) == where  # 0.095


def test_published_effects_are_turned_with_their_limits():
    evidence = ae.load_evidence()
    table = evidence.reference_syntheses
    rows = table[(table["effect_measure"] == "SMD") & table["estimate"].notna() & table["ci_low"].notna()]
    found = claims._published_rows({"condition": ".", "outcome": ".", "measure": "SMD"}, Pools(evidence))
    bounded = [one for one in found if one.bounded]
    assert len(bounded) == len(rows)
    assert all(one.low <= one.estimate <= one.high for one in bounded)
    ours = rows["favours"].isin(evidence.topic.treatment.roles)
    assert [np.sign(one.estimate) for one in bounded] == [
        (1 if own else -1) * (row != 0) for own, row in zip(ours, rows["estimate"], strict=True)
    ]


def test_the_first_that_holds_decides():
    assert decide((0, "supported"), ([], "not supported"), ("x", "partly supported"), (True, "cannot tell")) == "partly supported"
