"""The GOSH plot: pooled effect and heterogeneity of every subset of the trials."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from acuevidence.arguments import guard
from acuevidence.inputs import choice
from acuevidence.plots.parts.axis import effect_name, ratio_ticks
from acuevidence.plots.parts.labels import legend_above
from acuevidence.plots.parts.page import drawing, narrow, new_axes, table
from acuevidence.plots.parts.style import COLOURS

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from acuevidence.appraisal.gosh_clusters import GoshClusters
    from acuevidence.synthesis.result import MetaAnalysis

__all__ = ["gosh"]

_CLUSTERS = ("main", "second", "third", "fourth", "neutral")


def gosh(
    result: MetaAnalysis | pd.DataFrame | GoshClusters,
    *,
    trial: str | None = None,
    ax: Axes | None = None,
    width: str | float = "single",
    size: float = 7,
    subsets: str | int | None = None,
    seed: int = 0,
    effect: str | None = None,
) -> Axes:
    """Draw I2 against the pooled effect over subsets of the trials, set off by a trial or by cluster.

    Parameters
    ----------
    result : MetaAnalysis, DataFrame or GoshClusters
        What to draw, the frame of its ``gosh()``, or its ``gosh_clusters()``, which are coloured by cluster.
    trial : str, optional
        Trial whose subsets are set off in colour, by its label.
    ax, width, size : Axes, {"single", "double"} or float, float
        Where to draw, by default a new figure of one or two columns of a journal (89 or 183 mm) or so many millimetres; type
        size in points.
    subsets : "all" or int, optional
        Subsets of a result. Default: all up to 12 trials, else 4096 drawn at random.
    seed : int
        Seed of the draw.
    effect : str, optional
        Name of the effect; a ratio has a log axis. Default: from the data.

    Returns
    -------
    Axes
        One point a subset; two clouds where ``trial`` pulls the result away. Its ``child_axes`` are the densities along both
        axes.

    Raises
    ------
    InputError
        For an unknown trial, or as ``MetaAnalysis.gosh``.

    Notes
    -----
    Olkin, Dahabreh and Trikalinos 2012, Research Synthesis Methods.

    Examples
    --------
    >>> import acuevidence as ae
    >>> result = ae.meta_analysis([0.2, 0.5, 0.3, 2.0], [0.02, 0.04, 0.03, 0.03], labels=list("ABCD"))
    >>> ax = ae.plots.gosh(result, trial="D")
    >>> [t.get_text() for t in ax.get_legend().get_texts()]
    ['without D', 'with D']
    """
    height, word = "i2", "I² of the subset (%)"
    found: Any = result
    clustered = hasattr(result, "clusters")
    if clustered:
        frame = found.subsets
        if found.heterogeneity == "tau2":
            height, word = "tau2", "τ² of the subset"
    elif isinstance(result, pd.DataFrame):
        frame = table(result, "gosh()", ("estimate", "i2"))
    else:
        frame = found.gosh(("all" if found.k <= 12 else 4096) if subsets is None else subsets, seed)
    clouds = [("", frame, COLOURS["neutral"])]
    if clustered and trial is None:
        clouds = _by_cluster(result)
    if trial is not None:
        known = [str(c) for c in frame.columns if c not in ("k", "estimate", "tau2", "i2", "q", "cluster")]
        belongs = frame[choice("trial", trial, known)].astype(bool)
        clouds = [
            (f"without {trial}", frame[~belongs], COLOURS["main"]),
            (f"with {trial}", frame[belongs], COLOURS["second"]),
        ]
    dot = float(min(16, max(3, 4000 / len(frame))))
    with drawing(ax, size, "GOSH plot"):
        ax = new_axes(width, 3.2 if narrow(width) else 3.9, ax)
        for label, part, colour in clouds:
            ax.scatter(
                part["estimate"],
                part[height],
                s=dot,
                color=colour,
                alpha=0.35 if dot < 8 else 0.8,
                linewidths=0,
                label=label,
                rasterized=True,
            )
        ax.set(xlabel="Pooled effect of the subset", ylabel=word)
        if height == "i2":
            ax.set_ylim(-3, 103)
        ratio_ticks(ax.xaxis, effect_name(result, effect))
        if len(clouds) > 1:
            legend_above(ax, size, up=1.17, markerscale=2, handletextpad=0.2)
        _densities(ax, clouds, height)
    return ax


def _by_cluster(found: Any) -> list[tuple[str, pd.DataFrame, str]]:
    """Return words, subsets and colour of each cluster; the words name the flagged trial that most of them hold, or lack."""
    clouds = []
    for place, cluster in enumerate(found.clusters.index):
        words = f"cluster {cluster}"
        if found.flagged:
            share = float(found.trials.loc[found.flagged[0], f"share_{cluster}"])
            words += f" ({share:.0%} with {found.flagged[0]})"
        part = found.subsets[found.subsets["cluster"] == cluster]
        clouds.append((words, part, COLOURS[_CLUSTERS[place % len(_CLUSTERS)]]))
    return clouds


def _densities(ax: Axes, clouds: list[tuple[str, pd.DataFrame, str]], height: str) -> None:
    """Draw beside the axes how the effects (above) and I2 or tau2 (right) of the subsets are spread."""
    above, right = ax.inset_axes((0, 1.02, 1, 0.13)), ax.inset_axes((1.02, 0, 0.13, 1))
    for panel, column, ends in ((above, "estimate", ax.get_xlim()), (right, height, ax.get_ylim())):
        edges = np.linspace(*ends, 61)
        tallest = 0.0
        for _, part, colour in clouds:
            density, _ = np.histogram(part[column], edges, density=True)
            tallest = max(tallest, float(density.max()))
            panel.stairs(
                density, edges, fill=True, color=colour, alpha=0.5, orientation="vertical" if panel is above else "horizontal"
            )
        panel.set_axis_off()
        panel.set(**{"xlim" if panel is above else "ylim": ends, "ylim" if panel is above else "xlim": (0, 1.05 * tallest)})


guard(__name__, "gosh")
