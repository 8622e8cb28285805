"""A review on another topic, from its empty folder to its pooled effects: nothing of the package's own review reaches it.

The trials are invented; the expected effects are worked by hand from their means.
"""

import json
import re

import pandas as pd
import pytest
from typer.testing import CliRunner

import acuevidence as ae
from acuevidence.cli import app
from acuevidence.evidence.scaffold import start_review

FIRST_TOPIC = re.compile(r"acupunct|sham|\bpain", re.IGNORECASE)
PLACE = {"source_url": "https://example.org", "source_kind": "abstract", "locator": "results", "figures_as_printed": "as entered",
         "extraction": "single"}  # fmt: skip


def enter(folder, table, rows):
    columns = pd.read_csv(folder / f"{table}.csv").columns
    pd.DataFrame(rows, columns=columns).to_csv(folder / f"{table}.csv", index=False)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Six trials: three against tablets, three against a waiting list, half a standard deviation better than the latter."""
    folder = tmp_path_factory.mktemp("review") / "exercise"
    start_review(folder, name="Exercise for depression", treatment="exercise", comparator="waiting list",
                 condition="depression", outcome="depressive symptoms")  # fmt: skip
    topic = (folder / "topic.yaml").read_text(encoding="utf-8")
    words = '    roles: [waiting_list]\n    kind: untreated\n  drug: {label: Sertraline, phrase: sertraline, roles: [drug], kind: active}'
    (folder / "topic.yaml").write_text(
        topic.replace("    roles: [\"waiting_list\"]", words).replace("    roles: [waiting_list]", words), encoding="utf-8"
    )
    trials, arms, results = [], [], []
    for i, (role, gain) in enumerate([("waiting_list", 4.0), ("waiting_list", 5.0), ("waiting_list", 6.0)] + [("drug", 0.0)] * 3):
        key = {"trial_id": f"made{i}", "condition": "depression"}
        trials.append({**key, "study": f"Made-up {i}", "year": 2001 + i, "treatment_weeks": 12, "design": "parallel"})
        for arm, of, mean in (("run", "treatment", 20.0 - gain), ("other", role, 20.0)):
            arms.append({**key, "arm": arm, "role": of, "description": of.replace("_", " "), "n_randomized": 50})
            results.append({**key, "arm": arm, "outcome": "depressive_symptoms", "measure": "BDI", "week": 12, "n": 50, "mean": mean,
                            "sd": 10.0, "benefit": -1, "statistic": "final", "timing": "end_of_treatment", **PLACE})  # fmt: skip
    enter(folder, "trials", trials)
    enter(folder, "arms", arms)
    enter(folder, "results", results)
    return folder


@pytest.fixture(scope="module")
def evidence(folder):
    return ae.load_evidence(folder)


def test_effects_favour_the_treatment(evidence):
    effects = ae.trial_effects(evidence=evidence)
    assert list(effects.comparator) == ["waiting_list"] * 3 + ["drug"] * 3
    # Differences of 4, 5 and 6 points over an SD of 10, with the small-sample factor 1 - 3 / (4 * 98 - 1).
    assert list(effects.yi[:3]) == pytest.approx([d * (1 - 3 / 391) for d in (0.4, 0.5, 0.6)], rel=1e-4)
    assert not {"technique", "sham_type"} & set(effects)


def test_comparisons_are_pooled_apart(evidence):
    pooled = ae.pooled("depression", evidence=evidence)
    assert list(pooled) == ["waiting_list", "drug"]
    assert pooled["waiting_list"].estimate == pytest.approx(0.5 * (1 - 3 / 391), rel=0.01)
    assert pooled["drug"].estimate == pytest.approx(0, abs=1e-12)


def test_what_is_made_of_a_result_knows_its_own_review_alone(evidence):
    result = ae.pooled("depression", evidence=evidence)["waiting_list"]
    rated = ae.certainty(result)
    said = rated.summary() + result.summary()
    assert not FIRST_TOPIC.search(said), said
    assert rated.domains.set_index("domain").loc["risk_of_bias", "reason"].startswith("not rated")
    with pytest.raises(ae.InputError, match="give delta="):
        ae.meta_analysis([0.1, 0.2, 0.3], [0.01] * 3).sequential()
    missing = result.missing_evidence(size=0.3)
    assert not FIRST_TOPIC.search(missing.summary())
    assert missing.mid is None
    assert missing.bound_mid is None


def test_ids_that_the_package_s_own_review_has_take_nothing_from_it():
    effects = pd.DataFrame(
        {"trial_id": ["cherkin2001", "leibing2002"], "comparator": "sham", "yi": [0.2, 0.3], "vi": [0.02, 0.03]}
    )
    reasons = ae.certainty(ae.meta_analysis(data=effects)).domains.set_index("domain").reason
    assert reasons["risk_of_bias"] == "not rated: no ratings of these trials are given"


def test_a_network_of_its_treatments(evidence):
    net = ae.questions.treatment_network("depression", evidence)
    assert set(net.treatments) == {"treatment", "waiting_list", "drug"}


def test_no_word_of_the_first_topic_in_a_fresh_folder(folder):
    for file in folder.iterdir():
        assert not FIRST_TOPIC.search(file.read_text(encoding="utf-8")), file.name


def test_the_descriptor_of_a_fresh_folder_has_its_words(folder):
    descriptor = json.loads((folder / "datapackage.json").read_text(encoding="utf-8"))
    assert descriptor["title"] == "Exercise for depression"
    (condition,) = (field for field in descriptor["resources"][0]["schema"]["fields"] if field["name"] == "condition")
    assert condition["constraints"]["enum"] == ["depression"]


def test_init_needs_no_answer_and_overwrites_nothing(tmp_path):
    new = tmp_path / "new"
    made = CliRunner().invoke(app, ["init", str(new)])
    assert made.exit_code == 0, made.output
    again = CliRunner().invoke(app, ["init", str(new)])
    assert again.exit_code == 2
    assert "is not empty" in again.output + again.stderr
    valid = CliRunner().invoke(app, ["validate", str(new)])
    assert valid.exit_code == 0
    assert "No trial yet" in valid.output
    for command in (["-e", str(new), "analyse", "condition"], ["claims", "-e", str(new)]):
        found = CliRunner().invoke(app, command)
        assert found.exit_code == 0, found.output
        assert "holds no trial yet" in found.output


def test_the_folder_may_be_named_before_or_after_the_command(folder):
    before = CliRunner().invoke(app, ["-e", str(folder), "analyse", "depression"])
    after = CliRunner().invoke(app, ["analyse", "depression", "-e", str(folder)])
    assert before.exit_code == after.exit_code == 0
    assert before.output == after.output
    assert "v waiting list" in before.output
    assert not FIRST_TOPIC.search(before.output)
