"""A pool of fresh processes that outlives the death of one of them, and does not outlive its owner."""

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from typing import Any


class Processes:
    """A pool of fresh processes, made anew where one of them was killed."""

    def __init__(self, workers: int) -> None:
        self.workers = workers
        self._make()

    @property
    def capacity(self) -> int:
        """How many blocks may be in work: no more than are, so that a killed worker takes few with it."""
        return self.workers

    def _make(self) -> None:
        from concurrent.futures import ProcessPoolExecutor

        self._pool = ProcessPoolExecutor(
            self.workers, mp_context=multiprocessing.get_context("spawn"), initializer=follow_parent
        )

    def submit(self, function: Callable[..., Any], /, *args: Any) -> "Future[Any]":
        """Return a future of the pool."""
        from concurrent.futures.process import BrokenProcessPool

        try:
            return self._pool.submit(function, *args)
        except BrokenProcessPool:
            self._pool.shutdown(wait=False)
            self._make()
            return self._pool.submit(function, *args)

    def shutdown(self) -> None:
        """Stop at once."""
        workers = list((self._pool._processes or {}).values())
        self._pool.shutdown(wait=False, cancel_futures=True)
        for worker in workers:
            worker.terminate()


@contextmanager
def processes(workers: int) -> Iterator[Processes]:
    """Yield a pool of that many processes, and stop them at the end."""
    pool = Processes(workers)
    try:
        yield pool
    finally:
        pool.shutdown()


def follow_parent() -> None:
    """Leave Ctrl-C to the parent process, and end with it: one that is killed leaves no worker behind."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
