"""The tables hold what the evidence and the results hold, in every form."""

import csv
import io
import math
import re

import pandas as pd
import pytest

import acuevidence as ae
from acuevidence.report.tables import Table, characteristics, league_table, study_results, summary_of_findings


def test_every_known_trial_is_characterised():
    frame = characteristics("headache").frame
    assert len(frame) == (ae.load_evidence().trials["condition"] == "headache").sum()
    assert not frame.isna().to_numpy().any()


def test_results_name_where_each_figure_was_printed():
    one = ae.pooled("neck_pain")["sham"]
    frame = study_results(one).frame
    assert list(frame["Read at"]) == list(one.data["source_url"])
    for row, address in zip(one.data.itertuples(), frame["Publication"], strict=True):
        number = "–" if pd.isna(row.pmid) else f"https://pubmed.ncbi.nlm.nih.gov/{int(row.pmid)}/"
        assert address == (number if pd.isna(row.doi) else f"https://doi.org/{row.doi}")
    assert list(frame["Figures as printed"]) == list(one.data["figures_as_printed"])


def test_what_was_assumed_is_marked_and_the_key_stands_below():
    one = ae.pooled("low_back_pain")["usual_care"]
    table = study_results(one)
    signs = {"n_assumed": "*", "borrowed_sd": "†", "sd_assumed": "‡", "late": "§", "course_assumed": "¶"}
    for row, study in zip(one.data.to_dict("records"), table.frame["Study"], strict=True):
        own = "".join(sign for name, sign in signs.items() if row[name])
        assert study == f"{row['study']} {own}".rstrip()
    assert table.notes[0].startswith("* participants of each arm assumed from a total; ")
    assert "†" not in table.notes[0]


def test_responders_per_100_are_those_that_trials_counted():
    row = summary_of_findings(ae.pooled("headache")).frame.iloc[0]
    counted = ae.questions.responders("headache", comparator="sham").pools.iloc[0]
    assert row["More responders per 100 (95% CI)"] == f"{counted.rd:.0f} ({counted.rd_low:.0f} to {counted.rd_high:.0f})"
    converted = summary_of_findings(ae.pooled("headache", timing="short")).frame.iloc[0]
    assert converted["More responders per 100 (95% CI)"].endswith("*")


def test_headache_days_are_never_turned_into_points_of_pain():
    table = summary_of_findings(ae.pooled("headache"))
    assert list(table.frame["Points of 0-100 (95% CI)"]) == ["–", "–"]


def test_absolute_effects_follow_from_the_pooled_effect():
    results = ae.pooled("neck_pain")
    row = summary_of_findings(results).frame.iloc[0]
    one, sd = results["sham"], ae.questions.typical_sd("neck_pain").sd
    odds = math.exp(one.estimate * math.pi / math.sqrt(3))
    assert row["More responders per 100 (95% CI)"].startswith(f"{100 * odds / (1 + odds) - 50:.0f} (")
    assert row["Points of 0-100 (95% CI)"].startswith(f"{one.estimate * sd:.0f} (")


def test_every_step_of_certainty_lost_has_a_footnote():
    results = ae.pooled("low_back_pain")
    lost = sum(len(ae.certainty(one).reasons) for one in results.values())
    table = summary_of_findings(results)
    assert sum(note[0].isdigit() for note in table.notes) == lost
    assert f"[{', '.join(map(str, range(1, 1 + len(ae.certainty(results['sham']).reasons))))}]" in table.frame["Certainty"].iloc[0]


def test_each_outcome_is_judged_by_its_own_minimal_important_difference():
    # 3.57 points of WOMAC function (0-68), published for acupuncture v sham in the knee alone, is 100 * 3.57 / 68 of 100.
    notes = summary_of_findings(ae.pooled("knee_osteoarthritis", outcome="function")).notes
    sham, care = (note for note in notes if note.startswith("Minimal important difference"))
    assert sham.startswith("Minimal important difference of function, acupuncture v sham: 0.26 SD (3.57 points of 0-68")
    assert ", 5.25 points of 0-100 (3.57 points of 0-68" in sham
    assert care == "Minimal important difference of function, acupuncture v usual care: no MID in the evidence."


@pytest.mark.parametrize(
    ("condition", "said"),
    [
        ("knee_osteoarthritis", "0.37 SD (0.37 SD units"),
        ("low_back_pain", "15 points of 0-100 (15 points of 0-100, pain VAS"),
        ("neck_pain", "10 points of 0-100 (10 points of 0-100, pain, pooled over instruments"),
    ],
)
def test_pain_is_judged_by_the_threshold_of_its_condition(condition, said):
    notes = [n for n in summary_of_findings(ae.pooled(condition)).notes if n.startswith("Minimal important difference")]
    assert len(notes) == 1
    assert said in notes[0]


def test_an_outcome_without_a_threshold_says_so_and_loses_no_step_for_one():
    results = ae.pooled("fibromyalgia", outcome="quality_of_life")
    table = summary_of_findings(results)
    assert "no MID in the evidence" in " ".join(table.notes)
    assert "important one" not in " ".join(note for note in table.notes if note[0].isdigit())


def test_responders_under_a_risk_ratio_follow_from_the_comparators_risk():
    one = ae.pooled("headache", outcome="response", measure="RR")["sham"]
    row = summary_of_findings({"sham": one}).frame.iloc[0]
    risk = (one.data["events2"] / one.data["n2"]).median()
    assert row["With the comparator"] == f"{100 * risk:.0f} of 100 respond"
    assert row["Effect (95% CI)"].startswith(f"RR {math.exp(one.estimate):.2f} (")
    assert row["More responders per 100 (95% CI)"].startswith(f"{100 * risk * (math.exp(one.estimate) - 1):.0f} (")


def test_other_effects_than_smd_and_ratios_of_risks_are_refused():
    with pytest.raises(ae.InputError, match="not MD"):
        summary_of_findings(ae.pooled("low_back_pain", measure="MD"))


def _tables():
    results = ae.pooled("neck_pain")
    return [
        characteristics("neck_pain"),
        study_results(results["sham"]),
        summary_of_findings(results),
        league_table(ae.questions.treatment_network("neck_pain")),
    ]


@pytest.mark.parametrize("table", _tables(), ids=lambda table: table.title[:12])
def test_word_holds_every_cell_and_repeats_the_heading_row(table, tmp_path):
    docx = pytest.importorskip("docx")
    made = docx.Document(str(table.to_docx(tmp_path / "table.docx")))
    cells = [[cell.text for cell in row.cells] for row in made.tables[0].rows]
    assert cells == [list(table.frame.columns), *table.frame.astype(str).to_numpy().tolist()]
    assert "w:tblHeader" in made.tables[0].rows[0]._tr.xml
    assert [p.text for p in made.paragraphs if p.text] == [table.title, *table.notes]


@pytest.mark.parametrize("table", _tables(), ids=lambda table: table.title[:12])
def test_latex_has_a_cell_a_column_and_nothing_that_latex_would_run(table):
    text = table.to_latex()
    rows = [
        line for line in text.split("\n") if line.endswith(r" \\") and "multicolumn" not in line and not line.startswith("\\begin")
    ]
    assert len(rows) == len(table.frame) + 1
    assert {len(re.findall(r"(?<!\\)&", row)) for row in rows} == {table.frame.shape[1] - 1}
    assert len(re.findall(r"(?<!\\){", text)) == len(re.findall(r"(?<!\\)}", text))
    body = "\n".join(rows)
    assert not re.search(r"(?<!\\)[%#_]", body)
    assert not set(body) & set("●○²τ±≥≤")


@pytest.mark.parametrize("form", ["to_html", "to_latex", "to_markdown", "to_csv"])
def test_each_form_holds_every_comparison(form):
    text = getattr(summary_of_findings(ae.pooled("neck_pain")), form)()
    assert "sham" in text
    assert "usual care" in text


def test_a_bar_in_a_cell_does_not_break_the_markdown():
    text = Table("t", pd.DataFrame({"a": ["x | y"]})).to_markdown()
    assert "| x \\| y |" in text


def test_the_league_table_holds_every_estimate_of_the_network_once():
    net = ae.questions.treatment_network("neck_pain")
    frame = league_table(net).frame.set_index("Treatment")
    assert list(frame.index) == list(net.p_scores.sort_values(ascending=False).index)
    for i, row in enumerate(frame.index):
        for column in frame.index[:i]:
            assert frame.at[row, column].startswith(f"{net.estimates.at[row, column]:.2f} (")
    tried = {frozenset(pair) for pair in net.data[["treat1", "treat2"]].itertuples(index=False, name=None)}
    above = {frozenset((a, b)) for i, a in enumerate(frame.index) for b in frame.index[i + 1 :] if frame.at[a, b] != "no trial"}
    assert above == tried


def test_csv_of_a_table_holds_no_formula_and_keeps_figures():
    cells = ["=HYPERLINK(1)", "+1", "-A", "@SUM(A1)", "\tx", "-1+cmd|' /C calc'!A0", "-0.13 (-0.63 to 0.25)", "-5%", "O'Neill"]
    text = Table("t", pd.DataFrame({"=cmd|' /C calc'!A0": cells, "n": -1})).to_csv()
    head, *rows = csv.reader(io.StringIO(text))
    assert head == ["'=cmd|' /C calc'!A0", "n"]
    assert [row[0] for row in rows] == [f"'{cell}" for cell in cells[:6]] + cells[6:]
    assert {row[1] for row in rows} == {"-1"}
