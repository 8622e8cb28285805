"""Does a user's flat table become the effects that the same figures give by hand, and is every fault named by row and column?

Effects are checked against the formulas of Hedges (1981) and of the log odds ratio written out here, not against the package's own.
"""

import math

import pandas as pd
import pytest

import acuevidence as ae

MEANS = {"study": ["A", "B"], "mean1": [32.0, 30.0], "sd1": [20.0, 25.0], "n1": [40, 35], "mean2": [41.0, 36.0],
         "sd2": [21.0, 24.0], "n2": [42, 33], "higher_is": "worse"}  # fmt: skip


def hedges(mean1, sd1, n1, mean2, sd2, n2):
    df = n1 + n2 - 2
    pooled = math.sqrt(((n1 - 1) * sd1**2 + (n2 - 1) * sd2**2) / df)
    j = math.exp(math.lgamma(df / 2) - math.lgamma((df - 1) / 2)) / math.sqrt(df / 2)
    g = j * (mean1 - mean2) / pooled
    return g, 1 / n1 + 1 / n2 + g**2 / (2 * (n1 + n2))


def test_means_give_hedges_g_turned_where_higher_is_worse():
    found = ae.read_trials(pd.DataFrame(MEANS))
    for row, figures in zip(found.itertuples(), [(41, 21, 42, 32, 20, 40), (36, 24, 33, 30, 25, 35)], strict=True):
        g, v = hedges(*figures)
        assert (row.yi, row.vi) == pytest.approx((g, v), rel=1e-9)
    better = ae.read_trials(pd.DataFrame(MEANS | {"higher_is": "better"}))
    assert better.yi.tolist() == pytest.approx((-found.yi).tolist(), rel=1e-12)


def test_responders_enter_through_the_logistic_conversion():
    table = pd.DataFrame(
        {"study": ["C"], "events1": [31], "n1": [70], "events2": [22], "n2": [72], "higher_is": ["better"]}
    )
    log_or, v = math.log(31 * 50 / (39 * 22)), 1 / 31 + 1 / 39 + 1 / 22 + 1 / 50
    smd, ratio = ae.read_trials(table).iloc[0], ae.read_trials(table, measure="OR").iloc[0]
    assert (smd.yi, smd.vi) == pytest.approx((log_or * math.sqrt(3) / math.pi, v * 3 / math.pi**2), rel=1e-9)
    assert (ratio.yi, ratio.vi) == pytest.approx((log_or, v), rel=1e-9)


def test_an_effect_keeps_its_value_and_takes_its_precision_from_what_is_given():
    table = pd.DataFrame({"study": list("DEFG"), "yi": [0.2, 0.3, 0.4, None], "vi": [0.04, None, None, None],
                          "se": [None, 0.1, None, None], "ci_low": [None, None, 0.2, 0.1], "ci_high": [None, None, 0.6, 0.5]})  # fmt: skip
    found = ae.read_trials(table)
    width = (0.4 / (2 * 1.959963984540054)) ** 2
    assert found.yi.tolist() == pytest.approx([0.2, 0.3, 0.4, 0.3])
    assert found.vi.tolist() == pytest.approx([0.04, 0.01, width, width], rel=1e-12)


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


def test_semicolons_with_decimal_commas_and_excel_read_like_a_plain_csv(tmp_path):
    frame = pd.DataFrame(MEANS)
    frame.to_csv(tmp_path / "plain.csv", index=False)
    frame.to_csv(tmp_path / "european.csv", index=False, sep=";", decimal=",")
    frame.to_excel(tmp_path / "sheet.xlsx", index=False)
    plain, european, sheet = (ae.read_trials(tmp_path / name) for name in ("plain.csv", "european.csv", "sheet.xlsx"))
    pd.testing.assert_frame_equal(plain[["yi", "vi", "n1"]], european[["yi", "vi", "n1"]])
    pd.testing.assert_frame_equal(plain[["yi", "vi", "n1"]], sheet[["yi", "vi", "n1"]])
    assert plain.index.tolist() == [2, 3]


def test_a_frame_keeps_its_index_and_its_own_columns():
    frame = pd.DataFrame(MEANS | {"blinding": ["yes", "no"], "Comparator": ["Usual care", "SHAM"]}, index=["x", "y"])
    found = ae.read_trials(frame)
    assert found.index.tolist() == ["x", "y"]
    assert found.blinding.tolist() == ["yes", "no"]
    assert found.comparator.tolist() == ["usual_care", "sham"]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"sd1": [20.0, None]}, r"row 1 \(B\) has only mean1, .*a trial needs mean1 sd1 n1"),
        ({"sd1": [20.0, -2.0]}, r"sd1 must.*row 1 has -2.0"),
        ({"higher_is": ["worse", None]}, r"row 1 \(B\): higher_is is missing"),
        ({"higher_is": ["worse", "wrose"]}, r"row 1 \(B\): higher_is='wrose' is not known; did you mean 'worse'"),
        ({"study": ["A", None]}, r"study is missing.*row 1"),
        ({"study": ["A", "A"]}, r"one row per trial.*row 1 has 'A'"),
        ({"mean1": ["32", "thirty"]}, r"mean1 must be a number: row 1 has 'thirty'"),
        ({"n1": [1, 35]}, r"n1 must.*row 0"),
    ],
)  # fmt: skip
def test_a_fault_is_named_by_row_and_column(change, said):
    with pytest.raises(ae.InputError, match=said):
        ae.read_trials(pd.DataFrame(MEANS | change))


def test_a_misspelled_column_is_guessed():
    with pytest.raises(ae.InputError, match="column 'sd_1' is not read, did you mean 'sd1'"):
        ae.read_trials(pd.DataFrame(MEANS).rename(columns={"sd1": "sd_1"}))


def test_an_effect_outside_its_interval_and_a_missing_file_are_refused(tmp_path):
    with pytest.raises(ae.InputError, match=r"yi must lie within ci_low and ci_high: row 0 has 0\.9"):
        ae.read_trials(pd.DataFrame({"study": ["A"], "yi": [0.9], "ci_low": [0.1], "ci_high": [0.5]}))
    with pytest.raises(ae.InputError, match=r"nothing\.csv' does not exist"):
        ae.read_trials(tmp_path / "nothing.csv")


def test_means_give_no_risk_ratio():
    with pytest.raises(ae.InputError, match=r"row 0 \(A\): means give no RR"):
        ae.read_trials(pd.DataFrame(MEANS), measure="RR")
