"""What a review is about, in words: treatment, comparators, conditions, outcomes, colours.

Knows words; knows no number that enters a computation, no table and no figure.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from acuevidence.errors import InputError
from acuevidence.shapes import counted_entries, shaped

__all__ = ["NEUTRAL", "Column", "Side", "Topic", "load_topic", "read_yaml", "topic_of"]

_CYCLE = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00")  # Okabe and Ito
_AMONG = ", "  # between a comparator and the population of a group of trials
_KINDS = ("placebo", "untreated", "active", "")
_TYPES = {"text": "string", "string": "string", "number": "number", "integer": "integer"}


@dataclass(frozen=True, slots=True)
class Side:
    """One side of a comparison.

    Attributes
    ----------
    label : str
        Begins a line: ``"Usual care"``.
    phrase : str
        Stands in a sentence: ``"usual care"``.
    short : str
        Heads a narrow column.
    roles : tuple of str
        Roles of its arms; of a comparator's, the first that a trial has is the one compared.
    kind : str
        Of a comparator: ``placebo`` (what is seen against it is specific), ``untreated`` (the total effect), ``active``.
    colour : str
        As ``#rrggbb``; empty: one of a cycle, by place.
    published : tuple of str
        How published syntheses call it; empty: its roles.
    types : mapping
        Kinds of it that an analysis may take alone: name to columns of arms with the values that make it. Of several in one
        trial, the one listed last counts.
    """

    label: str
    phrase: str
    short: str = ""
    roles: tuple[str, ...] = ()
    kind: str = ""
    colour: str = ""
    published: tuple[str, ...] = ()
    types: Mapping[str, Mapping[str, tuple[str, ...]]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Column:
    """A column that the tables of this topic have and others need not.

    Attributes
    ----------
    name : str
        As in the file.
    type : str
        ``string``, ``number`` or ``integer``.
    values : tuple of str
        The allowed values; empty: any.
    required : bool
        Whether every row must have it.
    roles : tuple of str
        Of a column of arms: roles whose arms it describes; empty: the comparator's.
    description, unit : str
        What it holds, and in which unit.
    """

    name: str
    type: str = "string"
    values: tuple[str, ...] = ()
    required: bool = False
    roles: tuple[str, ...] = ()
    description: str = ""
    unit: str = ""


@dataclass(frozen=True, slots=True)
class Topic:
    """What a review is about, in words.

    Attributes
    ----------
    name : str
        Title of the review; empty where nothing is known.
    treatment : Side
        What is tested. A positive effect favours it where effects were turned that way.
    comparators : mapping of Side
        What it is compared with, by key, in the order in which they are drawn.
    conditions : mapping
        Condition to ``label``, ``outcomes`` (the preferred one first, where selection.yaml names no order) and ``published`` (how
        syntheses call it).
    outcomes : mapping
        Outcome to ``label``, ``scale`` or ``unit`` of a difference, ``beside`` (the outcome that it is compared with in the same
        trials) and ``spread_of`` (the outcome whose typical SD it takes); the first is the main one.
    columns : mapping
        Table to the :class:`Column` objects of this topic alone.
    other_roles : tuple of str
        Roles of arms that are described and compared with nothing.
    treatments : mapping
        Which arm is which treatment of a network: ``kinds`` (rules, the first that fits counts), ``roles``, ``order``,
        ``reference``.
    components : mapping
        What treatments are made of: ``parts`` (name to ``label``; the first takes what differs between conditions) and ``arms``
        (rules, the first that fits counts, each with the parts of an arm in ``has``).
    safety : mapping
        ``events``: class of adverse event to ``label``, the most serious first.
    quality : mapping
        ``tool`` and ``domains`` of the ratings of trials.
    published : mapping
        ``conditions`` and ``comparators`` that published syntheses use beyond those named above.
    responders : tuple of str
        What a response may mean, as the column ``responder`` says it; empty: any word.
    figures : mapping
        What the published figures show where they show a part: ``outcomes`` of the evidence map, ``robustness`` (condition and
        comparator), ``components`` (conditions), ``quality`` (condition) and ``groups`` (title, and names by level).

    Examples
    --------
    >>> import acuevidence as ae
    >>> topic = ae.load_evidence().topic
    >>> topic.against("sham")
    'Acupuncture v sham'
    >>> topic.sides("benefit", "sham")
    ('Favours sham', 'Favours acupuncture')
    """

    name: str = ""
    treatment: Side = field(default_factory=lambda: Side("Group 1", "group 1", "Group 1"))
    comparators: Mapping[str, Side] = field(default_factory=dict)
    conditions: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    outcomes: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    columns: Mapping[str, tuple[Column, ...]] = field(default_factory=dict)
    other_roles: tuple[str, ...] = ()
    treatments: Mapping[str, Any] = field(default_factory=dict)
    components: Mapping[str, Any] = field(default_factory=dict)
    safety: Mapping[str, Any] = field(default_factory=dict)
    quality: Mapping[str, Any] = field(default_factory=dict)
    published: Mapping[str, Any] = field(default_factory=dict)
    figures: Mapping[str, Any] = field(default_factory=dict)
    responders: tuple[str, ...] = ()

    def __copy__(self) -> Topic:
        return self

    def __deepcopy__(self, memo: object) -> Topic:
        return self  # pandas copies attrs deeply in almost every step

    def __repr__(self) -> str:
        return f"Topic({self.name!r})" if self.name else "Topic()"

    @property
    def main_outcome(self) -> str:
        """The first outcome; empty where none is named."""
        return next(iter(self.outcomes), "")

    def comparator(self, key: str | None = None) -> Side:
        """Return the words of a comparator; of an unknown one its own name, and without a key those of any."""
        if key is None:
            return Side("Comparator", "comparator", "Comp.") if self.name else Side("Group 2", "group 2", "Group 2")
        base, _, population = str(key).partition(_AMONG)
        if population and base in self.comparators:
            side = self.comparators[base]
            label, phrase, short = (f"{words}, {population}" for words in (side.label, side.phrase, side.short))
            return replace(side, label=label, phrase=phrase, short=short)
        words = str(key).replace("_", " ")
        return self.comparators.get(key) or Side(words[:1].upper() + words[1:], words, words, (str(key),))

    def comparison(self, key: str) -> str:
        """Return the comparator of a group: the group's own name, or what stands before the population."""
        base = str(key).partition(_AMONG)[0]
        return base if base in self.comparators else str(key)

    def compares(self, name: str) -> bool:
        """Return whether a group is that of a comparator, whole or in one population."""
        return self.comparison(name) in self.comparators

    def among(self, comparator: str, population: str | None) -> str:
        """Return the name of the group of a comparator's trials in one population: ``"sham, men"``."""
        return f"{comparator}{_AMONG}{population}" if isinstance(population, str) else comparator

    def of_kind(self, kind: str) -> str | None:
        """Return the key of the first comparator of a kind (``placebo``, ``untreated``, ``active``), or None."""
        return next((key for key, side in self.comparators.items() if side.kind == kind), None)

    def place(self, key: str) -> tuple[int, int]:
        """Return where a comparator stands from the total effect to the specific: untreated, then active, then placebo."""
        known, key = list(self.comparators), self.comparison(key)
        kind = self.comparators[key].kind if key in known else ""
        return {"untreated": 0, "placebo": 2}.get(kind, 1), known.index(key) if key in known else len(known)

    def against(self, key: str) -> str:
        """Return a comparison in words; where nothing is known of the treatment, the group's own name."""
        return f"{self.treatment.label} v {self.comparator(key).phrase}" if self.name else self.comparator(key).label

    def group(self, name: str) -> str:
        """Return the heading of a group of results: the comparison where it is a comparator's, else its own words."""
        return self.against(name) if self.compares(name) else self.comparator(name).label

    def colour(self, key: str) -> str:
        """Return the colour of a comparator: its own, else one of a cycle."""
        known, key = list(self.comparators), self.comparison(key)
        place = known.index(key) if key in known else len(known) + sum(map(ord, str(key)))
        return self.comparator(key).colour or _CYCLE[place % len(_CYCLE)]

    def sides(self, direction: str | None, comparator: str | None = None) -> tuple[str, str]:
        """Return the words left and right of no effect, by what a positive number was made to mean.

        Parameters
        ----------
        direction : {"benefit", "events", "spread"} or None
            As :func:`acuevidence.evidence.carried.direction_of` gives it; None: nothing is known of it.
        comparator : str, optional
            Key of the comparator, where there is one.
        """
        one, two = self.treatment.phrase, self.comparator(comparator).phrase
        among = "with" if self.name else "in"
        return {
            "benefit": (f"Favours {two}", f"Favours {one}"),
            "events": (f"More events {among} {two}", f"More events {among} {one}"),
            "spread": (f"Less spread {among} {one}", f"More spread {among} {one}"),
        }.get(direction or "", ("lower", "higher"))

    def label(self, name: str) -> str:
        """Return the printed name of a condition, a comparator or an outcome; of an unknown one its own words."""
        if self.compares(name):
            return self.comparator(name).label
        known = self.conditions.get(name) or self.outcomes.get(name)
        words = str(name).replace("_", " ")
        return str(known["label"]) if known else words[:1].upper() + words[1:]

    def outcome(self, name: str) -> str:
        """Return an outcome in words, as it stands in a sentence."""
        return str(self.outcomes.get(name, {}).get("label", str(name).replace("_", " ")))

    def events(self) -> dict[str, Mapping[str, Any]]:
        """Return the classes of adverse events, the most serious first."""
        return dict(self.safety.get("events", {}))

    def published_conditions(self, condition: str) -> list[str]:
        """Return how published syntheses call a condition."""
        return list(self.conditions.get(condition, {}).get("published", [condition]))

    def published_comparators(self) -> dict[str, list[str]]:
        """Return how published syntheses call each comparator."""
        return {key: list(side.published or (key, *side.roles)) for key, side in self.comparators.items()}

    def vocabulary(self) -> dict[str, list[str]]:
        """Return what the descriptor leaves to the topic: the allowed values of columns."""
        roles = [role for side in self.comparators.values() for role in side.roles]
        events, ours = self.events(), list(self.treatment.roles)
        conditions = [name for condition in self.conditions for name in self.published_conditions(condition)]
        comparators = [name for names in self.published_comparators().values() for name in names]
        found = {
            "condition": list(self.conditions),
            "outcome": list(self.outcomes),
            "role": [*ours, *roles, *self.other_roles],
            "comparator": [*roles, *self.other_roles],
            "favours": [*ours, "comparator", "neither"],
            "event": list(events),
            "responder": list(self.responders),
            "published_condition": [*self.conditions, *conditions, *self.published.get("conditions", ())],
            "published_comparator": [*comparators, *self.published.get("comparators", ())],
            "published_favours": [*ours, "comparator", "neither", *self.comparators],
        }
        return {name: list(dict.fromkeys(values)) for name, values in found.items()}

    def named_by(self, conditions: Mapping[str, Iterable[str]], roles: Iterable[str]) -> Topic:
        """Return the topic of tables without a ``topic.yaml``: their own names, as they stand.

        Parameters
        ----------
        conditions : mapping
            Condition to the outcomes that its rows print.
        roles : iterable of str
            Roles of the arms; ``treatment`` is what is tested, every other role a comparator.
        """
        outcomes = list(dict.fromkeys(name for names in conditions.values() for name in names))
        others = [role for role in dict.fromkeys(roles) if role != "treatment"]
        return replace(
            self,
            name="Trials in tables of one's own",
            treatment=Side("Treatment", "the treatment", "Treatment", ("treatment",)),
            comparators={role: self.comparator(role) for role in others},
            conditions={
                name: {"label": name.replace("_", " ").capitalize(), "outcomes": list(found)} for name, found in conditions.items()
            },
            outcomes={name: {"label": name.replace("_", " ")} for name in outcomes},
        )


NEUTRAL = Topic()


def load_topic(folder: Path) -> Topic:
    """Read the ``topic.yaml`` of a folder; without one, nothing is known and the neutral words hold.

    Parameters
    ----------
    folder : path
        Folder of evidence tables.

    Returns
    -------
    Topic

    Raises
    ------
    InputError
        When the file is not YAML or does not say what a topic needs.
    """
    path = Path(folder) / "topic.yaml"
    if not path.exists():
        return NEUTRAL
    given = read_yaml(path)
    known = [one.name for one in fields(Topic)]
    for key in given:
        if key not in known:
            raise InputError(f"topic.yaml: unknown entry {key!r}; known: {', '.join(known)}")
    for key in ("name", "treatment", "comparators", "conditions", "outcomes"):
        if not given.get(key):
            raise InputError(f"topic.yaml needs an entry {key!r}; `acuevidence init` writes a file to start from")
    if not isinstance(given["name"], str):
        raise InputError("topic.yaml: name must be text")
    parts: dict[str, Any] = shaped(path.name, given)
    for key in ("treatments", "components", "safety", "quality", "published", "figures"):
        parts[key] = _mapping(given.get(key) or {}, key)
    parts["treatment"] = _side("treatment", given["treatment"])
    parts["comparators"] = {
        str(key): _side(f"comparators.{key}", side) for key, side in _mapping(given["comparators"], "comparators").items()
    }
    for key in ("conditions", "outcomes"):
        parts[key] = {str(name): _labelled(f"{key}.{name}", about) for name, about in _mapping(given[key], key).items()}
    parts["columns"] = {
        str(table): tuple(
            _column(f"columns.{table}.{name}", str(name), about) for name, about in _mapping(columns, f"columns.{table}").items()
        )
        for table, columns in _mapping(given.get("columns") or {}, "columns").items()
    }
    for key in ("other_roles", "responders"):
        parts[key] = tuple(_texts(key, given.get(key) or []))
    for name, about in parts["conditions"].items():
        wanted = about.get("outcomes") or []
        unknown = [one for one in _texts(f"conditions.{name}.outcomes", wanted) if one not in parts["outcomes"]]
        if unknown:
            raise InputError(
                f"topic.yaml: conditions.{name}.outcomes must name outcomes of this file ({', '.join(parts['outcomes'])}), "
                f"not {', '.join(unknown)}"
            )
    _distinct_roles(parts["treatment"], parts["comparators"], parts["other_roles"])
    return Topic(**parts)


def topic_of(thing: Any) -> Topic:
    """Return the words that a frame, a result, a mapping of results or evidence carries; else the neutral ones.

    Parameters
    ----------
    thing : object
        Anything that may carry a topic.

    Returns
    -------
    Topic

    Examples
    --------
    >>> import acuevidence as ae
    >>> from acuevidence.topic import topic_of
    >>> topic_of(ae.trial_effects("neck_pain")).name
    'Acupuncture for chronic pain'
    """
    if isinstance(thing, Mapping):
        return next((topic for topic in map(topic_of, thing.values()) if topic is not NEUTRAL), NEUTRAL)
    for holder in (thing, getattr(thing, "data", None)):
        attrs = getattr(holder, "attrs", None)
        found = attrs.get("topic") if isinstance(attrs, dict) else getattr(holder, "topic", None)
        if isinstance(found, Topic):
            return found
    return NEUTRAL


def read_yaml(path: Path) -> dict[str, Any]:
    """Return the mapping that a YAML file holds; refuse anything else, with the line that is at fault."""
    import yaml

    try:
        given = yaml.safe_load(path.read_text(encoding="utf-8"))
    except UnicodeDecodeError as error:
        raise InputError(f"{path.name} is not text in UTF-8: {error}") from error
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        where = "" if mark is None else f" line {mark.line + 1}, column {mark.column + 1}"
        raise InputError(f"{path.name}{where} is not YAML: {error.problem or error.context}") from error
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise InputError(f"{path.name} is not YAML: {error}") from error
    if given is None:
        return {}
    if not isinstance(given, dict):
        raise InputError(f"{path.name} must hold entries of the form `name: value`, not {type(given).__name__}")
    counted_entries(given, path.name)
    return given


def _mapping(given: Any, where: str) -> Mapping[Any, Any]:
    if not isinstance(given, Mapping):
        raise InputError(f"topic.yaml: {where} must hold entries of the form `name: value`, not {given!r}")
    return given


def _texts(where: str, given: Any) -> list[str]:
    if not isinstance(given, list) or not all(isinstance(one, str) for one in given):
        raise InputError(f"topic.yaml: {where} must be a list of names, not {given!r}")
    return given


def _side(where: str, given: Any) -> Side:
    about = dict(_mapping(given, where))
    if "role" in about:
        about["roles"] = [about.pop("role")]
    known = [one.name for one in fields(Side)]
    for key in about:
        if key not in known:
            raise InputError(f"topic.yaml: {where} has an unknown entry {key!r}; known: {', '.join(known)}")
    for key in ("label", "phrase", "roles"):
        if not about.get(key):
            raise InputError(f"topic.yaml: {where} needs an entry {key!r}")
    for key in ("label", "phrase", "short", "kind", "colour"):
        if not isinstance(about.get(key, ""), str):
            raise InputError(f"topic.yaml: {where}.{key} must be text, not {about[key]!r}")
    if about.get("colour") and not re.fullmatch("#[0-9a-fA-F]{6}", about["colour"]):
        raise InputError(f'topic.yaml: {where}.colour must be six hexadecimal digits such as "#0072B2", not {about["colour"]!r}')
    if about.get("kind", "") not in _KINDS:
        raise InputError(f"topic.yaml: {where}.kind must be placebo, untreated or active, not {about['kind']!r}")
    for key in ("roles", "published"):
        about[key] = tuple(_texts(f"{where}.{key}", about.get(key, [])))
    about["types"] = {
        str(name): {
            str(column): tuple(_texts(f"{where}.types.{name}.{column}", values))
            for column, values in _mapping(wanted, f"{where}.types.{name}").items()
        }
        for name, wanted in _mapping(about.get("types", {}), f"{where}.types").items()
    }
    return Side(**{"short": about["label"], **about})


def _labelled(where: str, given: Any) -> Mapping[str, Any]:
    about = _mapping(given, where)
    if not isinstance(about.get("label"), str):
        raise InputError(f"topic.yaml: {where} needs an entry 'label'")
    return dict(about)


def _column(where: str, name: str, given: Any) -> Column:
    about = {"values": given} if isinstance(given, list) else {"type": given} if isinstance(given, str) else given
    about = dict(_mapping(about, where))
    known = [one.name for one in fields(Column)][1:]
    for key in about:
        if key not in known:
            raise InputError(f"topic.yaml: {where} has an unknown entry {key!r}; known: {', '.join(known)}")
    kind = about.get("type", "text")
    if kind not in _TYPES:
        raise InputError(f"topic.yaml: {where}.type must be one of {', '.join(_TYPES)}, not {kind!r}")
    lists = {key: tuple(_texts(f"{where}.{key}", about.get(key, []))) for key in ("values", "roles")}
    return Column(
        name,
        _TYPES[kind],
        lists["values"],
        bool(about.get("required", False)),
        lists["roles"],
        str(about.get("description", "")),
        str(about.get("unit", "")),
    )


def _distinct_roles(treatment: Side, comparators: Mapping[str, Side], others: tuple[str, ...]) -> None:
    roles = [*treatment.roles, *(role for side in comparators.values() for role in side.roles), *others]
    twice = sorted({role for role in roles if roles.count(role) > 1})
    if twice:
        raise InputError(f"topic.yaml: an arm in the role {', '.join(twice)} would stand on two sides; name each role once")
