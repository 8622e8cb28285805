"""The forest plot: trials, pooled effects per comparator, prediction intervals, and the words that make them readable.

The plot is composed of rows (what stands on each line) and columns (text left and right of the axis); each part is
drawn by its own function on the given Axes. Nothing is computed here that the result does not hold.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from scipy.special import ndtri

from acuevidence.errors import InputError
from acuevidence.inputs import choice
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
    arms: str = "n",
    quality: pd.DataFrame | None = None,
    certainty: bool = False,
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
        Width of a new figure: a journal column, or inches. ``single`` keeps the study, plot and effect. Texts that do not
        fit at the type size make the figure wider.
    layout : str or Layout
        One of ``LAYOUTS`` (default, revman, bmj, jama, compact) or your own.
    columns : sequence of Column, optional
        Text columns besides the study, the effect and the weight. Default: the figures of the arms and the printed
        instrument with its week, where the data have them.
    arms : {"n", "summary"}
        What the default columns print of each arm: its participants, or its mean and SD (or events) as well.
    quality : DataFrame, optional
        Ratings drawn as dots at the right: one row a trial (index: ``trial_id``, or the label where the data have
        none), one column a domain, cells ``+``, ``-`` or ``?``. Trials without a row get ``?``.
    certainty : bool
        Whether the certainty of each pooled effect and its reasons are printed, by :func:`acuevidence.certainty`.
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

    Raises
    ------
    InputError
        For an unknown layout, or a column whose texts do not match the trials.

    Examples
    --------
    >>> import acuevidence as ae
    >>> effects = ae.trial_effects("neck_pain")
    >>> result = ae.meta_analysis("yi", "vi", data=effects, labels="study", by="comparator")
    >>> ax = ae.plots.forest(result)
    >>> ax.get_xlabel()
    'SMD'
    """
    chosen = LAYOUTS[choice("layout", layout, LAYOUTS)] if isinstance(layout, str) else layout
    choice("arms", arms, ("n", "summary"))
    groups = _groups(result)
    data = pd.concat([r.data for _, r in groups]) if groups else pd.DataFrame()
    effect = effect or _effect_name(data)
    ratio = effect in ("OR", "RR", "IRR", "HR", "ROM", "PETO", "VR", "CVR") if ratio is None else ratio
    single = width == "single"
    extra = _default_columns(data, single, arms) if columns is None else list(columns)
    extra += [] if quality is None else _quality_columns(quality)
    with style(size):
        rows = _rows(result, groups, _filled(extra, data), chosen, ratio, single, certainty)
        below = _below(groups, data, extra, not_shown, caption, mid, effect)
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


def _default_columns(data: pd.DataFrame, single: bool, arms: str) -> list[Column]:
    found = []
    if not single:
        if {"n1", "n2"} <= set(data.columns):
            if arms == "summary" and {"mean1", "sd1", "events1"} <= set(data.columns):
                for side, over in ((1, "Acupuncture"), (2, "Comparator")):
                    found += [
                        Column("Mean (SD)", partial(_arm_summary, side), over=over),
                        Column("n", f"n{side}", over=over, total=f"n{side}"),
                    ]
            else:
                found += [
                    Column("Acu.", "n1", over="Participants", total="n1"),
                    Column("Comp.", "n2", over="Participants", total="n2"),
                ]
        if "instrument" in data:
            found.append(Column("Instrument", _instruments, align="left"))
        if "week" in data:
            found.append(Column("Week", _weeks))
    return found


def _arm_summary(side: int, data: pd.DataFrame) -> list[str]:
    """Return each arm's mean (SD), or its events, as printed; a dash where the effect comes from a contrast."""

    def one(mean: Any, sd: Any, events: Any) -> str:
        if pd.notna(events):
            return f"{events:.0f} events"
        return "–" if pd.isna(mean) else f"{_short(mean)} ({_short(sd)})"

    cells = (data[f"{name}{side}"] for name in ("mean", "sd", "events"))
    return [one(*row) for row in zip(*cells, strict=True)]


def _short(value: float) -> str:
    return (f"{value:.0f}" if abs(value) >= 100 else f"{value:.1f}").replace("-", "−")


def _instruments(data: pd.DataFrame) -> list[str]:
    """Return the instrument's short name, marked where changes from baseline are compared."""
    changed = data["statistic"] == "change" if "statistic" in data else pd.Series(False, index=data.index)
    return [f"{name}, Δ" if change else str(name) for name, change in zip(data["instrument"], changed, strict=True)]


def _weeks(data: pd.DataFrame) -> list[str]:
    """Return the printed week, or the words that stand for it."""
    words = data["timing"] if "timing" in data else pd.Series("", index=data.index)
    said = {"end_of_treatment": "end"}
    return [
        f"{week:.10g}" if pd.notna(week) else said.get(word, "–")
        for week, word in zip(data["week"], words, strict=True)
    ]


def _quality_columns(quality: pd.DataFrame) -> list[Column]:
    return [
        Column(str(name), partial(_ratings, quality[name]), side="right", align="center", over="Quality", dots=True)
        for name in quality.columns
    ]


def _ratings(rating: pd.Series, data: pd.DataFrame) -> list[str]:
    names = data["trial_id"] if "trial_id" in data else data["labels"]
    return list(names.map(rating).fillna("?"))


def _filled(columns: list[Column], data: pd.DataFrame) -> list[Column]:
    """Return the columns with one text a trial, in the order of ``data``."""
    filled = []
    for column in columns:
        values = column.values
        cells = values(data) if callable(values) else data[values] if isinstance(values, str) else list(values)
        if len(cells) != len(data):
            raise InputError(f"column {column.title!r} has {len(cells)} texts for {len(data)} trials; give one a trial")
        filled.append(replace(column, values=[_text(value) for value in cells]))
    return filled


def _text(value: Any) -> str:
    if pd.isna(value):
        return "–"
    return f"{value:,.10g}" if isinstance(value, (int, float, np.number)) else str(value)


def _rows(
    result: Any,
    groups: list[tuple[str, Any]],
    columns: list[Column],
    layout: Layout,
    ratio: bool,
    single: bool,
    certainty: bool,
) -> list[Row]:
    rows: list[Row] = []
    start = 0
    for name, one in groups:
        colour = COLOURS.get(name, COLOURS["neutral"])
        if name:
            rows.append(
                Row("group", _COMPARATOR_NAMES.get(name, name.replace("_", " ").capitalize()), colour=colour, bold=True)
            )
        rows += _trial_rows(one, columns, start, layout, ratio, colour)
        rows += _pooled_rows(one, columns, layout, ratio, colour, single)
        if certainty and one.k:
            rows.append(Row("text", _certainty_line(one, single)))
        rows.append(Row("gap"))
        start += one.k
    between = getattr(result, "between", None)
    if between is not None and len(groups) > 1:
        zero = layout.leading_zero
        text = f"Test for subgroup differences: Q {between.q:.1f}, df {between.df}, P {p_text(between.p, leading_zero=zero)}"
        both = len(between.shared)
        text += (
            f"; taken as independent, though {both} trial{'s' if both > 1 else ''} stand{'' if both > 1 else 's'} in both"
            if both
            else ""
        )
        rows.append(Row("text", text, bold=True))
        overall = getattr(result, "overall", None)
        if overall is not None:
            rows.append(Row("gap"))
            rows += _pooled_rows(overall, columns, layout, ratio, COLOURS["neutral"], single, "All comparators, pooled")
    if rows and rows[-1].kind != "gap":
        rows.append(Row("gap"))
    return rows


def _trial_rows(one: Any, columns: list[Column], start: int, layout: Layout, ratio: bool, colour: str) -> list[Row]:
    data = one.data
    labels = data["labels"] if "labels" in data else pd.Series(range(1, one.k + 1))
    half = ndtri(0.5 + one.level / 2) * np.sqrt(data["vi"].to_numpy(dtype=float))
    rows = []
    for i, (label, yi) in enumerate(zip(labels, data["yi"].to_numpy(dtype=float), strict=True)):
        cells = {column.key: column.values[start + i] for column in columns}
        cells["effect"] = interval_text(yi, yi - half[i], yi + half[i], layout, ratio)
        weight = float(one.weights[i] / one.weights.max())
        cells["weight"] = f"{one.weights[i]:.1f}"
        rows.append(Row("trial", str(label), yi, yi - half[i], yi + half[i], weight=weight, colour=colour, cells=cells))
    return rows


def _certainty_line(one: Any, single: bool) -> str:
    from acuevidence.appraisal.certainty import certainty

    rated = certainty(one)
    why = "; ".join(rated.reasons)
    return f"Certainty: {rated.level} {rated.symbols}" + (f" ({why})" if why and not single else "")


def _pooled_rows(
    one: Any, columns: list[Column], layout: Layout, ratio: bool, colour: str, single: bool, label: str = ""
) -> list[Row]:
    if one.k == 0:
        return [Row("text", "No trial with usable figures")]
    if one.k == 1:
        return [Row("text", "One trial: not pooled")]
    what = label or ("Common effect" if one.method == "EE" else "Pooled" if single else "Random effects")
    cells = {
        "effect": interval_text(one.estimate, one.ci_low, one.ci_high, layout, ratio),
        "weight": "100.0" if not label else "",
    }
    for column in columns:
        if column.total:
            counts = one.data[column.total]
            cells[column.key] = ("≥" if counts.isna().any() else "") + f"{int(counts.sum()):,}"
    rows = [Row("pooled", what, one.estimate, one.ci_low, one.ci_high, colour=colour, cells=cells, bold=True)]
    if one.pi_low is not None and one.k > 2:
        text = interval_text(one.estimate, one.pi_low, one.pi_high, layout, ratio).split(" ", 1)[1]
        what = "Prediction" if single else "Prediction interval"
        rows.append(
            Row("prediction", what, one.estimate, one.pi_low, one.pi_high, colour=colour, cells={"effect": text})
        )
    return rows + [Row("text", line) for line in _heterogeneity(one, layout, single)]


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
    groups: list[tuple[str, Any]], data: pd.DataFrame, columns: list[Column], not_shown: Any, caption: bool, mid: Any,
    effect: str,
) -> list[str]:  # fmt: skip
    missing = not_shown
    if not_shown is None:
        missing = next((r.data.attrs["excluded"] for _, r in groups if "excluded" in r.data.attrs), None)
    lines = _not_shown(missing)
    if caption and groups:
        said = next((r.conventions for _, r in groups if r.k > 1), groups[0][1].conventions)
        order = " Trials in order of year." if _by_year(groups) else ""
        lines.append(
            f"{effect}, positive values favour acupuncture.{order}{_key(data, columns)} {said}" + mid_words(mid)
        )
    return lines


def _key(data: pd.DataFrame, columns: list[Column]) -> str:
    """Return what the marks in the default columns mean, where they occur."""
    said = ""
    shown = {column.values for column in columns if callable(column.values)}
    if _instruments in shown and "statistic" in data and (data["statistic"] == "change").any():
        said += " Δ: change from baseline."
    if _weeks in shown:
        said += " Week since randomisation" + ("; end: at the end of treatment." if data["week"].isna().any() else ".")
    return said


def _by_year(groups: list[tuple[str, Any]]) -> bool:
    return all("year" in one.data and one.data["year"].is_monotonic_increasing for _, one in groups)


def _not_shown(missing: Any) -> list[str]:
    if missing is None or len(missing) == 0:
        return []
    if not isinstance(missing, pd.DataFrame):
        return ["Not shown (no usable figures): " + ", ".join(map(str, missing)) + "."]
    trials = missing[missing["arm"].isna()]
    lines = []
    for comparator, names in trials.groupby("comparator", sort=False)["study"]:
        words = _COMPARATOR_NAMES.get(str(comparator), str(comparator)).replace("Acupuncture v ", "v ")
        lines.append(f"No usable figure {words} ({len(names)}): " + ", ".join(names) + ".")
    return lines


def mid_words(mid: Any) -> str:
    """Return the sentence that explains the shaded minimal important difference."""
    if mid is None:
        return ""
    low, high = mid_range(mid)
    size = f"{low:.2f}" if low == high else f"{low:.2f} to {high:.2f}"
    source = getattr(mid, "source", "")
    return f" Shaded: minimal important difference, {size}" + (f" ({source})." if source else ".")
