"""How many digits of the kernel can be trusted: the same models solved in arithmetic of 50 digits.

The exact solution scans the score of the likelihood on a dense grid, bisects every fall through zero, and takes the highest of the
maxima and of 0. Data are the doubles the kernel is given, taken exactly. An error in tau2 alone means a root that is missed or
refined badly; one in the coefficients alone means digits lost in sums or in the moderators' cross-products.
"""

import mpmath as mp
import numpy as np
import pytest

from acuevidence.synthesis import kernel

mp.mp.dps = 50
rng = np.random.default_rng(20)
EVEN = rng.uniform(0.01, 0.2, 12)
ORDINARY = 0.3 + rng.normal(size=12) * np.sqrt(EVEN + 0.05)
YEAR = rng.integers(1995, 2024, 12).astype(float)
NEAR = np.array([0.1, 0.5, 0.2, 0.9, 0.4, 0.3])

HARD = {
    "effects of a ten-thousandth": (1e-4 * ORDINARY, 1e-8 * EVEN),
    "effects far from zero": (ORDINARY + 2.0**20, EVEN),
    "one huge trial": (ORDINARY, np.where(np.arange(12) == 3, 1e-10, EVEN)),
    "one worthless trial": (np.where(np.arange(12) == 3, 1e3, ORDINARY), np.where(np.arange(12) == 3, 1e12, EVEN)),
    "variances over ten powers of ten": (ORDINARY, 10.0 ** np.linspace(-8, 2, 12)),
    "a likelihood nearly flat": (np.array([2.81, -1.49, 0.32, 0.08, -0.03]), np.array([0.8, 2.5, 0.04, 0.16, 0.08])),
    "heterogeneity far beyond the variances": (1e4 * ORDINARY, EVEN),
    "two trials": (np.array([0.1, 0.9]), np.array([0.04, 0.3])),
    "on the boundary": (0.2 * NEAR, np.full(6, 0.1)),
}
TWO_MAXIMA = {
    "the lower": ([-0.18, 3.24, -0.07, -0.23, -0.04], [0.0032, 0.79, 0.0016, 0.0158, 0.0032]),
    "the higher": ([6.99, 0.47, 0.03, 0.13, 0.32], [2.5, 2.0, 0.004, 0.126, 0.01]),
    "zero": ([-1.67, 0.0, 1.53, 1.3, 0.08], [0.79, 0.1, 0.63, 0.63, 0.001]),
    "not zero": ([-1.64, -0.02, -0.54, -0.52, 0.02], [0.63, 0.001, 0.1, 0.05, 0.0063]),
}
DESIGNS = {
    "year": np.column_stack([np.ones(12), YEAR]),
    "year and its square": np.column_stack([np.ones(12), YEAR, YEAR**2]),
    "units apart": np.column_stack([np.ones(12), 1e-6 * YEAR, 1e9 * EVEN]),
}


class Exact:
    """A model in 50 digits."""

    def __init__(self, y, v, X=None):
        self.y, self.v = mp.matrix(y.tolist()), [mp.mpf(x) for x in v]
        self.X = mp.matrix(np.ones((len(y), 1)).tolist() if X is None else X.tolist())
        self.free = len(y) - self.X.cols

    def at(self, tau2):
        W = mp.diag([1 / (x + tau2) for x in self.v])
        inverse = (self.X.T * W * self.X) ** -1
        beta = inverse * (self.X.T * (W * self.y))
        r = self.y - self.X * beta
        q = (r.T * W * r)[0]
        return W, inverse, beta, r, q

    def score(self, tau2, restricted):
        W, inverse, _, r, _ = self.at(tau2)
        trace = mp.fsum(W[i, i] for i in range(W.rows))
        if restricted:
            inner = inverse * (self.X.T * W * W * self.X)
            trace -= mp.fsum(inner[i, i] for i in range(inner.rows))
        return mp.fsum((W[i, i] * r[i]) ** 2 for i in range(W.rows)) - trace

    def likelihood(self, tau2, restricted):
        _, inverse, _, _, q = self.at(tau2)
        value = -mp.fsum(mp.log(x + tau2) for x in self.v) - q
        return value + mp.log(mp.det(inverse)) if restricted else value

    def tau2(self, method):
        if method == "PM":
            return self._roots(lambda t: self.at(t)[4] - self.free)[-1]
        restricted = method == "REML"
        return max(self.maxima(restricted), key=lambda t: self.likelihood(t, restricted))

    def maxima(self, restricted):
        """Return the tau2 of every local maximum, in order."""
        roots = self._roots(lambda t: self.score(t, restricted))
        return roots if self.score(mp.mpf(0), restricted) <= 0 else roots[1:]

    def _roots(self, f):
        """Return 0 and every fall of f through zero."""
        high = 10 * (max(self.y) - min(self.y)) ** 2 + max(self.v)
        low = min(self.v) * mp.mpf("1e-6")
        points = [mp.mpf(0)] + [low * (high / low) ** (mp.mpf(i) / 120) for i in range(121)]
        values = [f(t) for t in points]
        found = [mp.mpf(0)]
        for a, b, fa, fb in zip(points, points[1:], values, values[1:], strict=False):
            if fa > 0 >= fb:
                found.append(mp.findroot(f, (a, b), solver="anderson", tol=1e-60, maxsteps=200))
        return found


def _compare(y, v, X, method, digits, scale):
    exact = Exact(y, v, X)
    tau2 = exact.tau2(method)
    _, inverse, beta, _, q = exact.at(tau2)
    fits = kernel.fit(y[None], v[None], X, method=method, test="HKSJ")
    assert fits.converged.all()
    assert fits.tau2[0] == pytest.approx(float(tau2), rel=1e-10, abs=1e-14 * float(np.median(v)))
    for i in range(beta.rows):
        assert fits.beta[0, i] == pytest.approx(float(beta[i]), rel=digits, abs=digits * scale)
        assert fits.vcov[0, i, i] == pytest.approx(float(inverse[i, i] * q / exact.free), rel=10 * digits)


@pytest.mark.parametrize("method", ["REML", "ML", "PM"])
@pytest.mark.parametrize("name", HARD)
def test_a_hard_data_set_keeps_its_digits(name, method):
    y, v = HARD[name]
    _compare(y, v, None, method, 1e-11, float(np.ptp(y)))


@pytest.mark.parametrize("method", ["REML", "ML"])
@pytest.mark.parametrize("name", DESIGNS)
def test_moderators_that_nobody_centred_keep_their_digits(name, method):
    y = ORDINARY + 0.02 * (YEAR - 2010)
    _compare(y, EVEN, DESIGNS[name], method, 1e-9 if "square" in name else 1e-11, 0.0)


def test_equal_variances_have_the_restricted_estimate_of_the_textbook():
    y = np.array([0.1, 0.5, 0.2, 0.9, 0.4])
    assert kernel.fit(y[None], np.full((1, 5), 0.01)).tau2[0] == pytest.approx(y.var(ddof=1) - 0.01, rel=1e-12)


@pytest.mark.parametrize("excess", [-1e-6, 1e-6])
def test_the_boundary_is_left_when_the_spread_exceeds_the_variances_and_not_before(excess):
    v = NEAR.var(ddof=1) / (1 + excess)
    tau2 = kernel.fit(NEAR[None], np.full((1, 6), v)).tau2[0]
    assert tau2 == (pytest.approx(excess * v, rel=1e-6) if excess > 0 else 0.0)


@pytest.mark.parametrize("wins", TWO_MAXIMA)
def test_the_higher_of_two_maxima_is_found(wins):
    y, v = (np.array(x) for x in TWO_MAXIMA[wins])
    exact = Exact(y, v)
    tops = exact.maxima(restricted=True)
    assert len(tops) == 2
    best = max(tops, key=lambda t: exact.likelihood(t, True))
    assert best == (tops[0] if wins.startswith(("the lower", "zero")) else tops[1])
    assert kernel.fit(y[None], v[None]).tau2[0] == pytest.approx(float(best), rel=1e-9)


@pytest.mark.parametrize("method", ["HE", "SJ"])
def test_the_standard_error_of_tau2_is_that_of_the_quadratic_form(method):
    X = np.column_stack([np.ones(12), YEAR - 2010])
    fits = kernel.fit(ORDINARY[None], EVEN[None], X, method=method)
    w = np.ones(12) if method == "HE" else 1 / (EVEN + ORDINARY.var())
    W = np.diag(w)
    P = W - W @ X @ np.linalg.inv(X.T @ W @ X) @ X.T @ W
    marginal = P @ np.diag(EVEN + fits.tau2[0])
    factor = (1.0 if method == "HE" else ORDINARY.var()) / 10
    assert fits.tau2_se[0] == pytest.approx(factor * np.sqrt(2 * np.trace(marginal @ marginal)), rel=1e-10)


def test_a_row_has_the_same_answer_alone_and_among_others_with_absent_trials():
    many = np.random.default_rng(1)
    v = 10.0 ** many.uniform(-4, 1, (300, 9))
    y = many.normal(size=v.shape) * np.sqrt(v + 0.2)
    y[:, 7:][many.random((300, 2)) < 0.5] = np.nan
    X = np.column_stack([np.ones(9), np.arange(9.0) + 2000])
    for design in (None, X):
        together = kernel.fit(y, v, design)
        for i in (0, 17, 299):
            here = ~np.isnan(y[i])
            alone = kernel.fit(y[i : i + 1, here], v[i : i + 1, here], design if design is None else design[here])
            np.testing.assert_allclose(together.tau2[i], alone.tau2[0], rtol=1e-9, atol=1e-14)
            np.testing.assert_allclose(together.beta[i], alone.beta[0], rtol=1e-9)


@pytest.mark.parametrize("spread", [8, 16, 24])
@pytest.mark.parametrize("k", [2, 3, 7])
def test_the_standard_error_of_tau2_keeps_its_digits_when_one_trial_outweighs_the_others(k, spread):
    v = 10.0 ** np.linspace(-spread / 2, spread / 2, k)
    fits = kernel.fit(np.zeros((1, k)), v[None], method="REML")
    w = [1 / mp.mpf(x) for x in v]
    W = mp.diag(w)
    P = W - W * mp.ones(k) * W / mp.fsum(w)
    assert fits.tau2_se[0] == pytest.approx(
        float(mp.sqrt(2 / mp.fsum(P[i, j] ** 2 for i in range(k) for j in range(k)))), rel=1e-12
    )
