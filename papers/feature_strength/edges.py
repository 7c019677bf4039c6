"""Scan networks over rates: the largest stable one, how the batch moves it, and portraits of the plane."""

import math
from dataclasses import dataclass
from functools import partial
from typing import ClassVar

import numpy as np
import torch
import xarray as xr

from scalewright.nets.data import TensorData
from scalewright.nets.feeds import Online
from scalewright.papers.feature_strength.networks import (
    Progress,
    around,
    linear_task,
    linear_tasks,
    network,
    precision,
    train,
)
from scalewright.papers.feature_strength.settings import EDGED, INPUTS, Scale
from scalewright.sim.streams import Stream

#: Share of the initial loss below which a run counts as good. A linear network that does not settle can come
#: below 2 % for a moment, and not below 0.1 %; ReLU networks take much longer to get there.
GOOD = dict.fromkeys(EDGED, 0.02) | {"linear": 1e-3}
#: Rates a decade; of the ConvNet, which costs forty times as much.
PER_DECADE, COARSE = 16, 12
#: Windows of rates over the toy's largest one, lazy and rich, that hold the edges of all networks here.
WINDOWS = {"linear": ((2.0, 25.0), (0.7, 8.0)), "relu": ((4.0, 40.0), (1.0, 11.0))}
WINDOWS |= {
    "gelu": ((10.0, 200.0), (1.0, 14.0)),
    "residual": ((2.0, 30.0), (1.0, 11.0)),
    "convnet": ((16.0, 250.0), (2.2, 14.0)),
}
#: A lazy network may catapult, its loss growing by 1/gamma^2 before it comes down: only numbers that overflow
#: count as diverged.
OVERFLOW = 1e100


def edge(
    scale: Scale, kind: str, layers: int, *, device: str, progress: Progress | None = None
) -> xr.Dataset:
    """Train full batches over a lattice of rates around the edge: who learns, who doesn't, who diverges."""
    lazy, rich = WINDOWS[kind]
    seeds, used = scale.edge_seeds[kind], network(kind, layers)
    gammas = scale.convnet_edge_gammas if kind == "convnet" else scale.edge_gammas
    per_decade = COARSE if kind == "convnet" else PER_DECADE
    cells = around(gammas, layers, seeds, per_decade=per_decade, lazy=lazy, rich=rich)
    found = train(
        used,
        cells,
        partial(linear_tasks, inputs=used.inputs),
        steps=scale.edge_steps,
        level=GOOD[kind],
        divergence=OVERFLOW,
        dtype=precision(kind),
        device=device,
        progress=progress,
    )
    return found.assign_attrs(layers=layers, kind=kind)


@dataclass(frozen=True)
class LinearTarget(Stream):
    """Gaussian inputs without end, and one linear function of them with variance 1."""

    name: ClassVar[str] = "linear"

    def target(self, inputs: np.ndarray) -> np.ndarray:
        """Return y (samples,)."""
        weights = self._generator(self.task, 0, self.inputs).standard_normal(self.inputs)
        return inputs @ weights / np.linalg.norm(weights)


#: Of the online runs: layers, and the windows of rates at a batch of 1
#: and at one of 64.
BATCH_LAYERS = 3
BATCH_WINDOWS = {1: ((0.5, 4.0), (0.25, 2.0)), 64: ((2.5, 25.0), (2.0, 14.0))}


def batch(scale: Scale, size: int, *, device: str, progress: Progress | None = None) -> xr.Dataset:
    """Train ReLU networks online on a linear target, over rates around the edge, with batches of one size."""
    lazy, rich = (_between(size, which) for which in (0, 1))
    rates = scale.batch_rates
    cells = around(scale.edge_gammas, BATCH_LAYERS, scale.batch_seeds, per_decade=rates, lazy=lazy, rich=rich)
    stream = LinearTarget(INPUTS)
    found = train(
        network("relu", BATCH_LAYERS),
        cells,
        lambda seeds: Online([stream] * len(seeds), size, seeds, evaluation=128),
        steps=scale.batch_steps,
        recorded=(0, scale.batch_steps),
        divergence=OVERFLOW,
        dtype="float64",
        device=device,
        progress=progress,
    )
    return found.assign_attrs(layers=BATCH_LAYERS, batch=size)


def _between(size: int, which: int) -> tuple[float, float]:
    """Return the window at a batch size, between those of 1 and 64 as a power of the size."""
    share = np.log(size) / np.log(64)
    low, high = (
        BATCH_WINDOWS[1][which][end] ** (1 - share) * BATCH_WINDOWS[64][which][end] ** share for end in (0, 1)
    )
    return float(low), float(high)


#: Of the portraits: layers, and windows of rates over the toy's largest one.
PORTRAIT_LAYERS = 3
PORTRAIT_WINDOWS = {"mse": ((1e-3, 1e2), (1e-3, 1e2)), "cross-entropy": ((1e-3, 1e6), (1e-3, 1e3))}
#: Share of the initial loss at which a network of the portraits has learnt. Soft classes leave an entropy.
PORTRAIT_LEVEL = {"mse": 0.1, "cross-entropy": 0.88}


def portrait(scale: Scale, loss: str, *, device: str, progress: Progress | None = None) -> xr.Dataset:
    """Train one ReLU network of 3 layers in every cell of the plane: how each ended, and its highest loss."""
    lazy, rich = PORTRAIT_WINDOWS[loss]
    cells = around(
        scale.portrait_gammas, PORTRAIT_LAYERS, 1, per_decade=scale.portrait_rates, lazy=lazy, rich=rich
    )
    data, outputs = (linear_task(0), 1) if loss == "mse" else (_soft_classes(), 2)
    found = train(
        network("relu", PORTRAIT_LAYERS, outputs=outputs),
        cells,
        data,
        loss=loss,
        steps=scale.portrait_steps,
        level=PORTRAIT_LEVEL[loss],
        divergence=OVERFLOW,
        dtype="float64",
        device=device,
        progress=progress,
    )
    return found.assign_attrs(layers=PORTRAIT_LAYERS, kind="relu")


def _soft_classes() -> TensorData:
    """Return the task of seed 0 with two classes of probabilities e/(1+e) and 1/(1+e), by the target's sign.

    The toy's soft targets: the loss is least where the difference of the logits is 1, and its least value is
    0.84 of log 2.
    """
    inputs, targets = linear_task(0)
    likely = math.e / (1 + math.e)
    first = np.where(targets[:, 0] > 0, likely, 1 - likely)
    return TensorData(torch.from_numpy(inputs), torch.from_numpy(np.stack([first, 1 - first], axis=1)))
