"""The tables of a report: characteristics of trials, their results, and Summary of Findings, in the forms journals take."""

from __future__ import annotations

import html
import math
from collections.abc import Mapping
from dataclasses import dataclass
from math import exp, pi, sqrt
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from acuevidence.appraisal.certainty import certainty
from acuevidence.appraisal.thresholds import Mid, has_mid, mid
from acuevidence.arguments import guard
from acuevidence.errors import InputError, MissingExtraError
from acuevidence.evidence import Evidence, load_evidence
from acuevidence.evidence.carried import direction_of, evidence_of, outcomes_of
from acuevidence.inputs import choice
from acuevidence.questions.typical_sd import typical_sd
from acuevidence.report.table_forms import docx, latex
from acuevidence.report.whole_files import csv_text, replace
from acuevidence.synthesis import MetaAnalysis
from acuevidence.synthesis.network import NetworkMetaAnalysis
from acuevidence.topic import Topic, topic_of

__all__ = ["Table", "characteristics", "league_table", "study_results", "summary_of_findings"]


@dataclass(frozen=True, slots=True, eq=False)
class Table:
    """A table with its title and notes.

    Attributes
    ----------
    title : str
        Heading.
    frame : DataFrame
        Cells as printed.
    notes : tuple of str
        Footnotes, in order.
    """

    title: str
    frame: pd.DataFrame
    notes: tuple[str, ...] = ()

    def to_frame(self) -> pd.DataFrame:
        """Return the cells.

        Returns
        -------
        DataFrame
            A copy, as printed.

        Examples
        --------
        >>> import pandas as pd
        >>> from acuevidence.report.tables import Table
        >>> table = Table('Trials', pd.DataFrame({'study': ['A 2020'], 'n': [40]}))
        >>> table.to_frame().shape
        (1, 2)
        """
        return self.frame.copy()

    def to_html(self) -> str:
        """Return HTML, by great_tables (extra ``tables``).

        Returns
        -------
        str
            A table with its heading and notes.

        Examples
        --------
        >>> import pandas as pd
        >>> from acuevidence.report.tables import Table
        >>> table = Table('Trials', pd.DataFrame({'study': ['A 2020'], 'n': [40]}))
        >>> 'A 2020' in table.to_html()
        True
        """
        try:
            from great_tables import GT
        except ImportError:
            raise MissingExtraError("HTML", "great_tables", "tables") from None
        made = GT(self.frame).tab_header(title=html.escape(self.title))
        for note in self.notes:
            made = made.tab_source_note(html.escape(note))
        return str(made.as_raw_html())

    def to_latex(self) -> str:
        """Return a LaTeX longtable; the document needs the packages array, booktabs and longtable.

        Returns
        -------
        str
            A table with its heading and notes.

        Examples
        --------
        >>> import pandas as pd
        >>> from acuevidence.report.tables import Table
        >>> table = Table('Trials', pd.DataFrame({'study': ['A 2020'], 'n': [40]}))
        >>> 'A 2020' in table.to_latex()
        True
        """
        return latex(self.title, self.frame, self.notes)

    def to_docx(self, path: str | Path) -> Path:
        """Write a Word document, by python-docx (extra ``tables``).

        Parameters
        ----------
        path : path
            Where to; a file that is there is replaced when the new one is whole.

        Returns
        -------
        Path
            The file written.

        Raises
        ------
        InputError
            Without python-docx.

        Examples
        --------
        >>> import tempfile, pandas as pd
        >>> from acuevidence.report.tables import Table
        >>> table = Table('Trials', pd.DataFrame({'study': ['A 2020'], 'n': [40]}))
        >>> table.to_docx(tempfile.mkdtemp() + '/trials.docx').name
        'trials.docx'
        """
        return replace(Path(path), docx(self.title, self.frame, self.notes))

    def to_markdown(self) -> str:
        """Return a Markdown table with title and notes.

        Returns
        -------
        str
            Title in bold, rows, then the notes.

        Examples
        --------
        >>> import pandas as pd
        >>> from acuevidence.report.tables import Table
        >>> table = Table('Trials', pd.DataFrame({'study': ['A 2020'], 'n': [40]}))
        >>> table.to_markdown().splitlines()[4]
        '| A 2020 | 40 |'
        """
        cells = [list(self.frame.columns), ["---"] * self.frame.shape[1], *self.frame.astype(str).to_numpy().tolist()]
        lines = ["| " + " | ".join(str(c).replace("|", "\\|").replace("\n", " ") for c in row) + " |" for row in cells]
        return "\n".join([f"**{self.title}**", "", *lines, "", *self.notes]) + "\n"

    def to_csv(self) -> str:
        """Return the cells as CSV; an apostrophe keeps a spreadsheet from running text as a formula.

        Returns
        -------
        str
            A header and a line a row.

        Examples
        --------
        >>> import pandas as pd
        >>> from acuevidence.report.tables import Table
        >>> table = Table('Trials', pd.DataFrame({'study': ['A 2020'], 'n': [40]}))
        >>> table.to_csv().splitlines()
        ['study,n', 'A 2020,40']
        """
        return csv_text(self.frame)

    def __repr__(self) -> str:
        return "\n".join([self.title, self.frame.to_string(index=False), *self.notes])

    def _repr_html_(self) -> str:
        head = f"<p><b>{html.escape(self.title)}</b></p>" + self.frame.to_html(index=False)
        return head + "".join(f"<p>{html.escape(note)}</p>" for note in self.notes)


def characteristics(condition: str, *, evidence: Evidence | None = None) -> Table:
    """Return the characteristics of every trial known for a condition.

    Parameters
    ----------
    condition : str
        One of :func:`acuevidence.conditions`.
    evidence : Evidence, optional
        Default: the package's evidence.

    Returns
    -------
    Table
        One row a trial: study, country, diagnosis, randomised, arms, what the topic alone describes, and weeks of treatment.

    Raises
    ------
    InputError
        For an unknown condition.

    Examples
    --------
    >>> from acuevidence.report.tables import characteristics
    >>> characteristics("neck_pain").frame.columns[0]
    'Study'
    """
    evidence = load_evidence() if evidence is None else evidence
    choice("condition", condition, list(evidence.topic.conditions))
    trials = evidence.trials[evidence.trials["condition"] == condition].sort_values(["year", "study"])
    roles = evidence.arms.groupby("trial_id")["role"].agg(
        lambda r: ", ".join(str(x).replace("_", " ") for x in r.dropna())
    )
    frame = pd.DataFrame(
        {"Study": trials["study"], "Country": trials["country"], "Diagnosis": trials["diagnosis"],
         "Randomised": trials["n_randomized"].map(_number), "Arms": trials["trial_id"].map(roles),
         **{_heading(column.name): trials[column.name].map(_plain) for column in evidence.topic.columns.get("trials", ())},
         "Weeks": trials["treatment_weeks"].map(_number)},
    )  # fmt: skip
    frame = frame.astype(object).where(frame.notna(), "–").reset_index(drop=True)
    return Table(f"Characteristics of trials: {evidence.topic.label(condition)}", frame, ("–: not printed.",))


def league_table(network: NetworkMetaAnalysis, *, digits: int = 2) -> Table:
    """Return the league table of a network, treatments from the best P-score down.

    Parameters
    ----------
    network : NetworkMetaAnalysis
        From :func:`acuevidence.network` or :func:`acuevidence.treatment_network`.
    digits : int
        Decimals shown.

    Returns
    -------
    Table
        One row and one column a treatment, with the P-score at the end; cells are row minus column with the interval.

    Examples
    --------
    >>> import acuevidence as ae
    >>> from acuevidence.report.tables import league_table
    >>> net = ae.network(["needles", "needles"], ["sham", "usual care"], [0.2, 0.5], [0.1, 0.1], ["A", "B"])
    >>> league_table(net).frame["needles"].tolist()
    ['–', '-0.20 (-0.40 to -0.00)', '-0.50 (-0.70 to -0.30)']
    """
    cells = network.league(digits)
    order = cells.index
    frame = pd.DataFrame(
        [[("–" if a == b else cells.at[a, b]) or "no trial" for b in order] for a in order],
        columns=[str(name) for name in order],
    )
    frame.insert(0, "Treatment", [str(name) for name in order])
    frame["P-score"] = [f"{network.p_scores[name]:.2f}" for name in order]
    better = "Larger" if network.favourable == "larger" else "Smaller"
    tau2 = "" if network.tau2 is None else f", tau2 {network.tau2:.3f} ({network.method})"
    return Table(
        "League table of the treatments",
        frame,
        (
            f"Row minus column ({network.level:.0%} CI): network estimates below the diagonal, direct estimates above it. "
            f"{better} effects are better. {network.k} trials, {network.effects} effects{tau2}.",
            "P-score: mean certainty that the treatment is better than another.",
        ),
    )


def study_results(result: MetaAnalysis) -> Table:
    """Return the figures of every trial of a synthesis, and where they were printed (PRISMA 2020, item 19).

    Parameters
    ----------
    result : MetaAnalysis
        From the rows of ``trial_effects``.

    Returns
    -------
    Table
        One row a trial.

    Examples
    --------
    >>> import acuevidence as ae
    >>> from acuevidence.report.tables import study_results
    >>> len(study_results(ae.pooled("neck_pain")["sham"]).frame) == ae.pooled("neck_pain")["sham"].k
    True
    """
    data = result.data
    names = data["labels"] if "labels" in data else pd.Series(data.index.astype(str), index=data.index)
    half = 1.959963984540054 * data["vi"] ** 0.5
    frame = pd.DataFrame({"Study": names, "Effect (95% CI)": [_interval(*row) for row in zip(
        data["yi"], data["yi"] - half, data["yi"] + half, strict=True)], "Weight (%)": [f"{w:.1f}" for w in result.weights]})  # fmt: skip
    topic = topic_of(result)
    wanted = {"n1": f"n {topic.treatment.phrase}", "n2": f"n {topic.comparator().phrase}", "measure_used": "Instrument", "week": "Week",
              "figures_as_printed": "Figures as printed", "derivation": "Derivation", "source_url": "Source"}  # fmt: skip
    for column, title in wanted.items():
        if column in data:
            frame[title] = data[column].map(_number if pd.api.types.is_numeric_dtype(data[column]) else _word)
    return Table("Results of the trials", frame.reset_index(drop=True), (result.conventions,))


def summary_of_findings(
    results: Mapping[str, MetaAnalysis], *, condition: str | None = None, evidence: Evidence | None = None
) -> Table:
    """Return the Summary of Findings after GRADE (Cochrane Handbook, chapter 14).

    Parameters
    ----------
    results : mapping
        Name of the comparison to MetaAnalysis as an SMD, RR or OR, as :func:`acuevidence.pooled` returns.
    condition : str, optional
        Whose typical SD brings the effect to points of 0-100. Default: the one in the data.
    evidence : Evidence, optional
        Where thresholds, typical SDs and the comparators' means are from. Default: what the results carry; without any, cells that
        need it stay empty.

    Returns
    -------
    Table
        One row a comparison: the outcome with scale and follow-up, what the comparator's patients reach, the difference in
        points of 0-100 or in responders per 100, the effect as it was pooled, participants (trials), certainty and a comment; each
        step of certainty lost is a footnote.

    Raises
    ------
    InputError
        For effects that are neither SMD nor RR nor OR.

    Notes
    -----
    Under an SMD, points are the effect times the typical SD of the outcome on a 0-100 scale, and responders per 100 take a
    response of 50 in 100 with the comparator and a logistic distribution: log OR = SMD pi / sqrt(3) (Cochrane Handbook
    15.5.3). Under RR and OR, the comparator's risk is the median of the trials. An outcome without a minimal important difference
    in the evidence says so, and its imprecision is rated by size and by the null alone.

    Examples
    --------
    >>> import acuevidence as ae
    >>> from acuevidence.report.tables import summary_of_findings
    >>> list(summary_of_findings(ae.pooled("neck_pain")).frame["Comparison"])
    ['acupuncture v sham', 'acupuncture v usual care']
    """
    evidence, topic = evidence_of(results, evidence), topic_of(results)
    rows: list[dict[str, str]] = []
    notes: list[str] = []
    bands: dict[str, None] = {}
    for name, one in results.items():
        if one.k == 0:
            continue
        outcome, band = _main_outcome(one), _band(_main_outcome(one), evidence)
        rated, marks = certainty(one), []
        for reason in rated.reasons:
            marks.append(str(len(notes) + 1))
            notes.append(f"{len(notes) + 1}. {reason[0].upper()}{reason[1:]}.")
        bands[_threshold(outcome, band, evidence, topic)] = None
        rows.append({
            "Comparison": _comparison(name, topic),
            "Outcome, follow-up": f"{_outcome_words(one, topic)}, {_follow_up(one)}",
            **_absolute(one, outcome, condition, evidence),
            "Effect (95% CI)": _effect(one),
            "Participants (trials)": _participants(one),
            "Certainty": f"{rated.symbols} {rated.level}" + (f" [{', '.join(marks)}]" if marks else ""),
            "In plain words": _comment(one, band, topic),
        })  # fmt: skip
    return Table("Summary of findings", pd.DataFrame(rows), (_assumed(results), *bands, *notes))


def _assumed(results: Mapping[str, MetaAnalysis]) -> str:
    favoured = topic_of(results).treatment.phrase if direction_of(results) == "benefit" else ""
    return (f"Positive values favour {favoured}. " if favoured else "") + _ASSUMED


def _comparison(name: str, topic: Topic) -> str:
    words = topic.comparator(name).phrase
    return f"{topic.treatment.phrase} v {words}" if topic.compares(name) else words


_ASSUMED = (
    "With the comparator: median of the final means of such arms in the condition's trials, 0 no "
    "complaint to 100 worst. Points of 0-100: SMD times the typical SD of the outcome. Responders under an SMD: 50 in 100 "
    "assumed with the comparator, logistic conversion; under a ratio: the comparator's risk is the median of the trials. "
    "–: cannot be told from what is printed. Certainty after GRADE: ●●●● high, ●●●○ moderate, ●●○○ low, ●○○○ very low."
)


def _main_outcome(one: MetaAnalysis) -> str:
    """Return the outcome of most trials; nothing where the data name none."""
    return str(one.data["outcome"].mode().iloc[0]) if "outcome" in one.data else ""


def _band(outcome: str, evidence: Evidence | None) -> Mid | None:
    return mid(outcome, "SMD", evidence=evidence) if evidence is not None and has_mid(outcome, evidence=evidence) else None


def _threshold(outcome: str, band: Mid | None, evidence: Evidence | None, topic: Topic) -> str:
    words = topic.outcome(outcome) or "an outcome that is not named"
    if band is None:
        return f"Minimal important difference of {words}: no MID in the evidence."
    if not has_mid(outcome, "MD", evidence=evidence):
        return f"Minimal important difference of {words}: {band.low:g} to {band.high:g} SD ({band.source})."
    points = mid(outcome, "MD", evidence=evidence)
    return (
        f"Minimal important difference of {words}: {band.low:g} to {band.high:g} SD ({band.source}), "
        f"{points.low:g} to {points.high:g} points of 0-100 ({points.source})."
    )


def _outcome_words(one: MetaAnalysis, topic: Topic) -> str:
    return " or ".join(map(topic.outcome, outcomes_of(one))) or "outcome not named"


def _follow_up(one: MetaAnalysis) -> str:
    weeks = one.data["week"].dropna() if "week" in one.data else pd.Series(dtype=float)
    if weeks.empty:
        return "week not printed"
    low, high = weeks.min(), weeks.max()
    return f"week {low:g}" if low == high else f"weeks {low:g} to {high:g}"


def _absolute(one: MetaAnalysis, outcome: str, condition: str | None, evidence: Evidence | None) -> dict[str, str]:
    """Return what the comparator reaches, and the difference in points of 0-100 and in responders per 100."""
    with_comparator, points, responders = (
        "With the comparator",
        "Points of 0-100 (95% CI)",
        "More responders per 100 (95% CI)",
    )
    effect = np.array([one.estimate, one.ci_low, one.ci_high])
    kind = _kind(one)
    if kind != "SMD":
        risk = float((one.data["events2"] / one.data["n2"]).astype(float).median())
        if np.isnan(risk):
            return {with_comparator: "–", points: "–", responders: "–"}
        odds = risk / (1 - risk) * np.exp(effect)
        new = np.minimum(risk * np.exp(effect), 1) if kind == "RR" else odds / (1 + odds)
        return {with_comparator: f"{100 * risk:.0f} of 100 respond", points: "–",
                responders: _interval(*(100 * (new - risk)), digits=0)}  # fmt: skip
    sd, level = (math.nan, math.nan) if evidence is None else (_spread(one, outcome, condition, evidence), _level(one, outcome, evidence))
    more = [100 / (1 + exp(-x * pi / sqrt(3))) - 50 for x in effect]
    return {
        with_comparator: "–" if np.isnan(level) else f"{level:.0f} points of 0-100",
        points: "–" if np.isnan(sd) else _interval(*(sd * effect), digits=0),
        responders: _interval(*more, digits=0),
    }


def _kind(one: MetaAnalysis) -> str:
    kinds = set(one.data["effect"].dropna()) if "effect" in one.data else {"SMD"}
    if len(kinds) != 1 or not kinds <= {"SMD", "RR", "OR"}:
        raise InputError(
            f"a Summary of Findings takes effects as SMD, RR or OR, not {', '.join(sorted(map(str, kinds)))}"
        )
    return str(kinds.pop())


def _spread(one: MetaAnalysis, outcome: str, condition: str | None, evidence: Evidence) -> float:
    """Return the typical SD of the outcome on a 0-100 scale, NaN where no scale is printed."""
    own = condition or (str(one.data["condition"].iloc[0]) if "condition" in one.data else None)
    topic = evidence.topic
    if topic.outcomes.get(outcome, {}).get("spread_of", outcome) == topic.main_outcome:
        return typical_sd(own, evidence=evidence).sd
    rows = _scaled(outcome, evidence)
    rows = rows[(rows["condition"] == own) & rows["sd"].notna()] if own else rows[rows["sd"].notna()]
    sd = 100 * rows["sd"] / (rows["scale_max"] - rows["scale_min"])
    return float(sd.groupby([rows["trial_id"], rows["arm"]]).median().median())


def _level(one: MetaAnalysis, outcome: str, evidence: Evidence) -> float:
    """Return what comparator arms of such trials end with, 0 (no complaint) to 100: the median, NaN where none is printed."""
    if not {"condition", "comparator_role"} <= set(one.data.columns):
        return float("nan")
    arms = evidence.arms
    arms = arms[arms["role"].isin(one.data["comparator_role"])]
    rows = _scaled(outcome, evidence).merge(arms[["trial_id", "arm"]].drop_duplicates(), on=["trial_id", "arm"])
    rows = rows[rows["condition"].isin(one.data["condition"]) & (rows["week"] > 0)]
    level = 100 * (rows["mean"] - rows["scale_min"]) / (rows["scale_max"] - rows["scale_min"])
    level = level.where(rows["benefit"] < 0, 100 - level)
    return float(level.groupby(rows["trial_id"]).median().median())


def _scaled(outcome: str, evidence: Evidence) -> pd.DataFrame:
    """Return the printed final means of an outcome on a printed scale; what has a unit is counted, not rated."""
    rows, counted = evidence.results, "unit" in evidence.topic.outcomes.get(outcome, {})
    return rows[
        (rows["outcome"] == outcome) & (not counted) & (rows["statistic"] == "final")
        & rows["scale_max"].notna() & rows["mean"].notna() & rows["caution"].isna()
    ]  # fmt: skip


def _effect(one: MetaAnalysis) -> str:
    values = np.array([one.estimate, one.ci_low, one.ci_high])
    return f"{_kind(one)} {_interval(*(values if _kind(one) == 'SMD' else np.exp(values)))}"


def _participants(one: MetaAnalysis) -> str:
    if not {"n1", "n2"} <= set(one.data.columns):
        return f"not printed ({one.k})"
    counts = one.data[["n1", "n2"]]
    least = "at least " if counts.isna().to_numpy().any() else ""
    return f"{least}{int(counts.sum().sum()):,} ({one.k})"


def _comment(one: MetaAnalysis, band: Mid | None, topic: Topic) -> str:
    if one.ci_low <= 0 <= one.ci_high:
        if _kind(one) == "SMD" and band is not None and one.ci_high < band.low:
            return "No difference that patients are likely to notice."
        return "The trials do not settle whether there is a difference."
    if direction_of(one) != "benefit":
        return f"The interval lies {'below' if one.ci_high < 0 else 'above'} no effect."
    if one.ci_high < 0:
        return "Patients did better with the comparator."
    if _kind(one) != "SMD":
        return f"More patients respond with {topic.treatment.phrase}."
    if band is None:
        return f"Patients did better with {topic.treatment.phrase}; how large a difference matters is not known."
    if one.ci_low >= band.low:
        return f"Patients did better with {topic.treatment.phrase}, by a difference they are likely to notice."
    if one.ci_high >= band.low:
        return f"Patients did better with {topic.treatment.phrase}; whether they would notice the difference is open."
    return f"Patients did better with {topic.treatment.phrase}, by less than they are likely to notice."


def _interval(estimate: float, low: float, high: float, *, digits: int = 2) -> str:
    said = [f"{x + 0.0:.{digits}f}" for x in (estimate, low, high)]
    said = [x.lstrip("-") if float(x) == 0 else x for x in said]
    return f"{said[0]} ({said[1]} to {said[2]})"


def _number(value: Any) -> str:
    return "–" if pd.isna(value) else f"{value:.10g}"


def _heading(name: str) -> str:
    return name.replace("_", " ").capitalize()


def _plain(value: Any) -> Any:
    """Return a cell of the topic's own columns in words."""
    return value.replace("_", " ") if isinstance(value, str) else None if pd.isna(value) else _number(value)


def _word(value: Any) -> str:
    return "–" if pd.isna(value) else str(value)


guard(__name__, "characteristics", "league_table", "study_results", "summary_of_findings")
