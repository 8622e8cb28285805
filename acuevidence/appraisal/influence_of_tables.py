"""What each trial does to a Mantel-Haenszel or Peto result: without each trial, as trials accumulate, and case diagnostics.

A pooled table is a closed form of sums over the trials, so that all sets of trials are pooled in one call.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from acuevidence.appraisal.influence import influence_limits
from acuevidence.arguments import guard
from acuevidence.errors import InputError
from acuevidence.inputs import values
from acuevidence.synthesis import kernel
from acuevidence.synthesis.two_by_two import pool_sets, tables_of

if TYPE_CHECKING:
    from acuevidence.synthesis.two_by_two import TwoByTwoMetaAnalysis

__all__ = ["cumulative", "influence", "leave_one_out"]


def leave_one_out(result: TwoByTwoMetaAnalysis) -> pd.DataFrame:
    """Return the pooled effect without each trial in turn.

    Parameters
    ----------
    result : TwoByTwoMetaAnalysis
        Of two trials or more.

    Returns
    -------
    DataFrame
        One row a trial left out: ``estimate se statistic p_value ci_low ci_high q q_p tau2 i2 h2``, by the result's method and
        level (tau2 is 0: one common effect). Where the other trials hold no event that the effect needs, the row is missing.

    Raises
    ------
    InputError
        For one trial.

    Notes
    -----
    As metafor's leave1out of rma.mh and rma.peto.

    Examples
    --------
    >>> import acuevidence as ae
    >>> result = ae.mantel_haenszel([4, 6, 3], [60, 50, 40], [9, 8, 7], [58, 52, 41], labels=["A", "B", "C"])
    >>> result.leave_one_out().estimate.round(3).to_dict()
    {'A': -0.547, 'B': -0.939, 'C': -0.597}
    """
    if result.k < 2:
        raise InputError("leave_one_out needs two trials or more; this result has one")
    return _pooled(result, ~np.eye(result.k, dtype=bool), _names(result))


def cumulative(result: TwoByTwoMetaAnalysis, order: Any = None) -> pd.DataFrame:
    """Return the pooled effect of tables as they are added one by one.

    Parameters
    ----------
    result : TwoByTwoMetaAnalysis
    order : column name or array-like (k,), optional
        What the trials are sorted by, smallest first; ties keep their order. Default: as given.

    Returns
    -------
    DataFrame
        One row a trial, in the order of entry: the columns of :func:`leave_one_out`, with it and all before it. Rows before the
        first event that the effect needs are missing.

    Raises
    ------
    InputError
        For an unknown column, or an order with missing values.

    Examples
    --------
    >>> import acuevidence as ae
    >>> result = ae.peto([4, 6, 3], [60, 50, 40], [9, 8, 7], [58, 52, 41], labels=["A", "B", "C"])
    >>> list(result.cumulative(order=[2010, 2001, 2005]).index)
    ['B', 'C', 'A']
    """
    entry = np.arange(result.k)
    if order is not None:
        key = values(result.data, order=order)[0]["order"]
        if key.isna().any():
            raise InputError(f"order is missing in rows {key.index[key.isna()].tolist()[:5]}; give a value")
        entry = np.argsort(key.to_numpy(), kind="stable")
    present = np.zeros((result.k, result.k), dtype=bool)
    present[:, entry] = np.tri(result.k, dtype=bool)
    return _pooled(result, present, _names(result)[entry])


def influence(result: TwoByTwoMetaAnalysis) -> pd.DataFrame:
    """Return case diagnostics: how the result changes without each trial.

    Parameters
    ----------
    result : TwoByTwoMetaAnalysis
        Of three trials or more.

    Returns
    -------
    DataFrame
        One row a trial: ``rstudent`` (its own effect against the others', standardised; missing where its table has no
        information), ``cook_d`` (squared change of the pooled effect in units of its variance), ``cov_r`` (ratio of the
        variances without and with it), ``dfbetas`` (change in units of the SE without it), ``q_del``, ``weight`` (percent),
        ``influential``. A trial without which the effect cannot be pooled has missing diagnostics and is flagged.

    Raises
    ------
    InputError
        For fewer than three trials.

    Notes
    -----
    ``rstudent`` as in metafor for rma.mh and rma.peto; ``influential``: Cook's distance beyond the median of chi-square with one
    degree of freedom, or abs(DFBETAS) > 1, as for other models (Viechtbauer and Cheung 2010).

    Examples
    --------
    >>> import acuevidence as ae
    >>> result = ae.mantel_haenszel([4, 6, 3, 25], [60, 50, 40, 60], [9, 8, 7, 8], [58, 52, 41, 60], labels=list("ABCD"))
    >>> result.influence().cook_d.idxmax()
    'D'
    """
    k = result.k
    if k < 3:
        raise InputError(f"influence needs 3 trials or more; this result has {k}")
    without = pool_sets(tables_of(result), result.measure, result.method, ~np.eye(k, dtype=bool))
    shift = result.estimate - without["estimate"]
    yi, vi = result.data["yi"].to_numpy(), result.data["vi"].to_numpy()
    frame = pd.DataFrame(
        {
            "rstudent": (yi - without["estimate"]) / np.sqrt(vi + without["se"] ** 2),
            "cook_d": (shift / result.se) ** 2,
            "cov_r": (without["se"] / result.se) ** 2,
            "dfbetas": shift / without["se"],
            "q_del": np.where(np.isfinite(shift), without["q"], np.nan),
            "weight": result.weights,
        },
        index=_names(result),
    )
    most = influence_limits(k, 1)["cook_d"]
    frame["influential"] = (frame["cook_d"] > most) | (frame["dfbetas"].abs() > 1) | ~np.isfinite(shift)
    return frame


def _pooled(result: TwoByTwoMetaAnalysis, present: np.ndarray, names: pd.Index) -> pd.DataFrame:
    found = pool_sets(tables_of(result), result.measure, result.method, present)
    estimate, se = found["estimate"], found["se"]
    z, known = estimate / se, np.isfinite(estimate)
    low, high = kernel.interval(estimate, se, np.array(np.inf), result.level)
    found["tau2"] = np.zeros(len(names))
    rest = {name: np.where(known, found[name], np.nan) for name in ("q", "q_p", "tau2", "i2", "h2")}
    return pd.DataFrame(
        {
            "estimate": estimate,
            "se": se,
            "statistic": z,
            "p_value": kernel.tail(z, np.array(np.inf)),
            "ci_low": low,
            "ci_high": high,
            **rest,
        },
        index=names,
    )


def _names(result: TwoByTwoMetaAnalysis) -> pd.Index:
    return pd.Index(result.data["labels"].to_numpy())


guard(__name__, "leave_one_out", "cumulative", "influence")
