"""Train what a store lacks of a grid: hand out blocks, write them as they come, stop cleanly, go on later."""

import logging
import time
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from scalewright.nets.sweep.execute import OTHER_VERSION, Outcome, code, execute
from scalewright.nets.sweep.executors import Executor, opened
from scalewright.nets.sweep.grid import Grid
from scalewright.nets.sweep.plan import Planned, plan
from scalewright.sim.store import Store, Sweep
from scalewright.sim.store.view import view

log = logging.getLogger("scalewright.sweep")

#: Blocks handed out at once: enough for any number of workers, few enough to be forgotten.
WINDOW = 512
#: How often a block may lose its worker before it counts as failed.
ATTEMPTS = 4


@dataclass(frozen=True)
class Tally:
    """How a sweep stands, in runs, and the seconds of this call.

    `there` counts what was stored before; `done`, `diverged`, `failed` and `unconverged`, measurements of
    eigenvalues that missed the tolerance, are of this call.
    """

    total: int
    there: int
    done: int = 0
    diverged: int = 0
    failed: int = 0
    unconverged: int = 0
    seconds: float = 0.0

    @property
    def left(self) -> int:
        """Runs still to come."""
        return self.total - self.there - self.done - self.failed

    @property
    def remaining(self) -> float:
        """Seconds still to go at the rate of this call; inf before the first block."""
        return self.seconds / self.done * self.left if self.done else float("inf")


Progress = Callable[[Tally], None]


class SweepError(RuntimeError):
    """Blocks that could not be trained; what could be is in the store."""


def run(
    grid: Grid,
    *,
    store: Store | Path | str,
    executor: Any = "local",
    address: str | None = None,
    workers: int | None = None,
    progress: Progress | None = None,
) -> xr.Dataset:
    """Train the runs of a grid that the store lacks, and return all of them over the grid's axes.

    Runs of one shape are trained together, `block` at a time, in one program. What is finished is written at
    once, in whole files: a run that is killed, or stopped by Ctrl-C, loses the blocks in work, and the same
    call goes on. The same grid gives the same arrays to the byte with every executor and after any number of
    interruptions, on one type of machine with one set of library versions.

    Args:
        grid: made by `grid`. A named one is remembered, and refused if it changed otherwise than by growing.
        store: a folder, made where there is none.
        executor: "local", "processes", "dask", "slurm", or anything with `submit(function, *args)`.
        address: of a Dask scheduler. workers: processes of a pool (one for each `threads` cores by default).
        progress: called with a `Tally` at the start and after every block.

    Returns:
        A trajectory over the axes of the grid, "step" (or "time") and what a quantity has beside them. Its
        arrays are read from the store when they are used.

    Raises:
        ValueError: a store or an executor that can't be used, workers without this package or with another
            version of it.
        SweepError: blocks that failed, with the first reason, when all others are stored.
        KeyboardInterrupt: Ctrl-C; what is finished is stored.
    """
    folder = store if isinstance(store, Store) else Store(store)
    for reason in folder.refresh():
        log.warning("%s", reason)
    keys = grid.keys(code())
    blocks = plan(grid.runs, keys)
    if grid.name is not None:
        folder.remember(Sweep(grid.name, grid.to_dict(), keys))
    there = folder.places
    missing = [left for left in (block.without(there) for block in blocks) if left.runs]
    threads = grid.runs[0].threads
    if missing:
        with opened(
            executor, threads=threads, address=address, workers=workers, folder=folder.folder / "jobs"
        ) as used:
            driver = _Driver(folder, used, missing, Tally(grid.size, grid.size - _count(missing)), progress)
            driver.drive()
            if driver.tally.unconverged:
                warnings.warn(
                    f"sweep: {driver.tally.unconverged} measurements missed the tolerance: see the _error "
                    "variables, and raise budget or tolerance",
                    stacklevel=2,
                )
    return open_grid(grid, folder)


def open_grid(grid: Grid, store: Store | Path | str) -> xr.Dataset:
    """Return the runs of a grid that a store holds, over the grid's axes, without training any.

    Raises:
        ValueError: no such store, or none of the runs in it.
    """
    folder = store if isinstance(store, Store) else Store(store, create=False)
    folder.refresh()
    keys = np.array(grid.keys(code()), dtype=object).reshape(grid.shape)
    return view(folder, keys, grid.axes, {"name": grid.name or "", "code": code()})


def _count(blocks: Sequence[Planned]) -> int:
    return sum(len(block.runs) for block in blocks)


@dataclass
class _Driver:
    """One call of `run`: what waits, what is in work, and how it stands."""

    store: Store
    executor: Executor
    waiting: list[Planned]
    tally: Tally
    progress: Progress | None
    working: dict[Any, Planned] = field(default_factory=dict)
    attempts: dict[tuple[str, ...], int] = field(default_factory=dict)
    reasons: list[str] = field(default_factory=list)

    def drive(self) -> None:
        """Hand out every block and take in what comes back."""
        self.waiting.reverse()
        start = time.monotonic()
        self._report()
        try:
            while self.waiting or self.working:
                self._hand_out()
                for future in [future for future in self.working if future.done()]:
                    self._take_in(self.working.pop(future), future)
                    self.tally = replace(self.tally, seconds=time.monotonic() - start)
                    self._report()
        except BaseException:
            self._cancel()
            log.info("stopped: %d of %d runs are stored; the same call goes on", *self._stored())
            raise
        if self.reasons:
            raise SweepError(
                f"sweep: {self.tally.failed} of {self.tally.total} runs failed, {self._stored()[0]} are "
                f"stored; the first reason: {self.reasons[0]}"
            )

    def _report(self) -> None:
        if self.progress is not None:
            self.progress(self.tally)

    def _stored(self) -> tuple[int, int]:
        return self.tally.there + self.tally.done, self.tally.total

    def _hand_out(self) -> None:
        """Submit blocks until one is finished or enough are in work; wait a moment where none is finished.

        A block that lost its worker waits till the others are done and runs alone: it may have killed it.
        """
        window = getattr(self.executor, "capacity", WINDOW)
        while self.waiting and len(self.working) < window:
            suspect = self.waiting[-1].keys in self.attempts
            if self.working and (suspect or any(b.keys in self.attempts for b in self.working.values())):
                break
            block = self.waiting.pop()
            future = self.executor.submit(
                execute, [run.to_dict() for run in block.runs], list(block.keys), code()
            )
            self.working[future] = block
            if future.done():
                return
        if not any(future.done() for future in self.working):
            time.sleep(0.02)

    def _take_in(self, block: Planned, future: Any) -> None:
        try:
            outcome = _checked(future.result(), block)
        except Exception as error:
            self._lost(block, error)
            return
        if outcome.block is None:
            self._failed(block, outcome.reason)
            return
        self.store.add(outcome.block)
        diverged = int((outcome.block.diverged_at >= 0).sum())
        missed = int(outcome.block.provenance["unconverged"])
        self.tally = replace(
            self.tally,
            done=self.tally.done + len(block.runs),
            diverged=self.tally.diverged + diverged,
            unconverged=self.tally.unconverged + missed,
        )
        log.info(
            "block %s: %d runs, %d diverged, %.1f s on %s; %d of %d runs are stored",
            outcome.block.name,
            len(block.runs),
            diverged,
            outcome.seconds,
            outcome.host,
            *self._stored(),
        )
        if missed:
            log.warning("block %s: %d measurements missed the tolerance", outcome.block.name, missed)

    def _lost(self, block: Planned, error: Exception) -> None:
        """Hand a block out again whose worker was lost; stop where no worker could do better."""
        hopeless = _hopeless(error)
        if hopeless:
            raise ValueError(hopeless) from None
        tried = self.attempts[block.keys] = self.attempts.get(block.keys, 0) + 1
        reason = f"worker lost: {type(error).__name__}: {error}"
        log.warning("block of %d runs: %s; attempt %d of %d", len(block.runs), reason, tried, ATTEMPTS)
        if tried < ATTEMPTS:
            self.waiting.insert(0, block)
        else:
            self._failed(block, reason)

    def _failed(self, block: Planned, reason: str) -> None:
        self.reasons.append(reason)
        self.tally = replace(self.tally, failed=self.tally.failed + len(block.runs))
        log.error("block of %d runs failed: %s", len(block.runs), reason)

    def _cancel(self) -> None:
        for future in self.working:
            if callable(getattr(future, "cancel", None)):
                future.cancel()
        self.working.clear()


def _checked(outcome: Any, block: Planned) -> Outcome:
    """Return what came back, if it is of this block: an executor may drop a result or mix up two."""
    if not isinstance(outcome, Outcome):
        raise TypeError(f"the executor gave {type(outcome).__name__} for what the block returned")
    if outcome.block is not None and outcome.block.keys != block.keys:
        raise ValueError("the executor gave the arrays of another block")
    return outcome


def _hopeless(error: BaseException | None) -> str:
    """Return what is wrong with the workers themselves, "" if another one may do better.

    An executor wraps what its workers raise: in a chain of causes, or as text.
    """
    while error is not None:
        if isinstance(error, ModuleNotFoundError):
            return (
                f"executor: its workers lack a package ({error}); install scalewright and what it needs there"
            )
        for line in str(error).splitlines():
            if OTHER_VERSION in line:
                return line[line.index(OTHER_VERSION) :]
        error = error.__cause__ or error.__context__
    return ""
