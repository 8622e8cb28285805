"""What a new trial would change: for every pooled effect, the smallest trial that moves it to another state."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from acuevidence.arguments import guard
from acuevidence.errors import InputError
from acuevidence.evidence import Evidence
from acuevidence.plots.parts.caption import caption as write_caption
from acuevidence.plots.parts.labels import fitting, wrapped
from acuevidence.plots.parts.page import drawing, inches, narrow, new_axes
from acuevidence.questions.flip import SMALLEST, Flip
from acuevidence.questions.flip import flip as ask

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["flip"]

_FIRST, _NOW = 0.24, 0.17  # parts of the page for the name of a pool, and for its state


def flip(
    found: Flip | None = None,
    *,
    ax: Axes | None = None,
    width: str | float = "double",
    size: float = 7,
    caption: bool = True,
    evidence: Evidence | None = None,
) -> Axes:
    """Draw the smallest new trial that moves each pooled effect to another state, by the effect that it finds.

    Parameters
    ----------
    found : Flip, optional
        From :func:`acuevidence.questions.flip`. Default: that of the package's evidence.
    ax : Axes, optional
        Where to draw. Default: a new figure that fits its rows.
    width : {"double", "single"} or float
        Width of a new figure: a journal column (89 or 183 mm), or millimetres.
    size : float
        Type size in points.
    caption : bool
        Whether a new figure says below what is drawn.
    evidence : Evidence, optional
        Whose answer is drawn where none is given. Default: the package's evidence.

    Returns
    -------
    Axes
        A row a pooled effect with its state, a column an effect found; in each cell the participants of the smallest trial and the
        state it leads to, the darker the fewer they are. An empty cell: no trial up to the largest that was tried.

    Raises
    ------
    InputError
        For an answer without a pooled effect.

    Examples
    --------
    >>> import acuevidence as ae
    >>> ax = ae.plots.flip(ae.questions.flip("neck_pain"))
    >>> [label.get_text() for label in ax.get_xticklabels()][1:]
    ['finds 0', 'finds 0.2', 'finds 0.5', 'finds 0.8']
    """
    found = ask(evidence=evidence) if found is None else found
    if found.rows.empty:
        raise InputError("the answer holds no pooled effect; no trial prints a usable figure")
    pools = [rows for _, rows in found.rows.groupby(["condition", "group"], sort=False)]
    effects = list(dict.fromkeys(found.rows["effect"]))
    page, cell = 72 * inches(width), (1 - _FIRST - _NOW) / len(effects)
    heads = [f"finds {effect:g}" for effect in effects]
    said = {*heads, *(word for text in [*found.rows["state"], *found.rows["to"].dropna()] for word in text.split())}
    small = min(fitting(text, 0.85 * cell * page, (0.8 if narrow(width) else 0.9) * size) for text in said)
    names = [wrapped(_name(rows.iloc[0], found), 0.94 * _FIRST * page, small) for rows in pools]
    now = [wrapped(rows["state"].iloc[0], 0.9 * _NOW * page, small) for rows in pools]
    told = [[_told(row, 0.9 * cell * page, small) for row in rows.itertuples()] for rows in pools]
    lines = [
        max(text.count("\n") + 1 for text in (name, state, *cells)) for name, state, cells in zip(names, now, told, strict=True)
    ]
    heights = [1.35 * small * n + 0.7 * small for n in lines]
    with drawing(ax, size, "What a new trial would change"):
        own = ax is None
        ax = new_axes(width, (sum(heights) + 8 * size) / 72, ax)
        top = 0.0
        for rows, name, state, cells, high in zip(pools, names, now, told, heights, strict=True):
            middle = top + high / 2
            ax.text(0, middle, name, va="center", fontsize=small)
            ax.text(_FIRST, middle, state, va="center", fontsize=small, fontstyle="italic")
            for i, (row, text) in enumerate(zip(rows.itertuples(), cells, strict=True)):
                _cell(ax, _FIRST + _NOW + i * cell, top, cell, high, row, text, found.largest, small)
            ax.axhline(top, color="0.85", lw=0.5)
            top += high
        ax.set(xlim=(0, 1), ylim=(top, 0), yticks=[])
        places = [_FIRST, *(_FIRST + _NOW + (i + 0.5) * cell for i in range(len(effects)))]
        ax.set_xticks(places, ["now", *heads], fontsize=small, fontweight="bold")
        ax.get_xticklabels()[0].set_horizontalalignment("left")
        ax.xaxis.tick_top()
        ax.tick_params(length=0)
        ax.spines[:].set_visible(False)
        if own and caption:
            favours = found.topic.treatment.phrase
            write_caption(
                ax.figure,
                f"Participants of the smallest new trial that would move the pooled effect to another state, and that state, by the "
                f"SMD that the trial finds (above 0 favours {favours}). Darker: a smaller trial is enough. "
                f"Empty: no trial of up to {found.largest:,} participants would.",
                size,
            )
    return ax


def _name(row: Any, found: Flip) -> str:
    _, _, population = row.group.partition(", ")
    against = found.topic.comparator(row.comparator).phrase
    return f"{row.label} v {against}" + (f", {population}" if population else "")


def _told(row: Any, room: float, size: float) -> str:
    if math.isnan(row.participants):
        return ""
    least = "≤ " if row.participants == SMALLEST else ""
    return f"{least}{row.participants:,.0f}\n{wrapped(row.to, room, size)}"


def _cell(ax: Axes, x: float, y: float, wide: float, high: float, row: Any, text: str, largest: int, size: float) -> None:
    from matplotlib.patches import Rectangle

    if not text:
        return
    depth = 1 - math.log10(row.participants) / math.log10(largest)
    face = tuple(1 - depth * (1 - part) for part in (0.90, 0.55, 0.25))
    inner = Rectangle((x + 0.03 * wide, y + 0.06 * high), 0.94 * wide, 0.88 * high, facecolor=face, edgecolor="none")
    ax.add_patch(inner)
    ax.text(x + wide / 2, y + high / 2, text, ha="center", va="center", fontsize=size)


guard(__name__, "flip")
