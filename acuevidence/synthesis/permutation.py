"""Permutation tests of a pooled effect and of moderators, through the batched kernel."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from acuevidence import words
from acuevidence.arguments import guard
from acuevidence.errors import InputError
from acuevidence.shown import Shown
from acuevidence.synthesis import kernel

if TYPE_CHECKING:
    from acuevidence.synthesis.effect import PooledEffect

__all__ = ["Permutation", "permutation_interval", "permutation_test"]

_TIES = math.sqrt(np.finfo(float).eps)  # statistics this close, relatively, count as equal (as in metafor)
_CHUNK = 1 << 13
_GRID, _GRIDS = 9, 9  # points at once, and how often: a limit to 1 in 10^8 of the range


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class Permutation(Shown):
    """A permutation test.

    Attributes
    ----------
    p_value : float
        P value of the first coefficient: the pooled effect, or the intercept of a meta-regression.
    p_values : Series
        P values of all coefficients, by term.
    qm_p : float
        P value of the omnibus test of the moderators (of the pooled effect where there is none).
    permutations : int
        How many were used, the observed arrangement among them.
    exact : bool
        Whether these are all there are.
    what : str
        ``signs`` (of the effects) or ``rows`` (of the moderators).
    """

    p_value: float
    p_values: pd.Series
    qm_p: float
    permutations: int
    exact: bool
    what: str

    def to_frame(self) -> pd.DataFrame:
        """Return one row a coefficient with its ``p_value``."""
        return self.p_values.rename("p_value").to_frame()

    def _sentences(self) -> list[str]:
        how = f"all {self.permutations}" if self.exact else f"{self.permutations} random"
        moved = "sign flips of the effects" if self.what == "signs" else "permutations of the moderators' rows"
        return [f"Permutation test by {how} {moved}; omnibus P {words.p(self.qm_p)}."]

    def _table(self) -> pd.DataFrame:
        return self.to_frame().round(4)


def permutation_test(result: PooledEffect, exact: bool | None = None, n: int = 1000, seed: int | None = None) -> Permutation:
    """Test a result by permutation.

    Parameters
    ----------
    result : MetaAnalysis
        A pooled effect (signs are flipped) or a meta-regression (the rows of its moderators are permuted).
    exact : bool, optional
        All arrangements, or ``n`` drawn at random. Default: all where there are no more than ``n``.
    n : int
        Arrangements to draw, the observed one included.
    seed : int, optional
        Seed of the draw; without one it differs from call to call.

    Returns
    -------
    Permutation
        P values: the share of arrangements whose statistic is at least as large in absolute value as the observed one.

    Raises
    ------
    InputError
        For one trial, effects that agree exactly (all 0, or with moderators), or an exact test of more than ten million
        arrangements.

    Notes
    -----
    Follmann and Proschan (1999, Biometrics); Higgins and Thompson (2004, Statistics in Medicine);
    as metafor's ``permutest``.

    Examples
    --------
    >>> import acuevidence as ae
    >>> ae.meta_analysis([0.2, 0.5, 0.3], [0.02, 0.04, 0.03]).permutation_test().p_value
    0.25
    """
    if result.k < 2:
        raise InputError("a permutation test needs two trials or more; this result has one")
    if n < 1:
        raise InputError(f"n must be at least 1, not {n}")
    possible = 2**result.k if result.X is None else _arrangements(result.X)
    every = possible <= n if exact is None else exact
    if every and possible > 10_000_000:
        raise InputError(f"there are {possible:,} arrangements, too many for an exact test; use exact=False")
    rng = np.random.default_rng(seed)
    orders = _signs(result.k, possible if every else n, every, rng) if result.X is None else _orders(result.X, n, every, rng)
    beyond, total, count = np.zeros(len(result.beta)), 0.0, 0
    observed, omnibus = _statistics(result, np.arange(result.k)[None] if result.X is not None else np.ones((1, result.k)))
    observed, limit = observed[0], float(omnibus[0])
    if np.isnan(observed).any() or math.isnan(limit):
        raise InputError("a permutation test has nothing to permute: the effects agree exactly, so every statistic is 0 over 0")
    for chunk in orders:
        statistic, qm = _statistics(result, chunk)
        beyond += (np.abs(statistic) >= np.abs(observed) * (1 - _TIES)).sum(axis=0)
        total += float((qm >= limit * (1 - _TIES)).sum())
        count += len(chunk)
    p = beyond / count
    named = pd.Series(p, index=pd.Index(result.terms, name="term"))
    return Permutation(float(p[0]), named, total / count, count, bool(every), "signs" if result.X is None else "rows")


def permutation_interval(
    result: PooledEffect, *, n: int = 1000, seed: int | None = None, level: float | None = None
) -> tuple[float, float]:
    """Return the interval of the effects that a permutation test does not reject.

    Parameters
    ----------
    result : MetaAnalysis
        A pooled effect without moderators.
    n : int
        Sign flips: all of them where there are no more than ``n``, else ``n`` drawn at random, the same for every effect tested.
    seed : int, optional
        Seed of the draw; without one it differs from call to call.
    level : float, optional
        Level of the interval. Default: that of the result.

    Returns
    -------
    tuple of float
        Lower and upper limit.

    Raises
    ------
    InputError
        With moderators, or where so few flips exist that no effect can be rejected at the level.

    Notes
    -----
    The limits are where the P value of the test that signs of ``yi - mu`` are exchangeable passes ``1 - level`` (Follmann and
    Proschan 1999, Biometrics; metafor's ``permutest(permci=TRUE)``), found on a grid that is refined, each step in one batch.
    Not for few trials: with five there are 32 flips, and no effect can be rejected at 0.95.

    Examples
    --------
    >>> import acuevidence as ae
    >>> result = ae.meta_analysis([0.9, 0.4, 0.6, 0.1, 0.5, 0.3], [0.04] * 6)
    >>> low, high = result.permutation_interval()
    >>> print(f"{low:.2f} to {high:.2f}")
    0.10 to 0.90
    """
    if result.X is not None:
        raise InputError("a permutation interval needs a model without moderators")
    level = result.level if level is None else level
    rng = np.random.default_rng(seed)
    possible = 2**result.k
    every = possible <= n
    signs = np.concatenate(list(_signs(result.k, possible if every else n, every, rng)))
    if 2 / len(signs) > 1 - level:
        raise InputError(f"{len(signs)} sign flips cannot reject any effect at the level {level}; lower it, or give n")

    def kept(mu: np.ndarray) -> np.ndarray:
        """Whether each effect is not rejected."""
        centred = result.yi - mu[:, None]
        y = (signs * centred[:, None]).reshape(-1, result.k)
        fits = kernel.fit(y, np.broadcast_to(result.vi, y.shape), method=result.method, test=result.test)
        with np.errstate(divide="ignore", invalid="ignore"):
            size = np.abs(fits.beta[:, 0] / np.sqrt(fits.vcov[:, 0, 0])).reshape(len(mu), -1)
        own = size[:, :1]
        return np.asarray((size >= own * (1 - _TIES)).mean(axis=1) > 1 - level)

    reach = float(np.abs(result.yi - result.estimate).max()) * 1.5 + 1e-12 * abs(result.estimate)
    return _edge(kept, result.estimate, result.estimate - reach), _edge(kept, result.estimate, result.estimate + reach)


def _edge(kept: Callable[[np.ndarray], np.ndarray], inside: float, outside: float) -> float:
    """Return where what is kept ends between two effects: grids of ever smaller steps, each in one batch."""
    for _ in range(_GRIDS):
        points = np.linspace(inside, outside, _GRID)
        found = np.flatnonzero(kept(points))
        last = int(found[-1]) if len(found) else 0
        if last == _GRID - 1:
            return outside
        inside, outside = float(points[last]), float(points[last + 1])
    return (inside + outside) / 2


def _statistics(result: PooledEffect, chunk: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the coefficients' statistics (B, p) and the omnibus statistic (B,) of each arrangement."""
    X = None
    if result.X is None:
        y = chunk * result.yi
    else:
        y = np.broadcast_to(result.yi, chunk.shape)
        X = result.X[chunk]
    fits = kernel.fit(y, np.broadcast_to(result.vi, y.shape), X, method=result.method, test=result.test)
    with np.errstate(divide="ignore", invalid="ignore"):  # HKSJ's variance is 0 where the effects agree exactly
        statistic = fits.beta / np.sqrt(np.diagonal(fits.vcov, axis1=1, axis2=2))
    tested = [i for i, term in enumerate(result.terms) if term != "Intercept"] or [0]
    if len(tested) == 1:
        return statistic, statistic[:, tested[0]] ** 2
    known = np.isfinite(statistic).all(axis=1)
    omnibus = np.full(len(statistic), np.nan)
    beta = fits.beta[known][:, tested]
    inner = np.linalg.solve(fits.vcov[known][:, tested][:, :, tested], beta[..., None])[..., 0]
    omnibus[known] = (beta * inner).sum(axis=1)
    return statistic, omnibus


def _signs(k: int, n: int, every: bool, rng: np.random.Generator) -> Iterator[np.ndarray]:
    """Yield sign flips (B, k), the observed ones first."""
    for start in range(0, n, _CHUNK):
        codes = np.arange(start, min(start + _CHUNK, n))
        if every:
            yield 1.0 - 2.0 * ((codes[:, None] >> np.arange(k)) & 1)
        else:
            signs = rng.choice([-1.0, 1.0], size=(len(codes), k))
            if start == 0:
                signs[0] = 1.0
            yield signs


def _orders(X: np.ndarray, n: int, every: bool, rng: np.random.Generator) -> Iterator[np.ndarray]:
    """Yield permutations of the rows of X (B, k), the observed one first when drawn at random."""
    if every:
        kinds = np.unique(X, axis=0, return_inverse=True)[1].ravel()
        example = [int(np.flatnonzero(kinds == kind)[0]) for kind in range(kinds.max() + 1)]
        batch = []
        for arrangement in _distinct(Counter(kinds.tolist()), len(kinds)):
            batch.append([example[kind] for kind in arrangement])
            if len(batch) == _CHUNK:
                yield np.array(batch)
                batch = []
        if batch:
            yield np.array(batch)
        return
    for start in range(0, n, _CHUNK):
        size = min(_CHUNK, n - start)
        drawn = rng.permuted(np.tile(np.arange(len(X)), (size, 1)), axis=1)
        if start == 0:
            drawn[0] = np.arange(len(X))
        yield drawn


def _distinct(left: Counter[int], size: int) -> Iterator[tuple[int, ...]]:
    """Yield the distinct orders of a multiset."""
    if size == 0:
        yield ()
        return
    for kind in list(left):
        if left[kind]:
            left[kind] -= 1
            for rest in _distinct(left, size - 1):
                yield (kind, *rest)
            left[kind] += 1


def _arrangements(X: np.ndarray) -> int:
    repeated = np.unique(X, axis=0, return_counts=True)[1]
    return math.factorial(len(X)) // math.prod(math.factorial(int(count)) for count in repeated)


guard(__name__, "permutation_interval", "permutation_test")
