"""What differs between two versions of a table: which rows came, went or changed, and the cells that did.

Rows are the same row where they agree in what identifies a figure; where the address of a page or the name of an instrument was
mended, by what is left of that. A column that one side has nowhere filled is told once, not row by row.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

__all__ = ["Differences", "differences"]

_KEYS = {
    "trials": ["trial_id"],
    "arms": ["trial_id", "arm"],
    "results": ["trial_id", "arm", "outcome", "week", "timing", "statistic", "measure", "source_url", "locator"],
    "contrasts": [
        "trial_id",
        "arm",
        "comparator_arm",
        "outcome",
        "week",
        "timing",
        "effect_type",
        "measure",
        "source_url",
        "locator",
    ],
    "directions": ["trial_id", "comparator", "outcome", "week", "source_url"],
    "quality": ["trial_id", "tool", "domain", "source_url"],
    "design": ["trial_id", "arm", "field"],
    "indirect": ["trial_id", "kind"],
    "safety": ["study_id", "event", "denominator", "source_url", "locator"],
    "reference_syntheses": ["synthesis_id", "condition", "comparator", "outcome", "timing", "effect_measure", "locator"],
    "thresholds": ["condition", "outcome", "comparison", "measure", "unit", "source_url", "locator"],
}
# What may be mended without the row becoming another: left out of the key in turn, from the end.
_MENDED = ("locator", "source_url", "measure")
_COUNTED = ["table", "old", "new", "came", "went", "changed", "same"]
_LISTED = ["table", "change", "row", "condition", "trial_id", "column", "old", "new", "line_old", "line_new"]


@dataclass(frozen=True, slots=True, eq=False)
class Differences:
    """What differs between two sets of tables.

    Attributes
    ----------
    counts : DataFrame
        One row a table: rows ``old`` and ``new``, of which ``came``, ``went``, ``changed`` and stayed the ``same``.
    cells : DataFrame
        One row a row that came or went, and one a changed cell: ``table change row condition trial_id column old new line_old
        line_new``; ``row`` says which in words, the lines are those of the files (the header is line 1).
    filled : DataFrame
        Columns that only one side has filled at all: ``table column old new``, the numbers of filled cells.
    """

    counts: pd.DataFrame
    cells: pd.DataFrame
    filled: pd.DataFrame


def differences(old: Mapping[str, pd.DataFrame], new: Mapping[str, pd.DataFrame], *, leave: Iterable[str] = ()) -> Differences:
    """Return what differs between two sets of tables.

    Parameters
    ----------
    old, new : mapping of str to DataFrame
        Tables by name, as ``Evidence.tables()`` gives them.
    leave : iterable of str
        Columns that are not compared.

    Returns
    -------
    Differences
        Which rows came, went and changed, table by table.

    Examples
    --------
    >>> import pandas as pd
    >>> before = pd.DataFrame({"trial_id": ["a2001", "b2002"], "condition": "neck_pain", "n_randomized": [40, 60]})
    >>> after = pd.DataFrame({"trial_id": ["b2002", "c2003"], "condition": "neck_pain", "n_randomized": [62, 80]})
    >>> differences({"trials": before}, {"trials": after}).cells[["change", "trial_id", "column", "old", "new"]].values.tolist()
    [['went', 'a2001', '', '', ''], ['came', 'c2003', '', '', ''], ['changed', 'b2002', 'n_randomized', '60', '62']]
    """
    counts, cells, filled, left = [], [], [], set(leave)
    for name in new:
        before, after = _text(old[name]), _text(new[name])
        columns = [c for c in after if c in before and c not in left]
        some = pd.DataFrame({"old": (before[columns] != "").sum(), "new": (after[columns] != "").sum()})
        alone = some[(some.min(axis=1) == 0) & (some.max(axis=1) > 0)] if len(before) and len(after) else some.iloc[:0]
        filled += [(name, column, int(row.old), int(row.new)) for column, row in zip(alone.index, alone.itertuples(), strict=True)]
        compared = [c for c in columns if c not in alone.index]
        pairs = _pairs(before, after, compared, [c for c in _KEYS[name] if c in compared])
        went, came = before.index.difference(pairs["old"]), after.index.difference(pairs["new"])
        was, now = before.loc[pairs["old"], compared].to_numpy(), after.loc[pairs["new"], compared].to_numpy()
        unlike = was != now
        changed = int(unlike.any(axis=1).sum())
        counts.append((name, len(before), len(after), len(came), len(went), changed, len(pairs) - changed))
        for change, table, gone in (("went", before, went), ("came", after, came)):
            lines = [("", line + 2) if change == "came" else (line + 2, "") for line in gone.astype(int)]
            for line, row in zip(lines, table.loc[gone].to_dict("records"), strict=True):
                cells.append(
                    (name, change, _named(row, name), row.get("condition", ""), row.get("trial_id", ""), "", "", "", *line)
                )
        rows = after.loc[pairs["new"]].to_dict("records")
        for i, j in zip(*np.nonzero(unlike), strict=True):
            told = (_named(rows[i], name), rows[i].get("condition", ""), rows[i].get("trial_id", ""))
            at = (pairs["old"].iloc[i] + 2, pairs["new"].iloc[i] + 2)
            cells.append((name, "changed", *told, compared[j], was[i, j], now[i, j], *at))
    return Differences(
        pd.DataFrame(counts, columns=_COUNTED),
        pd.DataFrame(cells, columns=_LISTED),
        pd.DataFrame(filled, columns=["table", "column", "old", "new"]),
    )


def _pairs(before: pd.DataFrame, after: pd.DataFrame, compared: list[str], key: list[str]) -> pd.DataFrame:
    """Return which row is which, by the whole row, by its key, and by what of the key is not mended."""
    loose = [[c for c in key if c not in _MENDED[: i + 1]] for i in range(len(_MENDED))]
    found = [pd.DataFrame({"old": [], "new": []}, dtype=int)]
    for columns, once in ((compared, False), (key, False), *((part, True) for part in loose)):
        a, b = (t.drop(index=[i for one in found for i in one[side]]) for t, side in ((before, "old"), (after, "new")))
        if a.empty or b.empty or not columns:
            continue
        keys = [pd.Series(list(map(tuple, t[columns].to_numpy())), index=t.index) for t in (a, b)]
        if once:  # without its page or instrument a row is told by what is left only where that is its own
            keys = [one[~one.duplicated(keep=False)] for one in keys]
        sides = [
            pd.DataFrame({"key": one, "place": one.groupby(one).cumcount(), side: one.index})
            for one, side in zip(keys, ("old", "new"), strict=True)
        ]
        found.append(sides[0].merge(sides[1], on=["key", "place"])[["old", "new"]])
    return pd.concat(found, ignore_index=True).sort_values("new", ignore_index=True)


def _named(row: Mapping[str, str], table: str) -> str:
    """Return which row it is, in words."""
    parts = [row[c] for c in _KEYS[table] if c not in ("source_url", "locator", "condition") and row.get(c, "")]
    return ", ".join(parts)


def _text(table: pd.DataFrame) -> pd.DataFrame:
    """Return a table as text, a missing cell empty; numbers as they are written, whatever their type."""
    return pd.DataFrame({name: _cells(table[name]) for name in table}, index=table.index, dtype=object)


def _cells(column: pd.Series) -> list[str]:
    numbers = pd.api.types.is_numeric_dtype(column)
    return ["" if pd.isna(cell) else f"{float(cell):.12g}" if numbers else str(cell) for cell in column]
