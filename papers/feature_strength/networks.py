"""What the experiments on networks share: the networks, their tasks, and where their grids lie."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache, partial
from typing import Any

import numpy as np
import torch
import xarray as xr

from scalewright import nets, theory
from scalewright.nets import plane
from scalewright.nets.data import TensorData
from scalewright.nets.parametrize import Build
from scalewright.papers.feature_strength.settings import INPUTS, SAMPLES, WIDTH
from scalewright.theory import richness
from scalewright.theory.parametrization import Parametrization

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Network:
    """A kind of network: its builder, its muP, and the sizes of its inputs and outputs."""

    build: Build
    rule: Parametrization
    inputs: int = INPUTS
    outputs: int = 1
    width: int = WIDTH


def network(kind: str, layers: int, optimizer: str = "sgd", **sizes: int) -> Network:
    """Return a kind of network in muP with unit-variance weights, its output over the width and gamma.

    Args:
        kind: an activation of the MLP, or "residual" and "convnet" with ReLUs.
        layers: weight layers.
        sizes: of inputs, outputs and width, where they are not the default ones.
    """
    if kind == "residual":
        architecture = theory.resnet(layers=1, loss="squared")
        build: Any = partial(nets.models.residual, layers)
    elif kind == "convnet":
        architecture = theory.convnet(layers, loss="squared")
        build, sizes = partial(nets.models.convnet, layers), {"inputs": 9, "width": 32, **sizes}
    else:
        architecture = theory.mlp(layers, kind, loss="squared")
        build = partial(nets.models.mlp, layers, activation=kind)  # type: ignore[arg-type]
    return Network(build, theory.named(architecture, "mup", optimizer), **sizes)


def precision(kind: str) -> str:
    """Return in which type a kind is trained: ConvNets, by far the slowest, in float32 where it is enough."""
    return "auto" if kind == "convnet" else "float64"


#: Networks in one program: most leave it early, and what a step costs by itself is shared by those left.
BLOCK = 512


def train(used: Network, cells: plane.Cells, data: Any, **options: Any) -> xr.Dataset:
    """Train a network in every chosen cell, as `plane.train`."""
    return plane.train(
        used.build,
        used.rule,
        cells,
        data,
        block=BLOCK,
        width=used.width,
        inputs=used.inputs,
        outputs=used.outputs,
        **options,
    )


def linear_tasks(seeds: Sequence[int], *, inputs: int = INPUTS) -> TensorData:
    """Return for each seed 16 Gaussian inputs and a linear target of mean square 1, of its own."""
    drawn = {seed: linear_task(seed, inputs) for seed in seeds}
    pairs = [drawn[seed] for seed in seeds]
    stacked = [torch.from_numpy(np.stack(parts)) for parts in zip(*pairs, strict=True)]
    return TensorData(stacked[0], stacked[1], "linear", shared=False)


def linear_task(seed: int, inputs: int = INPUTS) -> tuple[np.ndarray, np.ndarray]:
    """Return the inputs (16, D) and targets (16, 1) of one seed."""
    generator = np.random.default_rng(np.random.SeedSequence([seed, 2410, 4642]))
    drawn = generator.standard_normal((SAMPLES, inputs))
    targets = drawn @ generator.standard_normal((inputs, 1))
    return drawn, targets / np.sqrt((targets**2).mean())


def toy_edge(gammas: np.ndarray | float, layers: int) -> np.ndarray:
    """Return the toy's largest stable rate, as `theory.richness` derives it: grids lie around it."""
    found: np.ndarray = _toy_edge(layers)(np.asarray(gammas, dtype=float))
    return found


@cache
def _toy_edge(layers: int) -> Callable[[np.ndarray], np.ndarray]:
    from sympy import lambdify

    function: Callable[[np.ndarray], np.ndarray] = lambdify(
        richness.symbols.GAMMA, richness.boundaries(layers)["eta_crit"].expression
    )
    return function


def lattice(per_decade: int) -> np.ndarray:
    """Return all rates 10^(k / per_decade) that any experiment uses, in increasing order."""
    return np.logspace(-13, 9, 22 * per_decade + 1)


def around(
    gammas: Sequence[float],
    layers: int,
    seeds: int,
    *,
    per_decade: int,
    lazy: tuple[float, float],
    rich: tuple[float, float],
) -> plane.Cells:
    """Choose the cells whose rate over the toy's largest lies between two factors, by the regime.

    The lattice of rates is one for all gammas, and owes nothing to the toy; which part of it is trained does.
    """

    def edge(strengths: np.ndarray, end: int) -> np.ndarray:
        factor = np.where(strengths < 1, lazy[end], rich[end])
        return factor * toy_edge(strengths, layers)

    every = plane.Cells.between(
        gammas,
        lattice(per_decade).tolist(),
        range(seeds),
        low=lambda g: edge(g, 0),
        high=lambda g: edge(g, 1),
    )
    used = np.flatnonzero(every.chosen.any(axis=0))
    part = slice(used[0], used[-1] + 1)
    return plane.Cells(every.gammas, every.etas[part], every.seeds, every.chosen[:, part])
