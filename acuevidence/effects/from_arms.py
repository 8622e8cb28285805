"""Means and counts of the arms, turned into one effect.

Several arms of a side are combined; a spread that is not printed is taken from where the rules allow, and said so.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from acuevidence.effects.arms import combine_arms
from acuevidence.effects.derived import (
    Derived,
    NotEnoughError,
    Size,
    benefit_of,
    notes_on,
    points_factor,
    possible_sd,
    rounding,
    size_of,
    standard_error,
)
from acuevidence.effects.measures import effect_size
from acuevidence.effects.precision import sd_from_ci, sd_from_se
from acuevidence.effects.quantiles import mean_sd_from_quantiles
from acuevidence.errors import InputError
from acuevidence.evidence.rules import Rules
from acuevidence.evidence.select import Candidate, Comparison, Moment, given, is_change

__all__ = ["counts", "means", "pooled_sd", "sides_of"]

_STATISTICS = {"change": "change from baseline", "adjusted_final": "final values adjusted for baseline"}


@dataclass(frozen=True, slots=True)
class _Arm:
    """Summary of one arm: mean, SD (None where no spread is printed), size, and what the SD was read from."""

    row: Any
    mean: float
    sd: float | None
    size: Size
    source: str = ""

    @property
    def printed(self) -> tuple[float, str]:
        """The printed spread and the text it stands in, for what rounding adds."""
        value = next((v for v in (self.row.sd, self.row.se) if given(v)), math.nan)
        return float(value), str(self.row.figures_as_printed)


@dataclass(frozen=True, slots=True)
class _Side:
    """One side of a comparison, its arms combined."""

    arms: tuple[_Arm, ...]
    mean: float
    sd: float
    n: float
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Lent:
    """An SD taken from elsewhere, and its story."""

    sd: float
    source: str
    borrowed: bool = False
    assumed: bool = False


def means(candidate: Candidate, comparison: Comparison, measure: str, rules: Rules) -> Derived:
    """Return the effect of the means of both sides."""
    arms = sides_of(candidate, comparison, rules)
    benefit = benefit_of(arm.row for side in arms for arm in side)
    if measure in ("VR", "CVR") and any(arm.sd is None for side in arms for arm in side):
        raise NotEnoughError(f"an arm without a printed spread gives no {measure}")
    arms, lent = _with_spread(arms, candidate, comparison, rules)
    one, two = (_side(side) for side in arms)
    found = _measured(one, two, measure, candidate, lent)
    if found.n_assumed and measure in ("SMD", "MD") and lent is None:
        found = _precise(found, one, two, candidate, measure)
    found = _rounded(found, one, two, measure)
    if measure not in ("VR", "CVR"):
        found = replace(found, yi=found.yi * benefit)
    if measure == "MD":
        scale = points_factor(candidate, one.arms[0].row)
        found = replace(found, yi=found.yi * scale, vi=found.vi * scale**2, spread=found.spread * scale)
    return replace(found, notes=(*found.notes, *notes_on(comparison, candidate, rules, benefit)))


def sides_of(candidate: Candidate, comparison: Comparison, rules: Rules) -> tuple[tuple[_Arm, ...], tuple[_Arm, ...]]:
    """Return the summaries of the arms of both sides."""
    sides = [_by_arm(candidate.rows, arms) for arms in (comparison.treated, comparison.control)]
    if not all(sides):
        raise NotEnoughError("figures printed for one side of the comparison only")
    one, two = (tuple(_summary(row, size_of(arm, row, comparison, rules)) for arm, row in s.items()) for s in sides)
    return one, two


def _by_arm(rows: Sequence[Any], arms: Mapping[str, Any]) -> dict[str, Any]:
    """Return the row of each arm, one with a printed spread where there are several."""
    found: dict[str, Any] = {}
    for row in rows:
        better = row.arm not in found or (not _has_spread(found[row.arm]) and _has_spread(row))
        if row.arm in arms and (given(row.mean) or given(row.median)) and better:
            found[row.arm] = row
    parts = [arm for arm in found if not arm.endswith("_pooled")]
    return {arm: found[arm] for arm in parts} if parts else found


def _has_spread(row: Any) -> bool:
    return any(given(v) for v in (row.sd, row.se, row.ci_low, row.q1, row.minimum))


def _summary(row: Any, size: Size) -> _Arm:
    n = size.n
    if given(row.mean):
        if given(row.sd):
            return _Arm(row, row.mean, row.sd, size)
        if given(row.se):
            return _Arm(row, row.mean, float(sd_from_se(row.se, n)), size, "SEs")
        if given(row.ci_low) and given(row.ci_high):
            return _Arm(row, row.mean, float(sd_from_ci(row.ci_low, row.ci_high, n, level=row.ci_level / 100)), size, "intervals")
        return _Arm(row, row.mean, None, size)
    quantiles = {"median": row.median, "q1": row.q1, "q3": row.q3, "minimum": row.minimum, "maximum": row.maximum}
    found = mean_sd_from_quantiles(n, **{k: v for k, v in quantiles.items() if given(v)}).iloc[0]
    return _Arm(row, float(found["mean"]), float(found["sd"]), size, "quantiles (Luo, Wan and Shi)")


def _with_spread(
    arms: tuple[tuple[_Arm, ...], tuple[_Arm, ...]], candidate: Candidate, comparison: Comparison, rules: Rules
) -> tuple[tuple[tuple[_Arm, ...], tuple[_Arm, ...]], _Lent | None]:
    """Give arms of a side without any printed spread an SD from elsewhere."""
    if all(any(arm.sd is not None for arm in side) for side in arms):
        return arms, None
    if len(arms[0]) == len(arms[1]) == 1 and _says_more(arms[0][0], arms[1][0], candidate):
        raise NotEnoughError("no spread printed; the contrast prints the difference itself")
    lent = (
        _implied(candidate.here, arms, candidate)
        or _named(arms, comparison, candidate, rules)
        or next(filter(None, (_of_week(moment, arms, candidate, comparison, rules) for moment in candidate.elsewhere)), None)
    )
    if lent is None:
        raise NotEnoughError("no spread printed")
    one, two = (tuple(replace(arm, sd=lent.sd, source=lent.source) for arm in side) for side in arms)
    return (one, two), lent


def _says_more(one: _Arm, two: _Arm, candidate: Candidate) -> bool:
    """Return whether a contrast of the same week and kind prints the difference of two arms with its precision."""
    for row in candidate.here.contrasts:
        pair = (row.arm, row.comparator_arm) == (one.row.arm, two.row.arm)
        same = row.effect_type == "mean_difference" and (candidate.kind == "change") >= is_change(row)
        if pair and same and given(row.estimate) and standard_error(row, abs(row.estimate), one.size.n + two.size.n - 2)[0]:
            return True
    return False


def _implied(moment: Moment, arms: Sequence[Sequence[_Arm]], candidate: Candidate) -> _Lent | None:
    """Return the common SD implied by a contrast of the same week between the arms."""
    found = _from_contrasts(moment, arms, candidate)
    return None if found is None else _Lent(found, "SD implied by the contrast")


def _from_contrasts(moment: Moment, arms: Sequence[Sequence[_Arm]], candidate: Candidate) -> float | None:
    sides = [{arm.row.arm: arm for arm in side} for side in arms]
    pages = {row.source_url for row in moment.results}
    for row in moment.contrasts:
        raw = not given(row.effect_type) or row.effect_type == "mean_difference"
        if not raw or row.arm not in sides[0] or row.comparator_arm not in sides[1]:
            continue
        if is_change(row) and candidate.kind != "change":
            continue
        one, two = sides[0][row.arm], sides[1][row.comparator_arm]
        difference = abs(row.estimate) if given(row.estimate) else abs(one.mean - two.mean)
        # A P value speaks of the difference on its own page; elsewhere another model or set of patients may be behind it.
        if not (given(row.estimate) or given(row.se) or given(row.ci_low)) and row.source_url not in pages:
            continue
        n1, n2 = one.size.n, two.size.n
        se, _ = standard_error(row, difference, n1 + n2 - 2)
        if se:
            return possible_sd(se / math.sqrt(1 / n1 + 1 / n2), row)
    return None


def _named(arms: Sequence[Sequence[_Arm]], comparison: Comparison, candidate: Candidate, rules: Rules) -> _Lent | None:
    """Return the SD of a contrast that the rules name for these figures, by the rule of adjusted differences."""
    for rule in rules.spreads:
        if (rule["trial_id"], rule["outcome"]) != (comparison.trial.trial_id, candidate.outcome):
            continue
        for row in comparison.figures["contrasts"]:
            if all(getattr(row, key) == rule[key] for key in ("arm", "comparator_arm", "week", "outcome")):
                n1, n2 = (sum(arm.size.n for arm in side) for side in arms)
                se, _ = standard_error(row, 0.0, n1 + n2 - 2)
                if se:
                    sd = se / math.sqrt(1 / n1 + 1 / n2) / math.sqrt(1 - rules.r2)
                    return _Lent(sd, str(rule["says"]), assumed=True)
    return None


def _of_week(
    moment: Moment, arms: Sequence[Sequence[_Arm]], candidate: Candidate, comparison: Comparison, rules: Rules
) -> _Lent | None:
    """Return the SD of the same statistic at another week, printed for arms or implied by a contrast."""
    sd = pooled_sd(moment, candidate.kind, comparison, rules)
    sd = _from_contrasts(moment, arms, candidate) if sd is None else sd
    return None if sd is None else _Lent(sd, f"SD of week {moment.week:g}", borrowed=True)


def pooled_sd(moment: Moment, statistic: str, comparison: Comparison, rules: Rules) -> float | None:
    """Return the SD pooled within the arms of both sides that print one of this statistic; None unless both sides do."""
    rows = [row for row in moment.results if row.statistic == statistic]
    sides = [_by_arm(rows, arms) for arms in (comparison.treated, comparison.control)]
    found = [[_summary(row, size_of(arm, row, comparison, rules)) for arm, row in side.items()] for side in sides]
    printed = [[(arm.sd, arm.size.n) for arm in side if arm.sd is not None] for side in found]
    return _within([part for side in printed for part in side]) if all(printed) else None


def _within(parts: Sequence[tuple[float, float]]) -> float:
    """Return the SD within arms: variances weighted by n - 1."""
    return math.sqrt(sum((n - 1) * sd**2 for sd, n in parts) / sum(n - 1 for _, n in parts))


def _side(arms: Sequence[_Arm]) -> _Side:
    """Combine the arms of one side (Cochrane Handbook table 6.5.a); an arm without a printed spread takes that of the others."""
    common = _within([(arm.sd, arm.size.n) for arm in arms if arm.sd is not None])
    notes = [f"SD of arm {arm.row.arm} from the other arms of its side" for arm in arms if arm.sd is None]
    sds = [common if arm.sd is None else arm.sd for arm in arms]
    if len(arms) == 1:
        return _Side(tuple(arms), arms[0].mean, sds[0], arms[0].size.n, tuple(notes))
    combined = combine_arms([arm.mean for arm in arms], sds, [arm.size.n for arm in arms])
    notes.append("combined arms: " + ", ".join(arm.row.arm for arm in arms))
    return _Side(tuple(arms), float(combined["mean"]), float(combined["sd"]), float(combined["n"]), tuple(notes))


def _measured(one: _Side, two: _Side, measure: str, candidate: Candidate, lent: _Lent | None) -> Derived:
    """Return the effect of two sides as their figures stand, not yet turned."""
    try:
        effect = effect_size(measure, mean1=one.mean, sd1=one.sd, n1=one.n, mean2=two.mean, sd2=two.sd, n2=two.n).iloc[0]
    except InputError as error:
        raise NotEnoughError(str(error)) from error
    arms = (*one.arms, *two.arms)
    sources = sorted({arm.source for arm in arms if arm.source})
    statistic = arms[0].row.statistic
    notes = [*(arm.size.note for arm in arms if arm.size.note), *one.notes, *two.notes]
    if statistic in _STATISTICS:
        notes.append(_STATISTICS[statistic])
    pooled = _within([(one.sd, one.n), (two.sd, two.n)])
    return Derived(
        yi=float(effect["yi"]),
        vi=float(effect["vi"]),
        how=f"{measure} from means and {' and '.join(sources) or 'SDs'} of the arms",
        rows=tuple(arm.row for arm in arms),
        notes=tuple(dict.fromkeys(notes)),
        statistic=statistic,
        n1=one.n,
        n2=two.n,
        mean1=one.mean,
        sd1=one.sd,
        mean2=two.mean,
        sd2=two.sd,
        spread=pooled if measure == "MD" else 1.0,
        n_assumed=any(arm.size.assumed for arm in arms),
        borrowed_sd=lent is not None and lent.borrowed,
        sd_assumed=lent is not None and lent.assumed,
    )


def _precise(found: Derived, one: _Side, two: _Side, candidate: Candidate, measure: str) -> Derived:
    """Where SDs are printed without n per arm, let the printed SE, interval or exact P of the difference give the precision."""
    if len(one.arms) != 1 or len(two.arms) != 1:
        return found
    pages = {row.source_url for row in found.rows}
    for row in candidate.here.contrasts:
        pair = (row.arm, row.comparator_arm) == (one.arms[0].row.arm, two.arms[0].row.arm)
        own_page = given(row.se) or given(row.ci_low) or row.source_url in pages
        if not pair or row.effect_type in ("smd", "adjusted_mean_difference") or not own_page:
            continue
        se, source = standard_error(row, abs(one.mean - two.mean), one.n + two.n - 2)
        if se:
            pooled = (one.sd**2 + two.sd**2) / 2
            vi = se**2 if measure == "MD" else se**2 / pooled + found.yi**2 / (2 * (one.n + two.n))
            return replace(found, vi=vi, notes=(*found.notes, f"SE from the {source} of the difference"), rows=(*found.rows, row))
    return found


def _rounded(found: Derived, one: _Side, two: _Side, measure: str) -> Derived:
    """Add what rounding of printed spreads with one significant digit does to a standardised difference."""
    arms = [arm for arm in (*one.arms, *two.arms) if arm.sd is not None and math.isfinite(arm.printed[0])]
    if measure not in ("SMD", "SMDH") or len(arms) < len(one.arms) + len(two.arms):
        return found
    parts = [(arm.size.n - 1) * (arm.sd or 0.0) ** 2 for arm in arms]
    added = found.yi**2 * rounding([arm.printed for arm in arms], [part / sum(parts) for part in parts])
    if not added:
        return found
    return replace(found, vi=found.vi + added, notes=(*found.notes, "rounding of the printed spread enters the variance"))


# --- responders --------------------------------------------------------------------------------------------------


def counts(candidate: Candidate, comparison: Comparison, measure: str, rules: Rules) -> Derived:
    """Return the effect of the responders of both sides."""
    notes: list[str] = []
    sides = []
    for arms in (comparison.treated, comparison.control):
        counted = {r.arm: r for r in candidate.rows if r.arm in arms and (given(r.events) or given(r.percent))}
        if not counted:
            raise NotEnoughError("figures printed for one side of the comparison only")
        sizes = {arm: size_of(arm, row, comparison, rules) for arm, row in counted.items()}
        notes += [size.note for size in sizes.values() if size.note]
        sides.append([(_events(row, sizes[arm].n, notes), sizes[arm], row) for arm, row in counted.items()])
        if len(counted) > 1:
            notes.append("combined arms: " + ", ".join(counted))
    (e1, n1), (e2, n2) = ((sum(s[0] for s in side), sum(s[1].n for s in side)) for side in sides)
    rows = [s[2] for side in sides for s in side]
    benefit = benefit_of(rows)
    standardised = measure == "SMD"
    effect = effect_size("OR2D" if standardised else measure, events1=e1, n1=n1, events2=e2, n2=n2).iloc[0]
    how = "SMD from responders by the logistic conversion of the odds ratio" if standardised else f"{measure} from responders"
    return Derived(
        yi=float(effect["yi"]) * benefit,
        vi=float(effect["vi"]),
        how=how,
        rows=tuple(rows),
        notes=(*dict.fromkeys(notes), *notes_on(comparison, candidate, rules)),
        statistic="count",
        n1=n1,
        n2=n2,
        events1=e1,
        events2=e2,
        n_assumed=any(s[1].assumed for side in sides for s in side),
    )


def _events(row: Any, n: float, notes: list[str]) -> int:
    if given(row.events):
        return int(row.events)
    notes.append("responders counted from percentages")
    return round(row.percent / 100 * n)
