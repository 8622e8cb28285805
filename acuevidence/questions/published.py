"""What published syntheses found for the same question, turned to the same sign."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd

from acuevidence.appraisal.thresholds import appraisal_rules
from acuevidence.arguments import guard
from acuevidence.evidence import Evidence, load_evidence
from acuevidence.inputs import choice

__all__ = ["published"]

_COLUMNS = [
    "study",
    "year",
    "type",
    "condition",
    "comparator",
    "outcome",
    "timing",
    "estimate",
    "ci_low",
    "ci_high",
    "n_trials",
    "n_patients",
    "certainty",
    "doi",
    "pmid",
    "source_url",
    "figures_as_printed",
]


def published(
    condition: str,
    comparator: str | None = None,
    *,
    outcome: str | None = None,
    effect_measure: str = "SMD",
    evidence: Evidence | None = None,
) -> pd.DataFrame:
    """Return published pooled effects for a condition and comparator, positive in favour of the treatment.

    Parameters
    ----------
    condition : str
        One of :func:`acuevidence.conditions`.
    comparator : str, optional
        One of the evidence's comparators. Default: all.
    outcome : str, optional
        Word the published outcome begins with. Default: the main outcome of the evidence's topic.
    effect_measure : str
        As in ``reference_syntheses``, for example ``SMD`` or ``MD_0_100``.
    evidence : Evidence, default the package's

    Returns
    -------
    DataFrame
        One row a published result, oldest first; ``comparator`` is the package's, ``condition`` as published (some
        pool wider groups). Limits that were not printed are missing.

    Examples
    --------
    >>> import acuevidence as ae
    >>> ae.questions.published("headache", "sham")[["study", "estimate", "ci_low", "ci_high"]].values.tolist()
    [['Vickers 2012', 0.15, 0.07, 0.24]]
    """
    evidence = load_evidence() if evidence is None else evidence
    rules, topic = appraisal_rules(evidence)["published"], evidence.topic
    outcome = topic.main_outcome if outcome is None else outcome
    choice("condition", condition, list(evidence.topic.conditions))
    called = topic.published_comparators()
    known = list(called)
    wanted = known if comparator is None else [choice("comparator", comparator, known)]
    of = {printed: name for name in wanted for printed in called[name]}
    table = evidence.reference_syntheses
    skip = "|".join(map(re.escape, rules["not_main"]))
    rows = table[
        table["condition"].isin(topic.published_conditions(condition))
        & table["comparator"].isin(list(of))
        & (table["effect_measure"] == effect_measure)
        & table["outcome"].str.startswith(outcome)
        & ~(table["outcome"].str.contains(skip) if skip else False)
        & table["estimate"].notna()
    ].copy()
    rows["comparator"] = rows["comparator"].map(of)
    turn = np.where(rows["favours"].isin(topic.treatment.roles), np.sign(rows["estimate"]), -np.sign(rows["estimate"]))
    low, high = rows["ci_low"] * turn, rows["ci_high"] * turn
    rows["estimate"] *= turn
    rows["ci_low"], rows["ci_high"] = low.where(turn > 0, high), high.where(turn > 0, low)
    return rows[_COLUMNS].sort_values(["comparator", "year", "study"], ignore_index=True)


guard(__name__, "published")
