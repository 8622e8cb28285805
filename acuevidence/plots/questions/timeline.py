"""What was known when: a line of time for every pooled effect, coloured by its state, with the trials where they were published."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from acuevidence.arguments import guard
from acuevidence.errors import InputError
from acuevidence.evidence import Evidence
from acuevidence.plots.parts.caption import caption as write_caption
from acuevidence.plots.parts.labels import fitting, wrapped
from acuevidence.plots.parts.page import drawing, inches, narrow, new_axes
from acuevidence.plots.parts.style import text_width
from acuevidence.questions.timeline import Timeline
from acuevidence.questions.timeline import timeline as ask

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["timeline"]

# The firmer the benefit the darker; what shows none is grey or warm.
_STATES = {
    "important": "#00573F",
    "benefit, importance uncertain": "#2E9E79",
    "benefit": "#63BFA0",
    "small": "#AEDDCD",
    "no important effect": "#E6C36A",
    "no difference shown": "#C9C9C9",
    "cannot tell": "#DFDFDF",
    "difference": "#7FA8C9",
    "harm": "#CC79A7",
}


def timeline(
    found: Timeline | None = None,
    *,
    ax: Axes | None = None,
    width: str | float = "double",
    size: float = 7,
    caption: bool = True,
    evidence: Evidence | None = None,
) -> Axes:
    """Draw how the state of every pooled effect came about, year by year.

    Parameters
    ----------
    found : Timeline, optional
        From :func:`acuevidence.questions.timeline`. Default: that of the package's evidence.
    ax : Axes, optional
        Where to draw. Default: a new figure that fits its rows.
    width : {"double", "single"} or float
        Width of a new figure: a journal column (89 or 183 mm), or millimetres. Below 120 mm the pooled effects of today stand below
        the names.
    size : float
        Type size in points.
    caption : bool
        Whether a new figure says below what is drawn.
    evidence : Evidence, optional
        Whose answer is drawn where none is given. Default: the package's evidence.

    Returns
    -------
    Axes
        A band a pooled effect from its first trial on, coloured by its state, with a dot where trials were published, larger for more
        participants; beside it what is pooled today.

    Raises
    ------
    InputError
        For an answer without a trial.

    Examples
    --------
    >>> import acuevidence as ae
    >>> ax = ae.plots.timeline(ae.questions.timeline("neck_pain"))
    >>> ax.get_xlabel()
    'Year of publication'
    """
    found = ask(evidence=evidence) if found is None else found
    if found.rows.empty:
        raise InputError("the answer holds no trial with a year; there is nothing to draw")
    pools = [rows for _, rows in found.rows.groupby(["condition", "group"], sort=False)]
    page, single = 72 * inches(width), narrow(width)
    small = 0.9 * size
    names = [_name(rows.iloc[-1], found, 0.3 * page, small, single) for rows in pools]
    heights = [(name.count("\n") + 1.7) * 1.2 * small for name in names]
    first, last = int(found.rows["year"].min()), int(found.rows["year"].max()) + 1
    with drawing(ax, size, "What was known when"):
        own = ax is None
        ax = new_axes(width, (sum(heights) + 9 * size) / 72, ax)
        top, places = 0.0, []
        for rows, high in zip(pools, heights, strict=True):
            places.append(top + high / 2)
            _line(ax, rows, places[-1], 0.3 * 2.9 * small, last, size)
            if not single:
                ax.annotate(
                    _today(rows.iloc[-1]),
                    (last, places[-1]),
                    xytext=(4, 0),
                    textcoords="offset points",
                    va="center",
                    fontsize=small,
                    annotation_clip=False,
                )
            top += high
        ax.set(xlim=(first - 1, last), ylim=(top, 0))
        ax.set_yticks(places, names, fontsize=small)
        ax.tick_params(axis="y", length=0)
        ax.spines["left"].set_visible(False)
        ax.grid(axis="x", color="0.92", lw=0.5, zorder=0)
        ax.set_axisbelow(True)
        ax.set_xlabel("Year of publication")
        _legend(ax, found.rows, page, small)
        if own and caption:
            write_caption(ax.figure, _words(found, single), size)
    return ax


def _name(row: Any, found: Timeline, room: float, size: float, single: bool) -> str:
    _, _, population = row.group.partition(", ")
    against = f"v {found.topic.comparator(row.comparator).phrase}" + (f", {population}" if population else "")
    whole = f"{row.label} {against}"
    lines = whole if text_width(whole, size) <= room else f"{wrapped(row.label, room, size)}\n{wrapped(against, room, size)}"
    return f"{lines}\n{_today(row)}" if single else lines


def _today(row: Any) -> str:
    """Return what is pooled today."""
    if math.isnan(row.estimate):
        return f"k {row.k}, not pooled"
    return f"k {row.k}: {row.estimate:.2f} ({row.ci_low:.2f} to {row.ci_high:.2f})".replace("-", "\N{MINUS SIGN}")


def _line(ax: Axes, rows: pd.DataFrame, y: float, high: float, last: int, size: float) -> None:
    """Draw the band of one pooled effect and its trials."""
    from matplotlib.patches import Rectangle

    ends = [*rows["year"].iloc[1:], last]
    for row, end in zip(rows.itertuples(), ends, strict=True):
        face = _STATES[row.state]
        ax.add_patch(Rectangle((row.year, y - high / 2), end - row.year, high, facecolor=face, edgecolor="none", zorder=2))
    area = (0.55 * size) ** 2 * np.clip(np.sqrt(rows["participants"].to_numpy(float) / 400), 0.25, 2.0)
    ax.scatter(rows["year"], np.full(len(rows), y), s=area, color="white", edgecolor="black", linewidth=0.5, zorder=3)


def _legend(ax: Axes, rows: pd.DataFrame, page: float, size: float) -> None:
    """Name the states that occur, above the figure, in as many columns as fit."""
    from matplotlib.patches import Patch

    states = [name for name in _STATES if name in set(rows["state"])]
    room = 0.6 * page
    size = min(fitting(name, room - 4.5 * size, size) for name in states)
    wide = max(text_width(name, size) for name in states) + 4.5 * size
    ax.legend(
        [Patch(facecolor=_STATES[name]) for name in states],
        states,
        loc="lower left",
        bbox_to_anchor=(0, 1),
        ncols=max(1, min(len(states), int(room / wide))),
        fontsize=size,
        frameon=False,
        handlelength=1.4,
        borderaxespad=0.2,
    )


def _words(found: Timeline, single: bool) -> str:
    where = "below its name" if single else "on the right"
    return (
        "The trials of each pooled effect in the order of publication: its state after each year, by today's rules and thresholds; "
        f"{where} what is pooled today (SMD, 95% interval; above 0 favours {found.topic.treatment.phrase}). "
        "Dots: years with new trials, larger for more participants."
    )


guard(__name__, "timeline")
