"""Additive component networks: treatments made of parts, each with an effect of its own.

Knows contrasts of combinations and which parts the trials tell apart. The network may fall into pieces that no trial
connects: parts that occur in several of them hold it together.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import chdtrc

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
from acuevidence.synthesis.network_effects import Comparisons, every_pair, half_width, two_sided
from acuevidence.synthesis.network_fit import degrees, fit, moments, reml, tau2_within, within_designs
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
    covariance : DataFrame (components, components)
        Covariance of their estimates; NaN where there is none.
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
    df : float or None
        Degrees of freedom of intervals and tests; None: normal.
    data, excluded, trials
        As in :class:`.NetworkMetaAnalysis`.
    """

    components: pd.DataFrame = field(repr=False)
    covariance: pd.DataFrame = field(repr=False)
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
    df: float | None
    data: pd.DataFrame = field(repr=False)
    excluded: pd.DataFrame = field(repr=False)
    trials: tuple[Trials, ...] = field(repr=False)

    @property
    def conventions(self) -> str:
        """What was computed, in words for captions."""
        tau2 = "" if self.effects == "common" else f", one τ² for all comparisons by {self.method}"
        inactive = "" if self.inactive is None else f"; {self.inactive} counts as inactive"
        return f"Additive component network meta-analysis, {self.effects} effects{tau2}{inactive}; {self._intervals}."

    def to_frame(self) -> pd.DataFrame:
        """Return the components: ``estimate se statistic p_value ci_low ci_high``."""
        return self.components.copy()

    def additivity(self) -> pd.DataFrame:
        """Test what the sums of components cost against freer models of the same trials.

        Returns
        -------
        DataFrame
            Rows ``additivity``, against a network in which every treatment has an effect of its own (in each piece), and
            ``between designs``, against trials of every set of arms with effects of their own; columns ``q df p_value`` with
            common effects, ``q_random p_random`` with the heterogeneity ``tau2`` of the freer model.

        Notes
        -----
        The fall of Cochran's Q from the additive to the freer model, by chi-squared; with random effects both at the tau2 of the
        freer (between designs: the Wald test of Higgins et al. 2012, Research Synthesis Methods, with the moment estimator of tau2
        within designs).

        Examples
        --------
        >>> import acuevidence as ae
        >>> found = ae.questions.components().model.additivity()
        >>> list(found.index)
        ['additivity', 'between designs']
        """
        n, C = len(self.treatments), self.parts.to_numpy(float)
        free, told = (_apart(self.trials, each) for each in (np.eye(n), C))
        basis, df = C @ told, degrees(self.trials)
        tau2 = _tau2(self.trials, free, df - free.shape[1], self.method) or 0.0
        within, within_df = within_designs(self.trials)
        alone = tau2_within(self.trials)

        def additive(tau2: float) -> float:
            return fit(self.trials, n, tau2, basis).q

        rows = {
            "additivity": (
                fit(self.trials, n, 0.0, free).q,
                fit(self.trials, n, tau2, free).q,
                tau2,
                free.shape[1] - told.shape[1],
            ),
            "between designs": (within, within_designs(self.trials, alone)[0], alone, df - within_df - told.shape[1]),
        }
        found = {}
        for name, (common, random, spread, freedom) in rows.items():
            q, q_random = max(0.0, self.q_additive - common), max(0.0, additive(spread) - random)
            found[name] = [q, freedom, _tail(freedom, q), q_random, _tail(freedom, q_random), spread]
        frame = pd.DataFrame.from_dict(found, orient="index", columns=["q", "df", "p_value", "q_random", "p_random", "tau2"])
        return frame.astype({"df": int})

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
    test: str = "z",
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
    test : {"z", "t"}
        Intervals and tests: normal, or t with the degrees of freedom of Q.
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
    Journal of Epidemiology), fitted by weighted least squares with the weights of the network (Ruecker, Petropoulou
    & Schwarzer 2020, Biometrical Journal), as netmeta's netcomb and, for a network in pieces, discomb.
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
    choice("test", test, ("z", "t"))
    table, treatments, excluded = read_contrasts(treat1, treat2, yi, se, study, data, missing, in_parts=True)
    names = pd.Index(treatments, name="treatment")
    trials, n = trials_by_arms(table, names, tolerance), len(names)
    parts = _parts(names, sep, inactive)
    C = parts.to_numpy(float)
    told = _apart(trials, C)
    basis = C @ told
    common, df = fit(trials, n, basis=basis), degrees(trials) - told.shape[1]
    tau2 = _tau2(trials, basis, df, method)
    chosen = common if effects == "common" or not tau2 else fit(trials, n, tau2, basis)
    back = told @ np.linalg.pinv(basis)
    own = np.linalg.norm(np.eye(C.shape[1]) - told @ told.T, axis=1) < _TOLD_APART
    part = network_parts(table["low"].to_numpy(), table["high"].to_numpy(), n)
    pairs = every_pair(chosen.theta, chosen.covariance, names)
    known = _estimable(C[:, None] - C[None], told)
    covariance = back @ chosen.covariance @ back.T
    freedom = df if test == "t" and df else None
    return ComponentNetwork(
        components=_effects(back @ chosen.theta, covariance, own, parts.columns, level, freedom),
        covariance=pd.DataFrame(np.where(np.outer(own, own), covariance, np.nan), index=parts.columns, columns=parts.columns),
        combinations=_effects(chosen.theta, chosen.covariance, _estimable(C, told), names, level, freedom),
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
        df=freedom,
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


def _apart(trials: tuple[Trials, ...], parts: np.ndarray) -> np.ndarray:
    """Return an orthonormal basis (c, r) of what the trials tell of the parts (n, c): the row space of their contrasts."""
    rows = np.concatenate([(parts[g.arms[:, :-1]] - parts[g.arms[:, -1:]]).reshape(-1, parts.shape[1]) for g in trials])
    _, size, vectors = np.linalg.svd(np.unique(rows, axis=0), full_matrices=False)
    return vectors[size > _TOLD_APART * max(size.max(initial=0.0), 1.0)].T


def _tau2(trials: tuple[Trials, ...], basis: np.ndarray, df: int, method: str) -> float | None:
    """Return the variance between trials about the potentials that are combinations of a basis (n, r)."""
    if df == 0:
        return None
    if method == "DL":
        return moments(trials, fit(trials, len(basis), basis=basis), df)
    return reml(trials, basis, joint=True)


def _estimable(combination: np.ndarray, told: np.ndarray) -> np.ndarray:
    """Return which combinations (..., c) of components the trials tell."""
    return np.linalg.norm(combination - combination @ told @ told.T, axis=-1) < _TOLD_APART


def _effects(
    estimate: np.ndarray, covariance: np.ndarray, known: np.ndarray, names: pd.Index, level: float, df: float | None
) -> pd.DataFrame:
    se = np.sqrt(np.maximum(covariance.diagonal(), 0.0))
    statistic = estimate / np.where(se > 0, se, 1)
    half = half_width(level, df) * se
    found = {
        "estimate": estimate,
        "se": se,
        "statistic": statistic,
        "p_value": two_sided(statistic, df),
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
