"""The marks of a plot that lists results line by line: squares, diamonds, intervals, and the axis under them.

Reads rows, draws each kind of mark in one go, and knows nothing of the texts beside them.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from acuevidence.errors import InputError
from acuevidence.inputs import brief
from acuevidence.plots.parts.axis import ratio_values
from acuevidence.plots.parts.style import MID_BAND, MID_LINE, Layout, text_width

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["Marks", "mid_range"]

_MARKED = ("trial", "pooled", "prediction", "summary")
_FITTED = "#C9C9C9"
_SQUEEZED = 1.6  # an interval is cut where the axis would be so many times longer for its sake,
_OFTEN = 4  # and at most one interval of so many
_ROOM = 1.8  # an interval for a new trial is shown whole up to so many times the length of the axis without it


class Marks:
    """Marks of rows at y = 0, 1, 2 ... on Axes whose rows are ``line`` points high and whose plot is ``plot`` points wide."""

    def __init__(self, ax: Axes, rows: list[Any], layout: Layout, size: float, line: float, plot: float, null: float | None = 0.0):
        self.null = null
        self.ax, self.rows, self.layout, self.size, self.line, self.plot = ax, rows, layout, size, line, plot
        self.marked = [(y, row) for y, row in enumerate(rows) if row.kind in _MARKED and np.isfinite(row.estimate)]

    def limits(self, mid: Any) -> tuple[float, float]:
        """Return ends of the axis that show every estimate and interval, save those that squeeze all others."""
        marks = [row for _, row in self.marked]
        if not marks:
            return -1.0, 1.0
        points = [row.estimate for row in marks] + ([] if self.null is None else [self.null])
        points += mid_range(mid) if mid is not None else ()
        points += [end for row in self.rows for end in row.mid if math.isfinite(end)]
        spans = np.array([[row.low, row.high] for row in marks if row.kind != "prediction"])
        spans = spans[np.isfinite(spans).all(axis=1)]
        low, high = hull(min(points), max(points), spans)
        # Intervals for a new trial are long where trials are few: they are shown where they leave the trials their room.
        wide = [
            row.outer if row.kind == "summary" else (row.low, row.high) for row in marks if row.kind in ("prediction", "summary")
        ]
        for left, right in wide:
            if np.isfinite([left, right]).all() and right - left < _ROOM * (high - low):
                low, high = min(low, left), max(high, right)
        pad = 0.03 * max(high - low, 1e-9)
        return low - pad, high + pad

    def axis(self, ratio: bool, back: Callable[[Any], Any] | None = None) -> None:
        """Draw the axis; a log ratio's in ratios, and another transformed effect's, which ``back`` undoes, on its natural scale."""
        ax = self.ax
        many = max(3, int(self.plot / (self.size * 2.6)))
        # Three ticks or more where their labels keep apart, else as many as do.
        tries = [(n, 3) for n in range(many, many + 4)] + [(n, 0) for n in range(many, 0, -1)]
        for n, least in tries:
            places, labels = self._ticks(n, ratio, back)
            if len(places) >= least and self._apart(places, labels):
                break
        ax.set_xticks(places, labels)
        ax.tick_params(axis="x", labelsize=self.size * 0.95, pad=1.5)
        ax.set_yticks([])
        for side in ("left", "right", "top"):
            ax.spines[side].set_visible(False)
        ax.set_facecolor("none")

    def _ticks(self, many: int, ratio: bool, back: Callable[[Any], Any] | None) -> tuple[list[float], list[str]]:
        """Return about so many places on the axis and what they are called."""
        from matplotlib.ticker import MaxNLocator

        low, high = self.ax.get_xlim()
        if ratio:
            ticks = ratio_values(low, high, many)
            places = [math.log(t) for t in ticks]
        elif back is not None:
            grid = np.linspace(low, high, 4001)
            scale = np.asarray(back(grid), dtype=float)
            found = MaxNLocator(many, steps=[1, 2, 2.5, 5, 10]).tick_values(scale[0], scale[-1])
            inside = [t for t in found if scale[0] <= t <= scale[-1]]
            places = np.interp(inside, scale, grid).tolist()
            ticks = [round(t, 10) for t in inside]
        else:
            found = MaxNLocator(many, steps=[1, 2, 2.5, 5, 10]).tick_values(low, high)
            places = [t for t in found if low <= t <= high]
            ticks = [round(t, 10) for t in places]
        return places, [f"{t:g}".replace("-", "−") for t in ticks]

    def _apart(self, places: list[float], labels: list[str]) -> bool:
        """Whether labels of ticks keep a third of the type size between them."""
        low, high = self.ax.get_xlim()
        at = [self.plot * (place - low) / (high - low) for place in places]
        half = [text_width(label, 0.95 * self.size) / 2 for label in labels]
        return all(at[i + 1] - at[i] >= half[i] + half[i + 1] + self.size / 3 for i in range(len(at) - 1))

    def draw(self, mid: Any) -> None:
        """Draw every mark, those of a kind together."""
        self._null_and_mid(mid)
        for kind in _MARKED:
            rows = [(y, row) for y, row in self.marked if row.kind == kind]
            if rows:
                getattr(self, f"_{kind}")(rows)

    def _null_and_mid(self, mid: Any) -> None:
        for first, last in self._blocks():
            if self.null is not None:
                self.ax.plot([self.null, self.null], [first - 0.5, last + 0.5], color="black", lw=0.6, zorder=1)
            if mid is not None:
                self._threshold(*mid_range(mid), first, last)
        runs: list[tuple[tuple[float, float], int, int]] = []
        for y, row in enumerate(self.rows):
            if runs and runs[-1][2] == y - 1 and row.mid == runs[-1][0]:
                runs[-1] = (row.mid, runs[-1][1], y)
            elif np.isfinite(row.mid).all():
                runs.append((row.mid, y, y))
        for (low, high), first, last in runs:
            self._threshold(low, high, first, last)

    def _threshold(self, low: float, high: float, first: int, last: int) -> None:
        """Draw a smallest important difference behind rows: a dashed line, or a band where there are two."""
        if low == high:
            self.ax.plot([low, low], [first - 0.5, last + 0.5], color=MID_LINE, lw=0.8, ls=(0, (2, 1.5)), zorder=1)
        else:
            self.ax.fill_between([low, high], first - 0.5, last + 0.5, color=MID_BAND, lw=0, zorder=0)

    def _blocks(self) -> list[tuple[int, int]]:
        """Return first and last row of each run of rows that carry marks."""
        blocks: list[tuple[int, int]] = []
        for y, row in enumerate(self.rows):
            if row.kind in (*_MARKED, "more"):
                if blocks and blocks[-1][1] == y - 1:
                    blocks[-1] = (blocks[-1][0], y)
                else:
                    blocks.append((y, y))
        return blocks

    def _trial(self, rows: list[tuple[int, Any]]) -> None:
        fitted = [(y, row.fitted) for y, row in rows if np.isfinite(row.fitted).all()]
        if fitted:
            self._diamonds(
                [(y, low, mid, high) for y, (low, mid, high) in fitted],
                [_FITTED] * len(fitted),
                edge="none",
                zorder=1.5,
            )
        colours = [self.layout.square or row.colour for _, row in rows]
        self._lines([(y, row.low, row.high) for y, row in rows], colours, 0.9)
        sides = np.array([max(0.62 * self.line * math.sqrt(row.weight), 0.3 * self.size) for _, row in rows])
        x = np.array([row.estimate for _, row in rows])
        left, right = self.ax.get_xlim()
        shown = (left <= x) & (x <= right)
        y = np.array([y for y, _ in rows])
        self.ax.scatter(
            x[shown],
            y[shown],
            s=sides[shown] ** 2,
            marker="s",
            linewidths=0,
            zorder=3,
            c=[c for c, one in zip(colours, shown, strict=True) if one],
        )

    def _pooled(self, rows: list[tuple[int, Any]]) -> None:
        places = [(y, row.low, row.estimate, row.high) for y, row in rows]
        self._diamonds(places, [self.layout.diamond or row.colour for _, row in rows], edge="black", zorder=4)
        left, right = self.ax.get_xlim()
        for y, row in rows:
            self._arrows(y, row.low < left, row.high > right, "black")

    def _prediction(self, rows: list[tuple[int, Any]]) -> None:
        self._lines([(y, row.low, row.high) for y, row in rows], [row.colour for _, row in rows], 2.2)

    def _summary(self, rows: list[tuple[int, Any]]) -> None:
        left, right = self.ax.get_xlim()
        wide = [(y, row) for y, row in rows if np.isfinite(row.outer).all()]
        self._lines([(y, *row.outer) for y, row in wide], [row.colour for _, row in wide], 0.7)
        for y, row in wide:
            for end in row.outer:
                if left <= end <= right:
                    self.ax.plot([end, end], [y - 0.14, y + 0.14], color=row.colour, lw=0.7, zorder=2)
        self._lines([(y, row.low, row.high) for y, row in rows], [row.colour for _, row in rows], 3.2)
        for y, row in rows:
            self.ax.plot([row.estimate], [y], marker="D", ms=self.size * 0.75, color="white", mec=row.colour, mew=1.2, zorder=5)

    def _diamonds(self, places: list[tuple[int, float, float, float]], colours: list[str], *, edge: str, zorder: float) -> None:
        from matplotlib.collections import PolyCollection

        corners = [[(low, y), (mid, y - 0.3), (high, y), (mid, y + 0.3)] for y, low, mid, high in places]
        self.ax.add_collection(
            PolyCollection(corners, facecolors=colours, edgecolors=edge, linewidths=0.4, zorder=zorder), autolim=False
        )

    def _lines(self, spans: list[tuple[int, float, float]], colours: list[str], width: float) -> None:
        left, right = self.ax.get_xlim()
        y = [at for at, _, _ in spans]
        starts, ends = [max(low, left) for _, low, _ in spans], [min(high, right) for _, _, high in spans]
        self.ax.hlines(y, starts, ends, colors=colours, linewidths=width, zorder=2, capstyle="butt")
        for (at, low, high), colour in zip(spans, colours, strict=True):
            self._arrows(at, low < left, high > right, colour)

    def _arrows(self, y: int, left: bool, right: bool, colour: str) -> None:
        for cut, marker, x in ((left, "<", 0.0), (right, ">", 1.0)):
            if cut:
                self.ax.plot(
                    [x],
                    [y],
                    marker=marker,
                    ms=self.size * 0.45,
                    color=colour,
                    mew=0,
                    clip_on=False,
                    zorder=5,
                    transform=self.ax.get_yaxis_transform(),
                )


def hull(low: float, high: float, spans: np.ndarray) -> tuple[float, float]:
    """Return ends that hold ``low``, ``high`` and every span, save the few that would make the rest much shorter."""
    left, right = np.minimum(spans[:, 0], low), np.maximum(spans[:, 1], high)
    for _ in range(len(spans) // _OFTEN):
        # Of the spans at both ends, the one whose absence shortens the axis most.
        rest = [(np.delete(left, i), np.delete(right, i)) for i in (int(left.argmin()), int(right.argmax()))]
        shorter = min(rest, key=lambda kept: float(kept[1].max() - kept[0].min()))
        if right.max() - left.min() < _SQUEEZED * (shorter[1].max() - shorter[0].min()):
            break
        left, right = shorter
    return float(min(low, *left)), float(max(high, *right))


def mid_range(mid: Any) -> tuple[float, float]:
    """Return the ends of a minimal important difference given as a number, a pair, or an object with low and high.

    Raises
    ------
    InputError
        For anything else, and for a pair whose first number is the larger.
    """
    try:
        if hasattr(mid, "low"):
            low, high = float(mid.low), float(mid.high)
        elif np.ndim(mid) == 0:
            low = high = float(mid)
        else:
            low, high = (float(end) for end in mid)
    except (TypeError, ValueError):
        low = high = math.nan
    if not low <= high or not math.isfinite(high - low):
        raise InputError(f"mid must be a number, a pair of numbers with the smaller first, or a Mid, not {brief(mid)}")
    return low, high
