"""Reading evidence tables from a folder into one checked, immutable object."""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

import pandas as pd

from acuevidence.errors import EvidenceError, InputError
from acuevidence.evidence import schema
from acuevidence.evidence.rules import Rules, load_rules

__all__ = ["Evidence", "conditions", "data_folder", "load_evidence"]

_REQUIRED = ("trials", "arms")


@dataclass(frozen=True, slots=True)
class Evidence:
    """Checked evidence tables: what was printed, and where.

    Attributes
    ----------
    trials, arms, results, contrasts, directions, quality, design, indirect, safety, reference_syntheses, thresholds : DataFrame
        The tables; the codebook (``docs/codebook.md``) and ``data/datapackage.json`` describe every column.
        Signs are as printed. Treat the tables as read-only and work on copies.
    ipd : dict of str to DataFrame
        Individual patient data by name, as in the folder ``ipd``; each with its own source and licence.
    rules : Rules
        How one figure per trial and comparator is picked (``selection.yaml``).
    folder : str
        Where the tables were read.
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
    ipd: Mapping[str, pd.DataFrame] = field(default_factory=dict)

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
        order = [c for c in self.rules.conditions if c in frame.index]
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
        head = f"{len(self.trials)} trials of acupuncture, {rows} rows in {len(self.tables())} tables."
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


def load_evidence(folder: str | Path | None = None) -> Evidence:
    """Load evidence tables and check them.

    Parameters
    ----------
    folder : path, optional
        Folder with the user's own tables in the same schema: ``trials.csv`` and ``arms.csv``, and any of the
        others, each with every column of the codebook (cells may be empty); individual patient data lie in ``ipd/``.
        ``selection.yaml`` there replaces the package's selection rules. Default: the package's evidence.

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
    if not path.is_dir():
        raise InputError(f"folder {str(path)!r} does not exist; give a folder with trials.csv and arms.csv")
    files = [f for f in (*path.iterdir(), *path.glob("ipd/*.csv")) if f.is_file()]
    stamp = tuple(sorted((str(f), f.stat().st_mtime_ns, f.stat().st_size) for f in files))
    return _load(path.resolve(), stamp)


def conditions(evidence: Evidence | None = None) -> list[str]:
    """Return the conditions of the evidence, in its own order.

    Parameters
    ----------
    evidence : Evidence, optional
        Default: the package's evidence.

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
    return [c for c in evidence.rules.conditions if c in present]


@functools.lru_cache(maxsize=4)
def _load(path: Path, stamp: tuple[Any, ...]) -> Evidence:
    descriptor = json.loads((data_folder() / "datapackage.json").read_text(encoding="utf-8"))
    tables, failures, resources = {}, list[dict[str, Any]](), []
    patients = {path / resource["path"]: resource for resource in descriptor["resources"] if "/" in resource["path"]}
    for resource in descriptor["resources"]:
        name, file = resource["name"], path / resource["path"]
        if file in patients:
            continue
        resources.append(resource)
        if not file.exists():
            if name in _REQUIRED:
                raise InputError(f"{str(path)!r} has no {resource['path']}; every evidence folder needs one")
            tables[name] = schema.empty_table(resource)
            continue
        tables[name], wrong = schema.read_cells(_read(file), resource)
        failures += wrong
    described = {file.stem: (file, resource) for file, resource in patients.items() if file.exists()}
    ipd = {}
    for file in sorted(path.glob("ipd/*.csv")):
        known = described.get(file.stem)
        ipd[file.stem], wrong = schema.read_cells(_read(file), known[1]) if known else (pd.read_csv(file), [])
        failures += wrong
    parts = [schema.failure_frame(failures), schema.check_tables(tables, resources)]
    parts += [schema.check_cells(ipd[name], resource) for name, (_, resource) in described.items()]
    found = pd.concat([part for part in parts if len(part)] or parts[:1], ignore_index=True)
    # A cell of the wrong type was emptied when read, and a column that is not there is empty: that is not a second fault.
    if len(found):
        absent = found["table"] + "/" + found["column"].where(found["problem"] == "column is missing")
        again = found.duplicated(["table", "row", "column"]) | (found["table"] + "/" + found["column"]).isin(absent.dropna())
        found = found[~(again & (found["problem"] == "missing"))].reset_index(drop=True)
        raise EvidenceError(_message(path, found), found)
    return Evidence(**tables, rules=load_rules(path, data_folder()), folder=str(path), ipd=ipd)


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
    return f"{len(lines)} problem(s) in the tables of {path}:\n" + "\n".join(lines)
