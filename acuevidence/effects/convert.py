"""From one effect to another, back from a transformed scale, and into words of the clinic."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.special import expit, ndtr, ndtri

from acuevidence.errors import InputError

__all__ = [
    "back_transform", "or_to_smd", "r_to_smd", "responders_per_100", "smd_to_nnt", "smd_to_or", "smd_to_points", "smd_to_r",
]  # fmt: skip

_FACTOR = np.pi / np.sqrt(3)


def or_to_smd(log_or: Any) -> Any:
    """Return the SMD of a log odds ratio, ``log OR * sqrt(3) / pi`` (Chinn 2000, Statistics in Medicine 19:3127-3131).

    Examples
    --------
    >>> round(float(or_to_smd(np.log(2.0))), 3)
    0.382
    """
    return np.asarray(log_or, dtype=float) / _FACTOR


def smd_to_or(smd: Any) -> Any:
    """Return the log odds ratio of an SMD, ``SMD * pi / sqrt(3)``.

    Examples
    --------
    >>> round(float(np.exp(smd_to_or(0.5))), 2)
    2.48
    """
    return np.asarray(smd, dtype=float) * _FACTOR


def smd_to_r(smd: Any, n1: Any, n2: Any) -> Any:
    """Return the point-biserial correlation of an SMD, ``d / sqrt(d^2 + (n1 + n2)^2 / (n1 n2))`` (Borenstein et al 2009).

    Examples
    --------
    >>> round(float(smd_to_r(0.5, 50, 50)), 3)
    0.243
    """
    d, n1, n2 = (np.asarray(x, dtype=float) for x in (smd, n1, n2))
    return d / np.sqrt(d**2 + (n1 + n2) ** 2 / (n1 * n2))


def r_to_smd(r: Any) -> Any:
    """Return the SMD of a correlation, ``2 r / sqrt(1 - r^2)``.

    Raises
    ------
    InputError
        For a correlation of -1, 1 or beyond.

    Examples
    --------
    >>> round(float(r_to_smd(0.243)), 2)
    0.5
    """
    r = np.asarray(r, dtype=float)
    if (np.abs(r) >= 1).any():
        raise InputError("r must lie between -1 and 1")
    return 2 * r / np.sqrt(1 - r**2)


def smd_to_points(yi: Any, sd: Any) -> Any:
    """Return an SMD in points of a scale with a typical standard deviation, ``SMD * sd`` (Cochrane Handbook 15.5.3.2).

    Parameters
    ----------
    yi : float or array-like
        SMD.
    sd : float or array-like
        Standard deviation between patients on the scale, positive.

    Returns
    -------
    float or ndarray
        Points.

    Raises
    ------
    InputError
        For an SD that is not positive.

    Examples
    --------
    >>> float(smd_to_points(0.5, 20))
    10.0
    """
    if not (np.asarray(sd) > 0).all():
        raise InputError(f"sd must be positive, not {sd!r}")
    return np.asarray(yi, dtype=float) * np.asarray(sd, dtype=float)


def responders_per_100(yi: Any, control_risk: float) -> Any:
    """Return the responders per 100 patients that an SMD leads one to expect with treatment.

    Parameters
    ----------
    yi : float or array-like
        SMD, positive favours treatment.
    control_risk : float
        Share of responders without it, in 0..1.

    Returns
    -------
    float or ndarray
        ``100 Phi(Phi^-1(control_risk) + SMD)``: normal outcomes shifted by the SMD (Furukawa and Leucht 2011, PLoS ONE 6:e19070).

    Raises
    ------
    InputError
        For a risk of 0, 1 or beyond.

    Examples
    --------
    >>> round(float(responders_per_100(0.5, 0.3)), 1)
    49.0
    """
    if not 0 < control_risk < 1:
        raise InputError(f"control_risk must lie between 0 and 1, not {control_risk!r}")
    return 100 * ndtr(ndtri(control_risk) + np.asarray(yi, dtype=float))


def smd_to_nnt(yi: Any, control_risk: float) -> Any:
    """Return the number needed to treat for one more responder (Furukawa and Leucht 2011, PLoS ONE 6:e19070).

    Parameters
    ----------
    yi : float or array-like
        SMD; negative values give a negative number: to harm.
    control_risk : float
        Share of responders without treatment, in 0..1.

    Returns
    -------
    float or ndarray
        ``1 / (Phi(Phi^-1(control_risk) + SMD) - control_risk)``.

    Raises
    ------
    InputError
        For an SMD of zero, which needs infinitely many, or an impossible risk.

    Examples
    --------
    >>> round(float(smd_to_nnt(0.5, 0.3)), 1)
    5.3
    """
    if (np.asarray(yi) == 0).any():
        raise InputError("yi is zero: no number of patients yields one more responder")
    return 1 / (responders_per_100(yi, control_risk) / 100 - control_risk)


def back_transform(yi: Any, measure: str, *, n: Any = None) -> Any:
    """Return effects on their natural scale.

    Parameters
    ----------
    yi : float or array-like
        Effects as ``effect_size`` gives them.
    measure : str
        Ratios give ``exp(yi)``; PLO the inverse logit; PAS ``sin(yi)^2``; PFT the inverse Freeman-Tukey (Miller 1978).
    n : array-like, optional
        Sample sizes behind a pooled PFT; their harmonic mean is used.

    Returns
    -------
    ndarray
        Ratios or proportions; other measures unchanged.

    Raises
    ------
    InputError
        For PFT without n.

    Examples
    --------
    >>> float(back_transform(0.0, "OR"))
    1.0
    """
    y = np.asarray(yi, dtype=float)
    if measure in ("RR", "OR", "PETO", "IRR", "ROM", "VR", "CVR", "D2OR"):
        return np.exp(y)
    if measure == "PLO":
        return expit(y)
    if measure == "PAS":
        return np.sin(np.clip(y, 0, np.pi / 2)) ** 2
    if measure != "PFT":
        return y
    if n is None:
        raise InputError("measure 'PFT' needs n, the sample sizes behind yi")
    sizes = np.atleast_1d(np.asarray(n, dtype=float))
    m = len(sizes) / (1 / sizes).sum()
    low, high = np.arcsin(np.sqrt(1 / (m + 1))) / 2, (np.arcsin(np.sqrt(m / (m + 1))) + np.pi / 2) / 2
    s = np.sin(2 * y)
    inside = 1 - (s + (s - 1 / s) / m) ** 2
    p = 0.5 * (1 - np.sign(np.cos(2 * y)) * np.sqrt(np.maximum(inside, 0)))
    return np.where(y < low, 0.0, np.where(y > high, 1.0, p))
