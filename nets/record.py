"""Write down what an ensemble does in training: its loss and its observables at chosen points of the run."""

import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from scalewright.nets.curvature.eigenpairs import Eigenpairs, check_tolerance
from scalewright.nets.objective import Objective
from scalewright.nets.observe import activations, feature_change, weight_layers
from scalewright.nets.sharpness import OPERATORS, measure
from scalewright.nets.stacked import Stacked, like


def _feature_change(objective: Objective) -> Tensor:
    data = objective.data
    return feature_change(objective.ensemble, data.inputs, shared=data.shared)


def _outputs(objective: Objective) -> Tensor:
    with torch.no_grad():
        return objective.outputs(objective.ensemble.parameters)


def _by_sample(objective: Objective) -> Tensor:
    """Return the outputs (M, P, K); every position of a text is a sample."""
    return _outputs(objective).flatten(1, -2)


def _logits(objective: Objective) -> Tensor:
    return _outputs(objective).flatten(1).square().mean(1).sqrt()


def _accuracy(objective: Objective) -> Tensor:
    """Return the share of samples whose largest output is at the class, the largest of real targets."""
    targets = objective.data.targets
    classes = targets.argmax(-1) if targets.is_floating_point() else targets
    right = _outputs(objective).argmax(-1) == classes
    return right.flatten(1).to(objective.ensemble.dtype).mean(1)


def _alignment(objective: Objective) -> Tensor:
    r"""Return $\langle h h^T, y y^T \rangle_F / (|h h^T|_F |y y^T|_F)$ of every weight layer (M, layers)."""
    data = objective.data
    layers = weight_layers(objective.ensemble.model)
    found = activations(objective.ensemble, data.inputs, layers, shared=data.shared)
    wanted = _kernel(_real_targets(objective))
    cosines = []
    for name in layers:
        kernel = _kernel(found[name].outputs[-1].flatten(2))
        norms = kernel.flatten(1).norm(dim=1) * wanted.flatten(1).norm(dim=1)
        cosines.append((kernel * wanted).flatten(1).sum(1) / norms)
    return torch.stack(cosines, dim=1)


def _kernel(features: Tensor) -> Tensor:
    return features @ features.mT


def _real_targets(objective: Objective) -> Tensor:
    """Return the targets with a leading axis of members, or of length 1 where they are shared (., P, K)."""
    data = objective.data
    targets = data.targets if not data.shared else data.targets[None]
    if not targets.is_floating_point():
        targets = torch.nn.functional.one_hot(targets.long()).to(objective.ensemble.dtype)
    return targets.flatten(2)


def _gradient_norm(objective: Objective) -> Tensor:
    """Return the norm of Lambda^1/2 times the gradient for every weight layer (M, layers)."""
    ensemble = objective.ensemble
    _, gradients = objective.gradient()
    squares = {
        name: (like(ensemble.rates[name], gradient) * gradient.square()).flatten(1).sum(1)
        for name, gradient in gradients.items()
    }
    norms = [
        sum(
            (value for key, value in squares.items() if key.rpartition(".")[0] == name), torch.zeros(())
        ).sqrt()
        for name in weight_layers(ensemble.model)
    ]
    return torch.stack([norm.expand(ensemble.members) for norm in norms], dim=1)


#: Observables beside the eigenvalues: name -> (how it is measured, its dimensions after the member's).
MEASURES: Mapping[str, tuple[Callable[[Objective], Tensor], tuple[str, ...]]] = {
    "logits": (_logits, ()),
    "accuracy": (_accuracy, ()),
    "outputs": (_by_sample, ("sample", "output")),
    "feature_change": (_feature_change, ("layer",)),
    "alignment": (_alignment, ("layer",)),
    "gradient_norm": (_gradient_norm, ("layer",)),
}
QUANTITIES = (*OPERATORS, *MEASURES)


@dataclass(frozen=True)
class Precision:
    """How far every eigenvalue is iterated: the relative residual, and the most products it may cost."""

    tolerance: float = 1e-3
    budget: int = 200


class Recorder:
    """The arrays of a run: one entry for each recorded point, nan where nothing was measured.

    Attributes:
        values: variable -> (M, points, ...), float64.
        dims: variable -> its dimensions after the member's and the point's.
        unconverged: a sentence for every measurement of eigenvalues that missed the tolerance.
    """

    def __init__(self, members: int, points: int, quantities: Sequence[str], precision: Precision) -> None:
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
        if name not in QUANTITIES:
            raise ValueError(
                f"{caller}: every quantity must be one of {', '.join(QUANTITIES)}; given {name!r}"
            )
    if any(name in OPERATORS for name in quantities):
        check_tolerance(caller, precision.tolerance, dtype)
