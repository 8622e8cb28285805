"""The forest plot: trials, pooled effects per comparator, prediction intervals, and the words that make them readable.

The plot is composed of rows (what stands on each line) and columns (text left and right of the axis); each part is
drawn by its own function on the given Axes. Nothing is computed here that the result does not hold.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from scipy.special import ndtri

from acuevidence.plots.canvas import Canvas, Column, Row, mid_range
from acuevidence.plots.style import COLOURS, Layout, p_text, style

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["LAYOUTS", "forest", "interval_text", "mid_words"]

LAYOUTS = {
    "default": Layout(),
    "revman": Layout(interval="{estimate} [{low}, {high}]", square="#00A000", diamond="black", text_right=False,
                     study_title="Study or subgroup"),
    "bmj": Layout(row=1.65),
    "jama": Layout(interval="{estimate} ({low}-{high})", square="#1F3A6E", diamond="#8FB4DC", favours_at="top",
                   study_title="Source", show_tau2=False, leading_zero=False, row=1.55),
    "compact": Layout(row=1.4),
}  # fmt: skip
_COMPARATOR_NAMES = {"sham": "Acupuncture v sham", "usual_care": "Acupuncture v usual care or no acupuncture"}


def forest(
    result: Any,
    *,
    ax: Axes | None = None,
    width: str | float = "double",
    layout: str | Layout = "default",
    columns: Sequence[Column] | None = None,
    size: float = 6.5,
    mid: Any = None,
    favours: tuple[str, str] = ("Favours comparator", "Favours acupuncture"),
    effect: str | None = None,
    ratio: bool | None = None,
    limits: tuple[float, float] | None = None,
    title: str | None = None,
    not_shown: pd.DataFrame | Sequence[str] | None = None,
    caption: bool = True,
) -> Axes:
    """Draw a forest plot of a meta-analysis, one group of rows per comparator.

    Parameters
    ----------
    result : MetaAnalysis or GroupedMetaAnalysis
        What to draw.
    ax : Axes, optional
        Where to draw; the text columns take their room from it. Default: a new figure that fits its rows.
    width : {"double", "single"} or float
        Width of a new figure: a journal column, or inches. ``single`` keeps the study, plot and effect.
    layout : str or Layout
        One of ``LAYOUTS`` (default, revman, bmj, jama, compact) or your own.
    columns : sequence of Column, optional
        Text columns besides the study, the effect and the weight. Default: participants per arm and the printed
        instrument with its week, where the data have them.
    size : float
        Type size in points.
    mid : float, pair of floats, or Mid, optional
        Minimal important difference, drawn as a line or a band.
    favours : pair of str
        Words for the left and right side of the null; the effect's positive side is on the right.
    effect : str, optional
        Name of the effect measure. Default: the data's own.
    ratio : bool, optional
        Whether yi is a log ratio, to be shown as the ratio on a log axis. Default: by the effect's name.
    limits : pair of float, optional
        Ends of the axis, on the scale of yi. Intervals beyond them are cut with an arrow.
    title : str, optional
        Heading of the figure.
    not_shown : DataFrame or sequence of str, optional
        Trials without usable figures, named below the plot. Default: those in the data's ``attrs["excluded"]``.
    caption : bool
        Whether the conventions are printed below.

    Returns
    -------
    Axes
        The Axes of the plot; rows are at y = 0, 1, 2 ... from the top.

    Examples
    --------
    >>> import acuevidence as ae
    >>> effects = ae.trial_effects("neck_pain")
    >>> result = ae.meta_analysis("yi", "vi", data=effects, labels="study", by="comparator")
    >>> ax = ae.plots.forest(result)
    >>> ax.get_xlabel()
    'SMD'
    """
    chosen = LAYOUTS[layout] if isinstance(layout, str) else layout
    groups = _groups(result)
    data = pd.concat([r.data for _, r in groups]) if groups else pd.DataFrame()
    effect = effect or _effect_name(data)
    ratio = effect in ("OR", "RR", "IRR", "HR", "ROM", "PETO", "VR", "CVR") if ratio is None else ratio
    single = width == "single"
    extra = _default_columns(data, single) if columns is None else list(columns)
    with style(size):
        rows = _rows(result, groups, extra, chosen, ratio, effect, single)
        below = _below(groups, data, not_shown, caption, mid, effect)
        return Canvas(ax, width, chosen, size, rows, extra, below, title, single).draw(
            effect, ratio, mid, favours, limits
        )


# --- rows --------------------------------------------------------------------------------------------------------


def _groups(result: Any) -> list[tuple[str, Any]]:
    if isinstance(result, Mapping):
        return [(str(name), result[name]) for name in result]
    return [("", result)]


def _effect_name(data: pd.DataFrame) -> str:
    names = data["effect"].dropna().unique() if "effect" in data else []
    return str(names[0]) if len(names) == 1 else "Effect"


def _default_columns(data: pd.DataFrame, single: bool) -> list[Column]:
    found = []
    if not single:
        if {"n1", "n2"} <= set(data.columns):
            found += [Column("Acu.", "n1", over="Participants"), Column("Comp.", "n2", over="Participants")]
        if "instrument" in data:
            found.append(Column("Instrument", "instrument", align="left"))
        if "week" in data:
            found.append(Column("Week", "week"))
    return found


def _rows(
    result: Any,
    groups: list[tuple[str, Any]],
    extra: list[Column],
    layout: Layout,
    ratio: bool,
    effect: str,
    single: bool,
) -> list[Row]:
    rows: list[Row] = []
    for name, one in groups:
        colour = COLOURS.get(name, COLOURS["neutral"])
        if name:
            rows.append(
                Row("group", _COMPARATOR_NAMES.get(name, name.replace("_", " ").capitalize()), colour=colour, bold=True)
            )
        rows += _trial_rows(one, extra, layout, ratio, colour)
        rows += _pooled_rows(one, layout, ratio, colour, single)
        rows.append(Row("gap"))
    between = getattr(result, "between", None)
    if between is not None and len(groups) > 1:
        q, df, p = (between[key] if isinstance(between, Mapping) else getattr(between, key) for key in ("q", "df", "p"))
        text = f"Test for subgroup differences: Q {q:.1f}, df {df:g}, P {p_text(p, leading_zero=layout.leading_zero)}"
        rows.append(Row("text", text, bold=True))
        overall = getattr(result, "overall", None)
        if overall is not None:
            rows += [
                Row("gap"),
                *_pooled_rows(overall, layout, ratio, COLOURS["neutral"], single, "All comparators, pooled"),
            ]
    if rows and rows[-1].kind != "gap":
        rows.append(Row("gap"))
    return rows


def _trial_rows(one: Any, extra: list[Column], layout: Layout, ratio: bool, colour: str) -> list[Row]:
    data = one.data
    labels = data["labels"] if "labels" in data else pd.Series(range(1, one.k + 1))
    half = ndtri(0.5 + one.level / 2) * np.sqrt(data["vi"].to_numpy(dtype=float))
    rows = []
    texts = {column.title: _texts(column, data) for column in extra}
    for i, (label, yi) in enumerate(zip(labels, data["yi"].to_numpy(dtype=float), strict=True)):
        cells = {title: values[i] for title, values in texts.items()}
        cells["effect"] = interval_text(yi, yi - half[i], yi + half[i], layout, ratio)
        weight = float(one.weights[i])
        cells["weight"] = f"{weight:.1f}"
        rows.append(Row("trial", str(label), yi, yi - half[i], yi + half[i], weight=weight, colour=colour, cells=cells))
    return rows


def _texts(column: Column, data: pd.DataFrame) -> list[str]:
    values = data[column.values] if isinstance(column.values, str) else pd.Series(list(column.values))
    return ["–" if pd.isna(v) else f"{v:,.10g}" if isinstance(v, (int, float, np.number)) else str(v) for v in values]


def _pooled_rows(one: Any, layout: Layout, ratio: bool, colour: str, single: bool, label: str = "") -> list[Row]:
    if one.k == 0:
        return [Row("text", "No trial with usable figures")]
    if one.k == 1:
        return [Row("text", "One trial: not pooled")]
    total = _total(one.data)
    what = label or ("Common effect" if one.method == "EE" else "Pooled" if single else "Random effects")
    cells = {
        "effect": interval_text(one.estimate, one.ci_low, one.ci_high, layout, ratio),
        "weight": "100.0" if not label else "",
    }
    if total and not single:
        cells |= {"Acu.": f"{total[0]:,}", "Comp.": f"{total[1]:,}"}
    rows = [Row("pooled", what, one.estimate, one.ci_low, one.ci_high, colour=colour, cells=cells, bold=True)]
    if one.pi_low is not None and one.k > 2:
        text = interval_text(one.estimate, one.pi_low, one.pi_high, layout, ratio).split(" ", 1)[1]
        what = "Prediction" if single else "Prediction interval"
        rows.append(
            Row("prediction", what, one.estimate, one.pi_low, one.pi_high, colour=colour, cells={"effect": text})
        )
    return rows + [Row("text", line) for line in _heterogeneity(one, layout, single)]


def _total(data: pd.DataFrame) -> tuple[int, int] | None:
    if not {"n1", "n2"} <= set(data.columns) or data[["n1", "n2"]].isna().to_numpy().any():
        return None
    return int(data["n1"].sum()), int(data["n2"].sum())


def _heterogeneity(one: Any, layout: Layout, single: bool) -> list[str]:
    spread = f"I² {one.i2:.0f}%"
    if layout.show_tau2 and one.method != "EE":
        low, high = one.tau2_interval()
        spread = f"τ² {_digits(one.tau2)} ({_digits(low)} to {_digits(high)}), {spread}"
    zero = layout.leading_zero
    test = f"Q {one.q:.1f}, df {one.q_df:g}, P {p_text(one.q_p, leading_zero=zero)}"
    kind = "z" if one.df is None else "t"
    effect = f"Test of effect: {kind} {one.statistic:.2f}, P {p_text(one.p_value, leading_zero=zero)}"
    wide = ["Two trials: the interval is wide by nature"] if one.k == 2 else []
    if single:
        return [f"Heterogeneity: {spread}", test, effect, *wide]
    return [f"Heterogeneity: {spread}; {test}", effect, *wide]


def _digits(value: float) -> str:
    if not np.isfinite(value):
        return "∞" if value > 0 else "n/a"
    return f"{value:.3f}" if abs(value) < 10 else f"{value:.1f}"


def interval_text(estimate: float, low: float, high: float, layout: Layout | None = None, ratio: bool = False) -> str:
    """Return an estimate with its interval as the layout prints it."""
    layout = layout or LAYOUTS["default"]

    def show(value: float) -> str:
        return (f"{math.exp(value):.2f}" if ratio else f"{value:.2f}").replace("-0.00", "0.00").replace("-", "−")

    return layout.interval.format(estimate=show(estimate), low=show(low), high=show(high))


# --- words below -------------------------------------------------------------------------------------------------


def _below(
    groups: list[tuple[str, Any]], data: pd.DataFrame, not_shown: Any, caption: bool, mid: Any, effect: str
) -> list[str]:
    missing = not_shown
    if not_shown is None:
        missing = next((r.data.attrs["excluded"] for _, r in groups if "excluded" in r.data.attrs), None)
    lines = _not_shown(missing)
    if caption and groups:
        said = next((r.conventions for _, r in groups if r.k > 1), groups[0][1].conventions)
        lines.append(f"{effect}, positive values favour acupuncture. {said}" + mid_words(mid))
    return lines


def _not_shown(missing: Any) -> list[str]:
    if missing is None or len(missing) == 0:
        return []
    if not isinstance(missing, pd.DataFrame):
        return ["Not shown (no usable figures): " + ", ".join(map(str, missing)) + "."]
    trials = missing[missing["arm"].isna()]
    lines = []
    for comparator, names in trials.groupby("comparator", sort=False)["study"]:
        unique = list(dict.fromkeys(names))
        words = _COMPARATOR_NAMES.get(str(comparator), str(comparator)).replace("Acupuncture v ", "v ")
        lines.append(f"No usable figure {words} ({len(unique)}): " + ", ".join(unique) + ".")
    return lines


def mid_words(mid: Any) -> str:
    """Return the sentence that explains the shaded minimal important difference."""
    if mid is None:
        return ""
    low, high = mid_range(mid)
    size = f"{low:.2f}" if low == high else f"{low:.2f} to {high:.2f}"
    source = getattr(mid, "source", "")
    return f" Shaded: minimal important difference, {size}" + (f" ({source})." if source else ".")
