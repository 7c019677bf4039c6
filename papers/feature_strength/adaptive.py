"""Train networks by Adam: how far their weights must move before they have learnt."""

import numpy as np
import xarray as xr

from scalewright.nets import Settings, plane
from scalewright.papers.feature_strength.networks import Progress, linear_tasks, network, train
from scalewright.papers.feature_strength.settings import Scale

GAMMAS = (1e-3, 1e-2, 1e2, 1e3, 1e4)
LAYERS = (2, 3)
#: Rate over gamma / (1 + gamma)^(1 - 1/L): small enough for two hundred steps or more.
STEP = 0.005
STEPS, LEARNT = 4000, 0.5
#: Adam's decays; an epsilon that never counts.
ADAM = Settings(betas=(0.9, 0.99), eps=1e-30)


def distance(scale: Scale, layers: int, *, device: str, progress: Progress | None = None) -> xr.Dataset:
    """Train linear networks by Adam at small rates, full batches, until the loss has halved.

    A step moves every weight by about eta, so that eta times the number of steps is the distance: the least
    rate that learns within T steps is that distance over T.
    """
    gammas = np.array(GAMMAS)
    etas = STEP * gammas * (1 + gammas) ** (1 / layers - 1)
    cells = plane.Cells(GAMMAS, tuple(etas), tuple(range(scale.adam_seeds)), np.eye(len(gammas), dtype=bool))
    found = train(
        network("linear", layers, "adam"),
        cells,
        linear_tasks,
        steps=STEPS,
        level=LEARNT,
        settings=ADAM,
        dtype="float64",
        device=device,
        progress=progress,
    )
    return found.assign_attrs(layers=layers, kind="linear")
