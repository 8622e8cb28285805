"""What can be made of a result, by name: the one door from a result to the rooms that come after it.

The function is the method: it takes the result first, and its docstring is the method's. Nothing named here is loaded before
it is called; type checkers read the real functions.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from acuevidence.later import Drawn, Later, Room

if TYPE_CHECKING:
    from acuevidence.appraisal import copas as _copas
    from acuevidence.appraisal import dependent_effects as _dependent
    from acuevidence.appraisal import excess_significance as _excess_significance
    from acuevidence.appraisal import fail_safe as _fail_safe
    from acuevidence.appraisal import gosh as _gosh
    from acuevidence.appraisal import gosh_clusters as _gosh_clusters
    from acuevidence.appraisal import headline as _headline
    from acuevidence.appraisal import influence as _influence
    from acuevidence.appraisal import influence_of_tables as _influence_of_tables
    from acuevidence.appraisal import missing as _missing
    from acuevidence.appraisal import p_uniform as _p_uniform
    from acuevidence.appraisal import selection_model as _selection
    from acuevidence.appraisal import sequential as _sequential
    from acuevidence.appraisal import small_study as _small_study
    from acuevidence.appraisal import trim_and_fill as _trim_and_fill
    from acuevidence.plots import chart as _chart
    from acuevidence.plots.baujat import baujat as _draw_baujat
    from acuevidence.plots.bubble import bubble as _draw_bubble
    from acuevidence.plots.cumulative import cumulative as _draw_cumulative
    from acuevidence.plots.drapery import drapery as _draw_drapery
    from acuevidence.plots.forest import forest as _draw_forest
    from acuevidence.plots.funnel import funnel as _draw_funnel
    from acuevidence.plots.gosh import gosh as _draw_gosh
    from acuevidence.plots.influence import influence as _draw_influence
    from acuevidence.plots.labbe import labbe as _draw_labbe
    from acuevidence.plots.league import league as _draw_league
    from acuevidence.plots.network import network as _draw_network
    from acuevidence.plots.profile import profile as _draw_profile
    from acuevidence.plots.radial import radial as _draw_radial
    from acuevidence.plots.ranks import ranks as _draw_ranks
    from acuevidence.plots.ridge import ridge as _draw_ridge
    from acuevidence.report import methods_text as _report
    from acuevidence.synthesis import contrasts as _contrasts
    from acuevidence.synthesis import intervals as _intervals
    from acuevidence.synthesis import network_inconsistency as _inconsistency
    from acuevidence.synthesis import network_ranks as _ranks
    from acuevidence.synthesis import network_tau2 as _network_tau2
    from acuevidence.synthesis import permutation as _permutation
    from acuevidence.synthesis import robust as _robust
else:
    _copas = Room("acuevidence.appraisal.copas")
    _dependent = Room("acuevidence.appraisal.dependent_effects")
    _excess_significance = Room("acuevidence.appraisal.excess_significance")
    _fail_safe = Room("acuevidence.appraisal.fail_safe")
    _gosh = Room("acuevidence.appraisal.gosh")
    _gosh_clusters = Room("acuevidence.appraisal.gosh_clusters")
    _headline = Room("acuevidence.appraisal.headline")
    _influence = Room("acuevidence.appraisal.influence")
    _influence_of_tables = Room("acuevidence.appraisal.influence_of_tables")
    _missing = Room("acuevidence.appraisal.missing")
    _p_uniform = Room("acuevidence.appraisal.p_uniform")
    _selection = Room("acuevidence.appraisal.selection_model")
    _sequential = Room("acuevidence.appraisal.sequential")
    _small_study = Room("acuevidence.appraisal.small_study")
    _trim_and_fill = Room("acuevidence.appraisal.trim_and_fill")
    _draw_baujat = Later("acuevidence.plots.baujat", "baujat")
    _draw_bubble = Later("acuevidence.plots.bubble", "bubble")
    _draw_cumulative = Later("acuevidence.plots.cumulative", "cumulative")
    _draw_drapery = Later("acuevidence.plots.drapery", "drapery")
    _draw_forest = Later("acuevidence.plots.forest", "forest")
    _draw_funnel = Later("acuevidence.plots.funnel", "funnel")
    _draw_gosh = Later("acuevidence.plots.gosh", "gosh")
    _draw_influence = Later("acuevidence.plots.influence", "influence")
    _draw_labbe = Later("acuevidence.plots.labbe", "labbe")
    _draw_league = Later("acuevidence.plots.league", "league")
    _draw_network = Later("acuevidence.plots.network", "network")
    _draw_profile = Later("acuevidence.plots.profile", "profile")
    _draw_radial = Later("acuevidence.plots.radial", "radial")
    _chart = Room("acuevidence.plots.chart")
    _report = Room("acuevidence.report.methods_text")
    _draw_ranks = Later("acuevidence.plots.ranks", "ranks")
    _draw_ridge = Later("acuevidence.plots.ridge", "ridge")
    _contrasts = Room("acuevidence.synthesis.contrasts")
    _intervals = Room("acuevidence.synthesis.intervals")
    _inconsistency = Room("acuevidence.synthesis.network_inconsistency")
    _ranks = Room("acuevidence.synthesis.network_ranks")
    _network_tau2 = Room("acuevidence.synthesis.network_tau2")
    _permutation = Room("acuevidence.synthesis.permutation")
    _robust = Room("acuevidence.synthesis.robust")

__all__ = [
    "ComponentMethods",
    "DependentMethods",
    "EstimateMethods",
    "GivenMethods",
    "GroupedMethods",
    "LocationScaleMethods",
    "Methods",
    "NetworkMethods",
    "NetworkPlots",
    "NormalMethods",
    "PooledPlots",
    "PosteriorMethods",
    "TableMethods",
]


class PooledPlots:
    """The figures of a pooled effect: each draws, returns the Axes and saves nothing."""

    __slots__ = ("result",)

    def __init__(self, result: Any) -> None:
        self.result = result

    baujat = Drawn(_draw_baujat)
    bubble = Drawn(_draw_bubble)
    cumulative = Drawn(_draw_cumulative)
    drapery = Drawn(_draw_drapery)
    gosh = Drawn(_draw_gosh)
    influence = Drawn(_draw_influence)
    labbe = Drawn(_draw_labbe)
    profile = Drawn(_draw_profile)
    radial = Drawn(_draw_radial)


class Methods:
    """What can be made of a pooled effect."""

    __slots__ = ()

    headline = _headline.headline

    predict = _intervals.predict
    tau2_interval = _intervals.tau2_interval
    heterogeneity_intervals = _intervals.heterogeneity_intervals
    bootstrap = _intervals.bootstrap
    bootstrap_prediction = _intervals.bootstrap_prediction
    henmi_copas = _intervals.henmi_copas
    permutation_test = _permutation.permutation_test
    permutation_interval = _permutation.permutation_interval
    robust = _robust.robust
    vif = _contrasts.vif

    blup = _influence.blup
    leave_one_out = _influence.leave_one_out
    cumulative = _influence.cumulative
    influence = _influence.influence
    baujat = _influence.baujat
    gosh = _gosh.gosh
    gosh_clusters = _gosh_clusters.gosh_clusters

    small_study_test = _small_study.small_study_test
    pet_peese = _small_study.pet_peese
    limit_meta_analysis = _small_study.limit_meta_analysis
    trim_and_fill = _trim_and_fill.trim_and_fill
    fail_safe_n = _fail_safe.fail_safe_n
    p_uniform = _p_uniform.p_uniform
    selection_model = _selection.selection_model
    copas = _copas.copas
    excess_significance = _excess_significance.excess_significance
    missing_evidence = _missing.missing_evidence
    sequential = _sequential.sequential

    forest = _draw_forest
    funnel = _draw_funnel
    chart = _chart.forest_chart

    methods_text = _report.methods_text
    to_prisma = _report.to_prisma

    @property
    def plot(self) -> PooledPlots:
        """Its other figures: ``result.plot.baujat()``, ``result.plot.radial()`` ..."""
        return PooledPlots(self)


class GroupedMethods:
    """What can be made of pooled effects by group: the figures that keep the groups apart."""

    __slots__ = ()

    forest = _draw_forest
    funnel = _draw_funnel
    chart = _chart.forest_chart


class EstimateMethods:
    """What can be made of any pooled estimate that says its conventions."""

    __slots__ = ()

    methods_text = _report.methods_text


class NormalMethods(EstimateMethods):
    """What can be made of an effect with a normal test, as of two-by-two tables."""

    __slots__ = ()

    forest = _draw_forest


class TableMethods:
    """What can be made of pooled tables beside: what each trial does to them."""

    __slots__ = ()

    leave_one_out = _influence_of_tables.leave_one_out
    cumulative = _influence_of_tables.cumulative
    influence = _influence_of_tables.influence


class GivenMethods(EstimateMethods):
    """What can be made of a pooled effect without fitting it anew."""

    __slots__ = ()

    predict = _intervals.predict
    vif = _contrasts.vif

    forest = _draw_forest


class LocationScaleMethods(EstimateMethods):
    """What can be made of a location-scale model."""

    __slots__ = ()

    vif = _contrasts.vif


class DependentMethods(EstimateMethods):
    """What can be made of a model of dependent effects."""

    __slots__ = ()

    robust = _robust.robust
    vif = _contrasts.vif

    blup = _dependent.blup
    influence = _dependent.cluster_influence
    leave_one_cluster_out = _dependent.leave_one_cluster_out
    small_study_test = _dependent.dependent_small_study_test

    forest = _draw_forest


class PosteriorMethods(EstimateMethods):
    """What can be made of a posterior."""

    __slots__ = ()

    ridge = _draw_ridge


class ComponentMethods(EstimateMethods):
    """What can be made of a network of components."""

    __slots__ = ()

    league = _inconsistency.league


class NetworkPlots:
    """The figures of a network: each draws, returns the Axes and saves nothing."""

    __slots__ = ("result",)

    def __init__(self, result: Any) -> None:
        self.result = result

    league = Drawn(_draw_league)
    network = Drawn(_draw_network)
    ranks = Drawn(_draw_ranks)


class NetworkMethods(EstimateMethods):
    """What can be made of a network."""

    __slots__ = ()

    league = _inconsistency.league
    split = _inconsistency.split
    design_decomposition = _inconsistency.design_decomposition
    net_heat = _inconsistency.net_heat
    rank_probabilities = _ranks.rank_probabilities
    random_inconsistency = _network_tau2.random_inconsistency
    tau2_interval = _network_tau2.tau2_interval

    @property
    def plot(self) -> NetworkPlots:
        """Its figures: ``result.plot.network()``, ``result.plot.league()``, ``result.plot.ranks()``."""
        return NetworkPlots(self)
