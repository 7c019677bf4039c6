"""Train networks of large strengths at the same rescaled time eta t / gamma: features, losses, predictors."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch
import xarray as xr

from scalewright import nets
from scalewright.nets import Ensemble, Member
from scalewright.papers.feature_strength.networks import Network, Progress, linear_tasks, network
from scalewright.papers.feature_strength.settings import INPUTS, Scale
from scalewright.sim.dataset import dataset

#: Rescaled time of one step, and of a whole run.
TAU_STEP, TAU = 0.02, 9.0
#: A lazy network trains at this base rate eta / gamma^2, for the controls.
LAZY_RATE = 0.3


def stacked(used: Network, members: Sequence[Member], device: str) -> Ensemble:
    """Return centred networks in float64, a member each."""
    return Ensemble.stack(
        used.build,
        used.rule,
        members,
        width=used.width,
        inputs=used.inputs,
        outputs=used.outputs,
        dtype=torch.float64,
        device=device,
        centred=True,
    )


def at_rescaled_time(gamma: float, seed: int) -> Member:
    """Return the network whose every step takes TAU_STEP of rescaled time: eta = TAU_STEP gamma."""
    return Member(seed, TAU_STEP / gamma, gamma)


def alignment(
    scale: Scale, kind: str, layers: int, *, device: str, progress: Progress | None = None
) -> xr.Dataset:
    """Follow loss and alignment of networks of large strengths, and of lazy ones beside, in rescaled time.

    The lazy control, gamma = 1e-2, takes steps of its own size; it comes last on the axis "gamma", which is
    in no order.
    """
    gammas = (*scale.collapse_gammas, 1e-2)
    seeds = range(scale.linear_collapse_seeds if kind == "linear" else scale.collapse_seeds)
    members = [
        at_rescaled_time(gamma, seed) if gamma > 1 else Member(seed, LAZY_RATE, gamma)
        for gamma in gammas
        for seed in seeds
    ]
    axes = {"gamma": np.array(gammas), "seed": np.array(seeds)}
    networks = replace(stacked(network(kind, layers), members, device), axes=axes)
    steps = round(TAU / TAU_STEP)
    data = linear_tasks([member.seed for member in members])
    found = nets.train(
        networks,
        data,
        steps=steps,
        observe_at=range(0, steps + 1, 5),
        quantities=("alignment",),
        progress=progress,
    )
    return found.assign_attrs(layers=layers, kind=kind, tau_step=TAU_STEP)


#: Of the predictors: layers, test samples, rescaled time of the whole run, snapshots.
PREDICTOR_LAYERS, TESTED_ON, PREDICTOR_TAU, SNAPSHOTS = 3, 256, 20.0, 50


def predictors(scale: Scale, *, device: str, progress: Progress | None = None) -> xr.Dataset:
    """Follow the outputs on fresh inputs of ReLU networks that learn a linear target, rich and lazy ones.

    Initial weights and samples of a seed are the same at every gamma. The step of a rich network is TAU_STEP
    of rescaled time, that of a lazy one LAZY_RATE.
    """
    gammas = (1e-2, 1e-1, *scale.collapse_gammas)
    seeds = range(scale.collapse_seeds // 2)
    members = [
        at_rescaled_time(gamma, seed) if gamma > 1 else Member(seed, LAZY_RATE, gamma)
        for gamma in gammas
        for seed in seeds
    ]
    networks = stacked(network("relu", PREDICTOR_LAYERS), members, device)
    data = linear_tasks([member.seed for member in members])
    fresh = np.random.default_rng(0).standard_normal((TESTED_ON, INPUTS))
    tests = (fresh, np.zeros((TESTED_ON, 1)))
    every = round(PREDICTOR_TAU / TAU_STEP / SNAPSHOTS)
    outputs, losses = [], []
    for snapshot in range(SNAPSHOTS + 1):
        networks.axes = {"gamma": np.arange(len(members))}  # one axis of members, unfolded below
        seen = nets.train(networks, tests, steps=0, observe_at=[0], quantities=("outputs",))
        moved = nets.train(networks, data, steps=every if snapshot < SNAPSHOTS else 0, quantities=())
        outputs.append(seen.outputs.values[:, 0, :, 0])
        losses.append(moved.loss.values[:, 0])
        if progress is not None:
            progress(snapshot + 1, SNAPSHOTS + 1)
    shape = (len(gammas), len(seeds))
    return dataset(
        {
            "outputs": (("gamma", "seed", "step", "sample"), _folded(np.stack(outputs, 1), shape)),
            "loss": (("gamma", "seed", "step"), _folded(np.stack(losses, 1), shape)),
        },
        {
            "gamma": np.array(gammas),
            "seed": np.array(seeds),
            "step": every * np.arange(SNAPSHOTS + 1),
            "sample": np.arange(TESTED_ON),
        },
        {"layers": PREDICTOR_LAYERS, "tau_step": TAU_STEP},
    )


def _folded(values: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    return values.reshape(*shape, *values.shape[1:])
