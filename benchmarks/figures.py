"""How long a forest plot of 120 rows takes, drawn and written: ``python benchmarks/figures.py``.

The lines are printed and stand in ``benchmarks/results/figures.log``.
"""

import io
import statistics
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

import acuevidence as ae

ROWS, RUNS = 120, 5
LOG = Path(__file__).parent / "results" / "figures.log"


def trials() -> pd.DataFrame:
    """Return made-up trials with every default column."""
    rng = np.random.default_rng(1)
    return pd.DataFrame(
        {
            "labels": [f"Trial {i}" for i in range(ROWS)],
            "yi": rng.normal(0.3, 0.3, ROWS),
            "vi": rng.uniform(0.01, 0.1, ROWS),
            "n1": rng.integers(20, 200, ROWS),
            "n2": rng.integers(20, 200, ROWS),
            "instrument": "VAS pain",
            "week": rng.integers(2, 14, ROWS),
        }
    )


def timed(result: ae.MetaAnalysis, kind: str) -> tuple[float, float]:
    """Return the seconds to draw a figure, and to draw and write it at 300 dpi."""
    start = time.perf_counter()
    figure: Any = ae.plots.forest(result).figure
    drawn = time.perf_counter()
    figure.savefig(io.BytesIO(), format=kind, dpi=300)
    return drawn - start, time.perf_counter() - start


def main() -> None:
    data, lines = trials(), []
    few = data[["labels", "yi", "vi"]]
    for columns, frame in (("study, effect, weight", few), ("with arms, instrument and week", data)):
        result = ae.meta_analysis("yi", "vi", data=frame, labels="labels")
        for kind in ("png", "svg"):
            timed(result, kind)
            drawn, written = zip(*(timed(result, kind) for _ in range(RUNS)), strict=True)
            lines.append(
                f"forest of {ROWS} rows, {columns}: drawn {statistics.median(drawn):.2f} s, "
                f"with {kind.upper()} {statistics.median(written):.2f} s (median of {RUNS})"
            )
    print("\n".join(lines))
    LOG.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
