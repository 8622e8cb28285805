"""Two groups of events in person-time: the incidence rate ratio."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from acuevidence.effects.checks import known_vtype, where_to_add
from acuevidence.inputs import refuse

__all__ = ["rate_ratio"]


def rate_ratio(
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
    """Return the log incidence rate ratio and its variance, 1/events1 + 1/events2.

    Parameters
    ----------
    measure : str
        Key of :data:`MEASURES`: IRR.
    a : dict of ndarray
        Summaries by name, of one length: ``events1, time1, events2, time2``.
    index : Index
        The caller's row labels, for messages.
    vtype, add, to, drop_empty : str, float, str, bool
        As in :func:`effect_size`.

    Returns
    -------
    tuple of ndarray
        ``yi`` and ``vi``, as long as the summaries; sign group 1 minus group 2.

    Raises
    ------
    InputError
        For impossible summaries, or a ``vtype`` the measure does not have.

    Notes
    -----
    Formulas as in metafor's escalc; see ``docs/effect_sizes.md``.
    """
    known_vtype(measure, vtype, {})
    for group in ("1", "2"):
        refuse(a[f"time{group}"] <= 0, f"time{group} must be positive", a[f"time{group}"], index)
        refuse(a[f"events{group}"] < 0, f"events{group} must not be negative", a[f"events{group}"], index)
    none = (a["events1"] == 0) & (a["events2"] == 0)
    more = where_to_add((a["events1"] == 0) | (a["events2"] == 0), to) * add
    e1, e2 = a["events1"] + more, a["events2"] + more
    with np.errstate(divide="ignore", invalid="ignore"):
        yi, vi = np.log(e1 / a["time1"]) - np.log(e2 / a["time2"]), 1 / e1 + 1 / e2
    if drop_empty:
        yi, vi = np.where(none, np.nan, yi), np.where(none, np.nan, vi)
    return yi, vi
