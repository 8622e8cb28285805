"""The figure that a notebook shows once, with words for readers who do not see it."""

from __future__ import annotations

from typing import Any

import matplotlib
from matplotlib.figure import Figure

from acuevidence.plots.parts.page import described

__all__ = ["Page"]


class Page(Figure):
    """A figure of matplotlib that carries its description into a notebook."""

    def _repr_mimebundle_(self, **_: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        import matplotlib.pyplot as plt

        # The inline backend shows every open figure at the end of a cell; one that a cell has shown by itself is done.
        if "inline" in matplotlib.get_backend():
            plt.close(self)
        return {}, {kind: {"alt": described(self)} for kind in ("image/png", "image/svg+xml", "image/jpeg")}
