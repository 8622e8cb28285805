"""Tables and results as files for others: tidy CSV, RevMan, and JSON that says what it was made from.

Whatever the format, the file is written whole or not at all, and text that a spreadsheet would run as a formula is not.
"""

from __future__ import annotations

import dataclasses
import json
import math
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pandas as pd

from acuevidence.arguments import guard
from acuevidence.errors import InputError
from acuevidence.evidence.importers.revman import DATA_TYPES, MEASURES
from acuevidence.inputs import choice, plain
from acuevidence.report.figures import inputs
from acuevidence.report.whole_files import csv_text, replace

__all__ = ["export"]

_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff\ud800-\udfff]")
_KINDS = {
    "CONT": {"mean1": "MEAN_1", "sd1": "SD_1", "n1": "TOTAL_1", "mean2": "MEAN_2", "sd2": "SD_2", "n2": "TOTAL_2"},
    "DICH": {"events1": "EVENTS_1", "n1": "TOTAL_1", "events2": "EVENTS_2", "n2": "TOTAL_2"},
    "IV": {"yi": "ESTIMATE", "se": "SE"},
    "IPD": {"events1": "EVENTS_1", "n1": "TOTAL_1", "events2": "EVENTS_2", "n2": "TOTAL_2"},
}
_DEFAULT_MEASURE = {"CONT": "SMD", "DICH": "OR", "IV": ""}
_KIND_OF_TYPE = {name: kind for kind, name in DATA_TYPES.items()}


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
    >>> ae.export(result, pathlib.Path(tempfile.mkdtemp(), "pain.json")).name
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


# --- RevMan ------------------------------------------------------------------------------------------------------


def _rm5(what: Any, frame: pd.DataFrame) -> bytes:
    if "study" not in frame:
        raise InputError("RevMan needs a column 'study'; give a flat table of trials")
    kinds = _kinds(frame)
    root = ElementTree.Element("COCHRANE_REVIEW", {"TYPE": "INTERVENTION", "MODIFIED_BY": "acuevidence"})
    listed = ElementTree.SubElement(ElementTree.SubElement(root, "STUDIES_AND_REFERENCES"), "STUDIES")
    included = ElementTree.SubElement(listed, "INCLUDED_STUDIES")
    identity: dict[str, str] = {}
    year = frame["year"] if "year" in frame else pd.Series(np.nan, frame.index)
    for study, when in zip(frame["study"], year, strict=True):
        if (key := str(study)) not in identity:
            identity[key] = f"STD-{len(identity) + 1}"
            known = {"ID": identity[key], "NAME": _text(study)} | (
                {} if pd.isna(when) else {"YEAR": f"{float(when):g}"}
            )
            ElementTree.SubElement(included, "STUDY", known)
    analyses = ElementTree.SubElement(root, "ANALYSES_AND_DATA")
    keys = [c for c in ("comparison", "comparator") if c in frame]
    shared = frame[keys].astype(object).where(frame[keys].notna(), "").astype(str)
    for number, (names, rows) in enumerate(_in_order(shared), start=1):
        comparison = ElementTree.SubElement(analyses, "COMPARISON", {"ID": f"CMP-{number:03}", "NO": str(number)})
        label = dict(zip(keys, names, strict=True))
        ElementTree.SubElement(comparison, "NAME").text = _text(
            label.get("comparison") or label.get("comparator") or "Comparison"
        )
        _outcomes(comparison, frame.iloc[rows], kinds.iloc[rows], label.get("comparator", ""), identity)
    ElementTree.indent(root)
    return ElementTree.tostring(root, encoding="utf-8", xml_declaration=True) + b"\n"


def _kinds(frame: pd.DataFrame) -> pd.Series:
    """Return RevMan's kind of data for each row; a row without a complete set of figures is refused."""
    kinds = pd.Series(None, index=frame.index, dtype=object)
    table = frame.assign(se=np.sqrt(frame["vi"])) if "vi" in frame and "se" not in frame else frame
    for kind in ("CONT", "DICH", "IV"):
        columns = _KINDS[kind]
        if set(columns) <= set(table.columns):
            kinds = kinds.where(kinds.notna() | table[list(columns)].isna().any(axis=1), kind)
    if {"measure", "yi", "se"} <= set(table.columns):
        effect = table[["yi", "se"]].notna().all(axis=1)
        kinds = kinds.mask(effect & table["measure"].isin(("PETO_OR", "HR")) & (kinds == "DICH"), "IPD")
        named = table.get("data_type", pd.Series(None, table.index, dtype=object)).map(_KIND_OF_TYPE)
        kinds = kinds.mask(effect & named.isin(("IV", "IPD")), named)
    absent = np.flatnonzero(kinds.isna())
    if len(absent):
        wanted = "; or ".join(" ".join(columns) for columns in list(_KINDS.values())[:3])
        raise InputError(f"row {plain(frame.index[absent[0]])!r} has no complete set of figures for RevMan (needed: {wanted})")
    return kinds


def _outcomes(
    comparison: ElementTree.Element, frame: pd.DataFrame, kinds: pd.Series, comparator: str, identity: Mapping[str, str]
) -> None:
    names = frame["outcome"] if "outcome" in frame else pd.Series("Outcome", frame.index)
    measures = (
        frame["measure"] if "measure" in frame else frame.get("effect", pd.Series(None, frame.index, dtype=object))
    )
    measures = measures.astype(object).where(measures.notna(), kinds.map(_DEFAULT_MEASURE))
    known = {c: _texts(frame, c) for c in ("treatment", "method", "model")}
    groups = pd.DataFrame({"outcome": names.astype(str), "kind": kinds, "measure": measures, **known})
    for number, ((outcome, kind, measure, treatment, method, model), rows) in enumerate(_in_order(groups), start=1):
        given = {"ID": f"{comparison.get('ID')}.{number:02}", "NO": str(number)}
        if method or kind != "IPD":
            given["METHOD"] = _text(method or ("PETO" if measure == "PETO_OR" else "IV"))
        if model or kind != "IPD":
            given["RANDOM"] = "NO" if model == "fixed" else "YES"
        if kind in ("CONT", "DICH"):
            given["EFFECT_MEASURE"] = _text(measure)
        element = ElementTree.SubElement(comparison, f"{kind}_OUTCOME", given)
        for name, text in {"NAME": outcome, "GROUP_LABEL_1": treatment, "GROUP_LABEL_2": comparator}.items():
            ElementTree.SubElement(element, name).text = _text(text)
        if kind not in ("CONT", "DICH"):
            ElementTree.SubElement(element, "EFFECT_MEASURE").text = _text(MEASURES.get(measure, measure))
        here = frame.iloc[rows]
        groups_here = here["subgroup"] if "subgroup" in here else pd.Series(None, here.index, dtype=object)
        parts: dict[str, ElementTree.Element] = {}
        for row, subgroup in zip(here.to_dict("records"), groups_here, strict=True):
            parent = element if pd.isna(subgroup) or not str(subgroup) else _part(element, kind, str(subgroup), parts)
            figures = _figures(row, kind)
            ElementTree.SubElement(
                parent, f"{kind}_DATA", {"STUDY_ID": identity[str(row["study"])], "ESTIMABLE": "YES", **figures}
            )


def _texts(frame: pd.DataFrame, column: str) -> pd.Series:
    """Return a column of words, empty where there are none."""
    words = frame[column] if column in frame else pd.Series(None, frame.index, dtype=object)
    return words.astype(object).where(words.notna(), "").astype(str)


def _part(
    element: ElementTree.Element, kind: str, name: str, parts: dict[str, ElementTree.Element]
) -> ElementTree.Element:
    if name not in parts:
        number = len(parts) + 1
        known = {"ID": f"{element.get('ID')}.{number:02}", "NO": str(number)}
        parts[name] = ElementTree.SubElement(element, f"{kind}_SUBGROUP", known)
        ElementTree.SubElement(parts[name], "NAME").text = _text(name)
    return parts[name]


def _in_order(frame: pd.DataFrame) -> list[tuple[tuple[Any, ...], np.ndarray]]:
    """Return the distinct rows in the order they first occur, each with the positions that hold it."""
    positions: dict[tuple[Any, ...], list[int]] = {}
    for i, key in enumerate(frame.itertuples(index=False, name=None)):
        positions.setdefault(key, []).append(i)
    return [(key, np.array(rows)) for key, rows in positions.items()]


def _figures(row: Mapping[str, Any], kind: str) -> dict[str, str]:
    """Return a trial's figures under RevMan's names; observed minus expected events and their variance from yi and se."""
    known = {**row, "se": math.sqrt(row["vi"])} if "se" not in row and "vi" in row else row
    shown = {"n1": "TOTAL_1", "n2": "TOTAL_2"} if kind == "IV" else {}
    wanted = {**_KINDS[kind], **shown}
    figures = {theirs: known[ours] for ours, theirs in wanted.items() if not pd.isna(known.get(ours))}
    if kind == "IPD":
        figures |= {"O_E": known["yi"] / known["se"] ** 2, "VAR": 1 / known["se"] ** 2}
    return {name: repr(float(value)).removesuffix(".0") for name, value in figures.items()}


def _text(value: Any) -> str:
    return _CONTROL.sub("\ufffd", str(value))


# --- JSON --------------------------------------------------------------------------------------------------------


def _json(what: Any, frame: pd.DataFrame) -> bytes:
    from acuevidence import __version__

    content: dict[str, Any] = {"made_by": {"acuevidence": __version__, **inputs()}, "kind": type(what).__name__}
    parts = dict(what) if isinstance(what, Mapping) else {"": what}
    if any(dataclasses.is_dataclass(part) for part in parts.values()):
        content["results"] = [{"group": name, **_described(part)} for name, part in parts.items()]
    content["rows"] = _records(frame)
    content["excluded"] = _records(pd.DataFrame(frame.attrs["excluded"])) if "excluded" in frame.attrs else []
    return (json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False) + "\n").encode(
        "utf-8", "backslashreplace"
    )


def _described(result: Any) -> dict[str, Any]:
    """Return a result's options, notes and trials."""
    found: dict[str, Any] = {}
    for field in dataclasses.fields(result):
        value = None if field.name.startswith("_") else getattr(result, field.name)
        if isinstance(value, (str, int, float, tuple)) and field.name not in found:
            found[field.name] = _plain(value)
    for name in ("data", "excluded"):
        table = getattr(result, name, None)
        if isinstance(table, pd.DataFrame):
            found["trials" if name == "data" else name] = _records(table)
    return found


def _records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    named = any(name is not None for name in frame.index.names)
    table = frame.reset_index() if named else frame
    return [{str(k): _plain(v) for k, v in row.items()} for row in table.to_dict("records")]


def _plain(value: Any) -> Any:
    """Return what JSON can hold; numbers that are not finite become null."""
    if isinstance(value, (tuple, list)):
        return [_plain(one) for one in value]
    if isinstance(value, Mapping):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, np.ndarray):
        return [_plain(one) for one in value.tolist()]
    if value is None or value is pd.NA or value is pd.NaT:
        return None
    if isinstance(value, (bool, np.bool_)):
        return bool(value)
    if isinstance(value, (int, np.integer)):
        return int(value)
    if isinstance(value, (float, np.floating)):
        return float(value) if math.isfinite(value) else None
    return str(value)


_FORMATS: dict[str, Callable[[Any, pd.DataFrame], bytes]] = {".csv": _csv, ".json": _json, ".rm5": _rm5}


guard(__name__, "export")
