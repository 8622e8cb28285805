"""The rules that answer claims from beyond the trials: safety surveys, and published syntheses."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from acuevidence.appraisal.thresholds import appraisal_rules
from acuevidence.effects import back_transform, effect_size
from acuevidence.questions.published import published
from acuevidence.questions.safety import Safety, rate_text
from acuevidence.synthesis import meta_analysis
from acuevidence.verdicts.answer import Answer, Claim, Rule, lowest
from acuevidence.verdicts.findings import Pools, effect_text

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
        reasons.append(
            f"serious events per {denominator}: upper limit {row['ci_high']:.2f} per {found.per:,.0f}, {word} {limit:g}"
        )
    mild = _mild(found)
    if mild is None:
        needed.append("a survey that counts events and those that needed treatment in the same patients")
    else:
        source, share = mild
        said.append(share < claim.thresholds["half"])
        reasons.append(f"{share:.0%} of the patients with an event needed treatment ({source})")
    verdict = (
        "insufficient data"
        if not said
        else "supported"
        if all(said) and not needed
        else "partly supported"
        if any(said)
        else "not supported"
    )
    level, why = _certainty(found, [("serious", "treatments"), ("serious", "patients")], _rates(pools))
    lines = [rate_text(row, found.per) for row in found.rates.itertuples()]
    return Answer(
        verdict=verdict, certainty=level, estimates=tuple(lines), reasons=(*reasons, *why), needed=tuple(needed)
    )


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
    classes, half = claim.options["classes"], claim.thresholds["half"]
    used = found.sources[found.sources["pooled"]]
    wide = used.pivot_table(index=["study", "denominator"], columns="event", values="events", aggfunc="sum")
    wide = (
        wide.dropna(subset=[c for c in ["any", *classes] if c in wide])
        if {"any", *classes} <= set(wide)
        else wide.iloc[:0]
    )
    lines = [
        rate_text(row, found.per)
        for row in found.rates.itertuples()
        if row.event in (*classes, *claim.options["beside"])
    ]
    level, why = _certainty(found, [(c, "treatments") for c in classes], _rates(pools))
    if wide.empty:
        return Answer(verdict="insufficient data", certainty=level, estimates=tuple(lines), reasons=why,
                      needed=("a survey that counts the named classes beside all events",))  # fmt: skip
    events, n = wide[classes].sum(axis=1), wide["any"]
    size = effect_size("PLO", events=events.to_numpy(float), n=n.to_numpy(float))
    result = meta_analysis(size["yi"].to_numpy(), size["vi"].to_numpy(), test="HKSJ-adhoc")
    share, low, high = (float(back_transform(x, "PLO")) for x in (result.estimate, result.ci_low, result.ci_high))
    lines.append(f"share in all events: {share:.0%} ({low:.0%} to {high:.0%}; " + ", ".join(
        f"{study} {e:.0f} of {total:.0f}" for (study, _), e, total in zip(wide.index, events, n, strict=True)) + ")")  # fmt: skip
    commonest = _commonest(found, classes, claim.options["beside"])
    verdict = (
        "supported"
        if low >= half
        else "not supported"
        if high < half
        else "partly supported"
        if commonest
        else "insufficient data"
    )
    reasons = (f"their share in all events lies between {low:.0%} and {high:.0%}",
               "they are commoner than every other class counted" if commonest else "another class is as common", *why)  # fmt: skip
    needed = () if low >= half or high < half else ("surveys that count every event by class, in all patients",)
    return Answer(verdict=verdict, certainty=level, estimates=tuple(lines), reasons=reasons, needed=needed)


def _commonest(found: Safety, classes: list[str], beside: list[str]) -> bool:
    """Return whether each named class is commoner than every other, per treatment and per patient."""
    wide = found.rates.pivot_table(index="denominator", columns="event", values="rate")
    ours, theirs = wide[[c for c in classes if c in wide]], wide[[c for c in beside if c in wide]]
    return bool((ours.min(axis=1) > theirs.max(axis=1)).all())


def _rates(pools: Pools) -> Mapping[str, Any]:
    """Return the rules by which the certainty of a rate is judged."""
    rules: Mapping[str, Any] = appraisal_rules(pools.evidence)["safety"]["certainty"]
    return rules


def _certainty(found: Safety, keys: list[tuple[str, str]], rules: Mapping[str, Any]) -> tuple[str, tuple[str, ...]]:
    """Return the certainty of rates and what it lost, by the rules of ``appraisal.yaml``; the lowest of several."""
    levels, why = [], []
    for event, denominator in keys:
        row = found.rate(event, denominator)
        if row is None:
            continue
        lost = []
        if row["sources"] <= rules["few_sources"]:
            lost.append(f"{row['sources']} source{'' if row['sources'] == 1 else 's'}")
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
        ours = {c: pools.finding(pools.cell(conditions=(condition,), comparator=c, label=label)) for c in claim.comparators}
        estimates += [f"{f.cell.name}, here: {effect_text(f.result)}" for f in ours.values() if f.result is not None]
        overlaps = [
            r.ci_low <= one.ci_high and r.ci_high >= one.ci_low
            for r in rows.itertuples() if (one := ours[r.comparator].result) is not None
        ]  # fmt: skip
        above = int((rows["ci_low"] > 0).sum())
        with_ours = bool(overlaps) and sum(overlaps) >= claim.thresholds["half"] * len(overlaps)
        if above == len(rows) and with_ours:
            agreed.append(label)
        reasons.append(
            f"{label}: {above} of {len(rows)} published intervals lie above no effect; ours overlaps {sum(overlaps)} of {len(overlaps)}"
        )
    enough = len(agreed) >= claim.thresholds["conditions"]
    verdict = (
        "insufficient data"
        if not seen
        else "supported"
        if enough
        else "partly supported"
        if agreed
        else "not supported"
    )
    needed = () if seen else ("published syntheses with intervals on the SMD scale",)
    levels = [f.certainty.level for c in pools.conditions(claim.population) for f in
              (pools.finding(pools.cell(conditions=(c,), comparator=a)) for a in claim.comparators) if f.certainty]  # fmt: skip
    return Answer(
        verdict=verdict, certainty=lowest(levels), estimates=tuple(estimates), reasons=tuple(reasons), needed=needed
    )


RULES: dict[str, Rule] = {"agreement": agreement, "rates": rates, "usual_events": usual_events}
