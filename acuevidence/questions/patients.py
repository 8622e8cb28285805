"""One trial's individual patients: what the group's effect is, what missing patients could change, and whether patients differ.

Models beyond the adjusted difference are fitted by statsmodels. Knows no figure.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from scipy.special import stdtr, stdtrit

from acuevidence.arguments import guard
from acuevidence.effects.from_patients import ancova, from_patients
from acuevidence.effects.measures import effect_size
from acuevidence.errors import InputError
from acuevidence.evidence import Evidence, load_evidence
from acuevidence.evidence.ipd import PatientDesign, Score, patient_design

if TYPE_CHECKING:
    pass

__all__ = ["Patients", "patients"]

_SETS = 50
_BURN_IN = 50
_APART = 5
_QUANTILES = (0.25, 0.5, 0.75)


@dataclass(frozen=True, slots=True, kw_only=True, repr=False, eq=False)
class Patients:
    """What one trial's individual patients say.

    Every difference is in the unit of its score and positive where the treated are better off. Frames have one row an outcome and
    week unless said otherwise.

    Attributes
    ----------
    trial_id, study, source : str
        The trial, as it is cited, and the publication that released the data.
    n : int
        Patients randomised.
    effects : DataFrame
        Patients with both values: ``outcome measure week n1 n2 difference difference_se ci_low ci_high sd smd se r2``; ``se`` is
        that of ``smd``; ``robust_low robust_high`` are limits that do not assume one variance (HC3).
    mixed : DataFrame
        All patients with a value at any week, in one model with a patient's own level: ``difference ci_low ci_high``.
    multiple_imputation : DataFrame
        Missing values as those of like patients of the same group (missing at random): ``difference se df ci_low ci_high p_value``.
    jump_to_reference : DataFrame
        The treated who left go on as the controls did from then on: the same columns.
    copy_reference : DataFrame
        The treated who left are taken as controls throughout, given what was seen of them: the same columns.
    by_baseline : DataFrame
        One row an outcome, week and quartile of the baseline value: ``quantile baseline difference ci_low ci_high``, and the test of
        the interaction ``interaction interaction_p`` (change of the difference per unit of baseline).
    responders : DataFrame
        One row an outcome and week: ``share`` of improvement that counts, ``events1 n1 events2 n2 percent1 percent2``, and the
        difference per 100 patients ``difference ci_low ci_high``.
    spread : DataFrame
        Final values and changes: ``scores sd1 sd2 ratio ci_low ci_high``, the SD of the treated over that of the controls.
    values : DataFrame
        One row a patient, outcome and week: ``patient group baseline value``; group is ``treated`` or ``control``.
    seed : int
        Of everything drawn at random.
    """

    trial_id: str
    study: str
    source: str
    n: int
    effects: pd.DataFrame
    mixed: pd.DataFrame
    multiple_imputation: pd.DataFrame
    jump_to_reference: pd.DataFrame
    copy_reference: pd.DataFrame
    by_baseline: pd.DataFrame
    responders: pd.DataFrame
    spread: pd.DataFrame
    values: pd.DataFrame
    seed: int

    def to_frame(self) -> pd.DataFrame:
        """Return the difference by every way of treating missing values, one row an outcome and week.

        Returns
        -------
        DataFrame
            Indexed by outcome and week; columns ``analysis``, one of ``complete cases``, ``mixed model``, ``multiple imputation``,
            ``copy reference``, ``jump to reference``, and ``difference ci_low ci_high``.

        Examples
        --------
        >>> import acuevidence as ae
        >>> ae.questions.patients("vickers2004").to_frame().groupby("analysis").size().max().item()
        4
        """
        named = {
            "complete cases": self.effects,
            "mixed model": self.mixed,
            "multiple imputation": self.multiple_imputation,
            "copy reference": self.copy_reference,
            "jump to reference": self.jump_to_reference,
        }
        columns = ["outcome", "week", "difference", "ci_low", "ci_high"]
        parts = [frame[columns].assign(analysis=name) for name, frame in named.items()]
        return pd.concat(parts, ignore_index=True).set_index(["outcome", "week"])

    def summary(self) -> str:
        """Return the differences as a table in text.

        Returns
        -------
        str
            One line an outcome, week and analysis.

        Examples
        --------
        >>> import acuevidence as ae
        >>> print(ae.questions.patients("vickers2004").summary().splitlines()[0])
        Vickers 2004: 401 patients, differences adjusted for baseline (positive favours the treated)
        """
        lines = [f"{self.study}: {self.n} patients, differences adjusted for baseline (positive favours the treated)"]
        for (outcome, week), row in self.to_frame().sort_index(kind="stable").iterrows():
            lines.append(
                f"{outcome}, week {week:g}, {row['analysis']}: {row['difference']:.2f} ({row['ci_low']:.2f} to {row['ci_high']:.2f})"
            )
        return "\n".join(lines)

    def __repr__(self) -> str:
        return self.summary()

    def _repr_html_(self) -> str:
        return f"<p>{self.summary().splitlines()[0]}</p>" + self.to_frame().to_html(float_format=lambda value: f"{value:.2f}")


def patients(name: str, *, seed: int = 20040315, evidence: Evidence | None = None) -> Patients:
    """Analyse the individual patients of one trial.

    Parameters
    ----------
    name : str
        One of ``load_evidence().ipd``.
    seed : int
        Of the imputations; the same seed gives the same digits, and numpy's global random state is not touched.
    evidence : Evidence, default the package's

    Returns
    -------
    Patients
        Adjusted differences of every score and week, what missing patients could change, the effect by baseline, responders, and
        the spread of both groups.

    Raises
    ------
    InputError
        When the evidence holds no patients of that name.

    Notes
    -----
    ANCOVA on the baseline value; HC3 limits (MacKinnon and White 1985); mixed model by REML with a level of each patient's own.
    Missing values are drawn within each group from one normal model of scores and covariates (data augmentation, Jeffreys' prior;
    Schafer 1997) and pooled by Rubin's rules with the degrees of freedom of Barnard and Rubin 1999. Jump to reference and copy
    reference after Carpenter, Roger and Kenward 2013 draw from the same model, so that only what is assumed of the patients who
    left differs; chained equations that read a formula at every cycle took a hundred times as long. A group's spread or a baseline
    interaction is what one trial can say of differing responses: a parallel trial sees no patient under both treatments.

    Examples
    --------
    >>> import acuevidence as ae
    >>> found = ae.questions.patients("vickers2004")
    >>> one = found.effects.set_index(["outcome", "week"]).loc[("pain", 52)]
    >>> print(f"{one.difference:.1f} ({one.ci_low:.1f} to {one.ci_high:.1f})")
    4.6 (2.1 to 7.1)
    """
    evidence = load_evidence() if evidence is None else evidence
    if name not in evidence.ipd:
        held = ", ".join(evidence.ipd) or "none"
        raise InputError(f"no individual patients named {name!r}; the evidence holds: {held}")
    table = evidence.ipd[name]
    design = patient_design(evidence.folder, name, table)
    effects = from_patients(table, design)
    robust, by_baseline = _models(table, design)
    rng = np.random.default_rng(seed)
    jump, copy = _reference_sets(table, design, rng)
    known = evidence.trials.loc[evidence.trials["trial_id"] == design.trial_id, "study"]
    return Patients(
        trial_id=design.trial_id,
        study=str(known.iloc[0]) if len(known) else design.trial_id,
        source=design.source.get("text", ""),
        n=len(table),
        effects=effects.merge(robust, on=["outcome", "week"]),
        mixed=_mixed(table, design),
        multiple_imputation=_imputed(table, design, _random_sets(table, design, rng)),
        jump_to_reference=_imputed(table, design, jump),
        copy_reference=_imputed(table, design, copy),
        by_baseline=by_baseline,
        responders=_responders(table, design),
        spread=_spread(table, design),
        values=_values(table, design),
        seed=seed,
    )


def _treated(table: pd.DataFrame, design: PatientDesign) -> np.ndarray:
    return np.asarray(table[design.group] == design.treated, dtype=float)


def _scores(table: pd.DataFrame, design: PatientDesign) -> Iterator[tuple[Score, float, pd.DataFrame]]:
    """Yield score, week, and the patients with both values: ``treated baseline value``, values turned so that larger is better."""
    for score in design.scores:
        for week, column in score.weeks.items():
            frame = pd.DataFrame(
                {
                    "patient": table[design.patient],
                    "treated": _treated(table, design),
                    "baseline": table[score.baseline].astype(float),
                    "value": table[column].astype(float) * score.benefit,
                }
            )
            yield score, week, frame.dropna()


def _models(table: pd.DataFrame, design: PatientDesign) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return robust limits of every difference, and the difference by quartile of baseline."""
    from statsmodels.regression.linear_model import OLS

    robust, by_baseline = [], []
    for score, week, held in _scores(table, design):
        y, baseline = held["value"].to_numpy(), held["baseline"].to_numpy()
        x = np.column_stack([np.ones(len(held)), held["treated"], baseline])
        low, high = OLS(y, x).fit(cov_type="HC3", use_t=True).conf_int()[1]
        robust.append({"outcome": score.outcome, "week": week, "robust_low": low, "robust_high": high})
        crossed = OLS(y, np.column_stack([x, x[:, 1] * baseline])).fit()
        for quantile in _QUANTILES:
            at = float(np.quantile(baseline, quantile))
            line = crossed.t_test([[0, 1, 0, at]])
            (low, high), difference = line.conf_int()[0], float(np.squeeze(line.effect))
            by_baseline.append(
                {
                    "outcome": score.outcome,
                    "week": week,
                    "quantile": quantile,
                    "baseline": at,
                    "difference": difference,
                    "ci_low": low,
                    "ci_high": high,
                    "interaction": crossed.params[3],
                    "interaction_p": crossed.pvalues[3],
                }
            )
    return pd.DataFrame(robust), pd.DataFrame(by_baseline)


def _mixed(table: pd.DataFrame, design: PatientDesign) -> pd.DataFrame:
    """Return the difference at every week of a model with a level of each patient's own."""
    from statsmodels.regression.mixed_linear_model import MixedLM

    rows = []
    for score in design.scores:
        weeks = list(score.weeks)
        if len(weeks) < 2:
            continue
        long = pd.concat([f.assign(week=week) for s, week, f in _scores(table, design) if s is score], ignore_index=True)
        at = np.equal.outer(long["week"].to_numpy(), weeks).astype(float)
        x = np.hstack([at, at * long[["treated"]].to_numpy(), at * long[["baseline"]].to_numpy()])
        fit = MixedLM(long["value"].to_numpy(), x, groups=long["patient"].to_numpy()).fit(reml=True)
        limits = fit.conf_int()
        rows += [
            {
                "outcome": score.outcome,
                "week": week,
                "difference": fit.params[len(weeks) + i],
                "ci_low": limits[len(weeks) + i, 0],
                "ci_high": limits[len(weeks) + i, 1],
            }
            for i, week in enumerate(weeks)
        ]
    return pd.DataFrame(rows, columns=["outcome", "week", "difference", "ci_low", "ci_high"])


def _imputed(table: pd.DataFrame, design: PatientDesign, sets: dict[str, np.ndarray]) -> pd.DataFrame:
    """Pool the adjusted difference over imputed sets by Rubin's rules; ``sets`` is column to an array of shape (M, n)."""
    rows = []
    treated = _treated(table, design)
    for score in design.scores:
        baseline = sets.get(score.baseline, table[score.baseline].to_numpy(float)[None])
        for week, column in score.weeks.items():
            fit = ancova(sets[column] * score.benefit, treated, baseline[:, :, None])
            m, within, between = len(fit.difference), float((fit.se**2).mean()), float(fit.difference.var(ddof=1))
            total = within + (1 + 1 / m) * between
            share = (1 + 1 / m) * between / total
            seen = (fit.df + 1) / (fit.df + 3) * fit.df * (1 - share)
            df = 1 / (share**2 / (m - 1) + 1 / seen)
            half = float(stdtrit(df, 0.975)) * np.sqrt(total)
            mean = float(fit.difference.mean())
            rows.append(
                {
                    "outcome": score.outcome,
                    "week": week,
                    "difference": mean,
                    "se": np.sqrt(total),
                    "df": df,
                    "ci_low": mean - half,
                    "ci_high": mean + half,
                    "p_value": 2 * float(stdtr(df, -abs(mean) / np.sqrt(total))),
                }
            )
    return pd.DataFrame(rows)


def _random_sets(table: pd.DataFrame, design: PatientDesign, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Impute every score as among like patients of the same group, from all scores and covariates together."""
    columns = [c for score in design.scores for c in (score.baseline, *score.weeks.values())]
    y = table[[*columns, *design.covariates]].to_numpy(float)
    filled = np.repeat(y[None], _SETS, axis=0)
    treated = _treated(table, design).astype(bool)
    for rows in (treated, ~treated):
        filled[:, rows] = _chain(y[rows], rng)[2]
    return {column: filled[:, :, i] for i, column in enumerate(columns)}


def _reference_sets(
    table: pd.DataFrame, design: PatientDesign, rng: np.random.Generator
) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Impute every score, the treated who left by the control group's course from then on (jump) or throughout (copy)."""
    treated = _treated(table, design).astype(bool)
    jump: dict[str, np.ndarray] = {}
    copy: dict[str, np.ndarray] = {}
    for score in design.scores:
        columns = [score.baseline, *(score.weeks[w] for w in sorted(score.weeks))]
        y = table[columns].to_numpy(float)
        control, own = (_chain(y[rows], rng)[:2] for rows in (~treated, treated))
        for sets, start in ((jump, own[0]), (copy, control[0])):
            filled = _filled(y, treated, control, own, start, rng)
            sets |= {column: filled[:, :, i] for i, column in enumerate(columns)}
    return jump, copy


def _filled(
    y: np.ndarray,
    treated: np.ndarray,
    control: tuple[np.ndarray, np.ndarray],
    own: tuple[np.ndarray, np.ndarray],
    start: np.ndarray,
    rng: np.random.Generator,
) -> np.ndarray:
    """Fill gaps between visits from a patient's own group, and all after the last visit from the controls, as seen from ``start``."""
    gaps = np.isnan(y)
    filled = np.repeat(y[None], _SETS, axis=0)
    for pattern in np.unique(gaps, axis=0):
        if not pattern.any():
            continue
        left = pattern & (np.arange(y.shape[1]) > np.flatnonzero(~pattern).max())
        for arm, (mean, covariance) in ((False, control), (True, own)):
            rows = np.flatnonzero((gaps == pattern).all(axis=1) & (treated == arm))
            if len(rows) and (pattern & ~left).any():
                _draw(filled, rows, ~pattern, pattern & ~left, mean, mean, covariance, rng)
            if len(rows) and left.any():
                _draw(filled, rows, ~left, left, start if arm else mean, control[0], control[1], rng)
    return filled


def _draw(
    filled: np.ndarray,
    rows: np.ndarray,
    seen: np.ndarray,
    missing: np.ndarray,
    mean_seen: np.ndarray,
    mean_missing: np.ndarray,
    covariance: np.ndarray,
    rng: np.random.Generator,
) -> None:
    """Fill the missing columns of some patients, in every set, from the normal law given the columns that are seen."""
    v11, v21 = covariance[:, seen][:, :, seen], covariance[:, missing][:, :, seen]
    slope = np.linalg.solve(v11, v21.transpose(0, 2, 1)).transpose(0, 2, 1)
    spare = covariance[:, missing][:, :, missing] - slope @ v21.transpose(0, 2, 1)
    known = filled[:, rows][:, :, seen] - mean_seen[:, None, seen]
    expected = mean_missing[:, None, missing] + known @ slope.transpose(0, 2, 1)
    noise = rng.standard_normal(expected.shape) @ np.linalg.cholesky(spare).transpose(0, 2, 1)
    filled[np.ix_(np.arange(len(filled)), rows, np.flatnonzero(missing))] = expected + noise


def _chain(y: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Draw means, covariances and missing values of a group from their posterior under Jeffreys' prior, by data augmentation."""
    from scipy.stats import invwishart

    n = len(y)
    gaps = np.isnan(y)
    patterns = [(pattern, np.flatnonzero((gaps == pattern).all(axis=1))) for pattern in np.unique(gaps, axis=0) if pattern.any()]
    now = np.where(gaps, np.nanmean(y, axis=0), y)[None]
    means, covariances, sets = [], [], []
    for step in range(_BURN_IN + _SETS * _APART):
        centre = now[0].mean(axis=0)
        scatter = (now[0] - centre).T @ (now[0] - centre)
        covariance = np.atleast_2d(invwishart.rvs(n - 1, scatter, random_state=rng))
        mean = centre + np.linalg.cholesky(covariance / n) @ rng.standard_normal(len(centre))
        for pattern, rows in patterns:
            _draw(now, rows, ~pattern, pattern, mean[None], mean[None], covariance[None], rng)
        if step >= _BURN_IN and (step - _BURN_IN) % _APART == 0:
            means.append(mean)
            covariances.append(covariance)
            sets.append(now[0].copy())
    return np.stack(means), np.stack(covariances), np.stack(sets)


def _responders(table: pd.DataFrame, design: PatientDesign) -> pd.DataFrame:
    """Return who improved by the share of baseline that counts, and the difference per 100 patients."""
    rows: list[dict[str, Any]] = []
    for score, week, held in _scores(table, design):
        share = design.responders.get(score.outcome)
        if share is None:
            continue
        held = held[held["baseline"] > 0]
        gain = score.benefit * (held["value"] * score.benefit - held["baseline"])
        improved = gain >= share * held["baseline"]
        counts = improved.groupby(held["treated"]).agg(["sum", "size"])
        (e2, n2), (e1, n1) = counts.loc[0.0], counts.loc[1.0]
        found = effect_size("RD", events1=e1, n1=n1, events2=e2, n2=n2).iloc[0]
        half = 1.959963984540054 * np.sqrt(found["vi"])
        rows.append(
            {
                "outcome": score.outcome,
                "week": week,
                "share": share,
                "events1": int(e1),
                "n1": int(n1),
                "events2": int(e2),
                "n2": int(n2),
                "percent1": 100 * e1 / n1,
                "percent2": 100 * e2 / n2,
                "difference": 100 * found["yi"],
                "ci_low": 100 * (found["yi"] - half),
                "ci_high": 100 * (found["yi"] + half),
            }
        )
    return pd.DataFrame(rows)


def _spread(table: pd.DataFrame, design: PatientDesign) -> pd.DataFrame:
    """Return the SD of the treated over that of the controls, for final values and for changes from baseline."""
    rows: list[dict[str, Any]] = []
    for score, week, held in _scores(table, design):
        kinds = {"final": held["value"], "change": held["value"] - score.benefit * held["baseline"]}
        for scores, values in kinds.items():
            sds = values.groupby(held["treated"]).agg(["std", "size"])
            (sd2, n2), (sd1, n1) = sds.loc[0.0], sds.loc[1.0]
            found = effect_size("VR", mean1=0.0, sd1=sd1, n1=n1, mean2=0.0, sd2=sd2, n2=n2).iloc[0]
            half = 1.959963984540054 * np.sqrt(found["vi"])
            rows.append(
                {
                    "outcome": score.outcome,
                    "week": week,
                    "scores": scores,
                    "sd1": sd1,
                    "sd2": sd2,
                    "ratio": np.exp(found["yi"]),
                    "ci_low": np.exp(found["yi"] - half),
                    "ci_high": np.exp(found["yi"] + half),
                }
            )
    return pd.DataFrame(rows)


def _values(table: pd.DataFrame, design: PatientDesign) -> pd.DataFrame:
    """Return the values as measured, one row a patient, outcome and week."""
    parts = [
        held.assign(outcome=score.outcome, week=week, value=held["value"] * score.benefit)
        for score, week, held in _scores(table, design)
    ]
    joined = pd.concat(parts, ignore_index=True)
    joined["group"] = np.where(joined["treated"] == 1, "treated", "control")
    return joined[["patient", "outcome", "week", "group", "baseline", "value"]]


guard(__name__, "patients")
