"""Results in sentences that a clinician can read and a statistician would sign; every number comes from a result."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from acuevidence import words
from acuevidence.appraisal.in_words import method_words
from acuevidence.effects.participants import counted
from acuevidence.evidence import Evidence, load_evidence
from acuevidence.evidence.carried import evidence_of, excluded_of
from acuevidence.questions.published import published
from acuevidence.report.reading import reading
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
        used = effects[effects["comparator"] == comparator]
        missing = left[left["comparator"] == comparator]
        said = missing["reported_direction"].fillna("").str.contains("benefit").sum()
        against = _lower_first(topic.label(comparator))
        lines.append(
            f"Against {against}, {words.count(len(used), 'trial')} {_verb(len(used), 'print')} a figure that can be pooled at the end "
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
        A paragraph per comparator: what is printed of the effect (``result.headline()``) with points on a 0-100 scale, what may be
        said of it, the smallest important difference it is judged by, what a new trial may find, and the certainty with its reasons.
    """
    evidence = evidence_of(results)
    return "\n\n".join(_paragraph(name, one, evidence) for name, one in results.items())


def beside_published(condition: str, results: Mapping[str, MetaAnalysis]) -> pd.DataFrame:
    """Return the package's pooled effects and the published ones in one table.

    Parameters
    ----------
    condition, results
        As in :func:`meaning`.

    Returns
    -------
    DataFrame
        Rows by comparator: the package's result first (``result.headline()``; without numbers where two trials are not pooled), then
        the published ones; SMD, positive favours the treatment.
    """
    rows = [
        {
            "comparator": name,
            "source": "acuevidence",
            "scope": condition,
            "timing": "end of treatment",
            "SMD": shown.estimate,
            "low": shown.ci_low,
            "high": shown.ci_high,
            "trials": one.k,
        }
        for name, one in results.items()
        if one.k > 0 and (shown := reading(one).headline)
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
    return frame.astype(dict.fromkeys(("SMD", "low", "high"), float)).round(2).astype({"trials": "Int64"})


def _paragraph(name: str, one: MetaAnalysis, evidence: Evidence | None) -> str:
    topic = topic_of(one) if evidence is None else evidence.topic
    against = f"**Against {_lower_first(topic.label(name))}**"
    if one.k == 0:
        return f"{against} no trial prints a usable figure."
    read = reading(one, evidence)
    people = counted(one.data).text()
    trials = words.count(one.k, "trial") + (f" with {people} participants" if people else "")
    if read.headline.estimate is None:
        first = f"{against}, {trials} {'are' if one.k > 1 else 'is'} not pooled: {read.effect.partition(': ')[2]}."
    else:
        pooled = "a pooled" if one.k > 1 else "a"
        points = f", about {read.points} points of 0-100" if read.points else ""
        by = f", by the {method_words(read.headline.method)}" if read.headline.method.startswith("Bayes") else ""
        side = f"above 0 is better with {topic.treatment.phrase}"
        first = f"{against}, {trials} {_verb(one.k, 'give')} {pooled} difference of {read.effect} {read.unit}{by}{points}; {side}."
    known = "" if read.threshold is None else f"The smallest important difference is {read.important}."
    parts = [first, read.said, known or "No smallest important difference is published for it; it is judged against no effect."]
    if read.beside:
        parts.append(f"By the other method: {read.beside}.")
    if one.k > 2:
        spread = "" if one.tau2 is None else f"; tau2 {one.tau2:.3f}, I2 {one.i2:.0f}%"
        parts.append(f"95% prediction interval, for the true effect of a new trial: {read.prediction}{spread}.")
    parts += read.notes
    why = "; ".join(read.certainty.reasons)
    parts.append(f"Certainty: **{read.certainty.level}** {read.certainty.symbols}" + (f" ({why})." if why else "."))
    return " ".join(filter(None, parts))


def _lower_first(text: str) -> str:
    return text[:1].lower() + text[1:]


def _verb(n: int, plural: str, singular: str = "") -> str:
    return (singular or f"{plural}s") if n == 1 else plural
