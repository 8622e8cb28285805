"""Effects of one trial that share patients: how they covary."""

from __future__ import annotations

from typing import Any

import pandas as pd

from acuevidence.synthesis.vcalc import vcalc

__all__ = ["shared_arm_covariance", "shared_patients_covariance"]


def shared_arm_covariance(effects: pd.DataFrame) -> pd.DataFrame:
    """Return the sampling covariance of effects that share an arm within a trial.

    Parameters
    ----------
    effects : DataFrame
        Rows of :func:`acuevidence.trial_effects`.

    Returns
    -------
    DataFrame
        Effects by effects, with their variances on the diagonal.

    Notes
    -----
    Effects that share an arm of n covary by ``spread**2 / n`` (columns ``spread1`` and ``spread2``), standardised mean differences
    also by g g' / (2 N) with N patients in all arms of both (Gleser and Olkin 2009, in The Handbook of Research Synthesis and
    Meta-Analysis, 2nd ed.). Where participants are not printed, those that would give the variance stand in.
    """
    return _covariance(effects, arm1="arms", arm2="comparator_arms") if len(effects) else pd.DataFrame()


def shared_patients_covariance(effects: pd.DataFrame, outcome: str, rho: float) -> pd.DataFrame:
    """Return the sampling covariance of a trial's effects on the same two arms, for example in several weeks.

    Parameters
    ----------
    effects : DataFrame
        Rows of :func:`acuevidence.trial_effects`, one comparator a trial.
    outcome : str
        Column that tells a trial's rows apart.
    rho : float
        Correlation between two of them in one patient.

    Returns
    -------
    DataFrame
        Effects by effects, with their variances on the diagonal.
    """
    return _covariance(effects, outcome=outcome, rho=rho)


def _covariance(effects: pd.DataFrame, **shared: Any) -> pd.DataFrame:
    vi = effects["vi"].astype(float)
    # As much as the variance implies, where the spread of one participant is not known.
    spreads = {name: effects[name].astype(float).fillna(1.0) for name in ("spread1", "spread2")}
    sizes = {f"n{i}": effects[f"n{i}"].astype(float).fillna(2 * spreads[f"spread{i}"] ** 2 / vi) for i in (1, 2)}
    standardised = (effects["effect"] == "SMD") & (effects["kind"] != "count")
    sized = effects.assign(yi=effects["yi"].where(standardised, 0.0), **spreads, **sizes)
    return vcalc(data=sized, n1="n1", n2="n2", sd1="spread1", sd2="spread2", yi="yi", measure="SMD", **shared)
