"""What every measure and conversion refuses in the same words, and the shape in which conversions answer."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
import pandas as pd

from acuevidence.errors import InputError
from acuevidence.inputs import refuse

__all__ = ["Values", "correlation", "counts", "known_vtype", "like", "share", "spreads", "where_to_add"]

Values: TypeAlias = float | pd.Series | np.ndarray  # as was given: a number, a Series, an array


def counts(events: np.ndarray, n: np.ndarray, names: tuple[str, str], index: pd.Index) -> None:
    """Refuse totals below 1, negative events, and more events than people."""
    refuse(n < 1, f"{names[1]} must be 1 or more", n, index)
    refuse(events < 0, f"{names[0]} must not be negative", events, index)
    refuse(events > n, f"{names[0]} must not exceed {names[1]}", events, index)


def spreads(arrays: dict[str, np.ndarray], index: pd.Index, *names: str) -> None:
    """Refuse negative standard deviations or errors."""
    for name in names:
        refuse(arrays[name] < 0, f"{name} must not be negative", arrays[name], index)


def correlation(r: np.ndarray, index: pd.Index, name: str = "r") -> None:
    """Refuse correlations of -1, 1 and beyond."""
    refuse(np.abs(r) >= 1, f"{name} must lie between -1 and 1", r, index)


def share(p: np.ndarray, name: str, index: pd.Index) -> None:
    """Refuse probabilities of 0, 1 and beyond."""
    refuse(~((p > 0) & (p < 1)), f"{name} must lie between 0 and 1", p, index)


def known_vtype(measure: str, vtype: str, known: dict[str, str]) -> None:
    """Refuse a variance type that a measure does not have."""
    allowed = known.get(measure, "LS").split()
    if vtype not in allowed:
        raise InputError(f"measure {measure!r} has no vtype={vtype!r} (it has: {', '.join(allowed)})")


def where_to_add(empty: np.ndarray, to: str) -> np.ndarray:
    """Return the trials whose cells are added to; ``empty`` marks those with an empty cell."""
    if to == "all" or (to == "if0all" and empty.any()):
        return np.ones(len(empty), dtype=bool)
    return empty if to == "only0" else np.zeros(len(empty), dtype=bool)


def like(values: np.ndarray, index: pd.Index, *given: Any) -> Values:
    """Return a float for scalars, a Series for Series and column names, and an array for the rest."""
    if all(value is None or (np.isscalar(value) and not isinstance(value, str)) for value in given):
        return float(values[0])
    if any(isinstance(value, (pd.Series, str)) for value in given):
        return pd.Series(values, index=index)
    return values
