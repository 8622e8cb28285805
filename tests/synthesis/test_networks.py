"""Networks against netmeta, against refits without the kernel, and by hand."""

import json
from itertools import combinations
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import minimize
from scipy.stats import chi2

import acuevidence as ae

REFERENCE = Path(__file__).parents[1] / "reference"
SETS = ["syn.multiarmA", "smokingcessation", "syn.triangleA"]
LARGER = {"syn.triangleA": "smaller"}


def stored(name):
    read = json.loads((REFERENCE / f"nma__{name}.json").read_text())
    columns = ("studlab", "treat1", "treat2", "TE", "seTE")
    d = pd.DataFrame({column: read["data"][column] for column in columns})
    return d.set_axis(["study", "treat1", "treat2", "yi", "se"], axis=1), read["expected"]


def fitted(name, **options):
    return ae.network(data=stored(name)[0], favourable=LARGER.get(name, "larger"), **options)


@pytest.mark.parametrize("name", SETS)
@pytest.mark.parametrize("method", ["DL", "REML"])
@pytest.mark.parametrize("effects", ["random", "common"])
def test_effects_and_scores(name, method, effects):
    want = stored(name)[1][method]
    net, trts = fitted(name, method=method, effects=effects), want["trts"]
    rel = 1e-6 if method == "DL" or effects == "common" else 1e-5
    assert net.tau2 == pytest.approx(want["tau2"], rel=rel, abs=1e-8)
    for found, key in ((net.estimates, "TE"), (net.se, "seTE")):
        assert found.loc[trts, trts].to_numpy() == pytest.approx(np.array(want[f"{key}_{effects}"]), rel=rel, abs=1e-7)
    assert net.p_scores[trts].to_numpy() == pytest.approx(list(want["P_score"][effects].values()), rel=1e-5, abs=1e-8)


@pytest.mark.parametrize("name", SETS)
@pytest.mark.parametrize("effects", ["random", "common"])
def test_split(name, effects):
    want = stored(name)[1]["DL"]["netsplit"]
    found = fitted(name, effects=effects).split()
    found = found.set_index(found["treat1"] + ":" + found["treat2"]).loc[want["comparison"]]
    assert found["prop_direct"].to_list() == pytest.approx(want[f"prop_{effects}"], rel=1e-6)
    for part in ("direct", "indirect"):
        wanted = pd.DataFrame(want[f"{part}_{effects}"])
        assert found[part].to_list() == pytest.approx(wanted["TE"].to_list(), rel=1e-6)
        assert found[f"{part}_se"].to_list() == pytest.approx(wanted["seTE"].to_list(), rel=1e-6)


def test_split_by_hand():
    d = pd.DataFrame(
        {"study": [1, 2, 3], "treat1": list("AAB"), "treat2": list("BCC"), "yi": [0.5, 0.9, 0.1], "se": [0.2, 0.3, 0.1]}
    )
    row = ae.network(data=d, effects="common").split().iloc[0]  # A against B: indirectly A - C minus B - C
    assert row["indirect"] == pytest.approx(0.9 - 0.1)
    assert row["indirect_se"] == pytest.approx(np.sqrt(0.3**2 + 0.1**2))
    assert row["difference"] == pytest.approx(0.5 - 0.8)
    assert row["difference_se"] == pytest.approx(np.sqrt(0.2**2 + 0.3**2 + 0.1**2))


@pytest.mark.parametrize("name", SETS)
def test_design_decomposition(name):
    want, found = stored(name)[1]["DL"]["decomp_design"], fitted(name).design_decomposition()
    assert found.total["q"].to_list() == pytest.approx(want["Q_decomp"]["Q"], rel=1e-8, abs=1e-12)
    assert found.total["df"].to_list() == want["Q_decomp"]["df"]
    within = pd.DataFrame(want["Q_het_design"]).set_index("design")
    assert found.within.loc[within.index, "q"].to_list() == pytest.approx(within["Q"].to_list(), rel=1e-8, abs=1e-12)
    assert found.within.loc[within.index, "df"].to_list() == within["df"].to_list()
    between = pd.Series(want["Q_inc_design"])
    two = between.index[between.index.str.count(":") == 1]  # of trials with more arms netmeta's parts do not add up to Q
    assert found.between[two].to_list() == pytest.approx(between[two].to_list(), rel=1e-8, abs=1e-12)
    assert found.between.sum() == pytest.approx(want["Q_decomp"]["Q"][2], rel=1e-8)
    without = pd.DataFrame(want["Q_inc_detach"]).set_index("design")
    assert found.without.loc[without.index, "q"].to_list() == pytest.approx(without["Q"].to_list(), rel=1e-8, abs=1e-12)
    assert found.without.loc[without.index, "df"].to_list() == without["df"].to_list()
    random = want["Q_inc_random"]
    assert found.random["q"] == pytest.approx(random["Q"][0], rel=1e-8)
    assert np.sqrt(found.random["tau2"]) == pytest.approx(random["tau.within"][0], rel=1e-8)


@pytest.mark.parametrize("name", ["syn.multiarmA", "smokingcessation"])
def test_part_of_a_design_of_one_trial(name):
    d = stored(name)[0]
    found = fitted(name).design_decomposition().between
    y, X, V, _ = dense(d)
    r = y - X @ restricted(y, X, V)[1]
    design = d.groupby("study")[["treat1", "treat2"]].agg(set).agg(lambda arms: ":".join(sorted(set.union(*arms))), axis=1)
    rows = np.repeat(design.index.to_numpy(), design.str.count(":"))
    for label in design.unique():
        if (design == label).sum() == 1:
            own = rows == design.index[design == label][0]
            assert found[label] == pytest.approx(r[own] @ np.linalg.inv(V[np.ix_(own, own)]) @ r[own], rel=1e-8, abs=1e-12)


@pytest.mark.parametrize("name", ["smokingcessation", "syn.triangleA"])
def test_net_heat_against_refits(name):
    d = stored(name)[0]
    d = d[d.groupby("study")["study"].transform("size") == 1]  # designs of two arms, which refits can drop
    common = ae.network(data=d, effects="common")
    heat, design = common.net_heat(), common.data["design"]
    w = 1 / d["se"] ** 2
    direct = (w * d["yi"]).groupby(design).sum() / w.groupby(design).sum()

    def own(fit, label):
        return (fit.estimates.loc[tuple(label.split(":"))] - direct[label]) ** 2 * w.groupby(design).sum()[label]

    labels = [label for label, _ in heat.hat.index]
    for i, row in enumerate(labels):
        assert heat.change.iat[i, i] == pytest.approx(own(common, row), rel=1e-9, abs=1e-12)
        for j, column in enumerate(labels):
            moved = ae.network(data=d.assign(yi=d["yi"] + 0.1 * (design == column)), effects="common")
            a, b = row.split(":")
            assert abs(heat.hat.iat[i, j]) == pytest.approx(
                abs(moved.estimates.loc[a, b] - common.estimates.loc[a, b]) / 0.1, abs=1e-9
            )
            if i != j:
                rest = ae.network(data=d[design != column], effects="common")
                change = own(common, row) - own(rest, row)
                assert heat.change.iat[i, j] == pytest.approx(change, rel=1e-8, abs=1e-10)


# --- tau2 and random inconsistency, against dense likelihoods that know nothing of blocks ------------------------------


def dense(d):
    """Return contrasts against each trial's last arm with their design matrix, covariance and the two patterns."""
    names = sorted({*d["treat1"], *d["treat2"]})
    y, X, V, label = [], [], [], []
    for study, rows in d.groupby("study"):
        arms = sorted({*rows["treat1"], *rows["treat2"]})
        pair = {(r.treat1, r.treat2): (r.yi, r.se**2) for r in rows.itertuples()}
        pair |= {(b, a): (-e, v) for (a, b), (e, v) in pair.items()}
        last = arms[-1]
        for a in arms[:-1]:
            y.append(pair[a, last][0])
            X.append([(one == a) - (one == last) for one in names[1:]])
            label.append((study, ":".join(arms), a))
        V.append(
            [[(pair[a, last][1] + pair[b, last][1] - (pair[a, b][1] if a != b else 0)) / 2 for b in arms[:-1]] for a in arms[:-1]]
        )
    size = [len(block) for block in V]
    full, at = np.zeros((len(y), len(y))), 0
    for block, k in zip(V, size, strict=True):
        full[at : at + k, at : at + k] = block
        at += k
    patterns = [np.array([[(p[i] == q[i]) * (0.5 + 0.5 * (p[2] == q[2])) for q in label] for p in label]) for i in (0, 1)]
    return np.array(y), np.array(X, float), full, patterns


def restricted(y, X, M):
    W = np.linalg.inv(M)
    XWX = X.T @ W @ X
    b = np.linalg.solve(XWX, X.T @ W @ y)
    r = y - X @ b
    n, p = X.shape
    ends = np.linalg.slogdet(M)[1] + np.linalg.slogdet(XWX)[1] - np.linalg.slogdet(X.T @ X)[1]
    return -0.5 * ((n - p) * np.log(2 * np.pi) + ends + r @ W @ r), b, np.linalg.inv(XWX), r @ W @ r


@pytest.mark.parametrize("name", ["smokingcessation", "syn.triangleA", "syn.multiarmA"])
def test_interval_of_tau2(name):
    y, X, V, (within, _) = dense(stored(name)[0])
    net = fitted(name, method="REML-joint")
    df = len(y) - X.shape[1]
    assert df == net.q_total_df
    for limit, tail in zip(net.tau2_interval(), (0.025, 0.975), strict=True):
        if limit > 0:
            assert restricted(y, X, V + limit * within)[3] == pytest.approx(chi2.isf(tail, df), rel=1e-8)
        else:
            assert restricted(y, X, V)[3] < chi2.isf(tail, df)
    best = restricted(y, X, V + net.tau2 * within)[0]
    low, high = net.tau2_interval("PL", level=0.9)
    assert low <= net.tau2 <= high
    for limit in (low, high):
        if limit > 0:
            assert 2 * (best - restricted(y, X, V + limit * within)[0]) == pytest.approx(chi2.isf(0.1, 1), rel=1e-6)
        else:
            assert 2 * (best - restricted(y, X, V)[0]) <= chi2.isf(0.1, 1)


def test_interval_of_tau2_of_two_treatments_is_that_of_a_meta_analysis():
    y, se = np.array([0.9, 0.1, 0.6, -0.2, 0.5]), np.array([0.2, 0.15, 0.1, 0.2, 0.12])
    net = ae.network(["A"] * 5, ["B"] * 5, y, se, range(5), method="REML-joint")
    one = ae.meta_analysis(y, se**2)
    for kind in ("QP", "PL"):
        assert net.tau2_interval(kind) == pytest.approx(one.tau2_interval(kind), rel=1e-6)


def test_interval_of_tau2_is_refused():
    with pytest.raises(ae.InputError, match="degrees of freedom"):
        ae.network(["a", "a"], ["b", "c"], [0.5, 0.1], [0.1, 0.1], [1, 2]).tau2_interval()
    with pytest.raises(ae.InputError, match="REML-joint"):
        fitted("syn.triangleA").tau2_interval("PL")


def loops():
    """Return trials of two and three arms whose designs disagree."""
    rng = np.random.default_rng(8)
    found = []
    for study in range(24):
        arms = [list("AB"), list("BC"), list("AC"), list("ABC"), list("CD"), list("AD")][study % 6]
        shift = {"AB": 0.5, "AC": -0.6, "ABC": 0.1, "AD": 0.4}.get("".join(arms), 0.0)
        v = rng.uniform(0.01, 0.05, len(arms))
        seen = 0.3 * np.array(["ABCD".index(a) for a in arms]) + shift * np.arange(len(arms)) + rng.normal(0, np.sqrt(v + 0.02))
        found += [(study, arms[i], arms[j], seen[i] - seen[j], np.sqrt(v[i] + v[j])) for i, j in combinations(range(len(arms)), 2)]
    return pd.DataFrame(found, columns=["study", "treat1", "treat2", "yi", "se"])


@pytest.mark.parametrize("d", [loops(), stored("smokingcessation")[0]], ids=["loops", "smoking"])
def test_random_inconsistency(d):
    net = ae.network(data=d)
    found = net.random_inconsistency()
    y, X, V, (within, designs) = dense(d)

    def minus(g):
        return -restricted(y, X, V + g[0] * within + g[1] * designs)[0]

    best = min(
        (
            minimize(minus, start, method="L-BFGS-B", bounds=[(0, None)] * 2, options={"ftol": 1e-14, "gtol": 1e-9})
            for start in ((0.1, 0.1), (0.5, 0.01), (0.01, 0.5))
        ),
        key=lambda one: one.fun,
    )
    assert found.loglik == pytest.approx(-best.fun, abs=1e-9)
    assert (found.tau2, found.tau2_inconsistency) == pytest.approx(best.x, rel=1e-3, abs=1e-6)
    value, b, covariance, _ = restricted(y, X, V + found.tau2 * within + found.tau2_inconsistency * designs)
    assert found.loglik == pytest.approx(value, abs=1e-9)
    assert found.estimates.iloc[1:, 0].to_numpy() == pytest.approx(b, rel=1e-8)
    assert found.se.iloc[1:, 0].to_numpy() == pytest.approx(np.sqrt(np.diag(covariance)), rel=1e-8)
    assert found.tau2_consistency == pytest.approx(ae.network(data=d, method="REML-joint").tau2, rel=1e-8)
    assert found.loglik_consistency == pytest.approx(restricted(y, X, V + found.tau2_consistency * within)[0], abs=1e-9)
    assert found.statistic == pytest.approx(2 * (found.loglik - found.loglik_consistency), abs=1e-9)


def test_random_inconsistency_is_seen_and_absent():
    seen = ae.network(data=loops()).random_inconsistency()
    assert seen.tau2_inconsistency > 0.02 and seen.p_value < 0.05
    assert seen.p_value == pytest.approx(chi2.sf(seen.statistic, 1) / 2)
    assert (seen.se.to_numpy() >= ae.network(data=loops(), method="REML-joint").se.to_numpy()).all()
    assert "between designs" in seen.summary()
    with pytest.raises(ae.InputError, match="closes a loop"):
        ae.network(["a", "a", "a"], ["b", "b", "c"], [0.5, 0.1, 0.3], [0.1] * 3, [1, 2, 3]).random_inconsistency()
    with pytest.raises(ae.InputError, match="cannot be told apart"):
        ae.network(["a", "a", "b"], ["b", "c", "c"], [0.5, 0.1, 0.3], [0.1] * 3, [1, 2, 3]).random_inconsistency()


def test_a_new_trial_of_a_network_may_lie_as_far_as_heterogeneity_and_t_allow():
    # four trials of two treatments: the network is a meta-analysis with 3 degrees of freedom
    found = ae.network(["a"] * 4, ["b"] * 4, [0.0, 0.5, 1.0, 0.5], [0.2] * 4, ["1", "2", "3", "4"], method="DL")
    assert found.tau2 == pytest.approx((0.5 / 0.04 - 3) / (4 / 0.04 - 1 / 0.04))  # (Q - 3) / C with Q = 12.5 and C = 75
    low, high = found.prediction()
    half = 3.182446 * (0.2**2 / 4 + found.tau2 / 4 + found.tau2) ** 0.5
    assert (low.loc["a", "b"], high.loc["a", "b"]) == pytest.approx((0.5 - half, 0.5 + half), rel=1e-6)


def test_the_best_treatment_has_the_first_rank():
    found = ae.network(["a", "b"], ["b", "c"], [5.0, 5.0], [0.1, 0.1], ["1", "2"])  # a far above b, b far above c; larger is better
    np.testing.assert_allclose(found.rank_probabilities().loc[["a", "b", "c"], [1, 2, 3]], np.eye(3))
    assert found.p_scores[["a", "b", "c"]].tolist() == pytest.approx([1, 0.5, 0])
