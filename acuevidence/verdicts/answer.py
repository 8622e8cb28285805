"""What a claim is, what an answer to it is, and how several findings give one verdict."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from acuevidence.verdicts.findings import TOO_FEW, Finding, Pools, state

__all__ = ["Answer", "Claim", "Rule", "answer_from_findings", "between_trials", "by_share", "combined", "lowest"]

_LEVELS = {"high": 4, "moderate": 3, "low": 2, "very low": 1}


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
    certainty : str
        ``high`` to ``very low``, or ``not rated``.
    estimates, reasons, needed : tuple of str
        The numbers in words, why the verdict and its certainty are what they are, and what is missing.
    """

    verdict: str
    certainty: str
    estimates: tuple[str, ...]
    reasons: tuple[str, ...]
    needed: tuple[str, ...] = ()


Rule = Callable[[Claim, Pools], Answer]


def combined(states: Iterable[str], yes: Sequence[str], no: Sequence[str], partly: Sequence[str] = ()) -> str:
    """Return the verdict that the states of several cells give together.

    Parameters
    ----------
    states : iterable of str
        A state a cell; those in none of the lists cannot tell.
    yes, no, partly : sequence of str
        States that show the claim, that speak against it, and that show a part of it.

    Returns
    -------
    str
        A verdict.

    Examples
    --------
    >>> combined(["meaningful", "unsure"], yes=["meaningful"], no=["none", "harm"], partly=["small"])
    'partly supported'
    """
    found = list(states)
    shown, against, part = (sum(s in listed for s in found) for listed in (yes, no, partly))
    if shown + against + part == 0:
        return "insufficient data"
    if against:
        return "mixed" if shown + part else "not supported"
    return "supported" if shown == len(found) else "partly supported"


def lowest(levels: Iterable[str]) -> str:
    """Return the lowest of several levels of certainty; ``not rated`` without any."""
    known = [level for level in levels if level in _LEVELS]
    return min(known, key=_LEVELS.__getitem__) if known else "not rated"


def answer_from_findings(claim: Claim, pools: Pools, findings: Sequence[Finding], verdict: str) -> Answer:
    """Return the answer that rests on pooled effects: their lines, the certainty of those that decide, what the others need."""
    deciding = [f for f in findings if f.state not in ("unsure", TOO_FEW)] or [f for f in findings if f.k]
    trials = int(claim.thresholds["trials"])
    states = dict.fromkeys(f.state for f in findings)
    reasons = [f"{name}: {', '.join(f.cell.name for f in findings if f.state == name)}" for name in states]
    for one in deciding:
        if one.certainty is not None and one.certainty.reasons:
            reasons.append(f"{one.cell.name}, certainty {one.certainty.level}: {'; '.join(one.certainty.reasons)}")
        reasons += [f"{one.cell.name}, {line}" for line in _unprinted(one, pools)]
    needed = [words for f in findings if (words := f.needed(pools.mid.low, trials))]
    return Answer(
        verdict=verdict, certainty=lowest(f.certainty.level for f in deciding if f.certainty),
        estimates=tuple(f.text for f in findings), reasons=tuple(reasons), needed=tuple(needed),
    )  # fmt: skip


def _unprinted(finding: Finding, pools: Pools) -> list[str]:
    """Return, in a line, what the trials without usable figures would have to show to change the sign of a finding."""
    if finding.result is None or finding.state == "unsure" or not finding.missing:
        return []
    unprinted = pools.missing(finding.result)
    if not unprinted.k_missing:
        return []
    null = unprinted.scenarios.loc["null"]
    where = state(null["estimate"], null["ci_low"], null["ci_high"], pools.mid.low)
    return [
        f"{unprinted.k_missing} unprinted trials: {where} if they all found no difference. {unprinted.summary().splitlines()[-1]}"
    ]


def between_trials(k: int, claim: Claim) -> tuple[str, str]:
    """Return the certainty of a comparison between trials, which nobody randomised, and its reason."""
    few = k < claim.thresholds["trials_moderator"]
    said = "trials differ in more than this; a comparison between them is observational"
    return ("very low" if few else "low"), said + (f"; {k} trials" if few else "")


def by_share(claim: Claim, shown: Sequence[str], of: int, estimates: Sequence[str], what: str, level: str) -> Answer:
    """Return the verdict by the share of syntheses that show something."""
    if of == 0:
        needed = ("three or more trials with a usable figure in one synthesis",)
        return Answer(
            verdict="insufficient data",
            certainty="not rated",
            estimates=(),
            reasons=("no synthesis has three trials",),
            needed=needed,
        )
    verdict = (
        "supported" if len(shown) >= claim.thresholds["half"] * of else "partly supported" if shown else "not supported"
    )
    reasons = (f"{len(shown)} of {of} syntheses are {what}" + (f": {', '.join(shown)}" if shown else ""),)
    return Answer(verdict=verdict, certainty=level, estimates=tuple(estimates), reasons=reasons)
