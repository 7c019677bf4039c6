"""Run experiments one by one or side by side, each saved when it ends, so that a stopped run can go on."""

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from pathlib import Path

import xarray as xr

from scalewright.papers.stages import Stage
from scalewright.papers.workers import Finished, Progress, in_processes
from scalewright.sim.dataset import save
from scalewright.sim.files import write_text


def run_stages(
    stages: Sequence[Stage],
    *,
    folder: Path | None = None,
    key: dict[str, str] | None = None,
    progress: Callable[[str], Progress] | None = None,
    workers: int = 1,
) -> dict[str, xr.Dataset]:
    """Run the stages in order; with a folder, save each as NetCDF and read those that are there already.

    Args:
        folder: where the trajectories lie; None keeps them in memory only.
        key: what the results depend on (scale, device, code version). A folder made under another key is
            refused.
        progress: opens a progress callback for a stage's name.
        workers: how many stages run at once, each in a process and with a thread of its own; 1 runs them
            here, with all threads of torch. The last digits depend on the number of threads.

    Raises:
        ValueError: the folder belongs to another key or code version, or there is no worker.
        ChildProcessError: a worker was killed, for instance because memory ran out.
    """
    if workers < 1:
        raise ValueError(f"workers must be at least 1; given {workers}")
    if folder is not None:
        _claim(folder, key or {})
    found = dict(_finished(stages, folder, progress))
    missing = [stage for stage in stages if stage.name not in found]
    fresh = _one_by_one(missing, progress) if workers == 1 else in_processes(missing, workers, progress)
    with closing(fresh):
        for name, data in fresh:
            found[name] = data
            if folder is not None:
                save(data, _path(folder, name))
    return {stage.name: found[stage.name] for stage in stages}


def _path(folder: Path, name: str) -> Path:
    return folder / f"{name}.nc"


def _finished(
    stages: Sequence[Stage], folder: Path | None, progress: Callable[[str], Progress] | None
) -> Iterator[tuple[str, xr.Dataset]]:
    """Yield the names and trajectories of the stages that a folder holds."""
    for stage in stages:
        if folder is not None and _path(folder, stage.name).exists():
            yield stage.name, _read(_path(folder, stage.name))
            if progress:
                progress(stage.name)(1, 1)


def _one_by_one(stages: Sequence[Stage], progress: Callable[[str], Progress] | None) -> Finished:
    for stage in stages:
        yield stage.name, stage.run(progress=progress(stage.name) if progress else None)


def _read(path: Path) -> xr.Dataset:
    """Read a finished stage; ValueError that names the file if it is damaged."""
    try:
        with xr.open_dataset(path, engine="h5netcdf") as stored:
            return stored.load()
    except (OSError, ValueError, KeyError) as error:
        raise ValueError(f"{path} can't be read ({error}); delete it, and its stage is run again") from None


def _claim(folder: Path, key: dict[str, str]) -> None:
    """Write the key of a new folder, or check that of an old one."""
    mark = folder / "key.json"
    if not mark.exists():
        write_text(mark, json.dumps(key))
        return
    try:
        found = json.loads(mark.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"{mark} can't be read ({error}); give another folder") from None
    if found != key:
        raise ValueError(
            f"{folder} holds results of another scale, device or version of the code; give another folder"
        )
