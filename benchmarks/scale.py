"""A million specifications on a two-worker cluster, one worker killed on the way: the log is benchmarks/results/scale.log.

Every in-or-out decision on 20 trials against sham gives 2^20 - 1 specifications. They are fitted by REML with HKSJ intervals in
this process and on a local cluster of two processes; the answers must be the same to the bit. Run: python benchmarks/scale.py
"""

import hashlib
import logging
import os
import platform
import signal
import sys
import time
from functools import partial
from pathlib import Path

import numpy as np
from distributed import Client, LocalCluster

import acuevidence as ae
from acuevidence.synthesis import kernel, scale

LOG = Path(__file__).parent / "results" / "scale.log"
DECISIONS, CHUNK = 20, 8_192
log = logging.getLogger("scale")


def specifications(ids, *, y, v):
    chosen = (ids[:, None] >> np.arange(DECISIONS)) & 1 == 1
    return kernel.fit(np.where(chosen, y, np.nan), np.broadcast_to(v, chosen.shape))


def digest(fits):
    return hashlib.sha256(
        b"".join(np.ascontiguousarray(getattr(fits, f)).tobytes() for f in fits.__slots__)
    ).hexdigest()


def reported(chunks, kill_at=None, victim=None):
    start, chunks = time.perf_counter(), list(chunks)
    for i in chunks:
        if i == kill_at:
            log.info("chunk %d of %d: killing worker process %d", i, len(chunks), victim)
            os.kill(victim, signal.SIGKILL)
        if i % 16 == 0:
            log.info("chunk %d of %d after %.1f s", i, len(chunks), time.perf_counter() - start)
        yield i


def main():
    LOG.parent.mkdir(exist_ok=True)
    handlers = [logging.StreamHandler(sys.stdout), logging.FileHandler(LOG, mode="w")]
    logging.basicConfig(
        level=logging.WARNING, format="%(relativeCreated)8.0f ms  %(name)s: %(message)s", handlers=handlers
    )
    log.setLevel(logging.INFO)
    effects = ae.trial_effects(comparator="sham").head(DECISIONS)
    ids = np.arange(1, 2**DECISIONS)

    task = partial(specifications, y=effects["yi"].to_numpy(), v=effects["vi"].to_numpy())
    log.info(
        "acuevidence %s, numpy %s, Python %s, %d cores",
        ae.__version__,
        np.__version__,
        platform.python_version(),
        os.cpu_count(),
    )
    start, cpu = time.perf_counter(), time.process_time()
    here = scale.in_chunks(task, [ids], chunk=CHUNK)
    wall, cpu = time.perf_counter() - start, time.process_time() - cpu
    log.info(
        "one process: %d specifications, %.1f s (%.1f s CPU), %.1f us CPU a fit",
        len(ids),
        wall,
        cpu,
        1e6 * cpu / len(ids),
    )
    with LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster, Client(cluster) as client:
        for kill_at in (None, 40):
            client.wait_for_workers(2)
            victim = next(iter(client.run(os.getpid).values()))
            start = time.perf_counter()
            bar = partial(reported, kill_at=kill_at, victim=victim)
            there = scale.in_chunks(task, [ids], chunk=CHUNK, client=client, progress=bar)
            wall = time.perf_counter() - start
            said = "one killed" if kill_at else "none killed"
            log.info("two workers, %s: %.1f s; same to the bit: %s", said, wall, digest(there) == digest(here))
    log.info("median estimate %.4f, range %.4f to %.4f", *np.quantile(here.beta, [0.5, 0, 1]))


if __name__ == "__main__":
    main()
