"""Rows of two versions of a table are matched by what identifies a figure; two extractions are held beside each other cell by cell."""

from __future__ import annotations

import pandas as pd
import pytest

from acuevidence.evidence.differences import differences
from acuevidence.evidence.extractions import confirmed

FIGURE = {
    "condition": "depression",
    "trial_id": "made1",
    "outcome": "mood",
    "measure": "BDI",
    "week": 12.0,
    "timing": "end_of_treatment",
    "statistic": "final",
    "arm": "run",
    "mean": 16.0,
    "source_url": "https://a.org",
    "locator": "table 2",
}


def results(*rows: dict[str, object]) -> pd.DataFrame:
    return pd.DataFrame([FIGURE | row for row in rows])


def told(old: pd.DataFrame, new: pd.DataFrame, **options: object) -> list[list[object]]:
    cells = differences({"results": old}, {"results": new}, **options).cells
    return cells[["change", "column", "old", "new"]].to_numpy().tolist()


def test_the_order_of_rows_and_how_a_number_is_written_change_nothing() -> None:
    one, two = {}, {"arm": "wait", "mean": 20.0}
    assert told(results(one, two), results(two, one)) == []
    assert told(results(one), results(one).astype({"week": "Int64"})) == []


@pytest.mark.parametrize("column", ["mean", "locator", "source_url", "measure"])
def test_a_mended_cell_leaves_the_row_the_same(column: str) -> None:
    other = 17.5 if column == "mean" else "elsewhere"
    was = "16" if column == "mean" else str(FIGURE[column])
    assert told(results({}), results({column: other})) == [["changed", column, was, str(other)]]


def test_another_week_is_another_figure() -> None:
    assert told(results({}), results({"week": 26.0})) == [["went", "", "", ""], ["came", "", "", ""]]


def test_two_figures_of_one_key_pair_by_what_they_print() -> None:
    one, two = {"mean": 16.0}, {"mean": 18.0}
    assert told(results(one, two), results(two)) == [["went", "", "", ""]]


def test_a_row_without_its_instrument_is_matched_only_where_it_is_the_only_one() -> None:
    old = results({"measure": "BDI"}, {"measure": "HAM-D", "mean": 9.0})
    new = results({"measure": "Beck"}, {"measure": "Hamilton", "mean": 9.5})
    assert [one[0] for one in told(old, new)] == ["went", "went", "came", "came"]


def test_a_column_that_only_one_side_fills_is_told_once() -> None:
    found = differences(
        {"results": results({}, {"arm": "wait"}).assign(responder="")},
        {"results": results({}, {"arm": "wait"}).assign(responder="global")},
    )
    assert found.cells.empty
    assert found.filled.to_numpy().tolist() == [["results", "responder", 0, 2]]
    assert found.counts.to_numpy().tolist() == [["results", 2, 2, 0, 0, 0, 2]]


def test_lines_are_those_of_the_files() -> None:
    old, new = results({}, {"arm": "wait"}), results({"arm": "third"}, {}, {"arm": "wait", "mean": 21.0})
    cells = differences({"results": old}, {"results": new}).cells
    assert cells[["change", "line_old", "line_new"]].to_numpy().tolist() == [["came", "", 2], ["changed", 3, 4]]


def test_an_effect_of_several_rows_is_confirmed_where_all_are() -> None:
    assert confirmed(pd.DataFrame({"extraction": ["agreed", "single", "agreed"]})) == 2
    assert confirmed(pd.DataFrame({"yi": [0.2]})) is None
