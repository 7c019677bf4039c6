"""Running stages: saved as they end, read when they are there, refused when they belong to another run."""

import json

import numpy as np
import pytest
import xarray as xr

from scalewright.papers.running import run_stages
from scalewright.papers.stages import Stage
from scalewright.sim.dataset import dataset

KEY = {"scale": "smoke", "device": "cpu"}


class Counted:
    """An experiment that counts its runs and can be told to fail."""

    def __init__(self, name, error=None):
        self.name, self.error, self.runs = name, error, 0

    def __call__(self, *, progress=None):
        self.runs += 1
        if self.error is not None:
            raise self.error
        if progress:
            progress(1, 1)
        values = np.array([1.0, np.nan, 1 / 3])
        return dataset({"loss": (("step",), values)}, {"step": [0, 1, 2]}, {"lr": 0.1})

    @property
    def stage(self):
        return Stage(self.name, self)


def test_identity_what_is_read_back_is_what_was_measured(tmp_path):
    first = Counted("first")
    measured = run_stages([first.stage], folder=tmp_path, key=KEY)
    read = run_stages([first.stage], folder=tmp_path, key=KEY)
    assert first.runs == 1
    xr.testing.assert_identical(measured["first"], read["first"])


def test_without_a_folder_nothing_is_kept():
    first = Counted("first")
    for _ in range(2):
        assert list(run_stages([first.stage])) == ["first"]
    assert first.runs == 2


@pytest.mark.parametrize("error", [KeyboardInterrupt(), ValueError("no"), MemoryError()])
def test_stopped_run_goes_on_where_it_stopped(tmp_path, error):
    first, second = Counted("first"), Counted("second", error)
    with pytest.raises(type(error)):
        run_stages([first.stage, second.stage], folder=tmp_path, key=KEY)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["first.nc", "key.json"]
    second.error = None
    found = run_stages([first.stage, second.stage], folder=tmp_path, key=KEY)
    assert (first.runs, second.runs) == (1, 2)
    assert list(found) == ["first", "second"]


def test_every_stage_shows_progress_and_a_read_one_is_done_at_once(tmp_path):
    shown = []

    def bar(name):
        return lambda done, total: shown.append((name, done, total))

    first = Counted("first")
    run_stages([first.stage], folder=tmp_path, key=KEY, progress=bar)
    run_stages([first.stage, Counted("second").stage], folder=tmp_path, key=KEY, progress=bar)
    assert shown == [("first", 1, 1), ("first", 1, 1), ("second", 1, 1)]


@pytest.mark.parametrize("change", [{"scale": "standard"}, {"device": "cuda"}])
def test_folder_of_another_run_is_refused(tmp_path, change):
    run_stages([Counted("first").stage], folder=tmp_path, key=KEY)
    with pytest.raises(ValueError, match="holds results of another scale, device or version of the code"):
        run_stages([Counted("first").stage], folder=tmp_path, key=KEY | change)


def test_folder_of_other_code_is_refused(tmp_path):
    run_stages([Counted("first").stage], folder=tmp_path, key=KEY | {"code": "v1"})
    with pytest.raises(ValueError, match=r"version of the code; give another folder$"):
        run_stages([Counted("first").stage], folder=tmp_path, key=KEY | {"code": "v2"})
    assert list(run_stages([Counted("first").stage], folder=tmp_path, key=KEY | {"code": "v1"})) == ["first"]


def test_interrupted_while_the_key_is_written_leaves_no_half_key(tmp_path, monkeypatch):
    write = type(tmp_path).write_bytes

    def half(self, content):
        write(self, content[:5])
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(type(tmp_path), "write_bytes", half)
        with pytest.raises(KeyboardInterrupt):
            run_stages([Counted("first").stage], folder=tmp_path, key=KEY)
    assert list(tmp_path.iterdir()) == []
    run_stages([Counted("first").stage], folder=tmp_path, key=KEY)
    assert json.loads((tmp_path / "key.json").read_text()).items() >= KEY.items()


def test_no_worker_is_refused():
    with pytest.raises(ValueError, match="workers must be at least 1; given 0"):
        run_stages([Counted("first").stage], workers=0)
