"""Train an ensemble by full-batch gradient descent, and observe its curvature on the way."""

import warnings
from collections.abc import Callable, Iterable, Sequence
from numbers import Integral
from typing import Any

import numpy as np
import torch
import xarray as xr
from torch import Tensor

from scalewright.nets.curvature.eigenpairs import Eigenpairs, check_tolerance
from scalewright.nets.ensemble import Ensemble
from scalewright.nets.losses import Loss
from scalewright.nets.objective import Objective
from scalewright.nets.observe import feature_change, weight_layers
from scalewright.nets.optimizers import Optimizer, optimizer_of
from scalewright.nets.sharpness import OPERATORS, measure
from scalewright.sim.dataset import dataset

Progress = Callable[[int, int], None]


def train(
    ensemble: Ensemble,
    data: Any,
    *,
    steps: int,
    loss: str | Loss = "mse",
    observe_at: Iterable[int] = (),
    quantities: Sequence[str] = ("sharpness", "gauss_newton", "residual", "ntk"),
    divergence: float = 1e6,
    tolerance: float = 1e-3,
    budget: int = 200,
    progress: Progress | None = None,
) -> xr.Dataset:
    """Train every member for `steps` updates at its own learning rate and return the trajectory.

    The optimizer is the one of the ensemble's parametrization. Entry t of the `step` dimension is before
    update t, so 0 is the initialisation and `steps` the end. The ensemble's weights move in place.

    A member diverges at the first step at which its loss is not finite or above `divergence` times its
    initial loss. It is frozen there: its weights keep their bytes, its loss at that step is kept and is nan
    afterwards, its spectra are nan from that step on, `diverged_at` says when, and the others don't notice.

    Args:
        ensemble: the networks.
        data: an (inputs, targets) pair or the result of `data.load`; the whole of it is one batch.
        steps: number of updates.
        loss: "mse" or "cross-entropy".
        observe_at: steps at which `quantities` are measured; they are nan at the others.
        quantities: of "sharpness", "raw_sharpness", "gauss_newton", "residual", "ntk" (largest eigenvalues;
            under Adam, Lambda is the preconditioner of the update to come), "feature_change".
        divergence: factor on the initial loss.
        tolerance, budget: of every eigenvalue, as in `top_eigenpairs`.
        progress: called as progress(done, total) after every step.

    Returns:
        A dataset with dimensions (*ensemble.axes, "step"): `loss`, `diverged_at`, each quantity and its
        `_error`, the absolute residual bound. An eigenvalue that missed the tolerance is counted in the
        attribute `unconverged` and warned of.

    Raises:
        TypeError: a step that is no integer, or spectra asked for in another dtype than float32 or float64.
        ValueError: a step, quantity, tolerance, loss or data that cannot be used.

    Cost: one gradient a step; see `measure` for the spectra.
    """
    observed = _check(ensemble, steps, observe_at, quantities)
    if observed and any(name in OPERATORS for name in quantities):
        check_tolerance("train", tolerance, ensemble.dtype)
    objective = Objective.of(ensemble, loss, data)
    optimizer = optimizer_of(ensemble)
    log = _Log(ensemble, objective, steps, quantities, tolerance, budget)
    ensemble.diverged_at = torch.full((ensemble.members,), -1, dtype=torch.int64)
    initial: Tensor | None = None
    for step in range(steps + 1):
        losses, gradients = objective.gradient()
        current = losses.cpu().double()
        initial = current if initial is None else initial
        log.losses[ensemble.active.numpy(), step] = current[ensemble.active].numpy()
        bad = ensemble.active & ~(current.isfinite() & (current <= divergence * initial))
        ensemble.diverged_at[bad] = step
        optimizer.absorb(gradients)
        if step in observed:
            log.observe(step, optimizer)
        if step < steps:
            optimizer.update(ensemble.active)
            if progress is not None:
                progress(step + 1, steps)
    return log.dataset()


class _Log:
    """What a run writes down."""

    def __init__(
        self,
        ensemble: Ensemble,
        objective: Objective,
        steps: int,
        quantities: Sequence[str],
        tolerance: float,
        budget: int,
    ) -> None:
        self.ensemble, self.objective = ensemble, objective
        self.tolerance, self.budget = tolerance, budget
        self.spectra = [name for name in quantities if name in OPERATORS]
        self.losses = np.full((ensemble.members, steps + 1), np.nan)
        names = [name + suffix for name in self.spectra for suffix in ("", "_error")]
        self.values = {name: np.full((ensemble.members, steps + 1), np.nan) for name in names}
        self.changes: np.ndarray | None = None
        if "feature_change" in quantities:
            layers = len(weight_layers(ensemble.model))
            self.changes = np.full((ensemble.members, steps + 1, layers), np.nan)
        self.unconverged: list[str] = []

    def observe(self, step: int, optimizer: Optimizer) -> None:
        """Measure the members that have not diverged."""
        members = np.flatnonzero(self.ensemble.active.numpy())
        if not len(members):
            return
        part = self.ensemble if len(members) == self.ensemble.members else self.ensemble.select(members)
        there = torch.from_numpy(members).to(self.ensemble.device)
        metric = {name: entry[there] for name, entry in optimizer.metric().items()}
        pairs = measure(
            part,
            self.objective.data,
            self.objective.loss,
            self.spectra,
            tolerance=self.tolerance,
            budget=self.budget,
            metric=metric,
        )
        for name, found in pairs.items():
            self._record(name, step, members, found)
        if self.changes is not None:
            self.changes[members, step] = feature_change(part, self.objective.data.inputs).cpu().numpy()

    def _record(self, name: str, step: int, members: np.ndarray, found: Eigenpairs) -> None:
        self.values[name][members, step] = found.values[:, 0]
        self.values[f"{name}_error"][members, step] = found.residuals[:, 0] * np.abs(found.values[:, 0])
        if not found.converged.all():
            self.unconverged.append(f"{name} at step {step}: {found.status}")

    def dataset(self) -> xr.Dataset:
        """Return the trajectory over the ensemble's axes."""
        shape, axes = self.ensemble.shape, tuple(self.ensemble.axes)
        series = {"loss": self.losses, **self.values}
        variables: dict[str, Any] = {
            name: ((*axes, "step"), values.reshape(*shape, -1)) for name, values in series.items()
        }
        variables["diverged_at"] = (axes, self.ensemble.diverged_at.numpy().reshape(shape))
        coords = {**self.ensemble.axes, "step": np.arange(self.losses.shape[1])}
        if self.changes is not None:
            variables["feature_change"] = (
                (*axes, "step", "layer"),
                self.changes.reshape(*shape, *self.changes.shape[1:]),
            )
            coords["layer"] = np.arange(self.changes.shape[2])
        if self.unconverged:
            warnings.warn(f"train: {len(self.unconverged)} measurements; {self.unconverged[0]}", stacklevel=3)
        return dataset(variables, coords, self._attrs())

    def _attrs(self) -> dict[str, Any]:
        data = self.objective.data
        return {
            **self.ensemble.attrs,
            "optimizer": self.ensemble.optimizer,
            "loss": self.objective.loss.name,
            "data": data.name,
            "data_sha256": data.sha256,
            "samples": len(data.inputs),
            "dtype": str(self.ensemble.dtype).removeprefix("torch."),
            "device": str(self.ensemble.device),
            "torch": str(torch.__version__),
            "tolerance": self.tolerance,
            "unconverged": len(self.unconverged),
        }


def _check(
    ensemble: Ensemble, steps: int, observe_at: Iterable[int], quantities: Sequence[str]
) -> frozenset[int]:
    wanted = tuple(observe_at)
    for name, value in (("steps", steps), *(("every step of observe_at", step) for step in wanted)):
        if isinstance(value, bool) or not isinstance(value, Integral):
            raise TypeError(f"train: {name} must be an integer; given {value!r}")
    observed = frozenset(int(step) for step in wanted)
    if steps < 0:
        raise ValueError(f"train: steps must be non-negative; given {steps!r}")
    outside = sorted(step for step in observed if not 0 <= step <= steps)
    if outside:
        raise ValueError(f"train: observe_at must lie between 0 and steps = {steps}; given {outside[0]}")
    known = (*OPERATORS, "feature_change")
    for name in quantities:
        if name not in known:
            raise ValueError(f"train: every quantity must be one of {', '.join(known)}; given {name!r}")
    return observed
