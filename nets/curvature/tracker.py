"""Follow the curvature through training: warm measurements, certified by cold ones on a schedule."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import xarray as xr
from torch import nn

from scalewright.nets.curvature.eigenpairs import Eigenpairs, check_tolerance
from scalewright.nets.curvature.lanczos import Lanczos
from scalewright.nets.curvature.operators import Curvature
from scalewright.nets.curvature.preconditioned import preconditioner
from scalewright.nets.curvature.problem import LossLike
from scalewright.nets.curvature.quantities import EIGENVALUES, check_quantities, number_of
from scalewright.nets.curvature.start import random_start
from scalewright.nets.curvature.warm import Memory, warm_eigenpair
from scalewright.nets.ensemble import Ensemble
from scalewright.sim.dataset import dataset

#: An eigenvalue that has moved by this share since the last measurement is checked by a cold start.
JUMP = 1 / 3


@dataclass(frozen=True)
class Measurement:
    """One quantity at one step, for M members.

    Attributes:
        step: training step. quantity: its name.
        values, errors: (M,), and the absolute residual bound or standard error.
        products, cold_products: products of the warm measurement, and of a cold start beside it.
        kind: "cold" (the first), "warm", "checked" (warm, with a cold start beside it), "estimate" (traces).
        missed: members whose cold start found an eigenvalue above the warm one by more than the bounds (M,).
        pairs: the eigenpairs reported; None for traces.
    """

    step: int
    quantity: str
    values: np.ndarray
    errors: np.ndarray
    products: int
    cold_products: int
    kind: str
    missed: np.ndarray
    pairs: Eigenpairs | None = None


class SharpnessTracker:
    """Measure curvature every few training steps, each time from what was found the time before.

    Call `step()` once a training step, before the update or after it. Every `recheck` measurements, and
    whenever an eigenvalue has moved by a third, a cold start with a fresh random vector is made beside the
    warm one: it renews the certificate, and where it finds more than the warm one, the measurement says so
    in `missed` and goes on from there.
    """

    def __init__(
        self,
        model: nn.Module | Ensemble,
        loss: LossLike,
        data: Any,
        *,
        every: int = 10,
        quantities: Sequence[str] = ("hessian",),
        tolerance: float = 1e-2,
        budget: int = 200,
        recheck: int = 25,
        remember: int = 8,
        noise: float = 0.5,
        probes: int = 30,
        optimizer: torch.optim.Optimizer | None = None,
        raw: bool = False,
        parameters: Iterable[str] | None = None,
        chunk: int | None = None,
        dtype: torch.dtype | None = None,
        seed: int = 0,
    ) -> None:
        """Prepare to follow a model; nothing is measured yet.

        Args:
            model, loss, data, raw, parameters, chunk, dtype: as in `Hessian`. An iterable of batches is read
                anew for every measurement: give a list.
            every: training steps between measurements.
            quantities: of "hessian", "gauss_newton", "residual", "ntk" (largest eigenvalues), "trace" (of G),
                "hessian_trace", "directional_sharpness".
            tolerance, budget: of every eigenvalue, as in `top_eigenpairs`.
            recheck: measurements between cold starts at most; 0: only the first is cold.
            remember: Ritz vectors kept between measurements, each as large as the parameters.
            noise: of the warm start, as in `warm_eigenpair`.
            probes: products of every trace.
            optimizer: a live torch optimizer, whose preconditioner and rates are Lambda at every step.
            seed: of starts and probes. Traces use the same probes at every step.

        Raises:
            ValueError: a quantity that is not known, or a number out of range.
        """
        check_quantities("SharpnessTracker", quantities)
        for what, value, least in (("every", every, 1), ("recheck", recheck, 0), ("remember", remember, 1)):
            if isinstance(value, bool) or not isinstance(value, int) or value < least:
                raise ValueError(f"SharpnessTracker: {what} must be an integer >= {least}; given {value!r}")
        self.model, self.loss, self.data = model, loss, data
        self.every, self.quantities, self.recheck, self.remember = every, tuple(quantities), recheck, remember
        self.tolerance, self.budget, self.noise, self.probes = tolerance, budget, noise, probes
        self.optimizer, self.seed = optimizer, seed
        chosen = None if parameters is None else list(parameters)
        self._options = {"raw": raw, "parameters": chosen, "chunk": chunk, "dtype": dtype}
        self.measurements: list[Measurement] = []
        self._memories: dict[str, Memory] = {}
        self._calls = self._count = 0

    def step(self) -> list[Measurement]:
        """Count one training step; measure if it is due, and return what was measured."""
        due = self._calls % self.every == 0
        found = self.measure(self._calls) if due else []
        self._calls += 1
        return found

    def measure(self, step: int) -> list[Measurement]:
        """Measure every quantity at the present weights, and file it under `step`."""
        metric = None
        if self.optimizer is not None:
            metric = preconditioner(self.optimizer, self.model)
        found = [self._measure(name, step, metric) for name in self.quantities]
        self.measurements += found
        self._count += 1
        return found

    def _operator(self, kind: Callable[..., Curvature], metric: Any) -> Curvature:
        return kind(self.model, self.loss, self.data, metric=metric, **self._options)

    def _measure(self, name: str, step: int, metric: Any) -> Measurement:
        if name in EIGENVALUES:
            return self._eigenvalue(name, step, self._operator(EIGENVALUES[name][0], metric))
        found = number_of(name, lambda kind: self._operator(kind, metric), probes=self.probes, seed=self.seed)
        values, errors, products = found.values, found.errors, found.products
        nothing = np.zeros(len(values), dtype=bool)
        return Measurement(step, name, values, errors, products, 0, "estimate", nothing)

    def _eigenvalue(self, name: str, step: int, operator: Curvature) -> Measurement:
        check_tolerance("SharpnessTracker", self.tolerance, operator.dtype)
        memory = self._memories.get(name)
        if memory is None:
            pairs, memory = self._cold(operator, None)
            self._memories[name] = memory
            return _filed(step, name, pairs, 0, pairs.matvecs, "cold", np.zeros(operator.members, dtype=bool))
        seed = self.seed + 1 + self._count
        warm, later = warm_eigenpair(
            operator, memory, tolerance=self.tolerance, budget=self.budget, noise=self.noise, seed=seed
        )
        missed = np.zeros(operator.members, dtype=bool)
        if not self._due(warm, memory):
            self._memories[name] = later
            return _filed(step, name, warm, warm.matvecs, 0, "warm", missed)
        pairs, cold = self._cold(operator, later)
        missed = pairs.values[:, 0] - pairs.rounding > warm.values[:, 0] + warm.errors[:, 0]
        self._memories[name] = cold
        return _filed(step, name, pairs, warm.matvecs, pairs.matvecs, "checked", missed)

    def _due(self, warm: Eigenpairs, memory: Memory) -> bool:
        """Whether a cold start is due: by schedule, or because an eigenvalue has moved by a third."""
        if not self.recheck:
            return False
        before, now = memory.values[:, 0].cpu().numpy(), warm.values[:, 0]
        jumped = np.abs(now - before) > JUMP * np.maximum(np.abs(now), np.abs(before))
        return bool(jumped.any()) or self._count % self.recheck == 0

    def _cold(self, operator: Curvature, before: Memory | None) -> tuple[Eigenpairs, Memory]:
        """Return the pair from a random start, and the memory it leaves."""
        run = Lanczos(operator, 1, tolerance=self.tolerance, certify=None, basis=80, keep=self.remember)
        run.begin(random_start(operator, self.seed + self._count), certain=True)
        for _ in range(self.budget):
            if not run.step():
                break
        pairs = run.finish(self.budget)
        vector = pairs.vectors[:, 0]
        track = (vector,) if before is None else before.followed_by(vector)
        values = torch.from_numpy(run.space_values).to(vector)
        return pairs, Memory(track, run.space, values, pairs.certified_to, 0)

    @property
    def trajectory(self) -> xr.Dataset:
        """Return what was measured, over the ensemble's axes and "step".

        Variables: every quantity and its `_error`; attributes: the products spent, warm and cold apart, and
        `missed`, the number of measurements in which a cold start found more.
        """
        axes = dict(self.model.axes) if isinstance(self.model, Ensemble) else {}
        shape = tuple(len(values) for values in axes.values())
        variables: dict[str, Any] = {}
        for name in self.quantities:
            rows = [m for m in self.measurements if m.quantity == name]
            key = EIGENVALUES[name][1] if name in EIGENVALUES else name
            for suffix, part in (("", "values"), ("_error", "errors")):
                stacked = np.stack([getattr(row, part) for row in rows], -1) if rows else np.zeros((1, 0))
                variables[key + suffix] = ((*axes, "step"), stacked.reshape(*shape, stacked.shape[-1]))
        steps = sorted({m.step for m in self.measurements})
        rows = [m for m in self.measurements if m.quantity in EIGENVALUES]
        attrs = {
            "tolerance": self.tolerance,
            "warm_products": sum(m.products for m in rows),
            "warm_measurements": sum(m.products > 0 for m in rows),
            "cold_products": sum(m.cold_products for m in rows),
            "missed": sum(bool(m.missed.any()) for m in rows),
            "unconverged": sum(not m.pairs.converged.all() for m in rows if m.pairs is not None),
        }
        return dataset(variables, {**axes, "step": np.array(steps, dtype=np.int64)}, attrs)


def _filed(
    step: int, name: str, pairs: Eigenpairs, warm: int, cold: int, kind: str, missed: np.ndarray
) -> Measurement:
    return Measurement(step, name, pairs.values[:, 0], pairs.errors[:, 0], warm, cold, kind, missed, pairs)
