"""Whatever stands in the YAML files of a review, the only exceptions are the package's own, and they say where the fault is."""

import os
import random
import sys
from pathlib import Path

import pytest
import yaml

import acuevidence as ae
from acuevidence.shapes import shaped

sys.path.insert(0, str(Path(__file__).parent / "fuzz"))
from reviews import FILES, Review, damaged

TRIES = {"topic": 5, "selection": 6, "appraisal": 4, "claims": 3}
LONG = 100 if os.environ.get("ACUEVIDENCE_HYPOTHESIS") == "long" else 1
LAUGHS = "\n".join(
    ["a0: &a0 [x, x, x, x, x, x, x, x, x]", *(f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]" for i in range(1, 10))]
)


@pytest.fixture(scope="module")
def review(tmp_path_factory):
    return Review(tmp_path_factory.mktemp("damaged"))


@pytest.mark.parametrize("name", FILES)
def test_damaged_entries_raise_nothing_but_our_own(review, name):
    rng, refused = random.Random(name), 0
    for _ in range(TRIES[name] * LONG):
        tree = damaged(review.good[name], rng)
        try:
            review.ask(name, yaml.safe_dump(tree, allow_unicode=True).encode())
        except ae.AcuevidenceError:
            refused += 1
    assert refused > 0


@pytest.mark.parametrize(
    "content",
    [
        b"\xff\xfe",
        b"- a",
        b"a: &a [*a]",
        b"[" * 3_000,
        b"a: !!python/object/apply:os.system ['true']",
        LAUGHS.encode(),
        b"? [a]\n: b",
    ],
    ids=["bytes", "list", "endless", "deep", "tag", "laughs", "key"],
)
def test_files_that_are_no_rules_are_refused(review, content):
    with pytest.raises(ae.InputError, match="selection.yaml"):
        review.ask("selection", content)


@pytest.mark.parametrize(
    ("name", "given", "said"),
    [
        ("selection.yaml", {"course": "eight"}, "course must be a number above 0, not 'eight'"),
        ("selection.yaml", {"r2": 1.0}, "r2 must be a number from 0 to below 1, not 1.0"),
        ("selection.yaml", {"levels": ["arms"]}, r"levels must be a list of arms, contrast in the preferred order, not \['arms'\]"),
        ("selection.yaml", {"measures": {"pain": ["("]}}, r"measures.pain\[1\] must be a regular expression, not '\('"),
        ("selection.yaml", {"remarks": [{"trial_id": "a"}]}, r"remarks\[1\] needs an entry 'outcome'"),
        (
            "selection.yaml",
            {"untreated": {"roles": [], "weeks": 5, "week": 1}},
            "untreated has an unknown entry 'week'; known: roles, weeks",
        ),
        ("selection.yaml", {"words": {1: 2}}, "words has an entry whose name is no text: 1; put it in quotes"),
        (
            "topic.yaml",
            {"name": "a", "treatment": {}, "comparators": {}, "conditions": [], "outcomes": {}},
            "conditions must hold entries",
        ),
    ],
)
def test_the_message_names_the_place_and_the_form(name, given, said):
    with pytest.raises(ae.InputError, match=said):
        shaped(name, given)


def test_an_empty_entry_that_may_be_left_out_counts_as_left_out():
    assert shaped("selection.yaml", {"course": None, "rounding": 2}) == {"rounding": 2}


def test_a_claim_that_lacks_what_its_analysis_needs_is_named(review):
    claims = {**review.good["claims"], "claims": [{**review.good["claims"]["claims"][0], "options": {}}]}
    with pytest.raises(ae.InputError, match=r"claims.yaml: lbp-relief needs options.aim for its analysis"):
        review.ask("claims", yaml.safe_dump(claims).encode())
