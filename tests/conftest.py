"""Whether an answer is the same in every unit: for the tests of models and of what is made of them."""

import json
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

REFERENCE = Path(__file__).parent / "reference"
UNITS = (1e-8, 3e-6, 1e8)
FLOOR = (1e-3, 1e-4, 1e-8)  # sizes, by power of the unit, below which differences in the last digits are no matter
EFFECT = {
    "estimate",
    "estimates",
    "se",
    "ci_low",
    "ci_high",
    "pi_low",
    "pi_high",
    "beta",
    "pred",
    "yi",
    "median",
    "mean",
    "sd",
    "limit_low",
    "limit_high",
    "unadjusted",
    "target",
    "network",
    "network_se",
    "direct",
    "direct_se",
    "indirect",
    "indirect_se",
    "difference",
    "difference_se",
    "mu",
    "tau",
    "prediction",
    "residuals",
    "total",
    "specific",
    "non_specific",
}
VARIANCE = {"tau2", "tau2_se", "vi", "vcov", "covariance", "components", "sigma2", "G", "tau2_del", "own", "bread"}
NOT_COMPARED = {
    "loglik",
    "aic",
    "bic",
    "aicc",  # shift by the logarithm of the unit; they have a test of their own
    "data",
    "trials",
    "model",
    "excluded",
    "X",
    "pull",  # what was given, and parts of what is compared
}


def numbers(answer, place=""):
    """Return the numbers of an answer by place, each with its power of the unit, which its name tells."""
    name = place.rsplit(".", 1)[-1]
    if name in NOT_COMPARED or name.startswith("_") or answer is None:
        return {}
    if is_dataclass(answer):
        inner = {f.name: getattr(answer, f.name) for f in fields(answer)}
    elif isinstance(answer, pd.DataFrame) and list(answer.index) == list(answer.columns):
        inner = None  # a matrix
    elif isinstance(answer, pd.DataFrame) and "tau2" in answer.index:  # coefficients with tau2 below them
        inner = {"tau2": answer.loc["tau2"].to_numpy(), "estimate": answer.drop(index="tau2").to_numpy()}
    elif isinstance(answer, (pd.DataFrame, Mapping)):
        inner = {str(key): answer[key] for key in answer}
    elif isinstance(answer, tuple) and answer and not np.isscalar(answer[0]):
        inner = {f"{i}.{name}": part for i, part in enumerate(answer)}
    else:
        inner = None
    if inner is not None:
        return {key: value for part in inner for key, value in numbers(inner[part], f"{place}.{part}").items()}
    array = np.asarray(answer)
    power = 1 if name in EFFECT else 2 if name in VARIANCE else 0
    return {place: (array.astype(float), power)} if array.dtype.kind in "biuf" else {}


def assert_same(answer, base, unit, *, shift=0.0, located=(), leave=(), rel=1e-6, where=""):
    """Hold an answer against that in unit 1: times the unit, and moved by ``shift`` where its name is among ``located``."""
    found, wanted = numbers(answer), numbers(base)
    assert found.keys() == wanted.keys(), where
    for place, (want, power) in wanted.items():
        name = place.rsplit(".", 1)[-1]
        if name in leave:
            continue
        want = want * unit**power + (shift * unit if name in located else 0.0)
        known = want[np.isfinite(want)]
        # What is 0 but for the last digits of the numbers it came from is held to the size of such numbers.
        size = max(np.abs(known).max(initial=0.0), FLOOR[power] * unit**power, abs(shift) * unit * (name in located))
        np.testing.assert_allclose(found[place][0], want, rtol=rel, atol=1e-9 * size, err_msg=f"{where}: {place} in {unit}")


@pytest.fixture
def same_in_units(request):
    """Hold an answer ``make(*data, unit)`` in every unit against that in unit 1, for every set of data; counts the cases."""
    count = 0

    def check(make, sets, units=UNITS, **options):
        nonlocal count
        for name, *given in sets:
            base = make(*given, 1.0)
            assert numbers(base), "nothing is compared"
            for unit in units:
                assert_same(make(*given, unit), base, unit, where=name, **options)
                count += 1

    yield check
    print(f"{count} answers in other units")


@pytest.fixture
def same_when_shifted():
    """Hold an answer ``make(y, v)`` with shifted effects against that without."""
    count = 0

    def check(make, sets, shifts=(-2.5, 40.0), **options):
        nonlocal count
        for name, y, v in sets:
            base = make(y, v)
            for shift in shifts:
                assert_same(make(y + shift, v), base, 1.0, shift=shift, where=f"{name} + {shift}", **options)
                count += 1

    yield check
    print(f"{count} answers with shifted effects")


def drawn(seed, k):
    rng = np.random.default_rng(seed)
    v = rng.uniform(0.01, 0.2, k)
    return rng.normal(rng.normal(0, 0.5), np.sqrt(v + 0.09)), v


@pytest.fixture(scope="session")
def effect_sets():
    """Return (name, effects, variances): published sets, random ones, and one whose trials differ a millionfold."""
    read = {
        name: pd.DataFrame(json.loads((REFERENCE / f"{name}.json").read_text())["data"])
        for name in ("uni__dat.bcg__RR", "diag__dat.hine1989__REML", "selmodel__dat.hackshaw1998", "selmodel__dat.raudenbush1985")
    }
    found = [(name, d["yi"].to_numpy(), d["vi"].to_numpy()) for name, d in read.items()]
    bcg = read["uni__dat.bcg__RR"]
    a, c = bcg["ai"] / bcg["n1i"], bcg["ci"] / bcg["n2i"]
    variance = a * (1 - a) / bcg["n1i"] + c * (1 - c) / bcg["n2i"]
    found.append(("risk differences", (a - c).to_numpy(), variance.to_numpy()))
    found += [(f"drawn {seed}", *drawn(seed, k)) for seed, k in ((1, 5), (2, 12), (3, 25))]
    y, v = drawn(4, 9)
    found.append(("one trial outweighs", y, v * np.where(np.arange(9) == 3, 1e-6, 1.0)))
    return found
