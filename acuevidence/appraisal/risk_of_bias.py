"""The risk of bias of the trials in a pool: judgements by domain, each with where it was read, and what they come to by weight."""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd

from acuevidence.synthesis.effect import PooledEffect

if TYPE_CHECKING:
    from acuevidence.evidence import Evidence

__all__ = ["rated_pool", "rated_trials"]

LOW, CONCERNS, HIGH, NONE = "low", "some concerns", "high", "not assessed"
_WORST = ("high", "unclear", "low")


class _Row(NamedTuple):
    """A cell of a long table: its value, its address, its arm, and what it was told by."""

    value: str
    source: str
    arm: str | None
    told: str


class _Judgement(NamedTuple):
    value: str
    whose: str
    source: str


_Table = dict[tuple[str, str, str], list[_Row]]


def rated_trials(data: pd.DataFrame, comparator: str | None, rules: Mapping[str, Any], evidence: Evidence) -> pd.DataFrame:
    """Return the risk of bias of each trial.

    Parameters
    ----------
    data : DataFrame
        One row a trial, with ``trial_id`` and where known ``comparator_arms``.
    comparator : str or None
        Key of the comparator.
    rules : mapping
        Section ``risk_of_bias`` of ``appraisal.yaml``.
    evidence : Evidence
        Where judgements (``quality``) and facts (``design``) are.

    Returns
    -------
    DataFrame
        Index that of ``data``; ``trial_id rating judgements source``: ``rating`` is ``low``, ``some concerns``, ``high`` or ``not
        assessed``.

    Notes
    -----
    A domain's judgement is that of the first tool listed that has one, of a design's fact, or of an item of a scale. High: a domain
    or an overall rating is high. Low: the overall rating, or every domain, is low.

    Examples
    --------
    >>> import acuevidence as ae
    >>> effects, evidence = ae.trial_effects("low_back_pain", comparator="sham"), ae.load_evidence()
    >>> rated = rated_trials(effects, "sham", evidence.appraisal["certainty"]["risk_of_bias"], evidence)
    >>> set(rated["rating"]) <= {"low", "some concerns", "high", "not assessed"}
    True
    """
    kind = evidence.topic.comparator(comparator).kind if comparator else ""
    domains = [one for one in rules.get("domains", ()) if one.get("against", kind) == kind]
    ids, scale = data["trial_id"].astype(str), str(rules.get("scale", ""))
    judged, design, arms = _facts(evidence)
    compared = data["comparator_arms"].fillna("").str.split(", ") if "comparator_arms" in data else [[]] * len(data)
    rows = []
    for trial, against in zip(ids, compared, strict=True):
        found = {one["name"]: _domain(one, trial, against, arms[trial], judged, design, scale) for one in domains}
        whole = [_worst(judged.get((trial, tool, "overall"), [])) for tool in rules.get("overall", ())]
        rows.append((trial, *_rating(found, [one for one in whole if one is not None])))
    return pd.DataFrame(rows, columns=["trial_id", "rating", "judgements", "source"], index=data.index)


def rated_pool(
    result: PooledEffect, comparator: str | None, rules: Mapping[str, Any], evidence: Evidence | None
) -> tuple[int, str, pd.DataFrame | None]:
    """Return steps lost, the reason, and the ratings of the trials (None where nothing is carried).

    Notes
    -----
    No step where trials at low risk carry half of the weight or more, two where trials at high risk do, else one. Against a
    comparator that participants can tell from the treatment while they rate their own state one step more, two in all at most.

    Examples
    --------
    >>> import acuevidence as ae
    >>> rated_pool(ae.meta_analysis([0.2, 0.5], [0.02, 0.03]), None, {}, None)[:2]
    (0, 'not assessed: the result carries no evidence on its trials')
    """
    data = result.data
    unblinded = comparator in rules.get("unblinded_comparators", ())
    if "trial_id" not in data or evidence is None:
        said = "not assessed: the result carries no evidence on its trials"
        return (1, f"{rules['unblinded']}; {said}", None) if unblinded else (0, said, None)
    trials = rated_trials(data, comparator, rules, evidence)
    trials["weight"] = np.asarray(result.weights, dtype=float)
    share = trials.groupby("rating")["weight"].sum() / 100
    share = share.reindex([LOW, CONCERNS, HIGH, NONE], fill_value=0.0)
    half = float(rules.get("share_of_weight", 0.5))
    said = ", ".join(f"{name} {part:.0%}" for name, part in share.items() if part > 0)
    if share[LOW] >= half:
        steps, words = 0, f"mostly low by weight ({said})"
    elif share[HIGH] >= half:
        steps, words = 2, f"mostly high by weight ({said})"
    elif share[[CONCERNS, NONE]].sum() >= half:
        steps, words = 1, f"mostly not assessed or unclear by weight ({said})"
    else:
        steps, words = 1, f"no rating carries half of the weight ({said})"
    if unblinded:
        steps, words = min(steps + 1, 2), f"{words}; {rules['unblinded']}"
    return steps, words, trials


@functools.lru_cache(maxsize=16)
def _facts(evidence: Evidence) -> tuple[_Table, _Table, Counter[str]]:
    """Return the judgements, the facts on design, and how many randomised arms a trial has."""
    arms = [(trial, arm) for trial, arm in zip(evidence.arms["trial_id"], evidence.arms["arm"], strict=True)]
    randomised = Counter(str(trial) for trial, arm in arms if not str(arm).endswith("_pooled"))
    return _held(evidence.quality, "judgement"), _held(evidence.design, "value"), randomised


def _held(table: pd.DataFrame, value: str) -> _Table:
    """Return the rows of a long table with a value, by trial, tool (of facts none) and domain or field."""
    rows = table[table[value].notna()]
    facts = "field" in rows
    keys = zip(rows["trial_id"], [""] * len(rows) if facts else rows["tool"], rows["field" if facts else "domain"], strict=True)
    arms = rows["arm"] if "arm" in rows else [None] * len(rows)
    told = rows["how"].fillna("") if "how" in rows else [""] * len(rows)
    found: _Table = {}
    for key, one in zip(keys, zip(rows[value], rows["source_url"].fillna(""), arms, told, strict=True), strict=True):
        arm = one[2] if isinstance(one[2], str) else None
        found.setdefault(key, []).append(_Row(str(one[0]), str(one[1]), arm, f"{one[1]} {one[3]}"))
    return found


def _domain(
    rule: Mapping[str, Any], trial: str, compared: Sequence[str], arms: int, judged: _Table, design: _Table, scale: str
) -> _Judgement | None:
    """Return a judgement, whose it is and where it was read; None where nothing is known."""
    for tool, names in rule.get("tools", {}).items():
        for name in names:
            if (found := _worst(judged.get((trial, tool, name), []))) is not None:
                return _Judgement(found.value, tool, found.source)
    if (fact := _fact(rule, design.get((trial, "", rule.get("fact", "")), []), compared, scale)) is not None:
        return fact
    for name in rule.get("reported", ()):
        own = [row for row in judged.get((trial, "report", name), []) if not _of_scale(row, scale)]
        if (found := _worst(own)) is not None:
            return _Judgement(found.value, "own report", found.source)
    items = judged.get((trial, scale, rule.get("item", "")), [])
    if not items or (rule.get("item_two_arms") and arms > 2):
        return None
    return _Judgement("low" if items[0].value == "yes" else "unclear", scale, items[0].source)


def _fact(rule: Mapping[str, Any], rows: list[_Row], compared: Sequence[str], scale: str) -> _Judgement | None:
    """Return what a fact of the design says: of the arm compared, else of the trial; what a scale's page says is the scale's."""
    own = [row for row in rows if not _of_scale(row, scale)]
    own = [row for row in own if row.arm in compared] or [row for row in own if row.arm is None]
    if not own:
        return None
    value = own[0].value
    judgement = {"yes": "low", "no": "high"}.get(value, "unclear")
    if "at_most" in rule:
        try:
            judgement = "low" if float(value) <= rule["at_most"] else "high"
        except ValueError:
            return None
    return _Judgement(judgement, "own report", own[0].source)


def _of_scale(row: _Row, scale: str) -> bool:
    """Return whether a row was read off a page of the scale."""
    return bool(scale) and scale.lower() in row.told.lower()


def _worst(rows: list[_Row]) -> _Row | None:
    """Return the most cautious of several judgements."""
    return min((row for row in rows if row.value in _WORST), key=lambda row: _WORST.index(row.value), default=None)


def _rating(found: Mapping[str, _Judgement | None], overall: list[_Row]) -> tuple[str, str, str]:
    known = {name: one for name, one in found.items() if one is not None}
    judgements = [one.value for one in known.values()] + [row.value for row in overall]
    said = "; ".join(
        [f"{name}: {one.value} ({one.whose})" for name, one in known.items()] + [f"overall: {row.value}" for row in overall]
    )
    source = " ; ".join(dict.fromkeys([one.source for one in known.values()] + [row.source for row in overall]))
    if "high" in judgements:
        return HIGH, said, source
    every = bool(found) and all(one is not None and one.value == "low" for one in found.values())
    if every or any(row.value == "low" for row in overall):
        return LOW, said, source
    return (CONCERNS if judgements else NONE), said, source
