"""The signature figure: strong, small or unsure, for each condition against usual care and against sham."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from acuevidence.appraisal.certainty import certainty
from acuevidence.appraisal.thresholds import has_mid
from acuevidence.appraisal.thresholds import mid as minimal_important_difference
from acuevidence.arguments import guard
from acuevidence.errors import InputError
from acuevidence.evidence import conditions, load_evidence
from acuevidence.plots.forest import mid_words
from acuevidence.plots.forest_rows import interval_text
from acuevidence.plots.parts.axis import span
from acuevidence.plots.parts.canvas import Canvas, Column, Row
from acuevidence.plots.parts.page import drawing, narrow
from acuevidence.plots.parts.style import COLOURS, Layout
from acuevidence.questions.pooled import pooled

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from acuevidence.appraisal.thresholds import Mid
    from acuevidence.synthesis.result import MetaAnalysis

__all__ = ["nuance"]

_LABELS = {"usual_care": "v usual care", "sham": "v sham"}


def nuance(
    results: Mapping[str, Mapping[str, MetaAnalysis]] | None = None,
    *,
    ax: Axes | None = None,
    width: str | float = "double",
    size: float = 7,
    mid: Mid | float | tuple[float, float] | None = None,
    limits: tuple[float, float] | None = None,
    title: str | None = None,
    heading: str = "Condition",
) -> Axes:
    """Draw the effect in each condition against usual care and against sham on one axis.

    Parameters
    ----------
    results : mapping, optional
        Condition to a mapping of comparator to MetaAnalysis. Default: the standard analysis of every condition.
    ax : Axes, optional
        Where to draw. Default: a new figure.
    width : {"double", "single"} or float
        Width of a new figure: a journal column (89 or 183 mm), or millimetres.
    size : float
        Type size in points.
    mid : float, pair of floats, or Mid, optional
        Minimal important difference, drawn as a band. Default: that of pain as an SMD.
    limits : pair of float, optional
        Ends of the axis; intervals beyond are cut with an arrow.
    title : str, optional
        Heading of the figure.
    heading : str
        Heading of the first column: what the groups of rows are.

    Returns
    -------
    Axes
        Diamonds are pooled effects, thick lines their 95 % intervals, thin lines prediction intervals; positive
        effects favour acupuncture.

    Examples
    --------
    >>> import acuevidence as ae
    >>> ax = ae.plots.nuance()
    """
    evidence = load_evidence()
    if results is None:
        results = {condition: pooled(condition) for condition in conditions(evidence)}
    if not any(results.values()):
        raise InputError("results holds no pooled effect; there is nothing to draw")
    mid = minimal_important_difference("pain", "SMD") if mid is None else mid
    single = narrow(width)
    columns = [] if single else [Column("Trials", None), Column("Patients", None)]
    after = Column("Certainty", None, side="right", align="left")
    rows: list[Row] = []
    for condition, groups in results.items():
        label = evidence.topic.label(condition) if condition in evidence.topic.conditions else str(condition)
        rows.append(Row("group", label, bold=True, colour="black"))
        names = sorted(groups, key=lambda name: list(_LABELS).index(name) if name in _LABELS else len(_LABELS))
        rows += [_row(name, groups[name], single) for name in names]
    with drawing(ax, size, "Effects by group"):
        said = (
            "Pooled SMD (Hedges g) at the end of treatment; positive values favour acupuncture. Diamond and thick line: estimate "
            "with 95% interval; thin line: 95% prediction interval (three trials or more). Certainty by written rules after "
            f"GRADE, ● one step of four. {_conventions(results)}{mid_words(mid)}{_without_mid(results)}"
        )
        canvas = Canvas(ax, width, Layout(study_title=heading), size, rows, [*columns, after], [said],
                        title, single, weight=False, heads=("SMD (95% CI)", ""))  # fmt: skip
        return canvas.draw("SMD", False, mid, ("Favours comparator", "Favours acupuncture"), None if limits is None else span(limits))


def _without_mid(results: Mapping[str, Mapping[str, Any]]) -> str:
    """Return the sentence on pooled outcomes that the shaded band does not hold for."""
    data = [one.data for groups in results.values() for one in groups.values() if "outcome" in one.data]
    names = sorted(
        {str(name).replace("_", " ") for part in data for name in part["outcome"].dropna() if not has_mid(name)}
    )
    return f" None is published for {' and '.join(names)}." if names else ""


def _conventions(results: Mapping[str, Mapping[str, Any]]) -> str:
    """Return the conventions of the pooled effects; those of the largest synthesis name every one in use."""
    everything = [one for groups in results.values() for one in groups.values()]
    return max(everything, key=lambda one: one.k).conventions if everything else ""


def _row(name: str, one: Any, single: bool) -> Row:
    colour, label = COLOURS.get(name, COLOURS["neutral"]), _LABELS.get(name, f"v {str(name).replace('_', ' ')}")
    cells = {"Trials": f"{one.k}"}
    if one.k == 0:
        return Row("text", f"{label}: no trial with usable figures")
    n = one.data[["n1", "n2"]].sum().sum() if {"n1", "n2"} <= set(one.data.columns) else None
    if n is not None:
        least = "≥" if one.data[["n1", "n2"]].isna().to_numpy().any() else ""
        cells["Patients"] = f"{least}{int(n):,}"
    rated = certainty(one)
    cells["effect"] = interval_text(one.estimate, one.ci_low, one.ci_high)
    cells["Certainty"] = rated.symbols if single else f"{rated.symbols} {rated.level}"
    outer = (one.pi_low, one.pi_high) if one.k > 2 else (float("nan"), float("nan"))
    return Row("summary", label, one.estimate, one.ci_low, one.ci_high, outer, colour=colour, cells=cells)


guard(__name__, "nuance")
