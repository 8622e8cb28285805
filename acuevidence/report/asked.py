"""Answers that pages and figures share, asked once of an evidence."""

from __future__ import annotations

import functools

import pandas as pd

from acuevidence.evidence import Evidence
from acuevidence.questions.sensitivity import sensitivity

__all__ = ["sensitivity_of"]


def sensitivity_of(condition: str, evidence: Evidence) -> pd.DataFrame:
    """Return the analyses of a condition beside its default, as :func:`acuevidence.questions.sensitivity` does.

    Parameters
    ----------
    condition : str
        One of the evidence's conditions.
    evidence : Evidence
        Whose trials are pooled.
    """
    return _sensitivity(condition, evidence).copy()


@functools.lru_cache(maxsize=64)
def _sensitivity(condition: str, evidence: Evidence) -> pd.DataFrame:
    return sensitivity(condition, evidence=evidence)
