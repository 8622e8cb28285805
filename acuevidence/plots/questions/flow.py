"""The flow of the evidence tables: from the trials known to the trials pooled."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Any

from acuevidence.arguments import guard
from acuevidence.evidence import Evidence
from acuevidence.plots.parts.page import drawing, inches, new_axes
from acuevidence.plots.parts.style import COLOURS, text_width
from acuevidence.questions.flow import Flow
from acuevidence.questions.flow import flow as ask
from acuevidence.words import count

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["flow"]


def flow(
    found: Flow | str,
    *,
    ax: Axes | None = None,
    width: str | float = "double",
    size: float = 7,
    evidence: Evidence | None = None,
) -> Axes:
    """Draw how the trials known for a condition become the trials pooled, in the manner of PRISMA 2020.

    Parameters
    ----------
    found : Flow or str
        From :func:`acuevidence.questions.flow`; or a condition of the package's evidence.
    ax, width, size : Axes, {"single", "double"} or float, float
        Where to draw, by default a new figure of one or two columns of a journal (89 or 183 mm) or so many millimetres; type
        size in points.
    evidence : Evidence, optional
        Whose answer is drawn where none is given. Default: the package's evidence.

    Returns
    -------
    Axes
        Boxes from top to bottom; a comparison is a trial against one comparator, so a trial with three arms counts for two.

    Examples
    --------
    >>> import acuevidence as ae
    >>> ax = ae.plots.flow("neck_pain")
    >>> ax.texts[0].get_text().splitlines()[0]
    'Neck pain'
    """
    found = ask(found, evidence=evidence) if isinstance(found, str) else found
    labels = [one.label.lower() for one in found.comparisons.itertuples()]
    others = found.known - found.compared
    both = f", {found.several} against more than one" if found.several else ""
    rows = [
        (
            f"{found.label}\n{count(found.known, 'trial')} known",
            f"Other comparators only: {count(others, 'trial')}" if others else "",
        ),
        (f"{count(found.compared, 'trial')} against {' or '.join(labels)}{both}", ""),
    ]
    for one in found.comparisons.itertuples():
        if one.asked:
            rows.append((f"Against {one.label.lower()}: {count(one.asked, 'trial')}", _reasons(one)))
            rows.append((f"Pooled against {one.label.lower()}: {count(one.pooled, 'trial')}", ""))
    return _draw(rows, ax, width, size)


def _reasons(one: Any) -> str:
    if not one.left_out:
        return ""
    kinds = {
        "no figure printed": one.no_figure,
        "outside the time window": one.outside,
        "other reasons (spread or one side not printed, caution)": one.other,
    }
    return "\n".join([f"Not pooled: {count(one.left_out, 'trial')}", *(f"{words}: {n}" for words, n in kinds.items() if n)])


def _wrapped(text: str, room: float, size: float) -> str:
    most = max(8, int(room / text_width("n", size)))
    return "\n".join(part for line in text.split("\n") for part in textwrap.wrap(line, most))


def _draw(rows: list[tuple[str, str]], ax: Axes | None, width: str | float, size: float) -> Axes:
    with drawing(ax, size, "Flow of trials"):
        wide = inches(width)
        if ax is not None:
            wide = ax.get_window_extent().width / ax.figure.dpi
        room = 0.38 * 72 * wide - 12
        texts = [(_wrapped(main, room, size), _wrapped(side, room, size)) for main, side in rows]
        lines = [max(main.count("\n"), side.count("\n")) + 1 for main, side in texts]
        total = sum(lines) * 1.3 + 2.4 * len(rows)
        ax = new_axes(width, total * size / 72, ax)
        ax.set_axis_off()
        ax.set(xlim=(0, 1), ylim=(total, 0))
        box = {"boxstyle": "round,pad=0.5", "facecolor": "white", "edgecolor": COLOURS["neutral"], "linewidth": 0.6}
        top, drawn = 0.0, []
        for (main, side), n in zip(texts, lines, strict=True):
            middle = top + (n * 1.3 + 2.4) / 2
            left = ax.text(0.28, middle, main, ha="center", va="center", bbox=box)
            right = ax.text(0.58, middle, side, ha="left", va="center", bbox={**box, "facecolor": "0.96"}) if side else None
            drawn.append((middle, left, right))
            top += n * 1.3 + 2.4
        _arrows(ax, drawn)
    return ax


def _arrows(ax: Axes, drawn: list[tuple[float, Any, Any]]) -> None:
    """Join the boxes from edge to edge: down from the known, off to each comparison, down to what is pooled, right to what is not."""
    ax.figure.draw_without_rendering()  # type: ignore[union-attr]
    arrow = {"arrowstyle": "-|>", "color": COLOURS["neutral"], "linewidth": 0.6, "shrinkA": 0, "shrinkB": 0}

    def edges(text: Any) -> tuple[float, float, float, float]:
        box = text.get_bbox_patch().get_window_extent().transformed(ax.transData.inverted())
        return min(box.x0, box.x1), max(box.x0, box.x1), min(box.y0, box.y1), max(box.y0, box.y1)

    stem = 0.0
    for i, (middle, left, right) in enumerate(drawn):
        x0, x1, y0, y1 = edges(left)
        if right is not None:
            ax.annotate("", (edges(right)[0], middle), xytext=(x1, middle), arrowprops=arrow)
        if i % 2:
            ax.annotate("", (0.28, y0), xytext=(0.28, edges(drawn[i - 1][1])[3]), arrowprops=arrow)
        if i == 1:
            stem = y1
        elif i and not i % 2:  # a comparison branches off the trials that have one; what is pooled of it stands below
            ax.plot([0.28, 0.28, 0.02, 0.02], [stem, stem + 0.6, stem + 0.6, middle], color=COLOURS["neutral"], linewidth=0.6)
            ax.annotate("", (x0, middle), xytext=(0.02, middle), arrowprops=arrow)


guard(__name__, "flow")
