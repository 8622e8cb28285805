"""Published pooled effects beside those computed here, condition by condition and with one sign."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pandas as pd

from acuevidence.appraisal.headline import Headline, headline
from acuevidence.arguments import guard
from acuevidence.evidence import Evidence, conditions, load_evidence
from acuevidence.later import Later
from acuevidence.questions.pooled import pooled
from acuevidence.questions.published import published
from acuevidence.shown import Shown
from acuevidence.topic import Topic

if TYPE_CHECKING:
    from acuevidence.plots.questions.consensus import consensus as _draw
else:
    _draw = Later("acuevidence.plots.questions.consensus", "consensus")

__all__ = ["Consensus", "consensus"]

_SHOWN = ["estimate", "ci_low", "ci_high"]
_COLUMNS = ["condition", "label", "comparator", "own", "study", "k", *_SHOWN, "patients", "wider", "threshold"]


@dataclass(frozen=True, slots=True, kw_only=True, repr=False, eq=False)
class Consensus(Shown):
    """Effects computed here and published ones.

    Attributes
    ----------
    rows : DataFrame
        ``condition label comparator own study k estimate ci_low ci_high patients wider threshold``: for each condition and comparator
        first the headline computed here (``own``; ``study`` names the population where populations are not pooled, and the trials
        where they are too few to be), then published syntheses, oldest first, each with its first result; SMD, positive favours the
        treatment. ``patients``: a synthesis of individual patient data; ``wider``: what it pools, where that is more than the
        condition; ``threshold``: smallest important difference, where one is published for what is pooled here.
    topic : Topic
        The words of the review.
    """

    rows: pd.DataFrame
    topic: Topic

    plot = _draw

    def to_frame(self) -> pd.DataFrame:
        """Return the effects, one row each."""
        return self.rows.copy()

    def _sentences(self) -> list[str]:
        return [f"{int(self.rows['own'].sum())} pooled effects beside {int((~self.rows['own']).sum())} published ones"]

    def _table(self) -> pd.DataFrame:
        return self.rows.round(2)


def consensus(*, evidence: Evidence | None = None) -> Consensus:
    """Return the pooled effects of published syntheses beside one's own.

    Parameters
    ----------
    evidence : Evidence, default the package's

    Returns
    -------
    Consensus
        Published effects without a printed interval are left out.

    Examples
    --------
    >>> import acuevidence as ae
    >>> rows = ae.questions.consensus().rows
    >>> rows[(rows.condition == "headache") & (rows.comparator == "sham")].study.tolist()
    ['', 'Vickers 2012']
    """
    evidence = load_evidence() if evidence is None else evidence
    topic = evidence.topic
    rows: list[dict[str, Any]] = []
    for condition in conditions(evidence):
        found = published(condition, evidence=evidence).dropna(subset=["ci_low", "ci_high"])
        heads = {group: headline(one) for group, one in pooled(condition, evidence=evidence).items()}
        for comparator in sorted(topic.comparators, key=topic.place):
            key = {"condition": condition, "label": topic.label(condition), "comparator": comparator}
            for group, head in heads.items():
                if topic.comparison(group) == comparator:
                    among = group.removeprefix(comparator).lstrip(", ")
                    rows += [{**key, "own": True, "threshold": head.threshold, **one} for one in _ours(head, among)]
            theirs = found[found["comparator"] == comparator].drop_duplicates("study")
            rows += [
                {
                    **key,
                    "own": False,
                    "study": r.study,
                    "k": r.n_trials,
                    **{name: getattr(r, name) for name in _SHOWN},
                    "patients": r.type == "ipd_meta_analysis",
                    "wider": "" if r.condition == condition else r.condition.replace("_", " "),
                }
                for r in theirs.itertuples()
            ]
    table = pd.DataFrame(rows, columns=_COLUMNS)
    table["patients"] = table["patients"].eq(True)
    return Consensus(rows=table.fillna({"wider": ""}).astype({"own": bool, "threshold": float}), topic=topic)


def _ours(head: Headline, among: str) -> list[dict[str, Any]]:
    """Return the headline of a pool as a row; of one or two trials these."""
    if head.k > 2:
        return [{"study": among, "k": head.k, **{name: getattr(head, name) for name in _SHOWN}}]
    return [
        {"study": ", ".join(filter(None, (among, t.label))), "k": 1, "estimate": t.yi, "ci_low": t.ci_low, "ci_high": t.ci_high}
        for t in head.trials.itertuples()
    ]


guard(__name__, "consensus")
