"""Does a rating follow its written rules, by hand, and does it give way where the user knows better?"""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy.stats import norm

import acuevidence as ae
from acuevidence.evidence.carried import Excluded, carry

EVIDENCE = ae.load_evidence()
ADDRESS = "https://example.org"


def evidence(quality=(), design=(), directions=(), indirect=()):
    """Return an evidence of made-up judgements: tuples of the columns that count."""
    tables = {
        "quality": (quality, ["trial_id", "tool", "domain", "judgement"]),
        "design": (design, ["trial_id", "arm", "field", "value"]),
        "directions": (directions, ["trial_id", "comparator", "week", "direction", "outcome_class"]),
        "indirect": (indirect, ["trial_id", "kind"]),
    }
    made = {}
    types = {"week": float, "value": object, "arm": object}
    for name, (rows, columns) in tables.items():
        frame = pd.DataFrame(list(rows), columns=columns).assign(source_url=ADDRESS, how="", why="a reason")
        frame = frame.astype({c: t for c, t in types.items() if c in frame})
        made[name] = frame.reindex(columns=list(EVIDENCE.tables()[name].columns))
    return replace(EVIDENCE, **made)


def pool(yi, vi, where, *, comparator="sham", n=500, excluded=None, condition="neck_pain", outcome="pain"):
    frame = pd.DataFrame(
        {
            "yi": yi,
            "vi": vi,
            "outcome": outcome,
            "condition": condition,
            "comparator": comparator,
            "effect": "SMD",
            "n1": n,
            "n2": n,
        }
    )
    frame["study"] = frame["trial_id"] = [f"t{i}" for i in range(len(frame))]
    frame["comparator_arms"] = "control"
    carry(frame, topic=EVIDENCE.topic, direction="benefit", evidence=where, excluded=excluded)
    return ae.meta_analysis("yi", "vi", data=frame, labels="study")


def cost(rated, domain):
    return int(rated.domains.set_index("domain").loc[domain, "downgrade"])


def why(rated, domain):
    return rated.domains.set_index("domain").loc[domain, "reason"]


SAME = ([0.3] * 5, [0.01] * 5)


def low(trial):
    return [
        (trial, "Cochrane", d, "low") for d in ("allocation_concealment", "incomplete_outcome_data", "blinding_of_participants")
    ]


@pytest.mark.parametrize(
    ("judgements", "steps"),
    [
        ([], 1),  # nothing is held: not assessed
        ([row for i in range(3) for row in low(f"t{i}")], 0),  # three of five equal weights
        ([row for i in range(2) for row in low(f"t{i}")], 1),
        ([(f"t{i}", "AHRQ", "overall", "high") for i in range(3)], 2),
        ([(f"t{i}", "Cochrane", "allocation_concealment", "unclear") for i in range(5)], 1),
    ],
)
def test_risk_of_bias_goes_by_weight(judgements, steps):
    assert cost(ae.certainty(pool(*SAME, evidence(quality=judgements))), "risk_of_bias") == steps


def test_against_usual_care_blinding_is_no_domain_and_one_step_is_lost_for_it():
    judged = [(f"t{i}", "Cochrane", d, "low") for i in range(5) for d in ("allocation_concealment", "incomplete_outcome_data")]
    assert cost(ae.certainty(pool(*SAME, evidence(quality=judged), comparator="usual_care")), "risk_of_bias") == 1
    assert cost(ae.certainty(pool(*SAME, evidence(), comparator="usual_care")), "risk_of_bias") == 2


def test_the_scale_counts_last_and_its_pages_are_no_fact_of_the_trial():
    items = [
        (f"t{i}", "PEDro", d, "yes") for i in range(5) for d in ("concealed_allocation", "adequate_followup", "blind_subjects")
    ]
    assert cost(ae.certainty(pool(*SAME, evidence(quality=items))), "risk_of_bias") == 0
    facts = [(f"t{i}", None, "concealed", "no") for i in range(5)]
    assert cost(ae.certainty(pool(*SAME, evidence(quality=items, design=facts))), "risk_of_bias") == 2
    of_scale = evidence(quality=items, design=facts)
    told = replace(of_scale, design=of_scale.design.assign(how="PEDro item"))
    assert cost(ae.certainty(pool(*SAME, told)), "risk_of_bias") == 0
    other_arm = [(f"t{i}", "another", "concealed", "no") for i in range(5)]
    assert cost(ae.certainty(pool(*SAME, evidence(quality=items, design=other_arm))), "risk_of_bias") == 0


def test_a_fifth_of_dropouts_is_the_limit():
    def rated(percent):
        rows = [
            (f"t{i}", None, field, value)
            for i in range(5)
            for field, value in (("concealed", "yes"), ("participants_blinded", "yes"), ("dropout_percent", percent))
        ]
        return cost(ae.certainty(pool(*SAME, evidence(design=rows))), "risk_of_bias")

    assert (rated("20"), rated("20.1")) == (0, 2)


def test_inconsistency_goes_by_the_place_of_the_effects():
    spread = pool([-0.5, 0.9, 0.1, 0.8, -0.2, 1.0], [0.01] * 6, evidence())
    beyond = norm.cdf(spread.estimate / np.sqrt(spread.tau2))
    assert 0.1 < beyond < 0.9 and cost(ae.certainty(spread), "inconsistency") == 1
    one_side = pool([0.9, 1.4, 1.1, 1.8, 1.0, 2.2], [0.01] * 6, evidence())
    assert one_side.q_p < 0.1 and norm.cdf(one_side.estimate / np.sqrt(one_side.tau2)) > 0.9
    assert cost(ae.certainty(one_side), "inconsistency") == 0


def test_imprecision_counts_once_and_twice_where_the_interval_is_wide():
    assert cost(ae.certainty(pool(*SAME, evidence())), "imprecision") == 0
    assert cost(ae.certainty(pool(*SAME, evidence(), n=30)), "imprecision") == 1
    narrow = pool([0.5, -0.2, 0.6, -0.1, 0.4], [0.01] * 5, evidence())
    assert narrow.ci_high - narrow.ci_low < 1 and cost(ae.certainty(narrow), "imprecision") == 1
    wide = pool([1.2, -0.8, 0.9, -0.6, 0.3], [0.01] * 5, evidence())
    assert wide.ci_low < 0 < wide.ci_high and wide.ci_high - wide.ci_low > 1
    assert cost(ae.certainty(wide), "imprecision") == 2


def test_the_target_is_the_threshold_where_the_state_says_so():
    small = ae.certainty(pool(*SAME, evidence()))
    assert (small.target, small.state) == ("threshold", "small")
    open_ = ae.certainty(pool([0.3, 0.5, 0.7, 0.4, 0.5], [0.01] * 5, evidence()))
    assert (open_.target, open_.state) == ("no effect", "benefit, importance uncertain")
    assert cost(ae.certainty(pool([0.3, 0.5, 0.7, 0.4, 0.5], [0.01] * 5, evidence()), target="threshold"), "imprecision") == 1
    with pytest.raises(ae.InputError, match="no smallest important difference"):
        ae.certainty(ae.meta_analysis(*SAME), target="threshold")


def test_two_trials_are_at_most_of_low_certainty():
    judged = evidence(quality=[row for i in range(2) for row in low(f"t{i}")])
    assert ae.certainty(pool([0.3, 0.3], [0.01, 0.01], judged)).level == "low"


def test_half_of_the_weight_makes_a_pool_indirect_and_a_sham_says_nothing_of_usual_care():
    rows = [(f"t{i}", "diagnosis") for i in range(3)]
    assert cost(ae.certainty(pool(*SAME, evidence(indirect=rows))), "indirectness") == 1
    assert cost(ae.certainty(pool(*SAME, evidence(indirect=rows[:2]))), "indirectness") == 0
    shams = [(f"t{i}", "sham") for i in range(5)]
    assert cost(ae.certainty(pool(*SAME, evidence(indirect=shams), comparator="usual_care")), "indirectness") == 0


def left(*ids, n=100.0, condition="neck_pain"):
    rows = {
        "trial_id": ids,
        "study": ids,
        "condition": condition,
        "comparator": "sham",
        "arm": None,
        "n": n,
        "reason": "nothing printed",
    }
    return Excluded(pd.DataFrame(rows))


def test_missing_trials_move_the_interval_by_class():
    yi, vi = [0.2] * 5, [0.05] * 5
    said = [
        ("m0", "sham", 8.0, "no_difference", "pain"),
        ("m1", "sham", np.nan, "benefit", "pain;function"),
        ("m2", "sham", 60.0, "no_difference", "pain"),
        ("m3", "sham", 8.0, "no_difference", "sleep"),
    ]
    result = pool(yi, vi, evidence(directions=said), excluded=left("m0", "m1", "m2", "m3"))
    found = ae.certainty(result).missing
    assert list(found.trials["kind"]) == [1, 2, 3, 3]
    held, one = 5 / 0.05, 1 / 0.04  # tau2 is 0; 4 / 100
    assert found.share == pytest.approx(one / (held + 2 * one))
    assert found.shift == pytest.approx(-0.2 * found.share)
    assert found.at(0.2, 0.5) == pytest.approx((held * 0.2 + one * 0.5) / (held + 2 * one))


def test_a_step_is_lost_only_where_the_moved_interval_has_a_weaker_state():
    yi, vi = [0.2] * 5, [0.05] * 5  # interval by HKSJ never narrower than Wald: 0.2 -/+ 2.776 * 0.1, contains 0
    said = [(f"m{i}", "sham", 8.0, "no_difference", "pain") for i in range(3)]
    names = left(*(f"m{i}" for i in range(3)))
    weak = pool(yi, vi, evidence(directions=said), excluded=names)
    assert weak.ci_low < 0 and cost(ae.certainty(weak), "missing_evidence") == 0
    firm = pool([0.32] * 5, vi, evidence(directions=said), excluded=names)
    assert firm.ci_low > 0 > firm.ci_low + ae.certainty(firm).missing.shift
    assert cost(ae.certainty(firm), "missing_evidence") == 1


def test_missing_trials_of_another_condition_are_not_this_pools():
    result = pool(*SAME, evidence(), excluded=left("m0", condition="headache"))
    assert "0 of 5 trials" in why(ae.certainty(result), "missing_evidence")


def test_asymmetry_is_printed_and_costs_nothing():
    k = 12
    yi = 0.1 + 2.5 * np.linspace(0.1, 0.3, k) + np.tile([0.01, -0.01], k // 2)
    rated = ae.certainty(pool(yi, np.linspace(0.1, 0.3, k) ** 2, evidence(), excluded=left("m0")))
    assert "Egger's test P <0.001" in why(rated, "missing_evidence") and cost(rated, "missing_evidence") == 0


def test_one_rule_can_be_changed_and_the_others_stay():
    result = pool(*SAME, evidence())
    strict = ae.certainty(result, rules={"imprecision": {"participants": 10**6}})
    assert (cost(ae.certainty(result), "imprecision"), cost(strict, "imprecision")) == (0, 1)
    with pytest.raises(ae.InputError, match="did you mean 'participants'"):
        ae.certainty(result, rules={"imprecision": {"participant": 1}})


def test_effects_on_both_sides_cost_a_step_only_where_they_disagree_more_than_chance():
    wide = pool([-0.3, 0.4, -0.3, 0.4, 0.0], [0.01] * 5, evidence())  # Q = 49 with weights of 100: P < 0.001
    near = pool([-0.12, 0.16, -0.12, 0.16, 0.0], [0.01] * 5, evidence())  # Q = 7.9: P 0.10
    for result, q in ((wide, 49.2), (near, 7.872)):
        assert result.q == pytest.approx(q)
        assert 0.1 < norm.cdf(result.estimate / np.sqrt(result.tau2)) < 0.9
        assert cost(ae.certainty(result, target="no effect"), "inconsistency") == 1
    below = pool([-0.11, 0.15, -0.11, 0.15, 0.0], [0.01] * 5, evidence())  # Q = 6.7: P 0.15
    assert below.tau2 > 0 and below.q_p > 0.10
    assert cost(ae.certainty(below, target="no effect"), "inconsistency") == 0


@pytest.mark.parametrize(("half", "steps"), [(0.8, 1), (1.0, 2)])
def test_one_sd_of_log_odds_ratios_is_that_of_the_logistic_distribution(half, steps):
    # pi / sqrt(3) = 1.81: intervals of 1.6 and of 2.0 that both include 1
    frame = pd.DataFrame({"yi": 0.0, "vi": 5 * (half / 2.776445) ** 2, "effect": "OR", "n1": 500, "n2": 500}, index=range(5))
    result = ae.meta_analysis("yi", "vi", data=frame, test="HKSJ-adhoc")
    assert result.ci_high == pytest.approx(half, abs=1e-6)
    assert cost(ae.certainty(result), "imprecision") == steps


def test_a_judgement_overrides_its_rule_and_steps_add_up():
    result = pool(*SAME, evidence())
    rated = ae.certainty(result, override={"indirectness": (2, "another population"), "risk_of_bias": (0, "read by us")})
    assert (rated.steps, rated.level, rated.symbols) == (2, "low", "●●○○")
    assert rated.reasons == ["another population"]
    with pytest.raises(ae.InputError, match="steps 0, 1 or 2"):
        ae.certainty(result, override={"indirectness": (3, "")})


def test_a_result_that_carries_nothing_is_not_assessed():
    rated = ae.certainty(ae.meta_analysis(*SAME))
    assert why(rated, "risk_of_bias").startswith("not assessed") and why(rated, "indirectness").startswith("not assessed")


def test_a_typical_sd_is_the_median_over_arms_on_scales_of_0_to_100():
    cells = ["trial_id", "arm", "week", "sd", "scale_min", "scale_max", "caution", "statistic"]
    rows = [
        ("a", "one", 8, 2.0, 0, 10, None, "final"),  # 20 of 100
        ("a", "one", 26, 3.0, 0, 10, None, "final"),  # 30, and 25 with the week before
        ("a", "two", 8, 12.0, 20, 60, None, "final"),  # 30
        ("b", "one", 8, 40.0, 0, 100, None, "final"),  # 40
        ("b", "one", 0, 99.0, 0, 100, None, "final"),  # at baseline
        ("b", "two", 8, 90.0, 0, 100, None, "change"),
        ("c", "one", 8, 95.0, 0, 100, "an SE", "final"),
    ]
    frame = pd.DataFrame(rows, columns=cells).assign(outcome="pain", condition="neck_pain")
    results = frame.reindex(columns=EVIDENCE.results.columns)
    found = ae.questions.typical_sd("neck_pain", evidence=replace(EVIDENCE, results=results))
    assert (found.sd, found.low, found.high) == (30, 27.5, 35)  # of 25, 30 and 40
    assert (found.arms, found.trials, found.condition) == (3, 2, None)


def test_the_row_of_the_summary_of_findings_is_in_points_of_the_typical_scale():
    result = ae.pooled("neck_pain")["sham"]
    (row,) = ae.certainty(result).to_row(result).to_dict("records")
    sd = ae.questions.typical_sd("neck_pain").sd
    assert (row["points"], row["points_low"]) == pytest.approx((result.estimate * sd, result.ci_low * sd))
    assert (row["trials"], row["condition"], row["comparator"]) == (result.k, "neck_pain", "sham")


@pytest.mark.parametrize(
    ("condition", "comparator", "level"),
    [
        ("low_back_pain", "sham", "moderate"),
        ("low_back_pain", "usual_care", "low"),
        ("knee_osteoarthritis", "sham", "low"),
        ("knee_osteoarthritis", "usual_care", "low"),
        ("neck_pain", "sham", "moderate"),
        ("neck_pain", "usual_care", "low"),
        ("headache", "sham", "moderate"),
        ("headache", "usual_care", "low"),
        ("fibromyalgia", "sham", "very low"),
        ("shoulder_pain", "usual_care", "very low"),
    ],
)
def test_the_ratings_are_those_of_a_run_by_hand(condition, comparator, level):
    assert ae.certainty(ae.pooled(condition)[comparator]).level == level
