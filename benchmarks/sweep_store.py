"""Time what a store of 10^5 runs answers: its status, with and without its table, and one run of it.

Run `python benchmarks/sweep_store.py`: it fills a temporary store with runs that were not trained (the files
are the same), and writes `results/sweep_store.json`. The command line is timed as a process, its start
included.
"""

import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from measuring import environment, write

from scalewright.nets import sweep
from scalewright.nets.sweep.plan import plan
from scalewright.sim.store import Block, Store, Sweep
from scalewright.sim.store.view import open_sweep

RUNS = {"width": [2**k for k in range(3, 13)], "lr": np.geomspace(1e-3, 1e3, 125), "seed": range(80)}


def main() -> None:
    """Fill, measure, print and write."""
    grid = sweep.grid("many", steps=1000, points=11, **RUNS)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "runs"
        seconds = {"fill": timed(lambda: fill(path, grid))}
        command = [sys.executable, "-m", "scalewright", "sweep", "status", "--store", str(path)]
        seconds["status"] = min(timed(lambda: subprocess.run(command, check=True)) for _ in range(3))
        seconds["start of the program alone"] = min(
            timed(lambda: subprocess.run([*command[:3], "--version"], check=True)) for _ in range(3)
        )
        seconds["open lazily"] = timed(lambda: open_sweep(Store(path), "many"))
        seconds["read 80 of the runs"] = timed(lambda: open_sweep(Store(path), "many").loss[3, 7].values)
        (path / "index.sqlite").unlink()
        seconds["status when the table was deleted"] = timed(lambda: subprocess.run(command, check=True))
    for name, value in seconds.items():
        print(f"{name}: {value:.2f} s")
    write("sweep_store", {"runs": grid.size, "seconds": seconds, "environment": environment()})


def fill(path: Path, grid: sweep.Grid) -> None:
    """Write every block of a grid with made-up losses."""
    store, keys = Store(path), grid.keys(sweep.code())
    points = grid.runs[0].schedule_points()
    rng = np.random.default_rng(0)
    for planned in plan(grid.runs, keys):
        count = len(planned.runs)
        store.add(
            Block(
                planned.keys,
                tuple(run.to_dict() for run in planned.runs),
                "step",
                points,
                {"loss": rng.random((count, len(points)))},
                {"loss": ()},
                np.full(count, -1),
            )
        )
    store.remember(Sweep("many", grid.to_dict(), keys))


def timed(run: Any) -> float:
    """Return the seconds of one call."""
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
