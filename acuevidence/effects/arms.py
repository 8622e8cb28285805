"""Arms and designs: combining arms, splitting a shared one, changes, clusters, and crossover trials."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from acuevidence.arguments import guard
from acuevidence.effects.checks import Values, correlation, like, spreads
from acuevidence.errors import InputError
from acuevidence.inputs import numeric, refuse

__all__ = [
    "combine_arms",
    "correlation_of_change",
    "crossover_se",
    "crossover_smd",
    "design_effect",
    "sd_of_change",
    "sd_of_final",
    "split_arm",
]


def combine_arms(mean: Any, sd: Any, n: Any, *, data: pd.DataFrame | None = None) -> pd.Series:
    """Combine the arms of one trial into one, as if their participants had been one group.

    Parameters
    ----------
    mean, sd, n : array-like or columns of ``data``
        One value an arm, of one length.
    data : DataFrame, optional
        Where column names are looked up, one row an arm.

    Returns
    -------
    Series
        ``mean``, ``sd`` and ``n`` of the combined arm.

    Raises
    ------
    InputError
        For no arm, a missing value, a negative SD, n below 1, or fewer than 2 participants in all.

    Notes
    -----
    Cochrane Handbook, table 6.5.a, for any number of arms: ``sd^2 = (sum (n_i - 1) sd_i^2 + sum n_i (mean_i - mean)^2) / (N - 1)``.

    Examples
    --------
    >>> from acuevidence import effects
    >>> effects.combine_arms([10, 12], [2, 2], [50, 50]).round(3).tolist()
    [11.0, 2.229, 100.0]
    """
    a, index = numeric(data, mean=mean, sd=sd, n=n)
    if len(index) == 0:
        raise InputError("mean, sd and n are empty: give one value an arm")
    spreads(a, index, "sd")
    refuse(a["n"] < 1, "n must be 1 or more", a["n"], index)
    total = a["n"].sum()
    if total < 2:
        raise InputError(f"n must add up to 2 or more for a spread, not {total:g}")
    centre = (a["n"] @ a["mean"]) / total
    squares = (a["n"] - 1) @ a["sd"] ** 2 + a["n"] @ (a["mean"] - centre) ** 2
    return pd.Series({"mean": centre, "sd": np.sqrt(squares / (total - 1)), "n": total})


def split_arm(n: int, parts: int, events: int | None = None) -> pd.DataFrame:
    """Split an arm that several comparisons share, so that nobody is counted twice.

    Parameters
    ----------
    n : int
        Participants of the shared arm.
    parts : int
        Comparisons that share it.
    events : int, optional
        Events of the arm, split with it. Means and SDs stay as they are.

    Returns
    -------
    DataFrame
        One row a part: ``n`` (and ``events``), whole numbers that add up to the arm.

    Raises
    ------
    InputError
        For fewer participants than parts, more events than participants, or numbers that are not whole.

    Notes
    -----
    Cochrane Handbook 23.3.4. An approximation that ignores the covariance of the comparisons; ``vcalc`` takes it into account.

    Examples
    --------
    >>> from acuevidence import effects
    >>> effects.split_arm(75, 2)["n"].tolist()
    [38, 37]
    """
    for name, value in (("n", n), ("parts", parts), ("events", 0 if events is None else events)):
        if not np.isscalar(value) or isinstance(value, str) or float(value) != int(value):
            raise InputError(f"{name} must be a whole number, not {value!r}")
    n, parts = int(n), int(parts)
    if parts < 1 or n < parts:
        raise InputError(f"n={n} cannot be split over parts={parts}: every part needs a participant")
    sizes = np.full(parts, n // parts) + (np.arange(parts) < n % parts)
    frame = pd.DataFrame({"n": sizes})
    if events is not None:
        if not 0 <= events <= n:
            raise InputError(f"events must lie between 0 and n={n}, not {events}")
        ends = np.round(np.cumsum(sizes) * events / n).astype(int)
        frame["events"] = np.diff(ends, prepend=0)
    return frame


def sd_of_change(sd_pre: Any, sd_post: Any, r: Any, *, data: pd.DataFrame | None = None) -> Values:
    """Return the SD of changes from those before and after: ``sqrt(s1^2 + s2^2 - 2 r s1 s2)``.

    Parameters
    ----------
    sd_pre, sd_post : array-like or columns of ``data``
        SDs before and after.
    r : array-like or column of ``data``
        Their correlation, between -1 and 1, which the user states.
    data : DataFrame, optional

    Returns
    -------
    float, Series or ndarray
        SD of the changes.

    Raises
    ------
    InputError
        For a negative SD, or a correlation of -1, 1 or beyond.

    Notes
    -----
    Cochrane Handbook 6.5.2.8.

    Examples
    --------
    >>> from acuevidence import effects
    >>> effects.sd_of_change(3.0, 4.0, 0.0)
    5.0
    """
    a, index = numeric(data, sd_pre=sd_pre, sd_post=sd_post, r=r)
    spreads(a, index, "sd_pre", "sd_post")
    correlation(a["r"], index)
    return like(_of_difference(a["sd_pre"], a["sd_post"], a["r"]), index, sd_pre, sd_post, r)


def _of_difference(s1: np.ndarray, s2: np.ndarray, r: np.ndarray) -> np.ndarray:
    """Return the SD of a difference, written as a sum of two terms that cannot fall below zero by rounding."""
    return np.sqrt((s1 - s2) ** 2 + 2 * (1 - r) * s1 * s2)


def sd_of_final(sd_change: Any, r: Any, *, data: pd.DataFrame | None = None) -> Values:
    """Return the SD of final scores from that of changes: ``sd_change / sqrt(2 (1 - r))``.

    Parameters
    ----------
    sd_change : array-like or column of ``data``
        SD of the changes from baseline.
    r : array-like or column of ``data``
        Correlation of the scores before and after, between -1 and 1, which the user states.
    data : DataFrame, optional

    Returns
    -------
    float, Series or ndarray
        SD of the final scores, so that an SMD of changes can stand beside SMDs of final scores.

    Raises
    ------
    InputError
        For a negative SD, or a correlation of -1, 1 or beyond.

    Notes
    -----
    The inverse of :func:`sd_of_change` where the SDs before and after are one (Morris and DeShon 2002, Psychological Methods, equation 12).

    Examples
    --------
    >>> from acuevidence import effects
    >>> effects.sd_of_final(20.0, 0.5)
    20.0
    """
    a, index = numeric(data, sd_change=sd_change, r=r)
    spreads(a, index, "sd_change")
    correlation(a["r"], index)
    return like(a["sd_change"] / np.sqrt(2 * (1 - a["r"])), index, sd_change, r)


def correlation_of_change(sd_pre: Any, sd_post: Any, sd_change: Any, *, data: pd.DataFrame | None = None) -> Values:
    """Return the correlation of scores before and after behind three printed SDs: ``(s1^2 + s2^2 - s_change^2) / (2 s1 s2)``.

    Parameters
    ----------
    sd_pre, sd_post, sd_change : array-like or columns of ``data``
        SDs before, after, and of the changes.
    data : DataFrame, optional

    Returns
    -------
    float, Series or ndarray
        Correlations, to be stated where other trials of the kind print two of the three SDs.

    Raises
    ------
    InputError
        For SDs before or after that are not positive, a negative SD of changes, or SDs that no correlation can bring about.

    Notes
    -----
    Cochrane Handbook 6.5.2.8.

    Examples
    --------
    >>> from acuevidence import effects
    >>> effects.correlation_of_change(3.0, 4.0, 5.0)
    0.0
    """
    a, index = numeric(data, sd_pre=sd_pre, sd_post=sd_post, sd_change=sd_change)
    for name in ("sd_pre", "sd_post"):
        refuse(a[name] <= 0, f"{name} must be positive", a[name], index)
    spreads(a, index, "sd_change")
    s1, s2, s3 = a["sd_pre"], a["sd_post"], a["sd_change"]
    r = (s1**2 + s2**2 - s3**2) / (2 * s1 * s2)
    refuse(np.abs(r) > 1, "sd_change fits no correlation of sd_pre and sd_post", s3, index)
    return like(r, index, sd_pre, sd_post, sd_change)


def design_effect(cluster_size: Any, icc: Any, *, data: pd.DataFrame | None = None) -> Values:
    """Return the factor by which clusters inflate a variance: ``1 + (m - 1) ICC``.

    Parameters
    ----------
    cluster_size : array-like or column of ``data``
        Mean participants per cluster.
    icc : array-like or column of ``data``
        Intracluster correlation, within 0..1.
    data : DataFrame, optional

    Returns
    -------
    float, Series or ndarray
        Multiply vi by it where the trial was analysed as if patients had been randomised, or divide n and events by it.

    Raises
    ------
    InputError
        For a cluster below 1 or a correlation outside 0..1.

    Notes
    -----
    Cochrane Handbook 23.1.4.

    Examples
    --------
    >>> from acuevidence import effects
    >>> effects.design_effect(21, 0.05)
    2.0
    """
    a, index = numeric(data, cluster_size=cluster_size, icc=icc)
    refuse(a["cluster_size"] < 1, "cluster_size must be 1 or more", a["cluster_size"], index)
    refuse((a["icc"] < 0) | (a["icc"] > 1), "icc must lie within 0..1", a["icc"], index)
    return like(1 + (a["cluster_size"] - 1) * a["icc"], index, cluster_size, icc)


def crossover_se(sd1: Any, sd2: Any, n: Any, r: Any, *, data: pd.DataFrame | None = None) -> Values:
    """Return the standard error of the mean difference of a crossover trial: ``sqrt((s1^2 + s2^2 - 2 r s1 s2) / n)``.

    Parameters
    ----------
    sd1, sd2 : array-like or columns of ``data``
        SDs under both treatments.
    n : array-like or column of ``data``
        Participants who had both.
    r : array-like or column of ``data``
        Correlation of a participant's two outcomes, between -1 and 1, which the user states.
    data : DataFrame, optional

    Returns
    -------
    float, Series or ndarray
        The standard error, in units of the outcome.

    Raises
    ------
    InputError
        For n below 2, a negative SD, SDs both zero, or a correlation of -1, 1 or beyond.

    Notes
    -----
    Cochrane Handbook 23.2.7.

    Examples
    --------
    >>> from acuevidence import effects
    >>> effects.crossover_se(2.0, 2.0, 16, 0.5)
    0.5
    """
    a, index = numeric(data, sd1=sd1, sd2=sd2, n=n, r=r)
    _crossover(a, index)
    return like(_of_difference(a["sd1"], a["sd2"], a["r"]) / np.sqrt(a["n"]), index, sd1, sd2, n, r)


def crossover_smd(mean1: Any, sd1: Any, mean2: Any, sd2: Any, n: Any, r: Any, *, data: pd.DataFrame | None = None) -> pd.DataFrame:
    """Return the SMD of a crossover trial, on the scale of parallel groups.

    Parameters
    ----------
    mean1, sd1, mean2, sd2 : array-like or columns of ``data``
        Means and SDs under treatment (1) and comparator (2).
    n : array-like or column of ``data``
        Participants who had both.
    r : array-like or column of ``data``
        Correlation of a participant's two outcomes, between -1 and 1, which the user states.
    data : DataFrame, optional

    Returns
    -------
    DataFrame
        ``yi = (mean1 - mean2) / sqrt((s1^2 + s2^2) / 2)`` and ``vi = (1/n + yi^2 / (2 n)) 2 (1 - r)``, with the caller's index.

    Raises
    ------
    InputError
        As :func:`crossover_se`.

    Notes
    -----
    Cochrane Handbook 23.2.7.2 (Elbourne et al 2002, International Journal of Epidemiology).

    Examples
    --------
    >>> from acuevidence import effects
    >>> effects.crossover_smd(12.0, 4.0, 10.0, 4.0, 16, 0.5).round(4)
        yi      vi
    0  0.5  0.0703
    """
    a, index = numeric(data, mean1=mean1, sd1=sd1, mean2=mean2, sd2=sd2, n=n, r=r)
    _crossover(a, index)
    yi = (a["mean1"] - a["mean2"]) / np.sqrt((a["sd1"] ** 2 + a["sd2"] ** 2) / 2)
    vi = (1 / a["n"] + yi**2 / (2 * a["n"])) * 2 * (1 - a["r"])
    return pd.DataFrame({"yi": yi, "vi": vi}, index=index)


def _crossover(a: dict[str, np.ndarray], index: pd.Index) -> None:
    refuse(a["n"] < 2, "n must be 2 or more", a["n"], index)
    spreads(a, index, "sd1", "sd2")
    refuse((a["sd1"] == 0) & (a["sd2"] == 0), "sd1 and sd2 are both zero, which leaves no variance", a["sd1"], index)
    correlation(a["r"], index)


guard(
    __name__,
    "combine_arms",
    "split_arm",
    "sd_of_change",
    "sd_of_final",
    "correlation_of_change",
    "design_effect",
    "crossover_se",
    "crossover_smd",
)
