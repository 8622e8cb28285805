"""The figures as build products: what is drawn, from what, and whether it would still come out the same.

Every figure is written as SVG and PNG with the same bytes on every run of one locked environment. ``manifest.json``
records the hashes of the inputs, the versions and the hashes of the files, so that a drift can be told apart.
"""

from __future__ import annotations

import hashlib
import json
import platform
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

from acuevidence.arguments import guard
from acuevidence.errors import InputError
from acuevidence.evidence import conditions, data_folder
from acuevidence.inputs import choice
from acuevidence.report.whole_files import refuse_unwritable, replace

__all__ = ["Drift", "Figure", "build", "check", "figures", "inputs"]

_LIBRARIES = ("matplotlib", "numpy", "pandas", "scipy")
_FORMATS = ("png", "svg")
_AGAINST = {"usual_care": "usual care", "sham": "sham"}
_ROBUST = "neck_pain"  # the condition with most trials behind a comparator shows the figures on robustness


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


@dataclass(frozen=True, slots=True)
class Drift:
    """A file that would change.

    Attributes
    ----------
    file : str
        Name of the file.
    reason : str
        ``data``, ``code``, ``environment``, ``edited``, ``missing`` or ``unknown``, and what exactly.
    """

    file: str
    reason: str


def figures() -> dict[str, Figure]:
    """Return every published figure by name."""
    found = [
        Figure("consensus", "Published reviews beside the effects here", _consensus),
        Figure("decomposition", "Total, specific and non-specific effect", _decomposition),
        Figure("dose", "Effect by number of sessions", _dose),
        Figure("evidence_map", "What is known by condition, comparator and outcome", _evidence_map),
        Figure("function_and_pain", "Function beside pain in the same trials", _function_and_pain),
        Figure("groups_of_trials", "Effect by technique, kind of sham and co-treatment", _groups_of_trials),
        Figure("network", "The treatments that trials compare", _network),
        Figure("nuance", "Effect by condition and comparator", _nuance),
        Figure("safety", "Adverse events by class", _safety),
        Figure("time_course", "Effect by weeks since randomisation", _time_course),
        Figure("variability", "Spread between patients, acupuncture against comparator", _variability),
    ]
    for condition in conditions():
        words = condition.replace("_", " ")
        found.append(Figure(f"forest_{condition}", f"Forest plot: {words}", partial(_forest, condition, "double")))
        found.append(
            Figure(
                f"forest_{condition}_single", f"Forest plot, one column: {words}", partial(_forest, condition, "single")
            )
        )
        found.append(
            Figure(f"flow_{condition}", f"From trials known to trials pooled: {words}", partial(_flow, condition))
        )
    found.append(Figure(f"funnel_{_ROBUST}", "Funnel plot: neck pain", partial(_robust, "funnel")))
    found.append(
        Figure(f"missing_evidence_{_ROBUST}", "What missing trials could do: neck pain", partial(_robust, "missing"))
    )
    found.append(Figure(f"sequential_{_ROBUST}", "Evidence over time: neck pain", partial(_robust, "sequential")))
    found.append(Figure(f"specification_curve_{_ROBUST}", "Every specification: neck pain", partial(_robust, "curve")))
    found.append(Figure("quality_low_back_pain", "Trial quality: low back pain", partial(_quality, "low_back_pain")))
    return {figure.name: figure for figure in found}


def build(
    folder: str | Path, *, only: Iterable[str] = (), progress: Callable[[Iterable[Any]], Iterable[Any]] = iter
) -> list[Path]:
    """Draw figures into a folder and write its manifest.

    Parameters
    ----------
    folder : path
        Where the files go; made if it is not there.
    only : iterable of str
        Names of figures. Default: all.
    progress : callable
        Wraps the iteration over figures, for example ``tqdm``.

    Returns
    -------
    list of Path
        The files written.

    Raises
    ------
    InputError
        For an unknown figure, or a folder that cannot be written.
    """
    folder = Path(folder)
    chosen = _chosen(only)
    refuse_unwritable(folder)
    drawn = {name: data for figure in progress(chosen) for name, data in _render(figure).items()}
    folder.mkdir(parents=True, exist_ok=True)
    manifest = _manifest(folder) if only else {}
    hashes = {**manifest.get("figures", {}), **{name: _hash(data) for name, data in drawn.items()}}
    drawn["manifest.json"] = _manifest_bytes(hashes)
    return [replace(folder / name, data) for name, data in drawn.items()]


def check(
    folder: str | Path, *, only: Iterable[str] = (), progress: Callable[[Iterable[Any]], Iterable[Any]] = iter
) -> list[Drift]:
    """Draw figures afresh and compare them with those in a folder; nothing is written.

    Parameters
    ----------
    folder, only, progress
        As in :func:`build`.

    Returns
    -------
    list of Drift
        The files that would change, with the reason; empty when all are as they were.

    Raises
    ------
    InputError
        For an unknown figure, or a folder without a manifest.
    """
    folder = Path(folder)
    recorded = _manifest(folder)
    if not recorded:
        raise InputError(f"{folder} has no manifest.json to compare with; draw the figures there first")
    drifts = []
    for figure in progress(_chosen(only)):
        for name, data in _render(figure).items():
            file = folder / name
            if not file.exists():
                drifts.append(Drift(name, "missing: the file is not there"))
            elif (on_disk := _hash(file.read_bytes())) != _hash(data):
                drifts.append(Drift(name, _reason(recorded, recorded["figures"].get(name), on_disk, _hash(data))))
    return drifts


def _chosen(only: Iterable[str]) -> list[Figure]:
    known = figures()
    names = list(only) or list(known)
    return [known[choice("figure", name, list(known))] for name in names]


def _render(figure: Figure) -> dict[str, bytes]:
    from acuevidence.plots.parts.page import published
    from acuevidence.plots.save import encoded

    with published():
        drawn = figure.draw().figure
        _settle(drawn)
        return {f"{figure.name}.{kind}": encoded(drawn, kind, title=figure.title) for kind in _FORMATS}


def _settle(drawn: Any) -> None:
    """Fix the places that a layout engine found, rounded: the last bits of a sum would change the ids in an SVG."""
    if drawn.get_layout_engine() is None:
        return
    drawn.draw_without_rendering()
    places = [(ax, ax.get_position()) for ax in drawn.axes]
    drawn.set_layout_engine("none")
    for ax, place in places:
        ax.set_position([round(side, 6) for side in place.bounds])


def _reason(recorded: dict[str, Any], known: str | None, on_disk: str, fresh: str) -> str:
    if known == fresh:
        return "edited: the file on disk is not the one that was drawn"
    now = inputs()
    environment = [
        f"{name} {recorded['environment'].get(name)} -> {value}"
        for name, value in now["environment"].items()
        if recorded["environment"].get(name) != value
    ]
    data = [name for name, value in now["data"].items() if recorded["data"].get(name) != value]
    reasons = []
    if data:
        reasons.append("data: " + ", ".join(data))
    if recorded["code"] != now["code"]:
        reasons.append("code: the package's source changed")
    if environment:
        reasons.append("environment: " + ", ".join(environment))
    if known is not None and known != on_disk:
        reasons.append("edited: the file on disk is not the one recorded")
    return "; ".join(reasons) or "unknown: same data, code and versions"


def inputs() -> dict[str, Any]:
    """Return what everything made here is made from: hashes of the evidence and of the code, and the versions."""
    source = hashlib.sha256()
    package = Path(__file__).resolve().parents[1]
    for path in sorted(package.rglob("*.py")):
        source.update(path.relative_to(package).as_posix().encode() + b"\0" + path.read_bytes())
    tables = sorted(p for p in data_folder().rglob("*") if p.suffix in (".csv", ".json", ".yaml"))
    return {
        "data": {path.name: _hash(path.read_bytes()) for path in tables},
        "code": source.hexdigest(),
        "environment": {
            "python": ".".join(platform.python_version_tuple()[:2]),
            "platform": f"{platform.system()} {platform.machine()}",
            **{name: version(name) for name in _LIBRARIES},
        },
    }


def _manifest(folder: Path) -> dict[str, Any]:
    file = folder / "manifest.json"
    return dict(json.loads(file.read_text(encoding="utf-8"))) if file.exists() else {}


def _manifest_bytes(hashes: dict[str, str]) -> bytes:
    return (json.dumps({**inputs(), "figures": dict(sorted(hashes.items()))}, indent=1) + "\n").encode()


def _hash(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _consensus() -> Any:
    from acuevidence.plots.questions.consensus import consensus

    return consensus()


def _dose() -> Any:
    from acuevidence.effects.trials import trial_effects
    from acuevidence.plots.bubble import bubble
    from acuevidence.plots.parts.page import inches, new_figure
    from acuevidence.synthesis import meta_analysis
    from acuevidence.verdicts.moderators import number

    figure = new_figure(inches("double"), 2.6)
    for ax, (comparator, words) in zip(figure.subplots(1, 2, sharey=True), _AGAINST.items(), strict=True):
        effects = trial_effects(comparator=comparator)
        known = effects.assign(sessions=effects["sessions"].map(number).astype(float)).dropna(subset=["sessions"])
        known.attrs.clear()
        fit = meta_analysis("yi", "vi", data=known, labels="study", moderators="~ sessions", test="HKSJ-adhoc")
        bubble(fit, ax=ax, xlabel=f"Sessions ({fit.k} trials v {words})")
        ax.set(xlim=(3, 25), xticks=range(4, 25, 4))
        if comparator == "sham":
            ax.set_ylabel("")
            ax.get_legend().remove()
    return ax


def _function_and_pain() -> Any:
    from acuevidence.appraisal.thresholds import mid
    from acuevidence.plots.forest import forest
    from acuevidence.plots.parts.style import Layout
    from acuevidence.questions.two_outcomes import function_and_pain
    from acuevidence.synthesis import meta_analysis

    effects = function_and_pain(comparator="sham").effects
    groups = meta_analysis("yi", "vi", data=effects, labels="study", by="outcome", test="HKSJ-adhoc")
    title = "Pain and function in the trials that print both, acupuncture v sham"
    # The joint model tests pain against function; a test of independent groups would not know that patients are the same.
    layout = Layout(subgroups="")
    return forest(groups, mid=mid("pain", "SMD"), layout=layout, title=title, not_shown=(), size=6)


def _groups_of_trials() -> Any:
    from acuevidence.plots.questions.nuance import nuance
    from acuevidence.verdicts.claims import groups_of_trials

    names = {"manual": "Manual needling", "electro": "Electrical stimulation"}
    groups = {names.get(name, name.capitalize()): found for name, found in groups_of_trials().items()}
    return nuance(groups, heading="Group")


def _variability() -> Any:
    from acuevidence.plots.forest import forest
    from acuevidence.questions.variability import variability
    from acuevidence.synthesis import meta_analysis

    spread = variability().effects
    rows = spread[spread["measure"] == "lnVR"].drop(columns=["measure", "mean1", "mean2"])
    groups = meta_analysis("yi", "vi", data=rows, labels="study", by="comparator", test="HKSJ-adhoc")
    sides = ("Less spread with acupuncture", "More spread with acupuncture")
    return forest(groups, effect="Ratio of SDs", ratio=True, favours=sides, not_shown=(), size=6,
                  title="Spread between patients, acupuncture against comparator")  # fmt: skip


def _decomposition() -> Any:
    from acuevidence.plots.questions.decomposition import decomposition

    return decomposition()


def _forest(condition: str, width: str) -> Any:
    from acuevidence.appraisal.thresholds import has_mid, mid
    from acuevidence.evidence import load_evidence
    from acuevidence.plots.forest import forest
    from acuevidence.questions.pooled import pooled

    results = pooled(condition)
    known = all(has_mid(outcome) for one in results.values() for outcome in one.data["outcome"])
    return forest(
        results, width=width, arms="summary", certainty=True, title=load_evidence().topic.label(condition),
        mid=mid("pain", "SMD") if known else None, size=6,
    )  # fmt: skip


def _network() -> Any:
    from acuevidence.plots.network import network
    from acuevidence.questions.treatments import treatment_network

    return network(treatment_network(), width="double")


def _nuance() -> Any:
    from acuevidence.plots.questions.nuance import nuance

    return nuance()


def _robust(kind: str) -> Any:
    from acuevidence.appraisal.missing import missing_evidence
    from acuevidence.appraisal.sequential import sequential
    from acuevidence.questions.multiverse import multiverse
    from acuevidence.questions.pooled import pooled

    if kind == "curve":
        return multiverse(_ROBUST, "sham").plot(title="Neck pain: acupuncture v sham")
    groups = pooled(_ROBUST)
    if kind == "funnel":
        return groups.funnel(title="Neck pain")
    made = missing_evidence(groups["sham"]) if kind == "missing" else sequential(groups["sham"])
    return made.plot(title="Neck pain: acupuncture v sham")


def _safety() -> Any:
    from acuevidence.plots.questions.safety import safety

    return safety()


def _time_course() -> Any:
    from acuevidence.plots.questions.time_course import time_course

    return time_course()


def _evidence_map() -> Any:
    from acuevidence.plots.questions.evidence_map import evidence_map

    return evidence_map()


def _flow(condition: str) -> Any:
    from acuevidence.plots.questions.flow import flow

    return flow(condition)


def _quality(condition: str) -> Any:
    from acuevidence.plots.questions.quality import quality

    return quality(condition)


guard(__name__, "build", "check")
