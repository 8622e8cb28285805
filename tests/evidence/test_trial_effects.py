"""Is one effect per trial what a reviewer with a pocket calculator would get from the printed figures?

Each hand-checked trial repeats the arithmetic from the figures as they are printed in ``figures_as_printed``, with nothing
but the math module, and for distributions the quantiles of scipy.stats. A difference means that the package picked another
figure, read it with the wrong sign, or derived it by another formula than the one documented in docs/selection.md.
"""

import functools
import math
import shutil

import pandas as pd
import pytest
from scipy import stats

import acuevidence as ae
from acuevidence.evidence import data_folder


def hedges(mean1, sd1, n1, mean2, sd2, n2):
    """Hedges g with the exact correction, and its large-sample variance (Hedges 1981)."""
    df = n1 + n2 - 2
    pooled = math.sqrt(((n1 - 1) * sd1**2 + (n2 - 1) * sd2**2) / df)
    j = math.exp(math.lgamma(df / 2) - math.lgamma((df - 1) / 2)) / math.sqrt(df / 2)
    g = j * (mean1 - mean2) / pooled
    return g, 1 / n1 + 1 / n2 + g**2 / (2 * (n1 + n2))


@functools.cache
def picked(**selection):
    return ae.trial_effects(**selection)


def row(trial, comparator, **selection):
    effects = picked(**selection)
    found = effects[(effects.trial_id == trial) & (effects.comparator == comparator)]
    assert len(found) == 1, effects.attrs["excluded"].query("trial_id == @trial").to_string()
    return found.iloc[0]


def agrees(got, yi, vi):
    assert got.yi == pytest.approx(yi, rel=1e-9, abs=1e-12)
    assert got.vi == pytest.approx(vi, rel=1e-9)
    assert got.se == pytest.approx(math.sqrt(vi), rel=1e-9)


# --- by hand -----------------------------------------------------------------------------------------------------


def test_leibing_from_means_and_sds():
    # pain 0-100 at the end: 21 (22) n 35 against 32 (22) n 40; less is better
    agrees(row("leibing2002", "sham"), *hedges(32, 22, 40, 21, 22, 35))


def test_brinkhaus_three_arms_share_the_acupuncture_arm():
    # decrease of VAS by week 8: 28.7 (30.3) n 146, minimal 23.6 (31.0) n 73, waiting list 6.9 (22.0) n 79
    agrees(row("brinkhaus2006", "sham"), *hedges(28.7, 30.3, 146, 23.6, 31.0, 73))
    waiting = row("brinkhaus2006", "usual_care")
    agrees(waiting, *hedges(28.7, 30.3, 146, 6.9, 22.0, 79))
    assert waiting.comparator_role == "waitlist"


def test_kong_from_an_interval_per_arm():
    # change of PROMIS pain by week 8: -4.33 (-6.36 to -2.30) n 59 against -2.90 (-4.85 to -0.95) n 62; less is better
    sd1 = math.sqrt(59) * (6.36 - 2.30) / (2 * stats.t.ppf(0.975, 58))
    sd2 = math.sqrt(62) * (4.85 - 0.95) / (2 * stats.t.ppf(0.975, 61))
    agrees(row("kong2020", "sham"), *hedges(4.33, sd1, 59, 2.90, sd2, 62))


def test_sangdee_from_standard_errors_without_the_arm_that_adds_diclofenac():
    # change of VAS by week 4: -48.24 (SE 3.59) n 46 against -22.86 (SE 4.02) n 45
    agrees(row("sangdee2002", "sham"), *hedges(48.24, 3.59 * math.sqrt(46), 46, 22.86, 4.02 * math.sqrt(45), 45))


def test_witt_neck_from_standard_errors_of_final_scores():
    # Neck Pain and Disability Scale at 3 months: 38.3 (SE 0.4) n 1880 against 50.5 (SE 0.4) n 1886
    got = row("witt2006neck", "usual_care")
    agrees(got, *hedges(50.5, 0.4 * math.sqrt(1886), 1886, 38.3, 0.4 * math.sqrt(1880), 1880))
    assert got.outcome == "pain_disability"


def test_vas_2004_from_the_interval_of_a_difference():
    # difference in reduction of VAS 26.6 (18.5 to 34.8), n 48 and 49
    se = (34.8 - 18.5) / (2 * stats.t.ppf(0.975, 95))
    sd = se / math.sqrt(1 / 48 + 1 / 49)
    agrees(row("vas2004", "sham"), *hedges(26.6, sd, 48, 0, sd, 49))


def test_wang_headache_days_turned():
    # migraine days at 20 weeks: 5.2 (5.0) n 26 against 10.1 (7.1) n 24; fewer is better
    agrees(row("wangy2015", "sham"), *hedges(10.1, 7.1, 24, 5.2, 5.0, 26))


def test_wang_responders_by_the_logistic_conversion():
    # more than 50% fewer migraine days: 19 of 26 against 7 of 24
    log_odds = math.log(19 * 17 / (7 * 7))
    variance = 1 / 19 + 1 / 7 + 1 / 7 + 1 / 17
    got = row("wangy2015", "sham", outcome="response")
    agrees(got, log_odds * math.sqrt(3) / math.pi, variance * 3 / math.pi**2)
    assert "responders" in got.derivation


def test_zheng_responders_from_percentages():
    # at 32 weeks: 68.2% of 110 = 75 people, 50.0% of 108 = 54 people
    log_odds = math.log(75 * 54 / (35 * 54))
    got = row("zheng2022", "sham", outcome="response", timing="medium")
    agrees(got, log_odds * math.sqrt(3) / math.pi, (1 / 75 + 1 / 35 + 1 / 54 + 1 / 54) * 3 / math.pi**2)
    assert (got.events1, got.events2) == (75, 54)
    assert "responders counted from percentages" in got.derivation


def test_melchart_without_n_per_arm_takes_its_precision_from_the_interval():
    # decrease of headache days: 7.2 (6.5) against 6.6 (6.0), difference 0.6 (-1.5 to 2.6); 270 people over three arms
    n = 270 // 3
    g, _ = hedges(7.2, 6.5, n, 6.6, 6.0, n)
    se = (2.6 + 1.5) / (2 * stats.t.ppf(0.975, 2 * n - 2))
    pooled = math.sqrt((6.5**2 + 6.0**2) / 2)
    got = row("melchart2005", "sham")
    agrees(got, g, (se / pooled) ** 2 + g**2 / (4 * n))
    assert "equal split of 270 over 3 arms" in got.derivation


def test_zhao_2024_combines_two_acupuncture_arms_with_the_spread_of_a_contrast():
    # changes of VAS: -12.16 n 169 and -10.19 n 168 against -6.11 n 170; first against sham -6.05 (-9.10 to -3.00)
    sd = (9.10 - 3.00) / (2 * stats.t.ppf(0.975, 169 + 170 - 2)) / math.sqrt(1 / 169 + 1 / 170)
    mean = (169 * 12.16 + 168 * 10.19) / 337
    within = (168 + 167) * sd**2
    between = 169 * (12.16 - mean) ** 2 + 168 * (10.19 - mean) ** 2
    combined = math.sqrt((within + between) / 336)
    agrees(row("zhao2024", "sham"), *hedges(mean, combined, 337, 6.11, sd, 170))


def test_itoh_2010_from_medians_and_quartiles():
    # week 5, before the waiting list was treated: 47.4 (39.5 to 61.0) n 6 against 73.5 (68.3 to 75.0) n 7.
    # Luo 2018: mean = w (q1+q3)/2 + (1-w) median with w = 0.7 + 0.39/n; Wan 2014: sd = (q3-q1) / (2 z((0.75 n - 0.125)/(n + 0.25)))
    def luo_wan(q1, median, q3, n):
        w = 0.7 + 0.39 / n
        return w * (q1 + q3) / 2 + (1 - w) * median, (q3 - q1) / (2 * stats.norm.ppf((0.75 * n - 0.125) / (n + 0.25)))

    mean1, sd1 = luo_wan(39.5, 47.4, 61.0, 6)
    mean2, sd2 = luo_wan(68.3, 73.5, 75.0, 7)
    agrees(row("itoh2010", "usual_care"), *hedges(mean2, sd2, 7, mean1, sd1, 6))


def test_mawla_from_an_exact_p_value():
    # change of BPI severity -1.14 against -0.46, P = 0.036; 76 people over two arms
    se = (1.14 - 0.46) / stats.t.isf(0.036 / 2, 74)
    sd = se / math.sqrt(2 / 38)
    agrees(row("mawla2021", "sham"), *hedges(1.14, sd, 38, 0.46, sd, 38))


def test_harris_2005_averages_two_contrasts_without_a_common_arm():
    # reviewers' SMDs at the end of treatment: 0.31 (-0.30 to 0.92) favours sham, -0.46 (-1.15 to 0.22) favours acupuncture
    z = stats.norm.ppf(0.975)
    v1, v2 = ((0.92 + 0.30) / (2 * z)) ** 2, ((0.22 + 1.15) / (2 * z)) ** 2
    agrees(row("harris2005", "sham"), (-0.31 / v1 + 0.46 / v2) / (1 / v1 + 1 / v2), 1 / (1 / v1 + 1 / v2))


def test_chen_2021_averages_two_shams_with_the_covariance_of_the_shared_arm():
    # NPQ: 7.72 (5.57 to 9.86) against shallow, 10.38 (8.25 to 12.52) against sham; 896 people over three arms
    n = 896 // 3
    effects = []
    for estimate, low, high in ((7.72, 5.57, 9.86), (10.38, 8.25, 12.52)):
        sd = (high - low) / (2 * stats.t.ppf(0.975, 2 * n - 2)) / math.sqrt(2 / n)
        effects.append(hedges(estimate, sd, n, 0, sd, n))
    (g1, v1), (g2, v2) = effects
    w = (1 / v1) / (1 / v1 + 1 / v2)
    variance = w**2 * v1 + (1 - w) ** 2 * v2 + 2 * w * (1 - w) / n
    agrees(row("chen2021", "sham"), w * g1 + (1 - w) * g2, variance)


def test_thomas_2006_on_a_scale_where_more_is_better():
    # SF-36 bodily pain at 12 months, adjusted difference 5.6 (-0.2 to 11.4) in favour of acupuncture; n 160 and 81
    sd = (11.4 + 0.2) / (2 * stats.t.ppf(0.975, 239)) / math.sqrt(1 / 160 + 1 / 81)
    got = row("thomas2006", "usual_care", timing="long")
    agrees(got, *hedges(5.6, sd, 160, 0, sd, 81))
    assert "adjusted for baseline" in got.derivation


def test_foster_2007_where_sham_did_better():
    # reduction of WOMAC pain by 6 months: 2.32 (3.6) n 117 against sham 2.53 (4.2) n 119
    got = row("foster2007", "sham", timing="medium")
    agrees(got, *hedges(2.32, 3.6, 117, 2.53, 4.2, 119))
    assert got.yi < 0


def test_lam_2021_in_points_of_0_to_100():
    # change of VAS 0-100: -30.8 (-38.2 to -23.0) against -26.7 (-34.4 to -18.8), n 43 each
    se = [(high - low) / (2 * stats.t.ppf(0.975, 42)) for low, high in ((23.0, 38.2), (18.8, 34.4))]
    got = row("lam2021", "sham", measure="MD")
    agrees(got, 30.8 - 26.7, se[0] ** 2 + se[1] ** 2)


def test_white_2016_lends_an_arm_without_spread_that_of_its_sister():
    # change of WOMAC pain at week 14: group -3.2 (-5.1 to -1.4) n 17, individual -2.4 of 20 randomised, standard 0.4 (-1.4 to 2.2) n 14
    sd = math.sqrt(17) * (5.1 - 1.4) / (2 * stats.t.ppf(0.975, 16))
    sd2 = math.sqrt(14) * (2.2 + 1.4) / (2 * stats.t.ppf(0.975, 13))
    mean = (17 * 3.2 + 20 * 2.4) / 37
    combined = math.sqrt((35 * sd**2 + 17 * (3.2 - mean) ** 2 + 20 * (2.4 - mean) ** 2) / 36)
    got = row("white2016", "usual_care")
    agrees(got, *hedges(mean, combined, 37, -0.4, sd2, 14))
    assert "SD of arm individual from the other arms of its side" in got.derivation


def test_brinkhaus_at_six_months_takes_the_interval_and_not_a_p_value_of_another_page():
    # review: difference of VAS -3.8 (-12.4 to 4.9), less is better, n 146 and 73; the abstract's P of 0.96 is that of another model
    sd = (12.4 + 4.9) / (2 * stats.t.ppf(0.975, 217)) / math.sqrt(1 / 146 + 1 / 73)
    agrees(row("brinkhaus2006", "sham", timing="medium"), *hedges(3.8, sd, 146, 0, sd, 73))
    # at 52 weeks -5.7 (-14.4 to 3.0)
    sd = (14.4 + 3.0) / (2 * stats.t.ppf(0.975, 217)) / math.sqrt(1 / 146 + 1 / 73)
    agrees(row("brinkhaus2006", "sham", timing="long"), *hedges(5.7, sd, 146, 0, sd, 73))


def test_linde_2005_in_days_takes_its_precision_from_the_interval():
    # decrease 2.2 (2.7) in both arms, difference 0.0 (-0.7 to 0.7) days; 302 people over three arms
    agrees(row("linde2005", "sham", measure="MD"), 0.0, (1.4 / (2 * stats.t.ppf(0.975, 198))) ** 2)


def test_vickers_2004_days_per_year_are_brought_to_four_weeks():
    # 22 (8 to 38) fewer days with headache a year; 401 people over two arms
    per = 28 / 365.25
    got = row("vickers2004", "usual_care", measure="MD", timing="long")
    agrees(got, 22 * per, (per * 30 / (2 * stats.t.ppf(0.975, 398))) ** 2)


def test_days_of_an_unknown_period_give_no_difference_in_days():
    assert "jena2008" in set(picked(outcome="headache_frequency").trial_id)
    left = picked(measure="MD").attrs["excluded"].query("trial_id == 'jena2008' and comparator == 'usual_care'")
    assert left.reason.str.contains("counting period of the days not printed").all()
    assert len(left) == 1


def test_martin_2006_is_a_reviewers_smd_turned():
    # SMD of the change of VAS -0.12 (-0.68 to 0.44), less pain with acupuncture
    agrees(row("martin2006", "sham"), 0.12, ((0.44 + 0.68) / (2 * stats.norm.ppf(0.975))) ** 2)


def test_zaringhalam_leaves_out_the_arm_that_adds_baclofen():
    # VAS at week 5: 47 (19.1) n 20 against 64.3 (23.8) n 20
    agrees(row("zaringhalam2010", "usual_care"), *hedges(64.3, 23.8, 20, 47, 19.1, 20))


def test_irnich_2001_from_the_intervals_of_its_table():
    # change of motion-related VAS: 24.22 (16.5 to 31.9) n 51 against sham laser 17.28 (10.0 to 24.6) n 57
    sd1 = math.sqrt(51) * (31.9 - 16.5) / (2 * stats.t.ppf(0.975, 50))
    sd2 = math.sqrt(57) * (24.6 - 10.0) / (2 * stats.t.ppf(0.975, 56))
    agrees(row("irnich2001", "sham"), *hedges(24.22, sd1, 51, 17.28, sd2, 57))


def test_hinman_2014_three_arms_from_intervals_of_differences():
    # NRS at 12 weeks, needle minus sham laser -0.4 (-1.2 to 0.4), n 70 and 70; minus no acupuncture -1.1 (-1.8 to -0.4), n 70 and 71
    for comparator, estimate, width, n2 in (("sham", 0.4, 1.6, 70), ("usual_care", 1.1, 1.4, 71)):
        sd = width / (2 * stats.t.ppf(0.975, 70 + n2 - 2)) / math.sqrt(1 / 70 + 1 / n2)
        agrees(row("hinman2014", comparator), *hedges(estimate, sd, 70, 0, sd, n2))


def test_molsberger_spreads_are_compared_by_the_log_ratio_of_sds():
    # 26 (21) n 58 against 36 (19) n 58: equal n, so the corrections for n cancel
    agrees(row("molsberger2002", "sham", measure="VR"), math.log(21 / 19), 2 / (2 * 57))


def test_witt_2005_from_an_adjusted_difference_of_a_score_of_pain_and_function():
    # WOMAC index at week 8: -8.8 (-13.5 to -4.2) against minimal acupuncture, n 150 and 76; less is better
    sd = (13.5 - 4.2) / (2 * stats.t.ppf(0.975, 224)) / math.sqrt(1 / 150 + 1 / 76)
    got = row("witt2005", "sham")
    agrees(got, *hedges(8.8, sd, 150, 0, sd, 76))
    assert got.outcome == "pain_disability"


def test_williamson_2007_from_a_score_where_more_is_worse():
    # Oxford Knee Score at week 7: 36.8 (7.20) n 60 against advice 40.3 (8.48) n 61
    agrees(row("williamson2007", "usual_care"), *hedges(40.3, 8.48, 61, 36.8, 7.20, 60))


# --- rules -------------------------------------------------------------------------------------------------------


def test_one_row_per_trial_and_comparator():
    effects = ae.trial_effects()
    assert not effects.duplicated(["trial_id", "comparator"]).any()


def test_effects_and_left_out_account_for_every_comparison():
    evidence, effects = ae.load_evidence(), ae.trial_effects()
    left = effects.attrs["excluded"]
    left = left[left.arm.isna()]
    pairs = set(zip(effects.trial_id, effects.comparator, strict=True))
    missing = set(zip(left.trial_id, left.comparator, strict=True))
    assert not pairs & missing
    roles = {"sham": ["sham"], "usual_care": ["usual_care", "waitlist", "no_treatment"]}
    arms = evidence.arms
    expected = {
        (trial, comparator)
        for comparator, names in roles.items()
        for trial, group in arms.groupby("trial_id")
        if group.role.isin(names).any() and group.role.eq("acupuncture").any()
    }
    assert expected <= pairs | missing
    assert left.reason.str.len().gt(0).all()


def test_every_effect_can_be_traced():
    effects = ae.trial_effects()
    for column in ("derivation", "source_url", "figures_as_printed", "locator"):
        assert effects[column].str.len().gt(0).all()
    assert effects.source_url.str.startswith("http").all()
    assert (effects.vi > 0).all()
    assert effects[["yi", "vi", "se", "ci_low", "ci_high"]].notna().all().all()


def test_a_waiting_list_counts_until_it_is_treated():
    # the waiting list of Itoh 2010 had acupuncture after week 5 of 10
    got = row("itoh2010", "usual_care")
    assert got.week == row("itoh2010", "usual_care", timing="short").week == 5
    assert "before the comparator had acupuncture itself" in got.derivation
    assert "itoh2010" not in set(ae.trial_effects("fibromyalgia", timing="medium").trial_id)


def test_spreads_are_compared_only_where_both_are_printed():
    # Mawla 2021 and Zhao 2024 print means alone: an SD implied by a contrast would make the ratio of spreads 1
    assert not {"mawla2021", "zhao2024"} & set(ae.trial_effects(measure="VR").trial_id)


def test_no_effect_rests_on_an_sd_larger_than_the_scale(tmp_path):
    shutil.copytree(data_folder(), tmp_path, dirs_exist_ok=True)
    contrasts = pd.read_csv(tmp_path / "contrasts.csv", dtype=str)
    hinman = contrasts.trial_id.eq("hinman2014") & contrasts.ci_low.eq("-1.2")
    assert hinman.any()
    contrasts.loc[hinman, "ci_low"] = "-12"
    contrasts.to_csv(tmp_path / "contrasts.csv", index=False)
    effects = ae.trial_effects("knee_osteoarthritis", comparator="sham", evidence=ae.load_evidence(tmp_path))
    left = effects.attrs["excluded"].set_index("trial_id")
    assert "larger than the scale allows" in left.loc["hinman2014", "reason"]


def test_one_instrument_is_one_outcome_wherever_its_rows_are_filed():
    others = picked(outcome="other")
    assert not others.measure_used.str.contains("WOMAC (?:total|index)|Oxford Knee", regex=True).any()
    assert set(picked(outcome="pain_disability", comparator="sham").trial_id) >= {"witt2005", "vas2004"}


def test_windows_hold_their_weeks():
    # the waiting list of Itoh 2010 is compared up to week 5 of a course of 10
    course = ae.load_evidence().trials.set_index("trial_id").treatment_weeks.copy()
    course["itoh2010"] = 5
    end = ae.trial_effects().dropna(subset="week")
    assert (end.week - end.trial_id.map(course)).between(-1, 5).all()
    for timing, low, high in (("short", 0, 13), ("medium", 13, 39), ("long", 39, 1000)):
        assert ae.trial_effects(timing=timing).week.dropna().between(low, high).all()


def test_cautioned_figures_come_back_only_on_request():
    default, with_cautions = ae.trial_effects("neck_pain"), ae.trial_effects("neck_pain", cautions="include")
    assert "fu2009" not in set(default.trial_id)
    back = with_cautions.set_index("trial_id").loc["fu2009"]
    assert "used despite a caution: reviewers' SMD from a withdrawn review" in back.derivation
    reason = default.attrs["excluded"].set_index("trial_id").loc["fu2009", "reason"]
    assert "withdrawn review" in reason


def test_irnich_2001_uses_the_trial_table_and_not_the_abstract():
    assert row("irnich2001", "sham").source_kind == "trial_table"


def test_effect_frames_with_their_left_out_lists_can_be_concatenated():
    joined = pd.concat([ae.trial_effects("headache"), ae.trial_effects("neck_pain")])
    assert joined.condition.nunique() == 2


@pytest.mark.parametrize(
    ("argument", "value"),
    [("condition", "backpain"), ("comparator", "placebo"), ("timing", "later"), ("measure", "d"), ("cautions", "yes"),
     ("outcome", "pian")],
)  # fmt: skip
def test_unknown_choices_list_the_known_ones(argument, value):
    with pytest.raises(ae.InputError, match=rf"{argument}='{value}' is not known.*one of"):
        ae.trial_effects(**{argument: value})


def test_order_of_outcomes_is_data(tmp_path):
    shutil.copytree(data_folder(), tmp_path, dirs_exist_ok=True)
    rules = tmp_path / "selection.yaml"
    text = rules.read_text(encoding="utf-8")
    rules.write_text(
        text.replace("outcomes: [headache_frequency, response, pain]", "outcomes: [response]"), encoding="utf-8"
    )
    effects = ae.trial_effects("headache", evidence=ae.load_evidence(tmp_path))
    assert set(effects.outcome) == {"response"}
