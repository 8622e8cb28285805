"""Two groups of counts, or matched pairs: ratios and differences of risks and odds."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from acuevidence.effects.checks import counts, known_vtype, where_to_add
from acuevidence.inputs import refuse

__all__ = ["matched_pairs", "two_counts"]

Array = np.ndarray


def two_counts(
    measure: str, a: dict[str, Array], index: pd.Index, *, vtype: str, add: float, to: str, drop_empty: bool, **_: Any
) -> tuple[Array, Array]:
    """Return yi and vi of a measure of two groups of counts.

    RR OR RD AS PETO OR2D, of ``events1, n1, events2, n2``; group 1 minus group 2. Formulas and continuity corrections as in
    metafor's escalc; see ``docs/effect_sizes.md``.
    """
    counts(a["events1"], a["n1"], ("events1", "n1"), index)
    counts(a["events2"], a["n2"], ("events2", "n2"), index)
    known_vtype(measure, vtype, {"RD": "LS UB AV"})
    for name in ("n1", "n2") if vtype == "UB" else ():
        refuse(a[name] < 2, f"{name} must be 2 or more for vtype 'UB'", a[name], index)
    e1, e2 = a["events1"].copy(), a["events2"].copy()
    f1, f2 = a["n1"] - e1, a["n2"] - e2
    nothing = ((e1 == 0) & (e2 == 0)) | ((f1 == 0) & (f2 == 0))
    # The arcsine is defined at 0 and 1: nothing is added unless for all trials.
    to = "none" if measure == "AS" and to == "only0" else to
    more = where_to_add((e1 == 0) | (e2 == 0) | (f1 == 0) | (f2 == 0), to) * add
    e1, f1, e2, f2 = e1 + more, f1 + more, e2 + more, f2 + more
    with np.errstate(divide="ignore", invalid="ignore"):
        yi, vi = _MEASURES[measure](e1, f1, e2, f2, vtype)
    if drop_empty:
        yi, vi = np.where(nothing, np.nan, yi), np.where(nothing, np.nan, vi)
    return yi, vi


def _or(e1: Array, f1: Array, e2: Array, f2: Array, vtype: str) -> tuple[Array, Array]:
    return np.log(e1) - np.log(f1) - np.log(e2) + np.log(f2), 1 / e1 + 1 / f1 + 1 / e2 + 1 / f2


def _or2d(e1: Array, f1: Array, e2: Array, f2: Array, vtype: str) -> tuple[Array, Array]:
    """Cox and Snell's logistic conversion (Chinn 2000, Statistics in Medicine)."""
    yi, vi = _or(e1, f1, e2, f2, vtype)
    return yi * np.sqrt(3) / np.pi, vi * 3 / np.pi**2


def _rr(e1: Array, f1: Array, e2: Array, f2: Array, vtype: str) -> tuple[Array, Array]:
    n1, n2 = e1 + f1, e2 + f2
    return np.log(e1 / n1) - np.log(e2 / n2), 1 / e1 - 1 / n1 + 1 / e2 - 1 / n2


def _rd(e1: Array, f1: Array, e2: Array, f2: Array, vtype: str) -> tuple[Array, Array]:
    n1, n2 = e1 + f1, e2 + f2
    p1, p2 = e1 / n1, e2 / n2
    if vtype == "AV":
        m1, m2 = (n1 @ p1) / n1.sum(), (n2 @ p2) / n2.sum()
        return p1 - p2, m1 * (1 - m1) / n1 + m2 * (1 - m2) / n2
    less = 1 if vtype == "UB" else 0
    return p1 - p2, p1 * (1 - p1) / (n1 - less) + p2 * (1 - p2) / (n2 - less)


def _as(e1: Array, f1: Array, e2: Array, f2: Array, vtype: str) -> tuple[Array, Array]:
    n1, n2 = e1 + f1, e2 + f2
    return np.arcsin(np.sqrt(e1 / n1)) - np.arcsin(np.sqrt(e2 / n2)), 1 / (4 * n1) + 1 / (4 * n2)


def _peto(e1: Array, f1: Array, e2: Array, f2: Array, vtype: str) -> tuple[Array, Array]:
    """Observed minus expected over the hypergeometric variance (Yusuf et al 1985)."""
    n1, n2 = e1 + f1, e2 + f2
    n = n1 + n2
    v = (e1 + e2) * (f1 + f2) * (n1 / n) * (n2 / n) / (n - 1)
    return (e1 - (e1 + e2) * n1 / n) / v, 1 / v


_MEASURES = {"OR": _or, "OR2D": _or2d, "RR": _rr, "RD": _rd, "AS": _as, "PETO": _peto}


def matched_pairs(
    measure: str, a: dict[str, Array], index: pd.Index, *, vtype: str, add: float, to: str, drop_empty: bool, **_: Any
) -> tuple[Array, Array]:
    """Return yi and vi of a measure of matched pairs, or of the same people under two treatments.

    MPRD MPRR MPOR MPORC MPPETO, of ``both, only1, only2, neither``; side 1 minus side 2. Formulas as in metafor's escalc
    (Becker and Balagtas 1993; Curtin et al 2002; Zou 2007); see ``docs/effect_sizes.md``.
    """
    known_vtype(measure, vtype, {})
    for name in ("both", "only1", "only2", "neither"):
        refuse(a[name] < 0, f"{name} must not be negative", a[name], index)
    cells = np.stack([a["both"], a["only1"], a["only2"], a["neither"]])
    refuse(cells.sum(axis=0) == 0, "there is no pair", a["both"], index)
    nothing = (cells[:3].sum(axis=0) == 0) | (cells[1:].sum(axis=0) == 0)
    both, one, two, neither = cells + where_to_add((cells == 0).any(axis=0), to) * add
    n = both + one + two + neither
    with np.errstate(divide="ignore", invalid="ignore"):
        if measure == "MPORC":
            yi, vi = np.log(one) - np.log(two), 1 / one + 1 / two
        elif measure == "MPPETO":
            yi, vi = 2 * (one - two) / (one + two), 4 / (one + two)
        else:
            yi, vi = _marginal(measure, (both + one) / n, (both + two) / n, one / n, two / n, n)
    return (np.where(nothing, np.nan, yi), np.where(nothing, np.nan, vi)) if drop_empty else (yi, vi)


def _marginal(measure: str, p1: Array, p2: Array, one: Array, two: Array, n: Array) -> tuple[Array, Array]:
    """Compare the risks of both sides; ``one`` and ``two`` are the shares of pairs that differ."""
    spread = one + two - (one - two) ** 2
    if measure == "MPRD":
        return p1 - p2, spread / n
    if measure == "MPRR":
        return np.log(p1 / p2), (one + two) / (n * p1 * p2)
    return np.log(p1 / (1 - p1)) - np.log(p2 / (1 - p2)), spread / (n * p1 * (1 - p1) * p2 * (1 - p2))
