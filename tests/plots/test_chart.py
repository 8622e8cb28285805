"""The interactive charts hold every trial with its source, and nothing is cut off the axis."""

import math
import sys

import pytest

import acuevidence as ae
from acuevidence.plots.chart import forest_chart
from acuevidence.plots.questions.nuance_chart import nuance_chart


def marks(chart, kind):
    """Return the layers of one kind of mark with the rows of data behind each."""
    made = chart.to_dict()
    return [
        (layer, layer["data"].get("values") or made["datasets"][layer["data"]["name"]])
        for layer in made["layer"]
        if layer["mark"]["type"] == kind
    ]


def told(layer):
    return {tip["field"] for tip in layer["encoding"]["tooltip"]}


def test_every_trial_has_one_square_with_its_own_effect():
    groups = ae.pooled("neck_pain")
    [(_, squares)] = marks(forest_chart(groups), "point")
    expected = [(row.study, row.yi) for one in groups.values() for row in one.data.itertuples()]
    assert [(row["label"], row["estimate"]) for row in squares] == expected
    assert len({row["row"] for row in squares}) == len(expected)


def test_hovering_tells_source_derivation_and_printed_figures_of_every_trial():
    one = ae.pooled("neck_pain")["sham"]
    [(layer, squares)] = marks(forest_chart(one), "point")
    columns = ["source_url", "locator", "figures_as_printed", "derivation", "instrument"]
    assert {*columns, "n", "week", "weight_text", "text"} <= told(layer)
    assert layer["encoding"]["href"]["field"] == "source_url"
    for column in columns:
        assert [row[column] for row in squares] == list(one.data[column])
    assert squares[0]["n"] == f"{one.data['n1'].iloc[0]} v {one.data['n2'].iloc[0]}"


def test_what_was_not_printed_is_said_to_be_so():
    data = ae.trial_effects("neck_pain", comparator="sham")
    data.loc[0, ["week"]] = math.nan
    [(_, squares)] = marks(forest_chart(ae.meta_analysis("yi", "vi", data=data, labels="study")), "point")
    assert squares[0]["week"] == "not printed"


def test_a_diamond_spans_the_pooled_interval_of_each_group():
    groups = ae.pooled("neck_pain")
    [(_, corners)] = marks(forest_chart(groups), "area")
    drawn = [tuple(row["estimate"] for row in corners[i : i + 3]) for i in range(0, len(corners), 3)]
    assert drawn == [(one.ci_low, one.estimate, one.ci_high) for one in groups.values()]


def test_the_prediction_interval_is_a_line_of_its_own():
    one = ae.pooled("neck_pain")["sham"]
    lines = [rows for layer, rows in marks(forest_chart(one), "rule") if "strokeDash" in layer["mark"]]
    assert [(row["pi_low"], row["pi_high"]) for row in lines[0]] == [(one.pi_low, one.pi_high)]


def test_the_axis_holds_every_interval_and_the_null():
    groups = ae.pooled("low_back_pain")
    [(layer, _)] = marks(forest_chart(groups), "point")
    low, high = layer["encoding"]["x"]["scale"]["domain"]
    ends = [end for one in groups.values() for end in (one.ci_low, one.ci_high, *one.data["ci_low"], *one.data["ci_high"])]
    assert low < min(0.0, *ends)
    assert high > max(0.0, *ends)


def test_the_band_is_the_minimal_important_difference():
    [(_, [row])] = marks(forest_chart(ae.pooled("neck_pain"), mid=(0.3, 0.5)), "rect")
    assert (row["estimate"], row["high"]) == (0.3, 0.5)
    assert marks(forest_chart(ae.pooled("neck_pain")), "rect") == []


def test_both_sides_of_the_null_are_named():
    [(layer, _)] = marks(forest_chart(ae.pooled("neck_pain"), favours=("worse", "better")), "point")
    assert layer["encoding"]["x"]["title"] == "← worse   |   SMD   |   better →"


def test_log_ratios_are_shown_as_ratios_around_one():
    one = ae.meta_analysis([0.0, math.log(2), math.log(3)], [0.1, 0.1, 0.1])
    [(layer, squares)] = marks(forest_chart(one, effect="OR"), "point")
    assert [row["estimate"] for row in squares] == pytest.approx([1, 2, 3])
    assert layer["encoding"]["x"]["scale"]["type"] == "log"


def test_the_nuance_chart_has_a_diamond_for_each_comparison_and_says_how_certain_it_is():
    results = {name: ae.pooled(name) for name in ae.conditions()}
    [(layer, corners)] = marks(nuance_chart(results), "area")
    heads = [one.headline() for groups in results.values() for one in groups.values() if one.k]
    expected = {head.estimate for head in heads if head.k != 2}
    assert {row["estimate"] for row in corners[1::3]} == expected
    assert {"text", "predicted", "trials", "n", "certainty", "reasons"} <= told(layer)


def test_without_altair_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "altair", None)
    with pytest.raises(ae.InputError, match=r"acuevidence\[interactive\]"):
        forest_chart(ae.pooled("neck_pain"))


def test_nothing_to_draw_is_refused():
    with pytest.raises(ae.InputError, match="no trial"):
        forest_chart({})
    with pytest.raises(ae.InputError, match="no trial"):
        nuance_chart({})


def test_a_reader_who_does_not_see_the_chart_hears_every_row():
    groups = ae.pooled("neck_pain")
    made = groups.chart()
    for one in groups.values():
        for row in one.data.itertuples():
            assert f"{row.study} {row.yi:.2f} (" in made.description
    [(layer, squares)] = marks(made, "point")
    assert layer["encoding"]["description"]["field"] == "aloud"
    first = groups["sham"].data.iloc[0]
    assert squares[0]["aloud"].startswith(f"{first['study']}, {first['yi']:.2f} (")
    assert f"Printed figures: {first['figures_as_printed']}" in squares[0]["aloud"]
