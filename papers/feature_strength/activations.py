"""Train networks whose activation is no ReLU: bounded ones to half the loss, powers of a ReLU to the end."""

from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import xarray as xr

from scalewright import nets
from scalewright.nets import plane
from scalewright.papers.feature_strength.convergence import CONVERGED_AT, SAFE
from scalewright.papers.feature_strength.networks import (
    Network,
    Progress,
    linear_tasks,
    network,
    toy_edge,
    train,
)
from scalewright.papers.feature_strength.settings import Scale
from scalewright.theory.richness import total_degree

#: Half the loss: numbers of layers, and the rates of tanh networks as a factor and a power of gamma, a third
#: of what they bear or less.
HALVED = (2, 3)
TANH = {2: (0.2, 1.0), 3: (1.0, 0.2)}
HALF, HALF_STEPS = 0.5, 40_000
#: Two layers with powers of a ReLU: the rate over gamma^(2/S), S the network's degree, and the strengths.
#: These begin where gamma^(-2/S), the squared weights of the start over those of the end, is at most 3.2 %
#: (0.2 % for squares, 3.2 % for cubes), and end where the steps still suffice.
POWER_LAYERS, POWERS = 2, {2: (0.12, 1e4, 1e5), 3: (0.05, 1e3, 1e4)}
POWER_STEPS = 10_000


def half(
    scale: Scale, kind: str, layers: int, *, device: str, progress: Progress | None = None
) -> xr.Dataset:
    """Train tanh or ReLU networks until the loss has halved, each gamma at one rate."""
    gammas = np.array(scale.bounded_gammas[layers])
    factor, power = TANH[layers]
    etas = factor * gammas**power if kind == "tanh" else SAFE * toy_edge(gammas, layers)
    found = _train(
        network(kind, layers),
        gammas,
        etas,
        scale,
        steps=HALF_STEPS,
        level=HALF,
        device=device,
        progress=progress,
    )
    return found.assign_attrs(layers=layers, kind=kind)


def powers(scale: Scale, power: int, *, device: str, progress: Progress | None = None) -> xr.Dataset:
    """Train networks with a power of a ReLU to convergence, and measure the curvature there."""
    factor, first, last = POWERS[power]
    gammas = np.geomspace(first, last, scale.power_points)
    found = _train(
        replace(network("relu", POWER_LAYERS), build=partial(nets.models.power_mlp, power, POWER_LAYERS)),
        gammas,
        factor * gammas ** (2 / int(total_degree(POWER_LAYERS, power))),
        scale,
        steps=POWER_STEPS,
        level=CONVERGED_AT,
        quantities=("gauss_newton",),
        device=device,
        progress=progress,
    )
    return found.assign_attrs(layers=POWER_LAYERS, kind=f"ReLU^{power}", power=power)


def _train(used: Network, gammas: np.ndarray, etas: np.ndarray, scale: Scale, **options: Any) -> xr.Dataset:
    """Train with one rate at every gamma."""
    cells = plane.Cells(
        tuple(gammas.tolist()),
        tuple(etas.tolist()),
        tuple(range(scale.activation_seeds)),
        np.eye(len(gammas), dtype=bool),
    )
    return train(used, cells, linear_tasks, dtype="float64", **options)
