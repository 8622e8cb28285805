"""Variances of a network beyond its estimate of tau2: an interval for it, and random inconsistency beside it.

Knows a fitted network and its trials.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from scipy.special import chdtrc, chdtri

from acuevidence import words
from acuevidence.arguments import guard
from acuevidence.errors import InputError
from acuevidence.inputs import choice
from acuevidence.synthesis.methods import EstimateMethods
from acuevidence.synthesis.network_effects import Comparisons, every_pair
from acuevidence.synthesis.network_fit import fit, highest, likelihood

if TYPE_CHECKING:
    from acuevidence.synthesis.network_effects import NetworkEffects

__all__ = ["RandomInconsistency", "random_inconsistency", "tau2_interval"]


def tau2_interval(net: NetworkEffects, method: str = "QP", *, level: float | None = None) -> tuple[float, float]:
    """Return the interval of a network's tau2.

    Parameters
    ----------
    net : NetworkMetaAnalysis
        The network.
    method : {"QP", "PL"}
        Q-profile, for every estimator; or profile of the restricted likelihood, for ``REML`` and ``REML-joint``.
    level : float, optional
        Level of the interval. Default: that of the network.

    Returns
    -------
    tuple of float
        Lower and upper limit in squared units of ``yi``, 0 or more. Both are 0 where even no heterogeneity makes Q smaller than
        chance would.

    Raises
    ------
    InputError
        For a network without degrees of freedom, or PL without a likelihood estimator.

    Notes
    -----
    ``QP``: the values of tau2 at which the Q of the whole network, weighted with it and with the covariance of trials with
    several arms, lies between the quantiles of its chi-square distribution (Viechtbauer 2007, Statistics in Medicine;
    Jackson, Riley & White 2011, Statistics in Medicine, for several effects a trial). ``PL``: Hardy & Thompson
    1996, Statistics in Medicine. Inconsistency counts as heterogeneity in both.

    Examples
    --------
    >>> import acuevidence as ae
    >>> net = ae.network(["a", "a", "b", "a"], ["b", "b", "c", "c"], [0.5, 0.1, 0.2, 0.9], [0.1, 0.1, 0.1, 0.1], [1, 2, 3, 4])
    >>> low, high = net.tau2_interval()
    >>> print(f"{low:.3f} to {high:.3f}")
    0.010 to 2.834
    """
    choice("method", method, ("QP", "PL"))
    level = net.level if level is None else level
    if net.tau2 is None:
        raise InputError("tau2 has no interval: the network leaves no degrees of freedom for it")
    n = len(net.treatments)
    unit = float(np.mean(np.concatenate([group.v[:, 0, 1] for group in net.trials])))
    if method == "QP":
        upper, lower = (float(chdtri(net.q_total_df, tail)) for tail in (0.5 - level / 2, 0.5 + level / 2))
        return (
            _crossing(lambda t: fit(net.trials, n, t).q - upper, 0.0, unit),
            _crossing(lambda t: fit(net.trials, n, t).q - lower, 0.0, unit),
        )
    if net.method == "DL":
        raise InputError("method='PL' needs a network fitted with method='REML-joint' or 'REML'; for DL use 'QP'")
    model = likelihood(net.trials, np.eye(n)[:, 1:], joint=net.method == "REML-joint")

    def above(t: float) -> float:
        return model(np.array([t])).value

    bar = above(net.tau2) - float(chdtri(1, 1 - level)) / 2
    low = 0.0 if above(0.0) >= bar else _crossing(lambda t: bar - above(t), 0.0, net.tau2, end=net.tau2)
    return low, _crossing(lambda t: above(t) - bar, net.tau2, unit)


def _crossing(falls: Callable[[float], float], start: float, unit: float, end: float | None = None) -> float:
    """Return where a function that falls from ``start`` on meets 0; ``start`` where it lies below 0 already."""
    from scipy.optimize import brentq

    if falls(start) <= 0:
        return start
    while end is None or falls(end) > 0:
        unit, end = 4 * unit, start + unit
    return float(brentq(falls, start, end, xtol=1e-13 * unit, rtol=1e-13))


@dataclass(frozen=True, slots=True, kw_only=True, repr=False, eq=False)
class RandomInconsistency(Comparisons, EstimateMethods):
    """Result of :func:`random_inconsistency`.

    Attributes
    ----------
    estimates, se : DataFrame (treatments, treatments)
        Effect of the row's treatment minus the column's over all designs, and its standard error, which inconsistency widens.
    treatments : Index
    reference : object
        As in the network.
    tau2 : float
        Variance between trials of a design.
    tau2_inconsistency : float
        Variance between designs.
    tau2_consistency : float
        Variance between trials where designs do not differ, by the same likelihood.
    loglik, loglik_consistency : float
        Restricted log-likelihoods with and without random inconsistency.
    statistic, p_value : float
        Likelihood ratio test of no inconsistency, and its p value (half of a chi-square's tail with 1 degree of freedom, because 0
        is the least a variance can be).
    k, designs : int
        Trials, and designs (sets of treatments compared in a trial).
    level : float
    df : None
        Its intervals are normal.
    """

    estimates: pd.DataFrame = field(repr=False)
    se: pd.DataFrame = field(repr=False)
    treatments: pd.Index
    reference: Any
    tau2: float
    tau2_inconsistency: float
    tau2_consistency: float
    loglik: float
    loglik_consistency: float
    statistic: float
    p_value: float
    k: int
    designs: int
    level: float
    df: None = field(default=None, init=False, repr=False)

    @property
    def conventions(self) -> str:
        """What was computed, in words for captions."""
        return (
            "Network meta-analysis with random effects of trials and of designs (random inconsistency), both variances by REML; "
            f"{self._intervals}."
        )

    def _sentences(self) -> list[str]:
        return [
            f"{len(self.treatments)} treatments in {words.count(self.k, 'trial')} of {words.count(self.designs, 'design')}. "
            f"{self.conventions}",
            f"tau2 between trials {self.tau2:.4g}, between designs {self.tau2_inconsistency:.4g} (no inconsistency: "
            f"P {words.p(self.p_value)}).",
            f"Effects against {self.reference}:",
        ]


def random_inconsistency(net: NetworkEffects) -> RandomInconsistency:
    """Fit the network with inconsistency between designs as a random effect.

    Parameters
    ----------
    net : NetworkMetaAnalysis
        The network; its estimator of tau2 does not matter.

    Returns
    -------
    RandomInconsistency

    Raises
    ------
    InputError
        Where no design closes a loop, or each is the design of one trial: heterogeneity and inconsistency cannot be told apart.

    Notes
    -----
    Design-by-treatment interaction with random effects (Jackson, Barrett, Rice, White & Higgins 2014, Statistics in Medicine): a design
    moves all its trials by a common amount, of one variance for all contrasts and half of it as
    covariance of contrasts that share a treatment. Both variances by restricted maximum likelihood with the full covariance
    of trials with several arms (Law, Jackson, Turner, Rhodes & Viechtbauer 2016, BMC Medical Research Methodology).
    The effects are averages over designs. A handful of designs tells little of a variance: P above 0.05 is no proof of
    consistency.

    Examples
    --------
    >>> import acuevidence as ae
    >>> net = ae.network(
    ...     ["a", "a", "b", "b", "a", "a"], ["b", "b", "c", "c", "c", "c"],
    ...     [0.5, 0.1, 0.2, 0.3, 1.9, 1.5], [0.1] * 6, [1, 2, 3, 4, 5, 6])
    >>> both = net.random_inconsistency()
    >>> round(both.tau2, 3), round(both.tau2_inconsistency, 3), round(both.tau2_consistency, 3)
    (0.045, 0.413, 0.252)
    """
    if net.q_inconsistency_df == 0:
        raise InputError("no design closes a loop in this network: there is no inconsistency to see")
    if net.q_heterogeneity_df == 0:
        raise InputError("each design is that of one trial: heterogeneity and inconsistency cannot be told apart")
    n = len(net.treatments)
    basis = np.eye(n)[:, 1:]
    model = likelihood(net.trials, basis, designs=True)
    plain = float(highest(likelihood(net.trials, basis))[0])
    found = highest(model)
    without, best = model(np.array([plain, 0.0])).value, model(found)
    if best.value < without:  # the climb ended in a lower hill
        found, best = np.array([plain, 0.0]), model(np.array([plain, 0.0]))
    statistic = max(0.0, 2 * (best.value - without)) if found[1] > 0 else 0.0
    return RandomInconsistency(
        **every_pair(basis @ best.beta, basis @ best.vcov @ basis.T, net.treatments),
        treatments=net.treatments,
        reference=net.reference,
        tau2=float(found[0]),
        tau2_inconsistency=float(found[1]),
        tau2_consistency=plain,
        loglik=best.value,
        loglik_consistency=without,
        statistic=statistic,
        p_value=float(chdtrc(1, statistic)) / 2 if statistic > 0 else 1.0,
        k=net.k,
        designs=net.data["design"].nunique(),
        level=net.level,
    )


guard(__name__, "random_inconsistency", "tau2_interval")
