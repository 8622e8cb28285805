"""Which figures an evidence has, and what each shows."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

from acuevidence.arguments import guard
from acuevidence.effects.trials import trial_effects
from acuevidence.evidence import Evidence, conditions, load_evidence
from acuevidence.report.asked import sensitivity_of
from acuevidence.topic import Topic

__all__ = ["Figure", "figures"]

# The figures on robustness are of one condition and comparator: kind to the beginning of the name and the title.
_ROBUST = {
    "funnel": ("funnel", "Funnel plot"),
    "missing": ("missing_evidence", "What missing trials could do"),
    "curve": ("specification_curve", "Every specification"),
}


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure that the project publishes.

    Attributes
    ----------
    name : str
        File name without extension.
    title : str
        What it shows, in a line.
    draw : callable
        Draws it on a new figure and returns the Axes.
    """

    name: str
    title: str
    draw: Callable[[], Any]


def figures(evidence: Evidence | None = None) -> dict[str, Figure]:
    """Return every published figure by name: those that the topic and the tables of an evidence have something to show in.

    Parameters
    ----------
    evidence : Evidence, default the package's

    Returns
    -------
    dict of str to Figure
        Name to figure, drawn from that evidence.
    """
    evidence = load_evidence() if evidence is None else evidence
    return {
        figure.name: figure
        for figure in (*_of_all(evidence), *_by_condition(evidence), *_of_one(evidence), *_of_patients(evidence))
    }


def _of_all(evidence: Evidence) -> Iterator[Figure]:
    """Yield the figures that show every condition."""
    topic = evidence.topic
    one, any_of = topic.treatment.phrase, topic.comparator().phrase
    if topic.components.get("parts") and len(evidence.trials):
        yield Figure("components", "What each part of the treatment adds", partial(_components, evidence))
    if len(evidence.reference_syntheses):
        yield Figure("consensus", "Published reviews beside the effects here", partial(_consensus, evidence))
    if topic.of_kind("placebo") and topic.of_kind("untreated"):
        yield Figure("decomposition", "Total, specific and non-specific effect", partial(_decomposition, evidence))
    if any(column.name == "sessions" for column in topic.columns.get("trials", ())):
        yield Figure("dose", "Effect by number of sessions", partial(_dose, evidence))
    yield Figure("evidence_map", "What is known by condition, comparator and outcome", partial(_evidence_map, evidence))
    yield Figure("flip", "What a new trial would change", partial(_flip, evidence))
    second = next((name for name, about in topic.outcomes.items() if "beside" in about), None)
    if second is not None and topic.of_kind("placebo"):
        first = topic.outcomes[second]["beside"]
        title = f"{topic.label(second)} beside {topic.outcome(first)} in the same trials"
        yield Figure(f"{second}_and_{first}", title[:1].upper() + title[1:], partial(_two_outcomes, evidence))
    if evidence.claims.get("groups"):
        title = topic.figures.get("groups", {}).get("title", "Effect by groups of trials")
        yield Figure("groups_of_trials", title, partial(_groups_of_trials, evidence))
    yield Figure("network", "The treatments that trials compare", partial(_network, evidence))
    yield Figure("nuance", "Effect by condition and comparator", partial(_nuance, "double", evidence))
    yield Figure("nuance_single", "Effect by condition and comparator, one column", partial(_nuance, "single", evidence))
    if "response" in set(evidence.results["outcome"]):
        yield Figure("responders", "Responders of 100 patients", partial(_responders, evidence))
    if len(evidence.safety):
        yield Figure("safety", "Adverse events by class", partial(_safety, evidence))
    yield Figure("time_course", "Effect by weeks since randomisation", partial(_time_course, evidence))
    yield Figure("timeline", "What was known when", partial(_timeline, evidence))
    yield Figure("variability", f"Spread between patients, {one} against {any_of}", partial(_variability, evidence))


def _by_condition(evidence: Evidence) -> Iterator[Figure]:
    for condition in conditions(evidence):
        words = _small(evidence, condition)
        yield Figure(f"flow_{condition}", f"From trials known to trials pooled: {words}", partial(_flow, condition, evidence))
        if trial_effects(condition, evidence=evidence).empty:
            continue
        yield Figure(f"forest_{condition}", f"Forest plot: {words}", partial(_forest, condition, "double", evidence))
        yield Figure(
            f"forest_{condition}_single", f"Forest plot, one column: {words}", partial(_forest, condition, "single", evidence)
        )
        yield Figure(f"sensitivity_{condition}", f"One choice made otherwise: {words}", partial(_sensitivity, condition, evidence))


def _of_one(evidence: Evidence) -> Iterator[Figure]:
    """Yield the figures that one condition stands for: on robustness, and on the quality of trials."""
    known = conditions(evidence)
    shown = evidence.topic.figures.get("robustness", {})
    if known:
        condition = shown.get("condition", evidence.trials["condition"].mode().iloc[0])
        comparator = shown.get("comparator", evidence.topic.of_kind("placebo") or next(iter(evidence.topic.comparators), ""))
        words = _small(evidence, condition)
        for kind, (name, title) in _ROBUST.items():
            yield Figure(f"{name}_{condition}", f"{title}: {words}", partial(_robust, kind, condition, comparator, evidence))
    rated = evidence.topic.figures.get("quality")
    if rated in known:
        yield Figure(f"quality_{rated}", f"Trial quality: {_small(evidence, rated)}", partial(_quality, rated, evidence))


def _of_patients(evidence: Evidence) -> Iterator[Figure]:
    """Yield the figures of trials whose patients are held one by one."""
    studies = evidence.trials.drop_duplicates("trial_id").set_index("trial_id")["study"]
    for trial in evidence.ipd:
        yield Figure(f"patients_{trial}", f"Patients one by one: {studies.get(trial, trial)}", partial(_patients, trial, evidence))


def _small(evidence: Evidence, condition: str) -> str:
    label = evidence.topic.label(condition)
    return label[:1].lower() + label[1:]


def _components(evidence: Evidence) -> Any:
    from acuevidence.plots.questions.components import components

    return components(evidence=evidence)


def _consensus(evidence: Evidence) -> Any:
    from acuevidence.plots.questions.consensus import consensus

    return consensus(evidence=evidence)


def _dose(evidence: Evidence) -> Any:
    from matplotlib.ticker import MaxNLocator

    from acuevidence.plots.bubble import bubble
    from acuevidence.plots.parts.caption import caption
    from acuevidence.plots.parts.page import drawing, inches, new_figure
    from acuevidence.questions.groups import by_number

    topic, size = evidence.topic, 7.0
    names = sorted(topic.comparators, key=topic.place)
    with drawing(None, size, "Effect by number of sessions"):
        figure = new_figure(inches("double"), 3.0)
        panels = figure.subplots(1, len(names), sharey=True, squeeze=False)[0]
        for place, (ax, comparator) in enumerate(zip(panels, names, strict=True)):
            fit = by_number("sessions", comparator, evidence=evidence)
            bubble(fit, ax=ax, xlabel="Sessions", size=size)
            ax.get_legend().remove()
            ax.xaxis.set_major_locator(MaxNLocator(integer=True))
            ax.set_title(f"{'ABCDEFGH'[place]}  v {topic.comparator(comparator).phrase}, {fit.k} trials", loc="left")
            if place:
                ax.set_ylabel("")
        caption(
            figure,
            "Bubble: a trial, its area by weight. Line and band: meta-regression on the number of sessions over all conditions, with its "
            "95% interval; dashed: 95% prediction interval. The comparison is between trials, which differ in more than sessions.",
            size,
        )
    return ax


def _two_outcomes(evidence: Evidence) -> Any:
    from acuevidence.plots.forest import forest
    from acuevidence.plots.parts.style import Layout
    from acuevidence.questions.two_outcomes import two_outcomes

    topic = evidence.topic
    placebo = topic.of_kind("placebo")
    found = two_outcomes(comparator=placebo, evidence=evidence)
    first, second = map(topic.outcome, found.outcomes)
    title = f"{first[:1].upper()}{first[1:]} and {second} in the trials that print both, {_versus(topic, placebo)}"
    groups = found.by_outcome(str(placebo))
    # The joint model tests one outcome against the other; a test of independent groups would not know that patients are the same.
    layout = Layout(subgroups="")
    return forest(groups, layout=layout, title=title, not_shown=(), size=6)


def _versus(topic: Topic, comparator: str | None) -> str:
    return f"{topic.treatment.phrase} v {topic.comparator(comparator).phrase}"


def _groups_of_trials(evidence: Evidence) -> Any:
    from acuevidence.plots.questions.nuance import nuance
    from acuevidence.questions.groups import groups_of_trials

    names = evidence.topic.figures.get("groups", {}).get("names", {})
    groups = {names.get(name, name[:1].upper() + name[1:]): found for name, found in groups_of_trials(evidence).items()}
    return nuance(groups, width="double", heading="Group")


def _variability(evidence: Evidence) -> Any:
    from acuevidence.plots.forest import forest
    from acuevidence.questions.variability import variability

    topic, groups = evidence.topic, variability(evidence=evidence).by_comparator()
    return forest(
        groups,
        effect="Ratio of SDs",
        ratio=True,
        not_shown=(),
        size=6,
        title=f"Spread between patients, {topic.treatment.phrase} against {topic.comparator().phrase}",
    )


def _decomposition(evidence: Evidence) -> Any:
    from acuevidence.plots.questions.decomposition import decomposition

    return decomposition(evidence=evidence)


def _forest(condition: str, width: str, evidence: Evidence) -> Any:
    from matplotlib import pyplot

    from acuevidence.plots.forest import forest
    from acuevidence.plots.parts.style import WIDTHS
    from acuevidence.questions.pooled import pooled

    options = {
        "width": width,
        "certainty": True,
        "mid": "published",
        "beside": _published(condition, evidence),
        "not_shown": _not_shown(condition, evidence),
        "size": 6,
    }
    results = pooled(condition, evidence=evidence)
    if width == "double":  # means and SDs of the arms are printed where the page has room for them
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            ax = forest(results, arms="summary", **options)
        page: Any = ax.figure
        if 25.4 * page.get_figwidth() < WIDTHS[width] + 1:
            return ax
        pyplot.close(page)
    return forest(results, arms="n", **options)


def _published(condition: str, evidence: Evidence) -> Any:
    """Return the published effects that stand below ours: individual patient data, and the latest synthesis."""
    from acuevidence.questions.published import published

    if evidence.reference_syntheses.empty:
        return None
    found = published(condition, evidence=evidence).dropna(subset=["ci_low", "ci_high"])
    patients = found["type"] == "ipd_meta_analysis"
    last = found.sort_values("year", kind="stable").groupby(["comparator", patients], sort=False).tail(1)
    names = last["study"].str.split(" (ref", regex=False).str[0]
    wider = last["condition"].where(last["condition"] != condition).str.replace("_", " ")
    said = names + patients[last.index].map({True: " (IPD)", False: ""}) + wider.radd(", ").fillna("")
    return last.assign(study=said).sort_values("type")


def _not_shown(condition: str, evidence: Evidence) -> Any:
    """Return the trials without usable figures, with the outcome that some of them print beside the main one."""
    from acuevidence.evidence.carried import excluded_of

    missing = excluded_of(trial_effects(condition, evidence=evidence))
    second = next((name for name, about in evidence.topic.outcomes.items() if "beside" in about), None)
    if missing is None or second is None:
        return missing
    other = trial_effects(condition, outcome=second, evidence=evidence)
    pairs = set(zip(other["trial_id"], other["comparator"], strict=True))
    known = [pair in pairs for pair in zip(missing["trial_id"], missing["comparator"], strict=True)]
    return missing.assign(printed=[evidence.topic.outcome(second) if one else None for one in known])


def _network(evidence: Evidence) -> Any:
    from acuevidence.plots.network import network
    from acuevidence.questions.treatments import treatment_network

    return network(
        treatment_network(evidence=evidence, inconsistent="keep"), width="double", title="The treatments that trials compare"
    )


def _nuance(width: str, evidence: Evidence) -> Any:
    from acuevidence.plots.questions.nuance import nuance

    return nuance(width=width, evidence=evidence)


def _robust(kind: str, condition: str, comparator: str, evidence: Evidence) -> Any:
    from acuevidence.appraisal.missing import missing_evidence
    from acuevidence.questions.multiverse import multiverse
    from acuevidence.questions.pooled import pooled

    label = evidence.topic.label(condition)
    title = f"{label}: {_versus(evidence.topic, comparator)}"
    if kind == "curve":
        return multiverse(condition, comparator, evidence=evidence).plot(title=title)
    groups = pooled(condition, evidence=evidence)
    if kind == "funnel":
        return groups.funnel(title=label)
    return missing_evidence(groups[comparator]).plot(title=title)


def _safety(evidence: Evidence) -> Any:
    from acuevidence.plots.questions.safety import safety

    return safety(evidence=evidence)


def _time_course(evidence: Evidence) -> Any:
    from acuevidence.plots.questions.time_course import time_course

    return time_course(evidence=evidence)


def _timeline(evidence: Evidence) -> Any:
    from acuevidence.plots.questions.timeline import timeline

    return timeline(evidence=evidence)


def _evidence_map(evidence: Evidence) -> Any:
    from acuevidence.plots.questions.evidence_map import evidence_map

    return evidence_map(evidence=evidence)


def _flip(evidence: Evidence) -> Any:
    from acuevidence.plots.questions.flip import flip

    return flip(evidence=evidence)


def _flow(condition: str, evidence: Evidence) -> Any:
    from acuevidence.plots.questions.flow import flow

    return flow(condition, evidence=evidence)


def _responders(evidence: Evidence) -> Any:
    from acuevidence.plots.questions.responders import responders

    return responders(evidence=evidence)


def _sensitivity(condition: str, evidence: Evidence) -> Any:
    from acuevidence.plots.questions.sensitivity import sensitivity as draw

    return draw(sensitivity_of(condition, evidence))


def _patients(trial: str, evidence: Evidence) -> Any:
    from acuevidence.plots.questions.patients import patients as draw
    from acuevidence.questions.patients import patients

    return draw(patients(trial, evidence=evidence))


def _quality(condition: str, evidence: Evidence) -> Any:
    from acuevidence.plots.questions.quality import quality
    from acuevidence.questions.pooled import pooled
    from acuevidence.questions.quality import quality_ratings

    results = pooled(condition, evidence=evidence)
    known = {trial for one in results.values() for trial in one.data["trial_id"]}
    ratings = quality_ratings(condition, evidence=evidence)
    rated = ratings[ratings.index.isin(known)]
    tool = evidence.topic.quality.get("tool", "")
    title = f"{evidence.topic.label(condition)}: {len(rated)} of {len(known)} pooled trials with {tool} ratings"
    return quality(rated, title=" ".join(title.split()))


guard(__name__, "figures")
