"""A table and the forms it takes: HTML, Markdown, CSV, LaTeX with columns as wide as their text needs, and Word.

They set what the table holds, and know nothing of what it means.
"""

from __future__ import annotations

import html
import io
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from acuevidence.errors import MissingExtraError
from acuevidence.report.whole_files import csv_text, replace

__all__ = ["Table", "docx", "interval", "latex", "number", "word"]

_LATEX = str.maketrans(
    {
        "\\": r"\textbackslash{}",
        "&": r"\&",
        "%": r"\%",
        "$": r"\$",
        "#": r"\#",
        "_": r"\_",
        "{": r"\{",
        "}": r"\}",
        "~": r"\textasciitilde{}",
        "^": r"\textasciicircum{}",
        "●": r"$\bullet$",
        "○": r"$\circ$",
        "–": "--",
        "−": "$-$",
        "τ": r"$\tau$",
        "²": r"$^2$",
        "±": r"$\pm$",
        "≥": r"$\geq$",
        "≤": r"$\leq$",
        "×": r"$\times$",
        "<": r"\textless{}",
        ">": r"\textgreater{}",
        "|": r"\textbar{}",
        "\n": " ",
    }
)


@dataclass(frozen=True, slots=True, eq=False)
class Table:
    """A table with its title and notes.

    Attributes
    ----------
    title : str
        Heading.
    frame : DataFrame
        Cells as printed.
    notes : tuple of str
        Footnotes, in order.

    Examples
    --------
    >>> import tempfile, pandas as pd
    >>> from acuevidence.report.tables import Table
    >>> table = Table("Trials", pd.DataFrame({"study": ["A 2020"], "n": [40]}))
    >>> table.to_frame().shape, "A 2020" in table.to_html(), "A 2020" in table.to_latex()
    ((1, 2), True, True)
    >>> table.to_markdown().splitlines()[4], table.to_csv().splitlines()
    ('| A 2020 | 40 |', ['study,n', 'A 2020,40'])
    >>> table.to_docx(tempfile.mkdtemp() + "/trials.docx").name
    'trials.docx'
    """

    title: str
    frame: pd.DataFrame
    notes: tuple[str, ...] = ()

    def to_frame(self) -> pd.DataFrame:
        """Return the cells as printed, a copy."""
        return self.frame.copy()

    def to_html(self) -> str:
        """Return a table in HTML with its heading and notes, by great_tables (extra ``tables``)."""
        try:
            from great_tables import GT
        except ImportError:
            raise MissingExtraError("HTML", "great_tables", "tables") from None
        made = GT(self.frame).tab_header(title=html.escape(self.title))
        for note in self.notes:
            made = made.tab_source_note(html.escape(note))
        return str(made.as_raw_html())

    def to_latex(self) -> str:
        """Return a LaTeX longtable with heading and notes; the document needs the packages array, booktabs and longtable."""
        return latex(self.title, self.frame, self.notes)

    def to_docx(self, path: str | Path) -> Path:
        """Write a Word document, by python-docx (extra ``tables``); a file that is there is replaced when the new one is whole."""
        return replace(Path(path), docx(self.title, self.frame, self.notes))

    def to_markdown(self) -> str:
        """Return a Markdown table: the title in bold, rows, then the notes."""
        cells = [list(self.frame.columns), ["---"] * self.frame.shape[1], *self.frame.astype(str).to_numpy().tolist()]
        lines = ["| " + " | ".join(str(c).replace("|", "\\|").replace("\n", " ") for c in row) + " |" for row in cells]
        return "\n".join([f"**{self.title}**", "", *lines, "", *self.notes]) + "\n"

    def to_csv(self) -> str:
        """Return the cells as CSV, a line a row; an apostrophe keeps a spreadsheet from running text as a formula."""
        return csv_text(self.frame)

    def __repr__(self) -> str:
        return "\n".join(filter(None, [self.title, self.frame.to_string(index=False), *self.notes]))

    def _repr_html_(self) -> str:
        head = f"<p><b>{html.escape(self.title)}</b></p>" if self.title else ""
        with pd.option_context("display.max_colwidth", None):
            head += self.frame.to_html(index=False)
        return head + "".join(f"<p>{html.escape(note)}</p>" for note in self.notes)


def latex(title: str, frame: pd.DataFrame, notes: tuple[str, ...]) -> str:
    """Return a longtable with its caption and the lines below it; it breaks over pages and needs the packages longtable and booktabs."""
    widths = "".join(rf">{{\raggedright\arraybackslash}}p{{\dimexpr{w:.3f}\linewidth-2\tabcolsep}}" for w in _shares(frame))
    head = " & ".join(rf"\textbf{{{_escaped(name)}}}" for name in frame.columns) + r" \\"
    body = [" & ".join(_escaped(cell) for cell in row) + r" \\" for row in frame.to_numpy()]
    below = [rf"\noindent {_escaped(note)}\par" for note in notes]
    return "\n".join(
        [
            r"% needs \usepackage{array,booktabs,longtable}",
            r"{\footnotesize\setlength{\tabcolsep}{3pt}",
            rf"\begin{{longtable}}{{@{{}}{widths}@{{}}}}",
            rf"\multicolumn{{{frame.shape[1]}}}{{@{{}}l}}{{\textbf{{{_escaped(title)}}}}} \\",
            r"\toprule",
            head,
            r"\midrule",
            r"\endhead",
            r"\bottomrule",
            r"\endfoot",
            *body,
            r"\end{longtable}",
            *below,
            "}",
            "",
        ]
    )


def docx(title: str, frame: pd.DataFrame, notes: tuple[str, ...]) -> bytes:
    """Return a Word document on A4, landscape from six columns on, whose heading row repeats on every page; notes below the table."""
    try:
        import docx as word
        from docx.shared import Mm, Pt
    except ImportError:
        raise MissingExtraError("Word", "python-docx", "tables") from None
    made = word.Document()
    page = made.sections[0]
    wide = frame.shape[1] > 5
    page.page_width, page.page_height = (Mm(297), Mm(210)) if wide else (Mm(210), Mm(297))
    page.left_margin = page.right_margin = page.top_margin = page.bottom_margin = Mm(15)
    made.core_properties.title = title
    made.styles["Normal"].font.size = Pt(8)
    made.add_heading(title, level=1)
    table = made.add_table(rows=1, cols=frame.shape[1], style="Light List")
    table.autofit = False
    room = int(page.page_width) - 2 * int(Mm(15))
    widths = [int(share * room) for share in _shares(frame)]
    _row(table.rows[0], frame.columns, widths)
    _repeated(table.rows[0])
    for cells in frame.to_numpy():
        _row(table.add_row(), cells, widths)
    for note in notes:
        made.add_paragraph(note)
    buffer = io.BytesIO()
    made.save(buffer)
    return buffer.getvalue()


def _escaped(text: Any) -> str:
    """Return text for LaTeX; an address may break after its signs."""
    said = str(text).translate(_LATEX)
    return re.sub(r"([/.?=-])", r"\1\\allowbreak{}", said) if str(text).startswith("http") else said


def _shares(frame: pd.DataFrame) -> list[float]:
    """Return the share of the width of each column: by the root of its longest text, never less than its longest word."""
    texts = [[str(name), *frame.iloc[:, i].astype(str)] for i, name in enumerate(frame.columns)]
    needs = [
        max(max(len(t) for t in column) ** 0.5 * 3, max(len(w) for t in column for w in t.split() or [""] if "://" not in w))
        for column in texts
    ]
    return [0.98 * need / sum(needs) for need in needs]


def _row(row: Any, cells: Any, widths: list[int]) -> None:
    for cell, text, width in zip(row.cells, cells, widths, strict=True):
        cell.width = width
        cell.text = str(text)


def _repeated(row: Any) -> None:
    """Mark a row of a Word table as its heading, which readers aloud announce and page breaks repeat."""
    from docx.oxml import OxmlElement
    from docx.oxml.ns import qn

    mark = OxmlElement("w:tblHeader")
    mark.set(qn("w:val"), "true")
    row._tr.get_or_add_trPr().append(mark)


def interval(estimate: float, low: float, high: float, *, digits: int = 2) -> str:
    """Return an estimate with its interval, without a minus before zero."""
    said = [f"{x + 0.0:.{digits}f}" for x in (estimate, low, high)]
    said = [x.lstrip("-") if float(x) == 0 else x for x in said]
    return f"{said[0]} ({said[1]} to {said[2]})"


def number(value: Any) -> str:
    """Return a number with the digits it has; a dash where it is missing."""
    return "–" if pd.isna(value) else f"{value:.10g}"


def word(value: Any) -> str:
    """Return a word; a dash where it is missing."""
    return "–" if pd.isna(value) else str(value)
