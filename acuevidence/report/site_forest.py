"""Forest plots as rows of a page: where each mark stands on a shared axis, in percent of its width."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from acuevidence.appraisal.thresholds import Mid
from acuevidence.report.reading import Reading
from acuevidence.verdicts.answer import Estimate

__all__ = ["ForestRows", "Mark", "Strip", "Strips", "forest_rows", "strips"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """A row of the plot; positions are percent of the axis, cut at its ends.

    Attributes
    ----------
    trial : mapping
        The row of the result's data.
    estimate, ci_low, ci_high : float
        SMD; positive favours the treatment.
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
    zero, low, high, tip, pi_low, pi_high, mid : float
        Positions of no effect, the interval of the pooled effect, the diamond's tip within it, the prediction interval and the
        smallest important difference; NaN where there is none: fewer than three trials have no diamond.
    """

    marks: list[Mark]
    ticks: list[tuple[float, float]]
    zero: float
    low: float
    high: float
    tip: float
    pi_low: float
    pi_high: float
    mid: float


def forest_rows(read: Reading) -> ForestRows:
    """Return the rows of a forest plot.

    Parameters
    ----------
    read : Reading
        A pooled effect of one trial or more, and what is printed of it.

    Returns
    -------
    ForestRows
        Marks, axis and the headline. The axis reaches 0.5 beyond the outermost estimates, at least from -1 to 1.5.
    """
    result, data = read.result, read.result.data
    first = math.floor(2 * min(-0.5, data["yi"].min())) / 2 - 0.5
    last = math.ceil(2 * max(1.0, data["yi"].max())) / 2 + 0.5

    def place(value: Any) -> float:
        return round(float(np.clip(100 * (float(value) - first) / (last - first), 0, 100)), 3)

    marks = [
        Mark(
            trial=row,
            estimate=row["yi"],
            ci_low=row["ci_low"],
            ci_high=row["ci_high"],
            at=place(row["yi"]),
            low=place(row["ci_low"]),
            high=place(row["ci_high"]),
            cut=row["ci_low"] < first or row["ci_high"] > last,
            side=round(4 + 14 * math.sqrt(weight / 100), 2),
            weight=float(weight),
        )
        for row, weight in zip(data.to_dict("records"), result.weights, strict=True)
    ]
    shown = read.headline
    pooled = result.k > 2 and shown.estimate is not None
    low, high, at = (math.nan if not pooled or x is None else place(x) for x in (shown.ci_low, shown.ci_high, shown.estimate))
    ahead = [math.nan if x is None else place(x) for x in (shown.pi_low, shown.pi_high)]
    return ForestRows(
        marks=marks,
        ticks=[(tick, place(tick)) for tick in range(math.ceil(first), math.floor(last) + 1)],
        zero=place(0),
        low=low,
        high=high,
        tip=100 * (at - low) / (high - low) if pooled and high > low else 50.0,
        pi_low=ahead[0],
        pi_high=ahead[1],
        mid=math.nan if shown.threshold is None else place(shown.threshold),
    )


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


@dataclass(frozen=True, slots=True, kw_only=True)
class _Axis:
    """The axis of a scale.

    Attributes
    ----------
    ticks : tuple of float
        Values; the first and the last are its ends.
    log : bool
        Whether it is logarithmic.
    words : str
        What it shows; ``{treatment}`` stands for the treatment.
    zero : float
        No difference; NaN where there is none.
    """

    ticks: tuple[float, ...]
    log: bool
    words: str
    zero: float = math.nan

    def place(self, value: float) -> float:
        """Return where a value stands, in percent of the axis, cut at its ends."""
        first, last, at = map(self._drawn, (self.ticks[0], self.ticks[-1], value))
        return round(min(max(100 * (at - first) / (last - first), 0.0), 100.0), 3)

    def _drawn(self, value: float) -> float:
        return math.log(max(value, 1e-9)) if self.log else value


_AXES = {
    "sd": _Axis(
        ticks=(-1.0, -0.5, 0.0, 0.5, 1.0, 1.5),
        log=False,
        words="standard deviations; right of 0: better with {treatment}",
        zero=0.0,
    ),
    "ratio": _Axis(
        ticks=(0.5, 1.0, 2.0),
        log=True,
        words="ratio; right of 1: more spread with {treatment} (log axis)",
        zero=1.0,
    ),
    "rate": _Axis(ticks=(0.01, 1.0, 100.0, 10000.0), log=True, words="events per 10,000 (log axis)"),
    "share": _Axis(ticks=(-0.5, 0.0, 0.5, 1.0, 1.5), log=False, words="share", zero=0.0),
    "per 100": _Axis(ticks=(0.0, 25.0, 50.0, 75.0, 100.0), log=False, words="patients of 100 who respond"),
    "tau2": _Axis(ticks=(0.0, 0.5, 1.0), log=False, words="variance of the true effects, tau2"),
    "slope": _Axis(ticks=(-1.0, -0.5, 0.0, 0.5, 1.0), log=False, words="standard deviations per unit; right of 0: rises", zero=0.0),
}


def strips(estimates: Iterable[Estimate], band: Mid | None, treatment: str = "treatment") -> Strips | None:
    """Return the estimates of an answer as a plot, or None where none has an interval.

    Parameters
    ----------
    estimates : iterable of Estimate
        The answer's own and those beside it.
    band : Mid or None
        The band of minimal important differences.
    treatment : str
        The treatment in words.

    Returns
    -------
    Strips or None
        The rows on the axis of the first of the answer's own estimates with an interval; what lies beyond is cut, and estimates on
        another scale stand as words.

    Examples
    --------
    >>> import acuevidence as ae
    >>> from acuevidence.verdicts.answer import Estimate
    >>> plot = strips([Estimate("v sham", 0.25, -1.0, 1.5)], ae.mid("pain", "SMD"))
    >>> plot.rows[0].spans, plot.rows[0].text
    ([(50.0, 0.0, 100.0)], '0.25 (-1.00 to 1.50)')
    """
    lines = list(estimates)
    scale = next((one.scale for one in lines if one.bounded and not one.aside), None)
    if scale is None:
        return None
    axis = _AXES[scale]
    return Strips(
        rows=[_strip(one, scale, axis) for one in lines],
        ticks=[(f"{t:,.10g}", axis.place(t)) for t in axis.ticks],
        zero=axis.place(axis.zero) if math.isfinite(axis.zero) else math.nan,
        band=(axis.place(band.low), axis.place(band.high)) if scale == "sd" and band is not None else None,
        axis=axis.words.format(treatment=treatment),
    )


def _strip(one: Estimate, scale: str, axis: _Axis) -> Strip:
    drawn = one.bounded and one.scale == scale
    spans = [(axis.place(one.estimate), axis.place(one.low), axis.place(one.high))] if drawn else []
    return Strip(name=one.label, text=one.text.removeprefix(f"{one.label}: "), spans=spans, aside=one.aside)
