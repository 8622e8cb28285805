"""The numbers of a network of treatments: a frozen object that knows its trials and its effects, and nothing later."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import ndtr, ndtri, stdtr, stdtrit

from acuevidence import words
from acuevidence.errors import InputError
from acuevidence.shown import Shown, readable
from acuevidence.synthesis.network_contrasts import Trials

__all__ = ["Comparisons", "NetworkEffects", "every_pair", "half_width", "two_sided"]


def half_width(level: float, df: float | None) -> float:
    """Return by how many standard errors an interval reaches to each side: of t, or normal without degrees of freedom."""
    return float(ndtri(0.5 + level / 2) if df is None else stdtrit(df, 0.5 + level / 2))


def two_sided(statistic: np.ndarray, df: float | None) -> np.ndarray:
    """Return two-sided P values: of t, or normal without degrees of freedom."""
    tail = -np.abs(statistic)
    return np.asarray(2 * (ndtr(tail) if df is None else stdtr(df, tail)))


class Comparisons(Shown):
    """Effects of every treatment against every other: their intervals and tests. Holds nothing itself."""

    __slots__ = ()

    estimates: pd.DataFrame
    se: pd.DataFrame
    treatments: pd.Index
    reference: Any
    level: float
    df: float | None

    def _frame(self, values: np.ndarray) -> pd.DataFrame:
        return pd.DataFrame(values, index=self.treatments, columns=self.treatments)

    @property
    def _intervals(self) -> str:
        kind = "normal" if self.df is None else "t"
        freedom = "" if self.df is None else f", {words.count(int(self.df), 'degree')} of freedom"
        return f"{kind} {words.percent(self.level)} intervals{freedom}"

    @property
    def best_first(self) -> pd.Index:
        """The treatments in the order in which tables show them."""
        return self.treatments

    @property
    def ci_low(self) -> pd.DataFrame:
        """Lower confidence limits, row minus column."""
        return self.estimates - half_width(self.level, self.df) * self.se

    @property
    def ci_high(self) -> pd.DataFrame:
        """Upper confidence limits, row minus column."""
        return self.estimates + half_width(self.level, self.df) * self.se

    @property
    def p_values(self) -> pd.DataFrame:
        """Two-sided p values of every comparison; 1 on the diagonal."""
        z = self.estimates.to_numpy() / np.where(self.se == 0, 1, self.se)
        return self._frame(two_sided(z, self.df))

    def to_frame(self) -> pd.DataFrame:
        """All treatments against the reference: ``estimate se statistic p_value ci_low ci_high``."""
        others = self.treatments.drop(self.reference)
        estimate, se = (frame.loc[others, self.reference] for frame in (self.estimates, self.se))
        return pd.DataFrame(
            {
                "estimate": estimate,
                "se": se,
                "statistic": (estimate / se).where(se > 0, 0.0 * estimate),
                "p_value": self.p_values.loc[others, self.reference],
                "ci_low": self.ci_low.loc[others, self.reference],
                "ci_high": self.ci_high.loc[others, self.reference],
            }
        ).rename_axis("treatment")

    def _table(self) -> pd.DataFrame:
        return readable(self.to_frame())


def every_pair(theta: np.ndarray, covariance: np.ndarray, names: pd.Index) -> dict[str, pd.DataFrame]:
    """Every effect and its standard error from the positions (n,) of the treatments on a scale and their covariance."""
    spread = covariance.diagonal()
    variance = np.maximum(spread[:, None] + spread - 2 * covariance, 0) * (1 - np.eye(len(theta)))
    return {
        "estimates": pd.DataFrame(theta[:, None] - theta, index=names, columns=names),
        "se": pd.DataFrame(np.sqrt(variance), index=names, columns=names),
    }


@dataclass(frozen=True, slots=True, kw_only=True, repr=False, eq=False)
class NetworkEffects(Comparisons):
    """The numbers of a network of treatments.

    Attributes
    ----------
    estimates, se, treatments, tau2, p_scores, trials
        These and the others as :class:`.NetworkMetaAnalysis` describes them.
    """

    estimates: pd.DataFrame = field(repr=False)
    se: pd.DataFrame = field(repr=False)
    treatments: pd.Index
    reference: Any
    tau2: float | None
    i2: float | None
    q_total: float
    q_total_df: int
    q_total_p: float
    q_heterogeneity: float
    q_heterogeneity_df: int
    q_heterogeneity_p: float
    q_inconsistency: float
    q_inconsistency_df: int
    q_inconsistency_p: float
    p_scores: pd.Series = field(repr=False)
    k: int
    contrasts: int
    method: str
    effects: str
    favourable: str
    level: float
    df: float | None
    data: pd.DataFrame = field(repr=False)
    excluded: pd.DataFrame = field(repr=False)
    trials: tuple[Trials, ...] = field(repr=False)

    @property
    def best_first(self) -> pd.Index:
        """The treatments from the best P-score down."""
        return self.p_scores.sort_values(ascending=False, kind="stable").index

    def prediction(self) -> tuple[pd.DataFrame, pd.DataFrame]:
        """Prediction limits of the effects in a new trial, row minus column.

        Returns
        -------
        tuple of DataFrame
            Lower and upper limits: ``t`` with the degrees of freedom of Q, variance ``se**2 + tau2``.

        Raises
        ------
        InputError
            For common effects, or where tau2 cannot be estimated.
        """
        if self.effects == "common" or self.tau2 is None:
            raise InputError("prediction needs effects='random' and a network with degrees of freedom for tau2")
        off = ~np.eye(len(self.treatments), dtype=bool)
        width = stdtrit(self.q_total_df, 0.5 + self.level / 2) * np.sqrt(self.se**2 + self.tau2) * off
        return self.estimates - width, self.estimates + width

    def to_frame(self) -> pd.DataFrame:
        """All treatments against the reference: ``estimate se statistic p_value ci_low ci_high p_score``."""
        found = Comparisons.to_frame(self)
        return found.assign(p_score=self.p_scores[found.index])

    @property
    def conventions(self) -> str:
        """What was computed, in words for captions."""
        tau2 = "" if self.effects == "common" else f", one τ² for all comparisons by {self.method}"
        return f"Network meta-analysis, {self.effects} effects{tau2}; {self._intervals}."

    def _sentences(self) -> list[str]:
        tau2 = "tau2 not estimable" if self.tau2 is None else f"tau2 {self.tau2:.4g}, I2 {self.i2:.1f}%"
        parts = (
            ("total", self.q_total, self.q_total_df, self.q_total_p),
            ("within designs", self.q_heterogeneity, self.q_heterogeneity_df, self.q_heterogeneity_p),
            ("between designs", self.q_inconsistency, self.q_inconsistency_df, self.q_inconsistency_p),
        )
        found = "; ".join(f"Q {name} {q:.2f} (df {df}, P {words.p(p)})" for name, q, df, p in parts)
        return [
            f"{len(self.treatments)} treatments in {words.count(self.k, 'trial')}. {self.conventions}",
            f"Heterogeneity: {tau2}; {found}.",
            f"Effects against {self.reference}:",
        ]
