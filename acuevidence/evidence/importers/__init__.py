"""Other programs' files: reviews of RevMan, and tables as cells under headings."""

from acuevidence.evidence.importers.revman import read_revman

__all__ = ["read_revman"]
