"""Sweeps on clusters: Dask workers and drivers that are killed, and submitit's own local executor."""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import xarray as xr

from scalewright.nets import sweep
from scalewright.sim.store import Store

pytestmark = pytest.mark.cluster

GRID = """
[fixed]
activation = "tanh"
samples = 64
steps = 200
points = 5
block = 4
quantities = ["sharpness", "feature_change"]
[axes]
width = [8, 16]
lr = {geomspace = [0.01, 1000, 10]}
seed = {range = [0, 10]}
"""


@pytest.fixture
def calm(tmp_path, as_bytes):
    """Return the bytes of a sweep of 200 runs that nothing disturbed, and its grid."""
    (tmp_path / "grid.toml").write_text(GRID)
    grid = sweep.from_toml(tmp_path / "grid.toml")
    assert grid.size == 200
    return grid, as_bytes(sweep.run(grid, store=tmp_path / "calm"))


def command(folder: Path, executor: str) -> list[str]:
    options = ["--store", str(folder / "runs"), "--executor", executor, "--workers", "2"]
    return [sys.executable, "-m", "scalewright", "sweep", str(folder / "grid.toml"), *options]


def workers_of(driver: int) -> list[int]:
    """Return the processes below a driver that train, deepest first."""
    import psutil

    try:
        below = psutil.Process(driver).children(recursive=True)
        return [p.pid for p in below if not p.children() and "resource_tracker" not in " ".join(p.cmdline())]
    except psutil.Error:
        return []


def stored(folder: Path) -> int:
    return len(list((folder / "runs" / "blocks").glob("*.nc"))) if (folder / "runs").exists() else 0


@pytest.mark.parametrize("executor", ["dask", "processes"])
def test_identity_killed_workers_and_killed_drivers_lose_nothing(tmp_path, calm, as_bytes, executor):
    """Identity: workers killed at random, the driver three times; each run once, to the same bytes."""
    grid, expected = calm
    chance = random.Random(1)
    driver_kills = worker_kills = 0
    for attempt in range(20):
        process = subprocess.Popen(
            command(tmp_path, executor), stderr=subprocess.PIPE, start_new_session=True
        )
        before = stored(tmp_path)
        deadline = time.monotonic() + 120
        while process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.1)
            fresh = stored(tmp_path) - before
            if fresh >= 2 and worker_kills <= attempt and (found := workers_of(process.pid)):
                os.kill(chance.choice(found), signal.SIGKILL)
                worker_kills += 1
            if driver_kills < 3 and fresh >= 6 + 4 * driver_kills:
                process.send_signal(signal.SIGKILL)
                driver_kills += 1
                break
        process.communicate(timeout=60)
        if process.returncode == 0:
            break
    assert (driver_kills, process.returncode) == (3, 0)
    assert worker_kills >= 3
    assert as_bytes(sweep.open_grid(grid, tmp_path / "runs")) == expected
    store = Store(tmp_path / "runs")
    store.refresh()
    keys = [key for file in store.blocks.glob("*.nc") for key in _keys(file)]
    assert sorted(keys) == sorted(grid.keys(sweep.code()))
    assert not (tmp_path / "runs" / "aside").exists()


def _keys(file: Path) -> tuple[str, ...]:
    from scalewright.sim.store import block

    return block.read(file).keys


def test_identity_files_are_written_while_a_client_is_open(tmp_path, small, as_bytes):
    """Identity: blocks and exports beside an open Dask client, whose scheduler has no part in them."""
    import distributed

    from scalewright.sim import dataset

    grid = small(width=[8])
    expected = sweep.run(grid, store=tmp_path / "alone").load()
    with distributed.Client(
        processes=False, n_workers=1, threads_per_worker=2, dashboard_address=None
    ) as one:
        found = sweep.run(grid, store=tmp_path / "beside", executor=one.get_executor(pure=False))
        assert as_bytes(found) == as_bytes(expected)
        dataset.save(found.load(), tmp_path / "found.nc")
    with xr.open_dataset(tmp_path / "found.nc", engine="h5netcdf") as again:
        assert as_bytes(again.load()) == as_bytes(expected)


def test_identity_submitit_gives_the_same_bytes(tmp_path, as_bytes, small):
    """Identity: jobs of submitit's local executor, each a process of its own."""
    grid = small(width=[8])
    expected = as_bytes(sweep.run(grid, store=tmp_path / "here"))
    found = sweep.run(grid, store=tmp_path / "there", executor="slurm-local")
    assert as_bytes(found) == expected


def test_bad_input_no_scheduler(tmp_path, small):
    """Property: one sentence with the address."""
    with pytest.raises(ValueError, match=r"^executor 'dask': no scheduler answers at 'tcp://127.0.0.1:9'"):
        sweep.run(small(), store=tmp_path, executor="dask", address="tcp://127.0.0.1:9")


def test_control_workers_without_the_package(tmp_path, small):
    """Control: Dask workers that can't import this package say so in one sentence."""
    import distributed

    def blind():
        class Blind:
            def find_spec(self, name, path=None, target=None):
                if name.split(".")[0] == "scalewright":
                    raise ModuleNotFoundError(f"No module named {name!r}")

        sys.meta_path.insert(0, Blind())

    with (
        distributed.LocalCluster(
            n_workers=1, threads_per_worker=1, processes=True, dashboard_address=None
        ) as cluster,
        distributed.Client(cluster) as client,
    ):
        client.run(blind)
        with pytest.raises(ValueError, match="workers lack a package"):
            sweep.run(small(), store=tmp_path / "runs", executor=client.get_executor(pure=False))
