"""Train networks of several widths for a few steps, and check how the updates of every layer scale."""

import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from numbers import Integral
from typing import Any, Literal

import numpy as np
import torch
import xarray as xr
from torch import Tensor, nn

from scalewright.nets.coordinates.monitor import Coordinates, Reading
from scalewright.nets.coordinates.result import CoordinateCheck, Unstable
from scalewright.nets.curvature import guard
from scalewright.nets.curvature.loss_function import loss_function
from scalewright.nets.data import TensorData, as_data
from scalewright.nets.device import resolve
from scalewright.nets.feeds import Feed, Minibatches, Whole
from scalewright.nets.initial import check_seed
from scalewright.sim.dataset import dataset

Against = Literal["initial", "previous"]
Progress = Callable[[int, int], None]


def coordinate_check(
    build: Callable[..., nn.Module],
    data: Any,
    *,
    widths: Sequence[int],
    optimizer: Callable[..., torch.optim.Optimizer],
    loss: Any = "cross-entropy",
    steps: int = 4,
    at: Iterable[int] | None = None,
    seeds: Sequence[int] = range(4),
    batch: int | None = None,
    probe: int = 256,
    against: Against = "initial",
    alignment: bool = False,
    gradient: bool = False,
    predicted: Mapping[str, Any] | None = None,
    device: str = "auto",
    progress: Progress | None = None,
) -> CoordinateCheck:
    r"""Train networks of several widths for a few steps and measure the refined coordinate check of each.

    For each layer, $W_t x_t - W_0 x_0 = (W_t - W_0) x_t + W_0 (x_t - x_0)$: the effective and the propagating
    update, whose powers of the width can differ. See `Coordinates` for the sizes.

    Args:
        build: returns a module with its initial weights; called with those of `width`, `seed` that it takes,
            torch's generator seeded with the seed. What `parametrize` returns is fine.
        data: an (inputs, targets) pair or the result of `data.load`.
        widths: increasing. One width gives sizes and no slopes.
        optimizer: called with those of `model`, `width` that it takes (the first argument is the model),
            returns a torch optimizer.
        loss: "mse", "cross-entropy", or a function (outputs, targets) -> number.
        steps: number of updates. at: after which of them to measure, the last one by default.
        seeds: at least two for intervals. batch: samples a step, drawn in an order of each seed; None takes
            all.
        probe: the first so many samples are those on which layers are measured.
        against: compare with the weights at initialisation, or with those before the last update.
        alignment, gradient: also measure these; see `Coordinates.measure`.
        predicted: {parameter name: object with attributes effective, propagating, total}, such as
            `theory.profile(...)["width"].slopes()`, to stand beside the measured powers. Blocks of a stack
            may be named once.
        device: "auto", "cpu" or "cuda". progress: called as progress(done, total) after every run.

    Returns:
        A CoordinateCheck. A run that meets a number that is not finite ends there and is listed in `unstable`
        with its step and the first layer.

    Raises:
        ValueError: widths that don't increase, no seed, steps outside 1 ... `steps`, a batch beyond the
            samples.
        TypeError: a `build` that returns no module.

    Cost: `steps` gradients a width and seed, and three forward passes a measurement.
    Reference: Haas et al. 2025, arXiv 2505.22491, equation (RCC).

    Example:
        >>> from scalewright import nets
        >>> found = coordinate_check(
        ...     lambda width: nets.models.mlp(3, width, 8, 2),
        ...     (torch.randn(32, 8), torch.arange(32) % 2),
        ...     widths=[16, 32],
        ...     seeds=range(2),
        ...     optimizer=lambda model: torch.optim.SGD(model.parameters(), lr=0.1),
        ...     device="cpu",
        ... )
        >>> sorted(found.data.sizes)
        ['layer', 'seed', 'step', 'width']
    """
    measured_at = _check(widths, seeds, steps, at, against)
    if probe < 1:
        raise ValueError(f"coordinate_check: probe must be at least one sample; given {probe!r}")
    if "width" not in (taken := _accepted(build)) and None not in taken:
        raise TypeError(
            f"coordinate_check: build must take `width`; given one that takes {', '.join(map(str, taken))}"
        )
    place, batches = resolve(device), as_data(data)
    run = _Run(build, optimizer, loss, steps, measured_at, batch, probe, against, alignment, gradient, place)
    found: dict[tuple[int, int], dict[int, Reading]] = {}
    skipped: dict[str, str] = {}
    unstable: list[Unstable] = []
    pairs = [(int(width), int(seed)) for width in widths for seed in seeds]
    for done, (width, seed) in enumerate(pairs):
        found[width, seed], watch, ended = run(width, seed, batches)
        skipped |= watch.skipped
        unstable += ended
        if progress is not None:
            progress(done + 1, len(pairs))
    return CoordinateCheck(
        _dataset(found, list(map(int, widths)), list(map(int, seeds)), measured_at),
        skipped,
        tuple(unstable),
        dict(predicted or {}),
        against,
    )


@dataclass(frozen=True)
class _Run:
    """How one network is built, trained and measured."""

    build: Callable[..., nn.Module]
    optimizer: Callable[..., torch.optim.Optimizer]
    loss: Any
    steps: int
    at: Sequence[int]
    batch: int | None
    probe: int
    against: Against
    alignment: bool
    gradient: bool
    device: torch.device

    def __call__(
        self, width: int, seed: int, data: TensorData
    ) -> tuple[dict[int, Reading], Coordinates, list[Unstable]]:
        """Return what was measured at each step, the monitor, and where the run broke off, if it did."""
        with guard.same_random_state():
            torch.manual_seed(seed)
            model = _taking(self.build, width=width, seed=seed)()
        if not isinstance(model, nn.Module):
            raise TypeError(
                f"coordinate_check: build must return a torch.nn.Module; it returned {type(model).__name__}"
            )
        model = model.to(self.device)
        feed, value = self._feed(model, seed, data), loss_function(self.loss)
        update = _taking(self.optimizer, 1, width=width)(model)
        watch = Coordinates(model)
        readings: dict[int, Reading] = {}
        for step in range(1, self.steps + 1):
            inputs, targets = _batch(feed, step - 1)
            update.zero_grad()
            current = value(model(inputs), targets)
            if not bool(torch.isfinite(current).all()):
                return readings, watch, [self._ended(watch, feed, width, seed, step - 1)]
            current.sum().backward()
            if self.against == "previous" and step in self.at:
                watch.restart()
            update.step()
            if step in self.at:
                reading = self._measure(watch, feed)
                if reading.nonfinite is not None:
                    return readings, watch, [Unstable(width, seed, step, reading.nonfinite)]
                readings[step] = reading
        return readings, watch, []

    def _feed(self, model: nn.Module, seed: int, data: TensorData) -> Feed:
        real = next((w.dtype for w in model.parameters() if w.is_floating_point()), torch.float32)
        there = data.to(real, self.device)
        return Whole(there) if self.batch is None else Minibatches(there, self.batch, (seed,))

    def _measure(self, watch: Coordinates, feed: Feed) -> Reading:
        inputs, targets = (
            values[: self.probe] for values in (feed.evaluation.inputs, feed.evaluation.targets)
        )
        wanted = {"targets": targets, "loss": self.loss} if self.gradient else {}
        return watch.measure(inputs, alignment=self.alignment, **wanted)

    def _ended(self, watch: Coordinates, feed: Feed, width: int, seed: int, step: int) -> Unstable:
        layer = watch.measure(feed.evaluation.inputs[: self.probe]).nonfinite
        return Unstable(width, seed, step, layer or "loss")


def _batch(feed: Feed, step: int) -> tuple[Tensor, Tensor]:
    """Return the samples of a step without an axis of members."""
    batch = feed.batch(step)
    return (batch.inputs, batch.targets) if batch.shared else (batch.inputs[0], batch.targets[0])


def _taking(function: Callable[..., Any], positional: int = 0, **offered: int) -> Callable[..., Any]:
    """Return the function with those of the offered numbers that it takes by name, besides its first ones."""
    names = _accepted(function)[positional:]
    chosen = {name: value for name, value in offered.items() if None in names or name in names}
    return lambda *args: function(*args, **chosen)


def _accepted(function: Callable[..., Any]) -> list[str | None]:
    """Return the names of the arguments that a function takes, None for any."""
    try:
        parameters = inspect.signature(function).parameters.values()
    except ValueError:  # some built-in classes don't say what they take
        return []
    return [None if parameter.kind is parameter.VAR_KEYWORD else parameter.name for parameter in parameters]


def _check(
    widths: Sequence[int], seeds: Sequence[int], steps: int, at: Iterable[int] | None, against: str
) -> list[int]:
    """Raise unless the numbers can be used; return the steps after which to measure."""
    sizes = list(widths)
    numbers = all(isinstance(w, Integral) and not isinstance(w, bool) and w > 0 for w in sizes)
    if not sizes or not numbers or sorted(set(sizes)) != sizes:
        raise ValueError(f"coordinate_check: widths must be increasing positive integers; given {sizes}")
    for seed in seeds:
        check_seed("coordinate_check: every seed", seed)
    if not len(seeds) or len(set(seeds)) < len(seeds):
        raise ValueError(f"coordinate_check: seeds must be different, at least one; given {list(seeds)}")
    if isinstance(steps, bool) or not isinstance(steps, Integral) or steps < 1:
        raise ValueError(f"coordinate_check: steps must be an integer of at least 1; given {steps!r}")
    wanted = sorted(set([steps] if at is None else at))
    outside = [step for step in wanted if not 1 <= step <= steps]
    if not wanted or outside:
        raise ValueError(
            f"coordinate_check: at must hold steps between 1 and steps = {steps}; given {outside or wanted}"
        )
    if against not in ("initial", "previous"):
        raise ValueError(f"coordinate_check: against must be 'initial' or 'previous'; given {against!r}")
    return wanted


def _dataset(
    found: Mapping[tuple[int, int], Mapping[int, Reading]],
    widths: list[int],
    seeds: list[int],
    steps: list[int],
) -> xr.Dataset:
    readings = [reading for run in found.values() for reading in run.values()]
    layers = list(dict.fromkeys(name for reading in readings for name in reading.rows))
    names = list(dict.fromkeys(key for reading in readings for row in reading.rows.values() for key in row))
    arrays = {name: np.full((len(widths), len(seeds), len(steps), len(layers)), np.nan) for name in names}
    for (width, seed), run in found.items():
        for step, reading in run.items():
            for layer, row in reading.rows.items():
                place = widths.index(width), seeds.index(seed), steps.index(step), layers.index(layer)
                for name, value in row.items():
                    arrays[name][place] = value
    dims = ("width", "seed", "step", "layer")
    coords = {"width": widths, "seed": seeds, "step": steps, "layer": layers}
    return dataset({name: (dims, values) for name, values in arrays.items()}, coords)
