"""The spread of an outcome between patients on a 0-100 scale: what turns standardised differences into points and back."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from acuevidence.evidence.carried import outcomes_of

if TYPE_CHECKING:
    from acuevidence.evidence import Evidence

__all__ = ["TypicalSD", "spread_of", "typical_sd_of"]

_FEWEST = 3  # trials of a condition that print an SD; with fewer, all conditions together


@dataclass(frozen=True, slots=True)
class TypicalSD:
    """The spread of an outcome between patients on a 0-100 scale, from the printed SDs of final values.

    Attributes
    ----------
    sd : float
        Median of the SDs, in points of 0-100; NaN where none is printed.
    low, high : float
        First and third quartile of the SDs.
    arms, trials : int
        How many arms and trials it comes from.
    condition : str or None
        The condition whose trials it comes from; None: all.
    """

    sd: float
    low: float
    high: float
    arms: int
    trials: int
    condition: str | None = None


@functools.lru_cache(maxsize=128)
def typical_sd_of(evidence: Evidence, condition: str | None = None, outcome: str | None = None) -> TypicalSD:
    """Return the typical SD of an outcome on a 0-100 scale in an evidence.

    Parameters
    ----------
    evidence : Evidence
        Where the figures are.
    condition : str, optional
        One condition; where fewer than three of its trials print an SD, and by default, all together.
    outcome : str, optional
        Default: the main outcome of the topic.

    Examples
    --------
    >>> import acuevidence as ae
    >>> typical_sd_of(ae.load_evidence(), "fibromyalgia").trials >= 3
    True
    """
    rows = evidence.results
    rows = rows[
        (rows["outcome"] == (outcome or evidence.topic.main_outcome))
        & (rows["statistic"] == "final")
        & rows["sd"].notna()
        & rows["scale_max"].notna()
        & rows["caution"].isna()
        & (rows["week"].isna() | (rows["week"] > 0))
    ]
    own = condition is not None and rows.loc[rows["condition"] == condition, "trial_id"].nunique() >= _FEWEST
    if own:
        rows = rows[rows["condition"] == condition]
    points = (rows["sd"] * 100 / (rows["scale_max"] - rows["scale_min"])).astype(float)
    # An arm printed at several weeks counts once.
    by_arm = points.groupby([rows["trial_id"], rows["arm"]]).median()
    low, middle, high = by_arm.quantile([0.25, 0.5, 0.75]) if len(by_arm) else [np.nan] * 3
    return TypicalSD(float(middle), float(low), float(high), len(by_arm), rows["trial_id"].nunique(), condition if own else None)


def spread_of(result: Any, evidence: Evidence | None) -> float:
    """Return the typical SD behind a result in points of 0-100; NaN where its outcome has no such scale, or nothing is known."""
    outcomes = outcomes_of(result)
    if evidence is None or not outcomes or any("scale" not in evidence.topic.outcomes.get(name, {}) for name in outcomes):
        return np.nan
    conditions = result.data["condition"].dropna().unique() if "condition" in result.data else []
    return typical_sd_of(evidence, str(conditions[0]) if len(conditions) == 1 else None).sd
