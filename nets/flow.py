r"""Gradient flow of an ensemble, $\dot w = -\Lambda \nabla L$, by an adaptive solver with a tolerance.

The pair of Dormand and Prince (J. Comput. Appl. Math. 6, 19 (1980), table 2), orders 5 and 4, with a step
size for each member. Networks are smooth enough for it where the activation is; at a kink of a ReLU the
controller takes small steps.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor

from scalewright.nets.descent import Progress
from scalewright.nets.ensemble import Ensemble
from scalewright.nets.feeds import Feed
from scalewright.nets.losses import Loss, resolve
from scalewright.nets.objective import Objective
from scalewright.nets.program import Program
from scalewright.nets.record import Precision, Recorder
from scalewright.nets.stacked import Stacked, like

_MATRIX: tuple[tuple[float, ...], ...] = (
    (1 / 5,),
    (3 / 40, 9 / 40),
    (44 / 45, -56 / 15, 32 / 9),
    (19372 / 6561, -25360 / 2187, 64448 / 6561, -212 / 729),
    (9017 / 3168, -355 / 33, 46732 / 5247, 49 / 176, -5103 / 18656),
    (35 / 384, 0.0, 500 / 1113, 125 / 192, -2187 / 6784, 11 / 84),
)
#: Weights of the difference between the solutions of order 5 and 4.
_ERROR = (71 / 57600, 0.0, -71 / 16695, 71 / 1920, -17253 / 339200, 22 / 525, -1 / 40)
#: Share of the time to come below which a step that gives no finite weights is not halved again.
_SMALLEST = 1e-12
_ORDER, _SAFETY, _SHRINK, _GROW = 5, 0.9, 0.2, 5.0


@dataclass(frozen=True)
class Solver:
    """How far the flow is followed.

    Attributes:
        tolerance: bound on the local error of a step, relative to the root mean square of each weight tensor.
        budget: largest number of steps, taken and refused, of a member between two recorded times.

    Raises:
        ValueError: a tolerance that is not positive, or no step.
    """

    tolerance: float = 1e-6
    budget: int = 10_000

    def __post_init__(self) -> None:
        if not 0 < self.tolerance < float("inf"):
            raise ValueError(f"Solver: tolerance must be positive and finite; given {self.tolerance!r}")
        if self.budget < 1:
            raise ValueError(f"Solver: budget must be at least 1; given {self.budget!r}")


class Flow:
    r"""The flow of all members to the recorded times, time = learning rate times step of gradient descent.

    A member that can't be followed, because no step is finite however small or because the budget is spent,
    is frozen: `diverged_at` of the ensemble is the index of the recorded time that it did not reach. The
    record tells those whose budget was spent among `unconverged`.
    """

    def __init__(
        self,
        ensemble: Ensemble,
        feed: Feed,
        *,
        times: Sequence[float],
        loss: str | Loss = "mse",
        quantities: Sequence[str] = (),
        program: Program | None = None,
        solver: Solver | None = None,
        precision: Precision | None = None,
    ) -> None:
        """Prepare the flow on the whole of the feed's evaluation; `times` begin at 0 and rise.

        Raises:
            ValueError: other times; as `Objective.of`.
        """
        self.ensemble, self.times, self.solver = ensemble, [float(t) for t in times], solver or Solver()
        rising = all(one < two for one, two in pairwise(self.times))
        if not self.times or self.times[0] != 0 or not rising or self.times[-1] == float("inf"):
            raise ValueError(f"Flow: times must begin at 0 and rise; given {self.times}")
        data = feed.to(ensemble.dtype, ensemble.device).evaluation
        used = Program(ensemble.model, resolve(loss)) if program is None else program
        self.objective = Objective.of(ensemble, loss, data, program=used)
        self.record = Recorder(ensemble.members, len(self.times), quantities, precision or Precision())
        self._time = torch.zeros_like(ensemble.lr, dtype=torch.float64)
        self._step: Tensor | None = None
        self.products = 0

    def run(self, progress: Progress | None = None) -> Recorder:
        """Follow the flow to the last time and return what was written down."""
        ensemble = self.ensemble
        ensemble.diverged_at = torch.full((ensemble.members,), -1, dtype=torch.int64)
        losses, slope = self._slope(ensemble.parameters)
        for point, time in enumerate(self.times):
            losses, slope = self._reach(point, time, losses, slope)
            self.record.losses(point, losses, ensemble.active)
            self.record.observe(point, f"time {time:g}", self.objective, ensemble.active)
            if progress is not None:
                progress(point + 1, len(self.times))
        return self.record

    def _slope(self, weights: Stacked) -> tuple[Tensor, Stacked]:
        """Return the losses and -Lambda times the gradient."""
        ensemble = self.ensemble
        losses, gradients = self.objective.gradient(weights)
        self.products += 1
        return losses, {name: -like(ensemble.rates[name], g) * g for name, g in gradients.items()}

    def _reach(self, point: int, time: float, losses: Tensor, slope: Stacked) -> tuple[Tensor, Stacked]:
        """Take steps until every active member stands at `time`."""
        ensemble = self.ensemble
        if self._step is None:
            self._step = self._first_step(slope)
        for _ in range(self.solver.budget):
            left = time - self._time
            moving = ensemble.active.to(left.device) & (left > 0)
            if not bool(moving.any()):
                return losses, slope
            size = torch.where(moving, torch.minimum(self._step, left), 0.0)
            trial, end_losses, end, error = self._attempt(size, slope)
            taken = moving & (error <= 1)
            last = taken & (size >= left)
            self._time = torch.where(last, time, torch.where(taken, self._time + size, self._time))
            self._move(taken, trial)
            losses = torch.where(taken, end_losses, losses)
            slope = {name: torch.where(like(taken, s), end[name], s) for name, s in slope.items()}
            self._step = torch.where(moving, self._next(size, error, taken, last), self._step)
            lost = moving & ~error.isfinite() & (size <= _SMALLEST * time)
            ensemble.diverged_at[lost.cpu()] = point
        stuck = ensemble.active & (self._time.cpu() < time)
        if bool(stuck.any()):
            ensemble.diverged_at[stuck] = point
            self.record.unconverged.append(
                f"time {time:g}: {int(stuck.sum())} members were not followed in {self.solver.budget} steps: "
                "raise the budget or the tolerance"
            )
        return losses, slope

    def _attempt(self, size: Tensor, slope: Stacked) -> tuple[Stacked, Tensor, Stacked, Tensor]:
        """Return weights, losses and slope after a step of each member, and its error over the tolerance."""
        start, slopes = self.ensemble.parameters, [slope]
        weights, losses = start, size
        for row in _MATRIX:
            weights = {
                name: w + like(size.to(w.dtype), w) * _mix(row, slopes, name) for name, w in start.items()
            }
            losses, new = self._slope(weights)
            slopes.append(new)
        errors = []
        for name, w in start.items():
            difference = _rms(like(size.to(w.dtype), w) * _mix(_ERROR, slopes, name))
            scale = self.solver.tolerance * torch.maximum(_rms(w), _rms(weights[name]))
            errors.append(torch.where(difference == 0, 0.0, difference / scale))  # weights that stay 0
        worst = torch.stack(errors).amax(0).double()
        return weights, losses, slopes[-1], torch.where(worst.isnan(), torch.inf, worst)

    def _first_step(self, slope: Stacked) -> Tensor:
        """Return the time in which the fastest weight tensor moves by a hundredth of its size (M,).

        One that starts at 0 has no size, and is left to the control of the error.
        """
        sizes = {name: _rms(w) for name, w in self.ensemble.parameters.items()}
        speeds = [torch.where(size == 0, 0.0, _rms(slope[name]) / size) for name, size in sizes.items()]
        fastest = torch.stack(speeds).amax(0).double()
        return torch.where(fastest > 0, 0.01 / fastest, 1.0)

    def _next(self, size: Tensor, error: Tensor, taken: Tensor, last: Tensor) -> Tensor:
        """Return the next step size; one that a recorded time cut short does not shrink what comes after."""
        factor = (_SAFETY * error.clamp(min=1e-10) ** (-1 / _ORDER)).clamp(_SHRINK, _GROW)
        proposed = size * torch.where(taken, factor, factor.clamp(max=1.0))
        assert self._step is not None
        return torch.where(last, torch.maximum(proposed, self._step), proposed)

    def _move(self, taken: Tensor, weights: Stacked) -> None:
        for name, weight in self.ensemble.parameters.items():
            weight.copy_(torch.where(like(taken, weight), weights[name], weight))


def _mix(coefficients: Sequence[float], slopes: Sequence[Stacked], name: str) -> Tensor:
    terms = [c * s[name] for c, s in zip(coefficients, slopes, strict=True) if c]
    return torch.stack(terms).sum(0) if len(terms) > 1 else terms[0]


def _rms(stacked: Tensor) -> Tensor:
    return stacked.flatten(1).square().mean(1).sqrt()
