"""Figures as build products: written with the same bytes on every run, and checked for whether they would still come out the same.

``manifest.json`` records the hashes of the inputs, the versions and the hashes of the files, so that a drift can be told apart.
"""

from __future__ import annotations

import hashlib
import json
import multiprocessing
import os
import platform
import sys
import warnings
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from acuevidence.arguments import guard
from acuevidence.errors import InputError
from acuevidence.evidence import Evidence, load_evidence
from acuevidence.inputs import choice
from acuevidence.report.figures import Figure, figures
from acuevidence.report.whole_files import alone, refuse_unwritable, replace

__all__ = ["Drift", "build", "check", "inputs", "not_drawn"]

_LIBRARIES = ("matplotlib", "numpy", "pandas", "scipy")

_FORMATS = ("png", "svg")
_MANY = 6  # from here on it pays to start processes
_Made = dict[str, bytes] | InputError
_waiting: list[Figure] = []  # what forked processes draw: figures hold the evidence, which is not sent


@dataclass(frozen=True, slots=True)
class Drift:
    """A file that would change.

    Attributes
    ----------
    file : str
        Name of the file.
    reason : str
        ``data``, ``code``, ``environment``, ``edited``, ``missing`` or ``unknown``, and what exactly.
    """

    file: str
    reason: str


def build(
    folder: str | Path,
    *,
    evidence: Evidence | None = None,
    only: Iterable[str] = (),
    progress: Callable[[Iterable[Any]], Iterable[Any]] = iter,
) -> list[Path]:
    """Draw figures into a folder and write its manifest.

    Parameters
    ----------
    folder : path
        Where the files go; made if it is not there.
    evidence : Evidence, optional
        What is drawn. Default: the package's evidence.
    only : iterable of str
        Names of figures. Default: all.
    progress : callable
        Wraps the iteration over figures, for example ``tqdm``.

    Returns
    -------
    list of Path
        The files written; the manifest comes last and says which figures have too little to show, and why (``not_drawn``).

    Raises
    ------
    InputError
        For an unknown figure, one asked for by name that has too little to show, evidence without a trial, or a folder that
        cannot be written.
    """
    folder = Path(folder)
    evidence = load_evidence() if evidence is None else evidence
    chosen = _chosen(only, evidence)
    refuse_unwritable(folder)
    drawn: dict[str, bytes] = {}
    refused: dict[str, str] = {}
    for figure, found in _drawn(chosen, progress):
        if not isinstance(found, InputError):
            drawn |= found
        elif only:
            raise found
        else:
            refused[figure.name] = str(found)
    folder.mkdir(parents=True, exist_ok=True)
    with alone(folder):  # what another run has written since stays in the manifest
        manifest = _manifest(folder) if only else {}
        hashes = {**manifest.get("figures", {}), **{name: _hash(data) for name, data in drawn.items()}}
        left = {**manifest.get("not_drawn", {}), **refused}
        drawn["manifest.json"] = _manifest_bytes(hashes, left, evidence)
        return [replace(folder / name, data) for name, data in drawn.items()]


def check(
    folder: str | Path,
    *,
    evidence: Evidence | None = None,
    only: Iterable[str] = (),
    progress: Callable[[Iterable[Any]], Iterable[Any]] = iter,
) -> list[Drift]:
    """Draw figures afresh and compare them with those in a folder; nothing is written.

    Parameters
    ----------
    folder, evidence, only, progress
        As in :func:`build`.

    Returns
    -------
    list of Drift
        The files that would change, with the reason; empty when all are as they were.

    Raises
    ------
    InputError
        For an unknown figure, or a folder without a manifest.
    """
    folder = Path(folder)
    recorded = _manifest(folder)
    if not recorded:
        raise InputError(f"{folder} has no manifest.json to compare with; draw the figures there first")
    evidence = load_evidence() if evidence is None else evidence
    drifts = []
    chosen = [one for one in _chosen(only, evidence) if only or one.name not in recorded.get("not_drawn", {})]
    for _, found in _drawn(chosen, progress):
        if isinstance(found, InputError):
            raise found
        for name, data in found.items():
            file = folder / name
            if not file.exists():
                drifts.append(Drift(name, "missing: the file is not there"))
            elif (on_disk := _hash(file.read_bytes())) != _hash(data):
                drifts.append(Drift(name, _reason(evidence, recorded, recorded["figures"].get(name), on_disk, _hash(data))))
    return drifts


def not_drawn(folder: str | Path) -> dict[str, str]:
    """Return the figures that had too little to show when a folder was drawn, each with the reason.

    Parameters
    ----------
    folder : path
        Folder of figures with its manifest.

    Returns
    -------
    dict of str to str
        Name to reason.
    """
    return dict(_manifest(Path(folder)).get("not_drawn", {}))


def _chosen(only: Iterable[str], evidence: Evidence) -> list[Figure]:
    if evidence.trials.empty:
        raise InputError(f"{evidence.folder} holds no trial yet; there is nothing to draw")
    known = figures(evidence)
    names = list(only) or list(known)
    return [known[choice("figure", name, list(known))] for name in names]


def _drawn(chosen: list[Figure], progress: Callable[[Iterable[Any]], Iterable[Any]]) -> Iterator[tuple[Figure, _Made]]:
    """Yield every figure with its files, or the reason why it has too little to show; many figures are drawn on all cores."""
    if len(chosen) < _MANY or sys.platform != "linux":
        yield from ((figure, _attempt(figure)) for figure in progress(chosen))
        return
    _waiting[:] = chosen
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of forking beside the threads of a linear algebra library
        pool = multiprocessing.get_context("fork").Pool(len(os.sched_getaffinity(0)))
    with pool:
        yield from zip(progress(chosen), pool.imap(_attempt_waiting, range(len(chosen))), strict=True)
    _waiting.clear()


def _attempt_waiting(place: int) -> _Made:
    return _attempt(_waiting[place])


def _attempt(figure: Figure) -> _Made:
    try:
        return _render(figure)
    except InputError as error:
        return error


def _render(figure: Figure) -> dict[str, bytes]:
    from acuevidence.plots.parts.page import published
    from acuevidence.plots.save import encoded

    with published():
        drawn = figure.draw().figure
        _settle(drawn)
        return {f"{figure.name}.{kind}": encoded(drawn, kind, title=figure.title) for kind in _FORMATS}


def _settle(drawn: Any) -> None:
    """Fix the places that a layout engine found, rounded: the last bits of a sum would change the ids in an SVG."""
    if drawn.get_layout_engine() is None:
        return
    drawn.draw_without_rendering()
    places = [(ax, ax.get_position()) for ax in drawn.axes]
    drawn.set_layout_engine("none")
    for ax, place in places:
        ax.set_position([round(side, 6) for side in place.bounds])


def _reason(evidence: Evidence, recorded: dict[str, Any], known: str | None, on_disk: str, fresh: str) -> str:
    if known == fresh:
        return "edited: the file on disk is not the one that was drawn"
    now = inputs(evidence)
    environment = [
        f"{name} {recorded['environment'].get(name)} -> {value}"
        for name, value in now["environment"].items()
        if recorded["environment"].get(name) != value
    ]
    data = [name for name, value in now["data"].items() if recorded["data"].get(name) != value]
    reasons = []
    if data:
        reasons.append("data: " + ", ".join(data))
    if recorded["code"] != now["code"]:
        reasons.append("code: the package's source changed")
    if environment:
        reasons.append("environment: " + ", ".join(environment))
    if known is not None and known != on_disk:
        reasons.append("edited: the file on disk is not the one recorded")
    return "; ".join(reasons) or "unknown: same data, code and versions"


def inputs(evidence: Evidence | None = None) -> dict[str, Any]:
    """Return what everything made here is made from: hashes of the ``data`` and the ``code``, and the versions (``environment``)."""
    folder = Path((load_evidence() if evidence is None else evidence).folder)
    source = hashlib.sha256()
    package = Path(__file__).resolve().parents[1]
    for path in sorted(package.rglob("*.py")):
        source.update(path.relative_to(package).as_posix().encode() + b"\0" + path.read_bytes())
    tables = sorted(p for p in folder.rglob("*") if p.suffix in (".csv", ".json", ".yaml"))
    return {
        "data": {path.name: _hash(path.read_bytes()) for path in tables},
        "code": source.hexdigest(),
        "environment": {
            "python": ".".join(platform.python_version_tuple()[:2]),
            "platform": f"{platform.system()} {platform.machine()}",
            **{name: version(name) for name in _LIBRARIES},
        },
    }


def _manifest(folder: Path) -> dict[str, Any]:
    file = folder / "manifest.json"
    try:
        return dict(json.loads(file.read_text(encoding="utf-8"))) if file.exists() else {}
    except (ValueError, TypeError) as error:
        raise InputError(f"{file} is no manifest of figures ({error}); take it away and draw the figures anew") from error


def _manifest_bytes(hashes: dict[str, str], refused: dict[str, str], evidence: Evidence) -> bytes:
    left = {"not_drawn": dict(sorted(refused.items()))} if refused else {}
    return (json.dumps({**inputs(evidence), **left, "figures": dict(sorted(hashes.items()))}, indent=1) + "\n").encode()


def _hash(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


guard(__name__, "build", "check", "not_drawn")
