"""The rules that answer claims from effects: each takes a claim and the pools, and returns an answer.

A rule reads its thresholds by name from the claim and never holds a number of its own. ``RULES`` maps the name of an analysis in
``data/claims.yaml`` to its rule; a finer method takes a rule's place by taking its entry there.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import pandas as pd

from acuevidence.appraisal.missing import MissingEvidence
from acuevidence.effects import responders_per_100
from acuevidence.synthesis import MetaAnalysis
from acuevidence.synthesis.bayes import bayes
from acuevidence.verdicts.answer import Answer, Claim, Estimate, Rule, combined, decide, lowest
from acuevidence.verdicts.findings import TOO_FEW, Finding, Pools, answer_from_findings, by_share, listed, state
from acuevidence.verdicts.moderators import compared
from acuevidence.words import count

__all__ = ["RULES"]


def _findings(claim: Claim, pools: Pools) -> list[Finding]:
    """Return the finding of every cell of a claim: comparator x endpoint x group x window."""
    groups = claim.options.get("groups", {"": {}})
    endpoints = claim.options.get("endpoints", {"": {}})
    timings = claim.options.get("timings", ["end_of_treatment"])
    found = []
    for group, endpoint, timing, comparator in product(groups, endpoints, timings, claim.comparators):
        words = [group, endpoint, timing.replace("_", " ") if len(timings) > 1 else ""]
        cell = pools.cell(
            conditions=pools.conditions(claim.population), comparator=comparator, timing=timing,
            where={**claim.options.get("where", {}), **groups[group].get("where", {})},
            label=", ".join(w for w in words if w), **endpoints[endpoint],
        )  # fmt: skip
        trials, participants = int(claim.thresholds["trials"]), claim.thresholds["participants"]
        found.append(pools.finding(cell, trials=trials, participants=participants))
    return found


def _syntheses(claim: Claim, pools: Pools, trials: int) -> list[tuple[Finding, MetaAnalysis]]:
    """Return the finding and its pooled effect for every condition and comparator with enough trials."""
    cells = [
        pools.cell(conditions=(condition,), comparator=comparator, label=pools.evidence.topic.label(condition))
        for condition in pools.conditions(claim.population)
        for comparator in claim.comparators
    ]
    findings = [pools.finding(cell, trials=trials) for cell in cells]
    return [(f, f.result) for f in findings if f.result is not None and f.k >= trials]


def _lowest(syntheses: list[tuple[Finding, MetaAnalysis]]) -> str:
    return lowest(finding.certainty.level for finding, _ in syntheses if finding.certainty)


# --- rules -------------------------------------------------------------------------------------------------------


def benefit(claim: Claim, pools: Pools) -> Answer:
    """Whether the pooled effects reach the aim in every cell."""
    findings = _findings(claim, pools)
    aims = {"mid": (["meaningful"], ["small"]), "zero": (["meaningful", "small"], [])}
    yes, partly = aims[claim.options["aim"]]
    verdict = combined((f.state for f in findings), yes, ["none", "harm"], partly)
    answer = answer_from_findings(claim, pools, findings, verdict)
    if "levels" not in claim.options:
        return answer
    beside = (one.shown for one in compared(claim, pools))
    lines = tuple(replace(shown, label=f"between trials, {shown.label}") for shown in beside)
    return replace(answer, estimates=answer.estimates + lines)


def mixed_evidence(claim: Claim, pools: Pools) -> Answer:
    """Whether a benefit is possible while the evidence does not agree on it."""
    findings = _findings(claim, pools)
    decided = [f for f in findings if f.state not in ("unsure", TOO_FEW)]
    seen = {"benefit" if f.state in ("meaningful", "small") else f.state for f in decided}
    crossing = [
        f for f in decided if f.result and f.result.pi_low is not None and f.result.pi_low < 0 < (f.result.pi_high or 0)
    ]
    doubtful = lowest(f.certainty.level for f in decided if f.certainty) in ("low", "very low")
    signs = {
        "a prediction interval lies on both sides of no effect": bool(crossing),
        "some cells show a benefit and others exclude it": len(seen) > 1,
        "certainty is low or very low": doubtful,
    }
    there = [words for words, found in signs.items() if found]
    good = "benefit" in seen
    verdict = decide(
        (not decided, "insufficient data"),
        (good and "harm" in seen, "mixed"),
        (not good or not there, "not supported"),
        (len(there) == 1, "partly supported"),
        (True, "supported"),
    )
    answer = answer_from_findings(claim, pools, findings, verdict)
    signs_seen = tuple(f"sign of mixed evidence: {words}" for words in there)
    return replace(answer, reasons=signs_seen + answer.reasons)


def heterogeneity(claim: Claim, pools: Pools) -> Answer:
    """How many syntheses hold trials that disagree more than chance allows."""
    estimates, shown, syntheses = [], [], _syntheses(claim, pools, int(claim.thresholds["synthesis"]))
    for one, result in syntheses:
        low, high = result.tau2_interval()
        pi_low, pi_high = result.pi_low or 0.0, result.pi_high or 0.0
        crosses = pi_low < 0 < pi_high and not result.ci_low < 0 < result.ci_high
        if result.i2 >= claim.thresholds["i2"] or crosses:
            shown.append(one.cell.name)
        note = (
            f"{one.k} trials, tau2 {{estimate}} ({{interval}}), I2 {result.i2:.0f}%, "
            f"prediction {pi_low:.2f} to {pi_high:.2f}"
        )
        estimates.append(Estimate(one.cell.name, result.tau2 or 0.0, low, high, "tau2", note))
    return by_share(claim, shown, len(syntheses), estimates, "heterogeneous", _lowest(syntheses))


def worth(claim: Claim, pools: Pools) -> Answer:
    """Whether both a meaningful and a modest effect are real possibilities in a new setting."""
    estimates, both, syntheses = [], [], _syntheses(claim, pools, int(claim.thresholds["synthesis"]))
    risk, likely, important = claim.thresholds["control_risk"], claim.thresholds["likely"], pools.mid.low
    for one, result in syntheses:
        fit = bayes(result.yi, result.vi, tau_prior=claim.options["tau_prior"])
        mean, new = fit.prob(mu_above=important), fit.prob(prediction_above=important)
        if likely <= new <= 1 - likely:
            both.append(one.cell.name)
        limits = fit.summary.loc[["mu", "prediction"], ["median", "ci_low", "ci_high"]].to_numpy()
        (middle, low, high), (_, least, most) = responders_per_100(limits.ravel(), risk).reshape(2, 3)
        note = (
            f"probability that the effect reaches {important:g} SD {mean:.0%} on average and {new:.0%} in a new setting; where "
            f"{100 * risk:.0f} of 100 patients respond without, {{estimate}} do with it ({{interval}} on average, "
            f"{least:.0f} to {most:.0f} in a new setting)"
        )
        estimates.append(Estimate(one.cell.name, middle, low, high, "per 100", note))
    return by_share(claim, both, len(syntheses), estimates, "open to both", _lowest(syntheses))


def levels(claim: Claim, pools: Pools) -> Answer:
    """Whether the certainty differs between syntheses."""
    syntheses = _syntheses(claim, pools, 1)
    rated = [(f, f.certainty) for f, _ in syntheses if f.certainty is not None]
    different = {c.level for _, c in rated}
    verdict = decide(
        (not rated, "insufficient data"),
        (len(different) >= claim.thresholds["levels"], "supported"),
        (True, "not supported"),
    )
    return Answer(
        verdict=verdict, certainty=lowest(different),
        estimates=tuple(Estimate(f.cell.name, note=f"{c.level} {c.symbols}") for f, c in rated),
        reasons=tuple(f"{f.cell.name}: {'; '.join(c.reasons) or 'no step lost'}" for f, c in rated),
        needed=() if rated else ("a trial with a usable figure",),
    )  # fmt: skip


def missing(claim: Claim, pools: Pools) -> Answer:
    """Whether trials without usable figures could move a synthesis into another state."""
    estimates, needed, added = list[Estimate](), list[str](), 0
    reported, worst = list[str](), list[str]()
    syntheses = _syntheses(claim, pools, int(claim.thresholds["trials"]))
    for one, result in syntheses:
        unprinted = pools.missing(result)
        if not unprinted.k_missing:
            continue
        added += 1
        rows = unprinted.scenarios.loc[["observed", "reported", "null"]]
        seen, as_reported, at_none = (state(r.estimate, r.ci_low, r.ci_high, pools.mid.low) for r in rows.itertuples())
        estimates += _scenarios(one, rows, unprinted)
        for changed, after, words in ((reported, as_reported, "as reported"), (worst, at_none, "at no effect")):
            if after != seen:
                changed.append(f"{one.cell.name}, unprinted trials {words}: {seen} becomes {after}")
        if as_reported != seen or at_none != seen:
            needed.append(f"{one.cell.name}: figures of {listed(one.missing)}")
    verdict = decide(
        (not added, "insufficient data"),
        (reported, "supported"),
        (worst, "partly supported"),
        (True, "not supported"),
    )
    reasons = (
        f"{len(reported)} of {len(syntheses)} syntheses change their state with the reports' conclusions, {len(worst)} with no effect",
        *reported, *worst,
    )  # fmt: skip
    return Answer(verdict=verdict, certainty=_lowest(syntheses), estimates=tuple(estimates), reasons=reasons,
                  needed=tuple(needed) or (() if added else ("nothing is missing",)))  # fmt: skip


def _scenarios(one: Finding, rows: pd.DataFrame, unprinted: MissingEvidence) -> list[Estimate]:
    """Return a pooled effect as it is, with the unprinted trials as their reports conclude, and with them all at no effect."""
    name, figure = one.cell.name, "{estimate} ({interval})"
    added = f"{name}, with {count(unprinted.k_missing, 'unprinted trial')}"
    words = [
        (name, f"{figure} from {count(one.k, 'trial')}"),
        (f"{added} as reports conclude", figure),
        (f"{added} at no effect", f"{figure}. {unprinted.summary().splitlines()[-1]}"),
    ]
    return [
        Estimate(label, row.estimate, row.ci_low, row.ci_high, note=note)
        for row, (label, note) in zip(rows.itertuples(), words, strict=True)
    ]


RULES: dict[str, Rule] = {
    "benefit": benefit,
    "heterogeneity": heterogeneity,
    "levels": levels,
    "missing": missing,
    "mixed_evidence": mixed_evidence,
    "worth": worth,
}
