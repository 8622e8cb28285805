"""What people read: tables, figures with their manifest, files for others, the site."""

from acuevidence.report import drawing, figures, tables
from acuevidence.report.export import export
from acuevidence.report.site import build_site

__all__ = ["build_site", "drawing", "export", "figures", "tables"]


def __dir__() -> list[str]:
    return sorted(__all__)
