"""The safety figure: how often adverse events were counted, by class of event, on a log axis."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from acuevidence.arguments import guard
from acuevidence.plots.parts.caption import caption
from acuevidence.plots.parts.labels import fitting
from acuevidence.plots.parts.page import drawing, inches, narrow, new_axes
from acuevidence.plots.parts.style import COLOURS
from acuevidence.questions.safety import number
from acuevidence.questions.safety import safety as pooled_rates
from acuevidence.words import count

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from acuevidence.evidence import Evidence
    from acuevidence.questions.safety import Safety

__all__ = ["safety"]

_COLOURS = {"treatments": COLOURS["main"], "patients": COLOURS["second"]}
_MARKERS = {"treatments": "o", "patients": "s"}
_BESIDE = 0.7  # of the width at most for the words on both sides of the axis, else they stand above the rows
_FLOOR = 0.01  # the left end of the axis, below the smallest rate that so many treatments can show


def safety(
    rates: Safety | None = None,
    *,
    ax: Axes | None = None,
    width: str | float = "double",
    size: float = 7,
    title: str | None = None,
    evidence: Evidence | None = None,
) -> Axes:
    """Draw the rate of each class of adverse event with its interval.

    Parameters
    ----------
    rates : Safety, optional
        From :func:`acuevidence.questions.safety`. Default: that of the package's evidence.
    ax, width, size : Axes, {"single", "double"} or float, float
        Where to draw, by default a new figure of one or two columns of a journal (89 or 183 mm) or so many millimetres; type
        size in points.
    title : str, optional
        Heading of the figure.
    evidence : Evidence, optional
        Whose rates are drawn where none are given. Default: the package's evidence.

    Returns
    -------
    Axes
        A row per class and denominator on a log axis: circles count treatments, squares count patients. A rate of zero is drawn as the
        upper end of its interval with an arrow to the left; an interval that reaches beyond an end of the axis has an arrow.

    Examples
    --------
    >>> import acuevidence as ae
    >>> ax = ae.plots.safety()
    >>> ax.get_xscale()
    'log'
    """
    found = pooled_rates(evidence=evidence) if rates is None else rates
    rows = list(found.rates.itertuples())
    beside = 72 * inches(width) * _BESIDE
    single = narrow(width) or any(fitting(f"{_name(row)} {_counts(row)}", beside, size) < size for row in rows)
    places = _places(rows, 2.0 if single else 1.0)
    with drawing(ax, size, "Adverse events"):
        ax = new_axes(width, (places[-1] + 9 + 2 * single) * 1.75 * size / 72, ax)
        ax.set_xscale("log")
        ax.set(xlim=(_FLOOR, found.per), ylim=(places[-1] + 0.8, -1.4 if single else -0.8))
        for row, y in zip(rows, places, strict=True):
            _row(ax, row, y, found.per)
        (_above if single else _beside)(ax, rows, places, size)
        for rate in (1, 10, 100, 1000):
            ax.axvline(rate, color="0.9", linewidth=0.6, zorder=0)
        ax.xaxis.set_major_formatter(lambda x, _: f"{x:,.0f}" if x >= 1 else f"{x:g}")
        ax.minorticks_off()
        ax.set_xlabel(f"Events per {found.per:,.0f} (log axis)", fontsize=size)
        if title is not None:
            ax.set_title(title, loc="left")
        if ax.figure.get_layout_engine() is not None:
            caption(ax.figure, _WORDS, size)
    return ax


_WORDS = (
    "Circle: per treatment; square: per patient; line: 95% interval; arrow: the interval reaches zero, which a log axis cannot show. "
    "Open mark: no event was counted; it stands at the upper end of the interval. Three surveys or more: binomial model with random "
    "effects; else exact limits. Overlapping surveys count once; patients' reports and clinicians' are not pooled."
)


def _places(rows: list[Any], step: float) -> list[float]:
    """Return where rows stand: a wider gap between classes of event."""
    places, y = [], 0.0
    for i, row in enumerate(rows):
        y += 0 if i == 0 else step if row.event == rows[i - 1].event else step + 0.6
        places.append(y)
    return places


def _row(ax: Axes, row: Any, y: float, per: float) -> None:
    colour, marker = _COLOURS[row.denominator], _MARKERS[row.denominator]
    low, high = max(row.ci_low, _FLOOR), min(row.ci_high, per)
    ax.plot([low, high], [y, y], color=colour, linewidth=1.2, solid_capstyle="butt")
    if row.ci_low < _FLOOR:
        ax.plot([_FLOOR * 1.12], [y], marker="<", color=colour, markersize=3.5, markeredgewidth=0)
    if row.rate > _FLOOR:
        ax.plot([row.rate], [y], marker=marker, color=colour, markersize=4, markeredgewidth=0)
    else:
        ax.plot([high], [y], marker=marker, color=colour, markersize=4, markerfacecolor="white")


def _beside(ax: Axes, rows: list[Any], places: list[float], size: float) -> None:
    """Write the class left of the axis, and the rate with the counts behind it right of it."""
    ax.set_yticks(places, [_name(row) for row in rows], fontsize=size)
    beside = ax.secondary_yaxis("right")
    beside.set_yticks(places, [_counts(row) for row in rows], fontsize=0.95 * size)
    for axis in (ax, beside):
        axis.tick_params(axis="y", length=0)
    ax.spines["left"].set_visible(False)
    beside.spines["right"].set_visible(False)


def _above(ax: Axes, rows: list[Any], places: list[float], size: float) -> None:
    """Write class and rate above each row, where a narrow figure has no room beside it."""
    room = ax.figure.get_figwidth() * 72 - 4 * size  # type: ignore[union-attr]
    said = [f"{_name(row)}: {_rate(row)}" for row in rows]
    small = min(fitting(text, room, size) for text in said)
    for text, y in zip(said, places, strict=True):
        ax.text(_FLOOR, y - 0.45, text, fontsize=small, va="bottom", ha="left")
    ax.set_yticks([])
    ax.spines["left"].set_visible(False)


def _counts(row: Any) -> str:
    return f"{_rate(row)}; {row.events:,} in {row.n:,}, {count(row.sources, 'survey')}"


def _name(row: Any) -> str:
    return f"{row.label}, per {row.denominator.removesuffix('s')}, {row.reported_by} report"


def _rate(row: Any) -> str:
    return f"{number(row.rate)} ({number(row.ci_low)} to {number(row.ci_high)})"


guard(__name__, "safety")
