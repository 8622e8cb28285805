"""What a change of the evidence does: to the trials pooled, to every pooled effect, its certainty and state, and to every verdict."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import pandas as pd

from acuevidence.appraisal.certainty import rate
from acuevidence.appraisal.headline import headline
from acuevidence.arguments import guard
from acuevidence.effects.participants import counted
from acuevidence.effects.trials import trial_effects
from acuevidence.evidence import Evidence, conditions
from acuevidence.evidence.carried import excluded_of
from acuevidence.evidence.differences import Differences, differences
from acuevidence.questions.pooled import apart, groups_of
from acuevidence.synthesis import meta_analysis
from acuevidence.verdicts.claims import answered

__all__ = ["Changes", "changes"]

_SAME = 1e-9  # effects and variances that agree to it are the same
# What may make a trial's effect another, in the order in which it is told.
_WHY = (
    "outcome",
    "instrument",
    "week",
    "timing",
    "kind",
    "n1",
    "n2",
    "arms",
    "comparator_arms",
    "figures_as_printed",
)
_EFFECT = ("k", "n", "estimate", "ci_low", "ci_high", "method", "state", "certainty")


@dataclass(frozen=True, slots=True, eq=False)
class Changes:
    """What differs between two versions of an evidence, and what follows from it.

    Attributes
    ----------
    rows : Differences
        Rows of the tables that came, went or changed.
    trials : DataFrame
        One row a trial pooled on either side: ``condition label group trial_id study change old_yi old_se new_yi new_se why``; ``change``
        is ``came``, ``went``, ``changed`` or ``same``. Positive effects favour the treatment.
    effects : DataFrame
        One row a condition and group (comparator, and population where these are not pooled), the numbers of either side:
        ``old_k old_n old_estimate old_ci_low old_ci_high old_method old_state old_certainty``, ``new_k`` and so on, and whether they
        are ``changed``.
    claims : DataFrame
        One row a claim: ``id claim old_verdict new_verdict old_certainty new_certainty changed``.
    own_rules : bool
        Whether each side was judged by its own rules, and not both by the new one's.
    """

    rows: Differences
    trials: pd.DataFrame
    effects: pd.DataFrame
    claims: pd.DataFrame
    own_rules: bool


def changes(old: Evidence, new: Evidence) -> Changes:
    """Return what differs between two versions of an evidence.

    Parameters
    ----------
    old, new : Evidence
        The versions; ``evidence.load_beside`` loads an older folder under the rules of a newer one.

    Returns
    -------
    Changes
        Rows, trials, pooled effects with certainty and state, and verdicts; what stayed the same is in it too.

    Examples
    --------
    >>> import acuevidence as ae
    >>> from acuevidence.verdicts.changes import changes
    >>> found = changes(ae.load_evidence(), ae.load_evidence())  # doctest: +SKIP
    >>> found.effects["changed"].any()  # doctest: +SKIP
    False
    """
    topic = new.topic
    trials: list[dict[str, Any]] = []
    effects: list[dict[str, Any]] = []
    for condition in dict.fromkeys([*conditions(new), *conditions(old)]):
        sides = [_pools(condition, one) for one in (old, new)]
        names = dict.fromkeys([*groups_of(condition, new), *(sides[0] if sides[0] else ())])
        for group in names:
            before, after = (one.get(group) for one in sides)
            if before is None and after is None:
                continue
            at = {"condition": condition, "label": topic.label(condition), "group": group}
            numbers = [_numbers(rows, one) for rows, one in ((before, old), (after, new))]
            moved = any(not _alike(numbers[0][name], numbers[1][name]) for name in _EFFECT)
            effects.append(
                at
                | {f"{side}_{name}": n[name] for side, n in zip(("old", "new"), numbers, strict=True) for name in _EFFECT}
                | {"changed": moved}
            )
            trials += [at | one for one in _trials(before, after, old, new, condition, group)]
    columns = ["condition", "label", "group"]
    numbered = [f"{side}_{name}" for side in ("old", "new") for name in _EFFECT]
    own_rules = old.rules is not new.rules
    compared = [{name: table for name, table in one.tables().items() if own_rules or name != "thresholds"} for one in (old, new)]
    return Changes(
        rows=differences(*compared),
        trials=pd.DataFrame(
            trials, columns=[*columns, "trial_id", "study", "change", "old_yi", "old_se", "new_yi", "new_se", "why"]
        ),
        effects=pd.DataFrame(effects, columns=[*columns, *numbered, "changed"]),
        claims=_claims(old, new),
        own_rules=own_rules,
    )


def _pools(condition: str, evidence: Evidence) -> dict[str, pd.DataFrame]:
    """Return the effects of a condition by group; none where the evidence has no trial of it."""
    if condition not in conditions(evidence):
        return {}
    found = apart(trial_effects(condition, evidence=evidence))
    return {str(name): found[found["group"] == name] for name in found["group"].unique()} if len(found) else {}


def _numbers(rows: pd.DataFrame | None, evidence: Evidence) -> dict[str, Any]:
    """Return what is printed of a pool; nothing without trials."""
    if rows is None:
        return dict.fromkeys(_EFFECT) | {"k": 0, "estimate": math.nan, "ci_low": math.nan, "ci_high": math.nan}
    result = meta_analysis("yi", "vi", data=rows, labels="study", test="HKSJ-adhoc")
    shown = headline(result, evidence=evidence)
    return {
        "k": result.k,
        "n": counted(rows).n,
        "estimate": shown.estimate,
        "ci_low": shown.ci_low,
        "ci_high": shown.ci_high,
        "method": shown.method,
        "state": shown.state,
        "certainty": rate(result, shown, evidence=evidence).level,
    }


def _trials(
    before: pd.DataFrame | None, after: pd.DataFrame | None, old: Evidence, new: Evidence, condition: str, group: str
) -> list[dict[str, Any]]:
    """Return the trials of either side of a pool, and what became of each."""
    was = {} if before is None else {row["trial_id"]: row for row in before.to_dict("records")}
    now = {} if after is None else {row["trial_id"]: row for row in after.to_dict("records")}
    found = []
    for trial in dict.fromkeys([*now, *was]):
        one, two = was.get(trial), now.get(trial)
        if one is None:
            change, why = "came", _absent(trial, old, condition, group, "not in the tables before")
        elif two is None:
            change, why = "went", _absent(trial, new, condition, group, "no longer in the tables")
        else:
            same = all(math.isclose(one[name], two[name], rel_tol=_SAME, abs_tol=_SAME) for name in ("yi", "vi"))
            change, why = ("same", "") if same else ("changed", _why(one, two))
        figures = {
            f"{side}_{name}": math.nan if row is None else row[name]
            for side, row in (("old", one), ("new", two))
            for name in ("yi", "se")
        }
        found.append({"trial_id": trial, "study": (two or one or {})["study"], "change": change, **figures, "why": why})
    order = {"came": 0, "went": 1, "changed": 2, "same": 3}
    return sorted(found, key=lambda row: order[row["change"]])


def _absent(trial: str, evidence: Evidence, condition: str, group: str, unknown: str) -> str:
    """Return why a trial is in no pool of a side: it is not in the tables, or was left out for a reason."""
    if trial not in set(evidence.trials["trial_id"]):
        return unknown
    left = excluded_of(apart(trial_effects(condition, evidence=evidence))) if condition in conditions(evidence) else None
    if left is None or "group" not in left:
        return "left out"
    reasons = left.loc[(left["trial_id"] == trial) & (left["group"] == group) & left["arm"].isna(), "reason"]
    return f"left out: {reasons.iloc[0]}" if len(reasons) else "no such comparison"


def _why(one: dict[str, Any], two: dict[str, Any]) -> str:
    """Return what differs in how a trial's effect was made."""
    unlike = [name for name in _WHY if name in one and name in two and not _alike(one[name], two[name])] or ["derivation"]
    return "; ".join(f"{name.replace('_', ' ')} {_cell(one[name])} -> {_cell(two[name])}" for name in unlike)


def _cell(value: Any) -> str:
    return "none" if value is None or value != value else f"{value:g}" if isinstance(value, float) else str(value)


def _alike(one: Any, two: Any) -> bool:
    """Return whether two cells say the same; two missing ones do."""
    missing = [value is None or value is pd.NA or value != value for value in (one, two)]
    if any(missing):
        return all(missing)
    if isinstance(one, float) and isinstance(two, float):
        return math.isclose(one, two, rel_tol=_SAME, abs_tol=_SAME)
    return bool(one == two)


def _claims(old: Evidence, new: Evidence) -> pd.DataFrame:
    """Return the verdicts of either side; a claim that one side does not know has none there."""
    was, now = answered(evidence=old), answered(evidence=new)
    texts = {entry["id"]: entry["claim"] for one in (old, new) for entry in one.claims["claims"]}
    rows = []
    for name in dict.fromkeys([*now, *was]):
        row: dict[str, Any] = {"id": name, "claim": texts[name]}
        for part in ("verdict", "certainty"):
            row |= {
                f"{side}_{part}": getattr(found[name], part) if name in found else None
                for side, found in (("old", was), ("new", now))
            }
        alike = all(_alike(row[f"old_{part}"], row[f"new_{part}"]) for part in ("verdict", "certainty"))
        rows.append(row | {"changed": not alike})
    columns = ["id", "claim", "old_verdict", "new_verdict", "old_certainty", "new_certainty", "changed"]
    return pd.DataFrame(rows, columns=columns)


guard(__name__, "changes")
