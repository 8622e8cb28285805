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
