"""Arms to contrasts: what trials report by arm, as the comparisons that a network reads.

Knows tables of arms, one row an arm or one row a trial. The formulas are those of :func:`.effect_size`; what belongs to a whole
trial (the spread that standardises, what is added to empty cells) is the same for all its comparisons, so that they add up.
"""

from __future__ import annotations

import re
import warnings
from typing import Any

import numpy as np
import pandas as pd

from acuevidence.arguments import guard
from acuevidence.effects.checks import counts, spreads
from acuevidence.effects.continuous import hedges_j
from acuevidence.effects.measures import effect_size
from acuevidence.errors import InputError
from acuevidence.inputs import choice, kept, numeric, refuse, values
from acuevidence.synthesis.network_contrasts import refuse_arms

__all__ = ["arm_contrasts"]

_MEANS = ("mean", "sd", "n")
_TAKES = {
    **dict.fromkeys(("MD", "SMD", "SMDH", "ROM", "VR", "CVR", "D2OR"), _MEANS),
    **dict.fromkeys(("RR", "OR", "RD", "AS", "PETO", "OR2D"), ("events", "n")),
    **dict.fromkeys(("IRR", "IRD", "IRSD"), ("events", "time")),
}
_PAIRS_ONLY = ("SMDH", "PETO")  # each pair of arms has a spread, or a variance, of its own
_STANDARDISED = {"SMD": 1.0, "D2OR": np.pi / np.sqrt(3)}
_ODDS = ("OR", "OR2D", "RR", "RD")
_ADDED_TO_PEOPLE = {"OR": 2, "OR2D": 2, "RD": 2, "RR": 1, "IRR": 0, "IRD": 0}  # times what is added to events


def arm_contrasts(
    treatment: Any = "treatment",
    study: Any = "study",
    *,
    data: pd.DataFrame | None = None,
    events: Any = None,
    n: Any = None,
    mean: Any = None,
    sd: Any = None,
    time: Any = None,
    measure: str,
    correct: bool = False,
    add: float = 0.5,
    missing: str = "raise",
) -> pd.DataFrame:
    """Turn arms into the contrasts that :func:`network` and :func:`component_network` read.

    Parameters
    ----------
    treatment : str, array-like or list
        Treatment of the arm; once a trial. Long: one row an arm, a column or an array. Wide: one row a trial, a list of columns (or
        arrays), one an arm, or what the names of the columns begin with: ``"treat"`` for ``treat1 treat2 treat3``. A trial
        with fewer arms leaves the cells of the others empty.
    study : str or array-like
        Trial.
    data : DataFrame, optional
        Where column names are looked up.
    events, n, mean, sd, time : str, array-like or list
        What the measure takes, in the form of ``treatment``: ``mean sd n``, ``events n``, or ``events time`` (person-time).
    measure : str
        ``MD SMD ROM VR CVR D2OR SMDH`` of means, ``OR RR RD AS OR2D PETO`` of events, ``IRR IRD IRSD`` of person-time. SMDH and PETO do not
        add up within a trial and are for trials of two arms.
    correct : bool
        Small-sample correction: of SMD by one factor a trial, of ROM, VR and CVR by arm.
    add : float
        Added to events and non-events of all arms of a trial in which an arm has an empty cell. For RR and IRR it is added
        to events alone, for RD and IRD to the variance alone; AS, IRSD and PETO need nothing.
    missing : {"raise", "drop"}
        Refuse arms with empty cells, and trials of one arm, or leave them out and list them.

    Returns
    -------
    DataFrame
        One row a pair of arms: ``study treat1 treat2 yi se`` and the summaries of both arms (``n1 n2`` ...). ``yi`` is
        ``treat1`` minus ``treat2``, ratios as logarithms. ``attrs["excluded"]`` lists what was left out: ``study treatment reason``.

    Raises
    ------
    InputError
        For summaries that the measure does not take or lacks, impossible ones, a treatment twice in a trial, or SMDH and PETO
        with more than two arms.

    Warns
    -----
    RuntimeWarning
        Where trials in which nobody or everybody had the event are left out, because they tell no ratio.

    Notes
    -----
    As meta's pairwise. Standardised differences use one SD for all arms of a trial and
    ``1/n1 + 1/n2 + d**2 / (2 N)`` with all its people (Crippa & Orsini 2016, BMC Medical Research Methodology); without
    ``correct`` they are Cohen's d.

    Examples
    --------
    >>> import pandas as pd
    >>> arms = pd.DataFrame({
    ...     "study": [1, 1, 1, 2, 2], "treatment": list("ABCAB"),
    ...     "mean": [4.0, 5.1, 5.6, 3.8, 4.6], "sd": [2.0, 2.1, 1.9, 2.2, 2.0], "n": [50, 48, 52, 40, 41]})
    >>> pairs = arm_contrasts(data=arms, mean="mean", sd="sd", n="n", measure="MD")
    >>> pairs[["study", "treat1", "treat2", "yi", "se"]].round(3)
       study treat1 treat2   yi     se
    0      1      A      B -1.1  0.415
    1      1      A      C -1.6  0.387
    2      1      B      C -0.5  0.402
    3      2      A      B -0.8  0.468
    """
    takes = _TAKES[choice("measure", measure, _TAKES)]
    given = {"events": events, "n": n, "mean": mean, "sd": sd, "time": time}
    for name in takes:
        if given[name] is None:
            raise InputError(f"measure {measure!r} needs {name}= (it takes {', '.join(takes)})")
    beside = [name for name, value in given.items() if value is not None and name not in takes and name != "n"]
    if beside:
        raise InputError(f"measure {measure!r} does not take {beside[0]}= (it takes {', '.join(takes)})")
    summaries = {name: value for name, value in given.items() if value is not None}
    if not 0 <= add < np.inf:
        raise InputError(f"add must be zero or a positive number, not {add!r}")
    form = _long if (wide := _columns(treatment, data)) is None else _wide
    arms, index = form(treatment if wide is None else wide, study, data, summaries)
    arms, left = _complete(arms, index, missing, list(summaries))
    arms, left = _with_information(arms, left, measure)
    if arms.empty:
        raise InputError("no two arms of a trial are left to compare")
    pairs, more = _pairs(arms, list(summaries), add, measure)
    found = pairs.assign(**_effects(measure, pairs, more, correct)).drop(columns=["trial", "people", "spread"], errors="ignore")
    found = found[["study", "treat1", "treat2", "yi", "se", *(f"{name}{i}" for name in summaries for i in (1, 2))]]
    found.attrs["excluded"] = left
    return found.reset_index(drop=True)


def _columns(treatment: Any, data: pd.DataFrame | None) -> list[Any] | None:
    """Return what holds the treatments of each arm in a wide table; None for a long one."""
    if isinstance(treatment, str) and data is not None and treatment not in data.columns:
        return _numbered(treatment, data) or None
    if isinstance(treatment, (list, tuple)) and len(treatment):
        if data is not None and all(isinstance(one, str) and one in data.columns for one in treatment):
            return list(treatment)
        if all(isinstance(one, (pd.Series, np.ndarray, list, tuple)) for one in treatment):
            return list(treatment)
    return None


def _numbered(start: str, data: pd.DataFrame) -> list[str]:
    """Return the columns called ``start`` with a number behind it, by that number."""
    found = ((re.fullmatch(re.escape(start) + r"[._ ]?(\d+)", str(column)), column) for column in data.columns)
    return [column for _, column in sorted((int(match[1]), column) for match, column in found if match)]


def _long(treatment: Any, study: Any, data: pd.DataFrame | None, summaries: dict[str, Any]) -> tuple[pd.DataFrame, pd.Index]:
    """Return one row an arm, as given."""
    numbers, index = numeric(data, missing=True, **summaries)
    labels = values(data, **{next(iter(summaries)): next(iter(summaries.values()))}, treatment=treatment, study=study)[0]
    return pd.DataFrame({"study": labels["study"], "treatment": labels["treatment"], **numbers}, index=index), index


def _wide(treatment: list[Any], study: Any, data: pd.DataFrame | None, summaries: dict[str, Any]) -> tuple[pd.DataFrame, pd.Index]:
    """Return one row an arm from one row a trial; arms of which nothing is there are none."""
    each = {}
    for name, value in summaries.items():
        if isinstance(value, str) and data is not None:
            value = _numbered(value, data)
        if not isinstance(value, (list, tuple)) or len(value) != len(treatment):
            count = len(value) if isinstance(value, (list, tuple)) else 1
            raise InputError(f"{name} needs a column for each of the {len(treatment)} arms in treatment, and has {count}")
        each[name] = list(value)
    parts = []
    for i, arm in enumerate(treatment):
        of_arm = {f"{name}{i + 1}": value[i] for name, value in each.items()}
        numbers, index = numeric(data, missing=True, **of_arm)
        labels = values(data, **of_arm, treatment=arm, study=study)[0]
        part = pd.DataFrame({"study": labels["study"], "treatment": labels["treatment"]}, index=index)
        part = part.assign(**dict(zip(each, numbers.values(), strict=True)), row=np.arange(len(index)), arm=i)
        there = part[list(each)].notna().any(axis=1)
        nameless = (there & part["treatment"].isna()).to_numpy()
        refuse(nameless, f"treatment of arm {i + 1} is missing, though its numbers are there", part["treatment"], index)
        parts.append(part[part["treatment"].notna()])
    arms = pd.concat(parts).sort_values(["row", "arm"], kind="stable")
    twice = ~arms["study"].isna() & (arms.groupby("study")["row"].transform("nunique") > 1)
    refuse(twice.to_numpy(), "study must be another one in every row of a wide table", arms["study"], arms.index)
    return arms.drop(columns=["row", "arm"]), arms.index


def _complete(arms: pd.DataFrame, index: pd.Index, missing: str, summaries: list[str]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the arms with all their cells and a trial number, and what was left out."""
    keep, dropped = kept(
        index, missing, **{name: arms[name].to_numpy() for name in summaries}, study=arms["study"], treatment=arms["treatment"]
    )
    reasons = dropped["reason"].to_numpy() if len(dropped) else np.empty(0, dtype=object)
    left = arms.loc[~keep, ["study", "treatment"]].assign(reason=reasons)
    arms = arms[keep]
    arms = arms.assign(trial=pd.factorize(arms["study"])[0])
    if missing == "drop":
        alone = arms.groupby("trial")["trial"].transform("size") == 1
        left = pd.concat([left, arms.loc[alone, ["study", "treatment"]].assign(reason="the only arm of its study")])
        arms = arms[~alone]
    refuse_arms(arms)
    cells, index = {name: arms[name].to_numpy() for name in summaries}, arms.index
    if "events" in cells and "n" in cells:
        counts(cells["events"], cells["n"], ("events", "n"), index)
    spreads(cells, index, *(name for name in ("events", "sd") if name in cells))
    if "sd" in cells:
        refuse(cells["n"] < 2, "n must be 2 or more for a spread", cells["n"], index)
    if "time" in cells:
        refuse(cells["time"] <= 0, "time must be positive", cells["time"], index)
    return arms, left


def _with_information(arms: pd.DataFrame, left: pd.DataFrame, measure: str) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Leave out trials that tell no ratio: without an event, or for ratios of odds or risks without anything else."""
    if measure not in ("OR", "OR2D", "RR", "PETO", "IRR"):
        return arms, left
    told = arms.groupby("trial")["events"].transform("sum") > 0
    if measure != "IRR":
        told &= (arms["n"] - arms["events"]).groupby(arms["trial"]).transform("sum") > 0
    if not told.all():
        lost = arms[~told]
        names = ", ".join(map(str, lost["study"].unique()[:5]))
        warnings.warn(
            f"left out, since nobody or everybody had the event: study {names} (attrs['excluded'] lists them)",
            RuntimeWarning,
            stacklevel=3,
        )
        reason = "nobody or everybody in the trial had the event"
        left = pd.concat([left, lost[["study", "treatment"]].assign(reason=reason)])
    return arms[told], left


def _pairs(arms: pd.DataFrame, summaries: list[str], add: float, measure: str) -> tuple[pd.DataFrame, np.ndarray]:
    """Return every pair of arms of a trial side by side, and what is added to the cells of each."""
    trial = arms["trial"]
    if measure in _PAIRS_ONLY:
        many = (trial.groupby(trial).transform("size") > 2).to_numpy()
        instead = "SMD" if measure == "SMDH" else "OR, or network_counts()"
        refuse(
            many, f"measure {measure!r} does not add up in a trial of more than two arms; take {instead}", arms["study"], arms.index
        )
    if measure in _STANDARDISED:
        free = arms["n"] - 1
        spread = (free * arms["sd"] ** 2).groupby(trial).transform("sum") / free.groupby(trial).transform("sum")
        arms = arms.assign(spread=np.sqrt(spread), people=arms.groupby("trial")["n"].transform("sum"))
    if "events" in summaries:
        empty = arms["events"] == 0
        if measure in _ODDS:
            empty |= arms["events"] == arms["n"]
        arms = arms.assign(more=empty.groupby(trial).transform("any") * add)
    arms = arms.assign(place=np.arange(len(arms)))
    rows = arms.index
    one = ["study", "trial", *(name for name in ("spread", "people", "more") if name in arms)]
    left, right = (
        (arms[["trial", "place", "treatment", *summaries]]).add_suffix(i).rename(columns={f"trial{i}": "trial"}) for i in "12"
    )
    pairs = left.merge(right, on="trial")
    pairs = pairs[pairs["place1"] < pairs["place2"]].sort_values(["trial", "place1", "place2"])
    pairs = pairs.rename(columns={"treatment1": "treat1", "treatment2": "treat2"})
    pairs = pairs.merge(arms[one].drop_duplicates("trial"), on="trial")
    pairs.index = rows[pairs.pop("place1")]  # messages name the row of the pair's first arm
    del pairs["place2"]
    more = pairs.pop("more").to_numpy() if "more" in pairs else np.zeros(len(pairs))
    return pairs, more


def _effects(measure: str, pairs: pd.DataFrame, more: np.ndarray, correct: bool) -> dict[str, np.ndarray]:
    """Return effects and standard errors of the pairs by the one formula of the measure."""
    names = [f"{name}{i}" for i in "12" for name in _TAKES[measure]]
    cells = {name: pairs[name] for name in names}
    if measure in _STANDARDISED:
        factor = _STANDARDISED[measure]
        n1, n2, people = (pairs[name].to_numpy() for name in ("n1", "n2", "people"))
        found = effect_size("SMD", **cells | {"sd1": pairs["spread"], "sd2": pairs["spread"]}, correct=False)
        d = found["yi"].to_numpy()
        if correct and measure == "SMD":
            arms_of = (1 + np.sqrt(1 + 8 * pairs.groupby("trial")["trial"].transform("size").to_numpy())) / 2
            d = d * hedges_j(people - arms_of)
        return {"yi": factor * d, "se": factor * np.sqrt(1 / n1 + 1 / n2 + d**2 / (2 * people))}
    if measure not in _ADDED_TO_PEOPLE:
        return _of(effect_size(measure, **cells, correct=correct, to="none"))
    people = _ADDED_TO_PEOPLE[measure]
    filled = {name: value + more * (1 if name.startswith("events") else people) for name, value in cells.items()}
    found = _of(effect_size(measure, **filled, to="none"))
    if measure in ("RD", "IRD"):
        of = "n" if measure == "RD" else "time"
        found["yi"] = (pairs["events1"] / pairs[f"{of}1"] - pairs["events2"] / pairs[f"{of}2"]).to_numpy()
    return found


def _of(found: pd.DataFrame) -> dict[str, np.ndarray]:
    return {"yi": found["yi"].to_numpy(), "se": np.sqrt(found["vi"].to_numpy())}


guard(__name__, "arm_contrasts")
