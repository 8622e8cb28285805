"""Do effect sizes and conversions keep what algebra says they must keep, whatever the figures?

Nothing here is compared with a stored number: an arm that is split and joined is the same arm, an odds ratio turned into an SMD and back
is the same odds ratio, and the sign, unit and order of the figures reach the effect only as they should.
"""

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

import acuevidence as ae
from acuevidence import effects

means = st.floats(-100, 100)
positive = st.floats(0.1, 50)
sizes = st.integers(2, 500)
arm = st.tuples(means, positive, sizes)
correlations = st.floats(-0.95, 0.95)


def two_means(one, two):
    return dict(zip(("mean1", "sd1", "n1", "mean2", "sd2", "n2"), (*one, *two), strict=True))


def both(frame):
    return frame[["yi", "vi"]].iloc[0].tolist()


@settings(max_examples=20, deadline=None)
@given(arm, arm, st.sampled_from(["MD", "SMD", "SMDH", "D2OR"]))
def test_a_difference_changes_its_sign_when_the_groups_change_places(one, two, measure):
    yi, vi = both(ae.effect_size(measure, **two_means(one, two)))
    back, same = both(ae.effect_size(measure, **two_means(two, one)))
    assert back == pytest.approx(-yi, rel=1e-12, abs=1e-12)
    assert same == pytest.approx(vi, rel=1e-12)


@settings(max_examples=20, deadline=None)
@given(positive, positive, sizes, positive, positive, sizes, st.sampled_from(["ROM", "VR", "CVR"]))
def test_a_log_ratio_changes_its_sign_when_the_groups_change_places(m1, s1, n1, m2, s2, n2, measure):
    one, two = (m1, s1, n1), (m2, s2, n2)
    yi, vi = both(ae.effect_size(measure, **two_means(one, two)))
    back, same = both(ae.effect_size(measure, **two_means(two, one)))
    assert back == pytest.approx(-yi, rel=1e-9, abs=1e-9)
    assert same == pytest.approx(vi, rel=1e-9)


@settings(max_examples=20, deadline=None)
@given(arm, arm, st.floats(0.01, 100), st.floats(-50, 50))
def test_a_standardised_difference_does_not_depend_on_the_unit(one, two, unit, zero):
    moved = [(mean * unit + zero, sd * unit, n) for mean, sd, n in (one, two)]
    yi, vi = both(ae.effect_size("SMD", **two_means(one, two)))
    again, same = both(ae.effect_size("SMD", **two_means(*moved)))
    assert again == pytest.approx(yi, rel=1e-6, abs=1e-6)
    assert same == pytest.approx(vi, rel=1e-6)


@settings(max_examples=20, deadline=None)
@given(arm, arm, st.floats(0.01, 100))
def test_a_raw_difference_takes_on_the_unit(one, two, unit):
    yi, vi = both(ae.effect_size("MD", **two_means(one, two)))
    more, wider = both(ae.effect_size("MD", **two_means(*[(m * unit, s * unit, n) for m, s, n in (one, two)])))
    assert more == pytest.approx(yi * unit, rel=1e-9, abs=1e-9)
    assert wider == pytest.approx(vi * unit**2, rel=1e-9)


@settings(max_examples=12, deadline=None)
@given(st.lists(st.tuples(arm, arm), min_size=2, max_size=6), st.randoms(use_true_random=False))
def test_trials_do_not_know_their_neighbours(trials, random):
    frame = pd.DataFrame([two_means(*trial) for trial in trials])
    whole = ae.effect_size("SMD", data=frame, **{name: name for name in frame})
    order = list(frame.index)
    random.shuffle(order)
    shuffled = ae.effect_size("SMD", data=frame.loc[order], **{name: name for name in frame})
    pd.testing.assert_frame_equal(shuffled.loc[frame.index], whole)


@settings(max_examples=20, deadline=None)
@given(st.integers(1, 60), st.integers(1, 60), st.integers(1, 60), st.integers(1, 60))
def test_odds_ratios_change_their_sign_with_the_event_and_risks_do_not_care(e1, f1, e2, f2):
    counts = {"events1": e1, "n1": e1 + f1, "events2": e2, "n2": e2 + f2}
    others = {"events1": f1, "n1": e1 + f1, "events2": f2, "n2": e2 + f2}
    for measure in ("OR", "PETO", "RD", "OR2D"):
        yi, vi = both(ae.effect_size(measure, **counts))
        back, same = both(ae.effect_size(measure, **others))
        assert back == pytest.approx(-yi, rel=1e-9, abs=1e-12)
        assert same == pytest.approx(vi, rel=1e-9)


@settings(max_examples=20, deadline=None)
@given(st.lists(arm, min_size=1, max_size=5), st.randoms(use_true_random=False))
def test_combined_arms_do_not_depend_on_their_order_or_grouping(arms, random):
    together = effects.combine_arms(*zip(*arms, strict=True))
    first, *rest = random.sample(arms, len(arms))
    for one in rest:
        combined = effects.combine_arms(*zip(first, one, strict=True))
        first = (combined["mean"], combined["sd"], combined["n"])
    np.testing.assert_allclose(first, together, rtol=1e-9, atol=1e-9)


def test_combined_arms_are_the_arm_their_participants_make():
    people = np.random.default_rng(1).normal(50, 20, 90)
    parts = [people[:30], people[30:55], people[55:]]
    combined = effects.combine_arms(*zip(*((p.mean(), p.std(ddof=1), len(p)) for p in parts), strict=True))
    np.testing.assert_allclose(combined, (people.mean(), people.std(ddof=1), 90), rtol=1e-12)


@settings(max_examples=20, deadline=None)
@given(st.integers(1, 1000), st.data())
def test_an_arm_split_and_joined_is_the_same_arm(n, data):
    parts = data.draw(st.integers(1, min(n, 7)))
    events = data.draw(st.integers(0, n))
    split = effects.split_arm(n, parts, events)
    assert split["n"].sum() == n
    assert split["events"].sum() == events
    assert (split["events"] <= split["n"]).all()
    assert split["n"].max() - split["n"].min() <= 1


@settings(max_examples=20, deadline=None)
@given(means, positive, st.integers(8, 500), st.integers(2, 4))
def test_a_split_arm_joins_to_its_mean_and_its_spread_within_arms(mean, sd, n, parts):
    split = effects.split_arm(n, parts)
    joined = effects.combine_arms(mean, sd, split["n"])
    assert joined["mean"] == pytest.approx(mean, rel=1e-12, abs=1e-12)
    # the parts share one mean, so that nothing lies between them: parts - 1 degrees of freedom hold no squares
    assert joined["sd"] == pytest.approx(sd * math.sqrt((n - parts) / (n - 1)), rel=1e-12)


@settings(max_examples=20, deadline=None)
@given(st.floats(-5, 5), st.integers(1, 400), st.integers(1, 400))
def test_odds_ratio_smd_and_correlation_return_to_themselves(x, n1, n2):
    assert effects.smd_to_or(effects.or_to_smd(x)) == pytest.approx(x, rel=1e-12, abs=1e-12)
    assert effects.r_to_smd(effects.smd_to_r(x, n1, n2), n1, n2) == pytest.approx(x, rel=1e-6, abs=1e-9)
    assert effects.r_to_or(effects.or_to_r(x)) == pytest.approx(x, rel=1e-9, abs=1e-9)


@settings(max_examples=20, deadline=None)
@given(st.floats(-3, 3), st.floats(0.05, 2), st.floats(0.5, 0.999))
def test_an_interval_gives_back_the_effect_it_was_made_of(yi, se, level):
    half = stats.norm.ppf(0.5 + level / 2) * se
    got = both(effects.from_ci(yi - half, yi + half, level=level))
    assert got == pytest.approx([yi, se**2], rel=1e-7, abs=1e-9)
    ratio = both(effects.from_ci(math.exp(yi - half), math.exp(yi + half), level=level, log=True))
    assert ratio == pytest.approx([yi, se**2], rel=1e-6, abs=1e-9)


@settings(max_examples=20, deadline=None)
@given(st.floats(0.05, 3), st.floats(0.1, 2), st.integers(2, 300))
def test_p_t_and_f_of_one_test_give_the_same_variance(yi, se, df):
    t = yi / se
    p = 2 * stats.t.sf(t, df)
    for got in (effects.from_p(yi, p, df=df), effects.from_t(yi, t), effects.from_f(yi, t**2)):
        assert got["vi"].item() == pytest.approx(se**2, rel=1e-6)


@settings(max_examples=20, deadline=None)
@given(means, positive, st.integers(2, 400))
def test_an_interval_or_error_of_a_mean_gives_back_its_sd(mean, sd, n):
    se = sd / math.sqrt(n)
    half = stats.t.ppf(0.975, n - 1) * se
    assert effects.sd_from_se(se, n) == pytest.approx(sd, rel=1e-9)
    assert effects.sd_from_ci(mean - half, mean + half, n) == pytest.approx(sd, rel=1e-7)


@settings(max_examples=20, deadline=None)
@given(positive, positive, correlations)
def test_change_final_and_correlation_are_three_sides_of_one_triangle(sd_pre, sd_post, r):
    sd_change = effects.sd_of_change(sd_pre, sd_post, r)
    assert effects.correlation_of_change(sd_pre, sd_post, sd_change) == pytest.approx(r, rel=1e-6, abs=1e-6)
    assert effects.sd_of_final(effects.sd_of_change(sd_pre, sd_pre, r), r) == pytest.approx(sd_pre, rel=1e-9)


@settings(max_examples=20, deadline=None)
@given(positive, positive, st.integers(3, 300), correlations, means)
def test_a_crossover_is_the_paired_analysis_of_its_changes(sd1, sd2, n, r, mean):
    paired = ae.effect_size("MC", mean_pre=0, mean_post=mean, sd_pre=sd2, sd_post=sd1, n=n, r=r)
    assert effects.crossover_se(sd1, sd2, n, r) == pytest.approx(math.sqrt(paired["vi"].item()), rel=1e-6)


def test_an_uncorrelated_crossover_has_the_smd_of_parallel_groups():
    crossed = effects.crossover_smd(12, 4, 10, 5, 40, 0.0)
    parallel = ae.effect_size("SMDH", mean1=12, sd1=4, n1=40, mean2=10, sd2=5, n2=40, correct=False)
    assert crossed["yi"].item() == pytest.approx(parallel["yi"].item(), rel=1e-12)
    assert crossed["vi"].item() == pytest.approx(2 / 40 + crossed["yi"].item() ** 2 / 40, rel=1e-12)


@settings(max_examples=20, deadline=None)
@given(st.integers(1, 200), st.integers(1, 200), st.sampled_from(["PAS", "PFT", "PLO"]))
def test_proportions_return_from_their_scale(events, more, measure):
    n = events + more
    yi = ae.effect_size(measure, events=events, n=n)["yi"]
    back = effects.back_transform(yi, measure, n=n)
    assert back.item() == pytest.approx(events / n, rel=1e-6, abs=1e-9)


@settings(max_examples=20, deadline=None)
@given(st.floats(-2, 2).filter(lambda d: abs(d) > 1e-3), st.floats(0.02, 0.98))
def test_numbers_needed_to_treat_are_the_inverse_of_the_responders_gained(smd, risk):
    gained = effects.responders_per_100(smd, risk) - 100 * risk
    assert effects.smd_to_nnt(smd, risk) == pytest.approx(100 / gained, rel=1e-6)
    assert (gained > 0) == (smd > 0)


def test_no_events_and_all_events_return_from_the_double_arcsine():
    yi = ae.effect_size("PFT", events=[0, 12], n=12)["yi"]
    assert effects.back_transform(yi, "PFT", n=12).tolist() == [0.0, 1.0]
    nothing, everything = yi
    assert 0 < effects.back_transform(nothing + 1e-3, "PFT", n=12) < 0.01
    assert 0.99 < effects.back_transform(everything - 1e-3, "PFT", n=12) < 1


def test_no_effect_leaves_the_responders_as_they_are():
    assert effects.responders_per_100(0.0, 0.3) == pytest.approx(30, rel=1e-12)


def test_quantiles_of_a_symmetric_arm_give_its_middle_in_any_unit():
    given_ = {"minimum": 2.0, "q1": 4.0, "median": 5.0, "q3": 6.0, "maximum": 8.0}
    for method in ("luo-wan-shi", "qe", "bc"):
        one = effects.mean_sd_from_quantiles(60, method=method, **given_).iloc[0]
        ten = effects.mean_sd_from_quantiles(60, method=method, **{k: 10 * v for k, v in given_.items()}).iloc[0]
        assert one["mean"] == pytest.approx(5.0, rel=2e-3)
        np.testing.assert_allclose(ten, 10 * one, rtol=1e-4)


def test_clusters_of_one_and_of_independent_people_inflate_nothing():
    assert effects.design_effect(1, 0.3) == 1
    assert effects.design_effect(30, 0.0) == 1
    assert effects.design_effect(30, 1.0) == 30


def test_answers_come_back_in_the_callers_shape():
    frame = pd.DataFrame({"d": [0.2, 0.5], "s": [20.0, 25.0]}, index=["a", "b"])
    points = effects.smd_to_points("d", "s", data=frame)
    pd.testing.assert_series_equal(points, pd.Series([4.0, 12.5], index=["a", "b"]))
    assert isinstance(effects.smd_to_points([0.2, 0.5], 20), np.ndarray)
    assert isinstance(effects.smd_to_points(0.2, 20), float)
    pd.testing.assert_index_equal(effects.from_t(frame["d"], 2.0).index, frame.index)


def test_the_point_biserial_correlation_by_hand():
    """Three of one group and one of the other: h = 16 / 3, r = 1 / sqrt(1 + h)."""
    assert effects.smd_to_r(1.0, 3, 1) == pytest.approx(1 / math.sqrt(1 + 16 / 3))
    assert effects.smd_to_r(1.0) == pytest.approx(1 / math.sqrt(5))  # groups of one size: h = 4
    values, group = np.array([2.0, 4.0, 6.0, 10.0]), np.array([0, 0, 0, 1])
    within = math.sqrt(((values[:3] - 4) ** 2).sum() / 4)  # the SD that makes the conversion exact has N in the denominator
    assert effects.smd_to_r(6 / within, 1, 3) == pytest.approx(np.corrcoef(values, group)[0, 1])
