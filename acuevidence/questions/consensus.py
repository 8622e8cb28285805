"""Published pooled effects beside those computed here, condition by condition and with one sign."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pandas as pd

from acuevidence.appraisal.thresholds import Mid, main_mid
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


@dataclass(frozen=True, slots=True, kw_only=True, repr=False, eq=False)
class Consensus(Shown):
    """Effects computed here and published ones.

    Attributes
    ----------
    rows : DataFrame
        ``condition comparator own study k estimate ci_low ci_high``: for each condition and comparator first the effect computed here
        (``own``; ``study`` names the population where populations are not pooled), then those of published syntheses, oldest
        first; SMD, positive favours the treatment.
    threshold : Mid or None
        Minimal important difference of the main outcome.
    topic : Topic
        The words of the review.
    """

    rows: pd.DataFrame
    threshold: Mid | None
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
        found = published(condition, evidence=evidence)
        ours = pooled(condition, evidence=evidence)
        found = found.dropna(subset=["ci_low", "ci_high"])
        for comparator in sorted(topic.comparators, key=topic.place):
            key = {"condition": condition, "comparator": comparator}
            for group, mine in ours.items():
                if topic.comparison(group) != comparator:
                    continue
                numbers = {name: getattr(mine, name) for name in ("k", "estimate", "ci_low", "ci_high")}
                rows.append({**key, "own": True, "study": group.removeprefix(comparator).lstrip(", "), **numbers})
            rows += [
                {
                    **key,
                    "own": False,
                    "study": r.study,
                    "k": r.n_trials,
                    "estimate": r.estimate,
                    "ci_low": r.ci_low,
                    "ci_high": r.ci_high,
                }
                for r in found[found["comparator"] == comparator].itertuples()
            ]
    columns = ["condition", "comparator", "own", "study", "k", "estimate", "ci_low", "ci_high"]
    return Consensus(
        rows=pd.DataFrame(rows, columns=columns).astype({"own": bool}),
        threshold=main_mid(evidence),
        topic=topic,
    )


guard(__name__, "consensus")
