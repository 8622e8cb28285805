"""The ranking of the treatments of a network, with what each does against the reference."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from acuevidence.plots.labels import wrapped
from acuevidence.plots.style import COLOURS, WIDTHS, new_axes, style

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from acuevidence.synthesis.network import NetworkMetaAnalysis

__all__ = ["ranks"]


def ranks(
    result: NetworkMetaAnalysis,
    *,
    digits: int = 2,
    ax: Axes | None = None,
    width: str | float = "single",
    size: float = 7,
) -> Axes:
    """Draw the P-scores of a network, best first, with the effects against the reference beside them.

    Parameters
    ----------
    result : NetworkMetaAnalysis
        The network.
    digits : int
        Decimals of the effects.
    ax : Axes, optional
        Where to draw. Default: a new figure that fits its rows.
    width : {"single", "double"} or float
        Width of a new figure: a journal column, or inches.
    size : float
        Type size in points.

    Returns
    -------
    Axes
        A bar a treatment: the mean certainty that it is better than another, from 0 to 1.

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
    scores = result.p_scores.sort_values(ascending=False, kind="stable")
    effects = result.to_frame()
    with style(size):
        page = 72 * (WIDTHS[width] if isinstance(width, str) else float(width))
        names = [wrapped(str(name), 0.27 * page, size) for name in scores.index]
        lines = max(2, *(name.count("\n") + 1 for name in names))
        head = wrapped(f"Effect against {result.reference} ({result.level:.0%} CI)", 0.33 * page, 0.9 * size)
        rows = np.arange(len(names))
        ax = new_axes(width, (len(names) * (1.25 * lines + 0.5) + 1.2 * head.count("\n") + 6) * size / 72, ax)
        ax.barh(rows, scores.to_numpy(), height=0.55, color=COLOURS["sham"])
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
                said = "{:.{d}f} ({:.{d}f} to {:.{d}f})".format(
                    *effects.loc[name, ["estimate", "ci_low", "ci_high"]], d=digits
                )
            ax.annotate(said, (1, row), xytext=(8, 0), va="center", **beside)
    return ax
