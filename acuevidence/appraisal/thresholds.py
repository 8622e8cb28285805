"""Minimal important differences: which difference between groups patients would notice, and who says so."""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from acuevidence.arguments import guard
from acuevidence.errors import InputError
from acuevidence.evidence import Evidence, load_evidence
from acuevidence.topic import read_yaml

__all__ = ["Mid", "mid"]


@dataclass(frozen=True, slots=True)
class Mid:
    """A minimal important difference between groups, as the band that published thresholds span.

    Attributes
    ----------
    low, high : float
        Smallest and largest threshold, in ``unit``.
    unit : str
        ``SD`` or ``points of 0-100``.
    source : str
        The thresholds behind the band, in words.
    source_urls : tuple of str
        Where they were read.
    """

    low: float
    high: float
    unit: str
    source: str
    source_urls: tuple[str, ...]


def mid(outcome: str | None = None, measure: str = "SMD", *, evidence: Evidence | None = None) -> Mid:
    """Return the minimal important difference of an outcome.

    Parameters
    ----------
    outcome : str, optional
        For example ``pain`` or ``function``; others, such as ``headache_frequency``, have no published one between groups.
        Default: the main outcome of the evidence's topic.
    measure : {"SMD", "MD"}
        ``MD`` is in points of a 0-100 scale.
    evidence : Evidence, optional
        Where the thresholds are. Default: the package's evidence.

    Returns
    -------
    Mid
        Band, unit and sources; a positive difference of that size favours the treatment.

    Raises
    ------
    InputError
        When no threshold is known for the outcome and measure.

    Examples
    --------
    >>> import acuevidence as ae
    >>> ae.mid("pain", "SMD").low
    0.3
    """
    evidence = load_evidence() if evidence is None else evidence
    outcome = evidence.topic.main_outcome if outcome is None else outcome
    entries = appraisal_rules(evidence)["minimal_important_difference"]
    for entry in entries:
        if outcome in entry["outcomes"] and entry["measure"] == measure:
            (low, words_low, url_low), (high, words_high, url_high) = (
                _threshold(evidence, entry[end]) for end in ("low", "high")
            )
            source = f"{words_low}; {words_high}"
            return Mid(low, high, entry["unit"], source, tuple(dict.fromkeys([url_low, url_high])))
    known = [f"{o} as {e['measure']}" for e in entries for o in e["outcomes"]]
    raise InputError(
        f"no minimal important difference is known for {outcome!r} as {measure!r} (known: {', '.join(known) or 'none'}); "
        "enter it in thresholds.csv and name it in appraisal.yaml"
    )


def has_mid(outcome: str, measure: str = "SMD", *, evidence: Evidence | None = None) -> bool:
    """Whether the rules of an evidence, by default the package's, hold a minimal important difference of an outcome."""
    entries = appraisal_rules(load_evidence() if evidence is None else evidence)["minimal_important_difference"]
    return any(outcome in entry["outcomes"] and entry["measure"] == measure for entry in entries)


def main_mid(evidence: Evidence | None) -> Mid | None:
    """Return the minimal important difference of an evidence's main outcome as an SMD; None without evidence or a threshold."""
    if evidence is None or not has_mid(evidence.topic.main_outcome, evidence=evidence):
        return None
    return mid(evidence=evidence)


def appraisal_rules(evidence: Evidence | None) -> Mapping[str, Any]:
    """Return the rules of ``appraisal.yaml`` that an evidence came with; without evidence the neutral ones."""
    return _neutral() if evidence is None else evidence.appraisal


@functools.cache
def _neutral() -> dict[str, Any]:
    return read_yaml(Path(__file__).resolve().parents[1] / "scaffold" / "appraisal.yaml")


def _threshold(evidence: Evidence, where: dict[str, Any]) -> tuple[float, str, str]:
    table = evidence.thresholds
    rows = table[table["measure"] == where["row"]]
    if rows.empty:
        raise InputError(f"thresholds has no row with measure {where['row']!r}")
    row = rows.iloc[0]
    printed = [float(part) for part in re.findall(r"\d+(?:\.\d+)?", row["threshold"])]
    value = printed[where.get("part", 1) - 1] / (where["of"] / 100 if "of" in where else 1.0)
    return value, f"{value:.2g}: {where['says']}", row["source_url"]


guard(__name__, "mid")
