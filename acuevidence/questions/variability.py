"""Whether patients differ in their response: more spread under acupuncture than chance and a shift of the mean explain.

Reads effects that measure spread, pools them, and words the answer; knows nothing of figures.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from acuevidence.arguments import guard
from acuevidence.effects.trials import trial_effects
from acuevidence.errors import InputError
from acuevidence.evidence import Evidence
from acuevidence.evidence.carried import joined
from acuevidence.shown import Shown
from acuevidence.synthesis import GroupedMetaAnalysis, MetaAnalysis, meta_analysis
from acuevidence.synthesis.coefficients import contrast
from acuevidence.topic import topic_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["Variability", "variability"]

_FEWEST = 3
_BY_SCORES = [
    "comparator",
    "scores",
    "k",
    "estimate",
    "ci_low",
    "ci_high",
    "ratio",
    "ratio_low",
    "ratio_high",
    "p_difference",
    "extra",
    "extra_high",
]
_KEY = ["condition", "comparator", "measure", "scores"]


@dataclass(frozen=True, slots=True, kw_only=True, repr=False, eq=False)
class Variability(Shown):
    """The spread between patients under acupuncture, as a multiple of the spread under the comparator.

    Attributes
    ----------
    pools : DataFrame
        One row a pool: ``condition`` (``all``: over the conditions), ``comparator``, ``measure`` (``lnVR``, ``lnCVR``), ``scores``
        (``all``, ``final``, ``change``), ``k`` trials, ``n`` participants, ``estimate ci_low ci_high pi_low pi_high tau2 i2
        p_value`` on the log scale (positive: more spread under acupuncture), and ``ratio ratio_low ratio_high``, their
        exponentials. ``pi_low`` and ``pi_high`` are missing below three trials.
    verdicts : DataFrame
        One row per condition and comparator: ``k``, ``more_spread`` (True, False, or missing where fewer than three trials can
        tell) and the ``reason``.
    effects : DataFrame
        The trials' own rows, as :func:`trial_effects` gives them, with ``measure`` and ``scores``.
    by_scores : DataFrame
        One row per comparator and kind of score over all conditions, from one model of lnVR with a mean for each kind: ``k estimate
        ci_low ci_high ratio ratio_low ratio_high``, ``p_difference`` between the kinds (missing with one), and ``extra extra_high``:
        sqrt(ratio² - 1), the spread of responses as a share of the comparator's SD that this much more spread would come from, 0 where
        there is none. Spreads from SEs or intervals are left out: these may be of one model for both arms.
    results : GroupedMetaAnalysis
        The pools themselves, by ``"condition | comparator | measure | scores"``.
    """

    pools: pd.DataFrame
    verdicts: pd.DataFrame
    effects: pd.DataFrame
    by_scores: pd.DataFrame
    results: GroupedMetaAnalysis

    def to_frame(self) -> pd.DataFrame:
        """Return the pools, one row each."""
        return self.pools.copy()

    def by_comparator(self) -> GroupedMetaAnalysis:
        """Return the log ratio of SDs pooled by comparator over all conditions and kinds of score.

        Returns
        -------
        GroupedMetaAnalysis
            Comparator to pooled effect.

        Examples
        --------
        >>> import acuevidence as ae
        >>> list(ae.variability().by_comparator())
        ['sham', 'usual_care']
        """
        rows = self.effects[self.effects["measure"] == "lnVR"].drop(columns=["measure", "mean1", "mean2"])
        return meta_analysis("yi", "vi", data=rows, labels="study", by="comparator", test="HKSJ-adhoc")

    def _sentences(self) -> list[str]:
        lines = [f"Spread between patients, {topic_of(self.effects).treatment.phrase} / comparator"]
        for verdict in self.verdicts.itertuples():
            lines.append(f"{verdict.condition} against {verdict.comparator}: {verdict.reason}")
            mine = self.pools[(self.pools["condition"] == verdict.condition) & (self.pools["comparator"] == verdict.comparator)]
            lines += [
                f"  {p.measure} of {p.scores} scores: ratio {p.ratio:.2f} ({p.ratio_low:.2f} to {p.ratio_high:.2f}), k = {p.k}"
                for p in mine.itertuples()
            ]
        return lines

    def forest(self, comparator: str, *, condition: str = "all", **options: Any) -> Axes:
        """Draw the trials' log ratios of SDs and return the Axes.

        Parameters
        ----------
        comparator : {"sham", "usual_care"}
            Which comparison.
        condition : str
            A condition, or ``all``.
        **options
            As of the forest plot of a pooled result.

        Returns
        -------
        Axes
            The axes drawn on.

        Raises
        ------
        InputError
            When no trial of that comparison prints spreads.
        """
        key = f"{condition} | {comparator} | lnVR | all"
        if key not in self.results:
            raise InputError(f"no spreads for condition={condition!r} against comparator={comparator!r}")
        drawn: Axes = self.results[key].forest(**options)
        return drawn

    def _page_table(self) -> pd.DataFrame:
        return self.pools.round(3)


def variability(
    condition: str | None = None,
    *,
    method: str = "REML",
    test: str = "HKSJ-adhoc",
    evidence: Evidence | None = None,
    **selection: Any,
) -> Variability:
    """Compare the spread between patients under acupuncture with that under the comparator.

    Parameters
    ----------
    condition : str, optional
        One of :func:`acuevidence.conditions`. Default: every condition and, as ``all``, all of them together.
    method, test : str
        As in :func:`acuevidence.meta_analysis`.
    evidence : Evidence, default the package's
    **selection
        ``comparator``, ``outcome``, ``timing`` and ``cautions`` of :func:`acuevidence.trial_effects`.

    Returns
    -------
    Variability
        Pooled lnVR and lnCVR with intervals and prediction intervals, and a verdict per condition and comparator.

    Raises
    ------
    InputError
        For an unknown choice, or when no trial prints spreads.

    Notes
    -----
    lnVR is the log ratio of the SDs, lnCVR that of the coefficients of variation (Nakagawa et al 2015, Methods in Ecology and
    Evolution). If patients differ in their response, the treated arm spreads more than the comparator. The reverse
    does not hold: equal spreads are compatible with responses that differ where those who are worst off gain most, and more
    spread may come from a larger shift of the mean. lnCVR takes out a spread in proportion to the mean. It is pooled for final
    scores and for changes apart, because the same benefit makes the mean of final scores smaller and that of changes larger,
    so that lnCVR leans upwards in the first and downwards in the second.

    *More spread* is the verdict where the interval of lnVR and those of every lnCVR of three or more trials lie above
    zero; an lnCVR whose interval reaches below says that a shift of the mean explains as much. Below three trials there is no
    verdict. SDs implied by a contrast, the same for both arms, do not count.

    Examples
    --------
    >>> import acuevidence as ae
    >>> spread = ae.variability()
    >>> all_sham = spread.verdicts.query("condition == 'all' and comparator == 'sham'")
    >>> all_sham["more_spread"].tolist()
    [False]
    """
    rows = joined(_measured(condition, measure, evidence, selection) for measure in ("lnVR", "lnCVR"))
    if rows.empty:
        raise InputError(f"no trial prints spreads for condition={condition!r} with {selection or 'the default selection'}")
    stacked = joined([rows, rows.assign(condition="all")] if condition is None else [rows])
    stacked["pool"] = stacked[_KEY].agg(" | ".join, axis=1)
    results = meta_analysis("yi", "vi", data=stacked, labels="study", by="pool", method=method, test=test)
    people = (stacked["n1"] + stacked["n2"]).groupby(stacked["pool"]).sum()
    pools = pd.DataFrame([_pool(name, result, int(people[name])) for name, result in results.items()])
    verdicts = [
        {"condition": one, "comparator": against, **_verdict(group)}
        for (one, against), group in pools.groupby(["condition", "comparator"], sort=False)
    ]
    frame = pd.DataFrame(verdicts).astype({"more_spread": "boolean"})
    return Variability(pools=pools, verdicts=frame, effects=rows, by_scores=_by_scores(rows, method, test), results=results)


def _by_scores(rows: pd.DataFrame, method: str, test: str) -> pd.DataFrame:
    """Return the ratio of SDs of final scores and of changes from one model a comparator."""
    printed = rows[(rows["measure"] == "lnVR") & rows["derivation"].str.startswith("VR from means and SDs")]
    printed = printed.assign(kind=np.where(printed["statistic"] == "change", "change", "final"))
    found = []
    for comparator, mine in printed.groupby("comparator", sort=False):
        kinds = [kind for kind in ("final", "change") if (mine["kind"] == kind).any()]
        if len(mine) <= len(kinds):
            continue
        terms = mine.assign(change=(mine["kind"] == "change").astype(float))[["yi", "vi", "study", "change"]]
        moderators = "~ change" if len(kinds) > 1 else None
        fit = meta_analysis("yi", "vi", data=terms, labels="study", moderators=moderators, method=method, test=test)
        for kind in kinds:
            weights = [1.0] if len(kinds) == 1 else [1.0, float(kind == "change")]
            mean = contrast(weights, fit.beta, fit.covariance, fit.df, level=fit.level)
            ratio, low, high = np.exp([mean.estimate, mean.ci_low, mean.ci_high])
            found.append(
                {
                    "comparator": comparator,
                    "scores": kind,
                    "k": int((mine["kind"] == kind).sum()),
                    **{name: getattr(mean, name) for name in ("estimate", "ci_low", "ci_high")},
                    "ratio": ratio,
                    "ratio_low": low,
                    "ratio_high": high,
                    "p_difference": np.nan if len(kinds) == 1 else fit.qm_p,
                    "extra": np.sqrt(max(ratio**2 - 1, 0.0)),
                    "extra_high": np.sqrt(max(high**2 - 1, 0.0)),
                }
            )
    return pd.DataFrame(found, columns=_BY_SCORES)


def _measured(condition: str | None, measure: str, evidence: Evidence | None, selection: dict[str, Any]) -> pd.DataFrame:
    rows = trial_effects(condition, measure=measure.removeprefix("ln"), evidence=evidence, **selection)
    kind = np.where(rows["statistic"] == "change", "change", "final")
    scores = kind if measure == "lnCVR" else "all"
    return rows.drop(columns="effect").assign(measure=measure, scores=scores)


def _pool(name: str, result: MetaAnalysis, people: int) -> dict[str, Any]:
    ratios = np.exp([result.estimate, result.ci_low, result.ci_high])
    predicted = result.k >= _FEWEST
    return {
        **dict(zip(_KEY, name.split(" | "), strict=True)),
        "k": result.k,
        "n": people,
        **{key: getattr(result, key) for key in ("estimate", "ci_low", "ci_high")},
        **{key: getattr(result, key) if predicted else np.nan for key in ("pi_low", "pi_high")},
        **{key: getattr(result, key) for key in ("tau2", "i2", "p_value")},
        **dict(zip(("ratio", "ratio_low", "ratio_high"), ratios.tolist(), strict=True)),
    }


def _verdict(pools: pd.DataFrame) -> dict[str, Any]:
    spreads = pools[pools["measure"] == "lnVR"].iloc[0]
    ratio = f"ratio of SDs {spreads.ratio:.2f} ({spreads.ratio_low:.2f} to {spreads.ratio_high:.2f})"
    relative = pools[(pools["measure"] == "lnCVR") & (pools["k"] >= _FEWEST)]
    if spreads.k < _FEWEST:
        more, reason = None, f"insufficient data: {spreads.k} of the {_FEWEST} trials needed print spreads"
    elif spreads.ci_low <= 0:
        word = "less spread than under the comparator" if spreads.ci_high < 0 else "no more spread than chance explains"
        more, reason = False, f"{word}: {ratio}"
    elif relative.empty:
        more, reason = None, f"more spread ({ratio}); too few trials to tell it from a shift of the mean"
    elif (relative["ci_low"] <= 0).any():
        more, reason = False, f"more spread ({ratio}), but no more than the shift of the mean explains"
    else:
        more, reason = True, f"more spread than chance and a shift of the mean explain: {ratio}"
    return {"k": spreads.k, "more_spread": more, "reason": reason}


guard(__name__, "variability")
