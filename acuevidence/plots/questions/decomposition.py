"""The effect of acupuncture in parts: total, specific and non-specific, with the share that is not beyond sham."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from acuevidence.arguments import guard
from acuevidence.evidence import load_evidence
from acuevidence.plots.parts.labels import points_wide, wrapped
from acuevidence.plots.parts.page import drawing, narrow, new_axes
from acuevidence.plots.parts.style import COLOURS, text_width

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from acuevidence.questions.decompose import Decomposition

__all__ = ["decomposition"]

_PARTS = {
    "total": ("Total: acupuncture v usual care", COLOURS["usual_care"], "o"),
    "specific": ("Specific: acupuncture v sham", COLOURS["sham"], "s"),
    "non_specific": ("Non-specific: sham v usual care", COLOURS["accent"], "D"),
    "direct": ("Non-specific, three-arm trials alone", COLOURS["accent"], "d"),
}
_BAR = 0.19
_HEADINGS = ("Trials:\nusual care /\nsham / both", "Share not\nbeyond sham")


def decomposition(
    result: Decomposition | None = None, *, ax: Axes | None = None, width: str | float = "double", size: float = 7,
    limits: tuple[float, float] = (-0.6, 1.6),
) -> Axes:  # fmt: skip
    """Draw total, specific and non-specific effect of each condition, and the share of the total that is not beyond sham.

    Parameters
    ----------
    result : Decomposition, optional
        From :func:`acuevidence.decompose`. Default: that of every condition.
    ax : Axes, optional
        Where to draw. Default: a new figure.
    width : {"double", "single"} or float
        Width of a new figure: a journal column (89 or 183 mm), or millimetres. The shares are printed beside a double column only.
    size : float
        Type size in points.
    limits : (float, float)
        Ends of the axis; intervals beyond are cut with an arrow.

    Returns
    -------
    Axes
        Markers are estimates, lines their intervals; open markers rest on three-arm trials alone.

    Examples
    --------
    >>> import acuevidence as ae
    >>> ax = ae.decompose("headache").plot()
    """
    if result is None:
        from acuevidence.questions.decompose import decompose

        result = decompose()
    names = list(result.shares["condition"])
    with drawing(ax, size, "Total effect and its parts"):
        ax = new_axes(width, (12 if narrow(width) else 10) * size / 72 + 0.52 * len(names), ax)
        room = points_wide(ax) * (0.75 if narrow(width) else 1)
        ax.axvline(0, color="black", lw=0.6)
        for i, name in enumerate(names):
            _condition(ax, i, result.parts[result.parts["condition"] == name], limits)
            if i:
                ax.axhline(i - 0.5, color="#DDDDDD", lw=0.5)
        ax.set(
            xlim=limits,
            ylim=(len(names) - 0.5, -0.5),
            xlabel=wrapped("SMD (Hedges g); right of zero, the first named does better", room, size),
        )
        ax.set_yticks(range(len(names)), [_label(name) for name in names])
        ax.tick_params(axis="y", length=0)
        ax.spines["left"].set_visible(False)
        if not narrow(width):
            _columns(ax, result, 0.85 * size)
        _legend(ax, narrow(width))
    return ax


def _label(name: str) -> str:
    topic = load_evidence().topic
    return "All conditions" if name == "all" else topic.label(name) if name in topic.conditions else name


def _condition(ax: Axes, i: int, parts: Any, limits: tuple[float, float]) -> None:
    if not (parts["part"] == "total").any():
        ax.text(
            limits[0] + 0.02,
            i,
            "too few trials to split the effect",
            va="center",
            color=COLOURS["light"],
            style="italic",
            bbox={"facecolor": "white", "edgecolor": "none", "pad": 1},
        )
    for part in parts.itertuples():
        _, colour, marker = _PARTS[part.part]
        y = i + _BAR * (list(_PARTS).index(part.part) - 1.5)
        low, high = max(part.ci_low, limits[0]), min(part.ci_high, limits[1])
        ax.plot([low, high], [y, y], color=colour, lw=1.2, solid_capstyle="butt")
        for cut, end, arrow in ((part.ci_low < low, low, "<"), (part.ci_high > high, high, ">")):
            if cut:
                ax.plot(end, y, arrow, color=colour, ms=3.5, clip_on=False)
        ax.plot(part.estimate, y, marker, color=colour, ms=4, mfc="white" if part.part == "direct" else colour)


def _columns(ax: Axes, result: Decomposition, size: float) -> None:
    """Print trials (with usual care, with sham, with both) and the share right of the plot."""
    cells = [
        (f"{row.k_total} / {row.k_specific} / {row.k_three_arm}",
         "not estimable" if math.isnan(row.share) else f"{row.share:.0%} ({_interval(row)})".replace("-", "−"))
        for row in result.shares.itertuples()
    ]  # fmt: skip
    first = max(text_width(_HEADINGS[0], size, bold=True), *(text_width(counts, size) for counts, _ in cells))
    for column, x in enumerate((size, 2.5 * size + first)):
        beside: dict[str, Any] = {"xytext": (x, 0), "textcoords": "offset points", "size": size}
        ax.annotate(_HEADINGS[column], (1, 1.01), xycoords="axes fraction", va="bottom", weight="bold", **beside)
        for i, texts in enumerate(cells):
            ax.annotate(texts[column], (1, i), xycoords=ax.get_yaxis_transform(), va="center", **beside)


def _interval(row: Any) -> str:
    if row.kind == "bounded":
        return f"{row.low:.0%} to {row.high:.0%}"
    return "unbounded" if row.kind == "unbounded" else f"<{row.low:.0%} or >{row.high:.0%}"


def _legend(ax: Axes, single: bool) -> None:
    from matplotlib.lines import Line2D

    handles = [
        Line2D(
            [], [], color=colour, marker=marker, ms=4, lw=1.2, mfc="white" if part == "direct" else colour, label=label
        )
        for part, (label, colour, marker) in _PARTS.items()
    ]
    ax.get_figure().legend(handles=handles, loc="outside lower center", ncols=1 if single else 2)  # type: ignore[union-attr]


guard(__name__, "decomposition")
