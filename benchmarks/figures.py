"""How long a forest plot of 120 rows takes: ``python benchmarks/figures.py``."""

import io
import time

import numpy as np

import acuevidence as ae


def main() -> None:
    rng = np.random.default_rng(1)
    ae.plots.forest(ae.meta_analysis([0.1, 0.2], [0.01, 0.02])).figure.savefig(io.BytesIO(), format="png")
    result = ae.meta_analysis(
        rng.normal(0.3, 0.3, 120), rng.uniform(0.01, 0.1, 120), labels=[f"Trial {i}" for i in range(120)]
    )
    start = time.perf_counter()
    axes = ae.plots.forest(result)
    drawn = time.perf_counter()
    axes.figure.savefig(io.BytesIO(), format="png")
    print(f"forest of 120 rows: drawn in {drawn - start:.2f} s, with PNG {time.perf_counter() - start:.2f} s")


if __name__ == "__main__":
    main()
