"""Does each figure show what its result holds, where it says it does?"""

import numpy as np
import pytest

import acuevidence as ae
from acuevidence.plots.parts.style import COLOURS


@pytest.fixture(scope="module")
def groups():
    effects = ae.trial_effects("neck_pain")
    return ae.meta_analysis("yi", "vi", data=effects, labels="study", by="comparator")


def texts(figure):
    found = [text.get_text() for axes in figure.axes for text in axes.texts]
    return " ".join([*found, figure.get_supxlabel()])


def test_a_funnel_shows_every_trial_and_nothing_else(groups):
    ax = groups["sham"].funnel()
    (dots,) = ax.collections[-1:]
    np.testing.assert_allclose(dots.get_offsets(), np.column_stack([groups["sham"].yi, groups["sham"].vi ** 0.5]))
    low, high = ax.get_ylim()
    assert low > high == 0


def test_contours_of_a_funnel_stand_on_no_effect(groups):
    ax = groups["sham"].funnel(caption=False)
    bottom = ax.get_ylim()[0]
    edges = {round(abs(x) / y, 3) for patch in ax.collections for x, y in patch.get_paths()[0].vertices if y == bottom}
    assert {1.645, 1.96, 2.576} <= edges


def test_filled_trials_are_drawn_only_when_asked():
    result = ae.meta_analysis([0.9, 0.8, 0.6, 0.3, 0.2], [0.2, 0.15, 0.1, 0.02, 0.01])
    filled = result.trim_and_fill()
    plain, asked = result.funnel(), result.funnel(fill=filled)
    assert len(asked.collections) == len(plain.collections) + 1
    np.testing.assert_allclose(asked.collections[-1].get_offsets()[:, 0], filled.filled["yi"])


def test_comparators_have_their_own_panel_and_colour_and_few_trials_are_noted(groups):
    figure = groups.funnel().figure
    assert [ax.get_title(loc="left").strip() for ax in figure.axes] == [
        "Acupuncture v sham",
        "Acupuncture v usual care",
    ]
    colours = [ax.collections[-1].get_facecolor()[0] for ax in figure.axes]
    from matplotlib.colors import to_rgba

    np.testing.assert_allclose(colours, [to_rgba(COLOURS["main"]), to_rgba(COLOURS["second"])])
    assert texts(figure).count("too few to test asymmetry") == 2


def test_a_ratio_is_shown_on_a_log_axis():
    effects = ae.effect_size("OR", events1=[10, 20, 8], n1=[40, 60, 30], events2=[5, 14, 6], n2=[40, 60, 30])
    ax = ae.meta_analysis(data=effects).funnel(effect="OR")
    places = {label.get_text(): place for place, label in zip(ax.get_xticks(), ax.get_xticklabels(), strict=True)}
    assert places["1"] == pytest.approx(0)
    assert places["2"] == pytest.approx(np.log(2))


def test_a_funnel_of_a_meta_regression_is_refused(groups):
    effects = groups["sham"].data
    with pytest.raises(ae.InputError, match="has moderators"):
        ae.meta_analysis(data=effects, moderators="~ n1").funnel()


def test_missing_evidence_draws_its_curve_and_the_bound(groups):
    found = groups["sham"].missing_evidence()
    ax = found.plot()
    curve = ax.lines[0].get_xydata()
    shown = found.curve[found.curve["effect"].between(-1, 1)]
    np.testing.assert_allclose(curve, shown[["effect", "estimate"]])
    assert f"{found.bound:.2f}".replace("-", "−") in texts(ax.figure)


def test_sequential_draws_cumulative_z_and_both_boundaries(groups):
    found = groups["sham"].sequential()
    ax = found.plot()
    np.testing.assert_allclose(ax.lines[0].get_ydata()[1:], found.steps["z"])
    np.testing.assert_allclose(ax.lines[1].get_ydata(), -found.steps["boundary"])
    np.testing.assert_allclose(ax.lines[2].get_ydata(), found.steps["boundary"])


def test_a_specification_curve_rises_and_names_the_options_that_matter():
    found = ae.multiverse("fibromyalgia", "sham", {"timing": ["end_of_treatment"], "left_out": ["none out"], "size": ["any"]})
    ax = found.plot()
    heights = ax.lines[0].get_ydata()
    assert (np.diff(heights) >= -1e-9).all()  # estimates that agree to nine digits are in no order
    assert (heights[0], heights[-1]) == pytest.approx(tuple(found.specifications["estimate"].iloc[[0, -1]]))
    named = texts(ax.figure)
    assert all(name not in found.idle or name.capitalize() not in named for name in ("test",))
    assert f"{len(found.specifications):,} specifications" in named


def test_figures_take_given_axes_and_return_them(groups):
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(1, 3)
    plt.close(figure)
    assert groups.funnel(ax=axes[0]) is axes[0]
    assert groups["sham"].missing_evidence().plot(ax=axes[1]) is axes[1]
    assert groups["sham"].sequential().plot(ax=axes[2]) is axes[2]
