"""What the parts of a treatment add, and what they come to together."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from acuevidence import words
from acuevidence.arguments import guard
from acuevidence.evidence import Evidence, load_evidence
from acuevidence.plots.forest_rows import interval_text
from acuevidence.plots.parts.canvas import Canvas, Column, Row
from acuevidence.plots.parts.page import drawing, narrow
from acuevidence.plots.parts.style import COLOURS, Layout
from acuevidence.questions.components import Components
from acuevidence.questions.components import components as ask

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["components"]


def components(
    found: Components | None = None,
    *,
    ax: Axes | None = None,
    width: str | float = "double",
    size: float = 7,
    title: str | None = None,
    evidence: Evidence | None = None,
) -> Axes:
    """Draw what each part of the treatment adds, and what arms of several parts do against none.

    Parameters
    ----------
    found : Components, optional
        From :func:`acuevidence.questions.components`. Default: that of the conditions which the topic names for this figure.
    ax : Axes, optional
        Where to draw. Default: a new figure.
    width : {"double", "single"} or float
        Width of a new figure: a journal column (89 or 183 mm), or millimetres.
    size : float
        Type size in points.
    title : str, optional
        Heading of the figure.
    evidence : Evidence, optional
        Whose answer is drawn where none is given. Default: the package's evidence.

    Returns
    -------
    Axes
        Diamonds are estimates of the additive model, lines their intervals; positive favours arms that have the part. Where the trials
        speak against adding parts up, none is drawn, and the figure says so.

    Examples
    --------
    >>> import acuevidence as ae
    >>> ax = ae.plots.components(ae.questions.components("knee_osteoarthritis"))
    """
    if found is None:
        evidence = load_evidence() if evidence is None else evidence
        found = ask(evidence.topic.figures.get("components"), evidence=evidence)
    single, p = narrow(width), found.additivity["p_random"]
    tests = f"adding up P {words.p(p['additivity'])}, between sets of arms P {words.p(p['between designs'])}"
    rows = [Row("text", f"The trials speak against adding parts up ({tests}): not drawn.")]
    if found.holds:
        rows = [Row("group", "Each part adds", bold=True, colour="black")]
        rows += [_row(_first_up(one.Index) if single else one.label, one, f"{one.k}") for one in found.components.itertuples()]
        rows.append(Row("group", "Together, against no part", bold=True, colour="black"))
        sums = [one for one in found.combinations.itertuples() if one.Index not in found.components.index]
        rows += [_row(_first_up(one.Index.replace(" + ", ", ")), one, "", COLOURS["neutral"]) for one in sums]
    said = (
        f"Additive model of {words.count(found.model.k, 'trial')} over {', '.join(_small(found, c) for c in found.conditions.index)}; "
        f"SMD, positive values favour the arm with the part. Diamond and line: estimate with 95% interval. {_mean(found)}"
        f"Tests of the model: {tests}. Not in it: {words.count(len(found.left_out), 'arm')} of which it is not known which parts they had"
        + (f"; in {words.count(found.assumed, 'trial')} the parts of an arm are assumed." if found.assumed else ".")
    )
    with drawing(ax, size, "Parts of the treatment"):
        canvas = Canvas(
            ax,
            width,
            Layout(study_title="Part"),
            size,
            rows,
            [] if single else [Column("Trials", None)],
            [said],
            title,
            single,
            weight=False,
            heads=("SMD (95% CI)", ""),
        )
        return canvas.draw("SMD", False, None, ("Less effect", "More effect"), None)


def _mean(found: Components) -> str:
    if len(found.conditions) < 2:
        return ""
    return f"{found.components['label'].iloc[0]}: mean over conditions (difference between them P {words.p(found.conditions_p)}). "


def _small(found: Components, condition: str) -> str:
    label = found.topic.label(condition)
    return label[:1].lower() + label[1:]


def _first_up(name: str) -> str:
    return name[:1].upper() + name[1:].replace("_", " ")


def _row(label: str, one: Any, trials: str, colour: str | None = None) -> Row:
    cells = {"Trials": trials} if trials else {}
    if not math.isfinite(one.estimate):
        return Row("text", f"{label}: not told apart by these trials")
    cells["effect"] = interval_text(one.estimate, one.ci_low, one.ci_high)
    return Row("summary", label, one.estimate, one.ci_low, one.ci_high, colour=colour or COLOURS["main"], cells=cells)


guard(__name__, "components")
