"""Names beside points: placed where they meet neither each other nor the edge."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from acuevidence.plots.style import text_width

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["fitting", "keep_apart", "leading", "wrapped"]

_PLACES = [("left", "center", 5, 0), ("right", "center", -5, 0), ("center", "bottom", 0, 5), ("center", "top", 0, -5)]
_RINGS = (1.0, 2.2, 3.6, 5.4, 7.5)


def leading(order: Any, n: int) -> list[int]:
    """Return the places of the n largest finite values, the largest first."""
    numbers = np.nan_to_num(np.asarray(order, dtype=float), nan=-np.inf)
    return [int(i) for i in np.argsort(-numbers, kind="stable")[: max(n, 0)]]


def keep_apart(ax: Axes, x: Iterable[float], y: Iterable[float], names: Sequence[str]) -> None:
    """Write names beside points; a name farther off is joined to its point by a thin line, one without a free place is left out."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    figure = ax.figure
    renderer = FigureCanvasAgg(figure).get_renderer()  # type: ignore[arg-type]
    figure.draw_without_rendering()  # type: ignore[union-attr]
    taken: list[Any] = [text.get_window_extent(renderer) for text in ax.texts if text.get_text()]
    inside = ax.get_window_extent(renderer)
    for px, py, name in zip(x, y, names, strict=True):
        text = ax.annotate(name, (px, py), xytext=(5, 0), textcoords="offset points", fontsize="small", va="center")
        for ring, (ha, va, dx, dy) in itertools.product(_RINGS, _PLACES):
            text.set(ha=ha, va=va)
            text.set_position((dx * ring, dy * ring))
            box = text.get_window_extent(renderer)
            within = box.x0 >= inside.x0 and box.x1 <= inside.x1 and box.y0 >= inside.y0 and box.y1 <= inside.y1
            if within and not any(box.overlaps(other) for other in taken):
                taken.append(box)
                break
        else:
            text.remove()
            continue
        if ring > 1:
            ax.annotate("", (px, py), xytext=text.get_position(), textcoords="offset points",
                        arrowprops={"arrowstyle": "-", "linewidth": 0.4, "color": "0.6", "shrinkA": 0, "shrinkB": 2})  # fmt: skip


def wrapped(text: str, room: float, size: float) -> str:
    """Break a text at its spaces so that its lines fit into so many points where words allow."""
    lines: list[str] = []
    for word in text.split():
        longer = f"{lines[-1]} {word}" if lines else word
        if lines and text_width(longer, size) <= room:
            lines[-1] = longer
        else:
            lines.append(word)
    return "\n".join(lines)


def fitting(text: str, room: float, size: float) -> float:
    """Return the type size, at most the one given, at which the longest line fits into so many points."""
    return min(size, size * room / max(text_width(text, size), 1e-9))
