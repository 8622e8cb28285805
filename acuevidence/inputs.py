"""How every public function reads its numbers: scalars, lists, arrays, Series, or column names with ``data=``.

Knows nothing of evidence or statistics. Every complaint names the argument, the row (by the caller's
index label) and the fix.
"""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
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
    found: dict[str, Any] = {}
    index: pd.Index | None = data.index if data is not None else None
    origin = "data"
    for name, value in given.items():
        if value is None:
            continue
        if isinstance(value, str):
            value = _column(data, name, value)
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
            elif value.ndim != 1:
                raise InputError(f"{name} must be one-dimensional, not of shape {value.shape}")
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
    found, index = values(data, **given)
    arrays = {}
    for name, series in found.items():
        numbers = pd.to_numeric(series, errors="coerce") if series.dtype == object else series
        try:
            array = numbers.to_numpy(dtype=float, na_value=np.nan)
        except (TypeError, ValueError):
            raise InputError(f"{name} must be numbers, not {series.dtype}") from None
        refuse(np.isnan(array) & series.notna().to_numpy(), f"{name} must be a number", series, index)
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
    shown = np.broadcast_to(np.asarray(given, dtype=object), (len(index),))
    named = ", ".join(f"row {index[i]!r} has {shown[i]!r}" for i in rows[:5])
    more = f" and {len(rows) - 5} more" if len(rows) > 5 else ""
    raise InputError(f"{rule}: {named}{more}")


def choice(name: str, value: Any, allowed: Mapping[str, Any] | tuple[str, ...] | list[str]) -> str:
    """Return ``value`` if it is one of ``allowed``, else raise an InputError that lists them."""
    if value in allowed:
        return str(value)
    close = get_close_matches(str(value), list(allowed), n=1)
    hint = f"; did you mean {close[0]!r}?" if close else ""
    raise InputError(f"{name}={value!r} is not known{hint} (one of: {', '.join(map(str, allowed))})")


def _column(data: pd.DataFrame | None, name: str, column: str) -> pd.Series:
    if data is None:
        raise InputError(f"{name}={column!r} names a column, but no data= was given")
    if column not in data.columns:
        choice(f"{name} (a column of data)", column, [str(c) for c in data.columns])
    found = data[column]
    if isinstance(found, pd.DataFrame):
        raise InputError(f"{name}={column!r}: data has {found.shape[1]} columns of that name; rename all but one")
    return found
