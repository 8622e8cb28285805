"""The tables of a report: characteristics of trials, their results, and Summary of Findings, in the forms journals take."""

from __future__ import annotations

import html
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from acuevidence.appraisal.certainty import certainty
from acuevidence.appraisal.mid import mid
from acuevidence.appraisal.points import typical_sd
from acuevidence.errors import InputError
from acuevidence.evidence import load_evidence
from acuevidence.inputs import choice
from acuevidence.synthesis import MetaAnalysis
from acuevidence.synthesis.network import NetworkMetaAnalysis

__all__ = ["Table", "characteristics", "league_table", "study_results", "summary_of_findings"]


@dataclass(frozen=True, slots=True)
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
        return str(self._great(html.escape).as_raw_html())

    def to_latex(self) -> str:
        """Return LaTeX, by great_tables (extra ``tables``).

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
        return str(self._great(str).as_latex())

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
        """Return the cells as CSV.

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
        return str(self.frame.to_csv(index=False))

    def __repr__(self) -> str:
        return "\n".join([self.title, self.frame.to_string(index=False), *self.notes])

    def _repr_html_(self) -> str:
        head = f"<p><b>{html.escape(self.title)}</b></p>" + self.frame.to_html(index=False)
        return head + "".join(f"<p>{html.escape(note)}</p>" for note in self.notes)

    def _great(self, escape: Any) -> Any:
        try:
            from great_tables import GT
        except ImportError:
            raise InputError("HTML and LaTeX need great_tables: pip install 'acuevidence[tables]'") from None
        made = GT(self.frame).tab_header(title=escape(self.title))
        for note in self.notes:
            made = made.tab_source_note(escape(note))
        return made


def characteristics(condition: str) -> Table:
    """Return the characteristics of every trial known for a condition.

    Parameters
    ----------
    condition : str
        One of :func:`acuevidence.conditions`.

    Returns
    -------
    Table
        One row a trial: study, country, diagnosis, randomised, arms, technique, sessions and weeks of treatment.

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
    evidence = load_evidence()
    choice("condition", condition, list(evidence.rules.conditions))
    trials = evidence.trials[evidence.trials["condition"] == condition].sort_values(["year", "study"])
    roles = evidence.arms.groupby("trial_id")["role"].agg(
        lambda r: ", ".join(str(x).replace("_", " ") for x in r.dropna())
    )
    frame = pd.DataFrame(
        {"Study": trials["study"], "Country": trials["country"], "Diagnosis": trials["diagnosis"],
         "Randomised": trials["n_randomized"].map(_number), "Arms": trials["trial_id"].map(roles),
         "Technique": trials["technique"].str.replace("_", " "), "Sessions": trials["sessions"],
         "Weeks": trials["treatment_weeks"].map(_number)},
    )  # fmt: skip
    frame = frame.astype(object).where(frame.notna(), "–").reset_index(drop=True)
    return Table(f"Characteristics of trials: {evidence.rules.label(condition)}", frame, ("–: not printed.",))


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
        One row a trial; positive effects favour acupuncture.

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
    wanted = {"n1": "n acupuncture", "n2": "n comparator", "measure_used": "Instrument", "week": "Week",
              "figures_as_printed": "Figures as printed", "derivation": "Derivation", "source_url": "Source"}  # fmt: skip
    for column, title in wanted.items():
        if column in data:
            frame[title] = data[column].map(_number if pd.api.types.is_numeric_dtype(data[column]) else _word)
    return Table("Results of the trials", frame.reset_index(drop=True), (result.conventions,))


def summary_of_findings(results: Mapping[str, MetaAnalysis], *, condition: str | None = None) -> Table:
    """Return the Summary of Findings after GRADE (Cochrane Handbook, chapter 14).

    Parameters
    ----------
    results : mapping
        Name of the comparison to MetaAnalysis on the SMD scale, as :func:`acuevidence.pooled` returns.
    condition : str, optional
        Whose typical SD brings the effect to points of 0-100. Default: the one in the data.

    Returns
    -------
    Table
        One row a comparison: effect in SD and in points of 0-100, responders per 100, participants (trials), certainty and
        a comment; each step lost is a footnote.

    Notes
    -----
    Responders per 100 take a response of 50 in 100 with the comparator and a logistic distribution:
    log OR = SMD pi / sqrt(3) (Cochrane Handbook 15.5.3.3).

    Examples
    --------
    >>> import acuevidence as ae
    >>> from acuevidence.report.tables import summary_of_findings
    >>> list(summary_of_findings(ae.pooled("neck_pain")).frame["Comparison"])
    ['sham', 'usual care']
    """
    rows: list[dict[str, str]] = []
    notes: list[str] = []
    for name, one in results.items():
        if one.k == 0:
            continue
        own = condition or str(one.data["condition"].iloc[0])
        sd, rated = typical_sd(own).sd, certainty(one)
        marks = []
        for reason in rated.reasons:
            marks.append(str(len(notes) + 1))
            notes.append(f"{len(notes) + 1}. {reason}.")
        n = one.data[["n1", "n2"]].sum().sum()
        effect = (one.estimate, one.ci_low, one.ci_high)
        points = [x * sd for x in effect]
        more = [_responders(x) - 50 for x in effect]
        rows.append({
            "Comparison": name.replace("_", " "),
            "Effect, SD (95% CI)": _interval(*effect),
            "Points of 0-100 (95% CI)": _interval(*points, digits=0),
            "More responders per 100 (95% CI)": _interval(*more, digits=0),
            "Participants (trials)": f"{int(n):,} ({one.k})",
            "Certainty": f"{rated.symbols} {rated.level}" + (f" [{', '.join(marks)}]" if marks else ""),
            "Comment": _comment(one),
        })  # fmt: skip
    assumed = (
        "Positive values favour acupuncture. Points: effect times the typical SD of pain on a 0-100 scale. Responders: 50 in 100 "
        "assumed with the comparator, logistic conversion."
    )
    return Table("Summary of findings", pd.DataFrame(rows), (assumed, *notes))


def _responders(smd: float) -> float:
    from math import exp, pi, sqrt

    return 100 / (1 + exp(-smd * pi / sqrt(3)))


def _comment(one: MetaAnalysis) -> str:
    band = mid("pain", "SMD")
    if one.ci_low <= 0 <= one.ci_high:
        return "The interval holds no difference: the data do not settle whether there is an effect."
    if one.ci_high < 0:
        return "The comparator did better."
    if one.ci_low >= band.low:
        return "A difference that patients are likely to notice."
    return (
        "A difference; whether patients would notice it is open." if one.ci_high >= band.low else "A small difference."
    )


def _interval(estimate: float, low: float, high: float, *, digits: int = 2) -> str:
    said = [f"{x + 0.0:.{digits}f}" for x in (estimate, low, high)]
    said = [x.lstrip("-") if float(x) == 0 else x for x in said]
    return f"{said[0]} ({said[1]} to {said[2]})"


def _number(value: Any) -> str:
    return "–" if pd.isna(value) else f"{value:.10g}"


def _word(value: Any) -> str:
    return "–" if pd.isna(value) else str(value)
