"""One row a study from several: the effects of a cluster averaged with their sampling covariance."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from acuevidence.arguments import guard
from acuevidence.errors import InputError
from acuevidence.inputs import numeric, refuse, values, variances
from acuevidence.synthesis.covariance import stacks

__all__ = ["aggregate"]


def aggregate(
    yi: Any = "yi",
    vi: Any = "vi",
    cluster: Any = "trial_id",
    *,
    data: pd.DataFrame | None = None,
    rho: float = 0.5,
    weighted: bool = True,
) -> pd.DataFrame:
    """Average the effects of each study to one effect.

    Parameters
    ----------
    yi, vi, cluster : array-like or columns of ``data``, (k,)
        Effects, their sampling variances, and the study of each.
    data : DataFrame, optional
    rho : float
        Correlation of the sampling errors within a study, the same for every pair.
    weighted : bool
        Weights of least variance (generalised least squares), or the plain mean.

    Returns
    -------
    DataFrame
        ``yi vi k``, one row a study in order of appearance, the studies as index; ``k`` counts its effects.

    Raises
    ------
    InputError
        For missing cells, variances that are not positive, or a ``rho`` that no study of that many effects can have.

    Notes
    -----
    With V the covariance ``rho sqrt(vi vj)`` of a study's effects: ``y = 1'V^-1 y / 1'V^-1 1`` and ``v = 1 / 1'V^-1 1``, or the mean
    with variance ``1'V1 / n**2``; metafor's ``aggregate`` with a compound symmetric structure (Borenstein et al. 2009, Introduction
    to Meta-Analysis, chapter 24). Weights of least variance can be negative where rho is high and the variances differ, so
    that the average lies outside the effects; the plain mean cannot. Differences between true effects of a study are lost:
    :func:`acuevidence.multilevel` keeps them.

    Examples
    --------
    >>> import acuevidence as ae
    >>> ae.aggregate([0.2, 0.4, 0.5], [0.04, 0.04, 0.02], ["A", "A", "B"], rho=0.5)
              yi    vi  k
    cluster
    A        0.3  0.03  2
    B        0.5  0.02  1
    """
    arrays, index = numeric(data, yi=yi, vi=vi)
    variances("vi", arrays["vi"], index)
    label = values(data, yi=yi, cluster=cluster)[0]["cluster"]
    refuse(label.isna().to_numpy(), "cluster is missing", label, index)
    if not len(index):
        raise InputError("there is no effect to average (yi is empty)")
    code, names = pd.factorize(label)
    size = np.bincount(code)
    largest = int(size.max())
    lowest = -1 / (largest - 1) if largest > 1 else -1.0
    if not lowest < rho < 1 and not (rho == 1 and not weighted):
        raise InputError(f"rho must lie above {lowest:.3g} (a study has {largest} effects) and below 1, not {rho}")
    y, v = np.empty(len(names)), np.empty(len(names))
    for rows in stacks(code):
        at, n = code[rows[:, 0]], rows.shape[1]
        sd = np.sqrt(arrays["vi"][rows])
        V = sd[:, :, None] * sd[:, None, :] * np.where(np.eye(n, dtype=bool), 1.0, rho)
        if weighted:
            w = np.linalg.solve(V, np.ones((len(rows), n, 1)))[..., 0]
            total = w.sum(axis=1)
            y[at], v[at] = (w * arrays["yi"][rows]).sum(axis=1) / total, 1 / total
        else:
            y[at], v[at] = arrays["yi"][rows].mean(axis=1), V.mean(axis=(1, 2))
    name = cluster if isinstance(cluster, str) else getattr(cluster, "name", None) or "cluster"
    return pd.DataFrame({"yi": y, "vi": v, "k": size}, index=pd.Index(names, name=name))


guard(__name__, "aggregate")
