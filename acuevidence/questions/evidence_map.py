"""What is known for each condition, comparator and outcome, and how surely."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pandas as pd

from acuevidence.appraisal.certainty import certainty
from acuevidence.appraisal.headline import headline
from acuevidence.arguments import guard
from acuevidence.effects.trials import trial_effects
from acuevidence.evidence import Evidence, conditions, load_evidence
from acuevidence.inputs import choice
from acuevidence.later import Later
from acuevidence.shown import Shown
from acuevidence.synthesis import meta_analysis
from acuevidence.topic import Topic
from acuevidence.words import count, interval

if TYPE_CHECKING:
    from acuevidence.plots.questions.evidence_map import evidence_map as _draw
else:
    _draw = Later("acuevidence.plots.questions.evidence_map", "evidence_map")

__all__ = ["EvidenceMap", "evidence_map"]

_COLUMNS = ["condition", "comparator", "outcome", "k", "patients", "estimate", "ci_low", "ci_high", "certainty"]


@dataclass(frozen=True, slots=True, kw_only=True, repr=False, eq=False)
class EvidenceMap(Shown):
    """What is known by condition, comparator and outcome.

    Attributes
    ----------
    cells : DataFrame
        One row a condition, comparator and outcome with trials that print usable figures: ``condition comparator outcome k patients
        estimate ci_low ci_high certainty`` (the headline's SMD, positive favours the treatment, missing where two trials, or trials of
        two populations, are not pooled; certainty 1 very low to 4 high).
    topic : Topic
        The words of the review.
    """

    cells: pd.DataFrame
    topic: Topic

    plot = _draw

    @property
    def rows(self) -> list[str]:
        """Conditions with a cell, in the evidence's order."""
        return list(dict.fromkeys(self.cells["condition"]))

    @property
    def columns(self) -> list[tuple[str, str]]:
        """Pairs of outcome and comparator with a cell, comparators in the topic's order."""
        known = set(zip(self.cells["outcome"], self.cells["comparator"], strict=True))
        outcomes = dict.fromkeys(self.cells["outcome"])
        return [pair for outcome in outcomes for c in self.topic.comparators if (pair := (outcome, c)) in known]

    def to_frame(self) -> pd.DataFrame:
        """Return the cells, one row each."""
        return self.cells.copy()

    def _sentences(self) -> list[str]:
        topic = self.topic
        return [
            f"{topic.label(row.condition)}, {topic.outcome(row.outcome)} v {topic.comparator(row.comparator).phrase}: "
            f"{count(row.k, 'trial')}, {_effect(row)}, certainty {row.certainty} of 4"
            for row in self.cells.itertuples()
        ]


def _effect(row: Any) -> str:
    return "not pooled" if math.isnan(row.estimate) else f"SMD {interval(row.estimate, row.ci_low, row.ci_high)}"


def evidence_map(outcomes: Iterable[str] | None = None, *, evidence: Evidence | None = None) -> EvidenceMap:
    """Pool and rate every condition, comparator and outcome.

    Parameters
    ----------
    outcomes : iterable of str, optional
        Outcomes as in :func:`acuevidence.trial_effects`. Default: those that ``topic.yaml`` names for its figures, else all.
    evidence : Evidence, default the package's

    Returns
    -------
    EvidenceMap
        A cell a condition, comparator and outcome with trials that print usable figures.

    Raises
    ------
    InputError
        For an unknown outcome.

    Examples
    --------
    >>> import acuevidence as ae
    >>> found = ae.questions.evidence_map(["headache_frequency"])
    >>> found.rows, found.columns
    (['headache'], [('headache_frequency', 'sham'), ('headache_frequency', 'usual_care')])
    """
    evidence = load_evidence() if evidence is None else evidence
    known = evidence.topic.outcomes
    printed = {*evidence.results["outcome"], *evidence.contrasts["outcome"]}
    shown = (name for name in evidence.topic.figures.get("outcomes", known) if name in printed)
    wanted = shown if outcomes is None else outcomes
    named = [choice("outcomes", name, list(known)) for name in wanted]
    rows = []
    for condition in conditions(evidence):
        for outcome in named:
            effects = trial_effects(condition, outcome=outcome, evidence=evidence)
            for comparator, part in effects.groupby("comparator", sort=False):
                apart = "population" in part and part["population"].nunique() > 1
                sets = [one for _, one in part.groupby("population")] if apart else [part]
                fits = [meta_analysis("yi", "vi", data=one, labels="study", test="HKSJ-adhoc") for one in sets]
                head, patients = headline(fits[0]), int(part[["n1", "n2"]].sum().sum())
                numbers = [None] * 3 if apart else [head.estimate, head.ci_low, head.ci_high]
                steps = min(certainty(fit).steps for fit in fits)
                rows.append((condition, comparator, outcome, len(part), patients, *numbers, steps))
    cells = pd.DataFrame(rows, columns=_COLUMNS).astype(dict.fromkeys(("estimate", "ci_low", "ci_high"), float))
    return EvidenceMap(cells=cells, topic=evidence.topic)


guard(__name__, "evidence_map")
