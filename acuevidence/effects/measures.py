"""The verb of this room: summaries in, yi and vi out, for every measure of the registry.

Each measure is one entry with the summaries it takes; formulas stand in the modules named after their kind of data.
A formula takes the measure's code, its summaries by name in arrays of one length, the caller's row labels for messages, and the
options of :func:`effect_size`; it returns ``yi`` and ``vi``, and refuses impossible summaries and a ``vtype`` it does not have.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from numbers import Real
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import expit

from acuevidence.arguments import guard
from acuevidence.effects import binary, continuous, correlations, paired, rates, single
from acuevidence.effects import precision as intervals
from acuevidence.errors import InputError
from acuevidence.inputs import choice, numeric

__all__ = ["MEASURES", "RATIOS", "Measure", "effect_size"]

_MEANS = ("mean1", "sd1", "n1", "mean2", "sd2", "n2")
_COUNTS = ("events1", "n1", "events2", "n2")
_RATES = ("events1", "time1", "events2", "time2")
_PRINTED = ("ratio", "ci_low", "ci_high")
_COUNT = ("events", "n")
_TIMED = ("events", "time")
_MEAN = ("mean", "sd", "n")
_CORRELATION = ("r", "n")
_PARTIAL, _PARTIAL_T = ("r", "n", "m"), ("t", "n", "m")
_PAIRED = ("mean_pre", "mean_post", "sd_pre", "sd_post", "n", "r")
_CONTROLLED = tuple(f"{name}{group}" for group in (1, 2) for name in _PAIRED)
_PAIRS = ("both", "only1", "only2", "neither")
_FORMULAS: dict[tuple[str, ...], Callable[..., tuple[np.ndarray, np.ndarray]]] = {
    _MEANS: continuous.two_means,
    _COUNTS: binary.two_counts,
    _RATES: rates.two_rates,
    _PRINTED: intervals.printed_ratio,
    _COUNT: single.one_count,
    _TIMED: rates.one_rate,
    _MEAN: single.one_mean,
    _PAIRED: paired.pre_post,
    _CONTROLLED: paired.pre_post_control,
    _PAIRS: binary.matched_pairs,
    _CORRELATION: correlations.one_correlation,
    _PARTIAL: correlations.partial_correlation,
    _PARTIAL_T: correlations.partial_correlation,
}


@dataclass(frozen=True)
class Measure:
    """One effect measure.

    Attributes
    ----------
    code : str
        Key in :data:`MEASURES`; metafor's code where it has one.
    name : str
        What a paper calls it.
    takes : tuple of tuple of str
        Sets of summaries, any of which gives it.
    ratio : bool
        ``yi`` is the natural logarithm of a ratio.
    null : float or None
        No effect, on the natural scale; None where a measure of one group has none.
    back : callable or None
        From ``yi`` to the natural scale; None where they are the same, or where the sample sizes are needed too (PFT, IRFT).
    scale : str
        What the natural scale is called where ``yi`` is on another: ``ratio``, ``proportion``, ``correlation`` ...
    """

    code: str
    name: str
    takes: tuple[tuple[str, ...], ...]
    ratio: bool = False
    null: float | None = 0.0
    back: Callable[[Any], Any] | None = None
    scale: str = ""

    def needed(self, names: tuple[str, ...]) -> tuple[str, ...]:
        """Return those of a set of summaries that the measure cannot do without."""
        return tuple(name for name in names if name not in _SPARE.get(self.code, ()))


_SPARE = {
    "SMCR": ("sd_post",),
    "SMCRD": ("sd_post1", "sd_post2"),
    "VR": ("mean1", "mean2"),
    "VRC": ("mean_pre", "mean_post"),
    "SDLN": ("mean",),
}


def _difference(code: str, name: str, *takes: tuple[str, ...]) -> Measure:
    return Measure(code, name, takes)


def _ratio(code: str, name: str, *takes: tuple[str, ...]) -> Measure:
    return Measure(code, name, takes, ratio=True, null=1.0, back=np.exp, scale="ratio")


def _one_group(code: str, name: str, takes: tuple[str, ...], back: Callable[[Any], Any] | None = None, scale: str = "") -> Measure:
    return Measure(code, name, (takes,), null=None, back=back, scale=scale)


def _angle(yi: Any) -> Any:
    return np.sin(np.clip(yi, 0, np.pi / 2)) ** 2


def _share(yi: Any) -> Any:
    return np.minimum(np.exp(yi), 1.0)


def _square(yi: Any) -> Any:
    return np.maximum(yi, 0.0) ** 2


MEASURES: dict[str, Measure] = {
    measure.code: measure
    for measure in (
        _difference("MD", "Mean difference", _MEANS),
        _difference("SMD", "Standardised mean difference", _MEANS),
        _difference("SMDH", "Standardised mean difference, unequal variances", _MEANS),
        _ratio("ROM", "Ratio of means", _MEANS),
        _ratio("VR", "Ratio of standard deviations", _MEANS),
        _ratio("CVR", "Ratio of coefficients of variation", _MEANS),
        _ratio("D2OR", "Odds ratio from standardised mean difference", _MEANS),
        _ratio("RR", "Risk ratio", _COUNTS, _PRINTED),
        _ratio("OR", "Odds ratio", _COUNTS, _PRINTED),
        _difference("RD", "Risk difference", _COUNTS),
        _difference("AS", "Difference of arcsine square roots of risks", _COUNTS),
        _ratio("PETO", "Odds ratio (Peto)", _COUNTS),
        _difference("OR2D", "Standardised mean difference from odds ratio", _COUNTS),
        _ratio("IRR", "Incidence rate ratio", _RATES, _PRINTED),
        _difference("IRD", "Incidence rate difference", _RATES),
        _difference("IRSD", "Difference of square roots of incidence rates", _RATES),
        _ratio("HR", "Hazard ratio", _PRINTED),
        _one_group("PR", "Proportion", _COUNT),
        _one_group("PLN", "Proportion (log)", _COUNT, _share, "proportion"),
        _one_group("PLO", "Proportion (logit)", _COUNT, expit, "proportion"),
        _one_group("PAS", "Proportion (arcsine)", _COUNT, _angle, "proportion"),
        _one_group("PFT", "Proportion (double arcsine)", _COUNT, scale="proportion"),
        _one_group("IR", "Incidence rate", _TIMED),
        _one_group("IRLN", "Incidence rate (log)", _TIMED, np.exp, "rate"),
        _one_group("IRS", "Incidence rate (square root)", _TIMED, _square, "rate"),
        _one_group("IRFT", "Incidence rate (Freeman-Tukey)", _TIMED, scale="rate"),
        _one_group("MN", "Mean", _MEAN),
        _one_group("MNLN", "Mean (log)", _MEAN, np.exp, "mean"),
        _one_group("SMN", "Standardised mean", _MEAN),
        _one_group("SDLN", "Standard deviation (log)", _MEAN, np.exp, "standard deviation"),
        _one_group("CVLN", "Coefficient of variation (log)", _MEAN, np.exp, "coefficient of variation"),
        _difference("MC", "Mean change", _PAIRED),
        _difference("SMCC", "Standardised mean change, SD of changes", _PAIRED),
        _difference("SMCR", "Standardised mean change, SD before", _PAIRED),
        _difference("SMCRH", "Standardised mean change, SD before, unequal variances", _PAIRED),
        _difference("SMCRP", "Standardised mean change, average SD", _PAIRED),
        _difference("SMCRPH", "Standardised mean change, average SD, unequal variances", _PAIRED),
        _ratio("ROMC", "Ratio of means, after to before", _PAIRED),
        _ratio("VRC", "Ratio of standard deviations, after to before", _PAIRED),
        _ratio("CVRC", "Ratio of coefficients of variation, after to before", _PAIRED),
        _difference("MCD", "Difference of mean changes", _CONTROLLED),
        _difference("SMCCD", "Difference of standardised mean changes, SD of changes", _CONTROLLED),
        _difference("SMCRD", "Difference of standardised mean changes, SD before", _CONTROLLED),
        _difference("SMCRHD", "Difference of standardised mean changes, SD before, unequal variances", _CONTROLLED),
        _difference("MPRD", "Risk difference of matched pairs", _PAIRS),
        _ratio("MPRR", "Risk ratio of matched pairs", _PAIRS),
        _ratio("MPOR", "Odds ratio of matched pairs, marginal", _PAIRS),
        _ratio("MPORC", "Odds ratio of matched pairs, conditional", _PAIRS),
        _ratio("MPPETO", "Odds ratio of matched pairs (Peto)", _PAIRS),
        Measure("COR", "Correlation", (_CORRELATION,)),
        Measure("ZCOR", "Correlation (Fisher's z)", (_CORRELATION,), back=np.tanh, scale="correlation"),
        Measure("PCOR", "Partial correlation", (_PARTIAL, _PARTIAL_T)),
        Measure("ZPCOR", "Partial correlation (Fisher's z)", (_PARTIAL, _PARTIAL_T), back=np.tanh, scale="correlation"),
    )
}
RATIOS = tuple(code for code, measure in MEASURES.items() if measure.ratio)
_ALL = sorted({name for measure in MEASURES.values() for names in measure.takes for name in names})


def effect_size(
    measure: str,
    *,
    data: pd.DataFrame | None = None,
    vtype: str = "LS",
    correct: bool = True,
    add: float = 0.5,
    to: str = "only0",
    drop_empty: bool = False,
    level: float = 0.95,
    **summaries: Any,
) -> pd.DataFrame:
    """Compute effect sizes and their sampling variances; group 1 is the treatment.

    Parameters
    ----------
    measure : str
        Two groups of means: ``MD SMD SMDH ROM VR CVR D2OR``; of counts: ``RR OR RD AS PETO OR2D``; of person-time:
        ``IRR IRD IRSD``; of values before and after: ``MCD SMCCD SMCRD SMCRHD``; matched pairs: ``MPRD MPRR MPOR MPORC MPPETO``;
        one group of counts: ``PR PLN PLO PAS PFT``; of person-time: ``IR IRLN IRS IRFT``; of means: ``MN MNLN SMN SDLN CVLN``;
        before and after: ``MC SMCC SMCR SMCRH SMCRP SMCRPH ROMC VRC CVRC``; correlations: ``COR ZCOR PCOR ZPCOR``; ratios
        printed with their limits: ``HR OR RR IRR``. ``docs/effect_sizes.md`` gives each formula.
    data : DataFrame, optional
        Where column names are looked up; summaries that are not given are its columns of the same name.
    vtype : {"LS", "LS2", "UB", "AV", "HO"}
        Variance: large-sample, its variant with the corrected d, unbiased, at the average effect, or under equal spread.
        Not every measure knows every one.
    correct : bool
        Small-sample correction of SMD, SMDH, D2OR, the standardised changes and SMN (Hedges, exact), ROM, ROMC, VR, CVR, CVRC, SDLN
        and CVLN.
    add : float
        What is added to cells of counts under ``to``.
    to : {"only0", "all", "if0all", "none"}
        Add to trials with an empty cell, to all, to all if any has one, or never. Under ``none`` an empty cell may leave an infinite
        effect, which is given as NaN as in metafor, or no variance; a warning names the rows.
    drop_empty : bool
        Give NaN to trials without events, or without non-events, in both groups (metafor's drop00).
    level : float
        Confidence level of the limits of a printed ratio.
    **summaries
        ``mean1, sd1, n1, mean2, sd2, n2``; ``events1, n1, events2, n2``; ``events1, time1, events2, time2``; ``events, n``;
        ``events, time``; ``mean, sd, n``; ``mean_pre, mean_post, sd_pre, sd_post, n, r``, of two groups with 1 and 2 behind each;
        ``both, only1, only2, neither`` (pairs by who had the event); ``r, n``; ``r, n, m`` or ``t, n, m`` (m predictors in the
        regression); ``ratio, ci_low, ci_high`` on the natural scale: scalars, sequences, Series, or column names.

    Returns
    -------
    DataFrame
        ``yi`` and ``vi`` with the caller's index. Ratios (:data:`RATIOS`) are natural logarithms.
        Sign: group 1 minus group 2, or after minus before.

    Raises
    ------
    InputError
        For an unknown measure or option, a summary that is missing, superfluous or impossible (a negative SD, events > n, n
        below 2 where a spread is needed ...), naming argument and row.

    Warns
    -----
    RuntimeWarning
        Where ``to="none"`` leaves no finite effect or no variance.

    Notes
    -----
    Formulas, options and conventions are those of metafor's ``escalc`` (Viechtbauer 2010, Journal of Statistical Software),
    measure by measure in ``docs/effect_sizes.md``.

    Examples
    --------
    >>> import acuevidence as ae
    >>> ae.effect_size("SMD", mean1=32, sd1=22, n1=40, mean2=21, sd2=22, n2=35).round(4)
           yi      vi
    0  0.4948  0.0552
    >>> ae.effect_size("HR", ratio=0.72, ci_low=0.58, ci_high=0.90).round(4)
           yi      vi
    0 -0.3285  0.0126
    """
    chosen = MEASURES[choice("measure", measure, MEASURES)]
    choice("vtype", vtype, ("LS", "LS2", "UB", "AV", "HO"))
    choice("to", to, ("only0", "all", "if0all", "none"))
    if not isinstance(add, Real) or not 0 <= add < np.inf:
        raise InputError(f"add must be zero or a positive number, not {add!r}")
    for name in summaries:
        choice("summary", name, _ALL)
    names, given = _summaries(chosen, summaries, data)
    arrays, index = numeric(data, **given)
    options = {"vtype": vtype, "correct": correct, "add": add, "to": to, "drop_empty": drop_empty, "level": level}
    yi, vi = _FORMULAS[names](measure, arrays, index, **options)
    usable = np.isfinite(yi) & np.isfinite(vi)
    _warn(~(usable & (vi > 0)) & ~(drop_empty & np.isnan(yi)), index)
    return pd.DataFrame({"yi": np.where(usable, yi, np.nan), "vi": np.where(usable, vi, np.nan)}, index=index)


def _summaries(measure: Measure, given: dict[str, Any], data: Any) -> tuple[tuple[str, ...], dict[str, Any]]:
    """Return the set of summaries that is complete, with its values: those given, else the columns of that name."""
    there = {name: value for name, value in given.items() if value is not None}
    columns = [str(c) for c in data.columns] if isinstance(data, pd.DataFrame) else []
    filled = [{n: there.get(n, n if n in columns else None) for n in names} for names in measure.takes]
    known = [{n: value for n, value in one.items() if value is not None} for one in filled]
    for names, found in zip(measure.takes, known, strict=True):
        if set(there) <= set(names) and set(measure.needed(names)) <= set(found):
            return names, found
    names, found = max(zip(measure.takes, known, strict=True), key=lambda one: len(set(one[1])))
    absent = [n for n in measure.needed(names) if n not in found]
    wrong = [n for n in there if n not in names]
    problem = f"needs {', '.join(absent)}" if absent else f"does not take {', '.join(wrong)}"
    takes = "; or ".join(", ".join(one) for one in measure.takes)
    raise InputError(f"measure {measure.code!r} {problem} (it takes {takes})")


def _warn(lost: np.ndarray, index: pd.Index) -> None:
    """Name the rows whose effect no synthesis can use."""
    if lost.any():
        rows = ", ".join(repr(label) for label in index[lost][:5]) + (" and more" if lost.sum() > 5 else "")
        warnings.warn(
            f"no finite effect with a positive variance in row {rows}: an empty cell to which nothing was added",
            RuntimeWarning,
            stacklevel=3,
        )


guard(__name__, "effect_size")
