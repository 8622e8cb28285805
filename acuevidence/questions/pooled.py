"""The standard analysis of a condition: every trial with a usable figure, comparators apart, populations apart."""

from __future__ import annotations

import functools
from dataclasses import replace
from typing import Any

import pandas as pd

from acuevidence.arguments import guard
from acuevidence.effects.trials import trial_effects
from acuevidence.evidence import Evidence, load_evidence
from acuevidence.evidence.carried import carry, evidence_of, excluded_of
from acuevidence.synthesis import GroupedMetaAnalysis, meta_analysis

__all__ = ["apart", "groups_of", "pooled"]


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
    evidence : Evidence, default the package's
    method, test : str
        As in :func:`acuevidence.meta_analysis`. The ad hoc variant of HKSJ is the default here, because some of these
        syntheses hold two or three trials that happen to agree: plain HKSJ would then print an interval narrower
        than the trials themselves allow (Röver, Knapp and Friede 2015, BMC Medical Research Methodology).
    **selection
        ``outcome``, ``timing``, ``measure`` and ``cautions`` of :func:`acuevidence.trial_effects`.

    Returns
    -------
    GroupedMetaAnalysis
        Comparator to result; positive effects favour acupuncture. Where the trials of a condition fall into populations, which are
        not pooled, the groups are ``"sham, men"`` and so on. Empty where no trial prints a usable figure.

    Raises
    ------
    InputError
        As the two functions above.

    Examples
    --------
    >>> import acuevidence as ae
    >>> list(ae.pooled("low_back_pain"))
    ['sham', 'usual_care']
    >>> list(ae.pooled("pelvic_pain"))
    ['sham, men', 'sham, women', 'usual_care, men']
    >>> print(ae.pooled("hip_osteoarthritis").summary())
    No trial with usable figures: nothing is pooled.
    """
    if selection:
        return _pooled(condition, evidence, method, test, **selection)
    return _whole(condition, load_evidence() if evidence is None else evidence, method, test)


@functools.lru_cache(maxsize=128)
def _whole(condition: str, evidence: Evidence, method: str, test: str) -> GroupedMetaAnalysis:
    """Return the analysis that pages, figures and answers share, each of its groups made once."""
    found = _pooled(condition, evidence, method, test)
    return replace(found, groups=dict(found))


def _pooled(condition: str, evidence: Evidence | None, method: str, test: str, **selection: Any) -> GroupedMetaAnalysis:
    effects = apart(trial_effects(condition, evidence=evidence, **selection))
    if effects.empty:
        return GroupedMetaAnalysis("comparator", {}, None)
    by = "comparator" if effects["group"].equals(effects["comparator"]) else "group"
    return meta_analysis("yi", "vi", data=effects, labels="study", by=by, method=method, test=test)


def apart(effects: pd.DataFrame) -> pd.DataFrame:
    """Return effects with their ``group``, the comparator and, where a condition's trials fall into populations, these.

    They are rows of :func:`acuevidence.trial_effects`, and stand by group, comparators and populations each in their order.

    Examples
    --------
    >>> import acuevidence as ae
    >>> from acuevidence.questions.pooled import apart
    >>> apart(ae.trial_effects("pelvic_pain", comparator="sham"))["group"].value_counts().to_dict()
    {'sham, men': 4, 'sham, women': 2}
    """
    evidence = evidence_of(effects)
    if evidence is None:
        return effects.assign(group=effects["comparator"])
    conditions = list(effects["condition"].unique())
    split = {condition: _populations(condition, evidence) for condition in conditions}
    names = [
        evidence.topic.among(row.comparator, row.population if split[row.condition] else None)
        for row in effects[["condition", "comparator", "population"]].itertuples()
    ]
    order = {name: i for i, name in enumerate(dict.fromkeys(name for c in conditions for name in groups_of(c, evidence)))}
    found = effects.assign(group=pd.Series(names, index=effects.index, dtype=object))
    left = excluded_of(effects)
    if left is not None:
        out = pd.DataFrame(left)
        population = out["population"].where(out["condition"].map(lambda name: bool(split.get(name))))
        carry(found, excluded=out.assign(group=list(map(evidence.topic.among, out["comparator"], population))))
    return found.sort_values("group", kind="stable", key=lambda column: column.map(order), ignore_index=True)


def groups_of(condition: str, evidence: Evidence) -> dict[str, tuple[str, str | None]]:
    """Return every group of a condition's trials: its name to the comparator and, where populations are not pooled, the population.

    Parameters
    ----------
    condition : str
        One of :func:`acuevidence.conditions`.
    evidence : Evidence
        Whose comparators and trials.
    """
    split: list[str | None] = [*_populations(condition, evidence)] or [None]
    return {
        evidence.topic.among(comparator, population): (comparator, population)
        for comparator in evidence.topic.comparators
        for population in split
    }


def _populations(condition: str, evidence: Evidence) -> list[str]:
    """Return the populations into which a condition's trials fall; none where they are one."""
    found = sorted(evidence.trials.loc[evidence.trials["condition"] == condition, "population"].dropna().unique())
    return list(found) if len(found) > 1 else []


guard(__name__, "pooled")
