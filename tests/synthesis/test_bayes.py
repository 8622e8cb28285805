"""Is the posterior the one that an independent quadrature and bayesmeta find?

``bayes__dat.hine1989.json`` holds bayesmeta 3.4 (good to about 5e-4 posterior SD) and beside it a very fine quadrature made
without this package (about 1e-8).
"""

import json
import math
from pathlib import Path

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.stats import norm, t

import acuevidence as ae

FILE = json.loads((Path(__file__).parents[1] / "reference" / "bayes__dat.hine1989.json").read_text())
Y, V = np.array(FILE["data"]["yi"]), np.array(FILE["data"]["sei"]) ** 2
PRIORS = {
    "halfnormal(0.5)": (("half-normal", 0.5), None),
    "halfnormal(1)": (("half-normal", 1.0), None),
    "halfcauchy(0.5)": (("half-cauchy", 0.5), None),
    "halfnormal(0.5)|mu~N(0,1)": (("half-normal", 0.5), (0.0, 1.0)),
}


@pytest.mark.parametrize("key", [key for key in PRIORS if key in FILE["independent"]["values"]])
def test_summaries_agree_with_an_independent_quadrature(key):
    tau, mu = PRIORS[key]
    found = ae.bayes(Y, V, tau_prior=tau, mu_prior=mu).summary
    for ours, theirs in (("mu", "mu"), ("tau", "tau"), ("prediction", "predictive")):
        want = FILE["independent"]["values"][key][theirs]
        for column in {"median", "mean", "sd"} & set(want):  # moments that are infinite are not in the file
            assert found.loc[ours, column] == pytest.approx(want[column], rel=1e-4, abs=1e-5)
        assert tuple(found.loc[ours, ["ci_low", "ci_high"]]) == pytest.approx(want["central95"], rel=1e-4, abs=1e-5)


def test_probabilities_shrinkage_and_bayes_factors_agree_with_bayesmeta():
    want = FILE["expected"]["halfnormal(0.5)"]
    found = ae.bayes(Y, V, tau_prior=("half-normal", 0.5))
    assert found.prob(mu_above=0) == pytest.approx(want["P_mu_gt_0"], abs=5e-4)
    assert found.prob(prediction_above=0) == pytest.approx(want["P_predictive_gt_0"], abs=5e-4)
    np.testing.assert_allclose(found.shrinkage["mean"], want["shrinkage"]["mean"], atol=5e-4)
    np.testing.assert_allclose(found.shrinkage["sd"], want["shrinkage"]["sd"], atol=5e-4)
    proper = FILE["expected"]["halfcauchy(0.5)|mu~N(0,2)"]["bayesfactor"]
    factors = ae.bayes(Y, V, tau_prior=("half-cauchy", 0.5), mu_prior=(0.0, 2.0)).bayes_factors
    assert factors["tau=0"] == pytest.approx(proper["tau=0"], rel=2e-3)
    assert factors["mu=0"] == pytest.approx(proper["mu=0"], rel=2e-3)


@pytest.mark.parametrize(("name", "location", "scale"), [("rhodes-pain", -3.02, 2.27), ("rhodes", -3.44, 2.59)])
def test_published_priors_of_tau2_are_log_t_as_printed(name, location, scale):
    """Integrate the posterior mean of mu under the printed prior of log tau2, by scipy's adaptive rule."""

    def joint(log_tau2, power):
        total = V + math.exp(log_tau2)
        w = 1 / total
        mean = float(w @ Y / w.sum())
        log = -0.5 * (np.log(total).sum() + math.log(w.sum()) + float(w @ (Y - mean) ** 2))
        return math.exp(log) * t.pdf((log_tau2 - location) / scale, 5) / scale * mean**power

    top, bottom = (quad(joint, -60, 40, args=(power,), limit=400, epsabs=0, epsrel=1e-9)[0] for power in (1, 0))
    assert ae.bayes(Y, V, tau_prior=name).summary.loc["mu", "mean"] == pytest.approx(top / bottom, rel=1e-5)


def test_a_mixture_of_equal_parts_is_the_part():
    one = ae.bayes(Y, V, mu_prior=(0.2, 0.5))
    two = ae.bayes(Y, V, mu_prior=[(0.3, 0.2, 0.5), (0.7, 0.2, 0.5)])
    np.testing.assert_allclose(one.summary, two.summary, rtol=1e-10)


def test_a_robust_prior_gives_way_where_data_and_prior_disagree():
    y, v = np.array([1.2, 1.0, 1.1]), np.array([0.02, 0.02, 0.02])
    plain = ae.bayes(y, v, mu_prior=(0.0, 0.1)).summary.loc["mu", "mean"]
    robust = ae.bayes(y, v, mu_prior=[(0.8, 0.0, 0.1), (0.2, 0.0, 1.0)]).summary.loc["mu", "mean"]
    assert plain < robust - 0.2
    assert robust == pytest.approx(1.1, abs=0.1)


def test_known_tau_leaves_the_normal_posterior():
    found = ae.bayes(Y, V, tau_prior=("half-normal", 1e-6), mu_prior=(0.0, 1.0))
    precision = (1 / V).sum() + 1
    mean = float((Y / V).sum() / precision)
    assert tuple(found.summary.loc["mu", ["mean", "sd"]]) == pytest.approx((mean, precision**-0.5), rel=1e-6)
    assert found.prob(mu_above=0.3) == pytest.approx(norm.sf(0.3, mean, precision**-0.5), rel=1e-6)


def test_impossible_priors_are_refused_with_the_fix():
    with pytest.raises(ae.InputError, match="did you mean 'rhodes'"):
        ae.bayes(Y, V, tau_prior="rhoads")
    with pytest.raises(ae.InputError, match="takes no number"):
        ae.bayes(Y, V, tau_prior=("rhodes", 1.0))
    with pytest.raises(ae.InputError, match="three trials or more"):
        ae.bayes(Y[:2], V[:2], tau_prior="flat")
    with pytest.raises(ae.InputError, match="exactly one"):
        ae.bayes(Y, V).prob()
