"""Do the commands print what the functions say, and end with a code that scripts can use?"""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

import acuevidence as ae
from acuevidence.cli import app


def run(*arguments):
    return CliRunner().invoke(app, arguments)


def test_claims_prints_the_verdict_that_the_function_gives():
    expected = ae.evaluate_claims(["safe"]).iloc[0]
    printed = run("claims", "safe", "--json")
    assert printed.exit_code == 0
    (row,) = json.loads(printed.output)
    assert (row["verdict"], row["certainty"]) == (expected.verdict, expected.certainty)
    assert row["estimates"] == expected.estimates.split("\n")


@pytest.mark.parametrize(("option", "said"), [("--markdown", "## Side effects are mild"), (None, "Estimates:")])
def test_one_claim_is_printed_in_full(option, said):
    printed = run("claims", "safe", *([option] if option else []))
    assert printed.exit_code == 0
    assert said in printed.output


def test_an_unknown_claim_ends_with_code_2_and_a_guess():
    printed = run("claims", "saef")
    assert printed.exit_code == 2
    assert "did you mean 'safe'" in printed.output


def test_the_printed_template_is_a_table_that_reads(tmp_path):
    file = tmp_path / "mine.csv"
    file.write_text(run("template").output, encoding="utf-8")
    assert len(ae.read_trials(file)) == 5


@pytest.mark.parametrize("command", [("report", "-o"), ("figures", "--out")])
@pytest.mark.parametrize("where", ["a file", "/dev/full", "/proc/nowhere/at/all"])
def test_a_place_that_cannot_be_written_is_one_line_before_any_work(tmp_path, monkeypatch, command, where):
    from acuevidence.report import drawing

    monkeypatch.setattr(drawing, "_render", lambda figure: pytest.fail("a figure was drawn"))
    file = tmp_path / "a file"
    file.write_text("old")
    printed = run(*command, str(file) if where == "a file" else where)
    assert printed.exit_code == 1
    assert len(printed.output.splitlines()) == 1
    assert "cannot be written" in printed.output
    assert file.read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["a file"]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")
@pytest.mark.parametrize("command", ["--version", "template"])
def test_output_to_a_full_disk_is_one_line_and_code_1(command):
    with open("/dev/full", "wb") as full:
        done = subprocess.run([sys.executable, "-m", "acuevidence", command], stdout=full, stderr=subprocess.PIPE, check=False)
    assert done.returncode == 1
    assert done.stderr.decode().splitlines() == ["error: the output cannot be written: No space left on device"]


def test_version_and_help_load_no_numerics():
    code = "import sys, acuevidence.cli; sys.exit(bool({'numpy', 'pandas', 'scipy', 'matplotlib'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_analyse_says_what_is_pooled_from_which_trials_against_every_comparator():
    printed = run("analyse", "fibromyalgia")
    assert printed.exit_code == 0
    pools = ae.pooled("fibromyalgia")
    for word in ("Fibromyalgia", "Outcome:", "SMD", "favours acupuncture", "end of treatment"):
        assert word in printed.output
    for result in pools.values():
        assert all(study in printed.output for study in result.data["study"])
    assert run("analyse", "fibromyalgia", "--timing", "long").output.count("no trial with usable figures") >= 1


def test_broken_yaml_in_a_folder_is_told_by_file_line_and_column(tmp_path):
    import shutil

    from acuevidence.evidence.load import data_folder

    for path in data_folder().iterdir():
        if path.suffix in (".csv", ".yaml", ".json"):
            shutil.copy(path, tmp_path)
    (tmp_path / "selection.yaml").write_text("timings:\n  short: [1, 2\n  long: 3\n")
    printed = run("validate", str(tmp_path))
    assert printed.exit_code == 2
    assert "selection.yaml line 3, column 7" in printed.output
