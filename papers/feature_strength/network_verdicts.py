"""Judge powers of gamma measured on networks, and hold them against the rival exponents."""

import math
from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from typing import Literal

import numpy as np
import xarray as xr

from scalewright.papers.feature_strength.settings import CONVERGED
from scalewright.sim import fit, paired
from scalewright.sim.fit import Estimate, Slope
from scalewright.sim.verdict import Verdict, judge
from scalewright.theory import richness

Window = tuple[float, float]
Regime = Literal["small", "large"]

#: Ranges of gamma in which powers are fitted; the wider lazy one is that of best rates.
LAZY: Window = (1e-3, 1e-2)
WIDE_LAZY: Window = (1e-3, 1e-1)
CONVERGED_RICH: Window = (1e2, 1e4)
#: Band of the sharpness in the rich regime, by kind of network; a ReLU network's minima differ by its seed.
RICH_BAND = dict.fromkeys(CONVERGED, 0.05) | {"linear": 0.02}
#: Kinds of which the Gauss-Newton part of the curvature alone has the power, as their residual is smooth.
GAUSS_NEWTON = ("gelu",)
#: What is known where nothing could be fitted: an interval without end decides nothing.
OPEN = Slope(math.nan, math.inf, -math.inf, math.inf)
#: How a rival exponent is called in the id of a row.
RIVAL_IDS = {"3/L": "three", "2/(L+1)": "deeper", "1": "one"}


@cache
def exponent(layers: int, regime: Regime, optimizer: str = "sgd") -> float:
    """Return the power of gamma in the rate at one end of the plane, as theory derives it."""
    return float(richness.rate_power(layers, optimizer, regime=regime))


def rivals(layers: int) -> dict[str, float]:
    """Return the other exponents of the rate that have been asked for, by formula."""
    return {"3/L": 3 / layers, "2/(L+1)": 2 / (layers + 1), "1": 1.0}


def other_rivals(layers: int) -> dict[str, float]:
    """Return the rivals that are not 2/L itself, as 1 is with two layers."""
    return {rival: power for rival, power in rivals(layers).items() if power != 2 / layers}


def edge_rivals(layers: int) -> dict[str, float]:
    """Return those that the edge is held against: with four layers 2/5 is left to the sharpness."""
    return {rival: p for rival, p in other_rivals(layers).items() if layers < 4 or rival != "2/(L+1)"}


def within(gammas: np.ndarray, window: Window) -> np.ndarray:
    """Return which gammas lie in a window, its ends included to a rounding error."""
    return (gammas >= 0.999 * window[0]) & (gammas <= 1.001 * window[1])


def on_diagonal(data: xr.Dataset, name: str) -> np.ndarray:
    """Return a variable (gamma, seed) of a plane with one rate at every gamma."""
    places = np.arange(data.sizes["gamma"])
    return data[name].transpose("gamma", "eta", "seed").values[places, places]


def raw_sharpness(data: xr.Dataset, quantity: str = "sharpness") -> np.ndarray:
    """Return the sharpness in the unit of eta (gamma, seed): the edge of stability is 2 / eta.

    Args:
        quantity: "sharpness" of the Hessian, or "gauss_newton".
    """
    return on_diagonal(data, quantity) / data.gamma.values[:, None] ** 2


def sharpness(data: xr.Dataset) -> list[Verdict]:
    """T8: the slope of the sharpness at convergence, and the rivals that it rejects."""
    layers, kind = int(data.attrs["layers"]), str(data.attrs["kind"])
    name, band, smooth = f"sharpness-{kind}-{layers}", RICH_BAND[kind], kind in GAUSS_NEWTON
    what = f"{kind}, {layers} layers: sharpness at convergence as a power of gamma"
    part = f"{what} from 1e2 on" + (", of the Gauss-Newton matrix" if smooth else "")
    part += left_out(data, CONVERGED_RICH)
    lazy, rich = sharpness_slope(data, LAZY), sharpness_slope(data, CONVERGED_RICH, smooth=smooth)
    theory = "the rate times the sharpness is free of gamma at both ends of the plane (theory.richness)"
    return [
        judge(
            f"{name}-lazy",
            f"{what} in [1e-3, 1e-2]{left_out(data, LAZY)}",
            lazy,
            predicted=-exponent(layers, "small"),
            tolerance=0.01,
            basis=theory,
        ),
        judge(
            f"{name}-rich",
            part,
            rich,
            predicted=-exponent(layers, "large"),
            tolerance=band,
            basis=theory,
        ),
        *rejected(name, part, rich, other_rivals(layers), band, sign=-1),
    ]


def rejected(
    name: str, what: str, found: Estimate, against: Mapping[str, float], band: float, *, sign: int = 1
) -> list[Verdict]:
    """Return the rows that hold a slope against the rivals of 2/L."""
    return [
        judge(
            f"{name}-{RIVAL_IDS[rival]}-control",
            f"{what} is the rival {'-' if sign < 0 else ''}{rival}",
            found,
            predicted=sign * power,
            tolerance=band,
            expected="break",
            basis="an exponent that was asked for beside 2/L",
        )
        for rival, power in against.items()
    ]


def above(row: Verdict) -> Verdict:
    """Return the row of a control that must miss its prediction upwards: failed where it lies below."""
    if row.verdict == "pass" and row.measured < row.predicted:
        return replace(row, verdict="fail", basis=f"{row.basis}; below, not above")
    return row


def complete_seeds(data: xr.Dataset, window: Window) -> np.ndarray:
    """Return which seeds have converged at every gamma of a window (seeds,)."""
    inside = within(data.gamma.values, window)
    found: np.ndarray = (on_diagonal(data, "reached_at")[inside] >= 0).all(axis=0)
    return found


def left_out(data: xr.Dataset, window: Window) -> str:
    """Return how many seeds a slope in a window leaves out, "" where it has all of them."""
    complete = complete_seeds(data, window)
    missing = len(complete) - int(complete.sum())
    return f" ({missing} of {len(complete)} seeds left out: not converged at every gamma)" if missing else ""


def sharpness_slope(data: xr.Dataset, window: Window, *, smooth: bool = False) -> Slope:
    """Return the power of gamma of the sharpness in a window, or with `smooth` of its Gauss-Newton part.

    Raises:
        ValueError: fewer than 2 seeds that have converged at every gamma.
    """
    inside = within(data.gamma.values, window)
    complete = complete_seeds(data, window)
    if complete.sum() < 2:
        raise ValueError(
            f"sharpness of {data.attrs['kind']}, {data.attrs['layers']} layers: at least 2 seeds must "
            f"converge at every gamma of {window}; given {int(complete.sum())}"
        )
    values = raw_sharpness(data, "gauss_newton" if smooth else "sharpness")
    return paired.slope(data.gamma.values[inside], values[inside][:, complete])


def adam(data: xr.Dataset) -> list[Verdict]:
    """T14 on networks: the distance that Adam must move, so the least rate, as a power of gamma."""
    layers = int(data.attrs["layers"])
    distance = on_diagonal(data, "reached_at") * data.eta.values[:, None]
    rows = []
    for regime, window in (("lazy", LAZY), ("rich", CONVERGED_RICH)):
        inside = within(data.gamma.values, window)
        slope = paired.slope(data.gamma.values[inside], distance[inside])
        end: Regime = "small" if regime == "lazy" else "large"
        rows.append(
            judge(
                f"adam-{layers}-{regime}",
                f"linear, {layers} layers, Adam: rate times steps to half the loss as a power of gamma, "
                f"{regime}",
                slope,
                predicted=exponent(layers, end, "adam"),
                tolerance=0.05,
                basis="theory.richness: not in the paper",
            )
        )
        if regime == "rich":
            rows.append(
                judge(
                    f"adam-{layers}-sgd-control",
                    f"linear, {layers} layers, Adam: the same has the power of gradient descent, rich",
                    slope,
                    predicted=exponent(layers, end),
                    tolerance=0.05,
                    expected="break",
                    basis="Adam divides the gradient's size away",
                )
            )
    return rows


def centring(data: xr.Dataset) -> list[Verdict]:
    """T15: the error of float32 grows as 1/gamma; it is small at 1e-2 and large below."""
    errors = np.linalg.norm(data.outputs_error.values, axis=-1) / np.linalg.norm(data.outputs.values, axis=-1)
    gammas = data.gamma.values
    shown = within(gammas, WIDE_LAZY)
    what = "relu, 3 layers, lazy: relative error of float32 after 50 steps"
    at = {gamma: errors[int(np.argmin(np.abs(gammas - gamma)))] for gamma in (1e-2, 1e-5)}
    return [
        judge(
            "centring",
            f"{what} as a power of gamma in [1e-3, 1e-1]",
            paired.slope(gammas[shown], errors[shown]),
            predicted=-1.0,
            tolerance=0.1,
            basis="outputs of size 1/gamma are subtracted; below 1e-3 steps of the weights, of size gamma, "
            "are rounded away as well",
        ),
        judge(
            "centring-limit",
            f"{what}, gamma = 1e-2",
            fit.interval(at[1e-2]),
            predicted=0.0,
            tolerance=1e-3,
            basis="where float32 is used: five hundred times the rounding error over gamma",
        ),
        judge(
            "centring-control",
            f"{what}, gamma = 1e-5",
            fit.interval(at[1e-5]),
            predicted=0.0,
            tolerance=1e-3,
            expected="break",
            basis="where float32 is refused",
        ),
    ]
