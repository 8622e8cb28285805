"""The codebook page, written from the descriptor of the evidence tables."""

from __future__ import annotations

import json
from typing import Any

from acuevidence.evidence import data_folder

__all__ = ["codebook"]

_INTRO = """# Codebook

One table a file in `data/`, described for machines in `data/datapackage.json` (Frictionless Table Schema); this page is
written from it. Every figure comes with the address of the page it was read on (`source_url`), the place on that page
(`locator`) and the printed text (`figures_as_printed`). Signs are as printed: `benefit` (arms) and `favours` (contrasts)
say which way is better. `extraction` says whether two independent extractions agreed. A row with a `caution` is not used
by default. Trials without usable figures are kept on purpose.

Medians with quartiles or ranges are transcribed into `median`, `q1`, `q3`, `minimum` and `maximum` from
`figures_as_printed`, where the printed median lies within them.
"""


def codebook() -> str:
    """Return the codebook of the evidence tables as Markdown.

    Returns
    -------
    str
        A section a table, with every column, its type, unit, allowed values and meaning.

    Examples
    --------
    >>> from acuevidence.report.codebook import codebook
    >>> codebook().splitlines()[0]
    '# Codebook'
    """
    descriptor = json.loads((data_folder() / "datapackage.json").read_text(encoding="utf-8"))
    return _INTRO + "".join(_section(resource) for resource in descriptor["resources"])


def _section(resource: dict[str, Any]) -> str:
    head = f"\n## {resource['path']}\n\n{resource['description']}\n\n| column | type | unit | allowed | meaning |\n|---|---|---|---|---|\n"
    return head + "".join(_line(field) for field in resource["schema"]["fields"])


def _line(field: dict[str, Any]) -> str:
    rules = field.get("constraints", {})
    allowed = []
    if rules.get("required"):
        allowed.append("required")
    if rules.get("unique"):
        allowed.append("unique")
    if "enum" in rules:
        allowed.append(", ".join(f"`{value}`" for value in rules["enum"]))
    if "minimum" in rules or "maximum" in rules:
        allowed.append(f"{rules.get('minimum', '')} to {rules.get('maximum', '')}".strip())
    if "pattern" in rules:
        allowed.append("`" + rules["pattern"].replace("|", "\\|") + "`")
    cells = [f"`{field['name']}`", field["type"], field.get("unit", ""), "; ".join(allowed), field["description"]]
    return "| " + " | ".join(cells) + " |\n"
