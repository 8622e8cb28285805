"""What every measure refuses in the same words: counts beyond their totals, and variances it does not know."""

from __future__ import annotations

import numpy as np
import pandas as pd

from acuevidence.errors import InputError
from acuevidence.inputs import refuse

__all__ = ["counts", "known_vtype", "where_to_add"]


def counts(events: np.ndarray, n: np.ndarray, names: tuple[str, str], index: pd.Index) -> None:
    """Refuse totals below 1, negative events, and more events than people."""
    refuse(n < 1, f"{names[1]} must be 1 or more", n, index)
    refuse(events < 0, f"{names[0]} must not be negative", events, index)
    refuse(events > n, f"{names[0]} must not exceed {names[1]}", events, index)


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
