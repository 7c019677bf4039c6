"""From the exact march to what a trajectory holds; a march that overflowed is cut where it did."""

from typing import Any

import numpy as np

from scalewright.sim.dmft import fields, linear
from scalewright.sim.dmft.problem import Problem
from scalewright.sim.dmft.solution import Fields

#: Outputs beyond this have left every loss of interest, and their kernels overflow.
OVERFLOW = 1e30


def deep_linear(problem: Problem, gammas: np.ndarray, *, two_time: bool) -> list[Fields]:
    """Return the fields of a deep linear network, one entry a gamma, all marched at once."""
    found = linear.march(problem, gammas)
    return [_fields(problem, gammas, found, index, two_time) for index in range(len(gammas))]


def _fields(
    problem: Problem, gammas: np.ndarray, found: dict[str, Any], index: int, two_time: bool
) -> Fields:
    one: dict[str, Any] = {
        name: tuple(v[index] for v in value) if isinstance(value, tuple) else value[index]
        for name, value in found.items()
    }
    last = last_finite(one["outputs"])
    if last < problem.steps:
        one = {name: _cut(problem, name, value, last) for name, value in one.items()}
    with np.errstate(over="ignore", invalid="ignore"):
        features, answers = fields.sample_kernels(problem, gammas[index], one, two_time=two_time)
        gradients = fields.gradient_kernels(problem, one)
        if not two_time:
            gradients = [np.einsum("tktj->tkj", g) for g in gradients]
            return Fields(one["outputs"], features, gradients)
        return Fields(one["outputs"], features, gradients, answers, fields.backward_responses(problem, one))


def last_finite(outputs: np.ndarray) -> int:
    """Return the last step before the outputs (T+1, P, K) are lost to overflow."""
    with np.errstate(invalid="ignore"):
        finite = np.isfinite(outputs).all(axis=(1, 2)) & (np.abs(outputs) < OVERFLOW).all(axis=(1, 2))
    return len(outputs) - 1 if finite.all() else max(int(finite.argmin()) - 1, 0)


def _cut(problem: Problem, name: str, value: Any, last: int) -> Any:
    """Return a record without what follows step `last`: causal, so that nothing before it changes."""
    if isinstance(value, tuple):
        return tuple(_cut(problem, name, v, last) for v in value)
    known = np.arange(problem.times) <= last
    if name in ("outputs", "residuals"):
        return np.where(known[:, None, None], value, np.nan if name == "outputs" else 0.0)
    known = np.repeat(known, problem.outputs)
    return np.where(known[:, None] if name == "pulled" else known[:, None] & known, value, 0.0)
