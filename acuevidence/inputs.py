"""How every public function reads its numbers: scalars, lists, arrays, Series, or column names with ``data=``.

Knows nothing of evidence or statistics. Every complaint names the argument, the row (by the caller's
index label) and the fix.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from numbers import Number, Real
from typing import Any

import numpy as np
import pandas as pd

from acuevidence.errors import InputError

__all__ = ["LARGEST", "brief", "choice", "frame", "kept", "level", "numeric", "plain", "refuse", "values", "variances"]

LARGEST = 1e100  # beyond it squares and products of a fit overflow
_NONE_LEFT_OUT = pd.DataFrame({"row": np.array([], dtype=object), "reason": np.array([], dtype=object)})


def values(data: Any, **given: Any) -> tuple[dict[str, pd.Series], pd.Index]:
    """Bring the given arguments to one index, without any change of type.

    Parameters
    ----------
    data : DataFrame (pandas or polars), pyarrow Table, dict of columns, or None
        Where strings are looked up as column names.
    **given
        Scalars (broadcast), sequences, Series or column names. ``None`` is left out of the answer.

    Returns
    -------
    dict of Series, Index
        The arguments on a common index: that of ``data`` or of the first Series, else 0..n-1.

    Raises
    ------
    InputError
        For an unknown column, unequal lengths, or Series whose indexes differ.
    """
    data = frame(data)
    read = {name: _read(name, value, data) for name, value in given.items() if value is not None}
    index = _one_index(read, data)
    return {name: pd.Series(one.cells, index=index, name=name) for name, one in read.items()}, index


def numeric(data: Any, *, missing: bool = False, **given: Any) -> tuple[dict[str, np.ndarray], pd.Index]:
    """Bring the given arguments to float arrays of one length.

    Parameters
    ----------
    data : DataFrame (pandas or polars), pyarrow Table, dict of columns, or None
        Where strings are looked up as column names.
    missing : bool
        Whether NaN may pass; otherwise it is an error that names the row.
    **given
        As in :func:`values`.

    Returns
    -------
    dict of ndarray, Index
        Float arrays of one length, and the caller's index.

    Raises
    ------
    InputError
        As :func:`values`, and for entries that are not finite numbers or beyond 1e100.
    """
    given = {name: value for name, value in given.items() if value is not None}
    if data is None and (ready := _ready(given)):
        return ready
    found, index = values(data, **given)
    arrays = {}
    for name, series in found.items():
        array = _floats(name, series, index)
        refuse(np.isinf(array), f"{name} must be finite", series, index)
        refuse(np.abs(array) > LARGEST, f"{name} is too large to compute with (beyond {LARGEST:g})", series, index)
        if not missing:
            refuse(np.isnan(array), f"{name} is missing; give a value or leave the row out", series, index)
        arrays[name] = array
    return arrays, index


def variances(name: str, given: np.ndarray, index: pd.Index, rule: str = "a variance, not a standard error of zero") -> None:
    """Refuse sampling variances, or standard errors, that are not positive or too small to weigh by."""
    known = ~np.isnan(given)
    refuse(known & ~(given > 0), f"{name} must be positive ({rule})", given, index)
    refuse(known & (given < 1 / LARGEST), f"{name} is too small to weigh by (below {1 / LARGEST:g})", given, index)


def kept(index: pd.Index, missing: str, **given: Any) -> tuple[np.ndarray, pd.DataFrame]:
    """Return which rows have everything that is asked for, and the others as a frame of ``row`` and ``reason``.

    Parameters
    ----------
    index : Index
        Labels of the rows.
    missing : {"raise", "drop"}
        Refuse missing cells, by row, or leave their rows out.
    **given
        Arrays or Series with one entry a row.

    Returns
    -------
    ndarray of bool, DataFrame
        Rows to be used, and what is left out.

    Raises
    ------
    InputError
        For a missing cell under ``"raise"``.
    """
    choice("missing", missing, ("raise", "drop"))
    absent = {
        name: np.isnan(column)
        if isinstance(column, np.ndarray) and column.dtype.kind == "f"
        else np.asarray(pd.isna(column), dtype=bool)
        for name, column in given.items()
    }
    if missing == "raise":
        for name, bad in absent.items():
            rule = f"{name} is missing; give a value, leave the row out, or say missing='drop'"
            refuse(bad, rule, list(given[name]) if bad.any() else [], index)
    if not any(bad.any() for bad in absent.values()):
        return np.ones(len(index), dtype=bool), _NONE_LEFT_OUT.copy(deep=False)
    table = np.array(list(absent.values())).reshape(len(absent), len(index))
    left = np.asarray(table.any(axis=0))
    reasons = [" and ".join(np.array(list(absent))[column]) for column in table.T[left]]
    said = [f"{names} {'are' if ' and ' in names else 'is'} missing" for names in reasons]
    return ~left, pd.DataFrame({"row": index[left], "reason": said})


def refuse(bad: np.ndarray, rule: str, given: Any, index: pd.Index) -> None:
    """Raise an InputError that names the rule and the first rows that break it; do nothing when none does."""
    rows = np.flatnonzero(bad)
    if len(rows) == 0:
        return
    shown = given if isinstance(given, list) else np.broadcast_to(np.asarray(given, dtype=object), (len(index),))
    named = ", ".join(f"row {plain(index[i])!r} has {plain(shown[i])!r}" for i in rows[:5])
    more = f" and {len(rows) - 5} more" if len(rows) > 5 else ""
    raise InputError(f"{rule}: {named}{more}")


def choice(name: str, value: Any, allowed: Mapping[str, Any] | Sequence[str]) -> str:
    """Return ``value`` if it is one of ``allowed``, else raise an InputError that lists them."""
    if isinstance(value, str) and value in allowed:
        return value
    close = get_close_matches(str(value), list(allowed), n=1)
    hint = f"; did you mean {close[0]!r}?" if close else ""
    raise InputError(f"{name}={brief(value)} is not known{hint} (one of: {', '.join(map(str, allowed))})")


def level(value: Any, name: str = "level") -> float:
    """Return the level of an interval, strictly between 0 and 1, or raise an InputError that says how to write it."""
    real = isinstance(value, Real) and not isinstance(value, bool)
    if real and 0 < value < 1:
        return float(value)
    hint = f"; write {value / 100:g} in place of {value:g}" if real and 1 < value < 100 else ""
    raise InputError(f"{name} must lie between 0 and 1 (0.95 for 95 %), not {brief(value)}{hint}")


def frame(data: Any, name: str = "data") -> pd.DataFrame | None:
    """Return a table as a pandas DataFrame: one of pandas or polars, a pyarrow Table, or a dict of columns."""
    if data is None or isinstance(data, pd.DataFrame):
        return data
    if isinstance(data, Mapping):
        columns: Any = dict(data)
    elif hasattr(data, "to_pydict"):  # pyarrow
        columns = data.to_pydict()
    elif hasattr(data, "get_columns"):  # polars
        columns = {column.name: column.to_list() for column in data.get_columns()}
    else:
        hint = "; call collect() first" if hasattr(data, "collect_schema") else ""
        kind = f"{type(data).__module__.split('.')[0]} {type(data).__name__}".removeprefix("builtins ")
        raise InputError(f"{name} must be a DataFrame, a pyarrow Table or a dict of columns, not a {kind}{hint}")
    try:
        return pd.DataFrame(columns)
    except (TypeError, ValueError) as error:
        raise InputError(f"{name} cannot be read as a table: {error}; give every column as many entries") from None


def plain(value: Any) -> Any:
    """Return numpy's scalars as Python's, which print as the user wrote them."""
    if isinstance(value, tuple):
        return tuple(map(plain, value))
    return value.item() if isinstance(value, np.generic) and not isinstance(value, np.datetime64) else value


def brief(value: Any) -> str:
    """Return a value as a message shows it: itself where that is short, else its type."""
    text = repr(plain(value)) if isinstance(value, (str, Number, bool, tuple, list, type(None))) or type(value) is dict else ""
    return text if 0 < len(text) <= 60 else f"a {type(value).__name__}"


@dataclass(frozen=True, slots=True)
class _Read:
    """An argument as read: its cells, the index they came with, and whether they are one value for all rows."""

    cells: Any
    index: pd.Index | None = None
    scalar: bool = False


def _read(name: str, value: Any, data: pd.DataFrame | None) -> _Read:
    if isinstance(value, str):
        value = _column(data, name, value)
    if isinstance(value, pd.Series):
        return _Read(value.to_numpy() if value.dtype.kind in "biufc" else value.array, value.index)
    if np.isscalar(value) or value is pd.NA or value is pd.NaT:
        return _Read(value, scalar=True)
    if isinstance(value, (set, frozenset, Mapping)):
        raise InputError(f"{name} must be a number, a sequence or a Series, not a {type(value).__name__}")
    return _array(name, value)


def _array(name: str, value: Any) -> _Read:
    try:
        array = np.asarray(value)
    except ValueError:
        raise InputError(f"{name} must be one-dimensional; its entries have different lengths") from None
    if array.ndim == 0:
        single = array.item()
        if not np.isscalar(single) and not isinstance(single, Number):
            raise InputError(f"{name} must be a number, a sequence or a Series, not a {type(value).__name__}")
        return _Read(single, scalar=True)
    if array.ndim != 1 or array.dtype.names:
        raise InputError(f"{name} must be one-dimensional, not of shape {array.shape}, {array.dtype}")
    return _Read(value if isinstance(value, pd.Categorical) else array)


def _one_index(read: Mapping[str, _Read], data: pd.DataFrame | None) -> pd.Index:
    """Return the index of ``data``, of the first Series, or 0..n-1; refuse lengths and indexes that differ."""
    long = {name: one for name, one in read.items() if not one.scalar}
    origin, index = next(((name, one.index) for name, one in long.items() if one.index is not None), ("", None))
    if data is not None:
        origin, index = "data", data.index
    for name, one in long.items():
        if index is not None and one.index is not None and len(one.index) == len(index) and not index.equals(one.index):
            raise InputError(f"{name} and {origin} have different indexes; align them first (for example with reset_index)")
    lengths = {name: len(one.cells) for name, one in long.items()}
    if data is not None:
        lengths.setdefault("data", len(data))
    if len(set(lengths.values())) > 1:
        raise InputError("arguments differ in length: " + ", ".join(f"{k} has {n}" for k, n in lengths.items()))
    return pd.RangeIndex(next(iter(lengths.values()), 1)) if index is None else index


def _column(data: pd.DataFrame | None, name: str, column: str) -> pd.Series:
    if data is None:
        raise InputError(f"{name}={column!r} names a column, but no data= was given")
    if column not in data.columns:
        choice(f"{name} (a column of data)", column, [str(c) for c in data.columns])
    found = data[column]
    if isinstance(found, pd.DataFrame):
        raise InputError(f"{name}={column!r}: data has {found.shape[1]} columns of that name; rename all but one")
    return found


def _ready(given: dict[str, Any]) -> tuple[dict[str, np.ndarray], pd.Index] | None:
    """Return copies of the arguments where all are finite float arrays of one length, which need no reading."""
    arrays = list(given.values())
    if not all(type(array) is np.ndarray and array.dtype == np.float64 and array.ndim == 1 for array in arrays):
        return None
    if len({len(array) for array in arrays}) != 1 or not all((np.abs(array) <= LARGEST).all() for array in arrays):
        return None
    return {name: array.copy() for name, array in given.items()}, pd.RangeIndex(len(arrays[0]))


def _floats(name: str, series: pd.Series, index: pd.Index) -> np.ndarray:
    """Return a column as floats, NaN where missing; what is no number is named, never turned into one."""
    kind = series.dtype
    plain_kind = pd.api.types.is_numeric_dtype(kind) and not pd.api.types.is_complex_dtype(kind)
    if plain_kind and not pd.api.types.is_bool_dtype(kind):
        return np.asarray(series.to_numpy(dtype=float, na_value=np.nan))
    text = pd.api.types.is_object_dtype(kind) or pd.api.types.is_string_dtype(kind)
    if not text and not isinstance(kind, pd.CategoricalDtype):
        raise InputError(f"{name} must be numbers, not {kind}")
    cells = pd.Series(list(series), dtype=object)
    array = pd.to_numeric(cells.map(lambda cell: cell if _may_be_number(cell) else None), errors="coerce")
    floats = np.asarray(array.to_numpy(dtype=float, na_value=np.nan))
    absent = np.array([pd.api.types.is_scalar(cell) and bool(pd.isna(cell)) for cell in cells], dtype=bool)
    refuse(np.isnan(floats) & ~absent, f"{name} must be a number", list(cells), index)
    return floats


def _may_be_number(cell: Any) -> bool:
    return isinstance(cell, (str, Number)) and not isinstance(cell, (bool, complex))
