"""Work on a two-worker cluster, one worker killed on the way: the log is benchmarks/results/scale.log.

Two multiverses of acupuncture against sham. The first has true decisions: timing, cautions, SD source, quality, up to four named
trials left out, the most influential trial left out, eleven estimators and four tests. The second takes every in-or-out decision on
20 trials, 2^20 - 1 specifications of which none is like another. Both are fitted in this process and on a local cluster of two
processes; the answers must be the same to the bit. Run: python benchmarks/scale.py
"""

import hashlib
import itertools
import logging
import os
import platform
import signal
import sys
import time
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
from distributed import Client, LocalCluster

import acuevidence as ae
from acuevidence.synthesis import kernel, scale

LOG = Path(__file__).parent / "results" / "scale.log"
CONDITION, MOST_LEFT_OUT, SETS = "neck_pain", 4, 256
DECISIONS, CHUNK = 20, 8_192
NARROW = {
    "outcome": ["in order"],
    "timing": ["end_of_treatment", "short"],
    "statistic": ["final first"],
    "figures": ["arms first"],
    "responders": ["in"],
    "comparator_type": ["any"],
    "size": ["any"],
    "left_out": ["none out", "most influential trial out"],
    "estimator": list(kernel.METHODS),
    "test": list(kernel.TESTS),
}
log = logging.getLogger("scale")


def subsets(ids, *, y, v):
    chosen = (ids[:, None] >> np.arange(DECISIONS)) & 1 == 1
    return kernel.fit(np.where(chosen, y, np.nan), np.broadcast_to(v, chosen.shape))


def exclusions():
    """Every set of up to four trials that has a figure against sham by any outcome and timing."""
    ids = set()
    for timing, outcome in itertools.product(("end_of_treatment", "short"), (None, "pain")):
        effects = ae.trial_effects(CONDITION, comparator="sham", timing=timing, outcome=outcome, cautions="include")
        ids |= set(effects["trial_id"])
    several = (itertools.combinations(sorted(ids), n) for n in range(1, MOST_LEFT_OUT + 1))
    return {" + ".join(trials): trials for trials in itertools.chain(*several)}


def decided(chunk, **where):
    found = ae.multiverse(CONDITION, "sham", NARROW, exclude=exclusions(), chunk=chunk, **where)
    return found.specifications, found


def fitted(chunk, **where):
    effects = ae.trial_effects(comparator="sham").head(DECISIONS)
    task = partial(subsets, y=effects["yi"].to_numpy(), v=effects["vi"].to_numpy())
    fits = scale.in_chunks(task, [np.arange(1, 2**DECISIONS)], chunk=chunk, **where)
    return pd.DataFrame({"beta": fits.beta[:, 0], "tau2": fits.tau2, "var": fits.vcov[:, 0, 0], "q": fits.q}), fits


def digest(frame):
    plain = frame.apply(lambda column: column.cat.codes if isinstance(column.dtype, pd.CategoricalDtype) else column)
    return hashlib.sha256(b"".join(np.ascontiguousarray(plain[c]).tobytes() for c in plain)).hexdigest()


def reported(chunks, kill_at=None, victims=None):
    start, chunks = time.perf_counter(), list(chunks)
    for i in chunks:
        if i == kill_at and victims:
            victim = victims.pop()
            log.info("chunk %d of %d: killing worker process %d", i, len(chunks), victim)
            os.kill(victim, signal.SIGKILL)
        if i % max(1, len(chunks) // 8) == 0:
            log.info("chunk %d of %d after %.1f s", i, len(chunks), time.perf_counter() - start)
        yield i


def compared(name, work, chunk, kill_at, client):
    start, cpu = time.perf_counter(), time.process_time()
    here, found = work(chunk)
    wall, cpu = time.perf_counter() - start, time.process_time() - cpu
    log.info("%s, one process: %d specifications, %.1f s (%.1f s CPU)", name, len(here), wall, cpu)
    expected = digest(here)
    for at in (None, kill_at):
        client.wait_for_workers(2)
        victims = [next(iter(client.run(os.getpid).values()))]
        start = time.perf_counter()
        there, _ = work(chunk, client=client, progress=partial(reported, kill_at=at, victims=victims))
        said = "one killed" if not victims else "none killed"
        same = digest(there) == expected
        log.info("%s, two workers, %s: %.1f s; same to the bit: %s", name, said, time.perf_counter() - start, same)
    return here, found


def main():
    LOG.parent.mkdir(exist_ok=True)
    handlers = [logging.StreamHandler(sys.stdout), logging.FileHandler(LOG, mode="w")]
    logging.basicConfig(level=logging.WARNING, format="%(relativeCreated)8.0f ms  %(name)s: %(message)s", handlers=handlers)
    log.setLevel(logging.INFO)
    versions = ae.__version__, np.__version__, platform.python_version(), os.cpu_count()
    log.info("acuevidence %s, numpy %s, Python %s, %d cores", *versions)
    with LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster, Client(cluster) as client:
        frame, found = compared("decisions", decided, SETS, 10, client)
        sizes = ", ".join(f"{name} {len(options)}" for name, options in found.decisions.items())
        log.info("options by decision: %s; fewer than two trials in %d more", sizes, found.not_pooled)
        log.info("%d different analyses, each fitted once", len(found.distinct))
        log.info("%s", found.summary().replace("\n", " "))
        frame, _ = compared("subsets", fitted, CHUNK, 40, client)
    cpu = time.process_time()
    fitted(CHUNK)
    log.info("%.1f us CPU a fit by REML", 1e6 * (time.process_time() - cpu) / len(frame))


if __name__ == "__main__":
    main()
