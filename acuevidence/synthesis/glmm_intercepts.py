"""The one-stage model in which the trials' intercepts are random too: two integrals a trial.

Adaptive Gauss-Hermite quadrature in two dimensions, all trials and nodes at once; the likelihood is maximised over its four
parameters by Newton steps along the directions in which it bends.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import logsumexp

from acuevidence.errors import ConvergenceError
from acuevidence.synthesis.glmm_likelihoods import Likelihood, Terms

__all__ = ["InterceptsFit", "random_intercepts"]

Array = np.ndarray
_NODES = 21
_STEPS = 200
_TAUS = (0.1, 0.5, 1.5)
_ZERO = 1e-4  # a spread of effects below it is none


@dataclass(frozen=True, slots=True)
class InterceptsFit:
    """The likelihood maximised over theta, alpha (mean intercept), tau and sigma (spread of the intercepts).

    Attributes
    ----------
    theta, alpha, tau, sigma : float
        The parameters; tau is 0 where the effects do not differ, or may not.
    loglik : float
        Log-likelihood with every constant.
    covariance : ndarray
        Of theta and tau (of theta alone at tau 0), from the information on all parameters.
    """

    theta: float
    alpha: float
    tau: float
    sigma: float
    loglik: float
    covariance: Array


def random_intercepts(trials: Likelihood, theta: float, effects: str) -> InterceptsFit:
    """Return the best fit with intercepts from one normal distribution; ``theta`` is where the mean effect starts.

    Raises
    ------
    ConvergenceError
        Where no maximum is found.
    """
    a = trials.intercepts()
    start = np.array([theta, a.mean(), 0.0, max(float(a.std()), 0.3)])
    best, value, hessian = _climb(trials, start, np.array([0, 1, 3]))
    free = np.array([0, 1, 3])
    for tau in _TAUS if effects == "random" else ():
        start = np.array([best[0], best[1], tau, best[3]])
        found, higher, bend = _climb(trials, start, np.arange(4))
        if abs(found[2]) > _ZERO and higher > value + 1e-9:
            best, value, hessian, free = found, higher, bend, np.arange(4)
    covariance = np.linalg.inv(-hessian)
    kept = [0, 2] if len(free) == 4 else [0]
    turn = np.sign(best[2]) if len(free) == 4 else 1.0
    covariance = covariance[np.ix_(kept, kept)]
    if len(kept) == 2:
        covariance = covariance * np.array([[1.0, turn], [turn, 1.0]])
    return InterceptsFit(float(best[0]), float(best[1]), abs(float(best[2])), abs(float(best[3])), value, covariance)


def _climb(trials: Likelihood, at: Array, free: Array) -> tuple[Array, float, Array]:
    """Return the nearest maximum over the free parameters, its value and second derivatives."""
    value, gradient, hessian = _marginal(trials, at)
    for _ in range(_STEPS):
        bend, axes = np.linalg.eigh(hessian[np.ix_(free, free)])
        steepest = axes.T @ gradient[free]
        step = axes @ (steepest / np.maximum(np.abs(bend), 1e-8))
        gain = float(gradient[free] @ step)
        size = min(1.0, 1.0 / float(np.abs(step).max()))
        for _ in range(40):
            new = at.copy()
            new[free] += size * step
            result = _marginal(trials, new)
            if result[0] >= value:
                break
            size /= 2
        else:
            return at, value, hessian[np.ix_(free, free)]
        at, (value, gradient, hessian) = new, result
        if gain < 1e-10 * max(1.0, abs(value)):  # Newton's steps double the digits: this one was the last that counts
            return at, value, hessian[np.ix_(free, free)]
    raise ConvergenceError("the likelihood has no maximum that can be found; use model='UM.FS' or mantel_haenszel()")


def _marginal(trials: Likelihood, at: Array) -> tuple[float, Array, Array]:
    """Return the log-likelihood with effects and intercepts integrated out, its gradient and second derivatives (Louis 1982)."""
    theta, alpha, tau, sigma = at
    s, u, weight = _nodes(trials, at)
    terms = trials.at(theta + tau * s, alpha + sigma * u)
    logs = terms.value - (s**2 + u**2) / 2 + weight
    total = logsumexp(logs, axis=1)
    p = np.exp(logs - total[:, None])
    slopes, of = np.stack([np.ones_like(s), np.ones_like(s), s, u], axis=-1), np.array([0, 1, 0, 1])
    first = slopes * np.stack([terms.z, terms.a], axis=-1)[..., of]
    bends = np.stack([np.stack([terms.zz, terms.za], axis=-1), np.stack([terms.za, terms.aa], axis=-1)], axis=-2)
    second = slopes[..., :, None] * slopes[..., None, :] * bends[..., of[:, None], of]
    gradient = np.einsum("km,kmi->ki", p, first)
    hessian = np.einsum("km,kmij->kij", p, second + first[..., :, None] * first[..., None, :])
    return float(total.sum()), gradient.sum(axis=0), (hessian - gradient[:, :, None] * gradient[:, None, :]).sum(axis=0)


def _nodes(trials: Likelihood, at: Array) -> tuple[Array, Array, Array]:
    """Return nodes of both standardised random effects about each trial's posterior mode, and their log weights."""
    theta, alpha, tau, sigma = at
    scale = np.array([tau, sigma])
    mode = np.zeros((len(trials.intercepts()), 2))
    for _ in range(_STEPS):
        terms = trials.at(theta + tau * mode[:, :1], alpha + sigma * mode[:, 1:])
        slope = scale * np.hstack([terms.z, terms.a]) - mode
        step = np.linalg.solve(_precision(terms, scale), slope[..., None])[..., 0]
        mode = mode + np.clip(step, -2.0, 2.0)
        if np.abs(step).max() < 1e-8:
            break
    terms = trials.at(theta + tau * mode[:, :1], alpha + sigma * mode[:, 1:])
    spread = np.linalg.cholesky(np.linalg.inv(_precision(terms, scale)))
    x, w = np.polynomial.hermite.hermgauss(_NODES)
    pairs = np.stack(np.meshgrid(x, x, indexing="ij"), axis=-1).reshape(-1, 2)
    weight = (np.log(w)[:, None] + np.log(w)).ravel() + (pairs**2).sum(axis=1) - np.log(np.pi)
    nodes = mode[:, None, :] + np.sqrt(2) * np.einsum("kij,mj->kmi", spread, pairs)
    size = np.log(np.diagonal(spread, axis1=1, axis2=2)).sum(axis=1)
    return nodes[..., 0], nodes[..., 1], weight + size[:, None]


def _precision(terms: Terms, scale: Array) -> Array:
    """Return minus the second derivatives of each trial's log posterior, (k, 2, 2)."""
    bends = np.stack([np.hstack([terms.zz, terms.za]), np.hstack([terms.za, terms.aa])], axis=-2)
    return np.eye(2) - scale[:, None] * scale * bends
