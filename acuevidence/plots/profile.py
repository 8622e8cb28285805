"""The profile likelihood of tau2: what the data say about heterogeneity."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from acuevidence.arguments import guard
from acuevidence.errors import InputError
from acuevidence.plots.parts.labels import legend_above
from acuevidence.plots.parts.page import drawing, narrow, new_axes
from acuevidence.plots.parts.style import COLOURS
from acuevidence.synthesis.kernel import log_likelihood, quantile

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from acuevidence.synthesis.result import MetaAnalysis

__all__ = ["profile"]


def profile(
    result: MetaAnalysis, *, ax: Axes | None = None, width: str | float = "single", size: float = 7, upper: float | None = None
) -> Axes:
    """Draw the log-likelihood as a function of tau2.

    Parameters
    ----------
    result : MetaAnalysis
        A random-effects model of two trials or more, with or without moderators.
    ax, width, size : Axes, {"single", "double"} or float, float
        Where to draw, by default a new figure of one or two columns of a journal (89 or 183 mm) or so many millimetres; type
        size in points.
    upper : float, optional
        Right end of the axis. Default: a little beyond the profile interval.

    Returns
    -------
    Axes
        Restricted log-likelihood under REML, else the full one; the dashed line cuts it at the profile likelihood interval.

    Raises
    ------
    InputError
        For the equal-effects model or one trial.

    Examples
    --------
    >>> import acuevidence as ae
    >>> ax = ae.plots.profile(ae.pooled("neck_pain")["sham"])
    >>> ax.get_xlabel()
    'τ²'
    """
    if result.tau2 is None or result.method == "EE":
        raise InputError("there is no tau2 to profile: give a random-effects model of two trials or more")
    drop = float(quantile(0.5 + result.level / 2, np.array(np.inf))) ** 2 / 2
    if upper is None:
        upper = _beyond(result, drop)
    tau2 = np.linspace(0, upper, 401)
    curve = _curve(result, tau2)
    top = float(max(curve.max(), _curve(result, np.array([result.tau2]))[0]))
    with drawing(ax, size, "Profile of the likelihood"):
        ax = new_axes(width, 2.6 if narrow(width) else 3.2, ax)
        inside = tau2[curve >= top - drop]
        ax.axvspan(inside.min(), inside.max(), color="0.93", linewidth=0, label=f"{100 * result.level:g}% profile interval")
        ax.plot(tau2, curve, color=COLOURS["main"])
        ax.axvline(result.tau2, color=COLOURS["neutral"], linewidth=0.8, label=f"τ² ({result.method}) {result.tau2:.3g}")
        ax.axhline(top - drop, color=COLOURS["muted"], linewidth=0.6, linestyle=(0, (4, 2)))
        kind = "Restricted log-likelihood" if result.method == "REML" else "Log-likelihood"
        ax.set(xlim=(0, upper), ylim=(max(curve.min(), top - 3 * drop), top + 0.3 * drop), xlabel="τ²", ylabel=kind)
        if narrow(width) and size > 8:  # a label at the very end of the axis would reach beyond the page
            ax.locator_params(axis="x", nbins=4, prune="upper")
        legend_above(ax, size)
    return ax


def _curve(result: Any, tau2: np.ndarray) -> np.ndarray:
    shape = (len(tau2), result.k)
    X = None if result.X is None else np.broadcast_to(result.X, (len(tau2), *result.X.shape))
    y, v = np.broadcast_to(result.yi, shape), np.broadcast_to(result.vi, shape)
    return np.asarray(log_likelihood(y, v, X, tau2, restricted=result.method == "REML"))


def _beyond(result: Any, drop: float) -> float:
    """Return a tau2 a little beyond where the likelihood has fallen by ``drop``."""
    scale = float(np.median(result.vi))
    points = np.concatenate([[result.tau2], result.tau2 + scale * np.geomspace(1e-3, 1e4, 400)])
    curve = _curve(result, points)
    fallen = np.flatnonzero(curve < curve.max() - drop)
    after = fallen[points[fallen] > points[np.argmax(curve)]]
    return float(1.15 * (points[after[0]] if len(after) else points[-1]))


guard(__name__, "profile")
