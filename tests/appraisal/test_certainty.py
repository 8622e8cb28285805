"""Does a rating follow its written rules, and does it give way where the user knows better?"""

import pytest

import acuevidence as ae
from acuevidence.errors import InputError

TRIALS = ae.trial_effects("neck_pain", comparator="sham")


@pytest.fixture(scope="module")
def result():
    return ae.meta_analysis("yi", "vi", data=TRIALS, labels="study")


def downgrade(rated, domain):
    return int(rated.domains.set_index("domain").loc[domain, "downgrade"])


def test_randomised_trials_start_high_and_every_domain_gives_its_reason(result):
    rated = ae.certainty(result)
    assert rated.steps == max(4 - rated.domains["downgrade"].sum(), 1)
    assert rated.domains["reason"].str.len().gt(0).all()
    assert rated.symbols.count("●") == rated.steps


def test_one_rule_can_be_changed_and_the_others_stay(result):
    strict = ae.certainty(result, rules={"imprecision": {"participants": 10**6}})
    plain = ae.certainty(result)
    assert (downgrade(plain, "imprecision"), downgrade(strict, "imprecision")) == (0, 1)
    assert downgrade(strict, "inconsistency") == downgrade(plain, "inconsistency")
    with pytest.raises(ae.InputError, match="did you mean 'participants'"):
        ae.certainty(result, rules={"imprecision": {"participant": 1}})


def test_a_judgement_overrides_its_rule(result):
    rated = ae.certainty(result, indirectness=2, override={"inconsistency": (0, "all in one direction")})
    assert downgrade(rated, "indirectness") == 2
    assert rated.domains.set_index("domain").loc["inconsistency", "reason"] == "all in one direction"
    with pytest.raises(ae.InputError, match="indirectness must be 0, 1 or 2"):
        ae.certainty(result, indirectness=3)


def test_an_unblinded_comparator_costs_a_step():
    effects = ae.trial_effects("neck_pain", comparator="usual_care")
    assert downgrade(ae.certainty(ae.meta_analysis(data=effects)), "risk_of_bias") == 1


def test_asymmetry_counts_only_with_ten_trials_or_more():
    effects = ae.trial_effects(comparator="sham").head(12).copy()
    effects["yi"] = 0.1 + 2.5 * effects["vi"] ** 0.5 + [0.01, -0.01] * 6
    rules = {"missing_evidence": {"share_of_trials": 2.0}}
    many = ae.certainty(ae.meta_analysis(data=effects), rules=rules)
    few = ae.certainty(ae.meta_analysis(data=effects.head(9)), rules=rules)
    assert (downgrade(many, "missing_evidence"), downgrade(few, "missing_evidence")) == (1, 0)


def test_the_row_of_the_summary_of_findings_is_in_points_of_the_typical_scale(result):
    (row,) = ae.certainty(result).to_row(result).to_dict("records")
    sd = ae.questions.typical_sd("neck_pain").sd
    assert (row["points"], row["points_low"]) == pytest.approx((result.estimate * sd, result.ci_low * sd))
    assert (row["trials"], row["participants"]) == (result.k, int(TRIALS[["n1", "n2"]].sum().sum()))
    assert (row["condition"], row["comparator"]) == ("neck_pain", "sham")


def test_an_outcome_without_a_published_threshold_is_judged_against_no_effect_alone():
    wide = ae.meta_analysis([0.9, 0.1, -0.6, 0.4], [0.02] * 4)
    assert downgrade(ae.certainty(wide, outcome="pain", evidence=ae.load_evidence()), "imprecision") == 2
    with pytest.raises(InputError, match="headache_frequency"):
        ae.certainty(wide, outcome="headache_frequencies", evidence=ae.load_evidence())
    rated = ae.certainty(wide, outcome="headache_frequency", evidence=ae.load_evidence())
    assert downgrade(rated, "imprecision") == 1
    assert (
        "no minimal important difference is published" in rated.domains.set_index("domain").loc["imprecision", "reason"]
    )
    with pytest.raises(ae.InputError, match="no minimal important difference is known for 'response'"):
        ae.mid("response", "SMD")


def test_the_outcome_is_that_of_the_trials():
    effects = ae.trial_effects("headache", comparator="sham").assign(yi=[0.9, 0.1, -0.6], vi=0.02)
    own = ae.certainty(ae.meta_analysis(data=effects))
    as_pain = ae.certainty(ae.meta_analysis(data=effects), outcome="pain")
    assert (downgrade(own, "imprecision"), downgrade(as_pain, "imprecision")) == (1, 2)
