"""Published pooled effects beside those computed here, on one axis."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from acuevidence.arguments import guard
from acuevidence.evidence import Evidence
from acuevidence.plots.forest import mid_words
from acuevidence.plots.forest_rows import interval_text
from acuevidence.plots.parts.canvas import Canvas, Row
from acuevidence.plots.parts.page import drawing, narrow
from acuevidence.plots.parts.style import COLOURS, Layout
from acuevidence.plots.questions.nuance import thresholds_in_words
from acuevidence.questions.consensus import Consensus
from acuevidence.questions.consensus import consensus as ask
from acuevidence.words import count

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from acuevidence.appraisal.thresholds import Mid

__all__ = ["consensus"]


def consensus(
    found: Consensus | None = None,
    *,
    ax: Axes | None = None,
    width: str | float = "double",
    size: float = 6.5,
    mid: Mid | float | tuple[float, float] | None = None,
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
        Smallest important difference, drawn behind all rows. Default: each condition's own, where one is published.
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
    topic, own = found.topic, mid is None
    # Only where there is a review to compare with.
    known = found.rows.groupby(["condition", "comparator"], sort=False).filter(lambda group: not group["own"].all())
    rows: list[Row] = []
    for (condition, comparator), group in known.groupby(["condition", "comparator"], sort=False):
        rows.append(Row("group", f"{topic.label(condition)} v {topic.comparator(comparator).phrase}", bold=True, colour="black"))
        mids = group["threshold"].dropna()
        value = float(mids.iloc[0]) if own and len(mids) else math.nan
        rows += [_row(one, topic.colour(comparator), (value, value)) for one in group.itertuples()]
    left, right = topic.sides("benefit")
    said = (
        f"Pooled SMDs; positive values favour {topic.treatment.phrase}. Bold: computed here, at the end of treatment (diamond: pooled; "
        "square: one trial); grey: as published, which may count the same trials several times; black: individual patient data (IPD). "
        "Line: 95% interval; an arrow: it goes on."
    )
    with drawing(ax, size, "Published and own effects"):
        canvas = Canvas(
            ax,
            width,
            Layout(study_title="Review", row=1.5),
            size,
            rows,
            [],
            [said + (thresholds_in_words(known[known["own"]]) if own else mid_words(mid))],
            title,
            narrow(width),
            weight=False,
            heads=("SMD (95% CI)", ""),
        )
        return canvas.draw("SMD", False, mid, (left[:1].upper() + left[1:], right[:1].upper() + right[1:]), None)


def _row(one: Any, colour: str, mid: tuple[float, float]) -> Row:
    if one.own and one.k == 1:
        label = f"Here, {one.study}"
    elif one.own:
        label = f"Here, {one.study + ', ' if one.study else ''}{count(int(one.k), 'trial')}"
    else:
        label = one.study.split(" (ref")[0] + (" (IPD)" if one.patients else "") + (f", {one.wider}" if one.wider else "")
    cells = {"effect": interval_text(one.estimate, one.ci_low, one.ci_high)}
    colour = colour if one.own else "black" if one.patients else COLOURS["muted"]
    kind = "trial" if one.own and one.k == 1 else "summary"
    return Row(
        kind, label, one.estimate, one.ci_low, one.ci_high, weight=0.4, mid=mid, colour=colour, cells=cells, bold=bool(one.own)
    )


guard(__name__, "consensus")
