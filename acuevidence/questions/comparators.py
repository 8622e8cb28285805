"""Two comparators of a condition: whether their effects differ, where trials with arms of both share the treated patients."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from acuevidence import words
from acuevidence.arguments import guard
from acuevidence.effects.trials import trial_effects
from acuevidence.errors import InputError
from acuevidence.evidence import Evidence, load_evidence
from acuevidence.inputs import choice
from acuevidence.questions.shared_arms import shared_arm_covariance
from acuevidence.shown import Shown
from acuevidence.synthesis.multilevel import MultilevelMetaAnalysis, multilevel

__all__ = ["Comparators", "comparators"]

_COLUMNS = [
    "first",
    "second",
    "difference",
    "se",
    "df",
    "ci_low",
    "ci_high",
    "p_model",
    "p_robust",
    "robust_df",
    "p_value",
    "k",
    "shared",
]
_TRUSTED = 4.0  # degrees of freedom from which cluster-robust tests are trusted (Tipton 2015)


@dataclass(frozen=True, slots=True, kw_only=True, repr=False, eq=False)
class Comparators(Shown):
    """The difference between the effects against two comparators.

    Attributes
    ----------
    first, second : str
        The comparators: the difference is the effect against the second minus that against the first.
    difference, se, df, ci_low, ci_high : float
        In the unit of the effects, by t with k - 2 degrees of freedom.
    p_model, p_robust : float
        P of the model, and cluster-robust (CR2, trials as clusters); the latter is NaN where its degrees of freedom are below 4.
    robust_df : float
        Satterthwaite degrees of freedom of the robust test.
    k, shared : int
        Effects, and trials with both comparators.
    model : MultilevelMetaAnalysis
        Random trials and effects within trials.
    effects : DataFrame
        The rows of ``trial_effects``.
    """

    first: str
    second: str
    difference: float
    se: float
    df: float
    ci_low: float
    ci_high: float
    p_model: float
    p_robust: float
    robust_df: float
    k: int
    shared: int
    model: MultilevelMetaAnalysis = field(repr=False)
    effects: pd.DataFrame = field(repr=False)

    @property
    def p_value(self) -> float:
        """The larger of both P values."""
        return self.p_model if np.isnan(self.p_robust) else max(self.p_model, self.p_robust)

    def to_frame(self) -> pd.DataFrame:
        """Return the difference in one row.

        Returns
        -------
        DataFrame
            Columns ``first second difference se df ci_low ci_high p_model p_robust robust_df p_value k shared``.

        Examples
        --------
        >>> from acuevidence.questions import comparators
        >>> comparators("knee_osteoarthritis").to_frame()[["first", "second"]].values.tolist()
        [['sham', 'usual_care']]
        """
        return pd.DataFrame([{name: getattr(self, name) for name in _COLUMNS}])

    def _sentences(self) -> list[str]:
        robust = "" if np.isnan(self.p_robust) else f", cluster-robust {words.p(self.p_robust)}"
        return [
            f"Against {self.second.replace('_', ' ')} minus against {self.first.replace('_', ' ')}: "
            f"{words.interval(self.difference, self.ci_low, self.ci_high, 3)}; P {words.p(self.p_model)}{robust}.",
            f"{words.count(self.k, 'effect')}; {words.count(self.shared, 'trial')} with both comparators. Multilevel model, random trials "
            f"and effects, REML; sampling errors of a shared arm covary.",
        ]


def comparators(
    condition: str, *, first: str | None = None, second: str | None = None, evidence: Evidence | None = None
) -> Comparators:
    """Test whether the effects against two comparators differ.

    Parameters
    ----------
    condition : str
        One of :func:`acuevidence.conditions`.
    first, second : str, optional
        Comparators. Default: the placebo and the untreated one of the topic.
    evidence : Evidence, default the package's

    Returns
    -------
    Comparators
        The difference, its interval and P values.

    Raises
    ------
    InputError
        For an unknown condition or comparator, or fewer than two trials against one of them.

    Notes
    -----
    Trials with arms of both comparators stand twice and share their treated patients, so that the comparators are no subgroups: one
    multilevel model (random trials and effects within trials, REML) holds both, with the covariance of shared arms (1/n + g1 g2 / 2N
    for standardised differences), and the difference is tested by t with k - 2 degrees of freedom. The cluster-robust test (CR2) stands
    beside it where its degrees of freedom are 4 or more; the larger P counts.

    Examples
    --------
    >>> from acuevidence.questions import comparators
    >>> found = comparators("low_back_pain")
    >>> found.p_model < 0.05
    True
    """
    evidence = load_evidence() if evidence is None else evidence
    topic = evidence.topic
    choice("condition", condition, list(topic.conditions))
    pair = [given or topic.of_kind(kind) for given, kind in ((first, "placebo"), (second, "untreated"))]
    if None in pair or pair[0] == pair[1]:
        raise InputError("name two different comparators: first= and second= (the topic names none of kind placebo and untreated)")
    one, other = (choice("comparator", str(name), list(topic.comparators)) for name in pair)
    effects = trial_effects(condition, evidence=evidence)
    attrs = effects.attrs
    effects = effects[effects["comparator"].isin([one, other])].reset_index(drop=True)
    effects.attrs = attrs
    counts = effects["comparator"].value_counts()
    for name in (one, other):
        if counts.get(name, 0) < 2:
            raise InputError(f"{condition} has {counts.get(name, 0)} trials against {name}; two or more are needed to compare")
    V = shared_arm_covariance(effects)
    rows = effects.assign(row=effects.index, other=(effects["comparator"] == other).astype(float))
    model = multilevel("yi", V, data=rows, random="trial_id/row", moderators="~ other")
    term = model.coefficients.loc["other"]
    robust = model.robust(rows["trial_id"]).coefficients.loc["other"]
    trusted = float(robust["df"]) >= _TRUSTED
    return Comparators(
        first=one,
        second=other,
        difference=float(term["estimate"]),
        se=float(term["se"]),
        df=float(term["df"]),
        ci_low=float(term["ci_low"]),
        ci_high=float(term["ci_high"]),
        p_model=float(term["p_value"]),
        p_robust=float(robust["p_value"]) if trusted else np.nan,
        robust_df=float(robust["df"]),
        k=len(rows),
        shared=int(rows["trial_id"].duplicated().sum()),
        model=model,
        effects=effects,
    )


guard(__name__, "comparators")
