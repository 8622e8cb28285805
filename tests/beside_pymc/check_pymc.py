"""Does sampling find the posterior that the quadrature finds? Run by `make bayes-test`, in an environment of its own.

PyMC samples the whole hierarchy (effects of the trials included, non-centred), which shares no formula with the quadrature over
tau. Each summary may differ by five Monte Carlo standard errors of the sampled one; a wrong prior, a variance taken for a
standard deviation or a lost term of the likelihood moves them by far more. What failed is named by data set and parameter.
"""

import json
from pathlib import Path

import arviz
import numpy as np
import pymc
import pytest

import acuevidence as ae

HINE = json.loads((Path(__file__).parents[1] / "reference" / "bayes__dat.hine1989.json").read_text())["data"]
NECK = ae.trial_effects("neck_pain", comparator="sham")
CASES = {
    "hine1989": (np.array(HINE["yi"]), np.array(HINE["sei"]) ** 2, None, ("half-normal", 0.5)),
    "neck_pain": (NECK["yi"].to_numpy(), NECK["vi"].to_numpy(), (0.0, 1.0), ("half-cauchy", 0.5)),
}
ERRORS = 5


def sample(y, v, mu_prior, tau_prior):
    """Return draws (chains, draws) of mu, tau and the effect of a new trial."""
    kind, scale = tau_prior
    with pymc.Model():
        mu = pymc.Flat("mu") if mu_prior is None else pymc.Normal("mu", *mu_prior)
        tau = pymc.HalfNormal("tau", scale) if kind == "half-normal" else pymc.HalfCauchy("tau", scale)
        apart = pymc.Normal("apart", 0, 1, shape=len(y))
        pymc.Normal("y", mu + tau * apart, np.sqrt(v), observed=y)
        pymc.Normal("prediction", mu, tau)
        drawn = pymc.sample(4000, tune=2000, chains=4, cores=2, target_accept=0.97, random_seed=2026, progressbar=False)
    return {name: drawn.posterior[name].to_numpy() for name in ("mu", "tau", "prediction")}


@pytest.mark.parametrize("case", CASES)
def test_the_quadrature_agrees_with_sampling_within_monte_carlo_error(case):
    y, v, mu_prior, tau_prior = CASES[case]
    exact = ae.bayes(y, v, mu_prior=mu_prior, tau_prior=tau_prior).summary
    for name, draws in sample(y, v, mu_prior, tau_prior).items():
        for column, level in (("ci_low", 0.025), ("median", 0.5), ("ci_high", 0.975)):
            found, error = np.quantile(draws, level), arviz.mcse(draws, method="quantile", prob=level)
            away = (exact.loc[name, column] - found) / error
            print(f"{case} {name} {column}: {exact.loc[name, column]:.4f}, sampled {found:.4f} (error {error:.4f}, {away:+.1f})")
            assert abs(away) < ERRORS, f"{name} {column}"
