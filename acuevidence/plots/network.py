"""The graph of a network: which treatments were compared, in how many trials."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from acuevidence.arguments import guard
from acuevidence.errors import InputError
from acuevidence.plots.parts.caption import caption as write_caption
from acuevidence.plots.parts.labels import fitting, wrapped
from acuevidence.plots.parts.page import drawing, inches, new_axes
from acuevidence.plots.parts.style import COLOURS, text_width

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from acuevidence.synthesis.network_effects import NetworkEffects

__all__ = ["network"]

_GAP = 4.0  # points between a node and its label, and between labels
_LINE = 1.25  # height of a line in units of the type size
_ALONG = (0.5, 0.42, 0.58, 0.34, 0.66, 0.27, 0.73)


def network(
    result: NetworkEffects,
    *,
    participants: Mapping[Any, float] | None = None,
    ax: Axes | None = None,
    width: str | float = "single",
    size: float = 7,
    title: str | None = None,
    caption: bool = True,
) -> Axes:
    """Draw the treatments of a network and the trials between them.

    Parameters
    ----------
    result : NetworkMetaAnalysis
        The network.
    participants : mapping, optional
        Treatment to participants, for the areas of the nodes. Default: those a
        :func:`acuevidence.questions.treatment_network` counted, else the number of trials.
    ax : Axes, optional
        Where to draw. Default: a new figure, high enough for the labels.
    width : {"single", "double"} or float
        Width of a new figure: a journal column (89 or 183 mm), or millimetres.
    size : float
        Type size in points; smaller where a name would take more than a quarter of the width.
    title : str, optional
        Heading of the figure.
    caption : bool
        Whether a new figure says below what is drawn.

    Returns
    -------
    Axes
        Treatments on a circle (an ellipse where labels need the room). The area of a node shows participants, or trials;
        the width of an edge and the number on it, trials that compare the two.

    Raises
    ------
    InputError
        If ``participants`` lacks a treatment.

    Examples
    --------
    >>> import acuevidence as ae
    >>> net = ae.network(["needles", "needles"], ["sham", "usual care"], [0.2, 0.5], [0.1, 0.1], ["A", "B"])
    >>> ax = ae.plots.network(net)
    >>> [text.get_text().split()[0] for text in ax.texts]
    ['needles', 'sham', 'usual', '1', '1']
    """
    names = list(result.treatments)
    counted = result.data.attrs.get("participants") if participants is None else participants
    lacking = [] if counted is None else [name for name in names if name not in counted]
    if lacking:
        raise InputError(f"participants lacks {', '.join(str(name) for name in lacking)}; give a number for every treatment")
    trials = {n: result.data.loc[(result.data[["treat1", "treat2"]] == n).any(axis=1), "study"].nunique() for n in names}
    weight = np.array([trials[n] if counted is None else float(counted[n]) for n in names])
    angle = np.pi / 2 - 2 * np.pi * np.arange(len(names)) / len(names)
    x, y = np.cos(angle), np.sin(angle)
    own, given = ax is None, size
    with drawing(ax, size, "Network of treatments"):
        page = 72 * inches(width)
        if ax is not None:
            page = ax.get_window_extent().width * 72 / ax.figure.dpi
        said = [
            wrapped(str(n), 0.25 * page, size) + "\n" + _counts(trials[n], None if counted is None else counted[n]) for n in names
        ]
        size = min(fitting(label, 0.26 * page, size) for label in said)
        node = min(0.042 * page, 16.0)
        high = max(_LINE * size * (label.count("\n") + 1) for label in said)
        across = min(page / 2 - max(text_width(t, size) for t in said) - node - 3 * _GAP, 150.0)
        up = max(across, _room(x, y, high))
        above = node + high + 3 * _GAP
        below = above if len(names) % 2 == 0 else max(node, high / 2) + 3 * _GAP
        if ax is None:
            ax = new_axes(width, (2 * up + above + below) / 72)
        else:
            up = (ax.get_window_extent().height * 72 / ax.figure.dpi - above - below) / 2
        ax.set(xlim=(-page / 2, page / 2), ylim=(-up - below, up + above))
        ax.axis("off")
        x, y, radius = across * x, up * y, node * np.sqrt(weight / weight.max())
        _nodes(ax, x, y, radius, said, size)
        _edges(ax, result, names, x, y, radius, size, _label_boxes(ax, said, size))
        if title:
            ax.set_title(title, loc="left")
        if own and caption:
            node_said = "trials" if counted is None else "participants"
            write_caption(
                ax.figure, f"Area of a node: {node_said}. Width of a line and number: trials that compare the two.", given
            )
    return ax


def _counts(trials: int, participants: float | None) -> str:
    said = f"{trials} trial{'s' * (trials != 1)}"
    return said if participants is None else f"{said}\n{participants:,.0f} patients"


def _room(x: np.ndarray, y: np.ndarray, high: float) -> float:
    """Return the half axis at which labels on one side of the circle stand clear of each other."""
    steps = [abs(np.diff(np.sort(y[side]))) for side in (x > 1e-9, x < -1e-9) if side.sum() > 1]
    return max([0.0, *((high + _GAP) / step.min() for step in steps)])


def _nodes(ax: Axes, x: np.ndarray, y: np.ndarray, radius: np.ndarray, said: list[str], size: float) -> None:
    from matplotlib.patches import Ellipse

    for px, py, r, label in zip(x, y, radius, said, strict=True):
        ax.add_patch(Ellipse((px, py), 2 * r, 2 * r, facecolor=COLOURS["main"], edgecolor="white", linewidth=0.8, zorder=3))
        side = 0 if abs(px) < 1e-6 else np.sign(px)
        ends = {0: "center", 1: "left", -1: "right"}[int(side)]
        above = 0 if side else np.sign(py)
        ax.text(
            px + side * (r + _GAP),
            py + above * (r + _GAP),
            label,
            ha=ends,
            fontsize=size,
            linespacing=1.1,
            va={0: "center", 1: "bottom", -1: "top"}[int(above)],
        )


def _label_boxes(ax: Axes, said: list[str], size: float) -> list[tuple[float, float, float, float]]:
    """Return centre and half sides of every label, in points as the axes are."""
    boxes = []
    for text, label in zip(ax.texts, said, strict=True):
        px, py = text.get_position()
        wide, high = text_width(label, size) / 2, _LINE * size * (label.count("\n") + 1) / 2
        px += {"left": wide, "right": -wide, "center": 0}[text.get_horizontalalignment()]
        py += {"bottom": high, "top": -high, "center": 0}[text.get_verticalalignment()]
        boxes.append((px, py, wide, high))
    return boxes


def _edges(
    ax: Axes,
    result: NetworkEffects,
    names: list[Any],
    x: np.ndarray,
    y: np.ndarray,
    radius: np.ndarray,
    size: float,
    labels: list[tuple[float, float, float, float]],
) -> None:
    """Draw the edges, and the number of trials where it meets no node, no label and no other number."""
    pairs = [
        tuple(sorted((names.index(a), names.index(b)))) for a, b in zip(result.data["treat1"], result.data["treat2"], strict=True)
    ]
    counts = {pair: pairs.count(pair) for pair in sorted(set(pairs))}
    taken = [*labels, *((px, py, r, r) for px, py, r in zip(x, y, radius, strict=True))]
    for (i, j), k in counts.items():
        ax.plot(
            x[[i, j]],
            y[[i, j]],
            color="0.72",
            linewidth=0.8 + 4.2 * k / max(counts.values()),
            zorder=1,
            solid_capstyle="butt",
        )
        wide, high = 0.6 * text_width(str(k), 0.9 * size) + 1, 0.6 * size
        for t in _ALONG:
            px, py = x[i] + t * (x[j] - x[i]), y[i] + t * (y[j] - y[i])
            if all(abs(px - qx) > wide + w or abs(py - qy) > high + h for qx, qy, w, h in taken):
                taken.append((px, py, wide, high))
                ax.text(
                    px,
                    py,
                    str(k),
                    ha="center",
                    va="center",
                    fontsize=0.9 * size,
                    zorder=2,
                    bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.6},
                )
                break


guard(__name__, "network")
