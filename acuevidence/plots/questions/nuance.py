"""The signature figure: strong, small or unsure, for each condition and comparator."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from acuevidence.arguments import guard
from acuevidence.evidence import Evidence
from acuevidence.plots.forest import mid_words
from acuevidence.plots.forest_rows import interval_text
from acuevidence.plots.parts.axis import span
from acuevidence.plots.parts.canvas import Canvas, Column, Row
from acuevidence.plots.parts.page import drawing, narrow
from acuevidence.plots.parts.style import Layout
from acuevidence.questions.overview import Overview
from acuevidence.questions.overview import overview as ask
from acuevidence.topic import Topic

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["nuance"]


def nuance(
    found: Overview | Mapping[str, Mapping[str, Any]] | None = None,
    *,
    ax: Axes | None = None,
    width: str | float = "double",
    size: float = 7,
    mid: Any = None,
    limits: tuple[float, float] | None = None,
    title: str | None = None,
    heading: str = "Condition",
    evidence: Evidence | None = None,
) -> Axes:
    """Draw the effect in each condition against each comparator on one axis.

    Parameters
    ----------
    found : Overview or mapping, optional
        From :func:`acuevidence.questions.overview`, or group to a mapping of comparator to MetaAnalysis, of which it is asked.
        Default: that of the package's evidence.
    ax, width, size : Axes, {"single", "double"} or float, float
        Where to draw, by default a new figure of one or two columns of a journal (89 or 183 mm) or so many millimetres; type
        size in points.
    mid : float, pair of floats, or Mid, optional
        Minimal important difference, drawn as a band. Default: that of the main outcome, where one is known.
    limits : pair of float, optional
        Ends of the axis; intervals beyond are cut with an arrow.
    title : str, optional
        Heading of the figure.
    heading : str
        Heading of the first column: what the groups of rows are.
    evidence : Evidence, optional
        Whose answer is drawn where none is given. Default: the package's evidence.

    Returns
    -------
    Axes
        Diamonds are pooled effects, thick lines their 95 % intervals, thin lines prediction intervals; positive
        effects favour the treatment.

    Examples
    --------
    >>> import acuevidence as ae
    >>> ax = ae.plots.nuance()
    """
    found = found if isinstance(found, Overview) else ask(found, evidence=evidence)
    mid = found.threshold if mid is None else mid
    single, topic = narrow(width), found.topic
    columns = [] if single else [Column("Trials", None), Column("Patients", None)]
    after = Column("Certainty", None, side="right", align="left")
    rows: list[Row] = []
    for _, group in found.rows.groupby("group", sort=False):
        rows.append(Row("group", group["label"].iloc[0], bold=True, colour="black"))
        rows += [_row(one, topic, single) for one in group.itertuples()]
    without = [name.replace("_", " ") for name in found.without]
    with drawing(ax, size, "Effects by group"):
        said = (
            f"Pooled SMD (Hedges g) at the end of treatment; positive values favour {topic.treatment.phrase}. Diamond and thick line: "
            "estimate with 95% interval; thin line: 95% prediction interval (three trials or more). Certainty by written rules after "
            f"GRADE, ● one step of four. {found.conventions}{mid_words(mid)}"
            + (f" None is published for {' and '.join(without)}." if without and mid is not None else "")
        )
        canvas = Canvas(
            ax,
            width,
            Layout(study_title=heading),
            size,
            rows,
            [*columns, after],
            [said],
            title,
            single,
            weight=False,
            heads=("SMD (95% CI)", ""),
        )
        return canvas.draw("SMD", False, mid, topic.sides("benefit"), None if limits is None else span(limits))


def _row(one: Any, topic: Topic, single: bool) -> Row:
    label = f"v {topic.comparator(one.comparator).phrase}"
    if not one.k:
        return Row("text", f"{label}: no trial with usable figures" if one.comparator else "No trial with usable figures")
    cells = {"Trials": f"{one.k}", "effect": interval_text(one.estimate, one.ci_low, one.ci_high)}
    if math.isfinite(one.patients):
        cells["Patients"] = f"{'≥' if one.at_least else ''}{int(one.patients):,}"
    cells["Certainty"] = one.symbols if single else f"{one.symbols} {one.certainty}"
    outer = (one.pi_low, one.pi_high)
    return Row("summary", label, one.estimate, one.ci_low, one.ci_high, outer, colour=topic.colour(one.comparator), cells=cells)


guard(__name__, "nuance")
