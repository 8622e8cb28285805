"""What results have in common: the numbers of the first coefficient, and of one effect with a normal test."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from acuevidence.synthesis import kernel

__all__ = ["FirstCoefficient", "NormalEffect"]

_NORMAL = np.array(np.inf)


class FirstCoefficient:
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


class NormalEffect:
    """Give one effect with ``estimate``, ``se`` and ``level`` its normal test and interval."""

    __slots__ = ()

    estimate: float
    se: float
    level: float

    def forest(self, **options: Any) -> Any:
        """Draw the forest plot and return its Axes; options as in :func:`acuevidence.plots.forest`."""
        from acuevidence.plots.forest import forest

        return forest(self, **options)

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
