"""Does the wheel work where nothing else is: built, installed in a bare environment, run from another folder?

The environment has the wheel alone; its dependencies are lent from this one by a path file, so that the test needs no network.
"""

import subprocess
import sys
import sysconfig
import tarfile
import venv
import zipfile
from importlib.metadata import version
from pathlib import Path

import pytest

import acuevidence as ae

ROOT = Path(__file__).resolve().parents[2]
SMOKE = """
import json, pathlib, sys
import acuevidence as ae
assert sys.prefix in ae.__file__, ae.__file__
evidence = ae.load_evidence()
assert sys.prefix in evidence.folder, evidence.folder
effects = ae.trial_effects("neck_pain")
result = ae.meta_analysis("yi", "vi", data=effects, labels="study", by="comparator")
ae.report.export(result, "neck.json")
print(json.dumps({"version": ae.__version__, "trials": len(evidence.trials), "rows": len(effects),
                  "sham": result["sham"].estimate}))
"""

pytestmark = pytest.mark.release


def run(*command, cwd):
    done = subprocess.run([str(c) for c in command], cwd=cwd, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """The wheel, and the source archive it was built from."""
    out = tmp_path_factory.mktemp("dist")
    code = (
        "import sys; from hatchling.builders.sdist import SdistBuilder as S; from hatchling.builders.wheel import WheelBuilder as W\n"
        "[print(p) for B in (S, W) for p in B(sys.argv[1]).build(directory=sys.argv[2])]"
    )
    sdist, wheel = map(Path, run(sys.executable, "-c", code, ROOT, out, cwd=out).split())
    return sdist, wheel


@pytest.fixture(scope="module")
def bare(built, tmp_path_factory):
    """A new environment with the wheel, and this one's other packages behind it."""
    home = tmp_path_factory.mktemp("bare")
    venv.create(home, with_pip=False, symlinks=True)
    site = next((home / "lib").glob("python*/site-packages"))
    with zipfile.ZipFile(built[1]) as wheel:
        wheel.extractall(site)
    (site / "lent.pth").write_text(sysconfig.get_paths()["purelib"])
    return home / "bin" / "python"


def test_wheel_holds_code_data_licences_and_nothing_else(built):
    with zipfile.ZipFile(built[1]) as wheel:
        names = wheel.namelist()
    data = {p.name for p in (ROOT / "data").iterdir()}
    assert {n.split("/")[2] for n in names if n.startswith("acuevidence/data/")} == data
    assert "acuevidence/py.typed" in names
    assert {n.split("/")[-1] for n in names if "/licenses/" in n} == {"LICENSE", "LICENSE-DATA"}
    assert {n.split("/")[0].split("-")[0] for n in names} == {"acuevidence"}
    code = {p.relative_to(ROOT).as_posix() for p in (ROOT / "acuevidence").rglob("*.py")}
    assert {n for n in names if n.endswith(".py")} == code


def test_source_archive_builds_and_tests_on_its_own(built):
    with tarfile.open(built[0]) as archive:
        names = {name.split("/", 1)[1] for name in archive.getnames() if "/" in name}
    assert {"pyproject.toml", "README.md", "data/trials.csv", "tests/release/test_wheel.py"} <= names


def test_installed_package_gives_the_numbers_of_the_checkout(bare, tmp_path):
    import json

    found = json.loads(run(bare, "-I", "-c", SMOKE, cwd=tmp_path))
    effects = ae.trial_effects("neck_pain")
    here = ae.meta_analysis("yi", "vi", data=effects, by="comparator")
    assert found == {
        "version": ae.__version__,
        "trials": len(ae.load_evidence().trials),
        "rows": len(effects),
        "sham": here["sham"].estimate,
    }
    assert (tmp_path / "neck.json").stat().st_size > 1_000


def test_module_runs_as_a_program_and_knows_its_version(bare, tmp_path):
    assert run(bare, "-I", "-m", "acuevidence", "--version", cwd=tmp_path).split() == ["acuevidence", ae.__version__]
    assert "Every table is valid" in run(bare, "-I", "-m", "acuevidence", "validate", cwd=tmp_path)


def test_version_stands_in_one_place(built):
    assert version("acuevidence") == ae.__version__
    assert all(f"-{ae.__version__}" in path.name for path in built)
    assert "version =" not in (ROOT / "pyproject.toml").read_text().partition("[project]")[2].partition("[project.")[0]
