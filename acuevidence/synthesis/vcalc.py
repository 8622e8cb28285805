"""Sampling covariance of effects that share patients: one arm in two contrasts, several outcomes, several weeks.

Knows sampling only. How true effects vary between trials is the business of :mod:`multilevel` and
:mod:`multivariate`, which take the ``V`` built here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from acuevidence.arguments import guard
from acuevidence.errors import InputError
from acuevidence.inputs import choice, numeric, refuse, values
from acuevidence.synthesis.covariance import stacks

__all__ = ["vcalc"]


def vcalc(
    vi: Any = "vi",
    cluster: Any = "trial_id",
    *,
    data: pd.DataFrame | None = None,
    outcome: Any = None,
    rho: float | pd.DataFrame | None = None,
    scale: Any = None,
    rho_scale: float | None = None,
    week: Any = None,
    phi: float | None = None,
    arm1: Any = None,
    arm2: Any = None,
    n1: Any = None,
    n2: Any = None,
    sd1: Any = None,
    sd2: Any = None,
    yi: Any = None,
    measure: str | None = None,
) -> pd.DataFrame:
    """Build the sampling covariance matrix of effects that share patients within trials.

    Parameters
    ----------
    vi : str or array-like (k,)
        Sampling variances; they stay on the diagonal.
    cluster : str or array-like (k,)
        Trial; effects of different trials are independent.
    data : DataFrame, optional
        Where column names are looked up.
    outcome, rho : str or array-like (k,), float or DataFrame
        What was measured, and the correlation between two outcomes of a patient: one number, or a frame
        with a row and a column for each outcome.
    scale, rho_scale : str or array-like (k,), float
        The instrument, and the correlation between two instruments of the same outcome.
    week, phi : str or array-like (k,), float
        When it was measured, and the correlation of measurements one week apart; w weeks apart it is ``phi**w``.
    arm1, arm2 : str or array-like (k,)
        Labels of the arms a row contrasts. Left out: all rows of a trial contrast the same two arms.
    n1, n2 : str or array-like (k,)
        Patients in these arms; needed with ``arm1`` and ``arm2``, and for SMDs.
    sd1, sd2 : str or array-like (k,), optional
        Standard deviations in these arms; mean differences that share an arm then covary by exactly ``sd**2 / n``.
    yi : str or array-like (k,), optional
        Effects; needed for SMDs.
    measure : {"SMD"}, optional
        For standardised mean differences: covariance of Gleser & Olkin. Any other effect: correlations.

    Returns
    -------
    DataFrame (k, k)
        ``V`` on the caller's index, block-diagonal by trial and positive definite in each block.

    Raises
    ------
    InputError
        When a block is not positive definite (the message names the trial), a correlation is missing or out of
        range, or an argument lacks its partner.

    Notes
    -----
    Without ``measure`` the entries are ``r s sqrt(vi vj)`` as in metafor's ``vcalc`` (``type`` is ``outcome``,
    ``obs`` is ``scale``, ``time1`` is ``week``, ``grp`` is ``arm``, ``w`` is ``n``, or ``n / sd**2``): ``r`` is the
    correlation of the two measurements, ``s`` that of two contrasts through their shared arms,
    ``s = (sum of +-1/sqrt(w w') over shared arms) / sqrt((1/w1 + 1/w2)(1/w1' + 1/w2'))``.

    With ``measure="SMD"`` the entries are ``r (sum of +-1/n over shared arms) + r**2 d d' / (2 N)`` with ``N``
    patients in all arms of the two contrasts: for a shared arm and for several endpoints the large-sample
    covariances of Gleser & Olkin (2009, in The Handbook of Research Synthesis and Meta-Analysis, 2nd ed.).
    The sign of a shared arm is + where it stands on the same side of both contrasts, - otherwise.

    Examples
    --------
    A three-arm trial: acupuncture against sham and against usual care.

    >>> import pandas as pd
    >>> arms = pd.DataFrame({"trial_id": ["A", "A"], "arm1": ["acupuncture"] * 2, "arm2": ["sham", "usual care"],
    ...                      "n1": [100, 100], "n2": [100, 50], "yi": [0.2, 0.6]})
    >>> arms["vi"] = 1 / arms.n1 + 1 / arms.n2 + arms.yi**2 / (2 * (arms.n1 + arms.n2))
    >>> vcalc(data=arms, arm1="arm1", arm2="arm2", n1="n1", n2="n2", yi="yi", measure="SMD").round(5)
             0        1
    0  0.02010  0.01024
    1  0.01024  0.03120
    """
    given, index = numeric(data, vi=vi, week=week, n1=n1, n2=n2, sd1=sd1, sd2=sd2, yi=yi)
    labels = values(data, cluster=cluster, outcome=outcome, scale=scale, arm1=arm1, arm2=arm2)[0]
    for name in ("vi", "n1", "n2", "sd1", "sd2"):
        if name in given:
            refuse(given[name] <= 0, f"{name} must be positive", given[name], index)
    for name, label in labels.items():
        refuse(label.isna().to_numpy(), f"{name} is missing", label, index)
    standardised = measure is not None and choice("measure", measure, ("SMD",)) == "SMD"
    _partners(given, labels, standardised, rho=rho, rho_scale=rho_scale, phi=phi)
    k = len(index)
    contrasts = _contrasts(given, labels, k, index)
    trial = pd.factorize(labels["cluster"])[0]
    V = np.zeros((k, k))
    for rows in stacks(trial):
        r = _correlation(rows, given, labels, rho, rho_scale, phi)
        shared, patients = contrasts.shared(rows)
        if standardised:
            d = given["yi"][rows]
            block = r * shared + r**2 * d[:, :, None] * d[:, None, :] / (2 * patients)
        else:
            own = np.einsum("bii->bi", shared)
            spread = np.sqrt(given["vi"][rows] / own)
            block = r * shared * spread[:, :, None] * spread[:, None, :]
        np.einsum("bii->bi", block)[:] = given["vi"][rows]
        _refuse_singular(block, rows, labels["cluster"], index)
        V[rows[:, :, None], rows[:, None, :]] = block
    return pd.DataFrame(V, index=index, columns=index)


@dataclass(frozen=True, slots=True)
class _Contrasts:
    """The two arms of every row, as numbers, with their sizes and the weight (inverse variance) of each."""

    arm: np.ndarray  # (k, 2)
    patients: np.ndarray  # (k, 2)
    weight: np.ndarray  # (k, 2)

    def shared(self, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Covariance through shared arms, and the patients in all arms of two contrasts, both (B, n, n)."""
        arm, n, w = self.arm[rows], self.patients[rows], self.weight[rows]
        same = arm[:, :, None, :, None] == arm[:, None, :, None, :]  # (B, i, j, side, side')
        size = 1 / np.sqrt(w[:, :, None, :, None] * w[:, None, :, None, :])
        sign = np.array([[1, -1], [-1, 1]])
        total = n.sum(axis=-1)
        overlap = (same * np.sqrt(n[:, :, None, :, None] * n[:, None, :, None, :])).sum(axis=(-2, -1))
        return (same * size * sign).sum(axis=(-2, -1)), total[:, :, None] + total[:, None, :] - overlap


def _contrasts(given: dict[str, np.ndarray], labels: dict[str, pd.Series], k: int, index: pd.Index) -> _Contrasts:
    arm = np.tile([0, 1], (k, 1))
    if "arm1" in labels:
        both = pd.factorize(pd.concat([labels["arm1"], labels["arm2"]], ignore_index=True))[0]
        arm = both.reshape(2, k).T
        refuse(arm[:, 0] == arm[:, 1], "arm1 and arm2 must differ", labels["arm1"], index)
    n = np.stack([given.get(name, np.ones(k)) for name in ("n1", "n2")], axis=1)
    sd = np.stack([given.get(name, np.ones(k)) for name in ("sd1", "sd2")], axis=1)
    return _Contrasts(arm, n, n / sd**2)


def _correlation(
    rows: np.ndarray,
    given: dict[str, np.ndarray],
    labels: dict[str, pd.Series],
    rho: Any,
    rho_scale: float | None,
    phi: float | None,
) -> np.ndarray:
    """Correlation of the measurements behind two rows, (B, n, n)."""
    r = np.ones((*rows.shape, rows.shape[1]))
    if "scale" in labels:
        code = pd.factorize(labels["scale"])[0][rows]
        r = np.where(code[:, :, None] == code[:, None, :], 1.0, float(rho_scale or 0))
    if "outcome" in labels:
        code, names = pd.factorize(labels["outcome"])
        between = rho.loc[names, names].to_numpy(float) if isinstance(rho, pd.DataFrame) else rho
        i, j = code[rows][:, :, None], code[rows][:, None, :]
        r = np.where(i == j, r, between[i, j] if isinstance(between, np.ndarray) else between)
    if "week" in given:
        week = given["week"][rows]
        r = r * np.power(float(phi or 0), np.abs(week[:, :, None] - week[:, None, :]))
    return r


def _partners(given: dict[str, np.ndarray], labels: dict[str, pd.Series], standardised: bool, **correlation: Any) -> None:
    """Refuse arguments without the argument that gives them meaning, and correlations out of range."""
    for what, name, present in (
        ("outcome", "rho", "outcome" in labels),
        ("scale", "rho_scale", "scale" in labels),
        ("week", "phi", "week" in given),
    ):
        value = correlation[name]
        if present and value is None:
            raise InputError(f"{what} needs {name}, the assumed correlation; for example {name}=0.5")
        if value is not None and not present:
            raise InputError(f"{name} needs {what}, so that it is known which rows it applies to")
        if isinstance(value, pd.DataFrame):
            missing = sorted(set(labels["outcome"]) - (set(value.index) & set(value.columns)), key=str)
            if missing:
                raise InputError(f"{name} lacks a row and a column for outcome {missing[0]!r}")
            if not np.allclose(value, value.T):
                raise InputError(f"{name} must be symmetric")
        if value is not None and not np.all(np.abs(np.asarray(value, float)) <= 1):
            raise InputError(f"{name} must lie between -1 and 1, not {value}")
        if name == "phi" and value is not None and value < 0:
            raise InputError(f"phi must not be negative, not {value}: weeks apart may be fractions")
    needs = [
        ("arm1", "arm2"),
        ("arm2", "arm1"),
        ("arm1", "n1"),
        ("arm1", "n2"),
        ("sd1", "n1"),
        ("sd2", "n2"),
        ("sd1", "sd2"),
        ("sd2", "sd1"),
    ]
    have = set(given) | set(labels)
    if standardised:
        needs += [("measure", name) for name in ("yi", "n1", "n2")]
        have.add("measure")
    for one, other in needs:
        if one in have and other not in have:
            raise InputError(f"{one} needs {other}")


def _refuse_singular(block: np.ndarray, rows: np.ndarray, cluster: pd.Series, index: pd.Index) -> None:
    smallest = np.linalg.eigvalsh(block)[:, 0] / np.einsum("bii->bi", block).max(axis=1)
    bad = np.flatnonzero(smallest <= 1e-10)
    if len(bad):
        own = rows[bad[0]]
        raise InputError(
            f"V of trial {cluster.iloc[own[0]]} is not positive definite (rows {index[own].tolist()}): the effects "
            "determine each other or the assumed correlations contradict each other; leave out redundant rows (two "
            "contrasts say it all with three arms), tell rows apart by outcome, scale or week, or lower correlations"
        )


guard(__name__, "vcalc")
