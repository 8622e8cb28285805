"""Figures as files that a journal takes: text stays text, fonts are embedded, sizes are exact, and the picture has a description."""

from __future__ import annotations

import io
import numbers
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

from acuevidence.arguments import guard
from acuevidence.errors import InputError
from acuevidence.inputs import brief
from acuevidence.plots.parts.page import described, titles_of

__all__ = ["encoded", "save"]

_FORMATS = ("svg", "pdf", "png", "tif", "tiff")
# What a file depends on; nothing of it is left to the settings of the user.
_SETTINGS = {
    "svg.fonttype": "none",
    "svg.hashsalt": "acuevidence",
    "svg.image_inline": True,
    "pdf.fonttype": 42,
    "pdf.use14corefonts": False,
    "pdf.compression": 6,
    "savefig.bbox": None,
    "savefig.pad_inches": 0.0,
    "savefig.transparent": False,
    "savefig.facecolor": "auto",
    "savefig.edgecolor": "auto",
    "font.sans-serif": ["DejaVu Sans", "Verdana", "Arial", "Helvetica"],
}


def save(ax: Any, path: str | Path, *, dpi: float = 300, title: str = "", description: str = "") -> Path:
    """Write the figure of some Axes to a file, with settings that journals ask for.

    Parameters
    ----------
    ax : Axes or Figure
        What a plot function returned, or its figure.
    path : path
        The file; its ending chooses the format: ``.svg``, ``.pdf``, ``.png``, ``.tif`` or ``.tiff``.
    dpi : float
        Pixels an inch, of PNG and TIFF.
    title, description : str, optional
        Title and description in the file, for search and for readers who do not see the picture. Default: what the figure
        says of itself.

    Returns
    -------
    Path
        The file written.

    Raises
    ------
    InputError
        For another ending or resolution, something that is no figure, or a place where nothing can be written.

    Notes
    -----
    Text of an SVG stays text, and the fonts of a PDF are embedded as TrueType. The file has the size of the figure to the
    point: 89 mm are 89 mm. The figure itself stays as it is, open or not; ``ax.figure.savefig`` writes it with your own settings.

    Examples
    --------
    >>> import tempfile
    >>> import acuevidence as ae
    >>> ax = ae.meta_analysis([0.1, 0.4, 0.2], [0.01, 0.04, 0.02]).forest(width=89)
    >>> ae.plots.save(ax, tempfile.mkdtemp() + "/forest.svg").name
    'forest.svg'
    """
    file = Path(path)
    kind = file.suffix.lower().removeprefix(".")
    if kind not in _FORMATS:
        raise InputError(f"{file.name}: a figure is written as {', '.join('.' + name for name in _FORMATS)}; end its name so")
    if not isinstance(dpi, numbers.Real) or isinstance(dpi, bool) or not 10 <= float(dpi) <= 2400:
        raise InputError(f"dpi must be from 10 to 2400 pixels an inch, not {brief(dpi)}")
    data = encoded(_figure(ax), kind, dpi=float(dpi), title=title, description=description)
    try:
        file.write_bytes(data)
    except OSError as error:
        raise InputError(f"{file} cannot be written: {error.strerror or error}") from error
    return file


def encoded(figure: Any, kind: str, *, dpi: float = 300, title: str = "", description: str = "") -> bytes:
    """Return the bytes of a figure in a format; the same on every run."""
    import matplotlib as mpl

    words = description or described(figure)
    title = title or next(iter(titles_of(figure)), words.split(". ")[0].rstrip("."))
    buffer = io.BytesIO()
    with mpl.rc_context(_SETTINGS):  # type: ignore[arg-type]
        figure.savefig(buffer, format=kind, dpi=dpi, **_metadata(kind, title, words))
    return _with_description(buffer.getvalue(), words) if kind == "svg" else buffer.getvalue()


def _figure(ax: Any) -> Any:
    from matplotlib.axes import Axes
    from matplotlib.figure import FigureBase

    if not isinstance(ax, (Axes, FigureBase)):
        raise InputError(f"ax must be the Axes that a plot returned, or their figure, not {type(ax).__name__}")
    figure: Any = ax.figure if isinstance(ax, Axes) else ax
    return figure.canvas.figure


def _metadata(kind: str, title: str, words: str) -> dict[str, Any]:
    if kind == "svg":
        return {"metadata": {"Title": title, "Description": words, "Date": None, "Creator": None}}
    if kind == "pdf":
        return {"metadata": {"Title": title, "Subject": words, "CreationDate": None, "Creator": None, "Producer": None}}
    if kind == "png":
        return {"metadata": {"Title": title, "Description": words, "Software": None}}
    return {"pil_kwargs": {"compression": "tiff_lzw", "description": words.encode("ascii", "xmlcharrefreplace").decode()}}


def _with_description(svg: bytes, words: str) -> bytes:
    """Put the description beside the title, where screen readers look for it."""
    told = f"</title>\n <desc>{escape(words)}</desc>".encode()
    return svg.replace(b"</title>", told, 1).replace(b"<svg ", b'<svg role="img" ', 1)


guard(__name__, "save")
