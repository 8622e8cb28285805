"""One group: a proportion and its transformations, or a mean or spread."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from acuevidence.effects.checks import counts, known_vtype, where_to_add
from acuevidence.effects.continuous import hedges_j
from acuevidence.inputs import refuse

__all__ = ["one_count", "one_mean"]


def one_count(
    measure: str, a: dict[str, np.ndarray], index: pd.Index, *, vtype: str, add: float, to: str, **_: Any
) -> tuple[np.ndarray, np.ndarray]:
    """Return yi and vi of a proportion: raw, log, logit, arcsine, or Freeman-Tukey double arcsine.

    PR PLN PLO PAS PFT, of ``events, n``; larger for more events. Formulas as in metafor's escalc; see
    ``docs/effect_sizes.md``.
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
    if measure == "PLN":
        with np.errstate(divide="ignore"):
            return np.log(p), 1 / e - 1 / total
    if measure == "PLO":
        with np.errstate(divide="ignore"):
            return np.log(e) - np.log(f), 1 / e + 1 / f
    if measure == "PAS":
        return np.arcsin(np.sqrt(p)), 1 / (4 * total)
    # Freeman and Tukey 1950, Annals of Mathematical Statistics.
    angle = np.arcsin(np.sqrt(e / (total + 1))) + np.arcsin(np.sqrt((e + 1) / (total + 1)))
    return angle / 2, 1 / (4 * total + 2)


def one_mean(
    measure: str, a: dict[str, np.ndarray], index: pd.Index, *, vtype: str, correct: bool, **_: Any
) -> tuple[np.ndarray, np.ndarray]:
    """Return yi and vi of the mean of one group, raw, log or standardised, or of its spread.

    MN MNLN SMN SDLN CVLN, of ``mean, sd, n``. As in metafor's escalc (Nakagawa et al 2015 for SDLN and CVLN); see
    ``docs/effect_sizes.md``.
    """
    known_vtype(measure, vtype, {})
    sd, n = a["sd"], a["n"]
    refuse(sd <= 0, "sd must be positive", sd, index)
    refuse(n < 2, "n must be 2 or more for a spread", n, index)
    free = 2 * (n - 1)
    if measure == "SDLN":
        return np.log(sd) + (1 / free if correct else 0.0), 1 / free
    mean = a["mean"]
    if measure == "MN":
        return mean, sd**2 / n
    if measure == "SMN":
        refuse(n < 3, "n must be 3 or more to be standardised", n, index)
        yi = (hedges_j(n - 1) if correct else 1.0) * mean / sd
        return yi, 1 / n + yi**2 / (2 * n)
    refuse(mean <= 0, "mean must be positive for a logarithm", mean, index)
    relative = sd**2 / (n * mean**2)
    if measure == "MNLN":
        return np.log(mean), relative
    return np.log(sd / mean) + (1 / free if correct else 0.0), 1 / free + relative
