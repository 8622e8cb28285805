"""Numbers as text: no row of twenty digits, no zero with a sign, no effect of 0.000 in a small unit. Knows no result."""

from __future__ import annotations

import math
from collections.abc import Iterable

__all__ = ["base", "count", "decimals", "interval", "number", "p", "percent", "series"]

_RATIO = 1000.0  # beyond it a ratio tells no more than that it is very large
_LONG = 1e7
_FINE = 8  # decimals beyond which digits are counted instead


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


def series(names: Iterable[str]) -> str:
    """Return names as a series in a sentence.

    Parameters
    ----------
    names : iterable of str
        The names.

    Examples
    --------
    >>> series(["knee"]), series(["knee", "neck"]), series(["knee", "neck", "hip"])
    ('knee', 'knee and neck', 'knee, neck and hip')
    """
    *first, last = names
    return f"{', '.join(first)} and {last}" if first else last


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


def number(value: float, decimals: int = 2, *, ratio: bool = False) -> str:
    """Return a number with so many decimals.

    Parameters
    ----------
    value : float
        What is printed.
    decimals : int
        Decimals of usual numbers; those from ten million on, and all where more than eight are asked for, get three
        significant digits.
    ratio : bool
        Whether it is a ratio, of which only the order matters beyond 1000.

    Returns
    -------
    str
        The number as text.

    Examples
    --------
    >>> number(-0.004), number(2.25e21), number(2.25e21, ratio=True), number(12.345, 1), number(3.14159e-9, 10)
    ('0.00', '2.25e+21', '> 1000', '12.3', '3.14e-09')
    """
    if ratio and value > _RATIO:
        return "> 1000"
    if math.isfinite(value) and (abs(value) >= _LONG or decimals > _FINE):
        return f"{value:.3g}"
    text = f"{value:.{decimals}f}"
    return text[1:] if text.startswith("-") and not text.strip("-0.") else text


def decimals(size: float, least: int = 2) -> int:
    """Return how many decimals numbers of a scale need.

    Parameters
    ----------
    size : float
        What tells the scale: a standard error, or a variance; two digits of it are shown.
    least : int
        Decimals where fewer would do.

    Returns
    -------
    int
        Decimals for :func:`number`.

    Examples
    --------
    >>> decimals(0.12, 3), decimals(0.00012, 3), decimals(0.0, 3)
    (3, 5, 3)
    """
    if not 0 < size < math.inf:
        return least
    return max(least, 1 - math.floor(math.log10(size)))
