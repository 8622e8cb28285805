"""Answers to claims as people read them: a table for the terminal, Markdown, and JSON."""

from __future__ import annotations

import json
import shutil
import textwrap

import pandas as pd

__all__ = ["to_json", "to_markdown", "to_text"]

_PARTS = {
    "estimates": "Estimates",
    "reasons": "Why",
    "needed": "Needed to tell",
    "flip": "What a new trial would change",
    "published": "Published elsewhere",
}


def to_text(answers: pd.DataFrame, *, full: bool = False, width: int | None = None) -> str:
    """Return the answers as plain text for a terminal.

    Parameters
    ----------
    answers : DataFrame
        As :func:`acuevidence.evaluate_claims` gives them.
    full : bool
        Whether estimates, reasons, what is needed and published results follow each answer.
    width : int, optional
        Columns of the terminal. Default: its own.

    Returns
    -------
    str
        Two or three lines a claim, or all of it.
    """
    width = max(60, width or shutil.get_terminal_size((100, 24)).columns)
    ids = max(map(len, answers["id"]), default=0) + 2
    verdict = max(map(len, answers["verdict"]), default=0) + 2
    lines = [] if full else [f"{'claim':<{ids}}{'verdict':<{verdict}}certainty"]
    for row in answers.itertuples():
        lines.append(f"{row.id:<{ids}}{row.verdict:<{verdict}}{_rated(row.certainty)}")
        lines += _wrapped(row.claim, width) + _wrapped(f"-> {row.answer}", width)
        for name, title in _PARTS.items() if full else ():
            parts = [part for part in getattr(row, name).split("\n") if part]
            if parts:
                lines += [
                    "",
                    f"  {title}:",
                    *(line for part in parts for line in _wrapped(f"- {part}", width, hanging="    ")),
                ]
        if full and row.figure:
            lines += ["", f"  Figure: {row.figure}"]
        lines.append("")
    return "\n".join(lines).rstrip()


def to_markdown(answers: pd.DataFrame) -> str:
    """Return the answers of :func:`acuevidence.evaluate_claims` as Markdown: a table of verdicts, then a section a claim."""
    lines = ["| claim | verdict | certainty |", "|---|---|---|"]
    lines += [f"| {_cell(row.claim)} | {row.verdict} | {_rated(row.certainty)} |" for row in answers.itertuples()]
    for row in answers.itertuples():
        lines += [
            "",
            f"## {row.claim}",
            "",
            f"**{row.verdict.capitalize()}** (certainty: {_rated(row.certainty)}). {row.answer}",
        ]
        for name, title in _PARTS.items():
            parts = [part for part in getattr(row, name).split("\n") if part]
            if parts:
                lines += ["", f"{title}:", "", *(f"- {part}" for part in parts)]
        lines += ["", f"Figure: `{row.figure}`"] if row.figure else []
    return "\n".join(lines)


def to_json(answers: pd.DataFrame) -> str:
    """Return the answers of :func:`acuevidence.evaluate_claims` as JSON: a list of objects, with the parts of an answer as lists."""
    rows = [
        {key: [part for part in value.split("\n") if part] if key in _PARTS else value for key, value in row.items()}
        for row in answers.to_dict("records")
    ]
    return json.dumps(rows, indent=2, ensure_ascii=False)


def _wrapped(text: str, width: int, hanging: str = "     ") -> list[str]:
    return textwrap.wrap(text, width, initial_indent="  ", subsequent_indent=hanging)


def _rated(level: object) -> str:
    return level if isinstance(level, str) else "not rated"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
