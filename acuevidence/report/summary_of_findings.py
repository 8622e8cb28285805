"""Summary of Findings after GRADE: what the comparator's patients reach, the difference in points and responders, and how sure it is."""

from __future__ import annotations

from collections.abc import Mapping
from math import exp, nan, pi, sqrt

import numpy as np
import pandas as pd

from acuevidence.appraisal.certainty import Certainty, certainty
from acuevidence.appraisal.thresholds import Mid, mid_of, published_threshold
from acuevidence.arguments import guard
from acuevidence.effects.participants import counted
from acuevidence.errors import InputError
from acuevidence.evidence import Evidence
from acuevidence.evidence.carried import direction_of, evidence_of, outcomes_of
from acuevidence.questions.typical_sd import typical_sd
from acuevidence.report.table_forms import Table, interval
from acuevidence.synthesis import MetaAnalysis
from acuevidence.topic import Topic, topic_of

__all__ = ["summary_of_findings", "to_row"]


def summary_of_findings(
    results: Mapping[str, MetaAnalysis], *, condition: str | None = None, evidence: Evidence | None = None
) -> Table:
    """Return the Summary of Findings after GRADE (Cochrane Handbook, chapter 14).

    Parameters
    ----------
    results : mapping
        Name of the comparison to MetaAnalysis as an SMD, RR or OR, as :func:`acuevidence.pooled` returns.
    condition : str, optional
        Whose typical SD brings the effect to points of 0-100. Default: the one in the data.
    evidence : Evidence, optional
        Where thresholds, typical SDs and the comparators' means are from. Default: what the results carry; without any, cells that
        need it stay empty.

    Returns
    -------
    Table
        One row a comparison: the outcome with scale and follow-up, what the comparator's patients reach, the difference in
        points of 0-100 or in responders per 100, the effect as it was pooled, participants (trials), certainty and a comment; each
        step of certainty lost is a footnote.

    Raises
    ------
    InputError
        For effects that are neither SMD nor RR nor OR.

    Notes
    -----
    Under an SMD, points are the effect times the typical SD of the outcome on a 0-100 scale, and responders per 100 take a
    response of 50 in 100 with the comparator and a logistic distribution: log OR = SMD pi / sqrt(3) (Cochrane Handbook
    15.5.3). Under RR and OR, the comparator's risk is the median of the trials. An outcome without a minimal important difference
    in the evidence says so, and its imprecision is rated by size and by the null alone.

    Examples
    --------
    >>> import acuevidence as ae
    >>> from acuevidence.report.tables import summary_of_findings
    >>> list(summary_of_findings(ae.pooled("neck_pain")).frame["Comparison"])
    ['acupuncture v sham', 'acupuncture v usual care']
    """
    evidence, topic = evidence_of(results, evidence), topic_of(results)
    rows: list[dict[str, str]] = []
    notes: list[str] = []
    bands: dict[str, list[str]] = {}
    for name, one in results.items():
        if one.k == 0:
            continue
        outcome, band = _main_outcome(one), mid_of(one, evidence)
        rated, marks = certainty(one), []
        for reason in rated.reasons:
            marks.append(str(len(notes) + 1))
            notes.append(f"{len(notes) + 1}. {reason[0].upper()}{reason[1:]}.")
        bands.setdefault(_threshold(one, outcome, band, evidence), []).append(_comparison(name, topic))
        rows.append(
            {
                "Comparison": _comparison(name, topic),
                "Outcome, follow-up": f"{_outcome_words(one, topic)}, {_follow_up(one)}",
                **_absolute(one, outcome, condition, evidence),
                "Effect (95% CI)": _effect(one),
                "Participants (trials)": _participants(one),
                "Certainty": f"{rated.symbols} {rated.level}" + (f" [{', '.join(marks)}]" if marks else ""),
                "In plain words": _comment(one, band, topic),
            }
        )
    return Table("Summary of findings", pd.DataFrame(rows), (_assumed(results), *_thresholds(results, bands), *notes))


def _assumed(results: Mapping[str, MetaAnalysis]) -> str:
    favoured = topic_of(results).treatment.phrase if direction_of(results) == "benefit" else ""
    return (f"Positive values favour {favoured}. " if favoured else "") + _ASSUMED


def _comparison(name: str, topic: Topic) -> str:
    words = topic.comparator(name).phrase
    return f"{topic.treatment.phrase} v {words}" if topic.compares(name) else words


_ASSUMED = (
    "With the comparator: median of the final means of such arms in the condition's trials, 0 no "
    "complaint to 100 worst. Points of 0-100: SMD times the typical SD of the outcome. Responders under an SMD: 50 in 100 "
    "assumed with the comparator, logistic conversion; under a ratio: the comparator's risk is the median of the trials. "
    "–: cannot be told from what is printed. Certainty after GRADE: ●●●● high, ●●●○ moderate, ●●○○ low, ●○○○ very low."
)


def _main_outcome(one: MetaAnalysis) -> str:
    """Return the outcome of most trials; nothing where the data name none."""
    return str(one.data["outcome"].mode().iloc[0]) if "outcome" in one.data else ""


def _threshold(one: MetaAnalysis, outcome: str, band: Mid | None, evidence: Evidence | None) -> str:
    """Return what a comparison is judged by, in SD and in points; its certainty rests on the same threshold."""
    if band is None or evidence is None:
        return "no MID in the evidence."
    said = f"{_span(band, '.2f')} SD ({band.source})"
    points = published_threshold(evidence, outcome, "MD", _only(one.data, "condition"), _only(one.data, "comparator"))
    return f"{said}." if points is None else f"{said}, {_span(points, '.3g')} points of 0-100 ({points.source})."


def _span(band: Mid, form: str) -> str:
    """Return a threshold as a number, several as the smallest to the largest."""
    low, high = (format(value, form) for value in (band.low, band.high))
    return low if low == high else f"{low} to {high}"


def _thresholds(results: Mapping[str, MetaAnalysis], bands: Mapping[str, list[str]]) -> list[str]:
    """Return the thresholds as notes; where comparisons differ in theirs, each names its own."""
    topic = topic_of(results)
    outcomes = dict.fromkeys(topic.outcome(_main_outcome(one)) for one in results.values() if one.k)
    words = " or ".join(filter(None, outcomes)) or "an outcome that is not named"
    return [
        f"Minimal important difference of {words}{', ' + ' and '.join(names) if len(bands) > 1 else ''}: {said}"
        for said, names in bands.items()
    ]


def _outcome_words(one: MetaAnalysis, topic: Topic) -> str:
    return " or ".join(map(topic.outcome, outcomes_of(one))) or "outcome not named"


def _follow_up(one: MetaAnalysis) -> str:
    weeks = one.data["week"].dropna() if "week" in one.data else pd.Series(dtype=float)
    if weeks.empty:
        return "week not printed"
    low, high = weeks.min(), weeks.max()
    return f"week {low:g}" if low == high else f"weeks {low:g} to {high:g}"


def _absolute(one: MetaAnalysis, outcome: str, condition: str | None, evidence: Evidence | None) -> dict[str, str]:
    """Return what the comparator reaches, and the difference in points of 0-100 and in responders per 100."""
    with_comparator, points, responders = (
        "With the comparator",
        "Points of 0-100 (95% CI)",
        "More responders per 100 (95% CI)",
    )
    effect = np.array([one.estimate, one.ci_low, one.ci_high])
    kind = _kind(one)
    if kind != "SMD":
        risk = float((one.data["events2"] / one.data["n2"]).astype(float).median())
        if np.isnan(risk):
            return {with_comparator: "–", points: "–", responders: "–"}
        odds = risk / (1 - risk) * np.exp(effect)
        new = np.minimum(risk * np.exp(effect), 1) if kind == "RR" else odds / (1 + odds)
        return {
            with_comparator: f"{100 * risk:.0f} of 100 respond",
            points: "–",
            responders: interval(*(100 * (new - risk)), digits=0),
        }
    sd, level = (nan, nan) if evidence is None else (_spread(one, outcome, condition, evidence), _level(one, outcome, evidence))
    more = [100 / (1 + exp(-x * pi / sqrt(3))) - 50 for x in effect]
    return {
        with_comparator: "–" if np.isnan(level) else f"{level:.0f} points of 0-100",
        points: "–" if np.isnan(sd) else interval(*(sd * effect), digits=0),
        responders: interval(*more, digits=0),
    }


def _kind(one: MetaAnalysis) -> str:
    kinds = set(one.data["effect"].dropna()) if "effect" in one.data else {"SMD"}
    if len(kinds) != 1 or not kinds <= {"SMD", "RR", "OR"}:
        raise InputError(f"a Summary of Findings takes effects as SMD, RR or OR, not {', '.join(sorted(map(str, kinds)))}")
    return str(kinds.pop())


def _spread(one: MetaAnalysis, outcome: str, condition: str | None, evidence: Evidence) -> float:
    """Return the typical SD of the outcome on a 0-100 scale, NaN where no scale is printed."""
    own = condition or (str(one.data["condition"].iloc[0]) if "condition" in one.data else None)
    topic = evidence.topic
    if topic.outcomes.get(outcome, {}).get("spread_of", outcome) == topic.main_outcome:
        return typical_sd(own, evidence=evidence).sd
    rows = _scaled(outcome, evidence)
    rows = rows[(rows["condition"] == own) & rows["sd"].notna()] if own else rows[rows["sd"].notna()]
    sd = 100 * rows["sd"] / (rows["scale_max"] - rows["scale_min"])
    return float(sd.groupby([rows["trial_id"], rows["arm"]]).median().median())


def _level(one: MetaAnalysis, outcome: str, evidence: Evidence) -> float:
    """Return what comparator arms of such trials end with, 0 (no complaint) to 100: the median, NaN where none is printed."""
    if not {"condition", "comparator_role"} <= set(one.data.columns):
        return float("nan")
    arms = evidence.arms
    arms = arms[arms["role"].isin(one.data["comparator_role"])]
    rows = _scaled(outcome, evidence).merge(arms[["trial_id", "arm"]].drop_duplicates(), on=["trial_id", "arm"])
    rows = rows[rows["condition"].isin(one.data["condition"]) & (rows["week"] > 0)]
    level = 100 * (rows["mean"] - rows["scale_min"]) / (rows["scale_max"] - rows["scale_min"])
    level = level.where(rows["benefit"] < 0, 100 - level)
    return float(level.groupby(rows["trial_id"]).median().median())


def _scaled(outcome: str, evidence: Evidence) -> pd.DataFrame:
    """Return the printed final means of an outcome on a printed scale; what has a unit is counted, not rated."""
    rows, unit = evidence.results, "unit" in evidence.topic.outcomes.get(outcome, {})
    return rows[
        (rows["outcome"] == outcome)
        & (not unit)
        & (rows["statistic"] == "final")
        & rows["scale_max"].notna()
        & rows["mean"].notna()
        & rows["caution"].isna()
    ]


def _effect(one: MetaAnalysis) -> str:
    values = np.array([one.estimate, one.ci_low, one.ci_high])
    return f"{_kind(one)} {interval(*(values if _kind(one) == 'SMD' else np.exp(values)))}"


def _participants(one: MetaAnalysis) -> str:
    return f"{counted(one.data).text() or 'not printed'} ({one.k})"


def _comment(one: MetaAnalysis, band: Mid | None, topic: Topic) -> str:
    if one.ci_low <= 0 <= one.ci_high:
        if _kind(one) == "SMD" and band is not None and one.ci_high < band.low:
            return "No difference that patients are likely to notice."
        return "The trials do not settle whether there is a difference."
    if direction_of(one) != "benefit":
        return f"The interval lies {'below' if one.ci_high < 0 else 'above'} no effect."
    if one.ci_high < 0:
        return "Patients did better with the comparator."
    if _kind(one) != "SMD":
        return f"More patients respond with {topic.treatment.phrase}."
    if band is None:
        return f"Patients did better with {topic.treatment.phrase}; how large a difference matters is not known."
    if one.ci_low >= band.low:
        return f"Patients did better with {topic.treatment.phrase}, by a difference they are likely to notice."
    if one.ci_high >= band.low:
        return f"Patients did better with {topic.treatment.phrase}; whether they would notice the difference is open."
    return f"Patients did better with {topic.treatment.phrase}, by less than they are likely to notice."


def _only(data: pd.DataFrame, column: str) -> str | None:
    found = data[column].dropna().unique() if column in data else []
    return str(found[0]) if len(found) == 1 else None


def to_row(
    rated: Certainty, result: MetaAnalysis, *, condition: str | None = None, evidence: Evidence | None = None
) -> pd.DataFrame:
    """Return a row of a Summary of Findings table.

    Parameters
    ----------
    rated : Certainty
        The certainty of the pooled effect; as a method, itself.
    result : MetaAnalysis
        The pooled effect that was rated, as an SMD.
    condition : str, optional
        Condition whose typical SD of the main outcome turns the SMD into points. Default: the one in the result's data.
    evidence : Evidence, optional
        Default: the one that the result carries.

    Returns
    -------
    DataFrame
        One row: ``condition, comparator, trials, participants`` (missing where one trial does not print them),
        ``estimate, ci_low, ci_high`` in SD, ``points, points_low, points_high`` on a 0-100 scale (positive: better
        with the treatment; missing where the result carries no evidence), ``certainty, symbols`` and ``reasons``.

    Examples
    --------
    >>> import acuevidence as ae
    >>> one = ae.pooled("neck_pain")["sham"]
    >>> ae.certainty(one).to_row(one)["comparator"].tolist()
    ['sham']
    """
    evidence = evidence_of(result, evidence)
    condition = _only(result.data, "condition") if condition is None else condition
    sd = np.nan if evidence is None else typical_sd(condition, evidence=evidence).sd
    people = counted(result.data)
    return pd.DataFrame(
        [
            {
                "condition": condition,
                "comparator": _only(result.data, "comparator"),
                "trials": result.k,
                "participants": int(people.n) if people.complete else pd.NA,
                "estimate": result.estimate,
                "ci_low": result.ci_low,
                "ci_high": result.ci_high,
                "points": result.estimate * sd,
                "points_low": result.ci_low * sd,
                "points_high": result.ci_high * sd,
                "certainty": rated.level,
                "symbols": rated.symbols,
                "reasons": "; ".join(rated.reasons) or "none",
            }
        ]
    )


guard(__name__, "summary_of_findings", "to_row")
