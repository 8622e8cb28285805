"""The minimal important difference of an outcome, from the package's tables where no others are given."""

from __future__ import annotations

from acuevidence.appraisal.thresholds import Mid, checked_threshold
from acuevidence.arguments import guard
from acuevidence.evidence import Evidence, load_evidence

__all__ = ["mid"]


def mid(
    outcome: str | None = None,
    measure: str = "SMD",
    *,
    condition: str | None = None,
    comparator: str | None = None,
    evidence: Evidence | None = None,
) -> Mid | None:
    """Return the minimal important difference of an outcome.

    Parameters
    ----------
    outcome : str, optional
        For example ``pain``. Default: the main outcome of the evidence's topic.
    measure : {"SMD", "MD"}
        ``MD`` is in points of a 0-100 scale.
    condition : str, optional
        Its own threshold where one is published, else the one of no named condition. Default: the latter.
    comparator : str, optional
        Leaves out thresholds that were published for another comparison. Default: any.
    evidence : Evidence, optional
        Where the thresholds are. Default: the package's evidence.

    Returns
    -------
    Mid or None
        None where no threshold between groups is published: such an effect is judged against no effect alone.

    Raises
    ------
    InputError
        For an outcome, measure, condition or comparator that the evidence does not know.

    Notes
    -----
    Only rows of ``thresholds.csv`` with level ``between`` and use ``decides`` decide: what one patient notices within himself is no
    threshold for a difference between groups. Points become standard deviations by the median SD of final scores between patients
    (:func:`acuevidence.typical_sd`). ``threshold_for`` in ``appraisal.yaml`` names outcomes that are judged by another's threshold
    where theirs is not published for the condition.

    Examples
    --------
    >>> import acuevidence as ae
    >>> ae.mid("pain", "MD", condition="low_back_pain").low, ae.mid("pain", "SMD", condition="knee_osteoarthritis").low
    (15.0, 0.37)
    >>> ae.mid("headache_frequency", "SMD") is None
    True
    """
    return checked_threshold(load_evidence() if evidence is None else evidence, outcome, measure, condition, comparator)


guard(__name__, "mid")
