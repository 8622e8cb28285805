"""Is every specification what a reader would get by making these choices by hand, and are the shares what they say?"""

import numpy as np
import pytest

import acuevidence as ae


@pytest.fixture(scope="module")
def found():
    return ae.multiverse("neck_pain", "sham")


_ONE = {"timing": ["end_of_treatment"], "outcome": ["in order"], "statistic": ["adjusted first"], "left_out": ["none out"]}


def one(found, **picked):
    """Return the only specification with these options, the package's own choice elsewhere."""
    frame = found.specifications
    for name, options in found.decisions.items():
        frame = frame[frame[name] == picked.get(name, options[0])]
    (row,) = frame.to_dict("records")
    return row


def same(row, result):
    assert row["k"] == result.k
    assert (row["estimate"], row["ci_low"], row["ci_high"]) == pytest.approx((result.estimate, result.ci_low, result.ci_high))


def test_a_condition_has_ten_thousand_specifications_and_the_first_is_the_standard_analysis(found):
    assert len(found.specifications) >= 10_000
    result = ae.meta_analysis(data=ae.trial_effects("neck_pain", comparator="sham"))
    same(one(found), result)
    same(found.standard, result)
    same(found.standard, ae.pooled("neck_pain")["sham"])


@pytest.mark.parametrize(
    ("condition", "group"), [("low_back_pain", "sham"), ("headache", "usual_care"), ("pelvic_pain", "sham, men")]
)
def test_the_standard_specification_is_the_standard_analysis(condition, group):
    narrow = {name: options[:1] for name, options in ae.multiverse("neck_pain", "sham", _ONE).decisions.items()}
    narrow.pop("comparator_type")
    same(ae.multiverse(condition, group, narrow).standard, ae.pooled(condition)[group])


def test_choices_of_figures_trials_and_models_are_those_made_by_hand(found):
    effects = ae.trial_effects("neck_pain", comparator="sham", timing="short", cautions="include", outcome="pain")
    kept = effects[(effects.n1 + effects.n2) >= 50]
    row = one(found, timing="short", cautions="include", outcome="pain", size="50 or more", estimator="PM", test="HKSJ")
    same(row, ae.meta_analysis(data=kept, method="PM", test="HKSJ"))


def test_quality_leaves_out_trials_below_a_pedro_score_of_six(found):
    effects = ae.trial_effects("neck_pain", comparator="sham")
    printed = ae.load_evidence().quality.query("tool == 'PEDro' and domain == 'score'")
    score = printed.judgement.astype(int).groupby(printed.trial_id).max()
    low = score.index[(score < 6).fillna(False)]
    row = one(found, quality="PEDro below 6 out")
    same(row, ae.meta_analysis(data=effects[~effects.trial_id.isin(low)]))


def test_the_most_influential_trial_is_the_one_that_moves_the_effect_most(found):
    option, column = "most influential trial out", "trial_id"
    effects = ae.trial_effects("neck_pain", comparator="sham")
    whole = ae.meta_analysis(data=effects, method="DL").estimate
    without = {
        group: abs(ae.meta_analysis(data=effects[effects[column] != group], method="DL").estimate - whole)
        for group in effects[column].unique()
        if (effects[column] != group).sum() >= 2
    }
    same(one(found, left_out=option), ae.meta_analysis(data=effects[effects[column] != max(without, key=without.get)]))


def test_shares_count_specifications_and_different_analyses(found):
    frame = found.specifications
    assert found.shares()["above_zero"] == pytest.approx(np.mean(frame["ci_low"] > 0))
    once = frame.drop_duplicates(["estimate", "se", "ci_low", "tau2", "k"])
    assert len(once) <= len(found.distinct) <= len(frame)
    assert found.shares(distinct=True)["beyond_mid"] == pytest.approx(np.mean(found.distinct["estimate"] >= found.mid))
    assert frame["estimate"].round(9).is_monotonic_increasing
    assert (frame["k"] >= 2).all()


def test_the_decision_that_moves_most_explains_the_largest_share_of_the_variance(found):
    frame = found.specifications
    name = found.moves.index[0]
    means = frame.groupby(name, observed=True)["estimate"].transform("mean")
    assert found.moves["share"].iloc[0] == pytest.approx(100 * means.var(ddof=0) / frame["estimate"].var(ddof=0))
    assert found.moves["share"].is_monotonic_decreasing
    assert found.moves["share"].between(0, 100).all()


def test_decisions_can_be_narrowed_and_unknown_ones_are_refused():
    narrow = {"timing": ["end_of_treatment"], "estimator": ["REML", "DL"], "test": ["HKSJ"], "left_out": ["none out"]}
    found = ae.multiverse("fibromyalgia", "sham", narrow)
    assert set(found.specifications["estimator"]) == {"REML", "DL"}
    with pytest.raises(ae.InputError, match="did you mean 'estimator'"):
        ae.multiverse("fibromyalgia", "sham", {"estimators": ["REML"]})
    with pytest.raises(ae.InputError, match="did you mean 'REML'"):
        ae.multiverse("fibromyalgia", "sham", {"estimator": ["RML"]})
    with pytest.raises(ae.InputError, match="a list of which each is text"):
        ae.multiverse("fibromyalgia", "sham", {"estimator": "REML"})
    with pytest.raises(ae.InputError, match="has 2 trials"):
        ae.multiverse("fibromyalgia", "usual_care", narrow)


def test_named_sets_of_trials_are_a_decision_of_their_own():
    narrow = {"timing": ["end_of_treatment"], "left_out": ["none out"], "estimator": ["REML", "HE"], "test": ["t"]}
    effects = ae.trial_effects("neck_pain", comparator="sham")
    gone = effects["trial_id"].head(2).tolist()
    found = ae.multiverse("neck_pain", "sham", narrow, exclude={"first two": gone})
    assert found.decisions["exclude"] == ("none", "first two")
    kept = effects[~effects["trial_id"].isin(gone)]
    same(one(found, exclude="first two", estimator="HE"), ae.meta_analysis(data=kept, method="HE", test="t"))
    same(one(found), ae.meta_analysis(data=effects, test="t"))
    with pytest.raises(ae.InputError, match="did you mean"):
        ae.multiverse("neck_pain", "sham", narrow, exclude={"misspelled": [gone[0] + "x"]})
    with pytest.raises(ae.InputError, match="a list of trial_ids"):
        ae.multiverse("neck_pain", "sham", narrow, exclude={"none": gone})
