"""Make one careless change at a time and see whether a test notices: python tests/mutants/run.py [WORD ...].

Each entry of mutants.yaml is a file, a text that stands in it once, what to write in its place, and the tests that should fail. The
changes are made in a worktree of the last commit, never in the checkout. WORDs choose entries whose file or kind holds one of them.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[2]
GOAL = 0.9


def entries(words: list[str]) -> list[dict[str, str]]:
    """Return the changes to make."""
    listed = yaml.safe_load((Path(__file__).parent / "mutants.yaml").read_text(encoding="utf-8"))
    return [one for one in listed if not words or any(word in f"{one['file']} {one['kind']}" for word in words)]


def noticed(tree: Path, one: dict[str, str]) -> bool:
    """Make one change in the worktree, run its tests, and take the change back."""
    path = tree / one["file"]
    text = path.read_text(encoding="utf-8")
    if text.count(one["old"]) != 1:
        raise SystemExit(f"{one['file']}: {one['old']!r} stands there {text.count(one['old'])} times; mend the entry")
    path.write_text(text.replace(one["old"], one["new"]), encoding="utf-8")
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", "-n", "0", *one["tests"].split()]
    environment = {**os.environ, "PYTHONPATH": str(tree), "PYTHONDONTWRITEBYTECODE": "1"}
    try:
        return subprocess.run(command, cwd=tree, env=environment, capture_output=True, check=False).returncode == 1
    finally:
        path.write_text(text, encoding="utf-8")


def main() -> int:
    """Run the set and say which changes nobody noticed."""
    chosen, missed = entries(sys.argv[1:]), []
    with tempfile.TemporaryDirectory() as folder:
        tree = Path(folder) / "tree"
        subprocess.run(["git", "worktree", "add", "--detach", "--quiet", str(tree), "HEAD"], cwd=ROOT, check=True)
        try:
            for number, one in enumerate(chosen, 1):
                start = time.monotonic()
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
