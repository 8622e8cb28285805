"""How much of the effect is specific: acupuncture, sham and usual care in one model.

Reads the trials' effects, gives effects that share an arm their covariance, and splits the total effect; draws nothing itself.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from acuevidence.arguments import guard
from acuevidence.effects.trials import trial_effects
from acuevidence.errors import InputError
from acuevidence.evidence import Evidence, conditions, load_evidence
from acuevidence.inputs import choice
from acuevidence.later import Later
from acuevidence.questions.shared_arms import shared_arm_covariance
from acuevidence.shown import Shown
from acuevidence.synthesis import MetaAnalysis, meta_analysis
from acuevidence.synthesis.coefficients import contrast
from acuevidence.synthesis.multivariate import MultivariateMetaAnalysis, multivariate
from acuevidence.synthesis.ratio import RatioInterval, ratio_interval
from acuevidence.topic import Topic, topic_of

if TYPE_CHECKING:
    from acuevidence.plots.questions.decomposition import decomposition as _draw
else:
    _draw = Later("acuevidence.plots.questions.decomposition", "decomposition")

__all__ = ["Decomposition", "decompose", "split_effect"]

_FEWEST = 2
_FOR_CORRELATION = 5
_DRAWS = 200_000
_SEED = 20_260_101
_PARTS = {
    "total": "total: {treatment} against {untreated}",
    "specific": "specific: {treatment} against {placebo}",
    "non_specific": "non-specific: {placebo} against {untreated}",
    "direct": "non-specific, within three-arm trials",
}


@dataclass(frozen=True, slots=True, kw_only=True, repr=False, eq=False)
class Decomposition(Shown):
    """The total effect, split into what the treatment adds to a placebo and what the placebo adds to no treatment.

    Attributes
    ----------
    parts : DataFrame
        One row per condition (``all``: over the conditions) and part, ``total``, ``specific``, ``non_specific`` (total minus
        specific, from the joint model) and ``direct`` (placebo against no treatment within three-arm trials alone): ``k`` trials,
        ``estimate se ci_low ci_high``, standardised mean differences; positive where the first named side does better.
    shares : DataFrame
        One row per condition: ``k_total k_specific k_three_arm`` trials, ``share`` of the total effect not beyond placebo
        (non-specific / total, as a fraction; missing where it is not estimable), ``low high kind`` of its Fieller interval, the
        quantiles ``post_low post_median
        post_high`` of its posterior, ``p_within``, the posterior probability that it lies between none and all, and the answer
        in ``words``. Numbers are missing where trials are too few.
    effects : DataFrame
        The trials' rows.
    covariance : DataFrame
        Their sampling covariance; effects of a trial that share an arm covary.
    models : dict of MultivariateMetaAnalysis
        The joint model of each condition that has one.
    left_out : tuple of str
        Trials that do not enter because a response fills or empties an arm.
    level : float
        Level of the intervals.
    """

    parts: pd.DataFrame
    shares: pd.DataFrame
    effects: pd.DataFrame = field(repr=False)
    covariance: pd.DataFrame = field(repr=False)
    models: dict[str, MultivariateMetaAnalysis] = field(repr=False)
    left_out: tuple[str, ...]
    level: float

    def to_frame(self) -> pd.DataFrame:
        """Return the parts, one row each, a copy."""
        return self.parts.copy()

    def _sentences(self) -> list[str]:
        words = _sides(topic_of(self.effects))
        lines = [f"The effect of {words['treatment']} in parts (SMD, {self.level:.0%} intervals)"]
        for share in self.shares.itertuples():
            lines.append(f"{share.condition}: {share.words}")
            lines += [
                f"  {_PARTS[p.part].format(**words)}: {p.estimate:.2f} ({p.ci_low:.2f} to {p.ci_high:.2f}), k = {p.k}"
                for p in self.parts[self.parts["condition"] == share.condition].itertuples()
            ]
        return lines

    plot = _draw

    def _page_table(self) -> pd.DataFrame:
        return self.parts.round(2)


def decompose(
    condition: str | Sequence[str] | None = None,
    *,
    structure: str | None = None,
    three_arm: bool = False,
    level: float = 0.95,
    evidence: Evidence | None = None,
    **selection: Any,
) -> Decomposition:
    """Split the effect against no treatment into a specific and a non-specific part.

    Parameters
    ----------
    condition : str or sequence of str, optional
        One or some of :func:`acuevidence.conditions`; of several also, as ``all``, their trials together. Default: every condition.
    structure : {"UN", "CS", "HCS", "DIAG", "ID"}, optional
        Between-trial covariance of total and specific effect, see :func:`acuevidence.multivariate`. Default: ``UN`` where five or
        more three-arm trials tell the correlation, else ``ID``, one variance and no correlation.
    three_arm : bool
        Whether only trials with all three arms enter, so that every difference was randomised.
    level : float
        Level of the intervals.
    evidence : Evidence, default the package's
    **selection
        ``outcome``, ``timing`` and ``cautions`` of :func:`acuevidence.trial_effects`.

    Returns
    -------
    Decomposition

    Raises
    ------
    InputError
        For an unknown choice.

    Notes
    -----
    Total and specific effect are the two outcomes of one multivariate model (REML, t intervals); the effects of a three-arm trial
    covary through their treated arm (Gleser & Olkin 2009, in The Handbook of Research Synthesis and Meta-Analysis, 2nd ed.).
    Non-specific is total minus specific. Two-arm trials inform one of the two only, so it rests in part on a comparison between
    trials; ``direct`` beside it rests on randomisation alone.

    Trials whose responses fill or empty an arm do not enter, since what is added to their cells decides their effects; ``left_out``
    names them. The share's interval is Fieller's, from the covariance of both estimates; a share is given only where it lies between 0
    and 100 %. It may else reach beyond, be unbounded or a complement. Its posterior
    under flat priors samples both effects from a t distribution with the degrees of freedom of the model, with a fixed seed.

    Examples
    --------
    >>> import acuevidence as ae
    >>> whole = ae.decompose().parts.query("condition == 'all'").set_index("part")["estimate"]
    >>> bool(abs(whole["total"] - whole["specific"] - whole["non_specific"]) < 1e-12)
    True
    """
    if "comparator" in selection or "measure" in selection:
        raise InputError("decompose needs both comparators and SMDs; leave comparator and measure out")
    evidence = load_evidence() if evidence is None else evidence
    effects = trial_effects(condition, evidence=evidence, **selection)
    names = conditions(evidence) if condition is None else [condition] if isinstance(condition, str) else list(condition)
    zero = effects["trial_id"].isin(effects.loc[_fills_an_arm(effects), "trial_id"])
    left_out = tuple(dict.fromkeys(effects.loc[zero, "study"]))
    kept = effects[~zero]
    if three_arm:
        kept = kept[kept.groupby("trial_id")["comparator"].transform("nunique") > 1]
    effects = kept.reset_index(drop=True)
    groups = {name: effects[effects["condition"] == name] for name in names}
    if len(names) > 1:
        groups = {"all": effects, **groups}
    found = {name: split_effect(rows, structure=structure, level=level) for name, rows in groups.items()}
    return Decomposition(
        parts=_stacked({name: split.parts for name, split in found.items()}),
        shares=pd.DataFrame([{"condition": name, **split.share} for name, split in found.items()]),
        effects=effects,
        covariance=shared_arm_covariance(effects),
        models={name: split.model for name, split in found.items() if split.model is not None},
        left_out=left_out,
        level=level,
    )


def _fills_an_arm(effects: pd.DataFrame) -> pd.Series:
    """Return which effects are of counts with nobody or everybody in an arm."""
    counts = effects[["events1", "n1", "events2", "n2"]].astype(float)
    pairs = ((counts["events1"], counts["n1"]), (counts["events2"], counts["n2"]))
    return pd.concat([(events == 0) | (events == n) for events, n in pairs], axis=1).any(axis=1)


@dataclass(frozen=True, slots=True)
class _Split:
    """One group of trials, split: its parts, its share as a row, the interval of the share, and the model behind it."""

    parts: pd.DataFrame
    share: dict[str, Any]
    interval: RatioInterval | None
    model: MultivariateMetaAnalysis | None


def split_effect(effects: pd.DataFrame, *, structure: str | None = None, level: float = 0.95) -> _Split:
    """Split the effect of one group of trials.

    Parameters
    ----------
    effects : DataFrame
        Rows of :func:`acuevidence.trial_effects`, SMDs.
    structure, level
        As in :func:`decompose`.

    Returns
    -------
    object
        With ``parts``, ``share``, ``interval`` and ``model``; the last two None where trials are too few.
    """
    if structure is not None:
        choice("structure", structure, ("UN", "CS", "HCS", "DIAG", "ID"))
    counts = effects.groupby("comparator")["trial_id"].nunique()
    pair, words = _pair(topic_of(effects)), _sides(topic_of(effects))
    effects = effects[effects["comparator"].isin(pair)]
    total, specific = (int(counts.get(name, 0)) for name in pair)
    V = shared_arm_covariance(effects)
    direct = _within_trials(effects, V, pair, level)
    share: dict[str, Any] = {
        "k_total": total,
        "k_specific": specific,
        "k_three_arm": 0 if direct is None else direct.k,
        "share": math.nan,
        "low": math.nan,
        "high": math.nan,
        "kind": None,
        "post_low": math.nan,
        "post_median": math.nan,
        "post_high": math.nan,
        "p_within": math.nan,
    }
    if min(total, specific) < _FEWEST:
        share["words"] = (
            f"too few trials to split the effect: {specific} against {words['placebo']} and {total} against {words['untreated']}; "
            f"{_FEWEST} of each are needed"
        )
        return _Split(_parts(None, direct, pair, (total, specific), level), share, None, None)
    model = multivariate(
        "yi",
        V,
        data=effects,
        outcome="comparator",
        cluster="trial_id",
        level=level,
        structure=structure or ("UN" if share["k_three_arm"] >= _FOR_CORRELATION else "ID"),
    )
    parts = _parts(model, direct, pair, (total, specific), level)
    interval, posterior = _share(model, pair, level)
    inside = interval.kind == "bounded" and interval.low >= 0 and interval.high <= 1
    share.update(
        share=float(parts["estimate"]["non_specific"] / parts["estimate"]["total"]) if inside else math.nan,
        low=interval.low,
        high=interval.high,
        kind=interval.kind,
        **posterior,
    )
    share["words"] = _words(share, interval, words)
    return _Split(parts, share, interval, model)


def _within_trials(effects: pd.DataFrame, V: pd.DataFrame, pair: list[str], level: float) -> MetaAnalysis | None:
    """Return placebo against no treatment pooled over three-arm trials, from both effects and their covariance."""
    rows = []
    for _, trial in effects[["trial_id", "study", "comparator", "yi"]].groupby("trial_id", sort=False):
        both = {row.comparator: row.Index for row in trial.itertuples()}
        if set(pair) <= set(both):
            rows_of = [both[name] for name in pair]
            sign = np.array([1.0, -1.0])
            yi = float(sign @ effects.loc[rows_of, "yi"].to_numpy())
            rows.append(
                {
                    "study": trial["study"].iloc[0],
                    "yi": yi,
                    "vi": float(sign @ V.loc[rows_of, rows_of].to_numpy() @ sign),
                }
            )
    if not rows:
        return None
    return meta_analysis("yi", "vi", data=pd.DataFrame(rows), labels="study", test="HKSJ-adhoc", level=level)


def _parts(
    model: MultivariateMetaAnalysis | None,
    direct: MetaAnalysis | None,
    pair: list[str],
    counted: tuple[int, int],
    level: float,
) -> pd.DataFrame:
    rows: dict[str, dict[str, float]] = {}
    if model is not None:
        sides = model.coefficients.loc[pair]
        beta, vcov = sides["estimate"].to_numpy(), model.vcov.loc[sides.index, sides.index].to_numpy()
        for name, weights, k in (
            ("total", [1, 0], counted[0]),
            ("specific", [0, 1], counted[1]),
            ("non_specific", [1, -1], model.data["cluster"].nunique()),
        ):
            rows[name] = {"k": k, **contrast(weights, beta, vcov, sides["df"].min(), level=level)._asdict()}
    if direct is not None:
        rows["direct"] = {key: getattr(direct, key) for key in ("k", "estimate", "se", "ci_low", "ci_high")}
    columns = ["k", "estimate", "se", "ci_low", "ci_high"]
    return pd.DataFrame.from_dict(rows, orient="index", columns=columns).astype({"k": int} | dict.fromkeys(columns[1:], float))


def _share(model: MultivariateMetaAnalysis, pair: list[str], level: float) -> tuple[RatioInterval, dict[str, float]]:
    """Return the Fieller interval of the share, and quantiles of its posterior."""
    beta = model.coefficients.loc[pair, "estimate"].to_numpy()
    vcov = model.vcov.loc[pair, pair].to_numpy()
    df = float(model.coefficients["df"].min())
    turn = np.array([[1.0, -1.0], [1.0, 0.0]])  # non-specific, total
    means, spread = turn @ beta, turn @ vcov @ turn.T
    interval = ratio_interval(
        (means[0], math.sqrt(spread[0, 0])), (means[1], math.sqrt(spread[1, 1])), spread[0, 1], df=df, level=level
    )
    random = np.random.default_rng(_SEED)
    normal = random.standard_normal((_DRAWS, 2)) @ np.linalg.cholesky(spread).T
    drawn = means + normal / np.sqrt(random.chisquare(df, _DRAWS) / df)[:, None]
    ratio = drawn[:, 0] / drawn[:, 1]
    low, middle, high = np.quantile(ratio, [0.5 - level / 2, 0.5, 0.5 + level / 2])
    within = float(np.mean((ratio >= 0) & (ratio <= 1)))
    return interval, {
        "post_low": float(low),
        "post_median": float(middle),
        "post_high": float(high),
        "p_within": within,
    }


def _words(share: dict[str, Any], interval: RatioInterval, words: dict[str, str]) -> str:
    rests = (
        f"{share['k_total']} trials against {words['untreated']}, {share['k_specific']} against {words['placebo']}, "
        f"{share['k_three_arm']} with all three arms"
    )
    if math.isnan(share["share"]):
        return (
            f"the share of the total effect that is not beyond {words['placebo']} is not estimable (Fieller {interval.words}, beyond 0 to "
            f"100%); {rests}"
        )
    return (
        f"{share['share']:.0%} of the total effect is not beyond {words['placebo']} (Fieller {interval.words}; posterior "
        f"{share['post_low']:.0%} to {share['post_high']:.0%}); {rests}"
    )


def _pair(topic: Topic) -> list[str]:
    """Return the comparators whose effects are the total and the specific one."""
    pair = [topic.of_kind(kind) for kind in ("untreated", "placebo")]
    found = [name for name in pair if name is not None]
    if len(found) < len(pair):
        raise InputError(
            "splitting an effect needs a comparator of the kind untreated and one of the kind placebo; topic.yaml says which are, "
            "and rows of trial_effects carry it"
        )
    return found


def _sides(topic: Topic) -> dict[str, str]:
    """Return treatment, placebo and no treatment in words."""
    untreated, placebo = (topic.comparator(name).phrase for name in _pair(topic))
    return {"treatment": topic.treatment.phrase, "untreated": untreated, "placebo": placebo}


def _stacked(parts: dict[str, pd.DataFrame]) -> pd.DataFrame:
    stacked = pd.concat(parts, names=["condition", "part"])
    return stacked.reset_index()


guard(__name__, "decompose", "split_effect")
