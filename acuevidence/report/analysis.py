"""One condition as the command line prints it: what is pooled, how, and from which trials."""

from __future__ import annotations

import pandas as pd

from acuevidence.appraisal.in_words import method_words
from acuevidence.arguments import guard
from acuevidence.effects.marks import key_to_marks, marks_of
from acuevidence.effects.trials import trial_effects
from acuevidence.evidence import Evidence, load_evidence
from acuevidence.evidence.extractions import confirmed
from acuevidence.questions.pooled import groups_of, pooled
from acuevidence.report.methods_text import methods_text
from acuevidence.report.reading import reading
from acuevidence.synthesis import MetaAnalysis
from acuevidence.words import count

__all__ = ["analysis_text"]


def analysis_text(condition: str, *, timing: str = "end_of_treatment", evidence: Evidence | None = None) -> str:
    """Return the standard analysis of a condition: question, trials and results, every comparator apart.

    Parameters
    ----------
    condition : str
        One of :func:`acuevidence.conditions`.
    timing : str
        As in :func:`acuevidence.trial_effects`.
    evidence : Evidence, default the package's

    Returns
    -------
    str
        Condition, outcome, measure, direction and time; then for each comparator its trials and its result, or that there
        is no trial.

    Examples
    --------
    >>> print(analysis_text("neck_pain").splitlines()[0])
    Condition: Neck pain (neck_pain)
    """
    evidence = load_evidence() if evidence is None else evidence
    effects = trial_effects(condition, timing=timing, evidence=evidence)
    topic, one = evidence.topic, effects["effect"].iloc[0] if len(effects) else "SMD"
    outcomes = effects["outcome"].value_counts()
    named = ", ".join(f"{topic.outcome(name)} ({trials})" for name, trials in outcomes.items())
    lines = [
        f"Condition: {topic.label(condition)} ({condition})",
        f"Outcome:   {named or 'none'} (trials and comparisons that print it; one a trial and comparator)",
        f"Measure:   {one}; above 0 {topic.sides('benefit')[1].lower()}",
        f"Time:      {timing.replace('_', ' ')}",
    ]
    parts = ["\n".join(lines)]
    if effects.empty:
        known = int((evidence.trials["condition"] == condition).sum())
        listed = "no trial is" if known == 0 else f"{known} trial{' is' if known == 1 else 's are'}"
        parts.append(f"Nothing is pooled: {listed} listed, and none prints a figure that can be used.")
        return "\n\n".join(parts)
    results = pooled(condition, timing=timing, evidence=evidence)
    for key in list(groups_of(condition, evidence)) or results:
        head = topic.against(key)
        found = results.get(key)
        parts.append(f"{head}: no trial with usable figures" if found is None else f"{head}\n\n{_table(found)}\n\n{_result(found)}")
    return "\n\n".join(parts)


def _table(result: MetaAnalysis) -> str:
    data = result.data
    interval = [f"{y:.2f} ({low:.2f} to {high:.2f})" for y, low, high in data[["yi", "ci_low", "ci_high"]].to_numpy(dtype=float)]
    table = pd.DataFrame(
        {
            "trial": [f"{row['study']} {marks_of(row)}".rstrip() for row in data.to_dict("records")],
            "outcome": data["outcome"],
            "week": data["week"],
            "n": data["n1"],
            "control n": data["n2"],
            "effect (95% CI)": interval,
            "weight %": result.weights.round(1),
        }
    )
    key = key_to_marks(data)
    return table.astype(object).where(table.notna(), "").to_string(index=False) + (f"\n{key}" if key else "")


def _result(result: MetaAnalysis) -> str:
    """Return what is printed of a pooled effect, a line each."""
    read = reading(result)
    shown, why = read.headline, "; ".join(read.certainty.reasons)
    lines = [
        f"Trials:     {read.trials}" + (f"; {method_words(shown.method)}" if result.k > 2 else ""),
        f"Effect:     {read.effect} {read.unit}" + (f"; {read.points} points of 0-100" if read.points else ""),
        f"Predicted:  {read.prediction}" if result.k > 2 else "",
        f"Beside:     {read.beside}" if read.beside else "",
        f"State:      {shown.state}; smallest important difference: {read.important}",
        f"Certainty:  {read.certainty.level} {read.certainty.symbols}" + (f" ({why})" if why else ""),
        f"In words:   {read.said}",
        *(f"Note:       {note}" for note in read.notes),
        f"Methods:    {methods_text(result)}",
    ]
    agreed = confirmed(result.data)
    if agreed is not None:
        lines.append(
            f"Extracted:  two extractions agree on {agreed} of {count(result.k, 'pooled figure')} ({agreed / result.k:.0%})"
        )
    return "\n".join(filter(None, lines))


guard(__name__, "analysis_text")
