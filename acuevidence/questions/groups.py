"""Trials in groups: by what their columns print, and by numbers in them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import pandas as pd

from acuevidence.arguments import guard
from acuevidence.effects.trials import trial_effects
from acuevidence.errors import InputError
from acuevidence.evidence import Evidence, conditions, load_evidence
from acuevidence.evidence.carried import joined
from acuevidence.synthesis import MetaAnalysis, meta_analysis

__all__ = ["by_number", "descriptions", "groups_of_trials", "matches", "printed_number", "with_levels"]

_NUMBER = re.compile(r"\d+(?:\.\d+)?")


def groups_of_trials(evidence: Evidence | None = None) -> dict[str, dict[str, MetaAnalysis]]:
    """Return the pooled effects of the groups of trials that claims compare, for example kinds of treatment.

    Parameters
    ----------
    evidence : Evidence, default the package's

    Returns
    -------
    dict of dict of MetaAnalysis
        Group to comparator to pooled effect over all conditions, for groups with trials.

    Examples
    --------
    >>> from acuevidence.questions.groups import groups_of_trials
    >>> list(groups_of_trials())[:2]
    ['manual', 'electro']
    """
    evidence = load_evidence() if evidence is None else evidence
    entries = {entry["id"]: entry for entry in evidence.claims.get("claims") or ()}
    found: dict[str, dict[str, MetaAnalysis]] = {}
    for claim, called in (evidence.claims.get("groups") or {}).items():
        names = entries[claim]["population"] or conditions(evidence)
        effects = joined(trial_effects(name, evidence=evidence) for name in names)
        described = effects.assign(description=descriptions(effects, evidence))
        levels = with_levels(described, entries[claim]["options"]["levels"])
        for comparator in entries[claim]["comparators"]:
            for name in entries[claim]["options"]["levels"]:
                rows = effects[(levels == name) & (effects["comparator"] == comparator)]
                if len(rows):
                    result = meta_analysis("yi", "vi", data=rows, labels="study", test="HKSJ-adhoc")
                    found.setdefault(called.format(name), {})[comparator] = result
    return found


def by_number(column: str, comparator: str, *, evidence: Evidence | None = None) -> MetaAnalysis:
    """Return how the effect changes with a number that trials print.

    Parameters
    ----------
    column : str
        Column of :func:`acuevidence.trial_effects` whose cells hold a number or a range.
    comparator : str
        One of the evidence's comparators.
    evidence : Evidence, default the package's

    Returns
    -------
    MetaAnalysis
        Meta-regression over all conditions, of the trials that print the number.

    Raises
    ------
    InputError
        For an unknown comparator or column, or when fewer than three trials print the number.

    Examples
    --------
    >>> from acuevidence.questions.groups import by_number
    >>> list(by_number("sessions", "sham").coefficients.index)
    ['Intercept', 'sessions']
    """
    effects = trial_effects(comparator=comparator, evidence=evidence)
    if column not in effects:
        raise InputError(f"trial_effects has no column {column!r}; its columns are {', '.join(effects.columns)}")
    numbers = effects[column].map(printed_number).astype(float)
    known = effects.assign(**{column: numbers})[numbers.notna()]
    return meta_analysis("yi", "vi", data=known, labels="study", moderators=f"~ {column}", test="HKSJ-adhoc")


def descriptions(effects: pd.DataFrame, evidence: Evidence) -> pd.Series:
    """Return the descriptions of the treated arms behind effects.

    Parameters
    ----------
    effects : DataFrame
        Rows of :func:`acuevidence.trial_effects`.
    evidence : Evidence
        Where they come from.
    """
    table = evidence.arms.set_index(["trial_id", "arm"])["description"]
    told = [
        " ".join(str(table.get((trial, arm), "")) for arm in str(arms).split(", "))
        for trial, arms in zip(effects["trial_id"], effects["arms"], strict=True)
    ]
    return pd.Series(told, index=effects.index, dtype=object)


def with_levels(rows: pd.DataFrame, levels: Mapping[str, Mapping[str, str]]) -> pd.Series:
    """Return the level of each row: the first whose columns match its patterns; rows of none are missing."""
    found = pd.Series(None, index=rows.index, dtype=object)
    for name, patterns in levels.items():
        fits = found.isna()
        for column, pattern in patterns.items():
            fits &= matches(rows[column], pattern)
        found[fits] = name
    return found


def matches(column: pd.Series, pattern: str) -> pd.Series:
    """Return which cells match a regular expression, whatever their case; a missing cell is empty text."""
    found = re.compile(pattern, re.IGNORECASE)
    cells = [bool(found.search("" if pd.isna(cell) else str(cell))) for cell in column]
    return pd.Series(cells, index=column.index, dtype=bool)


def printed_number(printed: Any) -> float | None:
    """Return a printed number, the middle of a printed range, or None for words such as ``3 per week``."""
    if pd.isna(printed) or "per" in str(printed):
        return None
    numbers = [float(n) for n in _NUMBER.findall(str(printed))]
    return sum(numbers) / len(numbers) if numbers else None


guard(__name__, "by_number", "groups_of_trials")
