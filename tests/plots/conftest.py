"""What all tests of figures ask: whether a text is cut by the page, and whether two lie on each other."""

import itertools

import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.text import Text


@pytest.fixture
def overlaps(monkeypatch):
    """Return a function of a figure that gives the texts that are cut, and the pairs that meet."""

    def look(figure):
        boxes = _drawn(figure, monkeypatch)
        page = figure.bbox
        cut = [t for t, b in boxes if b.x0 < -0.5 or b.x1 > page.x1 + 0.5 or b.y0 < -0.5 or b.y1 > page.y1 + 0.5]
        pairs = [(a, b) for (a, x), (b, y) in itertools.combinations(boxes, 2) if _meet(x, y)]
        assert len(boxes) > 3
        return cut, pairs

    return look


def _drawn(figure, monkeypatch):
    """Return what is drawn and where; labels that matplotlib keeps for ticks beyond an axis are never drawn."""
    seen, draw = {}, Text.draw

    def record(self, renderer):
        if self.get_visible() and self.get_text().strip():
            seen[id(self)] = self
        draw(self, renderer)

    with monkeypatch.context() as patched:
        patched.setattr(Text, "draw", record)
        renderer = FigureCanvasAgg(figure).get_renderer()
        figure.draw_without_rendering()
    return [(t.get_text(), Text.get_window_extent(t, renderer)) for t in seen.values()]


def _meet(a, b):
    wide, high = min(a.x1, b.x1) - max(a.x0, b.x0), min(a.y1, b.y1) - max(a.y0, b.y0)
    return wide > 1 and high > 0.2 * min(a.height, b.height)
