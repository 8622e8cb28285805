"""A function of a later room, bound like a method: named where it is needed, loaded when it is asked for."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from types import MethodType
from typing import Any, Concatenate, Generic, ParamSpec, TypeVar

__all__ = ["Drawn", "Later", "Room"]

P = ParamSpec("P")
R = TypeVar("R")


class Later:
    """A function that a class has as its method before the function's module is loaded.

    Parameters
    ----------
    module, name : str
        Where the function stands; its first argument is the object.
    """

    __slots__ = ("module", "name")

    def __init__(self, module: str, name: str) -> None:
        self.module, self.name = module, name

    def __get__(self, instance: object, owner: type | None = None) -> Any:
        function = self.function()
        return function if instance is None else MethodType(function, instance)

    def function(self) -> Callable[..., Any]:
        """Return the function, after loading its module."""
        found: Callable[..., Any] = getattr(import_module(self.module), self.name)
        return found


class Room:
    """A module that is imported when one of the functions named of it is called.

    Parameters
    ----------
    module : str
        Its full name.
    """

    __slots__ = ("_module",)

    def __init__(self, module: str) -> None:
        self._module = module

    def __getattr__(self, name: str) -> Later:
        if name.startswith("_"):
            raise AttributeError(name)
        return Later(self._module, name)


class Drawn(Generic[P, R]):
    """A function of a result as a member of an accessor: called on the result that stands behind it, ``accessor.result``.

    Parameters
    ----------
    function : callable or Later
        Takes the result first.
    """

    __slots__ = ("_function",)

    def __init__(self, function: Callable[Concatenate[Any, P], R]) -> None:
        self._function = function

    def __get__(self, instance: Any, owner: type | None = None) -> Callable[P, R]:
        function: Any = self._function.function() if isinstance(self._function, Later) else self._function
        return function if instance is None else MethodType(function, instance.result)
