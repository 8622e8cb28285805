"""Do the analyses beside the default change one choice each, and only that?

Every number is compared with what the public functions give when the same choice is made by hand, or with published counts of trials.
"""

import math
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import acuevidence as ae
from acuevidence.questions.sensitivity import sensitivity

COLUMNS = ["analysis", "comparator", "k", "n", "estimate", "ci_low", "ci_high", "tau2", "method"]


@pytest.fixture(scope="module")
def knee():
    return sensitivity("knee_osteoarthritis")


def one(found, analysis, comparator="sham"):
    rows = found[(found.analysis == analysis) & (found.comparator == comparator)]
    assert len(rows) == 1
    return rows.iloc[0]


def same(row, effects):
    result = ae.meta_analysis("yi", "vi", data=effects, test="HKSJ-adhoc")
    shown = result.headline()
    assert row.k == result.k
    assert (row.estimate, row.ci_low, row.ci_high) == pytest.approx((shown.estimate, shown.ci_low, shown.ci_high), rel=1e-6)
    if not row.method.startswith("Bayes"):
        assert row.tau2 == pytest.approx(result.tau2, abs=1e-7)


def test_every_analysis_has_a_row_for_every_comparator(knee):
    assert list(knee.columns) == COLUMNS
    assert knee.analysis.iloc[0] == "default"
    assert knee.groupby("analysis").comparator.agg(list).map(lambda names: names == ["sham", "usual_care"]).all()
    assert len(knee) == 2 * (1 + len(ae.load_evidence().rules.sensitivity))


def test_default_is_the_standard_analysis(knee):
    same(one(knee, "default"), ae.trial_effects("knee_osteoarthritis", comparator="sham"))
    assert one(knee, "default").k == 11


def test_choices_are_those_made_by_hand(knee):
    sham = ae.trial_effects("knee_osteoarthritis", comparator="sham")
    same(one(knee, "primary endpoint"), ae.trial_effects("knee_osteoarthritis", comparator="sham", endpoint="primary"))
    same(one(knee, "up to week 13"), ae.trial_effects("knee_osteoarthritis", comparator="sham", horizon=13))
    same(one(knee, "without the trials of Vas"), sham[sham.trial_id != "vas2004"])
    same(one(knee, "responders"), sham[sham.kind == "count"])
    assert one(knee, "without the trials of Vas").estimate == pytest.approx(0.25, abs=0.01)


def test_an_assumed_correlation_of_zero_is_the_implied_sd():
    # NCT03299439 2022: the implied SD is larger by 1 / sqrt(1 - R2), so with R2 = 0 the effect is larger by 1 / sqrt(0.75)
    evidence = ae.load_evidence()
    none = ae.trial_effects("knee_osteoarthritis", evidence=replace(evidence, rules=replace(evidence.rules, r2=0)))
    quarter = ae.trial_effects("knee_osteoarthritis")
    key = ["trial_id", "comparator"]
    both = none.merge(quarter, on=key, suffixes=("_0", "")).query("sd_assumed and trial_id == 'witt2005'")
    assert len(both) == 2
    assert np.allclose(both.yi_0 / both.yi, 1 / math.sqrt(0.75), rtol=1e-12)
    untouched = none.merge(quarter, on=key, suffixes=("_0", "")).query("not sd_assumed")
    assert np.array_equal(untouched.yi_0, untouched.yi)


def test_china_and_elsewhere_part_the_trials_whose_country_is_printed(knee):
    countries = ae.load_evidence().trials.set_index("trial_id").country
    sham = ae.trial_effects("knee_osteoarthritis", comparator="sham")
    printed = sham.trial_id.map(countries).notna().sum()
    assert one(knee, "China or Hong Kong").k + one(knee, "elsewhere").k == printed


def test_no_interval_below_three_trials(knee):
    few = knee[knee.k < 3]
    assert len(few)
    assert few[["ci_low", "ci_high", "tau2"]].isna().all().all()
    assert few.estimate[few.k > 0].notna().all()
    assert few.estimate[few.k == 0].isna().all()
    assert knee[(knee.k >= 3)].ci_low.notna().all()


def test_bayes_beside_it_is_the_same_trials_with_a_prior(knee):
    sham = ae.trial_effects("knee_osteoarthritis", comparator="sham")
    table = ae.bayes(sham.yi.to_numpy(), sham.vi.to_numpy(), tau_prior="rhodes-pain").summary
    row = one(knee, "Bayes beside HKSJ")
    assert row.estimate == pytest.approx(table.loc["mu", "median"])
    assert row.method == "Bayes, rhodes-pain"


def test_populations_are_never_pooled():
    found = sensitivity("pelvic_pain")
    assert set(found.comparator) == {f"{c}, {p}" for c in ("sham", "usual_care") for p in ("men", "women")}


def test_a_review_without_a_list_has_the_primary_endpoint_and_the_kinds_of_score():
    evidence = ae.load_evidence()
    bare = replace(evidence, rules=replace(evidence.rules, sensitivity=()))
    found = sensitivity("neck_pain", evidence=bare)
    assert list(dict.fromkeys(found.analysis)) == [
        "default",
        "primary endpoint",
        "adjusted differences",
        "final scores",
        "changes",
        "responders",
    ]


def test_an_unknown_entry_is_named():
    evidence = ae.load_evidence()
    wrong = replace(evidence, rules=replace(evidence.rules, sensitivity=({"analysis": "x", "witout": ["vas2004"]},)))
    with pytest.raises(ae.InputError, match="unknown entry 'witout'"):
        sensitivity("neck_pain", evidence=wrong)
    with pytest.raises(ae.InputError, match="condition='back' is not known"):
        sensitivity("back")


def test_kinds_of_score_add_up(knee):
    kinds = ["adjusted differences", "final scores", "changes", "responders"]
    for comparator in ("sham", "usual_care"):
        assert sum(one(knee, name, comparator).k for name in kinds) == one(knee, "default", comparator).k
    assert isinstance(knee, pd.DataFrame)
