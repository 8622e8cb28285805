"""What each figure of the family must show, read off its artists."""

import numpy as np
import pandas as pd
import pytest

import acuevidence as ae
from acuevidence.errors import InputError
from acuevidence.questions.quality import quality_domains, quality_ratings

EVENTS = pd.DataFrame({"events1": [12, 8, 20], "n1": [40, 30, 80], "events2": [6, 5, 18], "n2": [42, 31, 79]})


@pytest.fixture(scope="module")
def sham():
    return ae.pooled("headache")["sham"]


@pytest.fixture(scope="module")
def regression():
    effects = ae.trial_effects("low_back_pain", comparator="sham")
    return ae.meta_analysis("yi", "vi", data=effects, moderators="~ year")


@pytest.fixture(scope="module")
def found():
    return ae.questions.evidence_map()


@pytest.mark.parametrize("name", ["baujat", "gosh", "influence", "radial", "drapery", "cumulative", "profile"])
def test_a_figure_keeps_to_the_axes_it_is_given(name, sham):
    import matplotlib.pyplot as plt

    figure, given = plt.subplots()
    assert getattr(ae.plots, name)(sham, ax=given) is given
    plt.close(figure)


def test_baujat_draws_the_frame_and_names_the_trial_that_stands_out(sham):
    frame = sham.baujat()
    ax = ae.plots.baujat(sham, named=1)
    np.testing.assert_allclose(ax.collections[0].get_offsets(), frame[["x", "y"]])
    far = ((frame / frame.max()) ** 2).sum(axis=1).idxmax()
    assert far in [t.get_text() for t in ax.texts]


def test_gosh_parts_the_subsets_by_the_chosen_trial():
    result = ae.meta_analysis([0.2, 0.5, 0.3, 2.0], [0.02, 0.04, 0.03, 0.03], labels=list("ABCD"))
    without, with_it = (c.get_offsets() for c in ae.plots.gosh(result, trial="D").collections)
    assert len(without) == 7
    assert len(with_it) == 8


def test_the_slope_of_the_radial_line_is_the_pooled_effect(sham):
    ax = ae.plots.radial(sham)
    line = next(line for line in ax.lines if len(set(line.get_ydata())) > 1)
    assert np.diff(line.get_ydata()) / np.diff(line.get_xdata()) == pytest.approx(sham.estimate)


def test_labbe_puts_the_risks_in_percent():
    (points,) = ae.plots.labbe(data=EVENTS).collections
    np.testing.assert_allclose(points.get_offsets()[0], [100 * 6 / 42, 30.0])


def test_labbe_refuses_more_events_than_patients():
    with pytest.raises(InputError, match="events1 must lie between 0 and n1: row 0"):
        ae.plots.labbe(events1=[50], n1=[40], events2=[1], n2=[40])


def test_the_line_of_the_bubble_plot_is_the_regression(regression):
    line = next(line for line in ae.plots.bubble(regression).lines if len(line.get_xdata()) == 101 and line.is_dashed() is False)
    slope = regression.coefficients.loc["year", "estimate"]
    assert np.diff(line.get_ydata()) / np.diff(line.get_xdata()) == pytest.approx(np.full(100, slope))


def test_the_drapery_meets_five_percent_at_the_ends_of_the_interval(sham):
    ax = ae.plots.drapery(sham)
    line = next(line for line in ax.lines if line.get_label() == "pooled effect")
    x, y = line.get_data()
    inside = x[y >= 0.05]
    assert (inside.min(), inside.max()) == pytest.approx((sham.ci_low, sham.ci_high), abs=0.02)


def test_the_cumulative_plot_ends_at_the_pooled_effect(sham):
    ax = ae.plots.cumulative(sham)
    squares = next(line for line in ax.lines if line.get_marker() == "s")
    assert squares.get_xdata()[-1] == pytest.approx(sham.estimate)


def test_the_profile_is_highest_at_the_estimate_of_tau2(sham):
    curve = max(ae.plots.profile(sham).lines, key=lambda line: len(line.get_xdata()))
    x, y = curve.get_data()
    assert x[np.argmax(y)] == pytest.approx(sham.tau2, abs=2 * (x[1] - x[0]))


def test_the_profile_band_is_the_profile_likelihood_interval(sham):
    (band,) = [p for p in ae.plots.profile(sham).patches if "profile" in p.get_label()]
    low, high = sham.tau2_interval("PL")
    ends = band.get_window_extent().transformed(band.axes.transData.inverted())
    assert (ends.x0, ends.x1) == pytest.approx((low, high), abs=high / 100)


def test_ratings_are_those_printed():
    printed = ae.load_evidence().quality.query("condition == 'low_back_pain' and tool == 'PEDro'")
    table = printed.pivot(index="trial_id", columns="domain", values="judgement")
    ratings = quality_ratings("low_back_pain")
    assert ratings.loc["cherkin2001", "B"] == {"yes": "+", "no": "-"}[table.loc["cherkin2001", "concealed_allocation"]]
    # The PEDro score is the number of the ten items that are met.
    score = table.loc[ratings.index, "score"].astype(int)
    assert ((ratings == "+").sum(axis=1) - score).abs().max() == 0
    assert list(ratings.columns) == list(quality_domains()["head"])


def test_ratings_stand_beside_the_forest():
    ax = ae.plots.forest(ae.pooled("low_back_pain"), quality=quality_ratings("low_back_pain"))
    assert "Quality" in [t.get_text() for t in ax.texts]


def test_the_flow_adds_up():
    effects = ae.trial_effects("low_back_pain")
    words = "\n".join(t.get_text().replace("\n", " ") for t in ae.plots.flow("low_back_pain", width="double").texts)
    for comparator in ("sham", "usual_care"):
        n = effects.loc[effects["comparator"] == comparator, "trial_id"].nunique()
        label = ae.load_evidence().topic.label(comparator).lower()
        assert f"Pooled against {label}: {n} trials" in words


def test_the_map_prints_the_pooled_effect_of_each_cell(found):
    words = [t.get_text() for t in ae.plots.evidence_map(found).texts]
    for row in found.cells.itertuples():
        trials = "1 trial" if row.k == 1 else f"{row.k} trials"
        effect = f"{row.estimate:.2f}\n{row.ci_low:.2f} to {row.ci_high:.2f}" if row.estimate == row.estimate else "not pooled"
        assert any(w.startswith(f"{effect}\n{trials}, {row.patients:,}".replace("-0.00", "0.00").replace("-", "−")) for w in words)
