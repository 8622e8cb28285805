"""``python -m acuevidence``."""

from acuevidence.cli import app

app(prog_name="acuevidence")
