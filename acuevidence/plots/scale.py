"""The effect axis: what the effect is called, round ticks where it is a ratio, and whether its sign has a side."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

__all__ = ["RATIOS", "effect_name", "ratio_ticks", "sided"]

RATIOS = ("OR", "RR", "IRR", "HR", "ROM", "PETO", "VR", "CVR")
_TICKS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100)


def effect_name(result: Any, effect: str | None = None) -> str:
    """Return the name given, else the one that all rows of the result's data share, else nothing."""
    if effect is not None:
        return effect
    data = getattr(result, "data", None)
    names = [] if data is None or "effect" not in data else data["effect"].dropna().unique()
    return str(names[0]) if len(names) == 1 else ""


def ratio_ticks(axis: Any, effect: str) -> None:
    """Write the ticks of an axis of log ratios as ratios, where the effect is one; its limits stay."""
    if effect not in RATIOS:
        return
    low, high = sorted(axis.get_view_interval())
    ticks: Any = [tick for tick in _TICKS if low <= math.log(tick) <= high]
    if len(ticks) < 3:
        from matplotlib.ticker import MaxNLocator

        found = MaxNLocator(4).tick_values(math.exp(low), math.exp(high))
        ticks = [tick for tick in found if tick > 0 and low <= math.log(tick) <= high]
    axis.set_ticks(np.log(ticks), [f"{tick:.3g}" for tick in ticks])
    axis.set_view_interval(low, high, ignore=True)


def sided(result: Any) -> bool:
    """Whether positive effects favour acupuncture: those of trials against a comparator, turned when they were chosen."""
    data = getattr(result, "data", None)
    return data is not None and "comparator" in data
