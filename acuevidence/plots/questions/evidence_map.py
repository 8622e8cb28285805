"""The evidence map: what is known for each condition, comparator and outcome, and how surely."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from acuevidence.arguments import guard
from acuevidence.errors import InputError
from acuevidence.evidence import Evidence
from acuevidence.plots.forest_rows import interval_text
from acuevidence.plots.parts.labels import fitting, wrapped
from acuevidence.plots.parts.page import drawing, inches, narrow, new_axes
from acuevidence.plots.parts.style import text_width
from acuevidence.questions.evidence_map import EvidenceMap
from acuevidence.questions.evidence_map import evidence_map as ask
from acuevidence.words import count

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["evidence_map"]

_SHADES = ("#F2F2F2", "#CFE3F1", "#92C3E3", "#2E7FB8")  # of certainty, very low to high


def evidence_map(
    found: EvidenceMap | None = None,
    *,
    ax: Axes | None = None,
    width: str | float = "double",
    size: float = 7,
    evidence: Evidence | None = None,
) -> Axes:
    """Draw the evidence by condition (rows), and outcome and comparator (columns).

    Parameters
    ----------
    found : EvidenceMap, optional
        From :func:`acuevidence.questions.evidence_map`. Default: that of the package's evidence.
    ax : Axes, optional
        Where to draw. Default: a new figure that fits its rows.
    width : {"double", "single"} or float
        Width of a new figure: a journal column (89 or 183 mm), or millimetres. Below 120 mm the patients
        are left out.
    size : float
        Type size in points; smaller in cells with less room.
    evidence : Evidence, optional
        Whose answer is drawn where none is given. Default: the package's evidence.

    Returns
    -------
    Axes
        In each cell the pooled SMD with its interval, the number of trials and patients, and the certainty as circles, by which the
        cell is shaded: dark is well known. An empty cell: no trial prints a usable figure.

    Raises
    ------
    InputError
        For a map without a cell.

    Examples
    --------
    >>> import acuevidence as ae
    >>> ax = ae.plots.evidence_map()
    >>> ax.get_yticklabels()[0].get_text()
    'Low back pain'
    """
    found = ask(evidence=evidence) if found is None else found
    table, topic, rows, columns = found.cells, found.topic, found.rows, found.columns
    if not rows:
        raise InputError("the map holds no cell; no trial prints a usable figure")
    single = narrow(width)
    with drawing(ax, size, "Evidence map"):
        ax = new_axes(width, (len(rows) * (7.0 if single else 5.6) + 8) * size / 72, ax)
        labels = [topic.label(r).replace(" ", "\n") if single else topic.label(r) for r in rows]
        page = 72 * inches(width)
        wide = (page - max(text_width(label, size) for label in labels) - 14) / len(columns)
        small = min(fitting(text, 0.9 * wide, (0.8 if single else 0.85) * size) for text in _texts(table, single))
        for row in table.itertuples():
            x, y = columns.index((row.outcome, row.comparator)), rows.index(row.condition)
            _cell(ax, x, y, row, single, small)
        said = [topic.comparator(c).phrase.replace(" ", "\n" if single else " ") for _, c in columns]
        ax.set_xticks(range(len(columns)), said, fontsize=min(fitting(text, 0.95 * wide, 0.9 * size) for text in said))
        ax.set_yticks(range(len(rows)), labels, fontsize=size)
        for outcome in dict.fromkeys(o for o, _ in columns):
            places = [i for i, (o, _) in enumerate(columns) if o == outcome]
            head = outcome.replace("_", "\n" if single else " ").capitalize()
            ax.text(
                float(np.mean(places)),
                -0.62,
                head,
                ha="center",
                va="bottom",
                fontsize=fitting(head, 0.85 * wide * len(places), size * (0.8 if single else 1)),
                fontweight="bold",
            )
            ax.axvline(places[-1] + 0.5, color="0.85", linewidth=0.6)
        ax.set(xlim=(-0.5, len(columns) - 0.5), ylim=(len(rows) - 0.5, -0.5))
        ax.tick_params(length=0)
        ax.spines[:].set_visible(False)
        ax.spines["bottom"].set_visible(True)
        note = (
            f"In each cell: SMD (positive favours {topic.treatment.phrase}), 95% interval, trials{'' if single else ', patients'}, "
        )
        note += "certainty (●●●● high), which sets the shade. Two trials are not pooled. Empty: no usable figure"
        ax.set_xlabel(wrapped(note, 0.9 * wide * len(columns), 0.9 * size), fontsize=0.9 * size)
    return ax


def _cell(ax: Axes, x: int, y: int, row: Any, single: bool, size: float) -> None:
    from matplotlib.patches import Rectangle

    ax.add_patch(Rectangle((x - 0.46, y - 0.46), 0.92, 0.92, facecolor=_SHADES[row.certainty - 1], edgecolor="none"))
    ax.text(x, y, _said(row, single), ha="center", va="center", fontsize=size, color="black" if row.certainty < 4 else "white")


def _texts(table: pd.DataFrame, single: bool) -> list[str]:
    return [_said(row, single) for row in table.itertuples()]


def _said(row: Any, single: bool) -> str:
    """Return the words of a cell: effect, interval, trials and patients, certainty."""
    known = f"{row.k} tr." if single else f"{count(row.k, 'trial')}, {row.patients:,}"
    effect = ["not", "pooled"] if single else ["not pooled"]
    if math.isfinite(row.estimate):
        estimate, interval = interval_text(row.estimate, row.ci_low, row.ci_high).split(" (")
        effect = [estimate, interval.rstrip(")").replace(" to ", " to\n" if single else " to ")]
    return "\n".join([*effect, known, "●" * row.certainty + "○" * (4 - row.certainty)])


guard(__name__, "evidence_map")
