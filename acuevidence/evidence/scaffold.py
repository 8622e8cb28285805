"""A folder to start a review in: rules with neutral defaults, and tables that wait for trials."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pandas as pd

from acuevidence.errors import InputError
from acuevidence.evidence.load import data_folder, default_folder
from acuevidence.evidence.schema import with_vocabulary
from acuevidence.topic import load_topic

__all__ = ["start_review"]


def start_review(
    folder: str | Path,
    *,
    name: str = "A review of one's own",
    treatment: str = "treatment",
    comparator: str = "control",
    condition: str = "condition",
    outcome: str = "outcome",
) -> list[Path]:
    """Write the files that a review starts from.

    Parameters
    ----------
    folder : path
        A folder that is empty, or not there yet.
    name : str
        Title of the review.
    treatment, comparator : str
        What is tested, and what it is compared with, as they stand in a sentence.
    condition, outcome : str
        Whom it is for, and what is measured first.

    Returns
    -------
    list of Path
        The files, in the order in which they are read.

    Raises
    ------
    InputError
        When the folder holds anything, or a word is empty.

    Examples
    --------
    >>> import tempfile
    >>> import acuevidence as ae
    >>> from acuevidence.evidence.scaffold import start_review
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     files = start_review(folder, treatment="exercise", condition="depression")
    ...     evidence = ae.load_evidence(folder)
    >>> evidence.topic.treatment.label, list(evidence.topic.conditions)
    ('Exercise', ['depression'])
    """
    path = Path(folder)
    if path.exists() and (not path.is_dir() or any(path.iterdir())):
        raise InputError(f"{str(path)!r} is not empty; give a new folder, so that nothing is overwritten")
    given = {"treatment": treatment, "comparator": comparator, "condition": condition, "outcome": outcome}
    words = {"name": _text("name", name)}
    for key, value in given.items():
        words |= {
            key: _text(key, value),
            key.capitalize(): _text(key, value[:1].upper() + value[1:]),
            f"{key}_key": _key(key, value),
        }
    if words["comparator_key"] in ("treatment", "active", "not_stated"):
        raise InputError(f"comparator {comparator!r} is the name of another role ({words['comparator_key']}); call it otherwise")
    texts = {
        "topic.yaml": _filled("topic.yaml", words),
        "selection.yaml": _read("selection.yaml"),
        "appraisal.yaml": _read("appraisal.yaml"),
        "claims.yaml": _filled("example_claims.yaml", words),
        "README.md": _filled("README.md", words | {"name": name}),
    }
    path.mkdir(parents=True, exist_ok=True)
    for file, text in texts.items():
        (path / file).write_text(text, encoding="utf-8")
    descriptor = _descriptor(path, name)
    (path / "datapackage.json").write_text(json.dumps(descriptor, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    tables = []
    for resource in descriptor["resources"]:
        columns = [field["name"] for field in resource["schema"]["fields"]]
        pd.DataFrame(columns=columns).to_csv(path / resource["path"], index=False)
        tables.append(path / resource["path"])
    return [*(path / file for file in texts), path / "datapackage.json", *tables]


def _descriptor(path: Path, name: str) -> dict[str, Any]:
    """Return the descriptor of the folder's tables: the package's, in the words of the folder's topic."""
    whole = json.loads((data_folder() / "datapackage.json").read_text(encoding="utf-8"))
    whole["resources"] = [one for one in whole["resources"] if "/" not in one["path"]]
    made = with_vocabulary(whole, load_topic(path))
    kept = {key: made[key] for key in ("profile", "schema_version", "topic_columns", "sources", "resources")}
    return {"name": _key("name", name).replace("_", "-"), "title": name, **kept}


def _read(name: str) -> str:
    return (default_folder() / name).read_text(encoding="utf-8")


def _filled(name: str, words: dict[str, str]) -> str:
    return _read(name).format(**words)


def _key(what: str, value: str) -> str:
    found = re.sub(r"[^a-z0-9]+", "_", value.casefold()).strip("_")
    if not found:
        raise InputError(f"{what} {value!r} has no letter of a to z or digit to make a name of")
    return found


def _text(what: str, value: str) -> str:
    """Return a word as YAML that reads it back as text."""
    if not value.strip():
        raise InputError(f"{what} must not be empty")
    return json.dumps(value, ensure_ascii=False)
