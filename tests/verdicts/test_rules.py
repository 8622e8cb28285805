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


def rate_of(rate, high, *, sources=3, i2=0.0, label="event"):
    row = {
        "rate": rate,
        "ci_low": 0.0,
        "ci_high": high,
        "sources": sources,
        "i2": i2,
        "label": label,
        "events": 1,
        "n": 100,
        "denominator": "patients",
    }
    return pd.Series(row)


@pytest.mark.parametrize(
    ("sources", "i2", "level"),
    [(3, 0.0, "high"), (2, 0.0, "moderate"), (3, 75.0, "moderate"), (3, 74.9, "high"), (2, 80.0, "low"), (1, math.nan, "moderate")],
)
def test_a_rate_loses_a_step_for_few_sources_and_one_for_their_disagreement(sources, i2, level):
    found = SimpleNamespace(rate=lambda event, denominator: rate_of(1.0, 2.0, sources=sources, i2=i2))
    assert surveys._certainty(found, [("serious", "patients")], {"few_sources": 2, "i2_serious": 75})[0] == level


@pytest.mark.parametrize(("high", "verdict"), [(0.9, "supported"), (1.1, "partly supported")])
def test_an_event_is_rare_when_the_upper_limit_of_its_rate_is(high, verdict, monkeypatch):
    found = counts(large=(1000, 200))
    found.rate = lambda event, denominator: rate_of(0.5, high) if denominator == "treatments" else rate_of(0.5, 2.0)
    found.rates, found.per = pd.DataFrame(columns=["label"]), 10_000
    monkeypatch.setattr(surveys, "_rates", lambda pools: {"few_sources": 2, "i2_serious": 75})
    answer = surveys.rates(claim(very_rare=1, rare=10, half=0.5), SimpleNamespace(safety=lambda: found))
    assert answer.verdict == verdict


@pytest.mark.parametrize(
    ("low", "high", "pain", "verdict"),
    [(0.5, 0.9, 9, "supported"), (0.1, 0.49, 9, "not supported"), (0.4, 0.6, 9, "partly supported"), (0.4, 0.6, 1, "cannot tell")],
)
def test_the_usual_events_are_judged_by_the_interval_of_their_share(low, high, pain, verdict, monkeypatch):
    rates = pd.DataFrame(
        {
            "event": ["pain", "bruise", "faint"],
            "denominator": "treatments",
            "rate": [pain, 8, 2],
            "label": "a",
            "sources": 3,
            "events": 1,
            "n": 9,
        }
    ).assign(ci_low=0.0, ci_high=1.0, i2=0.0)
    found = SimpleNamespace(
        rates=rates, per=10_000, rate=lambda event, denominator: rates.set_index("event").loc[event].rename(None)
    )
    monkeypatch.setattr(surveys, "_share", lambda found, classes: Estimate("share", 0.5, low, high, "share"))
    monkeypatch.setattr(surveys, "_rates", lambda pools: {"few_sources": 2, "i2_serious": 75})
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
    assert analyses._share_state(SimpleNamespace(share=math.nan, low=low, high=high, kind=kind)) == "too few"


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
