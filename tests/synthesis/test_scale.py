"""Is work in chunks the work done at once, on one machine, on two processes, and when one of them is killed?"""

import hashlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import acuevidence as ae
from acuevidence.synthesis import kernel, scale


def draw(runs, rng):
    v = rng.uniform(0.02, 0.2, (runs, 8))
    return rng.normal(0.3, np.sqrt(v + 0.04)), v


def slow_draw(runs, rng):
    time.sleep(0.15)
    return draw(runs, rng)


def names_its_process(runs, *, rng):
    time.sleep(0.05)
    return np.full(runs, os.getpid())


def digest(fits):
    return hashlib.sha256(b"".join(np.ascontiguousarray(getattr(fits, f)).tobytes() for f in fits.__slots__)).hexdigest()


def two_workers():
    distributed = pytest.importorskip("distributed")
    with (
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None, silence_logs=50
        ) as local,
        distributed.Client(local) as client,
    ):
        client.wait_for_workers(2)
        yield client


cluster = pytest.fixture(two_workers, scope="module")
mortal = pytest.fixture(two_workers, scope="function")  # a cluster to kill a worker of: no test inherits it


def test_chunks_are_joined_in_their_order():
    y, v = draw(1_003, np.random.default_rng(1))
    whole = kernel.fit(y, v)
    parts = scale.fit_chunks(y, v, chunk=100)
    np.testing.assert_allclose(parts.beta, whole.beta, rtol=1e-13)
    np.testing.assert_array_equal(parts.k, whole.k)


def test_arrays_and_tuples_are_joined_too():
    assert scale.in_chunks(np.square, [np.arange(7.0)], chunk=3).tolist() == [i**2 for i in range(7)]
    one, two = scale.in_chunks(lambda a: (a, -a), [np.arange(7)], chunk=2)
    assert one.tolist() == [-i for i in two] == list(range(7))


def test_seed_gives_the_same_again_and_chunks_draw_apart():
    one, two = (scale.simulate(draw, 500, seed=4, chunk=100) for _ in range(2))
    assert digest(one) == digest(two)
    assert len(np.unique(one.beta)) == 500
    assert digest(scale.simulate(draw, 500, seed=5, chunk=100)) != digest(one)


def test_progress_sees_every_chunk():
    seen = []
    scale.in_chunks(np.square, [np.arange(10)], chunk=3, progress=lambda chunks: (seen.append(c) or c for c in chunks))
    assert seen == [0, 1, 2, 3]


def equal_draw(runs, rng):
    return rng.normal(0.3, np.sqrt(0.1 + 0.04), (runs, 8)), np.full((runs, 8), 0.1)


def test_hksj_covers_at_its_level_when_trials_are_equally_precise():
    fits = scale.simulate(equal_draw, 4_000, seed=7, test="HKSJ")  # then it is Student's interval for a mean, whatever tau2
    low, high = kernel.interval(fits.beta[:, 0], np.sqrt(fits.vcov[:, 0, 0]), fits.df, 0.95)
    assert ((low <= 0.3) & (high >= 0.3)).mean() == pytest.approx(0.95, abs=0.012)


def test_cluster_gives_the_bits_of_one_machine(cluster):
    here = scale.simulate(draw, 3_000, seed=3, chunk=250)
    seen = []
    there = scale.simulate(draw, 3_000, seed=3, chunk=250, client=cluster, progress=lambda c: (seen.append(i) or i for i in c))
    assert digest(there) == digest(here)
    assert len(seen) == 12


def test_two_processes_share_the_work(cluster):
    workers = scale.in_chunks(names_its_process, rows=24, seed=1, chunk=1, client=cluster)
    assert len(set(workers)) == 2
    assert os.getpid() not in set(workers)


def test_error_of_a_chunk_comes_back(cluster):
    def fails(rows):
        raise ae.InputError("row 3 is wrong")

    with pytest.raises(ae.InputError, match="row 3 is wrong"):
        scale.in_chunks(fails, rows=4, chunk=1, client=cluster)


def test_killed_worker_changes_nothing(mortal):
    expected = scale.simulate(draw, 2_000, seed=11, chunk=100)
    victims = iter([mortal.run(os.getpid).popitem()[1]])

    def kill_once(chunks):
        for i in chunks:
            if i == 3:
                os.kill(next(victims), signal.SIGKILL)
            yield i

    found = scale.simulate(slow_draw, 2_000, seed=11, chunk=100, client=mortal, progress=kill_once)
    assert next(victims, None) is None
    assert digest(found) == digest(expected)


def killing(cluster, at):
    """A progress that kills a worker at a chunk, once, and the victims that are left."""
    victims = [cluster.run(os.getpid).popitem()[1]]

    def chunks(given):
        for i in given:
            if i == at and victims:
                os.kill(victims.pop(), signal.SIGKILL)
            yield i

    return chunks, victims


def long_table():
    rng = np.random.default_rng(8)
    group = np.repeat(np.arange(300), rng.integers(1, 9, 300))
    return pd.DataFrame({"g": group, "yi": rng.normal(size=len(group)), "vi": rng.uniform(0.02, 0.3, len(group))})


QUESTION = (
    "neck_pain",
    "sham",
    {"timing": ["end_of_treatment"], "outcome": ["in order"], "figures": ["arms first"], "estimator": ["REML", "DL"]},
)
WORK = {
    "many meta-analyses": lambda **where: ae.fit_many(*draw(900, np.random.default_rng(2)), chunk=40, **where).to_frame(),
    "groups of a table": lambda **where: ae.fit_many("yi", "vi", by="g", data=long_table(), chunk=20, **where).to_frame(),
    "parametric bootstrap": lambda **where: POOL.bootstrap(n=2_000, seed=3, chunk=100, **where),
    "bootstrap of trials": lambda **where: POOL.bootstrap("study", n=2_000, seed=3, chunk=100, **where),
    "multiverse": lambda **where: ae.multiverse(*QUESTION, chunk=5, **where).specifications,
}
POOL = ae.meta_analysis(*(x[0] for x in draw(1, np.random.default_rng(6))))


@pytest.mark.parametrize("kind", WORK)
def test_work_sent_away_has_the_bits_of_this_machine(cluster, kind):
    seen = []
    there = WORK[kind](client=cluster, progress=lambda chunks: (seen.append(i) or i for i in chunks))
    pd.testing.assert_frame_equal(there, WORK[kind](), check_exact=True)
    assert len(seen) > 5


def test_multiverse_survives_a_killed_worker(cluster):  # the last to use it
    progress, victims = killing(cluster, at=1)
    there = WORK["multiverse"](client=cluster, progress=progress)
    assert not victims
    pd.testing.assert_frame_equal(there, WORK["multiverse"](), check_exact=True)


def test_bootstrap_without_a_seed_draws_anew_each_time():
    one, two = (POOL.bootstrap(n=50, chunk=20)["ci_high"] for _ in range(2))
    assert (one != two).all()


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: scale.in_chunks(np.square), "arrays must have one number of rows"),
        (lambda: scale.in_chunks(np.add, [np.ones(2), np.ones(3)]), "one number of rows"),
        (lambda: scale.in_chunks(np.square, [np.ones(0)]), "there must be rows"),
        (lambda: scale.in_chunks(np.square, [np.ones(2)], chunk=0), "chunks of 1 or more"),
        (lambda: scale.fit_chunks(np.ones((2, 3)), np.ones((2, 2))), "one shape"),
        (lambda: scale.fit_chunks(np.ones((2, 3)), np.array([[1.0, 1, 1], [1, 0, 1]])), "row 1 does not"),
        (lambda: scale.fit_chunks(np.full((2, 3), np.nan), np.ones((2, 3))), "row 0 does not"),
        (lambda: scale.fit_chunks(np.ones((2, 3)), np.ones((2, 3)), method="REMl"), "did you mean"),
        (lambda: scale.simulate(draw, 0, seed=1), "there must be rows"),
        (lambda: ae.fit_many(np.ones((2, 3)), np.ones((2, 3)), chunk=0), "chunk must be a whole number from 1"),
        (lambda: ae.fit_many(np.full((2, 3), np.nan), np.full((2, 3), np.nan)), "every yi is NaN"),
    ],
)
def test_input_that_cannot_be_cut_is_refused(call, said):
    with pytest.raises(ae.InputError, match=said):
        call()


THREADS = """
import hashlib, numpy as np, acuevidence as ae
from acuevidence.synthesis import kernel
rng = np.random.default_rng(5)
v = rng.uniform(0.01, 0.3, (400, 30)); y = rng.normal(0.2, np.sqrt(v + 0.05))
X = np.stack([np.ones(30), rng.normal(size=30), rng.normal(size=30)], axis=1)
parts = [kernel.fit(y, v, method=m) for m in kernel.METHODS] + [kernel.fit(y, v, X)]
print(hashlib.sha256(b"".join(p.beta.tobytes() + p.tau2.tobytes() + p.vcov.tobytes() for p in parts)).hexdigest())
"""


def test_one_thread_and_two_give_the_same_bits():
    found = []
    for threads in ("1", "2"):
        names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
        run = subprocess.run(
            [sys.executable, "-c", THREADS],
            env=os.environ | dict.fromkeys(names, threads),
            capture_output=True,
            text=True,
            check=True,
            cwd=Path(ae.__file__).parents[1],
        )
        found.append(run.stdout)
    assert found[0] == found[1]
    assert len(found[0].strip()) == 64
