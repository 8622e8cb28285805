"""Figures: each function takes a result and ``ax=``, returns the Axes, and saves nothing.

matplotlib is loaded when a figure is drawn.
"""

from acuevidence.plots.canvas import Column
from acuevidence.plots.decomposition import decomposition
from acuevidence.plots.forest import LAYOUTS, forest
from acuevidence.plots.funnel import funnel
from acuevidence.plots.missing_evidence import missing_evidence
from acuevidence.plots.nuance import nuance
from acuevidence.plots.sequential import sequential
from acuevidence.plots.specification_curve import specification_curve
from acuevidence.plots.style import COLOURS, WIDTHS, Layout, style
from acuevidence.plots.time_course import time_course

__all__ = [
    "COLOURS",
    "LAYOUTS",
    "WIDTHS",
    "Column",
    "Layout",
    "decomposition",
    "forest",
    "funnel",
    "missing_evidence",
    "nuance",
    "sequential",
    "specification_curve",
    "style",
    "time_course",
]
