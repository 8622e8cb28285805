"""Figures: each function takes a result and ``ax=``, returns the Axes, and saves nothing.

matplotlib is loaded when a figure is drawn.
"""

from acuevidence.plots.canvas import Column
from acuevidence.plots.forest import LAYOUTS, forest
from acuevidence.plots.nuance import nuance
from acuevidence.plots.style import COLOURS, WIDTHS, Layout, style

__all__ = ["COLOURS", "LAYOUTS", "WIDTHS", "Column", "Layout", "forest", "nuance", "style"]
