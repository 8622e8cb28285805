"""Do patients differ in their response to acupuncture?

The spreads of hand-picked trials are compared with the formula of Nakagawa et al (2015) on the printed SDs; the verdict is
then driven both ways by tables in which the printed SDs of the acupuncture arms are made larger or smaller.
"""

import functools
import math
import shutil

import numpy as np
import pandas as pd
import pytest

import acuevidence as ae
from acuevidence.evidence import data_folder


@functools.cache
def whole():
    return ae.variability()


def with_spread(tmp_path, factor, mean=1.0, people=1):
    """Return the evidence with the printed SDs (and means) of all acupuncture arms multiplied, and the patients of all arms."""
    shutil.copytree(data_folder(), tmp_path, dirs_exist_ok=True)
    results = pd.read_csv(tmp_path / "results.csv", dtype=str)
    arms = pd.read_csv(tmp_path / "arms.csv", dtype=str)
    roles = arms.set_index(["trial_id", "arm"]).role
    ours = pd.Series([roles.get(key) == "acupuncture" for key in zip(results.trial_id, results.arm, strict=True)])
    for column, times in (("sd", factor), ("se", factor), ("mean", mean)):
        numbers = pd.to_numeric(results[column])
        results[column] = numbers.where(~ours, numbers * times)
    numbers = [pd.to_numeric(results[c]) for c in ("ci_low", "ci_high")]
    middle, half = (numbers[0] + numbers[1]) / 2 * mean, (numbers[1] - numbers[0]) / 2 * factor
    results["ci_low"] = numbers[0].where(~ours, middle - half)
    results["ci_high"] = numbers[1].where(~ours, middle + half)
    results["n"] = (pd.to_numeric(results["n"]) * people).astype("Int64")
    results.to_csv(tmp_path / "results.csv", index=False)
    return ae.load_evidence(tmp_path)


def test_trials_enter_with_nakagawas_formula_on_the_printed_sds():
    # Molsberger 2002: 26 (21) n 58 against 36 (19) n 58; Jena 2008: 4.7 (5.6) n 1613 against 7.5 (6.3) n 1569
    printed = {"molsberger2002": (26, 21, 58, 36, 19, 58), "jena2008": (4.7, 5.6, 1613, 7.5, 6.3, 1569)}
    effects = whole().effects.set_index(["trial_id", "measure"])
    for trial, (m1, s1, n1, m2, s2, n2) in printed.items():
        h1, h2 = 1 / (2 * (n1 - 1)), 1 / (2 * (n2 - 1))
        spread = effects.loc[(trial, "lnVR")]
        assert spread.yi.item() == pytest.approx(math.log(s1 / s2) + h1 - h2, rel=1e-9)
        assert spread.vi.item() == pytest.approx(h1 + h2, rel=1e-9)
        c1, c2 = s1**2 / (n1 * m1**2), s2**2 / (n2 * m2**2)
        relative = effects.loc[(trial, "lnCVR")]
        log_ratio = math.log((s1 / m1) / (s2 / m2)) + h1 - h2 - (c1 - c2) / 2
        assert relative.yi.item() == pytest.approx(log_ratio, rel=1e-9)
        assert relative.vi.item() == pytest.approx(h1 + h2 + c1 + c2, rel=1e-9)


def test_homogeneous_spreads_pool_to_the_inverse_variance_mean():
    result = whole()
    pool = result.pools.query("condition == 'low_back_pain' and comparator == 'sham' and measure == 'lnVR'").iloc[0]
    trials = result.effects.query("condition == 'low_back_pain' and comparator == 'sham' and measure == 'lnVR'")
    assert pool.tau2 == 0
    assert pool.estimate == pytest.approx(np.average(trials.yi, weights=1 / trials.vi), rel=1e-9)
    assert pool.k == len(trials)
    assert pool.ratio == pytest.approx(math.exp(pool.estimate), rel=1e-12)


def test_a_trial_counts_once_in_the_pool_over_all_conditions():
    result = whole()
    pools = result.pools.query("measure == 'lnVR'").set_index(["condition", "comparator"])
    for comparator in ("sham", "usual_care"):
        single = pools.drop(index="all", level="condition").xs(comparator, level="comparator")
        assert pools.loc[("all", comparator), "k"] == single.k.sum()
        assert pools.loc[("all", comparator), "n"] == single.n.sum()


def test_final_scores_and_changes_have_their_own_ratio_of_coefficients_of_variation():
    pools = whole().pools.query("measure == 'lnCVR'")
    assert set(pools.scores) == {"final", "change"}
    scores = whole().effects.query("measure == 'lnCVR'").set_index("trial_id").scores
    # Molsberger 2002 prints pain after the course, Lam 2021 the change of pain
    assert (scores["molsberger2002"], scores["lam2021"]) == ("final", "change")
    against_sham = pools.query("condition == 'all' and comparator == 'sham'").set_index("scores")
    assert against_sham.k.sum() == len(whole().effects.query("measure == 'lnCVR' and comparator == 'sham'"))


def test_prediction_intervals_are_given_from_three_trials_on():
    pools = whole().pools
    assert pools.loc[pools.k >= 3, ["pi_low", "pi_high"]].notna().all().all()
    assert pools.loc[pools.k < 3, ["pi_low", "pi_high"]].isna().all().all()
    wide = pools[pools.k >= 3]
    assert (wide.pi_low <= wide.ci_low + 1e-12).all()
    assert (wide.pi_high >= wide.ci_high - 1e-12).all()


def test_too_few_trials_get_no_verdict():
    verdicts = whole().verdicts
    few = verdicts[verdicts.k < 3]
    assert len(few) > 0
    assert few.more_spread.isna().all()
    assert few.reason.str.contains("insufficient data").all()


def test_a_larger_spread_at_the_same_means_is_more_than_chance_and_mean_shift_explain(tmp_path):
    # a hundred times the patients: at four times the SDs the means of the trials as printed are too vague to take out
    found = ae.variability("low_back_pain", comparator="sham", evidence=with_spread(tmp_path, 4.0, people=100))
    verdict = found.verdicts.iloc[0]
    assert bool(verdict.more_spread) is True
    assert verdict.reason.startswith("more spread than chance and a shift of the mean explain")
    # printed SDs: Molsberger 2002 21 and 19, of 58 and 58; Leibing 2002 22 and 22, of 35 and 40
    spread = found.effects.query("measure == 'lnVR'").set_index("trial_id")
    assert spread.yi["molsberger2002"] == pytest.approx(math.log(4 * 21 / 19), rel=1e-9)
    assert spread.yi["leibing2002"] == pytest.approx(math.log(4) + 1 / (2 * 3499) - 1 / (2 * 3999), rel=1e-9)
    assert spread.vi["leibing2002"] == pytest.approx(1 / (2 * 3499) + 1 / (2 * 3999), rel=1e-9)


def test_a_larger_spread_is_not_called_more_where_the_means_are_too_vague_to_take_out(tmp_path):
    found = ae.variability("low_back_pain", comparator="sham", evidence=with_spread(tmp_path, 4.0))
    # Kong 2020 prints a change of -4.33 with a CI, n 59: its SD is now several times its mean, and its lnCVR has no precision
    changes = found.pools.query("measure == 'lnCVR' and scores == 'change'").iloc[0]
    assert found.pools.query("measure == 'lnVR'").iloc[0].ci_low > 0 > changes.ci_low
    assert bool(found.verdicts.iloc[0].more_spread) is False


def test_spread_that_grows_with_the_mean_is_explained_by_the_mean(tmp_path):
    evidence = with_spread(tmp_path, 2.0, mean=2.0)
    verdict = ae.variability("knee_osteoarthritis", comparator="sham", evidence=evidence).verdicts.iloc[0]
    assert bool(verdict.more_spread) is False
    assert "no more than the shift of the mean explains" in verdict.reason


def test_halved_spread_is_called_less(tmp_path):
    verdict = ae.variability("low_back_pain", comparator="sham", evidence=with_spread(tmp_path, 0.5)).verdicts.iloc[0]
    assert bool(verdict.more_spread) is False
    assert verdict.reason.startswith("less spread")


def test_the_verdict_reads_as_a_sentence_with_its_figures():
    text = whole().summary()
    assert "all against sham: " in text
    assert text == repr(whole())
    # Fink 2002, the one trial of elbow pain: 8.03 (4.60) n 14 against 12.28 (4.14) n 15
    ratio = 4.60 / 4.14 * math.exp(1 / (2 * 13) - 1 / (2 * 14))
    lines = text.splitlines()
    place = lines.index("elbow_pain against sham: insufficient data: 1 of the 3 trials needed print spreads")
    assert lines[place + 1].startswith(f"  lnVR of all scores: ratio {ratio:.2f} (")
    assert lines[place + 1].endswith("), k = 1")
    # on a page every verdict and every pool is a paragraph below the heading
    page = whole()._repr_html_()
    assert page.count("<p>") == 1 + len(whole().verdicts) + len(whole().pools)
    assert all(f"<p>{line}</p>" in page for line in lines[: place + 2])


def test_a_comparison_without_printed_spreads_is_refused():
    with pytest.raises(ae.InputError, match="no trial prints spreads for condition='fibromyalgia'"):
        ae.variability("fibromyalgia", outcome="sleep")
    with pytest.raises(ae.InputError, match="no spreads for condition='shoulder'"):
        whole().forest("sham", condition="shoulder")


def test_kinds_of_score_stand_in_one_model_of_printed_sds():
    found = whole()
    rows = found.effects[(found.effects.measure == "lnVR") & found.effects.derivation.str.startswith("VR from means and SDs")]
    for comparator, kinds in found.by_scores.groupby("comparator"):
        mine = rows[rows.comparator == comparator].assign(change=lambda r: (r.statistic == "change").astype(float))
        fit = ae.meta_analysis("yi", "vi", data=mine.drop(columns=["measure"]), moderators="~ change")
        final, change = kinds.set_index("scores").loc[["final", "change"], "estimate"]
        assert [final, change - final] == pytest.approx(fit.coefficients["estimate"].tolist())
        assert kinds.k.sum() == len(mine)
        assert kinds.p_difference.iloc[0] == pytest.approx(fit.qm_p)
    # A ratio r of SDs is that of an SD of responses of sqrt(r^2 - 1) beside the comparator's
    assert found.by_scores.extra_high.to_numpy() ** 2 + 1 == pytest.approx(np.maximum(found.by_scores.ratio_high, 1) ** 2)
