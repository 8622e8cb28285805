"""Which figures may stand for a trial against a comparator, best first, by the selection rules.

Knows the tables and the rules, and nothing of effect sizes: whether a figure suffices is for the effects to say.
"""

from __future__ import annotations

import math
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product
from typing import Any

import pandas as pd

from acuevidence.evidence.carried import ONE_SESSION, PART_OF
from acuevidence.evidence.design import Design, design_of
from acuevidence.evidence.load import Evidence
from acuevidence.evidence.rules import Choice, Rules, Window

__all__ = ["Candidate", "Comparison", "Moment", "candidates", "caution", "comparisons", "given", "is_change"]

Row = Any  # a named tuple with a table's columns
Rows = Mapping[tuple[str, str], Sequence[Row]]  # by condition and trial
_FIGURES = ("results", "contrasts", "directions", "design")
_CHANGE = re.compile("change|decrease|reduction", re.IGNORECASE)
_COUNTED = ("odds_ratio", "risk_ratio", "risk_difference")
_FIRST_WEEK = 1.0  # figures of an earlier week are those of baseline or of the day of treatment


@dataclass(frozen=True, slots=True)
class Comparison:
    """What is tested against one kind of comparator in one trial.

    Attributes
    ----------
    trial : Row
        The trial's row.
    comparator : str
        As in the rules.
    role : str
        The finer role of the comparator arms; empty where no arm is described.
    treated, control : dict of Row
        Arm name to arm.
    figures : dict
        ``results``, ``contrasts``, ``directions`` and ``design`` of the trial, as rows.
    left_out : tuple of (str, str)
        Arms of the trial that are not used, with the reason.
    arms : tuple of Row
        The randomised arms of the trial, in the order of the table.
    design : Design
        Facts on how the trial was designed.
    course : float or None
        Length of the course in weeks, or when the comparator was treated where that was earlier; None where not printed.
    until : float
        Last week at which the comparator arms had not had the treatment themselves; infinite where they never had.
    treatment : str
        What is compared, in words.
    """

    trial: Row
    comparator: str
    role: str
    treated: dict[str, Row]
    control: dict[str, Row]
    figures: dict[str, Sequence[Row]]
    left_out: tuple[tuple[str, str], ...]
    arms: tuple[Row, ...] = ()
    design: Design = field(default_factory=Design)
    course: float | None = None
    until: float = math.inf
    treatment: str = "the treatment"


@dataclass(frozen=True, slots=True)
class Moment:
    """All figures of one outcome, instrument and week, on any page.

    Attributes
    ----------
    week : float
        Weeks since randomisation.
    results, contrasts : tuple of Row
        Figures of the arms, and of the contrasts between them.
    """

    week: float
    results: tuple[Row, ...]
    contrasts: tuple[Row, ...]


@dataclass(frozen=True, slots=True)
class Candidate:
    """Figures of one outcome, instrument, week, kind, page and level.

    Attributes
    ----------
    outcome, measure, source_kind : str
        What was measured, with what, and the kind of page it was read on.
    kind : str
        ``adjusted``, ``final``, ``change`` or ``count``.
    level : str
        ``arms`` or ``contrast``.
    week : float or None
        Week since randomisation; None where only words are printed.
    late, course_assumed, primary : bool
        Whether the figure is taken from after the window, whether the course is not printed and was assumed, and whether it is
        the declared primary endpoint.
    rows : tuple of Row
        The figures.
    here : Moment
        All figures of the same outcome, instrument and week, from which a spread or a standard error may be taken.
    elsewhere : tuple of Moment
        Those of the other weeks after baseline, the nearest first.
    """

    outcome: str
    measure: str
    source_kind: str
    kind: str
    level: str
    week: float | None
    late: bool
    course_assumed: bool
    primary: bool
    rows: tuple[Row, ...]
    here: Moment
    elsewhere: tuple[Moment, ...]


@dataclass(frozen=True, slots=True)
class _Placed:
    """Where a row of figures stands in time: its week, its distance from the target, and what was assumed for it."""

    week: float
    distance: float
    late: bool = False
    assumed: bool = False


def given(value: Any) -> bool:
    """Return whether a cell holds something."""
    return isinstance(value, str) or not pd.isna(value)


def is_change(row: Row) -> bool:
    """Return whether the name of an instrument says that its figure is a change from baseline."""
    return bool(_CHANGE.search(row.measure))


def comparisons(evidence: Evidence, conditions: Sequence[str], comparators: Sequence[str]) -> Iterator[Comparison]:
    """Yield every trial of the conditions that makes a comparison with a comparator, with or without figures."""
    tables = {name: evidence.rows(name) for name in ("trials", "arms", *_FIGURES)}
    for condition in conditions:
        trials = [rows[0] for (of, _), rows in tables["trials"].items() if of == condition]
        for comparator, trial in product(comparators, trials):
            found = _compared(trial, comparator, tables, evidence.rules)
            if found is not None:
                yield found


def _compared(trial: Row, comparator: str, tables: Mapping[str, Rows], rules: Rules) -> Comparison | None:
    """Return the comparison of a trial with the comparator, or None where it makes none."""
    roles, ours, key = rules.roles(comparator), rules.treated_roles(), (trial.condition, trial.trial_id)
    arms = tables["arms"].get(key, ())
    figures = {name: tables[name].get(key, ()) for name in _FIGURES}
    left_out = tuple((r["arm"], r["reason"]) for r in rules.arms_left_out if r["trial_id"] == trial.trial_id)
    treated = {a.arm: a for a in arms if a.role in ours and a.arm not in dict(left_out)}
    present = [r for r in roles if any(a.role == r for a in arms)]
    if not present:
        if not any(d.comparator in roles for d in figures["directions"]):
            return None
        return Comparison(trial, comparator, "", treated, {}, {**figures, "results": [], "contrasts": []}, left_out)
    if not any(a.role in ours for a in arms):
        return None
    control = {a.arm: a for a in arms if a.role == present[0]}
    left_out += tuple((a.arm, f"compared by the arm in the role {present[0]}") for a in arms if a.role in present[1:])
    randomised = tuple(a for a in arms if not a.arm.endswith("_pooled"))
    design = design_of(figures["design"])
    course, until = _course(trial, design, control, present[0], rules)
    return Comparison(
        trial,
        comparator,
        present[0],
        treated,
        control,
        figures,
        left_out,
        randomised,
        design,
        course,
        until,
        rules.topic.treatment.phrase,
    )


def _course(trial: Row, design: Design, control: Mapping[str, Row], role: str, rules: Rules) -> tuple[float | None, float]:
    """Return the length of the course, and the last week at which the comparator had not had the treatment itself."""
    course = float(trial.treatment_weeks) if given(trial.treatment_weeks) else design.course
    said = [design.treated_after[arm] for arm in control if arm in design.treated_after]
    if said:
        until = min(said)
        return (min(course, until) if course is not None else None), until
    if role in rules.untreated.get("roles", ()):
        return course, (rules.course if course is None else course) + float(rules.untreated["weeks"])
    return course, math.inf


def candidates(
    comparison: Comparison,
    rules: Rules,
    choices: Sequence[Choice],
    timing: str,
    cautions: str,
    reasons: list[str],
    *,
    primary: bool = False,
) -> list[Candidate]:
    """Return the candidate figures of some outcomes, best first, and append to ``reasons`` why others do not count.

    With ``primary`` those of the declared primary endpoint alone, whatever the window.
    """
    if why := _never(comparison):
        reasons.append(why)
        return []
    window, groups = rules.timings[timing], defaultdict[tuple[Any, ...], list[Row]](list)
    usable = list(_usable(comparison, rules, cautions, reasons))
    moments = _moments(usable, comparison, rules, window)
    for level, row in usable:
        outcome = rules.outcome_of(row)
        chosen = next((i for i, c in enumerate(choices) if c.holds(outcome, row.measure)), None)
        declared = bool({outcome, str(row.outcome)} & set(comparison.design.primary))
        if primary and declared and chosen is None:
            chosen = len(choices)
        if chosen is None or (primary and not declared):
            continue
        placed = _place(row, comparison, window, rules, primary)
        if isinstance(placed, str):
            reasons.append(placed)
            continue
        of_week = moments[outcome, _instrument(row)][placed.week]
        kind = _kind(row, of_week)
        order = {name: rank for rank, name in enumerate(rules.statistics)}
        levels = ("contrast", "arms") if kind == "adjusted" else rules.levels
        key = (
            placed.late,
            chosen,
            placed.distance,
            -placed.week,
            rules.measure_rank(outcome, row.measure),
            order.get(kind, 0),
            _rank(rules.sources, row.source_kind),
            levels.index(level),
            _instrument(row),
            outcome,
            kind,
            level,
            row.source_kind,
            placed.week,
            placed.assumed,
            declared,
        )
        groups[key].append(row)
    return [_candidate(key, rows, moments, comparison, rules) for key, rows in sorted(groups.items(), key=lambda item: item[0][:9])]


def _candidate(
    key: tuple[Any, ...],
    rows: list[Row],
    moments: Mapping[tuple[str, str], Mapping[float, Moment]],
    comparison: Comparison,
    rules: Rules,
) -> Candidate:
    late, instrument, (outcome, kind, level, source_kind, week, assumed, declared) = key[0], key[8], key[9:]
    same = moments[outcome, instrument]
    others = sorted(
        (m for m in same.values() if m.week != week and m.week >= _FIRST_WEEK), key=lambda m: (abs(m.week - week), -m.week)
    )
    design = comparison.design
    near = design.primary_week is None or abs(week - design.primary_week) <= rules.within_primary
    printed = next((float(row.week) for row in rows if given(row.week)), None)
    return Candidate(
        outcome,
        rows[0].measure,
        source_kind,
        kind,
        level,
        printed,
        late,
        assumed,
        declared and near,
        tuple(rows),
        same[week],
        tuple(others),
    )


def caution(row: Row, rules: Any) -> str:
    """Return why a row is not used by default, or an empty string."""
    if given(row.caution):
        return str(row.caution)
    for rule in rules.sensitivity_sources:
        if rule["page"] in row.source_url and rule["effect_type"] == getattr(row, "effect_type", None):
            return str(rule["reason"])
    return ""


def _never(comparison: Comparison) -> str:
    """Return why no figure of the trial enters, or an empty string."""
    trial = comparison.trial
    if given(trial.part_of):
        return f"{PART_OF}{trial.part_of}"
    if (given(trial.treatment_weeks) and trial.treatment_weeks == 0) or str(getattr(trial, "sessions", "")) == "1":
        return ONE_SESSION
    return ""


def _usable(comparison: Comparison, rules: Rules, cautions: str, reasons: list[str]) -> Iterator[tuple[str, Row]]:
    """Yield the rows between the arms compared that may be used, with their level."""
    ours, theirs = comparison.treated, comparison.control
    rows = [("arms", r) for r in comparison.figures["results"] if r.arm in ours or r.arm in theirs]
    rows += [("contrast", r) for r in comparison.figures["contrasts"] if r.arm in ours and r.comparator_arm in theirs]
    for level, row in rows:
        if cautions == "exclude" and (reason := caution(row, rules)):
            reasons.append(f"caution: {reason}")
        elif given(row.responder) and rules.responders and row.responder not in rules.responders:
            reasons.append(f"a response of another kind ({row.responder})")
        else:
            yield level, row


def _place(row: Row, comparison: Comparison, window: Window, rules: Rules, primary: bool) -> _Placed | str:
    """Return where a row stands in time, or why it does not count."""
    course = rules.course if comparison.course is None else comparison.course
    week = _week(row, course, rules, window)
    if isinstance(week, str):
        return week
    if week < _FIRST_WEEK:
        return "only figures of baseline or of the day of treatment"
    if week > comparison.until:
        return f"the comparator had {comparison.treatment} itself after week {comparison.until:g}"
    unknown = comparison.course is None
    if primary:
        declared = comparison.design.primary_week
        if declared is not None and abs(week - declared) > rules.within_primary:
            return f"week {week:g} is not that of the primary endpoint (week {declared:g})"
        return _Placed(week, 0.0 if declared is None else abs(week - declared), assumed=unknown and not given(row.week))
    if window.late is not None:
        return _around_the_end(week, course, unknown and given(row.week), window, rules)
    if window.after_course and unknown and given(row.week):
        return f"length of the course not printed, so week {week:g} cannot be placed against its end"
    at = week - course if window.after_course else week
    if row.timing in window.words and not given(row.week):
        at = window.target
    if not window.low <= at <= window.high or (window.above and at == window.low):
        return f"week {week:g} is outside the window" + (f" (course of {course:g} weeks)" if window.after_course else "")
    return _Placed(week, abs(at - window.target), assumed=unknown and not given(row.week))


def _around_the_end(week: float, course: float, assumed: bool, window: Window, rules: Rules) -> _Placed | str:
    """Return the place of a week in a window around the end of the course, which is open downwards where the course is assumed."""
    if not assumed and week < course + window.low:
        return f"week {week:g} is before the end of the course ({course:g} weeks)"
    if week > (window.late or 0):
        return f"week {week:g} is later than week {window.late:g}"
    return _Placed(week, abs(week - course - window.target), late=week > window.high + rules.rounding, assumed=assumed)


def _week(row: Row, course: float, rules: Rules, window: Window) -> float | str:
    """Return the week of a row since randomisation, or that it cannot be placed."""
    if given(row.week):
        return float(row.week)
    if row.timing in rules.words:
        return course + rules.words[row.timing]
    if row.timing in window.words:
        return course
    return "week not printed"


def _kind(row: Row, of_week: Moment) -> str:
    """Return what a row of figures is: an adjusted difference, final values, changes, or counts of responders.

    A contrast that does not say is of what the arms print at that week: of changes where they print changes alone.
    """
    statistic = getattr(row, "statistic", None)
    if statistic is not None:
        return {"adjusted_final": "adjusted"}.get(statistic, str(statistic))
    if row.effect_type in _COUNTED:
        return "count"
    if row.effect_type == "adjusted_mean_difference":
        return "adjusted"
    printed = {r.statistic for r in of_week.results}
    return "change" if is_change(row) or ("change" in printed and "final" not in printed) else "final"


def _moments(
    usable: Sequence[tuple[str, Row]], comparison: Comparison, rules: Rules, window: Window
) -> dict[tuple[str, str], dict[float, Moment]]:
    """Return the figures of each outcome and instrument by week."""
    course = rules.course if comparison.course is None else comparison.course
    found: dict[tuple[str, str], dict[float, dict[str, list[Row]]]] = defaultdict(dict)
    for level, row in usable:
        week = _week(row, course, rules, window)
        if not isinstance(week, str):
            of_week = found[rules.outcome_of(row), _instrument(row)].setdefault(week, {"arms": [], "contrast": []})
            of_week[level].append(row)
    return {
        key: {week: Moment(week, tuple(rows["arms"]), tuple(rows["contrast"])) for week, rows in weeks.items()}
        for key, weeks in found.items()
    }


def _instrument(row: Row) -> str:
    return re.split(r"[,(;]", row.measure)[0].strip().casefold()


def _rank(order: tuple[str, ...], name: str) -> int:
    return order.index(name) if name in order else len(order)
