"""From intervals, P values and test statistics to standard errors, and from standard errors to SDs."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from scipy.special import ndtri, stdtrit

from acuevidence.arguments import guard
from acuevidence.effects.checks import Values, like, share, spreads
from acuevidence.inputs import numeric, refuse

__all__ = ["from_ci", "from_f", "from_p", "from_t", "printed_ratio", "sd_from_ci", "sd_from_se"]


def from_ci(low: Any, high: Any, *, level: float = 0.95, log: bool = False, data: pd.DataFrame | None = None) -> pd.DataFrame:
    """Return the effect and variance behind a normal confidence interval.

    Parameters
    ----------
    low, high : array-like or columns of ``data``
        Limits.
    level : float
        Confidence level.
    log : bool
        The interval is that of a ratio; yi is on the log scale.
    data : DataFrame, optional

    Returns
    -------
    DataFrame
        ``yi``, the middle, and ``vi = ((high - low) / (2 z))^2``.

    Raises
    ------
    InputError
        For reversed limits, a level outside 0..1, or ratios that are not positive.

    Notes
    -----
    z is the normal quantile of the level (Cochrane Handbook 6.5.2.2; metafor's ``conv.wald``).

    Examples
    --------
    >>> from acuevidence import effects
    >>> effects.from_ci(0.104, 0.496).round(2)
        yi    vi
    0  0.3  0.01
    """
    a, index = numeric(data, low=low, high=high)
    refuse(a["high"] <= a["low"], "high must be above low", a["high"], index)
    if log:
        refuse(a["low"] <= 0, "low must be positive for a ratio", a["low"], index)
        a = {name: np.log(value) for name, value in a.items()}
    se = (a["high"] - a["low"]) / (2 * ndtri(0.5 + level / 2))
    return pd.DataFrame({"yi": (a["low"] + a["high"]) / 2, "vi": se**2}, index=index)


def from_p(yi: Any, p: Any, *, df: Any = None, data: pd.DataFrame | None = None) -> pd.DataFrame:
    """Return the variance behind an effect and its two-sided P value.

    Parameters
    ----------
    yi, p : array-like or columns of ``data``
        Effect and P value.
    df : array-like or column of ``data``, optional
        Degrees of freedom of the t test. Default: a normal test.
    data : DataFrame, optional

    Returns
    -------
    DataFrame
        ``yi`` and ``vi = (yi / quantile)^2``.

    Raises
    ------
    InputError
        For P outside 0..1, or an effect of zero, whose P value tells nothing of its precision.

    Notes
    -----
    With ``df`` the P value is inverted by t (Cochrane Handbook 6.5.2.3). As ``P = 2 T_df(-|yi| / se)``, that gives back the
    standard error of a t test exactly. metafor's ``conv.wald`` knows Wald-type (normal) tests alone: its argument ``n`` is the
    sample size, "has no relevance for the calculations", and must not be taken for degrees of freedom. The normal quantile makes
    the variance of a t test too large: by 64 % where ``|t|`` = 10.7 with 77 degrees of freedom.

    Examples
    --------
    >>> from acuevidence import effects
    >>> effects.from_p(0.5, 0.0455).round(4)
        yi      vi
    0  0.5  0.0625
    """
    a, index = numeric(data, yi=yi, p=p, df=df)
    share(a["p"], "p", index)
    refuse(a["yi"] == 0, "yi is zero: its P value tells nothing of its precision", a["yi"], index)
    if "df" in a:
        refuse(a["df"] <= 0, "df must be positive", a["df"], index)
        quantile = -stdtrit(a["df"], a["p"] / 2)
    else:
        quantile = -ndtri(a["p"] / 2)
    return pd.DataFrame({"yi": a["yi"], "vi": (a["yi"] / quantile) ** 2}, index=index)


def from_t(yi: Any, t: Any, *, data: pd.DataFrame | None = None) -> pd.DataFrame:
    """Return the variance behind an effect and its t (or z) statistic: ``vi = (yi / t)^2``.

    Parameters
    ----------
    yi, t : array-like or columns of ``data``
        Effect and statistic; only the size of t counts.
    data : DataFrame, optional

    Returns
    -------
    DataFrame
        ``yi`` and ``vi``.

    Raises
    ------
    InputError
        For a statistic or an effect of zero.

    Notes
    -----
    By the definition of the statistic, ``t = yi / se`` (Cochrane Handbook 6.5.2.3).

    Examples
    --------
    >>> from acuevidence import effects
    >>> effects.from_t(0.5, 2.0)
        yi      vi
    0  0.5  0.0625
    """
    a, index = numeric(data, yi=yi, t=t)
    for name in ("yi", "t"):
        refuse(a[name] == 0, f"{name} is zero: the precision cannot be told", a[name], index)
    return pd.DataFrame({"yi": a["yi"], "vi": (a["yi"] / a["t"]) ** 2}, index=index)


def from_f(yi: Any, f: Any, *, data: pd.DataFrame | None = None) -> pd.DataFrame:
    """Return the variance behind an effect and its F statistic with one numerator degree of freedom: ``vi = yi^2 / F``.

    Parameters
    ----------
    yi, f : array-like or columns of ``data``
        Effect and statistic.
    data : DataFrame, optional

    Returns
    -------
    DataFrame
        ``yi`` and ``vi``.

    Notes
    -----
    With one numerator degree of freedom ``F = t^2``.

    Examples
    --------
    >>> from acuevidence import effects
    >>> effects.from_f(0.5, 4.0)
        yi      vi
    0  0.5  0.0625
    """
    a, index = numeric(data, yi=yi, f=f)
    refuse(a["f"] <= 0, "f must be positive", a["f"], index)
    return from_t(pd.Series(a["yi"], index=index), pd.Series(np.sqrt(a["f"]), index=index))


def sd_from_se(se: Any, n: Any, *, data: pd.DataFrame | None = None) -> Values:
    """Return ``sd = se sqrt(n)``.

    Parameters
    ----------
    se, n : array-like or columns of ``data``
        Standard error of one group's mean, and its participants.
    data : DataFrame, optional

    Returns
    -------
    float, Series or ndarray
        The standard deviation.

    Notes
    -----
    Cochrane Handbook 6.5.2.2.

    Examples
    --------
    >>> from acuevidence import effects
    >>> effects.sd_from_se(0.4, 100)
    4.0
    """
    a, index = numeric(data, se=se, n=n)
    spreads(a, index, "se")
    refuse(a["n"] < 2, "n must be 2 or more", a["n"], index)
    return like(a["se"] * np.sqrt(a["n"]), index, se, n)


def sd_from_ci(low: Any, high: Any, n: Any, level: float = 0.95, *, data: pd.DataFrame | None = None) -> Values:
    """Return the SD behind a confidence interval of one group's mean: ``sqrt(n) (high - low) / (2 t)``.

    Parameters
    ----------
    low, high, n : array-like or columns of ``data``
        Limits and participants.
    level : float
        Confidence level, 0.95 for 95 %.
    data : DataFrame, optional

    Returns
    -------
    float, Series or ndarray
        The standard deviation.

    Raises
    ------
    InputError
        For reversed limits, n below 2, or a level outside 0..1.

    Notes
    -----
    t has n - 1 degrees of freedom (Cochrane Handbook 6.5.2.2).

    Examples
    --------
    >>> from acuevidence import effects
    >>> round(effects.sd_from_ci(4.0, 6.0, 25), 2)
    2.42
    """
    a, index = numeric(data, low=low, high=high, n=n)
    refuse(a["high"] <= a["low"], "high must be above low", a["high"], index)
    refuse(a["n"] < 2, "n must be 2 or more", a["n"], index)
    sd = np.sqrt(a["n"]) * (a["high"] - a["low"]) / (2 * stdtrit(a["n"] - 1, 0.5 + level / 2))
    return like(sd, index, low, high, n)


def printed_ratio(
    measure: str, a: dict[str, np.ndarray], index: pd.Index, *, level: float, **_: Any
) -> tuple[np.ndarray, np.ndarray]:
    """Return the logarithm of a ratio printed with its limits, and the variance behind them.

    HR OR RR IRR, of ``ratio, ci_low, ci_high`` on the natural scale: ``yi = log ratio``, ``vi = ((log high - log low) / (2 z))^2``
    (Cochrane Handbook 6.3.2; metafor's ``conv.wald``).
    """
    for name in ("ratio", "ci_low", "ci_high"):
        refuse(a[name] <= 0, f"{name} must be positive, on the natural scale of the ratio", a[name], index)
    refuse(a["ci_high"] <= a["ci_low"], "ci_high must be above ci_low", a["ci_high"], index)
    outside = (a["ratio"] < a["ci_low"]) | (a["ratio"] > a["ci_high"])
    refuse(outside, "ratio must lie within ci_low and ci_high", a["ratio"], index)
    se = (np.log(a["ci_high"]) - np.log(a["ci_low"])) / (2 * ndtri(0.5 + level / 2))
    return np.log(a["ratio"]), se**2


guard(__name__, "from_ci", "from_p", "from_t", "from_f", "sd_from_se", "sd_from_ci")
