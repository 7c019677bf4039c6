r"""Gradient flow: the limit of vanishing learning rate at fixed time, extrapolated from finer steps.

An Euler march with steps of $\eta/r$ is off by $c_1/r + c_2/r^2 + \dots$, so that those of r, 2r and 4r
eliminate the
first two terms: $X = (8 X_{4r} - 6 X_{2r} + X_r)/3$. The distance from $2 X_{4r} - X_{2r}$, which eliminates
one, is the
error.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from scalewright.sim.dmft.problem import Problem
from scalewright.sim.dmft.solution import Fields

LEVELS = (1, 2, 4)
THIRD = (1 / 3, -2.0, 8 / 3)
SECOND = (0.0, -1.0, 2.0)


def refined(problem: Problem, by: int) -> Problem:
    """Return the problem with steps `by` times as fine and as many."""
    steps = problem.steps * by
    batches = np.tile(problem.batches[0], (steps + 1, 1))
    return replace(problem, lr=problem.lr / by, steps=steps, batches=batches)


def extrapolate(solve: Callable[[Problem], Fields], problem: Problem, *, refine: int) -> Fields:
    """Return the fields of gradient flow at the times lr * step, with the error of the extrapolation.

    Args:
        solve: what solves one refined problem.
        refine: r, how many steps of the coarsest march stand for one.
    """
    runs = [every(solve(refined(problem, refine * level)), refine * level) for level in LEVELS]
    outputs, outputs_error = _combine([run.outputs for run in runs], _noise(runs, "outputs"))
    features, features_error = _combine_lists([run.features for run in runs], _noise(runs, "features"))
    gradients, gradients_error = _combine_lists([run.gradients for run in runs], _noise(runs, "gradients"))
    errors = {"outputs": outputs_error, "features": features_error, "gradients": gradients_error}
    return Fields(outputs, features, gradients, errors=errors)


def every(found: Fields, stride: int) -> Fields:
    """Return the fields at every `stride`-th step, without responses, whose scale is that of a step."""

    def pick(x: np.ndarray) -> np.ndarray:
        coarse = x[::stride]
        second = x.ndim // 2
        if x.ndim in (4, 6):  # two times
            coarse = np.take(coarse, np.arange(0, x.shape[second], stride), axis=second)
        return np.asarray(coarse)

    errors = {
        name: [pick(x) for x in found.errors[name]] if isinstance(found.errors[name], list) else
        found.errors[name][::stride]
        for name in ("outputs", "features", "gradients")
        if name in found.errors
    }  # fmt: skip
    features, gradients = [pick(x) for x in found.features], [pick(x) for x in found.gradients]
    return Fields(found.outputs[::stride], features, gradients, errors=errors)


def _noise(runs: Sequence[Fields], name: str) -> Any:
    """Return the standard errors of the three levels, None where they are exact."""
    return [run.errors[name] for run in runs] if name in runs[0].errors else None


def _combine(levels: Sequence[np.ndarray], noise: Any) -> tuple[np.ndarray, np.ndarray]:
    best = sum(weight * x for weight, x in zip(THIRD, levels, strict=True))
    less = sum(weight * x for weight, x in zip(SECOND, levels, strict=True))
    error = np.abs(best - less)
    if noise is not None:
        error = np.sqrt(error**2 + sum((w * e) ** 2 for w, e in zip(THIRD, noise, strict=True)))
    return np.asarray(best), error


def _combine_lists(levels: Sequence[Sequence[np.ndarray]], noise: Any) -> tuple[list[np.ndarray], list[Any]]:
    layers = range(len(levels[0]))
    pairs = [
        _combine([x[i] for x in levels], None if noise is None else [e[i] for e in noise]) for i in layers
    ]
    return [best for best, _ in pairs], [error for _, error in pairs]
