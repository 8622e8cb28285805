"""Effects in plain words, saying no more than the certainty allows (GRADE guidelines 26, Santesso et al 2020)."""

from __future__ import annotations

from acuevidence import words

__all__ = ["in_words", "method_words"]

_SAID = {
    "important": "{verb} {outcome} by an important amount",
    "benefit, importance uncertain": "{verb} {outcome}; whether by an important amount cannot be told",
    "benefit": "{verb} {outcome}",
    "small": "{verb} {outcome} slightly",
    "no important effect": "{makes} little or no difference to {outcome}",
    "harm": "{makes} {outcome} worse",
}
_VERY_LOW = "the evidence is very uncertain about the effect of {treatment} on {outcome}"


def in_words(
    state: str,
    level: str,
    *,
    treatment: str,
    outcome: str,
    low: float | None = None,
    high: float | None = None,
    verb: str = "improves",
    unit: str = "SD",
) -> str:
    """Return what may be said of an effect.

    Parameters
    ----------
    state : str
        As :func:`.states.state_of` gives it.
    level : str
        Certainty, ``high`` to ``very low``.
    treatment, outcome : str
        As they stand in a sentence.
    low, high : float, optional
        Limits of the interval, which are named where they decide nothing.
    verb : str
        What a benefit does to the outcome, third person: ``reduces`` pain, ``improves`` function.
    unit : str
        Of the limits.

    Returns
    -------
    str
        A clause without capital and full stop.

    Examples
    --------
    >>> in_words("small", "moderate", treatment="acupuncture", outcome="pain", verb="reduces")
    'acupuncture probably reduces pain slightly'
    >>> in_words("no important effect", "low", treatment="acupuncture", outcome="pain", verb="reduces")
    'acupuncture may make little or no difference to pain'
    >>> in_words("cannot tell", "low", treatment="acupuncture", outcome="pain", verb="reduces", low=-0.1, high=0.52)
    'whether acupuncture reduces pain cannot be told: the interval reaches from -0.10 to 0.52 SD'
    """
    if level == "very low":
        return _VERY_LOW.format(treatment=treatment, outcome=outcome)
    if state not in _SAID:
        reach = "" if low is None or high is None else f": the interval reaches from {low:.2f} to {high:.2f} {unit}".rstrip()
        return f"whether {treatment} {verb} {outcome} cannot be told{reach}"
    may = level == "low"
    said = _SAID[state].format(verb=words.base(verb) if may else verb, makes="make" if may else "makes", outcome=outcome)
    return f"{treatment} {'may ' if may else 'probably ' if level == 'moderate' else ''}{said}"


def method_words(method: str) -> str:
    """Return the method of a headline as a reader knows it.

    Examples
    --------
    >>> method_words("REML, HKSJ-adhoc"), method_words("DL, z"), method_words("Bayes, turner")
    ('REML with HKSJ interval', 'DL with Wald interval', 'Bayesian model with the Turner prior')
    >>> method_words("two trials, not pooled")
    'two trials, not pooled'
    """
    model, _, kind = method.partition(", ")
    if model == "Bayes":
        return f"Bayesian model with the {kind.partition('-')[0].capitalize()} prior"
    if kind == "not pooled":
        return method
    return f"{model} with {'Wald' if kind == 'z' else kind.partition('-')[0]} interval" if kind else method
