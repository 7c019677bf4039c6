"""Find a run's file without opening all of them, by a table that is made again from the files when need be.

The files are the truth. The table can be deleted at any time, and a damaged one is.
"""

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from scalewright.sim.store.block import Block

_TABLES = """
CREATE TABLE IF NOT EXISTS files
    (name TEXT PRIMARY KEY, size INTEGER, changed INTEGER, kind TEXT);
CREATE TABLE IF NOT EXISTS runs
    (key TEXT, file TEXT, place INTEGER, diverged INTEGER, PRIMARY KEY (key, file));
"""


@dataclass(frozen=True)
class Place:
    """Where a run lies: file and row, and the step at which it diverged, -1 if it did not."""

    file: str
    row: int
    diverged_at: int


Stamp = tuple[int, int]


class Index:
    """A table of files and runs in one SQLite file, or in memory.

    Every method may raise `sqlite3.DatabaseError`: a table of damaged or protected files is of no use, and
    one in memory does.
    """

    def __init__(self, path: Path | None) -> None:
        """Open or make the table; one that is damaged is made anew, None means memory."""
        self.path = path
        try:
            self._open()
        except sqlite3.DatabaseError:
            self._anew()

    def _open(self) -> None:
        where = ":memory:" if self.path is None else self.path
        self._connection = sqlite3.connect(where, timeout=60, isolation_level=None)
        self._connection.executescript(_TABLES)

    def _anew(self) -> None:
        try:
            assert self.path is not None
            self.path.unlink(missing_ok=True)
            self._open()
        except (OSError, sqlite3.DatabaseError):
            self.path = None
            self._open()

    def stamps(self) -> dict[str, Stamp]:
        """Return size and time of change of every file that the table knows."""
        rows = self._connection.execute("SELECT name, size, changed FROM files").fetchall()
        return {name: (size, changed) for name, size, changed in rows}

    def update(self, gone: Iterable[str], found: Iterable[tuple[str, Stamp, Block]]) -> None:
        """Forget files and take in others, as one change."""
        found, stale = list(found), [(name,) for name in gone]
        runs = [
            (key, name, row, int(block.diverged_at[row]))
            for name, _, block in found
            for row, key in enumerate(block.keys)
        ]
        with self._change() as connection:
            connection.executemany("DELETE FROM files WHERE name = ?", stale)
            connection.executemany("DELETE FROM runs WHERE file = ?", stale)
            connection.executemany(
                "INSERT OR REPLACE INTO files VALUES (?, ?, ?, ?)",
                [(name, *stamp, block.kind) for name, stamp, block in found],
            )
            connection.executemany("INSERT OR REPLACE INTO runs VALUES (?, ?, ?, ?)", runs)

    @contextmanager
    def _change(self) -> Iterator[sqlite3.Connection]:
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            yield self._connection
            self._connection.execute("COMMIT")
        except BaseException:
            with suppress(sqlite3.DatabaseError):
                self._connection.execute("ROLLBACK")
            raise

    def kinds(self) -> dict[str, str]:
        """Return the shapes of every file's arrays, in words that are equal where they are."""
        return dict(self._connection.execute("SELECT name, kind FROM files ORDER BY name").fetchall())

    def places(self) -> dict[str, Place]:
        """Return where every run lies: of several files that hold it, the first by name."""
        rows = self._connection.execute("SELECT key, file, place, diverged FROM runs ORDER BY file DESC")
        return {key: Place(file, row, diverged) for key, file, row, diverged in rows}

    def close(self) -> None:
        """Close the table."""
        self._connection.close()
