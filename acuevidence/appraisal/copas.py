"""The Copas selection model: the pooled effect when the chance of publication depends on the standard error and on the effect.

How many trials are published cannot be learnt from those that were; so the model is fitted along a path of chances, and each place on
it is tested for what small trials still show. All places are climbed together.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.special import chdtrc, log_ndtr, ndtr, ndtri

from acuevidence import words
from acuevidence.appraisal.few import few_trials, refuse_few
from acuevidence.arguments import guard
from acuevidence.errors import InputError
from acuevidence.shown import Shown
from acuevidence.synthesis import kernel
from acuevidence.synthesis.covariance import climb_many
from acuevidence.synthesis.effect import PooledEffect

__all__ = ["Copas", "copas"]

Array = np.ndarray
_PATH = (0.99, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2, 0.1)
_RHO = 0.99  # beyond it selection would be by the effect alone


@dataclass(frozen=True, slots=True, kw_only=True, repr=False, eq=False)
class Copas(Shown):
    """A meta-analysis under the selection of Copas.

    Attributes
    ----------
    path : DataFrame
        ``estimate se ci_low ci_high p_value tau2 rho unpublished residual_p loglik``, one row a chance that the least precise trial
        is published.
    published : float
        The chance at which what is below was taken: the highest that leaves no sign of small-study effects.
    estimate, se, ci_low, ci_high, p_value : float
        Effect adjusted for selection, with its normal interval and test.
    tau2, rho : float
        Heterogeneity variance, and the correlation of effects with the propensity to be published.
    unpublished : float
        Trials that the model takes to be unpublished.
    residual_p : float
        P value of the test for small-study effects that selection leaves.
    unadjusted : float
        The effect without selection, by maximum likelihood.
    k : int
        Trials.
    level : float
        Level of the interval.
    notes : tuple of str
        When it should not be used.
    """

    path: pd.DataFrame
    published: float
    estimate: float
    se: float
    ci_low: float
    ci_high: float
    p_value: float
    tau2: float
    rho: float
    unpublished: float
    residual_p: float
    unadjusted: float
    k: int
    level: float
    notes: tuple[str, ...] = ()

    def to_frame(self) -> pd.DataFrame:
        """Return the path, a row a chance of publication."""
        return self.path.reset_index()

    def _sentences(self) -> list[str]:
        mean, low, high, plain = (words.number(value, 3) for value in (self.estimate, self.ci_low, self.ci_high, self.unadjusted))
        line = (
            f"Copas selection model ({self.k} trials): {mean} ({words.percent(self.level)} CI {low} to {high}) where the least "
            f"precise trial is published with a chance of {self.published:g}, without selection {plain}; tau2 {self.tau2:.4f}, "
            f"rho {self.rho:.2f}, {self.unpublished:.0f} unpublished; small-study effects that remain: P {words.p(self.residual_p)}."
        )
        return [line, *self.notes]

    def _page_table(self) -> pd.DataFrame:
        return self.path.round(4)


def copas(result: PooledEffect, published: Sequence[float] = _PATH, *, precise: float = 0.99, residual: float = 0.1) -> Copas:
    """Return the effect under selection by standard error and effect.

    Parameters
    ----------
    result : MetaAnalysis
        Of three trials or more, without moderators.
    published : sequence of float
        Chances that the least precise trial is published, each above 0 and at most ``precise``.
    precise : float
        The chance of the most precise trial, below 1.
    residual : float
        P value from which on a place of the path counts as free of small-study effects.

    Returns
    -------
    Copas
        The ``path``, and the place on it with the highest chance that leaves none; the lowest where every place leaves some.

    Raises
    ------
    InputError
        For fewer than three trials, moderators, standard errors that are all alike, or chances out of range.

    Notes
    -----
    A trial is published when g0 + g1/s + d > 0, d standard normal and correlated with the trial's error by rho (Copas and Shi 2000,
    Biostatistics; 2001, Statistical Methods in Medical Research). The two chances fix g0 and g1; mean, rho (between -0.99 and 0.99)
    and tau2 are by maximum likelihood, the variance of each trial freed from the selection as there. What remains is tested by adding
    the standard error to the mean (likelihood ratio). The estimate follows from assumptions about trials that nobody saw: it is a
    sensitivity analysis.

    Examples
    --------
    >>> import acuevidence as ae
    >>> result = ae.meta_analysis([0.9, 0.4, 0.6, 0.1, 0.5, 0.2], [0.09, 0.04, 0.06, 0.02, 0.03, 0.01])
    >>> found = result.copas()
    >>> found.estimate < result.estimate
    True
    """
    refuse_few(result, "the Copas selection model")
    chance = np.array([float(one) for one in published])
    if not 0.5 <= precise < 1 or not len(chance) or not ((chance > 0) & (chance <= precise)).all():
        raise InputError(f"published must be chances above 0 and at most precise, and precise lie between 0.5 and 1, not {precise}")
    s = np.sqrt(result.vi)
    unit = float(np.median(s))
    if np.ptp(s) <= 1e-6 * unit:
        raise InputError("the Copas selection model needs standard errors that differ")
    chance = np.sort(chance)[::-1]
    likelihood = _Likelihood.of(result.yi / unit, s / unit, ndtri(chance), float(ndtri(precise)))
    at, value, se = likelihood.fit(slope=False)
    _, with_slope, _ = likelihood.fit(slope=True)
    mean, se = at[:, 0] * unit, se * unit
    low, high = kernel.interval(mean, se, np.array(np.inf), result.level)
    path = pd.DataFrame(
        {
            "estimate": mean,
            "se": se,
            "ci_low": low,
            "ci_high": high,
            "p_value": kernel.tail(mean / se, np.array(np.inf)),
            "tau2": at[:, 2] * unit**2,
            "rho": at[:, 1],
            "unpublished": (1 / ndtr(likelihood.a) - 1).sum(axis=1),
            "residual_p": chdtrc(1, np.maximum(2 * (with_slope - value), 0.0)),
            "loglik": value - result.k * (math.log(unit) + 0.5 * math.log(2 * math.pi)),
        },
        index=pd.Index(chance, name="published"),
    )
    free = np.flatnonzero(path["residual_p"] >= residual)
    place = int(free[0]) if len(free) else len(path) - 1
    notes = [*few_trials(result, "selection and heterogeneity are hardly told apart")]
    if not len(free):
        notes.append("At no chance of publication are small-study effects gone; the lowest is shown.")
    plain = kernel.fit(result.yi[None], result.vi[None], method="ML", test="z")
    row = {name: float(value) for name, value in path.iloc[place].items() if name != "loglik"}
    return Copas(
        path=path,
        published=float(chance[place]),
        unadjusted=float(plain.beta[0, 0]),
        k=result.k,
        level=result.level,
        notes=tuple(notes),
        **row,
    )


@dataclass(frozen=True, slots=True)
class _Likelihood:
    """The likelihood of the published effects at several chances of publication, (B,), over a leading axis.

    Attributes
    ----------
    y, s : ndarray, (k,)
        Effects and standard errors as printed, in units of a typical standard error.
    a : ndarray, (B, k)
        Where the propensity of each trial to be published has its mean.
    c : ndarray, (B, k)
        Share of the variance that selection takes at rho 1.
    """

    y: Array
    s: Array
    a: Array
    c: Array

    @classmethod
    def of(cls, y: Array, s: Array, lowest: Array, highest: float) -> _Likelihood:
        """Fix the propensities by those of the least and the most precise trial."""
        exact = 1 / s
        share = (exact - exact.min()) / (exact.max() - exact.min())
        a = lowest[:, None] + (highest - lowest[:, None]) * share
        mills = np.exp(-0.5 * a**2 - log_ndtr(a)) / math.sqrt(2 * math.pi)
        return cls(y, s, a, mills * (a + mills))

    def parts(self, theta: Array) -> tuple[Array, Array]:
        """Return the log-likelihood (B,) and its gradient (B, m) at mean, rho, tau2 and perhaps a slope in the standard error."""
        rho, tau2 = theta[:, 1:2], theta[:, 2:3]
        r = self.y - theta[:, 0:1] - (theta[:, 3:4] * self.s if theta.shape[1] > 3 else 0.0)
        sigma2 = self.s**2 / (1 - rho**2 * self.c)
        total = sigma2 + tau2
        u, q = r / np.sqrt(total), rho * np.sqrt(sigma2 / total)
        w = 1 / np.sqrt(1 - q**2)
        b = (self.a + q * u) * w
        passed = log_ndtr(b)
        value = (-0.5 * np.log(total) - 0.5 * u**2 + passed - log_ndtr(self.a)).sum(axis=1)
        mills = np.exp(-0.5 * b**2 - passed) / math.sqrt(2 * math.pi)
        by_q = mills * w**3 * (u + self.a * q)  # of the last part, through the tilt and through the standardised residual
        by_u = mills * q * w - u
        grows = 2 * rho * self.c * sigma2 / (1 - rho**2 * self.c)
        q_by_rho = np.sqrt(sigma2 / total) + 0.5 * q * (grows / sigma2 - grows / total)
        by_total = -(1 + u * by_u) / (2 * total)
        by_mean = -by_u / np.sqrt(total)
        parts = [by_mean, grows * by_total + by_q * q_by_rho, by_total - by_q * q / (2 * total), by_mean * self.s]
        return value, np.stack([part.sum(axis=1) for part in parts[: theta.shape[1]]], axis=1)

    def bend_of(self, theta: Array) -> Array:
        """Return minus the matrix of second derivatives."""
        h = 1e-5
        rows = [(self.parts(theta + h * one)[1] - self.parts(theta - h * one)[1]) / (2 * h) for one in np.eye(theta.shape[1])]
        found = -np.stack(rows, axis=1)
        return (found + np.swapaxes(found, 1, 2)) / 2

    def fit(self, slope: bool) -> tuple[Array, Array, Array]:
        """Return the parameters (B, m), the log-likelihoods and the standard errors of the mean."""
        m, count = 4 if slope else 3, len(self.a)
        lower, upper = np.array([-np.inf, -_RHO, 0.0, -np.inf])[:m], np.array([np.inf, _RHO, np.inf, np.inf])[:m]
        spread = max(float(self.y.var() - (self.s**2).mean()), 0.1)
        starts = np.array([[float(np.average(self.y, weights=self.s**-2)), rho, spread, 0.0] for rho in (0.0, 0.7, -0.7)])[:, :m]
        many = _Likelihood(self.y, self.s, np.tile(self.a, (3, 1)), np.tile(self.c, (3, 1)))

        def objective(theta: Array) -> tuple[Array, Array, Array]:
            return *many.parts(theta), many.bend_of(theta)

        scale = np.tile([1.0, 0.3, spread, 1.0][:m], (3 * count, 1))
        at, value = climb_many(
            objective, lambda theta: many.parts(theta)[0], np.repeat(starts, count, axis=0), lower=lower, upper=upper, scale=scale
        )
        best = value.reshape(3, count).argmax(axis=0) * count + np.arange(count)
        at, value = at[best], value[best]
        held = (at <= lower) | (at >= upper)
        bend = self.bend_of(np.clip(at, lower + 1e-4 * held, upper - 1e-4 * held))
        bend = np.where(held[:, :, None] | held[:, None, :], 0.0, bend) + held[:, :, None] * np.eye(m)
        return at, value, np.sqrt(np.linalg.inv(bend)[:, 0, 0])


guard(__name__, "copas")
