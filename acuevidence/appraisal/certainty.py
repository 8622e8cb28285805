"""How sure a pooled effect is: the domains of GRADE, rated by written rules with a reason each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from numbers import Real
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from acuevidence.appraisal.thresholds import appraisal_rules, has_mid, mid
from acuevidence.arguments import guard
from acuevidence.effects.participants import counted
from acuevidence.errors import InputError
from acuevidence.evidence import Evidence
from acuevidence.evidence.carried import evidence_of, excluded_of
from acuevidence.evidence.ratings import quality_scores
from acuevidence.inputs import brief, choice
from acuevidence.later import Later
from acuevidence.shown import Shown
from acuevidence.synthesis import MetaAnalysis

if TYPE_CHECKING:
    from acuevidence.report.summary_of_findings import to_row as _to_row
else:
    _to_row = Later("acuevidence.report.summary_of_findings", "to_row")

__all__ = ["Certainty", "certainty"]

_LEVELS = {4: "high", 3: "moderate", 2: "low", 1: "very low"}
_DOMAINS = ("risk_of_bias", "inconsistency", "indirectness", "imprecision", "missing_evidence")


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class Certainty(Shown):
    """The certainty of a pooled effect.

    Attributes
    ----------
    level : str
        ``high``, ``moderate``, ``low`` or ``very low``.
    steps : int
        4 for high to 1 for very low.
    domains : DataFrame
        One row a domain: ``domain, downgrade`` (steps lost) and ``reason``.
    """

    level: str
    steps: int
    domains: pd.DataFrame

    to_row = _to_row

    @property
    def symbols(self) -> str:
        """The level as four circles."""
        return "●" * self.steps + "○" * (4 - self.steps)

    @property
    def reasons(self) -> list[str]:
        """The reasons of the domains that cost a step."""
        return list(self.domains.loc[self.domains["downgrade"] > 0, "reason"])

    def to_frame(self) -> pd.DataFrame:
        """Return the domains with their downgrade and reason."""
        return self.domains.copy()

    def _sentences(self) -> list[str]:
        lines = [
            f"{row.domain.replace('_', ' ')}: -{row.downgrade} ({row.reason})" for row in self.domains.itertuples()
        ]
        return [f"Certainty: {self.level} {self.symbols}", *lines]

    def _page_table(self) -> pd.DataFrame:
        return self.domains


def certainty(
    result: MetaAnalysis,
    *,
    outcome: str | None = None,
    comparator: str | None = None,
    indirectness: int = 0,
    override: Mapping[str, tuple[int, str]] | None = None,
    rules: Mapping[str, Any] | None = None,
    evidence: Evidence | None = None,
) -> Certainty:
    """Rate the certainty of a pooled effect by the domains of GRADE.

    Parameters
    ----------
    result : MetaAnalysis
        A pooled effect on the SMD scale, positive in favour of the treatment, from the rows of ``trial_effects``.
    outcome : str, optional
        Outcome whose minimal important difference judges imprecision. Default: those of the result's data, the main one where
        it names none; of several the smallest difference counts. An outcome that the evidence does not know is refused.
    comparator : str, optional
        Default: the one in the result's data.
    indirectness : {0, 1, 2}
        Steps lost for indirectness, which only the reader's question can tell.
    override : mapping, optional
        Domain to (steps lost, reason), in place of the rule.
    rules : mapping, optional
        Rules in place of some of the section ``certainty`` of the evidence's ``appraisal.yaml``, for example
        ``{"imprecision": {"participants": 800}}``; the rest stays.
    evidence : Evidence, optional
        Where the ratings of the trials, the thresholds and the rules are. Default: the one that the result carries; where it
        carries none, neutral rules hold, and what needs the trials' ratings is not rated.

    Returns
    -------
    Certainty
        Level, steps and the domains with their reasons.

    Raises
    ------
    InputError
        For a result without trials or with moderators, an unknown domain or rule, or an impossible step.

    Notes
    -----
    The rules put numbers on judgements (Schünemann et al, GRADE Handbook, 2013); they make a rating repeatable, not
    beyond dispute, which is why every one can be overridden. An outcome without a published minimal important difference
    (days with headache, responders, quality of life) is judged against no effect alone: an interval that holds it costs one
    step, where one that holds an important effect too would cost two; the reason says so.

    Examples
    --------
    >>> import acuevidence as ae
    >>> effects = ae.trial_effects("low_back_pain", comparator="sham")
    >>> rated = ae.certainty(ae.meta_analysis("yi", "vi", data=effects))
    >>> list(rated.domains.domain)
    ['risk_of_bias', 'inconsistency', 'indirectness', 'imprecision', 'missing_evidence']
    """
    if result.k == 0:
        raise InputError("there is no certainty to rate: the result holds no trial")
    if result.X is not None:
        raise InputError("certainty is rated of a pooled effect; this result has moderators, and its first coefficient is none")
    evidence = evidence_of(result, evidence)
    rules = _rules(rules or {}, evidence)
    if indirectness not in (0, 1, 2):
        raise InputError(f"indirectness must be 0, 1 or 2 (steps lost), not {indirectness!r}")
    data = result.data
    if comparator is None and "comparator" in data:
        comparator = str(data["comparator"].iloc[0])
    rated: dict[str, tuple[int, str]] = {
        "risk_of_bias": _risk_of_bias(result, comparator, rules["risk_of_bias"], evidence),
        "inconsistency": _inconsistency(result, rules["inconsistency"]),
        "indirectness": (indirectness, "as stated by the user" if indirectness else "none stated"),
        "imprecision": _imprecision(result, _threshold(result, outcome, evidence), rules["imprecision"]),
        "missing_evidence": _missing(result, comparator, rules["missing_evidence"]),
    }
    for domain, (steps, reason) in (override or {}).items():
        if domain not in _DOMAINS or steps not in (0, 1, 2):
            raise InputError(f"override of {domain!r} by {steps!r}: domains are {', '.join(_DOMAINS)}; steps 0, 1 or 2")
        rated[domain] = (steps, reason)
    steps = max(4 - sum(lost for lost, _ in rated.values()), 1)
    domains = pd.DataFrame([(d, *rated[d]) for d in _DOMAINS], columns=["domain", "downgrade", "reason"])
    return Certainty(_LEVELS[steps], steps, domains)


def _rules(changed: Mapping[str, Any], evidence: Evidence | None) -> dict[str, dict[str, Any]]:
    """Return the rules of the evidence with those of the user in their place."""
    rules = {domain: dict(of) for domain, of in appraisal_rules(evidence)["certainty"].items()}
    for domain, of in changed.items():
        choice("rules", domain, rules)
        if not isinstance(of, Mapping):
            raise InputError(f"rules[{domain!r}] must be a dict of {', '.join(rules[domain])}, not {brief(of)}")
        for name, value in of.items():
            now = rules[domain][choice(f"rules[{domain!r}]", name, rules[domain])]
            number = isinstance(now, (int, float))
            if not isinstance(value, Real if number else type(now)) or isinstance(value, bool):
                kind = "a number" if number else f"as {now!r}"
                raise InputError(f"rules[{domain!r}][{name!r}] must be {kind}, not {brief(value)}")
            rules[domain][name] = value
    return rules


def _risk_of_bias(
    result: MetaAnalysis, comparator: str | None, rules: Mapping[str, Any], evidence: Evidence | None
) -> tuple[int, str]:
    if comparator in rules["unblinded_comparators"]:
        return 1, str(rules["unblinded"])
    tool = None if evidence is None else evidence.topic.quality.get("tool")
    if "trial_id" not in result.data or evidence is None or tool is None:
        return 0, "not rated: no ratings of these trials are given"
    score = quality_scores(evidence)
    known = result.data["trial_id"].map(score)
    good = (known >= rules["pedro"]).fillna(False).to_numpy(dtype=bool)
    share = float(np.asarray(result.weights)[good].sum()) / 100
    said = f"trials with a {tool} score of {rules['pedro']} or more carry {share:.0%} of the weight"
    return (0, said) if share >= rules["share_of_weight"] else (1, f"{said}; the rest is weak or unrated")


def _inconsistency(result: MetaAnalysis, rules: Mapping[str, Any]) -> tuple[int, str]:
    if result.k < 2:
        return 0, "one trial"
    predicted = result.k > 2 and result.pi_low is not None and result.pi_high is not None
    crosses = predicted and result.pi_low < 0 < result.pi_high and not result.ci_low < 0 < result.ci_high  # type: ignore[operator]
    said = f"I2 {result.i2:.0f}%" + (", prediction interval on both sides of no effect" if crosses else "")
    if result.i2 >= rules["i2_very_serious"] and crosses:
        return 2, said
    return (1 if result.i2 >= rules["i2_serious"] or crosses else 0), said


def _threshold(result: MetaAnalysis, outcome: str | None, evidence: Evidence | None) -> float | None:
    """Return the smallest important SMD of the outcomes pooled, or None where one of them has none that is published."""
    if evidence is None:
        return None
    known = partial(has_mid, evidence=evidence)
    if outcome is not None:
        printed = pd.concat([evidence.results["outcome"], evidence.contrasts["outcome"]]).dropna().unique()
        wanted = [outcome if known(outcome) else choice("outcome", outcome, sorted(printed))]
    else:
        pooled = result.data["outcome"].dropna() if "outcome" in result.data else pd.Series(dtype=object)
        wanted = list(dict.fromkeys(pooled)) or [evidence.topic.main_outcome]
    if not all(map(known, wanted)):
        return None
    return min(mid(name, "SMD", evidence=evidence).low for name in wanted)


def _imprecision(result: MetaAnalysis, threshold: float | None, rules: Mapping[str, Any]) -> tuple[int, str]:
    reasons = []
    if {"n1", "n2"} <= set(result.data.columns):
        n = counted(result.data).n
        if n < rules["participants"]:
            reasons.append(f"{n:.0f} participants, fewer than {rules['participants']}")
    if result.k <= rules["few_trials"]:
        reasons.append(f"{result.k} trial{'s' if result.k > 1 else ''}")
    if result.ci_low < 0 < result.ci_high:
        important = threshold is not None and result.ci_high > threshold
        said = " and an important one" if important else ""
        if threshold is None:
            said = " (no minimal important difference is published for this outcome)"
        reasons += [f"the interval holds no effect{said}"] * (2 if important else 1)
    return min(len(reasons), 2), "; ".join(dict.fromkeys(reasons)) or "precise"


def _missing(result: MetaAnalysis, comparator: str | None, rules: Mapping[str, Any]) -> tuple[int, str]:
    left = excluded_of(result)
    if left is None:
        return 0, "trials without usable figures not listed"
    trials = left[left["arm"].isna() & ((left["comparator"] == comparator) if comparator else True)]
    known = result.k + trials["trial_id"].nunique()
    share = trials["trial_id"].nunique() / known
    said = f"{trials['trial_id'].nunique()} of {known} known trials print no usable figure"
    serious = share >= rules["share_of_trials"]
    if result.k >= rules["trials_for_test"]:
        p = result.small_study_test(model="lm").p_value
        said += f"; Egger's test P {p:.2f}"
        serious = serious or p < rules["asymmetry_p"]
    return (1 if serious else 0), said


guard(__name__, "certainty")
