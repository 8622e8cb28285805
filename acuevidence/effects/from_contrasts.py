"""Contrasts between arms, as printed, turned into one effect; several contrasts of a trial are averaged with their covariance."""

from __future__ import annotations

import math
import re
from dataclasses import replace
from typing import Any

from scipy.special import ndtri

from acuevidence.effects.derived import (
    Derived,
    NotEnoughError,
    Size,
    benefit_of,
    exact_factor,
    notes_on,
    points_factor,
    possible_sd,
    rounding,
    size_of,
    standard_error,
    turned,
    variance_of_mean,
)
from acuevidence.effects.from_arms import pooled_sd, sides_of
from acuevidence.evidence.rules import Rules
from acuevidence.evidence.select import Candidate, Comparison, given

__all__ = ["adjusted_means", "differences", "ratio"]


def differences(candidate: Candidate, comparison: Comparison, measure: str, rules: Rules) -> Derived:
    """Return the effect of mean differences or reviewers' SMDs between arms."""
    if measure not in ("SMD", "MD"):
        raise NotEnoughError(f"a difference between arms gives no {measure}")
    pairs: dict[tuple[str, str], Derived] = {}
    problems = []
    for row in candidate.rows:
        if (row.arm, row.comparator_arm) not in pairs:
            try:
                pairs[row.arm, row.comparator_arm] = _difference(row, candidate, comparison, measure, rules)
            except NotEnoughError as missing:
                problems.append(str(missing))
    if not pairs:
        raise NotEnoughError(problems[0] if problems else "no contrast printed")
    return _average(pairs, comparison, measure, rules)


def adjusted_means(candidate: Candidate, comparison: Comparison, measure: str, rules: Rules) -> Derived:
    """Return the effect of final values adjusted for baseline, printed for one arm a side: their difference is an adjusted one."""
    if measure not in ("SMD", "MD"):
        raise NotEnoughError(f"a difference between arms gives no {measure}")
    one, two = sides_of(candidate, comparison, rules)
    if len(one) > 1 or len(two) > 1 or one[0].sd is None or two[0].sd is None:
        raise NotEnoughError("no spread printed")
    difference = (one[0].mean - two[0].mean) * benefit_of([one[0].row, two[0].row])
    se = math.hypot(one[0].sd / math.sqrt(one[0].size.n), two[0].sd / math.sqrt(two[0].size.n))
    notes = tuple(arm.size.note for arm in (one[0], two[0]) if arm.size.note)
    known = _known((one[0].row, two[0].row), one[0].row.statistic, one[0].size, two[0].size)
    return _sized(difference, se, "SEs", candidate, comparison, measure, rules, notes, known)


def _difference(row: Any, candidate: Candidate, comparison: Comparison, measure: str, rules: Rules) -> Derived:
    """Return the effect of one contrast."""
    crossover = comparison.trial.design == "crossover" and not re.search(rules.parallel_phase or "$^", row.measure)
    if row.effect_type == "smd":
        return _standardised(row, candidate, comparison, measure, rules)
    if crossover:
        raise NotEnoughError("the interval of a crossover is within persons and their SD is not printed")
    estimate, notes = row.estimate, []
    one, two = (size_of(arm, row, comparison, rules) for arm in (row.arm, row.comparator_arm))
    notes += [size.note for size in (one, two) if size.note]
    known = _known((row,), row.effect_type, one, two)
    if given(row.t) and not given(estimate):
        return _from_t(row, one.n, two.n, candidate, comparison, measure, rules, notes, known)
    if not given(estimate) and given(row.ci_low) and given(row.ci_high):
        estimate = (row.ci_low + row.ci_high) / 2
        notes.append("estimate taken as the middle of its interval")
    if not given(estimate):
        raise NotEnoughError("a P value without an estimate" if given(row.p_value) else "no estimate printed")
    size = turned(row, abs(estimate))
    se, source = standard_error(row, abs(estimate), one.n + two.n - 2)
    if not se:
        raise NotEnoughError("no interval, SE or exact P value of the difference printed")
    return _sized(size, se, source, candidate, comparison, measure, rules, tuple(notes), known)


def _sized(
    size: float,
    se: float,
    source: str,
    candidate: Candidate,
    comparison: Comparison,
    measure: str,
    rules: Rules,
    notes: tuple[str, ...],
    known: dict[str, Any],
) -> Derived:
    """Return the effect of a difference that is turned, with its standard error."""
    row, n1, n2 = known["rows"][0], known["n1"], known["n2"]
    notes = (*notes, *notes_on(comparison, candidate, rules))
    implied = se / math.sqrt(1 / n1 + 1 / n2)
    if measure == "MD":
        scale = points_factor(candidate, row)
        how = f"MD as printed, SE from its {source}"
        return Derived(yi=size * scale, vi=(se * scale) ** 2, how=how, spread=implied * scale, notes=notes, **known)
    sd, story, assumed = _deviation(row, implied, candidate, comparison, rules)
    g = exact_factor(n1 + n2 - 2) * size / sd
    vi = (se / sd) ** 2 + g**2 / (2 * (n1 + n2))
    if source == "SE":
        vi += g**2 * rounding([(float(row.se), str(row.figures_as_printed))], [1.0])
    how = f"SMD from the {'adjusted' if candidate.kind == 'adjusted' else 'mean'} difference, {story} and its {source}"
    return Derived(yi=g, vi=vi, how=how, spread=implied / sd, notes=notes, sd_assumed=assumed, **known)


def _known(rows: tuple[Any, ...], statistic: str, one: Size, two: Size) -> dict[str, Any]:
    return {"rows": rows, "statistic": statistic, "n1": one.n, "n2": two.n, "n_assumed": one.assumed or two.assumed}


def _deviation(row: Any, implied: float, candidate: Candidate, comparison: Comparison, rules: Rules) -> tuple[float, str, bool]:
    """Return the SD that standardises a difference, its story, and whether it rests on an assumed correlation.

    Of a difference that is not adjusted the SD is the one that its standard error implies. That of an adjusted one would be the
    residual SD; it is standardised by the SD of final values at that week or another one after baseline, of changes at that week, or
    the implied one without the share of the variance that baseline explains.
    """
    if candidate.kind != "adjusted":
        return possible_sd(implied, row), "the SD implied", False
    for moment, statistic, story in (
        (candidate.here, "final", "the SD of final values"),
        *((moment, "final", f"the SD of final values of week {moment.week:g}") for moment in candidate.elsewhere),
        (candidate.here, "change", "the SD of changes"),
    ):
        sd = pooled_sd(moment, statistic, comparison, rules)
        if sd is not None:
            return sd, story, False
    sd = possible_sd(implied / math.sqrt(1 - rules.r2), row)
    return sd, f"the SD implied with R2 {rules.r2:g} for baseline", True


def _standardised(row: Any, candidate: Candidate, comparison: Comparison, measure: str, rules: Rules) -> Derived:
    """Return a printed standardised difference; one without the small-sample correction takes it."""
    if measure != "SMD":
        raise NotEnoughError(f"a reviewer's SMD gives no {measure}")
    estimate, notes = row.estimate, []
    if not given(estimate) and given(row.ci_low) and given(row.ci_high):
        estimate, notes = (row.ci_low + row.ci_high) / 2, ["estimate taken as the middle of its interval"]
    if not given(estimate):
        raise NotEnoughError("no estimate printed")
    se, source = standard_error(row, abs(estimate), math.inf)
    if not se:
        raise NotEnoughError("no interval, SE or exact P value of the SMD printed")
    sizes = _sizes(row, comparison, rules)
    factor = 1.0
    if rules.cohens_d and re.search(rules.cohens_d, str(row.figures_as_printed)):
        if not sizes:
            raise NotEnoughError("n not printed")
        factor = exact_factor(sizes[0].n + sizes[1].n - 2)
        notes.append("Cohen's d, corrected for small samples")
    return Derived(
        yi=turned(row, abs(estimate)) * factor,
        vi=(se * factor) ** 2,
        how=f"SMD as printed, precision from its {source}",
        rows=(row,),
        notes=(*notes, *(s.note for s in sizes if s.note)),
        statistic=row.effect_type,
        n1=sizes[0].n if sizes else None,
        n2=sizes[1].n if sizes else None,
        n_assumed=any(size.assumed for size in sizes),
    )


def _sizes(row: Any, comparison: Comparison, rules: Rules) -> tuple[Any, ...]:
    try:
        return tuple(size_of(arm, row, comparison, rules) for arm in (row.arm, row.comparator_arm))
    except NotEnoughError:
        return ()


def _from_t(
    row: Any,
    n1: float,
    n2: float,
    candidate: Candidate,
    comparison: Comparison,
    measure: str,
    rules: Rules,
    notes: list[str],
    known: dict[str, Any],
) -> Derived:
    """Return the standardised difference of a printed t statistic: g = J t sqrt(1/n1 + 1/n2)."""
    if measure != "SMD":
        raise NotEnoughError(f"a t statistic gives no {measure}")
    g = exact_factor(n1 + n2 - 2) * turned(row, float(row.t)) * math.sqrt(1 / n1 + 1 / n2)
    vi = 1 / n1 + 1 / n2 + g**2 / (2 * (n1 + n2))
    notes = [*notes, *notes_on(comparison, candidate, rules)]
    return Derived(yi=g, vi=vi, how="SMD from the printed t statistic", notes=tuple(notes), **known)


def _average(pairs: dict[tuple[str, str], Derived], comparison: Comparison, measure: str, rules: Rules) -> Derived:
    """Average a trial's contrasts by inverse variance."""
    found = list(pairs.values())
    if len(found) == 1:
        return found[0]
    overlap = any(rule["trial_id"] == comparison.trial.trial_id for rule in rules.overlapping)
    weights, vi, shared = variance_of_mean(pairs, overlap, measure == "SMD")
    said = ", with the covariance of the shared arm" if shared else ", as fully dependent: patients overlap" if overlap else ""
    arms = [{pair[side] for pair in pairs} for side in (0, 1)]
    sizes = [{pair[side]: getattr(d, name) for pair, d in pairs.items()} for side, name in ((0, "n1"), (1, "n2"))]
    n1, n2 = (sum(s.values()) if all(s.values()) else None for s in sizes)
    notes = dict.fromkeys(note for d in found for note in d.notes)
    combined = [f"combined arms: {', '.join(sorted(a))}" for a in arms if len(a) > 1]
    return replace(
        found[0],
        yi=float(weights @ [d.yi for d in found]),
        vi=vi,
        how=f"{found[0].how}; mean of {len(found)} contrasts by inverse variance{said}",
        rows=tuple(row for d in found for row in d.rows),
        notes=(*notes, *combined),
        n1=n1,
        n2=n2,
        n_assumed=any(d.n_assumed for d in found),
        sd_assumed=any(d.sd_assumed for d in found),
    )


def ratio(candidate: Candidate, comparison: Comparison, measure: str, rules: Rules) -> Derived:
    """Return the effect of a printed odds ratio."""
    for row in candidate.rows:
        if row.effect_type == "odds_ratio" and measure in ("SMD", "OR") and given(row.estimate) and given(row.ci_low):
            z = float(ndtri(0.5 + row.ci_level / 200))
            size, se = abs(math.log(row.estimate)), math.log(row.ci_high / row.ci_low) / (2 * z)
            factor = math.sqrt(3) / math.pi if measure == "SMD" else 1.0
            how = "SMD from the printed odds ratio by the logistic conversion" if measure == "SMD" else "OR as printed"
            sizes = _sizes(row, comparison, rules)
            return Derived(
                yi=turned(row, size) * factor,
                vi=(se * factor) ** 2,
                how=how,
                rows=(row,),
                statistic=row.effect_type,
                n1=sizes[0].n if sizes else None,
                n2=sizes[1].n if sizes else None,
                n_assumed=any(size.assumed for size in sizes),
                notes=notes_on(comparison, candidate, rules),
            )
    raise NotEnoughError("a risk ratio or risk difference without the responders of each arm")
