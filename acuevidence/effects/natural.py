"""The natural scale of an effect that is analysed on another: ratios, proportions, rates, correlations."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from acuevidence.effects.measures import MEASURES

__all__ = ["Natural", "inverse_freeman_tukey", "inverse_root_rate", "measure_of", "natural_scale"]


@dataclass(frozen=True, slots=True)
class Natural:
    """A natural scale.

    Attributes
    ----------
    word : str
        What it is: ``ratio``, ``proportion``, ``rate`` ...
    back : callable
        From the scale of analysis to it.
    ratio : bool
        Whether it is a ratio of two groups.
    """

    word: str
    back: Callable[[Any], Any]
    ratio: bool


def measure_of(data: pd.DataFrame) -> str:
    """Return the measure that all rows of a table name in their column ``effect``; empty where there is none."""
    names = data["effect"].dropna().unique() if "effect" in data else []
    return str(names[0]) if len(names) == 1 else ""


def natural_scale(measure: str, data: pd.DataFrame | None = None) -> Natural | None:
    """Return the natural scale of a measure; None where effects stand on it already, or where it cannot be known.

    Parameters
    ----------
    measure : str
        A code of :data:`MEASURES`, or any other name, which has no natural scale.
    data : DataFrame, optional
        The trials: Freeman and Tukey's transformations need the harmonic mean of their ``n`` (PFT) or ``time`` (IRFT).
    """
    known = MEASURES.get(measure)
    if known is None:
        return None
    if known.back is not None:
        return Natural(known.scale, known.back, known.ratio)
    sizes = {"PFT": ("n", inverse_freeman_tukey), "IRFT": ("time", inverse_root_rate)}
    if measure not in sizes or data is None or sizes[measure][0] not in data:
        return None
    column, back = sizes[measure]
    size = data[column].to_numpy(dtype=float)
    if not (np.isfinite(size) & (size > 0)).all():
        return None
    return Natural(known.scale, partial(back, m=len(size) / (1 / size).sum()), known.ratio)


def inverse_freeman_tukey(y: Any, m: float) -> np.ndarray:
    """Return proportions from their double arcsines at the sample size m (Miller 1978, The American Statistician)."""
    low, high = np.arcsin(np.sqrt(1 / (m + 1))) / 2, (np.arcsin(np.sqrt(m / (m + 1))) + np.pi / 2) / 2
    y = np.asarray(y, dtype=float)
    inside = np.clip(y, low, high)
    s = np.sin(2 * inside)
    root = np.sqrt(np.maximum(1 - (s + (s - 1 / s) / m) ** 2, 0))
    p = 0.5 * (1 - np.sign(np.cos(2 * inside)) * root)
    return np.where(y <= low, 0.0, np.where(y >= high, 1.0, p))


def inverse_root_rate(y: Any, m: float) -> np.ndarray:
    """Return rates from Freeman and Tukey's mean of two roots at the person-time m: ``(y - 1 / (4 m y))^2``."""
    y = np.asarray(y, dtype=float)
    low = 0.5 / np.sqrt(m)
    inside = np.maximum(y, low)
    return np.where(np.isnan(y), np.nan, (inside - 1 / (4 * m * inside)) ** 2)
