"""Mantel-Haenszel and Peto: equal-effects pooling of two groups' events among people or in person-time, also where they are rare.

Knows counts. Nothing is added to the tables that are pooled; only the test for heterogeneity of Mantel-Haenszel uses trial
estimates with a half added to tables with an empty cell. Every pooled effect is a function of sums over the trials, so that any
number of sets of trials is pooled at once.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any, ClassVar

import numpy as np
import pandas as pd

from acuevidence import words
from acuevidence.arguments import guard
from acuevidence.effects.checks import counts
from acuevidence.effects.measures import MEASURES, effect_size
from acuevidence.errors import ConvergenceError, InputError
from acuevidence.inputs import choice, numeric, refuse, values
from acuevidence.synthesis import kernel
from acuevidence.synthesis.coefficients import NormalEffect
from acuevidence.synthesis.methods import TableMethods

__all__ = ["Tables", "TwoByTwoMetaAnalysis", "mantel_haenszel", "peto", "pool_sets", "read_tables", "tables_of"]

Array = np.ndarray


@dataclass(frozen=True, slots=True, eq=False)
class Tables:
    """Events of two groups, one row a trial, as floats.

    Attributes
    ----------
    events1, n1, events2, n2 : ndarray, (k,)
        Events and people, or person-time; group 1 is the treatment.
    labels : ndarray, (k,)
        Names of the trials.
    index : Index
        The caller's index.
    rates : bool
        Whether n1 and n2 are person-time.
    """

    events1: Array
    n1: Array
    events2: Array
    n2: Array
    labels: Array
    index: pd.Index
    rates: bool = False

    @property
    def empty(self) -> Array:
        """Whether nobody, or (of people) everybody, in both groups had the event."""
        events, people = self.events1 + self.events2, self.n1 + self.n2
        return (events == 0) | ((events == people) & (not self.rates))

    def take(self, keep: Array) -> Tables:
        """Return some of the trials."""
        return Tables(
            self.events1[keep], self.n1[keep], self.events2[keep], self.n2[keep], self.labels[keep], self.index[keep], self.rates
        )

    def cells(self) -> dict[str, Any]:
        """Return the columns by the names that effect_size has for them."""
        at_risk = "time" if self.rates else "n"
        return {"events1": self.events1, f"{at_risk}1": self.n1, "events2": self.events2, f"{at_risk}2": self.n2}

    def effects(self, measure: str) -> pd.DataFrame:
        """Return the trials' yi and vi, a half added where a cell is empty, NaN for empty tables."""
        found = effect_size(measure, **self.cells(), drop_empty=True)
        return pd.DataFrame(found.to_numpy(), columns=["yi", "vi"], index=self.index)

    def frame(self, measure: str) -> pd.DataFrame:
        """Return the tables with the trials' own effects beside them."""
        return pd.DataFrame({"labels": self.labels, **self.cells()}, index=self.index).join(self.effects(measure))


def read_tables(data: pd.DataFrame | None, labels: Any, *, rates: bool = False, **given: Any) -> Tables:
    """Read and check the counts of two groups; labels default to the index. With ``rates`` n1 and n2 are person-time.

    Raises
    ------
    InputError
        For no trials, missing or impossible counts, named by row.
    """
    cells, index = numeric(data, **given)
    if not len(index):
        raise InputError("there is no trial to pool (events1 is empty)")
    for group in "12":
        events, at_risk = cells[f"events{group}"], cells[f"n{group}"]
        if rates:
            refuse(at_risk <= 0, f"n{group} is person-time and must be positive", at_risk, index)
            refuse(events < 0, f"events{group} must not be negative", events, index)
        else:
            counts(events, at_risk, (f"events{group}", f"n{group}"), index)
    named: Any = index if labels is None else values(data, labels=labels)[0]["labels"]
    if len(named) != len(index):
        raise InputError(f"labels has {len(named)} entries for {len(index)} trials")
    return Tables(**cells, labels=named.to_numpy(), index=index, rates=rates)


def tables_of(result: TwoByTwoMetaAnalysis) -> Tables:
    """Return the tables that a result pools."""
    data, rates = result.data, result.measure in _RATES
    at_risk = "time" if rates else "n"
    events1, n1, events2, n2 = (data[name].to_numpy() for name in ("events1", f"{at_risk}1", "events2", f"{at_risk}2"))
    return Tables(events1, n1, events2, n2, labels=data["labels"].to_numpy(), index=data.index, rates=rates)


@dataclass(frozen=True, slots=True, kw_only=True, repr=False, eq=False)
class TwoByTwoMetaAnalysis(NormalEffect, TableMethods):
    """Events of two groups pooled under an equal-effects model.

    Attributes
    ----------
    estimate, se, statistic, p_value, ci_low, ci_high : float
        Pooled effect (logarithm of a ratio of odds, risks or rates, or a difference of risks or rates; positive: more events in
        group 1), its standard error, z test and interval at ``level``.
    q, q_df, q_p : float
        Test for heterogeneity between the trials' own effects.
    i2, h2 : float
        I2 in percent and H2, from Q.
    cmh, cmh_p : float or None
        Cochran-Mantel-Haenszel chi-square of no association, 1 df (odds ratio and rate ratio).
    breslow_day, breslow_day_p, tarone, tarone_p : float or None
        Breslow-Day test for equal odds ratios and Tarone's correction of it (Mantel-Haenszel odds ratio only).
    k : int
        Trials.
    measure : str
        ``OR``, ``RR``, ``RD``, ``IRR`` or ``IRD``.
    method : str
        ``MH`` or ``Peto``.
    level : float
        Level of the interval.
    weights : ndarray, (k,)
        Weights in percent.
    data : DataFrame
        The tables, with the trials' own ``yi`` and ``vi`` (NaN where a table has no information).
    """

    events: ClassVar[bool] = True  # its effects compare counts of events

    estimate: float
    se: float
    q: float
    q_df: int
    q_p: float
    i2: float
    h2: float
    cmh: float | None = None
    cmh_p: float | None = None
    breslow_day: float | None = None
    breslow_day_p: float | None = None
    tarone: float | None = None
    tarone_p: float | None = None
    k: int
    measure: str
    method: str
    level: float
    weights: Array = field(repr=False)
    data: pd.DataFrame = field(repr=False)

    @property
    def conventions(self) -> str:
        """What was computed, in words for captions."""
        method = {"MH": "Mantel-Haenszel method", "Peto": "Peto's method"}[self.method]
        where = "the trials' own effects" + (" and for Q" if self.method == "MH" else "")
        return f"{method}, one common effect; normal interval; I² from Q; a half added to tables with an empty cell for {where}."

    def to_frame(self) -> pd.DataFrame:
        """Return one row, with k, Q and I2 beside the effect."""
        beside = {name: getattr(self, name) for name in ("k", "q", "q_p", "i2", "measure", "method")}
        return self.coefficients.reset_index().assign(**beside)

    def _sentences(self) -> list[str]:
        method = {"MH": "Mantel-Haenszel method", "Peto": "Peto's method"}[self.method]
        ratio = MEASURES[self.measure].ratio
        what = ("log " if ratio else "") + MEASURES[self.measure].name.lower()
        shown = partial(words.number, decimals=words.decimals(self.se, 3))
        lines = [
            f"{self.k} trial{'' if self.k == 1 else 's'}. {method}, equal effects; normal interval.",
            f"Pooled {what} {shown(self.estimate)} ({words.percent(self.level)} CI {shown(self.ci_low)} to "
            f"{shown(self.ci_high)}; P {words.p(self.p_value)}).",
        ]
        if ratio:
            low, mid, high = np.exp([self.ci_low, self.estimate, self.ci_high])
            low, mid, high = (words.number(value, 3, ratio=True) for value in (low, mid, high))
            lines[1] += f" As a ratio {mid} ({low} to {high})."
        lines.append(f"Heterogeneity: I2 {self.i2:.1f}%, Q {self.q:.2f} (df {self.q_df}, P {words.p(self.q_p)}).")
        named = [
            ("Cochran-Mantel-Haenszel", self.cmh, self.cmh_p),
            ("Breslow-Day", self.breslow_day, self.breslow_day_p),
            ("Tarone", self.tarone, self.tarone_p),
        ]
        tests = [f"{name} {value:.2f} (P {words.p(p)})" for name, value, p in named if value is not None and p is not None]
        return lines + ([f"Tests: {'; '.join(tests)}."] if tests else [])


def mantel_haenszel(
    events1: Any = "events1",
    n1: Any = "n1",
    events2: Any = "events2",
    n2: Any = "n2",
    *,
    measure: str = "OR",
    data: pd.DataFrame | None = None,
    labels: Any = None,
    correct: bool = True,
    level: float = 0.95,
) -> TwoByTwoMetaAnalysis:
    """Pool events of two groups by the Mantel-Haenszel method.

    Parameters
    ----------
    events1, n1, events2, n2 : array-like or column names
        Events and people in the treatment group (1) and the control group (2); of IRR and IRD ``n1`` and ``n2`` are person-time.
    measure : {"OR", "RR", "RD", "IRR", "IRD"}
        Odds ratio and risk ratio (on the log scale) or risk difference; ratio (log) or difference of incidence rates.
    data : DataFrame, optional
        Where column names are looked up.
    labels : array-like or column name, optional
        Names of the trials.
    correct : bool
        Whether the Cochran-Mantel-Haenszel test is corrected for continuity.
    level : float
        Level of the interval.

    Returns
    -------
    TwoByTwoMetaAnalysis
        Pooled effect, heterogeneity, and for odds ratios the Cochran-Mantel-Haenszel, Breslow-Day and Tarone tests.

    Raises
    ------
    InputError
        For impossible counts or times, named by row.
    ConvergenceError
        Where no table holds the events a ratio needs.

    Notes
    -----
    Standard errors: Robins, Breslow and Greenland (1986) for OR, Greenland and Robins (1985) for RR, IRR and IRD, Sato, Greenland and
    Robins (1989) for RD. Nothing is added to tables that are pooled. Q uses the trials' own effects with a half
    added to tables with an empty cell, without tables where nobody or everybody had the event; all as metafor's rma.mh.

    Examples
    --------
    >>> from acuevidence import mantel_haenszel
    >>> pooled = mantel_haenszel([30, 12], [60, 40], [20, 8], [60, 42], measure="RR")
    >>> round(pooled.estimate, 4), round(pooled.se, 4)
    (0.4194, 0.1963)
    """
    choice("measure", measure, ("OR", "RR", "RD", "IRR", "IRD"))
    t = read_tables(data, labels, rates=measure in _RATES, events1=events1, n1=n1, events2=events2, n2=n2)
    if not np.isfinite(pool_sets(t, measure, "MH", _all(t))["estimate"][0]):
        raise ConvergenceError(_NOTHING[measure])
    return _pooled(t, measure, "MH", level, correct)


def peto(
    events1: Any = "events1",
    n1: Any = "n1",
    events2: Any = "events2",
    n2: Any = "n2",
    *,
    data: pd.DataFrame | None = None,
    labels: Any = None,
    level: float = 0.95,
) -> TwoByTwoMetaAnalysis:
    """Pool two-by-two tables by Peto's one-step method: log odds ratios for rare events in balanced trials.

    Parameters
    ----------
    events1, n1, events2, n2 : array-like or column names
        Events and people in the treatment group (1) and the control group (2).
    data, labels, level
        As for :func:`mantel_haenszel`.

    Returns
    -------
    TwoByTwoMetaAnalysis

    Raises
    ------
    InputError
        For impossible counts, named by row.
    ConvergenceError
        Where no table holds both people with and people without the event.

    Notes
    -----
    ``sum(O - E) / sum(V)`` with the hypergeometric variance V (Yusuf et al 1985, Progress in Cardiovascular Diseases), as
    metafor's rma.peto.

    Examples
    --------
    >>> from acuevidence import peto
    >>> pooled = peto([3, 1, 0], [100, 50, 60], [8, 4, 2], [98, 52, 61])
    >>> round(pooled.estimate, 3), round(pooled.ci_high, 3)
    (-1.161, -0.216)
    """
    t = read_tables(data, labels, events1=events1, n1=n1, events2=events2, n2=n2)
    if not _hypergeometric(t)[1].sum() > 0:
        raise ConvergenceError("events occur in no trial, or in everybody: there is no odds ratio; use measure='RD'")
    return _pooled(t, "OR", "Peto", level, True)


_RATES = ("IRR", "IRD")
_NOTHING = {
    "OR": "no table holds the events an odds ratio needs; use measure='RD' or peto()",
    "RR": "one group has no event in any trial, so there is no risk ratio; use measure='RD'",
    "IRR": "one group has no event in any trial, so there is no rate ratio; use measure='IRD'",
    "IRD": "there is no event in any trial, so the difference of rates has no standard error",
    "RD": "there is no event in any trial, so the risk difference has no standard error",
}


def _all(t: Tables) -> Array:
    return np.ones((1, len(t.n1)))


def _pooled(t: Tables, measure: str, method: str, level: float, correct: bool) -> TwoByTwoMetaAnalysis:
    """Return the result of all trials together."""
    found = {name: float(column[0]) for name, column in pool_sets(t, measure, method, _all(t)).items()}
    weights, estimate = _PARTS[method, measure](t).weights, found["estimate"]
    more: dict[str, Any] = {}
    if method == "MH" and measure in ("OR", "IRR"):
        more = _tests(t, estimate, correct) if measure == "OR" else _association(t, correct)
    return TwoByTwoMetaAnalysis(
        estimate=estimate,
        se=found["se"],
        q=found["q"],
        q_df=int(found["q_df"]),
        q_p=found["q_p"],
        i2=found["i2"],
        h2=found["h2"],
        **more,
        k=len(t.n1),
        measure=measure,
        method=method,
        level=level,
        weights=100 * weights / weights.sum(),
        data=t.frame(measure),
    )


def pool_sets(t: Tables, measure: str, method: str, present: Array) -> dict[str, Array]:
    """Pool many sets of the same trials at once.

    Parameters
    ----------
    t : Tables
        The trials.
    measure, method : str
        As of the result.
    present : ndarray, (B, k)
        Which trials (1 or True) are in each set.

    Returns
    -------
    dict of ndarray, (B,)
        ``estimate se q q_df q_p i2 h2``; estimate and se are NaN where a set holds no event that the effect needs.
    """
    there = np.asarray(present, dtype=float)
    parts = _PARTS[method, measure](t)
    with np.errstate(divide="ignore", invalid="ignore"):
        estimate, variance = parts.pooled(there @ parts.sums.T)
    known = np.isfinite(estimate) & np.isfinite(variance)
    estimate, variance = np.where(known, estimate, np.nan), np.where(known, variance, np.nan)
    if method == "Peto":
        gap, v = parts.sums
        some = v > 0
        square = np.where(some, gap**2 / np.where(some, v, 1.0), 0.0)
        q, used = np.maximum(there @ square - estimate**2 * (there @ v), 0.0), there @ some
    else:
        effects = t.effects(measure)
        usable = effects["yi"].notna().to_numpy()
        yi, vi = (np.where(usable, effects[name].to_numpy(), 1.0) for name in ("yi", "vi"))
        q, used = (there * usable * (yi - estimate[:, None]) ** 2 / vi).sum(axis=1), there @ usable
    return {"estimate": estimate, "se": np.sqrt(variance), **_heterogeneity(q, used)}


@dataclass(frozen=True, slots=True)
class _Parts:
    """What is summed over the trials, (m, k), how the sums give the effect and its variance, and the trials' weights."""

    sums: Array
    pooled: Callable[[Array], tuple[Array, Array]]
    weights: Array


def _odds_ratio(t: Tables) -> _Parts:
    """Robins, Breslow and Greenland (1986, Biometrics)."""
    n = t.n1 + t.n2
    a, b, c, d = t.events1, t.n1 - t.events1, t.events2, t.n2 - t.events2
    P, Q, R, S = (a + d) / n, (b + c) / n, a * d / n, b * c / n

    def pooled(sums: Array) -> tuple[Array, Array]:
        r, s, pr, mixed, qs = sums.T
        return np.log(r / s), (pr / r**2 + mixed / (r * s) + qs / s**2) / 2

    return _Parts(np.stack([R, S, P * R, P * S + Q * R, Q * S]), pooled, S)


def _log_ratio(sums: Array) -> tuple[Array, Array]:
    r, s, v = sums.T
    return np.log(r / s), v / (r * s)


def _risk_ratio(t: Tables) -> _Parts:
    """Greenland and Robins (1985, Biometrics)."""
    n = t.n1 + t.n2
    S = t.events2 * t.n1 / n
    v = t.n1 * t.n2 * (t.events1 + t.events2) / n**2 - t.events1 * t.events2 / n
    return _Parts(np.stack([t.events1 * t.n2 / n, S, v]), _log_ratio, S)


def _rate_ratio(t: Tables) -> _Parts:
    """Greenland and Robins (1985, Biometrics)."""
    time = t.n1 + t.n2
    S = t.events2 * t.n1 / time
    v = (t.events1 + t.events2) * t.n1 * t.n2 / time**2
    return _Parts(np.stack([t.events1 * t.n2 / time, S, v]), _log_ratio, S)


def _risk_difference(t: Tables) -> _Parts:
    """Sato, Greenland and Robins (1989, Biometrics)."""
    n = t.n1 + t.n2
    w = t.n1 * t.n2 / n
    gap = t.events1 * t.n2 / n - t.events2 * t.n1 / n
    p = t.events2 * (t.n1 / n) ** 2 - t.events1 * (t.n2 / n) ** 2 + t.n1 * t.n2 * (t.n2 - t.n1) / n**2 / 2
    q = (t.events1 * (t.n2 - t.events2) + t.events2 * (t.n1 - t.events1)) / n / 2

    def pooled(sums: Array) -> tuple[Array, Array]:
        gap, w, p, q = sums.T
        return gap / w, (gap / w * p + q) / w**2

    return _Parts(np.stack([gap, w, p, q]), pooled, w)


def _rate_difference(t: Tables) -> _Parts:
    """Greenland and Robins (1985, Biometrics)."""
    time = t.n1 + t.n2
    w = t.n1 * t.n2 / time
    gap = (t.events1 * t.n2 - t.events2 * t.n1) / time
    v = t.events1 * (t.n2 / time) ** 2 + t.events2 * (t.n1 / time) ** 2

    def pooled(sums: Array) -> tuple[Array, Array]:
        gap, w, v = sums.T
        return gap / w, np.where(v > 0, v, np.nan) / w**2

    return _Parts(np.stack([gap, w, v]), pooled, w)


def _one_step(t: Tables) -> _Parts:
    """Yusuf et al (1985, Progress in Cardiovascular Diseases)."""
    expected, v = _hypergeometric(t)

    def pooled(sums: Array) -> tuple[Array, Array]:
        gap, v = sums.T
        return gap / v, 1 / v

    return _Parts(np.stack([t.events1 - expected, v]), pooled, v)


_PARTS: dict[tuple[str, str], Callable[[Tables], _Parts]] = {
    ("MH", "OR"): _odds_ratio,
    ("MH", "RR"): _risk_ratio,
    ("MH", "RD"): _risk_difference,
    ("MH", "IRR"): _rate_ratio,
    ("MH", "IRD"): _rate_difference,
    ("Peto", "OR"): _one_step,
}


def _heterogeneity(q: Array, used: Array) -> dict[str, Array]:
    """Return Q and what follows from it; trials without information do not count."""
    df = np.maximum(used - 1, 0.0)
    several = df > 0
    safe_q, safe_df = np.where(several & (q > 0), q, 1.0), np.where(several, df, 1.0)
    q = np.where(several, q, 0.0)
    p = np.where(several, kernel.chi_square_tail(q, safe_df), 1.0)
    i2 = np.where(several & (q > 0), np.maximum(0.0, 100 * (safe_q - df) / safe_q), 0.0)
    return {"q": q, "q_df": df, "q_p": p, "i2": i2, "h2": np.where(several, q / safe_df, 1.0)}


def _hypergeometric(t: Tables) -> tuple[Array, Array]:
    """Return the expected events of group 1 given the margins, and their variance."""
    n, events = t.n1 + t.n2, t.events1 + t.events2
    return events * t.n1 / n, t.n1 * t.n2 * events * (n - events) / (n**2 * (n - 1))


def _tests(t: Tables, estimate: float, correct: bool) -> dict[str, float | None]:
    """Return the Cochran-Mantel-Haenszel, Breslow-Day and Tarone tests (Breslow and Day 1980; Tarone 1985)."""
    ratio, events = np.exp(estimate), t.events1 + t.events2
    fitted = _fitted(t, ratio)
    some = (fitted > 0) & (events > 0) & (events < t.n1 + t.n2)
    a, n1, n2, x, m = t.events1[some], t.n1[some], t.n2[some], fitted[some], events[some]
    spread = 1 / (1 / x + 1 / (n1 - x) + 1 / (m - x) + 1 / (n2 - m + x))
    breslow_day = float(((a - x) ** 2 / spread).sum())
    tarone = max(0.0, float(breslow_day - (a - x).sum() ** 2 / spread.sum()))
    df = int(some.sum()) - 1
    found: dict[str, float | None] = {**_association(t, correct)}
    if df > 0:
        found |= {
            "breslow_day": breslow_day,
            "breslow_day_p": _chi_square(breslow_day, df),
            "tarone": tarone,
            "tarone_p": _chi_square(tarone, df),
        }
    return found


def _association(t: Tables, correct: bool) -> dict[str, float]:
    """Return the Cochran-Mantel-Haenszel test of no association; of person-time the events are binomial given their sum."""
    n, events = t.n1 + t.n2, t.events1 + t.events2
    expected, v = (events * t.n1 / n, events * t.n1 * t.n2 / n**2) if t.rates else _hypergeometric(t)
    cmh = float((abs((t.events1 - expected).sum()) - (0.5 if correct else 0.0)) ** 2 / v.sum())
    return {"cmh": cmh, "cmh_p": _chi_square(cmh, 1)}


def _fitted(t: Tables, ratio: float) -> Array:
    """Return the events of group 1 at which a table with these margins has this odds ratio."""
    events = t.events1 + t.events2
    # The root of (ratio - 1) x^2 - B x + ratio n1 events = 0 in the form that holds at ratio 1.
    B = ratio * (t.n1 + events) + (t.n2 - events)
    root = np.sqrt(np.maximum(B**2 - 4 * t.n1 * events * ratio * (ratio - 1), 0.0))
    return 2 * t.n1 * events * ratio / (B + root)


def _chi_square(value: float, df: int) -> float:
    return float(kernel.chi_square_tail(np.array(value), np.array(df)))


guard(__name__, "mantel_haenszel", "peto")
