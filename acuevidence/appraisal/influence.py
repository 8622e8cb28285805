"""What each trial does to a result: deletion diagnostics, leave-one-out, cumulative results, and shrunken effects.

Every refit is one batched call of the kernel with the absent trials as NaN. Formulas as in metafor (Viechtbauer and Cheung 2010,
Research Synthesis Methods).
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from scipy.special import chdtri

from acuevidence.arguments import guard
from acuevidence.errors import InputError
from acuevidence.inputs import values
from acuevidence.synthesis import kernel

if TYPE_CHECKING:
    from acuevidence.synthesis.effect import PooledEffect

__all__ = ["baujat", "blup", "cumulative", "influence", "leave_one_out"]


def leave_one_out(result: PooledEffect) -> pd.DataFrame:
    """Return the pooled effect without each trial in turn.

    Parameters
    ----------
    result : MetaAnalysis
        Of two trials or more, without moderators (``influence`` serves those).

    Returns
    -------
    DataFrame
        One row a trial left out: ``estimate se statistic p_value ci_low ci_high q q_p tau2 i2 h2``, by the result's
        estimator, test and level. A single remaining trial has a tau2 of 0.

    Raises
    ------
    InputError
        For one trial, or a meta-regression.

    Examples
    --------
    >>> import acuevidence as ae
    >>> result = ae.meta_analysis([0.2, 0.5, 0.3], [0.02, 0.04, 0.03], labels=["A", "B", "C"])
    >>> result.leave_one_out().estimate.round(3).to_dict()
    {'A': 0.386, 'B': 0.24, 'C': 0.317}
    """
    _refuse_moderators(result, "leave_one_out", "influence() gives the deletion diagnostics of a meta-regression")
    if result.k < 2:
        raise InputError("leave_one_out needs two trials or more; this result has one")
    return _pooled(result, ~np.eye(result.k, dtype=bool), _names(result))


def cumulative(result: PooledEffect, order: Any = None) -> pd.DataFrame:
    """Return the pooled effect as trials are added one by one.

    Parameters
    ----------
    result : MetaAnalysis
        Without moderators.
    order : column name or array-like (k,), optional
        What the trials are sorted by, smallest first; ties keep their order. Default: as given.

    Returns
    -------
    DataFrame
        One row a trial, in the order of entry: ``estimate se statistic p_value ci_low ci_high q q_p tau2 i2 h2`` with it
        and all before it. The first row is one trial, with a tau2 of 0.

    Raises
    ------
    InputError
        For a meta-regression, an unknown column, or an order with missing values.

    Examples
    --------
    >>> import acuevidence as ae
    >>> result = ae.meta_analysis([0.2, 0.5, 0.3], [0.02, 0.04, 0.03], labels=["A", "B", "C"])
    >>> list(result.cumulative(order=[2010, 2001, 2005]).index)
    ['B', 'C', 'A']
    """
    _refuse_moderators(result, "cumulative", "cumulative results of a meta-regression are not defined")
    entry = np.arange(result.k)
    if order is not None:
        key = values(result.data, order=order)[0]["order"]
        if key.isna().any():
            raise InputError(f"order is missing in rows {key.index[key.isna()].tolist()[:5]}; give a value")
        entry = np.argsort(key.to_numpy(), kind="stable")
    present = np.zeros((result.k, result.k), dtype=bool)
    for i in range(result.k):
        present[i, entry[: i + 1]] = True
    return _pooled(result, present, _names(result)[entry])


def influence_limits(k: int, p: int) -> dict[str, float]:
    """Return what DFFITS, Cook's distance and the hat value of k trials and p coefficients must exceed, as metafor has it."""
    return {"dffits": 3 * math.sqrt(p / (k - p)), "cook_d": float(chdtri(p, 0.5)), "hat": 3 * p / k}


def influence(result: PooledEffect) -> pd.DataFrame:
    """Return case diagnostics: how the result changes without each trial.

    Parameters
    ----------
    result : MetaAnalysis
        Of at least two trials more than coefficients.

    Returns
    -------
    DataFrame
        One row a trial: ``rstudent`` (externally standardised residual), ``dffits``, ``cook_d``, ``cov_r`` (ratio of the
        coefficients' generalised variances), ``tau2_del``, ``q_del``, ``hat``, ``weight`` (percent), ``dfbetas`` (one column
        ``dfbetas_TERM`` a coefficient with moderators), ``influential``. A trial that alone carries a coefficient
        cannot be left out: its deletion diagnostics are missing and it is flagged. Effects that agree exactly have no residual
        under HKSJ: ratios to a spread of 0 are missing, and nothing is flagged.

    Raises
    ------
    InputError
        When too few trials would remain.

    Notes
    -----
    ``influential`` by metafor's rule: abs(DFFITS) > 3 sqrt(p / (k - p)), or Cook's distance beyond the median of chi-square
    with p degrees of freedom, or hat > 3 p / k, or any abs(DFBETAS) > 1.

    Examples
    --------
    >>> import acuevidence as ae
    >>> result = ae.meta_analysis([0.2, 0.5, 0.3, 2.0], [0.02, 0.04, 0.03, 0.03], labels=list("ABCD"))
    >>> result.influence().influential.to_dict()
    {'A': False, 'B': False, 'C': False, 'D': True}
    """
    k, p = result.k, len(result.beta)
    if k < p + 2:
        raise InputError(f"influence needs {p + 2} trials or more for {p} coefficients; this result has {k}")
    X = np.ones((k, 1)) if result.X is None else result.X
    deleted, known = _deleted(result, X)
    tau2 = np.where(known, np.nan_to_num(deleted.tau2), np.nan)
    shift = result.beta - deleted.beta
    predicted = (X * deleted.beta).sum(axis=1)
    spread = np.einsum("kp,kpq,kq->k", X, deleted.vcov, X)
    hat = _hat(result, X)
    scale = _scale_of(result, deleted, X, tau2)
    unscaled = _inverse_information(X, 1 / (result.vi + tau2[:, None]))
    sd = np.sqrt(result.covariance.diagonal())
    sd = np.where(sd > 0, sd, 1.0)
    standard = shift / sd  # the coefficients have units of their own
    cook = np.einsum("kp,pq,kq->k", standard, np.linalg.pinv(result.covariance / np.outer(sd, sd)), standard)
    with np.errstate(divide="ignore", invalid="ignore"):  # HKSJ's variance is 0 when the effects agree exactly
        dfbetas = shift / np.sqrt(scale[:, None] * np.diagonal(unscaled, axis1=1, axis2=2))
        dffits = (X @ result.beta - predicted) / np.sqrt(scale * hat * (tau2 + result.vi))
        rstudent = (result.yi - predicted) / np.sqrt(scale * (result.vi + tau2) + spread)
        cov_r = np.linalg.det(deleted.vcov / np.outer(sd, sd)) / np.linalg.det(result.covariance / np.outer(sd, sd))
    frame = pd.DataFrame(
        {
            "rstudent": rstudent,
            "dffits": dffits,
            "cook_d": cook,
            "cov_r": cov_r,
            "tau2_del": tau2,
            "q_del": deleted.q,
            "hat": hat,
            "weight": result.weights,
        },
        index=_names(result),
    )
    names = ["dfbetas"] if p == 1 else [f"dfbetas_{term}" for term in result.terms]
    frame[names] = dfbetas
    frame.loc[~known, ["rstudent", "dffits", "cook_d", "cov_r", "tau2_del", "q_del", *names]] = np.nan
    most = influence_limits(k, p)
    beyond = (np.abs(dffits) > most["dffits"]) | (cook > most["cook_d"]) | (hat > most["hat"])
    frame["influential"] = beyond | (np.abs(dfbetas) > 1).any(axis=1) | ~known
    return frame


def baujat(result: PooledEffect) -> pd.DataFrame:
    """Return where each trial stands in Baujat's plot.

    Parameters
    ----------
    result : MetaAnalysis
        As in :func:`influence`.

    Returns
    -------
    DataFrame
        ``x``: the trial's squared Pearson residual, its share in the residual heterogeneity; ``y``: the squared change of
        its fitted value when it is left out, in units of that value's variance (Baujat et al 2002, Statistics in
        Medicine).

    Raises
    ------
    InputError
        When too few trials would remain.

    Examples
    --------
    >>> import acuevidence as ae
    >>> ae.meta_analysis([0.2, 0.5, 0.3, 2.0], [0.02, 0.04, 0.03, 0.03]).baujat().y.idxmax()
    3
    """
    k, p = result.k, len(result.beta)
    if k < p + 2:
        raise InputError(f"baujat needs {p + 2} trials or more for {p} coefficients; this result has {k}")
    X = np.ones((k, 1)) if result.X is None else result.X
    deleted, known = _deleted(result, X)
    fitted = X @ result.beta
    spread = np.einsum("kp,kpq,kq->k", X, deleted.vcov, X)
    x = (result.yi - fitted) ** 2 / (result.vi + (result.tau2 or 0.0))
    y = np.where(known, ((X * deleted.beta).sum(axis=1) - fitted) ** 2 / np.where(known, spread, 1.0), np.nan)
    return pd.DataFrame({"x": x, "y": y}, index=_names(result))


def blup(result: PooledEffect) -> pd.DataFrame:
    """Return the trials' true effects as empirical best linear unbiased predictions.

    Parameters
    ----------
    result : MetaAnalysis
        Any; under the equal-effects model every trial has the pooled effect.

    Returns
    -------
    DataFrame
        ``pred se pi_low pi_high``: each trial's effect drawn towards the fitted value by ``tau2 / (tau2 + vi)``
        (Raudenbush and Bryk 1985, Journal of Educational Statistics); the interval at the result's level.

    Examples
    --------
    >>> import acuevidence as ae
    >>> ae.meta_analysis([0.2, 0.5, 0.3, 2.0], [0.02, 0.04, 0.03, 0.03]).blup().pred.round(2).tolist()
    [0.22, 0.51, 0.32, 1.95]
    """
    X = np.ones((result.k, 1)) if result.X is None else result.X
    tau2 = result.tau2 or 0.0
    share = tau2 / (tau2 + result.vi)
    pred = share * result.yi + (1 - share) * (X @ result.beta)
    spread = np.einsum("kp,pq,kq->k", X, result.covariance, X)
    se = np.sqrt(share * result.vi + (1 - share) ** 2 * spread)
    df = np.array(np.inf if result.df is None else result.df)
    low, high = kernel.interval(pred, se, df, result.level)
    return pd.DataFrame({"pred": pred, "se": se, "pi_low": low, "pi_high": high}, index=_names(result))


def _pooled(result: PooledEffect, present: np.ndarray, names: pd.Index) -> pd.DataFrame:
    """Refit the result on the trials present in each row, in one call."""
    y = np.where(present, result.yi, np.nan)
    fits = kernel.fit(y, np.broadcast_to(result.vi, y.shape), method=result.method, test=result.test)
    estimate, se = fits.beta[:, 0], np.sqrt(fits.vcov[:, 0, 0])
    low, high = kernel.interval(estimate, se, fits.df, result.level)
    return pd.DataFrame(
        {
            "estimate": estimate,
            "se": se,
            "statistic": estimate / se,
            "p_value": kernel.tail(estimate / se, fits.df),
            "ci_low": low,
            "ci_high": high,
            "q": fits.q,
            "q_p": kernel.chi_square_tail(fits.q, fits.q_df),
            "tau2": np.nan_to_num(fits.tau2),
            "i2": fits.i2,
            "h2": fits.h2,
        },
        index=names,
    )


def _deleted(result: PooledEffect, X: np.ndarray) -> tuple[kernel.Fits, np.ndarray]:
    """Return the fits without each trial, and which trials can be left out; the rest are fitted whole in their place."""
    absent = np.eye(result.k, dtype=bool)
    rank = (
        np.linalg.matrix_rank(np.where(absent[..., None], 0.0, X / np.abs(X).max(axis=0))) if result.X is not None else np.array(1)
    )
    known = np.broadcast_to(rank == X.shape[1], (result.k,))
    y = np.where(absent & known[:, None], np.nan, result.yi)
    design = None if result.X is None else X
    fits = kernel.fit(y, np.broadcast_to(result.vi, y.shape), design, method=result.method, test=result.test)
    return fits, known


def _scale_of(result: PooledEffect, deleted: kernel.Fits, X: np.ndarray, tau2: np.ndarray) -> np.ndarray:
    """Return the factor by which the test scaled each deleted fit's covariance (1 but for HKSJ)."""
    if not result.test.startswith("HKSJ"):
        return np.ones(result.k)
    w = np.where(np.eye(result.k, dtype=bool), 0.0, 1 / (result.vi + np.nan_to_num(tau2)[:, None]))
    residual = result.yi - deleted.beta @ X.T
    scale = (w * residual**2).sum(axis=1) / (result.k - 1 - X.shape[1])
    return np.maximum(scale, 1.0) if result.test == "HKSJ-adhoc" else scale


def _hat(result: PooledEffect, X: np.ndarray) -> np.ndarray:
    w = 1 / (result.vi + (result.tau2 or 0.0))
    return np.einsum("kp,pq,kq->k", X, _inverse_information(X, w[None])[0], X) * w


def _inverse_information(X: np.ndarray, w: np.ndarray) -> np.ndarray:
    """Return (X'WX)^-1 for weights (B, k); NaN weights give NaN."""
    usable = np.isfinite(w).all(axis=1)
    information = np.einsum("kp,bk,kq->bpq", X, np.where(usable[:, None], w, 1.0), X)
    return np.where(usable[:, None, None], np.linalg.inv(information), np.nan)


def _names(result: PooledEffect) -> pd.Index:
    data = result.data
    return pd.Index(data["labels"].to_numpy()) if "labels" in data else data.index


def _refuse_moderators(result: PooledEffect, what: str, instead: str) -> None:
    if result.X is not None:
        raise InputError(f"{what} is for a pooled effect without moderators; {instead}")


guard(__name__, "leave_one_out", "cumulative", "influence", "baujat", "blup")
