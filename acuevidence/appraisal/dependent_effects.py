"""What single studies do to a model of dependent effects: refits without each, all in one climb; and small-study effects.

Knows the linear covariance of a fitted model. The refits share one likelihood over a leading axis.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from scipy.special import stdtrit

from acuevidence.appraisal.small_study import SmallStudyTest
from acuevidence.arguments import guard
from acuevidence.errors import InputError
from acuevidence.inputs import refuse, values
from acuevidence.synthesis.covariance import Curve, LinearCovariance, climb_many, stacks
from acuevidence.synthesis.dependent import coefficient_table

if TYPE_CHECKING:
    from acuevidence.synthesis.dependent import DependentMetaAnalysis

__all__ = ["blup", "cluster_influence", "dependent_small_study_test", "leave_one_cluster_out"]

Array = np.ndarray
_CELLS = 1 << 24  # elements of the covariances held at a time


def leave_one_cluster_out(result: DependentMetaAnalysis, cluster: Any = None, *, reestimate: bool = True) -> pd.DataFrame:
    """Return the coefficients with each cluster left out.

    Parameters
    ----------
    result : MultilevelMetaAnalysis or MultivariateMetaAnalysis
        A fitted model.
    cluster : str or array-like (k,), optional
        What is left out, a cluster at a time: a column of the model's data, or one label an effect. Effects that the model makes
        dependent must share their cluster. Default: the outermost level of a multilevel model, the clusters of a multivariate one.
    reestimate : bool
        Whether variances and correlations are fitted anew without each cluster, or kept.

    Returns
    -------
    DataFrame
        ``term estimate se statistic p_value ci_low ci_high``, one row a cluster and coefficient, the clusters as index. Refitted
        also the variances of a multilevel model, or the ``tau2`` of each outcome.

    Raises
    ------
    InputError
        For fewer than three clusters, dependent effects in different clusters, or a coefficient that one cluster alone tells.

    Notes
    -----
    All clusters are climbed together, from where the whole model stands; kept, as metafor's ``reestimate=FALSE``.
    Intervals have the degrees of freedom of the whole model less one.

    Examples
    --------
    >>> import pandas as pd
    >>> import acuevidence as ae
    >>> effects = pd.DataFrame({"trial": list("AABBCCDD"), "scale": [1, 2] * 4,
    ...     "yi": [0.1, 0.3, 0.6, 0.5, 0.0, 0.2, 0.9, 0.7], "vi": [0.02] * 8})
    >>> fit = ae.multilevel(data=effects, random="trial/scale")
    >>> fit.leave_one_cluster_out("trial")["estimate"].round(2).tolist()
    [0.48, 0.37, 0.52, 0.28]
    """
    names, beta, vcov, components, _ = _without_each(result, cluster, reestimate)
    p = beta.shape[1]
    df = np.maximum(np.tile(result.coefficients["df"].to_numpy(dtype=float) - 1, len(names)), 1.0)
    se = np.sqrt(np.diagonal(vcov, axis1=1, axis2=2))
    table = coefficient_table(list(result.coefficients.index) * len(names), beta.ravel(), se.ravel(), df, result.level)
    found = table.drop(columns="df").reset_index().set_index(pd.Index(np.repeat(names, p), name="cluster"))
    if components is not None:
        for name, column in zip(result.component_names(), components.T, strict=False):  # correlations stand behind the variances
            found[name] = np.repeat(column, p)
    return found


def cluster_influence(result: DependentMetaAnalysis, cluster: Any = None, *, reestimate: bool = True) -> pd.DataFrame:
    """Return how far each cluster pulls the coefficients.

    Parameters
    ----------
    result, cluster
        As in :func:`leave_one_cluster_out`.
    reestimate : bool
        Likewise.

    Returns
    -------
    DataFrame
        ``k cook_d cov_r`` and a ``dfbeta`` of each coefficient, one row a cluster: Cook's distance ``(b - b_i)' V^-1 (b - b_i)``, the
        ratio of the determinants of the covariances without and with it, and the change in units of the standard error without it.

    Raises
    ------
    InputError
        As :func:`leave_one_cluster_out`.

    Notes
    -----
    Refits as in :func:`leave_one_cluster_out`; metafor's ``cooks.distance``, ``covratio`` and ``dfbetas`` with ``cluster=``.

    Examples
    --------
    >>> import pandas as pd
    >>> import acuevidence as ae
    >>> effects = pd.DataFrame({"trial": list("AABBCCDD"), "scale": [1, 2] * 4,
    ...     "yi": [0.1, 0.3, 0.6, 0.5, 0.0, 0.2, 0.9, 0.7], "vi": [0.02] * 8})
    >>> ae.multilevel(data=effects, random="trial/scale").influence("trial")["cook_d"].idxmax()
    'D'
    """
    names, beta, vcov, _, size = _without_each(result, cluster, reestimate)
    whole, V = result.coefficients["estimate"].to_numpy(), result.vcov.to_numpy()
    sd = np.sqrt(V.diagonal())
    change = whole - beta
    inner = np.linalg.solve(V / np.outer(sd, sd), (change / sd).T).T
    unit = np.outer(sd, sd)
    ratio = np.linalg.det(vcov / unit) / np.linalg.det(V / unit)
    found = pd.DataFrame(
        {"k": size, "cook_d": (change / sd * inner).sum(axis=1), "cov_r": ratio}, index=pd.Index(names, name="cluster")
    )
    own = np.sqrt(np.diagonal(vcov, axis1=1, axis2=2))
    for j, term in enumerate(result.coefficients.index):
        found[f"dfbeta {term}"] = change[:, j] / own[:, j]
    return found


def blup(result: DependentMetaAnalysis, *, level: float | None = None) -> pd.DataFrame:
    """Return the best predictions of the effects' true values.

    Parameters
    ----------
    result : MultilevelMetaAnalysis or MultivariateMetaAnalysis
        A fitted model.
    level : float, optional
        Level of the intervals. Default: that of the result.

    Returns
    -------
    DataFrame
        ``pred se pi_low pi_high``, one row an effect.

    Notes
    -----
    ``y - V P y`` with covariance ``V - V P V``, ``P = W - WX (X'WX)^-1 X'W`` and V the sampling covariance (Robinson 1991,
    Statistical Science): each effect drawn towards its groups and what the moderators say, the more the less precise it is.

    Examples
    --------
    >>> import pandas as pd
    >>> import acuevidence as ae
    >>> effects = pd.DataFrame({"trial": list("AABBCCDD"), "scale": [1, 2] * 4,
    ...     "yi": [0.1, 0.3, 0.6, 0.5, 0.0, 0.2, 0.9, 0.7], "vi": [0.02] * 8})
    >>> ae.multilevel(data=effects, random="trial/scale").blup()["pred"].round(2).tolist()[:4]
    [0.22, 0.22, 0.54, 0.54]
    """
    model, g = result.model, result.components
    level = result.level if level is None else level
    pred, spread = np.empty(result.k), np.empty(result.k)
    residual, C = result.residuals.to_numpy(), result.vcov.to_numpy()
    for rows in stacks(model.block):
        V, W = model.sampling(rows), np.linalg.inv(model.marginal(g, rows))
        VW = V @ W
        through = VW @ model.X[rows]
        pred[rows] = model.y[rows] - (VW @ residual[rows][..., None])[..., 0]
        left = np.einsum("bij,bji->bi", VW, V) - np.einsum("bip,pq,biq->bi", through, C, through)
        spread[rows] = np.maximum(np.diagonal(V, axis1=1, axis2=2) - left, 0.0)
    se = np.sqrt(spread)
    width = stdtrit(float(result.coefficients["df"].iloc[0]), 0.5 + level / 2) * se
    return pd.DataFrame({"pred": pred, "se": se, "pi_low": pred - width, "pi_high": pred + width}, index=result.data.index)


def dependent_small_study_test(result: DependentMetaAnalysis) -> SmallStudyTest:
    """Test whether less precise effects of a model of dependent effects are larger.

    Parameters
    ----------
    result : MultilevelMetaAnalysis or MultivariateMetaAnalysis
        A model without moderators.

    Returns
    -------
    SmallStudyTest
        ``statistic``, ``p_value``, ``slope`` and the ``limit``: the effect as the standard error goes to 0; of a multivariate model
        that of its first outcome, with one slope for all outcomes.

    Raises
    ------
    InputError
        With moderators, or standard errors that are all alike.

    Notes
    -----
    Egger's regression with the model's random effects: the standard error as moderator (Rodgers and Pustejovsky 2021, Psychological
    Methods; Fernandez-Castilla et al. 2021, Journal of Experimental Education). Degrees of freedom by
    containment. For SMDs the standard error grows with the effect: the test then finds asymmetry too often.

    Examples
    --------
    >>> import pandas as pd
    >>> import acuevidence as ae
    >>> effects = pd.DataFrame({"trial": list("AABBCCDD"), "scale": [1, 2] * 4,
    ...     "yi": [0.1, 0.3, 0.6, 0.5, 0.0, 0.2, 0.9, 0.7], "vi": [0.01, 0.02, 0.03, 0.04, 0.01, 0.02, 0.05, 0.04]})
    >>> ae.multilevel(data=effects, random="trial/scale").small_study_test().slope > 0
    True
    """
    if result.formula is not None:
        raise InputError("the small-study test of dependent effects needs a model without moderators")
    se = np.sqrt(result.data["vi"].to_numpy(dtype=float))
    unit = float(se.max())
    if np.ptp(se) <= 1e-9 * unit:
        raise InputError("the small-study test needs standard errors that differ")
    table = result.refitted("standard_error", se / unit).coefficients
    first, slope = table.iloc[0], table.loc["standard_error"]
    return SmallStudyTest(
        kind="egger",
        model="multilevel" if hasattr(result, "sigma2") else "multivariate",
        predictor="se",
        statistic=float(slope["statistic"]),
        p_value=float(slope["p_value"]),
        df=float(slope["df"]) if np.isfinite(slope["df"]) else None,
        slope=float(slope["estimate"]) / unit,
        slope_se=float(slope["se"]) / unit,
        limit=float(first["estimate"]),
        limit_low=float(first["ci_low"]),
        limit_high=float(first["ci_high"]),
        k=result.k,
    )


def _without_each(result: DependentMetaAnalysis, cluster: Any, reestimate: bool) -> tuple[Array, Array, Array, Array | None, Array]:
    """Return the clusters, and the coefficients, their covariances, the variances (None: kept) and the sizes left out."""
    model = result.model
    if cluster is None:
        random = getattr(result, "random", "cluster")
        if not random:
            raise InputError("this model has no random part; name the cluster, a column of its data")
        cluster = str(random).partition("/")[0].strip()
    label = values(result.table, cluster=cluster)[0]["cluster"]
    refuse(label.isna().to_numpy(), "cluster is missing", label, result.data.index)
    code, names = pd.factorize(label)
    if len(names) < 3:
        raise InputError(f"leaving out a cluster needs three or more, not {len(names)}")
    home = pd.Series(code).groupby(model.block).transform("first").to_numpy()
    torn = np.flatnonzero(home != code)
    if len(torn):
        raise InputError(
            f"cluster separates effects that the model makes dependent, for example row {result.data.index[torn[0]]!r}"
        )
    sized = model.X / np.abs(model.X).max(axis=0)
    rest = np.where(code[None, :] == np.arange(len(names))[:, None], 0.0, 1.0)
    lone = np.flatnonzero(np.linalg.matrix_rank(rest[..., None] * sized) < model.X.shape[1])
    if len(lone):
        raise InputError(f"without {names[lone[0]]!r} the coefficients cannot be told apart; leave the term out, or that cluster")
    path = result.path() if reestimate and len(result.components) else None
    parts = []
    widest = max(len(rows) * rows.shape[1] ** 2 for rows in stacks(model.block))
    size = max(1, _CELLS // widest)
    for start in range(0, len(names), size):
        parts.append(_Batch(model, code, np.arange(start, min(start + size, len(names)))).fit(result.components, path))
    beta, vcov, g = (np.concatenate(column) for column in zip(*parts, strict=True))
    return np.asarray(names), beta, vcov, g if path is not None else None, np.bincount(code)


class _Batch:
    """The likelihood of one data set without each of several clusters, over a leading axis."""

    def __init__(self, model: LinearCovariance, code: Array, out: Array):
        self.model, self.count = model, len(out)
        self.basis, triangle = np.linalg.qr(model.X)
        self.back = np.linalg.inv(triangle)
        self.stacks = [
            (
                model.sampling(rows),
                np.array([kernel(rows) for kernel in model.kernels], dtype=float).reshape(-1, *rows.shape, rows.shape[1]),
                self.basis[rows],
                model.y[rows],
                (code[rows[:, 0]][None, :] != out[:, None]).astype(float),
            )
            for rows in stacks(model.block)
        ]

    def fit(self, components: Array, path: tuple[Curve, Array] | None) -> tuple[Array, Array, Array]:
        """Return coefficients (B, p), covariances (B, p, p) and components (B, m): climbs from where the whole model stands."""
        g = np.tile(components, (self.count, 1)).astype(float)
        if path is not None:
            curve, start = path

            def built(theta: Array) -> Array:
                return np.stack([curve.build(one) for one in theta])

            def objective(theta: Array) -> tuple[Array, Array, Array]:
                value, score, information, _, _ = self(built(theta))
                both = [curve.climbed(*one) for one in zip(theta, score, information, strict=True)]
                return value, np.stack([gradient for gradient, _ in both]), np.stack([curvature for _, curvature in both])

            at, scale = (np.tile(one, (self.count, 1)) for one in (start, curve.scale))
            at, _ = climb_many(
                objective, lambda theta: self(built(theta))[0], at, lower=curve.lower, upper=curve.upper, scale=scale
            )
            g = built(at)
        beta, vcov = self(g)[3:]
        return beta @ self.back.T, self.back @ vcov @ self.back.T, g

    def __call__(self, g: Array) -> tuple[Array, Array, Array, Array, Array]:
        """Return values, scores, average information, coefficients of the basis and their covariances."""
        m, p, restricted = g.shape[1], self.basis.shape[1], self.model.restricted
        gram, pull, logdet, parts = np.zeros((self.count, p, p)), np.zeros((self.count, p)), np.zeros(self.count), []
        for V, K, Q, y, keep in self.stacks:
            M = V + np.einsum("bm,mnij->bnij", g, K)
            W = np.linalg.inv(M)
            WQ = W @ Q
            logdet += (keep * np.linalg.slogdet(M)[1]).sum(axis=1)
            gram += np.einsum("bn,nip,bniq->bpq", keep, Q, WQ)
            pull += np.einsum("bn,bnip,ni->bp", keep, WQ, y)
            parts.append((W, WQ))
        C = np.linalg.inv(gram)
        beta = np.einsum("bpq,bq->bp", C, pull)
        rss, quadratic, trace = np.zeros(self.count), np.zeros((self.count, m)), np.zeros((self.count, m))
        UWU, UWQ = np.zeros((self.count, m, m)), np.zeros((self.count, m, p))
        for (_, K, Q, y, keep), (W, WQ) in zip(self.stacks, parts, strict=True):
            r = y - np.einsum("nip,bp->bni", Q, beta)
            Py = np.einsum("bnij,bnj->bni", W, r)
            rss += (keep * (r * Py).sum(axis=2)).sum(axis=1)
            U = np.einsum("mnij,bnj->bnim", K, Py)
            quadratic += np.einsum("bn,bni,bnim->bm", keep, Py, U)
            trace += np.einsum("bn,bnij,mnij->bm", keep, W, K)
            if restricted:
                trace -= np.einsum("bn,bnip,bpq,mnij,bnjq->bm", keep, WQ, C, K, WQ, optimize=True)
            UWU += np.einsum("bn,bnim,bnij,bnjl->bml", keep, U, W, U, optimize=True)
            UWQ += np.einsum("bn,bnim,bnip->bmp", keep, U, WQ)
        value = -0.5 * (logdet + rss) - (0.5 * np.linalg.slogdet(gram)[1] if restricted else 0.0)
        return value, 0.5 * (quadratic - trace), 0.5 * (UWU - UWQ @ C @ UWQ.transpose(0, 2, 1)), beta, C


guard(__name__, "leave_one_cluster_out", "cluster_influence", "blup", "dependent_small_study_test")
