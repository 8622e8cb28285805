"""Every analysis of a condition on one axis: the default, and each choice made otherwise, comparator by comparator."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from acuevidence.arguments import guard
from acuevidence.errors import InputError
from acuevidence.plots.parts.caption import caption as write_caption
from acuevidence.plots.parts.labels import legend_above
from acuevidence.plots.parts.page import drawing, inches, new_axes
from acuevidence.plots.parts.style import text_width
from acuevidence.questions.sensitivity import primary_endpoints
from acuevidence.topic import topic_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["sensitivity"]

_NEEDED = ("analysis", "comparator", "k", "estimate", "ci_low", "ci_high")
_MARKERS = "os^Dv"


def sensitivity(
    result: pd.DataFrame | None = None,
    *,
    condition: str | None = None,
    ax: Axes | None = None,
    width: str | float = "double",
    size: float = 7,
    caption: bool = True,
) -> Axes:
    """Draw the pooled effect of every analysis of a condition, the default first.

    Parameters
    ----------
    result : DataFrame, optional
        From :func:`acuevidence.questions.sensitivity`. Default: that of ``condition`` in the package's evidence.
    condition : str, optional
        Which condition to ask for where no result is given. Default: the first one.
    ax, width, size : Axes, {"single", "double"} or float, float
        Where to draw, by default a new figure of one or two columns of a journal (89 or 183 mm) or so many millimetres; type
        size in points.
    caption : bool
        Whether a new figure says below what is drawn.

    Returns
    -------
    Axes
        One line an analysis and comparator: point and interval, trials and figures beside it; dotted lines stand at the default. A
        point without interval is a pool of fewer than three trials; an analysis without a trial has no point.

    Raises
    ------
    InputError
        For a table that is no answer of that question.

    Examples
    --------
    >>> import acuevidence as ae
    >>> ax = ae.plots.sensitivity(ae.questions.sensitivity("low_back_pain"))
    """
    if result is None:
        from acuevidence.evidence import conditions
        from acuevidence.questions.sensitivity import sensitivity as ask

        result = ask(condition or conditions()[0])
    absent = [name for name in _NEEDED if name not in result]
    if absent or result.empty:
        raise InputError(f"result must be a table of questions.sensitivity; this one lacks {', '.join(absent) or 'rows'}")
    topic = topic_of(result)
    some = result.groupby("comparator", sort=False)["k"].sum()
    comparators = [name for name in some.index if some[name] > 0]
    analyses = list(dict.fromkeys(result["analysis"]))
    lines = len(analyses) * len(comparators)
    row = 1.35 * size / 72
    with drawing(ax, size, "Sensitivity"):
        own = ax is None
        ax = new_axes(width, (lines + 0.6 * len(analyses)) * row + 8 * size / 72, ax)
        cells: list[tuple[float, str, str]] = []
        for place, comparator in enumerate(comparators):
            colour = topic.colour(comparator)
            marker = _MARKERS[place % len(_MARKERS)]
            rows = result[result["comparator"] == comparator].set_index("analysis").reindex(analyses)
            y = np.arange(len(analyses)) * (len(comparators) + 0.6) + place
            x, k = rows["estimate"].to_numpy(float), rows["k"].fillna(0).to_numpy(int)
            low, high = rows["ci_low"].to_numpy(float), rows["ci_high"].to_numpy(float)
            both = np.isfinite(x) & np.isfinite(low)
            label = f"v {topic.comparator(comparator).phrase}"
            ax.errorbar(
                x[both],
                y[both],
                xerr=[x[both] - low[both], high[both] - x[both]],
                fmt=marker,
                ms=0.55 * size,
                lw=1.1,
                capsize=0,
                color=colour,
                label=label,
            )
            alone = np.isfinite(x) & ~both
            ax.plot(x[alone], y[alone], marker, ms=0.55 * size, mfc="white", color=colour)
            if np.isfinite(x[0]):
                ax.axvline(x[0], color=colour, lw=0.7, ls=":", zorder=0)
            cells += [(at, _cell(*one), colour) for at, one in zip(y, zip(k, x, low, high, strict=True), strict=True)]
        ax.axvline(0, color="black", lw=0.6)
        step = len(comparators) + 0.6
        ax.set_yticks(np.arange(len(analyses)) * step + (len(comparators) - 1) / 2, _wrapped(analyses, width, size))
        ax.set_ylim(len(analyses) * step - 0.6, -0.9)
        ax.tick_params(axis="y", length=0)
        ax.spines["left"].set_visible(False)
        for at, text, colour in cells:
            ax.annotate(
                text,
                (1.0, at),
                xycoords=ax.get_yaxis_transform(),
                xytext=(4, 0),
                textcoords="offset points",
                va="center",
                fontsize=0.9 * size,
                color=colour,
                annotation_clip=False,
            )
        sides = topic.sides("benefit")
        ax.set_xlabel(f"SMD; above 0 {sides[1][:1].lower()}{sides[1][1:]}")
        ax.set_title(topic.label(result.attrs["condition"]) if "condition" in result.attrs else "", loc="left", pad=2.4 * size)
        legend_above(ax, size)
        if own and caption:
            write_caption(
                ax.figure,
                "Each line is the standard analysis with one choice made otherwise; k trials, SMD (95% interval). "
                f"Dotted: the default. Open marks: fewer than three trials, no interval. {primary_endpoints(result)}".rstrip(),
                size,
            )
    return ax


def _cell(k: int, x: float, low: float, high: float) -> str:
    if k == 0 or not np.isfinite(x):
        return f"k {k}"
    text = f"k {k}   {x:.2f}" + (f" ({low:.2f} to {high:.2f})" if np.isfinite(low) else "")
    return text.replace("-", "−")


def _wrapped(names: list[str], width: str | float, size: float) -> list[str]:
    """Return names broken so that they take at most a third of the page."""
    room, broken = 72 * inches(width) / 3, []
    for name in names:
        name = f"{name[:1].upper()}{name[1:]}"
        lines = [""]
        for word in name.split():
            longer = f"{lines[-1]} {word}".strip()
            if lines[-1] and text_width(longer, size) > room:
                lines.append(word)
            else:
                lines[-1] = longer
        broken.append("\n".join(lines))
    return broken


guard(__name__, "sensitivity")
