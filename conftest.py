"""What every test and doctest finds: the package imported the way users import it, before pytest loads single modules of it."""

import sys

import pytest

import acuevidence.plots
import acuevidence.questions
import acuevidence.synthesis  # noqa: F401


@pytest.fixture(autouse=True)
def _closed_figures():
    """Close the figures that a test leaves open, as the end of a notebook's cell does."""
    yield
    if "matplotlib.pyplot" in sys.modules:
        sys.modules["matplotlib.pyplot"].close("all")
