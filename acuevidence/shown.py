"""How every result shows itself: sentences and a table, as text and as HTML; and its numbers as a frame."""

from __future__ import annotations

import html
from abc import ABC, abstractmethod

import pandas as pd

from acuevidence.words import decimals, number

__all__ = ["Printed", "Shown", "fine", "readable"]

_WITHOUT_UNIT = ("statistic", "df", "p_value")


class Printed(ABC):
    """Something that can be read: a subclass says its sentences and its table."""

    __slots__ = ()

    @abstractmethod
    def _sentences(self) -> list[str]:
        """Return what was done and found, a line each."""

    def _table(self) -> pd.DataFrame | None:
        """Return the table below the sentences, rounded as it is printed; None: there is none."""
        return None

    def _page_table(self) -> pd.DataFrame | None:
        """Return the table below the sentences on a page, where there is room for more than in a text."""
        return self._table()

    def _text(self) -> str:
        table = self._table()
        return "\n".join(self._sentences()) + ("" if table is None else "\n\n" + table.to_string(index=_index(table)))

    def __repr__(self) -> str:
        return self._text()

    def _repr_html_(self) -> str:
        table = self._page_table()
        lines = "".join(f"<p>{html.escape(line)}</p>" for line in self._sentences())
        return lines + ("" if table is None else table.to_html(index=_index(table)))


class Shown(Printed):
    """A result: it can be read, and gives its numbers as a frame."""

    __slots__ = ()

    @abstractmethod
    def to_frame(self) -> pd.DataFrame:
        """Return the numbers as a frame.

        Returns
        -------
        DataFrame
            Its rows are what the class says.

        Examples
        --------
        >>> import acuevidence as ae
        >>> result = ae.meta_analysis([0.9, 0.4, 0.6, 0.1, 0.5], [0.09, 0.04, 0.06, 0.02, 0.03])
        >>> result.trim_and_fill().to_frame()["k0"].tolist()
        [2]
        """

    def summary(self) -> str:
        """Return what was done and found: sentences, and where there is one the table below them.

        Returns
        -------
        str
            What ``print`` shows.

        Examples
        --------
        >>> import acuevidence as ae
        >>> result = ae.meta_analysis([0.9, 0.4, 0.6, 0.1, 0.5], [0.09, 0.04, 0.06, 0.02, 0.03])
        >>> print(result.summary().splitlines()[1].partition(" Plain")[0])
        Pooled effect 0.437 (95% CI 0.083 to 0.791; P 0.027). 95% prediction interval -0.220 to 1.094.
        """
        return self._text()


def _index(table: pd.DataFrame) -> bool:
    """Return whether the rows have names."""
    return not isinstance(table.index, pd.RangeIndex)


def fine(coefficients: pd.DataFrame) -> int:
    """Return the decimals that a table of effects needs: four, more where standard errors are small."""
    se = coefficients["se"]
    return decimals(float(se[se > 0].min()), 4)


def readable(coefficients: pd.DataFrame) -> pd.DataFrame:
    """Return a table of effects with their standard errors as text."""
    places = {name: 4 if name in _WITHOUT_UNIT else fine(coefficients) for name in coefficients}
    return pd.DataFrame(
        {name: [number(x, places[name]) for x in column] for name, column in coefficients.items()}, coefficients.index
    )
