"""Events in person-time: rates of one group, and ratios and differences of two."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from acuevidence.effects.checks import known_vtype, where_to_add
from acuevidence.inputs import refuse

__all__ = ["one_rate", "two_rates"]


def two_rates(
    measure: str,
    a: dict[str, np.ndarray],
    index: pd.Index,
    *,
    vtype: str,
    add: float,
    to: str,
    drop_empty: bool,
    **_: Any,
) -> tuple[np.ndarray, np.ndarray]:
    """Return yi and vi of a measure of two incidence rates.

    IRR IRD IRSD, of ``events1, time1, events2, time2``; group 1 minus group 2. Formulas as in metafor's escalc; see
    ``docs/effect_sizes.md``.
    """
    known_vtype(measure, vtype, {})
    for group in ("1", "2"):
        refuse(a[f"time{group}"] <= 0, f"time{group} must be positive", a[f"time{group}"], index)
        refuse(a[f"events{group}"] < 0, f"events{group} must not be negative", a[f"events{group}"], index)
    none = (a["events1"] == 0) & (a["events2"] == 0)
    # The square root is defined at 0: nothing is added unless for all trials.
    to = "none" if measure == "IRSD" and to == "only0" else to
    more = where_to_add((a["events1"] == 0) | (a["events2"] == 0), to) * add
    e1, t1, e2, t2 = a["events1"] + more, a["time1"], a["events2"] + more, a["time2"]
    if measure == "IRD":
        yi, vi = e1 / t1 - e2 / t2, e1 / t1**2 + e2 / t2**2
    elif measure == "IRSD":
        yi, vi = np.sqrt(e1 / t1) - np.sqrt(e2 / t2), 1 / (4 * t1) + 1 / (4 * t2)
    else:
        with np.errstate(divide="ignore", invalid="ignore"):
            yi, vi = np.log(e1 / t1) - np.log(e2 / t2), 1 / e1 + 1 / e2
    if drop_empty:
        yi, vi = np.where(none, np.nan, yi), np.where(none, np.nan, vi)
    return yi, vi


def one_rate(
    measure: str, a: dict[str, np.ndarray], index: pd.Index, *, vtype: str, add: float, to: str, **_: Any
) -> tuple[np.ndarray, np.ndarray]:
    """Return yi and vi of an incidence rate: raw, log, square root, or Freeman and Tukey's mean of two roots.

    IR IRLN IRS IRFT, of ``events, time``; larger for more events. Formulas as in metafor's escalc; see
    ``docs/effect_sizes.md``.
    """
    known_vtype(measure, vtype, {})
    refuse(a["time"] <= 0, "time must be positive", a["time"], index)
    refuse(a["events"] < 0, "events must not be negative", a["events"], index)
    to = "none" if measure in ("IRS", "IRFT") and to == "only0" else to
    events, time = a["events"] + where_to_add(a["events"] == 0, to) * add, a["time"]
    if measure == "IR":
        return events / time, events / time**2
    if measure == "IRLN":
        with np.errstate(divide="ignore"):
            return np.log(events / time), 1 / events
    root = np.sqrt(events / time)
    return (root if measure == "IRS" else (root + np.sqrt((events + 1) / time)) / 2), 1 / (4 * time)
