"""Refined coordinate checks at a rate n^-c: how the updates of every layer scale with the width."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
import torch
import xarray as xr

from scalewright import nets
from scalewright.papers.large_learning_rates import networks
from scalewright.papers.large_learning_rates.settings import Scale
from scalewright.sim.data import Data
from scalewright.theory import Alignment, profile
from scalewright.theory.profile import AxisProfile

Progress = Callable[[int, int], None] | None
#: Width at which the rate of a check is its base rate, whatever the power.
BASE = 128


@dataclass(frozen=True)
class Check:
    """One coordinate check: an optimizer, a rate `lr` (n / 128)^-power, and on what it trains.

    `power` None leaves every layer the rate of its parametrization. `many` classes are drawn at random, in
    place of the task's few.
    """

    label: str
    optimizer: str
    power: Fraction | None
    lr: float
    parametrization: str = "sp"
    loss: str = "cross-entropy"
    depth: int | None = None
    batch: int | None = None
    many: int | None = None
    few: bool = True

    def seeds(self, scale: Scale) -> range:
        """Return the seeds of a scale for it: many for what is judged by narrow bands."""
        if self.optimizer == "adam":
            return range(scale.adam_seeds)
        return range(scale.few_seeds if self.few else scale.check_seeds)


def run(
    scale: Scale,
    check: Check,
    *,
    widths: Sequence[int] | None = None,
    steps: int | None = None,
    gradient: bool = False,
    alignment: bool = False,
    device: str = "auto",
    progress: Progress = None,
) -> xr.Dataset:
    """Train a few steps at every width and seed: the sizes of `nets.coordinate_check` after the first and
    last."""
    layers = scale.layers if check.depth is None else check.depth
    data, count = data_of(scale, check), steps or scale.check_steps
    rule = rule_of(check, layers)
    found = nets.coordinate_check(
        lambda width, seed: networks.single(rule, layers, width, data, seed=seed),
        (data.inputs, networks.targets_of(data, check.loss)),
        widths=list(widths or scale.check_widths),
        optimizer=lambda model: optimizer_of(model, check),
        loss=check.loss,
        steps=count,
        at=sorted({1, count}),
        seeds=check.seeds(scale),
        batch=check.batch or scale.batch,
        gradient=gradient,
        alignment=alignment,
        device=device,
        progress=progress,
    )
    return found.data.assign_attrs(
        check=check.label, layers=layers, unstable=len(found.unstable), data=data.name, lr=check.lr
    )


def rule_of(check: Check, layers: int) -> Any:
    """Return the parametrization of a check with its rate."""
    return networks.rule_of(check.parametrization, layers, check.optimizer, power=check.power)


def predicted(check: Check, layers: int, *, step: int | None = None) -> Any:
    """Return {parameter: predicted powers of the width}, later in training or after the steps 1, 2 or 3."""
    return profiled(check, layers).slopes(step=step)


def profiled(check: Check, layers: int, *, alignment: Alignment | None = None) -> AxisProfile:
    """Return the predicted powers of the width of all sizes."""
    rule = rule_of(check, layers)
    return profile(rule, loss=networks.LOSSES[check.loss], alignment=alignment)["width"]


def amplification(check: Check, layers: int, *, coherent: bool) -> float:
    """Return the power of |W_0 dx| over |dx| of the readout: coherent where its own rows made dx."""
    omega = Alignment(narrow=Fraction(1) if coherent else Fraction(1, 2))
    found = profiled(check, layers, alignment=omega)
    passed, changed = found.row("readout").propagating, found.row(f"hidden.{layers - 3}").change
    return float(passed - changed)  # type: ignore[operator]


def of(data: xr.Dataset, check: Check, *, step: int | None = None) -> nets.CoordinateCheck:
    """Return a stage's sizes as a coordinate check, the predictions beside."""
    expected = predicted(check, int(data.attrs["layers"]), step=step)
    return nets.CoordinateCheck(data, {}, (), expected)


def optimizer_of(model: nets.Parametrized, check: Check) -> torch.optim.Optimizer:
    """Return the torch optimizer whose rate at width 128 is that of the check."""
    base = check.lr * BASE ** float(check.power or 0)
    if check.optimizer == "sgd":
        return torch.optim.SGD(model.parameter_groups(base))
    return torch.optim.Adam(model.parameter_groups(base, eps=1e-12))


def data_of(scale: Scale, check: Check) -> Data:
    """Return what a check trains on: the task, or its inputs with many classes drawn at random."""
    seen, _ = networks.load(scale)
    if check.many is None:
        return seen
    labels = np.random.default_rng(0).integers(0, check.many, seen.samples)
    return Data(seen.name, seen.inputs, np.eye(check.many, dtype=np.float32)[labels], labels)
