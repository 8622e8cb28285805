"""Published pooled effects beside those computed here, condition by condition, on one axis and with one sign."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from acuevidence.appraisal.thresholds import mid as minimal_important_difference
from acuevidence.arguments import guard
from acuevidence.evidence import conditions, load_evidence
from acuevidence.plots.forest import mid_words
from acuevidence.plots.forest_rows import interval_text
from acuevidence.plots.parts.canvas import Canvas, Row
from acuevidence.plots.parts.page import drawing, narrow
from acuevidence.plots.parts.style import COLOURS, Layout
from acuevidence.questions.pooled import pooled
from acuevidence.questions.published import published

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from acuevidence.appraisal.thresholds import Mid

__all__ = ["consensus"]

_AGAINST = {"usual_care": "usual care", "sham": "sham"}


def consensus(
    *,
    ax: Axes | None = None,
    width: str | float = "double",
    size: float = 7,
    mid: Mid | float | tuple[float, float] | None = None,
    title: str | None = None,
) -> Axes:
    """Draw the pooled effects of published reviews on pain beside the package's own.

    Parameters
    ----------
    ax : Axes, optional
        Where to draw. Default: a new figure.
    width : {"double", "single"} or float
        Width of a new figure: a journal column (89 or 183 mm), or millimetres.
    size : float
        Type size in points.
    mid : float, pair of floats, or Mid, optional
        Minimal important difference, drawn as a band. Default: that of pain as an SMD.
    title : str, optional
        Heading of the figure.

    Returns
    -------
    Axes
        Bold rows are the package's own pooled effects, the others those of reviews as published; positive favours acupuncture.

    Examples
    --------
    >>> import acuevidence as ae
    >>> ax = ae.plots.consensus()
    """
    mid = minimal_important_difference("pain", "SMD") if mid is None else mid
    rows = [row for condition in conditions() for row in _of(condition)]
    low = min([0.0, *(row.low for row in rows if row.kind == "summary" and not row.bold)])
    high = max([0.5, *(row.high for row in rows if row.kind == "summary" and not row.bold)])
    pad = 0.3 * (high - low)
    said = (
        "Pooled SMDs; positive values favour acupuncture. Diamond and line: estimate with 95% interval; an arrow: the interval goes on. "
        "Bold: computed here, at the end of treatment; the others: as published, which may count the same trials several times."
    )
    with drawing(ax, size, "Published and own effects"):
        canvas = Canvas(ax, width, Layout(study_title="Review"), size, rows, [], [said + mid_words(mid)], title,
                        narrow(width), weight=False, heads=("SMD (95% CI)", ""))  # fmt: skip
        return canvas.draw(
            "SMD", False, mid, ("Favours comparator", "Favours acupuncture"), (min(low - pad, -0.3), high + pad)
        )


def _of(condition: str) -> list[Row]:
    """Return the rows of a condition: for each comparator the package's effect, then those of reviews."""
    found, ours, label = published(condition), pooled(condition), load_evidence().topic.label(condition)
    rows = []
    for comparator, words in _AGAINST.items():
        theirs = found[(found["comparator"] == comparator) & found[["ci_low", "ci_high"]].notna().all(axis=1)]
        mine = ours.get(comparator)
        if mine is None and theirs.empty:
            continue
        rows.append(Row("group", f"{label} v {words}", bold=True, colour="black"))
        if mine is not None and mine.k:
            rows.append(_row(f"Here, {mine.k} trial{'' if mine.k == 1 else 's'}", mine, COLOURS[comparator], bold=True))
        rows += [_row(one.study.split(" (ref")[0], one, COLOURS["neutral"]) for one in theirs.itertuples()]
    return rows


def _row(label: str, one: Any, colour: str, *, bold: bool = False) -> Row:
    cells = {"effect": interval_text(one.estimate, one.ci_low, one.ci_high)}
    return Row("summary", label, one.estimate, one.ci_low, one.ci_high, colour=colour, cells=cells, bold=bold)


guard(__name__, "consensus")
