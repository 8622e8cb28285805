"""The funnel plot: effects against standard errors, with contours of significance about no effect.

Contours stand on the null, not on the pooled effect, so that trials missing for want of significance leave a gap that lies
in a contour. Nothing is computed here that the result does not hold.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from scipy.special import ndtri

from acuevidence import words
from acuevidence.arguments import guard
from acuevidence.errors import InputError
from acuevidence.plots.forest_rows import headline_of
from acuevidence.plots.parts.axis import RATIOS, ratio_ticks, sides, span
from acuevidence.plots.parts.caption import caption as write_caption
from acuevidence.plots.parts.labels import columns_for, points_wide, wrapped
from acuevidence.plots.parts.page import drawing, inches, new_figure
from acuevidence.plots.parts.style import COLOURS
from acuevidence.topic import Topic, topic_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from acuevidence.appraisal.trim_and_fill import TrimAndFill
    from acuevidence.synthesis.result import MetaAnalysis

__all__ = ["funnel"]

_ENOUGH = 10  # trials from which asymmetry is tested

_CONTOURS = (
    (0.10, 0.05, "#F1F1F1", "0.05 < P < 0.10"),
    (0.05, 0.01, "#E1E1E1", "0.01 < P < 0.05"),
    (0.01, 0.0, "#CDCDCD", "P < 0.01"),
)


def funnel(
    result: MetaAnalysis | Mapping[str, MetaAnalysis],
    *,
    ax: Axes | None = None,
    width: str | float | None = None,
    size: float = 7,
    fill: TrimAndFill | Mapping[str, TrimAndFill | None] | None = None,
    limits: tuple[float, float] | None = None,
    pseudo_interval: bool = False,
    test: bool = True,
    effect: str | None = None,
    ratio: bool | None = None,
    title: str | None = None,
    caption: bool = True,
) -> Axes:
    """Draw a contour-enhanced funnel plot, one panel per comparator.

    Parameters
    ----------
    result : MetaAnalysis or GroupedMetaAnalysis
        What to draw.
    ax : Axes, optional
        Where to draw; groups then share it, in their colours. Default: a new figure with a panel per group.
    width : {"double", "single"} or float, optional
        Width of a new figure. Default: a double column for several groups, else a single one.
    size : float
        Type size in points.
    fill : TrimAndFill or mapping of group to TrimAndFill, optional
        Filled trials, drawn as open dots; none unless given.
    limits : pair of float, optional
        Ends of the effect axis, on the scale of yi.
    pseudo_interval : bool
        Whether the pseudo 95 % limits about the pooled effect are drawn, dashed.
    test : bool
        Whether Egger's test is printed (with ten trials or more).
    effect, ratio : str, bool, optional
        Name of the effect, and whether yi is a log ratio; by default from the data.
    title : str, optional
        Heading of the figure.
    caption : bool
        Whether a new figure explains itself below.

    Returns
    -------
    Axes
        The (first) panel; the standard error grows downwards.

    Raises
    ------
    InputError
        When the result has moderators.

    Notes
    -----
    Peters et al (2008, Journal of Clinical Epidemiology). With fewer than ten trials the figure says so: asymmetry
    cannot then be told from chance.

    Examples
    --------
    >>> import acuevidence as ae
    >>> effects = ae.trial_effects("neck_pain", comparator="sham")
    >>> ae.plots.funnel(ae.meta_analysis("yi", "vi", data=effects)).get_ylabel()
    'Standard error'
    """
    groups, topic = _groups(result), topic_of(result)
    data = pd.concat([one.data for _, one in groups])
    names = data["effect"].dropna().unique() if "effect" in data else []
    effect = effect or (str(names[0]) if len(names) == 1 else "Effect")
    ratio = effect in RATIOS if ratio is None else ratio
    fills = fill if isinstance(fill, Mapping) else {name: fill for name, _ in groups}
    with drawing(ax, size, "Funnel plot"):
        panels = _panels(groups, ax, width, size)
        frame = _frame(groups, fills, limits)
        for panel in dict.fromkeys(panels):
            _ground(panel, frame, effect, ratio)
            if ax is None:
                panel.label_outer()
        for (name, one), panel in zip(groups, panels, strict=True):
            _trials(panel, topic, name, one, fills.get(name), pseudo_interval, frame)
            if len(set(map(id, panels))) == len(panels):
                _head(panel, _title(title, topic.group(name) if name else ""), one, test, size)
        if ax is None:
            _legend(panels, pseudo_interval, any(f is not None and f.k0 for f in fills.values()), size)
            if caption:
                write_caption(panels[0].figure, _words(result, groups, pseudo_interval), size)
        else:
            ax.set_title(title or "")
    return panels[0]


def _groups(result: Any) -> list[tuple[str, Any]]:
    groups = [(str(name), result[name]) for name in result] if isinstance(result, Mapping) else [("", result)]
    if not groups:
        raise InputError("result has no groups; there is nothing to draw")
    for _, one in groups:
        if one.X is not None:
            raise InputError(f"a funnel is for a pooled effect; this result has moderators ({one.formula})")
    return groups


def _panels(groups: list[tuple[str, Any]], ax: Axes | None, width: Any, size: float) -> list[Axes]:
    if ax is not None:
        return [ax] * len(groups)
    width = ("double" if len(groups) > 1 else "single") if width is None else width
    wide = inches(width)
    side = len(groups) if wide > 5 else 1
    rows = math.ceil(len(groups) / side)
    figure = new_figure(wide, 0.75 * wide / side * rows + 8 * size / 72)
    panels = list(figure.subplots(rows, side, sharex=True, sharey=True, squeeze=False).ravel())
    for panel in panels[len(groups) :]:
        panel.remove()
    return panels[: len(groups)]


def _frame(
    groups: list[tuple[str, Any]], fills: Mapping[str, Any], limits: tuple[float, float] | None
) -> tuple[float, float, float]:
    """Return the ends of the effect axis and the largest standard error shown."""
    filled = [f.filled["yi"].to_numpy() for f in fills.values() if f is not None]
    y = np.concatenate([one.yi for _, one in groups] + filled)
    top = 1.08 * max(float(np.sqrt(one.vi).max()) for _, one in groups)
    if limits is not None:
        return *span(limits), top
    reach = 1.96 * top
    low, high = min(float(y.min()), -reach), max(float(y.max()), reach)
    pad = 0.04 * (high - low)
    return low - pad, high + pad, top


def _ground(ax: Axes, frame: tuple[float, float, float], effect: str, ratio: bool) -> None:
    low, high, top = frame
    se = np.array([0.0, top])
    for p, inner, colour, _ in _CONTOURS:
        near = float(ndtri(1 - p / 2)) * se
        far = float(ndtri(1 - inner / 2)) * se if inner else np.full(2, max(abs(low), abs(high)) * 1.2)
        for sign in (-1, 1):
            ax.fill_betweenx(se, sign * near, sign * far, color=colour, lw=0, zorder=0)
    ax.axvline(0, color="black", lw=0.6, zorder=1)
    ax.set_xlim(low, high)
    ax.set_ylim(top, 0)
    ax.set_ylabel("Standard error")
    ax.set_xlabel(effect)
    if ratio:
        ratio_ticks(ax.xaxis, "RR")


def _trials(ax: Axes, topic: Topic, name: str, one: Any, fill: Any, pseudo: bool, frame: tuple[float, float, float]) -> None:
    colour = topic.colour(name) if name else COLOURS["main"]
    se = np.sqrt(one.vi)
    head = headline_of(one)
    centre = one.estimate if head is None else head.estimate
    if centre is not None:
        ax.axvline(centre, color=colour, lw=0.9, zorder=2)
    if pseudo and centre is not None:
        for sign in (-1, 1):
            ax.plot(
                [centre, centre + sign * 1.96 * frame[2]],
                [0, frame[2]],
                color=colour,
                lw=0.7,
                ls=(0, (4, 2)),
                zorder=2,
            )
    ax.scatter(
        one.yi, se, s=16, color=colour, edgecolors="white", linewidths=0.5, zorder=4, label=topic.group(name) if name else ""
    )
    if fill is not None and fill.k0:
        ax.scatter(
            fill.filled["yi"], np.sqrt(fill.filled["vi"]), s=16, facecolors="white", edgecolors=colour, linewidths=0.8, zorder=4
        )


def _head(ax: Axes, title: str, one: Any, test: bool, size: float) -> None:
    said = f"{one.k} trial{'' if one.k == 1 else 's'}"
    if one.k < _ENOUGH:
        said += ": too few to test asymmetry"
    elif test and np.ptp(one.vi) > 0:
        said += f"; Egger P {words.p(one.small_study_test().p_value, decimals=2)}"
    said = wrapped(said, points_wide(ax), 0.95 * size)
    ax.set_title(title, loc="left", fontsize=1.05 * size, pad=5 + 1.25 * size * (said.count("\n") + 1))
    ax.annotate(said, (0, 1), xycoords="axes fraction", xytext=(0, 3), textcoords="offset points", fontsize=0.95 * size)


def _title(title: str | None, name: str) -> str:
    if not title or not name:
        return title or name
    return f"{title}: {name[0].lower()}{name[1:]}"


def _legend(panels: list[Axes], pseudo: bool, filled: bool, size: float) -> None:
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    handles: list[Any] = [Patch(facecolor="white", edgecolor="#999999", lw=0.5, label="P > 0.10")]
    handles += [Patch(facecolor=colour, edgecolor="#999999", lw=0.5, label=label) for _, _, colour, label in _CONTOURS]
    handles.append(Line2D([], [], color="#555555", lw=0.9, label="pooled effect"))
    if pseudo:
        handles.append(Line2D([], [], color="#555555", lw=0.7, ls=(0, (4, 2)), label="pseudo 95% limits"))
    if filled:
        handles.append(Line2D([], [], color="#555555", lw=0, marker="o", mfc="white", ms=4, label="filled trial"))
    figure: Any = panels[0].figure
    columns = columns_for([handle.get_label() for handle in handles], 72 * figure.get_figwidth() - 8, 0.9 * size)
    figure.legend(
        handles=handles,
        loc="outside upper right",
        ncols=columns,
        fontsize=0.9 * size,
        handlelength=1.4,
        columnspacing=1.2,
        borderaxespad=0.2,
    )


def _words(result: Any, groups: list[tuple[str, Any]], pseudo: bool) -> str:
    said = f"Dots: trials{sides(result)[1]}. Shading: two-sided significance of a trial against no effect."
    if any(one.k < _ENOUGH for _, one in groups):
        said += f" With fewer than {_ENOUGH} trials asymmetry cannot be told from chance."
    if pseudo:
        said += " Pseudo limits: where 95% of trials would lie without heterogeneity and bias."
    return said


guard(__name__, "funnel")
