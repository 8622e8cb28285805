"""Clusters among the subsets of a GOSH plot, and the trials that make them.

In a set of homogeneous trials the pooled effects of all subsets form one contiguous cloud with one peak; an outlier or a
subgroup parts it. So a cluster is a peak of the density of (effect, heterogeneity) with its surroundings, parted from the
others by a valley, and a trial makes the clusters when belonging to the subset tells which cloud it lies in.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from scipy.special import ndtri

from acuevidence.appraisal.gosh import gosh
from acuevidence.arguments import guard
from acuevidence.errors import InputError
from acuevidence.inputs import choice
from acuevidence.later import Later
from acuevidence.shown import Shown
from acuevidence.synthesis import meta_analysis

if TYPE_CHECKING:
    from acuevidence.plots.gosh import gosh as _draw
    from acuevidence.synthesis.effect import PooledEffect
else:
    _draw = Later("acuevidence.plots.gosh", "gosh")

__all__ = ["GoshClusters", "gosh_clusters"]

_FEWEST = 6  # trials: 57 subsets of two or more
_ALL_TO = 13  # trials up to which every subset is looked at
_DRAWN = 10_000
_CELLS = 64  # of the grid, each way
_VALLEY = 0.85  # a valley parts two peaks where it is lower than this share of the lower peak
_SMALLEST = 0.05  # share of the subsets that a cluster holds at least
_NUMBERS = ("k", "estimate", "tau2", "i2", "q")


@dataclass(frozen=True, slots=True, kw_only=True, repr=False, eq=False)
class GoshClusters(Shown):
    """Clusters of subsets, and how strongly each trial makes them.

    Attributes
    ----------
    subsets : DataFrame
        The subsets of two trials or more, as :meth:`MetaAnalysis.gosh` gives them, with their ``cluster`` (1 is the largest).
    clusters : DataFrame
        One row a cluster: ``subsets``, ``share`` of all (0..1), mean ``estimate`` and mean ``i2`` or ``tau2``.
    trials : DataFrame
        One row a trial, the strongest first: ``separation`` (Cramer's V of belonging to a subset and of its cluster: 0 tells
        nothing, 1 everything), ``residual`` (externally standardised), for each cluster the ``share_1, share_2 ...`` of its
        subsets that hold the trial, and ``flagged``. Over all subsets that share is about one half.
    heterogeneity : {"i2", "tau2"}
        Measure of heterogeneity that was looked at beside the effect.
    threshold, limit : float
        A trial is flagged when its separation is ``threshold`` or more and its residual, whatever its sign, ``limit`` or more.
    notes : tuple of str
        What limits the reading.
    """

    subsets: pd.DataFrame
    clusters: pd.DataFrame
    trials: pd.DataFrame
    heterogeneity: str
    threshold: float
    limit: float
    notes: tuple[str, ...] = ()

    @property
    def flagged(self) -> tuple[str, ...]:
        """The trials that make the clusters, the strongest first."""
        return tuple(self.trials.index[self.trials["flagged"]])

    def to_frame(self) -> pd.DataFrame:
        """Return one row a trial."""
        return self.trials.copy()

    def _sentences(self) -> list[str]:
        count = len(self.clusters)
        if count == 1:
            said = "form one cloud: no trial parts them."
        else:
            where = "; ".join(f"{row.share:.0%} about {row.estimate:.2f}" for row in self.clusters.itertuples())
            who = ", ".join(f"{name} ({self.trials.loc[name, 'separation']:.2f})" for name in self.flagged)
            said = f"form {count} clusters ({where}). " + (
                f"Made by: {who}." if who else f"No trial is flagged (separation {self.threshold:g}, residual {self.limit:.2f})."
            )
        return [f"{len(self.subsets):,} subsets of {len(self.trials)} trials {said}", *self.notes]

    def _page_table(self) -> pd.DataFrame:
        return self.trials.round(2)

    plot = _draw


def gosh_clusters(
    result: PooledEffect,
    *,
    heterogeneity: str = "i2",
    threshold: float = 0.6,
    subsets: str | int | None = None,
    seed: int | None = 0,
) -> GoshClusters:
    """Find clusters among the subsets of the trials, and the trials that make them.

    Parameters
    ----------
    result : MetaAnalysis
        Of six trials or more, without moderators.
    heterogeneity : {"i2", "tau2"}
        What is looked at beside the pooled effect.
    threshold : float
        Separation, in (0, 1), from which on a trial may be flagged.
    subsets : "all" or int, optional
        As in :meth:`MetaAnalysis.gosh`. Default: every subset up to 13 trials, else 10,000 drawn at random.
    seed : int, optional
        Seed of the draw; nothing else is left to chance.

    Returns
    -------
    GoshClusters
        Clusters, and for each trial how strongly it makes them.

    Raises
    ------
    InputError
        With fewer than six trials, with moderators, or for impossible options.

    Notes
    -----
    Olkin, Dahabreh and Trikalinos (2012, Research Synthesis Methods) read clusters off the plot by eye. Here the points,
    in units of their standard deviations, are smoothed with a normal kernel of Scott's width n^(-1/6); a peak of that density
    is a cluster of its own where the valley on the way to a higher peak falls below 85% of its height and it holds 5% of the
    subsets. Like ``gosh.diagnostics`` of the R package dmetar, trials are then judged by how unevenly the clusters hold
    them. There a trial counts whose imbalance gives more than three times the mean Cook's distance, whatever the data; here
    one whose separation reaches ``threshold`` and whose externally standardised residual is beyond what chance gives the
    largest of k (normal quantile at 1 - 0.025/k): in homogeneous trials too the oddest one parts the subsets.

    Examples
    --------
    >>> import acuevidence as ae
    >>> y, v = [0.30, 0.25, 0.35, 0.28, 0.33, 0.27, 0.31, 1.6], [0.02, 0.03, 0.02, 0.04, 0.03, 0.02, 0.03, 0.03]
    >>> ae.meta_analysis(y, v, labels=list("ABCDEFGH")).gosh_clusters().flagged
    ('H',)
    """
    choice("heterogeneity", heterogeneity, ("i2", "tau2"))
    if not 0 < threshold < 1:
        raise InputError(f"threshold must lie between 0 and 1, not {threshold!r}")
    if result.k < _FEWEST:
        raise InputError(f"clusters of subsets need at least {_FEWEST} trials; this result has {result.k}")
    frame = gosh(result, ("all" if result.k <= _ALL_TO else _DRAWN) if subsets is None else subsets, seed)
    names = [str(name) for name in frame.columns if name not in _NUMBERS]
    points = frame[frame["k"] >= 2].reset_index(drop=True)
    cluster = _peaks(points[["estimate", heterogeneity]].to_numpy())
    member = points[names].to_numpy(dtype=bool)
    shares = np.stack([member[cluster == c].mean(axis=0) for c in range(1, cluster.max() + 1)], axis=1)
    trials = pd.DataFrame({"separation": _separation(member, cluster)}, index=pd.Index(names, name="trial"))
    trials["residual"] = meta_analysis(result.yi, result.vi, method=result.method, test="z").influence()["rstudent"].to_numpy()
    limit = -float(ndtri(0.025 / result.k))
    trials[[f"share_{c + 1}" for c in range(shares.shape[1])]] = shares
    trials["flagged"] = (trials["separation"] >= threshold) & (trials["residual"].abs() >= limit)
    points["cluster"] = cluster
    groups = points.groupby("cluster")
    clusters = groups[["estimate", heterogeneity]].mean()
    clusters.insert(0, "subsets", groups.size())
    clusters.insert(1, "share", clusters["subsets"] / len(points))
    few = (f"{len(names)} trials: with fewer than 10, a cluster may be one trial's weight.",) if len(names) < 10 else ()
    return GoshClusters(
        subsets=points,
        clusters=clusters,
        trials=trials.sort_values("separation", ascending=False, kind="stable"),
        heterogeneity=heterogeneity,
        threshold=threshold,
        limit=limit,
        notes=few,
    )


def _peaks(points: np.ndarray) -> np.ndarray:
    """Return the cluster of each point, 1 for the largest: the peak that its cell of a smoothed histogram runs up to."""
    from scipy.ndimage import gaussian_filter

    spread = points.std(axis=0)
    moving = spread > 1e-9 * np.abs(points).max(axis=0)  # I2 is 0 throughout where trials agree
    scaled = (points - points.mean(axis=0)) / np.where(moving, spread, 1.0)
    width = len(points) ** (-1 / 6)
    low, high = scaled.min(axis=0) - 3 * width, scaled.max(axis=0) + 3 * width
    cell = np.minimum(((scaled - low) / (high - low) * _CELLS).astype(int), _CELLS - 1)
    counts = np.zeros((_CELLS, _CELLS))
    np.add.at(counts, tuple(cell.T), 1 / len(points))
    density = gaussian_filter(counts, width * _CELLS / (high - low), mode="constant")
    label = _climb(density, counts)[tuple(cell.T)]
    kinds, place, sizes = np.unique(label, return_inverse=True, return_counts=True)
    rank = np.empty(len(kinds), dtype=int)
    rank[np.argsort(-sizes, kind="stable")] = np.arange(1, len(kinds) + 1)
    return rank[place.ravel()]


def _climb(density: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Return the peak of each cell: cells come in from the highest down, and peaks that no valley parts are one."""
    label = np.full((_CELLS + 2, _CELLS + 2), -1)  # a rim spares the question for the edges
    peak: list[float] = []  # height of each peak, in falling order
    mass: list[float] = []
    into: list[int] = []  # the peak that a peak was joined to; its own number where it stands alone

    def top(number: int) -> int:
        while into[number] != number:
            number = into[number]
        return number

    for place in np.argsort(-density.ravel(), kind="stable"):
        i, j = divmod(int(place), _CELLS)
        height = float(density[i, j])
        near = sorted({top(n) for n in label[i : i + 3, j : j + 3].ravel().tolist() if n >= 0})
        if not near:
            near = [len(peak)]
            peak.append(height)
            mass.append(0.0)
            into.append(near[0])
        first = near[0]
        for other in near[1:]:
            if height > _VALLEY * peak[other] or mass[other] < _SMALLEST:
                into[other] = first
                mass[first] += mass[other]
        label[i + 1, j + 1] = first
        mass[first] += float(counts[i, j])
    return np.array([top(n) for n in range(len(into))])[label[1:-1, 1:-1]]


def _separation(member: np.ndarray, cluster: np.ndarray) -> np.ndarray:
    """Return Cramer's V of belonging and cluster for each trial; 0 where there is one cluster."""
    n, share = len(cluster), member.mean(axis=0)
    chi2 = np.zeros(member.shape[1])
    for c in range(1, cluster.max() + 1):
        here = cluster == c
        chi2 += here.sum() * (member[here].mean(axis=0) - share) ** 2
    return np.sqrt(chi2 / n / np.maximum(share * (1 - share), 1 / n))


guard(__name__, "gosh_clusters")
