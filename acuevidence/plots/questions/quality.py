"""Trial quality: a traffic light for each trial and domain, and the share of each rating, weighted if asked."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from acuevidence.arguments import guard
from acuevidence.errors import InputError
from acuevidence.evidence import Evidence
from acuevidence.evidence.carried import evidence_of
from acuevidence.plots.parts.caption import caption as write_caption
from acuevidence.plots.parts.labels import wrapped
from acuevidence.plots.parts.page import drawing, new_axes
from acuevidence.plots.parts.style import RATING, text_width
from acuevidence.questions.quality import quality_domains, quality_ratings

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["quality"]

_WORDS = {"+": "met", "?": "not rated", "-": "not met"}  # "-" is written as a minus sign


def quality(
    ratings: pd.DataFrame | str | None = None,
    *,
    weights: pd.Series | None = None,
    ax: Axes | None = None,
    width: str | float = "single",
    size: float = 7,
    title: str | None = None,
    caption: bool = True,
    evidence: Evidence | None = None,
) -> Axes:
    """Draw ratings of trial quality as traffic lights, with the share of each rating by domain below.

    Parameters
    ----------
    ratings : DataFrame or str, optional
        One row a trial, one column a domain, cells ``+``, ``-`` or ``?``; or a condition, whose printed ratings are taken.
        Default: every appraised trial.
    weights : Series, optional
        Weight of each trial in the summary bars, by the index of ``ratings`` (for example of a meta-analysis). Default: equal.
    ax, width, size : Axes, {"single", "double"} or float, float
        Where to draw, by default a new figure of one or two columns of a journal (89 or 183 mm) or so many millimetres; type
        size in points.
    title : str, optional
        Heading of the figure.
    caption : bool
        Whether a new figure says below whose ratings these are.
    evidence : Evidence, optional
        Whose answer is drawn where none is given. Default: the package's evidence.

    Returns
    -------
    Axes
        Trials at y = 0, 1, 2 ... from the top, domains at x = 0, 1, 2 ...; bars of the domains are its ``child_axes``.

    Raises
    ------
    InputError
        For ratings other than the three signs, no rated trial, or weights that miss a trial.

    Examples
    --------
    >>> import acuevidence as ae
    >>> ax = ae.plots.quality("low_back_pain")
    >>> ax.get_xticklabels()[0].get_text()
    'A'
    """
    table = ratings if isinstance(ratings, pd.DataFrame) else quality_ratings(ratings, evidence=evidence)
    if table.empty:
        raise InputError("no trial is rated domain by domain; give a table of ratings, one row a trial")
    if wrong := sorted(set(table.to_numpy().ravel()) - set(RATING), key=str):
        raise InputError(f"ratings must be '+', '-' or '?', not {wrong[0]!r}")
    share = _shares(table, weights)
    evidence = evidence_of(table, evidence)
    known = {} if evidence is None else evidence.trials.drop_duplicates("trial_id").set_index("trial_id")["study"].to_dict()
    names = [str(known.get(trial, trial)) for trial in table.index]
    rows, columns = table.shape
    bars = columns * 1.5 + 5
    labels = {} if evidence is None else quality_domains(evidence).set_index("head")["label"].to_dict()
    worded = [f"{head}  {labels[head]}" if head in labels else str(head) for head in table.columns]
    own = ax is None
    with drawing(ax, size, "Quality of trials"):
        height = (rows * 1.6 + bars + 4) * size / 72
        ax = new_axes(width, height, ax)
        points = ax.get_window_extent().width * 72 / ax.figure.dpi
        left = min(0.6, (max(text_width(text, size) for text in [*names, *worded]) + 10) / points)
        ax.set_axis_off()
        lights = ax.inset_axes((left, (bars + 2) * size / 72 / height, 1 - left, rows * 1.6 * size / 72 / height))
        summary = ax.inset_axes((left, 3.2 * size / 72 / height, 1 - left, columns * 1.5 * size / 72 / height))
        _lights(lights, table, names, size)
        _bars(summary, share, worded, weights is not None, size)
        if title:
            ax.set_title(wrapped(title, points, 1.15 * size), loc="left", pad=0.4 * size)
        if own and caption and labels and evidence is not None:
            tool = evidence.topic.quality.get("tool", "")
            write_caption(ax.figure, f"{tool} items as printed; a trial without printed ratings is not shown.".strip(), size)
    return lights


def _shares(table: pd.DataFrame, weights: pd.Series | None) -> pd.DataFrame:
    """Return the percent of each rating (rows) by domain (columns)."""
    given = pd.Series(1.0, index=table.index) if weights is None else weights.reindex(table.index)
    if given.isna().any():
        raise InputError(f"weights has none for {given.index[given.isna()][0]!r}; give one for every rated trial")
    return pd.DataFrame({sign: 100 * (table == sign).mul(given, axis=0).sum() / given.sum() for sign in _WORDS}).T


def _lights(ax: Axes, table: pd.DataFrame, names: list[str], size: float) -> None:
    rows, columns = table.shape
    for sign, colour in RATING.items():
        y, x = np.nonzero((table == sign).to_numpy())
        ax.scatter(x, y, s=(1.25 * size) ** 2, color=colour, linewidths=0)
        for column, row in zip(x, y, strict=True):
            ax.text(float(column), float(row), sign.replace("-", "−"), ha="center", va="center", fontsize=size)
    ax.set_yticks(range(rows), names, fontsize=size)
    ax.set_xticks(range(columns), [str(c) for c in table.columns], fontsize=size)
    ax.xaxis.tick_top()
    ax.set(xlim=(-0.6, columns - 0.4), ylim=(rows - 0.4, -0.6))
    ax.tick_params(length=0)
    ax.spines[:].set_visible(False)


def _bars(ax: Axes, share: pd.DataFrame, words: list[str], weighted: bool, size: float) -> None:
    y, start = np.arange(share.shape[1]), np.zeros(share.shape[1])
    for sign, word in _WORDS.items():
        ax.barh(
            y,
            share.loc[sign],
            left=start,
            height=0.75,
            color=RATING[sign],
            edgecolor="white",
            label=f"{sign} {word}".replace("-", "−"),
        )
        start = start + share.loc[sign].to_numpy()
    ax.set_yticks(y, words, fontsize=size)
    ax.tick_params(axis="y", length=0)
    ax.set(xlim=(0, 100), ylim=(len(y) - 0.5, -0.5), xlabel="Share of weight (%)" if weighted else "Share of trials (%)")
    ax.spines["left"].set_visible(False)
    ax.legend(loc="lower right", bbox_to_anchor=(1, 1), ncols=3, borderaxespad=0.1, handlelength=1, columnspacing=1)


guard(__name__, "quality")
