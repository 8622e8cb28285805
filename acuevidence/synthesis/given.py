"""A pooled effect of which something was given: a heterogeneity variance, or the trials' weights."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from acuevidence.synthesis.effect import PooledEffect
from acuevidence.synthesis.methods import GivenMethods

__all__ = ["GivenMetaAnalysis", "by_own_weights"]


@dataclass(frozen=True, slots=True, kw_only=True, repr=False, eq=False)
class GivenMetaAnalysis(PooledEffect, GivenMethods):
    """A pooled effect with a given tau2, given weights, or both.

    It has the numbers of :class:`.MetaAnalysis`, and of its methods those that fit nothing anew: refits would estimate what was
    given.

    Attributes
    ----------
    k, method, level, prediction, tau2, tau2_se, i2, h2, q, q_df, q_p, qm, qm_df, qm_p, df, weights, excluded, notes
        As :class:`.MetaAnalysis` has them; ``method`` is ``given`` where tau2 is.
    beta, covariance, yi, vi, X, terms, formula
        Likewise.
    own_weights : bool
        Whether the weights were given.
    """

    own_weights: bool = False

    @property
    def r2(self) -> None:
        """None: the share of tau2 that moderators account for needs one that was estimated."""

    @property
    def conventions(self) -> str:
        """Every convention behind the numbers, for captions and methods sections."""
        how = "τ² given" if self.method == "given" else "equal effects" if self.method == "EE" else f"τ² by {self.method}"
        return f"Pooled with {how}; {'weights given' if self.own_weights else 'inverse-variance weights'}; {self._test} intervals."

    def _spread(self) -> str:
        return "" if self.tau2 is None else f"tau2 {self.tau2:.4f}{' (given)' if self.method == 'given' else ''}, "

    def _beside(self) -> str:
        return ""

    def _parameters(self) -> int:
        return len(self.beta) + (self.method not in ("EE", "given"))


def by_own_weights(
    y: np.ndarray, total: np.ndarray, X: np.ndarray, weights: np.ndarray, test: str
) -> tuple[np.ndarray, np.ndarray]:
    """Return coefficients and covariance (X'AX)^-1 X'A M A X (X'AX)^-1 for weights A and variances M of the effects.

    HKSJ scales the covariance by the mean square of the residuals, each relative to its variance in M (ad hoc: never below 1).
    """
    root = np.sqrt(weights / weights.max())
    Q, R = np.linalg.qr(root[:, None] * X)
    back = np.linalg.inv(R)
    beta = back @ (Q.T @ (root * y))
    pulled = back @ (Q * root[:, None]).T
    covariance = (pulled * total) @ pulled.T
    if not test.startswith("HKSJ") or len(y) <= X.shape[1]:
        return beta, covariance
    scale = float(((y - X @ beta) ** 2 / total).sum()) / (len(y) - X.shape[1])
    return beta, covariance * (max(scale, 1.0) if test == "HKSJ-adhoc" else scale)
