"""The text columns of a forest plot: those that the data call for, and the user's own."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from textwrap import shorten
from typing import Any

import numpy as np
import pandas as pd

from acuevidence import words
from acuevidence.errors import InputError
from acuevidence.plots.parts.canvas import Column
from acuevidence.plots.parts.style import RATING
from acuevidence.topic import Topic

__all__ = ["columns_for", "key_to_columns", "quality_columns"]

_NOTHING = "–"
_LONG = 24  # letters of an instrument's name that are printed
_OWN = ("effect", "weight")
_P_VALUE = re.compile(r"p([ _-]?(val(ue)?))?", re.IGNORECASE)
_SIGNS = "+ met, − not met, ? not known"


def columns_for(
    data: pd.DataFrame, given: Sequence[str | Column] | None, quality: pd.DataFrame | None, arms: str, single: bool, topic: Topic
) -> list[Column]:
    """Return the columns with one text a trial, in the order of ``data``.

    Raises
    ------
    InputError
        For a column that the data do not have, that has not one text a trial, or whose name is taken; for ratings other
        than the three signs, two rows for a trial, or none of the trials drawn.
    """
    if given is None:
        found = [column for column in _filled([] if single else _default(data, arms, topic), data) if _says_something(column)]
    else:
        named = [Column(_heading(one), one) if isinstance(one, str) else one for one in given]
        found = _filled(named, data)
    found += _filled([] if quality is None else quality_columns(_checked(quality, data))[0], data)
    for key, times in Counter([*_OWN, *(column.key for column in found)]).items():
        if times > 1:
            raise InputError(f"columns: {key!r} is there {times} times; give each column a title of its own")
    return found


def key_to_columns(data: pd.DataFrame, columns: list[Column], quality: pd.DataFrame | None) -> str:
    """Return what the marks and letters in the columns mean, where they occur."""
    said = ""
    shown = {column.title for column in columns}
    if "Instrument" in shown and "statistic" in data and (data["statistic"] == "change").any():
        said += " Δ: change from baseline."
    if "Week" in shown and "week" in data:
        said += " Week since randomisation" + ("; end: at the end of treatment." if data["week"].isna().any() else ".")
    return said + ("" if quality is None else quality_columns(quality)[1])


def quality_columns(quality: pd.DataFrame) -> tuple[list[Column], str]:
    """Return a column of dots for every domain, headed by letters where names are long, and the key to both."""
    names = [str(name) for name in quality.columns]
    long = max(map(len, names), default=0) > 3
    heads = [chr(ord("A") + i) for i in range(len(names))] if long and len(names) <= 26 else names
    columns = [
        Column(head, partial(_ratings, quality[name]), side="right", align="center", over="Quality", dots=True)
        for head, name in zip(heads, quality.columns, strict=True)
    ]
    letters = "; ".join(f"{head}: {name}" for head, name in zip(heads, names, strict=True)) + "; " if long else ""
    return columns, f" Quality: {letters}{_SIGNS}."


def _heading(name: str) -> str:
    return name.replace("_", " ").capitalize()


def _says_something(column: Column) -> bool:
    return any(text != _NOTHING for text in column.values)


def _default(data: pd.DataFrame, arms: str, topic: Topic) -> list[Column]:
    found = []
    two = (topic.treatment, topic.comparator())
    arm, short = [side.label for side in two], [side.short or side.label for side in two]
    if {"events1", "n1", "events2", "n2"} <= set(data.columns) and "mean1" not in data:
        for side, over in enumerate(arm, 1):
            found += [
                Column("Events", f"events{side}", over=over, total=f"events{side}"),
                Column("n", f"n{side}", over=over, total=f"n{side}"),
            ]
    elif {"n1", "n2"} <= set(data.columns):
        if arms == "summary" and {"mean1", "sd1", "events1"} <= set(data.columns):
            for side, over in enumerate(arm, 1):
                found += [
                    Column("Mean (SD)", partial(_arm_summary, side), over=over),
                    Column("n", f"n{side}", over=over, total=f"n{side}"),
                ]
        else:
            found += [
                Column(short[0], "n1", over="Participants", total="n1"),
                Column(short[1], "n2", over="Participants", total="n2"),
            ]
    if "instrument" in data:
        found.append(Column("Instrument", _instruments, align="left"))
    if "week" in data:
        found.append(Column("Week", _weeks))
    return found


def _arm_summary(side: int, data: pd.DataFrame) -> list[str]:
    """Return each arm's mean (SD), or its events, as printed; a dash where the effect comes from a contrast."""

    def one(mean: Any, sd: Any, events: Any) -> str:
        if pd.notna(events):
            return f"{events:.0f} events"
        return _NOTHING if pd.isna(mean) else f"{_short(mean)} ({_short(sd)})"

    cells = (data[f"{name}{side}"] for name in ("mean", "sd", "events"))
    return [one(*row) for row in zip(*cells, strict=True)]


def _short(value: float) -> str:
    return (f"{value:.0f}" if abs(value) >= 100 else f"{value:.1f}").replace("-", "−")


def _instruments(data: pd.DataFrame) -> list[str]:
    """Return the instrument's short name, marked where changes from baseline are compared."""
    changed = data["statistic"] == "change" if "statistic" in data else pd.Series(False, index=data.index)
    names = (
        data["instrument"].astype(object).map(lambda name: name if pd.isna(name) else shorten(str(name), _LONG, placeholder="…"))
    )
    return [
        _NOTHING if pd.isna(name) else f"{name}, Δ" if change else str(name) for name, change in zip(names, changed, strict=True)
    ]


def _weeks(data: pd.DataFrame) -> list[str]:
    """Return the printed week, or the words that stand for it."""
    words = data["timing"] if "timing" in data else pd.Series("", index=data.index)
    said = {"end_of_treatment": "end"}
    return [f"{week:.10g}" if pd.notna(week) else said.get(word, _NOTHING) for week, word in zip(data["week"], words, strict=True)]


def _ratings(rating: pd.Series, data: pd.DataFrame) -> list[str]:
    names = _rated_by(data)
    return list(names.map(rating).fillna("?"))


def _rated_by(data: pd.DataFrame) -> pd.Series:
    """Return what ratings know the trials by."""
    for name in ("trial_id", "labels"):
        if name in data:
            return data[name]
    return data.index.to_series()


def _checked(quality: pd.DataFrame, data: pd.DataFrame) -> pd.DataFrame:
    if not quality.index.is_unique:
        twice = quality.index[quality.index.duplicated()][0]
        raise InputError(f"quality has more than one row for {twice!r}; give one row a trial")
    if wrong := sorted({str(value) for value in quality.to_numpy().ravel() if not pd.isna(value)} - set(RATING)):
        raise InputError(f"quality: ratings must be '+', '-' or '?', not {wrong[0]!r}")
    names = _rated_by(data)
    if len(data) and len(quality) and not names.isin(quality.index).any():
        raise InputError(f"quality rates none of the trials drawn; its index must hold their names, such as {names.iloc[0]!r}")
    return quality


def _filled(columns: Sequence[Column], data: pd.DataFrame) -> list[Column]:
    filled = []
    for column in columns:
        values = column.values
        if isinstance(values, str) and values not in data:
            raise InputError(f"columns: the data have no column {values!r}; they have {', '.join(map(str, data.columns))}")
        cells = values(data) if callable(values) else data[values] if isinstance(values, str) else list(values)
        if len(cells) != len(data):
            raise InputError(f"column {column.title!r} has {len(cells)} texts for {len(data)} trials; give one a trial")
        if _P_VALUE.fullmatch(values if isinstance(values, str) else column.title):
            texts = [
                words.p(float(value)) if isinstance(value, (float, np.floating)) and value == value else _text(value, None)
                for value in cells
            ]
        else:
            digits = _digits(cells) if column.digits is None else column.digits
            texts = [_text(value, digits) for value in cells]
            if _years(cells):
                texts = [text.replace(",", "") for text in texts]
        filled.append(replace(column, values=texts))
    return filled


def _years(cells: Any) -> bool:
    """Whether numbers are years: all whole, and of the last centuries."""
    numbers = [v for v in cells if isinstance(v, (int, float, np.integer, np.floating)) and not pd.isna(v)]
    return bool(numbers) and all(1800 <= v <= 2100 and v == int(v) for v in numbers)


def _digits(cells: Any) -> int | None:
    """Return the decimals of numbers that were computed, three figures of a typical one; None: as many as they have."""
    numbers = [float(v) for v in cells if isinstance(v, (float, np.floating)) and np.isfinite(v)]
    if all(round(v, 3) == v for v in numbers):
        return None
    typical = float(np.median(np.abs([v for v in numbers if v])))
    return int(np.clip(2 - np.floor(np.log10(typical)), 0, 8))


def _text(value: Any, digits: int | None) -> str:
    if pd.isna(value):
        return _NOTHING
    if isinstance(value, (int, float, np.integer, np.floating)) and not isinstance(value, bool):
        return (f"{value:,.10g}" if digits is None else f"{value:,.{digits}f}").replace("-", "−")
    return str(value)
