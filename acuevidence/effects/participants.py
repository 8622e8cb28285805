"""How many people stand behind effects: of each trial, and of all together where some trials do not say."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from acuevidence.errors import InputError

__all__ = ["Counted", "counted", "participants"]


class Counted(NamedTuple):
    """The participants of several trials together.

    Attributes
    ----------
    n : float
        Those that are printed, NaN where no trial prints any.
    complete : bool
        Whether every trial prints them on both sides.
    """

    n: float
    complete: bool

    def text(self, least: str = "at least ") -> str:
        """Return the number in words, with ``least`` before it where a trial does not print it; empty without any."""
        return f"{'' if self.complete else least}{int(self.n):,}" if math.isfinite(self.n) else ""


def counted(data: pd.DataFrame) -> Counted:
    """Return the participants on both sides of all trials.

    Parameters
    ----------
    data : DataFrame
        Rows of trials; ``n1`` and ``n2`` are read where they are columns.

    Returns
    -------
    Counted

    Examples
    --------
    >>> import pandas as pd
    >>> counted(pd.DataFrame({"n1": [20, 30], "n2": [20, None]})).text()
    'at least 70'
    """
    sides = data.reindex(columns=["n1", "n2"]).astype(float)
    known = sides.notna().to_numpy()
    return Counted(float(sides.sum().sum()) if known.any() else math.nan, bool(known.all()))


def participants(result: Any) -> np.ndarray:
    """Return the participants of each trial, from ``n`` or from ``n1`` and ``n2`` of its data."""
    data = result.data
    if "n" in data:
        n = data["n"]
    elif {"n1", "n2"} <= set(data.columns):
        n = data["n1"] + data["n2"]
    else:
        raise InputError("participants are not known: give n= to meta_analysis, or data with n1 and n2")
    found = pd.to_numeric(n, errors="coerce").to_numpy(dtype=float, na_value=np.nan)
    if np.isnan(found).any() or (found <= 0).any():
        rows = ", ".join(map(repr, data.index[~(found > 0)][:5]))
        raise InputError(f"participants are missing or not positive in row {rows}; leave these trials out or give n=")
    return found
