"""Files for others: written whole or not at all, and tables whose text no spreadsheet runs as a formula."""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pandas as pd

from acuevidence.errors import InputError

__all__ = ["alone", "csv_text", "refuse_unwritable", "replace", "unwritten"]

_FORMULA = re.compile(r"^(?='*[=+\-@\t\r])")
_FIGURE = re.compile(r"-\d[-\d.,%() \u2013\u2212to]*")  # a printed effect and its interval call nothing


def refuse_unwritable(folder: Path) -> None:
    """Refuse a folder that cannot be made or written to, before any work is done; nothing is left behind.

    Raises
    ------
    InputError
        For a file in its place, a missing permission, or a disk without room.
    """
    there = next(path for path in (folder.absolute(), *folder.absolute().parents) if path.exists() or path.is_symlink())
    try:
        with tempfile.TemporaryFile(dir=there) as file:
            file.write(bytes(4096))
    except OSError as error:
        raise unwritten(folder if there == folder.absolute() else there, error) from error


def unwritten(path: Path, error: OSError) -> InputError:
    """Return the error of a write that failed, in one line."""
    hint = "; name a folder" if isinstance(error, NotADirectoryError) else ""
    return InputError(f"{path} cannot be written: {error.strerror or error}{hint}")


def replace(path: Path, data: bytes) -> Path:
    """Write a file so that an interrupted run leaves the old one whole.

    Parameters
    ----------
    path : Path
        Where the file goes; its folder exists.
    data : bytes
        What it holds.

    Returns
    -------
    Path
        The path.

    Raises
    ------
    InputError
        Where it cannot be written.
    """
    try:
        return _replace(path, data)
    except OSError as error:
        raise unwritten(path, error) from error


def _replace(path: Path, data: bytes) -> Path:
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        os.chmod(name, 0o644)
        os.replace(name, path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    return path


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Hold a folder for one writer at a time, where the system can lock it; others wait.

    Parameters
    ----------
    folder : Path
        A folder that is there.
    """
    try:
        import fcntl
    except ImportError:  # no such locks on Windows
        yield
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        with suppress(OSError):  # a file system without locks
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def csv_text(frame: pd.DataFrame) -> str:
    """Return a table as CSV; text and headings that a spreadsheet would run as a formula are guarded by an apostrophe.

    Parameters
    ----------
    frame : DataFrame
        The table; its index is left out.

    Returns
    -------
    str
        A header and a line a row, parted by line feeds.

    Notes
    -----
    What begins with ``= + - @``, a tab or a carriage return is guarded (OWASP, CSV injection), but for a printed negative figure
    with or without its interval.
    """
    table = frame.rename(columns=_guarded)
    words = [i for i, kind in enumerate(table.dtypes) if not pd.api.types.is_numeric_dtype(kind)]
    columns = [table.iloc[:, i].map(_guarded) if i in words else table.iloc[:, i] for i in range(table.shape[1])]
    guarded = pd.concat(columns, axis=1) if columns else table
    return str(guarded.to_csv(index=False, lineterminator="\n"))


def _guarded(cell: Any) -> Any:
    return _FORMULA.sub("'", cell) if isinstance(cell, str) and not _FIGURE.fullmatch(cell) else cell
