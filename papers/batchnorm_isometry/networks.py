"""Real networks on images: gradients at initialisation, overflow, statistics at evaluation."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import torch
import xarray as xr

from scalewright import nets
from scalewright.nets.models.batchnorm import Weights
from scalewright.papers.batchnorm_isometry import settings, training
from scalewright.papers.batchnorm_isometry.settings import Scale
from scalewright.sim.dataset import dataset
from scalewright.sim.isometry import ranks

Progress = Callable[[int, int], None] | None

#: Depth of an unshaped network of sines whose gradient is beyond float32: 136 nats against 88.
OVERFLOWING = 1000


def on_images(
    scale: Scale, weights: Weights, *, device: str = "auto", progress: Progress = None
) -> xr.Dataset:
    """Measure gradients of linear networks of several depths on a batch of images: (depth, seed).

    `log_gradient` is that of the second layer, as in figure 3; `rank` is the rank of the batch.
    """
    name = "linear" if weights == "orthogonal" else "linear-gaussian"
    found = np.zeros((len(scale.figure_depths), scale.figure_seeds))
    for row, depth in enumerate(scale.figure_depths):
        for seed in range(scale.figure_seeds):
            found[row, seed] = by_layer(scale, name, depth, seed=seed, device=device)[1]
        if progress:
            progress(row + 1, len(scale.figure_depths))
    coords = {"depth": list(scale.figure_depths), "seed": range(scale.figure_seeds)}
    variables = {"log_gradient": (("depth", "seed"), found), "rank": ((), batch_rank(scale))}
    return dataset(variables, coords, {"weights": weights, "width": scale.training_width})


def images_by_layer(scale: Scale, *, device: str = "auto", progress: Progress = None) -> xr.Dataset:
    """Measure gradients by layer of deep linear networks on a batch of images: (seed, layer)."""
    depth, rows = scale.depth, []
    for seed in range(scale.figure_seeds):
        rows.append(by_layer(scale, "linear", depth, seed=seed, device=device))
        if progress:
            progress(seed + 1, scale.figure_seeds)
    coords = {"seed": range(scale.figure_seeds), "layer": np.arange(1, depth + 1)}
    variables = {"log_gradient": (("seed", "layer"), np.stack(rows)), "rank": ((), batch_rank(scale))}
    return dataset(variables, coords, {"width": scale.training_width})


def by_layer(scale: Scale, name: str, depth: int, *, seed: int, device: str) -> np.ndarray:
    """Return log |dL/dW_l| of one network on the first batch of images, float64, without the readout."""
    model = training.build(scale, name, depth, seed=seed, dtype=torch.float64)
    path = nets.minibatch.train(
        model.to(nets.device.resolve(device)),
        settings.images(scale)[0],
        epochs=0,
        batch=scale.batch,
        lr=1.0,
        observe_at=[0],
        quantities=["log_gradient"],
    )
    return np.asarray(path.log_gradient.values[0, :-1])


def batch_rank(scale: Scale) -> int:
    """Return the rank of the first batch of images."""
    return int(ranks(settings.images(scale)[0].inputs[: scale.batch]))


def overflow(
    scale: Scale, dtype: torch.dtype, *, device: str = "auto", progress: Progress = None
) -> xr.Dataset:
    """Train one unshaped network of sines of 1000 layers for one pass: what is said of its gradient."""
    model = training.build(scale, "sin-unshaped", OVERFLOWING, seed=0, dtype=dtype)
    seen = settings.images(replace(scale, samples=4 * scale.batch))[0]
    return nets.minibatch.train(
        model.to(nets.device.resolve(device)),
        seen,
        epochs=1,
        batch=scale.batch,
        lr=training.KINDS["sin-unshaped"].lr,
        observe_at=[0],
        quantities=["log_gradient"],
        progress=progress,
    )


def evaluation(scale: Scale, width: int, *, device: str = "auto", progress: Progress = None) -> xr.Dataset:
    """Train linear networks with running averages beside, and evaluate each in both ways: (depth, seed)."""
    seen, held = settings.images(scale)
    depths = (scale.training_depths[0], scale.evaluation_depth)
    found = np.zeros((2, len(depths), scale.training_seeds))
    for row, depth in enumerate(depths):
        for seed in range(scale.training_seeds):
            model = nets.models.batchnorm_mlp(
                depth, width, seen.inputs.shape[1], seen.targets.shape[1], evaluation="running", seed=seed
            ).to(nets.device.resolve(device))
            lr = training.KINDS["linear"].lr
            nets.minibatch.train(
                model, seen, epochs=scale.evaluation_epochs, batch=scale.batch, lr=lr, seed=seed
            )
            data = nets.data.as_data(held).to(torch.float32, nets.device.resolve(device))
            found[1, row, seed] = nets.minibatch.accuracy(model, data, batch=scale.batch)
            model.evaluate_by("batch")
            found[0, row, seed] = nets.minibatch.accuracy(model, data, batch=scale.batch)
        if progress:
            progress(row + 1, len(depths))
    axes = ("depth", "seed")
    return dataset(
        {
            "test_accuracy": (axes, found[0]),
            "running_accuracy": (axes, found[1]),
            "rank": ((), batch_rank(scale)),
        },
        {"depth": list(depths), "seed": range(scale.training_seeds)},
        {"width": width, "batch": scale.batch},
    )
