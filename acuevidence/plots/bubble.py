"""The bubble plot: effects against a moderator, with the line and bands of the meta-regression."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from acuevidence.arguments import guard
from acuevidence.errors import InputError
from acuevidence.evidence.carried import direction_of
from acuevidence.inputs import choice
from acuevidence.plots.parts.axis import effect_name, ratio_ticks
from acuevidence.plots.parts.labels import legend_above, points_wide, wrapped
from acuevidence.plots.parts.page import drawing, narrow, new_axes
from acuevidence.plots.parts.style import COLOURS
from acuevidence.topic import topic_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from acuevidence.synthesis.result import MetaAnalysis

__all__ = ["bubble"]


def bubble(
    result: MetaAnalysis,
    moderator: str | None = None,
    *,
    at: dict[str, Any] | None = None,
    ax: Axes | None = None,
    width: str | float = "single",
    size: float = 7,
    xlabel: str | None = None,
    ylabel: str | None = None,
    effect: str | None = None,
) -> Axes:
    """Draw the bubble plot of a meta-regression on one moderator.

    Parameters
    ----------
    result : MetaAnalysis
        A meta-regression.
    moderator : str, optional
        Column of its data for the x axis, a number or a category. Default: the only numeric one in the formula, or the
        only one.
    at : dict, optional
        Values the other moderators are held at. Default: mean of a number, most frequent level of a category.
    ax, width, size : Axes, {"single", "double"} or float, float
        Where to draw, by default a new figure of one or two columns of a journal (89 or 183 mm) or so many millimetres; type
        size in points.
    xlabel, ylabel : str, optional
        Words for the axes.
    effect : str, optional
        Name of the effect; a ratio has a log axis. Default: from the data.

    Returns
    -------
    Axes
        The area of a bubble goes with the trial's weight; the dark band is the interval of the average effect, the
        dashed lines the prediction interval; a category has both beside each other at every level.

    Raises
    ------
    InputError
        For a result without moderators, or a moderator that is not in the formula.

    Examples
    --------
    >>> import acuevidence as ae
    >>> effects = ae.trial_effects("low_back_pain", comparator="sham")
    >>> result = ae.meta_analysis("yi", "vi", data=effects, moderators="~ year")
    >>> ax = ae.plots.bubble(result)
    >>> ax.get_xlabel()
    'year'
    """
    if result.X is None:
        raise InputError("a bubble plot needs a meta-regression; fit meta_analysis(..., moderators='~ x')")
    data = result.data
    name = _moderator(result, data, moderator)
    effect = effect_name(result, effect)
    with drawing(ax, size, "Bubble plot"):
        ax = new_axes(width, 2.9 if narrow(width) else 3.6, ax)
        ax.axhline(0, color=COLOURS["muted"], linewidth=0.6)
        draw = _levels if _categorical(result, data, name) else _line
        x = draw(ax, result, name, _held(result, data, name, at), size)
        ax.scatter(
            x,
            result.yi,
            s=140 * result.weights / result.weights.max(),
            facecolor=COLOURS["neutral"],
            alpha=0.4,
            edgecolor=COLOURS["neutral"],
            linewidths=0.6,
            zorder=3,
        )
        ax.margins(0.08)
        favours = topic_of(result).treatment.phrase if direction_of(result) == "benefit" else ""
        side = f" (positive favours {favours})" if favours else ""
        ax.set(xlabel=xlabel or name.replace("_", " "), ylabel=ylabel or f"{effect or 'Effect'}{side}")
        ratio_ticks(ax.yaxis, effect)
        legend_above(ax, size)
    return ax


def _line(ax: Axes, result: Any, name: str, held: dict[str, Any], size: float) -> np.ndarray:
    """Draw the regression on a number with its bands, and return the places of the trials."""
    x = result.data[name].to_numpy(dtype=float)
    line = np.linspace(x.min(), x.max(), 101)
    predicted = result.predict(pd.DataFrame({**held, name: line}))
    if "pi_low" in predicted:
        for end, label in (("pi_low", _words(result, "prediction")), ("pi_high", None)):
            ax.plot(line, predicted[end], color=COLOURS["muted"], linewidth=0.7, linestyle=(0, (4, 2)), label=label)
    ax.fill_between(
        line,
        predicted["ci_low"],
        predicted["ci_high"],
        color=COLOURS["main"],
        alpha=0.18,
        linewidth=0,
        label=_words(result, "confidence"),
    )
    ax.plot(line, predicted["pred"], color=COLOURS["main"])
    return x


def _levels(ax: Axes, result: Any, name: str, held: dict[str, Any], size: float) -> np.ndarray:
    """Draw the average effect of every level of a category with its bands, and return the places of the trials."""
    given = result.data[name]
    levels = sorted(given.unique().tolist())
    predicted = result.predict(pd.DataFrame({**held, name: levels}))
    centre, half = np.arange(len(levels)), 0.36
    ends = np.array([centre - half, centre + half])
    for row, place in zip(predicted.itertuples(), ends.T, strict=True):
        first = place[0] < 0
        if "pi_low" in predicted:
            for end in (row.pi_low, row.pi_high):
                ax.plot(
                    place,
                    [end, end],
                    color=COLOURS["muted"],
                    linewidth=0.7,
                    linestyle=(0, (4, 2)),
                    label=_words(result, "prediction") if first and end == row.pi_low else None,
                )
        ax.fill_between(
            place,
            row.ci_low,
            row.ci_high,
            color=COLOURS["main"],
            alpha=0.18,
            linewidth=0,
            label=_words(result, "confidence") if first else None,
        )
        ax.plot(place, [row.pred, row.pred], color=COLOURS["main"])
    room = 0.9 * points_wide(ax) / len(levels)
    ax.set_xticks(centre, [wrapped(str(level).replace("_", " "), room, size) for level in levels])
    x = np.empty(len(given))
    for i, level in enumerate(levels):
        here = np.flatnonzero((given == level).to_numpy())
        x[here] = i + 0.8 * half * np.linspace(-1, 1, len(here)) if len(here) > 1 else i
    return x


def _words(result: Any, kind: str) -> str:
    return f"{100 * result.level:g}% {kind} interval"


def _categorical(result: Any, data: pd.DataFrame, name: str) -> bool:
    return not pd.api.types.is_numeric_dtype(data[name]) or f"C({name}" in result.formula.replace(" ", "")


def _used(result: Any, data: pd.DataFrame) -> list[str]:
    import re

    words = set(re.findall(r"[A-Za-z_]\w*", result.formula))
    return [str(c) for c in data.columns if str(c) in words]


def _moderator(result: Any, data: pd.DataFrame, moderator: str | None) -> str:
    used = _used(result, data)
    if moderator is not None:
        return choice("moderator", moderator, used)
    numbers = [c for c in used if not _categorical(result, data, c)]
    chosen = numbers if numbers else used
    if len(chosen) != 1:
        raise InputError(f"moderator must be named: the formula {result.formula!r} has {', '.join(chosen) or 'no column'}")
    return chosen[0]


def _held(result: Any, data: pd.DataFrame, name: str, at: dict[str, Any] | None) -> dict[str, Any]:
    others = [c for c in _used(result, data) if c != name]
    given = at or {}
    for column in given:
        choice("at", column, others)
    typical = {c: data[c].mean() if pd.api.types.is_numeric_dtype(data[c]) else data[c].mode()[0] for c in others}
    return {**typical, **given}


guard(__name__, "bubble")
