"""Cells as people type them: decimal commas, thousands, "not reported", dates that a spreadsheet made of numbers.

Knows numbers and the file's own rows and headings. Must not know what the figures mean, but for which of them are whole.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping
from numbers import Number
from typing import Any

import numpy as np
import pandas as pd

from acuevidence.errors import InputError
from acuevidence.evidence.importers.flat_table import NOTHING, unguarded

__all__ = ["Place", "decimal_mark", "figures", "is_blank", "is_not_reported", "looks_numeric", "own_column", "text_of"]

_NOT_REPORTED = {
    "nr",
    "n.r.",
    "n.r",
    "n/r",
    "not reported",
    "not stated",
    "not available",
    "missing",
    "unknown",
    "-",
    "--",
    "–",
    "—",
    ".",
    "?",
}
_SPACES = re.compile(r"(?<=\d)[\u00a0\u2009\u202f '’](?=\d{3}(?!\d))")
_TAIL = r"(?:[eE][+-]?\d+)?"
_SHAPES = {
    "whole": re.compile(r"[+-]?\d+" + _TAIL, re.ASCII),
    "point?": re.compile(r"[+-]?[1-9]\d{0,2}\.\d{3}", re.ASCII),
    "comma?": re.compile(r"[+-]?[1-9]\d{0,2},\d{3}", re.ASCII),
    "point": re.compile(r"[+-]?(?:\d+\.\d*|\.\d+|\d{1,3}(?:,\d{3})+\.\d+|\d{1,3}(?:,\d{3}){2,})" + _TAIL, re.ASCII),
    "comma": re.compile(r"[+-]?(?:\d+,\d*|,\d+|\d{1,3}(?:\.\d{3})+,\d+|\d{1,3}(?:\.\d{3}){2,})" + _TAIL, re.ASCII),
}
_THOUSANDS = {
    ".": re.compile(r"[+-]?\d{1,3}(?:,\d{3})+(?:\.\d*)?", re.ASCII),
    ",": re.compile(r"[+-]?\d{1,3}(?:\.\d{3})+(?:,\d*)?", re.ASCII),
}
_LARGEST = 1e100  # squares of larger numbers are infinite
_MEANT = "; leave it empty, or write NR, where it is not reported"


class Place:
    """How the rows and columns of one table are called in a message.

    Parameters
    ----------
    labels : Index
        The user's own count of rows.
    letters : mapping, optional
        Column letters of a worksheet by heading; cells are then named as a spreadsheet names them.
    sheet : str
        Name of the worksheet.
    """

    def __init__(self, labels: pd.Index, letters: Mapping[str, str] | None = None, sheet: str = "") -> None:
        self.labels, self.letters, self.sheet = labels, letters or {}, sheet

    def row(self, i: int) -> str:
        """Return how the user counts a row."""
        label = self.labels[i]
        return repr(label.item() if isinstance(label, np.generic) and not isinstance(label, np.datetime64) else label)

    def cell(self, i: int, heading: str) -> str:
        """Return a row, and the cell of a worksheet."""
        if heading in self.letters:
            return f"row {self.row(i)} (cell {self.sheet}!{self.letters[heading]}{self.row(i)})"
        return f"row {self.row(i)}"


def text_of(cell: Any) -> str:
    """Return a cell as trimmed text; nothing for what is missing."""
    if cell is None or cell is pd.NA or cell is pd.NaT or (isinstance(cell, float) and np.isnan(cell)):
        return ""
    return unguarded(str(cell).strip()).strip()


def is_blank(cell: Any) -> bool:
    """Whether nothing stands in a cell."""
    return text_of(cell).upper() in NOTHING


def is_not_reported(cell: Any) -> bool:
    """Whether a cell says that a figure is not reported."""
    return text_of(cell).casefold() in _NOT_REPORTED


def looks_numeric(cells: list[Any]) -> bool:
    """Whether a column may hold figures: some cell is a number, or all are empty."""
    said = [cell for cell in cells if not is_blank(cell) and not is_not_reported(cell)]
    return not said or any(_is_number(cell) or _starts_as_number(cell) for cell in said)


def _is_number(cell: Any) -> bool:
    return isinstance(cell, Number) and not isinstance(cell, (bool, np.bool_, complex))


def _starts_as_number(cell: Any) -> bool:
    """Whether a cell holds one number, with what people add to it (12*, <0.05, 45%); a date, an interval or a name does not."""
    if not isinstance(cell, str):
        return isinstance(cell, (bool, np.bool_, dt.date))
    bare = re.sub(r"^[<>≤≥~=]\s*|\s*[%*†‡a-c]$", "", _plain(cell))
    return bool(_shape(bare))


def _plain(cell: Any) -> str:
    return _SPACES.sub("", text_of(cell).replace("\u2212", "-"))


def _shape(text: str) -> str:
    return next((name for name, pattern in _SHAPES.items() if pattern.fullmatch(text)), "")


def decimal_mark(
    columns: Mapping[str, list[Any]], whole: set[str], place: Place, given: str | None, delimiter: str | None
) -> str | None:
    """Return the decimal mark of a table's text, from all its figures together.

    Parameters
    ----------
    columns : mapping
        Cells of each column of figures.
    whole : set of str
        Those that hold whole numbers.
    place : Place
        Names of rows.
    given : str, optional
        What the user says.
    delimiter : str, optional
        What parts the cells of a text file.

    Returns
    -------
    str or None
        ``"."`` or ``","``; None where the user said nothing and nothing in the table needed a decision.

    Raises
    ------
    InputError
        Where both marks stand in one table, or a number can be read in two ways.
    """
    if given is not None:
        return given
    seen: dict[str, tuple[int, str, str]] = {}
    for heading, cells in columns.items():
        for i, cell in enumerate(cells):
            if isinstance(cell, str) and (shape := _shape(_plain(cell))) and shape != "whole":
                if shape == "point?" and heading in whole:
                    shape = "thousands?"
                seen.setdefault(shape, (i, heading, text_of(cell)))
    if "point" in seen and "comma" in seen:
        (i, one, a), (j, other, b) = seen["point"], seen["comma"]
        raise InputError(
            f"decimal points and commas in one table: {one!r} has {a!r} in {place.cell(i, one)}, {other!r} has {b!r} in "
            f"{place.cell(j, other)}; write them one way, or give decimal="
        )
    if "comma" in seen:
        return ","
    doubtful = seen.get("thousands?") or (None if "point" in seen else seen.get("comma?"))
    if doubtful is None and delimiter == ";" and "point" not in seen:
        doubtful = seen.get("point?")  # where cells are parted by semicolons, a point may part thousands
    if doubtful is not None:
        i, heading, text = doubtful
        raise InputError(_two_readings(heading, text, place.cell(i, heading)))
    return "." if seen else None


def _two_readings(heading: str, text: str, where: str) -> str:
    whole, part = re.sub("[.,]", "", text), text.replace(",", ".")
    small, large = (".", ",") if "." in text else (",", ".")
    return (
        f"{heading!r} has {text!r} in {where}, which is {whole} or {part}; say which with decimal={small!r} ({part}) or "
        f"decimal={large!r} ({whole})"
    )


def figures(cells: list[Any], heading: str, name: str, place: Place, *, decimal: str | None, whole: bool, said: bool) -> np.ndarray:
    """Turn a column of cells into numbers; empty ones and "NR" are missing, anything else that is no number is an error.

    Parameters
    ----------
    cells : list
        Text, numbers, or what a spreadsheet makes of them.
    heading : str
        The column in the file.
    name : str
        What to call the column in a message.
    place : Place
        Names of rows.
    decimal : str, optional
        Decimal mark of text.
    whole : bool
        The column holds whole numbers.
    said : bool
        The user gave the decimal mark, so that nothing is in doubt.

    Returns
    -------
    ndarray
        Floats, NaN where missing.

    Raises
    ------
    InputError
        For cells that are no numbers, dates, booleans, infinite numbers, and whole numbers that may be thousands.
    """
    found = np.full(len(cells), np.nan)
    wrong: list[tuple[int, str]] = []
    for i, cell in enumerate(cells):
        if is_blank(cell) or is_not_reported(cell):
            continue
        if isinstance(cell, (bool, np.bool_)):
            wrong.append((i, f"the truth value {str(cell).upper()}"))
        elif isinstance(cell, (dt.date, dt.time, dt.timedelta, np.datetime64, np.timedelta64)):
            wrong.append((i, f"the date {cell}; type the number into a cell of format Text or General"))
        elif _is_number(cell):
            found[i] = _float(cell)
        else:
            value = _parsed(_plain(cell), decimal or ".")
            if value is None:
                wrong.append((i, repr(text_of(cell)) + _hint(_plain(cell))))
            else:
                found[i] = value
        if whole and not said and np.isfinite(found[i]) and _may_be_thousands(cell, found[i]):
            raise InputError(_two_readings(name, f"{found[i]:.3f}", place.cell(i, heading)))
    if wrong:
        shown = ", ".join(f"{place.cell(i, heading)} has {what}" for i, what in wrong[:5])
        more = f" and {len(wrong) - 5} more" if len(wrong) > 5 else ""
        raise InputError(f"{name} must be a number: {shown}{more}{_MEANT}")
    for i in map(int, np.flatnonzero(np.abs(found) > _LARGEST)):
        raise InputError(f"{name} must be finite, and below {_LARGEST:g}: {place.cell(i, heading)} has {text_of(cells[i])[:40]!r}")
    return found


def _float(cell: Any) -> float:
    try:
        return float(cell)
    except (OverflowError, ValueError, TypeError):
        return np.inf


def _parsed(text: str, decimal: str) -> float | None:
    if _THOUSANDS[decimal].fullmatch(text):
        text = text.replace("," if decimal == "." else ".", "")
    if decimal == ",":
        if "." in text:
            return None
        text = text.replace(",", ".")
    if "," in text or not (_SHAPES["whole"].fullmatch(text) or _SHAPES["point"].fullmatch(text)):
        return None
    return float(text)


def _hint(text: str) -> str:
    if re.fullmatch(r"[\d.,]+\s*[(\[±].*", text):
        return " (two figures in one cell; give each a column)"
    if text.endswith("%"):
        return " (a percentage; give the number of people)"
    if text[:1] in "<>≤≥":
        return " (a bound, not a number)"
    return ""


def _may_be_thousands(cell: Any, value: float) -> bool:
    """Whether a number of people has exactly three decimals, as 12.345 has where a point parts thousands."""
    return 1 <= value < 1000 and not value.is_integer() and round(value, 3) == value and round(value, 2) != value


def own_column(cells: list[Any], decimal: str | None) -> list[Any]:
    """Return the cells of a column that is the user's own: numbers where every cell is one, else as they are."""
    tidy = [None if is_blank(cell) else unguarded(cell) if isinstance(cell, str) else cell for cell in cells]
    numbers = [
        None
        if cell is None
        else cell
        if _is_number(cell)
        else _parsed(_plain(cell), decimal or ".")
        if isinstance(cell, str)
        else None
        for cell in tidy
    ]
    every = all((n is None) == (c is None) for n, c in zip(numbers, tidy, strict=True))
    return numbers if every and any(n is not None for n in numbers) else tidy
