"""What models of dependent effects share: how they read their effects, test their coefficients and print.

Knows fixed effects, their tests and fit statistics. Does not know what makes the effects dependent; that is said
by :mod:`multilevel` and :mod:`multivariate`.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import chdtrc, fdtrc, stdtr, stdtrit

from acuevidence import words
from acuevidence.arguments import guarded
from acuevidence.errors import InputError
from acuevidence.inputs import choice, kept, numeric, plain, refuse, variances
from acuevidence.synthesis.coefficients import FirstCoefficient
from acuevidence.synthesis.contrasts import ModelTest
from acuevidence.synthesis.covariance import Curve, LinearCovariance, connected, stacks
from acuevidence.synthesis.formula import columns_of, design, formula_of, rows_for
from acuevidence.synthesis.methods import DependentMethods

__all__ = [
    "DependentMetaAnalysis",
    "DependentPart",
    "coefficient_table",
    "complete",
    "containment_df",
    "effects_with_covariance",
    "fixed_effects",
    "spare_variance",
    "summarise",
]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class DependentPart:
    """What a forest plot shows of a model of dependent effects: the effects of one mean, the mean, and what is said of the rest.

    Attributes
    ----------
    name : str
        What the effects are of; empty where the model has one mean.
    data : DataFrame
        Their rows of the caller's table, with ``yi``, ``vi`` and ``labels``.
    k, level
        Effects, and the level of the intervals.
    estimate, ci_low, ci_high, pi_low, pi_high : float or None
        The mean with its intervals; None where it depends on moderators.
    fitted : ndarray, (k, 3), or None
        Lower limit, value and upper limit that moderators give each effect.
    said : tuple of str
        Lines on heterogeneity and tests.
    conventions : str
        What was computed.
    """

    name: str
    data: pd.DataFrame
    k: int
    level: float
    estimate: float | None
    ci_low: float | None
    ci_high: float | None
    pi_low: float | None
    pi_high: float | None
    fitted: np.ndarray | None
    said: tuple[str, ...]
    conventions: str


@dataclass(frozen=True, slots=True, kw_only=True, repr=False, eq=False)
class DependentMetaAnalysis(FirstCoefficient, DependentMethods):
    """What a multilevel or multivariate meta-analysis found about its fixed effects.

    Attributes
    ----------
    coefficients : DataFrame
        ``estimate se statistic df p_value ci_low ci_high``, one row a coefficient. Positive favours acupuncture
        when the effects do.
    vcov : DataFrame
        Covariance of the coefficients.
    loglik, aic, bic, aicc : float
        Restricted or full log-likelihood and the criteria from it.
    q, q_df, q_p : float
        Cochran's Q with the sampling covariances alone, its degrees of freedom and p value.
    qm, qm_df, qm_p : float, tuple, float
        Wald test of all coefficients but the intercept (of all, where there is no intercept or nothing else): F, or
        chi-square for ``test="z"``; ``qm_df`` is (numerator, denominator), the denominator infinite for ``"z"``.
    k : int
        Number of effects.
    method, test : str
        ``REML`` or ``ML``; ``t`` or ``z``.
    level : float
        Level of the intervals.
    data : DataFrame
        The effects (``yi``, ``vi``) and their groups, with the caller's index.
    excluded : DataFrame
        Rows left out under ``missing="drop"``, with a ``reason``.
    model, components : object, ndarray
        The model's matrices and its variance components, from which robust errors and profiles are computed.
    formula : str or None
        Formula of the moderators.
    """

    coefficients: pd.DataFrame = field(repr=False)
    vcov: pd.DataFrame = field(repr=False)
    loglik: float
    aic: float
    bic: float
    aicc: float
    q: float
    q_df: int
    q_p: float
    qm: float
    qm_df: tuple[int, float]
    qm_p: float
    k: int
    method: str
    _test: str
    level: float
    data: pd.DataFrame = field(repr=False)
    excluded: pd.DataFrame = field(repr=False)
    model: LinearCovariance = field(repr=False)
    components: np.ndarray = field(repr=False)
    formula: str | None = None
    _given: pd.DataFrame = field(repr=False)

    @property
    def test(self) -> ModelTest:
        """Which test it has; called with terms (``result.test("C(technique)")``) it tests them together."""
        return ModelTest.of(self._test, self)

    @property
    def table(self) -> pd.DataFrame:
        """The caller's rows of the effects, with the columns of ``data`` beside them."""
        own = [name for name in self.data if name in ("yi", "vi") or name not in self._given]
        return self._given.assign(**{name: self.data[name] for name in own})

    @property
    def residuals(self) -> pd.Series:
        """Effects minus their fitted values."""
        fitted = self.model.X @ self.coefficients["estimate"].to_numpy()
        return pd.Series(self.model.y - fitted, index=self.data.index, name="residual")

    def to_frame(self) -> pd.DataFrame:
        """Coefficients, a copy."""
        return self.coefficients.copy()

    @guarded
    def predict(self, new: pd.DataFrame | None = None, *, level: float | None = None) -> pd.DataFrame:
        """Return average effects with their confidence intervals, and the intervals of a new effect.

        Parameters
        ----------
        new : DataFrame, optional
            Settings to predict for: the moderators, and of a multivariate model the outcome. Default: the effects' own; without
            moderators a row for each mean.
        level : float, optional
            Default: the level of the result.

        Returns
        -------
        DataFrame
            ``pred se ci_low ci_high pi_low pi_high``, with the index of ``new``. The prediction interval is of an effect in new
            levels of every random effect.

        Raises
        ------
        InputError
            For settings that lack a column, or have a level that no effect has.
        """
        level = self.level if level is None else level
        rows, index, variance = self._settings(new)
        table = self.coefficients
        pred = rows @ table["estimate"].to_numpy()
        se = np.sqrt(np.einsum("ij,jk,ik->i", rows, self.vcov.to_numpy(), rows))
        df = np.where(rows != 0, table["df"].to_numpy(dtype=float), np.inf).min(axis=1)
        t, spread = stdtrit(df, 0.5 + level / 2), np.sqrt(se**2 + variance)
        found = {"pred": pred, "se": se, "ci_low": pred - t * se, "ci_high": pred + t * se}
        return pd.DataFrame(found | {"pi_low": pred - t * spread, "pi_high": pred + t * spread}, index=index)

    @abstractmethod
    def _settings(self, new: pd.DataFrame | None) -> tuple[np.ndarray, pd.Index, np.ndarray]:
        """Return rows of the design to predict for, their index, and the variance of a new true effect about each."""

    def _rows(self, new: pd.DataFrame | None) -> tuple[np.ndarray, pd.Index]:
        """Return rows of the moderators' design: those of new settings, or the effects' own."""
        return (self.model.X, self.data.index) if new is None else (rows_for(self.formula, self._given, new), new.index)

    @abstractmethod
    def path(self) -> tuple[Curve, np.ndarray]:
        """Return the parameters of the covariance, and where they ended."""

    @abstractmethod
    def component_names(self) -> list[str]:
        """Return the names of the variances, which stand first among the components."""

    @abstractmethod
    def refitted(self, name: str, moderator: np.ndarray) -> DependentMetaAnalysis:
        """Return the model, which has no moderators, with one beside its means."""

    @abstractmethod
    def parts(self) -> list[DependentPart]:
        """Return what a forest plot shows: the effects, mean by mean."""

    def _part(self, name: str, rows: np.ndarray, labels: pd.Series, means: pd.DataFrame | None, said: list[str]) -> DependentPart:
        """Return the part of a forest plot with some of the effects, and with the mean that ``means`` has under its name."""
        fitted = None
        if means is None:
            fitted = self.predict()[["ci_low", "pred", "ci_high"]].to_numpy()[rows]
        mean = {} if means is None else means.loc[name].to_dict()
        return DependentPart(
            name=name,
            data=self.table.assign(labels=labels).iloc[rows],
            k=len(rows),
            level=self.level,
            estimate=mean.get("pred"),
            fitted=fitted,
            said=tuple(said),
            conventions=self.conventions,
            **{limit: mean.get(limit) for limit in ("ci_low", "ci_high", "pi_low", "pi_high")},
        )

    def _names(self) -> pd.Series | None:
        """Return the names that the caller's table gives its rows, if it does."""
        known = next((name for name in ("labels", "study", "trial_id") if name in self._given), None)
        return None if known is None else self._given[known].astype(str)

    def _tests(self) -> list[str]:
        shape = f"χ² {self.qm:.2f}, df {self.qm_df[0]}"
        if np.isfinite(self.qm_df[1]):
            shape = f"F {self.qm:.2f}, df {self.qm_df[0]} and {self.qm_df[1]:g}"
        tested = f"Moderators {self.formula}: " if self.formula else "Test of the means: "
        return [f"Q {self.q:.1f}, df {self.q_df}, P {words.p(self.q_p)}", f"{tested}{shape}, P {words.p(self.qm_p)}"]

    @abstractmethod
    def _heterogeneity(self) -> pd.DataFrame:
        """Return the table of the variance components."""

    @abstractmethod
    def _title(self) -> str:
        """Return what kind of model it is."""

    @property
    def conventions(self) -> str:
        """What was computed, in words for captions."""
        intervals = "t intervals" if self.test == "t" else "normal intervals"
        fitted = f", variance components by {self.method}" if len(self.components) else ""
        return f"{self._title()}{fitted}; {intervals}."

    def _sentences(self) -> list[str]:
        parts = [
            f"{name}: " + ", ".join(f"{what} {value:.4g}" for what, value in row.dropna().items())
            for name, row in self._heterogeneity().iterrows()
        ]
        tests = (self.qm, "chi2", f"{self.qm_df[0]}")
        if np.isfinite(self.qm_df[1]):
            tests = (self.qm, "F", f"{self.qm_df[0]} and {self.qm_df[1]:g}")
        return [
            f"{words.count(self.k, 'effect')}. {self.conventions}",
            *parts,
            f"Heterogeneity: Q {self.q:.2f} (df {self.q_df}, P {words.p(self.q_p)}).",
            f"Test of coefficients: {tests[1]} {tests[0]:.2f} (df {tests[2]}, P {words.p(self.qm_p)}).",
        ]


def complete(
    yi: Any, V: Any, data: pd.DataFrame, missing: str, moderators: Any, **groups: Any
) -> tuple[Any, Any, pd.DataFrame, pd.DataFrame]:
    """Return effects, their sampling variances or covariance and the data without the rows that lack something.

    Parameters
    ----------
    yi, V, data, moderators
        As given to the model.
    missing : {"raise", "drop"}
        Refuse rows that lack an effect, a variance, a group or a moderator, or leave them out.
    **groups
        What tells the rows apart, read already.

    Returns
    -------
    yi, V, data, excluded
        The first two as they were given, or cut to the rows of ``data``; and what was left out, with a ``reason``.
    """
    _refuse_repeated(data)
    matrix = np.ndim(V) == 2
    read, index = numeric(data, missing=True, **({"yi": yi} if matrix else {"yi": yi, "vi": V}))
    formula = formula_of(moderators, data)
    asked = {**read, **groups}
    if formula is not None:
        asked |= {f"moderator {name}": column for name, column in columns_of(formula, data).items()}
    keep, excluded = kept(index, missing, **asked)
    if keep.all():
        return yi, V, data, excluded
    rows = np.flatnonzero(keep)
    cut = V.iloc[rows, rows] if isinstance(V, pd.DataFrame) else np.asarray(V)[np.ix_(rows, rows)] if matrix else read["vi"][rows]
    return read["yi"][rows], cut, data.iloc[rows], excluded


def _refuse_repeated(data: pd.DataFrame) -> None:
    if not data.index.is_unique:
        repeated = [plain(label) for label in data.index[data.index.duplicated()].unique()[:5]]
        raise InputError(f"data has repeated index labels {repeated}; use data.reset_index(drop=True)")


def effects_with_covariance(yi: Any, V: Any, data: pd.DataFrame) -> tuple[np.ndarray, np.ndarray, pd.Index]:
    """Read effects and their sampling variances (n,) or covariance (n, n).

    Raises
    ------
    InputError
        For variances that are not positive, or a ``V`` that is not square, symmetric and positive definite; the
        message names the rows.
    """
    _refuse_repeated(data)
    if np.ndim(V) < 2:
        found, index = numeric(data, yi=yi, vi=V)
        variances("vi", found["vi"], index)
        return found["yi"], found["vi"], index
    found, index = numeric(data, yi=yi)
    n = len(index)
    if isinstance(V, pd.DataFrame) and not (V.index.equals(index) and V.columns.equals(index)):
        raise InputError("V and data have different indexes; index V by data.index on both axes")
    try:
        V = np.asarray(V, dtype=float)
    except (TypeError, ValueError):
        raise InputError("V must hold numbers alone") from None
    if V.shape != (n, n):
        raise InputError(f"V must be {n} x {n} for {n} effects, not {' x '.join(map(str, V.shape))}")
    refuse(~np.isfinite(V).all(axis=1), "V must be finite", "a missing or infinite entry", index)
    mirrored = np.isclose(V, V.T, rtol=1e-8, atol=0).all(axis=1)
    refuse(~mirrored, "V must be symmetric", "an entry without its mirror", index)
    for rows in stacks(connected(n, [], V)):
        sd = np.sqrt(np.maximum(V.diagonal(), 0.0))[rows]
        scaled = V[rows[:, :, None], rows[:, None, :]] / np.where(sd > 0, sd, 1.0)[:, :, None]
        smallest = np.linalg.eigvalsh(scaled / np.where(sd > 0, sd, 1.0)[:, None, :])[:, 0]
        for block in rows[smallest <= 1e-12][:1]:
            raise InputError(
                f"V is not positive definite among rows {index[block].tolist()}; lower the assumed correlations, "
                "or leave out effects that others determine (with three arms, give two contrasts)"
            )
    return found["yi"], (V + V.T) / 2, index


def fixed_effects(moderators: Any, data: pd.DataFrame) -> pd.DataFrame:
    """Design matrix of a formula or a list of columns (None: an intercept), refused when its columns are dependent."""
    formula = formula_of(moderators, data)
    if formula is None:
        return pd.DataFrame({"Intercept": np.ones(len(data))}, index=data.index)
    X, names = design(formula, data)
    return pd.DataFrame(X, columns=list(names), index=data.index)


def spare_variance(model: LinearCovariance) -> float:
    """Variance of the effects beyond sampling, at least a tenth of the sampling variance: a place to start from."""
    vi = model.V if model.V.ndim == 1 else model.V.diagonal()
    residual = model.y - model.X @ np.linalg.lstsq(model.X, model.y, rcond=None)[0]
    return float(max(residual.var() - vi.mean(), 0.1 * vi.mean()))


def containment_df(X: pd.DataFrame, levels: Sequence[np.ndarray]) -> np.ndarray:
    """Degrees of freedom by containment, as metafor's ``dfs="contain"``.

    For each coefficient: the smallest number of levels among the random effects whose levels its column does
    not vary within (all effects, where there is none), minus the number of coefficients; at least 1.
    """
    k, p = X.shape
    df = np.full(p, k)
    for level in levels:
        groups = X.groupby(level)
        constant = (groups.nunique() <= 1).all().to_numpy()
        df[constant] = np.minimum(df[constant], groups.ngroups)
    return np.maximum(df - p, 1)


def coefficient_table(names: Sequence[str], estimate: np.ndarray, se: np.ndarray, df: np.ndarray, level: float) -> pd.DataFrame:
    """Estimates with t tests and intervals (infinite ``df``: normal)."""
    statistic = estimate / se
    width = stdtrit(df, 0.5 + level / 2) * se
    return pd.DataFrame(
        {
            "estimate": estimate,
            "se": se,
            "statistic": statistic,
            "df": df,
            "p_value": 2 * stdtr(df, -np.abs(statistic)),
            "ci_low": estimate - width,
            "ci_high": estimate + width,
        },
        index=pd.Index(names, name="term"),
    )


def summarise(
    model: LinearCovariance,
    components: np.ndarray,
    X: pd.DataFrame,
    *,
    levels: Sequence[np.ndarray],
    parameters: int | None = None,
    method: str,
    test: str,
    level: float,
    data: pd.DataFrame,
    excluded: pd.DataFrame,
) -> Mapping[str, Any]:
    """Everything :class:`DependentMetaAnalysis` holds, from the fitted covariance."""
    fit = model(components)
    k, p = X.shape
    df = containment_df(X, levels).astype(float) if choice("test", test, ("t", "z")) == "t" else np.full(p, np.inf)
    plain = LinearCovariance(model.y, model.X, model.V, [], connected(k, [], model.V), False)
    tested = np.flatnonzero(~(X.nunique() == 1).to_numpy())
    tested = tested if len(tested) else np.arange(p)
    b = fit.beta[tested]
    wald = float(b @ np.linalg.solve(fit.vcov[np.ix_(tested, tested)], b))
    m, denominator = len(tested), float(df[tested].min())
    normal = np.isinf(denominator)
    q = plain(np.zeros(0)).q
    total, n = p + (len(components) if parameters is None else parameters), k - p if method == "REML" else k
    corrected = max(n, total + 2)
    return {
        "coefficients": coefficient_table(list(X.columns), fit.beta, np.sqrt(np.diag(fit.vcov)), df, level),
        "vcov": pd.DataFrame(fit.vcov, index=X.columns, columns=X.columns),
        "loglik": fit.value,
        "aic": -2 * fit.value + 2 * total,
        "bic": -2 * fit.value + np.log(n) * total,
        "aicc": -2 * fit.value + 2 * total * corrected / (corrected - total - 1),
        "q": q,
        "q_df": k - p,
        "q_p": float(chdtrc(k - p, q)),
        "qm": wald if normal else wald / m,
        "qm_df": (m, denominator),
        "qm_p": float(chdtrc(m, wald) if normal else fdtrc(m, denominator, wald / m)),
        "k": k,
        "method": method,
        "_test": test,
        "level": level,
        "data": data,
        "excluded": excluded,
        "model": model,
        "components": components,
    }
