"""Which figures may stand for a trial against a comparator, best first, by the selection rules.

Knows the tables and the rules, and nothing of effect sizes: whether a figure suffices is for the effects to say.
"""

from __future__ import annotations

import re
from collections import defaultdict, namedtuple
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import pandas as pd

from acuevidence.evidence.load import Evidence
from acuevidence.evidence.rules import Rules

__all__ = ["Candidate", "Comparison", "candidates", "comparisons", "given"]

Row = Any  # a named tuple with a table's columns
Rows = dict[tuple[str, str], list[Row]]  # by condition and trial
_FIGURES = ("results", "contrasts", "directions")


@dataclass(frozen=True, slots=True)
class Comparison:
    """The treatment against one kind of comparator in one trial.

    Attributes
    ----------
    trial : Row
        The trial's row.
    comparator : str
        Its key in the topic.
    role : str
        The finer role of the comparator arms; empty where no arm is described.
    treated, control : dict of Row
        Arm name to arm.
    figures : dict
        ``results``, ``contrasts`` and ``directions`` of the trial, as rows.
    left_out : tuple of (str, str)
        Arms of the trial that are not used, with the reason.
    arms_in_trial : int
        Number of randomised arms, for an equal split of the participants.
    until : float or None
        Last week at which the comparator arms had not had the treatment themselves; None where they never had.
    treatment : str
        What is compared, in words.
    """

    trial: Row
    comparator: str
    role: str
    treated: dict[str, Row]
    control: dict[str, Row]
    figures: dict[str, list[Row]]
    left_out: tuple[tuple[str, str], ...]
    arms_in_trial: int
    until: float | None = None
    treatment: str = "the treatment"


@dataclass(frozen=True, slots=True)
class Candidate:
    """Figures of one outcome, instrument, week and kind of page.

    Attributes
    ----------
    outcome, measure, source_kind : str
        What was measured, with what, and the kind of page it was read on.
    week : float or None
        Week since randomisation; None where only words are printed.
    results, contrasts : list of Row
        Figures on that kind of page.
    spread : list of Row
        Contrasts of the same outcome, instrument and week on any page, from which a standard error may be borrowed.
    """

    outcome: str
    measure: str
    source_kind: str
    week: float | None
    results: list[Row]
    contrasts: list[Row]
    spread: list[Row]


def given(value: Any) -> bool:
    """Return whether a cell holds something."""
    return not pd.isna(value)


def comparisons(evidence: Evidence, conditions: Sequence[str], comparators: Sequence[str]) -> Iterator[Comparison]:
    """Yield every trial of the conditions that compares the treatment with a comparator, with or without figures."""
    tables = {name: _by_trial(getattr(evidence, name), conditions) for name in ("trials", "arms", *_FIGURES)}
    for condition in conditions:
        trials = [rows[0] for (of, _), rows in tables["trials"].items() if of == condition]
        for comparator, trial in product(comparators, trials):
            found = _compared(trial, comparator, tables, evidence.rules)
            if found is not None:
                yield found


def _compared(trial: Row, comparator: str, tables: dict[str, Rows], rules: Rules) -> Comparison | None:
    """Return the comparison of a trial with the comparator, or None where it makes none."""
    roles, key = rules.topic.comparators[comparator].roles, (trial.condition, trial.trial_id)
    arms = tables["arms"][key]
    figures = {name: tables[name][key] for name in _FIGURES}
    left_out = tuple(
        (rule["arm"], rule["reason"]) for rule in rules.arms_left_out if rule["trial_id"] == trial.trial_id
    )
    ours = rules.topic.treatment.roles
    treated = {a.arm: a for a in arms if a.role in ours and a.arm not in dict(left_out)}
    present = [r for r in roles if any(a.role == r for a in arms)]
    if not present:
        if not any(d.comparator in roles for d in figures["directions"]):
            return None
        figures |= {"results": [], "contrasts": []}
        return Comparison(trial, comparator, "", treated, {}, figures, left_out, 0)
    if not any(a.role in ours for a in arms):
        return None
    control = {a.arm: a for a in arms if a.role == present[0]}
    others = tuple((a.arm, f"compared by the arm in the role {present[0]}") for a in arms if a.role in present[1:])
    randomised = sum(not a.arm.endswith("_pooled") for a in arms)
    ends = [rule["after_week"] for rule in rules.treated_later
            if rule["trial_id"] == trial.trial_id and rule["arm"] in control]  # fmt: skip
    until = float(min(ends)) if ends else None
    return Comparison(
        trial, comparator, present[0], treated, control, figures, left_out + others, randomised, until,
        rules.topic.treatment.phrase,
    )


def candidates(
    comparison: Comparison, rules: Rules, outcome: str, timing: str, cautions: str, reasons: list[str]
) -> list[Candidate]:
    """Return the candidate figures of one outcome, best first, and append to ``reasons`` why others do not count."""
    groups: dict[tuple[Any, ...], dict[str, list[Row]]] = defaultdict(lambda: {"results": [], "contrasts": []})
    for name, row in _rows_between(comparison, outcome, rules):
        if cautions == "exclude" and (reason := caution(row, rules)):
            reasons.append(f"caution: {reason}")
            continue
        placed = _place(row, comparison.trial, rules.timings[timing], comparison.until, comparison.treatment)
        if isinstance(placed, str):
            reasons.append(placed)
            continue
        key = (rules.measure_rank(outcome, row.measure), placed, _rank(rules.sources, row.source_kind), _instrument(row),
               row.source_kind, float(row.week) if given(row.week) else None)  # fmt: skip
        groups[key][name].append(row)
    ordered = sorted(groups.items(), key=lambda item: item[0][:4])
    found = []
    for (_, placed, _, instrument, source_kind, week), rows in ordered:
        spread = [
            row
            for (_, near, _, same, *_), others in ordered
            if same == instrument and near == placed
            for row in others["contrasts"]
        ]
        measure = (rows["results"] or rows["contrasts"])[0].measure
        found.append(Candidate(outcome, measure, source_kind, week, rows["results"], rows["contrasts"], spread))
    return found


def caution(row: Row, rules: Any) -> str:
    """Return why a row is not used by default, or an empty string."""
    if given(row.caution):
        return str(row.caution)
    for rule in rules.sensitivity_sources:
        if rule["page"] in row.source_url and rule["effect_type"] == getattr(row, "effect_type", None):
            return str(rule["reason"])
    return ""


def _rows_between(comparison: Comparison, outcome: str, rules: Any) -> Iterator[tuple[str, Row]]:
    ours, theirs = comparison.treated, comparison.control
    for row in comparison.figures["results"]:
        if (row.arm in ours or row.arm in theirs) and rules.outcome_of(row) == outcome:
            yield "results", row
    for row in comparison.figures["contrasts"]:
        if row.arm in ours and row.comparator_arm in theirs and rules.outcome_of(row) == outcome:
            yield "contrasts", row


def _place(row: Row, trial: Row, window: Any, until: float | None, treatment: str) -> float | str:
    """Return the distance of a row from the window's target in weeks, or why it is not in the window."""
    course = float(trial.treatment_weeks) if given(trial.treatment_weeks) else None
    if until is not None:
        if not given(row.week) or row.week > until:
            return f"the comparator had {treatment} itself after week {until:g}"
        course = min(course, until) if course is not None else None
    if not given(row.week):
        if row.timing in window.words:
            return 0.0
        if row.timing == "end_of_treatment" and course is not None:
            week = course
        else:
            return "week not printed" + (
                "" if row.timing == "not_printed" else f" ({str(row.timing).replace('_', ' ')})"
            )
    else:
        week = float(row.week)
        if week == 0 and course != 0:
            return "only baseline or immediate figures (week 0) printed"
    printed = f"{week:g}"
    if window.after_course:
        if course is None:
            return f"length of the course not printed, so week {printed} cannot be placed against its end"
        week -= course
    if not window.low <= week <= window.high:
        return f"week {printed} is outside the window" + (
            f" (course of {course:g} weeks)" if window.after_course else ""
        )
    return abs(week - window.target)


def _instrument(row: Row) -> str:
    return re.split(r"[,(;]", row.measure)[0].strip().casefold()


def _rank(order: tuple[str, ...], name: str) -> int:
    return order.index(name) if name in order else len(order)


def _by_trial(table: pd.DataFrame, conditions: Sequence[str]) -> Rows:
    """Return the rows of the conditions by condition and trial."""
    part = table[table["condition"].isin(list(conditions))]
    rows: Rows = defaultdict(list)
    # Column by column: going through a wide frame of mixed types by rows costs several times as much.
    made = namedtuple("Row", list(table.columns))  # type: ignore[misc]
    row: Row
    for row in map(made._make, zip(*(part[name].tolist() for name in table.columns), strict=True)):
        rows[row.condition, row.trial_id].append(row)
    return rows
