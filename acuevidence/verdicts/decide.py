"""The rules that answer claims from effects: each takes a claim and the pools, and returns an answer.

A rule reads its thresholds by name from the claim and never holds a number of its own. ``RULES`` maps the name of an analysis in
``data/claims.yaml`` to its rule; a finer method takes a rule's place by taking its entry there.
"""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import product

import numpy as np

from acuevidence import words
from acuevidence.appraisal.states import state_of
from acuevidence.questions.groups import matches
from acuevidence.questions.sensitivity import sensitivity
from acuevidence.synthesis import MetaAnalysis
from acuevidence.synthesis.bayes import bayes
from acuevidence.verdicts.answer import Answer, Claim, Estimate, Rule, combined, decide
from acuevidence.verdicts.findings import Finding, Pools, answer_from_findings, by_share, effect
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
            conditions=pools.conditions(claim.population),
            comparator=comparator,
            timing=timing,
            where={**claim.options.get("where", {}), **groups[group].get("where", {})},
            label=", ".join(w for w in words if w),
            **endpoints[endpoint],
        )
        found.append(pools.finding(cell, participants=claim.thresholds["participants"]))
    return found


def _syntheses(claim: Claim, pools: Pools, trials: int) -> list[tuple[Finding, MetaAnalysis]]:
    """Return the finding and its pooled effect for every condition, comparator and population with enough trials."""
    cells = [cell for condition in pools.conditions(claim.population) for cell in pools.apart(condition, claim.comparators)]
    findings = [pools.finding(cell) for cell in cells]
    return [(f, f.result) for f in findings if f.result is not None and f.k >= trials]


# --- rules -------------------------------------------------------------------------------------------------------


def benefit(claim: Claim, pools: Pools) -> Answer:
    """Whether the pooled effects reach the aim in every cell."""
    findings = _findings(claim, pools)
    verdict = combined(f.mark(claim.options["aim"]) for f in findings)
    answer = answer_from_findings(claim, pools, findings, verdict)
    if "levels" not in claim.options:
        return answer
    beside = (one.shown for one in compared(claim, pools))
    lines = tuple(replace(shown, label=f"between trials, {shown.label}") for shown in beside)
    return replace(answer, estimates=answer.estimates + lines)


def patients(claim: Claim, pools: Pools) -> Answer:
    """Answer a claim about patients, which group means do not tell; what stands beside it is printed."""
    answer = benefit(claim, pools)
    reasons = ("means of groups do not tell which patients respond, how fast, or how much", *answer.reasons)
    return replace(answer, verdict="cannot tell", reasons=reasons, said=(), certainty=None)


def mixed_evidence(claim: Claim, pools: Pools) -> Answer:
    """Whether the interval leaves both no effect and an important one open, or the state depends on defensible choices."""
    findings = _findings(claim, pools)
    first = findings[0]
    if first.headline is None:
        return replace(answer_from_findings(claim, pools, findings, "cannot tell"), certainty=None)
    shown = first.headline
    open_ = (
        shown.ci_low is None
        or shown.ci_high is None
        or (shown.threshold is not None and shown.ci_low <= 0 <= shown.ci_high and shown.ci_low <= shown.threshold <= shown.ci_high)
    )
    others = _beside(claim, pools, first)
    differ = {name: where for name, where in others.items() if where != others.get("default", first.state)}
    signs = [f"the interval includes zero and {shown.threshold:.2f} SD"] if open_ and shown.threshold is not None else []
    signs += [f"{name}: {where} ({first.state} by default)" for name, where in differ.items()]
    verdict = decide((open_ or differ, "supported"), (True, "not supported"))
    answer = answer_from_findings(claim, pools, findings, verdict)
    reasons = tuple(f"sign of mixed evidence: {words}" for words in signs) + answer.reasons
    return replace(answer, reasons=reasons, certainty=None)


def _beside(claim: Claim, pools: Pools, first: Finding) -> dict[str, str]:
    """Return the state of the first cell under each analysis beside the default that the claim names."""
    wanted = claim.options.get("beside", [])
    found, _ = (
        pools.analysis(sensitivity, condition=claim.population[0], analyses=wanted) if wanted and claim.population else (None, "")
    )
    if found is None or first.headline is None:
        return {}
    rows = found[(found["comparator"] == first.cell.comparator) & found["analysis"].isin(wanted) & found["ci_low"].notna()]
    return {row.analysis: state_of(row.ci_low, row.ci_high, first.headline.threshold) for row in rows.itertuples()}


def heterogeneity(claim: Claim, pools: Pools) -> Answer:
    """How many syntheses hold trials that disagree more than chance allows."""
    estimates, shown, syntheses = [], [], _syntheses(claim, pools, int(claim.thresholds["synthesis"]))
    for one, result in syntheses:
        low, high = result.tau2_interval()
        if result.q_p < claim.thresholds["alpha"] or low > 0:
            shown.append(one.cell.name)
        tau = math.sqrt(result.tau2 or 0.0)
        note = f"{one.k} trials, tau2 {{estimate}} ({{interval}}), tau {tau:.2f} SD, Q P {words.p(result.q_p)}, I2 {result.i2:.0f}%"
        if one.headline is not None and one.headline.pi_low is not None:
            note += f", prediction {one.headline.pi_low:.2f} to {one.headline.pi_high:.2f}"
        estimates.append(Estimate(one.cell.name, result.tau2 or 0.0, low, high, "tau2", note))
    return by_share(claim, shown, len(syntheses), estimates, "heterogeneous")


def worth(claim: Claim, pools: Pools) -> Answer:
    """Return what a new setting may bring; how much single patients gain, group means do not tell."""
    estimates, syntheses = [], _syntheses(claim, pools, int(claim.thresholds["synthesis"]))
    for one, result in syntheses:
        important = None if one.headline is None else one.headline.threshold
        fit = bayes(result.yi, result.vi, tau_prior=claim.options["tau_prior"])
        new = fit.summary.loc["prediction"]
        reach = (
            "no threshold published"
            if important is None
            else (
                f"probability that the effect reaches {important:.2f} SD {fit.prob(mu_above=important):.0%} on average and "
                f"{fit.prob(prediction_above=important):.0%} in a new setting"
            )
        )
        note = f"effect in a new setting {{estimate}} ({{interval}}) SD; {reach}"
        estimates.append(Estimate(one.cell.name, new["median"], new["ci_low"], new["ci_high"], note=note))
    return Answer(
        verdict="cannot tell",
        certainty=None,
        estimates=tuple(estimates),
        reasons=("means of groups do not tell how much single patients gain",),
        needed=("figures of each patient",),
    )


def levels(claim: Claim, pools: Pools) -> Answer:
    """Whether the certainty differs between syntheses."""
    syntheses = _syntheses(claim, pools, 1)
    rated = [(f, f.certainty) for f, _ in syntheses if f.certainty is not None]
    different = {c.level for _, c in rated}
    verdict = decide(
        (not rated, "cannot tell"),
        (len(different) >= claim.thresholds["levels"], "supported"),
        (True, "not supported"),
    )
    return Answer(
        verdict=verdict,
        certainty=None,
        estimates=tuple(Estimate(f.cell.name, note=f"{c.level} {c.symbols}") for f, c in rated),
        reasons=tuple(f"{f.cell.name}: {'; '.join(c.reasons) or 'no step lost'}" for f, c in rated),
        needed=() if rated else ("a trial with a usable figure",),
    )


def missing(claim: Claim, pools: Pools) -> Answer:
    """Whether trials without usable figures move a synthesis into another state: as reports conclude, or all at no effect."""
    estimates, needed, added = list[Estimate](), list[str](), 0
    reported, worst = list[str](), list[str]()
    syntheses = [(f, r) for f, r in _syntheses(claim, pools, 1) if f.certainty is not None and f.certainty.missing is not None]
    for one, result in syntheses:
        absent, shown = one.certainty.missing if one.certainty else None, one.headline
        if absent is None or shown is None or absent.trials.empty or shown.ci_low is None or shown.ci_high is None:
            continue
        added += 1
        classes = "; ".join(f"{absent.count(kind)} {words}" for kind, words in _CLASSES.items())
        estimates.append(effect(one.cell.name, result, shown, f"; without a usable figure: {classes}"))
        weight = absent.trials["weight"].sum()
        everything = -float(shown.estimate or 0.0) * float(weight / (absent.weight + weight))
        for changed, shift, supposed in ((reported, absent.shift, "as reports conclude"), (worst, everything, "all at no effect")):
            after = state_of(shown.ci_low + shift, shown.ci_high + shift, shown.threshold)
            before = state_of(shown.ci_low, shown.ci_high, shown.threshold)
            if after != before:
                changed.append(f"{one.cell.name}, {supposed}: {before} becomes {after}")
        if worst and worst[-1].startswith(one.cell.name):
            needed.append(
                f"{one.cell.name}: figures of {count(len(absent.trials), 'trial')} without a usable one on the pages read"
            )
    verdict = decide(
        (not added, "cannot tell"),
        (reported, "supported"),
        (worst, "partly supported"),
        (True, "not supported"),
    )
    reasons = (
        f"of {count(added, 'synthesis', 'syntheses')}, {len(reported)} change their state with the reports' conclusions, "
        f"{len(worst)} with no effect in all",
        *reported,
        *worst,
    )
    return Answer(
        verdict=verdict,
        certainty=None,
        estimates=tuple(estimates),
        reasons=reasons,
        needed=tuple(needed) or (() if added else ("nothing is missing",)),
    )


_CLASSES = {1: "report no difference or harm", 2: "benefit or no direction", 3: "nothing"}


def maintenance(claim: Claim, pools: Pools) -> Answer:
    """Whether sessions beyond the course keep the effect: contrasts between arms that differ in them alone."""
    pattern = claim.options["pattern"]
    arms = pools.evidence.arms
    arms = arms[arms["role"].isin(pools.evidence.topic.treatment.roles)]
    kept = arms[matches(arms["description"], pattern)]
    named = pools.evidence.trials
    named = named[matches(named["notes"], pattern) | named["trial_id"].isin(kept["trial_id"])]
    contrasts = pools.evidence.contrasts
    keys = set(zip(kept["trial_id"], kept["arm"], strict=True))
    plain = set(zip(arms["trial_id"], arms["arm"], strict=True)) - keys
    rows = [
        row
        for row in contrasts.itertuples()
        if (row.trial_id, row.arm) in keys and (row.trial_id, row.comparator_arm) in plain and np.isfinite(row.estimate)
    ]
    names = ", ".join(f"{row.study} ({row.trial_id})" for row in named.itertuples()) or "none"
    estimates = tuple(
        Estimate(f"{row.trial_id}, {row.outcome}, {row.measure}", note=f"as printed: {row.figures_as_printed}") for row in rows
    )
    return Answer(
        verdict="cannot tell",
        certainty=None,
        estimates=estimates,
        reasons=(
            f"trials with sessions beyond the course: {names}",
            f"{count(len(rows), 'printed difference')} between a course with and without them",
        ),
        needed=("trials that randomise patients who had a course to further sessions or none, and follow them for relapse",),
    )


RULES: dict[str, Rule] = {
    "benefit": benefit,
    "heterogeneity": heterogeneity,
    "levels": levels,
    "maintenance": maintenance,
    "missing": missing,
    "mixed_evidence": mixed_evidence,
    "patients": patients,
    "worth": worth,
}
