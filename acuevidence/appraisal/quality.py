"""Ratings of trial quality as printed by PEDro and others, one column a domain."""

from __future__ import annotations

import pandas as pd

from acuevidence.appraisal.mid import appraisal_rules
from acuevidence.evidence import Evidence, load_evidence
from acuevidence.inputs import choice

__all__ = ["quality_domains", "quality_ratings", "quality_scores"]

_SIGNS = {"yes": "+", "no": "-"}


def quality_domains() -> pd.DataFrame:
    """Return the domains of quality: ``head`` (one letter) and ``label``, by the domain as it stands in the table ``quality``.

    Examples
    --------
    >>> from acuevidence.appraisal.quality import quality_domains
    >>> quality_domains().loc["random_allocation", "head"]
    'A'
    """
    return pd.DataFrame(appraisal_rules()["quality"]["domains"]).set_index("column")


def quality_ratings(condition: str | None = None, *, evidence: Evidence | None = None) -> pd.DataFrame:
    """Return the printed ratings of trial quality.

    Parameters
    ----------
    condition : str, optional
        One of :func:`acuevidence.conditions`. Default: all.
    evidence : Evidence, optional
        Default: the package's evidence.

    Returns
    -------
    DataFrame
        One row a trial that was appraised domain by domain (index ``trial_id``), one column a domain by its one-letter
        head; cells ``+`` (met), ``-`` (not met) or ``?`` (not rated). Fit for ``plots.forest(quality=...)``.

    Raises
    ------
    InputError
        For an unknown condition.

    Examples
    --------
    >>> import acuevidence as ae
    >>> from acuevidence.appraisal.quality import quality_ratings
    >>> ratings = quality_ratings("low_back_pain")
    >>> sorted(set(ratings.to_numpy().ravel()))
    ['+', '-']
    """
    evidence = load_evidence() if evidence is None else evidence
    table = _judged(evidence)
    if condition is not None:
        table = table[table["condition"] == choice("condition", condition, list(evidence.rules.conditions))]
    domains = quality_domains()
    table = table[table["domain"].isin(domains.index)]
    # A trial may be rated on two pages: the first of them counts.
    rated = table.drop_duplicates(["trial_id", "domain"]).pivot(index="trial_id", columns="domain", values="judgement")
    rated = rated.reindex(index=table["trial_id"].unique(), columns=domains.index)
    signs = rated.apply(lambda column: column.map(_SIGNS).fillna("?"))
    return signs.set_axis(list(domains["head"]), axis=1)


def quality_scores(evidence: Evidence | None = None) -> pd.Series:
    """Return the printed score of quality of each trial that has one, the highest where pages differ.

    Examples
    --------
    >>> from acuevidence.appraisal.quality import quality_scores
    >>> int(quality_scores()["cherkin2001"])
    7
    """
    table = _judged(load_evidence() if evidence is None else evidence)
    score = table[table["domain"] == appraisal_rules()["quality"]["score"]]
    return score["judgement"].astype(float).groupby(score["trial_id"]).max()


def _judged(evidence: Evidence) -> pd.DataFrame:
    return evidence.quality[evidence.quality["tool"] == appraisal_rules()["quality"]["tool"]]
