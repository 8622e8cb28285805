"""How often acupuncture does harm: single-group rates of adverse events, per treatment and per patient.

Which surveys overlap, and which rows count something else, is data (section ``safety`` of ``data/appraisal.yaml``). A source is
pooled once; every row that is not pooled stays in the table with its reason.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import betaincinv

from acuevidence.appraisal.thresholds import appraisal_rules
from acuevidence.arguments import guard
from acuevidence.effects import back_transform, effect_size
from acuevidence.evidence import Evidence, load_evidence
from acuevidence.inputs import choice
from acuevidence.shown import Shown
from acuevidence.synthesis import MetaAnalysis, meta_analysis

__all__ = ["Safety", "exact_interval", "number", "rate_text", "safety"]

_SCALES = ("PAS", "PLO", "PFT")
_DENOMINATORS = {"treatments": "n_treatments", "patients": "n_patients"}
_PRINTED = re.compile(r"([\d.]+)\s*%?\s*\(95% CI ([\d.]+)\s*%? to ([\d.]+)\s*%?[^)]*\)(.*)")
_UNITS = {"one million": 1e6, "10 000": 1e4, "10,000": 1e4, "1000": 1e3, "100": 1e2}


@dataclass(frozen=True, slots=True, kw_only=True, repr=False, eq=False)
class Safety(Shown):
    """Rates of adverse events by class of event and denominator.

    Attributes
    ----------
    rates : DataFrame
        One row a class and denominator: ``event, label, denominator, sources, events, n, rate, ci_low, ci_high, pi_low, pi_high,
        tau2, i2, method``; rates are per ``per``. ``method`` is ``exact binomial`` for one source.
    sources : DataFrame
        One row a printed row of ``safety.csv``: ``study, event, denominator, events, n, rate, ci_low, ci_high`` (exact binomial),
        whether it is ``pooled``, and the ``reason`` why not.
    published : DataFrame
        Pooled rates of published reviews: ``study, event, denominator, rate, ci_low, ci_high`` per ``per``.
    results : mapping
        (event, denominator) to the MetaAnalysis behind a pooled rate, on the scale ``scale``.
    per : float
        What rates count per, 10 000 by default.
    scale : str
        Scale of the random-effects model.
    """

    rates: pd.DataFrame
    sources: pd.DataFrame
    published: pd.DataFrame
    results: Mapping[tuple[str, str], MetaAnalysis]
    per: float
    scale: str

    def rate(self, event: str, denominator: str) -> pd.Series | None:
        """Return the row of ``rates`` of a class and denominator, or None where no source counts it."""
        rows = self.rates[(self.rates["event"] == event) & (self.rates["denominator"] == denominator)]
        return None if rows.empty else rows.iloc[0]

    def to_frame(self) -> pd.DataFrame:
        """Return the rates."""
        return self.rates.copy()

    def _sentences(self) -> list[str]:
        lines = [rate_text(row, self.per) for row in self.rates.itertuples()]
        return [
            *lines,
            f"Random effects on the scale {self.scale}, REML, HKSJ never narrower than Wald; 95% intervals; one source: exact "
            "binomial. Overlapping sources are pooled once.",
        ]

    def _page_table(self) -> pd.DataFrame:
        return self.rates.round(3)


def safety(*, scale: str = "PAS", evidence: Evidence | None = None) -> Safety:
    """Return rates of adverse events with intervals, by class of event, per treatment and per patient.

    Parameters
    ----------
    scale : {"PAS", "PLO", "PFT"}
        Scale of the random-effects model: arcsine square root, logit, or Freeman-Tukey double arcsine.
    evidence : Evidence, default the package's

    Returns
    -------
    Safety
        Rates per 10 000, the rows behind them, and published rates beside them.

    Raises
    ------
    InputError
        For an unknown scale.

    Notes
    -----
    The arcsine stabilises the variance at rates near zero and needs nothing added to empty cells. The logit adds 0.5 to them.
    The back-transformed double arcsine depends on a mean sample size and misleads where sources differ as much in size as
    surveys do (Schwarzer, Chemaitelly, Abu-Raddad and Rücker 2019, Research Synthesis Methods 10:476-483); it is there for
    comparison. A single source keeps its exact binomial interval (Clopper and Pearson 1934, Biometrika 26:404-413). Some sources
    count events and others treatments with an event; at these rates the two hardly differ.

    Examples
    --------
    >>> import acuevidence as ae
    >>> found = ae.questions.safety()
    >>> bool(found.rate("serious", "treatments").ci_high < 10)
    True
    """
    choice("scale", scale, _SCALES)
    evidence = load_evidence() if evidence is None else evidence
    rules: Mapping[str, Any] = {**appraisal_rules(evidence)["safety"], "events": evidence.topic.events()}
    sources = _sources(evidence, rules)
    rates, results = [], {}
    for event, about in rules["events"].items():
        for denominator in _DENOMINATORS:
            rows = sources[(sources["event"] == event) & (sources["denominator"] == denominator) & sources["pooled"]]
            if len(rows):
                row, result = _pool(rows, scale, float(rules["per"]))
                rates.append({"event": event, "label": about["label"], "denominator": denominator, **row})
                if result is not None:
                    results[event, denominator] = result
    columns = [
        "event",
        "label",
        "denominator",
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
    return Safety(
        rates=frame, sources=shown, published=_published(evidence, rules), results=results, per=float(rules["per"]), scale=scale
    )


def rate_text(row: Any, per: float) -> str:
    """Return a row of the rates in words: the rate with its interval, sources and counts."""
    return (
        f"{row.label} per {per:,.0f} {row.denominator}: {number(row.rate)} ({number(row.ci_low)} to {number(row.ci_high)}; "
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
        "source_url",
        "figures_as_printed",
        "notes",
    ]
    found = table[columns].assign(n=n, reason="")
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


def _pool(rows: pd.DataFrame, scale: str, per: float) -> tuple[dict[str, Any], MetaAnalysis | None]:
    events, n = rows["events"].to_numpy(dtype=float), rows["n"].to_numpy(dtype=float)
    row: dict[str, Any] = {"sources": len(rows), "events": int(events.sum()), "n": int(n.sum())}
    if len(rows) == 1:
        low, high = exact_interval(events[0], n[0])
        shown = {"rate": per * events[0] / n[0], "ci_low": per * float(low), "ci_high": per * float(high)}
        return {**row, **shown, "method": "exact binomial"}, None
    size = effect_size(scale, events=rows["events"], n=rows["n"])
    data = rows.assign(yi=size["yi"], vi=size["vi"], effect=scale)
    result = meta_analysis("yi", "vi", data=data, labels="study", test="HKSJ-adhoc")
    limits = ("estimate", "ci_low", "ci_high", "pi_low", "pi_high")
    back = {name: per * float(back_transform(getattr(result, name), scale, n=n)) for name in limits}
    return {
        **row,
        "rate": back.pop("estimate"),
        **back,
        "tau2": result.tau2,
        "i2": result.i2,
        "method": f"random effects, {scale}",
    }, result


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
        found.append((row.study, row.event, row.denominator, rate, low, high, row.source_url))
    columns = ["study", "event", "denominator", "rate", "ci_low", "ci_high", "source_url"]
    return pd.DataFrame(found, columns=columns)


def number(value: float) -> str:
    """Return a rate with as many decimals as its size deserves."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}" if value >= 1 else f"{value:.2f}"


guard(__name__, "safety", "exact_interval")
