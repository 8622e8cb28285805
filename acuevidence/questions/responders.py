"""Absolute effects from counted responders: how many more of 100 respond, and how sure that is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from acuevidence import words
from acuevidence.appraisal.headline import headline
from acuevidence.arguments import guard
from acuevidence.effects.trials import trial_effects
from acuevidence.errors import InputError
from acuevidence.evidence import Evidence, conditions, load_evidence
from acuevidence.inputs import choice
from acuevidence.later import Later
from acuevidence.questions.pooled import groups_of
from acuevidence.shown import Shown
from acuevidence.synthesis import meta_analysis

if TYPE_CHECKING:
    from acuevidence.plots.questions.responders import responders as _draw
else:
    _draw = Later("acuevidence.plots.questions.responders", "responders")

__all__ = ["Responders", "responders"]

_COLUMNS = [
    "condition",
    "comparator",
    "k",
    "n",
    "control_risk",
    "control_low",
    "control_high",
    "rr",
    "rr_low",
    "rr_high",
    "rd",
    "rd_low",
    "rd_high",
    "nnt",
    "nnt_low",
    "nnt_high",
    "pooled_rd",
    "pooled_rd_low",
    "pooled_rd_high",
    "state",
    "method",
]
_RESPONSE = "response"
_NUMBERS = [name for name in _COLUMNS if name not in ("condition", "comparator", "k", "n", "state", "method")]


@dataclass(frozen=True, slots=True, kw_only=True, repr=False, eq=False)
class Responders(Shown):
    """Counted responders by condition and comparator.

    Attributes
    ----------
    pools : DataFrame
        One row a pool: ``k n``; ``control_risk`` with ``control_low control_high``, the median and range of the observed risks with
        the comparator; ``rr rr_low rr_high``; ``rd rd_low rd_high``, more responders per 100 at the median risk; ``nnt nnt_low
        nnt_high``, missing where the interval includes zero; ``pooled_rd pooled_rd_low pooled_rd_high``, the pooled risk
        difference per 100; ``state`` and ``method`` of the pooled ratio.
    effects : DataFrame
        The trials: log risk ratios with their counts.
    """

    pools: pd.DataFrame
    effects: pd.DataFrame = field(repr=False)

    plot = _draw

    def to_frame(self) -> pd.DataFrame:
        """Return the pools, a copy.

        Returns
        -------
        DataFrame
            One row a pool.

        Examples
        --------
        >>> from acuevidence.questions import responders
        >>> responders("headache").to_frame().columns[:3].tolist()
        ['condition', 'comparator', 'k']
        """
        return self.pools.copy()

    def _sentences(self) -> list[str]:
        lines = ["Counted responders: risk ratio, and more responders per 100 at the median risk observed with the comparator."]
        for row in self.pools.itertuples():
            name = f"{row.condition.replace('_', ' ')}, against {row.comparator.replace('_', ' ')}"
            if np.isnan(row.rr):
                lines.append(f"{name}: {words.count(row.k, 'trial')}, {row.method}.")
                continue
            lines.append(
                f"{name}: {words.count(row.k, 'trial')}, RR {words.interval(row.rr, row.rr_low, row.rr_high)}; of 100 patients "
                f"{100 * row.control_risk:.0f} respond with the comparator and {words.interval(row.rd, row.rd_low, row.rd_high, 1)} more "
                f"with the treatment."
            )
        return lines


def responders(
    condition: str | Sequence[str] | None = None,
    *,
    comparator: str | None = None,
    together: bool = False,
    evidence: Evidence | None = None,
) -> Responders:
    """Return absolute effects from counted responders.

    Parameters
    ----------
    condition : str or sequence of str, optional
        Default: every condition.
    comparator : str, optional
        Default: every comparator.
    together : bool
        Whether the conditions named are pooled together; otherwise each stands alone.
    evidence : Evidence, default the package's

    Returns
    -------
    Responders
        By condition and comparator, populations apart as in :func:`acuevidence.pooled`: ratios, differences per 100
        and numbers needed to treat; without rows where no trial of the evidence counts responders.

    Raises
    ------
    InputError
        For an unknown condition or comparator, or ``together`` without conditions that are named, or with one whose populations are not
        pooled.

    Notes
    -----
    Log risk ratios are pooled as every effect is (``result.headline()``). The difference per 100 is the ratio, and each of its limits,
    applied to the median of the risks observed with the comparator (Cochrane Handbook 15.4), a risk being 1 at most. A number
    needed to treat is given only where the interval excludes no difference.

    Examples
    --------
    >>> from acuevidence.questions import responders
    >>> row = responders("headache", comparator="sham").pools.iloc[0]
    >>> bool(abs(row.rd - 100 * row.control_risk * (row.rr - 1)) < 1e-9)
    True
    """
    evidence = load_evidence() if evidence is None else evidence
    known = conditions(evidence)
    wanted = known if condition is None else [condition] if isinstance(condition, str) else list(condition)
    for name in wanted:
        choice("condition", name, known)
    if together and condition is None:
        raise InputError("together=True pools the conditions that are named; name them: condition=[...]")
    against = list(evidence.topic.comparators)
    if comparator is not None:
        against = [choice("comparator", comparator, against)]
    if not any((table["outcome"] == _RESPONSE).any() for table in (evidence.results, evidence.contrasts)):
        return Responders(pools=pd.DataFrame(columns=_COLUMNS), effects=pd.DataFrame())
    ratios, differences = (
        trial_effects(wanted, outcome=_RESPONSE, measure=measure, comparator=comparator, evidence=evidence)
        for measure in ("RR", "RD")
    )
    sets = {name: groups_of(name, evidence) for name in wanted}
    if together and (split := [name for name, found in sets.items() if {*found} != {*evidence.topic.comparators}]):
        raise InputError(
            f"the trials of {', '.join(split)} are of populations that are not pooled; leave it out of what is taken together"
        )
    whole = {key: (key, None) for key in evidence.topic.comparators}
    pools_of = [("; ".join(wanted), wanted, whole)] if together else [(name, [name], sets[name]) for name in wanted]
    rows = []
    for name, members, groups in pools_of:
        for group, (key, population) in groups.items():
            logs, risks = (_of(frame, members, key, population) for frame in (ratios, differences))
            if key in against and len(logs):
                rows.append({"condition": name, "comparator": group, **_row(logs, risks, evidence)})
    pools = pd.DataFrame(rows, columns=_COLUMNS).astype(dict.fromkeys(_NUMBERS, float))
    return Responders(pools=pools, effects=ratios)


def _of(frame: pd.DataFrame, members: list[str], comparator: str, population: str | None) -> pd.DataFrame:
    attrs = dict(frame.attrs)
    rows = frame[frame["condition"].isin(members) & (frame["comparator"] == comparator) & frame["events2"].notna()]
    if population is not None:
        rows = rows[rows["population"] == population]
    rows.attrs = attrs
    return rows


def _row(logs: pd.DataFrame, risks: pd.DataFrame, evidence: Evidence) -> dict[str, Any]:
    """Return the numbers of a pool: the ratio, what it comes to at the median risk, and the pooled difference."""
    pooled = meta_analysis("yi", "vi", data=logs, labels="study")
    shown = headline(pooled, evidence=evidence)
    risk = (logs["events2"].astype(float) / logs["n2"].astype(float)).to_numpy()
    control = float(np.median(risk))
    limits = [np.nan if value is None else float(np.exp(value)) for value in (shown.estimate, shown.ci_low, shown.ci_high)]
    rd = [100 * (min(control * ratio, 1.0) - control) for ratio in limits]  # a risk is 1 at most
    excludes = shown.state not in ("no difference shown", "cannot tell") and (rd[1] > 0 or rd[2] < 0)
    nnt = [100 / abs(value) for value in (rd[0], rd[2], rd[1])] if excludes else [np.nan] * 3
    beside = headline(meta_analysis("yi", "vi", data=risks, labels="study"), evidence=evidence) if len(risks) else None
    found = (None,) * 3 if beside is None else (beside.estimate, beside.ci_low, beside.ci_high)
    difference = [np.nan if value is None else 100 * value for value in found]
    numbers = dict(zip(_NUMBERS, [control, risk.min(), risk.max(), *limits, *rd, *nnt, *difference], strict=True))
    n = int(logs[["n1", "n2"]].astype(float).sum().sum())
    return {"k": len(logs), "n": n, **numbers, "state": shown.state, "method": shown.method}


guard(__name__, "responders")
