r"""Richardson extrapolation of fields in 1/n, from three levels n, 2n and 4n, with its error.

What is off by $c_1/n + c_2/n^2 + \dots$ loses its first two terms in $X = (8 X_{4n} - 6 X_{2n} + X_n)/3$.
The distance from
$2 X_{4n} - X_{2n}$, which loses one, is the error; standard errors of sampled levels are added in squares.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from scalewright.sim.dmft.solution import Fields

LEVELS = (1, 2, 4)
THIRD = (1 / 3, -2.0, 8 / 3)
SECOND = (0.0, -1.0, 2.0)


def extrapolate(runs: Sequence[Fields]) -> Fields:
    """Return the limit of fields at levels n, 2n, 4n that were brought to the same steps and layers."""
    outputs, outputs_error = _combine([run.outputs for run in runs], _noise(runs, "outputs"))
    features, features_error = _combine_lists([run.features for run in runs], _noise(runs, "features"))
    gradients, gradients_error = _combine_lists([run.gradients for run in runs], _noise(runs, "gradients"))
    errors = {"outputs": outputs_error, "features": features_error, "gradients": gradients_error}
    tangent = None
    if runs[0].tangent is not None:
        tangent = _combine([np.asarray(run.tangent) for run in runs], None)[0]
    return Fields(outputs, features, gradients, errors=errors, tangent=tangent)


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
