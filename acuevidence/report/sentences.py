"""Results in sentences that a clinician can read and a statistician would sign; every number comes from a result."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from acuevidence.appraisal.certainty import certainty
from acuevidence.appraisal.thresholds import mid
from acuevidence.effects.participants import counted
from acuevidence.evidence import load_evidence
from acuevidence.questions.published import published
from acuevidence.questions.typical_sd import typical_sd
from acuevidence.synthesis import MetaAnalysis

__all__ = ["beside_published", "coverage", "meaning"]

_AGAINST = {"sham": "sham acupuncture", "usual_care": "usual care, a waiting list or no treatment"}


def coverage(condition: str, effects: pd.DataFrame) -> str:
    """Return, as Markdown, which trials of a condition are known, which are pooled and which are missing.

    Parameters
    ----------
    condition : str
        One of :func:`acuevidence.conditions`.
    effects : DataFrame
        Its rows of :func:`acuevidence.trial_effects`.

    Returns
    -------
    str
        Markdown.
    """
    evidence = load_evidence()
    trials = evidence.trials[evidence.trials["condition"] == condition]
    lines = [
        f"The tables know **{len(trials)} randomised trials** of acupuncture in {evidence.topic.label(condition).lower()} "
        f"({int(trials['n_randomized'].sum()):,} participants where the number is printed)."
    ]
    left = effects.attrs["excluded"]
    left = left[left["arm"].isna()]
    for comparator, words in _AGAINST.items():
        used = effects[effects["comparator"] == comparator]
        missing = left[left["comparator"] == comparator]
        said = missing["reported_direction"].fillna("").str.contains("benefit").sum()
        lines.append(
            f"Against {words}, {_count(len(used), 'trial')} {_verb(len(used), 'print')} a figure that can be pooled at the end "
            f"of treatment and {len(missing)} {_verb(len(missing), 'do', 'does')} not; {said} of these {len(missing)} "
            f"{_verb(said, 'report')} a benefit in {'its' if said == 1 else 'their'} own words."
        )
    return "\n\n".join(lines)


def meaning(condition: str, results: Mapping[str, MetaAnalysis]) -> str:
    """Return, as Markdown, what the pooled effects of a condition mean.

    Parameters
    ----------
    condition : str
        One of :func:`acuevidence.conditions`.
    results : mapping
        Comparator to MetaAnalysis on the SMD scale.

    Returns
    -------
    str
        A paragraph per comparator: size, points on a 0-100 scale, the minimal important difference, what a new trial may
        find, and the certainty with its reasons.
    """
    return "\n\n".join(_paragraph(condition, name, one) for name, one in results.items())


def beside_published(condition: str, results: Mapping[str, MetaAnalysis]) -> pd.DataFrame:
    """Return the package's pooled effects and the published ones in one table.

    Parameters
    ----------
    condition : str
        One of :func:`acuevidence.conditions`.
    results : mapping
        Comparator to MetaAnalysis on the SMD scale.

    Returns
    -------
    DataFrame
        Rows by comparator: the package's result first, then the published ones; SMD, positive favours acupuncture.
    """
    rows = [
        {"comparator": name, "source": "acuevidence", "scope": condition, "timing": "end of treatment", "SMD": one.estimate,
         "low": one.ci_low, "high": one.ci_high, "trials": one.k}
        for name, one in results.items() if one.k > 0
    ]  # fmt: skip
    for row in published(condition).itertuples():
        rows.append(
            {"comparator": row.comparator, "source": row.study, "scope": row.condition, "timing": row.timing,
             "SMD": row.estimate, "low": row.ci_low, "high": row.ci_high, "trials": row.n_trials}
        )  # fmt: skip
    frame = pd.DataFrame(rows).sort_values("comparator", kind="stable", ignore_index=True)
    return frame.round(2).astype({"trials": "Int64"})


def _paragraph(condition: str, name: str, one: MetaAnalysis) -> str:
    against = _AGAINST.get(name, name)
    if one.k == 0:
        return f"**Against {against}** no trial prints a usable figure."
    band, spread = mid("pain", "SMD"), typical_sd(condition)
    side = "in favour of acupuncture" if one.estimate > 0 else "in favour of the comparator"
    points = one.estimate * spread.sd
    first = (
        f"**Against {against}**, {_count(one.k, 'trial')} with {counted(one.data).text()} participants {_verb(one.k, 'give')} "
        f"{'a pooled' if one.k > 1 else 'a'} difference of {abs(one.estimate):.2f} SD {side} "
        f"(95% interval {one.ci_low:.2f} to {one.ci_high:.2f}); with a typical SD of {spread.sd:.0f} points that is about "
        f"{abs(points):.0f} points on a 0-100 pain scale ({one.ci_low * spread.sd:.0f} to {one.ci_high * spread.sd:.0f}). "
        f"{_against_null(one)} {_against_mid(one, band.low, band.high)}"
    )
    if one.k > 2:
        first += (
            f" The true effect of a new trial may be expected between {one.pi_low:.2f} and {one.pi_high:.2f} "
            f"(95% prediction interval; tau2 {one.tau2:.3f}, I2 {one.i2:.0f}%)."
        )
    rated = certainty(one)
    why = "; ".join(rated.reasons)
    return f"{first} Certainty: **{rated.level}** {rated.symbols}" + (f" ({why})." if why else ".")


def _against_null(one: MetaAnalysis) -> str:
    if one.ci_low > 0:
        return "The interval excludes no difference."
    return "The interval includes no difference." if one.ci_high > 0 else "The interval lies on the comparator's side."


def _against_mid(one: MetaAnalysis, low: float, high: float) -> str:
    band = f"the band of published minimal important differences ({low:.2f} to {high:.2f} SD)"
    if one.estimate < low:
        where = f"The estimate lies below {band}"
    else:
        where = f"The estimate lies {'within' if one.estimate <= high else 'above'} {band}"
    if one.ci_low < low <= one.ci_high:
        return f"{where}; the interval holds its lower end."
    return f"{where}; so does all of the interval." if one.ci_low >= low or one.ci_high < low else f"{where}."


def _count(n: int, noun: str) -> str:
    return f"{n} {noun}" + ("" if n == 1 else "s")


def _verb(n: int, plural: str, singular: str = "") -> str:
    return (singular or f"{plural}s") if n == 1 else plural
