"""The specification curve: every specification's effect in rising order, and which choices stand behind it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from acuevidence.arguments import guard
from acuevidence.inputs import choice
from acuevidence.plots.parts.axis import sides
from acuevidence.plots.parts.caption import caption as write_caption
from acuevidence.plots.parts.page import drawing, inches, new_figure
from acuevidence.plots.parts.style import COLOURS, MID_LINE

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from acuevidence.questions.multiverse import Multiverse

__all__ = ["specification_curve"]

_BINS = 120
_LABELS = {
    "outcome": "Outcome",
    "timing": "Week",
    "cautions": "Figures with a caution",
    "statistic": "Final or change",
    "figures": "Arms or contrast",
    "responders": "Responders",
    "sd_source": "SD",
    "comparator_type": "Comparator",
    "quality": "Quality",
    "size": "Participants",
    "left_out": "Left out",
    "estimator": "Estimator",
    "test": "Test",
}
_OPTIONS = {
    ("outcome", "in order"): "in order of preference",
    ("sd_source", "any"): "printed or derived",
    ("quality", "any"): "any",
    ("cautions", "exclude"): "left out",
    ("cautions", "include"): "used",
    ("responders", "in"): "used",
    ("responders", "out"): "left out",
}


def specification_curve(
    result: Multiverse,
    *,
    ax: Axes | None = None,
    width: str | float = "double",
    size: float = 6.5,
    decisions: list[str] | None = None,
    title: str | None = None,
    caption: bool = True,
) -> Axes:
    """Draw the effects of all specifications in rising order, above the choices that lie behind them.

    Parameters
    ----------
    result : Multiverse
        What to draw.
    ax : Axes, optional
        Where to draw the curve, alone. Default: a new figure with the curve above the choices.
    width : {"double", "single"} or float
        Width of a new figure.
    size : float
        Type size in points.
    decisions : list of str, optional
        Decisions shown, from top to bottom. Default: those that change something, what moves the result most first; six in a
        single column.
    title : str, optional
        Heading of the figure.
    caption : bool
        Whether a new figure explains itself below.

    Returns
    -------
    Axes
        The curve; the x axis is the rank of a specification in percent, the y axis the SMD.

    Examples
    --------
    >>> import acuevidence as ae
    >>> found = ae.multiverse("fibromyalgia", "sham", {"timing": ["end_of_treatment"], "estimator": ["REML", "DL"]})
    >>> ax = ae.plots.specification_curve(found)
    >>> ax.get_ylabel()
    'SMD'
    """
    with drawing(ax, size, "Specification curve"):
        if ax is not None:
            _curve(ax, result, size)
            ax.set_xlabel("Specifications in rising order (%)")
            ax.set_title(title or "")
            return ax
        wide = inches(width)
        shown = [choice("decisions", name, list(result.moves.index)) for name in (() if decisions is None else decisions)]
        shown = shown or _shown(result, 6 if wide < 5 else 9)
        rows = _rows(result, shown)
        matrix = (len(rows) + 0.5 * len(shown)) * size * 1.35 / 72
        upper = 1.5 if wide < 5 else 2.0
        figure = new_figure(wide, upper + matrix + 1.0)
        top, low = figure.subplots(2, 1, sharex=True, height_ratios=[upper, matrix])
        _curve(top, result, size)
        _choices(low, result, rows, size)
        if title:
            figure.suptitle(title, x=0.01, ha="left", fontweight="bold")
        if caption:
            write_caption(figure, _words(result), size)
    return top


def _shown(result: Any, most: int) -> list[str]:
    return [name for name in result.moves.index if name not in result.idle][:most]


def _rows(result: Any, shown: list[str]) -> list[tuple[str, str]]:
    return [
        (name, option)
        for name in shown
        for option in result.specifications[name].cat.categories
        if (result.specifications[name] == option).any()
    ]


def _curve(ax: Axes, result: Any, size: float) -> None:
    frame = result.specifications
    rank = 100 * (np.arange(len(frame)) + 0.5) / len(frame)
    points = np.unique(np.linspace(0, len(frame) - 1, 1500).astype(int))
    # Neighbours in rank may have very different intervals; the band shows the medians of the limits in each slice.
    slices = np.array_split(np.arange(len(frame)), min(_BINS, len(frame)))
    centre = [rank[part].mean() for part in slices]
    low, high = frame["ci_low"].to_numpy(), frame["ci_high"].to_numpy()
    ax.fill_between(
        centre,
        [np.median(low[part]) for part in slices],
        [np.median(high[part]) for part in slices],
        color="#C9D9E8",
        lw=0,
        zorder=1,
    )
    ax.plot(rank[points], frame["estimate"].to_numpy()[points], color=COLOURS["neutral"], lw=1.3, zorder=3)
    ax.axhline(0, color="black", lw=0.6, zorder=2)
    if not np.isnan(result.mid):
        ax.axhline(result.mid, color=MID_LINE, lw=0.8, ls=(0, (3, 2)), zorder=2)
    standard = float(result.standard["estimate"])
    if np.isfinite(standard):
        place = 100 * float((frame["estimate"] < standard - 1e-9).mean())
        ax.plot([place], [standard], marker="D", ms=4, color=COLOURS["second"], mec="white", mew=0.5, zorder=5)
    estimates = frame["estimate"].to_numpy()
    reach = max(float(np.ptp(estimates)), 0.5)
    # Rounded, so that the last bits of a sum do not move the layout.
    ax.set_ylim(round(min(0.0, float(estimates.min())) - 0.5 * reach, 3), round(float(estimates.max()) + 0.5 * reach, 3))
    ax.set_xlim(0, 100)
    ax.set_ylabel("SMD")


def _choices(ax: Axes, result: Any, rows: list[tuple[str, str]], size: float) -> None:
    """Shade, per option, how often it stands behind the specifications in each slice of ranks, against its share overall."""
    from matplotlib.colors import LinearSegmentedColormap
    from matplotlib.transforms import blended_transform_factory

    frame = result.specifications
    slices = np.array_split(np.arange(len(frame)), min(_BINS, len(frame)))
    shades = LinearSegmentedColormap.from_list("share", ["#FFFFFF", COLOURS["main"]])
    places, labels, y, last = [], [], 0.0, ""
    edges = np.array([0.0, *(100 * (part[-1] + 1) / len(frame) for part in slices)])
    side = blended_transform_factory(ax.transAxes, ax.transData)
    for name, option in rows:
        if name != last:
            y += 0.5 if last else 0.0
            moves = result.moves.loc[name, "share"]
            ax.text(
                1.01,
                y,
                f"{_LABELS.get(name, name)}: {moves:.0f}%",
                transform=side,
                va="center",
                fontsize=0.9 * size,
                fontweight="bold",
                color="#333333",
            )
            last = name
        here = (frame[name] == option).to_numpy()
        share = np.array([here[part].mean() for part in slices])
        ax.pcolormesh(edges, [y - 0.42, y + 0.42], share[None], cmap=shades, vmin=0, vmax=1, rasterized=True)
        places.append(y)
        labels.append(_OPTIONS.get((name, option), option.replace("_", " ")))
        y += 1
    ax.set_yticks(places, labels)
    ax.set_ylim(y - 0.5, -0.6)
    ax.tick_params(axis="y", length=0, labelsize=0.9 * size)
    ax.spines["left"].set_visible(False)
    ax.set_xlabel("Specifications in rising order (%)")


def _words(result: Any) -> str:
    share, words = result.shares(), sides(result.specifications)[1]
    beyond = "" if np.isnan(result.mid) else f", estimate beyond the MID in {share['beyond_mid']:.0%}"
    return (
        f"{len(result.specifications):,} specifications, {len(result.distinct):,} different analyses. Line: pooled SMD{words}"
        f"; band: 95% limits (medians of a slice, cut at the edges); diamond: the package's "
        f"standard choice{'; dashed: smallest important difference' if beyond else ''}. "
        f"Interval above zero in {share['above_zero']:.0%}{beyond}. "
        "Below: how often an option stands behind the specifications of that rank (white: never, full blue: always); percent: "
        "share of the variance that the decision explains alone."
    )


guard(__name__, "specification_curve")
