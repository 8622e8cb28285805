"""Individual patients: the trial's printed results again, statsmodels beside the batch of ANCOVAs, and what is known of imputation.

Printed: Vickers 2004 (abstract and Table 2): score at 12 months 16.2 (SD 13.7, n = 161) v 22.3 (17.0, n = 140), adjusted difference
4.6 (2.2 to 7.0); improved by 35 %: 87 v 45; days with headache down by half: 49 v 21.
"""

import math

import numpy as np
import pandas as pd
import pytest

import acuevidence as ae
from acuevidence.effects.from_patients import ancova, from_patients
from acuevidence.evidence.ipd import patient_design

KEY = ["outcome", "week"]


@pytest.fixture(scope="module")
def evidence():
    return ae.load_evidence()


@pytest.fixture(scope="module")
def found(evidence):
    return ae.questions.patients("vickers2004", evidence=evidence)


def row(frame, outcome, week):
    return frame.set_index(KEY).loc[(outcome, week)]


def test_the_printed_difference_comes_back(found):
    one = row(found.effects, "pain", 52)
    assert (one["n1"], one["n2"]) == (161, 140)
    assert one["difference"] == pytest.approx(4.6, abs=0.05)
    assert one["ci_low"] == pytest.approx(2.2, abs=0.1)
    assert one["ci_high"] == pytest.approx(7.0, abs=0.1)


def test_the_printed_means_come_back(found):
    at = found.values[(found.values.outcome == "pain") & (found.values.week == 52)]
    means = at.groupby("group")["value"].agg(["mean", "std", "size"]).round(1)
    assert means.loc["treated"].tolist() == [16.2, 13.7, 161]
    assert means.loc["control"].tolist() == [22.3, 17.0, 140]


@pytest.mark.parametrize(("outcome", "events1", "events2"), [("pain", 87, 45), ("headache_frequency", 49, 21)])
def test_the_printed_responders_come_back(found, outcome, events1, events2):
    one = row(found.responders, outcome, 52)
    assert (one["events1"], one["n1"], one["events2"], one["n2"]) == (events1, 161, events2, 140)
    assert one["difference"] == pytest.approx(100 * (events1 / 161 - events2 / 140))


@pytest.mark.parametrize(("outcome", "columns"), [("pain", ("pk1", "pk2", "pk5")), ("headache_frequency", ("f1", "f2", "f5"))])
def test_adjusted_differences_are_those_of_least_squares(found, evidence, outcome, columns):
    import statsmodels.api as sm

    table = evidence.ipd["vickers2004"]
    for week, column in zip((13, 52), columns[1:], strict=True):
        held = table.dropna(subset=[column])
        x = sm.add_constant(np.column_stack([held["group"], held[columns[0]]]).astype(float))
        fit = sm.OLS(held[column].to_numpy(float), x).fit()
        one = row(found.effects, outcome, week)
        assert one["difference"] == pytest.approx(-fit.params[1], rel=1e-9)
        assert one["difference_se"] == pytest.approx(fit.bse[1], rel=1e-9)
        assert (one["ci_low"], one["ci_high"]) == pytest.approx(tuple(-fit.conf_int()[1][::-1]), rel=1e-9)
        assert one["r2"] == pytest.approx(fit.rsquared, rel=1e-9)


def test_the_standardised_difference_by_hand(found):
    one = row(found.effects, "headache_frequency", 13)
    n = 173 + 153
    j = 1 - 3 / (4 * (n - 2) - 1)
    assert one["smd"] == pytest.approx(j * one["difference"] / one["sd"], rel=1e-5)
    assert one["se"] ** 2 == pytest.approx((one["difference_se"] / one["sd"]) ** 2 + one["smd"] ** 2 / (2 * n), rel=1e-9)
    assert (round(one["smd"], 2), round(one["se"], 3)) == (0.23, 0.075)


def test_a_unit_of_the_score_changes_nothing_else(evidence):
    table = evidence.ipd["vickers2004"]
    design = patient_design(evidence.folder, "vickers2004", table)
    columns = ["pk1", "pk2", "pk5", "f1", "f2", "f5"]
    plain = from_patients(table, design)
    for unit in (1e-8, 1e8):
        scaled = from_patients(table.assign(**{c: table[c] * unit for c in columns}), design)
        assert scaled["difference"].to_numpy() == pytest.approx(plain["difference"].to_numpy() * unit, rel=1e-9)
        assert scaled["smd"].to_numpy() == pytest.approx(plain["smd"].to_numpy(), rel=1e-9)
        assert scaled["r2"].to_numpy() == pytest.approx(plain["r2"].to_numpy(), rel=1e-9)


def test_the_same_seed_gives_the_same_digits_and_numpys_own_state_stays(evidence, found):
    np.random.seed(5)  # noqa: NPY002
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    again = ae.questions.patients("vickers2004", evidence=evidence)
    other = ae.questions.patients("vickers2004", seed=7, evidence=evidence)
    assert (np.random.get_state()[1] == before).all()  # noqa: NPY002
    for name in ("multiple_imputation", "jump_to_reference", "copy_reference"):
        pd.testing.assert_frame_equal(getattr(again, name), getattr(found, name))
        assert not np.allclose(getattr(other, name)["difference"], getattr(found, name)["difference"], rtol=1e-6)
        assert getattr(other, name)["difference"].to_numpy() == pytest.approx(
            getattr(found, name)["difference"].to_numpy(), abs=0.6
        )


def test_jump_to_reference_shares_the_effect_out_among_those_who_stayed(tmp_path, evidence):
    # Who leaves at random goes on as a control: the effect becomes effect x share of the treated who stayed (Cro and others 2019).
    rng = np.random.default_rng(3)
    n, effect, stayed = 3000, 5.0, 0.7
    group = np.repeat([0, 1], n // 2)
    level = rng.normal(50, 10, n)
    frame = pd.DataFrame({"id": range(n), "group": group, "age": rng.normal(50, 5, n), "b": level + rng.normal(0, 4, n)})
    frame["w4"] = level - effect * group + rng.normal(0, 4, n)
    frame["w8"] = level - effect * group + rng.normal(0, 4, n)
    gone = (group == 1) & (rng.random(n) > stayed)
    frame.loc[gone, ["w4", "w8"]] = np.nan
    (tmp_path / "ipd").mkdir()
    (tmp_path / "ipd" / "new.yaml").write_text(
        "trial_id: new\npatient: id\ngroup: {column: group, treated: 1, control: 0}\ncomparator: control\ncovariates: [age]\n"
        "scores: [{outcome: pain, measure: score, baseline: b, benefit: -1, weeks: {4: w4, 8: w8}}]\n",
        encoding="utf-8",
    )

    own = ae.questions.patients("new", evidence=evidence.changed(ipd={"new": frame}, folder=str(tmp_path)))
    share = 1 - gone.sum() / (n // 2)
    for week in (4, 8):
        whole = row(own.multiple_imputation, "pain", week)
        assert row(own.effects, "pain", week)["difference"] == pytest.approx(effect, abs=0.6)
        assert whole["difference"] == pytest.approx(effect, abs=0.6)
        jump = row(own.jump_to_reference, "pain", week)["difference"]
        assert jump == pytest.approx(share * whole["difference"], abs=0.35)
    assert own.responders.empty


def test_ancova_many_at_once_is_ancova_one_by_one():
    rng = np.random.default_rng(1)
    y, x = rng.normal(size=(5, 40)), rng.normal(size=(5, 40, 2))
    g = np.arange(40) % 2
    many = ancova(y, g, x)
    each = [ancova(y[i : i + 1], g, x[i]) for i in range(5)]
    assert many.difference == pytest.approx([one.difference[0] for one in each], rel=1e-12)
    assert many.se == pytest.approx([one.se[0] for one in each], rel=1e-12)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda t: t.assign(group=2), "must hold 1 and 0 alone"),
        (lambda t: t.drop(columns="pk5"), "columns that the table has not: pk5"),
        (lambda t: pd.concat([t, t.iloc[[0]]], ignore_index=True), "stands twice"),
    ],
)
def test_tables_that_are_not_as_described_are_refused(evidence, change, said):
    with pytest.raises(ae.InputError, match=said):
        patient_design(evidence.folder, "vickers2004", change(evidence.ipd["vickers2004"]))


def test_an_unknown_name_is_refused(evidence):
    with pytest.raises(ae.InputError, match="the evidence holds: vickers2004"):
        ae.questions.patients("vickers", evidence=evidence)


def test_the_smd_of_patients_by_hand(found, evidence):
    data = evidence.ipd["vickers2004"].dropna(subset=["f1", "f2"])
    one, two = (data.loc[data["group"] == side, "f2"].to_numpy(float) for side in (1, 0))
    df = len(one) + len(two) - 2
    sd = math.sqrt((((one - one.mean()) ** 2).sum() + ((two - two.mean()) ** 2).sum()) / df)
    at = row(found.effects, "headache_frequency", 13)
    j = math.exp(math.lgamma(df / 2) - math.lgamma((df - 1) / 2)) / math.sqrt(df / 2)
    assert at["sd"] == pytest.approx(sd, rel=1e-9)
    assert at["smd"] == pytest.approx(j * at["difference"] / sd, rel=1e-9)
