"""Words below a figure, wrapped to its width."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from acuevidence.plots.parts.style import text_width

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["caption"]


def caption(figure: Figure | Any, text: str, size: float) -> None:
    """Write text below everything a figure with constrained layout holds, left-aligned and wrapped."""
    small = 0.9 * size
    room = 0.92 * (figure.get_figwidth() * 72 - 8)  # hinted type is wider than its outlines, most of all on a screen
    lines: list[str] = []
    for part in text.split("\n"):
        line = ""
        for word in part.split():
            longer = f"{line} {word}".lstrip()
            if line and text_width(longer, small) > room:
                lines.append(line)
                longer = word
            line = longer
        lines.append(line)
    figure.supxlabel("\n".join(lines), x=4 / (figure.get_figwidth() * 72), ha="left", fontsize=small, color="#333333")
