"""The stages with real networks: what runs, in order, and how each result is judged and drawn."""

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any

import numpy as np
import xarray as xr

from scalewright.papers.feature_strength import (
    activation_figures,
    activation_verdicts,
    activations,
    adaptive,
    collapse,
    collapse_figures,
    collapse_verdicts,
    convergence,
    edges,
    network_figures,
    network_verdicts,
    online,
    plane_figures,
    precision,
    rate_verdicts,
    staircase,
    staircase_verdicts,
)
from scalewright.papers.feature_strength.settings import BATCHES, CONVERGED, EDGED, ONLINE, Scale
from scalewright.papers.stages import Stage
from scalewright.sim.richness.curves import evaluate
from scalewright.sim.verdict import Verdict
from scalewright.theory import richness

Results = Mapping[str, xr.Dataset]

#: Networks followed in rescaled time: kind and layers.
FOLLOWED = (("relu", 3), ("linear", 2))
LOSSES = ("mse", "cross-entropy")


def stages(scale: Scale, device: str) -> list[Stage]:
    """Return the stages in order."""

    def stage(name: str, run: Callable[..., xr.Dataset], *arguments: Any) -> Stage:
        return Stage(name, partial(run, scale, *arguments, device=device))

    return [
        *(stage(f"sharpness-{k}-{n}", convergence.sharpness, k, n) for k, n in _pairs(CONVERGED)),
        *(
            stage(f"edge-{k}-{n}", edges.edge, k, n)
            for k, n in _pairs(EDGED)
            if k != "convnet" or scale.convnet_edge_gammas
        ),
        *(stage(f"half-{k}-{n}", activations.half, k, n) for k, n in _halved()),
        *(stage(f"degree-{p}", activations.powers, p) for p in activations.POWERS),
        *(stage(f"online-{n}", online.best, n) for n in ONLINE),
        *(stage(f"batch-{size}", edges.batch, size) for size in BATCHES),
        *(stage(f"adam-{n}", adaptive.distance, n) for n in adaptive.LAYERS),
        *(stage(f"collapse-{k}-{n}", collapse.alignment, k, n) for k, n in FOLLOWED),
        stage("predictors", collapse.predictors),
        *(stage(f"modes-{n}", staircase.two_modes, n) for n in staircase.MODE_TAU),
        stage("multi-index", staircase.multi_index),
        stage("centring", precision.centring),
        *(stage(f"portrait-{loss}", edges.portrait, loss) for loss in LOSSES),
    ]


def judge(results: Results) -> list[Verdict]:
    """Return the rows of the networks."""
    rows: list[Verdict] = []
    for kind, layers in _pairs(CONVERGED):
        rows += network_verdicts.sharpness(results[f"sharpness-{kind}-{layers}"])
    for data in (data for depths in _by_kind(results, "edge", EDGED).values() for data in depths.values()):
        rows += rate_verdicts.edge(data)
    rows += activation_verdicts.smooth(results["sharpness-gelu-3"])
    for layers in activations.HALVED:
        pair = (results[f"half-{kind}-{layers}"] for kind in ("tanh", "relu"))
        rows += activation_verdicts.bounded(*pair)
    for power in activations.POWERS:
        rows += activation_verdicts.powers(results[f"degree-{power}"])
    for layers in ONLINE:
        rows += rate_verdicts.best(results[f"online-{layers}"])
    rows += rate_verdicts.batches(_batches(results))
    for layers in adaptive.LAYERS:
        rows += network_verdicts.adam(results[f"adam-{layers}"])
    for kind, layers in FOLLOWED:
        rows += collapse_verdicts.alignment(results[f"collapse-{kind}-{layers}"])
    rows += collapse_verdicts.predictors(results["predictors"])
    for layers in staircase.MODE_TAU:
        rows += staircase_verdicts.two_modes(results[f"modes-{layers}"])
    rows += staircase_verdicts.multi_index(results["multi-index"])
    return rows + network_verdicts.centring(results["centring"])


def draw(results: Results) -> dict[str, Any]:
    """Return every picture of the networks by name."""
    return {
        "sharpness": network_figures.plot_sharpness(_by_kind(results, "sharpness", CONVERGED)),
        "largest-rates": network_figures.plot_edges(_by_kind(results, "edge", EDGED)),
        "activations": activation_figures.plot_activations(
            results["sharpness-gelu-3"],
            {(k, n): results[f"half-{k}-{n}"] for k, n in _halved()},
            {p: results[f"degree-{p}"] for p in activations.POWERS},
        ),
        "best-rates": network_figures.plot_best({n: results[f"online-{n}"] for n in ONLINE}),
        "performance": network_figures.plot_performance({n: results[f"online-{n}"] for n in ONLINE}),
        "batches": network_figures.plot_batches(_batches(results)),
        "adam": network_figures.plot_adam({n: results[f"adam-{n}"] for n in adaptive.LAYERS}),
        "collapse": collapse_figures.plot_collapse(results["collapse-relu-3"]),
        "silent-alignment": collapse_figures.plot_alignment(
            {f"{k}, L = {n}": results[f"collapse-{k}-{n}"] for k, n in FOLLOWED}
        ),
        "predictors": collapse_figures.plot_predictors(results["predictors"]),
        "stairs": collapse_figures.plot_stairs(
            {n: results[f"modes-{n}"] for n in staircase.MODE_TAU}, results["multi-index"]
        ),
        "network-portraits": plane_figures.plot_portraits(
            {loss: results[f"portrait-{loss}"] for loss in LOSSES}, _boundary
        ),
    }


def _boundary(loss: str, name: str, gammas: np.ndarray, steps: int) -> np.ndarray:
    """Return a boundary of the toy of the portraits' layers."""
    toy = richness.boundaries(edges.PORTRAIT_LAYERS, "squared" if loss == "mse" else "cross-entropy")
    return evaluate(toy[name].expression, gammas, steps=steps, error=0.1)


def _pairs(kinds: Mapping[str, tuple[int, ...]]) -> Iterator[tuple[str, int]]:
    return ((kind, layers) for kind, depths in kinds.items() for layers in depths)


def _halved() -> Iterator[tuple[str, int]]:
    return ((kind, layers) for kind in ("tanh", "relu") for layers in activations.HALVED)


def _by_kind(
    results: Results, start: str, kinds: Mapping[str, tuple[int, ...]]
) -> dict[str, dict[int, xr.Dataset]]:
    """Return the trajectories by kind and layers, those that the scale has."""
    found = {
        kind: {n: results[f"{start}-{kind}-{n}"] for n in depths if f"{start}-{kind}-{n}" in results}
        for kind, depths in kinds.items()
    }
    return {kind: depths for kind, depths in found.items() if depths}


def _batches(results: Results) -> dict[int, xr.Dataset]:
    found = {int(data.attrs["batch"]): data for name, data in results.items() if name.startswith("batch-")}
    return {size: found[size] for size in sorted(found)}


CAPTIONS = {
    "sharpness": "Sharpness at convergence against gamma, a dot a network. Lines: the toy's, moved to the "
    "networks at the largest gamma.",
    "largest-rates": "Largest rate that learns, the end of the interval of good rates from below, with the "
    "slopes fitted in the lazy and in the rich regime and their 95 % intervals. Dotted: the toy.",
    "activations": "Activations that are no ReLU. Left: with GELU the Gauss-Newton part of the curvature has "
    "the power 2/L and the Hessian has not, as units near their bend add a residual curvature. Middle: a "
    "bounded activation leaves growth to the readout; learning takes gamma^2. Right: "
    "networks of powers of a ReLU lie where linear ones of S layers do, S the degree in all weights; lines: "
    "theory's powers, moved to the networks.",
    "best-rates": "Left: rate of lowest held-out loss after a fixed number of steps on images that never "
    "repeat (filled) and largest stable rate (open). Right: the valleys of the loss, medians over seeds.",
    "performance": "Held-out loss that each strength reaches within the budget at its best rate; bands: "
    "seeds.",
    "batches": "Largest stable rate of online training by batch size.",
    "adam": "Distance that Adam moves the weights until the loss has halved; lines: the powers of theory, "
    "moved to the networks at the largest gamma.",
    "collapse": "Loss of ReLU networks of three layers, all at the same rescaled time a step: plateaus that "
    "lie decades apart in raw time end together in rescaled time.",
    "silent-alignment": "Alignment of the last hidden layer with the targets, and the loss: the larger "
    "gamma, the more of the alignment comes before the loss moves; until then all curves coincide.",
    "predictors": "Trained ReLU networks on fresh inputs. Left: distance from that of the largest gamma. "
    "Right: paths of predictors in the plane of their two principal directions: rich ones end together.",
    "stairs": "Stairs: two modes of a linear task, and the monomials of the multi-index target in online "
    "training, with a rich network and a lazy one.",
    "network-portraits": "How a ReLU network of three layers ends in every cell of the plane, one network "
    "a cell, with boundaries of the toy, whose inputs have another curvature: they are off by a factor. "
    "White: not run.",
}
