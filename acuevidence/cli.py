"""The command line: validate the evidence, draw the figures, analyse a condition, answer the claims."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from acuevidence import __version__
from acuevidence.errors import AcuevidenceError, EvidenceError


class _Commands(TyperGroup):
    """Every command ends with one line and a code where it cannot go on: 2 for its arguments, 1 for data or a failed write."""

    def main(self, *args: Any, **kwargs: Any) -> Any:
        try:
            try:
                return super().main(*args, **kwargs)
            finally:
                sys.stdout.flush()
        except EvidenceError as error:
            said, code = str(error), 1
        except AcuevidenceError as error:
            said, code = f"error: {error}", 1 if isinstance(error.__cause__, OSError) else 2
        except OSError as error:
            said = "" if isinstance(error, BrokenPipeError) else f"error: {_unwritten(error)}"
            code = 1
        if said:
            typer.echo(said, err=True)
        sys.exit(code)


def _unwritten(error: OSError) -> str:
    """Say what could not be written; what is still in the buffer of standard output must not fail again at exit."""
    if error.filename is None:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    return f"{error.filename or 'the output'} cannot be written: {error.strerror or error}"


app = typer.Typer(
    cls=_Commands,
    help="Evidence from trials: validate, pool, draw, answer, report.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"acuevidence {__version__}")
        raise typer.Exit


_Folder = Annotated[
    Path | None, typer.Option("-e", "--evidence", metavar="FOLDER", help="Folder of evidence tables. Default: the package's own.")
]


@app.callback()
def main(
    context: typer.Context,
    evidence: _Folder = None,
    version: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")] = False,
) -> None:
    """Evidence from trials: the package's own on acupuncture for chronic pain, or a review of yours (init, -e)."""
    context.obj = evidence


def _loaded(context: typer.Context, folder: Path | None) -> Any:
    """Return the evidence of the folder named after or before the command; end the command where it holds no trial yet."""
    from acuevidence.evidence import load_evidence

    found = load_evidence(folder or context.obj)
    if found.trials.empty:
        typer.echo(f"{found.folder} holds no trial yet; enter one in trials.csv, arms.csv and results.csv.")
        raise typer.Exit
    return found


@app.command()
def init(
    folder: Annotated[Path, typer.Argument(help="A new or empty folder.")],
    name: Annotated[str, typer.Option(help="Title of the review.")] = "",
    treatment: Annotated[str, typer.Option(help="What is tested, for example exercise.")] = "",
    comparator: Annotated[str, typer.Option(help="What it is compared with, for example usual care.")] = "",
    condition: Annotated[str, typer.Option(help="Whom it is for, for example depression.")] = "",
    outcome: Annotated[str, typer.Option(help="What is measured first, for example depressive symptoms.")] = "",
) -> None:
    """Start a review of your own: rules with neutral defaults, and empty tables."""
    import sys

    from acuevidence.evidence.scaffold import start_review

    given = {"name": name, "treatment": treatment, "comparator": comparator, "condition": condition, "outcome": outcome}
    if sys.stdin.isatty():
        given = {key: value or typer.prompt(key.capitalize(), default="") for key, value in given.items()}
    try:
        files = start_review(folder, **{key: value for key, value in given.items() if value})
    except AcuevidenceError as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(2) from None
    typer.echo(f"{len(files)} files in {folder}; the words of the review stand in {folder / 'topic.yaml'}")


@app.command()
def validate(
    context: typer.Context,
    folder: Annotated[Path | None, typer.Argument(help="Folder of evidence tables. Default: the package's own.")] = None,
    evidence_folder: _Folder = None,
) -> None:
    """Check evidence tables: types, ranges, vocabulary, keys; list every fault."""
    from acuevidence.evidence import load_evidence

    evidence = load_evidence(folder or evidence_folder or context.obj)
    typer.echo(evidence.summary())
    for one in evidence.notes().itertuples():
        typer.echo(f"note: {one.table}.csv line {one.row}, {one.column} {one.value:g}: {one.note}")
    typer.echo("\nEvery table is valid." + (" No trial yet." if evidence.trials.empty else ""))


@app.command()
def figures(
    context: typer.Context,
    check: Annotated[bool, typer.Option("--check", help="Write nothing; exit 1 when a figure would change.")] = False,
    only: Annotated[list[str] | None, typer.Option("--only", metavar="NAME", help="One figure; may be repeated.")] = None,
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="Folder of the figures.")] = Path("figures"),
    evidence: _Folder = None,
) -> None:
    """Draw every figure as SVG and PNG, with a manifest of what they were drawn from."""
    from functools import partial

    from tqdm import tqdm

    from acuevidence.report import drawing

    found = _loaded(context, evidence)
    bar = partial(tqdm, desc="checking" if check else "drawing", unit="figure")
    if not check:
        files = drawing.build(out, evidence=found, only=only or (), progress=bar)
        for name, reason in drawing.not_drawn(out).items():
            typer.echo(f"{name} is not drawn: {reason}")
        typer.echo(f"{len(files)} files in {out}")
        return
    drifts = drawing.check(out, evidence=found, only=only or (), progress=bar)
    for drift in drifts:
        typer.echo(f"{drift.file} would change: {drift.reason}", err=True)
    if drifts:
        raise typer.Exit(1)
    typer.echo(f"every figure in {out} is as it would be drawn now")


@app.command()
def analyse(
    context: typer.Context,
    condition: Annotated[str, typer.Argument(help="A condition, as in topic.yaml.")],
    timing: Annotated[str, typer.Option(help="end_of_treatment, short, medium or long.")] = "end_of_treatment",
    evidence: _Folder = None,
) -> None:
    """Pool a condition by comparator and print what is pooled, how, from which trials, and what comes out."""
    from acuevidence.report.analysis import analysis_text

    typer.echo(analysis_text(condition, timing=timing, evidence=_loaded(context, evidence)))


@app.command()
def claims(
    context: typer.Context,
    ids: Annotated[list[str] | None, typer.Argument(help="Claims to answer in full, for example lbp-relief. Default: all.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Every answer in full, as JSON.")] = False,
    as_markdown: Annotated[bool, typer.Option("--markdown", help="Every answer in full, as Markdown.")] = False,
    evidence: _Folder = None,
) -> None:
    """Answer the claims of health articles from the data: verdict, certainty, reasons, estimates."""
    from acuevidence.report import answers
    from acuevidence.verdicts.claims import evaluate_claims

    found = evaluate_claims(ids or None, _loaded(context, evidence))
    if as_json:
        typer.echo(answers.to_json(found))
    elif as_markdown:
        typer.echo(answers.to_markdown(found))
    else:
        typer.echo(answers.to_text(found, full=bool(ids)))


_Form = Annotated[str, typer.Option("--format", metavar="FORM", help="text, markdown or json.")]


@app.command()
def changes(
    context: typer.Context,
    old: Annotated[str, typer.Argument(help="A folder of evidence tables, or a git revision of the folder of -e.")],
    new: Annotated[str, typer.Argument(help="As OLD.")],
    own_rules: Annotated[
        bool, typer.Option("--own-rules", help="Judge each side by its own rules, not both by those of NEW.")
    ] = False,
    form: _Form = "text",
    evidence: _Folder = None,
) -> None:
    """Say what a change of the tables does: to trials and figures, every pooled effect, its certainty, and every verdict."""
    from acuevidence.evidence import data_folder, load_beside, load_evidence
    from acuevidence.evidence.revisions import folder_at
    from acuevidence.report.changes_text import changes_in_words
    from acuevidence.verdicts.changes import changes as found

    place = Path(evidence or context.obj or data_folder())
    with folder_at(new, place) as (after, new_name), folder_at(old, place) as (before, old_name):
        later = load_evidence(after)
        earlier = load_evidence(before) if own_rules else load_beside(before, later)
        made = found(earlier, later)
    typer.echo(changes_in_words(made, old=old_name, new=new_name, topic=later.topic, form=form))


@app.command()
def compare(
    a: Annotated[Path, typer.Argument(help="Folder of the first extraction.")],
    b: Annotated[Path, typer.Argument(help="Folder of the second.")],
    form: _Form = "text",
) -> None:
    """List where two extractions of the same trials differ: table, row, column, both values."""
    from acuevidence.evidence.extractions import extractions
    from acuevidence.report.changes_text import extractions_in_words

    typer.echo(extractions_in_words(extractions(a, b), a=str(a), b=str(b), form=form))


@app.command()
def report(
    context: typer.Context,
    out: Annotated[Path, typer.Option("-o", "--out", metavar="DIR", help="Folder of the site.")],
    evidence: _Folder = None,
) -> None:
    """Write the report as a static site that opens from a file: claims, conditions, safety, methods."""
    from functools import partial

    from tqdm import tqdm

    from acuevidence.report.site import build_site

    found = _loaded(context, evidence)
    files = build_site(out, evidence=found, progress=partial(tqdm, desc="drawing", unit="figure"))
    typer.echo(f"{len(files)} files; open {out / 'index.html'}")


@app.command()
def pool(
    file: Annotated[Path, typer.Argument(help="A table of trials: CSV, semicolons or tabs, or an Excel workbook.")],
    measure: Annotated[str | None, typer.Option(help="SMD, MD, OR, RR, RD, HR ... Default: what the table calls for.")] = None,
    by: Annotated[str | None, typer.Option(metavar="COLUMN", help="Pool the groups of a column apart.")] = None,
    forest: Annotated[Path | None, typer.Option(metavar="FILE", help="Write the forest plot: .svg, .pdf, .png or .tif.")] = None,
) -> None:
    """Pool a table of your own: what was understood, the trials, the result, the methods, and a forest plot."""
    from acuevidence.report.own_pool import pool_text

    typer.echo(pool_text(file, measure=measure, by=by, forest=forest))


@app.command()
def template() -> None:
    """Print a table to start from with your own trials, for read_trials: acuevidence template > my_trials.csv."""
    from acuevidence.effects.own_trials import template as text

    typer.echo(text(), nl=False)
