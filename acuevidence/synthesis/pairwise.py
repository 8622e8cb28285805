"""The verb of pairwise synthesis: effects in, one result or one per group out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, overload

import numpy as np
import pandas as pd

from acuevidence.errors import InputError
from acuevidence.inputs import choice, numeric, refuse, values
from acuevidence.synthesis import kernel
from acuevidence.synthesis.batch import Layout, fit_groups, layout
from acuevidence.synthesis.coefficients import omnibus
from acuevidence.synthesis.result import Between, GroupedMetaAnalysis, MetaAnalysis, with_notes

__all__ = ["meta_analysis"]

_NOTHING = pd.DataFrame(columns=["reason"])  # what is left out of an analysis of everything


@overload
def meta_analysis(
    yi: Any = ...,
    vi: Any = ...,
    *,
    data: pd.DataFrame | None = ...,
    labels: Any = ...,
    n: Any = ...,
    method: str = ...,
    test: str = ...,
    level: float = ...,
    by: None = ...,
    moderators: str | None = ...,
    prediction: str = ...,
    missing: str = ...,
    overall: bool = ...,
    common_tau2: bool = ...,
) -> MetaAnalysis: ...


@overload
def meta_analysis(
    yi: Any = ...,
    vi: Any = ...,
    *,
    data: pd.DataFrame | None = ...,
    labels: Any = ...,
    n: Any = ...,
    method: str = ...,
    test: str = ...,
    level: float = ...,
    by: Iterable[Any],
    moderators: str | None = ...,
    prediction: str = ...,
    missing: str = ...,
    overall: bool = ...,
    common_tau2: bool = ...,
) -> GroupedMetaAnalysis: ...


def meta_analysis(
    yi: Any = "yi",
    vi: Any = "vi",
    *,
    data: pd.DataFrame | None = None,
    labels: Any = None,
    n: Any = None,
    method: str = "REML",
    test: str = "HKSJ",
    level: float = 0.95,
    by: Iterable[Any] | None = None,
    moderators: str | None = None,
    prediction: str = "V",
    missing: str = "error",
    overall: bool = False,
    common_tau2: bool = False,
) -> MetaAnalysis | GroupedMetaAnalysis:
    """Pool effects by a random-effects (or equal-effects) model.

    Parameters
    ----------
    yi, vi : array-like or column names
        Effects and sampling variances (not standard errors), one per trial.
    data : DataFrame, optional
        Where column names are looked up.
    labels : array-like or column name, optional
        Names of the trials.
    n : array-like or column name, optional
        Participants per trial, for small-study tests.
    method : {"REML", "DL", "HE", "HS", "HSk", "SJ", "ML", "EB", "PM", "PMM", "EE"}
        Estimator of tau2; EE: equal effects.
    test : {"HKSJ", "HKSJ-adhoc", "t", "z"}
        Hartung-Knapp-Sidik-Jonkman, its ad hoc variant (never narrower than Wald's SE), t, or normal.
    level : float
        Level of all intervals, 0.95 for 95 %.
    by : array-like or column name, optional
        Groups to be kept apart, for example ``"comparator"``.
    moderators : str, optional
        A formula, for example ``"~ year + C(technique)"``.
    prediction : {"V", "HTS", "z"}
        Prediction interval: t with k-p degrees of freedom, with k-p-1 (Higgins, Thompson and Spiegelhalter), or normal.
    missing : {"error", "drop"}
        What to do with a missing yi or vi: refuse, or leave the row out and list it in ``excluded``.
    overall : bool
        With ``by``: pool all groups as well. Sham and usual care answer different questions, so the default is no.
    common_tau2 : bool
        With ``by``: give all groups the tau2 of the model with one mean a group, in place of a tau2 each; steadier where
        groups are small.

    Returns
    -------
    MetaAnalysis or GroupedMetaAnalysis
        One result, or with ``by`` a mapping of group to result with ``between``, the test for subgroup differences.

    Raises
    ------
    InputError
        For no trials, missing or impossible values (named by row), unknown options, or moderators that cannot be
        told apart.

    Notes
    -----
    A single trial keeps its own normal interval and has no tau2. With two trials HKSJ intervals are kept and flagged. When
    trials happen to agree, HKSJ can be narrower than the Wald interval; the result says so. REML, Q-profile, HKSJ and
    prediction intervals as in Cochrane's random-effects policy of 2025; estimators as in :mod:`acuevidence.synthesis.kernel`.
    With ``by``, all groups are fitted in one call and each group's result object is built when it is asked for; for the
    numbers of very many groups in one frame use :func:`acuevidence.fit_many` with ``by``. The test between groups takes
    them as independent and uses the groups' own tau2 with model-based standard errors.

    Examples
    --------
    >>> import acuevidence as ae
    >>> result = ae.meta_analysis([0.2, 0.5, 0.3], [0.02, 0.04, 0.03])
    >>> round(result.estimate, 4), result.k
    (0.3, 3)
    """
    choice("method", method, kernel.METHODS)
    choice("test", test, kernel.TESTS)
    choice("prediction", prediction, ("V", "HTS", "z"))
    choice("missing", missing, ("error", "drop"))
    if not isinstance(level, (int, float)) or not 0 < level < 1:
        raise InputError(f"level must lie between 0 and 1 (0.95 for 95%), not {level!r}")
    given = {"yi": yi, "vi": vi} | ({} if n is None else {"n": n})
    arrays, index = numeric(data, missing=missing == "drop", **given)
    named = ({} if labels is None else {"labels": labels}) | ({} if by is None else {"by": by})
    words = values(data, yi=yi, **named)[0] if named else {}
    frame, names, excluded, keep = _frame(data, arrays, index, words.get("labels"))
    y, v = arrays["yi"][keep], arrays["vi"][keep]
    used = index if keep.all() else index[keep]
    refuse(~(v > 0), "vi must be positive (a variance, not a standard error of zero)", v, used)
    options = {"method": method, "test": test, "level": float(level), "prediction": prediction}
    if common_tau2 and (by is None or moderators is not None):
        raise InputError("common_tau2=True needs by= and no moderators")
    if by is None:
        return _one(y, v, frame, names, used, excluded, moderators, options)
    groups = words["by"].iloc[np.flatnonzero(keep)]
    refuse(groups.isna().to_numpy(), "by is missing", groups, groups.index)
    name = by if isinstance(by, str) else getattr(by, "name", None) or "group"
    return _grouped(str(name), groups, y, v, frame, names, used, excluded, moderators, options, overall, common_tau2)


def _frame(
    data: pd.DataFrame | None, arrays: dict[str, np.ndarray], index: pd.Index, names: pd.Series | None
) -> tuple[pd.DataFrame | None, pd.Series | None, pd.DataFrame, np.ndarray]:
    """Return the trials used, their labels, what was left out, and which rows are kept."""
    keep = ~(np.isnan(arrays["yi"]) | np.isnan(arrays["vi"]))
    excluded = _left_out(data)
    if not keep.all():
        rows = pd.DataFrame({"row": index[~keep], "reason": "yi or vi is missing"})
        if names is not None:
            rows.insert(1, "study", names[~keep].to_numpy())
        excluded = pd.concat([excluded, rows], ignore_index=True) if len(excluded) else rows
    if not keep.any():
        why = "; ".join(dict.fromkeys(excluded["reason"])) if len(excluded) else "yi is empty"
        raise InputError(f"there is no trial to pool ({why[:500]})")
    frame = data if data is not None or "n" not in arrays else pd.DataFrame(index=index)
    if frame is not None and "n" in arrays:
        frame = frame.assign(n=arrays["n"])
    if frame is not None and not keep.all():
        frame = frame[keep]
    return frame, names if names is None else names[keep], excluded, keep


def _left_out(data: pd.DataFrame | None) -> pd.DataFrame:
    found = None if data is None else data.attrs.get("excluded")
    return _NOTHING.copy() if found is None else pd.DataFrame(found)


def _one(
    y: np.ndarray, v: np.ndarray, frame: pd.DataFrame | None, names: pd.Series | None, index: pd.Index,
    excluded: pd.DataFrame, moderators: str | None, options: dict[str, Any],
) -> MetaAnalysis:  # fmt: skip
    X: np.ndarray | None = None
    terms: tuple[str, ...] = ("Intercept",)
    if moderators is not None:
        from acuevidence.synthesis.formula import design

        if frame is None:
            raise InputError("moderators need data= with their columns")
        X, terms = design(moderators, frame)
    fits = kernel.fit(y[None], v[None], None if X is None else X[None], method=options["method"], test=options["test"])
    return _result(fits, 0, y, v, X, terms, frame, names, index, excluded, moderators, options)


def _result(
    fits: kernel.Fits, row: int, y: np.ndarray, v: np.ndarray, X: np.ndarray | None, terms: tuple[str, ...],
    frame: pd.DataFrame | None, names: pd.Series | None, index: pd.Index, excluded: pd.DataFrame,
    formula: str | None, options: dict[str, Any],
) -> MetaAnalysis:  # fmt: skip
    k, df = len(y), float(fits.df[row])
    tau2 = None if np.isnan(fits.tau2[row]) else float(fits.tau2[row])
    weights = 1 / (v + (tau2 or 0.0))
    beta, covariance = fits.beta[row], fits.vcov[row]
    known_df = df if np.isfinite(df) else None
    qm, qm_df, qm_p = omnibus(beta, covariance, terms, known_df)
    q, q_df = float(fits.q[row]), int(fits.q_df[row])
    result = MetaAnalysis(
        k=k, **options, tau2=tau2, tau2_se=None if tau2 is None else float(fits.tau2_se[row]), i2=float(fits.i2[row]),
        h2=float(fits.h2[row]), q=q, q_df=q_df, q_p=float(kernel.chi_square_tail(fits.q[row], fits.q_df[row])), qm=qm,
        qm_df=qm_df, qm_p=qm_p, df=known_df, weights=100 * weights / weights.sum(), excluded=excluded, beta=beta,
        covariance=covariance, yi=y, vi=v, X=X, terms=terms, formula=formula, _labels=names, _given=frame, _index=index,
    )  # fmt: skip
    return _flagged(result, fits.converged[row], q, q_df)


def _flagged(result: MetaAnalysis, converged: bool, q: float, q_df: int) -> MetaAnalysis:
    notes = []
    if result.k == 1:
        notes.append("One trial: nothing is pooled; the interval is the trial's own.")
    if result.k == 2:
        notes.append("Two trials: intervals from one degree of freedom are wide, and tau2 is hardly known.")
    if result.test == "HKSJ" and q_df > 0 and result.X is None:
        w = 1 / (result.vi + (result.tau2 or 0.0))
        if result.se < float(w.sum()) ** -0.5:
            notes.append(
                "HKSJ's standard error is smaller than Wald's: the trials agree closely; compare test='HKSJ-adhoc'."
            )
    if not converged:
        notes.append("The estimator of tau2 did not converge.")
    return with_notes(result, *notes) if notes else result


def _grouped(
    by: str, groups: pd.Series, y: np.ndarray, v: np.ndarray, frame: pd.DataFrame | None, names: pd.Series | None,
    index: pd.Index, excluded: pd.DataFrame, moderators: str | None, options: dict[str, Any], overall: bool,
    common_tau2: bool,
) -> GroupedMetaAnalysis:  # fmt: skip
    code, levels = pd.factorize(groups.to_numpy())
    where = layout(code, len(levels))
    names_of = tuple(map(str, levels))
    if len(set(names_of)) < len(names_of):
        raise InputError(f"by={by!r} has levels that read alike (for example 1 and '1'); give them names of one type")
    tau2 = _common_tau2(y, v, code, len(levels), options) if common_tau2 else None
    fits = None if moderators else fit_groups(y, v, where, partial(_fit, options, tau2))
    notes = ("tau2 was estimated from all groups together, with one mean each.",) if common_tau2 else ()
    found = Members(by, names_of, where, fits, y, v, frame, names, index, excluded, moderators, options, notes)
    pooled = _one(y, v, frame, names, index, excluded, moderators, options) if overall else None
    return GroupedMetaAnalysis(by, found, _between(found, frame, code), pooled)


def _fit(options: dict[str, Any], tau2: float | None, y: np.ndarray, v: np.ndarray) -> kernel.Fits:
    given = None if tau2 is None else np.full(len(y), tau2)
    return kernel.fit(y, v, method=options["method"], test=options["test"], tau2=given)


def _common_tau2(y: np.ndarray, v: np.ndarray, code: np.ndarray, count: int, options: dict[str, Any]) -> float:
    if len(y) <= count:
        raise InputError(f"common_tau2=True needs more trials than groups: {len(y)} trials in {count} groups")
    means = (code[:, None] == np.arange(count)).astype(float)
    return float(kernel.fit(y[None], v[None], means, method=options["method"], test="z").tau2[0])


@dataclass(frozen=True, slots=True)
class Members(Mapping[str, MetaAnalysis]):
    """The groups of a long table, fitted in one call; a group's result object is built when it is asked for.

    Attributes
    ----------
    by : str
        What the groups are.
    names : tuple of str
        The groups in order of appearance.
    where : Layout
        The rows of each.
    fits : Fits or None
        Their fits; None with moderators, where each group has its own design.
    y, v, frame, labels, index, excluded, formula, options, notes
        What their results are made of.
    """

    by: str
    names: tuple[str, ...]
    where: Layout
    fits: kernel.Fits | None
    y: np.ndarray
    v: np.ndarray
    frame: pd.DataFrame | None
    labels: pd.Series | None
    index: pd.Index
    excluded: pd.DataFrame
    formula: str | None
    options: dict[str, Any]
    notes: tuple[str, ...]
    _number: dict[str, int] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_number", {name: i for i, name in enumerate(self.names)})

    def __getitem__(self, group: str) -> MetaAnalysis:
        i = self._number[group]
        here = self.where.rows(i)
        left = self.excluded
        if self.by in left:
            left = left[left[self.by].astype(str) == group].reset_index(drop=True)
        part = None if self.frame is None else self.frame.iloc[here]
        given = (part, None if self.labels is None else self.labels.iloc[here], self.index[here], left, self.formula,
                 self.options)  # fmt: skip
        if self.fits is None:
            return _one(self.y[here], self.v[here], *given)
        return with_notes(_result(self.fits, i, self.y[here], self.v[here], None, ("Intercept",), *given), *self.notes)

    def __iter__(self) -> Iterator[str]:
        return iter(self.names)

    def __len__(self) -> int:
        return len(self.names)

    def frame_of_fits(self) -> pd.DataFrame | None:
        """Return one row a group, straight from the fits; None with moderators, where groups were not fitted together."""
        if self.fits is None:
            return None
        fits, options = self.fits, self.options
        estimate, se = fits.beta[:, 0], np.sqrt(fits.vcov[:, 0, 0])
        low, high = kernel.interval(estimate, se, fits.df, options["level"])
        with np.errstate(divide="ignore", invalid="ignore"):  # HKSJ's se is 0 when the effects agree exactly
            statistic = estimate / se
        free = np.full(len(self), np.inf) if options["prediction"] == "z" else fits.k - 1.0
        free = free - (options["prediction"] == "HTS")
        known = (fits.k > 1) & (free > 0) & (options["method"] != "EE")
        spread = np.sqrt(se**2 + np.where(known, fits.tau2, np.nan))
        pi_low, pi_high = kernel.interval(estimate, spread, np.where(known, free, 1.0), options["level"])
        return pd.DataFrame({
            "term": "Intercept", "estimate": estimate, "se": se, "statistic": statistic, "df": fits.df,
            "p_value": kernel.tail(statistic, fits.df), "ci_low": low, "ci_high": high, "k": fits.k, "tau2": fits.tau2,
            "i2": fits.i2, "q": fits.q, "q_p": kernel.chi_square_tail(fits.q, fits.q_df), "pi_low": pi_low,
            "pi_high": pi_high, "method": options["method"], "test": options["test"], self.by: self.names,
        })  # fmt: skip

    def effects(self) -> tuple[np.ndarray, np.ndarray]:
        """Return the groups' pooled effects and the inverse of their model-based variances."""
        if self.fits is None:
            found = list(self.values())
            total = [float((1 / (one.vi + (one.tau2 or 0.0))).sum()) for one in found]
            return np.array([one.estimate for one in found]), np.array(total)
        tau2 = np.nan_to_num(self.fits.tau2)[np.repeat(np.arange(len(self)), self.where.size)]
        weight = 1 / (self.v[self.where.order] + tau2)
        return self.fits.beta[:, 0], np.add.reduceat(weight, self.where.start)


def _between(found: Members, frame: pd.DataFrame | None, code: np.ndarray) -> Between | None:
    if len(found) < 2:
        return None
    estimate, precision = found.effects()
    mean = float(precision @ estimate / precision.sum())
    q = float(precision @ (estimate - mean) ** 2)
    df = len(found) - 1
    shared: tuple[str, ...] = ()
    if frame is not None and "trial_id" in frame:
        spread = pd.Series(code).groupby(frame["trial_id"].to_numpy()).nunique()
        shared = tuple(map(str, spread.index[spread > 1]))
    return Between(q, df, float(kernel.chi_square_tail(np.array(q), np.array(df))), shared)
