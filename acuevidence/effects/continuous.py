"""Two groups of means: differences, standardised differences, and ratios of means and of spreads."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from scipy.special import gammaln

from acuevidence.arguments import guard
from acuevidence.effects.checks import known_vtype
from acuevidence.errors import InputError
from acuevidence.inputs import brief, refuse

__all__ = ["hedges_j", "two_means"]

Array = np.ndarray


def hedges_j(m: Any) -> Array:
    """Return the exact small-sample correction of a standardised difference with m degrees of freedom.

    Parameters
    ----------
    m : float or array-like
        Degrees of freedom, above 1: n1 + n2 - 2 for two groups, n - 1 for one.

    Returns
    -------
    float or ndarray
        Factors between 0 and 1 by which the difference is multiplied.

    Raises
    ------
    InputError
        For 1 degree of freedom or fewer, which leave nothing of the difference.

    Notes
    -----
    ``J(m) = Gamma(m/2) / (sqrt(m/2) Gamma((m-1)/2))`` (Hedges 1981, Journal of Educational Statistics).

    Examples
    --------
    >>> round(float(hedges_j(10)), 4)
    0.9227
    """
    try:
        m = np.asarray(m, dtype=float)
    except (TypeError, ValueError):
        raise InputError(f"m must be a number or numbers, not {brief(m)}") from None
    flat = m.ravel()
    refuse(~(flat > 1), "m must be above 1", flat, pd.RangeIndex(len(flat)))
    return np.exp(gammaln(m / 2) - 0.5 * np.log(m / 2) - gammaln((m - 1) / 2))


def two_means(measure: str, a: dict[str, Array], index: pd.Index, *, vtype: str, correct: bool, **_: Any) -> tuple[Array, Array]:
    """Return yi and vi of a measure of two groups of means.

    MD SMD SMDH ROM VR CVR D2OR, of ``mean1, sd1, n1, mean2, sd2, n2``; group 1 minus group 2. Formulas as in metafor's
    escalc; see ``docs/effect_sizes.md``.
    """
    for name in ("n1", "n2"):
        refuse(a[name] < 2, f"{name} must be 2 or more for a spread", a[name], index)
    for name in ("sd1", "sd2"):
        refuse(a[name] < 0, f"{name} must not be negative", a[name], index)
    known_vtype(measure, vtype, {"MD": "LS HO", "SMD": "LS LS2 UB AV", "D2OR": "LS LS2 UB AV", "ROM": "LS HO"})
    if measure in ("SMD", "D2OR"):
        # The log odds ratio of a standardised difference takes d without the small-sample correction, as metafor does.
        yi, vi = _smd(a, index, vtype, correct and measure == "SMD")
        factor = np.pi / np.sqrt(3) if measure == "D2OR" else 1.0
        return yi * factor, vi * factor**2
    return _MEASURES[measure](a, index, vtype, correct)


def _md(a: dict[str, Array], index: pd.Index, vtype: str, correct: bool) -> tuple[Array, Array]:
    refuse((a["sd1"] == 0) & (a["sd2"] == 0), "sd1 and sd2 are both zero, which leaves no variance", a["sd1"], index)
    yi = a["mean1"] - a["mean2"]
    if vtype == "HO":
        return yi, _pooled_variance(a) * (1 / a["n1"] + 1 / a["n2"])
    return yi, a["sd1"] ** 2 / a["n1"] + a["sd2"] ** 2 / a["n2"]


def _pooled_variance(a: dict[str, Array]) -> Array:
    free1, free2 = a["n1"] - 1, a["n2"] - 1
    return (free1 * a["sd1"] ** 2 + free2 * a["sd2"] ** 2) / (free1 + free2)


def _smd(a: dict[str, Array], index: pd.Index, vtype: str, correct: bool) -> tuple[Array, Array]:
    pooled = _pooled_variance(a)
    refuse(pooled == 0, "sd1 and sd2 are both zero: there is nothing to standardise by", a["sd1"], index)
    n, inverse = a["n1"] + a["n2"], 1 / a["n1"] + 1 / a["n2"]
    m = n - 2
    d = (a["mean1"] - a["mean2"]) / np.sqrt(pooled)
    j = hedges_j(m) if correct else np.ones_like(d)
    yi = j * d
    if vtype == "LS2":
        return yi, j**2 * (inverse + d**2 / (2 * n))
    if vtype == "UB":
        return yi, inverse + (1 - (m - 2) / (m * hedges_j(m) ** 2)) * yi**2
    average = np.full_like(yi, (n @ yi) / n.sum()) if vtype == "AV" else yi
    return yi, inverse + average**2 / (2 * n)


def _smdh(a: dict[str, Array], index: pd.Index, vtype: str, correct: bool) -> tuple[Array, Array]:
    """Standardised by the unweighted mean of both variances (Bonett 2009)."""
    v1, v2 = a["sd1"] ** 2, a["sd2"] ** 2
    mean = (v1 + v2) / 2
    refuse(mean == 0, "sd1 and sd2 are both zero: there is nothing to standardise by", a["sd1"], index)
    free1, free2 = a["n1"] - 1, a["n2"] - 1
    j = hedges_j(free1 + free2) if correct else 1.0
    yi = j * (a["mean1"] - a["mean2"]) / np.sqrt(mean)
    vi = yi**2 * (v1**2 / free1 + v2**2 / free2) / (8 * mean**2) + (v1 / free1 + v2 / free2) / mean
    return yi, vi


def _rom(a: dict[str, Array], index: pd.Index, vtype: str, correct: bool) -> tuple[Array, Array]:
    refuse((a["mean1"] * a["mean2"]) <= 0, "mean1 and mean2 must be of one sign for a ratio", a["mean1"], index)
    c1, c2 = _squared_cv(a, "1"), _squared_cv(a, "2")
    refuse((c1 == 0) & (c2 == 0), "sd1 and sd2 are both zero, which leaves no variance", a["sd1"], index)
    yi = np.log(a["mean1"] / a["mean2"])
    if correct:
        yi = yi + 0.5 * (c1 - c2)
    if vtype == "HO":
        pooled = _pooled_variance(a)
        return yi, pooled / (a["n1"] * a["mean1"] ** 2) + pooled / (a["n2"] * a["mean2"] ** 2)
    return yi, c1 + c2


def _squared_cv(a: dict[str, Array], group: str) -> Array:
    return a[f"sd{group}"] ** 2 / (a[f"n{group}"] * a[f"mean{group}"] ** 2)


def _vr(a: dict[str, Array], index: pd.Index, vtype: str, correct: bool) -> tuple[Array, Array]:
    """Log ratio of the SDs (Nakagawa et al 2015, Methods in Ecology and Evolution)."""
    for name in ("sd1", "sd2"):
        refuse(a[name] == 0, f"{name} must be positive for a ratio of spreads", a[name], index)
    h1, h2 = 1 / (2 * (a["n1"] - 1)), 1 / (2 * (a["n2"] - 1))
    yi = np.log(a["sd1"] / a["sd2"]) + (h1 - h2 if correct else 0.0)
    return yi, h1 + h2


def _cvr(a: dict[str, Array], index: pd.Index, vtype: str, correct: bool) -> tuple[Array, Array]:
    """Log ratio of the coefficients of variation (Nakagawa et al 2015; Senior et al 2020 for the correction)."""
    refuse((a["mean1"] * a["mean2"]) <= 0, "mean1 and mean2 must be of one sign for a ratio", a["mean1"], index)
    yi, vi = _vr(a, index, vtype, correct)
    c1, c2 = _squared_cv(a, "1"), _squared_cv(a, "2")
    yi = yi - np.log(a["mean1"] / a["mean2"]) - (0.5 * (c1 - c2) if correct else 0.0)
    return yi, vi + c1 + c2


_MEASURES = {"MD": _md, "SMDH": _smdh, "ROM": _rom, "VR": _vr, "CVR": _cvr}


guard(__name__, "hedges_j")
