"""The largest stable learning rate of every network: a scan for the first rate that fails, then bisection."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from scalewright.sim import fit
from scalewright.sim.uv.descent import check_run
from scalewright.sim.uv.losses import Loss, Squared, check_loss
from scalewright.sim.uv.model import Factors, Gram, factors, initial, kernel, outputs, step
from scalewright.theory.parametrization import Parametrization

Criterion = Literal["outputs", "peak", "kernel"]
#: Bounds by default: of |f|, and of the kernel over its initial value.
BOUNDS = {"outputs": 100.0, "peak": 100.0, "kernel": 10.0}
Status = Literal["bracketed", "islands", "never stable", "never unstable"]
#: What each status means for the reader.
ADVICE = {
    "bracketed": "the first unstable rate is known to the tolerance",
    "islands": "rates above the first unstable one are stable again: the edge is that of the first",
    "never stable": "the lowest rate is unstable already: lower the range of rates",
    "never unstable": "the highest rate is stable still: raise the range of rates",
}
#: Neighbouring rates of the scan differ by at most this factor.
SCAN = math.sqrt(2)


@dataclass(frozen=True)
class Edge:
    """The largest stable rate of every network, between a stable and an unstable one.

    Attributes:
        widths, seeds: of the rows and columns.
        low, high: the largest rate known to be stable below the first unstable one, and that one; nan where
            there is none. high / low - 1 is at most `tolerance`.
        status: by network, see `advice`.
        tolerance: of the bracket, relative.
    """

    widths: tuple[int, ...]
    seeds: tuple[int, ...]
    low: np.ndarray
    high: np.ndarray
    status: np.ndarray
    tolerance: float

    @property
    def rate(self) -> np.ndarray:
        """The geometric middle of every bracket (width, seed); nan where there is none."""
        return np.sqrt(self.low * self.high)

    @property
    def advice(self) -> dict[str, str]:
        """What each status that occurs means, and what to do."""
        return {name: ADVICE[name] for name in sorted(set(self.status.ravel().tolist()))}

    def slope(self) -> fit.Slope:
        """Fit log rate against log width over seeds; ValueError if a width has less than two brackets.

        The interval holds the spread over seeds. A bracket moves a rate by at most half the tolerance.
        """
        rows = [row[np.isfinite(row)] for row in self.rate]
        short = [width for width, row in zip(self.widths, rows, strict=True) if len(row) < 2]
        if short or len(rows) < 2:
            raise ValueError(
                "uv.Edge.slope: needs at least two widths, each with brackets of at least two seeds; given "
                + (
                    f"{list(self.widths)}"
                    if not short
                    else f"fewer at width {short[0]}: {self._worst(short[0])}"
                )
            )
        return fit.slope(self.widths, rows)

    def _worst(self, width: int) -> str:
        (row,) = (r for w, r in zip(self.widths, self.status, strict=True) if w == width)
        found = next((s for s in row if s.startswith("never")), "too few seeds")
        return ADVICE.get(found, found)


@dataclass(frozen=True)
class _Runs:
    """What stays fixed while rates are tried."""

    by: Factors
    start: Gram
    loss: Loss
    criterion: Criterion
    bound: float
    steps: int
    duration: float | None
    warmup: int | float
    decay: float
    point: float

    def stable(self, lr: np.ndarray) -> np.ndarray:
        """Return which networks are stable at rates (width, seed)."""
        length = np.full(lr.shape, self.steps)
        if self.duration is not None:
            length = np.maximum(1, np.ceil(self.duration / lr)).astype(int)
        rise = self.warmup * length if isinstance(self.warmup, float) else self.warmup * np.ones(lr.shape)
        state, first = self.start, kernel(self.start, self.by, self.point)
        fine = np.ones(lr.shape, dtype=bool)
        with np.errstate(over="ignore", invalid="ignore"):
            for done in range(int(length.max())):
                active = fine & (done < length)
                if not active.any():
                    break
                share = np.where(rise > 0, np.minimum(1.0, (done + 1) / np.maximum(rise, 1e-300)), 1.0)
                rates = np.where(active, lr * share, 0.0)
                state = step(state, self.by, self.loss, rates, point=self.point, decay=self.decay)
                fine &= np.isfinite(state.c)
                if self.criterion == "kernel":
                    fine &= kernel(state, self.by, self.point) <= self.bound * first
                elif self.criterion == "peak":
                    fine &= np.abs(outputs(state, self.by, self.point)) < self.bound
            if self.criterion == "outputs":
                fine &= np.abs(outputs(state, self.by, self.point)) < self.bound
        return fine


def edge(
    parametrization: Parametrization,
    *,
    widths: Sequence[int],
    seeds: Sequence[int] = tuple(range(8)),
    rates: tuple[float, float] = (1e-8, 1e2),
    steps: int = 200,
    duration: float | None = None,
    loss: Loss | None = None,
    criterion: Criterion = "outputs",
    bound: float | None = None,
    tolerance: float = 1e-3,
    warmup: int | float = 0,
    decay: float = 0.0,
    point: float = 1.0,
) -> Edge:
    """Bracket the largest stable base rate of every network by a scan upwards and bisection.

    A scan in steps of sqrt(2) finds the first unstable rate, so that a stable island above it is seen and
    said; bisection in the logarithm narrows the bracket.

    Args:
        parametrization, widths, seeds, loss, decay, point: as in `trajectory`. With the rate
            `with_lr({"width": 0})` the base rate is the rate itself.
        rates: the range that is scanned.
        steps: number of updates T.
        duration: in place of `steps`: T = duration / rate, a fixed time of training.
        criterion: "outputs": |f_T| < bound, 100 by default. "peak": |f_t| < bound at every step. "kernel":
            the tangent kernel stays below bound times its initial value at every step, 10 by default:
            weights don't grow, whatever the output does.
        bound: of the criterion.
        tolerance: relative width of the brackets.
        warmup: first steps over which the rate rises; a float is a share of all steps.

    Returns:
        The Edge, with a status for every network.

    Raises:
        ValueError: what `trajectory` refuses, a range that is none, an unknown criterion.

    Cost: the scan and some ten bisections, each T steps of arrays (width, seed); independent of the width.

    >>> from scalewright.theory import mlp, named
    >>> rule = named(mlp(2, "linear"), "sp", "sgd").with_lr({"width": 0})
    >>> found = edge(rule, widths=[64, 4096, 2**18], seeds=range(4))
    >>> round(found.slope().value, 1)
    -1.0
    """
    check_run(steps, warmup if isinstance(warmup, int) else 0, decay, point)
    check_loss(Squared() if loss is None else loss, "uv.edge")
    least, most = _check(rates, criterion, tolerance, warmup, duration, bound)
    by = factors(parametrization, widths)
    limit = BOUNDS[criterion] if bound is None else bound
    start = initial(by, widths, seeds)
    runs = _Runs(
        by,
        start,
        Squared() if loss is None else loss,
        criterion,
        limit,
        steps,
        duration,
        warmup,
        decay,
        point,
    )
    grid = np.geomspace(least, most, 1 + math.ceil(math.log(most / least) / math.log(SCAN)))
    fine = np.stack([runs.stable(np.full(start.c.shape, lr)) for lr in grid])
    low, high, status = _brackets(grid, fine)
    low, high = _bisect(runs, low, high, tolerance)
    return Edge(tuple(map(int, widths)), tuple(map(int, seeds)), low, high, status, tolerance)


def _brackets(grid: np.ndarray, fine: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the neighbours of the grid between which stability ends first, and the status."""
    first = np.where(fine.all(axis=0), -1, (~fine).argmax(axis=0))
    later = np.arange(len(grid))[:, None, None] > first
    status = np.where((fine & later).any(axis=0), "islands", "bracketed").astype("U14")
    status[first == 0], status[first == -1] = "never stable", "never unstable"
    known = first > 0
    low = np.where(known, grid[np.maximum(first, 1) - 1], np.nan)
    return low, np.where(known, grid[np.maximum(first, 1)], np.nan), status


def _bisect(
    runs: _Runs, low: np.ndarray, high: np.ndarray, tolerance: float
) -> tuple[np.ndarray, np.ndarray]:
    known = np.isfinite(low)
    while known.any() and (high[known] / low[known]).max() > 1 + tolerance:
        middle = np.where(known, np.sqrt(low * high), 1.0)
        fine = runs.stable(middle)
        low, high = np.where(known & fine, middle, low), np.where(known & ~fine, middle, high)
    return low, high


def _check(
    rates: tuple[float, float],
    criterion: str,
    tolerance: float,
    warmup: int | float,
    duration: float | None,
    bound: float | None,
) -> tuple[float, float]:
    least, most = rates
    if not 0 < least < most < math.inf:
        raise ValueError(f"uv.edge: rates must be two positive numbers, the lower first; given {rates}")
    if criterion not in BOUNDS:
        raise ValueError(f"uv.edge: criterion must be one of {', '.join(BOUNDS)}; given {criterion!r}")
    if not 0 < tolerance < 1:
        raise ValueError(f"uv.edge: tolerance must be between 0 and 1; given {tolerance}")
    if isinstance(warmup, float) and not 0 <= warmup <= 1:
        raise ValueError(f"uv.edge: warmup must be a number of steps or a share of them; given {warmup}")
    if duration is not None and not 0 < duration < math.inf:
        raise ValueError(f"uv.edge: duration must be positive and finite; given {duration}")
    if bound is not None and not 0 < bound < math.inf:
        raise ValueError(f"uv.edge: bound must be positive and finite; given {bound}")
    return float(least), float(most)
