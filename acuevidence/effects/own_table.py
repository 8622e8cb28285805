"""A user's table, understood: figures as numbers under our names, words tidied, rows and columns called as the user calls them.

Knows cells and headings. Must not know measures.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from acuevidence.errors import InputError
from acuevidence.evidence.carried import Excluded
from acuevidence.evidence.importers.cells import (
    Place,
    decimal_mark,
    figures,
    is_not_reported,
    looks_numeric,
    own_column,
    text_of,
)
from acuevidence.evidence.importers.columns import Grid, read_grid
from acuevidence.evidence.importers.headings import FIGURES, WORDS, Understood, understand
from acuevidence.inputs import choice, refuse

__all__ = ["COUNTED", "OwnTable", "own_table"]

COUNTED = tuple(c for c in FIGURES if c != "ci" and not c.startswith("label"))  # columns of numbers
_WHOLE = re.compile(r"(n|events|nonevents)\d?|m|both|only[12]|neither")
_NUMBER_WORDS = ("week", "sessions", "treatment_weeks")
_YEAR = re.compile(r"(?<!\d)(1[89]\d\d|20\d\d|21\d\d)(?!\d)")
_TOTALS = re.compile(
    r"((sub|grand)[ -]?)?totals?( events)?|overall( effect| estimate)?|sum|pooled( effect| estimate)?|summary( effect| estimate)?"
    r"|(random|common|fixed)[ -]effects? model"
)
_LEFT = ["trial_id", "study", "year", "condition", "comparator", "arm", "reason", "reported_direction"]


@dataclass
class OwnTable:
    """A user's table on its way to effects.

    Attributes
    ----------
    frame : DataFrame
        Our names, then the user's other columns; rows by position.
    place : Place
        How rows are called.
    understood : Understood
        Which heading is what.
    name : str
        The file; empty for a frame.
    unreported : dict of str to ndarray
        Which cells of a column say that a figure is not reported.
    """

    frame: pd.DataFrame
    place: Place
    understood: Understood
    name: str = ""
    unreported: dict[str, np.ndarray] = field(default_factory=dict)
    left: list[pd.DataFrame] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    reasons: dict[Any, str] = field(default_factory=dict)
    how: pd.Series = field(default_factory=lambda: pd.Series(dtype=object))
    figures: pd.Series = field(default_factory=lambda: pd.Series(dtype=object))
    scale: pd.Series = field(default_factory=lambda: pd.Series(dtype=object))
    split: set[Any] = field(default_factory=set)
    direction: str | None = None

    def row(self, i: Any) -> str:
        """Return how the user counts a row, and its study."""
        return f"row {self.place.row(i)} ({self.frame['study'][i]})"

    def rows(self, which: Any) -> str:
        """Return the first of the rows that are marked."""
        marked = self.frame.index[np.asarray(which, dtype=bool)]
        more = f" and {len(marked) - 5} more" if len(marked) > 5 else ""
        return ", ".join(self.row(i) for i in marked[:5]) + more

    def note_rows(self, rows: Any, what: str) -> None:
        """Note something about rows, if there are any."""
        if len(rows):
            self.notes.append(f"{what}: {self.rows(self.frame.index.isin(rows))}")

    def called(self, ours: str) -> str:
        """Return a column as the user calls it."""
        theirs = self.understood.named.get(ours, ours)
        return ours if theirs == ours else f"{theirs!r} (read as {ours})"

    def excluded(self, which: pd.Series) -> Excluded:
        """Return the rows that give no effect, with the reason of each."""
        rows = self.frame[which]
        trial = rows["trial_id"].where(rows["trial_id"].notna(), rows["study"])
        reason = [self.reasons.get(i, "no figure given") for i in rows.index]
        made = rows.assign(trial_id=trial, arm=None, reason=reason, reported_direction=None).reindex(columns=_LEFT)
        made.index = self.place.labels[rows.index]
        parts = [part for part in (made, *self.left) if len(part)]
        return Excluded(pd.concat([part.astype(object) for part in parts]) if parts else made)

    @contextmanager
    def told(self) -> Iterator[None]:
        """Say the file and the user's heading in errors raised within."""
        try:
            yield
        except InputError as error:
            text = str(error)
            first = text.partition(" ")[0]
            if first in self.understood.named:
                text = self.called(first) + text[len(first) :]
            raise InputError(_in_file(self.name, text)) from None


def _in_file(name: str, text: str) -> str:
    return text if not name or text.startswith(f"{name}") else f"{name}: {text}"


def own_table(
    source: Any,
    *,
    columns: Mapping[str, str] | None = None,
    sheet: str | int | None = None,
    encoding: str | None = None,
    decimal: str | None = None,
    delimiter: str | None = None,
) -> OwnTable:
    """Read a table of trials and bring it to our names.

    Parameters
    ----------
    source, columns, sheet, encoding, decimal, delimiter
        As in :func:`acuevidence.read_trials`.

    Returns
    -------
    OwnTable
        Figures are floats, NaN where missing; rows of totals and of single reviewers are left out, and listed.

    Raises
    ------
    InputError
        For a table without studies, cells that are no numbers, and figures that no trial can have.
    """
    theirs = columns.values() if isinstance(columns, Mapping) else ()
    grid = read_grid(source, sheet=sheet, encoding=encoding, delimiter=delimiter, wanted=[str(c) for c in theirs])
    try:
        found = understand(list(grid.cells), columns, lambda heading: looks_numeric(grid.cells[heading]))
        if "study" not in found.named:
            raise InputError(f"no column of studies; {found.shown()}; name it: columns={{'study': 'its heading'}}")
        if not len(grid.place.labels):
            raise InputError("the table has no row of trials")
    except InputError as error:
        raise InputError(_in_file(grid.name, str(error))) from None
    table = OwnTable(pd.DataFrame(index=pd.RangeIndex(len(grid.place.labels))), grid.place, found, grid.name)
    with table.told():
        mark = _figures(table, grid, decimal)
        _words(table, grid)
        _own(table, grid, mark)
        _consensus(table, grid)
        _totals(table)
        if table.frame.empty:
            raise InputError("the table has no row of trials")
        _check(table)
    table.how = pd.Series("", index=table.frame.index, dtype=object)
    return table


def _figures(table: OwnTable, grid: Grid, decimal: str | None) -> str | None:
    named = {ours: theirs for ours, theirs in table.understood.named.items() if ours in COUNTED}
    whole = {theirs for ours, theirs in named.items() if _WHOLE.fullmatch(ours)}
    cells = {theirs: grid.cells[theirs] for theirs in named.values()}
    totals = np.array([_is_total(cell) for cell in grid.cells[table.understood.named["study"]]], dtype=bool)
    for theirs in cells:  # what stands in a row of totals is no figure of a trial
        cells[theirs] = [None if out else cell for out, cell in zip(totals, cells[theirs], strict=True)]
    mark = decimal_mark(cells, whole, grid.place, decimal, grid.delimiter)
    for ours, theirs in named.items():
        table.frame[ours] = figures(
            cells[theirs],
            theirs,
            table.called(ours),
            grid.place,
            decimal=mark,
            whole=theirs in whole,
            said=decimal is not None,
        )
        table.unreported[ours] = np.array([is_not_reported(cell) for cell in cells[theirs]], dtype=bool)
    for k in ("", *"123456789"):
        if {f"events{k}", f"nonevents{k}"} <= set(table.frame):
            total = table.frame[f"events{k}"] + table.frame[f"nonevents{k}"]
            table.frame[f"n{k}"] = table.frame[f"n{k}"].fillna(total) if f"n{k}" in table.frame else total
    return mark


def _words(table: OwnTable, grid: Grid) -> None:
    named, rows = table.understood.named, table.frame.index
    for ours in (*WORDS, *(c for c in FIGURES if c.startswith("label") or c == "ci")):
        if ours not in named or ours == "year" or ours in _NUMBER_WORDS:
            continue
        cells = grid.cells[named[ours]]
        table.frame[ours] = pd.Series(
            [None if is_not_reported(c) and ours != "study" else _text(c) for c in cells], rows, dtype=object
        )
        if ours == "study":
            dates = [i for i, cell in enumerate(cells) if isinstance(cell, dt.date)]
            table.note_rows(dates, "study is a date: a spreadsheet may have changed the name")
    for ours in ("study", "trial_id", "condition", "comparator", "outcome", "measure_used", "higher_is"):
        if ours not in table.frame:
            table.frame[ours] = pd.Series(None, rows, dtype=object)
    table.frame["year"] = _years(table, grid.cells[named["year"]]) if "year" in named else np.nan
    for ours in _NUMBER_WORDS:
        if ours in named:
            table.frame[ours] = _described(table, ours, grid.cells[named[ours]])
    table.frame["comparator"] = table.frame["comparator"].map(
        lambda w: w if w is None else w.casefold().replace(" ", "_").replace("-", "_"), na_action="ignore"
    )
    table.frame["comparator"] = table.frame["comparator"].astype(object).where(table.frame["comparator"].notna(), None)


def _text(cell: Any) -> str | None:
    if isinstance(cell, (float, np.floating)) and float(cell).is_integer():
        return str(int(cell))
    found = text_of(cell)
    return found if found and found.upper() not in ("NA", "N/A", "NAN", "#N/A") else None


def _years(table: OwnTable, cells: list[Any]) -> pd.Series:
    """Return four digits of each year; what holds none is missing and said, what is a number and no year is refused."""
    found, cut = pd.Series(np.nan, table.frame.index), []
    for i, cell in enumerate(cells):
        text = str(cell.year) if isinstance(cell, dt.date) else text_of(cell)
        if not text or is_not_reported(text) or text.upper() in ("NA", "N/A", "NAN", "#N/A"):
            continue
        if re.fullmatch(r"[+-]?\d+(\.\d*)?", text, re.ASCII):
            year = float(text)
            if not (1800 <= year <= 2200 and year.is_integer()):
                where = table.place.cell(i, table.understood.named["year"])
                rule = f"{table.called('year')} must be a whole number between 1800 and 2200"
                raise InputError(f"{rule}: {where} has {text[:20]}")
            found[i] = year
            continue
        if (printed := _YEAR.search(text)) is not None:
            found[i] = float(printed[0])
        cut.append(i)
    table.note_rows([i for i in cut if np.isfinite(found[i])], "the year is taken from text")
    table.note_rows([i for i in cut if not np.isfinite(found[i])], "the year has no four digits and is left out")
    return found


def _described(table: OwnTable, ours: str, cells: list[Any]) -> pd.Series:
    found, lost = pd.Series(np.nan, table.frame.index), []
    for i, cell in enumerate(cells):
        text = text_of(cell)
        try:
            found[i] = float(text.replace(",", ".")) if text else np.nan
        except ValueError:
            lost.append(i)
        if np.isinf(found[i]):
            found[i] = np.nan
            lost.append(i)
    table.note_rows([i for i in lost if not is_not_reported(cells[i])], f"{table.called(ours)} is no number and is left out")
    return found


def _own(table: OwnTable, grid: Grid, mark: str | None) -> None:
    made = {}
    for heading in table.understood.left:
        if heading in table.frame:
            if table.frame[heading].notna().any():
                raise InputError(f"column {heading!r} is not the one mapped to {heading!r}; rename or map it")
            table.frame = table.frame.drop(columns=heading)
        if grid.frame is not None:
            made[heading] = grid.frame[heading].set_axis(table.frame.index)
            continue
        cells = own_column(grid.cells[heading], mark)
        number = any(cell is not None for cell in cells) and not any(isinstance(cell, str) for cell in cells)
        made[heading] = pd.Series(cells, table.frame.index, dtype=None if number else object)
    table.frame = pd.concat([table.frame, pd.DataFrame(made, index=table.frame.index)], axis=1).copy()


def _drop(table: OwnTable, out: np.ndarray, reason: str) -> None:
    """Leave rows out, with a reason."""
    if not out.any():
        return
    rows = table.frame[out]
    part = rows.assign(arm=None, reason=reason, reported_direction=None).reindex(columns=_LEFT)
    part["trial_id"] = part["trial_id"].where(part["trial_id"].notna(), part["study"])
    part.index = table.place.labels[rows.index]
    table.left.append(part)
    table.place = Place(table.place.labels[~out], table.place.letters, table.place.sheet)
    table.frame = table.frame[~out].reset_index(drop=True)
    table.unreported = {name: said[~out] for name, said in table.unreported.items()}


def _consensus(table: OwnTable, grid: Grid) -> None:
    """Keep Covidence's consensus where a study has one; otherwise what its only reviewer extracted."""
    if not {"Study ID", "Reviewer Name"} <= set(grid.cells):
        return
    study = pd.Series([text_of(cell) for cell in grid.cells["Study ID"]])
    reviewer = pd.Series([text_of(cell).casefold() for cell in grid.cells["Reviewer Name"]])
    agreed = reviewer == "consensus"
    drop = ~agreed & study.isin(study[agreed])
    alone = ~agreed & ~drop
    several = alone & (reviewer[alone].groupby(study[alone]).transform("nunique").reindex(study.index, fill_value=0) > 1)
    rule = "two reviewers and no consensus; settle it in Covidence or remove one"
    refuse(several.to_numpy(), rule, study, table.place.labels)
    _drop(table, drop.to_numpy(), "a consensus stands in its place")


def _is_total(cell: Any) -> bool:
    words = re.sub(r"\(.*\)|:", "", text_of(cell)).strip().casefold()
    return bool(_TOTALS.fullmatch(words))


def _totals(table: OwnTable) -> None:
    out = np.array([_is_total(cell) for cell in table.frame["study"]], dtype=bool)
    if out.any():
        table.notes.append(f"rows of totals are no trials and are left out: {table.rows(out)}")
    _drop(table, out, "a row of totals, not a trial")


def _check(table: OwnTable) -> None:
    frame, labels = table.frame, table.place.labels
    refuse(frame["study"].isna().to_numpy(), "study is missing", frame["study"], labels)
    for i, value in frame["higher_is"].dropna().items():
        try:
            frame.loc[i, "higher_is"] = choice("higher_is", value.casefold(), ("worse", "better"))
        except InputError as error:
            raise InputError(f"{table.row(i)}: {error}") from None
    for k in ("", *"123456789"):
        bases = [b for b in ("sd", "se", "n", "events", "nonevents", "time") if f"{b}{k}" in frame]
        # A column of words that happens to have such a name was not understood as figures.
        values = {b: frame[f"{b}{k}"].to_numpy() for b in bases if pd.api.types.is_numeric_dtype(frame[f"{b}{k}"])}
        for base in ("sd", "events", "nonevents"):
            if base in values:
                refuse(values[base] < 0, f"{base}{k} must not be negative", values[base], labels)
        for base in ("se", "time"):
            if base in values:
                refuse(values[base] <= 0, f"{base}{k} must be positive", values[base], labels)
        if "n" in values:
            refuse(values["n"] < 1, f"n{k} must be 1 or more", values["n"], labels)
        if "events" in values:
            share = (values["events"] > 0) & (values["events"] < 1)
            refuse(share, f"events{k} must be a number of people, not a share", values["events"], labels)
        if "events" in values and "n" in values:
            refuse(values["events"] > values["n"], f"events{k} must not exceed n{k}", values["events"], labels)
