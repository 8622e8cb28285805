"""Mantel-Haenszel and Peto: equal-effects pooling of two-by-two tables, also where events are rare.

Knows counts. Nothing is added to the tables that are pooled; only the test for heterogeneity of Mantel-Haenszel uses trial
estimates with a half added to tables with an empty cell.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import Any
from typing import Any, ClassVar

import numpy as np
import pandas as pd

from acuevidence import words
from acuevidence.arguments import guard
from acuevidence.effects import effect_size
from acuevidence.effects.checks import counts
from acuevidence.errors import ConvergenceError, InputError
from acuevidence.inputs import choice, numeric, values
from acuevidence.synthesis import kernel
from acuevidence.synthesis.coefficients import NormalEffect

__all__ = ["Tables", "TwoByTwoMetaAnalysis", "mantel_haenszel", "peto", "read_tables"]

Array = np.ndarray
_NORMAL = np.array(np.inf)


@dataclass(frozen=True, slots=True, eq=False)
class Tables:
    """Two-by-two tables, one a trial, as floats.

    Attributes
    ----------
    events1, n1, events2, n2 : ndarray, (k,)
        Events and people; group 1 is the treatment.
    labels : ndarray, (k,)
        Names of the trials.
    index : Index
        The caller's index.
    """

    events1: Array
    n1: Array
    events2: Array
    n2: Array
    labels: Array
    index: pd.Index

    @property
    def empty(self) -> Array:
        """Whether nobody, or everybody, in both groups had the event."""
        events, people = self.events1 + self.events2, self.n1 + self.n2
        return (events == 0) | (events == people)

    def take(self, keep: Array) -> Tables:
        """Return some of the trials."""
        return Tables(self.events1[keep], self.n1[keep], self.events2[keep], self.n2[keep], self.labels[keep],
                      self.index[keep])  # fmt: skip

    def effects(self, measure: str) -> pd.DataFrame:
        """Return the trials' yi and vi, a half added where a cell is empty, NaN for empty tables."""
        found = effect_size(
            measure, events1=self.events1, n1=self.n1, events2=self.events2, n2=self.n2, drop_empty=True
        )
        return pd.DataFrame(found.to_numpy(), columns=["yi", "vi"], index=self.index)

    def frame(self, measure: str) -> pd.DataFrame:
        """Return the tables with the trials' own effects beside them."""
        cells = {"events1": self.events1, "n1": self.n1, "events2": self.events2, "n2": self.n2}
        return pd.DataFrame({"labels": self.labels, **cells}, index=self.index).join(self.effects(measure))


def read_tables(data: pd.DataFrame | None, labels: Any, **given: Any) -> Tables:
    """Read and check the counts of two groups; labels default to the index.

    Raises
    ------
    InputError
        For no trials, missing or impossible counts, named by row.
    """
    cells, index = numeric(data, **given)
    if not len(index):
        raise InputError("there is no trial to pool (events1 is empty)")
    counts(cells["events1"], cells["n1"], ("events1", "n1"), index)
    counts(cells["events2"], cells["n2"], ("events2", "n2"), index)
    named: Any = index if labels is None else values(data, labels=labels)[0]["labels"]
    if len(named) != len(index):
        raise InputError(f"labels has {len(named)} entries for {len(index)} trials")
    return Tables(**cells, labels=named.to_numpy(), index=index)


@dataclass(frozen=True, slots=True, kw_only=True, repr=False, eq=False)
class TwoByTwoMetaAnalysis(NormalEffect):
    """Two-by-two tables pooled under an equal-effects model.

    Attributes
    ----------
    estimate, se, statistic, p_value, ci_low, ci_high : float
        Pooled effect (log odds ratio, log risk ratio, or risk difference; positive: more events in group 1), its
        standard error, z test and interval at ``level``.
    q, q_df, q_p : float
        Test for heterogeneity between the trials' own effects.
    i2, h2 : float
        I2 in percent and H2, from Q.
    cmh, cmh_p : float or None
        Cochran-Mantel-Haenszel chi-square of no association, 1 df (odds ratio only).
    breslow_day, breslow_day_p, tarone, tarone_p : float or None
        Breslow-Day test for equal odds ratios and Tarone's correction of it (Mantel-Haenszel odds ratio only).
    k : int
        Trials.
    measure : str
        ``OR``, ``RR`` or ``RD``.
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
        names = {"OR": "log odds ratio", "RR": "log risk ratio", "RD": "risk difference"}
        method = {"MH": "Mantel-Haenszel method", "Peto": "Peto's method"}[self.method]
        shown = partial(words.number, decimals=words.decimals(self.se, 3))
        lines = [
            f"{self.k} trial{'' if self.k == 1 else 's'}. {method}, equal effects; normal interval.",
            f"Pooled {names[self.measure]} {shown(self.estimate)} ({words.percent(self.level)} CI {shown(self.ci_low)} to "
            f"{shown(self.ci_high)}; P {words.p(self.p_value)}).",
        ]
        if self.measure != "RD":
            low, mid, high = np.exp([self.ci_low, self.estimate, self.ci_high])
            low, mid, high = (words.number(value, 3, ratio=True) for value in (low, mid, high))
            lines[1] += f" As a ratio {mid} ({low} to {high})."
        lines.append(f"Heterogeneity: I2 {self.i2:.1f}%, Q {self.q:.2f} (df {self.q_df}, P {words.p(self.q_p)}).")
        named = [("Cochran-Mantel-Haenszel", self.cmh, self.cmh_p), ("Breslow-Day", self.breslow_day, self.breslow_day_p),
                 ("Tarone", self.tarone, self.tarone_p)]  # fmt: skip
        tests = [
            f"{name} {value:.2f} (P {words.p(p)})" for name, value, p in named if value is not None and p is not None
        ]
        return lines + ([f"Tests: {'; '.join(tests)}."] if tests else [])


def mantel_haenszel(events1: Any = "events1", n1: Any = "n1", events2: Any = "events2", n2: Any = "n2", *,
                    measure: str = "OR", data: pd.DataFrame | None = None, labels: Any = None, correct: bool = True,
                    level: float = 0.95) -> TwoByTwoMetaAnalysis:  # fmt: skip
    """Pool two-by-two tables by the Mantel-Haenszel method.

    Parameters
    ----------
    events1, n1, events2, n2 : array-like or column names
        Events and people in the treatment group (1) and the control group (2).
    measure : {"OR", "RR", "RD"}
        Odds ratio and risk ratio (on the log scale) or risk difference.
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
        For impossible counts, named by row.
    ConvergenceError
        Where no table holds the events a ratio needs.

    Notes
    -----
    Standard errors: Robins, Breslow and Greenland (1986) for OR, Greenland and Robins (1985) for RR, Sato, Greenland and
    Robins (1989) for RD. Nothing is added to tables that are pooled. Q uses the trials' own effects with a half
    added to tables with an empty cell, without tables where nobody or everybody had the event; all as metafor's rma.mh.

    Examples
    --------
    >>> from acuevidence import mantel_haenszel
    >>> pooled = mantel_haenszel([30, 12], [60, 40], [20, 8], [60, 42], measure="RR")
    >>> round(pooled.estimate, 4), round(pooled.se, 4)
    (0.4194, 0.1963)
    """
    choice("measure", measure, ("OR", "RR", "RD"))
    t = read_tables(data, labels, events1=events1, n1=n1, events2=events2, n2=n2)
    estimate, variance, weights = _POOLED[measure](t)
    effects = t.effects(measure)
    usable = effects["yi"].notna().to_numpy()
    yi, vi = effects["yi"].to_numpy()[usable], effects["vi"].to_numpy()[usable]
    more: dict[str, Any] = _tests(t, estimate, correct) if measure == "OR" else {}
    return TwoByTwoMetaAnalysis(
        estimate=estimate, se=float(np.sqrt(variance)), **_heterogeneity(float(((yi - estimate) ** 2 / vi).sum()), len(yi)),
        **more, k=len(t.n1), measure=measure, method="MH", level=level, weights=100 * weights / weights.sum(),
        data=t.frame(measure),
    )  # fmt: skip


def peto(events1: Any = "events1", n1: Any = "n1", events2: Any = "events2", n2: Any = "n2", *,
         data: pd.DataFrame | None = None, labels: Any = None, level: float = 0.95) -> TwoByTwoMetaAnalysis:  # fmt: skip
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
    ``sum(O - E) / sum(V)`` with the hypergeometric variance V (Yusuf et al 1985, Progress in Cardiovascular Diseases
    27:335-371), as metafor's rma.peto.

    Examples
    --------
    >>> from acuevidence import peto
    >>> pooled = peto([3, 1, 0], [100, 50, 60], [8, 4, 2], [98, 52, 61])
    >>> round(pooled.estimate, 3), round(pooled.ci_high, 3)
    (-1.161, -0.216)
    """
    t = read_tables(data, labels, events1=events1, n1=n1, events2=events2, n2=n2)
    expected, v = _hypergeometric(t)
    if not v.sum() > 0:
        raise ConvergenceError("events occur in no trial, or in everybody: there is no odds ratio; use measure='RD'")
    estimate = float((t.events1 - expected).sum() / v.sum())
    some = v > 0
    q = float(((t.events1 - expected)[some] ** 2 / v[some]).sum() - estimate**2 * v.sum())
    return TwoByTwoMetaAnalysis(
        estimate=estimate, se=float(v.sum() ** -0.5), **_heterogeneity(max(q, 0.0), int(some.sum())), k=len(t.n1),
        measure="OR", method="Peto", level=level, weights=100 * v / v.sum(), data=t.frame("OR"),
    )  # fmt: skip


def _odds_ratio(t: Tables) -> tuple[float, float, Array]:
    """Robins, Breslow and Greenland (1986, Biometrics 42:311-323)."""
    n = t.n1 + t.n2
    a, b, c, d = t.events1, t.n1 - t.events1, t.events2, t.n2 - t.events2
    P, Q, R, S = (a + d) / n, (b + c) / n, a * d / n, b * c / n
    r, s = R.sum(), S.sum()
    if r == 0 or s == 0:
        raise ConvergenceError("no table holds the events an odds ratio needs; use measure='RD' or peto()")
    variance = (P @ R / r**2 + (P @ S + Q @ R) / (r * s) + Q @ S / s**2) / 2
    return float(np.log(r / s)), float(variance), S


def _risk_ratio(t: Tables) -> tuple[float, float, Array]:
    """Greenland and Robins (1985, Biometrics 41:55-68)."""
    n = t.n1 + t.n2
    R, S = t.events1 * t.n2 / n, t.events2 * t.n1 / n
    r, s = R.sum(), S.sum()
    if r == 0 or s == 0:
        raise ConvergenceError("one group has no event in any trial, so there is no risk ratio; use measure='RD'")
    total = (t.n1 * t.n2 * (t.events1 + t.events2) / n**2 - t.events1 * t.events2 / n).sum()
    return float(np.log(r / s)), float(total / (r * s)), S


def _risk_difference(t: Tables) -> tuple[float, float, Array]:
    """Sato, Greenland and Robins (1989, Biometrics 45:1323-1324)."""
    n = t.n1 + t.n2
    w = t.n1 * t.n2 / n
    estimate = (t.events1 * t.n2 / n - t.events2 * t.n1 / n).sum() / w.sum()
    p = (t.events2 * (t.n1 / n) ** 2 - t.events1 * (t.n2 / n) ** 2 + t.n1 * t.n2 * (t.n2 - t.n1) / n**2 / 2).sum()
    q = ((t.events1 * (t.n2 - t.events2) + t.events2 * (t.n1 - t.events1)) / n).sum() / 2
    return float(estimate), float((estimate * p + q) / w.sum() ** 2), w


_POOLED = {"OR": _odds_ratio, "RR": _risk_ratio, "RD": _risk_difference}


def _heterogeneity(q: float, k: int) -> dict[str, Any]:
    """Return Q and what follows from it; trials without information do not count."""
    df = max(k - 1, 0)
    if df == 0:
        return {"q": 0.0, "q_df": 0, "q_p": 1.0, "i2": 0.0, "h2": 1.0}
    p = float(kernel.chi_square_tail(np.array(q), np.array(df)))
    return {"q": q, "q_df": df, "q_p": p, "i2": max(0.0, 100 * (q - df) / q) if q > 0 else 0.0, "h2": q / df}


def _hypergeometric(t: Tables) -> tuple[Array, Array]:
    """Return the expected events of group 1 given the margins, and their variance."""
    n, events = t.n1 + t.n2, t.events1 + t.events2
    return events * t.n1 / n, t.n1 * t.n2 * events * (n - events) / (n**2 * (n - 1))


def _tests(t: Tables, estimate: float, correct: bool) -> dict[str, float | None]:
    """Return the Cochran-Mantel-Haenszel, Breslow-Day and Tarone tests (Breslow and Day 1980; Tarone 1985)."""
    expected, v = _hypergeometric(t)
    cmh = (abs((t.events1 - expected).sum()) - (0.5 if correct else 0.0)) ** 2 / v.sum()
    ratio, events = np.exp(estimate), t.events1 + t.events2
    fitted = _fitted(t, ratio)
    some = (fitted > 0) & (events > 0) & (events < t.n1 + t.n2)
    a, n1, n2, x, m = t.events1[some], t.n1[some], t.n2[some], fitted[some], events[some]
    spread = 1 / (1 / x + 1 / (n1 - x) + 1 / (m - x) + 1 / (n2 - m + x))
    breslow_day = float(((a - x) ** 2 / spread).sum())
    tarone = max(0.0, float(breslow_day - (a - x).sum() ** 2 / spread.sum()))
    df = int(some.sum()) - 1
    found: dict[str, float | None] = {"cmh": float(cmh), "cmh_p": _chi_square(cmh, 1)}
    if df > 0:
        found |= {"breslow_day": breslow_day, "breslow_day_p": _chi_square(breslow_day, df), "tarone": tarone,
                  "tarone_p": _chi_square(tarone, df)}  # fmt: skip
    return found


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
