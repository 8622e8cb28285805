"""Do other programs' files come over figure by figure?

The RevMan files are written here by hand in the layout RevMan 5 saves and the Cochrane Library offers (attribute and column names
as R's meta reads them), with made-up trials; what is expected is what stands in them. Exports are read back by the importers.
"""

import csv
import io
import json
import zipfile

import numpy as np
import pandas as pd
import pytest
from builders import REVMAN_HEAD

import acuevidence as ae

RM5 = """<?xml version="1.0" encoding="UTF-8"?>
<COCHRANE_REVIEW TYPE="INTERVENTION">
 <STUDIES_AND_REFERENCES><STUDIES><INCLUDED_STUDIES>
  <STUDY ID="STD-A" NAME="Müller 2001" YEAR="2001"/><STUDY ID="STD-B" NAME="李 2012" YEAR=""/><STUDY ID="STD-C" NAME="Third"/>
 </INCLUDED_STUDIES></STUDIES></STUDIES_AND_REFERENCES>
 <ANALYSES_AND_DATA>
  <COMPARISON ID="CMP-001" NO="1"><NAME>Acupuncture v sham</NAME>
   <CONT_OUTCOME ID="CMP-001.01" EFFECT_MEASURE="SMD" GROUP_LABEL_1="Acupuncture" GROUP_LABEL_2="Sham"><NAME>Pain</NAME>
    <CONT_SUBGROUP ID="s" NO="1"><NAME>short</NAME>
     <CONT_DATA STUDY_ID="STD-A" MEAN_1="3.1" SD_1="2" TOTAL_1="40" MEAN_2="4.2" SD_2="2.1" TOTAL_2="38"/>
     <CONT_DATA STUDY_ID="STD-C" MEAN_1="0" SD_1="0" TOTAL_1="0" MEAN_2="0" SD_2="0" TOTAL_2="0" ESTIMABLE="NO"/>
    </CONT_SUBGROUP>
   </CONT_OUTCOME>
   <DICH_OUTCOME ID="CMP-001.02" EFFECT_MEASURE="RR" GROUP_LABEL_2="Sham" SWAP_EVENTS="YES"><NAME>No response</NAME>
    <DICH_DATA STUDY_ID="STD-B" EVENTS_1="12" TOTAL_1="40" EVENTS_2="7" TOTAL_2="41"/>
   </DICH_OUTCOME>
   <IV_OUTCOME ID="CMP-001.03" EFFECT_MEASURE="OR" GROUP_LABEL_2="Sham"><NAME>Relapse</NAME>
    <IV_DATA STUDY_ID="STD-B" ESTIMATE="-0.25" SE="0.1" TOTAL_1="0" TOTAL_2="0"/>
   </IV_OUTCOME>
   <IPD_OUTCOME ID="CMP-001.04" EFFECT_MEASURE="PETO_OR" GROUP_LABEL_2="Sham"><NAME>Time</NAME>
    <IPD_DATA STUDY_ID="STD-A" EVENTS_1="5" TOTAL_1="40" EVENTS_2="8" TOTAL_2="38" O_E="-2" VAR="4"/>
   </IPD_OUTCOME>
  </COMPARISON>
 </ANALYSES_AND_DATA>
</COCHRANE_REVIEW>
"""


def written(head, *rows):
    text = io.StringIO()
    csv.writer(text).writerows([head, *rows])
    return text.getvalue()


def package(path, *, nested=False):
    rows = written(
        REVMAN_HEAD,
        [
            1,
            1,
            "Pain",
            "short",
            "",
            "Müller 2001",
            2001,
            "",
            "",
            3.1,
            2,
            "",
            40,
            4.2,
            2.1,
            "",
            38,
            "",
            "",
            9,
            -0.5,
            -1,
            0,
            "",
        ],
        [
            1,
            2,
            "Relapse",
            "",
            "",
            "李 2012",
            "",
            -0.25,
            0.1,
            "",
            "",
            "",
            40,
            "",
            "",
            "",
            41,
            "",
            "",
            9,
            0.78,
            0.6,
            0.9,
            "",
        ],
    )
    settings = written(
        [
            "Analysis group",
            "Analysis group name",
            "Analysis number",
            "Effect measure",
            "Experimental group label",
            "Control group label",
            "Swap event and non-event",
        ],
        [1, "Acupuncture v sham", 1, "Std. Mean Difference", "Acupuncture", "Sham", "FALSE"],
        [1, "Acupuncture v sham", 2, "Odds Ratio", "Acupuncture", "Sham", "FALSE"],
    )
    inner = io.BytesIO()
    with zipfile.ZipFile(inner, "w") as archive:
        archive.writestr("CD1-analysis-data/CD1-data-rows.csv", "\ufeff" + rows)
        archive.writestr("CD1-analysis-data/CD1-overall-estimates-and-settings.csv", settings)
    if nested:
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("CD1-files/CD1-data.zip", inner.getvalue())
    else:
        path.write_bytes(inner.getvalue())
    return path


def test_revman_5_gives_every_kind_of_figure(tmp_path):
    file = tmp_path / "review.rm5"
    file.write_text(RM5, encoding="utf-8")
    trials = ae.read_revman(file)
    assert trials.study.tolist() == ["Müller 2001", "李 2012", "李 2012", "Müller 2001"]
    assert trials.year.tolist() == [2001, 2012, 2012, 2001]
    assert trials.outcome.tolist() == ["Pain", "No response", "Relapse", "Time"]
    assert set(trials.comparator) == {"Sham"}
    assert trials.subgroup.fillna("").tolist() == ["short", "", "", ""]
    assert trials.iloc[0][["mean1", "sd1", "n1", "mean2", "sd2", "n2"]].tolist() == [3.1, 2, 40, 4.2, 2.1, 38]
    assert trials.iloc[1][["events1", "n1", "events2", "n2"]].tolist() == [28, 40, 34, 41]
    assert trials.iloc[2][["yi", "se"]].tolist() == [-0.25, 0.1]
    assert trials.iloc[3][["yi", "se"]].tolist() == [-0.5, 0.5]
    assert trials.attrs["excluded"].study.tolist() == ["Third"]


@pytest.mark.parametrize("nested", [False, True])
def test_revman_web_package_gives_the_same_trials(tmp_path, nested):
    trials = ae.read_revman(package(tmp_path / "CD1.zip", nested=nested))
    assert trials.study.tolist() == ["Müller 2001", "李 2012"]
    assert trials.year.tolist() == [2001, 2012]
    assert trials.comparison.tolist() == ["Acupuncture v sham"] * 2
    assert trials.measure.tolist() == ["SMD", "OR"]
    assert trials.iloc[0][["mean1", "sd1", "n1", "mean2", "sd2", "n2"]].tolist() == [3.1, 2, 40, 4.2, 2.1, 38]
    assert trials.iloc[1][["yi", "se"]].tolist() == [-0.25, 0.1]


def test_formulas_do_not_survive_a_csv_export_and_text_does(tmp_path):
    names = ["=HYPERLINK(1)", "+1", "-A", "@SUM(A1)", "'=1", "O'Neill 2004", "\tx", "plain"]
    frame = pd.DataFrame({"study": names, "yi": -0.5, "se": 0.1})
    file = ae.report.export(frame, tmp_path / "out.csv")
    cells = [row["study"] for row in csv.DictReader(io.StringIO(file.read_text(encoding="utf-8")))]
    assert not [cell for cell in cells if cell[0] in "=+-@\t\r"]
    back = ae.read_trials(file, measure="MD")
    assert back.study.tolist() == [name.strip() for name in names]
    assert back.yi.tolist() == [-0.5] * len(names)


def test_revman_export_reads_back_as_it_was(tmp_path):
    file = tmp_path / "review.rm5"
    file.write_text(RM5, encoding="utf-8")
    trials = ae.read_revman(file)
    back = ae.read_revman(ae.report.export(trials, tmp_path / "again.rm5"))
    expected = trials.assign(model=["random", "random", "random", None])
    expected["method"] = pd.Series(["IV", "IV", "IV", None], trials.index, dtype=object)
    pd.testing.assert_frame_equal(back[trials.columns].reset_index(drop=True), expected[trials.columns].reset_index(drop=True))


def test_effects_of_the_package_reach_revman_with_their_variance(tmp_path):
    effects = ae.trial_effects("neck_pain")
    back = ae.read_revman(ae.report.export(effects[["study", "comparator", "outcome", "yi", "vi"]], tmp_path / "neck.rm5"))
    ours = effects.sort_values(["comparator", "study"], kind="stable")
    theirs = back.sort_values(["comparator", "study"], kind="stable")
    np.testing.assert_array_equal(theirs.yi, ours.yi)
    np.testing.assert_allclose(theirs.se**2, ours.vi, rtol=1e-14)


def test_json_export_says_what_it_was_made_from(tmp_path):
    effects = ae.trial_effects("neck_pain")
    result = ae.meta_analysis("yi", "vi", data=effects, labels="study", by="comparator")
    content = json.loads(ae.report.export(result, tmp_path / "neck.json").read_text(encoding="utf-8"))
    assert content["made_by"]["acuevidence"] == ae.__version__
    assert set(content["made_by"]["data"]) >= {"trials.csv", "results.csv"}
    sham = next(one for one in content["results"] if one["group"] == "sham")
    assert sham["method"] == "REML"
    assert len(sham["trials"]) == result["sham"].k
    assert all(trial["source_url"].startswith("http") for trial in sham["trials"])


def test_own_columns_beside_those_of_revman_are_not_taken_for_them(tmp_path):
    head = "Analysis group,Analysis number,Study,Experimental cases,Experimental N,Control cases,Control N,n1,study"
    (tmp_path / "CD1-data-rows.csv").write_text(head + "\n1,1,A 2001,12,40,7,41,99,other\n")
    trials = ae.read_revman(tmp_path / "CD1-data-rows.csv")
    assert trials[["study", "n1"]].to_numpy().tolist() == [["A 2001", 40.0]]


@pytest.mark.parametrize("first", [0, 1])
def test_the_row_numbers_of_pandas_and_of_r_are_no_column(tmp_path, first):
    frame = pd.DataFrame({"study": ["A", "B"], "mean1": [4, 5], "sd1": 2, "n1": 20, "mean2": [5, 7], "sd2": 2, "n2": 20})
    frame.index += first
    frame.to_csv(tmp_path / "numbered.csv")
    assert ae.read_trials(tmp_path / "numbered.csv")["study"].tolist() == ["A", "B"]
