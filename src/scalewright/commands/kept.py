"""The verbs of `scalewright sweep` that look after a store: status, show, export, prune. None needs torch."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from scalewright.frontdoor import show, to_json

if TYPE_CHECKING:
    from scalewright.sim.store import Store


def _status(folder: Path, name: str | None, to: Path | None, json: bool, dry: bool) -> None:
    """Print what the store holds, sweep by sweep."""
    found = _opened(folder).status()
    if json:
        show(to_json({**vars(found), "sweeps": {k: list(v) for k, v in found.sweeps.items()}}))
        return
    size = f"{found.size / 1e6:.1f} MB"
    show(f"{folder}: {found.runs} runs in {found.files} files, {size}; {found.diverged} diverged")
    for sweep, (there, total, diverged) in found.sweeps.items():
        show(f"  {sweep}: {there} of {total} runs, {diverged} diverged")
    if found.aside:
        show(f"  set aside as no whole blocks: {', '.join(found.aside)}")


def _show(folder: Path, name: str | None, to: Path | None, json: bool, dry: bool) -> None:
    """Print a sweep's grid, or what made one run and how it ended."""
    store = _opened(folder)
    if name is None:
        raise ValueError("show needs the name of a sweep or the beginning of a run's key")
    if name in {sweep.name for sweep in store.sweeps()}:
        show(to_json({"name": name, **store.sweep(name).grid}))
        return
    store.refresh()
    found = [key for key in store.places if key.startswith(name)]
    if len(found) != 1:
        raise ValueError(
            f"show: {name!r} must be a sweep or begin the key of one run; {len(found)} runs begin so"
        )
    block, row = store.block_of(found[0])
    ends = {key: values[row, -1].tolist() for key, values in block.values.items()}
    show(
        to_json(
            {
                "key": found[0],
                "specification": block.specifications[row],
                "diverged_at": int(block.diverged_at[row]),
                "end": ends,
                "provenance": dict(block.provenance),
            }
        )
    )


def _export(folder: Path, name: str | None, to: Path | None, json: bool, dry: bool) -> None:
    """Write a sweep as one NetCDF file, as a table, or as a picture of how its runs end."""
    from scalewright.sim.dataset import save
    from scalewright.sim.store.export import frame
    from scalewright.sim.store.view import open_sweep

    if name is None or to is None:
        raise ValueError("export needs the name of a sweep and --to FILE.nc, FILE.csv or FILE.png")
    if to.exists():
        raise ValueError(f"--to {to} exists; give another file")
    if to.suffix not in (".nc", ".csv", ".png"):
        raise ValueError(f"--to must end in .nc, .csv or .png; given {to}")
    data = open_sweep(_opened(folder), name)
    if to.suffix == ".nc":
        save(data.load(), to)
    elif to.suffix == ".png":
        from scalewright.sim.store.figure import plot_end

        plot_end(data).figure.savefig(to, dpi=160)
    else:
        from scalewright.frontdoor import write_text

        write_text(to, frame(data).to_csv(index=False))
    show(to_json({"written": str(to)}) if json else f"Written: {to}")


def _prune(folder: Path, name: str | None, to: Path | None, json: bool, dry: bool) -> None:
    """Delete the files that hold no run of a named sweep; with `dry`, say how many they are."""
    files, runs = _opened(folder).prune(dry=dry)
    did = "Would delete" if dry else "Deleted"
    show(to_json({"files": files, "runs": runs}) if json else f"{did} {files} files with {runs} runs.")


def _opened(folder: Path) -> "Store":
    from scalewright.sim.store import Store

    return Store(folder, create=False)


VERBS: dict[str, Callable[[Path, str | None, Path | None, bool, bool], None]] = {
    "status": _status,
    "show": _show,
    "export": _export,
    "prune": _prune,
}


def check_options(verb: str, name: str | None, to: Path | None, dry: bool) -> None:
    """Raise ValueError where a verb, or "" for a grid, is given what it does not take."""
    what = verb or "training a grid"
    if name is not None and verb not in ("show", "export"):
        raise ValueError(f"sweep: {what} takes no further name; given {name!r}")
    if to is not None and verb != "export":
        raise ValueError(f"sweep: --to is for export; given with {what}")
    if dry and verb not in ("", "prune"):
        raise ValueError(f"sweep: --dry-run is for a grid and for prune; given with {what}")
