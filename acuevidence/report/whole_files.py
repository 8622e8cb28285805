"""Files that are written whole or not at all: beside the target first, then moved over it."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from acuevidence.errors import InputError

__all__ = ["refuse_unwritable", "replace", "unwritten"]


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
