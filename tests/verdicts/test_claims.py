"""Do the verdicts follow the data, and nothing else?

Every verdict is driven from outside: evidence is built from invented trials whose effects are known by construction (means, SDs and
numbers typed here), or the package's own tables are turned round, and the verdict must go where the rule in words says. A verdict that
stays put although its data changed would be an answer typed in.
"""

import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import acuevidence as ae
from acuevidence.report import answers
from acuevidence.report.figures import figures
from acuevidence.synthesis.ratio import ratio_interval
from acuevidence.verdicts.answer import combined
from acuevidence.verdicts.claims import verdicts

LISTED = [
    "lbp-relief", "knee-relief", "knee-function", "headache-days", "headache-adjunct", "neck-relief",
    "fibro-mixed", "placebo-share", "sham-type", "conditions-differ", "patients-differ", "heterogeneity",
    "quick-or-gradual", "lasting", "dose", "technique", "function-first", "sleep-mood",
    "less-medication", "safe", "soreness-bruise", "adjunct-best", "clinically-worth-it", "certainty-varies",
    "consensus", "missing-evidence",
]  # fmt: skip


@pytest.fixture(scope="module")
def found():
    return ae.evaluate_claims()


# --- evidence by construction ------------------------------------------------------------------------------------


def trial(effect, against="sham", *, condition="low_back_pain", n=200, sd=10.0, week=8, outcomes=("pain",), **about):
    """Return one invented trial: its effect in SDs, its comparator, n per arm, and what else is known of it."""
    return {
        "effect": effect,
        "against": against,
        "condition": condition,
        "n": n,
        "sd": sd,
        "week": week,
        "outcomes": outcomes,
        **about,
    }


def evidence_of(*trials, **tables):
    """Return evidence that holds the invented trials and nothing else; thresholds and the like are the package's."""
    base = ae.load_evidence()
    made = {"trials": [], "arms": [], "results": [], "directions": []}
    for i, one in enumerate(trials):
        key = {"trial_id": f"t{i}", "condition": one["condition"]}
        made["trials"].append({**key, "study": f"T {i}", "year": 2000 + i, "design": "parallel", "treatment_weeks": one.get("weeks", 8),
                               "technique": one.get("technique", "manual"), "sessions": one.get("sessions"),
                               "diagnosis": one.get("diagnosis", "pain"), "n_randomized": 2 * one["n"]})  # fmt: skip
        for arm, role in (("acu", "acupuncture"), ("control", one["against"])):
            made["arms"].append({**key, "arm": arm, "role": role, "sham_type": one.get("sham_type") if role == "sham" else None,
                                 "description": one.get("description", "needles"), "n_randomized": one["n"]})  # fmt: skip
        if "reports" in one:
            made["directions"].append(
                {**key, "comparator": one["against"], "outcome": "pain", "direction": one["reports"]}
            )
            continue
        weeks = one["week"] if isinstance(one["week"], dict) else {one["week"]: one["effect"]}
        for week, effect in weeks.items():
            for outcome in one["outcomes"]:
                size = one.get(outcome, effect)
                for arm, mean, sd in (("acu", 50 + size * 10, one["sd"]), ("control", 50.0, 10.0)):
                    made["results"].append({
                        **key, "outcome": outcome, "measure": one.get("measure", "VAS pain"), "week": week, "arm": arm,
                        "statistic": "final",
                        "n": one["n"], "n_basis": "analysed", "mean": mean, "sd": sd, "benefit": 1, "source_url": "https://example.org",
                        "source_kind": "full_text", "locator": "table", "figures_as_printed": f"{mean}", "extraction": "single",
                    })  # fmt: skip
    filled = {}
    for name, rows in {**made, "contrasts": [], "quality": []}.items():
        empty = getattr(base, name).iloc[:0]
        filled[name] = pd.DataFrame(rows).reindex(columns=empty.columns).astype(empty.dtypes.to_dict())
    return replace(base, **{**filled, **tables})


def verdict(claim, *trials, **tables):
    found = ae.evaluate_claims(claim, evidence=evidence_of(*trials, **tables)).iloc[0]
    assert found.verdict in verdicts()
    return found.verdict


def both(effect_sham, effect_usual, k=5, **about):
    return [trial(effect_sham, "sham", **about) for _ in range(k)] + [
        trial(effect_usual, "usual_care", **about) for _ in range(k)
    ]


# --- verdicts that must move -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sham", "usual", "expected"),
    [
        (0.6, 0.6, "supported"),
        (0.15, 0.15, "partly supported"),
        (0.6, 0.0, "mixed"),
        (0.0, 0.0, "not supported"),
        (-0.5, -0.5, "not supported"),
    ],
)
def test_relief_follows_the_effects_against_both_comparators(sham, usual, expected):
    assert verdict("lbp-relief", *both(sham, usual, n=400)) == expected


def test_relief_cannot_be_told_without_trials_or_from_small_ones():
    assert verdict("lbp-relief", trial(0.6, condition="headache")) == "insufficient data"
    assert verdict("lbp-relief", *(trial(e, n=8) for e in (0.6, -0.2, 0.3))) == "insufficient data"


def test_a_folder_without_the_thresholds_that_its_rules_name_is_refused():
    none = ae.load_evidence().thresholds.iloc[:0]
    with pytest.raises(ae.InputError, match="thresholds has no row with measure"):
        verdict("lbp-relief", *both(0.6, 0.6, n=400), thresholds=none)


def test_a_single_trial_decides_only_when_it_is_large():
    assert (
        verdict("headache-adjunct", trial(0.5, "usual_care", condition="headache", n=60, week=20, weeks=16))
        == "insufficient data"
    )
    large = trial(0.5, "usual_care", condition="headache", n=600, week=20, weeks=16)
    assert verdict("headache-adjunct", large) == "supported"
    waiting = {**large, "against": "waitlist"}
    assert verdict("headache-adjunct", waiting) == "insufficient data"


def test_turning_every_figure_round_turns_relief_round(found):
    evidence = ae.load_evidence()
    swapped = evidence.contrasts["favours"].map({"acupuncture": "comparator", "comparator": "acupuncture"})
    turned = replace(
        evidence,
        results=evidence.results.assign(benefit=-evidence.results["benefit"]),
        contrasts=evidence.contrasts.assign(favours=swapped.fillna(evidence.contrasts["favours"])),
    )
    before = found[found.id.isin(["lbp-relief", "neck-relief", "headache-adjunct"])]
    after = ae.evaluate_claims(["lbp-relief", "neck-relief", "headache-adjunct"], evidence=turned)
    assert set(before.verdict) <= {"supported", "partly supported"}
    assert set(after.verdict) == {"not supported"}


def test_disability_that_does_not_follow_pain_makes_neck_relief_mixed():
    outcomes = ("pain", "pain_disability")
    assert verdict("neck-relief", *both(0.6, 0.6, condition="neck_pain", n=400, outcomes=outcomes)) == "supported"
    lagging = both(0.6, 0.6, condition="neck_pain", n=400, outcomes=outcomes, pain_disability=0.0)
    assert verdict("neck-relief", *lagging) == "mixed"


def test_the_share_of_placebo_follows_the_two_comparators():
    assert verdict("placebo-share", *both(0.2, 0.8, k=6)) == "supported"
    assert verdict("placebo-share", *both(0.8, 0.2, k=6, n=400)) == "not supported"
    assert verdict("placebo-share", *both(0.4, 0.4, k=6)) == "insufficient data"


@pytest.mark.parametrize(
    ("gap", "n", "expected"), [(0.7, 200, "supported"), (0.0, 800, "not supported"), (0.2, 20, "insufficient data")]
)
def test_sham_type_follows_the_gap_between_shams(gap, n, expected):
    trials = [trial(0.2 + gap, sham_type="nonpenetrating", n=n) for _ in range(4)]
    trials += [trial(0.2, sham_type="penetrating_superficial", n=n) for _ in range(4)]
    assert verdict("sham-type", *trials) == expected


@pytest.mark.parametrize(("gap", "expected"), [(0.7, "supported"), (0.0, "not supported")])
def test_conditions_differ_when_their_effects_do(gap, expected):
    trials = [
        one
        for c, e in (("low_back_pain", 0.2), ("neck_pain", 0.2 + gap))
        for one in both(e, e, k=4, condition=c, n=500)
    ]
    assert verdict("conditions-differ", *trials) == expected


@pytest.mark.parametrize(("sd", "expected"), [(16.0, "supported"), (10.0, "not supported"), (7.0, "not supported")])
def test_patients_differ_only_when_acupuncture_spreads_them_more(sd, expected):
    assert verdict("patients-differ", *both(0.3, 0.3, sd=sd)) == expected


@pytest.mark.parametrize(
    ("effects", "expected"), [((0.0, 1.0, 0.1, 0.9), "supported"), ((0.4, 0.42, 0.38, 0.41), "not supported")]
)
def test_heterogeneity_follows_the_spread_of_effects(effects, expected):
    assert verdict("heterogeneity", *(trial(e) for e in effects)) == expected


@pytest.mark.parametrize(("slope", "expected"), [(0.05, "supported"), (0.0, "not supported"), (-0.05, "not supported")])
def test_dose_follows_the_slope_on_sessions_and_weeks(slope, expected):
    trials = [
        trial(0.1 + slope * s, a, n=600, sessions=str(s), weeks=s, week=s)
        for a in ("sham", "usual_care")
        for s in range(4, 22, 3)
    ]
    assert verdict("dose", *trials) == expected


def test_technique_needs_an_effect_of_both():
    manual, electro = both(0.5, 0.5, n=400), both(0.5, 0.5, n=400, technique="electro")
    assert verdict("technique", *manual, *electro) == "supported"
    assert verdict("technique", *manual, *both(0.0, 0.0, n=400, technique="electro")) == "mixed"
    assert verdict("technique", *manual) == "partly supported"


@pytest.mark.parametrize(
    ("function", "expected"), [(0.5, "supported"), (0.1, "partly supported"), (0.0, "not supported")]
)
def test_function_is_judged_beside_pain_in_the_same_trials(function, expected):
    trials = both(0.5, 0.5, n=800, outcomes=("pain", "function"), function=function)
    assert verdict("function-first", *trials) == expected


@pytest.mark.parametrize(("late", "expected"), [(0.5, "supported"), (0.0, "not supported")])
def test_lasting_follows_the_effects_at_six_and_twelve_months(late, expected):
    assert verdict("lasting", *both(0, 0, n=400, week={8: 0.5, 26: late, 52: late})) == expected


@pytest.mark.parametrize(
    ("early", "late", "expected"), [(0.3, 0.8, "supported"), (0.5, 0.5, "mixed"), (0.0, 0.0, "not supported")]
)
def test_onset_needs_an_early_effect_and_growth(early, late, expected):
    assert verdict("quick-or-gradual", *both(0, 0, n=400, week={2: early, 8: late})) == expected


@pytest.mark.parametrize(("more", "expected"), [(0.6, "supported"), (-0.6, "not supported"), (0.0, "not supported")])
def test_a_wider_plan_is_best_only_when_its_trials_show_more(more, expected):
    trials = both(0.2, 0.2, n=600) + both(0.2 + more, 0.2 + more, n=600, description="needles plus exercise")
    assert verdict("adjunct-best", *trials) == expected


def test_worth_is_for_some_only_when_new_settings_may_go_either_way():
    assert verdict("clinically-worth-it", *(trial(e) for e in (0.0, 0.7, 0.1, 0.6))) == "supported"
    assert verdict("clinically-worth-it", *(trial(1.0) for _ in range(4))) == "not supported"


def test_certainty_varies_only_when_levels_differ():
    assert verdict("certainty-varies", *both(0.5, 0.5, k=3, n=400)) == "not supported"
    wild = [trial(e, "usual_care", condition="headache", n=20) for e in (-0.4, 1.5)]
    assert verdict("certainty-varies", *both(0.5, 0.5, k=3, n=400), *wild) == "supported"


def test_unprinted_trials_matter_only_when_they_can_move_a_synthesis():
    printed = [trial(0.5) for _ in range(3)]
    assert verdict("missing-evidence", *printed) == "insufficient data"
    assert verdict("missing-evidence", *printed, *(trial(0, reports="no_difference") for _ in range(6))) == "supported"
    assert verdict("missing-evidence", *printed, trial(0, reports="no_difference", n=20)) == "not supported"
    benefits = [trial(0, reports="benefit") for _ in range(6)]
    assert verdict("missing-evidence", *printed, *benefits) == "partly supported"


def test_secondary_outcomes_are_answered_once_they_are_printed():
    assert verdict("less-medication", *both(0.4, 0.4)) == "insufficient data"
    assert verdict("less-medication", *both(0.4, 0.4, outcomes=("medication",))) == "supported"
    assert verdict("less-medication", *both(0.0, 0.0, n=400, outcomes=("medication",))) == "not supported"


def test_knee_function_reads_the_instruments_it_names():
    stiff = both(0.5, 0.5, condition="knee_osteoarthritis", outcomes=("other",), measure="WOMAC stiffness")
    found = ae.evaluate_claims("knee-function", evidence=evidence_of(*stiff)).iloc[0]
    assert "stiffness v sham: 5 trials" in found.estimates
    assert "WOMAC total v sham: no trial" in found.estimates
    assert found.verdict == "partly supported"


def test_safety_follows_the_counts(found):
    evidence = ae.load_evidence()
    serious = evidence.safety["event"] == "serious"
    many = evidence.safety.assign(
        events=evidence.safety["events"].where(
            ~serious, (evidence.safety["n_treatments"].fillna(evidence.safety["n_patients"]) // 50)
        )
    )
    mostly = many.assign(events=many["events"].where(many["event"] != "requiring_treatment", 19000))
    assert found.set_index("id").verdict["safe"] == "supported"
    assert ae.evaluate_claims("safe", evidence=replace(evidence, safety=many)).verdict.item() == "partly supported"
    assert ae.evaluate_claims("safe", evidence=replace(evidence, safety=mostly)).verdict.item() == "not supported"
    none = replace(evidence, safety=evidence.safety.iloc[:0])
    assert set(ae.evaluate_claims(["safe", "soreness-bruise"], evidence=none).verdict) == {"insufficient data"}


@pytest.mark.parametrize(("bruises", "sore", "expected"), [(600, 300, "supported"), (60, 30, "not supported")])
def test_the_usual_events_follow_their_share_in_all_events(bruises, sore, expected):
    counts = {"any": 1000, "bleeding_or_haematoma": bruises, "pain_at_site": sore, "serious": 1}
    empty = ae.load_evidence().safety.iloc[:0]
    rows = [
        {"study_id": name, "study": name, "design": "survey", "denominator": "treatments", "event": event, "events": count,
         "n_treatments": 20000, "source_url": "https://example.org", "figures_as_printed": "", "notes": ""}
        for name in "abcd" for event, count in counts.items()
    ]  # fmt: skip
    table = pd.DataFrame(rows).reindex(columns=empty.columns).astype(empty.dtypes.to_dict())
    assert verdict("soreness-bruise", trial(0.3), safety=table) == expected


def test_where_an_analysis_refuses_the_claim_cannot_be_told_and_says_why():
    lone = evidence_of(trial(0.3))
    found = ae.evaluate_claims(evidence=lone).set_index("id")
    assert set(
        found.verdict[["placebo-share", "patients-differ", "lasting", "quick-or-gradual", "function-first"]]
    ) == {"insufficient data"}
    assert "to follow an effect" in found.reasons["lasting"]
    assert "v sham: too few trials print both" in found.reasons["function-first"]
    assert (found.needed[found.verdict == "insufficient data"] != "").all()


def test_both_comparators_stand_in_one_model_with_trials_as_clusters(found):
    lines = found.set_index("id").estimates["conditions-differ"].split("\n")
    (joint,) = [line for line in lines if line.startswith("v both")]
    assert joint.endswith("trials as clusters")
    counted = sum(int(n) for n in re.findall(r"\((\d+) trials\)", joint))
    assert counted == ae.trial_effects()["trial_id"].nunique()


def test_no_verdict_about_lasting_rests_on_a_single_trial_in_a_period():
    early = both(0, 0, n=400, week={8: 0.5, 52: 0.5})
    assert verdict("lasting", *early) == "partly supported"
    assert verdict("lasting", *early, *both(0, 0, k=1, n=400, week={8: 0.5, 26: 0.5, 52: 0.5})) == "partly supported"
    assert verdict("lasting", *early, *both(0, 0, k=2, n=400, week={8: 0.5, 26: 0.5, 52: 0.5})) == "supported"


def test_consensus_follows_what_is_published(found):
    evidence = ae.load_evidence()
    table = evidence.reference_syntheses
    swapped = table["favours"].map({"acupuncture": "comparator", "comparator": "acupuncture"}).fillna(table["favours"])
    turned = replace(evidence, reference_syntheses=table.assign(favours=swapped))
    assert found.set_index("id").verdict["consensus"] == "supported"
    assert ae.evaluate_claims("consensus", evidence=turned).verdict.item() == "not supported"
    empty = replace(evidence, reference_syntheses=table.iloc[:0])
    assert ae.evaluate_claims("consensus", evidence=empty).verdict.item() == "insufficient data"


def test_fibromyalgia_is_mixed_only_while_its_trials_disagree():
    mixed = [trial(e, condition="fibromyalgia", n=300) for e in (0.9, 0.8, 0.0, 0.9, 0.8)]
    alike = both(0.6, 0.6, condition="fibromyalgia", n=400, outcomes=("pain", "sleep"))
    assert verdict("fibro-mixed", *mixed) == "supported"
    assert verdict("fibro-mixed", *alike) in ("partly supported", "not supported")
    assert verdict("fibro-mixed", *both(0.0, 0.0, condition="fibromyalgia", n=400)) == "not supported"
    assert verdict("fibro-mixed", trial(0.5, condition="headache")) == "insufficient data"


# --- the answers as a whole --------------------------------------------------------------------------------------


def test_every_claim_gets_one_answer_from_the_vocabulary(found):
    assert found.id.tolist() == LISTED == ae.claims().id.tolist()
    assert set(found.verdict) <= set(verdicts())
    assert found.certainty.isin(["high", "moderate", "low", "very low", "not rated"]).all()
    assert (found[["claim", "answer", "reasons", "estimates"]] != "").all().all()


def test_a_claim_that_cannot_be_told_says_what_is_missing(found):
    assert (found.loc[found.verdict == "insufficient data", "needed"] != "").all()


def test_the_answer_is_the_wording_of_the_verdict(found):
    wording = ae.claims().set_index("id")["wording"]
    assert all(row.answer == wording[row.id][row.verdict] for row in found.itertuples())


def test_every_claim_names_a_published_figure_and_known_thresholds():
    claims = ae.claims()
    assert set(claims.figure) <= {*figures(), ""}
    assert all(len(about) and all(np.isfinite(value) for value in about.values()) for about in claims.thresholds)
    named = claims.rule.map(lambda rule: set(re.findall("`([a-z0-9_]+)`", rule)))
    assert all(
        names <= {*about, "mid", "zero", "differs", "rises", "decompose"}
        for names, about in zip(named, claims.thresholds, strict=True)
    )


def test_relief_stands_beside_published_effects_with_the_same_sign(found):
    lines = found.set_index("id").published["knee-relief"]
    assert "Vickers 2012, knee osteoarthritis v sham, pain: SMD 0.16 (0.07 to 0.25)" in lines.split("\n")
    assert "Manheimer 2010 (Cochrane), knee osteoarthritis v sham, pain: SMD 0.28 (0.11 to 0.45)" in lines.split("\n")


def test_estimates_are_those_of_the_pooled_result(found):
    from acuevidence.questions.pooled import pooled

    one = pooled("low_back_pain")["sham"]
    assert (
        f"{one.k} trials, SMD {one.estimate:.2f} ({one.ci_low:.2f} to {one.ci_high:.2f})"
        in found.set_index("id").estimates["lbp-relief"]
    )


def test_an_unknown_claim_is_refused_with_a_guess():
    with pytest.raises(ae.InputError, match="claim='lbp_relief' is not known; did you mean 'lbp-relief'"):
        ae.evaluate_claims("lbp_relief")


# --- parts -------------------------------------------------------------------------------------------------------


def test_limits_of_fieller_solve_their_equation():
    (a, se_a), (b, se_b), covariance, df = (0.31, 0.08), (0.52, 0.06), 0.002, 12
    t = 2.178812829663418  # the 97.5 % quantile of t with 12 degrees of freedom
    found = ratio_interval((a, se_a), (b, se_b), covariance, df=df)
    for limit in (found.low, found.high):
        spread = se_a**2 + limit**2 * se_b**2 - 2 * limit * covariance
        assert (a - limit * b) ** 2 == pytest.approx(t**2 * spread, rel=1e-9)


def test_fieller_agrees_with_simulation():
    rng = np.random.default_rng(7)
    found = ratio_interval((0.3, 0.03), (0.6, 0.03))
    ratio = rng.normal(0.3, 0.03, 400_000) / rng.normal(0.6, 0.03, 400_000)
    assert (found.low, found.high) == pytest.approx(tuple(np.quantile(ratio, [0.025, 0.975])), rel=0.01)


def test_states_combine_to_the_verdict_that_the_rule_says():
    yes, no, partly = ["good"], ["bad"], ["some"]
    assert combined(["good", "good"], yes, no) == "supported"
    assert combined(["good", "?"], yes, no) == "partly supported"
    assert combined(["some", "some"], yes, no, partly) == "partly supported"
    assert combined(["good", "bad"], yes, no) == "mixed"
    assert combined(["bad", "?"], yes, no) == "not supported"
    assert combined(["?", "?"], yes, no) == combined([], yes, no) == "insufficient data"


def test_answers_read_as_text_markdown_and_json(found):
    import json

    short = answers.to_text(found, width=80)
    assert max(map(len, short.splitlines())) <= 80
    assert all(name in short for name in LISTED)
    assert [row["id"] for row in json.loads(answers.to_json(found))] == LISTED
    assert answers.to_markdown(found).count("\n## ") == 26
    assert "Needed to tell" in answers.to_text(found[found.id == "dose"], full=True)
