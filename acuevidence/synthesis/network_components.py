"""Additive component networks: treatments made of parts, each with an effect of its own.

Knows contrasts of combinations and which parts the trials tell apart. The network may fall into pieces that no trial
connects: parts that occur in several of them hold it together.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import chdtrc, ndtr, ndtri

from acuevidence import words
from acuevidence.arguments import guard
from acuevidence.errors import InputError
from acuevidence.inputs import choice
from acuevidence.synthesis.methods import ComponentMethods
from acuevidence.synthesis.network_contrasts import (
    Trials,
    network_parts,
    read_contrasts,
    trials_by_arms,
    with_designs,
)
from acuevidence.synthesis.network_effects import Comparisons, every_pair
from acuevidence.synthesis.network_fit import degrees, fit, moments, reml
from acuevidence.words import number

__all__ = ["ComponentNetwork", "component_network"]

_TOLD_APART = 1e-8  # counts of parts are small whole numbers; what is left of them by rounding is far below


@dataclass(frozen=True, slots=True, kw_only=True, repr=False, eq=False)
class ComponentNetwork(Comparisons, ComponentMethods):
    """Result of :func:`component_network`.

    Attributes
    ----------
    components : DataFrame
        One row a component: ``estimate se statistic p_value ci_low ci_high``, what it adds to any treatment. Empty (NaN)
        where the trials do not tell it apart from others; ``not_estimable`` names these.
    combinations : DataFrame
        The same columns, one row a treatment: the sum of its components, against the inactive treatment.
    estimates, se : DataFrame (treatments, treatments)
        Effect of the row's treatment minus the column's, and its standard error; NaN where the model does not tell it.
    treatments : Index
        All treatments, sorted (or in the order of their categories).
    parts : DataFrame of bool (treatments, components)
        Which treatment has which component.
    inactive : str or None
        Component without effect.
    not_estimable : tuple of str
        Components without an estimate.
    tau2 : float or None
        Variance between trials about the additive model; None where it leaves no degrees of freedom.
    i2 : float or None
        Percent of the variation about the additive model beyond chance.
    q_additive, q_additive_df, q_additive_p : float, int, float
        Cochran's Q about the additive model (common effects).
    q_difference, q_difference_df, q_difference_p : float, int, float, or None
        What additivity costs: Q of the additive model minus that of the standard network. None for a network in pieces, which
        has no standard model.
    pieces : int
        Pieces of the network that no trial connects.
    k : int
        Trials.
    method, effects : str
    level : float
    data, excluded, trials
        As in :class:`.NetworkMetaAnalysis`.
    """

    components: pd.DataFrame = field(repr=False)
    combinations: pd.DataFrame = field(repr=False)
    estimates: pd.DataFrame = field(repr=False)
    se: pd.DataFrame = field(repr=False)
    treatments: pd.Index
    parts: pd.DataFrame = field(repr=False)
    inactive: str | None
    not_estimable: tuple[str, ...]
    tau2: float | None
    i2: float | None
    q_additive: float
    q_additive_df: int
    q_additive_p: float
    q_difference: float | None
    q_difference_df: int | None
    q_difference_p: float | None
    pieces: int
    k: int
    method: str
    effects: str
    level: float
    data: pd.DataFrame = field(repr=False)
    excluded: pd.DataFrame = field(repr=False)
    trials: tuple[Trials, ...] = field(repr=False)

    @property
    def conventions(self) -> str:
        """What was computed, in words for captions."""
        tau2 = "" if self.effects == "common" else f", one τ² for all comparisons by {self.method}"
        inactive = "" if self.inactive is None else f"; {self.inactive} counts as inactive"
        return (
            f"Additive component network meta-analysis, {self.effects} effects{tau2}{inactive}; "
            f"normal {words.percent(self.level)} intervals."
        )

    def to_frame(self) -> pd.DataFrame:
        """Return the components: ``estimate se statistic p_value ci_low ci_high``."""
        return self.components.copy()

    def _sentences(self) -> list[str]:
        tau2 = "tau2 not estimable" if self.tau2 is None else f"tau2 {self.tau2:.4g}, I2 {self.i2:.1f}%"
        fit = f"Q about additive effects {self.q_additive:.2f} (df {self.q_additive_df}, P {words.p(self.q_additive_p)})"
        cost = (
            f"The network is in {self.pieces} pieces, so that additivity is not tested against a standard network."
            if self.q_difference is None or self.q_difference_p is None
            else f"Additivity against the standard network: Q {self.q_difference:.2f} (df {self.q_difference_df}, "
            f"P {words.p(self.q_difference_p)})."
        )
        lost = [f"Not told apart by these trials: {', '.join(self.not_estimable)}."] if self.not_estimable else []
        return [
            f"{words.count(len(self.components), 'component')} of {len(self.treatments)} treatments in "
            f"{words.count(self.k, 'trial')}. {self.conventions}",
            f"Heterogeneity: {tau2}; {fit}.",
            cost,
            *lost,
        ]

    def _table(self) -> pd.DataFrame:
        return self.components.map(lambda value: "" if np.isnan(value) else number(value, 4))


def component_network(
    treat1: Any = "treat1",
    treat2: Any = "treat2",
    yi: Any = "yi",
    se: Any = "se",
    study: Any = "study",
    *,
    data: pd.DataFrame | None = None,
    inactive: str | None = None,
    sep: str = "+",
    method: str = "DL",
    effects: str = "random",
    level: float = 0.95,
    tolerance: float = 0.01,
    missing: str = "raise",
) -> ComponentNetwork:
    """Estimate what each component adds, from trials of treatments that are made of components.

    Parameters
    ----------
    treat1, treat2 : str or array-like (rows,)
        Treatments a row compares: components joined by ``sep``, in any order.
    yi, se : str or array-like (rows,)
        Effect of ``treat1`` minus ``treat2``, and its standard error.
    study : str or array-like (rows,)
        Trial. A trial with m arms gives all its m (m - 1) / 2 comparisons (:func:`.arm_contrasts` makes them).
    data : DataFrame, optional
        Where column names are looked up.
    inactive : str, optional
        Component that counts as without effect, such as a placebo. Without one, every component has an effect; only
        differences between treatments, and components that these tell, are estimated.
    sep : str
        What joins the components in a treatment's name; spaces around it do not matter.
    method : {"DL", "REML"}
        Estimator of tau2.
    effects : {"random", "common"}
    level : float
        Level of the intervals.
    tolerance, missing
        As in :func:`network`.

    Returns
    -------
    ComponentNetwork

    Raises
    ------
    InputError
        For names without ``sep``, an empty or repeated component, two names of one combination, an unknown ``inactive``,
        or trials that :func:`network` refuses too. A network in pieces is not refused.

    Notes
    -----
    Effects of treatments are sums of those of their components (Welton, Caldwell, Adamopoulos & Vedhara 2009, American
    Journal of Epidemiology 169:1158-1165), fitted by weighted least squares with the weights of the network (Ruecker, Petropoulou
    & Schwarzer 2020, Biometrical Journal 62:808-821), as netmeta's netcomb and, for a network in pieces, discomb.
    ``DL`` is the moment estimator about the additive model. ``REML`` keeps the covariance of trials with several arms.
    A component is estimable where its unit vector lies in the row space of the trials' contrasts.

    The components do not interact in this model. ``q_difference`` tests that, against the standard network, with little
    power where few combinations were tried.

    Examples
    --------
    >>> import pandas as pd
    >>> trials = pd.DataFrame({
    ...     "study": [1, 2, 3, 4], "treat1": ["needling", "talk", "needling + talk", "needling + talk"],
    ...     "treat2": ["none", "none", "none", "talk"],
    ...     "yi": [0.4, 0.1, 0.6, 0.4], "se": [0.1, 0.1, 0.1, 0.1]})
    >>> parts = component_network(data=trials, inactive="none", effects="common")
    >>> parts.components[["estimate", "se"]].round(3)
               estimate     se
    component
    needling       0.42  0.063
    talk           0.14  0.077
    >>> round(float(parts.estimates.loc["needling + talk", "none"]), 3), parts.q_additive_df
    (0.56, 2)
    """
    choice("method", method, ("DL", "REML"))
    choice("effects", effects, ("random", "common"))
    table, treatments, excluded = read_contrasts(treat1, treat2, yi, se, study, data, missing, in_parts=True)
    names = pd.Index(treatments, name="treatment")
    trials, n = trials_by_arms(table, names, tolerance), len(names)
    parts = _parts(names, sep, inactive)
    C = parts.to_numpy(float)
    low, high = table["low"].to_numpy(), table["high"].to_numpy()
    told = _row_space(C[low] - C[high])
    basis = C @ told
    common, df = fit(trials, n, basis=basis), degrees(trials) - told.shape[1]
    tau2 = None if df == 0 else moments(trials, common, df) if method == "DL" else reml(trials, basis, joint=True)
    chosen = common if effects == "common" or not tau2 else fit(trials, n, tau2, basis)
    back = told @ np.linalg.pinv(basis)
    own = np.linalg.norm(np.eye(C.shape[1]) - told @ told.T, axis=1) < _TOLD_APART
    part = network_parts(low, high, n)
    pairs = every_pair(chosen.theta, chosen.covariance, names)
    known = _estimable(C[:, None] - C[None], told)
    return ComponentNetwork(
        components=_effects(back @ chosen.theta, back @ chosen.covariance @ back.T, own, parts.columns, level),
        combinations=_effects(chosen.theta, chosen.covariance, _estimable(C, told), names, level),
        **{name: frame.where(known) for name, frame in pairs.items()},
        treatments=names,
        parts=parts,
        inactive=inactive,
        not_estimable=tuple(parts.columns[~own]),
        tau2=tau2,
        i2=None if df == 0 else 100 * max(0.0, (common.q - df) / max(common.q, 1e-300)),
        q_additive=common.q,
        q_additive_df=df,
        q_additive_p=_tail(df, common.q),
        **_cost(trials, n, common.q, n - 1 - told.shape[1], whole=not part.any()),
        pieces=int(part.max()) + 1,
        k=table["study"].nunique(),
        method=method,
        effects=effects,
        level=level,
        data=with_designs(table, names),
        excluded=excluded,
        trials=trials,
    )


def _parts(names: pd.Index, sep: str, inactive: str | None) -> pd.DataFrame:
    """Return which treatment has which component; the inactive one is left out."""
    mark = sep.strip() or sep
    if not mark:
        raise InputError("sep must be the text that joins components, for example '+'")
    split = [[part.strip() for part in str(name).split(mark)] for name in names]
    if all(len(one) == 1 for one in split):
        raise InputError(
            f"no treatment holds {mark!r}, so none is a combination (the first is {str(names[0])!r}); say what joins "
            "components by sep=, or use network()"
        )
    for name, one in zip(names, split, strict=True):
        if "" in one or len(set(one)) < len(one):
            problem = "an empty component" if "" in one else "a component twice"
            raise InputError(f"treatment {str(name)!r} has {problem} (its components are joined by {mark!r}); correct its name")
    sets = [frozenset(one) for one in split]
    for i, whole in enumerate(sets):
        if whole in sets[:i]:
            raise InputError(
                f"treatments {str(names[sets.index(whole)])!r} and {str(names[i])!r} have the same components; give them one name"
            )
    found = sorted(set().union(*sets), key=lambda part: (part.casefold(), part))
    if inactive is not None:
        choice("inactive", inactive, found)
        found.remove(inactive)
    columns = pd.Index(found, name="component")
    return pd.DataFrame([[part in one for part in found] for one in sets], index=names, columns=columns)


def _row_space(rows: np.ndarray) -> np.ndarray:
    """Return an orthonormal basis (c, r) of the row space."""
    _, size, vectors = np.linalg.svd(np.unique(rows, axis=0), full_matrices=False)
    return vectors[size > _TOLD_APART * max(size.max(initial=0.0), 1.0)].T


def _estimable(combination: np.ndarray, told: np.ndarray) -> np.ndarray:
    """Return which combinations (..., c) of components the trials tell."""
    return np.linalg.norm(combination - combination @ told @ told.T, axis=-1) < _TOLD_APART


def _effects(estimate: np.ndarray, covariance: np.ndarray, known: np.ndarray, names: pd.Index, level: float) -> pd.DataFrame:
    se = np.sqrt(np.maximum(covariance.diagonal(), 0.0))
    statistic = estimate / np.where(se > 0, se, 1)
    half = ndtri(0.5 + level / 2) * se
    found = {
        "estimate": estimate,
        "se": se,
        "statistic": statistic,
        "p_value": 2 * ndtr(-np.abs(statistic)),
        "ci_low": estimate - half,
        "ci_high": estimate + half,
    }
    return pd.DataFrame({name: np.where(known, values, np.nan) for name, values in found.items()}, index=names)


def _cost(trials: tuple[Trials, ...], n: int, q: float, df: int, *, whole: bool) -> dict[str, Any]:
    """Return the test of additivity against the standard network, which a network in pieces does not have."""
    difference = max(0.0, q - fit(trials, n).q) if whole else None
    return {
        "q_difference": difference,
        "q_difference_df": df if whole else None,
        "q_difference_p": None if difference is None else _tail(df, difference),
    }


def _tail(df: int, q: float) -> float:
    return float(chdtrc(df, max(q, 0.0))) if df else 1.0


guard(__name__, "component_network")
