"""Published pooled effects beside those computed here, on one axis."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from acuevidence.arguments import guard
from acuevidence.evidence import Evidence
from acuevidence.plots.forest import mid_words
from acuevidence.plots.forest_rows import interval_text
from acuevidence.plots.parts.canvas import Canvas, Row
from acuevidence.plots.parts.page import drawing, narrow
from acuevidence.plots.parts.style import COLOURS, Layout
from acuevidence.questions.consensus import Consensus
from acuevidence.questions.consensus import consensus as ask
from acuevidence.words import count

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["consensus"]


def consensus(
    found: Consensus | None = None,
    *,
    ax: Axes | None = None,
    width: str | float = "double",
    size: float = 7,
    mid: Any = None,
    title: str | None = None,
    evidence: Evidence | None = None,
) -> Axes:
    """Draw the pooled effects of published reviews beside one's own.

    Parameters
    ----------
    found : Consensus, optional
        From :func:`acuevidence.questions.consensus`. Default: that of the package's evidence.
    ax, width, size : Axes, {"single", "double"} or float, float
        Where to draw, by default a new figure of one or two columns of a journal (89 or 183 mm) or so many millimetres; type
        size in points.
    mid : float, pair of floats, or Mid, optional
        Minimal important difference, drawn as a band. Default: that of the main outcome, where one is known.
    title : str, optional
        Heading of the figure.
    evidence : Evidence, optional
        Whose answer is drawn where none is given. Default: the package's evidence.

    Returns
    -------
    Axes
        Bold rows are effects pooled here, the others those of reviews as published; positive favours the treatment.

    Examples
    --------
    >>> import acuevidence as ae
    >>> ax = ae.plots.consensus()
    """
    found = ask(evidence=evidence) if found is None else found
    mid, topic = found.threshold if mid is None else mid, found.topic
    rows = []
    for (condition, comparator), group in found.rows.groupby(["condition", "comparator"], sort=False):
        rows.append(Row("group", f"{topic.label(condition)} v {topic.comparator(comparator).phrase}", bold=True, colour="black"))
        rows += [_row(one, topic.colour(comparator)) for one in group.itertuples()]
    theirs = found.rows[~found.rows["own"]]
    low, high = min([0.0, *theirs["ci_low"]]), max([0.5, *theirs["ci_high"]])
    pad = 0.3 * (high - low)
    said = (
        f"Pooled SMDs; positive values favour {topic.treatment.phrase}. Diamond and line: estimate with 95% interval; an arrow: the "
        "interval goes on. Bold: computed here, at the end of treatment; the others: as published, which may count the same trials "
        "several times."
    )
    with drawing(ax, size, "Published and own effects"):
        canvas = Canvas(
            ax,
            width,
            Layout(study_title="Review"),
            size,
            rows,
            [],
            [said + mid_words(mid)],
            title,
            narrow(width),
            weight=False,
            heads=("SMD (95% CI)", ""),
        )
        return canvas.draw("SMD", False, mid, topic.sides("benefit"), (min(low - pad, -0.3), high + pad))


def _row(one: Any, colour: str) -> Row:
    label = f"Here, {one.study + ', ' if one.study else ''}{count(int(one.k), 'trial')}" if one.own else one.study.split(" (ref")[0]
    cells = {"effect": interval_text(one.estimate, one.ci_low, one.ci_high)}
    colour = colour if one.own else COLOURS["neutral"]
    return Row("summary", label, one.estimate, one.ci_low, one.ci_high, colour=colour, cells=cells, bold=one.own)


guard(__name__, "consensus")
