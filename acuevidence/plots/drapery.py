"""The drapery plot: the P value function of every trial and of the pooled effect."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from acuevidence.arguments import guard
from acuevidence.errors import InputError
from acuevidence.plots.parts.axis import effect_name, ratio_ticks
from acuevidence.plots.parts.labels import legend_above
from acuevidence.plots.parts.page import drawing, narrow, new_axes
from acuevidence.plots.parts.style import COLOURS
from acuevidence.synthesis.kernel import tail

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from acuevidence.synthesis.result import MetaAnalysis

__all__ = ["drapery"]


def drapery(
    result: MetaAnalysis,
    *,
    ax: Axes | None = None,
    width: str | float = "single",
    size: float = 7,
    limits: tuple[float, float] | None = None,
    effect: str | None = None,
) -> Axes:
    """Draw the P value functions of a meta-analysis.

    Parameters
    ----------
    result : MetaAnalysis
        A pooled effect, without moderators.
    ax, width, size : Axes, {"single", "double"} or float, float
        Where to draw, by default a new figure of one or two columns of a journal (89 or 183 mm) or so many millimetres; type
        size in points.
    limits : pair of float, optional
        Ends of the axis. Default: five standard errors of the pooled effect and every trial's estimate.
    effect : str, optional
        Name of the effect; a ratio has a log axis. Default: from the data.

    Returns
    -------
    Axes
        Two-sided P value of every hypothetical effect; a curve cut at P = 0.05 shows the 95% interval. Thin: trials; thick: pooled
        effect; shaded: prediction for a new trial.

    Raises
    ------
    InputError
        For a meta-regression.

    Notes
    -----
    Rücker and Schwarzer 2021, Research Synthesis Methods.

    Examples
    --------
    >>> import acuevidence as ae
    >>> ax = ae.plots.drapery(ae.pooled("neck_pain")["sham"])
    >>> ax.get_ylabel()
    'Two-sided P value'
    """
    if result.X is not None:
        raise InputError("a drapery plot is for a pooled effect, without moderators")
    low, high = limits or (
        min(result.yi.min(), result.estimate - 5 * result.se),
        max(result.yi.max(), result.estimate + 5 * result.se),
    )
    x = np.linspace(low, high, 801)
    df = np.array(np.inf if result.df is None else result.df)
    with drawing(ax, size, "Drapery plot"):
        ax = new_axes(width, 2.9 if narrow(width) else 3.6, ax)
        for y, v in zip(result.yi, result.vi, strict=True):
            ax.plot(x, tail((x - y) / np.sqrt(v), np.array(np.inf)), color=COLOURS["muted"], linewidth=0.5, alpha=0.7)
        if result.pi_low is not None:
            spread = np.sqrt(result.se**2 + (result.tau2 or 0.0))
            free = np.array(np.inf if result.prediction == "z" else result.k - (2 if result.prediction == "HTS" else 1))
            ax.fill_between(
                x,
                tail((x - result.estimate) / spread, free),
                color=COLOURS["main"],
                alpha=0.15,
                linewidth=0,
                label="new trial (prediction)",
            )
        ax.plot(x, tail((x - result.estimate) / result.se, df), color=COLOURS["main"], linewidth=1.8, label="pooled effect")
        ax.axvline(0, color=COLOURS["neutral"], linewidth=0.6)
        ax.axhline(1 - result.level, color=COLOURS["neutral"], linewidth=0.6, linestyle=(0, (4, 2)))
        ax.set(xlim=(low, high), ylim=(0, 1.02), xlabel="Hypothetical effect", ylabel="Two-sided P value")
        ax.set_yticks([round(1 - result.level, 6), 0.25, 0.5, 0.75, 1])
        ratio_ticks(ax.xaxis, effect_name(result, effect))
        legend_above(ax, size)
    return ax


guard(__name__, "drapery")
