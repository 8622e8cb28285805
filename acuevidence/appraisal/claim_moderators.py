"""The rule that answers claims by comparing trials with each other: meta-regression on a number or on groups of trials."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import stdtrit

from acuevidence.appraisal.claim import Answer, Claim, Rule, between_trials, combined
from acuevidence.appraisal.pools import TOO_FEW, Cell, Pools, matches
from acuevidence.errors import InputError
from acuevidence.synthesis import MetaAnalysis, meta_analysis

__all__ = ["RULES"]

_NUMBER = re.compile(r"\d+(?:\.\d+)?")


@dataclass(frozen=True, slots=True)
class _Compared:
    """One moderator against one comparator: its state, the numbers in words, and the trials behind it."""

    state: str
    text: str
    k: int


def moderator(claim: Claim, pools: Pools) -> Answer:
    """Whether trials that differ in the moderator differ in their effects."""
    found = []
    for comparator in claim.comparators:
        cell = Cell(conditions=pools.conditions(claim.population), comparator=comparator)
        rows = pools.effects(cell)
        rows = rows.assign(description=pools.descriptions(rows))
        for column in claim.options.get("numbers", ()):
            found.append((f"{cell.name}, {column.replace('_', ' ')}", _slope(rows, column, claim, pools)))
        if "column" in claim.options:
            found.append((cell.name, _groups(rows, rows[claim.options["column"]].astype(object), claim, pools)))
        if "levels" in claim.options:
            found.append((cell.name, _groups(rows, _levels(rows, claim.options["levels"]), claim, pools)))
    no = ["alike", "falls"] if claim.options["expect"] == "rises" else ["alike"]
    verdict = combined((one.state for _, one in found), yes=[claim.options["expect"]], no=no)
    rated = max((one.k for _, one in found), default=0)
    level, why = between_trials(rated, claim)
    needed = [f"{name}: {_wanted(one)}" for name, one in found if one.state in ("unsure", TOO_FEW)]
    return Answer(
        verdict=verdict, certainty=level if any(one.state != TOO_FEW for _, one in found) else "not rated",
        estimates=tuple(f"{name}: {one.text}" for name, one in found),
        reasons=(*(f"{name}: {one.state}" for name, one in found), why), needed=tuple(needed),
    )  # fmt: skip


def _wanted(one: _Compared) -> str:
    if one.state == TOO_FEW:
        return "trials on both sides of the comparison that print usable figures"
    return f"more trials, or randomisation to one or the other; the interval holds no difference and an important one ({one.k} trials)"


def _slope(rows: pd.DataFrame, column: str, claim: Claim, pools: Pools) -> _Compared:
    """Return how the effect changes with a number, per unit of the threshold ``per_unit``."""
    unit = claim.thresholds["per_unit"]
    printed = rows[column].map(_number).astype(float)
    known = rows[printed.notna()].assign(x=printed.dropna() / unit)
    result = _fit(known, "~ x")
    if result is None or known["x"].nunique() < 3:
        return _Compared(TOO_FEW, f"{len(known)} trials print it; too few for a slope", len(known))
    line = result.coefficients.iloc[1]
    low, high, small = line["ci_low"], line["ci_high"], pools.mid.low
    where = "rises" if low > 0 else "falls" if high < 0 else "alike" if -small < low and high < small else "unsure"
    text = f"{len(known)} trials, slope {line['estimate']:.2f} SD per {unit:g} ({low:.2f} to {high:.2f}), P {line['p_value']:.2f}"
    return _Compared(where, text, result.k)


def _groups(rows: pd.DataFrame, groups: pd.Series, claim: Claim, pools: Pools) -> _Compared:
    """Return whether groups of trials differ; groups of fewer than ``trials`` trials stand aside."""
    size = groups.dropna().value_counts()
    order = [
        str(g)
        for g in claim.options.get("levels", pools.evidence.rules.conditions)
        if size.get(g, 0) >= claim.thresholds["trials"]
    ]
    known = rows.assign(group=groups)[groups.isin(order)]
    if len(order) < 2:
        return _Compared(
            TOO_FEW, f"{', '.join(f'{n} {g}' for g, n in size.items()) or 'no trials'}; too few to compare", len(known)
        )
    terms = [f"g{i}" for i in range(1, len(order))]
    known = known.assign(**{t: (known["group"] == g).astype(float) for t, g in zip(terms, order[1:], strict=True)})
    result = _fit(known, "~ " + " + ".join(terms))
    if result is None:
        return _Compared(TOO_FEW, f"{len(known)} trials; too few to compare", len(known))
    bounds = _differences(result, len(order))
    where = _where(result, bounds, claim, pools.mid.low)
    means = [float(result.beta[0] + (result.beta[i] if i else 0.0)) for i in range(len(order))]
    words = ", ".join(f"{g.replace('_', ' ')} {m:.2f} ({size[g]} trials)" for g, m in zip(order, means, strict=True))
    low, high = bounds[0, 1]
    gap = f"; difference {means[1] - means[0]:.2f} ({low:.2f} to {high:.2f})" if len(order) == 2 else ""
    return _Compared(where, f"SMD {words}{gap}; test for differences P {result.qm_p:.3f}", result.k)


def _where(
    result: MetaAnalysis, bounds: Mapping[tuple[int, int], tuple[float, float]], claim: Claim, small: float
) -> str:
    if claim.options["expect"] == "rises":
        low, high = bounds[0, 1]
        if low > 0 or high < 0:
            return "rises" if low > 0 else "falls"
    elif result.qm_p < claim.thresholds["alpha"]:
        return "differs"
    return "alike" if all(-small < low and high < small for low, high in bounds.values()) else "unsure"


def _differences(result: MetaAnalysis, groups: int) -> dict[tuple[int, int], tuple[float, float]]:
    """Return the interval of the difference, second minus first, of every two groups; the first group is the intercept."""
    quantile = float(stdtrit(result.df, 0.5 + result.level / 2)) if result.df else 1.96
    found = {}
    for i, j in combinations(range(groups), 2):
        c = np.zeros(groups)
        c[j] = 1.0
        if i:
            c[i] = -1.0
        centre, half = float(c @ result.beta), quantile * float(np.sqrt(c @ result.covariance @ c))
        found[i, j] = (centre - half, centre + half)
    return found


def _levels(rows: pd.DataFrame, levels: Mapping[str, Mapping[str, str]]) -> pd.Series:
    """Return the level of each row: the first whose columns match its patterns; rows of none are missing."""
    found = pd.Series(None, index=rows.index, dtype=object)
    for name, patterns in levels.items():
        fits = found.isna()
        for column, pattern in patterns.items():
            fits &= matches(rows[column], pattern)
        found[fits] = name
    return found


def _number(printed: Any) -> float | None:
    """Return a printed number, the middle of a printed range, or None for words such as ``3 per week``."""
    if pd.isna(printed) or "per" in str(printed):
        return None
    numbers = [float(n) for n in _NUMBER.findall(str(printed))]
    return sum(numbers) / len(numbers) if numbers else None


def _fit(rows: pd.DataFrame, formula: str) -> MetaAnalysis | None:
    try:
        found: MetaAnalysis = meta_analysis("yi", "vi", data=rows, moderators=formula, test="HKSJ-adhoc")
    except InputError:
        return None
    return found


RULES: dict[str, Rule] = {"moderator": moderator}
