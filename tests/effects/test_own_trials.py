"""Does a user's table become the effects that the same figures give by hand, and is every fault named by row and column?

Effects are checked against formulas written out here (Hedges 1981, log odds ratios, Fisher 1921, Wan et al 2014), not against the
package's own. The files in ``files/`` hold invented numbers; those whose name begins with ``calc`` were saved by LibreOffice.
"""

import datetime as dt
import io
import math
import pathlib

import numpy as np
import openpyxl
import pandas as pd
import pyarrow as pa
import pytest
from builders import hedges
from scipy.stats import norm, t

import acuevidence as ae
from acuevidence.effects import own_arms

FILES = pathlib.Path(__file__).parent / "files"
MEANS = {
    "study": ["A", "B"],
    "mean1": [32.0, 30.0],
    "sd1": [20.0, 25.0],
    "n1": [40, 35],
    "mean2": [41.0, 36.0],
    "sd2": [21.0, 24.0],
    "n2": [42, 33],
    "higher_is": "worse",
}
SMD = math.sqrt(3) / math.pi


def log_or(e1, n1, e2, n2):
    cells = e1, n1 - e1, e2, n2 - e2
    return math.log(cells[0] * cells[3] / (cells[1] * cells[2])), sum(1 / cell for cell in cells)


def text(*lines):
    return io.StringIO("\n".join(lines) + "\n")


def effects(found):
    return list(zip(found.yi, found.vi, strict=True))


def agree(found, *pairs):
    assert len(found) == len(pairs)
    for (yi, vi), pair in zip(effects(found), pairs, strict=True):
        assert (yi, vi) == pytest.approx(pair, rel=1e-9)


# --- the files of users -------------------------------------------------------------------------------------------


def test_hazard_ratios_enter_as_logarithms_with_the_variance_of_their_limits():
    found = ae.read_trials(FILES / "hazard_ratios.csv")
    z = norm.ppf(0.975)
    rows = [(0.72, 0.58, 0.90), (0.81, 0.66, 0.99), (0.69, 0.52, 0.92)]
    agree(found, *((math.log(hr), (math.log(high / low) / (2 * z)) ** 2) for hr, low, high in rows))
    assert set(found.effect) == {"HR"}
    assert found.attrs["direction"] is None
    assert not found.derivation.str.contains("turned").any()


def test_correlations_enter_as_fishers_z_or_as_they_are():
    rows = [(0.32, 107), (0.16, 749), (-0.09, 56)]
    found = ae.read_trials(FILES / "correlations.csv")
    agree(found, *((math.atanh(r), 1 / (n - 3)) for r, n in rows))
    assert set(found.effect) == {"ZCOR"}
    agree(ae.read_trials(FILES / "correlations.csv", measure="COR"), *((r, (1 - r**2) ** 2 / (n - 1)) for r, n in rows))


def test_counts_alone_are_odds_ratios_and_turned_where_an_event_is_bad():
    rows = [(12, 60, 20, 61), (8, 45, 9, 44), (30, 150, 41, 148)]
    found = ae.read_trials(FILES / "events.csv")
    assert found.yi.round(3).tolist() == [0.668, 0.173, 0.427]
    agree(found, *((-log_or(*row)[0], log_or(*row)[1]) for row in rows))
    assert set(found.effect) == {"OR"}
    assert "ratios were turned where higher_is is worse" in " ".join(found.attrs["notes"])
    assert found.attrs["direction"] == "benefit"
    plain = ae.read_trials(pd.read_csv(FILES / "events.csv").drop(columns="higher_is"))
    agree(plain, *(log_or(*row) for row in rows))
    assert plain.attrs["direction"] is None


def test_a_row_without_comparator_is_read_and_noted():
    found = ae.read_trials(FILES / "blank_comparator.csv")
    agree(found, hedges(41, 20, 60, 30, 20, 60), hedges(36, 19, 60, 28, 18, 60))
    assert found.comparator.tolist() == ["control", None]
    assert found.attrs["notes"] == ("no comparator is named: row 3 (Birch 2004)",)


def test_headings_of_ones_own_are_named_with_how_to_map_them():
    with pytest.raises(ae.InputError) as caught:
        ae.read_trials(FILES / "own_columns.csv")
    said = str(caught.value)
    mapping = {
        "mean1": "Exercise mean",
        "sd1": "Exercise SD",
        "n1": "Exercise N",
        "mean2": "Control mean",
        "sd2": "Control SD",
        "n2": "Control N",
    }
    assert f"columns={mapping}" in said
    assert "own_columns.csv: no complete set of figures: mean1, sd1, n1, mean2, sd2, n2 missing" in said
    assert "understood: year, study = 'Study', comparator, outcome" in said or "study = 'Study'" in said
    found = ae.read_trials(FILES / "own_columns.csv", columns=mapping)
    agree(found, hedges(10.2, 4.1, 30, 12.9, 4.4, 31), hedges(8.8, 3.9, 22, 9.1, 4.0, 20))
    assert found.attrs["columns"]["mean1"] == "Exercise mean"


def test_decimal_commas_in_a_file_of_tabs_and_a_capital_in_higher_is():
    found = ae.read_trials(FILES / "decimal_commas.tsv")
    agree(found, hedges(41.2, 20.3, 60, 30.5, 20.1, 60), hedges(36.4, 19.9, 60, 28.0, 18.2, 60))


@pytest.mark.parametrize(
    "lines",
    [
        ["study,yi,vi", "A,.1,NR", "B,.2,.1"],
        ["study,HR,ci_low,ci_high", "A,.8,NR,NR", "B,.9,.8,1.1"],
        ["study,mean1,se1,n1,mean2,se2,n2", "A,1,-,20,2,-,20", "B,1,.1,20,2,.1,20"],
    ],
)
def test_precision_that_is_not_reported_leaves_the_trial_out(lines):
    found = ae.read_trials(text(*lines), measure="MD" if "HR" not in lines[0] else None)
    assert found.study.tolist() == ["B"]
    assert found.attrs["excluded"].study.tolist() == ["A"]
    assert "not reported" in found.attrs["excluded"].reason.iloc[0]


def test_a_figure_that_is_not_reported_leaves_the_trial_out_by_name():
    found = ae.read_trials(FILES / "not_reported.csv")
    agree(found, hedges(41, 20, 60, 30, 20, 60))
    assert found.attrs["excluded"][["study", "reason"]].values.tolist() == [["Birch 2004", "sd1 and sd2 not reported"]]
    assert found.attrs["excluded"].index.tolist() == [3]


# --- kinds of source ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "encoding"),
    [("calc.xlsx", None), ("calc_utf16_tab.csv", None), ("calc_cp1252_semicolon.csv", "cp1252")],
)
def test_what_a_spreadsheet_program_saves_reads_alike(name, encoding):
    found = ae.read_trials(FILES / name, encoding=encoding)
    agree(found, hedges(41.2, 20.3, 60, 30.5, 20.1, 60), hedges(36.4, 19.9, 60, 28.0, 18.2, 60))
    assert found.study.tolist() == ["Alder 2001", "Bïrch 2004"]
    assert found.index.tolist() == [2, 3]


def polars(table):
    return pytest.importorskip("polars").DataFrame({k: [v] * 2 if isinstance(v, str) else v for k, v in table.items()})


@pytest.mark.parametrize(
    "made",
    [
        pd.DataFrame,
        dict,
        polars,
        lambda table: pa.Table.from_pandas(pd.DataFrame(table), preserve_index=False),
        lambda table: io.StringIO(pd.DataFrame(table).to_csv(index=False)),
        lambda table: io.BytesIO(pd.DataFrame(table).to_csv(index=False, sep=";", decimal=",").encode("utf-16")),
        lambda table: io.StringIO(pd.DataFrame(table).to_csv()),
        lambda table: io.StringIO("sep=;\n" + pd.DataFrame(table).to_csv(index=False, sep=";")),
        lambda table: io.BytesIO(pd.DataFrame(table).to_csv(index=False, sep="\t").encode("utf-16-le")),
        lambda table: pd.DataFrame(table).astype({"n1": "Int64", "mean1": "string", "higher_is": "category"}),
        lambda table: pd.DataFrame(table).convert_dtypes(dtype_backend="pyarrow"),
    ],
)
def test_every_kind_of_source_gives_the_same_effects(made):
    agree(ae.read_trials(made(MEANS)), hedges(41, 21, 42, 32, 20, 40), hedges(36, 24, 33, 30, 25, 35))


def workbook(path, rows, **more):
    book = openpyxl.Workbook()
    book.active.title = "trials"
    for row in rows:
        book.active.append(row)
    for title, lines in more.items():
        sheet = book.create_sheet(title)
        for line in lines:
            sheet.append(line)
    book.save(path)
    return path


def test_a_workbook_as_people_keep_them(tmp_path):
    """A title, an empty line, groups in merged cells over the headings, a row of totals, a note below."""
    path = workbook(
        tmp_path / "a.xlsx",
        [
            ["Table 2. Our trials"],
            [],
            [None, "Experimental", None, None, "Control", None, None, None],
            ["Study or Subgroup", "Mean", "SD", "Total", "Mean", "SD", "Total", "Remark"],
            ["Alder 2001", 30.5, 20.1, 60, 41.2, 20.3, 60, "fine"],
            ["Birch 2004", "28,0", "18,2", 60, "36,4", "19,9", 60, None],
            ["Total (95% CI)", None, None, 120, None, None, 120, None],
            [],
            ["Source: our files"],
        ],
    )
    book = openpyxl.load_workbook(path)
    book.active.merge_cells("B3:D3")
    book.active.merge_cells("E3:G3")
    book.save(path)
    found = ae.read_trials(path)
    agree(found, hedges(30.5, 20.1, 60, 41.2, 20.3, 60), hedges(28.0, 18.2, 60, 36.4, 19.9, 60))
    assert found.index.tolist() == [5, 6]
    assert found.Remark.tolist() == ["fine", None]
    left = found.attrs["excluded"]
    assert dict(zip(left.study, left.reason, strict=True)) == {
        "Source: our files": "no figure given",
        "Total (95% CI)": "a row of totals, not a trial",
    }
    assert "rows of totals are no trials and are left out: row 7 (Total (95% CI))" in found.attrs["notes"]


@pytest.mark.parametrize(
    ("cell", "said"),
    [
        (dt.datetime(2001, 3, 4), r"n1 must be a number: row 2 \(cell trials!D2\) has the date 2001-03-04"),
        (True, r"n1 must be a number: row 2 \(cell trials!D2\) has the truth value TRUE"),
        ("many", r"n1 must be a number: row 2 \(cell trials!D2\) has 'many'"),
    ],
)
def test_dates_and_truth_values_of_a_workbook_are_no_numbers(tmp_path, cell, said):
    head = ["study", "mean1", "sd1", "n1", "mean2", "sd2", "n2"]
    path = workbook(tmp_path / "a.xlsx", [head, ["A", 30, 20, cell, 41, 20, 60]])
    with pytest.raises(ae.InputError, match=said):
        ae.read_trials(path)


def test_sheets_are_chosen_by_name_or_number_and_named_where_the_first_has_no_trials(tmp_path):
    path = workbook(tmp_path / "a.xlsx", [["note"], ["x"]], figures=[["study", "yi", "se"], [], ["A", 0.5, 0.2], ["B", "0.3", 0.1]])
    for sheet in ("figures", 1):
        found = ae.read_trials(path, sheet=sheet, measure="MD")
        agree(found, (0.5, 0.04), (0.3, 0.01))
        assert found.index.tolist() == [3, 4]
    with pytest.raises(ae.InputError, match="sheet='figurs' is not known; did you mean 'figures'"):
        ae.read_trials(path, sheet="figurs")
    with pytest.raises(ae.InputError, match="has 2 sheets, counted from 0"):
        ae.read_trials(path, sheet=2)


def test_formulas_without_a_stored_value_are_named(tmp_path):
    path = workbook(tmp_path / "a.xlsx", [["study", "yi", "se"], ["A", "=1/2", 0.2]])
    with pytest.raises(ae.InputError, match="cell trials!B2 is a formula without a stored value"):
        ae.read_trials(path)


@pytest.mark.parametrize("source", [3, None, b"x", [1, 2], {"study": ["A"], "yi": [1, 2]}, "no such.csv", io.BytesIO(b"")])
def test_what_is_no_table_is_refused(source):
    with pytest.raises(ae.InputError):
        ae.read_trials(source)


# --- headings ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "head",
    [
        "studlab,mean.e,sd.e,n.e,mean.c,sd.c,n.c",
        "slab,m1i,sd1i,n1i,m2i,sd2i,n2i",
        "Study,Me,Se,Ne,Mc,Sc,Nc",
        "Study ID,Experimental mean,Experimental SD,Experimental N,Control mean,Control SD,Control N",
        "Author,Mean (treatment),SD (treatment),N (treatment),Mean (control),SD (control),N (control)",
        "trial,mean_t,sd_t,n_t,mean_c,sd_c,n_c",
        "Study,Intervention Mean,Intervention SD,Intervention Total,Placebo Mean,Placebo SD,Placebo Total",
    ],
)
def test_headings_of_other_programs_are_known(head):
    found = ae.read_trials(text(head, "A 2001,3.1,2,40,\u22124.2,2.1,38"))
    agree(found, hedges(3.1, 2, 40, -4.2, 2.1, 38))
    assert set(found.attrs["columns"].values()) == set(head.split(","))


def test_a_text_column_ci_is_no_count_and_a_column_se_no_standard_error_of_means():
    found = ae.read_trials(text("study,HR,95% CI", "A,0.72,0.58 to 0.90", 'B,0.81,"(0.66, 0.99)"'))
    z = norm.ppf(0.975)
    agree(found, *((math.log(r), (math.log(h / low) / (2 * z)) ** 2) for r, low, h in [(0.72, 0.58, 0.9), (0.81, 0.66, 0.99)]))
    found = ae.read_trials(text("study,events1,n1,events2,n2,CI", "A,12,60,20,61,wide"))
    assert found.events2.tolist() == [20]
    assert found.CI.tolist() == ["wide"]


def test_metafor_counts_trial_and_author_stand_side_by_side():
    found = ae.read_trials(text("trial,author,year,ai,bi,ci,di", "1,Aronson,1948,4,119,11,128", "2,Ferguson,1949,6,300,29,274"))
    agree(found, log_or(4, 123, 11, 139), log_or(6, 306, 29, 303))
    assert found.study.tolist() == ["Aronson", "Ferguson"]
    assert found.trial_id.tolist() == ["1", "2"]


def test_one_renamed_column_is_one_problem_with_its_fix():
    table = pd.DataFrame(MEANS).rename(columns={"sd1": "sdx"})
    with pytest.raises(ae.InputError, match=r"no complete set of figures: sd1 missing; .*columns=\{'sd1': 'sdx'\}") as caught:
        ae.read_trials(pd.concat([table] * 200, ignore_index=True))
    assert len(str(caught.value)) < 900


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        ({"mean9x": "a"}, "columns='mean9x' is not known"),
        ({"yi": "b"}, r"columns\['yi'\] \(a column of the table\)='b' is not known"),
        ({"yi": "a", "se": "a"}, "gives one column two names"),
        ({"a": "yi"}, r"ours first and the file's second: columns=\{'yi': 'a'\}"),
        ([("yi", "a")], "columns must be a mapping"),
    ],
)
def test_a_mapping_that_names_what_is_not_there_is_refused(columns, said):
    with pytest.raises(ae.InputError, match=said):
        ae.read_trials(text("study,a", "A,1"), columns=columns)


def test_two_headings_for_one_figure_are_a_question():
    with pytest.raises(ae.InputError, match=r"columns 'yi' and 'TE' both look like 'yi'; say which with columns=\{'yi': 'TE'\}"):
        ae.read_trials(text("study,yi,TE,se", "A,1,1,1"))


def test_covidence_consensus_stands_for_its_reviewers():
    found = ae.read_trials(
        text(
            "Covidence #,Study ID,Reviewer Name,Pain,e,f",
            "1,A 2001,Ann,0.4,0.1,",
            "1,A 2001,Bo,0.6,0.1,",
            "1,A 2001,Consensus,0.5,0.1,",
            "2,B 2002,Ann,0.3,0.2,",
        ),
        columns={"yi": "Pain", "se": "e"},
        measure="MD",
    )
    agree(found, (0.5, 0.01), (0.3, 0.04))
    assert found.index.tolist() == [4, 5]
    assert found.attrs["excluded"].index.tolist() == [2, 3]
    with pytest.raises(ae.InputError, match="two reviewers and no consensus"):
        ae.read_trials(text("Study ID,Reviewer Name,yi,se", "A,Ann,1,1", "A,Bo,1,1"))


# --- numbers as people type them --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rows", "decimal", "n"),
    [
        ("A;30,5;20,1;12.345;41,2;20,3;60", None, 12345),
        ("A;30.5;20.1;1,234;41.2;20.3;60", None, 1234),
        ("A;30;20;12.345;41;20;60", ",", 12345),
        ("A;30;20;1,234;41;20;60", ".", 1234),
        ("A;30,5;20,1;1 234;41,2;20,3;60", None, 1234),
        ("A;30,5;20,1;1'234;41,2;20,3;60", None, 1234),
        ("A;30,5;20,1;1.234.567;41,2;20,3;60", None, 1234567),
    ],
)
def test_thousands_are_read_where_the_table_shows_which_mark_is_the_decimal_one(rows, decimal, n):
    assert ae.read_trials(text("study;mean1;sd1;n1;mean2;sd2;n2", rows), decimal=decimal).n1.tolist() == [n]


@pytest.mark.parametrize(
    ("source", "said"),
    [
        (
            ["study;mean1;sd1;n1;mean2;sd2;n2", "A;30;20;12.345;41;20;60"],
            r"'n1' has '12.345' in row 2, which is 12345 or 12.345; say which",
        ),
        (
            ["study,mean1,sd1,n1,mean2,sd2,n2", 'A,30,20,"1,234",41,20,60'],
            r"'n1' has '1,234' in row 2, which is 1234 or 1.234; say which",
        ),
        (["study,mean1,sd1,n1,mean2,sd2,n2", "A,30.5,20,12.345,41,20,60"], r"'n1' has '12.345' in row 2, which is 12345 or 12.345"),
        (["study\tyi\tse", "A\t1,234\t2,345"], r"'yi' has '1,234' in row 2, which is 1234 or 1.234"),
        (
            ["study\tyi\tse", "A\t1,5\t0.2"],
            r"decimal points and commas in one table: 'se' has '0.2' in row 2, 'yi' has '1,5' in row 2",
        ),
    ],
)
def test_numbers_that_can_be_read_in_two_ways_are_refused_with_both(source, said):
    with pytest.raises(ae.InputError, match=said):
        ae.read_trials(text(*source), measure="SMD")


def test_a_frame_with_a_mark_of_thousands_taken_for_decimals_is_refused():
    with pytest.raises(ae.InputError, match=r"'n1' has '12.345' in row 'x', which is 12345 or 12.345"):
        ae.read_trials(pd.DataFrame(MEANS | {"n1": [12.345, 35]}, index=["x", "y"]))


@pytest.mark.parametrize("word", ["NR", "n.r.", "-", "–", "not reported", "NA", "#N/A", ""])
def test_words_for_nothing_are_understood(word):
    found = ae.read_trials(text("study,yi,se,vi", f"A,0.5,0.2,{word}", f"B,{word},{word},{word}"), measure="MD")
    agree(found, (0.5, 0.04))
    assert found.attrs["excluded"].study.tolist() == ["B"]


@pytest.mark.parametrize(
    ("cell", "said"),
    [
        ("12 (3.4)", "two figures in one cell"),
        ("45%", "a percentage"),
        ("<0.05", "a bound, not a number"),
        ("=1+1", "must be a number"),
        ("inf", "must be a number"),
        ("1e999", "must be finite"),
        ("twelve", "row 2 has 'twelve'"),
    ],
)
def test_cells_that_are_no_number_are_named(cell, said):
    with pytest.raises(ae.InputError, match=said):
        ae.read_trials(text("study,yi,se", f'A,"{cell}",0.2', "B,0.3,0.2"), measure="MD")


def test_people_are_whole_or_noted_and_shares_refused():
    with pytest.raises(ae.InputError, match=r"events1 must be a number of people, not a share: row 2 has 0\.45"):
        ae.read_trials(text("study,events1,n1,events2,n2", "A,0.45,60,0.3,60"))
    found = ae.read_trials(text("study,events1,n1,events2,n2", "A,12.5,60,20,61"))
    assert found.attrs["notes"][-1] == "events1 is not a whole number of people: row 2 (A)"
    agree(found, log_or(12.5, 60, 20, 61))


@pytest.mark.parametrize(
    ("year", "read", "note"),
    [
        ("2004a", 2004, "the year is taken from text"),
        ("2003 Aug-Sep", 2003, "taken from text"),
        ("30/06/2005", 2005, "taken from text"),
        ("NLM", None, "the year has no four digits"),
        ("2001", 2001, ""),
        ("2001.0", 2001, ""),
    ],
)
def test_years_as_people_write_them(year, read, note):
    found = ae.read_trials(text("study,year,yi,se", f"A,{year},0.5,0.2"), measure="MD")
    assert found.year.tolist() == [read] if read else found.year.isna().all()
    assert note in " ".join(found.attrs["notes"])
    assert bool(note) == bool(found.attrs["notes"])


# --- ways of printing a result -----------------------------------------------------------------------------------


def test_means_give_hedges_g_turned_where_higher_is_worse():
    found = ae.read_trials(pd.DataFrame(MEANS))
    agree(found, hedges(41, 21, 42, 32, 20, 40), hedges(36, 24, 33, 30, 25, 35))
    better = ae.read_trials(pd.DataFrame(MEANS | {"higher_is": "better"}))
    assert better.yi.tolist() == pytest.approx((-found.yi).tolist(), rel=1e-12)
    plain = ae.read_trials(pd.DataFrame(MEANS).drop(columns="higher_is"))
    assert plain.yi.tolist() == better.yi.tolist()
    assert (plain.attrs["direction"], better.attrs["direction"]) == (None, "benefit")


def test_ratios_of_spreads_are_not_turned():
    found = ae.read_trials(pd.DataFrame(MEANS), measure="VR")
    assert found.yi.tolist() == pytest.approx([math.log(20 / 21) + 1 / 78 - 1 / 82, math.log(25 / 24) + 1 / 68 - 1 / 64])
    assert found.attrs["direction"] == "spread"


def test_counts_beside_means_enter_through_the_logistic_conversion():
    counts = pd.DataFrame({"study": ["C"], "events1": [31], "n1": [70], "events2": [22], "n2": [72], "higher_is": ["better"]})
    lor, v = log_or(31, 70, 22, 72)
    agree(ae.read_trials(counts), (lor, v))
    agree(ae.read_trials(counts, measure="SMD"), (lor * SMD, v * SMD**2))
    both = ae.read_trials(pd.concat([pd.DataFrame(MEANS), counts], ignore_index=True))
    assert effects(both)[2] == pytest.approx((lor * SMD, v * SMD**2))
    assert set(both.effect) == {"SMD"}


def test_sds_come_from_standard_errors_limits_and_quartiles():
    found = ae.read_trials(text("study,mean1,se1,n1,mean2,low2,high2,n2", "A,30,2,50,35,31,39,52"))
    sd2 = math.sqrt(52) * 8 / (2 * t.ppf(0.975, 51))
    agree(found, hedges(30, 2 * math.sqrt(50), 50, 35, sd2, 52))
    assert found.derivation[2].endswith("SD of arm 1 from its standard error; SD of arm 2 from the limits of its mean")
    found = ae.read_trials(text("study,median1,q1_1,q3_1,n1,median2,q1_2,q3_2,n2", "A,30,20,42,50,35,24,47,52"))

    def luo_wan(q1, median, q3, n):
        w = 0.7 + 0.39 / n
        return w * (q1 + q3) / 2 + (1 - w) * median, (q3 - q1) / (2 * norm.ppf((0.75 * n - 0.125) / (n + 0.25))), n

    agree(found, hedges(*luo_wan(20, 30, 42, 50), *luo_wan(24, 35, 47, 52)))


def test_an_effect_keeps_its_value_and_takes_its_precision_from_what_is_given():
    table = pd.DataFrame(
        {
            "study": list("DEFGHI"),
            "yi": [0.2, 0.3, 0.4, None, 0.5, 0.5],
            "vi": [0.04, *[None] * 5],
            "se": [None, 0.1, *[None] * 4],
            "ci_low": [None, None, 0.2, 0.1, None, None],
            "ci_high": [None, None, 0.6, 0.5, None, None],
            "t": [*[None] * 4, 2.5, None],
            "p": [*[None] * 5, 0.03],
            "n1": [*[None] * 5, 40],
            "n2": [*[None] * 5, 41],
        }
    )
    found = ae.read_trials(table, measure="SMD")
    width = (0.4 / (2 * norm.ppf(0.975))) ** 2
    by_p = (0.5 / t.ppf(1 - 0.03 / 2, 79)) ** 2
    agree(found, (0.2, 0.04), (0.3, 0.01), (0.4, width), (0.3, width), (0.5, 0.04), (0.5, by_p))
    limits = ae.read_trials(text("study,RR,lower,upper", "A,0.8,0.6,1.1"), level=0.9)
    agree(limits, (math.log(0.8), (math.log(1.1 / 0.6) / (2 * norm.ppf(0.95))) ** 2))


@pytest.mark.parametrize(
    ("lines", "measure", "pairs"),
    [
        (["study,events,n", "A,4,50"], "PLO", [(math.log(4 / 46), 1 / 4 + 1 / 46)]),
        (["study,mean,sd,n", "A,10,2,30"], "MN", [(10, 4 / 30)]),
        (["study,events1,time1,events2,time2", "A,4,50,9,51"], "IRR", [(math.log(4 / 50 / (9 / 51)), 1 / 4 + 1 / 9)]),
        (["study,logOR,se", "A,-0.3,0.1"], "OR", [(-0.3, 0.01)]),
        (["study,MD,se", "A,-3,1"], "MD", [(-3, 1)]),
        (["study,yi,se,measure", "A,-0.3,0.1,Std. Mean Difference"], "SMD", [(-0.3, 0.01)]),
    ],
)
def test_the_table_says_its_measure(lines, measure, pairs):
    found = ae.read_trials(text(*lines))
    agree(found, *pairs)
    assert set(found.effect) == {measure}


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        (["study,yi,se", "A,0.2,0.1"], r"row 2 \(A\) gives an effect; on which scale\? Say measure='SMD'"),
        (["study,estimate,ci_low,ci_high,measure", "A,0.7,0.5,0.98,OR"], r"is 'estimate' the ratio or its logarithm\?"),
        (["study,yi,ci_low,ci_high,measure", "A,0.72,0.58,0.90,HR"], r"is 'yi' the ratio or its logarithm\?"),
        (["study,ratio,ci_low,ci_high", "A,0.7,0.5,0.98"], r"on which scale\?"),
        (["study,HR,OR,se", "A,0.7,0.5,0.2"], r"columns 'HR' and 'OR' are both effects; say which"),
        (["study,yi,se,measure", "A,0.2,0.1,SMD", "B,2,0.1,MD"], r"effects on 2 scales \(MD, SMD\); say measure="),
        (["study,mean_pre,mean_post,sd_pre,sd_post,r,n", "A,3,2,1,1,0.5,30"], "Say measure='MC'"),
        (["study,yi,se,measure", "A,0.2,0.1,SMD", "B,2,0.1,bogus"], r"row 3 \(B\): measure='bogus' is not known"),
    ],
)
def test_an_effect_on_an_unnamed_scale_is_a_question(lines, said):
    with pytest.raises(ae.InputError, match=said):
        ae.read_trials(text(*lines))


def test_a_row_with_an_effect_and_figures_of_arms_says_which_is_used():
    table = pd.DataFrame(MEANS | {"yi": [0.3, None], "se": [0.1, None]})
    arms = ae.read_trials(table)
    assert effects(arms)[0] == pytest.approx(hedges(41, 21, 42, 32, 20, 40))
    assert "the figures of the arms are used where a row has both: row 0 (A)" in arms.attrs["notes"]
    given = ae.read_trials(table.drop(columns="higher_is"), measure="SMD")
    assert effects(given)[0] == pytest.approx((0.3, 0.01))
    assert "the effect given is used where a row has both: row 0 (A)" in given.attrs["notes"]


# --- several arms ------------------------------------------------------------------------------------------------

WIDE = ["study,mean1,sd1,n1,mean2,sd2,n2,mean3,sd3,n3", "A,10,2,30,11,2,31,12,2,32", "B,10,2,30,11,2,31,,,"]


def test_a_third_arm_is_never_dropped():
    with pytest.raises(ae.InputError, match=r"row 2 \(A\) has 3 arms \(1, 2, 3\); which is the comparator\? Say reference="):
        ae.read_trials(text(*WIDE))
    split = ae.read_trials(text(*WIDE), reference=2)
    agree(split, hedges(10, 2, 30, 11, 2, 16), hedges(12, 2, 32, 11, 2, 15), hedges(10, 2, 30, 11, 2, 31))
    assert split.index.tolist() == [2, 2, 3]
    assert "share an arm, whose participants are split over them" in " ".join(split.attrs["notes"])
    whole = ae.read_trials(text(*WIDE), reference=2, shared="whole")
    agree(whole, hedges(10, 2, 30, 11, 2, 31), hedges(12, 2, 32, 11, 2, 31), hedges(10, 2, 30, 11, 2, 31))
    assert "are not independent; vcalc" in " ".join(whole.attrs["notes"])


def test_arms_are_found_by_their_label():
    head = "study,treatment1,events1,n1,treatment2,events2,n2,treatment3,events3,n3"
    found = ae.read_trials(text(head, "A,drug,10,50,talk,12,52,Wait,20,51"), reference="wait", measure="OR")
    agree(found, log_or(10, 50, 10, 26), log_or(12, 52, 10, 25))
    assert found.treatment.tolist() == ["drug", "talk"]
    assert found.comparator.tolist() == ["wait", "wait"]
    with pytest.raises(ae.InputError, match=r"row 2 \(A\) has no arm called 'pill' \(arms: drug, talk, Wait\)"):
        ae.read_trials(text(head, "A,drug,10,50,talk,12,52,Wait,20,51"), reference="pill")


LONG = [
    "study,arm,mean,sd,n",
    "A,drug,10,2,30",
    "A,talk,11,2,31",
    "A,wait,12,2,33",
    "B,drug,10,2,30",
    "B,wait,11,2,30",
    "C,drug,3,1,20",
]


def test_one_row_an_arm_becomes_contrasts_with_the_arm_named():
    with pytest.raises(ae.InputError, match=r"one row an arm \('drug', 'talk', 'wait'\); which is the comparator\?"):
        ae.read_trials(text(*LONG))
    found = ae.read_trials(text(*LONG), reference="wait")
    agree(found, hedges(10, 2, 30, 12, 2, 17), hedges(11, 2, 31, 12, 2, 16), hedges(10, 2, 30, 11, 2, 30))
    assert found.index.tolist() == [2, 3, 5]
    assert found.attrs["excluded"][["study", "reason"]].values.tolist() == [["C", "no arm called 'wait'"]]
    single = ae.read_trials(text(*LONG), measure="MN")
    assert single.yi.tolist() == [10, 11, 12, 10, 11, 3]


# --- notes and faults --------------------------------------------------------------------------------------------


def test_what_is_implausible_is_noted_and_reaches_the_result():
    table = pd.DataFrame({"study": ["A", "A"], "mean1": 30.0, "mean2": 20.0, "sd1": 2.0, "sd2": 2.0, "n1": 60, "n2": 60})
    found = ae.read_trials(table)
    assert found.attrs["notes"] == (
        "a standardised difference above 3 (a standard error typed as an SD?): row 0 (A), row 1 (A)",
        "the same study stands more than once, with nothing that tells its rows apart: row 0 (A), row 1 (A)",
    )
    result = ae.meta_analysis(data=found, labels="study")
    assert set(found.attrs["notes"]) <= set(result.notes)
    off = ae.read_trials(text("study,yi,ci_low,ci_high", "A,0.4,0.1,0.5"), measure="SMD")
    assert off.attrs["notes"] == ("the interval is not centred on its estimate (of which scale is it?): row 2 (A)",)


def test_the_template_reads_as_it_is_and_goes_from_there_to_a_forest_plot(tmp_path):
    file = tmp_path / "mine.csv"
    file.write_text(ae.effects.template(), encoding="utf-8")
    trials = ae.read_trials(file)
    assert set(trials.comparator) == {"sham", "usual_care"}
    assert len(trials) == 5
    assert trials.attrs["excluded"].study.tolist() == ["Made-up F (no usable figure)"]
    result = ae.meta_analysis(data=trials, labels="study", by="comparator")
    assert result["sham"].k == 3
    assert "Made-up A" in " ".join(text.get_text() for text in result.forest().texts)


def test_a_frame_keeps_its_index_and_its_own_columns():
    frame = pd.DataFrame(MEANS | {"blinding": ["yes", "no"], "Comparator": ["Usual care", "SHAM"]}, index=["x", "y"])
    found = ae.read_trials(frame)
    assert found.index.tolist() == ["x", "y"]
    assert found.blinding.tolist() == ["yes", "no"]
    assert found.comparator.tolist() == ["usual_care", "sham"]


def test_what_read_trials_returns_can_be_read_again():
    found = ae.read_trials(pd.DataFrame(MEANS).drop(columns="higher_is"))
    again = ae.read_trials(found)
    agree(again, *effects(found))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"sd1": [20.0, None]}, r"row 1 \(B\) has only mean1, .*a trial needs mean1 sd1 n1.*missing: sd1"),
        ({"sd1": [20.0, -2.0]}, r"sd1 must not be negative: row 1 has -2.0"),
        ({"higher_is": ["worse", None]}, r"row 1 \(B\): higher_is is missing"),
        ({"higher_is": ["worse", "wrose"]}, r"row 1 \(B\): higher_is='wrose' is not known; did you mean 'worse'"),
        ({"study": ["A", None]}, r"study is missing.*row 1"),
        ({"mean1": ["32", "thirty"]}, r"mean1 must be a number: row 1 has 'thirty'"),
        ({"n1": [1, 35]}, r"n1 must.*row 0"),
        ({"n1": [0, 35]}, r"n1 must be 1 or more: row 0 has 0.0"),
    ],
)
def test_a_fault_is_named_by_row_and_column(change, said):
    with pytest.raises(ae.InputError, match=said) as caught:
        ae.read_trials(pd.DataFrame(MEANS | change))
    assert "np." not in str(caught.value)


def test_a_fault_is_named_by_the_heading_of_the_file():
    lines = (FILES / "own_columns.csv").read_text().replace("3.9", "-3.9")
    columns = {
        "mean1": "Exercise mean",
        "sd1": "Exercise SD",
        "n1": "Exercise N",
        "mean2": "Control mean",
        "sd2": "Control SD",
        "n2": "Control N",
    }
    with pytest.raises(ae.InputError, match=r"'Exercise SD' \(read as sd1\) must not be negative: row 3 has -3.9"):
        ae.read_trials(io.StringIO(lines), columns=columns)


def test_an_effect_outside_its_interval_and_a_missing_file_are_refused(tmp_path):
    with pytest.raises(ae.InputError, match=r"yi must lie within ci_low and ci_high: row 0 has 0\.9"):
        ae.read_trials({"study": ["A"], "yi": [0.9], "ci_low": [0.1], "ci_high": [0.5]}, measure="SMD")
    with pytest.raises(ae.InputError, match=r"nothing\.csv' is not a file"):
        ae.read_trials(tmp_path / "nothing.csv")


def test_means_give_no_risk_ratio():
    with pytest.raises(ae.InputError, match=r"row 0 \(A\): means give no RR"):
        ae.read_trials(pd.DataFrame(MEANS), measure="RR")


# --- one group, pairs and changes ---------------------------------------------------------------------------------

CHANGES = {
    "mean_pre1": [50, 52], "mean_post1": [30, 31], "sd_pre1": [20, 21], "sd_post1": [22, 20], "n1": [30, 40], "r1": [0.5, 0.6],
    "mean_pre2": [51, 53], "mean_post2": [45, 44], "sd_pre2": [19, 20], "sd_post2": [21, 22], "n2": [31, 41], "r2": [0.5, 0.6],
}  # fmt: skip
PAIRS = {"both": [5, 4], "only1": [3, 5], "only2": [1, 2], "neither": [10, 20]}
PARTIAL = {"r": [0.3, 0.4], "n": [50, 60], "m": [3, 4]}


@pytest.mark.parametrize(
    ("figures", "asked", "measure"),
    [
        ({"events": [5, 7], "time": [100, 210.5]}, None, "IRLN"),
        ({"events": [5, 7], "time": [100, 210.5]}, "IR", "IR"),
        ({"events": [5, 7], "n": [50, 60], "time": [100, 210.5]}, None, "PLO"),
        ({"events": [5, 7], "n": [50, 60], "time": [100, 210.5]}, "IRS", "IRS"),
        (PAIRS, "MPOR", "MPOR"),
        (PAIRS, "MPRD", "MPRD"),
        (CHANGES, "MCD", "MCD"),
        (CHANGES, "SMCRD", "SMCRD"),
        (PARTIAL, None, "ZPCOR"),
        (PARTIAL, "PCOR", "PCOR"),
        ({"t": [2.3, 3.1], "n": [50, 60], "m": [3, 4]}, None, "ZPCOR"),
    ],
)
def test_figures_of_one_group_of_pairs_and_of_changes_are_read(figures, asked, measure):
    found = ae.read_trials({"study": ["A", "B"], **figures}, measure=asked)
    takes = next(t for t in ae.effects.MEASURES[measure].takes if set(t) <= set(figures))
    want = ae.effect_size(measure, **{name: figures[name] for name in takes})
    assert found["effect"].tolist() == [measure] * 2
    np.testing.assert_allclose(found[["yi", "vi"]], want[["yi", "vi"]])


@pytest.mark.parametrize(("figures", "said"), [(PAIRS, "matched pairs: which"), (CHANGES, "changes in two arms")])
def test_a_scale_that_figures_leave_open_is_asked_for(figures, said):
    with pytest.raises(ae.InputError, match=said):
        ae.read_trials({"study": ["A", "B"], **figures})


def test_changes_of_two_arms_are_turned():
    better, plain = (
        ae.read_trials({"study": ["A", "B"], **CHANGES, **more}, measure="SMCRD") for more in ({"higher_is": ["worse"] * 2}, {})
    )
    np.testing.assert_allclose(better["yi"], -plain["yi"])
    assert better.attrs["direction"] == "benefit"


def test_a_time_of_follow_up_is_no_figure():
    table = {
        "study": ["A", "B"],
        "mean1": [1, None],
        "sd1": [2, None],
        "n1": [20, 20],
        "mean2": [2, None],
        "sd2": [2, None],
        "n2": [20, 20],
    }
    found = ae.read_trials({**table, "time": [12, 26]})
    assert found["study"].tolist() == ["A"]
    assert found["time"].tolist() == [12]
    assert len(found.attrs["excluded"]) == 1


def test_rates_of_arms_in_rows_of_their_own_are_compared():
    arms = {"study": list("AABB"), "treatment": ["x", "c"] * 2, "events": [3, 4, 5, 6], "time": [10.5, 20, 30, 40]}
    found = ae.read_trials(arms, reference="c")
    np.testing.assert_allclose(found["yi"], np.log([3 / 10.5 / (4 / 20), 5 / 30 / (6 / 40)]))


# --- the same table as programs and people write it ---------------------------------------------------------------

PRINTED = pd.DataFrame(
    {
        "Study": ["Álvarez 2011", "Müller 2015", "王 2019"],
        "Year": [2011, 2015, 2019],
        "Mean_T": [32.5, 30.1, 28.0],
        "SD_T": [20.1, 19.4, 22.7],
        "N_T": [40, 35, 1200],
        "Mean_C": [41.2, 36.9, 33.3],
        "SD_C": [21.0, 20.5, 23.1],
        "N_C": [42, 33, 1180],
    }
)
GERMAN = {"sep": ";", "decimal": ",", "index": False}
TEXTS = {
    "pandas with its index": PRINTED.to_csv(),
    "a German spreadsheet": PRINTED.to_csv(**GERMAN),
    "Excel with its separator said": "sep=;\r\n" + PRINTED.to_csv(**GERMAN).replace("\n", "\r\n"),
    "LibreOffice, all cells quoted": PRINTED.to_csv(index=False, quoting=1),
    "Excel's UTF-8": "\ufeff" + PRINTED.to_csv(index=False),
    "a title above": "Table 2. Pain at 8 weeks\n\n" + PRINTED.to_csv(index=False) + "\nTotal,,,,1275,,,1255\n",
    "commas in thousands": PRINTED.assign(N_T=["40", "35", "1,200"], N_C=["42", "33", "1,180"]).to_csv(index=False),
    "points in thousands": PRINTED.assign(N_T=["40", "35", "1.200"], N_C=["42", "33", "1.180"]).to_csv(**GERMAN),
    "bars": PRINTED.to_csv(sep="|", index=False),
    "spaces in headings": PRINTED.rename(columns=lambda name: f" {name.replace('_', ' ')} ").to_csv(index=False),
}


@pytest.mark.parametrize("how", TEXTS)
def test_a_table_reads_the_same_however_it_is_written(tmp_path, how):
    file = tmp_path / "table.csv"
    file.write_text(TEXTS[how], encoding="utf-8", newline="")
    pd.testing.assert_frame_equal(_effects_of(ae.read_trials(file)), _effects_of(ae.read_trials(PRINTED)))


def test_utf_16_and_a_named_encoding_are_read(tmp_path):
    wide, old = tmp_path / "wide.txt", tmp_path / "old.csv"
    wide.write_bytes(PRINTED.to_csv(sep="\t", index=False).encode("utf-16"))
    old.write_bytes(PRINTED.iloc[:2].to_csv(index=False).encode("cp1252"))
    want = _effects_of(ae.read_trials(PRINTED))
    pd.testing.assert_frame_equal(_effects_of(ae.read_trials(wide)), want)
    pd.testing.assert_frame_equal(_effects_of(ae.read_trials(old, encoding="cp1252")), want.iloc[:2])


def test_workbooks_of_pandas_and_of_text_cells_are_read(tmp_path):
    plain, text = tmp_path / "plain.xlsx", tmp_path / "text.xlsx"
    PRINTED.to_excel(plain)
    PRINTED.map(lambda cell: str(cell).replace(".", ",") if isinstance(cell, float) else str(cell)).to_excel(text, index=False)
    for file in (plain, text):
        pd.testing.assert_frame_equal(_effects_of(ae.read_trials(file)), _effects_of(ae.read_trials(PRINTED)))


def _effects_of(found):
    return found[["study", "yi", "vi"]].reset_index(drop=True)


def test_a_given_odds_ratio_becomes_an_smd_with_its_variance():
    table = {"study": ["A"], "yi": [0.5], "se": [0.2], "measure": ["OR"], "n1": [20], "n2": [20]}
    found = ae.read_trials(table, measure="SMD")
    assert (found["yi"][0], found["vi"][0]) == (pytest.approx(0.5 * math.sqrt(3) / math.pi), pytest.approx(0.04 * 3 / math.pi**2))


def test_a_shared_arm_is_split_in_its_persons_and_its_time():
    frame = pd.DataFrame({"n2": [21.0, np.nan], "events2": [4.5, 6.0], "time2": [np.nan, 90.0]})
    assert own_arms._shares(frame, 0, "2", 3) == [{"n": 7.0, "events": 1.5}] * 3
    assert own_arms._shares(frame, 1, "2", 3) == [{"events": 2.0, "time": 30.0}] * 3
