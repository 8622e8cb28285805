"""The static site: claims, conditions, safety and methods for readers without Python.

It arranges and escapes what the results hold; nothing is computed here, and the pages load nothing from elsewhere.
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

from acuevidence.appraisal.certainty import certainty
from acuevidence.appraisal.thresholds import Mid, band_of, mid_of
from acuevidence.arguments import guard
from acuevidence.effects.trials import trial_effects
from acuevidence.errors import InputError, MissingExtraError
from acuevidence.evidence import Evidence, conditions, load_evidence
from acuevidence.questions.pooled import pooled
from acuevidence.questions.published import published
from acuevidence.questions.safety import number, safety
from acuevidence.questions.sensitivity import sensitivity
from acuevidence.report import drawing, figures
from acuevidence.report import sentences as words
from acuevidence.report.site_forest import forest_rows, strips
from acuevidence.report.tables import Table, characteristics, study_results, summary_of_findings
from acuevidence.report.whole_files import refuse_unwritable, unwritten
from acuevidence.verdicts.claims import answer_table, answered, claims, verdicts

if TYPE_CHECKING:
    import jinja2

__all__ = ["build_site", "environment"]

_TEMPLATES = Path(__file__).parent / "templates"
_OF_CONDITION = ("forest_{}", "sensitivity_{}")
Pooled = Mapping[str, Mapping[str, Any]]  # condition to comparator to effect
_PRINTED = ["outcome", "measure", "week", "timing", "arm", "figures_as_printed", "locator", "source_url", "caution"]


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
    names, topic = conditions(evidence), evidence.topic
    pools = {name: found for name in names if (found := pooled(name, evidence=evidence))}
    surveys = len(evidence.safety) > 0
    shared = {
        "nav": [(name, topic.label(name)) for name in names],
        "topic": topic,
        "surveys": surveys,
        "claimed": bool(evidence.claims["claims"]),
        "licence": _licence(evidence),
        "untreated": topic.of_kind("untreated"),
        "placebo": topic.of_kind("placebo"),
    }
    pages = {
        "index.html": ("index.html", _index(pools, evidence)),
        "methods.html": ("methods.html", _methods(_band(pools, pools, evidence), evidence)),
    }
    if surveys:
        pages["safety.html"] = ("safety.html", _safety(evidence))
    pages |= {f"{name}.html": ("condition.html", _condition(name, pools, evidence)) for name in names}
    written = {
        name: templates.get_template(template).render(page=name, **shared, **content).encode()
        for name, (template, content) in pages.items()
    }
    written |= {name: (_TEMPLATES / name).read_bytes() for name in ("site.css", "site.js")}
    written["site.css"] += "".join(
        f".side-{place} .strip {{ color: {topic.colour(key)}; }}\n" for place, key in enumerate(topic.comparators)
    ).encode()
    written |= {f"tables/{key}.csv": table.to_csv().encode() for key, table in _tables(names, pools, evidence).items()}
    of_conditions = [kind.format(name) for name in names for kind in _OF_CONDITION]
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


def _tables(names: Iterable[str], pools: Pooled, evidence: Evidence) -> dict[str, Table]:
    """Return the tables that the pages offer as files."""
    found = {}
    for name in names:
        results = pools.get(name, {})
        found[f"{name}_findings"] = summary_of_findings(results)
        found[f"{name}_trials"] = characteristics(name, evidence=evidence)
        found |= {f"{name}_results_{_slug(group)}": study_results(one) for group, one in results.items()}
    return found


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
        "lower_first": _lower_first,
        "prose": _prose,
        "rate": number,
        "count": _count,
    }
    found.tests["address"] = lambda value: str(value).startswith(("https://", "http://"))
    return found


def _index(pools: Pooled, evidence: Evidence) -> dict[str, Any]:
    asked = claims(evidence).set_index("id")
    rows, found = [], answered(evidence=evidence)
    for answer in answer_table(found, evidence).to_dict("records"):
        about, one = asked.loc[answer["id"]], found[answer["id"]]
        everywhere = list(about["population"]) or (conditions(evidence) if about["comparators"] else [])
        rows.append(
            {
                **answer,
                "conditions": everywhere,
                "comparators": list(about["comparators"]),
                "rule": about["rule"],
                "plot": strips(
                    (*one.estimates, *one.published), _band(everywhere, pools, evidence), evidence.topic.treatment.phrase
                ),
                "sources": _claim_sources(everywhere, about["comparators"], evidence) if len(everywhere) == 1 else [],
            }
        )
    given = {row["verdict"] for row in rows}
    return {
        "claims": rows,
        "verdicts": {name: said for name, said in verdicts(evidence).items() if name in given},
        "band": _band(pools, pools, evidence),
        "comparators": evidence.topic.comparators,
        "titles": {key: one.title for key, one in figures.figures(evidence).items()},
    }


def _band(names: Iterable[str], pools: Pooled, evidence: Evidence) -> Mid | None:
    """Return the thresholds that the pooled effects of conditions are judged by, as one band."""
    return band_of([one for name in names for one in pools.get(name, {}).values()], evidence)


def _claim_sources(names: Iterable[str], comparators: Iterable[str], evidence: Evidence) -> list[tuple[str, str]]:
    """Return study and address of the published syntheses beside a claim, each once."""
    found = [
        (row.study, row.source_url)
        for name in names
        for comparator in comparators
        for row in published(name, comparator, evidence=evidence).itertuples()
    ]
    return list(dict.fromkeys(found))


def _condition(name: str, pools: Pooled, evidence: Evidence) -> dict[str, Any]:
    effects = trial_effects(name, evidence=evidence)
    results = pools.get(name, {})
    places = list(evidence.topic.comparators)
    plots = [
        {
            "name": _slug(group),
            "place": places.index(evidence.topic.comparison(group)),
            "label": evidence.topic.label(group),
            "result": one,
            "certainty": certainty(one),
            "band": mid_of(one, evidence),
            "rows": forest_rows(one, mid_of(one, evidence)),
        }
        for group, one in results.items()
    ]
    used = {trial: rows.to_dict("records") for trial, rows in effects.groupby("trial_id")}
    trials = evidence.trials[evidence.trials["condition"] == name].sort_values(["year", "study"], kind="stable")
    printed = _printed(name, evidence)
    left = effects.attrs["excluded"]
    asked = (
        pd.concat([effects[["trial_id", "comparator"]], left[["trial_id", "comparator"]]])
        .groupby("trial_id")["comparator"]
        .unique()
    )
    return {
        "name": name,
        "label": evidence.topic.label(name),
        "plots": plots,
        "coverage": words.coverage(name, effects, evidence=evidence),
        "meaning": words.meaning(name, results),
        "published": published(name, evidence=evidence).to_dict("records"),
        "excluded": left.to_dict("records"),
        "findings": summary_of_findings(results),
        "comparators": evidence.topic.comparators,
        "sensitivity": sensitivity(name, evidence=evidence).to_dict("records") if results else [],
        "trials": [
            {
                **row,
                "effects": used.get(row["trial_id"], []),
                "printed": printed.get(row["trial_id"], []),
                "comparators": list(asked.get(row["trial_id"], [])),
            }
            for row in trials.to_dict("records")
        ],
    }


def _printed(name: str, evidence: Evidence) -> dict[str, list[dict[str, Any]]]:
    """Return every printed figure of a condition by trial: of arms, and between arms."""
    contrasts = evidence.contrasts.assign(arm=evidence.contrasts["arm"] + " v " + evidence.contrasts["comparator_arm"])
    rows = pd.concat([evidence.results[["condition", "trial_id", *_PRINTED]], contrasts[["condition", "trial_id", *_PRINTED]]])
    chosen = rows[rows["condition"] == name]
    return {str(trial): found.to_dict("records") for trial, found in chosen.groupby("trial_id")}


def _safety(evidence: Evidence) -> dict[str, Any]:
    found = safety(evidence=evidence)
    return {
        "rates": found.rates.to_dict("records"),
        "sources": found.sources.to_dict("records"),
        "published": found.published.to_dict("records"),
        "per": found.per,
    }


def _methods(band: Mid | None, evidence: Evidence) -> dict[str, Any]:
    return {"band": band, "asked": claims(evidence).to_dict("records"), "rules": evidence.rules}


def _words(value: Any) -> str:
    """Return a cell as words: nothing for what is missing, spaces for the underscores of a key."""
    return "" if pd.isna(value) else str(value).replace("_", " ")


def _slug(group: str) -> str:
    """Return a group's name as it stands in the name of a file and in an id."""
    return group.replace(", ", "_")


def _lower_first(text: str) -> str:
    return text[:1].lower() + text[1:]


def _count(value: Any) -> str:
    return "not printed" if pd.isna(value) else f"{value:,.0f}"


def _lines(value: str) -> list[str]:
    return [line for line in value.split("\n") if line]


def _prose(text: str) -> Any:
    """Return paragraphs with words in bold as HTML; all else in the text is escaped."""
    from markupsafe import Markup, escape

    paragraphs = (f"<p>{escape(part)}</p>" for part in text.split("\n\n"))
    return Markup(re.sub(r"\*\*(.+?)\*\*", r"<strong>\1</strong>", "\n".join(paragraphs)))


guard(__name__, "build_site")
