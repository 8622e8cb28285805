"""One effect per trial and comparator: the printed figures turned into yi and vi.

Walks the candidates that the selection rules put in order and takes the first that suffices. Every row says how
it was derived; every trial and comparator without a row says why.
"""

from __future__ import annotations

import functools
import math
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import ndtri, stdtrit

from acuevidence.arguments import guard
from acuevidence.effects.arms import combine_arms
from acuevidence.effects.measures import effect_size
from acuevidence.effects.precision import from_p, sd_from_ci, sd_from_se
from acuevidence.effects.quantiles import mean_sd_from_quantiles
from acuevidence.errors import InputError
from acuevidence.evidence import Evidence, load_evidence
from acuevidence.evidence.carried import Excluded, carry
from acuevidence.evidence.rules import Rules
from acuevidence.evidence.select import Candidate, Comparison, candidates, caution, comparisons, given
from acuevidence.inputs import choice
from acuevidence.topic import Column, Topic

__all__ = ["Excluded", "checked", "effects_of", "trial_effects"]

_CONTINUOUS = ("SMD", "SMDH", "MD", "ROM", "VR", "CVR")
_BINARY = ("OR", "RR", "RD")
_CHANGE = re.compile("change|decrease|reduction", re.IGNORECASE)
_PER_FOUR_WEEKS = {r"4 weeks|28 days": 1.0, r"\bmonth": 28 * 12 / 365.25, r"\byear": 28 / 365.25, r"\bweek\b": 4.0}
COLUMNS = [
    "trial_id", "study", "year", "condition", "diagnosis", "treatment_weeks", "comparator", "comparator_role", "outcome",
    "measure_used", "instrument", "timing", "week", "statistic", "effect", "yi", "vi", "se",
    "ci_low", "ci_high", "n1", "n2", "mean1", "sd1", "mean2", "sd2", "events1", "events2", "derivation", "arms",
    "comparator_arms", "source_kind", "source_url", "locator", "figures_as_printed",
]  # fmt: skip


class _NotEnoughError(Exception):
    """The figures do not give an effect; the message says what is missing."""


@dataclass
class _Side:
    """One side of a comparison, its arms combined."""

    mean: float
    sd: float
    n: float
    rows: list[Any]
    notes: list[str]


@dataclass
class _Derived:
    """An effect, turned so that positive favours the treatment, with its story."""

    yi: float
    vi: float
    how: str
    rows: list[Any]
    notes: list[str] = field(default_factory=list)
    columns: dict[str, Any] = field(default_factory=dict)


def trial_effects(
    condition: str | Sequence[str] | None = None,
    *,
    comparator: str | None = None,
    outcome: str | None = None,
    timing: str = "end_of_treatment",
    measure: str = "SMD",
    cautions: str = "exclude",
    evidence: Evidence | None = None,
) -> pd.DataFrame:
    """Return one effect per trial and comparator, positive in favour of the treatment.

    Parameters
    ----------
    condition : str or sequence of str, optional
        One or some of :func:`conditions`. Default: all.
    comparator : str, optional
        One of the comparators of the evidence's topic. Default: all. In the package's evidence ``sham`` and ``usual_care``,
        which gathers usual care, no treatment and waiting list.
    outcome : str, optional
        That outcome alone. Default: the condition's outcomes in their order of preference.
    timing : {"end_of_treatment", "short", "medium", "long"}
        Window of weeks; see the rules in ``docs/selection.md``.
    measure : {"SMD", "SMDH", "MD", "ROM", "VR", "CVR", "OR", "RR", "RD"}
        Effect measure. ``MD`` is in points of a 0-100 scale, or in days per 4 weeks for a headache frequency. Under ``SMD``,
        responders enter through the logistic conversion of the odds ratio; ``OR`` and ``RR`` are log ratios. ``VR``
        and ``CVR`` compare spreads (positive: more spread under the treatment) and are not turned.
    cautions : {"exclude", "include"}
        Whether figures that carry a caution, or serve as a sensitivity analysis only, may be used.
    evidence : Evidence, optional
        Default: the package's evidence.

    Returns
    -------
    DataFrame
        One row per trial and comparator, by condition, comparator, year and study. ``yi`` and ``vi`` are the effect
        and its variance, ``ci_low`` and ``ci_high`` its 95 % normal interval, ``n1`` and ``n2`` the participants
        behind it (missing where not printed), ``derivation`` how it came about, ``source_url`` and
        ``figures_as_printed`` where it stands. ``attrs["excluded"]`` is a frame with a row for each trial and
        comparator without an effect, and for each arm left out, with the ``reason``.

    Raises
    ------
    InputError
        For an unknown condition, comparator, outcome, timing or measure.

    Notes
    -----
    The standard error of a mean difference is read from its interval with t quantiles; a standard deviation implied
    by it is SE / sqrt(1/n1 + 1/n2) (Cochrane Handbook 6.5.2.3). Arms are combined as in its table 6.5.a.

    Examples
    --------
    >>> import acuevidence as ae
    >>> effects = ae.trial_effects("low_back_pain", comparator="sham")
    >>> effects[effects.trial_id == "leibing2002"][["n1", "n2", "derivation"]].values.tolist()
    [[35, 40, 'SMD from means and SDs of the arms; turned: a larger printed value is worse']]
    """
    evidence = load_evidence() if evidence is None else evidence
    wanted, comparators = checked(evidence, condition, comparator, outcome, timing, measure, cautions)
    return _chosen(evidence, tuple(wanted), tuple(comparators), outcome, timing, measure, cautions).copy()


@functools.lru_cache(maxsize=256)
def _chosen(
    evidence: Evidence, wanted: tuple[str, ...], comparators: tuple[str, ...], outcome: str | None, timing: str,
    measure: str, cautions: str,
) -> pd.DataFrame:  # fmt: skip
    """Return the effects of an evidence, which is the same as long as it is the same object."""
    compared = comparisons(evidence, wanted, comparators)
    asked: dict[str, Any] = {"outcome": outcome, "timing": timing, "measure": measure, "cautions": cautions}
    return carry(effects_of(compared, evidence.rules, **asked), evidence=evidence)


def effects_of(
    compared: Iterable[Comparison], rules: Rules, *, outcome: str | None, timing: str, measure: str, cautions: str
) -> pd.DataFrame:
    """Return the effects of comparisons that are at hand, as :func:`trial_effects` does."""
    rows: list[dict[str, Any]] = []
    left: list[dict[str, Any]] = []
    for comparison in compared:
        outcomes = [outcome] if outcome else rules.outcomes(comparison.trial.condition)
        _one(comparison, rules, outcomes, timing, measure, cautions, rows, left)
    frame = pd.DataFrame(rows, columns=_columns(rules.topic))
    frame = _ordered(frame, rules).astype(
        {"year": "Int64", "n1": "Int64", "n2": "Int64", "events1": "Int64", "events2": "Int64"}
        | dict.fromkeys(("yi", "vi", "se", "ci_low", "ci_high", "mean1", "sd1", "mean2", "sd2", "week"), float)
    )
    columns = ["trial_id", "study", "year", "condition", "comparator", "arm", "reason", "reported_direction"]
    excluded = Excluded(_ordered(pd.DataFrame(left, columns=columns), rules))
    direction = "spread" if measure in ("VR", "CVR") else "benefit"
    return carry(frame, topic=rules.topic, direction=direction, excluded=excluded)


def _columns(topic: Topic) -> list[str]:
    """Return the columns of effects: those of every topic, and its own where they tell of the trial or the comparator."""
    trials, arms = ([column.name for column in topic.columns.get(table, ())] for table in ("trials", "arms"))
    at, then = COLUMNS.index("treatment_weeks"), COLUMNS.index("outcome")
    return [*COLUMNS[:at], *trials, *COLUMNS[at:then], *arms, *COLUMNS[then:]]


def checked(
    evidence: Evidence,
    condition: Any,
    comparator: str | None,
    outcome: str | None,
    timing: str,
    measure: str,
    cautions: str,
) -> tuple[list[str], list[str]]:
    """Return the conditions and comparators that are wanted; refuse any argument of :func:`trial_effects` that is not known."""
    known = list(evidence.topic.conditions)
    wanted = known if condition is None else [condition] if isinstance(condition, str) else list(condition)
    for name in wanted:
        choice("condition", name, known)
    comparators = list(evidence.topic.comparators)
    if comparator is not None:
        comparators = [choice("comparator", comparator, comparators)]
    if outcome is not None:
        used = pd.concat([evidence.results["outcome"], evidence.contrasts["outcome"]])
        choice("outcome", outcome, sorted(set(used) | {o for c in known for o in evidence.rules.outcomes(c)}))
    choice("timing", timing, list(evidence.rules.timings))
    choice("measure", measure, (*_CONTINUOUS, *_BINARY))
    choice("cautions", cautions, ("exclude", "include"))
    return wanted, comparators


def _ordered(frame: pd.DataFrame, rules: Rules) -> pd.DataFrame:
    place = {name: i for i, name in enumerate([*rules.topic.conditions, *rules.topic.comparators])}
    ranks = {"condition": place, "comparator": place}
    return frame.sort_values(
        ["condition", "comparator", "year", "study"],
        key=lambda column: column.map(ranks[column.name]) if column.name in ranks else column,
        ignore_index=True,
    )


def _one(
    comparison: Comparison, rules: Rules, outcomes: list[str], timing: str, measure: str, cautions: str,
    rows: list[dict[str, Any]], left: list[dict[str, Any]],
) -> None:  # fmt: skip
    """Append the comparison's effect to ``rows``, or the reason why it has none to ``left``."""
    trial, reasons = comparison.trial, list[str]()
    known = {key: getattr(trial, key) for key in ("trial_id", "study", "year", "condition")}
    known["comparator"] = comparison.comparator
    for arm, reason in comparison.left_out:
        left.append({**known, "arm": arm, "reason": reason, "reported_direction": None})
    for candidate, level in _tries(comparison, rules, outcomes, timing, cautions, reasons):
        try:
            derived = _derive(candidate, level, comparison, rules, measure)
        except (_NotEnoughError, InputError) as missing:
            reasons.append(f"{candidate.measure}: {missing}")
            continue
        rows.append(_row(known, comparison, candidate, derived, measure, timing, rules))
        return
    if not reasons:
        reasons.append(f"no figure printed for {' or '.join(outcomes).replace('_', ' ')}")
    reason = "; ".join(dict.fromkeys(reasons))
    left.append({**known, "arm": None, "reason": reason, "reported_direction": _direction(comparison, rules)})


def _tries(
    comparison: Comparison, rules: Rules, outcomes: list[str], timing: str, cautions: str, reasons: list[str]
) -> Iterator[tuple[Candidate, str]]:
    for outcome in outcomes:
        found = candidates(comparison, rules, outcome, timing, cautions, reasons)
        for candidate in found:
            for level in rules.levels:
                if candidate.results if level == "arms" else candidate.contrasts:
                    yield candidate, level


def _derive(candidate: Candidate, level: str, comparison: Comparison, rules: Rules, measure: str) -> _Derived:
    counted = any(row.statistic == "count" for row in candidate.results) or any(
        row.effect_type in ("odds_ratio", "risk_ratio", "risk_difference") for row in candidate.contrasts
    )
    if counted:
        if measure not in (*_BINARY, "SMD"):
            raise _NotEnoughError(f"responders give no {measure}")
        return (_counts if level == "arms" else _ratio)(candidate, comparison, measure)
    if measure in _BINARY:
        raise _NotEnoughError(f"means give no {measure}")
    if measure == "MD":
        _points(candidate)
    if level == "contrast":
        return _differences(candidate, comparison, measure)
    problems = []
    for statistic in rules.statistics:
        rows = [row for row in candidate.results if row.statistic == statistic]
        try:
            if rows:
                return _means(rows, candidate, comparison, measure)
        except _NotEnoughError as missing:
            problems.append(str(missing))
    raise _NotEnoughError(problems[0])


# --- means of the arms -------------------------------------------------------------------------------------------


def _means(rows: list[Any], candidate: Candidate, comparison: Comparison, measure: str) -> _Derived:
    ours = _by_arm(rows, comparison.treated)
    theirs = _by_arm(rows, comparison.control)
    if not ours or not theirs:
        raise _NotEnoughError("figures printed for one side of the comparison only")
    benefit = _benefit([*ours.values(), *theirs.values()])
    n_notes: list[str] = []
    summaries = {arm: _summary(row, _n(row, comparison, n_notes)) for arm, row in {**ours, **theirs}.items()}
    printed = {arm for arm, summary in summaries.items() if summary[1] is not None}
    if measure in ("VR", "CVR") and len(printed) < len(summaries):
        raise _NotEnoughError(f"an arm without a printed spread gives no {measure}")
    if not (printed & set(ours)) or not (printed & set(theirs)):
        sd = _borrowed_sd(candidate, comparison, summaries, n_notes)
        summaries = {arm: (mean, sd, n, "SD implied by the contrast") for arm, (mean, _, n, _) in summaries.items()}
    one = _side({arm: summaries[arm] for arm in ours}, ours)
    two = _side({arm: summaries[arm] for arm in theirs}, theirs)
    given_n: dict[str, Any] = {
        "mean1": one.mean,
        "sd1": one.sd,
        "n1": one.n,
        "mean2": two.mean,
        "sd2": two.sd,
        "n2": two.n,
    }
    try:
        effect = effect_size(measure, **given_n).iloc[0]
    except InputError as error:
        raise _NotEnoughError(str(error)) from error
    derived = _Derived(float(effect["yi"]), float(effect["vi"]), "", one.rows + two.rows)
    if any("equal split" in note for note in n_notes) and measure in ("SMD", "MD"):
        _variance_from_interval(derived, candidate, comparison, one, two, measure)
    if measure not in ("VR", "CVR"):
        derived.yi *= benefit
    if measure == "MD":
        scale = _points(candidate)
        derived.yi, derived.vi = derived.yi * scale, derived.vi * scale**2
    spread = {note for note in (s[3] for s in summaries.values()) if note}
    derived.how = f"{measure} from means and {' and '.join(sorted(spread)) or 'SDs'} of the arms"
    derived.notes += [*dict.fromkeys(n_notes + one.notes + two.notes), *_statistic_note(rows[0].statistic)]
    derived.notes += _notes(comparison, candidate.measure, benefit)
    derived.columns = {"n1": one.n, "n2": two.n, "mean1": one.mean, "sd1": one.sd, "mean2": two.mean, "sd2": two.sd}
    derived.columns |= {"statistic": rows[0].statistic}
    return derived


def _by_arm(rows: list[Any], arms: dict[str, Any]) -> dict[str, Any]:
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


def _summary(row: Any, n: float) -> tuple[float, float | None, float, str]:
    """Return mean, SD, n and what the SD was read from, of one arm."""
    if given(row.mean):
        if given(row.sd):
            return row.mean, row.sd, n, ""
        if given(row.se):
            return row.mean, float(sd_from_se(row.se, n)), n, "SEs"
        if given(row.ci_low) and given(row.ci_high):
            return row.mean, float(sd_from_ci(row.ci_low, row.ci_high, n, level=row.ci_level / 100)), n, "intervals"
        return row.mean, None, n, ""
    quantiles = {"median": row.median, "q1": row.q1, "q3": row.q3, "minimum": row.minimum, "maximum": row.maximum}
    found = mean_sd_from_quantiles(n, **{k: v for k, v in quantiles.items() if given(v)}).iloc[0]
    return float(found["mean"]), float(found["sd"]), n, "quantiles (Luo, Wan and Shi)"


def _side(summaries: dict[str, tuple[float, float | None, float, str]], rows: dict[str, Any]) -> _Side:
    """Combine the arms of one side (Cochrane Handbook table 6.5.a); an arm without a printed spread takes that of the others."""
    printed = [(sd, n) for _, sd, n, _ in summaries.values() if sd is not None]
    common = math.sqrt(sum((n - 1) * sd**2 for sd, n in printed) / sum(n - 1 for _, n in printed))
    notes = [f"SD of arm {arm} from the other arms of its side" for arm, s in summaries.items() if s[1] is None]
    if len(summaries) == 1:
        ((mean, _, n, _),) = summaries.values()
        return _Side(mean, common, n, list(rows.values()), notes)
    means, sds, sizes = zip(
        *((mean, common if sd is None else sd, n) for mean, sd, n, _ in summaries.values()), strict=True
    )
    combined = combine_arms(means, sds, sizes)
    notes.append("combined arms: " + ", ".join(summaries))
    return _Side(float(combined["mean"]), float(combined["sd"]), float(combined["n"]), list(rows.values()), notes)


def _borrowed_sd(candidate: Candidate, comparison: Comparison, summaries: dict[str, Any], n_notes: list[str]) -> float:
    """Return the common SD implied by a contrast's standard error, for arms that print means alone."""
    several = len(set(summaries) & set(comparison.treated)) > 1 or len(set(summaries) & set(comparison.control)) > 1
    pages = {row.source_url for row in candidate.results}
    for row in candidate.spread:
        if row.arm in summaries and row.comparator_arm in summaries and (several or not given(row.estimate)):
            (m1, _, n1, _), (m2, _, n2, _) = summaries[row.arm], summaries[row.comparator_arm]
            difference = abs(row.estimate) if given(row.estimate) else abs(m1 - m2)
            # A P value speaks of the difference on its own page; elsewhere another model or set of patients may be behind it.
            alone = not given(row.estimate) and not given(row.se) and not given(row.ci_low)
            se = None if alone and row.source_url not in pages else _standard_error(row, difference, n1 + n2 - 2)
            if se:
                return _possible_sd(se / math.sqrt(1 / n1 + 1 / n2), row)
    raise _NotEnoughError("no spread printed")


def _possible_sd(sd: float, row: Any) -> float:
    """Refuse an implied SD that no set of answers on the scale can have: of changes, the scale's range at most."""
    if given(row.scale_min) and given(row.scale_max) and sd > row.scale_max - row.scale_min:
        raise _NotEnoughError(f"implied SD of {sd:.3g} is larger than the scale allows")
    return sd


def _variance_from_interval(
    derived: _Derived, candidate: Candidate, comparison: Comparison, one: _Side, two: _Side, measure: str
) -> None:
    """Where SDs are printed without n per arm, let the printed interval of the difference give the precision."""
    for row in candidate.spread:
        if (
            row.arm not in comparison.treated
            or row.comparator_arm not in comparison.control
            or not (given(row.ci_low) and given(row.ci_high))
        ):
            continue
        if len(one.rows) == len(two.rows) == 1:
            pooled = (one.sd**2 + two.sd**2) / 2
            square = float(_standard_error(row, math.nan, one.n + two.n - 2) or 0) ** 2
            derived.vi = square if measure == "MD" else square / pooled + derived.yi**2 / (2 * (one.n + two.n))
            derived.notes.append("SE from the interval of the difference")
            derived.rows.append(row)
            return


# --- contrasts ---------------------------------------------------------------------------------------------------


def _differences(candidate: Candidate, comparison: Comparison, measure: str) -> _Derived:
    """Mean differences or reviewers' SMDs between arms; several contrasts are averaged with their covariance."""
    if measure not in ("SMD", "MD"):
        raise _NotEnoughError(f"a difference between arms gives no {measure}")
    pairs: dict[tuple[str, str], _Derived] = {}
    problems = []
    # Final values before changes, as among the arms; a contrast says which only in its instrument's name.
    for row in sorted(candidate.contrasts, key=lambda row: bool(_CHANGE.search(row.measure))):
        if (row.arm, row.comparator_arm) not in pairs:
            try:
                pairs[row.arm, row.comparator_arm] = _difference(row, candidate, comparison, measure)
            except _NotEnoughError as missing:
                problems.append(str(missing))
    if not pairs:
        raise _NotEnoughError(problems[0] if problems else "no contrast printed")
    return _average(pairs)


def _difference(row: Any, candidate: Candidate, comparison: Comparison, measure: str) -> _Derived:
    notes: list[str] = []
    n1, n2 = (_n_arm(arm, comparison, notes) for arm in (row.arm, row.comparator_arm))
    estimate = row.estimate
    if not given(estimate) and given(row.ci_low) and given(row.ci_high):
        estimate = (row.ci_low + row.ci_high) / 2
        notes.append("estimate taken as the middle of its interval")
    if not given(estimate):
        raise _NotEnoughError("a P value without an estimate" if given(row.p_value) else "no estimate printed")
    size = _turned(row, abs(estimate))
    columns = {"n1": n1, "n2": n2, "statistic": row.effect_type}
    if row.effect_type == "smd":
        if measure != "SMD":
            raise _NotEnoughError(f"a reviewer's SMD gives no {measure}")
        se = _standard_error(row, abs(estimate), math.inf)
        if not se:
            raise _NotEnoughError("no interval, SE or exact P value of the SMD printed")
        how = "SMD as printed, precision from its " + ("interval" if given(row.ci_low) else "P value")
        return _Derived(size, se**2, how, [row], notes, columns)
    if comparison.trial.design == "crossover":
        raise _NotEnoughError("the interval of a crossover is within persons and their SD is not printed")
    if n1 is None or n2 is None:
        raise _NotEnoughError("n not printed")
    se = _standard_error(row, abs(estimate), n1 + n2 - 2)
    if not se:
        raise _NotEnoughError("no interval, SE or exact P value of the difference printed")
    source = "SE" if given(row.se) else "interval" if given(row.ci_low) else "P value"
    notes += _notes(comparison, candidate.measure, 1)
    if row.effect_type == "adjusted_mean_difference":
        notes.append("adjusted for baseline: the implied SD is that of the residuals")
    if measure == "MD":
        scale = _points(candidate)
        return _Derived(size * scale, (se * scale) ** 2, f"MD as printed, SE from its {source}", [row], notes, columns)
    sd = _possible_sd(se / math.sqrt(1 / n1 + 1 / n2), row)
    effect = effect_size("SMD", mean1=abs(estimate), mean2=0.0, sd1=sd, sd2=sd, n1=n1, n2=n2).iloc[0]
    how = f"SMD from the mean difference and the SD implied by its {source}"
    return _Derived(math.copysign(effect["yi"], size) if size else 0.0, float(effect["vi"]), how, [row], notes, columns)


def _average(pairs: dict[tuple[str, str], _Derived]) -> _Derived:
    """Average a trial's contrasts by inverse variance; contrasts that share an arm covary by 1/n of that arm."""
    found = list(pairs.values())
    if len(found) == 1:
        return found[0]
    v = np.diag([d.vi for d in found])
    shared = ""
    for i, one in enumerate(pairs):
        for j, two in enumerate(pairs):
            for side, size in ((0, "n1"), (1, "n2")):
                if i != j and one[side] == two[side]:
                    shared = ", with the covariance of the shared arm"
                    n = found[i].columns[size] or (found[i].vi and 2 / found[i].vi)
                    v[i, j] += 1 / n
    weights = 1 / np.diag(v)
    weights /= weights.sum()
    arms = [{pair[side] for pair in pairs} for side in (0, 1)]
    sizes = [{pair[side]: d.columns[size] for pair, d in pairs.items()} for side, size in ((0, "n1"), (1, "n2"))]
    n1, n2 = (sum(s.values()) if all(s.values()) else None for s in sizes)
    return _Derived(
        float(weights @ [d.yi for d in found]),
        float(weights @ v @ weights),
        f"{found[0].how}; mean of {len(found)} contrasts by inverse variance{shared}",
        [row for d in found for row in d.rows],
        list(dict.fromkeys(note for d in found for note in d.notes))
        + [f"combined arms: {', '.join(sorted(a))}" for a in arms if len(a) > 1],
        {**found[0].columns, "n1": n1, "n2": n2},
    )


# --- responders --------------------------------------------------------------------------------------------------


def _counts(candidate: Candidate, comparison: Comparison, measure: str) -> _Derived:
    notes: list[str] = []
    sides = []
    for arms in (comparison.treated, comparison.control):
        counted = {r.arm: r for r in candidate.results if r.arm in arms and (given(r.events) or given(r.percent))}
        if not counted:
            raise _NotEnoughError("figures printed for one side of the comparison only")
        sides.append([(_events(r, n, notes), n, r) for r in counted.values() for n in [_n(r, comparison, notes)]])
        if len(counted) > 1:
            notes.append("combined arms: " + ", ".join(counted))
    (e1, n1), (e2, n2) = ((sum(s[0] for s in side), sum(s[1] for s in side)) for side in sides)
    rows = [s[2] for side in sides for s in side]
    benefit = _benefit(rows)
    code = "OR2D" if measure == "SMD" else measure
    effect = effect_size(code, events1=e1, n1=n1, events2=e2, n2=n2).iloc[0]
    how = (
        "SMD from responders by the logistic conversion of the odds ratio"
        if measure == "SMD"
        else f"{measure} from responders"
    )
    columns = {"n1": n1, "n2": n2, "events1": e1, "events2": e2, "statistic": "count"}
    return _Derived(float(effect["yi"]) * benefit, float(effect["vi"]), how, rows, list(dict.fromkeys(notes)), columns)


def _events(row: Any, n: float, notes: list[str]) -> int:
    if given(row.events):
        return int(row.events)
    notes.append("responders counted from percentages")
    return round(row.percent / 100 * n)


def _ratio(candidate: Candidate, comparison: Comparison, measure: str) -> _Derived:
    for row in candidate.contrasts:
        if row.effect_type == "odds_ratio" and measure in ("SMD", "OR") and given(row.estimate) and given(row.ci_low):
            z = float(ndtri(0.5 + row.ci_level / 200))
            size, se = abs(math.log(row.estimate)), math.log(row.ci_high / row.ci_low) / (2 * z)
            factor = math.sqrt(3) / math.pi if measure == "SMD" else 1.0
            how = "SMD from the printed odds ratio by the logistic conversion" if measure == "SMD" else "OR as printed"
            n1, n2 = (_n_arm(arm, comparison, []) for arm in (row.arm, row.comparator_arm))
            return _Derived(
                _turned(row, size) * factor, (se * factor) ** 2, how, [row], [],
                {"n1": n1, "n2": n2, "statistic": row.effect_type},
            )  # fmt: skip
    raise _NotEnoughError("a risk ratio or risk difference without the responders of each arm")


# --- small parts -------------------------------------------------------------------------------------------------


def _standard_error(row: Any, difference: float, df: float) -> float | None:
    """Return the standard error of a contrast from its SE, its interval or its exact P value (t quantiles with df)."""
    if given(row.se):
        return float(row.se)
    if given(row.ci_low) and given(row.ci_high):
        p = 0.5 + row.ci_level / 200
        quantile = ndtri(p) if math.isinf(df) else stdtrit(df, p)
        return float((row.ci_high - row.ci_low) / (2 * quantile))
    if given(row.p_value) and row.p_value[0] not in "<>" and difference:
        return math.sqrt(float(from_p(difference, float(row.p_value), df=None if math.isinf(df) else df)["vi"].iloc[0]))
    return None


def _turned(row: Any, size: float) -> float:
    if size == 0:
        return 0.0
    if not given(row.favours) or row.favours == "neither":
        raise _NotEnoughError("the source does not say which side the estimate favours")
    return -size if row.favours == "comparator" else size


def _benefit(rows: list[Any]) -> int:
    signs = {int(row.benefit) for row in rows if given(row.benefit)}
    if len(signs) != 1:
        raise _NotEnoughError(
            "direction of the scale not printed" if not signs else "arms are printed in opposite directions"
        )
    return signs.pop()


def _n(row: Any, comparison: Comparison, notes: list[str]) -> float:
    if given(row.n):
        if row.n_basis == "randomized":
            notes.append("n as randomised")
        return float(row.n)
    n = _n_arm(row.arm, comparison, notes)
    if n is None:
        raise _NotEnoughError("n not printed")
    return n


def _n_arm(arm: str, comparison: Comparison, notes: list[str]) -> float | None:
    known = {**comparison.treated, **comparison.control}[arm]
    if given(known.n_randomized):
        notes.append("n as randomised")
        return float(known.n_randomized)
    if given(comparison.trial.n_randomized) and comparison.arms_in_trial:
        notes.append(
            f"n per arm not printed: equal split of {comparison.trial.n_randomized} over {comparison.arms_in_trial} arms"
        )
        return float(comparison.trial.n_randomized // comparison.arms_in_trial)
    return None


def _points(candidate: Candidate) -> float:
    """Return the factor that brings an instrument to the unit of MD: points of 0-100, or days per 4 weeks."""
    row = (candidate.results or candidate.contrasts)[0]
    if candidate.outcome == "headache_frequency":
        if "day" not in candidate.measure.casefold():
            raise _NotEnoughError("not counted in days")
        for period, factor in _PER_FOUR_WEEKS.items():
            if re.search(period, candidate.measure, re.IGNORECASE):
                return factor
        raise _NotEnoughError("counting period of the days not printed")
    if "%" in candidate.measure or "percent" in candidate.measure.casefold():
        raise _NotEnoughError("printed in percent of baseline, not in points")
    if not given(row.scale_min) or not given(row.scale_max):
        raise _NotEnoughError("range of the scale not printed")
    return float(100 / (row.scale_max - row.scale_min))


def _statistic_note(statistic: str) -> list[str]:
    return {"change": ["change from baseline"], "adjusted_final": ["final values adjusted for baseline"]}.get(
        statistic, []
    )


def _notes(comparison: Comparison, measure: str, benefit: int) -> list[str]:
    notes = []
    if benefit < 0:
        notes.append("turned: a larger printed value is worse")
    if "%" in measure or "percent" in measure.casefold():
        notes.append("percent of baseline in place of points")
    if comparison.until is not None:
        notes.append(f"compared up to week {comparison.until:g}, before the comparator had {comparison.treatment} itself")
    if comparison.trial.design == "crossover":
        notes.append("crossover: arms taken as parallel groups")
    return notes


def _direction(comparison: Comparison, rules: Rules) -> str | None:
    """Return what the trial's own report concludes on the comparator, for the evidence that is missing from a pool."""
    roles = rules.topic.comparators[comparison.comparator].roles
    said = [row.direction for row in comparison.figures["directions"] if row.comparator in roles]
    return "; ".join(dict.fromkeys(said)) or None


def _row(
    known: dict[str, Any], comparison: Comparison, candidate: Candidate, derived: _Derived, measure: str, timing: str,
    rules: Rules,
) -> dict[str, Any]:  # fmt: skip
    trial, se = comparison.trial, math.sqrt(derived.vi)
    half = float(ndtri(0.975)) * se
    rows = [row for row in derived.rows if row is not None]
    used = {row.arm for row in rows} | {getattr(row, "comparator_arm", row.arm) for row in rows}
    topic = rules.topic
    own = {column.name: getattr(trial, column.name) for column in topic.columns.get("trials", ())}
    own |= {column.name: _of_arms(column, comparison, used) for column in topic.columns.get("arms", ())}
    columns = {k: (math.floor(v) if k in ("n1", "n2") and v is not None else v) for k, v in derived.columns.items()}
    warned = [f"used despite a caution: {reason}" for row in rows if (reason := caution(row, rules))]
    return {
        **known,
        **{key: getattr(trial, key) for key in ("diagnosis", "treatment_weeks")},
        **own,
        "comparator_role": comparison.role,
        "outcome": candidate.outcome, "measure_used": rows[0].measure,
        "instrument": rules.short_name(rows[0].measure), "timing": timing,
        "week": math.nan if candidate.week is None else candidate.week, "effect": measure,
        "yi": derived.yi, "vi": derived.vi, "se": se, "ci_low": derived.yi - half, "ci_high": derived.yi + half,
        **columns,
        "derivation": "; ".join(dict.fromkeys([derived.how, *derived.notes, *warned])),
        "arms": ", ".join(a for a in comparison.treated if a in used),
        "comparator_arms": ", ".join(a for a in comparison.control if a in used),
        **{key: " | ".join(dict.fromkeys(str(getattr(row, key)) for row in rows))
           for key in ("source_kind", "source_url", "locator", "figures_as_printed")},
    }  # fmt: skip


def _of_arms(column: Column, comparison: Comparison, used: set[str]) -> str | None:
    """Return what a column of arms says of those used, in the roles that it describes: by default the comparator's."""
    roles = column.roles or (comparison.role,)
    arms = [arm for arm in {**comparison.treated, **comparison.control}.values() if arm.arm in used and arm.role in roles]
    said = {str(getattr(arm, column.name)) for arm in arms if given(getattr(arm, column.name))}
    return "/".join(sorted(said)) or None


guard(__name__, "trial_effects")
