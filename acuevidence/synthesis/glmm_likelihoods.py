"""Exact likelihoods of the counts of one trial, with their derivatives: what a one-stage model integrates over.

Each class holds the counts of all trials and gives, at the trials' effects ``z`` (and own intercepts ``a`` where there are two
groups), the log-likelihood with every constant.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from scipy.special import expit, gammaln, logsumexp, xlogy

__all__ = ["Conditional", "Hypergeometric", "Likelihood", "Rate", "Terms", "TwoBinomials", "TwoPoissons"]

Array = np.ndarray
_STEPS = 100


@dataclass(frozen=True, slots=True)
class Terms:
    """Log-likelihood of each trial at each z, (k, m), with derivatives in z and in the trial's own intercept a."""

    value: Array
    z: Array
    zz: Array
    a: Array
    aa: Array
    za: Array


class Likelihood(Protocol):
    """What the counts of the trials say of their effects."""

    own_intercepts: bool

    def at(self, z: Array, a: Array) -> Terms:
        """Return the log-likelihood at effects z, (k, m), and intercepts a, (k, 1) or (k, m)."""

    def saturated(self) -> float:
        """Return the log-likelihood at each trial's own effect."""

    def own(self) -> tuple[Array, Array]:
        """Return each trial's own effect and its information, 0 where the effect is not finite."""

    def intercepts(self) -> Array:
        """Return where the trials' intercepts start, (k,): those of both groups together."""


def _no_intercept(value: Array, z: Array, zz: Array) -> Terms:
    none = np.zeros_like(value)
    return Terms(value, z, zz, none, none - 1.0, none)


def log_choose(n: Array, x: Array) -> Array:
    """Return the logarithm of n over x."""
    return gammaln(n + 1) - gammaln(x + 1) - gammaln(n - x + 1)


@dataclass(frozen=True, slots=True)
class TwoBinomials:
    """Two binomials with log odds a + z/2 and a - z/2; counts as columns, (k, 1)."""

    x1: Array
    n1: Array
    x2: Array
    n2: Array
    own_intercepts = True

    def at(self, z: Array, a: Array) -> Terms:
        """Return the log-likelihood and its derivatives."""
        e1, e2 = a + z / 2, a - z / 2
        p1, p2 = expit(e1), expit(e2)
        r1, r2 = self.x1 - self.n1 * p1, self.x2 - self.n2 * p2
        v1, v2 = self.n1 * p1 * (1 - p1), self.n2 * p2 * (1 - p2)
        value = log_choose(self.n1, self.x1) + log_choose(self.n2, self.x2) + self.x1 * e1 + self.x2 * e2
        value = value - self.n1 * np.logaddexp(0, e1) - self.n2 * np.logaddexp(0, e2)
        return Terms(value, (r1 - r2) / 2, -(v1 + v2) / 4, r1 + r2, -(v1 + v2), -(v1 - v2) / 2)

    def saturated(self) -> float:
        """Return the log-likelihood at each group's own risk."""
        return float((_binomial(self.x1, self.n1) + _binomial(self.x2, self.n2)).sum())

    def own(self) -> tuple[Array, Array]:
        """Return each trial's own log odds ratio and its information."""
        cells = np.hstack([self.x1, self.n1 - self.x1, self.x2, self.n2 - self.x2])
        full = (cells > 0).all(axis=1)
        safe = np.where(cells > 0, cells, 1.0)
        log = np.log(safe)
        return log[:, 0] - log[:, 1] - log[:, 2] + log[:, 3], np.where(full, 1 / (1 / safe).sum(axis=1), 0.0)

    def intercepts(self) -> Array:
        """Return the log odds of both groups together."""
        events, people = (self.x1 + self.x2)[:, 0], (self.n1 + self.n2)[:, 0]
        return np.log(events / (people - events))


@dataclass(frozen=True, slots=True)
class TwoPoissons:
    """Two Poisson counts with log rates a + z/2 and a - z/2; counts and times as columns, (k, 1)."""

    x1: Array
    t1: Array
    x2: Array
    t2: Array
    own_intercepts = True

    def at(self, z: Array, a: Array) -> Terms:
        """Return the log-likelihood and its derivatives."""
        e1, e2 = a + z / 2 + np.log(self.t1), a - z / 2 + np.log(self.t2)
        v1, v2 = np.exp(np.minimum(e1, 600.0)), np.exp(np.minimum(e2, 600.0))
        r1, r2 = self.x1 - v1, self.x2 - v2
        value = self.x1 * e1 - v1 - gammaln(self.x1 + 1) + self.x2 * e2 - v2 - gammaln(self.x2 + 1)
        return Terms(value, (r1 - r2) / 2, -(v1 + v2) / 4, r1 + r2, -(v1 + v2), -(v1 - v2) / 2)

    def saturated(self) -> float:
        """Return the log-likelihood at each group's own rate."""
        return float((_poisson(self.x1) + _poisson(self.x2)).sum())

    def own(self) -> tuple[Array, Array]:
        """Return each trial's own log rate ratio and its information."""
        x1, x2 = self.x1[:, 0], self.x2[:, 0]
        full = (x1 > 0) & (x2 > 0)
        s1, s2 = np.where(full, x1, 1.0), np.where(full, x2, 1.0)
        return np.log(s1 / self.t1[:, 0]) - np.log(s2 / self.t2[:, 0]), np.where(full, 1 / (1 / s1 + 1 / s2), 0.0)

    def intercepts(self) -> Array:
        """Return the log rates of both groups together."""
        return np.log((self.x1 + self.x2)[:, 0] / (self.t1 + self.t2)[:, 0])


@dataclass(frozen=True, slots=True)
class Conditional:
    """A binomial with log odds z + offset: the events of group 1 given all events, or those of one group; columns, (k, 1)."""

    x: Array
    n: Array
    offset: Array
    own_intercepts = False

    def at(self, z: Array, a: Array) -> Terms:
        """Return the log-likelihood and its derivatives."""
        eta = z + self.offset
        p = expit(eta)
        value = log_choose(self.n, self.x) + self.x * eta - self.n * np.logaddexp(0, eta)
        return _no_intercept(value, self.x - self.n * p, -self.n * p * (1 - p))

    def saturated(self) -> float:
        """Return the log-likelihood at each trial's own share."""
        return float(_binomial(self.x, self.n).sum())

    def own(self) -> tuple[Array, Array]:
        """Return each trial's own log odds, less the offset, and its information."""
        x, n = self.x[:, 0], self.n[:, 0]
        inside = (x > 0) & (x < n)
        x, n = np.where(inside, x, 1.0), np.where(inside, n, 2.0)
        return np.log(x / (n - x)) - self.offset[:, 0], np.where(inside, x * (n - x) / n, 0.0)

    def intercepts(self) -> Array:
        """Return zeros: there are none."""
        return np.zeros(len(self.x))


@dataclass(frozen=True, slots=True)
class Rate:
    """A Poisson count of one group with log rate z; counts and times as columns, (k, 1)."""

    x: Array
    t: Array
    own_intercepts = False

    def at(self, z: Array, a: Array) -> Terms:
        """Return the log-likelihood and its derivatives."""
        eta = z + np.log(self.t)
        mean = np.exp(np.minimum(eta, 600.0))
        return _no_intercept(self.x * eta - mean - gammaln(self.x + 1), self.x - mean, -mean)

    def saturated(self) -> float:
        """Return the log-likelihood at each trial's own rate."""
        return float(_poisson(self.x).sum())

    def own(self) -> tuple[Array, Array]:
        """Return each trial's own log rate and its information, the events."""
        x = self.x[:, 0]
        return np.log(np.where(x > 0, x, 1.0) / self.t[:, 0]), x

    def intercepts(self) -> Array:
        """Return zeros: there are none."""
        return np.zeros(len(self.x))


@dataclass(frozen=True, slots=True)
class Hypergeometric:
    """Events of group 1 given both margins: noncentral hypergeometric (Fisher's)."""

    support: Array  # (k, S), relative to what was observed
    log_count: Array  # (k, S), -inf beyond the support
    own_intercepts = False

    @classmethod
    def of(cls, x1: Array, n1: Array, x2: Array, n2: Array) -> Hypergeometric:
        """Return the distribution of each trial's events over its support."""
        events = x1 + x2
        low, high = np.maximum(0.0, events - n2), np.minimum(n1, events)
        x = low[:, None] + np.arange(int((high - low).max()) + 1)
        inside = x <= high[:, None]
        x = np.where(inside, x, low[:, None])
        count = log_choose(n1[:, None], x) + log_choose(n2[:, None], events[:, None] - x)
        here = log_choose(n1, x1) + log_choose(n2, x2)
        return cls(x - x1[:, None], np.where(inside, count - here[:, None], -np.inf))

    def at(self, z: Array, a: Array) -> Terms:
        """Return the log-likelihood and its derivatives."""
        logs = self.log_count[:, None, :] + z[..., None] * self.support[:, None, :]
        total = logsumexp(logs, axis=2)
        p = np.exp(logs - total[..., None])
        mean = np.einsum("kms,ks->km", p, self.support)
        square = np.einsum("kms,ks->km", p, self.support**2)
        return _no_intercept(-total, -mean, mean**2 - square)

    def saturated(self) -> float:
        """Return the log-likelihood at each trial's own conditional odds ratio (0 where that is 0 or infinite)."""
        z, information = self.own()
        return float(np.where(information > 0, self.at(z[:, None], z[:, None]).value[:, 0], 0.0).sum())

    def own(self) -> tuple[Array, Array]:
        """Return each trial's conditional log odds ratio and its information."""
        highest = np.where(np.isfinite(self.log_count), self.support, -np.inf).max(axis=1)
        finite = (self.support[:, 0] < 0) & (highest > 0)
        low, high = np.full(len(finite), -60.0), np.full(len(finite), 60.0)
        for _ in range(_STEPS):
            z = (low + high) / 2
            up = self.at(z[:, None], z[:, None]).z[:, 0] > 0
            low, high = np.where(up, z, low), np.where(up, high, z)
        return np.where(finite, z, 0.0), np.where(finite, -self.at(z[:, None], z[:, None]).zz[:, 0], 0.0)

    def intercepts(self) -> Array:
        """Return zeros: there are none."""
        return np.zeros(len(self.support))


def _binomial(x: Array, n: Array) -> Array:
    """Return the log-likelihood of binomial counts at their own shares."""
    return log_choose(n, x) + xlogy(x, x / n) + xlogy(n - x, 1 - x / n)


def _poisson(x: Array) -> Array:
    """Return the log-likelihood of Poisson counts at themselves."""
    return xlogy(x, x) - x - gammaln(x + 1)
