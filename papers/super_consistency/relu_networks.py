"""ReLU networks on the digits: learning-rate transfer across width, and sharpness along training."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import torch
import xarray as xr

from scalewright import nets
from scalewright.papers.super_consistency import settings
from scalewright.papers.super_consistency.settings import GAMMA, Scale
from scalewright.theory import Parametrization, mlp, named

Progress = Callable[[int, int], None] | None

#: Middle of the learning-rate grid: base rate of muP at every width; rate of SP at the smallest width.
MIDDLE = {"mup": 3.0, "sp": 0.2}
#: Base rates at which the sharpness is followed: muP below its optimum, NTP at the same initial eta S.
FOLLOWED = {"mup": 1.0, "ntp": 1.0}


def rule_of(scale: Scale, name: str) -> Parametrization:
    """Return the parametrization of the ReLU network; SP with one global rate that does not scale."""
    rule = named(mlp(layers=scale.mlp_layers, activation="relu"), name, "sgd")
    return settings.fixed_rate(rule) if name == "sp" else rule


def grid(scale: Scale, name: str, width: int) -> np.ndarray:
    """Return the learning rates tried at a width: steps of sqrt(2) around the middle.

    For SP the middle follows the derived power n^-1, so that no width's optimum ends its grid; the optimum is
    compared in absolute units, and one at the edge of its grid is reported as censored.
    """
    steps = np.arange(scale.rates) - (scale.rates - 1) / 2
    shrink = scale.mlp_widths[0] / width if name == "sp" else 1.0
    return MIDDLE[name] * shrink * np.sqrt(2.0) ** steps


def transfer(scale: Scale, name: str, *, device: str = "auto", progress: Progress = None) -> xr.Dataset:
    """Train every width at every rate and seed; the losses, with one row of rates a width.

    Returns:
        A trajectory with dimensions (width, seed, rate, step); `rates` (width, rate) holds the learning rates.
    """
    images = settings.digits(scale)
    rows, rates = [], []
    for done, width in enumerate(scale.mlp_widths):
        rates.append(grid(scale, name, width))
        ensemble = networks(scale, name, width, lrs=rates[-1], inputs=images.inputs.shape[1], device=device)
        trained = nets.train(ensemble, (images.inputs, images.targets), steps=scale.mlp_steps)
        rows.append(trained.assign_coords(lr=np.arange(scale.rates)))
        if progress:
            progress(done + 1, len(scale.mlp_widths))
    joined = xr.concat(rows, dim="width", combine_attrs="drop_conflicts").assign_coords(width=list(scale.mlp_widths))
    joined = joined.assign_coords(lr=("lr", np.arange(scale.rates)), rate=(("width", "lr"), np.stack(rates)))
    return joined.assign_attrs(parametrization=name, samples=scale.samples)


def consistency(
    scale: Scale, name: str, *, features: bool = True, device: str = "auto", progress: Progress = None
) -> xr.Dataset:
    """Follow sharpness, Gauss-Newton and residual parts along training at one base rate, every width.

    With `features=False` only the readout is trained (random features): the rates of all other layers are zero,
    and so is their share of the rescaled Hessian.
    """
    images = settings.digits(scale)
    at = settings.observed_steps(scale.mlp_steps)
    rows = []
    for done, width in enumerate(scale.mlp_widths):
        ensemble = networks(scale, name, width, lrs=[FOLLOWED[name]], inputs=images.inputs.shape[1], device=device)
        if not features:
            ensemble = only_readout(ensemble)
        trained = nets.train(
            ensemble, (images.inputs, images.targets), steps=scale.mlp_steps, observe_at=at,
            quantities=("sharpness", "gauss_newton", "residual", "ntk"), tolerance=1e-3,
        )  # fmt: skip
        rows.append(trained.isel(lr=0, drop=True))
        if progress:
            progress(done + 1, len(scale.mlp_widths))
    joined = xr.concat(rows, dim="width", combine_attrs="drop_conflicts").assign_coords(width=list(scale.mlp_widths))
    return joined.assign_attrs(parametrization=name, lr=FOLLOWED[name], samples=scale.samples)


def only_readout(ensemble: nets.Ensemble) -> nets.Ensemble:
    """Return the ensemble with every learning rate but the readout's set to zero."""
    frozen = {name: rate if name == "readout.weight" else torch.zeros_like(rate) for name, rate in ensemble.rates.items()}
    return replace(ensemble, rates=frozen)


def networks(scale: Scale, name: str, width: int, *, lrs: np.ndarray | list[float], inputs: int, device: str) -> nets.Ensemble:
    """Stack the networks of one width: seeds times learning rates, in float32."""

    def build(width: int, inputs: int, outputs: int) -> "nets.models.MLP":
        return nets.models.mlp(scale.mlp_layers, width, inputs, outputs, activation="relu")

    return nets.Ensemble.of(
        build, rule_of(scale, name), width=width, inputs=inputs, outputs=10, seeds=range(scale.mlp_seeds), lrs=list(lrs),
        gamma=GAMMA, dtype=torch.float32, device=device,
    )  # fmt: skip
