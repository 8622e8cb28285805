"""p-uniform*: the effect given which trials are significant and which are not, so that how many were published does not matter."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.optimize import brentq, minimize_scalar
from scipy.special import chdtrc, chdtri, log_ndtr, ndtri

from acuevidence import words
from acuevidence.appraisal.few import few_trials, refuse_few
from acuevidence.arguments import guard
from acuevidence.errors import ConvergenceError
from acuevidence.shown import Shown
from acuevidence.synthesis.effect import PooledEffect

__all__ = ["PUniform", "p_uniform"]

_SIDE = 0.025  # one-sided level, in the direction of the effect, at which a trial counts as significant
_FAR = 40.0  # how far limits are sought, in units of the mean standard error


@dataclass(frozen=True, slots=True, kw_only=True, repr=False, eq=False)
class PUniform(Shown):
    """A p-uniform* analysis.

    Attributes
    ----------
    estimate, ci_low, ci_high : float
        Effect given significance, on the scale of yi, with its profile likelihood interval (infinite where the likelihood
        does not fall far enough); positive favours acupuncture.
    statistic, p_value : float
        Likelihood ratio test of no effect, chi-square with one degree of freedom.
    tau2 : float
        Heterogeneity variance.
    significant : int
        Trials significant (one-sided P of 0.025 or less) in the direction of the pooled effect.
    k : int
        Trials.
    level : float
        Level of the interval.
    notes : tuple of str
        When it should not be used.
    """

    estimate: float
    ci_low: float
    ci_high: float
    statistic: float
    p_value: float
    tau2: float
    significant: int
    k: int
    level: float
    notes: tuple[str, ...] = ()

    def to_frame(self) -> pd.DataFrame:
        """Return the analysis as one row."""
        names = ("estimate", "ci_low", "ci_high", "statistic", "p_value", "tau2", "significant", "k")
        return pd.DataFrame([{name: getattr(self, name) for name in names}])

    def _sentences(self) -> list[str]:
        line = (
            f"p-uniform* ({self.significant} of {self.k} trials significant): {self.estimate:.3f} ({self.ci_low:.3f} to "
            f"{self.ci_high:.3f}), tau2 {self.tau2:.4f}; test of no effect {self.statistic:.2f}, P {words.p(self.p_value)}."
        )
        return [line, *self.notes]


def p_uniform(result: PooledEffect) -> PUniform:
    """Return the effect given which trials are significant.

    Parameters
    ----------
    result : MetaAnalysis
        A pooled effect without moderators, of three trials or more.

    Returns
    -------
    PUniform
        Estimate, profile likelihood interval, tau2 and the test of no effect.

    Notes
    -----
    Van Aert and van Assen (2018, MetaArXiv), maximum likelihood, as in the R package puniform: each effect has the normal
    density with variance vi + tau2, divided by the chance of its being significant, or not. It assumes that significant
    trials are equally likely to be published whatever their effect, and so the others.

    Examples
    --------
    >>> import acuevidence as ae
    >>> found = ae.meta_analysis([0.5, 0.4, 0.1, 0.6, 0.2], [0.03, 0.02, 0.02, 0.06, 0.04]).p_uniform()
    >>> found.significant, found.estimate < 0.4
    (3, True)
    """
    refuse_few(result, "p-uniform*")
    sign = 1.0 if result.estimate >= 0 else -1.0
    unit = float(np.sqrt(result.vi.mean()))
    model = _Model.of(sign * result.yi / unit, result.vi / unit**2)
    top = _climb(lambda mu: model.profile(mu)[0], sign * result.estimate / unit)
    best, tau2 = model.profile(top)
    statistic = max(0.0, 2 * (best - model.profile(0.0)[0]))
    drop = 0.5 * float(chdtri(1, 1 - result.level))
    low, high = (_limit(model, top, best - drop, side) for side in (-1.0, 1.0))
    ends = sorted((sign * unit * low, sign * unit * high))
    return PUniform(
        estimate=sign * unit * top,
        ci_low=ends[0],
        ci_high=ends[1],
        statistic=statistic,
        p_value=float(chdtrc(1, statistic)),
        tau2=unit**2 * tau2,
        significant=int(model.significant.sum()),
        k=result.k,
        level=result.level,
        notes=(*few_trials(result, "the estimate is unstable"), *_doubts(result, model, sign * unit * top)),
    )


def _doubts(result: PooledEffect, model: _Model, estimate: float) -> tuple[str, ...]:
    notes = []
    if model.significant.all() or not model.significant.any():
        said = "Every trial is" if model.significant.all() else "No trial is"
        notes.append(f"{said} significant: the estimate rests on how near to the limit of significance the effects lie.")
    if not result.yi.min() <= estimate <= result.yi.max():
        notes.append("The estimate lies beyond the effect of every trial: it is an extrapolation and should not be used.")
    return tuple(notes)


@dataclass(frozen=True, slots=True)
class _Model:
    """Effects turned so that significant ones are large, in units of the mean standard error."""

    y: np.ndarray
    v: np.ndarray
    critical: np.ndarray
    significant: np.ndarray

    @classmethod
    def of(cls, y: np.ndarray, v: np.ndarray) -> _Model:
        critical = float(ndtri(1 - _SIDE)) * np.sqrt(v)
        return cls(y, v, critical, y > critical)

    def loglik(self, mu: float, tau2: float) -> float:
        """Return the log-likelihood without its constant."""
        s = np.sqrt(self.v + tau2)
        over = (mu - self.critical) / s
        chance = log_ndtr(np.where(self.significant, over, -over))
        return float((-np.log(s) - 0.5 * ((self.y - mu) / s) ** 2 - chance).sum())

    def profile(self, mu: float) -> tuple[float, float]:
        """Return the highest log-likelihood at mu, and the tau2 where it lies."""
        most = 4 * float(((self.y - mu) ** 2).max()) + 1
        grid = np.concatenate([[0.0], np.geomspace(1e-4, most, 24)])
        values = [self.loglik(mu, tau2) for tau2 in grid]
        i = int(np.argmax(values))
        low, high = grid[max(i - 1, 0)], grid[min(i + 1, len(grid) - 1)]
        found = minimize_scalar(lambda x: -self.loglik(mu, x), bounds=(low, high), method="bounded", options={"xatol": 1e-10})
        inner = (float(-found.fun), float(found.x))
        return max(inner, (values[0], 0.0))


def _climb(height: Callable[[float], float], start: float) -> float:
    """Return where a profile is highest: a scan about the start, refined between its neighbours."""
    grid = start + np.linspace(-8, 4, 49)
    values = [height(x) for x in grid]
    i = int(np.argmax(values))
    if 0 < i < len(grid) - 1:
        low, high = grid[i - 1], grid[i + 1]
    else:
        low, high = _beyond(height, float(grid[i]), values[i], -1.0 if i == 0 else 1.0)
    found = minimize_scalar(lambda x: -height(x), bounds=(low, high), method="bounded", options={"xatol": 1e-9})
    return float(found.x)


def _beyond(height: Callable[[float], float], end: float, value: float, side: float) -> tuple[float, float]:
    """Return a bracket of the top beyond one end of the scan."""
    step, before = 0.25, end
    while step < _FAR:
        at = end + side * step
        new = height(at)
        if new < value:
            return (at, before) if side < 0 else (before, at)
        before, end, value, step = end, at, new, 2 * step
    raise ConvergenceError(
        "the likelihood of p-uniform* has no maximum: it rises the further the effect lies from those of the trials; the "
        "trials are all significant, or all not, and lie at the limit of significance"
    )


def _limit(model: _Model, top: float, level: float, side: float) -> float:
    """Return where the profile falls to a level on one side of its top; infinite where it does not."""
    step = 0.5
    while step < _FAR:
        if model.profile(top + side * step)[0] < level:
            return float(brentq(lambda x: model.profile(x)[0] - level, top, top + side * step, xtol=1e-9))
        step *= 2
    return math.inf * side


guard(__name__, "p_uniform")
