"""What was known when: the pooled effect after each year of publication, and the state it had."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from acuevidence.appraisal.headline import headlines
from acuevidence.arguments import guard
from acuevidence.evidence import Evidence, conditions, load_evidence
from acuevidence.later import Later
from acuevidence.questions.pooled import pooled
from acuevidence.shown import Shown
from acuevidence.topic import Topic

if TYPE_CHECKING:
    from acuevidence.plots.questions.timeline import timeline as _draw
else:
    _draw = Later("acuevidence.plots.questions.timeline", "timeline")

__all__ = ["Timeline", "timeline"]

_COLUMNS = [
    "condition",
    "label",
    "group",
    "comparator",
    "year",
    "k",
    "n",
    "estimate",
    "ci_low",
    "ci_high",
    "state",
    "trials",
    "participants",
]


@dataclass(frozen=True, slots=True, kw_only=True, repr=False, eq=False)
class Timeline(Shown):
    """The pooled effects as they stood after each year in which a trial was published.

    Attributes
    ----------
    rows : DataFrame
        One row a pooled effect and year: ``condition label group comparator year``, the ``k`` trials up to then and their ``n``
        participants (those printed), ``estimate ci_low ci_high`` (missing where trials are too few to be pooled) and ``state`` of their
        headline, and the ``trials`` of that year with their ``participants``.
    topic : Topic
        The words of the review.
    undated : int
        Trials without a year, which are in no row.
    """

    rows: pd.DataFrame
    topic: Topic
    undated: int = 0

    plot = _draw

    def to_frame(self) -> pd.DataFrame:
        """Return the pooled effects, one row an effect and year."""
        return self.rows.copy()

    def changes(self) -> pd.DataFrame:
        """Return the years in which a pooled effect came to another state.

        Returns
        -------
        DataFrame
            The rows of those years, the first of each pooled effect among them.

        Examples
        --------
        >>> import acuevidence as ae
        >>> moved = ae.questions.timeline("neck_pain").changes()
        >>> bool((moved["k"] >= 1).all())
        True
        """
        before = self.rows.groupby(["condition", "group"])["state"].shift()
        return self.rows[self.rows["state"] != before].reset_index(drop=True)

    def _sentences(self) -> list[str]:
        said = ["What was known after each year of publication, by the rules of the headline."]
        return said + ([f"{self.undated} trials without a year are left out."] if self.undated else [])

    def _table(self) -> pd.DataFrame:
        shown = ["label", "group", "year", "k", "n", "estimate", "ci_low", "ci_high", "state", "trials"]
        return self.changes()[shown].round(2)


def timeline(condition: str | None = None, *, evidence: Evidence | None = None) -> Timeline:
    """Return what was known when: every pooled effect after each year in which one of its trials was published.

    Parameters
    ----------
    condition : str, optional
        One of :func:`acuevidence.conditions`. Default: all.
    evidence : Evidence, optional
        Default: the package's evidence.

    Returns
    -------
    Timeline
        One row a pooled effect and year.

    Raises
    ------
    InputError
        For an unknown condition.

    Notes
    -----
    The trials of the standard analysis, added in the order of their years; every year is judged by today's rules and thresholds. Which
    figures were printed then, and who could know of them, is not asked. Looking often is not paid for: this describes, and tests nothing.

    Examples
    --------
    >>> import acuevidence as ae
    >>> found = ae.questions.timeline("neck_pain").rows
    >>> last = found[found["group"] == "sham"].iloc[-1]
    >>> int(last["k"]) == ae.pooled("neck_pain")["sham"].k
    True
    """
    evidence = load_evidence() if evidence is None else evidence
    parts, undated = [], 0
    for name in conditions(evidence) if condition is None else [condition]:
        for group, result in pooled(name, evidence=evidence).items():
            year = result.data["year"].astype(float).to_numpy()
            undated += int(np.isnan(year).sum())
            years = np.unique(year[np.isfinite(year)])
            if not len(years):
                continue
            seen = year <= years[:, None]
            found = headlines(result, np.where(seen, result.yi, np.nan), np.where(seen, result.vi, np.nan), evidence=evidence)
            people = result.data[["n1", "n2"]].astype(float).sum(axis=1).to_numpy()  # 0 where a trial does not print them
            here = [year == one for one in years]
            study = result.data["study"].to_numpy()
            parts.append(
                found.assign(
                    condition=name,
                    label=evidence.topic.label(name),
                    group=group,
                    comparator=str(result.data["comparator"].iloc[0]),
                    year=years.astype(int),
                    n=seen @ people,
                    trials=["; ".join(map(str, study[rows])) for rows in here],
                    participants=[float(people[rows].sum()) for rows in here],
                )
            )
    rows = pd.concat(parts, ignore_index=True)[_COLUMNS] if parts else pd.DataFrame(columns=_COLUMNS)
    return Timeline(rows=rows, topic=evidence.topic, undated=undated)


guard(__name__, "timeline")
