"""Hold data as tensors: the data sets of `sim.data`, or an (inputs, targets) pair of one's own."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from scalewright.nets.device import resolve
from scalewright.sim import data as arrays


@dataclass(frozen=True)
class TensorData:
    """Inputs (P, ...) and targets (P, K) or (P,) on one device; name and checksum where they are known.

    With `shared=False` each member of an ensemble has samples of its own: inputs (M, P, ...), targets
    (M, P, K) or (M, P). `checked` says that the numbers are known to be finite.
    """

    inputs: Tensor
    targets: Tensor
    name: str = "given"
    sha256: str = ""
    shared: bool = True
    checked: bool = False

    def __post_init__(self) -> None:
        if self.checked:
            return
        lead = 1 if self.shared else 2
        counts = [tuple(values.shape[:lead]) for values in (self.inputs, self.targets)]
        if 0 in counts[0] or counts[0] != counts[1]:
            raise ValueError(
                "data: inputs and targets must have the same positive number of samples; "
                f"given {' and '.join(str(count[0] if self.shared else count) for count in counts)}"
            )
        for name, values in (("inputs", self.inputs), ("targets", self.targets)):
            rows = values if self.shared else values.flatten(0, 1)
            finite = rows.isfinite().reshape(len(rows), -1).all(1)
            if not bool(finite.all()):
                first = int((~finite).nonzero()[0])
                raise ValueError(f"data: {name} must be finite; given nan or inf in sample {first}")

    @property
    def samples(self) -> int:
        """Number of samples P (of each member, where they are not shared)."""
        return len(self.inputs) if self.shared else self.inputs.shape[1]

    def select(self, members: Tensor) -> "TensorData":
        """Return the data of some members of an ensemble: themselves where they are shared."""
        if self.shared:
            return self
        return replace(self, inputs=self.inputs[members], targets=self.targets[members], checked=True)

    def to(self, dtype: torch.dtype, device: torch.device) -> "TensorData":
        """Return the data on `device` with real numbers as `dtype`; class indices stay integers."""
        moved = [t.to(device, dtype if t.is_floating_point() else None) for t in (self.inputs, self.targets)]
        return replace(self, inputs=moved[0], targets=moved[1])


def load(
    name: str,
    *,
    samples: int | None = None,
    targets: arrays.Targets = "centred",
    dtype: torch.dtype = torch.float64,
    device: str = "auto",
) -> TensorData:
    """Return a data set of `sim.data.load` as tensors; the arguments are those of `sim.data.load`.

    Raises:
        ValueError: as `sim.data.load`, or an unusable device.
    """
    loaded = arrays.load(name, samples=samples, targets=targets)
    return as_data(loaded).to(dtype, resolve(device))


def as_data(data: Any) -> TensorData:
    """Return `data` as `TensorData`: an (inputs, targets) pair, or anything with `.inputs` and `.targets`.

    Raises:
        TypeError: neither of the two.
    """
    if isinstance(data, TensorData):
        return data
    if isinstance(data, arrays.Data):
        return TensorData(_tensor(data.inputs), _tensor(data.targets), data.name, data.sha256)
    if isinstance(data, tuple | list) and len(data) == 2:
        return TensorData(_tensor(data[0]), _tensor(data[1]))
    kind = type(data).__name__
    raise TypeError(f"data must be an (inputs, targets) pair or the result of data.load; given {kind}")


def _tensor(array: Any) -> Tensor:
    return array.detach() if isinstance(array, Tensor) else torch.from_numpy(np.array(array))
