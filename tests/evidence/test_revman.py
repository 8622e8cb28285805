"""Does a review come over as its authors entered it, from every layout RevMan and others write?

All trials are made up; what is expected stands in the files, or follows from it by the arithmetic shown.
"""

import csv
import io
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from builders import REVMAN_HEAD

import acuevidence as ae

CASES = Path(__file__).with_name("revman")
COUNTS = ["events1", "n1", "events2", "n2"]
MEANS = ["mean1", "sd1", "n1", "mean2", "sd2", "n2"]
ZEROS = ("GIV Mean", "GIV SE", "Experimental mean", "Experimental SD", "Control mean", "Control SD", "O-E", "Variance")
SETTINGS = [
    "Analysis group",
    "Analysis number",
    "Analysis name",
    "Analysis group name",
    "Data type",
    "Log-scale data",
    "Experimental group label",
    "Control group label",
    "Statistical method",
    "Effect measure",
    "Analysis model",
    "Overall estimates",
    "Swap event and non-event",
]
FALLS = {"Experimental cases": 12, "Experimental N": 60, "Control cases": 20, "Control N": 61}


def review(outcomes, studies='<STUDY ID="A" NAME="Alder 2001" YEAR="2001"/><STUDY ID="B" NAME="Birch 2004" YEAR="2004"/>'):
    return (
        f"<COCHRANE_REVIEW><STUDIES_AND_REFERENCES><STUDIES><INCLUDED_STUDIES>{studies}</INCLUDED_STUDIES></STUDIES>"
        f'</STUDIES_AND_REFERENCES><ANALYSES_AND_DATA><COMPARISON NO="1"><NAME>Exercise v control</NAME>{outcomes}'
        "</COMPARISON></ANALYSES_AND_DATA></COCHRANE_REVIEW>"
    )


def read_xml(folder, text, encoding="utf-8"):
    file = folder / "review.rm5"
    file.write_bytes(text.encode(encoding))
    return ae.read_revman(file)


def entry(kind, figures, study="A"):
    return f'<{kind}_DATA STUDY_ID="{study}" {figures}/>'


def counts(figures, measure="OR", more=""):
    rows = entry("DICH", figures) + entry("DICH", 'EVENTS_1="8" TOTAL_1="45" EVENTS_2="9" TOTAL_2="44"', "B")
    return f'<DICH_OUTCOME NO="1" EFFECT_MEASURE="{measure}" {more}><NAME>Falls</NAME>{rows}</DICH_OUTCOME>'


def table(head, rows, delimiter=","):
    text = io.StringIO()
    writer = csv.DictWriter(text, head, delimiter=delimiter, restval="")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def row(number, study, **figures):
    """A row as RevMan Web writes it: 0 where a column belongs to another type of data."""
    named = {name.replace("_", " "): value for name, value in figures.items()}
    empty = dict.fromkeys(ZEROS, "0.0") | dict.fromkeys(("Experimental cases", "Control cases"), "0")
    return {
        "Analysis group": 1,
        "Analysis number": number,
        "Analysis name": f"Outcome {number}",
        "Study": study,
        **empty,
        **named,
    }


def setting(number, kind, **more):
    named = {name.replace("_", " "): value for name, value in more.items()}
    return {
        "Analysis group": 1,
        "Analysis number": number,
        "Analysis group name": "Exercise v control",
        "Data type": kind,
        **named,
    }


def package(path, files):
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return path


def web(folder, rows, settings=(), name="CD1.zip"):
    files = {"CD1-analysis-data/CD1-data-rows.csv": "\ufeff" + table(REVMAN_HEAD, rows)}
    if settings:
        files["CD1-analysis-data/CD1-overall-estimates-and-settings.csv"] = "\ufeff" + table(SETTINGS, settings)
    return ae.read_revman(package(folder / name, files))


# --- the layouts of RevMan itself --------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["events.rm5", "data.zip", "package.zip"])
def test_counts_beside_zeros_are_counts(name):
    trials = ae.read_revman(CASES / name)
    falls = trials[trials.outcome == "Falls"]
    cells = np.array([[12, 60, 20, 61], [8, 45, 9, 44], [30, 150, 41, 148]])
    assert falls[COUNTS].to_numpy().tolist() == cells.tolist()
    assert not {"yi", "se"} & set(trials.columns)
    a, n1, c, n2 = cells.T
    effects = ae.effect_size("OR", data=falls, **{name: name for name in COUNTS})
    np.testing.assert_allclose(effects.yi, np.log(a * (n2 - c) / ((n1 - a) * c)), rtol=1e-12)
    np.testing.assert_allclose(effects.yi, [-0.668, -0.173, -0.427], atol=5e-4)
    np.testing.assert_allclose(effects.vi, [0.1786, 0.2917, 0.0754], atol=5e-5)
    score = trials[trials.outcome == "Depression score"]
    assert score[MEANS].to_numpy().tolist() == [[10.2, 4.1, 30, 12.9, 4.4, 31], [8.8, 3.9, 22, 9.1, 4.0, 20]]
    assert falls[["mean1", "sd1", "mean2", "sd2"]].isna().all(axis=None)
    assert score[["events1", "events2"]].isna().all(axis=None)
    assert trials.treatment.tolist() == ["Exercise"] * 5
    assert trials.comparator.tolist() == ["Control"] * 5
    assert falls[["data_type", "measure", "method", "model"]].values.tolist() == [["dichotomous", "OR", "MH", "fixed"]] * 3
    assert score[["data_type", "measure", "method", "model"]].values.tolist() == [["continuous", "SMD", "IV", "random"]] * 2
    assert len(trials.attrs["excluded"]) == 0


def test_review_with_continuous_outcomes_alone():
    trials = ae.read_revman(CASES / "continuous_only.rm5")
    assert trials[MEANS].to_numpy().tolist() == [[10.2, 4.1, 30, 12.9, 4.4, 31], [8.8, 3.9, 22, 9.1, 4.0, 20]]
    spread = np.sqrt([(29 * 4.1**2 + 30 * 4.4**2) / 59, (21 * 3.9**2 + 19 * 4.0**2) / 40])
    about = np.array([-2.7, -0.3]) / spread * (1 - 3 / (4 * np.array([59, 40]) - 1))
    effects = ae.effect_size("SMD", data=trials, **{name: name for name in MEANS})
    np.testing.assert_allclose(effects.yi, about, rtol=1e-3)


def test_every_data_type_of_revman_5_in_one_outcome_each(tmp_path):
    outcomes = (
        '<IV_OUTCOME NO="1" RANDOM="NO" TOTALS="NO"><NAME>Relapse</NAME><GROUP_LABEL_1>Walking</GROUP_LABEL_1><GROUP_LABEL_2/>'
        "<EFFECT_MEASURE>Hazard Ratio</EFFECT_MEASURE>"
        + entry("IV", 'EFFECT_SIZE="0.7788" ESTIMATE="-0.25" SE="0.1" TOTAL_1="40" TOTAL_2="41"')
        + entry("IV", 'EFFECT_SIZE="1.0" ESTIMATE="0.0" SE="0.2" TOTAL_1="0" TOTAL_2="0"', "B")
        + "</IV_OUTCOME>"
        '<IPD_OUTCOME NO="2"><NAME>Death</NAME><EFFECT_MEASURE>PETO_OR</EFFECT_MEASURE><IPD_SUBGROUP NO="1"><NAME>old</NAME>'
        + entry("IPD", 'EVENTS_1="5" TOTAL_1="40" EVENTS_2="8" TOTAL_2="38" O_E="-2" VAR="4"')
        + '</IPD_SUBGROUP><IPD_SUBGROUP NO="2"><NAME>young</NAME>'
        + entry("IPD", 'EVENTS_1="0" TOTAL_1="0" EVENTS_2="0" TOTAL_2="0" O_E="0.0" VAR="16"', "B")
        + "</IPD_SUBGROUP></IPD_OUTCOME>"
        '<OTHER_OUTCOME NO="3"><NAME>Costs</NAME></OTHER_OUTCOME>'
    )
    trials = read_xml(tmp_path, review(outcomes))
    assert trials.study.tolist() == ["Alder 2001", "Birch 2004"] * 2
    assert trials[["yi", "se"]].to_numpy().tolist() == [[-0.25, 0.1], [0, 0.2], [-0.5, 0.5], [0, 0.25]]
    assert trials.measure.tolist() == ["HR", "HR", "PETO_OR", "PETO_OR"]
    assert trials.subgroup.fillna("").tolist() == ["", "", "old", "young"]
    assert trials.n1.fillna(-1).tolist() == [40, -1, 40, -1]
    assert trials.events1.fillna(-1).tolist() == [-1, -1, 5, -1]
    assert trials.treatment.fillna("").tolist() == ["Walking", "Walking", "", ""]
    assert trials.model.fillna("").tolist() == ["fixed", "fixed", "", ""]
    assert trials.attrs["notes"] == (
        "Relapse: the review gives no total",
        "Costs: data of kind OTHER hold no figures to pool; left out",
    )


def test_contrasts_and_observed_minus_expected_of_a_data_package(tmp_path):
    rows = [
        row(1, "Alder 2001", GIV_Mean=-0.25, GIV_SE=0.1, Experimental_N=0, Control_N=0),
        row(1, "Birch 2004", GIV_Mean=0.0, GIV_SE=0.2, Experimental_N=40, Control_N=41),
        row(2, "Alder 2001", Variance=4, Experimental_N=40, Control_N=38) | {"O-E": -2},
        row(3, "Alder 2001", GIV_Mean=0.8, GIV_SE=0.1),
    ]
    settings = [
        setting(1, "Contrast level", Effect_measure="Rate ratio", Analysis_model="Random effects") | {"Log-scale data": "true"},
        setting(2, "O-E and variance", Effect_measure="Peto Odds Ratio", Statistical_method="EXP_O_E_VAR"),
        setting(3, "Contrast level", Effect_measure="Hazard Ratio", Overall_estimates="false") | {"Log-scale data": "false"},
    ]
    trials = web(tmp_path, rows, settings)
    assert trials[["yi", "se"]].to_numpy().tolist() == [[-0.25, 0.1], [0, 0.2], [-0.5, 0.5]]
    assert trials.measure.tolist() == ["Rate ratio", "Rate ratio", "PETO_OR"]
    assert trials.method.fillna("").tolist() == ["", "", "EXP_O_E_VAR"]
    assert trials.n1.fillna(-1).tolist() == [-1, 40, 40]
    left = trials.attrs["excluded"]
    assert left.outcome.tolist() == ["Outcome 3"]
    assert left.yi.tolist() == [0.8]
    assert left.reason.str.startswith("a ratio that was not entered as a logarithm").all()
    assert trials.attrs["notes"] == ("Outcome 3: the review gives no total",)


@pytest.mark.parametrize(
    ("measure", "swap", "events"),
    [
        ("Odds Ratio", "TRUE", [48, 41]),
        ("Odds Ratio", "FALSE", [12, 20]),
        ("Risk Ratio (Non-event)", "TRUE", [48, 41]),
        ("Odds Ratio (Non-event)", "", [48, 41]),
    ],
)
def test_swapped_events_of_a_data_package_are_counted_as_their_absence(tmp_path, measure, swap, events):
    named = {"Effect measure": measure, "Swap event and non-event": swap}
    trials = web(tmp_path, [row(1, "Alder 2001") | FALLS], [setting(1, "Dichotomous") | named])
    assert trials[["events1", "events2"]].iloc[0].tolist() == events
    assert trials.measure.tolist() == ["RR" if "Risk" in measure else "OR"]
    assert ("absence of the event" in str(trials.attrs["notes"])) == (events == [48, 41])


def test_swapped_events_of_revman_5(tmp_path):
    figures = 'EVENTS_1="12" TOTAL_1="60" EVENTS_2="20" TOTAL_2="61"'
    trials = read_xml(tmp_path, review(counts(figures, more='SWAP_EVENTS="YES"')))
    assert trials[["events1", "events2"]].to_numpy().tolist() == [[48, 41], [37, 35]]
    plain = read_xml(tmp_path, review(counts(figures, more='SWAP_EVENTS="NO"')))
    assert plain[["events1", "events2"]].to_numpy().tolist() == [[12, 20], [8, 9]]


# --- as other programs write them --------------------------------------------------------------------------------


def other_rm5(kind):
    studies = '<STUDY YEAR="2001" NAME="Müller 2001" ID="A"/><STUDY NAME="Birch 2004" ID="B"/>'
    text = review(counts('TOTAL_2="61" EVENTS_2="20" TOTAL_1="60" EVENTS_1="12"'), studies)
    label = '<DICH_OUTCOME GROUP_LABEL_2="Usual care" GROUP_LABEL_1="Exercise"'
    if kind == "namespace, UTF-16":
        text = text.replace("<COCHRANE_REVIEW", '<COCHRANE_REVIEW xmlns="http://example.org/review"')
        return '<?xml version="1.0" encoding="UTF-16"?>' + text.replace("<DICH_OUTCOME", label), "utf-16"
    if kind == "prefix, Windows-1252, names as attributes":
        text = text.replace("<NAME>Falls</NAME>", "").replace("<DICH_OUTCOME", f'{label} NAME="Falls"')
        text = text.replace("<COMPARISON", '<COMPARISON NAME="Exercise v control"').replace("<NAME>Exercise v control</NAME>", "")
        for tag in ("COCHRANE_REVIEW", "STUDY ", "COMPARISON", "DICH_OUTCOME", "DICH_DATA", "ANALYSES_AND_DATA"):
            text = text.replace(f"<{tag}", f"<r:{tag}").replace(f"</{tag}", f"</r:{tag}")
        text = text.replace("<r:COCHRANE_REVIEW", '<r:COCHRANE_REVIEW xmlns:r="http://example.org/review"')
        return '<?xml version="1.0" encoding="windows-1252"?>\r\n' + text, "cp1252"
    labels = "\n  <GROUP_LABEL_1>\n Exercise </GROUP_LABEL_1><GROUP_LABEL_2>Usual <I>care</I></GROUP_LABEL_2>"
    text = text.replace("<NAME>Falls</NAME>", f"<NAME>\n  Falls\n</NAME>{labels}").replace(' NO="1"', "")
    text = text.replace('"60"', '"60.0"').replace('"12"', '" 12 "')
    return text.replace("/><DICH_DATA", "><FOOTNOTE>of 64</FOOTNOTE></DICH_DATA><DICH_DATA"), "utf-8-sig"


@pytest.mark.parametrize(
    "kind",
    ["namespace, UTF-16", "prefix, Windows-1252, names as attributes", "no declaration, no numbers, byte order mark"],
)
def test_rm5_of_other_programs(tmp_path, kind):
    trials = read_xml(tmp_path, *other_rm5(kind))
    assert trials.study.tolist() == ["Müller 2001", "Birch 2004"]
    assert trials.year.tolist() == [2001, 2004]
    assert trials[COUNTS].to_numpy().tolist() == [[12, 60, 20, 61], [8, 45, 9, 44]]
    assert trials[["comparison", "outcome", "treatment", "comparator"]].iloc[0].tolist() == [
        "Exercise v control",
        "Falls",
        "Exercise",
        "Usual care",
    ]


def test_data_package_saved_by_a_spreadsheet(tmp_path):
    rows = [
        row("1.0", "Müller 2001", GIV_Mean="-0,25", GIV_SE="0,1"),
        row("1.0", "Birch 2004", GIV_Mean="1,5", GIV_SE="2"),
    ]
    settings = [setting(1, "Contrast level", Effect_measure="Mean Difference")]
    files = {
        "CD1/cd1-Data-Rows.CSV": table(REVMAN_HEAD, rows, ";").replace("0.0", "0,0").encode("cp1252"),
        "CD1/CD1-overall-estimates-and-settings.csv": table(SETTINGS, settings, ";").encode("cp1252"),
        "__MACOSX/CD1/._CD1-data-rows.csv": b"\x00\x05\x16\x07",
    }
    path = package(tmp_path / "CD1.zip", files)
    with pytest.raises(ae.InputError, match="give encoding="):
        ae.read_revman(path)
    with pytest.raises(ae.InputError, match="GIV Mean has decimal commas, as in row 2; give decimal=','"):
        ae.read_revman(path, encoding="cp1252")
    trials = ae.read_revman(path, encoding="cp1252", decimal=",")
    assert trials[["study", "yi", "se", "measure"]].values.tolist() == [
        ["Müller 2001", -0.25, 0.1, "MD"],
        ["Birch 2004", 1.5, 2.0, "MD"],
    ]


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le with its mark"])
def test_data_rows_as_unicode_text_that_names_its_separator(tmp_path, encoding):
    text = "sep=;\r\n" + table(REVMAN_HEAD, [row(1, "李 2001") | FALLS], ";")
    file = tmp_path / "CD1-data-rows.csv"
    file.write_bytes(text.encode("utf-16") if encoding == "utf-16" else b"\xff\xfe" + text.encode("utf-16-le"))
    trials = ae.read_revman(file)
    assert trials[["study", *COUNTS]].values.tolist() == [["李 2001", 12, 60, 20, 61]]
    assert trials.index.tolist() == [3]


def test_package_that_holds_its_data_twice_is_one_review(tmp_path):
    rows = table(REVMAN_HEAD, [row(1, "Alder 2001") | FALLS])
    both = {"CD1-data-rows.csv": rows, "copy/CD1-data-rows.csv": rows}
    assert len(ae.read_revman(package(tmp_path / "a.zip", both))) == 1
    other = {"CD1-data-rows.csv": rows, "CD2-data-rows.csv": rows.replace("Alder", "Birch")}
    with pytest.raises(ae.InputError, match=r"holds two reviews, 'CD1-data-rows\.csv' and 'CD2-data-rows\.csv'; which one"):
        ae.read_revman(package(tmp_path / "b.zip", other))


# --- what is not given -------------------------------------------------------------------------------------------


def test_data_type_that_is_not_given_is_the_one_with_figures(tmp_path):
    means = {
        "Experimental mean": 10.2,
        "Experimental SD": 4.1,
        "Experimental N": 30,
        "Control mean": 12.9,
        "Control SD": 4.4,
        "Control N": 31,
    }
    rows = [
        row(1, "Alder 2001") | FALLS,
        row(2, "Alder 2001") | means,
        row(3, "Alder 2001", GIV_Mean=0.3, GIV_SE=0.1),
        row(4, "Alder 2001", Experimental_N=5, Control_N=6),
    ]
    trials = web(tmp_path, rows)
    assert trials.data_type.tolist() == ["dichotomous", "continuous", "generic inverse variance"]
    assert trials.iloc[0][COUNTS].tolist() == [12, 60, 20, 61]
    assert trials.iloc[1][MEANS].tolist() == [10.2, 4.1, 30, 12.9, 4.4, 31]
    assert trials.iloc[2][["yi", "se"]].tolist() == [0.3, 0.1]
    assert trials.attrs["excluded"][["outcome", "reason"]].values.tolist() == [["Outcome 4", "no figures entered"]]
    rows[0] |= {"GIV Mean": 0.3, "GIV SE": 0.1}
    with pytest.raises(ae.InputError, match=r"analysis 1\.1 \(Outcome 1\) does not say its data type, and columns of"):
        web(tmp_path, rows)


@pytest.mark.parametrize(
    ("measure", "figures", "reason"),
    [
        ("OR", 'EVENTS_1="0" TOTAL_1="40" EVENTS_2="0" TOTAL_2="41" ESTIMABLE="NO"', "no event in either group"),
        ("RR", 'EVENTS_1="40" TOTAL_1="40" EVENTS_2="41" TOTAL_2="41"', "an event in everyone of both groups"),
        ("OR", 'EVENTS_1="0" TOTAL_1="0" EVENTS_2="0" TOTAL_2="0"', "no figures entered"),
        ("OR", 'EVENTS_1="3" TOTAL_1="40" EVENTS_2="0" TOTAL_2="0"', "no participants in a group"),
        ("OR", 'EVENTS_1="3" TOTAL_1="40" EVENTS_2="" TOTAL_2="41"', "events2 is not entered"),
        ("OR", 'EVENTS_1="3" TOTAL_1="40" TOTAL_2="41"', "events2 is not entered"),
        (
            "OR",
            'EVENTS_1="3" TOTAL_1="40" EVENTS_2="5" TOTAL_2="41" ESTIMABLE="NO"',
            "marked as not estimable in the file",
        ),
        ("RD", 'EVENTS_1="0" TOTAL_1="40" EVENTS_2="0" TOTAL_2="41"', None),
        ("OR", 'EVENTS_1="0" TOTAL_1="40" EVENTS_2="1" TOTAL_2="41"', None),
    ],
)
def test_counts_that_cannot_be_estimated_are_listed_with_the_reason(tmp_path, measure, figures, reason):
    trials = read_xml(tmp_path, review(counts(figures, measure)))
    left = trials.attrs["excluded"]
    assert trials.study.tolist() == (["Birch 2004"] if reason else ["Alder 2001", "Birch 2004"])
    assert left[["study", "comparison", "outcome", "reason"]].values.tolist() == (
        [["Alder 2001", "Exercise v control", "Falls", reason]] if reason else []
    )


@pytest.mark.parametrize(
    ("kind", "figures", "reason"),
    [
        ("CONT", 'MEAN_1="3" SD_1="0" TOTAL_1="40" MEAN_2="4" SD_2="2" TOTAL_2="38"', "sd1 is 0 or was not entered"),
        ("CONT", 'MEAN_1="3" SD_1="2" TOTAL_1="40" MEAN_2="4" SD_2="" TOTAL_2="38"', "sd2 is not entered"),
        ("CONT", 'MEAN_1="0" SD_1="0" TOTAL_1="0" MEAN_2="0" SD_2="0" TOTAL_2="0"', "no figures entered"),
        ("IV", 'ESTIMATE="0.4" SE="0" TOTAL_1="40" TOTAL_2="41"', "se is 0 or was not entered"),
        ("IV", 'ESTIMATE="0.0" SE="0.0" TOTAL_1="40" TOTAL_2="41"', "no figures entered"),
        ("IV", 'ESTIMATE="0.4"', "se is not entered"),
        ("IPD", 'O_E="1.5" VAR="0" EVENTS_1="3" TOTAL_1="40"', "the variance of O - E is 0 or was not entered"),
        ("IPD", 'EVENTS_1="3" TOTAL_1="40" EVENTS_2="4" TOTAL_2="41"', "no figures entered"),
    ],
)
def test_other_rows_that_cannot_be_estimated_are_listed_with_the_reason(tmp_path, kind, figures, reason):
    body = f'<{kind}_OUTCOME NO="2"><NAME>Score</NAME>{entry(kind, figures)}</{kind}_OUTCOME>'
    trials = read_xml(tmp_path, review(counts('EVENTS_1="1" TOTAL_1="40" EVENTS_2="3" TOTAL_2="41"') + body))
    assert trials.outcome.tolist() == ["Falls", "Falls"]
    assert trials.attrs["excluded"].reason.tolist() == [reason]


def test_ratio_that_was_not_entered_as_a_logarithm_is_not_taken_for_one(tmp_path):
    rows = entry("IV", 'ESTIMATE="0.8" EFFECT_SIZE="0.8" SE="0.1"') + entry(
        "IV", 'ESTIMATE="-0.2" EFFECT_SIZE="0.8187308" SE="0.1"', "B"
    )
    outcome = f'<IV_OUTCOME NO="1"><NAME>Time</NAME><EFFECT_MEASURE>Hazard ratio</EFFECT_MEASURE>{rows}</IV_OUTCOME>'
    trials = read_xml(tmp_path, review(outcome))
    assert trials.yi.tolist() == [-0.2]
    assert trials.attrs["excluded"][["study", "yi"]].values.tolist() == [["Alder 2001", 0.8]]
    plain = read_xml(tmp_path, review(outcome.replace("Hazard ratio", "Difference in concentration")))
    assert plain.yi.tolist() == [0.8, -0.2]


@pytest.mark.parametrize("name", ["Total", "Total (95% CI)", "Subtotal (95% CI)", "subtotal", "Total events:"])
def test_totals_are_no_trials(tmp_path, name):
    rows = [row(1, "Alder 2001") | FALLS, row(1, name) | FALLS, row(1, "Total Knee 2005") | FALLS]
    trials = web(tmp_path, rows, [setting(1, "Dichotomous")])
    assert trials.study.tolist() == ["Alder 2001", "Total Knee 2005"]
    assert trials.attrs["excluded"][["study", "reason"]].values.tolist() == [[name, "a total, not a trial"]]


@pytest.mark.parametrize(
    ("name", "given", "year", "note"),
    [
        ("Alder", "2004a", 2004, "Alder: year '2004a' is read as 2004"),
        ("Alder", "2003 Aug-Sep", 2003, "Alder: year '2003 Aug-Sep' is read as 2003"),
        ("Alder", "30/06/2005", 2005, "Alder: year '30/06/2005' is read as 2005"),
        ("Alder", "NLM", None, "Alder: year 'NLM' is left empty"),
        ("Alder", "1999-2001", None, "Alder: year '1999-2001' is left empty"),
        ("Alder 2001b", "NLM", 2001, "Alder 2001b: year 'NLM' is read as 2001, from the study's name"),
        ("Alder 2001b", "", 2001, None),
        ("Alder", "", None, None),
        ("Alder", "2004", 2004, None),
        ("Alder", "2004.0", 2004, None),
        ("Alder", "20045", None, "Alder: year '20045' is left empty"),
    ],
)
def test_years_as_text_keep_their_row(tmp_path, name, given, year, note):
    rows = [row(1, name, Study_year=given) | FALLS, row(1, "Birch", Study_year="2010") | FALLS]
    trials = web(tmp_path, rows, [setting(1, "Dichotomous")])
    assert trials.study.tolist() == [name, "Birch"]
    assert trials.year.fillna(-1).tolist() == [year or -1, 2010]
    assert trials.attrs["notes"] == ((note,) if note else ())
    studies = f'<STUDY ID="A" NAME="{name}" YEAR="{given}"/><STUDY ID="B" NAME="Birch" YEAR="2010"/>'
    same = read_xml(tmp_path, review(counts('EVENTS_1="1" TOTAL_1="40" EVENTS_2="3" TOTAL_2="41"'), studies))
    assert same.year.fillna(-1).tolist() == [year or -1, 2010]
    assert same.attrs["notes"] == trials.attrs["notes"]


@pytest.mark.parametrize(
    ("figures", "said"),
    [
        (
            'EVENTS_1="twelve" TOTAL_1="40" EVENTS_2="3" TOTAL_2="41"',
            "EVENTS_1 must be a number, or empty where missing: row '1.1, Alder 2001' has 'twelve'",
        ),
        ('EVENTS_1="50" TOTAL_1="40" EVENTS_2="3" TOTAL_2="41"', "events1 must not exceed n1: row '1.1, Alder 2001' has 50.0"),
    ],
)
def test_figures_no_trial_can_have_are_refused_by_analysis_trial_and_column(tmp_path, figures, said):
    with pytest.raises(ae.InputError) as caught:
        read_xml(tmp_path, review(counts(figures)))
    assert said in str(caught.value)


def test_text_in_a_column_of_another_data_type_does_not_matter(tmp_path):
    trials = web(tmp_path, [row(1, "Alder 2001") | FALLS | {"Control mean": "n/r"}], [setting(1, "Dichotomous")])
    assert trials.iloc[0][COUNTS].tolist() == [12, 60, 20, 61]
    with pytest.raises(ae.InputError, match="Control cases must be a number, or empty where missing: row 2 has 'n/r'"):
        web(tmp_path, [row(1, "Alder 2001") | FALLS | {"Control cases": "n/r"}], [setting(1, "Dichotomous")])
    with pytest.raises(ae.InputError, match="variance must not be negative: row 2 has -4"):
        web(tmp_path, [row(1, "Alder 2001", Variance=-4)], [setting(1, "O-E and variance")])


def test_review_without_any_trial_that_can_be_analysed_says_why(tmp_path):
    with pytest.raises(ae.InputError, match="no row that can be analysed; the first, 2: no figures entered"):
        web(tmp_path, [row(1, "Alder 2001")], [setting(1, "Dichotomous")])


def test_analysis_that_stands_twice_in_the_settings_is_refused(tmp_path):
    settings = [setting(1, "Dichotomous"), setting(1, "Continuous")]
    with pytest.raises(ae.InputError, match="settings hold an analysis twice; which counts"):
        web(tmp_path, [row(1, "Alder 2001") | FALLS], settings)


# --- there and back ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["events.rm5", "continuous_only.rm5", "package.zip"])
def test_export_keeps_labels_methods_and_numbers(tmp_path, name):
    trials = ae.read_revman(CASES / name)
    back = ae.read_revman(ae.report.export(trials, tmp_path / "again.rm5"))
    pd.testing.assert_frame_equal(back.reset_index(drop=True), trials.reset_index(drop=True))
    text = (tmp_path / "again.rm5").read_text(encoding="utf-8")
    assert "<GROUP_LABEL_1>Exercise</GROUP_LABEL_1>" in text
    assert "<GROUP_LABEL_2>Control</GROUP_LABEL_2>" in text


def test_export_keeps_estimates_apart_from_counts(tmp_path):
    rows = [
        row(1, "Alder 2001", GIV_Mean=-0.25, GIV_SE=0.1, Experimental_N=40, Control_N=41),
        row(2, "Alder 2001", Variance=4, Experimental_N=40, Control_N=38, Experimental_cases=5, Control_cases=8) | {"O-E": -2},
        row(3, "Birch 2004", Variance=16) | {"O-E": 2},
        row(4, "Birch 2004") | FALLS,
    ]
    settings = [
        setting(1, "Contrast level", Effect_measure="Rate ratio", Analysis_model="Random effects", Statistical_method="IV"),
        setting(
            2,
            "O-E and variance",
            Effect_measure="Hazard Ratio",
            Analysis_model="Fixed effect",
            Statistical_method="PETO",
        ),
        setting(3, "O-E and variance", Effect_measure="Odds Ratio", Analysis_model="Fixed effect", Statistical_method="PETO"),
        setting(4, "Dichotomous", Effect_measure="Risk Ratio", Analysis_model="Fixed effect", Statistical_method="MH"),
    ]
    trials = web(tmp_path, rows, settings)
    back = ae.read_revman(ae.report.export(trials, tmp_path / "again.rm5"))
    pd.testing.assert_frame_equal(back.reset_index(drop=True), trials.reset_index(drop=True), rtol=1e-15)


def test_export_names_no_group_that_the_table_does_not(tmp_path):
    frame = pd.DataFrame({"study": ["A", "B"], "yi": [0.1, 0.2], "se": [0.1, 0.1]})
    text = ae.report.export(frame, tmp_path / "out.rm5").read_text(encoding="utf-8")
    assert "<GROUP_LABEL_1 />" in text
    assert "cupuncture" not in text.replace('MODIFIED_BY="acuevidence"', "")
    back = ae.read_revman(tmp_path / "out.rm5")
    assert not {"treatment", "comparator", "measure"} & set(back.columns)


def test_open_files_are_read_as_their_paths_are(tmp_path):
    file = tmp_path / "CD000000-data-rows.csv"
    file.write_text(
        "Analysis group,Analysis number,Study,Experimental cases,Experimental N,Control cases,Control N\n1,1,A 2001,12,40,7,41\n"
    )
    by_path = ae.read_revman(file)
    with file.open("rb") as binary, file.open() as text:
        for source in (binary, text):
            pd.testing.assert_frame_equal(ae.read_revman(source), by_path)
    for wrong in (3, None, pd.DataFrame()):
        with pytest.raises(ae.InputError, match="path or an open file"):
            ae.read_revman(wrong)
