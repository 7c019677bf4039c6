"""Train networks of every strength to convergence, and measure their curvature there."""

from functools import partial

import numpy as np
import xarray as xr

from scalewright.nets import plane
from scalewright.papers.feature_strength.networks import (
    Progress,
    linear_tasks,
    network,
    precision,
    toy_edge,
    train,
)
from scalewright.papers.feature_strength.settings import Scale

#: Share of the initial loss at which a network counts as converged.
CONVERGED_AT = 0.02
#: Training uses this share of the toy's largest stable rate: about a sixth of these networks' own.
SAFE = 0.3
#: Convolutional networks bear twice that, and are trained in float32 where centring allows it.
CONVNET_SAFE = 0.8
STEPS = 20_000


def sharpness(
    scale: Scale, kind: str, layers: int, *, device: str, progress: Progress | None = None
) -> xr.Dataset:
    """Train to 2 % of the initial loss at a safe rate, and measure the curvature there.

    Every seed has weights and a task of its own. The rates of one gamma are one, so that each row of the
    plane has one cell.
    """
    convnet = kind == "convnet"
    gammas = np.array(scale.convnet_gammas if convnet else scale.sharpness_gammas)
    etas = (CONVNET_SAFE if convnet else SAFE) * toy_edge(gammas, layers)
    seeds = tuple(range(scale.convnet_seeds if convnet else scale.sharpness_seeds))
    cells = plane.Cells(tuple(gammas), tuple(etas), seeds, np.eye(len(gammas), dtype=bool))
    used = network(kind, layers)
    found = train(
        used,
        cells,
        partial(linear_tasks, inputs=used.inputs),
        steps=STEPS,
        level=CONVERGED_AT,
        quantities=("sharpness", "gauss_newton"),
        dtype=precision(kind),
        device=device,
        progress=progress,
    )
    return found.assign_attrs(layers=layers, kind=kind)
