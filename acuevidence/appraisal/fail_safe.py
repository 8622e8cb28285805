"""Fail-safe N: how many unpublished null results would undo a pooled effect. Kept because readers ask for it."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.special import ndtr, ndtri

from acuevidence.appraisal.few import refuse_few
from acuevidence.arguments import guard
from acuevidence.errors import InputError
from acuevidence.inputs import choice
from acuevidence.shown import Shown
from acuevidence.synthesis.effect import PooledEffect

__all__ = ["FailSafeN", "fail_safe_n"]

KINDS = ("rosenthal", "orwin", "rosenberg")
_WARNING = (
    "Fail-safe N says nothing about bias: it assumes that missing trials average to no effect, ignores heterogeneity, "
    "and has no distribution to judge it by. The Cochrane Handbook advises against it; see missing_evidence instead."
)


@dataclass(frozen=True, slots=True, kw_only=True, repr=False, eq=False)
class FailSafeN(Shown):
    """A fail-safe N.

    Attributes
    ----------
    n : float
        Number of null trials (inf where no number would do); a whole number otherwise.
    kind : str
        ``rosenthal``, ``orwin`` or ``rosenberg``.
    p_value : float or None
        P value of the trials observed: one-sided for Rosenthal, two-sided for Rosenberg.
    target : float or None
        Effect to be reached; for Orwin only.
    k : int
        Trials observed.
    notes : tuple of str
        Why it should not be used.
    """

    n: float
    kind: str
    p_value: float | None
    target: float | None
    k: int
    notes: tuple[str, ...] = (_WARNING,)

    def to_frame(self) -> pd.DataFrame:
        """Return the number as one row."""
        return pd.DataFrame([{"kind": self.kind, "n": self.n, "p_value": self.p_value, "target": self.target, "k": self.k}])

    def _sentences(self) -> list[str]:
        return [f"Fail-safe N ({self.kind.capitalize()}): {self.n:g} null trials beside {self.k}.", *self.notes]


def fail_safe_n(result: PooledEffect, kind: str = "rosenthal", *, alpha: float = 0.05, target: float | None = None) -> FailSafeN:
    """Return how many null trials would undo a pooled effect.

    Parameters
    ----------
    result : MetaAnalysis
        A pooled effect without moderators, of three trials or more.
    kind : {"rosenthal", "orwin", "rosenberg"}
        Rosenthal: until the sum of z is no longer significant (one-sided); Orwin: until the equal-effects mean falls to
        ``target``; Rosenberg: until the equal-effects test is no longer significant (two-sided).
    alpha : float
        Level of significance.
    target : float, optional
        For Orwin, on the scale of yi. Default: half the mean.

    Returns
    -------
    FailSafeN
        ``n`` and the warning.

    Raises
    ------
    InputError
        With fewer than three trials, with moderators, or for impossible options.

    Notes
    -----
    Rosenthal (1979, Psychological Bulletin), Orwin (1983, Journal of Educational Statistics), Rosenberg
    (2005, Evolution), as in metafor's ``fsn``. **Not recommended**: Becker (2005), and Cochrane Handbook, chapter 13.

    Examples
    --------
    >>> import acuevidence as ae
    >>> ae.meta_analysis([0.4, 0.5, 0.3], [0.02, 0.03, 0.02]).fail_safe_n().n
    20
    """
    choice("kind", kind, KINDS)
    refuse_few(result, "fail-safe N")
    if not 0 < alpha < 1:
        raise InputError(f"alpha must lie between 0 and 1, not {alpha!r}")
    k, w = result.k, 1 / result.vi
    total = float(w @ result.yi)
    if kind == "rosenthal":
        z = abs(float((result.yi * np.sqrt(w)).sum())) / math.sqrt(k)
        n = k * (z / float(ndtri(1 - alpha))) ** 2 - k
        return FailSafeN(n=_whole(n), kind=kind, p_value=float(ndtr(-z)), target=None, k=k)
    if kind == "rosenberg":
        n = k * ((total / float(ndtri(1 - alpha / 2))) ** 2 - w.sum()) / w.sum()
        p = 2 * float(ndtr(-abs(total) / math.sqrt(w.sum())))
        return FailSafeN(n=_whole(n), kind=kind, p_value=p, target=None, k=k)
    mean = total / float(w.sum())
    target = mean / 2 if target is None else float(target)
    if target == 0 or np.sign(target) != np.sign(mean):
        return FailSafeN(n=math.inf, kind=kind, p_value=None, target=target, k=k)
    return FailSafeN(n=_whole(k * (mean / target - 1)), kind=kind, p_value=None, target=target, k=k)


def _whole(n: float) -> int:
    return math.ceil(max(0.0, n))


guard(__name__, "fail_safe_n")
