"""Pooled effects as answers to a question: which side of the minimal important difference they fall, and what is missing.

A cell is one question (condition, comparator, outcome, window); a finding is what its trials say. Claims are built from findings.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

import pandas as pd
from scipy.special import ndtri

from acuevidence.appraisal.certainty import Certainty, certainty
from acuevidence.appraisal.missing import MissingEvidence, missing_evidence
from acuevidence.appraisal.thresholds import Mid, mid
from acuevidence.effects.participants import counted
from acuevidence.effects.trials import trial_effects
from acuevidence.errors import AcuevidenceError
from acuevidence.evidence import Evidence, Window, conditions
from acuevidence.evidence.carried import carry, excluded_of, joined
from acuevidence.questions.groups import matches
from acuevidence.questions.safety import Safety, safety
from acuevidence.synthesis import MetaAnalysis, meta_analysis
from acuevidence.verdicts.answer import Answer, Claim, Estimate, decide, lowest
from acuevidence.words import count

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
    "state",
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
    label, against : str
        What tells the cell from its neighbours, and its comparator, in words.
    """

    conditions: tuple[str, ...]
    comparator: str
    outcome: str | None = None
    instruments: str | None = None
    timing: str = "end_of_treatment"
    where: Mapping[str, str] = field(default_factory=dict)
    label: str = ""
    against: str = ""

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
    state : str
        ``meaningful``, ``small``, ``none``, ``harm``, ``unsure`` or ``too few``; ``data/claims.yaml`` defines them.
    certainty : Certainty or None
        Of the pooled effect.
    missing : tuple of str
        Trials of the question without a usable figure.
    """

    cell: Cell
    result: MetaAnalysis | None
    state: str
    certainty: Certainty | None
    missing: tuple[str, ...]

    @property
    def k(self) -> int:
        """Trials pooled."""
        return 0 if self.result is None else self.result.k

    @property
    def shown(self) -> Estimate:
        """The number of the finding."""
        if self.result is None or self.certainty is None:
            return Estimate(self.cell.name, note="no trial with a usable figure")
        return effect(self.cell.name, self.result, f"; {self.state}; certainty {self.certainty.level}")

    def needed(self, mid_low: float, trials: int) -> str:
        """Return what would let the finding decide, or an empty string when it does."""
        unprinted = f"; figures not printed in usable form: {listed(self.missing)}" if self.missing else ""
        if self.state == TOO_FEW:
            return f"{self.cell.name}: {trials} or more trials with a usable figure, or a large one (now {self.k}){unprinted}"
        if self.state == "unsure" and self.result is not None:
            size = math.ceil(4 * (_POWER / mid_low) ** 2)
            return (
                f"{self.cell.name}: more or larger trials; telling {mid_low:g} SD from no effect takes {size} participants where "
                f"trials agree (now {counted(self.result.data).text()}, I2 {self.result.i2:.0f}%){unprinted}"
            )
        return ""


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
        self.evidence = replace(evidence, rules=rules)
        self._effects: dict[tuple[Any, ...], pd.DataFrame] = {}
        self._findings: dict[tuple[Any, ...], Finding] = {}
        self._analyses: dict[tuple[str, str], tuple[Any, str]] = {}
        self._safety: Safety | None = None
        self._mid: Mid | None = None
        self._missing: dict[tuple[Any, ...], MissingEvidence] = {}
        self._trials = evidence.trials.set_index("trial_id")

    @property
    def mid(self) -> Mid:
        """The minimal important difference of the main outcome, as an SMD."""
        if self._mid is None:
            self._mid = mid(evidence=self.evidence)
        return self._mid

    def cell(self, *, comparator: str, **question: Any) -> Cell:
        """Return a question to the evidence, its comparator in words."""
        return Cell(comparator=comparator, against=f"v {self.evidence.topic.comparator(comparator).phrase}", **question)

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
        parts = [self._of(condition, cell, measure) for condition in cell.conditions]
        left = pd.concat([pd.DataFrame(excluded_of(part)) for part in parts], ignore_index=True)
        return self._rows(joined(parts), left, cell)

    def _of(self, condition: str, cell: Cell, measure: str) -> pd.DataFrame:
        """Return the effects of one condition, computed once."""
        key = (condition, cell.outcome, cell.instruments, cell.timing, measure)
        if key not in self._effects:
            evidence = self.evidence if cell.instruments is None else self._only(cell.outcome, cell.instruments)
            printed = {*evidence.results["outcome"], *evidence.contrasts["outcome"]}
            known = cell.outcome is None or cell.outcome in printed
            self._effects[key] = trial_effects(
                condition if known else [], outcome=cell.outcome if known else None, timing=cell.timing, measure=measure,
                evidence=evidence,
            )  # fmt: skip
        return self._effects[key]

    def finding(self, cell: Cell, *, trials: int = 2, participants: float = math.inf) -> Finding:
        """Return the pooled effect of a cell with its state.

        Fewer than ``trials`` trials are too few, unless one of ``participants`` participants or more is among them.
        """
        key = (repr(cell), trials, participants)
        if key not in self._findings:
            self._findings[key] = self._find(cell, trials, participants)
        return self._findings[key]

    def _find(self, cell: Cell, trials: int, participants: float) -> Finding:
        rows = self.effects(cell)
        result = pool(rows)
        left = pd.DataFrame(excluded_of(rows))
        missing = tuple(dict.fromkeys(left.loc[left["arm"].isna(), "study"]))
        if result is None:
            return Finding(cell=cell, result=None, state=TOO_FEW, certainty=None, missing=missing)
        rated = certainty(result, comparator=cell.comparator, evidence=self.evidence)
        largest = rows[["n1", "n2"]].astype(float).sum(axis=1).max()
        where = (
            state(result.estimate, result.ci_low, result.ci_high, self.mid.low)
            if result.k >= trials or largest >= participants
            else TOO_FEW
        )
        return Finding(cell=cell, result=result, state=where, certainty=rated, missing=missing)

    def safety(self) -> Safety:
        """Return the rates of adverse events, computed once."""
        if self._safety is None:
            self._safety = safety(evidence=self.evidence)
        return self._safety

    def missing(self, result: MetaAnalysis) -> MissingEvidence:
        """Return what the trials without usable figures could do to a pooled effect, computed once."""
        key = tuple(result.data[["trial_id", "comparator", "outcome", "timing"]].itertuples(index=False, name=None))
        if key not in self._missing:
            self._missing[key] = missing_evidence(result, evidence=self.evidence)
        return self._missing[key]

    def _only(self, outcome: str | None, pattern: str) -> Evidence:
        """Return the evidence with only the instruments of an outcome that match a pattern."""

        def keep(table: pd.DataFrame) -> pd.DataFrame:
            return table[(table["outcome"] != outcome) | matches(table["measure"], pattern)]

        return replace(self.evidence, results=keep(self.evidence.results), contrasts=keep(self.evidence.contrasts))

    def _rows(self, effects: pd.DataFrame, left: pd.DataFrame, cell: Cell) -> pd.DataFrame:
        rows = effects[effects["comparator"] == cell.comparator]
        left = left[left["comparator"] == cell.comparator]
        for column, pattern in cell.where.items():
            rows = rows[matches(rows[column], pattern)]
            if column in self._trials:
                left = left[matches(left["trial_id"].map(self._trials[column]), pattern)]
        return carry(rows.copy(), excluded=left)


def pool(rows: pd.DataFrame) -> MetaAnalysis | None:
    """Return the pooled effect of rows as every claim takes it (REML, HKSJ never narrower than Wald), or None without rows."""
    if rows.empty:
        return None
    found: MetaAnalysis = meta_analysis("yi", "vi", data=rows, labels="study", test="HKSJ-adhoc")
    return found


def state(estimate: float, ci_low: float, ci_high: float, mid_low: float) -> str:
    """Return where an effect with its interval lies: ``meaningful``, ``small``, ``none``, ``harm`` or ``unsure``."""
    return decide(
        (ci_low > 0 and estimate >= mid_low, "meaningful"),
        (ci_low > 0, "small"),
        (ci_high < 0, "harm"),
        (ci_high < mid_low, "none"),
        (True, "unsure"),
    )


def effect(label: str, result: MetaAnalysis, after: str = "") -> Estimate:
    """Return a pooled effect as an estimate: trials, interval, what a new trial may find, and what else is said of it."""
    prediction = ""
    if result.k > 2 and result.pi_low is not None and result.pi_high is not None:
        prediction = f", prediction {result.pi_low:.2f} to {result.pi_high:.2f}, I2 {result.i2:.0f}%"
    note = f"{count(result.k, 'trial')}, SMD {{estimate}} ({{interval}}){prediction}{after}"
    return Estimate(label, result.estimate, result.ci_low, result.ci_high, note=note)


def listed(names: tuple[str, ...], most: int = 6) -> str:
    """Return names in a line, the first few where there are many."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def answer_from_findings(claim: Claim, pools: Pools, findings: Sequence[Finding], verdict: str) -> Answer:
    """Return the answer that rests on pooled effects: their lines, the certainty of those that decide, what the others need."""
    deciding = [f for f in findings if f.state not in ("unsure", TOO_FEW)] or [f for f in findings if f.k]
    trials = int(claim.thresholds["trials"])
    states = dict.fromkeys(f.state for f in findings)
    reasons = [f"{name}: {', '.join(f.cell.name for f in findings if f.state == name)}" for name in states]
    for one in deciding:
        if one.certainty is not None and one.certainty.reasons:
            reasons.append(f"{one.cell.name}, certainty {one.certainty.level}: {'; '.join(one.certainty.reasons)}")
        reasons += [f"{one.cell.name}, {line}" for line in _unprinted(one, pools)]
    needed = [words for f in findings if (words := f.needed(pools.mid.low, trials))]
    return Answer(
        verdict=verdict, certainty=lowest(f.certainty.level for f in deciding if f.certainty),
        estimates=tuple(f.shown for f in findings), reasons=tuple(reasons), needed=tuple(needed),
    )  # fmt: skip


def _unprinted(finding: Finding, pools: Pools) -> list[str]:
    """Return, in a line, what the trials without usable figures would have to show to change the sign of a finding."""
    if finding.result is None or finding.state == "unsure" or not finding.missing:
        return []
    unprinted = pools.missing(finding.result)
    if not unprinted.k_missing:
        return []
    null = unprinted.scenarios.loc["null"]
    where = state(null["estimate"], null["ci_low"], null["ci_high"], pools.mid.low)
    return [
        f"{unprinted.k_missing} unprinted trials: {where} if they all found no difference. {unprinted.summary().splitlines()[-1]}"
    ]


def between_trials(k: int, claim: Claim) -> tuple[str, str]:
    """Return the certainty of a comparison between trials, which nobody randomised, and its reason."""
    few = k < claim.thresholds["trials_moderator"]
    said = "trials differ in more than this; a comparison between them is observational"
    return ("very low" if few else "low"), said + (f"; {k} trials" if few else "")


def by_share(
    claim: Claim, shown: Sequence[str], of: int, estimates: Sequence[Estimate], what: str, level: str
) -> Answer:
    """Return the verdict by the share of syntheses that show something."""
    if of == 0:
        needed = ("three or more trials with a usable figure in one synthesis",)
        return Answer(
            verdict="insufficient data",
            certainty="not rated",
            estimates=(),
            reasons=("no synthesis has three trials",),
            needed=needed,
        )
    verdict = decide(
        (len(shown) >= claim.thresholds["half"] * of, "supported"),
        (shown, "partly supported"),
        (True, "not supported"),
    )
    reasons = (f"{len(shown)} of {of} syntheses are {what}" + (f": {', '.join(shown)}" if shown else ""),)
    return Answer(verdict=verdict, certainty=level, estimates=tuple(estimates), reasons=reasons)
