"""Every notebook runs, and what it prints is what is committed: a drifting sentence fails as a drifting figure does."""

import importlib.util
from pathlib import Path

import nbformat
import pytest

FOLDER = Path(__file__).resolve().parents[2] / "notebooks"
SOURCES = sorted(FOLDER.glob("[0-9]*.py"))


def _runner():
    spec = importlib.util.spec_from_file_location("notebook_runner", FOLDER / "run.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _printed(notebook):
    """Return the texts of every output, without pictures, whose bytes `acuevidence figures --check` watches."""
    found = []
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            data = output.get("data", {})
            found += [str(data[kind]) for kind in ("text/markdown", "text/plain") if kind in data]
            found += [output["text"]] if output.output_type == "stream" else []
    return found


@pytest.mark.locked
@pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.stem)
def test_a_notebook_runs_and_prints_what_is_committed(source):
    committed = nbformat.read(source.with_suffix(".ipynb"), as_version=4)
    assert _printed(_runner().run(source)) == _printed(committed)


def test_every_condition_has_a_notebook():
    import acuevidence as ae

    sources = [path.read_text(encoding="utf-8") for path in SOURCES]
    assert [name for name in ae.conditions() if not any(name in text for text in sources)] == []


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.stem)
def test_the_prose_of_a_notebook_carries_no_result(source):
    """A decimal number in Markdown would be a typed-in result."""
    import re

    import jupytext

    prose = "\n".join(cell.source for cell in jupytext.read(source).cells if cell.cell_type == "markdown")
    assert re.findall(r"\d+\.\d+", prose) == []
