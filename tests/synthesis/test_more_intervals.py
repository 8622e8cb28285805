"""Intervals of tau2 by other methods, of I2 and H2, by permutation; Egger's default predictor; trim and fill about the common mean."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose
from scipy.special import chdtri

import acuevidence as ae

REFERENCE = Path(__file__).parents[1] / "reference"
BCG = json.loads((REFERENCE / "tau2ci__dat.bcg__RR.json").read_text())
Y, V = np.array(BCG["data"]["yi"]), np.array(BCG["data"]["vi"])
WANT = BCG["expected"]["no_moderators"]


@pytest.mark.parametrize(("method", "key"), [("J", "GENQ_weights_1/sqrt(vi)"), ("BJ", "GENQ_weights_1/vi")])
@pytest.mark.parametrize("unit", [1.0, 1e-6, 1e6])
def test_generalised_q_intervals_agree_with_metafor_in_every_unit(method, key, unit):
    low, high = ae.meta_analysis(Y * unit, V * unit**2).tau2_interval(method)
    assert_allclose([low / unit**2, high / unit**2], WANT[key]["tau2_ci"], rtol=1e-6)


@pytest.mark.parametrize("k", [12, 24])
def test_both_ways_to_the_distribution_of_q_end_where_the_chi_square_does(k):
    y = np.linspace(-1, 1, k)
    low, high = ae.meta_analysis(y, np.full(k, 0.01)).tau2_interval("J")
    exact = ((y - y.mean()) ** 2).sum() / chdtri(k - 1, np.array([0.025, 0.975])) - 0.01
    assert_allclose([low, high], exact, rtol=1e-8)


def test_sidik_and_jonkmans_interval_is_a_scaled_chi_square():
    sj = ae.meta_analysis(Y, V, method="SJ")
    assert_allclose(sj.tau2_interval("SJ"), 12 * sj.tau2 / chdtri(12, np.array([0.025, 0.975])), rtol=1e-10)


@pytest.mark.parametrize(("method", "key"), [("QP", "QP"), ("PL", "PL_REML")])
def test_intervals_of_i2_and_h2_agree_with_metafor(method, key):
    found = ae.meta_analysis(Y, V).heterogeneity_intervals(method)
    for ours, theirs in {"tau2": "tau2", "tau": "tau", "i2": "I2", "h2": "H2"}.items():
        assert_allclose(found.loc[ours], WANT[key][theirs], rtol=2e-3)


def test_a_permutation_interval_holds_what_its_test_does_not_reject():
    y, v = np.array([0.9, 0.4, 0.6, 0.1, 0.5, 0.3, 0.7]), np.array([0.09, 0.04, 0.06, 0.02, 0.03, 0.05, 0.04])
    low, high = ae.meta_analysis(y, v).permutation_interval()
    for mu, inside in ((low + 1e-6, True), (low - 1e-6, False), (high - 1e-6, True), (high + 1e-6, False)):
        assert (ae.meta_analysis(y - mu, v).permutation_test(exact=True).p_value > 0.05) == inside
    scaled = ae.meta_analysis(y * 1e5, v * 1e10).permutation_interval()
    assert_allclose(np.array(scaled) / 1e5, [low, high], rtol=1e-6)
    with pytest.raises(ae.InputError, match="cannot reject"):
        ae.meta_analysis(y[:5], v[:5]).permutation_interval()


def test_smds_of_known_size_are_tested_against_their_size():
    n = np.array([20, 40, 60, 100, 200, 300])
    data = pd.DataFrame({"yi": [0.9, 0.5, 0.6, 0.3, 0.2, 0.3], "vi": 4 / n, "n1": n // 2, "n2": n // 2})
    other = ae.meta_analysis("yi", "vi", data=data.assign(effect="MD")).small_study_test()
    smd = ae.meta_analysis("yi", "vi", data=data.assign(effect="SMD"))
    assert smd.small_study_test().predictor == "1/sqrt(n)"
    assert other.predictor == "se"
    assert_allclose(smd.small_study_test().statistic, smd.small_study_test(predictor="1/sqrt(n)").statistic)
    lacking = data.assign(effect="SMD").drop(columns=["n1", "n2"])
    assert ae.meta_analysis("yi", "vi", data=lacking).small_study_test().predictor == "se"


def test_trim_and_fill_about_the_common_mean():
    random, equal = ae.meta_analysis(Y, V), ae.meta_analysis(Y, V, method="EE")
    common, plain = random.trim_and_fill(centre="common"), equal.trim_and_fill()
    assert (common.k0, common.side) == (plain.k0, plain.side)
    assert_allclose(common.filled["yi"], plain.filled["yi"], rtol=1e-12)
    together = ae.meta_analysis(np.append(Y, plain.filled["yi"]), np.append(V, plain.filled["vi"]))
    assert_allclose([common.estimate, common.se], [together.estimate, together.se], rtol=1e-12)
