"""Real networks over the plane of feature-learning strength and learning rate."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np
import torch
import xarray as xr

from scalewright import nets, theory
from scalewright.nets import plane
from scalewright.nets.data import TensorData
from scalewright.nets.models import Activation
from scalewright.papers.feature_strength.settings import INPUTS, SAMPLES, WIDTH, Scale
from scalewright.theory.parametrization import Parametrization

Progress = Callable[[int, int], None]

#: Share of the initial loss at which a network has learnt.
LEARNT = 0.02
#: Training to convergence uses this share of the toy's largest stable rate: a sixth of these networks'.
SAFE = 0.3


def network(layers: int, activation: Activation, optimizer: str = "sgd") -> tuple[Any, Parametrization]:
    """Return the builder of an MLP and its muP: unit-variance weights, output over the width and gamma."""
    architecture = theory.mlp(layers, activation, loss="squared")
    build = partial(nets.models.mlp, layers, activation=activation)
    return build, theory.named(architecture, "mup", optimizer)


def linear_tasks(seeds: Sequence[int]) -> TensorData:
    """Return for each seed 16 Gaussian inputs and a linear target of mean square 1, of its own."""
    drawn = [_linear_task(seed) for seed in seeds]
    inputs, targets = (torch.from_numpy(np.stack(parts)) for parts in zip(*drawn, strict=True))
    return TensorData(inputs, targets, "linear", shared=False)


def _linear_task(seed: int) -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(np.random.SeedSequence([seed, 2410, 4642]))
    inputs = generator.standard_normal((SAMPLES, INPUTS))
    targets = inputs @ generator.standard_normal((INPUTS, 1))
    return inputs, targets / np.sqrt((targets**2).mean())


def toy_edge(gammas: np.ndarray, layers: int) -> np.ndarray:
    r"""Return $2/\lambda^*$ of the toy, $(2/L)\,\gamma^2 (1+\gamma)^{-2(L-1)/L}$: grids lie around it."""
    strength = np.asarray(gammas, dtype=float)
    return 2 / layers * strength**2 * (1 + strength) ** (-2 * (layers - 1) / layers)


def sharpness(
    scale: Scale, activation: Activation, layers: int, *, device: str, progress: Progress | None = None
) -> xr.Dataset:
    """Train to 2 % of the initial loss at a safe rate, and measure the curvature there.

    Every seed has weights and a task of its own. The rates of one gamma are one, so that each row of the
    plane has one cell.
    """
    gammas = np.array(scale.sharpness_gammas)
    etas = SAFE * toy_edge(gammas, layers)
    chosen = np.eye(len(gammas), dtype=bool)
    cells = plane.Cells(tuple(gammas), tuple(etas), tuple(range(scale.sharpness_seeds)), chosen)
    build, rule = network(layers, activation)
    found = plane.train(
        build,
        rule,
        cells,
        linear_tasks,
        width=WIDTH,
        inputs=INPUTS,
        outputs=1,
        steps=scale.sharpness_steps,
        level=LEARNT,
        quantities=("sharpness", "gauss_newton"),
        dtype="float64",
        device=device,
        progress=progress,
    )
    return found.assign_attrs(layers=layers, activation=activation)
