"""Trial evidence on acupuncture for chronic pain, from printed figures to forest plots.

The names below are the whole public surface. Those that need the appraisal or the plots load them when first used.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from acuevidence import effects
from acuevidence.effects import effect_size, trial_effects
from acuevidence.errors import AcuevidenceError, ConvergenceError, EvidenceError, InputError
from acuevidence.evidence import Evidence, conditions, load_evidence, read_revman, read_table
from acuevidence.synthesis import GroupedMetaAnalysis, MetaAnalysis, meta_analysis

if TYPE_CHECKING:
    from acuevidence import plots
    from acuevidence.appraisal.certainty import certainty
    from acuevidence.appraisal.conditions import pooled
    from acuevidence.appraisal.mid import mid
    from acuevidence.appraisal.points import typical_sd
    from acuevidence.appraisal.published import published
    from acuevidence.report.export import export
    from acuevidence.synthesis.batch import fit_many
    from acuevidence.synthesis.bayes import bayes
    from acuevidence.synthesis.multilevel import multilevel
    from acuevidence.synthesis.multivariate import multivariate
    from acuevidence.synthesis.network import network
    from acuevidence.synthesis.two_by_two import mantel_haenszel, peto
    from acuevidence.synthesis.vcalc import vcalc

__version__ = "0.1.0"

_LATER = {
    "bayes": "acuevidence.synthesis.bayes",
    "certainty": "acuevidence.appraisal.certainty",
    "export": "acuevidence.report.export",
    "fit_many": "acuevidence.synthesis.batch",
    "mantel_haenszel": "acuevidence.synthesis.two_by_two",
    "mid": "acuevidence.appraisal.mid",
    "multilevel": "acuevidence.synthesis.multilevel",
    "multivariate": "acuevidence.synthesis.multivariate",
    "network": "acuevidence.synthesis.network",
    "peto": "acuevidence.synthesis.two_by_two",
    "pooled": "acuevidence.appraisal.conditions",
    "published": "acuevidence.appraisal.published",
    "typical_sd": "acuevidence.appraisal.points",
    "vcalc": "acuevidence.synthesis.vcalc",
}

__all__ = [
    "AcuevidenceError",
    "ConvergenceError",
    "Evidence",
    "EvidenceError",
    "GroupedMetaAnalysis",
    "InputError",
    "MetaAnalysis",
    "bayes",
    "certainty",
    "conditions",
    "effect_size",
    "effects",
    "export",
    "fit_many",
    "load_evidence",
    "mantel_haenszel",
    "meta_analysis",
    "mid",
    "multilevel",
    "multivariate",
    "network",
    "peto",
    "plots",
    "pooled",
    "published",
    "read_revman",
    "read_table",
    "trial_effects",
    "typical_sd",
    "vcalc",
]


def __getattr__(name: str) -> Any:
    if name == "plots":
        return import_module("acuevidence.plots")
    if name in _LATER:
        return getattr(import_module(_LATER[name]), name)
    raise AttributeError(f"module 'acuevidence' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *_LATER, "plots"])
