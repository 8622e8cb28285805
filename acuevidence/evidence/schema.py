"""What a valid evidence table is: the Frictionless descriptor turned into pandera schemas, and the checks between tables.

``datapackage.json`` is the only statement of types, ranges, vocabularies and keys. This module knows nothing
of where files lie or of what the figures mean for a synthesis.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Any

import numpy as np
import pandas as pd

from acuevidence.errors import InputError
from acuevidence.topic import Column, Topic

__all__ = ["LACKING", "SCHEMA_VERSION", "check_cells", "check_tables", "empty_table", "noted", "read_cells", "with_vocabulary"]

LACKING = "column is missing"
SCHEMA_VERSION = 1

_FAILURE_COLUMNS = ["table", "row", "column", "value", "problem", "allowed"]
_EXACT = 2**53  # whole numbers beyond it are not exact as floats
_NUMERIC = {"number": "float64", "integer": "Int64"}
# Within one row, each of these must not exceed the next where both are given.
_ORDERED = {
    "results": [
        ("events", "n"),
        ("ci_low", "mean"),
        ("mean", "ci_high"),
        ("ci_low", "ci_high"),
        ("scale_min", "scale_max"),
        ("minimum", "q1"),
        ("minimum", "median"),
        ("q1", "median"),
        ("median", "q3"),
        ("median", "maximum"),
        ("q3", "maximum"),
    ],
    "contrasts": [("ci_low", "estimate"), ("estimate", "ci_high"), ("ci_low", "ci_high"), ("scale_min", "scale_max")],
    "reference_syntheses": [("ci_low", "estimate"), ("estimate", "ci_high"), ("ci_low", "ci_high")],
}
# Cells that must stand in another table where they are given; what the descriptor's own keys cannot say.
_WHERE_GIVEN = [("design", ["trial_id", "arm"], "arms")]
# Rows that agree in these are one figure, printed on one page.
_ONE_FIGURE = {
    "results": ["trial_id", "arm", "outcome", "measure", "week", "timing", "statistic", "source_url", "locator"],
    "contrasts": [
        "trial_id",
        "arm",
        "comparator_arm",
        "outcome",
        "measure",
        "week",
        "timing",
        "effect_type",
        "source_url",
        "locator",
    ],
    "design": ["trial_id", "arm", "field"],
    "quality": ["trial_id", "tool", "domain", "source_url"],
}
_SPELLED_ONCE = {"trials": ["trial_id"], "arms": ["trial_id", "arm"]}
# Columns whose allowed values are words of the topic, by what the topic calls them; published syntheses use wider words.
_WORDS = {name: name for name in ("condition", "outcome", "role", "comparator", "favours", "event", "responder")}
_PUBLISHED = {name: f"published_{name}" for name in ("condition", "comparator", "favours")}


def with_vocabulary(descriptor: dict[str, Any], topic: Topic) -> dict[str, Any]:
    """Return the descriptor of tables on a topic: its words as allowed values, and its own columns.

    Parameters
    ----------
    descriptor : dict
        The Frictionless data package descriptor; ``topic_columns`` names, by table, the columns that belong to its own topic.
    topic : Topic
        What the tables are about.

    Returns
    -------
    dict
        A descriptor of its own; the one given stays as it is.

    Raises
    ------
    InputError
        When the topic names columns of a table that is not known.
    """
    words = topic.vocabulary()
    named = {table: [column.name for column in columns] for table, columns in topic.columns.items()}
    if unknown := [table for table in named if table not in {resource["name"] for resource in descriptor["resources"]}]:
        raise InputError(f"topic.yaml: columns of {', '.join(unknown)}, but no such table is known")
    resources = []
    for resource in descriptor["resources"]:
        name, fields = resource["name"], resource["schema"]["fields"]
        replaced = set(descriptor.get("topic_columns", {}).get(name, ()))
        own = {column.name: _own(column) for column in topic.columns.get(name, ())}
        of = _PUBLISHED if name == "reference_syntheses" else _WORDS
        kept = [
            own.pop(field["name"])
            if field["name"] in own
            else _worded(field, words[of[field["name"]]])
            if field["name"] in of and "enum" in field.get("constraints", {})
            else field
            for field in fields
            if field["name"] in named.get(name, ()) or field["name"] not in replaced
        ]
        resources.append({**resource, "schema": {**resource["schema"], "fields": [*kept, *own.values()]}})
    return {**descriptor, "topic_columns": named, "resources": resources}


def _worded(field: dict[str, Any], words: list[str]) -> dict[str, Any]:
    """Return a field with other allowed values; a topic without words allows any."""
    rules = {name: rule for name, rule in field["constraints"].items() if name != "enum"}
    return {**field, "constraints": {**rules, "enum": words} if words else rules}


def _own(column: Column) -> dict[str, Any]:
    """Return the field of a column of the topic alone."""
    field: dict[str, Any] = {
        "name": column.name,
        "type": column.type,
        "description": column.description or f"{column.name.replace('_', ' ').capitalize()}.",
    }
    if column.unit:
        field["unit"] = column.unit
    rules: dict[str, Any] = {"required": True} if column.required else {}
    rules |= {"enum": list(column.values)} if column.values else {}
    return {**field, "constraints": rules} if rules else field


def read_cells(raw: pd.DataFrame, resource: dict[str, Any]) -> tuple[pd.DataFrame, list[dict[str, Any]]]:
    """Turn a table of text cells into typed columns.

    Parameters
    ----------
    raw : DataFrame
        Text cells as in the file; empty text is missing.
    resource : dict
        The table's entry in the descriptor.

    Returns
    -------
    DataFrame, list of dict
        The typed table with every described column, and what is wrong in it; a column that is not there is a fault.
    """
    name, fields = resource["name"], resource["schema"]["fields"]
    known = [field["name"] for field in fields]
    failures = [
        _failure(name, None, column, None, "unknown column", "one of: " + ", ".join(known))
        for column in raw.columns
        if column not in known
    ]
    unknown = [repr(str(column)) for column in raw.columns if column not in known]
    besides = f" (is it one of {', '.join(unknown[:5])}?)" if unknown else ""
    table = {}
    for field in fields:
        column = field["name"]
        if column not in raw.columns:
            failures.append(_failure(name, None, column, None, LACKING, f"a column of the table; its cells may be empty{besides}"))
            raw = raw.assign(**{column: ""})
        cells = raw[column].astype(str)
        if field["type"] in _NUMERIC:
            numbers = pd.to_numeric(cells.where(cells != ""), errors="coerce").astype(float)
            wrong = (cells != "") & ~np.isfinite(numbers)
            if field["type"] == "integer":
                wrong |= numbers.notna() & ((numbers % 1 != 0) | (numbers.abs() > _EXACT))
            failures += [
                _failure(name, i, column, cells.iloc[i], f"not {_article(field['type'])}", _allowed(field))
                for i in np.flatnonzero(wrong)
            ]
            table[column] = numbers.where(~wrong).astype(_NUMERIC[field["type"]])
        else:
            failures += [
                _failure(
                    name,
                    i,
                    column,
                    cells.iloc[i],
                    "spaces at an end, or characters not in composed (NFC) form",
                    repr(unicodedata.normalize("NFC", cells.iloc[i].strip())),
                )
                for i in np.flatnonzero([c != unicodedata.normalize("NFC", c.strip()) for c in cells])
            ]
            table[column] = cells.where(cells != "")
    return pd.DataFrame(table, index=raw.index), failures


def empty_table(resource: dict[str, Any]) -> pd.DataFrame:
    """Return the table of a resource without rows, with its described columns and types."""
    columns = [field["name"] for field in resource["schema"]["fields"]]
    return read_cells(pd.DataFrame(columns=columns, dtype=str), resource)[0]


def check_tables(tables: dict[str, pd.DataFrame], resources: list[dict[str, Any]]) -> pd.DataFrame:
    """Check typed tables against the descriptor, each one and between them.

    Parameters
    ----------
    tables : dict of DataFrame
        Table name to typed table, as :func:`read_cells` gives it.
    resources : list of dict
        Their entries in the Frictionless data package descriptor.

    Returns
    -------
    DataFrame
        One row an offending cell: ``table, row, column, value, problem, allowed``; empty when all is well.
    """
    failures: list[dict[str, Any]] = []
    for resource in resources:
        name = resource["name"]
        failures += _check_cells(tables[name], resource)
        failures += _check_order(tables[name], name)
        failures += _check_keys(tables, resource)
        failures += _check_spelling(tables[name], name)
        failures += _check_twice(tables[name], name)
    return failure_frame(failures)


def check_cells(table: pd.DataFrame, resource: dict[str, Any]) -> pd.DataFrame:
    """Check the cells of one table alone, as :func:`check_tables` does."""
    return failure_frame(_check_cells(table, resource))


def noted(tables: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """Return what is odd in a table but may be as printed.

    An interval is not centred where its middle lies further from the estimate than a tenth of its width; of ratios the middle is
    that of the logarithms. Figures stand twice where two pages print the same numbers of a trial, outcome and week.
    """
    rows = []
    for name, estimate in (("results", "mean"), ("contrasts", "estimate")):
        table = tables[name]
        ratio = table["effect_type"].isin(["odds_ratio", "risk_ratio"]) if "effect_type" in table else pd.Series(False, table.index)
        figures = table[[estimate, "ci_low", "ci_high"]].astype(float)
        with np.errstate(divide="ignore", invalid="ignore"):
            figures = figures.mask(ratio, np.log(figures.where(figures > 0)))
        off = (figures["ci_low"] + figures["ci_high"]) / 2 - figures[estimate]
        odd = off.abs() > (figures["ci_high"] - figures["ci_low"]) / 10
        rows += [(name, i, estimate, table[estimate].iloc[i], "its interval is not centred on it") for i in np.flatnonzero(odd)]
        given = table[estimate].notna()
        same = [c for c in _ONE_FIGURE[name] if c not in ("measure", "source_url", "locator")] + [estimate]
        twice = given & table[given].duplicated(same).reindex(table.index, fill_value=False)
        rows += [
            (name, i, estimate, table[estimate].iloc[i], "the same figure stands in an earlier row") for i in np.flatnonzero(twice)
        ]
    found = [(table, i + 2, column, value, note) for table, i, column, value, note in rows]
    return pd.DataFrame(found, columns=["table", "row", "column", "value", "note"])


def failure_frame(failures: list[dict[str, Any]]) -> pd.DataFrame:
    """Gather failures in one frame, in the order of tables and rows."""
    return pd.DataFrame(failures, columns=_FAILURE_COLUMNS).drop_duplicates(ignore_index=True)


def _check_cells(table: pd.DataFrame, resource: dict[str, Any]) -> list[dict[str, Any]]:
    import pandera.pandas as pa

    fields = {field["name"]: field for field in resource["schema"]["fields"]}
    schema = pa.DataFrameSchema({name: _column(field) for name, field in fields.items()})
    try:
        schema.validate(table.reset_index(drop=True), lazy=True)
    except pa.errors.SchemaErrors as error:
        return [
            _failure(
                resource["name"],
                case["index"],
                case["column"],
                case["failure_case"],
                _problem(str(case["check"])),
                _allowed(fields[case["column"]]),
            )
            for case in error.failure_cases.to_dict("records")
        ]
    return []


def _column(field: dict[str, Any]) -> Any:
    import pandera.pandas as pa

    rules = field.get("constraints", {})
    checks = []
    if "enum" in rules:
        checks.append(pa.Check.isin(rules["enum"], error="not an allowed value"))
    if "minimum" in rules:
        checks.append(pa.Check.ge(rules["minimum"], error="below the minimum"))
    if "maximum" in rules:
        checks.append(pa.Check.le(rules["maximum"], error="above the maximum"))
    if "pattern" in rules:
        checks.append(pa.Check.str_matches(rules["pattern"], error="not in the required form"))
    return pa.Column(checks=checks, nullable=not rules.get("required", False), unique=rules.get("unique", False))


def _check_order(table: pd.DataFrame, name: str) -> list[dict[str, Any]]:
    failures = []
    for low, high in _ORDERED.get(name, []):
        wrong = (table[low].astype(float) > table[high].astype(float)).to_numpy()
        failures += [
            _failure(name, i, low, table[low].iloc[i], f"greater than {high}", f"at most {high} = {table[high].iloc[i]}")
            for i in np.flatnonzero(wrong)
        ]
    return failures


def _check_keys(tables: dict[str, pd.DataFrame], resource: dict[str, Any]) -> list[dict[str, Any]]:
    name, table = resource["name"], tables[resource["name"]]
    failures = []
    if key := resource["schema"].get("primaryKey"):
        wrong = table.duplicated(key, keep="first").to_numpy() & table[key].notna().all(axis=1).to_numpy()
        failures += [
            _failure(name, i, "+".join(key), _value(table, key, i), "a second row with the same key", "one row a key")
            for i in np.flatnonzero(wrong)
        ]
    keys = resource["schema"].get("foreignKeys", [])
    foreign = [(k["fields"], k["reference"]["fields"], k["reference"]["resource"] or name) for k in keys]
    foreign += [(key, key, target) for of, key, target in _WHERE_GIVEN if of == name]
    for fields, others, target in foreign:
        here, there = np.atleast_1d(fields), np.atleast_1d(others)
        known = set(tables[target][list(there)].itertuples(index=False, name=None))
        for i, key_here in enumerate(table[list(here)].itertuples(index=False, name=None)):
            if key_here not in known and not any(pd.isna(k) for k in key_here):
                same = {k[-1] for k in known if k[:-1] == key_here[:-1] and not pd.isna(k[-1])}
                choices = sorted(same) if len(here) > 1 else []
                allowed = "of this trial: " + ", ".join(choices) if choices else f"a {'+'.join(there)} of {target}"
                failures.append(_failure(name, i, here[-1], key_here[-1], f"not in table {target}", allowed))
    return failures


def _check_twice(table: pd.DataFrame, name: str) -> list[dict[str, Any]]:
    columns = _ONE_FIGURE.get(name)
    if not columns:
        return []
    # Means and medians, or counts and percentages, of one figure may stand in rows of their own: those rows differ elsewhere.
    values = [
        c for c in table.columns if c not in columns and c not in ("extraction", "sign_note", "caution", "figures_as_printed")
    ]
    again = table.duplicated(columns + (values if name in ("results", "contrasts") else []))
    return [
        _failure(name, i, columns[-1], table[columns[-1]].iloc[i], "the same figure a second time", "one row a figure")
        for i in np.flatnonzero(again)
    ]


def _check_spelling(table: pd.DataFrame, name: str) -> list[dict[str, Any]]:
    """Two keys that differ only in case or punctuation are one trial or arm spelled twice."""
    if name not in _SPELLED_ONCE or table.empty:
        return []
    keys = table[_SPELLED_ONCE[name]].fillna("").astype(str).agg("/".join, axis=1)
    folded = keys.str.casefold().str.replace(r"[^a-z0-9/]", "", regex=True)
    first = keys.groupby(folded).transform("first")
    return [
        _failure(name, i, _SPELLED_ONCE[name][-1], keys.iloc[i], "a second spelling", f"the first spelling: {first.iloc[i]}")
        for i in np.flatnonzero((keys != first).to_numpy())
    ]


def _failure(table: str, row: Any, column: Any, value: Any, problem: str, allowed: str) -> dict[str, Any]:
    line = "" if row is None or pd.isna(row) else int(row) + 2
    return {"table": table, "row": line, "column": column, "value": value, "problem": problem, "allowed": allowed}


def _value(table: pd.DataFrame, columns: list[str], row: Any) -> str:
    return "/".join(str(table[c].iloc[row]) for c in columns)


def _problem(check: str) -> str:
    return {"not_nullable": "missing", "field_uniqueness": "not unique"}.get(check, check)


def _allowed(field: dict[str, Any]) -> str:
    rules = field.get("constraints", {})
    said = []
    if "enum" in rules:
        said.append("one of: " + ", ".join(map(str, rules["enum"])))
    if "minimum" in rules or "maximum" in rules:
        said.append(f"{rules.get('minimum', '-inf')} to {rules.get('maximum', 'inf')}")
    if "pattern" in rules:
        said.append("form " + re.sub(r"\\\\", r"\\", rules["pattern"]))
    if rules.get("required"):
        said.append("required")
    return "; ".join(said) or _article(field["type"])


def _article(kind: str) -> str:
    return ("an " if kind[0] in "aeiou" else "a ") + kind
