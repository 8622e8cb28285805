"""The sentences and PRISMA 2020 items that a synthesis can write about itself."""

from __future__ import annotations

from acuevidence.synthesis import MetaAnalysis

__all__ = ["methods_text", "to_prisma"]


def methods_text(result: MetaAnalysis) -> str:
    """Return how a result was computed, in a sentence or two for a methods section.

    Parameters
    ----------
    result : MetaAnalysis
        Any synthesis.

    Returns
    -------
    str
        Model, estimator, intervals, software and version.

    Examples
    --------
    >>> import acuevidence as ae
    >>> from acuevidence.report.methods import methods_text
    >>> "τ² by REML" in methods_text(ae.meta_analysis([0.1, 0.4, 0.2], [0.01, 0.04, 0.02]))
    True
    """
    from acuevidence import __version__

    moderators = "" if result.formula is None else f" Moderators: {result.formula}."
    return f"{result.conventions}{moderators} Computed with acuevidence {__version__}."


def to_prisma(result: MetaAnalysis) -> dict[str, str]:
    """Return the PRISMA 2020 items that a result can answer by itself.

    Parameters
    ----------
    result : MetaAnalysis
        Any synthesis.

    Returns
    -------
    dict of str
        Item number to text: 13d (methods of synthesis), 19 (results of each study), 20a (what was pooled and left out),
        20b (summary, precision, heterogeneity).

    Notes
    -----
    Page and others 2021, BMJ 372:n71.

    Examples
    --------
    >>> import acuevidence as ae
    >>> from acuevidence.report.methods import to_prisma
    >>> list(to_prisma(ae.meta_analysis([0.1, 0.4, 0.2], [0.01, 0.04, 0.02])))
    ['13d', '19', '20a', '20b']
    """
    names = result.data.get("labels", result.data.index)
    each = "; ".join(
        f"{name} {y:.2f} (SE {v**0.5:.2f})" for name, y, v in zip(names, result.yi, result.vi, strict=True)
    )
    trials = f"{result.k} trial{'' if result.k == 1 else 's'}"
    summary = result.summary().split("\n\n")[0].split("\n")[1:]
    return {
        "13d": methods_text(result),
        "19": each,
        "20a": f"{trials} contribute; {len(result.excluded)} rows left out.",
        "20b": " ".join(summary),
    }
