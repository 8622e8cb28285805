"""The ridge plot: posterior of the mean effect, of a new trial and of every trial, on one axis."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from acuevidence.arguments import guard
from acuevidence.plots.parts.axis import ratio_ticks
from acuevidence.plots.parts.labels import wrapped
from acuevidence.plots.parts.page import drawing, inches, new_axes
from acuevidence.plots.parts.style import COLOURS, MID_BAND, text_width

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from acuevidence.appraisal.thresholds import Mid
    from acuevidence.synthesis.bayes import Posterior

__all__ = ["ridge"]


def ridge(
    posterior: Posterior,
    *,
    ax: Axes | None = None,
    width: str | float = "single",
    size: float = 7,
    mid: Mid | float | tuple[float, float] | None = None,
    limits: tuple[float, float] | None = None,
    effect: str = "",
) -> Axes:
    """Draw the posterior of a Bayesian meta-analysis.

    Parameters
    ----------
    posterior : Posterior
        From :func:`acuevidence.bayes`.
    ax, width, size : Axes, {"single", "double"} or float, float
        Where to draw, by default a new figure of one or two columns of a journal (89 or 183 mm) or so many millimetres; type
        size in points.
    mid : Mid, float or pair of float, optional
        Minimal important difference, drawn as a band.
    limits : pair of float, optional
        Ends of the axis. Default: what the rows need.
    effect : str
        Name of the effect; a ratio has a log axis.

    Returns
    -------
    Axes
        Trials: density, mean and interval of the true effect (shrunken), with the printed estimate as an open circle.
        Below, the densities of the effect of a new trial and of the mean effect; each is scaled to the same height.

    Examples
    --------
    >>> import acuevidence as ae
    >>> posterior = ae.bayes([0.2, 0.5, 0.3], [0.02, 0.04, 0.03], labels=list("ABC"))
    >>> ax = ae.plots.ridge(posterior)
    >>> [t.get_text() for t in ax.get_yticklabels()][-1]
    'Mean effect'
    """
    from acuevidence.plots.parts.marks import mid_range

    trials, summary = posterior.shrinkage, posterior.summary
    k = len(trials)
    if limits is None:
        low = min(trials["ci_low"].min(), trials["yi"].min(), summary.loc["prediction", "ci_low"], 0)
        high = max(trials["ci_high"].max(), trials["yi"].max(), summary.loc["prediction", "ci_high"], 0)
        limits = (low - 0.06 * (high - low), high + 0.06 * (high - low))
    x = np.linspace(*limits, 601)
    names = [str(name) for name in trials.index]
    with drawing(ax, size, "Posterior densities"):
        page = 72 * inches(width)
        names = [wrapped(name, 0.45 * page, size) for name in names]
        row = max(1.9, 1.25 * max(name.count("\n") + 1 for name in names) + 0.4)
        said = f"{effect or 'Effect'} ({100 * posterior.level:g}% credible intervals)"
        said = wrapped(said, page - max(text_width(name, size) for name in names) - 2 * size, size)
        ax = new_axes(width, (k * row + 13) * size / 72, ax)
        if mid is not None:
            ax.axvspan(*mid_range(mid), color=MID_BAND, linewidth=0, zorder=0)
        ax.axvline(0, color=COLOURS["neutral"], linewidth=0.6)
        y = np.arange(k)
        for i, density in enumerate(posterior.trial_densities(x)):
            ax.fill_between(x, i, i - 0.8 * density / density.max(), color=COLOURS["muted"], alpha=0.35, linewidth=0)
        ax.hlines(y, trials["ci_low"], trials["ci_high"], color=COLOURS["muted"], linewidth=1)
        ax.plot(trials["mean"], y, "o", color=COLOURS["neutral"], markersize=3)
        ax.plot(trials["yi"], y, "o", color=COLOURS["neutral"], markersize=3.5, markerfacecolor="none", markeredgewidth=0.6)
        for base, name, colour in ((k + 1.6, "prediction", "muted"), (k + 3.9, "mu", "main")):
            density = posterior.density(name, x)
            ax.fill_between(x, base, base - 1.9 * density / density.max(), color=COLOURS[colour], alpha=0.45, linewidth=0)
            ends = summary.loc[name, ["ci_low", "ci_high"]]
            ax.plot(ends, [base, base], color=COLOURS[colour], linewidth=2.5, solid_capstyle="butt")
        ax.set_yticks([*y, k + 1.6, k + 3.9], [*names, "New trial", "Mean effect"], fontsize=size)
        ax.tick_params(axis="y", length=0)
        ax.spines["left"].set_visible(False)
        ax.set(xlim=limits, ylim=(k + 4.4, -0.7), xlabel=said)
        ratio_ticks(ax.xaxis, effect)
    return ax


guard(__name__, "ridge")
