# ruff: noqa: SIM905 (lists of names are read more easily as words)
"""The function is the method: every name that a result has leads to a function that takes it."""

import inspect
import sys

import pytest

import acuevidence as ae
from acuevidence.later import Drawn, Later
from acuevidence.synthesis import methods
from acuevidence.synthesis.bayes import Posterior
from acuevidence.synthesis.dependent import DependentMetaAnalysis
from acuevidence.synthesis.effect import PooledEffect
from acuevidence.synthesis.given import GivenMetaAnalysis
from acuevidence.synthesis.location_scale import LocationScaleMetaAnalysis
from acuevidence.synthesis.network import NetworkMetaAnalysis
from acuevidence.synthesis.network_components import ComponentNetwork
from acuevidence.synthesis.result import GroupedMetaAnalysis, MetaAnalysis
from acuevidence.synthesis.two_by_two import TwoByTwoMetaAnalysis

NUMBERS = """
    X aic aicc beta bic ci_high ci_low coefficients conventions covariance data df estimate excluded formula h2 i2 k level
    loglik method notes p_value pi_high pi_low prediction q q_df q_p qm qm_df qm_p r2 se statistic tau2 tau2_se terms test
    vcov vi weights yi
""".split()
WAYS = """
    baujat blup bootstrap bootstrap_prediction chart copas cumulative excess_significance fail_safe_n forest funnel gosh
    gosh_clusters headline
    henmi_copas heterogeneity_intervals influence leave_one_out limit_meta_analysis methods_text missing_evidence p_uniform
    permutation_interval permutation_test pet_peese plot predict robust selection_model sequential small_study_test summary tau2_interval
    to_frame to_prisma trim_and_fill vif
""".split()


def named(kind):
    return {name: found for name, found in vars(kind).items() if isinstance(found, (Later, Drawn))}


NAMED = [
    (kind, name)
    for kind in vars(methods).values()
    if isinstance(kind, type) and kind.__module__ == methods.__name__
    for name in named(kind)
]
TAKEN_BY = {
    "Methods": MetaAnalysis,
    "PooledPlots": MetaAnalysis,
    "GroupedMethods": GroupedMetaAnalysis,
    "ComponentMethods": ComponentNetwork,
    "NetworkMethods": NetworkMetaAnalysis,
    "NetworkPlots": NetworkMetaAnalysis,
    "DependentMethods": DependentMetaAnalysis,
    "GivenMethods": GivenMetaAnalysis,
    "LocationScaleMethods": LocationScaleMetaAnalysis,
    "TableMethods": TwoByTwoMetaAnalysis,
    "PosteriorMethods": Posterior,
}


def test_a_result_has_these_names_and_no_other():
    assert [name for name in dir(MetaAnalysis) if not name.startswith("_")] == sorted(NUMBERS + WAYS)


def test_a_grouped_result_has_these_names_and_no_other():
    assert [name for name in dir(GroupedMetaAnalysis) if not name.startswith("_")] == sorted(
        "between by chart data forest funnel get groups items keys overall summary test to_frame values vif".split()
    )


@pytest.mark.parametrize(("kind", "name"), NAMED)
def test_a_name_leads_to_a_function_that_takes_the_result(kind, name):
    function = getattr(kind, name)
    assert inspect.isfunction(function)
    first = next(iter(inspect.signature(function).parameters.values()))
    assert first.kind is first.POSITIONAL_OR_KEYWORD
    source = sys.modules[function.__module__]
    spelt = first.annotation if isinstance(first.annotation, str) else getattr(first.annotation, "__name__", "Any")
    taken = {part.split("[")[0].strip() for part in spelt.split("|")}
    accepted = {"Any"} | {base.__name__ for base in TAKEN_BY.get(kind.__name__, object).__mro__} | {"Mapping", "Printed"}
    assert taken & accepted, f"{source.__name__}.{name} takes {spelt}"


def test_a_method_shows_the_signature_and_the_docstring_of_its_function():
    from acuevidence import plots

    result = ae.meta_analysis([0.2, 0.5, 0.3], [0.02, 0.04, 0.03])
    own, whole = inspect.signature(result.forest), inspect.signature(plots.forest)
    assert list(own.parameters) == list(whole.parameters)[1:]
    assert result.forest.__doc__ == plots.forest.__doc__
    assert list(inspect.signature(result.plot.baujat).parameters) == ["ax", "width", "size", "named"]


def test_a_pooled_effect_alone_knows_nothing_later():
    assert not (set(WAYS) - {"summary", "to_frame"}) & set(dir(PooledEffect))


@pytest.mark.parametrize("name", ["influence", "estimate", "missing_evidence", "sequential", "plot", "tau2"])
def test_what_is_of_one_group_is_refused_by_the_groups_own_names(name):
    grouped = ae.meta_analysis([0.2, 0.5, 0.3], [0.02, 0.04, 0.03], by=["sham", "sham", "care"])
    with pytest.raises(ae.InputError, match=f"{name} is of one group.*'sham', 'care'.*result\\['sham'\\]"):
        getattr(grouped, name)
    assert not hasattr(grouped, "estimat")


def test_an_unknown_group_is_refused_by_name():
    grouped = ae.meta_analysis([0.2, 0.5, 0.3], [0.02, 0.04, 0.03], by=["sham", "sham", "care"])
    with pytest.raises(ae.InputError, match=r"there is no group 'usual' \(one of: sham, care\)"):
        grouped["usual"]
    assert grouped.get("usual") is None
    assert "usual" not in grouped


def test_the_data_of_all_groups_stand_in_one_frame():
    grouped = ae.meta_analysis([0.2, 0.5, 0.3], [0.02, 0.04, 0.03], by=["sham", "care", "sham"])
    assert grouped.data["group"].to_dict() == {0: "sham", 2: "sham", 1: "care"}
    assert grouped.data["yi"].to_dict() == {0: 0.2, 2: 0.3, 1: 0.5}


def test_results_are_compared_and_hashed_by_identity():
    one, other = (ae.meta_analysis([0.2, 0.5], [0.02, 0.04]) for _ in range(2))
    assert one == one
    assert one != other
    assert len({one, other}) == 2
