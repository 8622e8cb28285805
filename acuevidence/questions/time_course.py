"""How the effect changes with the weeks since randomisation, within the same trials.

Reads every printed week of a trial, gives repeated measurements of the same patients their covariance, and compares periods.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from acuevidence.arguments import guard
from acuevidence.effects.trials import checked, effects_of
from acuevidence.errors import InputError
from acuevidence.evidence import Evidence, Window, load_evidence
from acuevidence.evidence.carried import carry
from acuevidence.evidence.select import Comparison, comparisons
from acuevidence.later import Later
from acuevidence.questions.shared_arms import shared_patients_covariance
from acuevidence.shown import Shown
from acuevidence.synthesis.coefficients import contrast
from acuevidence.synthesis.multilevel import MultilevelMetaAnalysis, multilevel

if TYPE_CHECKING:
    from acuevidence.plots.questions.time_course import time_course as _draw
else:
    _draw = Later("acuevidence.plots.questions.time_course", "time_course")

__all__ = ["PERIODS", "TimeCourse", "effects_by_week", "time_course"]

# Periods of weeks since randomisation: name to first week; each ends where the next begins.
PERIODS = {"weeks 1-3": 0.0, "weeks 4-12": 3.5, "weeks 13-25": 12.5, "weeks 26-51": 25.5, "week 52 on": 51.5}


@dataclass(frozen=True, slots=True, kw_only=True, repr=False, eq=False)
class TimeCourse(Shown):
    """Effects by period, and their change within trials.

    Attributes
    ----------
    periods : DataFrame
        One row per comparator and period: ``k`` trials, ``effects``, ``estimate se ci_low ci_high`` (SMD, positive favours
        acupuncture), from one model in which trials that print several weeks link the periods.
    changes : DataFrame
        One row per comparator and pair of periods, ``later`` minus ``earlier``: ``k`` trials that print both, ``estimate se df
        ci_low ci_high p_value``. Positive: the effect grows. With ``k`` of 0 the change lies wholly between trials.
    effects : DataFrame
        The trials' rows, one per comparator and week, with their ``period``.
    models : dict of MultilevelMetaAnalysis
        The model of each comparator.
    correlation : float
        Assumed correlation of the same patients' scores at two weeks.
    level : float
        Level of the intervals.
    """

    periods: pd.DataFrame
    changes: pd.DataFrame
    effects: pd.DataFrame = field(repr=False)
    models: dict[str, MultilevelMetaAnalysis] = field(repr=False)
    correlation: float
    level: float

    def to_frame(self) -> pd.DataFrame:
        """Return the effect by comparator and period, a copy."""
        return self.periods.copy()

    def _sentences(self) -> list[str]:
        lines = [f"Effect by weeks since randomisation (SMD, correlation of weeks {self.correlation:g} assumed)"]
        for comparator, rows in self.periods.groupby("comparator", sort=False):
            lines.append(f"against {str(comparator).replace('_', ' ')}:")
            lines += [f"  {r.period}: {r.estimate:.2f} ({r.ci_low:.2f} to {r.ci_high:.2f}), k = {r.k}" for r in rows.itertuples()]
            changes = self.changes[self.changes["comparator"] == comparator]
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
    """Follow the effect over the weeks since randomisation.

    Parameters
    ----------
    condition : str, optional
        One of :func:`acuevidence.conditions`. Default: all together.
    comparator : {"sham", "usual_care"}, optional
        Default: both, each in a model of its own.
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
        For an unknown choice, or when no comparator has three trials with a printed week.

    Notes
    -----
    Within each trial one outcome and one instrument are followed, those printed at most weeks. A multilevel model (REML,
    random trials and weeks within trials) holds a mean for every period; sampling errors of a trial's weeks covary as
    :func:`acuevidence.vcalc` says for repeated measurements. Periods are compared through trials that print several weeks,
    and between trials where few do.

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
    effects = effects_by_week(condition, comparator, evidence=evidence, **selection)
    models = {
        name: _model(rows, correlation, level)
        for name, rows in effects.groupby("comparator", sort=False)
        if rows["trial_id"].nunique() >= 3 and rows["trial_id"].nunique() < len(rows)
    }
    if not models:
        raise InputError(
            f"condition={condition!r}: no comparator has three trials, one of them printing several weeks, to follow an effect"
        )
    return TimeCourse(
        periods=pd.concat([_periods(name, model, effects) for name, model in models.items()], ignore_index=True),
        changes=pd.concat([_changes(name, model, effects) for name, model in models.items()], ignore_index=True),
        effects=effects,
        models=models,
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
        Rows of :func:`acuevidence.trial_effects` with ``week`` filled and the ``period`` it falls in.
    """
    if {"timing", "measure"} & set(selection):
        raise InputError("the time course takes every week as SMDs; leave timing and measure out")
    evidence = load_evidence() if evidence is None else evidence
    rules = replace(evidence.rules, timings={**evidence.rules.timings, "week": Window(0, np.inf, 0)})
    asked = {"timing": "week", "measure": "SMD", "outcome": None, "cautions": "exclude", **selection}
    wanted, comparators = checked(evidence.changed(rules=rules), condition, comparator, **asked)
    rows = effects_of(_by_week(comparisons(evidence, wanted, comparators)), rules, **asked)
    carry(rows, evidence=evidence)
    key = [rows[c] for c in ("trial_id", "comparator", "outcome", "instrument")]
    count = rows.groupby(key)["yi"].transform("size")
    most = rows.assign(count=count).sort_values("count", ascending=False, kind="stable")
    chosen = most.drop_duplicates(["trial_id", "comparator"])[["trial_id", "comparator", "outcome", "instrument"]]
    kept = rows.merge(chosen, on=list(chosen.columns))
    starts = [*PERIODS.values(), np.inf]
    kept["period"] = pd.cut(kept["week"], starts, labels=list(PERIODS), right=False)
    return kept.sort_values(["comparator", "trial_id", "week"], ignore_index=True)


def _by_week(compared: Iterable[Comparison]) -> Iterator[Comparison]:
    """Yield each comparison once for every week after randomisation for which it has figures, with those alone."""
    for comparison in compared:
        printed = {name: comparison.figures[name] for name in ("results", "contrasts")}
        weeks = {row.week for rows in printed.values() for row in rows if row.week > 0}
        for week in sorted(weeks):
            of_week = {name: [row for row in rows if row.week == week] for name, rows in printed.items()}
            yield replace(comparison, figures={**comparison.figures, **of_week})


def _model(rows: pd.DataFrame, correlation: float, level: float) -> MultilevelMetaAnalysis:
    rows = rows.reset_index(drop=True).assign(row=lambda frame: frame.index)
    V = shared_patients_covariance(rows, "week", correlation)
    present = [name for name in PERIODS if (rows["period"] == name).any()]
    dummies = {f"p{i}": (rows["period"] == name).astype(float) for i, name in enumerate(present)}
    formula = "~ 0 + " + " + ".join(dummies)
    return multilevel("yi", V, data=rows.assign(**dummies), random="trial_id/row", moderators=formula, level=level)


def _present(comparator: str, effects: pd.DataFrame) -> tuple[pd.DataFrame, list[str]]:
    rows = effects[effects["comparator"] == comparator]
    return rows, [name for name in PERIODS if (rows["period"] == name).any()]


def _periods(comparator: str, model: MultilevelMetaAnalysis, effects: pd.DataFrame) -> pd.DataFrame:
    rows, present = _present(comparator, effects)
    size = rows.groupby("period", observed=True)["trial_id"].agg(["nunique", "size"]).loc[present]
    table = model.coefficients[["estimate", "se", "ci_low", "ci_high"]].reset_index(drop=True)
    named = {
        "comparator": comparator,
        "period": present,
        "k": size["nunique"].to_numpy(),
        "effects": size["size"].to_numpy(),
    }
    return pd.DataFrame(named).join(table)


def _changes(comparator: str, model: MultilevelMetaAnalysis, effects: pd.DataFrame) -> pd.DataFrame:
    rows, present = _present(comparator, effects)
    beta, vcov, df = (model.coefficients["estimate"].to_numpy(), model.vcov.to_numpy(), model.coefficients["df"].to_numpy())
    trials = {name: set(rows.loc[rows["period"] == name, "trial_id"]) for name in present}
    found = []
    for j, later in enumerate(present):
        for i, earlier in enumerate(present[:j]):
            both = [i, j]
            change = contrast([-1, 1], beta[both], vcov[np.ix_(both, both)], min(df[i], df[j]), level=model.level)
            k = len(trials[earlier] & trials[later])
            found.append({"comparator": comparator, "earlier": earlier, "later": later, "k": k, **change._asdict()})
    columns = ["comparator", "earlier", "later", "k", "estimate", "se", "df", "ci_low", "ci_high", "p_value"]
    return pd.DataFrame(found, columns=columns) if found else pd.DataFrame()


guard(__name__, "time_course", "effects_by_week")
