"""Least squares on the graph of a network, and the variance between its trials.

Knows trials as :class:`network_contrasts.Trials` and treatments as numbers.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from acuevidence.synthesis.covariance import Kernel, LinearCovariance, climb
from acuevidence.synthesis.network_contrasts import Trials, centred_inverse

__all__ = [
    "Fit",
    "by_design",
    "degrees",
    "design_potentials",
    "fit",
    "highest",
    "likelihood",
    "misfit",
    "moments",
    "reml",
    "tau2_within",
    "within_designs",
]


@dataclass(frozen=True, slots=True)
class Fit:
    """Weighted least squares on the network: potentials of the treatments, their pseudo-covariance, and Q."""

    theta: np.ndarray
    covariance: np.ndarray
    q: float


def fit(trials: tuple[Trials, ...], n: int, tau2: float = 0.0, basis: np.ndarray | None = None) -> Fit:
    """Fit the consistency model by weighted least squares on the graph of ``n`` treatments.

    With a ``basis`` (n, r) the potentials are its linear combinations: an additive model of what treatments consist of.
    The trials must tell all its columns apart.
    """
    L, pull = np.zeros((n, n)), np.zeros(n)
    weighted = [(group, group.laplacian(tau2)) for group in trials]
    for group, laplacian in weighted:
        np.add.at(L, (group.arms[:, :, None], group.arms[:, None, :]), laplacian)
        np.add.at(pull, group.arms, -(laplacian * group.y).sum(axis=2))
    covariance = centred_inverse(L) if basis is None else basis @ np.linalg.solve(basis.T @ L @ basis, basis.T)
    theta = covariance @ pull
    return Fit(theta, covariance, sum(misfit(g, w, theta[g.arms]).sum() for g, w in weighted))


def degrees(trials: tuple[Trials, ...]) -> int:
    """Independent contrasts that the trials give."""
    return sum(len(g.trial) * (g.arms.shape[1] - 1) for g in trials)


def misfit(group: Trials, laplacian: np.ndarray, theta: np.ndarray) -> np.ndarray:
    """Q of each trial around potentials ``theta`` (S, m) of its arms."""
    r = group.y - (theta[:, :, None] - theta[:, None, :])
    return -(laplacian * r**2).sum(axis=(1, 2)) / 2


def by_design(trials: tuple[Trials, ...]) -> list[tuple[Trials, np.ndarray]]:
    """Trials with the number of their design (the set of arms) within their group."""
    return [(group, np.unique(group.arms, axis=0, return_inverse=True)[1].ravel()) for group in trials]


def within_designs(trials: tuple[Trials, ...], tau2: float = 0.0) -> tuple[float, int]:
    """Q around the mean of each design, and its degrees of freedom."""
    q, df = 0.0, 0
    for group, design in by_design(trials):
        laplacian = group.laplacian(tau2)
        theta = design_potentials(group, design, laplacian)[0]
        q += float(misfit(group, laplacian, theta[design]).sum())
        df += (len(design) - len(theta)) * (group.arms.shape[1] - 1)
    return q, df


def design_potentials(group: Trials, design: np.ndarray, laplacian: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Pooled potentials (D, m) of each design's arms, and the pooled Laplacian (D, m, m)."""
    m = group.arms.shape[1]
    L = np.zeros((design.max() + 1, m, m))
    pull = np.zeros(L.shape[:2])
    np.add.at(L, design, laplacian)
    np.add.at(pull, design, -(laplacian * group.y).sum(axis=2))
    return (centred_inverse(L) @ pull[..., None])[..., 0], L


def tau2_within(trials: tuple[Trials, ...]) -> float:
    """Moment estimator of tau2 around the mean of each design; 0 where no design has two trials."""
    (q, df), trace = within_designs(trials), 0.0
    for group, design in by_design(trials):
        L = group.laplacian(0.0)
        spread = centred_inverse(design_potentials(group, design, L)[1])[design]
        trace += np.trace(L, axis1=1, axis2=2).sum() - (spread * (L @ L)).sum()
    return float(max(0.0, (q - df) / (trace / 2))) if df else 0.0


def moments(trials: tuple[Trials, ...], common: Fit, df: int) -> float:
    """Generalised DerSimonian-Laird: ``(Q - df) / tr[(I - H)(BB' o E / 2) W]``, at least 0."""
    trace = 0.0
    for group in trials:
        L = group.laplacian(0.0)
        spread = common.covariance[group.arms[:, :, None], group.arms[:, None, :]]
        trace += np.trace(L, axis1=1, axis2=2).sum() - (spread * (L @ L)).sum()
    return float(max(0.0, (common.q - df) / (trace / 2)))


def likelihood(trials: tuple[Trials, ...], basis: np.ndarray, *, joint: bool = True, designs: bool = False) -> LinearCovariance:
    """Restricted likelihood of the contrasts of each trial against its last treatment.

    Parameters
    ----------
    trials : tuple of Trials
    basis : ndarray (n, r)
        Potentials of the treatments are its linear combinations; the trials must tell its columns apart.
    joint : bool
        Whether the sampling errors of a trial with several arms keep their covariance.
    designs : bool
        Whether a second variance belongs to the designs (the sets of arms), beside the one of the trials: contrasts of a
        level share half of its variance.
    """
    size = degrees(trials)
    y, V = np.empty(size), np.zeros((size, size))
    X = np.empty((size, basis.shape[1]))
    trial, arm, design = np.empty((3, size), dtype=int)
    at = seen = 0
    for g, which in by_design(trials):
        s, m = g.arms.shape
        rows = at + np.arange(s * (m - 1)).reshape(s, m - 1)
        last = g.v[:, :-1, -1]
        shared = (last[:, :, None] + last[:, None, :] - g.v[:, :-1, :-1]) / 2
        V[rows[:, :, None], rows[:, None, :]] = shared if joint else shared * np.eye(m - 1)
        y[rows], trial[rows], arm[rows] = g.y[:, :-1, -1], g.trial[:, None], g.arms[:, :-1]
        design[rows] = seen + which[:, None]
        X[rows] = basis[g.arms[:, :-1]] - basis[g.arms[:, -1:]]
        at, seen = at + rows.size, seen + which.max() + 1

    def within(level: np.ndarray) -> Kernel:
        def kernel(rows: np.ndarray) -> np.ndarray:
            same, alike = (one[rows][:, :, None] == one[rows][:, None, :] for one in (level, arm))
            return same * (1.0 + alike) / 2

        return kernel

    if designs:
        return LinearCovariance(y, X, V, [within(trial), within(design)], design)
    return LinearCovariance(y, X, V, [within(trial)], trial)


def highest(model: LinearCovariance) -> np.ndarray:
    """Variances at which the restricted likelihood is highest."""

    def objective(g: np.ndarray) -> tuple[float, np.ndarray, np.ndarray]:
        at = model(g)
        return at.value, at.score, at.information

    count = len(model.kernels)
    start = np.full(count, model.V.diagonal().mean())
    return climb(objective, start, lower=np.zeros(count), upper=np.full(count, np.inf), scale=start).at


def reml(trials: tuple[Trials, ...], basis: np.ndarray, *, joint: bool) -> float:
    """Restricted maximum likelihood of tau2; ``basis`` and ``joint`` as in :func:`likelihood`."""
    return float(highest(likelihood(trials, basis, joint=joint))[0])
