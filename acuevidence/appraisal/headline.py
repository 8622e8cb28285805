"""What is printed of a pooled effect: by the number of trials, with its state and what other methods give beside it."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from acuevidence import words
from acuevidence.appraisal.states import spanning, state_of
from acuevidence.appraisal.thresholds import appraisal_rules, threshold_of
from acuevidence.appraisal.typical_sd import spread_of
from acuevidence.arguments import guard
from acuevidence.errors import InputError
from acuevidence.evidence.carried import direction_of, evidence_of
from acuevidence.shown import Shown
from acuevidence.synthesis import kernel
from acuevidence.synthesis.batch import fit_many
from acuevidence.synthesis.bayes import posterior_of
from acuevidence.synthesis.effect import PooledEffect
from acuevidence.synthesis.posteriors import posteriors_of

__all__ = ["Headline", "headline", "headlines"]

_NUMBERS = ["estimate", "ci_low", "ci_high", "pi_low", "pi_high"]
_FEW, _BOTH = 5, 9  # trials from which the random-effects interval stands alone; up to which both are compared
_TOO_FEW = "too few"


@dataclass(frozen=True, slots=True, kw_only=True, repr=False, eq=False)
class Headline(Shown):
    """What is printed of a pooled effect.

    Attributes
    ----------
    estimate, ci_low, ci_high : float or None
        On the scale of the result; None where trials are too few to be pooled.
    pi_low, pi_high : float or None
        Prediction interval; None: not estimable.
    method : str
        How it came about: ``one trial``, ``two trials, not pooled``, ``Bayes, PRIOR``, or method and test.
    state : str
        As :func:`.states.state_of` gives it; of two trials, and of two methods that differ, the state that holds for both.
    state_low, state_high : float or None
        The interval whose state it is: that of the headline, or the one that spans both; None where trials are too few.
    k : int
        Trials.
    level : float
        Level of the intervals.
    threshold : float or None
        Smallest important difference on the scale of the result; None: none is known.
    beside : DataFrame
        What other methods give: one row a method (``REML, HKSJ-adhoc``, ``Wald``, ``HKSJ``, ``Bayes, PRIOR``) with ``estimate ci_low
        ci_high pi_low pi_high state``.
    trials : DataFrame
        The trials with ``label yi ci_low ci_high state``, where there are one or two; else empty.
    notes : tuple of str
        What a reader must know.
    """

    estimate: float | None
    ci_low: float | None
    ci_high: float | None
    pi_low: float | None
    pi_high: float | None
    method: str
    state: str
    state_low: float | None
    state_high: float | None
    k: int
    level: float
    threshold: float | None
    beside: pd.DataFrame
    trials: pd.DataFrame
    notes: tuple[str, ...] = ()

    def to_frame(self) -> pd.DataFrame:
        """Return the headline and what stands beside it, one row a method.

        Returns
        -------
        DataFrame
            Columns ``method estimate ci_low ci_high pi_low pi_high state``, the headline first.

        Examples
        --------
        >>> import acuevidence as ae
        >>> ae.meta_analysis([0.2, 0.5], [0.02, 0.03]).headline().to_frame()["method"].tolist()
        ['two trials, not pooled', 'REML, HKSJ-adhoc', 'HKSJ', 'Wald']
        """
        first = {name: getattr(self, name) for name in ("method", *_NUMBERS, "state")}
        rows = [first, *self.beside.reset_index().to_dict("records")]
        return pd.DataFrame(rows).astype(dict.fromkeys(_NUMBERS, float))

    def _sentences(self) -> list[str]:
        level = words.percent(self.level)
        lines = [f"{words.count(self.k, 'trial')}; {self.method}."]
        if self.estimate is not None and self.ci_low is not None and self.ci_high is not None:
            predicted = (
                "not estimable" if self.pi_low is None or self.pi_high is None else f"{self.pi_low:.3f} to {self.pi_high:.3f}"
            )
            shown = words.interval(self.estimate, self.ci_low, self.ci_high, 3)
            lines.append(f"{shown}, {level} interval; prediction interval {predicted}.")
        lines += [
            f"{row.label}: {words.interval(row.yi, row.ci_low, row.ci_high, 3)}, {row.state}."
            for row in self.trials.itertuples()
            if self.k > 1
        ]
        against = "" if self.threshold is None else f" (smallest important difference {self.threshold:.2f})"
        return [*lines, f"State: {self.state}{against}.", *self.notes]


def headline(result: PooledEffect, *, threshold: float | None = None, evidence: Any = None) -> Headline:
    """Return what is printed of a pooled effect: tables, figures and claims all show this.

    Parameters
    ----------
    result : MetaAnalysis
        A pooled effect without moderators.
    threshold : float, optional
        Smallest important difference on the scale of the result. Default: that of its outcome, condition and comparator in the
        evidence it carries.
    evidence : Evidence, optional
        Default: the one that the result carries.

    Returns
    -------
    Headline
        ``estimate ci_low ci_high pi_low pi_high method state`` and what stands beside them.

    Raises
    ------
    InputError
        For a meta-regression, a result without trials, or a threshold that is not positive.

    Notes
    -----
    One trial: its own interval. Two: no pooled effect, both trials, the state that holds for both and never ``important``. Three and
    four: median and equal-tailed interval of the normal-normal model with flat mu and the prior of tau that the review's
    ``appraisal.yaml`` names for the measure; a review that names none keeps the interval of the result and says "few trials". From
    five on: the result's own interval. Up to nine trials both are compared, and where their states differ the one that holds for both
    counts. The prediction interval is the result's from five trials on where tau2 is above 0, else the Bayesian predictive.

    Examples
    --------
    >>> import acuevidence as ae
    >>> print(ae.pooled("low_back_pain")["sham"].headline().method)
    REML, HKSJ-adhoc
    >>> ae.meta_analysis([0.2, 0.5], [0.02, 0.03]).headline().estimate is None
    True
    """
    if result.X is not None:
        raise InputError(f"a headline is of a pooled effect; this result has moderators ({result.formula}); use .coefficients")
    if result.k == 0:
        raise InputError("there is no headline: the result holds no trial")
    if threshold is not None and not 0 < threshold < np.inf:
        raise InputError(f"threshold must be a positive number (the smallest important difference), not {threshold!r}")
    return _shown(result, threshold, evidence_of(result, evidence))


@functools.lru_cache(maxsize=512)
def _shown(result: PooledEffect, threshold: float | None, evidence: Any) -> Headline:
    """Return the headline of a result, which figures, tables and claims ask for again and again."""
    found = threshold if threshold is not None else threshold_of(result, evidence)
    judge = _Judge(found, direction_of(result) == "benefit" or threshold is not None)
    own, prior, named = f"{result.method}, {result.test}", *_prior(result, evidence)
    beside, rows = _others(result, own), dict[str, list[float]]()
    if prior is not None and result.k >= 2 and result.method != "EE":
        summary = posterior_of(result.yi, result.vi, prior[0], result.level, unit=prior[1])
        mu, ahead = summary.loc["mu"], summary.loc["prediction"]
        rows[f"Bayes, {prior[0]}"] = [mu["median"], mu["ci_low"], mu["ci_high"], ahead["ci_low"], ahead["ci_high"]]
    beside = {**beside, **rows}
    bayes, _ = next(((numbers, name) for name, numbers in rows.items()), (None, ""))
    notes: list[str] = []
    if result.k <= 2:
        trials = _trials(result, judge)
        alone = [float(trials["yi"].iloc[0]), float(trials["ci_low"].iloc[0]), float(trials["ci_high"].iloc[0]), np.nan, np.nan]
        numbers = alone if result.k == 1 else [np.nan] * 5
        method = "one trial" if result.k == 1 else "two trials, not pooled"
        state = judge.of_trials(trials["ci_low"], trials["ci_high"])
    else:
        trials = _trials(result, judge).iloc[:0]
        numbers, method, state, notes = _pooled(result, own, beside, bayes, named, judge)
    if result.k == 1:
        beside = {}
    frame = pd.DataFrame.from_dict(beside, orient="index", columns=_NUMBERS)
    frame.index.name = "method"
    span = _span(numbers, trials, beside, bayes, own, bool(notes and notes[-1].startswith("Methods differ")))
    frame["state"] = [judge(row.ci_low, row.ci_high) for row in frame.itertuples()]
    shown = {name: None if np.isnan(value) else float(value) for name, value in zip(_NUMBERS, numbers, strict=True)}
    return Headline(
        **shown,
        method=method,
        state=state,
        state_low=span[0],
        state_high=span[1],
        k=result.k,
        level=result.level,
        threshold=found,
        beside=frame.drop(method, errors="ignore"),
        trials=trials,
        notes=tuple(notes),
    )


@dataclass(frozen=True, slots=True)
class _Judge:
    """Which state an interval has, beside the threshold at hand."""

    threshold: float | None
    sided: bool

    def __call__(self, low: float, high: float) -> str:
        return state_of(low, high, self.threshold, sided=self.sided)

    def both(self, *intervals: tuple[float, float]) -> str:
        return spanning(intervals, self.threshold, sided=self.sided)

    def of_methods(self, k: int, own: tuple[float, float], bayes: tuple[float, float] | None) -> tuple[str, tuple[str, ...]]:
        """Return the state of k trials by the result's own interval and the Bayesian one, and both states where they differ."""
        if bayes is None or k > _BOTH:
            return self(*own), ()
        both = self(*own), self(*bayes)
        return (self.both(own, bayes), both) if both[0] != both[1] else (both[0], ())

    def of_trials(self, low: Any, high: Any) -> str:
        """Return the state that holds for every trial; of two that are important, the importance stays open."""
        state = self.both(*zip(low, high, strict=True))
        return "benefit, importance uncertain" if state == "important" and len(low) > 1 else state


def headlines(
    result: PooledEffect, yi: np.ndarray, vi: np.ndarray, *, threshold: float | None = None, evidence: Any = None
) -> pd.DataFrame:
    """Return the headlines of many sets of trials that are one question, as :func:`headline` gives them one at a time.

    Parameters
    ----------
    result : MetaAnalysis
        What is asked: method, test, level, threshold and prior are those of this result.
    yi, vi : ndarray, (B, k)
        Effects and variances, a row a set of trials; NaN: no such trial.
    threshold, evidence
        As in :func:`headline`.

    Returns
    -------
    DataFrame
        Columns ``k estimate ci_low ci_high state``, a row a set; all fits in one call of the kernel and one of the Bayesian model.

    Examples
    --------
    >>> import acuevidence as ae
    >>> import numpy as np
    >>> one = ae.pooled("neck_pain")["sham"]
    >>> headlines(one, one.yi[None], one.vi[None])["state"].item() == one.headline().state
    True
    """
    evidence = evidence_of(result, evidence)
    found = threshold if threshold is not None else threshold_of(result, evidence)
    judge = _Judge(found, direction_of(result) == "benefit" or threshold is not None)
    prior, named = _prior(result, evidence)
    prior, named = (None, False) if result.method == "EE" else (prior, named)
    fits = fit_many(yi, vi, method=result.method, test=result.test, level=result.level)
    table = pd.DataFrame({name: getattr(fits, name) for name in ("k", "estimate", "ci_low", "ci_high")})
    own = np.column_stack([fits.ci_low, fits.ci_high])
    bayes = np.full_like(own, np.nan)
    some = ((table["k"] > 2) & (table["k"] <= _BOTH)).to_numpy()
    if prior is not None and some.any():
        median, *limits = posteriors_of(yi[some], vi[some], prior[0], result.level, unit=prior[1])
        bayes[some] = np.column_stack(limits)
        few = some & (table["k"] < _FEW).to_numpy()
        table.loc[few, ["estimate", "ci_low", "ci_high"]] = np.column_stack([median, *limits])[few[some]]
    half = kernel.interval(np.zeros_like(yi), np.sqrt(vi), np.full_like(yi, np.inf), result.level)[1]
    states = []
    for i, k in enumerate(table["k"]):
        if k <= 2:
            held = np.isfinite(yi[i])
            states.append(judge.of_trials((yi - half)[i, held], (yi + half)[i, held]))
        elif k < _FEW and prior is None and named:
            states.append("cannot tell")
        else:
            states.append(judge.of_methods(k, tuple(own[i]), tuple(bayes[i]) if np.isfinite(bayes[i, 0]) else None)[0])
    untold = (table["k"] == 2) | ((table["k"] < _FEW) & (table["k"] > 2) & (prior is None and named))
    table.loc[untold, ["estimate", "ci_low", "ci_high"]] = np.nan
    return table.assign(state=states)


def _pooled(
    result: PooledEffect, own: str, beside: Mapping[str, list[float]], bayes: list[float] | None, named: bool, judge: _Judge
) -> tuple[list[float], str, str, list[str]]:
    """Return numbers, method, state and notes of three trials or more."""
    numbers, method, notes = list(beside[own]), own, list[str]()
    if result.k < _FEW:
        if bayes is not None:
            numbers, method = list(bayes), next(name for name in beside if name.startswith("Bayes"))
        elif named and result.method != "EE":
            return (
                [np.nan] * 5,
                _TOO_FEW,
                "cannot tell",
                [f"Fewer than {_FEW} trials, and no prior of τ is published for this measure."],
            )
        else:
            notes.append(f"Few trials ({result.k}): the interval rests on an estimate of τ² from them alone.")
    own_prediction = result.k >= _FEW and bool(result.tau2) and result.pi_low is not None
    numbers[3:] = beside[own][3:] if own_prediction else [np.nan] * 2 if bayes is None else bayes[3:]
    limits = (beside[own][1], beside[own][2])
    state, both = judge.of_methods(result.k, limits, None if bayes is None else (bayes[1], bayes[2]))
    if len(both) == 2:
        notes.append(f"Methods differ: {both[0]} by {own}, {both[1]} by the Bayesian model; the state holds for both.")
    return numbers, method, state, notes


def _span(
    numbers: list[float], trials: pd.DataFrame, beside: Mapping[str, list[float]], bayes: list[float] | None, own: str, differ: bool
) -> tuple[float | None, float | None]:
    """Return the interval whose state the headline has."""
    if len(trials):
        return float(trials["ci_low"].min()), float(trials["ci_high"].max())
    if differ and bayes is not None:
        return min(beside[own][1], bayes[1]), max(beside[own][2], bayes[2])
    return (None, None) if np.isnan(numbers[1]) else (float(numbers[1]), float(numbers[2]))


def _others(result: PooledEffect, own: str) -> dict[str, list[float]]:
    """Return the result's own numbers, and the limits of plain HKSJ and Wald at the same tau2."""
    nothing = [np.nan, np.nan]
    predicted = [result.pi_low, result.pi_high] if result.tau2 and result.pi_low is not None else nothing
    found = {own: [result.estimate, result.ci_low, result.ci_high, *predicted]}
    if result.k < 2 or result.method == "EE":
        return found
    w = 1 / (result.vi + (result.tau2 or 0.0))
    estimate, wald = float(w @ result.yi / w.sum()), float(w.sum()) ** -0.5
    plain = wald * float(np.sqrt(w @ (result.yi - estimate) ** 2 / (result.k - 1)))
    for name, se, df in (("HKSJ", plain, result.k - 1.0), ("Wald", wald, np.inf)):
        low, high = kernel.interval(np.array(estimate), np.array(se), np.array(df), result.level)
        if own.split(", ")[1] != {"Wald": "z"}.get(name, name):
            found[name] = [estimate, float(low), float(high), *nothing]
    return found


def _trials(result: PooledEffect, judge: _Judge) -> pd.DataFrame:
    low, high = kernel.interval(result.yi, np.sqrt(result.vi), np.full(result.k, np.inf), result.level)
    data = result.data
    labels = (
        data["labels"] if "labels" in data else data["study"] if "study" in data else [f"trial {i + 1}" for i in range(result.k)]
    )
    states = [judge(a, b) for a, b in zip(low, high, strict=True)]
    return pd.DataFrame({"label": list(labels), "yi": result.yi, "ci_low": low, "ci_high": high, "state": states})


def _prior(result: PooledEffect, evidence: Any) -> tuple[tuple[str, float] | None, bool]:
    """Return the prior of tau that the review names for the measure, with its unit, and whether the review names any."""
    named: Mapping[str, str] = appraisal_rules(evidence).get("few_trials", {}).get("priors", {})
    data = result.data
    measures = set(data["effect"].dropna()) if "effect" in data else set()
    measure = measures.pop() if len(measures) == 1 else None
    if measure is None or measure not in named:
        return None, bool(named) and measure is not None
    unit = 1.0
    if measure == "MD":
        unit = spread_of(result, evidence)
    return ((named[measure], unit) if np.isfinite(unit) else None), True


guard(__name__, "headline")
