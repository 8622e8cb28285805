"""Trial evidence on acupuncture for chronic pain, from printed figures to forest plots.

The names below are the whole public surface. Each loads what it needs when it is first used, so that importing costs nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from acuevidence import effects, plots, questions, report
    from acuevidence.appraisal.certainty import certainty
    from acuevidence.effects import effect_size, read_trials, trial_effects
    from acuevidence.errors import AcuevidenceError, ConvergenceError, EvidenceError, InputError, MissingExtraError
    from acuevidence.evidence import Evidence, conditions, load_evidence, read_revman
    from acuevidence.questions.decompose import decompose
    from acuevidence.questions.mid import mid
    from acuevidence.questions.multiverse import multiverse
    from acuevidence.questions.pooled import pooled
    from acuevidence.questions.variability import variability
    from acuevidence.synthesis import GroupedMetaAnalysis, MetaAnalysis, meta_analysis
    from acuevidence.synthesis.aggregate import aggregate
    from acuevidence.synthesis.batch import fit_many
    from acuevidence.synthesis.bayes import bayes
    from acuevidence.synthesis.glmm import glmm, glmm_single
    from acuevidence.synthesis.multilevel import multilevel
    from acuevidence.synthesis.multivariate import multivariate
    from acuevidence.synthesis.network import network
    from acuevidence.synthesis.network_arms import arm_contrasts
    from acuevidence.synthesis.network_components import component_network
    from acuevidence.synthesis.network_counts import network_counts
    from acuevidence.synthesis.robust_weights import robust_weights
    from acuevidence.synthesis.two_by_two import mantel_haenszel, peto
    from acuevidence.synthesis.vcalc import vcalc
    from acuevidence.topic import Topic
    from acuevidence.verdicts.claims import claims, evaluate_claims

__version__ = "0.2.0"

_LATER = {
    "AcuevidenceError": "acuevidence.errors",
    "ConvergenceError": "acuevidence.errors",
    "Evidence": "acuevidence.evidence",
    "EvidenceError": "acuevidence.errors",
    "GroupedMetaAnalysis": "acuevidence.synthesis",
    "InputError": "acuevidence.errors",
    "MetaAnalysis": "acuevidence.synthesis",
    "MissingExtraError": "acuevidence.errors",
    "Topic": "acuevidence.topic",
    "aggregate": "acuevidence.synthesis.aggregate",
    "arm_contrasts": "acuevidence.synthesis.network_arms",
    "bayes": "acuevidence.synthesis.bayes",
    "certainty": "acuevidence.appraisal.certainty",
    "claims": "acuevidence.verdicts.claims",
    "conditions": "acuevidence.evidence",
    "component_network": "acuevidence.synthesis.network_components",
    "decompose": "acuevidence.questions.decompose",
    "effect_size": "acuevidence.effects",
    "evaluate_claims": "acuevidence.verdicts.claims",
    "fit_many": "acuevidence.synthesis.batch",
    "load_evidence": "acuevidence.evidence",
    "glmm": "acuevidence.synthesis.glmm",
    "glmm_single": "acuevidence.synthesis.glmm",
    "mantel_haenszel": "acuevidence.synthesis.two_by_two",
    "meta_analysis": "acuevidence.synthesis",
    "mid": "acuevidence.questions.mid",
    "multilevel": "acuevidence.synthesis.multilevel",
    "multivariate": "acuevidence.synthesis.multivariate",
    "multiverse": "acuevidence.questions.multiverse",
    "network": "acuevidence.synthesis.network",
    "network_counts": "acuevidence.synthesis.network_counts",
    "peto": "acuevidence.synthesis.two_by_two",
    "pooled": "acuevidence.questions.pooled",
    "read_revman": "acuevidence.evidence",
    "read_trials": "acuevidence.effects",
    "robust_weights": "acuevidence.synthesis.robust_weights",
    "trial_effects": "acuevidence.effects",
    "variability": "acuevidence.questions.variability",
    "vcalc": "acuevidence.synthesis.vcalc",
}

_ROOMS = ("effects", "plots", "questions", "report")

__all__ = [
    "AcuevidenceError",
    "ConvergenceError",
    "Evidence",
    "EvidenceError",
    "GroupedMetaAnalysis",
    "InputError",
    "MetaAnalysis",
    "MissingExtraError",
    "Topic",
    "aggregate",
    "arm_contrasts",
    "bayes",
    "certainty",
    "claims",
    "component_network",
    "conditions",
    "decompose",
    "effect_size",
    "effects",
    "evaluate_claims",
    "fit_many",
    "glmm",
    "glmm_single",
    "load_evidence",
    "mantel_haenszel",
    "meta_analysis",
    "mid",
    "multilevel",
    "multivariate",
    "multiverse",
    "network",
    "network_counts",
    "peto",
    "plots",
    "pooled",
    "questions",
    "read_revman",
    "read_trials",
    "report",
    "robust_weights",
    "trial_effects",
    "variability",
    "vcalc",
]


def __getattr__(name: str) -> Any:
    if name in _ROOMS:
        return import_module(f"acuevidence.{name}")
    if name in _LATER:
        return getattr(import_module(_LATER[name]), name)
    raise AttributeError(f"module 'acuevidence' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
