"""A forest plot as rows of a page: where each mark stands on a shared axis, in percent of its width."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from acuevidence.appraisal.mid import Mid
from acuevidence.synthesis import MetaAnalysis

__all__ = ["ForestRows", "Mark", "forest_rows"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """A row of the plot; positions are percent of the axis, cut at its ends.

    Attributes
    ----------
    trial : mapping
        The row of the result's data.
    estimate, ci_low, ci_high : float
        SMD; positive favours acupuncture.
    at, low, high : float
        Where they stand.
    cut : bool
        Whether the interval reaches beyond the axis.
    side : float
        Side of the square in pixels; its area is proportional to the weight.
    weight : float
        Percent.
    """

    trial: dict[str, Any]
    estimate: float
    ci_low: float
    ci_high: float
    at: float
    low: float
    high: float
    cut: bool
    side: float
    weight: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ForestRows:
    """The rows of a plot and its axis.

    Attributes
    ----------
    marks : list of Mark
        One a trial.
    ticks : list of tuple
        Value and position.
    zero, pooled, low, high, tip, pi_low, pi_high, mid_low, mid_high : float
        Positions of no effect, the pooled effect and its interval, the diamond's tip within itself, the prediction
        interval (NaN where there is none) and the band of minimal important differences.
    """

    marks: list[Mark]
    ticks: list[tuple[float, float]]
    zero: float
    pooled: float
    low: float
    high: float
    tip: float
    pi_low: float
    pi_high: float
    mid_low: float
    mid_high: float


def forest_rows(result: MetaAnalysis, band: Mid) -> ForestRows:
    """Return the rows of a forest plot.

    Parameters
    ----------
    result : MetaAnalysis
        With at least one trial.
    band : Mid
        The band of minimal important differences.

    Returns
    -------
    ForestRows
        Marks, axis and the pooled effect. The axis reaches 0.5 beyond the outermost estimates, at least from -1 to 1.5.
    """
    data = result.data
    first = math.floor(2 * min(-0.5, data["yi"].min())) / 2 - 0.5
    last = math.ceil(2 * max(1.0, data["yi"].max())) / 2 + 0.5

    def place(value: Any) -> float:
        return round(float(np.clip(100 * (float(value) - first) / (last - first), 0, 100)), 3)

    marks = [
        Mark(trial=row, estimate=row["yi"], ci_low=row["ci_low"], ci_high=row["ci_high"], at=place(row["yi"]),
             low=place(row["ci_low"]), high=place(row["ci_high"]),
             cut=row["ci_low"] < first or row["ci_high"] > last,
             side=round(4 + 14 * math.sqrt(weight / 100), 2), weight=float(weight))
        for row, weight in zip(data.to_dict("records"), result.weights, strict=True)
    ]  # fmt: skip
    prediction = [math.nan if limit is None else place(limit) for limit in (result.pi_low, result.pi_high)]
    low, high, at = place(result.ci_low), place(result.ci_high), place(result.estimate)
    return ForestRows(
        marks=marks, ticks=[(tick, place(tick)) for tick in range(math.ceil(first), math.floor(last) + 1)],
        zero=place(0), pooled=at, low=low, high=high, tip=100 * (at - low) / (high - low),
        pi_low=prediction[0], pi_high=prediction[1], mid_low=place(band.low), mid_high=place(band.high),
    )  # fmt: skip
