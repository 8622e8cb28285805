"""What the trials that print no usable figure could do to a pooled effect.

In the spirit of ROB-ME: a trial that is known to have measured the outcome and prints nothing that can be pooled is evidence
withheld. It enters with an assumed effect and the precision its size would give; the assumption is stated and varied.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from acuevidence.appraisal.thresholds import checked_threshold, threshold_of
from acuevidence.arguments import guard
from acuevidence.errors import InputError
from acuevidence.evidence.carried import evidence_of, unheld
from acuevidence.inputs import choice
from acuevidence.later import Later
from acuevidence.shown import Shown
from acuevidence.synthesis import kernel
from acuevidence.synthesis.effect import PooledEffect
from acuevidence.topic import NEUTRAL, Topic, topic_of

if TYPE_CHECKING:
    from acuevidence.evidence import Evidence
    from acuevidence.plots.missing_evidence import missing_evidence as _draw
else:
    _draw = Later("acuevidence.plots.missing_evidence", "missing_evidence")

__all__ = ["MissingEvidence", "missing_evidence"]

_REACH = 3.0  # assumed effects are looked at from -3 to 3 SD
_POINTS = 601
_NOT_MEASURED = "no figure printed"
_WORDS = {"above": "favours {treatment}", "below": "favours the comparator", "unsure": "unsure which way"}


@dataclass(frozen=True, slots=True, kw_only=True, repr=False, eq=False)
class MissingEvidence(Shown):
    """A sensitivity analysis for trials without usable figures.

    Attributes
    ----------
    scenarios : DataFrame
        One row an assumption: ``observed`` (trials with figures alone), ``null`` (missing trials found no difference),
        ``reported`` (as their reports conclude, with ``size``) and ``opposite`` (the same turned against the treatment); columns
        ``k estimate ci_low ci_high tau2 verdict``. Positive favours the treatment.
    trials : DataFrame
        The missing trials: ``study, reported_direction, reason, n``, the ``direction`` taken (1, 0, -1) and the variance
        ``vi`` that their size implies.
    curve : DataFrame
        ``effect`` assumed in every missing trial against the pooled ``estimate, ci_low, ci_high``.
    bound_above, bound_below : float or None
        Common effect of the missing trials from which on the interval lies above zero, and up to which it lies below zero;
        None: no effect within 3 SD does that. The verdict "above" flips below ``bound_above``.
    bound_mid : float or None
        Common effect from which on the estimate reaches the minimal important difference.
    verdict : str
        Of the trials with figures: ``above``, ``below`` or ``unsure``, by the interval against zero.
    size : float
        Effect taken for a reported benefit, in units of yi.
    mid : float or None
        Minimal important difference; None where none is known.
    level : float
        Level of the intervals.
    topic : Topic
        The words of the review.
    """

    scenarios: pd.DataFrame
    trials: pd.DataFrame
    curve: pd.DataFrame
    bound_above: float | None
    bound_below: float | None
    bound_mid: float | None
    verdict: str
    size: float
    mid: float | None
    level: float
    topic: Topic = NEUTRAL

    @property
    def k_missing(self) -> int:
        """Number of missing trials that enter."""
        return len(self.trials)

    @property
    def bound(self) -> float | None:
        """Common effect of the missing trials at which the verdict flips; where it is unsure, at which it turns positive."""
        return self.bound_below if self.verdict == "below" else self.bound_above

    def to_frame(self) -> pd.DataFrame:
        """Return the scenarios."""
        return self.scenarios.copy()

    def _sentences(self) -> list[str]:
        seen, treatment = self.scenarios.loc["observed"], self.topic.treatment.phrase
        words = {verdict: said.format(treatment=treatment) for verdict, said in _WORDS.items()}
        lines = [
            f"{int(seen['k'])} trials with figures, {self.k_missing} known to have measured the outcome without usable ones. "
            f"Observed: {seen['estimate']:.2f} ({seen['ci_low']:.2f} to {seen['ci_high']:.2f}), {words[self.verdict]}."
        ]
        for name, row in self.scenarios.iloc[1:].iterrows():
            assumed = _ASSUMED[str(name)].format(size=self.size, treatment=treatment)
            lines.append(
                f"If {assumed}: {row['estimate']:.2f} ({row['ci_low']:.2f} to {row['ci_high']:.2f}), {words[row['verdict']]}."
            )
        if self.k_missing:
            lines.append(self._bound_in_words())
        return lines

    def _bound_in_words(self) -> str:
        if self.bound is None:
            return f"No common effect of the missing trials within {_REACH:g} SD changes this verdict."
        if self.verdict == "unsure":
            return f"The interval would lie above zero if the missing trials had an effect of {self.bound:.2f} or more on average."
        side = "less than" if self.verdict == "above" else "more than"
        return f"The verdict flips when the missing trials have an effect of {side} {self.bound:.2f} on average."

    def _page_table(self) -> pd.DataFrame:
        return self.scenarios.round(3)

    plot = _draw


_ASSUMED = {
    "null": "they all found no difference",
    "reported": "a reported benefit or harm is {size:.2f} and anything else no difference",
    "opposite": "every one of them found {size:.2f} against {treatment}",
}


def missing_evidence(
    result: PooledEffect,
    *,
    size: float | None = None,
    include: str = "measured",
    outcome: str | None = None,
    evidence: Evidence | None = None,
) -> MissingEvidence:
    """Return what the trials without usable figures could do to a pooled effect.

    Parameters
    ----------
    result : MetaAnalysis
        A pooled SMD of one comparator, from the rows of :func:`acuevidence.trial_effects` (its ``attrs["excluded"]`` names
        the missing trials), without moderators.
    size : float, optional
        Effect taken for a reported benefit (its negative for a harm). Default: the minimal important difference.
    include : {"measured", "all"}
        ``measured``: trials that report a direction, or print figures that cannot be used; ``all``: also those of which it is
        not known whether they measured the outcome.
    outcome : str, optional
        Outcome whose minimal important difference is meant. Default: that of the result.
    evidence : Evidence, optional
        Default: the one that the result carries. Where it carries none, ``size`` must be given, what crosses the minimal
        important difference is not known, and missing trials get the median variance.

    Returns
    -------
    MissingEvidence
        Scenarios, the bound at which the verdict flips, and the curve between.

    Raises
    ------
    InputError
        When the result does not come from ``trial_effects``, holds several comparators or has moderators.

    Notes
    -----
    After Page et al (2023, BMJ; ROB-ME). The variance of a missing trial is 4/n, that of an SMD with equal arms,
    n being the randomised participants of the arms compared; where n is unknown, the median variance of the trials with
    figures. Reports that conclude differently on several outcomes or weeks, or state nothing, count as no difference.

    Examples
    --------
    >>> import acuevidence as ae
    >>> effects = ae.trial_effects("low_back_pain", comparator="sham")
    >>> missing = ae.meta_analysis("yi", "vi", data=effects).missing_evidence()
    >>> list(missing.scenarios.index)
    ['observed', 'null', 'reported', 'opposite']
    """
    choice("include", include, ("measured", "all"))
    evidence = evidence_of(result, evidence)
    trials = _missing_trials(result, include)
    important = threshold_of(result, evidence)
    if outcome is not None and evidence is not None:
        found = checked_threshold(evidence, outcome)
        important = None if found is None else found.low
    if size is None:
        if important is None:
            raise InputError("the result carries no evidence with a minimal important difference; give size= or evidence=")
        size = important
    else:
        size = float(size)
    if not size > 0:
        raise InputError(f"size must be positive (the effect taken for a reported benefit), not {size!r}")
    direction, v = trials["direction"].to_numpy(dtype=float), trials["vi"].to_numpy(dtype=float)
    assumed = {"null": np.zeros(len(v)), "reported": size * direction, "opposite": np.full(len(v), -size)}
    scenarios = _with(result, np.stack(list(assumed.values())), v)
    scenarios.index = pd.Index(list(assumed), name="scenario")
    seen = pd.DataFrame(
        {
            "k": result.k,
            "estimate": result.estimate,
            "ci_low": result.ci_low,
            "ci_high": result.ci_high,
            "tau2": result.tau2,
        },
        index=pd.Index(["observed"], name="scenario"),
    )
    scenarios = pd.concat([seen, scenarios])
    scenarios["verdict"] = _verdict(scenarios)
    verdict = str(scenarios["verdict"].iloc[0])
    effects = np.linspace(-_REACH, _REACH, _POINTS)
    curve = _curve(result, effects, v)
    bounds = [
        _first(result, v, lambda frame: frame["ci_low"] > 0, -_REACH, _REACH),
        _first(result, v, lambda frame: frame["ci_high"] < 0, _REACH, -_REACH),
        None if important is None else _first(result, v, lambda frame: frame["estimate"] >= important, -_REACH, _REACH),
    ]
    return MissingEvidence(
        scenarios=scenarios,
        trials=trials,
        curve=curve,
        bound_above=bounds[0],
        bound_below=bounds[1],
        bound_mid=bounds[2],
        verdict=verdict,
        size=size,
        mid=important,
        level=result.level,
        topic=topic_of(result),
    )


# --- the trials --------------------------------------------------------------------------------------------------


def _missing_trials(result: PooledEffect, include: str) -> pd.DataFrame:
    data = result.data
    if result.X is not None:
        raise InputError(f"missing evidence is for a pooled effect; this result has moderators ({result.formula})")
    rows = unheld(result)
    if rows is None:
        raise InputError("the result does not name the trials it leaves out; pool the rows of trial_effects(), with data=")
    if data["comparator"].nunique() != 1:
        raise InputError("missing evidence is for one comparator at a time; pool by='comparator' and take one of the groups")
    if include == "measured":
        rows = rows[rows["reported_direction"].notna() | ~rows["reason"].str.startswith(_NOT_MEASURED)]
    found = rows[["trial_id", "study", "reported_direction", "reason"]].reset_index(drop=True)
    known = rows["n"] if "n" in rows else pd.Series(np.nan, index=rows.index)
    found["n"] = known.where(known > 0).reset_index(drop=True).astype("Float64")
    found["direction"] = found["reported_direction"].map({"benefit": 1, "harm": -1}).fillna(0).astype(int)
    found["vi"] = (4 / found["n"].astype(float)).fillna(float(np.median(result.vi)))
    return found


# --- what they could do ------------------------------------------------------------------------------------------


def _with(result: PooledEffect, assumed: np.ndarray, v: np.ndarray) -> pd.DataFrame:
    """Return the pooled effect with each row of assumed effects of the missing trials."""
    rows = len(assumed)
    y = np.concatenate([np.broadcast_to(result.yi, (rows, result.k)), assumed], axis=1)
    total = np.broadcast_to(np.concatenate([result.vi, v]), y.shape)
    fits = kernel.fit(y, total, method=result.method, test=result.test)
    estimate = fits.beta[:, 0]
    low, high = kernel.interval(estimate, np.sqrt(fits.vcov[:, 0, 0]), fits.df, result.level)
    return pd.DataFrame({"k": fits.k, "estimate": estimate, "ci_low": low, "ci_high": high, "tau2": fits.tau2})


def _curve(result: PooledEffect, effects: np.ndarray, v: np.ndarray) -> pd.DataFrame:
    found = _with(result, np.repeat(effects[:, None], len(v), axis=1), v)
    return found.assign(effect=effects)[["effect", "estimate", "ci_low", "ci_high"]]


def _verdict(frame: pd.DataFrame) -> np.ndarray:
    return np.select([frame["ci_low"] > 0, frame["ci_high"] < 0], ["above", "below"], "unsure")


def _first(
    result: PooledEffect, v: np.ndarray, holds: Callable[[pd.DataFrame], pd.Series], start: float, end: float
) -> float | None:
    """Return the first common effect, on the way from start to end, with which something holds; a scan, refined twice."""
    if len(v) == 0:
        return None
    for _ in range(3):
        effects = np.linspace(start, end, _POINTS)
        over = holds(_curve(result, effects, v)).to_numpy()
        if not over.any():
            return None
        first = int(over.argmax())
        start, end = effects[max(first - 1, 0)], effects[first]
    return float(end) if first > 0 else None


guard(__name__, "missing_evidence")
