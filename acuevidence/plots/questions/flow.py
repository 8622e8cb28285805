"""The flow of the evidence tables: from the trials known to the trials pooled."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

import pandas as pd

from acuevidence.arguments import guard
from acuevidence.effects.trials import trial_effects
from acuevidence.errors import InputError
from acuevidence.evidence import load_evidence
from acuevidence.inputs import choice
from acuevidence.plots.parts.page import drawing, inches, new_axes
from acuevidence.plots.parts.style import COLOURS, text_width

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["flow"]


def flow(
    condition: str,
    *,
    effects: pd.DataFrame | None = None,
    ax: Axes | None = None,
    width: str | float = "double",
    size: float = 7,
) -> Axes:
    """Draw how the trials known for a condition become the trials pooled, in the manner of PRISMA 2020.

    Parameters
    ----------
    condition : str
        One of :func:`acuevidence.conditions`.
    effects : DataFrame, optional
        Its rows of ``trial_effects``. Default: the standard selection.
    ax : Axes, optional
        Where to draw. Default: a new figure.
    width : {"double", "single"} or float
        Width of a new figure: a journal column (89 or 183 mm), or millimetres.
    size : float
        Type size in points.

    Returns
    -------
    Axes
        Boxes from top to bottom; a comparison is a trial against one comparator, so a trial with three arms counts for two.

    Raises
    ------
    InputError
        For an unknown condition.

    Examples
    --------
    >>> import acuevidence as ae
    >>> ax = ae.plots.flow("neck_pain")
    >>> ax.texts[0].get_text().startswith("Trials known")
    True
    """
    evidence = load_evidence()
    choice("condition", condition, list(evidence.topic.conditions))
    effects = trial_effects(condition) if effects is None else effects
    trials = evidence.trials[evidence.trials["condition"] == condition]
    left = effects.attrs.get("excluded", pd.DataFrame())
    if not {"trial_id", "comparator"} <= set(effects) or not {"trial_id", "comparator", "arm", "reason"} <= set(left):
        raise InputError("effects must be rows of trial_effects(), with the trials left out in attrs['excluded']")
    left = left[left["arm"].isna()]
    rows = [(f"Trials known: {len(trials)}\n{evidence.topic.label(condition)}", "")]
    for comparator in evidence.topic.comparators:
        used, out = effects[effects["comparator"] == comparator], left[left["comparator"] == comparator]
        label = evidence.topic.label(comparator)
        rows.append(
            (f"Against {label.lower()}: {used.trial_id.nunique() + out.trial_id.nunique()} trials", _reasons(out))
        )
        rows.append((f"Pooled against {label.lower()}: {used.trial_id.nunique()} trials", ""))
    return _draw(rows, ax, width, size)


def _reasons(out: pd.DataFrame) -> str:
    kinds = {
        "no figure printed": out["reason"].str.startswith("no figure printed"),
        "outside the time window": out["reason"].str.contains("outside the window"),
    }
    lines, rest = [f"Not pooled: {out.trial_id.nunique()} trials"], pd.Series(True, index=out.index)
    for words, chosen in kinds.items():
        here = chosen & rest
        rest = rest & ~here
        lines += [f"{words}: {int(here.sum())}"] if here.any() else []
    lines += [f"other reasons (spread or one side not printed, caution): {int(rest.sum())}"] if rest.any() else []
    return "\n".join(lines)


def _wrapped(text: str, room: float, size: float) -> str:
    most = max(8, int(room / text_width("n", size)))
    return "\n".join(part for line in text.split("\n") for part in textwrap.wrap(line, most))


def _draw(rows: list[tuple[str, str]], ax: Axes | None, width: str | float, size: float) -> Axes:
    with drawing(ax, size, "Flow of trials"):
        wide = inches(width)
        if ax is not None:
            wide = ax.get_window_extent().width / ax.figure.dpi
        room = 0.38 * 72 * wide - 12
        texts = [(_wrapped(main, room, size), _wrapped(side, room, size)) for main, side in rows]
        lines = [max(main.count("\n"), side.count("\n")) + 1 for main, side in texts]
        total = sum(lines) * 1.5 + 2.6 * len(rows)
        ax = new_axes(width, total * size / 72, ax)
        ax.set_axis_off()
        ax.set(xlim=(0, 1), ylim=(total, 0))
        box = {"boxstyle": "round,pad=0.5", "facecolor": "white", "edgecolor": COLOURS["neutral"], "linewidth": 0.6}
        arrow = {"arrowstyle": "-|>", "color": COLOURS["neutral"], "linewidth": 0.6, "shrinkA": 0, "shrinkB": 0}
        top = bottom = stem = 0.0
        for i, ((main, side), n) in enumerate(zip(texts, lines, strict=True)):
            middle = top + (n * 1.5 + 2.6) / 2
            half = 0.6 * (main.count("\n") + 1) + 0.6
            ax.text(0.28, middle, main, ha="center", va="center", bbox=box)
            if side:
                ax.text(0.58, middle, side, ha="left", va="center", bbox={**box, "facecolor": "0.96"})
                ax.annotate("", (0.565, middle), xytext=(0.28 + _half(main, size, wide), middle), arrowprops=arrow)
            if not i:
                stem = middle + half
            elif side:  # a comparison branches off the trials known
                ax.plot(
                    [0.28, 0.28, 0.02, 0.02],
                    [stem, stem + 0.7, stem + 0.7, middle],
                    color=COLOURS["neutral"],
                    linewidth=0.6,
                )
                ax.annotate("", (0.28 - _half(main, size, wide), middle), xytext=(0.02, middle), arrowprops=arrow)
            else:
                ax.annotate("", (0.28, middle - half), xytext=(0.28, bottom), arrowprops=arrow)
            bottom = middle + half
            top += n * 1.5 + 2.6
    return ax


def _half(text: str, size: float, wide: float) -> float:
    """Return half the width of a box as a share of the figure."""
    return (text_width(text, size) / 2 + 0.5 * size) / (72 * wide)


guard(__name__, "flow")
