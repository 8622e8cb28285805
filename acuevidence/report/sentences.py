"""Results in sentences that a clinician can read and a statistician would sign; every number comes from a result."""

from __future__ import annotations

import math
from collections.abc import Mapping

import pandas as pd

from acuevidence.appraisal.certainty import certainty
from acuevidence.appraisal.thresholds import main_mid
from acuevidence.effects.participants import counted
from acuevidence.evidence import Evidence, load_evidence
from acuevidence.evidence.carried import evidence_of, excluded_of
from acuevidence.questions.published import published
from acuevidence.questions.typical_sd import typical_sd
from acuevidence.synthesis import MetaAnalysis
from acuevidence.topic import topic_of

__all__ = ["beside_published", "coverage", "meaning"]


def coverage(condition: str, effects: pd.DataFrame, *, evidence: Evidence | None = None) -> str:
    """Return, as Markdown, which trials of a condition are known, which are pooled and which are missing.

    Parameters
    ----------
    condition : str
        One of :func:`acuevidence.conditions`.
    effects : DataFrame
        Its rows of :func:`acuevidence.trial_effects`.
    evidence : Evidence, optional
        Default: the one that the rows carry, else the package's.

    Returns
    -------
    str
        Markdown.
    """
    evidence = evidence_of(effects, evidence) or load_evidence()
    topic = evidence.topic
    trials = evidence.trials[evidence.trials["condition"] == condition]
    lines = [
        f"The tables know **{len(trials)} randomised trials** of {topic.treatment.phrase} in {topic.label(condition).lower()} "
        f"({int(trials['n_randomized'].sum()):,} participants where the number is printed)."
    ]
    left = excluded_of(effects)
    if left is None:
        return lines[0]
    left = left[left["arm"].isna()]
    for comparator in topic.comparators:
        words = topic.label(comparator)
        words = words[:1].lower() + words[1:]
        used = effects[effects["comparator"] == comparator]
        missing = left[left["comparator"] == comparator]
        said = missing["reported_direction"].fillna("").str.contains("benefit").sum()
        lines.append(
            f"Against {words}, {_count(len(used), 'trial')} {_verb(len(used), 'print')} a figure that can be pooled at the end "
            f"of treatment and {len(missing)} {_verb(len(missing), 'do', 'does')} not; {said} of these {len(missing)} "
            f"{_verb(said, 'report')} a benefit in {'its' if said == 1 else 'their'} own words."
        )
    return "\n\n".join(lines)


def meaning(condition: str, results: Mapping[str, MetaAnalysis]) -> str:
    """Return, as Markdown, what the pooled effects of a condition mean.

    Parameters
    ----------
    condition : str
        One of :func:`acuevidence.conditions`.
    results : mapping
        Comparator to MetaAnalysis on the SMD scale.

    Returns
    -------
    str
        A paragraph per comparator: size, points on a 0-100 scale, the minimal important difference, what a new trial may
        find, and the certainty with its reasons.
    """
    evidence = evidence_of(results)
    return "\n\n".join(_paragraph(condition, name, one, evidence) for name, one in results.items())


def beside_published(condition: str, results: Mapping[str, MetaAnalysis]) -> pd.DataFrame:
    """Return the package's pooled effects and the published ones in one table.

    Parameters
    ----------
    condition, results
        As in :func:`meaning`.

    Returns
    -------
    DataFrame
        Rows by comparator: the package's result first, then the published ones; SMD, positive favours the treatment.
    """
    rows = [
        {
            "comparator": name,
            "source": "acuevidence",
            "scope": condition,
            "timing": "end of treatment",
            "SMD": one.estimate,
            "low": one.ci_low,
            "high": one.ci_high,
            "trials": one.k,
        }
        for name, one in results.items()
        if one.k > 0
    ]
    for row in published(condition, evidence=evidence_of(results)).itertuples():
        rows.append(
            {
                "comparator": row.comparator,
                "source": row.study,
                "scope": row.condition,
                "timing": row.timing,
                "SMD": row.estimate,
                "low": row.ci_low,
                "high": row.ci_high,
                "trials": row.n_trials,
            }
        )
    frame = pd.DataFrame(rows).sort_values("comparator", kind="stable", ignore_index=True)
    return frame.round(2).astype({"trials": "Int64"})


def _paragraph(condition: str, name: str, one: MetaAnalysis, evidence: Evidence | None) -> str:
    topic = topic_of(one) if evidence is None else evidence.topic
    against = topic.label(name)
    against = against[:1].lower() + against[1:]
    if one.k == 0:
        return f"**Against {against}** no trial prints a usable figure."
    band = main_mid(evidence)
    side = f"in favour of {topic.treatment.phrase}" if one.estimate > 0 else "in favour of the comparator"
    first = (
        f"**Against {against}**, {_count(one.k, 'trial')} with {counted(one.data).text()} participants {_verb(one.k, 'give')} "
        f"{'a pooled' if one.k > 1 else 'a'} difference of {abs(one.estimate):.2f} SD {side} "
        f"(95% interval {one.ci_low:.2f} to {one.ci_high:.2f}){_points(one, condition, evidence)}. {_against_null(one)}"
    )
    if band is not None:
        first += f" {_against_mid(one, band.low, band.high)}"
    if one.k > 2:
        first += (
            f" The true effect of a new trial may be expected between {one.pi_low:.2f} and {one.pi_high:.2f} "
            f"(95% prediction interval; tau2 {one.tau2:.3f}, I2 {one.i2:.0f}%)."
        )
    rated = certainty(one)
    why = "; ".join(rated.reasons)
    return f"{first} Certainty: **{rated.level}** {rated.symbols}" + (f" ({why})." if why else ".")


def _points(one: MetaAnalysis, condition: str, evidence: Evidence | None) -> str:
    """Return the effect in points of the main outcome, where trials print the spread on a scale."""
    spread = None if evidence is None else typical_sd(condition, evidence=evidence)
    if evidence is None or spread is None or math.isnan(spread.sd):
        return ""
    return (
        f"; with a typical SD of {spread.sd:.0f} points that is about {abs(one.estimate * spread.sd):.0f} points on a 0-100 scale of "
        f"{evidence.topic.outcome(evidence.topic.main_outcome)} ({one.ci_low * spread.sd:.0f} to {one.ci_high * spread.sd:.0f})"
    )


def _against_null(one: MetaAnalysis) -> str:
    if one.ci_low > 0:
        return "The interval excludes no difference."
    return "The interval includes no difference." if one.ci_high > 0 else "The interval lies on the comparator's side."


def _against_mid(one: MetaAnalysis, low: float, high: float) -> str:
    band = f"the band of published minimal important differences ({low:.2f} to {high:.2f} SD)"
    if one.estimate < low:
        where = f"The estimate lies below {band}"
    else:
        where = f"The estimate lies {'within' if one.estimate <= high else 'above'} {band}"
    if one.ci_low < low <= one.ci_high:
        return f"{where}; the interval holds its lower end."
    return f"{where}; so does all of the interval." if one.ci_low >= low or one.ci_high < low else f"{where}."


def _count(n: int, noun: str) -> str:
    return f"{n} {noun}" + ("" if n == 1 else "s")


def _verb(n: int, plural: str, singular: str = "") -> str:
    return (singular or f"{plural}s") if n == 1 else plural
