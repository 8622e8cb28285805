"""What a forest plot must show, read off the drawn artists, and that its texts keep apart."""

import itertools
import re

import numpy as np
import pandas as pd
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import PathCollection, PolyCollection
from matplotlib.colors import to_hex

import acuevidence as ae
from acuevidence.errors import InputError
from acuevidence.plots import Column
from acuevidence.plots.parts.style import MID_LINE, RATING


def _texts(ax):
    return [t for t in ax.texts if t.get_text()]


def _words(ax):
    return "\n".join(t.get_text() for t in _texts(ax))


def _diamonds(ax):
    return [path for c in ax.collections if type(c) is PolyCollection for path in c.get_paths()]


def _squares(ax):
    (found,) = [c for c in ax.collections if isinstance(c, PathCollection)]
    return {to_hex(colour).upper() for colour in found.get_facecolors()}


@pytest.mark.filterwarnings("ignore:at a type size")  # a width too small for its texts grows and says so
@pytest.mark.parametrize("width", ["single", "double"])
@pytest.mark.parametrize(
    ("condition", "size"),
    [
        *((condition, 6.5) for condition in ae.conditions() if condition != "hip_osteoarthritis"),
        ("neck_pain", 5),
        ("fibromyalgia", 9),
    ],
)
def test_no_text_is_cut_or_overlaps(condition, size, width, overlaps):
    arms = "summary" if size < 9 else "n"
    ax = ae.plots.forest(ae.pooled(condition), width=width, size=size, arms=arms, certainty=True, mid=(0.3, 0.5))
    assert overlaps(ax.figure) == ([], [])


def test_it_shows_trials_arms_effects_weights_groups_heterogeneity_and_what_is_missing():
    result = ae.pooled("low_back_pain")
    words = _words(ae.plots.forest(result, mid=ae.mid("pain", "SMD")))
    expected = """Acupuncture v sham|Acupuncture v usual care|Kong 2020|VAS pain|Weight|SMD (95% CI)|Prediction
        Heterogeneity: τ²|I²|Favours acupuncture|Favours comparator|No usable figure v sham|Low back pain: pain / response
        Haake 2007|REML|HKSJ|smallest important difference"""
    for said in (part.strip() for line in expected.splitlines() for part in line.split("|")):
        assert said in words, said
    assert "subgroup" not in words  # sham and usual care are two comparisons


def test_two_trials_are_not_pooled_and_of_three_or_four_the_headline_is_drawn():
    two = ae.meta_analysis([0.1, 0.6], [0.02, 0.03], labels=["First", "Second"])
    assert "Two trials: not pooled" in _words(ax := ae.plots.forest(two)) and not _diamonds(ax)
    groups = ae.pooled("pelvic_pain")
    head = groups["sham, men"].headline()
    ax = ae.plots.forest(groups, mid="published")
    x = _diamonds(ax)[0].vertices[:, 0]
    assert (x.min(), x.max()) == pytest.approx((head.ci_low, head.ci_high))
    assert "Bayesian model with the Rhodes prior (few trials); REML with HKSJ interval: 0.97 (" in _words(ax)
    # Response has no threshold; the two trials of pain in women have one, behind their rows alone.
    gold = [line for line in ax.lines if to_hex(line.get_color()).upper() == MID_LINE]
    assert [set(line.get_xdata()) for line in gold] == [{groups["sham, women"].headline().threshold}]


def test_what_a_figure_rests_on_is_marked_and_explained():
    data = pd.DataFrame({"yi": [0.1, 0.3, 0.4], "vi": 0.04, "study": ["A", "B", "C"], "n_assumed": [True, False, True]})
    data["late"] = [False, False, True]
    words = _words(ae.plots.forest(ae.meta_analysis("yi", "vi", data=data, labels="study")))
    assert {"A*", "B", "C*§"} <= set(words.split("\n"))
    assert "* participants of each arm assumed from a total; § measured later than the others" in " ".join(words.split())


def test_published_effects_and_trials_of_another_outcome_stand_below():
    published = ae.questions.published("headache")
    words = _words(ae.plots.forest(ae.pooled("headache"), beside=published))
    assert "Vickers 2012" in words and "0.15 (0.07 to 0.24)" in words and "White diamonds: as published" in " ".join(words.split())
    with pytest.raises(InputError, match="beside lacks study"):
        ae.plots.forest(ae.pooled("headache"), beside=published.drop(columns="study"))
    missing = pd.DataFrame({"study": ["A 2001", "B 2002"], "comparator": "sham", "printed": ["function", None]})
    words = _words(ae.plots.forest(ae.pooled("neck_pain"), not_shown=missing))
    assert "Function only, not pooled here, v sham (1): A 2001." in words and "No usable figure v sham (1): B 2002." in words


def test_the_axis_stands_at_the_rows():
    ax = ae.plots.forest(ae.pooled("neck_pain"))
    last = max(t.get_position()[1] for t in _texts(ax) if t.get_text() == "Prediction interval")
    assert last == pytest.approx(ax.get_ylim()[0] - 0.5)


def test_the_text_of_the_pooled_effect_is_the_result():
    one = ae.pooled("neck_pain")["usual_care"]
    assert f"{one.estimate:.2f} ({one.ci_low:.2f} to {one.ci_high:.2f})" in _words(ae.plots.forest(one))


def test_squares_have_areas_proportional_to_the_weights():
    one = ae.meta_analysis([0.1, 0.4, 0.2], [0.01, 0.04, 0.02], method="EE", test="z")
    ax = ae.plots.forest(one)
    (areas,) = [c.get_sizes() for c in ax.collections if isinstance(c, PathCollection)]
    np.testing.assert_allclose(areas / areas.max(), one.weights / one.weights.max(), rtol=1e-6)


def test_the_pooled_diamond_spans_the_interval():
    one = ae.meta_analysis([0.1, 0.4, 0.2], [0.01, 0.04, 0.02])
    x = _diamonds(ae.plots.forest(one))[0].vertices[:, 0]
    assert (x.min(), x.max()) == pytest.approx((one.ci_low, one.ci_high))


def test_an_interval_beyond_the_axis_ends_in_an_arrow():
    one = ae.meta_analysis([0.1, 0.4, 0.2], [0.01, 4.0, 0.02])
    ax = ae.plots.forest(one, limits=(-1, 1))
    assert {line.get_marker() for line in ax.lines} >= {"<", ">"}


def test_one_trial_is_not_pooled():
    assert "One trial: not pooled" in _words(ae.plots.forest(ae.meta_analysis([0.5], [0.04])))


def test_ratios_are_shown_as_ratios_on_a_log_axis():
    counts = {"events1": [10, 20, 12], "n1": [50, 60, 40], "events2": [20, 25, 15], "n2": [50, 60, 40]}
    data = ae.effect_size("RR", **counts).assign(effect="RR")
    one = ae.meta_analysis("yi", "vi", data=data)
    ax = ae.plots.forest(one)
    assert "1" in [t.get_text() for t in ax.get_xticklabels()]
    assert f"{np.exp(one.estimate):.2f} (" in _words(ax)


def test_user_columns_keep_to_their_trials_across_groups():
    data = pd.DataFrame({"yi": [0.1, 0.2, 0.3, 0.4], "vi": 0.02, "g": ["a", "a", "b", "b"]})
    result = ae.meta_analysis("yi", "vi", data=data, by="g", labels=["w", "x", "y", "z"])
    ax = ae.plots.forest(result, columns=[Column("Country", ["one", "two", "three", "four"])])
    row = {t.get_text(): t.get_position()[1] for t in _texts(ax)}
    assert [row[name] for name in ("one", "two", "three", "four")] == [row[name] for name in "wxyz"]


def test_a_column_of_the_wrong_length_is_refused():
    with pytest.raises(InputError, match="1 texts for 2 trials"):
        ae.plots.forest(ae.meta_analysis([0.1, 0.2], [0.1, 0.1]), columns=[Column("Country", ["one"])])


def test_ratings_are_dots_with_their_sign_and_an_unrated_trial_gets_a_question_mark():
    one = ae.meta_analysis([0.1, 0.2], [0.1, 0.1], labels=["Foster 2007", "Witt 2005"])
    quality = pd.DataFrame({"A": ["+"], "B": ["-"]}, index=["Foster 2007"])
    ax = ae.plots.forest(one, quality=quality)
    signs = [t.get_text() for t in _texts(ax) if t.get_text() in "+?−"]
    assert sorted(signs) == ["+", "?", "?", "−"]
    discs = [c for c in ax.collections if isinstance(c, PathCollection)][-1]
    assert [to_hex(c).upper() for c in discs.get_facecolors()] == [RATING[s] for s in ("+", "?", "-", "?")]


def test_domains_with_long_names_are_headed_by_letters_and_named_below():
    one = ae.meta_analysis([0.1, 0.2], [0.1, 0.1], labels=["Foster 2007", "Witt 2005"])
    quality = pd.DataFrame({"Allocation concealed": ["+"], "Assessor blinded": ["-"]}, index=["Foster 2007"])
    words = _words(ae.plots.forest(one, quality=quality))
    assert "A: Allocation concealed; B: Assessor blinded; + met, − not met, ? not known" in " ".join(words.split())


def test_a_forest_draws_into_given_axes_and_saves_nothing():
    import matplotlib.pyplot as plt

    figure, ax = plt.subplots(figsize=(12, 9))
    assert ae.plots.forest(ae.pooled("fibromyalgia"), ax=ax) is ax
    plt.close(figure)


@pytest.mark.filterwarnings("ignore:at a type size")  # a width too small for its texts grows and says so
@pytest.mark.parametrize("width", ["single", "double"])
def test_the_signature_figure_shows_each_condition_against_both_comparators(width, overlaps):
    ax = ae.plots.nuance(width=width, size=6)
    words = _words(ax)
    for condition in ("Low back pain", "Knee osteoarthritis", "Headache", "Neck pain", "Fibromyalgia"):
        assert condition in words
    # Men and women with pelvic pain are two groups; elbow, jaw and pelvic pain of women have no trial against usual care.
    assert (words.count("v sham"), words.count("v usual care")) == (10, 7)
    assert overlaps(ax.figure) == ([], [])


TABLES = {
    "events1": [4, 6, 3, 62],
    "n1": [123, 306, 231, 13598],
    "events2": [11, 29, 11, 248],
    "n2": [139, 303, 220, 12867],
}


@pytest.fixture(scope="module")
def neck():
    return ae.pooled("neck_pain")


@pytest.mark.parametrize("size", [5, 6.5, 10])
@pytest.mark.parametrize("layout", list(ae.plots.LAYOUTS))
def test_no_layout_cuts_or_overlaps_texts_at_any_size(neck, layout, size, overlaps):
    quality = pd.DataFrame({"Allocation concealed": ["+"], "Assessor blinded": ["-"]}, index=["kwak2012"])
    options = {"quality": quality, "certainty": True, "mid": (0.3, 0.5), "title": "Neck pain", "arms": "summary"}
    assert overlaps(ae.plots.forest(neck, layout=layout, size=size, **options).figure) == ([], [])


@pytest.mark.parametrize("k", [3, 40, 120])
def test_the_figure_grows_with_its_rows(k, overlaps):
    rng = np.random.default_rng(k)
    one = ae.meta_analysis(rng.normal(0.3, 0.2, k), rng.uniform(0.01, 0.1, k), labels=[f"A trial of {i}" for i in range(k)])
    ax = ae.plots.forest(one)
    assert overlaps(ax.figure) == ([], [])
    assert 72 * ax.figure.get_figheight() > k * 6.5 * 1.75


def test_the_layout_of_revman_has_everything_left_of_the_plot_and_its_words():
    result = ae.pooled("neck_pain")
    ax = ae.plots.forest(result, layout="revman")
    words = _words(ax)
    one = result["sham"]
    assert f"{one.estimate:.2f} [{one.ci_low:.2f}, {one.ci_high:.2f}]" in words
    assert f"Tau² = {one.tau2:.3f}; Chi² = {one.q:.2f}, df = 8 (P = {one.q_p:.2f}); I² = {one.i2:.0f}%" in words
    assert "Test for overall effect: t = " in words
    assert "Study or Subgroup" in words
    assert words.count("Std. mean difference\nIV, Random, 95% CI") == 2
    assert _squares(ax) == {"#00A000"}
    assert _squares(ae.mantel_haenszel(**TABLES).forest(layout="revman")) == {"#2A52BE"}
    left_of_the_plot = [t for t in _texts(ax) if "[" in t.get_text() or t.get_text() == "100.0"]
    assert left_of_the_plot
    assert all(t.get_position()[0] < 0 for t in left_of_the_plot)


def test_the_layout_of_the_bmj_has_its_words_two_digits_of_p_and_eight_centimetres():
    result = ae.pooled("neck_pain")
    ax = ae.plots.forest(result, layout="bmj")
    words = _words(ax)
    one = result["usual_care"]
    assert f"Test for heterogeneity: τ²={one.tau2:.3f}; Q={one.q:.1f}, df=4, P<0.01; I²={one.i2:.0f}%" in words
    assert "subgroup differences" not in words
    assert ax.get_position().width * ax.figure.get_figwidth() * 2.54 == pytest.approx(8, abs=0.4)


def test_the_layout_of_jama_has_sources_no_tau2_no_leading_zero_and_favours_on_top():
    ax = ae.plots.forest(ae.pooled("neck_pain"), layout="jama")
    words = _words(ax)
    assert "Source" in words
    assert "τ² 0" not in words
    assert "(P < .001)" in words
    assert re.search(r"\(P = \.\d\d\d?\)", words)
    assert "0.70 (0.61-0.80)" in words  # Witt 2006: 0.70, SE 0.049
    (favours,) = [t for t in _texts(ax) if t.get_text() == "Favours acupuncture →"]
    assert favours.get_fontweight() == "bold"
    assert favours.get_position()[1] < 0
    assert _squares(ax) == {"#1F3A6E"}


def test_columns_are_taken_from_the_data_by_name_and_stand_on_either_side():
    data = pd.DataFrame({"yi": [0.1, 0.2, 0.3], "vi": 0.02, "country": ["Norway", "Chile", "Japan"], "dose": [1.0, 2.5, 3.0]})
    one = ae.meta_analysis("yi", "vi", data=data)
    ax = ae.plots.forest(one, columns=["country", Column("Dose", "dose", side="right", over="Plan", digits=1)])
    place = {t.get_text(): t.get_position()[0] for t in _texts(ax)}
    assert place["Norway"] < 0 < 1 < place["2.5"]
    assert {"Country", "Dose", "Plan"} <= set(place)


def test_a_column_that_is_not_there_or_is_there_twice_is_refused():
    one = ae.meta_analysis([0.1, 0.2], [0.1, 0.1])
    with pytest.raises(InputError, match="no column 'country'"):
        ae.plots.forest(one, columns=["country"])
    with pytest.raises(InputError, match="'Dose' is there 2 times"):
        ae.plots.forest(one, columns=[Column("Dose", ["1", "2"]), Column("Dose", ["3", "4"])])


def test_default_columns_without_a_figure_are_left_out():
    data = pd.DataFrame({"yi": [0.1, 0.2], "vi": 0.1, "n1": 30, "n2": 31, "instrument": None, "week": np.nan})
    words = _words(ae.plots.forest(ae.meta_analysis("yi", "vi", data=data)))
    assert "Participants" in words
    assert "Instrument" not in words
    assert "Week" not in words


def test_trials_with_the_same_name_each_keep_a_row():
    one = ae.meta_analysis([0.1, 0.2, 0.3], [0.1, 0.1, 0.1], labels=["Li 2020", "Li 2020", "Li 2020"])
    assert _words(ae.plots.forest(one)).count("Li 2020") == 3


def test_a_long_name_is_broken_into_lines_not_cut(overlaps):
    name = "A trial with a name that nobody would want to print in one line of a table (and a bracket)"
    ax = ae.plots.forest(ae.meta_analysis([0.1, 0.2], [0.1, 0.1], labels=[name, "b"]))
    assert "…" not in _words(ax)
    assert all(word in _words(ax).split() for word in name.split())
    assert overlaps(ax.figure) == ([], [])


def test_the_prediction_interval_is_off_when_it_is_off():
    one = ae.pooled("neck_pain")["sham"]
    assert "Prediction" not in _words(ae.plots.forest(one, prediction=False)).replace("prediction interval V", "")


def test_a_meta_regression_shows_fitted_values_and_pools_nothing():
    one = ae.meta_analysis("yi", "vi", data=ae.trial_effects("neck_pain", comparator="sham"), moderators="~ year", labels="study")
    ax = ae.plots.forest(one)
    assert "Random effects\n" not in _words(ax)
    assert "Moderators ~ year: F" in _words(ax)
    middle = [np.sort(path.vertices[:4, 0])[1:3].mean() for path in _diamonds(ax)]
    np.testing.assert_allclose(middle, one.predict()["pred"], rtol=1e-12)


@pytest.mark.parametrize("repeat", ["leave_one_out", "cumulative"])
def test_repeated_fits_are_drawn_one_a_row(repeat, overlaps):
    frame = getattr(ae.pooled("neck_pain")["sham"], repeat)()
    ax = ae.plots.forest(frame)
    words = _words(ax)
    for row in frame.itertuples():
        assert f"{row.estimate:.2f} ({row.ci_low:.2f} to {row.ci_high:.2f})".replace("-", "−") in words
    assert overlaps(ax.figure) == ([], [])


def test_a_frame_of_something_else_is_refused():
    with pytest.raises(InputError, match="lacks estimate"):
        ae.plots.forest(ae.trial_effects("neck_pain"))


@pytest.mark.parametrize("fit", [ae.mantel_haenszel, ae.peto, ae.glmm])
def test_tables_of_events_show_events_and_ratios(fit, overlaps):
    one = fit(**TABLES)
    ax = one.forest()
    words = _words(ax)
    assert f"{np.exp(one.estimate):.2f} ({np.exp(one.ci_low):.2f} to {np.exp(one.ci_high):.2f})" in words
    assert "Events" in words
    assert "13,598" in words
    assert "More events in group 1 →" in words
    assert overlaps(ax.figure) == ([], [])


@pytest.mark.parametrize(("low", "high"), [(-0.1, 0.1), (-1, 1), (-7, 7)])
def test_a_log_axis_has_ticks_that_can_be_read(low, high):
    data = pd.DataFrame({"yi": [0.05, 0.0, -0.05], "vi": 0.01, "effect": "OR"})
    ax = ae.plots.forest(ae.meta_analysis("yi", "vi", data=data), limits=(low, high))
    ticks = [float(t.get_text()) for t in ax.get_xticklabels()]
    assert 3 <= len(ticks) <= 12
    assert 1 in ticks
    np.testing.assert_allclose(np.log(ticks), ax.get_xticks(), atol=1e-9)


LONG_TITLE = "Acupuncture for chronic neck pain in adults: effect on pain at the end of treatment"


@pytest.mark.filterwarnings("ignore:at a type size")  # a width too small for its texts grows and says so
@pytest.mark.parametrize("size", [5, 8, 12])
@pytest.mark.parametrize("width", ["single", "double"])
@pytest.mark.parametrize("layout", list(ae.plots.LAYOUTS))
def test_titles_and_words_for_both_sides_are_broken_not_cut(layout, width, size, overlaps):
    one = ae.meta_analysis([0.1, 0.3, 0.2], [0.02, 0.04, 0.03], labels=["A", "B", "C"])
    favours = ("Favours a comparator with a long name", "Favours acupuncture of a certain kind")
    ax = ae.plots.forest(one, layout=layout, width=width, size=size, title=LONG_TITLE, favours=favours)
    words = _words(ax).split()
    assert all(word in words for text in (LONG_TITLE, *favours) for word in text.split())
    assert overlaps(ax.figure) == ([], [])


@pytest.mark.filterwarnings("ignore:at a type size")  # a width too small for its texts grows and says so
@pytest.mark.parametrize("layout", list(ae.plots.LAYOUTS))
@pytest.mark.parametrize(("width", "size"), [("double", 5), ("double", 12), ("single", 8), ("single", 12)])
def test_ticks_keep_apart(layout, width, size, overlaps):
    one = ae.mantel_haenszel(**TABLES, measure="RD")
    ax = one.forest(layout=layout, width=width, size=size)
    canvas = FigureCanvasAgg(ax.figure)
    canvas.draw()
    ticks = sorted((t.get_window_extent(canvas.get_renderer()) for t in ax.get_xticklabels()), key=lambda box: box.x0)
    assert len(ticks) > 1
    assert all(a.x1 < b.x0 for a, b in itertools.pairwise(ticks))
    assert overlaps(ax.figure) == ([], [])


@pytest.mark.parametrize("layout", list(ae.plots.LAYOUTS))
def test_the_line_on_residual_heterogeneity_reads_as_that_of_a_pooled_effect(layout):
    data = ae.trial_effects("neck_pain", comparator="sham")
    pooled, regression = (ae.meta_analysis("yi", "vi", data=data, moderators=m) for m in (None, "~ year"))
    drawn = (_words(ae.plots.forest(one, layout=layout)).split("\n") for one in (pooled, regression))
    said, residual = (next(line for line in lines if "eterogeneity:" in line).split(":", 1)[1] for lines in drawn)
    for text in (said, residual):
        assert "; ," not in text
    without = [re.sub(r"[\d.]+|[<=]| \([\d.]+ to [\d.∞]+\)", "", text) for text in (said, residual)]
    assert without[0].split() == without[1].split()


def test_names_of_pooled_effects_are_not_broken_where_the_plot_has_a_width_of_its_own(neck):
    words = _words(ae.plots.forest(neck, layout="jama")).split("\n")
    assert words.count("Random effects") == words.count("Prediction interval") == 2


@pytest.mark.parametrize(("layout", "most"), [("default", 3), ("revman", 3), ("bmj", 2), ("jama", 2), ("compact", 3)])
def test_a_long_name_takes_few_lines(layout, most):
    name = "A trial with a name that nobody would want to print in one line of a table (and a bracket)"
    one = ae.meta_analysis([0.1, 0.2], [0.1, 0.1], labels=[name, "Next trial"])
    first = {t.get_text(): t.get_position()[1] for t in _texts(ae.plots.forest(one, layout=layout))}
    assert first["Next trial"] <= most


def test_a_spanning_heading_on_both_sides_stands_on_both():
    data = pd.DataFrame({"yi": [0.1, 0.2], "vi": 0.1, "a": ["x", "y"], "b": ["1", "2"]})
    columns = [Column("A", "a", over="Arms"), Column("B", "b", over="Arms", side="right")]
    ax = ae.plots.forest(ae.meta_analysis("yi", "vi", data=data), columns=columns)
    places = [t.get_position()[0] for t in _texts(ax) if t.get_text() == "Arms"]
    assert min(places) < 0 < 1 < max(places)


@pytest.mark.parametrize(
    ("quality", "said"),
    [
        (pd.DataFrame({"D1": ["+", "-"]}, index=["A", "A"]), "more than one row for 'A'"),
        (pd.DataFrame({"D1": ["low"]}, index=["A"]), "not 'low'"),
        (pd.DataFrame({"D1": ["+"]}, index=["Z"]), "none of the trials drawn"),
    ],
)
def test_ratings_that_cannot_be_matched_are_refused(quality, said):
    one = ae.meta_analysis([0.1, 0.2], [0.1, 0.1], labels=["A", "B"])
    with pytest.raises(InputError, match=said):
        ae.plots.forest(one, quality=quality)


def test_trials_not_shown_are_named_or_refused():
    one = ae.meta_analysis([0.1, 0.2], [0.1, 0.1])
    frame = pd.DataFrame({"study": ["Foster 2007"], "comparator": ["sham"]})
    assert "No usable figure v sham (1): Foster 2007." in _words(ae.plots.forest(one, not_shown=frame))
    with pytest.raises(InputError, match="not_shown lacks comparator"):
        ae.plots.forest(one, not_shown=frame[["study"]])


@pytest.mark.parametrize(
    ("layout", "p", "said"),
    [
        ("jama", 0.01, "= .010"),
        ("jama", 0.0102, "= .01"),
        ("jama", 0.0009, "< .001"),
        ("jama", 0.04, "= .04"),
        ("bmj", 0.01, "= 0.01"),
        ("bmj", 0.004, "< 0.01"),
        ("bmj", 0.534, "= 0.53"),
    ],
)
def test_p_values_have_the_digits_of_the_journal(layout, p, said):
    assert ae.plots.LAYOUTS[layout].p(p)["is_p"] == said
