"""Whatever bytes arrive, the only exceptions are the package's own.

Inputs are made three ways: random bytes and text, good files with bytes changed, cut or repeated, and tables whose cells
come from a list of values that have broken readers before. ACUEVIDENCE_HYPOTHESIS=long searches for hours instead of seconds.
"""

import csv
import io
import os
import shutil
import zipfile

import openpyxl
import pandas as pd
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

import acuevidence as ae
from acuevidence.evidence import data_folder

LONG = 100 if os.environ.get("ACUEVIDENCE_HYPOTHESIS") == "long" else 1
NASTY = [
    "",
    " ",
    "NA",
    "nan",
    "inf",
    "-inf",
    "1e999",
    "-1",
    "0",
    "1e-320",
    "1,5",
    "1.5.2",
    "0x10",
    "１２",
    "−",
    "=1+1",
    "+1",
    "@x",
    "'=1",
    "''",
    '"',
    "\x00",
    "\ufeff",
    "\u202e",
    "\U0001f600",
    "e\u0301",
    "A" * 5_000,
    "True",
    "None",
    "[]",
    "2001-01-01",
    "9" * 400,
    "\r",
    "\n",
    "\t",
    ",",
    ";",
    "<x/>",
    "&amp;",
    "../../x",
    "%s%n",
    "NaT",
    "1_000",
    "1e5",
    "१२",
    "½",
    "1\u00a0000",
]
HEADS = [
    "study",
    "studlab",
    "year",
    "comparator",
    "mean1",
    "sd.e",
    "n1",
    "m2i",
    "sd2",
    "n.c",
    "events1",
    "ci",
    "yi",
    "TE",
    "vi",
    "se",
    "ai",
    "bi",
    "Study ID",
    "Reviewer Name",
    "",
    "x",
    "Analysis group",
    "Analysis number",
    "Study",
    "GIV Mean",
    "GIV SE",
]
CELL = st.one_of(st.sampled_from(NASTY), st.floats().map(str), st.integers(-5, 3000).map(str), st.text(max_size=8))
RM5 = b"""<?xml version="1.0" encoding="UTF-8"?><COCHRANE_REVIEW><STUDIES_AND_REFERENCES><STUDIES><INCLUDED_STUDIES>
<STUDY ID="STD-A" NAME="M\xc3\xbcller 2001" YEAR="2001"/></INCLUDED_STUDIES></STUDIES></STUDIES_AND_REFERENCES><ANALYSES_AND_DATA>
<COMPARISON><NAME>C</NAME><CONT_OUTCOME EFFECT_MEASURE="SMD" SWAP_EVENTS="YES"><NAME>Pain</NAME><CONT_SUBGROUP><NAME>s</NAME>
<CONT_DATA STUDY_ID="STD-A" MEAN_1="3.1" SD_1="2" TOTAL_1="40" MEAN_2="4.2" SD_2="2.1" TOTAL_2="38"/></CONT_SUBGROUP></CONT_OUTCOME>
<IPD_OUTCOME><NAME>T</NAME><IPD_DATA STUDY_ID="STD-A" EVENTS_1="5" TOTAL_1="40" EVENTS_2="8" TOTAL_2="38" O_E="-2" VAR="4"/></IPD_OUTCOME>
</COMPARISON></ANALYSES_AND_DATA></COCHRANE_REVIEW>"""


def tries(examples):
    """Examples of a test, a hundred times as many in the long profile."""
    return settings(max_examples=examples * LONG)


@st.composite
def damaged(draw, good):
    """A good file with a few bytes changed, cut out or repeated."""
    data = bytearray(good)
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, max(len(data) - 1, 0)))
        kind = draw(st.sampled_from(["flip", "cut", "repeat", "insert", "truncate"]))
        size = draw(st.integers(1, 40))
        if kind == "flip" and data:
            data[at] = draw(st.integers(0, 255))
        elif kind == "cut":
            del data[at : at + size]
        elif kind == "repeat":
            data[at:at] = data[at : at + size]
        elif kind == "insert":
            data[at:at] = draw(st.sampled_from(NASTY)).encode("utf-8")[:200]
        else:
            del data[at:]
    return bytes(data)


@st.composite
def csv_tables(draw, heads=HEADS):
    names = draw(st.lists(st.sampled_from(heads), min_size=1, max_size=8))
    rows = draw(st.lists(st.lists(CELL, min_size=len(names), max_size=len(names)), max_size=4))
    text = io.StringIO()
    csv.writer(text, delimiter=draw(st.sampled_from(",;\t"))).writerows([names, *rows])
    return text.getvalue().encode("utf-8", "surrogatepass")


def zipped(name, data):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, data)
    return buffer.getvalue()


def workbook(rows=(("study", "yi", "se"), ("A", 0.5, 0.2))):
    book, buffer = openpyxl.Workbook(), io.BytesIO()
    for row in rows:
        book.active.append(row)
    book.save(buffer)
    return buffer.getvalue()


def survives(call):
    try:
        found = call()
    except ae.AcuevidenceError:
        return
    assert isinstance(found, pd.DataFrame)
    assert len(found)
    assert found["study"].notna().all()


@given(st.one_of(st.binary(max_size=300), st.text(max_size=200).map(lambda t: t.encode("utf-8", "surrogatepass")), csv_tables()))
@example(b"PK\x03\x04")
@example(b"PK\x05\x06" + bytes(18))
@example(b"\xef\xbb\xbf")
@example(b"study,yi,se\nA,1e999,1\n")
@example(b"study,yi,se\r\rA,1,1\r")
@example(b"study,year,me=,a1sd1,n1xperimes2,n,d2higher_is\nA,2001,year,me=,a1sd1,n1,mea")
@tries(150)
def test_table_reader_raises_nothing_but_its_own(tmp_path, data):
    file = tmp_path / "a.csv"
    file.write_bytes(data)
    survives(lambda: ae.read_trials(file, measure="SMD"))


@given(st.one_of(st.binary(max_size=300), csv_tables(), damaged(RM5), damaged(zipped("CD1-data-rows.csv", b"Study\n"))))
@example(RM5.replace(b"40", b"1e400"))
@example(RM5.replace(b'encoding="UTF-8"', b'encoding="utf-7"'))
@example(RM5.replace(b'encoding="UTF-8"', b'encoding="no-such"'))
@example(b"<" * 5_000)
@example(b"<a>" * 50_000)
@example(b'<a b="' + b"x" * 100_000)
@tries(150)
def test_revman_reader_raises_nothing_but_its_own(tmp_path, data):
    file = tmp_path / "a.rm5"
    file.write_bytes(data)
    survives(lambda: ae.read_revman(file))


@given(
    csv_tables(
        heads=[
            "Analysis group",
            "Analysis number",
            "Study",
            "Study year",
            "Subgroup",
            "GIV Mean",
            "GIV SE",
            "O-E",
            "Variance",
            "Experimental N",
            "Experimental cases",
            "Control N",
            "Control cases",
        ]
    )
)
@tries(80)
def test_data_package_reader_raises_nothing_but_its_own(tmp_path, data):
    file = tmp_path / "a.zip"
    file.write_bytes(zipped("CD1-data-rows.csv", data))
    survives(lambda: ae.read_revman(file))


@given(damaged(workbook()))
@tries(40)
def test_workbook_reader_raises_nothing_but_its_own(tmp_path, data):
    file = tmp_path / "a.xlsx"
    file.write_bytes(data)
    survives(lambda: ae.read_trials(file, measure="SMD"))


@given(
    st.lists(
        st.lists(
            st.one_of(
                st.none(),
                st.floats(allow_nan=False, allow_infinity=False),
                st.booleans(),
                st.datetimes(),
                st.text(st.characters(min_codepoint=32, codec="utf-8"), max_size=8),
            ),
            min_size=3,
            max_size=3,
        ),
        max_size=4,
    )
)
@tries(20)
def test_cells_of_a_workbook_raise_nothing_but_our_own(tmp_path, rows):
    file = tmp_path / "a.xlsx"
    file.write_bytes(workbook([("study", "yi", "se"), *rows]))
    survives(lambda: ae.read_trials(file, measure="SMD"))


# --- evidence folders --------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A small folder that is valid: the tables of one condition's first trials."""
    path = tmp_path_factory.mktemp("evidence")
    shutil.copytree(data_folder(), path, dirs_exist_ok=True)
    keep = pd.read_csv(path / "trials.csv", dtype=str, keep_default_na=False)["trial_id"].head(6)
    for name in ("trials", "arms", "results", "contrasts", "directions", "safety", "quality", "design", "indirect"):
        table = pd.read_csv(path / f"{name}.csv", dtype=str, keep_default_na=False)
        if "trial_id" in table:
            table = table[table["trial_id"].isin(keep)]
        table.head(20).to_csv(path / f"{name}.csv", index=False)
    ae.load_evidence(path)
    return path


TABLES = ["trials", "arms", "results", "contrasts", "directions"]


@given(st.data())
@tries(8)
def test_folder_with_a_damaged_table_raises_nothing_but_our_own(folder, tmp_path, data):
    name = data.draw(st.sampled_from(TABLES))
    changed = data.draw(damaged((folder / f"{name}.csv").read_bytes()))
    loads_or_says_why(folder, tmp_path, {f"{name}.csv": changed})


@given(st.data())
@tries(12)
def test_folder_with_changed_cells_raises_nothing_but_our_own(folder, tmp_path, data):
    name = data.draw(st.sampled_from(TABLES))
    table = pd.read_csv(folder / f"{name}.csv", dtype=str, keep_default_na=False)
    for _ in range(data.draw(st.integers(1, 3))):
        row, column = data.draw(st.integers(0, len(table) - 1)), data.draw(st.sampled_from(list(table.columns)))
        table.loc[row, column] = data.draw(CELL)
    loads_or_says_why(folder, tmp_path, {f"{name}.csv": table.to_csv(index=False).encode("utf-8", "surrogatepass")})


@given(
    st.one_of(
        st.binary(max_size=200),
        st.text(max_size=100).map(lambda t: t.encode("utf-8", "surrogatepass")),
        damaged((data_folder() / "selection.yaml").read_bytes()),
    )
)
@example(b"conditions: !!python/object/apply:os.system ['true']")
@example(b"a: &a [*a]")
@example(b"[" * 3_000)
@tries(10)
def test_folder_with_damaged_rules_raises_nothing_but_our_own(folder, tmp_path, data):
    loads_or_says_why(folder, tmp_path, {"selection.yaml": data})


def loads_or_says_why(folder, tmp_path, changes):
    own = tmp_path / "own"
    shutil.rmtree(own, ignore_errors=True)
    shutil.copytree(folder, own)
    for name, data in changes.items():
        (own / name).write_bytes(data)
    try:
        evidence = ae.load_evidence(own)
        ae.trial_effects(evidence.trials["condition"].iloc[0], evidence=evidence)
    except ae.AcuevidenceError:
        return
    assert evidence.trials["trial_id"].is_unique
