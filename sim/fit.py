"""Estimate slopes and optima with their 95 % intervals from replicated measurements."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

CONFIDENCE = 0.95


@dataclass(frozen=True)
class Estimate:
    """A number with its standard error and 95 % interval, and the number of replicates behind it."""

    value: float
    standard_error: float
    low: float
    high: float
    replicates: int = 1


@dataclass(frozen=True)
class Slope(Estimate):
    """Slope of log y against log x, with the points that were fitted.

    Attributes:
        x, centres, errors: fitted abscissae, log of the average y and its standard error, one a point.
        curvature: t-like ratio of the largest deviation from the line to its standard error: above about 3
            the points do not lie on a line and the slope is an average over the range.
    """

    x: tuple[float, ...] = ()
    centres: tuple[float, ...] = ()
    errors: tuple[float, ...] = ()
    intercept: float = 0.0
    curvature: float = 0.0


@dataclass(frozen=True)
class Optimum(Estimate):
    """Location of a minimum on a logarithmic grid; `replicate_values` holds one location a replicate.

    `censored` counts the replicates whose lowest point ends the grid. `status` is "at the edge" when they are
    more than one in twenty: then the estimate is biased towards the grid, which should be widened.
    """

    replicate_values: tuple[float, ...] = ()
    censored: int = 0

    @property
    def status(self) -> Literal["interior", "at the edge"]:
        """Whether the grid holds the minimum."""
        return "at the edge" if 20 * self.censored > self.replicates else "interior"


def interval(values: Sequence[float] | np.ndarray) -> Estimate:
    """Mean of independent replicates with Student's 95 % interval, mean +- t_{n-1} s / sqrt(n)."""
    array = np.asarray(values, dtype=float)
    if array.ndim != 1 or not np.isfinite(array).all():
        raise ValueError(f"fit.interval: values must be a list of finite numbers; given shape {array.shape}")
    count = len(array)
    if count < 2:
        raise ValueError(
            f"fit.interval: values must hold at least 2 replicates to give an interval; given {count}"
        )
    error = float(array.std(ddof=1) / math.sqrt(count))
    half = _student(count - 1) * error
    mean = float(array.mean())
    return Estimate(mean, error, mean - half, mean + half, count)


def slope(
    x: Sequence[float] | np.ndarray,
    y: np.ndarray | Sequence[np.ndarray],
    *,
    average: Literal["log", "mean"] = "log",
) -> Slope:
    """Fit log y = intercept + slope * log x by least squares over replicated points.

    The slope is a linear combination sum_i w_i c_i of the points' centres, so its standard error is
    sqrt(sum_i w_i^2 e_i^2) with e_i the standard error of centre i; the interval is Student's with the
    degrees of freedom of Welch and Satterthwaite. Deviations of the centres from a line are no part of the
    error (they are bias, not noise): `curvature` reports them.

    Args:
        x: abscissae (n,), positive.
        y: replicates, (n, r) or n arrays of any lengths; positive, independent within and between rows.
        average: centre c_i = mean of log y ("log"), or log of the mean y ("mean", error by the delta method).

    Raises:
        ValueError: fewer than 2 points, fewer than 2 replicates, or values that are not positive and finite.
    """
    x, rows = np.asarray(x, dtype=float), [np.asarray(row, dtype=float) for row in y]
    if len(x) != len(rows) or len(x) < 2 or any(row.ndim != 1 or len(row) < 2 for row in rows):
        shapes = ", ".join(str(row.shape) for row in rows)
        raise ValueError(
            f"fit.slope: y must hold r >= 2 replicates for each of n >= 2 points of x; given x "
            f"{x.shape}, y {shapes}"
        )
    if len(set(x.tolist())) < 2:
        raise ValueError(f"fit.slope: x must hold at least 2 different values; given {x.tolist()}")
    if not all(np.isfinite(v).all() and (v > 0).all() for v in (x, *rows)):
        raise ValueError(
            "fit.slope: x and y must be positive and finite; drop the points that diverged or vanish"
        )
    if average not in ("log", "mean"):
        raise ValueError(f"fit.slope: average must be 'log' or 'mean'; given {average!r}")
    counts = np.array([len(row) for row in rows])
    if average == "log":
        rows = [np.log(row) for row in rows]
    means, errors = np.array([(row.mean(), row.std(ddof=1)) for row in rows]).T
    errors = errors / np.sqrt(counts)
    if average == "log":
        return line(x, means, errors, replicates=counts)
    return line(x, np.log(means), errors / means, replicates=counts)


def line(x: np.ndarray, centres: np.ndarray, errors: np.ndarray, *, replicates: np.ndarray | int) -> Slope:
    """Fit a slope through log y with known standard errors and numbers of replicates (see `slope`)."""
    away = np.log(x) - np.log(x).mean()
    weights = away / (away**2).sum()
    value = float(weights @ centres)
    parts = (weights * errors) ** 2
    error = math.sqrt(float(parts.sum()))
    spread = float((parts**2 / (np.asarray(replicates) - 1)).sum())
    freedom = float(parts.sum()) ** 2 / max(spread, np.finfo(float).tiny)
    half = _student(max(freedom, 1.0)) * error
    misfit = np.abs(centres - centres.mean() - value * away) / np.maximum(errors, np.finfo(float).eps)
    return Slope(
        value, error, value - half, value + half, int(np.min(replicates)),
        tuple(map(float, x)), tuple(map(float, centres)), tuple(map(float, errors)),
        float(centres.mean() - value * np.log(x).mean()), float(misfit.max()),
    )  # fmt: skip


def optimum(grid: Sequence[float] | np.ndarray, losses: np.ndarray, *, reach: int = 1) -> Optimum:
    """Locate the minimum of a loss on a logarithmic grid, one location a replicate, by a local parabola.

    Per replicate: take the lowest point with up to `reach` neighbours on each side, fit log loss by a
    parabola in log grid, and take its vertex (kept within the neighbours used). Losses that are not finite
    (diverged runs) are never used; where fewer than three points remain the lowest itself is taken.
    Replicate locations are averaged in log.

    Args:
        grid: learning rates (g,), increasing.
        losses: (r, g) positive, inf or nan where the run diverged.

    Returns:
        The geometric mean of the replicates' optima with Student's interval (in the same unit as the grid;
        `standard_error` is that of the logarithm).

    Raises:
        ValueError: fewer than 3 grid points, fewer than 2 replicates, or a replicate without a finite loss.
    """
    grid, losses = np.asarray(grid, dtype=float), np.asarray(losses, dtype=float)
    if losses.ndim != 2 or losses.shape[1] != len(grid) or len(grid) < 3 or len(losses) < 2:
        raise ValueError(
            f"fit.optimum: losses must be (r, g) with g = len(grid) >= 3 and r >= 2; given grid "
            f"{grid.shape}, losses {losses.shape}"
        )
    if not (np.isfinite(grid).all() and (grid > 0).all() and (np.diff(grid) > 0).all()):
        raise ValueError(f"fit.optimum: grid must be positive and increasing; given {grid.tolist()}")
    if (losses <= 0).any():
        raise ValueError(
            "fit.optimum: losses must be positive, inf or nan where a run diverged; given one <= 0"
        )
    if not np.isfinite(losses).any(axis=1).all():
        raise ValueError(
            "fit.optimum: every replicate needs a finite loss; all rates of one diverged, so start the "
            "grid lower"
        )
    places = [_vertex(np.log(grid), row, reach) for row in losses]
    found = interval([place for place, _ in places])
    return Optimum(
        math.exp(found.value), found.standard_error, math.exp(found.low), math.exp(found.high),
        found.replicates, tuple(math.exp(place) for place, _ in places), sum(at_edge for _, at_edge in
        places),
    )  # fmt: skip


def _vertex(log_grid: np.ndarray, row: np.ndarray, reach: int) -> tuple[float, bool]:
    """Return the log location of the minimum of one row, and whether it ends the grid."""
    height = np.where(np.isfinite(row), row, np.inf)
    best = int(height.argmin())
    if best in (0, len(row) - 1):
        return float(log_grid[best]), True
    near = np.arange(max(0, best - reach), min(len(row), best + reach + 1))
    near = near[np.isfinite(height[near])]
    if len(near) < 3:
        return float(log_grid[best]), False
    bend, tilt, _ = np.polyfit(log_grid[near] - log_grid[best], np.log(height[near]), 2)
    place = log_grid[best] - tilt / (2 * bend) if bend > 0 else log_grid[best]
    return float(np.clip(place, log_grid[near[0]], log_grid[near[-1]])), False


def _student(freedom: float) -> float:
    """Two-sided 95 % quantile of Student's t."""
    from scipy.special import stdtrit

    return float(stdtrit(freedom, 0.5 + CONFIDENCE / 2))
