"""Evidence over time with a penalty for looking often: trial sequential analysis.

The cumulative Z of the trials in the order they were published is held against a boundary that spends the type I error as
information accrues, so that an early crossing means what a single planned test would mean.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from scipy.optimize import brentq
from scipy.special import ndtr, ndtri

from acuevidence.appraisal.few import refuse_few
from acuevidence.appraisal.thresholds import threshold_of
from acuevidence.arguments import guard
from acuevidence.effects.participants import participants
from acuevidence.errors import InputError
from acuevidence.evidence.carried import evidence_of
from acuevidence.inputs import LARGEST, plain, values
from acuevidence.later import Later
from acuevidence.shown import Shown
from acuevidence.synthesis import kernel
from acuevidence.synthesis.effect import PooledEffect

if TYPE_CHECKING:
    from acuevidence.plots.sequential import sequential as _draw
else:
    _draw = Later("acuevidence.plots.sequential", "sequential")

__all__ = ["Sequential", "obrien_fleming", "sequential"]

_PANELS, _NODES = 24, 16  # of a Gauss-Legendre rule in panels
_FARTHEST = 8.0  # boundaries beyond this Z are never crossed in practice


@dataclass(frozen=True, slots=True, kw_only=True, repr=False, eq=False)
class Sequential(Shown):
    """A trial sequential analysis.

    Attributes
    ----------
    steps : DataFrame
        One row a trial, in order: ``label``, ``order``, cumulative ``information`` (sum of 1/vi) and ``participants`` (missing
        where their number is not known), ``fraction`` of the required information, cumulative ``estimate`` and ``z``, and the
        ``boundary``. Positive favours acupuncture.
    required, accrued : float
        Information required, and so far: sums of 1/vi, in units of yi to the power of -2.
    participants : int or None
        Participants of the trials, where the data give them (``n``, or ``n1`` and ``n2``).
    required_participants : float or None
        Participants who would give the information required if each gave what those of the trials gave on average.
    diversity : float
        D2 in percent: by how much heterogeneity inflates the required size.
    delta : float
        Effect to be found, in units of yi.
    alpha, power : float
        Two-sided type I error and power.
    crossed : str or None
        Label of the first trial with which Z passes the boundary; None: it never does.
    notes : tuple of str
        When it should not be used.
    """

    steps: pd.DataFrame
    required: float
    accrued: float
    participants: int | None
    required_participants: float | None
    diversity: float
    delta: float
    alpha: float
    power: float
    crossed: str | None
    notes: tuple[str, ...] = ()

    def to_frame(self) -> pd.DataFrame:
        """Return the steps."""
        return self.steps.copy()

    def _sentences(self) -> list[str]:
        last = self.steps.iloc[-1]
        so_far = "" if self.participants is None else f" ({self.participants:,} participants)"
        whole = "" if self.required_participants is None else f" (about {self.required_participants:,.0f} participants)"
        lines = [
            f"Information so far{so_far} is {100 * last['fraction']:.3g}% of what is required{whole} to find {self.delta:.3g} "
            f"(power {self.power:.0%}, two-sided alpha {self.alpha:g}, diversity {self.diversity:.0f}%).",
            f"Z {last['z']:.2f} against a boundary of {last['boundary']:.2f}: "
            + ("never crossed." if self.crossed is None else f"crossed with {self.crossed}."),
        ]
        return [*lines, *self.notes]

    def _page_table(self) -> pd.DataFrame:
        return self.steps.round(3)

    plot = _draw


def sequential(
    result: PooledEffect, *, delta: float | None = None, alpha: float = 0.05, power: float = 0.9, order: Any = None
) -> Sequential:
    """Hold the cumulative evidence against O'Brien-Fleming-type monitoring boundaries.

    Parameters
    ----------
    result : MetaAnalysis
        A pooled effect without moderators, of three trials or more.
    delta : float, optional
        Effect to be found, in units of yi. Default: the minimal important difference of the main outcome, as an SMD, of the
        evidence that the result carries.
    alpha, power : float
        Two-sided type I error, and power, between 0 and 1.
    order : array-like or column name, optional
        What the trials are ordered by. Default: ``year`` of the data, else the order given.

    Returns
    -------
    Sequential
        Cumulative Z, boundaries, required information size and whether the boundary was crossed.

    Notes
    -----
    Wetterslev et al (2008, Journal of Clinical Epidemiology; 2009, BMC Medical Research Methodology): the
    required information is (z(1-alpha/2) + z(power))^2 / delta^2, over 1 - D2 with D2 = 1 - V_equal/V_random of the whole
    result. Boundaries by Lan and DeMets (1983, Biometrika) with the O'Brien-Fleming-type spending function, half of
    alpha on each side: 4 - 4 Phi(z(1-alpha/4) / sqrt(t)). Information is the sum of 1/vi. Cochrane does not advise sequential methods for
    updating reviews (Handbook, chapter 22): a review's authors do not decide when trials stop.

    Examples
    --------
    >>> import acuevidence as ae
    >>> effects = ae.trial_effects("neck_pain", comparator="sham")
    >>> monitored = ae.meta_analysis("yi", "vi", data=effects, labels="study").sequential()
    >>> monitored.steps.shape[0]
    9
    >>> bool(monitored.participants == effects[["n1", "n2"]].sum(axis=None))
    True
    """
    refuse_few(result, "trial sequential analysis")
    if delta is None:
        delta = threshold_of(result, evidence_of(result))
        if delta is None:
            raise InputError("the result carries no evidence with a minimal important difference of its outcome; give delta=")
    delta = float(delta)
    if not 0 < delta <= LARGEST:
        raise InputError(f"delta must be positive (the effect to be found) and at most {LARGEST:g}, not {delta!r}")
    for name, value in (("alpha", alpha), ("power", power)):
        if not 0 < value < 1:
            raise InputError(f"{name} must lie between 0 and 1, not {value!r}")
    key, place = _order(result, order)
    y, v = result.yi[place], result.vi[place]
    information = np.cumsum(1 / v)
    diversity = 1 - (1 / information[-1]) / (1 / (1 / (v + (result.tau2 or 0.0))).sum())
    needed = (float(ndtri(1 - alpha / 2)) + float(ndtri(power))) ** 2 / delta**2 / (1 - diversity)
    fraction = information / needed
    estimate, z = _cumulative(y, v, result.method)
    boundary = obrien_fleming(fraction, alpha)
    people = _people(result)
    known = people is not None
    total = np.full(result.k, np.nan) if people is None else np.cumsum(people[place])
    labels = result.data["labels"] if "labels" in result.data else pd.Series(range(1, result.k + 1))
    steps = pd.DataFrame(
        {
            "label": labels.astype(str).to_numpy()[place],
            "order": key[place],
            "information": information,
            "participants": total,
            "fraction": fraction,
            "estimate": estimate,
            "z": z,
            "boundary": boundary,
        }
    )
    over = np.flatnonzero(np.abs(z) >= boundary)
    return Sequential(
        steps=steps,
        required=needed,
        accrued=float(information[-1]),
        participants=round(total[-1]) if known else None,
        required_participants=float(total[-1] / fraction[-1]) if known else None,
        diversity=100 * diversity,
        delta=delta,
        alpha=alpha,
        power=power,
        crossed=str(steps["label"][over[0]]) if len(over) else None,
        notes=("Diversity is that of the whole result: it is hardly known with few trials.",) if result.k < 10 else (),
    )


def obrien_fleming(fraction: Any, alpha: float = 0.05) -> np.ndarray:
    """Return two-sided monitoring boundaries for Z with O'Brien-Fleming-type alpha spending.

    Parameters
    ----------
    fraction : array-like
        Information at each look as a share of what is required, rising. All alpha is spent at the first look at 1 or beyond;
        later looks get the conventional boundary of a single test.
    alpha : float
        Two-sided type I error.

    Returns
    -------
    ndarray
        Boundary for abs(Z) at each look, at most 8.

    Raises
    ------
    InputError
        When the fractions do not rise.

    Notes
    -----
    Lan and DeMets (1983), with the recursive integration of Armitage, McPherson and Rowe (1969, JRSS A).

    Examples
    --------
    >>> from acuevidence.appraisal.sequential import obrien_fleming
    >>> obrien_fleming([0.5, 1.0]).round(3).tolist()
    [2.963, 1.969]
    """
    t = np.atleast_1d(np.asarray(fraction, dtype=float))
    if (t <= 0).any() or (np.diff(t) <= 0).any():
        raise InputError("information fractions must be positive and rise from look to look")
    spent = 4 * ndtr(-float(ndtri(1 - alpha / 4)) / np.sqrt(np.minimum(t, 1.0)))
    nodes, weights = _rule()
    boundary = np.full(len(t), float(ndtri(1 - alpha / 2)))
    points, mass = np.zeros(1), np.ones(1)  # the score process B(t), where it has not crossed yet
    before, already = 0.0, 0.0
    for i, now in enumerate(t):
        root, step, more = math.sqrt(now), math.sqrt(now - before), max(float(spent[i]) - already, 0.0)
        boundary[i] = _boundary(points, mass, root, step, more)
        edge = boundary[i] * root
        new = edge * nodes
        density = np.exp(-0.5 * ((new[:, None] - points) / step) ** 2) / (step * math.sqrt(2 * math.pi))
        points, mass = new, (density @ mass) * edge * weights
        before, already = now, float(spent[i])
        if now >= 1:
            break
    return boundary


def _rule() -> tuple[np.ndarray, np.ndarray]:
    """Return nodes and weights on (-1, 1)."""
    nodes, weights = np.polynomial.legendre.leggauss(_NODES)
    starts = np.linspace(-1, 1, _PANELS + 1)[:-1]
    return (starts[:, None] + (nodes + 1) / _PANELS).ravel(), np.tile(weights / _PANELS, _PANELS)


def _boundary(points: np.ndarray, mass: np.ndarray, root: float, step: float, more: float) -> float:
    """Return the Z beyond which lies the probability to be spent at a look; at most 8."""

    def excess(z: float) -> float:
        outside = ndtr((points - z * root) / step) + ndtr((-z * root - points) / step)
        return float(mass @ outside) - more

    if more <= 0 or excess(_FARTHEST) >= 0:
        return _FARTHEST
    return float(brentq(excess, 0.0, _FARTHEST, xtol=1e-10))


def _people(result: PooledEffect) -> np.ndarray | None:
    """Return the participants of each trial; None where one of them is not known."""
    try:
        return participants(result)
    except InputError:
        return None


def _order(result: PooledEffect, order: Any) -> tuple[np.ndarray, np.ndarray]:
    data = result.data
    if order is None:
        order = "year" if "year" in data else np.arange(result.k)
    key = values(data, order=order)[0]["order"]
    if key.isna().any():
        raise InputError(f"order is missing in row {plain(key.index[key.isna()][0])!r}")
    array = key.to_numpy()
    return array, np.argsort(array, kind="stable")


def _cumulative(y: np.ndarray, v: np.ndarray, method: str) -> tuple[np.ndarray, np.ndarray]:
    """Return the pooled effect and its Z after each trial; all looks in one call, the first being the trial itself."""
    k = len(y)
    seen = np.arange(k)[None] <= np.arange(k)[:, None]
    fits = kernel.fit(np.where(seen, y, np.nan), np.where(seen, v, np.nan), method=method, test="z")
    return fits.beta[:, 0], fits.beta[:, 0] / np.sqrt(fits.vcov[:, 0, 0])


guard(__name__, "sequential")
