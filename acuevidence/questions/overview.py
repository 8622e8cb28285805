"""The effect in every condition against every comparator, with what is needed to read it: spread, size, certainty, threshold."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pandas as pd

from acuevidence.appraisal.certainty import certainty
from acuevidence.appraisal.thresholds import Mid, has_mid, main_mid
from acuevidence.arguments import guard
from acuevidence.effects.participants import counted
from acuevidence.evidence import Evidence, conditions, load_evidence
from acuevidence.evidence.carried import evidence_of, outcomes_of
from acuevidence.evidence.extractions import confirmed
from acuevidence.later import Later
from acuevidence.questions.pooled import pooled
from acuevidence.shown import Shown
from acuevidence.topic import Topic, topic_of

if TYPE_CHECKING:
    from acuevidence.plots.questions.nuance import nuance as _draw
else:
    _draw = Later("acuevidence.plots.questions.nuance", "nuance")

__all__ = ["Overview", "overview"]

_COLUMNS = [
    "group",
    "label",
    "comparator",
    "k",
    "patients",
    "at_least",
    "estimate",
    "ci_low",
    "ci_high",
    "pi_low",
    "pi_high",
    "tau2",
    "i2",
    "certainty",
    "symbols",
    "reasons",
    "confirmed",
]


@dataclass(frozen=True, slots=True, kw_only=True, repr=False, eq=False)
class Overview(Shown):
    """Pooled effects by group and comparator.

    Attributes
    ----------
    rows : DataFrame
        One row a group and comparator: ``group`` and its ``label``, ``comparator``, ``k`` trials, ``patients`` (missing where nobody
        says; ``at_least`` where a trial does not), ``estimate ci_low ci_high`` (positive favours the treatment), ``pi_low pi_high``
        (missing below three trials), ``tau2 i2``, ``certainty``, its ``symbols`` and ``reasons``, and
        how many of the pooled figures two extractions agree on (``confirmed``). Numbers are missing where no
        trial prints a usable figure, the comparator is empty where that holds of all.
    threshold : Mid or None
        Minimal important difference of the main outcome; None: none is known.
    without : tuple of str
        Pooled outcomes for which no minimal important difference is known.
    conventions : str
        What the pooled effects have in common, in a sentence.
    topic : Topic
        The words of the review.
    """

    rows: pd.DataFrame
    threshold: Mid | None
    without: tuple[str, ...]
    conventions: str
    topic: Topic

    plot = _draw

    def to_frame(self) -> pd.DataFrame:
        """Return the effects, one row a group and comparator."""
        return self.rows.copy()

    def _sentences(self) -> list[str]:
        return [f"Pooled effects by group and comparator. {self.conventions}".strip(), *self._extracted()]

    def _extracted(self) -> list[str]:
        """Say how many of the pooled figures two extractions agree on, where the tables tell."""
        told = self.rows[self.rows["confirmed"].notna()]
        agreed, of = int(told["confirmed"].sum()), int(told["k"].sum())
        return [f"Two extractions agree on {agreed} of {of} pooled figures ({agreed / of:.0%})."] if of else []

    def _table(self) -> pd.DataFrame:
        shown = [
            "label",
            "comparator",
            "k",
            "patients",
            "estimate",
            "ci_low",
            "ci_high",
            "pi_low",
            "pi_high",
            "certainty",
        ]
        return self.rows[shown].round(2)


def overview(results: Mapping[str, Mapping[str, Any]] | None = None, *, evidence: Evidence | None = None) -> Overview:
    """Return the effect in every condition against every comparator.

    Parameters
    ----------
    results : mapping, optional
        Group to a mapping of comparator to MetaAnalysis. Default: the standard analysis of every condition.
    evidence : Evidence, optional
        Default: the one that the results carry, else the package's evidence.

    Returns
    -------
    Overview
        Estimates, intervals, prediction intervals, trials, patients and certainty, and the threshold that patients notice.

    Examples
    --------
    >>> import acuevidence as ae
    >>> found = ae.questions.overview().rows
    >>> found.loc[found.group == "low_back_pain", "comparator"].tolist()
    ['usual_care', 'sham']
    """
    groups = dict(results or {})
    evidence = next((own for one in groups.values() if (own := evidence_of(dict(one), evidence)) is not None), evidence)
    if results is None:
        evidence = load_evidence() if evidence is None else evidence
        groups = {condition: pooled(condition, evidence=evidence) for condition in conditions(evidence)}
    every = [one for found in groups.values() for one in found.values()]
    topic = evidence.topic if evidence is not None else topic_of({str(i): one for i, one in enumerate(every)})
    rows = []
    for group, found in groups.items():
        label = topic.label(group) if group in topic.conditions else group
        if not found:
            rows.append({"group": group, "label": label, "comparator": "", "k": 0})
        for name in sorted(found, key=topic.place):
            rows.append({"group": group, "label": label, "comparator": name, **_numbers(found[name])})
    outcomes = sorted({outcome for one in every for outcome in outcomes_of(one)})
    known = [outcome for outcome in outcomes if evidence is not None and has_mid(outcome, evidence=evidence)]
    return Overview(
        rows=pd.DataFrame(rows, columns=_COLUMNS),
        threshold=main_mid(evidence),
        without=tuple(outcome for outcome in outcomes if outcome not in known),
        conventions=max(every, key=lambda one: one.k).conventions if every else "",
        topic=topic,
    )


def _numbers(one: Any) -> dict[str, Any]:
    """Return the numbers of a pooled effect; none without a trial."""
    if not one.k:
        return {"k": 0}
    people = counted(one.data)
    rated = certainty(one)
    outer = one.k > 2 and one.pi_low is not None
    return {
        "k": one.k,
        "patients": people.n,
        "at_least": not people.complete,
        "estimate": one.estimate,
        "ci_low": one.ci_low,
        "ci_high": one.ci_high,
        "pi_low": one.pi_low if outer else math.nan,
        "pi_high": one.pi_high if outer else math.nan,
        "tau2": one.tau2,
        "i2": one.i2,
        "certainty": rated.level,
        "symbols": rated.symbols,
        "reasons": "; ".join(rated.reasons),
        "confirmed": confirmed(one.data),
    }


guard(__name__, "overview")
