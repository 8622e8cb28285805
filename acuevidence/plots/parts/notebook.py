"""The figure that a notebook shows once, with words for readers who do not see it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import matplotlib
from matplotlib.figure import Figure

__all__ = ["Page"]


class Page(Figure):
    """A figure of matplotlib that carries its description into a notebook; ``describe`` gives it, once the figure is drawn."""

    describe: Callable[[Figure], str] | None = None

    def _repr_mimebundle_(self, **_: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        import matplotlib.pyplot as plt

        # The inline backend shows every open figure at the end of a cell; one that a cell has shown by itself is done.
        if "inline" in matplotlib.get_backend():
            plt.close(self)
        words = "Figure" if self.describe is None else self.describe(self)
        return {}, {kind: {"alt": words} for kind in ("image/png", "image/svg+xml", "image/jpeg")}
