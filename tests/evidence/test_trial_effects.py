"""Is one effect per trial what a reviewer with a pocket calculator would get from the printed figures?

Each hand-checked trial repeats the arithmetic from the figures as they are printed in ``figures_as_printed``, with nothing
but the math module, and for distributions the quantiles of scipy.stats. A difference means that the package picked another
figure, read it with the wrong sign, or derived it by another formula than the one documented in docs/selection.md.
"""

import functools
import math
import re
import shutil
from dataclasses import replace

import pandas as pd
import pytest
from builders import hedges
from scipy import stats

import acuevidence as ae
from acuevidence.evidence import data_folder
from acuevidence.evidence.carried import joined


def adjusted(difference, se, sd, n1, n2):
    """An adjusted difference over the SD of scores: g = J D / SD, vi = (SE / SD)^2 + g^2 / (2 N)."""
    df = n1 + n2 - 2
    j = math.exp(math.lgamma(df / 2) - math.lgamma((df - 1) / 2)) / math.sqrt(df / 2)
    g = j * difference / sd
    return g, (se / sd) ** 2 + g**2 / (2 * (n1 + n2))


def half(low, high, df):
    """Standard error of a difference from its interval, with t quantiles."""
    return (high - low) / (2 * stats.t.ppf(0.975, df))


@functools.cache
def picked(**selection):
    return ae.trial_effects(**selection)


@pytest.fixture(scope="module")
def without_patients():
    """The package's evidence without individual patient data and without what is printed per 28 days."""
    evidence = ae.load_evidence()
    kept = {name: (table := getattr(evidence, name))[~table.measure.str.contains("28 days")] for name in ("results", "contrasts")}
    return replace(evidence, ipd={}, **kept)


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


def test_kong_an_adjusted_difference_over_the_sd_of_changes():
    # adjusted difference -2.09 (-4.27 to 0.09); changes -4.33 (-6.36 to -2.30) n 59 and -2.90 (-4.85 to -0.95) n 62; less is better
    sd1 = math.sqrt(59) * (6.36 - 2.30) / (2 * stats.t.ppf(0.975, 58))
    sd2 = math.sqrt(62) * (4.85 - 0.95) / (2 * stats.t.ppf(0.975, 61))
    pooled = math.sqrt((58 * sd1**2 + 61 * sd2**2) / 119)
    got = row("kong2020", "sham")
    agrees(got, *adjusted(2.09, half(-4.27, 0.09, 119), pooled, 59, 62))
    assert (round(got.yi, 2), round(got.se, 2), got.kind, got.sd_assumed) == (0.27, 0.14, "adjusted", False)


def test_xu_an_adjusted_difference_at_the_week_nearest_to_the_end_of_the_course():
    # course of 8 weeks; week 16, not 20: -1.4 (-2.4 to -0.3) migraine days; changes 2.4 (SD 3.4) and 3.5 (SD 2.5), n 60 each
    got = row("xu2020", "sham")
    agrees(got, *adjusted(1.4, half(-2.4, -0.3, 118), math.sqrt((2.5**2 + 3.4**2) / 2), 60, 60))
    assert (round(got.yi, 2), got.week) == (0.47, 16)


def test_white_2004_an_adjusted_difference_whose_sd_is_nowhere_printed():
    # 6.3 (1.4 to 11.3), 135 people over two arms; SD = SE / sqrt(1/n1 + 1/n2) / sqrt(1 - 0.25)
    se = half(1.4, 11.3, 132)
    got = row("white2004", "sham")
    agrees(got, *adjusted(6.3, se, se / math.sqrt(2 / 67) / math.sqrt(0.75), 67, 67))
    assert (got.yi, got.se) == (pytest.approx(0.37, abs=0.01), pytest.approx(0.15, abs=0.005))
    assert got.sd_assumed
    assert got.n_assumed
    assert not got.late


def test_nct03299439_two_adjusted_differences_share_the_waiting_list():
    # WOMAC total at week 16, when the waiting list was treated: -9.77 (-14.47 to -5.07) and -11.97 (-16.71 to -7.24); 666, 1:1:1
    n, parts = 222, []
    for difference, low, high in ((9.77, -14.47, -5.07), (11.97, -16.71, -7.24)):
        se = half(low, high, 2 * n - 2)
        implied = se / math.sqrt(2 / n)
        parts.append(adjusted(difference, se, implied / math.sqrt(0.75), n, n))
    (g1, v1), (g2, v2) = parts
    w = (1 / v1) / (1 / v1 + 1 / v2)
    # the shared arm adds residual variance: sqrt(0.75)^2 / n, and g1 g2 / (2 N)
    shared = 0.75 / n + g1 * g2 / (2 * 3 * n)
    got = row("nct03299439_2022", "usual_care")
    agrees(got, w * g1 + (1 - w) * g2, w**2 * v1 + (1 - w) ** 2 * v2 + 2 * w * (1 - w) * shared)
    assert round(got.yi, 2) == 0.37


def test_vas_2006_takes_the_sd_of_the_difference_that_is_itself_left_out():
    # final 27.6 against 45.5; the difference adjusted for rescue medication too is 28.1 (21.4 to 34.7); 123 people over two arms
    sd = half(21.4, 34.7, 120) / math.sqrt(2 / 61) / math.sqrt(0.75)
    got = row("vas2006", "sham")
    agrees(got, *hedges(45.5, sd, 61, 27.6, sd, 61))
    assert (round(got.yi, 2), round(got.se, 2)) == (0.83, 0.19)
    assert got.sd_assumed
    assert got.n_assumed


def test_li_2012_borrows_the_sd_of_another_week():
    # migraine days of weeks 5-8: 2.8, 2.9, 2.7 against sham 3.4, n 120 of 480 and 118; no spread. At weeks 13-16 the difference of
    # one arm from sham is -1.22 (-1.92 to -0.52)
    sd = half(-1.92, -0.52, 236) / math.sqrt(1 / 120 + 1 / 118)
    combined = math.sqrt((357 * sd**2 + 120 * (0.1**2 + 0.1**2)) / 359)
    got = row("li2012", "sham")
    agrees(got, *hedges(3.4, sd, 118, 2.8, combined, 360))
    assert (round(got.yi, 2), round(got.se, 2), got.week) == (0.22, 0.11, 8)
    assert got.borrowed_sd
    assert got.n_assumed
    assert got.primary_endpoint


def test_only_li_2012_borrows_from_another_week():
    effects = picked()
    assert effects.trial_id[effects.borrowed_sd].unique().tolist() == ["li2012"]


def test_lautenschlaeger_averages_contrasts_of_overlapping_patients_as_fully_dependent():
    # reviewers' SMDs -0.55 (-1.21 to 0.11) and -0.30 (-0.84 to 0.23), less pain with acupuncture
    z = stats.norm.ppf(0.975)
    se1, se2 = (0.11 + 1.21) / (2 * z), (0.23 + 0.84) / (2 * z)
    w = (1 / se1**2) / (1 / se1**2 + 1 / se2**2)
    got = row("lautenschlaeger1989", "sham")
    agrees(got, w * 0.55 + (1 - w) * 0.30, (w * se1 + (1 - w) * se2) ** 2)
    assert (round(got.yi, 2), round(got.se, 2)) == (0.40, 0.30)


def test_mendelson_from_the_t_statistic_of_the_first_phase():
    # t = 0.52, n 36 and 41
    j = math.exp(math.lgamma(37.5) - math.lgamma(37)) / math.sqrt(37.5)
    g = j * 0.52 * math.sqrt(1 / 36 + 1 / 41)
    got = row("mendelson1983", "sham")
    agrees(got, g, 1 / 36 + 1 / 41 + g**2 / (2 * 77))
    assert (round(got.yi, 2), round(got.se, 2)) == (0.12, 0.23)
    assert "crossover" not in got.derivation


def test_assefi_takes_its_own_average_against_the_pooled_shams():
    # 0.5 cm more pain (-0.3 to 1.2) with acupuncture, average of follow-up; 100 people over four arms, three of them sham
    se = half(-0.3, 1.2, 98)
    got = row("assefi2005", "sham")
    agrees(got, *adjusted(-0.5, se, se / math.sqrt(1 / 25 + 1 / 75) / math.sqrt(0.75), 25, 75))
    assert round(got.yi, 2) == -0.26


def test_press_needles_cohens_d_takes_the_small_sample_correction():
    # p = 0.025, d = -0.65; 50 people over two arms: z quantile of the P value, then J with 48 degrees of freedom
    j = math.exp(math.lgamma(24) - math.lgamma(23.5)) / math.sqrt(24)
    agrees(row("pressneedle2024", "sham"), j * 0.65, (j * 0.65 / stats.norm.isf(0.0125)) ** 2)


def test_sangdee_from_standard_errors_without_the_arm_that_adds_diclofenac():
    # change of VAS by week 4: -48.24 (SE 3.59) n 46 against -22.86 (SE 4.02) n 45
    agrees(row("sangdee2002", "sham"), *hedges(48.24, 3.59 * math.sqrt(46), 46, 22.86, 4.02 * math.sqrt(45), 45))


def test_witt_neck_rounding_of_a_standard_error_of_one_digit_enters_the_variance():
    # Neck Pain and Disability Scale at 3 months: 38.3 (SE 0.4) n 1880 against 50.5 (SE 0.4) n 1886; 0.4 is anything from 0.35 to 0.45
    g, vi = hedges(50.5, 0.4 * math.sqrt(1886), 1886, 38.3, 0.4 * math.sqrt(1880), 1880)
    share = [1879 * 1880, 1885 * 1886]
    added = g**2 * 0.1**2 / (12 * 0.4**2) * sum((s / sum(share)) ** 2 for s in share)  # two arms printed apart: half
    got = row("witt2006neck", "usual_care")
    agrees(got, g, vi + added)
    assert (round(got.yi, 2), round(got.se, 3), round(math.sqrt(vi), 3)) == (0.70, 0.049, 0.034)
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
    # NPQ: 7.72 (5.57 to 9.86) against shallow, 10.38 (8.25 to 12.52) against sham; 896 people, 1:1:1
    n = 896 // 3
    effects, sds, ses = [], [], []
    for estimate, low, high in ((7.72, 5.57, 9.86), (10.38, 8.25, 12.52)):
        ses.append(half(low, high, 2 * n - 2))
        sds.append(ses[-1] / math.sqrt(2 / n))
        effects.append(hedges(estimate, sds[-1], n, 0, sds[-1], n))
    (g1, v1), (g2, v2) = effects
    w = (1 / v1) / (1 / v1 + 1 / v2)
    # Gleser & Olkin: 1/n of the shared arm and g1 g2 / (2 N) with the patients of all three arms
    variance = w**2 * v1 + (1 - w) ** 2 * v2 + 2 * w * (1 - w) * (1 / n + g1 * g2 / (2 * 3 * n))
    agrees(row("chen2021", "sham"), w * g1 + (1 - w) * g2, variance)
    # in points of 0-100 contrasts covary by sd^2 / n, not by 1 / n
    w = (1 / ses[0] ** 2) / (1 / ses[0] ** 2 + 1 / ses[1] ** 2)
    variance = w**2 * ses[0] ** 2 + (1 - w) ** 2 * ses[1] ** 2 + 2 * w * (1 - w) * sds[0] * sds[1] / n
    got = row("chen2021", "sham", measure="MD")
    agrees(got, w * 7.72 + (1 - w) * 10.38, variance)
    assert round(got.se, 3) == 0.944


def test_thomas_2006_is_late_and_on_a_scale_where_more_is_better():
    # SF-36 bodily pain at 12 months, adjusted difference 5.6 (-0.2 to 11.4) in favour of acupuncture; n 160 and 81
    se = half(-0.2, 11.4, 239)
    sd = se / math.sqrt(1 / 160 + 1 / 81) / math.sqrt(0.75)
    got = row("thomas2006", "usual_care")
    agrees(got, *adjusted(5.6, se, sd, 160, 81))
    assert got.late
    assert got.sd_assumed
    assert round(got.yi, 2) == 0.22
    assert row("thomas2006", "usual_care", timing="long").yi == got.yi


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


def test_bresler_2022_on_a_scale_of_0_to_10_in_points_of_0_to_100():
    # changes -2.91 (SE 0.59) and -2.09 (SE 0.68)
    got = row("bresler2022", "sham", measure="MD")
    agrees(got, 10 * (2.91 - 2.09), 100 * (0.59**2 + 0.68**2))


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
    # review: difference of VAS -3.8 (-12.4 to 4.9), less is better, n 140 and 70 analysed; the abstract's P of 0.96 is of another model
    sd = half(-12.4, 4.9, 208) / math.sqrt(1 / 140 + 1 / 70)
    agrees(row("brinkhaus2006", "sham", timing="medium"), *hedges(3.8, sd, 140, 0, sd, 70))
    # at 52 weeks -5.7 (-14.4 to 3.0)
    sd = half(-14.4, 3.0, 208) / math.sqrt(1 / 140 + 1 / 70)
    agrees(row("brinkhaus2006", "sham", timing="long"), *hedges(5.7, sd, 140, 0, sd, 70))


def test_linde_2005_in_days_takes_its_precision_from_the_interval():
    # decrease 2.2 (2.7) in both arms, difference 0.0 (-0.7 to 0.7) days; 302 people over three arms
    agrees(row("linde2005", "sham", measure="MD"), 0.0, (1.4 / (2 * stats.t.ppf(0.975, 198))) ** 2)


def test_vickers_2004_from_its_patients():
    # analysis of covariance by the normal equations, with nothing but sums: days with headache at 3 months on baseline and group
    data = ae.load_evidence().ipd["vickers2004"].dropna(subset=["f1", "f2"])
    y, x, z = (data[c].to_numpy(float) for c in ("f2", "group", "f1"))
    y, x, z = (v - v.mean() for v in (y, x, z))
    det = (x @ x) * (z @ z) - (x @ z) ** 2
    slope = ((z @ z) * (x @ y) - (x @ z) * (z @ y)) / det
    other = ((x @ x) * (z @ y) - (x @ z) * (x @ y)) / det
    residual = y - slope * x - other * z
    se = math.sqrt(residual @ residual / (len(y) - 3) * (z @ z) / det)
    groups = [data.f2[data.group == g] for g in (1, 0)]
    n1, n2 = map(len, groups)
    sd = math.sqrt(sum((len(g) - 1) * g.var() for g in groups) / (n1 + n2 - 2))
    got = row("vickers2004", "usual_care")
    agrees(got, *adjusted(-slope, se, sd, n1, n2))
    assert (round(-slope, 2), round(got.yi, 2), round(got.se, 3)) == (1.66, 0.23, 0.075)
    assert got.source_url == "https://doi.org/10.1186/1745-6215-7-15"
    # the declared primary endpoint is the score at 12 months; the abstract prints 4.6 (2.2 to 7.0)
    primary = row("vickers2004", "usual_care", endpoint="primary")
    assert (round(primary.yi, 2), round(primary.se, 3)) == (0.30, 0.083)
    assert float(primary.figures_as_printed.split()[4]) == pytest.approx(-4.6, abs=0.05)


def test_days_per_year_are_brought_to_four_weeks(without_patients):
    # 22 (8 to 38) fewer days with headache a year; 205 and 196 people
    per = 28 / 365.25
    effects = ae.trial_effects("headache", measure="MD", timing="long", evidence=without_patients)
    got = effects.set_index("trial_id").loc["vickers2004"]
    assert got.yi == pytest.approx(22 * per, rel=1e-9)
    assert got.vi == pytest.approx((per * half(8, 38, 205 + 196 - 2)) ** 2, rel=1e-9)


def test_zheng_days_per_month_are_brought_to_four_weeks():
    # headache days a month: 28 * 12 / 365.25 of them fall in four weeks
    per = 28 * 12 / 365.25
    got = row("zheng2022", "sham", measure="MD")
    printed = [float(v) for v in re.findall(r"\d+\.\d+", got.figures_as_printed)]
    assert got.yi == pytest.approx(per * (got.mean1 - got.mean2), rel=1e-9)
    assert {got.mean1, got.mean2} <= set(printed)


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


@pytest.mark.parametrize(
    ("comparator", "difference", "low", "high", "n2", "right"),
    [("sham", 8.8, -13.5, -4.2, 76, (0.45, 0.12)), ("usual_care", 22.7, -27.5, -17.9, 74, (1.14, 0.13))],
)
def test_witt_2005_from_adjusted_differences(comparator, difference, low, high, n2, right):
    # WOMAC index at week 8, adjusted for baseline; n 150 and 76 or 74; the SDs of the adjusted means are residual and do not count
    se = half(low, high, 150 + n2 - 2)
    got = row("witt2005", comparator)
    agrees(got, *adjusted(difference, se, se / math.sqrt(1 / 150 + 1 / n2) / math.sqrt(0.75), 150, n2))
    assert (round(got.yi, 2), round(got.se, 2)) == right
    assert got.outcome == "pain_disability"
    assert got.sd_assumed


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
    trials = ae.load_evidence().trials.drop_duplicates("trial_id").set_index("trial_id")
    # the waiting list of Itoh 2010 is compared up to week 5 of a course of 10
    course = trials.treatment_weeks.copy()
    course["itoh2010"] = 5
    end = ae.trial_effects().dropna(subset="week")
    after = end.week - end.trial_id.map(course)
    assert (after[~end.course_assumed] >= -1).all()
    assert end.week[~end.late].le(27).all()
    assert end.week[end.late].between(27, 53, inclusive="right").all()
    assert end.trial_id[end.late].tolist() == ["thomas2006", "macpherson2015"]
    assert end.trial_id[end.course_assumed].unique().tolist() == ["foster2007"]
    for timing, low, high in (("short", 0, 13), ("medium", 13, 39), ("long", 39, 1000)):
        weeks = ae.trial_effects(timing=timing).week.dropna()
        assert ((weeks > low) & (weeks <= high)).all()
        assert weeks.max() > {"short": 12, "medium": 26, "long": 52}[timing]


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
    [
        ("condition", "backpain"),
        ("comparator", "placebo"),
        ("timing", "later"),
        ("measure", "d"),
        ("cautions", "yes"),
        ("outcome", "pian"),
    ],
)
def test_unknown_choices_list_the_known_ones(argument, value):
    with pytest.raises(ae.InputError, match=rf"{argument}='{value}' is not known.*one of"):
        ae.trial_effects(**{argument: value})


def test_order_of_outcomes_is_data(tmp_path):
    shutil.copytree(data_folder(), tmp_path, dirs_exist_ok=True)
    rules = tmp_path / "selection.yaml"
    text = rules.read_text(encoding="utf-8")
    rules.write_text(
        text.replace("    - {outcome: headache_frequency, instrument: days}\n    - {outcome: headache_frequency}\n", ""),
        encoding="utf-8",
    )
    effects = ae.trial_effects("headache", evidence=ae.load_evidence(tmp_path))
    assert set(effects.outcome) == {"response"}


# --- each rule, on a trial ---------------------------------------------------------------------------------------


def reason(trial, comparator, **selection):
    left = picked(**selection).attrs["excluded"]
    found = left[(left.trial_id == trial) & (left.comparator == comparator) & left.arm.isna()]
    assert len(found) == 1
    return found.iloc[0].reason


def test_responders_of_another_kind_do_not_count():
    # less pain by a printed share counts; a score of function, a judgement of the whole and an unnamed criterion do not
    responses = picked(outcome="response")
    kinds = ae.load_evidence().results.query("outcome == 'response'").groupby("trial_id").responder.agg(set)
    assert responses.trial_id.map(kinds).map(lambda kinds: "pain" in kinds).all()
    assert "a response of another kind (function)" in reason("ea_tug_pilot_beijing", "sham", outcome="response")
    # Endres and Haake count other treatment as no response
    assert "a composite outcome" in row("haake2007", "sham").derivation


def test_a_course_of_one_session_never_enters():
    # Schroeder 2017 printed pain after its only session; its declared endpoint is that day
    assert reason("schroeder2017", "sham") == reason("schroeder2017", "sham", endpoint="primary") == "a course of one session"


def test_baseline_figures_do_not_stand_for_a_trial():
    evidence = ae.load_evidence()
    # Leibing 2002 with its figures at baseline
    first = {
        name: table.assign(week=table.week.where(table.trial_id != "leibing2002", 0.0))
        for name, table in (("results", evidence.results), ("contrasts", evidence.contrasts))
    }
    effects = ae.trial_effects("low_back_pain", comparator="sham", evidence=replace(evidence, **first))
    left = effects.attrs["excluded"].set_index("trial_id")
    assert "only figures of baseline or of the day of treatment" in left.loc["leibing2002", "reason"]
    assert picked().week.dropna().min() >= 1


def test_figures_after_the_comparator_was_treated_never_enter():
    # Linde 2005: the waiting list was treated after week 12; Jonas 2016: usual care after week 6
    for selection in ({}, {"timing": "medium"}, {"timing": "long"}, {"endpoint": "primary"}):
        effects = picked(**selection)
        for trial, week in (("linde2005", 12), ("witt2006neck", 13), ("jena2008", 13), ("zhao2017", 24), ("itoh2010", 5)):
            rows = effects[(effects.trial_id == trial) & (effects.comparator == "usual_care")]
            assert (rows.week <= week).all()
    assert "the comparator had acupuncture itself after week 13" in reason("witt2006neck", "usual_care", timing="medium")


def test_a_waiting_list_of_unknown_fate_counts_up_to_five_weeks_after_the_course():
    # Brinkhaus 2006: course of 8 weeks, waiting list; nothing says when it was treated
    got = row("brinkhaus2006", "usual_care")
    assert (got.comparator_role, got.week) == ("waitlist", 8)
    assert got.week <= 8 + 5
    assert "brinkhaus2006" not in set(picked(timing="long", comparator="usual_care").trial_id)


def test_sites_of_a_trial_do_not_enter_beside_it():
    assert "sun2021cpps" in set(picked().trial_id)
    parts = ae.load_evidence().trials.dropna(subset="part_of").trial_id
    assert len(parts) == 5
    assert not set(parts) & set(picked().trial_id)
    assert reason("thesis24cpps", "sham") == "reported with sun2021cpps"


def test_the_population_is_returned_with_the_effect():
    pelvic = picked().query("condition == 'pelvic_pain'")
    assert set(pelvic.population) == {"men", "women"}


def test_the_primary_endpoint_is_the_authors_own():
    # Endres 2007 declared response at 6 months: 33% of 209 against 27% of 200 in Table 2; the default takes days
    primary, default = row("endres2007", "sham", endpoint="primary"), row("endres2007", "sham")
    assert (primary.outcome, default.outcome) == ("response", "headache_frequency")
    assert primary.primary_endpoint
    assert not default.primary_endpoint
    # Weiner 2013 declared week 39, after the horizon of the default
    assert picked(endpoint="primary").query("primary_endpoint").groupby("comparator").size().min() > 10


def test_a_shorter_horizon_takes_an_earlier_figure_and_marks_what_is_later():
    # Diener 2006 prints week 26 alone
    got = row("diener2006", "sham", horizon=13)
    assert got.late
    assert not row("diener2006", "sham").late
    with pytest.raises(ae.InputError, match="horizon must be a number of weeks"):
        ae.trial_effects(horizon=60)


def test_n_comes_from_the_allocation_ratio_before_equal_parts():
    # Chen 2021 prints 896 and 1:1:1; Melchart 2005 prints 270 over three arms and no ratio
    assert "896 by the allocation ratio" in row("chen2021", "sham").derivation
    assert "equal split of 270 over 3 arms" in row("melchart2005", "sham").derivation
    assert row("melchart2005", "sham").n_assumed
    assert not row("leibing2002", "sham").n_assumed


def test_linde_and_melchart_two_to_one_to_one():
    evidence = ae.load_evidence()
    rules = replace(evidence.rules, three_arms=(2, 1, 1))
    effects = ae.trial_effects("headache", evidence=replace(evidence, rules=rules)).set_index(["trial_id", "comparator"])
    assert effects.loc[("linde2005", "sham"), ["n1", "n2"]].tolist() == [302 // 2, 302 // 4]
    assert effects.loc[("melchart2005", "usual_care"), ["n1", "n2"]].tolist() == [270 // 2, 270 // 4]
    # printed n stay as they are
    assert effects.loc[("zhao2017", "sham"), "n1"] == row("zhao2017", "sham").n1


def test_a_trial_of_three_roles_lists_the_arm_that_is_not_compared():
    evidence = ae.load_evidence()
    arms = evidence.arms
    extra = arms[(arms.trial_id == "brinkhaus2006") & (arms.role == "waitlist")].assign(arm="care", role="usual_care")
    left = ae.trial_effects("low_back_pain", evidence=replace(evidence, arms=pd.concat([arms, extra]))).attrs["excluded"]
    found = left[(left.trial_id == "brinkhaus2006") & (left.arm == "waitlist")]
    assert found.reason.tolist() == ["compared by the arm in the role usual_care"]


def test_contrasts_name_the_participants_of_their_own_arms():
    # White 2004 aside, unequal arms: Witt 2005 150 and 76, Thomas 2006 160 and 81
    assert row("witt2005", "sham")[["n1", "n2"]].tolist() == [150, 76]
    assert row("thomas2006", "usual_care")[["n1", "n2"]].tolist() == [160, 81]


def test_a_printed_odds_ratio_by_hand():
    # log OR and its variance times 3 / pi^2
    evidence = ae.load_evidence()
    contrasts = evidence.contrasts
    odds = contrasts[(contrasts.effect_type == "odds_ratio") & contrasts.ci_low.notna() & contrasts.caution.isna()]
    one = odds.iloc[0]
    results = evidence.results[~((evidence.results.trial_id == one.trial_id) & (evidence.results.outcome == one.outcome))]
    alone = replace(evidence, results=results)
    kind = evidence.arms.set_index(["trial_id", "arm"]).role[one.trial_id, one.comparator_arm]
    comparator = "sham" if kind == "sham" else "usual_care"
    responder = contrasts.assign(responder=contrasts.responder.where(contrasts.index != one.name, "pain"), week=contrasts.week)
    effects = ae.trial_effects(
        one.condition,
        comparator=comparator,
        outcome=one.outcome,
        timing="medium" if one.week > 13 else "short",
        evidence=replace(alone, contrasts=responder[(responder.trial_id != one.trial_id) | (responder.index == one.name)]),
    )
    got = effects.set_index("trial_id").loc[one.trial_id]
    z = stats.norm.ppf(0.5 + one.ci_level / 200)
    variance = (math.log(one.ci_high / one.ci_low) / (2 * z)) ** 2
    sign = 1 if one.favours == "acupuncture" else -1
    assert got.yi == pytest.approx(sign * abs(math.log(one.estimate)) * math.sqrt(3) / math.pi, rel=1e-9)
    assert got.vi == pytest.approx(variance * 3 / math.pi**2, rel=1e-9)


def test_quality_of_life_where_larger_is_better():
    evidence = ae.load_evidence()
    better = evidence.results[(evidence.results.outcome == "quality_of_life") & (evidence.results.benefit.astype(float) == 1)]
    effects = ae.trial_effects(outcome="quality_of_life", timing="long").query("statistic == 'final'")
    effects = pd.concat([effects, picked(outcome="quality_of_life").query("statistic == 'final'")])
    rows = effects[effects.trial_id.isin(better.trial_id) & effects.mean1.notna()]
    assert len(rows)
    assert ((rows.mean1 > rows.mean2) == (rows.yi > 0)).all()
    # Martin 2006: Fibromyalgia Impact Questionnaire, where less is better
    worse = row("martin2006", "sham", outcome="quality_of_life")
    assert worse.mean1 < worse.mean2
    assert worse.yi > 0


def test_arms_that_borrow_one_sd_are_pooled_with_n_minus_one():
    # White 2016: the side of two arms has one printed SD; with a second of another size the weights are n - 1
    from acuevidence.effects.from_arms import _within

    assert _within([(3.0, 11), (5.0, 31)]) == pytest.approx(math.sqrt((10 * 9 + 30 * 25) / 40), rel=1e-12)


def test_missing_trials_carry_their_participants():
    left = picked().attrs["excluded"]
    trials = ae.load_evidence().trials.drop_duplicates("trial_id").set_index("trial_id").n_randomized
    whole = left[left.arm.isna()]
    known = whole[whole.n.notna()]
    assert len(known) > 100
    # two arms or more of a trial are no more than all of it
    total = known.trial_id.map(trials)
    assert (known.n[total.notna()] <= total.dropna() + 1).mean() > 0.95


def test_every_effect_names_where_a_reader_finds_the_trial():
    effects = picked()
    with_doi = effects[effects.doi.notna()]
    assert len(with_doi)
    assert (with_doi.reference_url == "https://doi.org/" + with_doi.doi).all()
    record = effects[effects.doi.isna() & effects.pmid.notna()]
    assert record.reference_url.str.fullmatch(r"https://pubmed\.ncbi\.nlm\.nih\.gov/\d+/").all()
    neither = effects[effects.doi.isna() & effects.pmid.isna()]
    assert (neither.reference_url == neither.source_url.str.split(" ").str[0]).all()


def test_joined_tables_name_what_each_of_them_left_out():
    tables = [picked(condition=name, comparator="sham") for name in ("neck_pain", "headache")]
    whole = joined(tables)
    left = pd.DataFrame(whole.attrs["excluded"])
    assert len(whole) == sum(map(len, tables))
    assert left["condition"].value_counts().to_dict() == {
        name: len(one.attrs["excluded"]) for name, one in zip(("neck_pain", "headache"), tables, strict=True)
    }


def test_a_table_without_effects_has_the_types_of_one_with_effects():
    some, none = ae.trial_effects("hip_osteoarthritis"), ae.trial_effects("neck_pain")
    assert none.dtypes[none.dtypes != "object"].index.isin(some.columns).all() and len(some) == 0
    for name in ("late", "n1", "yi"):
        assert some[name].dtype == none[name].dtype
    assert some["derivation"].str.contains("SMD").sum() == 0


@pytest.mark.parametrize(("column", "value"), [("treatment_weeks", 0.0), ("sessions", "1")])
def test_a_course_of_one_session_is_known_by_its_length_or_its_sessions(column, value):
    trials = ae.load_evidence().trials
    trials.loc[trials["trial_id"] == "leibing2002", column] = value
    effects = ae.trial_effects("low_back_pain", comparator="sham", evidence=ae.load_evidence().changed(trials=trials))
    assert "leibing2002" not in set(effects["trial_id"])
    left = effects.attrs["excluded"].set_index("trial_id")["reason"]
    assert left["leibing2002"] == "a course of one session"


@pytest.mark.parametrize(("declared", "used"), [("26", True), ("27", True), ("28", False)])
def test_a_primary_endpoint_is_read_within_a_week_of_the_declared_one(declared, used):
    design = ae.load_evidence().design
    design.loc[(design["trial_id"] == "diener2006") & (design["field"] == "primary_week"), "value"] = declared
    asked = {"comparator": "sham", "endpoint": "primary", "evidence": ae.load_evidence().changed(design=design)}
    one = ae.trial_effects("headache", **asked).set_index("trial_id").loc["diener2006"]
    assert (one["week"], bool(one["primary_endpoint"])) == (26.0, used)


@pytest.mark.parametrize(("declared", "week", "used"), [("20", 20.0, True), ("25", 16.0, False)])
def test_a_trial_without_the_declared_week_is_read_as_by_default(declared, week, used):
    """Xu 2020 prints weeks 16 and 20 and declared week 20; five weeks from either, the week nearest to the declared one is not it."""
    design = ae.load_evidence().design
    design.loc[(design["trial_id"] == "xu2020") & (design["field"] == "primary_week"), "value"] = declared
    asked = {"comparator": "sham", "endpoint": "primary", "evidence": ae.load_evidence().changed(design=design)}
    one = ae.trial_effects("headache", **asked).set_index("trial_id").loc["xu2020"]
    assert (one["week"], bool(one["primary_endpoint"])) == (week, used)
