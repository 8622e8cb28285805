"""The effect axis: what the effect is called, round ticks where it is a ratio, and whether its sign has a side."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd

from acuevidence.errors import InputError
from acuevidence.inputs import brief

__all__ = ["RATIOS", "decimals", "effect_name", "ratio_ticks", "ratio_values", "sided", "sides", "span"]

RATIOS = ("OR", "RR", "IRR", "HR", "ROM", "PETO", "VR", "CVR")
_SERIES = tuple(m * 10.0**e for e in range(-6, 7) for m in (1, 2, 5))


def effect_name(result: Any, effect: str | None = None) -> str:
    """Return the name given, else the one that all rows of the result's data (or of the frame) share, else nothing."""
    if effect is not None:
        return effect
    data = result if isinstance(result, pd.DataFrame) else getattr(result, "data", None)
    names = [] if data is None or "effect" not in data else data["effect"].dropna().unique()
    return str(names[0]) if len(names) == 1 else ""


def ratio_ticks(axis: Any, effect: str) -> None:
    """Write the ticks of an axis of log ratios as ratios, where the effect is one; its limits stay."""
    if effect not in RATIOS:
        return
    low, high = sorted(axis.get_view_interval())
    ticks = ratio_values(low, high)
    axis.set_ticks(np.log(ticks), [f"{tick:.3g}" for tick in ticks])
    axis.set_view_interval(low, high, ignore=True)


def ratio_values(low: float, high: float, many: int = 9) -> list[float]:
    """Return ratios to mark between two log ratios: 1, 2, 5 and their tenfolds; finer where fewer than three of them fit."""
    inside = [tick for tick in _SERIES if low <= math.log(tick) <= high]
    if len(inside) > min(many, 9):
        inside = [tick for tick in inside if round(math.log10(tick), 6) == round(math.log10(tick))]
    if len(inside) >= 3:
        return inside
    from matplotlib.ticker import MaxNLocator

    found = MaxNLocator(min(many, 6), steps=[1, 2, 2.5, 5, 10]).tick_values(math.exp(low), math.exp(high))
    return [round(float(tick), 10) for tick in found if tick > 0 and low <= math.log(tick) <= high]


def sided(result: Any) -> bool:
    """Whether positive effects favour acupuncture: those of the package's trials, turned when they were chosen."""
    data = result if isinstance(result, pd.DataFrame) else getattr(result, "data", None)
    return data is not None and {"comparator", "derivation"} <= set(data) and "higher_is" not in data


def sides(data: pd.DataFrame, events: bool) -> tuple[tuple[str, str], str]:
    """Return the words for both sides of the null, and what a caption says of them; no more than the data say of themselves."""
    if sided(data):
        first, second = "acupuncture", "comparator"
    else:
        first, second = "group 1", "group 2"
    if events:
        in_ = "with" if sided(data) else "in"
        words = f"More events {in_} {second}", f"More events {in_} {first}"
        return words, f", more events {in_} {first} on the right"
    if sided(data) or "higher_is" in data:
        return (f"Favours {second}", f"Favours {first}"), f", positive values favour {first}"
    return ("Lower", "Higher"), ""


def span(limits: Any, name: str = "limits") -> tuple[float, float]:
    """Return the ends of an axis as given.

    Raises
    ------
    InputError
        If they are not two numbers, the smaller first.
    """
    try:
        low, high = (float(end) for end in limits)
    except (TypeError, ValueError):
        raise InputError(f"{name} must be two numbers, the smaller first, not {brief(limits)}") from None
    if not low < high or not math.isfinite(high - low):
        raise InputError(f"{name} must be two numbers, the smaller first, not {brief(limits)}")
    return low, high


def decimals(low: Any, high: Any, effect: str, ratio: bool) -> int:
    """Return how many decimals tell intervals apart: two, more where they are narrower, fewer on a scale of large numbers."""
    half = (np.asarray(high, dtype=float) - np.asarray(low, dtype=float)) / 2
    half = half[np.isfinite(half) & (half > 0)]
    if ratio or not half.size:
        return 2
    typical = float(np.median(half))
    if typical > 1:
        unit = effect in ("SMD", "ZCOR", "COR", "lnOR", "lnRR", "Effect", "")
        return 2 if unit else max(0, math.ceil(math.log10(25 / typical)))
    return min(10, max(2, math.ceil(math.log10(3 / typical))))
