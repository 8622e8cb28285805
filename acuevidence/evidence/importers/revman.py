"""RevMan: the XML of RevMan 5 (.rm5), and the data packages of RevMan Web and the Cochrane Library (CSV files in a zip).

Figures come over as the review's authors entered them, group 1 the experimental group; ratios of the generic inverse
variance method are on the log scale in both formats. The data type of an analysis decides which figures count: both
programs write 0 where a column belongs to another type.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from acuevidence.errors import InputError
from acuevidence.evidence.carried import Excluded
from acuevidence.evidence.importers.files import members, read_source
from acuevidence.evidence.importers.flat_table import checked, numbers
from acuevidence.evidence.importers.rows import read_rows
from acuevidence.inputs import choice, refuse

__all__ = ["DATA_TYPES", "MEASURES", "read_revman"]

_ATTRIBUTES = {
    "MEAN_1": "mean1",
    "SD_1": "sd1",
    "TOTAL_1": "n1",
    "MEAN_2": "mean2",
    "SD_2": "sd2",
    "TOTAL_2": "n2",
    "EVENTS_1": "events1",
    "EVENTS_2": "events2",
    "ESTIMATE": "yi",
    "SE": "se",
    "O_E": "o_e",
    "VAR": "variance",
}
_COLUMNS = {
    "Experimental mean": "mean1",
    "Experimental SD": "sd1",
    "Experimental N": "n1",
    "Control mean": "mean2",
    "Control SD": "sd2",
    "Control N": "n2",
    "Experimental cases": "events1",
    "Control cases": "events2",
    "GIV Mean": "yi",
    "GIV SE": "se",
    "O-E": "o_e",
    "Variance": "variance",
}
_FIGURES = tuple(_COLUMNS.values())
_SETTINGS = {
    "Analysis group name": "comparison",
    "Effect measure": "measure",
    "Experimental group label": "treatment",
    "Control group label": "comparator",
    "Statistical method": "method",
    "Analysis model": "model",
    "Heterogeneity estimator": "estimator",
    "CI method": "interval",
}
_GROUPS = ("n1", "n2")
_NEEDED = {
    "CONT": ("mean1", "sd1", "n1", "mean2", "sd2", "n2"),
    "DICH": ("events1", "n1", "events2", "n2"),
    "IV": ("yi", "se"),
    "IPD": ("o_e", "variance"),
}
_SHOWN = {"IV": _GROUPS, "IPD": ("events1", "events2", *_GROUPS)}  # beside an estimate, for display only
_TELLING = {
    "CONT": ("mean1", "sd1", "mean2", "sd2"),
    "DICH": ("events1", "events2"),
    "IV": ("yi", "se"),
    "IPD": ("o_e", "variance"),
}
DATA_TYPES = {"CONT": "continuous", "DICH": "dichotomous", "IV": "generic inverse variance", "IPD": "O-E and variance"}
_TYPE_NAMES = {
    "continuous": "CONT",
    "dichotomous": "DICH",
    "contrast level": "IV",
    "generic inverse variance": "IV",
    "o-e and variance": "IPD",
}
MEASURES = {
    "OR": "Odds Ratio",
    "PETO_OR": "Peto Odds Ratio",
    "RR": "Risk Ratio",
    "RD": "Risk Difference",
    "MD": "Mean Difference",
    "SMD": "Std. Mean Difference",
    "HR": "Hazard Ratio",
}
_CODES = {
    **{name.casefold(): code for code, name in MEASURES.items()},
    **{code.casefold(): code for code in MEASURES},
    "standardized mean difference": "SMD",
    "standardised mean difference": "SMD",
    "peto": "PETO_OR",
}
_ANALYSIS = ("comparison", "comparator", "outcome", "subgroup", "measure", "treatment")
_METHODS = ("data_type", "method", "model", "estimator", "interval")
_RATIO = re.compile(r"\bratio\b|^(OR|RR|HR|PETO_OR)$", re.IGNORECASE)
_YEAR = re.compile(r"(?<!\d)(1[89]\d\d|20\d\d)(?!\d)")
_ZERO = re.compile(r"[-+]?0*[.,]?0*(e[-+]?\d+)?", re.IGNORECASE)
_TOTAL = re.compile(r"(sub)?totals?(\s+events)?\s*(\(.*\))?:?", re.IGNORECASE)


def read_revman(path: Any, *, encoding: str = "utf-8-sig", decimal: str = ".") -> pd.DataFrame:
    r"""Read the trials of a Cochrane review from RevMan.

    Parameters
    ----------
    path : path or open file
        A RevMan 5 file (``.rm5``), a data package of RevMan Web or the Cochrane Library (``.zip``, by itself or within the
        review's package), or the ``...-data-rows.csv`` of one.
    encoding : str
        How characters are written in the CSV files; a RevMan 5 file says so itself.
    decimal : {".", ","}
        Decimal mark in the CSV files.

    Returns
    -------
    DataFrame
        One row a trial, outcome and subgroup: ``study, comparison, comparator, outcome, subgroup, measure, treatment,
        year`` and the figures of its kind: ``mean1 sd1 n1 mean2 sd2 n2``, ``events1 n1 events2 n2``, or ``yi se``
        (log scale for ratios); group 1 is the experimental group. Signs are as entered. ``measure`` is ``OR RR RD PETO_OR MD
        SMD HR``, or what the file says. ``data_type, method, model`` and, where the file names them, ``estimator`` (of
        tau squared) and ``interval`` are the review's choices. ``attrs["excluded"]`` lists rows that are no trial or cannot
        be estimated, with their figures and the reason; ``attrs["notes"]`` says what was understood.

    Raises
    ------
    InputError
        For a file that is neither, is larger than 64 MB (packed or not), declares entities, has paths that leave the
        archive, holds figures no trial can have, or an analysis whose data type is not given and cannot be told from its
        figures; it names the row or analysis, and the column.

    Notes
    -----
    The data type of an analysis decides which figures count. Observed minus expected events become ``yi = (O - E) / V`` and
    ``se = 1 / sqrt(V)`` (Yusuf et al 1985), only where that is the data type. Where a review analyses the absence of an event
    (RevMan's swap), the counts are those of the absence. Trials without an event in either group, or with an event in everyone,
    are not estimable but for the risk difference. A year that is text gives its four digits, or those in the study's name.

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
    choice("decimal", decimal, (".", ","))
    data, name = read_source(path)
    xml = data.lstrip(b"\xef\xbb\xbf \r\n\t")[:1] == b"<" or name.lower().endswith(".rm5")
    if data[:4] == b"PK\x03\x04" or data[:4] == b"PK\x05\x06":
        (table, notes), xml = _from_package(data, name, encoding), False
    elif xml:
        table, notes = _from_xml(data, name)
    else:
        table, notes = _from_data_rows(read_rows(data, name, encoding=encoding), pd.DataFrame(), name)
    if table.empty:
        raise InputError(f"{name} has no analysis with trials")
    return _flat(table, notes, _ATTRIBUTES if xml else _COLUMNS, name, decimal)


def _flat(table: pd.DataFrame, notes: list[str], heads: dict[str, str], source: str, decimal: str) -> pd.DataFrame:
    """Bring rows as RevMan names them to the flat table; the index holds what a message calls each row."""
    where, lines = table.index, table["line"]
    table = table.reset_index(drop=True)
    table = _only_their_kind(table.assign(data_kind=_kinds(table, source)))
    for theirs, ours in heads.items():
        if ours in table:
            table[ours] = numbers(table[ours], theirs, where, source, decimal=decimal)
    table = _measures(table.reindex(columns=[*dict.fromkeys((*table.columns, *_FIGURES))]))
    refuse((table["variance"] < 0).to_numpy(), f"{source}: variance must not be negative", table["variance"], where)
    table = _estimates(_swapped(table, notes))
    year = _years(table, notes)
    reason = _reasons(table)
    table = table.assign(year=year, data_type=table["data_kind"].map(DATA_TYPES))
    figures = [c for c in _FIGURES if c not in ("o_e", "variance")]
    words = table.reindex(columns=["study", *_ANALYSIS, *_METHODS]).astype(object)
    table = pd.concat([words.where(words.notna(), None), table[["year", *figures]]], axis=1)
    table = table[["study", "year", *_ANALYSIS, *figures, *_METHODS]]
    kept = (reason == "").to_numpy()
    if not kept.any():
        raise InputError(f"{source} has no row that can be analysed; the first, {where.tolist()[0]!r}: {reason.iloc[0]}")
    left = table[~kept].assign(reason=reason[~kept])
    held = table[kept].dropna(axis=1, how="all")
    found = checked(held, where[kept], source).set_axis(pd.Index(lines.to_numpy()[kept]))
    shown = [c for c in left if c in ("study", "comparison", "outcome", "subgroup", "reason") or left[c].notna().any()]
    found.attrs["excluded"] = Excluded(left[shown].reset_index(drop=True))
    found.attrs["notes"] = tuple(dict.fromkeys(notes))
    return found


# --- which figures count -----------------------------------------------------------------------------------------


def _kinds(table: pd.DataFrame, source: str) -> pd.Series:
    """Return the kind of data of each row; where its analysis does not say, the one kind whose figures are not all 0."""
    kinds = table["kind"].copy()
    used = {}
    for kind, columns in _TELLING.items():
        cells = table.reindex(columns=list(columns)).astype(object)
        used[kind] = cells.map(lambda cell: not pd.isna(cell) and not _ZERO.fullmatch(str(cell).strip())).any(axis=1)
    for analysis, rows in table[kinds.isna()].groupby("analysis", sort=False).groups.items():
        there = [kind for kind in _TELLING if used[kind][rows].any()]
        if len(there) > 1:
            raise InputError(
                f"{source}: analysis {analysis} ({table['outcome'][rows[0]]}) does not say its data type, and columns of "
                f"{' and '.join(DATA_TYPES[kind] for kind in there)} data hold figures; which count? Give the whole data "
                "package, or empty the columns that do not"
            )
        kinds[rows] = there[0] if there else None
    return kinds


def _only_their_kind(table: pd.DataFrame) -> pd.DataFrame:
    """Empty the cells of other data types, where RevMan writes 0."""
    for column in _FIGURES:
        if column in table:
            theirs = [kind for kind in _NEEDED if column in (*_NEEDED[kind], *_SHOWN.get(kind, ()))]
            table[column] = table[column].where(table["data_kind"].isin(theirs), None)
    return table


def _measures(table: pd.DataFrame) -> pd.DataFrame:
    """Name measures by their codes; a ratio of non-events is a ratio with the events swapped."""
    printed = table["measure"].map(lambda name: name.strip() if isinstance(name, str) else "")
    plain = printed.str.replace(r"\s*\(non-event\)$", "", case=False, regex=True)
    counts = table["data_kind"] == "DICH"
    named = plain.where(counts, printed)
    code = named.str.casefold().map(_CODES).fillna(named)
    return table.assign(
        measure=code.where(code != "", None).astype(object), swapped=(table["swapped"] | (plain != printed)) & counts
    )


def _swapped(table: pd.DataFrame, notes: list[str]) -> pd.DataFrame:
    turned = table["swapped"].astype(bool)
    for side in "12":
        other = table[f"n{side}"] - table[f"events{side}"]
        table[f"events{side}"] = table[f"events{side}"].where(~turned, other)
    notes += [
        f"{outcome}: the review analyses the absence of the event; events are participants without it"
        for outcome in table.loc[turned, "outcome"].unique()
    ]
    return table


def _estimates(table: pd.DataFrame) -> pd.DataFrame:
    """Give observed minus expected events their effect, and empty groups of 0 that are there for display."""
    variance = table["variance"].where(table["variance"] > 0)
    given = table["o_e"].notna() & variance.notna()
    table = table.assign(yi=table["yi"].where(~given, table["o_e"] / variance), se=table["se"].where(~given, 1 / np.sqrt(variance)))
    shown = table["data_kind"].isin(_SHOWN)
    for side in "12":
        nobody = shown & ~(table[f"n{side}"] > 0)
        table[f"n{side}"] = table[f"n{side}"].mask(nobody)
        table[f"events{side}"] = table[f"events{side}"].mask(nobody)
    return table


def _reasons(table: pd.DataFrame) -> pd.Series:
    """Return for each row why it is no trial that can be estimated, or nothing."""
    reason = np.full(len(table), "", dtype=object)
    kind, cells = table["data_kind"].to_numpy(dtype=object), {c: table[c].to_numpy(dtype=float) for c in _FIGURES}

    def say(rows: np.ndarray, why: str) -> None:
        reason[rows & (reason == "")] = why

    say(np.array([bool(_TOTAL.fullmatch(str(name).strip())) for name in table["study"]]), "a total, not a trial")
    say(table["data_kind"].isna().to_numpy(), "no figures entered")
    for one, needed in _NEEDED.items():
        here = kind == one
        figures = np.array([cells[column] for column in needed])
        say(here & (np.isnan(figures) | (figures == 0)).all(axis=0), "no figures entered")
        if one in ("CONT", "DICH"):
            say(here & ((cells["n1"] == 0) | (cells["n2"] == 0)), "no participants in a group")
        for column in needed:
            say(here & np.isnan(cells[column]), f"{column} is not entered")
    for column in ("sd1", "sd2", "se"):
        say(cells[column] == 0, f"{column} is 0 or was not entered")
    say(cells["variance"] == 0, "the variance of O - E is 0 or was not entered")
    relative = (kind == "DICH") & (table["measure"] != "RD").to_numpy()
    none = (cells["events1"] == 0) & (cells["events2"] == 0)
    everyone = (cells["events1"] == cells["n1"]) & (cells["events2"] == cells["n2"])
    say(relative & none, "no event in either group")
    say(relative & everyone, "an event in everyone of both groups")
    say(
        table["off_log"].to_numpy(dtype=bool),
        "a ratio that was not entered as a logarithm; give its logarithm and the standard error of that",
    )
    say(~table["estimable"].to_numpy(dtype=bool), "marked as not estimable in the file")
    return pd.Series(reason, table.index)


def _years(table: pd.DataFrame, notes: list[str]) -> pd.Series:
    """Return years as numbers: the cell's four digits, or those in the study's name."""
    found = []
    for study, cell in zip(table["study"].astype(str), table["year"], strict=True):
        text = "" if cell is None or pd.isna(cell) else str(cell).strip()
        own, named = set(_YEAR.findall(text)), _YEAR.findall(study)
        year = own.pop() if len(own) == 1 else named[0] if named else None
        if text and text.removesuffix(".0") != year:
            source = "" if year is None or year in text else ", from the study's name"
            notes.append(f"{study}: year {text!r} {f'is read as {year}{source}' if year else 'is left empty'}")
        found.append(np.nan if year is None else float(year))
    return pd.Series(found, table.index, dtype=float)


# --- RevMan 5 ----------------------------------------------------------------------------------------------------


def _from_xml(data: bytes, source: str) -> tuple[pd.DataFrame, list[str]]:
    from xml.etree.ElementTree import ParseError

    from defusedxml.common import DefusedXmlException
    from defusedxml.ElementTree import fromstring

    try:
        root = fromstring(data, forbid_dtd=True)
    except DefusedXmlException as error:
        raise InputError(f"{source} declares entities or a document type, which a RevMan file never does: {error}") from error
    except (ParseError, ValueError, LookupError) as error:
        raise InputError(f"{source} is not a RevMan 5 file: {error}") from error
    for element in root.iter():
        if isinstance(element.tag, str):
            element.tag = element.tag.rpartition("}")[2]
    if root.tag != "COCHRANE_REVIEW":
        raise InputError(f"{source} is not a RevMan 5 file: its root is {root.tag!r}, not 'COCHRANE_REVIEW'")
    studies = {study.get("ID"): study for study in root.iter("STUDY")}
    notes: list[str] = []
    rows = list(_xml_rows(root, studies, notes, source))
    if not rows:
        return pd.DataFrame(), notes
    where = [f"{row['analysis']}, {row['study']}" for row in rows]
    table = pd.DataFrame(rows, index=pd.Index(where, dtype=object)).assign(line=range(1, len(rows) + 1))
    return table, notes


def _xml_rows(root: Any, studies: dict[Any, Any], notes: list[str], source: str) -> Iterator[dict[str, Any]]:
    for place, comparison in enumerate(root.iter("COMPARISON"), start=1):
        for outcome in comparison:
            kind, part, _ = str(outcome.tag).partition("_OUTCOME")
            if not part:
                continue
            name = _given(outcome, "NAME") or ""
            if kind not in _NEEDED:
                notes.append(f"{name}: data of kind {kind} hold no figures to pool; left out")
                continue
            if (totals := _given(outcome, "TOTALS")) in ("NO", "SUB"):
                notes.append(f"{name}: the review gives {'no total' if totals == 'NO' else 'totals of subgroups only'}")
            number = [_given(comparison, "NO") or str(place), _given(outcome, "NO") or _given(outcome, "ID") or name]
            method = _given(outcome, "METHOD") or ("IV" if kind in ("CONT", "IV") else None)
            shared = {
                "kind": kind,
                "analysis": ".".join(filter(None, number)),
                "comparison": _given(comparison, "NAME") or "",
                "outcome": name,
                "measure": _given(outcome, "EFFECT_MEASURE"),
                "treatment": _given(outcome, "GROUP_LABEL_1"),
                "comparator": _given(outcome, "GROUP_LABEL_2"),
                "method": method,
                "model": {"YES": "random", "NO": "fixed"}.get(_given(outcome, "RANDOM") or ""),
                "swapped": _given(outcome, "SWAP_EVENTS") == "YES",
            }
            parts = [(None, outcome), *((_given(one, "NAME"), one) for one in outcome.iter(f"{kind}_SUBGROUP"))]
            for subgroup, part in parts:
                for entry in part.findall(f"{kind}_DATA"):
                    study = studies.get(_given(entry, "STUDY_ID"))
                    if study is None:
                        raise InputError(
                            f"{source}: outcome {name!r} refers to a study {_given(entry, 'STUDY_ID')!r} "
                            "that the file does not list"
                        )
                    figures = {ours: _given(entry, theirs) for theirs, ours in _ATTRIBUTES.items()}
                    yield {
                        "study": _given(study, "NAME"),
                        "year": _given(study, "YEAR"),
                        **shared,
                        "subgroup": subgroup,
                        "estimable": _given(entry, "ESTIMABLE") != "NO",
                        "off_log": kind == "IV" and _off_log(shared["measure"], entry),
                        **figures,
                    }


def _given(element: Any, name: str) -> str | None:
    """Return what an attribute or a child element says; RevMan writes labels as either."""
    if (written := element.get(name)) is None and (child := element.find(name)) is not None:
        written = "".join(child.itertext())
    return (written or "").strip() or None


def _off_log(measure: Any, entry: Any) -> bool:
    """Whether a ratio is displayed as it was entered: then it was not entered as a logarithm."""
    if not _RATIO.search(str(measure)):
        return False
    entered, displayed = (_number(_given(entry, name)) for name in ("ESTIMATE", "EFFECT_SIZE"))
    return abs(displayed - entered) <= 1e-6 * abs(entered)


def _number(text: str | None) -> float:
    try:
        return float(text or "nan")
    except ValueError:
        return np.nan


# --- RevMan Web --------------------------------------------------------------------------------------------------


def _from_package(data: bytes, source: str, encoding: str) -> tuple[pd.DataFrame, list[str]]:
    found: dict[str, tuple[str, bytes]] = {}
    for name, content in members(data, source):
        path = name.replace("\\", "/").casefold()
        if path.startswith("__macosx/") or path.rpartition("/")[2].startswith("."):
            continue
        for kind in ("data-rows", "overall-estimates-and-settings"):
            if not path.endswith(f"{kind}.csv"):
                continue
            if kind in found and found[kind][1] != content:
                raise InputError(
                    f"{source} holds two reviews, {found[kind][0]!r} and {name!r}; which one? Give its data package alone"
                )
            found[kind] = (name, content)
    files = {kind: read_rows(content, f"{source}/{name}", encoding=encoding) for kind, (name, content) in found.items()}
    if files.get("data-rows", pd.DataFrame()).empty:
        raise InputError(f"{source} holds no '...-data-rows.csv' with trials; give the data package as RevMan exports it")
    return _from_data_rows(files["data-rows"], files.get("overall-estimates-and-settings", pd.DataFrame()), source)


def _from_data_rows(raw: pd.DataFrame, settings: pd.DataFrame, source: str) -> tuple[pd.DataFrame, list[str]]:
    key = ["Analysis group", "Analysis number"]
    absent = [c for c in (*key, "Study") if c not in raw]
    if absent:
        raise InputError(f"{source} is not RevMan's data: no column {', '.join(map(repr, absent))}; try read_trials")
    ours = _COLUMNS | {"Study": "study", "Study year": "year", "Subgroup": "subgroup"}
    table = raw[[c for c in ours if c in raw]].rename(columns=ours)  # a stranger's own "n1" must not stand beside ours
    own = _numbered(raw, key)
    table["outcome"] = raw["Analysis name"] if "Analysis name" in raw else raw["Analysis number"]
    table["comparison"] = raw["Analysis group"]
    table["analysis"] = [".".join(pair) for pair in own]
    one = pd.DataFrame(index=own)
    if not settings.empty and set(key) <= set(settings.columns):
        one = settings.set_axis(_numbered(settings, key))
        twice = one.index.duplicated() & ~settings.duplicated().to_numpy()
        refuse(twice, f"{source}: the settings hold an analysis twice; which counts?", list(one.index), settings.index)
        one = one[~one.index.duplicated()].reindex(own)
    for theirs, column in _SETTINGS.items():
        if theirs in one:
            table[column] = one[theirs].map(lambda cell: cell.strip() if isinstance(cell, str) else "").to_numpy()
            if column == "comparison":
                table[column] = table[column].where(table[column] != "", raw["Analysis group"])
    setting = {
        name: (one[name].map(lambda cell: str(cell).strip().casefold()) if name in one else pd.Series("", own)).to_numpy()
        for name in ("Data type", "Swap event and non-event", "Log-scale data", "Overall estimates")
    }
    measure = table["measure"] if "measure" in table else pd.Series("", table.index)
    ratio = measure.map(lambda name: bool(_RATIO.search(name))).to_numpy()
    kind = pd.Series(setting["Data type"], table.index, dtype=object).map(_TYPE_NAMES)
    model = table["model"].str.casefold().str.extract("^(fixed|random)")[0] if "model" in table else None
    table = table.assign(
        kind=kind.astype(object).where(kind.notna(), None),
        swapped=np.isin(setting["Swap event and non-event"], ("true", "yes")),
        off_log=np.isin(setting["Log-scale data"], ("false", "no")) & ratio & (kind == "IV").to_numpy(),
        estimable=True,
        model=model,
        line=raw.index,
    )
    unpooled = np.isin(setting["Overall estimates"], ("false", "no"))
    notes = [f"{outcome}: the review gives no total" for outcome in table.loc[unpooled, "outcome"].unique()]
    for column in ("year", "subgroup", "measure", "treatment", "comparator", "method", "estimator", "interval"):
        given = table[column].astype(object) if column in table else pd.Series(None, table.index, dtype=object)
        table[column] = given.where(given.notna() & ~given.isin(("", "#N/A")), None)
    return table, notes


def _numbered(table: pd.DataFrame, key: list[str]) -> pd.Index:
    """Return the numbers of each row's analysis, as text: a spreadsheet may have made 1 into 1.0."""
    cells = table[key].map(lambda cell: str(cell).strip().removesuffix(".0"))
    return pd.Index(list(cells.itertuples(index=False, name=None)), tupleize_cols=False)
