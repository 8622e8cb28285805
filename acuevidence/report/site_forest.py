"""Forest plots as rows of a page: where each mark stands on a shared axis, in percent of its width."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from acuevidence.appraisal.thresholds import Mid
from acuevidence.synthesis import MetaAnalysis

__all__ = ["ForestRows", "Mark", "Strip", "Strips", "forest_rows", "strips"]

_FIGURE = re.compile(r"(-?[\d.,]*\d) \((-?[\d.,]*\d) to (-?[\d.,]*\d)")


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
        interval and the band of minimal important differences (NaN where there is none).
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


def forest_rows(result: MetaAnalysis, band: Mid | None) -> ForestRows:
    """Return the rows of a forest plot.

    Parameters
    ----------
    result : MetaAnalysis
        With at least one trial.
    band : Mid or None
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
        pi_low=prediction[0], pi_high=prediction[1], mid_low=math.nan if band is None else place(band.low),
        mid_high=math.nan if band is None else place(band.high),
    )  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Strip:
    """A line of an answer, with the intervals that stand in it.

    Attributes
    ----------
    name, text : str
        What it is about, and the rest of the line.
    spans : list of tuple
        Estimate, low and high end of each interval, in percent of the axis.
    aside : bool
        Whether it is a published result beside the answer's own.
    """

    name: str
    text: str
    spans: list[tuple[float, float, float]]
    aside: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Strips:
    """The lines of an answer on one axis.

    Attributes
    ----------
    rows : list of Strip
        One a line.
    ticks : list of tuple
        Label and position.
    zero : float
        Position of no difference, NaN on an axis of rates.
    band : tuple of float or None
        Ends of the minimal important difference, on an axis of standard deviations.
    axis : str
        What the axis shows, in words.
    """

    rows: list[Strip]
    ticks: list[tuple[str, float]]
    zero: float
    band: tuple[float, float] | None
    axis: str


def strips(own: Iterable[str], beside: Iterable[str], band: Mid) -> Strips | None:
    """Return the lines of an answer as a plot, or None where no line holds an interval.

    Parameters
    ----------
    own, beside : iterable of str
        Estimates and published results in words, ``name: ... estimate (low to high) ...``.
    band : Mid
        The band of minimal important differences.

    Returns
    -------
    Strips or None
        The rows on an axis of standard deviations from -1 to 1.5, of ratios or of rates (both log); what lies beyond is cut.

    Examples
    --------
    >>> import acuevidence as ae
    >>> plot = strips(["v sham: 6 trials, SMD 0.25 (-1.00 to 1.50)"], [], ae.mid("pain", "SMD"))
    >>> plot.rows[0].spans
    [(50.0, 0.0, 100.0)]
    """
    lines = [(line, False) for line in own] + [(line, True) for line in beside]
    words = " ".join(line for line, aside in lines if not aside)
    log = "per 10,000" in words or "ratio of" in words
    ticks = (
        [0.01, 1.0, 100.0, 10000.0]
        if "per 10,000" in words
        else [0.5, 1.0, 2.0]
        if log
        else [-1.0, -0.5, 0.0, 0.5, 1.0, 1.5]
    )
    ends = [math.log(t) if log else t for t in (ticks[0], ticks[-1])]

    def place(value: float) -> float:
        at = (math.log(max(value, 1e-9)) if log else value) - ends[0]
        return round(min(max(100 * at / (ends[1] - ends[0]), 0.0), 100.0), 3)

    rows = [_strip(line, aside, place) for line, aside in lines]
    if not any(row.spans for row in rows if not row.aside):
        return None
    axis = "standard deviations; right of 0: better with acupuncture"
    if log:
        axis = (
            "events per 10,000 (log axis)"
            if len(ticks) == 4
            else "ratio; right of 1: more spread with acupuncture (log axis)"
        )
    return Strips(
        rows=rows, ticks=[(f"{t:,.10g}", place(t)) for t in ticks], zero=math.nan if len(ticks) == 4 else place(1.0 if log else 0.0),
        band=None if log else (place(band.low), place(band.high)), axis=axis,
    )  # fmt: skip


def _strip(line: str, aside: bool, place: Any) -> Strip:
    name, _, text = line.partition(": ")
    found = [] if "tau2" in text or "%)" in text else _FIGURE.findall(text)
    spans = [tuple(place(float(part.replace(",", ""))) for part in three) for three in found]
    return Strip(name=name, text=text, spans=spans, aside=aside)
