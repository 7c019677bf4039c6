"""The verbs of `scalewright sweep` that look after a store: status, show, export, prune. None needs torch."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from scalewright.frontdoor import show, to_json

if TYPE_CHECKING:
    from scalewright.sim.store import Store


@dataclass(frozen=True)
class Asked:
    """What a verb may be given."""

    name: str | None = None
    to: Path | None = None
    dry_run: bool = False
    json: bool = False


def _status(folder: Path, asked: Asked) -> None:
    """Print what the store holds, sweep by sweep."""
    found = _opened(folder).status()
    if asked.json:
        show(to_json({**vars(found), "sweeps": {k: list(v) for k, v in found.sweeps.items()}}))
        return
    size = f"{found.size / 1e6:.1f} MB"
    show(f"{folder}: {found.runs} runs in {found.files} files, {size}; {found.diverged} diverged")
    for sweep, (there, total, diverged) in found.sweeps.items():
        show(f"  {sweep}: {there} of {total} runs, {diverged} diverged")
    if found.aside:
        show(f"  set aside as no whole blocks: {', '.join(found.aside)}")


def _show(folder: Path, asked: Asked) -> None:
    """Print a sweep's grid, or what made one run and how it ended."""
    store = _opened(folder)
    name = asked.name
    if name is None:
        raise ValueError("show: NAME must be a sweep or the beginning of a run's key; given none")
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


def _export(folder: Path, asked: Asked) -> None:
    """Write a sweep as one NetCDF file, as a table, or as a picture of how its runs end."""
    from scalewright.sim.dataset import save
    from scalewright.sim.store.export import frame
    from scalewright.sim.store.view import open_sweep

    name, to = asked.name, asked.to
    if name is None or to is None:
        raise ValueError("export: NAME must be a sweep, and --to FILE.nc, FILE.csv or FILE.png; given none")
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
    show(to_json({"written": str(to)}) if asked.json else f"Written: {to}")


def _prune(folder: Path, asked: Asked) -> None:
    """Delete the files that hold no run of a named sweep, or say which would be."""
    files, runs = _opened(folder).prune(dry=asked.dry_run)
    told = f"{'Would delete' if asked.dry_run else 'Deleted'} {files} files with {runs} runs."
    show(to_json({"files": files, "runs": runs, "deleted": not asked.dry_run}) if asked.json else told)


def _opened(folder: Path) -> "Store":
    from scalewright.sim.store import Store

    return Store(folder, create=False)


#: Verb -> (what it does, the options that it takes beside --store and --json).
VERBS: dict[str, tuple[Callable[[Path, Asked], None], tuple[str, ...]]] = {
    "status": (_status, ()),
    "show": (_show, ("name",)),
    "export": (_export, ("name", "to")),
    "prune": (_prune, ("dry_run",)),
}


def call(verb: str, folder: Path, asked: Asked, others: Mapping[str, object]) -> None:
    """Do what a verb says.

    Args:
        others: options that only training takes.

    Raises:
        ValueError: an option that the verb doesn't take.
    """
    do, takes = VERBS[verb]
    given = {"name": asked.name, "to": asked.to, "dry_run": asked.dry_run, **others}
    for option, value in given.items():
        if value and option not in takes:
            written = "NAME" if option == "name" else f"--{option.replace('_', '-')}"
            raise ValueError(f"sweep {verb} takes no {written}; given {value}")
    do(folder, asked)
