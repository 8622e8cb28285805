"""People counted: of 100 patients, how many respond with the comparator and with the treatment."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from acuevidence.appraisal.in_words import method_words
from acuevidence.arguments import guard
from acuevidence.errors import InputError
from acuevidence.evidence import Evidence
from acuevidence.plots.parts.canvas import Canvas, Column, Row
from acuevidence.plots.parts.page import drawing, narrow
from acuevidence.plots.parts.style import Layout
from acuevidence.questions.responders import Responders
from acuevidence.questions.responders import responders as ask
from acuevidence.topic import Topic, topic_of
from acuevidence.words import count, series

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["responders"]

_DIFFERENCE = "Difference\n(95% CI)"


def responders(
    found: Responders | None = None,
    *,
    ax: Axes | None = None,
    width: str | float = "double",
    size: float = 6.5,
    title: str | None = None,
    evidence: Evidence | None = None,
) -> Axes:
    """Draw how many of 100 patients respond with the comparator and with the treatment.

    Parameters
    ----------
    found : Responders, optional
        From :func:`acuevidence.questions.responders`. Default: that of the package's evidence.
    ax, width, size : Axes, {"double", "single"} or float, float
        Where to draw, by default a new figure of one or two columns of a journal (89 or 183 mm) or so many millimetres; type
        size in points.
    title : str, optional
        Heading of the figure.
    evidence : Evidence, optional
        Whose answer is drawn where none is given. Default: the package's evidence.

    Returns
    -------
    Axes
        An axis of 0 to 100 patients: open circles with the comparator, diamonds with the treatment, thick lines their 95 % intervals.

    Raises
    ------
    InputError
        Where no trial counts responders.

    Examples
    --------
    >>> import acuevidence as ae
    >>> ax = ae.plots.responders(ae.questions.responders("headache"))
    >>> ax.get_xlabel()
    'Responders of 100 patients'
    """
    found = ask(evidence=evidence) if found is None else found
    if found.pools.empty:
        raise InputError("no trial counts responders; there is nothing to draw")
    topic, single = topic_of(found.effects), narrow(width)
    one = topic.treatment
    after = [] if single else [Column(_DIFFERENCE, None, side="right", align="left")]
    before = [] if single else [Column(name, None) for name in ("Trials", "Patients", "Comparator")]
    rows: list[Row] = []
    for condition, pools in found.pools.groupby("condition", sort=False):
        names = series(topic.label(name) if name in topic.conditions else name for name in str(condition).split("; "))
        rows.append(Row("group", names, bold=True, colour="black"))
        for pool in sorted(pools.itertuples(), key=lambda row: topic.place(str(row.comparator))):
            rows += _rows(pool, topic, single)
    with drawing(ax, size, "Responders of 100 patients"):
        canvas = Canvas(
            ax,
            width,
            Layout(study_title="Of 100 patients", row=1.45 if single else 1.7),
            size,
            rows,
            [*before, *after],
            [_said(found, one.phrase, single)],
            title,
            single,
            weight=False,
            heads=(f"{one.label}\n(95% CI)", ""),
        )
        drawn = canvas.draw("Responders of 100 patients", False, None, ("Fewer respond", "More respond"), (0.0, 100.0), None, None)
        risks = [(y, row) for y, row in enumerate(canvas.rows) if math.isfinite(row.weight)]
        for y, row in risks:
            drawn.plot([row.weight, row.estimate], [y, y], color=row.colour, lw=0.7, zorder=1)
            drawn.plot([row.weight], [y], marker="o", ms=0.75 * size, color="white", mec=row.colour, mew=1.0, zorder=6)
    return drawn


def _rows(pool: Any, topic: Topic, single: bool) -> list[Row]:
    """Return the rows of a pool: both risks, in a narrow figure what is known of it; the weight of a row holds the comparator's risk."""
    label, control = f"v {topic.comparator(pool.comparator).phrase}", 100 * pool.control_risk
    look: dict[str, Any] = {"colour": topic.colour(pool.comparator)}
    known = f"{count(pool.k, 'trial')}, n {pool.n:,}"
    cells = {"Trials": f"{pool.k}", "Patients": f"{pool.n:,}", "Comparator": f"{control:.0f}", "effect": "not pooled"}
    if math.isnan(pool.rd):
        rows = [Row("summary", label, cells=cells, **look)]
        return [*rows, Row("more", known, **look)] if single else rows
    treated, low, high = (control + difference for difference in (pool.rd, pool.rd_low, pool.rd_high))
    difference = (
        f"{pool.rd:+.0f} ({pool.rd_low:+.0f} to {pool.rd_high:+.0f})".replace("-", "−").replace("+0", "0").replace("−0", "0")
    )
    cells |= {"effect": f"{treated:.0f} ({low:.0f} to {high:.0f})", _DIFFERENCE: difference}
    rows = [Row("summary", label, treated, low, high, weight=control, cells=cells, **look)]
    return [*rows, Row("more", known, cells={"effect": f"{difference} v {control:.0f}"}, **look)] if single else rows


def _said(found: Responders, treatment: str, single: bool) -> str:
    methods = [method_words(name) for name in found.pools.loc[found.pools["k"] > 2, "method"].unique()]
    return (
        f"Circle: with the comparator (median of the trials); diamond and thick line: with {treatment}, 95% interval, by the pooled risk "
        f"ratio{' (' + series(methods) + ')' if methods else ''}. "
        + ("Second line: trials, patients (n), and the difference from the comparator. " if single else "")
        + "Responders as each trial counts them. Two trials are not pooled."
    )


guard(__name__, "responders")
