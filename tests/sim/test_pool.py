"""A pool of processes: what it gives back, that it outlives a worker, and that nothing outlives it."""

import math
import os
import signal
import time
from concurrent.futures.process import BrokenProcessPool

import pytest

from scalewright.sim.pool import processes


def test_identity_a_pool_gives_what_the_function_gives():
    with processes(2) as pool:
        assert [pool.submit(math.sqrt, value).result() for value in (4.0, 9.0)] == [2.0, 3.0]
        with pytest.raises(ValueError, match=r"math domain error|nonnegative"):
            pool.submit(math.sqrt, -1.0).result()


def test_after_a_killed_worker_the_next_task_has_a_new_one():
    with processes(1) as pool:
        worker = pool.submit(os.getpid).result()
        with pytest.raises(BrokenProcessPool):
            pool.submit(signal.raise_signal, signal.SIGKILL).result()
        assert pool.submit(os.getpid).result() != worker


def test_at_the_end_a_task_in_work_is_ended():
    began = time.monotonic()
    with processes(1) as pool:
        worker = pool.submit(os.getpid).result()
        pool.submit(time.sleep, 600)
    while _lives(worker):
        assert time.monotonic() - began < 60, "the worker lives on"
        time.sleep(0.1)


def _lives(process):
    """Whether a process lives; one that has ended and is not yet waited for does not."""
    try:
        return os.waitpid(process, os.WNOHANG) == (0, 0)
    except ChildProcessError:
        return False
