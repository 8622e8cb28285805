"""Ratings of trial quality as printed by PEDro and others, one column a domain."""

from __future__ import annotations

import pandas as pd

from acuevidence.arguments import guard
from acuevidence.evidence import Evidence, load_evidence
from acuevidence.evidence.carried import carry
from acuevidence.evidence.ratings import judged
from acuevidence.inputs import choice

__all__ = ["quality_domains", "quality_ratings"]

_SIGNS = {"yes": "+", "no": "-"}


def quality_domains(evidence: Evidence | None = None) -> pd.DataFrame:
    """Return the domains of quality: ``head`` (one letter) and ``label``, by the domain as it stands in the table ``quality``.

    Examples
    --------
    >>> from acuevidence.questions.quality import quality_domains
    >>> quality_domains().loc["random_allocation", "head"]
    'A'
    """
    topic = (load_evidence() if evidence is None else evidence).topic
    return pd.DataFrame(list(topic.quality.get("domains", [])), columns=["column", "head", "label"]).set_index("column")


def quality_ratings(condition: str | None = None, *, evidence: Evidence | None = None) -> pd.DataFrame:
    """Return the printed ratings of trial quality.

    Parameters
    ----------
    condition : str, optional
        One of :func:`acuevidence.conditions`. Default: all.
    evidence : Evidence, default the package's

    Returns
    -------
    DataFrame
        One row a trial that was appraised domain by domain (index ``trial_id``), one column a domain by its one-letter
        head; cells ``+`` (met), ``-`` (not met) or ``?`` (not rated). Fit for ``plots.forest(quality=...)``; it carries
        the evidence, so that ``plots.quality`` names the trials.

    Examples
    --------
    >>> import acuevidence as ae
    >>> from acuevidence.questions.quality import quality_ratings
    >>> ratings = quality_ratings("low_back_pain")
    >>> sorted(set(ratings.to_numpy().ravel()))
    ['+', '-']
    """
    evidence = load_evidence() if evidence is None else evidence
    table = judged(evidence)
    if condition is not None:
        table = table[table["condition"] == choice("condition", condition, list(evidence.topic.conditions))]
    domains = quality_domains(evidence)
    table = table[table["domain"].isin(domains.index)]
    # A trial may be rated on two pages: the first of them counts.
    rated = table.drop_duplicates(["trial_id", "domain"]).pivot(index="trial_id", columns="domain", values="judgement")
    rated = rated.reindex(index=table["trial_id"].unique(), columns=domains.index)
    signs = rated.apply(lambda column: column.map(_SIGNS).fillna("?"))
    return carry(signs.set_axis(list(domains["head"]), axis=1), topic=evidence.topic, evidence=evidence)


guard(__name__, "quality_ratings")
