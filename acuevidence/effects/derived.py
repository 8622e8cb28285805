"""What an effect of one trial is made of: the value with its story, how many took part, which way is better, how precise.

Knows rows of the evidence tables and the selection rules; how means, counts and contrasts become an effect stands in
``from_arms`` and ``from_contrasts``.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import ndtri, stdtrit

from acuevidence.effects.precision import from_p
from acuevidence.evidence.rules import Rules
from acuevidence.evidence.select import Candidate, Comparison, given

__all__ = [
    "Derived",
    "NotEnoughError",
    "Size",
    "benefit_of",
    "exact_factor",
    "notes_on",
    "points_factor",
    "possible_sd",
    "rounding",
    "size_of",
    "standard_error",
    "turned",
    "variance_of_mean",
]

_PER_FOUR_WEEKS = {r"4 weeks|28 days": 1.0, r"\bmonth": 28 * 12 / 365.25, r"\byear": 28 / 365.25, r"\bweek\b": 4.0}


class NotEnoughError(Exception):
    """The figures do not give an effect; the message says what is missing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Derived:
    """An effect, turned so that positive favours the treatment, with its story.

    Attributes
    ----------
    yi, vi : float
        The effect and its variance.
    how : str
        What it was made from, in words.
    rows : tuple
        The rows of the tables behind it.
    notes : tuple of str
        What else a reader should know.
    statistic : str
        As in the tables: ``final``, ``change``, ``adjusted_final``, ``count``, or the kind of contrast.
    n1, n2, mean1, sd1, mean2, sd2, events1, events2 : float or None
        Summaries of both sides, where there are any.
    spread : float
        SD of one participant's contribution in the unit of ``yi``: contrasts that share an arm of n covary by ``spread**2 / n``.
    n_assumed, borrowed_sd, sd_assumed : bool
        Whether n per arm was taken from the total, the SD from another week, or the SD rests on an assumed correlation.
    """

    yi: float
    vi: float
    how: str
    rows: tuple[Any, ...]
    notes: tuple[str, ...] = ()
    statistic: str = ""
    n1: float | None = None
    n2: float | None = None
    mean1: float | None = None
    sd1: float | None = None
    mean2: float | None = None
    sd2: float | None = None
    events1: float | None = None
    events2: float | None = None
    spread: float = 1.0
    n_assumed: bool = False
    borrowed_sd: bool = False
    sd_assumed: bool = False


@dataclass(frozen=True, slots=True)
class Size:
    """How many took part in an arm, and where that comes from.

    Attributes
    ----------
    n : float
        Participants.
    assumed : bool
        Whether n was taken from the total of the trial.
    note : str
        In words; empty where n is printed for the analysis.
    """

    n: float
    assumed: bool = False
    note: str = ""


def contributions(found: Derived, measure: str) -> tuple[float, float]:
    """Return the SD of one participant's contribution on each side, in the unit of the effect.

    Effects that share an arm of n covary by its square over n: 1 for standardised means (less where a difference is adjusted), the
    SD for differences in points, and what the delta method gives for counts (an odds ratio: 1 / (p (1 - p)), as SMD times 3 / pi^2).
    Elsewhere both sides take what the variance implies.
    """
    n1, n2, e1, e2 = found.n1, found.n2, found.events1, found.events2
    if n1 and n2 and e1 is not None and e2 is not None:
        more = 0.5 * (min(e1, e2, n1 - e1, n2 - e2) == 0)  # as the effect itself takes an empty cell
        one, two = (math.sqrt(n * _OF_COUNT[measure](e + more, n - e + more)) for e, n in ((e1, n1), (e2, n2)))
        return one, two
    if measure in ("SMD", "MD") and found.statistic not in ("odds_ratio", "risk_ratio"):
        return found.spread, found.spread
    implied = math.sqrt(found.vi / (1 / n1 + 1 / n2)) if n1 and n2 else math.nan
    return implied, implied


# What one side of a table adds to the variance of an effect, from its patients with and without the event.
_OF_COUNT = {
    "SMD": lambda a, b: 3 / math.pi**2 * (1 / a + 1 / b),
    "OR": lambda a, b: 1 / a + 1 / b,
    "RR": lambda a, b: 1 / a - 1 / (a + b),
    "RD": lambda a, b: a * b / (a + b) ** 3,
}


def size_of(arm: str, row: Any | None, comparison: Comparison, rules: Rules) -> Size:
    """Return the participants of an arm behind a row of figures.

    Without a row, the participants of the arm. In this order: as printed for the analysis (in the row, or in a row of the same arm,
    outcome and week); as randomised; the trial's total by its allocation ratio; the total in equal parts.
    """
    if row is not None and given(getattr(row, "n", math.nan)) and row.arm == arm:
        return Size(float(row.n), note="n as randomised" if row.n_basis == "randomized" else "")
    own = [r for r in comparison.figures["results"] if r.arm == arm and given(r.n)]
    if row is not None:
        same = [r for r in own if rules.outcome_of(r) == rules.outcome_of(row) and _when(r) == _when(row)]
        if analysed := [r for r in same if r.n_basis != "randomized"]:
            return Size(float(analysed[0].n))
    known = {**comparison.treated, **comparison.control}[arm]
    if given(known.n_randomized):
        return Size(float(known.n_randomized), note="n as randomised")
    if randomised := [r for r in own if r.n_basis == "randomized"]:
        return Size(float(randomised[0].n), note="n as randomised")
    if arm.endswith("_pooled"):
        side = comparison.treated if arm in comparison.treated else comparison.control
        parts = [size_of(name, row, comparison, rules) for name in side if not name.endswith("_pooled")]
        if parts:
            note = "; ".join(dict.fromkeys(part.note for part in parts if part.note))
            return Size(sum(part.n for part in parts), any(part.assumed for part in parts), note)
    return _share_of_total(arm, comparison, rules)


def _share_of_total(arm: str, comparison: Comparison, rules: Rules) -> Size:
    total, arms = comparison.trial.n_randomized, [one.arm for one in comparison.arms]
    if not given(total) or arm not in arms:
        raise NotEnoughError("n not printed")
    shares = comparison.design.allocation
    said = "by the allocation ratio"
    if len(shares) != len(arms):
        shares, said = _unprinted(comparison, rules), "in unequal parts, assumed"
    if len(shares) != len(arms):
        shares, said = (1 / len(arms),) * len(arms), "equal split"
    n = math.floor(total * shares[arms.index(arm)] + 1e-9)
    if said == "equal split":
        return Size(n, True, f"n per arm not printed: equal split of {total} over {len(arms)} arms")
    return Size(n, True, f"n per arm not printed: {total} {said}")


def _unprinted(comparison: Comparison, rules: Rules) -> tuple[float, ...]:
    """Return the shares that the rules give to a three-arm trial with a placebo and an untreated comparator."""
    roles = [arm.role for arm in comparison.arms]
    ours = [role in rules.treated_roles() for role in roles]
    untreated = {role for name in rules.topic.comparators for role in rules.roles(name)} - set(rules.placebo_roles)
    fits = len(roles) == 3 and sum(ours) == 1 and set(roles) & set(rules.placebo_roles) and set(roles) & untreated
    if not rules.three_arms or not fits:
        return ()
    large, *others = (share / sum(rules.three_arms) for share in rules.three_arms)
    return tuple(large if own else others.pop(0) for own in ours)


def _when(row: Any) -> tuple[Any, Any]:
    return (float(row.week), None) if given(row.week) else (None, row.timing)


def benefit_of(rows: Iterable[Any]) -> int:
    """Return +1 where a larger printed value is better for the patient, -1 where it is worse."""
    signs = {int(row.benefit) for row in rows if given(row.benefit)}
    if len(signs) != 1:
        raise NotEnoughError("direction of the scale not printed" if not signs else "arms are printed in opposite directions")
    return signs.pop()


def turned(row: Any, size: float) -> float:
    """Return the size of a contrast with the sign of the side that its estimate favours."""
    if size == 0:
        return 0.0
    if not given(row.favours) or row.favours == "neither":
        raise NotEnoughError("the source does not say which side the estimate favours")
    return -size if row.favours == "comparator" else size


def standard_error(row: Any, difference: float, df: float) -> tuple[float | None, str]:
    """Return the standard error of a contrast and what it was read from: its SE, its interval or its exact P value (t with df)."""
    if given(row.se):
        return float(row.se), "SE"
    if given(row.ci_low) and given(row.ci_high):
        p = 0.5 + row.ci_level / 200
        quantile = ndtri(p) if math.isinf(df) else stdtrit(df, p)
        return float((row.ci_high - row.ci_low) / (2 * quantile)), "interval"
    if given(row.p_value) and row.p_value[0] not in "<>" and difference:
        found = from_p(difference, float(row.p_value), df=None if math.isinf(df) else df)
        return math.sqrt(float(found["vi"].iloc[0])), "P value"
    return None, ""


def possible_sd(sd: float, row: Any) -> float:
    """Refuse an implied SD that no set of answers on the scale can have: of changes, the scale's range at most."""
    if given(row.scale_min) and given(row.scale_max) and sd > row.scale_max - row.scale_min:
        raise NotEnoughError(f"implied SD of {sd:.3g} is larger than the scale allows")
    return sd


def exact_factor(df: float) -> float:
    """Return the small-sample correction of a standardised difference (Hedges 1981, J Educ Stat, exact)."""
    return math.exp(math.lgamma(df / 2) - math.lgamma((df - 1) / 2)) / math.sqrt(df / 2)


def rounding(values: Sequence[tuple[float, str]], weights: Sequence[float]) -> float:
    """Return the relative variance that rounding of printed spreads adds to a squared effect.

    ``values`` are printed SEs or SDs with the text they stand in; ``weights`` the share of each in the pooled variance. A value with
    one significant digit, of unit u, is uniform over u: its logarithm has the variance u^2 / (12 s^2).
    """
    found = 0.0
    for (value, text), weight in zip(values, weights, strict=True):
        unit = _unit_of_one_digit(value, text)
        if unit is not None:
            found += weight**2 * unit**2 / (12 * value**2)
    return found


def _unit_of_one_digit(value: float, text: str) -> float | None:
    """Return the unit of the last digit of a printed number with one significant digit; None where it has more."""
    tokens = [token for token in re.findall(r"\d+(?:\.\d+)?|\.\d+", str(text)) if float(token) == value]
    longest = max((token.replace(".", "").lstrip("0") for token in tokens or [f"{value:g}"]), key=len)
    if len(longest) != 1:
        return None
    return 10.0 ** math.floor(math.log10(value))


def points_factor(candidate: Candidate, row: Any) -> float:
    """Return the factor that brings an instrument to the unit of MD: points of 0-100, or days per 4 weeks."""
    if candidate.outcome == "headache_frequency":
        if "day" not in candidate.measure.casefold():
            raise NotEnoughError("not counted in days")
        for period, factor in _PER_FOUR_WEEKS.items():
            if re.search(period, candidate.measure, re.IGNORECASE):
                return factor
        raise NotEnoughError("counting period of the days not printed")
    if "%" in candidate.measure or "percent" in candidate.measure.casefold():
        raise NotEnoughError("printed in percent of baseline, not in points")
    if not given(row.scale_min) or not given(row.scale_max):
        raise NotEnoughError("range of the scale not printed")
    return float(100 / (row.scale_max - row.scale_min))


def notes_on(comparison: Comparison, candidate: Candidate, rules: Rules, benefit: int = 1) -> tuple[str, ...]:
    """Return what a reader should know of the figures of a comparison."""
    notes = ["turned: a larger printed value is worse"] if benefit < 0 else []
    if "%" in candidate.measure or "percent" in candidate.measure.casefold():
        notes.append("percent of baseline in place of points")
    if comparison.design.treated_after and math.isfinite(comparison.until):
        notes.append(f"compared up to week {comparison.until:g}, before the comparator had {comparison.treatment} itself")
    if comparison.trial.design == "crossover" and not _parallel(candidate, rules):
        notes.append("crossover: arms taken as parallel groups")
    here = (comparison.trial.trial_id, candidate.outcome)
    return (*notes, *(rule["says"] for rule in rules.remarks if (rule["trial_id"], rule["outcome"]) == here))


def _parallel(candidate: Candidate, rules: Rules) -> bool:
    return bool(rules.parallel_phase and re.search(rules.parallel_phase, candidate.measure))


def variance_of_mean(
    found: Mapping[tuple[str, str], Derived], dependent: bool, standardised: bool
) -> tuple[np.ndarray, float, bool]:
    """Return the weights of a trial's contrasts, the variance of their weighted mean, and whether arms are shared.

    Contrasts that share an arm of n covary by ``spread**2 / n``, and standardised ones also by g g' / (2 N) with N participants in
    all arms of both (Gleser & Olkin 2009, in The Handbook of Research Synthesis and Meta-Analysis, 2nd ed.).
    """
    parts, pairs = list(found.values()), list(found)
    own = np.array([part.vi for part in parts])
    weights = 1 / own / (1 / own).sum()
    if dependent:
        return weights, float(weights @ np.sqrt(own)) ** 2, False
    v = np.diag(own)
    shared = False
    for i, j in ((i, j) for i in range(len(pairs)) for j in range(len(pairs)) if i != j):
        for side, name in ((0, "n1"), (1, "n2")):
            if pairs[i][side] == pairs[j][side]:
                shared = True
                n = getattr(parts[i], name) or 2 * parts[i].spread ** 2 / own[i]
                v[i, j] += parts[i].spread * parts[j].spread / n
                sizes = [parts[i].n1, parts[i].n2, getattr(parts[j], "n2" if name == "n1" else "n1")]
                if standardised and all(sizes):
                    v[i, j] += parts[i].yi * parts[j].yi / (2 * sum(size or 0 for size in sizes))
    return weights, float(weights @ v @ weights), shared
