"""Train networks whose activation is no ReLU: bounded ones to half the loss, powers of a ReLU to the end."""

from dataclasses import replace
from functools import partial

import numpy as np
import xarray as xr

from scalewright import nets
from scalewright.nets import plane
from scalewright.papers.feature_strength.convergence import CONVERGED_AT
from scalewright.papers.feature_strength.networks import Progress, linear_tasks, network, train
from scalewright.papers.feature_strength.settings import Scale
from scalewright.theory.richness import total_degree

#: Bounded networks by layers: one rate for all strengths, about a third of the largest.
BOUNDED = {2: 0.3, 3: 0.2}
BOUNDED_STEPS, HALF = 20_000, 0.5
#: Networks of squared ReLUs by layers, and their rate over gamma^(2/S), S their degree.
POWER, POWERED = 2, {2: 0.05, 3: 0.02}
POWER_STEPS = 6000


def bounded(scale: Scale, layers: int, *, device: str, progress: Progress | None = None) -> xr.Dataset:
    """Train tanh networks at one rate until the loss has halved: the time in which their readout grows."""
    strengths = scale.bounded_gammas
    cells = plane.Cells(
        strengths,
        (BOUNDED[layers],),
        tuple(range(scale.activation_seeds)),
        np.ones((len(strengths), 1), dtype=bool),
    )
    found = train(
        network("tanh", layers),
        cells,
        linear_tasks,
        steps=BOUNDED_STEPS,
        level=HALF,
        dtype="float64",
        device=device,
        progress=progress,
    )
    return found.assign_attrs(layers=layers, kind="tanh")


def squared(scale: Scale, layers: int, *, device: str, progress: Progress | None = None) -> xr.Dataset:
    """Train networks of squared ReLUs to convergence, and measure the curvature there."""
    strengths = np.array(scale.power_gammas)
    etas = POWERED[layers] * strengths ** (2 / int(total_degree(layers, POWER)))
    cells = plane.Cells(
        tuple(strengths),
        tuple(etas),
        tuple(range(scale.activation_seeds)),
        np.eye(len(strengths), dtype=bool),
    )
    used = replace(network("relu", layers), build=partial(nets.models.power_mlp, POWER, layers))
    found = train(
        used,
        cells,
        linear_tasks,
        steps=POWER_STEPS,
        level=CONVERGED_AT,
        quantities=("gauss_newton",),
        dtype="float64",
        device=device,
        progress=progress,
    )
    return found.assign_attrs(layers=layers, kind="squared relu")
