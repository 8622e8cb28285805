"""What an analysis or an importer left out, in a form that frames can carry along."""

from __future__ import annotations

import pandas as pd

__all__ = ["Excluded"]


class Excluded(pd.DataFrame):
    """What an analysis left out and why; it compares as a whole, so frames that carry it in ``attrs`` can be joined."""

    @property
    def _constructor(self) -> type[Excluded]:
        return Excluded

    def __deepcopy__(self, memo: object = None) -> Excluded:
        # pandas copies attrs deeply in almost every step; copies that share until written to do the same at a fraction of the cost.
        return self.copy(deep=False)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, pd.DataFrame) and self.equals(other)

    def __ne__(self, other: object) -> bool:
        return not self == other

    __hash__ = None  # type: ignore[assignment]
