"""The league table of a network as a heat map."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.special import ndtr, ndtri

from acuevidence.arguments import guard
from acuevidence.plots.parts.labels import fitting, wrapped
from acuevidence.plots.parts.page import drawing, inches, new_axes
from acuevidence.plots.parts.style import text_width
from acuevidence.synthesis.network_inconsistency import direct_evidence

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from acuevidence.synthesis.network_effects import NetworkEffects

__all__ = ["league"]

_SMALLEST = 0.7  # names that would shrink below this share of the type size give way to numbers with a key


def league(
    result: NetworkEffects,
    *,
    digits: int = 2,
    ax: Axes | None = None,
    width: str | float = "double",
    size: float = 7,
) -> Axes:
    r"""Draw the league table: every pair of treatments, coloured by how certain the sign of the effect is.

    Parameters
    ----------
    result : NetworkMetaAnalysis
        The network.
    digits : int
        Decimals shown.
    ax : Axes, optional
        Where to draw. Default: a new figure that fits its rows.
    width : {"double", "single"} or float
        Width of a new figure: a journal column (89 or 183 mm), or millimetres.
    size : float
        Type size in points; smaller where a cell has less room.

    Returns
    -------
    Axes
        Treatments from the best P-score down. Each cell is row minus column with its interval: network estimates below
        the diagonal, direct ones above it. Names too long for a cell stand below the table, by number. Green: the row is
        better, brown: the column; darker: more certain.

    Notes
    -----
    The certainty of the sign is the probability ``Phi(z)`` that the P-scores average (Ruecker & Schwarzer 2015).

    Examples
    --------
    >>> import acuevidence as ae
    >>> net = ae.network(["needles", "needles"], ["sham", "usual care"], [0.2, 0.5], [0.1, 0.1], ["A", "B"])
    >>> ax = ae.plots.league(net)
    >>> [text.get_text() for text in ax.texts][:2]
    ['needles', '0.20\n(0.00 to 0.40)']
    """
    order = result.treatments.get_indexer(result.p_scores.sort_values(ascending=False, kind="stable").index)
    direct, direct_se, _ = direct_evidence(result)
    n = len(order)
    with drawing(ax, size, "League table"):
        page = 72 * inches(width)
        if ax is not None:
            page = ax.get_window_extent().width * 72 / ax.figure.dpi
        room = (page - 8) / n - 5
        names = [wrapped(str(result.treatments[a]), room, size) for a in order]
        numbered = min(fitting(name, room, size) for name in names) < _SMALLEST * size
        cells: dict[tuple[int, int], tuple[str, float]] = {}
        for i, a in enumerate(order):
            for j, b in enumerate(order):
                pair = (result.estimates.iat[a, b], result.se.iat[a, b]) if i > j else (direct[a, b], direct_se[a, b])
                if i == j:
                    cells[i, j] = (str(i + 1) if numbered else names[i], np.nan)
                elif np.isfinite(pair[0]):
                    cells[i, j] = (
                        _words(*pair, result.level, digits, room, 0.9 * size),
                        float(ndtr(pair[0] / pair[1])),
                    )
        lines = max(text.count("\n") + 1 for text, _ in cells.values())
        note = "Row minus column: network below the diagonal, direct above; green: the row is better, brown: the column"
        if numbered:
            note += ". " + ", ".join(f"{i + 1} {result.treatments[a]}" for i, a in enumerate(order))
        note = wrapped(note, page - 16, 0.9 * size)
        ax = new_axes(width, (n * (lines * 1.2 + 1) + 2.2 + 1.2 * (note.count("\n") + 1)) * size / 72, ax)
        small = min(fitting(text, room, 0.9 * size) for text, certain in cells.values() if np.isfinite(certain))
        sign = 1 if result.favourable == "larger" else -1
        for (i, j), (text, certain) in cells.items():
            _cell(ax, j, i, text, sign * (certain - 0.5), fitting(text, room, size) if i == j else small)
        ax.set(xlim=(-0.5, n - 0.5), ylim=(n - 0.5, -0.5), xticks=[], yticks=[])
        ax.spines[:].set_visible(False)
        ax.set_xlabel(note, fontsize=0.9 * size)
    return ax


def _words(estimate: float, se: float, level: float, digits: int, room: float, size: float) -> str:
    """Return effect and interval, the interval on two lines where one has no room."""
    half = ndtri(0.5 + level / 2) * se
    middle, low, high = (f"{value + 0.0:.{digits}f}" for value in (estimate, estimate - half, estimate + half))
    short = f"{middle}\n({low} to {high})"
    return short if text_width(short, size) <= room else f"{middle}\n({low} to\n{high})"


def _cell(ax: Axes, x: int, y: int, text: str, certain: float, size: float) -> None:
    """Draw a cell; ``certain`` runs from -0.5, the column is better, to 0.5, the row is."""
    import matplotlib as mpl
    from matplotlib.patches import Rectangle

    name = np.isnan(certain)
    face: Any = "0.93" if name else mpl.colormaps["BrBG"](0.5 + 0.7 * certain)
    dark = not name and 0.299 * face[0] + 0.587 * face[1] + 0.114 * face[2] < 0.55
    ax.add_patch(Rectangle((x - 0.48, y - 0.47), 0.96, 0.94, facecolor=face, edgecolor="none"))
    ax.text(
        x,
        y,
        text,
        ha="center",
        va="center",
        fontsize=size,
        color="white" if dark else "black",
        fontweight="normal",
        linespacing=1.1,
    )


guard(__name__, "league")
