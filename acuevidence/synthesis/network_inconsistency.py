"""Where a network disagrees with itself: direct against indirect evidence, and design against design.

Knows a fitted network and its trials; draws nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from scipy.special import chdtrc

from acuevidence import words
from acuevidence.arguments import guard
from acuevidence.errors import InputError
from acuevidence.inputs import choice
from acuevidence.shown import Shown
from acuevidence.synthesis.network_effects import half_width, two_sided
from acuevidence.synthesis.network_fit import Fit, by_design, design_potentials, fit, misfit, tau2_within, within_designs
from acuevidence.words import number

if TYPE_CHECKING:
    from acuevidence.synthesis.network_components import ComponentNetwork
    from acuevidence.synthesis.network_effects import NetworkEffects

__all__ = ["DesignDecomposition", "NetHeat", "design_decomposition", "direct_evidence", "net_heat", "split"]


def direct_evidence(net: NetworkEffects | ComponentNetwork) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Direct estimates, their standard errors and number of trials, treatments by treatments (NaN, NaN, 0: none).

    Inverse-variance means of the trials that compare the two, with the network's tau2.
    """
    n = len(net.treatments)
    tau2 = (net.tau2 or 0.0) if net.effects == "random" else 0.0
    weight, weighted, count = np.zeros((3, n, n))
    for group in net.trials:
        m = group.arms.shape[1]
        w = (1 - np.eye(m)) / (group.v + tau2 + np.eye(m))
        pair = (group.arms[:, :, None], group.arms[:, None, :])
        np.add.at(weight, pair, w)
        np.add.at(weighted, pair, w * group.y)
        np.add.at(count, pair, np.broadcast_to(1 - np.eye(m), w.shape))
    with np.errstate(divide="ignore", invalid="ignore"):
        return weighted / weight, np.where(count > 0, 1 / np.sqrt(weight), np.nan), count.astype(int)


def league(net: NetworkEffects | ComponentNetwork, digits: int = 2, transform: Callable[[Any], Any] | None = None) -> pd.DataFrame:
    """Return the league table, treatments from the best P-score down; those made of components in their own order.

    Parameters
    ----------
    net : NetworkMetaAnalysis or ComponentNetwork
        The network.
    digits : int
        Decimals shown.
    transform : callable, optional
        Applied to estimates and limits, for example ``numpy.exp`` for ratios.

    Returns
    -------
    DataFrame of str
        Every cell is row minus column with its interval: network estimates below the diagonal (empty where the trials do
        not tell the two apart), direct estimates above it (empty where no trial compares the two), treatments on it.
    """
    order = net.best_first
    direct, direct_se, _ = direct_evidence(net)
    z = half_width(net.level, net.df)

    def show(value: float) -> float:
        try:
            return float(value if transform is None else transform(value))
        except (TypeError, ValueError, ArithmeticError) as error:
            raise InputError(f"transform must turn a number into a number, as numpy.exp does: {error}") from error

    def cell(estimate: float, se: float) -> str:
        if np.isnan(estimate):
            return ""
        low, high = sorted((show(estimate - z * se), show(estimate + z * se)))
        text = (number(value, digits, ratio=transform is np.exp) for value in (show(estimate), low, high))
        return "{} ({} to {})".format(*text)

    table = pd.DataFrame("", index=order, columns=order)
    place = net.treatments.get_indexer(order)
    for i, a in enumerate(place):
        for j, b in enumerate(place):
            pair = (net.estimates.iat[a, b], net.se.iat[a, b]) if i > j else (direct[a, b], direct_se[a, b])
            table.iat[i, j] = str(order[i]) if i == j else cell(*pair)
    return table


def split(net: NetworkEffects) -> pd.DataFrame:
    """Separate direct from indirect evidence for every comparison that trials make directly.

    Parameters
    ----------
    net : NetworkMetaAnalysis

    Returns
    -------
    DataFrame
        ``treat1 treat2 studies prop_direct network network_se direct direct_se indirect indirect_se difference
        difference_se statistic p_value``; effects are ``treat1`` minus ``treat2``, ``difference`` is direct minus
        indirect. Where all evidence is direct (``prop_direct`` of 1), the indirect columns and the test are empty.

    Notes
    -----
    Back-calculation: with ``p = se_network^2 / se_direct^2`` the share of direct evidence, the indirect estimate
    is ``(network - p direct) / (1 - p)`` with variance ``se_network^2 / (1 - p)`` (Koenig, Krahn & Binder 2013,
    Statistics in Medicine; Dias et al. 2010, Statistics in Medicine).
    """
    direct, direct_se, count = direct_evidence(net)
    i, j = np.nonzero(np.triu(count, 1))
    network, network_se = net.estimates.to_numpy()[i, j], net.se.to_numpy()[i, j]
    direct, direct_se = direct[i, j], direct_se[i, j]
    share = np.minimum((network_se / direct_se) ** 2, 1.0)
    rest = np.where(share > 1 - 5e-4, np.nan, 1 - share)
    indirect, indirect_se = (network - share * direct) / rest, network_se / np.sqrt(rest)
    difference, difference_se = direct - indirect, np.sqrt(direct_se**2 + indirect_se**2)
    return pd.DataFrame(
        {
            "treat1": net.treatments[i],
            "treat2": net.treatments[j],
            "studies": count[i, j],
            "prop_direct": share,
            "network": network,
            "network_se": network_se,
            "direct": direct,
            "direct_se": direct_se,
            "indirect": indirect,
            "indirect_se": indirect_se,
            "difference": difference,
            "difference_se": difference_se,
            "statistic": difference / difference_se,
            "p_value": two_sided(difference / difference_se, net.df),
        }
    )


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class DesignDecomposition(Shown):
    """Cochran's Q of a network, design by design (a design is a set of arms).

    Attributes
    ----------
    total : DataFrame
        ``q df p_value`` of the whole network, within designs, and between designs (common effects).
    within : DataFrame
        ``studies q df p_value`` of each design: heterogeneity among its trials.
    between : Series
        What each design contributes to Q between designs; the contributions add up to it.
    without : DataFrame
        ``q df p_value`` between designs when the consistency of one design is given up; designs that
        close no loop are left out.
    random : Series
        ``q df p_value tau2`` between designs with random effects, tau2 estimated within designs.
    """

    total: pd.DataFrame
    within: pd.DataFrame = field(repr=False)
    between: pd.Series = field(repr=False)
    without: pd.DataFrame = field(repr=False)
    random: pd.Series = field(repr=False)

    def to_frame(self) -> pd.DataFrame:
        """Return a copy of the decomposition of the total."""
        return self.total.copy()

    def _sentences(self) -> list[str]:
        most = self.between.abs().idxmax() if len(self.between) else None
        lines = [
            f"Q {name}: {row['q']:.2f} (df {row['df']:g}, P {words.p(row['p_value'])})." for name, row in self.total.iterrows()
        ]
        lines += [] if most is None else [f"Most of it between designs comes from {most} ({self.between[most]:.2f})."]
        found = self.random
        return [*lines, f"Random effects, between designs: Q {found['q']:.2f} (df {found['df']:g}, P {words.p(found['p_value'])})."]

    def _table(self) -> pd.DataFrame:
        parts = {"within": self.within, "without the design": self.without}
        return pd.concat({name: part for name, part in parts.items() if len(part)}, names=["part"]).round(4)


def design_decomposition(net: NetworkEffects) -> DesignDecomposition:
    """Decompose Cochran's Q by design.

    Parameters
    ----------
    net : NetworkMetaAnalysis

    Returns
    -------
    DesignDecomposition

    Notes
    -----
    Krahn, Binder & Koenig (2013, BMC Medical Research Methodology). The random-effects statistic is the Wald test of
    the full design-by-treatment interaction (Higgins et al. 2012, Research Synthesis Methods) with the moment
    estimator of tau2 within designs (Jackson, White & Riley 2012, Statistics in Medicine).
    """
    designs = _designs(net, 0.0)
    names = pd.Index([name for d in designs for name in d.names], name="design")
    total = pd.DataFrame(
        {
            "q": [net.q_total, net.q_heterogeneity, net.q_inconsistency],
            "df": [net.q_total_df, net.q_heterogeneity_df, net.q_inconsistency_df],
            "p_value": [net.q_total_p, net.q_heterogeneity_p, net.q_inconsistency_p],
        },
        index=["total", "within designs", "between designs"],
    )
    studies = np.concatenate([d.studies for d in designs])
    arms = np.concatenate([np.full(len(d.names), d.arms.shape[1]) for d in designs])
    q_within, df_within = np.concatenate([d.q for d in designs]), (studies - 1) * (arms - 1)
    within = pd.DataFrame({"studies": studies, "q": q_within, "df": df_within, "p_value": _p(q_within, df_within)})
    within.index = names
    fitted = fit(net.trials, len(net.treatments))
    between = pd.Series(_contributions(designs, fitted.theta[None])[0], names, name="q")
    detached, informative = _detached(designs, fitted)
    q_without = (_contributions(designs, detached) * (1 - np.eye(len(names)))).sum(axis=1)
    df_without = net.q_inconsistency_df - (arms - 1)
    without = pd.DataFrame({"q": q_without, "df": df_without, "p_value": _p(q_without, df_without)}, names)[informative]
    tau2 = tau2_within(net.trials)
    q_random = fit(net.trials, len(net.treatments), tau2).q - within_designs(net.trials, tau2)[0]
    random = pd.Series(
        {
            "q": q_random,
            "df": net.q_inconsistency_df,
            "p_value": _p(np.array([q_random]), np.array([net.q_inconsistency_df]))[0],
            "tau2": tau2,
        }
    )
    return DesignDecomposition(total, within, between, without, random)


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class NetHeat(Shown):
    """Numbers behind a net heat plot, designs by contrasts of their arms against the first.

    Attributes
    ----------
    hat : DataFrame
        Weight of the column's direct estimate in the network estimate of the row (area of the squares).
    change : DataFrame
        Fall of the row's inconsistency when the column's design is detached (colour): positive where the two
        contradict each other; on the diagonal the design's own contribution.
    """

    hat: pd.DataFrame
    change: pd.DataFrame

    def _sentences(self) -> list[str]:
        return ["Fall of a contrast's inconsistency (rows) when a design is detached (columns):"]

    def _table(self) -> pd.DataFrame:
        return self.change.round(4)

    def to_frame(self) -> pd.DataFrame:
        """Long form: ``design1 contrast1 design2 contrast2 hat change``."""
        flat = [
            frame.rename_axis(index=["design1", "contrast1"], columns=["design2", "contrast2"]).stack([0, 1])
            for frame in (self.hat, self.change)
        ]
        return pd.DataFrame({"hat": flat[0], "change": flat[1]}).reset_index()


def net_heat(net: NetworkEffects, effects: str = "common") -> NetHeat:
    """Compute the numbers of a net heat plot.

    Parameters
    ----------
    net : NetworkMetaAnalysis
    effects : {"common", "random"}
        With common effects, or with tau2 estimated within designs.

    Returns
    -------
    NetHeat

    Raises
    ------
    InputError
        Where fewer than two designs close a loop.

    Notes
    -----
    Krahn, Binder & Koenig (2013, BMC Medical Research Methodology). Designs that close no loop are left out.
    """
    tau2 = tau2_within(net.trials) if choice("effects", effects, ("common", "random")) == "random" else 0.0
    designs, n = _designs(net, tau2), len(net.treatments)
    fitted = fit(net.trials, n, tau2)
    theta, informative = _detached(designs, fitted)
    if informative.sum() < 2:
        raise InputError("a net heat plot needs at least two designs that close a loop; this network has fewer")
    push, pull, label, design = [], [], [], []
    for c, (d, row) in enumerate((group, row) for group in designs for row in range(len(group.names))):
        base, others = d.arms[row, 0], d.arms[row, 1:]
        push += [np.bincount(d.arms[row], weight, minlength=n) for weight in d.laplacian[row, 1:]]
        pull += list(fitted.covariance[others] - fitted.covariance[base])
        label += [(d.names[row], f"{net.treatments[base]}:{net.treatments[other]}") for other in others]
        design += [c] * len(others)
    own = np.concatenate([_parts(d, fitted.theta[None]).reshape(-1) for d in designs])
    left = np.concatenate([_parts(d, theta).reshape(len(theta), -1) for d in designs], axis=1)[design].T
    change = own[:, None] - left * (np.not_equal.outer(design, design))
    keep = informative[design]
    index = pd.MultiIndex.from_tuples([label[i] for i in np.flatnonzero(keep)], names=["design", "contrast"])
    hat = np.array(pull) @ np.array(push).T
    return NetHeat(*(pd.DataFrame(part[np.ix_(keep, keep)], index, index) for part in (hat, change)))


@dataclass(frozen=True, slots=True)
class _Designs:
    """Designs with the same number of arms: pooled potentials and weights of each, and Q among its trials."""

    names: list[str]
    arms: np.ndarray  # (D, m)
    studies: np.ndarray  # (D,)
    q: np.ndarray  # (D,)
    theta: np.ndarray  # (D, m)
    laplacian: np.ndarray  # (D, m, m)


def _designs(net: NetworkEffects, tau2: float) -> list[_Designs]:
    found = []
    for group, design in by_design(net.trials):
        weights = group.laplacian(tau2)
        theta, laplacian = design_potentials(group, design, weights)
        arms = np.unique(group.arms, axis=0)
        names = [":".join(str(net.treatments[a]) for a in row) for row in arms]
        q = np.bincount(design, misfit(group, weights, theta[design]))
        found.append(_Designs(names, arms, np.bincount(design), q, theta, laplacian))
    return found


def _parts(d: _Designs, theta: np.ndarray) -> np.ndarray:
    """Inconsistency of each contrast against the first arm, (T, D, m - 1), around T sets of potentials (T, n)."""
    r = d.theta - theta[:, d.arms]
    pushed = np.einsum("cij,tcj->tci", d.laplacian, r)
    return (pushed * (r - r[..., :1]))[..., 1:]


def _contributions(designs: list[_Designs], theta: np.ndarray) -> np.ndarray:
    """Inconsistency of each design, (T, designs), around T sets of potentials (T, n)."""
    return np.concatenate([_parts(d, theta).sum(axis=-1) for d in designs], axis=1)


def _detached(designs: list[_Designs], fitted: Fit) -> tuple[np.ndarray, np.ndarray]:
    """Potentials (designs, n) of the network without each design, and which of these networks still connect.

    Deletion formula of least squares: ``theta - C F inv(V_d - F'CF) (y_d - F'theta)``, with ``F`` the contrasts of
    the design, ``y_d`` and ``V_d`` its direct estimates; where the rest of the network does not determine them,
    ``V_d - F'CF`` is singular.
    """
    theta, connects = [], []
    for d in designs:
        first, others = d.arms[:, :1], d.arms[:, 1:]
        CF = np.moveaxis(fitted.covariance[:, others] - fitted.covariance[:, first], 0, 1)  # (D, n, m - 1)
        FCF = np.take_along_axis(CF, others[:, :, None], 1) - np.take_along_axis(CF, first[:, :, None], 1)
        root = np.linalg.cholesky(d.laplacian[:, 1:, 1:])
        leverage = np.linalg.eigvalsh(root.transpose(0, 2, 1) @ FCF @ root)[:, -1]
        free = leverage < 1 - 1e-9
        gap = np.where(free[:, None, None], np.linalg.inv(d.laplacian[:, 1:, 1:]) - FCF, np.eye(others.shape[1]))
        residual = d.theta - fitted.theta[d.arms]
        move = np.linalg.solve(gap, (residual[:, 1:] - residual[:, :1])[..., None])
        theta.append(fitted.theta - free[:, None] * (CF @ move)[..., 0])
        connects.append(free)
    return np.concatenate(theta), np.concatenate(connects)


def _p(q: np.ndarray, df: np.ndarray) -> np.ndarray:
    return np.where(df > 0, chdtrc(np.maximum(df, 1), np.maximum(q, 0.0)), 1.0)


guard(__name__, "league", "split", "design_decomposition", "net_heat")
