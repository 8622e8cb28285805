"""Rates of adverse events, source by source and pooled, on a logarithmic axis."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from acuevidence.plots.style import COLOURS, new_axes, style

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["safety"]

_FLOOR = 0.005  # no event: the mark stands at the left edge, as an arrow
_COLOUR = {"treatments": COLOURS["sham"], "patients": COLOURS["usual_care"]}


def safety(result: Any = None, *, ax: Axes | None = None, width: str | float = "double", size: float = 7) -> Axes:
    """Draw rates of adverse events: each source with its exact interval, and the pooled rates.

    Parameters
    ----------
    result : Safety, optional
        Rates, as :func:`acuevidence.safety` gives them. Default: those of the package's evidence.
    ax : Axes, optional
        Where to draw. Default: a new figure.
    width : {"double", "single"} or float
        Width of a new figure: a journal column, or inches.
    size : float
        Type size in points.

    Returns
    -------
    Axes
        Squares are sources, arrows sources without any event, diamonds pooled rates; blue per treatment, orange per patient.

    Examples
    --------
    >>> import acuevidence as ae
    >>> ae.plots.safety().get_xscale()
    'log'
    """
    if result is None:
        from acuevidence.appraisal.safety import safety as rates

        result = rates()
    with style(size):
        lines = _lines(result)
        ax = new_axes(width, 0.165 * len(lines) + 0.8) if ax is None else ax
        for y, (_, row, pooled) in enumerate(lines):
            colour, low = _COLOUR[row.denominator], max(row.ci_low, _FLOOR)
            mark = "D" if pooled else "s" if row.rate else "<"
            ax.plot([low, row.ci_high], [y, y], color=colour, linewidth=2 if pooled else 0.9)
            ax.plot(max(row.rate, _FLOOR), y, mark, color=colour, markersize=4.5 if pooled else 3)
        ax.set_xscale("log")
        ax.set_xlim(_FLOOR * 0.8, None)
        ax.set_xticks([0.01, 0.1, 1, 10, 100, 1000], ["0.01", "0.1", "1", "10", "100", "1,000"])
        ax.set_yticks(range(len(lines)), [label for label, _, _ in lines])
        for tick, (_, _, pooled) in zip(ax.get_yticklabels(), lines, strict=True):
            tick.set_fontweight("bold" if pooled else "normal")
        ax.set_ylim(len(lines) - 0.4, -0.6)
        ax.set_xlabel(
            f"Events per {result.per:,.0f} treatments (blue) or patients (orange), with 95% interval\n"
            "square: a source, exact interval; arrow: no event seen; diamond: pooled"
        )
    return ax


def _lines(result: Any) -> list[tuple[str, Any, bool]]:
    """Return label, row and whether it is pooled, class by class: a pooled rate after its sources."""
    used = result.sources[result.sources["pooled"]]
    lines: list[tuple[str, Any, bool]] = []
    for rate in result.rates.itertuples():
        rows = used[(used["event"] == rate.event) & (used["denominator"] == rate.denominator)].sort_values("n")
        lines += [(f"{rate.label}, {row.study.split(' (')[0]}", row, False) for row in rows.itertuples()]
        if rate.sources > 1:
            lines.append((f"{rate.label} per {rate.denominator.removesuffix('s')}", rate, True))
    return lines
