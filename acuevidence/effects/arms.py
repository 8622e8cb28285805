"""Arms and designs: combining arms, splitting a shared one, changes, clusters, and crossover trials."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from acuevidence.errors import InputError
from acuevidence.inputs import numeric, refuse

__all__ = ["combine_arms", "crossover_se", "design_effect", "sd_of_change", "split_arm"]


def combine_arms(mean: Any, sd: Any, n: Any) -> pd.Series:
    """Combine the arms of one trial into one, as if their participants had been one group.

    Parameters
    ----------
    mean, sd, n : array-like
        One value an arm.

    Returns
    -------
    Series
        ``mean``, ``sd`` and ``n`` of the combined arm.

    Raises
    ------
    InputError
        For a negative SD or n below 1.

    Notes
    -----
    Cochrane Handbook, table 6.5.a, for any number of arms.

    Examples
    --------
    >>> from acuevidence import effects
    >>> effects.combine_arms([10, 12], [2, 2], [50, 50]).round(3).tolist()
    [11.0, 2.229, 100.0]
    """
    a, index = numeric(None, mean=mean, sd=sd, n=n)
    refuse(a["sd"] < 0, "sd must not be negative", a["sd"], index)
    refuse(a["n"] < 1, "n must be 1 or more", a["n"], index)
    total = a["n"].sum()
    centre = (a["n"] @ a["mean"]) / total
    squares = (a["n"] - 1) @ a["sd"] ** 2 + a["n"] @ (a["mean"] - centre) ** 2
    return pd.Series({"mean": centre, "sd": np.sqrt(squares / (total - 1)) if total > 1 else 0.0, "n": total})


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
        For fewer participants than parts, or more events than participants.

    Notes
    -----
    An approximation that ignores the covariance of the comparisons; ``vcalc`` takes it into account.

    Examples
    --------
    >>> from acuevidence import effects
    >>> effects.split_arm(75, 2)["n"].tolist()
    [38, 37]
    """
    if parts < 1 or n < parts:
        raise InputError(f"an arm of {n} cannot be split over {parts} comparisons")
    sizes = np.full(parts, n // parts) + (np.arange(parts) < n % parts)
    frame = pd.DataFrame({"n": sizes})
    if events is not None:
        if not 0 <= events <= n:
            raise InputError(f"events must lie between 0 and n={n}, not {events}")
        ends = np.round(np.cumsum(sizes) * events / n).astype(int)
        frame["events"] = np.diff(ends, prepend=0)
    return frame


def sd_of_change(sd_pre: Any, sd_post: Any, r: float) -> Any:
    """Return the SD of changes from those before and after: ``sqrt(s1^2 + s2^2 - 2 r s1 s2)``.

    Parameters
    ----------
    sd_pre, sd_post : float or array-like
        SDs before and after.
    r : float
        Their correlation, which the user states (Cochrane Handbook 6.5.2.8).

    Returns
    -------
    float or ndarray
        SD of the changes.

    Raises
    ------
    InputError
        For a negative SD or a correlation beyond -1..1.

    Examples
    --------
    >>> from acuevidence import effects
    >>> effects.sd_of_change(3.0, 4.0, 0.0)
    5.0
    """
    if not -1 <= r <= 1:
        raise InputError(f"r must lie between -1 and 1, not {r!r}")
    a, index = numeric(None, sd_pre=sd_pre, sd_post=sd_post)
    for name in ("sd_pre", "sd_post"):
        refuse(a[name] < 0, f"{name} must not be negative", a[name], index)
    sd = np.sqrt(a["sd_pre"] ** 2 + a["sd_post"] ** 2 - 2 * r * a["sd_pre"] * a["sd_post"])
    return float(sd[0]) if np.isscalar(sd_pre) and np.isscalar(sd_post) else sd


def design_effect(cluster_size: float, icc: float) -> float:
    """Return the factor by which clusters inflate a variance: ``1 + (m - 1) ICC`` (Cochrane Handbook 23.1.4).

    Parameters
    ----------
    cluster_size : float
        Mean participants per cluster.
    icc : float
        Intracluster correlation.

    Returns
    -------
    float
        Multiply vi by it, or divide n by it.

    Raises
    ------
    InputError
        For a cluster below 1 or a correlation outside 0..1.

    Examples
    --------
    >>> from acuevidence import effects
    >>> effects.design_effect(21, 0.05)
    2.0
    """
    if cluster_size < 1 or not 0 <= icc <= 1:
        raise InputError(f"cluster_size must be 1 or more and icc within 0..1, not {cluster_size!r} and {icc!r}")
    return 1 + (cluster_size - 1) * icc


def crossover_se(sd1: float, sd2: float, n: int, r: float) -> float:
    """Return the standard error of the mean difference of a crossover trial: ``sqrt((s1^2 + s2^2 - 2 r s1 s2) / n)``.

    Parameters
    ----------
    sd1, sd2 : float
        SDs under both treatments.
    n : int
        Participants who had both.
    r : float
        Correlation of a participant's two outcomes, which the user states (Cochrane Handbook 23.2.7).

    Returns
    -------
    float
        The standard error.

    Raises
    ------
    InputError
        For n below 2, a negative SD, or a correlation beyond -1..1.

    Examples
    --------
    >>> from acuevidence import effects
    >>> effects.crossover_se(2.0, 2.0, 16, 0.5)
    0.5
    """
    if n < 2:
        raise InputError(f"n must be 2 or more, not {n!r}")
    return float(sd_of_change(sd1, sd2, r)) / float(np.sqrt(n))
