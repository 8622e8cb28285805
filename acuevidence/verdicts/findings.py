"""Pooled effects as answers to a question: which side of the minimal important difference they fall, and what is missing.

A cell is one question (condition, comparator, outcome, window); a finding is what its trials say. Claims are built from findings.
"""

from __future__ import annotations

import functools
import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

import pandas as pd
from scipy.special import ndtri

from acuevidence.appraisal.certainty import Certainty, rate
from acuevidence.appraisal.headline import Headline, headline
from acuevidence.appraisal.in_words import in_words
from acuevidence.appraisal.states import BENEFITS, excludes
from acuevidence.appraisal.thresholds import published_threshold
from acuevidence.effects.participants import counted
from acuevidence.effects.trials import trial_effects
from acuevidence.errors import AcuevidenceError
from acuevidence.evidence import Evidence, Window, conditions
from acuevidence.evidence.carried import carry, evidence_of, excluded_of, joined, outcomes_of, unheld
from acuevidence.questions.flip import LARGEST, SMALLEST, flips_of
from acuevidence.questions.groups import matches
from acuevidence.questions.pooled import groups_of
from acuevidence.questions.safety import Safety, safety
from acuevidence.synthesis import MetaAnalysis, meta_analysis
from acuevidence.topic import Topic
from acuevidence.verdicts.answer import OPEN, Answer, Claim, Estimate, decide, lowest, mark
from acuevidence.words import count, interval

__all__ = [
    "TOO_FEW",
    "Cell",
    "Finding",
    "Pools",
    "answer_from_findings",
    "between_trials",
    "by_share",
    "effect",
    "listed",
    "pool",
]

TOO_FEW = "too few"
Result = TypeVar("Result")
_POWER = float(ndtri(0.975) + ndtri(0.8))


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One question to the evidence.

    Attributes
    ----------
    conditions : tuple of str
        Conditions whose trials are pooled together.
    comparator : str
        One of the evidence's comparators.
    outcome : str or None
        None: each condition's own outcomes in their order.
    instruments : str or None
        Regular expression that the instrument must match.
    timing : str
        Name of a window.
    where : mapping
        Column of the effects to a regular expression it must match.
    label, against, what : str
        What tells the cell from its neighbours, its comparator, and its outcome where the topic's word for it is not meant, in words.
    """

    conditions: tuple[str, ...]
    comparator: str
    outcome: str | None = None
    instruments: str | None = None
    timing: str = "end_of_treatment"
    where: Mapping[str, str] = field(default_factory=dict)
    label: str = ""
    against: str = ""
    what: str = ""

    @property
    def name(self) -> str:
        """The cell in words."""
        return " ".join(part for part in (self.label, self.against or f"v {self.comparator}") if part)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Finding:
    """What the trials of a cell say.

    Attributes
    ----------
    cell : Cell
        The question.
    result : MetaAnalysis or None
        The pooled effect; None without trials.
    headline : Headline or None
        What is printed of it.
    certainty : Certainty or None
        Of the headline.
    missing : tuple of str
        Trials of the question without a usable figure.
    decides : bool
        Whether it may decide a claim: it is not of very low certainty, nor a single small trial.
    """

    cell: Cell
    result: MetaAnalysis | None
    headline: Headline | None
    certainty: Certainty | None
    missing: tuple[str, ...]
    decides: bool

    @property
    def k(self) -> int:
        """Trials pooled."""
        return 0 if self.result is None else self.result.k

    @property
    def state(self) -> str:
        """Where its interval lies; ``too few`` without trials."""
        return TOO_FEW if self.headline is None else self.headline.state

    def mark(self, aim: str) -> str:
        """Return what it says to a claim that aims at an important benefit or at any."""
        return mark(self.state, aim) if self.decides else OPEN

    @property
    def shown(self) -> Estimate:
        """The number of the finding."""
        if self.headline is None or self.certainty is None or self.result is None:
            return Estimate(self.cell.name, note="no trial with a usable figure")
        return effect(self.cell.name, self.result, self.headline, f"; {self.state}; certainty {self.certainty.level}")

    def said(self, topic: Topic, outcome: str | None = None) -> str:
        """Return what may be said of it in a sentence."""
        against = f"{self.cell.label}, against" if self.cell.label else "against"
        start = f"{against} {topic.comparator(self.cell.comparator).phrase}"
        start = start[:1].upper() + start[1:]
        if self.headline is None or self.certainty is None or self.result is None:
            return f"{start}, no trial has a usable figure."
        name = outcome or self.cell.outcome or _leading(self, topic)
        about = topic.outcomes.get(name, {})
        clause = in_words(
            self.state,
            self.certainty.level,
            treatment=topic.treatment.phrase,
            outcome=self.cell.what or topic.outcome(name),
            low=self.headline.state_low,
            high=self.headline.state_high,
            verb=str(about.get("better", "improves")),
        )
        if self.k <= 2:
            trials = "one trial" if self.k == 1 else "two trials, not pooled"
            return f"{start} ({trials}), {clause}."
        return f"{start}, {clause}."

    def flip(self) -> str:
        """Return which new trial would move it to another state, by what the trial finds; empty without trials."""
        if self.headline is None or self.result is None:
            return ""
        trials = _flips(self.result, self.headline)
        said = []
        for to, rows in trials.dropna().groupby("to", sort=False):
            each = [
                f"{'at most ' if row.participants == SMALLEST else ''}{row.participants:,.0f} participants that finds {row.effect:g}"
                for row in rows.itertuples()
            ]
            said.append(f"moved to {to} by a new trial of {', of '.join(each)}")
        still = [f"{row.effect:g}" for row in trials[trials["participants"].isna()].itertuples()]
        said += [f"by no trial of up to {LARGEST:,} that finds {', '.join(still)}"] if still else []
        return f"{self.cell.name}, now {self.headline.state}: {'; '.join(said)}"

    def needed(self) -> str:
        """Return what would let the finding decide, or an empty string when it does."""
        unprinted = f"; no usable figure on the pages read: {listed(self.missing)}" if self.missing else ""
        if self.result is None or self.headline is None:
            return f"{self.cell.name}: trials with a usable figure{unprinted}"
        if not self.decides:
            return f"{self.cell.name}: more or larger trials, or trials at lower risk of bias (now {count(self.k, 'trial')}){unprinted}"
        if self.state in (*BENEFITS, "no important effect", "harm"):
            return ""
        threshold = self.headline.threshold
        size = ""
        if threshold is not None:
            needed = math.ceil(4 * (_POWER / threshold) ** 2)
            size = f"; telling {threshold:.2f} SD from no effect takes {needed} participants where trials agree"
        return f"{self.cell.name}: more or larger trials (now {counted(self.result.data).text()} participants{size}){unprinted}"


@functools.lru_cache(maxsize=512)
def _flips(result: MetaAnalysis, shown: Headline) -> pd.DataFrame:
    """Return the trials that would move a pooled effect, asked once; results compare by identity."""
    return flips_of(result, shown)


def _leading(finding: Finding, topic: Topic) -> str:
    """Return the outcome that a pool is spoken of: the first of its condition's order; over conditions the main one."""
    pooled = set(outcomes_of(finding.result))
    evidence = evidence_of(finding.result)
    if len(finding.cell.conditions) > 1 or evidence is None:
        return topic.main_outcome
    return next((name for name in evidence.rules.outcomes(finding.cell.conditions[0]) if name in pooled), topic.main_outcome)


class Pools:
    """The effects and pooled results of one evidence, each computed once.

    Parameters
    ----------
    evidence : Evidence
        The tables.
    windows : mapping
        Further timing windows by name.
    """

    def __init__(self, evidence: Evidence, windows: Mapping[str, Window] | None = None):
        rules = replace(evidence.rules, timings={**evidence.rules.timings, **(windows or {})})
        self.evidence = evidence.changed(rules=rules)
        self._effects: dict[tuple[Any, ...], pd.DataFrame] = {}
        self._joined: dict[tuple[Any, ...], tuple[pd.DataFrame, pd.DataFrame]] = {}
        self._narrowed: dict[tuple[str | None, str], Evidence] = {}
        self._findings: dict[tuple[Any, ...], Finding] = {}
        self._analyses: dict[tuple[str, str], tuple[Any, str]] = {}
        self._safety: Safety | None = None
        self._trials = evidence.trials.set_index("trial_id")

    def threshold(self, condition: str | None = None, comparator: str | None = None) -> float | None:
        """Return the smallest important difference of the main outcome as an SMD, or None."""
        found = published_threshold(self.evidence, self.evidence.topic.main_outcome, "SMD", condition, comparator)
        return None if found is None else found.low

    def cell(self, *, comparator: str, **question: Any) -> Cell:
        """Return a question to the evidence, its comparator in words."""
        return Cell(comparator=comparator, against=f"v {self.evidence.topic.comparator(comparator).phrase}", **question)

    def apart(self, condition: str, comparators: Iterable[str]) -> list[Cell]:
        """Return a question for every comparator of a condition, and for every population where these are not pooled."""
        wanted, label = tuple(comparators), self.evidence.topic.label(condition)
        groups = groups_of(condition, self.evidence).values()
        return [
            self.cell(
                conditions=(condition,),
                comparator=comparator,
                where={} if population is None else {"population": f"^{re.escape(population)}$"},
                label=label if population is None else f"{label}, {population}",
            )
            for comparator, population in sorted(groups, key=lambda group: wanted.index(group[0]) if group[0] in wanted else -1)
            if comparator in wanted
        ]

    def analysis(self, make: Callable[..., Result], **options: Any) -> tuple[Result | None, str]:
        """Return an analysis of the evidence, made once, and an empty text; or None and the words of its refusal."""
        key = (make.__name__, repr(options))
        if key not in self._analyses:
            try:
                self._analyses[key] = make(evidence=self.evidence, **options), ""
            except AcuevidenceError as error:
                self._analyses[key] = None, str(error)
        found: tuple[Result | None, str] = self._analyses[key]
        return found

    def conditions(self, wanted: Iterable[str] = ()) -> tuple[str, ...]:
        """Return the wanted conditions, all by default."""
        return tuple(wanted) or tuple(conditions(self.evidence))

    def effects(self, cell: Cell, *, measure: str = "SMD") -> pd.DataFrame:
        """Return the rows of :func:`acuevidence.trial_effects` that belong to a cell."""
        key = (cell.conditions, cell.outcome, cell.instruments, cell.timing, measure)
        if key not in self._joined:
            whole = joined(self._of(condition, cell, measure) for condition in cell.conditions)
            self._joined[key] = whole, pd.DataFrame(excluded_of(whole))
        return self._rows(*self._joined[key], cell)

    def _of(self, condition: str, cell: Cell, measure: str) -> pd.DataFrame:
        """Return the effects of one condition, computed once."""
        key = (condition, cell.outcome, cell.instruments, cell.timing, measure)
        if key not in self._effects:
            evidence = self.evidence if cell.instruments is None else self._only(cell.outcome, cell.instruments)
            known = cell.outcome is None or cell.outcome in _printed(evidence)
            self._effects[key] = trial_effects(
                condition if known else [],
                outcome=cell.outcome if known else None,
                timing=cell.timing,
                measure=measure,
                evidence=evidence,
            )
        return self._effects[key]

    def finding(self, cell: Cell, *, participants: float = 400) -> Finding:
        """Return the pooled effect of a cell with its headline and certainty; a single trial decides from ``participants`` on."""
        key = (repr(cell), participants)
        if key not in self._findings:
            self._findings[key] = self._find(cell, participants)
        return self._findings[key]

    def _find(self, cell: Cell, participants: float) -> Finding:
        rows = self.effects(cell)
        result = pool(rows)
        left = unheld(rows)
        missing = () if left is None else tuple(dict.fromkeys(left["study"]))
        if result is None:
            return Finding(cell=cell, result=None, headline=None, certainty=None, missing=missing, decides=False)
        shown = headline(result, evidence=self.evidence)
        rated = rate(result, shown, evidence=self.evidence)
        size = rows[["n1", "n2"]].astype(float).sum().sum()
        # A single trial is of one condition: it does not answer for several.
        decides = rated.steps > 1 and (result.k > 1 or (size >= participants and len(cell.conditions) == 1))
        return Finding(cell=cell, result=result, headline=shown, certainty=rated, missing=missing, decides=decides)

    def safety(self) -> Safety:
        """Return the rates of adverse events, computed once."""
        if self._safety is None:
            self._safety = safety(evidence=self.evidence)
        return self._safety

    def _only(self, outcome: str | None, pattern: str) -> Evidence:
        """Return the evidence with only the instruments of an outcome that match a pattern, made once."""
        if (outcome, pattern) not in self._narrowed:
            self._narrowed[outcome, pattern] = self._narrow(outcome, pattern)
        return self._narrowed[outcome, pattern]

    def _narrow(self, outcome: str | None, pattern: str) -> Evidence:

        def keep(table: pd.DataFrame) -> pd.DataFrame:
            return table[(table["outcome"] != outcome) | matches(table["measure"], pattern)]

        return self.evidence.changed(results=keep(self.evidence.results), contrasts=keep(self.evidence.contrasts))

    def _rows(self, effects: pd.DataFrame, left: pd.DataFrame, cell: Cell) -> pd.DataFrame:
        rows = effects[effects["comparator"] == cell.comparator]
        left = left[left["comparator"] == cell.comparator]
        for column, pattern in cell.where.items():
            rows = rows[matches(rows[column], pattern)]
            if column in self._trials:
                left = left[matches(left["trial_id"].map(self._trials[column]), pattern)]
        return carry(rows.copy(), excluded=left)


@functools.lru_cache(maxsize=64)
def _printed(evidence: Evidence) -> frozenset[str]:
    """Return the outcomes that figures are printed of."""
    return frozenset({*evidence.results["outcome"], *evidence.contrasts["outcome"]})


def pool(rows: pd.DataFrame) -> MetaAnalysis | None:
    """Return the pooled effect of rows as every claim takes it (REML, HKSJ never narrower than Wald), or None without rows."""
    if rows.empty:
        return None
    found: MetaAnalysis = meta_analysis("yi", "vi", data=rows, labels="study", test="HKSJ-adhoc")
    return found


def effect(label: str, result: MetaAnalysis, shown: Headline, after: str = "") -> Estimate:
    """Return what is printed of a pooled effect as an estimate: trials, interval, what a new trial may find, and what else is said."""
    trials = count(result.k, "trial")
    if shown.estimate is None or shown.ci_low is None or shown.ci_high is None:
        each = "; ".join(f"{row.label} {interval(row.yi, row.ci_low, row.ci_high)}" for row in shown.trials.itertuples())
        how = f"{shown.method.split(', ')[-1]}: {each}" if each else shown.method
        return Estimate(label, note=f"{trials}, {how}{after}")
    prediction = ""
    if shown.pi_low is not None and shown.pi_high is not None:
        prediction = f", prediction {shown.pi_low:.2f} to {shown.pi_high:.2f}, I2 {result.i2:.0f}%"
    how = f", {shown.method}" if shown.method.startswith("Bayes") else ""
    wider = (shown.state_low, shown.state_high)
    if None not in wider and wider != (shown.ci_low, shown.ci_high):
        how += f" (the state is that of the interval {wider[0]:.2f} to {wider[1]:.2f})"
    note = f"{trials}, SMD {{estimate}} ({{interval}}){prediction}{how}{after}"
    return Estimate(label, shown.estimate, shown.ci_low, shown.ci_high, note=note)


def listed(names: tuple[str, ...], most: int = 6) -> str:
    """Return names in a line, the first few where there are many."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def answer_from_findings(claim: Claim, pools: Pools, findings: Sequence[Finding], verdict: str) -> Answer:
    """Return the answer that rests on pooled effects: their lines, the certainty of those that decide, what the others need."""
    deciding = [f for f in findings if f.decides] or [f for f in findings if f.k]
    states = dict.fromkeys(f.state for f in findings)
    reasons = [f"{name}: {', '.join(f.cell.name for f in findings if f.state == name)}" for name in states]
    for one in findings:
        if one.certainty is not None and one.certainty.reasons:
            reasons.append(f"{one.cell.name}, certainty {one.certainty.level}: {'; '.join(one.certainty.reasons)}")
        if one.headline is not None:
            reasons += [f"{one.cell.name}: {note}" for note in one.headline.notes]
            if one.headline.ci_high is not None and excludes(one.headline.ci_high):
                reasons.append(f"{one.cell.name}: an effect of 0.5 SD or more is excluded")
    return Answer(
        verdict=verdict,
        certainty=lowest(f.certainty.level for f in deciding if f.certainty),
        estimates=tuple(f.shown for f in findings),
        reasons=tuple(reasons),
        needed=tuple(words for f in findings if (words := f.needed())),
        said=tuple(f.said(pools.evidence.topic) for f in findings),
        findings=tuple(findings),
    )


def between_trials(k: int, claim: Claim) -> tuple[str, str]:
    """Return the certainty of a comparison between trials, which nobody randomised, and its reason."""
    few = k < claim.thresholds["trials_moderator"]
    said = "trials differ in more than this; a comparison between them is observational"
    return ("very low" if few else "low"), said + (f"; {k} trials" if few else "")


def by_share(claim: Claim, shown: Sequence[str], of: int, estimates: Sequence[Estimate], what: str) -> Answer:
    """Return the verdict of a statement about the evidence, by the share of syntheses that show it."""
    if of == 0:
        needed = ("three or more trials with a usable figure in one synthesis",)
        return Answer(
            verdict="cannot tell", certainty=None, estimates=(), reasons=("no synthesis has three trials",), needed=needed
        )
    verdict = decide(
        (len(shown) >= claim.thresholds["half"] * of, "supported"),
        (shown, "partly supported"),
        (True, "not supported"),
    )
    reasons = (f"{len(shown)} of {of} syntheses are {what}" + (f": {', '.join(shown)}" if shown else ""),)
    return Answer(verdict=verdict, certainty=None, estimates=tuple(estimates), reasons=reasons)
