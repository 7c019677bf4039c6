"""Judge the transformers: the power of the width in the best rate, with fixed and trainable gains."""

import math

import numpy as np
import xarray as xr

from scalewright.papers.large_learning_rates.transformers import derived_edge
from scalewright.sim import rates
from scalewright.sim.fit import Estimate
from scalewright.sim.rates import Rate
from scalewright.sim.verdict import Verdict, judge

#: Widths are few and narrow: the bands are twice those of the perceptrons.
BAND = 0.3
NAMES = {"sgd": "SGD", "adam": "Adam"}
#: Powers of the best rate that the paper found with trainable gains, for which there is no theorem.
TRAINABLE = {"sgd": -0.5, "adam": -0.42}


def best_rates(data: xr.Dataset) -> list[Rate]:
    """Return the rate of lowest held-out loss of every width."""
    diverged = data.diverged_at.transpose("width", "seed", "lr").values >= 0
    losses = np.where(diverged, np.inf, data.loss.transpose("width", "seed", "lr").values)
    lrs = data.rate.transpose("width", "lr").values
    return [rates.optimum(grid, row) for grid, row in zip(lrs, losses, strict=True)]


def power(data: xr.Dataset) -> tuple[Estimate, str]:
    """Return the power of the width of the best rate; where a grid does not hold one, no number and why."""
    found = best_rates(data)
    for width, rate in zip(data.width.values, found, strict=True):
        if rate.status != "interior":
            return Estimate(
                math.nan, math.nan, math.nan, math.nan
            ), f" (width {width}: {rate.status}: {rate.message})"
    return rates.slope(data.width.values.astype(float), found), ""


def optimum(data: xr.Dataset) -> list[Verdict]:
    """The best rate has the power of the width that theory gives; with trainable gains also the paper's."""
    optimizer, gains = data.attrs["optimizer"], data.attrs["gains"]
    predictions = {"": (float(derived_edge(optimizer)), "theory.edges; gains don't set the edge")}
    if gains == "trainable":
        predictions["-paper"] = (TRAINABLE[optimizer], "the paper's fit, which theory does not give")
    found, censored = power(data)
    return [
        judge(
            f"gpt-{optimizer}-{gains}{end}",
            f"Transformer, {NAMES[optimizer]}, {gains} gains, {data.attrs['steps']} steps: the best rate "
            f"scales as n^{predicted:g}{censored}",
            found,
            predicted=predicted,
            tolerance=BAND,
            basis=basis,
        )
        for end, (predicted, basis) in predictions.items()
    ]
