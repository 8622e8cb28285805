"""Questions: what an evidence says, asked of its trials."""

from acuevidence.questions.comparators import comparators
from acuevidence.questions.components import components
from acuevidence.questions.consensus import consensus
from acuevidence.questions.decompose import decompose
from acuevidence.questions.evidence_map import evidence_map
from acuevidence.questions.flip import flip
from acuevidence.questions.flow import flow
from acuevidence.questions.groups import groups_of_trials
from acuevidence.questions.multiverse import multiverse
from acuevidence.questions.overview import overview
from acuevidence.questions.patients import patients
from acuevidence.questions.pooled import pooled
from acuevidence.questions.published import published
from acuevidence.questions.responders import responders
from acuevidence.questions.safety import safety
from acuevidence.questions.sensitivity import sensitivity
from acuevidence.questions.time_course import time_course
from acuevidence.questions.timeline import timeline
from acuevidence.questions.treatments import treatment_network
from acuevidence.questions.two_outcomes import two_outcomes
from acuevidence.questions.typical_sd import typical_sd
from acuevidence.questions.variability import variability

__all__ = [
    "comparators",
    "components",
    "consensus",
    "decompose",
    "evidence_map",
    "flip",
    "flow",
    "groups_of_trials",
    "multiverse",
    "overview",
    "patients",
    "pooled",
    "published",
    "responders",
    "safety",
    "sensitivity",
    "time_course",
    "timeline",
    "treatment_network",
    "two_outcomes",
    "typical_sd",
    "variability",
]


def __dir__() -> list[str]:
    return sorted(__all__)
