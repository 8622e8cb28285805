"""The influence panel: case diagnostics of every trial, side by side, the influential ones set off."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from acuevidence.appraisal.influence import influence_limits
from acuevidence.arguments import guard
from acuevidence.plots.parts.labels import points_wide, wrapped
from acuevidence.plots.parts.page import drawing, inches, narrow, new_axes, table
from acuevidence.plots.parts.style import COLOURS, text_width

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from acuevidence.synthesis.result import MetaAnalysis

__all__ = ["influence"]

# Column of the frame, heading, and the value of a trial without influence.
_PANELS = [
    ("rstudent", "Studentised\nresidual", 0.0),
    ("dffits", "DFFITS", 0.0),
    ("cook_d", "Cook's\ndistance", 0.0),
    ("cov_r", "Covariance\nratio", 1.0),
    ("tau2_del", "τ² without\nthe trial", None),
    ("q_del", "Q without\nthe trial", None),
    ("hat", "Hat\nvalue", None),
    ("weight", "Weight\n(%)", None),
]
_SINGLE = ("rstudent", "cook_d", "tau2_del")
_PANEL = 7.0  # least width of a panel in units of the type size
_AROUND = 6.6  # height of headings and ticks of a band of panels in the same units


def influence(
    result: MetaAnalysis | pd.DataFrame, *, ax: Axes | None = None, width: str | float = "double", size: float = 7
) -> Axes:
    """Draw the case diagnostics of a meta-analysis, one row a trial and one panel a diagnostic.

    Parameters
    ----------
    result : MetaAnalysis or DataFrame
        What to draw, or the frame of its ``influence()``.
    ax : Axes, optional
        Where to draw; the panels share its room. Default: a new figure that fits its rows.
    width : {"double", "single"} or float
        Width of a new figure: a journal column (89 or 183 mm), or millimetres. Below 120 mm it keeps the
        residual, Cook's distance and tau2. Panels that do not fit beside each other stand in bands, one below the other.
    size : float
        Type size in points.

    Returns
    -------
    Axes
        Its ``child_axes`` are the panels; influential trials are filled and in colour. Dotted lines: what a diagnostic must
        pass for that (a result knows them, a frame does not; for the residual, the limits of 95%).

    Notes
    -----
    Viechtbauer and Cheung 2010, Research Synthesis Methods.

    Examples
    --------
    >>> import acuevidence as ae
    >>> ax = ae.plots.influence(ae.pooled("headache")["sham"])
    >>> len(ax.child_axes)
    8
    """
    wanted = [column for column, _, _ in _PANELS]
    frame = table(result, "influence()", wanted, ["influential"]) if isinstance(result, pd.DataFrame) else result.influence()
    panels = [panel for panel in _PANELS if not narrow(width) or panel[0] in _SINGLE]
    cuts = {} if isinstance(result, pd.DataFrame) else _cuts(result.k, len(result.beta))
    influential = frame["influential"].to_numpy(dtype=bool)
    with drawing(ax, size, "Influence of each trial"):
        page = points_wide(ax) if ax is not None else 72 * inches(width) - 6
        names = [wrapped(str(name), 0.42 * page, size) for name in frame.index]
        left = max(text_width(name, size) for name in names) + size
        bands = math.ceil(len(panels) / max(1, int((page - left) / (_PANEL * size))))
        side = math.ceil(len(panels) / bands)
        rows = len(names) * max(1.7, 1.25 * max(name.count("\n") + 1 for name in names) + 0.35)
        high = bands * (rows + _AROUND)
        ax = new_axes(width, high * size / 72, ax)
        ax.set_axis_off()
        step = (1 - left / page) / side
        for i, (column, heading, neutral) in enumerate(panels):
            band, place = divmod(i, side)
            bottom = 1 - ((band + 1) * (rows + _AROUND) - 0.5 * _AROUND) / high
            panel = ax.inset_axes((left / page + (place + 0.07) * step, bottom, 0.86 * step, rows / high))
            _panel(panel, frame[column].to_numpy(dtype=float), influential, neutral, cuts.get(column, ()))
            panel.set_title(heading, fontsize=0.9 * size, fontweight="normal")
            panel.set_yticks(range(len(names)), names if place == 0 else [""] * len(names), fontsize=size)
    return ax


def _cuts(k: int, p: int) -> dict[str, tuple[float, ...]]:
    """Return where a diagnostic marks a trial, and 95% limits of the residuals."""
    most = influence_limits(k, p)
    far = most["dffits"]
    return {"rstudent": (-1.96, 1.96), "dffits": (-far, far), "cook_d": (most["cook_d"],), "hat": (most["hat"],)}


def _panel(ax: Axes, values: np.ndarray, influential: np.ndarray, neutral: float | None, cuts: tuple[float, ...]) -> None:
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    y = np.arange(len(values))
    if neutral is not None:
        ax.axvline(neutral, color=COLOURS["muted"], linewidth=0.6)
    ax.plot(values, y, color=COLOURS["muted"], linewidth=0.6)
    for chosen, colour, face in (
        (~influential, "neutral", "white"),
        (influential, "second", COLOURS["second"]),
    ):
        ax.plot(
            values[chosen],
            y[chosen],
            "o",
            color=COLOURS[colour],
            markerfacecolor=face,
            markersize=3,
            markeredgewidth=0.8,
        )
    ax.set_ylim(len(y) - 0.5, -0.5)
    ax.margins(x=0.2)
    ends = ax.get_xlim()
    for cut in cuts:
        ax.axvline(cut, color=COLOURS["muted"], linewidth=0.6, linestyle=":")
    ax.set_xlim(ends)
    ax.xaxis.set_major_locator(MaxNLocator(2, min_n_ticks=2))
    ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}".replace("-", "−")))
    ax.tick_params(axis="y", length=0)
    ax.tick_params(axis="x", labelsize="small")
    ax.grid(axis="y", linewidth=0.3, color="0.9")


guard(__name__, "influence")
