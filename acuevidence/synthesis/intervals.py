"""Intervals beside the usual ones: of tau2, by bootstrap, for prediction, and robust to small-study effects."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from scipy.optimize import brentq
from scipy.special import chdtri, gammainc, ndtri

from acuevidence.arguments import guard
from acuevidence.effects.measures import MEASURES
from acuevidence.effects.natural import measure_of, natural_scale
from acuevidence.errors import InputError
from acuevidence.inputs import choice
from acuevidence.synthesis import kernel, scale
from acuevidence.synthesis.formula import rows_for
from acuevidence.synthesis.kernel_rows import traces

if TYPE_CHECKING:
    from acuevidence.synthesis.effect import PooledEffect

__all__ = ["bootstrap", "bootstrap_prediction", "henmi_copas", "heterogeneity_intervals", "predict", "tau2_interval"]


_TALBOT = 22  # nodes of a contour
_MANY, _LINE = 16, 1 << 11  # degrees of freedom beyond which a line is better, and its nodes


def predict(
    result: PooledEffect, new: pd.DataFrame | None = None, *, level: float | None = None, transform: bool | str = False
) -> pd.DataFrame:
    """Return predicted average effects with their confidence and prediction intervals.

    Parameters
    ----------
    result : MetaAnalysis
        With or without moderators.
    new : DataFrame, optional
        Moderators of the settings to predict for. Default: the trials' own; without moderators one row, or one for
        each row of ``new``.
    level : float, optional
        Default: the level of the result.
    transform : bool or str
        Whether predictions come on the natural scale (ratios, proportions, rates, correlations): True where the trials name one
        measure in a column ``effect``, or the measure itself, for example ``"PLO"``.

    Returns
    -------
    DataFrame
        ``pred se ci_low ci_high pi_low pi_high``, with the index of ``new``; without ``se`` on the natural scale, where the
        intervals are not symmetric.

    Raises
    ------
    InputError
        For a transformation whose measure is not known or has no other scale.

    Examples
    --------
    >>> import pandas as pd
    >>> import acuevidence as ae
    >>> trials = pd.DataFrame({"yi": [0.9, 0.4, 0.6, 0.1, 0.5], "vi": 0.04, "weeks": [12, 6, 8, 4, 8]})
    >>> result = ae.meta_analysis("yi", "vi", data=trials, moderators="~ weeks")
    >>> result.predict(pd.DataFrame({"weeks": [10]}))[["pred", "ci_low", "ci_high"]].round(2)
       pred  ci_low  ci_high
    0  0.73    0.35     1.12
    """
    level = result.level if level is None else level
    if result.X is None:
        index = pd.RangeIndex(1) if new is None else new.index
        rows = np.ones((len(index), 1))
    elif new is None:
        rows, index = result.X, result._index
    else:
        rows, index = rows_for(result.formula, result.data, new), new.index
    pred = rows @ result.beta
    se = np.sqrt(np.einsum("ij,jk,ik->i", rows, result.covariance, rows))
    low, high = kernel.interval(pred, se, result._df(), level)
    frame = pd.DataFrame({"pred": pred, "se": se, "ci_low": low, "ci_high": high}, index=index)
    spread = result._prediction_df()
    if spread is not None and result.tau2 is not None:
        p_low, p_high = kernel.interval(pred, np.sqrt(se**2 + result.tau2), spread, level)
        frame = frame.assign(pi_low=p_low, pi_high=p_high)
    return _on_natural_scale(frame, result, transform) if transform else frame


def _on_natural_scale(frame: pd.DataFrame, result: PooledEffect, transform: bool | str) -> pd.DataFrame:
    data = result.data
    measure = transform if isinstance(transform, str) else measure_of(data)
    if not measure:
        raise InputError(
            "transform=True needs the measure of the effects: give it, for example transform='PLO', or name it in a "
            "column 'effect' of the data"
        )
    choice("transform", measure, MEASURES)
    natural = natural_scale(measure, data)
    if natural is None:
        sizes = {"PFT": "; the data need a column n", "IRFT": "; the data need a column time"}.get(measure, "")
        raise InputError(f"transform: effects of measure {measure!r} have no other scale that is known{sizes}")
    return frame.drop(columns="se").apply(natural.back, raw=True)


def tau2_interval(
    result: PooledEffect, method: str = "QP", *, level: float | None = None, seed: int | None = None, n: int = 2000
) -> tuple[float, float]:
    """Return the interval of tau2.

    Parameters
    ----------
    result : MetaAnalysis
        Of two trials or more.
    method : {"QP", "PL", "J", "BJ", "SJ", "BT"}
        Q-profile (Viechtbauer 2007, Statistics in Medicine), profile likelihood (Hardy and Thompson 1996,
        Statistics in Medicine), Jackson's (2013, Research Synthesis Methods: Q with weights 1/se),
        Biggerstaff and Tweedie's with the exact distribution of Q in place of a gamma (Biggerstaff and Jackson 2008,
        Statistics in Medicine: weights 1/vi), Sidik and Jonkman's (2005, Journal of the Royal Statistical Society
        C), or percentiles of ``n`` parametric bootstrap samples.
    level : float, optional
        Level of the interval. Default: that of the result.
    seed : int, optional
        Seed of the bootstrap; without one it differs from call to call.
    n : int
        Samples of the bootstrap.

    Returns
    -------
    tuple of float
        Lower and upper limit in squared units of ``yi``, 0 or more.

    Raises
    ------
    InputError
        For one trial, the equal-effects model, or PL without a likelihood estimator.

    Examples
    --------
    >>> import acuevidence as ae
    >>> result = ae.meta_analysis([0.9, 0.4, 0.6, 0.1, 0.5], [0.09, 0.04, 0.06, 0.02, 0.03])
    >>> low, high = result.tau2_interval()
    >>> print(f"{low:.3f} to {high:.3f}")
    0.000 to 0.648
    """
    choice("method", method, ("QP", "PL", "J", "BJ", "SJ", "BT"))
    level = result.level if level is None else level
    if result.method == "EE" or result.k - len(result.beta) < 1:
        raise InputError("tau2 has no interval: the model has none, or there are too few trials")
    y, v = result.yi[None], result.vi[None]
    X = None if result.X is None else result.X[None]
    if method == "QP":
        df = result.k - len(result.beta)
        upper_tail = np.array([0.5 - level / 2, 0.5 + level / 2])
        low, high = kernel.profile_q(y, v, X, chdtri(df, upper_tail))
        return float(low), float(high)
    if method in ("J", "BJ"):
        return _generalised_q(result, level, 0.5 if method == "J" else 1.0)
    if method == "SJ":
        free = result.k - len(result.beta)
        alone = float(kernel.fit(y, v, X, method="SJ", test="z").tau2[0])
        low, high = free * alone / chdtri(free, np.array([0.5 - level / 2, 0.5 + level / 2]))
        return float(low), float(high)
    if method == "PL":
        return _profile_likelihood(result, y, v, X, level)
    interval = bootstrap(result, n=n, seed=seed, level=level).loc["tau2"]
    return float(interval["ci_low"]), float(interval["ci_high"])


def bootstrap(
    result: PooledEffect,
    kind: str = "parametric",
    *,
    n: int = 2000,
    seed: int | None = None,
    level: float | None = None,
    chunk: int = scale.CHUNK,
    client: Any = None,
    progress: scale.Progress = iter,
) -> pd.DataFrame:
    """Return bootstrap standard errors and percentile intervals of the coefficients and tau2.

    Parameters
    ----------
    result : MetaAnalysis
        Of more trials than coefficients.
    kind : {"parametric", "study"}
        Effects drawn from the fitted model, or trials drawn with replacement.
    n : int
        Samples; each chunk of them is drawn and refitted in one batch.
    seed : int, optional
        Seed of the draws; without one they differ from call to call.
    level : float, optional
        Level of the intervals. Default: that of the result.
    chunk, client, progress
        Samples drawn at a time, a Dask client to draw and fit them on, and what wraps the iteration over chunks; as in
        :func:`acuevidence.synthesis.scale.in_chunks`. A seed and a chunk give the same numbers with and without a client.

    Returns
    -------
    DataFrame
        ``estimate se ci_low ci_high``, one row a coefficient and one for ``tau2``. Samples of trials that cannot
        tell the moderators apart are drawn anew.

    Examples
    --------
    >>> import acuevidence as ae
    >>> result = ae.meta_analysis([0.9, 0.4, 0.6, 0.1, 0.5], [0.09, 0.04, 0.06, 0.02, 0.03])
    >>> result.bootstrap("study", n=200, seed=1).index.tolist()
    ['Intercept', 'tau2']
    """
    choice("kind", kind, ("parametric", "study"))
    level = result.level if level is None else level
    if result.k - len(result.beta) < 1:
        raise InputError("the bootstrap needs more trials than coefficients")
    X = result.X
    fitted = np.full(result.k, result.estimate) if X is None else X @ result.beta
    spread = np.sqrt(result.vi + (result.tau2 or 0.0)) if kind == "parametric" else None
    y = fitted if kind == "parametric" else result.yi
    task = partial(_resampled, y=y, v=result.vi, X=X, spread=spread, method=result.method)
    own: Any = np.random.SeedSequence(seed).entropy
    samples: np.ndarray = scale.in_chunks(task, rows=n, seed=own, chunk=chunk, client=client, progress=progress)
    low, high = np.quantile(samples, [0.5 - level / 2, 0.5 + level / 2], axis=0)
    return pd.DataFrame(
        {"estimate": [*result.beta, result.tau2], "se": samples.std(axis=0, ddof=1), "ci_low": low, "ci_high": high},
        index=pd.Index([*result.terms, "tau2"], name="term"),
    )


def _resampled(
    n: int,
    *,
    y: np.ndarray,
    v: np.ndarray,
    X: np.ndarray | None,
    spread: np.ndarray | None,
    method: str,
    rng: np.random.Generator,
) -> np.ndarray:
    """Return the coefficients and tau2 of n samples: effects about y with a spread, or without one trials drawn anew."""
    if spread is not None:
        y = y + rng.normal(size=(n, len(y))) * spread
        v = np.broadcast_to(v, y.shape)
    else:
        drawn = _drawn_trials(X, len(y), n, rng)
        y, v, X = y[drawn], v[drawn], None if X is None else X[drawn]
    fits = kernel.fit(y, v, X, method=method, test="z")
    return np.column_stack([fits.beta, fits.tau2])


def _drawn_trials(X: np.ndarray | None, k: int, n: int, rng: np.random.Generator) -> np.ndarray:
    drawn = rng.integers(k, size=(n, k))
    if X is None:
        return drawn
    sized = X / np.abs(X).max(axis=0)
    for _ in range(100):
        lost = np.flatnonzero(np.linalg.matrix_rank(sized[drawn]) < X.shape[1])
        if not len(lost):
            return drawn
        drawn[lost] = rng.integers(k, size=(len(lost), k))
    raise InputError("trials drawn with replacement rarely tell the moderators apart; use kind='parametric'")


def bootstrap_prediction(
    result: PooledEffect, *, n: int = 20000, seed: int | None = None, level: float | None = None
) -> tuple[float, float]:
    """Return the prediction interval that takes the uncertainty of tau2 into account.

    Parameters
    ----------
    result : MetaAnalysis
        Of two trials or more, without moderators.
    n : int
        Draws.
    seed : int, optional
        Seed of the draws; without one they differ from call to call.
    level : float, optional
        Level of the interval. Default: that of the result.

    Returns
    -------
    tuple of float
        Lower and upper limit for the true effect of a new trial.

    Notes
    -----
    tau2 is drawn from its confidence distribution, which follows from the distribution of Cochran's Q, then the
    mean from its Hartung-Knapp distribution at that tau2 and the new effect about it (Nagashima, Noma and Furukawa 2019,
    Statistical Methods in Medical Research; R package pimeta).

    Examples
    --------
    >>> import acuevidence as ae
    >>> result = ae.meta_analysis([0.9, 0.4, 0.6, 0.1, 0.5], [0.09, 0.04, 0.06, 0.02, 0.03])
    >>> low, high = result.bootstrap_prediction(n=500, seed=1)
    >>> low < result.estimate < high
    True
    """
    if result.X is not None or result.k < 2 or result.method == "EE":
        raise InputError("a bootstrap prediction interval needs a random-effects model of two trials or more, no moderators")
    level = result.level if level is None else level
    y, v, k = result.yi, result.vi, result.k
    rng = np.random.default_rng(seed)
    tau2 = _drawn_tau2(v, result.q, rng.normal(size=(n, k)))
    w = 1 / (v + tau2[:, None])
    total = w.sum(axis=1)
    mean = w @ y / total
    se = np.sqrt((w * (y - mean[:, None]) ** 2).sum(axis=1) / ((k - 1) * total))
    new = mean + np.sqrt(tau2) * rng.normal(size=n) + se * rng.standard_t(k - 1, size=n)
    low, high = np.quantile(new, [0.5 - level / 2, 0.5 + level / 2])
    return float(low), float(high)


def _drawn_tau2(v: np.ndarray, q: float, z: np.ndarray) -> np.ndarray:
    """Return draws of tau2 from its confidence distribution, P(tau2 <= t) = P(Q > q at t), from normal z (n, k).

    At t, Q is distributed as z'R(V + tI)Rz with RR = A the matrix of Q; that rises in t for every z, so solving it for q
    turns each z into a draw.
    """
    w = 1 / v
    value, vector = np.linalg.eigh(np.diag(w) - np.outer(w, w) / w.sum())
    root = (vector * np.sqrt(np.maximum(value, 0.0))) @ vector.T
    pulled = z @ root
    return np.maximum(0.0, (q - pulled**2 @ v) / (pulled**2).sum(axis=1))


def henmi_copas(result: PooledEffect, *, level: float | None = None) -> pd.DataFrame:
    """Return the equal-effects estimate with an interval that allows for heterogeneity.

    Parameters
    ----------
    result : MetaAnalysis
        Of two trials or more, without moderators.
    level : float, optional
        Level of the interval. Default: that of the result.

    Returns
    -------
    DataFrame
        One row: ``estimate se ci_low ci_high tau2`` (tau2 by DerSimonian-Laird).

    Notes
    -----
    Large trials keep their equal-effects weight, so small-study effects pull less; the interval comes from the joint
    distribution of the estimate and Q (Henmi and Copas 2010, Statistics in Medicine), as metafor's hc.

    Examples
    --------
    >>> import acuevidence as ae
    >>> result = ae.meta_analysis([0.9, 0.4, 0.6, 0.1, 0.5], [0.09, 0.04, 0.06, 0.02, 0.03])
    >>> result.henmi_copas().round(3)
               estimate     se  ci_low  ci_high   tau2
    term
    Intercept      0.38  0.133   0.062    0.698  0.041
    """
    if result.X is not None or result.k < 2:
        raise InputError("Henmi and Copas' method needs two trials or more and no moderators")
    level = result.level if level is None else level
    y, w, k = result.yi, 1 / result.vi, result.k
    W1 = w.sum()
    share = w / W1
    W2 = share @ w
    # Differences of sums of powers of the weights, as sums of squares: one trial may outweigh the others.
    about = (w[:, None] - w) @ share
    slope, bend = share @ about**2, (share * w) @ about**2
    trace, square = (float(found[0]) for found in traces(w[None]))
    estimate = float(share @ y)
    tau2 = max(0.0, float((w @ (y - estimate) ** 2 - (k - 1)) / trace))
    VR = 1 + tau2 * W2

    def moments(r: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Mean and variance of Q given that the standardised estimate is r."""
        excess = (r / VR) ** 2 - 1 / VR
        mean = k - 1 + tau2 * trace + tau2**2 * excess * slope
        variance = 2 * (k - 1) + 4 * tau2 * trace + 2 * tau2**2 * square
        variance = variance + 4 * tau2**2 * excess * slope + 4 * tau2**3 * excess * bend
        return mean, variance + 2 * tau2**4 * (1 / VR**2 - 2 * r**2 / VR**3) * slope**2

    node, weight = np.polynomial.legendre.leggauss(400)

    def excess_tail(x: float) -> float:
        r = x + (node + 1) * (38.0 - x) / 2
        mean, variance = moments(np.sqrt(VR) * r)
        limit = trace / W2 * ((r / x) ** 2 - 1) + k - 1
        inside = gammainc(mean**2 / variance, np.maximum(limit * mean / variance, 0.0)) * np.exp(-(r**2) / 2)
        return float((weight * inside).sum() * (38.0 - x) / 2 / np.sqrt(2 * np.pi)) - (1 - level) / 2

    se = float(np.sqrt(VR / W1))
    half = np.sqrt(VR) * brentq(excess_tail, 1e-6, 30.0, xtol=1e-12) * se
    return pd.DataFrame(
        {"estimate": estimate, "se": se, "ci_low": estimate - half, "ci_high": estimate + half, "tau2": tau2},
        index=pd.Index(["Intercept"], name="term"),
    )


def _generalised_q(result: PooledEffect, level: float, power: float) -> tuple[float, float]:
    """Return the tau2 at which Q with weights ``vi**-power`` is as large as its quantiles: its exact distribution is inverted.

    Q = y'Ay is distributed as the sum of eigenvalues of (V + tau2)^(1/2) A (V + tau2)^(1/2) times chi-squares of one degree of freedom
    each, which grow with tau2.
    """
    unit = result.k / float((1 / result.vi).sum())
    v = result.vi / unit
    w = v**-power
    root = np.sqrt(w)
    X = np.ones((result.k, 1)) if result.X is None else result.X
    basis = np.linalg.qr(root[:, None] * X)[0]
    e = root * result.yi / np.sqrt(unit)
    e = e - basis @ (basis.T @ e)
    q = float(e @ e)
    left = np.eye(result.k) - basis @ basis.T
    free = result.k - X.shape[1]

    def above(tau2: float, share: float) -> float:
        inner = left * (root * np.sqrt(v + tau2))
        values = np.linalg.eigvalsh(inner @ inner.T)[-free:]
        return _mixture_cdf(values, q) - share

    limits = []
    for share in (0.5 + level / 2, 0.5 - level / 2):
        if above(0.0, share) <= 0:
            limits.append(0.0)
            continue
        reach = 1.0
        while above(reach, share) > 0:
            reach *= 4
        limits.append(float(brentq(above, 0.0, reach, args=(share,), xtol=1e-12, rtol=1e-12)) * unit)
    return limits[0], limits[1]


def _mixture_cdf(values: np.ndarray, q: float) -> float:
    """Return P(sum values * chi-square(1) <= q): its Laplace transform inverted along Talbot's contour, to about ten digits.

    The transform, prod (1 + 2 s value)^(-1/2) / s, has its singularities on the negative axis alone (Abate and Whitt 2006, INFORMS
    Journal on Computing).
    """
    if q <= 0:
        return 0.0
    if len(values) > _MANY:
        return _mixture_cdf_of_many(values, q)
    # Fixed Talbot nodes: each more brings 0.6 digits until rounding takes them back.
    theta = np.pi * np.arange(1, _TALBOT) / _TALBOT
    cot = 1 / np.tan(theta)
    r = 2 * _TALBOT / 5
    s = np.append(r + 0j, r * theta * (cot + 1j))
    weight = np.append(0.5 + 0j, 1 + 1j * theta * (1 + cot**2) - 1j * cot)
    log = -0.5 * np.log1p(2 * np.outer(s / q, values)).sum(axis=1)
    return float(0.4 * (weight * np.exp(s + log) / s).real.sum())


def _mixture_cdf_of_many(values: np.ndarray, q: float) -> float:
    """Return the same along the line through the saddlepoint, on which the transform of many chi-squares falls fast."""

    def slope(log_s: float) -> float:
        s = np.exp(log_s)
        return float(s * q - (values * s / (1 + 2 * values * s)).sum() - 1)

    low, high = -np.log(q) - 1, -np.log(q) + 1
    while slope(low) > 0:
        low -= 1
    while slope(high) < 0:
        high += 1
    c = float(np.exp(brentq(slope, low, high, xtol=1e-6)))
    step = c / 6
    s = c + 1j * step * (np.arange(_LINE) + 0.5)
    log = s * q - 0.5 * np.log1p(2 * np.outer(s, values)).sum(axis=1) - np.log(s)
    return float(np.exp(log).real.sum() * step / np.pi)


def heterogeneity_intervals(result: PooledEffect, method: str = "QP", *, level: float | None = None) -> pd.DataFrame:
    """Return intervals of tau2, tau, I2 and H2.

    Parameters
    ----------
    result : MetaAnalysis
        Of two trials or more.
    method : {"QP", "PL", "J", "BJ", "SJ", "HT"}
        As in :func:`tau2_interval`; HT: I2 and H2 by Cochran's Q with the interval of Higgins and Thompson, also of an equal-effects
        model.
    level : float, optional
        Level of the intervals. Default: that of the result.

    Returns
    -------
    DataFrame
        ``estimate ci_low ci_high``, rows ``tau2 tau i2 h2`` (I2 in percent); of HT ``i2 h2``.

    Raises
    ------
    InputError
        As :func:`tau2_interval`.

    Notes
    -----
    I2 and H2 rise with tau2 at a fixed typical sampling variance, so that their limits are those of tau2 put into their formula, as
    metafor's ``confint``. HT: the logarithm of H is normal about that of sqrt(Q / df), at least 0, with the standard error of Higgins
    and Thompson (2002, Statistics in Medicine), as meta's default; moderators take their degrees of freedom.

    Examples
    --------
    >>> import acuevidence as ae
    >>> result = ae.meta_analysis([0.9, 0.4, 0.6, 0.1, 0.5], [0.09, 0.04, 0.06, 0.02, 0.03])
    >>> result.heterogeneity_intervals().round(2)
          estimate  ci_low  ci_high
    tau2      0.04     0.0     0.65
    tau       0.20     0.0     0.81
    i2       50.34     0.0    94.30
    h2        2.01     1.0    17.53
    """
    choice("method", method, ("QP", "PL", "J", "BJ", "SJ", "HT"))
    if method == "HT":
        return _by_q(result, result.level if level is None else level)
    low, high = tau2_interval(result, method, level=level)
    X = None if result.X is None else result.X[None]
    at_one = kernel.fit(result.yi[None], result.vi[None], X, method="DL", test="z", tau2=np.array([float(np.median(result.vi))]))
    typical = float(np.median(result.vi)) / (float(at_one.h2[0]) - 1)
    tau2 = np.array([float(result.tau2 or 0.0), low, high])
    rows = {"tau2": tau2, "tau": np.sqrt(tau2), "i2": 100 * tau2 / (tau2 + typical), "h2": tau2 / typical + 1}
    return pd.DataFrame(rows, index=["estimate", "ci_low", "ci_high"]).T


def _by_q(result: PooledEffect, level: float) -> pd.DataFrame:
    """Return I2 and H2 by Cochran's Q with the interval of Higgins and Thompson."""
    q, df = result.q, result.q_df
    if df < 2:
        raise InputError("the interval of Higgins and Thompson needs 2 degrees of freedom or more: one trial more than that")
    if q > df + 1:
        se = 0.5 * (np.log(q) - np.log(df)) / (np.sqrt(2 * q) - np.sqrt(2 * df - 1))
    else:
        se = np.sqrt((1 - 1 / (3 * (df - 1) ** 2)) / (2 * (df - 1)))
    middle, width = 0.5 * np.log(max(q / df, 1.0)), float(ndtri(0.5 + level / 2)) * se
    h2 = np.maximum(np.exp(2 * np.array([middle, middle - width, middle + width])), 1.0)
    return pd.DataFrame({"i2": 100 * (h2 - 1) / h2, "h2": h2}, index=["estimate", "ci_low", "ci_high"]).T


def _profile_likelihood(
    result: PooledEffect, y: np.ndarray, v: np.ndarray, X: np.ndarray | None, level: float
) -> tuple[float, float]:
    if result.method not in ("ML", "REML"):
        raise InputError(f"a profile likelihood needs method ML or REML, not {result.method}")
    restricted, best = result.method == "REML", float(result.tau2 or 0.0)

    def value(tau2: float) -> float:
        return float(kernel.log_likelihood(y, v, X, np.array([tau2]), restricted=restricted)[0])

    floor = value(best) - 0.5 * float(chdtri(1, 1 - level))
    unit = max(best, float(np.median(v)))
    precise = {"xtol": 1e-13 * unit, "rtol": 1e-12}
    low = 0.0 if value(0.0) >= floor else float(brentq(lambda t: value(t) - floor, 0.0, best, **precise))
    reach = 2 * unit
    while value(reach) > floor:
        reach *= 2
    return low, float(brentq(lambda t: value(t) - floor, best, reach, **precise))


guard(__name__, "heterogeneity_intervals", "tau2_interval", "bootstrap", "bootstrap_prediction", "henmi_copas", "predict")
