"""What trials without usable figures could do: the pooled effect against the effect assumed in them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from acuevidence.arguments import guard
from acuevidence.plots.parts.caption import caption as write_caption
from acuevidence.plots.parts.page import coloured, drawing, narrow, new_axes
from acuevidence.plots.parts.style import COLOURS, MID_LINE
from acuevidence.words import count

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from acuevidence.appraisal.missing import MissingEvidence

__all__ = ["missing_evidence"]

_MARKS = {
    "reported": ("s", "missing: as reported"),
    "null": ("o", "missing: no difference"),
    "opposite": ("v", "missing: all against"),
}


def missing_evidence(
    result: MissingEvidence,
    *,
    ax: Axes | None = None,
    width: str | float = "single",
    size: float = 7,
    colour: str = COLOURS["main"],
    limits: tuple[float, float] = (-1.0, 1.0),
    title: str | None = None,
    caption: bool = True,
) -> Axes:
    """Draw the pooled effect against the effect assumed in every trial without usable figures.

    Parameters
    ----------
    result : MissingEvidence
        What to draw.
    ax, width, size : Axes, {"single", "double"} or float, float
        Where to draw, by default a new figure of one or two columns of a journal (89 or 183 mm) or so many millimetres; type
        size in points.
    colour : str
        Colour of the curve.
    limits : pair of float
        Assumed effects shown, in SD.
    title : str, optional
        Heading of the plot.
    caption : bool
        Whether a new figure explains itself below.

    Returns
    -------
    Axes
        The curve with its interval, the scenarios, and the bound at which the verdict flips.

    Examples
    --------
    >>> import acuevidence as ae
    >>> effects = ae.trial_effects("low_back_pain", comparator="sham")
    >>> ax = ae.meta_analysis("yi", "vi", data=effects).missing_evidence().plot()
    >>> ax.get_xlabel()
    'Effect assumed in the missing trials (SMD)'
    """
    coloured(colour)
    with drawing(ax, size, "Missing evidence"):
        own = ax is None
        ax = new_axes(width, (2.0 if narrow(width) else 2.4) + 9 * size / 72, ax)
        curve = result.curve[result.curve["effect"].between(*limits)]
        ax.fill_between(curve["effect"], curve["ci_low"], curve["ci_high"], color=colour, alpha=0.18, lw=0, zorder=1)
        ax.plot(curve["effect"], curve["estimate"], color=colour, lw=1.3, zorder=3)
        ax.axhline(0, color="black", lw=0.6, zorder=2)
        if result.mid is not None:
            ax.axhline(result.mid, color=MID_LINE, lw=0.9, ls=(0, (3, 2)), zorder=2, label="smallest important difference")
        ax.set_xlim(*limits)
        low, high = _range(result, curve)
        ax.set_ylim(low, high)
        _bound(ax, result, limits, size)
        _scenarios(ax, result, size)
        ax.set_xlabel("Effect assumed in the missing trials (SMD)")
        ax.set_ylabel("Pooled SMD")
        if title:
            ax.set_title(title, loc="left")
        if own and caption:
            write_caption(ax.figure, _words(result), size)
    return ax


def _range(result: Any, curve: Any) -> tuple[float, float]:
    middle = curve[curve["effect"].between(-0.6, 0.6)]
    seen = result.scenarios.loc["observed"]
    ends = [
        middle["ci_low"].min(),
        middle["ci_high"].max(),
        result.mid or 0.0,
        0.0,
        max(seen["ci_low"], -0.6),
        min(seen["ci_high"], 1.2),
    ]
    low, high = float(np.min(ends)), float(np.max(ends))
    return low - 0.15 * (high - low), high + 0.15 * (high - low)


def _bound(ax: Axes, result: Any, limits: tuple[float, float], size: float) -> None:
    bound = result.bound
    if bound is None or not limits[0] < bound < limits[1]:
        return
    what = "positive from" if result.verdict == "unsure" else "verdict flips at"
    ax.axvline(bound, color=COLOURS["second"], lw=0.9, ls=":", zorder=2)
    right = bound < sum(limits) / 2
    ax.annotate(
        f"{what} {bound:.2f}".replace("-", "−"),
        (bound, 1),
        xycoords=("data", "axes fraction"),
        xytext=(3 if right else -3, -1),
        textcoords="offset points",
        ha="left" if right else "right",
        va="top",
        fontsize=0.9 * size,
        color=COLOURS["second"],
    )


def _scenarios(ax: Axes, result: Any, size: float) -> None:
    """Draw each scenario where its assumption lies on the axis; the trials with figures alone, which assume nothing, right across."""
    trials = result.trials
    mean = float(np.average(result.size * trials["direction"], weights=1 / trials["vi"])) if len(trials) else 0.0
    known = result.scenarios.loc["observed"]
    ax.axhspan(known["ci_low"], known["ci_high"], color=COLOURS["second"], alpha=0.12, lw=0, zorder=0)
    ax.axhline(known["estimate"], color=COLOURS["second"], lw=0.9, zorder=2, label="trials with figures alone")
    places = {"reported": mean, "null": 0.0, "opposite": -result.size}
    for name, (marker, label) in _MARKS.items():
        row, x = result.scenarios.loc[name], places[name]
        colour = COLOURS["neutral"]
        ax.plot([x, x], [row["ci_low"], row["ci_high"]], color=colour, lw=0.9, zorder=4)
        ax.plot([x], [row["estimate"]], marker=marker, ms=4, color=colour, mec="white", mew=0.4, lw=0, label=label, zorder=5)
    ax.legend(
        loc="lower right",
        fontsize=0.85 * size,
        handletextpad=0.2,
        borderaxespad=0.1,
        frameon=True,
        framealpha=1,
        edgecolor="none",
    )


def _words(result: Any) -> str:
    known = int(result.scenarios.loc["observed", "k"])
    more = f"{result.k_missing} more {'is' if result.k_missing == 1 else 'are'}"
    return (
        f"{count(known, 'trial')} with figures; {more} known to have measured the outcome without usable figures. Curve and band: "
        "pooled SMD with its interval when all of these have the effect on the axis. As reported: a reported benefit taken as "
        f"{result.size:.2f}, anything else as no difference (drawn at their weighted mean)."
    )


guard(__name__, "missing_evidence")
