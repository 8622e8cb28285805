"""The normal-normal hierarchical model by quadrature: no sampling, the same answer every time.

Given tau, the posterior of mu is normal; so one integral over tau is all there is (Röver 2020, Journal of Statistical
Software 93(6)). The integral is a midpoint rule in u = tau / (tau + scale), over the range that holds the mass.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from numbers import Real
from typing import Any

import numpy as np
import pandas as pd
from scipy.optimize import brentq
from scipy.special import betaln, ndtr, ndtri, stdtrit

from acuevidence import words
from acuevidence.arguments import guard, guarded
from acuevidence.errors import InputError
from acuevidence.inputs import brief, choice, numeric, values, variances
from acuevidence.shown import Printed
from acuevidence.synthesis.methods import PosteriorMethods

__all__ = ["Posterior", "bayes"]

Prior = tuple[Any, ...]
_NODES = 4096
# Predictive distributions of tau2 of standardised mean differences in Cochrane reviews, log-t with 5 degrees of freedom (Rhodes
# et al 2015, Journal of Clinical Epidemiology, table 3, as bayesmeta's RhodesEtAlPrior holds them): over all reviews
# (location -3.44, scale 2.59), and for pain, quality of life and functioning under a non-pharmacological treatment (-3.02,
# 2.27). Of tau both are halved.
# Of log odds ratios and log risk ratios: Turner et al (2015, Statistics in Medicine), tau2 log-normal (-2.05, 1.71).
_PUBLISHED = {
    "rhodes": ("log-t", -1.72, 1.295, 5.0),
    "rhodes-pain": ("log-t", -1.51, 1.135, 5.0),
    "turner": ("log-normal", -1.025, 0.855),
}
_CHUNK = 2_000_000


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class Posterior(Printed, PosteriorMethods):
    """Posterior of a random-effects meta-analysis.

    Attributes
    ----------
    summary : DataFrame
        A frame here, where other results have a method: rows ``mu``, ``tau`` and ``prediction`` (the true effect of a new
        trial); columns ``median, mean, sd, ci_low, ci_high`` (equal-tailed). Positive mu favours acupuncture.
    shrinkage : DataFrame
        One row a trial: posterior of its true effect, same columns, beside ``yi`` and ``vi``.
    bayes_factors : Series
        Evidence for ``mu=0`` and for ``tau=0`` against the model (above 1: in favour of the null value). Missing
        where a prior is improper and there is none.
    k : int
        Number of trials.
    level : float
        Level of the intervals.
    mu_prior, tau_prior : tuple
        The priors, as given.
    """

    summary: pd.DataFrame
    shrinkage: pd.DataFrame
    bayes_factors: pd.Series
    k: int
    level: float
    mu_prior: Any
    tau_prior: Prior
    _mixtures: dict[str, tuple[np.ndarray, np.ndarray, np.ndarray]] = field(repr=False)
    _tau: tuple[np.ndarray, np.ndarray] = field(repr=False)
    _trials: tuple[tuple[np.ndarray, np.ndarray, np.ndarray], ...] = field(repr=False)

    @guarded
    def prob(
        self, *, mu_above: float | None = None, prediction_above: float | None = None, tau_above: float | None = None
    ) -> float:
        """Return a posterior probability.

        Parameters
        ----------
        mu_above, prediction_above, tau_above : float
            Exactly one: the value that mu, the effect of a new trial, or tau exceeds.

        Returns
        -------
        float
            Probability in 0..1.

        Raises
        ------
        InputError
            Unless exactly one value is given.
        """
        asked = {"mu": mu_above, "prediction": prediction_above, "tau": tau_above}
        chosen = [(name, value) for name, value in asked.items() if value is not None]
        if len(chosen) != 1:
            raise InputError("give exactly one of mu_above, prediction_above and tau_above")
        ((name, value),) = chosen
        return 1.0 - float(self.cdf(name, value))

    @guarded
    def cdf(self, parameter: str, x: Any) -> float | np.ndarray:
        """Return the posterior distribution function of ``mu``, ``prediction`` or ``tau`` at x."""
        choice("parameter", parameter, ("mu", "prediction", "tau"))
        points = np.asarray(x, dtype=float)
        if parameter == "tau":
            return np.interp(points, *_tau_cdf(*self._tau))
        return _mixture_cdf(self._mixtures[parameter], points)

    @guarded
    def density(self, parameter: str, x: Any) -> np.ndarray:
        """Return the posterior density of ``mu``, ``prediction`` or ``tau`` at x."""
        choice("parameter", parameter, ("mu", "prediction", "tau"))
        points = np.atleast_1d(np.asarray(x, dtype=float))
        if parameter == "tau":
            edges, cumulative = _tau_cdf(*self._tau)
            inside = (points >= edges[0]) & (points <= edges[-1])
            slope = np.diff(cumulative) / np.diff(edges)
            middle = (edges[1:] + edges[:-1]) / 2
            return np.where(inside, np.interp(points, middle, slope), 0.0)
        return _mixture_density(self._mixtures[parameter], points)

    @guarded
    def trial_densities(self, x: Any) -> np.ndarray:
        """Return the posterior density of every trial's true effect.

        Parameters
        ----------
        x : array-like, (m,)
            Effects, positive in favour of acupuncture.

        Returns
        -------
        ndarray, (k, m)
            One row a trial, in the order of ``shrinkage``.

        Examples
        --------
        >>> import acuevidence as ae
        >>> ae.bayes([0.1, 0.4, 0.2], [0.01, 0.04, 0.02]).trial_densities([0.0, 0.2]).shape
        (3, 2)
        """
        points = np.atleast_1d(np.asarray(x, dtype=float))
        return np.array([_mixture_density(mixture, points) for mixture in self._trials])

    def to_frame(self) -> pd.DataFrame:
        """Return the summary."""
        return self.summary.copy()

    @property
    def conventions(self) -> str:
        """What was computed, in words for captions."""
        mu = "flat" if self.mu_prior is None else f"{self.mu_prior}"
        return (
            f"Bayesian random-effects model, prior of the mean effect {mu}, of τ {self.tau_prior}; posterior medians and "
            f"equal-tailed {words.percent(self.level)} intervals."
        )

    def _sentences(self) -> list[str]:
        return [f"{words.count(self.k, 'trial')}. {self.conventions}"]

    def _table(self) -> pd.DataFrame:
        return self.summary.round(4)


def bayes(
    yi: Any = "yi",
    vi: Any = "vi",
    *,
    data: pd.DataFrame | None = None,
    labels: Any = None,
    mu_prior: tuple[float, float] | Sequence[tuple[float, float, float]] | None = None,
    tau_prior: Prior | str = ("half-normal", 0.5),
    level: float = 0.95,
) -> Posterior:
    """Fit the Bayesian random-effects meta-analysis by deterministic quadrature.

    Parameters
    ----------
    yi, vi : array-like or column names
        Effects and their variances, one per trial.
    data : DataFrame, optional
        Where column names are looked up.
    labels : array-like or column name, optional
        Names of the trials for ``shrinkage``.
    mu_prior : None, (mean, sd), or sequence of (weight, mean, sd)
        Flat, normal, or a mixture of normals (a robust prior joins an informative and a vague one).
    tau_prior : tuple or str
        ``("half-normal", scale)``, ``("half-cauchy", scale)``, ``("half-t", scale, df)``, ``("log-normal", mean, sd)``
        and ``("log-t", location, scale, df)`` of tau, ``("uniform", upper)``, or ``("flat",)``, which is improper.
        For SMDs also ``"rhodes-pain"`` and ``"rhodes"``: what tau was in Cochrane reviews of non-pharmacological treatment
        of pain and functioning, and in all; for log odds ratios and log risk ratios ``"turner"``.
    level : float
        Level of the equal-tailed intervals.

    Returns
    -------
    Posterior
        Summaries, shrinkage, Bayes factors, probabilities and densities.

    Raises
    ------
    InputError
        For missing or impossible input, an unknown prior, or a flat tau prior with fewer than three trials.

    Notes
    -----
    ``p(y | tau)`` with mu integrated out is that of Röver (2020), section 2; mixtures of normals for mu stay
    mixtures given tau. The priors of Rhodes et al (2015, Journal of Clinical Epidemiology, table 3) are log-t with 5
    degrees of freedom: of tau2 with location -3.02 and scale 2.27 (``rhodes-pain``), and -3.44 and 2.59 (``rhodes``). That of
    Turner et al (2015, Statistics in Medicine) is log-normal: of tau2 with mean -2.05 and SD 1.71 of its logarithm.

    Examples
    --------
    >>> import acuevidence as ae
    >>> fit = ae.bayes([0.2, 0.4, 0.1], [0.02, 0.05, 0.03], tau_prior=("half-normal", 0.5))
    >>> bool(fit.prob(mu_above=0) > 0.9)
    True
    """
    arrays, index = numeric(data, yi=yi, vi=vi)
    y, v = arrays["yi"], arrays["vi"]
    variances("vi", v, index)
    if len(y) == 0:
        raise InputError("yi is empty: there is no trial to pool")
    components = _mu_components(mu_prior)
    tau_prior = _named(tau_prior)
    found = _fitted(y, v, components, tau_prior, level)
    tau, weight = found.tau, found.weight
    shrunk, trials = _shrinkage(tau, *found.given_tau, y, v, level)
    shrunk.index = pd.Index(values(data, yi=yi, labels=labels)[0]["labels"]) if labels is not None else index
    factors = _bayes_factors(y, v, components, *found.prior, found.log_evidence)
    return Posterior(
        found.summary, shrunk, factors, len(y), level, mu_prior, tuple(tau_prior), found.mixtures, (_edges(tau), weight), trials
    )


def posterior_of(yi: np.ndarray, vi: np.ndarray, tau_prior: Prior | str, level: float = 0.95, *, unit: float = 1.0) -> pd.DataFrame:
    """Return the summary of :func:`bayes` under a flat mu, and no more, of checked effects.

    Parameters
    ----------
    yi, vi : ndarray, (k,)
        Effects and their variances.
    tau_prior : tuple or str
        A log-normal or log-t prior of tau, or the name of one.
    level : float
        Level of the intervals.
    unit : float
        What one unit of the prior is in units of ``yi``: the standard deviation, where the prior is of standardised differences and
        the effects are points.

    Examples
    --------
    >>> import numpy as np
    >>> found = posterior_of(np.array([0.2, 0.4, 0.1]), np.array([0.02, 0.05, 0.03]), "rhodes-pain")
    >>> points = posterior_of(20 * np.array([0.2, 0.4, 0.1]), 400 * np.array([0.02, 0.05, 0.03]), "rhodes-pain", unit=20.0)
    >>> bool(abs(points.loc["mu", "median"] - 20 * found.loc["mu", "median"]) < 1e-9)
    True
    """
    name, location, *others = _named(tau_prior)
    return _fitted(yi, vi, _mu_components(None), (name, location + math.log(unit), *others), level).summary


@dataclass(frozen=True, slots=True, eq=False)
class _Fit:
    """The posterior on nodes of tau."""

    summary: pd.DataFrame
    mixtures: dict[str, tuple[np.ndarray, np.ndarray, np.ndarray]]
    tau: np.ndarray
    weight: np.ndarray
    given_tau: tuple[np.ndarray, np.ndarray, np.ndarray]
    log_evidence: float
    prior: tuple[Callable[[np.ndarray], np.ndarray], bool]


def _fitted(y: np.ndarray, v: np.ndarray, components: np.ndarray, prior: Prior, level: float) -> _Fit:
    log_prior, proper = _tau_prior(prior, len(y))
    tau, weight, log_evidence = _integrate(y, v, components, log_prior, _quantiles(prior))
    weight_mu, mean_mu, sd_mu = _given_tau(tau, weight, y, v, components)
    flat = (weight_mu.ravel(), mean_mu.ravel(), sd_mu.ravel())
    ahead = (flat[0], flat[1], np.sqrt(sd_mu**2 + tau[:, None] ** 2).ravel())
    keep = flat[0] > 1e-16 * flat[0].max()
    mixtures = {"mu": tuple(a[keep] for a in flat), "prediction": tuple(a[keep] for a in ahead)}
    rows = {name: _summarise(mixture, level) for name, mixture in mixtures.items()}
    rows["tau"] = _summarise_tau(tau, (_edges(tau), weight), level)
    summary = pd.DataFrame(rows, index=["median", "mean", "sd", "ci_low", "ci_high"]).T.loc[["mu", "tau", "prediction"]]
    return _Fit(summary, mixtures, tau, weight, (weight_mu, mean_mu, sd_mu), log_evidence, (log_prior, proper))


# --- priors ------------------------------------------------------------------------------------------------------


def _mu_components(prior: Any) -> np.ndarray:
    """Return rows of (weight, mean, variance); a flat prior has infinite variance."""
    if prior is None:
        return np.array([[1.0, 0.0, math.inf]])
    try:
        rows = np.atleast_2d(np.asarray(prior, dtype=float))
    except (TypeError, ValueError):
        rows = np.full((1, 3), np.nan)
    if rows.shape[1] == 2:
        rows = np.column_stack([np.ones(len(rows)), rows])
    if rows.shape[1] != 3 or not np.isfinite(rows).all() or (rows[:, [0, 2]] <= 0).any():
        raise InputError(f"mu_prior must be None, (mean, sd) or (weight, mean, sd) each, sd and weight positive: {brief(prior)}")
    rows[:, 0] /= rows[:, 0].sum()
    rows[:, 2] **= 2
    return rows


def _named(prior: Prior | str) -> Prior:
    """Return a prior given by its name alone as the distribution it stands for."""
    if not isinstance(prior, (str, tuple, list)) or not len(prior):
        raise InputError(f"tau_prior must be a name or (name, scale), for example ('half-normal', 0.5), not {brief(prior)}")
    given: Prior = (prior,) if isinstance(prior, str) else tuple(prior)
    return _PUBLISHED[given[0]] if len(given) == 1 and given[0] in _PUBLISHED else given


def _tau_prior(prior: Prior, k: int) -> tuple[Callable[[np.ndarray], np.ndarray], bool]:
    """Return the log density of the prior of tau, and whether it is proper."""
    counts = {"half-normal": 1, "half-cauchy": 1, "half-t": 2, "log-normal": 2, "log-t": 3, "uniform": 1, "flat": 0}
    name, *numbers = prior
    choice("tau_prior", name, (*counts, *_PUBLISHED))
    if name in _PUBLISHED:
        raise InputError(f"tau_prior {name!r} takes no number, not {brief(tuple(numbers))}")
    real = all(isinstance(n, Real) and not isinstance(n, bool) and math.isfinite(n) for n in numbers)
    positive = numbers[1:] if name.startswith("log") else numbers
    if len(numbers) != counts[name] or not real or any(n <= 0 for n in positive):
        raise InputError(f"tau_prior {name!r} takes {counts[name]} positive number(s), not {brief(tuple(numbers))}")
    if name == "flat":
        if k < 3:
            raise InputError("a flat prior of tau needs three trials or more; give a proper one")
        return lambda t: np.zeros_like(t), False
    if name == "uniform":
        return lambda t: np.where(t <= numbers[0], -math.log(numbers[0]), -np.inf), True
    if name == "half-normal":
        return lambda t: 0.5 * math.log(2 / math.pi) - math.log(numbers[0]) - 0.5 * (t / numbers[0]) ** 2, True
    if name == "log-normal":
        m, s = numbers
        return lambda t: -np.log(t * s * math.sqrt(2 * math.pi)) - 0.5 * ((np.log(t) - m) / s) ** 2, True
    location, scale, df = (0.0, numbers[0], 1.0) if name == "half-cauchy" else (0.0, *numbers) if name == "half-t" else numbers
    constant = -0.5 * math.log(df) - float(betaln(0.5, df / 2)) - math.log(scale)
    if name == "log-t":
        return (
            lambda t: constant - np.log(t) - (df + 1) / 2 * np.log1p(((np.log(t) - location) / scale) ** 2 / df),
            True,
        )
    return lambda t: math.log(2) + constant - (df + 1) / 2 * np.log1p((t / scale) ** 2 / df), True


# --- the integral over tau ---------------------------------------------------------------------------------------


def prior_quantiles(prior: Prior | str) -> Callable[[np.ndarray], np.ndarray]:
    """Return the quantile function of a log-normal or log-t prior of tau, or of one by name."""
    found = _quantiles(_named(prior))
    if found is None:
        raise InputError(f"tau_prior must be log-normal or log-t, or the name of one, not {brief(prior)}")
    return found


def _quantiles(prior: Prior) -> Callable[[np.ndarray], np.ndarray] | None:
    """Return the quantile function of a prior of log tau, over which its integral is taken: its density of tau has a pole at 0."""
    name, *numbers = prior
    if name == "log-normal":
        return lambda u: np.exp(numbers[0] + numbers[1] * ndtri(u))
    if name == "log-t":
        return lambda u: np.exp(np.minimum(numbers[0] + numbers[1] * stdtrit(numbers[2], u), 300.0))
    return None


def _integrate(
    y: np.ndarray,
    v: np.ndarray,
    components: np.ndarray,
    log_prior: Callable[[np.ndarray], np.ndarray],
    quantiles: Callable[[np.ndarray], np.ndarray] | None = None,
) -> tuple[np.ndarray, np.ndarray, float]:
    """Return nodes of tau, their posterior weights, and the log of the marginal likelihood."""
    scale = math.sqrt(float(np.median(v))) + float(np.std(y))
    low, high = 0.0, 1.0
    for nodes in (1024, _NODES):
        step = (high - low) / nodes
        u = low + step * (np.arange(nodes) + 0.5)
        tau = scale * u / (1 - u) if quantiles is None else quantiles(u)
        log_joint = _log_likelihood(tau, y, v, components)
        if quantiles is None:
            with np.errstate(divide="ignore"):
                log_joint = log_joint + log_prior(tau) + np.log(scale / (1 - u) ** 2)
        top = float(log_joint.max())
        inside = np.flatnonzero(log_joint > top - 46)
        if nodes != _NODES:
            low, high = max(u[inside[0]] - step, 0.0), min(u[inside[-1]] + step, 1.0)
    weight = np.exp(log_joint - top)
    return tau, weight / weight.sum(), top + math.log(float(weight.sum()) * step)


def _log_likelihood(tau: np.ndarray, y: np.ndarray, v: np.ndarray, components: np.ndarray) -> np.ndarray:
    """Return log p(y | tau) with mu integrated over its prior."""
    parts = _parts(tau, y, v, components)
    top = parts["log"].max(axis=1)
    return top + np.log(np.exp(parts["log"] - top[:, None]).sum(axis=1))


def _parts(tau: np.ndarray, y: np.ndarray, v: np.ndarray, components: np.ndarray) -> dict[str, np.ndarray]:
    """Return, per tau and component of the mu prior, log p(y, component | tau) and mean and variance of mu."""
    sums = np.empty((4, len(tau)))  # of log variances, weights, weighted effects and their squares about a centre
    centre = float(np.average(y, weights=1 / v))
    size = max(1, _CHUNK // len(y))
    for start in range(0, len(tau), size):
        total = v + tau[start : start + size, None] ** 2
        w = 1 / total
        sums[:, start : start + size] = (
            np.log(total).sum(axis=1),
            w.sum(axis=1),
            w @ (y - centre),
            w @ (y - centre) ** 2,
        )
    logs, w0, w1, w2 = (s[:, None] for s in sums)
    share, m0, v0 = components.T
    p0 = np.where(np.isinf(v0), 0.0, 1 / v0)
    d0 = m0 - centre
    precision = w0 + p0
    mean = (w1 + p0 * d0) / precision
    quadratic = w2 + p0 * d0**2 - precision * mean**2
    # A flat prior has density 1, a normal one sqrt(p0 / 2 pi); both leave sqrt(2 pi / precision) of the integral.
    normal = 0.5 * np.log(np.where(p0 > 0, p0, 2 * math.pi))
    log = np.log(share) + normal - 0.5 * (logs + np.log(precision) + quadratic + len(y) * math.log(2 * math.pi))
    return {"log": log, "mean": mean + centre, "variance": 1 / precision}


def _given_tau(
    tau: np.ndarray, weight: np.ndarray, y: np.ndarray, v: np.ndarray, components: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return weight, mean and SD of mu per node of tau and component."""
    parts = _parts(tau, y, v, components)
    share = np.exp(parts["log"] - parts["log"].max(axis=1, keepdims=True))
    share /= share.sum(axis=1, keepdims=True)
    return weight[:, None] * share, parts["mean"], np.sqrt(np.broadcast_to(parts["variance"], parts["mean"].shape))


def _bayes_factors(
    y: np.ndarray,
    v: np.ndarray,
    components: np.ndarray,
    log_prior: Callable[[np.ndarray], np.ndarray],
    proper: bool,
    log_evidence: float,
) -> pd.Series:
    known = {"mu=0": math.nan, "tau=0": math.nan}
    if proper and np.isfinite(components).all():
        known = {
            "mu=0": math.exp(_integrate_fixed(y, v, log_prior) - log_evidence),
            "tau=0": math.exp(float(_log_likelihood(np.zeros(1), y, v, components)[0]) - log_evidence),
        }
    return pd.Series(known, name="bayes_factor")


def _integrate_fixed(y: np.ndarray, v: np.ndarray, log_prior: Callable[[np.ndarray], np.ndarray]) -> float:
    """Return the log marginal likelihood with mu fixed at zero."""
    scale = math.sqrt(float(np.median(v))) + float(np.sqrt(np.mean(y**2)))
    u = (np.arange(_NODES) + 0.5) / _NODES
    tau = scale * u / (1 - u)
    log_joint = log_prior(tau) + np.log(scale / (1 - u) ** 2) - math.log(_NODES)
    size = max(1, _CHUNK // len(y))
    for start in range(0, _NODES, size):
        total = v + tau[start : start + size, None] ** 2
        log_joint[start : start + size] -= 0.5 * (np.log(2 * math.pi * total) + y**2 / total).sum(axis=1)
    top = float(log_joint.max())
    return top + math.log(float(np.exp(log_joint - top).sum()))


# --- summaries ---------------------------------------------------------------------------------------------------


def _mixture_density(mixture: tuple[np.ndarray, np.ndarray, np.ndarray], points: np.ndarray) -> np.ndarray:
    weight, mean, sd = mixture
    z = (points[:, None] - mean) / sd
    return np.asarray(np.exp(-0.5 * z**2) @ (weight / sd) / math.sqrt(2 * math.pi))


def _mixture_cdf(mixture: tuple[np.ndarray, np.ndarray, np.ndarray], x: Any) -> Any:
    weight, mean, sd = mixture
    points = np.asarray(x, dtype=float)
    found = ndtr((points[..., None] - mean) / sd) @ weight
    return found if points.ndim else float(found)


def _summarise(mixture: tuple[np.ndarray, np.ndarray, np.ndarray], level: float) -> list[float]:
    weight, mean, sd = mixture
    centre = float(weight @ mean)
    spread = math.sqrt(float(weight @ (sd**2 + (mean - centre) ** 2)))
    median, low, high = (_quantile(mixture, p, centre, spread) for p in (0.5, 0.5 - level / 2, 0.5 + level / 2))
    return [median, centre, spread, low, high]


def _quantile(mixture: tuple[np.ndarray, np.ndarray, np.ndarray], p: float, centre: float, spread: float) -> float:
    reach = 8.0 * spread
    while _mixture_cdf(mixture, centre - reach) > p or _mixture_cdf(mixture, centre + reach) < p:
        reach *= 4
    return float(brentq(lambda x: _mixture_cdf(mixture, x) - p, centre - reach, centre + reach, xtol=1e-12 * spread))


def _edges(tau: np.ndarray) -> np.ndarray:
    """Return the ends of the cells of tau; nodes are midpoints in u, so the ends are close to the means of neighbours."""
    inner = 0.5 * (tau[1:] + tau[:-1])
    return np.concatenate([[max(tau[0] - (inner[0] - tau[0]), 0.0)], inner, [tau[-1] + (tau[-1] - inner[-1])]])


def _tau_cdf(edges: np.ndarray, weight: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return edges, np.concatenate([[0.0], np.cumsum(weight)])


def _summarise_tau(tau: np.ndarray, cells: tuple[np.ndarray, np.ndarray], level: float) -> list[float]:
    edges, cumulative = _tau_cdf(*cells)
    weight = cells[1]
    mean = float(weight @ tau)
    sd = math.sqrt(max(float(weight @ (tau - mean) ** 2), 0.0))
    median, low, high = np.interp([0.5, 0.5 - level / 2, 0.5 + level / 2], cumulative, edges)
    return [float(median), mean, sd, float(low), float(high)]


def _shrinkage(
    tau: np.ndarray, weight: np.ndarray, mean: np.ndarray, sd: np.ndarray, y: np.ndarray, v: np.ndarray, level: float
) -> tuple[pd.DataFrame, tuple[tuple[np.ndarray, np.ndarray, np.ndarray], ...]]:
    """Return the posterior of each trial's true effect, and the mixture it is: given tau, mu pulls it by B = v / (v + tau^2)."""
    rows, mixtures = [], []
    for effect, variance in zip(y, v, strict=True):
        pull = (variance / (variance + tau**2))[:, None]
        centre = pull * mean + (1 - pull) * effect
        spread = np.sqrt((1 - pull) * variance + pull**2 * sd**2)
        keep = weight.ravel() > 1e-12
        mixture = (weight.ravel()[keep], centre.ravel()[keep], spread.ravel()[keep])
        rows.append([effect, variance, *_summarise(mixture, level)])
        mixtures.append(mixture)
    columns = ["yi", "vi", "median", "mean", "sd", "ci_low", "ci_high"]
    return pd.DataFrame(rows, columns=columns), tuple(mixtures)


guard(__name__, "bayes")
