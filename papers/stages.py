"""Run experiments one by one, each saved when it ends, so that a stopped run can go on."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import xarray as xr

from scalewright.sim.dataset import save
from scalewright.sim.files import write_text

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Stage:
    """A named experiment: `run(progress=...)` returns its trajectory."""

    name: str
    run: Callable[..., xr.Dataset]


def run_stages(
    stages: Sequence[Stage],
    *,
    folder: Path | None = None,
    key: dict[str, str] | None = None,
    progress: Callable[[str], Progress] | None = None,
) -> dict[str, xr.Dataset]:
    """Run the stages in order; with a folder, save each as NetCDF and read those that are there already.

    Args:
        folder: where the trajectories lie; None keeps them in memory only.
        key: what the results depend on (scale, device, code version). A folder made under
            another key is refused.
        progress: opens a progress callback for a stage's name.

    Raises:
        ValueError: the folder belongs to another key or code version.
    """
    if folder is not None:
        _claim(folder, key or {})
    found: dict[str, xr.Dataset] = {}
    for stage in stages:
        path = folder / f"{stage.name}.nc" if folder is not None else None
        advance = progress(stage.name) if progress else None
        if path is not None and path.exists():
            found[stage.name] = _read(path)
            if advance:
                advance(1, 1)
            continue
        found[stage.name] = stage.run(progress=advance)
        if path is not None:
            save(found[stage.name], path)
    return found


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
