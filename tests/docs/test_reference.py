"""The API reference names everything public, and every public docstring is enough to use what it describes."""

import dataclasses
import importlib
import inspect
import re
from pathlib import Path

import pytest
from numpydoc.docscrape import ClassDoc, FunctionDoc

import acuevidence as ae

API = Path(__file__).parents[2] / "docs" / "api.md"
DATA = {"effects", "plots", "questions", "report", "MEASURES", "LAYOUTS"}


def listed():
    """Yield module and name of every entry of the reference."""
    for block in re.findall(r"```\{eval-rst\}\n(.*?)```", API.read_text(encoding="utf-8"), re.DOTALL):
        module = re.search(r"currentmodule:: (\S+)", block)[1]
        for name in re.findall(r"^   (\w+)$", block, re.MULTILINE):
            yield module, name


def unlisted(module, names):
    shown = {name for at, name in listed() if at in (module, "acuevidence")}
    return sorted(set(names) - shown - DATA)


def gaps(function):
    """Return what a function's docstring does not say."""
    doc = FunctionDoc(function)
    described = {name.strip().lstrip("*") for entry in doc["Parameters"] for name in entry.name.split(",")}
    parameters = [p for p in inspect.signature(function).parameters.values() if p.name not in ("self", "cls")]
    missing = [p.name for p in parameters if p.name not in described and p.kind is not p.VAR_KEYWORD]
    unknown = [name for name in described if name not in {p.name for p in parameters}]
    found = [f"does not describe {missing}"] * bool(missing) + [f"describes {unknown}, which it does not take"] * bool(unknown)
    return (
        found
        + [f"has no {part}" for part in ("Examples",) if not doc[part]]
        + ([] if doc["Returns"] or doc["Yields"] else ["has no Returns"])
    )


ENTRIES = list(listed())
FUNCTIONS = [(m, n) for m, n in ENTRIES if inspect.isfunction(getattr(importlib.import_module(m), n))]
RESULTS = [(m, n) for m, n in ENTRIES if dataclasses.is_dataclass(getattr(importlib.import_module(m), n))]


def test_every_public_name_is_in_the_reference():
    assert unlisted("acuevidence", ae.__all__) == []


@pytest.mark.parametrize("room", ["effects", "plots", "questions"])
def test_every_name_of_a_room_is_in_the_reference(room):
    assert unlisted(f"acuevidence.{room}", getattr(ae, room).__all__) == []


@pytest.mark.parametrize("module", ["report.tables", "plots.chart", "plots.questions.nuance_chart", "report.methods_text"])
def test_every_function_of_the_report_is_in_the_reference(module):
    loaded = importlib.import_module(f"acuevidence.{module}")
    assert unlisted(loaded.__name__, loaded.__all__) == []


@pytest.mark.parametrize(("module", "name"), FUNCTIONS)
def test_a_function_is_described_in_full(module, name):
    assert gaps(getattr(importlib.import_module(module), name)) == []


@pytest.mark.parametrize(("module", "name"), RESULTS)
def test_every_field_of_a_result_is_described(module, name):
    kind = getattr(importlib.import_module(module), name)
    bases = [base for base in kind.__mro__ if base.__module__.startswith("acuevidence")]
    described = {part.strip() for base in bases for entry in ClassDoc(base)["Attributes"] for part in entry.name.split(",")}
    fields = {field.name for field in dataclasses.fields(kind) if not field.name.startswith("_")}
    assert sorted(fields - described) == []


@pytest.mark.parametrize("kind", [ae.MetaAnalysis, ae.GroupedMetaAnalysis, ae.Evidence])
def test_every_method_of_a_main_class_is_described_in_full(kind):
    methods = {name: m for name, m in inspect.getmembers(kind, inspect.isfunction) if not name.startswith("_")}
    own = {name: gaps(m) for name, m in methods.items() if m.__module__.startswith("acuevidence")}
    assert {name: found for name, found in own.items() if found} == {}


@pytest.mark.parametrize(("module", "name"), ENTRIES)
def test_every_public_method_has_a_docstring(module, name):
    kind = getattr(importlib.import_module(module), name)
    members = vars(kind).items() if inspect.isclass(kind) else [(name, kind)]
    silent = [n for n, m in members if not n.startswith("_") and callable(m) and not inspect.getdoc(m)]
    assert silent == []
