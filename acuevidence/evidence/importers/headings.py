"""What the columns of a stranger's table are, matched as a set: a heading means one thing beside some headings and nothing beside others.

Knows the headings of R's meta and metafor, of RevMan and Covidence, of textbooks and of spreadsheets. Must not know what becomes of
the figures.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches

from acuevidence.errors import InputError
from acuevidence.inputs import choice

__all__ = ["FIGURES", "WORDS", "Understood", "folded", "is_known", "scale_of", "understand"]

WORDS = (
    "study",
    "trial_id",
    "year",
    "condition",
    "diagnosis",
    "comparison",
    "comparator",
    "treatment",
    "outcome",
    "subgroup",
    "measure",
    "measure_used",
    "week",
    "sessions",
    "treatment_weeks",
    "higher_is",
    "source_url",
    "figures_as_printed",
)
_ARM = (
    "mean",
    "sd",
    "n",
    "events",
    "nonevents",
    "se",
    "low",
    "high",
    "median",
    "q1_",
    "q3_",
    "min",
    "max",
    "time",
    "label",
)
_SINGLE = (
    "yi",
    "vi",
    "se",
    "ci_low",
    "ci_high",
    "ci",
    "p",
    "t",
    "ratio",
    "r",
    "n",
    "mean",
    "sd",
    "events",
    "nonevents",
    "mean_pre",
    "mean_post",
    "sd_pre",
    "sd_post",
    "time",
    "m",
    "both",
    "only1",
    "only2",
    "neither",
    *(f"{name}{k}" for name in ("mean_pre", "mean_post", "sd_pre", "sd_post", "r") for k in (1, 2)),
)
FIGURES = (*_SINGLE, *(f"{base}{k}" for k in range(1, 10) for base in _ARM))

# Headings that mean the same in any company, folded to letters and digits; the first one there is taken for a word.
_WORDS_OF = {
    "study": "study studlab slab studyid studyname studyorsubgroup author authors firstauthor trial trialname label reference",
    "trial_id": "trialid trial",
    "year": "year studyyear pubyear publicationyear yearofpublication",
    "comparator": "comparator controlgrouplabel control controlgroup",
    "treatment": "treatment intervention experimentalgrouplabel arm treat trt armname group armlabel",
    "comparison": "comparison complab",
    "outcome": "outcome outclab",
    "subgroup": "subgroup grplab",
    "measure": "measure sm effectmeasure effecttype effect scale",
    "measure_used": "measureused instrument",
    "higher_is": "higheris",
}
_FIGURES_OF = {
    "yi": "te es estimate effect effectsize pointestimate givmean",
    "vi": "variance",
    "se": "se sete sei givse stderr standarderror",
    "ci_low": "cilow cilower lowerci ll lcl cilb lower lowerlimit lower95ci lower95 ci95low cistart lowci lowercl 95cilow 95cilower lci",
    "ci_high": "cihigh ciupper upperci ul ucl ciub upper upperlimit upper95ci upper95 ci95high ciend highci uppercl 95cihigh 95ciupper "
    "uci",
    "ci": "ci 95ci ci95 confidenceinterval 95confidenceinterval interval",
    "p": "p pvalue pval",
    "t": "t tvalue tstat z zval zvalue",
    "r": "r cor correlation ri",
    "n": "n total ntotal samplesize ni",
    "mean": "mi",
    "sd": "sdi",
    "events": "xi event cases",
    "time": "time persontime personyears exposure",
    "m": "predictors npredictors covariates",
}
_RATIOS = {
    "HR": "hr hazardratio",
    "OR": "or oddsratio",
    "RR": "rr riskratio relativerisk",
    "IRR": "irr incidencerateratio rateratio",
}
_SCALES = {
    "SMD": "smd g hedgesg stdmeandifference standardisedmeandifference standardizedmeandifference",
    "MD": "md wmd meandifference",
    "RD": "rd riskdifference",
    "OR": "logor lnor logoddsratio",
    "RR": "logrr lnrr logriskratio",
    "HR": "loghr lnhr loghazardratio",
    "IRR": "logirr lnirr",
    "ROM": "logrom lnrom lrr",
    "ZCOR": "zcor fishersz fisherz",
}
_OF_FIGURE = {alias: ours for ours, names in _FIGURES_OF.items() for alias in names.split()}
_OF_RATIO = {alias: code for code, names in _RATIOS.items() for alias in names.split()}
_OF_SCALE = {alias: code for code, names in _SCALES.items() for alias in names.split()}
_SAID = {
    **_OF_RATIO,
    **_OF_SCALE,
    "petoor": "PETO",
    "petooddsratio": "PETO",
    "peto": "PETO",
    "rom": "ROM",
    "ratioofmeans": "ROM",
    "cor": "COR",
    "zcor": "ZCOR",
    "smdh": "SMDH",
    "as": "AS",
    "vr": "VR",
    "cvr": "CVR",
    "pcor": "PCOR",
    "zpcor": "ZPCOR",
    "partialcorrelation": "ZPCOR",
}

# Headings that mean something only together (metafor, textbooks): every one of a set must be there.
_TOGETHER: tuple[dict[str, str], ...] = (
    {"ne": "n1", "me": "mean1", "se": "sd1", "nc": "n2", "mc": "mean2", "sc": "sd2"},
    {"ee": "events1", "ne": "n1", "ec": "events2", "nc": "n2"},
    {"ai": "events1", "bi": "nonevents1", "ci": "events2", "di": "nonevents2"},
    {"ai": "events1", "n1i": "n1", "ci": "events2", "n2i": "n2"},
    {"m1i": "mean_post", "m2i": "mean_pre", "sd1i": "sd_post", "sd2i": "sd_pre", "ni": "n", "ri": "r"},
    {"ri": "r", "ni": "n", "mi": "m"},
    {"ti": "t", "ni": "n", "mi": "m"},
    {"xi": "events", "ti": "time"},
    {"m1i": "mean1", "sd1i": "sd1", "n1i": "n1", "m2i": "mean2", "sd2i": "sd2", "n2i": "n2"},
    {"both": "both", "only1": "only1", "only2": "only2", "neither": "neither"},
    {"r": "r", "n": "n", "m": "m"},
    {"t": "t", "n": "n", "m": "m"},
    {"x1i": "events1", "t1i": "time1", "x2i": "events2", "t2i": "time2"},
    {"experimentalcases": "events1", "experimentaln": "n1", "controlcases": "events2", "controln": "n2"},
)
_BASES = {
    "mean": "mean m average",
    "sd": "sd stdev std standarddeviation",
    "n": "n total size samplesize participants patients",
    "events": "event events cases responders",
    "se": "se sem standarderror",
    "median": "median med",
    "q1_": "q1 p25 lq",
    "q3_": "q3 p75 uq",
    "min": "min minimum",
    "max": "max maximum",
    "low": "low lower cilow cilower lowerci",
    "high": "high upper cihigh ciupper upperci",
    "time": "time persontime personyears",
    "label": "treatment arm treat trt label",
}
_OF_BASE = {word: base for base, names in _BASES.items() for word in names.split()}
_GROUPS = {
    "1": "e t exp experimental experiment int intervention treatment treated trt tx active",
    "2": "c ctl ctrl con control controls comparator placebo",
}
_OF_GROUP = {word: group for group, names in _GROUPS.items() for word in names.split()}
_TOKENS = re.compile(r"[qQ][13](?![0-9])|[pP](?:25|75)(?![0-9])|[A-Z]+(?![a-z])|[A-Z]?[^\W\d_A-Z]+|\d+")
_FILLER = {"group", "arm", "of", "the", "in", "at", "no"}


@dataclass
class Understood:
    """What the columns of a table are.

    Attributes
    ----------
    named : dict of str to str
        Our name to the file's.
    scale : str
        Measure that a heading names for its effects; empty where none does.
    unsure : bool
        The effect's heading does not say whether a ratio or its logarithm stands in it.
    left : list of str
        The file's other columns.
    """

    named: dict[str, str] = field(default_factory=dict)
    scale: str = ""
    unsure: bool = False
    left: list[str] = field(default_factory=list)

    def shown(self) -> str:
        """Return what was understood and what was not, for a message."""
        read = ", ".join(o if o == t else f"{o} = {t!r}" for o, t in self.named.items()) or "nothing"
        rest = ", ".join(map(repr, self.left[:12])) + (" and more" if len(self.left) > 12 else "")
        return f"understood: {read}" + (f"; not understood: {rest}" if self.left else "")

    def advice(self, missing: Iterable[str] = ()) -> str:
        """Return how to name the columns that were not understood, with as much of it filled in as the headings tell."""
        found: dict[str, str] = {}
        prefixes: dict[str, str] = {}
        for heading in self.left:
            base, rest = _base_and_rest(heading)
            if base and base != "label" and rest:
                group = _OF_GROUP.get(rest, "") or prefixes.get(rest, "")
                if not group:
                    group = "1" if "1" not in prefixes.values() else "2"
                prefixes[rest] = group
                found.setdefault(f"{base}{group}", heading)
        if not found:
            by_fold = {folded(c): c for c in self.left}
            near = {ours: get_close_matches(ours, list(by_fold), n=1, cutoff=0.5) for ours in missing}
            found = {ours: by_fold[close[0]] for ours, close in near.items() if close}
        if not found:
            return "name columns, ours first, as in columns={'mean1': 'Exercise mean'}"
        pairs = ", ".join(f"{ours!r}: {theirs!r}" for ours, theirs in found.items())
        return f"name columns, ours first: columns={{{pairs}}}"


def folded(heading: object) -> str:
    """Return a heading as small letters and digits alone."""
    return re.sub(r"[^a-z0-9]", "", str(heading).casefold())


def scale_of(said: object) -> str | None:
    """Return the measure that a cell names, for example ``Std. Mean Difference``; None where it names none."""
    return _SAID.get(folded(said))


def is_known(heading: object) -> bool:
    """Whether a cell could be the heading of a column; the line with most of them is the header."""
    name = folded(heading)
    alone = name in _OF_WORD or name in _OF_FIGURE or name in _OF_RATIO or name in _OF_SCALE or name in _OURS
    return alone or any(name in one for one in _TOGETHER) or bool(_base_and_rest(str(heading))[0])


def understand(columns: list[str], given: Mapping[str, str] | None, numeric: Callable[[str], bool]) -> Understood:
    """Match the columns of a table with our names.

    Parameters
    ----------
    columns : list of str
        Headings of the file.
    given : mapping, optional
        Our name to the file's, from the user; it wins.
    numeric : callable
        Whether a column of the file holds numbers (or nothing): text is never taken for figures, nor numbers for a comparator.

    Returns
    -------
    Understood
        Each heading has one meaning at most.

    Raises
    ------
    InputError
        For a name in ``given`` that is not known, and for two columns that would be the same figure.
    """
    found = Understood(named=_given(columns, given))
    claims: dict[str, list[str]] = {}
    for heading in columns:
        if heading not in found.named.values() and folded(heading) in _OURS:
            ours = _OURS[folded(heading)]
            if ours not in found.named and (ours in WORDS or numeric(heading) or str(heading).strip().casefold() == ours):
                claims.setdefault(ours, []).append(heading)
    by_fold = {folded(c): c for c in columns if c not in found.named.values()}
    for scheme in _TOGETHER:
        whole = set(scheme) <= set(by_fold) and not set(scheme.values()) & set(claims)
        if whole and all(numeric(by_fold[name]) for name in scheme):
            claims.update({ours: [by_fold[name]] for name, ours in scheme.items()})
    _groups(columns, claims, numeric)
    taken = {heading for headings in claims.values() for heading in headings} | set(found.named.values())
    _figures(columns, taken, claims, found, numeric)
    for ours, headings in claims.items():
        if ours in found.named:
            continue
        if len(headings) > 1 and ours not in WORDS:
            raise InputError(
                f"columns {headings[0]!r} and {headings[1]!r} both look like {ours!r}; say which with "
                f"columns={{{ours!r}: {headings[1]!r}}}"
            )
        found.named[ours] = headings[0]
    _words(columns, found, numeric)
    found.left = [c for c in columns if c not in found.named.values()]
    return found


def _given(columns: list[str], given: Mapping[str, str] | None) -> dict[str, str]:
    if given is not None and not isinstance(given, Mapping):
        raise InputError(f"columns must be a mapping, our name to the file's, not a {type(given).__name__}")
    named: dict[str, str] = {}
    for ours, theirs in (given or {}).items():
        if ours not in (*WORDS, *FIGURES) and ours in columns and theirs in (*WORDS, *FIGURES):
            raise InputError(f"columns names ours first and the file's second: columns={{{theirs!r}: {ours!r}}}")
        choice("columns", ours, (*WORDS, *FIGURES))
        named[ours] = choice(f"columns[{ours!r}] (a column of the table)", theirs, columns)
    if len(set(named.values())) < len(named):
        raise InputError(f"columns gives one column two names: {named}")
    return named


def _groups(columns: list[str], claims: dict[str, list[str]], numeric: Callable[[str], bool]) -> None:
    """Match headings of a figure and a group, as "Mean (control)", "sd.e" or "n2", where both groups have the figure."""
    mine: dict[str, dict[str, list[str]]] = {}
    taken = {heading for headings in claims.values() for heading in headings}
    for heading in columns:
        base, rest = _base_and_rest(heading)
        group = rest if rest.isdigit() and 0 < int(rest) < 10 else _OF_GROUP.get(rest, "")
        if base and group and heading not in taken and (base == "label") != numeric(heading):
            mine.setdefault(base, {}).setdefault(group, []).append(heading)
    for base, sides in mine.items():
        if {"1", "2"} <= set(sides) | {ours[-1] for ours in claims if ours[:-1] == base}:
            for group, headings in sides.items():
                claims.setdefault(f"{base}{group}", []).extend(headings)


def _base_and_rest(heading: str) -> tuple[str, str]:
    """Return the figure that a heading names and what is left of it, which may name a group."""
    tokens = [token.casefold() for token in _TOKENS.findall(heading)]
    tokens = [token for token in tokens if token not in _FILLER] if len(tokens) > 2 else tokens
    for size in (2, 1):
        for start in range(len(tokens) - size + 1):
            base = _OF_BASE.get("".join(tokens[start : start + size]))
            rest = tokens[:start] + tokens[start + size :]
            if base and (base != "label" or (len(rest) == 1 and rest[0].isdigit())):
                return base, " ".join(rest)
    whole = re.fullmatch(r"(event|events|mean|sd|n)([ect])", folded(heading))
    return (_OF_BASE[whole[1]], whole[2]) if whole else ("", "")


def _figures(
    columns: list[str], taken: set[str], claims: dict[str, list[str]], found: Understood, numeric: Callable[[str], bool]
) -> None:
    """Match the headings of effects, their precision, and single groups; a ratio or a scale that a heading names is kept."""
    free = [c for c in columns if c not in taken]
    for heading in free:
        ours = _OF_FIGURE.get(folded(heading))
        if ours == "ci" and not numeric(heading) and "ci" not in found.named:
            claims.setdefault("ci", []).append(heading)
        elif ours and ours != "ci" and numeric(heading) and ours not in found.named:
            if ours == "yi":
                found.unsure = folded(heading) not in ("te", "givmean")
            claims.setdefault(ours, []).append(heading)
    precision = {"se", "vi", "ci_low", "ci", "p", "t"} & (set(claims) | set(found.named))
    for ours, table in (("ratio", _OF_RATIO), ("yi", _OF_SCALE)):
        named = [c for c in free if folded(c) in table and numeric(c)] if precision else []
        if "ratio" in claims or "yi" in claims or {"ratio", "yi"} & set(found.named):
            break
        if len(named) > 1:
            raise InputError(
                f"columns {named[0]!r} and {named[1]!r} are both effects; say which with columns={{{ours!r}: {named[0]!r}}} and measure="
            )
        if named:
            claims[ours] = named
            found.scale = table[folded(named[0])]
            found.unsure = False
    if "ratio" in found.named:
        found.scale = _OF_RATIO.get(folded(found.named["ratio"]), "")


def _words(columns: list[str], found: Understood, numeric: Callable[[str], bool]) -> None:
    """Match the words of a table: its studies, years, comparators ..., the best of several headings first."""
    for ours, names in _WORDS_OF.items():
        if ours in found.named:
            continue
        free = {folded(c): c for c in reversed(columns) if c not in found.named.values()}
        there = [free[name] for name in names.split() if name in free]
        if ours in ("comparator", "treatment", "measure"):
            there = [heading for heading in there if not numeric(heading)]
        elif ours == "study":
            there.sort(key=numeric)  # a column of numbers names trials only where nothing else does
        if there:
            found.named[ours] = there[0]


def _fold_all(names: Iterable[str]) -> dict[str, str]:
    return {folded(name): name for name in names}


_OURS = _fold_all((*FIGURES, *WORDS))
for _ambiguous in ("se", "ci", "t", "p", "r", "n", "m", "time", "both", "neither", *_WORDS_OF):
    _OURS.pop(_ambiguous, None)  # read by their company, or as words
_OF_WORD = {alias for names in _WORDS_OF.values() for alias in names.split()}
