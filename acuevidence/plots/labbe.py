"""The L'Abbé plot: the risk in one arm against the risk in the other."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from acuevidence.arguments import guard
from acuevidence.errors import InputError
from acuevidence.inputs import numeric, refuse
from acuevidence.plots.parts.axis import effect_name
from acuevidence.plots.parts.labels import legend_above
from acuevidence.plots.parts.page import drawing, narrow, new_axes
from acuevidence.plots.parts.style import COLOURS
from acuevidence.topic import topic_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from acuevidence.synthesis.glmm import GlmmMetaAnalysis
    from acuevidence.synthesis.result import MetaAnalysis
    from acuevidence.synthesis.two_by_two import TwoByTwoMetaAnalysis

__all__ = ["labbe"]


def labbe(
    result: MetaAnalysis | TwoByTwoMetaAnalysis | GlmmMetaAnalysis | pd.DataFrame | None = None,
    *,
    data: pd.DataFrame | None = None,
    events1: Any = "events1",
    n1: Any = "n1",
    events2: Any = "events2",
    n2: Any = "n2",
    ax: Axes | None = None,
    width: str | float = "single",
    size: float = 7,
    groups: tuple[str, str] | None = None,
    upper: float | None = None,
    effect: str | None = None,
) -> Axes:
    """Draw the L'Abbé plot of trials with events.

    Parameters
    ----------
    result : MetaAnalysis or DataFrame, optional
        A result whose data hold the counts; rows without counts are not drawn and are counted on the axis. A pooled OR, RR or RD is
        drawn as a curve.
    data : DataFrame, optional
        Where the columns are looked up when no result is given.
    events1, n1, events2, n2 : array-like or column names
        Events and participants; group 1 is the treatment.
    ax, width, size : Axes, {"single", "double"} or float, float
        Where to draw, by default a new figure of one or two columns of a journal (89 or 183 mm) or so many millimetres; type
        size in points.
    groups : pair of str, optional
        Names of the two groups, for the axes. Default: as the data say, else group 1 and group 2.
    upper : float, optional
        Highest risk shown, in percent. Default: 100, or a little above the highest risk where that is below 50.
    effect : {"OR", "RR", "RD"}, optional
        What the result pooled, for its curve. Default: from the data.

    Returns
    -------
    Axes
        Risks in percent, comparator right and treatment up; the area of a circle goes with the trial's participants.

    Raises
    ------
    InputError
        For counts that are not possible, or no row with counts.

    Notes
    -----
    L'Abbé, Detsky and O'Rourke 1987, Annals of Internal Medicine.

    Examples
    --------
    >>> import acuevidence as ae
    >>> ax = ae.plots.labbe(events1=[12, 8], n1=[40, 30], events2=[6, 5], n2=[42, 31])
    >>> ax.get_xlabel()
    'Risk with group 2 (%)'
    """
    frame = data if result is None else result if isinstance(result, pd.DataFrame) else result.data
    found, index = numeric(frame, missing=True, events1=events1, n1=n1, events2=events2, n2=n2)
    complete = ~np.isnan(np.array(list(found.values()))).any(axis=0)
    if not complete.any():
        raise InputError("no trial has events1, n1, events2 and n2; a L'Abbé plot needs counts in both groups")
    for events, n in (("events1", "n1"), ("events2", "n2")):
        bad = complete & ((found[events] < 0) | (found[events] > found[n]) | (found[n] <= 0))
        refuse(bad, f"{events} must lie between 0 and {n}", found[events], index)
    e1, m1, e2, m2 = (found[name][complete] for name in ("events1", "n1", "events2", "n2"))
    if groups is None:
        topic = topic_of(frame)
        groups = (topic.treatment.phrase, topic.comparator().phrase)
    with drawing(ax, size, "L'Abbé plot"):
        high = 3.3 if narrow(width) else 4.2
        ax = new_axes(width, high, ax)
        ax.plot([0, 100], [0, 100], color=COLOURS["muted"], linewidth=0.6, label="no difference")
        total = m1 + m2
        ax.scatter(
            100 * e2 / m2,
            100 * e1 / m1,
            s=16 + 200 * total / total.max(),
            facecolor=COLOURS["main"],
            alpha=0.45,
            edgecolor=COLOURS["main"],
            linewidths=0.6,
            zorder=3,
        )
        _pooled(ax, result, effect)
        highest = 100 * float(max((e1 / m1).max(), (e2 / m2).max()))
        end = upper or (100.0 if highest >= 50 else 5 * math.ceil(1.15 * highest / 5 + 0.01))
        ax.set(
            xlim=(0, end), ylim=(0, end), aspect="equal", xlabel=f"Risk with {groups[1]} (%)", ylabel=f"Risk with {groups[0]} (%)"
        )
        if left := int((~complete).sum()):
            ax.set_xlabel(f"{ax.get_xlabel()}\n{left} trial{'' if left == 1 else 's'} without counts not drawn")
        legend_above(ax, size)
    return ax


def _pooled(ax: Axes, result: Any, name: str | None) -> None:
    """Draw the risks that the pooled effect implies for every risk of the comparator."""
    name = effect_name(result, name)
    if name not in ("OR", "RR", "RD") or getattr(result, "X", 0) is not None:
        return
    risk = np.linspace(0, 1, 201)
    effect = result.estimate
    implied = {
        "OR": lambda: risk * np.exp(effect) / (1 - risk + risk * np.exp(effect)),
        "RR": lambda: risk * np.exp(effect),
        "RD": lambda: risk + effect,
    }[name]()
    kept = (implied >= 0) & (implied <= 1)
    shown = effect if name == "RD" else np.exp(effect)
    ax.plot(100 * risk[kept], 100 * implied[kept], color=COLOURS["second"], label=f"pooled {name} {shown:.2f}")


guard(__name__, "labbe")
