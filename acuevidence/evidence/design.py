"""How a trial was designed, as far as its figures depend on it: the facts of ``design.csv`` as values.

Knows the table and nothing of what is done with a fact.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

__all__ = ["Design", "design_of", "trials_where"]

_NEVER = "never"


@dataclass(frozen=True, slots=True)
class Design:
    """Facts on one trial.

    Attributes
    ----------
    primary : tuple of str
        Outcomes that the authors declared primary; empty where none was declared or none was seen.
    primary_week : float or None
        Its week since randomisation.
    allocation : tuple of float
        Shares of the arms in the order of the table of arms; empty where no ratio is known.
    course : float or None
        Length of the course in weeks.
    treated_after : dict of str to float
        Comparator arm to the last week at which it had not had the treatment itself; infinite where it never had.
    """

    primary: tuple[str, ...] = ()
    primary_week: float | None = None
    allocation: tuple[float, ...] = ()
    course: float | None = None
    treated_after: Mapping[str, float] = field(default_factory=dict)


def design_of(rows: Iterable[Any]) -> Design:
    """Return the facts of one trial from its rows of the table ``design``."""
    facts: dict[str, Any] = {}
    treated_after = {}
    for row in rows:
        if row.field == "treated_after_week":
            treated_after[row.arm] = math.inf if row.value == _NEVER else float(row.value)
        elif pd.isna(row.arm) or row.field == "treatment_weeks":
            facts.setdefault(row.field, row)
    declared = facts.get("primary_outcome")
    if declared is None or declared.basis == "not_declared":
        facts = {name: row for name, row in facts.items() if not name.startswith("primary")}
        declared = None
    week, ratio, course = (facts.get(name) for name in ("primary_week", "allocation_ratio", "treatment_weeks"))
    return Design(
        primary=tuple(declared.value.split(";")) if declared is not None else (),
        primary_week=float(week.value) if week is not None else None,
        allocation=_shares(ratio.value) if ratio is not None else (),
        course=float(course.value) if course is not None else None,
        treated_after=treated_after,
    )


def trials_where(table: pd.DataFrame, field: str, pattern: str) -> set[str]:
    """Return the trials of the table ``design`` whose fact matches a regular expression."""
    rows = table[(table["field"] == field) & table["value"].str.contains(pattern, regex=True, na=False)]
    return set(rows["trial_id"])


def _shares(ratio: str) -> tuple[float, ...]:
    parts = [float(part) for part in ratio.split(":")]
    return tuple(part / sum(parts) for part in parts)
