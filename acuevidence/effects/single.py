"""One group: a proportion and its transformations, or a mean."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from acuevidence.effects.checks import counts, known_vtype, where_to_add
from acuevidence.inputs import refuse

__all__ = ["one_count", "one_mean"]


def one_count(
    measure: str, a: dict[str, np.ndarray], index: pd.Index, *, vtype: str, add: float, to: str, **_: Any
) -> tuple[np.ndarray, np.ndarray]:
    """Return yi and vi of a proportion: raw, logit, arcsine, or Freeman-Tukey double arcsine.

    Parameters
    ----------
    measure : str
        Key of :data:`MEASURES`: PR PLO PAS PFT.
    a : dict of ndarray
        Summaries by name, of one length: ``events, n``.
    index : Index
        The caller's row labels, for messages.
    vtype, add, to : str, float, str
        As in :func:`effect_size`.

    Returns
    -------
    tuple of ndarray
        ``yi`` and ``vi``, as long as the summaries; sign larger for more events.

    Raises
    ------
    InputError
        For impossible summaries, or a ``vtype`` the measure does not have.

    Notes
    -----
    Formulas as in metafor's escalc; see ``docs/effect_sizes.md``.
    """
    counts(a["events"], a["n"], ("events", "n"), index)
    known_vtype(measure, vtype, {"PR": "LS AV"})
    events, n = a["events"], a["n"]
    # The angles are defined at 0 and 1: nothing is added unless for all trials.
    to = "none" if measure in ("PAS", "PFT") and to == "only0" else to
    more = where_to_add((events == 0) | (events == n), to) * add
    e, f = events + more, n - events + more
    total = e + f
    p = e / total
    if measure == "PR":
        mean = (total @ p) / total.sum() if vtype == "AV" else p
        return p, mean * (1 - mean) / total
    if measure == "PLO":
        with np.errstate(divide="ignore"):
            return np.log(e) - np.log(f), 1 / e + 1 / f
    if measure == "PAS":
        return np.arcsin(np.sqrt(p)), 1 / (4 * total)
    # Freeman and Tukey 1950, Annals of Mathematical Statistics 21:607-611.
    angle = np.arcsin(np.sqrt(e / (total + 1))) + np.arcsin(np.sqrt((e + 1) / (total + 1)))
    return angle / 2, 1 / (4 * total + 2)


def one_mean(
    measure: str, a: dict[str, np.ndarray], index: pd.Index, *, vtype: str, **_: Any
) -> tuple[np.ndarray, np.ndarray]:
    """Return the mean of one group and its variance, ``sd^2 / n``.

    Parameters
    ----------
    measure : str
        Key of :data:`MEASURES`: MN.
    a : dict of ndarray
        Summaries by name, of one length: ``mean, sd, n``.
    index : Index
        The caller's row labels, for messages.
    vtype : str
        As in :func:`effect_size`.

    Returns
    -------
    tuple of ndarray
        ``yi`` and ``vi``, as long as the summaries.

    Raises
    ------
    InputError
        For an SD that is not positive, n below 2, or a ``vtype`` the measure does not have.

    Notes
    -----
    As in metafor's escalc; see ``docs/effect_sizes.md``.
    """
    known_vtype(measure, vtype, {})
    refuse(a["sd"] <= 0, "sd must be positive", a["sd"], index)
    refuse(a["n"] < 2, "n must be 2 or more for a spread", a["n"], index)
    return a["mean"], a["sd"] ** 2 / a["n"]
