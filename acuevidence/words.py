"""Numbers as text: P values, estimates with their intervals, counts. Knows no result."""

from __future__ import annotations

import math

__all__ = ["base", "count", "interval", "p", "percent"]


def p(value: float, *, decimals: int = 3, leading_zero: bool = True, smallest: float = 0.001) -> str:
    """Return a P value as text.

    Parameters
    ----------
    value : float
        The P value.
    decimals : int
        Decimals; three up to 0.01 whatever is asked for, unless ``smallest`` is 0.01 or more.
    leading_zero : bool
        Whether a zero stands before the point.
    smallest : float
        Below it the text says so, as ``<0.001``.

    Returns
    -------
    str
        ``not estimable`` where there is none.

    Examples
    --------
    >>> p(0.02565), p(0.02565, decimals=2), p(0.0051, decimals=2), p(0.00002, leading_zero=False)
    ('0.026', '0.03', '0.005', '<.001')
    """
    if not math.isfinite(value):
        return "not estimable"
    shown = 3 if value <= 0.01 > smallest else decimals
    text = f"<{smallest:g}" if value < smallest else f"{value:.{shown}f}"
    return text if leading_zero else text.replace("0.", ".", 1)


def percent(level: float) -> str:
    """Return a level as text.

    Parameters
    ----------
    level : float
        Between 0 and 1.

    Returns
    -------
    str
        Percent, with the decimals it needs.

    Examples
    --------
    >>> percent(0.95), percent(0.999)
    ('95%', '99.9%')
    """
    return f"{100 * level:g}%"


def interval(estimate: float, low: float, high: float, decimals: int = 2) -> str:
    """Return an estimate with its interval as text.

    Parameters
    ----------
    estimate, low, high : float
        In the unit that is printed.
    decimals : int
        Decimals of all three.

    Returns
    -------
    str
        Estimate, and the limits in brackets.

    Examples
    --------
    >>> interval(0.25, 0.1, 0.404)
    '0.25 (0.10 to 0.40)'
    """
    return f"{estimate:.{decimals}f} ({low:.{decimals}f} to {high:.{decimals}f})"


def count(number: int, one: str, many: str | None = None) -> str:
    """Return a number of things as text.

    Parameters
    ----------
    number : int
        How many.
    one, many : str
        The word for one of them, and for several (default: with an s).

    Returns
    -------
    str
        Number and word.

    Examples
    --------
    >>> count(1, "trial"), count(1200, "trial"), count(2, "study", "studies")
    ('1 trial', '1,200 trials', '2 studies')
    """
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def base(verb: str) -> str:
    """Return the base form of a regular verb that is given in the third person.

    Parameters
    ----------
    verb : str
        As ``reduces``.

    Examples
    --------
    >>> base("reduces")
    'reduce'
    """
    return verb.removesuffix("s")
