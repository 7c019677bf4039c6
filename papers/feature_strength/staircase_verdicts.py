"""Judge the stairs: modes and monomials that are learnt one after another."""

import numpy as np
import xarray as xr

from scalewright.sim import fit
from scalewright.sim.fit import Estimate
from scalewright.sim.verdict import Verdict, judge


def mode_times(data: xr.Dataset) -> np.ndarray:
    """Return the rescaled times at which the modes are half learnt (gamma, seed, mode)."""
    shares = data.outputs.transpose("gamma", "seed", "step", "output").values
    times = data.step.values * data.attrs["tau_step"]
    return np.array(
        [[[np.interp(0.5, curve, times) for curve in member.T] for member in row] for row in shares]
    )


def two_modes(data: xr.Dataset) -> list[Verdict]:
    """T11: the stronger mode is learnt first, in times inverse to the strengths."""
    layers = int(data.attrs["layers"])
    times = mode_times(data)
    first, second = np.asarray(data.attrs["modes"], dtype=float)
    rows = [
        judge(
            f"stairs-{layers}",
            f"linear, {layers} layers, gamma = {data.gamma.values[-1]:g}: half time of the weaker mode over "
            "that of the stronger",
            fit.interval(times[-1, :, 1] / times[-1, :, 0]),
            predicted=first / second,
            tolerance=0.1 * first / second,
            basis="rates s_1, s_2 of growth from small weights; band: 10 %",
        )
    ]
    if layers == 2:
        grown = (times[-1] - times[0]).T
        rows.append(
            judge(
                "stairs-2-growth",
                "linear, 2 layers: the same of what a plateau grows by with log gamma",
                fit.interval(grown[1] / grown[0]),
                predicted=first / second,
                tolerance=0.02 * first / second,
                basis="a plateau lasts log(gamma) / s and a constant: the constant drops out",
            )
        )
    return rows


def multi_index(data: xr.Dataset) -> list[Verdict]:
    """The stairs of the multi-index target: rich networks climb all three, lazy ones two."""
    shares = data.outputs.transpose("gamma", "seed", "step", "output").values
    third = shares[:, :, -10:, 2].mean(axis=2)
    rows = [
        judge(
            f"index-third-{name}",
            f"relu, 3 layers, online, gamma = {data.gamma.values[index]:g}: learnt share of z1 z2 z3 at the "
            "end",
            _interval(third[index]),
            predicted=predicted,
            tolerance=0.4,
            expected=expected,  # type: ignore[arg-type]
            basis="a rich network finds the directions one after another",
        )
        for name, index, predicted, expected in (
            ("rich", 2, 1.0, "hold"),
            ("lazy-control", 0, 1.0, "break"),
        )
    ]
    return [
        *rows,
        judge(
            "index-order",
            "relu, 3 layers, online, gamma = 1e2: share of networks that learn half of each monomial, all "
            "three in their order",
            float(in_order(half_steps(data, gamma=2)).mean()),
            predicted=1.0,
            tolerance=0.0,
            basis="each step needs the one before",
        ),
    ]


def half_steps(data: xr.Dataset, *, gamma: int) -> np.ndarray:
    """Return the steps at which half of a monomial is first learnt (seed, monomial), nan where it never is.

    Args:
        gamma: index of the strength.
    """
    learnt = data.outputs.transpose("gamma", "seed", "output", "step").values[gamma] > 0.5
    return np.where(learnt.any(axis=-1), data.step.values[learnt.argmax(axis=-1)], np.nan)


def in_order(steps: np.ndarray) -> np.ndarray:
    """Return which seeds have learnt every monomial, none before the one that it follows (seeds,)."""
    return np.asarray((np.diff(steps, axis=1) >= 0).all(axis=1))  # nan, never learnt, is in no order


def _interval(values: np.ndarray) -> Estimate:
    if len(values) > 1:
        return fit.interval(values)
    return Estimate(float(values[0]), 0.0, float(values[0]), float(values[0]))
