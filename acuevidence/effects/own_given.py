"""Rows of a user's own table that give the effect itself: its scale, and its variance from whatever measure of precision stands beside."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from scipy.special import ndtri

from acuevidence.effects.measures import RATIOS
from acuevidence.effects.own_table import OwnTable
from acuevidence.effects.precision import from_p
from acuevidence.errors import InputError
from acuevidence.inputs import refuse

__all__ = ["SCALE", "from_given"]

SCALE = {"OR2D": "SMD", "D2OR": "OR"}  # on which scale the answer of a conversion stands
_FACTOR = float(np.sqrt(3) / np.pi)
_DIFFERENCES = ("SMD", "SMDH", "MD", "MC", "SMCC", "SMCR")


def from_given(table: OwnTable, rows: pd.DataFrame, way: str, measure: str, level: float) -> tuple[Any, Any, Any]:
    """Return effects, variances and how they came about, of rows that give the effect itself with some measure of its precision."""
    labels = pd.Index(table.place.labels[rows.index])
    rows = rows.reindex(columns=["yi", "ratio", "vi", "se", "ci_low", "ci_high", "p", "t", "n1", "n2", "study"])
    scale = table.scale[rows.index].replace("", SCALE.get(measure, measure))
    ratio = scale.isin(RATIOS)
    effect = "ratio" if way == "ratios" else "yi"
    _ask_for_logarithms(table, rows, way, ratio)
    cells = {c: rows[c].to_numpy(dtype=float) for c in ("yi", "ratio", "vi", "se", "ci_low", "ci_high", "p", "t", "n1", "n2")}
    low, high = cells["ci_low"], cells["ci_high"]
    refuse(high <= low, "ci_high must be above ci_low", high, labels)
    refuse(cells["vi"] <= 0, "vi must be positive", cells["vi"], labels)
    refuse(cells["se"] <= 0, "se must be positive", cells["se"], labels)
    refuse((cells["p"] <= 0) | (cells["p"] >= 1), "p must lie between 0 and 1", cells["p"], labels)
    outside = (cells[effect] < low) | (cells[effect] > high)
    refuse(outside, f"{effect} must lie within ci_low and ci_high", cells[effect], labels)
    if way == "ratios":
        for name in ("ratio", "ci_low", "ci_high"):
            refuse(cells[name] <= 0, f"{name} must be positive, on the natural scale of the ratio", cells[name], labels)
        low, high, middle = np.log(low), np.log(high), np.log(cells["ratio"])
    else:
        middle = np.where(np.isnan(cells["yi"]), (low + high) / 2, cells["yi"])
    vi, source = _precision(middle, cells, low, high, scale, level)
    rule = f"{effect} and its precision give no variance (an effect of zero tells nothing by its P value or t)"
    refuse(~((vi > 0) & np.isfinite(vi)), rule, cells[effect], labels)
    off = np.abs(middle - (low + high) / 2) > 0.1 * (high - low) / 2
    table.note_rows(rows.index[off], "the interval is not centred on its estimate (of which scale is it?)")
    factor, converted = _to_measure(table, rows, scale, measure)
    how = f"{SCALE.get(measure, measure)} as given, precision from its " + source + converted
    return middle * factor, vi * factor**2, how


def _ask_for_logarithms(table: OwnTable, rows: pd.DataFrame, way: str, ratio: pd.Series) -> None:
    """Refuse ratios of which the table does not say whether they stand as such or as logarithms."""
    if way == "ratios":
        if not ratio.all():
            row = ratio.index[~ratio][0]
            raise InputError(
                f"{table.row(row)} gives a ratio; which? Say measure='OR', 'RR', 'HR' or 'IRR', or add a column 'measure'"
            )
        return
    if not ratio.any():
        return
    there = rows[ratio]
    limits = there[["ci_low", "ci_high"]].notna().all(axis=1)
    middle = there["yi"]
    with np.errstate(invalid="ignore", divide="ignore"):
        low, high = there["ci_low"], there["ci_high"]
        skew = (middle - (low + high) / 2).abs() > 0.05 * (high - low) / 2
        geometric = (np.log(middle) - (np.log(low) + np.log(high)) / 2).abs() < 0.05 * (np.log(high) - np.log(low)) / 2
    doubt = limits & (middle.isna() | ((low > 0) & skew & geometric))
    if doubt.any() or table.understood.unsure:
        row = doubt.idxmax() if doubt.any() else there.index[0]
        name = table.understood.named.get("yi", table.understood.named.get("ci_low", "yi"))
        raise InputError(
            f"{table.row(row)}: is {name!r} the ratio or its logarithm? Say columns={{'ratio': {name!r}}} or columns={{'yi': {name!r}}} "
            "(with limits on the same scale)"
        )


def _precision(
    middle: np.ndarray, cells: dict[str, np.ndarray], low: np.ndarray, high: np.ndarray, scale: pd.Series, level: float
) -> tuple[np.ndarray, np.ndarray]:
    df = np.where(scale.isin(_DIFFERENCES), cells["n1"] + cells["n2"] - 2, np.nan)
    by_p = np.full(len(middle), np.nan)
    for t_test in (True, False):
        rows = np.isfinite(cells["p"]) & (middle != 0) & (np.isfinite(df) & (df > 0) if t_test else ~(np.isfinite(df) & (df > 0)))
        if rows.any():
            by_p[rows] = from_p(middle[rows], cells["p"][rows], df=df[rows] if t_test else None)["vi"]
    with np.errstate(divide="ignore", invalid="ignore"):
        by_t = (middle / cells["t"]) ** 2
    ways = {
        "variance": cells["vi"],
        "SE": cells["se"] ** 2,
        "interval": ((high - low) / (2 * float(ndtri(0.5 + level / 2)))) ** 2,
        "P value": by_p,
        "test statistic": by_t,
    }
    vi, source = np.full(len(middle), np.nan), np.full(len(middle), "", dtype=object)
    for name, value in ways.items():
        rows = np.isnan(vi) & np.isfinite(value)
        vi[rows], source[rows] = value[rows], name
    return vi, source


def _to_measure(table: OwnTable, rows: pd.DataFrame, scale: pd.Series, measure: str) -> tuple[np.ndarray, np.ndarray]:
    """Return the factor from each row's scale to that of the answer; only odds ratios and standardised differences have one."""
    wanted = SCALE.get(measure, measure)
    factors = {("OR", "SMD"): _FACTOR, ("SMD", "OR"): 1 / _FACTOR}
    factor, said = np.ones(len(rows)), np.full(len(rows), "", dtype=object)
    for i, (row, own) in enumerate(scale.items()):
        own = SCALE.get(own, own)
        if own == wanted:
            continue
        if (own, wanted) not in factors:
            raise InputError(f"{table.row(row)} gives {own}, which is no {wanted}; leave it out or change measure")
        factor[i], said[i] = factors[own, wanted], f", {own} by the logistic conversion"
    return factor, said
