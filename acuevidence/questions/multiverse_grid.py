"""The trials of a multiverse as arrays: which trials enter a specification of the data, and with which figure.

Every way to read the figures gives a table; masks say which trials an option keeps. Specifications with the same trials and figures
are one row.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import Any

import numpy as np
import pandas as pd

from acuevidence.effects.trials import trial_effects
from acuevidence.errors import InputError
from acuevidence.evidence import Evidence
from acuevidence.evidence.ratings import quality_scores
from acuevidence.synthesis import kernel, scale

__all__ = ["FEWEST", "FIGURES", "IN_ORDER", "LEFT_OUT", "NO_ONE", "TRIALS", "Array", "Grid"]

Array = np.ndarray

# Decisions on figures: how trial_effects is asked. The options of "outcome" come from the condition.
FIGURES: dict[str, tuple[str, ...]] = {
    "timing": ("end_of_treatment", "short", "medium"),
    "cautions": ("exclude", "include"),
    "statistic": ("adjusted first", "final first", "change first"),
    "figures": ("arms first", "contrast first"),
}
# Decisions on trials: which of them stay.
TRIALS: dict[str, tuple[str, ...]] = {
    "responders": ("in", "out"),
    "sd_source": ("any", "printed"),
    "comparator_type": ("any",),
    "quality": ("any", "PEDro below 6 out", "unrated out too"),
    "size": ("any", "50 or more", "100 or more"),
}
LEFT_OUT = ("none out", "most influential trial out")
NO_ONE = "none"
IN_ORDER = "in order"  # the outcomes of the condition as the rules of selection take them
_PEDRO = 6
FEWEST = 2
_FAR = 3.0  # an SMD beyond it that carries a caution is a slip of the report


@dataclass(frozen=True, slots=True)
class Grid:
    """Trials by specification of data: a table of figures for each way to read them, and the trials' traits.

    ``effects`` has the shape (readings, trials, 2) with yi and vi, NaN where a trial has no figure; ``traits`` are masks of
    (readings, trials) by decision and option; ``excluded`` are masks (sets, trials) of who is left out by name.
    """

    effects: Array
    masks: dict[str, list[Array]]
    excluded: Array
    options: Mapping[str, tuple[str, ...]]

    @classmethod
    def of(
        cls,
        condition: str,
        comparator: str,
        options: Mapping[str, tuple[str, ...]],
        exclude: Mapping[str, Sequence[str]],
        evidence: Evidence,
    ) -> Grid:
        """Read the figures of a condition's trials in every way that the options ask for."""
        tables, trials = _readings(condition, comparator, options, _of_condition(condition, evidence))
        effects = np.stack([table[["yi", "vi"]].to_numpy(dtype=float) for table in tables])
        score = quality_scores(evidence).reindex(trials)
        types = evidence.topic.comparators[comparator].types
        masks = {
            name: [np.stack([_stays(name, option, table, score, types) for table in tables]) for option in options[name]]
            for name in TRIALS
        }
        named = [exclude.get(name, ()) for name in options.get("exclude", (NO_ONE,))]
        excluded = np.stack([np.isin(trials, list(ids)) for ids in named])
        return cls(effects, masks, excluded, options)

    def sets(self, **where: Any) -> tuple[Array, Array]:
        """Return the distinct sets of trials, (sets, trials, 2), and for each specification of data which it is."""
        trials = self.effects.shape[1]
        names = list(TRIALS)
        kept = np.stack(
            [
                np.logical_and.reduce([self.masks[name][i] for name, i in zip(names, picked, strict=True)])
                for picked in product(*(range(len(self.options[name])) for name in names))
            ],
            axis=1,
        )  # (readings, combinations, trials)
        rows = np.where(kept[..., None], self.effects[:, None], np.nan).reshape(-1, trials, 2)
        unique, where_from = _distinct(rows)
        less = np.where(self.excluded[None, ..., None], np.nan, unique[:, None]).reshape(-1, trials, 2)
        some, which = _distinct(less)
        left = np.stack(
            [some if option == LEFT_OUT[0] else scale.in_chunks(_left_out, [some], **where) for option in self.options["left_out"]],
            axis=1,
        )
        final, again = _distinct(left.reshape(-1, trials, 2))
        per_set = again.reshape(len(some), -1)[which].reshape(len(unique), -1)
        return final, per_set[where_from].ravel()


def _readings(
    condition: str, comparator: str, options: Mapping[str, tuple[str, ...]], evidence: Evidence
) -> tuple[list[pd.DataFrame], list[str]]:
    """Return a table of effects, one row a trial, for each combination of outcome and way to read the figures."""
    ways = [dict(zip(FIGURES, picked, strict=True)) for picked in product(*(options[name] for name in FIGURES))]
    frames = {
        (outcome, i): _reading(condition, comparator, None if outcome == IN_ORDER else outcome, way, evidence)
        for outcome in options["outcome"]
        for i, way in enumerate(ways)
    }
    trials = sorted(set().union(*(frame.index for frame in frames.values())))
    if not trials:
        raise InputError(f"no trial of {condition} against {comparator} prints a usable figure")
    tables = {key: frame.reindex(trials) for key, frame in frames.items()}
    return [tables[outcome, i] for outcome in options["outcome"] for i in range(len(ways))], trials


def _reading(condition: str, comparator: str, outcome: str | None, way: Mapping[str, str], evidence: Evidence) -> pd.DataFrame:
    rules = evidence.rules
    first = way["statistic"].removesuffix(" first")
    rules = replace(rules, statistics=tuple(sorted(rules.statistics, key=lambda name: name != first)))
    if way["figures"] == "contrast first":
        rules = replace(rules, levels=tuple(reversed(rules.levels)))
    effects = trial_effects(
        condition,
        comparator=comparator,
        outcome=outcome,
        timing=way["timing"],
        cautions=way["cautions"],
        evidence=evidence.changed(rules=rules),
    )
    effects.attrs = {}
    if way["cautions"] == "include":
        effects = effects[~(effects["derivation"].str.contains("despite a caution") & (effects["yi"].abs() > _FAR))]
    own = [column.name for column in evidence.topic.columns.get("arms", ())]
    columns = ["yi", "vi", "n1", "n2", "statistic", "derivation", "comparator_role", *own]
    return effects.set_index("trial_id")[columns]


def _of_condition(condition: str, evidence: Evidence) -> Evidence:
    """Return the evidence of one condition's trials: it is read many times. Directions are for trials without figures."""
    trials = evidence.trials[evidence.trials["condition"] == condition]
    kept = {
        name: (table := getattr(evidence, name))[table["trial_id"].isin(trials["trial_id"])]
        for name in ("arms", "results", "contrasts")
    }
    return replace(evidence, trials=trials, directions=evidence.directions.head(0), **kept)


def _stays(
    name: str, option: str, table: pd.DataFrame, score: pd.Series, types: Mapping[str, Mapping[str, Sequence[str]]]
) -> Array:
    """Return which trials an option keeps; trials without a figure do not matter."""
    if option in ("any", "in"):
        return np.ones(len(table), dtype=bool)
    if name == "responders":
        return ~table["statistic"].isin(["count", "odds_ratio"]).to_numpy()
    if name == "sd_source":
        return table["derivation"].fillna("").str.startswith("SMD from means and SDs of the arms").to_numpy()
    if name == "size":
        n = (table["n1"] + table["n2"]).astype(float).to_numpy()
        return np.nan_to_num(n) >= float(option.split()[0])
    if name == "quality":
        known = score.astype(float).to_numpy()
        return ~(known < _PEDRO) if option == "PEDro below 6 out" else known >= _PEDRO
    if option in types:
        return (_type_of(table, types) == option).to_numpy()
    return (table["comparator_role"] == option).to_numpy()


def _type_of(table: pd.DataFrame, types: Mapping[str, Mapping[str, Sequence[str]]]) -> pd.Series:
    """Return which type of its comparator each trial has; of several the one listed last."""
    found = pd.Series(None, index=table.index, dtype=object)
    for name, wanted in types.items():
        fits = pd.Series(True, index=table.index)
        for column, values in wanted.items():
            fits &= table[column].fillna("").map(lambda cell, wanted=set(values): bool(set(str(cell).split("/")) & wanted))
        found[fits] = name
    return found


def _distinct(rows: Array) -> tuple[Array, Array]:
    """Return the distinct rows, by their bytes, and for each row which it is."""
    flat = np.ascontiguousarray(np.nan_to_num(rows, nan=-1e300).reshape(len(rows), -1))
    keys = flat.view(np.dtype((np.void, flat.dtype.itemsize * flat.shape[1]))).ravel()
    _, first, where = np.unique(keys, return_index=True, return_inverse=True)
    return rows[first], where.ravel()


def _left_out(sets: Array) -> Array:
    """Return each set without the trial whose omission moves its DerSimonian-Laird effect most."""
    trials = np.arange(sets.shape[1])
    present = ~np.isnan(sets[..., 0])
    # A trial can be left out when it is there and two stay.
    row, trial = np.nonzero(present & (present.sum(axis=1)[:, None] > FEWEST))
    if len(row) == 0:
        return sets
    y = np.where(trials[None] != trial[:, None], sets[row, :, 0], np.nan)
    effect = np.full(present.shape, np.nan)
    effect[row, trial] = kernel.fit(y, sets[row, :, 1], method="DL", test="z").beta[:, 0]
    some = np.unique(row)
    whole = kernel.fit(sets[some, :, 0], sets[some, :, 1], method="DL", test="z").beta[:, 0]
    worst = np.nanargmax(np.abs(effect[some] - whole[:, None]), axis=1)
    found = sets.copy()
    found[some, worst] = np.nan
    return found
