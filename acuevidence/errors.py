"""The package's errors: every one is a ValueError that names what was given, where, and what would be right."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["AcuevidenceError", "ConvergenceError", "EvidenceError", "InputError", "MissingExtraError", "UnknownKeyError"]


class AcuevidenceError(ValueError):
    """Base of every error this package raises on purpose."""


class InputError(AcuevidenceError):
    """An argument cannot be used; the message names the argument, the row, the value and the fix."""


class ConvergenceError(AcuevidenceError):
    """An estimator has no answer for these data; the message says which one does."""


class UnknownKeyError(InputError, KeyError):
    """A result holds no such group. It is a KeyError too, so that ``in`` and ``get`` work as they do for a dict.

    Parameters
    ----------
    what : str
        What the keys are, for example ``"comparator"``.
    key : object
        The one asked for.
    known : iterable of str
        Those there are.
    """

    def __init__(self, what: str, key: Any, known: Iterable[str]):
        names = list(known)
        close = get_close_matches(str(key), names, n=1)
        hint = f"; did you mean {close[0]!r}?" if close else ""
        super().__init__(f"there is no {what} {key!r}{hint} (one of: {', '.join(names)})")

    def __str__(self) -> str:
        return str(self.args[0])


class MissingExtraError(InputError):
    """What is asked for needs a package that is not installed; the message holds the command that installs it.

    Parameters
    ----------
    what : str
        What was asked for, as the subject of a sentence: ``"HTML"``, ``"interactive charts"``.
    package : str
        Name of the package that is missing.
    extra : str
        The set of optional packages it belongs to.
    """

    def __init__(self, what: str, package: str, extra: str):
        super().__init__(f"for {what}, {package} must be installed: pip install 'acuevidence[{extra}]'")
        self.package, self.extra = package, extra


class EvidenceError(AcuevidenceError):
    """Evidence tables break their schema.

    Attributes
    ----------
    failures : pandas.DataFrame
        One row per offending cell: ``table, row, column, value, problem, allowed``.
        ``row`` is the line in the CSV file (the header is line 1).
    """

    def __init__(self, message: str, failures: pd.DataFrame):
        super().__init__(message)
        self.failures = failures
