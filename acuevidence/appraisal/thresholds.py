"""How big a difference must be to matter: thresholds between groups by condition, outcome and comparison, and who published them."""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from acuevidence.appraisal.typical_sd import typical_sd_of
from acuevidence.inputs import choice
from acuevidence.synthesis.effect import PooledEffect
from acuevidence.topic import read_yaml

if TYPE_CHECKING:
    from acuevidence.evidence import Evidence

__all__ = ["Mid", "appraisal_rules", "checked_threshold", "mid_of", "published_threshold", "threshold_of"]

_SD, _POINTS = "SD", "points of 0-100"
_SCALE = re.compile(r"(?:points|mm) of 0-(\d+(?:\.\d+)?)")


@dataclass(frozen=True, slots=True)
class Mid:
    """A minimal important difference between groups.

    Attributes
    ----------
    low, high : float
        Smallest and largest threshold that decides, in ``unit``; the same where one decides. ``low`` is the one that states go by.
    unit : str
        ``SD`` or ``points of 0-100``.
    source : str
        Who published it, and how it was brought to the unit.
    source_urls : tuple of str
        Where it was read.
    sensitivity : tuple of float
        Other published thresholds, in ``unit``, that serve as a sensitivity analysis.
    """

    low: float
    high: float
    unit: str
    source: str
    source_urls: tuple[str, ...]
    sensitivity: tuple[float, ...] = ()


def checked_threshold(
    evidence: Evidence,
    outcome: str | None = None,
    measure: str = "SMD",
    condition: str | None = None,
    comparator: str | None = None,
) -> Mid | None:
    """Return the threshold of an outcome, or None, and refuse words that the evidence does not know; as :func:`acuevidence.mid`."""
    outcome = evidence.topic.main_outcome if outcome is None else outcome
    printed = pd.concat([evidence.results["outcome"], evidence.contrasts["outcome"], evidence.thresholds["outcome"]]).dropna()
    choice("outcome", outcome, sorted({*printed, *evidence.topic.outcomes}))
    choice("measure", measure, ("SMD", "MD"))
    if condition is not None:
        choice("condition", condition, list(evidence.topic.conditions))
    if comparator is not None:
        choice("comparator", comparator, list(evidence.topic.comparators))
    return published_threshold(evidence, outcome, measure, condition, comparator)


@functools.lru_cache(maxsize=256)
def published_threshold(
    evidence: Evidence, outcome: str, measure: str, condition: str | None = None, comparator: str | None = None
) -> Mid | None:
    """Return the threshold of an outcome, or None; without checks."""
    table = evidence.thresholds
    fits = (table["level"] == "between") & table["value"].notna()
    if comparator is not None:
        fits &= table["comparison"].isna() | (table["comparison"] == comparator)
    same = appraisal_rules(evidence).get("threshold_for", {}).get(outcome)
    of_condition = table["condition"] == condition if condition is not None else pd.Series(False, index=table.index)
    for name, where in ((outcome, of_condition), (same, of_condition), (outcome, table["condition"].isna())):
        rows = table[fits & where & (table["outcome"] == name)]
        found = {use: _brought(rows[rows["use"] == use], measure, condition, name, evidence) for use in ("decides", "sensitivity")}
        if decides := found["decides"]:
            values = [value for value, _ in decides]
            urls = tuple(dict.fromkeys(rows.loc[rows["use"] == "decides", "source_url"]))
            others = tuple(value for value, _ in found["sensitivity"])
            unit = _SD if measure == "SMD" else _POINTS
            return Mid(min(values), max(values), unit, "; ".join(said for _, said in decides), urls, others)
    return None


def mid_of(result: PooledEffect, evidence: Evidence | None) -> Mid | None:
    """Return the threshold of a pooled effect on its own scale, or None.

    Parameters
    ----------
    result : MetaAnalysis
        Its data name the outcome, the measure (``effect``), and where there is one the condition and comparator.
    evidence : Evidence or None
        Where the thresholds are; None: none is known.

    Notes
    -----
    Of several outcomes in one pool, the one that stands first in the order of the condition is meant.

    Examples
    --------
    >>> import acuevidence as ae
    >>> mid_of(ae.pooled("knee_osteoarthritis")["sham"], ae.load_evidence()).unit
    'SD'
    """
    data = result.data
    if evidence is None or not {"outcome", "effect"} <= set(data.columns) or data["outcome"].isna().all():
        return None
    measure = _only(data, "effect")
    if measure not in ("SMD", "MD"):
        return None
    condition, pooled = _only(data, "condition"), set(data["outcome"].dropna())
    own = evidence.rules.outcomes(condition) if condition in evidence.topic.conditions and condition is not None else []
    order = [*own, *evidence.topic.outcomes]
    outcome = next((name for name in order if name in pooled), sorted(pooled)[0])
    return published_threshold(evidence, outcome, measure, condition, _only(data, "comparator"))


def threshold_of(result: PooledEffect, evidence: Evidence | None) -> float | None:
    """Return the smallest important difference on the scale of a pooled effect as a number, or None; as :func:`mid_of`.

    Examples
    --------
    >>> import acuevidence as ae
    >>> threshold_of(ae.pooled("knee_osteoarthritis")["sham"], ae.load_evidence())
    0.37
    """
    found = mid_of(result, evidence)
    return None if found is None else found.low


def appraisal_rules(evidence: Evidence | None) -> Mapping[str, Any]:
    """Return the rules of ``appraisal.yaml`` that an evidence came with; without evidence the neutral ones."""
    return _neutral() if evidence is None else evidence.appraisal


@functools.cache
def _neutral() -> dict[str, Any]:
    return read_yaml(Path(__file__).resolve().parents[1] / "scaffold" / "appraisal.yaml")


def _brought(
    rows: pd.DataFrame, measure: str, condition: str | None, outcome: str | None, evidence: Evidence
) -> list[tuple[float, str]]:
    """Return the thresholds of rows in the unit of a measure, in words too; of other units none."""
    found = []
    for row in rows.itertuples():
        scale = _SCALE.match(row.unit)
        if scale is None and row.unit != "SD units":
            continue
        value = float(row.value) if scale is None else 100 * float(row.value) / float(scale[1])
        said = f"{row.value:g} {row.unit}, {row.measure}"
        if (scale is None) != (measure == "SMD"):
            spread = typical_sd_of(evidence, condition, _spread_outcome(str(outcome), evidence))
            if not np.isfinite(spread.sd):
                continue
            value = value / spread.sd if measure == "SMD" else value * spread.sd
            whose = "over all conditions" if spread.condition is None else "of the condition"
            said += f" (SD {spread.sd:.1f} points, median of {spread.arms} arms {whose})"
        found.append((value, said))
    return found


def _spread_outcome(outcome: str, evidence: Evidence) -> str | None:
    """Return the outcome whose spread turns points into standard deviations: the main one for what is judged like it."""
    same = appraisal_rules(evidence).get("threshold_for", {})
    return None if outcome in same or outcome == evidence.topic.main_outcome else outcome


def _only(data: pd.DataFrame, column: str) -> str | None:
    found = data[column].dropna().unique() if column in data else []
    return str(found[0]) if len(found) == 1 else None
