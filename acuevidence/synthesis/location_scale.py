"""Location-scale models: the heterogeneity variance depends on moderators of its own.

Knows one likelihood: effects ``y ~ N(X beta, v + tau2)`` with ``tau2 = exp(Z alpha)`` or ``Z alpha``. Reading and naming of
trials is :mod:`pairwise`'s.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from scipy.linalg import null_space
from scipy.optimize import minimize

from acuevidence import words
from acuevidence.arguments import guarded
from acuevidence.errors import ConvergenceError, InputError
from acuevidence.synthesis import kernel
from acuevidence.synthesis.coefficients import FirstCoefficient, omnibus
from acuevidence.synthesis.contrasts import ModelTest
from acuevidence.synthesis.covariance import climb
from acuevidence.synthesis.dependent import coefficient_table
from acuevidence.synthesis.formula import rows_for
from acuevidence.synthesis.methods import LocationScaleMethods

__all__ = ["LocationScaleMetaAnalysis", "fit_location_scale"]

Array = np.ndarray
_FAR = 60.0  # a log variance this far from the trials' is 0, or without end
_EDGE = 1e-9  # share of the typical variance below which a variance is at 0


@dataclass(frozen=True, slots=True, kw_only=True, repr=False, eq=False)
class LocationScaleMetaAnalysis(FirstCoefficient, LocationScaleMethods):
    """What a location-scale model found.

    Attributes
    ----------
    coefficients, scale_coefficients : DataFrame
        ``estimate se statistic df p_value ci_low ci_high`` of the mean, and of the (log) heterogeneity variance.
    vcov, scale_vcov : DataFrame
        Their covariances; the scale's is missing where a variance lies at 0.
    tau2 : ndarray, (k,)
        Heterogeneity variance of each trial.
    qm, qm_df, qm_p, qs, qs_df, qs_p : float
        Omnibus tests of the moderators of the mean (``qm``) and of the variance (``qs``), the intercepts left out.
    loglik, aic, bic : float
        Restricted or full log-likelihood, and criteria from it.
    k : int
        Trials.
    method, level, link : str, float, str
        As asked for.
    formula, scale : str or None, str
        Formulas of the mean and of the variance.
    data, excluded : DataFrame
        The trials used, and what was left out, with a ``reason``.
    notes : tuple of str
        What a reader must know.
    """

    coefficients: pd.DataFrame = field(repr=False)
    scale_coefficients: pd.DataFrame = field(repr=False)
    vcov: pd.DataFrame = field(repr=False)
    scale_vcov: pd.DataFrame = field(repr=False)
    tau2: Array = field(repr=False)
    qm: float
    qm_df: tuple[int, int | None]
    qm_p: float
    qs: float
    qs_df: tuple[int, int | None]
    qs_p: float
    loglik: float
    aic: float
    bic: float
    k: int
    method: str
    _test: str
    level: float
    link: str
    formula: str | None
    scale: str
    data: pd.DataFrame = field(repr=False)
    excluded: pd.DataFrame = field(repr=False)
    notes: tuple[str, ...] = ()

    @property
    def test(self) -> ModelTest:
        """Which test it has; called with terms of the mean (``result.test("year")``) it tests them together."""
        return ModelTest.of(self._test, self)

    @guarded
    def predict(self, new: pd.DataFrame | None = None, *, level: float | None = None) -> pd.DataFrame:
        """Return predicted average effects and heterogeneity variances.

        Parameters
        ----------
        new : DataFrame, optional
            Moderators of the settings to predict for. Default: the trials' own.
        level : float, optional
            Default: the level of the result.

        Returns
        -------
        DataFrame
            ``pred se ci_low ci_high pi_low pi_high tau2``, with the index of ``new``.
        """
        new = self.data if new is None else new
        X, Z = rows_for(self.formula, self.data, new), rows_for(self.scale, self.data, new)
        level = self.level if level is None else level
        pred = X @ self.coefficients["estimate"].to_numpy()
        se = np.sqrt(np.einsum("ij,jk,ik->i", X, self.vcov.to_numpy(), X))
        eta = Z @ self.scale_coefficients["estimate"].to_numpy()
        tau2 = np.exp(eta) if self.link == "log" else np.maximum(eta, 0.0)
        df = np.array(float(self.coefficients["df"].iloc[0]))
        (low, high), (p_low, p_high) = (kernel.interval(pred, spread, df, level) for spread in (se, np.sqrt(se**2 + tau2)))
        return pd.DataFrame(
            {"pred": pred, "se": se, "ci_low": low, "ci_high": high, "pi_low": p_low, "pi_high": p_high, "tau2": tau2},
            index=new.index,
        )

    def to_frame(self) -> pd.DataFrame:
        """Return one row a coefficient, of the mean and of the variance, told apart by ``part``."""
        parts = {"mean": self.coefficients, "variance": self.scale_coefficients}
        return pd.concat([table.reset_index().assign(part=name) for name, table in parts.items()], ignore_index=True)

    @property
    def conventions(self) -> str:
        """What was computed, in words for captions."""
        return f"Location-scale model by {self.method}, {self.link} link of the heterogeneity variance; {self._test} intervals of the mean."

    def _sentences(self) -> list[str]:
        scale = ", ".join(
            f"{term} {row.estimate:.4g} (P {words.p(row.p_value)})" for term, row in self.scale_coefficients.iterrows()
        )
        return [
            f"{words.count(self.k, 'trial')}. {self.conventions}",
            f"{'Log variance' if self.link == 'log' else 'Variance'}: {scale}.",
            *self.notes,
        ]


def fit_location_scale(
    y: Array,
    v: Array,
    X: Array,
    terms: tuple[str, ...],
    Z: Array,
    scale_terms: tuple[str, ...],
    *,
    method: str,
    test: str,
    level: float,
    link: str,
    formula: str | None,
    scale: str,
    data: pd.DataFrame,
    excluded: pd.DataFrame,
) -> LocationScaleMetaAnalysis:
    """Fit a location-scale model by (restricted) maximum likelihood.

    Notes
    -----
    Viechtbauer and Lopez-Lopez (2022, Research Synthesis Methods), as metafor's ``rma(scale=)``. Standard errors of the
    scale coefficients from the observed information.
    """
    if method not in ("REML", "ML"):
        raise InputError(f"a location-scale model is fitted by method 'REML' or 'ML', not {method!r}")
    if len(y) <= X.shape[1] + Z.shape[1]:
        raise InputError(f"{X.shape[1] + Z.shape[1]} coefficients need more trials than that; there are {len(y)}")
    unit = len(v) / float((1 / v).sum())
    centre = float(y[v.argmin()]) if "Intercept" in terms else 0.0
    model = _Model(
        (y - centre) / np.sqrt(unit), v / unit, np.linalg.qr(X)[0], *_orthogonal(Z), method == "REML", link, np.log(unit)
    )
    gamma, edge = _maximise(model)
    eta = model.Q @ gamma
    tau2 = np.exp(eta) if link == "log" else np.maximum(eta, 0.0) * unit
    w = 1 / (v + tau2)
    root = np.sqrt(w)
    basis, triangle = np.linalg.qr(root[:, None] * X)
    back = np.linalg.inv(triangle)
    beta = back @ (basis.T @ (root * (y - centre)))
    if "Intercept" in terms:
        beta[terms.index("Intercept")] += centre
    k, p, m = len(y), X.shape[1], Z.shape[1]
    s2 = float(w @ (y - X @ beta) ** 2) / (k - p) if test.startswith("HKSJ") else 1.0
    covariance = back @ back.T * (max(s2, 1.0) if test == "HKSJ-adhoc" else s2)
    size = 1.0 if link == "log" else unit
    turn = np.linalg.inv(model.R) * size
    alpha = turn @ gamma
    information = -model(gamma)[2]
    known = not edge and np.linalg.eigvalsh(information)[0] > 0
    scale_covariance = turn @ np.linalg.inv(information) @ turn.T if known else np.full((m, m), np.nan)
    free = np.inf if test == "z" else float(k - p)
    scale_free = np.inf if test == "z" else float(k - m)
    loglik = _loglik(y, v, X, tau2, method == "REML")
    n = k - p if method == "REML" else k
    qm, qs = (
        omnibus(b, V, names, None if np.isinf(f) else f)
        for b, V, names, f in ((beta, covariance, terms, free), (alpha, scale_covariance, scale_terms, scale_free))
    )
    notes = () if known else ("A variance lies at 0 or without end: the scale coefficients have no standard errors.",)
    return LocationScaleMetaAnalysis(
        coefficients=coefficient_table(terms, beta, np.sqrt(covariance.diagonal()), np.full(p, free), level),
        scale_coefficients=coefficient_table(
            scale_terms, alpha, np.sqrt(scale_covariance.diagonal()), np.full(m, scale_free), level
        ),
        vcov=pd.DataFrame(covariance, index=terms, columns=terms),
        scale_vcov=pd.DataFrame(scale_covariance, index=scale_terms, columns=scale_terms),
        tau2=tau2,
        qm=qm[0],
        qm_df=qm[1],
        qm_p=qm[2],
        qs=qs[0],
        qs_df=qs[1],
        qs_p=qs[2],
        loglik=loglik,
        aic=-2 * loglik + 2 * (p + m),
        bic=-2 * loglik + (p + m) * float(np.log(n)),
        k=k,
        method=method,
        _test=test,
        level=level,
        link=link,
        formula=formula,
        scale=scale,
        data=data,
        excluded=excluded,
        notes=notes,
    )


def _orthogonal(Z: Array) -> tuple[Array, Array]:
    """Return the scale's design with columns of mean square 1, and what turns its coefficients back (by its inverse)."""
    Q, R = np.linalg.qr(Z)
    root = np.sqrt(len(Z))
    return Q * root, R / root


def _loglik(y: Array, v: Array, X: Array, tau2: Array, restricted: bool) -> float:
    """Return the log-likelihood with every constant: the kernel's, the variances of heterogeneity within those of sampling."""
    return float(kernel.log_likelihood(y[None], (v + tau2)[None], X[None], np.zeros(1), restricted=restricted)[0])


@dataclass(frozen=True, slots=True)
class _Model:
    """The likelihood in units of a typical variance; ``log_unit`` is the logarithm of that unit, for the log link."""

    y: Array
    v: Array
    X: Array
    Q: Array
    R: Array
    restricted: bool
    link: str
    log_unit: float

    def __call__(self, gamma: Array) -> tuple[float, Array, Array]:
        """Return log-likelihood, gradient and curvature; ``climb`` takes the curvature with the other sign."""
        eta = self.Q @ gamma
        tau2 = np.exp(np.clip(eta - self.log_unit, -200, 200)) if self.link == "log" else eta
        total = self.v + tau2
        if not (total > 0).all():
            return -np.inf, np.zeros(len(gamma)), -np.eye(len(gamma))
        w = 1 / total
        weighted = self.X * w[:, None]
        gram = self.X.T @ weighted
        P = np.diag(w) - weighted @ np.linalg.solve(gram, weighted.T)
        e = P @ self.y
        value = 0.5 * (np.log(w).sum() - self.y @ e)
        spread = np.diag(w)
        if self.restricted:
            value -= 0.5 * np.linalg.slogdet(gram)[1]
            spread = P
        score = 0.5 * (e**2 - spread.diagonal())
        bend = -np.outer(e, e) * P + 0.5 * spread**2
        if self.link == "log":
            bend, score = bend * np.outer(tau2, tau2), score * tau2
            bend[np.diag_indices_from(bend)] += score
        return float(value), self.Q.T @ score, self.Q.T @ bend @ self.Q


def _maximise(model: _Model) -> tuple[Array, bool]:
    """Return the best of several climbs, and whether it lies at the edge of what is possible."""
    m = model.Q.shape[1]
    alone = max(float(kernel.fit(model.y[None], model.v[None], model.X[None], method="ML", test="z").tau2[0]), 0.05)
    even = np.linalg.lstsq(
        model.Q, np.full(len(model.y), np.log(alone) + model.log_unit if model.link == "log" else alone), rcond=None
    )[0]
    residual = (model.y - model.X @ (model.X.T @ model.y)) ** 2
    leaning = np.linalg.lstsq(model.Q, np.log(np.maximum(residual, 0.05)) + model.log_unit, rcond=None)[0]
    if model.link == "identity":
        return _climb_above_zero(model, even)

    def downhill(gamma: Array) -> tuple[float, Array, Array]:
        value, gradient, curvature = model(gamma)
        return value, gradient, -curvature

    found = []
    centre = even if model.Q.shape[1] else np.zeros(0)
    for start in (even, (even + leaning) / 2, leaning):
        try:
            found.append(climb(downhill, start, lower=centre - _FAR, upper=centre + _FAR, scale=np.ones(m)))
        except ConvergenceError:
            continue
    if not found:
        raise ConvergenceError("the location-scale model has no maximum that could be found; drop terms of scale=")
    best = max(found, key=lambda one: one.value)
    return best.at, bool((np.abs(best.at - centre) > _FAR - 1).any() or (model.Q @ best.at - model.log_unit < -25).any())


def _climb_above_zero(model: _Model, start: Array) -> tuple[Array, bool]:
    """Maximise where every trial's variance is 0 or more; at the edge the last steps are taken along it."""

    def objective(gamma: Array) -> tuple[float, Array]:
        value, gradient, _ = model(gamma)
        return -value, -gradient

    if (model.Q @ start <= 0).any():
        raise InputError("link='identity' needs a scale in which every trial can have a variance above 0; use link='log'")
    above: dict[str, Callable[[Array], Array] | str] = {"type": "ineq", "fun": lambda g: model.Q @ g, "jac": lambda _: model.Q}
    found = minimize(objective, start, jac=True, method="SLSQP", constraints=[above], options={"maxiter": 500, "ftol": 1e-14})
    gamma = found.x
    held = model.Q @ gamma <= _EDGE
    along = null_space(model.Q[held]) if held.any() else np.eye(len(gamma))
    for _ in range(50):
        _, gradient, curvature = model(gamma)
        if along.shape[1] == 0:
            break
        inner = along.T @ curvature @ along
        if not np.linalg.eigvalsh(inner)[-1] < 0:
            break
        step = along @ np.linalg.solve(inner, along.T @ gradient)
        new = gamma - step
        if (model.Q[~held] @ new < 0).any():
            break
        gamma = new
        if np.abs(step).max() <= 1e-12 * max(1.0, float(np.abs(gamma).max())):
            break
    return gamma, bool(held.any())
