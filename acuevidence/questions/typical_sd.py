"""Standardised differences in words of the clinic: points on a 0-100 scale."""

from __future__ import annotations

from acuevidence.appraisal.typical_sd import TypicalSD, typical_sd_of
from acuevidence.arguments import guard
from acuevidence.evidence import Evidence, load_evidence

__all__ = ["TypicalSD", "typical_sd"]


def typical_sd(condition: str | None = None, *, outcome: str | None = None, evidence: Evidence | None = None) -> TypicalSD:
    """Return the typical SD of an outcome on a 0-100 scale.

    Parameters
    ----------
    condition : str, optional
        One condition; where it prints fewer than three trials' SDs, or by default, all conditions together.
    outcome : str, optional
        Default: the main outcome of the topic.
    evidence : Evidence, default the package's

    Returns
    -------
    TypicalSD
        Median and quartiles of the printed SDs of final scores, missing where none is printed; ``MD = SMD * sd`` (Cochrane
        Handbook 15.5.3.2).

    Examples
    --------
    >>> import acuevidence as ae
    >>> 15 < ae.questions.typical_sd().sd < 30
    True
    """
    return typical_sd_of(load_evidence() if evidence is None else evidence, condition, outcome)


guard(__name__, "typical_sd")
