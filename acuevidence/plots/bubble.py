"""The bubble plot: effects against a moderator, with the line and bands of the meta-regression."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from acuevidence.errors import InputError
from acuevidence.inputs import choice
from acuevidence.plots.style import COLOURS, new_axes, style

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["bubble"]


def bubble(
    result: Any,
    moderator: str | None = None,
    *,
    at: dict[str, Any] | None = None,
    ax: Axes | None = None,
    width: str | float = "single",
    size: float = 7,
    xlabel: str | None = None,
    ylabel: str | None = None,
) -> Axes:
    """Draw the bubble plot of a meta-regression on one number.

    Parameters
    ----------
    result : MetaAnalysis
        A meta-regression.
    moderator : str, optional
        Column of its data for the x axis. Default: the only numeric one in the formula.
    at : dict, optional
        Values the other moderators are held at. Default: mean of a number, most frequent level of a category.
    ax : Axes, optional
        Where to draw. Default: a new figure.
    width : {"single", "double"} or float
        Width of a new figure: a journal column, or inches.
    size : float
        Type size in points.
    xlabel, ylabel : str, optional
        Words for the axes.

    Returns
    -------
    Axes
        The area of a bubble goes with the trial's weight; the dark band is the interval of the average effect, the
        dashed lines the prediction interval.

    Raises
    ------
    InputError
        For a result without moderators, or a moderator that is not a number of the formula.

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
    x = data[name].to_numpy(dtype=float)
    line = np.linspace(x.min(), x.max(), 101)
    predicted = result.predict(pd.DataFrame({**_held(result, data, name, at), name: line}))
    with style(size):
        ax = new_axes(width, 2.9 if width == "single" else 3.6, ax)
        ax.axhline(0, color=COLOURS["light"], linewidth=0.6)
        level = f"{100 * result.level:g}%"
        if "pi_low" in predicted:
            for end, label in (("pi_low", f"{level} prediction interval"), ("pi_high", None)):
                ax.plot(line, predicted[end], color=COLOURS["light"], linewidth=0.7, linestyle=(0, (4, 2)), label=label)
        ax.fill_between(line, predicted["ci_low"], predicted["ci_high"], color=COLOURS["sham"], alpha=0.18, linewidth=0,
                        label=f"{level} confidence interval")  # fmt: skip
        ax.plot(line, predicted["pred"], color=COLOURS["sham"])
        ax.scatter(x, result.yi, s=140 * result.weights / result.weights.max(), facecolor=COLOURS["neutral"], alpha=0.4,
                   edgecolor=COLOURS["neutral"], linewidths=0.6, zorder=3)  # fmt: skip
        ax.margins(0.08)
        ax.set(xlabel=xlabel or name.replace("_", " "), ylabel=ylabel or _effect(data))
        ax.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=1 if width == "single" else 2, borderaxespad=0.1)
    return ax


def _used(result: Any, data: pd.DataFrame) -> list[str]:
    import re

    words = set(re.findall(r"[A-Za-z_]\w*", result.formula))
    return [str(c) for c in data.columns if str(c) in words]


def _moderator(result: Any, data: pd.DataFrame, moderator: str | None) -> str:
    numbers = [c for c in _used(result, data) if pd.api.types.is_numeric_dtype(data[c])]
    if moderator is not None:
        return choice("moderator", moderator, numbers)
    if len(numbers) != 1:
        raise InputError(f"moderator must be named: the formula {result.formula!r} has {len(numbers)} numeric columns")
    return numbers[0]


def _held(result: Any, data: pd.DataFrame, name: str, at: dict[str, Any] | None) -> dict[str, Any]:
    others = [c for c in _used(result, data) if c != name]
    given = at or {}
    for column in given:
        choice("at", column, others)
    typical = {c: data[c].mean() if pd.api.types.is_numeric_dtype(data[c]) else data[c].mode()[0] for c in others}
    return {**typical, **given}


def _effect(data: pd.DataFrame) -> str:
    names = data["effect"].dropna().unique() if "effect" in data else []
    return f"{names[0]} (positive favours acupuncture)" if len(names) == 1 and names[0] == "SMD" else "Effect"
