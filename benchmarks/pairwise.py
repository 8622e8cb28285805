"""Measure pairwise synthesis beside its peers in one run, and write the table and the plot of docs/performance.md.

    make benchmark                       # sets up .venv-benchmark with the peers and runs this
    python benchmarks/pairwise.py --out docs

Every time is CPU time of the best of several repetitions. A peer that is not installed is left out of the table; R is used when
``Rscript`` with metafor is on the path.
"""

import argparse
import importlib.metadata
import json
import platform
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd

import acuevidence as ae
from acuevidence.synthesis import kernel

B, K = 10_000, 20
GRID_B = (10, 100, 1_000, 10_000, 100_000)
GRID_K = (5, 10, 50, 200, 1_000, 4_000)


def data(rows, k, seed=1):
    """Return effects and variances (rows, k) of ordinary trials."""
    rng = np.random.default_rng(seed)
    v = rng.uniform(0.02, 0.2, (rows, k))
    return 0.3 + rng.normal(0, 0.2, (rows, k)) + rng.normal(0, np.sqrt(v)), v


def cpu(work, repeat=3):
    """Return the least CPU seconds over several repetitions."""
    times = []
    for _ in range(repeat):
        start = time.process_time()
        work()
        times.append(time.process_time() - start)
    return min(times)


def peers(y, v):
    """Return, for each peer installed, CPU seconds for one REML + HKSJ fit and for all rows as its users would do it."""
    found = {}
    one_y, one_v = y[0], v[0]
    some = 200
    if _has("pymare"):
        from pymare import Dataset
        from pymare.estimators import VarianceBasedLikelihoodEstimator as Likelihood

        def pymare(a, b):
            return Likelihood(method="REML").fit_dataset(Dataset(y=a, v=b)).summary().get_fe_stats()

        loop = cpu(lambda: [pymare(y[i][:, None], v[i][:, None]) for i in range(some)], 1) * len(y) / some
        found["PyMARE loop"] = (cpu(lambda: pymare(one_y[:, None], one_v[:, None])), loop)
        found["PyMARE batch"] = (None, cpu(lambda: pymare(y.T, v.T)))
    if _has("pimeta"):
        from pimeta import rma

        loop = cpu(lambda: [rma(y[i], vi=v[i], method="REML", test="knha") for i in range(some)], 1) * len(y) / some
        found["pimeta loop"] = (cpu(lambda: rma(one_y, vi=one_v, method="REML", test="knha")), loop)
    if _has("pymetaanalysis"):
        from meta_analyze import meta_analysis

        def peer(a, b):
            return meta_analysis(effect=a, variance=b, model="random", tau2_method="REML", ci_method="hartung-knapp")

        try:
            peer(one_y, one_v)
        except (TypeError, ValueError):

            def peer(a, b):
                return meta_analysis(a, variances=b)

        try:
            loop = cpu(lambda: [peer(y[i], v[i]) for i in range(some)], 1) * len(y) / some
            found["PyMetaAnalysis loop"] = (cpu(lambda: peer(one_y, one_v)), loop)
        except (TypeError, ValueError) as error:
            print(f"PyMetaAnalysis left out: {error}", file=sys.stderr)
    if _has("statsmodels"):
        from statsmodels.stats.meta_analysis import combine_effects

        def paule_mandel(a, b):
            return combine_effects(a, b, method_re="iterated", use_t=True)

        loop = cpu(lambda: [paule_mandel(y[i], v[i]) for i in range(some)], 1) * len(y) / some
        found["statsmodels loop (Paule-Mandel, it has no REML)"] = (cpu(lambda: paule_mandel(one_y, one_v)), loop)
    if _has("numba"):
        found["numba loop of the same arithmetic"] = (None, numba_loop(y, v))
    if shutil.which("Rscript"):
        found["metafor loop"] = metafor(y, v)
    return found


def numba_loop(y, v):
    """Return CPU seconds of a compiled loop: scan, safeguarded Newton, HKSJ, Q, I2 for every row."""
    from numba import njit

    @njit(cache=False)
    def score(yi, vi, tau2):
        w1 = w2 = wy = 0.0
        for i in range(len(yi)):
            w = 1 / (vi[i] + tau2)
            w1 += w
            w2 += w * w
            wy += w * yi[i]
        mean = wy / w1
        q = ypp = 0.0
        for i in range(len(yi)):
            w = 1 / (vi[i] + tau2)
            r = yi[i] - mean
            q += w * r * r
            ypp += w * w * r * r
        return ypp - (w1 - w2 / w1), mean, w1, q

    @njit(cache=False)
    def fit(y, v, out):
        for b in range(y.shape[0]):
            yi, vi = y[b], v[b]
            spread = yi.var() * 4 + vi.min() * 1e-3
            grid = vi.min() * 1e-3
            ratio = (spread / grid) ** (1 / 12)
            low, high = 0.0, 0.0
            before = score(yi, vi, 0.0)[0]
            left = 0.0
            for s in range(13):
                right = grid * ratio**s
                after = score(yi, vi, right)[0]
                if before > 0 and after <= 0 and high == 0.0:
                    low, high = left, right
                before, left = after, right
            tau2 = 0.0
            if high > 0:
                for _ in range(60):
                    tau2 = 0.5 * (low + high)
                    if score(yi, vi, tau2)[0] > 0:
                        low = tau2
                    else:
                        high = tau2
                    if high - low <= 1e-12 * high:
                        break
            _, mean, w1, q = score(yi, vi, tau2)
            q0 = score(yi, vi, 0.0)[3]
            k = len(yi)
            out[b, 0], out[b, 1], out[b, 2] = mean, np.sqrt(q / (k - 1) / w1), tau2
            out[b, 3], out[b, 4] = q0, max(0.0, 100 * (q0 - k + 1) / q0)

    out = np.empty((len(y), 5))
    fit(y[:2], v[:2], out)
    seconds = cpu(lambda: fit(y, v, out))
    ours = kernel.fit(y, v)
    assert np.allclose(out[:, 2], ours.tau2, rtol=1e-6, atol=1e-9)
    return seconds


def metafor(y, v):
    """Return CPU seconds of one rma() call and of a loop over all rows, from 300 of them."""
    some = 300
    with tempfile.TemporaryDirectory() as folder:
        np.savetxt(f"{folder}/y.csv", y[:some], delimiter=",")
        np.savetxt(f"{folder}/v.csv", v[:some], delimiter=",")
        script = f"""suppressMessages(library(metafor))
            y <- as.matrix(read.csv('{folder}/y.csv', header=FALSE)); v <- as.matrix(read.csv('{folder}/v.csv', header=FALSE))
            how <- list(maxiter=1000, stepadj=.5)
            run <- function() for (i in seq_len(nrow(y))) rma(y[i,], v[i,], method='REML', test='knha', control=how)
            run(); t <- system.time(run()); cat(t[['user.self']] + t[['sys.self']])"""
        done = subprocess.run(["Rscript", "-e", script], capture_output=True, text=True, check=True)
    one = float(done.stdout) / some
    return one, one * len(y)


def slopes():
    """Return CPU seconds against the number of data sets (k = 20) and of trials (1,000 data sets)."""
    by_b = {b: cpu(lambda b=b: kernel.fit(*data(b, K)), 3) - cpu(lambda b=b: data(b, K), 3) for b in GRID_B}
    by_k = {}
    for k in GRID_K:
        y, v = data(1_000, k)
        by_k[k] = cpu(lambda y=y, v=v: kernel.fit(y, v), 3)
    return by_b, by_k


def repeated():
    """Return CPU seconds (wall for gosh) of everything that refits."""
    y, v = data(1, 1_000)
    long = ae.meta_analysis(y[0], v[0])
    fifty, twenty = ae.meta_analysis(y[0, :50], v[0, :50]), ae.meta_analysis(y[0, :K], v[0, :K])
    start = time.perf_counter()
    twenty.gosh()
    gosh = time.perf_counter() - start
    return {
        "one fit with its result object, k = 20": cpu(lambda: [ae.meta_analysis(y[0, :K], v[0, :K]) for _ in range(50)], 20) / 50,
        "10,000 fits, all outputs (fit_many)": cpu(lambda: ae.fit_many(*data(B, K))),
        "leave-one-out, k = 1,000": cpu(long.leave_one_out),
        "permutation test, 10,000 draws, k = 50": cpu(lambda: fifty.permutation_test(exact=False, n=10_000, seed=1)),
        "gosh, all 1,048,575 subsets, REML, k = 20 (wall)": gosh,
    }


def importing():
    """Return CPU seconds of `import acuevidence` above `import pandas`."""
    code = "import time, pandas; a = time.process_time(); import acuevidence; print(time.process_time() - a)"
    return min(
        float(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout) for _ in range(3)
    )


def plot(by_b, by_k, path):
    """Draw both slopes on log axes."""
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(1, 2, figsize=(7.2, 2.8), layout="constrained")
    for ax, times, what in ((axes[0], by_b, "data sets (k = 20)"), (axes[1], by_k, "trials (1,000 data sets)")):
        x, t = np.array(list(times)), np.array(list(times.values()))
        slope = np.polyfit(np.log(x[-3:]), np.log(t[-3:]), 1)[0]
        ax.loglog(x, t, "o-", color="#0072B2")
        ax.loglog(x, t[-1] * x / x[-1], "--", color="#8A8A8A", lw=0.8)
        ax.set(xlabel=what, ylabel="CPU seconds", title=f"slope {slope:.2f} (dashed: linear)")
    figure.savefig(path, dpi=200)


def table(found, ours, one):
    """Return the Markdown table of the peers."""
    rows = ["| | one fit, ms | 10,000 fits, s | acuevidence faster by |", "|---|---|---|---|"]
    rows.append(f"| **acuevidence** | {1e3 * one:.2f} | {ours:.3f} | |")
    for name, (single, many) in sorted(found.items(), key=lambda item: item[1][1]):
        rows.append(f"| {name} | {'' if single is None else f'{1e3 * single:.2f}'} | {many:.3f} | {many / ours:.3g} times |")
    return "\n".join(rows)


def main():
    """Run every measurement and write it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("docs"))
    out = parser.parse_args().out
    y, v = data(B, K)
    ours = cpu(lambda: kernel.fit(y, v), 5)
    converged = bool(kernel.fit(y, v).converged.all())
    times = repeated()
    found = peers(y, v)
    by_b, by_k = slopes()
    (out / "images").mkdir(parents=True, exist_ok=True)
    plot(by_b, by_k, out / "images" / "performance.png")
    versions = {
        n: importlib.metadata.version(n)
        for n in ("numpy", "pandas", "scipy", "pymare", "pimeta", "pymetaanalysis", "statsmodels", "numba")
        if _has(n)
    }
    measured = {
        "python": platform.python_version(),
        "machine": platform.machine(),
        "versions": versions,
        "converged": converged,
        "kernel_10000": ours,
        "repeated": times,
        "peers": found,
        "import": importing(),
        "by_b": by_b,
        "by_k": by_k,
        "max_rss_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }
    print(json.dumps(measured, indent=1))
    print(table(found, ours, times["one fit with its result object, k = 20"]))
    print(pd.Series(times).to_markdown() if _has("tabulate") else pd.Series(times).to_string())


def _has(name):
    try:
        importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return False
    return True


if __name__ == "__main__":
    main()
