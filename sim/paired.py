"""Fit slopes through values that the same networks give at every point: what is a seed's own drops out."""

import math
from collections.abc import Sequence

import numpy as np

from scalewright.sim import fit
from scalewright.sim.fit import Slope


def slope(
    x: Sequence[float] | np.ndarray,
    values: np.ndarray,
    *,
    resolutions: Sequence[float] | np.ndarray | float = 0.0,
) -> Slope:
    r"""Fit log value = intercept + slope * log x for every seed, and average the slopes over the seeds.

    `fit.slope` takes the replicates at different x for independent. Where they are the same networks, with
    the same weights and tasks, a factor that a seed has at every x is no error of the slope; the interval
    here is Student's over the seeds' own slopes. Values that are read off a grid, the same for all seeds,
    have an error that the seeds share, uniform within a step: with w the weights of the fit, the standard
    error is $\sqrt{s^2 / r + \sum_i w_i^2 \Delta_i^2 / 12}$.

    Args:
        x: abscissae (n,), positive.
        values: (n, r), positive, column k of seed k at every x.
        resolutions: Delta, steps of the logarithm of the grids that the values were read off (n,), or one of
            all; 0 for values that are no one's grid.

    Raises:
        ValueError: fewer than 2 points or seeds, values that are not positive and finite, a negative step.

    Example:
        >>> own = np.array([1.0, 10.0, 100.0])
        >>> found = slope([1.0, 4.0], np.array([1.0, 2.0])[:, None] * own)
        >>> round(found.value, 12), round(found.high - found.low, 12)
        (0.5, 0.0)
    """
    places, rows = np.asarray(x, dtype=float), np.asarray(values, dtype=float)
    if rows.ndim != 2 or places.shape != rows.shape[:1] or min(rows.shape) < 2:
        raise ValueError(
            "paired.slope: values must be (n, r) with n = len(x) >= 2 points and r >= 2 seeds; given x "
            f"{places.shape}, values {rows.shape}"
        )
    if not all(np.isfinite(v).all() and (v > 0).all() for v in (places, rows)) or len(set(places)) < 2:
        raise ValueError("paired.slope: x and values must be positive and finite, x at least two different")
    steps = np.broadcast_to(np.asarray(resolutions, dtype=float), places.shape)
    if not (steps >= 0).all():
        raise ValueError(f"paired.slope: resolutions must be non-negative; given {steps.tolist()}")
    away = np.log(places) - np.log(places).mean()
    weights = away / (away**2).sum()
    logs = np.log(rows)
    each = fit.interval(weights @ logs)
    shared = float(((weights * steps) ** 2).sum()) / 12
    error = math.sqrt(each.standard_error**2 + shared)
    wide = _student(each.replicates - 1) * error
    centres, errors = logs.mean(axis=1), logs.std(axis=1, ddof=1) / math.sqrt(each.replicates)
    intercept = float(centres.mean() - each.value * np.log(places).mean())
    return Slope(
        each.value,
        error,
        each.value - wide,
        each.value + wide,
        each.replicates,
        tuple(places.tolist()),
        tuple(centres.tolist()),
        tuple(errors.tolist()),
        intercept,
    )


def _student(freedom: int) -> float:
    """Two-sided 95 % quantile of Student's t."""
    from scipy.special import stdtrit

    return float(stdtrit(freedom, 0.5 + fit.CONFIDENCE / 2))
