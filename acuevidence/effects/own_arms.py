"""The arms of a user's table: spreads from what is printed of each, and contrasts of trials with several.

Knows wide tables (mean1, mean2, mean3 ...) and tables with one row an arm. Must not know measures.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from acuevidence.effects.arms import split_arm
from acuevidence.effects.own_table import OwnTable
from acuevidence.effects.precision import sd_from_ci
from acuevidence.effects.quantiles import mean_sd_from_quantiles
from acuevidence.errors import InputError
from acuevidence.evidence.importers.cells import Place

__all__ = ["contrasts", "spread_from_print"]

_ARM = ("mean", "sd", "n", "events", "nonevents", "time", "se", "low", "high", "median", "q1_", "q3_", "min", "max")
_KEYS = ("study", "year", "condition", "outcome", "week", "subgroup")
Comparison = tuple[Any, list[tuple[Any, str]], tuple[Any, str]]  # a row; its compared arms and its reference, as row and suffix
_QUANTILES = {"min": "minimum", "q1_": "q1", "median": "median", "q3_": "q3", "max": "maximum"}


def spread_from_print(table: OwnTable, level: float) -> OwnTable:
    """Fill SDs, and means, from standard errors, limits of the mean, and medians with quartiles or range.

    Parameters
    ----------
    table : OwnTable
        The table as read; it is changed.
    level : float
        Confidence level of the limits.

    Returns
    -------
    OwnTable
        The table; ``how`` says what was done.

    Raises
    ------
    InputError
        For limits or quantiles that no arm can have.
    """
    frame = table.frame
    for k in ("", *"123456789"):
        there = {base for base in _ARM if f"{base}{k}" in frame}
        if "n" not in there or (not k and {"yi", "ratio", "r"} & set(frame)):
            continue
        for base in ("mean", "sd"):
            if there & {"se", "low", "median"} and base not in there:
                frame[f"{base}{k}"] = np.nan
        arm = f" of arm {k}" if k else ""
        try:
            _from_se(table, k, arm, there)
            _from_limits(table, k, arm, there, level)
            _from_quantiles(table, k, arm, there)
        except InputError as error:
            raise InputError(f"arm {k}: {error}" if k else str(error)) from None
    return table


def _from_se(table: OwnTable, k: str, arm: str, there: set[str]) -> None:
    if "se" not in there:
        return
    frame = table.frame
    rows = frame[f"sd{k}"].isna() & frame[f"se{k}"].notna() & frame[f"n{k}"].notna()
    frame.loc[rows, f"sd{k}"] = frame[f"se{k}"][rows] * np.sqrt(frame[f"n{k}"][rows])
    table.how[rows] += f"; SD{arm} from its standard error"


def _from_limits(table: OwnTable, k: str, arm: str, there: set[str], level: float) -> None:
    if not {"low", "high"} <= there:
        return
    frame = table.frame
    low, high = frame[f"low{k}"], frame[f"high{k}"]
    rows = frame[f"sd{k}"].isna() & low.notna() & high.notna() & frame[f"n{k}"].notna()
    if rows.any():
        labels = table.place.labels[frame.index[rows]]
        limits = [column[rows].set_axis(labels) for column in (low, high, frame[f"n{k}"])]
        frame.loc[rows, f"sd{k}"] = np.asarray(sd_from_ci(limits[0], limits[1], limits[2], level))
        frame.loc[rows, f"mean{k}"] = frame[f"mean{k}"][rows].fillna((low + high)[rows] / 2)
        table.how[rows] += f"; SD{arm} from the limits of its mean"


def _from_quantiles(table: OwnTable, k: str, arm: str, there: set[str]) -> None:
    if "median" not in there:
        return
    frame = table.frame
    for bases in (tuple(_QUANTILES), ("q1_", "median", "q3_"), ("min", "median", "max")):
        if not set(bases) <= there:
            continue
        rows = (frame[f"mean{k}"].isna() | frame[f"sd{k}"].isna()) & frame[[f"n{k}", *(f"{b}{k}" for b in bases)]].notna().all(
            axis=1
        )
        if rows.any():
            labels = table.place.labels[frame.index[rows]]
            given: dict[str, Any] = {_QUANTILES[b]: frame[f"{b}{k}"][rows].set_axis(labels) for b in bases}
            made = mean_sd_from_quantiles(frame[f"n{k}"][rows].set_axis(labels), **given).set_axis(frame.index[rows])
            for base in ("mean", "sd"):
                frame.loc[rows, f"{base}{k}"] = frame[f"{base}{k}"][rows].fillna(made[base])
            said = "quartiles and range" if len(bases) == 5 else "quartiles" if "q1_" in bases else "range"
            table.how[rows] += f"; mean and SD{arm} estimated from median and {said}"


def contrasts(table: OwnTable, reference: str | int | None, shared: str, *, alone: bool) -> OwnTable:
    """Turn trials with several arms, in one row or one row an arm, into one row a comparison with the reference arm.

    Parameters
    ----------
    table : OwnTable
        The table as read.
    reference : str or int, optional
        Label or number of the comparator's arm.
    shared : {"split", "whole"}
        What becomes of an arm that several comparisons share.
    alone : bool
        A measure of one group is wanted, so that rows of arms stay as they are.

    Returns
    -------
    OwnTable
        The table itself where every row is a comparison already.

    Raises
    ------
    InputError
        Where it is not said which arm is the comparator, or a trial has none of that name.
    """
    frame = table.frame
    third = [k for k in "3456789" if any(f"{b}{k}" in frame and frame[f"{b}{k}"].notna().any() for b in ("mean", "events"))]
    if third:
        return _made(table, _wide(table, third[-1], reference), shared)
    two = any(c in frame and frame[c].notna().any() for c in ("mean1", "events1", "yi", "ratio", "r"))
    one = ("n" in frame or "time" in frame) and any(c in frame and frame[c].notna().any() for c in ("mean", "events"))
    if alone or two or not one or "treatment" not in frame or frame["treatment"].isna().all():
        if reference is not None:
            raise InputError("reference= is for tables with three arms or more, or with one row an arm; this one has neither")
        return table
    keys = [c for c in _KEYS if c in frame]
    if not frame.duplicated(keys).any():
        return table
    return _made(table, _long(table, keys, reference), shared)


def _wide(table: OwnTable, last: str, reference: str | int | None) -> list[Comparison]:
    """Return for each row its compared arms and its reference arm, each as row and suffix."""
    frame, found = table.frame, list[Comparison]()
    for i in frame.index:
        arms = [
            k for k in "123456789"[: int(last)] if any(pd.notna(frame.get(f"{b}{k}", {}).get(i)) for b in ("mean", "events", "sd"))
        ]
        names = {k: str(frame[f"label{k}"][i]) if f"label{k}" in frame and pd.notna(frame[f"label{k}"][i]) else k for k in arms}
        if len(arms) < 2:
            found.append((i, [(i, "1")], (i, "2")))
            continue
        if reference is None:
            if len(arms) == 2 and arms == ["1", "2"]:
                found.append((i, [(i, "1")], (i, "2")))
                continue
            raise InputError(
                f"{table.row(i)} has {len(arms)} arms ({', '.join(names.values())}); which is the comparator? Say reference= with its "
                "label or number, for example reference=2; every other arm is then compared with it"
            )
        wanted = str(reference).casefold()
        same = [k for k in arms if wanted in (names[k].casefold(), k)]
        if not same and len(arms) == 2 and arms == ["1", "2"] and wanted.isdigit():
            same = ["2"]
        if len(same) != 1:
            raise InputError(f"{table.row(i)} has no arm called {reference!r} (arms: {', '.join(names.values())})")
        found.append((i, [(i, k) for k in arms if k != same[0]], (i, same[0])))
    return found


def _long(table: OwnTable, keys: list[str], reference: str | int | None) -> list[Comparison]:
    frame = table.frame
    labels = list(dict.fromkeys(frame["treatment"].dropna()))
    if reference is None:
        raise InputError(
            f"the table has one row an arm ({', '.join(map(repr, labels[:8]))}); which is the comparator? Say reference={labels[-1]!r}, "
            "or a measure of one group, for example measure='MN' or 'PLO'"
        )
    is_reference = frame["treatment"].map(lambda cell: str(cell).casefold() == str(reference).casefold())
    if not is_reference.any():
        raise InputError(f"no arm is called {reference!r} (arms: {', '.join(map(repr, labels[:8]))})")
    found = list[Comparison]()
    for _, rows in frame.groupby(keys, sort=False, dropna=False):
        mine = rows.index[is_reference[rows.index]]
        others = rows.index[~is_reference[rows.index]]
        if len(mine) > 1:
            raise InputError(f"{table.row(mine[0])} and {table.row(mine[1])} are both the arm {reference!r} of one trial")
        if len(mine) == 0 or len(others) == 0:
            why = f"no arm called {reference!r}" if len(mine) == 0 else "no arm to compare"
            found += [(i, [], (i, why)) for i in rows.index]
            continue
        found.append((others[0], [(i, "") for i in others], (mine[0], "")))
    return found


def _made(table: OwnTable, plan: list[Comparison], shared: str) -> OwnTable:
    """Return the table with one row a comparison."""
    frame = table.frame
    arms = [f"{b}{k}" for b in (*_ARM, "label") for k in ("", *"123456789") if f"{b}{k}" in frame]
    rows: list[dict[str, Any]] = []
    reasons: dict[Any, str] = {}
    split: set[Any] = set()
    origin, whole, how = [], [], []
    unreported: dict[str, list[bool]] = {f"{b}{side}": [] for b in _ARM for side in "12"}
    for first, compared, (base_row, base) in plan:
        shares = _shares(frame, base_row, base, len(compared)) if shared == "split" and len(compared) > 1 else None
        if not compared:
            reasons[len(rows)] = base
        for part, (i, k) in enumerate(compared or [(first, "none")]):
            made = frame.loc[i].drop(arms).to_dict()
            for b in _ARM:
                for side, (row, own) in {"1": (i, k), "2": (base_row, base)}.items():
                    made[f"{b}{side}"] = frame[f"{b}{own}"][row] if f"{b}{own}" in frame and compared else np.nan
                    said = table.unreported.get(f"{b}{own}")
                    unreported[f"{b}{side}"].append(bool(said is not None and said[row]))
            if shares is not None:
                made |= {f"{name}2": value for name, value in shares[part].items()}
                split.add(len(rows))
            elif len(compared) > 1:
                whole.append(len(rows))
            labels = [_label(frame, i, k), _label(frame, base_row, base)]
            made["treatment"] = labels[0] if labels[0] is not None else made.get("treatment")
            if pd.isna(made.get("comparator")) and isinstance(labels[1], str) and compared:
                made["comparator"] = labels[1].casefold().replace(" ", "_").replace("-", "_")
            made["arms"], made["comparator_arms"] = labels[0], labels[1]
            rows.append(made)
            origin.append(i)
            how.append(
                f"{table.how[i]}; the shared arm is split over {len(compared)} comparisons" if shares is not None else table.how[i]
            )
    result = OwnTable(
        pd.DataFrame(rows).dropna(axis=1, how="all").reindex(columns=list(dict.fromkeys(c for row in rows for c in row))),
        Place(table.place.labels[origin], table.place.letters, table.place.sheet),
        table.understood,
        table.name,
        {name: np.array(said, dtype=bool) for name, said in unreported.items()},
        table.left,
        table.notes,
        reasons,
        pd.Series(how, dtype=object),
        split=split,
    )
    words = [c for c in frame if pd.api.types.is_object_dtype(frame[c]) and c in result.frame]
    result.frame = result.frame.astype(dict.fromkeys(words, object))
    result.frame = result.frame.astype({f"{b}{side}": float for b in _ARM for side in "12"})
    for column in [c for c in result.frame if pd.api.types.is_object_dtype(result.frame[c])]:
        result.frame[column] = result.frame[column].where(result.frame[column].notna(), None)
    result.note_rows(
        sorted(split), "comparisons of one trial share an arm, whose participants are split over them (shared='split')"
    )
    result.note_rows(whole, "comparisons of one trial share an arm and are not independent; vcalc gives their covariance")
    return result


def _label(frame: pd.DataFrame, row: Any, arm: str) -> Any:
    if not arm:
        return frame["treatment"][row]
    label = frame[f"label{arm}"][row] if f"label{arm}" in frame else None
    return f"arm {arm}" if label is None else label


def _shares(frame: pd.DataFrame, row: Any, arm: str, parts: int) -> list[dict[str, float]]:
    """Split participants, events and person-time of an arm; whole numbers stay whole."""
    n, events, time = (frame[f"{b}{arm}"][row] if f"{b}{arm}" in frame else np.nan for b in ("n", "events", "time"))
    if pd.notna(n) and float(n).is_integer() and n >= parts and (pd.isna(events) or float(events).is_integer()):
        made = split_arm(int(n), parts, None if pd.isna(events) else int(events))
        return [{str(name): float(value) for name, value in one.items()} for one in made.to_dict("records")]
    given = {name: value for name, value in (("n", n), ("events", events), ("time", time)) if pd.notna(value)}
    return [{name: value / parts for name, value in given.items()}] * parts
