"""How the effect changes with the weeks from the end of the course: the pool of every period, and changes within trials.

Reads every printed week of a trial. Periods rest on different trials; only trials that print two of them tell of a change.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from acuevidence.appraisal.headline import headline
from acuevidence.arguments import guard
from acuevidence.effects.trials import checked, effects_of, trial_effects
from acuevidence.errors import InputError
from acuevidence.evidence import Evidence, Window, load_evidence
from acuevidence.evidence.carried import carry, joined
from acuevidence.evidence.select import Comparison, comparisons
from acuevidence.later import Later
from acuevidence.shown import Shown
from acuevidence.synthesis import MetaAnalysis, meta_analysis
from acuevidence.topic import topic_of

if TYPE_CHECKING:
    from acuevidence.plots.questions.time_course import time_course as _draw
else:
    _draw = Later("acuevidence.plots.questions.time_course", "time_course")

__all__ = ["PERIODS", "TimeCourse", "effects_by_week", "time_course"]

# Periods of weeks from the end of the course: name to first week, the week before which it ends, and the week preferred in it.
PERIODS = {
    "during the course": (-np.inf, -1.0, -1000.0),
    "end of the course": (-1.0, 5.0, 0.0),
    "1 to 3 months after": (5.0, 13.0, 8.0),
    "half a year after": (13.0, 40.0, 26.0),
    "a year after": (40.0, 61.0, 52.0),
    "later": (61.0, np.inf, 104.0),
}
_NUMBERS = ["estimate", "se", "df", "ci_low", "ci_high", "p_value"]


@dataclass(frozen=True, slots=True, kw_only=True, repr=False, eq=False)
class TimeCourse(Shown):
    """Effects by period, and their change within trials.

    Attributes
    ----------
    periods : DataFrame
        One row per comparator and period: ``k`` trials, the headline's ``estimate ci_low ci_high method`` (SMD, positive favours the
        treatment; missing where two trials are not pooled).
    changes : DataFrame
        One row per comparator and pair of periods, ``later`` minus ``earlier``: ``k`` trials that print both on one instrument,
        ``estimate se df ci_low ci_high p_value`` (cluster-robust, trials as clusters; missing below two trials). Positive: the effect
        grows.
    effects : DataFrame
        The rows that are pooled, one a trial, comparator and period, with ``after``: weeks from the end of the course.
    weeks : DataFrame
        The weeks of trials followed on one outcome and instrument, with ``after`` and the ``period`` that they fall in.
    results : mapping
        (comparator, period) to the MetaAnalysis behind a row of ``periods``.
    correlation : float
        Assumed correlation of the same patients' scores at two weeks.
    level : float
        Level of the intervals.
    """

    periods: pd.DataFrame
    changes: pd.DataFrame
    effects: pd.DataFrame = field(repr=False)
    weeks: pd.DataFrame = field(repr=False)
    results: dict[tuple[str, str], MetaAnalysis] = field(repr=False)
    correlation: float
    level: float

    def to_frame(self) -> pd.DataFrame:
        """Return the effect by comparator and period, a copy."""
        return self.periods.copy()

    def _sentences(self) -> list[str]:
        topic = topic_of(self.effects)
        lines = [f"Effect by weeks from the end of the course (SMD; correlation of weeks {self.correlation:g} assumed for changes)"]
        for comparator, rows in self.periods.groupby("comparator", sort=False):
            lines.append(f"against {topic.comparator(str(comparator)).phrase}:")
            lines += [
                f"  {r.period}: "
                + (r.method if np.isnan(r.estimate) else f"{r.estimate:.2f} ({r.ci_low:.2f} to {r.ci_high:.2f})")
                + f", k = {r.k}"
                for r in rows.itertuples()
            ]
            changes = self.changes[(self.changes["comparator"] == comparator) & self.changes["estimate"].notna()]
            lines += [
                f"  {r.later} minus {r.earlier}: {r.estimate:.2f} ({r.ci_low:.2f} to {r.ci_high:.2f}), {r.k} trials print both"
                for r in changes.itertuples()
            ]
        return lines

    plot = _draw

    def _page_table(self) -> pd.DataFrame:
        return self.periods.round(2)


def time_course(
    condition: str | None = None,
    comparator: str | None = None,
    *,
    correlation: float = 0.6,
    level: float = 0.95,
    evidence: Evidence | None = None,
    **selection: Any,
) -> TimeCourse:
    """Follow the effect over the weeks from the end of the course.

    Parameters
    ----------
    condition : str, optional
        One of :func:`acuevidence.conditions`. Default: all together.
    comparator : str, optional
        One of the evidence's comparators. Default: all, each by itself.
    correlation : float
        Assumed correlation of the same patients' scores at two weeks, at least 0 and below 1.
    level : float
        Level of the intervals.
    evidence : Evidence, default the package's
    **selection
        ``outcome`` and ``cautions`` of :func:`acuevidence.trial_effects`.

    Returns
    -------
    TimeCourse

    Raises
    ------
    InputError
        For an unknown choice, or when no comparator has three trials in a period.

    Notes
    -----
    A period is the plain pool of its trials, each with the week closest to the one preferred in it (during the course: the
    earliest), selected and pooled as every effect (REML, HKSJ never narrower than Wald; the headline is shown). Periods are half-open
    and count from the end of the course; trials whose course is not printed cannot be placed. Periods rest on different trials, so
    that their difference is no course. A change is pooled from trials that print both periods on one outcome and instrument; the
    sampling errors of two weeks covary by ``correlation``, and the interval is cluster-robust (CR2, trials as clusters).

    Examples
    --------
    >>> import acuevidence as ae
    >>> course = ae.questions.time_course("knee_osteoarthritis", "sham")
    >>> course.periods["comparator"].unique().tolist()
    ['sham']
    """
    if not 0 <= correlation < 1:
        raise InputError(f"correlation must be at least 0 and below 1, not {correlation}")
    evidence = load_evidence() if evidence is None else evidence
    weeks = effects_by_week(condition, comparator, evidence=evidence, **selection)
    effects = _by_period(condition, comparator, evidence, selection, weeks.attrs["courses"])
    results = {
        (str(against), str(period)): meta_analysis("yi", "vi", data=rows, labels="study", level=level)
        for (against, period), rows in effects.groupby(["comparator", "period"], sort=False, observed=True)
    }
    if max((one.k for one in results.values()), default=0) < 3:
        raise InputError(f"condition={condition!r}: no comparator has three trials in a period of which the course is printed")
    periods = [_period(key, one, evidence) for key, one in results.items()]
    bare = weeks.copy()
    bare.attrs = {}  # pandas copies what a table carries in every step
    changes = [
        _change(rows, str(against), pair, correlation, level)
        for against, rows in bare.groupby("comparator", sort=False)
        for pair in combinations([name for name in PERIODS if (rows["period"] == name).any()], 2)
    ]
    return TimeCourse(
        periods=pd.DataFrame(periods, columns=["comparator", "period", "k", "estimate", "ci_low", "ci_high", "method"]),
        changes=pd.DataFrame(changes, columns=["comparator", "earlier", "later", "k", *_NUMBERS]),
        effects=effects,
        weeks=weeks,
        results=results,
        correlation=correlation,
        level=level,
    )


def effects_by_week(
    condition: str | None = None, comparator: str | None = None, *, evidence: Evidence | None = None, **selection: Any
) -> pd.DataFrame:
    """Return the effect of every printed week after randomisation, one outcome and instrument a trial.

    Parameters
    ----------
    condition, comparator, evidence, selection
        As in :func:`time_course`.

    Returns
    -------
    DataFrame
        Rows of :func:`acuevidence.trial_effects` with ``week`` filled, ``after``, the weeks from the end of the course (missing
        where its length is not printed), and the ``period`` it falls in.
    """
    if {"timing", "measure"} & set(selection):
        raise InputError("the time course takes every week as SMDs; leave timing and measure out")
    evidence = load_evidence() if evidence is None else evidence
    rules = replace(evidence.rules, timings={**evidence.rules.timings, "week": Window(0, np.inf, 0)})
    asked = {"timing": "week", "measure": "SMD", "outcome": None, "cautions": "exclude", **selection}
    wanted, comparators = checked(evidence.changed(rules=rules), condition, comparator, **asked)
    compared = list(comparisons(evidence, wanted, comparators))
    rows = effects_of(_by_week(compared), rules, **asked)
    carry(rows, evidence=evidence)
    key = [rows[c] for c in ("trial_id", "comparator", "outcome", "instrument")]
    count = rows.groupby(key)["yi"].transform("size")
    most = rows.assign(count=count).sort_values("count", ascending=False, kind="stable")
    chosen = most.drop_duplicates(["trial_id", "comparator"])[["trial_id", "comparator", "outcome", "instrument"]]
    attrs = rows.attrs
    kept = rows.merge(chosen, on=list(chosen.columns)).sort_values(["comparator", "trial_id", "week"], ignore_index=True)
    courses = {(one.trial.trial_id, one.comparator): np.nan if one.course is None else one.course for one in compared}
    kept.attrs = {**attrs, "courses": courses}
    kept["after"] = _after(kept, courses)
    starts = [*(low for low, _, _ in PERIODS.values()), np.inf]
    kept["period"] = pd.cut(kept["after"], starts, labels=list(PERIODS), right=False)
    return kept


def _after(rows: pd.DataFrame, courses: dict[tuple[str, str], float]) -> np.ndarray:
    """Return the weeks of rows from the end of the trial's course."""
    ends = [courses[key] for key in zip(rows["trial_id"], rows["comparator"], strict=True)]
    return rows["week"].astype(float).to_numpy() - np.array(ends, dtype=float)


def _by_week(compared: Iterable[Comparison]) -> Iterator[Comparison]:
    """Yield each comparison once for every week after randomisation for which it has figures, with those alone."""
    for comparison in compared:
        printed = {name: comparison.figures[name] for name in ("results", "contrasts")}
        weeks = {row.week for rows in printed.values() for row in rows if row.week > 0}
        for week in sorted(weeks):
            of_week = {name: [row for row in rows if row.week == week] for name, rows in printed.items()}
            yield replace(comparison, figures={**comparison.figures, **of_week})


def _by_period(
    condition: str | None,
    comparator: str | None,
    evidence: Evidence,
    selection: dict[str, Any],
    courses: dict[tuple[str, str], float],
) -> pd.DataFrame:
    """Return one row a trial, comparator and period: the week closest to the one preferred, chosen as every effect is."""
    windows = {
        name: Window(low, float(np.nextafter(end, low)), target, after_course=True) for name, (low, end, target) in PERIODS.items()
    }
    timed = evidence.changed(rules=replace(evidence.rules, timings={**evidence.rules.timings, **windows}))
    parts = []
    for name in windows:
        rows = trial_effects(condition, comparator=comparator, timing=name, evidence=timed, **selection)
        attrs = rows.attrs
        after = _after(rows, courses)  # words such as "end of treatment" stand for the week preferred
        parts.append(rows.assign(period=name, after=np.where(np.isnan(after), PERIODS[name][2], after)))
        parts[-1].attrs = {**attrs, "evidence": evidence}
    found = joined(parts)
    found["period"] = pd.Categorical(found["period"], list(PERIODS))
    attrs = found.attrs
    found = found.sort_values(["comparator", "period"], kind="stable", ignore_index=True)
    found.attrs = attrs
    return found


def _period(key: tuple[str, str], result: MetaAnalysis, evidence: Evidence) -> dict[str, Any]:
    head = headline(result, evidence=evidence)
    shown = {name: np.nan if (value := getattr(head, name)) is None else value for name in ("estimate", "ci_low", "ci_high")}
    return {"comparator": key[0], "period": key[1], "k": result.k, **shown, "method": head.method}


def _change(rows: pd.DataFrame, comparator: str, pair: tuple[str, str], correlation: float, level: float) -> dict[str, Any]:
    """Return how the effect changes from one period to a later one in the trials that print both on one instrument."""
    sides = []
    for name in pair:
        of_period = rows[rows["period"] == name]
        distance = (of_period["after"] - PERIODS[name][2]).abs()
        chosen = of_period.assign(distance=distance).sort_values("distance", kind="stable").drop_duplicates("trial_id")
        sides.append(chosen.set_index("trial_id")[["yi", "vi"]].astype(float))
    both = pd.concat([side.add_suffix(f"{i}") for i, side in enumerate(sides, 1)], axis=1, join="inner")
    found: dict[str, Any] = {"comparator": comparator, "earlier": pair[0], "later": pair[1], "k": len(both)}
    if len(both) < 2:
        return found | dict.fromkeys(_NUMBERS, np.nan)
    yi = (both["yi2"] - both["yi1"]).to_numpy()
    vi = (both["vi1"] + both["vi2"] - 2 * correlation * np.sqrt(both["vi1"] * both["vi2"])).to_numpy()
    pool = meta_analysis(yi, vi, level=level)
    # Trials that agree to the digit leave nothing between clusters to be robust against.
    fitted = pool if np.ptp(yi) < 1e-9 * np.sqrt(vi.max()) else pool.robust(np.arange(len(yi)))
    return found | {name: float(fitted.coefficients[name].iloc[0]) for name in _NUMBERS}


guard(__name__, "time_course", "effects_by_week")
