"""Every model gives the same answer times the unit in which effects are counted, and a moved one where effects are moved."""

import json
import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import acuevidence as ae
from acuevidence.synthesis import kernel

REFERENCE = Path(__file__).parents[1] / "reference"
UNITS = np.array([1e-8, 3e-6, 0.013, 1.0, 1e3, 1e8])
RANDOM = 60
LOCATION = ("estimate", "ci_low", "ci_high", "pi_low", "pi_high", "pred", "median", "mean", "beta")


def pooled(y, v, unit=1.0, **options):
    return ae.meta_analysis(y * unit, v * unit**2, **options)


def table(y, v, unit=1.0):
    k = np.arange(len(y))
    year = np.random.default_rng(len(y)).normal(2000, 8, len(y)).round(1)
    return pd.DataFrame({"yi": y * unit, "vi": v * unit**2, "year": year, "group": k % 2, "cluster": k // 2, "row": k})


def regressed(y, v, unit=1.0, **options):
    return ae.meta_analysis("yi", "vi", data=table(y, v, unit), moderators="~ year", **options)


@pytest.fixture(scope="module")
def rows(effect_sets):
    """Return random sets and the others, side by side: effects and variances (B, k), NaN where a trial is absent."""
    rng = np.random.default_rng(20)
    widest = max(len(y) for _, y, _ in effect_sets)
    y, v = np.full((2, RANDOM + len(effect_sets), widest), np.nan)
    for i in range(RANDOM):
        k = rng.integers(2, widest + 1)
        v[i, :k] = np.exp(rng.normal(-3, rng.uniform(0, 2.5), k))
        y[i, :k] = rng.normal(rng.normal(), np.sqrt(v[i, :k] + rng.exponential(0.1) * (i % 3 > 0)))
    for i, (_, effects, variances) in enumerate(effect_sets, start=RANDOM):
        y[i, : len(effects)], v[i, : len(effects)] = effects, variances
    return y, v


@pytest.mark.parametrize("method", kernel.METHODS)
def test_pooled_effects(rows, method):
    y, v = rows
    for test in kernel.TESTS:
        many = ae.fit_many(
            np.concatenate([y * u for u in UNITS]), np.concatenate([v * u**2 for u in UNITS]), method=method, test=test
        )
        for name, power in {
            "estimate": 1,
            "se": 1,
            "ci_low": 1,
            "ci_high": 1,
            "pi_low": 1,
            "pi_high": 1,
            "tau2": 2,
            "q": 0,
            "i2": 0,
            "p_value": 0,
            "df": 0,
        }.items():
            found = getattr(many, name).reshape(len(UNITS), -1) / UNITS[:, None] ** power
            wanted = np.broadcast_to(found[3], found.shape)
            np.testing.assert_allclose(found, wanted, rtol=1e-6, atol=1e-12, err_msg=f"{name} {test}")


@pytest.mark.parametrize("method", kernel.METHODS)
def test_pooled_effects_moved(rows, method):
    y, v = rows
    plain, moved = (ae.fit_many(y + shift, v, method=method, test="HKSJ") for shift in (0.0, 40.0))
    for name in ("estimate", "se", "ci_low", "ci_high", "pi_low", "pi_high", "tau2", "q", "i2"):
        shift = 40.0 if name in LOCATION else 0.0
        np.testing.assert_allclose(getattr(moved, name), getattr(plain, name) + shift, rtol=1e-6, atol=1e-9, err_msg=name)


@pytest.mark.parametrize("method", kernel.METHODS)
def test_moderators(effect_sets, same_in_units, method):
    same_in_units(lambda y, v, u: regressed(y, v, u, method=method), effect_sets[::2], (1e-8, 1e8))


def test_moderators_in_every_unit_and_moved(effect_sets, same_in_units):
    same_in_units(lambda y, v, u: regressed(y, v, u), effect_sets)
    same_in_units(lambda y, v, u: regressed(y, v, u).predict(), effect_sets[:2])
    for _, y, v in effect_sets:
        plain, moved = regressed(y, v), regressed(y + 40, v)
        assert moved.beta == pytest.approx(plain.beta + np.array([40, 0]), rel=1e-6)
        assert moved.covariance == pytest.approx(plain.covariance, rel=1e-6)
        assert (moved.tau2, moved.qm) == pytest.approx((plain.tau2, plain.qm), rel=1e-6)


def test_groups(effect_sets, same_in_units):
    def groups(y, v, unit):
        found = ae.meta_analysis("yi", "vi", data=table(y, v, unit), by="group", overall=True)
        return {"found": found.to_frame().drop(columns=["term", "method", "test"]), "q": found.between.q}

    same_in_units(groups, effect_sets)
    same_in_units(
        lambda y, v, u: ae.meta_analysis("yi", "vi", data=table(y, v, u), by="group", common_tau2=True).to_frame(), effect_sets
    )


@pytest.mark.parametrize(("kind", "method"), [("QP", "REML"), ("QP", "DL"), ("PL", "REML"), ("PL", "ML"), ("BT", "REML")])
def test_intervals_of_tau2(effect_sets, same_in_units, same_when_shifted, kind, method):
    options = {"seed": 1, "n": 200} if kind == "BT" else {}

    def limits(y, v, unit=1.0):
        return {"tau2": np.array(pooled(y, v, unit, method=method).tau2_interval(kind, **options))}

    same_in_units(limits, effect_sets)
    same_when_shifted(limits, effect_sets[::3])
    same_in_units(
        lambda y, v, u: {"tau2": np.array(regressed(y, v, u, method=method).tau2_interval(kind, **options))}, effect_sets[:2]
    )


def test_other_intervals(effect_sets, same_in_units, same_when_shifted):
    def found(y, v, unit=1.0):
        result = pooled(y, v, unit)
        return {
            "parametric": result.bootstrap("parametric", n=100, seed=1),
            "study": result.bootstrap("study", n=100, seed=1),
            "prediction": {"pi_low": np.array(result.bootstrap_prediction(n=200, seed=1))},
            "henmi": result.henmi_copas(),
            "blup": result.blup(),
            "predict": result.predict(),
        }

    same_in_units(found, effect_sets[1::2], (1e-8, 1e8))
    same_when_shifted(lambda y, v: pooled(y, v).henmi_copas(), effect_sets, located=LOCATION)
    same_when_shifted(lambda y, v: pooled(y, v).blup(), effect_sets, located=LOCATION)


def test_likelihoods_move_by_the_logarithm_of_the_unit(effect_sets):
    for _, y, v in effect_sets:
        for method, lost in (("ML", 0), ("REML", 1)):
            one, other = (pooled(y, v, unit, method=method) for unit in (1.0, 1e8))
            moved = (len(y) - lost) * math.log(1e8)
            assert other.loglik == pytest.approx(one.loglik - moved, rel=1e-9)
            assert other.aic == pytest.approx(one.aic + 2 * moved, rel=1e-9)


def test_permutations(effect_sets, same_in_units):
    same_in_units(lambda y, v, u: pooled(y, v, u, test="z").permutation_test(n=200, seed=1), effect_sets)
    same_in_units(lambda y, v, u: regressed(y, v, u).permutation_test(n=100, seed=1), effect_sets[:3], (1e-8, 1e8))
    for _, y, v in effect_sets[:2]:
        plain, moved = (regressed(y + shift, v).permutation_test(n=100, seed=1) for shift in (0.0, 40.0))
        assert moved.p_values["year"] == plain.p_values["year"]


@pytest.mark.parametrize("kind", ["CR0", "CR1", "CR2"])
def test_robust_variances(effect_sets, same_in_units, kind):
    for cluster in ("row", "cluster"):

        def tests(y, v, unit, c=cluster):
            whole = ae.meta_analysis("yi", "vi", data=table(y, v, unit), method="EE")
            return {"regressed": regressed(y, v, unit).robust(c, kind), "pooled": whole.robust(c, kind)}

        # The intercept lies 250 SDs of the year away from the trials: its degrees of freedom lose digits.
        same_in_units(tests, effect_sets[:-1], (1e-8, 1e8), rel=1e-5)
        # A weight a million times the others' leaves a leverage of 1 - 1e-6; degrees of freedom square what is left of it.
        same_in_units(tests, effect_sets[-1:], (1e-8, 1e8), rel=1e-3, leave=("df", "p_value", "ci_low", "ci_high", "own"))
    same_in_units(lambda y, v, u: regressed(y, v, u).robust("row", kind).wald(), effect_sets[:4])


def test_no_cluster_is_lost_where_effects_are_small():
    read = pd.DataFrame(json.loads((REFERENCE / "uni__dat.bcg__RR.json").read_text())["data"])
    a, c = read["ai"] / read["n1i"], read["ci"] / read["n2i"]
    result = ae.meta_analysis(a - c, a * (1 - a) / read["n1i"] + c * (1 - c) / read["n2i"], method="EE")
    found = result.robust(read["study"])  # clubSandwich 0.6 of the same differences in percent
    assert found.se == pytest.approx(0.000724143, rel=1e-6)
    assert found.df == pytest.approx(2.673, abs=5e-4)
    assert found.coefficients["p_value"].iloc[0] == pytest.approx(0.306, abs=5e-4)


@pytest.mark.parametrize("method", ["REML", "ML"])
@pytest.mark.parametrize("random", ["cluster", "cluster/row"])
def test_multilevel(effect_sets, same_in_units, random, method):
    def fitted(y, v, unit=1.0):
        return ae.multilevel("yi", "vi", data=table(y, v, unit), random=random, method=method)

    same_in_units(fitted, effect_sets[::2], (1e-8, 1e8))
    for _, y, v in effect_sets[:4]:
        plain, moved = fitted(y, v), fitted(y + 40, v)
        assert moved.estimate == pytest.approx(plain.estimate + 40, rel=1e-9)
        assert moved.se == pytest.approx(plain.se, rel=1e-6)


def test_multilevel_intervals_and_robust(effect_sets, same_in_units):
    def found(y, v, unit):
        result = ae.multilevel("yi", "vi", data=table(y, v, unit), random="cluster/row")
        return {"robust": result.robust("cluster").coefficients, "limits": {"sigma2": result.sigma2_interval().to_numpy()}}

    same_in_units(found, effect_sets[3:6], (1e-8, 1e8))


@pytest.mark.parametrize("structure", ["UN", "CS", "HCS", "DIAG", "ID", "AR", "HAR", "CAR"])
def test_multivariate(effect_sets, same_in_units, structure):
    def fitted(y, v, unit=1.0, method="REML"):
        return ae.multivariate(
            "yi", "vi", data=table(y, v, unit), outcome="group", cluster="cluster", structure=structure, method=method
        )

    same_in_units(fitted, effect_sets[1:6], (1e-8, 1e8))
    same_in_units(lambda y, v, u: fitted(y, v, u, "ML"), effect_sets[:2], (1e-8, 1e8))


def test_multivariate_with_covariances(same_in_units):
    read = json.loads((REFERENCE / "mv__dat.berkey1998.json").read_text())["data"]
    V = np.array(read["V"])
    d = pd.DataFrame({name: read[name] for name in ("trial", "outcome")})
    y = np.array(read["yi"])
    for structure in ("UN", "CS", "HCS"):
        same_in_units(
            lambda y, V, u, s=structure: ae.multivariate(y * u, V * u**2, data=d, outcome="outcome", cluster="trial", structure=s),
            [("berkey", y, V)],
        )


def test_assembled_covariances(same_in_units):
    read = pd.DataFrame(json.loads((REFERENCE / "vcalc__syn.vcalcA.json").read_text())["data"])

    def assembled(v, unit):
        return {"vcov": np.asarray(ae.vcalc(v * unit**2, cluster="study", scale="esid", rho_scale=0.5, data=read))}

    same_in_units(assembled, [("vcalc", read["vi"].to_numpy())])


def network_sets():
    read = json.loads((REFERENCE / "nma__syn.triangleA.json").read_text())["data"]
    yield "triangle", pd.DataFrame(read).rename(columns={"studlab": "study", "TE": "yi", "seTE": "se"})
    for seed in (1, 2):  # two-armed trials and some of three arms
        rng = np.random.default_rng(seed)
        names, found = list("ABCDE"), []
        worth = rng.normal(0, 0.4, 5)
        for study in range(18):
            arms = sorted(rng.choice(5, 3 if study % 4 == 0 else 2, replace=False)) if study > 4 else [study % 4, study % 4 + 1]
            arm = worth[arms] + rng.normal(0, 0.2, len(arms))
            v = rng.uniform(0.005, 0.05, len(arms))
            seen = arm + rng.normal(0, np.sqrt(v))
            found += [
                (study, names[arms[i]], names[arms[j]], seen[i] - seen[j], math.sqrt(v[i] + v[j]))
                for i in range(len(arms))
                for j in range(i + 1, len(arms))
            ]
        yield f"drawn {seed}", pd.DataFrame(found, columns=["study", "treat1", "treat2", "yi", "se"])


@pytest.mark.parametrize("method", ["DL", "REML", "REML-joint"])
@pytest.mark.parametrize("effects", ["random", "common"])
def test_networks(same_in_units, method, effects):
    def found(trials, unit):
        net = ae.network(data=trials.assign(yi=trials["yi"] * unit, se=trials["se"] * unit), method=method, effects=effects)
        parts = net.design_decomposition()
        heat = net.net_heat()
        return {
            "net": net,
            "split": net.split(),
            "table": net.to_frame(),
            "total": {"q": parts.total["q"].to_numpy()},
            "within": {"q": parts.within["q"].to_numpy()},
            "between": {"q": parts.between.to_numpy()},
            "without": {"q": parts.without["q"].to_numpy()},
            "random": {"q": parts.random["q"], "tau2": parts.random["tau2"]},
            "hat": {"hat": heat.hat.to_numpy(), "change": heat.change.to_numpy()},
            "random heat": {"change": net.net_heat("random").change.to_numpy()},
            "predicted": {"pi_low": net.prediction()[0].to_numpy()} if effects == "random" else {},
        }

    same_in_units(found, network_sets(), (1e-8, 1e8))


def test_variances_of_networks(same_in_units):
    def found(trials, unit):
        scaled = trials.assign(yi=trials["yi"] * unit, se=trials["se"] * unit)
        net = ae.network(data=scaled, method="REML-joint")
        limits = {kind: {"tau2": np.array(net.tau2_interval(kind))} for kind in ("QP", "PL")}
        both = net.random_inconsistency()
        return {
            **limits,
            "effects": {"estimates": both.estimates, "se": both.se, "tau2": both.tau2, "p": both.p_value},
            "inconsistency": {"tau2": both.tau2_inconsistency},
        }

    same_in_units(found, network_sets(), (1e-8, 1e8))


@pytest.mark.parametrize("method", ["DL", "REML"])
@pytest.mark.parametrize("effects", ["random", "common"])
def test_component_networks(same_in_units, method, effects):
    parts = {"A": "A", "B": "B", "C": "A+B", "D": "B+C", "E": "N"}

    def found(trials, unit):
        named = trials.replace({"treat1": parts, "treat2": parts})
        net = ae.component_network(
            data=named.assign(yi=named["yi"] * unit, se=named["se"] * unit), inactive="N", method=method, effects=effects
        )
        q = {"q": [net.q_additive, net.q_difference, net.i2]}
        tables = {"parts": net.components.to_dict("list"), "sums": net.combinations.to_dict("list")}
        return {"estimates": net.estimates, "se": net.se, "tau2": net.tau2, "q": q, **tables}

    same_in_units(found, list(network_sets())[1:], (1e-8, 1e8))


def test_contrasts_from_arms(same_in_units):
    read = json.loads((REFERENCE / "nma__syn.multiarmA.json").read_text())["data"]["arm_level"]
    arms = pd.DataFrame(read).astype({"mean": float})

    def found(arms, unit, measure):
        scaled = arms.assign(mean=arms["mean"] * unit, sd=arms["sd"] * unit)
        pairs = ae.arm_contrasts("t", "s", data=scaled, mean="mean", sd="sd", n="n", measure=measure)
        return {"yi": pairs["yi"].to_numpy(), "se": pairs["se"].to_numpy()}

    same_in_units(lambda arms, u: found(arms, u, "MD"), [("arms", arms)])
    same_in_units(lambda arms, u: {"standardised": list(found(arms, u, "SMD").values())}, [("arms", arms)])


def test_ranks_of_a_network(same_in_units):
    def ranks(trials, unit):
        net = ae.network(data=trials.assign(yi=trials["yi"] * unit, se=trials["se"] * unit))
        return {"ranks": {"share": net.rank_probabilities(n=2000).to_numpy()}}

    same_in_units(ranks, network_sets())


PRIORS = {
    "half-normal": lambda u: ("half-normal", 0.5 * u),
    "half-cauchy": lambda u: ("half-cauchy", 0.3 * u),
    "half-t": lambda u: ("half-t", 0.3 * u, 4),
    "uniform": lambda u: ("uniform", 4.0 * u),
    "flat": lambda u: ("flat",),
    "log-normal": lambda u: ("log-normal", -1 + math.log(u), 0.7),
    "log-t": lambda u: ("log-t", -1 + math.log(u), 0.7, 5),
}


@pytest.mark.parametrize("prior", PRIORS)
def test_posteriors(effect_sets, same_in_units, prior):
    def found(y, v, unit=1.0, mu_prior=None):
        fitted = ae.bayes(y * unit, v * unit**2, tau_prior=PRIORS[prior](unit), mu_prior=mu_prior and (0.1 * unit, unit))
        return {"summary": fitted.summary.T.to_dict("list"), "trials": fitted.shrinkage, "factors": fitted.bayes_factors.to_dict()}

    some = effect_sets[4:6]
    same_in_units(found, some, (1e-8, 1e8))
    if prior != "flat":
        same_in_units(lambda y, v, u: found(y, v, u, True), some, (1e-8, 1e8))


def test_effects_of_a_trial_must_add_up_in_its_own_scale():
    trial = pd.DataFrame({"study": 1, "treat1": list("AAB"), "treat2": list("BCC"), "yi": [0.2, 0.5, 0.3], "se": [0.1, 0.12, 0.11]})
    for unit in (1e-8, 1.0, 1e8):
        scaled = trial.assign(yi=trial["yi"] * unit, se=trial["se"] * unit)
        assert ae.network(data=scaled).k == 1
        with pytest.raises(ae.InputError, match="do not add up"):
            ae.network(data=scaled.assign(yi=scaled["yi"] + [0.005 * unit, 0, 0]))


def test_a_published_network_in_another_unit():
    read = pd.DataFrame(json.loads((REFERENCE / "nma__syn.triangleA.json").read_text())["data"])
    d = read.rename(columns={"studlab": "study", "TE": "yi", "seTE": "se"})
    small, large = ae.network(data=d), ae.network(data=d.assign(yi=d["yi"] * 1e5, se=d["se"] * 1e5))
    assert large.estimates.to_numpy() == pytest.approx(1e5 * small.estimates.to_numpy(), rel=1e-9)
    assert large.q_total == pytest.approx(small.q_total, rel=1e-9)


def test_effects_that_agree_exactly_agree_in_every_unit():
    v = np.array([0.02, 0.05, 0.03, 0.04])
    for y in (0.1, 0.3, 1e9 / 3):
        result = pooled(np.full(4, y), v, test="HKSJ")
        assert (result.q, result.tau2, result.se) == (0.0, 0.0, 0.0)
        assert result.permutation_test().p_value == 2 / 16  # all signs, and all of them turned
        assert regressed(np.full(4, y), v).beta[1] == 0.0
    with pytest.raises(ae.InputError, match="agree exactly"):
        pooled(np.zeros(4), v, test="HKSJ").permutation_test()
    with pytest.raises(ae.InputError, match="agree exactly"):
        regressed(np.full(4, 0.3), v, test="HKSJ").permutation_test()


def test_contrasts_that_clusters_cannot_tell_apart():
    y, v = np.array([0.1, 0.4, 0.3, 0.8, 0.2, 0.5]), np.full(6, 0.04)
    d = table(y, v).assign(half=[0, 0, 0, 1, 1, 1], x=[1, 4, 2, 6, 3, 5])
    tests = ae.meta_analysis("yi", "vi", data=d, moderators="~ year + x").robust("half", "CR0")
    with pytest.raises(ae.InputError, match="2 clusters"):
        tests.wald()
    with pytest.raises(ae.InputError, match="several different ones"):
        tests.wald(["x", "x"])
    with pytest.raises(ae.InputError, match="independent rows"):
        tests.wald(np.array([[0, np.nan, 1.0]]))


def test_league_of_a_sparse_network_is_readable():
    d = pd.DataFrame({"study": [1, 2], "treat1": ["a", "a"], "treat2": ["b", "c"], "yi": [20.0, -0.001], "se": [15.0, 0.0001]})
    cells = ae.network(data=d, effects="common").league(transform=np.exp).to_numpy().ravel()
    assert any("> 1000" in cell for cell in cells)
    assert max(map(len, cells)) < 30
    assert not any("-0.00" in cell for cell in ae.network(data=d, effects="common").league().to_numpy().ravel())
