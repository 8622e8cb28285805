"""How often acupuncture does harm: single-group rates of adverse events, per treatment and per patient.

Which surveys overlap, and which rows count something else, is data (section ``safety`` of ``data/appraisal.yaml``). A source is
pooled once; every row that is not pooled stays in the table with its reason.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import betaincinv, ndtri

from acuevidence.appraisal.thresholds import appraisal_rules
from acuevidence.arguments import guard
from acuevidence.effects import back_transform
from acuevidence.errors import ConvergenceError
from acuevidence.evidence import Evidence, load_evidence
from acuevidence.shown import Shown
from acuevidence.synthesis.glmm import GlmmMetaAnalysis, glmm_single

__all__ = ["Safety", "exact_interval", "number", "rate_text", "safety"]

_REPORTERS = ("patients", "clinicians")
_FEWEST = 3  # sources of a model of rates that differ
_DENOMINATORS = {"treatments": "n_treatments", "patients": "n_patients"}
_PRINTED = re.compile(r"([\d.]+)\s*%?\s*\(95% CI ([\d.]+)\s*%? to ([\d.]+)\s*%?[^)]*\)(.*)")
_UNITS = {"one million": 1e6, "10 000": 1e4, "10,000": 1e4, "1000": 1e3, "100": 1e2}


@dataclass(frozen=True, slots=True, kw_only=True, repr=False, eq=False)
class Safety(Shown):
    """Rates of adverse events by class of event and denominator.

    Attributes
    ----------
    rates : DataFrame
        One row a class, denominator and who reported, patients before clinicians: ``event, label, denominator, reported_by, sources,
        events, n, rate, ci_low, ci_high, pi_low, pi_high, tau2, i2, method``; rates are per ``per``. ``method`` says whether counts
        were summed or sources modelled.
    sources : DataFrame
        One row a printed row of ``safety.csv``: ``study, event, denominator, reported_by, events, n, rate, ci_low, ci_high`` (exact
        binomial), whether it is ``pooled``, and the ``reason`` why not. ``event`` is the class that the row counts as.
    published : DataFrame
        Pooled rates of published reviews: ``study, event, denominator, rate, ci_low, ci_high`` per ``per``.
    results : mapping
        (event, denominator, who reported) to the model behind a pooled rate, log odds.
    per : float
        What rates count per, 10 000 by default.
    """

    rates: pd.DataFrame
    sources: pd.DataFrame
    published: pd.DataFrame
    results: Mapping[tuple[str, str, str], GlmmMetaAnalysis]
    per: float

    def rate(self, event: str, denominator: str, reported_by: str | None = None) -> pd.Series | None:
        """Return the row of ``rates`` of a class and denominator, what patients report first; None where no source counts it."""
        rows = self.rates[(self.rates["event"] == event) & (self.rates["denominator"] == denominator)]
        if reported_by is not None:
            rows = rows[rows["reported_by"] == reported_by]
        return None if rows.empty else rows.iloc[0]

    def to_frame(self) -> pd.DataFrame:
        """Return the rates."""
        return self.rates.copy()

    def _sentences(self) -> list[str]:
        lines = [rate_text(row, self.per) for row in self.rates.itertuples()]
        return [
            *lines,
            "Three sources or more, two of them with events: binomial model with normal random effects (log odds); else exact binomial "
            "of the summed counts, of two sources the limits of both; 95% intervals. Overlapping sources are pooled once.",
        ]

    def _page_table(self) -> pd.DataFrame:
        return self.rates.round(3)


def safety(*, evidence: Evidence | None = None) -> Safety:
    """Return rates of adverse events with intervals, by class of event, per treatment and per patient, and by who reported.

    Parameters
    ----------
    evidence : Evidence, default the package's

    Returns
    -------
    Safety
        Rates per 10 000, the rows behind them, and published rates beside them.

    Notes
    -----
    Patients report more than those who treat them, so that the two are never pooled. Three sources or more of which two saw events
    are pooled by a binomial model with normal random effects of the log odds (Stijnen, Hamza and Ozdemir 2010, Statistics in Medicine), to
    which nothing need be added where a survey saw none; its rate is that of a typical source. Fewer give the rate of
    the summed counts with the exact binomial interval (Clopper and Pearson 1934, Biometrika); of two sources with events
    the interval reaches from the lower of their lower limits to the higher of their upper ones. The arcsine, whose back-transformed
    mean can lie several times below the rate of the summed counts where most sources saw no event, is not used. Some sources count
    events and others treatments with an event; at these rates the two hardly differ.

    Examples
    --------
    >>> import acuevidence as ae
    >>> found = ae.questions.safety()
    >>> bool(found.rate("serious", "treatments").ci_high < 10)
    True
    """
    evidence = load_evidence() if evidence is None else evidence
    rules: Mapping[str, Any] = {**appraisal_rules(evidence)["safety"], "events": evidence.topic.events()}
    sources = _sources(evidence, rules)
    rates, results = [], {}
    for event, about in rules["events"].items():
        for denominator, reporter in product(_DENOMINATORS, _REPORTERS):
            rows = sources[(sources["event"] == event) & (sources["denominator"] == denominator) & sources["pooled"]]
            rows = rows[rows["reported_by"] == reporter]
            if len(rows):
                row, result = _pool(rows, float(rules["per"]))
                key = {"event": event, "label": about["label"], "denominator": denominator, "reported_by": reporter}
                rates.append({**key, **row})
                if result is not None:
                    results[event, denominator, reporter] = result
    columns = [
        "event",
        "label",
        "denominator",
        "reported_by",
        "sources",
        "events",
        "n",
        "rate",
        "ci_low",
        "ci_high",
        "pi_low",
        "pi_high",
        "tau2",
        "i2",
        "method",
    ]
    frame = pd.DataFrame(rates, columns=columns)
    shown = _scaled(sources, float(rules["per"]))
    return Safety(rates=frame, sources=shown, published=_published(evidence, rules), results=results, per=float(rules["per"]))


def rate_text(row: Any, per: float) -> str:
    """Return a row of the rates in words: the rate with its interval, sources and counts."""
    return (
        f"{row.label} per {per:,.0f} {row.denominator}, reported by {row.reported_by}: "
        f"{number(row.rate)} ({number(row.ci_low)} to {number(row.ci_high)}; "
        f"{row.sources} source{'' if row.sources == 1 else 's'}, {row.events:,} events in {row.n:,})"
    )


def exact_interval(events: Any, n: Any, *, level: float = 0.95) -> tuple[np.ndarray, np.ndarray]:
    """Return the exact binomial interval of a proportion (Clopper and Pearson 1934).

    Parameters
    ----------
    events, n : array-like
        Events and trials.
    level : float
        Confidence level.

    Returns
    -------
    ndarray, ndarray
        Lower and upper limits, in 0..1.

    Examples
    --------
    >>> from acuevidence.questions.safety import exact_interval
    >>> [round(float(limit), 4) for limit in exact_interval(0, 30)]
    [0.0, 0.1157]
    """
    e, n = np.asarray(events, dtype=float), np.asarray(n, dtype=float)
    tail = (1 - level) / 2
    inner_low, inner_high = np.where(e > 0, e, 1.0), np.where(e < n, e, n - 1.0)
    low = np.where(e > 0, betaincinv(inner_low, n - inner_low + 1, tail), 0.0)
    return low, np.where(e < n, betaincinv(inner_high + 1, n - inner_high, 1 - tail), 1.0)


def _sources(evidence: Evidence, rules: Mapping[str, Any]) -> pd.DataFrame:
    """Return every printed row with its denominator, and whether it is pooled or why not."""
    table = evidence.safety
    n = pd.Series(pd.NA, index=table.index, dtype="Int64")
    for denominator, column in _DENOMINATORS.items():
        n = n.where(table["denominator"] != denominator, table[column])
    columns = [
        "study_id",
        "study",
        "year",
        "design",
        "event",
        "denominator",
        "events",
        "doi",
        "pmid",
        "source_url",
        "figures_as_printed",
        "notes",
    ]
    found = table[columns].assign(n=n, reason="")
    meant = {(rule["study_id"], rule["event"]): rule["as"] for rule in rules.get("counted_as", ())}
    found["event"] = [meant.get(key, key[1]) for key in zip(found["study_id"], found["event"], strict=True)]
    by_patients = found["study_id"].isin(rules.get("patient_reported", ()))
    found["reported_by"] = np.where(by_patients, *_REPORTERS)
    left = {(rule["study_id"], rule["event"]): rule["reason"] for rule in rules["left_out"]}
    counted = found["events"].notna() & found["n"].notna()
    reasons = []
    for row, ok in zip(found.itertuples(), counted, strict=True):
        if row.study_id in rules["reviews"]:
            reasons.append("a review, shown beside the pooled rates")
        elif not ok:
            reasons.append("events or denominator not printed as counts")
        elif not rules["events"][row.event].get("pooled", True):
            reasons.append("a class of mixed events is not pooled")
        else:
            reasons.append(left.get((row.study_id, row.event), ""))
    found["reason"] = reasons
    found["reason"] = [reason or _overlap(row, found, rules) for row, reason in zip(found.itertuples(), reasons, strict=True)]
    return found.assign(pooled=found["reason"] == "")


def _overlap(row: Any, found: pd.DataFrame, rules: Mapping[str, Any]) -> str:
    """Return why a usable row gives way to another source of the same patients, or an empty string."""
    same = found[(found["event"] == row.event) & (found["denominator"] == row.denominator) & (found["reason"] == "")]
    for group in rules["overlaps"]:
        if row.study_id in group["sources"]:
            first = next(s for s in group["sources"] if s in set(same["study_id"]))
            if first != row.study_id:
                return f"overlaps with {first}: {group['reason']}"
    return ""


def _pool(rows: pd.DataFrame, per: float) -> tuple[dict[str, Any], GlmmMetaAnalysis | None]:
    """Return the rate of some sources, and the model behind it where there is one."""
    events, n = rows["events"].to_numpy(dtype=float), rows["n"].to_numpy(dtype=float)
    row: dict[str, Any] = {"sources": len(rows), "events": int(events.sum()), "n": int(n.sum())}
    seen = int((events > 0).sum())
    if len(rows) >= _FEWEST and seen >= 2:
        try:
            return _modelled(rows, row, per)
        except ConvergenceError:
            pass  # too little heterogeneity or too few events for a likelihood with a maximum: the counts are summed
    rate = per * row["events"] / row["n"]
    if len(rows) == 2 and seen == 2:
        low, high = exact_interval(events, n)
        return {
            **row,
            "rate": rate,
            "ci_low": per * low.min(),
            "ci_high": per * high.max(),
            "method": "limits of both sources",
        }, None
    low, high = exact_interval(row["events"], row["n"])
    method = "exact binomial" if len(rows) == 1 else "exact binomial of summed counts"
    return {**row, "rate": rate, "ci_low": per * float(low), "ci_high": per * float(high), "method": method}, None


def _modelled(rows: pd.DataFrame, row: dict[str, Any], per: float) -> tuple[dict[str, Any], GlmmMetaAnalysis]:
    data = rows.assign(events=rows["events"].astype(float), n=rows["n"].astype(float))
    result = glmm_single("events", "n", data=data, labels="study")
    half = float(ndtri(0.5 + result.level / 2)) * math.hypot(result.se, math.sqrt(result.tau2))
    limits = {
        "rate": result.estimate,
        "ci_low": result.ci_low,
        "ci_high": result.ci_high,
        "pi_low": result.estimate - half,
        "pi_high": result.estimate + half,
    }
    back = {name: per * float(back_transform(value, "PLO")) for name, value in limits.items()}
    return {**row, **back, "tau2": result.tau2, "i2": result.i2, "method": "binomial model, random effects"}, result


def _scaled(sources: pd.DataFrame, per: float) -> pd.DataFrame:
    counted = sources["events"].notna() & sources["n"].notna()
    low, high = exact_interval(sources["events"].fillna(0), sources["n"].fillna(1))
    rate = per * (sources["events"] / sources["n"]).astype(float)
    return sources.assign(rate=rate, ci_low=np.where(counted, per * low, np.nan), ci_high=np.where(counted, per * high, np.nan))


def _published(evidence: Evidence, rules: Mapping[str, Any]) -> pd.DataFrame:
    """Return the pooled rates that reviews print, brought from their unit to the package's."""
    found = []
    for row in evidence.safety[evidence.safety["study_id"].isin(rules["reviews"])].itertuples():
        printed = _PRINTED.search(row.figures_as_printed)
        if printed is None:
            continue
        unit = next((size for words, size in _UNITS.items() if words in printed[4]), 100.0)
        rate, low, high = (float(printed[i]) / unit * rules["per"] for i in (1, 2, 3))
        found.append((row.study, row.event, row.denominator, rate, low, high, row.doi, row.pmid, row.source_url))
    columns = ["study", "event", "denominator", "rate", "ci_low", "ci_high", "doi", "pmid", "source_url"]
    return pd.DataFrame(found, columns=columns)


def number(value: float) -> str:
    """Return a rate with as many decimals as its size deserves."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}" if value >= 1 else f"{value:.2f}"


guard(__name__, "safety", "exact_interval")
