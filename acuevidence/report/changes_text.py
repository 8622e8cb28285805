"""What a change of the evidence does, as people and programs read it: text, Markdown for a comment on a change, JSON."""

from __future__ import annotations

import json
import math
import textwrap
from collections.abc import Iterable
from typing import Any

import pandas as pd

from acuevidence.evidence.differences import Differences
from acuevidence.evidence.extractions import Extractions
from acuevidence.inputs import choice
from acuevidence.topic import Topic
from acuevidence.verdicts.changes import Changes
from acuevidence.words import count, interval

__all__ = ["changes_in_words", "extractions_in_words"]

_FORMATS = ("text", "markdown", "json")
_WIDTH = 132
_NAMED = 10  # trials that are named in a line


def changes_in_words(found: Changes, *, old: str, new: str, topic: Topic, form: str = "text") -> str:
    """Return changes as text, Markdown or JSON.

    Parameters
    ----------
    found : Changes
        From :func:`acuevidence.verdicts.changes.changes`.
    old, new : str
        What the two sides are called.
    topic : Topic
        The words of the review.
    form : {"text", "markdown", "json"}
        JSON holds every row and cell; text and Markdown count the rows, and name trials, effects and verdicts.
    """
    choice("format", form, _FORMATS)
    if form == "json":
        return json.dumps({"old": old, "new": new, **_plain(found)}, indent=1, ensure_ascii=False)
    page = _Page(form == "markdown")
    rules = (
        "each side by its own rules"
        if found.own_rules
        else "both sides by the rules of NEW (topic, selection, appraisal, claims, thresholds)"
    )
    page.head(f"What changes from {old} to {new}", 1)
    page.line(f"{_summary(found)} Judged {rules}.")
    _tables(page, found.rows)
    _effects(page, found, topic)
    _verdicts(page, found.claims)
    return page.text()


def extractions_in_words(found: Extractions, *, a: str, b: str, form: str = "text") -> str:
    """Return the differences of two extractions of the same trials: table, row, column and both values.

    Parameters
    ----------
    found : Extractions
        From :func:`acuevidence.evidence.extractions.extractions`.
    a, b : str
        What the two extractions are called.
    form : {"text", "markdown", "json"}
        How it is written.
    """
    choice("format", form, _FORMATS)
    unlike, alone = found.differences, {"A": found.only_a, "B": found.only_b}
    if form == "json":
        trials = {f"trials_only_in_{side.lower()}": list(names) for side, names in alone.items()}
        return json.dumps({"a": a, "b": b, **trials, **_differences(unlike)}, indent=1, ensure_ascii=False)
    page = _Page(form == "markdown")
    page.head(f"A: {a}, B: {b}", 1)
    for side, names in alone.items():
        if names:
            more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
            page.line(f"{count(len(names), 'trial')} only in {side}: {', '.join(names[:_NAMED])}{more}.")
    page.head("Differences", 2)
    rows = []
    for one in unlike.cells.itertuples():
        if one.change == "changed":
            rows.append((one.table, one.row, one.column, one.old or "(empty)", one.new or "(empty)", one.line_old, one.line_new))
        else:
            in_a, in_b = ("there", "no such row") if one.change == "went" else ("no such row", "there")
            rows.append((one.table, one.row, "", in_a, in_b, one.line_old, one.line_new))
    if rows:
        page.table(("table", "row", "column", "A", "B", "line of A", "line of B"), rows)
    else:
        page.line("None.")
    for one in unlike.filled.itertuples():
        page.line(f"{one.table}.{one.column} is filled only in {'A' if one.old else 'B'} ({count(one.old or one.new, 'cell')}).")
    page.head("Rows of the trials in both", 2)
    page.table(
        ("table", "in A", "in B", "only in A", "only in B", "differ", "agree"),
        [(one.table, one.old, one.new, one.went, one.came, one.changed, one.same) for one in unlike.counts.itertuples()],
    )
    return page.text()


def _summary(found: Changes) -> str:
    """Return in a sentence how much changed."""
    trials = found.rows.counts.set_index("table").loc["trials"]
    of = {part: int((found.effects[f"old_{part}"] != found.effects[f"new_{part}"]).sum()) for part in ("state", "certainty")}
    moved = int(found.effects["changed"].sum())
    return (
        f"{count(trials['came'], 'trial')} came, {trials['went']} went, {trials['changed']} changed; of "
        f"{count(len(found.effects), 'pooled effect')} {moved} changed ({of['state']} in state, {of['certainty']} in certainty); of "
        f"{count(len(found.claims), 'verdict')} {int(found.claims['changed'].sum())} changed."
    )


def _tables(page: _Page, found: Differences) -> None:
    page.head("Rows of the tables", 2)
    page.table(
        ("table", "old", "new", "came", "went", "changed", "same"),
        [tuple(row) for row in found.counts.itertuples(index=False) if row.old or row.new],
    )
    filled = [f"{one.table}.{one.column} ({one.old or one.new})" for one in found.filled.itertuples()]
    if filled:
        page.line(f"Columns that only one side fills, with their cells: {', '.join(filled)}.")


def _effects(page: _Page, found: Changes, topic: Topic) -> None:
    effects = found.effects
    moved = [row for row in effects.itertuples() if row.changed or _touched(found, row)]
    page.head(f"Pooled effects: {len(moved)} of {len(effects)} changed", 2)
    cells = found.rows.cells
    for row in moved:
        name = _pool_name(row, topic)
        page.head(name, 3)
        if row.old_k != row.new_k or _side(row, "old") != _side(row, "new"):
            page.item(f"{_side(row, 'old')}  ->  {_side(row, 'new')}")
        else:
            page.item(f"as before: {_side(row, 'new')}")
        of = found.trials[(found.trials["condition"] == row.condition) & (found.trials["group"] == row.group)]
        for change in ("came", "went", "changed"):
            listed = [_trial(one) for one in of[of["change"] == change].itertuples()]
            if listed:
                page.item(f"{change} ({len(listed)}):")
                page.items(listed)
        same = of.loc[of["change"] == "same", "study"].tolist()
        if same:
            page.item(f"same ({len(same)}): {', '.join(same)}")
    still = [
        f"{_pool_name(row, topic)}: {_side(row, 'new')}"
        for row in effects.itertuples()
        if not (row.changed or _touched(found, row))
    ]
    page.head(f"Pooled effects not changed: {len(still)}", 3)
    page.items(still)
    figures = cells[cells["table"].isin(["results", "contrasts"])]
    if len(figures):
        page.head("Figures by condition", 3)
        by = (
            figures.drop_duplicates(["table", "change", "row", "line_old", "line_new"])
            .groupby(["condition", "table", "change"])
            .size()
        )
        wide = by.unstack("change", fill_value=0).reindex(columns=["came", "went", "changed"], fill_value=0)
        page.table(
            ("condition", "table", "came", "went", "changed"),
            [(*map(str, at), *map(int, n)) for at, n in zip(wide.index, wide.to_numpy(), strict=True)],
        )


def _touched(found: Changes, row: Any) -> bool:
    of = found.trials[(found.trials["condition"] == row.condition) & (found.trials["group"] == row.group)]
    return bool((of["change"] != "same").any())


def _pool_name(row: Any, topic: Topic) -> str:
    comparator, _, population = row.group.partition(", ")
    return f"{row.label} v {topic.comparator(comparator).phrase}" + (f", {population}" if population else "")


def _side(row: Any, side: str) -> str:
    """Return what one side prints of a pool."""
    get = {name: getattr(row, f"{side}_{name}") for name in ("k", "estimate", "ci_low", "ci_high", "method", "state", "certainty")}
    if not get["k"]:
        return "no trial"
    held = get["estimate"] is not None and not math.isnan(get["estimate"])
    number = interval(get["estimate"], get["ci_low"], get["ci_high"]) if held else str(get["method"])
    return f"k {get['k']}: {number}; {get['state']}; certainty {get['certainty']}"


def _trial(one: Any) -> str:
    parts = [f"{yi:.2f} (se {se:.2f})" for yi, se in ((one.old_yi, one.old_se), (one.new_yi, one.new_se)) if not math.isnan(yi)]
    return f"{one.study} {' -> '.join(parts)}" + (f": {one.why}" if one.why else "")


def _verdicts(page: _Page, claims: pd.DataFrame) -> None:
    moved = claims[claims["changed"]]
    page.head(f"Verdicts: {len(moved)} of {len(claims)} changed", 2)
    rows = [
        (row.id, _verdict(row.old_verdict, row.old_certainty), _verdict(row.new_verdict, row.new_certainty))
        for row in moved.itertuples()
    ]
    if rows:
        page.table(("claim", "old", "new"), rows)
    still = [f"{row.id} ({_verdict(row.new_verdict, row.new_certainty)})" for row in claims[~claims["changed"]].itertuples()]
    page.line(f"Not changed: {', '.join(still) or 'none'}.")


def _verdict(verdict: Any, certainty: Any) -> str:
    if verdict is None:
        return "not asked"
    return str(verdict) if certainty is None or certainty != certainty else f"{verdict}, {certainty}"


class _Page:
    """Lines of text, or of Markdown."""

    def __init__(self, markdown: bool):
        self._markdown, self._lines = markdown, list[str]()

    def head(self, text: str, level: int) -> None:
        under = {1: "=", 2: "-"}
        marked = [f"{'#' * level} {text}"] if self._markdown else [text, *([under[level] * len(text)] if level in under else [])]
        self._lines += ["", *marked, *([""] if self._markdown else [])]

    def line(self, text: str) -> None:
        if text:
            self._lines += [text if self._markdown else textwrap.fill(text, _WIDTH), ""]

    def item(self, text: str) -> None:
        self._lines += (
            [f"- {text}"] if self._markdown else textwrap.wrap(text, _WIDTH, initial_indent="  ", subsequent_indent="    ")
        )

    def items(self, texts: Iterable[str]) -> None:
        for text in texts:
            self._lines += (
                [f"  - {text}"]
                if self._markdown
                else textwrap.wrap(text, _WIDTH, initial_indent="    ", subsequent_indent="      ")
            )

    def table(self, heads: tuple[str, ...], rows: Iterable[tuple[Any, ...]]) -> None:
        cells = [[str(cell) for cell in row] for row in rows]
        if self._markdown:
            made = [[cell.replace("|", "\\|") for cell in row] for row in (heads, *cells)]
            lines = [f"| {' | '.join(row)} |" for row in made]
            self._lines += [lines[0], "|" + "---|" * len(heads), *lines[1:], ""]
            return
        wide = [max(len(row[i]) for row in (heads, *cells)) for i in range(len(heads))]
        self._lines += ["  ".join(cell.ljust(w) for cell, w in zip(row, wide, strict=True)).rstrip() for row in (heads, *cells)]
        self._lines.append("")

    def text(self) -> str:
        return "\n".join(self._lines).strip("\n")


def _plain(found: Changes) -> dict[str, Any]:
    return {
        "own_rules": found.own_rules,
        "rows": _differences(found.rows),
        **{name: _records(getattr(found, name)) for name in ("trials", "effects", "claims")},
    }


def _differences(found: Differences) -> dict[str, Any]:
    return {name: _records(getattr(found, name)) for name in ("counts", "cells", "filled")}


def _records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    return [
        {
            str(name): None if cell is None or cell != cell else cell.item() if hasattr(cell, "item") else cell
            for name, cell in row.items()
        }
        for row in frame.astype(object).to_dict("records")
    ]
