"""The Baujat plot: which trials make the heterogeneity, and which move the pooled effect."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from acuevidence.arguments import guard
from acuevidence.plots.parts.labels import keep_apart, leading
from acuevidence.plots.parts.page import drawing, narrow, new_axes, table
from acuevidence.plots.parts.style import COLOURS

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from acuevidence.synthesis.result import MetaAnalysis

__all__ = ["baujat"]


def baujat(
    result: MetaAnalysis | pd.DataFrame, *, ax: Axes | None = None, width: str | float = "single", size: float = 7, named: int = 5
) -> Axes:
    """Draw each trial's contribution to Q against its influence on the pooled effect.

    Parameters
    ----------
    result : MetaAnalysis or DataFrame
        What to draw, or the frame of its ``baujat()``.
    ax, width, size : Axes, {"single", "double"} or float, float
        Where to draw, by default a new figure of one or two columns of a journal (89 or 183 mm) or so many millimetres; type
        size in points.
    named : int
        How many trials are named: those farthest from the origin, each axis taken as a share of its largest value. A name
        without a free place beside its point is joined to it by a thin line; where there is none in reach, as may happen in
        a single column, it is left out, and the frame of ``MetaAnalysis.baujat`` holds every name.

    Returns
    -------
    Axes
        One point a trial; right: adds to heterogeneity, up: moves the pooled effect.

    Notes
    -----
    Baujat, Mahé, Pignon and Hill 2002, Statistics in Medicine.

    Examples
    --------
    >>> import acuevidence as ae
    >>> ax = ae.plots.baujat(ae.pooled("neck_pain")["sham"])
    >>> ax.get_xlabel()
    'Contribution to Q'
    """
    frame = table(result, "baujat()", ("x", "y")) if isinstance(result, pd.DataFrame) else result.baujat()
    with drawing(ax, size, "Baujat plot"):
        ax = new_axes(width, 2.9 if narrow(width) else 3.6, ax)
        ax.scatter(frame["x"], frame["y"], s=14, color=COLOURS["neutral"], alpha=0.75, linewidths=0)
        ax.set(xlabel="Contribution to Q", ylabel="Influence on the pooled effect")
        ax.margins(0.12)
        far = (frame["x"] / (frame["x"].max() or 1)) ** 2 + (frame["y"] / (frame["y"].max() or 1)) ** 2
        chosen = leading(far, named)
        keep_apart(ax, frame["x"].iloc[chosen], frame["y"].iloc[chosen], frame.index[chosen].astype(str))
    return ax


guard(__name__, "baujat")
