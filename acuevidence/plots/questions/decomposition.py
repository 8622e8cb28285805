"""The effect of a treatment in parts: total, specific and non-specific, with the share that is not beyond placebo."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from acuevidence.arguments import guard
from acuevidence.errors import InputError
from acuevidence.evidence import Evidence, load_evidence
from acuevidence.plots.parts.caption import caption as write_caption
from acuevidence.plots.parts.labels import points_wide, wrapped
from acuevidence.plots.parts.page import drawing, narrow, new_axes
from acuevidence.plots.parts.style import COLOURS, text_width
from acuevidence.topic import Topic, topic_of
from acuevidence.words import series

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from acuevidence.questions.decompose import Decomposition

__all__ = ["decomposition"]

_BAR = 0.19


def decomposition(
    result: Decomposition | None = None,
    *,
    ax: Axes | None = None,
    width: str | float = "double",
    size: float = 7,
    limits: tuple[float, float] = (-0.6, 1.6),
    caption: bool = True,
    evidence: Evidence | None = None,
) -> Axes:
    """Draw total, specific and non-specific effect of each condition, and the share of the total that is not beyond placebo.

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
    caption : bool
        Whether a new figure says below what is drawn.
    evidence : Evidence, optional
        Whose effects are split where no result is given. Default: the package's evidence.

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

        result = decompose(evidence=load_evidence() if evidence is None else evidence)
    topic = topic_of(result.effects)
    parts = _parts(topic)
    split = set(result.parts.loc[result.parts["part"] == "total", "condition"])
    names = [name for name in result.shares["condition"] if name in split]
    few = [_label(name, topic) for name in result.shares["condition"] if name not in split]
    if not names:
        raise InputError("too few trials to split the effect; there is nothing to draw")
    with drawing(ax, size, "Total effect and its parts"):
        own = ax is None
        words = 9 if caption else 0
        ax = new_axes(width, ((12 if narrow(width) else 10) + words) * size / 72 + 0.52 * len(names), ax)
        room = points_wide(ax) * (0.75 if narrow(width) else 1)
        ax.axvline(0, color="black", lw=0.6)
        for i, name in enumerate(names):
            _condition(ax, i, result.parts[result.parts["condition"] == name], parts, limits)
            if i:
                ax.axhline(i - 0.5, color="#DDDDDD", lw=0.5)
        ax.set(
            xlim=limits,
            ylim=(len(names) - 0.5, -0.5),
            xlabel=wrapped("SMD (Hedges g); right of zero, the first named does better", room, size),
        )
        ax.set_yticks(range(len(names)), [_label(name, topic) for name in names])
        ax.tick_params(axis="y", length=0)
        ax.spines["left"].set_visible(False)
        if not narrow(width):
            _columns(ax, result, names, _headings(topic), 0.85 * size)
        _legend(ax, parts, narrow(width))
        if own and caption:
            write_caption(ax.figure, _said(topic, few, narrow(width)), size)
    return ax


def _said(topic: Topic, few: list[str], single: bool) -> str:
    placebo = topic.comparator(topic.of_kind("placebo")).phrase
    said = "Lines: 95% intervals; an arrow: the interval goes on. "
    if not single:
        said += (
            f"Share: the part of the total effect that is not beyond {placebo}, with Fieller's 95% interval; not estimable where that "
            f"leaves 0 to 100%. It holds expectation, attention, unblinded rating and whatever {placebo} itself does. "
        )
    return said + (f"Too few trials to split the effect: {series(_begun(name) for name in few)}." if few else "")


def _begun(text: str) -> str:
    return text[:1].lower() + text[1:]


def _parts(topic: Topic) -> dict[str, tuple[str, str, str]]:
    """Return the words, the colour and the mark of each part."""
    untreated, placebo = (topic.of_kind(kind) or kind for kind in ("untreated", "placebo"))
    beside = f"{topic.comparator(placebo).phrase} v {topic.comparator(untreated).phrase}"
    return {
        "total": (f"Total: {topic.treatment.phrase} v {topic.comparator(untreated).phrase}", topic.colour(untreated), "o"),
        "specific": (f"Specific: {topic.treatment.phrase} v {topic.comparator(placebo).phrase}", topic.colour(placebo), "s"),
        "non_specific": (f"Non-specific: {beside}", COLOURS["fourth"], "D"),
        "direct": ("Non-specific, three-arm trials alone", COLOURS["fourth"], "d"),
    }


def _headings(topic: Topic) -> tuple[str, str]:
    untreated, placebo = (topic.comparator(topic.of_kind(kind)).phrase for kind in ("untreated", "placebo"))
    return f"Trials:\n{untreated} /\n{placebo} / both", f"Share not\nbeyond {placebo}"


def _label(name: str, topic: Topic) -> str:
    return "All conditions" if name == "all" else topic.label(name) if name in topic.conditions else name


def _condition(ax: Axes, i: int, parts: Any, kinds: dict[str, tuple[str, str, str]], limits: tuple[float, float]) -> None:
    for part in parts.itertuples():
        _, colour, marker = kinds[part.part]
        y = i + _BAR * (list(kinds).index(part.part) - 1.5)
        low, high = max(part.ci_low, limits[0]), min(part.ci_high, limits[1])
        ax.plot([low, high], [y, y], color=colour, lw=1.2, solid_capstyle="butt")
        for cut, end, arrow in ((part.ci_low < low, low, "<"), (part.ci_high > high, high, ">")):
            if cut:
                ax.plot(end, y, arrow, color=colour, ms=3.5, clip_on=False)
        ax.plot(part.estimate, y, marker, color=colour, ms=4, mfc="white" if part.part == "direct" else colour)


def _columns(ax: Axes, result: Decomposition, names: list[str], headings: tuple[str, str], size: float) -> None:
    """Print trials (with usual care, with sham, with both) and the share right of the plot."""
    cells = [
        (
            f"{row.k_total} / {row.k_specific} / {row.k_three_arm}",
            f"{row.share:.0%} ({row.low:.0%} to {row.high:.0%})" if _estimable(row) else "not estimable",
        )
        for row in result.shares.itertuples()
        if row.condition in names
    ]
    first = max(text_width(headings[0], size, bold=True), *(text_width(counts, size) for counts, _ in cells))
    for column, x in enumerate((size, 2.5 * size + first)):
        beside: dict[str, Any] = {"xytext": (x, 0), "textcoords": "offset points", "size": size}
        ax.annotate(headings[column], (1, 1.01), xycoords="axes fraction", va="bottom", weight="bold", **beside)
        for i, texts in enumerate(cells):
            ax.annotate(texts[column], (1, i), xycoords=ax.get_yaxis_transform(), va="center", **beside)


def _estimable(row: Any) -> bool:
    """Whether the interval of a share lies between none and all."""
    return row.kind == "bounded" and row.low >= 0 and row.high <= 1


def _legend(ax: Axes, parts: dict[str, tuple[str, str, str]], single: bool) -> None:
    from matplotlib.lines import Line2D

    handles = [
        Line2D([], [], color=colour, marker=marker, ms=4, lw=1.2, mfc="white" if part == "direct" else colour, label=label)
        for part, (label, colour, marker) in parts.items()
    ]
    ax.get_figure().legend(handles=handles, loc="outside upper left", ncols=1 if single else 2)  # type: ignore[union-attr]


guard(__name__, "decomposition")
