"""A small review to damage, and what is asked of it: every YAML file of a review goes through the code that reads it."""

import copy
import json
import shutil
from pathlib import Path

import pandas as pd
import yaml

import acuevidence as ae
from acuevidence.evidence import data_folder, default_folder
from acuevidence.evidence.load import _over
from acuevidence.evidence.rules import load_rules
from acuevidence.evidence.schema import with_vocabulary
from acuevidence.topic import load_topic

FILES = ("topic", "selection", "appraisal", "claims")
CONDITIONS = ("low_back_pain", "neck_pain", "fibromyalgia")
_TRIALS = ["vas2006", "assefi2005", "cherkin2001", "leibing2002", "brinkhaus2006", "haake2007", "witt2006neck", "itoh2010"]
# Values that are of no use anywhere, and some that are of use somewhere.
VALUES = [
    *(None, "", 0, -1, 1.5, float("nan"), float("inf"), True, [], {}, "x" * 2_000, ["a"], [None], {"a": 1}, {"a": None}, {1: 2}),
    *("(", "[", "*", "low_back_pain", "sham", [[]], 10**30, "{x}", "{", "2020-13-45", {"value": "x"}, "\u202e", [1, 2], {None: 1}),
]


def small_review(folder: Path) -> Path:
    """Write the package's rules with a few of its trials."""
    shutil.copytree(data_folder(), folder, ignore=shutil.ignore_patterns("ipd"))
    for table in ("trials", "arms", "results", "contrasts", "directions", "quality", "design", "indirect"):
        cells = pd.read_csv(folder / f"{table}.csv", dtype=str, keep_default_na=False)
        cells[cells["trial_id"].isin(_TRIALS)].to_csv(folder / f"{table}.csv", index=False)
    return folder


class Review:
    """A loaded review, of which one file is exchanged at a time."""

    def __init__(self, folder: Path):
        self.folder = small_review(folder / "review")
        self.evidence = ae.load_evidence(self.folder)
        self.good = {name: yaml.safe_load((self.folder / f"{name}.yaml").read_text(encoding="utf-8")) for name in FILES}
        self._descriptor = json.loads((self.folder / "datapackage.json").read_text(encoding="utf-8"))
        self._place = folder / "damaged"
        self._place.mkdir()

    def ask(self, name: str, content: bytes) -> None:
        """Read a file in place of the good one and use what it says; only the package's own errors are right."""
        (self._place / f"{name}.yaml").write_bytes(content)
        given = self.evidence
        if name == "topic":
            topic = load_topic(self._place)
            with_vocabulary(self._descriptor, topic)
            given = given.changed(topic=topic, rules=given.rules.__class__(**{**_fields(given.rules), "topic": topic}))
        elif name == "selection":
            given = given.changed(rules=load_rules(self._place, default_folder(), given.topic))
        else:
            given = given.changed(**{name: _over(self._place, default_folder(), f"{name}.yaml")})
        for condition in [one for one in CONDITIONS if one in ae.conditions(given)][: 1 if name == "claims" else 3]:
            for group, result in ae.pooled(condition, evidence=given).items():
                given.topic.against(group)
                ae.certainty(result, evidence=given)
        if name == "appraisal":
            ae.questions.safety(evidence=given)
        if name == "claims":
            table = ae.claims(given)
            if len(table):
                ae.evaluate_claims(table["id"].iloc[len(content) % len(table)], given)


def _fields(rules):
    return {name: getattr(rules, name) for name in rules.__dataclass_fields__}


def damaged(good, rng):
    """Return the entries of a file with one to three of them exchanged, taken out, or renamed."""
    tree = copy.deepcopy(good)
    for _ in range(rng.choice([1, 1, 1, 2, 3])):
        path = rng.choice([one for one in _paths(tree) if one])
        at = tree
        for key in path[:-1]:
            at = at[key]
        how = rng.random()
        if how < 0.55:
            at[path[-1]] = copy.deepcopy(rng.choice(VALUES))
        elif how < 0.8:
            del at[path[-1]]
        elif isinstance(at, dict):
            at[rng.choice(["extra", 1, None, "value"])] = at.pop(path[-1])
        else:
            at.insert(0, copy.deepcopy(rng.choice(VALUES)))
    return tree


def _paths(tree, path=()):
    yield path
    for key in tree if isinstance(tree, dict) else range(len(tree)) if isinstance(tree, list) else ():
        yield from _paths(tree[key], (*path, key))
