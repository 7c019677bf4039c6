"""Run stages side by side in processes of one thread each, their progress passed on to one place."""

import multiprocessing
import os
import pickle
import queue
import time
from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager, suppress
from multiprocessing.managers import SyncManager
from typing import Any

import xarray as xr

from scalewright.papers.stages import Stage
from scalewright.sim.pool import follow_parent, processes

Progress = Callable[[int, int], None]
#: Names and trajectories, one after another.
Finished = Generator[tuple[str, xr.Dataset], None, None]
#: What the queue raises once its own process has died: progress is a nicety, results go another way.
UNHEARD = (OSError, EOFError)
#: Seconds between two looks at the workers, and between two reports of one.
INTERVAL = 0.5
#: What keeps the libraries of a process to one thread, read when they are imported.
ONE_THREAD = {
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "XLA_FLAGS": "--xla_cpu_multi_thread_eigen=false",
}


def in_processes(
    stages: Sequence[Stage], workers: int, progress: Callable[[str], Progress] | None = None
) -> Finished:
    """Yield the name and trajectory of every stage as it ends; `workers` of them are in work at a time.

    Raises:
        ChildProcessError: a worker was killed. What a stage raises comes out as it is, and ends the others.
    """
    if not stages:
        return
    waiting, running = deque(stages), dict[Future[Any], str]()
    bars: dict[str, Progress] = {}
    with _one_thread(), processes(workers) as pool, _reports() as reports:
        while waiting or running:
            while waiting and len(running) < workers:
                stage = waiting.popleft()
                running[pool.submit(_run, stage, reports)] = stage.name
                if progress:
                    bars[stage.name] = progress(stage.name)
            ended, _ = wait(running, timeout=INTERVAL, return_when=FIRST_COMPLETED)
            for name, done, total in _all(reports):
                if name in bars:
                    bars[name](done, total)
            for future in sorted(ended, key=_failed):  # what others have finished is not lost to a failure
                name = running.pop(future)
                yield name, _result(future, name)
                if name in bars:
                    bars.pop(name)(1, 1)


def _run(stage: Stage, reports: Any) -> xr.Dataset:
    """Run a stage in a worker; its progress goes to the queue, not more often than it is read."""
    last = 0.0

    def report(done: int, total: int) -> None:
        nonlocal last
        if time.monotonic() - last > INTERVAL:
            with suppress(*UNHEARD):
                reports.put((stage.name, done, total))
            last = time.monotonic()

    try:
        return stage.run(progress=report)
    except Exception as error:
        raise _portable(error) from None


def _portable(error: Exception) -> Exception:
    """Return an error that another process can read: itself, or its words."""
    try:
        if type(pickle.loads(pickle.dumps(error))) is type(error):
            return error
    except Exception:  # whatever its own constructor raises
        pass
    return ValueError(f"{type(error).__name__}: {error}")


def _failed(future: "Future[Any]") -> bool:
    return future.exception() is not None


def _result(future: "Future[Any]", name: str) -> xr.Dataset:
    try:
        found: xr.Dataset = future.result()
    except BrokenProcessPool as error:
        raise ChildProcessError(
            f"a worker was killed while {name} and others ran, perhaps because memory ran out: fewer workers "
            "need less"
        ) from error
    return found


@contextmanager
def _reports() -> Iterator[Any]:
    """Yield a queue that workers can be given."""
    manager = SyncManager(ctx=multiprocessing.get_context("spawn"))
    manager.start(follow_parent)
    try:
        yield manager.Queue()
    finally:
        manager.shutdown()


def _all(reports: Any) -> Iterator[tuple[str, int, int]]:
    while True:
        try:
            yield reports.get_nowait()
        except (queue.Empty, *UNHEARD):
            return


@contextmanager
def _one_thread() -> Iterator[None]:
    """Let the processes that are started meanwhile use one thread each."""
    before = {name: os.environ.get(name) for name in ONE_THREAD}
    flags = " ".join(filter(None, (before["XLA_FLAGS"], ONE_THREAD["XLA_FLAGS"])))
    os.environ.update(ONE_THREAD | {"XLA_FLAGS": flags})
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
