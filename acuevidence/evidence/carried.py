"""What a table of effects carries along: of which review it is, what a positive number means, and what was left out.

Frames carry it in ``attrs``, which survive selecting, assigning and grouping; ``concat`` of unlike ones, ``merge`` and files lose
them. This module is the one place that writes and reads them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import pandas as pd

from acuevidence.topic import Topic, topic_of

if TYPE_CHECKING:
    from acuevidence.evidence.load import Evidence

__all__ = [
    "Excluded",
    "carry",
    "direction_of",
    "evidence_of",
    "excluded_of",
    "joined",
    "lost",
    "outcomes_of",
    "plain",
    "topic_of",
]

_DIRECTIONS = ("benefit", "events", "spread")
_OF_TRIAL_EFFECTS = {"trial_id", "comparator", "derivation", "arms", "comparator_arms", "source_kind"}


class Excluded(pd.DataFrame):
    """What an analysis left out and why; it compares as a whole, so frames that carry it in ``attrs`` can be joined."""

    @property
    def _constructor(self) -> type[Excluded]:
        return Excluded

    def __deepcopy__(self, memo: object = None) -> Excluded:
        return self  # pandas copies attrs deeply in almost every step; `trial_effects` hands out a table of its own

    def __eq__(self, other: object) -> bool:
        return isinstance(other, pd.DataFrame) and self.equals(other)

    def __ne__(self, other: object) -> bool:
        return not self == other

    __hash__ = None  # type: ignore[assignment]

    def records(self) -> list[dict[str, Any]]:
        """Return one mapping a row, fit for JSON; a missing cell is None."""
        cells = self.astype(object).where(self.notna(), None)
        return [
            {str(name): cell.item() if hasattr(cell, "item") else cell for name, cell in row.items()}
            for row in pd.DataFrame(cells).to_dict("records")
        ]


def carry(
    frame: pd.DataFrame,
    *,
    topic: Topic | None = None,
    direction: str | None = None,
    excluded: pd.DataFrame | None = None,
    evidence: Any = None,
) -> pd.DataFrame:
    """Write what a table carries along, and return the table.

    Parameters
    ----------
    frame : DataFrame
        The table; its ``attrs`` gain what is given.
    topic : Topic, optional
        The words of its review.
    direction : {"benefit", "events", "spread"}, optional
        What a positive effect was made to mean: better under the treatment, more events under it, or more spread.
    excluded : DataFrame, optional
        What was left out, with the reason.
    evidence : Evidence, optional
        Where the figures come from.

    Examples
    --------
    >>> import pandas as pd
    >>> from acuevidence.evidence.carried import carry, direction_of
    >>> direction_of(carry(pd.DataFrame({"yi": [0.2]}), direction="benefit"))
    'benefit'
    """
    if direction is not None and direction not in _DIRECTIONS:
        raise ValueError(f"direction must be one of {', '.join(_DIRECTIONS)}, not {direction!r}")
    given = {
        "topic": topic,
        "direction": direction,
        "excluded": None if excluded is None else Excluded(excluded),
        "evidence": evidence,
    }
    frame.attrs.update({name: value for name, value in given.items() if value is not None})
    return frame


def direction_of(thing: Any) -> str | None:
    """Return what a positive effect of a frame, result or mapping of results was made to mean, or None where nothing says so."""
    if isinstance(thing, Mapping):
        found = {direction_of(one) for one in thing.values()}
        return found.pop() if len(found) == 1 else None
    said = _attrs(thing).get("direction")
    return said if said in _DIRECTIONS else None


def excluded_of(thing: Any) -> Excluded | None:
    """Return what a frame or result says was left out, or None where it says nothing."""
    found = _attrs(thing).get("excluded")
    if isinstance(found, list):  # as `plain` wrote it
        return Excluded(pd.DataFrame(found))
    return None if found is None else Excluded(found)


def evidence_of(thing: Any, given: Evidence | None = None) -> Evidence | None:
    """Return the evidence that was given, else the one that a frame, a result or a mapping of results carries, else None."""
    if given is not None:
        return given
    if isinstance(thing, dict) or (hasattr(thing, "values") and callable(getattr(thing, "values", None))):
        return next((found for found in map(evidence_of, thing.values()) if found is not None), None)
    return _attrs(thing).get("evidence")


def outcomes_of(thing: Any) -> list[str]:
    """Return the outcomes that a frame or result pools, in their order; none where it does not name them."""
    frame = getattr(thing, "data", thing)
    return list(dict.fromkeys(frame["outcome"].dropna())) if isinstance(frame, pd.DataFrame) and "outcome" in frame else []


def joined(frames: Iterable[pd.DataFrame]) -> pd.DataFrame:
    """Return tables of effects as one that still carries their review, and all that they left out.

    Parameters
    ----------
    frames : iterable of DataFrame
        Tables of :func:`acuevidence.trial_effects`.

    Returns
    -------
    DataFrame
        Their rows, numbered anew. Topic, direction and evidence stay where all agree.

    Examples
    --------
    >>> import acuevidence as ae
    >>> from acuevidence.evidence.carried import excluded_of, joined
    >>> two = joined([ae.trial_effects("neck_pain"), ae.trial_effects("headache")])
    >>> sorted(excluded_of(two).condition.unique())
    ['headache', 'neck_pain']
    """
    parts = list(frames)
    bare = [part.copy(deep=False) for part in parts]
    for part in bare:
        part.attrs = {}
    whole = pd.concat([part for part in bare if len(part)] or bare[:1], ignore_index=True)
    for name in ("topic", "direction", "evidence"):
        found = [part.attrs.get(name) for part in parts]
        if found and found[0] is not None and all(one is found[0] or one == found[0] for one in found):
            whole.attrs[name] = found[0]
    left = [pd.DataFrame(one) for one in map(excluded_of, parts) if one is not None]
    if left:
        rows = [one for one in left if len(one)] or left[:1]
        whole.attrs["excluded"] = Excluded(pd.concat(rows, ignore_index=True).drop_duplicates(ignore_index=True))
    return whole


def lost(frame: pd.DataFrame | None) -> bool:
    """Return whether a table has the columns of ``trial_effects`` and no longer says of which review it is."""
    if frame is None or not set(frame.columns) >= _OF_TRIAL_EFFECTS or {"topic", "excluded"} & set(frame.attrs):
        return False
    return bool(frame["arms"].notna().any())


def plain(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the table with what it carries in a form fit for JSON, for files that keep ``attrs`` (parquet)."""
    found = frame.copy(deep=False)
    attrs: dict[str, Any] = {"topic": topic_of(frame).name, "direction": direction_of(frame)}
    left = excluded_of(frame)
    found.attrs = attrs | ({} if left is None else {"excluded": left.records()})
    return found


def _attrs(thing: Any) -> dict[Any, Any]:
    for holder in (thing, getattr(thing, "data", None)):
        attrs = getattr(holder, "attrs", None)
        if isinstance(attrs, dict):
            return attrs
    return {}
