"""The effect by weeks since randomisation: the course of every trial, and the mean of each period."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from acuevidence.arguments import guard
from acuevidence.plots.parts.caption import caption as write_caption
from acuevidence.plots.parts.labels import legend_above, points_wide
from acuevidence.plots.parts.page import drawing, new_axes
from acuevidence.plots.parts.style import text_width
from acuevidence.topic import topic_of
from acuevidence.words import series

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from acuevidence.evidence import Evidence
    from acuevidence.questions.time_course import TimeCourse

__all__ = ["time_course"]

_WEEKS = (1, 2, 4, 8, 13, 26, 52, 104, 156, 312)


def time_course(
    result: TimeCourse | None = None,
    *,
    ax: Axes | None = None,
    width: str | float = "double",
    size: float = 7,
    caption: bool = True,
    evidence: Evidence | None = None,
) -> Axes:
    """Draw trials over the weeks, and the mean effect of each period with its interval.

    Parameters
    ----------
    result : TimeCourse, optional
        From :func:`acuevidence.questions.time_course`. Default: that of all conditions.
    ax, width, size : Axes, {"single", "double"} or float, float
        Where to draw, by default a new figure of one or two columns of a journal (89 or 183 mm) or so many millimetres; type
        size in points.
    caption : bool
        Whether a new figure says below what is drawn.
    evidence : Evidence, optional
        Whose course is drawn where no result is given. Default: the package's evidence.

    Returns
    -------
    Axes
        Thin lines join the weeks of one trial; large markers stand at the median week of a period. Weeks on a log axis.

    Examples
    --------
    >>> import acuevidence as ae
    >>> ax = ae.questions.time_course("knee_osteoarthritis").plot()
    """
    if result is None:
        from acuevidence.questions.time_course import time_course as follow

        result = follow(evidence=evidence)
    topic = topic_of(result.effects)
    with drawing(ax, size, "Time course"):
        own = ax is None
        ax = new_axes(width, 3.0, ax)
        ax.axhline(0, color="black", lw=0.6)
        for place, (comparator, means) in enumerate(result.periods.groupby("comparator", sort=False)):
            colour = topic.colour(str(comparator))
            rows = result.effects[result.effects["comparator"] == comparator]
            for _, trial in rows.groupby("trial_id"):
                ax.plot(trial["week"], trial["yi"], "-o", color=colour, lw=0.5, ms=1.6, alpha=0.35)
            week = rows.groupby("period", observed=True)["week"].median()[means["period"]].to_numpy()
            week = week * (1 + 0.06 * (2 * place - 1))
            errors = [means["estimate"] - means["ci_low"], means["ci_high"] - means["estimate"]]
            label = f"v {topic.comparator(str(comparator)).phrase}: mean of a period and {result.level:.0%} interval"
            ax.errorbar(week, means["estimate"], yerr=errors, fmt="s", color=colour, ms=5, elinewidth=1.4, label=label)
        ax.set_xscale("log")
        ticks = _apart(ax, size)
        ax.set_xticks(ticks, [str(w) for w in ticks])
        ax.minorticks_off()
        ax.set(xlabel="Weeks since randomisation", ylabel=f"SMD; positive favours {topic.treatment.phrase}")
        legend_above(ax, size)
        if own and caption:
            write_caption(ax.figure, _said(result), size)
    return ax


def _said(result: TimeCourse) -> str:
    periods = series(dict.fromkeys(str(name).removeprefix("weeks ") for name in result.periods["period"]))
    return (
        f"Dot: a trial at a printed week; thin line: the same trial at several. Square: mean of a period ({periods}) at its median week. "
        "Means of different periods rest on different trials: their difference is no course."
    )


def _apart(ax: Axes, size: float) -> list[int]:
    """Return the weeks to write on the axis: those that stand clear of the one before."""
    low, high = ax.get_xlim()
    room, kept, end = points_wide(ax), [], -np.inf
    for week in (w for w in _WEEKS if low <= w <= high):
        half = text_width(str(week), size) / 2 + 1
        place = room * np.log(week / low) / np.log(high / low)
        if place - half > end:
            kept.append(week)
            end = place + half
    return kept


guard(__name__, "time_course")
