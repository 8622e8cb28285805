"""The selection rules as data: which outcome, week, source, statistic and arm stand for a trial."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from acuevidence.errors import InputError
from acuevidence.shapes import shaped
from acuevidence.topic import NEUTRAL, Topic, read_yaml

__all__ = ["Choice", "Rules", "Window", "load_rules", "window"]


@dataclass(frozen=True, slots=True)
class Window:
    """A timing window.

    Attributes
    ----------
    low, high : float
        Weeks the window reaches from and to, both inclusive; since randomisation, or since the end of the
        course where ``after_course``.
    target : float
        The week preferred within the window, counted the same way.
    after_course : bool
        Whether weeks are counted from the end of the course of treatment.
    words : tuple of str
        Printed timings that stand for the window where no week is printed, beside those that the rules turn into weeks.
    above : bool
        Whether ``low`` itself is outside the window.
    late : float or None
        Where given, ``high`` counts from randomisation, and a trial without a figure up to it is taken from there to this
        week since randomisation, marked as late.
    """

    low: float
    high: float
    target: float
    after_course: bool = False
    words: tuple[str, ...] = ()
    above: bool = False
    late: float | None = None


@dataclass(frozen=True, slots=True)
class Choice:
    """One place in the order of outcomes: an outcome, measured with an instrument whose name matches."""

    outcome: str
    instrument: str = ""

    def holds(self, outcome: str, measure: str) -> bool:
        """Return whether a row of figures is of this outcome and instrument."""
        return outcome == self.outcome and bool(re.search(self.instrument, measure, re.IGNORECASE))


@dataclass(frozen=True, slots=True)
class Rules:
    """How one figure per trial and comparator is picked; order is preference throughout.

    Attributes
    ----------
    topic : Topic
        The words that the rules speak of: conditions with their outcomes, comparators with their roles.
    timings : dict of Window
        The timing windows by name.
    outcome_order : dict
        Condition, or ``default``, to its outcomes; an entry is a name or ``{outcome, instrument}``. Where neither is named, the
        order of the topic.
    responders : tuple of str
        Kinds of response that count, as in the column ``responder``.
    words : dict
        Printed timings without a week to weeks after the end of the course.
    course : float
        Length of the course in weeks that distances are taken from where it is not printed.
    rounding : float
        Weeks by which a printed week may pass the end of a window: months turned into weeks.
    untreated : dict
        ``roles`` of comparator arms that are expected to have the treatment later, and the ``weeks`` after the end of the course up
        to which they count where the trial does not say.
    within_primary : float
        Weeks by which a figure may lie from the declared primary week.
    measures : dict
        Outcome to regular expressions that rank an instrument's name.
    instrument_outcomes : dict
        Outcome to the regular expression of the instruments that measure it, whatever outcome their rows are filed under.
    instruments : dict
        Regular expression to the short name of the instruments it matches, for tables and figures.
    sources, statistics, levels : tuple of str
        Kinds of page; ``adjusted``, ``final`` and ``change``; and levels (``arms``, ``contrast``).
    r2 : float
        Share of the variance that baseline explains, where the spread of an adjusted difference is all that is printed.
    cohens_d : str
        Regular expression of the printed text of standardised differences that lack the small-sample correction.
    parallel_phase : str
        Regular expression of instruments whose figures are of the first phase of a crossover, a parallel comparison.
    three_arms : tuple of float
        Shares of the arms of three-arm trials with a placebo and an untreated comparator whose n per arm is not printed; empty: equal.
    placebo_roles : tuple of str
        Roles of a placebo, for ``three_arms``.
    overlapping : tuple of dict
        Trials whose contrasts share patients though their arms have different names.
    spreads : tuple of dict
        Figures without a spread that take that of a contrast which itself does not count.
    remarks : tuple of dict
        What a table should say of a trial's figures: ``trial_id, outcome, says``.
    sensitivity_sources, arms_left_out : tuple of dict
        Figures and arms that are not used by default, with the reason.
    patients : dict
        Individual patient data to how their columns become figures of arms and an adjusted difference.
    sensitivity : tuple of dict
        Analyses beside the default.
    """

    timings: Mapping[str, Window]
    topic: Topic = NEUTRAL
    outcome_order: Mapping[str, Any] = field(default_factory=dict)
    responders: tuple[str, ...] = ()
    words: Mapping[str, float] = field(default_factory=lambda: {"end_of_treatment": 0.0})
    course: float = 8.0
    rounding: float = 1.0
    untreated: Mapping[str, Any] = field(default_factory=dict)
    within_primary: float = 1.0
    measures: Mapping[str, list[str]] = field(default_factory=dict)
    instrument_outcomes: Mapping[str, str] = field(default_factory=dict)
    instruments: Mapping[str, str] = field(default_factory=dict)
    sources: tuple[str, ...] = ()
    statistics: tuple[str, ...] = ("adjusted", "final", "change")
    levels: tuple[str, ...] = ("arms", "contrast")
    r2: float = 0.25
    cohens_d: str = ""
    parallel_phase: str = ""
    three_arms: tuple[float, ...] = ()
    placebo_roles: tuple[str, ...] = ()
    overlapping: tuple[Mapping[str, str], ...] = ()
    spreads: tuple[Mapping[str, Any], ...] = ()
    remarks: tuple[Mapping[str, str], ...] = ()
    sensitivity_sources: tuple[Mapping[str, str], ...] = ()
    arms_left_out: tuple[Mapping[str, str], ...] = ()
    patients: Mapping[str, Any] = field(default_factory=dict)
    sensitivity: tuple[Mapping[str, Any], ...] = ()

    def choices(self, condition: str, outcome: str | None = None) -> list[Choice]:
        """Return the places in the order of outcomes of a condition, the preferred one first; of one outcome where it is named."""
        order = self.outcome_order.get(condition) or self.outcome_order.get("default")
        order = order or self.topic.conditions[condition].get("outcomes") or list(self.topic.outcomes)
        found = [Choice(entry) if isinstance(entry, str) else Choice(**entry) for entry in order]
        return found if outcome is None else [*(c for c in found if c.outcome == outcome), Choice(outcome)]

    def outcomes(self, condition: str) -> list[str]:
        """Return the outcomes of a condition, the preferred one first."""
        return list(dict.fromkeys(choice.outcome for choice in self.choices(condition)))

    def outcome_of(self, row: Any) -> str:
        """Return what a row of figures measures: by its instrument where the rules name it, else as it is filed."""
        named = (o for o, pattern in self.instrument_outcomes.items() if re.search(pattern, row.measure, re.IGNORECASE))
        return next(named, str(row.outcome))

    def treated_roles(self) -> tuple[str, ...]:
        """Return the roles of the arms that have what is tested."""
        return tuple(self.topic.treatment.roles)

    def roles(self, comparator: str) -> list[str]:
        """Return the roles that a comparator gathers; where a trial has several, the first is compared."""
        return list(self.topic.comparators[comparator].roles)

    def measure_rank(self, outcome: str, measure: str) -> int:
        """Return where an instrument stands among those of an outcome; unlisted ones stand last."""
        patterns = self.measures.get(outcome, [])
        return next((i for i, p in enumerate(patterns) if re.search(p, measure, re.IGNORECASE)), len(patterns))

    def short_name(self, measure: str) -> str:
        """Return the short name of an instrument; by default its printed name up to the first comma or bracket."""
        named = (name for p, name in self.instruments.items() if re.search(p, measure, re.IGNORECASE))
        return next(named, re.split(r"[,(;]", measure)[0].strip())


def load_rules(folder: Path, default: Path, topic: Topic) -> Rules:
    """Load ``selection.yaml`` from a folder, or from the default folder where it has none."""
    path = next(p for p in (folder / "selection.yaml", default / "selection.yaml") if p.exists())
    given = read_yaml(path)
    known = [one.name for one in fields(Rules) if one.name != "topic"]
    for key in given:
        if key in ("conditions", "comparators"):
            raise InputError(f"selection.yaml: {key} stand in topic.yaml; take them out here")
        if key not in known:
            raise InputError(f"selection.yaml: unknown entry {key!r}; known: {', '.join(known)}")
    given = shaped("selection.yaml", given)
    try:
        windows = {name: window(w) for name, w in given.pop("timings").items()}
        listed: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in given.items()}
        return Rules(timings=windows, topic=topic, **listed)
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise InputError(
            f"{path.name} is not a set of selection rules: {error!r}; start from the file that `acuevidence init` writes"
        ) from error


def window(given: Mapping[str, Any]) -> Window:
    """Return a timing window from its entry in a file."""
    return Window(
        given["from"],
        given["to"],
        given["target"],
        given.get("after_course", False),
        tuple(given.get("words", ())),
        given.get("above", False),
        given.get("late"),
    )
