"""Tables and results as files for others: tidy CSV, RevMan, and JSON that says what it was made from.

Whatever the format, the file is written whole or not at all, and text that a spreadsheet would run as a formula is not.
"""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from acuevidence.arguments import guard
from acuevidence.errors import InputError
from acuevidence.evidence.carried import evidence_of
from acuevidence.inputs import choice
from acuevidence.report.drawing import inputs
from acuevidence.report.revman import rm5
from acuevidence.report.whole_files import csv_text, replace

__all__ = ["export", "plain"]


def export(what: Any, path: str | Path) -> Path:
    """Write a table or a result to a file; the ending chooses the format.

    Parameters
    ----------
    what : DataFrame or result
        A frame, or anything with ``to_frame()``, for example a MetaAnalysis.
    path : path
        ``.csv``: tidy CSV in UTF-8, one row a trial or coefficient, every digit kept, text that starts with
        ``= + - @`` guarded by an apostrophe. ``.rm5``: RevMan 5, from a flat table of trials (``study`` and the figures of
        :func:`acuevidence.read_trials`), one outcome per ``comparison``, ``comparator`` and ``outcome``. ``.json``: the rows,
        the options and notes of a result, its trials, what was left out, and the versions and hashes of software and evidence.

    Returns
    -------
    Path
        The file; an interrupted run leaves an old one whole.

    Raises
    ------
    InputError
        For another ending, a folder that is not there, or a table without the columns RevMan needs; nothing is written then.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> import acuevidence as ae
    >>> result = ae.meta_analysis([0.2, 0.5, 0.3], [0.02, 0.04, 0.03])
    >>> ae.report.export(result, pathlib.Path(tempfile.mkdtemp(), "pain.json")).name
    'pain.json'
    """
    file = Path(path)
    kind = choice("format", file.suffix.lower(), list(_FORMATS))
    if not file.parent.is_dir():
        raise InputError(f"folder {str(file.parent)!r} does not exist; make it first")
    frame = what if isinstance(what, pd.DataFrame) else getattr(what, "to_frame", lambda: None)()
    if not isinstance(frame, pd.DataFrame):
        raise InputError(f"what must be a DataFrame or a result, not {type(what).__name__}")
    try:
        return replace(file, _FORMATS[kind](what, frame))
    except OSError as error:
        raise InputError(f"{str(path)!r} cannot be written: {error}") from error


# --- CSV ---------------------------------------------------------------------------------------------------------


def _csv(what: Any, frame: pd.DataFrame) -> bytes:
    named = any(name is not None for name in frame.index.names)
    table = frame.reset_index() if named else frame
    return csv_text(table).encode("utf-8", "backslashreplace")


# --- JSON --------------------------------------------------------------------------------------------------------


def _json(what: Any, frame: pd.DataFrame) -> bytes:
    from acuevidence import __version__

    content: dict[str, Any] = {"made_by": {"acuevidence": __version__, **inputs(evidence_of(what))}, "kind": type(what).__name__}
    parts = dict(what) if isinstance(what, Mapping) else {"": what}
    if any(dataclasses.is_dataclass(part) for part in parts.values()):
        content["results"] = [{"group": name, **_described(part)} for name, part in parts.items()]
    content["rows"] = _records(frame)
    content["excluded"] = _records(pd.DataFrame(frame.attrs["excluded"])) if "excluded" in frame.attrs else []
    return (json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False) + "\n").encode("utf-8", "backslashreplace")


def _described(result: Any) -> dict[str, Any]:
    """Return a result's options, notes and trials."""
    found: dict[str, Any] = {}
    for name in ("test" if field.name == "_test" else field.name for field in dataclasses.fields(result)):
        value = None if name.startswith("_") else getattr(result, name)
        if isinstance(value, (str, int, float, tuple)) and name not in found:
            found[name] = plain(value)
    for name in ("data", "excluded"):
        table = getattr(result, name, None)
        if isinstance(table, pd.DataFrame):
            found["trials" if name == "data" else name] = _records(table)
    return found


def _records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    named = any(name is not None for name in frame.index.names)
    table = frame.reset_index() if named else frame
    return [{str(k): plain(v) for k, v in row.items()} for row in table.to_dict("records")]


def plain(value: Any) -> Any:
    """Return what JSON can hold; numbers that are not finite become null."""
    if isinstance(value, (tuple, list)):
        return [plain(one) for one in value]
    if isinstance(value, Mapping):
        return {str(k): plain(v) for k, v in value.items()}
    if isinstance(value, np.ndarray):
        return [plain(one) for one in value.tolist()]
    if value is None or value is pd.NA or value is pd.NaT:
        return None
    if isinstance(value, (bool, np.bool_)):
        return bool(value)
    if isinstance(value, (int, np.integer)):
        return int(value)
    if isinstance(value, (float, np.floating)):
        return float(value) if math.isfinite(value) else None
    return str(value)


_FORMATS: dict[str, Callable[[Any, pd.DataFrame], bytes]] = {
    ".csv": _csv,
    ".json": _json,
    ".rm5": lambda _, frame: rm5(frame),
}


guard(__name__, "export")
