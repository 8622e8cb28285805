"""The rules that hand a claim to an analysis of its own: decomposition, spread, time course, function beside pain.

Where an analysis refuses, because trials are too few for it, the answer says so in the words of its refusal.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import pandas as pd

from acuevidence.questions.decompose import decompose
from acuevidence.questions.time_course import TimeCourse, time_course
from acuevidence.questions.two_outcomes import two_outcomes
from acuevidence.questions.variability import variability
from acuevidence.verdicts.answer import Answer, Claim, Estimate, Rule, combined, decide, lowest
from acuevidence.verdicts.findings import TOO_FEW, Pools, between_trials, state
from acuevidence.words import count, interval

__all__ = ["RULES"]

_GOOD = ("meaningful", "small")
_SMD = "SMD {estimate} ({interval})"


def placebo_share(claim: Claim, pools: Pools) -> Answer:
    """Whether sham does better than usual care: the part of the total effect that is not beyond sham."""
    split, refused = pools.analysis(decompose)
    if split is None:
        return _refused(refused)
    estimates, reasons, needed, states = [], [], [], []
    for share in split.shares.itertuples():
        label = _label(share.condition, pools)
        low, high = (share.low, share.high) if share.kind == "bounded" else (math.nan, math.nan)
        estimates.append(Estimate(label, share.share, low, high, "share", share.words))
        where = _share_state(share)
        states.append(where)
        reasons.append(f"{label}: {where}")
        if where in ("unsure", TOO_FEW):
            needed.append(f"{label}: three-arm trials, or more trials against usual care")
    reasons += [
        f"{_label(part.condition, pools)}, sham against usual care: {part.estimate:.2f} SD ({part.ci_low:.2f} to {part.ci_high:.2f}), "
        f"{'randomised, in trials with all three arms' if part.part == 'direct' else 'from the joint model'}"
        for part in split.parts[split.parts["condition"] == "all"].itertuples()
        if part.part in ("non_specific", "direct")
    ]
    verdict = decide(
        (states[0] == "a part", "supported"),
        (states[0] == "no part", "not supported"),
        ("a part" in states, "partly supported"),
        (True, "insufficient data"),
    )
    return Answer(
        verdict=verdict, certainty=_certainty(pools, claim.comparators), estimates=tuple(estimates), reasons=tuple(reasons),
        needed=tuple(needed),
    )  # fmt: skip


def _share_state(share: Any) -> str:
    bounded = share.kind == "bounded"
    return decide(
        (not math.isfinite(share.share), TOO_FEW),
        (bounded and share.low > 0, "a part"),
        (bounded and share.high < 0, "no part"),
        (True, "unsure"),
    )


def spread(claim: Claim, pools: Pools) -> Answer:
    """Whether patients' outcomes spread more under acupuncture than chance and a shift of the mean explain."""
    found, refused = pools.analysis(variability)
    if found is None:
        return _refused(refused, "trials that print the SD of each arm")
    margin = math.log(claim.thresholds["spread"])
    estimates, reasons, states, needed, k = [], [], [], [], 0
    told = found.verdicts[found.verdicts["condition"] == "all"].set_index("comparator")
    for comparator in claim.comparators:
        name = pools.cell(conditions=(), comparator=comparator).name
        if comparator not in told.index:
            states.append(TOO_FEW)
            needed.append(f"{name}: trials that print the SD of each arm")
            continue
        pooled = found.pools[found.pools["comparator"] == comparator]
        where = _spread(told.loc[comparator], pooled[pooled["condition"] == "all"].iloc[0], margin)
        states.append(where)
        reasons.append(f"{name}: {where}; {told.loc[comparator, 'reason']}")
        k = max(k, int(told.loc[comparator, "k"]))
        estimates += [
            Estimate(
                f"{_label(p.condition, pools)}, {name}", p.ratio, p.ratio_low, p.ratio_high, "ratio",
                f"{count(p.k, 'trial')}, {_RATIOS[p.measure].format(p.scores)} {{estimate}} ({{interval}})",
            )
            for p in pooled.itertuples() if p.condition == "all" or (p.measure == "lnVR" and p.k >= claim.thresholds["synthesis"])
        ]  # fmt: skip
        if where in ("unsure", TOO_FEW):
            needed.append(f"{name}: more trials that print the SD of each arm (now {int(told.loc[comparator, 'k'])})")
    verdict = combined(states, yes=["more spread"], no=["alike", "less spread", "explained by the mean"])
    if verdict == "insufficient data":
        needed.append(
            "figures of each patient, or crossovers repeated within patients; equal spreads do not prove equal responses"
        )
    level, said = between_trials(k, claim)
    aside = (
        "spread between patients holds the spread of measurement; only its excess speaks of differing responses",
        said,
    )
    return Answer(
        verdict=verdict, certainty=level if k else "not rated", estimates=tuple(estimates), reasons=(*reasons, *aside),
        needed=tuple(dict.fromkeys(needed)),
    )  # fmt: skip


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
    estimates, reasons, states, needed = [], [], [], []
    for comparator in claim.comparators:
        name = pools.cell(conditions=(), comparator=comparator).name
        first, grows = _period(course, comparator, early, trials, pools), TOO_FEW
        growth = _change(course, comparator, early, late)
        estimates += _periods(course, comparator, (early, late), name)
        if growth is not None:
            note = f"{{estimate}} ({{interval}}); {_both(growth.k)}"
            estimates.append(_estimate(f"{name}, {late} minus {early}", growth, note))
            if growth.k >= trials:
                grows = (
                    "yes" if growth.ci_low > 0 else state(growth.estimate, growth.ci_low, growth.ci_high, pools.mid.low)
                )
        there = "yes" if first in _GOOD else first
        reasons.append(f"{name}: effect in {early} {there}, growth within the same trials {grows}")
        states += [there, grows]
        if {there, grows} & {"unsure", TOO_FEW}:
            needed.append(f"{name}: {trials} or more trials that print {early} and {late} on the same instrument")
    verdict = combined(states, yes=["yes"], no=["none", "harm"])
    return Answer(
        verdict=verdict, certainty=_certainty(pools, claim.comparators), estimates=tuple(estimates),
        reasons=(*_said(refused), *reasons), needed=tuple(needed),
    )  # fmt: skip


def lasting(claim: Claim, pools: Pools) -> Answer:
    """Whether the effect is still there in later periods, and how it compares with the end of the course."""
    course, refused = pools.analysis(time_course, correlation=claim.thresholds["correlation"])
    trials = int(claim.thresholds["trials"])
    base, periods = claim.options["base"], claim.options["periods"]
    estimates, reasons, states, needed = [], [], [], []
    for comparator in claim.comparators:
        name = pools.cell(conditions=(), comparator=comparator).name
        estimates += _periods(course, comparator, (base, *periods), name)
        for period in periods:
            where = _period(course, comparator, period, trials, pools)
            states.append(where)
            kept = _change(course, comparator, base, period)
            beside = f"; {_words(kept)} against {base}, {_both(kept.k)}" if kept is not None else ""
            reasons.append(f"{name}, {period}: {where}{beside}")
            if where in ("unsure", TOO_FEW):
                needed.append(f"{name}, {period}: {trials} or more trials that print figures this late")
    verdict = combined(states, yes=_GOOD, no=["none", "harm"])
    return Answer(
        verdict=verdict, certainty=_certainty(pools, claim.comparators), estimates=tuple(estimates),
        reasons=(*_said(refused), *reasons), needed=tuple(needed),
    )  # fmt: skip


def _period(course: TimeCourse | None, comparator: str, period: str, trials: int, pools: Pools) -> str:
    """Return where the effect in a period lies; too few where fewer than ``trials`` trials print it."""
    row = _row_of(course, comparator, period)
    if row is None or row.k < trials:
        return TOO_FEW
    return state(row.estimate, row.ci_low, row.ci_high, pools.mid.low)


def _row_of(course: TimeCourse | None, comparator: str, period: str) -> Any:
    rows = () if course is None else course.periods.itertuples()
    return next((row for row in rows if (row.comparator, row.period) == (comparator, period)), None)


def _change(course: TimeCourse | None, comparator: str, earlier: str, later: str) -> Any:
    rows = () if course is None else course.changes.itertuples()
    return next((r for r in rows if (r.comparator, r.earlier, r.later) == (comparator, earlier, later)), None)


def _periods(course: TimeCourse | None, comparator: str, periods: Iterable[str], name: str) -> list[Estimate]:
    rows = [(period, _row_of(course, comparator, period)) for period in periods]
    return [_estimate(f"{name}, {p}", r, f"{count(r.k, 'trial')}, {_SMD}") for p, r in rows if r is not None]


def function_beside_pain(claim: Claim, pools: Pools) -> Answer:
    """Whether function improves, and by as much as pain, in the trials that print both."""
    both, _ = pools.analysis(two_outcomes, correlation=claim.thresholds["correlation"])
    rows = {} if both is None else {(r.comparator, r.outcome): r for r in both.to_frame().itertuples()}
    estimates, reasons, states, needed = [], [], [], []
    for comparator in claim.comparators:
        name = pools.cell(conditions=(), comparator=comparator).name
        function, gap = rows.get((comparator, "function")), rows.get((comparator, "difference"))
        where, said = TOO_FEW, "too few trials print both"
        if function is not None and gap is not None:
            where, said = _beside(function, gap, pools.mid.low)
            estimates += [
                _estimate(
                    f"{name}, {r.outcome.replace('difference', 'pain minus function')}", r, f"{r.trials} trials, {_SMD}"
                )
                for (against, _), r in rows.items() if against == comparator
            ]  # fmt: skip
        elif both is not None and comparator in both.too_few:
            said = f"{both.too_few[comparator]} trials print both, three are needed"
        reasons.append(f"{name}: {said}")
        states.append(where)
        if where in ("unsure", TOO_FEW):
            needed.append(f"{name}: more trials that print function and pain")
    verdict = combined(states, yes=["both"], no=["none", "harm"], partly=["first"])
    certain = [c for c, where in zip(claim.comparators, states, strict=True) if where != TOO_FEW]
    return Answer(
        verdict=verdict, certainty=_certainty(pools, certain, "function"), estimates=tuple(estimates),
        reasons=tuple(reasons), needed=tuple(needed),
    )  # fmt: skip


def _beside(function: Any, gap: Any, small: float) -> tuple[str, str]:
    """Return the state of function beside pain, and in words: ``both``, ``first`` alone, or its own state."""
    where = state(function.estimate, function.ci_low, function.ci_high, small)
    as_much = gap.ci_high < small
    words = f"function {where}; " + (
        f"not less than pain by {small:g} SD" if as_much else "how it compares with pain is open"
    )
    return ("both" if as_much else "first") if where in _GOOD else where, words


# --- small parts -------------------------------------------------------------------------------------------------


def _label(condition: str, pools: Pools) -> str:
    return "all conditions" if condition == "all" else pools.evidence.topic.label(condition)


def _words(row: Any) -> str:
    return interval(row.estimate, row.ci_low, row.ci_high)


def _estimate(label: str, row: Any, note: str) -> Estimate:
    return Estimate(label, row.estimate, row.ci_low, row.ci_high, note=note)


def _both(k: int) -> str:
    return "1 trial prints both" if k == 1 else f"{k or 'no'} trials print both"


def _certainty(pools: Pools, comparators: Iterable[str], outcome: str | None = None) -> str:
    """Return the lowest certainty of the pooled effects over all conditions behind an analysis."""
    cells = [pools.cell(conditions=pools.conditions(), comparator=c, outcome=outcome) for c in comparators]
    return lowest(f.certainty.level for f in map(pools.finding, cells) if f.certainty)


def _said(refused: str) -> tuple[str, ...]:
    return (refused,) if refused else ()


def _refused(why: str, needed: str = "more trials with usable figures") -> Answer:
    return Answer(verdict="insufficient data", certainty="not rated", estimates=(), reasons=(why,), needed=(needed,))


RULES: dict[str, Rule] = {
    "function_beside_pain": function_beside_pain,
    "lasting": lasting,
    "onset": onset,
    "placebo_share": placebo_share,
    "spread": spread,
}
