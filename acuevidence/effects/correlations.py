"""One group, two quantities: the correlation, plain or partial, as it is or as Fisher's z."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from acuevidence.effects.checks import correlation, known_vtype
from acuevidence.inputs import refuse

__all__ = ["one_correlation", "partial_correlation"]


def one_correlation(
    measure: str, a: dict[str, np.ndarray], index: pd.Index, *, vtype: str, **_: Any
) -> tuple[np.ndarray, np.ndarray]:
    """Return yi and vi of a correlation: raw, or by Fisher's transformation.

    COR ZCOR, of ``r, n``. COR: ``vi = (1 - r^2)^2 / (n - 1)``, under ``AV`` with the mean correlation, weighted by n, in
    place of r; ZCOR: ``yi = atanh r``, ``vi = 1 / (n - 3)`` (Fisher 1921). As in metafor's escalc; see
    ``docs/effect_sizes.md``.
    """
    known_vtype(measure, vtype, {"COR": "LS AV"})
    r, n = a["r"], a["n"]
    correlation(r, index)
    refuse(n < 4, "n must be 4 or more for a correlation", n, index)
    if measure == "ZCOR":
        return np.arctanh(r), 1 / (n - 3)
    mean = (n @ r) / n.sum() if vtype == "AV" else r
    return r, (1 - mean**2) ** 2 / (n - 1)


def partial_correlation(
    measure: str, a: dict[str, np.ndarray], index: pd.Index, *, vtype: str, **_: Any
) -> tuple[np.ndarray, np.ndarray]:
    """Return yi and vi of a partial correlation: raw, or by Fisher's transformation.

    PCOR ZPCOR, of ``r`` or ``t`` (the test of the coefficient), ``n``, and ``m``, the predictors in the regression, the one
    of interest among them. ``r = t / sqrt(t^2 + n - m - 1)``. PCOR: ``vi = (1 - r^2)^2 / (n - m)``, under ``AV`` with the
    mean correlation, weighted by n; ZPCOR: ``yi = atanh r``, ``vi = 1 / (n - m - 2)`` (Aloe and Thompson 2013, Journal of
    the Society for Social Work and Research). As in metafor's escalc; with one predictor these are COR and ZCOR.
    """
    known_vtype(measure, vtype, {"PCOR": "LS AV"})
    n, m = a["n"], a["m"]
    refuse(m < 1, "m must be 1 or more, the predictor of interest among them", m, index)
    refuse(n < m + 3, "n must exceed m by 3 or more", n, index)
    r = a["r"] if "r" in a else a["t"] / np.sqrt(a["t"] ** 2 + n - m - 1)
    correlation(r, index)
    if measure == "ZPCOR":
        return np.arctanh(r), 1 / (n - m - 2)
    mean = (n @ r) / n.sum() if vtype == "AV" else r
    return r, (1 - mean**2) ** 2 / (n - m)
