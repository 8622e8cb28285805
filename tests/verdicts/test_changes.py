"""What a change of the tables does, on two small reviews whose effects are worked by hand; and on revisions of a repository."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pandas as pd
import pytest
from typer.testing import CliRunner

import acuevidence as ae
from acuevidence.cli import app
from acuevidence.evidence.load import load_beside
from acuevidence.evidence.scaffold import start_review
from acuevidence.verdicts.changes import Changes, changes

J = 1 - 3 / (4 * 398 - 1)  # Hedges' factor for 400 participants
CLAIM = """
claims:
  - id: relief
    claim: Exercise eases depression.
    population: [depression]
    comparators: [waiting_list]
    outcome: mood
    timing: end_of_treatment
    analysis: benefit
    options: {aim: benefit}
"""
PLACE = {"source_url": "https://example.org", "source_kind": "abstract", "locator": "results", "figures_as_printed": "as entered"}


def enter(folder: Path, gains: dict[str, float], judged: dict[str, str] | None = None) -> None:
    """Write trials of 200 in each arm, by how many points of an SD of 10 the treated arm is better."""
    rows: dict[str, list[dict[str, object]]] = {"trials": [], "arms": [], "results": []}
    for name, gain in gains.items():
        key = {"trial_id": name, "condition": "depression"}
        rows["trials"].append({**key, "study": name.capitalize(), "year": 2001, "treatment_weeks": 12, "design": "parallel"})
        for arm, role, mean in (("run", "treatment", 20.0 - gain), ("wait", "waiting_list", 20.0)):
            rows["arms"].append({**key, "arm": arm, "role": role, "description": arm, "n_randomized": 200})
            figure = {"outcome": "mood", "measure": "BDI", "week": 12, "statistic": "final", "timing": "end_of_treatment"}
            size = {"n": 200, "mean": mean, "sd": 10.0, "benefit": -1}
            rows["results"].append({**key, "arm": arm, **figure, **size, **PLACE, "extraction": (judged or {}).get(name, "single")})
    for table, made in rows.items():
        pd.DataFrame(made, columns=pd.read_csv(folder / f"{table}.csv").columns).to_csv(folder / f"{table}.csv", index=False)


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A review of five trials, and the same with one trial gone, one corrected and one new."""
    place = tmp_path_factory.mktemp("reviews")
    words = {"treatment": "exercise", "comparator": "waiting list", "condition": "depression", "outcome": "mood"}
    start_review(place / "old", name="Exercise", **words)
    (place / "old" / "claims.yaml").write_text(CLAIM, encoding="utf-8")
    shutil.copytree(place / "old", place / "new")
    enter(place / "old", {"ash": 2.0, "birch": 3.0, "cedar": 4.0, "elm": 3.0, "fir": 3.0})
    enter(place / "new", {"birch": 3.0, "cedar": 5.0, "dogwood": 4.0, "elm": 3.0, "fir": 3.0}, {"birch": "agreed"})
    return place / "old", place / "new"


@pytest.fixture(scope="module")
def found(folders: tuple[Path, Path]) -> Changes:
    new = ae.load_evidence(folders[1])
    return changes(load_beside(folders[0], new), new)


def test_each_trial_is_told_with_its_effects(found: Changes) -> None:
    rows = {row.trial_id: row for row in found.trials.itertuples()}
    assert {name: row.change for name, row in rows.items()} == {
        "dogwood": "came",
        "ash": "went",
        "cedar": "changed",
        "birch": "same",
        "elm": "same",
        "fir": "same",
    }
    assert (rows["cedar"].old_yi, rows["cedar"].new_yi) == pytest.approx((0.4 * J, 0.5 * J), rel=1e-4)
    assert rows["dogwood"].why == "not in the tables before" and rows["ash"].why == "no longer in the tables"
    assert pd.isna(rows["dogwood"].old_yi) and pd.isna(rows["ash"].new_yi)


def test_pooled_effects_of_both_sides_are_those_of_their_trials(found: Changes) -> None:
    (row,) = found.effects.itertuples()
    # Trials of one size weigh alike but for the g^2 / 2N of the variance: 2, 3, 4, 3, 3 and 3, 5, 4, 3, 3 points of 10.
    assert row.old_estimate == pytest.approx(0.30 * J, rel=0.01)
    assert row.new_estimate == pytest.approx(0.36 * J, rel=0.01)
    assert (row.old_k, row.new_k, row.old_n, row.new_n) == (5, 5, 2000, 2000)
    assert row.changed and row.old_state == row.new_state == "benefit"


def test_rows_are_counted_by_table(found: Changes) -> None:
    counts = found.rows.counts.set_index("table")
    assert counts.loc["trials", ["came", "went", "changed", "same"]].tolist() == [1, 1, 0, 4]
    # Cedar's treated arm has another mean; both rows of Birch are confirmed now.
    assert counts.loc["results", ["came", "went", "changed", "same"]].tolist() == [2, 2, 3, 5]
    changed = found.rows.cells[found.rows.cells["change"] == "changed"]
    assert changed[["trial_id", "column", "old", "new"]].to_numpy().tolist() == [
        ["birch", "extraction", "single", "agreed"],
        ["birch", "extraction", "single", "agreed"],
        ["cedar", "mean", "16", "15"],
    ]


def test_the_claim_keeps_its_verdict(found: Changes) -> None:
    (row,) = found.claims.itertuples()
    assert (row.id, row.old_verdict, row.changed) == ("relief", row.new_verdict, False)


def test_nothing_changes_from_a_folder_to_itself(folders: tuple[Path, Path]) -> None:
    new = ae.load_evidence(folders[1])
    same = changes(load_beside(folders[1], new), new)
    assert not same.effects["changed"].any() and not same.claims["changed"].any() and same.rows.cells.empty
    assert set(same.trials["change"]) == {"same"}


def test_an_older_folder_without_rules_tables_and_columns_can_be_old(folders: tuple[Path, Path], tmp_path: Path) -> None:
    for name in ("trials", "arms", "results"):
        cells = pd.read_csv(folders[0] / f"{name}.csv", dtype=str)
        cells.drop(columns=[c for c in ("population", "part_of", "responder") if c in cells]).to_csv(
            tmp_path / f"{name}.csv", index=False
        )
    (tmp_path / "appraisals.csv").write_text("trial_id,score\nash,7\n", encoding="utf-8")
    (tmp_path / "selection.yaml").write_text("conditions: {}\n", encoding="utf-8")
    with pytest.raises(ae.EvidenceError, match="can be OLD of `acuevidence changes OLD NEW`"):
        ae.load_evidence(tmp_path)
    new = ae.load_evidence(folders[1])
    (row,) = changes(load_beside(tmp_path, new), new).effects.itertuples()
    assert row.old_estimate == pytest.approx(0.30 * J, rel=0.01)


def test_a_number_that_is_none_is_refused_beside_too(folders: tuple[Path, Path], tmp_path: Path) -> None:
    shutil.copytree(folders[0], tmp_path / "old")
    cells = pd.read_csv(tmp_path / "old" / "results.csv", dtype=str)
    cells.loc[1, "mean"] = "16,0"
    cells.to_csv(tmp_path / "old" / "results.csv", index=False)
    with pytest.raises(ae.EvidenceError, match=r"results.csv line 3, mean: not a number \('16,0'\)"):
        load_beside(tmp_path / "old", ae.load_evidence(folders[1]))


def test_the_command_tells_two_revisions_of_one_folder(folders: tuple[Path, Path], tmp_path: Path) -> None:
    def git(*arguments: str) -> None:
        who = ["-c", "user.name=a", "-c", "user.email=a@example.org"]
        subprocess.run(["git", "-C", str(tmp_path), *who, *arguments], check=True, capture_output=True)

    git("init", "-q")
    for version, source in enumerate(folders):
        shutil.copytree(source, tmp_path / "review", dirs_exist_ok=True)
        git("add", "-A")
        git("commit", "-q", "-m", f"version {version}")
    run = CliRunner()
    text = run.invoke(app, ["-e", str(tmp_path / "review"), "changes", "HEAD~1", "HEAD"]).output
    assert "1 trial came, 1 went, 0 changed; of 1 pooled effect 1 changed" in text
    assert "Cedar 0.40 (se 0.10) -> 0.50 (se 0.10)" in text
    table = run.invoke(app, ["changes", "HEAD~1", str(folders[1]), "-e", str(tmp_path / "review"), "--format", "markdown"]).output
    assert "| trials | 5 | 5 | 1 | 1 | 0 | 4 |" in table
    whole = json.loads(run.invoke(app, ["changes", *map(str, folders), "--own-rules", "--format", "json"]).output)
    assert whole["own_rules"] is True and [one["change"] for one in whole["trials"]][:3] == ["came", "went", "changed"]
    wrong = run.invoke(app, ["changes", "no-such", "HEAD", "-e", str(tmp_path / "review")])
    assert wrong.exit_code == 2 and "'no-such' is neither a folder nor a revision" in wrong.output


def test_two_extractions_are_compared_cell_by_cell(folders: tuple[Path, Path], tmp_path: Path) -> None:
    for name in ("trials", "arms", "results"):
        cells = pd.read_csv(folders[1] / f"{name}.csv", dtype=str)
        cells = cells[cells["trial_id"].isin(["cedar", "birch"])].assign(**({"locator": "page 3"} if name == "results" else {}))
        cells.replace({"mean": {"15.0": "15.5"}}).to_csv(tmp_path / f"{name}.csv", index=False)
    run = CliRunner()
    told = json.loads(run.invoke(app, ["compare", str(folders[1]), str(tmp_path), "--format", "json"]).output)
    (cell,) = told["cells"]
    assert (cell["row"], cell["column"], cell["old"], cell["new"]) == (
        "cedar, run, mood, 12, end_of_treatment, final, BDI",
        "mean",
        "15",
        "15.5",
    )
    assert told["trials_only_in_a"] == ["dogwood", "elm", "fir"] and told["trials_only_in_b"] == []
    text = run.invoke(app, ["compare", str(folders[1]), str(tmp_path)]).output
    assert "3 trials only in A: dogwood, elm, fir." in text


def test_the_share_of_confirmed_figures_is_printed(folders: tuple[Path, Path]) -> None:
    text = CliRunner().invoke(app, ["analyse", "depression", "-e", str(folders[1])]).output
    assert "two extractions agree on 1 of 5 pooled figures (20%)" in text
    assert ae.questions.overview(evidence=ae.load_evidence(folders[1])).rows["confirmed"].tolist() == [1]
