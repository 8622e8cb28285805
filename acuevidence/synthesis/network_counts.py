"""Networks of sparse counts: odds ratios without a correction for empty cells.

Knows arms with events and people. What holds no information on odds ratios is left out by rule and listed.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import chdtrc

from acuevidence import words
from acuevidence.arguments import guard
from acuevidence.effects.checks import counts
from acuevidence.errors import ConvergenceError, InputError
from acuevidence.inputs import choice, kept, numeric, values
from acuevidence.synthesis.methods import EstimateMethods
from acuevidence.synthesis.network_contrasts import (
    known_treatment,
    named_parts,
    network_parts,
    refuse_arms,
    treatment_names,
)
from acuevidence.synthesis.network_effects import Comparisons, every_pair

__all__ = ["NetworkOfCounts", "network_counts"]

Array = np.ndarray
_STEPS = 200
_NAMES = {"MH": "Mantel-Haenszel", "NCH": "non-central hypergeometric"}


@dataclass(frozen=True, slots=True, kw_only=True, repr=False, eq=False)
class NetworkOfCounts(Comparisons, EstimateMethods):
    """Result of :func:`network_counts`.

    Attributes
    ----------
    estimates, se : DataFrame (treatments, treatments)
        Log odds ratio of the row's treatment against the column's, and its standard error; positive: more events in the row.
    treatments : Index
        Treatments with an estimate.
    reference : object
        Treatment the others are set against in ``to_frame``.
    q_inconsistency, q_inconsistency_df, q_inconsistency_p : float, int, float, or None
        Test of consistency between designs; None for ``NCH``, which has none.
    k, arms, people : int
        Trials, arms and people that are used.
    events : float
        Events in them.
    method : str
        ``MH`` or ``NCH``.
    level : float
    df : None
        Its intervals are normal.
    data : DataFrame
        ``study treatment events n design``, one row an arm that is used, with the caller's index.
    excluded : DataFrame
        Arms left out: ``study treatment reason``, with the caller's index.
    """

    estimates: pd.DataFrame = field(repr=False)
    se: pd.DataFrame = field(repr=False)
    treatments: pd.Index
    reference: Any
    q_inconsistency: float | None
    q_inconsistency_df: int | None
    q_inconsistency_p: float | None
    k: int
    arms: int
    events: float
    people: float
    method: str
    level: float
    df: None = field(default=None, init=False, repr=False)
    data: pd.DataFrame = field(repr=False)
    excluded: pd.DataFrame = field(repr=False)

    @property
    def conventions(self) -> str:
        """What was computed, in words for captions."""
        return (
            f"Network meta-analysis of counts, {_NAMES[self.method]} method, one common odds ratio a comparison; nothing added to "
            f"empty cells; normal {words.percent(self.level)} intervals."
        )

    def _sentences(self) -> list[str]:
        lines = [
            f"{len(self.treatments)} treatments in {words.count(self.k, 'trial')}, {self.events:g} events in {self.people:g} people. "
            f"{self.conventions}"
        ]
        if self.q_inconsistency is not None and self.q_inconsistency_p is not None:
            lines.append(
                f"Inconsistency between designs: Q {self.q_inconsistency:.2f} (df {self.q_inconsistency_df}, "
                f"P {words.p(self.q_inconsistency_p)})."
            )
        lines += [
            f"Left out, {reason}: {words.count(int(k), 'arm')}." for reason, k in self.excluded["reason"].value_counts().items()
        ]
        return [*lines, f"Log odds ratios against {self.reference}:"]


def network_counts(
    treatment: Any = "treatment",
    events: Any = "events",
    n: Any = "n",
    study: Any = "study",
    *,
    data: pd.DataFrame | None = None,
    reference: Any = None,
    method: str = "MH",
    level: float = 0.95,
    missing: str = "raise",
) -> NetworkOfCounts:
    """Compare treatments by odds ratios of rare events, through all trials that connect them; one row an arm.

    Parameters
    ----------
    treatment : str or array-like (rows,)
        Treatment of the arm; once a trial.
    events, n : str or array-like (rows,)
        People with the event, and people.
    study : str or array-like (rows,)
        Trial.
    data : DataFrame, optional
        Where column names are looked up.
    reference : object, optional
        Treatment the others are set against in ``to_frame``; the one with most arms when None.
    method : {"MH", "NCH"}
        Mantel-Haenszel, or the non-central hypergeometric likelihood.
    level : float
        Level of the intervals.
    missing : {"raise", "drop"}
        Refuse arms that lack a treatment, trial, events or n, or leave them out and list them in ``excluded``.

    Returns
    -------
    NetworkOfCounts

    Raises
    ------
    InputError
        For impossible counts, a treatment twice in a trial, a trial of one arm, or where what holds information does not connect
        the treatments.
    ConvergenceError
        Where no finite odds ratio fits the counts.

    Notes
    -----
    Efthimiou, Ruecker, Schwarzer, Higgins, Egger & Salanti 2019, Statistics in Medicine, as netmeta's netmetabin. A
    design is a set of treatments compared in a trial. Left out in turn, and listed in ``excluded``: trials in which nobody
    or everybody had the event; arms in which, over all trials of a design, nobody or everybody had it; designs of which a
    single arm is left.

    ``MH`` pools each design by the Mantel-Haenszel estimates of its pairs, made consistent (Greenland 1989, Biometrics),
    and the designs by weighted least squares. ``NCH`` conditions on the events of a trial; its likelihood is the
    multinomial one to which the non-central hypergeometric distribution tends where events are rare, and what it estimates is
    then a ratio of risks. Where events are frequent that lies nearer to 1 than the odds ratio: take ``MH``, or
    :func:`arm_contrasts` and :func:`network`. Both models have one common effect a comparison.

    Examples
    --------
    >>> import pandas as pd
    >>> arms = pd.DataFrame({
    ...     "study": [1, 1, 2, 2, 3, 3], "treatment": list("ABABBC"),
    ...     "events": [3, 6, 0, 2, 5, 1], "n": [120, 118, 60, 62, 90, 92]})
    >>> found = network_counts(data=arms, reference="B")
    >>> found.to_frame()[["estimate", "se"]].round(3)
               estimate     se
    treatment
    A            -1.025  0.689
    C            -1.678  1.106
    """
    choice("method", method, ("MH", "NCH"))
    arms, names, left = _read(treatment, events, n, study, data, missing)
    arms, left = _informative(arms, left)
    if arms.empty:
        raise InputError("no trial tells odds ratios: in every design all arms but one have no event, or nothing but events")
    code = np.unique(arms["code"])
    names = names[code]
    arms = arms.assign(code=np.searchsorted(code, arms["code"]))
    first = arms.groupby("trial")["code"].transform("first")
    part = network_parts(first.to_numpy(), arms["code"].to_numpy(), len(names))
    if part.any():
        raise InputError(
            f"the arms that tell odds ratios fall into {named_parts(part, names)}; {len(left)} arms tell none; analyse one part, or "
            "use arm_contrasts() and network()"
        )
    if reference is None:
        reference = names[int(np.bincount(arms["code"]).argmax())]
    else:
        known_treatment("reference", reference, names)
    theta, covariance, q, df = (_mantel_haenszel if method == "MH" else _hypergeometric)(arms, len(names))
    return NetworkOfCounts(
        **every_pair(theta, covariance, names),
        treatments=names,
        reference=reference,
        q_inconsistency=q,
        q_inconsistency_df=df,
        q_inconsistency_p=None if q is None or df is None else float(chdtrc(df, max(q, 0.0))) if df else 1.0,
        k=arms["trial"].nunique(),
        arms=len(arms),
        events=float(arms["events"].sum()),
        people=float(arms["n"].sum()),
        method=method,
        level=level,
        data=arms[["study", "treatment", "events", "n", "design"]],
        excluded=left,
    )


def _read(
    treatment: Any, events: Any, n: Any, study: Any, data: pd.DataFrame | None, missing: str
) -> tuple[pd.DataFrame, pd.Index, pd.DataFrame]:
    """Return the arms with numbered trials and treatments, the treatments, and the arms left out for missing cells."""
    found, index = numeric(data, missing=True, events=events, n=n)
    labels = values(data, events=events, treatment=treatment, study=study)[0]
    labels = {name: labels[name] for name in ("study", "treatment")}
    keep, dropped = kept(index, missing, **found, **labels)
    arms = pd.DataFrame({**labels, **{name: pd.Series(array, index) for name, array in found.items()}}, index=index)
    reason = dropped["reason"].to_numpy() if len(dropped) else np.empty(0, dtype=object)
    left = arms.loc[~keep, ["study", "treatment"]].assign(reason=reason)
    arms = arms[keep]
    if arms.empty:
        raise InputError("there is no arm to compare (events is empty)")
    counts(arms["events"].to_numpy(), arms["n"].to_numpy(), ("events", "n"), arms.index)
    names = pd.Index(treatment_names(arms["treatment"]), name="treatment")
    arms = arms.assign(code=names.get_indexer(arms["treatment"]), trial=pd.factorize(arms["study"])[0])
    refuse_arms(arms)
    arms = arms.sort_values(["trial", "code"], kind="stable")
    design = arms.groupby("trial")["code"].agg(lambda codes: ":".join(str(names[code]) for code in codes))
    return arms.assign(design=design[arms["trial"]].to_numpy()), names, left


def _informative(arms: pd.DataFrame, left: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the arms that tell odds ratios, and all that are left out with the reason."""

    def without(arms: pd.DataFrame, left: pd.DataFrame, lost: pd.Series, reason: str) -> tuple[pd.DataFrame, pd.DataFrame]:
        gone = arms.loc[lost, ["study", "treatment"]].assign(reason=reason)
        return arms[~lost], pd.concat([left, gone]) if len(gone) else left

    for by, where in ((["trial"], "in the trial"), (["design", "code"], "in this arm of all trials of the design")):
        for who in ("nobody", "everybody"):
            people = arms["events"] if who == "nobody" else arms["n"] - arms["events"]
            lost = people.groupby([arms[name] for name in by]).transform("sum") == 0
            arms, left = without(arms, left, lost, f"{who} had the event {where}")
    alone = arms.groupby("design")["code"].transform("nunique") == 1
    return without(arms, left, alone, "no other arm of the design tells anything")


def _mantel_haenszel(arms: pd.DataFrame, n: int) -> tuple[Array, Array, float, int]:
    """Return the positions (n,) of the treatments, their covariance, and Q between designs with its degrees of freedom."""
    precision, pull, q, df = np.zeros((n - 1, n - 1)), np.zeros(n - 1), 0.0, 1 - n
    for name, rows in arms.groupby("design"):
        code = np.unique(rows["code"])
        shape = (-1, len(code))
        y, V = _design(rows["events"].to_numpy(float).reshape(shape), rows["n"].to_numpy(float).reshape(shape), str(name))
        X = (np.eye(n)[code[:1]] - np.eye(n)[code[1:]])[:, 1:]
        XW = np.linalg.solve(V, X).T
        precision, pull = precision + XW @ X, pull + XW @ y
        q, df = q + float(y @ np.linalg.solve(V, y)), df + len(y)
    covariance = np.zeros((n, n))
    covariance[1:, 1:] = np.linalg.inv(precision)
    theta = covariance[:, 1:] @ pull
    return theta, covariance, max(0.0, float(q - theta[1:] @ pull)), df


def _design(events: Array, people: Array, name: str) -> tuple[Array, Array]:
    """Return the log odds ratios (m - 1,) of a design's first arm against the others, and their covariance.

    Mantel-Haenszel estimates of all pairs, made consistent as in Efthimiou et al 2019; counts are (trials, m arms).
    """
    m = events.shape[1]
    free, total = people - events, people.sum(axis=1)[:, None, None]
    c = events[:, :, None] * free[:, None, :] / total
    d = (events[:, :, None] + free[:, None, :]) / total
    turned_c, turned_d = c.transpose(0, 2, 1), d.transpose(0, 2, 1)
    C, distinct = c.sum(axis=0), ~np.eye(m, dtype=bool)
    if (C[distinct] == 0).any():
        raise ConvergenceError(f"design {name}: two of its arms have no odds ratio between them; leave one of them out")
    C = np.where(distinct, C, 1.0)
    log_ratio = np.log(C / C.T)
    pair = (
        distinct
        * (
            (c * d).sum(axis=0) / C**2
            + (c * turned_d + turned_c * d).sum(axis=0) / (C * C.T)
            + (turned_c * turned_d).sum(axis=0) / C.T**2
        )
        / 2
    )
    e, f, size = events / total[:, 0], free / total[:, 0], people / total[:, 0]
    # Covariances of the pairs (x, y) and (x, z), by x, y and z.
    apart = distinct[:, :, None] & distinct[:, None, :] & distinct[None]
    away, toward = 1 / C, 1 / C.T
    shared = (
        apart
        / 3
        * (
            np.einsum("sx,sy,sz,s->xyz", e, f, f, total[:, 0, 0]) * away[:, :, None] * away[:, None, :]
            + np.einsum("sx,sy,sz,s->xyz", size, f, e, total[:, 0, 0]) * away[:, :, None] * toward[:, None, :]
            + np.einsum("sx,sy,sz,s->xyz", size, e, f, total[:, 0, 0]) * toward[:, :, None] * away[:, None, :]
            + np.einsum("sx,sy,sz,s->xyz", f, e, e, total[:, 0, 0]) * toward[:, :, None] * toward[:, None, :]
        )
    )
    whole = shared + pair[:, :, None] * np.eye(m)[None]
    U = whole.sum(axis=0) - whole.sum(axis=2) - whole.sum(axis=2).T + pair
    U[~distinct] = pair.sum(axis=1) + shared.sum(axis=(1, 2))
    against = np.column_stack([np.ones(m - 1), -np.eye(m - 1)]) / m
    return against @ log_ratio.sum(axis=1), against @ U @ against.T


def _hypergeometric(arms: pd.DataFrame, n: int) -> tuple[Array, Array, None, None]:
    """Return positions and covariance where the conditional likelihood is highest, by Newton steps that never descend."""
    trials = np.unique(arms["trial"], return_inverse=True)[1]
    events, people = np.zeros((2, trials.max() + 1, n))
    events[trials, arms["code"]], people[trials, arms["code"]] = arms["events"], arms["n"]
    total = events.sum(axis=1)

    def at(theta: Array) -> tuple[float, Array, Array]:
        odds = people * np.exp(theta - theta.max())
        p = odds / odds.sum(axis=1, keepdims=True)
        value = float((events * np.log(np.where(events > 0, p, 1.0))).sum())
        information = np.diag(total @ p) - (p * total[:, None]).T @ p
        return value, (events - total[:, None] * p).sum(axis=0)[1:], information[1:, 1:]

    theta = np.zeros(n)
    value, slope, information = at(theta)
    for _ in range(_STEPS):
        try:
            step = np.linalg.solve(information, slope)
        except np.linalg.LinAlgError:
            break
        new, reach = at(theta + np.append(0.0, step)), 1.0
        while not new[0] >= value - 1e-12 * abs(value) and reach > 1e-10:
            reach /= 2
            new = at(theta + reach * np.append(0.0, step))
        theta, (value, slope, information) = theta + reach * np.append(0.0, step), new
        if np.abs(step).max() < 1e-11:
            covariance = np.zeros((n, n))
            covariance[1:, 1:] = np.linalg.inv(information)
            return theta, covariance, None, None
        if np.abs(theta).max() > 50:
            break
    raise ConvergenceError("no finite odds ratios fit these counts; use method='MH' or leave arms without events out")


guard(__name__, "network_counts")
