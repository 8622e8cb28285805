"""Do the figures of sensitivity and of individual patients show the numbers of their tables?"""

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg

import acuevidence as ae


@pytest.fixture(scope="module")
def table():
    return ae.questions.sensitivity("neck_pain")


@pytest.fixture(scope="module")
def ax(table):
    return ae.plots.sensitivity(table, width="double")


def test_every_pooled_effect_is_drawn_with_its_interval(table, ax):
    drawn = np.concatenate([line.get_xdata() for line in ax.lines if line.get_marker() in ("o", "s", "D", "^", "v")])
    for estimate in table["estimate"].dropna():
        assert np.isclose(drawn, estimate).any()
    ends = np.concatenate([segment[:, 0] for bar in ax.containers for line in bar[2] for segment in line.get_segments()])
    bounded = table.dropna(subset=["ci_low"])
    np.testing.assert_allclose(np.sort(ends), np.sort(bounded[["ci_low", "ci_high"]].to_numpy().ravel()), rtol=1e-9)


def test_every_line_says_how_many_trials_it_has(table, ax):
    said = [text.get_text() for text in ax.texts]
    for row in table.itertuples():
        assert any(text.startswith(f"k {row.k}") for text in said)
    assert len([text for text in said if text.startswith("k ")]) == len(table)


def test_no_two_texts_of_the_figure_lie_on_each_other(ax):
    canvas = FigureCanvasAgg(ax.figure)
    canvas.draw()
    renderer = canvas.get_renderer()
    texts = [t for t in (*ax.texts, *ax.get_yticklabels(), *ax.get_xticklabels()) if t.get_text() and t.get_visible()]
    boxes = [t.get_window_extent(renderer).shrunk(0.98, 0.9) for t in texts]
    over = [(a, b) for a in range(len(boxes)) for b in range(a) if boxes[a].overlaps(boxes[b])]
    assert [(texts[a].get_text(), texts[b].get_text()) for a, b in over] == []


def test_patients_are_drawn_one_by_one_and_the_lines_lie_the_adjusted_difference_apart():
    result = ae.questions.patients("vickers2004")
    ax = ae.plots.patients(result, outcome="pain", week=52)
    rows = result.values[(result.values["outcome"] == "pain") & (result.values["week"] == 52)]
    dots = [line for line in ax.lines if line.get_linestyle() == "None"]
    assert sum(len(line.get_xdata()) for line in dots) == len(rows)
    lines = [line for line in ax.lines if line.get_label().startswith(("Treated", "Controls"))]
    at = [np.interp(20.0, line.get_xdata(), line.get_ydata()) for line in lines]
    effect = result.effects.set_index(["outcome", "week"]).loc[("pain", 52)]
    assert abs(at[0] - at[1]) == pytest.approx(abs(effect["difference"]), rel=1e-6)


def test_people_are_counted_with_the_comparator_and_with_the_treatment():
    found = ae.questions.responders("headache")
    ax = ae.plots.responders(found)
    sham = found.pools.set_index("comparator").loc["sham"]
    control, treated = 100 * sham["control_risk"], 100 * sham["control_risk"] * sham["rr"]
    joined = [tuple(line.get_xdata()) for line in ax.lines if len(line.get_xdata()) == 2]
    assert any(np.allclose(ends, (control, treated)) for ends in joined)
    words = [text.get_text() for text in ax.texts]
    low, high = (control * sham[name] for name in ("rr_low", "rr_high"))
    assert f"{treated:.0f} ({low:.0f} to {high:.0f})" in words and f"{control:.0f}" in words
