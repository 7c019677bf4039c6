"""Judge networks whose activation is no ReLU: smooth, bounded, or of another degree."""

import math

import numpy as np
import xarray as xr

from scalewright.papers.feature_strength.activations import HALF
from scalewright.papers.feature_strength.network_verdicts import (
    CONVERGED_RICH,
    OPEN,
    on_diagonal,
    sharpness_slope,
    within,
)
from scalewright.sim import paired
from scalewright.sim.richness.curves import evaluate
from scalewright.sim.verdict import Expected, Verdict, judge
from scalewright.theory.richness import least_time, total_degree

#: Bands of the powers: of the bounded networks' time, of the sharpness of other degrees.
TIME_BAND, DEGREE_BAND = 0.2, 0.05
#: Strengths at which bounded networks are held against their bound, and at which the power is fitted.
STRONG, STRONGER = (10.0, math.inf), (31.0, math.inf)


def smooth(data: xr.Dataset) -> list[Verdict]:
    """Beyond the paper: at 2 % of the loss the Hessian of a smooth ReLU is not its Gauss-Newton part."""
    layers, kind = int(data.attrs["layers"]), str(data.attrs["kind"])
    return [
        judge(
            f"hessian-{kind}-{layers}-control",
            f"{kind}, {layers} layers: sharpness of the Hessian at 2 % of the loss as a power of gamma from "
            "1e2 on is that of its Gauss-Newton part",
            sharpness_slope(data, CONVERGED_RICH),
            predicted=-2 / layers,
            tolerance=0.05,
            expected="break",
            basis="derived: a unit within 1 of its bend has a residual curvature of order gamma^((L-3)/L)",
        )
    ]


def half_times(data: xr.Dataset) -> np.ndarray:
    """Return eta t at half the loss (gamma, seed), nan where it has not halved."""
    reached = on_diagonal(data, "reached_at")
    return np.where(reached > 0, reached * data.eta.values[:, None], np.nan)


def share_above(data: xr.Dataset) -> float:
    """Return which share of the networks of gamma >= 10 took longer than any bounded network could.

    A network that has not halved its loss has taken longer.
    """
    from sympy import Rational, pi, sqrt

    late = within(data.gamma.values, STRONG)
    least = evaluate(least_time(Rational(1, 2), sqrt(2 / pi)), data.gamma.values[late], steps=1, error=HALF)
    times = half_times(data)[late]
    return float((np.isnan(times) | (times > least[:, None])).mean())


def bounded(data: xr.Dataset, control: xr.Dataset) -> list[Verdict]:
    """Beyond the paper: with a bounded activation learning takes gamma^2, as only the readout can grow.

    Args:
        data: tanh networks. control: ReLU networks of as many layers.
    """
    layers, gammas = int(data.attrs["layers"]), data.gamma.values
    name, times = f"bounded-{layers}", half_times(data)
    what, late = f"{layers} layers: ", within(gammas, STRONGER)
    known = np.isfinite(times[late]).all(axis=0)
    arms: tuple[tuple[str, xr.Dataset, Expected, float], ...] = (
        ("", data, "hold", 0.0),
        ("-relu-control", control, "break", 0.5),
    )
    rows = [
        judge(
            f"{name}{end}",
            f"{run.attrs['kind']}, {what}share of networks, gamma in [10, {gammas[-1]:.3g}], whose eta t at "
            "half the loss is above the least that a bounded network needs",
            share_above(run),
            predicted=1.0,
            tolerance=band,
            expected=expected,
            basis="derived: theory.richness.least_time",
        )
        for end, run, expected, band in arms
    ]
    return [
        *rows,
        judge(
            f"{name}-power",
            f"tanh, {what}eta t at half the loss as a power of gamma in [{gammas[late][0]:.3g}, "
            f"{gammas[-1]:.3g}]",
            paired.slope(gammas[late], times[late][:, known]) if known.sum() > 1 else OPEN,
            predicted=2.0,
            tolerance=TIME_BAND,
            basis="derived: 2 / S with S = 1; band: features still turn to the target over the first decades",
        ),
    ]


def powers(data: xr.Dataset) -> list[Verdict]:
    """Beyond the paper: the degree of homogeneity S takes the place of the depth."""
    layers, power = int(data.attrs["layers"]), int(data.attrs["power"])
    degree, gammas = int(total_degree(layers, power)), data.gamma.values
    slope = sharpness_slope(data, (gammas[0], gammas[-1]), smooth=True)
    what = (
        f"{data.attrs['kind']}, {layers} layers, of degree {degree} in all weights: Gauss-Newton sharpness "
        f"at convergence as a power of gamma in [{gammas[0]:g}, {gammas[-1]:g}]"
    )
    return [
        judge(
            f"degree-{power}",
            what,
            slope,
            predicted=-2 / degree,
            tolerance=DEGREE_BAND,
            basis="derived: theory.richness.rich_sharpness",
        ),
        judge(
            f"degree-{power}-depth-control",
            f"{what} is -2/L",
            slope,
            predicted=-2 / layers,
            tolerance=DEGREE_BAND,
            expected="break",
            basis="what counting layers alone would give",
        ),
    ]
