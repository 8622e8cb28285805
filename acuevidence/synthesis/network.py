"""Network meta-analysis: every pair of treatments compared, through all trials that connect them.

Knows contrasts, trials with several arms, and the network they span. Local and global inconsistency is looked at
in :mod:`network_inconsistency`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import chdtrc, ndtr

from acuevidence.arguments import guard
from acuevidence.inputs import choice
from acuevidence.synthesis.methods import NetworkMethods
from acuevidence.synthesis.network_contrasts import known_treatment, read_contrasts, trials_by_arms, with_designs
from acuevidence.synthesis.network_effects import NetworkEffects, every_pair
from acuevidence.synthesis.network_fit import degrees, fit, moments, reml, within_designs

__all__ = ["NetworkMetaAnalysis", "network"]


@dataclass(frozen=True, slots=True, kw_only=True, repr=False, eq=False)
class NetworkMetaAnalysis(NetworkEffects, NetworkMethods):
    """Result of :func:`network`.

    Attributes
    ----------
    estimates, se : DataFrame (treatments, treatments)
        Effect of the row's treatment minus the column's, and its standard error. Positive favours the row when
        larger effects are better.
    treatments : Index
        All treatments, sorted (or in the order of their categories).
    reference : object
        Treatment the others are set against in ``to_frame``.
    tau2 : float or None
        Between-trial variance, the same for every contrast; None where the network leaves no degrees of freedom.
        Estimated also when ``effects="common"``, which does not use it.
    i2 : float or None
        Percent of the variation that is heterogeneity or inconsistency, ``100 (Q - df) / Q``.
    q_total, q_heterogeneity, q_inconsistency : float
        Cochran's Q of the whole network, its part within designs, and its part between designs (common effects).
    q_total_df, q_heterogeneity_df, q_inconsistency_df : int
    q_total_p, q_heterogeneity_p, q_inconsistency_p : float
        Their degrees of freedom and p values (1 where there are no degrees of freedom).
    p_scores : Series
        Mean certainty that a treatment is better than another (Ruecker & Schwarzer 2015, BMC Medical Research
        Methodology), between 0 and 1.
    k, contrasts : int
        Number of trials, and of contrasts given.
    method, effects, favourable : str
    level : float
    df : float or None
        Degrees of freedom of intervals and tests; None: normal.
    data : DataFrame
        ``study treat1 treat2 yi se design``, one row a contrast, with the caller's index.
    excluded : DataFrame
        Rows left out under ``missing="drop"``, with a ``reason``.
    trials : tuple
        The contrasts of each trial with their covariance, as the model reads them.
    """


def network(
    treat1: Any = "treat1",
    treat2: Any = "treat2",
    yi: Any = "yi",
    se: Any = "se",
    study: Any = "study",
    *,
    data: pd.DataFrame | None = None,
    reference: Any = None,
    method: str = "DL",
    effects: str = "random",
    favourable: str = "larger",
    test: str = "z",
    level: float = 0.95,
    tolerance: float = 0.01,
    missing: str = "raise",
) -> NetworkMetaAnalysis:
    """Compare all treatments of a connected network of trials.

    Parameters
    ----------
    treat1, treat2 : str or array-like (rows,)
        Treatments a row compares.
    yi : str or array-like (rows,)
        Effect of ``treat1`` minus ``treat2``.
    se : str or array-like (rows,)
        Its standard error.
    study : str or array-like (rows,)
        Trial. A trial with m arms gives all its m (m - 1) / 2 comparisons.
    data : DataFrame, optional
        Where column names are looked up.
    reference : object, optional
        Treatment the others are set against in ``to_frame``; the one with most trials when None.
    method : {"DL", "REML", "REML-joint"}
        Estimator of tau2, see Notes.
    effects : {"random", "common"}
    favourable : {"larger", "smaller"}
        Which effects are better, for the P-scores.
    test : {"z", "t"}
        Intervals and tests of the effects: normal, or t with the degrees of freedom of Q.
    level : float
        Level of the intervals.
    tolerance : float
        By how much the effects of a trial with several arms may miss adding up, because they were rounded: a share of the
        smallest of its standard errors.
    missing : {"raise", "drop"}
        What to do with a row that lacks an effect, its standard error, a treatment or its trial: refuse, or leave it out and
        list it in ``excluded``.

    Returns
    -------
    NetworkMetaAnalysis

    Raises
    ------
    InputError
        For a network in several parts (the message names them), a trial that lacks or repeats a comparison, or
        whose effects do not add up or whose standard errors cannot belong together.

    Notes
    -----
    Graph-theoretical network meta-analysis (Ruecker 2012, Research Synthesis Methods), as netmeta: the weights of
    trials with several arms are back-calculated from the variances of their contrasts, which equals generalised
    least squares with their covariance.

    ``DL`` is the generalised method of moments (Jackson, White & Riley 2012, Statistics in Medicine). ``REML``
    is netmeta's: for tau2 alone, the contrasts of a trial against its last treatment count with uncorrelated
    sampling errors, so in networks with such trials tau2 depends a little on the names of the treatments.
    ``REML-joint`` keeps their covariance and does not. The three coincide where all trials have two arms, except
    that DL is a moment estimator.

    Examples
    --------
    >>> import pandas as pd
    >>> trials = pd.DataFrame({
    ...     "study": [1, 2, 3, 4], "treat1": ["acupuncture", "acupuncture", "sham", "acupuncture"],
    ...     "treat2": ["sham", "usual care", "usual care", "sham"],
    ...     "yi": [0.2, 0.7, 0.3, 0.3], "se": [0.1, 0.1, 0.1, 0.1]})
    >>> net = network(data=trials, effects="common")
    >>> net.estimates.round(2).loc["acupuncture"].to_dict()
    {'acupuncture': 0.0, 'sham': 0.28, 'usual care': 0.64}
    >>> net.to_frame()[["estimate", "se"]].round(3).loc["usual care"].to_list()
    [-0.64, 0.077]
    """
    choice("method", method, ("DL", "REML", "REML-joint"))
    choice("effects", effects, ("random", "common"))
    choice("favourable", favourable, ("larger", "smaller"))
    choice("test", test, ("z", "t"))
    table, treatments, excluded = read_contrasts(treat1, treat2, yi, se, study, data, missing)
    names = pd.Index(treatments, name="treatment")
    trials, n = trials_by_arms(table, names, tolerance), len(names)
    common = fit(trials, n)
    df = degrees(trials) - (n - 1)
    within, within_df = within_designs(trials)
    if df == 0:
        tau2 = None
    else:
        joint = method == "REML-joint"
        tau2 = moments(trials, common, df) if method == "DL" else reml(trials, np.eye(n)[:, 1:], joint=joint)
    chosen = common if effects == "common" or not tau2 else fit(trials, n, tau2)
    pairs = every_pair(chosen.theta, chosen.covariance, names)
    if reference is None:
        counts = np.bincount(np.concatenate([g.arms.ravel() for g in trials]), minlength=n)
        reference = names[int(counts.argmax())]
    else:
        known_treatment("reference", reference, names)
    better = pairs["estimates"].to_numpy() * (1 if favourable == "larger" else -1)
    certainty = ndtr(better / (pairs["se"].to_numpy() + np.eye(n))) * (1 - np.eye(n))
    between, between_df = common.q - within, df - within_df
    return NetworkMetaAnalysis(
        **pairs,
        treatments=names,
        reference=reference,
        tau2=tau2,
        i2=None if df == 0 else 100 * max(0.0, (common.q - df) / max(common.q, 1e-300)),
        q_total=common.q,
        q_total_df=df,
        q_total_p=_tail(df, common.q),
        q_heterogeneity=within,
        q_heterogeneity_df=within_df,
        q_heterogeneity_p=_tail(within_df, within),
        q_inconsistency=between,
        q_inconsistency_df=between_df,
        q_inconsistency_p=_tail(between_df, between),
        p_scores=pd.Series(certainty.sum(axis=1) / (n - 1), index=names, name="p_score"),
        k=table["study"].nunique(),
        contrasts=len(table),
        method=method,
        effects=effects,
        favourable=favourable,
        level=level,
        df=df if test == "t" and df else None,
        data=with_designs(table, names),
        excluded=excluded,
        trials=trials,
    )


def _tail(df: int, q: float) -> float:
    return float(chdtrc(df, max(q, 0.0))) if df else 1.0


guard(__name__, "network")
