"""Figures: each function takes a result and ``ax=``, returns the Axes, and saves nothing.

matplotlib is loaded when a figure is drawn.
"""

from acuevidence.plots.baujat import baujat
from acuevidence.plots.bubble import bubble
from acuevidence.plots.canvas import Column
from acuevidence.plots.consensus import consensus
from acuevidence.plots.cumulative import cumulative
from acuevidence.plots.decomposition import decomposition
from acuevidence.plots.drapery import drapery
from acuevidence.plots.evidence_map import evidence_map
from acuevidence.plots.flow import flow
from acuevidence.plots.forest import LAYOUTS, forest, forest_size
from acuevidence.plots.funnel import funnel
from acuevidence.plots.gosh import gosh
from acuevidence.plots.influence import influence
from acuevidence.plots.labbe import labbe
from acuevidence.plots.league import league
from acuevidence.plots.missing_evidence import missing_evidence
from acuevidence.plots.network import network
from acuevidence.plots.nuance import nuance
from acuevidence.plots.profile import profile
from acuevidence.plots.quality import quality
from acuevidence.plots.radial import radial
from acuevidence.plots.ranks import ranks
from acuevidence.plots.ridge import ridge
from acuevidence.plots.safety import safety
from acuevidence.plots.save import save
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
    "baujat",
    "bubble",
    "consensus",
    "cumulative",
    "decomposition",
    "drapery",
    "evidence_map",
    "flow",
    "forest",
    "forest_size",
    "funnel",
    "gosh",
    "influence",
    "labbe",
    "league",
    "missing_evidence",
    "network",
    "nuance",
    "profile",
    "quality",
    "radial",
    "ranks",
    "ridge",
    "safety",
    "save",
    "sequential",
    "specification_curve",
    "style",
    "time_course",
]
