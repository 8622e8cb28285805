"""Write every number that the package says on its own tables, or compare two such records: python tests/golden/record.py FILE [FILE].

One FILE is written, from the package that is imported; of two, the second is compared with the first, and what came, went or moved is
listed. A change of the code that should change no number is held against the record from before it.
"""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

import acuevidence as ae

_DIGITS = 9  # significant: what another order of sums does not reach
_WINDOWS = ("end_of_treatment", "short", "medium", "long")
_MEASURES = ("SMD", "MD", "RR", "RD", "OR", "VR", "CVR")
_OWN_ROWS = {
    "data",
    "effects",
    "values",
    "trials",
    "model",
    "models",
    "evidence",
    "topic",
    "results",
    "covariance",
}  # said elsewhere


def flat(answer: Any, place: str) -> Iterator[tuple[str, Any]]:
    """Yield the numbers and words of an answer by their place in it."""
    if isinstance(answer, pd.DataFrame):
        for column in answer:
            yield from flat(answer[column].tolist(), f"{place}.{column}")
    elif isinstance(answer, pd.Series):
        yield from flat(answer.tolist(), place)
    elif isinstance(answer, Mapping):
        for key in answer:
            yield from flat(answer[key], f"{place}[{key}]")
    elif is_dataclass(answer):
        for field in fields(answer):
            if field.name not in _OWN_ROWS and not field.name.startswith("_"):
                yield from flat(getattr(answer, field.name), f"{place}.{field.name}")
    elif isinstance(answer, np.ndarray | list | tuple):
        for i, one in enumerate(answer):
            yield from flat(one, f"{place}.{i}")
    elif isinstance(answer, bool | np.bool_ | str) or answer is None or answer is pd.NA:
        yield place, None if answer is pd.NA else answer if isinstance(answer, str) or answer is None else bool(answer)
    elif np.isreal(answer) and np.isscalar(answer):
        yield place, float(f"{float(answer):.{_DIGITS}g}") if math.isfinite(answer) else str(float(answer))


def _questions() -> Iterator[tuple[str, Callable[[], Any]]]:
    """Yield what is asked of the evidence, by name."""
    ask, evidence = ae.questions, ae.load_evidence()
    for condition in ae.conditions(evidence):
        for measure in _MEASURES:
            yield f"effects {condition} {measure}", lambda c=condition, m=measure: ae.trial_effects(c, measure=m)
        for timing in _WINDOWS:
            yield f"pooled {condition} {timing}", lambda c=condition, t=timing: _described(ae.pooled(c, timing=t))
        yield f"sensitivity {condition}", lambda c=condition: ask.sensitivity(c)
        yield f"published {condition}", lambda c=condition: ask.published(c)
        yield f"comparators {condition}", lambda c=condition: ask.comparators(c).to_frame()
        yield f"typical SD {condition}", lambda c=condition: ask.typical_sd(c)
        yield f"network {condition}", lambda c=condition: _network(ask.treatment_network(c))
        yield f"flow {condition}", lambda c=condition: ask.flow(c)
        yield f"time course {condition}", lambda c=condition: ask.time_course(c)
    for name in (
        "decompose",
        "variability",
        "time_course",
        "two_outcomes",
        "responders",
        "safety",
        "overview",
        "consensus",
        "evidence_map",
    ):
        yield name, getattr(ask, name)
    for name in evidence.ipd:
        yield f"patients {name}", lambda one=name: ask.patients(one)
    yield "claims", ae.evaluate_claims


def _described(groups: Mapping[str, Any]) -> dict[str, Any]:
    """Return pooled effects with what can be made of each."""
    made: dict[str, Any] = {"between": getattr(groups, "between", None)}
    for name, one in groups.items():
        made[name] = {"result": one, "headline": one.headline(), "certainty": ae.certainty(one), "tau2": _said(one.tau2_interval)}
        more = ("influence", "trim_and_fill", "small_study_test", "pet_peese", "fail_safe_n", "missing_evidence", "sequential")
        made[name] |= {what: _said(getattr(one, what)) for what in more} if one.k > 2 else {}
    return made


def _network(found: Any) -> dict[str, Any]:
    return {"estimates": found.estimates, "se": found.se, "tau2": found.tau2, "q": found.q_total, "scores": found.p_scores}


def _said(ask: Callable[[], Any]) -> Any:
    """Return an answer, or the words of its refusal."""
    try:
        return ask()
    except ae.AcuevidenceError as error:
        return str(error)


def record() -> dict[str, Any]:
    """Return every number by its place."""
    found: dict[str, Any] = {}
    for name, ask in _questions():
        found.update(flat(_said(ask), name))
        print(f"\r{len(found):8,} numbers and words  {name:60s}", end="", file=sys.stderr)
    print(file=sys.stderr)
    return found


def compare(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    """Return what came, went or moved, a line each."""
    lines = [f"- {place}: {old[place]}" for place in old if place not in new]
    lines += [f"+ {place}: {new[place]}" for place in new if place not in old]
    lines += [f"  {place}: {old[place]} -> {new[place]}" for place in old if place in new and not _same(old[place], new[place])]
    return lines


def _same(old: Any, new: Any) -> bool:
    if isinstance(old, float) and isinstance(new, float):
        return math.isclose(old, new, rel_tol=2 * 10.0 ** (1 - _DIGITS), abs_tol=1e-12)
    return bool(old == new)


def main() -> int:
    """Write one record, or compare two."""
    files = [Path(name) for name in sys.argv[1:]]
    if len(files) == 1:
        files[0].write_text(json.dumps(record(), indent=0, ensure_ascii=False) + "\n", encoding="utf-8")
        return 0
    if len(files) != 2:
        raise SystemExit(__doc__)
    old, new = (json.loads(file.read_text(encoding="utf-8")) for file in files)
    lines = compare(old, new)
    print("\n".join(lines[:200]))
    print(f"{len(lines):,} of {len({*old, *new}):,} numbers and words differ")
    return int(bool(lines))


if __name__ == "__main__":
    sys.exit(main())
