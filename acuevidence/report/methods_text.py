"""The sentences and PRISMA 2020 items that a synthesis can write about itself."""

from __future__ import annotations

from typing import Any

import pandas as pd

from acuevidence import words
from acuevidence.appraisal.in_words import method_words
from acuevidence.arguments import guard
from acuevidence.errors import InputError
from acuevidence.evidence import Evidence
from acuevidence.evidence.carried import direction_of, evidence_of
from acuevidence.evidence.ratings import quality_scores
from acuevidence.report.reading import reading
from acuevidence.shown import Printed
from acuevidence.synthesis import MetaAnalysis
from acuevidence.topic import topic_of

__all__ = ["methods_text", "to_prisma"]

_TRIALS_FOR_TEST = 10  # fewest for Egger's test (Cochrane Handbook 13.3.5.4)
_AVAILABLE = "Data, code and the version used are public with the package acuevidence; result.data holds the effects."


def methods_text(result: Printed) -> str:
    """Return how a result was computed, in a sentence or two for a methods section.

    Parameters
    ----------
    result : MetaAnalysis
        Any synthesis.

    Returns
    -------
    str
        Model, estimator, intervals, what is printed where trials are few, software and version, and the version of the evidence.

    Examples
    --------
    >>> import acuevidence as ae
    >>> from acuevidence.report.methods_text import methods_text
    >>> "τ² by REML" in methods_text(ae.meta_analysis([0.1, 0.4, 0.2], [0.01, 0.04, 0.02]))
    True
    """
    from acuevidence import __version__

    conventions = getattr(result, "conventions", None)
    if conventions is None:
        raise InputError(f"methods_text is for a pooled result, not a {type(result).__name__}; for groups give one of them")
    formula = getattr(result, "formula", None)
    moderators = "" if formula is None else f" Moderators: {formula}."
    return f"{conventions}{moderators}{_few(result)} Computed with acuevidence {__version__}{_tables(result)}."


def _few(result: Any) -> str:
    """Return what is printed in place of the result's own interval, where trials are few."""
    if getattr(result, "X", 0) is not None or not isinstance(result, MetaAnalysis) or result.k < 2 or evidence_of(result) is None:
        return ""
    shown = reading(result).headline
    if shown.estimate is None:
        return f" Printed: {shown.method if result.k > 2 else 'both trials, not pooled'}."
    if not shown.method.startswith("Bayes"):
        return ""
    return (
        f" Printed: median and equal-tailed interval of the Bayesian normal-normal model, flat mu, prior of τ {shown.method[7:]}."
    )


def _tables(result: Any) -> str:
    """Return on which version of which tables a result rests, where it carries them."""
    evidence = evidence_of(result)
    if evidence is None or not evidence.version:
        return ""
    return f" on evidence version {evidence.version}"


def to_prisma(result: MetaAnalysis) -> dict[str, str]:
    """Return the PRISMA 2020 items that a result can answer by itself.

    Parameters
    ----------
    result : MetaAnalysis
        Any synthesis; one from the rows of :func:`acuevidence.trial_effects` answers more.

    Returns
    -------
    dict of str
        Item number to text: 13a (which trials were eligible for the synthesis), 13b (how data were prepared), 13c (how results are
        shown), 13d (methods of synthesis), 13e (moderators), 13f (sensitivity), 14 (reporting bias), 15 (certainty), 16b (trials left
        out), 17 (characteristics), 18 (quality), 19 (results of each study), 20a (what was pooled and its quality), 20b (summary,
        precision, heterogeneity, direction), 20c (moderators), 20d (leave-one-out), 21 (reporting bias found), 22 (certainty
        found), 27 (availability). An item that the result cannot answer is absent; search and selection (items 5 to 10, 16a)
        belong to the review.

    Notes
    -----
    Page and others 2021, BMJ 372:n71.

    Examples
    --------
    >>> import acuevidence as ae
    >>> from acuevidence.report.methods_text import to_prisma
    >>> list(to_prisma(ae.meta_analysis([0.1, 0.4, 0.2], [0.01, 0.04, 0.02])))
    ['13c', '13d', '13f', '14', '19', '20a', '20b', '20d', '21', '27']
    """
    found = {**_how(result), **_trials(result), **_synthesis(result), **_bias_and_certainty(result)}
    return {item: found[item] for item in sorted(found, key=lambda item: (int(item.rstrip("abcdef")), item))}


def _how(result: MetaAnalysis) -> dict[str, str]:
    """Return the items on methods."""
    data = result.data
    found = {"13c": "Effects are tabulated by trial and shown in a forest plot.", "13d": methods_text(result)}
    if {"condition", "comparator", "outcome"} <= set(data.columns):
        said = [_named(data[column]) for column in ("condition", "outcome", "comparator")]
        topic = topic_of(result)
        trials = f"Trials of {topic.treatment.phrase}" if topic.name else "Trials"
        timing = _named(data["timing"]) if "timing" in data else "any"
        found["13a"] = f"{trials} in {said[0]} with a usable figure on {said[1]} against {said[2]}; timing as printed: {timing}."
    if "derivation" in data:
        counts = data["derivation"].map(lambda how: str(how).split(";")[0]).value_counts()
        found["13b"] = "Effects came from: " + "; ".join(f"{how} ({n})" for how, n in counts.items()) + "."
    if result.formula is not None:
        found["13e"] = f"Meta-regression on {result.formula.lstrip('~ ')}."
    if result.k > 2 and result.X is None:
        found["13f"] = "Each trial was left out in turn."
    return found


def _named(cells: pd.Series) -> str:
    """Return what stands in a column, each once, in words."""
    return ", ".join(sorted({str(cell).replace("_", " ") for cell in cells.dropna()}))


def _trials(result: MetaAnalysis) -> dict[str, str]:
    """Return the items on the trials: those left out, their characteristics, quality and results."""
    data = result.data
    names = data.get("labels", pd.Series(data.index.astype(str), index=data.index)).astype(str)
    each = "; ".join(
        f"{name}{_groups(row)} {y:.2f} (SE {v**0.5:.2f})"
        for name, (_, row), y, v in zip(names, data.iterrows(), result.yi, result.vi, strict=True)
    )
    trials = f"{result.k} trial{'' if result.k == 1 else 's'}"
    found = {
        "19": each,
        "20a": f"{trials} contribute{'s' if result.k == 1 else ''}; {len(result.excluded)} rows left out.",
    }
    left = data.attrs.get("excluded")
    if left is not None and "comparator" in data:
        out = left[left["arm"].isna() & left["comparator"].isin(data["comparator"])]
        found["16b"] = "; ".join(f"{row.study}: {row.reason}" for row in out.itertuples()) or "None."
    if "diagnosis" in data:
        own = [one.name for one in topic_of(result).columns.get("trials", ()) if one.values and one.name in data]
        found["17"] = "; ".join(
            f"{name}: {', '.join(str(row[column]) for column in ('diagnosis', *own))}, v {row['comparator_role']}".replace("_", " ")
            for name, (_, row) in zip(names, data.iterrows(), strict=True)
        )
    evidence = evidence_of(result)
    if "trial_id" in data and evidence is not None:
        found["18"] = _quality(data, names, evidence)
        found["20a"] += f" Quality of these: {found['18']}"
    return found


def _groups(row: Any) -> str:
    """Return the summaries of the two groups, as far as they are at hand."""
    if {"events1", "events2"} <= set(row.index) and pd.notna(row["events1"]) and pd.notna(row["events2"]):
        return f" {row['events1']:g}/{row['n1']:g} v {row['events2']:g}/{row['n2']:g}:"
    if {"mean1", "sd1", "mean2", "sd2"} <= set(row.index) and row[["mean1", "sd1", "mean2", "sd2"]].notna().all():
        return f" {row['mean1']:g} ({row['sd1']:g}) v {row['mean2']:g} ({row['sd2']:g}):"
    return ""


def _quality(data: pd.DataFrame, names: pd.Series, evidence: Evidence) -> str:
    score = data["trial_id"].map(quality_scores(evidence))
    return (
        "; ".join(f"{n}: " + ("not rated" if pd.isna(s) else f"PEDro {s:g} of 10") for n, s in zip(names, score, strict=True)) + "."
    )


def _synthesis(result: MetaAnalysis) -> dict[str, str]:
    """Return the items on the results of the synthesis."""
    found = {"20b": _found(result), "27": _AVAILABLE}
    if direction_of(result) == "benefit" and result.X is None:
        found["20b"] += f" Positive effects favour {topic_of(result).treatment.phrase}."
    if result.X is not None:
        found["20c"] = result.coefficients.round(3).to_string()
    if result.k > 2 and result.X is None:
        without = result.leave_one_out()["estimate"]
        found["20d"] = f"Without each trial in turn the effect lies between {without.min():.3f} and {without.max():.3f}."
    return found


def _found(result: MetaAnalysis) -> str:
    """Return what was found: of trials of an evidence what is printed everywhere, else the sentences of the result."""
    if result.X is not None or evidence_of(result) is None or not result.k:
        return " ".join(result.summary().split("\n\n")[0].split("\n")[1:])
    read = reading(result)
    spread = f" Heterogeneity: τ² {result.tau2:.3f}, I² {result.i2:.0f}%." if result.k > 2 and result.tau2 is not None else ""
    return f"{read.effect} {read.unit} ({method_words(read.headline.method)}); prediction interval {read.prediction}.{spread} {read.said}"


def _bias_and_certainty(result: MetaAnalysis) -> dict[str, str]:
    """Return the items on reporting bias and on certainty."""
    found = {}
    if result.X is None:
        enough = result.k >= _TRIALS_FOR_TEST
        found["14"] = f"Small-study effects by Egger's test where there are {_TRIALS_FOR_TEST} trials or more."
        p = f"Egger's test P {words.p(result.small_study_test(model='lm').p_value)}." if enough else "too few for a test."
        found["21"] = f"{result.k} trials: {p}"
        if "effect" in result.data and set(result.data["effect"]) == {"SMD"} and "trial_id" in result.data:
            rated = reading(result).certainty
            found["15"] = "GRADE by written rules: risk of bias, inconsistency, indirectness, imprecision, missing evidence."
            found["22"] = f"{rated.level.capitalize()}: " + ("; ".join(rated.reasons) or "no step lost") + "."
    return found


guard(__name__, "methods_text", "to_prisma")
