"""Do the evidence tables say what was printed, and does a broken table say where it is broken?

The shipped tables are checked against the descriptor by two readers that share no code: the package's own, and
frictionless, the reference implementation of the standard the descriptor follows. Bad tables are made by changing one cell
of a good table, and the error must name exactly that cell.
"""

import copy
import json
import shutil

import pandas as pd
import pytest

import acuevidence as ae
from acuevidence.evidence import data_folder
from acuevidence.evidence.schema import with_vocabulary
from acuevidence.report.codebook import codebook
from acuevidence.topic import load_topic

CONDITIONS = [
    "low_back_pain",
    "knee_osteoarthritis",
    "headache",
    "neck_pain",
    "fibromyalgia",
    "shoulder_pain",
    "elbow_pain",
    "pelvic_pain",
    "jaw_pain",
    "hip_osteoarthritis",
]


@pytest.fixture
def folder(tmp_path):
    shutil.copytree(data_folder(), tmp_path, dirs_exist_ok=True)
    return tmp_path


def change(folder, table, row, column, value):
    path = folder / f"{table}.csv"
    cells = pd.read_csv(path, dtype=str, keep_default_na=False)
    cells.loc[row, column] = value
    cells.to_csv(path, index=False)
    return cells


def test_shipped_tables_hold_every_row():
    sizes = {name: len(table) for name, table in ae.load_evidence().tables().items()}
    assert sizes == {
        "trials": 347,
        "arms": 751,
        "results": 754,
        "contrasts": 329,
        "directions": 409,
        "quality": 625,
        "design": 592,
        "indirect": 15,
        "safety": 50,
        "reference_syntheses": 228,
        "thresholds": 40,
    }


def test_conditions_in_their_order():
    assert ae.conditions() == CONDITIONS


def test_frictionless_finds_the_data_package_valid():
    import frictionless

    report = frictionless.Package(str(data_folder() / "datapackage.json")).validate()
    assert report.valid, report.flatten(["resourceName", "rowNumber", "fieldName", "note"])


def test_every_figure_has_an_address():
    evidence = ae.load_evidence()
    for name in ("results", "contrasts", "safety", "reference_syntheses", "thresholds"):
        assert evidence.tables()[name]["source_url"].str.startswith("http").all()


def test_codebook_page_is_in_step_with_the_descriptor():
    page = data_folder().parent / "docs" / "codebook.md"
    assert page.read_text(encoding="utf-8") == codebook()


def test_transcribed_quantiles_stand_in_the_printed_text():
    results = ae.load_evidence().results
    rows = results[results["median"].notna()]
    assert len(rows) == 22
    for row in rows.itertuples():
        printed = row.figures_as_printed.replace("(", " ").replace(")", " ").replace("-", " ").split()
        values = [v for v in (row.median, row.q1, row.q3, row.minimum, row.maximum) if not pd.isna(v)]
        assert sorted(values) == sorted(float(p) for p in printed)


@pytest.mark.parametrize(
    ("table", "row", "column", "value", "problem"),
    [
        ("trials", 3, "condition", "back_pain", "not an allowed value"),
        ("trials", 3, "year", "19x2", "not an integer"),
        ("trials", 3, "year", "2950", "above the maximum"),
        ("trials", 3, "n_randomized", "12.5", "not an integer"),
        ("trials", 3, "study", "", "missing"),
        ("trials", 3, "doi", "doi:10.1/x", "not in the required form"),
        ("trials", 3, "study", " Smith 2001", "spaces at an end, or characters not in composed (NFC) form"),
        ("arms", 5, "role", "placebo", "not an allowed value"),
        ("arms", 5, "trial_id", "nobody1900", "not in table trials"),
        ("results", 7, "arm", "acupunctur", "not in table arms"),
        ("results", 7, "sd", "-2", "below the minimum"),
        ("results", 7, "benefit", "2", "not an allowed value"),
        ("results", 7, "source_url", "", "missing"),
        ("results", 7, "mean", "inf", "not a number"),
        ("contrasts", 7, "comparator_arm", "nobody", "not in table arms"),
        ("contrasts", 7, "favours", "sham", "not an allowed value"),
        ("contrasts", 7, "p_value", "p < .05", "not in the required form"),
        ("directions", 2, "direction", "better", "not an allowed value"),
        ("quality", 2, "judgement", "11", "not in the required form"),
        ("safety", 2, "denominator", "people", "not an allowed value"),
        ("reference_syntheses", 2, "i2", "101", "above the maximum"),
    ],
)
def test_error_names_the_offending_cell(folder, table, row, column, value, problem):
    change(folder, table, row, column, value)
    with pytest.raises(ae.EvidenceError) as caught:
        ae.load_evidence(folder)
    failures = caught.value.failures
    hit = failures[(failures.table == table) & (failures.row == row + 2) & (failures.column == column)]
    assert problem in set(hit.problem), failures.to_string()
    assert hit.allowed.str.len().gt(0).all()
    assert f"{table}.csv line {row + 2}, {column}" in str(caught.value)


def test_error_lists_every_fault_at_once(folder):
    change(folder, "trials", 3, "year", "x")
    change(folder, "arms", 5, "role", "placebo")
    change(folder, "results", 7, "sd", "-2")
    with pytest.raises(ae.EvidenceError) as caught:
        ae.load_evidence(folder)
    assert list(caught.value.failures.table) == ["trials", "arms", "results"]


def test_more_events_than_participants_is_refused(folder):
    cells = pd.read_csv(folder / "results.csv", dtype=str, keep_default_na=False)
    row = cells.index[(cells.events != "") & (cells.n != "")][0]
    change(folder, "results", row, "events", str(int(float(cells.n[row])) + 1))
    with pytest.raises(ae.EvidenceError, match="greater than n"):
        ae.load_evidence(folder)


def test_estimate_outside_its_interval_is_refused(folder):
    cells = pd.read_csv(folder / "contrasts.csv", dtype=str, keep_default_na=False)
    row = cells.index[(cells.estimate != "") & (cells.ci_high != "")][0]
    change(folder, "contrasts", row, "estimate", str(float(cells.ci_high[row]) + 1))
    with pytest.raises(ae.EvidenceError, match="greater than ci_high"):
        ae.load_evidence(folder)
    row = cells.index[(cells.estimate != "") & (cells.ci_low != "")][0]
    pd.DataFrame(cells).to_csv(folder / "contrasts.csv", index=False)
    change(folder, "contrasts", row, "estimate", str(float(cells.ci_low[row]) - 1))
    with pytest.raises(ae.EvidenceError, match="ci_low: greater than estimate"):
        ae.load_evidence(folder)


def test_a_judgement_twice_is_refused_even_where_both_differ(folder):
    cells = pd.read_csv(folder / "quality.csv", dtype=str, keep_default_na=False)
    again = cells.iloc[[0]].assign(judgement="high" if cells.judgement[0] != "high" else "low")
    pd.concat([cells, again]).to_csv(folder / "quality.csv", index=False)
    with pytest.raises(ae.EvidenceError, match=f"line {len(cells) + 2}, source_url: the same figure a second time"):
        ae.load_evidence(folder)


def test_second_spelling_of_a_trial_is_refused(folder):
    cells = pd.read_csv(folder / "trials.csv", dtype=str, keep_default_na=False)
    change(folder, "trials", len(cells), list(cells.columns), [*cells.iloc[0]])
    change(folder, "trials", len(cells), "trial_id", cells.trial_id[0][:-2] + "_" + cells.trial_id[0][-2:])
    with pytest.raises(ae.EvidenceError, match=f"the first spelling: {cells.trial_id[0]}"):
        ae.load_evidence(folder)


def test_unknown_column_is_refused_with_the_known_ones(folder):
    path = folder / "trials.csv"
    pd.read_csv(path, dtype=str, keep_default_na=False).assign(land="x").to_csv(path, index=False)
    with pytest.raises(ae.EvidenceError, match="land: unknown column; allowed: one of: trial_id"):
        ae.load_evidence(folder)


def own_tables(folder, **tables):
    """Write tables with every column of the descriptor; rows name the cells they fill."""
    described = {one["name"]: one["schema"]["fields"] for one in json.loads(DESCRIPTOR.read_text(encoding="utf-8"))["resources"]}
    for name, rows in tables.items():
        columns = [field["name"] for field in described[name] if field["name"] not in TOPIC_COLUMNS]
        pd.DataFrame(rows, columns=columns).to_csv(folder / f"{name}.csv", index=False)


DESCRIPTOR = data_folder() / "datapackage.json"
TOPIC_COLUMNS = ("technique", "sessions", "sham_type")
TRIAL = {"trial_id": "mine2026", "study": "Mine 2026", "condition": "depression", "treatment_weeks": 12}
ARMS = [
    {"condition": "depression", "trial_id": "mine2026", "arm": "run", "role": "treatment", "description": "running"},
    {"condition": "depression", "trial_id": "mine2026", "arm": "drug", "role": "drug", "description": "tablets"},
]
PLACE = {
    "source_url": "https://a.org",
    "source_kind": "abstract",
    "locator": "x",
    "figures_as_printed": "y",
    "extraction": "single",
}
RESULTS = [
    {
        "condition": "depression",
        "trial_id": "mine2026",
        "outcome": "mood",
        "measure": "HAM-D",
        "week": 12,
        "statistic": "final",
        "arm": arm,
        "n": 40,
        "mean": mean,
        "sd": 5.0,
        "benefit": -1,
        "timing": "end_of_treatment",
        **PLACE,
    }
    for arm, mean in (("run", 9.0), ("drug", 10.0))
]


def test_own_folder_needs_only_trials_arms_and_figures(tmp_path):
    own_tables(tmp_path, trials=[TRIAL])
    with pytest.raises(ae.InputError, match=r"arms\.csv"):
        ae.load_evidence(tmp_path)
    own_tables(tmp_path, arms=ARMS)
    with pytest.raises(ae.InputError, match=r"neither results\.csv nor contrasts\.csv"):
        ae.load_evidence(tmp_path)
    own_tables(tmp_path, results=RESULTS)
    evidence = ae.load_evidence(tmp_path)
    assert list(evidence.trials.study) == ["Mine 2026"]
    assert evidence.contrasts.empty
    assert "estimate" in evidence.contrasts
    assert ae.conditions(evidence) == ["depression"]
    # d = (10 - 9) / 5, J = 1 - 3 / (4 * 78 - 1): fewer points are better, so the treated arm does better.
    effect = ae.trial_effects(evidence=evidence)
    assert effect[["comparator", "outcome"]].values.tolist() == [["drug", "mood"]]
    assert effect.yi.item() == pytest.approx(0.2 * (1 - 3 / 311), rel=1e-4)


def test_without_topic_the_tested_role_is_called_treatment(tmp_path):
    own_tables(tmp_path, trials=[TRIAL], arms=[{**arm, "role": "run"} for arm in ARMS], results=RESULTS)
    with pytest.raises(ae.InputError, match=r"no arm of arms.csv has the role 'treatment'"):
        ae.load_evidence(tmp_path)


def test_another_topic_brings_its_own_words_and_columns(tmp_path):
    (tmp_path / "topic.yaml").write_text(
        "name: Exercise for depression\n"
        "treatment: {role: exercise, label: Exercise, phrase: exercise}\n"
        "comparators: {drug: {label: Sertraline, phrase: sertraline, roles: [drug]}}\n"
        "conditions: {depression: {label: Depression, outcomes: [mood]}}\n"
        "outcomes: {mood: {label: mood}}\n"
        "columns: {trials: {setting: {values: [group, alone], required: true}}}\n",
        encoding="utf-8",
    )
    arms = [ARMS[0] | {"role": "exercise"}, ARMS[1]]
    own_tables(tmp_path, trials=[TRIAL], arms=arms, results=RESULTS)
    trials = pd.read_csv(tmp_path / "trials.csv").assign(setting="group")
    trials.to_csv(tmp_path / "trials.csv", index=False)
    effects = ae.trial_effects(evidence=ae.load_evidence(tmp_path))
    assert effects.setting.tolist() == ["group"]
    assert not {"technique", "sham_type"} & set(effects)
    trials.assign(setting="pool").to_csv(tmp_path / "trials.csv", index=False)
    with pytest.raises(ae.EvidenceError, match=r"setting: not an allowed value .*; allowed: one of: group, alone"):
        ae.load_evidence(tmp_path)
    trials.assign(setting="group", condition="low_back_pain").to_csv(tmp_path / "trials.csv", index=False)
    with pytest.raises(ae.EvidenceError, match=r"condition: not an allowed value .*; allowed: one of: depression"):
        ae.load_evidence(tmp_path)


def test_a_stranger_s_folder_takes_no_rule_of_the_package(tmp_path):
    own_tables(tmp_path, trials=[TRIAL], arms=ARMS, results=RESULTS)
    evidence = ae.load_evidence(tmp_path)
    assert evidence.rules.measures == {}
    assert evidence.rules.responders == ()
    assert evidence.thresholds.empty
    assert evidence.appraisal["certainty"]["risk_of_bias"]["unblinded_comparators"] == []
    assert ae.claims(evidence).empty
    assert ae.evaluate_claims(evidence=evidence).empty


def test_an_unknown_version_of_the_tables_is_refused(folder):
    path = folder / "datapackage.json"
    descriptor = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps({**descriptor, "schema_version": 99}), encoding="utf-8")
    with pytest.raises(ae.EvidenceError, match="schema_version 99 is not known") as caught:
        ae.load_evidence(folder)
    assert caught.value.failures.column.tolist() == ["schema_version"]
    del descriptor["schema_version"]
    path.write_text(json.dumps(descriptor), encoding="utf-8")
    assert len(ae.load_evidence(folder).trials)


def test_the_descriptor_is_in_step_with_the_topic():
    descriptor = json.loads(DESCRIPTOR.read_text(encoding="utf-8"))
    assert with_vocabulary(descriptor, load_topic(data_folder())) == descriptor


def test_what_is_done_to_a_table_does_not_change_the_evidence():
    evidence = ae.load_evidence()
    table = evidence.results
    table["outcome"] = "other"
    table.loc[:, "measure"] = ""
    assert set(evidence.results.outcome) != {"other"}
    assert set(evidence.results.measure) != {""}
    assert evidence == evidence
    assert hash(evidence) == hash(ae.load_evidence())
    assert copy.deepcopy(evidence) is evidence


def test_broken_rules_say_where(folder):
    (folder / "appraisal.yaml").write_text("certainty: ]", encoding="utf-8")
    with pytest.raises(ae.InputError, match=r"appraisal.yaml line 1"):
        ae.load_evidence(folder)
    (folder / "appraisal.yaml").write_text("certainty: high", encoding="utf-8")
    with pytest.raises(ae.InputError, match="certainty must hold entries"):
        ae.load_evidence(folder)
    (folder / "appraisal.yaml").unlink()
    (folder / "selection.yaml").write_text("conditions: {a: {label: A}}", encoding="utf-8")
    with pytest.raises(ae.InputError, match=r"conditions stand in topic.yaml"):
        ae.load_evidence(folder)


@pytest.mark.parametrize(
    ("table", "column"), [("arms", "role"), ("arms", "sham_type"), ("trials", "trial_id"), ("results", "outcome")]
)
@pytest.mark.parametrize("renamed", [False, True])
def test_a_column_that_is_not_there_is_one_fault(folder, table, column, renamed):
    path = folder / f"{table}.csv"
    cells = pd.read_csv(path, dtype=str, keep_default_na=False)
    cells = cells.rename(columns={column: "other"}) if renamed else cells.drop(columns=column)
    cells.to_csv(path, index=False)
    with pytest.raises(ae.EvidenceError) as caught:
        ae.load_evidence(folder)
    assert caught.value.failures[["table", "column", "problem"]].values.tolist() == [[table, column, "column is missing"]]
    assert ("'other'" in str(caught.value)) == renamed


@pytest.mark.parametrize(
    ("table", "column", "value", "problem"),
    [
        ("results", None, None, "the same figure a second time"),
        ("contrasts", None, None, "the same figure a second time"),
        ("design", None, None, "the same figure a second time"),
        ("design", "arm", "nobody", "not in table arms"),
        ("design", "field", "primary", "not an allowed value"),
        ("indirect", "trial_id", "nobody1900", "not in table trials"),
        ("trials", "part_of", "nobody1900", "not in table trials"),
        ("trials", "population", "men and women", "not in the required form"),
        ("results", "responder", "maybe", "not an allowed value"),
        ("contrasts", "t", "-0.5", "below the minimum"),
        ("thresholds", "level", "among", "not an allowed value"),
    ],
)
def test_faults_of_the_new_tables_and_columns_are_found(folder, table, column, value, problem):
    path = folder / f"{table}.csv"
    cells = pd.read_csv(path, dtype=str, keep_default_na=False)
    row = 2
    if column is None:  # the third row once more, at the end
        cells, row = pd.concat([cells, cells.iloc[[2]]], ignore_index=True), len(cells)
    else:
        cells.loc[2, column] = value
    cells.to_csv(path, index=False)
    with pytest.raises(ae.EvidenceError) as caught:
        ae.load_evidence(folder)
    failures = caught.value.failures
    assert problem in set(failures[(failures.table == table) & (failures.row == row + 2)].problem)


def test_an_arms_mean_above_its_interval_is_refused(folder):
    cells = pd.read_csv(folder / "results.csv", dtype=str, keep_default_na=False)
    row = cells.index[(cells["mean"] != "") & (cells.ci_high != "")][0]
    change(folder, "results", row, "mean", str(float(cells.ci_high[row]) + 1))
    with pytest.raises(ae.EvidenceError, match=r"results\.csv line \d+, mean: greater than ci_high"):
        ae.load_evidence(folder)


def test_an_interval_off_its_estimate_and_a_figure_twice_are_noted(folder):
    assert not ae.load_evidence(folder).notes().eq("results").any().any()
    cells = pd.read_csv(folder / "results.csv", dtype=str, keep_default_na=False)
    row = cells.index[(cells["mean"] != "") & (cells.ci_high != "")][0]
    change(folder, "results", row, "mean", cells.ci_high[row])
    notes = ae.load_evidence(folder).notes()
    assert notes[notes.table == "results"][["row", "note"]].values.tolist() == [[row + 2, "its interval is not centred on it"]]


def test_patients_of_one_trial_are_read_with_their_table():
    # 401 patients; severity at 12 months: 16.2 (SD 13.7), n 161, against 22.3 (17.0), n 140, as the trial's abstract prints it
    data = ae.load_evidence().ipd["vickers2004"]
    assert len(data) == 401
    at_12 = data.groupby("group").pk5
    assert at_12.count().to_dict() == {1: 161, 0: 140}
    assert at_12.mean().round(1).to_dict() == {1: 16.2, 0: 22.3}
    assert at_12.std().round(1).to_dict() == {1: 13.7, 0: 17.0}


def test_a_users_folder_may_hold_patients(tmp_path):
    own_tables(tmp_path, trials=[TRIAL], arms=ARMS, results=RESULTS)
    (tmp_path / "ipd").mkdir()
    (tmp_path / "ipd" / "mine2026.csv").write_text("id,group,score\n1,1,4.5\n2,0,7\n", encoding="utf-8")
    assert ae.load_evidence(tmp_path).ipd["mine2026"].score.tolist() == [4.5, 7.0]


def test_individual_data_keep_their_own_source_and_licence():
    descriptor = json.loads((data_folder() / "datapackage.json").read_text(encoding="utf-8"))
    own_data = [r for r in descriptor["resources"] if r["path"].startswith("ipd/")]
    assert [r["path"] for r in own_data] == ["ipd/vickers2004.csv"]
    assert own_data[0]["sources"][0]["path"] == "https://doi.org/10.1186/1745-6215-7-15"
    assert "not under the licence of the other tables" in own_data[0]["licenses"][0]["title"]


def test_changed_files_are_read_again(folder):
    before = len(ae.load_evidence(folder).thresholds)
    path = folder / "thresholds.csv"
    pd.read_csv(path, dtype=str, keep_default_na=False).iloc[:-1].to_csv(path, index=False)
    assert len(ae.load_evidence(folder).thresholds) == before - 1


def test_missing_folder_is_named(tmp_path):
    with pytest.raises(ae.InputError, match="does not exist"):
        ae.load_evidence(tmp_path / "nowhere")


def test_descriptor_states_a_licence_and_units():
    descriptor = json.loads((data_folder() / "datapackage.json").read_text(encoding="utf-8"))
    assert descriptor["licenses"][0]["name"] == "CC-BY-4.0"
    fields = [field for resource in descriptor["resources"] for field in resource["schema"]["fields"]]
    assert all(field["description"] for field in fields)
