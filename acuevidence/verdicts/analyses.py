"""The rules that hand a claim to an analysis of its own: decomposition, parts, spread, time course, function beside pain.

Where an analysis refuses, because trials are too few for it, the answer says so in the words of its refusal.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import pandas as pd

from acuevidence import words
from acuevidence.appraisal.certainty import rate
from acuevidence.appraisal.headline import headline
from acuevidence.appraisal.states import state_of
from acuevidence.questions.components import Components, components
from acuevidence.questions.decompose import decompose
from acuevidence.questions.time_course import TimeCourse, time_course
from acuevidence.questions.two_outcomes import two_outcomes
from acuevidence.questions.variability import variability
from acuevidence.verdicts.answer import OPEN, Answer, Claim, Estimate, Rule, between, combined, decide, lowest, mark
from acuevidence.verdicts.findings import TOO_FEW, Pools, between_trials, pool
from acuevidence.verdicts.moderators import compared
from acuevidence.words import count, interval, series

__all__ = ["RULES"]

NOT_ESTIMABLE = "not estimable"
_NEEDS_PATIENTS = "figures of each patient, or crossovers repeated within patients"
_SMD = "SMD {estimate} ({interval})"


def placebo_share(claim: Claim, pools: Pools) -> Answer:
    """Whether placebo does better than no treatment: the part of the total effect that is not beyond placebo."""
    wanted = {"condition": list(claim.population) or None}
    within, refused = pools.analysis(decompose, three_arm=True, **wanted)
    joint, _ = pools.analysis(decompose, **wanted)
    if within is None or joint is None:
        return _refused(refused)
    topic = pools.evidence.topic
    placebo, untreated = (topic.comparator(topic.of_kind(kind)).phrase for kind in ("placebo", "untreated"))
    together = series([topic.label(one).lower() for one in claim.population]) if claim.population else "all conditions"
    together = f"{together[:1].upper()}{together[1:]}"
    rows = [
        (f"{together}, trials with all three arms", within.shares.iloc[0]),
        *(
            (f"{together if one.condition == 'all' else topic.label(one.condition)}, all trials in one model", one)
            for one in joint.shares.itertuples()
        ),
    ]
    states = [_share_state(share) for _, share in rows]
    estimates = [
        Estimate(label, share.share, share.low, share.high, "share", share.words)
        if state == "a part"
        else Estimate(label, note=f"share {state}")
        for (label, share), state in zip(rows, states, strict=True)
    ]
    reasons = [f"{label}: {state}" for (label, _), state in zip(rows, states, strict=True)]
    reasons += [
        f"{placebo} against {untreated}: {part.estimate:.2f} SD ({part.ci_low:.2f} to {part.ci_high:.2f}), randomised, in trials with all "
        "three arms"
        for part in within.parts[within.parts["condition"] == "all"].itertuples()
        if part.part == "direct"
    ]
    sides = within.effects.pivot_table(index="study", columns="comparator", values="yi")
    worse = (
        [str(name) for name in sides.index[(sides[topic.of_kind("untreated")] < sides[topic.of_kind("placebo")])]]
        if len(sides)
        else []
    )
    if worse:
        reasons.append(f"in {', '.join(worse)}, {placebo} did worse than {untreated}")
    if within.left_out:
        reasons.append(f"left out, because a response fills or empties an arm: {', '.join(within.left_out)}")
    behind = within if within.shares["kind"].iloc[0] is not None else joint
    pooled = (pool(rows_of) for _, rows_of in behind.effects.groupby("comparator", sort=False))
    level = lowest(
        rate(one, headline(one, evidence=pools.evidence), evidence=pools.evidence).level for one in pooled if one is not None
    )
    verdict = decide(
        (level == "very low", "cannot tell"),
        (states[0] == "a part", "supported"),
        (states[0] == "no part", "not supported"),
        ("a part" in states, "partly supported"),
        (True, "cannot tell"),
    )
    reasons.append(claim.options["holds"])
    needed = [
        f"{label}: more trials with all three arms" for (label, _), state in zip(rows, states, strict=True) if state != "a part"
    ]
    said = f"{estimates[0].text[:1].upper()}{estimates[0].text[1:]}." if states[0] == "a part" else ""
    return Answer(
        verdict=verdict,
        certainty=level,
        estimates=tuple(estimates),
        reasons=tuple(reasons),
        needed=tuple(needed),
        said=(said,) if said else (),
    )


def _share_state(share: Any) -> str:
    bounded = share.kind == "bounded"
    return decide(
        (share.kind is None, TOO_FEW),
        (bounded and share.low > 0 and share.high <= 1, "a part"),
        (bounded and share.high < 0, "no part"),
        (True, NOT_ESTIMABLE),
    )


def parts(claim: Claim, pools: Pools) -> Answer:
    """Return what the parts of the treatment add beyond the first, in an additive model of arms that have more or fewer."""
    found, refused = pools.analysis(components, condition=list(claim.population) or None)
    if found is None:
        return _refused(refused, "trials whose arms differ in the parts")
    beyond, shown = claim.options["beyond"], found.components
    together = found.together(beyond)
    name = " and ".join(str(shown["label"][part]).lower() for part in beyond)
    between_them, why = between_trials(found.model.k, claim)
    rated = _certainty(pools, claim.comparators, conditions=claim.population)
    level = lowest([between_them, rated or between_them]) or between_them
    verdict = between([found.holds and level != "very low" and together["ci_low"] > 0])
    beside = (replace(one.shown, label=f"between trials, {one.shown.label}") for one in compared(claim, pools))
    said = (
        f"Beyond {shown['label'].iloc[0].lower()}, {name} add {together['estimate']:.2f} SD "
        f"({together['ci_low']:.2f} to {together['ci_high']:.2f}) in the additive model."
    )
    return Answer(
        verdict=verdict,
        certainty=level,
        estimates=(
            *(_estimate(one.label, one, f"{count(one.k, 'trial')}, {_SMD}") for one in shown.itertuples()),
            _estimate(f"{name[:1].upper()}{name[1:]} together", together, _SMD),
            *beside,
        ),
        reasons=(*_of_model(found), why),
        needed=() if verdict != "cannot tell" else ("more trials that randomise arms that differ in one part",),
        said=(said,) if found.holds and pd.notna(together["estimate"]) else (),
    )


def _of_model(found: Components) -> tuple[str, ...]:
    """Return what an additive model rests on: its tests, what it leaves out, and its parts without what is assumed."""
    tests = found.additivity["p_random"]
    reasons = [
        f"tests of adding parts up: P {words.p(tests['additivity'])}, between sets of arms P {words.p(tests['between designs'])}",
        f"left out: {count(len(found.left_out), 'arm')} of unknown parts; parts of an arm assumed in {count(found.assumed, 'trial')}",
    ]
    if found.without_assumed is not None:
        alone = found.without_assumed.dropna().itertuples()
        reasons.append(
            "without these: " + "; ".join(f"{one.label} {interval(one.estimate, one.ci_low, one.ci_high)}" for one in alone)
        )
    return tuple(reasons)


def spread(claim: Claim, pools: Pools) -> Answer:
    """Whether patients' outcomes spread more under the treatment than chance and a shift of the mean explain."""
    found, refused = pools.analysis(variability)
    if found is None:
        return _refused(refused, "trials that print the SD of each arm")
    margin = math.log(claim.thresholds["spread"])
    estimates, reasons, needed, said = [], [], [], []
    told = found.verdicts[found.verdicts["condition"] == "all"].set_index("comparator")
    for comparator in claim.comparators:
        name = pools.cell(conditions=(), comparator=comparator).name
        if comparator not in told.index:
            needed.append(f"{name}: trials that print the SD of each arm")
            continue
        pooled = found.pools[found.pools["comparator"] == comparator]
        where = _spread(told.loc[comparator], pooled[pooled["condition"] == "all"].iloc[0], margin)
        reasons.append(f"{name}: {where}; {told.loc[comparator, 'reason']}")
        kinds = list(found.by_scores[found.by_scores["comparator"] == comparator].itertuples())
        note = "{}, ratio of SDs of {} scores {{estimate}} ({{interval}}), one model of both kinds"
        estimates += [
            Estimate(
                f"all conditions, {name}", k.ratio, k.ratio_low, k.ratio_high, "ratio", note.format(count(k.k, "trial"), k.scores)
            )
            for k in kinds
        ]
        said += [_spreads(k, pools.evidence.topic.comparator(comparator).phrase) for k in kinds]
        estimates += [
            Estimate(
                f"{_label(p.condition, pools)}, {name}",
                p.ratio,
                p.ratio_low,
                p.ratio_high,
                "ratio",
                f"{count(p.k, 'trial')}, {_RATIOS[p.measure].format(p.scores)} {{estimate}} ({{interval}})",
            )
            for p in pooled.itertuples()
            if (p.condition == "all") == (p.measure == "lnCVR") and p.k >= claim.thresholds["synthesis"]
        ]
        if where in ("unsure", TOO_FEW):
            needed.append(f"{name}: more trials that print the SD of each arm (now {int(told.loc[comparator, 'k'])})")
    aside = (
        "spread between patients holds the spread of measurement; no more spread than with the comparator does not show that patients "
        "respond alike",
    )
    return Answer(
        verdict="cannot tell",
        certainty=None,
        estimates=tuple(estimates),
        reasons=(*reasons, *aside),
        needed=tuple(dict.fromkeys((*needed, _NEEDS_PATIENTS))),
        said=tuple(said),
    )


def _spreads(kind: Any, against: str) -> str:
    """Return what the ratio of SDs of a kind of score says in a sentence."""
    scores = f"{kind.scores} scores".capitalize()
    if kind.ci_low > 0:
        return f"{scores} spread more than with {against}, as much as responses with an SD of {kind.extra:.2f} of its SD would."
    if kind.ci_high < 0:
        return f"{scores} spread less than with {against} (SD ratio at most {kind.ratio_high:.2f})."
    return (
        f"{scores}: more spread than with {against} is not shown (SD ratio at most {kind.ratio_high:.2f}; responses with an SD of "
        f"{kind.extra_high:.2f} of its SD or less remain possible)."
    )


_RATIOS = {"lnVR": "ratio of SDs of {} scores", "lnCVR": "ratio of coefficients of variation of {} scores"}


def _spread(told: Any, sds: Any, margin: float) -> str:
    """Return the state of a comparison: its verdict, then where the interval of the ratio of SDs lies."""
    unknown = pd.isna(told["more_spread"])
    return decide(
        (unknown, TOO_FEW),
        (not unknown and told["more_spread"], "more spread"),
        (sds["ci_low"] > 0, "explained by the mean"),
        (sds["ci_high"] < 0, "less spread"),
        (-margin < sds["ci_low"] and sds["ci_high"] < margin, "alike"),
        (True, "unsure"),
    )


def onset(claim: Claim, pools: Pools) -> Answer:
    """Whether an effect is there early, and whether it grows within the same trials."""
    early, late = claim.options["early"], claim.options["late"]
    course, refused = pools.analysis(time_course, correlation=claim.thresholds["correlation"])
    trials = int(claim.thresholds["trials"])
    estimates, reasons, needed = [], [], []
    for comparator in claim.comparators:
        name = pools.cell(conditions=(), comparator=comparator).name
        growth = _change(course, comparator, early, late)
        estimates += _periods(course, comparator, (early, late), name)
        if growth is not None and growth.k >= trials and not math.isnan(growth.estimate):
            note = f"{{estimate}} ({{interval}}); {_both(growth.k)}"
            estimates.append(_estimate(f"{name}, {late} minus {early}", growth, note))
            grows = state_of(growth.ci_low, growth.ci_high)
            words = "the effect grows" if grows == "benefit" else "no growth is shown"
            reasons.append(f"{name}: from {early} to {late} within the same trials, {words}")
        else:
            needed.append(f"{name}: {trials} or more trials that print {early} and {late} on the same instrument")
    return Answer(
        verdict="cannot tell",
        certainty=None,
        estimates=tuple(estimates),
        reasons=("means of groups do not tell fast from slow patients", *_said(refused), *reasons),
        needed=(*needed, "responders by week, or figures of each patient"),
    )


def _row_of(course: TimeCourse | None, comparator: str, period: str) -> Any:
    rows = () if course is None else course.periods.itertuples()
    return next((row for row in rows if (row.comparator, row.period) == (comparator, period)), None)


def _change(course: TimeCourse | None, comparator: str, earlier: str, later: str) -> Any:
    rows = () if course is None else course.changes.itertuples()
    return next((r for r in rows if (r.comparator, r.earlier, r.later) == (comparator, earlier, later)), None)


def _periods(course: TimeCourse | None, comparator: str, periods: Iterable[str], name: str) -> list[Estimate]:
    rows = [(period, _row_of(course, comparator, period)) for period in periods]
    return [
        Estimate(f"{name}, {p}", note=f"{count(r.k, 'trial')}, not pooled")
        if math.isnan(r.estimate)
        else _estimate(f"{name}, {p}", r, f"{count(r.k, 'trial')}, {_SMD}")
        for p, r in rows
        if r is not None
    ]


def function_beside_pain(claim: Claim, pools: Pools) -> Answer:
    """Whether function improves, and how it compares with pain, in the trials that print both."""
    both, _ = pools.analysis(two_outcomes, correlation=claim.thresholds["correlation"])
    rows = {} if both is None else {(r.comparator, r.outcome): r for r in both.to_frame().itertuples()}
    estimates, reasons, marks, needed = [], [], [], []
    for comparator in claim.comparators:
        cell = pools.cell(conditions=pools.conditions(), comparator=comparator, outcome="function")
        function, gap, finding = rows.get((comparator, "function")), rows.get((comparator, "difference")), pools.finding(cell)
        marks.append(OPEN)
        if function is None or gap is None:
            known = 0 if both is None else both.too_few.get(comparator, 0)
            reasons.append(f"{cell.name}: {count(known, 'trial')} with both, three are needed")
            needed.append(f"{cell.name}: more trials that print function and pain")
            continue
        estimates += [
            _estimate(f"{cell.name}, {r.outcome.replace('difference', 'pain minus function')}", r, f"{r.trials} trials, {_SMD}")
            for (against, _), r in rows.items()
            if against == comparator
        ]
        where = state_of(function.ci_low, function.ci_high)
        alike = min(claim.thresholds["alike"], abs(function.estimate) / 3)
        like = "alike" if -alike < gap.ci_low and gap.ci_high < alike else "how it compares with pain is open"
        if finding.certainty is None or finding.certainty.steps > 1:
            marks[-1] = mark(where, "benefit")
        reasons.append(f"{cell.name}: function {where}; {like}")
        if marks[-1] == OPEN:
            needed.append(f"{cell.name}: more trials that print function and pain")
    return Answer(
        verdict=combined(marks),
        certainty=_certainty(pools, claim.comparators, "function"),
        estimates=tuple(estimates),
        reasons=tuple(reasons),
        needed=tuple(needed),
    )


# --- small parts -------------------------------------------------------------------------------------------------


def _label(condition: str, pools: Pools) -> str:
    return "all conditions" if condition == "all" else pools.evidence.topic.label(condition)


def _estimate(label: str, row: Any, note: str) -> Estimate:
    return Estimate(label, row.estimate, row.ci_low, row.ci_high, note=note)


def _both(k: int) -> str:
    return "1 trial prints both" if k == 1 else f"{k or 'no'} trials print both"


def _certainty(pools: Pools, comparators: Iterable[str], outcome: str | None = None, conditions: Iterable[str] = ()) -> str | None:
    """Return the lowest certainty of the pooled effects over the conditions behind an analysis, all by default."""
    cells = [pools.cell(conditions=pools.conditions(conditions), comparator=c, outcome=outcome) for c in comparators]
    return lowest(f.certainty.level for f in map(pools.finding, cells) if f.certainty)


def _said(refused: str) -> tuple[str, ...]:
    return (refused,) if refused else ()


def _refused(why: str, needed: str = "more trials with usable figures") -> Answer:
    return Answer(verdict="cannot tell", certainty=None, estimates=(), reasons=(why,), needed=(needed,))


RULES: dict[str, Rule] = {
    "function_beside_pain": function_beside_pain,
    "onset": onset,
    "parts": parts,
    "placebo_share": placebo_share,
    "spread": spread,
}
