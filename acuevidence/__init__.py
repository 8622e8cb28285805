"""Trial evidence on acupuncture for chronic pain, from printed figures to forest plots."""

from acuevidence.errors import AcuevidenceError, ConvergenceError, EvidenceError, InputError
from acuevidence.evidence import Evidence, conditions, load_evidence
from acuevidence.synthesis import GroupedMetaAnalysis, MetaAnalysis, meta_analysis

__version__ = "0.1.0"

__all__ = [
    "AcuevidenceError",
    "ConvergenceError",
    "Evidence",
    "EvidenceError",
    "GroupedMetaAnalysis",
    "InputError",
    "MetaAnalysis",
    "conditions",
    "load_evidence",
    "meta_analysis",
]
