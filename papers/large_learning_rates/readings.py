"""Read powers of the width off coordinate checks: names of layers, differences and crossings of slopes."""

import math

import numpy as np
import xarray as xr

from scalewright.nets import CoordinateCheck
from scalewright.sim.fit import Estimate, Slope

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


def difference(high: Estimate, low: Estimate) -> Estimate:
    """Return the difference of two slopes; their shared middle width makes the error a little too large."""
    error = float(np.hypot(high.standard_error, low.standard_error))
    half = float(np.hypot(high.high - high.value, low.high - low.value))
    value = high.value - low.value
    return Estimate(value, error, value - half, value + half, min(high.replicates, low.replicates))


def crossing(powers: np.ndarray, slopes: list[Slope]) -> Estimate:
    """Return the c at which slopes, one a c, cross zero along their line, with the delta method's
    interval."""
    values = np.array([slope.value for slope in slopes])
    errors = np.array([slope.standard_error for slope in slopes])
    away = powers - powers.mean()
    tilt = float(away @ values / (away**2).sum())
    place = float(powers.mean() - values.mean() / tilt)
    weights = (1 / len(powers) + (place - powers.mean()) * away / (away**2).sum()) / abs(tilt)
    error = float(np.sqrt(((weights * errors) ** 2).sum()))
    half = error * max((slope.high - slope.value) / slope.standard_error for slope in slopes)
    return Estimate(place, error, place - half, place + half, min(slope.replicates for slope in slopes))
