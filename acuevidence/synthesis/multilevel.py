"""Multilevel meta-analysis: effects that share districts, trials, laboratories, countries.

Random effects are nested (``"country/trial"``) or crossed (``"rater + trial"``), and the sampling errors may be
correlated. Knows nothing of outcomes as such; several outcomes per trial with a covariance of their own are the
business of :mod:`multivariate`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from scipy.optimize import brentq
from scipy.special import chdtri, stdtrit

from acuevidence.arguments import guard, guarded
from acuevidence.errors import InputError
from acuevidence.inputs import choice
from acuevidence.synthesis.covariance import Ascent, Curve, LinearCovariance, climb, connected, same_level
from acuevidence.synthesis.dependent import (
    DependentMetaAnalysis,
    DependentPart,
    complete,
    effects_with_covariance,
    fixed_effects,
    spare_variance,
    summarise,
)
from acuevidence.synthesis.formula import formula_of

__all__ = ["MultilevelMetaAnalysis", "multilevel", "random_effects"]


@dataclass(frozen=True, slots=True, kw_only=True, repr=False, eq=False)
class MultilevelMetaAnalysis(DependentMetaAnalysis):
    """Result of :func:`multilevel`.

    Attributes
    ----------
    sigma2 : Series
        Variance of each random effect, outer to inner, in squared units of the effects.
    levels : Series
        Number of levels of each random effect.
    i2 : Series
        Percent of the total variance that each random effect explains, against the typical sampling variance
        (Higgins & Thompson 2002, Statistics in Medicine, with the projection of the whole model).
    i2_total : float
        Their sum.
    pi_low, pi_high : float or None
        Prediction interval of a new effect in new levels (models without moderators).
    random : str or None
        The random part as it was asked for.
    """

    sigma2: pd.Series
    levels: pd.Series = field(repr=False)
    i2: pd.Series
    i2_total: float
    pi_low: float | None
    pi_high: float | None
    random: str | None

    def _settings(self, new: pd.DataFrame | None) -> tuple[np.ndarray, pd.Index, np.ndarray]:
        if self.formula is not None:
            rows, index = self._rows(new)
        else:
            index = pd.RangeIndex(1) if new is None else new.index
            rows = np.ones((len(index), 1))
        return rows, index, np.full(len(index), float(self.sigma2.sum()))

    @guarded
    def sigma2_interval(self, level: float | None = None) -> pd.DataFrame:
        """Profile-likelihood intervals of the variance components.

        Parameters
        ----------
        level : float, optional
            Level of the interval; that of the model when None.

        Returns
        -------
        DataFrame
            ``estimate ci_low ci_high``, one row a random effect.

        Notes
        -----
        A component belongs to the interval when fixing it costs at most half the chi-square quantile of
        log-likelihood while all other parameters adapt (Hardy & Thompson 1996, Statistics in Medicine).
        """
        drop = chdtri(1, 1 - (self.level if level is None else level)) / 2
        limits = [_profile_limits(self.model, self.components, j, drop) for j in range(len(self.components))]
        return pd.DataFrame(
            {
                "estimate": self.sigma2,
                "ci_low": [low for low, _ in limits],
                "ci_high": [high for _, high in limits],
            }
        )

    def _heterogeneity(self) -> pd.DataFrame:
        sigma = np.sqrt(self.sigma2)
        return pd.DataFrame({"sigma2": self.sigma2, "sigma": sigma, "levels": self.levels, "I2 %": self.i2})

    def _title(self) -> str:
        if self.random is None:
            return "Generalised least squares with the sampling covariance as given"
        return f"Multilevel meta-analysis, random {self.random}"

    def path(self) -> tuple[Curve, np.ndarray]:
        """Return the parameters of the covariance, which are the variances, and where they ended."""
        start, m = self.components, len(self.components)
        typical = 0.01 * max(float(start.sum()), float(self.data["vi"].mean()))
        return Curve(lambda theta: theta, np.zeros(m), np.full(m, np.inf), np.maximum(start, typical), True), start

    def component_names(self) -> list[str]:
        """Return the names of the variances."""
        return [f"sigma2 {name}" for name in self.sigma2.index]

    def refitted(self, name: str, moderator: np.ndarray) -> MultilevelMetaAnalysis:
        """Return the model, which has no moderators, with one."""
        data = self.data.assign(**{name: moderator})
        asked: dict[str, Any] = {"random": self.random, "method": self.method, "test": str(self.test), "level": self.level}
        return multilevel("yi", self.model.V, data=data, moderators=f"~ {name}", **asked)

    def parts(self) -> list[DependentPart]:
        """Return what a forest plot shows: the effects and their mean."""
        groups = self.data.drop(columns=["yi", "vi"])
        labels = self._names()
        if labels is None:
            labels = groups.astype(str).agg(", ".join, axis=1) if len(groups.columns) else self.data.index.to_series().astype(str)
        spread = "; ".join(f"σ² {name} {value:.3g}" for name, value in self.sigma2.items())
        said = [f"{spread}; I² {self.i2_total:.0f}%"] if spread else []
        means = None if self.formula else self.predict().set_axis([""], axis=0)
        return [self._part("", np.arange(self.k), labels, means, [*said, *self._tests()])]


def multilevel(
    yi: Any = "yi",
    vi_or_V: Any = "vi",
    *,
    data: pd.DataFrame,
    random: str | None,
    moderators: str | Sequence[str] | None = None,
    method: str = "REML",
    test: str = "t",
    level: float = 0.95,
    missing: str = "raise",
) -> MultilevelMetaAnalysis:
    """Pool effects with nested and crossed random effects.

    Parameters
    ----------
    yi : str or array-like (k,)
        Effects; a column of ``data``. Positive favours acupuncture.
    vi_or_V : str, array-like (k,) or (k, k), or DataFrame
        Sampling variances, or their covariance matrix, for example from :func:`vcalc`.
    data : DataFrame
        Holds the grouping columns, the moderators, and any column named above.
    random : str or None
        Random effects as column names: ``"a/b"`` nests b in a (the same label of b under two a counts twice),
        ``"a + b"`` crosses them, and both combine: ``"country/trial + instrument"``. Heterogeneity between
        effects of one group needs an innermost factor with one level an effect.
        None: no random effects, generalised least squares with the covariance as given.
    moderators : str, optional
        Formula of the fixed effects, for example ``"~ weeks + C(comparator)"``.
    method : {"REML", "ML"}
    test : {"t", "z"}
        ``t`` counts degrees of freedom by containment: levels of the random effect a coefficient does not vary
        within, minus coefficients.
    level : float
        Level of the intervals.
    missing : {"raise", "drop"}
        What to do with a row that lacks an effect, a variance, a group or a moderator: refuse, or leave it out and list it in
        ``excluded``.

    Returns
    -------
    MultilevelMetaAnalysis

    Raises
    ------
    InputError
        For unknown columns, missing groups, random effects with one level, or two that group the rows alike.

    Notes
    -----
    The model is ``y = X beta + sum_j Z_j u_j + e`` with ``u_j ~ N(0, sigma2_j I)`` and ``e ~ N(0, V)``
    (Konstantopoulos 2011, Research Synthesis Methods). The likelihood is climbed by average-information steps
    within ``sigma2 >= 0`` (Gilmour, Thompson & Cullis 1995, Biometrics), block by block of connected rows.

    Examples
    --------
    >>> import pandas as pd
    >>> effects = pd.DataFrame({
    ...     "trial": ["A", "A", "B", "B", "C", "C", "D", "D"], "scale": [1, 2, 1, 2, 1, 2, 1, 2],
    ...     "yi": [0.1, 0.3, 0.6, 0.5, 0.0, 0.2, 0.9, 0.7], "vi": [0.02] * 8})
    >>> fit = multilevel(data=effects, random="trial/scale")
    >>> fit.sigma2.round(3).to_dict()
    {'trial': 0.094, 'trial/scale': 0.0}
    >>> round(fit.estimate, 3), round(fit.se, 3)
    (0.413, 0.161)
    """
    restricted = choice("method", method, ("REML", "ML")) == "REML"
    groups = {f"random: {name}": data[name] for name in _columns(random, data)}
    yi, vi_or_V, data, excluded = complete(yi, vi_or_V, data, missing, moderators, **groups)
    y, V, index = effects_with_covariance(yi, vi_or_V, data)
    if not len(y):
        raise InputError("there is no effect to pool (yi is empty)")
    X = fixed_effects(moderators, data)
    levels = random_effects(random, data)
    codes = list(levels.values())
    block = connected(len(y), codes, V)
    model = LinearCovariance(y, X.to_numpy(), V, [same_level(code) for code in codes], block, restricted)
    sigma2 = pd.Series(_fit(model), index=pd.Index(levels, name="random effect"), name="sigma2")
    named = data[[c for c in _columns(random, data) if c not in ("yi", "vi")]]
    effects = pd.DataFrame({"yi": y, "vi": V if V.ndim == 1 else V.diagonal()}, index=index).join(named)
    asked: dict[str, Any] = {"method": method, "test": test, "level": level, "excluded": excluded}
    found = summarise(model, sigma2.to_numpy(), X, levels=codes, data=effects, **asked)
    total = sigma2.sum() + (len(y) - X.shape[1]) / model.projection(np.zeros(len(sigma2))).sum()
    alone = random is not None and moderators is None
    low, high = _prediction(found["coefficients"], sigma2.sum(), level) if alone else (None, None)
    return MultilevelMetaAnalysis(
        **found,
        sigma2=sigma2,
        levels=pd.Series([len(np.unique(c)) for c in codes], index=sigma2.index, name="levels"),
        i2=(100 * sigma2 / total).rename("i2"),
        i2_total=float(100 * sigma2.sum() / total),
        pi_low=low,
        pi_high=high,
        random=random,
        formula=formula_of(moderators, data),
        _given=data,
    )


def _columns(random: str | None, data: pd.DataFrame) -> list[str]:
    if random is None:
        return []
    names = list(dict.fromkeys(name.strip() for name in random.replace("+", "/").split("/")))
    for name in names:
        choice("random (a column of data)", name, [str(c) for c in data.columns])
    return names


def random_effects(random: str | None, data: pd.DataFrame) -> dict[str, np.ndarray]:
    """Level number of every row, for each random effect of a formula like ``a/b + c``, outer to inner; none of None."""
    found: dict[str, np.ndarray] = {}
    for term in random.split("+") if random is not None else ():
        names = [name.strip() for name in term.split("/")]
        for depth in range(1, len(names) + 1):
            effect = "/".join(names[:depth])
            code = data.groupby(names[:depth], sort=False, observed=True).ngroup().to_numpy()
            twin = next(
                (
                    other
                    for other, seen in found.items()
                    if len(np.unique(seen)) == code.max() + 1 == len(np.unique(seen * (code.max() + 1) + code))
                ),
                None,
            )
            if code.max() == 0:
                raise InputError(f"random: {effect} has one level, so its variance cannot be estimated; drop it")
            if twin is not None:
                raise InputError(f"random: {effect} groups the rows as {twin} does; drop one of them")
            found[effect] = code
    return found


def _ascend(model: LinearCovariance, start: np.ndarray, lower: np.ndarray, upper: np.ndarray) -> Ascent:
    def objective(g: np.ndarray) -> tuple[float, np.ndarray, np.ndarray]:
        fit = model(g)
        return fit.value, fit.score, fit.information

    return climb(objective, start, lower=lower, upper=upper, scale=_size(model))


def _size(model: LinearCovariance) -> np.ndarray:
    """Share the variance that sampling leaves unexplained equally among the components: where to start."""
    m = len(model.kernels)
    return np.full(m, spare_variance(model) / max(m, 1))


def _fit(model: LinearCovariance) -> np.ndarray:
    m = len(model.kernels)
    return _ascend(model, _size(model), np.zeros(m), np.full(m, np.inf)).at


def _prediction(coefficients: pd.DataFrame, heterogeneity: float, level: float) -> tuple[float, float]:
    estimate, se, df = coefficients[["estimate", "se", "df"]].iloc[0]
    width = stdtrit(df, 0.5 + level / 2) * np.sqrt(se**2 + heterogeneity)
    return float(estimate - width), float(estimate + width)


def _profile_limits(model: LinearCovariance, sigma2: np.ndarray, j: int, drop: float) -> tuple[float, float]:
    """Where the profile of component ``j`` lies ``drop`` below its maximum, on either side."""
    m = len(sigma2)
    target = model(sigma2).value - drop
    others = sigma2.copy()

    def above(x: float) -> float:
        lower, upper = np.zeros(m), np.full(m, np.inf)
        lower[j] = upper[j] = x
        top = _ascend(model, np.where(np.arange(m) == j, x, others), lower, upper)
        others[:] = top.at
        return top.value - target

    far = 2 * max(sigma2[j], _size(model)[j])
    while above(far) > 0:
        far *= 2
    precise = {"xtol": 1e-9 * far, "rtol": 1e-9}
    low = 0.0 if sigma2[j] == 0 or above(0.0) >= 0 else brentq(above, 0.0, sigma2[j], **precise)
    return low, brentq(above, sigma2[j], far, **precise)


guard(__name__, "multilevel")
