"""Synthesis: pairwise models on one batched kernel, dependent effects, networks, and the Bayesian model."""

from acuevidence.synthesis.pairwise import meta_analysis
from acuevidence.synthesis.result import GroupedMetaAnalysis, MetaAnalysis

__all__ = ["GroupedMetaAnalysis", "MetaAnalysis", "meta_analysis"]
