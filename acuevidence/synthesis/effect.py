"""The numbers of a pooled effect: a frozen object that knows its trials, its model and its coefficients, and nothing later."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial

import numpy as np
import pandas as pd

from acuevidence import words
from acuevidence.effects.measures import MEASURES
from acuevidence.effects.natural import measure_of, natural_scale
from acuevidence.shown import Shown, fine
from acuevidence.synthesis import kernel
from acuevidence.synthesis.contrasts import ModelTest

__all__ = ["PooledEffect"]

_TESTS = {
    "z": "normal (Wald) intervals",
    "t": "t intervals, k-p df",
    "HKSJ": "HKSJ intervals (t, k-p df)",
    "HKSJ-adhoc": "HKSJ intervals with the ad hoc correction (t, k-p df, never narrower than Wald's SE)",
}
_PREDICTIONS = {"V": "t, k-p df", "HTS": "t, k-p-1 df", "z": "normal"}


@dataclass(frozen=True, slots=True, kw_only=True, repr=False, eq=False)
class PooledEffect(Shown):
    """The numbers of a random-effects (or equal-effects) model of one group of trials.

    Attributes
    ----------
    estimate, se, tau2, coefficients, data, notes
        These and the others as :class:`.MetaAnalysis` describes them.
    """

    k: int
    method: str
    _test: str
    level: float
    prediction: str
    tau2: float | None
    tau2_se: float | None
    i2: float
    h2: float
    q: float
    q_df: int
    q_p: float
    qm: float
    qm_df: tuple[int, int | None]
    qm_p: float
    df: float | None
    weights: np.ndarray
    excluded: pd.DataFrame
    notes: tuple[str, ...] = ()
    beta: np.ndarray = field(repr=False)
    covariance: np.ndarray = field(repr=False)
    yi: np.ndarray = field(repr=False)
    vi: np.ndarray = field(repr=False)
    X: np.ndarray | None = field(repr=False, default=None)
    terms: tuple[str, ...] = ("Intercept",)
    formula: str | None = None
    _labels: pd.Series | None = field(repr=False, default=None)
    _given: pd.DataFrame | None = field(repr=False, default=None)
    _index: pd.Index | None = field(repr=False, default=None)
    _made: dict[str, pd.DataFrame] = field(repr=False, init=False, default_factory=dict)

    @property
    def test(self) -> ModelTest:
        """Which test it has; called with terms (``result.test("C(technique)")``) it tests them together."""
        return ModelTest.of(self._test, self)

    # --- numbers of the first coefficient ------------------------------------------------------------------------

    @property
    def estimate(self) -> float:
        """The first coefficient."""
        return float(self.beta[0])

    @property
    def se(self) -> float:
        """Its standard error under the chosen test."""
        return float(np.sqrt(self.covariance[0, 0]))

    @property
    def statistic(self) -> float:
        """Its z or t statistic."""
        if self.se > 0:
            return self.estimate / self.se
        return float(np.copysign(np.inf, self.estimate)) if self.estimate else 0.0

    @property
    def p_value(self) -> float:
        """Two-sided P value of the first coefficient."""
        return float(kernel.tail(np.array(self.statistic), self._df()))

    @property
    def ci_low(self) -> float:
        """Lower limit of its interval."""
        return float(kernel.interval(np.array(self.estimate), np.array(self.se), self._df(), self.level)[0])

    @property
    def ci_high(self) -> float:
        """Upper limit of its interval."""
        return float(kernel.interval(np.array(self.estimate), np.array(self.se), self._df(), self.level)[1])

    @property
    def pi_low(self) -> float | None:
        """Lower limit of the prediction interval."""
        found = self._prediction()
        return None if found is None else found[0]

    @property
    def pi_high(self) -> float | None:
        """Upper limit of the prediction interval."""
        found = self._prediction()
        return None if found is None else found[1]

    @property
    def coefficients(self) -> pd.DataFrame:
        """All coefficients: ``estimate se statistic df p_value ci_low ci_high``, one row a term."""
        se = np.sqrt(np.diagonal(self.covariance))
        low, high = kernel.interval(self.beta, se, self._df(), self.level)
        with np.errstate(divide="ignore", invalid="ignore"):  # HKSJ's se is 0 when the effects agree exactly
            statistic = self.beta / se
        return pd.DataFrame(
            {
                "estimate": self.beta,
                "se": se,
                "statistic": statistic,
                "df": self._df(),
                "p_value": kernel.tail(statistic, self._df()),
                "ci_low": low,
                "ci_high": high,
            },
            index=pd.Index(self.terms, name="term"),
        )

    @property
    def vcov(self) -> pd.DataFrame:
        """Covariance of the coefficients under the chosen test."""
        return pd.DataFrame(self.covariance, index=self.terms, columns=self.terms)

    @property
    def data(self) -> pd.DataFrame:
        """The trials used, with ``yi``, ``vi`` and ``labels``."""
        if "data" not in self._made:
            given = pd.DataFrame(index=self._index) if self._given is None else self._given
            frame = given.assign(yi=self.yi, vi=self.vi)
            if self._labels is not None:
                frame["labels"] = self._labels.to_numpy()
            frame.attrs = dict(given.attrs)
            self._made["data"] = frame
        return self._made["data"].copy()

    # --- likelihood ----------------------------------------------------------------------------------------------

    @property
    def loglik(self) -> float:
        """Log-likelihood at tau2: restricted under REML, else full; with every constant, as in metafor."""
        tau2 = np.array([self.tau2 or 0.0])
        X = None if self.X is None else self.X[None]
        return float(kernel.log_likelihood(self.yi[None], self.vi[None], X, tau2, restricted=self.method == "REML")[0])

    @property
    def aic(self) -> float:
        """Akaike's information criterion."""
        return -2 * self.loglik + 2 * self._parameters()

    @property
    def bic(self) -> float:
        """Bayesian information criterion."""
        return -2 * self.loglik + self._parameters() * float(np.log(self._observations()))

    @property
    def aicc(self) -> float:
        """AIC with the small-sample correction."""
        n, m = self._observations(), self._parameters()
        n = max(n, m + 2)
        return -2 * self.loglik + 2 * m * n / (n - m - 1)

    @property
    def r2(self) -> float | None:
        """Share of tau2 the moderators account for, in percent (under EE of Q a degree of freedom); None without moderators."""
        if self.X is None or "Intercept" not in self.terms:
            return None
        without = kernel.fit(self.yi[None], self.vi[None], method=self.method, test="z")
        if self.method == "EE":
            spread = float(without.q[0]) / (self.k - 1)
            return max(0.0, 100 * (1 - self.q / self.q_df / spread)) if spread > 0 else 0.0
        alone = without.tau2[0]
        return float(max(0.0, 100 * (alone - (self.tau2 or 0.0)) / alone)) if alone > 0 else 0.0

    # --- words ---------------------------------------------------------------------------------------------------

    @property
    def conventions(self) -> str:
        """Every convention behind the numbers, for captions and methods sections."""
        if self.k == 1:
            return "One trial: its own normal interval; no heterogeneity can be estimated."
        if self.method == "EE":
            return f"Equal-effects model; {_TESTS[self._test]}; I² from Q."
        said = f"Random-effects model, τ² by {self.method}; {_TESTS[self._test]}; I² from τ² and the typical variance"
        if self.pi_low is not None:
            said += f"; prediction interval {self.prediction} ({_PREDICTIONS[self.prediction]})"
        return said + "; interval of τ² by Q-profile."

    def _sentences(self) -> list[str]:
        level = words.percent(self.level)
        what = "Intercept" if self.X is not None else "Pooled effect" if self.k > 1 else "Effect"
        shown = partial(words.number, decimals=words.decimals(self.se, 3))
        limits = f"{shown(self.ci_low)} to {shown(self.ci_high)}"
        p = f"; P {words.p(self.p_value)}" if self._has_null() else ""
        text = f"{what} {shown(self.estimate)} ({level} CI {limits}{p})."
        if self.pi_low is not None and self.pi_high is not None:
            text += f" {level} prediction interval {shown(self.pi_low)} to {shown(self.pi_high)}."
        lines = [f"{words.count(self.k, 'trial')}. {self.conventions}", text + self._beside() + self._natural()]
        if self.k > 1:
            lines.append(
                f"Heterogeneity: {self._spread()}I2 {self.i2:.1f}%, Q {self.q:.2f} (df {self.q_df}, P {words.p(self.q_p)})."
            )
        if self.X is not None:
            r2 = "" if self.r2 is None else f"; R2 {self.r2:.1f}%"
            lines.append(f"Test of moderators: {self.qm:.2f}, P {words.p(self.qm_p)}{r2}.")
        lines += self.notes
        if len(self.excluded):
            lines.append(f"Left out: {len(self.excluded)} rows, with reasons in .excluded.")
        return lines

    def _beside(self) -> str:
        """Return the plain HKSJ and the Wald limits where the ad hoc floor acts or trials are few, else nothing."""
        if self._test != "HKSJ-adhoc" or self.X is not None or self.k < 2:
            return ""
        w = 1 / (self.vi + (self.tau2 or 0.0))
        wald = float(w.sum()) ** -0.5
        plain = wald * float(np.sqrt(w @ (self.yi - self.estimate) ** 2 / (self.k - 1)))
        if self.k > 4 and plain >= wald:
            return ""
        shown = partial(words.number, decimals=words.decimals(self.se, 3))
        centre, limits = np.array(self.estimate), []
        for se, df in ((plain, self._df()), (wald, np.array(np.inf))):
            low, high = kernel.interval(centre, np.array(se), df, self.level)
            limits.append(f"{shown(float(low))} to {shown(float(high))}")
        return f" Plain HKSJ {limits[0]}, Wald {limits[1]}."

    def _has_null(self) -> bool:
        """Whether the effects compare two groups; the mean, share or rate of one group has no value of no effect."""
        known = MEASURES.get(measure_of(self.data))
        return known is None or known.null is not None

    def _natural(self) -> str:
        """Return the effect on its natural scale, where the trials name a measure that is analysed on another; else nothing."""
        data = self.data
        natural = None if self.X is not None else natural_scale(measure_of(data), data)
        if natural is None:
            return ""
        shown = [f"{float(natural.back(value)):.3g}" for value in (self.estimate, self.ci_low, self.ci_high)]
        return f" As a {natural.word} {shown[0]} ({shown[1]} to {shown[2]})."

    def _spread(self) -> str:
        if self.method == "EE":
            return ""
        from acuevidence.synthesis.intervals import tau2_interval

        low, high = tau2_interval(self)
        shown = partial(words.number, decimals=words.decimals(high, 4))
        return f"tau2 {shown(self.tau2 or 0.0)} ({words.percent(self.level)} CI {shown(low)} to {shown(high)}), "

    def _table(self) -> pd.DataFrame:
        return self.coefficients.round(fine(self.coefficients))

    def to_frame(self) -> pd.DataFrame:
        """Return one row a coefficient, with k, tau2, I2, Q and the prediction interval beside it.

        Returns
        -------
        DataFrame
            One row a coefficient: ``estimate se statistic df p_value ci_low ci_high``, and ``k tau2 i2 q q_p pi_low pi_high method test``.

        Examples
        --------
        >>> import acuevidence as ae
        >>> result = ae.meta_analysis([0.9, 0.4, 0.6, 0.1, 0.5], [0.09, 0.04, 0.06, 0.02, 0.03])
        >>> result.to_frame()[['term', 'estimate', 'ci_low', 'ci_high', 'k']].round(3)
                term  estimate  ci_low  ci_high  k
        0  Intercept     0.437   0.083    0.791  5
        """
        frame = self.coefficients.reset_index()
        return frame.assign(
            k=self.k,
            tau2=self.tau2,
            i2=self.i2,
            q=self.q,
            q_p=self.q_p,
            pi_low=self.pi_low,
            pi_high=self.pi_high,
            method=self.method,
            test=self._test,
        )

    # --- small parts ---------------------------------------------------------------------------------------------

    def _df(self) -> np.ndarray:
        return np.array(np.inf if self.df is None else self.df)

    def _prediction_df(self) -> np.ndarray | None:
        if self.method == "EE" or self.k < 2 or self.tau2 is None:
            return None
        free = self.k - len(self.beta) - (1 if self.prediction == "HTS" else 0)
        if self.prediction == "z":
            return np.array(np.inf)
        return np.array(float(free)) if free > 0 else None

    def _prediction(self) -> tuple[float, float] | None:
        df = self._prediction_df()
        if df is None or self.X is not None:
            return None
        low, high = kernel.interval(np.array(self.estimate), np.sqrt(self.covariance[0, 0] + (self.tau2 or 0.0)), df, self.level)
        return float(low), float(high)

    def _parameters(self) -> int:
        return len(self.beta) + (0 if self.method == "EE" else 1)

    def _observations(self) -> int:
        return self.k - len(self.beta) if self.method == "REML" else self.k
