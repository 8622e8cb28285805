"""The one-stage model with its trials' effects integrated out, and its maximum.

Adaptive Gauss-Hermite quadrature, all trials and nodes at once; at a given tau the likelihood is concave in everything else, so
Newton steps find it, and tau is found from the sign of its score.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.optimize import brentq
from scipy.special import logsumexp

from acuevidence.errors import ConvergenceError
from acuevidence.synthesis.glmm_likelihoods import Likelihood

__all__ = ["Fit", "common_effect", "maximise"]

Array = np.ndarray
_TAUS = np.concatenate([[1e-4], np.geomspace(0.02, 20.0, 13)])
_NODES = 31
_STEPS = 100


@dataclass(frozen=True, slots=True)
class Fit:
    """The likelihood maximised over the mean and the intercepts at one tau.

    Attributes
    ----------
    theta, a, tau : float, ndarray (k,), float
        Mean effect, the trials' intercepts (zeros where there are none) and the spread of the true effects.
    loglik : float
        Log-likelihood with every constant.
    gradient, hessian : ndarray, (k, 3) and (k, 3, 3)
        Each trial's derivatives in theta, tau and its intercept.
    """

    theta: float
    a: Array
    tau: float
    loglik: float
    gradient: Array
    hessian: Array

    @property
    def covariance(self) -> Array:
        """Covariance of theta and tau (of theta alone at tau 0), the intercepts profiled out."""
        cross = self.hessian[:, :2, 2]
        inner = self.hessian[:, 2, 2]
        profile = self.hessian[:, :2, :2].sum(axis=0) - np.einsum("ki,kj->ij", cross / inner[:, None], cross)
        return np.linalg.inv(-profile if self.tau > 0 else -profile[:1, :1])


def _marginal(trials: Likelihood, theta: float, a: Array, tau: float) -> tuple[float, Array, Array]:
    """Return the log-likelihood with the trials' effects integrated out, and its derivatives a trial (Louis 1982)."""
    s, weight = _nodes(trials, theta, a, tau)
    terms = trials.at(theta + tau * s, a[:, None])
    logs = terms.value - s**2 / 2 + weight
    total = logsumexp(logs, axis=1)
    p = np.exp(logs - total[:, None])
    first = np.stack([terms.z, s * terms.z, terms.a], axis=-1)
    rows = [[terms.zz, s * terms.zz, terms.za], [s * terms.zz, s**2 * terms.zz, s * terms.za], [terms.za, s * terms.za, terms.aa]]
    second = np.stack([np.stack(row, axis=-1) for row in rows], axis=-2)
    gradient = np.einsum("km,kmi->ki", p, first)
    hessian = np.einsum("km,kmij->kij", p, second + first[..., :, None] * first[..., None, :])
    return float(total.sum()), gradient, hessian - gradient[:, :, None] * gradient[:, None, :]


def _nodes(trials: Likelihood, theta: float, a: Array, tau: float) -> tuple[Array, Array]:
    """Return nodes of the standardised random effect about each trial's posterior mode, and their log weights."""
    if tau == 0:
        return np.zeros((len(a), 1)), np.zeros((len(a), 1))
    s = np.zeros((len(a), 1))
    for _ in range(_STEPS):
        terms = trials.at(theta + tau * s, a[:, None])
        step = (tau * terms.z - s) / (1 - tau**2 * terms.zz)
        s = s + np.clip(step, -2.0, 2.0)
        if np.abs(step).max() < 1e-8:
            break
    spread = (1 - tau**2 * trials.at(theta + tau * s, a[:, None]).zz) ** -0.5
    x, w = np.polynomial.hermite.hermgauss(_NODES)
    return s + np.sqrt(2) * spread * x, np.log(w) + x**2 + np.log(spread) - 0.5 * np.log(np.pi)


def _at_tau(trials: Likelihood, theta: float, a: Array, tau: float) -> Fit:
    """Maximise over the mean and the intercepts: concave, Newton steps halved where they would lose."""
    value, gradient, hessian = _marginal(trials, theta, a, tau)
    for _ in range(_STEPS):
        inner = hessian[:, 2, 2]
        cross = hessian[:, 0, 2] / inner
        step = -(gradient[:, 0] - cross * gradient[:, 2]).sum() / (hessian[:, 0, 0] - cross * hessian[:, 0, 2]).sum()
        steps = -gradient[:, 2] / inner - cross * step
        size = max(abs(step), float(np.abs(steps).max()))
        scale = min(1.0, 2.0 / size) if size > 0 else 1.0
        for _ in range(30):
            new = _marginal(trials, theta + scale * step, a + scale * steps, tau)
            if new[0] >= value - 1e-9 * abs(value):
                break
            scale /= 2
        theta, a = theta + scale * step, a + scale * steps
        value, gradient, hessian = new
        if size < 1e-9:
            return Fit(theta, a, tau, value, gradient, hessian)
    raise ConvergenceError("the likelihood has no maximum that can be found; use mantel_haenszel() or peto()")


def common_effect(trials: Likelihood) -> Fit:
    """Return the fit in which all trials have one effect (tau 0)."""
    own, information = trials.own()
    start = float(information @ own / information.sum()) if information.sum() > 0 else 0.0
    return _at_tau(trials, start, trials.intercepts(), 0.0)


def maximise(trials: Likelihood, common: Fit) -> Fit:
    """Return the fit at the best tau; ``common`` is the one at tau 0.

    Raises
    ------
    ConvergenceError
        Where the likelihood still rises at a spread that no effects have.
    """
    fits = [common]
    scores: list[float] = []
    for tau in _TAUS:
        fits.append(_at_tau(trials, fits[-1].theta, fits[-1].a, float(tau)))
        scores.append(float(fits[-1].gradient[:, 1].sum()))
        if len(scores) > 4 and max(scores[-3:]) < 0:
            break
    best = common
    for i in np.flatnonzero((np.array(scores[:-1]) > 0) & (np.array(scores[1:]) <= 0)):
        near = fits[i + 1]

        def score(tau: float, near: Fit = near) -> float:
            return float(_at_tau(trials, near.theta, near.a, tau).gradient[:, 1].sum())

        root = brentq(score, _TAUS[i], _TAUS[i + 1], xtol=1e-10, rtol=1e-10)
        found = _at_tau(trials, near.theta, near.a, float(root))
        best = found if found.loglik > best.loglik else best
    if scores[-1] > 0:
        raise ConvergenceError("the likelihood still rises at tau = 20: the trials do not share a model; use effects='equal'")
    return best
