"""Fieller's interval of a ratio of two estimates that may share patients.

Knows two estimates with their covariance; nothing of trials.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from scipy.special import stdtrit

__all__ = ["RatioInterval", "ratio_interval"]


@dataclass(frozen=True, slots=True)
class RatioInterval:
    """The values of a ratio that the data do not reject.

    Attributes
    ----------
    low, high : float
        Its limits; with ``kind="complement"`` the values *between* them are the rejected ones.
    kind : {"bounded", "complement", "unbounded"}
        An interval; everything outside an interval; or every value.
    """

    low: float
    high: float
    kind: str

    def holds(self, value: float) -> bool:
        """Return whether a value is among those not rejected."""
        if self.kind == "bounded":
            return self.low <= value <= self.high
        return self.kind == "unbounded" or not self.low < value < self.high

    @property
    def words(self) -> str:
        """The set in words."""
        if self.kind == "bounded":
            return f"{self.low:.0%} to {self.high:.0%}"
        if self.kind == "unbounded":
            return "any value: the total effect is not told apart from zero"
        return f"below {self.low:.0%} or above {self.high:.0%}: the total effect is not told apart from zero"


def ratio_interval(
    part: tuple[float, float],
    whole: tuple[float, float],
    covariance: float = 0.0,
    *,
    df: float = math.inf,
    level: float = 0.95,
) -> RatioInterval:
    """Return Fieller's interval of ``part / whole``.

    Parameters
    ----------
    part, whole : (float, float)
        Estimate and standard error of numerator and denominator.
    covariance : float
        Covariance of the two estimates.
    df : float
        Degrees of freedom of t; infinite: normal.
    level : float
        Confidence level.

    Returns
    -------
    RatioInterval

    Notes
    -----
    The set of ``r`` with ``(part - r whole)**2 <= t**2 Var(part - r whole)`` (Fieller 1954, Journal of the Royal Statistical
    Society B). It is bounded only where the whole differs from zero at this level.

    Examples
    --------
    >>> ratio_interval((0.3, 0.05), (0.6, 0.05), df=20).words
    '32% to 71%'
    >>> ratio_interval((0.3, 0.1), (0.1, 0.2), df=10).kind
    'complement'
    """
    t2 = float(stdtrit(df if math.isfinite(df) else 1e9, 0.5 + level / 2)) ** 2
    (a, se_a), (b, se_b) = part, whole
    leading, middle, last = b**2 - t2 * se_b**2, a * b - t2 * covariance, a**2 - t2 * se_a**2
    inside = middle**2 - leading * last
    if leading == 0 or (leading < 0 and inside <= 0):
        return RatioInterval(-math.inf, math.inf, "unbounded")
    root = math.sqrt(max(inside, 0.0))
    low, high = sorted(((middle - root) / leading, (middle + root) / leading))
    return RatioInterval(low, high, "bounded" if leading > 0 else "complement")
