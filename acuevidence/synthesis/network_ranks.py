"""Rank probabilities of the treatments of a network: how often each would come first, second and so on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from acuevidence.arguments import guard
from acuevidence.errors import InputError

if TYPE_CHECKING:
    from acuevidence.synthesis.network_effects import NetworkEffects

__all__ = ["rank_probabilities"]


def rank_probabilities(result: NetworkEffects, n: int = 20000, seed: int = 0) -> pd.DataFrame:
    """Return the probability of every rank for every treatment.

    Parameters
    ----------
    result : NetworkMetaAnalysis
        The network.
    n : int
        Draws from the joint normal distribution of the effects.
    seed : int
        Seed of the draws.

    Returns
    -------
    DataFrame (treatments, ranks)
        Rows in the order of the P-scores, best first; columns 1 (best) to the number of treatments; rows and columns sum to 1.

    Raises
    ------
    InputError
        For less than one draw.

    Notes
    -----
    Salanti, Ades and Ioannidis 2011, Journal of Clinical Epidemiology. The mean share of treatments a treatment
    beats (SUCRA) is its P-score up to the error of the draws (Ruecker and Schwarzer 2015).

    Examples
    --------
    >>> import acuevidence as ae
    >>> net = ae.network(["a", "a"], ["b", "c"], [0.5, 0.1], [0.1, 0.1], ["A", "B"])
    >>> net.rank_probabilities().sum(axis=1).round(6).tolist()
    [1.0, 1.0, 1.0]
    """
    if n < 1:
        raise InputError(f"n must be 1 or more, not {n}")
    variance = result.se.to_numpy() ** 2
    covariance = (variance[:, [0]] + variance[[0], :] - variance) / 2  # of the effects against the first treatment
    values, vectors = np.linalg.eigh(covariance)
    spread = vectors * np.sqrt(np.clip(values, 0, None))
    draws = np.random.default_rng(seed).standard_normal((n, len(values))) @ spread.T + result.estimates.to_numpy()[:, 0]
    sign = 1 if result.favourable == "larger" else -1
    places = np.argsort(np.argsort(-sign * draws, axis=1), axis=1)
    size = len(values)
    counts = np.array([np.bincount(places[:, i], minlength=size) for i in range(size)])
    ranks = pd.RangeIndex(1, size + 1, name="rank")
    found = pd.DataFrame(counts / n, index=result.treatments, columns=ranks)
    return found.loc[result.p_scores.sort_values(ascending=False, kind="stable").index]


guard(__name__, "rank_probabilities")
