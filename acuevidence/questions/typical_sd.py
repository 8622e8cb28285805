"""Standardised differences in words of the clinic: points on a 0-100 scale."""

from __future__ import annotations

from dataclasses import dataclass

from acuevidence.arguments import guard
from acuevidence.evidence import Evidence, load_evidence

__all__ = ["TypicalSD", "typical_sd"]


@dataclass(frozen=True, slots=True)
class TypicalSD:
    """The spread of the main outcome between patients on a 0-100 scale, from the printed SDs of final values.

    Attributes
    ----------
    sd : float
        Median of the SDs, in points of 0-100.
    low, high : float
        First and third quartile of the SDs.
    arms, trials : int
        How many arms and trials it comes from.
    """

    sd: float
    low: float
    high: float
    arms: int
    trials: int


def typical_sd(condition: str | None = None, *, evidence: Evidence | None = None) -> TypicalSD:
    """Return the typical SD of the main outcome on a 0-100 scale.

    Parameters
    ----------
    condition : str, optional
        One condition; where it prints fewer than three trials' SDs, or by default, all conditions together.
    evidence : Evidence, optional
        Default: the package's evidence.

    Returns
    -------
    TypicalSD
        Median and quartiles of the printed SDs of final scores, missing where none is printed; ``MD = SMD * sd`` (Cochrane
        Handbook 15.5.3.2).

    Examples
    --------
    >>> import acuevidence as ae
    >>> 15 < ae.questions.typical_sd().sd < 30
    True
    """
    evidence = load_evidence() if evidence is None else evidence
    rows = evidence.results
    rows = rows[
        (rows["outcome"] == evidence.topic.main_outcome) & (rows["statistic"] == "final") & rows["sd"].notna() & rows["scale_max"].notna()
        & rows["caution"].isna() & (rows["week"].isna() | (rows["week"] > 0))
    ]  # fmt: skip
    if condition is not None and rows.loc[rows["condition"] == condition, "trial_id"].nunique() >= 3:
        rows = rows[rows["condition"] == condition]
    points = rows["sd"] * 100 / (rows["scale_max"] - rows["scale_min"])
    # An arm printed at several weeks counts once.
    by_arm = points.groupby([rows["trial_id"], rows["arm"]]).median()
    low, middle, high = by_arm.quantile([0.25, 0.5, 0.75])
    return TypicalSD(float(middle), float(low), float(high), len(by_arm), rows["trial_id"].nunique())


guard(__name__, "typical_sd")
