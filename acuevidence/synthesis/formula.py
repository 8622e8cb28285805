"""Formulas to design matrices: moderators with names, refused when they cannot be told apart."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from acuevidence.errors import InputError
from acuevidence.inputs import choice, refuse

__all__ = ["columns_of", "design", "formula_of", "rows_for"]


def formula_of(moderators: Any, data: pd.DataFrame | None) -> str | None:
    """Return moderators as a formula: itself, or the sum of the columns of a list, with an intercept."""
    if moderators is None:
        return None
    if data is None:
        raise InputError("moderators need data= with their columns")
    if isinstance(moderators, str):
        return moderators
    if not len(moderators):
        raise InputError("moderators is empty; name a column, or leave it out")
    for name in moderators:
        choice("moderators (a column of data)", name, [str(column) for column in data.columns])
    return "~ " + " + ".join(name if name.isidentifier() else f"`{name}`" for name in moderators)


def columns_of(formula: str, data: pd.DataFrame) -> dict[str, pd.Series]:
    """Return the columns that a formula uses, by name; dates are refused."""
    import formulaic

    try:
        needed = formulaic.Formula(formula).required_variables
    except Exception as error:
        raise InputError(f"moderators={formula!r} cannot be read: {error}") from error
    for name in sorted(map(str, needed)):
        if name not in data:
            choice("moderator", name, [str(column) for column in data.columns])
        if pd.api.types.infer_dtype(data[name], skipna=True) in (
            "datetime64",
            "datetime",
            "date",
            "timedelta64",
            "timedelta",
            "period",
        ):
            raise InputError(f"moderator {name} holds dates; give a number, for example data[{name!r}].dt.year")
    return {name: data[name] for name in sorted(map(str, needed))}


def design(formula: str, data: pd.DataFrame) -> tuple[np.ndarray, tuple[str, ...]]:
    """Return the design matrix of a formulaic formula and the names of its terms.

    Raises
    ------
    InputError
        For a formula that cannot be read, missing moderators (named by row), moderators that follow from one another
        (named), or more coefficients than trials can tell.
    """
    X = _matrix(formula, data)
    values = X.to_numpy(dtype=float)
    for name, column in zip(X.columns, values.T, strict=True):
        refuse(~np.isfinite(column), f"moderators={formula!r}: {name} must be finite", column, data.index)
    empty = [name for name, column in zip(X.columns, values.T, strict=True) if not column.any()]
    if empty:
        raise InputError(f"moderators={formula!r}: no trial has {', '.join(empty)}; drop the level or the term")
    scaled = values / np.linalg.norm(values, axis=0)
    diagonal = np.abs(np.diag(np.linalg.qr(scaled)[1]))
    follows = [name for name, size in zip(X.columns, diagonal, strict=False) if size < 1e-9]
    if follows:
        raise InputError(f"moderators={formula!r}: {', '.join(follows)} follows from the terms before it; drop one")
    if len(X) <= X.shape[1]:
        raise InputError(f"moderators={formula!r} asks for {X.shape[1]} coefficients from {len(X)} trials; drop terms")
    return values, tuple(map(str, X.columns))


def rows_for(formula: str | None, data: pd.DataFrame, new: pd.DataFrame) -> np.ndarray:
    """Return rows of the design for new settings, coded as the data were."""
    import formulaic

    if formula is None:
        return np.ones((len(new), 1))
    _known_levels(formula, data, new)
    spec = formulaic.model_matrix(formula, data, na_action="raise").model_spec
    try:
        return np.asarray(spec.get_model_matrix(new), dtype=float)
    except Exception as error:
        raise InputError(f"new does not fit moderators={formula!r}: {error}") from error


def _known_levels(formula: str, data: pd.DataFrame, new: pd.DataFrame) -> None:
    """Refuse categories no trial has: formulaic would code them as the reference level."""
    import formulaic

    for name in sorted(map(str, formulaic.Formula(formula).required_variables)):
        if name not in data:
            continue
        if name not in new:
            raise InputError(f"new lacks the moderator {name}; give it a column of that name")
        words = not pd.api.types.is_numeric_dtype(data[name]) or f"C({name}" in formula.replace(" ", "")
        if words:
            refuse(~new[name].isin(data[name]).to_numpy(), f"{name} has a level that no trial has", new[name], new.index)


def _matrix(formula: str, data: pd.DataFrame) -> Any:
    import formulaic

    for name, column in columns_of(formula, data).items():
        refuse(column.isna().to_numpy(), f"moderator {name} is missing; give a value or leave the row out", column, data.index)
    try:
        return pd.DataFrame(formulaic.model_matrix(formula, data, na_action="raise"))
    except Exception as error:
        raise InputError(f"moderators={formula!r} cannot be used: {error}") from error
