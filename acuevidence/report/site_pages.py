"""What each page of the site holds: read from results, arranged, and nothing pooled here."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

import pandas as pd

from acuevidence.appraisal.in_words import method_words
from acuevidence.appraisal.states import STATES
from acuevidence.appraisal.thresholds import Mid
from acuevidence.effects.marks import key_to_marks, marks_of
from acuevidence.effects.trials import trial_effects
from acuevidence.evidence import Evidence, conditions
from acuevidence.questions.pooled import pooled
from acuevidence.questions.published import published
from acuevidence.questions.safety import safety
from acuevidence.questions.sensitivity import primary_endpoints
from acuevidence.report import figures
from acuevidence.report import sentences as words
from acuevidence.report.asked import sensitivity_of
from acuevidence.report.reading import Reading, reading
from acuevidence.report.site_forest import forest_rows, strips
from acuevidence.report.sources import publication, read_at, sources_of
from acuevidence.report.tables import Table, characteristics, study_results, summary_of_findings
from acuevidence.verdicts.answer import Answer
from acuevidence.verdicts.claims import answer_table, claims, verdicts

__all__ = [
    "Pooled",
    "by_strength",
    "condition",
    "index",
    "methods",
    "pools_of",
    "readings",
    "safety_page",
    "slug",
    "tables",
    "trial_pages",
]

Pooled = Mapping[str, Mapping[str, Reading]]  # condition to group to what is printed of it
_PRINTED = ["outcome", "measure", "week", "timing", "arm", "figures_as_printed", "locator", "source_url", "caution"]
_CODE = re.compile(r"`([^`]+)`")


def pools_of(evidence: Evidence) -> dict[str, dict[str, Reading]]:
    """Return what is printed of every condition's standard analysis, each found once."""
    found = {}
    for name in conditions(evidence):
        results = pooled(name, evidence=evidence)
        found[name] = {group: reading(results[group], evidence) for group in results}
    return found


def by_strength(pools: Pooled, evidence: Evidence) -> list[str]:
    """Return the conditions, the best known first: by certainty, state and participants against the strictest comparator.

    Of several populations the least certain stands for the condition.
    """
    topic = evidence.topic

    def strength(name: str) -> tuple[float, ...]:
        groups = sorted(pools[name], key=topic.place, reverse=True)
        if not groups:
            return (1, 0, 0, 0)
        strictest = [pools[name][group] for group in groups if topic.place(group) == topic.place(groups[0])]
        return max((0, -one.certainty.steps, STATES.index(one.headline.state), -people(one)) for one in strictest)

    def people(one: Reading) -> float:
        return float(one.result.data[["n1", "n2"]].astype(float).sum().sum())

    return sorted(pools, key=strength)


def readings(found: Mapping[str, Reading], evidence: Evidence) -> list[dict[str, Any]]:
    """Return a condition's comparisons in words, in the order of the comparators."""
    return [
        {
            "against": evidence.topic.comparator(group).phrase,
            "read": one,
            "effect": one.effect + (f" {one.unit}" if one.headline.estimate is not None else ""),
        }
        for group, one in found.items()
    ]


def index(pools: Pooled, order: Iterable[str], found: Mapping[str, Answer], evidence: Evidence) -> dict[str, Any]:
    """Return what the first page holds: verdicts, conditions by strength, and every claim with its answer."""
    asked = claims(evidence).set_index("id")
    rows = []
    for answer in answer_table(found, evidence).to_dict("records"):
        about, one = asked.loc[answer["id"]], found[answer["id"]]
        own = list(about["population"])
        rows.append(
            {
                **answer,
                "conditions": own,
                "comparators": list(about["comparators"]),
                "plot": strips((*one.estimates, *one.published), _band(own, pools), evidence.topic.treatment.phrase),
                "sources": _claim_sources(own, about["comparators"], evidence) if len(own) == 1 else [],
            }
        )
    given = {row["verdict"] for row in rows}
    rates = safety(evidence=evidence) if len(evidence.safety) else None
    return {
        "claims": rows,
        "verdicts": {name: said for name, said in verdicts(evidence).items() if name in given},
        "states": evidence.claims.get("states", {}),
        "by_condition": [(name, readings(pools[name], evidence)) for name in order],
        "rates": [] if rates is None else rates.rates.to_dict("records")[:3],
        "per": 0 if rates is None else rates.per,
        "comparators": evidence.topic.comparators,
        "titles": {key: one.title for key, one in figures.figures(evidence).items()},
    }


def _band(names: Iterable[str], pools: Pooled) -> Mid | None:
    """Return the smallest important difference that all effects of a claim are judged by; None where they differ or have none."""
    known = [one.threshold for name in names for one in pools.get(name, {}).values()]
    return known[0] if known and len({None if one is None else one.low for one in known}) == 1 else None


def _claim_sources(names: Iterable[str], comparators: Iterable[str], evidence: Evidence) -> list[tuple[str, str]]:
    """Return study and address of the published syntheses beside a claim, each once."""
    found = [
        (row["study"], sources_of(row)[0][1])
        for name in names
        for comparator in comparators
        for row in published(name, comparator, evidence=evidence).to_dict("records")
    ]
    return list(dict.fromkeys(found))


def condition(name: str, found: Mapping[str, Reading], findings: Table, evidence: Evidence) -> dict[str, Any]:
    """Return what the page of a condition holds, its Summary of Findings at hand."""
    effects = trial_effects(name, evidence=evidence)
    results = {group: one.result for group, one in found.items()}
    places = list(evidence.topic.comparators)
    plots = [
        {
            "name": slug(group),
            "place": places.index(evidence.topic.comparison(group)),
            "label": evidence.topic.label(group),
            "read": one,
            "rows": forest_rows(one),
            "marks": [marks_of(row) for row in one.result.data.to_dict("records")],
            "key": key_to_marks(one.result.data),
            "method": method_words(one.headline.method),
        }
        for group, one in found.items()
    ]
    left = effects.attrs["excluded"]
    analyses = sensitivity_of(name, evidence) if results else None
    return {
        "name": name,
        "label": evidence.topic.label(name),
        "short": readings(found, evidence),
        "plots": plots,
        "coverage": words.coverage(name, effects, evidence=evidence),
        "meaning": words.meaning(name, results),
        "published": [{**row, "sources": sources_of(row)} for row in published(name, evidence=evidence).to_dict("records")],
        "excluded": left.to_dict("records"),
        "findings": findings,
        "comparators": evidence.topic.comparators,
        "sensitivity": [] if analyses is None else analyses.to_dict("records"),
        "primary": "" if analyses is None else primary_endpoints(analyses),
        "trials": _trials(name, effects, left, evidence),
    }


def _trials(name: str, effects: pd.DataFrame, left: pd.DataFrame, evidence: Evidence) -> list[dict[str, Any]]:
    """Return a condition's trials with what they give, one entry a trial."""
    used = {trial: rows.to_dict("records") for trial, rows in effects.groupby("trial_id")}
    both = pd.concat([effects[["trial_id", "comparator"]], left[["trial_id", "comparator"]]])
    asked = both.groupby("trial_id")["comparator"].unique()
    trials = evidence.trials[evidence.trials["condition"] == name].sort_values(["year", "study"], kind="stable")
    return [
        {**row, "effects": used.get(row["trial_id"], []), "comparators": list(asked.get(row["trial_id"], []))}
        for row in trials.to_dict("records")
    ]


def trial_pages(evidence: Evidence) -> dict[str, dict[str, Any]]:
    """Return what the page of each trial holds: every printed figure with its source, and what was taken from it."""
    contrasts = evidence.contrasts.assign(arm=evidence.contrasts["arm"] + " v " + evidence.contrasts["comparator_arm"])
    printed = _by_trial(pd.concat([evidence.results[["trial_id", *_PRINTED]], contrasts[["trial_id", *_PRINTED]]]))
    arms, said = _by_trial(evidence.arms), _by_trial(evidence.directions)
    frames = [trial_effects(name, evidence=evidence) for name in conditions(evidence)]
    used = _by_trial(pd.concat([frame for frame in frames if len(frame)])) if any(map(len, frames)) else {}
    left = _by_trial(pd.concat([pd.DataFrame(frame.attrs["excluded"]) for frame in frames])) if frames else {}
    found = {}
    for row in evidence.trials.to_dict("records"):
        key = row["trial_id"]
        effects = used.get(key, [])
        found[key] = {
            "trial": row,
            "publication": publication(row),
            "effects": [{**one, "marks": marks_of(one)} for one in effects],
            "key": key_to_marks(pd.DataFrame(effects)),
            "excluded": left.get(key, []),
            "arms": arms.get(key, []),
            "printed": [{**one, "pages": read_at(one) or sources_of(one)} for one in printed.get(key, [])],
            "said": [{**one, "pages": read_at(one) or sources_of(one)} for one in said.get(key, [])],
        }
    return found


def _by_trial(table: pd.DataFrame) -> dict[str, list[dict[str, Any]]]:
    bare = table.copy(deep=False)
    bare.attrs = {}
    found: dict[str, list[dict[str, Any]]] = {}
    for row in bare.to_dict("records"):
        found.setdefault(str(row["trial_id"]), []).append({str(name): value for name, value in row.items()})
    return found


def safety_page(evidence: Evidence) -> dict[str, Any]:
    """Return what the page on safety holds."""
    found = safety(evidence=evidence)
    return {
        "rates": found.rates.to_dict("records"),
        "sources_of_rates": [{**row, "sources": sources_of(row)} for row in found.sources.to_dict("records")],
        "published": [{**row, "sources": sources_of(row)} for row in found.published.to_dict("records")],
        "per": found.per,
    }


def methods(pools: Pooled, evidence: Evidence) -> dict[str, Any]:
    """Return what the page on methods holds: each rule once, in words, with the claims it answers."""
    asked, values = claims(evidence), evidence.claims.get("thresholds", {})
    rules: dict[str, list[dict[str, Any]]] = {}
    for row in asked.to_dict("records"):
        rules.setdefault(
            _in_words(row["rule"], {**{key: one.get("value") for key, one in values.items()}, **row["thresholds"]}), []
        ).append({"id": row["id"], "claim": row["claim"]})
    judged: dict[str, list[str]] = {}
    for name, found in pools.items():
        for group, one in found.items():
            against = evidence.topic.comparator(group).phrase
            judged.setdefault(one.judged_by, []).append(
                f"{evidence.topic.label(name)}, {one.topic.outcome(one.outcome)}, v {against}"
            )
    return {"asked": rules, "judged": judged, "rules": evidence.rules}


def _in_words(rule: str, values: Mapping[str, Any]) -> str:
    """Return a rule without code names: what stands between backticks in words, with its value where it has one."""

    def said(found: re.Match[str]) -> str:
        name = found[1].replace("_", " ")
        value = values.get(found[1])
        return name if value is None else f"{name} ({value:g})"

    return _CODE.sub(said, rule)


def tables(pools: Pooled, evidence: Evidence) -> dict[str, Table]:
    """Return the tables that the pages offer as files."""
    found = {}
    for name, of in pools.items():
        found[f"{name}_findings"] = summary_of_findings({group: one.result for group, one in of.items()}, evidence=evidence)
        found[f"{name}_trials"] = characteristics(name, evidence=evidence)
        found |= {f"{name}_results_{slug(group)}": study_results(one.result) for group, one in of.items()}
    return found


def slug(group: str) -> str:
    """Return a group's name as it stands in the name of a file and in an id."""
    return group.replace(", ", "_")
