"""The contrasts of a network: read, checked, and laid side by side by number of arms.

Knows what a trial with several arms must deliver, and that a network must hang together. Fits nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from acuevidence.errors import InputError
from acuevidence.inputs import choice, kept, numeric, plain, refuse, values, variances

__all__ = [
    "Trials",
    "centred_inverse",
    "known_treatment",
    "named_parts",
    "network_parts",
    "read_contrasts",
    "refuse_arms",
    "treatment_names",
    "trials_by_arms",
    "with_designs",
]


@dataclass(frozen=True, slots=True, eq=False)
class Trials:
    """Trials with the same number of arms, side by side.

    Attributes
    ----------
    trial : ndarray (S,)
        Trial numbers.
    arms : ndarray (S, m)
        Treatment numbers, ascending.
    y, v : ndarray (S, m, m)
        Effect of row arm minus column arm, and its variance (0 on the diagonal).
    """

    trial: np.ndarray
    arms: np.ndarray
    y: np.ndarray
    v: np.ndarray

    def laplacian(self, tau2: float) -> np.ndarray:
        """Weights of the trials as Laplacian matrices (S, m, m): minus the weight of each contrast off the diagonal.

        Heterogeneity adds ``tau2`` to the variance of every contrast. The pseudo-inverse of the Laplacian is the
        doubly centred ``-v/2`` (Gutman & Xiao 2004; Ruecker & Schwarzer 2014, Statistics in Medicine), which is
        generalised least squares with the trial's full covariance.
        """
        m = self.arms.shape[1]
        centre = np.eye(m) - 1 / m
        resistance = self.v + tau2 * (1 - np.eye(m))
        return centred_inverse(-0.5 * centre @ resistance @ centre)


def centred_inverse(L: np.ndarray) -> np.ndarray:
    """Return the pseudo-inverse of symmetric matrices (..., n, n) whose rows sum to 0 and that have no other null space.

    What is added before the inversion, and taken off again, has the matrix's own size: with a bare 1/n the digits of one
    of the two are lost when effects are counted in other units.
    """
    n = L.shape[-1]
    size = np.trace(L, axis1=-2, axis2=-1)[..., None, None] / n
    return (np.linalg.inv(L / size + 1 / n) - 1 / n) / size


def read_contrasts(
    treat1: Any, treat2: Any, yi: Any, se: Any, study: Any, data: pd.DataFrame | None, missing: str, *, in_parts: bool = False
) -> tuple[pd.DataFrame, list[Any], pd.DataFrame]:
    """Contrasts with numbered trials and treatments, ``low < high``; the names of the treatments; and what was left out."""
    found, index = numeric(data, missing=True, yi=yi, se=se)
    labels = values(data, yi=yi, treat1=treat1, treat2=treat2, study=study)[0]
    del labels["yi"]
    keep, excluded = kept(index, missing, **found, **labels)
    if not keep.any():
        raise InputError("there is no comparison to pool (yi is empty)")
    index = index[keep]
    found = {name: array[keep] for name, array in found.items()}
    labels = {name: label[keep] for name, label in labels.items()}
    variances("se", found["se"], index, "a standard error of the difference")
    both = pd.concat([labels["treat1"], labels["treat2"]], ignore_index=True)
    treatments = treatment_names(both)
    code = pd.Index(treatments).get_indexer(both).reshape(2, -1)
    refuse(code[0] == code[1], "treat1 and treat2 must differ", labels["treat1"], index)
    trial = pd.factorize(labels["study"])[0]
    table = pd.DataFrame(
        {
            "study": labels["study"],
            "treat1": labels["treat1"],
            "treat2": labels["treat2"],
            "yi": found["yi"],
            "se": found["se"],
            "trial": trial,
            "low": code.min(axis=0),
            "high": code.max(axis=0),
            "y": np.where(code[0] < code[1], 1, -1) * found["yi"],
        },
        index=index,
    )
    _refuse_incomplete(table, treatments)
    part = network_parts(code[0], code[1], len(treatments))
    if part.any() and not in_parts:
        raise InputError(f"the network falls into {named_parts(part, treatments)}; analyse one of them")
    return table, treatments, excluded


def treatment_names(given: pd.Series) -> list[Any]:
    """Give the names that occur: in the order of their categories, else sorted."""
    if isinstance(given.dtype, pd.CategoricalDtype):
        return list(given.cat.remove_unused_categories().cat.categories)
    return sorted(given.unique(), key=lambda name: (str(name).casefold(), str(name)))


def refuse_arms(arms: pd.DataFrame) -> None:
    """Refuse a treatment twice in a trial, and trials of one arm; ``study treatment trial`` with the caller's index."""
    twice = arms.duplicated(["trial", "treatment"])
    if twice.any():
        row = arms[twice].iloc[0]
        raise InputError(
            f"study {row['study']} has more than one arm of {row['treatment']} (row {plain(arms.index[twice][0])!r}); combine "
            "them, or give them names of their own"
        )
    size = arms.groupby("trial")["trial"].transform("size")
    if (size == 1).any():
        row = arms[size == 1].iloc[0]
        raise InputError(f"study {row['study']} has a single arm ({row['treatment']}), which compares nothing; leave it out")


def _refuse_incomplete(table: pd.DataFrame, treatments: list[Any]) -> None:
    repeated = table.duplicated(["trial", "low", "high"])
    if repeated.any():
        row = table[repeated].iloc[0]
        raise InputError(
            f"study {row['study']} compares {treatments[row['low']]} with {treatments[row['high']]} more than once; "
            "give one effect a comparison, or a study label of its own to each independent part"
        )
    for _, rows in table.groupby("trial"):
        arms = sorted({*rows["low"], *rows["high"]})
        lacking = {(a, b) for i, a in enumerate(arms) for b in arms[i + 1 :]} - set(zip(rows["low"], rows["high"], strict=True))
        if lacking:
            a, b = min(lacking)
            raise InputError(
                f"study {rows['study'].iloc[0]} has {len(arms)} arms but lacks {treatments[a]} against {treatments[b]}; "
                f"give all {len(arms) * (len(arms) - 1) // 2} comparisons of a trial"
            )


def network_parts(first: np.ndarray, second: np.ndarray, n: int) -> np.ndarray:
    """Give the part of the network, from 0, in which each of ``n`` treatments lies; comparisons join two of them."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    links = coo_array((np.ones(len(first)), (first, second)), shape=(n, n))
    return np.asarray(connected_components(links, directed=False)[1])


def named_parts(part: np.ndarray, treatments: Iterable[Any]) -> str:
    """Say which treatments lie in which part."""
    names = np.array([str(name) for name in treatments])
    named = "; ".join(f"{{{', '.join(names[part == c])}}}" for c in range(part.max() + 1))
    return f"{part.max() + 1} parts that no trial connects: {named}"


def known_treatment(argument: str, name: Any, treatments: pd.Index) -> None:
    """Refuse a treatment that the network does not know."""
    if not pd.api.types.is_hashable(name) or name not in treatments:
        told = [str(one) for one in treatments]
        if isinstance(name, str) and name in told:
            raise InputError(f"{argument}={name!r} is text, but the treatments are not; give it as they are")
        choice(argument, name, told)


def trials_by_arms(table: pd.DataFrame, treatments: pd.Index, tolerance: float) -> tuple[Trials, ...]:
    """Trials side by side with others of as many arms; those whose contrasts do not belong together are refused."""
    table = table.sort_values(["trial", "low", "high"])
    rows_of = table.groupby("trial")["trial"].transform("size").to_numpy()
    found = []
    for size in np.unique(rows_of):
        m = round((1 + np.sqrt(1 + 8 * size)) / 2)
        part = table[rows_of == size]
        trial, low, high, y, se = (part[c].to_numpy().reshape(-1, size) for c in ("trial", "low", "high", "y", "se"))
        i, j = np.triu_indices(m, 1)
        effect, variance = np.zeros((2, len(trial), m, m))
        effect[:, i, j], effect[:, j, i] = y, -y
        variance[:, i, j] = variance[:, j, i] = se**2
        group = Trials(trial[:, 0], np.column_stack([low[:, :1], high[:, : m - 1]]), effect, variance)
        _refuse_inconsistent(group, table, treatments, tolerance)
        found.append(group)
    return tuple(found)


def _refuse_inconsistent(group: Trials, table: pd.DataFrame, treatments: pd.Index, tolerance: float) -> None:
    """Refuse trials with several arms whose effects do not add up, or whose variances imply a negative one."""
    m = group.arms.shape[1]
    if m == 2:
        return
    potential = group.y.mean(axis=2)
    misfit = np.abs(group.y - (potential[:, :, None] - potential[:, None, :]))
    total = group.v.sum(axis=2)
    arm = (total - total.sum(axis=1, keepdims=True) / (2 * (m - 1))) / (m - 2)
    smallest = np.sqrt(np.where(np.eye(m, dtype=bool), np.inf, group.v).min(axis=(1, 2)))
    for s in np.flatnonzero(misfit.max(axis=(1, 2)) > tolerance * smallest):
        i, j = np.unravel_index(misfit[s].argmax(), (m, m))
        raise InputError(
            f"the effects of study {_study(table, group.trial[s])} do not add up: {treatments[group.arms[s, i]]} against "
            f"{treatments[group.arms[s, j]]} is {group.y[s, i, j]:.4g}, but {potential[s, i] - potential[s, j]:.4g} "
            f"follows from its comparisons together; correct them, or raise tolerance={tolerance}"
        )
    for s in np.flatnonzero(arm.min(axis=1) < 0):
        raise InputError(
            f"the standard errors of study {_study(table, group.trial[s])} cannot belong together: they imply a negative "
            f"variance in arm {treatments[group.arms[s, arm[s].argmin()]]}; correct them"
        )


def _study(table: pd.DataFrame, trial: int) -> Any:
    return table.loc[table["trial"] == trial, "study"].iloc[0]


def with_designs(table: pd.DataFrame, names: pd.Index) -> pd.DataFrame:
    """Contrasts as given, each with the design (the set of arms) of its trial."""
    arms = table.groupby("trial")[["low", "high"]].agg(lambda codes: list(codes))
    label = [":".join(str(names[i]) for i in sorted({*low, *high})) for low, high in zip(arms["low"], arms["high"], strict=True)]
    design = pd.Series(label, index=arms.index)
    return table[["study", "treat1", "treat2", "yi", "se"]].assign(design=design[table["trial"]].to_numpy())
