"""Write down what an ensemble does in training: its loss and its observables at chosen points of the run."""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from scalewright.nets.curvature.eigenpairs import Eigenpairs, check_tolerance
from scalewright.nets.measures import MEASURES, QUANTITIES
from scalewright.nets.objective import Objective
from scalewright.nets.sharpness import OPERATORS, measure
from scalewright.nets.stacked import Stacked


@dataclass(frozen=True)
class Precision:
    """How far every eigenvalue is iterated: the relative residual, and the most products it may cost.

    Raises:
        ValueError: a budget below 1. What tolerance a dtype bears, `check_quantities` says.
    """

    tolerance: float = 1e-3
    budget: int = 200

    def __post_init__(self) -> None:
        if self.budget < 1:
            raise ValueError(f"Precision: budget must be at least 1; given {self.budget!r}")


class Recorder:
    """The arrays of a run: one entry for each recorded point, nan where nothing was measured.

    Attributes:
        values: variable -> (M, points, ...), float64.
        dims: variable -> its dimensions after the member's and the point's.
        unconverged: a sentence for every measurement of eigenvalues that missed the tolerance, and for every
            time that a flow did not reach within its budget.
    """

    def __init__(self, members: int, points: int, quantities: Sequence[str], precision: Precision) -> None:
        for name in quantities:
            check_quantity("Recorder", name)
        self.members, self.points, self.quantities = members, points, tuple(quantities)
        self.precision = precision
        self.values: dict[str, np.ndarray] = {}
        self.dims: dict[str, tuple[str, ...]] = {}
        self.unconverged: list[str] = []
        spectra = [name for name in quantities if name in OPERATORS]
        for name in ("loss", *(name + suffix for name in spectra for suffix in ("", "_error"))):
            self._make(name, (), ())

    def losses(self, point: int, losses: Tensor, members: Tensor, *, name: str = "loss") -> None:
        """Write the losses of some members (M,), bool."""
        if name not in self.values:
            self._make(name, (), ())
        chosen = members.cpu().numpy()
        self.values[name][chosen, point] = losses.detach().cpu().double().numpy()[chosen]

    def observe(
        self, point: int, where: str, objective: Objective, active: Tensor, metric: Stacked | None = None
    ) -> None:
        """Measure every quantity for the members that are active (M,), bool; `where` names the point.

        The others are replaced by one that is, so that the shapes, and with them the rounding, are the same
        however many have diverged.
        """
        active = active.cpu()
        if not self.quantities or not bool(active.any()):
            return
        if not bool(active.all()):
            stand_in = torch.where(active, torch.arange(len(active)), int(active.nonzero()[0]))
            objective = objective.select(stand_in)
            there = stand_in.to(objective.ensemble.device)
            metric = None if metric is None else {name: entry[there] for name, entry in metric.items()}
        chosen = active.numpy()
        spectra = [name for name in self.quantities if name in OPERATORS]
        for name, pairs in self._eigenpairs(objective, spectra, metric).items():
            self._write(name, point, where, pairs, chosen)
        for name in (name for name in self.quantities if name in MEASURES):
            measured = MEASURES[name][0](objective).detach().cpu().double().numpy()
            if name not in self.values:
                self._make(name, measured.shape[1:], MEASURES[name][1])
            self.values[name][chosen, point] = measured[chosen]

    def warn(self, caller: str) -> None:
        """Warn of eigenvalues that missed the tolerance."""
        if self.unconverged:
            count = len(self.unconverged)
            warnings.warn(f"{caller}: {count} measurements; {self.unconverged[0]}", stacklevel=3)

    def _eigenpairs(
        self, objective: Objective, names: Sequence[str], metric: Stacked | None
    ) -> dict[str, Eigenpairs]:
        return measure(
            objective.ensemble,
            objective.data,
            objective.loss,
            names,
            tolerance=self.precision.tolerance,
            budget=self.precision.budget,
            metric=metric,
        )

    def _write(self, name: str, point: int, where: str, found: Eigenpairs, chosen: np.ndarray) -> None:
        self.values[name][chosen, point] = found.values[chosen, 0]
        errors = found.residuals[:, 0] * np.abs(found.values[:, 0])
        self.values[f"{name}_error"][chosen, point] = errors[chosen]
        if not found.converged[chosen].all():
            self.unconverged.append(f"{name} at {where}: {found.status}")

    def _make(self, name: str, shape: tuple[int, ...], dims: tuple[str, ...]) -> None:
        self.values[name] = np.full((self.members, self.points, *shape), np.nan)
        self.dims[name] = dims


def check_quantities(caller: str, quantities: Sequence[str], precision: Precision, dtype: Any) -> None:
    """Raise unless every quantity is known, and the tolerance fits the dtype where there are eigenvalues."""
    for name in quantities:
        check_quantity(caller, name)
    if any(name in OPERATORS for name in quantities):
        check_tolerance(caller, precision.tolerance, dtype)


def check_quantity(caller: str, name: str) -> None:
    """Raise ValueError unless the quantity is known."""
    if name not in QUANTITIES:
        raise ValueError(f"{caller}: every quantity must be one of {', '.join(QUANTITIES)}; given {name!r}")
