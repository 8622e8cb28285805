"""The forms of a table that have a page: LaTeX with columns as wide as their text needs, and Word.

They set what a :class:`acuevidence.report.tables.Table` holds, and know nothing of what it means.
"""

from __future__ import annotations

import io
import re
from typing import Any

import pandas as pd

from acuevidence.errors import MissingExtraError

__all__ = ["docx", "latex"]

_LATEX = str.maketrans({
    "\\": r"\textbackslash{}", "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_", "{": r"\{", "}": r"\}",
    "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "●": r"$\bullet$", "○": r"$\circ$", "–": "--", "−": "$-$",
    "τ": r"$\tau$", "²": r"$^2$", "±": r"$\pm$", "≥": r"$\geq$", "≤": r"$\leq$", "×": r"$\times$", "<": r"\textless{}",
    ">": r"\textgreater{}", "|": r"\textbar{}", "\n": " ",
})  # fmt: skip


def latex(title: str, frame: pd.DataFrame, notes: tuple[str, ...]) -> str:
    """Return a longtable, which breaks over pages; needs the packages longtable and booktabs.

    Parameters
    ----------
    title : str
        Caption.
    frame : DataFrame
        Cells as printed.
    notes : tuple of str
        Lines below the table.

    Returns
    -------
    str
        LaTeX.
    """
    widths = "".join(
        rf">{{\raggedright\arraybackslash}}p{{\dimexpr{w:.3f}\linewidth-2\tabcolsep}}" for w in _shares(frame)
    )
    head = " & ".join(rf"\textbf{{{_escaped(name)}}}" for name in frame.columns) + r" \\"
    body = [" & ".join(_escaped(cell) for cell in row) + r" \\" for row in frame.to_numpy()]
    below = [rf"\noindent {_escaped(note)}\par" for note in notes]
    return "\n".join([
        r"% needs \usepackage{array,booktabs,longtable}", r"{\footnotesize\setlength{\tabcolsep}{3pt}",
        rf"\begin{{longtable}}{{@{{}}{widths}@{{}}}}", rf"\multicolumn{{{frame.shape[1]}}}{{@{{}}l}}{{\textbf{{{_escaped(title)}}}}} \\",
        r"\toprule", head, r"\midrule", r"\endhead", r"\bottomrule", r"\endfoot", *body, r"\end{longtable}", *below, "}", "",
    ])  # fmt: skip


def docx(title: str, frame: pd.DataFrame, notes: tuple[str, ...]) -> bytes:
    """Return a Word document on A4, landscape from six columns on, whose heading row repeats on every page.

    Parameters
    ----------
    title : str
        Heading.
    frame : DataFrame
        Cells as printed.
    notes : tuple of str
        Paragraphs below the table.

    Returns
    -------
    bytes
        The .docx file.

    Raises
    ------
    InputError
        Without python-docx.
    """
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
    needs = [max(max(len(t) for t in column) ** 0.5 * 3, max(len(w) for t in column for w in t.split() or [""] if "://" not in w))
             for column in texts]  # fmt: skip
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
