"""What a public function asks of its arguments, said once: their kinds are its annotations, rules go with their names.

Knows no class of the package: a kind is the name of a class, so that nothing is imported to check an argument.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping
from functools import wraps
from inspect import Parameter, signature
from numbers import Integral, Real
from os import PathLike
from typing import Any, ParamSpec, TypeVar

import numpy as np

from acuevidence.errors import InputError
from acuevidence.inputs import brief, choice, frame, level

__all__ = ["guard", "guarded"]

P = ParamSpec("P")
R = TypeVar("R")

_MOST = 10**8  # draws or rows at once
_COLUMNS = ("yi", "vi", "se", "study", "trial_id")  # defaults that name a column of data

_WORDS = {
    "str": "text",
    "int": "a whole number",
    "float": "a number",
    "bool": "True or False",
    "None": "None",
    "Path": "a path",
    "Sequence": "a list",
    "Iterable": "a list",
    "Callable": "a function",
    "Mapping": "a dict",
    "dict": "a dict",
    "PooledEffect": "a MetaAnalysis",
    "NetworkEffects": "a NetworkMetaAnalysis",
    "Axes": "Axes of matplotlib",
}


def guarded(function: Callable[P, R]) -> Callable[P, R]:
    """Return the function with its arguments checked by their annotations and names, as every public function does.

    Parameters
    ----------
    function : callable
        Its annotations say which kinds its arguments may have (``Any`` allows every one). ``level`` must lie between 0
        and 1, ``data`` becomes a pandas DataFrame, ``seed`` is 0 or more, whole numbers called ``n`` or ``chunk`` are 1 or
        more, ``digits`` 0 to 10, ``upper`` and ``size`` positive, ``limits`` rise.

    Returns
    -------
    callable
        It raises an :class:`InputError` that names the argument and what would be right, also for arguments that the
        function does not have or that it lacks.

    Examples
    --------
    >>> @guarded
    ... def interval(estimate: float, *, level: float = 0.95) -> float:
    ...     return estimate * level
    >>> interval(0.3, level=95)
    Traceback (most recent call last):
    acuevidence.errors.InputError: level must lie between 0 and 1 (0.95 for 95 %), not 95; write 0.95 in place of 95
    >>> interval(0.3, lvel=0.9)
    Traceback (most recent call last):
    acuevidence.errors.InputError: interval() has no argument 'lvel'; did you mean 'level'? (one of: estimate, level)
    """
    form = signature(function)
    own = getattr(function, "__globals__", {})
    aliases = {name for name, value in own.items() if name[:1].isupper() and not isinstance(value, type)}
    tests = {name: test for name, parameter in form.parameters.items() if (test := _test(parameter, aliases)) is not None}

    @wraps(function)
    def call(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            bound = form.bind(*args, **kwargs)
        except TypeError as error:
            raise _misfit(function.__name__, form.parameters, kwargs, error) from None
        for name, value in bound.arguments.items():
            if name in tests:
                bound.arguments[name] = tests[name](value)
        return function(*bound.args, **bound.kwargs)

    return call


def guard(module: str, *names: str) -> None:
    """Guard public functions of a module, at its end: a decorator would hide their types from checkers where modules know each other.

    Parameters
    ----------
    module : str
        Its ``__name__``.
    *names : str
        The functions.
    """
    space = vars(sys.modules[module])
    space.update({name: guarded(space[name]) for name in names})


def _test(parameter: Parameter, aliases: set[str]) -> Callable[[Any], Any] | None:
    """Return what checks an argument and gives it back as the function wants it; None where nothing is asked.

    Of a kind that the function's module gives a name of its own (an alias), nothing is asked here.
    """
    if parameter.kind in (Parameter.VAR_POSITIONAL, Parameter.VAR_KEYWORD) or parameter.annotation is Parameter.empty:
        return None
    name, kinds = parameter.name, tuple(_parts(str(parameter.annotation), "|"))
    optional = "None" in kinds
    rule = _RULES.get((name, next((kind for kind in kinds if kind != "None"), "")), _RULES.get((name, "")))
    needed = kinds == ("Any",) and parameter.default in (Parameter.empty, name, *_COLUMNS)
    if rule is None and not needed and ("Any" in kinds or not aliases.isdisjoint(kinds)):
        return None

    def test(value: Any) -> Any:
        if needed and value is None:
            raise InputError(f"{name} is needed, not None")
        if needed or (value is None and (optional or "Any" in kinds)):
            return value
        if rule is not None and value is not None:
            return rule(name, value)
        if not any(_is(value, kind) for kind in kinds):
            raise InputError(_refusal(name, value, kinds))
        whole = "int" in kinds and "float" not in kinds and isinstance(value, Real) and not isinstance(value, bool)
        return int(value) if whole else value

    return test


def _is(value: Any, kind: str) -> bool:
    outer, _, inner = kind.partition("[")
    outer = outer.rpartition(".")[2]
    if outer == "Literal":
        return isinstance(value, str) and value in _literals(inner)
    if outer in _SIMPLE:
        return _SIMPLE[outer](value) and _fits_inside(value, outer, inner.removesuffix("]"))
    return outer in (base.__name__ for base in type(value).__mro__)


def _literals(inner: str) -> list[str]:
    """Return the texts that an annotation allows."""
    return [part.strip("\"'") for part in _parts(inner.removesuffix("]"), ",")]


def _fits_inside(value: Any, outer: str, inner: str) -> bool:
    """Whether the entries of a list or tuple are of the kinds in the brackets; what is not at hand yet is not asked."""
    kinds = _parts(inner, ",")
    if outer in ("Mapping", "dict") and len(kinds) == 2:
        return all(_allowed(one, kinds[1]) for one in value.values())
    if not inner or outer not in ("tuple", "list", "Sequence", "Iterable") or not hasattr(value, "__len__"):
        return True
    if outer == "tuple" and kinds[-1] != "...":
        return len(value) == len(kinds) and all(_allowed(one, kind) for one, kind in zip(value, kinds, strict=True))
    return all(_allowed(one, kinds[0]) for one in value)


def _allowed(value: Any, kind: str) -> bool:
    return kind == "Any" or any(_is(value, part) for part in _parts(kind, "|"))


def _listed(value: Any) -> bool:
    return isinstance(value, Iterable) and not isinstance(value, (str, bytes, Mapping, set, frozenset))


def _whole(value: Any) -> bool:
    real = isinstance(value, Real) and not isinstance(value, (bool, np.bool_))
    return real and (isinstance(value, Integral) or float(value).is_integer())


_SIMPLE: dict[str, Callable[[Any], bool]] = {
    "str": lambda value: isinstance(value, str),
    "bool": lambda value: isinstance(value, (bool, np.bool_)),
    "int": _whole,
    "float": lambda value: isinstance(value, Real) and not isinstance(value, (bool, np.bool_)) and value == value,
    "None": lambda value: value is None,
    "Path": lambda value: isinstance(value, PathLike),
    "tuple": _listed,
    "list": _listed,
    "Sequence": _listed,
    "Iterable": lambda value: _listed(value) or isinstance(value, (set, frozenset)),
    "Mapping": lambda value: isinstance(value, Mapping),
    "dict": lambda value: isinstance(value, Mapping),
    "Callable": callable,
    "Progress": callable,
}


def _refusal(name: str, value: Any, kinds: tuple[str, ...]) -> str:
    said = " or ".join(_words(kind) for kind in kinds if kind != "None")
    hint = ""
    if isinstance(value, Mapping) and (key := next((k for k, one in value.items() if any(_is(one, kind) for kind in kinds)), None)):
        hint = f"; choose one of its groups, for example {name}[{key!r}]"
    return f"{name} must be {said}, not {brief(value)}{hint}"


def _words(kind: str) -> str:
    outer, _, inner = kind.partition("[")
    outer = outer.rpartition(".")[2]
    parts = _parts(inner.removesuffix("]"), ",") if inner else []
    if outer == "Literal":
        return " or ".join(map(repr, _literals(inner)))
    if outer == "tuple" and parts and parts[-1] != "...":
        return f"({', '.join(map(_words, parts))})"
    if outer in ("Mapping", "dict") and len(parts) == 2 and parts[1] != "Any":
        return f"a dict whose values are {' or '.join(map(_words, _parts(parts[1], '|')))}"
    of = f" of which each is {' or '.join(_words(part) for part in _parts(parts[0], '|'))}" if parts else ""
    if outer in ("Sequence", "Iterable", "list", "tuple"):
        return "a list" + ("" if parts[:1] in ([], ["Any"]) else of)
    return _WORDS.get(outer, f"a {outer}")


def _parts(text: str, mark: str) -> list[str]:
    """Split an annotation at a mark that stands in no brackets."""
    parts, depth = [""], 0
    for letter in text:
        depth += (letter == "[") - (letter == "]")
        if letter == mark and depth == 0:
            parts.append("")
        else:
            parts[-1] += letter
    return [part.strip() for part in parts if part.strip()]


def _misfit(name: str, parameters: Mapping[str, Parameter], given: Mapping[str, Any], error: TypeError) -> InputError:
    known = [one for one, parameter in parameters.items() if parameter.kind is not Parameter.VAR_KEYWORD and one != "self"]
    for argument in given:
        if argument not in parameters:
            try:
                choice("argument", argument, known)
            except InputError as refusal:
                said = str(refusal).partition(" is not known")[2]
                return InputError(f"{name}() has no argument {argument!r}{said}")
    return InputError(f"{name}(): {error}; its arguments are {', '.join(known)}")


def _seed(name: str, value: Any) -> int:
    if _whole(value) and value >= 0:
        return int(value)
    raise InputError(f"{name} must be a whole number of 0 or more, not {brief(value)}")


def _count(name: str, value: Any) -> int:
    if _whole(value) and 1 <= value <= _MOST:
        return int(value)
    raise InputError(f"{name} must be a whole number from 1 to {_MOST:,}, not {brief(value)}")


def _digits(name: str, value: Any) -> int:
    if _whole(value) and 0 <= value <= 10:
        return int(value)
    raise InputError(f"{name} must be a whole number from 0 to 10, not {brief(value)}")


def _rising(name: str, value: Any) -> tuple[float, float]:
    if _is(value, "tuple[float, float]") and np.isfinite(value).all() and value[0] < value[1]:
        return float(value[0]), float(value[1])
    raise InputError(f"{name} must be two numbers, the lower first, for example (-1, 1), not {brief(value)}")


def _positive(name: str, value: Any) -> float:
    if _is(value, "float") and 0 < value < np.inf:
        return float(value)
    raise InputError(f"{name} must be a positive number, not {brief(value)}")


# By name and first kind of the annotation ("" for any): what a kind alone does not say.
_RULES: dict[tuple[str, str], Callable[[str, Any], Any]] = {
    ("level", ""): lambda name, value: level(value, name),
    ("alpha", "float"): lambda name, value: level(value, name),
    ("new", "pd.DataFrame"): lambda name, value: frame(value, name),
    ("data", "pd.DataFrame"): lambda name, value: frame(value, name),
    ("seed", ""): _seed,
    ("n", "int"): _count,
    ("chunk", "int"): _count,
    ("limits", ""): _rising,
    ("digits", "int"): _digits,
    ("upper", "float"): _positive,
    ("size", "float"): _positive,
}
