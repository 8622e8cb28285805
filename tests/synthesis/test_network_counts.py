"""Networks of counts against netmeta's netmetabin, Mantel-Haenszel of two arms, Poisson regression, and by hand."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm

import acuevidence as ae

REFERENCE = Path(__file__).parents[1] / "reference"
READ = json.loads((REFERENCE / "nma_bin__dat.woods2010.json").read_text())


def woods():
    d = pd.DataFrame(READ["data"])
    arms = [
        d[["studlab", f"treat{i}", f"event{i}", f"n{i}"]].set_axis(["study", "treatment", "events", "n"], axis=1) for i in (1, 2)
    ]
    return pd.concat(arms).drop_duplicates().reset_index(drop=True)


def drawn(seed=4):
    """Return arms of sparse trials: designs of two, three and four arms, each of several trials."""
    rng = np.random.default_rng(seed)
    found = []
    for study in range(20):
        arms = ["AB", "BC", "ABC", "ACD", "ABCD"][study % 5]
        n = rng.integers(60, 200, len(arms))
        events = rng.binomial(n, [0.03 + 0.02 * "ABCD".index(arm) for arm in arms])
        found += list(zip([study] * len(arms), arms, events, n, strict=True))
    return pd.DataFrame(found, columns=["study", "treatment", "events", "n"])


@pytest.mark.parametrize(("method", "rel"), [("MH", 1e-9), ("NCH", 1e-4)])  # netmeta climbs the likelihood to four digits
def test_netmetabin(method, rel):
    want, found = READ["expected"][method], ae.network_counts(data=woods(), method=method)
    trts = want["trts"]
    assert found.estimates.loc[trts, trts].to_numpy() == pytest.approx(np.array(want["TE"]), rel=rel, abs=1e-12)
    assert found.se.loc[trts, trts].to_numpy() == pytest.approx(np.array(want["seTE"]), rel=rel)
    if method == "MH":
        assert found.q_inconsistency == pytest.approx(want["Q_inconsistency"], rel=1e-9)
        assert found.q_inconsistency_df == want["df"]


def test_two_treatments_are_mantel_haenszel():
    d = drawn().query("treatment in ['A', 'B']")
    d = d[d.groupby("study")["study"].transform("size") == 2]
    a, b = (d[d["treatment"] == name] for name in "AB")
    one = ae.mantel_haenszel(a["events"].to_numpy(), a["n"].to_numpy(), b["events"].to_numpy(), b["n"].to_numpy())
    found = ae.network_counts(data=d)
    assert found.estimates.loc["A", "B"] == pytest.approx(one.estimate, rel=1e-12)
    assert found.se.loc["A", "B"] == pytest.approx(one.se, rel=1e-12)
    assert (found.q_inconsistency_df, found.q_inconsistency_p) == (0, 1.0)


def test_likelihood_is_that_of_poisson_regression():
    d = drawn()
    X = pd.get_dummies(d[["treatment", "study"]].astype(str), drop_first=True, dtype=float)
    fit = sm.GLM(d["events"], sm.add_constant(X), family=sm.families.Poisson(), offset=np.log(d["n"])).fit(tol=1e-14)
    found = ae.network_counts(data=d, method="NCH", reference="A").to_frame()
    names = [f"treatment_{name}" for name in "BCD"]
    assert found["estimate"].to_list() == pytest.approx(fit.params[names].to_list(), rel=1e-8)
    assert found["se"].to_list() == pytest.approx(fit.bse[names].to_list(), rel=1e-6)


@pytest.mark.parametrize("method", ["MH", "NCH"])
def test_names_do_not_matter(method):
    d = drawn()
    found = ae.network_counts(data=d, method=method)
    turned = ae.network_counts(data=d.assign(treatment=d["treatment"].map(dict(zip("ABCD", "DBAC", strict=True)))), method=method)
    new = [dict(zip("ABCD", "DBAC", strict=True))[name] for name in found.treatments]
    assert turned.estimates.loc[new, new].to_numpy() == pytest.approx(found.estimates.to_numpy(), rel=1e-9)
    assert turned.se.loc[new, new].to_numpy() == pytest.approx(found.se.to_numpy(), rel=1e-9)
    ends = d.assign(events=d["n"] - d["events"])  # the other side of the coin turns the odds ratio
    if method == "MH":
        assert ae.network_counts(data=ends).estimates.to_numpy() == pytest.approx(-found.estimates.to_numpy(), rel=1e-9)


def test_arms_that_tell_nothing_are_listed():
    more = pd.DataFrame(
        {
            "study": ["none", "none", "all", "all", "x", "x", "y", "y", "z", "z", "z"],
            "treatment": ["A", "B", "A", "B", "B", "E", "B", "E", "A", "B", "E"],
            "events": [0, 0, 9, 8, 3, 0, 2, 0, 4, 5, 0],
            "n": [20, 30, 9, 8, 40, 40, 50, 50, 60, 60, 60],
        },
        index=range(100, 111),
    )
    d = pd.concat([drawn(), more])
    for method in ("MH", "NCH"):
        found = ae.network_counts(data=d, method=method)
        assert list(found.treatments) == list("ABCD")  # nobody on E had the event
        reasons = found.excluded["reason"]
        assert reasons.loc[[100, 101]].eq("nobody had the event in the trial").all()
        assert reasons.loc[[102, 103]].eq("everybody had the event in the trial").all()
        assert reasons.loc[[105, 107, 110]].eq("nobody had the event in this arm of all trials of the design").all()
        assert reasons.loc[[104, 106]].eq("no other arm of the design tells anything").all()
        assert (
            found.k == 21 and found.arms == len(d) - 9 and "Left out, nobody had the event in the trial: 2 arms." in found.summary()
        )
        kept = ae.network_counts(data=pd.concat([drawn(), more.loc[[108, 109]]]), method=method)  # E gone, z stays
        if method == "NCH":  # whose designs do not matter
            assert found.estimates.to_numpy() == pytest.approx(kept.estimates.to_numpy(), rel=1e-9)


def test_a_zero_arm_of_one_trial_stays():
    d = drawn()
    where = d[(d["study"] == 0) & (d["treatment"] == "A")].index
    d.loc[where, "events"] = 0
    found = ae.network_counts(data=d)
    assert found.excluded.empty and found.k == 20 and np.isfinite(found.se.to_numpy()).all()


def test_what_no_longer_hangs_together_is_refused():
    d = pd.DataFrame({"study": [1, 1, 2, 2, 3, 3], "treatment": list("ABBCCD"), "events": [3, 4, 0, 0, 2, 5], "n": [50] * 6})
    with pytest.raises(ae.InputError, match=r"2 parts that no trial connects: \{A, B\}; \{C, D\}; 2 arms tell none"):
        ae.network_counts(data=d)
    with pytest.raises(ae.InputError, match="no trial tells odds ratios"):
        ae.network_counts(data=d.assign(events=0))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"events": [60, 4, 1, 2]}, "events must not exceed n"),
        ({"events": [-1, 4, 1, 2]}, "events must not be negative"),
        ({"events": [np.nan, 4, 1, 2]}, "events is missing"),
        ({"treatment": list("AABC")}, "more than one arm of A"),
        ({"study": [1, 1, 2, 3]}, "a single arm"),
        ({"treatment": ["A", None, "B", "C"]}, "treatment is missing"),
    ],
)
def test_refused(change, message):
    d = pd.DataFrame({"study": [1, 1, 2, 2], "treatment": list("ABBC"), "events": [3, 4, 1, 2], "n": [50] * 4}).assign(**change)
    with pytest.raises(ae.InputError, match=message):
        ae.network_counts(data=d)


def test_missing_arms_are_left_out_when_asked():
    d = drawn()
    d["events"] = d["events"].astype(float)
    third = d[(d["study"] == 2) & (d["treatment"] == "C")].index[0]
    d.loc[third, "events"] = np.nan
    found = ae.network_counts(data=d, missing="drop")
    assert found.excluded.loc[third, "reason"] == "events is missing"
    assert found.estimates.equals(ae.network_counts(data=d.drop(third)).estimates)


def test_shown():
    found = ae.network_counts(data=drawn(), reference="A")
    frame = found.to_frame()
    assert list(frame.index) == list("BCD")
    assert frame["ci_low"].to_list() == pytest.approx((frame["estimate"] - 1.959964 * frame["se"]).to_list(), rel=1e-6)
    assert "Mantel-Haenszel method" in found.methods_text() and "events in" in found.summary()
