"""Generic rooms know no topic: no word of the package's own review stands in their code.

Read as tokens, docstrings and comments apart; the name of a published prior, `rhodes-pain`, is the one exception.
"""

import ast
import re
from pathlib import Path

import pytest

import acuevidence

PACKAGE = Path(acuevidence.__file__).parent
WORDS = re.compile(r"acupunct|sham(?!pi)|(?<![a-z])pain", re.IGNORECASE)
MODULES = sorted(
    path.relative_to(PACKAGE).as_posix()
    for room in ("evidence", "effects", "synthesis", "appraisal", "plots")
    for path in (PACKAGE / room).rglob("*.py")
    if "questions" not in path.parts
)


def said(path):
    """Return the names and texts of a module's code, with their lines."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef)
    docstrings = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, documented) and node.body and isinstance(node.body[0], ast.Expr)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docstrings:
            yield node.lineno, node.value
        for name in ("id", "attr", "arg", "name", "module"):
            if isinstance(getattr(node, name, None), str):
                yield getattr(node, "lineno", 0), getattr(node, name)


@pytest.mark.parametrize("module", MODULES)
def test_no_word_of_the_topic(module):
    found = [(line, text) for line, text in said(PACKAGE / module) if WORDS.search(text) and text != "rhodes-pain"]
    assert found == []
