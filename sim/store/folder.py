"""The store itself: a folder of block files, the records of the sweeps, and what was set aside."""

import contextlib
import errno
import json
import os
import sqlite3
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scalewright.sim.files import write_text
from scalewright.sim.store import block as blocks
from scalewright.sim.store import sweeps
from scalewright.sim.store.block import SCHEMA, Block, Damaged
from scalewright.sim.store.index import Index, Place, Stamp
from scalewright.sim.store.sweeps import Sweep, check_name

MARK = "scalewright-store.json"
#: Seconds after which nobody is still writing a file: it takes far less than one.
ABANDONED = 3600
#: Blocks held in memory while a table is made: a store may be larger than the memory.
AT_ONCE = 32


@dataclass(frozen=True)
class Status:
    """What a store holds: runs, how many of them diverged, files, their bytes, what was set aside.

    `sweeps`: name -> (runs that are there, runs in all, of those there diverged).
    """

    runs: int
    diverged: int
    files: int
    size: int
    aside: tuple[str, ...]
    sweeps: Mapping[str, tuple[int, int, int]]


class Store:
    """A folder of runs.

    Every file is written whole under another name and renamed, so that a killed writer leaves nothing half,
    and two writers of the same block leave one of two files with the same arrays. A file that is not a whole
    block is set aside, in the subfolder `aside`, and its runs count as missing.
    """

    def __init__(self, folder: Path | str, *, create: bool = True) -> None:
        """Open a store, or make it where there is none.

        Raises:
            ValueError: no store and `create=False`; a folder that is in use for something else; another
                schema; a folder that can't be made.
        """
        self.folder = Path(folder)
        self.blocks, self.sweeps_folder = self.folder / "blocks", self.folder / "sweeps"
        self.aside_folder = self.folder / "aside"
        if not (self.folder / MARK).is_file():
            self._make(create)
        self._check_schema()
        self._index = Index(self.folder / "index.sqlite")
        self._places: dict[str, Place] | None = None

    def _make(self, create: bool) -> None:
        if not create:
            raise ValueError(f"store {self.folder} does not exist; `scalewright sweep GRID.toml` makes one")
        if self.folder.exists() and not self.folder.is_dir():
            raise ValueError(f"store {self.folder} must be a folder; given a file")
        if self.folder.is_dir() and any(self.folder.iterdir()) and not self._is_beginning():
            raise ValueError(f"store {self.folder} is a folder of other things; give a new or empty one")
        with _room_for(self.folder):
            for folder in (self.folder, self.blocks, self.sweeps_folder):
                folder.mkdir(parents=True, exist_ok=True)
            write_text(self.folder / MARK, json.dumps({"schema": SCHEMA}))

    def _is_beginning(self) -> bool:
        """Whether the folder is that of a store that is being made, or whose maker was killed."""
        return {entry.name for entry in self.folder.iterdir()} <= {"blocks", "sweeps", MARK} | {
            entry.name for entry in self.folder.glob(f".{MARK}*.part")
        }

    def _check_schema(self) -> None:
        try:
            found = json.loads((self.folder / MARK).read_text(encoding="utf-8"))["schema"]
        except (ValueError, KeyError, TypeError):
            raise ValueError(
                f"store {self.folder}: {MARK} can't be read; write {json.dumps({'schema': SCHEMA})} into it "
                "if the store is of this version"
            ) from None
        if found != SCHEMA:
            raise ValueError(
                f"store {self.folder} has schema {found!r}, and this version reads {SCHEMA}: give another "
                "folder, or read it with the version that made it"
            )

    def refresh(self) -> list[str]:
        """Look at the files that are new or changed, set aside what is no block, and say of each why."""
        self._places = None
        try:
            return self._refresh()
        except sqlite3.DatabaseError:  # a table that can't be read or written: one in memory does
            self._index = Index(None)
            return self._refresh()

    def _refresh(self) -> list[str]:
        known, found = self._index.stamps(), dict(self._files())
        kept = {name for name, stamp in found.items() if known.get(name) == stamp}
        gone = [name for name in known if name not in kept]
        if gone:
            self._index.update(gone, [])
        new: list[tuple[str, Stamp, Block]] = []
        reasons = []
        for name, stamp in found.items():
            if name in kept:
                continue
            if len(new) == AT_ONCE:
                self._index.update([], new)
                new = []
            try:
                new.append((name, stamp, blocks.read(self.blocks / name)))
            except FileNotFoundError:  # another process set it aside first
                continue
            except Damaged as error:
                reasons.append(f"{error}; it was set aside as {self._set_aside(name)}")
        if new:
            self._index.update([], new)
        return reasons

    def _files(self) -> Iterator[tuple[str, Stamp]]:
        with os.scandir(self.blocks) as entries:
            for entry in entries:
                if entry.name.startswith("."):
                    continue
                try:
                    found = entry.stat()
                except FileNotFoundError:
                    continue
                yield entry.name, (found.st_size, found.st_mtime_ns)

    def _set_aside(self, name: str) -> str:
        self.aside_folder.mkdir(exist_ok=True)
        target = self.aside_folder / f"{name}.{time.time_ns()}"
        with contextlib.suppress(FileNotFoundError):  # another process was first
            (self.blocks / name).rename(target)
        return f"aside/{target.name}"

    @property
    def places(self) -> Mapping[str, Place]:
        """Where every stored run lies, by key, as of the last `refresh`."""
        if self._places is None:
            self._places = self._index.places()
        return self._places

    def examples(self, keys: Iterable[str]) -> list[Block]:
        """Return a block of every kind among those that hold the runs."""
        files = {self.places[key].file for key in keys}
        of_kind = {kind: name for name, kind in self._index.kinds().items() if name in files}
        return [blocks.read(self.blocks / name) for name in of_kind.values()]

    def add(self, block: Block) -> None:
        """Write a block.

        Raises:
            ValueError: no room on the disk, or no right to write; the store is as it was.
        """
        with _room_for(self.folder):
            path = blocks.write(block, self.blocks)
        found = path.stat()
        with contextlib.suppress(sqlite3.DatabaseError):  # the next look at the files finds it
            self._index.update([path.name], [(path.name, (found.st_size, found.st_mtime_ns), block)])
        self._places = None

    def block_of(self, key: str) -> tuple[Block, int]:
        """Return the block that holds a run, and the run's row in it."""
        place = self.places[key]
        return blocks.read(self.blocks / place.file), place.row

    def remember(self, sweep: Sweep) -> None:
        """Write down a sweep under its name; a wider grid takes the place of the old one.

        Raises:
            ValueError: a name that is no file name, or under which another grid is stored.
        """
        check_name(sweep.name)
        path = self.sweeps_folder / f"{sweep.name}.json"
        if path.exists():
            change = sweeps.changes(sweeps.read(path).grid, sweep.grid)
            if change:
                raise ValueError(
                    f"sweep {sweep.name!r} is stored in {self.folder} with another grid: {change}; "
                    "give the new grid another name"
                )
        with _room_for(self.folder):
            write_text(path, sweep.to_json())

    def sweeps(self) -> list[Sweep]:
        """Return the sweeps of the store, by name."""
        return [sweeps.read(path) for path in sorted(self.sweeps_folder.glob("*.json"))]

    def sweep(self, name: str) -> Sweep:
        """Return a sweep by name; ValueError with the known ones."""
        known = {path.stem for path in self.sweeps_folder.glob("*.json")}
        if name not in known:
            raise ValueError(
                f"store {self.folder}: sweep must be one of {', '.join(sorted(known)) or 'none'}; "
                f"given {name!r}"
            )
        return sweeps.read(self.sweeps_folder / f"{name}.json")

    def status(self) -> Status:
        """Return what the store holds, after a look at its files."""
        self.refresh()
        places = self.places
        files = dict(self._files())
        return Status(
            len(places),
            sum(place.diverged_at >= 0 for place in places.values()),
            len(files),
            sum(size for size, _ in files.values()),
            tuple(sorted(p.name for p in self.aside_folder.glob("*"))) if self.aside_folder.exists() else (),
            {sweep.name: _counts(sweep.keys, places) for sweep in self.sweeps()},
        )

    def prune(self, *, dry: bool = False) -> tuple[int, int]:
        """Delete the files that hold no run of a named sweep, and half-written ones; return files and runs.

        Runs that share a file with one that is wanted stay, and so does what may be in the middle of being
        written.
        """
        self.refresh()
        wanted = {key for sweep in self.sweeps() for key in sweep.keys}
        by_file: dict[str, list[str]] = {}
        for key, place in self.places.items():
            by_file.setdefault(place.file, []).append(key)
        unused = [name for name, _ in self._files() if not wanted.intersection(by_file.get(name, ()))]
        runs = sum(len(by_file.get(name, ())) for name in unused)
        if not dry:
            for name in unused:
                (self.blocks / name).unlink(missing_ok=True)
            for part in self.blocks.glob(".*.part"):
                with contextlib.suppress(FileNotFoundError):
                    if time.time() - part.stat().st_mtime > ABANDONED:
                        part.unlink()
            self.refresh()
        return len(unused), runs


def _counts(keys: Iterable[str], places: Mapping[str, Place]) -> tuple[int, int, int]:
    keys = list(keys)
    there = [places[key] for key in keys if key in places]
    return len(there), len(keys), sum(place.diverged_at >= 0 for place in there)


class _room_for:
    """Turn what a full or protected disk raises into one sentence."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: Any, error: BaseException | None, _: Any) -> None:
        if not isinstance(error, OSError):
            return
        full = error.errno in (errno.ENOSPC, errno.EDQUOT) or "No space left" in str(error)
        reason = "its disk is full" if full else (error.strerror or str(error)).lower()
        raise ValueError(
            f"store {self.folder} can't be written: {reason}; what it holds is whole: make room and run the "
            "same again, and only what is missing is computed"
        ) from error
