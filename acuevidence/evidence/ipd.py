"""What the columns of a trial's individual patient data are: patient, group, scores by week, covariates."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from acuevidence.errors import InputError
from acuevidence.topic import read_yaml

__all__ = ["PatientDesign", "Score", "patient_design"]


@dataclass(frozen=True, slots=True)
class Score:
    """One outcome, measured at baseline and at weeks since randomisation.

    Attributes
    ----------
    outcome : str
        As in the evidence tables.
    measure : str
        The instrument as it is named in the tables.
    baseline : str
        Column of the value before treatment.
    weeks : mapping of float to str
        Week since randomisation to the column of its values.
    benefit : int
        +1 where a larger value is better for the patient, -1 where a smaller one is.
    """

    outcome: str
    measure: str
    baseline: str
    weeks: Mapping[float, str]
    benefit: int


@dataclass(frozen=True, slots=True)
class PatientDesign:
    """What the columns of one trial's patients are.

    Attributes
    ----------
    trial_id : str
        The trial, as in the evidence tables.
    patient, group : str
        Columns of the patient and of the group.
    treated, control : object
        Values of the column ``group``.
    comparator : str
        Role of the control group.
    scores : tuple of Score
        What was measured, the preferred outcome first.
    covariates : tuple of str
        Columns known at randomisation.
    responders : mapping of str to float
        Outcome to the share of the baseline value by which a responder improves.
    source : mapping
        ``doi`` and ``text`` of the publication that released the data.
    """

    trial_id: str
    patient: str
    group: str
    treated: Any
    control: Any
    comparator: str
    scores: tuple[Score, ...]
    covariates: tuple[str, ...]
    responders: Mapping[str, float]
    source: Mapping[str, str]


def patient_design(folder: str | Path, name: str, table: pd.DataFrame) -> PatientDesign:
    """Read ``ipd/NAME.yaml`` of an evidence folder, and hold it against the columns of its table.

    Parameters
    ----------
    folder : path
        The evidence folder.
    name : str
        Name of the file without its ending.
    table : DataFrame
        One row a patient.

    Returns
    -------
    PatientDesign
        What each column is.

    Raises
    ------
    InputError
        When the file is absent, lacks an entry, names a column that the table has not, or the groups are not as it says.

    Examples
    --------
    >>> import acuevidence as ae
    >>> evidence = ae.load_evidence()
    >>> patient_design(evidence.folder, "vickers2004", evidence.ipd["vickers2004"]).scores[0].measure
    'days with headache in 28 days'
    """
    path = Path(folder) / "ipd" / f"{name}.yaml"
    if not path.exists():
        raise InputError(
            f"ipd/{name}.csv has no ipd/{name}.yaml beside it that says which column is the patient, the group and each score"
        )
    given = read_yaml(path)
    try:
        scores = tuple(
            Score(s["outcome"], s["measure"], s["baseline"], {float(w): c for w, c in s["weeks"].items()}, int(s["benefit"]))
            for s in given["scores"]
        )
        design = PatientDesign(
            trial_id=given["trial_id"],
            patient=given["patient"],
            group=given["group"]["column"],
            treated=given["group"]["treated"],
            control=given["group"]["control"],
            comparator=given["comparator"],
            scores=scores,
            covariates=tuple(given.get("covariates", ())),
            responders={r["outcome"]: float(r["share"]) for r in given.get("responders", ())},
            source=dict(given.get("source", {})),
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise InputError(f"ipd/{path.name} does not describe patients: {error!r}; see ipd/vickers2004.yaml") from error
    _hold(design, path.name, table)
    return design


def _hold(design: PatientDesign, file: str, table: pd.DataFrame) -> None:
    named = [design.patient, design.group, *design.covariates]
    for score in design.scores:
        named += [score.baseline, *score.weeks.values()]
        if score.benefit not in (1, -1):
            raise InputError(f"ipd/{file}: benefit of {score.outcome} must be 1 or -1, not {score.benefit}")
    absent = [column for column in named if column not in table]
    if absent:
        raise InputError(f"ipd/{file} names columns that the table has not: {', '.join(absent)}")
    twice = table.index[table[design.patient].duplicated()]
    if len(twice):
        raise InputError(f"ipd/{file}: patient {table.loc[twice[0], design.patient]} stands twice (line {int(twice[0]) + 2})")
    groups = set(table[design.group].dropna())
    if table[design.group].isna().any() or groups != {design.treated, design.control}:
        raise InputError(
            f"ipd/{file}: column {design.group} must hold {design.treated!r} and {design.control!r} alone, found {sorted(map(str, groups))}"
        )
