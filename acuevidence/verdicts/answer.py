"""What a claim is, what an answer to it is, and how numbers become a verdict: numbers first, then the verdict, then the words."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from acuevidence.questions.safety import number

if TYPE_CHECKING:
    from acuevidence.verdicts.findings import Finding, Pools

__all__ = ["OPEN", "Answer", "Claim", "Estimate", "Rule", "Scale", "between", "combined", "decide", "lowest", "mark"]

Scale = Literal["sd", "ratio", "rate", "share", "per 100", "tau2", "slope"]
_FIGURES: dict[str, Callable[[float], str]] = {
    "sd": "{:.2f}".format,
    "ratio": "{:.2f}".format,
    "rate": number,
    "share": "{:.0%}".format,
    "per 100": "{:.0f}".format,
    "tau2": "{:.3f}".format,
    "slope": "{:.2f}".format,
}
_LEVELS = {"high": 4, "moderate": 3, "low": 2, "very low": 1}


@dataclass(frozen=True, slots=True)
class Estimate:
    """A number that an answer rests on, with its interval; its words are made from it.

    Attributes
    ----------
    label : str
        What it is about.
    estimate, low, high : float
        The number and its interval; NaN where there is none.
    scale : str
        Its unit: ``sd`` standard deviations, ``ratio``, ``rate`` (events per so many), ``share`` (0 to 1), ``per 100`` (patients),
        ``tau2``, or ``slope`` (standard deviations per unit of a moderator).
    note : str
        The words around it; ``{estimate}`` and ``{interval}`` stand for the numbers.
    aside : bool
        Whether it is a published result beside the answer's own.

    Examples
    --------
    >>> Estimate("v sham", 0.25, 0.1, 0.404, note="6 trials, SMD {estimate} ({interval})").text
    'v sham: 6 trials, SMD 0.25 (0.10 to 0.40)'
    """

    label: str
    estimate: float = math.nan
    low: float = math.nan
    high: float = math.nan
    scale: Scale = "sd"
    note: str = "{estimate} ({interval})"
    aside: bool = False

    @property
    def bounded(self) -> bool:
        """Whether it is a number with an interval, and not only words."""
        return all(map(math.isfinite, (self.estimate, self.low, self.high)))

    @property
    def text(self) -> str:
        """The estimate in a line."""
        figure = _FIGURES[self.scale]
        numbers = {"{estimate}": figure(self.estimate), "{interval}": f"{figure(self.low)} to {figure(self.high)}"}
        said = self.note
        for place, words in numbers.items():
            said = said.replace(place, words)
        return f"{self.label}: {said}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """A claim and how it is to be answered, as ``data/claims.yaml`` states it.

    Attributes
    ----------
    id, claim : str
        Key, and the claim in our words.
    population : tuple of str
        Conditions; empty: all.
    comparators : tuple of str
        ``usual_care`` and ``sham``, as far as the claim is about them.
    outcome, timing : str
        What and when, in words.
    analysis : str
        Name of the rule.
    rule : str
        The decision rule in words.
    thresholds : mapping
        The thresholds that the rule names, with their values.
    wording : mapping
        Verdict to what it says.
    figure : str
        Name of the published figure that shows it; empty where none does.
    options : mapping
        What the rule needs to know beyond that.
    published : mapping
        Which published results stand beside it.
    needed : str
        What would be needed to tell, beyond what the rule finds missing.
    """

    id: str
    claim: str
    population: tuple[str, ...]
    comparators: tuple[str, ...]
    outcome: str
    timing: str
    analysis: str
    rule: str
    thresholds: Mapping[str, float]
    wording: Mapping[str, str]
    figure: str = ""
    options: Mapping[str, Any] = field(default_factory=dict)
    published: Mapping[str, Any] = field(default_factory=dict)
    needed: str = ""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Answer:
    """What a rule finds.

    Attributes
    ----------
    verdict : str
        One of the verdicts of ``data/claims.yaml``.
    certainty : str or None
        ``high`` to ``very low``; None for a statement about the evidence, and where there is nothing to rate.
    estimates : tuple of Estimate
        The numbers that it rests on.
    reasons, needed : tuple of str
        Why the verdict and its certainty are what they are, and what is missing.
    published : tuple of Estimate
        What syntheses elsewhere found.
    said : tuple of str
        What may be said of each cell, in sentences.
    findings : tuple of Finding
        The pooled effects that it rests on, where it rests on such.
    """

    verdict: str
    certainty: str | None
    estimates: tuple[Estimate, ...]
    reasons: tuple[str, ...]
    needed: tuple[str, ...] = ()
    published: tuple[Estimate, ...] = ()
    said: tuple[str, ...] = ()
    findings: tuple[Finding, ...] = ()


Rule = Callable[[Claim, "Pools"], Answer]


def decide(*steps: tuple[object, str]) -> str:
    """Return the verdict of the first step that holds.

    Parameters
    ----------
    *steps : tuple of (condition, str)
        What has to hold, and the verdict it gives; the last holds always.

    Returns
    -------
    str
        A verdict.

    Examples
    --------
    >>> shown = 2
    >>> decide((shown >= 3, "supported"), (shown, "partly supported"), (True, "not supported"))
    'partly supported'
    """
    return next(verdict for holds, verdict in steps if holds)


_MARKS: Mapping[str, Mapping[str, Sequence[str]]] = {
    "important": {
        "yes": ("important",),
        "part": ("benefit, importance uncertain", "benefit"),
        "no": ("small", "no important effect", "harm"),
    },
    "benefit": {
        "yes": ("important", "benefit, importance uncertain", "small", "benefit"),
        "part": (),
        "no": ("no important effect", "harm"),
    },
}
OPEN = "?"


def mark(state: str, aim: str) -> str:
    """Return what a state says to a claim: ``yes``, ``part``, ``no``, or ``?`` where it cannot tell.

    Parameters
    ----------
    state : str
        As :func:`.states.state_of` gives it.
    aim : {"important", "benefit"}
        What is claimed: an important benefit, or any.

    Examples
    --------
    >>> mark("small", "important"), mark("small", "benefit"), mark("no difference shown", "benefit")
    ('no', 'yes', '?')
    """
    return next((one for one, states in _MARKS[aim].items() if state in states), OPEN)


def combined(marks: Iterable[str]) -> str:
    """Return the verdict that the marks of several cells give together.

    Parameters
    ----------
    marks : iterable of str
        ``yes``, ``part``, ``no`` or ``?``, one a cell.

    Returns
    -------
    str
        ``supported`` where all are yes, ``not supported`` where all are no, ``cannot tell`` where none is yes or part and one at least
        is open, else ``partly supported``.

    Examples
    --------
    >>> combined(["part", "no"]), combined(["no", "?"]), combined([])
    ('partly supported', 'cannot tell', 'cannot tell')
    """
    found = list(marks)
    return decide(
        (not found, "cannot tell"),
        (all(one == "yes" for one in found), "supported"),
        (all(one == "no" for one in found), "not supported"),
        (not {"yes", "part"} & {*found}, "cannot tell"),
        (True, "partly supported"),
    )


def between(shown: Iterable[bool]) -> str:
    """Return the verdict of comparisons between trials, which nobody randomised: at most partly supported, never not supported.

    Parameters
    ----------
    shown : iterable of bool
        Whether a comparison shows what is claimed.

    Examples
    --------
    >>> between([True, False]), between([False])
    ('partly supported', 'cannot tell')
    """
    return "partly supported" if any(shown) else "cannot tell"


def lowest(levels: Iterable[str]) -> str | None:
    """Return the lowest of several levels of certainty; None without any."""
    known = [level for level in levels if level in _LEVELS]
    return min(known, key=_LEVELS.__getitem__) if known else None
