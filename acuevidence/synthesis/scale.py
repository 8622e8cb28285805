"""Work beyond one machine: the leading axis cut into chunks, each with its own seed, on this machine or on a Dask cluster.

The cut depends on the chunk size alone, never on who does the work, so that a cluster gives the bits one machine gives. Knows chunks,
seeds and clients; what is fitted in a chunk is the kernel's.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from typing import Any, TypeVar, cast

import numpy as np

from acuevidence.errors import InputError
from acuevidence.inputs import choice
from acuevidence.synthesis import kernel

__all__ = ["CHUNK", "fit_chunks", "in_chunks", "jobs", "joined", "run", "simulate"]

Array = np.ndarray
Result = TypeVar("Result")
Progress = Callable[[Iterable[Any]], Iterable[Any]]
CHUNK = 10_000  # rows of a chunk, unless asked for otherwise
_AHEAD = 4  # chunks sent to a cluster per thread of it, which bounds the memory


def in_chunks(
    task: Callable[..., Result],
    arrays: Sequence[Array] = (),
    *,
    rows: int | None = None,
    seed: int | None = None,
    chunk: int = CHUNK,
    client: Any = None,
    progress: Progress = iter,
) -> Result:
    """Apply a function to chunks of rows and join what it returns.

    Parameters
    ----------
    task : callable
        Called with a chunk of every array; with ``rows``, with the number of rows of the chunk first; with ``seed``, with
        ``rng=`` a generator of its own. Returns an array, a tuple of arrays, or a dataclass of arrays, rows first.
    arrays : sequence of ndarray, (B, ...)
        What is cut, all with the same number of rows.
    rows : int, optional
        Rows to make where nothing is cut, for example runs of a simulation.
    seed : int, optional
        Seed of the chunks' generators (``SeedSequence.spawn``).
    chunk : int
        Rows of a chunk. With a seed, part of what makes a result the same again.
    client : distributed.Client, optional
        Where the chunks are sent (extra ``scale``). Default: this process, one after the other.
    progress : callable
        Wraps the iteration over chunks, for example ``tqdm``.

    Returns
    -------
    array, tuple of arrays or dataclass of arrays
        As ``task`` returns, with all rows in their order; the same to the bit with and without a client.

    Raises
    ------
    InputError
        For arrays of different lengths, no rows, or a chunk below 1.

    Notes
    -----
    A chunk whose worker dies is sent to another; the cluster's setting ``distributed.scheduler.allowed-failures`` says how
    often (3 by default) before ``KilledWorker`` is raised.

    Examples
    --------
    >>> import numpy as np
    >>> from acuevidence.synthesis.scale import in_chunks
    >>> in_chunks(np.square, [np.arange(5.0)], chunk=2).tolist()
    [0.0, 1.0, 4.0, 9.0, 16.0]
    """
    lengths = {len(a) for a in arrays} | (set() if rows is None else {rows})
    if len(lengths) != 1:
        raise InputError(f"arrays must have one number of rows, and rows= where there is none, not {sorted(lengths)}")
    total = lengths.pop()
    if total < 1 or chunk < 1:
        raise InputError(f"there must be rows to work on, in chunks of 1 or more, not {total} and {chunk}")
    cut = jobs(task, arrays, rows=rows, seed=seed, chunk=chunk)
    return joined(run(cut, -(-total // chunk), client=client, progress=progress))


def jobs(
    task: Callable[..., Any],
    arrays: Sequence[Array] = (),
    *,
    rows: int | None = None,
    seed: int | None = None,
    chunk: int = CHUNK,
) -> Iterator[Callable[[], Any]]:
    """Yield one call a chunk, as :func:`in_chunks` makes them; there are ceil(rows / chunk).

    Parameters
    ----------
    task, arrays, rows, seed, chunk
        As in :func:`in_chunks`.

    Yields
    ------
    callable
        Takes nothing, returns what ``task`` returns for its chunk.
    """
    total = rows if rows is not None else len(arrays[0])
    starts = range(0, total, chunk)
    seeds = [None] * len(starts) if seed is None else np.random.SeedSequence(seed).spawn(len(starts))
    for start, own in zip(starts, seeds, strict=True):
        stop = min(start + chunk, total)
        given = ([] if rows is None else [stop - start]) + [a[start:stop] for a in arrays]
        yield partial(_run, task, given, own)


def run(calls: Iterator[Callable[[], Any]], count: int, *, client: Any = None, progress: Progress = iter) -> list[Any]:
    """Run calls here, or on a cluster, and return what they return in their order.

    Parameters
    ----------
    calls : iterator of callables
        What to run; taken a few at a time, so that they may be made as they are needed.
    count : int
        How many there are.
    client, progress
        As in :func:`in_chunks`.

    Returns
    -------
    list
        One entry a call.
    """
    if client is None:
        return [call() for _, call in zip(progress(range(count)), calls, strict=True)]
    return _sent(calls, count, client, progress)


def fit_chunks(
    y: Array,
    v: Array,
    *,
    method: str = "REML",
    test: str = "HKSJ-adhoc",
    chunk: int = CHUNK,
    client: Any = None,
    progress: Progress = iter,
) -> kernel.Fits:
    """Fit B random-effects models, on a cluster if there is one.

    Parameters
    ----------
    y, v : ndarray, (B, k)
        Effects and variances; NaN in ``y`` for absent trials. A row needs two trials, or one.
    method, test : str
        As in :func:`acuevidence.meta_analysis`.
    chunk, client, progress
        As in :func:`in_chunks`.

    Returns
    -------
    Fits
        As :func:`acuevidence.synthesis.kernel.fit` gives.

    Raises
    ------
    InputError
        For an unknown method or test, arrays of another shape, variances that are not positive, or a row without a trial.

    Examples
    --------
    >>> import numpy as np
    >>> from acuevidence.synthesis.scale import fit_chunks
    >>> fits = fit_chunks(np.array([[0.2, 0.5, 0.3], [0.1, 0.4, np.nan]]), np.full((2, 3), 0.02))
    >>> fits.beta[:, 0].round(3).tolist()
    [0.333, 0.25]
    """
    choice("method", method, kernel.METHODS)
    choice("test", test, kernel.TESTS)
    y, v = np.asarray(y, dtype=float), np.asarray(v, dtype=float)
    if y.ndim != 2 or y.shape != v.shape:
        raise InputError(f"y and v must have one shape (B, k), not {y.shape} and {v.shape}")
    present = ~np.isnan(y)
    bad = np.flatnonzero(~present.any(axis=1) | (present & ~((v > 0) & np.isfinite(v) & np.isfinite(y))).any(axis=1))
    if len(bad):
        raise InputError(f"every row needs a trial, with finite y and positive finite v: row {int(bad[0])} does not")
    task = partial(kernel.fit, method=method, test=test)
    fits: kernel.Fits = in_chunks(task, [y, v], chunk=chunk, client=client, progress=progress)
    return fits


def simulate(
    draw: Callable[[int, np.random.Generator], tuple[Array, Array]],
    runs: int,
    *,
    seed: int,
    method: str = "REML",
    test: str = "HKSJ-adhoc",
    chunk: int = CHUNK,
    client: Any = None,
    progress: Progress = iter,
) -> kernel.Fits:
    """Fit simulated meta-analyses, for coverage, power or bias.

    Parameters
    ----------
    draw : callable
        ``draw(runs, rng)`` returns effects and variances of shape (runs, k).
    runs : int
        Meta-analyses to simulate.
    seed : int
        Seed; with the same chunk the result is the same anywhere.
    method, test : str
        As in :func:`acuevidence.meta_analysis`.
    chunk, client, progress
        As in :func:`in_chunks`.

    Returns
    -------
    Fits
        One row a run.

    Raises
    ------
    InputError
        As :func:`in_chunks` and :func:`fit_chunks`.

    Examples
    --------
    >>> import numpy as np
    >>> from acuevidence.synthesis import scale
    >>> def draw(runs, rng):
    ...     v = rng.uniform(0.02, 0.2, (runs, 8))
    ...     return rng.normal(0.3, np.sqrt(v + 0.04)), v
    >>> fits = scale.simulate(draw, 2000, seed=1)
    >>> abs(fits.beta.mean() - 0.3) < 0.01
    np.True_
    """
    choice("method", method, kernel.METHODS)
    choice("test", test, kernel.TESTS)
    task = partial(_simulated, draw=draw, method=method, test=test)
    fits: kernel.Fits = in_chunks(task, rows=runs, seed=seed, chunk=chunk, client=client, progress=progress)
    return fits


def _simulated(runs: int, *, draw: Callable[..., Any], method: str, test: str, rng: np.random.Generator) -> kernel.Fits:
    return fit_chunks(*draw(runs, rng), method=method, test=test, chunk=runs)


def _run(task: Callable[..., Any], given: list[Any], own: np.random.SeedSequence | None) -> Any:
    return task(*given) if own is None else task(*given, rng=np.random.default_rng(own))


def _sent(calls: Iterator[Callable[[], Any]], count: int, client: Any, progress: Progress) -> list[Any]:
    """Keep a few chunks per thread under way, and gather results in their order."""
    from distributed import as_completed

    ahead = _AHEAD * max(1, sum(client.nthreads().values()))
    places: dict[Any, int] = {}
    waiting = as_completed()

    def send() -> None:
        job = next(calls, None)
        if job is not None:
            future = client.submit(job, pure=False)
            places[future] = len(places)
            waiting.add(future)

    for _ in range(ahead):
        send()
    found: list[Any] = [None] * count
    for _ in progress(range(count)):
        future = next(waiting)
        found[places[future]] = future.result()
        future.release()
        send()
    return found


def joined(parts: list[Result]) -> Result:
    """Return arrays, tuples of arrays, or dataclasses of arrays, joined along their rows."""
    first = parts[0]
    if len(parts) == 1:
        return first
    if dataclasses.is_dataclass(first) and not isinstance(first, type):
        names = [field.name for field in dataclasses.fields(first)]
        return cast(Result, type(first)(**{name: np.concatenate([getattr(part, name) for part in parts]) for name in names}))
    if isinstance(first, tuple):
        return cast(Result, tuple(np.concatenate(column) for column in zip(*cast(Any, parts), strict=True)))
    return cast(Result, np.concatenate(cast(Any, parts)))
