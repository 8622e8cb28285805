"""The rules that answer claims from beyond the trials: safety surveys, and published syntheses."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from acuevidence.appraisal.thresholds import appraisal_rules
from acuevidence.effects import back_transform, effect_size
from acuevidence.questions.published import published
from acuevidence.questions.safety import Safety
from acuevidence.questions.sensitivity import sensitivity
from acuevidence.synthesis import meta_analysis
from acuevidence.verdicts.answer import Answer, Claim, Estimate, Rule, decide, lowest
from acuevidence.verdicts.findings import Pools, effect
from acuevidence.words import count

__all__ = ["RULES"]


def rates(claim: Claim, pools: Pools) -> Answer:
    """Whether serious events are rare and most events mild."""
    found = pools.safety()
    limits = {"treatments": claim.thresholds["very_rare"], "patients": claim.thresholds["rare"]}
    said, reasons, needed = [], [], []
    for denominator, limit in limits.items():
        row = found.rate("serious", denominator)
        if row is None:
            needed.append(f"surveys that count serious events per {denominator}")
            continue
        said.append(bool(row["ci_high"] < limit))
        word = "below" if said[-1] else "not below"
        reasons.append(f"serious events per {denominator}: upper limit {row['ci_high']:.2f} per {found.per:,.0f}, {word} {limit:g}")
    mild = _mild(found)
    if mild is None:
        needed.append("a survey that counts events and those that needed treatment in the same patients")
    else:
        source, share = mild
        said.append(share < claim.thresholds["half"])
        reasons.append(f"{share:.0%} of the patients with an event needed treatment ({source})")
    verdict = decide(
        (not said, "cannot tell"),
        (all(said) and not needed, "supported"),
        (any(said), "partly supported"),
        (True, "not supported"),
    )
    level, why = _certainty(found, [("serious", "treatments"), ("serious", "patients")], _rates(pools))
    estimates = tuple(_rate(row, found.per) for row in found.rates.itertuples())
    return Answer(verdict=verdict, certainty=level, estimates=estimates, reasons=(*reasons, *why), needed=tuple(needed))


def _mild(found: Safety) -> tuple[str, float] | None:
    """Return the largest source that counts both, and the share of its patients with an event who needed treatment."""
    counts = found.sources[found.sources["events"].notna() & (found.sources["denominator"] == "patients")]
    wide = counts[counts["event"].isin(["any", "requiring_treatment"])].pivot_table(
        index="study", columns="event", values="events", aggfunc="max"
    )
    if not {"any", "requiring_treatment"} <= set(wide.columns) or wide.dropna().empty:
        return None
    row = wide.dropna().sort_values("any").iloc[-1]
    return str(row.name), float(row["requiring_treatment"] / row["any"])


def usual_events(claim: Claim, pools: Pools) -> Answer:
    """Whether the named classes make up most of all events."""
    found = pools.safety()
    classes, beside, half = claim.options["classes"], claim.options["beside"], claim.thresholds["half"]
    level, why = _certainty(found, [(c, "treatments") for c in classes], _rates(pools))
    rates = [_rate(row, found.per) for row in found.rates.itertuples() if row.event in (*classes, *beside)]
    share = _share(found, classes)
    if share is None:
        return Answer(
            verdict="cannot tell",
            certainty=level,
            estimates=tuple(rates),
            reasons=why,
            needed=("a survey that counts the named classes beside all events",),
        )
    commonest = _commonest(found, classes, beside)
    verdict = decide(
        (share.low >= half, "supported"),
        (share.high < half, "not supported"),
        (commonest, "partly supported"),
        (True, "cannot tell"),
    )
    reasons = (
        f"their share in all events lies between {share.low:.0%} and {share.high:.0%}",
        "they are commoner than every other class counted" if commonest else "another class is as common",
        *why,
    )
    open_ = share.low < half <= share.high
    needed = ("surveys that count every event by class, in all patients",) if open_ else ()
    return Answer(verdict=verdict, certainty=level, estimates=(*rates, share), reasons=reasons, needed=needed)


def _share(found: Safety, classes: list[str]) -> Estimate | None:
    """Return the pooled share of classes of events in all events; None where no survey counts both."""
    used = found.sources[found.sources["pooled"]]
    wide = used.pivot_table(index=["study", "denominator"], columns="event", values="events", aggfunc="sum")
    counted = wide.reindex(columns=["any", *classes]).dropna()
    if counted.empty:
        return None
    events, n = counted[classes].sum(axis=1), counted["any"]
    size = effect_size("PLO", events=events.to_numpy(float), n=n.to_numpy(float))
    result = meta_analysis(size["yi"].to_numpy(), size["vi"].to_numpy(), test="HKSJ-adhoc")
    share, low, high = (float(back_transform(x, "PLO")) for x in (result.estimate, result.ci_low, result.ci_high))
    surveys = ", ".join(f"{row.Index[0]} {events[row.Index]:.0f} of {n[row.Index]:.0f}" for row in counted.itertuples())
    return Estimate("share in all events", share, low, high, "share", f"{{estimate}} ({{interval}}; {surveys})")


def _rate(row: Any, per: float) -> Estimate:
    """Return a row of the rates as an estimate, with sources and counts."""
    note = f"{{estimate}} ({{interval}}; {count(row.sources, 'source')}, {row.events:,} events in {row.n:,})"
    label = f"{row.label} per {per:,.0f} {row.denominator}"
    return Estimate(label, row.rate, row.ci_low, row.ci_high, "rate", note)


def _commonest(found: Safety, classes: list[str], beside: list[str]) -> bool:
    """Return whether each named class is commoner than every other, per treatment and per patient."""
    wide = found.rates.pivot_table(index="denominator", columns="event", values="rate")
    ours, theirs = wide[[c for c in classes if c in wide]], wide[[c for c in beside if c in wide]]
    return bool((ours.min(axis=1) > theirs.max(axis=1)).all())


def _rates(pools: Pools) -> Mapping[str, Any]:
    """Return the rules by which the certainty of a rate is judged."""
    rules: Mapping[str, Any] = appraisal_rules(pools.evidence)["safety"]["certainty"]
    return rules


def _certainty(found: Safety, keys: list[tuple[str, str]], rules: Mapping[str, Any]) -> tuple[str | None, tuple[str, ...]]:
    """Return the certainty of rates and what it lost, by the rules of ``appraisal.yaml``; the lowest of several."""
    levels, why = [], []
    for event, denominator in keys:
        row = found.rate(event, denominator)
        if row is None:
            continue
        lost = []
        if row["sources"] <= rules["few_sources"]:
            lost.append(f"{count(row['sources'], 'source')}")
        if pd.notna(row["i2"]) and row["i2"] >= rules["i2_serious"]:
            lost.append(f"I2 {row['i2']:.0f}%")
        levels.append(("high", "moderate", "low")[len(lost)])
        if lost:
            why.append(f"{row['label']} per {denominator}, certainty {levels[-1]}: {'; '.join(lost)}")
    return lowest(levels), tuple(why)


def agreement(claim: Claim, pools: Pools) -> Answer:
    """Whether published syntheses agree on a benefit, and ours with them."""
    estimates, reasons, agreed, seen = [], [], [], 0
    for condition in pools.conditions(claim.population):
        label = pools.evidence.topic.label(condition)
        rows = published(condition, evidence=pools.evidence).dropna(subset=["ci_low", "ci_high"])
        rows = rows[rows["comparator"].isin(claim.comparators)]
        if rows.empty:
            reasons.append(f"{label}: no published interval on this scale")
            continue
        seen += 1
        ours = {c: [pools.finding(cell) for cell in pools.apart(condition, [c])] for c in claim.comparators}
        estimates += [
            effect(f"{f.cell.name}, here", f.result, f.headline)
            for found in ours.values()
            for f in found
            if f.result is not None and f.headline is not None
        ]
        overlaps = [
            r.ci_low <= one.ci_high and r.ci_high >= one.ci_low
            for r in rows.itertuples()
            for f in ours[r.comparator]
            if (one := f.headline) is not None and one.ci_low is not None and one.ci_high is not None
        ]
        estimates += _others(condition, label, claim, pools)
        above = int((rows["ci_low"] > 0).sum())
        with_ours = bool(overlaps) and sum(overlaps) >= claim.thresholds["half"] * len(overlaps)
        if above == len(rows) and with_ours:
            agreed.append(label)
        reasons.append(
            f"{label}: {above} of {len(rows)} published intervals lie above no effect; ours overlaps {sum(overlaps)} of {len(overlaps)}"
        )
    verdict = decide(
        (not seen, "cannot tell"),
        (len(agreed) >= claim.thresholds["conditions"], "supported"),
        (agreed, "partly supported"),
        (True, "not supported"),
    )
    needed = () if seen else ("published syntheses with intervals on the SMD scale",)
    return Answer(verdict=verdict, certainty=None, estimates=tuple(estimates), reasons=tuple(reasons), needed=needed)


def _others(condition: str, label: str, claim: Claim, pools: Pools) -> list[Estimate]:
    """Return ours under the analyses that the claim names beside the default."""
    wanted = claim.options.get("beside", [])
    found, _ = pools.analysis(sensitivity, condition=condition, analyses=wanted) if wanted else (None, "")
    if found is None:
        return []
    rows = found[found["analysis"].isin(wanted) & found["comparator"].isin(claim.comparators)].dropna(subset="ci_low")
    return [
        Estimate(
            f"{label} v {pools.evidence.topic.comparator(row.comparator).phrase}, here, {row.analysis}",
            row.estimate,
            row.ci_low,
            row.ci_high,
            note=f"{count(row.k, 'trial')}, SMD {{estimate}} ({{interval}})",
        )
        for row in rows.itertuples()
    ]


RULES: dict[str, Rule] = {"agreement": agreement, "rates": rates, "usual_events": usual_events}
