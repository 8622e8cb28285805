"""Contrasts from arms: against meta's pairwise with netmeta, effect_size, and by hand."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import acuevidence as ae

REFERENCE = Path(__file__).parents[1] / "reference"
MULTI = json.loads((REFERENCE / "nma__syn.multiarmA.json").read_text())
ARMS = pd.DataFrame(MULTI["data"]["arm_level"]).rename(columns={"s": "study", "t": "treatment"})
MEANS = {"mean": "mean", "sd": "sd", "n": "n"}


def wide(arms):
    place = arms.groupby("study").cumcount() + 1
    found = arms.assign(place=place).pivot(index="study", columns="place")
    return found.set_axis([f"{name}{i}" for name, i in found.columns], axis=1).reset_index()


def counted():
    d = pd.DataFrame(json.loads((REFERENCE / "nma_bin__dat.woods2010.json").read_text())["data"])
    arms = [
        d[["studlab", f"treat{i}", f"event{i}", f"n{i}"]].set_axis(["study", "treatment", "events", "n"], axis=1) for i in (1, 2)
    ]
    return pd.concat(arms).drop_duplicates().reset_index(drop=True)


def test_standardised_differences_are_those_of_pairwise():
    pairs = ae.arm_contrasts(data=ARMS, **MEANS, measure="SMD")
    want = MULTI["data"]
    assert pairs["treat1"].to_list() == want["treat1"] and pairs["treat2"].to_list() == want["treat2"]
    assert pairs["yi"].to_list() == pytest.approx(want["TE"], rel=1e-12)
    assert pairs["se"].to_list() == pytest.approx(want["seTE"], rel=1e-12)
    net, expected = ae.network(data=pairs), MULTI["expected"]["DL"]
    trts = expected["trts"]
    assert net.estimates.loc[trts, trts].to_numpy() == pytest.approx(np.array(expected["TE_random"]), rel=1e-9, abs=1e-12)
    assert net.se.loc[trts, trts].to_numpy() == pytest.approx(np.array(expected["seTE_random"]), rel=1e-9)


def test_odds_ratios_give_netmetas_network():
    want = json.loads((REFERENCE / "nma_bin__dat.woods2010.json").read_text())["expected"]["Inverse"]
    net = ae.network(data=ae.arm_contrasts(data=counted(), events="events", n="n", measure="OR"), effects="common")
    trts = want["trts"]
    assert net.estimates.loc[trts, trts].to_numpy() == pytest.approx(np.array(want["TE"]), rel=1e-9, abs=1e-12)
    assert net.se.loc[trts, trts].to_numpy() == pytest.approx(np.array(want["seTE"]), rel=1e-9)


def test_long_and_wide_are_the_same():
    table = wide(ARMS)
    long = ae.arm_contrasts(data=ARMS, **MEANS, measure="MD")
    named = ae.arm_contrasts("treatment", data=table, **MEANS, measure="MD")
    lists = {name: [f"{name}{i}" for i in range(1, 5)] for name in ("treatment", *MEANS)}
    listed = ae.arm_contrasts(data=table, **lists, measure="MD")
    arrays = {name: [table[f"{name}{i}"].to_numpy() for i in range(1, 5)] for name in ("treatment", *MEANS)}
    free = ae.arm_contrasts(study=table["study"].to_numpy(), **arrays, measure="MD")
    for other in (named, listed, free):
        pd.testing.assert_frame_equal(other, long, check_dtype=False)


@pytest.mark.parametrize("measure", ["MD", "ROM", "VR", "CVR", "D2OR", "SMD", "SMDH"])
@pytest.mark.parametrize("correct", [False, True])
def test_means_of_two_arms_are_effect_sizes(measure, correct):
    two = ARMS[ARMS.groupby("study")["study"].transform("size") == 2].assign(mean=lambda d: d["mean"].abs())
    pairs = ae.arm_contrasts(data=two, **MEANS, measure=measure, correct=correct)
    names = {f"{name}{i}": pairs[f"{name}{i}"] for name in MEANS for i in (1, 2)}
    want = ae.effect_size(measure, **names, correct=correct if measure not in ("D2OR",) else False)
    assert pairs["yi"].to_list() == pytest.approx(want["yi"].to_list(), rel=1e-12)
    assert pairs["se"].to_list() == pytest.approx(np.sqrt(want["vi"]).to_list(), rel=1e-12)


@pytest.mark.parametrize("measure", ["OR", "RR", "RD", "AS", "OR2D", "PETO"])
def test_counts_of_two_arms_are_effect_sizes(measure):
    d = pd.DataFrame({"study": [1, 1, 2, 2], "treatment": list("ABAB"), "events": [4, 9, 12, 7], "n": [40, 42, 60, 61]})
    pairs = ae.arm_contrasts(data=d, events="events", n="n", measure=measure)
    want = ae.effect_size(measure, events1=[4, 12], n1=[40, 60], events2=[9, 7], n2=[42, 61])
    assert pairs["yi"].to_list() == pytest.approx(want["yi"].to_list(), rel=1e-12)
    assert pairs["se"].to_list() == pytest.approx(np.sqrt(want["vi"]).to_list(), rel=1e-12)


def test_an_empty_cell_is_filled_in_all_arms_of_its_trial():
    d = pd.DataFrame({"study": [1, 1, 1, 2, 2], "treatment": list("ABCAB"), "events": [0, 4, 6, 3, 5], "n": [50, 52, 48, 40, 41]})
    pairs = ae.arm_contrasts(data=d, events="events", n="n", measure="OR")

    def odds(e, n, more):
        return np.log((e + more) / (n - e + more)), 1 / (e + more) + 1 / (n - e + more)

    arm = [odds(e, n, more) for e, n, more in zip(d["events"], d["n"], [0.5] * 3 + [0] * 2, strict=True)]
    for row, (i, j) in enumerate([(0, 1), (0, 2), (1, 2), (3, 4)]):
        assert pairs.loc[row, "yi"] == pytest.approx(arm[i][0] - arm[j][0])
        assert pairs.loc[row, "se"] == pytest.approx(np.sqrt(arm[i][1] + arm[j][1]))
    risk = ae.arm_contrasts(data=d, events="events", n="n", measure="RR").loc[1]
    assert risk["yi"] == pytest.approx(np.log(0.5 / 50.5) - np.log(6.5 / 48.5))
    assert risk["se"] == pytest.approx(np.sqrt(1 / 0.5 - 1 / 50.5 + 1 / 6.5 - 1 / 48.5))
    difference = ae.arm_contrasts(data=d, events="events", n="n", measure="RD").loc[0]
    assert difference["yi"] == pytest.approx(-4 / 52)
    p, q = 0.5 / 51, 4.5 / 53
    assert difference["se"] == pytest.approx(np.sqrt(p * (1 - p) / 51 + q * (1 - q) / 53))
    rates = ae.arm_contrasts(data=d, events="events", time="n", measure="IRR").loc[0]
    assert rates["yi"] == pytest.approx(np.log(0.5 / 50) - np.log(4.5 / 52))
    assert rates["se"] == pytest.approx(np.sqrt(1 / 0.5 + 1 / 4.5))
    apart = ae.arm_contrasts(data=d, events="events", time="n", measure="IRD").loc[0]
    assert apart["yi"] == pytest.approx(-4 / 52)
    assert apart["se"] == pytest.approx(np.sqrt(0.5 / 50**2 + 4.5 / 52**2))
    roots = ae.arm_contrasts(data=d, events="events", time="n", measure="IRSD").loc[0]
    assert roots["yi"] == pytest.approx(-np.sqrt(4 / 52))
    assert roots["se"] == pytest.approx(np.sqrt(0.25 / 50 + 0.25 / 52))


ADD_UP = {"means": "MD SMD ROM VR CVR D2OR", "counts": "OR RR RD AS OR2D", "rates": "IRR IRD IRSD"}


@pytest.mark.parametrize(("measure", "given"), [(measure, kind) for kind, all_of in ADD_UP.items() for measure in all_of.split()])
@pytest.mark.parametrize("correct", [False, True])
def test_contrasts_of_a_trial_add_up(measure, given, correct):
    d = ARMS.assign(mean=ARMS["mean"].abs() + 1, events=ARMS["n"] // 7, time=ARMS["n"] * 1.5)
    d.loc[0, "events"] = 0
    options = {"means": MEANS, "counts": {"events": "events", "n": "n"}, "rates": {"events": "events", "time": "time"}}[given]
    pairs = ae.arm_contrasts(data=d, **options, measure=measure, correct=correct)
    assert len(pairs) == 12
    net = ae.network(data=pairs, tolerance=1e-9)
    assert np.isfinite(net.se.to_numpy()).all()


def test_shared_arms_are_right():
    """A trial of three arms weighs as the generalised least squares of its arms' means does."""
    pairs = ae.arm_contrasts(data=ARMS, **MEANS, measure="MD")
    net = ae.network(data=pairs, effects="common")
    v = (ARMS["sd"] ** 2 / ARMS["n"]).to_numpy()
    X = pd.get_dummies(ARMS["study"].astype(str)).join(pd.get_dummies(ARMS["treatment"]).drop(columns="A")).to_numpy(float)
    W = X.T / v
    covariance = np.linalg.inv(W @ X)
    beta = covariance @ W @ ARMS["mean"].to_numpy()
    assert net.estimates.loc[["B", "C", "D"], "A"].to_list() == pytest.approx(beta[5:], rel=1e-9)
    assert net.se.loc[["B", "C", "D"], "A"].to_list() == pytest.approx(np.sqrt(np.diag(covariance))[5:], rel=1e-9)


def test_trials_that_tell_no_ratio_are_listed():
    d = pd.DataFrame(
        {"study": [1, 1, 2, 2], "treatment": list("ABAB"), "events": [0, 0, 3, 5], "n": [20, 20, 30, 30]}, index=list("wxyz")
    )
    with pytest.warns(RuntimeWarning, match="study 1"):
        pairs = ae.arm_contrasts(data=d, events="events", n="n", measure="OR")
    assert pairs["study"].to_list() == [2]
    assert list(pairs.attrs["excluded"].index) == ["w", "x"]
    assert len(ae.arm_contrasts(data=d, events="events", n="n", measure="RD")) == 2


def test_missing_arms():
    d = ARMS.astype({"mean": float})
    d.loc[[2, 4], "mean"] = np.nan  # one of four arms, and one of two
    with pytest.raises(ae.InputError, match="mean is missing"):
        ae.arm_contrasts(data=d, **MEANS, measure="MD")
    pairs = ae.arm_contrasts(data=d, **MEANS, measure="MD", missing="drop")
    whole = ae.arm_contrasts(data=ARMS, **MEANS, measure="MD")
    kept = whole[~((whole["study"] == 1) & whole[["treat1", "treat2"]].eq("C").any(axis=1)) & (whole["study"] != 2)]
    pd.testing.assert_frame_equal(pairs, kept.reset_index(drop=True))
    left = pairs.attrs["excluded"]
    assert left["reason"].to_dict() == {2: "mean is missing", 4: "mean is missing", 5: "the only arm of its study"}


@pytest.mark.parametrize(
    ("change", "options", "message"),
    [
        ({}, {"mean": None}, "needs mean="),
        ({}, {"measure": "OR", "mean": None, "sd": None}, "needs events="),
        ({}, {"time": "n"}, "does not take time="),
        ({}, {"measure": "HR"}, "measure='HR' is not known"),
        ({}, {"measure": "SMDH"}, "more than two arms; take SMD"),
        ({"treatment": ["A"] * 13}, {}, "more than one arm of A"),
        ({"sd": [-1.0] * 13}, {}, "sd must not be negative"),
        ({"n": [1] * 13}, {}, "n must be 2 or more"),
        ({"study": range(13)}, {}, "a single arm"),
    ],
)
def test_refused(change, options, message):
    with pytest.raises(ae.InputError, match=message):
        ae.arm_contrasts(data=ARMS.assign(**change), **MEANS | {"measure": "MD"} | options)


def test_wide_tables_that_cannot_be_read():
    table = wide(ARMS)
    with pytest.raises(ae.InputError, match="treatment of arm 3 is missing"):
        ae.arm_contrasts(data=table.assign(treatment3=None), **MEANS, measure="MD")
    with pytest.raises(ae.InputError, match="sd needs a column for each of the 4 arms in treatment, and has 3"):
        ae.arm_contrasts(data=table.drop(columns="sd4"), **MEANS, measure="MD")
    with pytest.raises(ae.InputError, match="another one in every row"):
        ae.arm_contrasts(data=table.assign(study=1), **MEANS, measure="MD")


def test_categories_keep_their_order():
    d = ARMS.assign(treatment=pd.Categorical(ARMS["treatment"], categories=list("DCBA")))
    assert list(ae.network(data=ae.arm_contrasts(data=d, **MEANS, measure="MD")).treatments) == list("DCBA")
