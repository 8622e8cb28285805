"""The Copas selection model: its density, its recovery of a selected simulation, and its limits.

There is no reference file: what is held is that the likelihood is that of a published effect, by integration and by simulation.
"""

import json
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.integrate import quad
from scipy.special import log_ndtr

import acuevidence as ae
from acuevidence.appraisal.copas import _Likelihood

REFERENCE = Path(__file__).parents[1] / "reference"


def selected(trials, mu, tau, rho, low, steep, seed=3):
    """Return the published of some trials, with the variances that they print."""
    rng = np.random.default_rng(seed)
    sigma = rng.uniform(0.1, 0.6, trials)
    a = low + steep / sigma
    error = rng.normal(size=trials)
    propensity = a + rho * error + np.sqrt(1 - rho**2) * rng.normal(size=trials)
    y = mu + tau * rng.normal(size=trials) + sigma * error
    mills = np.exp(-0.5 * a**2 - log_ndtr(a)) / np.sqrt(2 * np.pi)
    printed = sigma**2 * (1 - rho**2 * mills * (a + mills))
    kept = propensity > 0
    return y[kept], printed[kept]


@pytest.mark.parametrize(("mean", "rho", "tau2"), [(0.3, 0.7, 0.1), (-0.2, -0.4, 0.0), (0.0, 0.95, 0.5)])
def test_the_density_of_a_published_effect_has_the_mass_1(mean, rho, tau2):
    def density(y):
        one = _Likelihood.of(np.array([y, y]), np.array([0.5, 1.5]), np.array([-0.3]), 1.8)
        alone = _Likelihood(one.y[:1], one.s[:1], one.a[:, :1], one.c[:, :1])
        return np.exp(alone.parts(np.array([[mean, rho, tau2]]))[0][0]) / np.sqrt(2 * np.pi)

    assert_allclose(quad(density, -15, 15, points=[-1, 0, 1])[0], 1.0, rtol=1e-7)


def test_the_gradient_is_that_of_the_likelihood():
    likelihood = _Likelihood.of(np.array([0.5, 0.2, 0.9, -0.1]), np.array([0.5, 0.8, 1.0, 1.5]), np.array([0.3, 1.0]), 2.3)
    at = np.array([[0.2, 0.4, 0.3, 0.1], [0.1, -0.5, 0.02, 0.3]])
    steps = 1e-6 * np.eye(4)
    found = np.stack([(likelihood.parts(at + h)[0] - likelihood.parts(at - h)[0]) / 2e-6 for h in steps], axis=1)
    assert_allclose(likelihood.parts(at)[1], found, rtol=1e-6)


def test_what_selection_took_is_found_again():
    y, v = selected(1500, mu=0.2, tau=0.1, rho=0.8, low=-1.2, steep=0.35)
    result = ae.meta_analysis(y, v)
    found = result.copas((0.99, 0.5, 0.25, 0.1), precise=0.99)
    assert result.ci_low > 0.25  # the naive mean is far above the truth
    assert abs(found.estimate - 0.2) < 2.6 * found.se + 0.01
    assert found.published <= 0.25
    assert found.estimate < found.unadjusted
    assert 0.4 < found.rho <= 0.99
    assert_allclose(found.path["unpublished"].diff().iloc[1:] > 0, True)


def test_without_correlation_it_is_maximum_likelihood():
    """Where every trial is all but sure to be published, rho has nothing to act on."""
    data = json.loads((REFERENCE / "selmodel__dat.hackshaw1998.json").read_text())["data"]
    plain = ae.meta_analysis(data["yi"], data["vi"], method="ML", test="z")
    found = plain.copas((1 - 1e-12,), precise=1 - 1e-12)
    assert_allclose([found.estimate, found.tau2], [plain.estimate, plain.tau2], rtol=1e-6)
    assert_allclose(found.path["loglik"], plain.loglik, rtol=1e-6)
    assert found.unpublished < 1e-6


def test_the_unit_does_not_matter_and_few_trials_are_noted():
    y, v = np.array([0.9, 0.4, 0.6, 0.1, 0.5, 0.2]), np.array([0.09, 0.04, 0.06, 0.02, 0.03, 0.01])
    one, other = ae.meta_analysis(y, v).copas(), ae.meta_analysis(-1e4 * y, 1e8 * v).copas()
    assert_allclose(-1e-4 * other.path["estimate"], one.path["estimate"], rtol=1e-5)
    assert_allclose(other.path["residual_p"], one.path["residual_p"], atol=1e-5)
    assert "6 trials" in one.notes[0]


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"published": (0.0,)}, "chances"),
        ({"published": (0.5, 1.2)}, "chances"),
        ({"precise": 1.0}, "precise"),
        ({"published": ()}, "chances"),
    ],
)
def test_chances_out_of_range_are_refused(asked, said):
    result = ae.meta_analysis([0.9, 0.4, 0.6, 0.1], [0.09, 0.04, 0.06, 0.02])
    with pytest.raises(ae.InputError, match=said):
        result.copas(**asked)
    with pytest.raises(ae.InputError, match="differ"):
        ae.meta_analysis([0.9, 0.4, 0.6, 0.1], [0.04] * 4).copas()
