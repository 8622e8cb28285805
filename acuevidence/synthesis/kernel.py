"""The one place where a heterogeneity variance is estimated: B meta-analyses at once.

Arrays have the shape (B, k), with NaN for absent trials, or (B, k, p) with moderators. Effects are taken about a centre and
variances relative to a typical one, so that every decision is the same whatever the unit of the effects. Chunks
bound the memory. Rows and their sums stand in ``kernel_rows``, the estimators of tau2 in ``kernel_tau2``.
"""

from __future__ import annotations

import math
import os
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, fields

import numpy as np
from scipy.special import chdtrc, ndtr, ndtri, stdtr, stdtrit

from acuevidence.synthesis.kernel_rows import Array, Model
from acuevidence.synthesis.kernel_tau2 import ESTIMATORS, solve_q, tau2_se

__all__ = ["METHODS", "TESTS", "Fits", "fit", "interval", "log_likelihood", "profile_q", "tail"]

METHODS = ("EE", "DL", "HE", "HS", "HSk", "SJ", "ML", "REML", "EB", "PM", "PMM")
TESTS = ("z", "t", "HKSJ", "HKSJ-adhoc")
_CHUNK = 1 << 16  # elements of one array held at a time: what the cache of a core holds
_CORES = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@dataclass(frozen=True, slots=True)
class Fits:
    """B fitted random-effects models.

    Attributes
    ----------
    beta : ndarray, (B, p)
        Coefficients.
    vcov : ndarray, (B, p, p)
        Their covariance under the chosen test.
    tau2, tau2_se : ndarray, (B,)
        Heterogeneity variance and its standard error.
    q, q_df : ndarray, (B,)
        Cochran's Q (residual, with moderators) and its degrees of freedom.
    i2, h2 : ndarray, (B,)
        I2 in percent from tau2 and the typical variance (under EE from Q), and H2.
    df : ndarray, (B,)
        Degrees of freedom of the coefficients' t distribution; inf for z.
    k : ndarray, (B,)
        Trials in each row.
    converged : ndarray of bool, (B,)
        Whether the estimator found its solution.
    """

    beta: Array
    vcov: Array
    tau2: Array
    tau2_se: Array
    q: Array
    q_df: Array
    i2: Array
    h2: Array
    df: Array
    k: Array
    converged: Array


def fit(y: Array, v: Array, X: Array | None = None, *, method: str = "REML", test: str = "HKSJ", tau2: Array | None = None) -> Fits:
    """Fit B random-effects models.

    Parameters
    ----------
    y, v : ndarray, (B, k)
        Effects and variances; NaN in ``y`` marks an absent trial. Rows must hold more trials than coefficients, or
        one trial and no moderator (its tau2 is NaN).
    X : ndarray, (k, p) or (B, k, p), optional
        Moderators with the intercept; of full rank in every row. Default: an intercept alone.
    method : str
        One of ``METHODS``.
    test : str
        One of ``TESTS``.
    tau2 : ndarray, (B,), optional
        A tau2 to use in place of an estimate.

    Returns
    -------
    Fits
        Coefficients, tau2, Q, I2 and what belongs to them.

    Notes
    -----
    Estimators as in Veroniki et al (2016, Research Synthesis Methods) and metafor: EE equal effects, DL
    DerSimonian-Laird, HE Hedges, HS Hunter-Schmidt (HSk with the small-sample correction), SJ Sidik-Jonkman, ML, REML,
    EB empirical Bayes, PM Paule-Mandel, PMM its median-unbiased variant. HKSJ scales the covariance by the weighted
    residual mean square (Knapp and Hartung 2003); ad hoc never below 1.
    """
    rows, k = y.shape
    width = k * (1 if X is None else X.shape[-1])
    size = max(1, _CHUNK // max(width, 1))

    def part(start: int) -> Fits:
        here = slice(start, start + size)
        x = X if X is None or X.ndim == 2 else X[here]
        return _fit_chunk(y[here], v[here], x, method, test, None if tau2 is None else tau2[here])

    parts = _side_by_side(part, range(0, rows, size))
    if len(parts) == 1:
        return parts[0]
    return Fits(**{f.name: np.concatenate([getattr(part, f.name) for part in parts]) for f in fields(Fits)})


def _side_by_side(part: Callable[[int], Fits], starts: range) -> list[Fits]:
    """Fit chunks on every core; the chunks, and so the bits, are the same on one."""
    workers = min(_CORES, len(starts))
    if workers < 2 or threading.current_thread() is not threading.main_thread():  # who came with threads has shared the cores out
        return [part(start) for start in starts]
    with ThreadPoolExecutor(workers) as pool:
        return list(pool.map(part, starts))


def interval(estimate: Array, se: Array, df: Array, level: float) -> tuple[Array, Array]:
    """Return interval limits from t quantiles with df degrees of freedom (inf: normal)."""
    half = quantile(0.5 + level / 2, df) * se
    return estimate - half, estimate + half


def quantile(p: float, df: Array) -> Array:
    """Return the quantile of t with df degrees of freedom, of the normal where df is inf."""
    each, place = np.unique(np.asarray(df, dtype=float), return_inverse=True)  # many fits have few different ones
    finite = np.isfinite(each)
    found = np.where(finite, stdtrit(np.where(finite, each, 1.0), p), ndtri(p))
    return np.asarray(found[place.reshape(np.shape(df))])


def tail(statistic: Array, df: Array) -> Array:
    """Return the two-sided P value of a t statistic with df degrees of freedom (inf: normal)."""
    df = np.asarray(df, dtype=float)
    finite = np.isfinite(df)
    low = -np.abs(statistic)
    return 2 * np.where(finite, stdtr(np.where(finite, df, 1.0), low), ndtr(low))


def profile_q(y: Array, v: Array, X: Array | None, targets: Array) -> Array:
    """Return, for one data set (1, k), the tau2 at which the generalised Q statistic meets each target; 0 where it cannot."""
    model, _, unit = Model.of(y, v, X).scaled()
    tau2, _ = solve_q(model.take(np.zeros(len(targets), dtype=int)), targets)
    return tau2 * unit[0]


def log_likelihood(y: Array, v: Array, X: Array | None, tau2: Array, *, restricted: bool) -> Array:
    """Return the (restricted) log-likelihood at given tau2, (B,), with every constant.

    The restricted one carries 0.5 log|X'X|, as in metafor.
    """
    model = Model.of(y, v, X)
    k, p = model.k, model.p
    value = model.log_profile(tau2, restricted)
    if not restricted:
        return value - 0.5 * k * math.log(2 * math.pi)
    return value - 0.5 * (k - p) * math.log(2 * math.pi) + 0.5 * model.log_det_xx()


def _fit_chunk(y: Array, v: Array, X: Array | None, method: str, test: str, given: Array | None) -> Fits:
    whole = Model.of(y, v, X)
    model, centre, unit = whole.scaled()
    k, p = model.k, model.p
    free = k - p
    fixed = model.weighted(np.zeros(len(k)), powers=3)
    converged = np.ones(len(k), dtype=bool)
    if given is not None:
        tau2 = given / unit
    elif method == "EE":
        tau2 = np.zeros(len(k))
    else:
        tau2 = np.full(len(k), np.nan)
        enough = np.flatnonzero(free > 0)
        some = model if len(enough) == len(k) else model.take(enough)
        tau2[enough], converged[enough] = ESTIMATORS[method](some)
    used = np.where(np.isnan(tau2), 0.0, tau2)
    at = model.weighted(used, powers=3 if method in ("REML", "PM", "EB", "PMM", "ML") else 2)
    beta, covariance = _coefficients(model, at, centre, unit)
    scale = _scale(test, at["q"], free)
    df = np.where((free > 0) & (test != "z"), free, np.inf).astype(float)
    se = tau2_se(method, model, used, at, fixed)
    i2, h2 = _inconsistency(method, tau2, fixed, free)
    return Fits(
        beta,
        covariance * (scale * unit)[:, None, None],
        tau2 * unit,
        np.where(np.isnan(tau2), np.nan, se) * unit,
        np.maximum(fixed["q"], 0.0),
        free,
        i2,
        h2,
        df,
        k,
        converged,
    )


def _coefficients(model: Model, at: dict[str, Array], centre: Array, unit: Array) -> tuple[Array, Array]:
    """Return the coefficients in the effects' own place and unit, and their covariance in that of the typical variance."""
    beta = at["beta"] * np.sqrt(unit)[:, None]
    if model.X is None:
        return beta + centre[:, None], (1 / at["w1"])[:, None, None]
    assert model.back is not None
    # The effects were taken about a centre, where the moderators can reproduce one.
    beta = (model.back @ beta[..., None])[..., 0] + model.ones()[0] * centre[:, None]
    return beta, model.back @ at["m"] @ np.swapaxes(model.back, -1, -2)


def _scale(test: str, q: Array, free: Array) -> Array:
    if test in ("z", "t"):
        return np.ones(len(q))
    s = np.where(free > 0, q / np.maximum(free, 1), 1.0)
    return np.maximum(s, 1.0) if test == "HKSJ-adhoc" else s


def _inconsistency(method: str, tau2: Array, fixed: dict[str, Array], free: Array) -> tuple[Array, Array]:
    known = free > 0
    df = np.maximum(free, 1)
    if method == "EE":
        q = np.maximum(fixed["q"], 1e-300)
        return np.where(known, np.maximum(0.0, 100 * (q - df) / q), 0.0), np.where(known, q / df, 1.0)
    typical = df / np.where(known, fixed["tr_p"], 1.0)
    tau2 = np.where(np.isnan(tau2), 0.0, tau2)
    return np.where(known, 100 * tau2 / (typical + tau2), 0.0), np.where(known, tau2 / typical + 1, 1.0)


def chi_square_tail(q: Array, df: Array) -> Array:
    """Return the upper tail of chi-square; 1 where there are no degrees of freedom."""
    return np.where(np.asarray(df) > 0, chdtrc(np.maximum(df, 1), q), 1.0)
