"""Robust variance estimation with approximate weights: correlated or hierarchical effects of studies.

Knows the working weights of Hedges, Tipton and Johnson; the sandwich and its degrees of freedom are :mod:`robust`'s.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from acuevidence.arguments import guard
from acuevidence.errors import InputError
from acuevidence.inputs import choice, numeric, refuse, values, variances
from acuevidence.synthesis.dependent import fixed_effects
from acuevidence.synthesis.robust import RobustMetaAnalysis, Working, sandwich

__all__ = ["RobustWeightsMetaAnalysis", "robust_weights"]

Array = np.ndarray


@dataclass(frozen=True, slots=True, kw_only=True, repr=False, eq=False)
class RobustWeightsMetaAnalysis(RobustMetaAnalysis):
    """Result of :func:`robust_weights`.

    Attributes
    ----------
    tau2 : float
        Variance between studies, in squared units of the effects.
    omega2 : float or None
        Variance within studies; None for ``CORR``.
    weights : ndarray, (k,)
        Weights of the effects, not scaled.
    working : {"CORR", "HIER"}
        Which weights.
    rho : float or None
        Assumed correlation within studies; None for ``HIER``.
    """

    tau2: float
    omega2: float | None
    weights: Array = field(repr=False)
    working: str
    rho: float | None

    @property
    def conventions(self) -> str:
        """What was computed, in words for captions."""
        how = f"correlated effects, rho {self.rho:g}" if self.rho is not None else "hierarchical effects"
        return f"Weights for {how}; cluster-robust standard errors (CR2), t tests with Satterthwaite's degrees of freedom."

    def _sentences(self) -> list[str]:
        within = "" if self.omega2 is None else f", omega2 {self.omega2:.4g}"
        return [*RobustMetaAnalysis._sentences(self), f"tau2 {self.tau2:.4g}{within}."]


def robust_weights(
    yi: Any = "yi",
    vi: Any = "vi",
    cluster: Any = "trial_id",
    *,
    data: pd.DataFrame | None = None,
    weights: str = "CORR",
    moderators: str | Sequence[str] | None = None,
    rho: float = 0.8,
    level: float = 0.95,
) -> RobustWeightsMetaAnalysis:
    """Pool dependent effects by weights that need no covariance, with robust standard errors.

    Parameters
    ----------
    yi, vi, cluster : array-like or columns of ``data``, (k,)
        Effects, their sampling variances, and the study of each.
    data : DataFrame, optional
    weights : {"CORR", "HIER"}
        ``CORR``: effects of a study are measured on the same patients; all its effects weigh alike, together as one effect.
        ``HIER``: a study reports several samples whose true effects vary within and between studies.
    moderators : str or list of str, optional
        Formula of the fixed effects, or a list of columns.
    rho : float
        Correlation of the effects of a study, from 0 to 1, for tau2 of ``CORR``.
    level : float
        Level of the intervals.

    Returns
    -------
    RobustWeightsMetaAnalysis
        ``coefficients`` (``estimate se statistic df p_value ci_low ci_high``), ``tau2``, ``omega2``.

    Raises
    ------
    InputError
        For fewer than two studies, missing cells, a ``rho`` out of range, or with ``HIER`` no study of two effects.

    Notes
    -----
    Weights ``1 / (k_j (mean v_j + tau2))`` for CORR and ``1 / (v + tau2 + omega2)`` for HIER, the variances from the moments
    of the weighted residuals (Hedges, Tipton and Johnson 2010, Research Synthesis Methods); small-sample correction of
    Tipton (2015, Psychological Methods); as robumeta's ``robu``. With fewer than four degrees of freedom P
    values are too small, whatever the correction. A model of the dependence (:func:`acuevidence.multilevel` with
    :func:`acuevidence.vcalc`, then ``robust``) weighs better where the correlations are known.

    Examples
    --------
    >>> import acuevidence as ae
    >>> found = ae.robust_weights([0.2, 0.4, 0.5, 0.1, 0.6, 0.3], [0.04] * 6, ["A", "A", "B", "B", "C", "D"])
    >>> round(found.estimate, 3), round(found.df, 2), round(found.tau2, 3)
    (0.375, 3.0, 0.0)
    """
    choice("weights", weights, ("CORR", "HIER"))
    if not 0 <= rho <= 1:
        raise InputError(f"rho must lie from 0 to 1, not {rho}")
    arrays, index = numeric(data, yi=yi, vi=vi)
    variances("vi", arrays["vi"], index)
    label = values(data, yi=yi, cluster=cluster)[0]["cluster"]
    refuse(label.isna().to_numpy(), "cluster is missing", label, index)
    code, names = pd.factorize(label)
    if len(names) < 2:
        raise InputError("cluster: robust tests need at least two studies")
    if moderators is not None and data is None:
        raise InputError("moderators need data= with their columns")
    X = fixed_effects(moderators, pd.DataFrame(index=index) if data is None else data)
    unit = float(arrays["vi"].mean())
    y, v, x = arrays["yi"] / np.sqrt(unit), arrays["vi"] / unit, X.to_numpy()
    # Moments are taken with an orthonormal design: a moderator's unit and origin then cost no digits.
    found = _correlated(y, v, np.linalg.qr(x)[0], code, rho) if weights == "CORR" else _hierarchical(y, v, np.linalg.qr(x)[0], code)
    w, tau2, omega2 = found[0] / unit, found[1] * unit, None if found[2] is None else found[2] * unit
    root = np.sqrt(w)[:, None]
    basis, triangle = np.linalg.qr(root * x)
    beta = np.linalg.solve(triangle, basis.T @ (root[:, 0] * arrays["yi"]))
    back = np.linalg.inv(triangle)
    frame = pd.DataFrame({"yi": arrays["yi"], "vi": arrays["vi"], "cluster": label.to_numpy()}, index=index)
    model = Working(
        X,
        arrays["yi"] - x @ beta,
        beta,
        back @ back.T,
        lambda rows: (1 / w[rows])[:, :, None] * np.eye(rows.shape[1]),
        np.arange(len(w)),
        frame,
        level,
    )
    base = sandwich(model, code, len(names), "CR2")
    parts = {name: getattr(base, name) for name in RobustMetaAnalysis.__dataclass_fields__}
    return RobustWeightsMetaAnalysis(
        **parts, tau2=float(tau2), omega2=omega2, weights=w, working=weights, rho=rho if weights == "CORR" else None
    )


def _correlated(y: Array, v: Array, X: Array, code: Array, rho: float) -> tuple[Array, float, None]:
    size = np.bincount(code)
    mean = np.bincount(code, v) / size
    w = 1 / (size * mean)
    each = w[code]
    V = np.linalg.inv(X.T @ (X * each[:, None]))
    e = y - X @ (V @ (X.T @ (each * y)))
    within, crossed = (X * (each / size[code])[:, None]).T @ X, _summed(X, code)
    denominator = each.sum() - np.trace(V @ (crossed.T @ (crossed * (w**2)[:, None])))
    first = float(each @ e**2) - len(size) + np.trace(V @ within)
    second = np.trace(V @ (crossed.T @ (crossed * (w / size)[:, None]) - within))
    tau2 = max(0.0, float((first + rho * second) / denominator))
    return 1 / (size * (mean + tau2))[code], tau2, None


def _hierarchical(y: Array, v: Array, X: Array, code: Array) -> tuple[Array, float, float]:
    """Match ``e'We`` and ``e'Je`` (J: ones within a study) to what they are expected to be under ``V + tau2 J + omega2 I``."""
    if np.bincount(code).max() < 2:
        raise InputError("weights='HIER' needs a study of two effects or more, to tell variation within studies from that between")
    w = 1 / v
    V = np.linalg.inv(X.T @ (X * w[:, None]))
    e = y - X @ (V @ (X.T @ (w * y)))

    def of(diagonal: Array) -> Callable[[Array], Array]:
        return lambda A: diagonal[:, None] * A

    def ones(A: Array) -> Array:
        return _summed(A, code)[code]

    size = np.bincount(code)
    traces = {  # tr(SC)
        ("J", "J"): float(size @ size),
        ("J", "I"): float(len(y)),
        ("J", "V"): float(v.sum()),
        ("W", "J"): float(w.sum()),
        ("W", "I"): float(w.sum()),
        ("W", "V"): float(len(y)),
    }
    parts = {"J": ones, "I": of(np.ones(len(y))), "V": of(v), "W": of(w)}
    wx = w[:, None] * X

    def expected(outer: str, inner: str) -> float:
        """tr(M'SMC) with M = I - XVX'W."""
        S, C = parts[outer], parts[inner]
        mixed = V @ (C(wx).T @ S(X))
        return traces[outer, inner] - 2 * float(np.trace(mixed)) + float(np.trace(V @ (X.T @ S(X)) @ V @ (wx.T @ C(wx))))

    sums = _summed(e[:, None], code)[:, 0]
    left = np.array([[expected(s, c) for c in "JI"] for s in "JW"])
    right = np.array([float(sums @ sums) - expected("J", "V"), float(w @ e**2) - expected("W", "V")])
    try:
        tau2, omega2 = np.linalg.solve(left, right)
    except np.linalg.LinAlgError:
        raise InputError("weights='HIER': these studies do not tell variation within from that between them; use 'CORR'") from None
    tau2, omega2 = max(0.0, float(tau2)), max(0.0, float(omega2))
    return 1 / (v + tau2 + omega2), tau2, omega2


def _summed(A: Array, code: Array) -> Array:
    """Return the sums of rows by study."""
    total = np.zeros((code.max() + 1, A.shape[1]))
    np.add.at(total, code, A)
    return total


guard(__name__, "robust_weights")
