"""The cumulative plot: how the pooled effect came about, trial by trial."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from acuevidence.arguments import guard
from acuevidence.plots.parts.axis import effect_name, ratio_ticks
from acuevidence.plots.parts.labels import wrapped
from acuevidence.plots.parts.page import drawing, inches, new_axes, table
from acuevidence.plots.parts.style import COLOURS, text_width

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from acuevidence.synthesis.result import MetaAnalysis

__all__ = ["cumulative"]


def cumulative(
    result: MetaAnalysis | pd.DataFrame,
    order: Any = None,
    *,
    ax: Axes | None = None,
    width: str | float = "single",
    size: float = 7,
    xlabel: str = "Pooled effect so far (95% CI)",
    limits: tuple[float, float] | None = None,
    effect: str | None = None,
) -> Axes:
    """Draw the pooled effect as trials are added.

    Parameters
    ----------
    result : MetaAnalysis or DataFrame
        What to draw, or the frame of its ``cumulative()`` or ``leave_one_out()``.
    order : array-like or column name, optional
        What the trials are sorted by, for example ``"year"``.
    ax, width, size : Axes, {"single", "double"} or float, float
        Where to draw, by default a new figure of one or two columns of a journal (89 or 183 mm) or so many millimetres; type
        size in points.
    xlabel : str
        Words for the axis.
    limits : pair of float, optional
        Ends of the axis; intervals beyond are cut with an arrow. Default: what the estimates and the last interval need.
    effect : str, optional
        Name of the effect; a ratio has a log axis. Default: from the data.

    Returns
    -------
    Axes
        One row a trial, the first on top; the dashed line is the last pooled effect.

    Examples
    --------
    >>> import acuevidence as ae
    >>> ax = ae.plots.cumulative(ae.pooled("neck_pain")["sham"], order="year")
    >>> ax.get_yticklabels()[-1].get_text().startswith("+ ")
    True
    """
    given = isinstance(result, pd.DataFrame)
    frame = (
        table(result, "leave_one_out() or cumulative()", ("estimate", "ci_low", "ci_high")) if given else result.cumulative(order)
    )
    y = np.arange(len(frame))
    names = [str(name) if given or i == 0 else f"+ {name}" for i, name in enumerate(frame.index)]
    estimate, low, high = (frame[c].to_numpy(dtype=float) for c in ("estimate", "ci_low", "ci_high"))
    if limits is None:
        reach = max(np.nanmedian(high - low), high[-1] - low[-1])
        limits = (min(0, np.nanmin(estimate)) - reach, max(0, np.nanmax(estimate)) + reach)
    with drawing(ax, size, "Cumulative meta-analysis"):
        page = 72 * inches(width)
        names = [wrapped(name, 0.45 * page, size) for name in names]
        row = max(1.9, 1.25 * max(name.count("\n") + 1 for name in names) + 0.4)
        ax = new_axes(width, (len(frame) * row + 7) * size / 72, ax)
        said = wrapped(xlabel, page - max(text_width(name, size) for name in names) - 2 * size, size)
        ax.axvline(0, color=COLOURS["neutral"], linewidth=0.6)
        ax.axvline(estimate[-1], color=COLOURS["main"], linewidth=0.6, linestyle=(0, (4, 2)))
        ax.hlines(y, np.maximum(low, limits[0]), np.minimum(high, limits[1]), color=COLOURS["main"], linewidth=1)
        for beyond, end, marker in ((low < limits[0], limits[0], "<"), (high > limits[1], limits[1], ">")):
            ax.plot(np.full(beyond.sum(), end), y[beyond], marker, color=COLOURS["main"], markersize=3.5, clip_on=False)
        ax.plot(estimate, y, "s", color=COLOURS["main"], markersize=3.5)
        ax.set_yticks(y, names, fontsize=size)
        ax.tick_params(axis="y", length=0)
        ax.spines["left"].set_visible(False)
        ax.set(xlim=limits, ylim=(len(y) - 0.5, -0.5), xlabel=said)
        ratio_ticks(ax.xaxis, effect_name(result, effect))
    return ax


guard(__name__, "cumulative")
