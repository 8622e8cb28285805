"""How every public function reads its numbers: scalars, lists, arrays, Series, or column names with ``data=``.

Knows nothing of evidence or statistics. Every complaint names the argument, the row (by the caller's
index label) and the fix.
"""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from numbers import Number
from typing import Any

import numpy as np
import pandas as pd

from acuevidence.errors import InputError

__all__ = ["choice", "numeric", "refuse", "values"]


def values(data: pd.DataFrame | None, **given: Any) -> tuple[dict[str, pd.Series], pd.Index]:
    """Bring the given arguments to one index, without any change of type.

    Parameters
    ----------
    data : DataFrame or None
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
    if data is not None and not isinstance(data, pd.DataFrame):
        raise InputError(f"data must be a DataFrame, not a {type(data).__name__}; wrap it in pandas.DataFrame(...)")
    found: dict[str, Any] = {}
    index: pd.Index | None = data.index if data is not None else None
    origin = "data"
    for name, value in given.items():
        if value is None:
            continue
        if isinstance(value, str):
            value = _column(data, name, value)
        if isinstance(value, (set, frozenset, Mapping)):
            raise InputError(f"{name} must be a number, a sequence or a Series, not a {type(value).__name__}")
        if isinstance(value, pd.Series):
            if index is None:
                index, origin = value.index, name
            elif len(index) == len(value) and not index.equals(value.index):
                raise InputError(
                    f"{name} and {origin} have different indexes; align them first (for example with reset_index)"
                )
        elif not np.isscalar(value):
            value = np.asarray(value)
            if value.ndim == 0:
                value = value.item()
                if not np.isscalar(value) and not isinstance(value, Number):
                    raise InputError(f"{name} must be a number, a sequence or a Series, not a {type(value).__name__}")
            elif value.ndim != 1 or value.dtype.names:
                raise InputError(f"{name} must be one-dimensional, not of shape {value.shape}, {value.dtype}")
        found[name] = value
    lengths = {name: len(v) for name, v in found.items() if not np.isscalar(v)}
    if index is not None and (data is not None or lengths):
        lengths.setdefault(origin, len(index))
    if len(set(lengths.values())) > 1:
        raise InputError("arguments differ in length: " + ", ".join(f"{k} has {n}" for k, n in lengths.items()))
    if index is None:
        index = pd.RangeIndex(next(iter(lengths.values()), 1))
    return {
        k: pd.Series(v.to_numpy() if isinstance(v, pd.Series) else v, index=index, name=k) for k, v in found.items()
    }, index


def numeric(
    data: pd.DataFrame | None, *, missing: bool = False, **given: Any
) -> tuple[dict[str, np.ndarray], pd.Index]:
    """Bring the given arguments to float arrays of one length.

    Parameters
    ----------
    data : DataFrame or None
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
        As :func:`values`, and for entries that are not finite numbers.
    """
    if data is None and (ready := _ready(given)):
        return ready
    found, index = values(data, **given)
    arrays = {}
    for name, series in found.items():
        array = _floats(name, series, index)
        refuse(np.isinf(array), f"{name} must be finite", series, index)
        if not missing:
            refuse(np.isnan(array), f"{name} is missing; give a value or leave the row out", series, index)
        arrays[name] = array
    return arrays, index


def refuse(bad: np.ndarray, rule: str, given: Any, index: pd.Index) -> None:
    """Raise an InputError that names the rule and the first rows that break it; do nothing when none does."""
    rows = np.flatnonzero(bad)
    if len(rows) == 0:
        return
    shown = given if isinstance(given, list) else np.broadcast_to(np.asarray(given, dtype=object), (len(index),))
    named = ", ".join(f"row {_plain(index[i])!r} has {_plain(shown[i])!r}" for i in rows[:5])
    more = f" and {len(rows) - 5} more" if len(rows) > 5 else ""
    raise InputError(f"{rule}: {named}{more}")


def choice(name: str, value: Any, allowed: Mapping[str, Any] | tuple[str, ...] | list[str]) -> str:
    """Return ``value`` if it is one of ``allowed``, else raise an InputError that lists them."""
    if value in allowed:
        return str(value)
    close = get_close_matches(str(value), list(allowed), n=1)
    hint = f"; did you mean {close[0]!r}?" if close else ""
    raise InputError(f"{name}={value!r} is not known{hint} (one of: {', '.join(map(str, allowed))})")


def _ready(given: dict[str, Any]) -> tuple[dict[str, np.ndarray], pd.Index] | None:
    """Return copies of the arguments where all are finite float arrays of one length, which need no reading."""
    arrays = list(given.values())
    if not all(type(array) is np.ndarray and array.dtype == np.float64 and array.ndim == 1 for array in arrays):
        return None
    if len({len(array) for array in arrays}) != 1 or not all(np.isfinite(array).all() for array in arrays):
        return None
    return {name: array.copy() for name, array in given.items()}, pd.RangeIndex(len(arrays[0]))


def _floats(name: str, series: pd.Series, index: pd.Index) -> np.ndarray:
    """Return a column as floats, NaN where missing; what is no number is named, never turned into one."""
    kind = series.dtype
    plain = pd.api.types.is_numeric_dtype(kind) and not pd.api.types.is_complex_dtype(kind)
    if plain and not pd.api.types.is_bool_dtype(kind):
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


def _plain(value: Any) -> Any:
    """Return numpy's scalars as Python's, which print as the user wrote them."""
    return value.item() if isinstance(value, np.generic) and not isinstance(value, np.datetime64) else value


def _column(data: pd.DataFrame | None, name: str, column: str) -> pd.Series:
    if data is None:
        raise InputError(f"{name}={column!r} names a column, but no data= was given")
    if column not in data.columns:
        choice(f"{name} (a column of data)", column, [str(c) for c in data.columns])
    found = data[column]
    if isinstance(found, pd.DataFrame):
        raise InputError(f"{name}={column!r}: data has {found.shape[1]} columns of that name; rename all but one")
    return found
