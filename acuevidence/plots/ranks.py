"""The ranking of the treatments of a network, with what each does against the reference."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from acuevidence.arguments import guard
from acuevidence.inputs import choice
from acuevidence.plots.parts.labels import wrapped
from acuevidence.plots.parts.page import drawing, inches, new_axes
from acuevidence.plots.parts.style import COLOURS
from acuevidence.synthesis.network_ranks import rank_probabilities

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from acuevidence.synthesis.network_effects import NetworkEffects

__all__ = ["ranks"]


def ranks(
    result: NetworkEffects,
    *,
    kind: str = "p_scores",
    digits: int = 2,
    ax: Axes | None = None,
    width: str | float = "single",
    size: float = 7,
) -> Axes:
    """Draw the ranking of the treatments of a network, best first.

    Parameters
    ----------
    result : NetworkMetaAnalysis
        The network.
    kind : {"p_scores", "rankogram"}
        Bars of the P-scores with the effects, or the probability of every rank with the P-score.
    digits : int
        Decimals of the effects.
    ax, width, size : Axes, {"single", "double"} or float, float
        Where to draw, by default a new figure of one or two columns of a journal (89 or 183 mm) or so many millimetres; type
        size in points.

    Returns
    -------
    Axes
        A bar a treatment: the mean certainty that it is better than another, from 0 to 1. In a rankogram a row a treatment
        and a column a rank, shaded by the probability in percent.

    Raises
    ------
    InputError
        For an unknown kind.

    Notes
    -----
    P-scores rank; they do not say by how much, which the effects do (Ruecker & Schwarzer 2015).

    Examples
    --------
    >>> import acuevidence as ae
    >>> net = ae.network(["needles", "needles"], ["sham", "usual care"], [0.2, 0.5], [0.1, 0.1], ["A", "B"])
    >>> ax = ae.plots.ranks(net)
    >>> [round(float(bar.get_width()), 2) for bar in ax.patches]
    [0.99, 0.5, 0.01]
    """
    if choice("kind", kind, ("p_scores", "rankogram")) == "rankogram":
        return _rankogram(result, ax, width, size)
    scores = result.p_scores.sort_values(ascending=False, kind="stable")
    effects = result.to_frame()
    with drawing(ax, size, "Ranking of treatments"):
        page = 72 * inches(width)
        names = [wrapped(str(name), 0.27 * page, size) for name in scores.index]
        lines = max(2, *(name.count("\n") + 1 for name in names))
        head = wrapped(f"Effect against {result.reference} ({result.level:.0%} CI)", 0.33 * page, 0.9 * size)
        rows = np.arange(len(names))
        ax = new_axes(width, (len(names) * (1.25 * lines + 0.5) + 1.2 * head.count("\n") + 6) * size / 72, ax)
        ax.barh(rows, scores.to_numpy(), height=0.55, color=COLOURS["main"])
        ax.set_yticks(rows, names, fontsize=size)
        ax.set(xlim=(0, 1), ylim=(len(names) - 0.4, -0.6), xlabel="P-score", xticks=[0, 0.5, 1])
        ax.tick_params(axis="y", length=0)
        beside: dict[str, Any] = {
            "xycoords": ax.get_yaxis_transform(),
            "textcoords": "offset points",
            "ha": "left",
            "fontsize": 0.9 * size,
        }
        ax.annotate(head, (1, -0.6), xytext=(8, 2), va="bottom", **beside)
        for row, name in enumerate(scores.index):
            said = "reference"
            if name != result.reference:
                said = "{:.{d}f} ({:.{d}f} to {:.{d}f})".format(*effects.loc[name, ["estimate", "ci_low", "ci_high"]], d=digits)
            ax.annotate(said, (1, row), xytext=(8, 0), va="center", **beside)
    return ax


def _rankogram(result: NetworkEffects, ax: Axes | None, width: str | float, size: float) -> Axes:
    from matplotlib.colors import LinearSegmentedColormap

    shares = rank_probabilities(result)
    n = len(shares)
    shades = LinearSegmentedColormap.from_list("share", ["#FFFFFF", COLOURS["main"]])
    with drawing(ax, size, "Ranking of treatments"):
        page = 72 * inches(width)
        names = [wrapped(str(name), 0.27 * page, size) for name in shares.index]
        row = max(1.6, 1.25 * max(name.count("\n") + 1 for name in names) + 0.4)
        small = min(0.85 * size, 0.6 * page / n / 1.6)
        ax = new_axes(width, (n * row + 6) * size / 72, ax)
        edges = np.arange(n + 1) - 0.5
        ax.pcolormesh(edges, edges, shares.to_numpy(), cmap=shades, vmin=0, vmax=1, edgecolor="white", linewidth=0.6)
        for (i, j), share in np.ndenumerate(shares.to_numpy()):
            if share >= 0.005:
                ax.text(
                    j, i, f"{100 * share:.0f}", ha="center", va="center", fontsize=small, color="white" if share > 0.6 else "black"
                )
        beside: dict[str, Any] = {
            "xycoords": ax.get_yaxis_transform(),
            "textcoords": "offset points",
            "fontsize": 0.9 * size,
        }
        ax.annotate("P-score", (1, -0.5), xytext=(6, 2), va="bottom", **beside)
        for i, score in enumerate(result.p_scores[shares.index]):
            ax.annotate(f"{score:.2f}", (1, i), xytext=(6, 0), va="center", **beside)
        ax.set_yticks(range(n), names, fontsize=size)
        ax.set_xticks(range(n), [str(rank) for rank in shares.columns])
        ax.tick_params(length=0)
        ax.spines[:].set_visible(False)
        ax.set(ylim=(n - 0.5, -0.5), xlabel="Rank (probability in %)")
    return ax


guard(__name__, "ranks")
