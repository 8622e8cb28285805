"""The effect of a treatment in parts: total, specific and non-specific, with the share that is not beyond placebo."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pandas as pd

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
_WITHIN = "trials with all three arms"


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
        From :func:`acuevidence.decompose`. Default: trials with all three arms of the conditions that the topic names (``figures:
        decomposition`` in ``topic.yaml``; else all), then all their trials in one model, together and one by one.
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
        result = _standard(load_evidence() if evidence is None else evidence)
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
        labels = [_label(name, topic) for name in names]
        if _WITHIN in names:
            labels = ["Together,\nall trials" if name == "all" else label for name, label in zip(names, labels, strict=True)]
        ax.set_yticks(range(len(names)), labels)
        ax.tick_params(axis="y", length=0)
        ax.spines["left"].set_visible(False)
        if not narrow(width):
            _columns(ax, result, names, _headings(topic), 0.85 * size)
        _legend(ax, parts, narrow(width))
        if own and caption:
            between = " All trials: most have two of the arms, so that it is in part a comparison between trials." * (
                _WITHIN in names
            )
            write_caption(ax.figure, f"{_said(topic, few, narrow(width))}{between}", size)
    return ax


def _standard(evidence: Evidence) -> Decomposition:
    """Return the split of the topic's conditions in all trials, behind that in trials with all three arms."""
    from acuevidence.questions.decompose import decompose

    wanted = evidence.topic.figures.get("decomposition")
    joint = decompose(wanted, evidence=evidence)
    try:
        within = decompose(wanted, three_arm=True, evidence=evidence)
    except InputError:
        return joint
    parts, shares = (table[table["condition"] == "all"].assign(condition=_WITHIN) for table in (within.parts, within.shares))
    return replace(
        joint,
        parts=pd.concat([parts[parts["part"] != "direct"], joint.parts], ignore_index=True),
        shares=pd.concat([shares, joint.shares], ignore_index=True),
    )


def _said(topic: Topic, few: list[str], single: bool) -> str:
    placebo = topic.comparator(topic.of_kind("placebo")).phrase
    said = "Lines: 95% intervals; an arrow: the interval goes on."
    if not single:
        said += (
            f" Share: the part of the total effect that is not beyond {placebo}, with Fieller's 95% interval; not estimable where that "
            f"leaves 0 to 100%. It holds expectation, attention, unblinded rating and whatever {placebo} itself does."
        )
    return said + (f" Too few trials to split the effect: {series(_begun(name) for name in few)}." if few else "")


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
    if name == _WITHIN:
        return "Together, trials\nwith all three arms"
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
