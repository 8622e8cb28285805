"""Individual patient data as figures: means of the arms, and a difference adjusted for baseline, beside what was printed.

Only what a selection rule names (``patients``); the figures then go the way of printed ones.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from acuevidence.effects.from_patients import ancova
from acuevidence.evidence import Evidence
from acuevidence.evidence.select import Comparison

__all__ = ["with_patients"]


def with_patients(compared: Iterable[Comparison], evidence: Evidence) -> Iterator[Comparison]:
    """Yield comparisons with the figures of individual patient data added to those printed."""
    for comparison in compared:
        rule = evidence.rules.patients.get(comparison.trial.trial_id)
        data = evidence.ipd.get(comparison.trial.trial_id)
        if rule is None or data is None or rule["comparator_arm"] not in comparison.control:
            yield comparison
            continue
        figures = dict(comparison.figures)
        for outcome in rule["outcomes"]:
            results, contrast = _figures(data, {**rule, **outcome}, comparison)
            figures["results"] = [*results, *figures["results"]]
            figures["contrasts"] = [contrast, *figures["contrasts"]]
        yield replace(comparison, figures=figures)


def _figures(data: pd.DataFrame, rule: Mapping[str, Any], comparison: Comparison) -> tuple[list[Any], Any]:
    """Return rows as the tables would hold them, of one outcome and week."""
    treated = data[rule["group"]] == rule["treated"]
    complete = data[rule["final"]].notna() & data[rule["baseline"]].notna()
    held = data[complete]
    fit = ancova(
        held[[rule["final"]]].to_numpy(float).T, treated[complete].to_numpy(float), held[[rule["baseline"]]].to_numpy(float)
    )
    difference, se = float(fit.difference[0]), float(fit.se[0])
    common = {
        "condition": comparison.trial.condition,
        "trial_id": comparison.trial.trial_id,
        "outcome": rule["outcome"],
        "measure": rule["measure"],
        "week": float(rule["week"]),
        "source_url": rule["source_url"],
        "source_kind": "patient_data",
        "locator": f"columns {rule['final']} and {rule['baseline']}",
        "extraction": "single",
    }
    results = []
    for arm, of in ((rule["arm"], treated), (rule["comparator_arm"], ~treated)):
        values = data.loc[complete & of, rule["final"]]
        said = f"{values.mean():.1f} (SD {values.std():.1f}), n {len(values)}"
        results.append(
            _made(
                comparison.figures["results"],
                **common,
                arm=arm,
                statistic="final",
                n=len(values),
                n_basis="analysed",
                mean=values.mean(),
                sd=values.std(),
                benefit=rule["benefit"],
                figures_as_printed=said,
            )
        )
    better = difference * rule["benefit"] > 0
    contrast = _made(
        comparison.figures["contrasts"],
        **common,
        arm=rule["arm"],
        comparator_arm=rule["comparator_arm"],
        effect_type="adjusted_mean_difference",
        estimate=difference,
        se=se,
        favours=rule["role"] if better else "comparator",
        figures_as_printed=f"difference adjusted for baseline {difference:.2f} (SE {se:.3f})",
    )
    return results, contrast


def _made(rows: Sequence[Any], **cells: Any) -> Any:
    """Return a row with the columns of a table; cells that are not given are empty."""
    made = type(rows[0])
    return made(**{**dict.fromkeys(made._fields, np.nan), **cells})
