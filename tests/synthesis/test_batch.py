"""Many fits at once give the numbers of single fits, wherever a trial or a group stands."""

import copy
import pickle

import numpy as np
import pandas as pd
import pytest

import acuevidence as ae
from acuevidence.synthesis import kernel

RNG = np.random.default_rng(20)


def long_table(groups=40):
    size = RNG.integers(1, 9, groups)
    group = np.repeat(np.arange(groups), size)
    frame = pd.DataFrame({"group": group, "yi": RNG.normal(0.3, 0.5, len(group)), "vi": RNG.uniform(0.01, 0.2, len(group))})
    return frame.sample(frac=1, random_state=1)


@pytest.mark.parametrize(("method", "test"), [("REML", "HKSJ"), ("DL", "z"), ("PM", "HKSJ-adhoc"), ("EE", "z")])
def test_each_row_is_a_meta_analysis_of_its_own(method, test):
    y, v = RNG.normal(size=(30, 7)), RNG.uniform(0.05, 0.5, (30, 7))
    gone = RNG.random(y.shape) < 0.3
    gone[:, 0] = False
    y[gone], v[gone] = np.nan, np.nan
    batch = ae.fit_many(y, v, method=method, test=test)
    assert batch.k.min() < batch.k.max() == 7
    for i in range(len(y)):
        one = ae.meta_analysis(y[i][~gone[i]], v[i][~gone[i]], method=method, test=test)
        for name in ("estimate", "se", "ci_low", "ci_high", "p_value", "tau2", "q", "i2", "pi_low", "pi_high", "k"):
            want = getattr(one, name)
            assert getattr(batch, name)[i] == pytest.approx(np.nan if want is None else want, rel=1e-9, abs=1e-12, nan_ok=True)


def test_groups_of_a_long_table_agree_in_both_doors_and_alone():
    frame = long_table()
    table, grouped = (
        ae.fit_many("yi", "vi", by="group", data=frame).to_frame(),
        ae.meta_analysis("yi", "vi", data=frame, by="group"),
    )
    assert list(map(str, table.index)) == list(grouped)
    for group in table.index:
        alone = ae.meta_analysis("yi", "vi", data=frame[frame["group"] == group])
        assert grouped[str(group)].estimate == pytest.approx(alone.estimate, rel=1e-10)
        assert table.loc[group, "estimate"] == pytest.approx(alone.estimate, rel=1e-10)
        assert table.loc[group, "ci_low"] == pytest.approx(alone.ci_low, rel=1e-9)
        assert grouped[str(group)].data.index.tolist() == alone.data.index.tolist()


def test_the_test_between_groups_is_cochrans_q_of_their_effects():
    frame = long_table(4)
    grouped = ae.meta_analysis("yi", "vi", data=frame, by="group", test="z")
    estimate, se = (np.array([getattr(one, name) for one in grouped.values()]) for name in ("estimate", "se"))
    between = ae.meta_analysis(estimate, se**2, method="EE")
    assert grouped.between.q == pytest.approx(between.q, rel=1e-9)
    assert (grouped.between.df, grouped.between.p) == (3, pytest.approx(between.q_p, rel=1e-9))


def test_a_row_without_trials_is_nan_and_not_converged():
    batch = ae.fit_many([[0.1, 0.2], [np.nan, np.nan]], [[0.1, 0.1], [np.nan, np.nan]])
    assert batch.k.tolist() == [2, 0]
    assert np.isnan(batch.estimate[1])
    assert not batch.converged[1]


@pytest.mark.parametrize("again", [lambda x: pickle.loads(pickle.dumps(x)), copy.copy, copy.deepcopy])
def test_results_survive_pickling_and_copying_to_the_last_bit(again):
    frame = long_table(5)
    one, grouped = ae.meta_analysis("yi", "vi", data=frame), ae.meta_analysis("yi", "vi", data=frame, by="group")
    pd.testing.assert_frame_equal(again(one).to_frame(), one.to_frame(), check_exact=True)
    pd.testing.assert_frame_equal(again(one).data, one.data, check_exact=True)
    pd.testing.assert_frame_equal(again(grouped).to_frame(), grouped.to_frame(), check_exact=True)
    assert again(grouped).between == grouped.between
    assert again(one).summary() == one.summary()


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: ae.fit_many([[0.1, 0.2]], [[0.1, -1.0]]), "vi must be positive and finite: row 0, column 1 has -1.0"),
        (lambda: ae.fit_many([[0.1, 0.2]], [[0.1, np.nan]]), "vi is missing where yi is given: row 0, column 1"),
        (lambda: ae.fit_many([[0.1, np.nan]], [[0.1, 0.2]]), "yi is missing where vi is given: row 0, column 1"),
        (lambda: ae.fit_many([0.1, 0.2], [0.1, 0.2]), r"one shape \(B, k\)"),
        (lambda: ae.fit_many([[0.1, 0.2], [0.3]], [[0.1, 0.2], [0.3]]), "fill short rows with NaN"),
        (lambda: ae.fit_many([[]], [[]]), "there is no trial to pool"),
        (lambda: ae.fit_many([0.1, 0.2], [0.1, 0.2], by=["a"]), "entries for|differ in length"),
        (lambda: ae.fit_many([0.1, 0.2], [0.1, 0.2], by=["a", None]), "by is missing: row 1"),
        (lambda: ae.fit_many([[0.1]], [[0.1]], method="FE"), "method='FE' is not known"),
        (lambda: ae.meta_analysis([0.1, 0.2], [0.1, 0.2], by=pd.Series([1, "1"])), "levels that read alike"),
    ],
)
def test_bad_batches_are_refused_by_name(call, words):
    with pytest.raises(ae.InputError, match=words):
        call()


def test_groups_with_a_common_tau2_are_the_regression_on_group():
    frame = long_table(4).assign(group=lambda f: "g" + f["group"].astype(str))
    grouped = ae.meta_analysis("yi", "vi", data=frame, by="group", test="z", common_tau2=True)
    means = ae.meta_analysis("yi", "vi", data=frame, moderators="~ 0 + group", test="z")
    contrasts = ae.meta_analysis("yi", "vi", data=frame, moderators="~ group", test="z")
    for name, one in grouped.items():
        assert one.estimate == pytest.approx(means.coefficients.loc[f"group[{name}]", "estimate"], rel=1e-9)
        assert one.se == pytest.approx(means.coefficients.loc[f"group[{name}]", "se"], rel=1e-9)
        assert one.tau2 == pytest.approx(means.tau2, rel=1e-9)
    assert grouped.between.q == pytest.approx(contrasts.qm, rel=1e-9)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"method": "DL", "prediction": "HTS"},
        {"method": "EE", "test": "z"},
        {"prediction": "z", "test": "t", "level": 0.9},
        {"common_tau2": True},
    ],
)
def test_frame_of_many_groups_is_that_of_each(options):
    grouped = ae.meta_analysis("yi", "vi", data=long_table(25), by="group", **options)
    frame = grouped.to_frame()
    each = pd.concat([one.to_frame().assign(group=name) for name, one in grouped.items()], ignore_index=True)
    assert frame.columns.tolist() == each.columns.tolist()
    for column in frame:
        if pd.api.types.is_numeric_dtype(frame[column]):
            np.testing.assert_allclose(frame[column], each[column].astype(float), rtol=1e-12)
        else:
            assert frame[column].tolist() == each[column].tolist()


def test_two_cores_give_the_bits_of_one(monkeypatch):
    rng = np.random.default_rng(3)
    v = rng.uniform(0.02, 0.2, (9000, 15))
    y = rng.normal(0.3, np.sqrt(v + 0.04))
    found = []
    for cores in (1, 3):
        monkeypatch.setattr(kernel, "_CORES", cores)
        found.append(ae.fit_many(y, v).to_frame().to_numpy(dtype=float))
    assert (found[0] == found[1]).all()
