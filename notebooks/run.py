"""Run every notebook from its source and store it with its outputs beside it."""

import sys
from pathlib import Path

import jupytext
import nbformat
from nbclient import NotebookClient

HERE = Path(__file__).resolve().parent


def run(source: Path) -> nbformat.NotebookNode:
    """Return the notebook of a percent-format source, executed; free of anything that differs between runs."""
    notebook = jupytext.read(source)
    notebook.metadata = {"kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"}}
    NotebookClient(notebook, timeout=300, resources={"metadata": {"path": str(HERE)}}).execute()
    for number, cell in enumerate(notebook.cells):
        cell.id = f"cell-{number}"
        cell.metadata = {}
    notebook.metadata.pop("language_info", None)
    return notebook


if __name__ == "__main__":
    chosen = [HERE / name for name in sys.argv[1:]] or sorted(HERE.glob("[0-9]*.py"))
    for path in chosen:
        nbformat.write(run(path), path.with_suffix(".ipynb"))
        print(path.with_suffix(".ipynb").name)
