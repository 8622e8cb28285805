"""Interactive charts for the browser: every row says on hover where its figure was printed and how it was derived.

Turns finished results into Vega-Lite by Altair (extra ``interactive``); pools nothing itself.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from scipy.special import ndtri

from acuevidence.arguments import guard
from acuevidence.effects.measures import RATIOS
from acuevidence.errors import InputError, MissingExtraError
from acuevidence.plots.parts.axis import sides
from acuevidence.plots.parts.marks import mid_range
from acuevidence.plots.parts.style import COLOURS, MID_BAND
from acuevidence.topic import topic_of

if TYPE_CHECKING:
    import altair as alt

    from acuevidence.appraisal.thresholds import Mid

__all__ = ["forest_chart"]

_TOLD = {
    "year": "Year",
    "outcome": "Outcome",
    "instrument": "Instrument",
    "week": "Week",
    "timing": "Timing",
    "derivation": "Derived as",
    "figures_as_printed": "Printed figures",
    "locator": "Printed at",
    "source_url": "Source",
}
_WIDTH, _ROW = 420, 19  # pixels
_HALF = 0.32  # half the height of a diamond, in rows


@dataclass(slots=True)
class Rows:
    """What is drawn: a label a row from the top, and the trials and pooled effects that stand in these rows."""

    labels: list[str] = field(default_factory=list)
    headings: list[int] = field(default_factory=list)
    trials: list[dict[str, Any]] = field(default_factory=list)
    pooled: list[dict[str, Any]] = field(default_factory=list)

    def add(self, label: str, *, heading: bool = False) -> int:
        """Add a line and return its place."""
        if heading:
            self.headings.append(len(self.labels))
        self.labels.append(label)
        return len(self.labels) - 1


def forest_chart(
    result: Any,
    *,
    mid: Mid | float | tuple[float, float] | None = None,
    favours: tuple[str, str] | None = None,
    effect: str | None = None,
    title: str | None = None,
) -> alt.LayerChart:
    """Return an interactive forest plot whose rows tell where each figure comes from.

    Parameters
    ----------
    result : MetaAnalysis or mapping of str to MetaAnalysis
        One synthesis, or one per comparator as :func:`acuevidence.meta_analysis` gives with ``by``.
    mid : float, pair of floats, or Mid, optional
        Minimal important difference on the scale of ``yi``, drawn as a band. Default: none.
    favours : pair of str, optional
        Words for the left and right side of the null. Default: which side is favoured where the data say so, else lower and higher.
    effect : str, optional
        Name of the effect measure. Default: the data's own. Log ratios (OR, RR ...) are shown as ratios on a log axis.
    title : str, optional
        Heading of the chart.

    Returns
    -------
    altair.LayerChart
        Squares by weight within the synthesis, diamonds from end to end of the pooled interval, thin lines for prediction intervals (three
        trials or more). Hover for sources, click a square to open its source, scroll to zoom. ``save("forest.html")``
        writes a page; in a notebook the chart shows itself. ``result.chart()`` is the same function. Every mark carries a description
        for screen readers, and the chart one of all its rows.

    Raises
    ------
    InputError
        Without Altair, or when no synthesis holds a trial.

    Examples
    --------
    >>> import acuevidence as ae
    >>> chart = ae.pooled("neck_pain").chart(mid=ae.mid("pain", "SMD"))
    >>> type(chart).__name__
    'LayerChart'
    """
    groups = dict(result) if isinstance(result, Mapping) else {"": result}
    data = [one.data for one in groups.values() if one.k]
    if not data:
        raise InputError("result holds no trial; pool at least one trial before drawing it")
    names = {str(name) for frame in data if "effect" in frame for name in frame["effect"].dropna()}
    effect = effect or (names.pop() if len(names) == 1 else "Effect")
    rows, topic = Rows(), topic_of(result)
    for name, one in groups.items():
        colour = topic.colour(str(name)) if topic.compares(str(name)) else COLOURS["neutral"]
        if name:
            rows.add(topic.group(str(name)), heading=True)
        if one.k == 0:
            rows.add("No trial with usable figures")
            continue
        rows.trials += [row | {"row": rows.add(row["label"]), "colour": colour} for row in _trials(one, effect)]
        if one.k > 1:
            rows.pooled.append(pooled_row(one, effect) | {"row": rows.add("Pooled"), "colour": colour})
    overall = getattr(result, "overall", None)
    if overall is not None and len(groups) > 1:
        at = rows.add("All comparators, pooled")
        rows.pooled.append(pooled_row(overall, effect) | {"row": at, "colour": COLOURS["neutral"]})
    return chart_of(rows, effect, mid, favours or sides(result)[0], title)


def _trials(one: Any, effect: str) -> list[dict[str, Any]]:
    data = one.data
    y = data["yi"].to_numpy(dtype=float)
    half = ndtri(0.5 + one.level / 2) * np.sqrt(data["vi"].to_numpy(dtype=float))
    shown = _shown(np.column_stack([y, y - half, y + half]), effect)
    labels = data["labels"] if "labels" in data else pd.Series(range(1, one.k + 1), index=data.index)
    told = {name: [_said(value) for value in data[name]] for name in _TOLD if name in data}
    if {"n1", "n2"} <= set(data.columns):
        told["n"] = [f"{_said(a)} v {_said(b)}" for a, b in zip(data["n1"], data["n2"], strict=True)]
    return [
        {"label": str(label), "estimate": x, "low": low, "high": high, "text": _interval(x, low, high)}
        | {"weight": float(weight / one.weights.max()), "weight_text": f"{weight:.1f}%"}
        | {name: cells[i] for name, cells in told.items()}
        | {"aloud": _aloud(str(label), _interval(x, low, high), {name: cells[i] for name, cells in told.items()})}
        for i, (label, (x, low, high), weight) in enumerate(zip(labels, shown, one.weights, strict=True))
    ]


def _aloud(label: str, text: str, told: Mapping[str, str]) -> str:
    """Return a trial's row as a screen reader says it."""
    parts = [f"{title}: {told[name]}" for name, title in _TOLD.items() if name in told and name != "source_url"]
    return f"{label}, {text}. " + ". ".join(parts)


def pooled_row(one: Any, effect: str) -> dict[str, Any]:
    """Return what a chart draws and tells of a pooled effect."""
    low, mean, high = _shown(np.array([[one.ci_low, one.estimate, one.ci_high]]), effect)[0]
    row = {"label": "Pooled", "low": low, "estimate": mean, "high": high, "text": _interval(mean, low, high)}
    row |= {
        "trials": one.k,
        "predicted": "needs three trials",
        "aloud": f"Pooled effect of {one.k} trials, {row['text']}",
    }
    spread = {"tau2": f"{one.tau2:.3f}", "i2": f"{one.i2:.0f}%"} if one.k > 1 else dict.fromkeys(("tau2", "i2"), "one trial")
    row |= spread
    if {"n1", "n2"} <= set(one.data.columns):
        counts = one.data[["n1", "n2"]]
        row["n"] = ("at least " if counts.isna().to_numpy().any() else "") + f"{int(counts.sum().sum()):,}"
    if one.pi_low is not None and one.k > 2:
        pi_low, pi_high = _shown(np.array([[one.pi_low, one.pi_high]]), effect)[0]
        row |= {"pi_low": pi_low, "pi_high": pi_high, "predicted": f"{pi_low:.2f} to {pi_high:.2f}"}
    return row


def _shown(values: np.ndarray, effect: str) -> list[list[float]]:
    """Return the values as the axis shows them: log ratios as ratios."""
    shown: list[list[float]] = (np.exp(values) if effect in RATIOS else values).tolist()
    return shown


def _interval(estimate: float, low: float, high: float) -> str:
    return f"{estimate:.2f} ({low:.2f} to {high:.2f})"


def _said(value: Any) -> str:
    if pd.isna(value):
        return "not printed"
    return f"{value:.10g}" if isinstance(value, (float, np.floating)) else str(value)


def chart_of(rows: Rows, effect: str, mid: Any, favours: tuple[str, str], title: str | None) -> alt.LayerChart:
    """Return the chart of rows that were filled in: background, trials, pooled effects."""
    alt = _altair()
    ratio = effect in RATIOS
    ends = [row[name] for row in rows.trials + rows.pooled for name in ("low", "high")]
    further = [row[name] for row in rows.pooled for name in ("pi_low", "pi_high") if name in row]
    domain = _domain([*ends, 1.0 if ratio else 0.0], further, ratio)
    x_scale = alt.Scale(domain=domain, type="log" if ratio else "linear", nice=False, zero=False)
    x = alt.X("estimate:Q", scale=x_scale, title=f"← {favours[0]}   |   {effect}   |   {favours[1]} →")
    heading = {"test": f"indexof({rows.headings}, datum.value) >= 0", "value": "bold"}
    axis = alt.Axis(
        values=list(range(len(rows.labels))),
        labelExpr=f"{json.dumps(rows.labels)}[datum.value]",
        title=None,
        grid=False,
        ticks=False,
        domain=False,
        labelLimit=320,
        labelFontWeight={"condition": heading, "value": "normal"},
    )
    y = alt.Y("row:Q", scale=alt.Scale(domain=[len(rows.labels) - 0.5, -0.5], nice=False, zero=False), axis=axis)
    layers = _background(alt, x, mid, effect)
    if rows.trials:
        layers += _trial_layers(alt, rows.trials, x, y)
    if rows.pooled:
        layers += _pooled_layers(alt, rows.pooled, x, y)
    made = alt.layer(*layers).properties(
        width=_WIDTH,
        height=_ROW * len(rows.labels),
        description=_described(rows, favours, title),
        usermeta={"embedOptions": {"loader": {"target": "_blank"}}},
    )
    made = made if title is None else made.properties(title=title)
    return made.configure_view(stroke=None).interactive(bind_y=False)


def _described(rows: Rows, favours: tuple[str, str], title: str | None) -> str:
    """Return what the chart shows, for those who do not see it."""
    head = f"{title or 'Forest plot'}. Right of the null: {favours[1].lower()}. "
    words = rows.labels.copy()
    for row in rows.trials + rows.pooled:
        words[row["row"]] = f"{row['label']} {row['text']}"
    return head + "; ".join(words) + "."


def _background(alt: Any, x: Any, mid: Any, effect: str) -> list[Any]:
    null = alt.Chart(_data(alt, [{"estimate": 1.0 if effect in RATIOS else 0.0}])).mark_rule(color="black").encode(x=x)
    if mid is None:
        return [null]
    low, high = mid_range(mid)
    (low, high), source = _shown(np.array([[low, high]], dtype=float), effect)[0], getattr(mid, "source", "as given")
    values = [{"estimate": low, "high": high, "text": f"{low:.2f} to {high:.2f}", "source": source}]
    told = _tooltips(alt, values, {"text": "Smallest important difference", "source": "Thresholds"})
    drawn = alt.Chart(_data(alt, values))
    band = drawn.mark_rule(color=MID_BAND, strokeWidth=3) if low == high else drawn.mark_rect(color=MID_BAND)
    return [band.encode(x=x, tooltip=told, **({} if low == high else {"x2": "high:Q"})), null]


def _trial_layers(alt: Any, trials: list[dict[str, Any]], x: Any, y: Any) -> list[Any]:
    told = _tooltips(alt, trials, {"label": "Study", "text": "Effect", "weight_text": "Weight", "n": "Participants"} | _TOLD)
    base = alt.Chart(_data(alt, trials)).encode(y=y, color=alt.Color("colour:N", scale=None), tooltip=told, description="aloud:N")
    size = alt.Size("weight:Q", scale=alt.Scale(domainMin=0, range=[8, 130]), legend=None)
    link = {"href": "source_url:N"} if any("source_url" in row for row in trials) else {}
    low = x.copy()
    low.shorthand = "low:Q"
    return [
        base.mark_rule(clip=True).encode(x=low, x2="high:Q"),
        base.mark_point(shape="square", filled=True, opacity=1, clip=True).encode(x=x, size=size, **link),
    ]


def _pooled_layers(alt: Any, pooled_rows: list[dict[str, Any]], x: Any, y: Any) -> list[Any]:
    names = {
        "condition": "Condition",
        "label": "Comparison",
        "text": "Pooled effect",
        "predicted": "Prediction interval",
        "trials": "Trials",
        "n": "Participants",
        "tau2": "tau2",
        "i2": "I2",
        "method": "Method",
        "state": "State",
        "threshold": "Smallest important difference",
        "certainty": "Certainty",
        "reasons": "Reasons",
    }
    told = _tooltips(alt, pooled_rows, names)
    colour = alt.Color("colour:N", scale=None)
    corners = [
        row | {"estimate": at, "row": row["row"] - half, "foot": row["row"] + half, "diamond": row["row"]}
        for row in pooled_rows
        for at, half in ((row["low"], 0.0), (row["estimate"], _HALF), (row["high"], 0.0))
    ]
    diamonds = alt.Chart(_data(alt, corners)).mark_area(clip=True, opacity=1, orient="vertical")
    layers = [
        diamonds.encode(
            x=x,
            y=y.copy().stack(None),
            y2="foot:Q",
            color=colour,
            detail="diamond:N",
            tooltip=told,
            description="aloud:N",
        )
    ]
    predicted = [row for row in pooled_rows if "pi_low" in row]
    if predicted:
        low = x.copy()
        low.shorthand = "pi_low:Q"
        lines = alt.Chart(_data(alt, predicted)).mark_rule(clip=True, strokeWidth=1.5, strokeDash=[4, 2])
        layers.insert(0, lines.encode(x=low, x2="pi_high:Q", y=y, color=colour, tooltip=told))
    return layers


def _tooltips(alt: Any, rows: list[dict[str, Any]], names: Mapping[str, str]) -> list[Any]:
    known = {name for row in rows for name in row}
    return [alt.Tooltip(f"{name}:N", title=title) for name, title in names.items() if name in known]


def _domain(values: Iterable[float], further: Iterable[float], ratio: bool) -> list[float]:
    """Return an axis that holds all values, and of prediction intervals what lies within half its length beyond."""
    at, beyond = (np.log(list(x)) if ratio else np.array(list(x)) for x in (values, further))
    low, high = at.min(), at.max()
    beyond = np.clip(beyond, low - (high - low) / 2, high + (high - low) / 2)
    low, high = min([low, *beyond]), max([high, *beyond])
    pad = 0.05 * (high - low)
    ends = np.array([low - pad, high + pad])
    return [float(end) for end in (np.exp(ends) if ratio else ends)]


def _data(alt: Any, values: list[dict[str, Any]]) -> Any:
    return alt.Data(values=values)


def _altair() -> Any:
    try:
        import altair
    except ImportError:
        raise MissingExtraError("interactive charts", "Altair", "interactive") from None
    return altair


guard(__name__, "forest_chart")
