"""The tables hold what the evidence and the results hold, in every form."""

import math

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
    assert list(frame["Source"]) == list(one.data["source_url"])
    assert list(frame["Figures as printed"]) == list(one.data["figures_as_printed"])


def test_absolute_effects_follow_from_the_pooled_effect():
    results = ae.pooled("neck_pain")
    row = summary_of_findings(results).frame.iloc[0]
    one, sd = results["sham"], ae.typical_sd("neck_pain").sd
    odds = math.exp(one.estimate * math.pi / math.sqrt(3))
    assert row["More responders per 100 (95% CI)"].startswith(f"{100 * odds / (1 + odds) - 50:.0f} (")
    assert row["Points of 0-100 (95% CI)"].startswith(f"{one.estimate * sd:.0f} (")


def test_every_step_of_certainty_lost_has_a_footnote():
    results = ae.pooled("low_back_pain")
    lost = sum(len(ae.certainty(one).reasons) for one in results.values())
    assert len(summary_of_findings(results).notes) == 1 + lost


@pytest.mark.parametrize("form", ["to_html", "to_latex", "to_markdown", "to_csv"])
def test_each_form_holds_every_comparison(form):
    text = getattr(summary_of_findings(ae.pooled("neck_pain")), form)()
    assert "sham" in text
    assert "usual care" in text


def test_a_bar_in_a_cell_does_not_break_the_markdown():
    import pandas as pd

    text = Table("t", pd.DataFrame({"a": ["x | y"]})).to_markdown()
    assert "| x \\| y |" in text


def test_the_league_table_holds_every_estimate_of_the_network_once():
    net = ae.treatment_network("neck_pain")
    frame = league_table(net).frame.set_index("Treatment")
    assert list(frame.index) == list(net.p_scores.sort_values(ascending=False).index)
    for i, row in enumerate(frame.index):
        for column in frame.index[:i]:
            assert frame.at[row, column].startswith(f"{net.estimates.at[row, column]:.2f} (")
    tried = {frozenset(pair) for pair in net.data[["treat1", "treat2"]].itertuples(index=False, name=None)}
    above = {
        frozenset((a, b))
        for i, a in enumerate(frame.index)
        for b in frame.index[i + 1 :]
        if frame.at[a, b] != "no trial"
    }
    assert above == tried
