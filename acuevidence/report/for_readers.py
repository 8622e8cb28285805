"""Answers and tables for people who read, not compute: words in place of code names, no empty cells, nothing cut off."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any

import pandas as pd

from acuevidence import words
from acuevidence.appraisal.in_words import method_words
from acuevidence.arguments import guard
from acuevidence.evidence import Evidence, load_evidence
from acuevidence.evidence.carried import evidence_of, excluded_of
from acuevidence.questions.pooled import pooled
from acuevidence.report.reading import reading
from acuevidence.report.table_forms import Table, interval
from acuevidence.synthesis import MetaAnalysis
from acuevidence.topic import Topic, topic_of

__all__ = ["answer", "by_window", "left_out", "readable", "results_table", "trials_table"]

_CODE = re.compile(r"[a-z0-9]+(_[a-z0-9]+)+")
_NOTHING = "–"
_HEADS = {
    "k": "Trials",
    "n": "Patients",
    "n1": "Patients treated",
    "n2": "Patients in the comparison",
    "yi": "SMD",
    "smd": "SMD",
    "p_value": "P",
    "q_p": "P of Q",
    "tau2": "τ²",
    "i2": "I² (%)",
    "se": "SE",
    "df": "df",
    "r2": "R² (%)",
}
_P_VALUES = ("p_value", "q_p", "P", "p", "P random", "p_random", "interaction_p")
_LIMITS = ("ci_low", "ci_high")
_MIDDLES = ("estimate", "yi", "difference", "rate", "SMD", "ratio", "share")  # what limits belong to, the first that is there


def answer(results: Mapping[str, MetaAnalysis]) -> str:
    """Return, as Markdown, what may be said of each comparison, in a sentence each.

    Parameters
    ----------
    results : mapping
        Comparator to MetaAnalysis, as :func:`acuevidence.pooled` gives them.

    Returns
    -------
    str
        A sentence a comparison, the weakest comparator first, with the numbers that it rests on.

    Examples
    --------
    >>> import acuevidence as ae
    >>> print(answer(ae.pooled("low_back_pain")).split(" (")[0])
    Against usual care, waiting list or no treatment, acupuncture may reduce pain; whether by an important amount cannot be told
    """
    topic = topic_of(results)
    said = []
    for name in sorted(results, key=topic.place):
        one = results[name]
        if not one.k:
            continue
        read = reading(one)
        first = read.said.split(". ")[0].rstrip(".")
        against = topic.label(name) if name in topic.comparators else topic.comparator(name).phrase
        numbers = read.effect
        if read.headline.estimate is not None:
            estimate, limits = read.effect.rstrip(")").split(" (")
            numbers = f"{estimate} {read.unit}, 95% interval {limits}"
        rated = f"certainty {read.certainty.level}"
        said.append(f"Against {_lower(against)}, {_lower(first)} ({numbers}; {read.trials}; {rated}).")
    return "\n\n".join(said) or "No trial prints a usable figure, so nothing can be said."


def results_table(results: Mapping[str, Mapping[str, MetaAnalysis]] | Mapping[str, MetaAnalysis]) -> Table:
    """Return pooled effects as they are printed everywhere, one row a comparison.

    Parameters
    ----------
    results : mapping
        Comparator to MetaAnalysis, or condition to such a mapping.

    Examples
    --------
    >>> import acuevidence as ae
    >>> results_table(ae.pooled("low_back_pain")).frame.columns.tolist()
    ['Against', 'Trials', 'SMD (95% CI)', '95% prediction interval', 'Smallest important difference', 'Certainty']
    """
    nested = any(isinstance(one, Mapping) for one in results.values())
    groups: Mapping[str, Any] = results if nested else {"": results}
    topic, rows = topic_of({f"{a}/{b}": one for a, found in groups.items() for b, one in found.items()}), []
    for condition, found in groups.items():
        for name in sorted(found, key=topic.place):
            read = reading(found[name])
            important = read.headline.threshold
            row = {
                "Condition": topic.label(condition) if condition in topic.conditions else condition,
                "Against": topic.comparator(name).phrase,
                "Trials": read.trials,
                "SMD (95% CI)": read.effect,
                "95% prediction interval": read.prediction,
                "Smallest important difference": "none published" if important is None else f"{important:.2f}",
                "Certainty": f"{read.certainty.symbols} {read.certainty.level}",
            }
            rows.append(row if nested else {key: value for key, value in row.items() if key != "Condition"})
    return Table("", pd.DataFrame(rows))


def trials_table(effects: pd.DataFrame) -> Table:
    """Return the trials behind pooled effects: who was compared, on what, when, and with what result.

    Parameters
    ----------
    effects : DataFrame
        Rows of :func:`acuevidence.trial_effects`.

    Examples
    --------
    >>> import acuevidence as ae
    >>> trials_table(ae.trial_effects("jaw_pain")).frame["Trial"].tolist()
    ['Liu 2024']
    """
    columns = ["study", "comparator", "n1", "n2", "instrument", "week", "yi", "ci_low", "ci_high", "derivation"]
    return readable(
        effects[columns], study="Trial", comparator="Against", instrument="Measured by", derivation="How the effect was derived"
    )


def left_out(effects: pd.DataFrame) -> Table:
    """Return the trials that give no effect, why, and what their own report concludes.

    Parameters
    ----------
    effects : DataFrame
        Rows of :func:`acuevidence.trial_effects`, which carry what they left out.

    Examples
    --------
    >>> import acuevidence as ae
    >>> left_out(ae.trial_effects("elbow_pain")).frame.columns.tolist()
    ['Trial', 'Against', 'Why it is not pooled', 'What its report says']
    """
    frame = excluded_of(effects)
    frame = pd.DataFrame(columns=["study", "comparator", "reason", "reported_direction"]) if frame is None else pd.DataFrame(frame)
    if "arm" in frame:
        frame = frame[frame["arm"].isna()]
    return readable(
        frame[["study", "comparator", "reason", "reported_direction"]],
        topic=topic_of(effects),
        study="Trial",
        comparator="Against",
        reason="Why it is not pooled",
        reported_direction="What its report says",
    )


def by_window(condition: str, *, evidence: Evidence | None = None) -> Table:
    """Return the pooled effects of a condition at the end of treatment and in later windows.

    Parameters
    ----------
    condition : str
        One of :func:`acuevidence.conditions`.
    evidence : Evidence, optional
        Default: the package's evidence.

    Examples
    --------
    >>> import acuevidence as ae
    >>> by_window("jaw_pain").frame["Weeks"].tolist()[0]
    'end of treatment'
    """
    evidence = load_evidence() if evidence is None else evidence
    rows, topic = [], evidence.topic
    for timing in ("end_of_treatment", "short", "medium", "long"):
        found = pooled(condition, evidence=evidence, timing=timing)
        for name in sorted(found, key=topic.place):
            read = reading(found[name], evidence)
            against = topic.comparator(name).phrase
            rows.append({"Weeks": timing.replace("_", " "), "Against": against, "Trials": read.trials, "SMD (95% CI)": read.effect})
    return Table("", pd.DataFrame(rows, columns=["Weeks", "Against", "Trials", "SMD (95% CI)"]))


def readable(frame: pd.DataFrame, title: str = "", *, topic: Topic | None = None, digits: int = 2, **names: str) -> Table:
    """Return a frame as a table for readers.

    Parameters
    ----------
    frame : DataFrame
        Its estimate and limits become one column; code names of the review become its words, missing cells a dash.
    title : str
        Heading.
    topic : Topic, optional
        The words of the review. Default: those that the frame carries, else the package's.
    digits : int
        Decimals.
    **names : str
        Column to its heading.

    Examples
    --------
    >>> import pandas as pd
    >>> frame = pd.DataFrame({"comparator": ["usual_care"], "estimate": [0.5], "ci_low": [-0.1], "ci_high": [1.1], "k": [3]})
    >>> readable(frame).frame.to_dict("records")
    [{'Comparator': 'usual care', 'Estimate (95% CI)': '0.50 (-0.10 to 1.10)', 'Trials': '3'}]
    """
    if topic is None:
        carried = evidence_of(frame)
        topic = carried.topic if carried is not None else load_evidence().topic
    made = pd.DataFrame(frame)
    if any(name is not None for name in made.index.names):
        made = made.reset_index(drop=all(name in made.columns for name in made.index.names))
    elif made.index.dtype == object:
        made = made.rename_axis(" ").reset_index()
    columns: dict[str, Any] = {}
    numbers = made.select_dtypes("number").columns
    middle = next((name for name in _MIDDLES if name in numbers), None)
    joined = middle is not None and set(_LIMITS) <= set(made.columns)
    for name in made.columns:
        head = names.get(str(name)) or _HEADS.get(str(name)) or _begun(str(name).replace("_", " "))
        if joined and name == middle:
            triples = zip(made[name], made["ci_low"], made["ci_high"], strict=True)
            columns[f"{head} (95% CI)"] = [_interval(*one, digits=digits) for one in triples]
        elif str(name) == "method":
            columns[head] = [method_words(str(value)) for value in made[name]]
        elif str(name) in _P_VALUES:
            columns[head] = [_NOTHING if pd.isna(value) else words.p(float(value)) for value in made[name]]
        elif not (joined and name in _LIMITS):
            columns[head] = [_cell(value, topic, digits) for value in made[name]]
    return Table(title, pd.DataFrame(columns))


def _interval(estimate: Any, low: Any, high: Any, *, digits: int) -> str:
    if pd.isna(estimate):
        return _NOTHING
    return f"{estimate:.{digits}f}" if pd.isna(low) else interval(float(estimate), float(low), float(high), digits=digits)


def _cell(value: Any, topic: Topic, digits: int) -> str:
    """Return a cell as it is read."""
    if not isinstance(value, str) and not pd.api.types.is_scalar(value):
        return words.series(map(str, value)) if len(value) else _NOTHING
    if pd.isna(value) or value == "":
        return _NOTHING
    if isinstance(value, bool) or type(value).__name__ == "bool_":
        return "yes" if value else "no"
    if isinstance(value, str):
        return "; ".join(_word(part, topic) for part in value.split("; "))
    number = float(value)
    if number == int(number) if math.isfinite(number) else False:
        return f"{int(number):,}" if abs(number) >= 10000 else f"{int(number)}"
    return f"{number + 0.0:.{digits}f}"


def _word(text: str, topic: Topic) -> str:
    """Return a code name of the review in its words."""
    if text in topic.conditions:
        return topic.label(text)
    if text in topic.comparators:
        return topic.comparator(text).phrase
    if text in topic.outcomes:
        return topic.outcome(text)
    return text.replace("_", " ") if _CODE.fullmatch(text) else text


def _begun(text: str) -> str:
    return text[:1].upper() + text[1:]


def _lower(text: str) -> str:
    return text[:1].lower() + text[1:]


guard(__name__, "answer", "by_window", "left_out", "readable", "results_table", "trials_table")
