"""Judge networks whose activation is no ReLU: smooth, bounded, or of another degree."""

import xarray as xr

from scalewright.papers.feature_strength.activations import POWER
from scalewright.papers.feature_strength.network_verdicts import (
    CONVERGED_RICH,
    sharpness_slope,
)
from scalewright.sim import paired
from scalewright.sim.fit import Slope
from scalewright.sim.verdict import Verdict, judge
from scalewright.theory.richness import power_of, total_degree

#: Bands of the powers: of the bounded networks' time, of the sharpness of other degrees.
TIME_BAND, DEGREE_BAND = 0.2, 0.05


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


def half_time_slope(data: xr.Dataset) -> Slope:
    """Return the power of gamma in eta t at half the loss, all gammas of a plane with one rate."""
    times = data.reached_at.values[:, 0] * float(data.eta.values[0])
    complete = (times > 0).all(axis=0)
    if complete.sum() < 2:
        raise ValueError(
            f"bounded networks of {data.attrs['layers']} layers: at least 2 seeds must halve their loss at "
            f"every gamma; given {int(complete.sum())}: allow more steps"
        )
    return paired.slope(data.gamma.values, times[:, complete])


def bounded(data: xr.Dataset) -> list[Verdict]:
    """Beyond the paper: with a bounded activation learning takes gamma^2, as only the readout can grow."""
    layers, kind = int(data.attrs["layers"]), str(data.attrs["kind"])
    slope = half_time_slope(data)
    ends = f"[{data.gamma.values[0]:.3g}, {data.gamma.values[-1]:.3g}]"
    what = f"{kind}, {layers} layers: eta t at half the loss as a power of gamma in {ends}"
    degree = int(total_degree(layers, power_of(kind)))
    return [
        judge(
            f"bounded-{kind}-{layers}",
            what,
            slope,
            predicted=2 / degree,
            tolerance=TIME_BAND,
            basis="derived: |f| is at most the mean of |w| over gamma, and no step moves w by more than "
            "eta / gamma times the residual; band: the first decade",
        ),
        judge(
            f"bounded-{kind}-{layers}-control",
            f"{what} is that of a ReLU's plateau",
            slope,
            predicted=1.0,
            tolerance=TIME_BAND,
            expected="break",
            basis="unbounded features grow together with the readout, and the plateau lasts gamma",
        ),
    ]


def squared(data: xr.Dataset) -> list[Verdict]:
    """Beyond the paper: the degree of homogeneity S takes the place of the depth."""
    layers = int(data.attrs["layers"])
    degree = int(total_degree(layers, POWER))
    name, slope = f"degree-{POWER}-{layers}", sharpness_slope(data, CONVERGED_RICH, smooth=True)
    what = (
        f"squared ReLU, {layers} layers, of degree {degree} in all weights: Gauss-Newton sharpness at "
        "convergence as a power of gamma"
    )
    return [
        judge(
            name,
            what,
            slope,
            predicted=-2 / degree,
            tolerance=DEGREE_BAND,
            basis="derived: theory.richness.rich_sharpness",
        ),
        judge(
            f"{name}-depth-control",
            f"{what} is -2/L",
            slope,
            predicted=-2 / layers,
            tolerance=DEGREE_BAND,
            expected="break",
            basis="what counting layers alone would give",
        ),
    ]
