"""Likelihood of effects whose covariance is linear in its parameters: ``M = V + sum_k g_k K_k``.

Knows linear algebra only: rows fall into blocks that do not touch each other, blocks of equal size are handled
as one stack, and the log-likelihood, its score and its average information come out of one pass. What the
``g_k`` mean (levels, outcomes, networks) is the business of the modules that build on it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from acuevidence.errors import ConvergenceError

__all__ = ["Ascent", "Curve", "Kernel", "LinearCovariance", "climb", "climb_many", "connected", "same_level", "stacks"]

Kernel = Callable[[np.ndarray], np.ndarray]
"""Maps rows of shape (B, n) to their pattern K of shape (B, n, n)."""

Objective = Callable[[np.ndarray], tuple[float, np.ndarray, np.ndarray]]
"""Maps parameters to the value, its gradient, and minus its curvature."""


def same_level(level: np.ndarray) -> Kernel:
    """Pattern of a random effect: 1 where two rows share their level, else 0."""
    return lambda rows: level[rows][:, :, None] == level[rows][:, None, :]


def connected(n: int, levels: Sequence[np.ndarray], V: np.ndarray) -> np.ndarray:
    """Label the rows by block: those that share a level of any factor or a non-zero covariance in ``V``."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    heads = [np.arange(n)] * len(levels)
    tails = [n * (1 + j) + np.unique(level, return_inverse=True)[1] for j, level in enumerate(levels)]
    if V.ndim == 2:
        i, j = np.nonzero(V)
        heads, tails = [*heads, i], [*tails, j]
    i, j = np.concatenate([[0], *heads]), np.concatenate([[0], *tails])
    size = n * (1 + len(levels))
    return connected_components(coo_array((np.ones(len(i)), (i, j)), shape=(size, size)), directed=False)[1][:n]


def stacks(block: np.ndarray) -> list[np.ndarray]:
    """Rows of every block, blocks of equal size together: arrays of shape (blocks, size)."""
    _, code, size = np.unique(block, return_inverse=True, return_counts=True)
    order = np.argsort(code, kind="stable")
    members = size[code[order]]
    return [order[members == n].reshape(-1, n) for n in np.unique(size)]


@dataclass(frozen=True, slots=True)
class Likelihood:
    """One evaluation: log-likelihood, score and average information in ``g``, fixed effects, ``Q = r'Wr``."""

    value: float
    score: np.ndarray
    information: np.ndarray
    beta: np.ndarray
    vcov: np.ndarray
    q: float


class LinearCovariance:
    """Effects ``y ~ N(X beta, V + sum_k g_k K_k)`` in independent blocks.

    Parameters
    ----------
    y : ndarray (n,)
    X : ndarray (n, p)
        Full column rank.
    V : ndarray (n,) or (n, n)
        Known sampling variances or covariances.
    kernels : sequence of Kernel
        The patterns ``K_k``.
    block : ndarray (n,)
        Block number of every row; no ``K_k`` and no entry of ``V`` may join two blocks.
    restricted : bool
        REML (True) or ML.

    Notes
    -----
    REML is ``-1/2 [(n-p) log 2pi - log|X'X| + log|M| + log|X'WX| + r'Wr]`` with ``W = inv(M)``, which is
    metafor's constant (Harville 1974, Biometrika). The score is ``1/2 [y'P K P y - tr(P K)]``
    (for ML ``tr(W K)``), the average information ``1/2 y'P K_j P K_k P y`` (Gilmour, Thompson & Cullis 1995,
    Biometrics).
    """

    def __init__(
        self,
        y: np.ndarray,
        X: np.ndarray,
        V: np.ndarray,
        kernels: Sequence[Kernel],
        block: np.ndarray,
        restricted: bool = True,
    ):
        self.y, self.X, self.V, self.kernels, self.block, self.restricted = y, X, V, kernels, block, restricted
        self._basis, self._triangle = np.linalg.qr(X)
        self._stacks = [
            (rows, self.sampling(rows), [kernel(rows) for kernel in kernels], self._basis[rows], y[rows]) for rows in stacks(block)
        ]

    def sampling(self, rows: np.ndarray) -> np.ndarray:
        """Give the sampling covariance of rows (B, n) as (B, n, n)."""
        if self.V.ndim == 2:
            return self.V[rows[:, :, None], rows[:, None, :]]
        return self.V[rows][:, :, None] * np.eye(rows.shape[1])

    def marginal(self, g: np.ndarray, rows: np.ndarray) -> np.ndarray:
        """Give the covariance ``M`` of rows (B, n) as (B, n, n)."""
        return _weighted(self.sampling(rows), g, [kernel(rows) for kernel in self.kernels])

    @staticmethod
    def _weighted_basis(
        V: np.ndarray, g: np.ndarray, K: Sequence[np.ndarray], Q: np.ndarray
    ) -> tuple[np.ndarray, float, np.ndarray]:
        W, logdet = _invert(_weighted(V, g, K))
        return W, logdet, W @ Q

    def __call__(self, g: np.ndarray) -> Likelihood:
        """Evaluate the log-likelihood and its derivatives at ``g``."""
        n, p = self.X.shape
        parts, logdet = [], 0.0
        QWQ, QWy = np.zeros((p, p)), np.zeros(p)
        for _, V, K, Q, y in self._stacks:
            W, block_logdet, WQ = self._weighted_basis(V, g, K, Q)
            logdet += block_logdet
            QWQ += np.einsum("bnp,bnq->pq", Q, WQ)
            QWy += np.einsum("bnp,bn->p", WQ, y)
            parts.append((W, WQ))
        C = np.linalg.inv(QWQ)
        b = C @ QWy
        rss, m = 0.0, len(g)
        trace, quadratic = np.zeros(m), np.zeros(m)
        UWU, UWQ = np.zeros((m, m)), np.zeros((m, p))
        for (_, _, K, Q, y), (W, WQ) in zip(self._stacks, parts, strict=True):
            r = y - Q @ b
            Py = np.einsum("bij,bj->bi", W, r)
            rss += float(np.vdot(r, Py))
            U = np.stack([np.einsum("bij,bj->bi", k, Py) for k in K], axis=-1) if m else np.zeros((*r.shape, 0))
            quadratic += np.einsum("bn,bnk->k", Py, U)
            trace += [_inner(W, k) - self.restricted * _inner(WQ @ C, k @ WQ) for k in K]
            UWU += np.einsum("bnj,bnk->jk", U, W @ U)
            UWQ += np.einsum("bnk,bnp->kp", U, WQ)
        value = -0.5 * (n * np.log(2 * np.pi) + logdet + rss)
        if self.restricted:
            value += 0.5 * (p * np.log(2 * np.pi) - np.linalg.slogdet(QWQ)[1])
        back = np.linalg.inv(self._triangle)
        score, information = 0.5 * (quadratic - trace), 0.5 * (UWU - UWQ @ C @ UWQ.T)
        return Likelihood(value, score, information, back @ b, back @ C @ back.T, rss)

    def projection(self, g: np.ndarray) -> np.ndarray:
        """Give the diagonal of ``P = W - WX inv(X'WX) X'W``, row by row."""
        found = [(rows, *self._weighted_basis(V, g, K, Q)) for rows, V, K, Q, _ in self._stacks]
        C = np.linalg.inv(sum(np.einsum("bnp,bnq->pq", self._basis[rows], WQ) for rows, _, _, WQ in found))
        diagonal = np.empty(len(self.y))
        for rows, W, _, WQ in found:
            diagonal[rows] = np.einsum("bii->bi", W) - np.einsum("bnp,pq,bnq->bn", WQ, C, WQ)
        return diagonal


def _weighted(V: np.ndarray, g: np.ndarray, K: Sequence[np.ndarray]) -> np.ndarray:
    M = V.copy()
    for weight, k in zip(g, K, strict=True):
        M += weight * k
    return M


def _inner(a: np.ndarray, b: np.ndarray) -> float:
    return float(np.einsum("bij,bij->", a, b))


def _invert(M: np.ndarray) -> tuple[np.ndarray, float]:
    """Inverse of a stack of positive definite matrices, and the sum of their log-determinants."""
    if len(M) == 1 and M.shape[1] > 100:  # LAPACK's symmetric inverse: a third of the work
        from scipy.linalg import lapack

        factor, failed = lapack.dpotrf(M[0].T, lower=1)
        if failed:
            raise np.linalg.LinAlgError("not positive definite")
        logdet = 2 * float(np.log(np.diag(factor)).sum())
        half = np.tril(lapack.dpotri(factor, lower=1, overwrite_c=1)[0])
        return (half + np.tril(half, -1).T)[None], logdet
    factor = np.linalg.cholesky(M)
    return np.linalg.inv(M), 2 * float(np.log(np.diagonal(factor, axis1=1, axis2=2)).sum())


@dataclass(frozen=True, slots=True, eq=False)
class Curve:
    """Weights ``g`` of the patterns as a function of parameters.

    Attributes
    ----------
    build : callable
        Gives ``g`` (m,) at parameters (t,); takes complex numbers too, by whose steps derivatives are taken.
    lower, upper, scale : ndarray, (t,)
        The box of the parameters and their typical sizes.
    straight : bool
        Whether the parameters are ``g`` themselves.
    """

    build: Callable[[np.ndarray], np.ndarray]
    lower: np.ndarray
    upper: np.ndarray
    scale: np.ndarray
    straight: bool = False

    def slope(self, theta: np.ndarray) -> np.ndarray:
        """Return the derivatives of ``g`` (m, t)."""
        tiny = 1e-30 * self.scale
        return np.stack([self.build(theta + 1j * tiny * one).imag / (tiny @ one) for one in np.eye(len(theta))], axis=1)

    def climbed(self, theta: np.ndarray, score: np.ndarray, information: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return gradient and minus the curvature in the parameters, from those in ``g``."""
        if self.straight:
            return score, information
        J, near = self.slope(theta), 1e-4 * self.scale
        bend = np.stack(
            [
                score @ (self.slope(theta + near * one) - self.slope(theta - near * one)) / (2 * near @ one)
                for one in np.eye(len(theta))
            ]
        )
        return score @ J, J.T @ information @ J - (bend + bend.T) / 2


@dataclass(frozen=True, slots=True)
class Ascent:
    """Where the climb ended: parameters, value, gradient, minus curvature, and the number of steps."""

    at: np.ndarray
    value: float
    steps: int


def climb(
    objective: Objective,
    start: np.ndarray,
    *,
    lower: np.ndarray,
    upper: np.ndarray,
    scale: np.ndarray,
    tolerance: float = 1e-10,
    most: int = 500,
) -> Ascent:
    """Maximise inside a box by safeguarded Newton steps.

    Bounds that the gradient pushes against are held; the curvature is made positive by the absolute values of
    its eigenvalues, so that every step climbs; steps are halved until the value does not fall.

    Parameters
    ----------
    objective : callable
        Gives value, gradient and minus the curvature (or an approximation such as the average information).
    start, lower, upper, scale : ndarray
        Starting point, box, and a typical size of each parameter.
    tolerance : float
        Ends when no parameter moves by more than ``tolerance * (scale + |parameter|)``.
    most : int
        Number of steps after which the search is given up.

    Raises
    ------
    ConvergenceError
        When ``most`` steps do not suffice.
    """
    at = np.clip(start, lower, upper)
    value, gradient, curvature = objective(at)
    for taken in range(most):
        free = ~(((at <= lower) & (gradient <= 0)) | ((at >= upper) & (gradient >= 0)))
        step = np.zeros(len(at))
        if free.any():
            step[free] = _newton(curvature[np.ix_(free, free)], gradient[free], scale[free])
        reach = 1.0
        while True:
            there = np.clip(at + reach * step, lower, upper)
            small = np.all(np.abs(there - at) <= tolerance * (scale + np.abs(at)))
            if small and reach < 1:
                return Ascent(at, value, taken)
            new = objective(there)
            if new[0] >= value - 1e-13 * (1 + abs(value)):
                break
            reach /= 2
        at, (value, gradient, curvature) = there, new
        if small:
            return Ascent(at, value, taken + 1)
    raise ConvergenceError(f"the likelihood did not settle within {most} steps; simplify the random part or try method='ML'")


def climb_many(
    objective: Callable[[np.ndarray], tuple[np.ndarray, np.ndarray, np.ndarray]],
    value_of: Callable[[np.ndarray], np.ndarray],
    start: np.ndarray,
    *,
    lower: np.ndarray,
    upper: np.ndarray,
    scale: np.ndarray,
    tolerance: float = 1e-9,
    most: int = 200,
) -> tuple[np.ndarray, np.ndarray]:
    """Maximise several functions at once inside a box, as :func:`climb` does one.

    Parameters
    ----------
    objective : callable
        Gives values (B,), gradients (B, m) and minus the curvatures (B, m, m) at parameters (B, m).
    value_of : callable
        Gives the values alone.
    start, scale : ndarray, (B, m)
        Where to begin, and typical sizes.
    lower, upper : ndarray, (m,)
        The box.
    tolerance, most
        As in :func:`climb`.

    Returns
    -------
    at, value : ndarray
        Parameters (B, m) and values (B,).

    Raises
    ------
    ConvergenceError
        When ``most`` steps do not suffice.
    """
    at = np.clip(start, lower, upper)
    value, gradient, curvature = objective(at)
    eye = np.eye(at.shape[1])
    for _ in range(most):
        held = ((at <= lower) & (gradient <= 0)) | ((at >= upper) & (gradient >= 0))
        H = curvature * scale[:, :, None] * scale[:, None, :]
        H = np.where(held[:, :, None] | held[:, None, :], 0.0, H) + held[:, :, None] * eye * np.abs(H).max()
        size, vector = np.linalg.eigh(H)
        slope = np.einsum("bji,bj->bi", vector, np.where(held, 0.0, gradient * scale))
        size = np.maximum(np.abs(size), 1e-10 * np.abs(size).max(axis=1, keepdims=True) + 1e-300)
        step = np.where(held, 0.0, np.einsum("bij,bj->bi", vector, slope / size))
        step *= scale * np.minimum(1.0, 100 / np.maximum(np.abs(step).max(axis=1, keepdims=True), 1e-300))
        reach = np.ones((len(at), 1))
        for _ in range(40):
            there = np.clip(at + reach * step, lower, upper)
            falls = ~(value_of(there) >= value - 1e-12 * (1 + np.abs(value)))
            if not falls.any():
                break
            reach = np.where(falls[:, None], reach / 2, reach)
        still = (np.abs(there - at) <= tolerance * (scale + np.abs(at))).all(axis=1)
        level = (slope**2 / size).sum(axis=1) <= 1e-14 * (1 + np.abs(value))  # no step can gain what counts
        small = (still | level).all()
        at = there
        value, gradient, curvature = objective(at)
        if small:
            return at, value
    raise ConvergenceError(f"one of the likelihoods did not settle within {most} steps; simplify the model")


def _newton(curvature: np.ndarray, gradient: np.ndarray, scale: np.ndarray) -> np.ndarray:
    """Step ``|H|^-1 gradient`` in units of ``scale``, at most 100 of them."""
    value, vector = np.linalg.eigh(curvature * np.outer(scale, scale))
    slope = vector.T @ (gradient * scale)
    # Without curvature (effects that are all alike) the step is as long as it may be, and not infinite.
    value = np.maximum(np.abs(value), max(1e-10 * np.abs(value).max(), 1e-4 * np.abs(slope).max(), 1e-300))
    step = vector @ (slope / value)
    return scale * step * min(1.0, 100 / max(np.abs(step).max(), 1e-300))
