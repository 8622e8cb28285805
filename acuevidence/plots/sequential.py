"""Trial sequential analysis: cumulative Z as information accrues, with its monitoring boundaries."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from acuevidence.arguments import guard
from acuevidence.plots.parts.caption import caption as write_caption
from acuevidence.plots.parts.page import coloured, drawing, new_axes
from acuevidence.plots.parts.style import COLOURS

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from acuevidence.appraisal.sequential import Sequential

__all__ = ["sequential"]


def sequential(
    result: Sequential,
    *,
    ax: Axes | None = None,
    width: str | float = "single",
    size: float = 7,
    colour: str = COLOURS["main"],
    labels: bool = True,
    title: str | None = None,
    caption: bool = True,
) -> Axes:
    """Draw cumulative Z against information, with O'Brien-Fleming-type boundaries.

    Parameters
    ----------
    result : Sequential
        What to draw.
    ax, width, size : Axes, {"single", "double"} or float, float
        Where to draw, by default a new figure of one or two columns of a journal (89 or 183 mm) or so many millimetres; type
        size in points.
    colour : str
        Colour of cumulative Z.
    labels : bool
        Whether the trial with which the boundary is crossed is marked and named.
    title : str, optional
        Heading of the plot.
    caption : bool
        Whether a new figure explains itself below.

    Returns
    -------
    Axes
        Cumulative Z (positive favours the treatment) against information in percent of what is required.

    Examples
    --------
    >>> import acuevidence as ae
    >>> effects = ae.trial_effects("neck_pain", comparator="sham")
    >>> monitored = ae.meta_analysis("yi", "vi", data=effects, labels="study").sequential()
    >>> ae.plots.sequential(monitored).get_ylabel()
    'Cumulative Z'
    """
    coloured(colour)
    with drawing(ax, size, "Sequential analysis"):
        own = ax is None
        ax = new_axes(width, 2.0 + 8 * size / 72, ax)
        steps = result.steps
        ax.plot(
            [0, *(100 * steps["fraction"])],
            [0, *steps["z"]],
            color=colour,
            lw=1.1,
            marker="o",
            ms=3,
            mec="white",
            mew=0.4,
            zorder=4,
        )
        _boundaries(ax, result)
        ax.axhline(0, color="black", lw=0.6)
        for z in (-1.96, 1.96):
            ax.axhline(z, color="#9A9A9A", lw=0.6, ls=":")
        top = min(8.4, max(5.0, float(np.abs(steps["z"]).max()) * 1.15))
        ax.set_ylim(-top, top)
        right = 1.08 * max(100.0, 100 * float(steps["fraction"].iloc[-1]))
        ax.set_xlim(0, right)
        ax.axvline(100, color=COLOURS["second"], lw=0.9)
        left_of = 0.5 * right < 100
        ax.annotate(
            _required(result),
            (100, -top),
            xytext=(-3 if left_of else 3, 3),
            textcoords="offset points",
            ha="right" if left_of else "left",
            va="bottom",
            fontsize=0.9 * size,
            color=COLOURS["second"],
        )
        if labels:
            _crossing(ax, result, size)
        ax.set_xlabel("Information (% of required)")
        ax.set_ylabel("Cumulative Z")
        if title:
            ax.set_title(title, loc="left")
        if own and caption:
            write_caption(ax.figure, _words(result), size)
    return ax


def _required(result: Any) -> str:
    people = result.required_participants
    return "required" if people is None else f"required, about {people:,.0f} participants"


def _boundaries(ax: Axes, result: Any) -> None:
    for sign in (-1, 1):
        ax.plot(
            100 * result.steps["fraction"],
            sign * result.steps["boundary"],
            color=COLOURS["second"],
            lw=0.9,
            ls=(0, (4, 2)),
            marker="_",
            ms=4,
            zorder=3,
        )


def _crossing(ax: Axes, result: Any, size: float) -> None:
    """Ring the trial with which the boundary is crossed, and say in a free corner which it is."""
    said = "boundary not crossed"
    if result.crossed is not None:
        row = result.steps[np.abs(result.steps["z"]) >= result.steps["boundary"]].iloc[0]
        ax.plot([100 * row["fraction"]], [row["z"]], marker="o", ms=7, mfc="none", mec=COLOURS["neutral"], mew=0.8, zorder=5)
        said = f"boundary crossed with {result.crossed}"
    # Between no effect and the conventional limit on the other side there is neither boundary nor, as a rule, evidence.
    side = -1.0 if result.steps["z"].iloc[-1] > 0 else 1.0
    ax.annotate(said, (0.015, side), xycoords=("axes fraction", "data"), va="center", fontsize=0.9 * size, color=COLOURS["neutral"])


def _words(result: Any) -> str:
    return (
        f"Solid: cumulative Z of the trials in order, positive where the pooled effect is. Dashed: O'Brien-Fleming-type "
        f"boundaries at each look; dotted: Z of 1.96. Required: information to find {result.delta:.2f} SD with a power of "
        f"{result.power:.0%} at two-sided {result.alpha:g}, adjusted for a diversity of {result.diversity:.0f}%."
    )


guard(__name__, "sequential")
