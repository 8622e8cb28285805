"""How credible a difference between groups of trials is: the criteria of ICEMAN that the trials themselves answer."""

from __future__ import annotations

from acuevidence.inputs import choice

__all__ = ["credibility"]

_CHANCE = ((0.005, "very unlikely"), (0.01, "unlikely"), (0.05, "likely"), (1.0, "very likely"))


def credibility(p: float, *, smallest: int | None = None, fewest: int = 5, comparison: str = "between") -> tuple[str, str]:
    """Rate how credible an effect modification is.

    Parameters
    ----------
    p : float
        P value of the test for it, from a random-effects model.
    smallest : int, optional
        Trials in the smallest group; None for a number in place of groups.
    fewest : int
        Trials of a group below which it is very low.
    comparison : {"between", "within"}
        Whether groups are of different trials, or of patients within the same trials.

    Returns
    -------
    level, reason : str
        ``very low``, ``low`` or ``moderate``, and why.

    Notes
    -----
    After ICEMAN, the Instrument to assess the Credibility of Effect Modification Analyses: a comparison between trials is credible at
    most at low; at very low where chance is a very likely explanation (P above 0.05) or a group holds few trials. Whether the direction
    was predicted, and by what, the tables do not hold, so that nothing is rated high.

    Examples
    --------
    >>> from acuevidence.appraisal.credibility import credibility
    >>> credibility(0.003, smallest=6)
    ('low', 'between trials; chance very unlikely')
    >>> credibility(0.2, smallest=3)[0]
    'very low'
    """
    choice("comparison", comparison, ("between", "within"))
    chance = next(word for limit, word in _CHANCE if p <= limit or limit == 1.0)
    few = smallest is not None and smallest < fewest
    reason = f"{comparison} trials; chance {chance}" + (f"; {smallest} trials in a group" if few else "")
    if chance == "very likely" or few:
        return "very low", reason
    return ("low" if comparison == "between" else "moderate"), reason
