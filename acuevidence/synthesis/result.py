"""What a pairwise meta-analysis gives back: a frozen object with the numbers, and the door to what can be made of it.

The methods that lead to later rooms (appraisal, plots) import them when they are called; nowhere else does a room open to its
right.
"""

from __future__ import annotations

import html
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from scipy.special import fdtrc

from acuevidence.errors import InputError
from acuevidence.inputs import choice
from acuevidence.synthesis import kernel

if TYPE_CHECKING:
    from acuevidence.appraisal.excess_significance import ExcessSignificance
    from acuevidence.appraisal.fail_safe import FailSafeN
    from acuevidence.appraisal.p_uniform import PUniform
    from acuevidence.appraisal.selection import SelectionModel
    from acuevidence.appraisal.small_study import LimitMetaAnalysis, SmallStudyTest
    from acuevidence.appraisal.trim_and_fill import TrimAndFill
    from acuevidence.synthesis.permutation import Permutation
    from acuevidence.synthesis.robust import RobustMetaAnalysis

__all__ = ["Between", "GroupedMetaAnalysis", "MetaAnalysis"]

_TESTS = {
    "z": "normal (Wald) intervals",
    "t": "t intervals, k-p df",
    "HKSJ": "HKSJ intervals (t, k-p df)",
    "HKSJ-adhoc": "HKSJ intervals with the ad hoc correction (t, k-p df, never narrower than Wald's SE)",
}
_PREDICTIONS = {"V": "t, k-p df", "HTS": "t, k-p-1 df", "z": "normal"}


@dataclass(frozen=True, slots=True, kw_only=True)
class MetaAnalysis:
    """A random-effects (or equal-effects) meta-analysis of one group of trials.

    ``estimate`` to ``ci_high`` describe the first coefficient: the pooled effect, or the intercept of a meta-regression.
    A positive effect favours acupuncture when the effects were turned that way, as ``trial_effects`` does.

    Attributes
    ----------
    estimate, se, statistic, p_value, ci_low, ci_high : float
        Pooled effect on the scale of yi, its standard error, test and interval at ``level``.
    df : float or None
        Degrees of freedom of its t distribution; None: normal.
    pi_low, pi_high : float or None
        Prediction interval for the true effect of a new trial; None where it is not defined (equal effects, one trial, no
        degrees of freedom, or a meta-regression: use ``predict``).
    tau2, tau2_se : float or None
        Heterogeneity variance (squared units of yi) and its standard error; None for one trial.
    i2, h2 : float
        I2 in percent and H2, from tau2 and the typical variance (under EE from Q).
    q, q_df, q_p : float
        Cochran's Q, of the residuals in a meta-regression, with its chi-square test.
    qm, qm_df, qm_p : float
        Omnibus test of the moderators (of the pooled effect where there is none): chi-square, or F under t tests.
    k : int
        Trials.
    weights : ndarray, (k,)
        Weights in percent.
    method, test, level, prediction : str or float
        As asked for.
    data : DataFrame
        The trials used, with ``yi``, ``vi`` and ``labels``; the caller's index and ``attrs``.
    excluded : DataFrame
        What was left out, with a ``reason``.
    notes : tuple of str
        What a reader must know: one trial, two trials, an interval narrower than Wald's.
    """

    k: int
    method: str
    test: str
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
            {"estimate": self.beta, "se": se, "statistic": statistic, "df": self._df(),
             "p_value": kernel.tail(statistic, self._df()), "ci_low": low, "ci_high": high},
            index=pd.Index(self.terms, name="term"),
        )  # fmt: skip

    @property
    def vcov(self) -> pd.DataFrame:
        """Covariance of the coefficients under the chosen test."""
        return pd.DataFrame(self.covariance, index=self.terms, columns=self.terms)

    @property
    def data(self) -> pd.DataFrame:
        """The trials used, with ``yi``, ``vi`` and ``labels``."""
        given = pd.DataFrame(index=self._index) if self._given is None else self._given
        frame = given.assign(yi=self.yi, vi=self.vi)
        if self._labels is not None:
            frame["labels"] = self._labels.to_numpy()
        frame.attrs = dict(given.attrs)
        return frame

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
            return f"Equal-effects model; {_TESTS[self.test]}; I² from Q."
        said = f"Random-effects model, τ² by {self.method}; {_TESTS[self.test]}; I² from τ² and the typical variance"
        if self.pi_low is not None:
            said += f"; prediction interval {self.prediction} ({_PREDICTIONS[self.prediction]})"
        return said + "; interval of τ² by Q-profile."

    def summary(self) -> str:
        """Return methods and results in sentences, and the table of coefficients."""
        percent = f"{100 * self.level:g}%"
        trials = f"{self.k} trial{'' if self.k == 1 else 's'}"
        lines = [f"{trials}. {self.conventions}"]
        what = "Intercept" if self.X is not None else "Pooled effect" if self.k > 1 else "Effect"
        text = (
            f"{what} {self.estimate:.3f} ({percent} CI {self.ci_low:.3f} to {self.ci_high:.3f}; P {_p(self.p_value)})."
        )
        if self.pi_low is not None and self.pi_high is not None:
            text += f" {percent} prediction interval {self.pi_low:.3f} to {self.pi_high:.3f}."
        lines.append(text)
        if self.k > 1:
            low, high = self.tau2_interval() if self.method != "EE" else (0.0, 0.0)
            tau2 = "" if self.method == "EE" else f"tau2 {self.tau2:.4f} ({percent} CI {low:.4f} to {high:.4f}), "
            lines.append(f"Heterogeneity: {tau2}I2 {self.i2:.1f}%, Q {self.q:.2f} (df {self.q_df}, P {_p(self.q_p)}).")
        if self.X is not None:
            r2 = "" if self.r2 is None else f"; R2 {self.r2:.1f}%"
            lines.append(f"Test of moderators: {self.qm:.2f}, P {_p(self.qm_p)}{r2}.")
        lines += self.notes
        if len(self.excluded):
            lines.append(f"Left out: {len(self.excluded)} rows, with reasons in .excluded.")
        return "\n".join(lines) + "\n\n" + self.coefficients.round(4).to_string()

    def to_frame(self) -> pd.DataFrame:
        """Return one row a coefficient, with k, tau2, I2, Q and the prediction interval beside it."""
        frame = self.coefficients.reset_index()
        return frame.assign(
            k=self.k, tau2=self.tau2, i2=self.i2, q=self.q, q_p=self.q_p, pi_low=self.pi_low, pi_high=self.pi_high,
            method=self.method, test=self.test,
        )  # fmt: skip

    def __repr__(self) -> str:
        return self.summary()

    def _repr_html_(self) -> str:
        text = self.summary().split("\n\n")[0]
        return (
            "".join(f"<p>{html.escape(line)}</p>" for line in text.split("\n")) + self.coefficients.round(4).to_html()
        )

    # --- what can be made of it ----------------------------------------------------------------------------------

    def predict(self, new: Any = None, *, level: float | None = None) -> pd.DataFrame:
        """Return predicted average effects with their confidence and prediction intervals.

        Parameters
        ----------
        new : DataFrame, optional
            Moderators of the settings to predict for. Default: the trials' own; without moderators one row, or one for
            each row of ``new``.
        level : float, optional
            Default: the level of the result.

        Returns
        -------
        DataFrame
            ``pred se ci_low ci_high pi_low pi_high``, with the index of ``new``.
        """
        level = self.level if level is None else level
        if self.X is None:
            index = pd.RangeIndex(1) if new is None else new.index
            rows = np.ones((len(index), 1))
        elif new is None:
            rows, index = self.X, self._index
        else:
            from acuevidence.synthesis.design import rows_for

            rows, index = rows_for(self.formula, self.data, new), new.index
        pred = rows @ self.beta
        se = np.sqrt(np.einsum("ij,jk,ik->i", rows, self.covariance, rows))
        low, high = kernel.interval(pred, se, self._df(), level)
        frame = pd.DataFrame({"pred": pred, "se": se, "ci_low": low, "ci_high": high}, index=index)
        spread = self._prediction_df()
        if spread is not None and self.tau2 is not None:
            p_low, p_high = kernel.interval(pred, np.sqrt(se**2 + self.tau2), spread, level)
            frame = frame.assign(pi_low=p_low, pi_high=p_high)
        return frame

    def tau2_interval(self, method: str = "QP", *, level: float | None = None, seed: int | None = None,
                      n: int = 2000) -> tuple[float, float]:  # fmt: skip
        """Return the interval of tau2: Q-profile (QP), profile likelihood (PL), or parametric bootstrap (BT).

        Raises
        ------
        InputError
            For one trial, the equal-effects model, or PL without a likelihood estimator.
        """
        from acuevidence.synthesis.intervals import tau2_interval

        return tau2_interval(self, choice("method", method, ("QP", "PL", "BT")), level or self.level, n, seed)

    def bootstrap(self, kind: str = "parametric", *, n: int = 2000, seed: int | None = None,
                  level: float | None = None) -> pd.DataFrame:  # fmt: skip
        """Return bootstrap intervals of the coefficients and tau2 (percentiles); see :func:`.intervals.bootstrap`."""
        from acuevidence.synthesis.intervals import bootstrap

        return bootstrap(self, kind, n, seed, level or self.level)

    def bootstrap_prediction(self, *, n: int = 20000, seed: int | None = None, level: float | None = None
                             ) -> tuple[float, float]:  # fmt: skip
        """Return the prediction interval of Nagashima et al; see :func:`.intervals.bootstrap_prediction`."""
        from acuevidence.synthesis.intervals import bootstrap_prediction

        return bootstrap_prediction(self, n, seed, level or self.level)

    def henmi_copas(self, *, level: float | None = None) -> pd.DataFrame:
        """Return Henmi and Copas' effect and interval, robust to small-study effects; see :func:`.intervals.henmi_copas`."""
        from acuevidence.synthesis.intervals import henmi_copas

        return henmi_copas(self, level or self.level)

    def blup(self) -> pd.DataFrame:
        """Return the trials' true effects as best linear unbiased predictions: ``pred se pi_low pi_high``."""
        from acuevidence.appraisal.influence import blup

        return blup(self)

    def leave_one_out(self) -> pd.DataFrame:
        """Return the result without each trial in turn, one row a trial left out."""
        from acuevidence.appraisal.influence import leave_one_out

        return leave_one_out(self)

    def cumulative(self, order: Any = None) -> pd.DataFrame:
        """Return the result as trials are added, in the given order or sorted by ``order``."""
        from acuevidence.appraisal.influence import cumulative

        return cumulative(self, order)

    def influence(self) -> pd.DataFrame:
        """Return case diagnostics: ``rstudent dffits cook_d cov_r tau2_del q_del hat weight dfbetas influential``."""
        from acuevidence.appraisal.influence import influence

        return influence(self)

    def baujat(self) -> pd.DataFrame:
        """Return each trial's contribution to Q (``x``) and its influence on the pooled effect (``y``)."""
        from acuevidence.appraisal.influence import baujat

        return baujat(self)

    def gosh(self, subsets: str | int = "all", seed: int | None = None) -> pd.DataFrame:
        """Return the pooled effect of every subset of trials, or of a number of subsets drawn at random."""
        from acuevidence.appraisal.gosh import gosh

        return gosh(self, subsets, seed)

    def permutation_test(self, exact: bool | None = None, n: int = 1000, seed: int | None = None) -> Permutation:
        """Return the permutation test of the pooled effect (sign flips) or of the moderators (rows of X)."""
        from acuevidence.synthesis.permutation import permutation_test

        return permutation_test(self, exact, n, seed)

    def small_study_test(self, kind: str = "egger", model: str = "rma", predictor: str = "se") -> SmallStudyTest:
        """Return a test of whether small trials show larger effects: Egger's family, Begg, Peters or Harbord."""
        from acuevidence.appraisal.small_study import small_study_test

        return small_study_test(self, kind, model, predictor)

    def trim_and_fill(self, estimator: str = "L0", side: str | None = None) -> TrimAndFill:
        """Return the trim-and-fill analysis: trials missing from the funnel, and the effect with them filled in."""
        from acuevidence.appraisal.trim_and_fill import trim_and_fill

        return trim_and_fill(self, estimator, side)

    def fail_safe_n(self, kind: str = "rosenthal", *, alpha: float = 0.05, target: float | None = None) -> FailSafeN:
        """Return how many null trials would undo the result; kept for completeness, not a measure of bias."""
        from acuevidence.appraisal.fail_safe import fail_safe_n

        return fail_safe_n(self, kind, alpha=alpha, target=target)

    def pet_peese(self) -> pd.DataFrame:
        """Return the effect at zero standard error by PET and PEESE."""
        from acuevidence.appraisal.small_study import pet_peese

        return pet_peese(self)

    def limit_meta_analysis(self) -> LimitMetaAnalysis:
        """Return the effect of a trial of infinite size, with heterogeneity kept."""
        from acuevidence.appraisal.small_study import limit_meta_analysis

        return limit_meta_analysis(self)

    def p_uniform(self) -> PUniform:
        """Return the effect given which trials are significant (p-uniform*)."""
        from acuevidence.appraisal.p_uniform import p_uniform

        return p_uniform(self)

    def selection_model(self, kind: str = "step", steps: Any = (0.025,), *, alternative: str | None = None,
                        precision: str | None = None) -> SelectionModel:  # fmt: skip
        """Return the effect under a model of selection by P value: step function, beta, half-normal or logistic."""
        from acuevidence.appraisal.selection import selection_model

        return selection_model(self, kind, steps, alternative=alternative, precision=precision)

    def excess_significance(self, alpha: float = 0.05, *, test: str = "chi2") -> ExcessSignificance:
        """Return the test of excess significance: significant trials observed against expected."""
        from acuevidence.appraisal.excess_significance import excess_significance

        return excess_significance(self, alpha, test=test)

    def robust(self, cluster: Any, kind: str = "CR2") -> RobustMetaAnalysis:
        """Return cluster-robust standard errors with Satterthwaite degrees of freedom."""
        from acuevidence.synthesis.robust import robust

        return robust(self, cluster, kind)

    def forest(self, **options: Any) -> Any:
        """Draw the forest plot and return its Axes; options as in :func:`acuevidence.plots.forest`."""
        from acuevidence.plots.forest import forest

        return forest(self, **options)

    def chart(self, **options: Any) -> Any:
        """Return the interactive forest plot; options as in :func:`acuevidence.report.interactive.forest_chart`.

        Examples
        --------
        >>> import acuevidence as ae
        >>> chart = ae.meta_analysis([0.1, 0.4, 0.2], [0.01, 0.04, 0.02]).chart()
        >>> chart.to_dict()["description"]
        'Forest plot. Right of the null: favours acupuncture. 1 0.10 (-0.10 to 0.30); 2 0.40 (0.01 to 0.79); ...'
        """
        from acuevidence.report.interactive import forest_chart

        return forest_chart(self, **options)

    def funnel(self, **options: Any) -> Any:
        """Draw the contour-enhanced funnel plot and return its Axes; options as in :func:`acuevidence.plots.funnel`."""
        from acuevidence.plots.funnel import funnel

        return funnel(self, **options)

    def methods_text(self) -> str:
        """Return how the result was computed, in words for a methods section."""
        from acuevidence.report.methods import methods_text

        return methods_text(self)

    def to_prisma(self) -> dict[str, str]:
        """Return the PRISMA 2020 items that the result answers; see :func:`acuevidence.report.methods.to_prisma`."""
        from acuevidence.report.methods import to_prisma

        return to_prisma(self)

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
        low, high = kernel.interval(
            np.array(self.estimate), np.sqrt(self.covariance[0, 0] + (self.tau2 or 0.0)), df, self.level
        )
        return float(low), float(high)

    def _parameters(self) -> int:
        return len(self.beta) + (0 if self.method == "EE" else 1)

    def _observations(self) -> int:
        return self.k - len(self.beta) if self.method == "REML" else self.k


@dataclass(frozen=True, slots=True)
class Between:
    """Test for subgroup differences.

    Attributes
    ----------
    q, df, p : float
        Cochran's Q between the pooled effects of the groups, weighted by their model-based variances, with its
        chi-square test.
    shared : tuple of str
        Trials that stand in more than one group with a common arm; the test takes groups as independent, which for
        these is an approximation.
    """

    q: float
    df: int
    p: float
    shared: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class GroupedMetaAnalysis(Mapping[str, MetaAnalysis]):
    """Meta-analyses by group, kept apart: a mapping of group to MetaAnalysis.

    Attributes
    ----------
    by : str
        What the groups are.
    groups : mapping
        Group to MetaAnalysis.
    between : Between or None
        Test for subgroup differences; None with fewer than two groups.
    overall : MetaAnalysis or None
        All groups pooled, only when asked for in so many words.
    """

    by: str
    groups: Mapping[str, MetaAnalysis]
    between: Between | None
    overall: MetaAnalysis | None = None

    def __getitem__(self, group: str) -> MetaAnalysis:
        return self.groups[group]

    def __iter__(self) -> Iterator[str]:
        return iter(self.groups)

    def __len__(self) -> int:
        return len(self.groups)

    def to_frame(self) -> pd.DataFrame:
        """Return one row a group and coefficient."""
        return pd.concat(
            [one.to_frame().assign(**{self.by: name}) for name, one in self.groups.items()], ignore_index=True
        )

    def summary(self) -> str:
        """Return each group's summary and the test between them."""
        parts = [f"{self.by} = {name}\n{one.summary()}" for name, one in self.groups.items()]
        if self.between is not None:
            shared = f" Trials in several groups: {', '.join(self.between.shared)}." if self.between.shared else ""
            parts.append(
                f"Test for subgroup differences: Q {self.between.q:.2f}, df {self.between.df}, P {_p(self.between.p)}."
                + shared
            )
        if self.overall is not None:
            parts.append("all groups pooled\n" + self.overall.summary())
        return "\n\n".join(parts)

    def __repr__(self) -> str:
        return self.summary()

    def _repr_html_(self) -> str:
        parts = [
            f"<h4>{html.escape(self.by)}: {html.escape(str(n))}</h4>{one._repr_html_()}"
            for n, one in self.groups.items()
        ]
        if self.between is not None:
            parts.append(
                f"<p>Test for subgroup differences: Q {self.between.q:.2f}, df {self.between.df}, P {_p(self.between.p)}</p>"
            )
        return "".join(parts)

    def forest(self, **options: Any) -> Any:
        """Draw the forest plot of all groups and return its Axes."""
        from acuevidence.plots.forest import forest

        return forest(self, **options)

    def chart(self, **options: Any) -> Any:
        """Return the interactive forest plot of all groups; options as in :func:`acuevidence.report.interactive.forest_chart`."""
        from acuevidence.report.interactive import forest_chart

        return forest_chart(self, **options)

    def funnel(self, **options: Any) -> Any:
        """Draw the funnel plots of all groups and return the first Axes."""
        from acuevidence.plots.funnel import funnel

        return funnel(self, **options)


def omnibus(
    beta: np.ndarray, covariance: np.ndarray, terms: tuple[str, ...], df: float | None
) -> tuple[Any, Any, float]:
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


def _p(p: float) -> str:
    return "<0.001" if p < 0.001 else f"{p:.3f}"


def with_notes(result: MetaAnalysis, *notes: str) -> MetaAnalysis:
    """Return the result with notes added."""
    return replace(result, notes=(*result.notes, *notes))
