"""Do effect sizes and conversions agree with metafor, meta and estmeansd on the same figures?

The files in tests/reference hold the input and output of ``escalc``, ``conv.wald``, ``conv.fivenum`` and ``transf.*`` of metafor 5.1
and of ``metamean`` of meta 8.3, with the call that made them. A difference means another formula, variance, correction or treatment of
empty cells than the one docs/effect_sizes.md names.
"""

import json
import math
import pathlib
import warnings

import numpy as np
import pandas as pd
import pytest

import acuevidence as ae
from acuevidence import effects

REFERENCE = pathlib.Path(__file__).parents[1] / "reference"
RENAMED = {"OR2DL": "OR2D", "D2ORL": "D2OR"}
OPTIONS = {
    "to": ("to", str),
    "add": ("add", float),
    "vtype": ("vtype", str),
    "drop00": ("drop_empty", lambda text: text == "TRUE"),
    "correct": ("correct", lambda text: text == "TRUE"),
}


def load(name):
    return json.loads((REFERENCE / f"{name}.json").read_text(encoding="utf-8"))


def columns(data):
    words = ("study", "alloc", "controls", "design")
    return {key: np.array(value, float) for key, value in data.items() if key not in words}


def summaries(d, measure):
    if measure in ("COR", "ZCOR"):
        return {"r": d["ri"], "n": d["ni"]}
    if measure in ("MN", "MNLN", "SMN", "SDLN", "CVLN"):
        return {"mean": d["m1i"], "sd": d["sd1i"], "n": d["ni"]}
    if "ri" in d:
        means = {"mean_post": d["m1i"], "mean_pre": d["m2i"], "n": d["ni"], "r": d["ri"]}
        # escalc standardises by sd1i, which is the SD before; in its ratios sd1i goes with m1i, the mean after.
        first, second = ("sd_post", "sd_pre") if measure in ("ROMC", "VRC", "CVRC") else ("sd_pre", "sd_post")
        return means | {first: d["sd1i"], second: d["sd2i"]}
    if measure.startswith("MP"):
        return {"both": d["ai"], "only1": d["bi"], "only2": d["ci"], "neither": d["di"]}
    if measure in ("IR", "IRLN", "IRS", "IRFT"):
        return {"events": d["x1i"], "time": d["t1i"]}
    if "ai" in d:
        return {"events1": d["ai"], "n1": d["ai"] + d["bi"], "events2": d["ci"], "n2": d["ci"] + d["di"]}
    if "m1i" in d:
        return {"mean1": d["m1i"], "sd1": d["sd1i"], "n1": d["n1i"], "mean2": d["m2i"], "sd2": d["sd2i"], "n2": d["n2i"]}
    if "t1i" in d:
        return {"events1": d["x1i"], "time1": d["t1i"], "events2": d["x2i"], "time2": d["t2i"]}
    return {"events": d["xi"], "n": d["ni"]}


def cases():
    for path in sorted(REFERENCE.glob("escalc__*.json")):
        for key in load(path.stem)["expected"]:
            measure, *options = key.removesuffix("|group1").split("|")
            if RENAMED.get(measure, measure) in ae.effects.MEASURES and all(o.split("=")[0] in OPTIONS for o in options):
                yield path.stem, key


CASES = list(cases())


def numbers(values):
    words = {"Inf": np.inf, "-Inf": -np.inf, "NaN": np.nan, None: np.nan}
    return np.array([words.get(v, v) if not isinstance(v, float) else v for v in values], float)


@pytest.mark.parametrize(("file", "key"), CASES)
def test_effect_sizes_agree_with_escalc(file, key):
    reference = load(file)
    measure, *options = key.removesuffix("|group1").split("|")
    given = {OPTIONS[o.split("=")[0]][0]: OPTIONS[o.split("=")[0]][1](o.split("=")[1]) for o in options}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        code = RENAMED.get(measure, measure)
        got = ae.effect_size(code, **summaries(columns(reference["data"]), code), **given)
    want = reference["expected"][key]
    np.testing.assert_allclose(got["yi"], numbers(want["yi"]), rtol=1e-6, atol=1e-8)
    np.testing.assert_allclose(got["vi"], numbers(want["vi"]), rtol=1e-6, atol=1e-8)


def test_every_measure_is_among_the_references():
    # A printed hazard ratio is what conv.wald reads; the others are bound by the identities below.
    alone = {"HR", "PCOR", "ZPCOR", "MCD", "SMCCD", "SMCRD", "SMCRHD"}
    assert {RENAMED.get(m, m) for m in (key.split("|")[0] for _, key in CASES)} == set(ae.effects.MEASURES) - alone


@pytest.mark.parametrize("measure", ["COR", "ZCOR"])
def test_partial_correlations_of_one_predictor_are_correlations(measure):
    d = columns(load("escalc__dat.molloy2014")["data"])
    partial = ae.effect_size({"COR": "PCOR", "ZCOR": "ZPCOR"}[measure], r=d["ri"], n=d["ni"], m=1)
    plain = ae.effect_size(measure, r=d["ri"], n=d["ni"])
    np.testing.assert_allclose(partial["yi"], plain["yi"], rtol=1e-12)
    np.testing.assert_allclose(partial["vi"], plain["vi"], rtol=1e-12)


def test_a_partial_correlation_follows_from_the_test_of_its_coefficient():
    # By least squares: the t of a coefficient and the correlation of what the other predictor leaves of both variables.
    rng = np.random.default_rng(7)
    z, e = rng.standard_normal((2, 40))
    x = 0.5 * z + rng.standard_normal(40)
    y = 0.4 * x + 0.3 * z + e
    X = np.column_stack([np.ones(40), x, z])
    beta, rss = np.linalg.lstsq(X, y, rcond=None)[:2]
    t = beta[1] / np.sqrt(rss[0] / 37 * np.linalg.inv(X.T @ X)[1, 1])
    Z = X[:, [0, 2]]
    left = [v - Z @ np.linalg.lstsq(Z, v, rcond=None)[0] for v in (x, y)]
    found = ae.effect_size("PCOR", t=t, n=40, m=2)
    r = np.corrcoef(*left)[0, 1]
    assert found["yi"].item() == pytest.approx(r, rel=1e-10)
    assert found["vi"].item() == pytest.approx((1 - r**2) ** 2 / 38, rel=1e-10)
    assert ae.effect_size("ZPCOR", r=r, n=40, m=2)["vi"].item() == pytest.approx(1 / 36, rel=1e-12)


@pytest.mark.parametrize("measure", ["MC", "SMCC", "SMCR", "SMCRH"])
def test_a_pretest_posttest_control_effect_is_the_difference_of_two_changes(measure):
    one = {"mean_pre": 60, "mean_post": 41, "sd_pre": 21, "sd_post": 24, "n": 40, "r": 0.5}
    two = {"mean_pre": 59, "mean_post": 52, "sd_pre": 20, "sd_post": 22, "n": 36, "r": 0.6}
    both = {f"{k}1": v for k, v in one.items()} | {f"{k}2": v for k, v in two.items()}
    found = ae.effect_size(f"{measure}D", **both).iloc[0]
    first, second = (ae.effect_size(measure, **d).iloc[0] for d in (one, two))
    assert found["yi"] == pytest.approx(first["yi"] - second["yi"], rel=1e-12)
    assert found["vi"] == pytest.approx(first["vi"] + second["vi"], rel=1e-12)


def test_the_uncorrected_difference_of_changes_by_hand():
    # Changes of -19 and -7 over SDs of 21 and 20, by hand.
    found = ae.effect_size(
        "SMCRD",
        mean_pre1=60,
        mean_post1=41,
        sd_pre1=21,
        n1=40,
        r1=0.5,
        mean_pre2=59,
        mean_post2=52,
        sd_pre2=20,
        n2=36,
        r2=0.6,
        correct=False,
    )
    assert found["yi"].item() == pytest.approx(-19 / 21 + 7 / 20, rel=1e-12)


def test_pairs_that_agree_say_nothing_of_the_conditional_odds_ratio():
    few = ae.effect_size("MPORC", both=3, only1=9, only2=4, neither=5)
    many = ae.effect_size("MPORC", both=300, only1=9, only2=4, neither=500)
    assert few.equals(many)
    assert few["yi"].item() == pytest.approx(math.log(9 / 4), rel=1e-12)


@pytest.mark.parametrize("measure", ["HR", "OR", "RR", "IRR"])
def test_ratios_printed_with_their_limits_agree_with_conv_wald(measure):
    reference = load("conv_wald__syn.waldA")
    d, want = columns(reference["data"]), reference["expected"]["or_ci95_log"]
    got = ae.effect_size(measure, ratio=np.exp(want["yi"]), ci_low=d["or_lo"], ci_high=d["or_hi"])
    np.testing.assert_allclose(got["yi"], want["yi"], rtol=1e-6)
    np.testing.assert_allclose(got["vi"], want["vi"], rtol=1e-6)


def test_summaries_that_are_not_named_are_columns_of_the_data():
    table = pd.DataFrame({"events1": [12, 8], "n1": [60, 45], "events2": [20, 9], "n2": [61, 44], "n": [9, 9]}, index=["a", "b"])
    found = ae.effect_size("RR", data=table)
    assert found["yi"].tolist() == pytest.approx([math.log((12 / 60) / (20 / 61)), math.log((8 / 45) / (9 / 44))])
    assert found.index.tolist() == ["a", "b"]
    renamed = table.rename(columns={"n2": "controls"})
    assert ae.effect_size("RR", data=renamed, n2="controls").equals(found)
    with pytest.raises(
        ae.InputError, match=r"measure 'RR' needs n2 \(it takes events1, n1, events2, n2; or ratio, ci_low, ci_high\)"
    ):
        ae.effect_size("RR", data=renamed)


@pytest.mark.parametrize(
    ("key", "call"),
    [
        ("ci95", lambda d: effects.from_ci(d["lo95"], d["hi95"])),
        ("ci90", lambda d: effects.from_ci(d["lo90"], d["hi90"], level=0.90)),
        ("or_ci95_log", lambda d: effects.from_ci(d["or_lo"], d["or_hi"], log=True)),
        ("z", lambda d: effects.from_t(d["est"], d["z"])),
        ("p", lambda d: effects.from_p(d["est"], d["p"])),
    ],
)
def test_intervals_and_tests_agree_with_conv_wald(key, call):
    reference = load("conv_wald__syn.waldA")
    got = call(columns(reference["data"]))
    np.testing.assert_allclose(got["yi"], reference["expected"][key]["yi"], rtol=1e-6)
    np.testing.assert_allclose(got["vi"], reference["expected"][key]["vi"], rtol=1e-6)


def test_a_p_value_of_a_t_test_gives_back_the_standard_error_of_that_test():
    # p_t is the P value of the very z statistics whose variances are listed under "t_df", by t with df degrees of freedom; the normal
    # quantile, which conv.wald uses for every P value, lies up to 64 % above.
    reference = load("conv_wald__syn.waldA")
    d = columns(reference["data"])
    # The oldest scipy that is allowed inverts t by a search that stops at about 3e-10 of the quantile; later ones go to the last digit.
    np.testing.assert_allclose(effects.from_p(d["est"], d["p_t"], df=d["df"])["vi"], reference["expected"]["t_df"]["vi"], rtol=2e-9)
    np.testing.assert_allclose(effects.from_p(d["est"], d["p_t"])["vi"], reference["expected"]["p_t_df"]["vi"], rtol=1e-6)


SETS = {
    "min_med_max": {"minimum": "min", "median": "median", "maximum": "max"},
    "q1_med_q3": {"q1": "q1", "median": "median", "q3": "q3"},
    "five": {"minimum": "min", "q1": "q1", "median": "median", "q3": "q3", "maximum": "max"},
}


@pytest.mark.parametrize("which", SETS)
def test_quantiles_agree_with_conv_fivenum(which):
    reference = load("conv_fivenum__syn.fivenumA")
    d, want = columns(reference["data"]), reference["expected"][f"luo_wan_shi|{which}"]
    got = effects.mean_sd_from_quantiles(d["n"], **{ours: d[theirs] for ours, theirs in SETS[which].items()})
    np.testing.assert_allclose(got["mean"], want["mean"], rtol=1e-6)
    np.testing.assert_allclose(got["sd"], want["sd"], rtol=1e-6)


@pytest.mark.parametrize(("key", "which"), [("iqr|Luo|Shi", "q1_med_q3"), ("range|Luo|Shi", "min_med_max")])
def test_quantiles_agree_with_metamean(key, which):
    reference = load("median2mean__syn.medianA")
    d, want = columns(reference["data"]), reference["expected"][key]
    got = effects.mean_sd_from_quantiles(d["n"], **{ours: d[theirs] for ours, theirs in SETS[which].items()})
    np.testing.assert_allclose(got["mean"], want["mean"], rtol=1e-6)
    # For small n meta reads the SD's divisor from a table of two decimals or so, in place of Wan's closed form.
    np.testing.assert_allclose(got["sd"], want["sd"], rtol=3e-3)


def test_mcgraths_quantile_estimation_agrees_within_the_stop_of_its_search():
    reference = load("median2mean__syn.medianA")
    d, want = columns(reference["data"]), reference["expected"]["five|QE-McGrath"]
    got = effects.mean_sd_from_quantiles(d["n"], method="qe", **{ours: d[theirs] for ours, theirs in SETS["five"].items()})
    np.testing.assert_allclose(got["mean"], want["mean"], rtol=5e-5)
    np.testing.assert_allclose(got["sd"], want["sd"], rtol=5e-5)


def test_mcgraths_box_cox_agrees_within_the_error_of_its_random_draws():
    # estmeansd draws n + 1000 values: the standard error of their mean is sd / sqrt(n + 1000), of their SD about sd / sqrt(2 (n + 1000))
    reference = load("median2mean__syn.medianA")
    d, want = columns(reference["data"]), reference["expected"]["five|BC-McGrath"]
    got = effects.mean_sd_from_quantiles(d["n"], method="bc", **{ours: d[theirs] for ours, theirs in SETS["five"].items()})
    sd = np.array(want["sd"])
    assert (np.abs(got["mean"] - want["mean"]) < 3 * sd / np.sqrt(d["n"] + 1000)).all()
    assert (np.abs(got["sd"] - want["sd"]) < 3 * sd / np.sqrt(2 * (d["n"] + 1000))).all()


def test_mcgraths_methods_recover_a_log_normal_from_its_own_quantiles():
    quantiles = np.exp(1 + 0.5 * np.array([-0.6744897501960817, 0, 0.6744897501960817]))
    mean, sd = np.exp(1.125), np.sqrt(np.expm1(0.25)) * np.exp(1.125)
    given = dict(zip(("q1", "median", "q3"), quantiles, strict=True))
    for method in ("qe", "bc"):
        got = effects.mean_sd_from_quantiles(1e6, method=method, **given).iloc[0]
        assert got["mean"] == pytest.approx(mean, rel=1e-5)
        assert got["sd"] == pytest.approx(sd, rel=1e-5)


@pytest.mark.parametrize(
    ("key", "function"),
    [
        ("transf.dtolnor.logis", effects.smd_to_or),
        ("transf.lnortod.logis", effects.or_to_smd),
        ("transf.dtorpb", effects.smd_to_r),
        ("transf.logit_ilogit", lambda d: effects.back_transform(d, "PLO")),
        ("transf.iarcsin", lambda d: effects.back_transform(np.clip(d, 0, np.pi / 2), "PAS")),
    ],
)
def test_conversions_agree_with_transf(key, function):
    reference = load("conv_transf__syn.transfA")
    d = np.array(reference["data"]["d"])
    want = np.array(reference["expected"][key])
    if key == "transf.iarcsin":  # metafor takes sin^2 of negative angles too, which no proportion has
        d, want = d[(d > 0) & (d < np.pi / 2)], want[(d > 0) & (d < np.pi / 2)]
    elif key == "transf.logit_ilogit":
        np.testing.assert_allclose(function(np.log(want / (1 - want))), want, rtol=1e-9)
    np.testing.assert_allclose(function(d), want, rtol=1e-6)


def test_freeman_tukey_is_undone_as_in_transf_ipft_hm():
    reference = load("escalc__dat.pritz1997")
    d = columns(reference["data"])
    yi = ae.effect_size("PFT", events=d["xi"], n=d["ni"])["yi"]
    want = reference["expected"]["transf.ipft.hm"]
    pooled = effects.back_transform(want["pooled_pft_reml_default"], "PFT", n=d["ni"])
    assert pooled == pytest.approx(want["back"], rel=1e-9)
    singly = [effects.back_transform(y, "PFT", n=n) for y, n in zip(yi, d["ni"], strict=True)]
    np.testing.assert_allclose(singly, want["back_per_study"], rtol=1e-9)
