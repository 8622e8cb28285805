"""The effects of every condition as an interactive chart: strong, small or unsure against each comparator, with sources on hover."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from acuevidence.appraisal.certainty import certainty
from acuevidence.appraisal.thresholds import main_mid
from acuevidence.arguments import guard
from acuevidence.errors import InputError
from acuevidence.evidence import Evidence, conditions, load_evidence
from acuevidence.evidence.carried import evidence_of
from acuevidence.plots.chart import Rows, chart_of, pooled_row
from acuevidence.plots.parts.axis import sides
from acuevidence.plots.parts.style import COLOURS
from acuevidence.questions.pooled import pooled
from acuevidence.topic import topic_of

if TYPE_CHECKING:
    import altair as alt

__all__ = ["nuance_chart"]


def nuance_chart(
    results: Mapping[str, Mapping[str, Any]] | None = None,
    *,
    evidence: Evidence | None = None,
    mid: Any = None,
    title: str | None = None,
) -> alt.LayerChart:
    """Return an interactive chart of the effect in each condition against each comparator.

    Parameters
    ----------
    results : mapping, optional
        Condition to a mapping of comparator to MetaAnalysis. Default: the standard analysis of every condition.
    evidence : Evidence, optional
        Whose conditions are drawn where no results are given. Default: the package's evidence.
    mid : float, pair of floats, or Mid, optional
        Minimal important difference in SD, drawn as a band. Default: that of the evidence's main outcome, where it has one.
    title : str, optional
        Heading of the chart.

    Returns
    -------
    altair.LayerChart
        A diamond per condition and comparator, a lone trial included. Hover for interval, prediction interval, number of
        trials and participants, and certainty with its reasons.

    Examples
    --------
    >>> from acuevidence.plots.questions.nuance_chart import nuance_chart
    >>> type(nuance_chart()).__name__
    'LayerChart'
    """
    if results is None:
        evidence = load_evidence() if evidence is None else evidence
        results = {condition: pooled(condition, evidence=evidence) for condition in conditions(evidence)}
    topic, rows = topic_of(results), Rows()
    for condition, groups in results.items():
        label = topic.label(condition) if condition in topic.conditions else condition
        rows.add(label, heading=True)
        if not groups:
            rows.add("No trial with usable figures")
        for name in sorted(groups, key=topic.place):
            one, against = groups[name], f"v {topic.comparator(name).phrase}"
            if one.k == 0:
                rows.add(f"{against}: no trial with usable figures")
                continue
            rated = certainty(one)
            said = {"condition": label, "certainty": rated.level, "reasons": "; ".join(rated.reasons) or "none"}
            colour = topic.colour(name) if topic.compares(name) else COLOURS["neutral"]
            rows.pooled.append(pooled_row(one, "SMD") | {"label": against} | said | {"row": rows.add(against), "colour": colour})
    if not rows.pooled:
        raise InputError("results hold no trial; pool at least one trial before drawing them")
    band = main_mid(evidence_of(results, evidence)) if mid is None else mid
    return chart_of(rows, "SMD", band, sides(results)[0], title)


guard(__name__, "nuance_chart")
