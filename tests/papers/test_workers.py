"""Stages side by side: the same trajectories, one thread each, and what is left when one ends badly."""

import os
import queue
import signal
import subprocess
import sys
import time
from concurrent.futures import Future
from contextlib import nullcontext
from functools import partial

import pytest
import xarray as xr

from scalewright.papers import workers
from scalewright.papers.running import run_stages
from scalewright.papers.stages import Stage
from scalewright.sim.dataset import dataset

EXPERIMENTS = """
import os, signal, time
from scalewright.sim.dataset import dataset

def tiny(value, attrs=None):
    return dataset({"loss": (("step",), [value])}, {"step": [0]}, attrs)

def measure(value, *, progress=None):
    return tiny(value)

def threads(*, progress=None):
    import torch
    return tiny(float(torch.get_num_threads()), {"process": os.getpid()})

def slow(seconds, *, progress=None):
    for step in range(4):
        time.sleep(seconds / 4)
        progress(step + 1, 4)
    return tiny(seconds)

def fail(*, progress=None):
    raise ValueError("no such luck")

class Odd(Exception):
    # Another process cannot make it from its message alone.
    def __init__(self, message, number):
        super().__init__(message)

def odd(*, progress=None):
    raise Odd("of its own kind", 7)

def killed(*, progress=None):
    time.sleep(3)  # the others end before
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture
def experiments(tmp_path, monkeypatch):
    """A module that workers can import."""
    (tmp_path / "side_by_side.py").write_text(EXPERIMENTS)
    monkeypatch.syspath_prepend(tmp_path)
    import side_by_side

    yield side_by_side
    del sys.modules["side_by_side"]


def test_identity_the_trajectories_are_those_of_one_process_in_order(experiments):
    stages = [Stage(f"n{value}", partial(experiments.measure, value / 3)) for value in (3, 1, 2)]
    alone, together = run_stages(stages), run_stages(stages, workers=2)
    assert list(together) == ["n3", "n1", "n2"]
    for name, data in alone.items():
        xr.testing.assert_identical(data, together[name])


def test_every_stage_has_a_process_and_one_thread(experiments, monkeypatch):
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.setenv("XLA_FLAGS", "--mine")
    slow = Stage("slow", partial(experiments.slow, 1.0))
    found = run_stages([slow, Stage("threads", experiments.threads)], workers=2)
    assert found["threads"].loss.item() == 1
    assert found["threads"].attrs["process"] != os.getpid()
    assert "OMP_NUM_THREADS" not in os.environ
    assert os.environ["XLA_FLAGS"] == "--mine"


def test_progress_comes_here(experiments):
    shown = []

    def bar(name):
        return lambda done, total: shown.append((name, done, total))

    stages = [Stage("slow", partial(experiments.slow, 4.0)), Stage("quick", partial(experiments.measure, 1))]
    run_stages(stages, workers=2, progress=bar)
    assert ("quick", 1, 1) in shown
    assert shown[-1] == ("slow", 1, 1)
    assert {entry[1] for entry in shown if entry[0] == "slow" and entry[2] == 4} >= {1, 2}


def test_an_error_comes_out_as_it_is_and_what_had_ended_is_kept(experiments, tmp_path):
    stages = [Stage("first", partial(experiments.measure, 1)), Stage("second", experiments.fail)]
    waits = Stage("waits", partial(experiments.slow, 60.0))
    began = time.monotonic()
    with pytest.raises(ValueError, match="no such luck"):
        run_stages([stages[0], waits, stages[1]], workers=2, folder=tmp_path)
    assert time.monotonic() - began < 50, "the stage that was in work was not ended"
    assert (tmp_path / "first.nc").exists()


def test_an_error_that_cannot_travel_is_told_in_its_words(experiments):
    stages = [Stage("odd", experiments.odd), Stage("first", partial(experiments.measure, 1))]
    with pytest.raises(ValueError, match="Odd: of its own kind"):
        run_stages(stages, workers=2)


def test_what_ended_with_a_failure_is_kept(tmp_path, monkeypatch):
    """Of what ended between two looks the finished stages are saved before an error comes out."""

    class Pool:
        def submit(self, run, stage, reports):
            future = Future()
            try:
                future.set_result(stage.run(progress=None))
            except ValueError as error:
                future.set_exception(error)
            return future

    monkeypatch.setattr(workers, "processes", lambda count: nullcontext(Pool()))
    monkeypatch.setattr(workers, "_reports", lambda: nullcontext(queue.Queue()))

    def fail(*, progress):
        raise ValueError("no such luck")

    def measure(*, progress):
        return dataset({"loss": (("step",), [1.0])}, {"step": [0]})

    stages = [Stage("fails", fail), *(Stage(f"n{i}", measure) for i in range(5))]
    with pytest.raises(ValueError, match="no such luck"):
        run_stages(stages, workers=6, folder=tmp_path)
    assert sorted(path.name for path in tmp_path.glob("*.nc")) == [f"n{i}.nc" for i in range(5)]


def test_progress_that_nobody_hears_stops_nothing():
    class Dead:
        def get_nowait(self):
            raise BrokenPipeError(32, "Broken pipe")

        def put(self, entry):
            raise EOFError

    def measure(*, progress):
        time.sleep(workers.INTERVAL)
        progress(1, 2)
        return dataset({"loss": (("step",), [1.0])}, {"step": [0]})

    assert list(workers._all(Dead())) == []
    assert workers._run(Stage("first", measure), Dead()).loss.item() == 1.0


def test_a_killed_worker_is_one_sentence_and_the_run_goes_on(experiments, tmp_path):
    first, last = Stage("first", partial(experiments.measure, 1)), Stage("last", experiments.killed)
    with pytest.raises(ChildProcessError, match="a worker was killed while last and others ran"):
        run_stages([first, last], workers=2, folder=tmp_path)
    assert sorted(path.name for path in tmp_path.glob("*.nc")) == ["first.nc"]
    again = Stage("last", partial(experiments.measure, 2))
    assert list(run_stages([first, again], workers=2, folder=tmp_path)) == ["first", "last"]


DRIVER = """
import signal
import sys
from functools import partial
from pathlib import Path
from scalewright.papers import workers
from scalewright.papers.running import run_stages
from scalewright.papers.stages import Stage
from scalewright.sim.dataset import dataset

if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell may have started this with it ignored
    import side_by_side
    quick = Stage("quick", partial(side_by_side.measure, 1))
    stages = [quick, *(Stage(f"slow-{i}", partial(side_by_side.slow, 300.0)) for i in range(2))]
    run_stages(stages, workers=2, folder=Path(sys.argv[1]))
"""


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
def test_a_stopped_driver_leaves_what_had_ended_and_no_process(experiments, tmp_path, how):
    (tmp_path / "driver.py").write_text(DRIVER)
    (tmp_path / "out").mkdir()
    environment = os.environ | {"PYTHONPATH": str(tmp_path)}
    driver = subprocess.Popen(
        [sys.executable, tmp_path / "driver.py", tmp_path / "out"],
        env=environment,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        _until(lambda: (tmp_path / "out" / "quick.nc").exists())
        driver.send_signal(how)
        assert driver.wait(timeout=30) != 0
        _until(lambda: not _group(driver.pid))
    finally:
        if _group(driver.pid):
            os.killpg(driver.pid, signal.SIGKILL)
        driver.wait(timeout=30)
    assert [path.name for path in (tmp_path / "out").glob("*.nc")] == ["quick.nc"]


def _until(condition, seconds=60):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited for too long"
        time.sleep(0.2)


def _group(leader):
    """Whether a process of the group lives."""
    try:
        os.killpg(leader, 0)
    except ProcessLookupError:
        return False
    return True
