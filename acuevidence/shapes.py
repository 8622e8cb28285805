"""What the entries of a review's YAML files may look like, and the error that names the one that does not.

The forms themselves are data (``scaffold/shapes.yaml``); this module knows none of their meaning.
"""

from __future__ import annotations

import functools
import math
import re
import reprlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from acuevidence.errors import InputError

__all__ = ["counted_entries", "shaped"]

_MOST = 100_000  # entries of a file, with those that its aliases repeat
_KINDS = {
    "text": "text",
    "number": "a number",
    "share": "a number from 0 to below 1",
    "positive": "a number above 0",
    "flag": "true or false",
    "pattern": "a regular expression",
}


def counted_entries(given: Any, name: str) -> None:
    """Refuse a file whose entries, with all that aliases repeat, are more than any review needs.

    Raises
    ------
    InputError
        Beyond 100,000 entries; an alias within itself has no end.
    """
    left, count = [given], 0
    while left:
        one = left.pop()
        count += 1
        if count > _MOST:
            raise InputError(f"{name} holds more than {_MOST:,} entries; aliases that repeat others count each time")
        if isinstance(one, Mapping):
            left += [*one.keys(), *one.values()]
        elif isinstance(one, list | tuple | set):
            left += one


def shaped(name: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the entries of a file, empty optional ones left out.

    Parameters
    ----------
    name : str
        Name of the file, for example ``selection.yaml``.
    given : mapping
        What it holds.

    Raises
    ------
    InputError
        For an entry that is unknown, missing, or of another form; the message says where and what would be right.

    Examples
    --------
    >>> shaped("selection.yaml", {"course": "eight"})
    Traceback (most recent call last):
    acuevidence.errors.InputError: selection.yaml: course must be a number above 0, not 'eight'
    """
    found: dict[str, Any] = _fit(given, _shapes()[name], name, "")
    return found


@functools.cache
def _shapes() -> dict[str, Any]:
    import yaml

    text = (Path(__file__).resolve().parent / "scaffold" / "shapes.yaml").read_text(encoding="utf-8")
    found: dict[str, Any] = yaml.safe_load(text)
    return found


def _fit(given: Any, shape: Any, file: str, where: str) -> Any:
    if isinstance(shape, Mapping):
        return _mapping(given, shape, file, where)
    if isinstance(shape, list) and len(shape) == 1:
        if not isinstance(given, list):
            raise InputError(f"{file}: {where} must be a list, not {_said(given)}")
        return [_fit(one, shape[0], file, f"{where}[{_named(one, i)}]") for i, one in enumerate(given)]
    if isinstance(shape, list):  # the first form of the same kind: text, a list or entries
        kind = next((one for one in shape if isinstance(given, _like(one))), shape[0])
        return _fit(given, kind, file, where)
    if shape.startswith("each of "):
        wanted = shape.removeprefix("each of ").split(", ")
        if not isinstance(given, list) or sorted(map(str, given)) != sorted(wanted):
            raise InputError(f"{file}: {where} must be a list of {', '.join(wanted)} in the preferred order, not {_said(given)}")
    elif shape.startswith("one of "):
        if given not in (wanted := shape.removeprefix("one of ").split(", ")):
            raise InputError(f"{file}: {where} must be one of {', '.join(wanted)}, not {_said(given)}")
    elif shape != "any" and not _is(given, shape):
        raise InputError(f"{file}: {where} must be {_KINDS[shape]}, not {_said(given)}")
    return given


def _mapping(given: Any, shape: Mapping[str, Any], file: str, where: str) -> dict[str, Any]:
    at = f"{file}: {where}" if where else file
    if not isinstance(given, Mapping):
        raise InputError(f"{at} must hold entries of the form `name: value`, not {_said(given)}")
    named = {key.rstrip("*"): key for key in shape if key not in ("*", "pattern")}
    for key in named:
        if not named[key].endswith("*") and given.get(key) is None:
            raise InputError(f"{at} needs an entry {key!r}")
    found = {}
    for key, value in given.items():
        place = f"{where}.{key}" if where else str(key)
        if not isinstance(key, str):
            raise InputError(f"{at} has an entry whose name is no text: {_said(key)}; put it in quotes")
        if key in named:
            if value is not None:
                found[key] = _fit(value, shape[named[key]], file, place)
        elif "pattern" in shape:
            found[_fit(key, "pattern", file, f"the name {key!r} in {where}")] = _fit(value, shape["pattern"], file, place)
        elif "*" in shape:
            found[key] = _fit(value, shape["*"], file, place)
        else:
            raise InputError(f"{at} has an unknown entry {key!r}; known: {', '.join(named)}")
    return found


def _named(one: Any, place: int) -> str:
    """Return what an item of a list is called: its id where it has one, else its place."""
    name = one.get("id") if isinstance(one, Mapping) else None
    return name if isinstance(name, str) and name else str(place + 1)


def _like(shape: Any) -> type | tuple[type, ...]:
    return Mapping if isinstance(shape, Mapping) else list if isinstance(shape, list) else (str, int, float)


def _is(given: Any, kind: str) -> bool:
    if kind == "flag":
        return isinstance(given, bool)
    if kind in ("number", "share", "positive"):
        real = isinstance(given, int | float) and not isinstance(given, bool) and abs(given) < 1e15 and math.isfinite(given)
        return real and (kind == "number" or (given > 0 if kind == "positive" else 0 <= given < 1))
    if kind == "pattern" and isinstance(given, str):
        try:
            re.compile(given)
        except (re.error, RecursionError, OverflowError):
            return False
    return isinstance(given, str)


def _said(given: Any) -> str:
    return reprlib.repr(given)
