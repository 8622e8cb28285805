"""Bytes of files that strangers send: never more than a limit, never out of an archive onto the disk.

Knows files and archives; must not know what they hold.
"""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from collections.abc import Iterator
from os import PathLike
from pathlib import Path, PurePosixPath
from typing import Any

from acuevidence.errors import InputError
from acuevidence.inputs import brief

__all__ = ["LIMIT", "check_archive", "members", "read_bytes", "read_source"]

LIMIT = 64 * 2**20  # bytes of a file, and of all that an archive unpacks to
_MEMBERS = 2_000
_BROKEN = (
    zipfile.BadZipFile,
    ValueError,
    IndexError,
    OSError,
    EOFError,
    NotImplementedError,
    struct.error,
    OverflowError,
)


def read_bytes(path: str | PathLike[str]) -> bytes:
    """Return the bytes of a file, unless it is absent or larger than ``LIMIT``."""
    file = Path(path)
    try:
        if not file.is_file():
            raise InputError(f"{str(path)!r} is not a file; give the path of the exported file")
        if (size := file.stat().st_size) > LIMIT:
            raise InputError(f"{file.name} has {size:,} bytes; files beyond {LIMIT:,} are not read, split it")
        return file.read_bytes()
    except (OSError, ValueError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"{str(path)!r} cannot be read: {error}") from error


def read_source(source: Any) -> tuple[bytes, str]:
    """Return the bytes of a path or of an open file (binary or text), and what to call it in a message."""
    if not hasattr(source, "read"):
        if not isinstance(source, (str, PathLike)):
            raise InputError(f"a path or an open file is needed, not {brief(source)}")
        return read_bytes(source), Path(source).name
    name = Path(str(getattr(source, "name", "") or "file")).name
    try:
        content = source.read(LIMIT + 1)
    except (OSError, ValueError, TypeError) as error:  # a closed file, one open for writing, text in another encoding
        raise InputError(f"{name} cannot be read: {error}") from error
    if not isinstance(content, (str, bytes, bytearray)):
        raise InputError(f"{name} must be an open file, not a {type(source).__name__}")
    data = content.encode("utf-8", "surrogatepass") if isinstance(content, str) else bytes(content)
    if len(data) > LIMIT:
        raise InputError(f"{name} has more than {LIMIT:,} bytes; such files are not read, split it")
    return data, name


def members(data: bytes, name: str, *, nested: bool = True) -> Iterator[tuple[str, bytes]]:
    """Yield the name and bytes of every file of a zip archive, and of the archives within it, held in memory.

    Parameters
    ----------
    data : bytes
        The archive.
    name : str
        What to call it in a message.
    nested : bool
        Whether archives within are opened (one level).

    Yields
    ------
    str, bytes
        Name within the archive, and content.

    Raises
    ------
    InputError
        For a broken or encrypted archive, a member whose path leaves the archive, or one that unpacks beyond ``LIMIT``.
    """
    with _opened(data, name) as archive:
        for info in check_archive(archive, name):
            try:
                content = _content(archive, info, name)
            except (*_BROKEN, RuntimeError, zlib.error) as error:
                raise InputError(f"{name}: {info.filename} cannot be unpacked: {error}") from error
            yield info.filename, content
            if nested and info.filename.lower().endswith(".zip"):
                yield from members(content, f"{name}/{info.filename}", nested=False)


def check_archive(archive: zipfile.ZipFile, name: str) -> list[zipfile.ZipInfo]:
    """Return the files of an archive, unless it declares too much or a path that leaves it."""
    infos = [info for info in archive.infolist() if not info.is_dir()]
    if len(infos) > _MEMBERS:
        raise InputError(f"{name} has {len(infos):,} members; archives beyond {_MEMBERS:,} are not read")
    if (total := sum(info.file_size for info in infos)) > LIMIT:
        raise InputError(f"{name} unpacks to {total:,} bytes; archives beyond {LIMIT:,} are not read")
    for info in infos:
        path = PurePosixPath(info.filename.replace("\\", "/"))
        if path.is_absolute() or ".." in path.parts or ":" in str(path):
            raise InputError(f"{name}: the path {info.filename!r} leaves the archive; such archives are not read")
    return infos


def _opened(data: bytes, name: str) -> zipfile.ZipFile:
    try:
        return zipfile.ZipFile(io.BytesIO(data))
    except _BROKEN as error:
        raise InputError(f"{name} is not a zip archive: {error}") from error


def _content(archive: zipfile.ZipFile, info: zipfile.ZipInfo, name: str) -> bytes:
    with archive.open(info) as member:
        content = member.read(info.file_size + 1)
    if len(content) > info.file_size:
        raise InputError(f"{name}: {info.filename} unpacks to more than it declares; such archives are not read")
    return content
