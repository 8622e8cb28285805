"""Bad input is refused in words that help: which argument or column, which row, and what would be right.

Each line of the tables is one kind of bad input, the call it goes to, and the pieces its message must have. The index of every
frame is made of names, so that a row is known by what the user calls it. Nothing may be written half: calls that write start
from an old file, which must still be there.
"""

import zipfile
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest

import acuevidence as ae
from acuevidence import effects

NAN, INF = float("nan"), float("inf")
ROWS = ["Ann 1999", "Bo 2004", "Cy 2010"]
MEANS = {
    "mean1": [3.0, 4.0, 5.0],
    "sd1": [1.0, 2.0, 1.5],
    "n1": [20, 30, 40],
    "mean2": [4.0, 5.0, 6.0],
    "sd2": [1.0, 2.0, 1.5],
    "n2": [22, 31, 38],
}
COUNTS = {"events1": [5, 8, 2], "n1": [20, 30, 40], "events2": [7, 3, 9], "n2": [22, 31, 38]}
RATES = {"events1": [5, 8, 2], "time1": [20.0, 30.0, 40.0], "events2": [7, 3, 9], "time2": [22.0, 31.0, 38.0]}
PAIRED = {
    "mean_pre": [6.0, 5.0, 7.0],
    "mean_post": [4.0, 4.0, 5.0],
    "sd_pre": [2.0, 2.0, 1.0],
    "sd_post": [2.0, 1.0, 1.0],
    "n": [20, 30, 25],
    "r": [0.5, 0.4, 0.6],
}
ONE = {"events": [5, 8, 2], "n": [20, 30, 40]}
POOL = {"yi": [0.1, 0.2, 0.4], "vi": [0.01, 0.02, 0.03]}


def spoiled(table, column, value, row=1):
    frame = pd.DataFrame(table, index=ROWS).astype(object)
    frame.loc[ROWS[row], column] = value
    return frame


def size(measure, table, **options):
    return ae.effect_size(measure, data=table, **{c: c for c in table.columns}, **options)


# (measure, table, column, value, what the message says besides column, row and value)
CELLS = [
    *[
        ("SMD", MEANS, c, v, w)
        for c in MEANS
        for v, w in ((NAN, "missing"), (INF, "finite"), (-INF, "finite"), ("12 mm", "must be a number"), (None, "missing"))
    ],
    *[("SMD", MEANS, c, -1.0, "negative") for c in ("sd1", "sd2")],
    *[("SMD", MEANS, c, v, "2 or more") for c in ("n1", "n2") for v in (1, 0, -5)],
    *[("OR", COUNTS, c, v, w) for c in COUNTS for v, w in ((NAN, "missing"), ("many", "must be a number"))],
    *[("OR", COUNTS, c, v, w) for c in ("events1", "events2") for v, w in ((-1, "negative"), (500, "exceed"))],
    *[("RR", COUNTS, c, 0, "1 or more") for c in ("n1", "n2")],
    *[("IRR", RATES, c, v, "positive") for c in ("time1", "time2") for v in (0.0, -2.0)],
    *[("IRR", RATES, c, -1, "negative") for c in ("events1", "events2")],
    *[("PR", ONE, c, v, w) for c, v, w in (("events", 41, "exceed"), ("events", -1, "negative"), ("n", 0, "1 or more"))],
    *[
        ("SMCC", PAIRED, c, v, w)
        for c, v, w in (
            ("r", 1.0, "between -1 and 1"),
            ("r", -1.5, "between -1 and 1"),
            ("n", 2, "2 or more"),
            ("sd_pre", -1.0, "negative"),
            ("sd_post", -1.0, "negative"),
        )
    ],
    ("SMCR", PAIRED, "sd_pre", 0.0, "zero"),
    ("ROM", MEANS, "mean1", -4.0, "one sign"),
    ("CVR", MEANS, "mean1", 0.0, "one sign"),
    *[("VR", MEANS, c, 0.0, "positive") for c in ("sd1", "sd2")],
]


@pytest.mark.parametrize(("measure", "table", "column", "value", "said"), CELLS)
def test_effect_size_names_the_cell_it_cannot_use(measure, table, column, value, said):
    with pytest.raises(ae.InputError) as caught:
        size(measure, spoiled(table, column, value))
    message = str(caught.value)
    assert column in message
    assert "'Bo 2004'" in message
    assert said in message


POOLED = [
    ("yi", NAN, "missing"),
    ("yi", None, "missing"),
    ("yi", pd.NA, "missing"),
    ("yi", INF, "finite"),
    ("yi", "0,4", "number"),
    ("yi", "x", "number"),
    ("yi", pd.NaT, "missing"),
    ("yi", [1, 2], "number"),
    ("yi", 1 + 2j, "number"),
    ("vi", 0.0, "positive"),
    ("vi", -0.02, "positive"),
    ("vi", NAN, "missing"),
    ("vi", INF, "finite"),
    ("vi", "", "number"),
    ("vi", -1e-300, "positive"),
    ("vi", Decimal("NaN"), "missing"),
    ("vi", Decimal("Infinity"), "finite"),
    ("vi", pd.Timestamp("2020-01-01"), "number"),
    ("vi", True, "number"),
]


@pytest.mark.parametrize(("column", "value", "said"), POOLED)
def test_meta_analysis_names_the_cell_it_cannot_use(column, value, said):
    frame = pd.DataFrame(POOL, index=ROWS).astype(object)
    frame.at["Bo 2004", column] = value
    with pytest.raises(ae.InputError) as caught:
        ae.meta_analysis("yi", "vi", data=frame)
    message = str(caught.value)
    assert column in message
    assert "'Bo 2004'" in message
    assert said in message


def frame(**columns):
    return pd.DataFrame({**POOL, **columns}, index=ROWS)


# What is given as a whole: (call, pieces of the message)
WHOLES = {
    "no trial": (lambda: ae.meta_analysis([], []), "no trial"),
    "no row": (lambda: ae.meta_analysis(data=frame().iloc[:0]), "no trial"),
    "unequal lengths": (lambda: ae.meta_analysis([0.1, 0.2], [0.1]), "yi has 2, vi has 1"),
    "length of n": (lambda: ae.meta_analysis([0.1, 0.2], [0.1, 0.1], n=[3]), "n has 1"),
    "length of labels": (lambda: ae.meta_analysis([0.1, 0.2], [0.1, 0.1], labels=["A"]), "labels"),
    "length of by": (lambda: ae.meta_analysis([0.1, 0.2], [0.1, 0.1], by=["A"]), "by"),
    "two dimensions": (lambda: ae.meta_analysis([[0.1, 0.2]], [[0.1, 0.1]]), "one-dimensional"),
    "misspelled column": (lambda: ae.meta_analysis("y", "vi", data=frame()), "did you mean 'yi'"),
    "column without data": (lambda: ae.meta_analysis("yi", "vi"), "no data= was given"),
    "column twice": (lambda: ae.meta_analysis("yi", "vi", data=frame().rename(columns={"vi": "yi"})[["yi", "yi"]]), "rename"),
    "other index": (lambda: ae.meta_analysis(frame().yi, frame().vi.reset_index(drop=True)), "different indexes"),
    "unknown method": (lambda: ae.meta_analysis(data=frame(), method="REMl"), "did you mean 'REML'"),
    "unknown test": (lambda: ae.meta_analysis(data=frame(), test="HK"), "one of: z, t, HKSJ"),
    "unknown prediction": (lambda: ae.meta_analysis(data=frame(), prediction="v"), "one of: V, HTS, z"),
    "unknown missing": (lambda: ae.meta_analysis(data=frame(), missing="skip"), "one of: raise, drop"),
    "level in percent": (lambda: ae.meta_analysis(data=frame(), level=95), "between 0 and 1"),
    "level of one": (lambda: ae.meta_analysis(data=frame(), level=1.0), "between 0 and 1"),
    "level as text": (lambda: ae.meta_analysis(data=frame(), level="95%"), "between 0 and 1"),
    "level not a number": (lambda: ae.meta_analysis(data=frame(), level=NAN), "between 0 and 1"),
    "group missing": (lambda: ae.meta_analysis(data=frame(g=["a", None, "b"]), by="g"), "Bo 2004"),
    "group not a column": (lambda: ae.meta_analysis(data=frame(), by="group"), "group"),
    "moderators without data": (lambda: ae.meta_analysis([0.1, 0.2], [0.1, 0.1], moderators="~ x"), "need data="),
    "moderator not a column": (lambda: ae.meta_analysis(data=frame(), moderators="~ year"), "year"),
    "moderator constant": (lambda: ae.meta_analysis(data=frame(x=1.0), moderators="~ x"), "x"),
    "moderator missing": (lambda: ae.meta_analysis(data=frame(x=[1.0, NAN, 2.0]), moderators="~ x"), "Bo 2004"),
    "moderator infinite": (lambda: ae.meta_analysis(data=frame(x=[1.0, INF, 2.0]), moderators="~ x"), "Bo 2004"),
    "as many moderators as trials": (
        lambda: ae.meta_analysis(data=frame(x=[1.0, 2.0, 4.0], z=[1.0, 5.0, 2.0]), moderators="~ x + z"),
        "trials",
    ),
    "formula broken": (lambda: ae.meta_analysis(data=frame(), moderators="~ ("), "~ ("),
    "data not a table": (lambda: ae.meta_analysis("yi", "vi", data=[[1.0], [1.0]]), "data must be a DataFrame"),
    "columns of unequal length": (lambda: ae.meta_analysis("yi", "vi", data={"yi": [1.0], "vi": [1.0, 2.0]}), "as many entries"),
    "data of one number": (lambda: ae.meta_analysis("yi", "vi", data=3), "data must be a DataFrame"),
    "frame as a column": (lambda: ae.meta_analysis(frame(), [0.1, 0.1, 0.1]), "one-dimensional"),
    "dates": (lambda: ae.meta_analysis(pd.date_range("2000", periods=3), [0.1, 0.1, 0.1]), "numbers"),
    "categories": (lambda: ae.meta_analysis(pd.Categorical(["a", "b", "c"]), [0.1, 0.1, 0.1]), "number"),
    "complex": (lambda: ae.meta_analysis(np.array([1j, 2, 3]), [0.1, 0.1, 0.1]), "numbers"),
    "sets": (lambda: ae.meta_analysis({0.1, 0.2}, [0.1, 0.1]), "yi"),
    "unknown measure": (lambda: size("SMDX", pd.DataFrame(MEANS)), "did you mean"),
    "unknown vtype": (lambda: size("SMD", pd.DataFrame(MEANS), vtype="XX"), "vtype"),
    "vtype of another measure": (lambda: size("OR", pd.DataFrame(COUNTS), vtype="UB"), "it has: LS"),
    "unknown to": (lambda: size("OR", pd.DataFrame(COUNTS), to="some"), "only0"),
    "add negative": (lambda: size("OR", pd.DataFrame(COUNTS), add=-1), "add"),
    "add not a number": (lambda: size("OR", pd.DataFrame(COUNTS), add="half"), "add"),
    "summary missing": (lambda: ae.effect_size("SMD", mean1=1, sd1=1, n1=9), "needs mean2, sd2, n2"),
    "summary unknown": (lambda: ae.effect_size("SMD", mean_1=1), "did you mean 'mean1'"),
    "summary superfluous": (lambda: size("OR", pd.DataFrame({**COUNTS, "time1": 3})), "does not take time1"),
    "summaries of unequal length": (lambda: ae.effect_size("PR", events=[1, 2], n=[9, 9, 9]), "events has 2, n has 3"),
    "no spread at all": (lambda: size("SMD", spoiled({**MEANS, "sd1": [1, 0, 1]}, "sd2", 0.0)), "both zero"),
    "interval upside down": (lambda: effects.from_ci([0.1, 0.5], [0.4, 0.2]), "row 1"),
    "interval of a ratio below zero": (lambda: effects.from_ci([-0.1], [0.4], log=True), "row 0"),
    "p above one": (lambda: effects.from_p([0.3], [1.5]), "row 0"),
    "p of zero": (lambda: effects.from_p([0.3], [0.0]), "row 0"),
    "se negative": (lambda: effects.sd_from_se([-0.3], [20]), "row 0"),
    "sd from one person": (lambda: effects.sd_from_ci([0.1], [0.4], [1]), "row 0"),
    "quartiles out of order": (lambda: effects.mean_sd_from_quantiles([20], q1=[5.0], median=[3.0], q3=[7.0]), "row 0"),
    "arm of nobody": (lambda: effects.combine_arms([1, 2], [1, 1], [10, 0]), "row 1"),
    "arm split too often": (lambda: effects.split_arm(3, 4), "3"),
    "more events than people split": (lambda: effects.split_arm(3, 2, events=5), "events"),
    "correlation beyond one": (lambda: effects.sd_of_change(1.0, 1.0, 1.2), "r must lie between"),
    "cluster below one": (lambda: effects.design_effect(0.5, 0.1), "cluster_size"),
    "crossover of one": (lambda: effects.crossover_se(1.0, 1.0, 1, 0.5), "n must be 2"),
    "unknown condition": (lambda: ae.trial_effects("lowbackpain"), "did you mean 'low_back_pain'"),
    "unknown comparator": (lambda: ae.trial_effects("neck_pain", comparator="placebo"), "sham"),
    "unknown outcome": (lambda: ae.trial_effects("neck_pain", outcome="happiness"), "outcome"),
    "unknown timing": (lambda: ae.trial_effects("neck_pain", timing="soon"), "end_of_treatment"),
    "unknown effect measure": (lambda: ae.trial_effects("neck_pain", measure="HR"), "SMD"),
    "unknown cautions": (lambda: ae.trial_effects("neck_pain", cautions="maybe"), "exclude"),
    "no folder": (lambda: ae.load_evidence("/nowhere/at/all"), "does not exist"),
    "export of a number": (lambda: ae.report.export(3, "x.csv"), "must be a DataFrame or a result"),
}


@pytest.mark.parametrize("kind", WHOLES)
def test_argument_is_refused_in_words_that_help(kind):
    call, said = WHOLES[kind]
    with pytest.raises(ae.InputError) as caught:
        call()
    assert said in str(caught.value)


# Files: (name, content, what the message says)
GOOD_HEAD = "study,mean1,sd1,n1,mean2,sd2,n2\n"
FILES = {
    "empty": ("a.csv", "", "empty"),
    "blank lines": ("a.csv", "\n\n \n", "empty"),
    "header alone": ("a.csv", GOOD_HEAD, "no row of trials"),
    "short line": ("a.csv", GOOD_HEAD + "A,1,1,10,1,1,10\nB,1,1\n", "line 3 has 3 cells, the header has 7"),
    "long line": ("a.csv", GOOD_HEAD + "A,1,1,10,1,1,10,9\n", "line 2 has 8 cells"),
    "column twice": ("a.csv", "study,yi,se,yi\nA,1,1,1\n", "two columns are named 'yi'"),
    "unnamed column": ("a.csv", "study,yi,,se\nA,1,1,1\n", "column 3 has no name"),
    "no study": ("a.csv", "yi,se\n1,1\n", "no column of studies"),
    "study empty": ("a.csv", "study,yi,se\nA,1,1\n,1,1\n", "study is missing: row 3"),
    "no figures": ("a.csv", "study,year\nA,2001\n", "no complete set of figures"),
    "two columns for one": ("a.csv", "study,yi,TE,se\nA,1,1,1\n", "both look like 'yi'"),
    "text for a number": ("a.csv", "study,yi,se\nA,0.1,0.1\nB,big,0.1\n", "yi must be a number: row 3 has 'big'"),
    "infinite": ("a.csv", "study,yi,se\nA,inf,0.1\n", "yi must be a number"),
    "se of zero": ("a.csv", "study,yi,se\nA,0.1,0\n", "se must be positive: row 2"),
    "vi negative": ("a.csv", "study,yi,vi\nA,0.1,-1\n", "vi must be positive: row 2"),
    "sd negative": ("a.csv", GOOD_HEAD + "A,1,-1,10,1,1,10\n", "sd1 must not be negative: row 2"),
    "nobody": ("a.csv", GOOD_HEAD + "A,1,1,0,1,1,10\n", "n1 must be 1 or more: row 2"),
    "events beyond n": ("a.csv", "study,events1,n1,events2,n2\nA,11,10,1,10\n", "events1 must not exceed n1: row 2"),
    "year impossible": ("a.csv", "study,year,yi,se\nA,20011,1,1\n", "year must be a whole number between 1800 and 2200: row 2"),
    "other encoding": ("a.csv", "study,yi,se\nMüller,1,1\n".encode("latin-1"), "give encoding="),
    "quote not closed": ("a.csv", 'study,yi,se\n"A,1,1\n', "cannot be read as delimited text"),
    "old Excel": ("a.xls", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "save it as .xlsx"),
    "zip that is no workbook": ("a.xlsx", b"PK\x03\x04" + bytes(50), "cannot be read as an Excel workbook"),
}
RM5_HEAD = '<COCHRANE_REVIEW><STUDIES_AND_REFERENCES><STUDY ID="S" NAME="A" YEAR="2001"/></STUDIES_AND_REFERENCES>'
RM5 = RM5_HEAD + "<ANALYSES_AND_DATA><COMPARISON><CONT_OUTCOME>{}</CONT_OUTCOME></COMPARISON></ANALYSES_AND_DATA></COCHRANE_REVIEW>"
REVIEWS = {
    "not XML": ("a.rm5", "study,yi", "not a RevMan 5 file"),
    "cut off": ("a.rm5", RM5_HEAD, "not a RevMan 5 file"),
    "other XML": ("a.rm5", "<html/>", "root is 'html'"),
    "no analysis": ("a.rm5", RM5_HEAD + "</COCHRANE_REVIEW>", "no analysis with trials"),
    "unknown study": ("a.rm5", RM5.format('<CONT_DATA STUDY_ID="X" MEAN_1="1"/>'), "refers to a study 'X'"),
    "text for a number": ("a.rm5", RM5.format('<CONT_DATA STUDY_ID="S" MEAN_1="one"/>'), "MEAN_1 must be a number"),
    "negative sd": (
        "a.rm5",
        RM5.format('<CONT_DATA STUDY_ID="S" MEAN_1="1" SD_1="-1" TOTAL_1="9" MEAN_2="1" SD_2="1" TOTAL_2="9"/>'),
        "sd1 must not be negative",
    ),
    "entity bomb": ("a.rm5", '<!DOCTYPE l [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;&a;">]>' + RM5.format("&b;"), "entities"),
    "external entity": ("a.rm5", '<!DOCTYPE l [<!ENTITY x SYSTEM "file:///etc/passwd">]>' + RM5.format("&x;"), "entities"),
    "other csv": ("a.csv", "study,yi\nA,1\n", "not RevMan's data"),
    "archive without data": ("a.zip", {"notes.txt": "x"}, "no '...-data-rows.csv'"),
    "path that climbs": ("a.zip", {"../../evil-data-rows.csv": "x"}, "leaves the archive"),
    "absolute path": ("a.zip", {"/etc/evil-data-rows.csv": "x"}, "leaves the archive"),
    "drive": ("a.zip", {"C:\\evil-data-rows.csv": "x"}, "leaves the archive"),
    "zip bomb": ("a.zip", {"a-data-rows.csv": bytes(65 * 2**20)}, "unpacks to"),
    "too many members": ("a.zip", {f"{i}.txt": "" for i in range(2_001)}, "2,001 members"),
    "bomb within": ("a.zip", {"b.zip": {"a-data-rows.csv": bytes(65 * 2**20)}}, "unpacks to"),
    "broken archive": ("a.zip", b"PK\x03\x04" + bytes(60), "not a zip archive"),
}


def archive(path, content):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for name, data in content.items():
            if isinstance(data, dict):
                archive(path.with_name(name), data)
                data = path.with_name(name).read_bytes()
            file.writestr(name, data)


def stored(folder, name, content):
    path = folder / name
    if isinstance(content, dict):
        archive(path, content)
    else:
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


@pytest.mark.parametrize("kind", FILES)
def test_table_is_refused_in_words_that_help(tmp_path, kind):
    name, content, said = FILES[kind]
    with pytest.raises(ae.InputError) as caught:
        ae.read_trials(stored(tmp_path, name, content), measure="SMD")
    assert said in str(caught.value)
    assert name in str(caught.value)


@pytest.mark.parametrize("kind", REVIEWS)
def test_review_is_refused_in_words_that_help(tmp_path, kind):
    name, content, said = REVIEWS[kind]
    path = stored(tmp_path, name, content)
    before = sorted(tmp_path.parent.rglob("*"))
    with pytest.raises(ae.InputError) as caught:
        ae.read_revman(path)
    assert said in str(caught.value)
    assert sorted(tmp_path.parent.rglob("*")) == before


TRIALS = {
    "too large": ("a.csv", bytes(64 * 2**20 + 1), "files beyond 67,108,864 are not read"),
    "bomb": ("a.xlsx", {"xl/workbook.xml": bytes(65 * 2**20)}, "unpacks to"),
    "path out of the workbook": ("a.xlsx", {"../../x.xml": ""}, "leaves the archive"),
    "old Excel": ("a.xls", b"\xd0\xcf\x11\xe0" + bytes(600), "save it as .xlsx"),
    "no workbook": ("a.xlsx", b"PK\x03\x04" + bytes(50), "cannot be read as an Excel workbook"),
    "short line": ("a.csv", "study,yi,se\nA,1\n", "line 2 has 2 cells, the header has 3"),
    "column twice": ("a.csv", "study,yi,yi\nA,1,1\n", "two columns are named 'yi'"),
    "other encoding": ("a.csv", "study,yi,se\nMüller,1,1\n".encode("latin-1"), "give encoding="),
    "thousands": ("a.csv", 'study,yi,se\nA,"1,000",1\n', "'yi' has '1,000' in row 2, which is 1000 or 1.000"),
    "formula": ("a.csv", "study,yi,se\nA,=1+1,1\n", "yi must be a number: row 2 has '=1+1'"),
    "infinite": ("a.csv", "study,yi,se\nA,inf,1\n", "yi must be a number: row 2"),
    "beyond numbers": ("a.csv", "study,yi,se\nA,1e999,1\n", "yi must be finite, and below 1e+100: row 2"),
    "no file": ("a.csv/b.csv", None, "is not a file"),
    "empty": ("a.csv", "", "is empty"),
}


@pytest.mark.parametrize("kind", TRIALS)
def test_flat_table_of_trials_is_refused_in_words_that_help(tmp_path, kind):
    name, content, said = TRIALS[kind]
    path = tmp_path / name if content is None else stored(tmp_path, name, content)
    with pytest.raises(ae.InputError) as caught:
        ae.read_trials(path)
    assert said in str(caught.value)


def test_flat_table_of_trials_loses_the_guard_against_formulas_and_keeps_its_own_columns(tmp_path):
    path = stored(tmp_path, "a.csv", "study,yi,se,dose,note\n'=A,'-0.5,0.1,3,x\nB,NA,,4,\nC,0.25,0.5,5,NA\n")
    table = ae.read_trials(path, measure="SMD")
    assert table["study"].tolist() == ["=A", "C"]
    assert table["yi"].tolist() == [-0.5, 0.25]
    assert table["dose"].tolist() == [3, 5]
    assert table.index.tolist() == [2, 4]


WRITES = {
    "other ending": (lambda old: ae.report.export(frame(), old.with_suffix(".docx")), "one of: .csv, .json, .rm5"),
    "no folder": (lambda old: ae.report.export(frame(), old.parent / "no" / "x.csv"), "does not exist; make it first"),
    "no study for RevMan": (lambda old: ae.report.export(frame(), old), "column 'study'"),
    "no figures for RevMan": (
        lambda old: ae.report.export(frame(study=ROWS)[["study", "yi"]], old),
        "'Ann 1999' has no complete set",
    ),
    "unknown figure": (lambda old: ae.report.drawing.build(old.parent, only=["forrest"]), "figure='forrest' is not known"),
}


@pytest.mark.parametrize("kind", WRITES)
def test_nothing_is_written_when_input_is_refused(tmp_path, kind):
    call, said = WRITES[kind]
    old = tmp_path / "old.rm5"
    old.write_text("old")
    with pytest.raises(ae.InputError) as caught:
        call(old)
    assert said in str(caught.value)
    assert [p.name for p in tmp_path.iterdir()] == ["old.rm5"]
    assert old.read_text() == "old"


def test_two_hundred_kinds_of_bad_input_are_tried():
    assert len({*map(str, CELLS)}) + len(POOLED) + len(WHOLES) + len(FILES) + len(REVIEWS) + len(TRIALS) + len(WRITES) >= 200


# The table of edge inputs that other packages answer with a number, NaN, or another library's error.
EDGES = {
    "k = 0": (([], []), "no trial"),
    "v = 0": (([0.1, 0.2], [0.1, 0.0]), "vi must be positive"),
    "v < 0": (([0.1, 0.2], [0.1, -0.1]), "vi must be positive"),
    "NaN y": (([0.1, NAN], [0.1, 0.1]), "yi is missing"),
    "inf v": (([0.1, 0.2], [0.1, INF]), "vi must be finite"),
    "length mismatch": (([0.1, 0.2], [0.1]), "arguments differ in length"),
}


def pooled(y, v):
    return ae.meta_analysis(y, v)


def pooled_in_groups(y, v):
    return ae.meta_analysis(y, v, by=["a"] * len(y))


def pooled_in_a_batch(y, v):
    return ae.fit_many(y, v, by=["a"] * len(y))


def pooled_with_priors(y, v):
    return ae.bayes(y, v, tau_prior=("half-normal", 0.5))


def pooled_in_a_network(y, v):
    names = [f"T{i}" for i in range(len(y) + 1)]
    se = [x / 10 for x in v]
    return ae.network(names[1:], ["placebo"] * len(y), y, se, [f"S{i}" for i in range(len(y))])


def pooled_in_levels(y, v):
    columns = {"yi": pd.Series(y, dtype=float), "vi": pd.Series(v, dtype=float)}
    return ae.multilevel("yi", v, data=pd.DataFrame({"yi": columns["yi"], "g": range(len(y))}), random="g")


@pytest.mark.parametrize(
    "call", [pooled, pooled_in_groups, pooled_in_a_batch, pooled_with_priors, pooled_in_levels, pooled_in_a_network]
)
@pytest.mark.parametrize("kind", EDGES)
def test_edge_input_has_a_clear_error(kind, call):
    given, said = EDGES[kind]
    with pytest.raises(ae.InputError) as caught:
        call(*given)
    if call is pooled:
        assert said in str(caught.value)


def test_single_trial_keeps_its_own_interval_and_says_so():
    result = ae.meta_analysis([0.3], [0.04])
    assert (result.estimate, result.se, result.tau2) == (0.3, 0.2, None)
    assert "One trial" in result.summary()
