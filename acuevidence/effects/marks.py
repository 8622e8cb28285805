"""What an effect rests on beyond what was printed: columns of ``trial_effects``, each with its sign and the key to it.

Tables, pages and figures all read this list, so that one sign means one thing.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

__all__ = ["MARKS", "key_to_marks", "marks_of"]

MARKS = (
    ("n_assumed", "*", "participants of each arm assumed from a total"),
    ("borrowed_sd", "†", "SD of another week"),
    ("sd_assumed", "‡", "SD derived with an assumed correlation"),
    ("late", "§", "measured later than the others"),
    ("course_assumed", "¶", "length of the course not printed"),
)


def marks_of(row: Mapping[str, Any]) -> str:
    """Return the signs of an effect, in the order of the key; empty where nothing was assumed.

    Parameters
    ----------
    row : mapping
        A row of :func:`acuevidence.trial_effects`; columns that it lacks mark nothing.

    Examples
    --------
    >>> marks_of({"n_assumed": True, "late": False, "sd_assumed": True})
    '*‡'
    """
    return "".join(sign for name, sign, _ in MARKS if not pd.isna(found := row.get(name)) and bool(found))


def key_to_marks(data: pd.DataFrame) -> str:
    """Return the key to the signs that stand beside the trials of a table; empty where there is none.

    Parameters
    ----------
    data : DataFrame
        Rows of :func:`acuevidence.trial_effects`.

    Examples
    --------
    >>> key_to_marks(pd.DataFrame({"late": [True, False], "n_assumed": [False, False]}))
    '§ measured later than the others.'
    """
    known = [f"{sign} {said}" for name, sign, said in MARKS if name in data and data[name].astype("boolean").fillna(False).any()]
    return f"{'; '.join(known)}." if known else ""
