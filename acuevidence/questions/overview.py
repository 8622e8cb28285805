"""The effect in every condition against every comparator, with what is needed to read it: spread, size, certainty, threshold."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pandas as pd

from acuevidence.appraisal.certainty import certainty
from acuevidence.appraisal.headline import headline
from acuevidence.arguments import guard
from acuevidence.effects.participants import counted
from acuevidence.evidence import Evidence, conditions, load_evidence
from acuevidence.evidence.carried import direction_of, evidence_of
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
    "method",
    "state",
    "threshold",
    "tau2",
    "i2",
    "certainty",
    "symbols",
    "reasons",
    "confirmed",
]
_TRIALS = ["group", "comparator", "label", "estimate", "ci_low", "ci_high"]


@dataclass(frozen=True, slots=True, kw_only=True, repr=False, eq=False)
class Overview(Shown):
    """Pooled effects by group and comparator.

    Attributes
    ----------
    rows : DataFrame
        One row a group and comparator: ``group`` and its ``label``, ``comparator``, ``k`` trials, ``patients`` (missing where nobody
        says; ``at_least`` where a trial does not), the headline's ``estimate ci_low ci_high pi_low pi_high method state`` (positive
        favours the treatment; two trials are not pooled, so nothing is estimated), ``threshold`` (smallest important difference
        where one is published for the group's one condition), ``tau2 i2``, ``certainty``, its ``symbols`` and ``reasons``, and how
        many of the pooled figures two extractions agree on (``confirmed``). Numbers are missing where no trial prints a usable
        figure, the comparator is empty where that holds of all.
    trials : DataFrame
        ``group comparator label estimate ci_low ci_high`` of the trials of groups that hold two, which are not pooled.
    sides : (str, str)
        Words left and right of no effect.
    when : str
        When the effects were measured; empty: the results were given, and do not say.
    topic : Topic
        The words of the review.
    """

    rows: pd.DataFrame
    trials: pd.DataFrame
    sides: tuple[str, str]
    when: str
    topic: Topic

    plot = _draw

    def to_frame(self) -> pd.DataFrame:
        """Return the effects, one row a group and comparator."""
        return self.rows.copy()

    def _sentences(self) -> list[str]:
        return [f"Pooled effects by group and comparator{', ' if self.when else ''}{self.when}.", *self._extracted()]

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
            "state",
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
        Headline estimates, intervals, prediction intervals, trials, patients and certainty, and each condition's threshold.

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
    every = {f"{group}/{name}": one for group, found in groups.items() for name, one in found.items()}
    topic = evidence.topic if evidence is not None else topic_of(every)
    rows, trials = [], [pd.DataFrame(columns=_TRIALS)]
    for group, found in groups.items():
        label = topic.label(group) if group in topic.conditions else group
        if not found:
            rows.append({"group": group, "label": label, "comparator": "", "k": 0})
        for name in sorted(found, key=topic.place):
            numbers, apart = _numbers(found[name])
            rows.append({"group": group, "label": label, "comparator": name, **numbers})
            if len(apart):
                trials.append(apart.rename(columns={"yi": "estimate"}).assign(group=group, comparator=name)[_TRIALS])
    left, right = topic.sides(direction_of(every))
    return Overview(
        rows=pd.DataFrame(rows, columns=_COLUMNS),
        trials=pd.concat(trials[1:] or trials, ignore_index=True),
        sides=(left[:1].upper() + left[1:], right[:1].upper() + right[1:]),
        when="at the end of treatment" if results is None else "",
        topic=topic,
    )


def _numbers(one: Any) -> tuple[dict[str, Any], pd.DataFrame]:
    """Return the numbers of a pooled effect, none without a trial, and its trials where they are too few to be pooled."""
    if not one.k:
        return {"k": 0}, pd.DataFrame()
    people, head, rated = counted(one.data), headline(one), certainty(one)
    of_one = "condition" in one.data and one.data["condition"].nunique() == 1
    shown = {name: getattr(head, name) for name in ("estimate", "ci_low", "ci_high", "pi_low", "pi_high")}
    return {
        "k": one.k,
        "patients": people.n,
        "at_least": not people.complete,
        **{name: math.nan if value is None else value for name, value in shown.items()},
        "method": head.method,
        "state": head.state,
        "threshold": head.threshold if of_one and head.threshold is not None else math.nan,
        "tau2": one.tau2,
        "i2": one.i2,
        "certainty": rated.level,
        "symbols": rated.symbols,
        "reasons": "; ".join(rated.reasons),
        "confirmed": confirmed(one.data),
    }, head.trials if one.k > 1 else pd.DataFrame()


guard(__name__, "overview")
