"""Delimited text and worksheets as rows of text cells, each with the line it stands on."""

from __future__ import annotations

import codecs
import csv
import io
import re
import zipfile
from typing import Any

import pandas as pd

from acuevidence.errors import InputError, MissingExtraError
from acuevidence.evidence.importers.files import check_archive
from acuevidence.inputs import choice

__all__ = ["read_rows", "read_sheet"]

_ROWS = 1_000_000
_SEPARATOR = re.compile(r"sep=(.)\r?\n", re.IGNORECASE)


def read_rows(data: bytes, name: str, *, encoding: str = "utf-8-sig", delimiter: str | None = None) -> pd.DataFrame:
    """Return the rows of delimited text as a frame of text, indexed by their line (the header is line 1).

    Parameters
    ----------
    data : bytes
        The file.
    name : str
        What to call it in a message.
    encoding : str
        How characters are written; a byte order mark of UTF-16 says so itself.
    delimiter : str, optional
        Default: the one that Excel's first line ``sep=`` names, else the one among comma, semicolon and tab that the header has
        most of.

    Returns
    -------
    DataFrame
        Text cells.

    Raises
    ------
    InputError
        For text in another encoding, a header with empty or repeated names, and lines with more or fewer cells.
    """
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        encoding = "utf-16"
    try:
        text = data.decode(encoding)
    except (UnicodeDecodeError, LookupError) as error:
        raise InputError(f"{name} is not {encoding} text: {error}; give encoding= (often 'cp1252')") from error
    said = _SEPARATOR.match(text)
    text = text[said.end() :] if said else text
    first = text.lstrip("\r\n").partition("\n")[0]
    mark = delimiter or (said[1] if said else max(",;\t", key=first.count))
    rows: list[list[str]] = []
    lines: list[int] = []
    try:
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=mark, strict=True)
        for row in reader:
            if any(cell.strip() for cell in row):
                rows.append(row)
                lines.append(reader.line_num + bool(said))
    except (csv.Error, TypeError, ValueError) as error:
        raise InputError(f"{name} cannot be read as delimited text: {error}") from error
    return _frame(rows, lines, name)


def read_sheet(data: bytes, name: str, sheet: str | None) -> pd.DataFrame:
    """Return the rows of an Excel worksheet, indexed by their row; a formula without a stored value is an error."""
    try:
        import openpyxl
    except ImportError as error:
        raise MissingExtraError(name, "openpyxl", "excel") from error
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            check_archive(archive, name)
        stored = openpyxl.load_workbook(io.BytesIO(data), read_only=True, data_only=True)
        written = openpyxl.load_workbook(io.BytesIO(data), read_only=True)
        chosen = stored.sheetnames[0] if sheet is None else choice("sheet", sheet, list(stored.sheetnames))
        rows, lines = [], []
        both = zip(stored[chosen].iter_rows(max_row=_ROWS), written[chosen].iter_rows(max_row=_ROWS), strict=True)
        for line, (cells, formulas) in enumerate(both, start=1):
            row = [_cell(a.value, b.value, name, chosen, b) for a, b in zip(cells, formulas, strict=True)]
            if any(str(cell).strip() for cell in row):
                rows.append(row)
                lines.append(line)
    except InputError:
        raise
    except (
        Exception
    ) as error:  # openpyxl raises what its parsers raise: KeyError, TypeError, ParseError, BadZipFile ...
        raise InputError(f"{name} cannot be read as an Excel workbook (.xlsx): {error!r}") from error
    width = max((len([c for c in row if str(c).strip()]) and _filled(row) for row in rows), default=0)
    return _frame([(row + [""] * width)[:width] for row in rows], lines, name)


def _cell(value: Any, formula: Any, name: str, sheet: str, cell: Any) -> Any:
    if value is None and isinstance(formula, str) and formula.startswith("="):
        raise InputError(
            f"{name}: cell {sheet}!{cell.coordinate} is a formula without a stored value; save the file in Excel, or paste values"
        )
    return "" if value is None else value


def _filled(row: list[Any]) -> int:
    return max(i + 1 for i, cell in enumerate(row) if str(cell).strip())


def _frame(rows: list[list[Any]], lines: list[int], name: str) -> pd.DataFrame:
    if not rows:
        raise InputError(f"{name} is empty")
    header = [str(cell).strip() for cell in rows[0]]
    for i, column in enumerate(header):
        if not column:
            raise InputError(f"{name}: column {i + 1} has no name in the header")
        if column in header[:i]:
            raise InputError(f"{name}: two columns are named {column!r}; rename one")
    for row, line in zip(rows[1:], lines[1:], strict=True):
        if len(row) != len(header):
            raise InputError(f"{name}: line {line} has {len(row)} cells, the header has {len(header)}")
    return pd.DataFrame(rows[1:], columns=header, index=pd.Index(lines[1:]), dtype=object)
