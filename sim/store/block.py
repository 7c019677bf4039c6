"""A block of runs of one shape, and its file: arrays, what made each run, and a digest of all of it."""

import hashlib
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from scalewright.sim.dataset import netcdf
from scalewright.sim.files import write_bytes

#: Version of the files' layout; a file of another one is not read.
SCHEMA = 1
ENDING = ".nc"
#: Length of the SHA-256 at the end of a file, after the bytes that readers of NetCDF look at.
SEAL = hashlib.sha256().digest_size


class Damaged(ValueError):
    """A file that is not a whole block of this schema."""


@dataclass(frozen=True)
class Block:
    """Runs of one shape with their results.

    Attributes:
        keys: one a run, a hash of what made it.
        specifications: one a run, plain data.
        coordinate: "step" or "time". points: its values (T,).
        values: variable -> (runs, T, ...), float64; dims: variable -> its dimensions after those two.
        diverged_at: first step at which a run diverged, -1 for the others (runs,).
        provenance: what else the numbers depend on, and when they were made.
    """

    keys: tuple[str, ...]
    specifications: tuple[dict[str, Any], ...]
    coordinate: str
    points: np.ndarray
    values: Mapping[str, np.ndarray]
    dims: Mapping[str, tuple[str, ...]]
    diverged_at: np.ndarray
    provenance: Mapping[str, Any] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """A hash of the keys: the file's name."""
        return hashlib.sha256("".join(self.keys).encode()).hexdigest()[:24]

    @property
    def kind(self) -> str:
        """The variables, their dimensions and sizes, and the points, in words."""
        shapes = {name: (self.dims[name], values.shape[2:]) for name, values in self.values.items()}
        return json.dumps([self.coordinate, self.points.tolist(), shapes], sort_keys=True)

    def digest(self) -> str:
        """Return a SHA-256 of the runs and their arrays, provenance left out."""
        found = hashlib.sha256(_index(self).encode())
        for array in (self.points, self.diverged_at):
            found.update(np.ascontiguousarray(array).tobytes())
        for name in sorted(self.values):
            found.update(name.encode() + np.ascontiguousarray(self.values[name]).tobytes())
        return found.hexdigest()

    def rows(self, chosen: Sequence[int]) -> "Block":
        """Return some of the runs as a block."""
        rows = list(chosen)
        return Block(
            tuple(self.keys[row] for row in rows),
            tuple(self.specifications[row] for row in rows),
            self.coordinate,
            self.points,
            {name: values[rows] for name, values in self.values.items()},
            self.dims,
            self.diverged_at[rows],
            self.provenance,
        )


def _index(block: Block) -> str:
    return json.dumps([block.keys, block.specifications], sort_keys=True)


def write(block: Block, folder: Path) -> Path:
    """Write a block as NetCDF-4 under its own name, whole or not at all.

    Raises:
        OSError: no room or no right to write; nothing is left behind.
    """
    return write_bytes(folder / f"{block.name}{ENDING}", sealed(netcdf(_dataset(block))))


def sealed(content: bytes) -> bytes:
    """Return the bytes with their SHA-256 behind them."""
    return content + hashlib.sha256(content).digest()


def _dataset(block: Block) -> Any:
    import xarray as xr

    # the runs as bytes: attributes of a file hold 64 kB at most, and names of variables no free text
    text = np.frombuffer(_index(block).encode(), dtype=np.uint8)
    variables: dict[str, Any] = {"_runs": (("_byte",), text), "diverged_at": (("run",), block.diverged_at)}
    for name, values in block.values.items():
        variables[name] = (("run", block.coordinate, *block.dims[name]), values)
    dims = {name: list(dims) for name, dims in block.dims.items()}
    attrs = {
        "scalewright_schema": str(SCHEMA),
        "coordinate": block.coordinate,
        "dims": json.dumps(dims, sort_keys=True),
        "digest": block.digest(),
        "provenance": json.dumps(block.provenance, sort_keys=True),
    }
    return xr.Dataset(variables, {block.coordinate: block.points}, attrs)


def read(path: Path) -> Block:
    """Return the block of a file, checked against its seal and its digest.

    The seal comes first: HDF5 can be caught in a loop by bytes that were changed.

    Raises:
        Damaged: a truncated, changed or foreign file, or one of another schema.
        OSError: a file that can't be opened.
    """
    import h5py

    content = b"" if path.is_dir() else path.read_bytes()
    if len(content) <= SEAL or sealed(content[:-SEAL]) != content:
        raise Damaged(f"{path.name}: no whole block of runs")
    try:
        with h5py.File(io.BytesIO(content), "r") as file:
            block = _block(file)
            stored = str(file.attrs["digest"])
    except Exception as error:  # what a file of anything raises when it is read as a block, nobody lists
        raise Damaged(f"{path.name}: {error}") from error
    if block.digest() != stored:
        raise Damaged(f"{path.name}: its arrays are not those of its digest")
    if f"{block.name}{ENDING}" != path.name:
        raise Damaged(f"{path.name}: holds the runs of {block.name}")
    return block


def _block(file: Any) -> Block:
    schema = file.attrs["scalewright_schema"]
    if schema != str(SCHEMA):
        raise ValueError(f"schema {schema}, where this version reads {SCHEMA}")
    keys, specifications = json.loads(bytes(file["_runs"][...]).decode())
    dims = {name: tuple(found) for name, found in json.loads(file.attrs["dims"]).items()}
    coordinate = str(file.attrs["coordinate"])
    return Block(
        tuple(keys),
        tuple(specifications),
        coordinate,
        file[coordinate][...],
        {name: file[name][...] for name in dims},
        dims,
        file["diverged_at"][...],
        json.loads(file.attrs["provenance"]),
    )


def column(path: Path, name: str, rows: Sequence[int]) -> np.ndarray | None:
    """Return some rows of one variable, None where the block has none of that name. Cost: one opened file."""
    import h5py

    with h5py.File(path, "r") as file:
        return file[name][...][list(rows)] if name in file else None
