"""Judge what the networks gave: slopes in gamma, with the rival exponents that must be missed."""

from collections.abc import Sequence

import numpy as np
import xarray as xr

from scalewright.sim import fit
from scalewright.sim.fit import Estimate
from scalewright.sim.verdict import Verdict, judge

Range = tuple[float, float]

LAZY: Range = (1e-3, 1e-2)
RICH: Range = (1e2, 1e4)
#: Bands of the sharpness in the rich regime, by activation.
RICH_BAND = {"linear": 0.02, "relu": 0.05}


def rivals(layers: int) -> dict[str, float]:
    """Return the other exponents of the rate that have been asked for, by formula."""
    return {"3/L": 3 / layers, "2/(L+1)": 2 / (layers + 1), "1": 1.0}


#: How a rival is called in the id of a row.
RIVAL_IDS = {"3/L": "three", "2/(L+1)": "deeper", "1": "one"}


def paired_slope(gammas: np.ndarray, values: np.ndarray) -> Estimate:
    """Return the slope of log value against log gamma, one least-squares fit a seed, with Student's interval.

    Args:
        gammas: (n,). values: (n, seeds), positive: the networks of a seed share their weights and task.
    """
    places = np.log(gammas) - np.log(gammas).mean()
    return fit.interval(places @ np.log(values) / (places @ places))


def on_diagonal(data: xr.Dataset, name: str) -> np.ndarray:
    """Return a variable (gamma, seed) of a plane with one rate at every gamma."""
    places = np.arange(data.sizes["gamma"])
    return data[name].transpose("gamma", "eta", "seed").values[places, places]


def raw_sharpness(data: xr.Dataset) -> np.ndarray:
    """Return the sharpness in the paper's unit (gamma, seed): edge of stability 2 / eta, not 2 / eta_0."""
    return on_diagonal(data, "sharpness") / data.gamma.values[:, None] ** 2


def sharpness(data: xr.Dataset) -> list[Verdict]:
    """T8: the slope of the sharpness at convergence, and the rivals that it rejects."""
    layers, activation = int(data.attrs["layers"]), str(data.attrs["activation"])
    name = f"sharpness-{activation}-{layers}"
    what = f"{activation}, {layers} layers: sharpness at convergence as a power of gamma"
    lazy, rich = (_slope_within(data, window) for window in (LAZY, RICH))
    rows = [
        judge(f"{name}-lazy", what + " in [1e-3, 1e-2]", lazy, predicted=-2.0, tolerance=0.01, basis=_LAZY),
        judge(
            f"{name}-rich",
            what + " in [1e2, 1e4]",
            rich,
            predicted=-2 / layers,
            tolerance=RICH_BAND[activation],
            basis="toy: L gamma^(-2/L)",
        ),
    ]
    if layers == 2:
        return rows
    return rows + _rejected(name, what, rich, layers, RICH_BAND[activation])


_LAZY = "toy: L gamma^-2"


def _rejected(name: str, what: str, found: Estimate, layers: int, band: float) -> list[Verdict]:
    return [
        judge(
            f"{name}-{RIVAL_IDS[rival]}-control",
            f"{what} in [1e2, 1e4] is minus the rival {rival}",
            found,
            predicted=-exponent,
            tolerance=band,
            expected="break",
            basis="an exponent that was asked for beside 2/L",
        )
        for rival, exponent in rivals(layers).items()
        if abs(exponent - 2 / layers) > band
    ]


def _slope_within(data: xr.Dataset, window: Sequence[float]) -> Estimate:
    gammas = data.gamma.values
    inside = (gammas >= 0.999 * window[0]) & (gammas <= 1.001 * window[1])
    values, reached = raw_sharpness(data)[inside], on_diagonal(data, "reached_at")[inside]
    complete = (reached >= 0).all(axis=0)
    if complete.sum() < 2:
        raise ValueError(
            f"sharpness: at least 2 seeds must have learnt at every gamma; {int(complete.sum())} have: allow "
            "more steps"
        )
    return paired_slope(gammas[inside], values[:, complete])
