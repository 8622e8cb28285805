"""What the parts of a treatment add: ritual, penetration and so on, as the topic names them, in an additive model.

Knows which arm has which parts, and that conditions differ in the first of them. How a figure is chosen, and how the model is
fitted, others know.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from acuevidence import words
from acuevidence.arguments import guard
from acuevidence.errors import InputError
from acuevidence.evidence import Evidence, load_evidence
from acuevidence.inputs import choice
from acuevidence.later import Later
from acuevidence.questions.treatments import against_treated, all_pairs, fits
from acuevidence.shown import Shown, readable
from acuevidence.synthesis.coefficients import contrast, omnibus
from acuevidence.synthesis.network_components import ComponentNetwork, component_network
from acuevidence.topic import Topic

if TYPE_CHECKING:
    from acuevidence.plots.questions.components import components as _draw
else:
    _draw = Later("acuevidence.plots.questions.components", "components")

__all__ = ["Components", "components"]

_NOTHING = "nothing"
_AND = " + "
_NUMBERS = ["estimate", "se", "p_value", "ci_low", "ci_high"]
_DOUBT = 0.05  # P below which the trials speak against adding parts up


@dataclass(frozen=True, slots=True, kw_only=True, repr=False, eq=False)
class Components(Shown):
    """What each part of a treatment adds to its effect.

    Attributes
    ----------
    components : DataFrame
        One row a part, in the order of the topic: ``label k estimate se p_value ci_low ci_high``; ``k`` are the trials whose arms
        differ in it. The first part is the mean over conditions, each by its trials against arms without any part. NaN where the
        trials do not tell a part apart from others.
    combinations : DataFrame
        The same numbers, one row a sum of parts that arms consist of, against none of them, as a mean over conditions.
    conditions : DataFrame
        One row a condition: ``k``, and the numbers of the first part there.
    conditions_p : float
        P value of the first part being the same in all conditions; NaN with one.
    additivity : DataFrame
        As :meth:`.ComponentNetwork.additivity` gives it, every condition with effects of its own in the freer models.
    without_assumed : DataFrame or None
        ``components`` without the trials in which the parts of an arm are assumed; None where they do not make a model alone.
    assumed : int
        Trials with such arms.
    left_out : DataFrame
        Arms of the treatment and of its comparators of which no rule tells the parts: ``trial_id arm role sham_type`` and the other
        columns of the arms.
    model : ComponentNetwork
        The model; the names of its treatments and of the first part hold the condition.
    effects : DataFrame
        The rows behind it, as :func:`acuevidence.trial_effects` gives them.
    topic : Topic
        Its words.
    """

    components: pd.DataFrame = field(repr=False)
    combinations: pd.DataFrame = field(repr=False)
    conditions: pd.DataFrame = field(repr=False)
    conditions_p: float
    additivity: pd.DataFrame = field(repr=False)
    without_assumed: pd.DataFrame | None = field(repr=False)
    assumed: int
    left_out: pd.DataFrame = field(repr=False)
    model: ComponentNetwork = field(repr=False)
    effects: pd.DataFrame = field(repr=False)
    topic: Topic = field(repr=False)

    @property
    def tau2(self) -> float | None:
        """Variance between trials about the model."""
        return self.model.tau2

    @property
    def q_additive(self) -> float:
        """Cochran's Q about the model."""
        return self.model.q_additive

    @property
    def q_additive_df(self) -> int:
        """Its degrees of freedom."""
        return self.model.q_additive_df

    @property
    def q_difference(self) -> float:
        """What adding up costs: Q of the model minus that of a network of the same arms, common effects."""
        return float(self.additivity.loc["additivity", "q"])

    @property
    def estimates(self) -> pd.DataFrame:
        """Effects of every sum of parts minus every other, in each condition."""
        return self.model.estimates

    @property
    def se(self) -> pd.DataFrame:
        """Their standard errors."""
        return self.model.se

    @property
    def holds(self) -> bool:
        """Whether the trials do not speak against adding parts up: neither test of ``additivity`` has a P below 0.05."""
        return bool((self.additivity["p_random"] >= _DOUBT).all())

    plot = _draw

    def together(self, parts: Sequence[str]) -> pd.Series:
        """Return what several parts add together.

        Parameters
        ----------
        parts : sequence of str
            Names of parts; of the first, its mean over conditions.

        Returns
        -------
        Series
            ``estimate se p_value ci_low ci_high``; NaN where the trials do not tell it.

        Examples
        --------
        >>> import acuevidence as ae
        >>> found = ae.questions.components("knee_osteoarthritis")
        >>> bool(found.together(["skin", "point"])["estimate"] == found.components["estimate"][["skin", "point"]].sum())
        True
        """
        for part in parts:
            choice("part", part, list(self.components.index))
        weights = _weights(self.model, self.effects, str(self.components.index[0]), parts)
        return _rows(self.model, {_AND.join(parts): weights}).iloc[0]

    def to_frame(self) -> pd.DataFrame:
        """Return the parts.

        Returns
        -------
        DataFrame
            ``components``.

        Examples
        --------
        >>> import acuevidence as ae

        """
        return self.components.copy()

    def _sentences(self) -> list[str]:
        first = self.components["label"].iloc[0].lower()
        told = "; ".join(
            f"{name}: Q {row.q:.1f} (df {row.df}, P {words.p(row.p_value)}), with random effects {row.q_random:.1f} "
            f"(P {words.p(row.p_random)})"
            for name, row in zip(self.additivity.index, self.additivity.itertuples(), strict=True)
        )
        lines = [
            f"{words.count(len(self.components), 'part')} in {words.count(self.model.k, 'trial')}. {self.model.conventions}",
            f"{told}. " + ("Adding up is not contradicted." if self.holds else "The trials speak against adding up."),
        ]
        if len(self.conditions) > 1:
            lines.append(
                f"Conditions differ in the first part ({first}): P {words.p(self.conditions_p)}; its mean over them is shown."
            )
        if len(self.left_out):
            counts = self.left_out["role"].map(self._called).value_counts()
            arms = [words.count(n, f"{name} arm") for name, n in counts.items()]
            lines.append(f"Left out, of unknown parts: {', '.join(arms)}.")
        if self.assumed:
            lines.append(f"In {words.count(self.assumed, 'trial')} the parts of an arm are assumed.")
        return lines

    def _called(self, role: str) -> str:
        sides = (self.topic.treatment, *self.topic.comparators.values())
        return next((side.phrase for side in sides if role in side.roles), role)

    def _table(self) -> pd.DataFrame:
        return readable(self.components.drop(columns="p_value").set_index("label"))


def components(
    condition: str | Sequence[str] | None = None,
    *,
    evidence: Evidence | None = None,
    outcome: str | None = None,
    timing: str = "end_of_treatment",
    cautions: str = "exclude",
    method: str = "REML",
) -> Components:
    """Estimate what each part of the treatment adds, from all trials of arms that consist of some of its parts.

    Parameters
    ----------
    condition : str or sequence of str, optional
        One or some of :func:`acuevidence.conditions`. Default: all.
    evidence : Evidence, optional
        Default: the package's evidence.
    outcome, timing, cautions
        As in :func:`acuevidence.trial_effects`.
    method : {"REML", "DL"}
        Estimator of the variance between trials.

    Returns
    -------
    Components
        Standardised mean differences; positive favours the arm that has the part.

    Raises
    ------
    InputError
        Where the topic names no parts, or no trial compares arms that differ in them.

    Notes
    -----
    ``components`` in ``topic.yaml`` says of which parts an arm consists. The effect of an arm is the sum of those of its parts (Welton,
    Caldwell, Adamopoulos & Vedhara 2009, American Journal of Epidemiology). The parts have one effect in all conditions,
    but for the first, in which conditions may differ, so that each has its own total. Fitted by :func:`acuevidence.component_network`
    with t intervals; the effects of a trial's arms are chosen as :func:`acuevidence.questions.treatment_network` does, and covary
    through the arm that they share. Arms were randomised within trials; that parts add up, and that they do the same in all conditions,
    is an assumption, which ``additivity`` tests.

    Examples
    --------
    >>> import acuevidence as ae
    >>> found = ae.questions.components()
    >>> list(found.components.index)
    ['ritual', 'skin', 'point', 'current']
    """
    evidence = load_evidence() if evidence is None else evidence
    told = evidence.topic.components
    if not told.get("parts") or not told.get("arms"):
        raise InputError("topic.yaml names no parts of the treatment: give components: parts, and arms with what each has")
    made, assumed = _made_of(evidence)
    effects, _ = against_treated(condition, evidence, made, {"outcome": outcome, "timing": timing, "cautions": cautions})
    if effects.empty:
        raise InputError("no trial prints usable figures on two arms of known parts; choose another condition, outcome or timing")
    first = next(iter(told["parts"]))
    assuming = effects["trial_id"].isin(evidence.arms.loc[assumed, "trial_id"])
    found = _fit(effects, first, method)
    printed = effects[~assuming]
    alone = _parts(_fit(printed, first, method), printed, told["parts"]) if 0 < len(printed) < len(effects) else None
    own = _by_condition(found, effects, first)
    return Components(
        components=_parts(found, effects, told["parts"]),
        combinations=_sums(found, effects, first),
        conditions=own,
        conditions_p=_differ(found, first, own.index[own["estimate"].notna()]),
        additivity=found.additivity(),
        without_assumed=alone,
        assumed=effects.loc[assuming, "trial_id"].nunique(),
        left_out=_unknown(evidence, made, condition),
        model=found,
        effects=effects,
        topic=evidence.topic,
    )


def _made_of(evidence: Evidence) -> tuple[pd.Series, pd.Series]:
    """Return the parts of every arm, joined by their names (missing where no rule fits), and whether they are assumed."""
    told = evidence.topic.components
    made = pd.Series(None, index=evidence.arms.index, dtype=object)
    assumed = pd.Series(False, index=made.index)
    for rule in reversed(told["arms"]):
        if unknown := set(rule["has"]) - set(told["parts"]):
            raise InputError(f"topic.yaml: components.arms has {sorted(unknown)[0]!r}, which is none of components.parts")
        fit = fits({name: given for name, given in rule.items() if name not in ("has", "assumed")}, evidence)
        made = made.mask(fit, _AND.join(part for part in told["parts"] if part in rule["has"]) or _NOTHING)
        assumed = assumed.mask(fit, "assumed" in rule)
    return made, assumed


def _fit(effects: pd.DataFrame, first: str, method: str) -> ComponentNetwork:
    """Return the additive model; arms with the first part are treatments of their condition."""
    parts = []
    for _, trial in effects.groupby("trial_id", sort=False):
        condition = str(trial["condition"].iloc[0])
        rows = all_pairs(trial)
        for side in ("treat1", "treat2"):
            rows[side] = [
                _AND.join(_of(part, condition) if part == first else part for part in _split(name)) for name in rows[side]
            ]
        parts.append(rows)
    data = pd.concat(parts, ignore_index=True)
    without = _NOTHING if _NOTHING in {*data["treat1"], *data["treat2"]} else None
    return component_network(data=data, study="trial_id", inactive=without, sep=_AND.strip(), method=method, test="t")


def _of(part: str, condition: str) -> str:
    """Return the name of a part in one condition."""
    return f"{part} ({condition})"


def _split(name: object) -> list[str]:
    return str(name).split(_AND)


def _differing(effects: pd.DataFrame, part: str) -> pd.Series:
    """Return which comparisons are of arms that differ in a part."""
    base, other = (effects[name].map(lambda name: part in _split(name)) for name in ("base", "treatment"))
    return base != other


def _by_condition(found: ComponentNetwork, effects: pd.DataFrame, first: str) -> pd.DataFrame:
    """Return the first part in each condition, with the trials that compare it with none."""
    trials = effects[_differing(effects, first)].groupby("condition", sort=False)["trial_id"].nunique()
    names = [name for name in effects["condition"].unique() if _of(first, name) in found.components.index]
    rows = found.components.loc[[_of(first, name) for name in names], _NUMBERS].set_axis(pd.Index(names, name="condition"))
    rows.insert(0, "k", [int(trials.get(name, 0)) for name in names])
    return rows


def _means(found: ComponentNetwork, effects: pd.DataFrame, first: str) -> pd.Series:
    """Return the weights (components) of the first part's mean over the conditions that tell it, by their trials."""
    own = _by_condition(found, effects, first)
    share = own["k"].where(own["estimate"].notna(), 0).astype(float)
    weights = pd.Series(0.0, index=found.components.index)
    if share.sum():
        weights[[_of(first, name) for name in own.index]] = (share / share.sum()).to_numpy()
    return weights


def _rows(found: ComponentNetwork, wanted: dict[str, pd.Series]) -> pd.DataFrame:
    """Return sums of components with the weights given; NaN where one of them is not told, or none is left."""
    beta, spread = found.components["estimate"].fillna(0.0).to_numpy(), found.covariance.fillna(0.0).to_numpy()
    lost = found.components["estimate"].isna().to_numpy()
    rows = {}
    for name, weights in wanted.items():
        c = weights.to_numpy()
        if not c.any() or (lost & (c != 0)).any():
            rows[name] = dict.fromkeys(_NUMBERS, np.nan)
            continue
        one = contrast(c, beta, spread, np.inf if found.df is None else found.df, level=found.level)
        rows[name] = {key: getattr(one, key) for key in _NUMBERS}
    return pd.DataFrame.from_dict(rows, orient="index", columns=_NUMBERS)


def _weights(found: ComponentNetwork, effects: pd.DataFrame, first: str, parts: Sequence[str]) -> pd.Series:
    """Return the weights of a sum of parts, the first as its mean over conditions."""
    total = pd.Series(0.0, index=found.components.index)
    for part in parts:
        total = total + _means(found, effects, first) if part == first else total.add(pd.Series({part: 1.0}), fill_value=0.0)
    return total[found.components.index]


def _parts(found: ComponentNetwork, effects: pd.DataFrame, parts: dict[str, Any]) -> pd.DataFrame:
    first = next(iter(parts))
    held = [part for part in parts if part == first or part in found.components.index]
    rows = _rows(found, {part: _weights(found, effects, first, [part]) for part in held}).rename_axis("component")
    rows.insert(0, "label", [str(parts[part].get("label", part)) for part in held])
    rows.insert(1, "k", [effects.loc[_differing(effects, part), "trial_id"].nunique() for part in held])
    return rows


def _sums(found: ComponentNetwork, effects: pd.DataFrame, first: str) -> pd.DataFrame:
    names = {*effects["base"], *effects["treatment"]} - {_NOTHING}
    ordered = sorted(names, key=lambda name: (len(_split(name)), name))
    rows = {name: _weights(found, effects, first, _split(name)) for name in ordered}
    return _rows(found, rows).rename_axis("combination")


def _differ(found: ComponentNetwork, first: str, conditions: pd.Index) -> float:
    """Return the P value of the first part being the same in these conditions."""
    if len(conditions) < 2:
        return np.nan
    names = [_of(first, name) for name in conditions]
    against = np.column_stack([-np.ones(len(names) - 1), np.eye(len(names) - 1)])
    beta, spread = found.components.loc[names, "estimate"].to_numpy(), found.covariance.loc[names, names].to_numpy()
    return float(omnibus(against @ beta, against @ spread @ against.T, tuple(names[1:]), found.df)[2])


def _unknown(evidence: Evidence, made: pd.Series, condition: str | Sequence[str] | None) -> pd.DataFrame:
    """Return the arms of the treatment and its comparators of which no rule tells the parts."""
    topic, arms = evidence.topic, evidence.arms
    roles = [role for side in (topic.treatment, *topic.comparators.values()) for role in side.roles]
    asked = list(topic.conditions) if condition is None else [condition] if isinstance(condition, str) else list(condition)
    return arms[made.isna() & arms["role"].isin(roles) & arms["condition"].isin(asked)].reset_index(drop=True)


guard(__name__, "components")
