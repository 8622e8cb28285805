"""The forest plot: trials, pooled effects per comparator, prediction intervals, and the words that make them readable.

The plot is composed of rows (what stands on each line) and columns (text left and right of the axis). Nothing is computed
here that the result does not hold.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd

from acuevidence.appraisal.in_words import method_words
from acuevidence.arguments import guard
from acuevidence.effects.marks import key_to_marks
from acuevidence.effects.measures import MEASURES
from acuevidence.effects.natural import natural_scale
from acuevidence.errors import InputError
from acuevidence.inputs import brief, choice
from acuevidence.plots.forest_columns import columns_for, key_to_columns
from acuevidence.plots.forest_rows import (
    Shown,
    headline_of,
    is_common,
    rows_of_frame,
    rows_of_result,
)
from acuevidence.plots.parts.axis import RATIOS, decimals, effect_name, sides, span
from acuevidence.plots.parts.canvas import Canvas, Column
from acuevidence.plots.parts.marks import mid_range
from acuevidence.plots.parts.page import drawing, narrow, unseen
from acuevidence.plots.parts.style import Layout
from acuevidence.topic import Topic, topic_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from acuevidence.appraisal.thresholds import Mid
    from acuevidence.synthesis.dependent import DependentMetaAnalysis
    from acuevidence.synthesis.given import GivenMetaAnalysis
    from acuevidence.synthesis.glmm import GlmmMetaAnalysis
    from acuevidence.synthesis.result import MetaAnalysis
    from acuevidence.synthesis.two_by_two import TwoByTwoMetaAnalysis

__all__ = ["LAYOUTS", "forest", "forest_size", "heading_of", "mid_words"]

LAYOUTS = {
    "default": Layout(),
    "revman": Layout(
        interval="{estimate} [{low}, {high}]",
        effect_title="{effect}\n{model}, {level:g}% CI",
        plot_title="{effect}\n{model}, {level:g}% CI",
        square="#00A000",
        square_events="#2A52BE",
        diamond="black",
        text_right=False,
        weight_first=True,
        study_title="Study or Subgroup",
        spread="Tau² = {tau2}; ",
        heterogeneity="Heterogeneity: {spread}Chi² = {q:.2f}, df = {df:g} (P {is_p}); I² = {i2:.0f}%",
        test="Test for overall effect: {kind} = {statistic:.2f} (P {is_p})",
        subgroups="Test for subgroup differences: Chi² = {q:.2f}, df = {df:g} (P {is_p}), I² = {i2:.0f}%",
    ),
    "bmj": Layout(
        spread="τ²={tau2}; ",
        heterogeneity="Test for heterogeneity: {spread}Q={q:.1f}, df={df:g}, P{sign_p}; I²={i2:.0f}%",
        test="Test for overall effect: {kind}={statistic:.2f}, P{sign_p}",
        subgroups="",
        smallest_p=0.01,
        plot_cm=8,
        row=1.65,
    ),
    "jama": Layout(
        interval="{estimate} ({low}-{high})",
        square="#1F3A6E",
        diamond="#8FB4DC",
        favours_at="top",
        study_title="Source",
        spread="",
        heterogeneity="Heterogeneity: Q = {q:.1f} (P {is_p}); I² = {i2:.0f}%",
        test="Test for overall effect: {kind} = {statistic:.2f} (P {is_p})",
        subgroups="Test for subgroup differences: Q = {q:.1f}, df = {df:g} (P {is_p})",
        leading_zero=False,
        empty_rows=False,
        plot_cm=8,
        row=1.6,
    ),
    "compact": Layout(row=1.4),
}
_NAMES = {
    "SMD": "Std. mean difference",
    "MD": "Mean difference",
    "OR": "Odds ratio",
    "RR": "Risk ratio",
    "RD": "Risk difference",
}
_DASHED, _SHADED = (f"{how}: smallest important difference between groups," for how in ("Dashed", "Shaded"))
_REPEATED = ("estimate", "ci_low", "ci_high")


def forest(
    result: MetaAnalysis
    | TwoByTwoMetaAnalysis
    | GlmmMetaAnalysis
    | GivenMetaAnalysis
    | DependentMetaAnalysis
    | pd.DataFrame
    | Mapping[str, MetaAnalysis | TwoByTwoMetaAnalysis | GlmmMetaAnalysis],
    *,
    ax: Axes | None = None,
    width: str | float | None = None,
    layout: str | Layout = "default",
    columns: Sequence[str | Column] | None = None,
    arms: str = "n",
    quality: pd.DataFrame | None = None,
    certainty: bool = False,
    prediction: bool = True,
    size: float = 6.5,
    mid: Mid | float | tuple[float, float] | Literal["published"] | None = None,
    beside: pd.DataFrame | None = None,
    favours: tuple[str, str] | None = None,
    effect: str | None = None,
    ratio: bool | None = None,
    limits: tuple[float, float] | None = None,
    title: str | None = None,
    not_shown: pd.DataFrame | Sequence[str] | None = None,
    caption: bool = True,
    digits: int | None = None,
) -> Axes:
    """Draw a forest plot of a meta-analysis, one group of rows per comparator.

    Parameters
    ----------
    result : MetaAnalysis, GroupedMetaAnalysis, TwoByTwoMetaAnalysis, GlmmMetaAnalysis, DependentMetaAnalysis or DataFrame
        What to draw; a multivariate model outcome by outcome. Of a meta-regression the fitted value of every trial is drawn behind it
        in grey, and nothing is pooled.
        A frame is that of ``leave_one_out()`` or ``cumulative()``: one pooled effect a row.
    ax : Axes, optional
        Where to draw; the text columns take their room from it. Default: a new figure that fits its rows.
    width : {"double", "single"} or float, optional
        Width of a new figure: a journal column (183 or 89 mm), or millimetres; below 120 mm only the study, the plot and the
        effect are kept. Long names of trials are broken into lines; texts that do not fit all the same make the figure wider,
        with a warning. Default: a double column, wider where long texts read better so.
    layout : str or Layout
        One of ``LAYOUTS`` (default, revman, bmj, jama, compact) or your own.
    columns : sequence of str or Column, optional
        Text columns besides the study, the effect and the weight: names of columns of the result's data, or
        :class:`Column` with its heading, side and spanning heading. Default: the figures of the arms and the printed
        instrument with its week, where the data have them.
    arms : {"n", "summary"}
        What the default columns print of each arm: its participants, or its mean and SD (or events) as well.
    quality : DataFrame, optional
        Ratings drawn as dots at the right: one row a trial (index: ``trial_id``, or the label where the data have
        none), one column a domain, cells ``+``, ``-`` or ``?``. Trials without a row get ``?``. Domains with long names
        are headed by letters and named below.
    certainty : bool
        Whether the certainty of each pooled effect and its reasons are printed, by :func:`acuevidence.certainty`.
    prediction : bool
        Whether the prediction interval is drawn, from three trials on.
    size : float
        Type size in points.
    mid : float, pair of floats, Mid or "published", optional
        Smallest important difference, drawn as a line or a band; ``"published"``: that of each pool's outcome, condition and
        comparator, where one is published.
    beside : DataFrame, optional
        Published effects, drawn below those of the same group: columns ``comparator study estimate ci_low ci_high``, as
        :func:`acuevidence.questions.published` gives them.
    favours : pair of str, optional
        Words for the left and right side of the null; the effect's positive side is on the right. Default: which side is
        favoured where the data say so, for tables of events which side has more events, else lower and higher.
    effect : str, optional
        Name of the effect measure. Default: the data's own.
    ratio : bool, optional
        Whether yi is a log ratio, to be shown as the ratio on a log axis. Default: by the effect's name, and effects on another
        scale of analysis (logit proportions, Fisher's z, log rates ...) are shown on their natural scale too; the mean, share or
        rate of one group has neither a line of no effect nor a test against it.
    limits : pair of float, optional
        Ends of the axis, on the scale of yi. Intervals beyond them are cut with an arrow.
    title : str, optional
        Heading of the figure; an empty one: none. Default: condition and outcomes, where the data are of one condition that their
        review knows.
    not_shown : DataFrame or sequence of str, optional
        Trials without usable figures, named below the plot. Default: those in the data's ``attrs["excluded"]``. Where a column
        ``printed`` names another outcome that a trial prints, that is said.
    caption : bool
        Whether the conventions are printed below.
    digits : int, optional
        Decimals of effects and intervals. Default: two of ratios and standardised effects, else as the intervals need.

    Returns
    -------
    Axes
        The Axes of the plot; rows are at y = 0, 1, 2 ... from the top.

    Raises
    ------
    InputError
        For an unknown layout, or a column that is not there, whose texts do not match the trials, or whose name is taken,
        for ratings or trials not shown that do not have the form asked for, and for ``favours``, ``limits``, ``mid`` or
        ``digits`` that are not two texts, an axis from low to high, a size or a count.

    Warns
    -----
    UserWarning
        When the Axes given, or the width, have less room than the texts need; it says how much they need.

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
    mids, mid = mid == "published", None if isinstance(mid, str) and mid == "published" else mid
    repeated = isinstance(result, pd.DataFrame)
    groups = [] if repeated else _groups(result)
    data = _repeats(result) if repeated else pd.concat([r.data for _, r in groups]) if groups else pd.DataFrame()
    events = any(getattr(one, "events", False) for _, one in groups)
    effect = effect or _effect(data, groups)
    natural = natural_scale(effect) if ratio is None else None
    ratio = effect in RATIOS if ratio is None else ratio
    back = None if natural is None or natural.ratio else natural.back
    null = None if effect in MEASURES and MEASURES[effect].null is None else 0.0
    single = width is not None and narrow(width)
    if repeated and columns is None and not single:
        columns = [
            Column("P", [chosen.p(p)["p"] for p in data["p_value"]]),
            Column("τ²", "tau2", digits=3),
            Column("I² (%)", "i2", digits=0),
        ]
    words, said = sides(result, events)
    if favours is not None:
        words, said = _two_texts(favours), ""
    ends = None if limits is None else span(limits)
    extra = columns_for(data, columns, quality, arms, single, topic_of(result))
    name = effect if natural is None or natural.ratio else natural.word.capitalize()
    with drawing(ax, size, "Forest plot"):
        shown = Shown(
            _coloured(chosen, events),
            extra,
            ratio,
            single,
            certainty,
            prediction,
            _decimals(result, groups, effect, ratio, back) if digits is None else digits,
            mids,
            None if beside is None else _published(beside),
            back,
            null is not None,
        )
        rows = rows_of_frame(result, shown) if repeated else rows_of_result(result, groups, shown)
        own = sorted({row.mid[0] for row in rows if row.mid[0] == row.mid[0]})
        below = _below(
            groups,
            data,
            extra,
            quality,
            not_shown,
            caption,
            (" White diamonds: as published." if any(row.colour == "white" for row in rows) else "")
            + (f" {_DASHED} {' or '.join(f'{value:.2f}' for value in own)}." if own else mid_words(mid)),
            effect if name == effect else f"{name} ({effect})",
            said,
        )
        canvas = Canvas(
            ax,
            width,
            shown.layout,
            size,
            rows,
            extra,
            below,
            heading_of(data, topic_of(result)) if title is None else title,
            single,
            heads=_heads(chosen, groups, name),
            weight=all(getattr(one, "weights", None) is not None for _, one in groups) and not repeated,
        )
        return canvas.draw(effect, ratio, mid, words, ends, back, null)


def forest_size(result: Any, **options: Any) -> tuple[float, float]:
    """Return the room that a forest plot needs.

    Parameters
    ----------
    result : MetaAnalysis, GroupedMetaAnalysis, TwoByTwoMetaAnalysis, GlmmMetaAnalysis or DataFrame
        What is to be drawn.
    **options
        As in :func:`forest`. Give the width of your own Axes as ``width`` to learn which height they need.

    Returns
    -------
    width, height : float
        In millimetres.

    Raises
    ------
    InputError
        As :func:`forest`.

    Examples
    --------
    >>> import acuevidence as ae
    >>> width, height = ae.plots.forest_size(ae.meta_analysis([0.1, 0.4, 0.2], [0.01, 0.04, 0.02]))
    >>> round(width), 40 < height < 80
    (183, True)
    """
    if options.get("ax") is not None:
        raise InputError("ax has a size already; give its width in millimetres as width to learn the height that is needed")
    with unseen():
        wide, high = forest(result, **options).figure.get_size_inches()  # type: ignore[union-attr]
    return 25.4 * float(wide), 25.4 * float(high)


def _published(frame: pd.DataFrame) -> pd.DataFrame:
    if lacking := [name for name in ("comparator", "study", *_REPEATED) if name not in frame]:
        raise InputError(f"beside lacks {', '.join(lacking)}; give a frame such as ae.questions.published(condition)")
    return frame.dropna(subset=list(_REPEATED))


def heading_of(data: pd.DataFrame, topic: Topic) -> str | None:
    """Return condition and outcomes of trials as a heading; None where they do not name one condition that the review knows.

    Examples
    --------
    >>> import acuevidence as ae
    >>> heading_of(ae.trial_effects("neck_pain"), ae.load_evidence().topic)
    'Neck pain: pain / pain and disability'
    """
    if not {"condition", "outcome"} <= set(data.columns) or data["condition"].nunique() != 1:
        return None
    condition, named = data["condition"].iloc[0], set(data["outcome"].dropna())
    outcomes = [topic.outcome(name) for name in topic.outcomes if name in named]
    return f"{topic.label(condition)}: {' / '.join(outcomes)}" if condition in topic.conditions and outcomes else None


def _two_texts(favours: Any) -> tuple[str, str]:
    if isinstance(favours, str) or not isinstance(favours, Sequence) or len(favours) != 2:
        raise InputError(
            f'favours must be two texts, for the left and the right side, such as ("{favours}", "..."), not {brief(favours)}'
        )
    return str(favours[0]), str(favours[1])


def _decimals(result: Any, groups: list[tuple[str, Any]], effect: str, ratio: bool, back: Callable[[Any], Any] | None) -> int:
    """Return the decimals of all effects of a plot."""
    if not groups:
        low, high = (result[name].to_numpy(dtype=float) for name in ("ci_low", "ci_high"))
    else:
        yi, vi = (np.concatenate([np.asarray(one.data[name], dtype=float) for _, one in groups]) for name in ("yi", "vi"))
        centre = yi if back is not None else 0.0
        low, high = centre - 1.96 * np.sqrt(vi), centre + 1.96 * np.sqrt(vi)
    return decimals(low, high, effect, ratio) if back is None else decimals(back(low), back(high), "natural", False)


def _groups(result: Any) -> list[tuple[str, Any]]:
    if isinstance(result, Mapping):
        if not result:
            raise InputError("result has no groups; there is nothing to draw")
        return [(str(name), result[name]) for name in result]
    if hasattr(result, "parts"):
        return [(str(part.name), part) for part in result.parts()]
    return [("", result)]


def _repeats(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the frame of a leave-one-out or cumulative analysis.

    Raises
    ------
    InputError
        For a frame of something else.
    """
    missing = [name for name in (*_REPEATED, "p_value", "tau2", "i2") if name not in frame]
    if missing:
        raise InputError(
            f"result: a frame to draw is that of leave_one_out() or cumulative(); this one lacks {', '.join(missing)}. "
            "Pool a frame of trials with meta_analysis() first"
        )
    return frame


def _effect(data: pd.DataFrame, groups: list[tuple[str, Any]]) -> str:
    """Return the name of the effect: that of all rows, or of the results where their data name none."""
    names = {getattr(one, "measure", "") for _, one in groups} - {""}
    return effect_name(data) or (names.pop() if len(names) == 1 else "Effect")


def _coloured(layout: Layout, events: bool) -> Layout:
    return replace(layout, square=layout.square_events) if events and layout.square_events else layout


def _heads(layout: Layout, groups: list[tuple[str, Any]], effect: str) -> tuple[str, str]:
    """Return the headings of the effect text and of the plot."""
    one = next((r for _, r in groups if r.k), None)
    method = getattr(one, "model_name", None) or {"MH": "M-H", "Peto": "Peto"}.get(getattr(one, "method", ""), "IV")
    said = {
        "level": 100 * getattr(one, "level", 0.95),
        "model": f"{method}, {'Common' if is_common(one) else 'Random'}",
    }
    name = _NAMES.get(effect, effect) if layout.plot_title else effect
    return layout.effect_title.format(effect=name, **said), layout.plot_title.format(effect=name, **said)


def _below(
    groups: list[tuple[str, Any]],
    data: pd.DataFrame,
    columns: list[Column],
    quality: pd.DataFrame | None,
    not_shown: Any,
    caption: bool,
    said_of_mid: str,
    effect: str,
    said_of_sides: str,
) -> list[str]:
    missing = not_shown
    if not_shown is None:
        missing = next((r.data.attrs["excluded"] for _, r in groups if "excluded" in r.data.attrs), None)
    lines = _not_shown(missing, topic_of(dict(groups)))
    if not caption:
        return lines
    key = key_to_columns(data, columns, quality)
    if not groups:
        return [
            *lines,
            f"{effect}{said_of_sides}; every row is a pooled effect.{key}{said_of_mid}",
        ]
    key += f" {marks}" if (marks := key_to_marks(data)) else ""
    said = _method(groups)
    if any(getattr(one, "formula", None) or getattr(one, "fitted", None) is not None for _, one in groups):
        said = f"Grey: value fitted by the moderators, with its interval. {said}"
    order = " Trials in order of year." if _by_year(groups) else ""
    if any(hasattr(one, "model_name") for _, one in groups):
        said += " Squares by the trials' own precision."
    return [*lines, f"{effect}{said_of_sides}.{order}{key} {said}{said_of_mid}".rstrip()]


def _method(groups: list[tuple[str, Any]]) -> str:
    """Return the methods in a line: those of the headlines, else the conventions of the results."""
    heads = [head for _, one in groups if (head := headline_of(one)) is not None and head.k > 2 and head.estimate is not None]
    if not heads:
        return next((r.conventions for _, r in groups if r.k > 2 or headline_of(r) is None), "")
    usual = [method_words(head.method) for head in heads if not head.method.startswith("Bayes")]
    common = all(is_common(one) for _, one in groups)
    return f"{'Common' if common else 'Random'} effects: {' or '.join(dict.fromkeys(usual))}." if usual else ""


def _by_year(groups: list[tuple[str, Any]]) -> bool:
    return all("year" in one.data and one.data["year"].is_monotonic_increasing for _, one in groups)


def _not_shown(missing: Any, topic: Topic) -> list[str]:
    if missing is None or len(missing) == 0:
        return []
    if not isinstance(missing, pd.DataFrame):
        return ["Not shown (no usable figures): " + ", ".join(map(str, missing)) + "."]
    if lacking := [name for name in ("study", "comparator") if name not in missing]:
        raise InputError(f"not_shown lacks {', '.join(lacking)}; give the names of the trials as a list, or a frame with these")
    trials = missing[missing["arm"].isna()] if "arm" in missing else missing
    lines = []
    groups = trials["comparator"].astype(str)
    if "population" in trials and trials["population"].nunique() > 1:
        groups = pd.Series(map(topic.among, groups, trials["population"]), index=trials.index, dtype=object)
    other = trials["printed"] if "printed" in trials else pd.Series(pd.NA, index=trials.index, dtype=object)
    for printed in [*other.dropna().unique(), None]:
        chosen = other.isna() if printed is None else other == printed
        for group, names in trials[chosen].groupby(groups[chosen], sort=False)["study"]:
            what = "No usable figure" if printed is None else f"{printed[:1].upper()}{printed[1:]} only, not pooled here,"
            against = topic.comparator(str(group)).phrase
            lines.append(f"{what} v {against} ({len(names)}): " + ", ".join(names) + ".")
    return lines


def mid_words(mid: Any) -> str:
    """Return the sentence that explains the smallest important difference that is drawn."""
    if mid is None:
        return ""
    low, high = mid_range(mid)
    size = f"{low:.2f}" if low == high else f"{low:.2f} to {high:.2f}"
    source = getattr(mid, "source", "")
    drawn = _DASHED if low == high else _SHADED
    return f" {drawn} {size}" + (f" ({source})." if source else ".")


guard(__name__, "forest")
