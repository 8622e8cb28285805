"""Effects of one trial that share an arm: how they covary."""

from __future__ import annotations

import pandas as pd

from acuevidence.synthesis.vcalc import vcalc

__all__ = ["shared_arm_covariance"]


def shared_arm_covariance(effects: pd.DataFrame) -> pd.DataFrame:
    """Return the sampling covariance of SMDs that share an arm within a trial.

    Parameters
    ----------
    effects : DataFrame
        Rows of :func:`acuevidence.trial_effects`. Where participants are not printed, those that would give the variance stand in.

    Returns
    -------
    DataFrame
        Effects by effects, with their variances on the diagonal.
    """
    per_arm = 2 / effects["vi"]
    sized = effects.assign(**{n: effects[n].astype(float).fillna(per_arm) for n in ("n1", "n2")})
    return vcalc(
        data=sized, arm1="arms", arm2="comparator_arms", n1="n1", n2="n2", yi="yi", measure="SMD"
    ) if len(sized) else pd.DataFrame()  # fmt: skip
