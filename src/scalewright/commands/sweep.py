"""`scalewright sweep`: train a grid from a TOML file, and look after the store that holds its runs."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from scalewright.commands import kept
from scalewright.commands.runs import Json
from scalewright.frontdoor import FAIL, one_sentence, show, to_json

if TYPE_CHECKING:
    from scalewright.nets.sweep import Grid, Tally

NAME = "sweep"


def command(
    what: Annotated[
        str,
        typer.Argument(metavar="GRID.toml|VERB", help="A grid to train; or status, show, export or prune."),
    ],
    name: Annotated[
        str | None, typer.Argument(help="show: a sweep or the beginning of a run's key; export: a sweep.")
    ] = None,
    store: Annotated[Path, typer.Option(help="Folder of the runs.")] = Path("runs"),
    executor: Annotated[str, typer.Option(help="local, processes, dask, slurm or slurm-local.")] = "local",
    address: Annotated[str | None, typer.Option(help="Address of a Dask scheduler.")] = None,
    workers: Annotated[
        int | None, typer.Option(min=1, help="Processes of a pool or of a local cluster.")
    ] = None,
    dry_run: Annotated[
        bool,
        typer.Option("--dry-run", help="Say what the grid costs and what is there; what prune would delete."),
    ] = False,
    to: Annotated[Path | None, typer.Option(help="export: a new file, .nc, .csv or .png.")] = None,
    json: Json = False,
) -> None:
    """Train every run of a grid that the store lacks; or show, export and prune what a store holds.

    Ctrl-C stops cleanly and the same command goes on. Exit status 1 if runs failed.
    """
    if what in kept.VERBS:
        with one_sentence():
            chosen = {"executor": executor if executor != "local" else None, "address": address}
            asked = kept.Asked(name, to, dry_run, json)
            kept.call(what, store, asked, {**chosen, "workers": workers})
        return
    with one_sentence(f"What is finished is in {store}: the same command goes on."):
        if not what.endswith(".toml"):
            raise ValueError(
                f"sweep takes a file GRID.toml or one of {', '.join(kept.VERBS)}; given {what!r}"
            )
        if name is not None or to is not None:
            raise ValueError(f"sweep GRID.toml takes no NAME and no --to; given {name or to}")
        from scalewright.nets.sweep import from_toml

        found = from_toml(what)
        if dry_run:
            _dry_run(found, store, workers or 1, json)
            return
        failed = _train(found, store, json, executor=executor, address=address, workers=workers)
    raise typer.Exit(FAIL if failed else 0)


def _train(grid: "Grid", folder: Path, json: bool, **options: Any) -> str:
    """Train what is missing; return why runs failed, "" where none did."""
    from scalewright.nets import sweep
    from scalewright.sim.store import Store

    reason = ""
    with _bar(grid) as progress:
        try:
            sweep.run(grid, store=folder, progress=progress, **options)
        except sweep.SweepError as error:
            reason = str(error)
    there, total, diverged = Store(folder, create=False).status().sweeps[str(grid.name)]
    if json:
        found = {"sweep": grid.name, "runs": total, "stored": there, "diverged": diverged, "failed": reason}
        show(to_json({**found, "store": str(folder)}))
    else:
        show(f"{grid.name}: {there} of {total} runs are in {folder}, {diverged} of them diverged.")
        if reason:
            typer.echo(f"scalewright: {reason}", err=True)
    return reason


@contextmanager
def _bar(grid: "Grid") -> Iterator[Callable[["Tally"], None]]:
    """Show a bar on stderr: runs done, failed and diverged, and the time left; a line a block beside it."""
    import logging

    from rich.console import Console
    from rich.logging import RichHandler
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    console = Console(stderr=True)
    fields = "{task.fields[diverged]} diverged, {task.fields[failed]} failed, {task.fields[left]} left"
    handler = RichHandler(console=console, show_path=False, show_level=False)
    log = logging.getLogger("scalewright.sweep")
    log.addHandler(handler)
    log.setLevel(logging.INFO)
    columns = (TextColumn(str(grid.name)), BarColumn(), MofNCompleteColumn(), TextColumn(fields))
    bar = Progress(*columns, console=console)
    task = bar.add_task("", total=grid.size, diverged=0, failed=0, left="?")

    def advance(tally: "Tally") -> None:
        bar.start()  # at the first report: what is refused before leaves one sentence alone
        done, left = tally.there + tally.done, clock(tally.remaining)
        bar.update(task, completed=done, diverged=tally.diverged, failed=tally.failed, left=left)

    try:
        yield advance
    finally:
        if bar.live.is_started:
            bar.stop()
        log.removeHandler(handler)


def clock(seconds: float) -> str:
    """Say a time as 1 h 05 min, 3 min 20 s or 4 s."""
    if seconds == float("inf"):
        return "?"
    whole = round(seconds)
    if whole >= 3600:
        return f"{whole // 3600} h {whole % 3600 // 60:02d} min"
    return f"{whole // 60} min {whole % 60:02d} s" if whole >= 60 else f"{whole} s"


def _dry_run(grid: "Grid", folder: Path, workers: int, json: bool) -> None:
    """Print what the runs cost, and how many of them are there."""
    from scalewright.nets.sweep import sizing

    rows = sizing(grid)
    there = _there(grid, folder)
    if json:
        cost = [vars(row) for row in rows]
        show(to_json({"sweep": grid.name, "runs": grid.size, "stored": there, "cost": cost}))
        return
    show(_ROW.format("shape", "runs", "blocks", "weights", "GFLOP", "MB a block", "time"))
    for row in rows:
        size = (f"{row.operations / 1e9:.3g}", f"{row.memory / 1e6:.3g}", clock(row.seconds))
        show(_ROW.format(row.label, row.runs, row.blocks, row.parameters, *size))
    total = clock(sum(row.seconds for row in rows) / workers)
    show(
        f"{grid.size} runs in {sum(row.blocks for row in rows)} blocks, {there} of them stored already; "
        f"about {total} for all with {workers} worker{'s' if workers > 1 else ''}."
    )


_ROW = "{:<36} {:>8} {:>7} {:>10} {:>10} {:>11} {:>13}"


def _there(grid: "Grid", folder: Path) -> int:
    from scalewright.nets.sweep import code
    from scalewright.sim.store import Store

    if not folder.exists():
        return 0
    store = Store(folder, create=False)
    store.refresh()
    return sum(key in store.places for key in grid.keys(code()))
