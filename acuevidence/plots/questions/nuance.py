"""The signature figure: strong, small or unsure, for each condition against each comparator."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from acuevidence.appraisal.certainty import certainty
from acuevidence.appraisal.thresholds import has_mid, main_mid
from acuevidence.arguments import guard
from acuevidence.evidence import Evidence, conditions, load_evidence
from acuevidence.evidence.carried import evidence_of
from acuevidence.plots.forest import mid_words
from acuevidence.plots.forest_rows import interval_text
from acuevidence.plots.parts.axis import sides, span
from acuevidence.plots.parts.canvas import Canvas, Column, Row
from acuevidence.plots.parts.page import drawing, narrow
from acuevidence.plots.parts.style import COLOURS, Layout
from acuevidence.questions.pooled import pooled
from acuevidence.topic import Topic, topic_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["nuance"]


def nuance(
    results: Mapping[str, Mapping[str, Any]] | None = None,
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
    results : mapping, optional
        Condition to a mapping of comparator to MetaAnalysis. Default: the standard analysis of every condition.
    ax : Axes, optional
        Where to draw. Default: a new figure.
    width : {"double", "single"} or float
        Width of a new figure: a journal column (89 or 183 mm), or millimetres.
    size : float
        Type size in points.
    mid : float, pair of floats, or Mid, optional
        Minimal important difference, drawn as a band. Default: that of the main outcome as an SMD, where there is one.
    limits : pair of float, optional
        Ends of the axis; intervals beyond are cut with an arrow.
    title : str, optional
        Heading of the figure.
    heading : str
        Heading of the first column: what the groups of rows are.
    evidence : Evidence, optional
        Whose conditions are drawn where no results are given. Default: the package's evidence.

    Returns
    -------
    Axes
        Diamonds are pooled effects, thick lines their 95 % intervals, thin lines prediction intervals.

    Examples
    --------
    >>> import acuevidence as ae
    >>> ax = ae.plots.nuance()
    """
    if results is None:
        evidence = load_evidence() if evidence is None else evidence
        results = {condition: pooled(condition, evidence=evidence) for condition in conditions(evidence)}
    topic, evidence = topic_of(results), evidence_of(results, evidence)
    mid = main_mid(evidence) if mid is None else mid
    single = narrow(width)
    columns = [] if single else [Column("Trials", None), Column("Patients", None)]
    after = Column("Certainty", None, side="right", align="left")
    rows: list[Row] = []
    for condition, groups in results.items():
        label = topic.label(condition) if condition in topic.conditions else condition
        rows.append(Row("group", label, bold=True, colour="black"))
        rows += [_row(name, groups[name], topic, single) for name in sorted(groups, key=topic.place)]
    words, favours = sides(results)
    with drawing(ax, size, "Effects by group"):
        said = (
            f"Pooled SMD (Hedges g) at the end of treatment{favours}. Diamond and thick line: estimate "
            "with 95% interval; thin line: 95% prediction interval (three trials or more). Certainty by written rules after "
            f"GRADE, ● one step of four. {_conventions(results)}{mid_words(mid)}{_without_mid(results, evidence)}"
        )
        canvas = Canvas(ax, width, Layout(study_title=heading), size, rows, [*columns, after], [said],
                        title, single, weight=False, heads=("SMD (95% CI)", ""))  # fmt: skip
        return canvas.draw("SMD", False, mid, words, None if limits is None else span(limits))


def _without_mid(results: Mapping[str, Mapping[str, Any]], evidence: Evidence | None) -> str:
    """Return the sentence on pooled outcomes that the shaded band does not hold for."""
    if evidence is None:
        return ""
    data = [one.data for groups in results.values() for one in groups.values() if "outcome" in one.data]
    names = sorted(
        evidence.topic.outcome(name)
        for name in dict.fromkeys(name for part in data for name in part["outcome"].dropna())
        if not has_mid(name, evidence=evidence)
    )
    return f" None is published for {' and '.join(names)}." if names else ""


def _conventions(results: Mapping[str, Mapping[str, Any]]) -> str:
    """Return the conventions of the pooled effects; those of the largest synthesis name every one in use."""
    everything = [one for groups in results.values() for one in groups.values()]
    return max(everything, key=lambda one: one.k).conventions if everything else ""


def _row(name: str, one: Any, topic: Topic, single: bool) -> Row:
    colour = topic.colour(name) if name in topic.comparators else COLOURS["neutral"]
    label = f"v {topic.comparator(name).phrase}"
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
