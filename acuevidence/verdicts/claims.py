"""Claims of health articles, answered from the data: which claims there are, and what the tables say to each.

The claims, their rules in words, thresholds and wordings are data (``claims.yaml`` of the evidence). This module calls each
one's rule and sets the answers in a frame.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Iterable, Mapping
from dataclasses import asdict, fields, replace
from typing import Any

import numpy as np
import pandas as pd

from acuevidence.arguments import guard
from acuevidence.errors import InputError
from acuevidence.evidence import Evidence, Window, load_evidence
from acuevidence.evidence.rules import window
from acuevidence.inputs import choice
from acuevidence.questions.groups import matches
from acuevidence.questions.published import published
from acuevidence.verdicts import analyses as claim_analyses
from acuevidence.verdicts import decide as claim_rules
from acuevidence.verdicts import moderators as claim_moderators
from acuevidence.verdicts import surveys as claim_surveys
from acuevidence.verdicts.answer import Answer, Claim, Estimate, Rule
from acuevidence.verdicts.findings import Pools

__all__ = ["answer_table", "answered", "claims", "evaluate_claims", "verdicts"]

RULES: dict[str, Rule] = {**claim_analyses.RULES, **claim_moderators.RULES, **claim_rules.RULES, **claim_surveys.RULES}
_COLUMNS = ["id", "claim", "verdict", "answer", "certainty", "reasons", "estimates", "needed", "flip", "published", "figure"]


def claims(evidence: Evidence | None = None) -> pd.DataFrame:
    """Return the claims and how each is to be answered.

    Parameters
    ----------
    evidence : Evidence, default the package's

    Returns
    -------
    DataFrame
        One row a claim: ``id, claim, population, comparators, outcome, timing, analysis, rule, thresholds, wording, figure``.
        ``population`` and ``comparators`` are tuples, an empty population means all conditions; ``thresholds`` and ``wording`` map
        names and verdicts to values and sentences.

    Examples
    --------
    >>> import acuevidence as ae
    >>> len(ae.claims())
    33
    """
    evidence = load_evidence() if evidence is None else evidence
    names = [one.name for one in fields(Claim)]
    frame = pd.DataFrame([asdict(claim) for claim in _claims(evidence).values()], columns=names)
    return frame.drop(columns=["options", "published", "needed"])


def verdicts(evidence: Evidence | None = None) -> dict[str, str]:
    """Return the verdicts that a claim may get, each with what it means.

    Parameters
    ----------
    evidence : Evidence, default the package's

    Returns
    -------
    dict
        Verdict to its meaning.

    Examples
    --------
    >>> from acuevidence.verdicts.claims import verdicts
    >>> list(verdicts())
    ['supported', 'partly supported', 'not supported', 'cannot tell']
    """
    return {name: str(about) for name, about in (load_evidence() if evidence is None else evidence).claims["verdicts"].items()}


def evaluate_claims(ids: str | Iterable[str] | None = None, evidence: Evidence | None = None) -> pd.DataFrame:
    """Answer claims from the data.

    Parameters
    ----------
    ids : str or iterable of str, optional
        Claims to answer, in that order. Default: all.
    evidence : Evidence, default the package's

    Returns
    -------
    DataFrame
        One row a claim: ``id, claim, verdict, answer, certainty, reasons, estimates, needed, flip, published, figure``. ``verdict`` is one
        of :func:`verdicts` and ``answer`` what it says; ``certainty`` is ``high`` to ``very low``, missing for statements about the
        evidence; ``reasons`` say why, ``estimates`` give the numbers (positive favours the treatment), ``needed`` what would let the
        data tell, ``flip`` the smallest new trial that would move each pooled effect to another state, ``published`` what syntheses
        elsewhere found on the same scale and with the same sign: texts, a part a line. ``figure`` names the published figure that shows
        it, and is empty where none does.

    Raises
    ------
    InputError
        For an unknown id.

    Notes
    -----
    A claim is a set of cells (condition x comparator x outcome x window); each cell's headline (``result.headline()``) has a state, and
    the states give the verdict. No cell of very low certainty and no single trial below 400 participants decides; certainty by GRADE as
    in :func:`acuevidence.certainty`.

    Examples
    --------
    >>> import acuevidence as ae
    >>> ae.evaluate_claims("certainty-varies").verdict.tolist()
    ['supported']
    """
    evidence = load_evidence() if evidence is None else evidence
    return answer_table(answered(ids, evidence), evidence)


def answer_table(answers: Mapping[str, Answer], evidence: Evidence) -> pd.DataFrame:
    """Return answers in words, as :func:`evaluate_claims` gives them.

    Parameters
    ----------
    answers : mapping of str to Answer
        As :func:`answered` gives them.
    evidence : Evidence
        The evidence whose claims they answer.

    Returns
    -------
    DataFrame
        One row a claim.
    """
    known = _claims(evidence)
    return pd.DataFrame([_row(known[name], answer) for name, answer in answers.items()], columns=_COLUMNS)


def answered(ids: str | Iterable[str] | None = None, evidence: Evidence | None = None) -> dict[str, Answer]:
    """Return the answers to claims as objects that hold numbers.

    Parameters
    ----------
    ids : str or iterable of str, optional
        Claims to answer, in that order. Default: all.
    evidence : Evidence, default the package's

    Returns
    -------
    dict of str to Answer
        Id to answer; its ``estimates`` and ``published`` are numbers with intervals, from which their words are made.

    Raises
    ------
    InputError
        For an unknown id.

    Examples
    --------
    >>> from acuevidence.verdicts.claims import answered
    >>> one = answered("lbp-relief")["lbp-relief"].estimates[0]
    >>> one.label, one.scale, one.low < one.estimate < one.high
    ('v usual care', 'sd', True)
    """
    evidence = load_evidence() if evidence is None else evidence
    known = _claims(evidence)
    wanted = list(known) if ids is None else [ids] if isinstance(ids, str) else list(dict.fromkeys(ids))
    for name in wanted:
        choice("claim", name, known)
    return {name: _answer(evidence, name) for name in wanted}


@functools.lru_cache(maxsize=8)
def _pools(evidence: Evidence) -> Pools:
    return Pools(evidence, _windows(evidence))


@functools.lru_cache(maxsize=256)
def _answer(evidence: Evidence, name: str) -> Answer:
    """Return the answer of a claim's rule, with what the claim itself says is needed, and published results."""
    claim, pools = _claims(evidence)[name], _pools(evidence)
    found = RULES[claim.analysis](claim, pools)
    told = (claim.needed,) if claim.needed and found.verdict == "cannot tell" else ()
    return replace(found, needed=found.needed + told, published=tuple(_published(claim, pools)))


def _row(claim: Claim, answer: Answer) -> dict[str, str | None]:
    lines = {name: "\n".join(one.text for one in getattr(answer, name)) for name in ("estimates", "published")}
    return {
        "id": claim.id,
        "claim": claim.claim,
        "verdict": answer.verdict,
        "answer": " ".join([claim.wording[answer.verdict], *answer.said]),
        "certainty": answer.certainty,
        "reasons": "\n".join(answer.reasons),
        **lines,
        "needed": "\n".join(answer.needed),
        "flip": "\n".join(filter(None, (one.flip() for one in answer.findings))),
        "figure": claim.figure,
    }


def _published(claim: Claim, pools: Pools) -> list[Estimate]:
    """Return the published results beside a claim."""
    wanted = claim.published
    if "rows" in wanted:
        return _published_rows(wanted["rows"], pools)
    if "rates" in wanted:
        return _published_rates(wanted["rates"], pools)
    if "column" in wanted:
        return _published_column(wanted["column"], claim, pools)
    found = []
    for condition in pools.conditions(claim.population) if "outcome" in wanted else ():
        rows = published(condition, outcome=wanted["outcome"], evidence=pools.evidence)
        found += [
            _smd(_beside(row), row.estimate, row.ci_low, row.ci_high)
            for row in rows[rows["comparator"].isin(claim.comparators)].itertuples()
        ]
    return list({one.text: one for one in found}.values())


def _published_rates(events: list[str], pools: Pools) -> list[Estimate]:
    """Return pooled rates of published reviews."""
    found = pools.safety()
    return [
        Estimate(
            f"{row.study}, {_words(row.event)} per {found.per:,.0f} {row.denominator}",
            row.rate,
            row.ci_low,
            row.ci_high,
            "rate",
            aside=True,
        )
        for row in found.published.itertuples()
        if row.event in events
    ]


def _published_column(column: str, claim: Claim, pools: Pools) -> list[Estimate]:
    """Return what published syntheses of the claim's conditions print in a column."""
    table = pools.evidence.reference_syntheses
    rows = table[table[column].notna() & table["condition"].isin(pools.conditions(claim.population))]
    unit = "I2 {:g}%" if column == "i2" else "{}"
    return [Estimate(_beside(row), note=unit.format(getattr(row, column)), aside=True) for row in rows.itertuples()]


def _published_rows(wanted: Mapping[str, str], pools: Pools) -> list[Estimate]:
    """Return rows of the reference syntheses that match patterns, SMDs turned to the package's sign, others as printed."""
    table = pools.evidence.reference_syntheses
    fits = np.ones(len(table), dtype=bool)
    for column, pattern in (
        ("condition", wanted["condition"]),
        ("outcome", wanted["outcome"]),
        ("effect_measure", wanted["measure"]),
    ):
        fits &= matches(table[column], pattern).to_numpy()
    found = []
    for row in table[fits].itertuples():
        if row.effect_measure == "SMD" and pd.notna(row.estimate):
            turn = np.sign(row.estimate) * (1 if row.favours in pools.evidence.topic.treatment.roles else -1) or 1
            low, high = sorted((turn * row.ci_low, turn * row.ci_high))
            found.append(_smd(_beside(row), turn * row.estimate, low, high))
        else:
            said = "no figure printed" if pd.isna(row.figures_as_printed) else f"as printed: {row.figures_as_printed}"
            found.append(Estimate(_beside(row), note=said, aside=True))
    return found


def _beside(row: Any) -> str:
    """Return which result of which synthesis a row is."""
    return f"{row.study}, {_words(row.condition)} v {_words(row.comparator)}, {row.outcome}"


def _words(name: object) -> str:
    return "comparators not named" if pd.isna(name) else str(name).replace("_", " ")


def _smd(label: str, estimate: float, low: float, high: float) -> Estimate:
    interval = "" if pd.isna(low) or pd.isna(high) else " ({interval})"
    return Estimate(label, estimate, low, high, note=f"SMD {{estimate}}{interval}", aside=True)


def _windows(evidence: Evidence) -> dict[str, Window]:
    return {name: window(about) for name, about in evidence.claims["windows"].items()}


class _Options(dict[str, Any]):
    """The options of a claim; one that its analysis needs and that is not there is the claim's fault."""

    def __init__(self, given: Any = (), claim: str = "a claim"):
        super().__init__(given)
        self._claim = claim

    def __missing__(self, key: str) -> Any:
        raise InputError(f"claims.yaml: {self._claim} needs options.{key} for its analysis")


@functools.lru_cache(maxsize=16)
def _claims(evidence: Evidence) -> dict[str, Claim]:
    """Return the claims by id; analyses give the rule, thresholds and wordings that a claim does not state itself."""
    given = evidence.claims
    values = {name: float(about.get("value", math.nan)) for name, about in given["thresholds"].items()}
    found = {}
    for entry in map(dict, given["claims"]):
        choice(f"analysis of claim {entry['id']}", entry["analysis"], [name for name in given["analyses"] if name in RULES])
        about = given["analyses"][entry["analysis"]]
        entry["options"] = _Options(entry.get("options", {}), entry["id"])
        wording = {**about["wording"], **entry.pop("wording", {})}
        if set(wording) != set(given["verdicts"]):
            raise InputError(f"claims.yaml: {entry['id']} needs a wording for each of {', '.join(given['verdicts'])}")
        lists = {name: tuple(entry.pop(name)) for name in ("population", "comparators")}
        own = entry.pop("thresholds", {})
        found[entry["id"]] = Claim(
            **{
                **entry,
                **lists,
                "wording": wording,
                "rule": about["rule"],
                "thresholds": {name: own.get(name, values[name]) for name in about["thresholds"]},
            }
        )
    return found


guard(__name__, "answered", "evaluate_claims")
