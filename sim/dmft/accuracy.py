"""How accurate a solution is: relative errors of its kernels, and whether they are what was asked."""

import math
from typing import Any

import numpy as np

from scalewright.sim.dmft.solution import Solution, Status


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
