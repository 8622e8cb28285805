"""One effect per trial and comparator: the printed figures turned into yi and vi.

Walks the candidates that the selection rules put in order and takes the first that suffices. Every row says how
it was derived; every trial and comparator without a row says why.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import ndtri

from acuevidence.arguments import guard
from acuevidence.effects.derived import Derived, NotEnoughError, contributions, points_factor, size_of
from acuevidence.effects.from_arms import counts, means
from acuevidence.effects.from_contrasts import adjusted_means, differences, ratio
from acuevidence.effects.patient_rows import with_patients
from acuevidence.errors import InputError
from acuevidence.evidence import Evidence, load_evidence
from acuevidence.evidence.carried import Excluded, carry
from acuevidence.evidence.extractions import AGREED, SINGLE
from acuevidence.evidence.rules import Rules
from acuevidence.evidence.select import Candidate, Comparison, candidates, caution, comparisons, given
from acuevidence.inputs import choice
from acuevidence.topic import Column, Topic

__all__ = ["Excluded", "checked", "effects_of", "trial_effects"]

_CONTINUOUS = ("SMD", "SMDH", "MD", "ROM", "VR", "CVR")
_BINARY = ("OR", "RR", "RD")
_MARKS = ("late", "course_assumed", "n_assumed", "borrowed_sd", "sd_assumed", "primary_endpoint")
_WHOLE = ("year", "pmid", "n1", "n2", "events1", "events2")
_NUMBERS = ("yi", "vi", "se", "ci_low", "ci_high", "mean1", "sd1", "mean2", "sd2", "spread1", "spread2", "week")
COLUMNS = [
    "trial_id",
    "study",
    "year",
    "condition",
    "diagnosis",
    "population",
    "treatment_weeks",
    "comparator",
    "comparator_role",
    "outcome",
    "measure_used",
    "instrument",
    "timing",
    "week",
    "kind",
    "statistic",
    "effect",
    "yi",
    "vi",
    "se",
    "ci_low",
    "ci_high",
    "n1",
    "n2",
    "mean1",
    "sd1",
    "mean2",
    "sd2",
    "events1",
    "events2",
    "spread1",
    "spread2",
    *_MARKS,
    "derivation",
    "arms",
    "comparator_arms",
    "doi",
    "pmid",
    "reference_url",
    "source_kind",
    "source_url",
    "locator",
    "figures_as_printed",
    "extraction",
]


@dataclass(frozen=True, slots=True)
class _Asked:
    """What is wanted of each comparison."""

    rules: Rules
    outcome: str | None
    timing: str
    measure: str
    cautions: str
    endpoint: str | None


def trial_effects(
    condition: str | Sequence[str] | None = None,
    *,
    comparator: str | None = None,
    outcome: str | None = None,
    timing: str = "end_of_treatment",
    horizon: float = 26,
    endpoint: str | None = None,
    measure: str = "SMD",
    cautions: str = "exclude",
    evidence: Evidence | None = None,
) -> pd.DataFrame:
    """Return one effect per trial and comparator, positive in favour of the treatment.

    Parameters
    ----------
    condition : str or sequence of str, optional
        One or some of :func:`conditions`. Default: all.
    comparator : str, optional
        One of the comparators of the evidence's topic. Default: all. In the package's evidence ``sham`` and ``usual_care``,
        which gathers usual care, no treatment and waiting list.
    outcome : str, optional
        That outcome alone. Default: the condition's outcomes in their order of preference.
    timing : {"end_of_treatment", "short", "medium", "long"}
        Window of weeks; see the rules in ``docs/selection.md``.
    horizon : float
        Last week since randomisation that counts as ``end_of_treatment``; a trial with nothing up to it is taken from there to week
        53, marked as ``late``.
    endpoint : {"primary"}, optional
        The endpoint that the authors declared primary, where its figures are at hand; else as by default.
    measure : {"SMD", "SMDH", "MD", "ROM", "VR", "CVR", "OR", "RR", "RD"}
        Effect measure. ``MD`` is in points of a 0-100 scale, or in days per 4 weeks for a headache frequency. Under ``SMD``,
        responders enter through the logistic conversion of the odds ratio; ``OR`` and ``RR`` are log ratios. ``VR``
        and ``CVR`` compare spreads (positive: more spread under the treatment) and are not turned.
    cautions : {"exclude", "include"}
        Whether figures that carry a caution, or serve as a sensitivity analysis only, may be used.
    evidence : Evidence, default the package's

    Returns
    -------
    DataFrame
        One row per trial and comparator, by condition, comparator, year and study. ``yi`` and ``vi`` are the effect
        and its variance, ``ci_low`` and ``ci_high`` its 95 % normal interval, ``n1`` and ``n2`` the participants
        behind it (missing where not printed), ``derivation`` how it came about, ``kind`` what was compared (``adjusted``
        differences, ``final`` values, ``change``, ``count`` of responders), ``reference_url`` the trial's DOI or PubMed record, and
        ``source_url`` and ``figures_as_printed`` where the figures were read. ``spread1`` and ``spread2`` are the SD of one
        participant's contribution in the unit of ``yi``: effects that share an arm of n covary by its ``spread**2 / n``. True in
        ``late``, ``course_assumed``, ``n_assumed``, ``borrowed_sd`` and ``sd_assumed`` marks what was taken or assumed;
        ``primary_endpoint`` the declared primary endpoint.
        ``attrs["excluded"]`` is a frame with a row for each trial and comparator without an effect, with its ``n`` where known, and
        for each arm left out, with the ``reason``.

    Raises
    ------
    InputError
        For an unknown condition, comparator, outcome, timing or measure.

    Notes
    -----
    The standard error of a mean difference is read from its interval with t quantiles; a standard deviation implied
    by it is SE / sqrt(1/n1 + 1/n2) (Cochrane Handbook 6.5.2.3). Arms are combined as in its table 6.5.a. An adjusted difference D
    with standard error SE is g = J D / SD with variance (SE / SD)^2 + g^2 / (2 N), where SD is that of scores, not of residuals.

    Examples
    --------
    >>> import acuevidence as ae
    >>> effects = ae.trial_effects("low_back_pain", comparator="sham")
    >>> effects[effects.trial_id == "leibing2002"][["n1", "n2", "derivation"]].values.tolist()
    [[35, 40, 'SMD from means and SDs of the arms; turned: a larger printed value is worse']]
    """
    evidence = load_evidence() if evidence is None else evidence
    wanted, comparators = checked(
        evidence, condition, comparator, outcome, timing, measure, cautions, horizon=horizon, endpoint=endpoint
    )
    return _chosen(evidence, tuple(wanted), tuple(comparators), outcome, timing, float(horizon), endpoint, measure, cautions).copy()


@functools.lru_cache(maxsize=256)
def _chosen(
    evidence: Evidence,
    wanted: tuple[str, ...],
    comparators: tuple[str, ...],
    outcome: str | None,
    timing: str,
    horizon: float,
    endpoint: str | None,
    measure: str,
    cautions: str,
) -> pd.DataFrame:
    """Return the effects of an evidence, which is the same as long as it is the same object."""
    compared = (one for of in product(wanted, comparators) for one in _compared(evidence, *of))
    asked: dict[str, Any] = {
        "outcome": outcome,
        "timing": timing,
        "horizon": horizon,
        "endpoint": endpoint,
        "measure": measure,
        "cautions": cautions,
    }
    return carry(effects_of(compared, evidence.rules, **asked), evidence=evidence)


@functools.lru_cache(maxsize=64)
def _compared(evidence: Evidence, condition: str, comparator: str) -> tuple[Comparison, ...]:
    """Return the comparisons of a condition, which every outcome and window reads."""
    return tuple(with_patients(comparisons(evidence, [condition], [comparator]), evidence))


def effects_of(
    compared: Iterable[Comparison],
    rules: Rules,
    *,
    outcome: str | None,
    timing: str,
    measure: str,
    cautions: str,
    horizon: float = 26,
    endpoint: str | None = None,
) -> pd.DataFrame:
    """Return the effects of comparisons that are at hand, as :func:`trial_effects` does."""
    window = rules.timings[timing]
    if window.late is not None:
        rules = replace(rules, timings={**rules.timings, timing: replace(window, high=horizon)})
    asked = _Asked(rules, outcome, timing, measure, cautions, endpoint)
    rows: list[dict[str, Any]] = []
    left: list[dict[str, Any]] = []
    for comparison in compared:
        _one(comparison, asked, rows, left)
    kinds = dict.fromkeys(_WHOLE, "Int64") | dict.fromkeys(_NUMBERS, "float64") | dict.fromkeys(_MARKS, "bool")
    frame = _ordered(rows, _columns(rules.topic), kinds, rules)
    columns = ["trial_id", "study", "year", "condition", "population", "comparator", "arm", "n", "reason", "reported_direction"]
    left_out = _ordered(left, columns, {"n": "float64"}, rules)
    direction = "spread" if measure in ("VR", "CVR") else "benefit"
    return carry(frame, topic=rules.topic, direction=direction, excluded=Excluded(left_out))


def _columns(topic: Topic) -> list[str]:
    """Return the columns of effects: those of every topic, and its own where they tell of the trial or the comparator."""
    trials, arms = ([column.name for column in topic.columns.get(table, ())] for table in ("trials", "arms"))
    at, then = COLUMNS.index("treatment_weeks"), COLUMNS.index("outcome")
    own = [name for name in (*trials, *arms) if name not in COLUMNS]
    return [*COLUMNS[:at], *(n for n in trials if n in own), *COLUMNS[at:then], *(n for n in arms if n in own), *COLUMNS[then:]]


def checked(
    evidence: Evidence,
    condition: Any,
    comparator: str | None,
    outcome: str | None,
    timing: str,
    measure: str,
    cautions: str,
    *,
    horizon: float = 26,
    endpoint: str | None = None,
) -> tuple[list[str], list[str]]:
    """Return the conditions and comparators that are wanted; refuse any argument of :func:`trial_effects` that is not known."""
    known = list(evidence.topic.conditions)
    wanted = known if condition is None else [condition] if isinstance(condition, str) else list(condition)
    for name in wanted:
        choice("condition", name, known)
    comparators = list(evidence.topic.comparators)
    if comparator is not None:
        comparators = [choice("comparator", comparator, comparators)]
    if outcome is not None:
        used = pd.concat([evidence.results["outcome"], evidence.contrasts["outcome"]])
        choice("outcome", outcome, sorted(set(used) | {o for c in known for o in evidence.rules.outcomes(c)}))
    choice("timing", timing, list(evidence.rules.timings))
    choice("measure", measure, (*_CONTINUOUS, *_BINARY))
    choice("cautions", cautions, ("exclude", "include"))
    if endpoint is not None:
        choice("endpoint", endpoint, ("primary",))
    late = evidence.rules.timings[timing].late
    if isinstance(horizon, bool) or not isinstance(horizon, (int, float)) or not 0 < horizon <= (late or math.inf):
        raise InputError(f"horizon must be a number of weeks above 0, at most {late or math.inf:g}, not {horizon!r}")
    return wanted, comparators


def _ordered(rows: list[dict[str, Any]], columns: Sequence[str], kinds: Mapping[str, str], rules: Rules) -> pd.DataFrame:
    """Return rows as a table in the order of conditions and comparators, then by year and study; ``kinds`` are types of columns."""
    place = {name: i for i, name in enumerate([*rules.topic.conditions, *rules.topic.comparators])}
    rows = sorted(rows, key=lambda r: (place[r["condition"]], place[r["comparator"]], _year(r["year"]), r["study"]))
    cells = {name: [row.get(name, math.nan) for row in rows] for name in columns}
    typed = {
        name: pd.array(cells[name], dtype=kind) if kind == "Int64" else np.array(cells[name], dtype=kind)
        for name, kind in kinds.items()
    }
    return pd.DataFrame(cells if rows else {}, columns=list(columns)).assign(**typed)


def _year(year: Any) -> float:
    return float(year) if given(year) else math.inf


def _one(comparison: Comparison, asked: _Asked, rows: list[dict[str, Any]], left: list[dict[str, Any]]) -> None:
    """Append the comparison's effect to ``rows``, or the reason why it has none to ``left``."""
    trial, reasons = comparison.trial, list[str]()
    known = {key: getattr(trial, key) for key in ("trial_id", "study", "year", "condition", "population")}
    known["comparator"] = comparison.comparator
    for arm, reason in comparison.left_out:
        left.append({**known, "arm": arm, "reason": reason, "reported_direction": None})
    for candidate in _tries(comparison, asked, reasons):
        try:
            derived = _derive(candidate, comparison, asked)
        except (NotEnoughError, InputError) as missing:
            reasons.append(f"{candidate.measure}: {missing}")
            continue
        rows.append(_row(known, comparison, candidate, derived, asked))
        return
    if not reasons:
        names = dict.fromkeys(c.outcome for c in asked.rules.choices(trial.condition, asked.outcome))
        reasons.append(f"no figure printed for {' or '.join(names).replace('_', ' ')}")
    reason = "; ".join(dict.fromkeys(reasons))
    said = {"reported_direction": _direction(comparison, asked.rules), "n": _participants(comparison, asked.rules)}
    left.append({**known, "arm": None, "reason": reason, **said})


def _tries(comparison: Comparison, asked: _Asked, reasons: list[str]) -> Iterator[Candidate]:
    """Yield the candidates of a comparison, those of the declared primary endpoint first where it is wanted."""
    choices = asked.rules.choices(comparison.trial.condition, asked.outcome)
    if asked.endpoint == "primary":
        yield from candidates(comparison, asked.rules, choices, asked.timing, asked.cautions, reasons, primary=True)
    yield from candidates(comparison, asked.rules, choices, asked.timing, asked.cautions, reasons)


def _derive(candidate: Candidate, comparison: Comparison, asked: _Asked) -> Derived:
    measure, rules, of_arms = asked.measure, asked.rules, candidate.level == "arms"
    if candidate.kind == "count":
        if measure not in (*_BINARY, "SMD"):
            raise NotEnoughError(f"responders give no {measure}")
        return (counts if of_arms else ratio)(candidate, comparison, measure, rules)
    if measure in _BINARY:
        raise NotEnoughError(f"means give no {measure}")
    if measure == "MD":
        points_factor(candidate, candidate.rows[0])
    if not of_arms:
        return differences(candidate, comparison, measure, rules)
    return (adjusted_means if candidate.kind == "adjusted" else means)(candidate, comparison, measure, rules)


def _direction(comparison: Comparison, rules: Rules) -> str | None:
    """Return what the trial's own report concludes on the comparator, for the evidence that is missing from a pool."""
    roles = rules.roles(comparison.comparator)
    said = [row.direction for row in comparison.figures["directions"] if row.comparator in roles]
    return "; ".join(dict.fromkeys(said)) or None


def _participants(comparison: Comparison, rules: Rules) -> float:
    """Return the participants of the arms compared, or of the trial where the arms' are not known."""
    arms = [arm for arm in (*comparison.treated, *comparison.control) if not arm.endswith("_pooled")]
    try:
        if comparison.control and comparison.treated:
            return sum(size_of(arm, None, comparison, rules).n for arm in arms)
    except NotEnoughError:
        pass
    return float(comparison.trial.n_randomized) if given(comparison.trial.n_randomized) else math.nan


def _row(known: dict[str, Any], comparison: Comparison, candidate: Candidate, derived: Derived, asked: _Asked) -> dict[str, Any]:
    trial, rules, se = comparison.trial, asked.rules, math.sqrt(derived.vi)
    half = float(ndtri(0.975)) * se
    rows = derived.rows
    used = {row.arm for row in rows} | {getattr(row, "comparator_arm", row.arm) for row in rows}
    own = {column.name: getattr(trial, column.name) for column in rules.topic.columns.get("trials", ())}
    own |= {column.name: _of_arms(column, comparison, used) for column in rules.topic.columns.get("arms", ())}
    warned = [f"used despite a caution: {reason}" for row in rows if (reason := caution(row, rules))]
    numbers = {name: getattr(derived, name) for name in ("mean1", "sd1", "mean2", "sd2", "events1", "events2")}
    sizes = {name: None if (n := getattr(derived, name)) is None else math.floor(n) for name in ("n1", "n2")}
    return {
        **known,
        **{key: getattr(trial, key) for key in ("diagnosis", "treatment_weeks", "doi", "pmid")},
        **own,
        "comparator_role": comparison.role,
        "outcome": candidate.outcome,
        "measure_used": rows[0].measure,
        "instrument": rules.short_name(rows[0].measure),
        "timing": asked.timing,
        "week": math.nan if candidate.week is None else candidate.week,
        "kind": candidate.kind,
        "statistic": derived.statistic,
        "effect": asked.measure,
        "yi": derived.yi,
        "vi": derived.vi,
        "se": se,
        "ci_low": derived.yi - half,
        "ci_high": derived.yi + half,
        **sizes,
        **numbers,
        **dict(zip(("spread1", "spread2"), contributions(derived, asked.measure), strict=True)),
        "late": candidate.late,
        "course_assumed": candidate.course_assumed,
        **{name: getattr(derived, name) for name in ("n_assumed", "borrowed_sd", "sd_assumed")},
        "primary_endpoint": candidate.primary,
        "derivation": "; ".join(dict.fromkeys([derived.how, *derived.notes, *warned])),
        "arms": ", ".join(a for a in comparison.treated if a in used),
        "comparator_arms": ", ".join(a for a in comparison.control if a in used),
        "reference_url": _reference(trial, rows[0].source_url),
        **{
            key: " | ".join(dict.fromkeys(str(getattr(row, key)) for row in rows))
            for key in ("source_kind", "source_url", "locator", "figures_as_printed")
        },
        "extraction": AGREED if all(row.extraction == AGREED for row in rows) else SINGLE,
    }


def _reference(trial: Any, read_at: str) -> str:
    """Return where a reader finds the trial: its DOI, its record in PubMed, or the page that the figures were read on."""
    if given(trial.doi):
        return f"https://doi.org/{trial.doi}"
    return f"https://pubmed.ncbi.nlm.nih.gov/{int(trial.pmid)}/" if given(trial.pmid) else str(read_at)


def _of_arms(column: Column, comparison: Comparison, used: set[str]) -> str | None:
    """Return what a column of arms says of those used, in the roles that it describes: by default the comparator's."""
    roles = column.roles or (comparison.role,)
    arms = [arm for arm in {**comparison.treated, **comparison.control}.values() if arm.arm in used and arm.role in roles]
    said = {str(getattr(arm, column.name)) for arm in arms if given(getattr(arm, column.name))}
    return "/".join(sorted(said)) or None


guard(__name__, "trial_effects")
