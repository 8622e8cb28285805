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


TABLE = "Study,Year,Events treatment,Total treatment,Events control,Total control,kind\n{}"
ROWS = ["A,2001,12,60,20,61,old", "B,2004,8,45,9,44,old", "C,2011,15,80,24,79,new", "D,2015,6,50,13,52,new"]


@pytest.fixture
def own_table(tmp_path):
    file = tmp_path / "trials.csv"
    file.write_text(TABLE.format("\n".join(ROWS)))
    return file


def test_pool_prints_what_the_functions_give_and_draws_the_plot(own_table, tmp_path):
    picture = tmp_path / "forest.svg"
    printed = run("pool", str(own_table), "--measure", "RR", "--forest", str(picture))
    assert printed.exit_code == 0
    events, n = [[12, 8, 15, 6], [20, 9, 24, 13]], [[60, 45, 80, 50], [61, 44, 79, 52]]
    effects = ae.effect_size("RR", events1=events[0], n1=n[0], events2=events[1], n2=n[1])
    result = ae.meta_analysis("yi", "vi", data=effects)
    assert f"Pooled effect {result.estimate:.3f} (95% CI {result.ci_low:.3f} to {result.ci_high:.3f}" in printed.output
    assert "events1 (Events treatment)" in printed.output
    assert "group 1 against group 2" in printed.output
    assert f"Methods: {result.conventions}" in printed.output
    assert picture.read_text().count("Random effects") >= 1


def test_pool_keeps_groups_apart(own_table):
    printed = run("pool", str(own_table), "--by", "kind")
    assert printed.exit_code == 0
    assert "kind = old" in printed.output
    assert "Test for subgroup differences" in printed.output


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["{}", "--measure", "XX"], 2, "measure='XX' is not known"),
        (["{}", "--by", "knid"], 2, "did you mean 'kind'"),
        (["{}", "--forest", "plot.docx"], 2, "end its name so"),
        (["{}", "--forest", "/nowhere/plot.svg"], 1, "cannot be written"),
        (["{}x"], 2, "trials.csvx"),
    ],
)
def test_pool_ends_with_one_line_and_a_code(own_table, arguments, code, said):
    printed = run("pool", *(argument.format(own_table) for argument in arguments))
    assert printed.exit_code == code
    assert said in printed.stderr
    assert printed.stderr.strip().count("\n") == 0
