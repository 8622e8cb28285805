"""What was known when: after each year the headline of the trials up to then, and at the end the one of today."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import acuevidence as ae
from acuevidence.appraisal.headline import headline
from acuevidence.evidence.carried import carry


@pytest.fixture(scope="module")
def found() -> pd.DataFrame:
    return ae.questions.timeline("pelvic_pain").rows


def test_the_last_year_is_today() -> None:
    for condition in ("knee_osteoarthritis", "shoulder_pain", "pelvic_pain"):
        rows = ae.questions.timeline(condition).rows
        for group, result in ae.pooled(condition).items():
            last, now = rows[rows["group"] == group].iloc[-1], headline(result)
            assert (last["k"], last["state"]) == (now.k, now.state)
            assert last["n"] == result.data[["n1", "n2"]].sum(axis=None)
            numbers = [np.nan if x is None else x for x in (now.estimate, now.ci_low, now.ci_high)]
            assert last[["estimate", "ci_low", "ci_high"]].tolist() == pytest.approx(numbers, abs=5e-3, nan_ok=True)


def test_each_year_knows_only_the_trials_up_to_then() -> None:
    rows = ae.questions.timeline("low_back_pain").rows
    data = ae.pooled("low_back_pain")["sham"].data
    assert rows.loc[rows["group"] == "sham", "year"].is_monotonic_increasing
    for row in rows[rows["group"] == "sham"].itertuples():
        then = carry(data[data["year"] <= row.year].copy(), evidence=ae.load_evidence(), direction="benefit")
        shown = headline(ae.meta_analysis("yi", "vi", data=then, labels="study"))
        assert (row.k, row.state) == (len(then), shown.state)
        assert set(row.trials.split("; ")) == set(data.loc[data["year"] == row.year, "study"])


def test_changes_hold_the_first_year_and_every_other_state(found: pd.DataFrame) -> None:
    moved = ae.questions.timeline("pelvic_pain").changes()
    for group, rows in found.groupby("group"):
        states = rows["state"].tolist()
        kept = [state for i, state in enumerate(states) if i == 0 or state != states[i - 1]]
        assert moved.loc[moved["group"] == group, "state"].tolist() == kept


def test_a_condition_without_figures_has_no_year() -> None:
    empty = ae.questions.timeline("hip_osteoarthritis")
    assert empty.rows.empty and empty.undated == 0
    with pytest.raises(ae.InputError, match="no trial with a year"):
        ae.plots.timeline(empty)
