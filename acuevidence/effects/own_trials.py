"""A user's own table of trials turned into the rows that a synthesis and a forest plot take.

Knows what each way of printing a result needs and which scale it gives. Knows nothing of evidence folders: those are for trials with
several outcomes, weeks and arms.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import ndtri

from acuevidence.effects import own_arms
from acuevidence.effects.measures import MEASURES, RATIOS, effect_size
from acuevidence.effects.own_given import SCALE, from_given
from acuevidence.effects.own_table import COUNTED, OwnTable, own_table
from acuevidence.effects.trials import COLUMNS
from acuevidence.errors import InputError
from acuevidence.evidence.importers.headings import scale_of
from acuevidence.inputs import choice

__all__ = ["read_trials", "template"]

_MEANS = ("mean1", "sd1", "n1", "mean2", "sd2", "n2")
_COUNTS = ("events1", "n1", "events2", "n2")
_PAIRS = ("both", "only1", "only2", "neither")
_CHANGE = ("mean_pre", "mean_post", "sd_pre", "sd_post", "n", "r")
_WAYS: dict[str, tuple[str, ...]] = {
    "means": _MEANS,
    "counts": _COUNTS,
    "rates": ("events1", "time1", "events2", "time2"),
    "matched pairs": _PAIRS,
    "controlled changes": tuple(f"{name}{k}" for k in (1, 2) for name in ("mean_pre", "mean_post", "sd_pre", "n", "r")),
    "changes": ("mean_pre", "mean_post", "sd_pre", "n", "r"),
    "partial correlations": ("r", "n", "m"),
    "partial correlations by t": ("t", "n", "m"),
    "correlations": ("r", "n"),
    "single means": ("mean", "sd", "n"),
    "proportions": ("events", "n"),
    "single rates": ("events", "time"),
}
_TWO_GROUPS = ("means", "counts", "rates", "ratios", "matched pairs", "controlled changes")
_SAID = {
    "means": "means and SDs of the arms",
    "counts": "events",
    "rates": "events in person-time",
    "matched pairs": "pairs",
    "controlled changes": "means before and after in both arms",
    "changes": "means before and after",
    "partial correlations": "partial correlation, n and number of predictors",
    "partial correlations by t": "t, n and number of predictors",
    "single rates": "events in person-time",
    "correlations": "correlation and n",
    "single means": "mean and SD",
    "proportions": "events",
}
_NEEDED = (
    "mean1 sd1 n1 mean2 sd2 n2 (for an SD also se1, low1 and high1, or q1_1 and q3_1 or min1 and max1 with median1), or events1 n1 "
    "events2 n2, or yi or ratio with vi, se, ci_low and ci_high, p or t, or events1 time1 events2 time2, or one group: r n; events n; "
    "events time; mean sd n; mean_pre mean_post sd_pre sd_post r n (of two groups with 1 and 2 behind each), or r or t with n and m "
    "(predictors), or pairs: both only1 only2 neither"
)
_CODES: dict[str, dict[str, str]] = {  # which code of effect_size gives a measure from figures of a kind, where it is not its own
    "means": {"SMD": "SMD", "OR": "D2OR"},
    "counts": {"SMD": "OR2D"},
}
_KIND = {
    _MEANS: "means",
    _COUNTS: "counts",
    ("events1", "time1", "events2", "time2"): "rates",
    _PAIRS: "matched pairs",
    tuple(f"{name}{k}" for k in (1, 2) for name in _CHANGE): "controlled changes",
    ("r", "n", "m"): "partial correlations",
    ("t", "n", "m"): "partial correlations by t",
    ("events", "time"): "single rates",
    ("events", "n"): "proportions",
    ("mean", "sd", "n"): "single means",
    ("r", "n"): "correlations",
    _CHANGE: "changes",
}


def read_trials(
    source: Any,
    *,
    measure: str | None = None,
    columns: Mapping[str, str] | None = None,
    sheet: str | int | None = None,
    encoding: str | None = None,
    decimal: str | None = None,
    delimiter: str | None = None,
    level: float = 0.95,
    reference: str | int | None = None,
    shared: str = "split",
) -> pd.DataFrame:
    """Read a table of trials and return one effect per row.

    Parameters
    ----------
    source : path, file object, DataFrame or mapping
        Delimited text (comma, semicolon, tab), an Excel workbook (needs the extra ``excel``), a frame of pandas, polars or
        pyarrow, or a dict of columns; one row a trial, or a trial and comparator, or an arm. Titles and empty lines may stand
        above the headings. Columns, in any order: ``study`` (required); ``year, comparator, treatment, condition, outcome,
        measure_used, week`` and any others, which are kept. Figures in any of these ways, which may differ by row (group 1 is the
        treatment):

        - ``mean1 sd1 n1 mean2 sd2 n2``; an SD may be given by ``se1``, by the limits of the mean ``low1 high1``, or by
          ``median1`` with ``q1_1 q3_1``, ``min1 max1`` or both;
        - ``events1 n1 events2 n2`` (or ``nonevents1``, ``nonevents2``), or ``events1 time1 events2 time2``;
        - ``yi``, on the scale of analysis (ratios as natural logarithms), or ``ratio`` on its natural scale (also named ``HR, OR,
          RR, IRR``), with ``vi``, ``se`` (of the logarithm), ``ci_low`` and ``ci_high`` (on the scale of the effect), ``p`` or ``t``;
        - one group: ``r n``; ``events n``; ``events time``; ``mean sd n``; ``mean_pre mean_post sd_pre sd_post r n``, of two groups
          with 1 and 2 behind each; a partial correlation as ``r`` or ``t`` with ``n`` and ``m`` (predictors of the regression);
        - matched pairs by who had the event: ``both only1 only2 neither``.

        A column ``measure`` names the scale of given effects. ``higher_is`` is ``worse`` or ``better``: what a larger value (or an
        event) means for the patient; effects are turned so that positive is better in group 1. A table without it gives group 1
        against group 2, not turned. Headings of R's meta and metafor, of RevMan and of Covidence are known, matched as a set.
    measure : str, optional
        Effect measure of the answer, one of ``effects.MEASURES``; ratios are natural logarithms. Default: the one that the table
        names, else ``SMD`` for means and for counts beside them (by the logistic conversion of the odds ratio), ``OR`` for counts
        alone, ``IRR`` for person-time, ``ZCOR`` for correlations, ``ZPCOR`` for partial ones, ``PLO`` for proportions, ``IRLN`` for
        rates of one group, ``MN`` for single means; an effect whose
        scale the table does not name is refused, as are changes and pairs.
    columns : mapping, optional
        Our name to the file's, for example ``{"mean1": "Exercise mean"}``.
    sheet : str or int, optional
        Worksheet, by name or by number from 0. Default: the first.
    encoding : str, optional
        How characters are written in text, for example ``"cp1252"``. Default: UTF-8, or UTF-16 where the file says so.
    decimal : {".", ","}, optional
        Decimal mark of text. Default: what the table's figures show; a number that can be read in two ways is refused.
    delimiter : str, optional
        What parts the cells of text. Default: what gives the most headings.
    level : float
        Confidence level of the table's limits.
    reference : str or int, optional
        Of trials with three arms or more, and of tables with one row an arm: the arm that every other one is compared with, by its
        label or, in wide tables, by its number.
    shared : {"split", "whole"}
        What becomes of an arm that several comparisons of one trial share: its participants are split over them (Cochrane
        Handbook 23.3.4), or counted in each (then the rows are not independent; :func:`acuevidence.vcalc` gives their covariance).

    Returns
    -------
    DataFrame
        The columns of :func:`acuevidence.trial_effects`, then the user's others, ready for :func:`acuevidence.meta_analysis`
        and ``plots.forest``. A frame keeps its index; a file's rows are numbered by their line (the header is line 1 where nothing
        stands above it). ``attrs["excluded"]`` lists rows without usable figures and rows of totals, with the reason;
        ``attrs["notes"]`` what is implausible and what was decided; ``attrs["columns"]`` our names and the file's;
        ``attrs["direction"]`` is ``"benefit"`` where positive means better for the patient, ``"spread"`` for ratios of spreads, else None.

    Raises
    ------
    InputError
        For a file that cannot be read or is larger than 64 MB (unpacked, for a workbook), a missing study, incomplete or impossible
        figures, numbers that can be read in two ways, an effect on an unnamed scale, or an unknown ``higher_is``; row and
        column are named as the user counts and names them.

    Examples
    --------
    >>> import acuevidence as ae
    >>> table = {"study": ["A", "B"], "mean1": [32, 30], "sd1": [20, 25], "n1": [40, 35], "mean2": [41, 36],
    ...          "sd2": [21, 24], "n2": [42, 33], "higher_is": "worse"}
    >>> ae.read_trials(table).yi.round(3).tolist()
    [0.434, 0.242]
    >>> ratios = {"study": ["A", "B"], "HR": [0.72, 0.81], "ci_low": [0.58, 0.66], "ci_high": [0.90, 0.99]}
    >>> ae.read_trials(ratios)[["study", "effect", "yi", "se"]].round(3)
      study effect     yi     se
    0     A     HR -0.329  0.112
    1     B     HR -0.211  0.103
    """
    if measure is not None:
        choice("measure", measure, MEASURES)
    if decimal is not None:
        choice("decimal", decimal, (".", ","))
    choice("shared", shared, ("split", "whole"))
    if not isinstance(level, (int, float)) or not 0 < level < 1:
        raise InputError(f"level must lie between 0 and 1 (0.95 for 95%), not {level!r}")
    table = own_table(source, columns=columns, sheet=sheet, encoding=encoding, decimal=decimal, delimiter=delimiter)
    with table.told():
        table = own_arms.spread_from_print(table, level)
        table = own_arms.contrasts(table, reference, shared, alone=_one_group_wanted(measure))
        _named_figures(table)
        _limits_from_text(table)
        way = _ways(table, measure)
        chosen = _chosen(table, way, measure)
        found = _effects(table, way, chosen, level)
    return _finished(table, found, way, chosen)


def template() -> str:
    """Return the text of a CSV table to start from: one made-up trial for each way of printing a result.

    Returns
    -------
    str
        CSV; :func:`read_trials` reads it as it is.

    Examples
    --------
    >>> import acuevidence as ae
    >>> ae.effects.template().splitlines()[0].split(",")[:4]
    ['study', 'year', 'condition', 'comparator']
    """
    from acuevidence.evidence import data_folder

    return (data_folder() / "template.csv").read_text(encoding="utf-8")


# --- which figures a row has --------------------------------------------------------------------------------------


def _one_group_wanted(measure: str | None) -> bool:
    if measure is None or "ratio" in MEASURES[measure].takes[0]:
        return False
    return not any(name.endswith("1") for name in MEASURES[measure].takes[0])


def _named_figures(table: OwnTable) -> None:
    """Refuse a table whose headings give no complete set of figures: one problem, not one a row."""
    there = {c for c in table.frame if c in COUNTED and table.frame[c].notna().any()} | set(table.understood.named)
    effect = {"yi", "ratio"} & there or {"ci_low", "ci_high"} <= there or "ci" in there
    precise = {"vi", "se", "ci", "p", "t"} & there or {"ci_low", "ci_high"} <= there
    if any(set(needs) <= there for needs in _WAYS.values()) or (effect and precise):
        return
    ways = [*_WAYS.values(), ("yi", "se"), ("ratio", "ci_low", "ci_high")]
    nearest = max(ways, key=lambda needs: (len(set(needs) & there) / len(needs), min(len(needs), 6)))
    missing = [c for c in nearest if c not in there]
    raise InputError(
        f"no complete set of figures: {', '.join(missing)} missing; {table.understood.shown()}; {table.understood.advice(missing)}. "
        f"A trial needs {_NEEDED}"
    )


def _limits_from_text(table: OwnTable) -> None:
    """Take both limits from cells such as "0.58 to 0.90"."""
    if "ci" not in table.frame:
        return
    effect = [c for c in ("yi", "ratio") if c in table.frame]
    if not effect or table.frame[effect].isna().all(axis=None):  # an interval of something else: the user's own column
        table.frame = table.frame.rename(columns={"ci": table.understood.named.pop("ci")})
        return
    number = r"[+\-\u2212]?\d+(?:[.,]\d+)?"
    pattern = re.compile(rf"[(\[]?\s*({number})\s*(?:to|;|,\s|–|—|-|\u2026|\.\.\.)\s*({number})\s*[)\]]?", re.IGNORECASE)
    for i, cell in enumerate(table.frame["ci"]):
        if cell is None or pd.isna(cell):
            continue
        both = pattern.fullmatch(str(cell).strip())
        if both is None:
            raise InputError(
                f"{table.called('ci')} must be an interval such as '0.58 to 0.90': row {table.place.row(i)} has {str(cell)!r}; or give "
                "ci_low and ci_high a column each"
            )
        low, high = (float(part.replace(",", ".").replace("\u2212", "-")) for part in both.groups())
        table.frame.loc[i, ["ci_low", "ci_high"]] = [low, high]


def _ways(table: OwnTable, measure: str | None) -> pd.Series:
    """Return for each row how its result is given, as the measure wants it where it can be.

    Rows that are half filled are refused, those that say why left out.
    """
    frame = table.frame
    has = frame.reindex(columns=list(COUNTED)).notna()
    way = pd.Series("none", index=frame.index, dtype=object)
    wanted = sorted(_WAYS, key=lambda kind: measure is None or _code(measure, kind) is None)
    for name in reversed(wanted):
        way[has[list(_WAYS[name])].all(axis=1)] = name
    limits = has["ci_low"] & has["ci_high"]
    precise = has[["vi", "se", "p", "t"]].any(axis=1) | limits
    given = pd.Series("", index=frame.index, dtype=object)
    given[(has["yi"] | limits) & precise] = "effects"
    given[has["ratio"] & precise] = "ratios"
    table.figures = way.where(way != "none", "")
    way = way.mask(given != "", given)
    started = has.drop(columns=[c for c in has if re.fullmatch(r"n\d?|label\d|time|m", c)]).any(axis=1)
    reasons = {}
    for row in frame.index[(way == "none") & started]:
        absent = _absent(table, row, has)
        unsaid = [name for name in absent if not _unreported(table, row, name)]
        if unsaid:
            there = ", ".join(c for c in COUNTED if has.at[row, c])
            hint = f"; {table.understood.advice(unsaid)}" if any(name not in table.understood.named for name in unsaid) else ""
            raise InputError(
                f"{table.row(row)} has only {there}; a trial needs {_NEEDED}; missing: {', '.join(unsaid)} (write NR where it is not "
                f"reported){hint}"
            )
        reasons[row] = f"{' and '.join(absent)} not reported"
    table.reasons |= reasons
    return way


def _unreported(table: OwnTable, row: Any, name: str) -> bool:
    """Whether the row says that a figure, or one that would do in its place, is not reported."""
    precision = ("vi", "se", "ci_low", "ci_high", "p", "t")
    instead = {"mean": ("mean", "median", "low"), "sd": ("sd", "se", "low", "high", "q1_", "q3_", "min", "max")}
    base, k = (name[:-1], name[-1]) if name[-1].isdigit() else (name, "")
    names = precision if name in precision else [f"{b}{k}" for b in instead.get(base, (base,))]
    return any(name in table.unreported and bool(table.unreported[name][row]) for name in names)


def _absent(table: OwnTable, row: Any, has: pd.DataFrame) -> list[str]:
    """Return what the row lacks for the way of printing that it comes nearest to."""
    ways = [*_WAYS.values(), ("yi", "se"), ("ratio", "ci_low", "ci_high")]
    best = max(ways, key=lambda needs: (sum(has.at[row, c] for c in needs) / len(needs), min(len(needs), 6)))
    return [c for c in best if not has.at[row, c]]


# --- the measure ---------------------------------------------------------------------------------------------------


def _scales(table: OwnTable, way: pd.Series) -> pd.Series:
    """Return the measure that the table names for each row: in a column, or by the heading of its effects."""
    said = table.frame["measure"] if "measure" in table.frame else pd.Series(None, index=table.frame.index, dtype=object)
    scale = said.map(lambda cell: "" if cell is None else scale_of(cell) or "")
    known = bool((scale != "").any())
    for row in table.frame.index[(scale == "") & said.notna() & (way.isin(("effects", "ratios")))] if known else ():
        choice(f"{table.row(row)}: {table.called('measure')}", said[row], list(MEASURES))
    if table.understood.scale:
        scale = scale.where((scale != "") | ~way.isin(("effects", "ratios")), table.understood.scale)
    return scale


def _chosen(table: OwnTable, way: pd.Series, measure: str | None) -> str:
    """Return the measure of the answer, and settle rows that give both an effect and figures of arms."""
    if (way == "none").all():
        raise InputError(f"no row gives figures; a trial needs {_NEEDED}; {table.understood.shown()}")
    scale = _scales(table, way)
    table.scale = scale
    nameless = way.isin(("effects", "ratios")) & (scale == "")
    if measure is None:  # figures of arms say their scale, an effect without a name does not
        arms = nameless & (table.figures != "")
        way[arms] = table.figures[arms]
        nameless &= ~arms
    both = (table.figures != "") & (way != "none") & way.isin(("effects", "ratios"))
    for name, rows in (
        ("the effect given is", both),
        ("the figures of the arms are", (table.figures != "") & ~both & _given(table)),
    ):
        if rows.any():
            table.notes.append(f"{name} used where a row has both: {table.rows(rows)}")
    if measure is not None:
        return measure
    if nameless.any():
        row = nameless.idxmax()
        raise InputError(
            f"{table.row(row)} gives an effect; on which scale? Say measure='SMD', 'MD', 'RD', or 'OR', 'RR', 'HR' where yi is the "
            "logarithm of a ratio (a ratio itself goes in a column 'ratio'), or add a column 'measure'"
        )
    named = sorted(set(scale[(way != "none") & (scale != "")]))
    kinds = set(way[way != "none"])
    if len(named) == 1 and (kinds <= {"effects", "ratios"} or _gives(named[0], kinds)):
        return named[0]
    if kinds == {"changes"}:
        raise InputError("means before and after: on which scale? Say measure='MC' (points), 'SMCC' or 'SMCR' (standardised)")
    if kinds == {"controlled changes"}:
        raise InputError("changes in two arms: on which scale? Say measure='MCD' (points), 'SMCCD' or 'SMCRD' (standardised)")
    if kinds == {"matched pairs"}:
        raise InputError("matched pairs: which measure? Say measure='MPOR' or 'MPORC' (odds ratio), 'MPRR' or 'MPRD'")
    defaults = {
        "means": "SMD",
        "counts": "OR",
        "rates": "IRR",
        "correlations": "ZCOR",
        "proportions": "PLO",
        "single rates": "IRLN",
        "single means": "MN",
        "partial correlations": "ZPCOR",
        "partial correlations by t": "ZPCOR",
    }
    wanted = {defaults.get(kind, "") for kind in kinds - {"effects", "ratios"}} | set(named)
    if wanted == {"SMD", "OR"}:
        return "SMD"
    if len(wanted) > 1:
        raise InputError(
            f"the table holds effects on {len(wanted)} scales ({', '.join(sorted(wanted))}); say measure=, or read one outcome at a time"
        )
    found = wanted.pop()
    if kinds != {"means"}:
        table.notes.append(f"{' and '.join(sorted(kinds))} are given as {found}; measure= chooses another")
    return found


def _given(table: OwnTable) -> pd.Series:
    has = table.frame.reindex(columns=["yi", "ratio", "vi", "se", "ci_low", "p", "t"]).notna()
    return has[["yi", "ratio"]].any(axis=1) & has[["vi", "se", "ci_low", "p", "t"]].any(axis=1)


def _gives(measure: str, kinds: set[str]) -> bool:
    return all(kind in ("effects", "ratios") or _code(measure, kind) for kind in kinds)


def _code(measure: str, kind: str) -> str | None:
    """Return the code of effect_size by which figures of a kind give a measure."""
    if any(_KIND.get(takes) == kind for takes in MEASURES[measure].takes):
        return measure
    return _CODES.get(kind, {}).get(SCALE.get(measure, measure))


# --- from figures to effects -------------------------------------------------------------------------------------


def _effects(table: OwnTable, way: pd.Series, measure: str, level: float) -> pd.DataFrame:
    found = pd.DataFrame({"yi": np.nan, "vi": np.nan, "derivation": ""}, index=table.frame.index)
    found["derivation"] = found["derivation"].astype(object)
    for name in dict.fromkeys(way):
        rows = table.frame[way == name]
        if name == "none":
            continue
        given = name in ("effects", "ratios")
        made = from_given(table, rows, name, measure, level) if given else _from_figures(table, rows, name, measure)
        found.loc[rows.index, ["yi", "vi"]] = np.column_stack(made[:2])
        found.loc[rows.index, "derivation"] = made[2]
    return _turned(table, found, way, measure)


def _from_figures(table: OwnTable, rows: pd.DataFrame, way: str, measure: str) -> tuple[Any, Any, Any]:
    code = _code(measure, way)
    if code is None:
        raise InputError(f"{table.row(rows.index[0])}: {way} give no {measure}; leave it out or change measure")
    needs = [c for takes in MEASURES[code].takes for c in takes if _KIND.get(takes) == way and c in rows]
    effects = effect_size(code, data=rows[needs].set_axis(table.place.labels[rows.index]))
    converted = " by the logistic conversion" if code in ("OR2D", "D2OR") else ""
    how = f"{SCALE.get(measure, measure)} from {_SAID[way]}{converted}" + table.how[rows.index]
    return effects["yi"].to_numpy(), effects["vi"].to_numpy(), how


def _turned(table: OwnTable, found: pd.DataFrame, way: pd.Series, measure: str) -> pd.DataFrame:
    """Turn effects of group 1 against group 2 so that positive is better for the patient, where the table says what is better."""
    frame = table.frame
    better = frame["higher_is"] if "higher_is" in frame else pd.Series(None, index=frame.index, dtype=object)
    two = way.isin((*_TWO_GROUPS, "effects"))
    if measure in ("VR", "CVR"):
        table.direction = "spread"
        return found
    if not (two & better.notna()).any():
        return found
    unsaid = two & better.isna()
    if (blind := unsaid & (way != "effects")).any():
        raise InputError(
            f"{table.row(blind.idxmax())}: higher_is is missing; say 'worse' (symptoms, deaths) or 'better' (function, recovery), or leave "
            "the whole column out"
        )
    if unsaid.any():
        table.notes.append(f"effects without higher_is are taken as positive where group 1 is better: {table.rows(unsaid)}")
    table.direction = "benefit"
    turn = two & (better == "worse")
    found.loc[turn, "yi"] = -found.loc[turn, "yi"]
    said = way.map(lambda name: f"; turned: a larger {'value' if name == 'effects' else 'printed value'} is worse")
    found.loc[turn, "derivation"] = found["derivation"][turn] + said[turn]
    if turn.any() and SCALE.get(measure, measure) in RATIOS:
        table.notes.append(
            f"ratios were turned where higher_is is worse, so that above 1 is better in group 1: {table.rows(turn)}; leave out "
            "higher_is for group 1 against group 2"
        )
    return found


# --- the answer ---------------------------------------------------------------------------------------------------


def _finished(table: OwnTable, found: pd.DataFrame, way: pd.Series, measure: str) -> pd.DataFrame:
    kept = way != "none"
    frame = table.frame.assign(yi=found["yi"], vi=found["vi"], derivation=found["derivation"])[kept]
    scale = SCALE.get(measure, measure)
    _implausible(table, frame, scale)
    se = np.sqrt(frame["vi"])
    half = float(ndtri(0.975)) * se
    frame = frame.assign(
        trial_id=frame["trial_id"].where(frame["trial_id"].notna(), frame["study"]),
        effect=scale,
        se=se,
        ci_low=frame["yi"] - half,
        ci_high=frame["yi"] + half,
        instrument=frame.get("measure_used"),
        comparator_role=frame.get("comparator"),
    )
    spare = [c for c in frame if c in COUNTED and c not in COLUMNS and frame[c].isna().all()]
    own = [c for c in frame.columns if c not in COLUMNS and c not in (*spare, "ci")]
    made = frame.reindex(columns=[*COLUMNS, *own])
    made = made.astype(dict.fromkeys(("week", "mean1", "sd1", "mean2", "sd2"), float))
    for column in ("year", "n1", "n2", "events1", "events2"):
        whole = made[column].astype(float)
        made[column] = whole.astype("Int64") if (whole.dropna() % 1 == 0).all() else whole
    made.index = table.place.labels[frame.index]
    made.attrs = {
        "excluded": table.excluded(way == "none"),
        "notes": tuple(table.notes),
        "columns": dict(table.understood.named),
        "direction": table.direction,
    }
    return made


def _implausible(table: OwnTable, frame: pd.DataFrame, scale: str) -> None:
    """Note what is possible and unlikely; it stays in."""
    if scale in ("SMD", "SMDH"):
        table.note_rows(frame.index[frame["yi"].abs() > 3], "a standardised difference above 3 (a standard error typed as an SD?)")
    for column in frame.columns.intersection(["n1", "n2", "n", "events1", "events2", "events"]):
        values = frame[column].to_numpy(dtype=float)
        part = np.isfinite(values) & (values % 1 != 0)
        if not table.split:
            table.note_rows(frame.index[part], f"{table.called(column)} is not a whole number of people")
    blank = frame["comparator"].isna()
    if not blank.all():
        table.note_rows(frame.index[blank], "no comparator is named")
    keys = [c for c in ("study", "year", "comparator", "treatment", "outcome", "week", "subgroup", "trial_id") if c in frame]
    twice = frame.duplicated(keys, keep=False) & ~frame.index.isin(list(table.split))
    if twice.any():
        table.notes.append(f"the same study stands more than once, with nothing that tells its rows apart: {table.rows(twice)}")
