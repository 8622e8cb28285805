"""Every defensible way to pool a condition's trials, fitted, so that the result can be seen to depend on the choices or not.

A specification is one option for each decision. Decisions on data change which trials enter and with which figure; they are
laid out as rows of trials, of which many are the same. Each distinct row is fitted once per estimator and test by the
batched kernel; the specifications point to the fits.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from acuevidence.appraisal.thresholds import published_threshold
from acuevidence.arguments import guard
from acuevidence.errors import InputError
from acuevidence.evidence import Evidence, load_evidence
from acuevidence.evidence.carried import carry
from acuevidence.inputs import choice
from acuevidence.later import Later
from acuevidence.questions.multiverse_grid import FEWEST, FIGURES, IN_ORDER, LEFT_OUT, NO_ONE, TRIALS, Array, Grid
from acuevidence.questions.pooled import groups_of
from acuevidence.shown import Shown
from acuevidence.synthesis import kernel, scale

if TYPE_CHECKING:
    from acuevidence.plots.questions.specification_curve import specification_curve as _draw
else:
    _draw = Later("acuevidence.plots.questions.specification_curve", "specification_curve")

__all__ = ["Multiverse", "multiverse"]

_MODELS: dict[str, tuple[str, ...]] = {
    "estimator": ("REML", "DL", "PM", "SJ"),
    "test": ("HKSJ-adhoc", "HKSJ"),
}
_ALL_MODELS = {"estimator": kernel.METHODS, "test": kernel.TESTS}


@dataclass(frozen=True, slots=True, kw_only=True, repr=False, eq=False)
class Multiverse(Shown):
    """All specifications of one question.

    Attributes
    ----------
    specifications : DataFrame
        One row a specification: an option for each decision, ``estimate se ci_low ci_high tau2 k`` and ``analysis``, which
        is the same where trials, figures, estimator and test are; sorted by estimate (to nine digits, so that the last bits
        of a sum do not reorder ties). Positive favours the treatment.
    decisions : dict
        Decision to its options, the package's own choice first.
    standard : Series
        The specification that takes every first option.
    moves : DataFrame
        One row a decision, the one that moves the result most first: ``spread`` (range of the options' median effects),
        ``share`` (percent of the variance of the estimates it explains alone), and the options with the lowest and
        highest median.
    not_pooled : int
        Specifications that leave fewer than two trials.
    mid : float
        Minimal important difference, in SD; NaN where the evidence has none.
    condition, comparator : str
        The question.
    level : float
        Level of the intervals.
    """

    specifications: pd.DataFrame
    decisions: Mapping[str, tuple[str, ...]]
    standard: pd.Series
    moves: pd.DataFrame
    not_pooled: int
    mid: float
    condition: str
    comparator: str
    level: float

    @property
    def distinct(self) -> pd.DataFrame:
        """The different analyses: specifications whose trials, figures, estimator and test are the same count once."""
        return self.specifications.drop_duplicates("analysis", ignore_index=True)

    @property
    def idle(self) -> tuple[str, ...]:
        """Decisions that change nothing for these trials."""
        return tuple(self.moves.index[self.moves["share"] < 1e-9])

    def shares(self, *, distinct: bool = False) -> pd.Series:
        """Return shares of specifications, 0..1.

        Parameters
        ----------
        distinct : bool
            Count each different analysis once; otherwise each specification counts.

        Returns
        -------
        Series
            ``above_zero`` and ``below_zero`` (whole interval), ``beyond_mid`` (estimate), ``surely_beyond_mid`` (whole
            interval), and ``positive`` (estimate above zero). What asks for an unknown minimal important difference is NaN.
        """
        frame = self.distinct if distinct else self.specifications
        return pd.Series(
            {
                "positive": (frame["estimate"] > 0).mean(),
                "above_zero": (frame["ci_low"] > 0).mean(),
                "below_zero": (frame["ci_high"] < 0).mean(),
                "beyond_mid": self._reaching(frame["estimate"]),
                "surely_beyond_mid": self._reaching(frame["ci_low"]),
            },
            dtype=float,
        )

    def _reaching(self, values: pd.Series) -> float:
        return math.nan if math.isnan(self.mid) else float((values >= self.mid).mean())

    def to_frame(self) -> pd.DataFrame:
        """Return the specifications."""
        return self.specifications.copy()

    def _sentences(self) -> list[str]:
        estimates = self.specifications["estimate"]
        low, middle, high = estimates.quantile([0.05, 0.5, 0.95])
        first = self.moves.iloc[0]
        share, once = self.shares(), self.shares(distinct=True)
        beyond = (
            ""
            if math.isnan(self.mid)
            else (
                f"; estimate at or beyond {self.mid:.2f} in {share['beyond_mid']:.0%} ({once['beyond_mid']:.0%}), the whole interval in "
                f"{share['surely_beyond_mid']:.0%} ({once['surely_beyond_mid']:.0%})"
            )
        )
        lines = [
            f"{len(estimates):,} specifications ({len(self.distinct):,} different analyses) of "
            f"{self.condition.replace('_', ' ')} against {self.comparator.replace('_', ' ')}: median {middle:.2f}, "
            f"90% of them from {low:.2f} to {high:.2f}.",
            f"Interval above zero in {share['above_zero']:.0%} (of the different analyses {once['above_zero']:.0%}){beyond}.",
            f"What moves it most: {self.moves.index[0].replace('_', ' ')} (from {first['median_low']:.2f} with "
            f"'{first['option_low']}' to {first['median_high']:.2f} with '{first['option_high']}').",
        ]
        if self.not_pooled:
            lines.append(f"{self.not_pooled:,} further specifications leave fewer than {FEWEST} trials.")
        return lines

    def _page_table(self) -> pd.DataFrame:
        return self.moves.round(2)

    plot = _draw


def multiverse(
    condition: str,
    comparator: str,
    decisions: Mapping[str, Sequence[str]] | None = None,
    *,
    exclude: Mapping[str, Sequence[str]] | None = None,
    level: float = 0.95,
    evidence: Evidence | None = None,
    chunk: int = scale.CHUNK,
    client: Any = None,
    progress: scale.Progress = iter,
) -> Multiverse:
    """Fit every defensible specification of a pooled effect.

    Parameters
    ----------
    condition : str
        One of :func:`acuevidence.conditions`.
    comparator : str
        What the treatment is compared with: one of the groups of :func:`acuevidence.pooled`.
    decisions : mapping, optional
        Decision to the options to keep, for example ``{"timing": ["end_of_treatment"]}``; decisions that are not named keep
        all of theirs. Known decisions: ``outcome, timing, cautions, statistic, figures, responders, sd_source,
        comparator_type, quality, size, left_out, estimator, test``. ``estimator`` and ``test`` take any of
        :func:`acuevidence.meta_analysis`; by default REML, DL, PM, SJ, and HKSJ-adhoc, HKSJ: a common effect
        and normal quantiles are not defensible where trials differ.
    exclude : mapping, optional
        Sets of trials to leave out, by name, for example ``{"unpublished": ["trial_id_1"]}``; they are the options of a
        decision ``exclude`` whose first is ``none``.
    level : float
        Level of the intervals.
    evidence : Evidence, default the package's
    chunk, client, progress
        Sets of trials fitted at a time, a Dask client to send them to, and what wraps the iteration over them; as in
        :func:`acuevidence.synthesis.scale.in_chunks`. The answer is the same to the bit with and without a client.

    Returns
    -------
    Multiverse
        Specifications, shares beyond zero and the minimal important difference, and which decision moves the result.

    Raises
    ------
    InputError
        For an unknown condition, comparator, decision or option, or when no specification has two trials.

    Notes
    -----
    Simonsohn, Simmons and Nelson (2020, Nature Human Behaviour); Voracek, Kossmeier and Tran (2019, Zeitschrift für
    Psychologie) for meta-analyses. The package's own rule comes first in each decision. A responder is an effect from
    counts or an odds ratio; ``sd_source="printed"`` keeps effects whose SDs stand in the paper. An SMD beyond 3 that carries a
    caution never enters. The most influential trial is the one whose omission
    moves the DerSimonian-Laird effect of that very set of trials most. Specifications are not
    independent: shares describe, they do not test.

    Examples
    --------
    >>> import acuevidence as ae
    >>> found = ae.multiverse("fibromyalgia", "sham", {"timing": ["end_of_treatment"], "estimator": ["REML"]})
    >>> bool(found.specifications.estimate.between(-1, 2).all())
    True
    """
    evidence = load_evidence() if evidence is None else evidence
    choice("condition", condition, list(evidence.topic.conditions))
    groups = groups_of(condition, evidence)
    group = choice("comparator", comparator, list(groups))
    comparator, population = groups[group]
    if population is not None:
        evidence = replace(evidence, trials=evidence.trials[evidence.trials["population"] == population])
    options = _options(condition, comparator, decisions or {}, exclude or {}, evidence)
    grid = Grid.of(condition, comparator, options, exclude or {}, evidence)
    where: dict[str, Any] = {"chunk": chunk, "client": client, "progress": progress}
    sets, which = grid.sets(**where)
    if (~np.isnan(sets[..., 0])).sum(axis=1).max() < FEWEST:
        raise InputError(f"no specification of {condition} against {comparator} has {FEWEST} trials")
    frame = _specifications(options, which, _fits(sets, options, level, **where))
    pooled = frame[frame["k"] >= FEWEST]
    ordered = pooled.sort_values("estimate", key=lambda estimate: estimate.round(9), kind="stable", ignore_index=True)
    carry(ordered, topic=evidence.topic, direction="benefit")
    outcome = evidence.rules.outcomes(condition)[0]
    band = published_threshold(evidence, outcome, "SMD", condition, comparator)
    return Multiverse(
        specifications=ordered,
        decisions=options,
        standard=frame.iloc[0],
        moves=_moves(pooled, options),
        not_pooled=len(frame) - len(pooled),
        mid=math.nan if band is None else band.low,
        condition=condition,
        comparator=group,
        level=level,
    )


# --- the options -------------------------------------------------------------------------------------------------


def _options(
    condition: str,
    comparator: str,
    wanted: Mapping[str, Sequence[str]],
    exclude: Mapping[str, Sequence[str]],
    evidence: Evidence,
) -> dict[str, tuple[str, ...]]:
    known = {
        "outcome": (IN_ORDER, *evidence.rules.outcomes(condition)),
        **FIGURES,
        **TRIALS,
        **({"exclude": (NO_ONE, *exclude)} if exclude else {}),
        "left_out": LEFT_OUT,
        **_MODELS,
    }
    side = evidence.topic.comparators[comparator]
    known["comparator_type"] = ("any", *(side.types or side.roles))
    for name, options in wanted.items():
        choice("decision", name, known)
        if isinstance(options, str) or not len(options):
            raise InputError(f"decisions[{name!r}] must be a list of options (of: {', '.join(known[name])})")
        allowed = _ALL_MODELS.get(name, known[name])
        known[name] = tuple(choice(name, option, allowed) for option in options)
    for name, trials in exclude.items():
        if name == NO_ONE or isinstance(trials, str):
            raise InputError(f"exclude[{name!r}] must be a list of trial_ids under a name other than {NO_ONE!r}")
        for trial in trials:
            choice(f"exclude[{name!r}]", trial, evidence.trials["trial_id"].tolist())
    return known


# --- fits and what they say --------------------------------------------------------------------------------------


def _fits(sets: Array, options: Mapping[str, tuple[str, ...]], level: float, **where: Any) -> dict[str, Array]:
    """Return arrays (sets, estimators, tests); missing where a set has fewer than two trials."""
    estimators, tests = options["estimator"], options["test"]
    shape = (len(sets), len(estimators), len(tests))
    k = (~np.isnan(sets[..., 0])).sum(axis=1)
    enough = np.flatnonzero(k >= FEWEST)
    task = partial(_fitted, estimators=estimators, tests=tests, level=level)
    columns = scale.in_chunks(task, [sets[enough, :, 0], sets[enough, :, 1]], **where)
    found = {name: np.full(shape, np.nan) for name in ("estimate", "se", "ci_low", "ci_high", "tau2")}
    for array, column in zip(found.values(), columns, strict=True):
        array[enough] = column
    return found | {"k": np.broadcast_to(k[:, None, None], shape)}


def _fitted(y: Array, v: Array, *, estimators: tuple[str, ...], tests: tuple[str, ...], level: float) -> tuple[Array, ...]:
    """Return estimate, se, interval and tau2 by every estimator and test, (sets, estimators, tests) each."""
    found = np.full((5, len(y), len(estimators), len(tests)), np.nan)
    for i, method in enumerate(estimators):
        for j, test in enumerate(tests):
            fits = kernel.fit(y, v, method=method, test=test, tau2=found[4, :, i, 0] if j else None)
            estimate, se = fits.beta[:, 0], np.sqrt(fits.vcov[:, 0, 0])
            low, high = kernel.interval(estimate, se, fits.df, level)
            found[:, :, i, j] = estimate, se, low, high, fits.tau2
    return tuple(found)


def _specifications(options: Mapping[str, tuple[str, ...]], which: Array, fits: Mapping[str, Array]) -> pd.DataFrame:
    sizes = [len(names) for names in options.values()]
    codes = np.indices(sizes, dtype=np.int16).reshape(len(sizes), -1)
    frame = pd.DataFrame(
        {name: pd.Categorical.from_codes(codes[i], categories=list(names)) for i, (name, names) in enumerate(options.items())}
    )
    for name, values in fits.items():
        column = values[which].ravel()
        frame[name] = column.astype(int) if name == "k" else column
    per_set = fits["k"].shape[1] * fits["k"].shape[2]
    frame["analysis"] = (which[:, None] * per_set + np.arange(per_set)).ravel()
    return frame


def _moves(frame: pd.DataFrame, options: Mapping[str, tuple[str, ...]]) -> pd.DataFrame:
    total = float(frame["estimate"].var(ddof=0))
    rows: dict[str, dict[str, Any]] = {}
    mean = float(frame["estimate"].mean())
    for name in options:
        groups = frame.groupby(name, observed=True)["estimate"]
        medians, sizes, means = groups.median(), groups.size(), groups.mean()
        between = float((sizes * (means - mean) ** 2).sum() / sizes.sum())
        rows[name] = {
            "spread": float(medians.max() - medians.min()),
            "share": 100 * between / total if total > 0 else 0.0,
            "option_low": medians.idxmin(),
            "median_low": float(medians.min()),
            "option_high": medians.idxmax(),
            "median_high": float(medians.max()),
        }
    return (
        pd.DataFrame.from_dict(rows, orient="index")
        .rename_axis("decision")
        .sort_values(["share", "spread"], ascending=False, kind="stable")
    )


guard(__name__, "multiverse")
