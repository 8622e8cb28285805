"""A review on another topic, from its empty folder to its site: nothing of the package's own review reaches it.

The trials are invented; the expected effects are worked by hand from their means.
"""

import json
import re
import shutil
from dataclasses import replace

import pandas as pd
import pytest
from typer.testing import CliRunner

import acuevidence as ae
from acuevidence.cli import app
from acuevidence.evidence.scaffold import start_review

FIRST_TOPIC = re.compile(r"acupunct|(?<![a-z])sham|(?<![a-z])pain|needl", re.IGNORECASE)
PLACE = {
    "source_url": "https://example.org",
    "source_kind": "abstract",
    "locator": "results",
    "figures_as_printed": "as entered",
    "extraction": "single",
}


CLAIM = """
claims:
  - id: relief
    claim: Exercise eases depression.
    population: [depression]
    comparators: [waiting_list]
    outcome: depressive_symptoms
    timing: end_of_treatment
    analysis: benefit
    options: {aim: benefit}
"""


def enter(folder, table, rows):
    columns = pd.read_csv(folder / f"{table}.csv").columns
    pd.DataFrame(rows, columns=columns).to_csv(folder / f"{table}.csv", index=False)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Six trials: three against tablets, three against a waiting list, half a standard deviation better than the latter."""
    folder = tmp_path_factory.mktemp("review") / "exercise"
    start_review(
        folder,
        name="Exercise for depression",
        treatment="exercise",
        comparator="waiting list",
        condition="depression",
        outcome="depressive symptoms",
    )
    topic = (folder / "topic.yaml").read_text(encoding="utf-8")
    words = "    roles: [waiting_list]\n    kind: untreated\n  drug: {label: Sertraline, phrase: sertraline, roles: [drug], kind: active}"
    (folder / "topic.yaml").write_text(
        topic.replace('    roles: ["waiting_list"]', words).replace("    roles: [waiting_list]", words), encoding="utf-8"
    )
    trials, arms, results = [], [], []
    for i, (role, gain) in enumerate([("waiting_list", 4.0), ("waiting_list", 5.0), ("waiting_list", 6.0)] + [("drug", 0.0)] * 3):
        key = {"trial_id": f"made{i}", "condition": "depression"}
        trials.append({**key, "study": f"Made-up {i}", "year": 2001 + i, "treatment_weeks": 12, "design": "parallel"})
        for arm, of, mean in (("run", "treatment", 20.0 - gain), ("other", role, 20.0)):
            arms.append({**key, "arm": arm, "role": of, "description": of.replace("_", " "), "n_randomized": 200})
            results.append(
                {
                    **key,
                    "arm": arm,
                    "outcome": "depressive_symptoms",
                    "measure": "BDI",
                    "week": 12,
                    "n": 200,
                    "mean": mean,
                    "sd": 10.0,
                    "benefit": -1,
                    "statistic": "final",
                    "timing": "end_of_treatment",
                    **PLACE,
                }
            )
    enter(folder, "trials", trials)
    enter(folder, "arms", arms)
    enter(folder, "results", results)
    return folder


@pytest.fixture(scope="module")
def with_claim(folder, tmp_path_factory):
    """The same review with a claim, and with the threshold that claims are judged by."""
    whole = tmp_path_factory.mktemp("claimed") / "exercise"
    shutil.copytree(folder, whole)
    kept = (whole / "claims.yaml").read_text(encoding="utf-8")
    (whole / "claims.yaml").write_text(kept.replace("claims: []", "") + CLAIM, encoding="utf-8")
    row = {
        "condition": "depression",
        "outcome": "depressive_symptoms",
        "level": "between",
        "use": "decides",
        "measure": "BDI",
        "value": 0.2,
        "threshold": "0.2",
        "unit": "SD units",
        "type": "invented",
        "source_url": "https://example.org",
        "locator": "results",
    }
    enter(whole, "thresholds", [row])
    return whole


@pytest.fixture(scope="module")
def evidence(folder):
    return ae.load_evidence(folder)


def test_effects_favour_the_treatment(evidence):
    effects = ae.trial_effects(evidence=evidence)
    assert list(effects.comparator) == ["waiting_list"] * 3 + ["drug"] * 3
    # Differences of 4, 5 and 6 points over an SD of 10, with the small-sample factor 1 - 3 / (4 * 398 - 1).
    assert list(effects.yi[:3]) == pytest.approx([d * (1 - 3 / 1591) for d in (0.4, 0.5, 0.6)], rel=1e-4)
    assert not {"technique", "sham_type"} & set(effects)


def test_comparisons_are_pooled_apart(evidence):
    pooled = ae.pooled("depression", evidence=evidence)
    assert list(pooled) == ["waiting_list", "drug"]
    assert pooled["waiting_list"].estimate == pytest.approx(0.5 * (1 - 3 / 1591), rel=0.01)
    assert pooled["drug"].estimate == pytest.approx(0, abs=1e-12)


def test_what_is_made_of_a_result_knows_its_own_review_alone(evidence):
    result = ae.pooled("depression", evidence=evidence)["waiting_list"]
    rated = ae.certainty(result)
    said = rated.summary() + result.summary()
    assert not FIRST_TOPIC.search(said), said
    # No judgement of these trials is entered, so the whole weight is unjudged, which costs one step.
    domain = rated.domains.set_index("domain").loc["risk_of_bias"]
    assert domain["reason"] == "mostly not assessed or unclear by weight (not assessed 100%)"
    with pytest.raises(ae.InputError, match="give delta="):
        ae.meta_analysis([0.1, 0.2, 0.3], [0.01] * 3).sequential()
    missing = result.missing_evidence(size=0.3)
    assert not FIRST_TOPIC.search(missing.summary())
    assert missing.mid is None
    assert missing.bound_mid is None


def test_ids_that_the_package_s_own_review_has_take_nothing_from_it():
    effects = pd.DataFrame({"trial_id": ["cherkin2001", "leibing2002"], "comparator": "sham", "yi": [0.2, 0.3], "vi": [0.02, 0.03]})
    reasons = ae.certainty(ae.meta_analysis(data=effects)).domains.set_index("domain").reason
    assert reasons["risk_of_bias"] == "not assessed: the result carries no evidence on its trials"


def test_a_network_of_its_treatments(evidence):
    net = ae.questions.treatment_network("depression", evidence)
    assert set(net.treatments) == {"treatment", "waiting_list", "drug"}


def words_of(drawn):
    """Return every text of a figure."""
    from matplotlib.text import Text

    return "\n".join(text.get_text() for text in drawn.figure.findobj(Text))


@pytest.fixture(scope="module")
def site(with_claim, tmp_path_factory):
    out = tmp_path_factory.mktemp("site")
    made = CliRunner().invoke(app, ["-e", str(with_claim), "report", "--out", str(out)])
    assert made.exit_code == 0, made.output
    return out


def test_figures_speak_of_its_sides(evidence):
    groups = ae.pooled("depression", evidence=evidence)
    forest = words_of(groups.forest())
    assert not FIRST_TOPIC.search(forest), forest
    assert {"Exercise v waiting list", "Exercise v sertraline", "Favours exercise →"} <= set(forest.split("\n"))
    funnel = words_of(groups.funnel())
    assert not FIRST_TOPIC.search(funnel), funnel
    assert "positive values favour exercise" in funnel.replace("\n", " ")
    nuance = words_of(ae.plots.nuance(evidence=evidence))
    assert not FIRST_TOPIC.search(nuance), nuance
    assert "v sertraline" in nuance


def test_a_comparator_has_its_topic_s_colour(evidence):
    from matplotlib.colors import to_hex

    ax = ae.pooled("depression", evidence=evidence)["drug"].forest()
    drawn = ae.plots.funnel(ae.pooled("depression", evidence=evidence))
    (drug,) = [panel for panel in drawn.figure.axes if "sertraline" in panel.get_title(loc="left")]
    assert to_hex(drug.collections[-1].get_facecolor()[0]).upper() == evidence.topic.colour("drug")
    assert "Exercise" in words_of(ax)


def test_its_figures_are_those_that_its_tables_can_show(evidence):
    from acuevidence.report import figures

    names = set(figures.figures(evidence))
    assert {"forest_depression", "flow_depression", "nuance", "evidence_map", "network"} <= names
    # It has no placebo, no survey of harms, no published synthesis and no rating of quality.
    assert not {"decomposition", "safety", "consensus", "function_and_pain"} & names
    assert not any(name.startswith("quality") or "low_back" in name for name in names)
    assert not any(FIRST_TOPIC.search(figure.title) for figure in figures.figures(evidence).values())


def test_figures_are_drawn_from_the_folder_and_name_its_files(folder, tmp_path):
    drawn = CliRunner().invoke(app, ["figures", "--only", "flow_depression", "--out", str(tmp_path), "-e", str(folder)])
    assert drawn.exit_code == 0, drawn.output
    manifest = json.loads((tmp_path / "manifest.json").read_text(encoding="utf-8"))
    assert {"trials.csv", "results.csv", "topic.yaml"} <= set(manifest["data"])
    assert "thresholds.csv" not in manifest["data"] or (folder / "thresholds.csv").exists()
    assert not FIRST_TOPIC.search((tmp_path / "flow_depression.svg").read_text(encoding="utf-8"))


def test_what_has_too_little_to_show_is_named(evidence, monkeypatch, tmp_path):
    from acuevidence.report import drawing, figures

    names = evidence.trials["trial_id"].head(2)
    parts = ("trials", "arms", "results", "contrasts", "directions")
    two = replace(evidence, **{name: (table := getattr(evidence, name))[table["trial_id"].isin(names)] for name in parts})
    kept = {
        "flow_depression": figures.figures(evidence)["flow_depression"],
        "time_course": figures.figures(two)["time_course"],
    }
    monkeypatch.setattr(drawing, "figures", lambda evidence: kept)
    files = drawing.build(tmp_path, evidence=evidence)
    assert {file.name for file in files} == {"flow_depression.png", "flow_depression.svg", "manifest.json"}
    assert list(drawing.not_drawn(tmp_path)) == ["time_course"]
    assert drawing.check(tmp_path, evidence=evidence) == []
    with pytest.raises(ae.InputError, match="no comparator has three trials"):
        drawing.build(tmp_path, evidence=evidence, only=["time_course"])


def test_tables_and_sentences(evidence):
    from acuevidence.report.sentences import coverage, meaning
    from acuevidence.report.tables import characteristics, study_results, summary_of_findings

    groups = ae.pooled("depression", evidence=evidence)
    made = [
        characteristics("depression", evidence=evidence).to_markdown(),
        study_results(groups["drug"]).to_markdown(),
        summary_of_findings(groups).to_markdown(),
        meaning("depression", groups),
        coverage("depression", ae.trial_effects("depression", evidence=evidence)),
        groups["waiting_list"].methods_text(),
        *groups["waiting_list"].to_prisma().values(),
    ]
    for text in made:
        assert not FIRST_TOPIC.search(text), text
    assert "exercise v waiting list" in made[2]
    assert "exercise" in made[2].partition("In plain words")[2].lower()
    assert "**6 randomised trials** of exercise in depression" in made[4]


def test_a_claim_is_answered_in_its_words(with_claim):
    answers = ae.evaluate_claims(evidence=ae.load_evidence(with_claim))
    assert answers["verdict"].tolist() == ["supported"]
    assert not FIRST_TOPIC.search(answers.to_string())


def test_an_aim_that_no_rule_knows_is_named(with_claim, tmp_path):
    whole = tmp_path / "exercise"
    shutil.copytree(with_claim, whole)
    text = (whole / "claims.yaml").read_text(encoding="utf-8")
    (whole / "claims.yaml").write_text(text.replace("options: {aim: benefit}", "options: {aim: zero}"), encoding="utf-8")
    with pytest.raises(ae.InputError, match=r"claims\[relief\].options.aim must be one of .*'zero'"):
        ae.evaluate_claims(evidence=ae.load_evidence(whole))


def test_what_a_file_was_made_from_is_its_own_folder(evidence, tmp_path):
    made = ae.report.export(ae.pooled("depression", evidence=evidence)["drug"], tmp_path / "drug.json")
    content = json.loads(made.read_text(encoding="utf-8"))["made_by"]["data"]
    own = json.loads(ae.report.export(ae.pooled("neck_pain")["sham"], tmp_path / "own.json").read_text(encoding="utf-8"))
    assert content["trials.csv"] != own["made_by"]["data"]["trials.csv"]


def test_the_site_holds_no_word_of_the_first_topic(site):
    pages = sorted(path for path in site.rglob("*") if path.suffix in (".html", ".css", ".js", ".csv", ".svg", ".json"))
    assert {"index.html", "depression.html", "methods.html"} <= {page.name for page in pages}
    assert not (site / "safety.html").exists()
    for page in pages:
        found = FIRST_TOPIC.search(page.read_text(encoding="utf-8"))
        assert found is None, (page.name, found)


def test_the_site_says_what_was_entered(site):
    page = (site / "depression.html").read_text(encoding="utf-8")
    assert '<h2 id="forest-drug">Exercise v sertraline</h2>' in page
    for i in range(6):
        assert f"Made-up {i}" in page
    assert "Exercise eases depression." in (site / "index.html").read_text(encoding="utf-8")


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
    out = ["--out", str(tmp_path / "out")]
    for command in (
        ["-e", str(new), "analyse", "condition"],
        ["claims", "-e", str(new)],
        ["figures", *out, "-e", str(new)],
        ["-e", str(new), "report", *out],
    ):
        found = CliRunner().invoke(app, command)
        assert found.exit_code == 0, found.output
        assert "holds no trial yet" in found.output
    assert not (tmp_path / "out").exists()
    for build in (ae.report.build_site, ae.report.drawing.build):
        with pytest.raises(ae.InputError, match="holds no trial yet"):
            build(tmp_path / "out", evidence=ae.load_evidence(new))


def test_the_folder_may_be_named_before_or_after_the_command(folder):
    before = CliRunner().invoke(app, ["-e", str(folder), "analyse", "depression"])
    after = CliRunner().invoke(app, ["analyse", "depression", "-e", str(folder)])
    assert before.exit_code == after.exit_code == 0
    assert before.output == after.output
    assert "v waiting list" in before.output
    assert not FIRST_TOPIC.search(before.output)
