"""The standard analysis of a condition: every trial with a usable figure, sham and usual care apart."""

from __future__ import annotations

from typing import Any

from acuevidence.arguments import guard
from acuevidence.effects.trials import trial_effects
from acuevidence.evidence import Evidence, conditions, load_evidence
from acuevidence.synthesis import GroupedMetaAnalysis, meta_analysis

__all__ = ["pooled", "pooled_conditions"]


def pooled(
    condition: str,
    *,
    evidence: Evidence | None = None,
    method: str = "REML",
    test: str = "HKSJ-adhoc",
    **selection: Any,
) -> GroupedMetaAnalysis:
    """Pool a condition's trials by comparator.

    Parameters
    ----------
    condition : str
        One of :func:`acuevidence.conditions`.
    evidence : Evidence, optional
        Default: the package's evidence.
    method, test : str
        As in :func:`acuevidence.meta_analysis`. The ad hoc variant of HKSJ is the default here, because some of these
        syntheses hold two or three trials that happen to agree: plain HKSJ would then print an interval narrower
        than the trials themselves allow (Röver, Knapp and Friede 2015, BMC Medical Research Methodology 15:99).
    **selection
        ``outcome``, ``timing``, ``measure`` and ``cautions`` of :func:`acuevidence.trial_effects`.

    Returns
    -------
    GroupedMetaAnalysis
        Comparator to result; positive effects favour acupuncture.

    Raises
    ------
    InputError
        As the two functions above.

    Examples
    --------
    >>> import acuevidence as ae
    >>> list(ae.pooled("low_back_pain"))
    ['sham', 'usual_care']
    """
    effects = trial_effects(condition, evidence=evidence, **selection)
    return meta_analysis("yi", "vi", data=effects, labels="study", by="comparator", method=method, test=test)


def pooled_conditions(evidence: Evidence | None = None) -> dict[str, GroupedMetaAnalysis]:
    """Pool every condition by comparator, those without a trial to pool left out.

    Parameters
    ----------
    evidence : Evidence, optional
        Default: the package's evidence.

    Returns
    -------
    dict of GroupedMetaAnalysis
        Condition to its standard analysis.

    Examples
    --------
    >>> from acuevidence.questions.pooled import pooled_conditions
    >>> list(pooled_conditions())[:2]
    ['low_back_pain', 'knee_osteoarthritis']
    """
    evidence = load_evidence() if evidence is None else evidence
    return {
        condition: pooled(condition, evidence=evidence)
        for condition in conditions(evidence)
        if len(trial_effects(condition, evidence=evidence))
    }


guard(__name__, "pooled", "pooled_conditions")
