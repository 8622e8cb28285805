"""Rows of marks with columns of text beside them, measured in points so that nothing overlaps at any type size.

The ground of every plot that lists results line by line. It draws what it is given and computes nothing.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from acuevidence.plots.style import COLOURS, MID_BAND, RATING, WIDTHS, Layout, text_width

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["Canvas", "Column", "Row", "mid_range"]

_GAP = 7.0  # points between columns
_MARGIN = 4.0  # points kept free at every edge of a new figure
_LABEL = 0.2  # share of the width that labels may take before they are cut
_LABEL_MIN = 15.0  # what they may take in any case, in units of the type size
_PLOT_MIN = 84.0  # points kept for the axis
_MARKED = ("trial", "pooled", "prediction", "summary")


@dataclass(frozen=True, slots=True)
class Column:
    """A column of text beside the plot.

    Attributes
    ----------
    title : str
        Heading, unique among the columns under one spanning heading; a line break splits it.
    values : str, sequence or callable
        Column of the result's data, one text a trial in the order drawn, or a function of the data that returns them.
    side : {"left", "right"}
        Side of the plot.
    align : {"left", "right", "center"}
        Alignment of the texts.
    over : str
        Spanning heading shared with neighbours that give the same.
    dots : bool
        Whether the texts ``+``, ``-`` and ``?`` are drawn as the coloured dots of a quality rating.
    total : str
        Column of the result's data whose sum stands in the rows of pooled effects.
    """

    title: str
    values: Any
    side: str = "left"
    align: str = "right"
    over: str = ""
    dots: bool = False
    total: str = ""

    @property
    def key(self) -> str:
        """What a row's cells call the column."""
        return f"{self.over}/{self.title}" if self.over else self.title


@dataclass(slots=True)
class Row:
    """A line of the plot.

    Attributes
    ----------
    kind : str
        ``group``, ``trial``, ``pooled``, ``prediction``, ``summary``, ``text`` or ``gap``; it decides the mark.
    label : str
        Text in the first column.
    estimate, low, high : float
        Point and interval, on the scale of yi.
    outer : pair of float
        A second, wider interval (``summary``: the prediction interval).
    weight : float
        Weight relative to the heaviest trial of its group, 0 to 1 (``trial``): the area of its square.
    colour : str
        Colour of the mark.
    cells : dict
        Texts of the other columns, by :attr:`Column.key`.
    bold : bool
        Whether the texts are bold.
    """

    kind: str
    label: str = ""
    estimate: float = math.nan
    low: float = math.nan
    high: float = math.nan
    outer: tuple[float, float] = (math.nan, math.nan)
    weight: float = math.nan
    colour: str = COLOURS["neutral"]
    cells: dict[str, str] = field(default_factory=dict)
    bold: bool = False


class Canvas:
    """Room for rows and columns on one Axes, measured in points so that nothing overlaps at any type size."""

    def __init__(
        self, ax: Axes | None, width: str | float, layout: Layout, size: float, rows: list[Row], extra: list[Column],
        below: list[str], title: str | None, single: bool, *, weight: bool = True,
    ):  # fmt: skip
        import matplotlib.pyplot as plt

        self.layout, self.size, self.rows, self.title = layout, size, rows, title
        inches = WIDTHS[width] if isinstance(width, str) else float(width)
        self.figure: Figure = ax.figure if ax is not None else plt.figure(figsize=(inches, 3))  # type: ignore[assignment]
        box = ax.get_position() if ax is not None else None
        self.width = self.figure.get_figwidth() * 72 * (box.width if box else 1) - (0 if box else 2 * _MARGIN)
        self.columns = self._columns(extra, weight and not single)
        self.widths = [self._column_width(column) for column in self.columns]
        beside = {
            side: sum(w + _gap(c) for c, w in zip(self.columns, self.widths, strict=True) if c.side == side)
            for side in ("left", "right")
        }
        room = self.width - sum(beside.values()) - 2 * _GAP - _PLOT_MIN
        self._shorten(min(room, max(_LABEL * self.width, _LABEL_MIN * size)))
        self.left, self.right = self._label_width() + beside["left"], beside["right"]
        if ax is None:
            # Text that does not fit a column at this type size makes the figure wider: nothing is cut.
            self.width = max(self.width, self.left + self.right + 2 * _GAP + _PLOT_MIN)
            self.figure.set_figwidth((self.width + 2 * _MARGIN) / 72)
        self.below = [line for text in below for line in self._wrap(text, self.size * 0.9, self.width)]
        self.rows = [part for row in rows for part in self._wrapped(row)]
        self._place(ax, box)

    def _columns(self, extra: list[Column], weight: bool) -> list[Column]:
        side = "right" if self.layout.text_right else "left"
        left = [column for column in extra if column.side == "left"]
        right = [column for column in extra if column.side == "right"]
        fixed = [Column("effect", None, side, "left"), *([Column("weight", None, side)] if weight else [])]
        return [*left, *fixed, *right]

    def _place(self, ax: Axes | None, box: Any) -> None:
        import matplotlib.pyplot as plt

        line = self.size * self.layout.row
        self.head = line * (3.2 if any(c.over for c in self.columns) else 2.2) + (self.size * 2.4 if self.title else 0)
        self.foot = self.size * 5.2 + len(self.below) * self.size * 1.4
        body = line * len(self.rows)
        if ax is None:
            high = self.head + body + self.foot
            self.figure.set_size_inches(self.figure.get_figwidth(), (high + 2 * _MARGIN) / 72)
            x0, y0, wide = _MARGIN, _MARGIN, self.width
            ax = self.figure.add_axes((0, 0, 1, 1))
            plt.close(self.figure)
        else:
            full = self.figure.get_figwidth() * 72, self.figure.get_figheight() * 72
            x0, y0, wide, high = box.x0 * full[0], box.y0 * full[1], box.width * full[0], box.height * full[1]
        plot = max(wide - self.left - self.right - 2 * _GAP, _PLOT_MIN)
        total = self.figure.get_figwidth() * 72, self.figure.get_figheight() * 72
        ax.set_position(
            ((x0 + self.left + _GAP) / total[0], (y0 + self.foot) / total[1], plot / total[0],
             (high - self.head - self.foot) / total[1])
        )  # fmt: skip
        self.ax, self.plot, self.body = ax, plot, high - self.head - self.foot
        self.line = self.body / max(len(self.rows), 1)

    def draw(
        self, effect: str, ratio: bool, mid: Any, favours: tuple[str, str], limits: tuple[float, float] | None
    ) -> Axes:
        """Draw every part and return the Axes."""
        ax = self.ax
        ax.set_ylim(len(self.rows) - 0.5, -0.5)
        ax.set_xlim(*(limits or self._limits(mid)))
        ax.set_yticks([])
        for side in ("left", "right", "top"):
            ax.spines[side].set_visible(False)
        ax.set_facecolor("none")
        self._axis(effect, ratio, favours)
        self._null_and_mid(mid)
        self._heads(effect)
        for y, row in enumerate(self.rows):
            self._texts(y, row)
            getattr(self, f"_mark_{row.kind}", lambda *_: None)(y, row)
        self._words_below()
        return ax

    # text ---------------------------------------------------------------------------------------------------------

    def _shorten(self, room: float) -> None:
        """Cut the labels that leave too little room for the axis, at a bracket or a word where that suffices."""
        for row in self.rows:
            if row.kind not in _MARKED:
                continue
            room_here = max(room, 8 * self.size) - self._indent(row)
            if text_width(row.label, self.size, bold=row.bold) > room_here:
                row.label = row.label.split(" (")[0]
            while text_width(row.label, self.size, bold=row.bold) > room_here and len(row.label) > 4:
                row.label = row.label.rstrip("…").rstrip()[:-1].rstrip() + "…"

    def _label_width(self) -> float:
        labels = [r for r in self.rows if r.kind in _MARKED]
        widths = [text_width(r.label, self.size, bold=r.bold) + self._indent(r) for r in labels]
        return max([*widths, text_width(self.layout.study_title, self.size, bold=True)])

    def _indent(self, row: Row) -> float:
        return self.size * 0.8 if row.kind in (*_MARKED, "text") and self._grouped() else 0.0

    def _grouped(self) -> bool:
        return any(row.kind == "group" for row in self.rows)

    def _column_width(self, column: Column) -> float:
        head = text_width(self._title(column), self.size, bold=True)
        if column.dots:
            return max(head, self.size)
        cells = [text_width(r.cells.get(column.key, ""), self.size, bold=r.bold) for r in self.rows]
        return max([head, *cells])

    def _title(self, column: Column) -> str:
        return {"effect": "Effect (95% CI)", "weight": "Weight\n(%)"}.get(column.title, column.title)

    def _wrapped(self, row: Row) -> list[Row]:
        """Break a line of text that is wider than the figure into several."""
        if row.kind != "text":
            return [row]
        lines = self._wrap(row.label, self.size * 0.93, self.width - self._indent(row), row.bold)
        return [replace(row, label=line) for line in lines]

    def _wrap(self, text: str, size: float, width: float, bold: bool = False) -> list[str]:
        lines, line = [], ""
        for word in text.split():
            longer = f"{line} {word}".lstrip()
            if line and text_width(longer, size, bold=bold) > 0.96 * width:
                lines.append(line)
                longer = word
            line = longer
        return [*lines, line]

    def _x(self) -> list[tuple[Column, float, str]]:
        """Return each column with the x of its text in points from the left edge of the plot, and its alignment."""
        places = []
        x = -self.left - _GAP + self._label_width() + _GAP
        right = self.plot + _GAP
        for column, width in zip(self.columns, self.widths, strict=True):
            start = x if column.side == "left" else right
            offset = {"left": 0.0, "right": width, "center": width / 2}[column.align]
            places.append((column, start + offset, column.align))
            if column.side == "left":
                x += width + _gap(column)
            else:
                right += width + _gap(column)
        return places

    def _write(self, x: float, y: float, text: str, **kwargs: Any) -> None:
        """Write at x points from the plot's left edge and y rows from the top."""
        self.ax.annotate(
            text, (0, y), xycoords=("axes fraction", "data"), xytext=(x, 0), textcoords="offset points",
            annotation_clip=False, **{"va": "center_baseline", "fontsize": self.size, **kwargs},
        )  # fmt: skip

    def _texts(self, y: int, row: Row) -> None:
        weight = "bold" if row.bold else "normal"
        size = self.size if row.kind != "text" else self.size * 0.93
        colour = row.colour if row.kind == "group" else "black"
        if row.label:
            self._write(
                -self.left - _GAP + self._indent(row), y, row.label, fontweight=weight, fontsize=size, color=colour
            )
        for column, x, align in self._x():
            text = row.cells.get(column.key)
            if text and column.dots:
                self._dot(x, y, text)
            elif text:
                self._write(x, y, text, ha=align, fontweight=weight)

    def _dot(self, x: float, y: int, text: str) -> None:
        """Draw a rating as a dot with its sign: colour is never the only code."""
        colour = RATING.get(text, RATING["?"])
        self.ax.annotate(
            text.replace("-", "−"), (0, y), xycoords=("axes fraction", "data"), xytext=(x, 0), textcoords="offset points",
            annotation_clip=False, ha="center", va="center_baseline", fontsize=self.size * 0.8, color="black",
            bbox={"boxstyle": "circle,pad=0.12", "facecolor": colour, "edgecolor": "none"},
        )  # fmt: skip

    def _heads(self, effect: str) -> None:
        y = -0.5 - 0.9 * self.size * self.layout.row / self.line
        row = self.size * self.layout.row / self.line
        self._write(-self.left - _GAP, y, self.layout.study_title, fontweight="bold", va="bottom")
        spans: dict[str, list[float]] = {}
        for column, x, align in self._x():
            title = self._title(column).replace("Effect", effect)
            self._write(x, y, title, ha=align, fontweight="bold", va="bottom")
            if column.over:
                width = self._column_width(column)
                start = x - {"left": 0.0, "right": 1.0, "center": 0.5}[align] * width
                spans.setdefault(column.over, []).extend([start, start + width])
        for over, ends in spans.items():
            self._write((min(ends) + max(ends)) / 2, y - 1.0 * row, over, ha="center", fontweight="bold", va="bottom")
            self._rule(y - 0.85 * row, min(ends), max(ends), 0.4)
        self._rule(-0.5 - 0.55 * row, -self.left - _GAP, self.plot + _GAP + self.right, 0.6)
        if self.title:
            top = -0.5 - (self.head - self.size * 1.6) / self.line
            self._write(-self.left - _GAP, top, self.title, fontweight="bold", fontsize=self.size * 1.2)

    def _rule(self, y: float, x0: float, x1: float, width: float) -> None:
        transform = self.ax.get_yaxis_transform()
        self.ax.plot(
            [x0 / self.plot, x1 / self.plot], [y, y], transform=transform, color="black", lw=width, clip_on=False
        )

    def _words_below(self) -> None:
        for i, text in enumerate(self.below):
            y = len(self.rows) - 0.5 + (self.size * 5.2 + i * self.size * 1.4) / self.line
            self._write(-self.left - _GAP, y, text, fontsize=self.size * 0.9, color="#333333", va="center")

    # axis ---------------------------------------------------------------------------------------------------------

    def _limits(self, mid: Any) -> tuple[float, float]:
        marks = [r for r in self.rows if r.kind in _MARKED]
        if not marks:
            return -1.0, 1.0
        points = np.array([0.0, *(r.estimate for r in marks), *(mid_range(mid) if mid is not None else ())])
        reach = max(float(np.ptp(points)), 0.5)
        low, high = float(points.min()) - 0.45 * reach, float(points.max()) + 0.45 * reach
        # A pooled interval is shown whole unless that would squeeze the trials; the others may be cut with an arrow.
        for row in (r for r in marks if r.kind == "pooled"):
            low = min(low, row.low) if row.low > points.min() - 1.3 * reach else low
            high = max(high, row.high) if row.high < points.max() + 1.3 * reach else high
        ends = np.array([[r.low, r.high] for r in marks])
        pad = 0.03 * reach
        return max(low, min(float(ends[:, 0].min()), 0) - pad), min(high, max(float(ends[:, 1].max()), 0) + pad)

    def _axis(self, effect: str, ratio: bool, favours: tuple[str, str]) -> None:
        from matplotlib.ticker import MaxNLocator

        ax, (low, high) = self.ax, self.ax.get_xlim()
        if ratio:
            ticks = [
                t for t in (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100) if low <= math.log(t) <= high
            ]
            places = [math.log(t) for t in ticks]
        else:
            many = max(3, int(self.plot / (self.size * 2.6)))
            places = [t for t in MaxNLocator(many, steps=[1, 2, 2.5, 5, 10]).tick_values(low, high) if low <= t <= high]
            ticks = [round(t, 10) for t in places]
        ax.set_xticks(places, [f"{t:g}".replace("-", "−") for t in ticks])
        ax.tick_params(axis="x", labelsize=self.size * 0.95, pad=1.5)
        ax.set_xlabel(
            effect, fontsize=self.size, labelpad=self.size * 1.55 if self.layout.favours_at == "bottom" else 1
        )
        ax.xaxis.label.set_visible(False)
        self._favours(favours)

    def _favours(self, favours: tuple[str, str]) -> None:
        low, high = self.ax.get_xlim()
        null = self.plot * (0 - low) / (high - low)
        top = self.layout.favours_at == "top"
        y = -0.5 - 0.2 if top else len(self.rows) - 0.5 + self.size * 3.3 / self.line
        weight = "bold" if top else "normal"
        left, right = f"← {favours[0]}", f"{favours[1]} →"
        widths = [text_width(t, self.size * 0.95) for t in (left, right)]
        x_left = min(null - 4, self.plot + self.right - widths[1] - 8)
        x_left = max(x_left, widths[0] - self.left)
        self._write(x_left, y, left, ha="right", fontsize=self.size * 0.95, fontweight=weight)
        self._write(x_left + 8, y, right, ha="left", fontsize=self.size * 0.95, fontweight=weight)

    def _blocks(self) -> list[tuple[int, int]]:
        """Return first and last row of each run of rows that carry marks."""
        blocks: list[tuple[int, int]] = []
        for y, row in enumerate(self.rows):
            if row.kind in _MARKED:
                if blocks and blocks[-1][1] == y - 1:
                    blocks[-1] = (blocks[-1][0], y)
                else:
                    blocks.append((y, y))
        return blocks

    def _null_and_mid(self, mid: Any) -> None:
        for first, last in self._blocks():
            self.ax.plot([0, 0], [first - 0.5, last + 0.5], color="black", lw=0.6, zorder=1)
            if mid is not None:
                low, high = mid_range(mid)
                if low == high:
                    self.ax.plot(
                        [low, low], [first - 0.5, last + 0.5], color="#B8860B", lw=0.7, ls=(0, (2, 2)), zorder=1
                    )
                else:
                    self.ax.fill_between([low, high], first - 0.5, last + 0.5, color=MID_BAND, lw=0, zorder=0)

    # marks --------------------------------------------------------------------------------------------------------

    def _mark_trial(self, y: int, row: Row) -> None:
        colour = self.layout.square or row.colour
        self._line(y, row.low, row.high, colour, 0.9)
        side = max(0.62 * self.line * math.sqrt(row.weight), 0.3 * self.size)
        low, high = self.ax.get_xlim()
        if low <= row.estimate <= high:
            self.ax.scatter([row.estimate], [y], s=side**2, marker="s", color=colour, linewidths=0, zorder=3)

    def _mark_pooled(self, y: int, row: Row) -> None:
        low, high = self.ax.get_xlim()
        corners = [(row.low, y), (row.estimate, y - 0.3), (row.high, y), (row.estimate, y + 0.3)]
        colour = self.layout.diamond or row.colour
        self.ax.fill(*zip(*corners, strict=True), facecolor=colour, edgecolor="black", lw=0.4, zorder=4)
        self._arrows(y, row.low < low, row.high > high, "black")

    def _mark_prediction(self, y: int, row: Row) -> None:
        self._line(y, row.low, row.high, row.colour, 2.2)

    def _mark_summary(self, y: int, row: Row) -> None:
        if np.isfinite(row.outer).all():
            self._line(y, *row.outer, row.colour, 0.7)
            left, right = self.ax.get_xlim()
            for end in row.outer:
                if left <= end <= right:
                    self.ax.plot([end, end], [y - 0.14, y + 0.14], color=row.colour, lw=0.7, zorder=2)
        self._line(y, row.low, row.high, row.colour, 3.2)
        self.ax.plot(
            [row.estimate], [y], marker="D", ms=self.size * 0.75, color="white", mec=row.colour, mew=1.2, zorder=5
        )

    def _line(self, y: int, low: float, high: float, colour: str, width: float) -> None:
        left, right = self.ax.get_xlim()
        self.ax.plot(
            [max(low, left), min(high, right)], [y, y], color=colour, lw=width, solid_capstyle="butt", zorder=2
        )
        self._arrows(y, low < left, high > right, colour)

    def _arrows(self, y: int, left: bool, right: bool, colour: str) -> None:
        for cut, marker, x in ((left, "<", 0.0), (right, ">", 1.0)):
            if cut:
                self.ax.plot([x], [y], marker=marker, ms=self.size * 0.45, color=colour, mew=0, clip_on=False, zorder=5,
                             transform=self.ax.get_yaxis_transform())  # fmt: skip


def _gap(column: Column) -> float:
    return 1.5 if column.dots else _GAP


def mid_range(mid: Any) -> tuple[float, float]:
    """Return the ends of a minimal important difference given as a number, a pair, or an object with low and high."""
    if hasattr(mid, "low"):
        return float(mid.low), float(mid.high)
    if np.isscalar(mid):
        return float(mid), float(mid)  # type: ignore[arg-type]
    low, high = mid
    return float(low), float(high)
