"""Many meta-analyses in one call: arrays with a row each, or the groups of one long table.

Knows arrays and groups; every fit is the kernel's. Builds no result object a row, which is why it is fast.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, fields
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from acuevidence.arguments import guard
from acuevidence.errors import InputError
from acuevidence.inputs import LARGEST, choice, numeric, refuse, values, variances
from acuevidence.shown import Shown
from acuevidence.synthesis import kernel, scale

__all__ = ["Batch", "Layout", "fit_groups", "fit_many", "layout"]

Array = np.ndarray
_COLUMNS = (
    "k",
    "estimate",
    "se",
    "df",
    "p_value",
    "ci_low",
    "ci_high",
    "pi_low",
    "pi_high",
    "tau2",
    "q",
    "i2",
    "converged",
)


@dataclass(frozen=True, slots=True, kw_only=True, repr=False, eq=False)
class Batch(Shown):
    """B pooled effects; every array has the shape (B,).

    Attributes
    ----------
    estimate, se, p_value, ci_low, ci_high : ndarray
        Pooled effects, their standard errors, two-sided P values and intervals. NaN for a row without trials.
    df : ndarray
        Degrees of freedom of the intervals; inf: normal.
    pi_low, pi_high : ndarray
        Prediction intervals (t, k-1 degrees of freedom); NaN for one trial and under equal effects.
    tau2, q, i2 : ndarray
        Heterogeneity variance (NaN for one trial), Cochran's Q, and I2 in percent.
    k : ndarray of int
        Trials.
    converged : ndarray of bool
        Whether the estimator of tau2 found its solution.
    groups : Index
        What the rows are: groups of ``by``, else 0 to B-1.
    method, test, level
        As asked for.
    """

    estimate: Array
    se: Array
    df: Array
    p_value: Array
    ci_low: Array
    ci_high: Array
    pi_low: Array
    pi_high: Array
    tau2: Array
    q: Array
    i2: Array
    k: Array
    converged: Array
    groups: pd.Index = field(repr=False)
    method: str
    test: str
    level: float

    def __len__(self) -> int:
        return len(self.estimate)

    def to_frame(self) -> pd.DataFrame:
        """Return one row a meta-analysis, with the groups as index."""
        return pd.DataFrame({name: getattr(self, name) for name in _COLUMNS}, index=self.groups)

    def _sentences(self) -> list[str]:
        model = "equal effects" if self.method == "EE" else f"tau2 by {self.method}"
        head = f"{len(self)} meta-analyses, {model}, {self.test} intervals at {100 * self.level:g}%"
        failed = int((~self.converged).sum())
        tail = "all converged." if not failed else f"{failed} did not converge."
        return [f"{head}; {tail}"]

    def _table(self) -> pd.DataFrame:
        return self.to_frame()[["k", "estimate", "se", "tau2", "i2"]].describe().round(4)

    def _page_table(self) -> pd.DataFrame:
        return self.to_frame().head(20)


@dataclass(frozen=True, slots=True)
class Layout:
    """Where the rows of each group of a long table stand.

    Attributes
    ----------
    order : ndarray, (n,)
        Row numbers, groups one after another, the table's order within each.
    start, size : ndarray, (B,)
        Where a group begins in ``order``, and how many rows it has.
    """

    order: Array
    start: Array
    size: Array

    def rows(self, group: int) -> Array:
        """Return the row numbers of one group."""
        return self.order[self.start[group] : self.start[group] + self.size[group]]


def layout(code: Array, count: int) -> Layout:
    """Return where the rows of each group stand, from group numbers 0 to count-1."""
    size = np.bincount(code, minlength=count)
    return Layout(np.argsort(code, kind="stable"), np.cumsum(size) - size, size)


def fit_groups(
    y: Array,
    v: Array,
    where: Layout,
    fit: Callable[[Array, Array], kernel.Fits],
    *,
    chunk: int = scale.CHUNK,
    client: Any = None,
    progress: scale.Progress = iter,
) -> kernel.Fits:
    """Fit the groups of a long table, those of like size together so that few cells stay empty."""
    width = np.ceil(np.log2(where.size)).astype(int)
    alike = [np.flatnonzero(width == w) for w in np.unique(width)]
    calls = (call for groups in alike for call in scale.jobs(fit, _padded(y, v, where, groups), chunk=chunk))
    count = sum(-(-len(groups) // chunk) for groups in alike)
    fits: kernel.Fits = scale.joined(scale.run(calls, count, client=client, progress=progress))
    back = np.argsort(np.concatenate(alike), kind="stable")
    return kernel.Fits(**{f.name: getattr(fits, f.name)[back] for f in fields(kernel.Fits)})


def _padded(y: Array, v: Array, where: Layout, groups: Array) -> tuple[Array, Array]:
    """Return the effects and variances of some groups as rows of one length, NaN beyond a group's own."""
    size, start = where.size[groups], where.start[groups]
    column = np.arange(int(size.max()))
    inside = column < size[:, None]
    rows = where.order[np.where(inside, start[:, None] + column, start[:, None])]
    return np.where(inside, y[rows], np.nan), np.where(inside, v[rows], np.nan)


def fit_many(
    yi: Any,
    vi: Any,
    *,
    by: Any = None,
    data: pd.DataFrame | None = None,
    method: str = "REML",
    test: str = "HKSJ-adhoc",
    level: float = 0.95,
    chunk: int = scale.CHUNK,
    client: Any = None,
    progress: scale.Progress = iter,
) -> Batch:
    """Pool many sets of effects at once.

    Parameters
    ----------
    yi, vi : array-like, (B, k) or (n,)
        Effects and sampling variances. A row of a two-dimensional array is a meta-analysis, NaN marks an absent trial.
        With ``by``: columns of a long table, one row a trial.
    by : array-like or column name, optional
        Groups of the long table, one meta-analysis each.
    data : DataFrame, optional
        Where column names are looked up.
    method, test, level
        As for :func:`acuevidence.meta_analysis`.
    chunk, client, progress
        Meta-analyses fitted at a time, a Dask client to send them to, and what wraps the iteration over them; as in
        :func:`acuevidence.synthesis.scale.in_chunks`. The numbers are the same to the bit with and without a client.

    Returns
    -------
    Batch
        Arrays with one entry a row, or a group in order of appearance. The same numbers as ``meta_analysis``, without
        its result objects: 100,000 groups take about a second.

    Raises
    ------
    InputError
        For shapes that differ, variances that are not positive, or a yi without its vi (named by row and column).

    Examples
    --------
    >>> import numpy as np
    >>> from acuevidence import fit_many
    >>> batch = fit_many([[0.2, 0.5, 0.3], [0.1, 0.4, np.nan]], [[0.02, 0.04, 0.03], [0.02, 0.03, np.nan]])
    >>> batch.k.tolist(), batch.estimate.round(3).tolist()
    ([3, 2], [0.3, 0.233])
    >>> fit_many([0.2, 0.5, 0.1, 0.4], [0.02, 0.04, 0.02, 0.03], by=["a", "a", "b", "b"]).to_frame()["k"].to_dict()
    {'a': 2, 'b': 2}
    """
    choice("method", method, kernel.METHODS)
    choice("test", test, kernel.TESTS)

    if not isinstance(chunk, int) or chunk < 1:
        raise InputError(f"chunk must be 1 or more meta-analyses, not {chunk!r}")
    fit = partial(kernel.fit, method=method, test=test)
    where: dict[str, Any] = {"chunk": chunk, "client": client, "progress": progress}
    if by is not None:
        return _batch(*_long(yi, vi, by, data, partial(fit_groups, fit=fit, **where)), method, test, float(level))
    y, v = _wide(yi, vi, data)
    some = ~np.isnan(y).all(axis=1)
    fits: kernel.Fits = scale.in_chunks(fit, [y[some], v[some]], **where)
    return _batch(fits, some, pd.RangeIndex(len(y)), method, test, float(level))


def _long(
    yi: Any, vi: Any, by: Any, data: pd.DataFrame | None, fitted: Callable[..., kernel.Fits]
) -> tuple[kernel.Fits, Array, pd.Index]:
    arrays, index = numeric(data, yi=yi, vi=vi)
    variances("vi", arrays["vi"], index)
    groups = values(data, by=by)[0]["by"]
    if len(groups) != len(index):
        raise InputError(f"by has {len(groups)} entries for {len(index)} effects")
    refuse(groups.isna().to_numpy(), "by is missing", groups, groups.index)
    if not len(index):
        raise InputError("there is no trial to pool (yi is empty)")
    code, levels = pd.factorize(groups)
    fits = fitted(arrays["yi"], arrays["vi"], layout(code, len(levels)))
    return fits, np.ones(len(levels), dtype=bool), pd.Index(levels, name=by if isinstance(by, str) else groups.name)


def _wide(yi: Any, vi: Any, data: pd.DataFrame | None) -> tuple[Array, Array]:
    if data is not None:
        raise InputError("data= is for long tables: name the groups with by=")
    try:
        y, v = np.asarray(yi, dtype=float), np.asarray(vi, dtype=float)
    except (TypeError, ValueError):
        raise InputError("yi and vi must be numbers in rows of one length; fill short rows with NaN") from None
    if y.ndim != 2 or y.shape != v.shape:
        raise InputError(f"yi and vi must have one shape (B, k), not {y.shape} and {v.shape}; for a long table give by=")
    if y.size == 0:
        raise InputError(f"there is no trial to pool (yi has the shape {y.shape})")
    absent = np.isnan(y)
    if (absent & np.isnan(v)).all():
        raise InputError("there is no trial to pool (every yi is NaN)")
    _refuse_cells(np.isinf(y), "yi must be finite", y)
    _refuse_cells(np.abs(y) > LARGEST, f"yi is too large to compute with (beyond {LARGEST:g})", y)
    _refuse_cells((v > LARGEST) | ((v > 0) & (v < 1 / LARGEST)), f"vi must lie between {1 / LARGEST:g} and {LARGEST:g}", v)
    _refuse_cells(~absent & np.isnan(v), "vi is missing where yi is given", v)
    _refuse_cells(absent & ~np.isnan(v), "yi is missing where vi is given", y)
    _refuse_cells(~absent & ~((v > 0) & np.isfinite(v)), "vi must be positive and finite", v)
    return y, v


def _refuse_cells(bad: Array, rule: str, given: Array) -> None:
    if bad.any():
        row, column = np.argwhere(bad)[0]
        raise InputError(f"{rule}: row {row}, column {column} has {float(given[row, column])}")


def _batch(fits: kernel.Fits, some: Array, groups: pd.Index, method: str, test: str, level: float) -> Batch:
    """Return the fits with their intervals; rows without trials are NaN."""
    estimate, se, tau2 = fits.beta[:, 0], np.sqrt(fits.vcov[:, 0, 0]), fits.tau2
    low, high = kernel.interval(estimate, se, fits.df, level)
    with np.errstate(divide="ignore", invalid="ignore"):
        statistic = np.where(se > 0, estimate / se, np.sign(estimate) * np.inf)
    known = (fits.k > 1) & (method != "EE")
    df = np.where(known, fits.k - 1.0, 1.0)
    p_low, p_high = kernel.interval(estimate, np.sqrt(se**2 + np.where(known, tau2, 0.0)), df, level)
    found = {
        "estimate": estimate,
        "se": se,
        "df": fits.df,
        "p_value": kernel.tail(statistic, fits.df),
        "ci_low": low,
        "ci_high": high,
        "pi_low": np.where(known, p_low, np.nan),
        "pi_high": np.where(known, p_high, np.nan),
        "tau2": tau2,
        "q": fits.q,
        "i2": fits.i2,
    }
    spread = {name: np.full(len(some), np.nan) for name in found}
    for name, value in found.items():
        spread[name][some] = value
    k, converged = np.zeros(len(some), dtype=int), np.zeros(len(some), dtype=bool)
    k[some], converged[some] = fits.k, fits.converged
    return Batch(**spread, k=k, converged=converged, groups=groups, method=method, test=test, level=level)


guard(__name__, "fit_many")
