"""A type checker that reads a user's script knows what each call returns, and refuses what is misspelt."""

import subprocess
import sys
from pathlib import Path

import pytest

GOOD = """
import pandas as pd
from matplotlib.axes import Axes

import acuevidence as ae
from acuevidence.appraisal.trim_and_fill import TrimAndFill

one: ae.MetaAnalysis = ae.meta_analysis([0.2, 0.5, 0.3], [0.02, 0.04, 0.03])
groups: ae.GroupedMetaAnalysis = ae.meta_analysis([0.2, 0.5, 0.3], [0.02, 0.04, 0.03], by=["a", "a", "b"])
effect: float = groups["a"].estimate
table: pd.DataFrame = one.influence()
limits: tuple[float, float] = one.tau2_interval(level=0.9)
filled: TrimAndFill = one.trim_and_fill(side="left")
axes: Axes = one.forest(width="single")
other: Axes = one.plot.baujat(named=3)
together: Axes = groups.forest()
words: str = one.methods_text()
"""
BAD = [
    "one.estimat",
    "one.forest(widht='single')",
    "one.influence(0.5)",
    "said: str = one.trim_and_fill()",
    "one.plot.baujat(nmaed=3)",
    "one.plot.bajat()",
    "drawn: str = one.plot.radial()",
    "groups.estimate",
    "groups.influence()",
    "number: int = ae.meta_analysis([0.2], [0.02])",
    "ae.network([1], [2], [0.1], [0.1], [1]).lague()",
    "text: int = ae.network([1], [2], [0.1], [0.1], [1]).net_heat()",
    "ae.peto([1], [10], [2], [10]).estimat",
]


def refused(lines: set[int], told: str, name: str) -> set[int]:
    found = {int(line.split(f"{name}:")[1].split(":")[0]) for line in told.splitlines() if f"{name}:" in line and "error" in line}
    return lines & found


@pytest.mark.parametrize("checker", ["mypy", "basedpyright"])
def test_a_users_script_is_checked(checker, tmp_path):
    script = tmp_path / "script.py"
    first = GOOD.count("\n") + 1
    script.write_text(GOOD + "\n".join(BAD) + "\n", encoding="utf-8")
    tool = Path(sys.executable).parent / checker
    if checker == "mypy":
        (tmp_path / "mypy.ini").write_text("[mypy]\n[mypy-altair.*,pandas.*]\nignore_missing_imports = True\n", encoding="utf-8")
        call = [tool, "--strict", "--config-file", tmp_path / "mypy.ini", "--python-executable", sys.executable, script]
    else:
        (tmp_path / "pyrightconfig.json").write_text('{"typeCheckingMode": "standard"}', encoding="utf-8")
        call = [tool, "--project", tmp_path, "--pythonpath", sys.executable, script]
    told = subprocess.run([str(part) for part in call], capture_output=True, text=True, cwd=tmp_path, check=False).stdout
    wrong = set(range(first, first + len(BAD)))
    assert refused(wrong, told, "script.py") == wrong, told
    assert refused(set(range(1, first)), told, "script.py") == set(), told
