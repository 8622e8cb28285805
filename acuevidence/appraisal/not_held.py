"""Trials that make a comparison and have no usable figure on the pages read: in classes, and what they could do to a pooled effect.

After ROB-ME (Page et al 2023, BMJ): missing trials never narrow an interval.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from acuevidence.evidence.carried import outcomes_of, unheld
from acuevidence.synthesis.effect import PooledEffect

if TYPE_CHECKING:
    from acuevidence.evidence import Evidence

__all__ = ["NotHeld", "not_held"]


@dataclass(frozen=True, slots=True, eq=False)
class NotHeld:
    """Trials without a usable figure beside a pooled effect.

    Attributes
    ----------
    trials : DataFrame
        One row a trial: ``trial_id study n vi weight kind``; ``kind`` 1: its report says no difference or harm; 2: benefit, or the
        direction is not stated; 3: nothing is known of it.
    shift : float
        By how much the estimate and both limits move when class 1 is taken at no effect and class 2 at the estimate.
    share : float
        Weight of class 1 among the trials held and classes 1 and 2.
    weight : float
        Weight of the trials held.
    """

    trials: pd.DataFrame
    shift: float
    share: float
    weight: float

    def count(self, kind: int) -> int:
        """Return how many trials are in a class."""
        return int((self.trials["kind"] == kind).sum())

    def at(self, estimate: float, effect: float) -> float:
        """Return the estimate with class 1 at no effect and class 2 at a given effect."""
        first, second = (float(self.trials.loc[self.trials["kind"] == kind, "weight"].sum()) for kind in (1, 2))
        return (self.weight * estimate + second * effect) / (self.weight + first + second)


def not_held(result: PooledEffect, evidence: Evidence | None, *, estimate: float | None = None) -> NotHeld | None:
    """Return the trials without a usable figure beside a pooled effect, in classes; None where the result does not name them.

    Parameters
    ----------
    result : MetaAnalysis
        Of one comparator, from the rows of ``trial_effects``.
    evidence : Evidence or None
        Where the directions that reports conclude are; None: every trial is in class 3.
    estimate : float, optional
        Default: that of the result.

    Notes
    -----
    A direction counts for the outcomes of the pool, from one week before the end of the course to 26 weeks since randomisation;
    rows without a week count. Weights are 1 / (v + tau2), v = 4 / n of the arms compared, the median variance where n is unknown.

    Examples
    --------
    >>> import acuevidence as ae
    >>> found = not_held(ae.pooled("low_back_pain")["sham"], ae.load_evidence())
    >>> found.shift <= 0
    True
    """
    rows = unheld(result)
    if rows is None or result.X is not None:
        return None
    rows = rows.drop_duplicates("trial_id")
    trials = rows[["trial_id", "study"]].reset_index(drop=True)
    n = pd.to_numeric(rows["n"], errors="coerce") if "n" in rows else pd.Series(np.nan, index=rows.index)
    trials["n"] = n.to_numpy(dtype=float)
    trials["vi"] = (4 / trials["n"].where(trials["n"] > 0)).fillna(float(np.median(result.vi)))
    tau2 = float(result.tau2 or 0.0)
    trials["weight"] = 1 / (trials["vi"] + tau2)
    trials["kind"] = 3 if evidence is None else _kinds(trials, result, evidence)
    held = float((1 / (result.vi + tau2)).sum())
    first, second = (float(trials.loc[trials["kind"] == kind, "weight"].sum()) for kind in (1, 2))
    share = first / (held + first + second)
    return NotHeld(trials, -(result.estimate if estimate is None else estimate) * share, share, held)


def _kinds(trials: pd.DataFrame, result: PooledEffect, evidence: Evidence) -> np.ndarray:
    data = result.data
    roles = {str(name) for name in data["comparator"].dropna().unique()}
    roles |= {role for name in list(roles) for role in evidence.topic.comparator(name).roles}
    table = evidence.directions
    table = table[table["trial_id"].isin(trials["trial_id"]) & table["comparator"].isin(roles)]
    wanted = _outcomes(result, evidence)
    classes = table["outcome_class"].astype("string").fillna("").str.split(";")
    table = table[np.array([bool((wanted | {"any"}) & {*one}) for one in classes], dtype=bool)]
    courses = evidence.trials.drop_duplicates("trial_id").set_index("trial_id")["treatment_weeks"]
    week = table["week"].astype(float)
    start = pd.to_numeric(table["trial_id"].map(courses), errors="coerce").astype(float) - 1
    table = table[week.isna() | ((week <= 27) & (start.isna() | (week >= start)))]
    said = table.groupby("trial_id")["direction"].agg(set)
    kinds = [said.get(trial, set()) for trial in trials["trial_id"]]
    return np.array([3 if not one else 1 if one & {"no_difference", "harm"} else 2 for one in kinds], dtype=int)


def _outcomes(result: PooledEffect, evidence: Evidence) -> set[str]:
    """Return the outcomes that count: those of the pool, and where it takes a condition's outcomes in order all of these."""
    found = set(outcomes_of(result))
    conditions = result.data["condition"].dropna().unique() if "condition" in result.data else []
    for condition in conditions:
        if condition in evidence.topic.conditions:
            order = set(evidence.rules.outcomes(str(condition)))
            found |= order if found & order else set()
    return found
