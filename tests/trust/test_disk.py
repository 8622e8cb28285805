"""Two writers in one folder, links in place of files, files that may not grow, a manifest that is none: nothing is lost or overwritten."""

import subprocess
import sys
import threading
import time
from pathlib import Path

import pandas as pd
import pytest

import acuevidence as ae
from acuevidence.evidence.revisions import folder_at
from acuevidence.report import drawing

ROOT = Path(ae.__file__).parents[1]
LIMITED = """
import resource, sys
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
import pandas as pd
import acuevidence as ae
try:
    ae.report.export(pd.DataFrame({"a": range(10_000)}), sys.argv[1])
except ae.InputError as error:
    print(error)
"""


def test_two_runs_in_one_folder_both_stand_in_the_manifest(tmp_path, monkeypatch):
    drawn = lambda chosen, progress: [(one, {f"{one.name}.png": one.name.encode()}) for one in chosen]  # noqa: E731
    monkeypatch.setattr(drawing, "_drawn", drawn)
    written = drawing._manifest_bytes

    def slowly(*given):
        time.sleep(0.05)
        return written(*given)

    monkeypatch.setattr(drawing, "_manifest_bytes", slowly)
    names = ["nuance", "network", "evidence_map", "safety"]
    runs = [threading.Thread(target=drawing.build, args=(tmp_path,), kwargs={"only": [name]}) for name in names]
    for run in runs:
        run.start()
    for run in runs:
        run.join()
    assert sorted(drawing._manifest(tmp_path)["figures"]) == sorted(f"{name}.png" for name in names)


def test_a_manifest_that_is_none_is_named(tmp_path):
    (tmp_path / "manifest.json").write_text("{", encoding="utf-8")
    with pytest.raises(ae.InputError, match=r"manifest.json is no manifest of figures .*take it away"):
        drawing.check(tmp_path)


def test_a_link_is_replaced_and_what_it_leads_to_stays(tmp_path):
    (tmp_path / "kept.csv").write_text("kept", encoding="utf-8")
    (tmp_path / "out.csv").symlink_to(tmp_path / "kept.csv")
    ae.report.export(pd.DataFrame({"a": [1]}), tmp_path / "out.csv")
    assert (tmp_path / "kept.csv").read_text(encoding="utf-8") == "kept"
    assert (tmp_path / "out.csv").read_text(encoding="utf-8") == "a\n1\n" and not (tmp_path / "out.csv").is_symlink()


def test_a_file_that_may_not_grow_leaves_the_old_one(tmp_path):
    (tmp_path / "out.csv").write_text("old", encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-c", LIMITED, tmp_path / "out.csv"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert "out.csv cannot be written: File too large" in done.stdout and done.stderr == ""
    assert [path.read_text(encoding="utf-8") for path in tmp_path.iterdir()] == ["old"]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_output_to_a_full_disk_ends_with_one_line():
    with open("/dev/full", "w", encoding="utf-8") as full:
        done = subprocess.run(
            [sys.executable, "-m", "acuevidence", "template"], cwd=ROOT, stdout=full, stderr=subprocess.PIPE, text=True, check=False
        )
    assert done.returncode == 1
    assert done.stderr == "error: the output cannot be written: No space left on device\n"


def test_a_link_in_a_repository_leads_nowhere(tmp_path):
    (tmp_path / "secret.csv").write_text("trial_id\nsecret\n", encoding="utf-8")
    repository = tmp_path / "repository"
    (repository / "data").mkdir(parents=True)
    (repository / "data" / "trials.csv").symlink_to("../../secret.csv")
    for command in (["init", "-q"], ["add", "-A"], ["-c", "user.name=a", "-c", "user.email=a@b", "commit", "-q", "-m", "link"]):
        subprocess.run(["git", "-C", repository, *command], check=True)
    with folder_at("HEAD", repository / "data") as (folder, name):
        assert not (folder / "trials.csv").is_symlink()
        assert (folder / "trials.csv").read_text(encoding="utf-8") == "../../secret.csv"
        assert name.startswith("data at HEAD")
    assert not folder.exists()
    for place in ("--output=x", "HEAD:data", ""):
        if not place or not Path(place).is_dir():
            with (
                pytest.raises(ae.InputError, match="neither a folder nor a revision"),
                folder_at(place or "@{-9}", repository / "data"),
            ):
                pass
