"""The tables of a report: characteristics of trials, their results, and Summary of Findings, in the forms journals take."""

from __future__ import annotations

from typing import Any

import pandas as pd

from acuevidence.arguments import guard
from acuevidence.effects.marks import key_to_marks, marks_of
from acuevidence.evidence import Evidence, load_evidence
from acuevidence.inputs import choice
from acuevidence.report.sources import publication
from acuevidence.report.summary_of_findings import summary_of_findings
from acuevidence.report.table_forms import Table, interval, number, word
from acuevidence.synthesis import MetaAnalysis
from acuevidence.synthesis.network import NetworkMetaAnalysis
from acuevidence.topic import topic_of

__all__ = ["Table", "characteristics", "league_table", "study_results", "summary_of_findings"]


def characteristics(condition: str, *, evidence: Evidence | None = None) -> Table:
    """Return the characteristics of every trial known for a condition.

    Parameters
    ----------
    condition : str
        One of :func:`acuevidence.conditions`.
    evidence : Evidence, default the package's

    Returns
    -------
    Table
        One row a trial: study, country, diagnosis, randomised, arms, what the topic alone describes, weeks of treatment, and the
        publication by DOI or PubMed number.

    Examples
    --------
    >>> from acuevidence.report.tables import characteristics
    >>> characteristics("neck_pain").frame.columns[0]
    'Study'
    """
    evidence = load_evidence() if evidence is None else evidence
    choice("condition", condition, list(evidence.topic.conditions))
    trials = evidence.trials[evidence.trials["condition"] == condition].sort_values(["year", "study"])
    roles = evidence.arms.groupby("trial_id")["role"].agg(lambda r: ", ".join(str(x).replace("_", " ") for x in r.dropna()))
    frame = pd.DataFrame(
        {
            "Study": trials["study"],
            "Country": trials["country"],
            "Diagnosis": trials["diagnosis"],
            "Randomised": trials["n_randomized"].map(number),
            "Arms": trials["trial_id"].map(roles),
            **{_heading(column.name): trials[column.name].map(_plain) for column in evidence.topic.columns.get("trials", ())},
            "Weeks": trials["treatment_weeks"].map(number),
            "Publication": _publications(trials),
        },
    )
    frame = frame.astype(object).where(frame.notna(), "–").reset_index(drop=True)
    return Table(f"Characteristics of trials: {evidence.topic.label(condition)}", frame, ("–: not printed.",))


def league_table(network: NetworkMetaAnalysis, *, digits: int = 2) -> Table:
    """Return the league table of a network, treatments from the best P-score down.

    Parameters
    ----------
    network : NetworkMetaAnalysis
        From :func:`acuevidence.network` or :func:`acuevidence.questions.treatment_network`.
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
    ['–', '-0.20 (-0.40 to 0.00)', '-0.50 (-0.70 to -0.30)']
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
        One row a trial, with the marks of what was assumed and their key as a note; the publication by DOI or PubMed first, the
        page that was read second.

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
    frame = pd.DataFrame(
        {
            "Study": [f"{name} {marks_of(row)}".rstrip() for name, row in zip(names, data.to_dict("records"), strict=True)],
            "Effect (95% CI)": [interval(*row) for row in zip(data["yi"], data["yi"] - half, data["yi"] + half, strict=True)],
            "Weight (%)": [f"{w:.1f}" for w in result.weights],
        }
    )
    topic = topic_of(result)
    wanted = {
        "n1": f"n {topic.treatment.phrase}",
        "n2": f"n {topic.comparator().phrase}",
        "measure_used": "Instrument",
        "week": "Week",
        "figures_as_printed": "Figures as printed",
        "derivation": "Derivation",
    }
    for column, title in wanted.items():
        if column in data:
            frame[title] = data[column].map(number if pd.api.types.is_numeric_dtype(data[column]) else word)
    if {"doi", "pmid"} <= set(data.columns):
        frame["Publication"] = _publications(data)
    if "source_url" in data:
        frame["Read at"] = data["source_url"].map(word)
    key = key_to_marks(data)
    return Table("Results of the trials", frame.reset_index(drop=True), (*([key] if key else []), result.conventions))


def _publications(rows: pd.DataFrame) -> list[str]:
    """Return the address of each row's publication: its DOI, else its record in PubMed; a dash where neither is held."""
    found = [publication(row) for row in rows[["doi", "pmid"]].to_dict("records")]
    return [one[0][1] if one else word(None) for one in found]


def _heading(name: str) -> str:
    return name.replace("_", " ").capitalize()


def _plain(value: Any) -> Any:
    """Return a cell of the topic's own columns in words."""
    return value.replace("_", " ") if isinstance(value, str) else None if pd.isna(value) else number(value)


guard(__name__, "characteristics", "league_table", "study_results")
