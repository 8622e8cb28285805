"""The effect by weeks from the end of the course: every trial that prints several, and the pool of each period."""

from __future__ import annotations

from typing import TYPE_CHECKING

from acuevidence.arguments import guard
from acuevidence.plots.parts.caption import caption as write_caption
from acuevidence.plots.parts.labels import legend_above
from acuevidence.plots.parts.page import drawing, new_axes
from acuevidence.topic import topic_of
from acuevidence.words import count, series

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from acuevidence.evidence import Evidence
    from acuevidence.questions.time_course import TimeCourse

__all__ = ["time_course"]

_WEEKS = (-13, 0, 13, 26, 39, 52)
_SHOWN = (-14.0, 62.0)


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
        Thin lines join the weeks of one trial; large markers stand at the median week of a period.

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
        ax = new_axes(width, 3.0 * max(1.0, size / 7) ** 1.5, ax)
        ax.axhline(0, color="black", lw=0.6)
        for place, (comparator, means) in enumerate(result.periods.groupby("comparator", sort=False)):
            colour = topic.colour(str(comparator))
            rows, weeks = (frame[frame["comparator"] == comparator] for frame in (result.effects, result.weeks))
            for _, trial in weeks[weeks["after"].notna()].groupby("trial_id"):
                ax.plot(trial["after"], trial["yi"], "-o", color=colour, lw=0.5, ms=1.6, alpha=0.35)
            means = means[means["estimate"].notna()]
            week = rows.groupby("period", observed=True)["after"].median()[means["period"]].to_numpy()
            week = week + 0.5 * (2 * place - 1)
            errors = [means["estimate"] - means["ci_low"], means["ci_high"] - means["estimate"]]
            label = f"v {topic.comparator(str(comparator)).phrase}: pool of a period and {result.level:.0%} interval"
            ax.errorbar(week, means["estimate"], yerr=errors, fmt="s", color=colour, ms=5, elinewidth=1.4, label=label)
        ax.set(xlim=_SHOWN, xticks=_WEEKS)
        ax.set(xlabel="Weeks from the end of the course", ylabel=f"SMD; positive favours {topic.treatment.phrase}")
        legend_above(ax, size)
        if own and caption:
            write_caption(ax.figure, _said(result), size)
    return ax


def _said(result: TimeCourse) -> str:
    periods = series(dict.fromkeys(map(str, result.periods.dropna(subset="estimate")["period"])))
    beyond = int((result.weeks["after"] > _SHOWN[1]).sum())
    unplaced = result.weeks.loc[result.weeks["after"].isna(), "trial_id"].nunique()
    return (
        f"Dot: a trial at a printed week; thin line: the same trial at several. Square: pool of a period ({periods}) at its median week, "
        "of three trials or more, or of one. Periods rest on different trials: their difference is no course. Not shown: "
        f"{count(unplaced, 'trial')} without a printed length of the course"
        + (f", {count(beyond, 'figure')} of later weeks." if beyond else ".")
    )


guard(__name__, "time_course")
