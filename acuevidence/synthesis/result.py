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
    from acuevidence.appraisal.gosh_clusters import GoshClusters
    from acuevidence.appraisal.p_uniform import PUniform
    from acuevidence.appraisal.selection_model import SelectionModel
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
    beta, covariance, X : ndarray
        Coefficients, their covariance and the design matrix (None without moderators), as arrays.
    yi, vi : ndarray, (k,)
        Effects and sampling variances of the trials used.
    terms, formula : tuple of str, str or None
        Names of the coefficients, and the formula of the moderators.
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
        """Return methods and results in sentences, and the table of coefficients.

        Returns
        -------
        str
            What was fitted and how, effect, heterogeneity, what was left out, coefficients.

        Examples
        --------
        >>> import acuevidence as ae
        >>> result = ae.meta_analysis([0.9, 0.4, 0.6, 0.1, 0.5], [0.09, 0.04, 0.06, 0.02, 0.03])
        >>> print(result.summary().splitlines()[1])
        Pooled effect 0.437 (95% CI 0.087 to 0.787; P 0.026). 95% prediction interval -0.218 to 1.092.
        """
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
        0  Intercept     0.437   0.087    0.787  5
        """
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

        Examples
        --------
        >>> import pandas as pd
        >>> import acuevidence as ae
        >>> trials = pd.DataFrame({"yi": [0.9, 0.4, 0.6, 0.1, 0.5], "vi": 0.04, "weeks": [12, 6, 8, 4, 8]})
        >>> result = ae.meta_analysis("yi", "vi", data=trials, moderators="~ weeks")
        >>> result.predict(pd.DataFrame({"weeks": [10]}))[["pred", "ci_low", "ci_high"]].round(2)
           pred  ci_low  ci_high
        0  0.73    0.61     0.85
        """
        level = self.level if level is None else level
        if self.X is None:
            index = pd.RangeIndex(1) if new is None else new.index
            rows = np.ones((len(index), 1))
        elif new is None:
            rows, index = self.X, self._index
        else:
            from acuevidence.synthesis.formula import rows_for

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

        Parameters
        ----------
        method : {"QP", "PL", "BT"}
            Q-profile, profile likelihood, or a parametric bootstrap.
        level : float, optional
            Level of the interval; the result's own if not given.
        seed : int, optional
            Seed of the draws; without one they differ from call to call.
        n : int
            Number of bootstrap samples.

        Returns
        -------
        tuple of float
            Lower and upper limit of τ², in squared units of ``yi``.

        Raises
        ------
        InputError
            For one trial, the equal-effects model, or PL without a likelihood estimator.

        Examples
        --------
        >>> import acuevidence as ae
        >>> result = ae.meta_analysis([0.9, 0.4, 0.6, 0.1, 0.5], [0.09, 0.04, 0.06, 0.02, 0.03])
        >>> low, high = result.tau2_interval()
        >>> print(f'{low:.3f} to {high:.3f}')
        0.000 to 0.648
        """
        from acuevidence.synthesis.intervals import tau2_interval

        return tau2_interval(self, choice("method", method, ("QP", "PL", "BT")), level or self.level, n, seed)

    def bootstrap(self, kind: str = "parametric", *, n: int = 2000, seed: int | None = None,
                  level: float | None = None, **where: Any) -> pd.DataFrame:  # fmt: skip
        """Return bootstrap intervals of the coefficients and tau2 (percentiles); see :func:`.intervals.bootstrap`.

        Parameters
        ----------
        kind : {"parametric", "study"}
            Draw effects from the model, or trials with replacement.
        n : int
            Number of samples.
        seed : int, optional
            Seed of the draws; without one they differ from call to call.
        level : float, optional
            Level of the interval; the result's own if not given.
        **where
            ``client`` and the rest of :func:`acuevidence.fit_many`'s choices of where the fits run.

        Returns
        -------
        DataFrame
            A row a coefficient and one for τ²: ``estimate se ci_low ci_high``.

        Examples
        --------
        >>> import acuevidence as ae
        >>> result = ae.meta_analysis([0.9, 0.4, 0.6, 0.1, 0.5], [0.09, 0.04, 0.06, 0.02, 0.03])
        >>> result.bootstrap(n=200, seed=1).index.tolist()
        ['Intercept', 'tau2']
        """
        from acuevidence.synthesis.intervals import bootstrap

        return bootstrap(self, kind, n, seed, level or self.level, **where)

    def bootstrap_prediction(self, *, n: int = 20000, seed: int | None = None, level: float | None = None
                             ) -> tuple[float, float]:  # fmt: skip
        """Return the prediction interval of Nagashima et al; see :func:`.intervals.bootstrap_prediction`.

        Parameters
        ----------
        n : int
            Number of draws.
        seed : int, optional
            Seed of the draws; without one they differ from call to call.
        level : float, optional
            Level of the interval; the result's own if not given.

        Returns
        -------
        tuple of float
            Lower and upper limit for the true effect of a new trial, in the units of ``yi``.

        Examples
        --------
        >>> import acuevidence as ae
        >>> result = ae.meta_analysis([0.9, 0.4, 0.6, 0.1, 0.5], [0.09, 0.04, 0.06, 0.02, 0.03])
        >>> low, high = result.bootstrap_prediction(n=500, seed=1)
        >>> low < result.estimate < high
        True
        """
        from acuevidence.synthesis.intervals import bootstrap_prediction

        return bootstrap_prediction(self, n, seed, level or self.level)

    def henmi_copas(self, *, level: float | None = None) -> pd.DataFrame:
        """Return Henmi and Copas' effect and interval, robust to small-study effects; see :func:`.intervals.henmi_copas`.

        Parameters
        ----------
        level : float, optional
            Level of the interval; the result's own if not given.

        Returns
        -------
        DataFrame
            ``estimate se ci_low ci_high`` of the pooled effect, and τ² by DerSimonian and Laird.

        Examples
        --------
        >>> import acuevidence as ae
        >>> result = ae.meta_analysis([0.9, 0.4, 0.6, 0.1, 0.5], [0.09, 0.04, 0.06, 0.02, 0.03])
        >>> result.henmi_copas().round(3)
                   estimate     se  ci_low  ci_high   tau2
        term
        Intercept      0.38  0.133   0.062    0.698  0.041
        """
        from acuevidence.synthesis.intervals import henmi_copas

        return henmi_copas(self, level or self.level)

    def blup(self) -> pd.DataFrame:
        """Return the trials' true effects as best linear unbiased predictions: ``pred se pi_low pi_high``.

        Returns
        -------
        DataFrame
            One row a trial: ``pred se pi_low pi_high``, in the units of ``yi``.

        Examples
        --------
        >>> import acuevidence as ae
        >>> result = ae.meta_analysis([0.9, 0.4, 0.6, 0.1, 0.5], [0.09, 0.04, 0.06, 0.02, 0.03])
        >>> result.blup().round(2).head(2)
           pred    se  pi_low  pi_high
        0  0.58  0.19    0.06     1.10
        1  0.42  0.15   -0.01     0.85
        """
        from acuevidence.appraisal.influence import blup

        return blup(self)

    def leave_one_out(self) -> pd.DataFrame:
        """Return the result without each trial in turn, one row a trial left out.

        Returns
        -------
        DataFrame
            One row a trial left out: ``estimate se statistic p_value ci_low ci_high q q_p tau2 i2 h2``.

        Examples
        --------
        >>> import acuevidence as ae
        >>> result = ae.meta_analysis([0.9, 0.4, 0.6, 0.1, 0.5], [0.09, 0.04, 0.06, 0.02, 0.03])
        >>> result.leave_one_out()['estimate'].round(3).tolist()
        [0.362, 0.465, 0.412, 0.542, 0.436]
        """
        from acuevidence.appraisal.influence import leave_one_out

        return leave_one_out(self)

    def cumulative(self, order: Any = None) -> pd.DataFrame:
        """Return the result as trials are added, in the given order or sorted by ``order``.

        Parameters
        ----------
        order : column name or array, optional
            What to sort the trials by, such as the year; the given order without it.

        Returns
        -------
        DataFrame
            One row a trial added; columns as in :meth:`leave_one_out`.

        Examples
        --------
        >>> import acuevidence as ae
        >>> result = ae.meta_analysis([0.9, 0.4, 0.6, 0.1, 0.5], [0.09, 0.04, 0.06, 0.02, 0.03])
        >>> result.cumulative()['estimate'].round(3).tolist()
        [0.9, 0.6, 0.568, 0.436, 0.437]
        """
        from acuevidence.appraisal.influence import cumulative

        return cumulative(self, order)

    def influence(self) -> pd.DataFrame:
        """Return case diagnostics: ``rstudent dffits cook_d cov_r tau2_del q_del hat weight dfbetas influential``.

        Returns
        -------
        DataFrame
            One row a trial; ``influential`` is True where a rule of thumb of the diagnostics is broken.

        Examples
        --------
        >>> import acuevidence as ae
        >>> result = ae.meta_analysis([0.9, 0.4, 0.6, 0.1, 0.5], [0.09, 0.04, 0.06, 0.02, 0.03])
        >>> result.influence()[['cook_d', 'hat']].round(2).head(2)
           cook_d   hat
        0    0.35  0.13
        1    0.05  0.20
        """
        from acuevidence.appraisal.influence import influence

        return influence(self)

    def baujat(self) -> pd.DataFrame:
        """Return each trial's contribution to Q (``x``) and its influence on the pooled effect (``y``).

        Returns
        -------
        DataFrame
            One row a trial: ``x`` its share of Q, ``y`` its influence on the pooled effect.

        Examples
        --------
        >>> import acuevidence as ae
        >>> result = ae.meta_analysis([0.9, 0.4, 0.6, 0.1, 0.5], [0.09, 0.04, 0.06, 0.02, 0.03])
        >>> result.baujat().round(2).head(2)
              x     y
        0  1.65  0.44
        1  0.02  0.03
        """
        from acuevidence.appraisal.influence import baujat

        return baujat(self)

    def gosh(self, subsets: str | int = "all", seed: int | None = None) -> pd.DataFrame:
        """Return the pooled effect of every subset of trials, or of a number of subsets drawn at random.

        Parameters
        ----------
        subsets : "all" or int
            Every subset of trials, or how many to draw.
        seed : int, optional
            Seed of the draws; without one they differ from call to call.

        Returns
        -------
        DataFrame
            One row a subset: ``k estimate tau2 i2 q`` and which trials are in.

        Examples
        --------
        >>> import acuevidence as ae
        >>> result = ae.meta_analysis([0.9, 0.4, 0.6, 0.1, 0.5], [0.09, 0.04, 0.06, 0.02, 0.03])
        >>> len(result.gosh())
        31
        """
        from acuevidence.appraisal.gosh import gosh

        return gosh(self, subsets, seed)

    def gosh_clusters(self, *, heterogeneity: str = "i2", threshold: float = 0.6, subsets: str | int | None = None,
                      seed: int | None = 0) -> GoshClusters:  # fmt: skip
        """Return the clusters among the subsets of trials, and the trials that make them.

        Parameters
        ----------
        heterogeneity : {"i2", "tau2"}
            What is looked at beside the pooled effect.
        threshold : float
            Separation, in (0, 1), from which on a trial may be flagged.
        subsets : "all" or int, optional
            As in :meth:`gosh`. Default: every subset up to 13 trials, else 10,000 drawn at random.
        seed : int, optional
            Seed of the draw.

        Returns
        -------
        GoshClusters
            Clusters, and for each trial how strongly it makes them.

        Examples
        --------
        >>> import acuevidence as ae
        >>> result = ae.meta_analysis([0.1, 0.3, 0.2, 0.25, 0.15, 1.9], 6 * [0.01], labels=list("ABCDEF"))
        >>> result.gosh_clusters().flagged
        ('F',)
        """
        from acuevidence.appraisal.gosh_clusters import gosh_clusters

        return gosh_clusters(self, heterogeneity=heterogeneity, threshold=threshold, subsets=subsets, seed=seed)

    def permutation_test(self, exact: bool | None = None, n: int = 1000, seed: int | None = None) -> Permutation:
        """Return the permutation test of the pooled effect (sign flips) or of the moderators (rows of X).

        Parameters
        ----------
        exact : bool, optional
            All permutations; by default where there are no more than ``n``.
        n : int
            Number of random permutations.
        seed : int, optional
            Seed of the draws; without one they differ from call to call.

        Returns
        -------
        Permutation
            With the ``p_value``.

        Examples
        --------
        >>> import acuevidence as ae
        >>> result = ae.meta_analysis([0.9, 0.4, 0.6, 0.1, 0.5], [0.09, 0.04, 0.06, 0.02, 0.03])
        >>> float(result.permutation_test(exact=True).p_value)
        0.0625
        """
        from acuevidence.synthesis.permutation import permutation_test

        return permutation_test(self, exact, n, seed)

    def small_study_test(self, kind: str = "egger", model: str = "rma", predictor: str = "se") -> SmallStudyTest:
        """Return a test of whether small trials show larger effects: Egger's family, Begg, Peters or Harbord.

        Parameters
        ----------
        kind : {"egger", "begg", "peters", "harbord"}
            Which test; the last two are for log odds ratios.
        model : {"rma", "lm"}
            Meta-regression, or weighted least squares.
        predictor : {"se", "vi", "n", "1/n", "1/sqrt(n)"}
            What stands for the size of a trial.

        Returns
        -------
        SmallStudyTest
            ``statistic df p_value`` and, for Egger's, ``limit``, the effect at no standard error.

        Examples
        --------
        >>> import acuevidence as ae
        >>> result = ae.meta_analysis([0.9, 0.4, 0.6, 0.1, 0.5], [0.09, 0.04, 0.06, 0.02, 0.03])
        >>> round(result.small_study_test().p_value, 3)
        0.033
        """
        from acuevidence.appraisal.small_study import small_study_test

        return small_study_test(self, kind, model, predictor)

    def trim_and_fill(self, estimator: str = "L0", side: str | None = None) -> TrimAndFill:
        """Return the trim-and-fill analysis: trials missing from the funnel, and the effect with them filled in.

        Parameters
        ----------
        estimator : {"L0", "R0", "Q0"}
            Estimator of the number of missing trials.
        side : {"left", "right"}, optional
            Where they are missing; by Egger's regression if not given.

        Returns
        -------
        TrimAndFill
            ``k0 side estimate se ci_low ci_high filled``.

        Examples
        --------
        >>> import acuevidence as ae
        >>> result = ae.meta_analysis([0.9, 0.4, 0.6, 0.1, 0.5], [0.09, 0.04, 0.06, 0.02, 0.03])
        >>> result.trim_and_fill().k0
        2
        """
        from acuevidence.appraisal.trim_and_fill import trim_and_fill

        return trim_and_fill(self, estimator, side)

    def fail_safe_n(self, kind: str = "rosenthal", *, alpha: float = 0.05, target: float | None = None) -> FailSafeN:
        """Return how many null trials would undo the result; kept for completeness, not a measure of bias.

        Parameters
        ----------
        kind : {"rosenthal", "orwin", "rosenberg"}
            Which definition.
        alpha : float
            Level of the test that is to be undone.
        target : float, optional
            For Orwin: the effect, in the units of ``yi``, that would no longer matter; half the pooled effect by default.

        Returns
        -------
        FailSafeN
            With ``n``, the number of trials.

        Examples
        --------
        >>> import acuevidence as ae
        >>> result = ae.meta_analysis([0.9, 0.4, 0.6, 0.1, 0.5], [0.09, 0.04, 0.06, 0.02, 0.03])
        >>> result.fail_safe_n().n
        41
        """
        from acuevidence.appraisal.fail_safe import fail_safe_n

        return fail_safe_n(self, kind, alpha=alpha, target=target)

    def pet_peese(self) -> pd.DataFrame:
        """Return the effect at zero standard error by PET and PEESE.

        Returns
        -------
        DataFrame
            Rows of PET and PEESE with estimate, interval and P value, in the units of ``yi``.

        Examples
        --------
        >>> import acuevidence as ae
        >>> result = ae.meta_analysis([0.9, 0.4, 0.6, 0.1, 0.5], [0.09, 0.04, 0.06, 0.02, 0.03])
        >>> result.pet_peese()['estimate'].round(2).tolist()
        [-0.49, -0.01]
        """
        from acuevidence.appraisal.small_study import pet_peese

        return pet_peese(self)

    def limit_meta_analysis(self) -> LimitMetaAnalysis:
        """Return the effect of a trial of infinite size, with heterogeneity kept.

        Returns
        -------
        LimitMetaAnalysis
            With ``estimate``, ``ci_low`` and ``ci_high``, in the units of ``yi``.

        Examples
        --------
        >>> import acuevidence as ae
        >>> result = ae.meta_analysis([0.9, 0.4, 0.6, 0.1, 0.5], [0.09, 0.04, 0.06, 0.02, 0.03])
        >>> round(result.limit_meta_analysis().estimate, 2)
        -0.07
        """
        from acuevidence.appraisal.small_study import limit_meta_analysis

        return limit_meta_analysis(self)

    def p_uniform(self) -> PUniform:
        """Return the effect given which trials are significant (p-uniform*).

        Returns
        -------
        PUniform
            With ``estimate``, ``ci_low``, ``ci_high`` and τ², in the units of ``yi``.

        Examples
        --------
        >>> import acuevidence as ae
        >>> result = ae.meta_analysis([0.9, 0.4, 0.6, 0.1, 0.5], [0.09, 0.04, 0.06, 0.02, 0.03])
        >>> round(result.p_uniform().estimate, 2)
        0.2
        """
        from acuevidence.appraisal.p_uniform import p_uniform

        return p_uniform(self)

    def selection_model(self, kind: str = "step", steps: Any = (0.025,), *, alternative: str | None = None,
                        precision: str | None = None) -> SelectionModel:  # fmt: skip
        """Return the effect under a model of selection by P value: step function, beta, half-normal or logistic.

        Parameters
        ----------
        kind : {"step", "beta", "halfnormal", "logistic", "negexp", "power"}
            How the weight of a trial depends on its P value.
        steps : sequence of float
            Cut points of one-sided P values, for ``step``.
        alternative : {"greater", "less"}, optional
            Which results are favoured; those in the direction of the pooled effect by default.
        precision : {"se", "vi", "1/n", "1/sqrt(n)"}, optional
            What lets selection be stronger for imprecise trials.

        Returns
        -------
        SelectionModel
            With the adjusted ``estimate``, its interval, τ² and the weights.

        Examples
        --------
        >>> import acuevidence as ae
        >>> result = ae.meta_analysis([0.9, 0.4, 0.6, 0.1, 0.5], [0.09, 0.04, 0.06, 0.02, 0.03])
        >>> round(result.selection_model('halfnormal').estimate, 2)
        0.29
        """
        from acuevidence.appraisal.selection_model import selection_model

        return selection_model(self, kind, steps, alternative=alternative, precision=precision)

    def excess_significance(self, alpha: float = 0.05, *, test: str = "chi2") -> ExcessSignificance:
        """Return the test of excess significance: significant trials observed against expected.

        Parameters
        ----------
        alpha : float
            Level of significance of the trials' own tests.
        test : {"chi2", "exact", "binom"}
            How observed and expected are compared.

        Returns
        -------
        ExcessSignificance
            With ``observed``, ``expected`` and ``p_value``.

        Examples
        --------
        >>> import acuevidence as ae
        >>> result = ae.meta_analysis([0.9, 0.4, 0.6, 0.1, 0.5], [0.09, 0.04, 0.06, 0.02, 0.03])
        >>> result.excess_significance().observed
        4
        """
        from acuevidence.appraisal.excess_significance import excess_significance

        return excess_significance(self, alpha, test=test)

    def robust(self, cluster: Any, kind: str = "CR2") -> RobustMetaAnalysis:
        """Return cluster-robust standard errors with Satterthwaite degrees of freedom.

        Parameters
        ----------
        cluster : column name or array
            Which trials belong together, one value a trial.
        kind : {"CR0", "CR1", "CR2"}
            The correction for few clusters.

        Returns
        -------
        RobustMetaAnalysis
            Its ``coefficients`` have the robust ``se`` and Satterthwaite's ``df``.

        Examples
        --------
        >>> import acuevidence as ae
        >>> result = ae.meta_analysis([0.9, 0.4, 0.6, 0.1, 0.5], [0.09, 0.04, 0.06, 0.02, 0.03])
        >>> round(result.robust([1, 1, 2, 3, 4]).se, 3)
        0.13
        """
        from acuevidence.synthesis.robust import robust

        return robust(self, cluster, kind)

    def forest(self, **options: Any) -> Any:
        """Draw the forest plot and return its Axes; options as in :func:`acuevidence.plots.forest`.

        Parameters
        ----------
        **options
            As in :func:`acuevidence.plots.forest`.

        Returns
        -------
        Axes
            The figure's axes; nothing is saved.

        Examples
        --------
        >>> import acuevidence as ae
        >>> result = ae.meta_analysis([0.9, 0.4, 0.6, 0.1, 0.5], [0.09, 0.04, 0.06, 0.02, 0.03])
        >>> ax = result.forest()
        """
        from acuevidence.plots.forest import forest

        return forest(self, **options)

    def chart(self, **options: Any) -> Any:
        """Return the interactive forest plot.

        Parameters
        ----------
        **options
            As in :func:`acuevidence.plots.chart.forest_chart`.

        Returns
        -------
        altair.LayerChart or altair.HConcatChart
            The chart; it shows itself in a notebook.

        Examples
        --------
        >>> import acuevidence as ae
        >>> chart = ae.meta_analysis([0.1, 0.4, 0.2], [0.01, 0.04, 0.02]).chart()
        >>> chart.to_dict()["description"]
        'Forest plot. Right of the null: favours acupuncture. 1 0.10 (-0.10 to 0.30); 2 0.40 (0.01 to 0.79); ...'
        """
        from acuevidence.plots.chart import forest_chart

        return forest_chart(self, **options)

    def funnel(self, **options: Any) -> Any:
        """Draw the contour-enhanced funnel plot and return its Axes; options as in :func:`acuevidence.plots.funnel`.

        Parameters
        ----------
        **options
            As in :func:`acuevidence.plots.funnel`.

        Returns
        -------
        Axes
            The figure's axes; nothing is saved.

        Examples
        --------
        >>> import acuevidence as ae
        >>> result = ae.meta_analysis([0.9, 0.4, 0.6, 0.1, 0.5], [0.09, 0.04, 0.06, 0.02, 0.03])
        >>> ax = result.funnel()
        """
        from acuevidence.plots.funnel import funnel

        return funnel(self, **options)

    def baujat_plot(self, **options: Any) -> Any:
        """Draw the Baujat plot and return its Axes.

        Parameters
        ----------
        **options
            As in :func:`acuevidence.plots.baujat`.

        Returns
        -------
        Axes
            Where it was drawn.

        Examples
        --------
        >>> import acuevidence as ae
        >>> result = ae.meta_analysis([0.9, 0.4, 0.6, 0.1, 0.5], [0.09, 0.04, 0.06, 0.02, 0.03])
        >>> ax = result.baujat_plot()
        """
        from acuevidence.plots.baujat import baujat

        return baujat(self, **options)

    def bubble(self, **options: Any) -> Any:
        """Draw the bubble plot of a meta-regression and return its Axes.

        Parameters
        ----------
        **options
            As in :func:`acuevidence.plots.bubble`.

        Returns
        -------
        Axes
            Where it was drawn.

        Examples
        --------
        >>> import acuevidence as ae
        >>> import pandas as pd
        >>> data = pd.DataFrame({"yi": [0.9, 0.4, 0.6, 0.1, 0.5], "vi": 0.04, "weeks": [12, 6, 8, 4, 10]})
        >>> result = ae.meta_analysis("yi", "vi", data=data, moderators="~ weeks")
        >>> ax = result.bubble()
        """
        from acuevidence.plots.bubble import bubble

        return bubble(self, **options)

    def cumulative_plot(self, **options: Any) -> Any:
        """Draw the cumulative plot and return its Axes.

        Parameters
        ----------
        **options
            As in :func:`acuevidence.plots.cumulative`.

        Returns
        -------
        Axes
            Where it was drawn.

        Examples
        --------
        >>> import acuevidence as ae
        >>> result = ae.meta_analysis([0.9, 0.4, 0.6, 0.1, 0.5], [0.09, 0.04, 0.06, 0.02, 0.03])
        >>> ax = result.cumulative_plot()
        """
        from acuevidence.plots.cumulative import cumulative

        return cumulative(self, **options)

    def drapery(self, **options: Any) -> Any:
        """Draw the P value functions and return its Axes.

        Parameters
        ----------
        **options
            As in :func:`acuevidence.plots.drapery`.

        Returns
        -------
        Axes
            Where it was drawn.

        Examples
        --------
        >>> import acuevidence as ae
        >>> result = ae.meta_analysis([0.9, 0.4, 0.6, 0.1, 0.5], [0.09, 0.04, 0.06, 0.02, 0.03])
        >>> ax = result.drapery()
        """
        from acuevidence.plots.drapery import drapery

        return drapery(self, **options)

    def gosh_plot(self, **options: Any) -> Any:
        """Draw the GOSH plot and return its Axes.

        Parameters
        ----------
        **options
            As in :func:`acuevidence.plots.gosh`.

        Returns
        -------
        Axes
            Where it was drawn.

        Examples
        --------
        >>> import acuevidence as ae
        >>> result = ae.meta_analysis([0.9, 0.4, 0.6, 0.1, 0.5], [0.09, 0.04, 0.06, 0.02, 0.03])
        >>> ax = result.gosh_plot()
        """
        from acuevidence.plots.gosh import gosh

        return gosh(self, **options)

    def influence_plot(self, **options: Any) -> Any:
        """Draw the case diagnostics and return its Axes.

        Parameters
        ----------
        **options
            As in :func:`acuevidence.plots.influence`.

        Returns
        -------
        Axes
            Where it was drawn.

        Examples
        --------
        >>> import acuevidence as ae
        >>> result = ae.meta_analysis([0.9, 0.4, 0.6, 0.1, 0.5], [0.09, 0.04, 0.06, 0.02, 0.03])
        >>> ax = result.influence_plot()
        """
        from acuevidence.plots.influence import influence

        return influence(self, **options)

    def labbe(self, **options: Any) -> Any:
        """Draw the L'Abbé plot of trials with events and return its Axes.

        Parameters
        ----------
        **options
            As in :func:`acuevidence.plots.labbe`.

        Returns
        -------
        Axes
            Where it was drawn.

        Examples
        --------
        >>> import acuevidence as ae
        >>> counts = {"events1": [12, 8], "n1": [40, 30], "events2": [6, 5], "n2": [42, 31]}
        >>> data = ae.effect_size("RR", **counts).assign(**counts, effect="RR")
        >>> result = ae.meta_analysis("yi", "vi", data=data)
        >>> ax = result.labbe()
        """
        from acuevidence.plots.labbe import labbe

        return labbe(self, **options)

    def profile(self, **options: Any) -> Any:
        """Draw the profile likelihood of tau2 and return its Axes.

        Parameters
        ----------
        **options
            As in :func:`acuevidence.plots.profile`.

        Returns
        -------
        Axes
            Where it was drawn.

        Examples
        --------
        >>> import acuevidence as ae
        >>> result = ae.meta_analysis([0.9, 0.4, 0.6, 0.1, 0.5], [0.09, 0.04, 0.06, 0.02, 0.03])
        >>> ax = result.profile()
        """
        from acuevidence.plots.profile import profile

        return profile(self, **options)

    def radial(self, **options: Any) -> Any:
        """Draw the radial plot and return its Axes.

        Parameters
        ----------
        **options
            As in :func:`acuevidence.plots.radial`.

        Returns
        -------
        Axes
            Where it was drawn.

        Examples
        --------
        >>> import acuevidence as ae
        >>> result = ae.meta_analysis([0.9, 0.4, 0.6, 0.1, 0.5], [0.09, 0.04, 0.06, 0.02, 0.03])
        >>> ax = result.radial()
        """
        from acuevidence.plots.radial import radial

        return radial(self, **options)

    def methods_text(self) -> str:
        """Return how the result was computed, in words for a methods section.

        Returns
        -------
        str
            Sentences that name estimator, test, intervals and prediction.

        Examples
        --------
        >>> import acuevidence as ae
        >>> result = ae.meta_analysis([0.9, 0.4, 0.6, 0.1, 0.5], [0.09, 0.04, 0.06, 0.02, 0.03])
        >>> 'REML' in result.methods_text()
        True
        """
        from acuevidence.report.methods_text import methods_text

        return methods_text(self)

    def to_prisma(self) -> dict[str, str]:
        """Return the PRISMA 2020 items that the result answers; see :func:`acuevidence.report.methods_text.to_prisma`.

        Returns
        -------
        dict of str
            Item number -> sentences.

        Examples
        --------
        >>> import acuevidence as ae
        >>> result = ae.meta_analysis([0.9, 0.4, 0.6, 0.1, 0.5], [0.09, 0.04, 0.06, 0.02, 0.03])
        >>> "13d" in result.to_prisma()
        True
        """
        from acuevidence.report.methods_text import to_prisma

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
        """Return one row a group and coefficient.

        Returns
        -------
        DataFrame
            The rows of :meth:`MetaAnalysis.to_frame`, one or more a group.

        Examples
        --------
        >>> import acuevidence as ae
        >>> results = ae.meta_analysis([0.9, 0.4, 0.6, 0.1], [0.09, 0.04, 0.06, 0.02], by=["sham", "sham", "care", "care"])
        >>> results.to_frame()[['group', 'estimate', 'k']].round(3)
          group  estimate  k
        0  sham      0.60  2
        1  care      0.31  2
        """
        fitted: pd.DataFrame | None = getattr(self.groups, "frame_of_fits", lambda: None)()
        if fitted is not None:
            return fitted
        return pd.concat(
            [one.to_frame().assign(**{self.by: name}) for name, one in self.groups.items()], ignore_index=True
        )

    def summary(self) -> str:
        """Return each group's summary and the test between them.

        Returns
        -------
        str
            Each group's summary and the test for subgroup differences.

        Examples
        --------
        >>> import acuevidence as ae
        >>> results = ae.meta_analysis([0.9, 0.4, 0.6, 0.1], [0.09, 0.04, 0.06, 0.02], by=["sham", "sham", "care", "care"])
        >>> print(results.summary().splitlines()[-1])
        Test for subgroup differences: Q 0.70, df 1, P 0.404.
        """
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
        """Draw the forest plot of all groups and return its Axes.

        Parameters
        ----------
        **options
            As in :func:`acuevidence.plots.forest`.

        Returns
        -------
        Axes
            The figure's axes; nothing is saved.

        Examples
        --------
        >>> import acuevidence as ae
        >>> results = ae.meta_analysis([0.9, 0.4, 0.6, 0.1], [0.09, 0.04, 0.06, 0.02], by=["sham", "sham", "care", "care"])
        >>> ax = results.forest()
        """
        from acuevidence.plots.forest import forest

        return forest(self, **options)

    def chart(self, **options: Any) -> Any:
        """Return the interactive forest plot of all groups.

        Parameters
        ----------
        **options
            As in :func:`acuevidence.plots.chart.forest_chart`.

        Returns
        -------
        altair.LayerChart or altair.HConcatChart
            The chart; it shows itself in a notebook.

        Examples
        --------
        >>> import acuevidence as ae
        >>> results = ae.meta_analysis([0.9, 0.4, 0.6, 0.1], [0.09, 0.04, 0.06, 0.02], by=["sham", "sham", "care", "care"])
        >>> "Forest plot" in results.chart().to_dict()["description"]
        True
        """
        from acuevidence.plots.chart import forest_chart

        return forest_chart(self, **options)

    def funnel(self, **options: Any) -> Any:
        """Draw the funnel plots of all groups and return the first Axes.

        Parameters
        ----------
        **options
            As in :func:`acuevidence.plots.funnel`.

        Returns
        -------
        Axes
            The figure's axes; nothing is saved.

        Examples
        --------
        >>> import acuevidence as ae
        >>> results = ae.meta_analysis([0.9, 0.4, 0.6, 0.1], [0.09, 0.04, 0.06, 0.02], by=["sham", "sham", "care", "care"])
        >>> axes = results.funnel()
        """
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
