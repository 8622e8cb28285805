"""The rules that answer claims from beyond the trials: safety surveys, and published syntheses."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from acuevidence.appraisal.thresholds import appraisal_rules
from acuevidence.effects import back_transform
from acuevidence.questions.published import published
from acuevidence.questions.safety import Safety, exact_interval, number
from acuevidence.questions.sensitivity import sensitivity
from acuevidence.synthesis.glmm import glmm_single
from acuevidence.verdicts.answer import Answer, Claim, Estimate, Rule, decide, lowest
from acuevidence.verdicts.findings import Pools, effect
from acuevidence.words import count

__all__ = ["RULES"]


def rates(claim: Claim, pools: Pools) -> Answer:
    """Whether the named classes of events are rare, and most events mild."""
    found, classes = pools.safety(), claim.options["classes"]
    limits = {"treatments": claim.thresholds["very_rare"], "patients": claim.thresholds["rare"]}
    rows = found.rates[found.rates["event"].isin(classes)]
    said, reasons = [], []
    for row in rows.itertuples():
        limit = limits[row.denominator]
        said.append(bool(row.ci_high < limit))
        word = "below" if said[-1] else "not below"
        reasons.append(f"{_named(row)}: upper limit {number(row.ci_high)} per {found.per:,.0f}, {word} {limit:g}")
    needed = [
        f"surveys that count {classes[0].replace('_', ' ')} events per {one}"
        for one in limits
        if one not in set(rows["denominator"])
    ]
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
    level, why = _certainty(found, rows, _rates(pools), limits)
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
    """Whether the named classes make up most of all events; what patients report decides where a source prints it."""
    found = pools.safety()
    classes, beside, half = claim.options["classes"], claim.options["beside"], claim.thresholds["half"]
    level, why = _certainty(found, found.rates[found.rates["event"].isin(classes)], _rates(pools))
    rates = [_rate(row, found.per) for row in found.rates.itertuples() if row.event in (*classes, *beside)]
    shares = [*_printed_shares(found, classes), *_share(found, classes)]
    if not shares:
        return Answer(
            verdict="cannot tell",
            certainty=level,
            estimates=tuple(rates),
            reasons=why,
            needed=("a survey that counts the named classes beside all events",),
        )
    share, commonest = shares[0], _commonest(found, classes, beside)
    verdict = decide(
        (share.low >= half, "supported"),
        (share.high < half, "not supported"),
        (commonest, "partly supported"),
        (True, "cannot tell"),
    )
    reasons = (
        *(f"{one.label}: between {one.low:.0%} and {one.high:.0%}" for one in shares),
        "they are commoner than every other class counted" if commonest else "another class is as common",
        *why,
    )
    open_ = share.low < half <= share.high
    needed = ("surveys that count every event by class, in all patients",) if open_ else ()
    return Answer(verdict=verdict, certainty=level, estimates=(*shares, *rates), reasons=reasons, needed=needed)


_OF_ALL = re.compile(r"(\d+(?:\.\d+)?)\s*% of all adverse (?:effects|events)")


def _printed_shares(found: Safety, classes: list[str]) -> list[Estimate]:
    """Return the shares of all events that sources print for a named class alone, with exact limits; patients' reports first."""
    every = found.sources[(found.sources["event"] == "any") & found.sources["events"].notna()].set_index("study_id")["events"]
    shares = []
    for row in found.sources.sort_values("reported_by", ascending=False, kind="stable").itertuples():
        printed = _OF_ALL.search(str(row.figures_as_printed))
        if printed is None or row.event not in classes or row.study_id not in every.index:
            continue
        share, n = float(printed[1]) / 100, float(every[row.study_id])
        low, high = exact_interval(round(share * n), n)
        label = f"{row.event.replace('_', ' ')} alone in all events, reported by {row.reported_by}"
        note = f"{{estimate}} ({{interval}}; {row.study}, as printed, of {n:,.0f} patients with an event)"
        shares.append(Estimate(label, share, float(low), float(high), "share", note))
    return shares


def _share(found: Safety, classes: list[str]) -> list[Estimate]:
    """Return the share of classes of events in all events, from sources that count both: of one or two these, else pooled."""
    used = found.sources[found.sources["pooled"]]
    wide = used.pivot_table(index=["study", "denominator"], columns="event", values="events", aggfunc="sum")
    counted = wide.reindex(columns=["any", *classes]).dropna()
    events, n = counted[classes].sum(axis=1).astype(float), counted["any"].astype(float)
    if len(counted) > 2:
        result = glmm_single(events.to_numpy(), n.to_numpy())
        mean, lower, upper = (float(back_transform(x, "PLO")) for x in (result.estimate, result.ci_low, result.ci_high))
        surveys = ", ".join(f"{study} {events[study, of]:.0f} of {n[study, of]:.0f}" for study, of in counted.index)
        return [Estimate("share in all events, counted", mean, lower, upper, "share", f"{{estimate}} ({{interval}}; {surveys})")]
    shares = []
    for study, of in counted.index:
        x, total = float(events[study, of]), float(n[study, of])
        low, high = map(float, exact_interval(x, total))
        note = f"{{estimate}} ({{interval}}; {x:.0f} of {total:.0f})"
        shares.append(Estimate(f"share in all events, {study}", x / total, low, high, "share", note))
    return shares


def _named(row: Any) -> str:
    return f"{row.label} per {row.denominator.removesuffix('s')}, reported by {row.reported_by}"


def _rate(row: Any, per: float) -> Estimate:
    """Return a row of the rates as an estimate, with sources and counts."""
    note = f"{{estimate}} ({{interval}}; {count(row.sources, 'source')}, {row.events:,} events in {row.n:,}; {row.method})"
    label = f"{row.label} per {per:,.0f} {row.denominator}, reported by {row.reported_by}"
    return Estimate(label, row.rate, row.ci_low, row.ci_high, "rate", note)


def _commonest(found: Safety, classes: list[str], beside: list[str]) -> bool:
    """Return whether each named class is commoner than every other, per treatment and per patient, whoever reported."""
    wide = found.rates.pivot_table(index=["denominator", "reported_by"], columns="event", values="rate")
    ours, theirs = wide[[c for c in classes if c in wide]], wide[[c for c in beside if c in wide]]
    both = ours.notna().all(axis=1) & theirs.notna().any(axis=1)
    return bool(both.any() and (ours.min(axis=1) > theirs.max(axis=1))[both].all())


def _rates(pools: Pools) -> Mapping[str, Any]:
    """Return the rules by which the certainty of a rate is judged."""
    rules: Mapping[str, Any] = appraisal_rules(pools.evidence)["safety"]["certainty"]
    return rules


def _certainty(
    found: Safety, rows: pd.DataFrame, rules: Mapping[str, Any], limits: Mapping[str, float] | None = None
) -> tuple[str | None, tuple[str, ...]]:
    """Return the lowest certainty of rates and what each lost, by the rules of ``appraisal.yaml``; imprecise: a limit inside."""
    levels, why, pooled = [], [], found.sources[found.sources["pooled"]]
    for row in rows.itertuples():
        key = zip(("event", "denominator", "reported_by"), (row.event, row.denominator, row.reported_by), strict=True)
        sources = pooled[np.logical_and.reduce([pooled[name] == value for name, value in key])]["study_id"]
        lost = [f"{row.reported_by} report"] if row.reported_by in rules["reported_by"] else []
        for kind in ("selected", "indirect"):
            named = [rules[kind][study] for study in sources if study in rules[kind]]
            lost += [f"{kind}: {'; '.join(dict.fromkeys(named))}"] if 2 * len(named) >= len(sources) and named else []
        lost += [f"I2 {row.i2:.0f}%"] if pd.notna(row.i2) and row.i2 >= rules["i2"] else []
        limit = (limits or {}).get(row.denominator)
        lost += [f"the interval includes {limit:g}"] if limit is not None and row.ci_low <= limit <= row.ci_high else []
        levels.append(("high", "moderate", "low", "very low")[min(len(lost), 3)])
        if lost:
            why.append(f"{_named(row)}, certainty {levels[-1]}: {'; '.join(lost)}")
    return lowest(levels), tuple(why)


def agreement(claim: Claim, pools: Pools) -> Answer:
    """Whether published syntheses agree on a benefit, and ours with them."""
    estimates, reasons, agreed, seen = [], [], [], 0
    for condition in pools.conditions(claim.population):
        label = pools.evidence.topic.label(condition)
        rows = published(condition, evidence=pools.evidence).dropna(subset=["ci_low", "ci_high"])
        rows = rows[rows["comparator"].isin(claim.comparators)]
        of_patients = rows[rows["type"] == "ipd_meta_analysis"].drop_duplicates(["study", "comparator"])
        rows = rows[~rows["condition"].isin(_wider(pools))]
        rows = rows.drop_duplicates(["study", "comparator", "outcome"])
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
        reasons += [
            f"{label} v {pools.evidence.topic.comparator(r.comparator).phrase}: {one.estimate:.2f} here, {r.estimate:.2f} "
            f"({r.ci_low:.2f} to {r.ci_high:.2f}) from individual patients"
            f"{'' if r.condition == condition else ' of ' + r.condition.replace('_', ' ')} ({r.study})"
            for r in of_patients.itertuples()
            for f in ours[r.comparator]
            if (one := f.headline) is not None and one.estimate is not None
        ]
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


def _wider(pools: Pools) -> set[str]:
    """Return what published syntheses call groups of several conditions: they are of none alone."""
    topic = pools.evidence.topic
    names = [name for condition in pools.conditions() for name in {*topic.published_conditions(condition)}]
    return {name for name in names if names.count(name) > 1}


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
