"""The static site: claims, conditions, safety and methods for readers without Python.

What each page holds stands in :mod:`.site_pages`; here it is filled in, escaped and written. The pages load nothing from elsewhere.
"""

from __future__ import annotations

import json
import os
import re
import tempfile
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from acuevidence.arguments import guard
from acuevidence.errors import InputError, MissingExtraError
from acuevidence.evidence import Evidence, load_evidence
from acuevidence.questions.safety import number
from acuevidence.report import drawing, figures
from acuevidence.report import site_pages as pages
from acuevidence.report.answers import to_json
from acuevidence.report.export import plain
from acuevidence.report.reading import Reading
from acuevidence.report.table_forms import Table
from acuevidence.report.whole_files import csv_text, refuse_unwritable, unwritten
from acuevidence.verdicts.answer import Answer
from acuevidence.verdicts.claims import answer_table, answered, claims

if TYPE_CHECKING:
    import jinja2

__all__ = ["build_site", "environment"]

_TEMPLATES = Path(__file__).parent / "templates"
_OF_CONDITION = ("forest_{}", "sensitivity_{}")


def build_site(
    folder: str | Path, *, evidence: Evidence | None = None, progress: Callable[[Iterable[Any]], Iterable[Any]] = iter
) -> list[Path]:
    """Write the report as a static site that opens from a file, offline.

    Parameters
    ----------
    folder : path
        Where the site goes; made if it is not there. Other files in it stay.
    evidence : Evidence, optional
        What it reports. Default: the package's evidence.
    progress : callable
        Wraps the iteration over figures, for example ``tqdm``.

    Returns
    -------
    list of Path
        The files written; ``index.html`` is the first page.

    Raises
    ------
    InputError
        Without Jinja2, which fills the pages, for evidence without a trial, or for a folder that cannot be written, before any
        work is done.

    Notes
    -----
    The site is made in a folder beside the target and moved over it when it is whole, so that a run that fails leaves the older one.

    Examples
    --------
    >>> import tempfile
    >>> import acuevidence as ae
    >>> from acuevidence.evidence.scaffold import start_review
    >>> folder = tempfile.mkdtemp()
    >>> files = start_review(folder + "/review")
    >>> ae.report.build_site(folder + "/site", evidence=ae.load_evidence(folder + "/review"))
    Traceback (most recent call last):
    ...
    acuevidence.errors.InputError: ... holds no trial yet; there is nothing to report
    """
    folder = Path(folder)
    refuse_unwritable(folder)
    templates = environment()
    evidence = load_evidence() if evidence is None else evidence
    if evidence.trials.empty:
        raise InputError(f"{evidence.folder} holds no trial yet; there is nothing to report")
    pools = pages.pools_of(evidence)
    answers = answered(evidence=evidence)
    tables = pages.tables(pools, evidence)
    written = _pages(templates, pools, tables, answers, evidence) | _downloads(pools, tables, answers, evidence)
    of_conditions = [kind.format(name) for name in pools for kind in _OF_CONDITION]
    wanted = dict.fromkeys([*filter(None, claims(evidence)["figure"]), "nuance", "safety", *of_conditions])
    known = figures.figures(evidence)
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f".{folder.name}.") as made:
            for name, data in written.items():
                (Path(made) / name).parent.mkdir(exist_ok=True)
                (Path(made) / name).write_bytes(data)
            drawing.build(
                Path(made) / "figures", evidence=evidence, only=[name for name in wanted if name in known], progress=progress
            )
            return _moved(Path(made), folder)
    except OSError as error:
        raise unwritten(folder, error) from error


def _pages(
    templates: Any, pools: pages.Pooled, tables: Mapping[str, Table], answers: Mapping[str, Answer], evidence: Evidence
) -> dict[str, bytes]:
    """Return the pages by the name of their file, with their style and script."""
    topic, order, surveys = evidence.topic, pages.by_strength(pools, evidence), len(evidence.safety) > 0
    shared = {
        "nav": [(name, topic.label(name)) for name in order],
        "topic": topic,
        "surveys": surveys,
        "claimed": bool(evidence.claims["claims"]),
        "licence": _licence(evidence),
        "version": _version(evidence),
        "untreated": topic.of_kind("untreated"),
        "placebo": topic.of_kind("placebo"),
    }
    found: dict[str, tuple[str, dict[str, Any]]] = {
        "index.html": ("index.html", pages.index(pools, order, answers, evidence)),
        "methods.html": ("methods.html", pages.methods(pools, evidence)),
    }
    if surveys:
        found["safety.html"] = ("safety.html", pages.safety_page(evidence))
    found |= {
        f"{name}.html": ("condition.html", pages.condition(name, pools[name], tables[f"{name}_findings"], evidence))
        for name in order
    }
    found |= {f"trials/{key}.html": ("trial.html", content) for key, content in pages.trial_pages(evidence).items()}
    written = {
        name: templates.get_template(template).render(page=name, root="../" * name.count("/"), **shared, **content).encode()
        for name, (template, content) in found.items()
    }
    written |= {name: (_TEMPLATES / name).read_bytes() for name in ("site.css", "site.js")}
    written["site.css"] += "".join(
        f".side-{place} .strip {{ color: {topic.colour(key)}; }}\n" for place, key in enumerate(topic.comparators)
    ).encode()
    return written


def _downloads(
    pools: pages.Pooled, tables: Mapping[str, Table], answers: Mapping[str, Answer], evidence: Evidence
) -> dict[str, bytes]:
    """Return the tables as CSV, and as JSON the answers and what is printed of every pooled effect."""
    table = answer_table(answers, evidence)
    found = {f"tables/{key}.csv": one.to_csv().encode() for key, one in tables.items()}
    found["tables/claims.csv"] = csv_text(table[["id", "claim", "verdict", "certainty", "answer"]]).encode()
    found["tables/claims.json"] = to_json(table).encode()
    for name, of in pools.items():
        content = {"evidence": evidence.version, "condition": name, "pooled": [_described(group, one) for group, one in of.items()]}
        found[f"tables/{name}.json"] = (json.dumps(plain(content), indent=1, ensure_ascii=False) + "\n").encode()
    return found


def _described(group: str, one: Reading) -> dict[str, Any]:
    """Return what is printed of a pooled effect, with its trials, fit for JSON."""
    shown = one.headline
    return {
        "group": group,
        "measure": one.measure,
        "headline": shown.to_frame().to_dict("records"),
        "state": shown.state,
        "threshold": shown.threshold,
        "certainty": one.certainty.level,
        "reasons": one.certainty.reasons,
        "trials": pd.DataFrame(one.result.data).to_dict("records"),
    }


def _moved(made: Path, folder: Path) -> list[Path]:
    """Move a finished site over an older one, file by file; `index.html`, which leads to the others, comes last."""
    files = sorted((path for path in made.rglob("*") if path.is_file()), key=lambda path: path.name == "index.html")
    targets = [folder / path.relative_to(made) for path in files]
    for path, target in zip(files, targets, strict=True):
        target.parent.mkdir(parents=True, exist_ok=True)
        os.replace(path, target)
    return targets


def _licence(evidence: Evidence) -> str:
    """Return under which licence the tables are, where their descriptor says so."""
    file = Path(evidence.folder) / "datapackage.json"
    given = json.loads(file.read_text(encoding="utf-8")).get("licenses", []) if file.exists() else []
    return f"Evidence tables and figures {given[0].get('title', given[0].get('name', ''))}. " if given else ""


def _version(evidence: Evidence) -> str:
    """Return which versions made the pages."""
    from acuevidence import __version__

    tables = f"Evidence version {evidence.version}; made" if evidence.version else "Made"
    return f"{tables} with acuevidence {__version__}."


def environment() -> jinja2.Environment:
    """Return the Jinja2 environment of the pages, which escapes all text."""
    try:
        import jinja2
    except ImportError:
        raise MissingExtraError("the report", "Jinja2", "report") from None
    found = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    found.filters |= {
        "words": _words,
        "lines": _lines,
        "place": _place,
        "lower_first": _lower_first,
        "prose": _prose,
        "rate": number,
        "count": _count,
    }
    found.tests["address"] = lambda value: str(value).startswith(("https://", "http://"))
    return found


def _words(value: Any) -> str:
    """Return a cell as words: nothing for what is missing, spaces for the underscores of a key."""
    return "" if pd.isna(value) else str(value).replace("_", " ")


def _lower_first(text: str) -> str:
    return text[:1].lower() + text[1:]


def _count(value: Any) -> str:
    return "not printed" if pd.isna(value) else f"{value:,.0f}"


def _lines(value: str) -> list[str]:
    return [line for line in value.split("\n") if line]


def _place(value: Any) -> str:
    """Return where on a page a figure stands, without the notes of those who read it."""
    return _words(value).split(";")[0]


def _prose(text: str) -> Any:
    """Return paragraphs with words in bold as HTML; all else in the text is escaped."""
    from markupsafe import Markup, escape

    paragraphs = (f"<p>{escape(part)}</p>" for part in text.split("\n\n"))
    return Markup(re.sub(r"\*\*(.+?)\*\*", r"<strong>\1</strong>", "\n".join(paragraphs)))


guard(__name__, "build_site")
