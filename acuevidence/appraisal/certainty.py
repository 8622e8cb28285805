"""How sure a pooled effect is: the domains of GRADE, rated by written rules, each step with its reason and its source."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass, field
from numbers import Real
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from scipy.special import ndtr

from acuevidence import words
from acuevidence.appraisal.headline import Headline, headline
from acuevidence.appraisal.not_held import NotHeld, not_held
from acuevidence.appraisal.risk_of_bias import rated_pool
from acuevidence.appraisal.states import STATES, state_of
from acuevidence.appraisal.thresholds import appraisal_rules
from acuevidence.appraisal.typical_sd import spread_of
from acuevidence.arguments import guard
from acuevidence.errors import InputError
from acuevidence.evidence.carried import evidence_of
from acuevidence.inputs import brief, choice
from acuevidence.later import Later
from acuevidence.shown import Shown
from acuevidence.synthesis import MetaAnalysis

if TYPE_CHECKING:
    from acuevidence.evidence import Evidence
    from acuevidence.report.summary_of_findings import to_row as _to_row
else:
    _to_row = Later("acuevidence.report.summary_of_findings", "to_row")

__all__ = ["Certainty", "certainty"]

_LEVELS = {4: "high", 3: "moderate", 2: "low", 1: "very low"}
_DOMAINS = ("risk_of_bias", "inconsistency", "indirectness", "imprecision", "missing_evidence")
_TARGETS = ("no effect", "threshold")
_AGAINST_THRESHOLD = ("important", "small", "no important effect")
_TWO_TRIALS = 2  # steps at most, of two trials that are not pooled


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
        One row a domain: ``domain, downgrade`` (steps lost), ``reason`` and ``source`` (what it was read from).
    target : str
        What the certainty is about: ``no effect`` (that the effect lies on its side of zero) or ``threshold`` (that it lies on its
        side of the smallest important difference).
    state : str
        The state of the headline that is rated.
    trials : DataFrame or None
        Risk of bias of each trial: ``trial_id rating judgements source weight``; None where the result carries no evidence.
    missing : NotHeld or None
        The trials without a usable figure; None where the result does not name them.
    """

    level: str
    steps: int
    domains: pd.DataFrame
    target: str = "no effect"
    state: str = ""
    trials: pd.DataFrame | None = field(default=None, repr=False)
    missing: NotHeld | None = field(default=None, repr=False)

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

    to_row = _to_row

    def _sentences(self) -> list[str]:
        lines = [
            f"{row.domain.replace('_', ' ')}: {-row.downgrade} ({row.reason})"  # an integer: 0 has no sign
            for row in self.domains.itertuples()
        ]
        about = f" that the effect is {self.state}" if self.target == "threshold" else ""
        return [f"Certainty{about}: {self.level} {self.symbols}", *lines]

    def _page_table(self) -> pd.DataFrame:
        return self.domains


def _only(data: pd.DataFrame, column: str) -> str | None:
    found = data[column].dropna().unique() if column in data else []
    return str(found[0]) if len(found) == 1 else None


def certainty(
    result: MetaAnalysis,
    *,
    target: str | None = None,
    threshold: float | None = None,
    override: Mapping[str, tuple[int, str]] | None = None,
    rules: Mapping[str, Any] | None = None,
    evidence: Evidence | None = None,
) -> Certainty:
    """Rate the certainty of a pooled effect by the domains of GRADE.

    Parameters
    ----------
    result : MetaAnalysis
        A pooled effect, positive in favour of the treatment, from the rows of ``trial_effects``.
    target : {"no effect", "threshold"}, optional
        What is rated: on which side of no effect, or of the smallest important difference, the effect lies. Default: the threshold
        where the headline's state is ``important``, ``small`` or ``no important effect``, else no effect.
    threshold : float, optional
        Smallest important difference on the scale of the result. Default: that of its outcome, condition and comparator.
    override : mapping, optional
        Domain to (steps lost, reason), in place of the rule.
    rules : mapping, optional
        Rules in place of some of the section ``certainty`` of the evidence's ``appraisal.yaml``, for example
        ``{"imprecision": {"participants": 800}}``; the rest stays.
    evidence : Evidence, optional
        Where the judgements of the trials, the thresholds and the rules are. Default: the one that the result carries; where it
        carries none, neutral rules hold, and what needs the trials' judgements is not assessed.

    Returns
    -------
    Certainty
        Level, steps and the domains with their reasons.

    Raises
    ------
    InputError
        For a result without trials, an unknown domain, rule or target, an impossible step, or ``target="threshold"`` without one.

    Notes
    -----
    The rules put numbers on judgements (Schünemann et al, GRADE Handbook, 2013; Core GRADE 2, Guyatt et al 2025); they make a rating
    repeatable, not beyond dispute, which is why every one can be overridden. Start at high. Risk of bias: :mod:`.risk_of_bias`.
    Inconsistency: one step where Q has P < 0.10 and the share of true effects beyond the target, Phi((estimate - target) / tau), lies
    between 0.10 and 0.90. Indirectness: one step where half of the weight is of trials that are indirect. Imprecision: one step where
    the headline interval contains the target or fewer than 400 participants are behind it, two where it contains the target and is
    wider than one SD; two trials are judged by participants alone and are at most of low certainty. Missing evidence: one step where
    the interval, moved by the trials without a usable figure, has a weaker state.

    Examples
    --------
    >>> import acuevidence as ae
    >>> rated = ae.certainty(ae.pooled("low_back_pain")["sham"])
    >>> list(rated.domains.domain)
    ['risk_of_bias', 'inconsistency', 'indirectness', 'imprecision', 'missing_evidence']
    """
    if result.k == 0:
        raise InputError("there is no certainty to rate: the result holds no trial")
    evidence = evidence_of(result, evidence)
    if target is None and threshold is None and not override and not rules:
        return _by_rule(result, evidence)
    shown = headline(result, threshold=threshold, evidence=evidence)
    return rate(result, shown, target=target, override=override, rules=rules, evidence=evidence)


@functools.lru_cache(maxsize=512)
def _by_rule(result: MetaAnalysis, evidence: Evidence | None) -> Certainty:
    """Return the certainty of a result by the rules of its evidence, which pages, figures and tables all print."""
    return rate(result, headline(result, evidence=evidence), evidence=evidence)


def rate(
    result: MetaAnalysis,
    shown: Headline,
    *,
    target: str | None = None,
    override: Mapping[str, tuple[int, str]] | None = None,
    rules: Mapping[str, Any] | None = None,
    evidence: Evidence | None = None,
) -> Certainty:
    """Rate a pooled effect whose headline is at hand, as :func:`certainty` does.

    Parameters
    ----------
    result, shown : MetaAnalysis, Headline
        The pooled effect and its headline.
    target, override, rules, evidence
        As in :func:`certainty`.

    Examples
    --------
    >>> import acuevidence as ae
    >>> result = ae.pooled("neck_pain")["sham"]
    >>> rate(result, result.headline()).level == ae.certainty(result, evidence=None).level
    False
    """
    rules = _rules(rules or {}, evidence)
    data = result.data
    comparator = _only(data, "comparator")
    if target is None:
        target = "threshold" if shown.state in _AGAINST_THRESHOLD else "no effect"
    choice("target", target, _TARGETS)
    if target == "threshold" and shown.threshold is None:
        raise InputError("target='threshold': no smallest important difference is known for this result; give threshold=")
    aim = 0.0 if target == "no effect" or shown.threshold is None else shown.threshold
    bias = rated_pool(result, comparator, rules["risk_of_bias"], evidence)
    absent = not_held(result, evidence, estimate=shown.estimate)
    rated: dict[str, tuple[int, str, str]] = {
        "risk_of_bias": (bias[0], bias[1], "quality, design" if bias[2] is not None else ""),
        "inconsistency": (*_inconsistency(result, aim, rules["inconsistency"]), "effects"),
        "indirectness": _indirectness(result, comparator, rules["indirectness"], evidence),
        "imprecision": (*_imprecision(result, shown, aim, rules["imprecision"], evidence), "effects"),
        "missing_evidence": _missing(result, shown, absent, rules["missing_evidence"]),
    }
    for domain, (lost, reason) in (override or {}).items():
        if domain not in _DOMAINS or lost not in (0, 1, 2):
            raise InputError(f"override of {domain!r} by {lost!r}: domains are {', '.join(_DOMAINS)}; steps 0, 1 or 2")
        rated[domain] = (lost, reason, "given")
    steps = max(4 - sum(lost for lost, _, _ in rated.values()), 1)
    steps = min(steps, _TWO_TRIALS) if result.k == 2 else steps
    domains = pd.DataFrame([(d, *rated[d]) for d in _DOMAINS], columns=["domain", "downgrade", "reason", "source"])
    return Certainty(_LEVELS[steps], steps, domains, target, shown.state, bias[2], absent)


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


def _inconsistency(result: MetaAnalysis, aim: float, rules: Mapping[str, Any]) -> tuple[int, str]:
    if result.k < 2:
        return 0, "one trial"
    tau = float(np.sqrt(result.tau2 or 0.0))
    beyond = float(ndtr((result.estimate - aim) / tau)) if tau > 0 else float(result.estimate > aim)
    place = "zero" if aim == 0 else f"{aim:.2f}"
    said = f"Q P {words.p(result.q_p)}, tau {tau:.2f}; {beyond:.0%} of true effects above {place}"
    within = rules["share"] < beyond < 1 - rules["share"]
    return (1 if result.q_p < rules["p"] and within else 0), said


def _indirectness(
    result: MetaAnalysis, comparator: str | None, rules: Mapping[str, Any], evidence: Evidence | None
) -> tuple[int, str, str]:
    data = result.data
    if evidence is None or "trial_id" not in data:
        return 0, "not assessed: the result carries no evidence on its trials", ""
    table = evidence.indirect
    of_side = table["kind"].isin([*evidence.topic.comparators])  # what is indirect in one comparator says nothing of another
    table = table[~of_side | (table["kind"] == comparator)]
    found = data["trial_id"].isin(table["trial_id"]).to_numpy()
    share = float(np.asarray(result.weights, dtype=float)[found].sum()) / 100
    if not found.any():
        return 0, "no trial is named as indirect", "indirect"
    why = "; ".join(dict.fromkeys(table.loc[table["trial_id"].isin(data["trial_id"]), "why"]))
    return (1 if share >= rules["share_of_weight"] else 0), f"{share:.0%} of the weight: {why}", "indirect"


def _imprecision(
    result: MetaAnalysis, shown: Headline, aim: float, rules: Mapping[str, Any], evidence: Evidence | None
) -> tuple[int, str]:
    data, reasons, lost = result.data, list[str](), 0
    if {"n1", "n2"} <= set(data.columns):
        n = float(data[["n1", "n2"]].astype(float).sum().sum())
        if n < rules["participants"]:
            reasons.append(f"{n:.0f} participants, fewer than {rules['participants']}")
            lost = 1
    if result.k == 2:
        return lost, "; ".join([*reasons, "two trials, not pooled: at most low"])
    if shown.ci_low is None or shown.ci_high is None:
        return max(lost, 1), "; ".join([*reasons, f"{result.k} trials are too few to be pooled"])
    if shown.ci_low <= aim <= shown.ci_high:
        wide = shown.ci_high - shown.ci_low > _one_sd(result, evidence)
        place = "zero" if aim == 0 else f"the threshold {aim:.2f}"
        reasons.append(f"the interval includes {place}{' and is wider than 1 SD' if wide else ''}")
        lost = 2 if wide else 1
    return lost, "; ".join(reasons) or "precise"


def _one_sd(result: MetaAnalysis, evidence: Evidence | None) -> float:
    """Return one SD between patients on the scale of the result; infinite where none is known."""
    measure = _only(result.data, "effect")
    if measure == "MD":
        spread = spread_of(result, evidence)
        return spread if np.isfinite(spread) else np.inf
    return {None: 1.0, "SMD": 1.0, "SMDH": 1.0, "OR": np.pi / np.sqrt(3)}.get(measure, np.inf)


def _missing(result: MetaAnalysis, shown: Headline, absent: NotHeld | None, rules: Mapping[str, Any]) -> tuple[int, str, str]:
    if absent is None:
        return 0, "trials without usable figures are not listed", ""
    known, total = len(absent.trials), result.k + len(absent.trials)
    said = f"{known} of {total} trials have no usable figure on the pages read"
    if known:
        said += f" ({absent.count(1)} report no difference or harm, {absent.count(2)} benefit or no direction, {absent.count(3)} nothing)"
    seen, moved = _moved(result, shown, absent)
    lost = 0
    if moved is not None and absent.share > 0:
        low, high = moved
        after = state_of(low, high, shown.threshold)
        lost = 1 if _weaker(after, seen) else 0
        said += f"; they move the interval to {low:.2f} to {high:.2f}: {after}"
        if shown.threshold is not None:
            said += (
                f" (with benefits taken at {shown.threshold:.2f} the estimate is {absent.at(result.estimate, shown.threshold):.2f})"
            )
    if result.X is None and result.k >= rules["trials_for_test"]:
        p = result.small_study_test(model="lm").p_value
        said += f"; Egger's test P {words.p(p)}"
    return lost, said, "directions"


def _moved(result: MetaAnalysis, shown: Headline, absent: NotHeld) -> tuple[str, tuple[float, float] | None]:
    """Return the state as seen and the interval as moved; of trials that are not pooled the Wald interval stands for both."""
    low, high = shown.ci_low, shown.ci_high
    if low is None or high is None:
        row = shown.beside.loc["Wald"] if "Wald" in shown.beside.index else None
        if row is None:
            return shown.state, None
        low, high = float(row["ci_low"]), float(row["ci_high"])
    return state_of(low, high, shown.threshold), (low + absent.shift, high + absent.shift)


def _weaker(after: str, before: str) -> bool:
    return after != before if before == "harm" else STATES.index(after) > STATES.index(before)


guard(__name__, "certainty")
