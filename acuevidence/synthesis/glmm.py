"""One-stage models of counts: exact likelihoods in place of approximate normal effects, for two groups and for one.

Knows counts and which likelihood a model takes; the likelihoods, their integrals and their maxima stand in the modules beside.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
import pandas as pd

from acuevidence import words
from acuevidence.arguments import guard
from acuevidence.effects.checks import counts
from acuevidence.effects.measures import MEASURES, effect_size
from acuevidence.errors import ConvergenceError, InputError
from acuevidence.inputs import choice, numeric, refuse, values
from acuevidence.synthesis import glmm_likelihoods as likelihoods
from acuevidence.synthesis import kernel
from acuevidence.synthesis.coefficients import NormalEffect
from acuevidence.synthesis.glmm_fit import Fit, common_effect, maximise
from acuevidence.synthesis.glmm_intercepts import InterceptsFit, random_intercepts
from acuevidence.synthesis.glmm_likelihoods import Likelihood
from acuevidence.synthesis.two_by_two import Tables, read_tables

__all__ = ["GlmmMetaAnalysis", "glmm", "glmm_single"]

Array = np.ndarray
_MODELS = {
    "UM.FS": "{} likelihood with fixed trial effects",
    "UM.RS": "{} likelihood with random trial effects",
    "CM.EL": "exact conditional likelihood",
    "CM.AL": "approximate conditional likelihood",
    "binomial": "binomial likelihood",
    "Poisson": "Poisson likelihood",
}
_EFFECTS = {"random": "Random-effects", "equal": "Equal-effects"}


@dataclass(frozen=True, slots=True, kw_only=True, repr=False, eq=False)
class GlmmMetaAnalysis(NormalEffect):
    """A one-stage model of counts.

    Attributes
    ----------
    estimate, se, statistic, p_value, ci_low, ci_high : float
        Mean effect (log odds ratio or log rate ratio, positive: more events in group 1; of one group the log odds or log rate), its
        standard error, z test and interval at ``level``.
    tau2, tau2_se : float
        Variance of the trials' true effects and its standard error (NaN at 0, where there is none); 0 under equal effects.
    sigma2 : float or None
        Variance of the trials' true intercepts (``UM.RS`` only).
    i2, h2 : float
        I2 in percent and H2, from tau2 and the typical variance of the trials' effects.
    q, q_df, q_p : float
        Likelihood ratio test for heterogeneity: the saturated model against one common effect.
    q_wald, q_wald_p : float
        Wald's version; trials whose own effect is infinite count nothing.
    loglik, aic, bic : float
        Maximised log-likelihood with every constant, and the information criteria from it.
    k : int
        Trials in the likelihood.
    measure : str
        ``OR`` or ``IRR``; of one group ``PLO`` or ``IRLN``.
    model : str
        ``UM.FS``, ``UM.RS``, ``CM.EL`` or ``CM.AL``; of one group ``binomial`` or ``Poisson``.
    effects : str
        ``random`` or ``equal``.
    level : float
        Level of the interval.
    data : DataFrame
        The counts used, with the trials' own ``yi`` and ``vi``.
    excluded : DataFrame
        Trials left out, with a ``reason``.
    """

    events: ClassVar[bool] = True  # its effects compare counts of events
    model_name: ClassVar[str] = "Logistic"

    estimate: float
    se: float
    tau2: float
    tau2_se: float
    sigma2: float | None = None
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
    measure: str
    model: str
    effects: str
    level: float
    data: pd.DataFrame = field(repr=False)
    excluded: pd.DataFrame = field(repr=False)

    @property
    def method(self) -> str:
        """How tau2 was estimated: ``ML``, or ``EE`` where there is none."""
        return "ML" if self.effects == "random" else "EE"

    @property
    def conventions(self) -> str:
        """What was computed, in words for captions."""
        spread = "τ² by maximum likelihood" if self.effects == "random" else "one common effect"
        return f"{_EFFECTS[self.effects]} {self._kind()} model, {self._how()}, {spread}; normal interval."

    def to_frame(self) -> pd.DataFrame:
        """Return one row, with k, tau2, I2 and the tests for heterogeneity beside the effect."""
        names = ("k", "tau2", "i2", "q", "q_p", "q_wald", "q_wald_p", "measure", "model", "effects")
        return self.coefficients.reset_index().assign(**{name: getattr(self, name) for name in names})

    def _kind(self) -> str:
        return "logistic" if self.measure in ("OR", "PLO") else "Poisson"

    def _how(self) -> str:
        return _MODELS[self.model].format("binomial" if self._kind() == "logistic" else "Poisson")

    def _sentences(self) -> list[str]:
        measure = MEASURES[self.measure]
        assert measure.back is not None
        low, mid, high = measure.back(np.array([self.ci_low, self.estimate, self.ci_high]))
        what = f"log {measure.name.lower()}" if measure.ratio else {"PLO": "log odds", "IRLN": "log rate"}[self.measure]
        p = f"; P {words.p(self.p_value)}" if measure.null is not None else ""
        natural = f"As a {measure.scale} {mid:.3g} ({low:.3g} to {high:.3g})."
        if measure.ratio:
            low, mid, high = (words.number(value, 3, ratio=True) for value in (low, mid, high))
            natural = f"As a ratio {mid} ({low} to {high})."
        spread = f"tau2 {self.tau2:.4f}, I2 {self.i2:.1f}%, " if self.effects == "random" else ""
        lines = [
            f"{words.count(self.k, 'trial')}. {_EFFECTS[self.effects]} {self._kind()} model, {self._how()}"
            + (f" ({self.model})" if "." in self.model else "")
            + (", maximum likelihood by adaptive quadrature" if self.effects == "random" or self.model == "UM.RS" else "")
            + "; normal interval.",
            f"{'Mean' if self.effects == 'random' else 'Common'} {what} {self.estimate:.3f} ({words.percent(self.level)} CI "
            f"{self.ci_low:.3f} to {self.ci_high:.3f}{p}). {natural}",
            f"Heterogeneity: {spread}likelihood ratio {self.q:.2f} (df {self.q_df}, P {words.p(self.q_p)}), "
            f"Wald {self.q_wald:.2f} (P {words.p(self.q_wald_p)}).",
        ]
        if len(self.excluded):
            lines.append(f"Left out: {words.count(len(self.excluded), 'row')}, with reasons in .excluded.")
        return lines


def glmm(
    events1: Any = "events1",
    n1: Any = "n1",
    events2: Any = "events2",
    n2: Any = "n2",
    *,
    model: str = "UM.FS",
    effects: str = "random",
    rates: bool = False,
    data: pd.DataFrame | None = None,
    labels: Any = None,
    level: float = 0.95,
) -> GlmmMetaAnalysis:
    """Pool odds ratios, or ratios of incidence rates, by a one-stage model of the counts themselves.

    Parameters
    ----------
    events1, n1, events2, n2 : array-like or column names
        Events and people in the treatment group (1) and the control group (2), whole numbers; with ``rates`` n1 and n2 are
        person-time.
    model : {"UM.FS", "UM.RS", "CM.EL", "CM.AL"}
        Unconditional model with fixed or with random trial effects (of the control risk), or conditional on the events of each
        trial: with the exact (noncentral hypergeometric) likelihood, or with its binomial approximation, which holds where events
        are rare. Of rates the binomial is exact: ``CM.EL``, and ``CM.AL`` is refused.
    effects : {"random", "equal"}
        Whether the trials' true effects differ.
    rates : bool
        Whether n1 and n2 are person-time and the events Poisson counts.
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
        For impossible counts (named by row), or fewer trials with information than the model needs (two; one of equal effects).
    ConvergenceError
        Where every trial points to a ratio of 0, or every one to infinity, or the likelihood has no maximum.

    Notes
    -----
    Models of Stijnen, Hamza and Ozdemir (2010, Statistics in Medicine), with the random effect coded +1/2 and -1/2 in
    the unconditional models and independent of the random intercept in UM.RS, as metafor's rma.glmm. Tables where nobody or everybody
    had the event are left out: they carry no information on a ratio. With 31 nodes a trial (21 by 21 in UM.RS) the integrals are exact to
    about nine digits (rma.glmm: 7 in UM.FS, one, Laplace's approximation, in UM.RS). The tests for heterogeneity of UM.RS are
    those of UM.FS, which need no distribution of the intercepts.

    Examples
    --------
    >>> from acuevidence import glmm
    >>> pooled = glmm([4, 6, 3, 9], [123, 306, 231, 150], [11, 29, 11, 8], [139, 303, 220, 150], model="CM.EL")
    >>> round(pooled.estimate, 2), round(pooled.tau2, 2)
    (-0.99, 0.27)
    """
    choice("model", model, ("UM.FS", "UM.RS", "CM.EL", "CM.AL"))
    choice("effects", effects, ("random", "equal"))
    if rates and model == "CM.AL":
        raise InputError("model='CM.AL' is for people; of rates the conditional likelihood is binomial: model='CM.EL'")
    given = read_tables(data, labels, rates=rates, events1=events1, n1=n1, events2=events2, n2=n2)
    for name in ("events1", "events2") if rates else ("events1", "n1", "events2", "n2"):
        counted = getattr(given, name)
        refuse(counted != np.round(counted), f"{name} must be whole numbers", counted, given.index)
    why = "no event in either group" if rates else "nobody or everybody had the event"
    excluded = pd.DataFrame({"study": given.labels[given.empty], "reason": why})
    t = given.take(~given.empty)
    measure = "IRR" if rates else "OR"
    _identified(t, effects)
    trials = _two_groups(t, model)
    common = common_effect(trials)
    fit: Fit | InterceptsFit = common
    if model == "UM.RS":
        fit = random_intercepts(trials, common.theta, effects)
    elif effects == "random":
        fit = maximise(trials, common)
    own = t.frame(measure)
    k, extra = len(t.n1), 0 if effects == "equal" else 1
    parameters, rows = {"UM.FS": (k + 1 + extra, 2 * k), "UM.RS": (3 + extra, 2 * k)}.get(model, (1 + extra, k))
    return _result(
        trials, common, fit, own, parameters, rows, measure=measure, model=model, effects=effects, level=level, excluded=excluded
    )


def glmm_single(
    events: Any = "events",
    n: Any = "n",
    *,
    effects: str = "random",
    rates: bool = False,
    data: pd.DataFrame | None = None,
    labels: Any = None,
    level: float = 0.95,
) -> GlmmMetaAnalysis:
    """Pool proportions, or incidence rates, of one group by a one-stage model of the counts themselves.

    Parameters
    ----------
    events, n : array-like or column names
        Events and people, whole numbers; with ``rates`` n is person-time.
    effects : {"random", "equal"}
        Whether the trials' true proportions or rates differ.
    rates : bool
        Whether n is person-time and the events are Poisson counts.
    data : DataFrame, optional
        Where column names are looked up.
    labels : array-like or column name, optional
        Names of the trials.
    level : float
        Level of the interval.

    Returns
    -------
    GlmmMetaAnalysis
        ``estimate`` is the log odds (``measure`` PLO) or the log rate (IRLN); ``print`` shows it on its natural scale too.

    Raises
    ------
    InputError
        For impossible counts (named by row), or fewer than two trials (one of equal effects).
    ConvergenceError
        Where no trial has an event, or everybody had one.

    Notes
    -----
    Normal distribution of the log odds (Stijnen, Hamza and Ozdemir 2010, Statistics in Medicine) or log rates between
    trials; nothing is added to trials without events, as metafor's rma.glmm. The inverse logit of the mean log odds is the median
    proportion over trials, not their mean.

    Examples
    --------
    >>> from acuevidence import glmm_single
    >>> pooled = glmm_single([4, 0, 3, 12], [123, 60, 231, 150])
    >>> round(pooled.estimate, 2), round(pooled.tau2, 2)
    (-3.67, 0.68)
    """
    choice("effects", effects, ("random", "equal"))
    cells, index = numeric(data, events=events, n=n)
    x, total = cells["events"], cells["n"]
    if rates:
        refuse(total <= 0, "n is person-time and must be positive", total, index)
        refuse(x < 0, "events must not be negative", x, index)
    else:
        counts(x, total, ("events", "n"), index)
        refuse(total != np.round(total), "n must be whole numbers", total, index)
    refuse(x != np.round(x), "events must be whole numbers", x, index)
    named = index if labels is None else values(data, labels=labels)[0]["labels"]
    if len(named) != len(index):
        raise InputError(f"labels has {len(named)} entries for {len(index)} trials")
    _enough(len(x), effects)
    if not x.any() or (not rates and (x == total).all()):
        raise ConvergenceError("there is no event in any trial" if not x.any() else "everybody had the event in every trial")
    column = total[:, None]
    trials: Likelihood = (
        likelihoods.Rate(x[:, None], column) if rates else likelihoods.Conditional(x[:, None], column, np.zeros_like(column))
    )
    measure = "IRLN" if rates else "PLO"
    summaries: dict[str, Any] = {"events": x, "time" if rates else "n": total}
    own = effect_size(measure, **summaries).set_axis(index)
    own = pd.DataFrame({"labels": np.asarray(named), **summaries}, index=index).join(own)
    common = common_effect(trials)
    fit = maximise(trials, common) if effects == "random" else common
    return _result(
        trials,
        common,
        fit,
        own,
        1 if effects == "equal" else 2,
        len(x),
        measure=measure,
        model="Poisson" if rates else "binomial",
        effects=effects,
        level=level,
        excluded=pd.DataFrame({"study": [], "reason": []}),
    )


def _enough(k: int, effects: str) -> None:
    least = 1 if effects == "equal" else 2
    if k < least:
        raise InputError(
            f"{'an equal' if least == 1 else 'a random'}-effects model needs {'one trial' if least == 1 else 'two trials'} with "
            f"information on the effect, not {k}"
        )


def _identified(t: Tables, effects: str) -> None:
    _enough(len(t.n1), effects)
    events = t.events1 + t.events2
    low, high = np.maximum(0.0, events - t.n2), np.minimum(t.n1, events)
    if t.rates:
        low, high = np.zeros_like(events), events
    for edge, what in ((low, "0"), (high, "infinity")):
        if (t.events1 == edge).all():
            instead = "mantel_haenszel(measure='IRD')" if t.rates else "mantel_haenszel(measure='RD') or peto()"
            raise ConvergenceError(f"every trial points to {'a rate' if t.rates else 'an odds'} ratio of {what}; use {instead}")


def _two_groups(t: Tables, model: str) -> Likelihood:
    x1, n1, x2, n2 = (column[:, None] for column in (t.events1, t.n1, t.events2, t.n2))
    found: Likelihood
    if model in ("UM.FS", "UM.RS"):
        found = (likelihoods.TwoPoissons if t.rates else likelihoods.TwoBinomials)(x1, n1, x2, n2)
    elif t.rates or model == "CM.AL":
        found = likelihoods.Conditional(x1, x1 + x2, np.log(n1 / n2))
    else:
        found = likelihoods.Hypergeometric.of(t.events1, t.n1, t.events2, t.n2)
    return found


def _result(
    trials: Likelihood, common: Fit, fit: Fit | InterceptsFit, own: pd.DataFrame, parameters: int, rows: int, **said: Any
) -> GlmmMetaAnalysis:
    k, tau2 = len(own), fit.tau**2
    spread = np.diagonal(fit.covariance)
    yi, weight = trials.own()
    centre = weight @ yi / weight.sum() if weight.sum() > 0 else 0.0
    q, q_wald = max(0.0, 2 * (trials.saturated() - common.loglik)), float(weight @ (yi - centre) ** 2)
    tails = kernel.chi_square_tail(np.array([q, q_wald]), np.full(2, max(k - 1, 1))) if k > 1 else np.ones(2)
    i2, h2 = 0.0, 1.0
    if tau2 > 0:
        w = 1 / own["vi"].to_numpy()
        typical = (k - 1) / (w.sum() - (w @ w) / w.sum())
        i2, h2 = float(100 * tau2 / (typical + tau2)), float(tau2 / typical + 1)
    return GlmmMetaAnalysis(
        estimate=float(fit.theta),
        se=float(np.sqrt(spread[0])),
        tau2=tau2,
        tau2_se=float(2 * fit.tau * np.sqrt(spread[1])) if fit.tau > 0 else float("nan"),
        sigma2=fit.sigma**2 if isinstance(fit, InterceptsFit) else None,
        i2=i2,
        h2=h2,
        q=q,
        q_df=k - 1,
        q_p=float(tails[0]),
        q_wald=q_wald,
        q_wald_p=float(tails[1]),
        loglik=fit.loglik,
        aic=2 * parameters - 2 * fit.loglik,
        bic=parameters * float(np.log(rows)) - 2 * fit.loglik,
        k=k,
        data=own,
        **said,
    )


guard(__name__, "glmm", "glmm_single")
