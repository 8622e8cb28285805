"""The rows of B meta-analyses as arrays, and the sums over trials that every estimator is made of."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

__all__ = ["Model", "dot", "traces"]

_OUTWEIGHED = 1e-2  # share of all but the largest weight below which traces lose digits to cancellation
_ORIGIN = 1e-18  # mean square by which a constant may miss the moderators that give it

Array = np.ndarray


@dataclass(frozen=True, slots=True)
class Model:
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
    def of(cls, y: Array, v: Array, X: Array | None) -> Model:
        """Return the rows of effects, variances and moderators, of which NaN marks what is absent."""
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

    def take(self, rows: Array) -> Model:
        """Return some of the rows, any of them more than once."""
        X = None if self.X is None else self.X[rows]
        back = self.back[rows] if self.back is not None and self.back.ndim == 3 else self.back
        return Model(self.y[rows], self.v[rows], X, back, self.present[rows], self.k[rows], self.p)

    def scaled(self) -> tuple[Model, Array, Array]:
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
        beta = dot(w, self.y) / w1
        r = self.y - beta[:, None]
        wr = w * r
        found = {"w1": w1, "beta": beta[:, None], "q": dot(wr, r)}
        if powers < 2:
            return found
        w2 = dot(w, w)
        tr_p = w1 - w2 / w1
        lost = tr_p < _OUTWEIGHED * w1
        some = bool(lost.any())
        if some:
            tr_p[lost], tr_pp = traces(w[lost])
        found |= {"ypp": dot(wr, wr), "tr_p": tr_p, "w2": w2}
        if powers < 3:
            return found
        ww = w * w
        w3 = dot(ww, w)
        wwr = dot(ww, r)
        found["yppp"] = dot(wr * w, wr) - wwr**2 / w1
        found["tr_pp"] = w2 - 2 * w3 / w1 + (w2 / w1) ** 2
        if some:
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
        found = {"w1": w.sum(axis=1), "beta": beta, "m": m, "q": dot(wr, r)}
        if powers < 2:
            return found
        g2 = m @ (np.swapaxes(xw, 1, 2) @ xw)
        found |= {"ypp": dot(wr, wr), "tr_p": found["w1"] - np.trace(g2, axis1=1, axis2=2), "w2": dot(w, w)}
        lost = np.flatnonzero(~(found["tr_p"] >= _OUTWEIGHED * found["w1"]))
        if powers < 3:
            return found | self._outweighed(w, found, lost, powers)
        g3 = m @ (np.swapaxes(xw, 1, 2) @ (xw * w[..., None]))
        xwwr = (np.swapaxes(xw, 1, 2) @ wr[..., None])[..., 0]
        found["yppp"] = dot(wr * w, wr) - ((xwwr[:, None] @ m)[:, 0] * xwwr).sum(axis=1)
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
        """Return log|X'X| of each row."""
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
    others = dot(w, w)[:, None] - w * w
    others[rows, top] = dot(rest, rest)
    diagonal = w * share
    return diagonal.sum(axis=1), dot(diagonal, diagonal) + dot(w * w, others) / total[:, 0] ** 2


def dot(a: Array, b: Array) -> Array:
    """Return the inner product of each row."""
    return np.einsum("bk,bk->b", a, b)
