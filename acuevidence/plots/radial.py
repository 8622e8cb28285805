"""The radial (Galbraith) plot: standardised effects against precision."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from acuevidence.arguments import guard
from acuevidence.errors import InputError
from acuevidence.plots.parts.axis import RATIOS, effect_name, ratio_ticks
from acuevidence.plots.parts.labels import keep_apart, leading
from acuevidence.plots.parts.page import drawing, narrow, new_axes
from acuevidence.plots.parts.style import COLOURS
from acuevidence.synthesis.kernel import quantile

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from acuevidence.synthesis.result import MetaAnalysis

__all__ = ["radial"]


def radial(
    result: MetaAnalysis,
    *,
    ax: Axes | None = None,
    width: str | float = "single",
    size: float = 7,
    named: int = 5,
    effect: str | None = None,
) -> Axes:
    """Draw the radial plot of a meta-analysis.

    Parameters
    ----------
    result : MetaAnalysis
        A pooled effect, without moderators.
    ax, width, size : Axes, {"single", "double"} or float, float
        Where to draw, by default a new figure of one or two columns of a journal (89 or 183 mm) or so many millimetres; type
        size in points.
    named : int
        How many trials outside the band are named, the farthest first.
    effect : str, optional
        Name of the effect; a ratio has its own numbers on the right scale. Default: from the data.

    Returns
    -------
    Axes
        x = 1 / sqrt(v + tau2), y = yi / sqrt(v + tau2); the line's slope is the pooled effect, and the band holds the
        trials that agree with it at the level of the result. The line from the origin through a trial meets the scale at
        the right at the trial's effect.

    Raises
    ------
    InputError
        For a meta-regression.

    Notes
    -----
    Galbraith 1988, Technometrics; with tau2 in the scale as in metafor's ``radial``.

    Examples
    --------
    >>> import acuevidence as ae
    >>> ax = ae.plots.radial(ae.pooled("neck_pain")["sham"])
    >>> ax.get_ylabel()
    'Standardised effect'
    """
    if result.X is not None:
        raise InputError("a radial plot is for a pooled effect, without moderators")
    scale = np.sqrt(result.vi + (result.tau2 or 0.0))
    x, y = 1 / scale, result.yi / scale
    reach = float(quantile(0.5 + result.level / 2, np.array(np.inf)))
    ends = np.array([0, x.max() * 1.08])
    with drawing(ax, size, "Radial plot"):
        ax = new_axes(width, 2.9 if narrow(width) else 3.6, ax)
        ax.fill_between(ends, result.estimate * ends - reach, result.estimate * ends + reach, color="0.92", linewidth=0)
        ax.axhline(0, color=COLOURS["muted"], linewidth=0.6)
        ax.plot(ends, result.estimate * ends, color=COLOURS["neutral"], linewidth=1)
        ax.scatter(x, y, s=14, color=COLOURS["main"], linewidths=0, zorder=3)
        precision = "1 / √(v + τ²)" if result.tau2 else "1 / √v"
        ax.set(xlabel=f"Precision, {precision}", ylabel="Standardised effect", xlim=(0, ends[1]))
        _effects(ax, float(ends[1]), effect_name(result, effect))
        off = np.abs(y - result.estimate * x) - reach
        chosen = [i for i in leading(off, named) if off[i] > 0]
        data = result.data
        names = data["labels"].astype(str).to_numpy() if "labels" in data else data.index.astype(str).to_numpy()
        keep_apart(ax, x[chosen], y[chosen], list(names[chosen]))
    return ax


def _effects(ax: Axes, end: float, effect: str) -> None:
    """Write at the right edge, at ``x = end``, which effect the line from the origin to there stands for."""

    def read(y: Any) -> Any:
        return y / end

    def back(value: Any) -> Any:
        return value * end

    scale = ax.secondary_yaxis("right", functions=(read, back))
    scale.set_ylabel(f"{effect or 'Effect'} on the line from the origin")
    low, high = (float(edge) for edge in ax.get_ylim())
    ax.set_ylim(low, high)
    if effect in RATIOS:
        scale.set_ylim(low / end, high / end)
        ratio_ticks(scale.yaxis, effect)


guard(__name__, "radial")
