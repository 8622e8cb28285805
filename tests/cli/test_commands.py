"""Do the commands print what the functions say, and end with a code that scripts can use?"""

import json

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
