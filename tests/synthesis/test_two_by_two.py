"""Two-by-two tables against metafor 5.1 (rma.mh, rma.peto, rma.glmm) and the identities that bind them."""

import json
from pathlib import Path

import numpy as np
import pytest
from builders import METAFOR
from hypothesis import given, settings
from hypothesis import strategies as st

import acuevidence as ae

REFERENCE = Path(__file__).parents[1] / "reference"


def tables(name):
    read = json.loads((REFERENCE / f"{name}.json").read_text())
    a, b, c, d = (np.array(read["data"][cell], float) for cell in ("ai", "bi", "ci", "di"))
    return (a, a + b, c, c + d), read["expected"]


def same(result, want, names):
    for ours, theirs in names.items():
        value = want[theirs][0] if isinstance(want[theirs], list) else want[theirs]
        assert getattr(result, ours) == pytest.approx(value, rel=1e-8), ours


SHARED = {**METAFOR, "h2": "H2"}
TESTS = {"cmh": "MH", "cmh_p": "MHp", "breslow_day": "BD", "breslow_day_p": "BDp", "tarone": "TA", "tarone_p": "TAp"}


@pytest.mark.parametrize("name", ["mh__dat.bcg", "mh__syn.rareA"])
@pytest.mark.parametrize("measure", ["OR", "RR", "RD"])
def test_mantel_haenszel_agrees_with_metafor_also_with_empty_cells(name, measure):
    arms, expected = tables(name)
    same(ae.mantel_haenszel(*arms, measure=measure), expected[f"MH_{measure}"], SHARED)


@pytest.mark.parametrize("correct", [True, False])
def test_the_tests_of_odds_ratios_agree_with_metafor(correct):
    arms, expected = tables("mh__syn.rareA")
    same(ae.mantel_haenszel(*arms, correct=correct), expected["MH_OR" if correct else "MH_OR|correct=FALSE"], TESTS)


@pytest.mark.parametrize("name", ["mh__dat.bcg", "mh__syn.rareA"])
def test_peto_agrees_with_metafor(name):
    arms, expected = tables(name)
    same(ae.peto(*arms), expected["PETO"], SHARED)


@pytest.mark.parametrize("model", ["UM.FS", "CM.EL"])
def test_glmm_agrees_with_metafor_within_the_accuracy_of_its_optimisers(model):
    arms, expected = tables("glmm__dat.collins1985b")
    want, found = expected[f"{model}|ML"], ae.glmm(*arms, model=model)
    assert found.estimate == pytest.approx(want["beta"][0], abs=1e-4)
    assert found.se == pytest.approx(want["se"][0], abs=1e-4)
    assert found.tau2 == pytest.approx(want["tau2"], rel=1e-3)
    assert found.i2 == pytest.approx(want["I2"], rel=1e-3)
    assert (found.q, found.q_df) == (pytest.approx(want["QE_LRT"], rel=1e-9), want["QE_df"])


def test_exact_conditional_likelihood_agrees_with_metafor_to_nine_digits():
    arms, expected = tables("glmm__dat.collins1985b")
    found = ae.glmm(*arms, model="CM.EL")
    assert found.loglik == pytest.approx(expected["CM.EL|ML"]["logLik"], rel=1e-9)
    assert found.bic == pytest.approx(expected["CM.EL|ML"]["BIC"], rel=1e-9)


def test_glmm_leaves_out_empty_tables_and_says_so():
    found = ae.glmm([4, 0, 6, 3], [50, 40, 60, 50], [9, 0, 12, 4], [50, 41, 58, 50], labels=list("ABCD"))
    assert found.k == 3
    assert found.excluded["study"].tolist() == ["B"]


cells = st.integers(1, 60)


@settings(max_examples=60, deadline=None)
@given(cells, cells, cells, cells)
def test_one_trial_pooled_is_the_trial_itself(a, b, c, d):
    pooled = ae.mantel_haenszel([a], [a + b], [c], [c + d])
    assert pooled.estimate == pytest.approx(np.log(a * d / (b * c)), abs=1e-12)
    assert pooled.se == pytest.approx(np.sqrt(1 / a + 1 / b + 1 / c + 1 / d), rel=1e-10)
    difference = ae.mantel_haenszel([a], [a + b], [c], [c + d], measure="RD").estimate
    assert difference == pytest.approx(a / (a + b) - c / (c + d), abs=1e-12)


@settings(max_examples=15, deadline=None)
@given(st.lists(st.tuples(cells, cells, cells, cells), min_size=2, max_size=5))
def test_exchanging_the_groups_turns_the_sign(rows):
    a, b, c, d = np.array(rows, float).T
    for pool in (ae.mantel_haenszel, ae.peto):
        there, back = pool(a, a + b, c, c + d), pool(c, c + d, a, a + b)
        assert there.estimate == pytest.approx(-back.estimate, abs=1e-10)
        assert there.q == pytest.approx(back.q, rel=1e-8, abs=1e-8)


def test_identical_trials_are_homogeneous_and_their_tau2_is_zero():
    arms = [np.full(5, n) for n in (12, 40, 20, 42)]
    for model in ("UM.FS", "CM.EL"):
        found = ae.glmm(*arms, model=model)
        assert found.tau2 == 0
        assert found.q == pytest.approx(0, abs=1e-8)
    # At tau2 = 0 the unconditional maximum is the common odds ratio of the tables themselves.
    assert ae.glmm(*arms).estimate == pytest.approx(np.log(12 * 22 / (28 * 20)), rel=1e-9)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: ae.mantel_haenszel([5, 61], [60, 60], [4, 2], [60, 60]), "events1 must not exceed n1: row 1 has 61"),
        (lambda: ae.mantel_haenszel([0, 0], [60, 60], [4, 2], [60, 60]), "no table holds the events"),
        (lambda: ae.peto([0, 0], [60, 60], [0, 0], [60, 60]), "events occur in no trial"),
        (lambda: ae.glmm([1.5, 3], [60, 60], [4, 2], [60, 60]), "events1 must be whole numbers: row 0 has 1.5"),
        (lambda: ae.glmm([0, 0], [60, 60], [4, 2], [60, 60]), "every trial points to an odds ratio of 0"),
        (lambda: ae.glmm([1], [60], [4], [60]), "needs two trials"),
        (lambda: ae.mantel_haenszel([1], [60], [4], [60], measure="HR"), "measure='HR' is not known"),
        (lambda: ae.mantel_haenszel([], [], [], []), "there is no trial to pool"),
    ],
)
def test_bad_tables_are_refused_by_name(call, words):
    with pytest.raises(ae.AcuevidenceError, match=words):
        call()
