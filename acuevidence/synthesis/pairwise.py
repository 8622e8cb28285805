"""The verb of pairwise synthesis: effects in, one result or one per group out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import fields, replace
from typing import TYPE_CHECKING, Any, TypedDict, Unpack, overload

import numpy as np
import pandas as pd

from acuevidence.arguments import guard
from acuevidence.errors import InputError
from acuevidence.evidence.carried import excluded_of
from acuevidence.inputs import choice, kept, numeric, refuse, values, variances
from acuevidence.synthesis import kernel
from acuevidence.synthesis.coefficients import omnibus
from acuevidence.synthesis.effect import PooledEffect
from acuevidence.synthesis.formula import columns_of, formula_of
from acuevidence.synthesis.given import GivenMetaAnalysis, by_own_weights
from acuevidence.synthesis.pairwise_groups import grouped
from acuevidence.synthesis.pairwise_one import Model, Trials, design_of, fitted, result_of
from acuevidence.synthesis.result import GroupedMetaAnalysis, MetaAnalysis

if TYPE_CHECKING:
    from acuevidence.synthesis.location_scale import LocationScaleMetaAnalysis

__all__ = ["meta_analysis"]

_NOTHING = pd.DataFrame(columns=["reason"])  # what is left out of an analysis of everything


class _Asked(TypedDict, total=False):
    """What goes with every kind of answer."""

    data: pd.DataFrame | None
    labels: Any
    n: Any
    method: str
    test: str
    level: float
    moderators: str | Sequence[str] | None
    prediction: str
    missing: str
    overall: bool
    common_tau2: bool
    link: str


# fmt: off
@overload
def meta_analysis(
    yi: Any = ..., vi: Any = ..., *, by: None = ..., scale: None = ..., weights: None = ..., tau2: None = ..., **asked: Unpack[_Asked]
) -> MetaAnalysis: ...
@overload
def meta_analysis(
    yi: Any = ..., vi: Any = ..., *, by: None = ..., scale: str, weights: None = ..., tau2: None = ..., **asked: Unpack[_Asked]
) -> LocationScaleMetaAnalysis: ...
@overload
def meta_analysis(
    yi: Any = ..., vi: Any = ..., *, by: None = ..., scale: None = ..., weights: Any = ..., tau2: float, **asked: Unpack[_Asked]
) -> GivenMetaAnalysis: ...
@overload
def meta_analysis(
    yi: Any = ..., vi: Any = ..., *, by: None = ..., scale: None = ..., weights: Any, tau2: float | None = ..., **asked: Unpack[_Asked]
) -> GivenMetaAnalysis: ...
@overload
def meta_analysis(
    yi: Any = ..., vi: Any = ..., *, by: Iterable[Any], scale: None = ..., weights: None = ..., tau2: None = ..., **asked: Unpack[_Asked]
) -> GroupedMetaAnalysis: ...
# fmt: on


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
    Research Methodology), which is why the ad hoc correction is the default; where it acts, and with four trials or
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
        return fitted(trials, model)
    name = str(by if isinstance(by, str) else getattr(by, "name", None) or "group")
    return grouped(name, groups, trials, model, overall, common_tau2)


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


def _scaled(trials: Trials, model: Model, scale: str, link: str) -> LocationScaleMetaAnalysis:
    from acuevidence.synthesis.location_scale import fit_location_scale

    (X, terms), (Z, scale_terms) = design_of(trials, model.formula), design_of(trials, scale)
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
    X, terms = design_of(trials, model.formula)
    fits = kernel.fit(
        trials.y[None],
        trials.v[None],
        None if X is None else X[None],
        method=model.method,
        test=model.test,
        tau2=None if tau2 is None else np.array([float(tau2)]),
    )
    shown = model if tau2 is None else replace(model, method="given")
    plain = result_of(fits, 0, trials, shown, X, terms)
    parts = {one.name: getattr(plain, one.name) for one in fields(PooledEffect) if one.init}
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


guard(__name__, "meta_analysis")
