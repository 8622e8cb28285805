"""Delimited text as rows of text cells, each with the line it stands on."""

from __future__ import annotations

import codecs
import csv
import io
import re
from typing import Any

import pandas as pd

from acuevidence.errors import InputError

__all__ = ["read_rows"]

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
