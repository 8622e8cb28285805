"""The standard analysis: comparators apart, populations apart, and nothing where there is nothing."""

from __future__ import annotations

import pandas as pd
import pytest

import acuevidence as ae
from acuevidence.errors import InputError
from acuevidence.questions.pooled import apart, groups_of
from acuevidence.report.analysis import analysis_text


def test_men_and_women_are_never_pooled() -> None:
    groups = ae.pooled("pelvic_pain")
    assert list(groups) == ["sham, men", "sham, women", "usual_care, men"]
    population = ae.load_evidence().trials.set_index("trial_id")["population"]
    for name, one in groups.items():
        assert set(one.data["trial_id"].map(population)) == {name.split(", ")[1]}
    assert sum(one.k for one in groups.values()) == len(ae.trial_effects("pelvic_pain"))


def test_a_population_is_pooled_as_its_rows_alone() -> None:
    effects = ae.trial_effects("pelvic_pain", comparator="sham")
    men = effects[effects["population"] == "men"]
    one, alone = ae.pooled("pelvic_pain")["sham, men"], ae.meta_analysis("yi", "vi", data=men)
    assert (one.k, one.estimate, one.ci_low, one.tau2) == pytest.approx((4, alone.estimate, alone.ci_low, alone.tau2), rel=1e-12)


def test_the_missing_trials_of_men_are_men() -> None:
    missing = ae.pooled("pelvic_pain")["sham, men"].missing_evidence(include="all", size=0.5)
    # Qin 2018 randomised 68 men; the four reports from sites of Sun 2021 (part_of in trials.csv) hold men already pooled with it
    assert missing.trials["trial_id"].tolist() == ["qin2018cpps"]
    assert missing.trials["vi"].tolist() == pytest.approx([4 / 68])
    women = ae.pooled("pelvic_pain")["sham, women"].missing_evidence(include="all", size=0.5)
    assert {"wayne2008", "rubiklein2010", "desousa2016", "schlaeger2024"} <= set(women.trials["trial_id"])
    assert "qin2018cpps" not in set(women.trials["trial_id"])


def test_conditions_without_populations_keep_their_comparators() -> None:
    assert list(ae.pooled("neck_pain")) == ["sham", "usual_care"]
    assert list(groups_of("neck_pain", ae.load_evidence())) == ["sham", "usual_care"]
    assert apart(ae.trial_effects("neck_pain"))["group"].isin(["sham", "usual_care"]).all()


def test_words_of_a_group() -> None:
    topic = ae.load_evidence().topic
    assert topic.against("sham, men") == "Acupuncture v sham, men"
    assert topic.label("usual_care, women") == "Usual care, waiting list or no treatment, women"
    assert topic.colour("sham, men") == topic.colour("sham")
    assert topic.comparison("sham, men") == "sham"


def test_a_condition_without_a_usable_figure_says_so() -> None:
    nothing = ae.pooled("hip_osteoarthritis")
    assert len(nothing) == 0 and nothing.data.empty and nothing.to_frame().empty
    assert nothing.summary() == "No trial with usable figures: nothing is pooled."
    with pytest.raises(InputError, match="there is nothing to draw"):
        nothing.forest()
    assert "5 trials are listed, and none prints a figure that can be used" in analysis_text("hip_osteoarthritis")


def test_the_overview_names_every_group() -> None:
    rows = ae.questions.overview().rows
    assert rows.loc[rows["group"] == "pelvic_pain", "comparator"].tolist() == ["usual_care, men", "sham, men", "sham, women"]
    assert rows.loc[rows["group"] == "hip_osteoarthritis", "k"].tolist() == [0]


def test_populations_are_pooled_nowhere():
    """Men and women with pelvic pain stand apart in claims, responders and what is missing."""
    from acuevidence.evidence.carried import excluded_of, unheld

    evidence = ae.load_evidence()
    groups = ae.pooled("pelvic_pain")
    men = groups["sham, men"]
    left = pd.DataFrame(excluded_of(groups["sham, women"].data))
    missing = left[left["arm"].isna() & (left["comparator"] == "sham")]
    of_men = missing[(missing["population"] == "men") & ~missing["reason"].str.startswith(("reported with", "a course of one"))]
    assert set(unheld(men)["trial_id"]) == set(of_men["trial_id"]) - set(men.data["trial_id"])
    counted = ae.questions.responders("pelvic_pain").pools
    assert counted["comparator"].str.contains(", ").all()
    with pytest.raises(InputError, match="populations that are not pooled"):
        ae.questions.responders(["pelvic_pain", "headache"], together=True)
    lines = ae.evaluate_claims("certainty-varies", evidence)["estimates"].iloc[0].split("\n")
    assert sum(line.startswith("Chronic pelvic pain, men v sham") for line in lines) == 1
    assert not any(line.startswith("Chronic pelvic pain v") for line in lines)


def test_trials_that_answer_another_question_are_not_missing():
    from acuevidence.evidence.carried import excluded_of, unheld

    for condition in ("elbow_pain", "pelvic_pain"):
        effects = ae.trial_effects(condition, comparator="sham")
        left = pd.DataFrame(excluded_of(effects))
        other = left[left["reason"].str.startswith(("a course of one session", "reported with"))]
        assert len(other)
        assert not set(other["trial_id"]) & set(unheld(effects)["trial_id"])
