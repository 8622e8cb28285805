"""One trial's individual patients to an effect: the difference between groups adjusted for the baseline value.

Knows arrays and the description of the columns; knows no selection rule.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import stdtrit

from acuevidence.effects.continuous import hedges_j
from acuevidence.errors import InputError
from acuevidence.evidence.ipd import PatientDesign

__all__ = ["Ancova", "ancova", "from_patients"]

_FEWEST = 4


@dataclass(frozen=True, slots=True)
class Ancova:
    """The group's coefficient of least squares, one value a set of outcomes.

    Attributes
    ----------
    difference, se : array of shape (M,)
        Treated minus control at the same covariates, in the unit of the outcome, and its standard error.
    df : int
        Residual degrees of freedom.
    r2 : array of shape (M,)
        Share of the outcome's variance that the model explains.
    """

    difference: np.ndarray
    se: np.ndarray
    df: int
    r2: np.ndarray


def ancova(outcomes: np.ndarray, treated: np.ndarray, covariates: np.ndarray) -> Ancova:
    """Fit outcome = a + b treated + c covariates by least squares, for many sets of outcomes at once.

    Parameters
    ----------
    outcomes : array of shape (M, n)
        Sets of outcomes of the same n patients, none missing.
    treated : array of shape (n,)
        1 for the treated, 0 for the controls.
    covariates : array of shape (n, p) or (M, n, p)
        Values known at randomisation, or imputed per set.

    Returns
    -------
    Ancova
        Differences in the unit of the outcome.

    Notes
    -----
    ``b = (X'X)^-1 X'y`` with the residual variance on n - p - 2 degrees of freedom: the usual
    analysis of covariance of a follow-up value on the one before.

    Examples
    --------
    >>> import numpy as np
    >>> found = ancova(np.array([[3.0, 4.0, 7.0, 9.0, 8.0]]), np.array([0, 0, 1, 1, 1]), np.array([[1.0], [2.0], [1.0], [3.0], [2.0]]))
    >>> round(float(found.difference[0]), 3)
    4.0
    """
    m, n = outcomes.shape
    covariates = np.broadcast_to(covariates, (m, *covariates.shape[-2:]))
    fixed = np.broadcast_to(np.column_stack([np.ones(n), treated]), (m, n, 2))
    x = np.concatenate([fixed, covariates], axis=2)
    scale = np.sqrt((x**2).mean(axis=1, keepdims=True))
    z = x / np.where(scale > 0, scale, 1)
    if np.linalg.matrix_rank(z).min() < z.shape[2]:
        raise InputError("the covariates leave no difference between the groups to estimate: two columns say the same")
    inverse = np.linalg.inv(z.transpose(0, 2, 1) @ z)
    beta = inverse @ z.transpose(0, 2, 1) @ outcomes[:, :, None]
    residual = outcomes - (z @ beta)[:, :, 0]
    df = n - z.shape[2]
    rss = (residual**2).sum(axis=1)
    total = ((outcomes - outcomes.mean(axis=1, keepdims=True)) ** 2).sum(axis=1)
    unit = scale[:, 0, 1]
    return Ancova(beta[:, 1, 0] / unit, np.sqrt(inverse[:, 1, 1] * rss / df) / unit, df, 1 - rss / total)


def from_patients(table: pd.DataFrame, design: PatientDesign, *, level: float = 0.95) -> pd.DataFrame:
    """Return the adjusted difference of every score and week, patients with both values.

    Parameters
    ----------
    table : DataFrame
        One row a patient.
    design : PatientDesign
        What each column is.
    level : float
        Of the intervals.

    Returns
    -------
    DataFrame
        One row an outcome and week: ``outcome measure week n1 n2 difference difference_se ci_low ci_high sd smd se r2``;
        differences in the unit of the score, positive where the treated are better off, ``smd`` and its ``se`` in SD of the final
        values (Hedges g), ``r2`` of the model.

    Notes
    -----
    ``smd = J difference / sd`` and ``se^2 = (difference_se / sd)^2 + smd^2 / 2N`` with ``sd`` pooled over the groups' final
    values: the sampling error of an adjusted difference is that of the model, not of two raw means.

    Examples
    --------
    >>> import acuevidence as ae
    >>> from acuevidence.evidence.ipd import patient_design
    >>> evidence = ae.load_evidence()
    >>> patients = evidence.ipd["vickers2004"]
    >>> found = from_patients(patients, patient_design(evidence.folder, "vickers2004", patients))
    >>> found.loc[3, ["difference", "ci_low", "ci_high"]].astype(float).round(2).tolist()
    [4.59, 2.12, 7.05]
    """
    rows: list[dict[str, Any]] = []
    treated = (table[design.group] == design.treated).to_numpy(float)
    for score in design.scores:
        baseline = table[score.baseline].to_numpy(float)
        for week, column in score.weeks.items():
            y = table[column].to_numpy(float) * score.benefit
            held = np.isfinite(y) & np.isfinite(baseline)
            g, own = treated[held], y[held]
            n1, n2 = int(g.sum()), int((1 - g).sum())
            if min(n1, n2) < _FEWEST:
                raise InputError(
                    f"{design.trial_id}: {score.outcome} at week {week:g} has {n1} and {n2} patients; {_FEWEST} a group are needed"
                )
            fit = ancova(own[None], g, baseline[held, None])
            difference, se = float(fit.difference[0]), float(fit.se[0])
            half = se * float(stdtrit(fit.df, 0.5 + level / 2))
            squares = ((n1 - 1) * own[g == 1].var(ddof=1) + (n2 - 1) * own[g == 0].var(ddof=1)) / (n1 + n2 - 2)
            sd = float(np.sqrt(squares))
            smd = float(hedges_j(n1 + n2 - 2)) * difference / sd
            rows.append(
                {
                    "outcome": score.outcome,
                    "measure": score.measure,
                    "week": week,
                    "n1": n1,
                    "n2": n2,
                    "difference": difference,
                    "difference_se": se,
                    "ci_low": difference - half,
                    "ci_high": difference + half,
                    "sd": sd,
                    "smd": smd,
                    "se": float(np.sqrt((se / sd) ** 2 + smd**2 / (2 * (n1 + n2)))),
                    "r2": float(fit.r2[0]),
                }
            )
    return pd.DataFrame(rows)
