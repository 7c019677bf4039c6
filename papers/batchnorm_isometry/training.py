"""Train deep batch-normalised networks on images, and follow accuracy, gradients and isometry."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
import xarray as xr

from scalewright import nets
from scalewright.nets.models.batchnorm import Activation, Weights
from scalewright.papers.batchnorm_isometry import settings
from scalewright.papers.batchnorm_isometry.settings import SHAPING, Scale

Progress = Callable[[int, int], None] | None


@dataclass(frozen=True)
class Kind:
    """A family of networks, one a depth: activation, weights, the power of the gains, and the rate."""

    label: str
    activation: Activation
    lr: float
    weights: Weights = "orthogonal"
    shaping: float = 0.0


#: One rate serves every depth. 1e-3, 1e-2 and 1e-1 were tried at depths 50 and 200, then, up to depth 500,
#: 5e-4 and 2e-3 for the linear networks and 3e-3 and 5e-3 for the others: at 1e-1 depth 200 no longer trains.
KINDS = {
    "linear": Kind("linear", "linear", 1e-3),
    "tanh": Kind("tanh, shaped", "tanh", 5e-3, shaping=SHAPING),
    "sin": Kind("sin, shaped", "sin", 5e-3, shaping=SHAPING),
    "tanh-unshaped": Kind("tanh, unshaped", "tanh", 5e-3),
    "sin-unshaped": Kind("sin, unshaped", "sin", 5e-3),
    "linear-gaussian": Kind("linear, Gaussian weights", "linear", 1e-3, weights="gaussian"),
    "relu": Kind("ReLU, shaped", "relu", 5e-3, shaping=SHAPING),
}


def trained(
    scale: Scale,
    name: str,
    depth: int,
    *,
    epochs: int,
    seeds: int,
    device: str = "auto",
    progress: Progress = None,
) -> xr.Dataset:
    """Train networks of one kind and depth; gradients and isometry at the first and last epoch and between.

    Returns:
        A trajectory with dimensions (seed, epoch) and (seed, epoch, layer); the last layer is the readout.
        The attribute `status` collects what is said of seeds whose gradient overflowed or that diverged.
    """
    runs, kind = [], KINDS[name]
    seen, held = settings.images(scale)
    for seed in range(seeds):
        model = build(scale, name, depth, seed=seed).to(nets.device.resolve(device))
        run = nets.minibatch.train(
            model,
            seen,
            epochs=epochs,
            batch=scale.batch,
            lr=kind.lr,
            test=held,
            seed=seed,
            observe_at=sorted({0, epochs // 2, epochs}),
            progress=_within(progress, seed, seeds, epochs),
        )
        runs.append(run.drop_attrs(deep=False).assign_attrs(run.attrs))
    statuses = {seed: run.attrs["status"] for seed, run in enumerate(runs)}
    joined = xr.concat(runs, dim="seed", combine_attrs="drop_conflicts").assign_coords(seed=range(seeds))
    failed = [f"seed {seed}: {said}" for seed, said in statuses.items() if said != "complete"]
    return joined.assign_attrs(
        kind=name,
        depth=depth,
        batch=scale.batch,
        width=scale.training_width,
        lr=kind.lr,
        status="; ".join(failed) or "complete",
    )


def build(
    scale: Scale, name: str, depth: int, *, seed: int, dtype: torch.dtype = torch.float32
) -> "nets.models.BatchNormMLP":
    """Return one network of a kind, with drawn weights."""
    kind, seen = KINDS[name], settings.images(scale)[0]
    return nets.models.batchnorm_mlp(
        depth,
        scale.training_width,
        seen.inputs.shape[1],
        seen.targets.shape[1],
        activation=kind.activation,
        weights=kind.weights,
        gain=settings.gains(depth, kind.shaping).tolist(),
        seed=seed,
        dtype=dtype,
    )


def _within(progress: Progress, seed: int, seeds: int, epochs: int) -> Progress:
    if progress is None:
        return None
    return lambda done, total: progress(seed * epochs + done, seeds * epochs)
