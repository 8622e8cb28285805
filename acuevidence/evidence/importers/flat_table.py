"""What a flat table of trials is: its column names, its numbers, and what cannot be in it.

Every importer of reviews ends here, so that all of them give the same columns and refuse the same faults in the same words.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from acuevidence.errors import InputError
from acuevidence.inputs import refuse

__all__ = ["FAMILIES", "NOTHING", "NUMBERS", "WORDS", "checked", "numbers", "unguarded"]

FAMILIES = {
    "means": ("mean1", "sd1", "n1", "mean2", "sd2", "n2"),
    "counts": ("events1", "n1", "events2", "n2"),
    "effects": ("yi", "se"),
}
WORDS = ("study", "comparison", "comparator", "outcome", "subgroup", "measure", "treatment")
NUMBERS = ("year", "mean1", "sd1", "n1", "mean2", "sd2", "n2", "events1", "events2", "yi", "se")
_GUARD = re.compile(r"^'(?='*[=+\-@\t\r])")
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
NOTHING = ("", "NA", "N/A", "NAN", "#N/A")


def unguarded(text: str) -> str:
    """Return text without the apostrophe that keeps a spreadsheet from running it as a formula."""
    return _GUARD.sub("", text)


def numbers(cells: Sequence[Any], column: str, lines: pd.Index, source: str, *, decimal: str = ".") -> np.ndarray:
    """Turn cells into numbers; empty ones and NA are missing, anything else that is no number is an error.

    Parameters
    ----------
    cells : sequence
        Text or numbers.
    column : str
        Name of the column in the file.
    lines : Index
        Where each cell stands in the file.
    source : str
        Name of the file.
    decimal : str
        Decimal mark of text.

    Returns
    -------
    ndarray
        Floats, NaN where missing.
    """
    given = pd.Series(list(cells), index=lines, dtype=object)
    text = given.map(lambda cell: "" if cell is None or cell is pd.NA else str(cell).strip().replace("\u2212", "-"))
    text = text.map(unguarded)
    if decimal != ".":
        text = text.str.replace(decimal, ".", regex=False)
    empty = text.str.upper().isin(NOTHING)
    found = np.array([float(cell) if _NUMBER.fullmatch(cell) else np.nan for cell in text])
    wrong = ~np.isfinite(found) & ~empty.to_numpy()
    if wrong.any() and decimal == "." and text[wrong].str.fullmatch(r"-?\d+,\d+").all():
        raise InputError(f"{source}: {column} has decimal commas, as in row {lines[wrong][0]}; give decimal=','")
    refuse(wrong, f"{source}: {column} must be a number, or empty where missing", given.to_numpy(), lines)
    return found


def checked(table: pd.DataFrame, lines: pd.Index, source: str) -> pd.DataFrame:
    """Refuse what no trial can have, row by row, and return the table with its columns in order.

    Parameters
    ----------
    table : DataFrame
        Columns named as in ``WORDS`` and ``NUMBERS``, and others.
    lines : Index
        Where each row stands in the file.
    source : str
        Name of the file.

    Returns
    -------
    DataFrame
        The columns of the flat table that hold anything, then the others; ``attrs["source"]`` is the file's name.
    """
    if table.empty:
        raise InputError(f"{source} has no row of trials")
    names = table["study"].astype(object)
    refuse((names.isna() | (names.astype(str).str.strip() == "")).to_numpy(), f"{source}: study is missing", names, lines)
    _ranges(table, lines, source)
    known = [c for c in (*WORDS, *NUMBERS) if c in table and (c == "study" or table[c].notna().any())]
    others = [c for c in table.columns if c not in (*WORDS, *NUMBERS)]
    if not any(set(family) <= set(known) for family in FAMILIES.values()):
        wanted = "; or ".join(" ".join(family) for family in FAMILIES.values())
        raise InputError(f"{source} has no complete set of figures (found: {', '.join(known)}; needed: {wanted})")
    result = table[known + others].set_axis(lines)
    result.attrs["source"] = source
    return result


def _ranges(table: pd.DataFrame, lines: pd.Index, source: str) -> None:
    floats = {c: table[c].to_numpy(dtype=float, na_value=np.nan) for c in NUMBERS if c in table}
    for column in ("sd1", "sd2", "events1", "events2"):
        if column in floats:
            refuse(floats[column] < 0, f"{source}: {column} must not be negative", floats[column], lines)
    for column in ("n1", "n2"):
        if column in floats:
            refuse(floats[column] < 1, f"{source}: {column} must be 1 or more", floats[column], lines)
    for side in "12":
        if f"events{side}" in floats and f"n{side}" in floats:
            events, n = floats[f"events{side}"], floats[f"n{side}"]
            refuse(events > n, f"{source}: events{side} must not exceed n{side}", events, lines)
    if "se" in floats:
        refuse(floats["se"] <= 0, f"{source}: se must be positive", floats["se"], lines)
    if "year" in floats:
        year = floats["year"]
        wrong = (year < 1800) | (year > 2200) | (year % 1 > 0)
        refuse(wrong, f"{source}: year must be a whole number between 1800 and 2200", year, lines)
