"""The network of treatments: kinds of the treatment and of its comparators, compared over all trials of a condition.

Knows which arm is which treatment. How a figure is chosen, and how a network is fitted, others know.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from itertools import product
from typing import Any

import numpy as np
import pandas as pd

from acuevidence.arguments import guard
from acuevidence.effects.trials import trial_effects
from acuevidence.errors import InputError
from acuevidence.evidence import Evidence, load_evidence
from acuevidence.evidence.carried import Excluded, excluded_of, joined
from acuevidence.inputs import choice
from acuevidence.questions.shared_arms import shared_arm_covariance
from acuevidence.synthesis.network import NetworkMetaAnalysis, network
from acuevidence.words import p as p_text

_DOUBT = 0.05

__all__ = ["against_treated", "all_pairs", "arm_treatments", "fits", "treatment_network"]


def treatment_network(
    condition: str | Sequence[str] | None = None,
    evidence: Evidence | None = None,
    *,
    by: str = "kind",
    outcome: str | None = None,
    timing: str = "end_of_treatment",
    cautions: str = "exclude",
    inconsistent: str = "refuse",
    **options: Any,
) -> NetworkMetaAnalysis:
    """Compare kinds of the treatment and of its comparators over all trials of a condition.

    Parameters
    ----------
    condition : str or sequence of str, optional
        One or some of :func:`acuevidence.conditions`. Default: all.
    evidence : Evidence, default the package's
    by : {"kind", "role"}
        Whether kinds are treatments of their own, as ``treatments`` in ``topic.yaml`` tells them apart, or each role is one.
    outcome, timing, cautions
        As in :func:`acuevidence.trial_effects`.
    inconsistent : {"refuse", "keep"}
        What to do with a network over several conditions whose designs disagree (P of Q between designs below 0.05): its estimates mean
        nothing. ``keep`` is for its graph.
    **options
        ``reference``, ``method``, ``effects``, ``test`` and ``level`` of :func:`acuevidence.network`; by default REML (with the
        covariance of trials with several arms) and t. The reference is that of the topic, where trials had it.

    Returns
    -------
    NetworkMetaAnalysis
        Standardised mean differences; positive favours the row. ``data.attrs`` holds ``participants`` by treatment (where
        printed) and ``excluded``, a frame with a row for each trial and treatment that prints no usable figure.

    Raises
    ------
    InputError
        For an unknown choice, no usable figures, trials that do not connect all treatments (the message names the parts), or several
        conditions whose designs disagree.

    Notes
    -----
    Every effect is chosen as :func:`acuevidence.trial_effects` does, between the trial's treated arms and each of its other
    treatments. Effects that share the treated arm covary (Gleser & Olkin 2009, in The Handbook of Research Synthesis and
    Meta-Analysis, 2nd ed.); the remaining comparisons of a trial are their differences, so that they add up and their
    variances belong together. Treatments of one trial may have been measured on different instruments where none is printed
    for all. Arms that a source reports pooled count only where their parts print nothing. Which treatment an arm is,
    :func:`acuevidence.questions.treatments.arm_treatments` says.

    Examples
    --------
    >>> import acuevidence as ae
    >>> net = ae.questions.treatment_network("headache", by="role")
    >>> net.reference, net.p_scores.idxmax()
    ('usual care', 'acupuncture')
    """
    choice("inconsistent", inconsistent, ("refuse", "keep"))
    evidence = load_evidence() if evidence is None else evidence
    effects, excluded = against_treated(
        condition, evidence, arm_treatments(evidence, by), {"outcome": outcome, "timing": timing, "cautions": cautions}
    )
    if effects.empty:
        raise InputError("no trial prints usable figures on two treatments; choose another condition, outcome or timing")
    rows = pd.concat([all_pairs(trial) for _, trial in effects.groupby("trial_id", sort=False)], ignore_index=True)
    reference = evidence.topic.treatments.get("reference")
    if reference in {*rows["treat1"], *rows["treat2"]}:
        options = {"reference": reference, **options}
    made = network(data=rows, study="trial_id", **{"method": "REML-joint", "test": "t", **options})
    if inconsistent == "refuse" and effects["condition"].nunique() > 1 and made.q_inconsistency_p < _DOUBT:
        raise InputError(
            f"the designs of trials of {effects['condition'].nunique()} conditions disagree (P {p_text(made.q_inconsistency_p)}), so that "
            "they make no network together; name one condition, or give inconsistent='keep' to draw the graph"
        )
    made.data.attrs.update(participants=_participants(effects), excluded=excluded)
    return made


def arm_treatments(evidence: Evidence, by: str = "kind") -> pd.Series:
    """Return the treatment of every arm.

    Parameters
    ----------
    evidence : Evidence
        Where the arms are described.
    by : {"kind", "role"}
        Whether kinds within a role are told apart.

    Returns
    -------
    Series
        With the index of ``evidence.arms``: by the first of the topic's ``kinds`` that fits the arm, else its role in the words
        of the topic. Missing where the role is.

    Raises
    ------
    InputError
        For an unknown ``by``.

    Examples
    --------
    >>> import acuevidence as ae
    >>> from acuevidence.questions.treatments import arm_treatments
    >>> sorted(arm_treatments(ae.load_evidence()).dropna().unique())[0]
    'active care'
    """
    choice("by", by, ("kind", "role"))
    arms, told = evidence.arms, evidence.topic.treatments
    role = arms["role"].astype(object)
    names = told.get("roles", {})
    found = role.map(lambda one: names.get(one, one)).astype(object)
    if by == "role":
        return found
    for rule in reversed(told.get("kinds", [])):
        about = {name: given for name, given in rule.items() if name != "treatment"}
        found = found.mask(fits(about, evidence), rule["treatment"])
    return found


def fits(rule: Mapping[str, Any], evidence: Evidence) -> pd.Series:
    """Return which arms a rule of the topic is about.

    Parameters
    ----------
    rule : mapping
        ``description``: text of which the arm's description holds one, ``unless``: none; other entries: columns of arms or trials
        with the value or values that they must have.
    evidence : Evidence
        Where the arms are described.
    """
    arms = evidence.arms
    trials = evidence.trials.drop_duplicates("trial_id").set_index("trial_id")
    found = pd.Series(True, index=arms.index)
    words = arms["description"].str.casefold()
    for name, given in rule.items():
        wanted = given if isinstance(given, list) else [given]
        if name in ("description", "unless"):
            held = pd.concat([words.str.contains(str(one).casefold(), regex=False) for one in wanted], axis=1)
            found &= held.fillna(False).any(axis=1) == (name == "description")
        else:
            cells = arms[name] if name in arms else arms["trial_id"].map(trials[name])
            found &= cells.astype(object).isin(wanted)
    return found


def against_treated(
    condition: Any, evidence: Evidence, treatment: pd.Series, selection: dict[str, Any]
) -> tuple[pd.DataFrame, Excluded]:
    """Return the effects of each trial's treated arms against each of its other treatments, and what has none."""
    arms, topic = evidence.arms, evidence.topic
    treated = arms["role"].isin(topic.treatment.roles)
    listed = [name for name in topic.treatments.get("order", []) if (treatment == name).any()]
    untreated = evidence.rules.untreated
    waits = arms["role"].isin(untreated.get("roles", ()))
    # Arms that do not wait stand for their treatment where a trial has arms of both.
    treatment = treatment.mask(waits & (~waits).groupby([arms["trial_id"], treatment]).transform("any").fillna(False).astype(bool))
    order = list(dict.fromkeys([*listed, *treatment[treated].dropna(), *treatment.dropna()]))
    kinds = [name for name in order if (treatment[treated] == name).any()]
    first = treatment.map({name: i for i, name in enumerate(kinds)}).groupby(arms["trial_id"]).transform("min")
    own = first.map(dict(enumerate(kinds)))
    pairs = evidence.contrasts[["trial_id", "comparator_arm"]].apply(tuple, axis=1)
    # A contrast of two treated arms does not say which of them it favours.
    ours = set(arms.loc[treated, ["trial_id", "arm"]].itertuples(index=False, name=None))
    contrasts = evidence.contrasts[~pairs.isin(ours)]
    # Each treatment in turn takes the place of the first comparator, the trial's own that of the treatment.
    against, side = next(iter(topic.comparators.items()))
    found, left = [], []
    told = evidence.directions[evidence.directions["comparator"].isna()]
    for name, waiting in product(order, (False, True)):
        other = (treatment == name) & (own != name) & (waits == waiting)
        if not other.any():
            continue
        role = pd.Series(None, index=arms.index, dtype=object)
        role = role.mask(treatment == own, topic.treatment.roles[0]).mask(other, side.roles[0])
        # What holds for arms that wait holds for them under the role they take here too.
        rules = dataclasses.replace(evidence.rules, untreated={**untreated, "roles": [side.roles[0]] if waiting else []})
        relabelled = dataclasses.replace(evidence, arms=arms.assign(role=role), contrasts=contrasts, directions=told, rules=rules)
        part = trial_effects(condition, comparator=against, evidence=relabelled, **selection)
        part["base"] = part["trial_id"].map(own.groupby(arms["trial_id"]).first())
        part.attrs["evidence"] = evidence
        found.append(part.assign(treatment=name))
        left.append(pd.DataFrame(excluded_of(part)).drop(columns="comparator").assign(treatment=name))
    if not found:
        raise InputError("no trial has arms of two treatments")
    effects = joined(found)
    reasons = pd.concat(left, ignore_index=True)
    again = reasons["arm"].notna() & reasons.duplicated(["trial_id", "arm", "reason"])
    return _without_pooled(effects, arms, topic.treatment.roles), Excluded(reasons[~again].reset_index(drop=True))


def _without_pooled(effects: pd.DataFrame, arms: pd.DataFrame, ours: tuple[str, ...]) -> pd.DataFrame:
    """Leave out effects of pooled arms whose parts have effects of their own, so that nobody counts twice."""
    roles = {(arm.trial_id, arm.arm): arm.role for arm in arms.itertuples()}
    role = pd.Series(
        [roles.get((t, str(a).split(", ")[0])) for t, a in zip(effects["trial_id"], effects["comparator_arms"], strict=True)],
        index=effects.index,
        dtype=object,
    )
    pooled = effects["comparator_arms"].str.endswith("_pooled")
    parts = set(zip(effects["trial_id"][~pooled], role[~pooled], strict=True))
    twice = [p and (r in ours or (t, r) in parts) for p, t, r in zip(pooled, effects["trial_id"], role, strict=True)]
    return effects[~np.array(twice, dtype=bool)].reset_index(drop=True)


def all_pairs(trial: pd.DataFrame) -> pd.DataFrame:
    """Return all comparisons of a trial from those with its treated arms, and their standard errors."""
    trial = trial.assign(arms=trial["base"], comparator_arms=trial["treatment"])
    names = [trial["base"].iloc[0], *trial["treatment"]]
    # Effects against the shared arm: the arm itself is zero, and treatment i is minus its effect.
    mean = np.concatenate([[0.0], -trial["yi"].to_numpy()])
    spread = np.zeros((len(names), len(names)))
    spread[1:, 1:] = shared_arm_covariance(trial).to_numpy()
    i, j = np.triu_indices(len(names), 1)
    variance = spread[i, i] + spread[j, j] - 2 * spread[i, j]
    return pd.DataFrame(
        {
            "trial_id": trial["trial_id"].iloc[0],
            "treat1": np.array(names)[i],
            "treat2": np.array(names)[j],
            "yi": mean[i] - mean[j],
            "se": np.sqrt(variance),
        }
    )


def _participants(effects: pd.DataFrame) -> dict[str, float]:
    """Return participants by treatment; those of a shared arm count once."""
    shared = effects.groupby(["trial_id", "base"])["n1"].max().groupby("base").sum()
    others = effects.groupby("treatment")["n2"].sum()
    return {str(name): float(n) for name, n in shared.add(others, fill_value=0).items()}


guard(__name__, "treatment_network", "arm_treatments")
