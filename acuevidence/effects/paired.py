"""Means before and after: the change of one group, raw, standardised or as a ratio, and the difference between two groups' changes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from acuevidence.effects.checks import known_vtype
from acuevidence.effects.continuous import hedges_j
from acuevidence.inputs import refuse

__all__ = ["pre_post", "pre_post_control"]

Array = np.ndarray


def pre_post(
    measure: str, a: dict[str, np.ndarray], index: pd.Index, *, vtype: str, correct: bool, **_: Any
) -> tuple[np.ndarray, np.ndarray]:
    """Return yi and vi of a change: raw, standardised, or the ratio of means, spreads or coefficients of variation.

    MC SMCC SMCR SMCRH SMCRP SMCRPH ROMC VRC CVRC, of ``mean_pre, mean_post, sd_pre, sd_post, n`` and ``r``, the correlation
    between the values before and after; after minus before. Formulas as in metafor's escalc (Becker 1988; Gibbons et al
    1993; Bonett 2008; Cousineau 2020; Lajeunesse 2011; Nakagawa et al 2015); see ``docs/effect_sizes.md``.
    """
    known_vtype(measure, vtype, {})
    n, r = a["n"], a["r"]
    refuse(n < 3 if measure in _STANDARDISED else n < 2, "n must be 2 or more (3 when standardised)", n, index)
    refuse(np.abs(r) >= 1, "r must lie between -1 and 1", r, index)
    for name in ("sd_pre", "sd_post"):
        if name in a:
            refuse(a[name] < 0, f"{name} must not be negative", a[name], index)
    if measure in ("ROMC", "VRC", "CVRC"):
        return _ratio(measure, a, index, correct)
    change = a["mean_post"] - a["mean_pre"]
    if measure == "SMCR":
        refuse(a["sd_pre"] == 0, "sd_pre is zero: there is nothing to standardise by", a["sd_pre"], index)
        yi = (hedges_j(n - 1) if correct else 1.0) * change / a["sd_pre"]
        return yi, 2 * (1 - r) / n + yi**2 / (2 * n)
    v1, v2 = a["sd_pre"] ** 2, a["sd_post"] ** 2
    variance = v1 + v2 - 2 * r * a["sd_pre"] * a["sd_post"]
    refuse(variance <= 0, "sd_pre and sd_post leave no spread of changes", a["sd_pre"], index)
    if measure == "MC":
        return change, variance / n
    if measure == "SMCRH":
        refuse(a["sd_pre"] == 0, "sd_pre is zero: there is nothing to standardise by", a["sd_pre"], index)
        yi = (hedges_j(n - 1) if correct else 1.0) * change / a["sd_pre"]
        return yi, variance / (v1 * (n - 1)) + yi**2 / (2 * (n - 1))
    if measure == "SMCC":
        yi = (hedges_j(n - 1) if correct else 1.0) * change / np.sqrt(variance)
        return yi, 1 / n + yi**2 / (2 * n)
    mean = (v1 + v2) / 2
    yi = (hedges_j(2 * (n - 1) / (1 + r**2)) if correct else 1.0) * change / np.sqrt(mean)
    if measure == "SMCRP":
        return yi, 2 * (1 - r) / n + yi**2 * (1 + r**2) / (4 * n)
    return yi, variance / (mean * (n - 1)) + yi**2 * (v1**2 + v2**2 + 2 * r**2 * v1 * v2) / (8 * mean**2 * (n - 1))


_STANDARDISED = ("SMCC", "SMCR", "SMCRH", "SMCRP", "SMCRPH")


def _ratio(measure: str, a: dict[str, Array], index: pd.Index, correct: bool) -> tuple[Array, Array]:
    """Return log ratios after to before; the covariance of the two sides is that of correlated values."""
    n, r = a["n"], a["r"]
    for name in ("sd_pre", "sd_post"):
        refuse(a[name] == 0, f"{name} must be positive for a ratio", a[name], index)
    spread, of_spread = np.log(a["sd_post"] / a["sd_pre"]), (1 - r**2) / (n - 1)
    if measure == "VRC":
        return spread, of_spread
    refuse(a["mean_pre"] * a["mean_post"] <= 0, "mean_pre and mean_post must be of one sign for a ratio", a["mean_pre"], index)
    c1, c2 = a["sd_post"] / a["mean_post"], a["sd_pre"] / a["mean_pre"]
    yi = np.log(a["mean_post"] / a["mean_pre"]) + ((c1**2 - c2**2) / (2 * n) if correct else 0.0)
    vi = (c1**2 + c2**2 - 2 * r * c1 * c2) / n
    return (yi, vi) if measure == "ROMC" else (spread - yi, of_spread + vi)


def pre_post_control(measure: str, a: dict[str, Array], index: pd.Index, **options: Any) -> tuple[Array, Array]:
    """Return yi and vi of the difference between the changes of two groups (a pretest-posttest-control design).

    MCD SMCCD SMCRD SMCRHD, of those of :func:`pre_post`, with 1 and 2 behind each; the change of group 1 minus that of
    group 2, whose variances add up. Each group's change is standardised by its own spread (Becker 1988; Morris 2008,
    Organizational Research Methods).
    """
    groups = [{name[:-1]: values for name, values in a.items() if name[-1] == group} for group in "12"]
    (y1, v1), (y2, v2) = (pre_post(measure[:-1], one, index, **options) for one in groups)
    return y1 - y2, v1 + v2
