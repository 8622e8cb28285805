"""Additive component networks against netmeta's netcomb, and against least squares written out."""

import json
from itertools import combinations
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import acuevidence as ae

REFERENCE = Path(__file__).parents[1] / "reference"
READ = json.loads((REFERENCE / "nma_component__syn.componentA.json").read_text())
TRIALS = pd.DataFrame(READ["data"]).set_axis(["study", "treat1", "treat2", "yi", "se"], axis=1)
EXPECTED = READ["expected"]


def fitted(data=TRIALS, **options):
    return ae.component_network(data=data, **{"inactive": "N"} | options)


@pytest.mark.parametrize("effects", ["random", "common"])
def test_components(effects):
    found = fitted(effects=effects)
    rows = found.components.loc[EXPECTED["comps"]]
    assert rows["estimate"].to_list() == pytest.approx(EXPECTED[f"Comp_{effects}"], rel=1e-9)
    assert rows["se"].to_list() == pytest.approx(EXPECTED[f"seComp_{effects}"], rel=1e-9)
    assert found.q_additive == pytest.approx(EXPECTED["Q_additive"], rel=1e-9)
    assert found.q_additive_df == EXPECTED["df_Q_additive"]
    assert found.q_additive_p == pytest.approx(EXPECTED["pval_Q_additive"], rel=1e-9)
    assert found.q_difference == pytest.approx(EXPECTED["Q_diff"], rel=1e-9)
    assert found.q_difference_df == EXPECTED["df_Q_diff"]
    assert found.tau2 == pytest.approx(EXPECTED["tau"] ** 2, rel=1e-9)


def test_combinations():
    found, trts = fitted(), EXPECTED["trts"]
    assert found.estimates.loc[trts, trts].to_numpy() == pytest.approx(np.array(EXPECTED["TE_random"]), rel=1e-9)
    assert found.se.loc[trts, trts].to_numpy() == pytest.approx(np.array(EXPECTED["seTE_random"]), rel=1e-9)
    assert found.combinations["estimate"].to_numpy() == pytest.approx(found.estimates["N"].to_numpy())
    assert found.combinations["se"].to_numpy() == pytest.approx(found.se["N"].to_numpy())
    league = found.league(digits=3)
    low, high = found.ci_low.loc["B", "A + B"], found.ci_high.loc["B", "A + B"]
    assert league.loc["B", "A + B"] == f"-0.430 ({low:.3f} to {high:.3f})"
    assert league.loc["A", "N"].startswith("0.334 (")  # the one trial that compares them
    assert league.loc["A + C", "B + C"] == ""  # no trial does


def multiarm():
    """Return trials of two and three arms, in which A, B and C add up."""
    rng = np.random.default_rng(5)
    worth, found = {"A": 0.4, "B": 0.2, "C": -0.1, "N": 0.0}, []
    designs = [["N", "A"], ["N", "B", "A+B"], ["A", "A+C"], ["B", "A+B+C", "N"], ["C+B", "A"], ["N", "C"], ["A+B", "A", "N"]]
    for study, arms in enumerate(designs * 2):
        v = rng.uniform(0.01, 0.04, len(arms))
        seen = np.array([sum(worth[part] for part in arm.split("+")) for arm in arms]) + rng.normal(0, np.sqrt(v + 0.01))
        found += [(study, arms[i], arms[j], seen[i] - seen[j], np.sqrt(v[i] + v[j])) for i, j in combinations(range(len(arms)), 2)]
    return pd.DataFrame(found, columns=["study", "treat1", "treat2", "yi", "se"])


def shared(pair, a, b, first):
    return (pair[a, first][1] + pair[b, first][1] - (pair[a, b][1] if a != b else 0)) / 2


def written_out(d, components, tau2):
    """Return beta, covariance and Q by generalised least squares on contrasts with each trial's full covariance."""
    y, X, blocks = [], [], []
    for _, rows in d.groupby("study"):
        arms = list(dict.fromkeys([*rows["treat1"], *rows["treat2"]]))
        pair = {(r.treat1, r.treat2): (r.yi, r.se**2 + tau2) for r in rows.itertuples()}
        pair |= {(b, a): (-e, v) for (a, b), (e, v) in pair.items()}
        first, others = arms[0], arms[1:]
        y += [pair[a, first][0] for a in others]
        X += [[(c in a.split("+")) - (c in first.split("+")) for c in components] for a in others]
        blocks.append(np.array([[shared(pair, a, b, first) for b in others] for a in others]))
    y, X = np.array(y), np.array(X, float)
    W, at = np.zeros((len(y), len(y))), 0
    for block in blocks:
        W[at : at + len(block), at : at + len(block)] = np.linalg.inv(block)
        at += len(block)
    covariance = np.linalg.pinv(X.T @ W @ X)
    beta = covariance @ X.T @ W @ y
    r = y - X @ beta
    return beta, covariance, r @ W @ r


@pytest.mark.parametrize("method", ["DL", "REML"])
def test_trials_of_several_arms(method):
    d = multiarm()
    found = fitted(d, method=method)
    beta, covariance, _ = written_out(d, list("ABC"), found.tau2)
    assert found.components["estimate"].to_list() == pytest.approx(beta, rel=1e-9)
    assert found.components["se"].to_list() == pytest.approx(np.sqrt(np.diag(covariance)), rel=1e-9)
    assert found.q_additive == pytest.approx(written_out(d, list("ABC"), 0.0)[2], rel=1e-9)
    assert found.q_additive_df == 2 * (1 + 2 + 1 + 2 + 1 + 1 + 2) - 3
    assert found.q_difference == pytest.approx(found.q_additive - ae.network(data=d).q_total, rel=1e-9)


def test_single_components_are_a_network():
    d = TRIALS[~TRIALS["treat1"].str.contains(r"\+") & ~TRIALS["treat2"].str.contains(r"\+")]
    net = ae.network(data=d, method="REML-joint")
    found = fitted(d.replace({"B": "N + B"}), method="REML")
    assert found.components["estimate"].to_list() == pytest.approx(net.estimates.loc[["A", "B", "C"], "N"].to_list(), rel=1e-6)
    assert found.components["se"].to_list() == pytest.approx(net.se.loc[["A", "B", "C"], "N"].to_list(), rel=1e-6)
    assert (found.q_additive, found.tau2) == pytest.approx((net.q_total, net.tau2), rel=1e-6)
    assert (found.q_difference, found.q_difference_df, found.q_difference_p) == (pytest.approx(0, abs=1e-12), 0, 1.0)


def test_a_network_in_pieces():
    d = pd.DataFrame(
        {
            "study": [1, 2, 3, 4],
            "treat1": ["A", "B", "A+B+C", "A+B+C"],
            "treat2": ["N", "N", "C+A", "C+B"],
            "yi": [0.4, 0.1, 0.2, 0.5],
            "se": [0.1, 0.2, 0.1, 0.2],
        }
    )
    found = fitted(d, effects="common")
    assert found.pieces == 2 and found.q_difference is None
    w = np.array([100.0, 25.0])
    assert found.components.loc["A", "estimate"] == pytest.approx((100 * 0.4 + 25 * 0.5) / w.sum())
    assert found.components.loc["B", "estimate"] == pytest.approx((25 * 0.1 + 100 * 0.2) / w.sum())
    assert found.components.loc["B", "se"] == pytest.approx(w.sum() ** -0.5)
    assert found.q_additive_df == 2
    assert found.not_estimable == ("C",) and np.isnan(found.components.loc["C", "estimate"])
    assert np.isnan(found.estimates.loc["C+A", "N"]) and found.estimates.loc["C+A", "C+B"] == pytest.approx(
        found.components.loc["A", "estimate"] - found.components.loc["B", "estimate"]
    )
    assert "Not told apart by these trials: C" in found.summary() and "2 pieces" in found.summary()


def test_without_an_inactive_component():
    found = ae.component_network(data=TRIALS, effects="common")
    with_one = fitted(effects="common")
    # N is never part of a combination: an effect of its own moves all the others, and only contrasts remain.
    X = np.array([[c in t.split(" + ") for c in "ABCN"] for t in TRIALS["treat1"]], float)
    X -= np.array([[c in t.split(" + ") for c in "ABCN"] for t in TRIALS["treat2"]], float)
    w = 1 / TRIALS["se"].to_numpy()
    b = np.linalg.lstsq(X * w[:, None], TRIALS["yi"].to_numpy() * w, rcond=None)[0]
    assert found.components["estimate"].to_list() == pytest.approx(b, rel=1e-8)
    assert found.q_additive_df == with_one.q_additive_df - 1
    assert found.q_additive <= with_one.q_additive


@pytest.mark.parametrize(
    ("names", "options", "message"),
    [
        (["A", "B"], {}, "none is a combination"),
        (["A+", "B"], {}, "empty component"),
        (["A+A", "B"], {}, "a component twice"),
        (["A+B", "B + A"], {}, "same components"),
        (["A+B", "A"], {"inactive": "placebo"}, "inactive='placebo' is not known"),
        (["A+B", "A"], {"sep": " "}, "none is a combination"),
        (["A+B", "A"], {"method": "ML"}, "method='ML'"),
    ],
)
def test_refused(names, options, message):
    with pytest.raises(ae.InputError, match=message.replace("+", r"\+")):
        ae.component_network(names[:1], names[1:], [0.3], [0.1], [1], **options)


def test_methods_text():
    assert "Additive component network meta-analysis, random effects" in fitted().methods_text()


def test_additivity_against_freer_models():
    found = fitted()
    tests = found.additivity()
    # The fall of Q to the standard network is netmeta's; that to designs leaves what trials of one design disagree.
    assert tests.loc["additivity", "q"] == pytest.approx(EXPECTED["Q_diff"], rel=1e-9)
    assert tests.loc["additivity", "df"] == EXPECTED["df_Q_diff"]
    net = ae.network(data=TRIALS, reference="N")
    assert tests.loc["between designs", "q"] == pytest.approx(found.q_additive - net.q_heterogeneity, rel=1e-9)
    assert tests.loc["between designs", "df"] == found.q_additive_df - net.q_heterogeneity_df
    assert tests.loc["between designs", "tau2"] == pytest.approx(net.design_decomposition().random["tau2"], rel=1e-9)


def test_t_intervals_take_the_degrees_of_freedom_of_q():
    z, t = fitted(), fitted(test="t")
    half = (t.components["ci_high"] - t.components["estimate"]) / t.components["se"]
    assert half.to_numpy() == pytest.approx(np.full(len(half), stats.t.ppf(0.975, z.q_additive_df)))
    assert t.components["p_value"].to_numpy() == pytest.approx(2 * stats.t.sf(np.abs(z.components["statistic"]), z.q_additive_df))
    net = ae.network(data=TRIALS, reference="N", test="t")
    assert net.ci_high.loc["A", "N"] == pytest.approx(
        net.estimates.loc["A", "N"] + stats.t.ppf(0.975, net.q_total_df) * net.se.loc["A", "N"]
    )


def test_covariance_gives_the_sum_of_components():
    found = fitted()
    A, B = found.components["estimate"][["A", "B"]]
    assert found.combinations.loc["A + B", "estimate"] == pytest.approx(A + B)
    assert found.combinations.loc["A + B", "se"] ** 2 == pytest.approx(
        found.covariance.loc[["A", "B"], ["A", "B"]].to_numpy().sum()
    )
