"""What the figures draw is where hand arithmetic puts it: curves, bands, areas and sides, not only that something is drawn."""

import math

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from scipy.stats import chi2, norm, t

import acuevidence as ae
from acuevidence.evidence.carried import carry

mpl.use("Agg")
Z = norm.isf(0.025)


@pytest.fixture(scope="module")
def three():
    """Return effects of 0, 0.3 and 0.6 with variances of 0.02: Q is 9 with 2 degrees of freedom, and tau2 (9 - 2) / 100 = 0.07."""
    result = ae.meta_analysis([0.0, 0.3, 0.6], [0.02] * 3, method="DL", test="z")
    assert (result.estimate, result.tau2) == pytest.approx((0.3, 0.07))
    return result


@pytest.fixture(scope="module")
def counts():
    """Return two trials of which both have an odds ratio of 3: 30 of 40 against 20 of 40, and 18 of 24 against 12 of 24."""
    frame = pd.DataFrame({"events1": [30, 18], "n1": [40, 24], "events2": [20, 12], "n2": [40, 24], "effect": "OR"})
    size = ae.effect_size("OR", data=frame)
    return ae.meta_analysis("yi", "vi", data=frame.assign(yi=size["yi"], vi=size["vi"]), method="EE", test="z")


def curve(ax, label):
    return next(line.get_xydata() for line in ax.lines if str(line.get_label()).startswith(label))


def test_the_line_of_a_labbe_plot_is_the_risk_that_the_pooled_odds_ratio_implies(counts):
    ax = ae.plots.labbe(counts)
    line = curve(ax, "pooled OR 3.00")
    at = {round(x, 6): y for x, y in line}
    assert [at[x] for x in (25, 50, 75)] == pytest.approx([50, 75, 90])  # odds of 1/3, 1 and 3 become 1, 3 and 9
    np.testing.assert_allclose(ax.collections[0].get_offsets(), [[50, 75], [50, 75]])  # the comparator's risk is x
    large, small = ax.collections[0].get_sizes()
    assert (large, small) == pytest.approx((216, 16 + 200 * 48 / 80))


def test_pseudo_limits_of_a_funnel_hold_95_percent_and_its_shades_two_sided_p_values(three):
    ax = ae.plots.funnel(three, pseudo_interval=True)
    top = ax.get_ylim()[0]
    ends = sorted(
        line.get_xdata()[1] for line in ax.lines if len(line.get_xdata()) == 2 and line.get_ydata()[1] == pytest.approx(top)
    )
    assert ends[0] == pytest.approx(0.3 - 1.96 * top) and ends[-1] == pytest.approx(0.3 + 1.96 * top)
    x, se = ax.collections[0].get_paths()[0].vertices.T
    ends = np.unique(np.abs(x[np.isclose(se, top)]).round(9))
    assert ends == pytest.approx([norm.isf(0.05) * top, norm.isf(0.025) * top], rel=1e-6)  # the first band: P from 0.10 to 0.05


def test_a_radial_plot_divides_by_the_root_of_both_variances(three):
    ax = ae.plots.radial(three)
    dots = ax.collections[-1].get_offsets()
    np.testing.assert_allclose(dots[:, 0], 1 / math.sqrt(0.09))
    np.testing.assert_allclose(np.sort(dots[:, 1]), np.array([0, 0.3, 0.6]) / 0.3, atol=1e-12)


def test_a_drapery_plot_is_cut_by_the_limits_of_its_intervals():
    y, v = [0.0, 0.3, 0.6, 0.3], [0.02] * 4  # Q 9 with 3 degrees of freedom: tau2 = 6 / 150 = 0.04
    result = ae.meta_analysis(y, v, method="DL", test="z")
    assert result.tau2 == pytest.approx(0.04)
    ax = ae.plots.drapery(result)
    x, p = curve(ax, "pooled effect").T
    assert np.interp(0.3 + Z * math.sqrt(0.06 / 4), x, p) == pytest.approx(0.05, abs=1e-3)
    shade = ax.collections[0].get_paths()[0].vertices
    half = t.isf(0.025, 3) * math.sqrt(0.06 / 4 + 0.04)
    assert ax.get_xlim()[1] < 0.3 + half  # beyond the axis; at one standard deviation then
    one = 0.3 + math.sqrt(0.06 / 4 + 0.04)
    at = shade[np.abs(shade[:, 0] - one).argsort()[:2]]
    assert at[:, 1].max() == pytest.approx(2 * t.sf(1, 3), abs=5e-3)


def test_the_band_of_a_profile_holds_the_tau2_whose_likelihood_is_within_half_a_chi_square(three):
    result = ae.meta_analysis(three.yi, three.vi, method="ML")
    ax = ae.plots.profile(result)

    def value(tau2):
        return -1.5 * math.log(2 * math.pi * (0.02 + tau2)) - 0.18 / (2 * (0.02 + tau2))

    assert result.tau2 == pytest.approx(0.04)  # the mean square of the effects, 0.06, less 0.02
    tau2, likelihood = ax.lines[0].get_xydata().T
    np.testing.assert_allclose(likelihood, [value(x) for x in tau2])
    level = value(0.04) - chi2.isf(0.05, 1) / 2
    assert ax.lines[-1].get_ydata()[0] == pytest.approx(level)


def test_the_area_of_a_bubble_goes_with_the_weight():
    frame = pd.DataFrame({"yi": [0.1, 0.2, 0.4, 0.3], "vi": [0.01, 0.02, 0.04, 0.02], "year": [2000, 2005, 2010, 2015]})
    result = ae.meta_analysis("yi", "vi", data=frame, moderators="~ year", method="EE")
    areas = ae.plots.bubble(result).collections[-1].get_sizes()
    np.testing.assert_allclose(areas / areas[0], [1, 1 / 2, 1 / 4, 1 / 2])
    assert areas[0] == pytest.approx(140)


def test_a_forest_plot_has_the_squares_and_intervals_of_the_trials_and_the_sides_of_what_is_carried():
    trials = {"study": ["A", "B", "C"], "yi": [0.2, 0.6, 0.4], "vi": [0.01, 0.04, 0.02], "comparator": "sham", "effect": "SMD"}
    frame = pd.DataFrame(trials)
    carry(frame, topic=ae.load_evidence().topic, direction="benefit")
    ax = ae.meta_analysis("yi", "vi", data=frame, labels="study", method="EE").forest()
    words = " ".join(text.get_text() for text in [*ax.texts, *ax.figure.texts])
    assert f"0.20 ({0.2 - Z * 0.1:.2f} to {0.2 + Z * 0.1:.2f})".replace("-", "−") in words
    assert f"0.60 ({0.6 - Z * 0.2:.2f} to {0.6 + Z * 0.2:.2f})" in words
    assert all(share in words for share in ("57.1", "14.3", "28.6"))  # of the weight: 100, 25 and 50
    sides = {text.get_text().strip("←→ "): text.get_position()[0] for text in ax.texts if "Favours" in text.get_text()}
    assert sides["Favours comparator"] < sides["Favours acupuncture"]


def test_a_league_table_has_network_effects_below_and_direct_ones_above():
    found = ae.network(["a", "b", "a"], ["b", "c", "c"], [0.5, 0.3, 1.2], [0.4, 0.4, 0.4], ["1", "2", "3"])
    # direct effects 0.5, 0.3 and 1.2 of one precision: the loop's 0.4 is shared out in thirds
    assert found.estimates.loc["a", "c"] == pytest.approx(1.2 - 0.4 / 3)
    ax = ae.plots.league(found)
    at = {(round(text.get_position()[0]), round(text.get_position()[1])): text.get_text() for text in ax.texts}
    names = [at[i, i] for i in range(3)]
    first, last = names.index("a"), names.index("c")
    low, high = max(first, last), min(first, last)
    cells = {where: at[where].replace("\n", " ").split(" ")[0].replace("−", "-") for where in ((high, low), (low, high))}
    assert abs(float(cells[high, low])) == pytest.approx(1.2 - 0.4 / 3, abs=0.006)  # a row below the diagonal
    assert abs(float(cells[low, high])) == pytest.approx(1.2)
    said = at[low, high].replace("\n", " ").replace("−", "-")
    assert f"{1.2 - Z * 0.4:.2f}" in said or f"{-1.2 - Z * 0.4:.2f}" in said


def test_lines_of_a_network_are_as_wide_as_their_trials_are_many():
    found = ae.network(["a", "a", "a", "a"], ["b", "b", "b", "c"], [0.5, 0.4, 0.6, 0.2], [0.2] * 4, ["1", "2", "3", "4"])
    ax = ae.plots.network(found)
    widths = sorted(line.get_linewidth() for line in ax.lines if line.get_linewidth() > 0.79)
    assert widths == pytest.approx([0.8 + 4.2 / 3, 5.0])


def test_subgroups_are_told_apart_by_the_share_of_their_q_beyond_chance():
    # means of 0.2 and 0.8 with variances of 0.02 / 2: Q = 0.6^2 / 0.02 = 18 with 1 degree of freedom, I2 = 17 / 18
    groups = ae.meta_analysis([0.2, 0.2, 0.8, 0.8], [0.02] * 4, by=["a", "a", "b", "b"], method="EE", test="z")
    words = " ".join(text.get_text() for text in ae.plots.forest(groups, layout="revman").texts)
    assert "Test for subgroup differences: Chi² = 18.00, df = 1" in words and "I² = 94%" in words


def test_a_rankogram_prints_percent():
    found = ae.network(["a", "b"], ["b", "c"], [5.0, 5.0], [0.1, 0.1], ["1", "2"])  # a is the best and c the last without doubt
    said = [text.get_text() for text in ae.plots.ranks(found, kind="rankogram").texts]
    assert said.count("100") == 3 and "10" not in said
