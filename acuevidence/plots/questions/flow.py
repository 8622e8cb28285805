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
    >>> ax.texts[0].get_text().startswith("Trials known")
    True
    """
    found = ask(found, evidence=evidence) if isinstance(found, str) else found
    rows = [(f"Trials known: {found.known}\n{found.label}", "")]
    for one in found.comparisons.itertuples():
        rows.append((f"Against {one.label.lower()}: {one.asked} trials", _reasons(one)))
        rows.append((f"Pooled against {one.label.lower()}: {one.pooled} trials", ""))
    return _draw(rows, ax, width, size)


def _reasons(one: Any) -> str:
    kinds = {
        "no figure printed": one.no_figure,
        "outside the time window": one.outside,
        "other reasons (spread or one side not printed, caution)": one.other,
    }
    return "\n".join([f"Not pooled: {one.left_out} trials", *(f"{words}: {n}" for words, n in kinds.items() if n)])


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
        total = sum(lines) * 1.5 + 2.6 * len(rows)
        ax = new_axes(width, total * size / 72, ax)
        ax.set_axis_off()
        ax.set(xlim=(0, 1), ylim=(total, 0))
        box = {"boxstyle": "round,pad=0.5", "facecolor": "white", "edgecolor": COLOURS["neutral"], "linewidth": 0.6}
        arrow = {"arrowstyle": "-|>", "color": COLOURS["neutral"], "linewidth": 0.6, "shrinkA": 0, "shrinkB": 0}
        top = bottom = stem = 0.0
        for i, ((main, side), n) in enumerate(zip(texts, lines, strict=True)):
            middle = top + (n * 1.5 + 2.6) / 2
            half = 0.6 * (main.count("\n") + 1) + 0.6
            ax.text(0.28, middle, main, ha="center", va="center", bbox=box)
            if side:
                ax.text(0.58, middle, side, ha="left", va="center", bbox={**box, "facecolor": "0.96"})
                ax.annotate("", (0.565, middle), xytext=(0.28 + _half(main, size, wide), middle), arrowprops=arrow)
            if not i:
                stem = middle + half
            elif side:  # a comparison branches off the trials known
                ax.plot(
                    [0.28, 0.28, 0.02, 0.02],
                    [stem, stem + 0.7, stem + 0.7, middle],
                    color=COLOURS["neutral"],
                    linewidth=0.6,
                )
                ax.annotate("", (0.28 - _half(main, size, wide), middle), xytext=(0.02, middle), arrowprops=arrow)
            else:
                ax.annotate("", (0.28, middle - half), xytext=(0.28, bottom), arrowprops=arrow)
            bottom = middle + half
            top += n * 1.5 + 2.6
    return ax


def _half(text: str, size: float, wide: float) -> float:
    """Return half the width of a box as a share of the figure."""
    return (text_width(text, size) / 2 + 0.5 * size) / (72 * wide)


guard(__name__, "flow")
