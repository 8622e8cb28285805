"""The rules that answer claims from effects: each takes a claim and the pools, and returns an answer.

A rule reads its thresholds by name from the claim and never holds a number of its own. ``RULES`` maps the name of an analysis in
``data/claims.yaml`` to its rule; a finer method takes a rule's place by taking its entry there.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import product

import numpy as np
import pandas as pd
from scipy.special import stdtr, stdtrit

from acuevidence.appraisal.claim import (
    Answer,
    Claim,
    Rule,
    answer_from_findings,
    between_trials,
    by_share,
    combined,
    lowest,
)
from acuevidence.appraisal.pools import TOO_FEW, Cell, Finding, Pools, effect_text, pool, state
from acuevidence.effects import responders_per_100
from acuevidence.synthesis import MetaAnalysis

__all__ = ["RULES", "fieller"]


def _findings(claim: Claim, pools: Pools) -> list[Finding]:
    """Return the finding of every cell of a claim: comparator x endpoint x group x window."""
    groups = claim.options.get("groups", {"": {}})
    endpoints = claim.options.get("endpoints", {"": {}})
    timings = claim.options.get("timings", ["end_of_treatment"])
    found = []
    for group, endpoint, timing, comparator in product(groups, endpoints, timings, claim.comparators):
        words = [group, endpoint, timing.replace("_", " ") if len(timings) > 1 else ""]
        cell = Cell(
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
        Cell(conditions=(condition,), comparator=comparator, label=pools.evidence.rules.label(condition))
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
    return answer_from_findings(
        claim, pools, findings, combined((f.state for f in findings), yes, ["none", "harm"], partly)
    )


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
    good = any(f.state in ("meaningful", "small") for f in decided)
    if not decided:
        verdict = "insufficient data"
    elif good and any(f.state == "harm" for f in decided):
        verdict = "mixed"
    else:
        verdict = {0: "not supported", 1: "partly supported"}.get(len(there), "supported") if good else "not supported"
    answer = answer_from_findings(claim, pools, findings, verdict)
    return Answer(
        verdict=verdict, certainty=answer.certainty, estimates=answer.estimates,
        reasons=(*(f"sign of mixed evidence: {words}" for words in there), *answer.reasons), needed=answer.needed,
    )  # fmt: skip


def fieller(
    part: tuple[float, float], whole: tuple[float, float], df: float, level: float = 0.95
) -> tuple[float, float]:
    """Return Fieller's interval of a ratio of two independent estimates.

    Parameters
    ----------
    part, whole : (float, float)
        Estimate and standard error of numerator and denominator.
    df : float
        Degrees of freedom of t.
    level : float
        Confidence level.

    Returns
    -------
    (float, float)
        Limits; infinite on both sides where the denominator is not told apart from zero (Fieller 1954, Journal of the Royal
        Statistical Society B 16:175-185).

    Examples
    --------
    >>> low, high = fieller((0.3, 0.05), (0.6, 0.05), 20)
    >>> round(low, 2), round(high, 2)
    (0.32, 0.71)
    """
    t = float(stdtrit(df, 0.5 + level / 2)) if math.isfinite(df) else float(stdtrit(1e9, 0.5 + level / 2))
    (a, se_a), (b, se_b) = part, whole
    square = b**2 - (t * se_b) ** 2
    if square <= 0:
        return -math.inf, math.inf
    inside = (a * b) ** 2 - square * (a**2 - (t * se_a) ** 2)
    return (a * b - math.sqrt(inside)) / square, (a * b + math.sqrt(inside)) / square


def placebo_share(claim: Claim, pools: Pools) -> Answer:
    """Return whether part of the effect against usual care is missing against sham."""
    names = pools.conditions(claim.population)
    trials = int(claim.thresholds["trials"])
    shares = {"all conditions": _ratio("all conditions", names, pools, trials)}
    shares |= {
        label: _ratio(label, (name,), pools, trials) for name in names if (label := pools.evidence.rules.label(name))
    }
    states = {label: share.state for label, share in shares.items()}
    first, *rest = states.values()
    alone = "partly supported" if "below 100%" in rest else "insufficient data"
    verdict = {"below 100%": "supported", "above 100%": "not supported"}.get(first, alone)
    reasons = [f"{label}: {where}" for label, where in states.items()]
    reasons.append("estimates taken as independent, though three-arm trials share an arm: the interval is wider for it")
    return Answer(
        verdict=verdict, certainty=shares["all conditions"].certainty, reasons=tuple(reasons),
        estimates=tuple(share.text for share in shares.values()),
        needed=tuple(share.needed for share in shares.values() if share.needed),
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Ratio:
    """The share of one group of conditions: where its interval lies, in words, and what would settle it."""

    state: str
    text: str
    needed: str
    certainty: str


def _ratio(label: str, conditions: tuple[str, ...], pools: Pools, trials: int) -> _Ratio:
    sham, usual = (
        pools.finding(Cell(conditions=conditions, comparator=c, label=label), trials=trials)
        for c in ("sham", "usual_care")
    )
    level = lowest(f.certainty.level for f in (sham, usual) if f.certainty)
    if sham.result is None or usual.result is None or TOO_FEW in (sham.state, usual.state):
        counts = f"{sham.k} against sham, {usual.k} against usual care"
        return _Ratio(
            TOO_FEW, f"{label}: {counts}", f"{label}: {trials} or more trials against each (now {counts})", level
        )
    one, two = sham.result, usual.result
    low, high = fieller((one.estimate, one.se), (two.estimate, two.se), min(one.df or math.inf, two.df or math.inf))
    share, bounds = one.estimate / two.estimate, f"{low:.0%} to {high:.0%}" if math.isfinite(low) else "unbounded"
    text = (
        f"{label}: {one.estimate:.2f} SD v sham and {two.estimate:.2f} v usual care; {share:.0%} of the effect is seen against "
        f"sham ({bounds}), {1 - share:.0%} is not"
    )
    if high < 1:
        return _Ratio("below 100%", text, "", level)
    if low > 1:
        return _Ratio("above 100%", text, "", level)
    return _Ratio(
        "unsure", text, f"{label}: three-arm trials, or more trials against usual care; the interval holds 100%", level
    )


def variability(claim: Claim, pools: Pools) -> Answer:
    """Whether patients' outcomes spread more under acupuncture than under the comparator."""
    margin = math.log(claim.thresholds["spread"])
    estimates, reasons, states, needed, k = [], [], [], [], 0
    for comparator, measure in product(claim.comparators, ("VR", "CVR")):
        cell = Cell(conditions=pools.conditions(claim.population), comparator=comparator)
        result = pool(pools.effects(cell, measure=measure))
        if result is None or result.k < claim.thresholds["trials"]:
            needed.append(f"{cell.name}: trials that print the SD of each arm")
            states += [TOO_FEW] if measure == "VR" else []
            continue
        low, high = math.exp(result.ci_low), math.exp(result.ci_high)
        words = "ratio of SDs" if measure == "VR" else "ratio of coefficients of variation"
        estimates.append(
            f"{cell.name}: {result.k} trials, {words} {math.exp(result.estimate):.2f} ({low:.2f} to {high:.2f})"
        )
        if measure == "VR":
            where = _spread(result, margin)
            states.append(where)
            reasons.append(f"{cell.name}: {where}")
            k = max(k, result.k)
    verdict = combined(states, yes=["more spread"], no=["alike", "less spread"])
    if verdict == "insufficient data":
        needed.append(
            "figures of each patient, or crossovers repeated within patients; equal spreads do not prove equal responses"
        )
    level, said = between_trials(k, claim) if k else ("not rated", "no trial prints SDs of both arms")
    return Answer(
        verdict=verdict, certainty=level, estimates=tuple(estimates),
        reasons=(*reasons, "spread between patients holds the spread of measurement; only its excess speaks of differing responses", said)
        if k else (said,), needed=tuple(dict.fromkeys(needed)),
    )  # fmt: skip


def _spread(result: MetaAnalysis, margin: float) -> str:
    if result.ci_low > 0:
        return "more spread"
    if result.ci_high < 0:
        return "less spread"
    return "alike" if -margin < result.ci_low and result.ci_high < margin else "unsure"


def heterogeneity(claim: Claim, pools: Pools) -> Answer:
    """How many syntheses hold trials that disagree more than chance allows."""
    estimates, shown, syntheses = [], [], _syntheses(claim, pools, int(claim.thresholds["synthesis"]))
    for one, result in syntheses:
        low, high = result.tau2_interval()
        pi_low, pi_high = result.pi_low or 0.0, result.pi_high or 0.0
        crosses = pi_low < 0 < pi_high and not result.ci_low < 0 < result.ci_high
        if result.i2 >= claim.thresholds["i2"] or crosses:
            shown.append(one.cell.name)
        estimates.append(
            f"{one.cell.name}: {one.k} trials, tau2 {result.tau2 or 0:.3f} ({low:.3f} to {high:.3f}), I2 {result.i2:.0f}%, prediction "
            f"{pi_low:.2f} to {pi_high:.2f}"
        )
    return by_share(
        claim,
        shown,
        len(syntheses),
        estimates,
        "heterogeneous",
        _lowest(syntheses),
    )


def difference(pools: Pools, first: Cell, second: Cell, correlation: float) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return, for trials with both, the rows of the first cell, and the difference first minus second with its variance."""
    one, two = pools.effects(first), pools.effects(second)
    both = one.merge(two[["trial_id", "yi", "vi", "week"]], on="trial_id", suffixes=("", "_second"))
    attrs = {"excluded": one.attrs["excluded"]}
    covariance = correlation * np.sqrt(both["vi"] * both["vi_second"])
    change = both.assign(yi=both["yi"] - both["yi_second"], vi=both["vi"] + both["vi_second"] - 2 * covariance)
    rows = one[one["trial_id"].isin(both["trial_id"])].copy()
    rows.attrs.update(attrs)
    change.attrs.update(attrs)
    return rows, change


def onset(claim: Claim, pools: Pools) -> Answer:
    """Whether an effect is there early, and whether it grows within the same trials."""
    conditions, trials = pools.conditions(claim.population), int(claim.thresholds["trials"])
    estimates, reasons, verdicts, needed, levels = [], [], [], [], []
    for comparator in claim.comparators:
        early, late = (
            Cell(
                conditions=conditions,
                comparator=comparator,
                timing=claim.options[end],
                label=claim.options[end].replace("_", " "),
            )
            for end in ("early", "late")
        )
        first, then = pools.finding(early, trials=trials), pools.finding(late, trials=trials)
        growth = pool(difference(pools, late, early, claim.thresholds["correlation"])[1])
        estimates += [first.text, then.text]
        grows = TOO_FEW
        if growth is not None:
            estimates.append(f"{late.name} minus first weeks, same trials: {effect_text(growth, 'difference')}")
            if growth.k >= trials:
                grows = "yes" if growth.ci_low > 0 else state(growth, pools.mid.low)
        there = "yes" if first.state in ("meaningful", "small") else first.state
        reasons.append(f"{early.name}: early effect {there}, growth {grows}")
        verdicts += [there, grows]
        needed += [words for f in (first,) if (words := f.needed(pools.mid.low, trials))]
        levels += [f.certainty.level for f in (first, then) if f.certainty]
    verdict = combined(verdicts, yes=["yes"], no=["none", "harm"])
    return Answer(
        verdict=verdict,
        certainty=lowest(levels),
        estimates=tuple(estimates),
        reasons=tuple(reasons),
        needed=tuple(needed),
    )


def same_trials(claim: Claim, pools: Pools) -> Answer:
    """Return whether one outcome improves as much as another in the trials that print both."""
    conditions, trials = pools.conditions(claim.population), int(claim.thresholds["trials"])
    first, second = claim.options["first"], claim.options["second"]
    estimates, states, needed, levels, reasons = [], [], [], [], []
    for comparator in claim.comparators:
        one, two = (
            Cell(conditions=conditions, comparator=comparator, outcome=outcome, label=outcome)
            for outcome in (first, second)
        )
        rows, change = difference(pools, one, two, claim.thresholds["correlation"])
        finding, gap = pool(rows), pool(change)
        where = TOO_FEW
        if finding is not None and gap is not None and finding.k >= trials:
            where, words = _beside(finding, gap, second, pools.mid.low)
            estimates += [
                f"{one.name}: {effect_text(finding)}",
                f"{first} minus {second}, {two.name}: {effect_text(gap, 'difference')}",
            ]
            reasons.append(f"{one.name}: {words}")
            levels += [c.level] if (c := pools.finding(one, trials=trials).certainty) else []
        if where in ("unsure", TOO_FEW):
            needed.append(f"{one.name}: more trials that print {first} and {second} (now {len(rows)})")
        states.append(where)
    verdict = combined(states, yes=["both"], no=["none", "harm"], partly=["first"])
    reasons = reasons or [f"fewer than {trials} trials print {first} and {second} against a comparator"]
    return Answer(
        verdict=verdict, certainty=lowest(levels), estimates=tuple(estimates), reasons=tuple(reasons), needed=tuple(needed)
    )  # fmt: skip


def _beside(finding: MetaAnalysis, gap: MetaAnalysis, second: str, small: float) -> tuple[str, str]:
    """Return the state of an outcome beside a second one, and in words: ``both``, ``first`` alone, or its own state."""
    where = state(finding, small)
    good, as_much = where in ("meaningful", "small"), gap.ci_low > -small
    words = f"{where}; " + (
        f"not less than {second} by {small:g} SD" if as_much else f"how it compares with {second} is open"
    )
    return ("both" if as_much else "first") if good else where, words


def worth(claim: Claim, pools: Pools) -> Answer:
    """Whether both a meaningful and a modest effect are real possibilities in a new setting."""
    estimates, both, syntheses = [], [], _syntheses(claim, pools, int(claim.thresholds["synthesis"]))
    risk, likely = claim.thresholds["control_risk"], claim.thresholds["likely"]
    for one, result in syntheses:
        df = result.df or math.inf
        mean, new = (
            float(1 - stdtr(df if math.isfinite(df) else 1e9, (pools.mid.low - result.estimate) / se))
            for se in (result.se, math.sqrt(result.se**2 + (result.tau2 or 0.0)))
        )
        if likely <= new <= 1 - likely:
            both.append(one.cell.name)
        responders = [float(responders_per_100(x, risk)) for x in (result.estimate, result.ci_low, result.ci_high)]
        estimates.append(
            f"{one.cell.name}: probability that the effect reaches {pools.mid.low:g} SD {mean:.0%} on average and {new:.0%} in a "
            f"new setting; {responders[0]:.0f} of 100 respond ({responders[1]:.0f} to {responders[2]:.0f}) where "
            f"{100 * risk:.0f} do without"
        )
    return by_share(
        claim,
        both,
        len(syntheses),
        estimates,
        "open to both",
        _lowest(syntheses),
    )


def levels(claim: Claim, pools: Pools) -> Answer:
    """Whether the certainty differs between syntheses."""
    syntheses = _syntheses(claim, pools, 1)
    rated = [(f, f.certainty) for f, _ in syntheses if f.certainty is not None]
    different = {c.level for _, c in rated}
    verdict = (
        "insufficient data"
        if not rated
        else "supported"
        if len(different) >= claim.thresholds["levels"]
        else "not supported"
    )
    return Answer(
        verdict=verdict, certainty=lowest(different),
        estimates=tuple(f"{f.cell.name}: {c.level} {c.symbols}" for f, c in rated),
        reasons=tuple(f"{f.cell.name}: {'; '.join(c.reasons) or 'no step lost'}" for f, c in rated),
        needed=() if rated else ("a trial with a usable figure",),
    )  # fmt: skip


def missing(claim: Claim, pools: Pools) -> Answer:
    """Whether trials without usable figures could move a synthesis into another state."""
    estimates, changed, needed, added = [], [], [], 0
    syntheses = _syntheses(claim, pools, int(claim.thresholds["trials"]))
    for one, result in syntheses:
        filled = _with_unprinted(pools, one)
        new = pool(filled) or result
        count, after = new.k - result.k, state(new, pools.mid.low)
        added += count
        estimates.append(
            f"{one.cell.name}: {result.estimate:.2f} ({result.ci_low:.2f} to {result.ci_high:.2f}) from {result.k} trials; with {count} "
            f"unprinted ones at no effect {new.estimate:.2f} ({new.ci_low:.2f} to {new.ci_high:.2f})"
        )
        if after != one.state:
            changed.append(f"{one.cell.name}: {one.state} becomes {after}")
            needed.append(
                f"{one.cell.name}: figures of {', '.join(one.missing[:6])}"
                + (" and others" if len(one.missing) > 6 else "")
            )
    verdict = "insufficient data" if not added else "supported" if changed else "not supported"
    reasons = (f"{len(changed)} of {len(syntheses)} syntheses change their state", *changed)
    level = _lowest(syntheses)
    return Answer(verdict=verdict, certainty=level, estimates=tuple(estimates), reasons=reasons,
                  needed=tuple(needed) or (() if added else ("nothing is missing",)))  # fmt: skip


def _with_unprinted(pools: Pools, finding: Finding) -> pd.DataFrame:
    """Return a synthesis with those of its unprinted trials that do not report a benefit, at no effect."""
    rows = pools.effects(finding.cell)
    left = rows.attrs["excluded"]
    left = left[left["arm"].isna() & ~left["trial_id"].isin(rows["trial_id"])].drop_duplicates("trial_id")
    left = left[left["reported_direction"].fillna("") != "benefit"]
    size = left["trial_id"].map(pools.evidence.trials.set_index("trial_id")["n_randomized"]).astype(float)
    columns = ["trial_id", "study", "year", "condition", "comparator"]
    more = left[columns].assign(yi=0.0, vi=(4 / size).fillna(rows["vi"].median()))
    return pd.concat([rows[more.columns], more], ignore_index=True)


RULES: dict[str, Rule] = {
    "benefit": benefit,
    "heterogeneity": heterogeneity,
    "levels": levels,
    "missing": missing,
    "mixed_evidence": mixed_evidence,
    "onset": onset,
    "placebo_share": placebo_share,
    "same_trials": same_trials,
    "variability": variability,
    "worth": worth,
}
