"""One look for every figure: colours, type, widths, and the preset layouts of journals as data."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from acuevidence import words

__all__ = ["COLOURS", "MID_BAND", "MID_LINE", "RATING", "WIDTHS", "Layout", "families", "settle_backend", "style", "text_width"]

# Okabe and Ito's palette, told apart with every common colour vision, by what a colour is for; a comparator's is its topic's.
COLOURS = {
    "main": "#0072B2",
    "second": "#D55E00",
    "third": "#009E73",
    "fourth": "#CC79A7",
    "neutral": "#3C3C3C",
    "muted": "#8A8A8A",
    "benefit": "#009E73",
    "harm": "#CC79A7",
}
MID_BAND, MID_LINE = "#EFE6C8", "#B8860B"
# Ratings of quality after robvis's colour-blind palette; every dot carries its sign as well.
RATING = {"+": "#FED98E", "?": "#D9D9D9", "-": "#D95F0E"}
# Widths of journal columns in millimetres.
WIDTHS = {"single": 89.0, "double": 183.0}

_RC = {
    "font.size": 7,
    "axes.titlesize": 8,
    "axes.titleweight": "bold",
    "axes.labelsize": 7,
    "axes.linewidth": 0.6,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "xtick.labelsize": 6.5,
    "ytick.labelsize": 6.5,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "xtick.major.size": 2.5,
    "ytick.major.size": 2.5,
    "legend.fontsize": 6.5,
    "legend.frameon": False,
    "lines.linewidth": 1.0,
    "patch.linewidth": 0.6,
    "text.parse_math": False,
    "text.usetex": False,
    "axes.formatter.use_mathtext": False,
}
# Fonts with many scripts, asked first for a letter that the text's own font lacks.
_MANY_SCRIPTS = (
    "Noto Sans",
    "Source Han Sans",
    "Arial Unicode MS",
    "Microsoft YaHei",
    "SimHei",
    "PingFang",
    "Hiragino Sans",
    "Yu Gothic",
    "Malgun Gothic",
    "IPAGothic",
    "IPAexGothic",
    "WenQuanYi",
    "Droid Sans Fallback",
    "Segoe UI",
    "DejaVu Sans",
)
_KINDS = ("sans-serif", "serif", "monospace", "cursive", "fantasy")
_NOT_FOR_READING = ("lastresort", "last resort", "blank", "notdef")


@dataclass(frozen=True, slots=True)
class Layout:
    """How a journal sets a forest plot.

    Attributes
    ----------
    interval : str
        Format of the effect text, with ``estimate``, ``low`` and ``high``.
    effect_title : str
        Heading of the effect text, with ``effect`` (its name), ``level`` (in percent) and ``model`` (method and model).
    plot_title : str
        Heading of the plot itself, with the same fields.
    square, diamond : str or None
        Colours; None: the comparator's own.
    square_events : str or None
        Colour of the squares where the effect is one of events; None: as ``square``.
    favours_at : {"bottom", "top"}
        Where the words for both sides stand.
    study_title : str
        Heading of the study column.
    text_right : bool
        Whether the effect text and the weight stand right of the plot.
    weight_first : bool
        Whether the weight stands before the effect text.
    plot_cm : float or None
        Width of the plot itself in a new figure of a journal column's width; None: what the texts leave.
    spread : str
        What the heterogeneity line says of tau2 under a random-effects model: ``tau2``, ``tau2_low``, ``tau2_high``.
    heterogeneity : str
        The heterogeneity line: ``spread``, ``q``, ``df``, ``p``, ``is_p`` (P with its sign, spaced), ``sign_p`` (unspaced) and ``i2``.
    test : str
        The test of the pooled effect: ``kind`` (t or z), ``statistic``, ``p``, ``is_p``, ``sign_p``.
    subgroups : str
        The test for subgroup differences: ``q``, ``df``, ``p``, ``is_p``, ``sign_p``, ``i2``; empty: none.
    smallest_p : float
        P values below it are printed as "<" it.
    leading_zero : bool
        Whether P values keep the zero before the point.
    empty_rows : bool
        Whether an empty row stands between groups.
    row : float
        Height of a row in units of the font size.
    """

    interval: str = "{estimate} ({low} to {high})"
    effect_title: str = "{effect} ({level:g}% CI)"
    plot_title: str = ""
    square: str | None = None
    square_events: str | None = None
    diamond: str | None = None
    favours_at: str = "bottom"
    study_title: str = "Study"
    text_right: bool = True
    weight_first: bool = False
    plot_cm: float | None = None
    spread: str = "τ² {tau2} ({tau2_low} to {tau2_high}), "
    heterogeneity: str = "Heterogeneity: {spread}I² {i2:.0f}%; Q {q:.1f}, df {df:g}, P {p}"
    test: str = "Test of effect: {kind} {statistic:.2f}, P {p}"
    subgroups: str = "Test for subgroup differences: Q {q:.1f}, df {df:g}, P {p}"
    smallest_p: float = 0.001
    leading_zero: bool = True
    empty_rows: bool = True
    row: float = 1.75

    def p(self, value: float) -> dict[str, str]:
        """Return a P value as the layout prints it: ``p`` bare, ``is_p`` and ``sign_p`` with the sign before it, spaced or not."""
        text = words.p(value, decimals=2, leading_zero=self.leading_zero, smallest=self.smallest_p)
        below = text.startswith("<")
        return {"p": text, "is_p": f"< {text[1:]}" if below else f"= {text}", "sign_p": text if below else f"={text}"}


@contextmanager
def style(size: float | None = None) -> Iterator[None]:
    """Draw in the package's style for as long as the ``with`` block lasts.

    Parameters
    ----------
    size : float, optional
        Base type size in points; 7 if not given.

    Yields
    ------
    None
        matplotlib's settings are put back at the end.

    Examples
    --------
    >>> import acuevidence as ae, matplotlib as mpl
    >>> with ae.plots.style(8):
    ...     mpl.rcParams["font.size"]
    8.0
    """
    import matplotlib as mpl

    changed: dict[str, Any] = dict(_RC)
    if size is not None:
        for key, value in _RC.items():
            if key in ("font.size",) or key.endswith(("labelsize", "titlesize", "legend.fontsize")):
                changed[key] = float(value) * size / 7  # type: ignore[arg-type]
    with mpl.rc_context(changed):  # type: ignore[arg-type]
        yield


def settle_backend() -> None:
    """Let pyplot choose its backend now: chosen while settings are changed for a while, it would lose what it sets itself."""
    import matplotlib.pyplot as plt

    if not plt.get_fignums():
        plt.draw_if_interactive()  # type: ignore[no-untyped-call,unused-ignore]


def families(text: str = "", asked: tuple[str, ...] | None = None) -> list[str]:
    """Return the fonts of a text: those that are asked for and installed, and others for letters which these lack.

    Parameters
    ----------
    text : str
        What is to be written.
    asked : tuple of str, optional
        Names of fonts, or of kinds of font. Default: those of matplotlib's settings.

    Returns
    -------
    list of str
        Names of installed fonts, and at the end the kind of font, for programs that have none of them.
    """
    import matplotlib as mpl

    given = tuple(mpl.rcParams["font.family"]) if asked is None else asked
    settings: Any = mpl.rcParams
    kinds = tuple((kind, *settings[f"font.{kind}"]) for kind in given if kind in _KINDS)
    known = _chosen(given, kinds)
    if text.isascii():
        return list(known)
    return [*known[:-1], *_others(frozenset(map(ord, text)) - {10, 0x200B, 0xFE0F}, known), known[-1]]


@functools.lru_cache(maxsize=64)
def _chosen(given: tuple[str, ...], kinds: tuple[tuple[str, ...], ...]) -> tuple[str, ...]:
    from matplotlib.font_manager import fontManager

    installed, names = set(fontManager.get_font_names()), {kind: rest for kind, *rest in kinds}
    firsts = [next((n for n in names[one] if n in installed), None) if one in names else one for one in given]
    found = list(dict.fromkeys(name for name in firsts if name in installed)) or ["DejaVu Sans"]
    return (*found, next((one for one in given if one in names), "sans-serif"))


@functools.lru_cache(maxsize=1024)
def _others(letters: frozenset[int], known: tuple[str, ...]) -> tuple[str, ...]:
    """Return fonts that have the letters which the known ones lack, as far as any has."""
    lacking = letters.difference(*(_letters(name) for name in known[:-1]))
    found: list[str] = []
    for name in _by_preference() if lacking else ():
        if lacking & _letters(name):
            found.append(name)
            lacking = lacking - _letters(name)
        if not lacking:
            break
    return tuple(found)


@functools.cache
def _by_preference() -> tuple[str, ...]:
    from matplotlib.font_manager import fontManager

    names = [n for n in fontManager.get_font_names() if not any(word in n.casefold() for word in _NOT_FOR_READING)]
    return tuple(sorted(names, key=lambda n: (not n.startswith(_MANY_SCRIPTS), n)))


@functools.lru_cache(maxsize=512)
def _letters(name: str) -> frozenset[int]:
    from matplotlib.font_manager import FontProperties, findfont, get_font

    return frozenset(get_font(findfont(FontProperties(family=name))).get_charmap())


def text_width(text: str, size: float, bold: bool = False) -> float:
    """Return the width of a text in points; of its longest line where it has several."""
    return _text_width(text, size, bold, tuple(families(text)))


@functools.lru_cache(maxsize=4096)
def _text_width(text: str, size: float, bold: bool, fonts: tuple[str, ...]) -> float:
    from matplotlib.font_manager import FontProperties
    from matplotlib.textpath import TextToPath

    font = FontProperties(family=list(fonts), weight="bold" if bold else "normal", size=size)
    # Spaces at the ends have a width but no outline, so the advance is measured, not the outline.
    widths = [TextToPath().get_text_width_height_descent(line, font, False)[0] for line in text.split("\n") if line]
    return max(widths, default=0.0)
