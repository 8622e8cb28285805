"""Cluster-robust variances: standard errors that survive a wrong guess about how effects depend on each other.

Knows a fitted linear model (its design, residuals and working covariance) and the clusters. Does not know how
the working covariance was arrived at.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import fdtrc

from acuevidence import words
from acuevidence.arguments import guard, guarded
from acuevidence.errors import InputError
from acuevidence.inputs import choice, plain, refuse, values
from acuevidence.synthesis.coefficients import FirstCoefficient
from acuevidence.synthesis.contrasts import WaldTest, contrasts_of
from acuevidence.synthesis.covariance import stacks
from acuevidence.synthesis.dependent import coefficient_table
from acuevidence.synthesis.effect import PooledEffect
from acuevidence.synthesis.methods import EstimateMethods

__all__ = ["RobustMetaAnalysis", "Working", "robust", "sandwich"]

_DETERMINED = 1e-10  # how near to 1 a leverage is 1, and a correlation matrix singular


@dataclass(frozen=True, slots=True, kw_only=True, repr=False, eq=False)
class RobustMetaAnalysis(FirstCoefficient, EstimateMethods):
    """Result of :func:`robust`.

    Attributes
    ----------
    coefficients : DataFrame
        ``estimate se statistic df p_value ci_low ci_high``: the model's estimates with robust standard errors and
        Satterthwaite degrees of freedom. Positive favours acupuncture when the effects do.
    vcov : DataFrame
        Robust covariance of the coefficients.
    kind : str
        ``CR0``, ``CR1`` or ``CR2``.
    clusters : int
        Number of clusters.
    k : int
        Number of effects.
    level : float
        Level of the intervals.
    bread, own, pull : ndarray
        Parts of the covariance's own variance under the working model, which :meth:`wald` needs.
    """

    coefficients: pd.DataFrame
    vcov: pd.DataFrame = field(repr=False)
    kind: str
    clusters: int
    k: int
    level: float
    bread: np.ndarray = field(repr=False)
    own: np.ndarray = field(repr=False)
    pull: np.ndarray = field(repr=False)

    @property
    def df(self) -> float:
        """Satterthwaite degrees of freedom of the first coefficient."""
        return float(self.coefficients["df"].iloc[0])

    @guarded
    def wald(self, terms: str | Sequence[str] | Sequence[float] | Sequence[Sequence[float]] | np.ndarray | None = None) -> WaldTest:
        """Test several coefficients together (AHT, with Zhang's degrees of freedom).

        Parameters
        ----------
        terms : str, sequence of str or ndarray (q, p), optional
            Terms of the formula or coefficients that are 0 under the hypothesis, or contrasts of them (a row each); all but an
            intercept when None.

        Returns
        -------
        WaldTest

        Raises
        ------
        InputError
            For unknown, repeated or dependent terms, and for more of them than the clusters can tell apart.

        Notes
        -----
        ``Q = (Lb)' inv(L V L') (Lb)`` is compared with a Hotelling T2 whose degrees of freedom match the variance of
        the robust covariance under the working model, ``eta = q(q+1) / sum Var(D_st)``;
        ``F = (eta - q + 1) / (eta q) Q`` on ``q`` and ``eta - q + 1`` (Tipton & Pustejovsky 2015, Journal of
        Educational and Behavioral Statistics; ``HTZ`` of clubSandwich).
        """
        L, named = contrasts_of(terms, tuple(map(str, self.coefficients.index)))
        q = len(L)
        vcov, own = L @ self.vcov.to_numpy() @ L.T, L @ self.own @ L.T
        if any(_singular(matrix) for matrix in (vcov, own.sum(axis=0))):
            raise InputError(
                f"terms: the robust covariance of {', '.join(named)} is singular, since {self.clusters} clusters do not tell "
                "them apart; test fewer"
            )
        b = L @ self.coefficients["estimate"].to_numpy()
        Q = float(b @ np.linalg.solve(vcov, b))
        pull = L @ self.pull
        expected = (own - pull @ self.bread @ pull.transpose(0, 2, 1)).sum(axis=0)
        value, vector = np.linalg.eigh(expected)
        root = vector / np.sqrt(value) @ vector.T
        eta = q * (q + 1) / _spread(root @ own @ root, root @ pull, self.bread).sum()
        df2 = eta - q + 1
        if df2 <= 0:
            raise InputError(f"terms: {self.clusters} clusters are too few to test {q} coefficients; test fewer")
        F = df2 / (eta * q) * Q
        return WaldTest(F, q, float(df2), float(fdtrc(q, df2, F)), named)

    test = wald

    def to_frame(self) -> pd.DataFrame:
        """Coefficients, a copy."""
        return self.coefficients.copy()

    @property
    def conventions(self) -> str:
        """What was computed, in words for captions."""
        return f"Cluster-robust standard errors ({self.kind}), t tests with Satterthwaite's degrees of freedom."

    def _sentences(self) -> list[str]:
        return [f"{words.count(self.k, 'effect')} in {words.count(self.clusters, 'cluster')}. {self.conventions}"]


@dataclass(frozen=True, slots=True)
class Working:
    """A fitted model as the sandwich sees it."""

    X: pd.DataFrame
    residual: np.ndarray
    beta: np.ndarray
    bread: np.ndarray
    covariance: Callable[[np.ndarray], np.ndarray]
    block: np.ndarray
    data: pd.DataFrame
    level: float


def robust(result: Any, cluster: Any, kind: str = "CR2") -> RobustMetaAnalysis:
    """Cluster-robust covariance and tests of a fitted meta-analysis.

    Parameters
    ----------
    result : MultilevelMetaAnalysis, MultivariateMetaAnalysis or MetaAnalysis
        The fitted model, whose covariance serves as the working model.
    cluster : str or array-like (k,)
        Groups of effects that may depend on each other in any way: a column of the data or one label an effect.
        Each group of effects that the model makes dependent must lie within one cluster.
    kind : {"CR0", "CR1", "CR2"}
        No correction; times ``J / (J - 1)`` for J clusters; bias-reduced linearisation (the one to use with
        fewer than about 40 clusters).

    Returns
    -------
    RobustMetaAnalysis

    Raises
    ------
    InputError
        For fewer than two clusters, missing labels, or dependent effects that lie in different clusters.

    Notes
    -----
    ``V = B [sum_i X_i' W_i A_i e_i e_i' A_i' W_i X_i] B`` with ``B = inv(X'WX)`` and, for CR2,
    ``A_i = U_i' (U_i (M_i - X_i B X_i') U_i')^(-1/2) U_i``, ``U_i'U_i = M_i`` the working covariance (Bell &
    McCaffrey 2002, Survey Methodology; Pustejovsky & Tipton 2018, Journal of Business & Economic Statistics).
    Degrees of freedom are Satterthwaite's under the working model. As clubSandwich.

    Examples
    --------
    >>> import pandas as pd
    >>> from acuevidence.synthesis.multilevel import multilevel
    >>> effects = pd.DataFrame({
    ...     "trial": list("AABBCCDDEE"), "scale": [1, 2] * 5,
    ...     "yi": [0.1, 0.3, 0.6, 0.5, 0.0, 0.2, 0.9, 0.7, 0.4, 0.1], "vi": [0.02] * 10})
    >>> tests = robust(multilevel(data=effects, random="trial/scale"), "trial")
    >>> round(tests.se, 3), round(tests.df, 2)
    (0.129, 4.0)
    """
    choice("kind", kind, ("CR0", "CR1", "CR2"))
    model = _working(result)
    return sandwich(model, *_clusters(cluster, model), kind)


def sandwich(model: Working, code: np.ndarray, count: int, kind: str) -> RobustMetaAnalysis:
    """Return the tests of a working model whose effects lie in ``count`` clusters, numbered by ``code`` (k,)."""
    p = model.X.shape[1]
    X, B = model.X.to_numpy(), model.bread
    meat, own, pull = np.zeros((p, p)), np.empty((count, p, p)), np.empty((count, p, p))
    for rows in stacks(code):
        M, x, e = model.covariance(rows), X[rows], model.residual[rows]
        weighted = np.linalg.solve(M, x) @ B  # W_i X_i B
        a = _bias_reduction(M, x, B) @ weighted if kind == "CR2" else weighted
        step = np.einsum("bnp,bn->bp", a, e)
        meat += step.T @ step
        own[code[rows[:, 0]]] = a.transpose(0, 2, 1) @ M @ a
        pull[code[rows[:, 0]]] = a.transpose(0, 2, 1) @ x
    vcov = meat * (count / (count - 1) if kind == "CR1" else 1.0)
    df = np.array([_satterthwaite(own[:, j, j], pull[:, j], B) for j in range(p)])
    se = np.sqrt(vcov.diagonal())
    return RobustMetaAnalysis(
        coefficients=coefficient_table(list(model.X.columns), model.beta, se, df, model.level),
        vcov=pd.DataFrame(vcov, index=model.X.columns, columns=model.X.columns),
        kind=kind,
        clusters=count,
        k=len(X),
        level=model.level,
        bread=B,
        own=own,
        pull=pull,
    )


def _working(result: Any) -> Working:
    if isinstance(result, PooledEffect):
        return _working_pairwise(result)
    X = pd.DataFrame(result.model.X, index=result.data.index, columns=result.coefficients.index)
    return Working(
        X,
        result.residuals.to_numpy(),
        result.coefficients["estimate"].to_numpy(),
        result.vcov.to_numpy(),
        lambda rows: result.model.marginal(result.components, rows),
        result.model.block,
        result.table,
        result.level,
    )


def _working_pairwise(result: PooledEffect) -> Working:
    """Take the trials as independent with variances vi + tau2, whatever test the result was given."""
    total = result.vi + (result.tau2 or 0.0)
    X = np.ones((result.k, 1)) if result.X is None else result.X
    return Working(
        pd.DataFrame(X, index=result.data.index, columns=list(result.terms)),
        result.yi - X @ result.beta,
        result.beta,
        np.linalg.inv(X.T @ (X / total[:, None])),
        lambda rows: total[rows][:, :, None] * np.eye(rows.shape[1]),
        np.arange(result.k),
        result.data,
        result.level,
    )


def _clusters(cluster: Any, model: Working) -> tuple[np.ndarray, int]:
    label = values(model.data, cluster=cluster)[0]["cluster"]
    refuse(label.isna().to_numpy(), "cluster is missing", label, model.data.index)
    code, names = pd.factorize(label)
    if len(names) < 2:
        raise InputError(f"cluster has one label, {plain(names[0])!r}; robust tests need at least two clusters")
    home = pd.Series(code).groupby(model.block).transform("first").to_numpy()
    torn = np.flatnonzero(home != code)
    if len(torn):
        rows = np.flatnonzero(model.block == model.block[torn[0]])
        raise InputError(
            f"cluster separates effects that the model makes dependent, for example rows {plain(model.data.index[rows[0]])!r} "
            f"and {plain(model.data.index[torn[0]])!r}; use clusters that contain whole groups of the outermost random effect"
        )
    return code, len(names)


def _bias_reduction(M: np.ndarray, x: np.ndarray, B: np.ndarray) -> np.ndarray:
    """CR2 adjustment ``A_i`` of each cluster in a stack."""
    U = np.linalg.cholesky(M).transpose(0, 2, 1)
    G = U @ (M - x @ B @ x.transpose(0, 2, 1)) @ U.transpose(0, 2, 1)
    value, vector = np.linalg.eigh((G + G.transpose(0, 2, 1)) / 2)
    # Directions that the cluster alone determines have leverage 1 and no residual; leverage has no unit, G has.
    half = np.linalg.solve(U.transpose(0, 2, 1), x)
    lost = (np.linalg.eigvalsh(half @ B @ half.transpose(0, 2, 1)) > 1 - _DETERMINED).sum(axis=1)
    kept = (np.arange(value.shape[1]) >= lost[:, None]) & (value > 0)
    inverse_root = np.where(kept, 1 / np.sqrt(np.where(kept, value, 1.0)), 0.0)
    return U.transpose(0, 2, 1) @ (vector * inverse_root[:, None, :]) @ vector.transpose(0, 2, 1) @ U


def _singular(matrix: np.ndarray) -> bool:
    """Whether a covariance is singular, judged by its correlations, which have no unit."""
    sd = np.sqrt(matrix.diagonal())
    return bool((sd <= 0).any() or np.linalg.eigvalsh(matrix / np.outer(sd, sd))[0] < _DETERMINED)


def _satterthwaite(own: np.ndarray, pull: np.ndarray, B: np.ndarray) -> float:
    """``E^2 / sum_ij S_ij^2`` with ``S_ij = [i=j] own_i - pull_i' B pull_j``."""
    through = np.einsum("jp,pq,jq->j", pull, B, pull)
    crossed = B @ (pull.T @ pull)
    return float((own - through).sum() ** 2 / (np.sum(own**2 - 2 * own * through) + np.trace(crossed @ crossed)))


def _spread(own: np.ndarray, pull: np.ndarray, B: np.ndarray) -> np.ndarray:
    """Variance of each entry of the standardised robust covariance under the working model, (q, q)."""
    through = pull @ B @ pull.transpose(0, 2, 1)
    own_own = np.einsum("jst,jst->st", own, own) + np.einsum("jss,jtt->st", own, own)
    mixed = 2 * np.einsum("jst,jst->st", own, through) + np.einsum("jss,jtt->st", own, through)
    mixed += np.einsum("jtt,jss->st", own, through)
    U = np.einsum("jsp,jtq->stpq", pull, pull)  # sum_j b_j^s b_j^t'
    BU = B @ U
    crossing = np.einsum("stab,stba->st", BU, BU)  # sum_ij (b_i^s'B b_j^t)(b_i^t'B b_j^s)
    straight = np.einsum("stab,tsba->st", BU, BU)  # sum_ij (b_i^s'B b_j^s)(b_i^t'B b_j^t)
    return own_own - mixed + crossing + straight


guard(__name__, "robust")
