"""Where an interval lies beside no effect and beside the smallest effect that matters: the states that verdicts are made of.

The interval decides, not the point.
"""

from __future__ import annotations

from collections.abc import Iterable

__all__ = ["BENEFITS", "STATES", "excludes", "spanning", "state_of"]

# Of benefits the firmest first; then what shows none.
BENEFITS = ("important", "benefit, importance uncertain", "benefit", "small")
STATES = (*BENEFITS, "no important effect", "no difference shown", "cannot tell", "harm")


def state_of(low: float, high: float, threshold: float | None = None, *, sided: bool = True) -> str:
    """Return the state of an effect whose interval is given.

    Parameters
    ----------
    low, high : float
        Limits of the interval; positive values favour the treatment.
    threshold : float, optional
        Smallest important difference, positive, in the same unit. Default: none is known.
    sided : bool
        Whether it is known that positive values favour the treatment.

    Returns
    -------
    str
        ``harm`` (below 0); with a threshold T ``important`` (at or above T), ``benefit, importance uncertain`` (above 0, contains
        T), ``small`` (above 0, below T), ``no important effect`` (contains 0, inside -T to T) or ``cannot tell``; without one
        ``benefit`` or ``no difference shown``. Where no side is known ``difference`` stands for harm and benefit.

    Examples
    --------
    >>> state_of(0.07, 0.38, 0.75), state_of(0.35, 0.94, 0.37), state_of(-0.1, 0.3, 0.5), state_of(-0.1, 0.3)
    ('small', 'benefit, importance uncertain', 'no important effect', 'no difference shown')
    """
    if not sided:
        return "no difference shown" if low <= 0 <= high else "difference"
    if high < 0:
        return "harm"
    if threshold is None:
        return "benefit" if low > 0 else "no difference shown"
    if low > 0:
        return "important" if low >= threshold else "small" if high < threshold else "benefit, importance uncertain"
    return "no important effect" if -threshold < low and high < threshold else "cannot tell"


def spanning(intervals: Iterable[tuple[float, float]], threshold: float | None = None, *, sided: bool = True) -> str:
    """Return the state of the interval that spans several: it is never firmer than that of any of them.

    Parameters
    ----------
    intervals : iterable of (low, high)
        Intervals of one effect by several methods, or of several trials.
    threshold, sided : float, bool
        As in :func:`state_of`.

    Examples
    --------
    >>> spanning([(0.6, 0.9), (0.1, 0.4)], 0.5)
    'benefit, importance uncertain'
    """
    lows, highs = zip(*intervals, strict=True)
    return state_of(min(lows), max(highs), threshold, sided=sided)


def excludes(high: float, size: float = 0.5) -> bool:
    """Return whether an interval shows that the effect is smaller than a size, whatever threshold is known.

    Parameters
    ----------
    high : float
        Upper limit.
    size : float
        The size.

    Examples
    --------
    >>> excludes(0.38), excludes(0.62)
    (True, False)
    """
    return high < size
