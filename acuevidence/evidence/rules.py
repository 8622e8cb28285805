"""The selection rules as data: which outcome, week, source, statistic and arm stand for a trial."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from acuevidence.errors import InputError
from acuevidence.topic import NEUTRAL, Topic, read_yaml

__all__ = ["Rules", "Window", "load_rules", "window"]


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
        Printed timings that stand for the window where no week is printed.
    """

    low: float
    high: float
    target: float
    after_course: bool = False
    words: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Rules:
    """How one figure per trial and comparator is picked; order is preference throughout.

    Attributes
    ----------
    topic : Topic
        The words that the rules speak of: conditions with their outcomes, comparators with their roles.
    timings : dict of Window
        The timing windows by name.
    measures : dict
        Outcome to regular expressions that rank an instrument's name.
    instrument_outcomes : dict
        Outcome to the regular expression of the instruments that measure it, whatever outcome their rows are filed under.
    instruments : dict
        Regular expression to the short name of the instruments it matches, for tables and figures.
    sources, statistics, levels : tuple of str
        Kinds of page, statistics, and levels (``arms``, ``contrast``).
    sensitivity_sources, arms_left_out : tuple of dict
        Figures and arms that are not used by default, with the reason.
    treated_later : tuple of dict
        Comparator arms that had the treatment themselves after a week: ``trial_id, arm, after_week``.
    """

    timings: Mapping[str, Window]
    topic: Topic = NEUTRAL
    measures: Mapping[str, list[str]] = field(default_factory=dict)
    instrument_outcomes: Mapping[str, str] = field(default_factory=dict)
    instruments: Mapping[str, str] = field(default_factory=dict)
    sources: tuple[str, ...] = ()
    statistics: tuple[str, ...] = ("final", "adjusted_final", "change")
    levels: tuple[str, ...] = ("arms", "contrast")
    sensitivity_sources: tuple[Mapping[str, str], ...] = ()
    arms_left_out: tuple[Mapping[str, str], ...] = ()
    treated_later: tuple[Mapping[str, Any], ...] = ()

    def outcomes(self, condition: str) -> list[str]:
        """Return the outcomes of a condition, the preferred one first."""
        return list(self.topic.conditions[condition]["outcomes"])

    def outcome_of(self, row: Any) -> str:
        """Return what a row of figures measures: by its instrument where the rules name it, else as it is filed."""
        named = (o for o, pattern in self.instrument_outcomes.items() if re.search(pattern, row.measure, re.IGNORECASE))
        return next(named, str(row.outcome))

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
        given["from"], given["to"], given["target"], given.get("after_course", False), tuple(given.get("words", ()))
    )
