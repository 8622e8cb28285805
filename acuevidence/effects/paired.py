"""One group before and after: mean change, raw and standardised."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from acuevidence.effects.checks import known_vtype
from acuevidence.effects.continuous import hedges_j
from acuevidence.inputs import refuse

__all__ = ["pre_post"]


def pre_post(
    measure: str, a: dict[str, np.ndarray], index: pd.Index, *, vtype: str, correct: bool, **_: Any
) -> tuple[np.ndarray, np.ndarray]:
    """Return yi and vi of a mean change: raw, standardised by the SD of the changes (SMCC) or of the values before (SMCR).

    Parameters
    ----------
    measure : str
        Key of :data:`MEASURES`: MC SMCC SMCR.
    a : dict of ndarray
        Summaries by name, of one length: ``mean_pre, mean_post, sd_pre, sd_post, n`` and
        ``r``, the correlation between the values before and after.
    index : Index
        The caller's row labels, for messages.
    vtype, correct : str, bool
        As in :func:`effect_size`.

    Returns
    -------
    tuple of ndarray
        ``yi`` and ``vi``, as long as the summaries; sign after minus before.

    Raises
    ------
    InputError
        For impossible summaries, or a ``vtype`` the measure does not have.

    Notes
    -----
    Formulas as in metafor's escalc (Becker 1988; Gibbons et al 1993); see ``docs/effect_sizes.md``.
    """
    known_vtype(measure, vtype, {})
    n, r = a["n"], a["r"]
    refuse(n < 3 if measure != "MC" else n < 2, "n must be 2 or more (3 when standardised)", n, index)
    refuse(np.abs(r) >= 1, "r must lie between -1 and 1", r, index)
    for name in ("sd_pre", "sd_post"):
        if name in a:
            refuse(a[name] < 0, f"{name} must not be negative", a[name], index)
    change = a["mean_post"] - a["mean_pre"]
    j = hedges_j(n - 1) if correct else 1.0
    if measure == "SMCR":
        refuse(a["sd_pre"] == 0, "sd_pre is zero: there is nothing to standardise by", a["sd_pre"], index)
        yi = j * change / a["sd_pre"]
        return yi, 2 * (1 - r) / n + yi**2 / (2 * n)
    variance = a["sd_pre"] ** 2 + a["sd_post"] ** 2 - 2 * r * a["sd_pre"] * a["sd_post"]
    refuse(variance <= 0, "sd_pre and sd_post leave no spread of changes", a["sd_pre"], index)
    if measure == "MC":
        return change, variance / n
    yi = j * change / np.sqrt(variance)
    return yi, 1 / n + yi**2 / (2 * n)
