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
    "ONE_SESSION",
    "PART_OF",
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
    "unheld",
]

# Reasons that leave a trial out because it answers another question or counts elsewhere, and not for want of a figure.
PART_OF, ONE_SESSION = "reported with ", "a course of one session"
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


def unheld(thing: Any) -> pd.DataFrame | None:
    """Return the trials that make the comparisons of a frame or result, and have no usable figure; None where it names none.

    Parameters
    ----------
    thing : DataFrame or result
        Rows of :func:`acuevidence.trial_effects`, or what was pooled from them.

    Returns
    -------
    DataFrame or None
        Rows of what was left out, one a trial and comparator, of the conditions and populations that the rows hold: a frame that
        was filtered still carries what the whole one left out. Not those that answer another question (courses of one session)
        or count elsewhere (sites of a trial). A trial that prints figures of before the end of the course alone is one.

    Examples
    --------
    >>> import acuevidence as ae
    >>> from acuevidence.evidence.carried import unheld
    >>> effects = ae.trial_effects("pelvic_pain", comparator="sham")
    >>> men = effects[effects.population == "men"]
    >>> len(unheld(men)) < len(unheld(effects)), unheld(men).population.unique().tolist()
    (True, ['men'])
    """
    left, data = excluded_of(thing), getattr(thing, "data", thing)
    if left is None or not {"trial_id", "comparator"} <= set(data):
        return None
    rows = pd.DataFrame(left)
    rows = rows[rows["arm"].isna() & ~rows["trial_id"].isin(data["trial_id"])]
    rows = rows[~rows["reason"].astype(str).str.startswith((PART_OF, ONE_SESSION))]
    for column in ("comparator", "condition", "population"):
        if len(data) and column in data and column in rows and data[column].notna().all():
            rows = rows[rows[column].isin(data[column])]
    return rows.drop_duplicates(["trial_id", "comparator"])


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
