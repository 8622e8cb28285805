"""Trial evidence on acupuncture for chronic pain, from printed figures to forest plots."""

from acuevidence.errors import AcuevidenceError, ConvergenceError, EvidenceError, InputError
from acuevidence.evidence import Evidence, conditions, load_evidence

__version__ = "0.1.0"

__all__ = [
    "AcuevidenceError",
    "ConvergenceError",
    "Evidence",
    "EvidenceError",
    "InputError",
    "conditions",
    "load_evidence",
]
