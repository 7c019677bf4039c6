r"""Gradient flow: the limit of vanishing learning rate at fixed time, extrapolated from finer steps.

An Euler march with steps of $\eta/r$ is off by $c_1/r + c_2/r^2 + \dots$, so that those of r, 2r and 4r
eliminate the first two terms: $X = (8 X_{4r} - 6 X_{2r} + X_r)/3$. The distance from $2 X_{4r} - X_{2r}$,
which eliminates one, is the error.
"""

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from scalewright.sim.dmft.extrapolation import LEVELS, extrapolate
from scalewright.sim.dmft.problem import Problem
from scalewright.sim.dmft.solution import Fields


def refined(problem: Problem, by: int) -> Problem:
    """Return the problem with steps `by` times as fine and as many."""
    steps = problem.steps * by
    batches = np.tile(problem.batches[0], (steps + 1, 1))
    return replace(problem, lr=problem.lr / by, steps=steps, batches=batches)


def solve(solver: Callable[[Problem], Fields], problem: Problem, *, refine: int) -> Fields:
    """Return the fields of gradient flow at the times lr * step, with the error of the extrapolation.

    Args:
        solver: what solves one refined problem.
        refine: how many steps of the coarsest march stand for one.
    """
    return extrapolate([every(solver(refined(problem, refine * n)), refine * n) for n in LEVELS])


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
