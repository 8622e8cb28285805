"""Excess significance: more significant trials than their power under the pooled effect allows."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.special import bdtrc, ndtr, ndtri

from acuevidence import words
from acuevidence.appraisal.few import few_trials, refuse_few
from acuevidence.arguments import guard
from acuevidence.errors import InputError
from acuevidence.inputs import choice
from acuevidence.shown import Shown
from acuevidence.synthesis.effect import PooledEffect

__all__ = ["ExcessSignificance", "excess_significance"]


@dataclass(frozen=True, slots=True, kw_only=True, repr=False, eq=False)
class ExcessSignificance(Shown):
    """A test of excess significance.

    Attributes
    ----------
    observed : int
        Trials with a two-sided P value below ``alpha``.
    expected : float
        Sum of the trials' power under the pooled effect.
    ratio : float
        Observed over expected.
    p_value : float
        One-sided P value of more significant trials than expected.
    power : Series
        Power of each trial, with the caller's index.
    alpha : float
        Level at which a trial counts as significant.
    test : str
        ``chi2``, ``binom`` or ``exact``.
    k : int
        Trials.
    notes : tuple of str
        When it should not be used.
    """

    observed: int
    expected: float
    ratio: float
    p_value: float
    power: pd.Series
    alpha: float
    test: str
    k: int
    notes: tuple[str, ...] = ()

    def to_frame(self) -> pd.DataFrame:
        """Return the test as one row."""
        names = ("observed", "expected", "ratio", "p_value", "test", "alpha", "k")
        return pd.DataFrame([{name: getattr(self, name) for name in names}])

    def _sentences(self) -> list[str]:
        line = (
            f"Excess significance: {self.observed} of {self.k} trials significant, {self.expected:.1f} expected; "
            f"P {words.p(self.p_value)} ({self.test})."
        )
        return [line, *self.notes]


def excess_significance(result: PooledEffect, alpha: float = 0.05, *, test: str = "chi2") -> ExcessSignificance:
    """Test whether more trials are significant than their power allows.

    Parameters
    ----------
    result : MetaAnalysis
        A pooled effect without moderators, of three trials or more; power is computed under its effect and tau2.
    alpha : float
        Two-sided level at which a trial counts as significant.
    test : {"chi2", "binom", "exact"}
        Chi-square (one-sided, as in the paper), binomial with the mean power, or exact with each trial's own power.

    Returns
    -------
    ExcessSignificance
        ``observed``, ``expected`` and ``p_value``; judged at 0.10 by its authors.

    Raises
    ------
    InputError
        With fewer than three trials, with moderators, or for an impossible alpha.

    Notes
    -----
    Ioannidis and Trikalinos (2007, Clinical Trials), as in metafor's ``tes``. With tau2 the power is averaged over
    N(estimate, tau2). Low power with fewer than ten trials; heterogeneity alone can make an excess (Johnson and Yuan
    2007, Clinical Trials).

    Examples
    --------
    >>> import acuevidence as ae
    >>> found = ae.meta_analysis([0.5, 0.6, 0.7], [0.05, 0.06, 0.07], method="EE").excess_significance()
    >>> found.observed, round(found.expected, 2)
    (3, 2.03)
    """
    refuse_few(result, "the test of excess significance")
    choice("test", test, ("chi2", "binom", "exact"))
    if not 0 < alpha < 1:
        raise InputError(f"alpha must lie between 0 and 1, not {alpha!r}")
    se = np.sqrt(result.vi)
    critical = float(ndtri(1 - alpha / 2))
    spread = np.sqrt(1 + (result.tau2 or 0.0) / result.vi)
    power = ndtr((result.estimate / se - critical) / spread) + ndtr((-critical - result.estimate / se) / spread)
    observed = int((np.abs(result.yi) / se >= critical).sum())
    expected, k = float(power.sum()), result.k
    p = {"chi2": _chi2, "binom": _binom, "exact": _exact}[test](observed, expected, power)
    return ExcessSignificance(
        observed=observed,
        expected=expected,
        ratio=observed / expected,
        p_value=min(p, 1.0),
        power=pd.Series(power, index=result.data.index, name="power"),
        alpha=alpha,
        test=test,
        k=k,
        notes=few_trials(result, "the test has little power"),
    )


def _chi2(observed: int, expected: float, power: np.ndarray) -> float:
    k = len(power)
    return float(ndtr(-(observed - expected) / math.sqrt(expected * (k - expected) / k)))


def _binom(observed: int, expected: float, power: np.ndarray) -> float:
    k = len(power)
    return 1.0 if observed == 0 else float(bdtrc(observed - 1, k, expected / k))


def _exact(observed: int, expected: float, power: np.ndarray) -> float:
    """Return the upper tail of the Poisson binomial distribution, built up one trial after the other."""
    mass = np.ones(1)
    for p in power:
        mass = np.convolve(mass, [1 - p, p])
    return float(mass[observed:].sum())


guard(__name__, "excess_significance")
