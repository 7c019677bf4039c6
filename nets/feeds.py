"""What the members of an ensemble train on at every step, and the samples on which they are measured."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, final

import numpy as np
import torch
from torch import Tensor

from scalewright.nets.data import TensorData, as_data
from scalewright.sim.streams import Stream


class Feed(ABC):
    """A source of batches: the batch of a step is a function of the step alone.

    Attributes:
        evaluation: the samples on which losses and observables are measured.
        whole: whether every batch is the evaluation itself.
    """

    evaluation: TensorData
    whole: bool = False

    @abstractmethod
    def batch(self, step: int) -> TensorData:
        """Return what update `step` trains on, on the evaluation's device."""

    @abstractmethod
    def to(self, dtype: torch.dtype, device: torch.device) -> "Feed":
        """Return the feed on a device, with real numbers as `dtype`."""


@final
class Whole(Feed):
    """All samples at every step."""

    whole = True

    def __init__(self, data: Any) -> None:
        """Take an (inputs, targets) pair or the result of `data.load`."""
        self.evaluation = as_data(data)

    def batch(self, step: int) -> TensorData:
        """Return all samples."""
        return self.evaluation

    def to(self, dtype: torch.dtype, device: torch.device) -> "Whole":
        """Return the feed on a device."""
        return Whole(self.evaluation.to(dtype, device))


@final
class Minibatches(Feed):
    """Batches drawn without replacement, every member in an order of its own.

    The order of an epoch depends on (the member's seed, the epoch); a last, smaller batch is left out.
    """

    def __init__(self, data: Any, size: int, seeds: Sequence[int]) -> None:
        """Take the data, the batch size and a seed for each member.

        Raises:
            ValueError: a size below 1 or beyond the number of samples.
        """
        self.evaluation, self.size, self.seeds = as_data(data), size, tuple(int(seed) for seed in seeds)
        if not 1 <= size <= self.evaluation.samples:
            raise ValueError(
                f"Minibatches: size must lie between 1 and the {self.evaluation.samples} samples; "
                f"given {size!r}"
            )
        self._epoch, self._order = -1, np.empty(0)

    def batch(self, step: int) -> TensorData:
        """Return each member's own samples (M, size, ...)."""
        epoch, place = divmod(step, self.evaluation.samples // self.size)
        if epoch != self._epoch:
            self._epoch, self._order = epoch, self._orders(epoch)
        rows = torch.from_numpy(self._order[:, place * self.size : (place + 1) * self.size])
        rows = rows.to(self.evaluation.inputs.device)
        inputs, targets = self._pick(self.evaluation.inputs, rows), self._pick(self.evaluation.targets, rows)
        return TensorData(inputs, targets, shared=False, checked=True)

    def to(self, dtype: torch.dtype, device: torch.device) -> "Minibatches":
        """Return the feed on a device."""
        return Minibatches(self.evaluation.to(dtype, device), self.size, self.seeds)

    def _orders(self, epoch: int) -> np.ndarray:
        orders = {
            seed: np.random.default_rng(np.random.SeedSequence([seed, epoch])).permutation(
                self.evaluation.samples
            )
            for seed in dict.fromkeys(self.seeds)
        }
        return np.stack([orders[seed] for seed in self.seeds])

    def _pick(self, values: Tensor, rows: Tensor) -> Tensor:
        if self.evaluation.shared:
            return values[rows]
        return values[torch.arange(len(rows), device=values.device)[:, None], rows]


@final
class Online(Feed):
    """A stream that never repeats: fresh samples for every member at every step."""

    def __init__(
        self,
        streams: Sequence[Stream],
        size: int,
        seeds: Sequence[int],
        *,
        evaluation: int = 1024,
        dtype: torch.dtype = torch.float64,
        device: torch.device | str = "cpu",
    ) -> None:
        """Take a stream and a seed for each member, the batch size and the samples for evaluation.

        Raises:
            ValueError: no stream, or another number of seeds.
        """
        if not streams or len(streams) != len(seeds):
            raise ValueError(
                "Online: streams and seeds must have the same positive number, one a member; "
                f"given {len(streams)} and {len(seeds)}"
            )
        self.streams, self.size, self.seeds = tuple(streams), size, tuple(int(seed) for seed in seeds)
        self._dtype, self._device = dtype, torch.device(device)
        self.evaluation = own_samples(self.streams, evaluation, self.seeds, step=-1).to(dtype, self._device)

    def batch(self, step: int) -> TensorData:
        """Return each member's own samples (M, size, ...)."""
        return own_samples(self.streams, self.size, self.seeds, step=step).to(self._dtype, self._device)

    def to(self, dtype: torch.dtype, device: torch.device) -> "Online":
        """Return the feed on a device."""
        return Online(
            self.streams,
            self.size,
            self.seeds,
            evaluation=self.evaluation.samples,
            dtype=dtype,
            device=device,
        )


def own_samples(
    streams: Sequence[Stream], samples: int, seeds: Sequence[int], *, step: int = -1
) -> TensorData:
    """Return samples of one step for every member (M, samples, ...), drawn once where they are the same."""
    drawn = {
        key: key[0].sample(samples, seed=key[1], step=step)
        for key in dict.fromkeys(zip(streams, seeds, strict=True))
    }
    chosen = [drawn[key] for key in zip(streams, seeds, strict=True)]
    inputs, targets = (torch.from_numpy(np.stack(parts)) for parts in zip(*chosen, strict=True))
    return TensorData(inputs, targets, streams[0].name, shared=False, checked=True)


def as_feed(data: Any) -> Feed:
    """Return a feed: itself, or the whole of a pair or of the result of `data.load` at every step."""
    return data if isinstance(data, Feed) else Whole(data)
