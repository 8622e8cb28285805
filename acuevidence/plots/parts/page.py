"""The page that a figure is drawn on: its width, the user's ink, paper and fonts, and what it says of itself in words.

Every figure is drawn in the package's style on white paper. At the end its colours are turned to those of the user's
matplotlib, if they are others, and letters that the font lacks are given one that has them. Nothing of the user's
matplotlib is changed: a figure is one of pyplot's like any other, so that it shows where a figure of pyplot would.
"""

from __future__ import annotations

import colorsys
import numbers
import sys
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

import numpy as np

from acuevidence.errors import InputError
from acuevidence.inputs import brief, numeric
from acuevidence.plots.parts.style import WIDTHS, families, settle_backend, style

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = [
    "coloured",
    "described",
    "drawing",
    "inches",
    "narrow",
    "new_axes",
    "new_figure",
    "published",
    "say",
    "table",
    "titles_of",
    "unseen",
    "warn",
]

_NARROWEST, _WIDEST = 30.0, 2000.0  # mm
_NARROW = 120.0  # mm: narrower figures leave out what has no room
_SAID: WeakKeyDictionary[Any, str] = WeakKeyDictionary()
_TITLES: WeakKeyDictionary[Any, str] = WeakKeyDictionary()


@dataclass(slots=True)
class _Drawing:
    """One call of a plot function: the figures it made, and the colours that black and white become."""

    ink: np.ndarray
    paper: np.ndarray
    made: list[Any] = field(default_factory=list)


_CURRENT: ContextVar[_Drawing | None] = ContextVar("drawing", default=None)
_UNSEEN: ContextVar[bool] = ContextVar("unseen", default=False)


def inches(width: Any) -> float:
    """Return a width in inches, from millimetres or the name of a journal's column.

    Raises
    ------
    InputError
        For another name, or a width that no figure has.
    """
    if isinstance(width, str) and width in WIDTHS:
        return WIDTHS[width] / 25.4
    number = isinstance(width, numbers.Real) and not isinstance(width, bool)
    if number and _NARROWEST <= float(width) <= _WIDEST:
        return float(width) / 25.4
    names = " or ".join(f'"{name}" ({value:g} mm)' for name, value in WIDTHS.items())
    raise InputError(f"width must be {names}, or from {_NARROWEST:g} to {_WIDEST:g} in millimetres, not {brief(width)}")


def narrow(width: Any) -> bool:
    """Whether a figure of this width has the room of a single column only."""
    return 25.4 * inches(width) < _NARROW


def table(given: pd.DataFrame, what: str, columns: Sequence[str], others: Sequence[str] = (), name: str = "result") -> pd.DataFrame:
    """Return a frame that is to be drawn; an InputError says which columns of numbers, or others, it lacks and what has them."""
    if lacking := [column for column in (*columns, *others) if column not in given]:
        raise InputError(f"{name}: a frame to draw is that of {what}; this one lacks {', '.join(lacking)}")
    if given.empty:
        raise InputError(f"{name} has no rows; there is nothing to draw")
    numeric(given, missing=True, **{column: column for column in columns})
    return given


def coloured(colour: str) -> str:
    """Return a colour that matplotlib knows, or raise an InputError."""
    from matplotlib.colors import is_color_like

    if not is_color_like(colour):
        raise InputError(f"colour must be a name such as 'black' or a code such as '#0072B2', not {colour!r}")
    return colour


def new_figure(wide: float, high: float) -> Figure:
    """Return a new figure of so many inches, with constrained layout."""
    from acuevidence.plots.parts.notebook import Page

    current = _CURRENT.get()
    figure: Page
    if _UNSEEN.get():
        figure = Page(figsize=(wide, high))
    else:
        import matplotlib.pyplot as plt

        figure = plt.figure(figsize=(wide, high), FigureClass=Page)  # type: ignore[assignment,unused-ignore]
    figure.describe = described
    if current is not None:
        current.made.append(figure)
    figure.set_layout_engine("constrained", rect=(0.005, 0.005, 0.99, 0.99))
    return figure


def new_axes(width: str | float, height: float, ax: Axes | None = None) -> Axes:
    """Return ``ax``, or new Axes on a figure of a width as :func:`inches` reads it and a height in inches."""
    if ax is not None:
        return ax
    return new_figure(inches(width), height).add_subplot()


@contextmanager
def unseen() -> Iterator[None]:
    """Draw on figures that pyplot does not know, so that no window or notebook shows them.

    Yields
    ------
    None
        As long as the ``with`` block lasts.
    """
    token = _UNSEEN.set(True)
    try:
        yield
    finally:
        _UNSEEN.reset(token)


@contextmanager
def published() -> Iterator[None]:
    """Draw under matplotlib's own defaults, whatever the user's settings, on figures that pyplot does not know.

    Yields
    ------
    None
        Every figure made inside has the same bytes for every user of the same environment.
    """
    import matplotlib as mpl
    import matplotlib.style

    with unseen(), mpl.style.context("default"):
        yield


@contextmanager
def drawing(ax: Any, size: float, name: str) -> Iterator[None]:
    """Draw one figure in the package's style, with the user's fonts and colours.

    Parameters
    ----------
    ax : Axes or None
        Axes that the caller gave; what stands on them already stays as it is.
    size : float
        Type size in points.
    name : str
        Kind of figure, for its description.

    Yields
    ------
    None
        matplotlib's settings are put back at the end; a figure that an error left half drawn is closed.

    Raises
    ------
    InputError
        If ``ax`` is something else, or ``size`` no size of type.
    """
    import matplotlib as mpl
    import matplotlib.style
    from matplotlib.axes import Axes

    if ax is not None and not isinstance(ax, Axes):
        raise InputError(f"ax must be Axes of matplotlib, not {type(ax).__name__}; leave it out for a new figure")
    if not isinstance(size, numbers.Real) or isinstance(size, bool) or not 1 <= float(size) <= 72:
        raise InputError(f"size must be a type size from 1 to 72 points, not {brief(size)}")
    if _CURRENT.get() is not None:
        with style(size):
            yield
        return
    if not _UNSEEN.get():
        settle_backend()
    before = [] if ax is None else _all(ax.figure)
    current = _Drawing(*_colours(ax))
    fonts = {"font.family": families(), "figure.dpi": _dpi()}
    token = _CURRENT.set(current)
    try:
        with mpl.style.context("default"), mpl.rc_context(fonts), style(size):
            yield
            figures = current.made or ([] if ax is None else [ax.figure])
            for figure in figures:
                _finish(figure, before, current)
                _SAID.setdefault(figure, _description(figure, name))
    except BaseException:
        _discard(current.made)
        raise
    finally:
        _CURRENT.reset(token)


def say(figure: Any, words: str, title: str = "") -> None:
    """Set what a figure shows in words, and its title."""
    _SAID[figure], _TITLES[figure] = words, title


def described(figure: Any) -> str:
    """Return what a figure shows, in words, for those who do not see it."""
    return _SAID.get(figure) or _description(figure, "Figure")


def warn(words: str) -> None:
    """Warn of a figure, at the line that called the package."""
    frame, depth = sys._getframe(1), 2
    while frame.f_back is not None and frame.f_globals.get("__name__", "").startswith("acuevidence."):
        frame, depth = frame.f_back, depth + 1
    warnings.warn(words, stacklevel=depth)


def _discard(figures: list[Any]) -> None:
    if figures and not _UNSEEN.get():
        import matplotlib.pyplot as plt

        for figure in figures:
            plt.close(figure)


def _dpi() -> float:
    """Return the user's resolution on the screen where it was chosen, else the package's."""
    import matplotlib as mpl

    given = float(mpl.rcParams["figure.dpi"])
    return 150.0 if given == mpl.rcParamsDefault["figure.dpi"] else given


def titles_of(figure: Any) -> list[str]:
    """Return the headings that stand on a figure, that of the whole first."""
    heads = [_TITLES.get(figure, ""), figure.get_suptitle()]
    heads += [ax.get_title(loc) for ax in figure.axes for loc in ("left", "center")]
    return [head.strip() for head in dict.fromkeys(heads) if head.strip()]


def _description(figure: Any, name: str) -> str:
    words = [f"{name}.", *(f"{title}." for title in titles_of(figure))]
    for ax in figure.axes:
        words += [f"{side}: {text}." for side, text in (("x", ax.get_xlabel()), ("y", ax.get_ylabel())) if text]
    return " ".join(" ".join([*dict.fromkeys(words), figure.get_supxlabel()]).split())


def _all(figure: Any) -> list[Any]:
    """Return every artist of a figure, with the first tick of each axis, of which later ones are copies."""
    root = figure.canvas.figure  # of a part of a figure, the whole
    for ax in _axes(root):
        for axis in (ax.xaxis, ax.yaxis):
            axis.get_major_ticks(), axis.get_minor_ticks()
    return list(root.findobj())


def _axes(figure: Any) -> list[Any]:
    found = list(figure.axes)
    for ax in found:
        found += [child for child in ax.child_axes if child not in found]
    return found


# ink and paper --------------------------------------------------------------------------------------------------------


def _colours(ax: Any) -> tuple[np.ndarray, np.ndarray]:
    """Return the user's ink and paper; on Axes that were given, the paper is that of their figure."""
    import matplotlib as mpl
    from matplotlib.colors import to_rgba

    ink = np.array(to_rgba(mpl.rcParams["text.color"])[:3])
    given = to_rgba(mpl.rcParams["figure.facecolor"] if ax is None else ax.figure.get_facecolor())
    # Paper that lets the ground through has to be guessed: light under dark ink and the reverse.
    paper = np.array(given[:3]) if given[3] > 0.5 else np.full(3, 0.0 if _light(ink) else 1.0)
    if abs(_luminance(ink) - _luminance(paper)) < 0.3:
        ink = np.full(3, 0.0 if _light(paper) else 1.0)
    return ink, paper


def _luminance(rgb: np.ndarray) -> float:
    return float(rgb @ (0.299, 0.587, 0.114))


def _light(rgb: np.ndarray) -> bool:
    return _luminance(rgb) > 0.5


def _turned(colours: Any, drawing: _Drawing) -> Any:
    """Return colours chosen for black on white, turned to the ink and paper of a drawing; the hue stays."""
    from matplotlib.colors import to_rgba_array

    rgba = np.array(to_rgba_array(colours))
    for row in rgba:
        hue, light, strength = colorsys.rgb_to_hls(*row[:3])
        grey = drawing.paper * light + drawing.ink * (1 - light)
        level = (float(grey.min()) + float(grey.max())) / 2
        row[:3] = np.clip(grey + np.array(colorsys.hls_to_rgb(hue, level, strength)) - level, 0, 1)
    return rgba


def _turn(artist: Any, drawing: _Drawing) -> None:
    """Turn the colours of one artist."""
    from matplotlib.collections import Collection
    from matplotlib.colors import ListedColormap
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch
    from matplotlib.text import Text

    def one(colour: Any) -> Any:
        return colour if isinstance(colour, str) and colour.lower() == "none" else _turned([colour], drawing)[0]

    if isinstance(artist, Text):
        artist.set_color(one(artist.get_color()))
        for patch in (artist.get_bbox_patch(), getattr(artist, "arrow_patch", None)):
            if patch is not None:
                _turn(patch, drawing)
    elif isinstance(artist, Line2D):
        colours = artist.get_color(), artist.get_markerfacecolor(), artist.get_markeredgecolor()
        line, face, edge = map(one, colours)
        artist.set(color=line, markerfacecolor=face, markeredgecolor=edge)
    elif isinstance(artist, Collection):
        if artist.get_array() is not None:
            shades = artist.get_cmap()(np.linspace(0, 1, 256))
            artist.set_cmap(ListedColormap(_turned(shades, drawing)))
            artist.set_edgecolor(_turned(artist.get_edgecolor(), drawing))
            return
        face, edge = artist.get_facecolor(), artist.get_edgecolor()
        if len(face):
            artist.set_facecolor(_turned(face, drawing))
        if len(edge):
            artist.set_edgecolor(_turned(edge, drawing))
    elif isinstance(artist, Patch):
        face, edge = artist.get_facecolor(), artist.get_edgecolor()
        artist.set_facecolor(_turned([face], drawing)[0])
        artist.set_edgecolor(_turned([edge], drawing)[0])


def _finish(figure: Any, before: list[Any], drawing: _Drawing) -> None:
    """Give the artists that were drawn the user's colours, and fonts for letters that theirs lacks."""
    from matplotlib.text import Text

    old = set(map(id, before))
    mine = [artist for artist in _all(figure) if id(artist) not in old]
    if not (np.allclose(drawing.ink, 0) and np.allclose(drawing.paper, 1)):
        for artist in mine:
            _turn(artist, drawing)
    for artist in mine:
        if isinstance(artist, Text) and not artist.get_text().isascii():
            artist.set_fontfamily(families(artist.get_text(), tuple(artist.get_fontfamily())))
