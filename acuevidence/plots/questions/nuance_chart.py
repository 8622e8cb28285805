"""The effects of every condition as an interactive chart: strong, small or unsure against each comparator, with sources on hover."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from acuevidence import words
from acuevidence.arguments import guard
from acuevidence.errors import InputError
from acuevidence.evidence import Evidence
from acuevidence.plots.chart import Rows, chart_of
from acuevidence.plots.parts.style import COLOURS
from acuevidence.questions.overview import Overview, overview

if TYPE_CHECKING:
    from acuevidence.appraisal.thresholds import Mid

if TYPE_CHECKING:
    import altair as alt

__all__ = ["nuance_chart"]


def nuance_chart(
    results: Overview | Mapping[str, Mapping[str, Any]] | None = None,
    *,
    evidence: Evidence | None = None,
    mid: Mid | float | tuple[float, float] | None = None,
    title: str | None = None,
) -> alt.LayerChart:
    """Return an interactive chart of the effect in each condition against each comparator.

    Parameters
    ----------
    results : Overview or mapping, optional
        From :func:`acuevidence.questions.overview`, or condition to a mapping of comparator to MetaAnalysis, of which it is asked.
        Default: the standard analysis of every condition.
    evidence : Evidence, optional
        Whose conditions are drawn where no results are given. Default: the package's evidence.
    mid : float, pair of floats, or Mid, optional
        Smallest important difference in SD, drawn behind all rows. Default: none is drawn; each condition's own is told on hover.
    title : str, optional
        Heading of the chart.

    Returns
    -------
    altair.LayerChart
        A diamond per condition and comparator, a lone trial included; two trials are drawn, not pooled. Hover for interval,
        prediction interval, method, threshold, number of trials and participants, and certainty with its reasons.

    Examples
    --------
    >>> from acuevidence.plots.questions.nuance_chart import nuance_chart
    >>> type(nuance_chart()).__name__
    'LayerChart'
    """
    found = results if isinstance(results, Overview) else overview(results, evidence=evidence)
    topic, rows = found.topic, Rows()
    for group, part in found.rows.groupby("group", sort=False):
        rows.add(part["label"].iloc[0], heading=True)
        for one in part.itertuples():
            against = f"v {topic.comparator(one.comparator).phrase}"
            if not one.k:
                rows.add(f"{against}: no trial with usable figures" if one.comparator else "No trial with usable figures")
                continue
            colour = topic.colour(one.comparator) if topic.compares(one.comparator) else COLOURS["neutral"]
            if math.isfinite(one.estimate):
                rows.pooled.append(_row(one) | {"label": against, "row": rows.add(against), "colour": colour})
                continue
            rows.add(f"{against}: {one.method}")
            apart = found.trials[(found.trials["group"] == group) & (found.trials["comparator"] == one.comparator)]
            rows.trials += [_trial(t, one) | {"row": rows.add(t.label), "colour": colour} for t in apart.itertuples()]
    if not rows.pooled and not rows.trials:
        raise InputError("results hold no trial; pool at least one trial before drawing them")
    return chart_of(rows, "SMD", mid, found.sides, title)


def _row(one: Any) -> dict[str, Any]:
    """Return what the chart draws and tells of a headline."""
    text = words.interval(one.estimate, one.ci_low, one.ci_high)
    row = {
        "low": one.ci_low,
        "estimate": one.estimate,
        "high": one.ci_high,
        "text": text,
        "trials": one.k,
        "method": one.method,
        "state": one.state,
        "threshold": f"{one.threshold:.2f}" if math.isfinite(one.threshold) else "none published",
        "predicted": "not estimable",
        "aloud": f"{one.label}, effect of {words.count(one.k, 'trial')}, {text}",
        "condition": one.label,
        "certainty": one.certainty,
        "reasons": one.reasons or "none",
    }
    if math.isfinite(one.patients):
        row["n"] = ("at least " if one.at_least else "") + f"{int(one.patients):,}"
    if math.isfinite(one.pi_low):
        row |= {"pi_low": one.pi_low, "pi_high": one.pi_high, "predicted": f"{one.pi_low:.2f} to {one.pi_high:.2f}"}
    return row


def _trial(trial: Any, one: Any) -> dict[str, Any]:
    text = words.interval(trial.estimate, trial.ci_low, trial.ci_high)
    return {
        "label": trial.label,
        "estimate": trial.estimate,
        "low": trial.ci_low,
        "high": trial.ci_high,
        "text": text,
        "weight": 0.4,
        "weight_text": "not pooled",
        "aloud": f"{one.label}, {trial.label}, {text}",
    }


guard(__name__, "nuance_chart")
