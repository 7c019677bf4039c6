"""Judge the transformers: the power of the width in the best rate, with fixed and trainable gains."""

import math
from collections.abc import Mapping

import numpy as np
import xarray as xr

from scalewright.papers.large_learning_rates.transformers import derived_edge
from scalewright.sim import paired, rates
from scalewright.sim.fit import Estimate
from scalewright.sim.rates import Rate
from scalewright.sim.verdict import Verdict, judge

#: Widths are few and narrow: the bands are twice those of the perceptrons.
BAND = 0.3
#: Rates on either side of the lowest loss through which a parabola is laid: a single run is noisy.
REACH = 2
NAMES = {"sgd": "SGD", "adam": "Adam"}
#: The power of Adam's best rate that the paper found with trainable gains, for which there is no theorem, and
#: by how much it is above that with fixed ones.
TRAINABLE, RAISED = -0.42, 0.58
NOTHING = Estimate(math.nan, math.nan, math.nan, math.nan)


def best_rates(data: xr.Dataset) -> list[Rate]:
    """Return the rate of lowest held-out loss of every width, by a parabola through five rates a seed."""
    diverged = data.diverged_at.transpose("width", "seed", "lr").values >= 0
    losses = np.where(diverged, np.inf, data.loss.transpose("width", "seed", "lr").values)
    lrs = data.rate.transpose("width", "lr").values
    return [rates.optimum(grid, row, reach=REACH) for grid, row in zip(lrs, losses, strict=True)]


def censored(data: xr.Dataset) -> str:
    """Return which width's grid does not hold its best rate, and why; "" where all do."""
    for width, rate in zip(data.width.values, best_rates(data), strict=True):
        if rate.status != "interior":
            return f" (width {width}: {rate.status}: {rate.message})"
    return ""


def power(data: xr.Dataset) -> tuple[Estimate, str]:
    """Return the power of the width of the best rate; where a grid does not hold one, no number and why."""
    said = censored(data)
    if said:
        return NOTHING, said
    return rates.slope(data.width.values.astype(float), best_rates(data)), ""


def optimum(data: xr.Dataset) -> list[Verdict]:
    """The best rate has the power of the width that theory gives; for Adam's trainable gains the paper's."""
    optimizer, gains = data.attrs["optimizer"], data.attrs["gains"]
    predictions = {"": (float(derived_edge(optimizer)), "theory.edges; gains don't set the edge")}
    if (optimizer, gains) == ("adam", "trainable"):
        predictions["-paper"] = (TRAINABLE, "the paper's fit, which theory does not give")
    found, said = power(data)
    return [
        judge(
            f"gpt-{optimizer}-{gains}{end}",
            f"Transformer, {NAMES[optimizer]}, {gains} gains, {data.attrs['steps']} steps: the best rate "
            f"scales as n^{predicted:g}{said}",
            found,
            predicted=predicted,
            tolerance=BAND,
            basis=basis,
        )
        for end, (predicted, basis) in predictions.items()
    ]


def raised(fixed: xr.Dataset, trainable: xr.Dataset) -> tuple[Estimate, str]:
    """Return by how much trainable gains raise the power of the best rate, seed by seed.

    Both start from the same weights and train on the same windows, so that a seed's own share drops out.
    """
    said = censored(fixed) or censored(trainable)
    if said:
        return NOTHING, said
    pairs = list(zip(best_rates(fixed), best_rates(trainable), strict=True))
    ratios = np.array([np.divide(over.seed_values, under.seed_values) for under, over in pairs])
    steps = [math.hypot(under.resolution, over.resolution) for under, over in pairs]
    return paired.slope(fixed.width.values, ratios, resolutions=steps), ""


def gains(runs: Mapping[tuple[str, str], xr.Dataset]) -> list[Verdict]:
    """Trainable gains leave the power of the best rate as it is; in the paper they raise that of Adam."""
    predictions = {
        ("sgd", ""): (0.0, "theory.edges; gains don't set the edge"),
        ("adam", ""): (0.0, "theory.edges; gains don't set the edge"),
        ("adam", "-paper"): (RAISED, "the paper's fits, -0.42 against -1"),
    }
    rows = []
    for (optimizer, end), (predicted, basis) in predictions.items():
        if (optimizer, "trainable") in runs and (optimizer, "fixed") in runs:
            found, said = raised(runs[optimizer, "fixed"], runs[optimizer, "trainable"])
            rows.append(
                judge(
                    f"gpt-{optimizer}-gains{end}",
                    f"Transformer, {NAMES[optimizer]}: trainable gains add {predicted:g} to the power of the "
                    f"width in the best rate{said}",
                    found,
                    predicted=predicted,
                    tolerance=BAND,
                    basis=basis,
                )
            )
    return rows
