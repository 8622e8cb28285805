"""A run that dies while it writes leaves the old files whole, whatever it was writing and wherever it died."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import acuevidence as ae
from acuevidence.report import drawing
from acuevidence.report import whole_files as files

OLD = b"the old file, whole"
NAMES = ["nuance.png", "nuance.svg", "manifest.json", "out.csv", "out.json", "out.rm5"]


@pytest.fixture
def folder(tmp_path):
    for name in NAMES:
        (tmp_path / name).write_bytes(OLD)
    return tmp_path


@pytest.fixture
def drawn(monkeypatch):
    """Stand-in for drawing, which is not what is tested: the files a figure gives."""
    monkeypatch.setattr(drawing, "_render", lambda figure: {"nuance.png": b"new png", "nuance.svg": b"new svg"})


def writes(folder):
    result = ae.meta_analysis([0.2, 0.5, 0.3], [0.02, 0.04, 0.03], labels=["A", "B", "C"])
    trials = result.data.rename(columns={"labels": "study"})
    return {
        "figures": lambda: drawing.build(folder, only=["nuance"]),
        "csv": lambda: ae.report.export(trials, folder / "out.csv"),
        "json": lambda: ae.report.export(result, folder / "out.json"),
        "rm5": lambda: ae.report.export(trials, folder / "out.rm5"),
    }


def whole(folder):
    assert sorted(p.name for p in folder.iterdir()) == sorted(NAMES), "a temporary file was left behind"
    return [p.name for p in folder.iterdir() if p.read_bytes() != OLD]


@pytest.mark.parametrize("what", ["figures", "csv", "json", "rm5"])
@pytest.mark.parametrize("step", ["fdopen", "chmod", "replace"])
@pytest.mark.parametrize("death", [KeyboardInterrupt, MemoryError, SystemExit])
def test_death_while_writing_leaves_the_old_file(folder, drawn, monkeypatch, what, step, death):
    (folder / "manifest.json").write_bytes(OLD if what != "figures" else json.dumps({"old": 1}).encode())
    before = (folder / "manifest.json").read_bytes()

    def dies(*_, **__):
        raise death

    monkeypatch.setattr(files.os, step, dies)
    with pytest.raises(death):
        writes(folder)[what]()
    monkeypatch.undo()
    assert (folder / "manifest.json").read_bytes() == before
    assert set(whole(folder)) <= ({"manifest.json"} if what == "figures" else set())


@pytest.mark.parametrize("what", ["csv", "json", "rm5"])
def test_full_disk_is_an_error_of_ours_and_leaves_the_old_file(folder, monkeypatch, what):
    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(files.os, "replace", full)
    with pytest.raises(ae.InputError, match="No space left on device"):
        writes(folder)[what]()
    monkeypatch.undo()
    assert whole(folder) == []


@pytest.mark.parametrize("what", ["csv", "json", "rm5"])
def test_finished_write_replaces_the_old_file(folder, what):
    writes(folder)[what]()
    assert whole(folder) == [f"out.{what}"]


KILLED = """
import sys, time
from pathlib import Path
import pandas as pd
import acuevidence as ae
from acuevidence.report import whole_files as files
folder = Path(sys.argv[1])
i = 0
print("ready", flush=True)
while True:
    i += 1
    files.replace(folder / "a.csv", (f"{i}\\n" * 200_000).encode())
    ae.report.export(pd.DataFrame({str(i): [i] * 199_999}), folder / "b.csv")
"""


def test_killed_process_leaves_files_of_one_run_each(tmp_path):
    for name in ("a.csv", "b.csv"):
        (tmp_path / name).write_bytes(b"0\n" * 200_000)
    for wait in (0.02, 0.11, 0.23):
        process = subprocess.Popen(
            [sys.executable, "-c", KILLED, str(tmp_path)], stdout=subprocess.PIPE, cwd=Path(ae.__file__).parents[1]
        )
        assert process.stdout.readline() == b"ready\n"
        time.sleep(wait)
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        process.stdout.close()
        for name in ("a.csv", "b.csv"):
            lines = (tmp_path / name).read_bytes().splitlines()
            assert len(lines) == 200_000
            assert len(set(lines)) == 1
