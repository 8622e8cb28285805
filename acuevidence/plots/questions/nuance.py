"""The signature figure: strong, small or unsure, for each condition and comparator."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from acuevidence.appraisal.in_words import method_words
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
from acuevidence.words import count, series

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

    from acuevidence.appraisal.thresholds import Mid

__all__ = ["nuance", "thresholds_in_words"]

_NOT_POOLED = "not pooled"


def nuance(
    found: Overview | Mapping[str, Mapping[str, Any]] | None = None,
    *,
    ax: Axes | None = None,
    width: str | float = "single",
    size: float = 6.5,
    mid: Mid | float | tuple[float, float] | None = None,
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
        In a single column trials, patients and certainty stand in a second line, and prediction intervals are drawn, not printed.
    mid : float, pair of floats, or Mid, optional
        Smallest important difference, drawn behind all rows. Default: each condition's own, where one is published.
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
        Diamonds are pooled effects, squares single trials, thick lines their 95 % intervals, thin lines prediction intervals; two
        trials are drawn, not pooled.

    Examples
    --------
    >>> import acuevidence as ae
    >>> ax = ae.plots.nuance()
    """
    found = found if isinstance(found, Overview) else ask(found, evidence=evidence)
    single, own = narrow(width), mid is None
    left = [] if single else [Column("Trials", None), Column("Patients", None)]
    heads = ("95% PI", "Certainty") if found.rows["pi_low"].notna().any() else ("Certainty",)
    right = [] if single else [Column(name, None, side="right", align="left") for name in heads]
    rows: list[Row] = []
    for group, part in found.rows.groupby("group", sort=False):
        rows.append(Row("group", part["label"].iloc[0], bold=True, colour="black"))
        for one in part.itertuples():
            trials = found.trials[(found.trials["group"] == group) & (found.trials["comparator"] == one.comparator)]
            rows += _rows(one, trials, found.topic, single, own)
    with drawing(ax, size, "Effects by group"):
        canvas = Canvas(
            ax,
            width,
            Layout(study_title=heading, row=1.4 if single else 1.6),
            size,
            rows,
            [*left, *right],
            [_said(found, single) + (thresholds_in_words(found.rows) if own else mid_words(mid))],
            title,
            single,
            weight=False,
            heads=("SMD (95% CI)", ""),
        )
        return canvas.draw("SMD", False, mid, found.sides, None if limits is None else span(limits))


def _rows(one: Any, trials: pd.DataFrame, topic: Topic, single: bool, own: bool) -> list[Row]:
    """Return the rows of a group and comparator: the effect, in a narrow figure what is known of it, and trials not pooled."""
    label = f"v {topic.comparator(one.comparator).phrase}"
    if not one.k:
        return [Row("text", f"{label}: no usable figures" if one.comparator else "No trial with usable figures")]
    patients = f"{'≥' if one.at_least else ''}{int(one.patients):,}" if math.isfinite(one.patients) else ""
    look: dict[str, Any] = {"colour": topic.colour(one.comparator)}
    if own and math.isfinite(one.threshold):
        look["mid"] = (one.threshold, one.threshold)
    said = interval_text(one.estimate, one.ci_low, one.ci_high) if math.isfinite(one.estimate) else _NOT_POOLED
    cells = {"effect": said, "Trials": f"{one.k}", "Patients": patients, "Certainty": f"{one.symbols} {one.certainty}"}
    outer = (one.pi_low, one.pi_high)
    if math.isfinite(one.pi_low):
        cells["95% PI"] = interval_text(0, *outer).split("(")[1].rstrip(")")
    kind = "trial" if one.k == 1 else "summary"
    rows = [Row(kind, label, one.estimate, one.ci_low, one.ci_high, outer, weight=0.4, cells=cells, **look)]
    if single:
        known = count(one.k, "trial") + (f", n {patients}" if patients else "")
        rows.append(Row("more", known, cells={"effect": cells["Certainty"]}, **look))
    return rows + [
        Row(
            "trial",
            f"· {t.label}",
            t.estimate,
            t.ci_low,
            t.ci_high,
            weight=0.4,
            cells={"effect": interval_text(t.estimate, t.ci_low, t.ci_high)},
            **look,
        )
        for t in trials.itertuples()
    ]


def _said(found: Overview, single: bool) -> str:
    """Return what the marks mean."""
    rows = found.rows[found.rows["k"] > 2]
    used = {"three or four trials": rows[rows["k"] < 5], "five or more": rows[rows["k"] > 4]}
    pooled = [
        f"{series(map(method_words, part['method'].unique()))} ({many})"
        for many, part in used.items()
        if part["method"].notna().any()
    ]
    return (
        f"SMD (Hedges g){', ' if found.when else ''}{found.when}. Square: one trial; two trials are not pooled. "
        + (f"Diamond: pooled effect, {'; '.join(pooled)}. " if pooled else "")
        + "Thick line: 95% interval; thin line: 95% prediction interval (PI). "
        + ("n: patients. " if single else "")
        + "Certainty by written rules after GRADE."
    )


def thresholds_in_words(rows: pd.DataFrame) -> str:
    """Return the sentence on the thresholds that are drawn in rows of ``label``, ``k`` and ``threshold``; empty without one.

    Examples
    --------
    >>> import pandas as pd
    >>> thresholds_in_words(pd.DataFrame({"label": ["Knee", "Neck", "Head"], "k": 1, "threshold": [0.37, 0.5, None]}))
    ' Dashed: smallest important difference between groups, 0.37 knee and 0.50 neck; none is published for head.'
    """
    known: dict[str, list[str]] = {}
    for row in rows[rows["k"] > 0].drop_duplicates(["label", "threshold"]).itertuples():
        name = row.label[:1].lower() + row.label[1:]
        known.setdefault(f"{row.threshold:.2f}" if row.threshold == row.threshold else "", []).append(name)
    has = {name for value, names in known.items() if value for name in names}
    none = [name for name in known.pop("", []) if name not in has]
    if not known:
        return ""
    most = max(known, key=lambda value: len(known[value]))
    rest = len(known[most]) > 2
    parts = [f"{value} {series(names)}" for value, names in sorted(known.items()) if not (rest and value == most)]
    parts += [f"{most} {'elsewhere' if parts else 'everywhere'}"] if rest else []
    said = f" Dashed: smallest important difference between groups, {series(parts)}"
    return said + (f"; none is published for {series(none)}." if none else ".")


guard(__name__, "nuance")
