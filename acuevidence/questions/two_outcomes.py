"""Whether a treatment moves one outcome as much as another: both outcomes of the same trials in one model.

Pairs effects by trial, fits, and words the difference; knows nothing of figures.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import pandas as pd

from acuevidence.arguments import guard
from acuevidence.effects.trials import trial_effects
from acuevidence.errors import InputError
from acuevidence.evidence import Evidence, load_evidence
from acuevidence.evidence.carried import joined
from acuevidence.inputs import choice
from acuevidence.shown import Shown
from acuevidence.synthesis import GroupedMetaAnalysis, meta_analysis
from acuevidence.synthesis.coefficients import contrast
from acuevidence.synthesis.multivariate import MultivariateMetaAnalysis, multivariate
from acuevidence.synthesis.vcalc import vcalc
from acuevidence.words import interval

__all__ = ["TwoOutcomes", "two_outcomes"]

_FEWEST = 3


@dataclass(frozen=True, slots=True, kw_only=True, repr=False, eq=False)
class TwoOutcomes(Shown):
    """Effects on two outcomes in the same trials, by comparator.

    Attributes
    ----------
    outcomes : tuple of str
        The two outcomes; ``difference`` is the first minus the second.
    effects : DataFrame
        The trials' rows of :func:`acuevidence.trial_effects` that went in: two a trial and comparator.
    models : dict of str to MultivariateMetaAnalysis
        Comparator to joint model.
    too_few : dict of str to int
        Comparator to the number of trials that print both outcomes, where it is below three and nothing is pooled.
    correlation : float
        Assumed correlation of a patient's two outcomes.
    level : float
        Level of the intervals.
    """

    outcomes: tuple[str, str]
    effects: pd.DataFrame = field(repr=False)
    models: dict[str, MultivariateMetaAnalysis] = field(repr=False)
    too_few: dict[str, int]
    correlation: float
    level: float

    def to_frame(self) -> pd.DataFrame:
        """Return both outcomes and their difference (the first minus the second) by comparator, in SD.

        Returns
        -------
        DataFrame
            ``comparator outcome trials estimate se df p_value ci_low ci_high``. A positive effect favours the treatment;
            a positive difference says that the first outcome gains more than the second.
        """
        first, second = self.outcomes
        rows = [
            {"comparator": name, "outcome": outcome, "trials": model.data["cluster"].nunique()} | self._row(model, weights)
            for name, model in self.models.items()
            for outcome, weights in {first: (1, 0), second: (0, 1), "difference": (1, -1)}.items()
        ]
        return pd.DataFrame(rows)

    def by_outcome(self, comparator: str) -> GroupedMetaAnalysis:
        """Return each outcome pooled by itself, for a figure of the trials; the joint model alone compares them.

        Parameters
        ----------
        comparator : str
            One of those in ``models``.

        Returns
        -------
        GroupedMetaAnalysis
            Outcome to pooled effect.

        Examples
        --------
        >>> import acuevidence as ae
        >>> list(ae.questions.two_outcomes(comparator="sham").by_outcome("sham"))
        ['pain', 'function']
        """
        choice("comparator", comparator, self.models)
        rows = self.effects[self.effects["comparator"] == comparator]
        return meta_analysis("yi", "vi", data=rows, labels="study", by="outcome", test="HKSJ-adhoc")

    def _sentences(self) -> list[str]:
        first, second = (name.replace("_", " ") for name in self.outcomes)
        lines = [
            f"{first.capitalize()} and {second} in the same trials (SMD, within-trial correlation {self.correlation:g} assumed)"
        ]
        frame = self.to_frame()
        for name, group in frame.groupby("comparator", sort=False):
            lines.append(f"Against {name} (k = {group['trials'].iloc[0]}):")
            lines += [f"  {r.outcome}: {interval(r.estimate, r.ci_low, r.ci_high)}" for r in group.itertuples()]
        lines += [f"Against {name}: {_shortage(k, self.outcomes)}" for name, k in self.too_few.items()]
        return lines

    def _page_table(self) -> pd.DataFrame:
        return self.to_frame().round(3)

    def _row(self, model: MultivariateMetaAnalysis, weights: tuple[int, int]) -> dict[str, float]:
        sides = model.coefficients.loc[list(self.outcomes)]
        covariance = model.vcov.loc[sides.index, sides.index].to_numpy()
        found = contrast(weights, sides["estimate"].to_numpy(), covariance, sides["df"].min(), level=self.level)
        return found._asdict()


def two_outcomes(
    condition: str | None = None,
    comparator: str | None = None,
    *,
    outcomes: Sequence[str] | None = None,
    correlation: float = 0.6,
    structure: str = "CS",
    timing: str = "end_of_treatment",
    cautions: str = "exclude",
    level: float = 0.95,
    evidence: Evidence | None = None,
) -> TwoOutcomes:
    """Pool the effects on two outcomes of the trials that print both, and compare them.

    Parameters
    ----------
    condition : str, optional
        One of :func:`acuevidence.conditions`. Default: all together.
    comparator : str, optional
        One of the evidence's comparators. Default: each of them, apart.
    outcomes : pair of str, optional
        The two outcomes. Default: those that ``topic.yaml`` puts beside each other (``beside``), the main one first.
    correlation : float
        Assumed correlation of a patient's two outcomes, above -1 and below 1. Papers do not print it: look at
        several values.
    structure : {"CS", "UN"}
        Covariance of the true effects: one variance and one correlation, or a variance for each outcome, which
        takes more trials to tell.
    timing, cautions : str
        As in :func:`acuevidence.trial_effects`.
    level : float
        Level of the intervals, between 0 and 1.
    evidence : Evidence, default the package's

    Returns
    -------
    TwoOutcomes
        Both effects (SMD, positive favours the treatment) and their difference, the first minus the second.

    Raises
    ------
    InputError
        For an unknown choice, a correlation or level out of range, or when no comparator has three trials that print
        both outcomes.

    Notes
    -----
    The sampling covariance of a trial's two effects is ``correlation * sqrt(v_1 v_2)``; the variance of the
    difference of the means is ``a' V a`` with ``a = (1, -1)`` (van Houwelingen, Arends & Stijnen 2002, Statistics in
    Medicine). A higher correlation makes the difference within each trial more precise, so that what differs
    from trial to trial counts more as heterogeneity. Comparators are never mixed, since a trial with three arms would
    stand in twice.

    Examples
    --------
    >>> import acuevidence as ae
    >>> both = ae.questions.two_outcomes(comparator="sham")
    >>> both.to_frame()[["outcome", "trials"]].values.tolist()
    [['pain', 7], ['function', 7], ['difference', 7]]
    """
    choice("structure", structure, ("CS", "UN"))
    if not -1 < correlation < 1:
        raise InputError(f"correlation must be above -1 and below 1, not {correlation}")
    evidence = load_evidence() if evidence is None else evidence
    pair = _pair(evidence, outcomes)
    rows = joined(
        trial_effects(condition, comparator=comparator, outcome=outcome, timing=timing, cautions=cautions, evidence=evidence)
        for outcome in pair
    )
    paired = rows[rows.groupby(["trial_id", "comparator"])["outcome"].transform("nunique") == len(pair)]
    paired = paired.reset_index(drop=True)
    names = [comparator] if comparator else list(rows["comparator"].unique())
    counts = {name: int(paired.loc[paired["comparator"] == name, "trial_id"].nunique()) for name in names}
    too_few = {name: k for name, k in counts.items() if k < _FEWEST}
    if len(too_few) == len(counts):
        found = "; ".join(f"against {name}, {_shortage(k, pair)}" for name, k in too_few.items())
        raise InputError(
            f"{' and '.join(pair)} cannot be pooled jointly for condition={condition!r}: {found or 'no trial prints either'}"
        )
    kept = paired[~paired["comparator"].isin(list(too_few))].reset_index(drop=True)
    models = {
        name: _model(kept[kept["comparator"] == name].reset_index(drop=True), correlation, structure, level)
        for name in counts
        if name not in too_few
    }
    return TwoOutcomes(outcomes=pair, effects=kept, models=models, too_few=too_few, correlation=correlation, level=level)


def _pair(evidence: Evidence, given: Sequence[str] | None) -> tuple[str, str]:
    """Return the two outcomes that were given, else those that the topic puts beside each other."""
    topic = evidence.topic
    if given is None:
        second = next((name for name, about in topic.outcomes.items() if about.get("beside") in topic.outcomes), None)
        if second is None:
            raise InputError("topic.yaml puts no outcome beside another; give outcomes=(first, second)")
        return str(topic.outcomes[second]["beside"]), second
    names = [choice("outcomes", name, list(topic.outcomes)) for name in given]
    if len(set(names)) != 2:
        raise InputError(f"outcomes must name two different outcomes, not {', '.join(given)}")
    return names[0], names[1]


def _model(rows: pd.DataFrame, correlation: float, structure: str, level: float) -> MultivariateMetaAnalysis:
    V = vcalc("vi", "trial_id", data=rows, outcome="outcome", rho=correlation)
    return multivariate("yi", V, data=rows, outcome="outcome", cluster="trial_id", structure=structure, level=level)


def _shortage(k: int, outcomes: tuple[str, str]) -> str:
    trials = "1 trial prints" if k == 1 else f"{k} trials print"
    return f"{trials} both {' and '.join(outcomes)}, {_FEWEST} are needed"


guard(__name__, "two_outcomes")
