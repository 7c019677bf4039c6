"""Predict deep linear networks on their balanced path: integrate theory's mode equation."""

from collections.abc import Callable
from functools import cache
from typing import Any, Literal

import numpy as np
import xarray as xr

from scalewright.sim.dataset import dataset

Curve = Callable[..., Any]


def trajectory(
    *,
    layers: int,
    strength: float,
    target: float,
    lr: float,
    steps: int,
    dynamics: Literal["descent", "flow"] = "descent",
) -> xr.Dataset:
    """Follow one balanced mode of f = W_L ... W_1 x, W_l = a u_{l+1} u_l^T, under whitened inputs.

    Descent iterates a' = a - lr a^(L-1) (a^L - b) exactly; flow integrates ds/dt = L s^(2-2/L) (b - s) in the
    time t = lr * step to a relative tolerance of 1e-12 (DOP853). The largest eigenvalues of G, R and H at
    every step are the closed forms of `theory.landscape.balanced`.

    Args:
        layers: number of weight layers L >= 2.
        strength: initial strength s = a^L > 0.
        target: strength b > 0 of the target along the same direction.
        lr: learning rate of every layer, > 0.
        steps: number of steps; entries 0 ... steps are returned.

    Returns:
        A trajectory with dimension (step): loss (up to the part no network of this form can fit), outputs
        (the strength s), sharpness, gauss_newton, residual.

    Raises:
        ValueError: an argument out of range, or descent that leaves s > 0, where the closed forms end.
    """
    _check(layers, strength, target, lr, steps, dynamics)
    path = _descend if dynamics == "descent" else _flow
    strengths = path(layers, strength, target, lr, steps)
    curves = _curves(layers)
    names = ("gauss_newton", "residual", "sharpness")
    variables: dict[str, Any] = {name: (("step",), curves[name](strengths, target)) for name in names}
    variables["loss"] = (("step",), 0.5 * (strengths - target) ** 2)
    variables["outputs"] = (("step",), strengths)
    attrs = {
        "layers": layers,
        "lr": lr,
        "target": target,
        "dynamics": dynamics,
        "made_by": "sim.linear.balanced",
    }
    return dataset(variables, {"step": np.arange(steps + 1)}, attrs)


def _descend(layers: int, strength: float, target: float, lr: float, steps: int) -> np.ndarray:
    advance = _curves(layers)["step"]
    amplitudes = np.empty(steps + 1)
    amplitudes[0] = strength ** (1 / layers)
    for t in range(steps):
        amplitudes[t + 1] = advance(amplitudes[t], target, lr)
        if not 0 < amplitudes[t + 1] < 1e6:
            raise ValueError(
                f"sim.linear.balanced: the amplitude leaves the positive numbers at step {t + 1}; "
                f"lr={lr} is too large"
            )
    return amplitudes**layers


def _flow(layers: int, strength: float, target: float, lr: float, steps: int) -> np.ndarray:
    from scipy.integrate import solve_ivp

    if steps == 0:
        return np.array([strength])
    speed = _curves(layers)["flow"]
    grid = lr * np.arange(steps + 1)
    solved = solve_ivp(
        lambda _, s: speed(s, target),
        (0.0, float(grid[-1])),
        [strength],
        method="DOP853",
        t_eval=grid,
        rtol=1e-12,
        atol=1e-14,
    )
    if not solved.success:
        raise ArithmeticError(f"sim.linear.balanced: the flow was not integrated: {solved.message}")
    return solved.y[0]


@cache
def _curves(layers: int) -> dict[str, Curve]:
    """Turn theory's expressions for this number of layers into numpy functions."""
    from sympy import lambdify

    from scalewright.theory.landscape import balanced_mode, gauss_newton_top, hessian_top, residual_top
    from scalewright.theory.landscape.balanced import AMPLITUDE
    from scalewright.theory.landscape.symbols import BASE_RATE, STRENGTH, TARGET

    mode = balanced_mode(layers)
    tops = {
        "gauss_newton": gauss_newton_top(layers),
        "residual": residual_top(layers),
        "sharpness": hessian_top(layers),
    }
    curves = {name: lambdify((STRENGTH, TARGET), top, "numpy") for name, top in tops.items()}
    curves["step"] = lambdify((AMPLITUDE, TARGET, BASE_RATE), mode.step, "numpy")
    curves["flow"] = lambdify((STRENGTH, TARGET), mode.flow, "numpy")
    return curves


def _check(layers: int, strength: float, target: float, lr: float, steps: int, dynamics: str) -> None:
    if layers < 2:
        raise ValueError(f"sim.linear.balanced: layers must be at least 2; given {layers}")
    for name, value in (("strength", strength), ("target", target), ("lr", lr)):
        if not value > 0:
            raise ValueError(f"sim.linear.balanced: {name} must be positive; given {value}")
    if steps < 0:
        raise ValueError(f"sim.linear.balanced: steps must be at least 0; given {steps}")
    if dynamics not in ("descent", "flow"):
        raise ValueError(f"sim.linear.balanced: dynamics must be 'descent' or 'flow'; given {dynamics!r}")
