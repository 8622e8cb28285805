"""No raw Python error reaches a user: every argument of every public call is given every kind of wrong value.

A call that is right is spoilt one argument at a time. What is refused must be refused by the package's own errors; what is
accepted must have been usable. The counts at the end keep the table from shrinking.
"""

import datetime
import inspect
import warnings

import matplotlib
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

import acuevidence as ae
from acuevidence import effects, plots, questions
from acuevidence.report import tables

matplotlib.use("Agg")

TRIALS = pd.DataFrame(
    {
        "study": ["Ann 1999", "Bo 2004", "Cy 2010", "Di 2012", "Ed 2015", "Fay 2019"],
        "yi": [0.9, 0.4, 0.6, 0.1, 0.5, 0.3],
        "vi": [0.09, 0.04, 0.06, 0.02, 0.03, 0.05],
        "weeks": [12, 6, 8, 4, 10, 9],
        "group": ["a", "a", "a", "b", "b", "b"],
        "lab": ["x", "x", "y", "y", "z", "z"],
        "n": [40, 80, 60, 200, 120, 90],
    }
)
ONE = ae.meta_analysis(data=TRIALS, labels="study", n="n")
SLOPE = ae.meta_analysis(data=TRIALS, moderators=["weeks"])
GROUPED = ae.meta_analysis(data=TRIALS, by="group")
LEVELS = ae.multilevel(data=TRIALS.assign(row=range(6)), random="lab/row")
NET = ae.network(["a", "a", "b"], ["b", "c", "c"], [0.5, 0.9, 0.3], [0.1, 0.1, 0.1], ["A", "B", "C"])
BAYES = ae.bayes([0.2, 0.4, 0.1], [0.02, 0.05, 0.03], tau_prior=("half-normal", 0.5))
COUNTS = {"events1": [5, 8, 2], "n1": [20, 30, 40], "events2": [7, 3, 9], "n2": [22, 31, 38]}

SHAM = ae.pooled("neck_pain")["sham"]
MANY = ae.multiverse("fibromyalgia", "sham", {"timing": ["end_of_treatment"], "estimator": ["REML", "DL"]})

WRONG = {
    "an object": object(),
    "text": "nonsense",
    "a negative number": -1,
    "percent": 95,
    "not a number": float("nan"),
    "too large": 1e300,
    "an empty list": [],
    "a list of text": ["p", "q"],
    "a dict": {"p": 1},
    "a function": len,
    "a date": datetime.date(2020, 1, 1),
    "grouped results": GROUPED,
    "a frame": TRIALS,
    "complex": 1j,
    "a set": {1, 2},
    "bytes": b"x",
    "reversed": (1.0, -1.0),
    "a table of numbers": np.ones((2, 2)),
    "None": None,
}

CALLS = {
    "meta_analysis": (ae.meta_analysis, {"data": TRIALS, "yi": "yi", "vi": "vi"}),
    "meta_analysis by": (ae.meta_analysis, {"data": TRIALS, "by": "group"}),
    "fit_many": (ae.fit_many, {"yi": [[0.1, 0.2]], "vi": [[0.1, 0.1]]}),
    "multilevel": (ae.multilevel, {"data": TRIALS.assign(row=range(6)), "random": "lab/row"}),
    "multivariate": (ae.multivariate, {"data": TRIALS, "outcome": "group", "cluster": "lab", "structure": "DIAG"}),
    "network": (ae.network, {"treat1": ["a", "a"], "treat2": ["b", "c"], "yi": [0.5, 0.1], "se": [0.1, 0.1], "study": ["A", "B"]}),
    "component_network": (
        ae.component_network,
        {"treat1": ["a", "a + b"], "treat2": ["b", "b"], "yi": [0.5, 0.1], "se": [0.1, 0.1], "study": ["A", "B"], "inactive": "b"},
    ),
    "network_counts": (
        ae.network_counts,
        {"treatment": list("abab"), "events": [3, 5, 2, 4], "n": [50, 60, 40, 45], "study": [1, 1, 2, 2]},
    ),
    "arm_contrasts": (
        ae.arm_contrasts,
        {"treatment": list("abab"), "study": [1, 1, 2, 2], "events": [3, 5, 2, 4], "n": [50, 60, 40, 45], "measure": "OR"},
    ),
    "arm_contrasts of means": (
        ae.arm_contrasts,
        {
            "treatment": list("abab"),
            "study": [1, 1, 2, 2],
            "mean": [1, 2, 3, 4],
            "sd": [1, 1, 2, 2],
            "n": [50, 60, 40, 45],
            "measure": "MD",
        },
    ),
    "bayes": (ae.bayes, {"yi": [0.2, 0.4, 0.1], "vi": [0.02, 0.05, 0.03]}),
    "glmm": (ae.glmm, COUNTS),
    "mantel_haenszel": (ae.mantel_haenszel, COUNTS),
    "peto": (ae.peto, COUNTS),
    "vcalc": (ae.vcalc, {"data": TRIALS, "vi": "vi", "cluster": "lab", "rho": 0.5}),
    "effect_size": (ae.effect_size, {"measure": "OR", **COUNTS}),
    "from_ci": (effects.from_ci, {"low": [0.1], "high": [0.5]}),
    "from_p": (effects.from_p, {"yi": [0.1], "p": [0.5]}),
    "from_t": (effects.from_t, {"yi": [0.1], "t": [0.5]}),
    "sd_from_se": (effects.sd_from_se, {"se": [0.1], "n": [50]}),
    "sd_from_ci": (effects.sd_from_ci, {"low": [0.1], "high": [0.5], "n": [50]}),
    "combine_arms": (effects.combine_arms, {"mean": [1, 2], "sd": [1, 1], "n": [5, 5]}),
    "split_arm": (effects.split_arm, {"n": 10, "parts": 2}),
    "back_transform": (effects.back_transform, {"yi": 0.5, "measure": "OR"}),
    "mean_sd_from_quantiles": (effects.mean_sd_from_quantiles, {"n": 20, "q1": 1, "median": 2, "q3": 4}),
    "aggregate": (ae.aggregate, {"data": TRIALS, "cluster": "lab"}),
    "robust_weights": (ae.robust_weights, {"data": TRIALS, "cluster": "lab"}),
    "glmm_single": (ae.glmm_single, {"events": [3, 5, 2], "n": [20, 30, 40]}),
    "trial_effects": (ae.trial_effects, {"condition": "fibromyalgia"}),
    "pooled": (ae.pooled, {"condition": "fibromyalgia"}),
    "multilevel without random effects": (ae.multilevel, {"data": TRIALS, "random": None}),
    "correlation_of_change": (effects.correlation_of_change, {"sd_pre": 1, "sd_post": 1.2, "sd_change": 0.9}),
    "crossover_se": (effects.crossover_se, {"sd1": 1, "sd2": 1.2, "n": 20, "r": 0.5}),
    "crossover_smd": (effects.crossover_smd, {"mean1": 1, "sd1": 1, "mean2": 2, "sd2": 1.2, "n": 20, "r": 0.5}),
    "design_effect": (effects.design_effect, {"cluster_size": 20, "icc": 0.05}),
    "from_f": (effects.from_f, {"yi": 0.2, "f": 3.0}),
    "hedges_j": (effects.hedges_j, {"m": 20}),
    "or_to_r": (effects.or_to_r, {"log_or": 0.3, "n1": 20, "n2": 30}),
    "or_to_smd": (effects.or_to_smd, {"log_or": 0.3}),
    "r_to_or": (effects.r_to_or, {"r": 0.3, "n1": 20, "n2": 30}),
    "r_to_smd": (effects.r_to_smd, {"r": 0.3, "n1": 20, "n2": 30}),
    "responders_per_100": (effects.responders_per_100, {"yi": 0.3, "control_risk": 0.3}),
    "sd_of_change": (effects.sd_of_change, {"sd_pre": 1, "sd_post": 1, "r": 0.5}),
    "sd_of_final": (effects.sd_of_final, {"sd_change": 1, "r": 0.5}),
    "smd_to_nnt": (effects.smd_to_nnt, {"yi": 0.3, "control_risk": 0.3}),
    "smd_to_or": (effects.smd_to_or, {"smd": 0.3}),
    "smd_to_points": (effects.smd_to_points, {"yi": 0.3, "sd": 20}),
    "smd_to_r": (effects.smd_to_r, {"smd": 0.3, "n1": 20, "n2": 30}),
    "result.copas": (ONE.copas, {}),
    "result.heterogeneity_intervals": (ONE.heterogeneity_intervals, {}),
    "result.permutation_interval": (ONE.permutation_interval, {"n": 50, "seed": 1}),
    "result.sequential": (ONE.sequential, {"delta": 0.3}),
    "multilevel.predict": (LEVELS.predict, {}),
    "multilevel.leave_one_cluster_out": (LEVELS.leave_one_cluster_out, {"cluster": "lab"}),
    "multilevel.blup": (LEVELS.blup, {}),
    "network.league": (NET.league, {}),
    "questions.flow": (questions.flow, {"condition": "fibromyalgia"}),
    "questions.published": (questions.published, {"condition": "fibromyalgia"}),
    "questions.two_outcomes": (questions.two_outcomes, {"condition": "fibromyalgia"}),
    "questions.typical_sd": (questions.typical_sd, {}),
    "questions.variability": (questions.variability, {"condition": "fibromyalgia"}),
    "questions.safety": (questions.safety, {}),
    "questions.comparators": (questions.comparators, {"condition": "fibromyalgia"}),
    "result.predict": (SLOPE.predict, {"new": pd.DataFrame({"weeks": [10]})}),
    "result.tau2_interval": (ONE.tau2_interval, {}),
    "result.bootstrap": (ONE.bootstrap, {"n": 20, "seed": 1}),
    "result.bootstrap_prediction": (ONE.bootstrap_prediction, {"n": 20, "seed": 1}),
    "result.henmi_copas": (ONE.henmi_copas, {}),
    "result.cumulative": (ONE.cumulative, {}),
    "result.gosh": (ONE.gosh, {}),
    "result.permutation_test": (ONE.permutation_test, {"seed": 1}),
    "result.small_study_test": (ONE.small_study_test, {}),
    "result.trim_and_fill": (ONE.trim_and_fill, {}),
    "result.fail_safe_n": (ONE.fail_safe_n, {}),
    "result.selection_model": (ONE.selection_model, {}),
    "result.excess_significance": (ONE.excess_significance, {}),
    "result.robust": (ONE.robust, {"cluster": "lab"}),
    "multilevel.robust": (LEVELS.robust, {"cluster": "lab"}),
    "multilevel.sigma2_interval": (LEVELS.sigma2_interval, {}),
    "network.rank_probabilities": (NET.rank_probabilities, {"n": 50}),
    "network.net_heat": (NET.net_heat, {}),
    "network.tau2_interval": (NET.tau2_interval, {}),
    "bayes.prob": (BAYES.prob, {"mu_above": 0.2}),
    "certainty": (ae.certainty, {"result": ONE}),
    "mid": (ae.mid, {"outcome": "pain", "measure": "SMD"}),
}

# What draws or prints a result, with results of every other kind in its place.
SHOWN = {
    "baujat": (plots.baujat, {"result": ONE}),
    "bubble": (plots.bubble, {"result": SLOPE}),
    "chart": (ONE.chart, {}),
    "cumulative": (plots.cumulative, {"result": ONE}),
    "drapery": (plots.drapery, {"result": ONE}),
    "forest": (plots.forest, {"result": ONE}),
    "funnel": (plots.funnel, {"result": ONE}),
    "gosh": (plots.gosh, {"result": ONE, "subsets": 30}),
    "influence": (plots.influence, {"result": ONE}),
    "labbe": (plots.labbe, COUNTS),
    "league": (plots.league, {"result": NET}),
    "missing_evidence": (plots.missing_evidence, {"result": SHAM.missing_evidence()}),
    "network": (plots.network, {"result": NET}),
    "profile": (plots.profile, {"result": ONE}),
    "quality": (plots.quality, {"ratings": pd.DataFrame({"a": ["+", "-"]}, index=["p", "q"])}),
    "radial": (plots.radial, {"result": ONE}),
    "ranks": (plots.ranks, {"result": NET}),
    "ridge": (plots.ridge, {"posterior": BAYES}),
    "flow": (plots.flow, {"found": questions.flow("neck_pain")}),
    "sequential": (plots.sequential, {"result": ONE.sequential(delta=0.3)}),
    "specification_curve": (plots.specification_curve, {"result": MANY}),
    "safety": (plots.safety, {}),
    "characteristics": (tables.characteristics, {"condition": "neck_pain"}),
    "league_table": (tables.league_table, {"network": NET}),
    "study_results": (tables.study_results, {"result": ONE}),
    "summary_of_findings": (tables.summary_of_findings, {"results": {"p": SHAM}}),
}
OTHERS = {
    "a pooled effect": ONE,
    "a meta-regression": SLOPE,
    "several levels": LEVELS,
    "a network": NET,
    "a posterior": BAYES,
    "tables of events": ae.mantel_haenszel(**COUNTS),
    "robust": ONE.robust("lab"),
    "an empty dict": {},
    "a list of results": [ONE],
    "one trial": ae.meta_analysis([0.1], [0.1]),
    "an empty frame": pd.DataFrame(),
    "subsets": ONE.gosh(50),
    "steps": ONE.cumulative(),
    "a mixed dict": {"p": ONE, "q": NET},
}


def spoilt(function, given):
    """Yield argument, kind of wrong value, and what the call raised (None: it was answered)."""
    for name, parameter in inspect.signature(function).parameters.items():
        if parameter.kind in (parameter.VAR_KEYWORD, parameter.VAR_POSITIONAL) or name in ("client", "progress", "chunk"):
            continue
        for kind, value in WRONG.items():
            try:
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")
                    function(**{**given, name: value})
            except Exception as error:
                yield name, kind, error
            else:
                yield name, kind, None
            plt.close("all")


REFUSED = {}


@pytest.mark.parametrize("call", CALLS)
def test_a_wrong_argument_is_refused_by_an_error_of_the_package(call):
    found = list(spoilt(*CALLS[call]))
    raw = [
        f"{name} = {kind}: {error!r}"[:200] for name, kind, error in found if error and not isinstance(error, ae.AcuevidenceError)
    ]
    assert not raw, "\n".join(raw)
    REFUSED[call] = sum(error is not None for _, _, error in found)
    assert REFUSED[call] > 0


@pytest.mark.parametrize("call", SHOWN)
def test_a_figure_or_table_of_the_wrong_thing_is_refused_by_an_error_of_the_package(call):
    function, given = SHOWN[call]
    found = list(spoilt(function, given))
    first = next(iter(inspect.signature(function).parameters))
    for kind, value in OTHERS.items():
        try:
            function(**{**given, first: value})
        except Exception as error:
            found.append((first, kind, error))
        plt.close("all")
    raw = [
        f"{name} = {kind}: {error!r}"[:200] for name, kind, error in found if error and not isinstance(error, ae.AcuevidenceError)
    ]
    assert not raw, "\n".join(raw)
    long = [f"{name} = {kind}: {str(error)[:80]}" for name, kind, error in found if error and len(str(error)) > 400]
    assert not long, "\n".join(long)


def test_thousands_of_wrong_arguments_are_tried():
    tried = sum(
        len(WRONG)
        for function, _ in [*CALLS.values(), *SHOWN.values()]
        for name, one in inspect.signature(function).parameters.items()
        if one.kind not in (one.VAR_KEYWORD, one.VAR_POSITIONAL) and name not in ("client", "progress", "chunk")
    )
    assert tried > 7_000


KINDS = {
    "certainty of groups": (lambda: ae.certainty(GROUPED), ["result must be a MetaAnalysis", "result['a']"]),
    "certainty of a list": (lambda: ae.certainty([ONE]), ["result must be a MetaAnalysis"]),
    "override without a reason": (lambda: ae.certainty(ONE, override={"risk_of_bias": 1}), ["override", "{'risk_of_bias': 1}"]),
    "sequential of groups": (lambda: GROUPED.sequential(), ["is of one group", "result['a']"]),
    "missing evidence of groups": (lambda: GROUPED.missing_evidence(), ["is of one group", "result['a']"]),
    "study results of groups": (lambda: tables.study_results(GROUPED), ["result must be a MetaAnalysis", "result['a']"]),
    "study results of a network": (lambda: tables.study_results(NET), ["result must be a MetaAnalysis"]),
    "league table of a pool": (lambda: tables.league_table(ONE), ["network must be a NetworkMetaAnalysis"]),
    "findings of one pool": (lambda: tables.summary_of_findings(ONE), ["results must be a dict"]),
    "unknown group": (lambda: GROUPED["c"], ["there is no group 'c'", "a, b"]),
    "group by number": (lambda: GROUPED[0], ["there is no group 0"]),
    "unknown argument": (lambda: ae.meta_analysis(data=TRIALS, metod="DL"), ["'metod'", "did you mean 'method'"]),
    "argument left out": (lambda: ae.multilevel(data=TRIALS), ["random"]),
    "league of a pool": (lambda: plots.league(ONE), ["result must be a NetworkMetaAnalysis"]),
    "size of nothing": (lambda: plots.funnel(ONE, size=0), ["size must be a positive number"]),
    "limits reversed": (lambda: plots.forest(ONE, limits=(2, -1)), ["limits", "the lower first"]),
    "favours of one side": (lambda: plots.forest(ONE, favours="care"), ["favours"]),
    "forest of a list": (lambda: plots.forest([ONE]), ["result must be a MetaAnalysis", "a dict whose values are a MetaAnalysis"]),
    "forest of a network": (lambda: plots.forest(NET), ["result must be a MetaAnalysis"]),
    "funnel of a network": (lambda: plots.funnel(NET), ["result must be a MetaAnalysis"]),
    "radial of groups": (lambda: plots.radial(GROUPED), ["result must be a MetaAnalysis", "result['a']"]),
    "baujat of a frame of trials": (lambda: plots.baujat(TRIALS), ["baujat()", "lacks x, y"]),
    "mid of text": (
        lambda: plots.forest(ONE, mid="pain"),
        ["mid must be a Mid or a number or (a number, a number) or 'published'", "not 'pain'"],
    ),
    "mid reversed": (lambda: plots.nuance(mid=(0.4, 0.2)), ["mid must be", "the smaller first"]),
    "width by another name": (lambda: plots.forest(ONE, width="Single"), ['width must be "single"']),
    "limits of the decomposition": (lambda: plots.decomposition(limits=(1, 0)), ["limits", "the lower first"]),
    "limits of the ridge": (lambda: plots.ridge(BAYES, limits=(1, 0)), ["limits", "the lower first"]),
    "limits of the drapery": (lambda: plots.drapery(ONE, limits=(1, 1)), ["limits", "the lower first"]),
    "limits of the cumulative": (lambda: plots.cumulative(ONE, limits=(1, 0)), ["limits", "the lower first"]),
    "colour unknown": (lambda: plots.sequential(ONE.sequential(delta=0.3), colour="blu"), ["colour", "'blu'"]),
    "many decimals": (lambda: tables.league_table(NET, digits=99), ["digits must be a whole number from 0 to 10, not 99"]),
    "certainty of a meta-regression": (lambda: ae.certainty(SLOPE), ["this result has moderators"]),
    "rule of text": (
        lambda: ae.certainty(ONE, rules={"imprecision": {"participants": "x"}}),
        ["'participants'", "must be a number"],
    ),
    "rules without names": (
        lambda: ae.certainty(ONE, rules={"imprecision": 5}),
        ["rules['imprecision'] must be a dict of participants"],
    ),
    "prior of text": (lambda: ae.bayes([0.1, 0.2], [0.1, 0.1], tau_prior=("half-normal", "a")), ["takes 1 positive number"]),
    "no participants": (lambda: ae.meta_analysis([0.1, 0.2], [0.1, 0.1], n=[0, 5]), ["n must be positive", "row 0 has 0"]),
    "axes by name": (lambda: plots.forest(ONE, ax="x"), ["ax must be Axes of matplotlib"]),
    "moderator of dates": (
        lambda: ae.meta_analysis(data=TRIALS.assign(day=pd.Timestamp("2020-01-01")), moderators=["day"]),
        ["moderator day holds dates", ".dt.year"],
    ),
    "moderator not a column": (lambda: ae.meta_analysis(data=TRIALS, moderators=["week"]), ["did you mean 'weeks'"]),
    "effect beyond computing": (lambda: ae.meta_analysis([0.1, 1e300], [0.1, 0.1]), ["yi is too large", "row 1"]),
    "variance beyond computing": (lambda: ae.meta_analysis([0.1, 0.2], [0.1, 1e-300]), ["vi is too small", "row 1"]),
}


@pytest.mark.parametrize("kind", KINDS)
def test_the_wrong_kind_is_named_with_the_right_one(kind):
    call, said = KINDS[kind]
    with pytest.raises(ae.InputError) as caught:
        call()
    for piece in said:
        assert piece in str(caught.value)
    assert len(str(caught.value)) < 400


LEVELLED = [
    lambda level: ae.meta_analysis(data=TRIALS, level=level),
    lambda level: ae.fit_many([[0.1, 0.2]], [[0.1, 0.1]], level=level),
    lambda level: ae.bayes([0.1, 0.2], [0.1, 0.1], level=level),
    lambda level: ae.peto(**COUNTS, level=level),
    lambda level: ae.mantel_haenszel(**COUNTS, level=level),
    lambda level: ae.glmm(**COUNTS, level=level),
    lambda level: ae.multilevel(data=TRIALS, random="lab", level=level),
    lambda level: ae.multivariate(data=TRIALS, outcome="group", cluster="lab", level=level),
    lambda level: ae.network(["a"], ["b"], [0.1], [0.1], ["A"], level=level),
    lambda level: effects.from_ci([0.1], [0.5], level=level),
    lambda level: effects.sd_from_ci([0.1], [0.5], [9], level=level),
    lambda level: ONE.tau2_interval(level=level),
    lambda level: ONE.predict(level=level),
    lambda level: ONE.henmi_copas(level=level),
    lambda level: ONE.bootstrap(level=level),
    lambda level: ONE.bootstrap_prediction(level=level),
    lambda level: LEVELS.sigma2_interval(level=level),
    lambda level: ae.multiverse("neck_pain", "sham", level=level),
    lambda level: ae.decompose(level=level),
    lambda level: ae.questions.time_course(level=level),
]


@pytest.mark.parametrize("call", range(len(LEVELLED)))
def test_a_level_in_percent_is_refused_and_written_as_it_should_be(call):
    with pytest.raises(ae.InputError, match=r"level must lie between 0 and 1 .*write 0\.95 in place of 95"):
        LEVELLED[call](95)
    with pytest.raises(ae.InputError, match="level must lie between 0 and 1"):
        LEVELLED[call](0)


@pytest.mark.parametrize("result", [ONE, SLOPE, GROUPED, LEVELS, NET, BAYES], ids=lambda result: type(result).__name__)
def test_results_compare_by_identity_and_have_a_hash(result):
    other = ae.meta_analysis(data=TRIALS)
    assert result == result
    assert result != other
    assert len({result, result, other}) == 2


def test_an_unknown_group_is_a_key_that_is_not_there():
    assert "c" not in GROUPED
    assert GROUPED.get("c") is None
    assert issubclass(ae.MissingExtraError, ae.InputError)


def test_a_list_of_moderators_has_an_intercept():
    assert SLOPE.terms == ("Intercept", "weeks")
    assert ae.multilevel(data=TRIALS, random="study", moderators=["weeks"]).coefficients.index.tolist() == ["Intercept", "weeks"]


def test_tables_of_other_kinds_are_read_once_for_all():
    columns = {"yi": TRIALS["yi"].tolist(), "vi": TRIALS["vi"].tolist()}
    arrow = pytest.importorskip("pyarrow").table(columns)
    for table in (columns, arrow):
        assert ae.meta_analysis(data=table).estimate == ONE.estimate


# the model, and its columns by the name of the argument or moderator they are
DROPPING = {
    "meta_analysis": (
        lambda d, m: ae.meta_analysis(data=d, moderators=["weeks"], missing=m),
        {"yi": "yi", "vi": "vi", "weeks": "moderator weeks"},
    ),
    "meta_analysis by": (
        lambda d, m: ae.meta_analysis(data=d, by="group", overall=True, missing=m).overall,
        {"yi": "yi", "group": "by"},
    ),
    "multilevel": (
        lambda d, m: ae.multilevel(data=d, random="lab", moderators="~ weeks", missing=m),
        {"yi": "yi", "vi": "vi", "weeks": "moderator weeks", "lab": "random: lab"},
    ),
    "multivariate": (
        lambda d, m: ae.multivariate(data=d, outcome="group", cluster="study", structure="DIAG", missing=m),
        {"yi": "yi", "vi": "vi", "group": "outcome", "study": "cluster"},
    ),
    "network": (
        lambda d, m: ae.network("lab", "group", "yi", "vi", "study", data=d, missing=m),
        {"yi": "yi", "vi": "se", "lab": "treat1", "group": "treat2", "study": "study"},
    ),
}


@pytest.mark.parametrize(("model", "column"), [(model, column) for model, (_, columns) in DROPPING.items() for column in columns])
def test_rows_that_lack_something_are_refused_or_dropped_and_listed(model, column):
    call, columns = DROPPING[model]
    holed = TRIALS.astype({"weeks": float}).set_index(pd.Index(list("pqrstu")))
    holed.loc["q", column] = None
    with pytest.raises(ae.InputError, match=rf"{columns[column]} is missing.*missing='drop'.*row 'q'"):
        call(holed, "raise")
    dropped, without = call(holed, "drop"), call(holed.drop(index="q"), "raise")
    assert dropped.excluded[["row", "reason"]].to_numpy().tolist() == [["q", f"{columns[column]} is missing"]]
    for name in ("estimate", "tau2", "loglik", "q_total"):
        if hasattr(without, name):
            np.testing.assert_allclose(getattr(dropped, name), getattr(without, name), rtol=1e-12)


def test_the_same_rows_have_one_interval_however_they_are_pooled():
    pooled = ae.pooled("neck_pain")["sham"]
    again = ae.meta_analysis("yi", "vi", data=pooled.data)
    batch = ae.fit_many(pooled.yi[None], pooled.vi[None])
    assert (pooled.ci_low, pooled.ci_high) == pytest.approx((again.ci_low, again.ci_high), rel=1e-9)
    assert (batch.ci_low[0], batch.ci_high[0]) == pytest.approx((again.ci_low, again.ci_high), rel=1e-9)


def test_the_floor_shows_the_limits_it_replaces():
    text = ae.meta_analysis([0.785, 0.786], [0.1, 0.1]).summary().splitlines()[1]
    wald = 1.959964 * np.sqrt(0.05)
    plain = 12.7062 * 0.0005
    assert f"Plain HKSJ {0.7855 - plain:.3f} to {0.7855 + plain:.3f}, Wald {0.7855 - wald:.3f} to {0.7855 + wald:.3f}." in text
    assert "Plain HKSJ" not in ae.meta_analysis(data=TRIALS.assign(yi=[2, -1, 1, 0, 3, -2]), method="HS").summary().splitlines()[1]


def test_a_trial_given_twice_and_an_effect_beyond_belief_are_noted():
    twice = TRIALS.assign(study=["Ann 1999"] * 2 + TRIALS["study"].tolist()[2:], effect="SMD", yi=[0.9, 4.1, 0.6, 0.1, 0.5, 0.3])
    notes = " ".join(ae.meta_analysis(data=twice, labels="study").notes)
    assert "More than one row of Ann 1999" in notes
    assert "An SMD beyond 3 in Ann 1999" in notes
    assert not ONE.notes
