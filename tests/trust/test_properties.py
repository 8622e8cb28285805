"""What must hold whatever the trials: algebra that needs no reference values.

Each property is a sentence on the model. Inputs range from 1 to 500 trials, variances from 1e-12 to 1e12, names in any script and
repeated, and every kind of column pandas has. Tolerances are relative to the scale of the effects: 1e-12 where only the order of
summation changes.
"""

import os
from decimal import Decimal
from functools import partial

import matplotlib as mpl
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import acuevidence as ae
from acuevidence import effects
from acuevidence.synthesis import kernel

mpl.use("Agg")
LONG = 100 if os.environ.get("ACUEVIDENCE_HYPOTHESIS") == "long" else 1


def tries(examples):
    """Examples of a test, a hundred times as many in the long profile."""
    return settings(max_examples=examples * LONG)


@st.composite
def pools(draw, low=2, high=40, spread=3):
    """Trials with variances within 10^(+-spread) of a typical one that lies anywhere from 1e-9 to 1e9."""
    k = draw(st.integers(low, high))
    seed = draw(st.integers(0, 2**32 - 1))
    rng = np.random.default_rng(seed)
    typical = 10.0 ** draw(st.floats(-9, 9))
    v = np.clip(typical * 10.0 ** rng.uniform(-spread, spread, k), 1e-12, 1e12)
    tau = draw(st.sampled_from([0.0, 0.3, 1.0, 10.0])) * np.sqrt(typical)
    return rng.normal(draw(st.floats(-3, 3)) * np.sqrt(typical), np.sqrt(v + tau**2)), v


def numbers(result):
    fields = ("estimate", "se", "ci_low", "ci_high", "tau2", "i2", "q", "pi_low", "pi_high")
    return {name: getattr(result, name) for name in fields}


def same(one, two, y, v, rtol=1e-12):
    """Compare two results on the scale of their effects."""
    scale = np.abs(y).max() + np.sqrt(v.min())
    for name, value in numbers(one).items():
        other = numbers(two)[name]
        if value is None:
            assert other is None, name
            continue
        size = {"tau2": scale**2, "i2": 100.0, "q": max(1.0, one.q)}.get(name, scale)
        assert abs(value - other) <= rtol * max(size, abs(value)), (name, value, other)


# --- synthesis ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", kernel.METHODS)
@given(pools(), st.integers(0, 2**32 - 1))
@tries(25)
def test_pooled_effect_does_not_depend_on_the_order_of_trials(method, pool, seed):
    y, v = pool
    order = np.random.default_rng(seed).permutation(len(y))
    same(ae.meta_analysis(y, v, method=method), ae.meta_analysis(y[order], v[order], method=method), y, v, rtol=1e-9)


@pytest.mark.parametrize("method", kernel.METHODS)
@given(pools(low=3, high=15, spread=1), st.integers(0, 2**32 - 1))
@tries(25)
def test_order_of_trials_changes_nothing_beyond_1e_12_at_ordinary_spreads(method, pool, seed):
    y, v = pool
    order = np.random.default_rng(seed).permutation(len(y))
    same(ae.meta_analysis(y, v, method=method), ae.meta_analysis(y[order], v[order], method=method), y, v, rtol=1e-12)


@given(st.integers(0, 2**32 - 1))
@tries(10)
def test_order_of_rows_changes_no_other_model_beyond_1e_12(seed):
    rng = np.random.default_rng(seed)
    k = 12
    table = pd.DataFrame(
        {
            "yi": rng.normal(0.3, 0.4, k),
            "vi": rng.uniform(0.02, 0.2, k),
            "trial": np.arange(k) // 2,
            "arm": np.arange(k),
            "events1": rng.integers(1, 30, k),
            "n1": 60,
            "events2": rng.integers(1, 30, k),
            "n2": 55,
            "a": ["x", "y", "z"] * 4,
            "b": ["y", "z", "w"] * 4,
        }
    )
    moved = table.iloc[rng.permutation(k)].reset_index(drop=True)
    counts = ("events1", "n1", "events2", "n2")
    for fit in (
        lambda t: ae.mantel_haenszel(*(t[c] for c in counts)).estimate,
        lambda t: ae.peto(*(t[c] for c in counts)).estimate,
        lambda t: ae.bayes(t.yi, t.vi, tau_prior=("half-normal", 0.5)).summary.loc["mu", "mean"],
        lambda t: ae.network(t.a, t.b, t.yi, np.sqrt(t.vi), t.arm, reference="x").estimates.loc["y", "x"],
        lambda t: ae.meta_analysis(data=t, by="trial")["3"].estimate,
    ):
        assert fit(moved) == pytest.approx(fit(table), rel=1e-12, abs=1e-12)


@pytest.mark.parametrize("method", kernel.METHODS)
@given(pools())
@tries(25)
def test_turning_every_effect_turns_the_answer(method, pool):
    y, v = pool
    one, two = ae.meta_analysis(y, v, method=method), ae.meta_analysis(-y, v, method=method)
    assert (two.estimate, two.se, two.tau2) == (-one.estimate, one.se, one.tau2)
    assert (two.ci_low, two.ci_high) == (-one.ci_high, -one.ci_low)


@pytest.mark.parametrize("method", kernel.METHODS)
@given(pools(), st.integers(-12, 12))
@tries(25)
def test_units_of_the_effects_do_not_matter(method, pool, power):
    y, v = pool
    unit = 2.0**power  # exact in binary: only the algorithm's own thresholds could tell
    one, two = ae.meta_analysis(y, v, method=method), ae.meta_analysis(unit * y, unit**2 * v, method=method)
    assert two.estimate == pytest.approx(unit * one.estimate, rel=1e-10, abs=1e-12 * unit * np.abs(y).max())
    assert two.se == pytest.approx(unit * one.se, rel=1e-10)
    assert two.tau2 == pytest.approx(unit**2 * one.tau2, rel=1e-9, abs=1e-12 * unit**2 * v.min())
    assert two.i2 == pytest.approx(one.i2, rel=1e-9, abs=1e-9)


@given(pools(low=3, high=12, spread=1), st.floats(-5, 5))
def test_shifting_every_effect_shifts_the_pool_and_leaves_heterogeneity(pool, steps):
    y, v = pool
    shift = steps * np.sqrt(v.max())
    one, two = ae.meta_analysis(y, v), ae.meta_analysis(y + shift, v)
    scale = np.abs(y).max() + abs(shift)
    assert two.estimate == pytest.approx(one.estimate + shift, abs=1e-9 * scale)
    assert two.tau2 == pytest.approx(one.tau2, rel=1e-6, abs=1e-9 * scale**2)


@given(pools(low=3, high=12, spread=1), st.floats(-3, 3))
def test_trial_of_nearly_no_weight_moves_nothing(pool, far):
    y, v = pool
    tiny = 1e12 * v.max()
    one = ae.meta_analysis(y, v, method="EE", test="z")
    two = ae.meta_analysis(np.append(y, far * np.sqrt(v.max())), np.append(v, tiny), method="EE", test="z")
    assert two.estimate == pytest.approx(one.estimate, abs=1e-9 * np.sqrt(v.max()))
    assert two.se == pytest.approx(one.se, rel=1e-9)
    assert two.weights[-1] < 1e-9


@pytest.mark.parametrize("method", ["DL", "ML", "REML", "PM"])
@given(pools(low=3, high=12, spread=1), st.floats(-3, 3))
@tries(20)
def test_trial_of_nearly_no_weight_moves_no_average_under_random_effects(method, pool, far):
    y, v = pool
    tau2 = ae.meta_analysis(y, v, method=method).tau2
    more = np.append(y, far * np.sqrt(v.max())), np.append(v, 1e14 * (v.max() + tau2))
    one = kernel.fit(y[None], v[None], method=method, test="z", tau2=np.array([tau2]))
    two = kernel.fit(more[0][None], more[1][None], method=method, test="z", tau2=np.array([tau2]))
    assert two.beta[0, 0] == pytest.approx(one.beta[0, 0], abs=1e-9 * np.sqrt(v.max()))
    likelihood = method in ("ML", "REML")  # a trial more is a degree of freedom more for the moments
    if likelihood:
        found = kernel.fit(more[0][None], more[1][None], method=method).tau2[0]
        assert found == pytest.approx(tau2, rel=1e-6, abs=1e-7 * v.max())


@given(pools(low=2, high=20, spread=1))
def test_weights_add_up_and_the_pool_lies_among_its_trials(pool):
    y, v = pool
    result = ae.meta_analysis(y, v)
    assert result.weights.sum() == pytest.approx(100)
    slack = 1e-12 * np.abs(y).max()
    assert y.min() - slack <= result.estimate <= y.max() + slack
    assert result.tau2 >= 0
    assert 0 <= result.i2 <= 100
    assert result.ci_low <= result.estimate <= result.ci_high


@given(pools(low=2, high=10, spread=1))
def test_equal_trials_twice_halve_the_variance_under_equal_effects(pool):
    y, v = pool
    one = ae.meta_analysis(y, v, method="EE", test="z")
    two = ae.meta_analysis(np.tile(y, 2), np.tile(v, 2), method="EE", test="z")
    assert two.estimate == pytest.approx(one.estimate, rel=1e-10, abs=1e-12 * np.abs(y).max())
    assert two.se == pytest.approx(one.se / np.sqrt(2), rel=1e-12)


@pytest.mark.parametrize("k", [1, 2, 3, 10, 100, 500])
@pytest.mark.parametrize("power", [-12, -6, 0, 6, 12])
@pytest.mark.parametrize("method", ["EE", "REML", "DL", "PM", "ML", "EB"])
def test_every_number_of_trials_and_size_of_variance_has_an_answer(k, power, method):
    rng = np.random.default_rng(k)
    v = np.full(k, 10.0**power) * rng.uniform(0.5, 2, k)
    v = np.clip(v, 1e-12, 1e12)
    result = ae.meta_analysis(rng.normal(0, np.sqrt(2 * v)), v, method=method)
    assert np.isfinite([result.estimate, result.se, result.ci_low, result.ci_high]).all()
    assert (result.tau2 is None) == (k == 1 and method != "EE")


@pytest.mark.parametrize("method", ["REML", "DL", "PM", "ML", "EB", "SJ", "HE"])
def test_variances_from_1e_12_to_1e12_in_one_pool_have_an_answer(method):
    v = 10.0 ** np.arange(-12, 13, 2.0)
    y = np.where(np.arange(len(v)) % 2, 1.0, -1.0) * np.sqrt(v)
    result = ae.meta_analysis(y, v, method=method)
    assert np.isfinite([result.estimate, result.se, result.tau2]).all()
    assert result.se > 0


@pytest.mark.parametrize("test", kernel.TESTS)
@pytest.mark.parametrize("effect", [0.0, 0.3])
def test_effects_that_agree_exactly_have_an_answer(test, effect):
    result = ae.meta_analysis([effect] * 3, [0.1] * 3, test=test)
    assert (result.estimate, result.tau2, result.i2) == (effect, 0, 0)
    assert result.tau2_interval() == (0, 0)
    assert result.se == pytest.approx(0 if test == "HKSJ" else np.sqrt(0.1 / 3))
    assert (result.coefficients["estimate"] == effect).all()


@given(st.lists(pools(low=1, high=8, spread=1), min_size=1, max_size=6))
def test_groups_pooled_together_are_the_groups_pooled_apart(groups):
    table = pd.concat([pd.DataFrame({"yi": y, "vi": v, "g": f"g{i}"}) for i, (y, v) in enumerate(groups)])
    together = ae.meta_analysis("yi", "vi", data=table.reset_index(drop=True), by="g")
    for i, (y, v) in enumerate(groups):
        same(ae.meta_analysis(y, v), together[f"g{i}"], y, v, rtol=1e-10)


# --- columns of every kind ---------------------------------------------------------------------------------------

_Y, _V = [0.25, 0.5, 0.125, 1.0], [0.0625, 0.125, 0.25, 0.03125]  # exact in half precision and in decimals
KINDS = {
    "float64": lambda x: pd.Series(x, dtype="float64"),
    "float32": lambda x: pd.Series(x, dtype="float32"),
    "float16": lambda x: pd.Series(np.array(x, dtype="float16")),
    "longdouble": lambda x: pd.Series(np.array(x, dtype="longdouble")),
    "Float64": lambda x: pd.Series(x, dtype="Float64"),
    "Float32": lambda x: pd.Series(x, dtype="Float32"),
    "object": lambda x: pd.Series(x, dtype=object),
    "object of text": lambda x: pd.Series([str(n) for n in x], dtype=object),
    "string": lambda x: pd.Series([str(n) for n in x], dtype="string"),
    "text with spaces": lambda x: pd.Series([f" {n} " for n in x]),
    "category of numbers": lambda x: pd.Series(x).astype("category"),
    "category of text": lambda x: pd.Series([str(n) for n in x]).astype("category"),
    "Decimal": lambda x: pd.Series([Decimal(str(n)) for n in x], dtype=object),
    "mixed": lambda x: pd.Series([str(x[0]), Decimal(str(x[1])), np.float32(x[2]), x[3]], dtype=object),
    "sparse": lambda x: pd.Series(pd.arrays.SparseArray(x)),
    "pyarrow double": lambda x: pd.Series(x, dtype=pd.ArrowDtype(pa.float64())),
    "pyarrow float": lambda x: pd.Series(x, dtype=pd.ArrowDtype(pa.float32())),
    "pyarrow decimal": lambda x: pd.Series([Decimal(str(n)) for n in x], dtype=pd.ArrowDtype(pa.decimal128(12, 6))),
    "pyarrow string": lambda x: pd.Series([str(n) for n in x], dtype="string[pyarrow]"),
    "list": list,
    "tuple": tuple,
    "array": np.array,
    "read-only array": lambda x: np.frombuffer(np.array(x).tobytes()),
    "reversed view": lambda x: np.array(x[::-1])[::-1],
    "big-endian": lambda x: np.array(x, dtype=">f8"),
    "index": pd.Index,
    "extension array": lambda x: pd.array(x, dtype="Float64"),
    "range of names": lambda x: pd.Series(x, index=["a", "b", "b", "ß"]),
}
WHOLE = {
    **{
        kind: partial(pd.Series, dtype=kind)
        for kind in ("int8", "int16", "int32", "int64", "uint8", "uint16", "uint64", "Int8", "Int32", "Int64", "UInt16", "UInt64")
    },
    "pyarrow int64": lambda x: pd.Series(x, dtype=pd.ArrowDtype(pa.int64())),
    "object of int": lambda x: pd.Series(x, dtype=object),
}
REFUSED = {
    "lists": lambda k: [[1.0, 2.0]] * k,
    "ragged lists": lambda k: pd.Series([[1.0]] + [[1.0, 2.0]] * (k - 1)),
    "bool": lambda k: pd.Series([True] * k),
    "boolean": lambda k: pd.Series([True] * k, dtype="boolean"),
    "object of bool": lambda k: pd.Series([True] * k, dtype=object),
    "pyarrow bool": lambda k: pd.Series([True] * k, dtype=pd.ArrowDtype(pa.bool_())),
    "complex": lambda k: pd.Series([1 + 1j] * k),
    "datetime": lambda k: pd.Series(pd.date_range("2000", periods=k)),
    "datetime with zone": lambda k: pd.Series(pd.date_range("2000", periods=k, tz="UTC")),
    "timedelta": lambda k: pd.Series(pd.to_timedelta(range(k), unit="D")),
    "period": lambda k: pd.Series(pd.period_range("2000", periods=k, freq="D")),
    "interval": lambda k: pd.Series(pd.interval_range(0, k)),
    "category of words": lambda k: pd.Series(["a"] * k).astype("category"),
    "pyarrow timestamp": lambda k: pd.Series(pd.date_range("2000", periods=k)).astype(pd.ArrowDtype(pa.timestamp("ns"))),
    "pyarrow list": lambda k: pd.Series([[1.0]] * k, dtype=pd.ArrowDtype(pa.list_(pa.float64()))),
    "bytes": lambda k: pd.Series(np.array([b"x"] * k)),
    "structured": lambda k: np.zeros(k, dtype=[("a", float)]),
}


@pytest.mark.parametrize("kind", KINDS)
def test_kind_of_column_does_not_matter(kind):
    make = KINDS[kind]
    expected = ae.meta_analysis(_Y, _V)
    result = ae.meta_analysis(make(_Y), make(_V))
    assert numbers(result) == numbers(expected)


@pytest.mark.parametrize("kind", KINDS)
def test_kind_of_column_does_not_matter_in_a_frame(kind):
    columns = {"yi": KINDS[kind](_Y), "vi": KINDS[kind](_V)}
    frame = pd.DataFrame({name: c.reset_index(drop=True) if isinstance(c, pd.Series) else c for name, c in columns.items()})
    assert numbers(ae.meta_analysis(data=frame)) == numbers(ae.meta_analysis(_Y, _V))


@pytest.mark.parametrize("kind", WHOLE)
def test_kind_of_counts_does_not_matter(kind):
    counts = {"events1": [5, 8, 2], "n1": [20, 30, 40], "events2": [7, 3, 9], "n2": [22, 31, 38]}
    expected = ae.effect_size("OR", **counts)
    found = ae.effect_size("OR", **{name: WHOLE[kind](x) for name, x in counts.items()})
    pd.testing.assert_frame_equal(found, expected, check_exact=True)


@pytest.mark.parametrize("kind", REFUSED)
def test_kind_of_column_that_holds_no_numbers_is_refused(kind):
    with pytest.raises(ae.InputError, match="yi"):
        ae.meta_analysis(REFUSED[kind](3), [0.1, 0.1, 0.1])


@pytest.mark.parametrize("dtype", ["Float64", "Int64", pd.ArrowDtype(pa.float64()), object, "string"])
def test_missing_cell_of_any_kind_is_named(dtype):
    column = pd.Series([1, None, 3], index=["a", "b", "c"], dtype=dtype)
    with pytest.raises(ae.InputError, match=r"yi is missing.*row 'b'"):
        ae.meta_analysis(column, pd.Series([1.0, 1.0, 1.0], index=["a", "b", "c"]))
    dropped = ae.meta_analysis(column, pd.Series([1.0, 1.0, 1.0], index=["a", "b", "c"]), missing="drop")
    assert (dropped.k, dropped.excluded["row"].tolist()) == (2, ["b"])


NAMES = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs")), max_size=30)


@given(st.lists(NAMES, min_size=3, max_size=6), st.booleans())
def test_names_of_any_script_and_twice_come_back_as_given(names, twice):
    names = [*names, names[0]] if twice else names
    y, v = np.linspace(0.1, 0.5, len(names)), np.full(len(names), 0.02)
    result = ae.meta_analysis(y, v, labels=names)
    assert result.data["labels"].tolist() == names
    assert numbers(result) == numbers(ae.meta_analysis(y, v))


# --- effect sizes ------------------------------------------------------------------------------------------------


@st.composite
def arms(draw, rows=4):
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    unit = 10.0 ** draw(st.integers(-6, 6))
    n1, n2 = rng.integers(3, 500, rows), rng.integers(3, 500, rows)
    return {
        "mean1": unit * rng.uniform(1, 9, rows),
        "sd1": unit * rng.uniform(0.2, 5, rows),
        "n1": n1,
        "mean2": unit * rng.uniform(1, 9, rows),
        "sd2": unit * rng.uniform(0.2, 5, rows),
        "n2": n2,
    }


@st.composite
def tables(draw, rows=4):
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    n1, n2 = rng.integers(2, 500, rows), rng.integers(2, 500, rows)
    return {"events1": rng.integers(0, n1 + 1), "n1": n1, "events2": rng.integers(0, n2 + 1), "n2": n2}


def exchanged(summaries):
    return {name[:-1] + {"1": "2", "2": "1"}[name[-1]]: x for name, x in summaries.items()}


CONTINUOUS = ["MD", "SMD", "SMDH", "ROM", "VR", "CVR", "D2OR"]
BINARY = ["OR", "RR", "RD", "AS", "PETO", "OR2D"]


@pytest.mark.parametrize("measure", CONTINUOUS)
@given(arms())
@tries(25)
def test_exchanging_groups_of_means_turns_the_sign(measure, a):
    one, two = ae.effect_size(measure, **a), ae.effect_size(measure, **exchanged(a))
    np.testing.assert_allclose(two.yi, -one.yi, rtol=1e-11, atol=1e-13 * np.abs(one.yi).max())
    np.testing.assert_allclose(two.vi, one.vi, rtol=1e-11)


@pytest.mark.parametrize("measure", BINARY)
@given(tables())
@tries(25)
def test_exchanging_groups_of_counts_turns_the_sign(measure, a):
    possible = (a["events1"] + a["events2"] > 0) & (a["events1"] + a["events2"] < a["n1"] + a["n2"])
    assume(measure != "PETO" or possible.all())
    one, two = ae.effect_size(measure, **a), ae.effect_size(measure, **exchanged(a))
    np.testing.assert_allclose(two.yi, -one.yi, rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(two.vi, one.vi, rtol=1e-11)


@pytest.mark.parametrize("measure", ["OR", "PETO", "OR2D", "RD", "AS"])
@given(tables())
@tries(25)
def test_counting_the_absence_of_events_turns_the_sign(measure, a):
    possible = (a["events1"] + a["events2"] > 0) & (a["events1"] + a["events2"] < a["n1"] + a["n2"])
    assume(measure != "PETO" or possible.all())
    absence = a | {"events1": a["n1"] - a["events1"], "events2": a["n2"] - a["events2"]}
    one, two = ae.effect_size(measure, **a), ae.effect_size(measure, **absence)
    np.testing.assert_allclose(two.yi, -one.yi, rtol=1e-9, atol=1e-11)
    np.testing.assert_allclose(two.vi, one.vi, rtol=1e-9, atol=1e-15)


@pytest.mark.parametrize(("measure", "power"), [("MD", 1), ("SMD", 0), ("SMDH", 0), ("ROM", 0), ("VR", 0), ("CVR", 0)])
@given(arms(), st.integers(-10, 10))
@tries(25)
def test_units_of_the_scale_do_what_the_measure_says(measure, power, a, steps):
    unit = 2.0**steps
    scaled = {name: x * unit if name[0] in "ms" else x for name, x in a.items()}
    one, two = ae.effect_size(measure, **a), ae.effect_size(measure, **scaled)
    np.testing.assert_allclose(two.yi, one.yi * unit**power, rtol=1e-12, atol=1e-14 * unit**power * np.abs(one.yi).max())
    np.testing.assert_allclose(two.vi, one.vi * unit ** (2 * power), rtol=1e-12)


@pytest.mark.parametrize("measure", ["MD", "SMD"])
@given(arms(), st.floats(-100, 100))
@tries(25)
def test_shifting_both_groups_leaves_a_difference(measure, a, shift):
    moved = a | {name: a[name] + shift * a["sd1"].max() for name in ("mean1", "mean2")}
    one, two = ae.effect_size(measure, **a), ae.effect_size(measure, **moved)
    np.testing.assert_allclose(two.yi, one.yi, rtol=1e-9, atol=1e-9 * np.abs(one.yi).max() + 1e-10)


@pytest.mark.parametrize("measure", CONTINUOUS)
@given(arms(rows=5), st.permutations(range(5)))
@tries(15)
def test_effect_of_a_trial_does_not_depend_on_its_neighbours(measure, a, order):
    whole = ae.effect_size(measure, **a)
    shuffled = ae.effect_size(measure, **{name: x[list(order)] for name, x in a.items()})
    np.testing.assert_array_equal(shuffled.to_numpy(), whole.to_numpy()[list(order)])


@given(st.lists(st.floats(-50, 50), min_size=4, max_size=60), st.data())
def test_arms_split_and_joined_again_are_the_arm(people, data):
    people = np.array(people)
    cut = data.draw(st.integers(2, len(people) - 2))
    parts = [people[:cut], people[cut:]]
    joined = effects.combine_arms([p.mean() for p in parts], [p.std(ddof=1) for p in parts], [len(p) for p in parts])
    assert joined["n"] == len(people)
    assert joined["mean"] == pytest.approx(people.mean(), abs=1e-12)
    assert joined["sd"] == pytest.approx(people.std(ddof=1), rel=1e-9, abs=1e-9)


@given(st.integers(1, 400), st.integers(1, 6), st.data())
def test_split_arm_counts_everyone_once(n, parts, data):
    assume(parts <= n)
    events = data.draw(st.integers(0, n))
    split = effects.split_arm(n, parts, events=events)
    assert (split["n"].sum(), split["events"].sum()) == (n, events)
    assert (split["events"] <= split["n"]).all()
    assert split["n"].max() - split["n"].min() <= 1


@given(arms(rows=1))
def test_interval_gives_back_the_effect_it_was_made_from(a):
    effect = ae.effect_size("SMD", **a)
    half = 1.959963984540054 * np.sqrt(effect.vi)
    back = effects.from_ci(effect.yi - half, effect.yi + half)
    np.testing.assert_allclose(back.yi, effect.yi, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(back.vi, effect.vi, rtol=1e-9)


# --- selection and plots -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("condition", ["low_back_pain", "neck_pain"])
@given(st.integers(0, 2**32 - 1))
@tries(2)
def test_selection_does_not_depend_on_the_order_of_rows(condition, seed):
    import dataclasses

    evidence = ae.load_evidence()
    rng = np.random.default_rng(seed)
    shuffled = {name: t.iloc[rng.permutation(len(t))].reset_index(drop=True) for name, t in evidence.tables().items()}
    one = ae.trial_effects(condition, evidence=evidence)
    two = ae.trial_effects(condition, evidence=dataclasses.replace(evidence, **shuffled))
    key = ["comparator", "trial_id"]
    one, two = (t.sort_values(key).reset_index(drop=True) for t in (one, two))
    assert one[key].equals(two[key])
    np.testing.assert_allclose(two[["yi", "vi"]], one[["yi", "vi"]], rtol=1e-12)
    assert two["source_url"].tolist() == one["source_url"].tolist()
    left = [t.attrs["excluded"].sort_values(["comparator", "trial_id", "arm"])["reason"] for t in (one, two)]
    left = [[set(reason.split("; ")) for reason in reasons] for reasons in left]
    assert left[0] == left[1]


@pytest.mark.filterwarnings("ignore:Glyph")  # the font lacks some scripts, which matplotlib says itself
@given(pools(low=1, high=30), st.lists(NAMES, min_size=30, max_size=30))
@tries(4)
def test_forest_plot_draws_any_trials_and_any_names(pool, names):
    import matplotlib.pyplot as plt

    y, v = pool
    try:
        ax = ae.meta_analysis(y, v, labels=names[: len(y)]).forest()
        ax.figure.canvas.draw()
        low, high = ax.get_xlim()
    finally:
        plt.close("all")
    assert np.isfinite([low, high]).all()
    assert low < high


@given(pools(low=2, high=8, spread=1), st.integers(0, 2**32 - 1))
@tries(4)
def test_pooled_row_of_a_forest_plot_does_not_depend_on_the_order_of_trials(pool, seed):
    import matplotlib.pyplot as plt

    y, v = pool
    order = np.random.default_rng(seed).permutation(len(y))
    found = []
    for rows in (np.arange(len(y)), order):
        ax = ae.meta_analysis(y[rows], v[rows]).forest(title="")
        found.append(sorted(text.get_text() for text in ax.texts if "[" in text.get_text() or "to" in text.get_text()))
        plt.close(ax.figure)
    assert found[0] == found[1]
