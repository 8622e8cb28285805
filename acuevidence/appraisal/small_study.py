"""Whether small trials show larger effects: tests of the funnel's asymmetry, and the effect at the precise end of it.

Every test takes a pooled result and says, in its notes, when it should not be believed. A regression on the standard
error is weighted least squares, which is the equal-effects fit of the kernel with the residual mean square (``lm``), or a
meta-regression (``rma``).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import pandas as pd

from acuevidence import words
from acuevidence.appraisal.few import few_trials, refuse_few
from acuevidence.arguments import guard
from acuevidence.effects.participants import participants
from acuevidence.errors import InputError
from acuevidence.inputs import choice
from acuevidence.shown import Shown
from acuevidence.synthesis import kernel
from acuevidence.synthesis.effect import PooledEffect

__all__ = [
    "LimitMetaAnalysis",
    "SmallStudyTest",
    "limit_meta_analysis",
    "pet_peese",
    "small_study_test",
]

KINDS = ("egger", "begg", "peters", "harbord")
PREDICTORS = ("se", "vi", "n", "1/n", "1/sqrt(n)")
_NAMES = {
    "egger": "Egger's regression test",
    "begg": "Begg and Mazumdar's rank test",
    "peters": "Peters' test",
    "harbord": "Harbord's test",
}


@dataclass(frozen=True, slots=True, kw_only=True, repr=False, eq=False)
class SmallStudyTest(Shown):
    """A test of funnel plot asymmetry.

    Attributes
    ----------
    kind : str
        ``egger``, ``begg``, ``peters`` or ``harbord``.
    model, predictor : str or None
        Regression model and predictor; None for Begg's test.
    statistic : float
        t or z of the predictor's coefficient; Kendall's tau for Begg's test.
    p_value : float
        Two-sided P value.
    df : float or None
        Degrees of freedom of t; None: normal or rank test.
    slope, slope_se : float or None
        The predictor's coefficient and its standard error, in units of yi per unit of the predictor.
    limit, limit_low, limit_high : float or None
        Effect as the predictor goes to 0 (an infinitely large trial) with its interval; None where it has no meaning.
    k : int
        Trials.
    notes : tuple of str
        When the test should not be used.
    """

    kind: str
    model: str | None = None
    predictor: str | None = None
    statistic: float
    p_value: float
    df: float | None = None
    slope: float | None = None
    slope_se: float | None = None
    limit: float | None = None
    limit_low: float | None = None
    limit_high: float | None = None
    k: int
    notes: tuple[str, ...] = ()

    def to_frame(self) -> pd.DataFrame:
        """Return the test as one row."""
        names = (
            "kind",
            "model",
            "predictor",
            "statistic",
            "df",
            "p_value",
            "slope",
            "slope_se",
            "limit",
            "limit_low",
            "limit_high",
            "k",
        )
        return pd.DataFrame([{name: getattr(self, name) for name in names}])

    def _sentences(self) -> list[str]:
        how = "" if self.model is None else f" ({self.model}, predictor {self.predictor})"
        symbol = "tau" if self.kind == "begg" else "z" if self.df is None else f"t({self.df:g})"
        line = f"{_NAMES[self.kind]}{how}, {self.k} trials: {symbol} {self.statistic:.3f}, P {words.p(self.p_value)}."
        if self.limit is not None:
            line += f" Effect at the limit {self.limit:.3f} ({self.limit_low:.3f} to {self.limit_high:.3f})."
        return [line, *self.notes]


def small_study_test(result: PooledEffect, kind: str = "egger", model: str = "rma", predictor: str | None = None) -> SmallStudyTest:
    """Test whether small trials show larger effects.

    Parameters
    ----------
    result : MetaAnalysis
        A pooled effect without moderators, of three trials or more.
    kind : {"egger", "begg", "peters", "harbord"}
        Egger's regression and its relatives; Begg and Mazumdar's rank correlation; for log odds ratios, Peters' (predictor
        1/n) and Harbord's (score) test, which need ``events1, n1, events2, n2`` in the data.
    model : {"rma", "lm"}
        For Egger: meta-regression with the method and test of the result, or weighted least squares (the classical test).
    predictor : {"se", "vi", "n", "1/n", "1/sqrt(n)"}, optional
        For Egger. Those with n need participants: ``n=`` of ``meta_analysis``, or ``n1`` and ``n2`` in the data. Default:
        ``1/sqrt(n)`` where the data say that the effects are SMDs and every n is known, else ``se``.

    Returns
    -------
    SmallStudyTest
        ``statistic``, ``p_value``, ``df`` and the ``limit``: the effect as the predictor goes to 0. A positive slope
        means larger effects in favour of acupuncture in smaller trials.

    Raises
    ------
    InputError
        With fewer than three trials, with moderators, when the predictor does not vary, or without the data it needs.

    Notes
    -----
    Egger et al (1997, BMJ); Begg and Mazumdar (1994, Biometrics), exact without ties; Peters et al (2006,
    JAMA); Harbord et al (2006, Statistics in Medicine). Conventions of metafor's ``regtest`` and
    ``ranktest`` and of meta's ``metabias``. For an SMD the standard error depends on the effect itself, so "1/sqrt(n)" is
    the better predictor (Pustejovsky and Rodgers 2019, Research Synthesis Methods). With fewer than ten trials the
    tests have too little power to tell chance from asymmetry (Sterne et al 2011, BMJ 343:d4002).

    Examples
    --------
    >>> import acuevidence as ae
    >>> effects = ae.trial_effects("headache", comparator="sham")
    >>> test = ae.meta_analysis("yi", "vi", data=effects).small_study_test()
    >>> 0 < test.p_value < 1
    True
    """
    choice("kind", kind, KINDS)
    choice("model", model, ("rma", "lm"))
    refuse_few(result, _NAMES[kind])
    predictor = _default_predictor(result) if predictor is None else choice("predictor", predictor, PREDICTORS)
    notes = few_trials(result, "the test has little power, and a P value above 0.05 does not mean symmetry")
    if kind == "begg":
        tau, p = _kendall(result.yi, result.vi)
        return SmallStudyTest(kind=kind, statistic=tau, p_value=p, k=result.k, notes=notes)
    if kind == "egger":
        y, v, x = result.yi, result.vi, _predictor(result, predictor)
    elif kind == "peters":
        model, predictor = "lm", "1/n"
        y, v, x = _peters(result)
    else:
        model, predictor = "lm", "se"
        y, v, x = _harbord(result)
    method, test = ("EE", "HKSJ") if model == "lm" else (result.method, result.test)
    return _regression(kind, model, predictor, y, v, x, method, test, result.level, notes)


def _default_predictor(result: PooledEffect) -> str:
    """Return 1/sqrt(n) for SMDs of known n, whose standard errors grow with the effect itself; else the standard error."""
    data = result.data
    if "effect" not in data or not (data["effect"] == "SMD").all():
        return "se"
    try:
        n = participants(result)
    except InputError:
        return "se"
    return "1/sqrt(n)" if np.ptp(n) > 0 else "se"


def pet_peese(result: PooledEffect) -> pd.DataFrame:
    """Return the effect at zero standard error by PET and PEESE.

    Parameters
    ----------
    result : MetaAnalysis
        A pooled effect without moderators, of three trials or more.

    Returns
    -------
    DataFrame
        Rows ``PET`` (predictor: standard error) and ``PEESE`` (variance): ``estimate se statistic df p_value ci_low
        ci_high`` of the effect at the limit, ``slope slope_se slope_p``, and ``chosen``: PEESE where PET finds an effect
        (P < 0.10 two-sided), else PET. Positive favours acupuncture.

    Raises
    ------
    InputError
        With fewer than three trials, with moderators, or when all standard errors are equal.

    Notes
    -----
    Weighted least squares (Stanley and Doucouliagos 2014, Research Synthesis Methods). Biased and unstable with fewer
    than ten trials, with large heterogeneity, and when all trials are small (Stanley 2017, Social Psychological and
    Personality Science).

    Examples
    --------
    >>> import acuevidence as ae
    >>> effects = ae.trial_effects("headache", comparator="sham")
    >>> list(ae.meta_analysis("yi", "vi", data=effects).pet_peese().index)
    ['PET', 'PEESE']
    """
    refuse_few(result, "PET-PEESE")
    rows = {}
    for name, predictor in (("PET", "se"), ("PEESE", "vi")):
        fits, scale = _fit(result.yi, result.vi, _predictor(result, predictor), "EE", "HKSJ")
        beta, se, df = fits.beta[0], np.sqrt(np.diagonal(fits.vcov[0])), fits.df[0]
        low, high = kernel.interval(beta[0], se[0], df, result.level)
        p = kernel.tail(beta / se, df)
        rows[name] = {
            "estimate": beta[0],
            "se": se[0],
            "statistic": beta[0] / se[0],
            "df": df,
            "p_value": p[0],
            "ci_low": float(low),
            "ci_high": float(high),
            "slope": beta[1] / scale,
            "slope_se": se[1] / scale,
            "slope_p": p[1],
        }
    frame = pd.DataFrame(rows).T
    found = frame.loc["PET", "p_value"] < 0.10
    frame["chosen"] = [not found, bool(found)]
    frame.attrs["notes"] = few_trials(result, "the effect at zero standard error is an extrapolation")
    return frame


@dataclass(frozen=True, slots=True, kw_only=True, repr=False, eq=False)
class LimitMetaAnalysis(Shown):
    """The effect of a trial of infinite size, heterogeneity kept.

    Attributes
    ----------
    estimate, se, ci_low, ci_high, p_value : float
        Adjusted effect on the scale of yi with its normal interval; positive favours acupuncture.
    slope : float
        Coefficient of the standard error (tau2 included): the small-study effect.
    tau2 : float
        Heterogeneity variance of the result.
    g2 : float
        G2: heterogeneity that small-study effects leave unexplained, in percent.
    q_small, q_resid : float
        Parts of Cochran's Q: due to small-study effects (1 degree of freedom) and the rest (k - 2).
    limits : DataFrame
        Each trial's effect at the limit, ``yi`` and ``se``.
    k : int
        Trials.
    notes : tuple of str
        When it should not be used.
    """

    estimate: float
    se: float
    ci_low: float
    ci_high: float
    p_value: float
    slope: float
    tau2: float
    g2: float
    q_small: float
    q_resid: float
    limits: pd.DataFrame
    k: int
    notes: tuple[str, ...] = ()

    def to_frame(self) -> pd.DataFrame:
        """Return the adjusted effect as one row."""
        names = ("estimate", "se", "ci_low", "ci_high", "p_value", "slope", "tau2", "g2", "k")
        return pd.DataFrame([{name: getattr(self, name) for name in names}])

    def _sentences(self) -> list[str]:
        line = (
            f"Limit meta-analysis of {self.k} trials: {self.estimate:.3f} ({self.ci_low:.3f} to {self.ci_high:.3f}); "
            f"G2 {self.g2:.0f}%."
        )
        return [line, *self.notes]


def limit_meta_analysis(result: PooledEffect) -> LimitMetaAnalysis:
    """Return the effect of a trial of infinite size, with heterogeneity kept.

    Parameters
    ----------
    result : MetaAnalysis
        A pooled effect without moderators, of three trials or more whose standard errors differ.

    Returns
    -------
    LimitMetaAnalysis
        The expected effect when the sampling error is gone and tau2 stays.

    Notes
    -----
    Rücker et al (2011, Biostatistics), the estimate ``beta0``: of the regression of yi on s = sqrt(vi + tau2) with
    weights 1/s^2, the value at s = tau. Conventions of metasens' ``limitmeta``.

    Examples
    --------
    >>> import acuevidence as ae
    >>> limit = ae.meta_analysis([0.9, 0.6, 0.3, 0.25], [0.30, 0.10, 0.02, 0.01]).limit_meta_analysis()
    >>> limit.estimate < 0.3
    True
    """
    refuse_few(result, "limit meta-analysis")
    y, v, tau2 = result.yi, result.vi, result.tau2 or 0.0
    tau, s = math.sqrt(tau2), np.sqrt(v + tau2)
    whole, scale = _fit(y, v + tau2, s, "EE", "z")
    plain, _ = _fit(y, v, np.sqrt(v), "EE", "z")
    at_zero, slope = float(whole.beta[0, 0]), float(whole.beta[0, 1] / scale)
    direction = np.array([1.0, tau / scale])
    estimate, se = at_zero + tau * slope, float(np.sqrt(direction @ whole.vcov[0] @ direction))
    low, high = kernel.interval(np.array(estimate), np.array(se), np.array(np.inf), result.level)
    at_limit = at_zero + tau / s * (y - at_zero)
    radial = np.corrcoef(at_limit / np.sqrt(v), 1 / np.sqrt(v))[0, 1]
    return LimitMetaAnalysis(
        estimate=estimate,
        se=se,
        ci_low=float(low),
        ci_high=float(high),
        p_value=float(kernel.tail(np.array(estimate / se), np.array(np.inf))),
        slope=slope,
        tau2=tau2,
        g2=100 * max(0.0, 1 - float(radial) ** 2),
        q_small=result.q - float(plain.q[0]),
        q_resid=float(plain.q[0]),
        limits=pd.DataFrame({"yi": at_limit, "se": np.sqrt(v)}, index=result.data.index),
        k=result.k,
        notes=few_trials(result, "the effect at the limit is an extrapolation"),
    )


# --- parts -------------------------------------------------------------------------------------------------------


def _predictor(result: PooledEffect, name: str) -> np.ndarray:
    if name == "se":
        return np.sqrt(result.vi)
    if name == "vi":
        return result.vi
    n = participants(result)
    return {"n": n, "1/n": 1 / n, "1/sqrt(n)": 1 / np.sqrt(n)}[name]


def _fit(y: np.ndarray, v: np.ndarray, x: np.ndarray, method: str, test: str) -> tuple[kernel.Fits, float]:
    """Regress y on x, scaled so that the design is well conditioned whatever the unit of x; return the scale too."""
    scale = float(np.abs(x).max())
    if np.ptp(x) <= 1e-12 * scale:
        raise InputError("the predictor is the same in every trial, so nothing can be regressed on it")
    X = np.column_stack([np.ones(len(x)), x / scale])
    return kernel.fit(y[None], v[None], X[None], method=method, test=test), scale


def _regression(
    kind: str,
    model: str,
    predictor: str,
    y: np.ndarray,
    v: np.ndarray,
    x: np.ndarray,
    method: str,
    test: str,
    level: float,
    notes: tuple[str, ...],
) -> SmallStudyTest:
    fits, scale = _fit(y, v, x, method, test)
    beta, se, df = fits.beta[0], np.sqrt(np.diagonal(fits.vcov[0])), fits.df[0]
    statistic = float(beta[1] / se[1])
    low, high = kernel.interval(beta[0], se[0], df, level)
    has_limit = predictor != "n"
    return SmallStudyTest(
        kind=kind,
        model=model,
        predictor=predictor,
        statistic=statistic,
        p_value=float(kernel.tail(np.array(statistic), df)),
        df=float(df) if np.isfinite(df) else None,
        slope=float(beta[1] / scale),
        slope_se=float(se[1] / scale),
        limit=float(beta[0]) if has_limit else None,
        limit_low=float(low) if has_limit else None,
        limit_high=float(high) if has_limit else None,
        k=len(y),
        notes=notes,
    )


def _kendall(y: np.ndarray, v: np.ndarray) -> tuple[float, float]:
    """Return Kendall's tau of the standardised effects and the variances, with its exact P value where there is no tie."""
    from scipy.stats import kendalltau

    w = 1 / v
    mean = float(w @ y / w.sum())
    z = (y - mean) / np.sqrt(v - 1 / w.sum())
    ties = min(len(np.unique(z)), len(np.unique(v))) < len(y)
    found = kendalltau(z, v, method="asymptotic" if ties else "exact")
    if not np.isfinite(found.statistic):
        raise InputError("Begg's test needs trials of different variance")
    return float(found.statistic), float(found.pvalue)


def _events(result: PooledEffect, what: str) -> tuple[np.ndarray, ...]:
    names = ("events1", "n1", "events2", "n2")
    data = result.data
    missing = [name for name in names if name not in data or data[name].isna().any()]
    if missing:
        raise InputError(f"{what} needs events1, n1, events2 and n2 of every trial in data=; missing: {', '.join(missing)}")
    return tuple(data[name].to_numpy(dtype=float) for name in names)


def _peters(result: PooledEffect) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    e1, n1, e2, n2 = _events(result, "Peters' test")
    events, none = e1 + e2, n1 + n2 - e1 - e2
    if (events == 0).any() or (none == 0).any():
        raise InputError("Peters' test needs trials with events and with participants without one; leave the others out")
    return result.yi, 1 / events + 1 / none, 1 / (n1 + n2)


def _harbord(result: PooledEffect) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return efficient score over its variance, that variance's inverse, and its root."""
    e1, n1, e2, n2 = _events(result, "Harbord's test")
    n, events = n1 + n2, e1 + e2
    score = e1 - events * n1 / n
    information = n1 * n2 * events * (n - events) / (n**2 * (n - 1))
    if (information <= 0).any():
        raise InputError("Harbord's test needs trials with events and with participants without one; leave the others out")
    # trial_effects turns effects so that positive favours acupuncture; the score is turned the same way.
    turn = -1.0 if float(score @ result.yi) < 0 else 1.0
    return turn * score / information, 1 / information, 1 / np.sqrt(information)


guard(__name__, "small_study_test", "pet_peese", "limit_meta_analysis")
