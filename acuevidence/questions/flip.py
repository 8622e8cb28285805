"""What a new trial would change: the smallest that moves a pooled effect to another state."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from acuevidence.appraisal.headline import Headline, headline, headlines
from acuevidence.arguments import guard
from acuevidence.effects.participants import counted
from acuevidence.errors import InputError
from acuevidence.evidence import Evidence, conditions, load_evidence
from acuevidence.later import Later
from acuevidence.questions.pooled import pooled
from acuevidence.shown import Shown
from acuevidence.synthesis.effect import PooledEffect
from acuevidence.topic import Topic

if TYPE_CHECKING:
    from acuevidence.plots.questions.flip import flip as _draw
else:
    _draw = Later("acuevidence.plots.questions.flip", "flip")

__all__ = ["EFFECTS", "LARGEST", "SMALLEST", "Flip", "flip", "flips_of", "states_with"]

EFFECTS = (0.0, 0.2, 0.5, 0.8)  # no effect; small, moderate and large ones as Cohen calls them
SMALLEST, LARGEST = 20, 20_000
_COLUMNS = ["condition", "label", "group", "comparator", "k", "n", "state", "threshold", "effect", "participants", "to"]


@dataclass(frozen=True, slots=True, kw_only=True, repr=False, eq=False)
class Flip(Shown):
    """The smallest new trial that moves each pooled effect to another state.

    Attributes
    ----------
    rows : DataFrame
        One row a pooled effect and effect of the new trial: ``condition label group comparator k n state threshold`` as they are now,
        the ``effect`` that the trial finds (positive favours the treatment), its ``participants`` over two equal arms (missing: none up
        to ``largest`` does), and the state it leads ``to``.
    largest : int
        Participants of the largest trial that was tried.
    topic : Topic
        The words of the review.
    """

    rows: pd.DataFrame
    largest: int
    topic: Topic

    plot = _draw

    def to_frame(self) -> pd.DataFrame:
        """Return the trials, one row a pooled effect and effect found."""
        return self.rows.copy()

    def _sentences(self) -> list[str]:
        pools = self.rows.drop_duplicates(["condition", "group"])
        moved = self.rows.dropna(subset=["participants"]).drop_duplicates(["condition", "group"])
        return [
            f"The smallest new trial that moves a pooled effect to another state, by the effect it finds: of {len(pools)} pooled "
            f"effects {len(moved)} can be moved by a trial of up to {self.largest:,} participants."
        ]

    def _table(self) -> pd.DataFrame:
        return self.rows[["label", "group", "k", "state", "effect", "participants", "to"]]


def flip(condition: str | None = None, *, effects: Sequence[float] = EFFECTS, evidence: Evidence | None = None) -> Flip:
    """Return, for every pooled effect, the smallest new trial that would move it to another state.

    Parameters
    ----------
    condition : str, optional
        One of :func:`acuevidence.conditions`. Default: all.
    effects : sequence of float
        What the new trial finds, in standard deviations; positive favours the treatment.
    evidence : Evidence, optional
        Default: the package's evidence.

    Returns
    -------
    Flip
        One row a pooled effect and effect found.

    Raises
    ------
    InputError
        For an unknown condition, or effects that are no finite numbers.

    Notes
    -----
    States are those of ``result.headline()``, with the rules for few trials. The trial has two equal arms and finds exactly the effect
    g, with the variance 4/N + g^2 / (2 N). Sizes from 20 to 20,000 are tried in steps of about a seventh, all in one call of the kernel; a
    larger trial need not hold the state that a smaller one reaches. It says how firm a state is, not how a trial should be planned.

    Examples
    --------
    >>> import acuevidence as ae
    >>> found = ae.questions.flip("neck_pain").rows
    >>> found.loc[found["group"] == "sham", "state"].unique().tolist()
    ['benefit, importance uncertain']
    """
    evidence = load_evidence() if evidence is None else evidence
    rows = []
    for name in conditions(evidence) if condition is None else [condition]:
        for group, result in pooled(name, evidence=evidence).items():
            now = headline(result, evidence=evidence)
            at = {
                "condition": name,
                "label": evidence.topic.label(name),
                "group": group,
                "comparator": str(result.data["comparator"].iloc[0]),
                "k": result.k,
                "n": counted(result.data).n,
                "state": now.state,
                "threshold": math.nan if now.threshold is None else now.threshold,
            }
            rows += [at | one for one in flips_of(result, now, effects=effects, evidence=evidence).to_dict("records")]
    return Flip(rows=pd.DataFrame(rows, columns=_COLUMNS), largest=LARGEST, topic=evidence.topic)


def flips_of(result: PooledEffect, now: Headline, *, effects: Sequence[float] = EFFECTS, evidence: Any = None) -> pd.DataFrame:
    """Return the smallest new trial that moves one pooled effect to another state, for each effect found.

    Parameters
    ----------
    result : MetaAnalysis
        Standardised mean differences.
    now : Headline
        Its headline.
    effects, evidence
        As in :func:`flip`.

    Returns
    -------
    DataFrame
        Columns ``effect participants to``.
    """
    found, sizes = np.asarray(list(effects), dtype=float), _sizes()
    if not len(found):
        raise InputError("effects must name one effect or more, in standard deviations")
    states = states_with(result, *(part.ravel() for part in np.meshgrid(found, sizes, indexing="ij")), evidence=evidence)
    other = (states != now.state).reshape(len(found), len(sizes))
    first = other.argmax(axis=1)
    some = other[np.arange(len(found)), first]
    to = states.reshape(other.shape)[np.arange(len(found)), first]
    return pd.DataFrame({"effect": found, "participants": np.where(some, sizes[first], np.nan), "to": np.where(some, to, None)})


def states_with(result: PooledEffect, g: np.ndarray, n: np.ndarray, *, threshold: Any = None, evidence: Any = None) -> np.ndarray:
    """Return the states of a pooled effect with one more trial, for trials that find ``g`` with ``n`` participants in equal arms."""
    y, v = (np.column_stack([np.tile(old, (len(g), 1)), new]) for old, new in ((result.yi, g), (result.vi, 4 / n + g**2 / (2 * n))))
    return headlines(result, y, v, threshold=threshold, evidence=evidence)["state"].to_numpy(dtype=object)


def _sizes() -> np.ndarray:
    """Return the sizes that are tried: two digits, steps of about a seventh, even numbers."""
    decades = np.arange(math.log10(SMALLEST), math.log10(LARGEST) + 1e-9, 0.06)
    raw = 10**decades
    unit = 10 ** np.floor(np.log10(raw) - 1)
    return np.unique(2 * np.round(np.round(raw / unit) * unit / 2)).astype(float)


guard(__name__, "flip")
