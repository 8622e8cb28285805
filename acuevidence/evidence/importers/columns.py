"""Spreadsheets of trials, with the column names of R packages, of Covidence, or one's own."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from acuevidence.errors import InputError
from acuevidence.evidence.carried import Excluded
from acuevidence.evidence.importers.files import read_bytes
from acuevidence.evidence.importers.flat_table import NUMBERS, WORDS, checked, numbers, unguarded
from acuevidence.evidence.importers.rows import read_rows, read_sheet
from acuevidence.inputs import choice, refuse

__all__ = ["read_table"]

# Names in the files of R's meta and metafor, of RevMan and of Covidence, folded to letters and digits.
_KNOWN = {
    "study": "study studlab slab studyid author trial label",
    "year": "year studyyear pubyear publicationyear",
    "comparator": "comparator control controlgrouplabel",
    "treatment": "treatment intervention experimentalgrouplabel",
    "comparison": "comparison complab",
    "outcome": "outcome outclab",
    "subgroup": "subgroup grplab",
    "measure": "measure sm effectmeasure",
    "mean1": "mean1 meane m1i experimentalmean", "sd1": "sd1 sde sd1i experimentalsd", "n1": "n1 ne n1i experimentaln",
    "mean2": "mean2 meanc m2i controlmean", "sd2": "sd2 sdc sd2i controlsd", "n2": "n2 nc n2i controln",
    "events1": "events1 evente ai experimentalcases", "events2": "events2 eventc ci controlcases",
    "yi": "yi te givmean", "se": "se sete sei givse", "vi": "vi", "nonevents1": "bi", "nonevents2": "di",
}  # fmt: skip
_OURS = {name: ours for ours, names in _KNOWN.items() for name in names.split()}
_SPARE = ("vi", "nonevents1", "nonevents2")


def read_table(
    path: str | Path,
    mapping: Mapping[str, str] | None = None,
    *,
    sheet: str | None = None,
    encoding: str = "utf-8-sig",
    delimiter: str | None = None,
    decimal: str = ".",
) -> pd.DataFrame:
    r"""Read a flat table of trials from CSV or Excel.

    Parameters
    ----------
    path : path
        Delimited text, or an Excel workbook (``.xlsx``, needs the extra ``excel``).
    mapping : mapping, optional
        Our name to the file's, for example ``{"mean1": "Pain, acupuncture (mean)"}``; what it does not name is
        recognised where the file uses the names of R's meta (``mean.e sd.e n.e event.e TE seTE studlab``), of metafor
        (``m1i sd1i n1i ai bi yi vi sei slab``) or of RevMan. Covidence names its columns after the review's own
        template, so its figures need a mapping; ``Study ID`` is recognised.
    sheet : str, optional
        Worksheet of a workbook. Default: the first.
    encoding : str
        How characters are written in text.
    delimiter : str, optional
        Default: comma, semicolon or tab, whichever the header has most of.
    decimal : {".", ","}
        Decimal mark in text.

    Returns
    -------
    DataFrame
        Indexed by the file's rows (the header is row 1): ``study``, ``year``, ``comparator`` and what else the file has of
        ``mean1 sd1 n1 mean2 sd2 n2``, ``events1 n1 events2 n2``, ``yi se``; then the file's other columns as they are.
        ``attrs["excluded"]`` lists Covidence's rows of single reviewers where there is a consensus.

    Raises
    ------
    InputError
        For a file larger than 64 MB, a column that is not there or stands twice, lines of unequal length, cells that are
        no numbers, and figures no trial can have; it names the row (as numbered in the file) and column.

    Notes
    -----
    An apostrophe before ``= + - @`` (the guard against formulas that :func:`acuevidence.report.export.export` writes) is
    taken off.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> import acuevidence as ae
    >>> file = pathlib.Path(tempfile.mkdtemp(), "trials.csv")
    >>> _ = file.write_text("studlab,mean.e,sd.e,n.e,mean.c,sd.c,n.c\nA 2001,3.1,2,40,4.2,2.1,38\n")
    >>> ae.read_table(file)
        study  mean1  sd1    n1  mean2  sd2    n2
    2  A 2001    3.1  2.0  40.0    4.2  2.1  38.0
    """
    choice("decimal", decimal, (".", ","))
    name, data = Path(path).name, read_bytes(path)
    if data[:2] == b"PK":
        raw = read_sheet(data, name, sheet)
    elif data[:4] == b"\xd0\xcf\x11\xe0":
        raise InputError(f"{name} is an old Excel file (.xls) or locked; save it as .xlsx without a password")
    else:
        raw = read_rows(data, name, encoding=encoding, delimiter=delimiter)
    raw, left = _consensus(raw)
    named = _named(raw, mapping or {}, name)
    table = pd.DataFrame(index=raw.index)
    for ours, theirs in named.items():
        if ours in (*NUMBERS, *_SPARE):
            table[ours] = numbers(raw[theirs], theirs, raw.index, name, decimal=decimal)
        else:
            text = raw[theirs].map(lambda cell: unguarded(str(cell)))
            table[ours] = text.where(text.str.strip() != "", None)
    table = _derived(table, raw.index, name)
    others = [c for c in raw.columns if c not in named.values()]
    for column in others:
        if column in table:
            raise InputError(f"{name}: column {column!r} is not the one mapped to {column!r}; rename or map it")
        table[column] = raw[column].map(lambda cell: unguarded(cell) if isinstance(cell, str) else cell)
    found = checked(table, raw.index, name)
    found.attrs["excluded"] = left
    return found


def _named(raw: pd.DataFrame, mapping: Mapping[str, str], source: str) -> dict[str, str]:
    """Return the file's column for each of our names."""
    named: dict[str, str] = {}
    for ours, theirs in mapping.items():
        choice("mapping", ours, (*WORDS, *NUMBERS, *_SPARE))
        named[ours] = choice(f"mapping[{ours!r}] (a column of {source})", theirs, [str(c) for c in raw.columns])
    if len(set(named.values())) < len(named):
        raise InputError(f"{source}: mapping gives one column two names: {named}")
    chosen = dict(named)
    for column in raw.columns:
        known = _OURS.get(re.sub(r"[^a-z0-9]", "", column.casefold()))
        if known is None or known in chosen or column in chosen.values():
            continue
        if known in named:
            raise InputError(
                f"{source}: columns {named[known]!r} and {column!r} both look like {known!r}; say which with "
                f"mapping={{{known!r}: {column!r}}}"
            )
        named[known] = column
    if "study" not in named:
        columns = ", ".join(map(str, raw.columns))
        raise InputError(
            f"{source} has no column of studies (columns: {columns}); give mapping={{'study': 'its name'}}"
        )
    return named


def _derived(table: pd.DataFrame, lines: pd.Index, source: str) -> pd.DataFrame:
    """Turn a variance into its standard error, and events with non-events into totals, as metafor's columns need."""
    if "vi" in table:
        vi = table["vi"].to_numpy(dtype=float)
        refuse(vi <= 0, f"{source}: vi must be positive", vi, lines)
        table["se"] = table["se"].fillna(table["vi"] ** 0.5) if "se" in table else np.sqrt(vi)
    for side in "12":
        if f"nonevents{side}" in table and f"events{side}" in table:
            total = table[f"events{side}"] + table[f"nonevents{side}"]
            table[f"n{side}"] = table[f"n{side}"].fillna(total) if f"n{side}" in table else total
    return table.drop(columns=[c for c in _SPARE if c in table])


def _consensus(raw: pd.DataFrame) -> tuple[pd.DataFrame, Excluded]:
    """Keep Covidence's consensus where a study has one; otherwise what its only reviewer extracted."""
    if not {"Study ID", "Reviewer Name"} <= set(raw.columns):
        return raw, Excluded(columns=["study", "reason"])
    agreed = raw["Reviewer Name"].astype(str).str.strip().str.casefold() == "consensus"
    drop = ~agreed & raw["Study ID"].isin(raw["Study ID"][agreed])
    alone = raw[~agreed & ~drop]
    several = alone.groupby("Study ID")["Reviewer Name"].transform("nunique") > 1
    refuse(
        several.to_numpy(),
        "two reviewers and no consensus; settle it in Covidence or remove one",
        alone["Study ID"],
        alone.index,
    )
    left = Excluded(
        {"study": raw["Study ID"][drop], "row": raw.index[drop], "reason": "a consensus stands in its place"}
    )
    return raw[~drop], left.reset_index(drop=True)
