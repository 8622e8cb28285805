"""A pooled effect as it is printed everywhere: headline, threshold and certainty found once, and the texts made of them.

Pages, tables, sentences and commands print these, and never the attributes of a result, so that one analysis has one number.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pandas as pd

from acuevidence import words
from acuevidence.appraisal.certainty import Certainty, certainty
from acuevidence.appraisal.headline import Headline, headline
from acuevidence.appraisal.in_words import in_words, method_words
from acuevidence.appraisal.states import excludes
from acuevidence.appraisal.thresholds import Mid, mid_of, published_threshold
from acuevidence.appraisal.typical_sd import TypicalSD, typical_sd_of
from acuevidence.effects.natural import measure_of, natural_scale
from acuevidence.effects.participants import counted
from acuevidence.evidence import Evidence
from acuevidence.evidence.carried import direction_of, evidence_of, outcomes_of
from acuevidence.report.table_forms import interval
from acuevidence.synthesis import MetaAnalysis
from acuevidence.topic import Topic, topic_of

__all__ = ["NOT_ESTIMABLE", "Reading", "reading"]

NOT_ESTIMABLE = "not estimable"
_BESIDE = range(3, 10)  # trials for which two methods are printed
_HALF = 0.5  # SD; an effect of that size is excluded or not, whatever threshold is known


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Reading:
    """A pooled effect and what is printed of it.

    Attributes
    ----------
    result : MetaAnalysis
        The pooled effect.
    headline : Headline
        Its numbers, with the state.
    certainty : Certainty
        Of the headline.
    threshold : Mid or None
        The smallest important difference of its condition, outcome and comparator.
    evidence : Evidence or None
        Where thresholds and judgements are from.
    """

    result: MetaAnalysis
    headline: Headline
    certainty: Certainty
    threshold: Mid | None
    evidence: Evidence | None

    @property
    def topic(self) -> Topic:
        """The words of the review."""
        return topic_of(self.result) if self.evidence is None else self.evidence.topic

    @property
    def measure(self) -> str:
        """Code of the effect measure; an effect that names none is taken as an SMD."""
        return measure_of(self.result.data) or "SMD"

    @property
    def unit(self) -> str:
        """The unit of the effect: SD for an SMD, else the name of the measure."""
        return "SD" if self.measure == "SMD" else self.measure

    @property
    def outcome(self) -> str:
        """The outcome that is spoken of: the first in the condition's order of those pooled; empty where the data name none."""
        pooled = outcomes_of(self.result)
        condition = self.condition
        order = [] if self.evidence is None or condition is None else [*self.evidence.rules.outcomes(condition)]
        return next((name for name in [*order, *self.topic.outcomes] if name in pooled), (pooled or [""])[0])

    @property
    def condition(self) -> str | None:
        """The condition, where it is one that the evidence knows."""
        data = self.result.data
        found = data["condition"].dropna().unique() if "condition" in data else []
        known = len(found) == 1 and (self.evidence is None or found[0] in self.evidence.topic.conditions)
        return str(found[0]) if known else None

    @property
    def trials(self) -> str:
        """Trials and participants in words."""
        people = counted(self.result.data).text()
        return words.count(self.result.k, "trial") + (f", {people} participants" if people else "")

    @property
    def effect(self) -> str:
        """Estimate and interval; of two trials both, since nothing is pooled."""
        shown = self.headline
        if shown.estimate is not None and shown.ci_low is not None and shown.ci_high is not None:
            return self._interval(shown.estimate, shown.ci_low, shown.ci_high)
        each = [f"{row.label} {self._interval(row.yi, row.ci_low, row.ci_high)}" for row in shown.trials.itertuples()]
        return "not pooled: " + ("; ".join(each) or shown.method)

    @property
    def beside(self) -> str:
        """What the other method gives, of three to nine trials: the Bayesian model or the interval of the result; else empty."""
        if self.result.k not in _BESIDE:
            return ""
        own = f"{self.result.method}, {self.result.test}"
        rows = self.headline.beside
        wanted = [name for name in rows.index if str(name).startswith("Bayes") or name == own]
        limits = ["estimate", "ci_low", "ci_high"]
        return "; ".join(f"{method_words(name)}: {self._interval(*rows.loc[name, limits])}" for name in wanted)

    @property
    def prediction(self) -> str:
        """The prediction interval, or that there is none."""
        low, high = self.headline.pi_low, self.headline.pi_high
        if low is None or high is None:
            return NOT_ESTIMABLE
        back = self._back
        return f"{back(low):.2f} to {back(high):.2f}"

    @property
    def spread(self) -> TypicalSD | None:
        """The typical SD that turns an SMD into points of 0-100; None where the outcome has no such scale."""
        name, evidence = self.outcome, self.evidence
        about = self.topic.outcomes.get(name, {})
        if evidence is None or self.measure != "SMD" or "scale" not in about:
            return None
        own = about.get("spread_of", name)
        found = typical_sd_of(evidence, self.condition, None if own == evidence.topic.main_outcome else str(own))
        return found if math.isfinite(found.sd) else None

    @property
    def points(self) -> str:
        """The effect in points of 0-100, or nothing where there is none."""
        shown, spread = self.headline, self.spread
        if spread is None or shown.estimate is None or shown.ci_low is None or shown.ci_high is None:
            return ""
        return interval(*(spread.sd * x for x in (shown.estimate, shown.ci_low, shown.ci_high)), digits=0)

    @property
    def important(self) -> str:
        """The smallest important difference, in points too where the outcome has a scale; or that none is known."""
        least = self.headline.threshold
        if least is None:
            return "none is known"
        return f"{least:.2f} {self.unit}" + ("" if self.spread is None else f", {least * self.spread.sd:.0f} points of 0-100")

    @property
    def judged_by(self) -> str:
        """The threshold with who published it, in points too where it is known in points; or that there is none."""
        band = self.threshold
        if band is None or self.evidence is None:
            return "none is known"
        comparator = _only(self.result.data, "comparator")
        points = published_threshold(self.evidence, self.outcome, "MD", self.condition, comparator)
        more = "" if points is None or self.measure != "SMD" else f", {points.low:.3g} points of 0-100 ({points.source})"
        return f"{band.low:.2f} {band.unit} ({band.source}){more}"

    @property
    def said(self) -> str:
        """What may be said of it, in sentences that say no more than the certainty allows."""
        shown = self.headline
        if direction_of(self.result) != "benefit":
            where = "below" if shown.ci_high is not None and shown.ci_high < 0 else "above"
            excluded = shown.state == "difference"
            return (
                f"The interval lies {where} no effect." if excluded else "The trials do not settle whether there is a difference."
            )
        clause = in_words(
            shown.state,
            self.certainty.level,
            treatment=self.topic.treatment.phrase,
            outcome=self.topic.outcome(self.outcome) if self.outcome else "the outcome",
            low=None if shown.state_low is None else self._back(shown.state_low),
            high=None if shown.state_high is None else self._back(shown.state_high),
            verb=str(self.topic.outcomes.get(self.outcome, {}).get("better", "improves")),
            unit="SD" if self.measure == "SMD" else "",
        )
        said = f"{clause[:1].upper()}{clause[1:]}."
        if self.measure == "SMD" and shown.ci_high is not None and shown.k > 2 and excludes(shown.ci_high, _HALF):
            said += f" An effect of {_HALF} SD or more is excluded."
        return said

    @property
    def notes(self) -> list[str]:
        """What a reader must know, methods in words."""
        own = f"{self.result.method}, {self.result.test}"
        return [note.replace(own, method_words(own)) for note in self.headline.notes]

    def _interval(self, estimate: float, low: float, high: float) -> str:
        back = self._back
        return interval(back(float(estimate)), back(float(low)), back(float(high)))

    @property
    def _back(self) -> Callable[[float], float]:
        natural = natural_scale(self.measure, self.result.data)
        return float if natural is None else natural.back


def reading(result: MetaAnalysis, evidence: Evidence | None = None) -> Reading:
    """Return what is printed of a pooled effect.

    Parameters
    ----------
    result : MetaAnalysis
        A pooled effect with one trial or more, without moderators.
    evidence : Evidence, optional
        Default: the one that the result carries.

    Returns
    -------
    Reading
        Its headline, threshold and certainty with their texts; found once for each result.

    Examples
    --------
    >>> import acuevidence as ae
    >>> from acuevidence.report.reading import reading
    >>> reading(ae.pooled("pelvic_pain")["sham, women"]).effect.partition(":")[0]
    'not pooled'
    """
    return _read(result, evidence_of(result, evidence))


@functools.lru_cache(maxsize=256)
def _read(result: MetaAnalysis, evidence: Evidence | None) -> Reading:
    shown = headline(result, evidence=evidence)
    return Reading(
        result=result,
        headline=shown,
        certainty=certainty(result, evidence=evidence),
        threshold=mid_of(result, evidence),
        evidence=evidence,
    )


def _only(data: pd.DataFrame, column: str) -> Any:
    found = data[column].dropna().unique() if column in data else []
    return str(found[0]) if len(found) == 1 else None
