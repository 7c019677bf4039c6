"""Look at the runs of a grid as one dataset over its axes, whose arrays are read when they are asked for."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr
from xarray.backends import BackendArray
from xarray.core import indexing

from scalewright.sim.dataset import Variable, dataset
from scalewright.sim.store import block as blocks
from scalewright.sim.store.block import Block
from scalewright.sim.store.folder import Store


@dataclass(frozen=True)
class Shape:
    """What the arrays of a grid look like: one block of each kind tells it.

    `sizes`: dimension -> its length, the largest of all blocks; shorter ones are filled up with nan.
    """

    coordinate: str
    points: np.ndarray
    dims: Mapping[str, tuple[str, ...]]
    sizes: Mapping[str, int]

    @classmethod
    def of(cls, examples: Sequence[Block]) -> "Shape":
        """Return the shape that holds all of the examples."""
        dims: dict[str, tuple[str, ...]] = {}
        sizes: dict[str, int] = {}
        if len({(block.coordinate, *block.points.tolist()) for block in examples}) > 1:
            raise ValueError("view: all runs must have the same points; given several schedules")
        for block in examples:
            for name, values in block.values.items():
                dims[name] = tuple(block.dims[name])
                for dim, size in zip(block.dims[name], values.shape[2:], strict=True):
                    sizes[dim] = max(size, sizes.get(dim, 0))
        return cls(examples[0].coordinate, examples[0].points, dims, sizes)


class _Runs(BackendArray):
    """One variable of all runs of a grid: (*axes, points, ...), nan where a run is missing."""

    def __init__(self, store: Store, keys: np.ndarray, name: str, inner: tuple[int, ...]) -> None:
        self.store, self.keys, self.name = store, keys, name
        self.inner = inner
        self.shape = (*keys.shape, *inner)
        self.dtype = np.dtype(float)

    def __getitem__(self, key: Any) -> Any:
        """Read what an index asks for."""
        support = indexing.IndexingSupport.OUTER
        return indexing.explicit_indexing_adapter(key, self.shape, support, self._outer)

    def _outer(self, key: tuple[Any, ...]) -> np.ndarray:
        """Read the runs of an outer index: an integer, a slice or an array of integers for each dimension."""
        axes = self.keys.ndim
        chosen: Any = self.keys
        for axis, part in reversed(list(enumerate(key[:axes]))):
            chosen = chosen[(*(slice(None),) * axis, part)]
        found: Any = self._read(np.asarray(chosen))
        lead = chosen.ndim if isinstance(chosen, np.ndarray) else 0
        for axis, part in reversed(list(enumerate(key[axes:]))):
            found = found[(*(slice(None),) * (lead + axis), part)]
        return np.asarray(found)

    def _read(self, keys: np.ndarray) -> np.ndarray:
        """Return (*keys.shape, *inner), each file opened once."""
        flat = keys.ravel()
        out = np.full((len(flat), *self.inner), np.nan)
        by_file: dict[str, list[tuple[int, int]]] = {}
        places = self.store.places
        for target, key in enumerate(flat):
            if key in places:
                by_file.setdefault(places[key].file, []).append((target, places[key].row))
        for file, pairs in by_file.items():
            targets, rows = zip(*pairs, strict=True)
            values = blocks.column(self.store.blocks / file, self.name, rows)
            if values is not None:
                inside: tuple[Any, ...] = tuple(slice(0, size) for size in values.shape[1:])
                out[(list(targets), *inside)] = values
        return out.reshape(*keys.shape, *self.inner)


def open_sweep(store: Store, name: str) -> xr.Dataset:
    """Return the runs of a named sweep as a trajectory over its axes; see `view`.

    Raises:
        ValueError: no sweep of this name, or none of its runs is there.
    """
    store.refresh()
    sweep = store.sweep(name)
    axes = sweep.grid["axes"]
    keys = np.array(sweep.keys, dtype=object).reshape([len(values) for values in axes.values()])
    return view(store, keys, axes, {"name": name})


def view(
    store: Store, keys: np.ndarray, axes: Mapping[str, Sequence[Any]], attrs: Mapping[str, Any] | None = None
) -> xr.Dataset:
    """Return the runs `keys` (over the axes, in this order) as a trajectory; arrays are read on use.

    A run that is missing or failed is nan, and its `diverged_at` -2.

    Args:
        store: a store as of its last `refresh`. attrs: to be added to the dataset's.

    Raises:
        ValueError: none of the runs is there, or they were measured at different points.
    """
    places = store.places
    flat = keys.ravel()
    there = [key for key in flat if key in places]
    if not there:
        raise ValueError(f"store {store.folder} holds none of the {keys.size} runs of this grid")
    shape = Shape.of(store.examples(there))
    diverged = np.array([places[key].diverged_at if key in places else -2 for key in flat])
    variables: dict[str, Variable] = {"diverged_at": (tuple(axes), diverged.reshape(keys.shape))}
    for name, dims in shape.dims.items():
        inner = (len(shape.points), *(shape.sizes[dim] for dim in dims))
        lazy: Any = indexing.LazilyIndexedArray(_Runs(store, keys, name, inner))
        kept = indexing.MemoryCachedArray(indexing.CopyOnWriteArray(lazy))  # as `xr.open_dataset` does
        variables[name] = ((*axes, shape.coordinate, *dims), kept)
    coords = {**axes, shape.coordinate: shape.points}
    coords |= {dim: np.arange(size) for dim, size in shape.sizes.items()}
    return dataset(variables, coords, {"missing": len(flat) - len(there), **(attrs or {})})
