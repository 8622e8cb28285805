"""The verb of pairwise synthesis: effects in, one result or one per group out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from functools import partial
from typing import TYPE_CHECKING, Any, overload

import numpy as np
import pandas as pd

from acuevidence.arguments import guard
from acuevidence.errors import InputError, UnknownKeyError
from acuevidence.evidence.carried import excluded_of, lost
from acuevidence.inputs import choice, kept, numeric, refuse, values, variances
from acuevidence.synthesis import kernel
from acuevidence.synthesis.batch import Layout, fit_groups, layout
from acuevidence.synthesis.coefficients import omnibus
from acuevidence.synthesis.effect import PooledEffect
from acuevidence.synthesis.formula import columns_of, design, formula_of
from acuevidence.synthesis.given import GivenMetaAnalysis, by_own_weights
from acuevidence.synthesis.result import Between, GroupedMetaAnalysis, MetaAnalysis, with_notes

if TYPE_CHECKING:
    from acuevidence.synthesis.location_scale import LocationScaleMetaAnalysis

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
    moderators: str | Sequence[str] | None = ...,
    prediction: str = ...,
    missing: str = ...,
    overall: bool = ...,
    common_tau2: bool = ...,
    scale: None = ...,
    link: str = ...,
    weights: None = ...,
    tau2: None = ...,
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
    by: None = ...,
    moderators: str | Sequence[str] | None = ...,
    prediction: str = ...,
    missing: str = ...,
    overall: bool = ...,
    common_tau2: bool = ...,
    link: str = ...,
    scale: str,
    weights: None = ...,
    tau2: None = ...,
) -> LocationScaleMetaAnalysis: ...


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
    moderators: str | Sequence[str] | None = ...,
    prediction: str = ...,
    missing: str = ...,
    overall: bool = ...,
    common_tau2: bool = ...,
    link: str = ...,
    scale: None = ...,
    weights: Any = ...,
    tau2: float,
) -> GivenMetaAnalysis: ...


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
    moderators: str | Sequence[str] | None = ...,
    prediction: str = ...,
    missing: str = ...,
    overall: bool = ...,
    common_tau2: bool = ...,
    link: str = ...,
    scale: None = ...,
    weights: Any,
    tau2: float | None = ...,
) -> GivenMetaAnalysis: ...


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
    moderators: str | Sequence[str] | None = ...,
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
    test: str = "HKSJ-adhoc",
    level: float = 0.95,
    by: Any = None,
    moderators: str | Sequence[str] | None = None,
    prediction: str = "V",
    missing: str = "raise",
    overall: bool = False,
    common_tau2: bool = False,
    scale: str | None = None,
    link: str = "log",
    weights: Any = None,
    tau2: float | None = None,
) -> MetaAnalysis | GroupedMetaAnalysis | LocationScaleMetaAnalysis | GivenMetaAnalysis:
    """Pool effects by a random-effects (or equal-effects) model.

    Parameters
    ----------
    yi, vi : array-like or column names
        Effects and sampling variances (not standard errors), one per trial.
    data : DataFrame (pandas or polars), pyarrow Table or dict of columns, optional
        Where column names are looked up.
    labels : array-like or column name, optional
        Names of the trials.
    n : array-like or column name, optional
        Participants per trial, for small-study tests.
    method : {"REML", "DL", "HE", "HS", "HSk", "SJ", "ML", "EB", "PM", "PMM", "EE"}
        Estimator of tau2; EE: equal effects.
    test : {"HKSJ-adhoc", "HKSJ", "t", "z"}
        Hartung-Knapp-Sidik-Jonkman with the ad hoc correction (an SE never below Wald's), without it, t, or normal.
    level : float
        Level of all intervals, 0.95 for 95 %.
    by : array-like or column name, optional
        Groups to be kept apart, for example ``"comparator"``.
    moderators : str or list of str, optional
        A formula, for example ``"~ year + C(technique)"``, or a list of columns; both have an intercept.
    prediction : {"V", "HTS", "z"}
        Prediction interval: t with k-p degrees of freedom, with k-p-1 (Higgins, Thompson and Spiegelhalter), or normal.
    missing : {"raise", "drop"}
        What to do with a row that lacks yi, vi, its group or a moderator: refuse, or leave it out and list it in ``excluded``.
    overall : bool
        With ``by``: pool all groups as well. Sham and usual care answer different questions, so the default is no.
    common_tau2 : bool
        With ``by``: give all groups the tau2 of the model with one mean a group, in place of a tau2 each; steadier where
        groups are small.
    scale : str, optional
        A formula of moderators of tau2, for example ``"~ year"``: a location-scale model, by REML or ML.
    link : {"log", "identity"}
        With ``scale``: whether the formula gives the logarithm of tau2, or tau2.
    weights : array-like or column name, optional
        Weights of the trials in place of inverse variances; tau2 is estimated as ever, and the standard error is right for
        any weights.
    tau2 : float, optional
        A heterogeneity variance to take as known, in squared units of yi.

    Returns
    -------
    MetaAnalysis or GroupedMetaAnalysis
        One result, or with ``by`` a mapping of group to result with ``between``, the test for subgroup differences. With
        ``scale`` a LocationScaleMetaAnalysis, with ``weights`` or ``tau2`` a GivenMetaAnalysis.

    Raises
    ------
    InputError
        For no trials, missing or impossible values (named by row), unknown options, or moderators that cannot be
        told apart.

    Notes
    -----
    A single trial keeps its own normal interval and has no tau2. With two trials HKSJ intervals are kept and flagged. When
    trials happen to agree, plain HKSJ can be narrower than the Wald interval (Roever, Knapp and Friede 2015, BMC Medical
    Research Methodology 15:99), which is why the ad hoc correction is the default; where it acts, and with four trials or
    fewer, the summary prints the plain and the Wald limits beside it. REML, Q-profile, HKSJ and
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
    formula = formula_of(moderators, data)
    if common_tau2 and (by is None or formula is not None):
        raise InputError("common_tau2=True needs by= and no moderators")
    choice("link", link, ("log", "identity"))
    given = [name for name, one in (("scale", scale), ("weights", weights), ("tau2", tau2)) if one is not None]
    if given and by is not None:
        raise InputError(f"{given[0]}= and by= do not go together; fit the groups one by one")
    if scale is not None and len(given) > 1:
        raise InputError(f"scale= and {given[1]}= do not go together; leave one out")
    if scale is not None and data is None:
        raise InputError("scale needs data= with its columns")
    if tau2 is not None and not 0 <= tau2 < np.inf:
        raise InputError(f"tau2 must be 0 or more, not {tau2}")
    model = Model(method, test, level, prediction, formula)
    trials, groups = _read(data, missing, (formula, scale), yi=yi, vi=vi, n=n, labels=labels, by=by, weights=weights)
    if scale is not None:
        return _scaled(trials, model, scale, link)
    if given:
        return _given(trials, model, tau2)
    if groups is None:
        return _one(trials, model)
    name = str(by if isinstance(by, str) else getattr(by, "name", None) or "group")
    return _grouped(name, groups, trials, model, overall, common_tau2)


@dataclass(frozen=True, slots=True, eq=False)
class Trials:
    """The trials of an analysis, and what was left out of it.

    Attributes
    ----------
    y, v : ndarray, (k,)
        Effects and sampling variances.
    frame : DataFrame or None
        The caller's rows of them.
    labels : Series or None
        Their names.
    index : Index
        The caller's index.
    excluded : DataFrame
        What was left out, with a ``reason``.
    own : ndarray, (k,), or None
        Weights of the caller's.
    """

    y: np.ndarray
    v: np.ndarray
    frame: pd.DataFrame | None
    labels: pd.Series | None
    index: pd.Index
    excluded: pd.DataFrame
    own: np.ndarray | None = None

    def of(self, rows: np.ndarray, excluded: pd.DataFrame) -> Trials:
        """Return some of the trials, with what was left out from among them."""
        frame = None if self.frame is None else self.frame.iloc[rows]
        labels = None if self.labels is None else self.labels.iloc[rows]
        own = None if self.own is None else self.own[rows]
        return Trials(self.y[rows], self.v[rows], frame, labels, self.index[rows], excluded, own)


@dataclass(frozen=True, slots=True)
class Model:
    """How trials are pooled: ``method``, ``test``, ``level`` and ``prediction`` as asked for, ``formula`` of the moderators."""

    method: str
    test: str
    level: float
    prediction: str
    formula: str | None


def _read(
    data: pd.DataFrame | None, missing: str, formulas: tuple[str | None, ...], *, n: Any, labels: Any, by: Any, **effects: Any
) -> tuple[Trials, pd.Series | None]:
    """Return the trials that have everything that is asked for, and their groups."""
    arrays, index = numeric(data, missing=True, **effects, n=n)
    if "n" in arrays:
        refuse(arrays["n"] <= 0, "n must be positive (participants of the trial)", arrays["n"], index)
    words = values(data, yi=effects["yi"], labels=labels, by=by)[0] if labels is not None or by is not None else {}
    names, groups = words.get("labels"), words.get("by")
    asked: dict[str, Any] = {name: array for name, array in arrays.items() if name != "n" or missing == "raise"}
    asked |= {} if groups is None else {"by": groups}
    for formula in formulas:
        if formula is not None and data is not None:
            asked |= {f"moderator {name}": column for name, column in columns_of(formula, data).items()}
    keep, dropped = kept(index, missing, **asked)
    if names is not None:
        dropped.insert(1, "study", names[~keep].to_numpy())
    if isinstance(by, str) and groups is not None:
        dropped[by] = groups[~keep].to_numpy()
    excluded = _with(dropped, None if data is None else excluded_of(data))
    if not keep.any():
        why = "; ".join(dict.fromkeys(excluded["reason"])) if len(excluded) else "yi is empty"
        raise InputError(f"there is no trial to pool ({why[:500]})")
    frame = data if data is not None or n is None else pd.DataFrame(index=index)
    if frame is not None and "n" in arrays:
        frame = frame.assign(n=arrays["n"])
    every = Trials(arrays["yi"], arrays["vi"], frame, names, index, excluded, arrays.get("weights"))
    trials = every if keep.all() else every.of(np.flatnonzero(keep), excluded)
    variances("vi", trials.v, trials.index)
    if trials.own is not None:
        variances("weights", trials.own, trials.index, "a trial without weight is left out")
    return trials, None if groups is None else groups[keep]


def _with(dropped: pd.DataFrame, before: pd.DataFrame | None) -> pd.DataFrame:
    """Return what this analysis drops after what was left out before it."""
    parts = [pd.DataFrame(part) for part in (before, dropped) if part is not None and len(part)]
    return pd.concat(parts, ignore_index=True) if parts else _NOTHING.copy(deep=False) if before is None else pd.DataFrame(before)


def _design(trials: Trials, formula: str | None) -> tuple[np.ndarray | None, tuple[str, ...]]:
    return (None, ("Intercept",)) if formula is None or trials.frame is None else design(formula, trials.frame)


def _scaled(trials: Trials, model: Model, scale: str, link: str) -> LocationScaleMetaAnalysis:
    from acuevidence.synthesis.location_scale import fit_location_scale

    (X, terms), (Z, scale_terms) = _design(trials, model.formula), _design(trials, scale)
    assert Z is not None
    data = pd.DataFrame(trials.frame).assign(yi=trials.y, vi=trials.v)
    return fit_location_scale(
        trials.y,
        trials.v,
        np.ones((len(trials.y), 1)) if X is None else X,
        terms,
        Z,
        scale_terms,
        method=model.method,
        test=model.test,
        level=model.level,
        link=link,
        formula=model.formula,
        scale=scale,
        data=data,
        excluded=trials.excluded,
    )


def _given(trials: Trials, model: Model, tau2: float | None) -> GivenMetaAnalysis:
    """Pool by a given tau2, by the caller's weights, or both."""
    X, terms = _design(trials, model.formula)
    fits = kernel.fit(
        trials.y[None],
        trials.v[None],
        None if X is None else X[None],
        method=model.method,
        test=model.test,
        tau2=None if tau2 is None else np.array([float(tau2)]),
    )
    shown = model if tau2 is None else replace(model, method="given")
    plain = _result(fits, 0, trials, shown, X, terms)
    parts = {one.name: getattr(plain, one.name) for one in fields(PooledEffect)}
    parts |= {"tau2_se": None} if tau2 is not None else {}
    if trials.own is None:
        return GivenMetaAnalysis(**parts)
    design_ = np.ones((len(trials.y), 1)) if X is None else X
    total = trials.v + (plain.tau2 or 0.0)
    beta, covariance = by_own_weights(trials.y, total, design_, trials.own, model.test)
    qm, qm_df, qm_p = omnibus(beta, covariance, terms, plain.df)
    parts |= {
        "beta": beta,
        "covariance": covariance,
        "qm": qm,
        "qm_df": qm_df,
        "qm_p": qm_p,
        "weights": 100 * trials.own / trials.own.sum(),
    }
    return GivenMetaAnalysis(**parts, own_weights=True)


def _one(trials: Trials, model: Model) -> MetaAnalysis:
    X, terms = _design(trials, model.formula)
    given = None if X is None else X[None]
    fits = kernel.fit(trials.y[None], trials.v[None], given, method=model.method, test=model.test)
    return _result(fits, 0, trials, model, X, terms)


def _result(
    fits: kernel.Fits,
    row: int,
    trials: Trials,
    model: Model,
    X: np.ndarray | None = None,
    terms: tuple[str, ...] = ("Intercept",),
    notes: tuple[str, ...] = (),
) -> MetaAnalysis:
    df = float(fits.df[row])
    tau2 = None if np.isnan(fits.tau2[row]) else float(fits.tau2[row])
    weights = 1 / (trials.v + (tau2 or 0.0))
    beta, covariance = fits.beta[row], fits.vcov[row]
    known_df = df if np.isfinite(df) else None
    qm, qm_df, qm_p = omnibus(beta, covariance, terms, known_df)
    result = MetaAnalysis(
        k=len(trials.y),
        method=model.method,
        _test=model.test,
        level=model.level,
        prediction=model.prediction,
        formula=model.formula,
        tau2=tau2,
        tau2_se=None if tau2 is None else float(fits.tau2_se[row]),
        i2=float(fits.i2[row]),
        h2=float(fits.h2[row]),
        q=float(fits.q[row]),
        q_df=int(fits.q_df[row]),
        q_p=float(kernel.chi_square_tail(fits.q[row], fits.q_df[row])),
        qm=qm,
        qm_df=qm_df,
        qm_p=qm_p,
        df=known_df,
        weights=100 * weights / weights.sum(),
        excluded=trials.excluded,
        beta=beta,
        covariance=covariance,
        yi=trials.y,
        vi=trials.v,
        X=X,
        terms=terms,
        _labels=trials.labels,
        _given=trials.frame,
        _index=trials.index,
    )
    told = () if trials.frame is None else trials.frame.attrs.get("notes", ())
    found = (*told, *_flags(result, bool(fits.converged[row])), *_implausible(trials), *notes)
    return with_notes(result, *found) if found else result


def _flags(result: MetaAnalysis, converged: bool) -> Iterator[str]:
    if result.k == 1:
        yield "One trial: nothing is pooled; the interval is the trial's own."
    if result.k == 2:
        yield "Two trials: intervals from one degree of freedom are wide, and tau2 is hardly known."
    if result.test == "HKSJ" and result.q_df > 0 and result.X is None:
        w = 1 / (result.vi + (result.tau2 or 0.0))
        if result.se < float(w.sum()) ** -0.5:
            yield "HKSJ's standard error is smaller than Wald's: the effects differ less than chance; compare test='HKSJ-adhoc'."
    if lost(result._given):
        yield (
            "The table came from trial_effects but no longer says of which review it is, or what was left out; "
            "join such tables with acuevidence.evidence.joined."
        )
    if not converged:
        yield "The estimator of tau2 did not converge."


def _implausible(trials: Trials) -> Iterator[str]:
    """Say what is possible but looks like a slip of the pen: a trial twice, a standardised effect beyond 3."""
    frame = trials.frame
    whose = frame["trial_id"] if frame is not None and "trial_id" in frame else trials.labels
    if whose is not None and whose.duplicated().any():
        twice = ", ".join(map(str, whose[whose.duplicated()].unique()[:3]))
        yield f"More than one row of {twice}: rows of one trial are not independent; see multilevel() and vcalc()."
    if frame is not None and "effect" in frame:
        far = np.flatnonzero((frame["effect"] == "SMD").to_numpy() & (np.abs(trials.y) > 3))
        if len(far):
            names = (trials.index if trials.labels is None else trials.labels.array)[far[:3]]
            yield f"An SMD beyond 3 in {', '.join(map(str, names))}: is a standard error given as a standard deviation?"


def _grouped(by: str, groups: pd.Series, trials: Trials, model: Model, overall: bool, common_tau2: bool) -> GroupedMetaAnalysis:
    code, levels = pd.factorize(groups.to_numpy())
    where = layout(code, len(levels))
    names_of = tuple(map(str, levels))
    if len(set(names_of)) < len(names_of):
        raise InputError(f"by={by!r} has levels that read alike (for example 1 and '1'); give them names of one type")
    tau2 = _common_tau2(trials, code, len(levels), model) if common_tau2 else None
    fits = None if model.formula else fit_groups(trials.y, trials.v, where, partial(_fit, model, tau2))
    notes = ("tau2 was estimated from all groups together, with one mean each.",) if common_tau2 else ()
    found = Members(by, names_of, where, fits, trials, model, notes)
    return GroupedMetaAnalysis(by, found, _between(found, code), _one(trials, model) if overall else None)


def _fit(model: Model, tau2: float | None, y: np.ndarray, v: np.ndarray) -> kernel.Fits:
    given = None if tau2 is None else np.full(len(y), tau2)
    return kernel.fit(y, v, method=model.method, test=model.test, tau2=given)


def _common_tau2(trials: Trials, code: np.ndarray, count: int, model: Model) -> float:
    if len(trials.y) <= count:
        raise InputError(f"common_tau2=True needs more trials than groups: {len(trials.y)} trials in {count} groups")
    means = (code[:, None] == np.arange(count)).astype(float)
    return float(kernel.fit(trials.y[None], trials.v[None], means, method=model.method, test="z").tau2[0])


@dataclass(frozen=True, slots=True, eq=False)
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
    trials, model, notes
        What their results are made of.
    """

    by: str
    names: tuple[str, ...]
    where: Layout
    fits: kernel.Fits | None
    trials: Trials
    model: Model
    notes: tuple[str, ...]
    _number: dict[str, int] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_number", {name: i for i, name in enumerate(self.names)})

    def __getitem__(self, group: str) -> MetaAnalysis:
        if not isinstance(group, str) or group not in self._number:
            raise UnknownKeyError(self.by, group, self.names)
        i = self._number[group]
        left = self.trials.excluded
        if self.by in left:
            left = left[left[self.by].astype(str) == group].reset_index(drop=True)
        trials = self.trials.of(self.where.rows(i), left)
        return _one(trials, self.model) if self.fits is None else _result(self.fits, i, trials, self.model, notes=self.notes)

    def __eq__(self, other: object) -> bool:
        return self is other

    def __hash__(self) -> int:
        return id(self)

    def __iter__(self) -> Iterator[str]:
        return iter(self.names)

    def __len__(self) -> int:
        return len(self.names)

    def frame_of_fits(self) -> pd.DataFrame | None:
        """Return one row a group, straight from the fits; None with moderators, where groups were not fitted together."""
        if self.fits is None:
            return None
        fits, model = self.fits, self.model
        estimate, se = fits.beta[:, 0], np.sqrt(fits.vcov[:, 0, 0])
        low, high = kernel.interval(estimate, se, fits.df, model.level)
        with np.errstate(divide="ignore", invalid="ignore"):  # HKSJ's se is 0 when the effects agree exactly
            statistic = estimate / se
        free = np.full(len(self), np.inf) if model.prediction == "z" else fits.k - 1.0
        free = free - (model.prediction == "HTS")
        known = (fits.k > 1) & (free > 0) & (model.method != "EE")
        spread = np.sqrt(se**2 + np.where(known, fits.tau2, np.nan))
        pi_low, pi_high = kernel.interval(estimate, spread, np.where(known, free, 1.0), model.level)
        return pd.DataFrame(
            {
                "term": "Intercept",
                "estimate": estimate,
                "se": se,
                "statistic": statistic,
                "df": fits.df,
                "p_value": kernel.tail(statistic, fits.df),
                "ci_low": low,
                "ci_high": high,
                "k": fits.k,
                "tau2": fits.tau2,
                "i2": fits.i2,
                "q": fits.q,
                "q_p": kernel.chi_square_tail(fits.q, fits.q_df),
                "pi_low": pi_low,
                "pi_high": pi_high,
                "method": model.method,
                "test": model.test,
                self.by: self.names,
            }
        )

    def effects(self) -> tuple[np.ndarray, np.ndarray]:
        """Return the groups' pooled effects and the inverse of their model-based variances."""
        if self.fits is None:
            found = list(self.values())
            total = [float((1 / (one.vi + (one.tau2 or 0.0))).sum()) for one in found]
            return np.array([one.estimate for one in found]), np.array(total)
        tau2 = np.nan_to_num(self.fits.tau2)[np.repeat(np.arange(len(self)), self.where.size)]
        weight = 1 / (self.trials.v[self.where.order] + tau2)
        return self.fits.beta[:, 0], np.add.reduceat(weight, self.where.start)


def _between(found: Members, code: np.ndarray) -> Between | None:
    if len(found) < 2:
        return None
    estimate, precision = found.effects()
    mean = float(precision @ estimate / precision.sum())
    q = float(precision @ (estimate - mean) ** 2)
    df = len(found) - 1
    shared: tuple[str, ...] = ()
    frame = found.trials.frame
    if frame is not None and "trial_id" in frame:
        spread = pd.Series(code).groupby(frame["trial_id"].to_numpy()).nunique()
        shared = tuple(map(str, spread.index[spread > 1]))
    return Between(q, df, float(kernel.chi_square_tail(np.array(q), np.array(df))), shared)


guard(__name__, "meta_analysis")
