"""Are the numbers that the first page and the page on the enlarged evidence print those of the tables?"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import acuevidence as ae

_ROOT = Path(__file__).parents[2]


def test_the_first_page_counts_trials_as_the_tables_do() -> None:
    evidence, said = ae.load_evidence(), " ".join((_ROOT / "README.md").read_text(encoding="utf-8").split())
    listed = set(evidence.trials["trial_id"])
    printed = (set(evidence.results["trial_id"]) | set(evidence.contrasts["trial_id"])) & listed
    effects = ae.trial_effects()
    pooled, agreed = set(effects["trial_id"]), (effects["extraction"] == "agreed").sum()
    assert f"lists {len(listed)} randomised trials in" in said
    assert f"of {len(printed)} it holds printed figures" in said
    assert f"and {len(pooled)} print one that the standard analysis can pool" in said
    assert f"of these {len(effects)} effects (one a trial and comparator) a second extraction confirms {agreed}." in said


@pytest.mark.parametrize(
    ("condition", "label"),
    [("low_back_pain", "Low back pain"), ("headache", "Headache"), ("pelvic_pain", "Chronic pelvic pain")],
)
def test_the_page_on_the_enlarged_evidence_prints_the_standard_analysis(condition: str, label: str) -> None:
    page = (_ROOT / "docs" / "evidence_before_after.md").read_text(encoding="utf-8")
    listed = int((ae.load_evidence().trials["condition"] == condition).sum())
    for group, one in ae.pooled(condition).items():
        words = ae.load_evidence().topic.comparator(group).phrase
        (row,) = re.findall(rf"^\| {label} \| {words} \|.*→(.*)$", page, flags=re.MULTILINE)
        cells = [cell.strip() for cell in row.strip(" |").split("|")]
        assert int(cells[0]) == listed and int(cells[2]) == one.k
        assert cells[-1] == f"{one.estimate:.2f} ({one.ci_low:.2f} to {one.ci_high:.2f})"


@pytest.mark.parametrize("condition", ["low_back_pain", "knee_osteoarthritis", "headache", "neck_pain", "fibromyalgia"])
def test_the_index_says_what_is_found(condition: str) -> None:
    page = (_ROOT / "docs" / "index.md").read_text(encoding="utf-8")
    (row,) = re.findall(rf"^\| {ae.load_evidence().topic.label(condition)} \|(.*)\|$", page, flags=re.MULTILINE)
    for cell, group in zip(row.split("|"), ("usual_care", "sham"), strict=True):
        one = ae.pooled(condition)[group]
        shown = one.headline()
        assert f"{shown.estimate:.2f} SD ({shown.ci_low:.2f} to {shown.ci_high:.2f}), {ae.certainty(one).level} certainty" in cell


def test_every_command_has_its_place_on_the_page_of_commands() -> None:
    import subprocess
    import sys

    page = (_ROOT / "docs" / "command_line.md").read_text(encoding="utf-8")
    said = subprocess.run([sys.executable, "-m", "acuevidence", "--help"], capture_output=True, text=True, check=True).stdout
    commands = re.findall(r"^  (\w+) ", said.split("Commands:")[1], flags=re.MULTILINE)
    assert len(commands) > 5 and [name for name in commands if f"\n## {name}\n" not in page] == []


def test_every_notebook_has_its_page() -> None:
    page = (_ROOT / "docs" / "notebooks" / "index.md").read_text(encoding="utf-8")
    assert [path.stem for path in sorted((_ROOT / "notebooks").glob("[0-9]*.py")) if f"\n{path.stem}\n" not in page] == []
