"""The influence panel: case diagnostics of every trial, side by side, the influential ones set off."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from acuevidence.plots.style import COLOURS, new_axes, style, text_width

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["influence"]

# Column of the frame, heading, and the value of a trial without influence.
_PANELS = [
    ("rstudent", "Studentised\nresidual", 0.0), ("dffits", "DFFITS", 0.0), ("cook_d", "Cook's\ndistance", 0.0),
    ("cov_r", "Covariance\nratio", 1.0), ("tau2_del", "τ² without\nthe trial", None), ("q_del", "Q without\nthe trial", None),
    ("hat", "Hat\nvalue", None), ("weight", "Weight\n(%)", None),
]  # fmt: skip
_SINGLE = ("rstudent", "cook_d", "tau2_del")


def influence(result: Any, *, ax: Axes | None = None, width: str | float = "double", size: float = 7) -> Axes:
    """Draw the case diagnostics of a meta-analysis, one row a trial and one panel a diagnostic.

    Parameters
    ----------
    result : MetaAnalysis or DataFrame
        What to draw, or the frame of its ``influence()``.
    ax : Axes, optional
        Where to draw; the panels share its room. Default: a new figure that fits its rows.
    width : {"double", "single"} or float
        Width of a new figure: a journal column, or inches. ``single`` keeps the residual, Cook's distance and tau2.
    size : float
        Type size in points.

    Returns
    -------
    Axes
        Its ``child_axes`` are the panels; influential trials are filled and in colour.

    Notes
    -----
    Viechtbauer and Cheung 2010, Research Synthesis Methods 1:112.

    Examples
    --------
    >>> import acuevidence as ae
    >>> ax = ae.plots.influence(ae.pooled("headache")["sham"])
    >>> len(ax.child_axes)
    8
    """
    frame = result if isinstance(result, pd.DataFrame) else result.influence()
    panels = [panel for panel in _PANELS if width != "single" or panel[0] in _SINGLE]
    names = [str(name) for name in frame.index]
    y = np.arange(len(frame))
    with style(size):
        ax = new_axes(width, (len(frame) * 1.7 + 8) * size / 72, ax)
        ax.set_axis_off()
        points = ax.get_window_extent().width * 72 / ax.figure.dpi
        left = min(0.5, (max(text_width(name, size) for name in names) + 8) / points)
        step = (1 - left) / len(panels)
        for i, (column, heading, neutral) in enumerate(panels):
            panel = ax.inset_axes((left + i * step + 0.06 * step, 0, 0.86 * step, 1))
            _panel(panel, frame[column].to_numpy(dtype=float), frame["influential"].to_numpy(dtype=bool), y, neutral)
            panel.set_title(heading, fontsize=0.9 * size, fontweight="normal")
            panel.set_yticks(y, names if i == 0 else [""] * len(y), fontsize=size)
    return ax


def _panel(ax: Axes, values: np.ndarray, influential: np.ndarray, y: np.ndarray, neutral: float | None) -> None:
    from matplotlib.ticker import MaxNLocator

    if neutral is not None:
        ax.axvline(neutral, color=COLOURS["light"], linewidth=0.6)
    ax.plot(values, y, color=COLOURS["light"], linewidth=0.6)
    for chosen, colour, face in (
        (~influential, "neutral", "white"),
        (influential, "usual_care", COLOURS["usual_care"]),
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
    ax.xaxis.set_major_locator(MaxNLocator(2, min_n_ticks=2))
    ax.tick_params(axis="y", length=0)
    ax.tick_params(axis="x", labelsize="small")
    ax.grid(axis="y", linewidth=0.3, color="0.9")
