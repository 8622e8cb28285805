"""Words of a review: what a topic says of sides, colours and vocabularies, and what it refuses."""

import copy
import pickle

import pytest

import acuevidence as ae
from acuevidence.evidence import data_folder
from acuevidence.topic import NEUTRAL, load_topic, topic_of

EXERCISE = """\
name: Exercise for depression
treatment: {role: exercise, label: Exercise, phrase: exercise}
comparators:
  drug: {label: Sertraline, phrase: sertraline, roles: [drug], kind: active, colour: "#123456"}
  waiting: {label: Waiting list, phrase: a waiting list, roles: [waitlist, none], kind: untreated}
other_roles: [talk]
conditions:
  depression: {label: Major depression, outcomes: [symptoms]}
outcomes:
  symptoms: {label: depressive symptoms}
  response: {label: response}
columns:
  trials: {setting: [group, alone], hours: number}
"""


@pytest.fixture
def topic(tmp_path):
    (tmp_path / "topic.yaml").write_text(EXERCISE, encoding="utf-8")
    return load_topic(tmp_path)


def test_words_of_a_comparison(topic):
    assert topic.against("waiting") == "Exercise v a waiting list"
    assert topic.sides("benefit", "drug") == ("Favours sertraline", "Favours exercise")
    assert topic.sides("events") == ("More events with comparator", "More events with exercise")
    assert topic.sides("spread", "waiting") == ("Less spread with exercise", "More spread with exercise")
    assert topic.sides(None, "drug") == ("lower", "higher")


def test_what_is_not_known_keeps_its_own_name(topic):
    assert topic.against("talking_cure") == "Exercise v talking cure"
    assert topic.label("panic_disorder") == "Panic disorder"
    assert NEUTRAL.against("high_dose") == "High dose"
    assert NEUTRAL.sides("benefit") == ("Favours group 2", "Favours group 1")


def test_colours_are_the_comparator_s_own_or_differ_by_place(topic):
    assert topic.colour("drug") == "#123456"
    assert topic.colour("waiting") == "#D55E00"
    bare = NEUTRAL.named_by({"depression": ["symptoms"]}, ["treatment", "drug", "waitlist"])
    assert bare.colour("drug") != bare.colour("waitlist")


def test_vocabulary_is_what_the_file_names(topic):
    vocabulary = topic.vocabulary()
    assert vocabulary["role"] == ["exercise", "drug", "waitlist", "none", "talk"]
    assert vocabulary["comparator"] == ["drug", "waitlist", "none", "talk"]
    assert vocabulary["favours"] == ["exercise", "comparator", "neither"]
    assert vocabulary["condition"] == ["depression"]
    assert vocabulary["outcome"] == ["symptoms", "response"]
    setting, hours = topic.columns["trials"]
    assert (setting.values, hours.type) == (("group", "alone"), "number")


def test_copies_are_the_topic_itself(topic):
    assert copy.deepcopy(topic) is topic
    assert copy.copy(topic) is topic
    assert pickle.loads(pickle.dumps(topic)) == topic


def test_topic_of_what_carries_none_is_neutral():
    assert topic_of([1, 2]) is NEUTRAL
    assert topic_of({"one": 1}) is NEUTRAL
    assert topic_of(ae.meta_analysis([0.1, 0.2], [0.01, 0.02])) is NEUTRAL


def test_the_package_s_topic_names_every_condition():
    named = load_topic(data_folder()).vocabulary()["condition"]
    assert len(named) == 10
    assert {"low_back_pain", "pelvic_pain", "hip_osteoarthritis"} <= set(named)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (("role: exercise", "rule: exercise"), "treatment has an unknown entry 'rule'"),
        (("roles: [drug]", "roles: [exercise]"), "an arm in the role exercise would stand on two sides"),
        (("outcomes: [symptoms]", "outcomes: [mood]"), "conditions.depression.outcomes must name outcomes of this file"),
        (("kind: active", "kind: pill"), "kind must be placebo, untreated or active"),
        (("hours: number", "hours: hour"), "columns.trials.hours.type must be one of"),
        (("other_roles: [talk]", "other_roles: talk"), "other_roles must be a list of names"),
        (("name: Exercise for depression\n", ""), "needs an entry 'name'"),
        (("name: Exercise for depression\n", "nmae: x\nname: y\n"), "unknown entry 'nmae'"),
        (("{label: response}", "{label: [}"), "line 11"),
        ((EXERCISE, "- just\n- a list\n"), "must hold entries of the form"),
    ],
)
def test_a_fault_is_named(tmp_path, change, words):
    (tmp_path / "topic.yaml").write_text(EXERCISE.replace(*change), encoding="utf-8")
    with pytest.raises(ae.InputError, match=words):
        load_topic(tmp_path)


def test_a_file_nested_without_end_is_refused(tmp_path):
    (tmp_path / "topic.yaml").write_text("[" * 100_000, encoding="utf-8")
    with pytest.raises(ae.InputError, match="is not YAML"):
        load_topic(tmp_path)
