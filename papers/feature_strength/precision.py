"""Train the same networks in float32 and in float64: what centring leaves of the digits."""

from dataclasses import replace

import numpy as np
import torch
import xarray as xr

from scalewright import nets
from scalewright.nets import Ensemble, Member
from scalewright.papers.feature_strength.networks import Progress, linear_tasks, network
from scalewright.papers.feature_strength.settings import Scale
from scalewright.sim.dataset import dataset

GAMMAS = (1e-1, 1e-2, 1e-3, 1e-4, 1e-5)
LAYERS, RATE, STEPS = 3, 0.3, 50


def centring(scale: Scale, *, device: str, progress: Progress | None = None) -> xr.Dataset:
    """Train lazy ReLU networks in float32 and float64, and compare their outputs on the training samples.

    `outputs` (gamma, seed, sample) are those of float64, `outputs_error` their distance in float32. The
    latter is what `Ensemble` refuses to build below gamma = 1e-2: it is centred here behind its back.
    """
    seeds = range(scale.collapse_seeds)
    members = [Member(seed, RATE, gamma) for gamma in GAMMAS for seed in seeds]
    axes = {"gamma": np.array(GAMMAS), "seed": np.array(seeds)}
    data, used, found = linear_tasks([member.seed for member in members]), network("relu", LAYERS), []
    for place, dtype in enumerate((torch.float32, torch.float64)):
        networks = Ensemble.stack(
            used.build,
            used.rule,
            members,
            width=used.width,
            inputs=used.inputs,
            outputs=used.outputs,
            dtype=dtype,
            device=device,
        )
        trained = nets.train(
            replace(networks, axes=axes, centred=True),
            data,
            steps=STEPS,
            observe_at=[STEPS],
            quantities=("outputs",),
        )
        found.append(trained.outputs.values[:, :, -1, :, 0].astype(float))
        if progress is not None:
            progress(place + 1, 2)
    dims = ("gamma", "seed", "sample")
    return dataset(
        {"outputs": (dims, found[1]), "outputs_error": (dims, np.abs(found[0] - found[1]))},
        {**axes, "sample": np.arange(found[0].shape[-1])},
        {"layers": LAYERS, "steps": STEPS},
    )
