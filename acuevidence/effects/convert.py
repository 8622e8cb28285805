"""From one effect to another, back from a transformed scale, and into words of the clinic.

Every function takes scalars, sequences, Series or column names with ``data=``, and answers in the same shape: a float for
scalars, a Series with the caller's index for Series and column names, an array for the rest.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from scipy.special import ndtr, ndtri

from acuevidence.arguments import guard
from acuevidence.effects.checks import Values, correlation, like, share
from acuevidence.effects.measures import MEASURES
from acuevidence.effects.natural import inverse_freeman_tukey, inverse_root_rate
from acuevidence.errors import InputError
from acuevidence.inputs import choice, numeric, refuse

__all__ = [
    "back_transform",
    "or_to_r",
    "or_to_smd",
    "r_to_or",
    "r_to_smd",
    "responders_per_100",
    "smd_to_nnt",
    "smd_to_or",
    "smd_to_points",
    "smd_to_r",
]

_FACTOR = float(np.pi / np.sqrt(3))


def or_to_smd(log_or: Any, *, data: pd.DataFrame | None = None) -> Values:
    """Return the SMD of a log odds ratio: ``log OR * sqrt(3) / pi``.

    Parameters
    ----------
    log_or : array-like or column of ``data``
        Natural logarithms of odds ratios, not the ratios.
    data : DataFrame, optional

    Returns
    -------
    float, Series or ndarray
        SMDs of the same sign. A variance is multiplied by ``3 / pi^2``.

    Raises
    ------
    InputError
        For entries that are not finite numbers.

    Notes
    -----
    Of a logistic outcome cut into responders and others (Chinn 2000, Statistics in Medicine).

    Examples
    --------
    >>> from acuevidence import effects
    >>> round(effects.or_to_smd(0.6931), 3)
    0.382
    """
    a, index = numeric(data, log_or=log_or)
    return like(a["log_or"] / _FACTOR, index, log_or)


def smd_to_or(smd: Any, *, data: pd.DataFrame | None = None) -> Values:
    """Return the log odds ratio of an SMD: ``SMD * pi / sqrt(3)``.

    Parameters
    ----------
    smd : array-like or column of ``data``
        Standardised mean differences.
    data : DataFrame, optional

    Returns
    -------
    float, Series or ndarray
        Natural logarithms of odds ratios, of the same sign. A variance is multiplied by ``pi^2 / 3``.

    Notes
    -----
    The inverse of :func:`or_to_smd` (Chinn 2000, Statistics in Medicine).

    Examples
    --------
    >>> from acuevidence import effects
    >>> round(effects.smd_to_or(0.5), 3)
    0.907
    """
    a, index = numeric(data, smd=smd)
    return like(a["smd"] * _FACTOR, index, smd)


def smd_to_r(smd: Any, n1: Any = None, n2: Any = None, *, data: pd.DataFrame | None = None) -> Values:
    """Return the point-biserial correlation of an SMD: ``d / sqrt(d^2 + h)`` with ``h = (n1 + n2)^2 / (n1 n2)``.

    Parameters
    ----------
    smd : array-like or column of ``data``
        Standardised mean differences.
    n1, n2 : array-like or columns of ``data``, optional
        Participants per group. Default: groups of one size, ``h = 4``.
    data : DataFrame, optional

    Returns
    -------
    float, Series or ndarray
        Correlations within -1..1, of the same sign.

    Raises
    ------
    InputError
        For one n without the other, or n below 1.

    Notes
    -----
    Borenstein et al (2009, Introduction to Meta-Analysis, chapter 7).

    Examples
    --------
    >>> from acuevidence import effects
    >>> round(effects.smd_to_r(0.5, 50, 50), 3)
    0.243
    """
    a, index = numeric(data, smd=smd, n1=n1, n2=n2)
    return like(a["smd"] / np.sqrt(a["smd"] ** 2 + _imbalance(a, index)), index, smd, n1, n2)


def r_to_smd(r: Any, n1: Any = None, n2: Any = None, *, data: pd.DataFrame | None = None) -> Values:
    """Return the SMD of a point-biserial correlation: ``r sqrt(h) / sqrt(1 - r^2)`` with ``h = (n1 + n2)^2 / (n1 n2)``.

    Parameters
    ----------
    r : array-like or column of ``data``
        Correlations between -1 and 1.
    n1, n2, data
        As in :func:`smd_to_r`.

    Returns
    -------
    float, Series or ndarray
        Standardised mean differences of the same sign.

    Raises
    ------
    InputError
        For a correlation of -1, 1 or beyond, one n without the other, or n below 1.

    Notes
    -----
    The inverse of :func:`smd_to_r` (Borenstein et al 2009, Introduction to Meta-Analysis, chapter 7).

    Examples
    --------
    >>> from acuevidence import effects
    >>> round(effects.r_to_smd(0.243), 2)
    0.5
    """
    a, index = numeric(data, r=r, n1=n1, n2=n2)
    correlation(a["r"], index)
    return like(a["r"] * np.sqrt(_imbalance(a, index)) / np.sqrt(1 - a["r"] ** 2), index, r, n1, n2)


def or_to_r(log_or: Any, n1: Any = None, n2: Any = None, *, data: pd.DataFrame | None = None) -> Values:
    """Return the correlation of a log odds ratio, by way of the SMD.

    Parameters
    ----------
    log_or : array-like or column of ``data``
        Natural logarithms of odds ratios.
    n1, n2, data
        As in :func:`smd_to_r`.

    Returns
    -------
    float, Series or ndarray
        Correlations within -1..1, of the same sign.

    Notes
    -----
    :func:`or_to_smd`, then :func:`smd_to_r`.

    Examples
    --------
    >>> from acuevidence import effects
    >>> round(effects.or_to_r(0.907), 3)
    0.243
    """
    a, index = numeric(data, log_or=log_or, n1=n1, n2=n2)
    d = a["log_or"] / _FACTOR
    return like(d / np.sqrt(d**2 + _imbalance(a, index)), index, log_or, n1, n2)


def r_to_or(r: Any, n1: Any = None, n2: Any = None, *, data: pd.DataFrame | None = None) -> Values:
    """Return the log odds ratio of a correlation, by way of the SMD.

    Parameters
    ----------
    r : array-like or column of ``data``
        Correlations between -1 and 1.
    n1, n2, data
        As in :func:`smd_to_r`.

    Returns
    -------
    float, Series or ndarray
        Natural logarithms of odds ratios, of the same sign.

    Notes
    -----
    :func:`r_to_smd`, then :func:`smd_to_or`.

    Examples
    --------
    >>> from acuevidence import effects
    >>> round(effects.r_to_or(0.2425), 3)
    0.907
    """
    return r_to_smd(r, n1, n2, data=data) * _FACTOR


def _imbalance(a: dict[str, np.ndarray], index: pd.Index) -> np.ndarray:
    if ("n1" in a) != ("n2" in a):
        raise InputError(f"{'n2' if 'n1' in a else 'n1'} is missing: give both n1 and n2, or neither for equal groups")
    if "n1" not in a:
        return np.full(len(index), 4.0)
    for name in ("n1", "n2"):
        refuse(a[name] < 1, f"{name} must be 1 or more", a[name], index)
    return (a["n1"] + a["n2"]) ** 2 / (a["n1"] * a["n2"])


def smd_to_points(yi: Any, sd: Any, *, data: pd.DataFrame | None = None) -> Values:
    """Return an SMD in points of a scale with a typical standard deviation: ``SMD * sd``.

    Parameters
    ----------
    yi : array-like or column of ``data``
        SMD.
    sd : array-like or column of ``data``
        Standard deviation between patients on the scale, positive; of 0-100 pain scales see :func:`acuevidence.questions.typical_sd`.
    data : DataFrame, optional

    Returns
    -------
    float, Series or ndarray
        Points, of the same sign.

    Raises
    ------
    InputError
        For an SD that is not positive.

    Notes
    -----
    Cochrane Handbook 15.5.3.2.

    Examples
    --------
    >>> from acuevidence import effects
    >>> effects.smd_to_points(0.5, 20)
    10.0
    """
    a, index = numeric(data, yi=yi, sd=sd)
    refuse(a["sd"] <= 0, "sd must be positive", a["sd"], index)
    return like(a["yi"] * a["sd"], index, yi, sd)


def responders_per_100(yi: Any, control_risk: Any, *, data: pd.DataFrame | None = None) -> Values:
    """Return the responders per 100 patients that an SMD leads one to expect with treatment.

    Parameters
    ----------
    yi : array-like or column of ``data``
        SMD, positive favours treatment.
    control_risk : array-like or column of ``data``
        Share of responders without it, between 0 and 1.
    data : DataFrame, optional

    Returns
    -------
    float, Series or ndarray
        ``100 Phi(Phi^-1(control_risk) + SMD)``.

    Raises
    ------
    InputError
        For a risk of 0, 1 or beyond.

    Notes
    -----
    Normal outcomes shifted by the SMD past a fixed threshold of response (Furukawa and Leucht 2011, PLoS ONE).

    Examples
    --------
    >>> from acuevidence import effects
    >>> round(effects.responders_per_100(0.5, 0.3), 1)
    49.0
    """
    a, index = numeric(data, yi=yi, control_risk=control_risk)
    share(a["control_risk"], "control_risk", index)
    return like(100 * ndtr(ndtri(a["control_risk"]) + a["yi"]), index, yi, control_risk)


def smd_to_nnt(yi: Any, control_risk: Any, *, data: pd.DataFrame | None = None) -> Values:
    """Return the number needed to treat for one more responder.

    Parameters
    ----------
    yi : array-like or column of ``data``
        SMD; negative values give a negative number: to harm.
    control_risk : array-like or column of ``data``
        Share of responders without treatment, between 0 and 1.
    data : DataFrame, optional

    Returns
    -------
    float, Series or ndarray
        ``1 / (Phi(Phi^-1(control_risk) + SMD) - control_risk)``.

    Raises
    ------
    InputError
        For an SMD too small to yield one more responder (of zero), or a risk of 0, 1 or beyond.

    Notes
    -----
    Furukawa and Leucht (2011, PLoS ONE).

    Examples
    --------
    >>> from acuevidence import effects
    >>> round(effects.smd_to_nnt(0.5, 0.3), 1)
    5.3
    """
    a, index = numeric(data, yi=yi, control_risk=control_risk)
    share(a["control_risk"], "control_risk", index)
    gain = ndtr(ndtri(a["control_risk"]) + a["yi"]) - a["control_risk"]
    refuse((a["yi"] == 0) | (gain == 0), "yi is zero: no number of patients yields one more responder", a["yi"], index)
    return like(1 / gain, index, yi, control_risk)


def back_transform(yi: Any | None, measure: str, *, n: Any = None, data: pd.DataFrame | None = None) -> Values:
    """Return effects, or limits of their intervals, on their natural scale.

    Parameters
    ----------
    yi : array-like or column of ``data``
        Effects as :func:`effect_size` gives them. A missing one (the limit of a prediction interval of two trials) stays missing.
    measure : str
        One of :data:`MEASURES`. Ratios and logarithms (PLN IRLN MNLN SDLN CVLN) give ``exp(yi)``; PLO the inverse logit; PAS
        ``sin(yi)^2``; IRS ``yi^2``; ZCOR and ZPCOR ``tanh(yi)``; PFT and IRFT the inverse of Freeman and Tukey's transformations
        (Miller 1978, The American Statistician).
    n : float, array-like or column of ``data``, optional
        For PFT the sample sizes behind yi, for IRFT the person-time, of any number; their harmonic mean is used. A trial's own
        yi takes its own n.
    data : DataFrame, optional

    Returns
    -------
    float, Series or ndarray
        Ratios, proportions, rates or correlations; effects of the other measures unchanged.

    Raises
    ------
    InputError
        For an unknown measure, or PFT and IRFT without n, or with n below 1 (PFT) or not positive.

    Notes
    -----
    PFT, with m the harmonic mean of n, s = sin(2y): ``(1 - sign(cos 2y) sqrt(1 - (s + (s - 1/s) / m)^2)) / 2``; 0 and 1 beyond
    the transforms of 0 and m events out of m.

    Examples
    --------
    >>> from acuevidence import effects
    >>> effects.back_transform(0.0, "OR")
    1.0
    """
    back = MEASURES[choice("measure", measure, MEASURES)].back
    a, index = numeric(data, missing=True, yi=np.nan if yi is None else yi)
    y = a["yi"]
    if back is not None:
        y = back(y)
    elif measure in ("PFT", "IRFT"):
        if n is None:
            raise InputError(f"measure {measure!r} needs n, the {'sample sizes' if measure == 'PFT' else 'person-time'} behind yi")
        sizes, places = numeric(data, n=n)
        if measure == "PFT":
            refuse(sizes["n"] < 1, "n must be 1 or more", sizes["n"], places)
        refuse(sizes["n"] <= 0, "n must be positive", sizes["n"], places)
        y = (inverse_freeman_tukey if measure == "PFT" else inverse_root_rate)(y, len(places) / (1 / sizes["n"]).sum())
    return like(y, index, yi)


guard(
    __name__,
    "back_transform",
    "or_to_smd",
    "smd_to_or",
    "smd_to_r",
    "r_to_smd",
    "or_to_r",
    "r_to_or",
    "smd_to_points",
    "responders_per_100",
    "smd_to_nnt",
    "back_transform",
)
