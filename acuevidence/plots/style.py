"""One look for every figure: colours, type, widths, and the preset layouts of journals as data."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["COLOURS", "MID_BAND", "RATING", "WIDTHS", "Layout", "new_axes", "p_text", "style", "text_width"]

# Okabe and Ito's palette, told apart with every common colour vision; comparators keep their colour everywhere.
COLOURS = {
    "sham": "#0072B2",
    "usual_care": "#D55E00",
    "active": "#009E73",
    "neutral": "#3C3C3C",
    "accent": "#CC79A7",
    "light": "#8A8A8A",
    "benefit": "#009E73",
    "harm": "#CC79A7",
}
MID_BAND = "#EFE6C8"
# Ratings of quality after robvis's colour-blind palette; every dot carries its sign as well.
RATING = {"+": "#FED98E", "?": "#D9D9D9", "-": "#D95F0E"}
# Widths of journal columns in inches (89 mm and 183 mm).
WIDTHS = {"single": 3.504, "double": 7.205}

_RC = {
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],
    "font.size": 7,
    "axes.titlesize": 8,
    "axes.titleweight": "bold",
    "axes.labelsize": 7,
    "axes.linewidth": 0.6,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "xtick.labelsize": 6.5,
    "ytick.labelsize": 6.5,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "xtick.major.size": 2.5,
    "ytick.major.size": 2.5,
    "legend.fontsize": 6.5,
    "legend.frameon": False,
    "lines.linewidth": 1.0,
    "patch.linewidth": 0.6,
    "figure.dpi": 150,
    "savefig.dpi": 300,
    "svg.fonttype": "path",
    "svg.hashsalt": "acuevidence",
    "pdf.fonttype": 42,
}


@dataclass(frozen=True, slots=True)
class Layout:
    """How a journal sets a forest plot.

    Attributes
    ----------
    interval : str
        Format of the effect text, with ``estimate``, ``low`` and ``high``.
    square, diamond : str or None
        Colours; None: the comparator's own.
    favours_at : {"bottom", "top"}
        Where the words for both sides stand.
    study_title : str
        Heading of the study column.
    text_right : bool
        Whether the effect text and the weight stand right of the plot.
    show_tau2 : bool
        Whether the heterogeneity line gives tau2.
    leading_zero : bool
        Whether P values keep the zero before the point.
    row : float
        Height of a row in units of the font size.
    """

    interval: str = "{estimate} ({low} to {high})"
    square: str | None = None
    diamond: str | None = None
    favours_at: str = "bottom"
    study_title: str = "Study"
    text_right: bool = True
    show_tau2: bool = True
    leading_zero: bool = True
    row: float = 1.75


@contextmanager
def style(size: float | None = None) -> Iterator[None]:
    """Draw in the package's style for as long as the ``with`` block lasts.

    Parameters
    ----------
    size : float, optional
        Base type size in points; 7 if not given.

    Yields
    ------
    None
        matplotlib's settings are put back at the end.

    Examples
    --------
    >>> import acuevidence as ae, matplotlib as mpl
    >>> with ae.plots.style(8):
    ...     mpl.rcParams["font.size"]
    8.0
    """
    import matplotlib as mpl

    changed: dict[str, Any] = dict(_RC)
    if size is not None:
        for key, value in _RC.items():
            if key in ("font.size",) or key.endswith(("labelsize", "titlesize", "legend.fontsize")):
                changed[key] = float(value) * size / 7  # type: ignore[arg-type]
    with mpl.rc_context(changed):  # type: ignore[arg-type]
        yield


def new_axes(width: str | float, height: float, ax: Axes | None = None) -> Axes:
    """Return ``ax``, or new Axes on a figure of a journal column's width (or inches) and a height in inches."""
    if ax is not None:
        return ax
    import matplotlib.pyplot as plt

    inches = WIDTHS[width] if isinstance(width, str) else float(width)
    figure, new = plt.subplots(figsize=(inches, height))
    figure.set_layout_engine("constrained", rect=(0.005, 0.005, 0.99, 0.99))
    plt.close(figure)
    return new


@functools.lru_cache(maxsize=4096)
def text_width(text: str, size: float, bold: bool = False) -> float:
    """Return the width of a text in points; of its longest line where it has several."""
    from matplotlib.font_manager import FontProperties
    from matplotlib.textpath import TextToPath

    font = FontProperties(family="DejaVu Sans", weight="bold" if bold else "normal", size=size)
    # Spaces at the ends have a width but no outline, so the advance is measured, not the outline.
    widths = [TextToPath().get_text_width_height_descent(line, font, False)[0] for line in text.split("\n") if line]
    return max(widths, default=0.0)


def p_text(p: float, *, leading_zero: bool = True) -> str:
    """Return a P value as journals print it: two digits, three below 0.01, '<0.001' beyond."""
    if not np.isfinite(p):
        return "not estimable"
    text = "<0.001" if p < 0.001 else f"{p:.3f}" if p < 0.01 else f"{p:.2f}"
    return text if leading_zero else text.replace("0.", ".", 1)
