"""Other programs' files as flat tables of trials: RevMan, spreadsheets, and the exports of review and R packages."""

from acuevidence.evidence.importers.columns import read_table
from acuevidence.evidence.importers.revman import read_revman

__all__ = ["read_revman", "read_table"]
