"""Numbers as they are printed in tables and cells: no row of twenty digits, no zero with a sign."""

from __future__ import annotations

import math

__all__ = ["four", "number"]

_RATIO = 1000.0  # beyond it a ratio tells no more than that it is very large
_LONG = 1e7


def number(value: float, decimals: int = 2, *, ratio: bool = False) -> str:
    """Return a number with so many decimals.

    Parameters
    ----------
    value : float
        What is printed.
    decimals : int
        Decimals of usual numbers; those from ten million on get three significant digits.
    ratio : bool
        Whether it is a ratio, of which only the order matters beyond 1000.

    Returns
    -------
    str
        The number as text.

    Examples
    --------
    >>> number(-0.004), number(2.25e21), number(2.25e21, ratio=True), number(12.345, 1)
    ('0.00', '2.25e+21', '> 1000', '12.3')
    """
    if ratio and value > _RATIO:
        return "> 1000"
    if math.isfinite(value) and abs(value) >= _LONG:
        return f"{value:.3g}"
    text = f"{value:.{decimals}f}"
    return text[1:] if text.startswith("-") and not text.strip("-0.") else text


def four(value: float) -> str:
    """Return a number with four decimals, for tables.

    Parameters
    ----------
    value : float
        What is printed.

    Returns
    -------
    str
        The number as text.

    Examples
    --------
    >>> four(-0.00001)
    '0.0000'
    """
    return number(value, 4)
