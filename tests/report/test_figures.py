"""The figures as build products: same bytes on every run, and every kind of drift is told apart."""

import json

import pytest
from typer.testing import CliRunner

from acuevidence.cli import app
from acuevidence.errors import InputError
from acuevidence.report import drawing

NAME = "forest_neck_pain_single"


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    folder = tmp_path_factory.mktemp("figures")
    drawing.build(folder, only=[NAME])
    return folder


def test_a_figure_has_the_same_bytes_on_every_run(built, tmp_path):
    drawing.build(tmp_path, only=[NAME])
    for suffix in ("png", "svg"):
        assert (tmp_path / f"{NAME}.{suffix}").read_bytes() == (built / f"{NAME}.{suffix}").read_bytes()


def test_the_manifest_names_inputs_versions_and_figures(built):
    manifest = json.loads((built / "manifest.json").read_text())
    assert set(manifest["figures"]) == {f"{NAME}.png", f"{NAME}.svg"}
    assert {"trials.csv", "results.csv", "selection.yaml"} <= set(manifest["data"])
    assert "matplotlib" in manifest["environment"]


def test_check_is_quiet_when_nothing_changed(built):
    assert drawing.check(built, only=[NAME]) == []


def test_check_names_an_edited_file(built, tmp_path):
    for file in built.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    (tmp_path / f"{NAME}.svg").write_text("<svg/>")
    (drift,) = drawing.check(tmp_path, only=[NAME])
    assert drift.file == f"{NAME}.svg"
    assert "edited" in drift.reason


def test_check_names_the_data_table_that_changed(built, tmp_path):
    manifest = json.loads((built / "manifest.json").read_text())
    manifest["data"]["results.csv"] = "another"
    manifest["figures"] = dict.fromkeys(manifest["figures"], "another")
    for file in built.iterdir():
        (tmp_path / file.name).write_bytes(b"older" if file.suffix != ".json" else json.dumps(manifest).encode())
    reasons = [drift.reason for drift in drawing.check(tmp_path, only=[NAME])]
    assert len(reasons) == 2
    assert all("results.csv" in reason for reason in reasons)


def test_check_names_a_missing_file(built, tmp_path):
    (tmp_path / "manifest.json").write_bytes((built / "manifest.json").read_bytes())
    assert {d.file for d in drawing.check(tmp_path, only=[NAME])} == {f"{NAME}.png", f"{NAME}.svg"}


def test_an_unknown_figure_is_refused_with_the_known_ones(tmp_path):
    with pytest.raises(InputError, match="nuance"):
        drawing.build(tmp_path, only=["nuanse"])


def test_the_command_exits_1_and_names_the_figure_that_would_change(built, tmp_path):
    (tmp_path / "manifest.json").write_bytes((built / "manifest.json").read_bytes())
    done = CliRunner().invoke(app, ["figures", "--check", "--only", NAME, "--out", str(tmp_path)])
    assert done.exit_code == 1
    assert f"{NAME}.png would change" in done.output


def test_validate_prints_that_every_table_is_valid():
    done = CliRunner().invoke(app, ["validate"])
    assert done.exit_code == 0
    assert "Every table is valid" in done.output
