"""Selection models: the pooled effect when trials were published with a probability that depends on their P value.

The weight of a trial is a function w of its one-sided P value. The likelihood of an effect is then w(p) times its normal
density, divided by the integral of w over that density. For a step function the integral is a sum of normal tails; for
the smooth functions it is a Gauss-Legendre rule in z, with the tails, where w no longer changes, in closed form.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy.optimize import minimize
from scipy.special import chdtrc, log_ndtr, ndtr, ndtri

from acuevidence import words
from acuevidence.appraisal.few import few_trials
from acuevidence.arguments import guard
from acuevidence.effects.participants import participants
from acuevidence.errors import ConvergenceError, InputError
from acuevidence.inputs import choice
from acuevidence.shown import Shown
from acuevidence.synthesis import kernel
from acuevidence.synthesis.dependent import coefficient_table
from acuevidence.synthesis.effect import PooledEffect

__all__ = ["SelectionModel", "selection_model"]

KINDS = ("step", "beta", "halfnormal", "logistic", "negexp", "power")
ALTERNATIVES = ("greater", "less")
PRECISIONS = ("se", "vi", "1/n", "1/sqrt(n)")
_NODES = 100
_REACH = 9.5  # beyond this z the smooth weights have reached their ends
_P_MIN = {"beta": 1e-5, "power": 1e-5}
_DELTA_MAX = 100.0

Array = np.ndarray


@dataclass(frozen=True, slots=True, kw_only=True, repr=False, eq=False)
class SelectionModel(Shown):
    """A meta-analysis under selection by P value.

    Attributes
    ----------
    kind : str
        Weight function.
    steps : tuple of float
        Cut points of the step function, 1 included; empty for the smooth functions.
    alternative : {"greater", "less"}
        Direction of the one-sided P values.
    estimate, se, statistic, p_value, ci_low, ci_high : float
        Effect adjusted for selection, with its normal test and interval; positive favours acupuncture.
    tau2, tau2_se : float
        Heterogeneity variance and its standard error (missing where tau2 is 0 or fixed).
    delta, delta_se : ndarray
        Parameters of the weight function. For steps the relative chance of publication in each interval of P, the first
        being 1 by definition.
    vcov : DataFrame
        Covariance of the parameters estimated.
    lrt, lrt_df, lrt_p : float
        Likelihood ratio test of no selection.
    loglik, aic : float
        Log-likelihood and Akaike's criterion.
    unadjusted : float
        The effect without selection, by maximum likelihood.
    counts : ndarray
        Trials in each interval of P (step function); empty otherwise.
    k : int
        Trials.
    level : float
        Level of the interval.
    coefficients : DataFrame
        ``estimate se statistic df p_value ci_low ci_high`` of the mean: one row, or with moderators one a term.
    notes : tuple of str
        When it should not be used.
    """

    kind: str
    steps: tuple[float, ...]
    alternative: str
    estimate: float
    se: float
    statistic: float
    p_value: float
    ci_low: float
    ci_high: float
    tau2: float
    tau2_se: float
    delta: Array
    delta_se: Array
    vcov: pd.DataFrame
    lrt: float
    lrt_df: int
    lrt_p: float
    loglik: float
    aic: float
    unadjusted: float
    counts: Array
    k: int
    level: float
    coefficients: pd.DataFrame
    notes: tuple[str, ...] = ()

    def to_frame(self) -> pd.DataFrame:
        """Return the model as one row."""
        names = (
            "kind",
            "alternative",
            "k",
            "estimate",
            "se",
            "p_value",
            "ci_low",
            "ci_high",
            "tau2",
            "lrt",
            "lrt_df",
            "lrt_p",
            "loglik",
            "aic",
            "unadjusted",
        )
        row = {name: getattr(self, name) for name in names}
        return pd.DataFrame([{**row, **{f"delta{i}": value for i, value in enumerate(self.delta, start=1)}}])

    def _sentences(self) -> list[str]:
        percent = f"{100 * self.level:g}%"
        weights = ", ".join(f"{value:.3g}" for value in self.delta)
        tested = f"Test of selection: {self.lrt:.2f}, df {self.lrt_df}, P {words.p(self.lrt_p)}."
        tested = "The weights were given." if np.isnan(self.lrt) else tested
        line = (
            f"Selection model ({self.kind}, {self.k} trials): {self.estimate:.3f} ({percent} CI {self.ci_low:.3f} to "
            f"{self.ci_high:.3f}), without selection {self.unadjusted:.3f}; tau2 {self.tau2:.4f}. delta {weights}. "
            f"{tested}"
        )
        return [line, *self.notes]


def selection_model(
    result: PooledEffect,
    kind: str = "step",
    steps: float | Sequence[float] = (0.025,),
    *,
    alternative: str | None = None,
    precision: str | None = None,
    weights: Sequence[float] | None = None,
) -> SelectionModel:
    """Fit a model of selection by P value, by maximum likelihood.

    Parameters
    ----------
    result : MetaAnalysis
        A pooled effect or a meta-regression, of three trials or more; tau2 is estimated by ML, or 0 where the result is an
        equal-effects one.
    kind : {"step", "beta", "halfnormal", "logistic", "negexp", "power"}
        Weight function of the one-sided P value. ``step`` with one cut point is the three-parameter model.
    steps : float or sequence of float
        Cut points of the step function in (0, 1); 0.025 is two-sided significance in the direction of the effect.
    alternative : {"greater", "less"}, optional
        Direction in which P values are favoured. Default: that of the pooled effect.
    precision : {"se", "vi", "1/n", "1/sqrt(n)"}, optional
        Let selection be stronger for less precise trials (``halfnormal``, ``logistic``, ``negexp``, ``power``).
    weights : sequence of float, optional
        Given relative chances of publication of ``step``, one an interval of P, the first of them 1, in place of estimates: a
        sensitivity analysis that few trials can bear (Vevea and Woods 2005). There is then no test of selection.

    Returns
    -------
    SelectionModel
        Adjusted ``estimate``, ``tau2``, weights ``delta`` and the likelihood ratio test of no selection.

    Raises
    ------
    InputError
        With too few trials for the parameters, an interval of P without a trial whose weight is to be estimated, weights that do
        not fit the steps, or unknown options.
    ConvergenceError
        When the likelihood has no maximum that can be found.

    Notes
    -----
    Vevea and Hedges (1995, Psychometrika) for steps, Citkowicz and Vevea (2017, Psychological Methods) for beta,
    Vevea and Woods (2005, Psychological Methods) for given weights,
    Preston, Ashby and Smyth (2004, Journal of Evaluation in Clinical Practice) for the others; conventions
    of metafor's ``selmodel``. Standard errors from the observed information. Needs many trials: with fewer than ten, and with no trial or
    only one in an interval, the weights are hardly known.

    Examples
    --------
    >>> import acuevidence as ae
    >>> result = ae.meta_analysis([0.1, 0.4, 0.5, 0.3, 0.6, 0.2], [0.02, 0.03, 0.05, 0.02, 0.06, 0.04])
    >>> result.selection_model(kind="step", steps=0.025).lrt_df
    1
    """
    choice("kind", kind, KINDS)
    if result.k < 3:
        raise InputError(f"a selection model needs at least 3 trials; this result has {result.k}")
    if alternative is None:
        alternative = "greater" if result.estimate >= 0 else "less"
    choice("alternative", alternative, ALTERNATIVES)
    cuts = _cuts(steps) if kind == "step" else ()
    sign = 1.0 if alternative == "greater" else -1.0
    given = None if weights is None else _given(weights, kind, cuts)
    model = _Model.of(result, kind, cuts, sign, _scale(result, kind, precision), given)
    if result.k < model.free:
        raise InputError(f"a selection model with {model.free} parameters needs as many trials; this result has {result.k}")
    parameters, loglik = _maximise(model)
    return _report(model, parameters, loglik, result, alternative, sign)


# --- the likelihood ----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Model:
    """Data turned so that large effects have small P values, and the weight function.

    Parameters are (mu..., tau2, delta...), one mu a column of the design ``X``, mu and tau2 in units of the mean standard error; a
    parameter that is fixed stands outside ``free``.
    """

    kind: str
    y: Array
    v: Array
    precision: Array
    cuts: Array
    group: Array
    unit: float
    fixed_tau2: bool
    deltas: int
    X: Array
    back: Array  # turns coefficients of X, whose columns are orthogonal, into those of the moderators
    given: Array | None  # weights that are not estimated, but the first

    @classmethod
    def of(
        cls, result: PooledEffect, kind: str, cuts: Sequence[float], sign: float, precision: Array, given: Array | None
    ) -> _Model:
        unit = float(np.sqrt(result.vi.mean()))
        y, v = sign * result.yi / unit, result.vi / unit**2
        p = ndtr(-y / np.sqrt(v))
        group = np.searchsorted(np.asarray(cuts), p) if kind == "step" else np.zeros(0, dtype=int)
        if kind == "step" and given is None and (counts := np.bincount(group, minlength=len(cuts))).min() == 0:
            empty = int(np.argmin(counts))
            low = 0.0 if empty == 0 else cuts[empty - 1]
            raise InputError(f"no trial has a one-sided P value from {low:g} to {cuts[empty]:g}; choose other steps")
        deltas = {"step": len(cuts) - 1, "beta": 2}.get(kind, 1)
        X, back = np.ones((result.k, 1)), np.eye(1)
        if result.X is not None:
            Q, R = np.linalg.qr(result.X)
            X, back = Q * math.sqrt(result.k), np.linalg.inv(R) * math.sqrt(result.k)
        return cls(kind, y, v, precision, np.asarray(cuts), group, unit, result.method == "EE", deltas, X, back, given)

    @property
    def means(self) -> int:
        """Number of coefficients of the mean."""
        return self.X.shape[1]

    @property
    def free(self) -> int:
        return self.means + (not self.fixed_tau2) + (self.deltas if self.given is None else 0)

    def loglik(self, parameters: Array) -> Array:
        """Return the log-likelihood at rows of parameters, (B, means + 1 + deltas), real or complex."""
        p = self.means
        mu, tau2, delta = parameters[:, :p] @ self.X.T, parameters[:, p : p + 1], parameters[:, p + 1 :]
        total = self.v + tau2
        s = np.sqrt(total)
        density = -0.5 * np.log(2 * math.pi * total) - 0.5 * (self.y - mu) ** 2 / total
        log_w, log_mean = self._step(mu, s, delta) if self.kind == "step" else self._smooth(mu, s, delta)
        return (log_w + density - log_mean).sum(axis=1)

    def _step(self, mu: Array, s: Array, delta: Array) -> tuple[Array, Array]:
        """Return log w of each trial, and the log of its mean: the upper tail and the intervals of P below it."""
        weights = np.concatenate([np.ones_like(delta[:, :1]), delta], axis=1)
        mean = np.zeros_like(mu * s)
        above = np.zeros_like(mean)
        for j, cut in enumerate(self.cuts):
            # The tail beyond each cut point; beyond the last, P = 1, lies everything.
            tail = ndtr((mu - float(ndtri(1 - cut)) * np.sqrt(self.v)) / s) if cut < 1 else np.ones_like(mean)
            mean = mean + weights[:, j : j + 1] * (tail - above)
            above = tail
        return np.log(weights[:, self.group]), np.log(mean)

    def _smooth(self, mu: Array, s: Array, delta: Array) -> tuple[Array, Array]:
        se = np.sqrt(self.v)
        least = _P_MIN.get(self.kind, 0.0)
        end = -float(ndtri(least)) if least else _REACH
        z, weight = _rule(end)
        log_w = _LOG_WEIGHTS[self.kind]
        observed = np.clip(ndtr(-self.y / se), least, 1 - least if least else 1.0)
        # Logarithms throughout: a weight of P^59 is nothing to a float and still something beside its own mean.
        spread, centre = (s / se)[..., None], (mu / se)[..., None]
        nodes = log_w(ndtr(-z), ndtr(z), delta[..., None], self.precision[:, None])
        nodes = nodes - 0.5 * ((z - centre) / spread) ** 2 - np.log(spread) + np.log(weight / math.sqrt(2 * math.pi))
        tails = []
        for beyond, edge in (((mu - end * se) / s, end), ((-end * se - mu) / s, -end)):
            p = np.array([ndtr(-edge)])
            at = log_w(p, 1 - p, delta[..., None], self.precision[:, None])
            tails.append(at + log_ndtr(beyond)[..., None])
        terms = np.concatenate([nodes, *tails], axis=-1)
        top = terms.real.max(axis=-1, keepdims=True)
        log_mean = top[..., 0] + np.log(np.exp(terms - top).sum(axis=-1))
        own = log_w(observed, 1 - observed, delta, self.precision)
        return own, log_mean

    def bounds(self) -> Array:
        """Return the range of each parameter, (means + 1 + deltas, 2)."""
        low = {"step": 1e-8, "beta": 1e-5}.get(self.kind, 0.0)
        deltas = [[low, _DELTA_MAX]] * self.deltas if self.given is None else [[one, one] for one in self.given]
        return np.array([*[[-np.inf, np.inf]] * self.means, [0.0, 0.0 if self.fixed_tau2 else np.inf], *deltas])

    def stretch(self, parameters: Array) -> Array:
        """Return rows of parameters on the scale on which they are searched: weights of steps and beta as logarithms."""
        if self.kind not in ("step", "beta"):
            return parameters
        here = self.means + 1
        return np.concatenate([parameters[..., :here], np.log(parameters[..., here:])], axis=-1)

    def unstretch(self, searched: Array) -> Array:
        """Undo :meth:`stretch`."""
        if self.kind not in ("step", "beta"):
            return searched
        here = self.means + 1
        return np.concatenate([searched[..., :here], np.exp(searched[..., here:])], axis=-1)

    def climb(self, searched: Array) -> tuple[float, Array]:
        """Return what is minimised, and its gradient."""
        point = self.unstretch(searched)
        gradient = -self.gradient(point)
        if self.kind in ("step", "beta"):
            gradient[self.means + 1 :] *= point[self.means + 1 :]
        return -float(self.loglik(point[None])[0]), gradient

    def gradient(self, parameters: Array) -> Array:
        """Return the gradient at one point by complex steps, which are exact to rounding."""
        m = len(parameters)
        steps = np.repeat(parameters[None].astype(complex), m, axis=0) + 1e-30j * np.eye(m)
        return self.loglik(steps).imag / 1e-30

    def hessian(self, parameters: Array, rows: Array) -> Array:
        """Return second derivatives for some parameters: central differences of the exact gradient."""
        found = np.empty((len(rows), len(rows)))
        for i, row in enumerate(rows):
            step = np.zeros(len(parameters))
            step[row] = 1e-5 * max(abs(parameters[row]), 1e-2)
            change = self.gradient(parameters + step) - self.gradient(parameters - step)
            found[i] = change[rows] / (2 * step[row])
        return (found + found.T) / 2


@functools.lru_cache
def _rule(end: float) -> tuple[Array, Array]:
    nodes, weights = np.polynomial.legendre.leggauss(_NODES)
    return end * nodes, end * weights


def _beta(p: Array, q: Array, delta: Array, precision: Array) -> Array:
    first, second = (delta[:, :1], delta[:, 1:2]) if delta.ndim == 2 else (delta[:, :1, :], delta[:, 1:2, :])
    return (first - 1) * np.log(p) + (second - 1) * np.log(q) + 0 * precision


_LOG_WEIGHTS: dict[str, Callable[[Array, Array, Array, Array], Array]] = {
    "beta": _beta,
    "halfnormal": lambda p, q, delta, precision: -delta * precision * p**2,
    "negexp": lambda p, q, delta, precision: -delta * precision * p,
    "logistic": lambda p, q, delta, precision: math.log(2) - delta * precision * p - np.log1p(np.exp(-delta * precision * p)),
    "power": lambda p, q, delta, precision: delta * precision * np.log(q),
}


# --- the maximum -------------------------------------------------------------------------------------------------


def _maximise(model: _Model) -> tuple[Array, float]:
    """Climb from several starts within the bounds, polish by Newton's method, and keep the best."""
    bounds = model.bounds()
    best: tuple[Array, float] | None = None
    for start in _starts(model):
        found = minimize(
            model.climb,
            model.stretch(start),
            jac=True,
            method="L-BFGS-B",
            bounds=[tuple(pair) for pair in model.stretch(bounds.T).T],
            options={"maxiter": 500, "ftol": 1e-13, "gtol": 1e-8},
        )
        point = _polish(model, model.unstretch(found.x), bounds)
        value = float(model.loglik(point[None])[0])
        if np.isfinite(value) and (best is None or value > best[1] + 1e-9):
            best = point, value
    if best is None:
        raise ConvergenceError(f"the {model.kind} selection model has no maximum that could be found; try another kind")
    return best


def _starts(model: _Model) -> list[Array]:
    fits = kernel.fit(model.y[None], model.v[None], model.X[None], method="EE" if model.fixed_tau2 else "ML", test="z")
    mu, tau2 = fits.beta[0], float(fits.tau2[0])
    spread = 0.0 if model.fixed_tau2 else max(tau2, 0.05)
    weights = {"step": (0.9, 0.3, 0.05), "beta": (1.0, 0.7, 1.3)}.get(model.kind, (1.0, 4.0, 0.05))
    shares = (1.0, 0.5, 1.0)
    return [
        np.array([*(share * mu), spread, *([delta] * model.deltas if model.given is None else model.given)])
        for share, delta in zip(shares, weights, strict=True)
    ]


def _inside(point: Array, bounds: Array) -> Array:
    """Return the parameters that are not at an end of their range."""
    return np.flatnonzero((point > bounds[:, 0] + 1e-9) & (point < bounds[:, 1] * (1 - 1e-9)))


def _polish(model: _Model, point: Array, bounds: Array) -> Array:
    """Take Newton's steps among the parameters that are free, as long as the likelihood does not fall."""
    rows = _inside(point, bounds)
    value = float(model.loglik(point[None])[0])
    for _ in range(20):
        try:
            step = np.linalg.solve(model.hessian(point, rows), model.gradient(point)[rows])
        except np.linalg.LinAlgError:
            return point
        new = point.copy()
        new[rows] -= step
        if not np.isfinite(new).all() or (new < bounds[:, 0]).any() or (new > bounds[:, 1]).any():
            return point
        reached = float(model.loglik(new[None])[0])
        if not reached >= value - 1e-12:
            return point
        point, value = new, reached
        if np.abs(step).max() <= 1e-11 * max(1.0, float(np.abs(point[rows]).max())):
            return point
    return point


# --- the report --------------------------------------------------------------------------------------------------


def _cuts(steps: Any) -> tuple[float, ...]:
    cuts = sorted({float(cut) for cut in np.atleast_1d(np.asarray(steps, dtype=float))})
    if not cuts or not all(0 < cut <= 1 for cut in cuts) or cuts == [1.0]:
        raise InputError(f"steps must lie between 0 and 1 (for example 0.025), not {steps!r}")
    return tuple(cuts if cuts[-1] == 1 else [*cuts, 1.0])


def _given(weights: Sequence[float], kind: str, cuts: tuple[float, ...]) -> Array:
    """Return given weights but the first, which is 1."""
    if kind != "step":
        raise InputError(f"weights belong to kind='step', not {kind!r}")
    found = np.asarray(weights, dtype=float)
    if found.shape != (len(cuts),) or found[0] != 1 or not ((found > 0) & (found <= _DELTA_MAX)).all():
        raise InputError(f"weights must be {len(cuts)} positive numbers, one an interval of P (up to {cuts}), the first of them 1")
    return found[1:]


def _scale(result: PooledEffect, kind: str, precision: str | None) -> Array:
    if precision is None:
        return np.ones(result.k)
    choice("precision", precision, PRECISIONS)
    if kind in ("step", "beta"):
        raise InputError(f"precision has no part in a {kind} selection model; leave it out, or take kind='halfnormal'")
    if precision in ("se", "vi"):
        found = np.sqrt(result.vi) if precision == "se" else result.vi
    else:
        n = participants(result)
        found = 1 / n if precision == "1/n" else 1 / np.sqrt(n)
    return found / found.max()


def _report(model: _Model, parameters: Array, loglik: float, result: PooledEffect, alternative: str, sign: float) -> SelectionModel:
    rows = _inside(parameters, model.bounds())
    p, own = model.means, model.given is not None
    means = ["mu"] if result.X is None else list(result.terms)
    names = [*means, "tau2", *(f"delta{i + 1 + (model.kind == 'step')}" for i in range(model.deltas))]
    turn = np.eye(len(parameters))
    turn[:p, :p] = model.back * model.unit * sign
    turn[p, p] = model.unit**2
    turn = turn[np.ix_(rows, rows)]
    covariance = turn @ _covariance(model, parameters, rows) @ turn.T
    se = np.full(len(parameters), np.nan)
    se[rows] = np.sqrt(np.where(np.diagonal(covariance) > 0, np.diagonal(covariance), np.nan))
    beta, tau2 = model.back @ parameters[:p] * model.unit * sign, float(parameters[p] * model.unit**2)
    estimate = float(beta[0])
    first = model.kind == "step"
    X = None if result.X is None else result.X[None]
    plain = kernel.fit(result.yi[None], result.vi[None], X, method="EE" if model.fixed_tau2 else "ML", test="z")
    # The likelihood is in units of the mean standard error; back to those of yi.
    loglik -= result.k * math.log(model.unit)
    without = float(kernel.log_likelihood(result.yi[None], result.vi[None], X, plain.tau2, restricted=False)[0])
    lrt = math.nan if own else max(0.0, 2 * (loglik - without))
    interval = kernel.interval(np.array(estimate), se[0], np.array(np.inf), result.level)
    counts = np.bincount(model.group, minlength=len(model.cuts)) if first else np.zeros(0, dtype=int)
    return SelectionModel(
        kind=model.kind,
        steps=tuple(map(float, model.cuts)),
        alternative=alternative,
        estimate=estimate,
        se=float(se[0]),
        statistic=estimate / float(se[0]),
        p_value=float(kernel.tail(np.array(estimate / se[0]), np.array(np.inf))),
        ci_low=float(interval[0]),
        ci_high=float(interval[1]),
        tau2=tau2,
        tau2_se=float(se[p]),
        delta=np.append([1.0] * first, parameters[p + 1 :]),
        delta_se=np.append([np.nan] * first, se[p + 1 :]),
        vcov=pd.DataFrame(covariance, index=[names[i] for i in rows], columns=[names[i] for i in rows]),
        lrt=lrt,
        lrt_df=0 if own else model.deltas,
        lrt_p=math.nan if own else float(chdtrc(model.deltas, lrt)),
        loglik=loglik,
        aic=2 * model.free - 2 * loglik,
        unadjusted=float(plain.beta[0, 0]),
        counts=counts,
        k=result.k,
        level=result.level,
        coefficients=coefficient_table(list(result.terms), beta, se[:p], np.full(p, np.inf), result.level),
        notes=_notes(result, model, counts, rows, estimate, covariance),
    )


def _covariance(model: _Model, parameters: Array, rows: Array) -> Array:
    information = -model.hessian(parameters, rows)
    try:
        np.linalg.cholesky(information)
    except np.linalg.LinAlgError:
        return np.full(information.shape, np.nan)
    return np.linalg.inv(information)


def _notes(result: PooledEffect, model: _Model, counts: Array, rows: Array, estimate: float, covariance: Array) -> tuple[str, ...]:
    notes = list(few_trials(result, "the weights are hardly known"))
    if model.given is not None:
        notes = ["The weights are given: the estimate says what would follow from them, not that trials are missing."]
    elif len(counts) and counts.min() == 1:
        notes.append("One trial alone in an interval of P: its weight is hardly known.")
    if model.given is None and set(range(model.means + 1, model.means + 1 + model.deltas)) - set(rows.tolist()):
        notes.append("A weight is at the end of its range: treat the estimate with caution.")
    if result.X is None and not result.yi.min() <= estimate <= result.yi.max():
        notes.append("The effect lies beyond that of every trial: these data do not carry the model.")
    if not np.isfinite(covariance).all():
        notes.append("The likelihood is flat about its maximum: no standard error can be given.")
    return tuple(notes)


guard(__name__, "selection_model")
