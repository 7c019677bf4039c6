"""The one call: pose the problem, choose the march, return the trajectory with its status."""

from collections.abc import Sequence
from typing import Any, Literal, get_args

import numpy as np

from scalewright.sim.dmft import cost, fields, linear
from scalewright.sim.dmft.problem import Problem, check_positive, pose
from scalewright.sim.dmft.solution import Fields, Solution, assemble, divergence

#: Outputs beyond this have left every loss of interest, and their kernels overflow.
OVERFLOW = 1e30

Kernels = Literal["two-time", "equal-time"]


def solve(
    *,
    kernel: Any,
    targets: Any,
    hidden_layers: int,
    lr: float,
    steps: int,
    activation: str = "linear",
    gamma: float | Sequence[float] = 1.0,
    loss: str = "mse",
    momentum: float = 0.0,
    weight_decay: float = 0.0,
    batches: Any = None,
    rates: Sequence[float] | None = None,
    kernels: Kernels = "two-time",
    memory: float = 4.0,
) -> Solution:
    problem = pose(
        kernel, targets, hidden_layers=hidden_layers, activation=activation, loss=loss, lr=lr, steps=steps,
        momentum=momentum, weight_decay=weight_decay, batches=batches, rates=rates,
    )  # fmt: skip
    gammas = check_gamma(gamma)
    if kernels not in get_args(Kernels):
        raise ValueError(f"dmft.solve: kernels must be 'two-time' or 'equal-time'; given {kernels!r}")
    two_time = kernels == "two-time"
    limit = int(cost.GIB * check_positive("memory", memory))
    need = cost.kernel_bytes(problem, gammas=len(gammas), two_time=two_time, sampled=False)
    cost.check_memory(problem, need + cost.march_bytes(problem, gammas=len(gammas)), limit, two_time=two_time)
    return exact(problem, gammas, two_time=two_time, batched=np.ndim(gamma) == 1)


def check_gamma(gamma: Any) -> np.ndarray:
    """Return the gammas as an array; ValueError unless all are positive and finite."""
    gammas = np.atleast_1d(np.asarray(gamma, dtype=float))
    if gammas.ndim != 1 or not len(gammas) or not (np.isfinite(gammas) & (gammas > 0)).all():
        raise ValueError(
            f"dmft.solve: gamma must be a positive number or a list of them; given {gamma!r}: the limit "
            "gamma -> 0 is dmft.limits.lazy"
        )
    return gammas


def exact(problem: Problem, gammas: np.ndarray, *, two_time: bool, batched: bool) -> Solution:
    """Solve a deep linear network exactly for all gammas at once."""
    found = linear.march(problem, gammas)
    every = [_fields(problem, gammas, found, i, two_time) for i in range(len(gammas))]
    trajectory = assemble(problem, gammas, every, batched=batched, attrs={"method": "causal march"})
    said = divergence(problem, trajectory)
    message = "the causal march is exact to rounding" if said is None else said
    errors = {"outputs": 0.0, "feature_kernel": 0.0, "gradient_kernel": 0.0}
    return Solution(trajectory, "exact" if said is None else "diverged", message, errors)


def _last_finite(problem: Problem, outputs: np.ndarray) -> int:
    """Return the last step before the loss is lost to overflow."""
    finite = np.isfinite(outputs).all(axis=(1, 2)) & (np.abs(outputs) < OVERFLOW).all(axis=(1, 2))
    return problem.steps if finite.all() else max(int(finite.argmin()) - 1, 0)


def _cut(problem: Problem, name: str, value: Any, last: int) -> Any:
    """Return a record without what follows step `last`: causal, so that nothing before it changes."""
    if isinstance(value, tuple):
        return tuple(_cut(problem, name, v, last) for v in value)
    if name in ("outputs", "residuals"):
        return np.where(
            np.arange(problem.times)[:, None, None] <= last, value, np.nan if name == "outputs" else 0
        )
    known = np.repeat(np.arange(problem.times) <= last, problem.outputs)
    if name == "pulled":
        return np.where(known[:, None], value, 0.0)
    return np.where(known[:, None] & known, value, 0.0)


def _fields(
    problem: Problem, gammas: np.ndarray, found: dict[str, Any], index: int, two_time: bool
) -> Fields:
    one: dict[str, Any] = {
        name: tuple(v[index] for v in value) if isinstance(value, tuple) else value[index]
        for name, value in found.items()
    }
    last = _last_finite(problem, one["outputs"])
    if last < problem.steps:
        one = {name: _cut(problem, name, value, last) for name, value in one.items()}
    with np.errstate(over="ignore", invalid="ignore"):
        features, answers = fields.sample_kernels(problem, gammas[index], one, two_time=two_time)
        gradients = fields.gradient_kernels(problem, one)
        if not two_time:
            gradients = [np.einsum("tktj->tkj", g) for g in gradients]
            return Fields(one["outputs"], features, gradients)
        return Fields(one["outputs"], features, gradients, answers, fields.backward_responses(problem, one))
