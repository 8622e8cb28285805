"""Other programs' files as flat tables of trials: RevMan, spreadsheets, and the exports of review and R packages."""

from acuevidence.evidence.importers.revman import read_revman
from acuevidence.evidence.importers.table import read_table

__all__ = ["read_revman", "read_table"]
