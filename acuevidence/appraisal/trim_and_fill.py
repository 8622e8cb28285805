"""Trim and fill: how many trials the funnel seems to lack on one side, and the effect with their mirror images put in."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import pandas as pd

from acuevidence.appraisal.few import few_trials, refuse_few
from acuevidence.arguments import guard
from acuevidence.errors import ConvergenceError, InputError
from acuevidence.inputs import choice
from acuevidence.shown import Shown
from acuevidence.synthesis import kernel
from acuevidence.synthesis.effect import PooledEffect

__all__ = ["TrimAndFill", "trim_and_fill"]

ESTIMATORS = ("L0", "R0", "Q0")
_STEPS = 100


@dataclass(frozen=True, slots=True, kw_only=True, repr=False, eq=False)
class TrimAndFill(Shown):
    """A trim-and-fill analysis.

    Attributes
    ----------
    k0 : int
        Trials estimated to be missing.
    k0_se : float
        Standard error of the estimator before rounding; missing where its variance formula has no root.
    side : {"left", "right"}
        Side of the funnel they are missing from.
    estimator : str
        ``L0``, ``R0`` or ``Q0``.
    p_k0 : float or None
        P value of no missing trial; for R0 only.
    estimate, se, ci_low, ci_high, tau2 : float
        Effect with the filled trials, by the method and test of the result.
    filled : DataFrame
        The filled trials, ``yi`` and ``vi``; empty when none is missing.
    k : int
        Trials observed.
    notes : tuple of str
        When it should not be used.
    """

    k0: int
    k0_se: float
    side: str
    estimator: str
    p_k0: float | None
    estimate: float
    se: float
    ci_low: float
    ci_high: float
    tau2: float
    filled: pd.DataFrame
    k: int
    notes: tuple[str, ...] = ()

    def to_frame(self) -> pd.DataFrame:
        """Return the analysis as one row."""
        names = ("estimator", "side", "k", "k0", "k0_se", "p_k0", "estimate", "se", "ci_low", "ci_high", "tau2")
        return pd.DataFrame([{name: getattr(self, name) for name in names}])

    def _sentences(self) -> list[str]:
        trials = f"{self.k0} trial{'' if self.k0 == 1 else 's'}"
        line = (
            f"Trim and fill ({self.estimator}): {trials} missing on the {self.side} of {self.k}; with them "
            f"{self.estimate:.3f} ({self.ci_low:.3f} to {self.ci_high:.3f})."
        )
        return [line, *self.notes]


def trim_and_fill(result: PooledEffect, estimator: str = "L0", side: str | None = None, *, centre: str = "model") -> TrimAndFill:
    """Fill the funnel with the mirror images of the trials that have no counterpart.

    Parameters
    ----------
    result : MetaAnalysis
        A pooled effect without moderators, of three trials or more.
    estimator : {"L0", "R0", "Q0"}
        Estimator of the number of missing trials.
    side : {"left", "right"}, optional
        Where trials are missing. Default: opposite to where small trials lie, by the slope of Egger's regression.

    centre : {"model", "common"}
        About which mean trials are trimmed and mirrored: that of the result's model, or the common (equal-effects) mean,
        which small trials pull less; the filled trials are pooled by the result's model either way.

    Returns
    -------
    TrimAndFill
        ``k0``, ``side``, ``filled`` and the effect with the filled trials, positive in favour of acupuncture.

    Raises
    ------
    InputError
        With fewer than three trials, with moderators, for an unknown option, or where Q0 has no solution.
    ConvergenceError
        When the number of missing trials goes round in a circle.

    Notes
    -----
    Duval and Tweedie (2000, Biometrics), as in metafor's ``trimfill``. A sensitivity analysis, not a correction: it
    assumes that trials are missing by their effect alone, invents data, and does poorly under heterogeneity (Terrin et al
    2003, Statistics in Medicine).

    Examples
    --------
    >>> import acuevidence as ae
    >>> filled = ae.meta_analysis([0.9, 0.8, 0.6, 0.3, 0.2], [0.2, 0.15, 0.1, 0.02, 0.01]).trim_and_fill()
    >>> filled.side, len(filled.filled) == filled.k0
    ('left', True)
    """
    choice("estimator", estimator, ESTIMATORS)
    method = "EE" if choice("centre", centre, ("model", "common")) == "common" else result.method
    refuse_few(result, "trim and fill")
    side = _side(result, method) if side is None else choice("side", side, ("left", "right"))
    sign = -1.0 if side == "right" else 1.0
    order = np.argsort(sign * result.yi, kind="stable")
    y, v = sign * result.yi[order], result.vi[order]
    centres = _trimmed_means(y, v, method)
    k0, last = 0, -1
    for _ in range(_STEPS):
        if k0 == last:
            break
        last = k0
        mean = float(centres[min(k0, len(centres) - 1)])
        k0, k0_se = _missing(y - mean, estimator)
    else:
        raise ConvergenceError(f"trim and fill by {estimator} goes round in a circle; try another estimator")
    filled_y, filled_v = sign * (2 * mean - y[len(y) - k0 :]), v[len(v) - k0 :]
    fits = kernel.fit(
        np.append(result.yi, filled_y)[None],
        np.append(result.vi, filled_v)[None],
        method=result.method,
        test=result.test,
    )
    estimate, se = fits.beta[0, 0], np.sqrt(fits.vcov[0, 0, 0])
    low, high = kernel.interval(estimate, se, fits.df[0], result.level)
    return TrimAndFill(
        k0=k0,
        k0_se=k0_se,
        side=side,
        estimator=estimator,
        p_k0=0.5 ** (k0 + 1) if estimator == "R0" else None,
        estimate=float(estimate),
        se=float(se),
        ci_low=float(low),
        ci_high=float(high),
        tau2=float(fits.tau2[0]),
        filled=pd.DataFrame({"yi": filled_y, "vi": filled_v}),
        k=result.k,
        notes=few_trials(result, "asymmetry cannot be told from chance"),
    )


def _side(result: PooledEffect, method: str) -> str:
    if np.ptp(result.vi) == 0:
        return "left"
    X = np.column_stack([np.ones(result.k), np.sqrt(result.vi / result.vi.max())])
    slope = kernel.fit(result.yi[None], result.vi[None], X[None], method=method, test="z").beta[0, 1]
    return "right" if slope < 0 else "left"


def _trimmed_means(y: np.ndarray, v: np.ndarray, method: str) -> np.ndarray:
    """Return the pooled effect with the 0, 1, 2 ... largest effects left out, all in one call."""
    k = len(y)
    kept = np.arange(k)[None] < np.arange(k, 1, -1)[:, None]
    return kernel.fit(np.where(kept, y, np.nan), np.where(kept, v, np.nan), method=method, test="z").beta[:, 0]


def _missing(centred: np.ndarray, estimator: str) -> tuple[int, float]:
    """Return the number of missing trials and its standard error, from the signed ranks of effects in rising order."""
    k = len(centred)
    rank = np.empty(k)
    rank[np.argsort(np.abs(centred), kind="stable")] = np.arange(1, k + 1)
    if estimator == "R0":
        below = rank[centred < 0]
        k0 = k - below.max() - 1 if len(below) else 0.0
        return max(0, round(k0)), math.sqrt(2 * max(0.0, k0) + 2)
    above = rank[centred > 0].sum()
    least = (4 * above - k * (k + 1)) / (2 * k - 1)
    root = 2 * k**2 - 4 * above + 0.25
    if estimator == "Q0" and root < 0:
        raise InputError("estimator='Q0' has no solution: nearly every effect lies on one side of the centre; use 'L0' or 'R0'")
    k0 = least if estimator == "L0" else k - 0.5 - math.sqrt(root)
    variance = (k * (k + 1) * (2 * k + 1) + 10 * k0**3 + 27 * k0**2 + 17 * k0 - 18 * k * k0**2 - 18 * k * k0 + 6 * k**2 * k0) / 24
    spread = math.sqrt(variance) if variance >= 0 else math.nan
    se = 4 * spread / (2 * k - 1) if estimator == "L0" else 2 * spread / math.sqrt((k - 0.5) ** 2 - k0 * (2 * k - k0 - 1))
    return max(0, round(k0)), se


guard(__name__, "trim_and_fill")
