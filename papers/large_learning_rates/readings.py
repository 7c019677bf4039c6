"""Read powers of the width off coordinate checks: names of layers, differences and crossings of slopes."""

import math

import numpy as np
import xarray as xr

from scalewright.nets import CoordinateCheck
from scalewright.sim import fit
from scalewright.sim.fit import Estimate

#: Half widths of the bands: of what hidden layers do, of what logits do, of sizes that should not move.
HIDDEN, LOGITS, FLAT = 0.1, 0.15, 0.1


def halves(data: xr.Dataset) -> tuple[xr.Dataset, xr.Dataset]:
    """Return the narrower and the wider half of the widths, which share the one in the middle."""
    half = data.sizes["width"] // 2 + 1
    return data.isel(width=slice(0, half)), data.isel(width=slice(-half, None))


def last_hidden(layers: int) -> str:
    """Return the name of the last hidden matrix."""
    return f"hidden.{layers - 3}.weight"


def after(count: int) -> str:
    """Say after how many steps."""
    return "after one step" if count == 1 else f"after {count} steps"


def slope_of(found: CoordinateCheck, layer: str, quantity: str, step: int) -> Estimate:
    """Return a slope, or no number where too few runs stayed finite for one."""
    try:
        return found.slope(layer, quantity, step=step)
    except ValueError:
        return Estimate(math.nan, math.nan, math.nan, math.nan)


def difference(one: Estimate, other: Estimate) -> Estimate:
    """Return one slope minus another of other networks; pairs of the same seeds make it a little too wide."""
    error = float(np.hypot(one.standard_error, other.standard_error))
    half = float(np.hypot(one.high - one.value, other.low - other.value))
    value = one.value - other.value
    return Estimate(value, error, value - half, value + half, min(one.replicates, other.replicates))


def seed_slopes(data: xr.Dataset, layer: str, quantity: str, step: int) -> np.ndarray:
    """Return the power of the width of every seed (seeds,), nan where it diverged at one of the widths."""
    logs = np.log(data[quantity].sel(layer=layer, step=step).transpose("width", "seed").values)
    away = np.log(data.width.values) - np.log(data.width.values).mean()
    found: np.ndarray = away @ logs / (away @ away)
    return found


def over_seeds(values: np.ndarray) -> Estimate:
    """Return the mean over the seeds that have a value, with its interval; no number if fewer than two do."""
    known = values[np.isfinite(values)]
    return fit.interval(known) if len(known) > 1 else Estimate(math.nan, math.nan, math.nan, math.nan)


def crossing(powers: np.ndarray, slopes: np.ndarray) -> Estimate:
    """Return the c at which the slopes (powers, seeds) cross zero along a line, fitted seed by seed.

    A seed's networks are the same at every c, so that its slopes are not independent of one another.
    """
    away = powers - powers.mean()
    tilts = away @ slopes / (away @ away)
    return over_seeds(powers.mean() - slopes.mean(axis=0) / tilts)
