"""Random-effects logistic models of two-by-two tables: exact likelihoods in place of approximate normal effects.

Knows counts. Each trial's log odds ratio is integrated out by adaptive Gauss-Hermite quadrature, all trials and nodes at once; at
a given tau the likelihood is concave in everything else, so Newton steps find it, and tau is found from the sign of its score.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
import pandas as pd
from scipy.optimize import brentq
from scipy.special import expit, gammaln, logsumexp

from acuevidence import words
from acuevidence.arguments import guard
from acuevidence.errors import ConvergenceError, InputError
from acuevidence.inputs import choice, refuse
from acuevidence.synthesis import kernel
from acuevidence.synthesis.coefficients import NormalEffect
from acuevidence.synthesis.two_by_two import Tables, read_tables

__all__ = ["GlmmMetaAnalysis", "glmm"]

Array = np.ndarray
_NORMAL = np.array(np.inf)
_TAUS = np.concatenate([[1e-4], np.geomspace(0.02, 20.0, 13)])
_NODES = 31
_STEPS = 100


@dataclass(frozen=True, slots=True, kw_only=True, repr=False, eq=False)
class GlmmMetaAnalysis(NormalEffect):
    """A random-effects logistic model of two-by-two tables.

    Attributes
    ----------
    estimate, se, statistic, p_value, ci_low, ci_high : float
        Mean log odds ratio (positive: more events in group 1), its standard error, z test and interval at ``level``.
    tau2, tau2_se : float
        Variance of the trials' true log odds ratios and its standard error (NaN at 0, where there is none).
    i2, h2 : float
        I2 in percent and H2, from tau2 and the typical variance of the trials' log odds ratios.
    q, q_df, q_p : float
        Likelihood ratio test for heterogeneity: the saturated model against one common odds ratio.
    q_wald, q_wald_p : float
        Wald's version; trials whose own odds ratio is 0 or infinite count nothing.
    loglik, aic, bic : float
        Maximised log-likelihood with every constant, and the information criteria from it.
    k : int
        Trials in the likelihood.
    model : str
        ``UM.FS`` or ``CM.EL``.
    level : float
        Level of the interval.
    data : DataFrame
        The tables used, with the trials' own ``yi`` and ``vi``.
    excluded : DataFrame
        Tables left out, with a ``reason``.
    """

    events: ClassVar[bool] = True  # its effects compare counts of events
    model_name: ClassVar[str] = "Logistic"

    estimate: float
    se: float
    tau2: float
    tau2_se: float
    i2: float
    h2: float
    q: float
    q_df: int
    q_p: float
    q_wald: float
    q_wald_p: float
    loglik: float
    aic: float
    bic: float
    k: int
    model: str
    level: float
    data: pd.DataFrame = field(repr=False)
    excluded: pd.DataFrame = field(repr=False)

    @property
    def conventions(self) -> str:
        """What was computed, in words for captions."""
        how = {"UM.FS": "fixed trial effects", "CM.EL": "exact conditional likelihood"}[self.model]
        return f"Random-effects logistic model, {how}, τ² by maximum likelihood; normal interval."

    @property
    def measure(self) -> str:
        """Effect measure, always the odds ratio."""
        return "OR"

    def to_frame(self) -> pd.DataFrame:
        """Return one row, with k, tau2, I2 and the tests for heterogeneity beside the effect."""
        beside = {name: getattr(self, name) for name in ("k", "tau2", "i2", "q", "q_p", "q_wald", "q_wald_p", "model")}
        return self.coefficients.reset_index().assign(**beside)

    def _sentences(self) -> list[str]:
        how = {"UM.FS": "binomial likelihood with fixed trial effects", "CM.EL": "exact conditional likelihood"}
        low, mid, high = (words.number(value, 3, ratio=True) for value in np.exp([self.ci_low, self.estimate, self.ci_high]))
        lines = [
            f"{self.k} trials. Random-effects logistic model, {how[self.model]} ({self.model}), maximum likelihood by adaptive "
            "quadrature; normal interval.",
            f"Mean log odds ratio {self.estimate:.3f} ({100 * self.level:g}% CI {self.ci_low:.3f} to {self.ci_high:.3f}; "
            f"P {words.p(self.p_value)}). As a ratio {mid} ({low} to {high}).",
            f"Heterogeneity: tau2 {self.tau2:.4f}, I2 {self.i2:.1f}%, likelihood ratio {self.q:.2f} (df {self.q_df}, "
            f"P {words.p(self.q_p)}), Wald {self.q_wald:.2f} (P {words.p(self.q_wald_p)}).",
        ]
        if len(self.excluded):
            lines.append(f"Left out: {len(self.excluded)} rows, with reasons in .excluded.")
        return lines


def glmm(events1: Any = "events1", n1: Any = "n1", events2: Any = "events2", n2: Any = "n2", *, model: str = "UM.FS",
         data: pd.DataFrame | None = None, labels: Any = None, level: float = 0.95) -> GlmmMetaAnalysis:  # fmt: skip
    """Pool odds ratios by a random-effects logistic model of the counts themselves.

    Parameters
    ----------
    events1, n1, events2, n2 : array-like or column names
        Events and people in the treatment group (1) and the control group (2); whole numbers.
    model : {"UM.FS", "CM.EL"}
        Unconditional model with fixed trial effects, or conditional model with the exact (noncentral hypergeometric)
        likelihood.
    data : DataFrame, optional
        Where column names are looked up.
    labels : array-like or column name, optional
        Names of the trials.
    level : float
        Level of the interval.

    Returns
    -------
    GlmmMetaAnalysis

    Raises
    ------
    InputError
        For impossible counts (named by row) or fewer than two trials with information.
    ConvergenceError
        Where every trial points to an odds ratio of 0, or every one to infinity.

    Notes
    -----
    Models 4 and 7 of Stijnen, Hamza and Ozdemir (2010, Statistics in Medicine 29:3046-3067), with the random effect coded
    +1/2 and -1/2 in UM.FS, as metafor's rma.glmm. Tables where nobody or everybody had the event are left out: they carry
    no information on the odds ratio. With 31 nodes a trial the integrals are exact to about nine digits (rma.glmm: 7 in UM.FS).

    Examples
    --------
    >>> from acuevidence import glmm
    >>> pooled = glmm([4, 6, 3, 9], [123, 306, 231, 150], [11, 29, 11, 8], [139, 303, 220, 150], model="CM.EL")
    >>> round(pooled.estimate, 2), round(pooled.tau2, 2)
    (-0.99, 0.27)
    """
    choice("model", model, ("UM.FS", "CM.EL"))
    given = read_tables(data, labels, events1=events1, n1=n1, events2=events2, n2=n2)
    for name in ("events1", "n1", "events2", "n2"):
        counted = getattr(given, name)
        refuse(counted != np.round(counted), f"{name} must be whole numbers", counted, given.index)
    excluded = pd.DataFrame({"study": given.labels[given.empty], "reason": "nobody or everybody had the event"})
    t = given.take(~given.empty)
    _identified(t)
    trials = (_Binomial if model == "UM.FS" else _Hypergeometric).of(t)
    fit, common = _maximise(trials)
    return _result(t, trials, fit, common, model, float(level), excluded)


def _identified(t: Tables) -> None:
    if len(t.n1) < 2:
        raise InputError(f"a random-effects model needs two trials with information on the odds ratio, not {len(t.n1)}")
    events = t.events1 + t.events2
    low, high = np.maximum(0.0, events - t.n2), np.minimum(t.n1, events)
    for edge, what in ((low, "0"), (high, "infinity")):
        if (t.events1 == edge).all():
            raise ConvergenceError(
                f"every trial points to an odds ratio of {what}; use mantel_haenszel(measure='RD') or peto()"
            )


# --- likelihoods of one trial's table at a log odds ratio z -------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Terms:
    """Log-likelihood of each trial at each z, (k, m), with derivatives in z and in the trial's own intercept a."""

    value: Array
    z: Array
    zz: Array
    a: Array
    aa: Array
    za: Array


@dataclass(frozen=True, slots=True)
class _Binomial:
    """Two binomials with log odds a + z/2 and a - z/2."""

    x1: Array
    n1: Array
    x2: Array
    n2: Array
    constant: Array
    own_intercepts = True

    @classmethod
    def of(cls, t: Tables) -> _Binomial:
        x1, n1, x2, n2 = (c[:, None] for c in (t.events1, t.n1, t.events2, t.n2))
        return cls(x1, n1, x2, n2, _log_choose(n1, x1) + _log_choose(n2, x2))

    def at(self, z: Array, a: Array) -> _Terms:
        e1, e2 = a[:, None] + z / 2, a[:, None] - z / 2
        p1, p2 = expit(e1), expit(e2)
        r1, r2 = self.x1 - self.n1 * p1, self.x2 - self.n2 * p2
        v1, v2 = self.n1 * p1 * (1 - p1), self.n2 * p2 * (1 - p2)
        value = self.constant + self.x1 * e1 + self.x2 * e2
        value = value - self.n1 * np.logaddexp(0, e1) - self.n2 * np.logaddexp(0, e2)
        return _Terms(value, (r1 - r2) / 2, -(v1 + v2) / 4, r1 + r2, -(v1 + v2), -(v1 - v2) / 2)

    def saturated(self) -> float:
        """Return the log-likelihood at each trial's own odds ratio."""
        total = 0.0
        for x, n in ((self.x1, self.n1), (self.x2, self.n2)):
            p = np.clip(x / n, 1e-300, 1.0)
            rest = np.clip(1 - x / n, 1e-300, 1.0)
            total += float((_log_choose(n, x) + x * np.log(p) + (n - x) * np.log(rest)).sum())
        return total

    def own(self) -> tuple[Array, Array]:
        """Return each trial's own log odds ratio and its information, 0 where a cell is empty."""
        cells = np.hstack([self.x1, self.n1 - self.x1, self.x2, self.n2 - self.x2])
        full = (cells > 0).all(axis=1)
        safe = np.where(cells > 0, cells, 1.0)
        log = np.log(safe)
        return log[:, 0] - log[:, 1] - log[:, 2] + log[:, 3], np.where(full, 1 / (1 / safe).sum(axis=1), 0.0)


@dataclass(frozen=True, slots=True)
class _Hypergeometric:
    """Events of group 1 given both margins: noncentral hypergeometric (Fisher's)."""

    x: Array  # (k,)
    support: Array  # (k, S), relative to x
    log_count: Array  # (k, S), -inf beyond the support
    own_intercepts = False

    @classmethod
    def of(cls, t: Tables) -> _Hypergeometric:
        events = t.events1 + t.events2
        low, high = np.maximum(0.0, events - t.n2), np.minimum(t.n1, events)
        x = low[:, None] + np.arange(int((high - low).max()) + 1)
        inside = x <= high[:, None]
        x = np.where(inside, x, low[:, None])
        count = _log_choose(t.n1[:, None], x) + _log_choose(t.n2[:, None], events[:, None] - x)
        here = _log_choose(t.n1, t.events1) + _log_choose(t.n2, t.events2)
        return cls(t.events1, x - t.events1[:, None], np.where(inside, count - here[:, None], -np.inf))

    def at(self, z: Array, a: Array) -> _Terms:
        logs = self.log_count[:, None, :] + z[..., None] * self.support[:, None, :]
        total = logsumexp(logs, axis=2)
        p = np.exp(logs - total[..., None])
        mean = np.einsum("kms,ks->km", p, self.support)
        square = np.einsum("kms,ks->km", p, self.support**2)
        none = np.zeros_like(z)
        return _Terms(-total, -mean, mean**2 - square, none, none - 1.0, none)

    def saturated(self) -> float:
        """Return the log-likelihood at each trial's own conditional odds ratio (0 where that is 0 or infinite)."""
        z, information = self.own()
        return float(np.where(information > 0, self.at(z[:, None], z).value[:, 0], 0.0).sum())

    def own(self) -> tuple[Array, Array]:
        """Return each trial's conditional log odds ratio and its information, 0 where it is not finite."""
        highest = np.where(np.isfinite(self.log_count), self.support, -np.inf).max(axis=1)
        finite = (self.support[:, 0] < 0) & (highest > 0)
        low, high = np.full(len(finite), -60.0), np.full(len(finite), 60.0)
        for _ in range(_STEPS):
            z = (low + high) / 2
            up = self.at(z[:, None], z).z[:, 0] > 0
            low, high = np.where(up, z, low), np.where(up, high, z)
        return np.where(finite, z, 0.0), np.where(finite, -self.at(z[:, None], z).zz[:, 0], 0.0)


def _log_choose(n: Array, x: Array) -> Array:
    return gammaln(n + 1) - gammaln(x + 1) - gammaln(n - x + 1)


# --- the marginal likelihood --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Fit:
    """The likelihood maximised over the mean and the intercepts at one tau."""

    theta: float
    a: Array
    tau: float
    loglik: float
    gradient: Array  # (k, 3): theta, tau, a
    hessian: Array  # (k, 3, 3)

    @property
    def profile(self) -> Array:
        """Second derivatives in theta and tau, the intercepts profiled out, (2, 2)."""
        cross = self.hessian[:, :2, 2]
        inner = self.hessian[:, 2, 2]
        return self.hessian[:, :2, :2].sum(axis=0) - np.einsum("ki,kj->ij", cross / inner[:, None], cross)


def _marginal(trials: Any, theta: float, a: Array, tau: float) -> tuple[float, Array, Array]:
    """Return the log-likelihood with the trials' effects integrated out, and its derivatives a trial (Louis 1982)."""
    s, weight = _nodes(trials, theta, a, tau)
    terms = trials.at(theta + tau * s, a)
    logs = terms.value - s**2 / 2 + weight
    total = logsumexp(logs, axis=1)
    p = np.exp(logs - total[:, None])
    first = np.stack([terms.z, s * terms.z, terms.a], axis=-1)
    rows = [[terms.zz, s * terms.zz, terms.za], [s * terms.zz, s**2 * terms.zz, s * terms.za],
            [terms.za, s * terms.za, terms.aa]]  # fmt: skip
    second = np.stack([np.stack(row, axis=-1) for row in rows], axis=-2)
    gradient = np.einsum("km,kmi->ki", p, first)
    hessian = np.einsum("km,kmij->kij", p, second + first[..., :, None] * first[..., None, :])
    return float(total.sum()), gradient, hessian - gradient[:, :, None] * gradient[:, None, :]


def _nodes(trials: Any, theta: float, a: Array, tau: float) -> tuple[Array, Array]:
    """Return nodes of the standardised random effect about each trial's posterior mode, and their log weights."""
    if tau == 0:
        return np.zeros((len(a), 1)), np.zeros((len(a), 1))
    s = np.zeros((len(a), 1))
    for _ in range(_STEPS):
        terms = trials.at(theta + tau * s, a)
        step = (tau * terms.z - s) / (1 - tau**2 * terms.zz)
        s = s + np.clip(step, -2.0, 2.0)
        if np.abs(step).max() < 1e-8:
            break
    spread = (1 - tau**2 * trials.at(theta + tau * s, a).zz) ** -0.5
    x, w = np.polynomial.hermite.hermgauss(_NODES)
    return s + np.sqrt(2) * spread * x, np.log(w) + x**2 + np.log(spread) - 0.5 * np.log(np.pi)


def _at_tau(trials: Any, theta: float, a: Array, tau: float) -> _Fit:
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
            return _Fit(theta, a, tau, value, gradient, hessian)
    raise ConvergenceError("the likelihood has no maximum that can be found; use mantel_haenszel() or peto()")


def _maximise(trials: Any) -> tuple[_Fit, _Fit]:
    """Return the fit at the best tau, and the one with a common odds ratio (tau 0)."""
    own, information = trials.own()
    k = len(own)
    start = float(information @ own / information.sum()) if information.sum() > 0 else 0.0
    common = _at_tau(trials, start, _intercepts(trials, k), 0.0)
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

        def score(tau: float, near: _Fit = near) -> float:
            return float(_at_tau(trials, near.theta, near.a, tau).gradient[:, 1].sum())

        root = brentq(score, _TAUS[i], _TAUS[i + 1], xtol=1e-10, rtol=1e-10)
        found = _at_tau(trials, near.theta, near.a, float(root))
        best = found if found.loglik > best.loglik else best
    if scores[-1] > 0:
        raise ConvergenceError("the likelihood still rises at tau = 20: the trials do not share a model")
    return best, common


def _intercepts(trials: Any, k: int) -> Array:
    if not trials.own_intercepts:
        return np.zeros(k)
    events, people = (trials.x1 + trials.x2)[:, 0], (trials.n1 + trials.n2)[:, 0]
    return np.log(events / (people - events))


def _result(t: Tables, trials: Any, fit: _Fit, common: _Fit, model: str, level: float,
            excluded: pd.DataFrame) -> GlmmMetaAnalysis:  # fmt: skip
    k = len(t.n1)
    tau2 = fit.tau**2
    information = -fit.profile
    if fit.tau > 0:
        covariance = np.linalg.inv(information)
        se, tau2_se = float(np.sqrt(covariance[0, 0])), float(2 * fit.tau * np.sqrt(covariance[1, 1]))
    else:
        se, tau2_se = float(information[0, 0] ** -0.5), float("nan")
    own, weight = trials.own()
    centre = weight @ own / weight.sum() if weight.sum() > 0 else 0.0
    q, q_wald = max(0.0, 2 * (trials.saturated() - common.loglik)), float(weight @ (own - centre) ** 2)
    tails = kernel.chi_square_tail(np.array([q, q_wald]), np.array([k - 1, k - 1]))
    w = 1 / t.effects("OR")["vi"].to_numpy()
    typical = (k - 1) / (w.sum() - (w @ w) / w.sum())
    parameters, rows = (k + 2, 2 * k) if model == "UM.FS" else (2, k)
    return GlmmMetaAnalysis(
        estimate=float(fit.theta), se=se, tau2=tau2, tau2_se=tau2_se, i2=float(100 * tau2 / (typical + tau2)), h2=float(tau2 / typical + 1),
        q=q, q_df=k - 1, q_p=float(tails[0]), q_wald=q_wald, q_wald_p=float(tails[1]), loglik=fit.loglik,
        aic=2 * parameters - 2 * fit.loglik, bic=parameters * float(np.log(rows)) - 2 * fit.loglik, k=k, model=model,
        level=level, data=t.frame("OR"), excluded=excluded,
    )  # fmt: skip


guard(__name__, "glmm")
