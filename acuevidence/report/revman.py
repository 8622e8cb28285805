"""Tables of trials as RevMan 5 files, in the vocabulary of their reader."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pandas as pd

from acuevidence.errors import InputError
from acuevidence.evidence.importers.revman import DATA_TYPES, MEASURES

__all__ = ["rm5"]

_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff\ud800-\udfff]")

_KINDS = {
    "CONT": {"mean1": "MEAN_1", "sd1": "SD_1", "n1": "TOTAL_1", "mean2": "MEAN_2", "sd2": "SD_2", "n2": "TOTAL_2"},
    "DICH": {"events1": "EVENTS_1", "n1": "TOTAL_1", "events2": "EVENTS_2", "n2": "TOTAL_2"},
    "IV": {"yi": "ESTIMATE", "se": "SE"},
    "IPD": {"events1": "EVENTS_1", "n1": "TOTAL_1", "events2": "EVENTS_2", "n2": "TOTAL_2"},
}

_DEFAULT_MEASURE = {"CONT": "SMD", "DICH": "OR", "IV": ""}

_KIND_OF_TYPE = {name: kind for kind, name in DATA_TYPES.items()}


def rm5(frame: pd.DataFrame) -> bytes:
    """Return a flat table of trials as a RevMan 5 file."""
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
            known = {"ID": identity[key], "NAME": _text(study)} | ({} if pd.isna(when) else {"YEAR": f"{float(when):g}"})
            ElementTree.SubElement(included, "STUDY", known)
    analyses = ElementTree.SubElement(root, "ANALYSES_AND_DATA")
    keys = [c for c in ("comparison", "comparator") if c in frame]
    shared = frame[keys].astype(object).where(frame[keys].notna(), "").astype(str)
    for number, (names, rows) in enumerate(_in_order(shared), start=1):
        comparison = ElementTree.SubElement(analyses, "COMPARISON", {"ID": f"CMP-{number:03}", "NO": str(number)})
        label = dict(zip(keys, names, strict=True))
        ElementTree.SubElement(comparison, "NAME").text = _text(label.get("comparison") or label.get("comparator") or "Comparison")
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
        raise InputError(f"row {frame.index[absent[0]]!r} has no complete set of figures for RevMan (needed: {wanted})")
    return kinds


def _outcomes(
    comparison: ElementTree.Element, frame: pd.DataFrame, kinds: pd.Series, comparator: str, identity: Mapping[str, str]
) -> None:
    names = frame["outcome"] if "outcome" in frame else pd.Series("Outcome", frame.index)
    measures = frame["measure"] if "measure" in frame else frame.get("effect", pd.Series(None, frame.index, dtype=object))
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
            ElementTree.SubElement(parent, f"{kind}_DATA", {"STUDY_ID": identity[str(row["study"])], "ESTIMABLE": "YES", **figures})


def _texts(frame: pd.DataFrame, column: str) -> pd.Series:
    """Return a column of words, empty where there are none."""
    words = frame[column] if column in frame else pd.Series(None, frame.index, dtype=object)
    return words.astype(object).where(words.notna(), "").astype(str)


def _part(element: ElementTree.Element, kind: str, name: str, parts: dict[str, ElementTree.Element]) -> ElementTree.Element:
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
