"""Train grids of learning rates at every width: what is stable, what is best, what it is worth."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cache

import numpy as np
import torch
import xarray as xr

from scalewright import nets
from scalewright.nets.descent import Descent
from scalewright.papers.large_learning_rates import networks
from scalewright.papers.large_learning_rates.settings import Scale
from scalewright.sim import rates
from scalewright.sim.data import Data
from scalewright.sim.dataset import dataset
from scalewright.theory import edges as derive_edges
from scalewright.theory import mlp

Progress = Callable[[int, int], None] | None
#: Base rates from which the grid of the narrowest networks is placed: factors of sqrt(2), for these seeds.
PILOT = 2.0 ** np.arange(-9, 5, 0.5)
#: Shares of the largest rate that doesn't diverge at which runs go through a catapult.
SHARES = np.array([0.6, 0.75, 0.9])
#: Width at which catapults are long enough to be seen.
WIDE = 1024
PILOT_SEEDS = range(10**6, 10**6 + 3)


@dataclass(frozen=True)
class Setting:
    """One family of networks: how deep, in which parametrization, trained by what on which loss.

    `depth` and `batch` are those of the scale where they are None. Grids reach so many octaves `below` and
    `above` the edge of theory, `per_octave` rates an octave unless the scale has coarser ones; `seeds` times
    as many networks as the scale says, from the seed `first` on.
    """

    label: str
    parametrization: str
    loss: str
    depth: int | None = None
    optimizer: str = "sgd"
    batch: int | None = None
    below: float = 1.0
    above: float = 1.5
    per_octave: int = 4
    seeds: int = 1
    first: int = 0

    def layers(self, scale: Scale) -> int:
        """Return the number of weight layers."""
        return scale.layers if self.depth is None else self.depth

    def octaves(self, scale: Scale) -> np.ndarray:
        """Return the places of the rates of a grid around the edge of theory, in octaves."""
        steps = min(self.per_octave, scale.per_octave)
        return np.arange(-round(self.below * steps), round(self.above * steps) + 1) / steps

    def seeds_at(self, scale: Scale, width: int) -> range:
        """Return the seeds of a width."""
        return range(self.first, self.first + self.seeds * scale.seeds_at(width))

    def power(self, scale: Scale) -> Fraction:
        """Return the power of the width in the largest stable rate: that of bounded features; 0 under muP."""
        if self.parametrization != "sp":
            return Fraction(0)
        return derived_edge(self.layers(scale), self.optimizer, networks.LOSSES[self.loss])


@cache
def derived_edge(layers: int, optimizer: str, loss: str) -> Fraction:
    """Return the power of the width in the largest rate with bounded features under SP, from its proof."""
    return derive_edges(mlp(layers), "sp", optimizer, loss).feature_learning.exponent("width")


def stable_below(classes: int) -> float:
    """Return the share of errors below which a run is stable: an accuracy of at least twice chance."""
    return 1 - 2 / classes


def wrongness(data: xr.Dataset, accuracy: np.ndarray, diverged: np.ndarray) -> np.ndarray:
    """Return how wrong runs are, to be held against `stable_below`: inf where they diverged.

    Under cross-entropy, which hardly ever diverges, it is the share of errors. Under the squared loss runs
    either diverge or learn in the end: above half of their largest rate they go through a catapult, and wide
    networks, whose outputs grow further, may not have come down from it within so few steps. So 0.
    """
    alive = np.zeros_like(accuracy) if data.attrs["loss"] == "mse" else 1 - accuracy
    return np.where(diverged, np.inf, alive)


def shifts(seeds: Sequence[int]) -> np.ndarray:
    """Return by which share of a step each seed's grid is shifted, spread evenly by the golden ratio.

    With one grid for all seeds a rate is known to its step at best; with shifted ones the step averages out,
    and what is left of it shows as spread between the seeds.
    """
    return (np.asarray(seeds) * (math.sqrt(5) - 1) / 2) % 1.0


def edge(
    scale: Scale,
    setting: Setting,
    *,
    widths: Sequence[int] | None = None,
    samples: int | None = None,
    device: str = "auto",
    progress: Progress = None,
) -> xr.Dataset:
    """Train every width at every rate of its grid and every seed.

    The grid of the narrowest networks is placed by a coarse one; at width n it is moved by the predicted
    power of n, so that a measured power other than that one shows as a drift through the grids, or as a
    censored rate. Every seed's grid is shifted by its own share of a step.

    Returns:
        A dataset (width, seed, lr): `loss` and `accuracy` on the training samples at the end,
        `test_accuracy`, `confidence` and `logits` on held-out ones, `diverged_at`; the coordinate `rate`
        holds the rates. Seeds that a width did not train are nan.
    """
    seen, held = _data(scale, samples)
    sizes = list(widths or scale.edge_widths)
    middle, placed = _pilot(scale, setting, sizes[0], samples, device)
    grids = [_grid(scale, setting, width, middle * _law(scale, setting, width, sizes[0])) for width in sizes]
    rows, every = [], np.full((len(sizes), *np.max([grid.shape for grid in grids], axis=0)), np.nan)
    for done, (width, grid) in enumerate(zip(sizes, grids, strict=True)):
        seeds = setting.seeds_at(scale, width)
        every[done, : len(seeds)] = grid
        rows.append(trained(scale, setting, width, seen, held, lrs=grid, seeds=seeds, device=device))
        if progress:
            progress(done + 1, len(sizes))
    joined = xr.concat(rows, dim="width", join="outer", combine_attrs="drop_conflicts")
    joined = joined.assign_coords(width=sizes, rate=(("width", "seed", "lr"), every))
    return joined.assign_attrs(middle=middle, placed=placed)


def _law(scale: Scale, setting: Setting, width: int, narrowest: int) -> float:
    """Return the predicted largest stable rate of a width over that of the narrowest."""
    return float((width / narrowest) ** float(setting.power(scale)))


def _grid(scale: Scale, setting: Setting, width: int, middle: float) -> np.ndarray:
    """Return the rates around a middle (seeds, rates), shifted from seed to seed."""
    octaves = setting.octaves(scale)
    step = octaves[1] - octaves[0]
    moved = (shifts(setting.seeds_at(scale, width))[:, None] - 0.5) * step
    return np.asarray(middle * 2.0 ** (octaves + moved))


def at_one_rate(
    scale: Scale, setting: Setting, like: Setting, *, device: str = "auto", progress: Progress = None
) -> xr.Dataset:
    """Train the widest networks at half the largest stable rate of others, `like`: (seed, lr)."""
    seen, held = networks.load(scale)
    narrow, wide = scale.edge_widths[0], scale.edge_widths[-1]
    middle, _ = _pilot(scale, like, narrow, None, device)
    rate = middle * _law(scale, like, wide, narrow) / 2
    seeds = range(scale.edge_seeds)
    lrs = np.full((len(seeds), 1), rate)
    found = trained(scale, setting, wide, seen, held, lrs=lrs, seeds=seeds, device=device)
    if progress:
        progress(1, 1)
    return found.assign_attrs(width=wide, rate=rate)


def below_the_edge(
    scale: Scale, setting: Setting, *, steps: int, device: str = "auto", progress: Progress = None
) -> xr.Dataset:
    """Train wide networks for some steps at shares of each one's largest rate that doesn't diverge."""
    seen, held = networks.load(scale)
    narrow, wide = scale.edge_widths[0], WIDE
    middle, _ = _pilot(scale, setting, narrow, None, device)
    grid = _grid(scale, setting, wide, middle * _law(scale, setting, wide, narrow))
    seeds = setting.seeds_at(scale, wide)
    found = trained(scale, setting, wide, seen, held, lrs=grid, seeds=seeds, device=device)
    stable = np.logical_and.accumulate(found.diverged_at.values < 0, axis=1)
    largest = np.where(stable, grid, 0.0).max(axis=1)
    found = trained(
        replace(scale, edge_steps=steps),
        setting,
        wide,
        seen,
        held,
        lrs=largest[:, None] * SHARES,
        seeds=seeds,
        device=device,
    )
    if progress:
        progress(1, 1)
    return found.assign_attrs(width=wide)


def trained(
    scale: Scale,
    setting: Setting,
    width: int,
    seen: Data,
    held: Data,
    *,
    lrs: np.ndarray,
    seeds: Sequence[int],
    device: str,
) -> xr.Dataset:
    """Train the networks of one width for the steps of the scale, at the rates (seeds, rates)."""
    rule = networks.rule_of(
        setting.parametrization,
        setting.layers(scale),
        setting.optimizer,
        power=Fraction(0) if setting.parametrization == "sp" else None,
    )
    members = networks.ensemble(rule, setting.layers(scale), width, seen, seeds=seeds, lrs=lrs, device=device)
    batch = min(setting.batch or scale.batch, seen.samples)
    targets = networks.targets_of(seen, setting.loss)
    order = [seed for seed in seeds for _ in lrs[0]]
    feed = nets.feeds.Minibatches((seen.inputs, targets), batch, order) if batch < seen.samples else None
    steps = scale.edge_steps
    run = Descent(
        members,
        nets.feeds.as_feed((seen.inputs, targets)) if feed is None else feed,
        steps=steps,
        loss=setting.loss,
        recorded=[0, steps],
        observed=[steps],
        quantities=["accuracy"],
        settings=nets.Settings(eps=1e-12),
    )
    record = run.run()
    shape = lrs.shape
    nothing = np.full((members.members, 2), np.nan)  # where no run came to the end, accuracy was not measured
    values = {name: record.values.get(name, nothing)[:, 1].reshape(shape) for name in ("loss", "accuracy")}
    values |= {name: value.reshape(shape) for name, value in _held_out(members, held).items()}
    values["diverged_at"] = members.diverged_at.numpy().reshape(shape)
    return dataset(
        {name: (("seed", "lr"), value) for name, value in values.items()},
        {"seed": list(seeds), "lr": np.arange(lrs.shape[1])},
        {
            "setting": setting.label,
            "parametrization": setting.parametrization,
            "loss": setting.loss,
            "optimizer": setting.optimizer,
            "layers": setting.layers(scale),
            "power": str(setting.power(scale)),
            "batch": batch,
            "steps": steps,
            "samples": seen.samples,
            "classes": seen.targets.shape[1],
            "data": seen.name,
        },
    )


def _held_out(members: nets.Ensemble, held: Data) -> dict[str, np.ndarray]:
    """Return accuracy, mean largest probability and root mean square logit on held-out samples (members,)."""
    inputs = torch.from_numpy(held.inputs).to(members.device, members.dtype)
    with torch.no_grad():
        outputs = members.forward(members.parameters, inputs)
        right = (outputs.argmax(-1).cpu() == torch.from_numpy(held.labels)).double().mean(1)
        sure = outputs.softmax(-1).amax(-1).double().mean(1)
        size = outputs.double().square().flatten(1).mean(1).sqrt()
    found = {"test_accuracy": right, "confidence": sure, "logits": size}
    return {
        name: np.where(members.active.numpy(), value.cpu().numpy(), np.nan) for name, value in found.items()
    }


def _data(scale: Scale, samples: int | None) -> tuple[Data, Data]:
    """Return what trains, the first so many samples of it, and what is held out."""
    seen, held = networks.load(scale)
    if samples is not None:
        seen = Data(seen.name, *(values[:samples] for values in (seen.inputs, seen.targets, seen.labels)))
    return seen, held


@cache
def _pilot(scale: Scale, setting: Setting, width: int, samples: int | None, device: str) -> tuple[float, str]:
    """Return the largest stable base rate of the narrowest networks, and how it was found.

    Where no rate reaches twice chance within so few steps, twice the rate of lowest loss stands in for it.
    """
    seen, held = _data(scale, samples)
    lrs = np.tile(PILOT, (len(PILOT_SEEDS), 1))
    found = trained(scale, setting, width, seen, held, lrs=lrs, seeds=PILOT_SEEDS, device=device)
    diverged = found.diverged_at.values >= 0
    wrong = wrongness(found, found.accuracy.values, diverged)
    rate = rates.largest_stable(PILOT, wrong, level=stable_below(int(found.attrs["classes"])))
    if rate.status == "interior":
        return rate.value, "by the largest stable rate"
    if diverged.all():
        raise ValueError(f"edge: {setting.label}, width {width}: every rate from {PILOT[0]:g} on diverges")
    best = PILOT[np.where(diverged, np.inf, found.loss.values).mean(axis=0).argmin()]
    return 2 * float(best), "by the lowest loss, as the pilot held no largest stable rate"
