"""Rows of marks with columns of text beside them, measured in points so that nothing overlaps at any type size.

The ground of every plot that lists results line by line. It draws what it is given and computes nothing.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from acuevidence.plots.parts.marks import Marks
from acuevidence.plots.parts.page import inches, new_figure, say, warn
from acuevidence.plots.parts.style import COLOURS, RATING, Layout, text_width

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["Canvas", "Column", "Row"]

_GAP = 7.0  # points between columns
_MARGIN = 4.0  # points kept free at every edge of a new figure
_LABEL = 0.2  # share of the width that labels may take before they are broken into lines
_LABEL_MIN = 15.0  # what they may take in any case, in units of the type size
_PLOT_MIN = 84.0  # points kept for the axis
_BETWEEN = 8.0  # points between the words for both sides of the null
_TIGHT = 1.2  # least height of a row in units of the type size
_MM = 25.4 / 72
_FILL = 0.92  # share of a line that text may fill: pixels make it a little wider than its outlines
_LABELLED = ("trial", "pooled", "prediction", "summary", "more")


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
    digits : int, optional
        Digits after the point of numbers. Default: as many as they have.
    """

    title: str
    values: Any
    side: str = "left"
    align: str = "right"
    over: str = ""
    dots: bool = False
    total: str = ""
    digits: int | None = None

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
        ``group``, ``trial``, ``pooled``, ``prediction``, ``summary``, ``more`` (the rest of a long label), ``text`` or ``gap``;
        it decides the mark.
    label : str
        Text in the first column.
    estimate, low, high : float
        Point and interval, on the scale of yi.
    outer : pair of float
        A second, wider interval (``summary``: the prediction interval).
    fitted : (float, float, float)
        Interval and value that a model fits to the trial (low, estimate, high).
    mid : pair of float
        Ends of the smallest important difference that holds for this row; the same number twice for one value.
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
    fitted: tuple[float, float, float] = (math.nan, math.nan, math.nan)
    mid: tuple[float, float] = (math.nan, math.nan)
    weight: float = math.nan
    colour: str = COLOURS["neutral"]
    cells: dict[str, str] = field(default_factory=dict)
    bold: bool = False


class Canvas:
    """Room for rows and columns on one Axes, measured in points so that nothing overlaps at any type size."""

    def __init__(
        self,
        ax: Axes | None,
        width: str | float | None,
        layout: Layout,
        size: float,
        rows: list[Row],
        extra: list[Column],
        below: list[str],
        title: str | None,
        single: bool,
        *,
        weight: bool = True,
        heads: tuple[str, str] = ("Effect (95% CI)", ""),
    ):
        self.layout, self.size, self.rows, self.heads = layout, size, rows, heads
        self.given, self.box = ax, None if ax is None else _box(ax)
        free = width is None
        self.width = 72 * inches("double" if free else width) - 2 * _MARGIN if self.box is None else self.box[2]
        self.columns = self._columns(extra, weight and not single)
        self.widths = self._spanned([self._column_width(column) for column in self.columns])
        beside = {
            side: sum(w + _gap(c) for c, w in zip(self.columns, self.widths, strict=True) if c.side == side)
            for side in ("left", "right")
        }
        plot = layout.plot_cm / 2.54 * 72 if layout.plot_cm and free else _PLOT_MIN
        plot = max(plot, text_width(heads[1], size, bold=True) / _FILL)
        most = max(_LABEL * self.width, _LABEL_MIN * size)
        room = min(self.width - sum(beside.values()) - 2 * _GAP - plot, most)
        if ax is None and free:
            # A wide figure grows rather than break a label into many lines; a plot of a set width makes it grow anyway.
            room = self._room_for(2, most) if layout.plot_cm else self._room_for(3, room)
        self._break_labels(room)
        self.left, self.right = self._label_width() + beside["left"], beside["right"]
        need = self.left + self.right + 2 * _GAP + plot
        if need > self.width + 0.5 and not (ax is None and free):
            self._warn("width", need + (0 if self.box else 2 * _MARGIN), self.width + (0 if self.box else 2 * _MARGIN))
        if ax is None:
            # Text that does not fit a column at this type size makes the figure wider: nothing is cut.
            self.width = max(self.width, need)
        self.below = [line for text in below for line in self._wrap(text, self.size * 0.9, self.width)]
        self.rows = [part for row in self.rows for part in self._wrapped(row)]
        self.tail = self._after_the_marks()
        self.title = self._wrap(title, 1.2 * size, self.width, bold=True) if title else []

    def _after_the_marks(self) -> list[Row]:
        """Take what follows the last mark from the rows: it stands below the axis, under the name of its group."""
        last = max((i for i, row in enumerate(self.rows) if row.kind in _LABELLED), default=len(self.rows) - 1)
        tail = [row for row in self.rows[last + 1 :] if row.kind != "gap"]
        if any(row.kind == "group" for row in tail):
            return []
        groups = [row for row in self.rows[: last + 1] if row.kind == "group"]
        self.rows = self.rows[: last + 1]
        if any(not row.bold for row in tail) and len(groups) > 1:
            return [replace(groups[-1]), *tail]
        return tail

    def _warn(self, side: str, need: float, have: float) -> None:
        """Say that a side is too short for what stands on it."""
        what = "these Axes have" if self.given is not None else "it was to be"
        change = "fewer columns or " if side == "width" else ""
        warn(
            f"at a type size of {self.size:g} the figure needs a {side} of {need * _MM:.0f} mm, and {what} {have * _MM:.0f} mm; "
            f"give it more room, {change}a smaller size"
        )

    def _columns(self, extra: list[Column], weight: bool) -> list[Column]:
        side = "right" if self.layout.text_right else "left"
        left = [column for column in extra if column.side == "left"]
        right = [column for column in extra if column.side == "right"]
        fixed = [Column("effect", None, side, "left"), *([Column("weight", None, side)] if weight else [])]
        if self.layout.weight_first:
            fixed.reverse()
        return [*left, *fixed, *right]

    def measure(self, favours: tuple[str, str]) -> tuple[float, float]:
        """Return width and height in points that everything needs, with the words for both sides of the null."""
        sides = self._sides(favours)
        lines_of_sides = 1 + max(text.count("\n") for text in sides)
        line = self.size * self.layout.row
        lines = 1 + max(title.count("\n") for title in [*map(self._title, self.columns), self.heads[1]])
        if any(c.over for c in self.columns):
            self.head = line * 3.2 + max(lines - 2, 0) * 1.2 * self.size
        else:
            self.head = max(line * 2.2, line * 0.9 + lines * 1.2 * self.size - 0.5 * _MARGIN)
        self.head += self.size * (0.96 + 1.44 * len(self.title)) if self.title else 0
        # The words for both sides stand between the heading's rule and the first row, or below the axis.
        top, more = self.layout.favours_at == "top", (lines_of_sides - 1) * 1.2 * self.size
        self.under_head = line * 0.9 + more if top else 0.0
        self.head += self.under_head
        self.axis_foot = self.size * 5.2 + (0.0 if top else more)
        self.foot = self.axis_foot + (len(self.below) + len(self.tail)) * self.size * 1.4 + (0.4 * self.size if self.tail else 0.0)
        margins = 0.0 if self.box else 2 * _MARGIN
        return self.width + margins, self.head + line * len(self.rows) + self.foot + margins

    def _place(self, favours: tuple[str, str]) -> None:
        """Give every part its room on a new figure, or on the Axes given."""
        total = self.measure(favours)
        if self.given is None or self.box is None:
            self.figure: Figure = new_figure(total[0] / 72, total[1] / 72)
            self.figure.set_layout_engine("none")
            ax = self.figure.add_axes((0, 0, 1, 1))
            x0, y0, wide, high = _MARGIN, _MARGIN, self.width, total[1] - 2 * _MARGIN
        else:
            ax, self.figure = self.given, self.given.figure  # type: ignore[assignment]
            x0, y0, wide, high = self.box
            if self.size * _TIGHT * len(self.rows) > high - self.head - self.foot + 0.5:
                self._warn("height", total[1], high)
            total = _size(self.figure)
        plot = max(wide - self.left - self.right - 2 * _GAP, _PLOT_MIN)
        ax.set_position(
            (
                (x0 + self.left + _GAP) / total[0],
                (y0 + self.foot) / total[1],
                plot / total[0],
                (high - self.head - self.foot) / total[1],
            )
        )
        self.ax, self.plot, self.body = ax, plot, high - self.head - self.foot
        self.line = self.body / max(len(self.rows), 1)

    def draw(
        self,
        effect: str,
        ratio: bool,
        mid: Any,
        favours: tuple[str, str],
        limits: tuple[float, float] | None,
        back: Callable[[Any], Any] | None = None,
        null: float | None = 0.0,
    ) -> Axes:
        """Draw every part and return the Axes."""
        sides = self._sides(favours)
        self._place(favours)
        marks = Marks(self.ax, self.rows, self.layout, self.size, self.line, self.plot, null)
        self.ax.set_ylim(len(self.rows) - 0.5, -0.5)
        self.ax.set_xlim(*(limits or marks.limits(mid)))
        self.ax.set_xlabel(effect)
        self.ax.xaxis.label.set_visible(False)
        marks.axis(ratio, back)
        marks.draw(mid)
        self._favours(*sides)
        self.places = self._x()
        self._heads()
        for y, row in enumerate(self.rows):
            self._texts(y, row)
        self._dots()
        self._words_below()
        if self.given is None:
            say(self.figure, self._described(effect, sides), " ".join(self.title))
        return self.ax

    def _described(self, effect: str, sides: tuple[str, str]) -> str:
        """Return what stands on the figure, line by line, for those who do not see it."""
        lines: list[str] = []
        for row in [*self.rows, *self.tail]:
            if row.kind == "more":
                lines[-1] = " ".join(text for text in (lines[-1], row.label, row.cells.get("effect", "")) if text)
            elif row.kind != "gap":
                lines.append(" ".join(text for text in (row.label, row.cells.get("effect", "")) if text))
        words = [*self.title, f"{effect}: {' '.join(sides)}".replace("\n", " "), *lines]
        return "Forest plot. " + ". ".join(word.rstrip(".") for word in words if word) + "."

    # text ---------------------------------------------------------------------------------------------------------

    def _break_labels(self, room: float) -> None:
        """Break labels that would leave too little room for the axis into lines, each a row: nothing is left out."""
        broken = []
        for row in self.rows:
            if row.kind in _LABELLED:
                first, *more = self._wrap(row.label, self.size, max(room, 8 * self.size) - self._indent(row), row.bold)
                broken.append(replace(row, label=first))
                broken += [Row("more", line, mid=row.mid, colour=row.colour, bold=row.bold) for line in more]
            else:
                broken.append(row)
        self.rows = broken

    def _room_for(self, lines: int, room: float) -> float:
        """Return the room, widened until every label stands on so many lines at most."""
        for row in (r for r in self.rows if r.kind in _LABELLED):
            words, indent = row.label.split(), self._indent(row)
            parts = (" ".join(words[i:j]) for i in range(len(words)) for j in range(i + 1, len(words) + 1))
            if len(self._wrap(row.label, self.size, room - indent, row.bold)) > lines:
                wider = sorted(text_width(part, self.size, bold=row.bold) / _FILL for part in parts)
                fits = (w for w in wider if len(self._wrap(row.label, self.size, 1.001 * w, row.bold)) <= lines)
                room = max(room, 1.001 * next(fits) + indent)
        return room

    def _label_width(self) -> float:
        labels = [r for r in self.rows if r.kind in _LABELLED]
        widths = [text_width(r.label, self.size, bold=r.bold) + self._indent(r) for r in labels]
        return max([*widths, text_width(self.layout.study_title, self.size, bold=True)])

    def _indent(self, row: Row) -> float:
        return self.size * 0.8 if row.kind in (*_LABELLED, "text") and self._grouped() else 0.0

    def _grouped(self) -> bool:
        return any(row.kind == "group" for row in self.rows)

    def _column_width(self, column: Column) -> float:
        head = text_width(self._title(column), self.size, bold=True)
        if column.dots:
            return max(head, self.size)
        cells = [text_width(r.cells.get(column.key, ""), self.size, bold=r.bold) for r in self.rows]
        return max([head, *cells])

    def _spanned(self, widths: list[float]) -> list[float]:
        """Widen columns whose spanning heading is wider than they are together."""
        for span in {(column.side, column.over) for column in self.columns if column.over}:
            under = [i for i, column in enumerate(self.columns) if (column.side, column.over) == span]
            have = sum(widths[i] + _gap(self.columns[i]) for i in under) - _gap(self.columns[under[-1]])
            lacking = text_width(span[1], self.size, bold=True) / _FILL - have
            for i in under:
                widths[i] += max(lacking, 0) / len(under)
        return widths

    def _title(self, column: Column) -> str:
        own = {"effect": self.heads[0], "weight": "Weight\n(%)"} if column.values is None else {}
        return own.get(column.title, column.title)

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
            if line and text_width(longer, size, bold=bold) > _FILL * width:
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
        self.ax.text(
            x / self.plot,
            y,
            text,
            transform=self.ax.get_yaxis_transform(),
            clip_on=False,
            **{"va": "center_baseline", "fontsize": self.size, **kwargs},
        )

    def _texts(self, y: int, row: Row) -> None:
        weight = "bold" if row.bold else "normal"
        size = self.size if row.kind != "text" else self.size * 0.93
        colour = row.colour if row.kind == "group" else "black"
        if row.label:
            self._write(-self.left - _GAP + self._indent(row), y, row.label, fontweight=weight, fontsize=size, color=colour)
        for column, x, align in self.places:
            text = row.cells.get(column.key)
            if text and column.dots:
                self._write(x, y, text.replace("-", "−"), ha=align, fontsize=self.size * 0.8, zorder=4)
            elif text:
                self._write(x, y, text, ha=align, fontweight=weight)

    def _dots(self) -> None:
        """Draw the ratings' discs behind their signs: colour is never the only code."""
        dots = [
            (x / self.plot, y, RATING.get(text, RATING["?"]))
            for column, x, _ in self.places
            if column.dots
            for y, row in enumerate(self.rows)
            if (text := row.cells.get(column.key))
        ]
        if dots:
            x, y, colours = zip(*dots, strict=True)
            self.ax.scatter(
                x,
                y,
                s=(1.15 * self.size) ** 2,
                c=colours,
                linewidths=0,
                clip_on=False,
                zorder=3,
                transform=self.ax.get_yaxis_transform(),
            )

    def _heads(self) -> None:
        row = self.size * self.layout.row / self.line
        base = -0.5 - self.under_head / self.line
        y = base - 0.9 * row
        self._write(-self.left - _GAP, y, self.layout.study_title, fontweight="bold", va="bottom")
        if self.heads[1]:
            self._write(self.plot / 2, y, self.heads[1], ha="center", fontweight="bold", va="bottom")
        spans: dict[tuple[str, str], list[float]] = {}
        lines: dict[tuple[str, str], int] = {}
        for (column, x, align), width in zip(self.places, self.widths, strict=True):
            title = self._title(column)
            self._write(x, y, title, ha=align, fontweight="bold", va="bottom")
            if column.over:
                start = x - {"left": 0.0, "right": 1.0, "center": 0.5}[align] * width
                span = (column.side, column.over)
                spans.setdefault(span, []).extend([start, start + width])
                lines[span] = max(lines.get(span, 0), title.count("\n"))
        for span, ends in spans.items():
            above = row + lines[span] * 1.2 * self.size / self.line
            self._write((min(ends) + max(ends)) / 2, y - above, span[1], ha="center", fontweight="bold", va="bottom")
            self._rule(y - above + 0.15 * row, min(ends), max(ends), 0.4)
        self._rule(base - 0.55 * row, -self.left - _GAP, self.plot + _GAP + self.right, 0.6)
        for i, text in enumerate(self.title):
            top = -0.5 - (self.head - self.size * (1.6 + 1.44 * i)) / self.line
            self._write(-self.left - _GAP, top, text, fontweight="bold", fontsize=self.size * 1.2)

    def _rule(self, y: float, x0: float, x1: float, width: float) -> None:
        transform = self.ax.get_yaxis_transform()
        self.ax.plot([x0 / self.plot, x1 / self.plot], [y, y], transform=transform, color="black", lw=width, clip_on=False)

    def _words_below(self) -> None:
        def at(i: float) -> float:
            return len(self.rows) - 0.5 + (self.axis_foot + i * self.size * 1.4) / self.line

        for i, row in enumerate(self.tail):
            group = row.kind == "group"
            look = {"color": row.colour if group else "black", "fontweight": "bold" if row.bold else "normal"}
            self._write(-self.left - _GAP + self._indent(row), at(i), row.label, fontsize=self.size * 0.93, va="center", **look)
        for i, text in enumerate(self.below):
            y = at(i + len(self.tail) + (0.3 if self.tail else 0))
            self._write(-self.left - _GAP, y, text, fontsize=self.size * 0.9, color="#333333", va="center")

    def _sides(self, favours: tuple[str, str]) -> tuple[str, str]:
        """Return the words for both sides of the null with their arrows, broken into lines where they do not fit in one."""
        left, right = f"← {favours[0]}", f"{favours[1]} →"
        room = self.width - _BETWEEN
        if sum(map(self._side_width, (left, right))) / _FILL <= room:
            return left, right
        bold, size = self.layout.favours_at == "top", 0.95 * self.size
        one, other = ("\n".join(self._wrap(text, size, room / 2, bold)) for text in (left, right))
        return one, other

    def _side_width(self, text: str) -> float:
        return text_width(text, 0.95 * self.size, bold=self.layout.favours_at == "top")

    def _favours(self, left: str, right: str) -> None:
        low, high = self.ax.get_xlim()
        null = self.plot * (0 - low) / (high - low)
        top = self.layout.favours_at == "top"
        more = 0.6 * self.size * max(left.count("\n"), right.count("\n"))
        down = -0.55 * self.under_head if top else self.body + self.size * 3.3 + more
        y = -0.5 + down / self.line
        look = {"fontsize": self.size * 0.95, "fontweight": "bold" if top else "normal"}
        x_left = min(null - 4, self.plot + self.right - self._side_width(right) - _BETWEEN)
        x_left = max(x_left, self._side_width(left) - self.left)
        self._write(x_left, y, left, ha="right", **look)
        self._write(x_left + _BETWEEN, y, right, ha="left", **look)


def _box(ax: Axes) -> tuple[float, float, float, float]:
    """Return left and lower edge, width and height of Axes in points, where the layout of their figure puts them."""
    figure: Any = ax.figure
    if figure.get_layout_engine() is not None and ax.get_in_layout():
        figure.canvas.figure.draw_without_rendering()
    place, (wide, high) = ax.get_position(), _size(figure)
    return place.x0 * wide, place.y0 * high, place.width * wide, place.height * high


def _size(figure: Any) -> tuple[float, float]:
    """Return width and height of a figure, or of a part of one, in points."""
    return figure.bbox.width * 72 / figure.dpi, figure.bbox.height * 72 / figure.dpi


def _gap(column: Column) -> float:
    return 1.5 if column.dots else _GAP
