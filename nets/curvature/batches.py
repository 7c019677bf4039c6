"""Read the data of a measurement as batches: one pair, or an iterable of pairs, in chunks where asked for."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils._pytree import tree_flatten, tree_leaves, tree_map, tree_unflatten

from scalewright.nets.data import TensorData
from scalewright.sim import data as arrays


@dataclass(frozen=True)
class Batch:
    """Inputs and targets of some samples, and the share of all samples that they are.

    The loss over all data is the sum of share * (mean loss over the batch).
    """

    inputs: Any
    targets: Any
    samples: int
    share: float


def read_batches(
    data: Any, dtype: torch.dtype, device: torch.device, *, chunk: int | None = None
) -> list[Batch]:
    """Return the batches of `data` with real numbers as `dtype`, each split into chunks of samples.

    Args:
        data: an (inputs, targets) pair, the result of `data.load`, or an iterable of such pairs, which is
            read once and held. Inputs are a tensor, a tuple of arguments or a dict of keyword arguments;
            the number of samples is the length of the first tensor in them.
        dtype, device: of the model. Arrays are moved there; a tensor must be there already.
        chunk: largest number of samples computed at once; None: whole batches.

    Raises:
        TypeError: anything else. ValueError: no batch, an empty one, tensors on another device, numbers
            that are not finite, a chunk below 1.
    """
    if chunk is not None and (isinstance(chunk, bool) or not isinstance(chunk, int) or chunk < 1):
        raise ValueError(f"data: chunk must be a positive number of samples; given {chunk!r}")
    pairs = [(_place(x, dtype, device), _place(y, dtype, device)) for x, y in _pairs(data)]
    if not pairs:
        raise ValueError("data: the iterable of batches must hold at least one; given an empty one")
    counts = [_samples(inputs, targets) for inputs, targets in pairs]
    total = sum(counts)
    return [
        Batch(inputs, targets, size, size / total)
        for (x, y), count in zip(pairs, counts, strict=True)
        for inputs, targets, size in _chunks(x, y, count, chunk or count)
    ]


def is_one_batch(data: Any) -> bool:
    """Whether `data` is the result of `data.load` or one pair, and not several batches."""
    return isinstance(data, TensorData | arrays.Data) or _is_pair(data)


def _pairs(data: Any) -> Iterator[tuple[Any, Any]]:
    if isinstance(data, TensorData | arrays.Data):
        yield data.inputs, data.targets
    elif _is_pair(data):
        yield data[0], data[1]
    elif isinstance(data, Iterable) and not isinstance(data, str | bytes | dict | Tensor | np.ndarray):
        for batch in data:
            yield from _pairs(batch) if isinstance(batch, TensorData | arrays.Data) else [_pair(batch)]
    else:
        raise TypeError(
            "data must be an (inputs, targets) pair, the result of data.load or an iterable of pairs; "
            f"given {type(data).__name__}"
        )


def _is_pair(data: Any) -> bool:
    """Whether `data` is inputs and targets, and not two batches: two pairs in a list."""
    if not (isinstance(data, tuple | list) and len(data) == 2):
        return False
    return not all(isinstance(part, tuple | list | TensorData | arrays.Data) for part in data)


def _pair(batch: Any) -> tuple[Any, Any]:
    if isinstance(batch, tuple | list) and len(batch) == 2:
        return batch[0], batch[1]
    raise TypeError(f"data: every batch must be an (inputs, targets) pair; given {type(batch).__name__}")


def _place(tree: Any, dtype: torch.dtype, device: torch.device) -> Any:
    return tree_map(lambda leaf: _tensor(leaf, dtype, device), tree)


def _tensor(leaf: Any, dtype: torch.dtype, device: torch.device) -> Any:
    if isinstance(leaf, np.ndarray):
        leaf = torch.from_numpy(np.array(leaf)).to(device)
    if not isinstance(leaf, Tensor):
        return leaf
    if leaf.device.type != device.type or (leaf.device.index or 0) != (device.index or 0):
        raise ValueError(
            f"data must be on the model's device {device}; given a tensor on {leaf.device}: "
            f"move it with .to({str(device)!r})"
        )
    if not leaf.is_floating_point():
        return leaf.detach()
    if leaf.device.type != "meta" and not bool(leaf.isfinite().all()):
        raise ValueError("data must be finite; given nan or inf")
    return leaf.detach().to(dtype)


def _samples(inputs: Any, targets: Any) -> int:
    found = [leaf for leaf in tree_leaves(inputs) if isinstance(leaf, Tensor) and leaf.ndim]
    if not found:
        raise TypeError(f"data: inputs must hold a tensor of samples; given {type(inputs).__name__}")
    count = len(found[0])
    beside = [leaf for leaf in tree_leaves(targets) if isinstance(leaf, Tensor) and leaf.ndim]
    others = [len(leaf) for leaf in beside[:1]]
    if count == 0 or any(other != count for other in others):
        raise ValueError(
            "data: inputs and targets must have the same positive number of samples; "
            f"given {count} and {others[0] if others else 'none'}"
        )
    return count


def _chunks(inputs: Any, targets: Any, count: int, chunk: int) -> Iterator[tuple[Any, Any, int]]:
    if chunk >= count:
        yield inputs, targets, count
        return
    for start in range(0, count, chunk):
        stop = min(start + chunk, count)
        yield _rows(inputs, count, start, stop), _rows(targets, count, start, stop), stop - start


def _rows(tree: Any, count: int, start: int, stop: int) -> Any:
    """Return the samples start to stop of every tensor that holds all of them."""
    leaves, spec = tree_flatten(tree)
    return tree_unflatten(
        [
            leaf[start:stop] if isinstance(leaf, Tensor) and leaf.ndim and len(leaf) == count else leaf
            for leaf in leaves
        ],
        spec,
    )
