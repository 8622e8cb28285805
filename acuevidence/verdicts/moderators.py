"""The rule that answers claims by comparing trials with each other: meta-regression on a number or on groups of trials."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd

from acuevidence import words
from acuevidence.appraisal.credibility import credibility
from acuevidence.errors import AcuevidenceError
from acuevidence.questions.groups import descriptions, printed_number, with_levels
from acuevidence.synthesis import MetaAnalysis, meta_analysis
from acuevidence.synthesis.coefficients import contrast
from acuevidence.synthesis.robust import RobustMetaAnalysis
from acuevidence.verdicts.answer import Answer, Claim, Estimate, Rule, between, decide
from acuevidence.verdicts.findings import TOO_FEW, Pools, between_trials, pool

__all__ = ["RULES", "Compared", "compared"]


@dataclass(frozen=True, slots=True, eq=False)
class Compared:
    """One moderator against one comparator, or both.

    Attributes
    ----------
    state : str
        ``differs``, ``rises``, ``falls``, ``alike``, ``unsure`` or ``too few``.
    estimate : Estimate
        The slope, or the difference of two groups; words alone for more groups or too few trials.
    k : int
        Trials behind it.
    credible : str
        How credible a difference is (ICEMAN), with the reason; empty where nothing was tested.
    """

    state: str
    estimate: Estimate
    k: int
    credible: str = ""

    @property
    def shown(self) -> Estimate:
        """The estimate with its state."""
        credible = f"; {self.credible}" if self.credible else ""
        return replace(self.estimate, note=f"{self.estimate.note}; {self.state}{credible}")


def moderator(claim: Claim, pools: Pools) -> Answer:
    """Whether trials that differ in the moderator differ in their effects, against each comparator and over both."""
    found = compared(claim, pools)
    level, why = between_trials(max((one.k for one in found), default=0), claim)
    verdict = between(one.state == claim.options["expect"] for one in found if level != "very low")
    needed = [f"{one.estimate.label}: {_wanted(one)}" for one in found if one.state != claim.options["expect"]]
    return Answer(
        verdict=verdict,
        certainty=level if any(one.state != TOO_FEW for one in found) else None,
        estimates=tuple(one.estimate for one in found),
        reasons=(*(f"{one.estimate.label}: {one.state}{f'; {one.credible}' if one.credible else ''}" for one in found), why),
        needed=tuple(needed),
    )


def compared(claim: Claim, pools: Pools) -> list[Compared]:
    """Return every comparison between trials that a claim asks for: each comparator apart, then both in one model."""
    cells = [pools.cell(conditions=pools.conditions(claim.population), comparator=c) for c in claim.comparators]
    effects = [pools.effects(cell) for cell in cells]
    sets = [(cell.name, rows) for cell, rows in zip(cells, effects, strict=True)]
    if len(cells) > 1:
        sets.append(("v both", pd.concat([rows for rows in effects if len(rows)] or effects[:1], ignore_index=True)))
    found = []
    for name, rows in sets:
        described = rows.assign(description=descriptions(rows, pools.evidence))
        for column in claim.options.get("numbers", ()):
            found.append(_slope(f"{name}, {column.replace('_', ' ')}", described, column, claim, pools))
        if "column" in claim.options:
            found.append(_groups(name, described, described[claim.options["column"]].astype(object), claim, pools))
        if "levels" in claim.options:
            found.append(_groups(name, described, with_levels(described, claim.options["levels"]), claim, pools))
    return found


def _wanted(one: Compared) -> str:
    if one.state == TOO_FEW:
        return "trials on both sides of the comparison that print usable figures"
    return f"more trials, or randomisation to one or the other; the interval includes zero ({one.k} trials)"


def _slope(name: str, rows: pd.DataFrame, column: str, claim: Claim, pools: Pools) -> Compared:
    """Return how the effect changes with a number, per unit of the threshold ``per_unit``."""
    unit = claim.thresholds["per_unit"]
    printed = rows[column].map(printed_number).astype(float)
    known = rows[printed.notna()].assign(x=printed.dropna() / unit)
    fit = _fit(known, ["x"], claim, pools) if known["x"].nunique() >= 3 else None
    k = known["trial_id"].nunique()
    if fit is None:
        return Compared(TOO_FEW, Estimate(name, note=f"{k} trials print it; too few for a slope"), k)
    (slope, low, high), small = fit.contrast({"x": 1.0}), _alike(known, claim)
    where = decide((low > 0, "rises"), (high < 0, "falls"), (_within(small, low, high), "alike"), (True, "unsure"))
    note = f"{k} trials, slope {{estimate}} SD per {unit:g} ({{interval}}), P {words.p(fit.test(['x']))}{fit.said}"
    return Compared(where, Estimate(name, slope, low, high, "slope", note), k, _credible(fit.test(["x"]), None, claim))


def _groups(name: str, rows: pd.DataFrame, groups: pd.Series, claim: Claim, pools: Pools) -> Compared:
    """Return whether groups of trials differ; groups of fewer than ``trials`` trials stand aside."""
    size = rows.groupby(groups)["trial_id"].nunique().sort_values(ascending=False, kind="stable")
    order = [str(g) for g in claim.options.get("levels", pools.conditions()) if size.get(g, 0) >= claim.thresholds["trials"]]
    known = rows.assign(group=groups)[groups.isin(order)]
    k = known["trial_id"].nunique()
    if len(order) < 2:
        counted = ", ".join(f"{n} {_spoken(g)}" for g, n in size.items()) or "no trials"
        return Compared(TOO_FEW, Estimate(name, note=f"{counted}; too few to compare"), k)
    terms = [f"g{i}" for i in range(1, len(order))]
    known = known.assign(**{t: (known["group"] == g).astype(float) for t, g in zip(terms, order[1:], strict=True)})
    fit = _fit(known, terms, claim, pools)
    if fit is None:
        return Compared(TOO_FEW, Estimate(name, note=f"{k} trials; too few to compare"), k)
    bounds = {
        (i, j): fit.contrast({**({terms[i - 1]: -1.0} if i else {}), terms[j - 1]: 1.0})
        for i, j in combinations(range(len(order)), 2)
    }
    p = fit.test(terms)
    where = _where(p, bounds, claim, _alike(known, claim))
    levels = ", ".join(f"{_spoken(g)} ({size[g]} trials)" for g in order)
    if not fit.joint:
        means = [fit.contrast({"Intercept": 1.0, **({t: 1.0} if t else {})})[0] for t in ("", *terms)]
        levels = ", ".join(f"{_spoken(g)} {m:.2f} ({size[g]} trials)" for g, m in zip(order, means, strict=True))
    tested = f"; test for differences P {words.p(p)}{fit.said}"
    credible = _credible(p, int(min(size[g] for g in order)), claim)
    if len(order) > 2:
        return Compared(where, Estimate(name, note=f"SMD {levels}{tested}"), k, credible)
    note = f"SMD {levels}; difference {{estimate}} ({{interval}}){tested}"
    return Compared(where, Estimate(name, *bounds[0, 1], note=note), k, credible)


def _credible(p: float, smallest: int | None, claim: Claim) -> str:
    level, why = credibility(p, smallest=smallest, fewest=int(claim.thresholds["trials_of_group"]))
    return f"a difference is credible at {level} (ICEMAN: {why})"


def _spoken(group: Any) -> str:
    return str(group).replace("_", " ")


def _where(p: float, bounds: Mapping[tuple[int, int], tuple[float, float, float]], claim: Claim, small: float) -> str:
    ordered = claim.options.get("expect") == "rises"
    _, low, high = bounds[0, 1]
    return decide(
        (ordered and low > 0, "rises"),
        (ordered and high < 0, "falls"),
        (not ordered and p < claim.thresholds["alpha"], "differs"),
        (all(_within(small, *ends) for _, *ends in bounds.values()), "alike"),
        (True, "unsure"),
    )


def _alike(rows: pd.DataFrame, claim: Claim) -> float:
    """Return the difference below which effects count as alike: ``alike``, or a third of the pooled effect where that is smaller."""
    result = pool(rows)
    return claim.thresholds["alike"] if result is None else min(claim.thresholds["alike"], abs(result.estimate) / 3)


def _within(small: float, low: float, high: float) -> bool:
    return -small < low and high < small


@dataclass(frozen=True, slots=True)
class _Fit:
    """A meta-regression: of one comparator, or of both with trials as clusters, since three-arm trials share an arm.

    Attributes
    ----------
    result : MetaAnalysis
        The fit.
    robust : RobustMetaAnalysis or None
        Its cluster-robust tests (CR2, Satterthwaite) where both comparators stand in it.
    """

    result: MetaAnalysis
    robust: RobustMetaAnalysis | None

    @property
    def joint(self) -> bool:
        return self.robust is not None

    @property
    def said(self) -> str:
        return ", comparator in the model, trials as clusters" if self.joint else ""

    def contrast(self, weights: Mapping[str, float]) -> tuple[float, float, float]:
        """Return a sum of coefficients with its interval."""
        names = list(self.result.coefficients.index)
        c = np.array([weights.get(name, 0.0) for name in names])
        spread, df = self.result.covariance, self.result.df
        if self.robust is not None:
            spread, df = self.robust.vcov.to_numpy(), self.robust.wald(c[None, :]).df2
        found = contrast(c, self.result.beta, spread, df, level=self.result.level)
        return found.estimate, found.ci_low, found.ci_high

    def test(self, terms: list[str]) -> float:
        """Return the P value of terms that are all zero."""
        if self.robust is not None:
            return float(self.robust.wald(terms).p_value)
        return float(self.result.qm_p)


def _fit(rows: pd.DataFrame, terms: list[str], claim: Claim, pools: Pools) -> _Fit | None:
    """Return the meta-regression, or None where trials are too few for it, or clusters for its robust tests."""
    both = rows["comparator"].nunique() > 1
    rows = rows.assign(against=(rows["comparator"] == pools.evidence.topic.of_kind("untreated")).astype(float))
    try:
        result = meta_analysis(
            "yi", "vi", data=rows, moderators="~ " + " + ".join([*terms, *(["against"] if both else [])]), test="HKSJ-adhoc"
        )
        robust = result.robust(rows["trial_id"]) if both else None
        if robust is not None and min(robust.wald(term).df2 for term in terms) < claim.thresholds["df"]:
            return None
    except AcuevidenceError:
        return None
    return _Fit(result, robust)


RULES: dict[str, Rule] = {"moderator": moderator}
