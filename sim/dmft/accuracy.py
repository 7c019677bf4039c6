"""How accurate a solution is: relative errors of its kernels, and whether they are what was asked."""

import math
from typing import Any

import numpy as np

from scalewright.sim.dmft.problem import Problem
from scalewright.sim.dmft.solution import Solution, Status

#: Part of the edge of stability beyond which a sampled march of deep networks is not trusted. Measured on 16
#: images (docs/concepts/dmft.md): up to 0.67 of the edge kernels agree with networks; where networks reach
#: 0.98, draws overshoot, by more than their standard errors.
EDGE = 0.9


def relative_errors(trajectory: Any) -> dict[str, float]:
    """Return |error| / |value| of outputs and of every kernel and layer, the largest over gammas."""
    found: dict[str, float] = {}
    for name in ("outputs", "feature_kernel", "gradient_kernel"):
        values = trajectory[name]
        sampled = f"{name}_error" in trajectory  # Dataset.get looks for similar names first, which takes long
        errors = trajectory[f"{name}_error"] if sampled else None
        for layer in [None] if name == "outputs" else trajectory.layer.values:
            key = name if layer is None else f"{name}[{layer}]"
            if errors is None:
                found[key] = 0.0
                continue
            part, away = (x if layer is None else x.sel(layer=layer) for x in (values, errors))
            found[key] = max(_ratio(a, v) for a, v in zip(_rows(away), _rows(part), strict=True))
    return found


def _rows(array: Any) -> np.ndarray:
    values = array.values
    return values.reshape(len(values), -1) if "gamma" in array.dims else values.reshape(1, -1)


def _ratio(error: np.ndarray, value: np.ndarray) -> float:
    finite = np.isfinite(value) & np.isfinite(error)
    with np.errstate(over="ignore", invalid="ignore"):
        size = float(np.linalg.norm(value[finite]))
        return float(np.linalg.norm(error[finite])) / size if size > 0 else 0.0


def judge(solution: Solution, accuracy: float, samples: int, *, caveat: str, more: str | None) -> Solution:
    """Say how accurate the kernels are, and what would reach the accuracy that was asked if they are not.

    Args:
        samples: draws in all; errors fall as one over their square root.
        caveat: what else to keep in mind, "" if nothing.
        more: what to take more of; None for samples, whose number is then told.
    """
    kernels = {key: value for key, value in solution.standard_error.items() if key != "outputs"}
    name = max(kernels, key=lambda key: kernels[key])
    worst = kernels[name]
    said = f"{solution.message}; largest relative error {worst:.2g}, of {name}"
    status: Status = solution.status
    if not worst <= accuracy:
        status = "inaccurate"
        needed = math.ceil(samples * (worst / accuracy) ** 2 / 1000) * 1000 if math.isfinite(worst) else 0
        said += f", above accuracy={accuracy:g}: take {more or f'about samples={needed}'}"
    message = "; ".join(part for part in (said, caveat) if part)
    return Solution(solution.trajectory, status, message, solution.standard_error)


def beyond_edge(problem: Problem, trajectory: Any, *, lr: float) -> str:
    """Say where a sampled march comes so near the edge of stability that it amplifies its noise, or "".

    Draws are no network: nothing holds them at the edge as descent holds networks. Noise grows there, and
    so does what the replicates have in common, which their spread does not show. One hidden layer has no
    responses, and its draws are a network.

    Args:
        lr: the largest rate that was marched, in a flow a part of the problem's.
    """
    if problem.hidden_layers == 1:
        return ""
    sharp = np.atleast_2d(trajectory.gauss_newton.values)
    reached = lr * sharp / (2 * (1 + problem.momentum))
    worst = np.unravel_index(int(np.nanargmax(reached)), reached.shape)
    if not reached[worst] > EDGE:
        return ""
    return (
        f"at step {worst[1]} the Gauss-Newton sharpness {sharp[worst]:.3g} is {reached[worst]:.2g} of the "
        f"edge of stability of lr={lr:g}: errors of draws grow there, beyond their standard errors; lower lr"
    )
