"""How the trials known for a condition become the trials pooled."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd

from acuevidence.arguments import guard
from acuevidence.effects.trials import trial_effects
from acuevidence.errors import InputError
from acuevidence.evidence import Evidence, load_evidence
from acuevidence.evidence.carried import excluded_of
from acuevidence.inputs import choice
from acuevidence.later import Later
from acuevidence.shown import Shown

if TYPE_CHECKING:
    from acuevidence.plots.questions.flow import flow as _draw
else:
    _draw = Later("acuevidence.plots.questions.flow", "flow")

__all__ = ["Flow", "flow"]


@dataclass(frozen=True, slots=True, kw_only=True, repr=False, eq=False)
class Flow(Shown):
    """The trials of a condition, from known to pooled.

    Attributes
    ----------
    label : str
        The condition in words.
    known : int
        Trials in the tables.
    compared, several : int
        Trials with one of the comparators, and of these with more than one; the rest of the known have other comparators alone.
    comparisons : DataFrame
        One row a comparator: ``comparator``, ``label``, trials ``asked`` and ``pooled``, and of those ``left_out``
        ``no_figure`` (none printed), ``outside`` (the time window) and ``other`` reasons.
    """

    label: str
    known: int
    compared: int
    several: int
    comparisons: pd.DataFrame

    plot = _draw

    def to_frame(self) -> pd.DataFrame:
        """Return the counts by comparator, one row each."""
        return self.comparisons.copy()

    def _sentences(self) -> list[str]:
        return [f"{self.label}: {self.known} trials known"]

    def _table(self) -> pd.DataFrame:
        return self.comparisons


def flow(condition: str, *, effects: pd.DataFrame | None = None, evidence: Evidence | None = None) -> Flow:
    """Count the trials of a condition from known to pooled.

    Parameters
    ----------
    condition : str
        One of :func:`acuevidence.conditions`.
    effects : DataFrame, optional
        Its rows of ``trial_effects``. Default: the standard selection.
    evidence : Evidence, default the package's

    Returns
    -------
    Flow
        A comparison is a trial against one comparator, so a trial with three arms counts for two.

    Examples
    --------
    >>> import acuevidence as ae
    >>> found = ae.questions.flow("neck_pain").comparisons
    >>> bool((found.asked == found.pooled + found.left_out).all())
    True
    """
    evidence = load_evidence() if evidence is None else evidence
    topic = evidence.topic
    choice("condition", condition, list(topic.conditions))
    effects = trial_effects(condition, evidence=evidence) if effects is None else effects
    if lacking := [name for name in ("trial_id", "comparator") if name not in effects]:
        raise InputError(f"effects lacks {', '.join(lacking)}; give rows of trial_effects()")
    left = pd.DataFrame(excluded_of(effects), columns=["trial_id", "comparator", "arm", "reason"])
    left = left[left["arm"].isna()].drop_duplicates(["trial_id", "comparator"])
    pairs = pd.concat([effects[["trial_id", "comparator"]], left[["trial_id", "comparator"]]]).drop_duplicates()
    pairs = pairs[pairs["comparator"].isin(list(topic.comparators))]
    rows = []
    for comparator in topic.comparators:
        used, out = (part[part["comparator"] == comparator] for part in (effects, left))
        unprinted = out["reason"].str.startswith("no figure printed").astype(bool)
        outside = out["reason"].str.contains("outside the window").astype(bool) & ~unprinted
        out = out[~out["trial_id"].isin(used["trial_id"])]
        unprinted, outside = unprinted[out.index], outside[out.index]
        pooled, left_out = used["trial_id"].nunique(), len(out)
        rows.append(
            {
                "comparator": comparator,
                "label": topic.label(comparator),
                "asked": pooled + left_out,
                "pooled": pooled,
                "left_out": left_out,
                "no_figure": int(unprinted.sum()),
                "outside": int(outside.sum()),
                "other": int((~unprinted & ~outside).sum()),
            }
        )
    known = int((evidence.trials["condition"] == condition).sum())
    return Flow(
        label=topic.label(condition),
        known=known,
        compared=pairs["trial_id"].nunique(),
        several=int((pairs["trial_id"].value_counts() > 1).sum()),
        comparisons=pd.DataFrame(rows),
    )


guard(__name__, "flow")
