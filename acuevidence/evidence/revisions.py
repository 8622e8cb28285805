"""Evidence as it was at a revision of the git repository that holds its folder."""

from __future__ import annotations

import io
import subprocess
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from acuevidence.errors import InputError

__all__ = ["folder_at"]


@contextmanager
def folder_at(place: str, folder: Path) -> Iterator[tuple[Path, str]]:
    """Yield a folder of tables, and what to call it: the folder named, or that of a revision, written out for the while.

    Parameters
    ----------
    place : str
        A folder, or a revision of ``folder``: a commit, a branch, a tag, ``HEAD~3``.
    folder : Path
        The folder whose revisions are meant.

    Raises
    ------
    InputError
        When it is neither, or the folder did not exist then.
    """
    if Path(place).is_dir():
        yield Path(place), place
        return
    commit = _git(folder, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{place}^{{commit}}")
    if commit is None:
        raise InputError(f"{place!r} is neither a folder nor a revision of {str(folder)!r} in a git repository")
    name = commit.decode().strip()
    packed = _git(folder, "archive", "--format=zip", name, ".")
    if packed is None:
        raise InputError(f"revision {place!r} has no folder {str(folder)!r}")
    with tempfile.TemporaryDirectory() as made:
        with zipfile.ZipFile(io.BytesIO(packed)) as files:  # writes links as files that hold their target, never outside
            files.extractall(made)
        yield Path(made), f"{folder.name} at {place}" + ("" if name.startswith(place) else f" ({name[:7]})")


def _git(folder: Path, *arguments: str) -> bytes | None:
    """Return what git says of a folder, or None where it refuses."""
    try:
        done = subprocess.run(["git", "-C", str(folder), *arguments], capture_output=True, check=False)
    except FileNotFoundError as error:
        raise InputError("revisions need git, which is not installed; give two folders") from error
    return done.stdout if done.returncode == 0 else None
