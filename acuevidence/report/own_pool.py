"""A user's own table as the command line pools it: what was understood, the trials, the result and how it was computed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd

from acuevidence import words
from acuevidence.arguments import guard
from acuevidence.effects.measures import MEASURES
from acuevidence.effects.natural import Natural, natural_scale
from acuevidence.effects.own_trials import read_trials
from acuevidence.inputs import choice
from acuevidence.report.methods_text import methods_text
from acuevidence.synthesis import GroupedMetaAnalysis, meta_analysis

__all__ = ["pool_text"]


def pool_text(file: str | Path, *, measure: str | None = None, by: str | None = None, forest: str | Path | None = None) -> str:
    r"""Return the synthesis of a table of trials in words, and draw its forest plot where one is asked for.

    Parameters
    ----------
    file : path
        As in :func:`acuevidence.read_trials`.
    measure : str, optional
        Effect measure. Default: the one that the table calls for.
    by : str, optional
        Column whose groups are pooled apart.
    forest : path, optional
        Where the forest plot is written; the ending chooses the format.

    Returns
    -------
    str
        What each column was taken for, measure and direction, rows left out and notes; for every group the trials and the result; the
        methods; the file of the plot.

    Raises
    ------
    InputError
        For a table that cannot be read, an unknown column, or a plot that cannot be written.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> file = pathlib.Path(tempfile.mkdtemp()) / "trials.csv"
    >>> _ = file.write_text("study,events1,n1,events2,n2\nA,12,60,20,61\nB,8,45,9,44\n")
    >>> print(pool_text(file, measure="RR").splitlines()[2])
    Measure:   Risk ratio (RR), pooled as its logarithm; group 1 against group 2
    """
    effects = read_trials(file, measure=measure)
    if by is not None:
        choice("by (a column of the table)", by, [str(column) for column in effects.columns if effects[column].notna().any()])
    result = meta_analysis(data=effects, labels="study", by=by)
    groups: dict[str, Any] = dict(result) if isinstance(result, GroupedMetaAnalysis) else {"": result}
    natural = natural_scale(str(effects["effect"].iloc[0]))
    parts = [_understood(effects)]
    for name, one in groups.items():
        parts += ([f"{by} = {name}"] if name else []) + [_trials(one, natural), one.summary().split("\n\n")[0]]
    between = getattr(result, "between", None)
    if between is not None:
        parts.append(between.summary())
    parts.append("Methods: " + methods_text(max(groups.values(), key=lambda one: one.k)))
    if forest is not None:
        from acuevidence.plots import save

        ax = result.forest()
        parts.append(f"Forest plot: {save(ax, forest)}")
        _close(ax)
    return "\n\n".join(parts)


def _understood(effects: pd.DataFrame) -> str:
    """Return what was read, how, and what was left out."""
    code = str(effects["effect"].iloc[0])
    measure, direction = MEASURES[code], effects.attrs.get("direction")
    named = [f"{ours} ({theirs})" if ours != theirs else ours for ours, theirs in effects.attrs.get("columns", {}).items()]
    sides = {"benefit": "positive is better in group 1", "spread": "above 1 a larger spread in group 1"}.get(str(direction), "")
    if not sides and measure.null is not None and any("1" in name for name in measure.takes[0]):
        sides = "group 1 against group 2"
    scale = ", pooled as its logarithm" if measure.ratio else ""
    lines = [
        f"Trials:    {words.count(len(effects), 'row')} from {words.count(effects['study'].nunique(), 'study', 'studies')}",
        f"Columns:   {', '.join(named)}",
        f"Measure:   {measure.name} ({code}){scale}" + (f"; {sides}" if sides else ""),
    ]
    lines += [f"Note:      {note}" for note in effects.attrs.get("notes", ())]
    excluded = effects.attrs.get("excluded")
    for row in [] if excluded is None else excluded.itertuples():
        lines.append(f"Left out:  {row.study} ({row.reason})")
    return "\n".join(lines)


def _trials(result: Any, natural: Natural | None) -> str:
    data = result.data
    columns = data[["yi", "ci_low", "ci_high"]].to_numpy(dtype=float)
    shown = columns if natural is None else natural.back(columns)
    table = pd.DataFrame(
        {
            "trial": data["study"],
            "effect (95% CI)": [f"{y:.3g} ({low:.3g} to {high:.3g})" for y, low, high in shown],
            "weight %": result.weights.round(1),
        }
    )
    return table.to_string(index=False)


def _close(ax: Any) -> None:
    from matplotlib import pyplot

    pyplot.close(ax.figure)


guard(__name__, "pool_text")
