"""The pooled effect of every subset of trials (Olkin, Dahabreh and Trikalinos 2012, Research Synthesis Methods)."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from acuevidence.arguments import guard
from acuevidence.errors import InputError
from acuevidence.synthesis import kernel

if TYPE_CHECKING:
    from acuevidence.synthesis.effect import PooledEffect

__all__ = ["gosh"]

_ALL_TO = 20  # trials up to which every subset is fitted: 2^20 - 1
_CHUNK = 1 << 14  # subsets fitted at a time


def gosh(result: PooledEffect, subsets: str | int = "all", seed: int | None = None) -> pd.DataFrame:
    """Return the pooled effect and heterogeneity of subsets of the trials.

    Parameters
    ----------
    result : MetaAnalysis
        Of two trials or more, without moderators.
    subsets : "all" or int
        Every subset (up to 20 trials), or how many distinct ones to draw at random, each non-empty subset as likely.
    seed : int, optional
        Seed of the draw.

    Returns
    -------
    DataFrame
        One row a subset: ``k estimate tau2 i2 q``, and a column of bool for each trial (by its label, else its place) that says
        whether it belongs. A subset of one trial has a tau2 of 0.

    Raises
    ------
    InputError
        For one trial, moderators, more than 20 trials with ``subsets="all"``, or an impossible number.

    Examples
    --------
    >>> import acuevidence as ae
    >>> result = ae.meta_analysis([0.2, 0.5, 0.3, 2.0], [0.02, 0.04, 0.03, 0.03], labels=list("ABCD"))
    >>> subsets = result.gosh()
    >>> len(subsets), bool(subsets[subsets.D].estimate.min() > subsets[~subsets.D].estimate.max())
    (15, True)
    """
    if result.X is not None or result.k < 2:
        raise InputError("gosh is for a pooled effect of two trials or more, without moderators")
    codes = _codes(result.k, subsets, seed)
    found = np.empty((4, len(codes)))
    member = np.empty((len(codes), result.k), dtype=bool)

    def fit(start: int) -> None:
        here = slice(start, start + _CHUNK)
        member[here] = codes[here] if codes.ndim == 2 else (codes[here, None] >> np.arange(result.k)) & 1
        y = np.where(member[here], result.yi, np.nan)
        fits = kernel.fit(y, np.broadcast_to(result.vi, y.shape), method=result.method, test="z")
        found[:, here] = fits.beta[:, 0], np.nan_to_num(fits.tau2), fits.i2, fits.q

    with ThreadPoolExecutor() as pool:
        list(pool.map(fit, range(0, len(codes), _CHUNK)))
    data = result.data
    labels = data["labels"].astype(str).to_list() if "labels" in data else [f"trial_{i + 1}" for i in range(result.k)]
    numbers = pd.DataFrame(dict(zip(("estimate", "tau2", "i2", "q"), found, strict=True)))
    numbers.insert(0, "k", member.sum(axis=1))
    return pd.concat([numbers, pd.DataFrame(member, columns=_unique(labels))], axis=1)


def _codes(k: int, subsets: str | int, seed: int | None) -> np.ndarray:
    """Return the subsets: bit codes (B,) where every one or few are asked for, else rows of bool (B, k)."""
    if subsets == "all":
        if k > _ALL_TO:
            raise InputError(f"subsets='all' would fit 2^{k} - 1 subsets; give a number, for example subsets=1_000_000")
        return np.arange(1, 1 << k)
    if not isinstance(subsets, (int, np.integer)) or isinstance(subsets, bool) or subsets < 1:
        raise InputError(f"subsets must be 'all' or a positive whole number, not {subsets!r}")
    possible = (1 << k) - 1
    if subsets >= possible:
        return np.arange(1, possible + 1)
    rng = np.random.default_rng(seed)
    if k <= _ALL_TO:
        return np.sort(rng.choice(possible, size=int(subsets), replace=False) + 1)
    drawn = np.empty((0, k), dtype=bool)
    while len(drawn) < subsets:
        more = rng.random((int(subsets) - len(drawn), k)) < 0.5
        drawn = np.unique(np.concatenate([drawn, more[more.any(axis=1)]]), axis=0)
    return drawn


def _unique(labels: list[str]) -> list[str]:
    """Return column names that neither repeat nor hide the numbers' columns."""
    taken = {"k", "estimate", "tau2", "i2", "q"}
    names = []
    for i, label in enumerate(labels):
        name = label if label not in taken else f"{label} ({i + 1})"
        taken.add(name)
        names.append(name)
    return names


guard(__name__, "gosh")
