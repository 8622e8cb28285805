"""The effect axis: what the effect is called, round ticks where it is a ratio, and what its sides mean."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd

from acuevidence.effects.measures import RATIOS
from acuevidence.errors import InputError
from acuevidence.evidence.carried import direction_of
from acuevidence.inputs import brief
from acuevidence.topic import topic_of

__all__ = ["RATIOS", "decimals", "effect_name", "ratio_ticks", "ratio_values", "sides", "span"]

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


def sides(result: Any, events: bool = False) -> tuple[tuple[str, str], str]:
    """Return the words for both sides of no effect, and what a caption says of them; no more than the result carries.

    Parameters
    ----------
    result : result, mapping of results or DataFrame
        What is drawn.
    events : bool
        Whether its effects compare counts of events.
    """
    topic, direction = topic_of(result), "events" if events else direction_of(result)
    left, right = (side[:1].upper() + side[1:] for side in topic.sides(direction))
    said = {
        "benefit": f", positive values favour {topic.treatment.phrase}",
        "events": f", {right[:1].lower()}{right[1:]} on the right",
    }.get(direction or "", "")
    return (left, right), said


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
