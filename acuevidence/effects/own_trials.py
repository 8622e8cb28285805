"""A user's own table of trials, one row each, turned into the rows that a synthesis and a forest plot take.

Knows the columns of the flat table and what each way of printing a result needs. Knows nothing of evidence folders: those are for
trials with several outcomes, weeks and arms.
"""

from __future__ import annotations

import re
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import ndtri

from acuevidence.effects.measures import effect_size
from acuevidence.effects.trials import COLUMNS, Excluded
from acuevidence.errors import InputError
from acuevidence.evidence.importers.files import read_bytes
from acuevidence.evidence.importers.flat_table import NOTHING, unguarded
from acuevidence.evidence.importers.rows import read_rows, read_sheet
from acuevidence.inputs import choice, refuse

__all__ = ["read_trials", "template"]

_MEANS = ("mean1", "sd1", "n1", "mean2", "sd2", "n2")
_COUNTS = ("events1", "n1", "events2", "n2")
_EFFECTS = ("yi", "vi", "se", "ci_low", "ci_high")
_NUMBERS = tuple(dict.fromkeys((*_MEANS, *_COUNTS, *_EFFECTS, "year", "week", "sessions", "treatment_weeks")))
_WORDS = ("study", "trial_id", "condition", "diagnosis", "comparator", "outcome", "measure_used", "higher_is", "technique",
          "sham_type", "source_url", "figures_as_printed")  # fmt: skip
_MEASURES = {
    "SMD": {"means": "SMD", "counts": "OR2D"}, "SMDH": {"means": "SMDH"}, "MD": {"means": "MD"}, "ROM": {"means": "ROM"},
    "OR": {"counts": "OR", "means": "D2OR"}, "RR": {"counts": "RR"}, "RD": {"counts": "RD"},
}  # fmt: skip
_DECIMAL_COMMA = re.compile(r"^(\s*[+-]?\d*),(\d+\s*)$")
_WAYS = "mean1 sd1 n1 mean2 sd2 n2, or events1 n1 events2 n2, or yi with vi, se, or ci_low and ci_high (group 1 is acupuncture)"


def read_trials(path_or_frame: str | Path | pd.DataFrame, *, measure: str = "SMD") -> pd.DataFrame:
    """Read a flat table of trials and return one effect per row, positive in favour of acupuncture.

    Parameters
    ----------
    path_or_frame : path or DataFrame
        A CSV file (comma, or semicolon with decimal commas), an Excel workbook (its first sheet), or a frame; one row a trial,
        or a trial and comparator. Columns, in any order: ``study`` (required); ``year, comparator, condition, outcome,
        measure_used, week`` and any others, which are kept. Figures in one of three ways, which may differ by row:
        ``mean1 sd1 n1 mean2 sd2 n2``; ``events1 n1 events2 n2``; ``yi`` with ``vi``, ``se``, or ``ci_low`` and ``ci_high``
        (95 %). Group 1 is acupuncture. ``higher_is`` is ``worse`` or ``better``: what a larger value (or an event) means for
        the patient. It is required for means and counts; an effect ``yi`` without it counts as positive in favour of
        acupuncture. ``acuevidence template`` prints a table to start from.
    measure : {"SMD", "SMDH", "MD", "ROM", "OR", "RR", "RD"}
        Effect measure of the answer. Ratios are natural logarithms, also in ``yi`` and its interval. Under ``SMD``, counts
        enter through the logistic conversion of the odds ratio, and means do so under ``OR``.

    Returns
    -------
    DataFrame
        The columns of :func:`acuevidence.trial_effects`, then the user's others, ready for :func:`acuevidence.meta_analysis`
        and ``plots.forest``. A frame keeps its index; a file's rows are numbered by their line (the header is line 1).
        Trials without any figure are in ``attrs["excluded"]``.

    Raises
    ------
    InputError
        For a file that cannot be read or is larger than 64 MB (unpacked, for a workbook), a missing
        study, incomplete or impossible figures, an unknown ``higher_is``, or two rows
        of one trial, comparator, outcome and week; the row and the column are named.

    Examples
    --------
    >>> import acuevidence as ae
    >>> import pandas as pd
    >>> table = pd.DataFrame({"study": ["A", "B"], "mean1": [32, 30], "sd1": [20, 25], "n1": [40, 35], "mean2": [41, 36],
    ...                       "sd2": [21, 24], "n2": [42, 33], "higher_is": "worse"})
    >>> ae.read_trials(table).yi.round(3).tolist()
    [0.434, 0.242]
    """
    choice("measure", measure, _MEASURES)
    raw = path_or_frame.copy() if isinstance(path_or_frame, pd.DataFrame) else _read(Path(path_or_frame))
    table = _tidy(raw)
    _check_rows(table)
    way = _ways(table)
    parts = {"means": _from_groups, "counts": _from_groups, "effect": _from_effects}
    frame = table.assign(yi=np.nan, vi=np.nan, derivation="")
    for name, derive in parts.items():
        rows = table[way == name]
        if len(rows):
            yi, vi, how = derive(rows, name, measure)
            frame.loc[rows.index, ["yi", "vi"]] = np.column_stack([yi, vi])
            frame.loc[rows.index, "derivation"] = how
    found = _finished(frame[way != "none"], measure)
    found.attrs["excluded"] = _without(table[way == "none"])
    return found


def template() -> str:
    """Return the text of a CSV table to start from: one made-up trial for each way of printing a result.

    Returns
    -------
    str
        CSV; :func:`read_trials` reads it as it is.

    Examples
    --------
    >>> import acuevidence as ae
    >>> ae.effects.template().splitlines()[0].split(",")[:4]
    ['study', 'year', 'condition', 'comparator']
    """
    from acuevidence.evidence import data_folder

    return (data_folder() / "template.csv").read_text(encoding="utf-8")


# --- reading -----------------------------------------------------------------------------------------------------


def _read(path: Path) -> pd.DataFrame:
    if not path.is_file():
        raise InputError(f"file {str(path)!r} does not exist; give a CSV file, an Excel workbook, or a DataFrame")
    data = read_bytes(path)
    if data[:2] == b"PK":
        found = read_sheet(data, path.name, None)
    elif data[:4] == b"\xd0\xcf\x11\xe0":
        raise InputError(f"{path.name} is an old Excel file (.xls) or locked; save it as .xlsx without a password")
    else:
        found = read_rows(data, path.name)
        head = data.partition(b"\n")[0]
        if b";" in head and b"," not in head:  # where decimals have commas, cells are parted by semicolons
            found = found.apply(lambda column: column.str.replace(_DECIMAL_COMMA, r"\1.\2", regex=True))
    found = found.map(lambda cell: unguarded(cell) if isinstance(cell, str) else cell)
    found = found.mask(found.map(lambda cell: isinstance(cell, str) and cell.strip().upper() in NOTHING), np.nan)
    found.index = found.index.rename("line")
    return found.apply(lambda column: column if str(column.name).strip().lower() in _WORDS else _numbers(column))


def _numbers(column: pd.Series) -> pd.Series:
    """Return the column as numbers where every cell is one: a user's own column may become a moderator."""
    try:
        return pd.to_numeric(column)
    except (ValueError, TypeError):
        return column


def _tidy(raw: pd.DataFrame) -> pd.DataFrame:
    """Return the table with known column names, every described column, and typed cells."""
    table = raw.rename(columns={c: str(c).strip().lower() for c in raw.columns})
    double = table.columns[table.columns.duplicated()]
    if len(double):
        raise InputError(f"column {double[0]!r} stands twice; rename or drop one")
    if not table.index.is_unique:
        raise InputError("the frame's index holds a label twice; use reset_index(drop=True)")
    if "study" not in table:
        raise InputError(f"the table has no column 'study' (it has: {', '.join(table.columns)}){_misspelled(table)}")
    for column in (*_NUMBERS, *_WORDS):
        if column not in table:
            table[column] = np.nan if column in _NUMBERS else None
    for column in _NUMBERS:
        cells = table[column]
        numbers = pd.to_numeric(cells.astype(object), errors="coerce").astype(float)
        refuse((numbers.isna() & cells.notna()).to_numpy(), f"{column} must be a number", cells, table.index)
        refuse(np.isinf(numbers.to_numpy()), f"{column} must be finite", cells, table.index)
        table[column] = numbers
    for column in _WORDS:
        words = table[column].astype(object)
        table[column] = words.where(words.notna(), None).map(
            lambda w: None if w is None or not str(w).strip() else str(w).strip()
        )
    table["comparator"] = table["comparator"].map(
        lambda w: w if w is None else w.casefold().replace(" ", "_").replace("-", "_")
    )
    return table


def _misspelled(table: pd.DataFrame) -> str:
    known = (*_NUMBERS, *_WORDS)
    unread = {c: get_close_matches(c.replace("_", ""), known, n=1, cutoff=0.75) for c in table if c not in known}
    said = [f"column {c!r} is not read, did you mean {near[0]!r}?" for c, near in unread.items() if near]
    return "; " + "; ".join(said) if said else ""


def _check_rows(table: pd.DataFrame) -> None:
    index = table.index
    refuse(table["study"].isna().to_numpy(), "study is missing; give the trial a name", table["study"], index)
    for row, value in table["higher_is"].dropna().items():
        try:
            choice("higher_is", value, ("worse", "better"))
        except InputError as error:
            raise InputError(f"row {row!r} ({table['study'][row]}): {error}") from None
    keys = ["study", "year", "comparator", "outcome", "week"]
    twice = table.duplicated(keys, keep="first").to_numpy()
    refuse(twice, "one row per trial, comparator, outcome and week; drop or name apart", table["study"], index)


# --- from figures to effects -------------------------------------------------------------------------------------


def _ways(table: pd.DataFrame) -> pd.Series:
    """Return for each row how its result is given, and refuse rows that are half filled."""
    way = pd.Series("none", index=table.index)
    has = table.notna()
    precision = has["vi"] | has["se"] | (has["ci_low"] & has["ci_high"])
    middle = has["yi"] | (has["ci_low"] & has["ci_high"])
    way[has[list(_COUNTS)].all(axis=1)] = "counts"
    way[has[list(_MEANS)].all(axis=1)] = "means"
    way[middle & precision] = "effect"
    started = has[[*_MEANS, *_COUNTS, *_EFFECTS]].drop(columns=["n1", "n2"]).any(axis=1)
    for row in table.index[(way == "none") & started]:
        there = [c for c in dict.fromkeys((*_MEANS, *_COUNTS, *_EFFECTS)) if has.at[row, c]]
        raise InputError(
            f"row {row!r} ({table['study'][row]}) has only {', '.join(there)}; a trial needs {_WAYS}{_misspelled(table)}"
        )
    blind = ((way == "means") | (way == "counts")) & table["higher_is"].isna()
    if blind.any():
        row = table.index[blind][0]
        raise InputError(
            f"row {row!r} ({table['study'][row]}): higher_is is missing; say 'worse' (pain, days with headache) or 'better' "
            "(function, responders)"
        )
    return way


def _from_groups(rows: pd.DataFrame, way: str, measure: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    code = _MEASURES[measure].get(way)
    if code is None:
        raise InputError(
            f"row {rows.index[0]!r} ({rows['study'].iloc[0]}): {way} give no {measure}; leave it out or change measure"
        )
    summaries: dict[str, Any] = {name: name for name in (_MEANS if way == "means" else _COUNTS)}
    effects = effect_size(code, data=rows, **summaries)
    turn = np.where(rows["higher_is"] == "worse", -1.0, 1.0)
    said = "means and SDs of the arms" if way == "means" else "events"
    converted = " by the logistic conversion" if code in ("OR2D", "D2OR") else ""
    turned = np.where(turn < 0, "; turned: a larger printed value is worse", "").astype(object)
    return effects["yi"].to_numpy() * turn, effects["vi"].to_numpy(), f"{measure} from {said}{converted}" + turned


def _from_effects(rows: pd.DataFrame, way: str, measure: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    low, high, index = rows["ci_low"].to_numpy(), rows["ci_high"].to_numpy(), rows.index
    refuse(high <= low, "ci_high must be above ci_low", high, index)
    refuse(rows["vi"].to_numpy() <= 0, "vi must be positive", rows["vi"], index)
    refuse(rows["se"].to_numpy() <= 0, "se must be positive", rows["se"], index)
    yi = rows["yi"].fillna((rows["ci_low"] + rows["ci_high"]) / 2).to_numpy()
    refuse((yi < low) | (yi > high), "yi must lie within ci_low and ci_high", yi, index)
    width = (high - low) / (2 * float(ndtri(0.975)))
    vi = rows["vi"].fillna(rows["se"] ** 2).fillna(pd.Series(width**2, index=index)).to_numpy()
    source = np.where(rows["vi"].notna(), "variance", np.where(rows["se"].notna(), "SE", "interval")).astype(object)
    turn = np.where(rows["higher_is"] == "worse", -1.0, 1.0)
    turned = np.where(turn < 0, "; turned: a larger value is worse", "").astype(object)
    return yi * turn, vi, f"{measure} as given, precision from its " + source + turned


def _finished(frame: pd.DataFrame, measure: str) -> pd.DataFrame:
    half = float(ndtri(0.975)) * np.sqrt(frame["vi"])
    trial = frame["trial_id"].where(frame["trial_id"].notna(), frame["study"])
    made = frame.assign(
        trial_id=trial, effect=measure, se=np.sqrt(frame["vi"]), ci_low=frame["yi"] - half, ci_high=frame["yi"] + half,
        instrument=frame["measure_used"], comparator_role=frame["comparator"],
    )  # fmt: skip
    own = [c for c in made.columns if c not in COLUMNS]
    made = made.reindex(columns=[*COLUMNS, *own])
    return made.astype(dict.fromkeys(("year", "n1", "n2", "events1", "events2"), "Int64"), errors="ignore")


def _without(rows: pd.DataFrame) -> Excluded:
    columns = ["trial_id", "study", "year", "condition", "comparator", "arm", "reason", "reported_direction"]
    trial = rows["trial_id"].where(rows["trial_id"].notna(), rows["study"])
    return Excluded(
        rows.assign(trial_id=trial, arm=None, reason="no figure given", reported_direction=None).reindex(
            columns=columns
        )
    )
