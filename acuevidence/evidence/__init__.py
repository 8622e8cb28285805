"""Evidence tables: loading, checking, and the rules that pick figures from them."""

from acuevidence.evidence.carried import joined
from acuevidence.evidence.importers import read_revman
from acuevidence.evidence.load import Evidence, conditions, data_folder, default_folder, load_beside, load_evidence
from acuevidence.evidence.rules import Rules, Window

__all__ = [
    "Evidence",
    "Rules",
    "Window",
    "conditions",
    "data_folder",
    "default_folder",
    "joined",
    "load_beside",
    "load_evidence",
    "read_revman",
]
