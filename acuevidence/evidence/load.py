"""Reading evidence tables from a folder into one checked, immutable object."""

from __future__ import annotations

import functools
import json
from collections import namedtuple
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

import pandas as pd

from acuevidence.arguments import guard
from acuevidence.errors import EvidenceError, InputError
from acuevidence.evidence import schema
from acuevidence.evidence.rules import Rules, load_rules
from acuevidence.shapes import shaped
from acuevidence.topic import NEUTRAL, Topic, load_topic, read_yaml

__all__ = ["Evidence", "conditions", "data_folder", "default_folder", "load_beside", "load_evidence"]

_REQUIRED = ("trials", "arms")
_FIGURES = ("results", "contrasts")


@dataclass(frozen=True, slots=True, eq=False)
class Evidence:
    """Checked evidence tables: what was printed, and where.

    Attributes
    ----------
    trials, arms, results, contrasts, directions, quality, design, indirect, safety, reference_syntheses, thresholds : DataFrame
        The tables; the codebook (``docs/codebook.md``) and ``data/datapackage.json`` describe every column.
        Signs are as printed. Each access hands out a copy; what is done to it does not change the evidence.
    rules : Rules
        How one figure per trial and comparator is picked (``selection.yaml``).
    folder : str
        Where the tables were read.
    topic : Topic
        What the review is about, in words (``topic.yaml``).
    appraisal, claims : dict
        Rules of appraisal (``appraisal.yaml``), and the claims with how they are answered (``claims.yaml``).
    ipd : dict of str to DataFrame
        Individual patient data by name, as in the folder ``ipd``; each with its own source and licence.
    version : str
        Version of the tables, as ``datapackage.json`` gives it; empty where it gives none.
    """

    trials: pd.DataFrame
    arms: pd.DataFrame
    results: pd.DataFrame
    contrasts: pd.DataFrame
    directions: pd.DataFrame
    quality: pd.DataFrame
    design: pd.DataFrame
    indirect: pd.DataFrame
    safety: pd.DataFrame
    reference_syntheses: pd.DataFrame
    thresholds: pd.DataFrame
    rules: Rules
    folder: str
    topic: Topic = NEUTRAL
    appraisal: Mapping[str, Any] = field(default_factory=dict)
    claims: Mapping[str, Any] = field(default_factory=dict)
    ipd: Mapping[str, pd.DataFrame] = field(default_factory=dict)
    version: str = ""
    _rows: dict[str, Mapping[tuple[str, str], Sequence[Any]]] = field(default_factory=dict, init=False, repr=False)

    def __getattribute__(self, name: str) -> Any:
        found = object.__getattribute__(self, name)
        return found.copy(deep=False) if isinstance(found, pd.DataFrame) else found

    def __copy__(self) -> Evidence:
        return self

    def __deepcopy__(self, memo: object) -> Evidence:
        return self  # a table of effects carries it, and pandas copies what a table carries in almost every step

    def tables(self) -> dict[str, pd.DataFrame]:
        """Return the tables by name.

        Returns
        -------
        dict of str to DataFrame
            Name and table, in the order of the codebook.

        Examples
        --------
        >>> import acuevidence as ae
        >>> list(ae.load_evidence().tables())[:3]
        ['trials', 'arms', 'results']
        """
        found = {one.name: getattr(self, one.name) for one in fields(self)}
        return {name: table for name, table in found.items() if isinstance(table, pd.DataFrame)}

    def rows(self, table: str) -> Mapping[tuple[str, str], Sequence[Any]]:
        """Return the rows of a table by condition and trial, read once.

        Parameters
        ----------
        table : str
            Name of a table that has the columns ``condition`` and ``trial_id``.

        Returns
        -------
        mapping
            Named tuples with the table's columns, in the order of the table.

        Examples
        --------
        >>> import acuevidence as ae
        >>> [arm.arm for arm in ae.load_evidence().rows("arms")["low_back_pain", "leibing2002"]]
        ['acupuncture', 'sham', 'control']
        """
        if table not in self._rows:
            frame = object.__getattribute__(self, table)
            made = namedtuple("Row", list(frame.columns))  # type: ignore[misc]
            rows: dict[tuple[str, str], list[Any]] = {}
            # Column by column: going through a wide frame of mixed types by rows costs several times as much.
            row: Any
            for row in map(made._make, zip(*(frame[name].tolist() for name in frame.columns), strict=True)):
                rows.setdefault((row.condition, row.trial_id), []).append(row)
            self._rows[table] = rows
        return self._rows[table]

    def changed(self, **parts: Any) -> Evidence:
        """Return the evidence with other parts, what stays shared and not read again.

        Parameters
        ----------
        **parts
            Tables, ``rules``, ``topic``, ``appraisal`` or ``claims``.

        Returns
        -------
        Evidence
            The evidence with those parts.

        Examples
        --------
        >>> import acuevidence as ae
        >>> evidence = ae.load_evidence()
        >>> len(evidence.changed(safety=evidence.safety[:0]).safety)
        0
        """
        found = replace(self, **parts)
        tables = {name for name in parts if isinstance(parts[name], pd.DataFrame)}
        object.__setattr__(found, "_rows", {n: r for n, r in self._rows.items() if n not in tables} if tables else self._rows)
        return found

    def to_frame(self) -> pd.DataFrame:
        """Return one row a condition: trials known, randomised patients, and rows with figures.

        Returns
        -------
        DataFrame
            Counts, indexed by condition.

        Examples
        --------
        >>> import acuevidence as ae
        >>> ae.load_evidence().to_frame().index.name
        'condition'
        """
        grouped = self.trials.groupby("condition", sort=False)
        frame = pd.DataFrame({"trials": grouped.size(), "randomised": grouped["n_randomized"].sum()})
        for name in ("results", "contrasts", "directions"):
            frame[name] = self.tables()[name].groupby("condition").size()
            frame[f"trials_with_{name}"] = self.tables()[name].groupby("condition")["trial_id"].nunique()
        order = [c for c in self.topic.conditions if c in frame.index]
        return frame.loc[order].fillna(0).astype(int)

    def notes(self) -> pd.DataFrame:
        """Return what is odd in the tables but may be as printed: intervals that are not centred, figures that stand twice.

        Returns
        -------
        DataFrame
            One row an oddity: ``table, row, column, value, note``; ``row`` is the line of the file.

        Examples
        --------
        >>> import acuevidence as ae
        >>> list(ae.load_evidence().notes().columns)
        ['table', 'row', 'column', 'value', 'note']
        """
        return schema.noted(self.tables())

    def summary(self) -> str:
        """Return a sentence on what the tables hold, and a table by condition.

        Returns
        -------
        str
            As the representation prints it.

        Examples
        --------
        >>> import acuevidence as ae
        >>> ae.load_evidence().summary().splitlines()[1]
        ''
        """
        rows = sum(len(table) for table in self.tables().values())
        head = f"{len(self.trials)} trials of {self.topic.treatment.phrase}, {rows} rows in {len(self.tables())} tables."
        return f"{head}\n\n{self.to_frame().to_string()}"

    def __repr__(self) -> str:
        return self.summary()

    def _repr_html_(self) -> str:
        return f"<p>{self.summary().splitlines()[0]}</p>" + self.to_frame().to_html()


def data_folder() -> Path:
    """Return the folder of the evidence tables that come with the package (wheel or checkout)."""
    package = Path(__file__).resolve().parents[1]
    installed = package / "data"
    return installed if installed.is_dir() else package.parent / "data"


def default_folder() -> Path:
    """Return the folder of the neutral rules that hold where a folder of evidence has none of its own."""
    return Path(__file__).resolve().parents[1] / "scaffold"


def load_evidence(folder: str | Path | None = None) -> Evidence:
    """Load evidence tables and check them.

    Parameters
    ----------
    folder : path, optional
        Folder with the user's own tables: ``trials.csv``, ``arms.csv``, one of ``results.csv`` and ``contrasts.csv``, and any of
        the others, each with every column of the codebook (cells may be empty); individual patient data lie in ``ipd/``.
        ``topic.yaml`` says in words what they are about, ``selection.yaml``, ``appraisal.yaml`` and ``claims.yaml`` how they
        are used; neutral rules hold where one is not there. ``acuevidence init`` writes them all.
        Default: the package's evidence.

    Returns
    -------
    Evidence
        The tables as frozen attributes.

    Raises
    ------
    InputError
        When the folder or a required file is not there, or a file is not CSV in UTF-8.
    EvidenceError
        When any cell breaks the schema; its ``failures`` frame lists every one.

    Examples
    --------
    >>> import acuevidence as ae
    >>> evidence = ae.load_evidence()
    >>> evidence.trials.condition.nunique()
    10
    >>> evidence.ipd["vickers2004"].shape
    (401, 14)
    """
    path = data_folder() if folder is None else Path(folder)
    return _load(path.resolve(), _stamp(path))


def conditions(evidence: Evidence | None = None) -> list[str]:
    """Return the conditions of the evidence, in its own order.

    Parameters
    ----------
    evidence : Evidence, default the package's

    Returns
    -------
    list of str
        Names as in the column ``condition``.

    Examples
    --------
    >>> import acuevidence as ae
    >>> ae.conditions()[:5]
    ['low_back_pain', 'knee_osteoarthritis', 'headache', 'neck_pain', 'fibromyalgia']
    """
    evidence = load_evidence() if evidence is None else evidence
    present = set(evidence.trials["condition"])
    return [c for c in evidence.topic.conditions if c in present]


def load_beside(folder: str | Path, like: Evidence) -> Evidence:
    """Load tables to hold them beside other evidence: in the words of the other, and with what an older folder does not have empty.

    Parameters
    ----------
    folder : path
        A folder of this version of the schema or an older one; tables and columns that are not there are empty, others are not read.
    like : Evidence
        Evidence whose topic, rules of selection and appraisal, claims and thresholds are taken.

    Returns
    -------
    Evidence
        The tables of the folder under the rules of ``like``.

    Raises
    ------
    InputError
        When the folder holds no tables.
    EvidenceError
        When a cell cannot be read, or the folder is of a newer version.
    """
    path = Path(folder)
    found = _load(path.resolve(), _stamp(path), like)
    return replace(
        found, rules=like.rules, topic=like.topic, appraisal=like.appraisal, claims=like.claims, thresholds=like.thresholds
    )


def _stamp(path: Path) -> tuple[Any, ...]:
    """Return what changes with any file of a folder."""
    if not path.is_dir():
        raise InputError(f"folder {str(path)!r} does not exist; give a folder with trials.csv and arms.csv")
    files = [f for f in (*path.iterdir(), *path.glob("ipd/*.csv")) if f.is_file()]
    return tuple(sorted((str(f), f.stat().st_mtime_ns, f.stat().st_size) for f in files))


@functools.lru_cache(maxsize=8)
def _load(path: Path, stamp: tuple[Any, ...], like: Evidence | None = None) -> Evidence:
    _same_version(path, older=like is not None)
    descriptor = json.loads((data_folder() / "datapackage.json").read_text(encoding="utf-8"))
    files = {resource["name"]: path / resource["path"] for resource in descriptor["resources"] if "/" not in resource["path"]}
    read = {name: _read(file) for name, file in files.items() if file.exists()}
    for name in _REQUIRED:
        if name not in read:
            raise InputError(f"{str(path)!r} has no {name}.csv; every evidence folder needs one")
    if not set(_FIGURES) & set(read):
        raise InputError(
            f"{str(path)!r} has neither results.csv nor contrasts.csv; figures of the arms or of their differences are needed"
        )
    topic = load_topic(path)
    if topic is NEUTRAL:
        topic = _named_by(read, path) if like is None else like.topic
    descriptor = schema.with_vocabulary(descriptor, topic)
    tables, failures = {}, list[dict[str, Any]]()
    resources = [resource for resource in descriptor["resources"] if "/" not in resource["path"]]
    for resource in resources:
        name = resource["name"]
        if name not in read:
            tables[name] = schema.empty_table(resource)
            continue
        tables[name], wrong = schema.read_cells(read[name], resource)
        failures += wrong
    ipd, parts = _patients(path, descriptor)
    if like is not None:  # an older folder passed the checks of its time; here its cells must only be readable
        failures, parts = [one for one in failures if one["problem"].startswith("not a")], []
    if lacking := [one for one in failures if one["problem"] == schema.LACKING]:  # what its cells would break is no other fault
        found = schema.failure_frame(lacking)
        raise EvidenceError(_message(path, found), found)
    parts = [schema.failure_frame(failures), *([schema.check_tables(tables, resources)] if like is None else []), *parts]
    found = pd.concat([part for part in parts if len(part)] or parts[:1], ignore_index=True)
    if len(found):  # a cell of the wrong type was emptied when read: that is not a second fault
        again = found.duplicated(["table", "row", "column"])
        found = found[~(again & (found["problem"] == "missing"))].reset_index(drop=True)
        raise EvidenceError(_message(path, found), found)
    if like is not None:
        return replace(like, **tables, folder=str(path), topic=topic, ipd=ipd)
    default = default_folder()
    return Evidence(
        **tables,
        rules=load_rules(path, default, topic),
        folder=str(path),
        topic=topic,
        appraisal=_over(path, default, "appraisal.yaml"),
        claims=_over(path, default, "claims.yaml"),
        ipd=ipd,
        version=_version(path),
    )


def _version(path: Path) -> str:
    """Return the version that a folder's descriptor gives its tables."""
    file = path / "datapackage.json"
    return str(json.loads(file.read_text(encoding="utf-8")).get("version", "")) if file.exists() else ""


def _patients(path: Path, descriptor: Mapping[str, Any]) -> tuple[dict[str, pd.DataFrame], list[pd.DataFrame]]:
    """Return the individual patient data of a folder by name, and what is wrong in those that the descriptor describes."""
    described = {path / resource["path"]: resource for resource in descriptor["resources"] if "/" in resource["path"]}
    ipd, parts = {}, []
    for file in sorted(path.glob("ipd/*.csv")):
        if file not in described:
            ipd[file.stem] = pd.read_csv(file)
            continue
        ipd[file.stem], wrong = schema.read_cells(_read(file), described[file])
        parts += [schema.failure_frame(wrong), schema.check_cells(ipd[file.stem], described[file])]
    return ipd, parts


def _same_version(path: Path, *, older: bool = False) -> None:
    """Refuse tables written for another version of the schema, or for a newer one; a folder that names none is of the first."""
    file = path / "datapackage.json"
    if not file.exists():
        return
    try:
        given = json.loads(file.read_text(encoding="utf-8"))
    except ValueError as error:
        raise InputError(f"datapackage.json is not JSON in UTF-8: {error}") from error
    version, known = given.get("schema_version", 1) if isinstance(given, dict) else None, schema.SCHEMA_VERSION
    before = isinstance(version, int | float) and version < known
    if version == known or (older and before):
        return
    failure = {
        "table": "datapackage",
        "row": "",
        "column": "schema_version",
        "value": version,
        "problem": "not a known version of the tables",
        "allowed": str(known),
    }
    way = (
        "`acuevidence changes OLD NEW` reads an older folder as OLD, and `acuevidence init NEW` writes the files and columns of "
        f"version {known}, into which its rows can be copied"
        if before
        else "a newer acuevidence may read it; `acuevidence init NEW` writes a folder of the version that this one knows"
    )
    raise EvidenceError(
        f"datapackage.json of {path}: schema_version {version!r} is not known to this package (known: {known}); {way}",
        schema.failure_frame([failure]),
    )


def _named_by(read: Mapping[str, pd.DataFrame], path: Path) -> Topic:
    """Return the topic of tables without a ``topic.yaml``: their own names."""

    def cells(table: str, column: str) -> Iterable[str]:
        return read[table][column] if table in read and column in read[table] else ()

    roles = [role for role in cells("arms", "role") if role]
    if len(read["arms"]) and "treatment" not in roles:
        raise InputError(
            f"{str(path)!r} has no topic.yaml, and no arm of arms.csv has the role 'treatment'; topic.yaml says which role is "
            "what is tested, and `acuevidence init` writes one to start from"
        )
    named: dict[str, dict[str, None]] = {name: {} for name in cells("trials", "condition") if name}
    for table in _FIGURES:
        for condition, outcome in zip(cells(table, "condition"), cells(table, "outcome"), strict=False):
            if outcome:
                named.setdefault(condition, {})[outcome] = None
    return NEUTRAL.named_by(named, roles)


def _over(path: Path, default: Path, name: str) -> dict[str, Any]:
    """Return a file's entries, and the neutral ones where it has none; entries that hold entries are joined one level down."""
    known, own = read_yaml(default / name), read_yaml(path / name) if (path / name).exists() else {}
    found = dict(known)
    for key, value in own.items():
        below = known.get(key)
        if isinstance(below, dict) and value is not None and not isinstance(value, dict):
            raise InputError(f"{name}: {key} must hold entries of the form `name: value`, not {value!r}")
        found[key] = {**below, **value} if isinstance(below, dict) and value else below if value is None else value
    return shaped(name, found)


def _read(file: Path) -> pd.DataFrame:
    try:
        return pd.read_csv(file, dtype=str, keep_default_na=False, encoding="utf-8-sig")
    except (pd.errors.ParserError, pd.errors.EmptyDataError, UnicodeDecodeError) as error:
        raise InputError(f"{file.name} cannot be read as CSV in UTF-8: {error}") from error


def _message(path: Path, failures: pd.DataFrame) -> str:
    lines = [
        f"{row.table}.csv"
        + (f" line {row.row}" if row.row != "" else "")
        + f", {row.column}: {row.problem}"
        + (f" ({row.value!r})" if row.value is not None else "")
        + f"; allowed: {row.allowed}"
        for row in failures.itertuples(index=False)
    ]
    if (failures["problem"] == "column is missing").any():
        lines.append(
            "a folder of an older version can be OLD of `acuevidence changes OLD NEW`; `acuevidence init` writes every column"
        )
    return f"{len(failures)} problem(s) in the tables of {path}:\n" + "\n".join(lines)


guard(__name__, "load_evidence", "conditions")
