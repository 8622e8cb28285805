"""Do the subsets part where a trial was planted far from the others, and stay one cloud where none was?

The measure of separation is checked against scipy's chi-square of the table of belonging and cluster.
"""

import numpy as np
import pytest
from scipy.stats.contingency import association

import acuevidence as ae
from acuevidence.errors import InputError


def trials(k, seed, shift=0.0):
    rng = np.random.default_rng(seed)
    v = 1 / rng.uniform(15, 60, k)
    y = 0.3 + rng.normal(0, np.sqrt(v))
    y[0] += shift
    return ae.meta_analysis(y, v, labels=["planted", *(f"trial {i}" for i in range(1, k))])


@pytest.mark.parametrize("heterogeneity", ["i2", "tau2"])
@pytest.mark.parametrize("k", [7, 10, 15])
def test_a_planted_outlier_is_found_and_no_other_trial(k, heterogeneity):
    found = trials(k, k, shift=2.0).gosh_clusters(heterogeneity=heterogeneity)
    assert found.flagged == ("planted",)
    assert len(found.clusters) >= 2
    held = found.trials.loc["planted"].filter(like="share_")
    assert (held.max(), held.min()) == pytest.approx((1, 0), abs=0.05)


def test_homogeneous_trials_are_hardly_ever_flagged():
    flagged = [bool(trials(k, 100 + seed).gosh_clusters().flagged) for k in (7, 10) for seed in range(10)]
    assert sum(flagged) <= 1


def test_trials_that_agree_exactly_form_one_cloud():
    found = ae.meta_analysis([0.3] * 7, [0.02, 0.03, 0.04, 0.02, 0.03, 0.05, 0.06]).gosh_clusters()
    assert len(found.clusters) == 1
    assert (found.trials["separation"] == 0).all()
    assert "form one cloud" in found.summary()


def test_separation_is_cramers_v_of_belonging_and_cluster():
    found = trials(8, 3, shift=1.2).gosh_clusters()
    for name in found.trials.index:
        table = found.subsets.groupby([name, "cluster"]).size().unstack(fill_value=0).to_numpy()
        assert found.trials.loc[name, "separation"] == pytest.approx(association(table, method="cramer"))


def test_clusters_hold_every_subset_of_two_trials_or_more_the_largest_first():
    found = trials(8, 3, shift=1.2).gosh_clusters()
    assert len(found.subsets) == found.clusters["subsets"].sum() == 2**8 - 1 - 8
    assert found.clusters["subsets"].is_monotonic_decreasing
    assert found.clusters["share"].sum() == pytest.approx(1)


def test_the_unit_of_the_effects_does_not_matter_and_a_draw_repeats():
    y, v = trials(15, 4, shift=1.5).yi, trials(15, 4, shift=1.5).vi
    one, two, large = (ae.meta_analysis(c * y, c * c * v).gosh_clusters(subsets=3000) for c in (1.0, 1.0, 100.0))
    assert one.trials.equals(two.trials)
    np.testing.assert_allclose(one.trials["separation"], large.trials["separation"])


@pytest.mark.parametrize(("odd", "flagged"), [(1.8, ("odd",)), (0.85, ())])
def test_a_trial_is_flagged_beyond_what_chance_gives_the_largest_of_nine(odd, flagged):
    # eight trials about 0.3 that agree (Q 1.77 on 7 df: tau2 0), all of variance 0.04: the ninth is (odd - 0.3) / sqrt(0.04 + 0.04/8)
    # standard errors off, 7.07 and 2.59; the largest of nine by chance is the normal quantile at 1 - 0.025/9, 2.77
    y = [0.2, 0.4, 0.25, 0.35, 0.15, 0.45, 0.28, 0.32, odd]
    found = ae.meta_analysis(y, [0.04] * 9, labels=[*"ABCDEFGH", "odd"]).gosh_clusters()
    assert found.limit == pytest.approx(2.7729, abs=5e-4)
    assert found.trials.loc["odd", "residual"] == pytest.approx((odd - 0.3) / 0.045**0.5, rel=1e-6)
    assert found.trials.index[0] == "odd"
    assert found.trials.loc["odd", "separation"] > found.threshold
    assert found.flagged == flagged


def test_clusters_are_refused_where_they_mean_nothing():
    with pytest.raises(InputError, match="at least 6 trials"):
        ae.meta_analysis([0.1, 0.2, 0.3], [0.1, 0.1, 0.1]).gosh_clusters()
    with pytest.raises(InputError, match="threshold must lie between 0 and 1"):
        trials(7, 1).gosh_clusters(threshold=60)
    with pytest.raises(InputError, match="heterogeneity='i3' is not known"):
        trials(7, 1).gosh_clusters(heterogeneity="i3")
