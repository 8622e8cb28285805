"""Figures: each function takes a result and ``ax=``, returns the Axes, and saves nothing.

matplotlib is loaded when a figure is drawn.
"""

from acuevidence.plots.baujat import baujat
from acuevidence.plots.bubble import bubble
from acuevidence.plots.cumulative import cumulative
from acuevidence.plots.drapery import drapery
from acuevidence.plots.forest import LAYOUTS, forest, forest_size
from acuevidence.plots.funnel import funnel
from acuevidence.plots.gosh import gosh
from acuevidence.plots.influence import influence
from acuevidence.plots.labbe import labbe
from acuevidence.plots.league import league
from acuevidence.plots.missing_evidence import missing_evidence
from acuevidence.plots.network import network
from acuevidence.plots.parts.canvas import Column
from acuevidence.plots.parts.style import Layout, style
from acuevidence.plots.profile import profile
from acuevidence.plots.questions.components import components
from acuevidence.plots.questions.consensus import consensus
from acuevidence.plots.questions.decomposition import decomposition
from acuevidence.plots.questions.evidence_map import evidence_map
from acuevidence.plots.questions.flip import flip
from acuevidence.plots.questions.flow import flow
from acuevidence.plots.questions.nuance import nuance
from acuevidence.plots.questions.patients import patients
from acuevidence.plots.questions.quality import quality
from acuevidence.plots.questions.responders import responders
from acuevidence.plots.questions.safety import safety
from acuevidence.plots.questions.sensitivity import sensitivity
from acuevidence.plots.questions.specification_curve import specification_curve
from acuevidence.plots.questions.time_course import time_course
from acuevidence.plots.questions.timeline import timeline
from acuevidence.plots.radial import radial
from acuevidence.plots.ranks import ranks
from acuevidence.plots.ridge import ridge
from acuevidence.plots.save import save
from acuevidence.plots.sequential import sequential

__all__ = [
    "LAYOUTS",
    "Column",
    "Layout",
    "baujat",
    "bubble",
    "components",
    "consensus",
    "cumulative",
    "decomposition",
    "drapery",
    "evidence_map",
    "flip",
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
    "patients",
    "profile",
    "quality",
    "radial",
    "ranks",
    "responders",
    "ridge",
    "safety",
    "save",
    "sensitivity",
    "sequential",
    "specification_curve",
    "style",
    "time_course",
    "timeline",
]


def __dir__() -> list[str]:
    return sorted(__all__)
