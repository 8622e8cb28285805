"""Whether acupuncture moves function as much as pain: both outcomes of the same trials in one model.

Pairs effects by trial, fits, and words the difference; knows nothing of figures.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from scipy.special import stdtr, stdtrit

from acuevidence.arguments import guard
from acuevidence.effects.trials import trial_effects
from acuevidence.errors import InputError
from acuevidence.evidence import Evidence
from acuevidence.inputs import choice
from acuevidence.shown import Shown
from acuevidence.synthesis.multivariate import MultivariateMetaAnalysis, multivariate
from acuevidence.synthesis.vcalc import vcalc

__all__ = ["FunctionAndPain", "function_and_pain"]

_FEWEST = 3
OUTCOMES = ("pain", "function")


@dataclass(frozen=True, slots=True, kw_only=True, repr=False, eq=False)
class FunctionAndPain(Shown):
    """Effects on pain and on function in the same trials, by comparator.

    Attributes
    ----------
    effects : DataFrame
        The trials' rows of :func:`acuevidence.trial_effects` that went in: two a trial and comparator.
    models : dict of str to MultivariateMetaAnalysis
        Comparator to joint model.
    too_few : dict of str to int
        Comparator to the number of trials that print both outcomes, where it is below three and nothing is pooled.
    correlation : float
        Assumed correlation of a patient's pain and function.
    level : float
        Level of the intervals.
    """

    effects: pd.DataFrame = field(repr=False)
    models: dict[str, MultivariateMetaAnalysis] = field(repr=False)
    too_few: dict[str, int]
    correlation: float
    level: float

    def to_frame(self) -> pd.DataFrame:
        """Return pain, function and their difference (pain minus function) by comparator, in SD.

        Returns
        -------
        DataFrame
            ``comparator outcome trials estimate se df p_value ci_low ci_high``. A positive effect favours acupuncture;
            a positive difference says that pain gains more than function.
        """
        rows = [
            {"comparator": name, "outcome": outcome, "trials": model.data["cluster"].nunique()}
            | self._row(model, weights)
            for name, model in self.models.items()
            for outcome, weights in {"pain": (1, 0), "function": (0, 1), "difference": (1, -1)}.items()
        ]
        return pd.DataFrame(rows)

    def _sentences(self) -> list[str]:
        lines = [f"Pain and function in the same trials (SMD, within-trial correlation {self.correlation:g} assumed)"]
        frame = self.to_frame()
        for name, group in frame.groupby("comparator", sort=False):
            lines.append(f"Against {name} (k = {group['trials'].iloc[0]}):")
            lines += [
                f"  {r.outcome}: {r.estimate:.2f} ({r.ci_low:.2f} to {r.ci_high:.2f})" for r in group.itertuples()
            ]
        lines += [f"Against {name}: {_shortage(k)}" for name, k in self.too_few.items()]
        return lines

    def _page_table(self) -> pd.DataFrame:
        return self.to_frame().round(3)

    def _row(self, model: MultivariateMetaAnalysis, weights: tuple[int, int]) -> dict[str, float]:
        names, w = list(OUTCOMES), np.array(weights, dtype=float)
        estimate = float(w @ model.coefficients.loc[names, "estimate"].to_numpy())
        se = float(np.sqrt(w @ model.vcov.loc[names, names].to_numpy() @ w))
        df = float(model.coefficients.loc[names, "df"].min())
        half = float(stdtrit(df, 0.5 + self.level / 2)) * se
        p = float(2 * stdtr(df, -abs(estimate / se)))
        ends = {"ci_low": estimate - half, "ci_high": estimate + half}
        return {"estimate": estimate, "se": se, "df": df, "p_value": p} | ends


def function_and_pain(
    condition: str | None = None,
    comparator: str | None = None,
    *,
    correlation: float = 0.6,
    structure: str = "CS",
    timing: str = "end_of_treatment",
    cautions: str = "exclude",
    level: float = 0.95,
    evidence: Evidence | None = None,
) -> FunctionAndPain:
    """Pool the effects on pain and on function of the trials that print both, and compare them.

    Parameters
    ----------
    condition : str, optional
        One of :func:`acuevidence.conditions`. Default: all together.
    comparator : {"sham", "usual_care"}, optional
        Default: each of them, apart.
    correlation : float
        Assumed correlation of a patient's pain and function, above -1 and below 1. Papers do not print it: look at
        several values.
    structure : {"CS", "UN"}
        Covariance of the true effects: one variance and one correlation, or a variance for each outcome, which
        takes more trials to tell.
    timing, cautions : str
        As in :func:`acuevidence.trial_effects`.
    level : float
        Level of the intervals, between 0 and 1.
    evidence : Evidence, optional
        Default: the package's evidence.

    Returns
    -------
    FunctionAndPain
        Both effects (SMD, positive favours acupuncture) and their difference, pain minus function.

    Raises
    ------
    InputError
        For an unknown choice, a correlation or level out of range, or when no comparator has three trials that print
        both outcomes.

    Notes
    -----
    The sampling covariance of a trial's two effects is ``correlation * sqrt(v_pain v_function)``; the variance of the
    difference of the means is ``a' V a`` with ``a = (1, -1)`` (van Houwelingen, Arends & Stijnen 2002, Statistics in
    Medicine 21:589-624). A higher correlation makes the difference within each trial more precise, so that what differs
    from trial to trial counts more as heterogeneity. Comparators are never mixed, since a trial with three arms would
    stand in twice.

    Examples
    --------
    >>> import acuevidence as ae
    >>> both = ae.function_and_pain(comparator="sham")
    >>> both.to_frame()[["outcome", "trials"]].values.tolist()
    [['pain', 3], ['function', 3], ['difference', 3]]
    """
    choice("structure", structure, ("CS", "UN"))
    if not -1 < correlation < 1:
        raise InputError(f"correlation must be above -1 and below 1, not {correlation}")
    rows = pd.concat(
        [
            trial_effects(
                condition, comparator=comparator, outcome=outcome, timing=timing, cautions=cautions, evidence=evidence
            )
            for outcome in OUTCOMES
        ],
        ignore_index=True,
    )
    paired = rows[rows.groupby(["trial_id", "comparator"])["outcome"].transform("nunique") == len(OUTCOMES)]
    paired = paired.reset_index(drop=True)
    names = [comparator] if comparator else list(rows["comparator"].unique())
    counts = {name: int(paired.loc[paired["comparator"] == name, "trial_id"].nunique()) for name in names}
    too_few = {name: k for name, k in counts.items() if k < _FEWEST}
    if len(too_few) == len(counts):
        found = "; ".join(f"against {name}, {_shortage(k)}" for name, k in too_few.items()) or "no trial prints either"
        raise InputError(f"pain and function cannot be pooled jointly for condition={condition!r}: {found}")
    kept = paired[~paired["comparator"].isin(list(too_few))].reset_index(drop=True)
    models = {
        name: _model(kept[kept["comparator"] == name].reset_index(drop=True), correlation, structure, level)
        for name in counts
        if name not in too_few
    }
    return FunctionAndPain(effects=kept, models=models, too_few=too_few, correlation=correlation, level=level)


def _model(rows: pd.DataFrame, correlation: float, structure: str, level: float) -> MultivariateMetaAnalysis:
    V = vcalc("vi", "trial_id", data=rows, outcome="outcome", rho=correlation)
    return multivariate("yi", V, data=rows, outcome="outcome", cluster="trial_id", structure=structure, level=level)


def _shortage(k: int) -> str:
    trials = "1 trial prints" if k == 1 else f"{k} trials print"
    return f"{trials} both pain and function, {_FEWEST} are needed"


guard(__name__, "function_and_pain")
