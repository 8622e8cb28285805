"""Files that are written whole or not at all: beside the target first, then moved over it."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

__all__ = ["replace"]


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
    """
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
