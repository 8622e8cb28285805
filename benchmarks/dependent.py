"""How long a network of 200 arms and a multilevel model of 2,000 effects take: ``python benchmarks/dependent.py``."""

import time

import numpy as np
import pandas as pd

import acuevidence as ae


def arms(count: int = 200, treatments: int = 8) -> pd.DataFrame:
    """Return two-arm trials of a connected network with ``count`` arms."""
    random = np.random.default_rng(1)
    trials = count // 2
    first = np.arange(trials) % treatments
    second = (first + 1 + random.integers(0, treatments - 1, trials)) % treatments
    se = random.uniform(0.1, 0.4, trials)
    yi = 0.1 * (first - second) + random.normal(0, np.hypot(se, 0.15))
    return pd.DataFrame({"study": range(trials), "treat1": first, "treat2": second, "yi": yi, "se": se})


def levels(count: int = 2000, trials: int = 400) -> pd.DataFrame:
    """Return ``count`` effects nested in trials."""
    random = np.random.default_rng(2)
    trial = np.arange(count) % trials
    vi = random.uniform(0.01, 0.1, count)
    yi = 0.4 + random.normal(0, 0.3, trials)[trial] + random.normal(0, np.sqrt(vi + 0.02))
    return pd.DataFrame({"trial": trial, "effect": range(count), "yi": yi, "vi": vi})


def timed(name: str, run) -> None:
    """Print how long a call takes."""
    start = time.perf_counter()
    run()
    print(f"{name}: {time.perf_counter() - start:.2f} s")


if __name__ == "__main__":
    network, nested = arms(), levels()
    for method in ("DL", "REML"):
        timed(f"network, 200 arms, {method}", lambda method=method: ae.network(data=network, method=method))
    timed("multilevel, 2,000 effects", lambda: ae.multilevel(data=nested, random="trial/effect"))
