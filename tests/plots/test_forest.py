"""What a forest plot must show, read off the drawn artists, and that its texts keep apart."""

import itertools

import numpy as np
import pandas as pd
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg

import acuevidence as ae
from acuevidence.errors import InputError
from acuevidence.plots import Column


def _texts(ax):
    return [t for t in ax.texts if t.get_text()]


def _words(ax):
    return "\n".join(t.get_text() for t in _texts(ax))


def _overlaps(ax):
    canvas = FigureCanvasAgg(ax.figure)
    canvas.draw()
    renderer = canvas.get_renderer()
    boxes = [(t.get_text(), t.get_window_extent(renderer)) for t in _texts(ax)]
    page = ax.figure.bbox
    cut = [
        text
        for text, box in boxes
        if box.x0 < -0.5 or box.x1 > page.x1 + 0.5 or box.y0 < -0.5 or box.y1 > page.y1 + 0.5
    ]
    pairs = [(a, b) for (a, x), (b, y) in itertools.combinations(boxes, 2) if _meet(x, y)]
    return cut, pairs


def _meet(a, b):
    wide = min(a.x1, b.x1) - max(a.x0, b.x0)
    high = min(a.y1, b.y1) - max(a.y0, b.y0)
    return wide > 1 and high > 0.25 * min(a.height, b.height)


@pytest.mark.parametrize("width", ["single", "double"])
@pytest.mark.parametrize(
    ("condition", "size"),
    [*((condition, 6.5) for condition in ae.conditions()), ("neck_pain", 5), ("fibromyalgia", 9)],
)
def test_no_text_is_cut_or_overlaps(condition, size, width):
    arms = "summary" if size < 9 else "n"
    ax = ae.plots.forest(ae.pooled(condition), width=width, size=size, arms=arms, certainty=True, mid=(0.3, 0.5))
    cut, pairs = _overlaps(ax)
    assert cut == []
    assert pairs == []


def test_it_shows_trials_arms_effects_weights_groups_heterogeneity_and_what_is_missing():
    result = ae.pooled("low_back_pain")
    words = _words(ae.plots.forest(result, mid=ae.mid("pain", "SMD")))
    expected = """Acupuncture v sham|usual care or no acupuncture|Kong 2020|VAS pain|Weight|SMD (95% CI)|Prediction interval
        Heterogeneity: τ²|I²|Test for subgroup differences|Favours acupuncture|Favours comparator|No usable figure v sham
        Haake 2007|REML|HKSJ|minimal important difference"""
    for said in (part.strip() for line in expected.splitlines() for part in line.split("|")):
        assert said in words, said


def test_the_text_of_the_pooled_effect_is_the_result():
    one = ae.pooled("neck_pain")["usual_care"]
    assert f"{one.estimate:.2f} ({one.ci_low:.2f} to {one.ci_high:.2f})" in _words(ae.plots.forest(one))


def test_squares_have_areas_proportional_to_the_weights():
    one = ae.meta_analysis([0.1, 0.4, 0.2], [0.01, 0.04, 0.02], method="EE", test="z")
    ax = ae.plots.forest(one)
    areas = np.array([c.get_sizes()[0] for c in ax.collections if len(c.get_offsets()) == 1])
    np.testing.assert_allclose(areas / areas.max(), one.weights / one.weights.max(), rtol=1e-6)


def test_the_pooled_diamond_spans_the_interval():
    one = ae.meta_analysis([0.1, 0.4, 0.2], [0.01, 0.04, 0.02])
    (diamond,) = ae.plots.forest(one).patches
    x = diamond.get_xy()[:, 0]
    assert (x.min(), x.max()) == pytest.approx((one.ci_low, one.ci_high))


def test_an_interval_beyond_the_axis_ends_in_an_arrow():
    one = ae.meta_analysis([0.1, 0.4, 0.2], [0.01, 4.0, 0.02])
    ax = ae.plots.forest(one, limits=(-1, 1))
    assert {line.get_marker() for line in ax.lines} >= {"<", ">"}


def test_one_trial_is_not_pooled():
    assert "One trial: not pooled" in _words(ae.plots.forest(ae.meta_analysis([0.5], [0.04])))


def test_ratios_are_shown_as_ratios_on_a_log_axis():
    data = ae.effect_size("RR", events1=[10, 20], n1=[50, 60], events2=[20, 25], n2=[50, 60]).assign(effect="RR")
    one = ae.meta_analysis("yi", "vi", data=data)
    ax = ae.plots.forest(one)
    assert "1" in [t.get_text() for t in ax.get_xticklabels()]
    assert f"{np.exp(one.estimate):.2f} (" in _words(ax)


def test_user_columns_keep_to_their_trials_across_groups():
    data = pd.DataFrame({"yi": [0.1, 0.2, 0.3, 0.4], "vi": 0.02, "g": ["a", "a", "b", "b"]})
    result = ae.meta_analysis("yi", "vi", data=data, by="g", labels=["w", "x", "y", "z"])
    ax = ae.plots.forest(result, columns=[Column("Country", ["one", "two", "three", "four"])])
    row = {t.get_text(): t.xy[1] for t in _texts(ax)}
    assert [row[name] for name in ("one", "two", "three", "four")] == [row[name] for name in "wxyz"]


def test_a_column_of_the_wrong_length_is_refused():
    with pytest.raises(InputError, match="1 texts for 2 trials"):
        ae.plots.forest(ae.meta_analysis([0.1, 0.2], [0.1, 0.1]), columns=[Column("Country", ["one"])])


def test_ratings_are_dots_with_their_sign_and_an_unrated_trial_gets_a_question_mark():
    one = ae.meta_analysis([0.1, 0.2], [0.1, 0.1], labels=["Foster 2007", "Witt 2005"])
    quality = pd.DataFrame({"A": ["+"], "B": ["-"]}, index=["Foster 2007"])
    signs = [t.get_text() for t in _texts(ae.plots.forest(one, quality=quality)) if t.get_bbox_patch() is not None]
    assert sorted(signs) == ["+", "?", "?", "−"]


def test_a_forest_draws_into_given_axes_and_saves_nothing():
    import matplotlib.pyplot as plt

    figure, ax = plt.subplots(figsize=(7, 4))
    assert ae.plots.forest(ae.pooled("fibromyalgia"), ax=ax) is ax
    plt.close(figure)


@pytest.mark.parametrize("width", ["single", "double"])
def test_the_signature_figure_shows_each_condition_against_both_comparators(width):
    ax = ae.plots.nuance(width=width, size=6)
    words = _words(ax)
    for condition in ("Low back pain", "Knee osteoarthritis", "Headache", "Neck pain", "Fibromyalgia"):
        assert condition in words
    assert words.count("v sham") == words.count("v usual care") == 5
    assert _overlaps(ax) == ([], [])
