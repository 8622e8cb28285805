"""Intervals of tau2: Q-profile, profile likelihood, and the parametric bootstrap."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.optimize import brentq
from scipy.special import chdtri

from acuevidence.errors import InputError
from acuevidence.synthesis import kernel

if TYPE_CHECKING:
    from acuevidence.synthesis.result import MetaAnalysis

__all__ = ["tau2_interval"]


def tau2_interval(result: MetaAnalysis, method: str, level: float, n: int, seed: int | None) -> tuple[float, float]:
    """Return the interval of tau2.

    Parameters
    ----------
    result : MetaAnalysis
        Of two trials or more.
    method : {"QP", "PL", "BT"}
        Q-profile (Viechtbauer 2007, Statistics in Medicine 26:37-52), profile likelihood (Hardy and Thompson 1996,
        Statistics in Medicine 15:619-629), or percentiles of ``n`` parametric bootstrap samples.
    level : float
        Level of the interval.
    n, seed : int
        Samples and seed of the bootstrap.

    Returns
    -------
    tuple of float
        Lower and upper limit, 0 or more.
    """
    if result.method == "EE" or result.k - len(result.beta) < 1:
        raise InputError("tau2 has no interval: the model has none, or there are too few trials")
    y, v = result.yi[None], result.vi[None]
    X = None if result.X is None else result.X[None]
    if method == "QP":
        df = result.k - len(result.beta)
        upper_tail = np.array([0.5 - level / 2, 0.5 + level / 2])
        low, high = kernel.profile_q(y, v, X, chdtri(df, upper_tail))
        return float(low), float(high)
    if method == "PL":
        return _profile_likelihood(result, y, v, X, level)
    draws = np.random.default_rng(seed).normal(size=(n, result.k))
    fitted = np.full(result.k, result.estimate) if result.X is None else result.X @ result.beta
    samples = fitted + draws * np.sqrt(result.vi + (result.tau2 or 0.0))
    tau2 = kernel.fit(samples, np.broadcast_to(result.vi, samples.shape), result.X, method=result.method, test="z").tau2
    low, high = np.quantile(tau2, [0.5 - level / 2, 0.5 + level / 2])
    return float(low), float(high)


def _profile_likelihood(
    result: MetaAnalysis, y: np.ndarray, v: np.ndarray, X: np.ndarray | None, level: float
) -> tuple[float, float]:
    if result.method not in ("ML", "REML"):
        raise InputError(f"a profile likelihood needs method ML or REML, not {result.method}")
    restricted, best = result.method == "REML", float(result.tau2 or 0.0)

    def value(tau2: float) -> float:
        return float(kernel.log_likelihood(y, v, X, np.array([tau2]), restricted=restricted)[0])

    floor = value(best) - 0.5 * float(chdtri(1, 1 - level))
    low = 0.0 if value(0.0) >= floor else float(brentq(lambda t: value(t) - floor, 0.0, best, xtol=1e-14, rtol=1e-12))
    reach = max(best, float(np.median(v))) * 2
    while value(reach) > floor:
        reach *= 2
    return low, float(brentq(lambda t: value(t) - floor, best, reach, xtol=1e-14, rtol=1e-12))
