"""One pairwise synthesis: trials and a model in, a result with its flags out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from acuevidence.evidence.carried import lost
from acuevidence.synthesis import kernel
from acuevidence.synthesis.coefficients import omnibus
from acuevidence.synthesis.formula import design
from acuevidence.synthesis.result import MetaAnalysis, with_notes

__all__ = ["Model", "Trials", "design_of", "fitted", "result_of"]


@dataclass(frozen=True, slots=True, eq=False)
class Trials:
    """The trials of an analysis, and what was left out of it.

    Attributes
    ----------
    y, v : ndarray, (k,)
        Effects and sampling variances.
    frame : DataFrame or None
        The caller's rows of them.
    labels : Series or None
        Their names.
    index : Index
        The caller's index.
    excluded : DataFrame
        What was left out, with a ``reason``.
    own : ndarray, (k,), or None
        Weights of the caller's.
    """

    y: np.ndarray
    v: np.ndarray
    frame: pd.DataFrame | None
    labels: pd.Series | None
    index: pd.Index
    excluded: pd.DataFrame
    own: np.ndarray | None = None

    def of(self, rows: np.ndarray, excluded: pd.DataFrame) -> Trials:
        """Return some of the trials, with what was left out from among them."""
        frame = None if self.frame is None else self.frame.iloc[rows]
        labels = None if self.labels is None else self.labels.iloc[rows]
        own = None if self.own is None else self.own[rows]
        return Trials(self.y[rows], self.v[rows], frame, labels, self.index[rows], excluded, own)


@dataclass(frozen=True, slots=True)
class Model:
    """How trials are pooled: ``method``, ``test``, ``level`` and ``prediction`` as asked for, ``formula`` of the moderators."""

    method: str
    test: str
    level: float
    prediction: str
    formula: str | None


def design_of(trials: Trials, formula: str | None) -> tuple[np.ndarray | None, tuple[str, ...]]:
    """Return the matrix of a formula's moderators and its terms; no matrix without a formula."""
    return (None, ("Intercept",)) if formula is None or trials.frame is None else design(formula, trials.frame)


def fitted(trials: Trials, model: Model) -> MetaAnalysis:
    """Return the result of pooling trials by a model."""
    X, terms = design_of(trials, model.formula)
    given = None if X is None else X[None]
    fits = kernel.fit(trials.y[None], trials.v[None], given, method=model.method, test=model.test)
    return result_of(fits, 0, trials, model, X, terms)


def result_of(
    fits: kernel.Fits,
    row: int,
    trials: Trials,
    model: Model,
    X: np.ndarray | None = None,
    terms: tuple[str, ...] = ("Intercept",),
    notes: tuple[str, ...] = (),
) -> MetaAnalysis:
    """Return one row of the fits as a result, with the notes that belong to it."""
    df = float(fits.df[row])
    tau2 = None if np.isnan(fits.tau2[row]) else float(fits.tau2[row])
    weights = 1 / (trials.v + (tau2 or 0.0))
    beta, covariance = fits.beta[row], fits.vcov[row]
    known_df = df if np.isfinite(df) else None
    qm, qm_df, qm_p = omnibus(beta, covariance, terms, known_df)
    result = MetaAnalysis(
        k=len(trials.y),
        method=model.method,
        _test=model.test,
        level=model.level,
        prediction=model.prediction,
        formula=model.formula,
        tau2=tau2,
        tau2_se=None if tau2 is None else float(fits.tau2_se[row]),
        i2=float(fits.i2[row]),
        h2=float(fits.h2[row]),
        q=float(fits.q[row]),
        q_df=int(fits.q_df[row]),
        q_p=float(kernel.chi_square_tail(fits.q[row], fits.q_df[row])),
        qm=qm,
        qm_df=qm_df,
        qm_p=qm_p,
        df=known_df,
        weights=100 * weights / weights.sum(),
        excluded=trials.excluded,
        beta=beta,
        covariance=covariance,
        yi=trials.y,
        vi=trials.v,
        X=X,
        terms=terms,
        _labels=trials.labels,
        _given=trials.frame,
        _index=trials.index,
    )
    told = () if trials.frame is None else trials.frame.attrs.get("notes", ())
    found = (*told, *_flags(result, bool(fits.converged[row])), *_implausible(trials), *notes)
    return with_notes(result, *found) if found else result


def _flags(result: MetaAnalysis, converged: bool) -> Iterator[str]:
    if result.k == 1:
        yield "One trial: nothing is pooled; the interval is the trial's own."
    if result.k == 2:
        yield "Two trials: intervals from one degree of freedom are wide, and tau2 is hardly known."
    if result.test == "HKSJ" and result.q_df > 0 and result.X is None:
        w = 1 / (result.vi + (result.tau2 or 0.0))
        if result.se < float(w.sum()) ** -0.5:
            yield "HKSJ's standard error is smaller than Wald's: the effects differ less than chance; compare test='HKSJ-adhoc'."
    if lost(result._given):
        yield (
            "The table came from trial_effects but no longer says of which review it is, or what was left out; "
            "join such tables with acuevidence.evidence.joined."
        )
    if not converged:
        yield "The estimator of tau2 did not converge."


def _implausible(trials: Trials) -> Iterator[str]:
    """Say what is possible but looks like a slip of the pen: a trial twice, a standardised effect beyond 3."""
    frame = trials.frame
    named = next((name for name in ("trial_id", "study") if frame is not None and name in frame), None)
    whose = trials.labels if named is None or frame is None else frame[named]
    if whose is not None and whose.duplicated().any():
        twice = ", ".join(map(str, whose[whose.duplicated()].unique()[:3]))
        yield f"More than one row of {twice}: rows of one trial are not independent; see multilevel() and vcalc()."
    if frame is not None and "effect" in frame:
        far = np.flatnonzero(frame["effect"].isin(["SMD", "SMDH"]).to_numpy() & (np.abs(trials.y) > 3))
        if len(far):
            known = trials.labels if trials.labels is not None else whose
            names = (trials.index if known is None else known.array)[far[:3]]
            yield f"An SMD beyond 3 in {', '.join(map(str, names))}: is a standard error given as a standard deviation?"
