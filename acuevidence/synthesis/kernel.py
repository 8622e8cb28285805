"""The one place where a heterogeneity variance is estimated: B meta-analyses at once.

Arrays have the shape (B, k), with NaN for absent trials, or (B, k, p) with moderators. Effects are taken about a centre and
variances relative to a typical one, so that every decision is the same whatever the unit of the effects. Likelihoods are
scanned for every stationary point before any is refined, rows that are done leave the loop, and chunks bound the memory.
"""

from __future__ import annotations

import math
import os
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, fields, replace

import numpy as np
from scipy.special import chdtrc, chdtri, ndtr, ndtri, stdtr, stdtrit

__all__ = ["METHODS", "TESTS", "Fits", "fit", "interval", "log_likelihood", "profile_q", "tail", "traces"]

METHODS = ("EE", "DL", "HE", "HS", "HSk", "SJ", "ML", "REML", "EB", "PM", "PMM")
TESTS = ("z", "t", "HKSJ", "HKSJ-adhoc")
_CHUNK = 1 << 16  # elements of one array held at a time: what the cache of a core holds
_SCAN = (14, 28, 56)  # points at which a score is scanned: the fewest that lie within _RATIO of each other
_RATIO = 3.0
_TOGETHER = 1 << 13  # elements up to which a scan is one call
_STEPS = 100
_CORES = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
_OUTWEIGHED = 1e-2  # share of all but the largest weight below which traces lose digits to cancellation
_TOLERANCE = 1e-13
_ORIGIN = 1e-18  # mean square by which a constant may miss the moderators that give it
_LAST_STEP = 1e-8  # relative size of a Newton step after which its square lies below the precision of numbers

Array = np.ndarray


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
    Estimators as in Veroniki et al (2016, Research Synthesis Methods 7:55-79) and metafor: EE equal effects, DL
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
    df = np.asarray(df, dtype=float)
    finite = np.isfinite(df)
    return np.where(finite, stdtrit(np.where(finite, df, 1.0), p), ndtri(p))


def tail(statistic: Array, df: Array) -> Array:
    """Return the two-sided P value of a t statistic with df degrees of freedom (inf: normal)."""
    df = np.asarray(df, dtype=float)
    finite = np.isfinite(df)
    low = -np.abs(statistic)
    return 2 * np.where(finite, stdtr(np.where(finite, df, 1.0), low), ndtr(low))


def profile_q(y: Array, v: Array, X: Array | None, targets: Array) -> Array:
    """Return, for one data set (1, k), the tau2 at which the generalised Q statistic meets each target; 0 where it cannot."""
    model, _, unit = _Model.of(y, v, X).scaled()
    tau2, _ = solve_q(model.take(np.zeros(len(targets), dtype=int)), targets)
    return tau2 * unit[0]


def log_likelihood(y: Array, v: Array, X: Array | None, tau2: Array, *, restricted: bool) -> Array:
    """Return the (restricted) log-likelihood at given tau2, (B,), with every constant.

    The restricted one carries 0.5 log|X'X|, as in metafor.
    """
    model = _Model.of(y, v, X)
    k, p = model.k, model.p
    value = model.log_profile(tau2, restricted)
    if not restricted:
        return value - 0.5 * k * math.log(2 * math.pi)
    return value - 0.5 * (k - p) * math.log(2 * math.pi) + 0.5 * model.log_det_xx()


# --- a chunk -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Model:
    """Rows of data: absent trials have infinite variance, zero effect, and rows of zeros in X.

    X is held as Q of its QR decomposition, so that a year counted from the birth of Christ costs no digits.
    """

    y: Array
    v: Array
    X: Array | None  # None: an intercept alone
    back: Array | None  # the inverse of R, which turns coefficients of Q into those of the moderators
    present: Array
    k: Array
    p: int

    @classmethod
    def of(cls, y: Array, v: Array, X: Array | None) -> _Model:
        present = ~np.isnan(y)
        complete = bool(present.all())
        k = np.full(len(y), y.shape[1]) if complete else present.sum(axis=1)
        if not complete:
            y, v = np.where(present, y, 0.0), np.where(present, v, np.inf)
        if X is None:
            return cls(y, v, None, None, present, k, 1)
        if X.ndim == 3 and not complete:
            X = np.where(present[..., None], X, 0.0)
        Q, R = np.linalg.qr(X)
        Q = np.broadcast_to(Q, (*y.shape, X.shape[-1]))
        return cls(y, v, Q if complete else np.where(present[..., None], Q, 0.0), np.linalg.inv(R), present, k, X.shape[-1])

    def take(self, rows: Array) -> _Model:
        X = None if self.X is None else self.X[rows]
        back = self.back[rows] if self.back is not None and self.back.ndim == 3 else self.back
        return _Model(self.y[rows], self.v[rows], X, back, self.present[rows], self.k[rows], self.p)

    def scaled(self) -> tuple[_Model, Array, Array]:
        """Return the model about a centre and in units of a typical variance, with both."""
        unit = self.k / (1 / self.v).sum(axis=1)
        # The effect of the most precise trial: effects that are all alike then lie at 0 exactly, which no mean grants.
        centre = self.y[np.arange(len(self.y)), self.v.argmin(axis=1)]
        if self.X is not None:
            centre = np.where(self.ones()[1], centre, 0.0)  # a line through the origin cannot follow the effects
        y = np.where(self.present, self.y - centre[:, None], 0.0) / np.sqrt(unit)[:, None]
        return replace(self, y=y, v=self.v / unit[:, None]), centre, unit

    def ones(self) -> tuple[Array, Array]:
        """Return the coefficients (B, p) that give every trial an effect of 1, and whether there are any, (B,)."""
        assert self.X is not None
        assert self.back is not None
        turned, one = np.swapaxes(self.X, 1, 2), np.where(self.present, 1.0, 0.0)[..., None]
        found = np.linalg.inv(turned @ self.X) @ (turned @ one)
        there = ((one - self.X @ found) ** 2).sum(axis=(1, 2)) < _ORIGIN * self.k
        found = (self.back @ found)[..., 0]
        whole = np.round(found)  # an intercept: 1 for it and exactly 0 for the others
        return np.where(np.abs(found - whole) < 1e-9, whole, found), there

    def weighted(self, tau2: Array, powers: int = 2) -> dict[str, Array]:
        """Return sums over trials at given tau2, (B,) each: Q, traces of P and y'P^n y, up to a power of the weights."""
        w = self.v + tau2[:, None]
        np.divide(1.0, w, out=w)
        return self._sums(w, powers) if self.X is None else self._sums_x(w, powers)

    def _sums(self, w: Array, powers: int) -> dict[str, Array]:
        w1 = w.sum(axis=1)
        beta = _dot(w, self.y) / w1
        r = self.y - beta[:, None]
        wr = w * r
        found = {"w1": w1, "beta": beta[:, None], "q": _dot(wr, r)}
        if powers < 2:
            return found
        w2 = _dot(w, w)
        tr_p = w1 - w2 / w1
        lost = np.flatnonzero(tr_p < _OUTWEIGHED * w1)
        if len(lost):
            tr_p[lost], tr_pp = traces(w[lost])
        found |= {"ypp": _dot(wr, wr), "tr_p": tr_p, "w2": w2}
        if powers < 3:
            return found
        ww = w * w
        w3 = _dot(ww, w)
        wwr = _dot(ww, r)
        found["yppp"] = _dot(wr * w, wr) - wwr**2 / w1
        found["tr_pp"] = w2 - 2 * w3 / w1 + (w2 / w1) ** 2
        if len(lost):
            found["tr_pp"][lost] = tr_pp
        return found

    def _sums_x(self, w: Array, powers: int) -> dict[str, Array]:
        X = self.X
        assert X is not None
        xw = X * w[..., None]
        m = np.linalg.inv(np.swapaxes(X, 1, 2) @ xw)
        beta = (m @ (np.swapaxes(xw, 1, 2) @ self.y[..., None]))[..., 0]
        r = self.y - (X @ beta[..., None])[..., 0]
        wr = w * r
        found = {"w1": w.sum(axis=1), "beta": beta, "m": m, "q": _dot(wr, r)}
        if powers < 2:
            return found
        g2 = m @ (np.swapaxes(xw, 1, 2) @ xw)
        found |= {"ypp": _dot(wr, wr), "tr_p": found["w1"] - np.trace(g2, axis1=1, axis2=2), "w2": _dot(w, w)}
        lost = np.flatnonzero(~(found["tr_p"] >= _OUTWEIGHED * found["w1"]))
        if powers < 3:
            return found | self._outweighed(w, found, lost, powers)
        g3 = m @ (np.swapaxes(xw, 1, 2) @ (xw * w[..., None]))
        xwwr = (np.swapaxes(xw, 1, 2) @ wr[..., None])[..., 0]
        found["yppp"] = _dot(wr * w, wr) - ((xwwr[:, None] @ m)[:, 0] * xwwr).sum(axis=1)
        found["tr_pp"] = found["w2"] - 2 * np.trace(g3, axis1=1, axis2=2) + (g2 * np.swapaxes(g2, 1, 2)).sum(axis=(1, 2))
        return found | self._outweighed(w, found, lost, powers)

    def _outweighed(self, w: Array, found: dict[str, Array], lost: Array, powers: int) -> dict[str, Array]:
        """Return the sums with those of some rows taken anew from the QR decomposition of the weighted design.

        With it P = S (I - HH') S, S the roots of the weights, and all is a sum of squares; a row at a time, for its H H'.
        """
        assert self.X is not None
        better = {name: value.copy() for name, value in found.items()} if len(lost) else {}
        for row in lost:
            root = np.sqrt(w[row])
            H, R = np.linalg.qr(self.X[row] * root[:, None])
            back, u = np.linalg.inv(R), root * self.y[row]
            e = u - H @ (H.T @ u)
            left = np.eye(len(u)) - H @ H.T
            better["beta"][row], better["m"][row] = back @ (H.T @ u), back @ back.T
            better["q"][row], better["ypp"][row] = e @ e, (root * e) @ (root * e)
            better["tr_p"][row] = w[row] @ left.diagonal()
            if powers >= 3:
                z = w[row] * e
                better["yppp"][row] = z @ z - (H.T @ z) @ (H.T @ z)
                better["tr_pp"][row] = w[row] @ left**2 @ w[row]
        return better

    def log_profile(self, tau2: Array, restricted: bool) -> Array:
        """Return the (restricted) profile log-likelihood without its constants."""
        total = self.v + tau2[:, None]
        logs = np.where(self.present, np.log(np.where(self.present, total, 1.0)), 0.0).sum(axis=1)
        sums = self.weighted(tau2, powers=1)
        value = -0.5 * (logs + sums["q"])
        if not restricted:
            return value
        return value - 0.5 * np.log(sums["w1"]) if self.X is None else value + 0.5 * np.linalg.slogdet(sums["m"])[1]

    def log_det_xx(self) -> Array:
        if self.X is None:
            return np.log(self.k)
        return np.linalg.slogdet(np.swapaxes(self.X, 1, 2) @ self.X)[1]


def traces(w: Array) -> tuple[Array, Array]:
    """Return the traces of P and PP for weights of which one outweighs the others, by sums of positive terms alone."""
    rows, top = np.arange(len(w)), w.argmax(axis=1)
    rest = w.copy()
    rest[rows, top] = 0.0
    total = w.sum(axis=1, keepdims=True)
    share = 1 - w / total  # of the other trials
    share[rows, top] = rest.sum(axis=1) / total[:, 0]
    others = _dot(w, w)[:, None] - w * w
    others[rows, top] = _dot(rest, rest)
    diagonal = w * share
    return diagonal.sum(axis=1), _dot(diagonal, diagonal) + _dot(w * w, others) / total[:, 0] ** 2


def _dot(a: Array, b: Array) -> Array:
    return np.einsum("bk,bk->b", a, b)


def _fit_chunk(y: Array, v: Array, X: Array | None, method: str, test: str, given: Array | None) -> Fits:
    whole = _Model.of(y, v, X)
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
        tau2[enough], converged[enough] = _ESTIMATORS[method](some)
    used = np.where(np.isnan(tau2), 0.0, tau2)
    at = model.weighted(used, powers=3 if method in ("REML", "PM", "EB", "PMM", "ML") else 2)
    beta, covariance = _coefficients(model, at, centre, unit)
    scale = _scale(test, at["q"], free)
    df = np.where((free > 0) & (test != "z"), free, np.inf).astype(float)
    se = _tau2_se(method, model, used, at, fixed)
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


def _coefficients(model: _Model, at: dict[str, Array], centre: Array, unit: Array) -> tuple[Array, Array]:
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


# --- estimators, in units of the typical variance ----------------------------------------------------------------


def _dl(model: _Model) -> tuple[Array, Array]:
    s = model.weighted(np.zeros(len(model.k)))
    return _truncated((s["q"] - (model.k - model.p)) / s["tr_p"])


def _he(model: _Model) -> tuple[Array, Array]:
    trace, rss = _ols(model)
    return _truncated((rss - trace) / (model.k - model.p))


def _hs(model: _Model, corrected: bool = False) -> tuple[Array, Array]:
    s = model.weighted(np.zeros(len(model.k)))
    factor = model.k / (model.k - model.p) if corrected else 1.0
    return _truncated((factor * s["q"] - model.k) / s["w1"])


def _sj(model: _Model) -> tuple[Array, Array]:
    start = _sj_start(model)
    s = model.weighted(start)
    return start * s["q"] / (model.k - model.p), np.ones(len(start), dtype=bool)


def _sj_start(model: _Model) -> Array:
    mean = model.y.sum(axis=1) / model.k
    spread = np.where(model.present, model.y - mean[:, None], 0.0)
    start = _dot(spread, spread) / model.k
    # Equal effects leave nothing to start from; a hundredth of the typical variance is metafor's way out as well.
    return np.where(start > 0, start, 0.01)


def _ols(model: _Model) -> tuple[Array, Array]:
    """Return tr(PV) and the residual sum of squares of the unweighted fit."""
    v = np.where(model.present, model.v, 0.0)
    if model.X is None:
        mean = model.y.sum(axis=1) / model.k
        r = np.where(model.present, model.y - mean[:, None], 0.0)
        return v.sum(axis=1) * (1 - 1 / model.k), _dot(r, r)
    X = model.X
    m = np.linalg.inv(np.swapaxes(X, 1, 2) @ X)
    hat = ((X @ m) * X).sum(axis=2)
    r = model.y - (X @ (m @ (np.swapaxes(X, 1, 2) @ model.y[..., None])))[..., 0]
    return _dot(np.where(model.present, 1 - hat, 0.0), v), _dot(r, r)


def _truncated(tau2: Array) -> tuple[Array, Array]:
    return np.maximum(tau2, 0.0), np.ones(len(tau2), dtype=bool)


def _pm(model: _Model, median: bool = False) -> tuple[Array, Array]:
    """Solve Q(tau2) = k - p (or the median of its chi-square): Q falls in tau2, and Newton from the left never overshoots."""
    free = (model.k - model.p).astype(float)
    target = chdtri(free, 0.5) if median else free
    return solve_q(model, target)


def solve_q(model: _Model, target: Array) -> tuple[Array, Array]:
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


def _likelihood(model: _Model, restricted: bool) -> tuple[Array, Array]:
    """Maximise the (restricted) likelihood: scan its score, refine the roots from above to below, keep the best.

    Plain Fisher scoring does not converge, or stops at a lesser maximum, on a few data sets in ten thousand.
    """
    low, high = _range(model)
    width = np.log(high / low) / math.log(_RATIO)
    density = np.searchsorted([n - 2 for n in _SCAN[:-1]], width)
    found, converged = np.zeros(len(low)), np.ones(len(low), dtype=bool)
    for i in np.unique(density):
        rows = np.flatnonzero(density == i)
        some = model if len(rows) == len(low) else model.take(rows)
        inner = low[rows, None] * np.exp(np.log(high / low)[rows, None] * np.linspace(0, 1, _SCAN[i] - 1))
        points = np.concatenate([np.zeros((len(rows), 1)), inner], axis=1)
        found[rows], converged[rows] = _highest(some, points, restricted)
    return found, converged


def _highest(model: _Model, points: Array, restricted: bool) -> tuple[Array, Array]:
    """Return the highest maximum between points (B, n) of tau2, the first of them 0."""
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
    return found, converged


def _scan(model: _Model, points: Array, restricted: bool) -> Array:
    """Return the score at points (B, n): in one call for a few rows, whose cost is the calls."""
    rows, n = points.shape
    if points.size * model.y.shape[1] * model.p > _TOGETHER:
        return np.stack([_score(model, tau2, restricted)[0] for tau2 in points.T], axis=1)
    repeated = model.take(np.repeat(np.arange(rows), n))
    return _score(repeated, points.ravel(), restricted)[0].reshape(rows, n)


def _range(model: _Model) -> tuple[Array, Array]:
    """Return a tau2 that is nearly 0, and one beyond the last root of the score."""
    low = 1e-3 * model.v.min(axis=1)
    _, rss = _ols(model)
    high = 4 * rss / (model.k - model.p) + low
    for _ in range(200):
        # Beyond the spread of the effects the score is negative but for extreme designs; make sure.
        up = _score(model, high, True)[0] > 0
        if not up.any():
            break
        high = np.where(up, 4 * high, high)
    return low, high


def _score(model: _Model, tau2: Array, restricted: bool, slope: bool = False) -> tuple[Array, Array | None]:
    """Return twice the derivative of the (restricted) log-likelihood in tau2, and its slope."""
    s = model.weighted(tau2, powers=3 if slope else 2)
    score = s["ypp"] - (s["tr_p"] if restricted else s["w1"])
    if not slope:
        return score, None
    return score, -2 * s["yppp"] + (s["tr_pp"] if restricted else s["w2"])


def _refine(model: _Model, low: Array, high: Array, above: Array, below: Array, restricted: bool) -> tuple[Array, Array]:
    """Find the root of the score in a bracket: Newton steps, halved brackets where one would leave it.

    The start is where the line through the scores at both ends crosses zero. A small Newton step squares its error and is the last.
    """
    tau2 = low + (high - low) * above / (above - below)
    found, converged = tau2.copy(), np.zeros(len(tau2), dtype=bool)
    rows = np.arange(len(tau2))
    for _ in range(_STEPS):
        score, slope = _score(model, tau2, restricted, slope=True)
        assert slope is not None
        right = score > 0
        low, high = np.where(right, tau2, low), np.where(right, high, tau2)
        newton = tau2 - score / np.where(slope < 0, slope, -np.inf)
        inside = (newton >= low) & (newton <= high) & (slope < 0)
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


def _best(model: _Model, points: Array, scores: Array, falls: Array, restricted: bool) -> float:
    """Return the highest of several maxima of one row; 0 is one where the score starts negative."""
    where = np.flatnonzero(falls)
    many = model.take(np.zeros(len(where), dtype=int))
    roots, _ = _refine(many, points[where], points[where + 1], scores[where], scores[where + 1], restricted)
    candidates = np.concatenate([[0.0] if scores[0] <= 0 else [], roots])
    values = model.take(np.zeros(len(candidates), dtype=int)).log_profile(candidates, restricted)
    return float(candidates[int(np.argmax(values))])


_ESTIMATORS: dict[str, Callable[[_Model], tuple[Array, Array]]] = {
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


def _tau2_se(method: str, model: _Model, tau2: Array, at: dict[str, Array], fixed: dict[str, Array]) -> Array:
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


def _moment_se(method: str, model: _Model, tau2: Array, free: Array) -> Array:
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

    total = 2 * (_dot(free_part * v, v) + cross(scaled, scaled))
    total += 4 * tau2 * (_dot(free_part, v) + cross(scaled, plain))
    total += 2 * tau2**2 * (free_part.sum(axis=1) + cross(plain, plain))
    factor = 1.0 if method == "HE" else _sj_start(model)
    return factor / free * np.sqrt(np.maximum(total, 0.0))


def chi_square_tail(q: Array, df: Array) -> Array:
    """Return the upper tail of chi-square; 1 where there are no degrees of freedom."""
    return np.where(np.asarray(df) > 0, chdtrc(np.maximum(df, 1), q), 1.0)
