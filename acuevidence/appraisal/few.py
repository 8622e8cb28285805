"""What is said of few trials: which methods refuse them, and what a result notes."""

from __future__ import annotations

from acuevidence.errors import InputError
from acuevidence.synthesis.effect import PooledEffect

__all__ = ["few_trials", "refuse_few"]


def refuse_few(result: PooledEffect, what: str) -> None:
    """Raise an InputError unless the result pools three trials or more without moderators."""
    if result.X is not None:
        raise InputError(f"{what} is for a pooled effect; this result has moderators ({result.formula})")
    if result.k < 3:
        raise InputError(f"{what} needs at least 3 trials; this result has {result.k}")


def few_trials(result: PooledEffect, consequence: str) -> tuple[str, ...]:
    """Return the warning that belongs to fewer than ten trials, if any."""
    if result.k >= 10:
        return ()
    return (f"{result.k} trials: with fewer than 10, {consequence}.",)
