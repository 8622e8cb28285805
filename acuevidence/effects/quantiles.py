"""Means and SDs from medians, quartiles and ranges."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
from scipy.optimize import minimize, minimize_scalar
from scipy.special import ndtri

from acuevidence.arguments import guard
from acuevidence.errors import InputError
from acuevidence.inputs import choice, numeric, refuse

__all__ = ["mean_sd_from_quantiles"]

Array = np.ndarray
_ORDER = ("minimum", "q1", "median", "q3", "maximum")


def mean_sd_from_quantiles(
    n: Any,
    *,
    minimum: Any = None,
    q1: Any = None,
    median: Any = None,
    q3: Any = None,
    maximum: Any = None,
    method: str = "luo-wan-shi",
    data: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Estimate mean and SD from a median with a range, quartiles, or both.

    Parameters
    ----------
    n : array-like or column of ``data``
        Participants.
    minimum, q1, median, q3, maximum : array-like or columns of ``data``
        What was printed: ``minimum median maximum``, ``q1 median q3``, or all five.
    method : {"luo-wan-shi", "qe", "bc"}
        Luo et al (2018, Statistical Methods in Medical Research) for the mean with Wan et al (2014, BMC Medical
        Research Methodology) and Shi et al (2020, Research Synthesis Methods) for the SD, which assume
        symmetry; or McGrath et al (2020, Statistical Methods in Medical Research): quantile estimation (``qe``) or
        Box-Cox (``bc``).
    data : DataFrame, optional

    Returns
    -------
    DataFrame
        ``mean`` and ``sd``, with the caller's index.

    Raises
    ------
    InputError
        For another set of quantiles, quantiles out of order or without spread, n below 3, or, under ``bc``, quantiles that are
        not positive or coincide.

    Notes
    -----
    ``luo-wan-shi``, with ``a = Phi^-1((n - 0.375) / (n + 0.25))`` and ``b = Phi^-1((0.75 n - 0.125) / (n + 0.25))``:
    *minimum median maximum*: mean ``w (min + max) / 2 + (1 - w) median``, ``w = 4 / (4 + n^0.75)``; SD ``(max - min) / (2 a)``.
    *q1 median q3*: mean ``w (q1 + q3) / 2 + (1 - w) median``, ``w = 0.7 + 0.39 / n``; SD ``(q3 - q1) / (2 b)``.
    *All five*: mean ``w1 (min + max) / 2 + w2 (q1 + q3) / 2 + (1 - w1 - w2) median``, ``w1 = 2.2 / (2.2 + n^0.75)``,
    ``w2 = 0.7 - 0.72 / n^0.55``; SD ``w (max - min) / (2 a) + (1 - w) (q3 - q1) / (2 b)``, ``w = 1 / (1 + 0.07 n^0.6)``.

    ``qe`` fits normal, log-normal, gamma and Weibull to the quantiles (the extremes stand at 1/n and 1 - 1/n) by least squares and
    takes the moments of the closest; where a quantile is not positive, of the normal. Data on 0..1, where the R package estmeansd
    also tries a beta distribution, are not treated apart, and its bounds on the parameters, which depend on the unit, are not set.

    ``bc`` finds the power of 0 to 3 that makes the quantiles symmetric about the median, takes Luo's mean and Wan's SD there, and
    brings them back through the normal truncated symmetrically to where the power is defined. estmeansd does the last step by
    random draws by default; here it is done by quadrature.

    Examples
    --------
    >>> from acuevidence import effects
    >>> effects.mean_sd_from_quantiles(85, q1=42.5, median=49.1, q3=56.1).round(3)
         mean      sd
    0  49.241  10.256
    """
    choice("method", method, ("luo-wan-shi", "qe", "bc"))
    given = dict(zip(_ORDER, (minimum, q1, median, q3, maximum), strict=True))
    known = tuple(name for name in _ORDER if given[name] is not None)
    sets = {("minimum", "median", "maximum"), ("q1", "median", "q3"), _ORDER}
    if known not in sets:
        raise InputError(f"give minimum median maximum, q1 median q3, or all five; given: {' '.join(known) or 'none'}")
    a, index = numeric(data, n=n, **{name: given[name] for name in known})
    refuse(a["n"] < 3, "n must be 3 or more", a["n"], index)
    for low, high in itertools.pairwise(known):
        refuse(a[low] > a[high], f"{low} must not exceed {high}", a[low], index)
    refuse(a[known[0]] == a[known[-1]], f"{known[0]} and {known[-1]} are equal, which leaves no spread", a[known[0]], index)
    if method == "luo-wan-shi":
        mean, sd = _luo_wan_shi(a, known)
    elif method == "qe":
        pairs = [_quantile_estimation(*_one(a, known, i)) for i in range(len(index))]
        mean, sd = np.array(pairs).T
    else:
        refuse(a[known[0]] <= 0, f"{known[0]} must be positive under 'bc'", a[known[0]], index)
        for low, high in itertools.pairwise(known):
            refuse(a[low] == a[high], f"{low} and {high} must differ under 'bc'", a[low], index)
        pairs = [_box_cox({name: value[i : i + 1] for name, value in a.items()}, known) for i in range(len(index))]
        mean, sd = np.array(pairs).T
    return pd.DataFrame({"mean": mean, "sd": sd}, index=index)


def _luo_wan_shi(a: dict[str, Array], known: tuple[str, ...]) -> tuple[Array, Array]:
    n, median = a["n"], a["median"]
    outer = ndtri((n - 0.375) / (n + 0.25))
    inner = ndtri((0.75 * n - 0.125) / (n + 0.25))
    if known == ("minimum", "median", "maximum"):
        w = 4 / (4 + n**0.75)
        return w * (a["minimum"] + a["maximum"]) / 2 + (1 - w) * median, (a["maximum"] - a["minimum"]) / (2 * outer)
    if known == ("q1", "median", "q3"):
        w = 0.7 + 0.39 / n
        return w * (a["q1"] + a["q3"]) / 2 + (1 - w) * median, (a["q3"] - a["q1"]) / (2 * inner)
    w1, w2 = 2.2 / (2.2 + n**0.75), 0.7 - 0.72 / n**0.55
    mean = w1 * (a["minimum"] + a["maximum"]) / 2 + w2 * (a["q1"] + a["q3"]) / 2 + (1 - w1 - w2) * median
    w = 1 / (1 + 0.07 * n**0.6)
    return mean, w * (a["maximum"] - a["minimum"]) / (2 * outer) + (1 - w) * (a["q3"] - a["q1"]) / (2 * inner)


def _one(a: dict[str, Array], known: tuple[str, ...], i: int) -> tuple[Array, Array]:
    """Return the printed quantiles of a row and the probabilities they stand for."""
    n = a["n"][i]
    at = {"minimum": 1 / n, "q1": 0.25, "median": 0.5, "q3": 0.75, "maximum": 1 - 1 / n}
    return np.array([a[name][i] for name in known]), np.array([at[name] for name in known])


def _quantile_estimation(x: Array, p: Array) -> tuple[float, float]:
    """Fit four families to the quantiles by least squares and take moments of the closest."""
    from scipy import stats

    spread = (x[-1] - x[0]) / (ndtri(p[-1]) - ndtri(p[0]))
    middle = x[len(x) // 2]
    families: list[tuple[Any, Callable[[Any], tuple[Any, ...]], np.ndarray]] = [
        (stats.norm, lambda t: (t[0], np.exp(t[1])), np.array([middle, np.log(spread)]))
    ]
    if x[0] > 0:
        cv = spread / middle
        families += [
            (stats.lognorm, lambda t: (np.exp(t[1]), 0, np.exp(t[0])), np.array([np.log(middle), np.log(cv)])),
            (stats.gamma, lambda t: (np.exp(t[0]), 0, np.exp(t[1])), np.array([-2 * np.log(cv), np.log(spread * cv)])),
            (stats.weibull_min, lambda t: (np.exp(t[0]), 0, np.exp(t[1])), np.array([np.log(1 / cv), np.log(middle)])),
        ]
    best: tuple[float, float, float] | None = None
    for family, unpack, start in families:

        def loss(t: Array, family: Any = family, unpack: Any = unpack) -> float:
            return float(((family.ppf(p, *unpack(t)) - x) ** 2).sum())

        found = minimize(loss, start, method="Nelder-Mead", options={"xatol": 1e-10, "fatol": 1e-12, "maxiter": 4000})
        mean, variance = family.stats(*unpack(found.x))
        if best is None or found.fun < best[0]:
            best = (float(found.fun), float(mean), float(np.sqrt(variance)))
    assert best is not None
    return best[1], best[2]


def _box_cox(a: dict[str, Array], known: tuple[str, ...]) -> tuple[float, float]:
    """Estimate mean and SD of a row where a power makes its quantiles symmetric, and bring them back by quadrature."""
    x = np.array([a[name][0] for name in known])
    half = len(x) // 2

    def skew(lam: float) -> float:
        t = _power(x, lam)
        return float((((t[::-1] - t[half])[:half] / (t[half] - t)[:half] - 1) ** 2).sum())

    lam = max(0.0, float(minimize_scalar(skew, bounds=(-2, 3), method="bounded", options={"xatol": 1e-10}).x))
    moved = {"n": a["n"], **{name: _power(a[name], lam) for name in known}}
    centre, spread = (float(part[0]) for part in (_luo_wan_shi(moved, known)[0], _wan(moved, known)))
    reach = min(9.0, abs(centre + 1 / lam) / spread) if lam > 1e-8 else 9.0
    nodes, weights = np.polynomial.legendre.leggauss(400)
    z = nodes * reach
    mass = weights * np.exp(-(z**2) / 2)
    t = centre + spread * z
    back = np.exp(t) if lam <= 1e-8 else np.abs(lam * t + 1) ** (1 / lam) * np.sign(lam * t + 1)
    mean = float(mass @ back / mass.sum())
    return mean, float(np.sqrt(mass @ (back - mean) ** 2 / mass.sum()))


def _power(x: Array, lam: float) -> Array:
    return np.log(x) if abs(lam) < 1e-8 else (x**lam - 1) / lam


def _wan(a: dict[str, Array], known: tuple[str, ...]) -> Array:
    """Return Wan's SD: from all five quantiles, the mean of that of the range and that of the quartiles."""
    n = a["n"]
    outer, inner = ndtri((n - 0.375) / (n + 0.25)), ndtri((0.75 * n - 0.125) / (n + 0.25))
    found = []
    if "minimum" in known:
        found.append((a["maximum"] - a["minimum"]) / (2 * outer))
    if "q1" in known:
        found.append((a["q3"] - a["q1"]) / (2 * inner))
    return np.mean(found, axis=0)


guard(__name__, "mean_sd_from_quantiles")
