"""Names beside points: placed where they meet neither each other nor the edge."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from acuevidence.plots.parts.style import text_width

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["columns_for", "fitting", "keep_apart", "leading", "legend_above", "points_wide", "wrapped"]

_PLACES = [
    ("left", "center", 5, 0),
    ("right", "center", -5, 0),
    ("center", "bottom", 0, 5),
    ("center", "top", 0, -5),
    ("left", "bottom", 4, 4),
    ("right", "bottom", -4, 4),
    ("left", "top", 4, -4),
    ("right", "top", -4, -4),
]
_RINGS = (1.0, 2.2, 3.6, 5.4, 7.5, 10.0, 13.0)
_HANDLE = 3.6  # room of a legend's handle and gaps in units of its type size


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
    taken += _dots(ax)
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
            ax.annotate(
                "",
                (px, py),
                xytext=text.get_position(),
                textcoords="offset points",
                arrowprops={"arrowstyle": "-", "linewidth": 0.4, "color": "0.6", "shrinkA": 0, "shrinkB": 2},
            )


def _dots(ax: Axes) -> list[Any]:
    """Return the room, in pixels, of every point of a scatter."""
    from matplotlib.collections import PathCollection
    from matplotlib.transforms import Bbox

    reach = 2 * ax.figure.dpi / 72
    places = [ax.transData.transform(c.get_offsets()) for c in ax.collections if isinstance(c, PathCollection)]
    return [Bbox.from_extents(px - reach, py - reach, px + reach, py + reach) for px, py in np.concatenate(places)]


def points_wide(ax: Axes) -> float:
    """Return the width of Axes in points, before a layout gives them more."""
    return float(ax.get_window_extent().width * 72 / ax.figure.dpi)


def columns_for(labels: Sequence[str], room: float, size: float) -> int:
    """Return the most columns in which the entries of a legend fit into so many points; at least one."""
    for columns in range(len(labels), 1, -1):
        parts = np.array_split(np.array(labels, dtype=object), columns)
        if sum(max(text_width(label, size) for label in part) + _HANDLE * size for part in parts) <= room:
            return columns
    return 1


def legend_above(ax: Axes, size: float, up: float = 1.0, **options: Any) -> None:
    """Write the legend above Axes, from ``up`` times their height, in as many columns as fit, with long labels broken."""
    small, room = 6.5 / 7 * size, points_wide(ax)
    handles, labels = ax.get_legend_handles_labels()
    said = [wrapped(label, room - _HANDLE * small, small) for label in labels]
    ax.legend(
        handles,
        said,
        loc="lower left",
        bbox_to_anchor=(0, up),
        ncols=columns_for(said, room, small),
        fontsize=small,
        borderaxespad=0.1,
        columnspacing=1.2,
        **options,
    )


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
