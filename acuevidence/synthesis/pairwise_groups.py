"""Pairwise synthesis by group: all groups of a long table in one call, and the test between them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial

import numpy as np
import pandas as pd

from acuevidence.errors import InputError, UnknownKeyError
from acuevidence.synthesis import kernel
from acuevidence.synthesis.batch import Layout, fit_groups, layout
from acuevidence.synthesis.pairwise_one import Model, Trials, fitted, result_of
from acuevidence.synthesis.result import Between, GroupedMetaAnalysis, MetaAnalysis

__all__ = ["Members", "grouped"]


def grouped(by: str, groups: pd.Series, trials: Trials, model: Model, overall: bool, common_tau2: bool) -> GroupedMetaAnalysis:
    """Pool each group by itself; with ``overall`` all of them as well."""
    code, levels = pd.factorize(groups.to_numpy())
    where = layout(code, len(levels))
    names_of = tuple(map(str, levels))
    if len(set(names_of)) < len(names_of):
        raise InputError(f"by={by!r} has levels that read alike (for example 1 and '1'); give them names of one type")
    tau2 = _common_tau2(trials, code, len(levels), model) if common_tau2 else None
    fits = None if model.formula else fit_groups(trials.y, trials.v, where, partial(_fit, model, tau2))
    notes = ("tau2 was estimated from all groups together, with one mean each.",) if common_tau2 else ()
    found = Members(by, names_of, where, fits, trials, model, notes)
    return GroupedMetaAnalysis(by, found, _between(found, code), fitted(trials, model) if overall else None)


def _fit(model: Model, tau2: float | None, y: np.ndarray, v: np.ndarray) -> kernel.Fits:
    given = None if tau2 is None else np.full(len(y), tau2)
    return kernel.fit(y, v, method=model.method, test=model.test, tau2=given)


def _common_tau2(trials: Trials, code: np.ndarray, count: int, model: Model) -> float:
    if len(trials.y) <= count:
        raise InputError(f"common_tau2=True needs more trials than groups: {len(trials.y)} trials in {count} groups")
    means = (code[:, None] == np.arange(count)).astype(float)
    return float(kernel.fit(trials.y[None], trials.v[None], means, method=model.method, test="z").tau2[0])


@dataclass(frozen=True, slots=True, eq=False)
class Members(Mapping[str, MetaAnalysis]):
    """The groups of a long table, fitted in one call; a group's result object is built when it is asked for.

    Attributes
    ----------
    by : str
        What the groups are.
    names : tuple of str
        The groups in order of appearance.
    where : Layout
        The rows of each.
    fits : Fits or None
        Their fits; None with moderators, where each group has its own design.
    trials, model, notes
        What their results are made of.
    """

    by: str
    names: tuple[str, ...]
    where: Layout
    fits: kernel.Fits | None
    trials: Trials
    model: Model
    notes: tuple[str, ...]
    _number: dict[str, int] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_number", {name: i for i, name in enumerate(self.names)})

    def __getitem__(self, group: str) -> MetaAnalysis:
        if not isinstance(group, str) or group not in self._number:
            raise UnknownKeyError(self.by, group, self.names)
        i = self._number[group]
        left = self.trials.excluded
        if self.by in left:
            left = left[left[self.by].astype(str) == group].reset_index(drop=True)
        trials = self.trials.of(self.where.rows(i), left)
        return fitted(trials, self.model) if self.fits is None else result_of(self.fits, i, trials, self.model, notes=self.notes)

    def __eq__(self, other: object) -> bool:
        return self is other

    def __hash__(self) -> int:
        return id(self)

    def __iter__(self) -> Iterator[str]:
        return iter(self.names)

    def __len__(self) -> int:
        return len(self.names)

    def frame_of_fits(self) -> pd.DataFrame | None:
        """Return one row a group, straight from the fits; None with moderators, where groups were not fitted together."""
        if self.fits is None:
            return None
        fits, model = self.fits, self.model
        estimate, se = fits.beta[:, 0], np.sqrt(fits.vcov[:, 0, 0])
        low, high = kernel.interval(estimate, se, fits.df, model.level)
        with np.errstate(divide="ignore", invalid="ignore"):  # HKSJ's se is 0 when the effects agree exactly
            statistic = estimate / se
        free = np.full(len(self), np.inf) if model.prediction == "z" else fits.k - 1.0
        free = free - (model.prediction == "HTS")
        known = (fits.k > 1) & (free > 0) & (model.method != "EE")
        spread = np.sqrt(se**2 + np.where(known, fits.tau2, np.nan))
        pi_low, pi_high = kernel.interval(estimate, spread, np.where(known, free, 1.0), model.level)
        return pd.DataFrame(
            {
                "term": "Intercept",
                "estimate": estimate,
                "se": se,
                "statistic": statistic,
                "df": fits.df,
                "p_value": kernel.tail(statistic, fits.df),
                "ci_low": low,
                "ci_high": high,
                "k": fits.k,
                "tau2": fits.tau2,
                "i2": fits.i2,
                "q": fits.q,
                "q_p": kernel.chi_square_tail(fits.q, fits.q_df),
                "pi_low": pi_low,
                "pi_high": pi_high,
                "method": model.method,
                "test": model.test,
                self.by: self.names,
            }
        )

    def effects(self) -> tuple[np.ndarray, np.ndarray]:
        """Return the groups' pooled effects and the inverse of their model-based variances."""
        if self.fits is None:
            found = list(self.values())
            total = [float((1 / (one.vi + (one.tau2 or 0.0))).sum()) for one in found]
            return np.array([one.estimate for one in found]), np.array(total)
        tau2 = np.nan_to_num(self.fits.tau2)[np.repeat(np.arange(len(self)), self.where.size)]
        weight = 1 / (self.trials.v[self.where.order] + tau2)
        return self.fits.beta[:, 0], np.add.reduceat(weight, self.where.start)


def _between(found: Members, code: np.ndarray) -> Between | None:
    if len(found) < 2:
        return None
    estimate, precision = found.effects()
    mean = float(precision @ estimate / precision.sum())
    q = float(precision @ (estimate - mean) ** 2)
    df = len(found) - 1
    shared: tuple[str, ...] = ()
    frame = found.trials.frame
    if frame is not None and "trial_id" in frame:
        spread = pd.Series(code).groupby(frame["trial_id"].to_numpy()).nunique()
        shared = tuple(map(str, spread.index[spread > 1]))
    return Between(q, df, float(kernel.chi_square_tail(np.array(q), np.array(df))), shared)
