"""Judge networks whose activation is no ReLU: smooth, bounded, or of another degree."""

import math

import numpy as np
import xarray as xr

from scalewright.papers.feature_strength.activations import HALF
from scalewright.papers.feature_strength.network_verdicts import (
    CONVERGED_RICH,
    OPEN,
    Window,
    above,
    left_out,
    on_diagonal,
    sharpness_slope,
    within,
)
from scalewright.sim import paired
from scalewright.sim.fit import Estimate
from scalewright.sim.richness.curves import evaluate
from scalewright.sim.verdict import Verdict, judge
from scalewright.theory.richness import least_time, total_degree

#: Bands of the powers: of the bounded networks' time, of the sharpness of other degrees.
TIME_BAND, DEGREE_BAND = 0.2, 0.05
#: Strengths at which bounded networks are held against their bound, their power is fitted, and ReLU networks
#: are held against that bound: at gamma = 10 it is 13, which they exceed.
STRONG: Window = (10.0, math.inf)
STRONGER: Window = (31.0, math.inf)
STRONGEST: Window = (100.0, math.inf)
#: Band around "all above" within which a share must not lie: of fewer than a hundred networks none is above.
NOT_ONE = 0.99
#: By how much a loss may exceed its first value by rounding, in float64.
ROUNDING = 1e-9


def smooth(data: xr.Dataset) -> list[Verdict]:
    """Beyond the paper: at 2 % of the loss the Hessian of a smooth ReLU is not its Gauss-Newton part."""
    layers, kind = int(data.attrs["layers"]), str(data.attrs["kind"])
    row = judge(
        f"hessian-{kind}-{layers}-control",
        f"{kind}, {layers} layers: sharpness of the Hessian at 2 % of the loss as a power of gamma from "
        f"1e2 on is that of its Gauss-Newton part{left_out(data, CONVERGED_RICH)}",
        sharpness_slope(data, CONVERGED_RICH),
        predicted=-2 / layers,
        tolerance=0.05,
        expected="break",
        basis="derived: units within 1 of their bend add a residual curvature that falls more slowly: above",
    )
    return [above(row)]


def half_times(data: xr.Dataset) -> np.ndarray:
    """Return eta t at half the loss (gamma, seed), nan where it has not halved."""
    reached = on_diagonal(data, "reached_at")
    return np.where(reached > 0, reached * data.eta.values[:, None], np.nan)


def least_times(gammas: np.ndarray) -> np.ndarray:
    """Return the eta t that a bounded network needs at least to halve its loss (gammas,).

    With the mean |w_0| of standard normal weights.
    """
    from sympy import Rational, pi, sqrt

    return evaluate(least_time(Rational(1, 2), sqrt(2 / pi)), gammas, steps=1, error=HALF)


def unjudged(data: xr.Dataset, window: Window) -> str:
    """Return why the networks of a window can't be held against the bound, "" where all can.

    The bound supposes a loss that never exceeds its first value. A network whose steps ended before its loss
    had halved is above the bound where the time trained is; where that is not, nothing is known of it.
    """
    inside = within(data.gamma.values, window)
    diverged, peaks = (on_diagonal(data, name)[inside] for name in ("diverged_at", "peak_loss"))
    rose = (diverged >= 0) | ~(peaks <= 1 + ROUNDING)
    if rose.any():
        return f" (not judged: the loss of {int(rose.sum())} of {rose.size} networks exceeds its first value)"
    short = np.isnan(half_times(data)[inside]) & ~_above_least(data)[inside]
    if short.any():
        return f" (not judged: {int(short.sum())} of {short.size} networks were not trained for long enough)"
    return "" if inside.any() else " (not judged: no network)"


def share_above(data: xr.Dataset, window: Window) -> Estimate | float:
    """Return which share of the networks of a window took longer than any bounded network could.

    Where `unjudged` has a reason nothing is known: nan within an interval without end.
    """
    if unjudged(data, window):
        return OPEN
    return float(_above_least(data)[within(data.gamma.values, window)].mean())


def _above_least(data: xr.Dataset) -> np.ndarray:
    """Return who took longer than the least time (gamma, seed): until half the loss, or until steps ended."""
    halved, trained = half_times(data), data.attrs["steps"] * data.eta.values[:, None]
    found: np.ndarray = np.where(np.isnan(halved), trained, halved) > least_times(data.gamma.values)[:, None]
    return found


def bounded(data: xr.Dataset, control: xr.Dataset) -> list[Verdict]:
    """Beyond the paper: with a bounded activation learning takes gamma^2, as only the readout can grow.

    Args:
        data: tanh networks. control: ReLU networks of as many layers.
    """
    layers, gammas = int(data.attrs["layers"]), data.gamma.values
    late, times = within(gammas, STRONGER), half_times(data)
    known = np.isfinite(times[late]).all(axis=0)
    missing = f" ({int((~known).sum())} of {len(known)} seeds left out)" if not known.all() else ""
    return [
        judge(
            f"bounded-{layers}",
            _share_text(data, STRONG),
            share_above(data, STRONG),
            predicted=1.0,
            tolerance=0.0,
            basis="derived: theory.richness.least_time, with the mean |w_0| of many readout weights",
        ),
        judge(
            f"bounded-{layers}-relu-control",
            _share_text(control, STRONGEST),
            share_above(control, STRONGEST),
            predicted=1.0,
            tolerance=NOT_ONE,
            expected="break",
            basis="a ReLU's hidden weights grow as well: not one network needs that long",
        ),
        judge(
            f"bounded-{layers}-power",
            f"tanh, {layers} layers: eta t at half the loss as a power of gamma in [{gammas[late][0]:.3g}, "
            f"{gammas[-1]:.3g}]{missing}",
            paired.slope(gammas[late], times[late][:, known]) if known.sum() > 1 else OPEN,
            predicted=2.0,
            tolerance=TIME_BAND,
            basis="derived: 2 / S with S = 1; band: features still turn to the target over the first decades",
        ),
    ]


def _share_text(data: xr.Dataset, window: Window) -> str:
    kind, layers, last = str(data.attrs["kind"]), int(data.attrs["layers"]), data.gamma.values[-1]
    return (
        f"{kind}, {layers} layers: share of networks, gamma in [{window[0]:g}, {last:.3g}], whose eta t at "
        f"half the loss is above the least that a bounded network needs{unjudged(data, window)}"
    )


def powers(data: xr.Dataset) -> list[Verdict]:
    """Beyond the paper: the degree of homogeneity S takes the place of the depth."""
    layers, power = int(data.attrs["layers"]), int(data.attrs["power"])
    degree, gammas = int(total_degree(layers, power)), data.gamma.values
    slope = sharpness_slope(data, (gammas[0], gammas[-1]), smooth=True)
    what = (
        f"{data.attrs['kind']}, {layers} layers, of degree {degree} in all weights: Gauss-Newton sharpness "
        f"at convergence as a power of gamma in [{gammas[0]:g}, {gammas[-1]:g}]"
        f"{left_out(data, (gammas[0], gammas[-1]))}"
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
