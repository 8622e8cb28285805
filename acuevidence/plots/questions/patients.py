"""One trial's patients: every patient's score before and after, and the difference by every way of treating missing values."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from acuevidence.arguments import guard
from acuevidence.inputs import choice
from acuevidence.plots.parts.caption import caption as write_caption
from acuevidence.plots.parts.page import drawing, new_axes
from acuevidence.plots.parts.style import COLOURS
from acuevidence.words import count

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from acuevidence.questions.patients import Patients

__all__ = ["patients"]


def patients(
    result: Patients | None = None,
    *,
    outcome: str | None = None,
    week: float | None = None,
    ax: Axes | None = None,
    width: str | float = "single",
    size: float = 7,
    caption: bool = True,
) -> Axes:
    """Draw every patient's score after treatment against the one before, both groups, with the line of each.

    Parameters
    ----------
    result : Patients, optional
        From :func:`acuevidence.questions.patients`. Default: the first patients that the package's evidence holds.
    outcome : str, optional
        Default: the first of the result.
    week : float, optional
        Weeks since randomisation. Default: the last.
    ax, width, size : Axes, {"single", "double"} or float, float
        Where to draw, by default a new figure of one or two columns of a journal (89 or 183 mm) or so many millimetres; type
        size in points.
    caption : bool
        Whether a new figure says below what is drawn.

    Returns
    -------
    Axes
        One dot a patient; least-squares lines with one slope: their distance is the adjusted difference. The grey diagonal is "as
        before".

    Examples
    --------
    >>> import acuevidence as ae
    >>> ax = ae.plots.patients(ae.questions.patients("vickers2004"), outcome="pain", week=52)
    """
    if result is None:
        from acuevidence.evidence import load_evidence
        from acuevidence.questions.patients import patients as ask

        evidence = load_evidence()
        result = ask(next(iter(evidence.ipd)), evidence=evidence)
    values = result.values
    outcome = choice("outcome", outcome or values["outcome"].iloc[0], tuple(dict.fromkeys(values["outcome"])))
    weeks = sorted(values.loc[values["outcome"] == outcome, "week"].unique())
    week = float(choice("week", f"{weeks[-1] if week is None else week:g}", tuple(f"{one:g}" for one in weeks)))
    rows = values[(values["outcome"] == outcome) & (values["week"] == week)]
    effect = result.effects.set_index(["outcome", "week"]).loc[(outcome, week)]
    with drawing(ax, size, "Individual patients"):
        own = ax is None
        ax = new_axes(width, 3.1, ax)
        top = 1.05 * float(rows[["baseline", "value"]].to_numpy().max())
        ax.plot([0, top], [0, top], color="#BBBBBB", lw=0.7, zorder=0)
        ax.annotate(
            "as before",
            (top, top),
            xytext=(-30, -4),
            textcoords="offset points",
            ha="right",
            va="top",
            color="#777777",
            fontsize=0.9 * size,
            rotation=0,
        )
        slope = _slope(rows)
        for group, colour, marker in (("control", COLOURS["second"], "s"), ("treated", COLOURS["main"], "o")):
            mine = rows[rows["group"] == group]
            ax.plot(mine["baseline"], mine["value"], marker, ms=0.35 * size, mfc="none", mew=0.5, color=colour, alpha=0.75)
            level = mine["value"].mean() - slope * mine["baseline"].mean()
            ends = np.array([mine["baseline"].min(), mine["baseline"].max()])
            name = {"treated": "Treated", "control": "Controls"}[group]
            ax.plot(ends, level + slope * ends, color=colour, lw=1.6, label=f"{name} ({len(mine)})")
        ax.set(xlim=(0, top), ylim=(0, top), xlabel=f"{_begun(effect['measure'])}, before", ylabel=f"Week {week:g}")
        ax.legend(loc="upper left", handlelength=1.4, borderaxespad=0.2)
        ax.set_title(result.study, loc="left")
        if own and caption:
            write_caption(ax.figure, _words(result, effect, rows), size)
    return ax


def _slope(rows: Any) -> float:
    """Return the slope on baseline within groups."""
    centred = rows[["baseline", "value"]] - rows.groupby("group")[["baseline", "value"]].transform("mean")
    return float((centred["baseline"] * centred["value"]).sum() / (centred["baseline"] ** 2).sum())


def _begun(text: str) -> str:
    return text[:1].upper() + text[1:]


def _words(result: Patients, effect: Any, rows: Any) -> str:
    said = f"One dot a patient ({count(len(rows), 'patient')} of {result.n} with both values). The distance of the lines is the "
    interval = f"95% CI {effect['ci_low']:.1f} to {effect['ci_high']:.1f}"
    said += f"difference adjusted for the value before: {effect['difference']:.1f} ({interval}), "
    return said + "positive where the treated are better off."


guard(__name__, "patients")
