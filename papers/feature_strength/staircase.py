"""Train rich networks on tasks with several features of different strengths: one is learnt after another."""

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
import xarray as xr

from scalewright import nets
from scalewright.nets import Member
from scalewright.nets.feeds import Online
from scalewright.papers.feature_strength.collapse import stacked
from scalewright.papers.feature_strength.networks import Progress, network
from scalewright.papers.feature_strength.settings import Scale
from scalewright.sim.dataset import dataset
from scalewright.sim.streams import Stream

#: Strengths of the two modes, inputs, width of the linear networks, and strengths gamma.
MODES, MODE_INPUTS, MODE_WIDTH = (2.0, 1.0), 4, 128
MODE_GAMMAS = (1e2, 1e3, 1e4)
MODE_TAU = {2: 13.0, 3: 4.0}
#: Rescaled time of a step: half of what the strongest mode bears at the largest gamma.
MODE_STEP = 0.01


def two_modes(scale: Scale, layers: int, *, device: str, progress: Progress | None = None) -> xr.Dataset:
    """Train linear networks on whitened inputs and two orthogonal targets of strengths 2 and 1.

    `outputs` (gamma, seed, step, output) holds the learnt share of each mode, <f_k y_k> / <y_k^2>.
    """
    seeds = range(scale.staircase_seeds)
    members = [Member(seed, MODE_STEP / gamma, gamma) for gamma in MODE_GAMMAS for seed in seeds]
    used = network("linear", layers, inputs=MODE_INPUTS, outputs=len(MODES), width=MODE_WIDTH)
    networks = replace(
        stacked(used, members, device), axes={"gamma": np.array(MODE_GAMMAS), "seed": np.array(seeds)}
    )
    generator = np.random.default_rng(0)
    frame, turn = (np.linalg.qr(generator.standard_normal((MODE_INPUTS,) * 2))[0] for _ in range(2))
    inputs = frame * np.sqrt(MODE_INPUTS)
    targets = inputs @ turn[:, : len(MODES)] * np.array(MODES)
    steps = round(MODE_TAU[layers] / MODE_STEP)
    observed = range(0, steps + 1, 10)
    found = nets.train(
        networks,
        (inputs, targets),
        steps=steps,
        observe_at=observed,
        quantities=("outputs",),
        progress=progress,
    )
    outputs = found.outputs.values[:, :, observed]
    shares = np.einsum("gstpk,pk->gstk", outputs, targets) / (targets**2).sum(0)
    return dataset(
        {"outputs": (("gamma", "seed", "step", "output"), shares)},
        {
            "gamma": np.array(MODE_GAMMAS),
            "seed": np.array(seeds),
            "step": np.array(observed),
            "output": np.arange(len(MODES)),
        },
        {"layers": layers, "tau_step": MODE_STEP, "modes": list(MODES)},
    )


#: Of the multi-index stream: inputs, layers, width, batch, and the rates of the rich and of the lazy network.
INDEX_INPUTS, INDEX_LAYERS, INDEX_WIDTH, INDEX_BATCH, INDEX_EVALUATION = 8, 3, 64, 64, 1024
INDEX_GAMMAS = (1e-2, 1.0, 1e2)
INDEX_RATES = (0.3, 0.1, 0.001)
INDEX_POINTS = 101


@dataclass(frozen=True)
class Stairs(Stream):
    """The multi-index target of `sim.streams` along the first three inputs: its monomials are at hand.

    Gaussian initial weights know no directions, so that nothing is special about these.
    """

    name: ClassVar[str] = "stairs"
    fewest: ClassVar[int] = 3

    def monomials(self, inputs: np.ndarray) -> np.ndarray:
        """Return z_1, z_1 z_2 and z_1 z_2 z_3 (samples, 3)."""
        return np.cumprod(inputs[:, :3], axis=1)

    def target(self, inputs: np.ndarray) -> np.ndarray:
        """Return y (samples,)."""
        total: np.ndarray = self.monomials(inputs).sum(axis=1) / np.sqrt(3)
        return total


def multi_index(scale: Scale, *, device: str, progress: Progress | None = None) -> xr.Dataset:
    r"""Train ReLU networks online on $(z_1 + z_1 z_2 + z_1 z_2 z_3)/\sqrt{3}$.

    `outputs` (gamma, seed, step, output) holds the learnt share of each monomial m, sqrt(3) <f m>.
    """
    seeds = range(scale.index_seeds)
    members = [
        Member(seed, rate, gamma)
        for gamma, rate in zip(INDEX_GAMMAS, INDEX_RATES, strict=True)
        for seed in seeds
    ]
    used = network("relu", INDEX_LAYERS, inputs=INDEX_INPUTS, width=INDEX_WIDTH)
    axes = {"gamma": np.array(INDEX_GAMMAS), "seed": np.array(seeds)}
    networks = replace(stacked(used, members, device), axes=axes)
    stream = Stairs(INDEX_INPUTS)
    order = [member.seed for member in members]
    feed = Online([stream] * len(members), INDEX_BATCH, order, evaluation=INDEX_EVALUATION)
    observed = np.unique(np.linspace(0, scale.staircase_steps, INDEX_POINTS).round().astype(int))
    found = nets.train(
        networks,
        feed,
        steps=scale.staircase_steps,
        observe_at=observed.tolist(),
        quantities=("outputs",),
        progress=progress,
    )
    outputs = found.outputs.values[:, :, observed][..., 0]
    tested = [stream.sample(INDEX_EVALUATION, seed=seed, step=-1)[0] for seed in seeds]
    steps_of = np.stack([stream.monomials(inputs) for inputs in tested])
    shares = np.einsum("gstp,spk->gstk", outputs, steps_of) * np.sqrt(3) / INDEX_EVALUATION
    return dataset(
        {
            "outputs": (("gamma", "seed", "step", "output"), shares),
            "loss": (("gamma", "seed", "step"), found.loss.values[:, :, observed]),
        },
        {"gamma": axes["gamma"], "seed": axes["seed"], "step": observed, "output": np.arange(3)},
        {"layers": INDEX_LAYERS, "rates": list(INDEX_RATES)},
    )
