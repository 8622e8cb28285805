"""What the standard analysis of a condition becomes when one choice is made otherwise.

The list of analyses is data of the review (``sensitivity`` in ``selection.yaml``); here is what its entries can say.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from acuevidence.appraisal.thresholds import appraisal_rules
from acuevidence.arguments import guard
from acuevidence.effects.trials import trial_effects
from acuevidence.errors import InputError
from acuevidence.evidence import Evidence, load_evidence
from acuevidence.evidence.carried import carry
from acuevidence.evidence.design import trials_where
from acuevidence.evidence.rules import Rules
from acuevidence.inputs import choice
from acuevidence.questions.pooled import groups_of
from acuevidence.synthesis.batch import fit_many
from acuevidence.synthesis.bayes import bayes
from acuevidence.topic import topic_of
from acuevidence.words import count, series

__all__ = ["primary_endpoints", "sensitivity"]

COLUMNS = ["analysis", "comparator", "k", "n", "estimate", "ci_low", "ci_high", "tau2", "method"]
_STANDARD = "REML, HKSJ-adhoc"
_INTERVAL_FROM = 3  # trials
_FEW = (3, 4)  # trials that are pooled with the prior that the review names
_ENTRIES = {
    "analysis",
    "endpoint",
    "horizon",
    "outcome",
    "without",
    "design",
    "quality",
    "where",
    "unless",
    "kind",
    "rules",
    "prior",
}
# Where a review names no analyses of its own.
_ALWAYS: tuple[Mapping[str, Any], ...] = (
    {"analysis": "primary endpoint", "endpoint": "primary"},
    {"analysis": "adjusted differences", "kind": "adjusted"},
    {"analysis": "final scores", "kind": "final"},
    {"analysis": "changes", "kind": "change"},
    {"analysis": "responders", "kind": "count"},
)


def sensitivity(condition: str, *, analyses: Sequence[str] | None = None, evidence: Evidence | None = None) -> pd.DataFrame:
    """Return the pooled effects of a condition by default and with one choice made otherwise at a time.

    Parameters
    ----------
    condition : str
        One of :func:`acuevidence.conditions`.
    analyses : sequence of str, optional
        Names of the analyses wanted beside "default". Default: all.
    evidence : Evidence, default the package's

    Returns
    -------
    DataFrame
        One row an analysis and comparator: ``analysis comparator k n estimate ci_low ci_high tau2 method``, "default" first. SMDs,
        positive in favour of the treatment; ``n`` participants of the trials that print them. No interval below three trials. Where
        the trials of a condition fall into populations that are not pooled, each has rows of its own.

    Raises
    ------
    InputError
        For an unknown condition, or an analysis of ``selection.yaml`` that says something unknown.

    Notes
    -----
    As ``result.headline()``: random effects by REML with the Hartung-Knapp-Sidik-Jonkman interval, never narrower than Wald; of three
    and four trials the Bayesian normal-normal model with the prior that ``appraisal.yaml`` names (median and equal-tailed interval).
    The estimate of two trials tells the direction of a choice and is not printed as a pooled effect. ``prior`` names the prior of
    such a model beside the default.

    Examples
    --------
    >>> import acuevidence as ae
    >>> found = ae.questions.sensitivity("low_back_pain")
    >>> found.query("analysis == 'default' and comparator == 'sham'")[["k", "estimate"]].round(2).values.tolist()
    [[9.0, 0.23]]
    """
    evidence = load_evidence() if evidence is None else evidence
    choice("condition", condition, list(evidence.topic.conditions))
    asked = [{"analysis": "default"}, *(evidence.rules.sensitivity or _ALWAYS)]
    if analyses is not None:
        names = [str(entry.get("analysis")) for entry in asked]
        wanted = {choice("analyses", name, names) for name in analyses}
        asked = [entry for entry in asked if entry.get("analysis") in {"default", *wanted}]
    pools = [(entry, name, rows) for entry in asked for name, rows in _pools(condition, _checked(entry), evidence)]
    found = pd.DataFrame(
        {
            "analysis": [entry["analysis"] for entry, _, _ in pools],
            "comparator": [name for _, name, _ in pools],
            "k": [len(rows) for _, _, rows in pools],
            "n": [int(rows[["n1", "n2"]].sum().sum()) for _, _, rows in pools],
        }
    )
    found = found.join(_fitted([rows for _, _, rows in pools]))
    few = appraisal_rules(evidence).get("few_trials", {}).get("priors", {}).get("SMD")
    for i, (entry, _, rows) in enumerate(pools):
        prior = entry.get("prior", few if len(rows) in _FEW else None)
        if prior is not None:
            found.loc[i, ["estimate", "ci_low", "ci_high", "tau2", "method"]] = _bayesian(rows, prior)
    carry(found, topic=evidence.topic, direction="benefit", evidence=evidence)
    found.attrs["condition"] = condition
    found.attrs["primary"] = {
        name: (int(rows["primary_endpoint"].sum()), len(rows)) for entry, name, rows in pools if entry.get("endpoint") == "primary"
    }
    return found[COLUMNS]


def primary_endpoints(found: pd.DataFrame) -> str:
    """Return in how many trials the analysis of the primary endpoint has the endpoint that their authors declared.

    Parameters
    ----------
    found : DataFrame
        From :func:`sensitivity`.

    Returns
    -------
    str
        A sentence; empty where that analysis was not made.

    Examples
    --------
    >>> primary_endpoints(sensitivity("headache"))
    'Primary endpoint in 9 of 11 trials v sham and 5 of 5 v usual care; else as by default.'
    """
    counted = [(name, *pair) for name, pair in found.attrs.get("primary", {}).items() if pair[1]]
    if not counted:
        return ""
    topic = topic_of(found)
    words: list[str] = []
    for name, used, k in counted:
        comparator, _, population = name.partition(", ")
        against = topic.comparator(comparator).phrase + (f", {population}" if population else "")
        words.append(f"{used} of {k if words else count(k, 'trial')} v {against}")
    return f"Primary endpoint in {series(words)}; else as by default."


def _checked(entry: Mapping[str, Any]) -> Mapping[str, Any]:
    unknown = sorted(set(entry) - _ENTRIES)
    if unknown or "analysis" not in entry:
        said = f"unknown entry {unknown[0]!r}" if unknown else "no name"
        raise InputError(f"selection.yaml: sensitivity {dict(entry)!r}: {said} (known: {', '.join(sorted(_ENTRIES))})")
    return entry


def _pools(condition: str, entry: Mapping[str, Any], evidence: Evidence) -> Iterator[tuple[str, pd.DataFrame]]:
    """Yield the name and the rows of every pool of an analysis."""
    asked = {key: entry[key] for key in ("endpoint", "horizon") if key in entry}
    if {"rules", "outcome"} & set(entry):  # else the effects are those that are known already
        evidence = evidence.changed(rules=_rules(condition, entry, evidence.rules))
    effects = trial_effects(condition, evidence=evidence, **asked)
    effects.attrs = {}  # fewer copies
    effects = effects[_kept(effects, entry, evidence)]
    for group, (comparator, population) in groups_of(condition, evidence).items():
        rows = effects[effects["comparator"] == comparator]
        yield group, rows if population is None else rows[rows["population"] == population]


def _rules(condition: str, entry: Mapping[str, Any], rules: Rules) -> Rules:
    """Return the selection rules of an analysis."""
    changes: dict[str, Any] = dict(entry.get("rules", {}))
    if "outcome" in entry:
        order = [*rules.outcome_order.get(condition, rules.outcome_order.get("default", [])), entry["outcome"]]
        changes["outcome_order"] = {**rules.outcome_order, condition: list(order)}
    if "three_arms" in changes:
        changes["three_arms"] = tuple(changes["three_arms"])
    return replace(rules, **changes)


def _kept(effects: pd.DataFrame, entry: Mapping[str, Any], evidence: Evidence) -> pd.Series:
    """Return which effects stay in an analysis."""
    ids = effects["trial_id"]
    kept = ~ids.isin(entry.get("without", ()))
    if "kind" in entry:
        kept &= effects["kind"] == entry["kind"]
    for field, pattern in entry.get("design", {}).items():
        kept &= ids.isin(trials_where(evidence.design, field, pattern))
    if "quality" in entry:
        kept &= ids.isin(_judged(evidence, entry["quality"]))
    trials = evidence.trials.drop_duplicates("trial_id").set_index("trial_id")
    for name, wanted in (("where", True), ("unless", False)):
        for column, pattern in entry.get(name, {}).items():
            cells = ids.map(trials[column]).astype("string")
            kept &= cells.notna() & (cells.str.contains(pattern, regex=True).fillna(False).astype(bool) == wanted)
    return kept


def _judged(evidence: Evidence, wanted: list[Mapping[str, str]]) -> set[str]:
    """Return the trials whose first judgement of the listed ones (tool and domain in order) is the wanted one."""
    found: dict[str, bool] = {}
    for one in wanted:
        rows = evidence.quality[(evidence.quality["tool"] == one["tool"]) & (evidence.quality["domain"] == one["domain"])]
        for trial, judgement in zip(rows["trial_id"], rows["judgement"], strict=True):
            found.setdefault(trial, judgement == one["judgement"])
    return {trial for trial, good in found.items() if good}


def _fitted(pools: list[pd.DataFrame]) -> pd.DataFrame:
    """Return the pooled effect of each pool, all in one call of the kernel."""
    most = max((len(rows) for rows in pools), default=0)
    yi, vi = np.full((len(pools), most), math.nan), np.full((len(pools), most), math.nan)
    for i, rows in enumerate(pools):
        yi[i, : len(rows)], vi[i, : len(rows)] = rows["yi"], rows["vi"]
    k = (~np.isnan(yi)).sum(axis=1)
    found = pd.DataFrame(dict.fromkeys(("estimate", "ci_low", "ci_high", "tau2"), math.nan), index=range(len(pools)))
    some = k > 0
    if some.any():
        fits = fit_many(yi[some], vi[some], test="HKSJ-adhoc")
        found.loc[some, ["estimate", "ci_low", "ci_high", "tau2"]] = np.column_stack(
            [fits.estimate, fits.ci_low, fits.ci_high, fits.tau2]
        )
    found.loc[k < _INTERVAL_FROM, ["ci_low", "ci_high", "tau2"]] = math.nan
    return found.assign(method=_STANDARD)


def _bayesian(rows: pd.DataFrame, prior: Any) -> list[Any]:
    """Return median, limits and tau2 of the normal-normal model; nothing below three trials."""
    name = f"Bayes, {prior}"
    if len(rows) < _INTERVAL_FROM:
        return [math.nan] * 4 + [name]
    table = bayes(rows["yi"].to_numpy(), rows["vi"].to_numpy(), tau_prior=prior).summary
    mu = table.loc["mu"]
    return [mu["median"], mu["ci_low"], mu["ci_high"], float(table.loc["tau", "median"]) ** 2, name]


guard(__name__, "sensitivity")
