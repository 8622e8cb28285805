"""Every figure of the gallery at three type sizes and both column widths: no text is cut, none lies on another."""

import functools

import numpy as np
import pytest

import acuevidence as ae
from acuevidence import plots
from acuevidence.plots.save import encoded

LONG = "Acupuncture Trialists of the Northern Region and Collaborators 20"
FEW = {"timing": ["end_of_treatment"], "left_out": ["none out"], "size": ["any"]}


@functools.cache
def pooled(condition):
    return ae.pooled(condition)


@functools.cache
def sham():
    return pooled("neck_pain")["sham"]


@functools.cache
def long_names():
    data = sham().data
    return ae.meta_analysis("yi", "vi", data=data, labels=[f"{LONG}{i:02d}" for i in range(len(data))])


@functools.cache
def regression(formula):
    effects = ae.trial_effects("low_back_pain", comparator="sham")
    return ae.meta_analysis("yi", "vi", data=effects, labels="study", moderators=formula)


@functools.cache
def risks():
    counts = {"events1": [12, 8, 20], "n1": [40, 30, 80], "events2": [6, 5, 18], "n2": [42, 31, 79]}
    effects = ae.effect_size("RR", **counts)
    return ae.meta_analysis("yi", "vi", data=effects.assign(**counts, effect="RR", study=["A", "B", "C"]), labels="study")


@functools.cache
def net():
    return ae.questions.treatment_network(inconsistent="keep")


@functools.cache
def made(name):
    makers = {
        "posterior": lambda: ae.bayes("yi", "vi", data=sham().data, labels="study"),
        "multiverse": lambda: ae.multiverse("fibromyalgia", "sham", FEW),
        "components": lambda: ae.questions.components(["knee_osteoarthritis", "headache"]),
        "decomposition": ae.decompose,
        "time_course": ae.questions.time_course,
        "map": ae.questions.evidence_map,
        "flip": ae.questions.flip,
        "timeline": ae.questions.timeline,
        "patients": lambda: ae.questions.patients("vickers2004"),
        "responders": ae.questions.responders,
        "sensitivity": lambda: ae.questions.sensitivity("low_back_pain"),
        "sequential": lambda: sham().sequential(),
        "missing": lambda: sham().missing_evidence(),
        "gosh": lambda: sham().gosh(),
        "everything": lambda: {name: pooled(name) for name in ae.conditions()},
    }
    return makers[name]()


GALLERY = {
    "baujat": lambda **o: plots.baujat(sham(), **o),
    "bubble": lambda **o: plots.bubble(regression("~ year"), **o),
    "bubble of a category": lambda **o: plots.bubble(regression("~ comparator_role"), **o),
    "components": lambda **o: plots.components(made("components"), **o),
    "consensus": lambda **o: plots.consensus(**o),
    "cumulative": lambda **o: plots.cumulative(sham(), order="year", **o),
    "cumulative, long names": lambda **o: plots.cumulative(long_names(), **o),
    "decomposition of one condition": lambda **o: plots.decomposition(ae.decompose("headache"), **o),
    "decomposition": lambda **o: plots.decomposition(made("decomposition"), **o),
    "drapery": lambda **o: plots.drapery(sham(), **o),
    "evidence_map": lambda **o: plots.evidence_map(made("map"), **o),
    "flip": lambda **o: plots.flip(made("flip"), **o),
    "flow": lambda **o: plots.flow("low_back_pain", **o),
    "forest": lambda **o: plots.forest(pooled("low_back_pain"), **o),
    "funnel": lambda **o: plots.funnel(pooled("neck_pain"), pseudo_interval=True, **o),
    "funnel, trials filled": lambda **o: plots.funnel(sham(), fill=sham().trim_and_fill(), pseudo_interval=True, **o),
    "funnel of a ratio": lambda **o: plots.funnel(risks(), **o),
    "gosh": lambda **o: plots.gosh(made("gosh"), trial=sham().data["labels"].iloc[0], **o),
    "influence": lambda **o: plots.influence(sham(), **o),
    "influence, long names": lambda **o: plots.influence(long_names(), **o),
    "labbe": lambda **o: plots.labbe(risks(), **o),
    "league": lambda **o: plots.league(net(), **o),
    "missing_evidence": lambda **o: plots.missing_evidence(made("missing"), **o),
    "network": lambda **o: plots.network(net(), **o),
    "nuance": lambda **o: plots.nuance(made("everything"), **o),
    "patients": lambda **o: plots.patients(made("patients"), **o),
    "profile": lambda **o: plots.profile(sham(), **o),
    "quality": lambda **o: plots.quality("low_back_pain", **o),
    "radial": lambda **o: plots.radial(sham(), **o),
    "ranks": lambda **o: plots.ranks(net(), **o),
    "ranks, rankogram": lambda **o: plots.ranks(net(), kind="rankogram", **o),
    "responders": lambda **o: plots.responders(made("responders"), **o),
    "ridge": lambda **o: plots.ridge(made("posterior"), **o),
    "safety": lambda **o: plots.safety(**o),
    "sensitivity": lambda **o: plots.sensitivity(made("sensitivity"), **o),
    "sequential": lambda **o: plots.sequential(made("sequential"), **o),
    "specification_curve": lambda **o: plots.specification_curve(made("multiverse"), **o),
    "time_course": lambda **o: plots.time_course(made("time_course"), **o),
    "timeline": lambda **o: plots.timeline(made("timeline"), **o),
}


def test_the_gallery_holds_every_figure():
    functions = {name for name in plots.__all__ if callable(getattr(plots, name)) and name[0].islower()} - {
        "forest_size",
        "save",
        "style",
    }
    assert {name.split(",")[0].split()[0] for name in GALLERY} == functions


@pytest.mark.filterwarnings("ignore:at a type size")  # a width too small for its texts grows and says so
@pytest.mark.parametrize("size", [5.5, 7, 10])
@pytest.mark.parametrize("width", ["single", "double"])
@pytest.mark.parametrize("name", GALLERY)
def test_no_text_is_cut_or_overlaps(name, width, size, overlaps):
    assert overlaps(GALLERY[name](width=width, size=size).figure) == ([], [])


@pytest.mark.parametrize("name", ["bubble of a category", "gosh", "influence", "network", "ranks, rankogram", "ridge"])
def test_the_same_call_gives_the_same_bytes(name):
    assert _svg(GALLERY[name]()) == _svg(GALLERY[name]())


def _svg(ax):
    return encoded(ax.figure, "svg")


def test_a_type_size_is_that_of_the_texts():
    names = {size: plots.radial(sham(), size=size).xaxis.label.get_size() for size in (5.5, 7, 10)}
    assert names == pytest.approx({5.5: 5.5, 7: 7, 10: 10})


@pytest.mark.parametrize("name", ["radial", "drapery", "profile", "baujat", "gosh", "influence", "cumulative"])
def test_a_result_draws_its_figures(name):
    own, same = getattr(sham().plot, name)(), getattr(plots, name)(sham())
    assert (own.get_xlabel(), own.get_ylabel(), len(own.child_axes)) == (
        same.get_xlabel(),
        same.get_ylabel(),
        len(same.child_axes),
    )


def test_a_network_and_a_posterior_draw_their_figures():
    bars = [bar.get_width() for bar in net().plot.ranks().patches]
    assert bars == pytest.approx(sorted(net().p_scores, reverse=True))
    assert len(net().plot.league().patches) > len(net().treatments)
    assert len(net().plot.network().patches) == len(net().treatments)
    assert made("posterior").ridge().get_yticklabels()[-1].get_text() == "Mean effect"
    assert regression("~ year").plot.bubble().get_xlabel() == "year"
    assert risks().plot.labbe(groups=("new", "old")).get_xlabel() == "Risk with old (%)"


def test_a_category_has_a_level_for_each_of_its_values():
    result = regression("~ comparator_role")
    ax = plots.bubble(result)
    levels = sorted(result.data["comparator_role"].unique())
    assert [t.get_text().replace("\n", " ") for t in ax.get_xticklabels()] == [str(v).replace("_", " ") for v in levels]
    drawn = [line.get_ydata()[0] for line in ax.lines if len(line.get_xdata()) == 2 and not line.is_dashed()][1:]
    np.testing.assert_allclose(
        drawn, result.predict(result.data.drop_duplicates("comparator_role").sort_values("comparator_role"))["pred"]
    )


def test_ranks_are_probabilities_whose_mean_is_the_p_score():
    shares = net().rank_probabilities(n=40000, seed=1)
    np.testing.assert_allclose(shares.sum(axis=0), 1)
    np.testing.assert_allclose(shares.sum(axis=1), 1)
    beaten = (len(shares) - shares.columns.to_numpy()) / (len(shares) - 1)
    np.testing.assert_allclose(shares.to_numpy() @ beaten, net().p_scores[shares.index], atol=0.01)


def test_densities_of_the_trials_hold_their_means():
    posterior = made("posterior")
    x = np.linspace(-4, 5, 4001)
    density = posterior.trial_densities(x)
    np.testing.assert_allclose(np.trapezoid(density, x, axis=1), 1, rtol=1e-4)
    np.testing.assert_allclose(np.trapezoid(density * x, x, axis=1), posterior.shrinkage["mean"], rtol=1e-3)


def test_the_right_scale_of_a_radial_plot_reads_the_effect():
    ax = plots.radial(sham())
    (scale,) = ax.child_axes
    end = ax.get_xlim()[1]
    ax.figure.canvas.draw()
    np.testing.assert_allclose(np.array(scale.get_ylim()) * end, ax.get_ylim())
