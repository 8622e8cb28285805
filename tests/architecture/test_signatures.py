"""Functions of one kind are called alike, and none reaches for what it was not given."""

import ast
import inspect
from pathlib import Path

import pytest

import acuevidence as ae

PACKAGE = Path(ae.__file__).parent
RESULTS = {
    "result",
    "results",
    "one",
    "found",
    "effects",
    "groups",
    "network",
    "rated",
    "table",
    "frame",
    "data",
}
OTHERS = ("forest_size", "save", "style")
FIGURES = [name for name in ae.plots.__all__ if inspect.isfunction(getattr(ae.plots, name)) and name not in OTHERS]
RESULT_CLASSES = {
    node.name
    for room in ("synthesis", "appraisal", "questions")
    for path in (PACKAGE / room).glob("*.py")
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
    if isinstance(node, ast.ClassDef) and any("Shown" in ast.unparse(base) or "Effect" in ast.unparse(base) for base in node.bases)
}


@pytest.mark.parametrize("name", FIGURES)
def test_a_figure_takes_axes_width_and_size_by_name(name):
    parameters = inspect.signature(getattr(ae.plots, name)).parameters
    for wanted in ("ax", "width", "size"):
        assert parameters[wanted].kind is inspect.Parameter.KEYWORD_ONLY
    assert parameters["ax"].default is None
    assert parameters["ax"].annotation == "Axes | None"
    assert 6 <= parameters["size"].default <= 7
    assert parameters["width"].default in (None, "single", "double")
    assert inspect.signature(getattr(ae.plots, name)).return_annotation == "Axes"


@pytest.mark.parametrize("name", [name for name in FIGURES if "evidence" in inspect.signature(getattr(ae.plots, name)).parameters])
def test_the_evidence_of_a_figure_is_given_by_name_alone(name):
    given = inspect.signature(getattr(ae.plots, name)).parameters["evidence"]
    assert given.kind is inspect.Parameter.KEYWORD_ONLY
    assert given.default is None


def functions():
    """Yield path and node of every function of the package."""
    for path in sorted(PACKAGE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef) and node.args.args:
                yield path.relative_to(PACKAGE).as_posix(), node


def test_what_takes_a_result_loads_no_evidence_of_its_own():
    """A result whose evidence is not known is not rated by the package's; a question that may be asked without one may load it."""
    found = [
        f"{path}:{node.lineno} {node.name}"
        for path, node in functions()
        if node.args.args[0].arg in RESULTS and not node.args.defaults
        for call in ast.walk(node)
        if isinstance(call, ast.Call) and ast.unparse(call.func).split(".")[-1] == "load_evidence" and not call.args
    ]
    assert found == []


def test_figures_ask_what_a_result_has_and_not_of_which_class_it_is():
    assert {"MetaAnalysis", "GoshClusters", "Decomposition"} <= RESULT_CLASSES
    found = [
        f"{path.name}:{node.lineno}"
        for path in (PACKAGE / "plots").rglob("*.py")
        if path.parent.name != "questions"
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call)
        and ast.unparse(node.func) == "isinstance"
        and {part.id for part in ast.walk(node.args[1]) if isinstance(part, ast.Name)} & RESULT_CLASSES
    ]
    assert found == []
