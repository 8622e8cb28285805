"""Judgements of trial quality as published, by the tool that the topic names.

Knows the table ``quality`` and the topic; what a rating does to a result is for the appraisal to say.
"""

from __future__ import annotations

import pandas as pd

from acuevidence.evidence.load import Evidence

__all__ = ["judged", "quality_scores"]


def judged(evidence: Evidence) -> pd.DataFrame:
    """Return the rows of the table ``quality`` by the tool that the topic names."""
    table = evidence.quality
    return table[table["tool"] == evidence.topic.quality.get("tool")]


def quality_scores(evidence: Evidence) -> pd.Series:
    """Return the printed score of quality of each trial that has one, the highest where pages differ.

    Examples
    --------
    >>> import acuevidence as ae
    >>> from acuevidence.evidence.ratings import quality_scores
    >>> int(quality_scores(ae.load_evidence())["cherkin2001"])
    7
    """
    table = judged(evidence)
    score = table[table["domain"] == evidence.topic.quality.get("score")]
    return score["judgement"].astype(float).groupby(score["trial_id"]).max()
