"""The rows of a forest plot: trials, pooled effects, and the lines on heterogeneity, from a result or a frame of results."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import ndtri

from acuevidence.appraisal.in_words import method_words
from acuevidence.effects.marks import marks_of
from acuevidence.plots.parts.canvas import Column, Row
from acuevidence.plots.parts.style import COLOURS, Layout
from acuevidence.topic import topic_of
from acuevidence.words import number

__all__ = [
    "Shown",
    "headline_of",
    "interval_text",
    "is_common",
    "rows_of_frame",
    "rows_of_result",
]


@dataclass(frozen=True, slots=True)
class Shown:
    """What the rows show and how.

    Attributes
    ----------
    layout : Layout
        The journal's.
    columns : list of Column
        Filled text columns.
    ratio : bool
        Whether yi is a log ratio, printed as the ratio.
    single : bool
        Whether the figure has the width of a single column.
    certainty : bool
        Whether the certainty of each pooled effect is printed.
    prediction : bool
        Whether prediction intervals are drawn.
    digits : int
        Decimals of effects.
    mids : bool
        Whether each pool's own threshold is drawn, where one is published.
    beside : DataFrame, optional
        Published effects, drawn below those of the same comparator.
    back : callable, optional
        From the scale of analysis to the one that is printed, of effects that are no ratios.
    tested : bool
        Whether there is a value of no effect to test against.
    """

    layout: Layout
    columns: list[Column]
    ratio: bool
    single: bool
    certainty: bool
    prediction: bool
    digits: int = 2
    mids: bool = False
    beside: pd.DataFrame | None = None
    back: Callable[[Any], Any] | None = None
    tested: bool = True

    def effect(self, estimate: float, low: float, high: float) -> str:
        """Return an effect with its interval as the layout prints it."""
        if self.back is not None:
            estimate, low, high = (float(self.back(value)) for value in (estimate, low, high))
        return interval_text(estimate, low, high, self.layout, self.ratio, self.digits)


def rows_of_result(result: Any, groups: list[tuple[str, Any]], shown: Shown) -> list[Row]:
    """Return the rows of a result: for every group its trials, its pooled effect and what is said of it."""
    rows: list[Row] = []
    start, topic = 0, topic_of(result)
    for name, one in groups:
        colour = topic.colour(name) if topic.compares(name) else COLOURS["neutral"]
        if name:
            rows.append(Row("group", topic.group(name), colour=colour, bold=True))
        head = headline_of(one)
        mine = _trials(one, shown, start, colour, pooled=head is None or (one.k > 1 and head.estimate is not None))
        if hasattr(one, "said"):
            mine += _dependent(one, shown, colour)
        else:
            mine += _model(one, shown) if getattr(one, "formula", None) else _pooled(one, head, shown, colour, name)
        if shown.certainty and one.k and not getattr(one, "formula", None):
            mine.append(Row("text", _certainty(one, shown.single)))
        if shown.mids and head is not None and head.threshold is not None:
            mine = [row if row.kind == "text" else replace(row, mid=(head.threshold, head.threshold)) for row in mine]
        rows += [*mine, *_gap(shown)]
        start += len(one.data)
    if len(groups) > 1:
        rows += _between(result, shown)
    return rows if rows and rows[-1].kind == "gap" else [*rows, Row("gap")]


def rows_of_frame(frame: pd.DataFrame, shown: Shown) -> list[Row]:
    """Return one row for every pooled effect of a leave-one-out or cumulative analysis."""
    rows = []
    for i, (label, one) in enumerate(frame.iterrows()):
        cells = {column.key: column.values[i] for column in shown.columns}
        cells["effect"] = shown.effect(one["estimate"], one["ci_low"], one["ci_high"])
        rows.append(Row("trial", str(label), one["estimate"], one["ci_low"], one["ci_high"], weight=0.25, cells=cells))
    return [*rows, Row("gap")]


def _gap(shown: Shown) -> list[Row]:
    return [Row("gap")] if shown.layout.empty_rows else []


def _trials(one: Any, shown: Shown, start: int, colour: str, *, pooled: bool) -> list[Row]:
    data = one.data
    labels = data["labels"] if "labels" in data else pd.Series(range(1, len(data) + 1))
    yi, vi = data["yi"].to_numpy(dtype=float), data["vi"].to_numpy(dtype=float)
    half = ndtri(0.5 + one.level / 2) * np.sqrt(vi)
    weights = getattr(one, "weights", None)
    area = 1 / vi if weights is None else np.asarray(weights, dtype=float)
    area = area / np.nanmax(area)
    fitted = getattr(one, "fitted", None)
    if getattr(one, "formula", None):
        fitted = one.predict()[["ci_low", "pred", "ci_high"]].to_numpy()
    rows, marked = [], [marks_of(row) for row in data.to_dict("records")]
    for i, label in enumerate(labels):
        cells = {column.key: column.values[start + i] for column in shown.columns}
        inside = math.isfinite(yi[i])
        cells["effect"] = shown.effect(yi[i], yi[i] - half[i], yi[i] + half[i]) if inside else "Not estimable"
        if weights is not None and pooled:
            cells["weight"] = f"{weights[i]:.1f}"
        row = Row(
            "trial",
            f"{label}{marked[i]}",
            yi[i],
            yi[i] - half[i],
            yi[i] + half[i],
            weight=float(area[i]),
            colour=colour,
            cells=cells,
        )
        if fitted is not None:
            row.fitted = (float(fitted[i, 0]), float(fitted[i, 1]), float(fitted[i, 2]))
        rows.append(row)
    return rows


def headline_of(one: Any) -> Any:
    """Return the headline of a pooled effect; None of results that have none: regressions, and models of counts."""
    return one.headline() if one.k and hasattr(one, "headline") and not getattr(one, "formula", None) else None


def _pooled(one: Any, head: Any, shown: Shown, colour: str, comparator: str = "", label: str = "") -> list[Row]:
    """Return the rows of a pooled effect as its headline gives it, of published ones, and what is said of it."""
    if one.k == 0:
        return [Row("text", "No trial with usable figures")]
    beside = _beside(shown, comparator)
    if one.k == 1:
        return [*beside, Row("text", "One trial: not pooled")]
    if head is not None and head.estimate is None:
        return [*beside, Row("text", "Two trials: not pooled" if one.k == 2 else "Too few trials to be pooled")]
    numbers, bayes = one if head is None else head, head is not None and head.method.startswith("Bayes")
    common = "Common effect" if is_common(one) else "Pooled" if shown.single else "Random effects"
    cells = {"effect": shown.effect(numbers.estimate, numbers.ci_low, numbers.ci_high)}
    if getattr(one, "weights", None) is not None and not label:
        cells["weight"] = "100.0"
    for column in shown.columns:
        if column.total:
            counts = one.data[column.total]
            cells[column.key] = ("≥" if counts.isna().any() else "") + f"{int(counts.sum()):,}"
    place = (numbers.estimate, numbers.ci_low, numbers.ci_high)
    rows = [Row("pooled", label or ("Bayesian" if bayes else common), *place, colour=colour, cells=cells, bold=True)]
    low = getattr(numbers, "pi_low", None)
    if shown.prediction and low is not None and one.k > 2:
        text = shown.effect(numbers.estimate, low, numbers.pi_high).split(" ", 1)[1]
        what = "Prediction" if shown.single else "Prediction interval"
        rows.append(Row("prediction", what, numbers.estimate, low, numbers.pi_high, colour=colour, cells={"effect": text}))
    said = [_others(one, head, shown)] if bayes else []
    return rows + beside + [Row("text", line) for line in [*said, *_heterogeneity(one, shown, tested=not bayes)]]


def _beside(shown: Shown, comparator: str) -> list[Row]:
    """Return the rows of published effects against a comparator."""
    if shown.beside is None:
        return []
    return [
        Row(
            "pooled", r.study, *(place := (r.estimate, r.ci_low, r.ci_high)), colour="white", cells={"effect": shown.effect(*place)}
        )
        for r in shown.beside[shown.beside["comparator"] == comparator].itertuples()
    ]


def _others(one: Any, head: Any, shown: Shown) -> str:
    """Return what the model of a few trials is, and what the usual one gives."""
    usual = shown.effect(one.estimate, one.ci_low, one.ci_high)
    return f"{method_words(head.method)} (few trials); {method_words(f'{one.method}, {one.test}')}: {usual}"


def _dependent(one: Any, shown: Shown, colour: str) -> list[Row]:
    """Return the mean of dependent effects with its prediction interval, where there is one, and what is said of them."""
    rows = []
    if one.estimate is not None:
        cells = {"effect": shown.effect(one.estimate, one.ci_low, one.ci_high)}
        what = "Pooled" if shown.single else "Random effects" if one.pi_low is not None else "Mean"
        rows.append(Row("pooled", what, one.estimate, one.ci_low, one.ci_high, colour=colour, cells=cells, bold=True))
    if shown.prediction and one.pi_low is not None:
        text = shown.effect(one.estimate, one.pi_low, one.pi_high).split(" ", 1)[1]
        what = "Prediction" if shown.single else "Prediction interval"
        rows.append(Row("prediction", what, one.estimate, one.pi_low, one.pi_high, colour=colour, cells={"effect": text}))
    return rows + [Row("text", line) for line in one.said]


def is_common(one: Any) -> bool:
    """Whether a result pools one common effect."""
    return getattr(one, "method", None) in ("EE", "MH", "Peto")


def _heterogeneity(one: Any, shown: Shown, *, tested: bool = True) -> list[str]:
    layout = shown.layout
    spread = _spread(one, layout, one.tau2_interval() if hasattr(one, "tau2_interval") and not is_common(one) else None)
    lines = [layout.heterogeneity.format(spread=spread, q=one.q, df=one.q_df, i2=one.i2, **layout.p(one.q_p))]
    kind = "z" if getattr(one, "df", None) is None else "t"
    if shown.tested and tested:
        lines.append(layout.test.format(kind=kind, statistic=one.statistic, **layout.p(one.p_value)).replace("-", "−"))
    return lines


def _spread(one: Any, layout: Layout, interval: tuple[float, float] | None) -> str:
    """Return what the layout says of tau2, without its interval where there is none."""
    if is_common(one):
        return ""
    low, high = map(_digits, interval or (math.nan, math.nan))
    return layout.spread.format(tau2=_digits(one.tau2), tau2_low=low, tau2_high=high).replace(" (n/a to n/a)", "")


def _model(one: Any, shown: Shown) -> list[Row]:
    """Return the lines on a meta-regression; its effect depends on the moderators, so nothing is pooled."""
    layout = shown.layout
    kind = "F" if one.df is not None else "χ²"
    spread = _spread(one, layout, None)
    residual = layout.heterogeneity.split(":", 1)[1]
    r2 = "" if one.r2 is None else f"; R² {one.r2:.0f}%"
    return [
        Row("text", f"Moderators {one.formula}: {kind} {one.qm:.2f}, df {one.qm_df}, P {layout.p(one.qm_p)['p']}{r2}"),
        Row(
            "text", "Residual heterogeneity:" + residual.format(spread=spread, q=one.q, df=one.q_df, i2=one.i2, **layout.p(one.q_p))
        ),
    ]


def _between(result: Any, shown: Shown) -> list[Row]:
    """Return the test of groups against each other, and all of them pooled; comparators are comparisons, not subgroups."""
    between = getattr(result, "between", None)
    if between is None:
        return []
    rows, layout, topic = [], shown.layout, topic_of(result)
    if layout.subgroups and not all(topic.compares(str(name)) for name in result):
        i2 = max(0.0, 100 * (between.q - between.df) / between.q) if between.q > 0 else 0.0
        text = layout.subgroups.format(q=between.q, df=between.df, i2=i2, **layout.p(between.p))
        both = len(between.shared)
        text += f"; taken as independent, though {both} trial{'s stand' if both > 1 else ' stands'} in both" if both else ""
        rows.append(Row("text", text, bold=True))
    overall = getattr(result, "overall", None)
    if overall is not None:
        every = _pooled(overall, headline_of(overall), shown, COLOURS["neutral"], label="All groups, pooled")
        rows += [*_gap(shown), *every]
    return rows


def _certainty(one: Any, single: bool) -> str:
    from acuevidence.appraisal.certainty import certainty

    rated = certainty(one)
    why = "; ".join(rated.reasons)
    return f"Certainty: {rated.level} {rated.symbols}" + (f"; {why}" if why and not single else "")


def _digits(value: float) -> str:
    if not np.isfinite(value):
        return "∞" if value > 0 else "n/a"
    return f"{value:.3f}" if abs(value) < 10 else f"{value:.1f}"


def interval_text(
    estimate: float, low: float, high: float, layout: Layout | None = None, ratio: bool = False, digits: int = 2
) -> str:
    """Return an estimate with its interval as the layout prints it."""

    def show(value: float) -> str:
        shown = math.exp(min(value, 700.0)) if ratio else value
        return number(shown, digits, ratio=ratio).replace("-", "−")

    return (layout or Layout()).interval.format(estimate=show(estimate), low=show(low), high=show(high))
