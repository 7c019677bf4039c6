"""The perceptrons that are trained: a parametrization by name, one rate for all, many members at once."""

from collections.abc import Sequence
from fractions import Fraction
from functools import partial

import numpy as np
import torch

from scalewright import nets
from scalewright.papers.large_learning_rates import task
from scalewright.papers.large_learning_rates.settings import Scale
from scalewright.sim.data import Data
from scalewright.theory import Parametrization, mlp, named

#: Losses by the names of nets, and as theory calls them.
LOSSES = {"cross-entropy": "cross-entropy", "mse": "squared"}


def rule_of(
    name: str, layers: int, optimizer: str = "sgd", *, power: Fraction | None = None
) -> Parametrization:
    """Return a parametrization by name; with a power c, one global rate n^-c for all of its layers.

    Named parametrizations are solved under cross-entropy: some don't exist under the squared loss, which is
    what is to be shown.
    """
    rule = named(mlp(layers), name, optimizer)
    return rule if power is None else rule.with_lr({"width": -power})


def targets_of(data: Data, loss: str) -> np.ndarray:
    """Return class indices for cross-entropy, one-hot vectors for the squared loss."""
    return data.labels if loss == "cross-entropy" else data.targets


def ensemble(
    rule: Parametrization,
    layers: int,
    width: int,
    data: Data,
    *,
    seeds: Sequence[int],
    lrs: np.ndarray,
    device: str,
) -> nets.Ensemble:
    """Stack ReLU perceptrons of one width in float32, with He's gain in all layers.

    `lrs` (seeds, rates) holds the base rates of every seed; the last axis runs fastest.
    """
    return nets.Ensemble.stack(
        partial(nets.models.mlp, layers),
        rule,
        [nets.Member(seed, float(lr)) for seed, row in zip(seeds, lrs, strict=True) for lr in row],
        width=width,
        inputs=data.inputs.shape[1],
        outputs=data.targets.shape[1],
        dtype=torch.float32,
        device=device,
    )


def single(rule: Parametrization, layers: int, width: int, data: Data, *, seed: int) -> nets.Parametrized:
    """Return one such network as a torch module."""
    return nets.parametrize(
        partial(nets.models.mlp, layers),
        rule,
        width=width,
        inputs=data.inputs.shape[1],
        outputs=data.targets.shape[1],
        seed=seed,
        dtype=torch.float32,
    )


def load(scale: Scale) -> tuple[Data, Data]:
    """Return the task of a scale: what trains, and what is held out."""
    return task.load(scale.data, scale.samples)
