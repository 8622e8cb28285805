"""RevMan: the XML of RevMan 5 (.rm5), and the data packages of RevMan Web and the Cochrane Library (CSV files in a zip).

Figures come over as the review's authors entered them, group 1 the experimental group; ratios of the generic inverse
variance method are on the log scale in both formats.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from acuevidence.errors import InputError
from acuevidence.evidence.carried import Excluded
from acuevidence.evidence.importers.flat import checked, numbers
from acuevidence.evidence.importers.rows import read_rows
from acuevidence.evidence.importers.sources import members, read_bytes

__all__ = ["read_revman"]

_ATTRIBUTES = {
    "MEAN_1": "mean1", "SD_1": "sd1", "TOTAL_1": "n1", "MEAN_2": "mean2", "SD_2": "sd2", "TOTAL_2": "n2",
    "EVENTS_1": "events1", "EVENTS_2": "events2", "ESTIMATE": "yi", "SE": "se", "O_E": "o_e", "VAR": "variance",
}  # fmt: skip
_COLUMNS = {
    "Experimental mean": "mean1", "Experimental SD": "sd1", "Experimental N": "n1", "Control mean": "mean2",
    "Control SD": "sd2", "Control N": "n2", "Experimental cases": "events1", "Control cases": "events2", "GIV Mean": "yi",
    "GIV SE": "se", "O-E": "o_e", "Variance": "variance",
}  # fmt: skip
_KINDS = ("CONT", "DICH", "IV", "IPD")
_YEAR = re.compile(r"\b(1[89]\d\d|20\d\d)\b")


def read_revman(path: str | Path) -> pd.DataFrame:
    r"""Read the trials of a Cochrane review from RevMan.

    Parameters
    ----------
    path : path
        A RevMan 5 file (``.rm5``), a data package of RevMan Web or the Cochrane Library (``.zip``), or the
        ``...-data-rows.csv`` of one.

    Returns
    -------
    DataFrame
        One row a trial, outcome and subgroup: ``study, comparison, comparator, outcome, subgroup, measure, treatment,
        year`` and the figures of its kind: ``mean1 sd1 n1 mean2 sd2 n2``, ``events1 n1 events2 n2``, or ``yi se``
        (log scale for ratios); group 1 is the experimental group. Signs are as entered. ``attrs["excluded"]`` lists rows
        without participants, with the reason.

    Raises
    ------
    InputError
        For a file that is neither, is larger than 64 MB (packed or not), declares entities, has paths that leave the
        archive, or holds figures no trial can have; it names the row and column.

    Notes
    -----
    Observed minus expected events become ``yi = (O - E) / V`` and ``se = 1 / sqrt(V)`` (Yusuf et al 1985). Where a review
    analyses the absence of an event (RevMan's swap), the counts are those of the absence.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> import acuevidence as ae
    >>> file = pathlib.Path(tempfile.mkdtemp(), "CD000000-data-rows.csv")
    >>> head = "Analysis group,Analysis number,Study,Experimental cases,Experimental N,Control cases,Control N"
    >>> _ = file.write_text(head + "\n1,1,A 2001,12,40,7,41\n")
    >>> trials = ae.read_revman(file)
    >>> trials[["study", "year", "events1", "n1", "events2", "n2"]].values.tolist()
    [['A 2001', 2001.0, 12.0, 40.0, 7.0, 41.0]]
    """
    data, name = read_bytes(path), Path(path).name
    if data[:4] == b"PK\x03\x04" or data[:4] == b"PK\x05\x06":
        return _flat(*_from_package(data, name), name)
    if data.lstrip(b"\xef\xbb\xbf \r\n\t")[:1] == b"<" or name.lower().endswith(".rm5"):
        return _flat(*_from_xml(data, name), name)
    raw = read_rows(data, name)
    return _flat(*_from_data_rows(raw, pd.DataFrame(), name), name)


def _flat(table: pd.DataFrame, lines: pd.Index, source: str) -> pd.DataFrame:
    """Bring rows as RevMan names them to the flat table."""
    if table.empty:
        raise InputError(f"{source} has no analysis with trials")
    figures = {c: numbers(table[c], c, lines, source) for c in dict.fromkeys(_COLUMNS.values()) if c in table}
    table = table.assign(**figures)
    if "o_e" in table:
        given = table["o_e"].notna() & table["variance"].notna()
        table.loc[given, "yi"] = table["o_e"][given] / table["variance"].where(table["variance"] > 0)[given]
        table.loc[given, "se"] = 1 / np.sqrt(table["variance"].where(table["variance"] > 0)[given])
    table = _swapped(table).drop(columns=["o_e", "variance", "swapped"], errors="ignore")
    printed = table["study"].astype(str).str.extract(_YEAR)[0]
    table["year"] = pd.Series(
        numbers(table["year"].where(table["year"] != "", printed), "year", lines, source), table.index
    )
    figures = table.reindex(columns=["n1", "n2"])
    nobody = (
        (figures == 0).any(axis=1) | table.reindex(columns=["mean1", "events1", "yi"]).isna().all(axis=1)
    ).to_numpy()
    left = table.loc[nobody, [c for c in ("study", "comparison", "outcome", "subgroup") if c in table]]
    found = checked(_unset_zero_se(table)[~nobody], lines[~nobody], source)
    found.attrs["excluded"] = Excluded(left.assign(reason="no figures entered").reset_index(drop=True))
    return found


def _unset_zero_se(table: pd.DataFrame) -> pd.DataFrame:
    """RevMan writes 0 and 0 where the generic method is not used."""
    if "se" not in table:
        return table
    unused = (table["se"] == 0) & (table["yi"] == 0)
    return table.assign(yi=table["yi"].mask(unused), se=table["se"].mask(unused))


def _swapped(table: pd.DataFrame) -> pd.DataFrame:
    if "swapped" not in table or "events1" not in table:
        return table
    for side in "12":
        other = table[f"n{side}"] - table[f"events{side}"]
        table[f"events{side}"] = table[f"events{side}"].where(~table["swapped"].astype(bool), other)
    return table


# --- RevMan 5 ----------------------------------------------------------------------------------------------------


def _from_xml(data: bytes, source: str) -> tuple[pd.DataFrame, pd.Index]:
    from xml.etree.ElementTree import ParseError

    from defusedxml.common import DefusedXmlException
    from defusedxml.ElementTree import fromstring

    try:
        root = fromstring(data, forbid_dtd=True)
    except DefusedXmlException as error:
        raise InputError(
            f"{source} declares entities or a document type, which a RevMan file never does: {error}"
        ) from error
    except (ParseError, ValueError, LookupError) as error:
        raise InputError(f"{source} is not a RevMan 5 file: {error}") from error
    if root.tag != "COCHRANE_REVIEW":
        raise InputError(f"{source} is not a RevMan 5 file: its root is {root.tag!r}, not 'COCHRANE_REVIEW'")
    studies = {study.get("ID"): study for study in root.iter("STUDY")}
    rows = list(_xml_rows(root, studies, source))
    return pd.DataFrame(rows), pd.RangeIndex(1, len(rows) + 1)


def _xml_rows(root: Any, studies: dict[Any, Any], source: str) -> Iterator[dict[str, Any]]:
    for comparison in root.iter("COMPARISON"):
        for outcome in comparison:
            kind = outcome.tag.removesuffix("_OUTCOME")
            if kind not in _KINDS:
                continue
            shared = {
                "comparison": _name(comparison), "outcome": _name(outcome), "measure": outcome.get("EFFECT_MEASURE"),
                "treatment": outcome.get("GROUP_LABEL_1"), "comparator": outcome.get("GROUP_LABEL_2"),
                "swapped": outcome.get("SWAP_EVENTS") == "YES",
            }  # fmt: skip
            parts = [(None, outcome), *((_name(group), group) for group in outcome.iter(f"{kind}_SUBGROUP"))]
            for subgroup, part in parts:
                for entry in part.findall(f"{kind}_DATA"):
                    study = studies.get(entry.get("STUDY_ID"))
                    if study is None:
                        raise InputError(
                            f"{source}: outcome {shared['outcome']!r} refers to a study {entry.get('STUDY_ID')!r} "
                            "that the file does not list"
                        )
                    figures = {
                        ours: entry.get(theirs) for theirs, ours in _ATTRIBUTES.items() if theirs in entry.attrib
                    }
                    if kind == "IV":
                        figures = {k: v for k, v in figures.items() if k in ("yi", "se", "n1", "n2")}
                        figures = {k: v for k, v in figures.items() if not (k in ("n1", "n2") and v == "0")}
                    yield {
                        "study": study.get("NAME"),
                        "year": study.get("YEAR") or "",
                        **shared,
                        "subgroup": subgroup,
                        **figures,
                    }


def _name(element: Any) -> str:
    found = element.find("NAME")
    return "" if found is None else "".join(found.itertext()).strip()


# --- RevMan Web --------------------------------------------------------------------------------------------------


def _from_package(data: bytes, source: str) -> tuple[pd.DataFrame, pd.Index]:
    files = {"data-rows": pd.DataFrame(), "overall-estimates-and-settings": pd.DataFrame()}
    for name, content in members(data, source):
        for kind in files:
            if name.endswith(f"{kind}.csv"):
                files[kind] = read_rows(content, f"{source}/{name}")
    if files["data-rows"].empty:
        raise InputError(
            f"{source} holds no '...-data-rows.csv' with trials; give the data package as RevMan exports it"
        )
    return _from_data_rows(files["data-rows"], files["overall-estimates-and-settings"], source)


def _from_data_rows(raw: pd.DataFrame, settings: pd.DataFrame, source: str) -> tuple[pd.DataFrame, pd.Index]:
    absent = [c for c in ("Analysis group", "Analysis number", "Study") if c not in raw]
    if absent:
        raise InputError(f"{source} is not RevMan's data: no column {', '.join(map(repr, absent))}; try read_table")
    key = ["Analysis group", "Analysis number"]
    ours = _COLUMNS | {"Study": "study", "Study year": "year", "Subgroup": "subgroup"}
    table = raw[[c for c in ours if c in raw]].rename(columns=ours)  # a stranger's own "n1" must not stand beside ours
    table["outcome"] = raw["Analysis name"] if "Analysis name" in raw else raw["Analysis number"]
    table["comparison"] = raw["Analysis group"]
    if not settings.empty and set(key) <= set(settings.columns):
        one = settings.drop_duplicates(key).set_index(key)
        own = pd.MultiIndex.from_frame(raw[key])
        names = {"Analysis group name": "comparison", "Effect measure": "measure", "Experimental group label": "treatment",
                 "Control group label": "comparator", "Swap event and non-event": "swapped"}  # fmt: skip
        for theirs, column in names.items():
            if theirs in one:
                table[column] = one[theirs].reindex(own).to_numpy()
        if "swapped" in table:
            table["swapped"] = table["swapped"].astype(str).str.upper().isin(("TRUE", "YES"))
    wanted = ["study", "year", "comparison", "outcome", "measure", "treatment", "comparator", "swapped", "subgroup"]
    table = table.assign(year=table.get("year", "")).replace({"subgroup": {"": None}})
    return table[[c for c in (*wanted, *dict.fromkeys(_COLUMNS.values())) if c in table]], raw.index
