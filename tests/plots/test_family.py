"""What each figure of the family must show, read off its artists, and that its texts keep apart at three type sizes."""

import itertools

import numpy as np
import pandas as pd
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.text import Text

import acuevidence as ae
from acuevidence.appraisal.quality import quality_domains, quality_ratings
from acuevidence.errors import InputError
from acuevidence.plots.evidence_map import evidence_table

EVENTS = pd.DataFrame({"events1": [12, 8, 20], "n1": [40, 30, 80], "events2": [6, 5, 18], "n2": [42, 31, 79]})


@pytest.fixture(scope="module")
def sham():
    return ae.pooled("headache")["sham"]


@pytest.fixture(scope="module")
def regression():
    effects = ae.trial_effects("low_back_pain", comparator="sham")
    return ae.meta_analysis("yi", "vi", data=effects, moderators="~ year")


@pytest.fixture(scope="module")
def posterior(sham):
    return ae.bayes("yi", "vi", data=sham.data, labels="study")


@pytest.fixture(scope="module")
def treatments():
    return ae.treatment_network()


@pytest.fixture(scope="module")
def table():
    return evidence_table()


def _draw(name, width, size, request):
    get = request.getfixturevalue
    first = {"bubble": "regression", "ridge": "posterior", "evidence_map": "table"}.get(name, "sham")
    first = "treatments" if name in ("league", "network", "ranks") else first
    plot = getattr(ae.plots, name)
    if name in ("flow", "quality"):
        return plot("low_back_pain", width=width, size=size)
    if name == "labbe":
        return plot(data=EVENTS, width=width, size=size)
    return plot(get(first), width=width, size=size)


FAMILY = [
    "baujat",
    "bubble",
    "cumulative",
    "drapery",
    "evidence_map",
    "flow",
    "gosh",
    "influence",
    "labbe",
    "league",
    "network",
    "profile",
    "quality",
    "radial",
    "ranks",
    "ridge",
]


@pytest.mark.parametrize("size", [5, 7, 9])
@pytest.mark.parametrize("width", ["single", "double"])
@pytest.mark.parametrize("name", FAMILY)
def test_no_text_is_cut_or_overlaps(name, width, size, request, monkeypatch):
    figure = _draw(name, width, size, request).figure
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    boxes = _drawn(canvas, monkeypatch)
    page = figure.bbox
    cut = [t for t, b in boxes if b.x0 < -0.5 or b.x1 > page.x1 + 0.5 or b.y0 < -0.5 or b.y1 > page.y1 + 0.5]
    pairs = [(a, b) for (a, x), (b, y) in itertools.combinations(boxes, 2) if _meet(x, y)]
    assert len(boxes) > 3
    assert cut == []
    assert pairs == []


def _drawn(canvas, monkeypatch):
    """Return what is drawn and where; labels that matplotlib keeps for ticks beyond an axis are never drawn."""
    seen, draw = {}, Text.draw

    def record(self, renderer):
        if self.get_visible() and self.get_text().strip():
            seen[id(self)] = self
        draw(self, renderer)

    monkeypatch.setattr(Text, "draw", record)
    canvas.draw()
    return [(t.get_text(), Text.get_window_extent(t, canvas.get_renderer())) for t in seen.values()]


def _meet(a, b):
    wide, high = min(a.x1, b.x1) - max(a.x0, b.x0), min(a.y1, b.y1) - max(a.y0, b.y0)
    return wide > 1 and high > 0.25 * min(a.height, b.height)


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
    line = next(
        line for line in ae.plots.bubble(regression).lines if len(line.get_xdata()) == 101 and line.is_dashed() is False
    )
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
    table = ae.load_evidence().appraisals.query("condition == 'low_back_pain'").set_index("trial_id")
    ratings = quality_ratings("low_back_pain")
    assert ratings.loc["cherkin2001", "B"] == {"yes": "+", "no": "-"}[table.loc["cherkin2001", "concealed_allocation"]]
    # The PEDro score is the number of the ten items that are met.
    score = table.loc[ratings.index, "pedro_score"].astype(int)
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
        label = ae.load_evidence().rules.label(comparator).lower()
        assert f"Pooled against {label}: {n} trials" in words


def test_the_map_prints_the_pooled_effect_of_each_cell(table):
    words = [t.get_text() for t in ae.plots.evidence_map(table).texts]
    for row in table.itertuples():
        trials = "1 trial" if row.k == 1 else f"{row.k} trials"
        assert any(w.startswith(f"{row.estimate:.2f}\n{trials}, {row.patients:,}") for w in words)
