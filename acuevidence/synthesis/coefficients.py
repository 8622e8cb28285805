"""What results have in common: the numbers of the first coefficient, and of one effect with a normal test."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from scipy.special import fdtrc

from acuevidence.errors import InputError
from acuevidence.shown import Shown, fine, readable
from acuevidence.synthesis import kernel
from acuevidence.synthesis.methods import NormalMethods

__all__ = ["Contrast", "FirstCoefficient", "NormalEffect", "contrast", "omnibus"]

_NORMAL = np.array(np.inf)


class FirstCoefficient(Shown):
    """Read ``estimate se p_value ci_low ci_high`` off the first row of ``coefficients``."""

    __slots__ = ()

    coefficients: pd.DataFrame

    @property
    def estimate(self) -> float:
        """First coefficient."""
        return self._first("estimate")

    @property
    def se(self) -> float:
        """Standard error of the first coefficient."""
        return self._first("se")

    @property
    def p_value(self) -> float:
        """Two-sided p value of the first coefficient."""
        return self._first("p_value")

    @property
    def ci_low(self) -> float:
        """Lower limit of the first coefficient."""
        return self._first("ci_low")

    @property
    def ci_high(self) -> float:
        """Upper limit of the first coefficient."""
        return self._first("ci_high")

    def _first(self, name: str) -> float:
        return float(self.coefficients[name].iloc[0])

    def _table(self) -> pd.DataFrame:
        return readable(self.coefficients)


class NormalEffect(NormalMethods, Shown):
    """Give one effect with ``estimate``, ``se`` and ``level`` its normal test and interval."""

    __slots__ = ()

    estimate: float
    se: float
    level: float

    @property
    def statistic(self) -> float:
        """Its z statistic."""
        return self.estimate / self.se

    @property
    def p_value(self) -> float:
        """Two-sided P value."""
        return float(kernel.tail(np.array(self.statistic), _NORMAL))

    @property
    def ci_low(self) -> float:
        """Lower limit of the interval."""
        return float(kernel.interval(np.array(self.estimate), np.array(self.se), _NORMAL, self.level)[0])

    @property
    def ci_high(self) -> float:
        """Upper limit of the interval."""
        return float(kernel.interval(np.array(self.estimate), np.array(self.se), _NORMAL, self.level)[1])

    @property
    def coefficients(self) -> pd.DataFrame:
        """One row: ``estimate se statistic df p_value ci_low ci_high``."""
        row = {name: getattr(self, name) for name in ("estimate", "se", "statistic")}
        row |= {"df": np.inf} | {name: getattr(self, name) for name in ("p_value", "ci_low", "ci_high")}
        return pd.DataFrame([row], index=pd.Index(["Intercept"], name="term"))

    def _page_table(self) -> pd.DataFrame:
        return self.coefficients.round(fine(self.coefficients))


class Contrast(NamedTuple):
    """A sum of coefficients.

    Attributes
    ----------
    estimate, se, df, p_value, ci_low, ci_high : float
        The sum, its standard error, the degrees of freedom of its t test (infinite: normal), its two-sided P value and interval.
    """

    estimate: float
    se: float
    df: float
    p_value: float
    ci_low: float
    ci_high: float


def contrast(
    weights: Sequence[float] | np.ndarray, beta: np.ndarray, covariance: np.ndarray, df: float | None, *, level: float = 0.95
) -> Contrast:
    """Return a weighted sum of coefficients with its test and interval.

    Parameters
    ----------
    weights : array-like, shape (p,)
        Weight of each coefficient.
    beta : ndarray, shape (p,)
        The coefficients.
    covariance : ndarray, shape (p, p)
        Their covariance.
    df : float or None
        Degrees of freedom of t; None or infinite: normal.
    level : float
        Level of the interval.

    Returns
    -------
    Contrast
        ``c'b`` with variance ``c'Vc``.

    Examples
    --------
    >>> import numpy as np
    >>> one = contrast([1, -1], np.array([0.5, 0.2]), np.diag([0.01, 0.02]), None)
    >>> round(one.estimate, 3), round(one.se, 3), round(one.p_value, 3)
    (0.3, 0.173, 0.083)
    """
    c, free = np.asarray(weights, dtype=float), np.asarray(df or np.inf, dtype=float)
    estimate, se = float(c @ beta), float(np.sqrt(c @ covariance @ c))
    low, high = kernel.interval(np.asarray(estimate), np.asarray(se), free, level)
    statistic = np.divide(estimate, se, out=np.full((), np.inf), where=np.asarray(se > 0))
    return Contrast(estimate, se, float(free), float(kernel.tail(statistic, free)), float(low), float(high))


def omnibus(beta: np.ndarray, covariance: np.ndarray, terms: tuple[str, ...], df: float | None) -> tuple[Any, Any, float]:
    """Return the test that all coefficients but the intercept are zero (all, where there is no other)."""
    tested = [i for i, term in enumerate(terms) if term != "Intercept"] or [0]
    b, v = beta[tested], covariance[np.ix_(tested, tested)]
    m = len(tested)
    if m == 1:
        chi2 = float(b[0] ** 2 / v[0, 0]) if v[0, 0] else float(np.inf if b[0] else 0.0)  # 0: HKSJ of trials that agree
    else:
        try:
            chi2 = float(b @ np.linalg.solve(v, b))
        except np.linalg.LinAlgError:
            raise InputError("the moderators' covariance is singular; drop one of them") from None
    if df is None:
        return chi2, (m, None), float(kernel.chi_square_tail(np.array(chi2), np.array(m)))
    return chi2 / m, (m, int(df)), float(fdtrc(m, df, max(chi2 / m, 0.0)))
