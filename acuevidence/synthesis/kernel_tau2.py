"""Estimators of the heterogeneity variance and their standard errors, for the rows of a batch, in units of the typical variance.

Likelihoods are scanned for every stationary point before any is refined, and rows that are done leave the loop.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from scipy.special import chdtri

from acuevidence.synthesis.kernel_rows import Array, Model, dot

__all__ = ["ESTIMATORS", "solve_q", "tau2_se"]

_SCAN = (14, 28, 56)  # points at which a score is scanned: the fewest that lie within _RATIO of each other
_RATIO = 3.0
_TOGETHER = 1 << 13  # elements up to which a scan is one call
_STEPS = 100
_TOLERANCE = 1e-13
_FARTHEST = 1e60  # times the spread of the effects: no score is positive there
_LAST_STEP = 1e-8  # relative size of a Newton step after which its square lies below the precision of numbers


def _dl(model: Model) -> tuple[Array, Array]:
    s = model.weighted(np.zeros(len(model.k)))
    return _truncated((s["q"] - (model.k - model.p)) / s["tr_p"])


def _he(model: Model) -> tuple[Array, Array]:
    trace, rss = _ols(model)
    return _truncated((rss - trace) / (model.k - model.p))


def _hs(model: Model, corrected: bool = False) -> tuple[Array, Array]:
    s = model.weighted(np.zeros(len(model.k)))
    factor = model.k / (model.k - model.p) if corrected else 1.0
    return _truncated((factor * s["q"] - model.k) / s["w1"])


def _sj(model: Model) -> tuple[Array, Array]:
    start = _sj_start(model)
    s = model.weighted(start)
    return start * s["q"] / (model.k - model.p), np.ones(len(start), dtype=bool)


def _sj_start(model: Model) -> Array:
    mean = model.y.sum(axis=1) / model.k
    spread = np.where(model.present, model.y - mean[:, None], 0.0)
    start = dot(spread, spread) / model.k
    # Equal effects leave nothing to start from; a hundredth of the typical variance is metafor's way out as well.
    return np.where(start > 0, start, 0.01)


def _ols(model: Model) -> tuple[Array, Array]:
    """Return tr(PV) and the residual sum of squares of the unweighted fit."""
    v = np.where(model.present, model.v, 0.0)
    if model.X is None:
        mean = model.y.sum(axis=1) / model.k
        r = np.where(model.present, model.y - mean[:, None], 0.0)
        return v.sum(axis=1) * (1 - 1 / model.k), dot(r, r)
    X = model.X
    m = np.linalg.inv(np.swapaxes(X, 1, 2) @ X)
    hat = ((X @ m) * X).sum(axis=2)
    r = model.y - (X @ (m @ (np.swapaxes(X, 1, 2) @ model.y[..., None])))[..., 0]
    return dot(np.where(model.present, 1 - hat, 0.0), v), dot(r, r)


def _truncated(tau2: Array) -> tuple[Array, Array]:
    return np.maximum(tau2, 0.0), np.ones(len(tau2), dtype=bool)


def _pm(model: Model, median: bool = False) -> tuple[Array, Array]:
    """Solve Q(tau2) = k - p (or the median of its chi-square): Q falls in tau2, and Newton from the left never overshoots."""
    free = (model.k - model.p).astype(float)
    target = chdtri(free, 0.5) if median else free
    return solve_q(model, target)


def solve_q(model: Model, target: Array) -> tuple[Array, Array]:
    """Return the tau2 at which Q meets its target, 0 where it starts below; Q is convex and falling in tau2."""
    tau2 = np.zeros(len(target))
    converged = np.zeros(len(target), dtype=bool)
    rows = np.arange(len(target))
    active, aim = model, target
    for _ in range(_STEPS):
        s = active.weighted(tau2[rows])
        gap = s["q"] - aim
        step = np.where(gap > 0, gap, 0.0) / np.where(gap > 0, s["ypp"], 1.0)  # effects that agree exactly have no ypp
        tau2[rows] += step
        done = (gap <= 0) | (step <= _TOLERANCE * tau2[rows])
        converged[rows[done]] = True
        if done.all():
            break
        keep = ~done
        rows, aim, active = rows[keep], aim[keep], active.take(keep)
    return tau2, converged


def _likelihood(model: Model, restricted: bool, reach: float = 4.0) -> tuple[Array, Array]:
    """Maximise the (restricted) likelihood: scan its score, refine the roots from above to below, keep the best.

    Plain Fisher scoring does not converge, or stops at a lesser maximum, on a few data sets in ten thousand. Beyond ``reach`` times
    the spread of the effects the score is negative but for extreme designs, which are scanned further.
    """
    low = 1e-3 * model.v.min(axis=1)
    high = reach * _ols(model)[1] / (model.k - model.p) + low
    width = np.log(high / low) / math.log(_RATIO)
    density = np.searchsorted([n - 2 for n in _SCAN[:-1]], width)
    found, converged, beyond = np.zeros(len(low)), np.ones(len(low), dtype=bool), np.zeros(len(low), dtype=bool)
    for i in np.unique(density):
        rows = np.flatnonzero(density == i)
        some = model if len(rows) == len(low) else model.take(rows)
        inner = low[rows, None] * np.exp(np.log(high / low)[rows, None] * np.linspace(0, 1, _SCAN[i] - 1))
        points = np.concatenate([np.zeros((len(rows), 1)), inner], axis=1)
        found[rows], converged[rows], beyond[rows] = _highest(some, points, restricted)
    if beyond.any() and reach < _FARTHEST:
        found[beyond], converged[beyond] = _likelihood(model.take(np.flatnonzero(beyond)), restricted, 4 * reach)
    return found, converged


def _highest(model: Model, points: Array, restricted: bool) -> tuple[Array, Array, Array]:
    """Return the highest maximum between points (B, n) of tau2, the first of them 0, and whether there is one beyond them."""
    scores = _scan(model, points, restricted)
    falls = (scores[:, :-1] > 0) & (scores[:, 1:] <= 0)
    maxima = falls.sum(axis=1) + (scores[:, 0] <= 0)
    first = falls.argmax(axis=1)
    found, converged = np.zeros(len(first)), np.ones(len(first), dtype=bool)
    inner = np.flatnonzero(falls.any(axis=1))
    if len(inner):
        some = model if len(inner) == len(first) else model.take(inner)
        low, high = ((inner, first[inner] + i) for i in (0, 1))
        found[inner], converged[inner] = _refine(some, points[low], points[high], scores[low], scores[high], restricted)
    for row in np.flatnonzero(maxima > 1):
        found[row] = _best(model.take(np.array([row])), points[row], scores[row], falls[row], restricted)
    return found, converged, scores[:, -1] > 0


def _scan(model: Model, points: Array, restricted: bool) -> Array:
    """Return the score at points (B, n): in one call for a few rows, whose cost is the calls."""
    rows, n = points.shape
    if points.size * model.y.shape[1] * model.p > _TOGETHER:
        return np.stack([_score(model, tau2, restricted) for tau2 in points.T], axis=1)
    repeated = model.take(np.repeat(np.arange(rows), n))
    return _score(repeated, points.ravel(), restricted).reshape(rows, n)


def _score(model: Model, tau2: Array, restricted: bool) -> Array:
    """Return twice the derivative of the (restricted) log-likelihood in tau2."""
    s = model.weighted(tau2)
    score: Array = s["ypp"] - (s["tr_p"] if restricted else s["w1"])
    return score


def _score_and_step(model: Model, tau2: Array, restricted: bool) -> tuple[Array, Array]:
    """Return the score, and the step to where the ratio of its two parts is 1; NaN where the ratio does not rise in tau2.

    The ratio is a line in tau2 where variances are alike, so that few steps suffice.
    """
    s = model.weighted(tau2, powers=3)
    known, own = (s["tr_p"], s["tr_pp"]) if restricted else (s["w1"], s["w2"])
    score, rise = s["ypp"] - known, 2 * known * s["yppp"] - own * s["ypp"]
    return score, score * s["ypp"] / np.where(rise > 0, rise, np.nan)


def _refine(model: Model, low: Array, high: Array, above: Array, below: Array, restricted: bool) -> tuple[Array, Array]:
    """Find the root of the score in a bracket: Newton steps, halved brackets where one would leave it.

    The start is where the line through the scores at both ends crosses zero. A small Newton step squares its error and is the last.
    """
    tau2 = low + (high - low) * above / (above - below)
    found, converged = tau2.copy(), np.zeros(len(tau2), dtype=bool)
    rows = np.arange(len(tau2))
    for _ in range(_STEPS):
        score, step = _score_and_step(model, tau2, restricted)
        right = score > 0
        low, high = np.where(right, tau2, low), np.where(right, high, tau2)
        newton = tau2 + step
        inside = (newton >= low) & (newton <= high)
        new = np.where(inside, newton, 0.5 * (low + high))
        done = (inside & (np.abs(new - tau2) <= _LAST_STEP * tau2)) | (high - low <= _TOLERANCE * high)
        found[rows] = new
        converged[rows[done]] = True
        if done.all():
            break
        if done.any():
            keep = ~done
            rows, new, low, high, model = rows[keep], new[keep], low[keep], high[keep], model.take(keep)
        tau2 = new
    return found, converged


def _best(model: Model, points: Array, scores: Array, falls: Array, restricted: bool) -> float:
    """Return the highest of several maxima of one row; 0 is one where the score starts negative."""
    where = np.flatnonzero(falls)
    many = model.take(np.zeros(len(where), dtype=int))
    roots, _ = _refine(many, points[where], points[where + 1], scores[where], scores[where + 1], restricted)
    candidates = np.concatenate([[0.0] if scores[0] <= 0 else [], roots])
    values = model.take(np.zeros(len(candidates), dtype=int)).log_profile(candidates, restricted)
    return float(candidates[int(np.argmax(values))])


ESTIMATORS: dict[str, Callable[[Model], tuple[Array, Array]]] = {
    "DL": _dl,
    "HE": _he,
    "HS": _hs,
    "HSk": lambda model: _hs(model, corrected=True),
    "SJ": _sj,
    "ML": lambda model: _likelihood(model, restricted=False),
    "REML": lambda model: _likelihood(model, restricted=True),
    "EB": _pm,
    "PM": _pm,
    "PMM": lambda model: _pm(model, median=True),
}


def tau2_se(method: str, model: Model, tau2: Array, at: dict[str, Array], fixed: dict[str, Array]) -> Array:
    """Return the standard error of tau2 (metafor, rma.uni), in units of the typical variance."""
    k, p = model.k, model.p
    free = np.maximum(k - p, 1)
    if method == "EE":
        return np.zeros(len(k))
    if method == "ML":
        return np.sqrt(2 / at["w2"])
    if method == "REML":
        return np.sqrt(2 / np.where(k > p, at["tr_pp"], 1.0))
    if method in ("EB", "PM", "PMM"):
        return np.sqrt(2 * k**2 / free) / at["w1"]
    if method in ("DL", "HS", "HSk"):
        share = {"DL": np.where(k > p, fixed["tr_p"], 1.0), "HS": fixed["w1"], "HSk": fixed["w1"] * free / k}[method]
        inner = 2 * free + 4 * tau2 * fixed["tr_p"] + 2 * tau2**2 * fixed["tr_pp"]
        return np.sqrt(inner) / share
    return _moment_se(method, model, tau2, free)


def _moment_se(method: str, model: Model, tau2: Array, free: Array) -> Array:
    """Return the standard error of HE and SJ from tr(PVPV), tr(PVP) and tr(PP) of their P = W - WX(X'WX)^-1 X'W."""
    present = np.where(model.present, 1.0, 0.0)
    w = present if method == "HE" else 1 / (model.v + _sj_start(model)[:, None])
    X = present[..., None] if model.X is None else model.X
    turned = np.swapaxes(X, 1, 2)
    m = np.linalg.inv(turned @ (X * w[..., None]))
    v = np.where(model.present, model.v, 0.0)
    ww = w * w
    free_part = ww * (1 - 2 * w * ((X @ m) * X).sum(axis=2))
    plain, scaled = (m @ (turned @ (X * a[..., None])) for a in (ww, ww * v))

    def cross(a: Array, b: Array) -> Array:
        return (a * np.swapaxes(b, 1, 2)).sum(axis=(1, 2))

    total = 2 * (dot(free_part * v, v) + cross(scaled, scaled))
    total += 4 * tau2 * (dot(free_part, v) + cross(scaled, plain))
    total += 2 * tau2**2 * (free_part.sum(axis=1) + cross(plain, plain))
    factor = 1.0 if method == "HE" else _sj_start(model)
    return factor / free * np.sqrt(np.maximum(total, 0.0))
