"""Make one careless change at a time and see whether a test notices: python tests/mutants/run.py [WORD ...].

Each entry of mutants.yaml is a file, a text that stands in it once, what to write in its place, and the tests that should fail. The
changes are made in a worktree of the last commit, never in the checkout; where an entry's tests fail without its change, the run
stops; so it does where a text no longer stands once in its file. WORDs choose entries whose file or kind holds one of them.
"""

from __future__ import annotations

import importlib
import os
import subprocess
import sys
import tempfile
import time
from importlib.util import cache_from_source
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
GOAL = 0.95
# What the package and its tests import from elsewhere is imported once; each change then runs in a fork of this process.
_OTHERS = (
    "numpy",
    "pandas",
    "scipy.stats",
    "scipy.optimize",
    "matplotlib.pyplot",
    "pandera.pandas",
    "hypothesis",
    "formulaic",
    "typer.testing",
)


def entries(words: list[str]) -> list[dict[str, str]]:
    """Return the changes to make."""
    listed = yaml.safe_load((Path(__file__).parent / "mutants.yaml").read_text(encoding="utf-8"))
    for one in listed:
        there = (ROOT / one["file"]).read_text(encoding="utf-8").count(one["old"])
        if there != 1:
            raise SystemExit(f"{one['file']}: {one['old']!r} stands there {there} times; mend the entry")
    return [one for one in listed if not words or any(word in f"{one['file']} {one['kind']}" for word in words)]


def passes(tree: Path, tests: str) -> bool:
    """Run tests in a fork that imports the package from the worktree; whether all of them pass."""
    child = os.fork()
    if child:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    os.chdir(tree)
    os.environ["PYTHONPATH"] = sys.path[0] = str(tree)
    out = os.open(os.devnull, os.O_WRONLY)
    os.dup2(out, 1)
    os.dup2(out, 2)
    os._exit(int(pytest.main(["-q", "-x", "-p", "no:cacheprovider", "-n", "0", *tests.split()])))


def noticed(tree: Path, one: dict[str, str]) -> bool:
    """Make one change in the worktree, run its tests, and take the change back."""
    path = tree / one["file"]
    text = path.read_text(encoding="utf-8")
    try:
        _write(path, text.replace(one["old"], one["new"]))
        return not passes(tree, one["tests"])
    finally:
        _write(path, text)


def _write(path: Path, text: str) -> None:
    """Write a file and forget what Python compiled of it: two changes in one second may have one size."""
    path.write_text(text, encoding="utf-8")
    Path(cache_from_source(str(path))).unlink(missing_ok=True)


def main() -> int:
    """Run the set and say which changes nobody noticed."""
    os.environ["MPLBACKEND"] = "agg"
    for name in _OTHERS:
        importlib.import_module(name)
    chosen, missed, sound = entries(sys.argv[1:]), [], set()
    with tempfile.TemporaryDirectory() as folder:
        tree = Path(folder) / "tree"
        subprocess.run(["git", "worktree", "add", "--detach", "--quiet", str(tree), "HEAD"], cwd=ROOT, check=True)
        try:
            for number, one in enumerate(chosen, 1):
                start = time.monotonic()
                new = [one["tests"]] if " -k " in one["tests"] else one["tests"].split()
                new = [tests for tests in new if tests not in sound]
                if new and not passes(tree, " ".join(new)):
                    raise SystemExit(f"{' '.join(new)}: fails as it is")
                sound.update(new)
                seen = noticed(tree, one)
                missed += [] if seen else [one]
                print(
                    f"{number:3d}/{len(chosen)} {'noticed' if seen else 'MISSED '} {time.monotonic() - start:5.1f} s  "
                    f"{one['file']}: {one['kind']}",
                    flush=True,
                )
        finally:
            subprocess.run(["git", "worktree", "remove", "--force", str(tree)], cwd=ROOT, check=True)
    share = 1 - len(missed) / len(chosen)
    print(f"{len(chosen) - len(missed)} of {len(chosen)} changes noticed ({share:.0%})")
    return int(share < GOAL)


if __name__ == "__main__":
    sys.exit(main())
