"""Many normal-normal models in one call: median and interval of mu under a flat prior of mu and a named prior of tau.

The nodes of tau are quantiles of its prior, so that every row of effects shares them; given tau, mu is normal, and its posterior a
mixture of those normals whose quantiles are found for all rows at once.
"""

from __future__ import annotations

import numpy as np
from scipy.special import ndtr

from acuevidence.synthesis.bayes import Prior, prior_quantiles

__all__ = ["posteriors_of"]

_NODES = 256
_CELLS = 2_000_000  # of rows x trials x nodes at once
_HALVINGS = 20  # of a bracket of some twenty standard errors: far below what the nodes resolve


def posteriors_of(
    yi: np.ndarray, vi: np.ndarray, tau_prior: Prior | str, level: float = 0.95, *, unit: float = 1.0
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return median and equal-tailed interval of mu of many meta-analyses.

    Parameters
    ----------
    yi, vi : ndarray, (B, k)
        Effects and variances, a row a meta-analysis; NaN: no such trial.
    tau_prior, level, unit
        As in :func:`acuevidence.synthesis.bayes.posterior_of`, with which it agrees to about a thousandth of the interval's width.

    Returns
    -------
    median, low, high : ndarray, (B,)

    Examples
    --------
    >>> import numpy as np
    >>> from acuevidence.synthesis.bayes import posterior_of
    >>> y, v = np.array([0.2, 0.4, 0.1]), np.array([0.02, 0.05, 0.03])
    >>> one = posterior_of(y, v, "rhodes-pain").loc["mu", ["median", "ci_low", "ci_high"]].to_numpy()
    >>> many = np.ravel(posteriors_of(y[None], v[None], "rhodes-pain"))
    >>> bool(np.abs(many - one).max() < 1e-3)
    True
    """
    tau = unit * prior_quantiles(tau_prior)((np.arange(_NODES) + 0.5) / _NODES)
    size = max(1, _CELLS // (_NODES * yi.shape[1]))
    parts = [_interval(yi[i : i + size], vi[i : i + size], tau, level) for i in range(0, len(yi), size)]
    median, low, high = (np.concatenate(part) for part in zip(*parts, strict=True))
    return median, low, high


def _interval(y: np.ndarray, v: np.ndarray, tau: np.ndarray, level: float) -> tuple[np.ndarray, ...]:
    held = np.isfinite(y)[:, :, None]
    total = np.where(held, np.where(held[..., 0], v, 1.0)[:, :, None] + tau**2, 1.0)
    w, effect = held / total, np.where(held[..., 0], y, 0.0)[:, :, None]
    whole = w.sum(axis=1)
    mean = (w * effect).sum(axis=1) / whole
    squares = (w * (effect - mean[:, None]) ** 2).sum(axis=1)
    log = -0.5 * (np.log(total).sum(axis=1) + np.log(whole) + squares)
    weight = np.exp(log - log.max(axis=1, keepdims=True))
    weight /= weight.sum(axis=1, keepdims=True)
    sd = whole**-0.5
    reach = 10 * sd.max(axis=1) + np.ptp(mean, axis=1)
    found = []
    for p in (0.5, 0.5 - level / 2, 0.5 + level / 2):
        below, above = mean.min(axis=1) - reach, mean.max(axis=1) + reach
        for _ in range(_HALVINGS):
            middle = (below + above) / 2
            less = (ndtr((middle[:, None] - mean) / sd) * weight).sum(axis=1) < p
            below, above = np.where(less, middle, below), np.where(less, above, middle)
        found.append((below + above) / 2)
    return tuple(found)
