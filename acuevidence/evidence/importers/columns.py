"""Tables of strangers as cells: delimited text, workbooks, and frames of pandas, polars and pyarrow, each with its own count of rows.

Finds the line of headings and what parts the cells. Must not know what the figures mean.
"""

from __future__ import annotations

import codecs
import csv
import io
import re
import zipfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from acuevidence.errors import InputError, MissingExtraError
from acuevidence.evidence.importers.cells import Place, text_of
from acuevidence.evidence.importers.files import check_archive, read_source
from acuevidence.evidence.importers.headings import is_known
from acuevidence.inputs import choice

__all__ = ["Grid", "read_grid"]

_ROWS = 1_000_000
_TOP = 30  # lines among which the headings are looked for
_MARKS = {codecs.BOM_UTF8: "utf-8-sig", codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}
_SEP = re.compile(r'^"?sep=(.)"?\s*$', re.IGNORECASE)


@dataclass(frozen=True)
class Grid:
    """A table as it stands: cells by heading, with names for its rows.

    Attributes
    ----------
    cells : dict of str to list
        Each column.
    place : Place
        How its rows and cells are called.
    name : str
        The file; empty for a frame.
    delimiter : str or None
        What parts the cells of a text file.
    frame : DataFrame or None
        The frame that was given; its other columns keep their types.
    """

    cells: dict[str, list[Any]]
    place: Place
    name: str = ""
    delimiter: str | None = None
    frame: pd.DataFrame | None = None


def read_grid(
    source: Any,
    *,
    sheet: str | int | None = None,
    encoding: str | None = None,
    delimiter: str | None = None,
    wanted: Iterable[str] = (),
) -> Grid:
    """Read a table from whatever holds it.

    Parameters
    ----------
    source : path, file object, frame or mapping
        Delimited text or a workbook; a frame of pandas, polars or pyarrow; or columns by name.
    sheet : str or int, optional
        Worksheet of a workbook, by name or by number from 0. Default: the first.
    encoding : str, optional
        How characters are written in text. Default: UTF-8, or what the file's first bytes say.
    delimiter : str, optional
        What parts cells in text. Default: what gives the most headings.
    wanted : iterable of str
        Headings that the user names.

    Returns
    -------
    Grid
        Cells of text, or typed as the workbook or frame has them.

    Raises
    ------
    InputError
        For what cannot be read, headings that are absent or stand twice, and lines of unequal length.
    """
    if (columns := _columns_of(source)) is not None:
        return columns
    data, name = read_source(source)
    if data[:2] == b"PK":
        return _workbook(data, name, sheet, set(wanted))
    if data[:4] == b"\xd0\xcf\x11\xe0":
        raise InputError(f"{name} is an old Excel file (.xls) or locked; save it as .xlsx without a password")
    if sheet is not None:
        raise InputError(f"{name} is text, which has no sheets; leave out sheet={sheet!r}")
    return _text(data, name, encoding, delimiter, set(wanted))


# --- frames ------------------------------------------------------------------------------------------------------


def _columns_of(source: Any) -> Grid | None:
    """Return a frame's columns and index, or None where the source is no frame."""
    if isinstance(source, pd.DataFrame):
        if source.columns.nlevels > 1:
            raise InputError("the frame has headings in several levels; give each column one name")
        headings = _headings([str(c) for c in source.columns], "the frame")
        cells = {heading: list(source.iloc[:, i].astype(object)) for i, heading in enumerate(headings)}
        return Grid(cells, Place(source.index), frame=source.set_axis(headings, axis=1))
    kind = type(source).__module__.partition(".")[0]
    if kind == "polars" and hasattr(source, "collect"):
        source = source.collect()
    if kind == "polars" and hasattr(source, "get_columns"):
        source = {str(column.name): column.to_list() for column in source.get_columns()}
    elif kind == "pyarrow" and hasattr(source, "to_pydict"):
        headings = _headings([str(c) for c in source.schema.names], "the table")
        source = {heading: source.column(i).to_pylist() for i, heading in enumerate(headings)}
    if not isinstance(source, Mapping):
        if not isinstance(source, str) and not hasattr(source, "read") and not hasattr(source, "__fspath__"):
            raise InputError(
                f"a table is a path, an open file, a frame (pandas, polars, pyarrow) or a dict of columns, not {type(source).__name__}"
            )
        return None
    try:
        frame = pd.DataFrame({str(key): value for key, value in source.items()})
    except (ValueError, TypeError) as error:
        raise InputError(f"the columns of the dict do not make a table: {error}") from error
    return _columns_of(frame)


def _headings(names: list[str], where: str) -> list[str]:
    names = [name.strip().lstrip("\ufeff") for name in names]
    for i, column in enumerate(names):
        if not column:
            raise InputError(f"{where}: column {i + 1} has no name in the header")
        if column in names[:i]:
            raise InputError(f"{where}: two columns are named {column!r}; rename one")
    return names


# --- text --------------------------------------------------------------------------------------------------------


def _text(data: bytes, name: str, encoding: str | None, delimiter: str | None, wanted: set[str]) -> Grid:
    text = _decoded(data, name, encoding)
    first, _, _ = text.lstrip("\r\n").partition("\n")
    marks = [delimiter] if delimiter else [said[1]] if (said := _SEP.match(first)) else list(",;\t|")
    tables: list[tuple[int, int, str, list[tuple[int, list[str]]]]] = []
    problem: Exception | None = None
    for mark in marks:
        try:
            rows = _rows(text, mark)
        except (csv.Error, TypeError, ValueError) as error:
            problem = problem or error
            continue
        score, width, _ = _header(rows, wanted)
        tables.append((score, width, mark, rows))
    if not tables:
        raise InputError(f"{name} cannot be read as delimited text: {problem}")
    _, _, mark, rows = max(tables, key=lambda table: table[:2])
    return _grid(rows, name, wanted, delimiter=mark)


def _decoded(data: bytes, name: str, encoding: str | None) -> str:
    if encoding is None:
        encoding = next((known for mark, known in _MARKS.items() if data.startswith(mark)), None)
        if encoding is None:  # without a mark, characters of two bytes show as every second byte empty
            start, many = data[:200], len(data[:200]) / 3
            encoding = "utf-16-le" if start[1::2].count(0) > many else "utf-16-be" if start[::2].count(0) > many else "utf-8"
    try:
        return data.decode(encoding).lstrip("\ufeff")
    except (UnicodeError, LookupError, TypeError) as error:
        raise InputError(f"{name} is not {encoding} text: {error}; give encoding= (often 'cp1252')") from error


def _rows(text: str, mark: str) -> list[tuple[int, list[str]]]:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=mark, strict=True)
    rows = [(reader.line_num, row) for row in reader if any(cell.strip() for cell in row)]
    return rows[1:] if rows and _SEP.match(mark.join(rows[0][1])) else rows


# --- workbooks ---------------------------------------------------------------------------------------------------


def _workbook(data: bytes, name: str, sheet: str | int | None, wanted: set[str]) -> Grid:
    """Read a worksheet; a formula without a stored value is an error."""
    try:
        import openpyxl
        from openpyxl.utils import get_column_letter
    except ImportError as error:
        raise MissingExtraError(name, "openpyxl", "excel") from error
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            check_archive(archive, name)
        stored = openpyxl.load_workbook(io.BytesIO(data), read_only=True, data_only=True)
        written = openpyxl.load_workbook(io.BytesIO(data), read_only=True)
        chosen = _chosen(sheet, list(stored.sheetnames), name)
        rows: list[tuple[int, list[Any]]] = []
        both = zip(stored[chosen].iter_rows(max_row=_ROWS), written[chosen].iter_rows(max_row=_ROWS), strict=True)
        for line, (cells, formulas) in enumerate(both, start=1):
            row = [_cell(a.value, b.value, name, chosen, b) for a, b in zip(cells, formulas, strict=True)]
            if any(text_of(cell) for cell in row):
                rows.append((line, row))
    except InputError:
        raise
    except Exception as error:  # openpyxl raises what its parsers raise: KeyError, TypeError, ParseError, BadZipFile ...
        raise InputError(f"{name} cannot be read as an Excel workbook (.xlsx): {error!r}") from error
    others = [other for other in stored.sheetnames if other != chosen]
    try:
        return _grid(rows, name, wanted, sheet=chosen, letter=get_column_letter)
    except InputError as error:
        more = f"; the file has other sheets: {', '.join(map(repr, others))} (sheet=)" if others and sheet is None else ""
        raise InputError(f"{error}{more}") from None


def _chosen(sheet: str | int | None, names: list[str], name: str) -> str:
    if not names:
        raise InputError(f"{name} has no worksheet")
    if isinstance(sheet, int) and not isinstance(sheet, bool):
        if not 0 <= sheet < len(names):
            raise InputError(f"{name} has {len(names)} sheets, counted from 0; there is no sheet={sheet}")
        return names[sheet]
    return names[0] if sheet is None else choice("sheet", sheet, names)


def _cell(value: Any, formula: Any, name: str, sheet: str, cell: Any) -> Any:
    if value is None and isinstance(formula, str) and formula.startswith("="):
        raise InputError(
            f"{name}: cell {sheet}!{cell.coordinate} is a formula without a stored value; save the file in Excel, or paste values"
        )
    return "" if value is None else value


# --- headings ----------------------------------------------------------------------------------------------------


def _header(rows: list[tuple[int, list[Any]]], wanted: set[str]) -> tuple[int, int, int]:
    """Return how many headings the best line has, how many cells, and which line it is: titles and empty lines may stand above."""
    best = (0, 0, 0)
    for i, (_, row) in enumerate(rows[:_TOP]):
        said = [text_of(cell) for cell in row if text_of(cell)]
        score = sum(2 if cell in wanted else is_known(cell) for cell in said)
        if score > best[0] or (i == 0 and not best[0]):
            best = (score, len(said), i)
    return best


def _grid(
    rows: list[tuple[int, list[Any]]],
    name: str,
    wanted: set[str],
    *,
    delimiter: str | None = None,
    sheet: str = "",
    letter: Any = None,
) -> Grid:
    if not rows:
        raise InputError(f"{name} is empty")
    _, _, at = _header(rows, wanted)
    head = [text_of(cell) for cell in rows[at][1]]
    if at > 0 and len({h for h in head if h}) < len([h for h in head if h]):
        head = _under_groups(head, [text_of(cell) for cell in rows[at - 1][1]])
    width = max((i + 1 for i, cell in enumerate(head) if cell), default=0)
    body = []
    for line, row in rows[at + 1 :]:
        filled = max((i + 1 for i, cell in enumerate(row) if text_of(cell)), default=0)
        if (filled > width and filled > len(head)) or (delimiter and len(row) < width):
            raise InputError(f"{name}: line {line} has {max(filled, len(row))} cells, the header has {width}")
        body.append((line, [*row, *[""] * len(head)][: max(width, filled)]))
    width = max([width, *(len(row) for _, row in body)])
    head = [*head, *[""] * width][:width]
    columns = [[row[i] if i < len(row) else "" for _, row in body] for i in range(width)]
    kept = [i for i in range(width) if head[i] or any(text_of(cell) for cell in columns[i])]
    if kept and not head[kept[0]] and _counts_rows(columns[kept[0]]):
        kept = kept[1:]  # the row numbers that pandas and R write
    if (nameless := next((i for i in kept if not head[i]), None)) is not None:
        raise InputError(f"{name}: column {letter(nameless + 1) if letter else nameless + 1} has no name in the header")
    names = _headings([head[i] for i in kept], name) if kept else []
    letters = {column: letter(i + 1) for column, i in zip(names, kept, strict=True)} if letter else None
    labels = pd.Index([line for line, _ in body], name="line", dtype="int64")
    cells = {column: columns[i] for column, i in zip(names, kept, strict=True)}
    return Grid(cells, Place(labels, letters, sheet), name, delimiter)


def _counts_rows(cells: list[Any]) -> bool:
    said = [text_of(cell) for cell in cells]
    return said in ([str(i) for i in range(len(said))], [str(i + 1) for i in range(len(said))])


def _under_groups(head: list[str], above: list[str]) -> list[str]:
    """Put the groups' names, which a merged line above holds, before headings that stand twice."""
    twice = {cell for cell in head if cell and head.count(cell) > 1}
    label, made = "", []
    for i, cell in enumerate(head):
        label = above[i] if i < len(above) and above[i] else label
        made.append(f"{label} {cell}".strip() if cell in twice else cell)
    return made
