"""Summary of Findings after GRADE: what the comparator's patients reach, the difference in points and responders, and how sure it is."""

from __future__ import annotations

from collections.abc import Mapping
from math import exp, nan, pi, sqrt

import numpy as np
import pandas as pd

from acuevidence.appraisal.certainty import Certainty
from acuevidence.arguments import guard
from acuevidence.effects.participants import counted
from acuevidence.effects.trials import trial_effects
from acuevidence.errors import InputError
from acuevidence.evidence import Evidence
from acuevidence.evidence.carried import direction_of, evidence_of, outcomes_of
from acuevidence.questions.responders import responders
from acuevidence.report.reading import Reading, reading
from acuevidence.report.table_forms import Table, interval
from acuevidence.synthesis import MetaAnalysis
from acuevidence.topic import Topic, topic_of

__all__ = ["summary_of_findings", "to_row"]

_NONE = "–"
_ASSUMED = (
    "With the comparator: median of the final means of such arms in the condition's trials, 0 no "
    "complaint to 100 worst. Points of 0-100: SMD times the typical SD of the outcome. More responders per 100: of the trials that "
    "count responders, the pooled risk ratio at the median risk with the comparator; under a ratio, that ratio itself. "
    "*: no trial counts them; from the SMD by the logistic conversion, with 50 in 100 assumed to respond with the comparator. "
    "Other method: of three to nine trials, the Bayesian model beside the random-effects interval or the reverse; where their states "
    "differ the weaker counts. –: cannot be told from what is printed, or not pooled. Certainty after GRADE: ●●●● high, ●●●○ moderate, "
    "●●○○ low, ●○○○ very low."
)


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
        points of 0-100 or in responders per 100, the effect (``result.headline()``), what the other method gives, participants
        (trials), certainty and what may be said; each step of certainty lost is a footnote.

    Raises
    ------
    InputError
        For effects that are neither SMD nor RR nor OR.

    Notes
    -----
    Under an SMD, points are the effect times the typical SD of the outcome on a 0-100 scale. Responders per 100 beside the standard
    analysis of a condition are those that trials counted (:func:`acuevidence.questions.responders`); where none does, a response of
    50 in 100 with the comparator and a logistic distribution are assumed, log OR = SMD pi / sqrt(3) (Cochrane Handbook 15.5.3), and
    the cell is marked. Under RR and OR, the comparator's risk is the median of the trials. Two trials are not pooled. An outcome
    without a minimal important difference in the evidence says so, and is judged against no effect alone.

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
        _kind(one)
        read, marks = reading(one, evidence), []
        for reason in read.certainty.reasons:
            marks.append(str(len(notes) + 1))
            notes.append(f"{len(notes) + 1}. {reason[0].upper()}{reason[1:]}.")
        bands.setdefault(_threshold(read), []).append(_comparison(name, topic))
        rows.append(
            {
                "Comparison": _comparison(name, topic),
                "Outcome, follow-up": f"{_outcome_words(one, topic)}, {_follow_up(one)}",
                **_absolute(read, condition),
                "Effect (95% CI)": read.effect if read.headline.estimate is None else f"{read.measure} {read.effect}",
                "Other method (95% CI)": read.beside or _NONE,
                "Participants (trials)": f"{counted(one.data).text() or 'not printed'} ({one.k})",
                "Certainty": f"{read.certainty.symbols} {read.certainty.level}" + (f" [{', '.join(marks)}]" if marks else ""),
                "In plain words": read.said,
            }
        )
    return Table("Summary of findings", pd.DataFrame(rows), (_assumed(results), *_thresholds(results, bands, evidence), *notes))


def _assumed(results: Mapping[str, MetaAnalysis]) -> str:
    favoured = topic_of(results).treatment.phrase if direction_of(results) == "benefit" else ""
    return (f"Positive values favour {favoured}. " if favoured else "") + _ASSUMED


def _comparison(name: str, topic: Topic) -> str:
    words = topic.comparator(name).phrase
    return f"{topic.treatment.phrase} v {words}" if topic.compares(name) else words


def _threshold(read: Reading) -> str:
    """Return what a comparison is judged by, in SD and in points; its certainty rests on the same threshold."""
    return "no MID in the evidence." if read.threshold is None else f"{read.judged_by}."


def _thresholds(results: Mapping[str, MetaAnalysis], bands: Mapping[str, list[str]], evidence: Evidence | None) -> list[str]:
    """Return the thresholds as notes; where comparisons differ in theirs, each names its own."""
    topic = topic_of(results)
    outcomes = dict.fromkeys(topic.outcome(name) for one in results.values() if one.k and (name := reading(one, evidence).outcome))
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
    low, high = round(weeks.min()), round(weeks.max())
    return f"week {low}" if low == high else f"weeks {low} to {high}"


def _absolute(read: Reading, condition: str | None) -> dict[str, str]:
    """Return what the comparator reaches, and the difference in points of 0-100 and in responders per 100."""
    with_comparator, points, more = ("With the comparator", "Points of 0-100 (95% CI)", "More responders per 100 (95% CI)")
    if read.measure != "SMD":
        risk = float((read.result.data["events2"] / read.result.data["n2"]).astype(float).median())
        known = not np.isnan(risk)
        return {with_comparator: f"{100 * risk:.0f} of 100 respond" if known else _NONE, points: _NONE, more: _of_ratio(read, risk)}
    level = _level(read)
    return {
        with_comparator: _NONE if np.isnan(level) else f"{level:.0f} points of 0-100",
        points: read.points or _NONE,
        more: _counted(read, condition) or _converted(read),
    }


def _limits(read: Reading) -> np.ndarray | None:
    """Return estimate and limits of the headline, or None where nothing is pooled."""
    shown = (read.headline.estimate, read.headline.ci_low, read.headline.ci_high)
    return None if any(value is None for value in shown) else np.array(shown, dtype=float)


def _of_ratio(read: Reading, risk: float) -> str:
    """Return more responders per 100 under a ratio, at the comparator's risk."""
    effect = _limits(read)
    if effect is None or np.isnan(risk):
        return _NONE
    odds = risk / (1 - risk) * np.exp(effect)
    new = np.minimum(risk * np.exp(effect), 1) if read.measure == "RR" else odds / (1 + odds)
    return interval(*(100 * (new - risk)), digits=0)


def _counted(read: Reading, condition: str | None) -> str:
    """Return more responders per 100 as trials counted them, beside the standard analysis; else nothing."""
    name, evidence = condition or read.condition, read.evidence
    if evidence is None or name is None or not _standard(read, name, evidence):
        return ""
    pools = responders(name, comparator=str(read.result.data["comparator"].iloc[0]), evidence=evidence).pools
    rows = pools[pools["rd"].notna()]
    return "" if rows.empty else interval(*rows.iloc[0][["rd", "rd_low", "rd_high"]], digits=0)


def _standard(read: Reading, condition: str, evidence: Evidence) -> bool:
    """Return whether a result is the standard analysis of a condition and comparator, all its populations in one."""
    data = read.result.data
    if not {"comparator", "trial_id"} <= set(data.columns) or data["comparator"].nunique() != 1:
        return False
    own = trial_effects(condition, comparator=str(data["comparator"].iloc[0]), evidence=evidence)
    return len(own) == len(data) and dict(zip(own["trial_id"], own["yi"], strict=True)) == dict(
        zip(data["trial_id"], data["yi"], strict=True)
    )


def _converted(read: Reading) -> str:
    """Return more responders per 100 by the logistic conversion of an SMD, marked."""
    effect = _limits(read)
    return _NONE if effect is None else interval(*(100 / (1 + exp(-x * pi / sqrt(3))) - 50 for x in effect), digits=0) + "*"


def _kind(one: MetaAnalysis) -> str:
    kinds = set(one.data["effect"].dropna()) if "effect" in one.data else {"SMD"}
    if len(kinds) != 1 or not kinds <= {"SMD", "RR", "OR"}:
        raise InputError(f"a Summary of Findings takes effects as SMD, RR or OR, not {', '.join(sorted(map(str, kinds)))}")
    return str(kinds.pop())


def _level(read: Reading) -> float:
    """Return what comparator arms of such trials end with, 0 (no complaint) to 100: the median, NaN where none is printed."""
    data, evidence = read.result.data, read.evidence
    if evidence is None or not {"condition", "comparator_role"} <= set(data.columns):
        return nan
    arms = evidence.arms
    arms = arms[arms["role"].isin(data["comparator_role"])]
    rows = _scaled(read.outcome, evidence).merge(arms[["trial_id", "arm"]].drop_duplicates(), on=["trial_id", "arm"])
    rows = rows[rows["condition"].isin(data["condition"]) & (rows["week"] > 0)]
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
        ``estimate, ci_low, ci_high`` in SD as ``result.headline()`` gives them (missing where two trials are not pooled), its
        ``method`` and ``state``, ``points, points_low, points_high`` on a 0-100 scale (positive: better with the treatment; missing
        where the outcome has no such scale), ``certainty, symbols`` and ``reasons``.

    Examples
    --------
    >>> import acuevidence as ae
    >>> one = ae.pooled("neck_pain")["sham"]
    >>> ae.certainty(one).to_row(one)["comparator"].tolist()
    ['sham']
    """
    read = reading(result, evidence)
    people = counted(result.data)
    shown = read.headline
    limits = np.array([shown.estimate, shown.ci_low, shown.ci_high], dtype=float)
    points = limits * (nan if read.spread is None else read.spread.sd)
    return pd.DataFrame(
        [
            {
                "condition": read.condition if condition is None else condition,
                "comparator": _only(result.data, "comparator"),
                "trials": result.k,
                "participants": int(people.n) if people.complete else pd.NA,
                **dict(zip(("estimate", "ci_low", "ci_high"), limits, strict=True)),
                "method": shown.method,
                "state": shown.state,
                **dict(zip(("points", "points_low", "points_high"), points, strict=True)),
                "certainty": rated.level,
                "symbols": rated.symbols,
                "reasons": "; ".join(rated.reasons) or "none",
            }
        ]
    )


def _only(data: pd.DataFrame, column: str) -> str | None:
    found = data[column].dropna().unique() if column in data else []
    return str(found[0]) if len(found) == 1 else None


guard(__name__, "summary_of_findings", "to_row")
