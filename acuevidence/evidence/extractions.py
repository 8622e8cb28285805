"""Two extractions of the same trials, held beside each other: double extraction as data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from acuevidence.evidence.differences import Differences, differences
from acuevidence.evidence.load import load_beside, load_evidence

__all__ = ["AGREED", "SINGLE", "Extractions", "confirmed", "extractions"]

AGREED, SINGLE = "agreed", "single"  # of figures whose two extractions agree, and of those that one extraction holds
_WORDS = ("extraction", "notes", "locator", "sign_note", "how", "why", "description")  # an extractor's own words


@dataclass(frozen=True, slots=True, eq=False)
class Extractions:
    """Where two extractions differ.

    Attributes
    ----------
    differences : Differences
        Of the trials that both hold.
    only_a, only_b : tuple of str
        Trials that one of them holds alone.
    """

    differences: Differences
    only_a: tuple[str, ...]
    only_b: tuple[str, ...]


def extractions(a: str | Path, b: str | Path) -> Extractions:
    """Return where two extractions of the same trials differ.

    Parameters
    ----------
    a, b : path
        Folders of evidence tables; the second needs only the tables that were extracted again, and may hold a part of the trials.

    Returns
    -------
    Extractions
        Rows that one holds alone, and cells that differ; columns of an extractor's own words (notes, places on a page) are left out.
    """
    first = load_evidence(a)
    second = load_beside(b, first)
    both = set(first.trials["trial_id"]) & set(second.trials["trial_id"])
    again = {name for name, table in second.tables().items() if len(table)} - {"thresholds"}
    sides = [{name: _of(one.tables(), name, both) for name in first.tables() if name in again} for one in (first, second)]
    alone = [tuple(one.trials.loc[~one.trials["trial_id"].isin(both), "trial_id"]) for one in (first, second)]
    return Extractions(differences(*sides, leave=_WORDS), *alone)


def _of(tables: Mapping[str, pd.DataFrame], name: str, trials: set[str]) -> pd.DataFrame:
    """Return the rows of a table that belong to some trials; the whole table where it names none."""
    table = tables[name]
    return table[table["trial_id"].isin(trials)] if "trial_id" in table else table


def confirmed(effects: pd.DataFrame) -> int | None:
    """Return how many effects rest on figures that two extractions agree on; None where the table does not say.

    Parameters
    ----------
    effects : DataFrame
        Rows of :func:`acuevidence.trial_effects`; an effect of several rows is confirmed where all of them are.

    Examples
    --------
    >>> import pandas as pd
    >>> confirmed(pd.DataFrame({"extraction": ["agreed", "single", "agreed"]}))
    2
    """
    return int((effects["extraction"] == AGREED).sum()) if "extraction" in effects else None
