r"""The joint limit of width and depth: residual networks of L branches beta_0 / sqrt(L), L to infinity.

The layer index becomes a layer time tau = l / L in [0, 1], and the stream a stochastic process in it. A
network of finite L is the Euler discretisation of that process in steps of 1/L, off by c_1/L + c_2/L^2 + ...,
which `extrapolation` eliminates.
"""

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from scalewright.sim.dmft.extrapolation import LEVELS, extrapolate
from scalewright.sim.dmft.problem import Problem
from scalewright.sim.dmft.solution import Fields, tangent_of


def deepened(problem: Problem, by: int) -> Problem:
    """Return the problem with `by` times as many residual branches, beta_0 held."""
    branches = (problem.hidden_layers - 1) * by
    inner = np.ones(branches) * problem.rates[1]
    rates = np.concatenate([problem.rates[:1], inner, problem.rates[-1:]])
    return replace(problem, hidden_layers=branches + 1, rates=rates)


def thinned(problem: Problem, found: Fields, stride: int) -> Fields:
    """Return every `stride`-th layer of a deepened problem, so that equal entries have equal layer time.

    Features run over the input and the states h^1, h^(1 + stride), ...; gradients over the same states and
    the readout. The tangent kernel keeps the sum over all layers. Responses, whose scale is that of a branch,
    are left out.
    """
    features = [found.features[0], *found.features[1::stride]]
    gradients = [*found.gradients[:-1][::stride], found.gradients[-1]]
    errors = dict(found.errors)
    for name in ("features", "gradients"):
        if name in errors:
            rows = errors[name]
            kept = [rows[0], *rows[1::stride]] if name == "features" else [*rows[:-1][::stride], rows[-1]]
            errors[name] = kept
    return Fields(found.outputs, features, gradients, errors=errors, tangent=tangent_of(problem, found))


def solve(solver: Callable[[Problem], Fields], problem: Problem) -> Fields:
    """Return the fields of infinitely many branches at the layer times of `problem`, with their error."""
    finer = [deepened(problem, n) for n in LEVELS]
    return extrapolate([thinned(one, solver(one), n) for one, n in zip(finer, LEVELS, strict=True)])
