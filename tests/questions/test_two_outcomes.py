"""Pain and function of the same trials: the joint model's means, their difference, and what it refuses."""

import importlib
import math

import numpy as np
import pandas as pd
import pytest

import acuevidence as ae

PAIN = np.array([0.2, 0.9, 0.5, 1.4, 0.1, 0.8])
FUNCTION = np.array([0.5, 0.4, 0.1, 0.9, 0.3, 1.2])


@pytest.fixture
def balanced(monkeypatch):
    """Six trials whose effects all have the same sampling variance; a seventh prints pain alone."""

    def effects(condition, *, outcome, **_):
        yi = [*PAIN, 9.0] if outcome == "pain" else FUNCTION
        return pd.DataFrame({"trial_id": list("ABCDEFG")[: len(yi)], "yi": yi}).assign(vi=0.02, comparator="sham", outcome=outcome)

    monkeypatch.setattr(importlib.import_module("acuevidence.questions.two_outcomes"), "trial_effects", effects)


def test_with_equal_precision_the_difference_is_that_of_paired_means(balanced):
    table = ae.questions.two_outcomes(correlation=0.5, structure="UN").to_frame().set_index("outcome")
    gap = PAIN - FUNCTION
    assert table["estimate"].tolist() == pytest.approx([PAIN.mean(), FUNCTION.mean(), gap.mean()])
    expected = [x.std(ddof=1) / math.sqrt(6) for x in (PAIN, FUNCTION, gap)]
    assert table["se"].tolist() == pytest.approx(expected, rel=1e-5)


def test_a_trial_that_prints_one_outcome_stays_out(balanced):
    both = ae.questions.two_outcomes()
    assert sorted(set(both.effects["trial_id"])) == list("ABCDEF")
    assert set(both.to_frame()["trials"]) == {6}


def test_the_means_are_those_of_generalised_least_squares():
    both = ae.questions.two_outcomes(comparator="sham", correlation=0.4)
    G = both.models["sham"].G
    names = list(G.index)
    precision, weighted = np.zeros((2, 2)), np.zeros(2)
    for _, trial in both.effects.groupby("trial_id"):
        at = trial.set_index("outcome").loc[names]
        v = math.sqrt(at["vi"].prod()) * 0.4
        inverse = np.linalg.inv(G.to_numpy() + np.diag(at["vi"]) + v * (1 - np.eye(2)))
        precision += inverse
        weighted += inverse @ at["yi"].to_numpy()
    cov = np.linalg.inv(precision)
    mean = dict(zip(names, cov @ weighted, strict=True))
    table = both.to_frame().set_index("outcome")
    assert table.loc["difference", "estimate"] == pytest.approx(mean["pain"] - mean["function"])
    assert table.loc["difference", "se"] == pytest.approx(math.sqrt(cov[0, 0] + cov[1, 1] - 2 * cov[0, 1]))


def test_only_trials_that_print_both_outcomes_go_in():
    both = ae.questions.two_outcomes()
    assert (both.effects.groupby(["trial_id", "comparator"])["outcome"].nunique() == 2).all()
    for outcome in ("pain", "function"):
        printed = ae.trial_effects(outcome=outcome).set_index(["trial_id", "comparator"])["yi"]
        mine = both.effects[both.effects["outcome"] == outcome].set_index(["trial_id", "comparator"])["yi"]
        pd.testing.assert_series_equal(mine, printed[mine.index])


def test_a_comparator_with_too_few_trials_is_named_not_pooled():
    both = ae.questions.two_outcomes()
    assert both.too_few == {"usual_care": 2}
    assert list(both.models) == ["sham"]
    assert "usual_care: 2 trials print both" in both.summary()
    assert "2 trials print both" in both._repr_html_()


def test_wider_levels_give_wider_intervals_around_the_same_difference():
    narrow, wide = (ae.questions.two_outcomes(level=level).to_frame() for level in (0.8, 0.99))
    assert narrow["estimate"].tolist() == wide["estimate"].tolist()
    assert (wide["ci_low"] < narrow["ci_low"]).all()
    assert (wide["ci_high"] > narrow["ci_high"]).all()


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"condition": "neck_pain"}, "0 trials print both pain and function, 3 are needed"),
        ({"comparator": "usual_care"}, "2 trials print both"),
        ({"correlation": 1.0}, "correlation"),
        ({"level": 95}, "level"),
        ({"structure": "AR"}, "structure"),
        ({"comparator": "placebo"}, "comparator"),
    ],
)
def test_what_cannot_be_pooled_is_refused_with_the_reason(given, message):
    with pytest.raises(ae.InputError, match=message):
        ae.questions.two_outcomes(**given)
