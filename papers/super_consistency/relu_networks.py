"""ReLU networks on the digits: learning-rate transfer across width, and sharpness along training."""

import math
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import torch
import xarray as xr

from scalewright import nets
from scalewright.papers.super_consistency import settings
from scalewright.papers.super_consistency.settings import Scale
from scalewright.sim.data import Data
from scalewright.theory import Parametrization, Power, mlp, named

Progress = Callable[[int, int], None] | None

#: He et al. (2015): variance 2 / fan_in in every layer.
HE_GAIN = math.sqrt(2.0)
#: Middle of the learning-rate grid: base rate of muP at every width; rate of SP at the smallest width.
MIDDLE = {"mup": 0.7, "sp": 1.0 / 64}
#: Feature-learning strength of the ReLU networks.
GAMMA_RELU = 2.5
#: Hidden units of all members of a block together.
BLOCK_UNITS = 2**14
#: Relative residual of the followed eigenvalues; their error is of its square over the spectral gap.
FOLLOWED_TOLERANCE = 1e-2
#: Base rates at which the sharpness is followed: below the optimum of muP, and the same for NTP.
FOLLOWED = {"mup": 0.25, "ntp": 0.25}


def rule_of(scale: Scale, name: str) -> Parametrization:
    """Return the parametrization of the ReLU network; SP with one global rate that does not scale.

    The powers of the width leave a constant free in every layer. For SP the input weights have variance one
    and act on x / sqrt(D), as under muP and NTP: the same network at initialisation as with variance 1/D, but
    without an input layer that learns D times faster and adds a constant of order D to a kernel that grows
    as N.
    """
    rule = named(mlp(layers=scale.mlp_layers, activation="relu", loss="squared"), name, "sgd")
    return unit_inputs(settings.fixed_rate(rule)) if name == "sp" else rule


def unit_inputs(rule: Parametrization) -> Parametrization:
    """Move D^-1/2 of the input layer from its initial weights to its multiplier, rates untouched."""
    entry = rule.entries["input.weight"]
    moved = replace(entry, multiplier=entry.multiplier * entry.init_std, init_std=Power.one())
    return replace(rule, entries={**rule.entries, "input.weight": moved})


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
        A trajectory with dimensions (width, seed, lr, step); `rate` (width, lr) holds the learning rates,
        and seeds that a width did not train are nan.
    """
    images = settings.normalised_digits(scale)
    rates = {width: grid(scale, name, width) for width in scale.mlp_widths}

    def sweep(width: int) -> xr.Dataset:
        blocks = [
            nets.train(
                networks(scale, name, width, seeds=seeds, lrs=rates[width], images=images, device=device),
                (images.inputs, images.targets),
                steps=scale.mlp_steps,
            )
            for seeds in seed_blocks(scale, width)
        ]
        joined = xr.concat(blocks, dim="seed", combine_attrs="drop_conflicts")
        return joined.assign_coords(lr=np.arange(scale.rates))

    joined = over_widths(scale, sweep, progress).assign_coords(
        rate=(("width", "lr"), np.stack(list(rates.values())))
    )
    return joined.assign_attrs(parametrization=name)


def consistency(
    scale: Scale, name: str, *, features: bool = True, device: str = "auto", progress: Progress = None
) -> xr.Dataset:
    """Follow the sharpness along training at one base rate, every width.

    Under muP with many seeds, whose mean is judged; under NTP and with random features with few.
    `features=False` trains the readout alone: the rates of all other layers are zero, and so is
    their share of the rescaled Hessian.
    """
    many = name == "mup" and features

    def count(width: int) -> int:
        return proportional(scale.followed_seeds, scale, width) if many else scale.spectra_seeds

    return _follow(scale, name, count, ("sharpness",), features=features, device=device, progress=progress)


def spectra(scale: Scale, name: str, *, device: str = "auto", progress: Progress = None) -> xr.Dataset:
    """Measure the top eigenvalues of H, G, R and the NTK along training, of a few networks of every width."""
    quantities = ("sharpness", "gauss_newton", "residual", "ntk")
    return _follow(scale, name, lambda _: scale.spectra_seeds, quantities, device=device, progress=progress)


def _follow(
    scale: Scale,
    name: str,
    seeds: Callable[[int], int],
    quantities: tuple[str, ...],
    *,
    features: bool = True,
    device: str,
    progress: Progress,
) -> xr.Dataset:
    images = settings.normalised_digits(scale)
    at, lr = settings.observed_steps(scale.mlp_steps), FOLLOWED[name]

    def run(width: int) -> xr.Dataset:
        chosen = networks(
            scale, name, width, seeds=range(seeds(width)), lrs=[lr], images=images, device=device
        )
        trained = nets.train(
            chosen if features else only_readout(chosen),
            (images.inputs, images.targets),
            steps=scale.mlp_steps,
            observe_at=at,
            quantities=quantities,
            tolerance=FOLLOWED_TOLERANCE,
        )
        return trained.isel(lr=0, drop=True)

    return over_widths(scale, run, progress).assign_attrs(parametrization=name, lr=lr)


def over_widths(scale: Scale, run: Callable[[int], xr.Dataset], progress: Progress) -> xr.Dataset:
    """Join the trajectories of every width; a seed that a width did not run is nan there."""
    rows = []
    for done, width in enumerate(scale.mlp_widths):
        rows.append(run(width))
        if progress:
            progress(done + 1, len(scale.mlp_widths))
    joined = xr.concat(rows, dim="width", join="outer", combine_attrs="drop_conflicts")
    return joined.assign_coords(width=list(scale.mlp_widths)).assign_attrs(samples=scale.samples)


def proportional(seeds: int, scale: Scale, width: int) -> int:
    """Return the number of networks of a width, inversely proportional to it; the widest has `seeds`."""
    return seeds * scale.mlp_widths[-1] // width


def seed_blocks(scale: Scale, width: int) -> list[range]:
    """Split the seeds of a width into blocks that train together, small enough for the processor's caches."""
    seeds = proportional(scale.transfer_seeds, scale, width)
    block = max(1, BLOCK_UNITS // (width * scale.rates))
    return [range(first, min(first + block, seeds)) for first in range(0, seeds, block)]


def only_readout(ensemble: nets.Ensemble) -> nets.Ensemble:
    """Return the ensemble with every learning rate but the readout's set to zero."""
    frozen = {
        name: rate if name == "readout.weight" else torch.zeros_like(rate)
        for name, rate in ensemble.rates.items()
    }
    return replace(ensemble, rates=frozen)


def networks(
    scale: Scale,
    name: str,
    width: int,
    *,
    seeds: Sequence[int],
    lrs: Sequence[float] | np.ndarray,
    images: Data,
    device: str,
) -> nets.Ensemble:
    """Stack the networks of one width, seeds times learning rates, in float32, with centred outputs.

    Centred outputs remove the random initial function, which under SP is of order one: it would have to be
    unlearned first, at a pace that differs from seed to seed.
    """

    def build(width: int, inputs: int, outputs: int) -> "nets.models.MLP":
        return nets.models.mlp(scale.mlp_layers, width, inputs, outputs, activation="relu")

    return nets.Ensemble.of(
        build,
        rule_of(scale, name),
        width=width,
        inputs=images.inputs.shape[1],
        outputs=images.targets.shape[1],
        seeds=seeds,
        lrs=list(lrs),
        gamma=GAMMA_RELU,
        gain=HE_GAIN,
        dtype=torch.float32,
        device=device,
        centred=True,
    )
