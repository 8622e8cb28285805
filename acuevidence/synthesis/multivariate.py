"""Multivariate meta-analysis: several outcomes, or several weeks, of the same trials at once.

The true effects of a trial vary together, with a covariance ``G`` between outcomes whose form is chosen by name.
Knows nothing of how the sampling covariance ``V`` came about; :mod:`vcalc` builds it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from acuevidence.arguments import guard
from acuevidence.errors import ConvergenceError, InputError
from acuevidence.inputs import choice, plain, refuse, values
from acuevidence.synthesis.covariance import Curve, Kernel, LinearCovariance, climb, connected
from acuevidence.synthesis.dependent import (
    DependentMetaAnalysis,
    DependentPart,
    complete,
    effects_with_covariance,
    fixed_effects,
    summarise,
)
from acuevidence.synthesis.formula import formula_of

__all__ = ["MultivariateMetaAnalysis", "multivariate"]

_GONE = 1e-14  # share of the variance to be explained below which a component is 0


@dataclass(frozen=True, slots=True, kw_only=True, repr=False, eq=False)
class MultivariateMetaAnalysis(DependentMetaAnalysis):
    """Result of :func:`multivariate`.

    Attributes
    ----------
    tau2 : Series
        Between-trial variance of each outcome, in squared units of the effects.
    rho : float or Series
        Between-trial correlation of the outcomes: one number where the structure has one (two outcomes, or CS,
        HCS, AR, HAR, CAR; for the last three that of neighbours, or of effects one unit of time apart), 0 for
        DIAG and ID, else a Series over the pairs of outcomes.
    G : DataFrame
        Between-trial covariance matrix, outcomes by outcomes.
    i2 : Series
        Percent of the total variance of each outcome that lies between trials, against its typical sampling variance.
        An outcome with no more effects than coefficients has no typical sampling variance and is left out.
    structure : str
        Name of the structure of ``G``.
    """

    tau2: pd.Series
    rho: float | pd.Series
    G: pd.DataFrame = field(repr=False)
    i2: pd.Series
    structure: str
    _outcome: str
    _curve: Curve = field(repr=False)
    _at: np.ndarray = field(repr=False)

    def _settings(self, new: pd.DataFrame | None) -> tuple[np.ndarray, pd.Index, np.ndarray]:
        if new is None and self.formula is None:
            return np.eye(len(self.tau2)), self.tau2.index, self.tau2.to_numpy()
        if new is None:
            return *self._rows(None), self.tau2[self.data["outcome"]].to_numpy()
        name = self._outcome
        if name not in new:
            raise InputError(f"new lacks the outcome; give it a column {name!r}")
        known = new[name].isin(self.tau2.index).to_numpy()
        refuse(~known, f"{name} is an outcome that no trial reports", new[name], new.index)
        place = self.tau2.index.get_indexer(pd.Index(new[name]))
        rows = np.eye(len(self.tau2))[place] if self.formula is None else self._rows(new)[0]
        return rows, new.index, self.tau2.to_numpy()[place]

    def path(self) -> tuple[Curve, np.ndarray]:
        """Return the parameters of ``G``, and where they ended."""
        return self._curve, self._at

    def component_names(self) -> list[str]:
        """Return the names of the outcomes' variances."""
        return [f"tau2 {name}" for name in self.tau2.index]

    def refitted(self, name: str, moderator: np.ndarray) -> MultivariateMetaAnalysis:
        """Return the model, which has no moderators, with one beside its means."""
        data = self.data.assign(**{name: moderator})
        asked: dict[str, Any] = {"structure": self.structure, "method": self.method, "test": str(self.test), "level": self.level}
        means = f"~ 0 + C(outcome) + {name}"
        return multivariate("yi", self.model.V, data=data, outcome="outcome", cluster="cluster", moderators=means, **asked)

    def parts(self) -> list[DependentPart]:
        """Return what a forest plot shows: the effects outcome by outcome, each with its mean."""
        named = self._names()
        labels = self.data["cluster"].astype(str) if named is None else named
        means = None if self.formula else self.predict()
        place = self.tau2.index.get_indexer(pd.Index(self.data["outcome"]))
        last = len(self.tau2) - 1
        found = []
        for j, outcome in enumerate(self.tau2.index):
            share = f"; I² {self.i2[outcome]:.0f}%" if outcome in self.i2 else ""
            said = [f"τ² {self.tau2[outcome]:.3g}{share}", *(self._together() if j == last else [])]
            found.append(self._part(outcome, np.flatnonzero(place == j), labels, means, said))
        return found

    def _together(self) -> list[str]:
        rho = f"ρ {self.rho:.2f}; " if isinstance(self.rho, float) else ""
        q, tests = self._tests()
        return [f"All outcomes: {rho}{q}", tests]

    def _heterogeneity(self) -> pd.DataFrame:
        correlations = _correlations(self.G.to_numpy())
        rho = {f"rho {name}": correlations[:, j] for j, name in enumerate(self.tau2.index)}
        return pd.DataFrame({"tau2": self.tau2, "I2 %": self.i2} | rho)

    def _title(self) -> str:
        return f"Multivariate meta-analysis, {self.structure} between {len(self.tau2)} outcomes"


def multivariate(
    yi: Any = "yi",
    V: Any = "vi",
    *,
    data: pd.DataFrame,
    outcome: Any,
    cluster: Any,
    structure: str = "UN",
    moderators: str | Sequence[str] | None = None,
    method: str = "REML",
    test: str = "t",
    level: float = 0.95,
    missing: str = "raise",
) -> MultivariateMetaAnalysis:
    """Pool several outcomes of the same trials jointly.

    Parameters
    ----------
    yi : str or array-like (k,)
        Effects, one row a trial and outcome. Positive favours acupuncture.
    V : str, array-like (k,) or (k, k), or DataFrame
        Sampling covariance of the effects, for example from :func:`vcalc`; variances alone mean that the outcomes
        of a trial are taken as measured on different patients.
    data : DataFrame
        Holds the columns named here.
    outcome : str or array-like (k,)
        Which outcome, or which week, a row reports. A categorical column keeps its order, else labels are sorted.
    cluster : str or array-like (k,)
        Trial.
    structure : {"UN", "CS", "HCS", "DIAG", "ID", "AR", "HAR", "CAR"}
        Covariance of the true effects between outcomes: unstructured; one variance and one correlation (H: a
        variance for each outcome); no correlation (ID: one variance); first-order autoregressive over the
        order of the outcomes (H: a variance for each); CAR over their distance in numeric weeks.
    moderators : str, optional
        Formula of the fixed effects instead of one mean per outcome, for example ``"~ 0 + outcome + outcome:year"``.
    method : {"REML", "ML"}
    test : {"t", "z"}
    level : float
    missing : {"raise", "drop"}
        What to do with a row that lacks an effect, a variance, its outcome, its trial or a moderator: refuse, or leave it out
        and list it in ``excluded``.

    Returns
    -------
    MultivariateMetaAnalysis

    Raises
    ------
    InputError
        For an unusable ``V``, a single outcome, or an unstructured correlation of outcomes that no trial reports
        together.

    Notes
    -----
    ``y = X beta + u + e``, ``u ~ N(0, G)`` within a trial, ``e ~ N(0, V)`` (van Houwelingen, Arends & Stijnen
    2002, Statistics in Medicine). UN is fitted through its Cholesky factor and CS through its two eigenvalues, so
    that ``G`` never leaves the positive semi-definite matrices; a correlation of 1 is a possible answer.

    Examples
    --------
    >>> import pandas as pd
    >>> effects = pd.DataFrame({
    ...     "trial": list("AABBCCDD"), "outcome": ["pain", "function"] * 4,
    ...     "yi": [0.2, 0.1, 0.7, 0.4, 0.5, 0.6, 1.0, 0.7], "vi": [0.02] * 8})
    >>> fit = multivariate(data=effects, outcome="outcome", cluster="trial", structure="CS")
    >>> fit.coefficients["estimate"].round(2).to_dict(), fit.tau2.round(3).to_dict()
    ({'function': 0.45, 'pain': 0.6}, {'function': 0.073, 'pain': 0.073})
    >>> round(fit.rho, 2)
    1.0
    """
    restricted = choice("method", method, ("REML", "ML")) == "REML"
    form = _STRUCTURES[choice("structure", structure, _STRUCTURES)]
    groups = values(data, outcome=outcome, cluster=cluster)[0]
    yi, V, data, excluded = complete(yi, V, data, missing, moderators, **groups)
    groups = {name: group.loc[data.index] for name, group in groups.items()}
    y, covariance, index = effects_with_covariance(yi, V, data)
    if not len(y):
        raise InputError("there is no effect to pool (yi is empty)")
    outcomes, o_of = _outcomes(groups["outcome"])
    trial = pd.factorize(groups["cluster"])[0]
    pairs = _pairs(trial, o_of, outcomes, structure)
    X = _means(outcomes, o_of, index) if moderators is None else fixed_effects(moderators, data)
    levels = [trial, trial * len(outcomes) + o_of]
    model = LinearCovariance(
        y,
        X.to_numpy(),
        covariance,
        [_pair(trial, o_of, *pair) for pair in pairs],
        connected(len(y), [trial], covariance),
        restricted,
    )
    G, curve, at = _fit(model, form, pairs, _places(structure, outcomes), _sizes(model, o_of))
    frame = pd.DataFrame(
        {
            "yi": y,
            "vi": covariance if covariance.ndim == 1 else covariance.diagonal(),
            "outcome": groups["outcome"],
            "cluster": groups["cluster"],
        },
        index=index,
    )
    found = summarise(
        model,
        np.array([G[pair] for pair in pairs]),
        X,
        parameters=len(at),
        levels=levels,
        method=method,
        test=test,
        level=level,
        data=frame,
        excluded=excluded,
    )
    named = pd.Index(outcomes, name="outcome")
    tau2 = pd.Series(G.diagonal().copy(), index=named, name="tau2")
    typical = _typical_variances(model, X, o_of, named)
    return MultivariateMetaAnalysis(
        **found,
        tau2=tau2,
        rho=_rho(form, G, outcomes),
        G=pd.DataFrame(G, index=named, columns=outcomes),
        i2=(100 * tau2[typical.index] / (tau2[typical.index] + typical)).rename("i2"),
        structure=structure,
        formula=formula_of(moderators, data),
        _given=data,
        _outcome=outcome if isinstance(outcome, str) else "outcome",
        _curve=curve,
        _at=at,
    )


@dataclass(frozen=True, slots=True)
class _Structure:
    """How ``G`` follows from its parameters: ``scales`` (variances or SDs), then perhaps one correlation.

    ``build(scales, rho, place)`` must accept complex numbers: its derivatives are taken by complex steps.
    """

    build: Callable[[np.ndarray, Any, np.ndarray], np.ndarray]
    scales: Callable[[int], int]
    power: float = 1.0  # of a scale, as a power of a variance
    rho: Callable[[int], tuple[float, float]] | None = None  # range of the correlation parameter
    independent: bool = False


def _cholesky(scales: np.ndarray, _: Any, place: np.ndarray) -> np.ndarray:
    L = np.zeros((len(place), len(place)), dtype=scales.dtype)
    L[np.tril_indices(len(place))] = scales
    return L @ L.T


def _equal(scales: np.ndarray, _: Any, place: np.ndarray) -> np.ndarray:
    mean = np.full((len(place), len(place)), 1 / len(place))
    return scales[0] * (np.eye(len(place)) - mean) + scales[1] * mean


def _diagonal(scales: np.ndarray, _: Any, place: np.ndarray) -> np.ndarray:
    return np.eye(len(place)) * scales


def _constant(sd: np.ndarray, rho: Any, place: np.ndarray) -> np.ndarray:
    return np.outer(sd, sd) * np.where(np.eye(len(place), dtype=bool), 1, rho)


def _autoregressive(sd: np.ndarray, rho: Any, place: np.ndarray) -> np.ndarray:
    powers = np.concatenate([[1], np.cumprod(np.full(len(place) - 1, rho))])
    order = np.arange(len(place))
    return sd[:, None] * sd * powers[np.abs(order[:, None] - order)]


def _continuous(sd: np.ndarray, rho: Any, place: np.ndarray) -> np.ndarray:
    return sd[:, None] * sd * rho ** np.abs(place[:, None] - place)


_STRUCTURES = {
    "UN": _Structure(_cholesky, lambda o: o * (o + 1) // 2, power=0.5),
    "CS": _Structure(_equal, lambda o: 2),
    "HCS": _Structure(_constant, lambda o: o, power=0.5, rho=lambda o: (-1 / (o - 1), 1)),
    "DIAG": _Structure(_diagonal, lambda o: o, independent=True),
    "ID": _Structure(_diagonal, lambda o: 1, independent=True),
    "AR": _Structure(_autoregressive, lambda o: 1, power=0.5, rho=lambda o: (-1, 1)),
    "HAR": _Structure(_autoregressive, lambda o: o, power=0.5, rho=lambda o: (-1, 1)),
    "CAR": _Structure(_continuous, lambda o: 1, power=0.5, rho=lambda o: (1e-6, 1)),
}


def _outcomes(given: pd.Series) -> tuple[list[Any], np.ndarray]:
    categorical = pd.Categorical(given)
    used = categorical.remove_unused_categories()
    if len(used.categories) < 2:
        raise InputError(f"outcome has one label, {plain(used.categories[0])!r}; use meta_analysis or multilevel")
    return list(used.categories), used.codes.astype(int)


def _places(structure: str, outcomes: list[Any]) -> np.ndarray:
    if structure != "CAR":
        return np.arange(len(outcomes), dtype=float)
    try:
        place = np.array(outcomes, dtype=float)
    except ValueError:
        raise InputError(f"structure='CAR' needs numeric outcomes such as weeks, not {outcomes}; use 'AR'") from None
    return place / np.diff(np.sort(place)).min()  # in units of the smallest step: the range of rho is that of one step


def _means(outcomes: list[Any], o_of: np.ndarray, index: pd.Index) -> pd.DataFrame:
    return pd.DataFrame(np.eye(len(outcomes))[o_of], index=index, columns=outcomes)


def _pairs(trial: np.ndarray, o_of: np.ndarray, outcomes: list[Any], structure: str) -> list[tuple[int, int]]:
    """Pairs of outcomes that some trial reports together, each outcome with itself first."""
    reported = np.zeros((trial.max() + 1, len(outcomes)), dtype=int)
    reported[trial, o_of] = 1
    together = reported.T @ reported
    lone = np.argwhere(np.triu(together == 0, 1))
    if structure == "UN" and len(lone):
        a, b = (outcomes[i] for i in lone[0])
        raise InputError(
            f"structure='UN': no cluster reports {plain(a)!r} together with {plain(b)!r}, so their correlation cannot be estimated; "
            "use 'CS', 'HCS' or 'DIAG'"
        )
    return [(i, i) for i in range(len(outcomes))] + [(int(i), int(j)) for i, j in np.argwhere(np.triu(together, 1))]


def _pair(trial: np.ndarray, o_of: np.ndarray, a: int, b: int) -> Kernel:
    """Pattern of one entry of ``G``: two rows of a trial, one with outcome ``a``, the other with ``b``."""

    def kernel(rows: np.ndarray) -> np.ndarray:
        is_a, is_b = o_of[rows] == a, o_of[rows] == b
        crossing = (is_a[:, :, None] & is_b[:, None, :]) | (is_b[:, :, None] & is_a[:, None, :])
        return crossing & (trial[rows][:, :, None] == trial[rows][:, None, :])

    return kernel


def _sizes(model: LinearCovariance, o_of: np.ndarray) -> np.ndarray:
    """Return the variance of each outcome's effects beyond sampling, at least a tenth of the sampling variance: where to start."""
    vi = model.V if model.V.ndim == 1 else model.V.diagonal()
    residual = model.y - model.X @ np.linalg.lstsq(model.X, model.y, rcond=None)[0]
    own = [o_of == j for j in range(o_of.max() + 1)]
    return np.array([max(residual[rows].var() - vi[rows].mean(), 0.1 * vi[rows].mean()) for rows in own])


def _fit(
    model: LinearCovariance, form: _Structure, pairs: list[tuple[int, int]], place: np.ndarray, size: np.ndarray
) -> tuple[np.ndarray, Curve, np.ndarray]:
    """Fitted ``G``, the curve of its parameters and where they ended, from a typical variance of each outcome."""
    o = len(place)
    at = tuple(np.array(pairs).T)
    if form.build is _cholesky:
        unit = np.sqrt(size)[np.tril_indices(o)[0]]
    else:
        unit = (size if form.scales(o) == o and form.build is not _equal else np.full(form.scales(o), size.mean())) ** form.power
    floor = 0.0 if form.power == 1 else -np.inf
    low, high = form.rho(o) if form.rho else (0, 0)
    ends = [[low], [high], [0.1]] if form.rho else [[], [], []]
    lower, upper, scale = (
        np.concatenate([part, tail])
        for part, tail in zip((np.full(len(unit), floor), np.full(len(unit), np.inf), unit), ends, strict=True)
    )

    curve = Curve(lambda theta: form.build(theta[: len(unit)], theta[-1], place)[at], lower, upper, scale)

    def objective(theta: np.ndarray) -> tuple[float, np.ndarray, np.ndarray]:
        fit = model(curve.build(theta))
        return fit.value, *curve.climbed(theta, fit.score, fit.information)

    first, *others = _starts(form, unit, o, low, high)
    best = climb(objective, first, lower=lower, upper=upper, scale=scale)
    for start in others:
        with suppress(ConvergenceError):
            top = climb(objective, start, lower=lower, upper=upper, scale=scale)
            best = top if top.value > best.value + 1e-7 else best
    G = form.build(best.at[: len(unit)], best.at[-1], place)
    # What is left of a variance that goes to 0 as the square of a parameter has no size, and its correlations no meaning.
    gone = G.diagonal() < _GONE * size
    return np.where(gone | gone[:, None], 0.0, G), curve, best.at


def _starts(form: _Structure, unit: np.ndarray, o: int, low: float, high: float) -> list[np.ndarray]:
    """Return where to climb from: no correlation, one near each end; the likelihood may have a maximum on either side."""
    if form.independent:
        return [unit]
    if form.build is _equal:
        return [unit * share for share in ([1.0, 1.0], [0.1, 1.9], [1.9, 0.1])]
    if form.rho:
        return [np.append(unit, low + share * (high - low)) for share in (0.5, 0.9, 0.1)]
    factors = (np.linalg.cholesky(_constant(np.ones(o), rho, np.arange(o))) for rho in (0.0, 0.8, -0.8 / (o - 1)))
    return [factor[np.tril_indices(o)] * unit for factor in factors]


def _correlations(G: np.ndarray) -> np.ndarray:
    sd = np.sqrt(G.diagonal())
    return G / np.maximum(np.outer(sd, sd), np.finfo(float).tiny)


def _rho(form: _Structure, G: np.ndarray, outcomes: list[Any]) -> float | pd.Series:
    R = _correlations(G)
    if form.independent:
        return 0.0
    i, j = np.triu_indices(len(outcomes), 1)
    if form.build is not _cholesky or len(i) == 1:
        return float(R[0, 1])
    pair = pd.MultiIndex.from_arrays([[outcomes[a] for a in i], [outcomes[b] for b in j]], names=["outcome", "with"])
    return pd.Series(R[i, j], index=pair, name="rho")


def _typical_variances(model: LinearCovariance, X: pd.DataFrame, o_of: np.ndarray, named: pd.Index) -> pd.Series:
    """Typical sampling variance of each outcome with more effects than coefficients."""
    P = model.projection(np.zeros(len(model.kernels)))
    sized = X.to_numpy() / np.abs(X.to_numpy()).max(axis=0)
    found = {}
    for o, name in enumerate(named):
        rows = o_of == o
        spare = rows.sum() - np.linalg.matrix_rank(sized[rows])
        if spare > 0:
            found[name] = spare / P[rows].sum()
    return pd.Series(found, index=named[named.isin(list(found))], dtype=float)


guard(__name__, "multivariate")
