"""The verb of this room: summaries in, yi and vi out, for every measure of the registry.

Each measure is one entry with the summaries it takes; formulas stand in the modules named after their kind of data.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from numbers import Real
from typing import Any

import numpy as np
import pandas as pd

from acuevidence.arguments import guarded
from acuevidence.effects import binary, continuous, paired, rates, single
from acuevidence.errors import InputError
from acuevidence.inputs import choice, numeric

__all__ = ["MEASURES", "effect_size"]

_TWO_MEANS = ("mean1", "sd1", "n1", "mean2", "sd2", "n2")
_TWO_COUNTS = ("events1", "n1", "events2", "n2")
_RATES = ("events1", "time1", "events2", "time2")
_ONE_COUNT = ("events", "n")
_PAIRED = ("mean_pre", "mean_post", "sd_pre", "sd_post", "n", "r")

MEASURES: dict[str, tuple[Callable[..., tuple[np.ndarray, np.ndarray]], tuple[str, ...]]] = {
    **dict.fromkeys(("MD", "SMD", "SMDH", "ROM", "VR", "CVR", "D2OR"), (continuous.two_means, _TWO_MEANS)),
    **dict.fromkeys(("RR", "OR", "RD", "AS", "PETO", "OR2D"), (binary.two_counts, _TWO_COUNTS)),
    "IRR": (rates.rate_ratio, _RATES),
    **dict.fromkeys(("PR", "PLO", "PAS", "PFT"), (single.one_count, _ONE_COUNT)),
    **dict.fromkeys(("MC", "SMCC", "SMCR"), (paired.pre_post, _PAIRED)),
}
_ALL = sorted({name for _, names in MEASURES.values() for name in names})


@guarded
def effect_size(
    measure: str,
    *,
    data: pd.DataFrame | None = None,
    vtype: str = "LS",
    correct: bool = True,
    add: float = 0.5,
    to: str = "only0",
    drop_empty: bool = False,
    **summaries: Any,
) -> pd.DataFrame:
    """Compute effect sizes and their sampling variances; group 1 is the treatment.

    Parameters
    ----------
    measure : str
        Two groups of means: ``MD SMD SMDH ROM VR CVR D2OR``; of counts: ``RR OR RD AS PETO OR2D``; of person-time:
        ``IRR``; one group: ``PR PLO PAS PFT``; before and after: ``MC SMCC SMCR``. ``docs/effect_sizes.md`` gives each formula.
    data : DataFrame, optional
        Where column names are looked up.
    vtype : {"LS", "LS2", "UB", "AV", "HO"}
        Variance: large-sample, its variant with the corrected d, unbiased, at the average effect, or under equal spread.
        Not every measure knows every one.
    correct : bool
        Small-sample correction of SMD, SMDH, D2OR, SMCC, SMCR (Hedges, exact), ROM, VR and CVR.
    add : float
        What is added to cells of counts under ``to``.
    to : {"only0", "all", "if0all", "none"}
        Add to trials with an empty cell, to all, to all if any has one, or never. Under ``none`` an empty cell may leave an infinite
        effect, which is given as NaN as in metafor, or no variance; a warning names the rows.
    drop_empty : bool
        Give NaN to trials without events, or without non-events, in both groups (metafor's drop00).
    **summaries
        ``mean1, sd1, n1, mean2, sd2, n2``; ``events1, n1, events2, n2``; ``events1, time1, events2, time2``; ``events, n``;
        ``mean_pre, mean_post, sd_pre, sd_post, n, r``: scalars, sequences, Series, or column names.

    Returns
    -------
    DataFrame
        ``yi`` and ``vi`` with the caller's index. Ratios (RR, OR, IRR, ROM, VR, CVR, PETO) are natural logarithms. Sign:
        group 1 minus group 2, or after minus before.

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
    Formulas, options and conventions are those of metafor's ``escalc`` (Viechtbauer 2010, Journal of Statistical Software 36(3)),
    measure by measure in ``docs/effect_sizes.md``.

    Examples
    --------
    >>> import acuevidence as ae
    >>> ae.effect_size("SMD", mean1=32, sd1=22, n1=40, mean2=21, sd2=22, n2=35).round(4)
           yi      vi
    0  0.4948  0.0552
    """
    function, names = MEASURES[choice("measure", measure, MEASURES)]
    choice("vtype", vtype, ("LS", "LS2", "UB", "AV", "HO"))
    choice("to", to, ("only0", "all", "if0all", "none"))
    if not isinstance(add, Real) or not 0 <= add < np.inf:
        raise InputError(f"add must be zero or a positive number, not {add!r}")
    for name in summaries:
        choice("summary", name, _ALL)
    wrong = [n for n in summaries if n not in names]
    absent = [n for n in names if summaries.get(n) is None and not (measure == "SMCR" and n == "sd_post")]
    absent = [n for n in absent if not (measure == "VR" and n.startswith("mean"))]
    if absent or wrong:
        problem = f"needs {', '.join(absent)}" if absent else f"does not take {', '.join(wrong)}"
        raise InputError(f"measure {measure!r} {problem} (it takes {', '.join(names)})")
    arrays, index = numeric(data, **summaries)
    options = {"vtype": vtype, "correct": correct, "add": add, "to": to, "drop_empty": drop_empty}
    yi, vi = function(measure, arrays, index, **options)
    usable = np.isfinite(yi) & np.isfinite(vi)
    _warn(~(usable & (vi > 0)) & ~(drop_empty & np.isnan(yi)), index)
    return pd.DataFrame({"yi": np.where(usable, yi, np.nan), "vi": np.where(usable, vi, np.nan)}, index=index)


def _warn(lost: np.ndarray, index: pd.Index) -> None:
    """Name the rows whose effect no synthesis can use."""
    if lost.any():
        rows = ", ".join(repr(label) for label in index[lost][:5]) + (" and more" if lost.sum() > 5 else "")
        warnings.warn(
            f"no finite effect with a positive variance in row {rows}: an empty cell to which nothing was added",
            RuntimeWarning,
            stacklevel=3,
        )
