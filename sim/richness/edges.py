"""Find the edges of the regimes by bisection, at many gammas at once; the error of an edge is its bracket."""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Literal, get_args

import numpy as np

from scalewright.sim.fit import Slope, line
from scalewright.sim.richness.march import Ends, checked, march
from scalewright.sim.richness.task import Task

EdgeName = Literal["eta_min", "eta_mono", "eta_max", "eta_div"]
Status = Literal["held", "at the lower edge", "at the upper edge", "no stable rate"]

#: Rates a decade in the first scan, and points by which a round of bisection divides a bracket.
SCAN, POINTS = 20, 16
#: A bracket's end is uniform in it to our knowledge: its standard error is its width over the root of 12.
_UNIFORM = math.sqrt(12)


def _converged(ends: Ends, task: Task) -> np.ndarray:
    return np.asarray(ends.settled_at <= task.steps)


_GOOD: dict[str, Callable[[Ends, Task], np.ndarray]] = {
    "eta_min": _converged,
    "eta_max": _converged,
    "eta_mono": lambda ends, task: _converged(ends, task) & ~ends.rose,
    "eta_div": lambda ends, task: np.asarray(ends.diverged_at < 0),
}


@dataclass(frozen=True)
class Edge:
    """An edge eta(gamma), each between the last rate on one side of it and the first on the other.

    Attributes:
        name: "eta_min" (the smallest rate that converges), "eta_mono" (the largest up to which the loss never
            rises), "eta_max" (the largest that converges), "eta_div" (the largest that stays bounded); the
            last three are ends of the contiguous good interval from below.
        gamma, low, high: gammas (n,) and the brackets; nan where there is none.
        status: a word a gamma: "held", or why not.
    """

    name: str
    gamma: np.ndarray
    low: np.ndarray
    high: np.ndarray
    status: tuple[Status, ...]

    @property
    def value(self) -> np.ndarray:
        """The middle of every bracket, in logarithms; nan where the edge is not held."""
        held = np.array([status == "held" for status in self.status])
        return np.where(held, np.sqrt(self.low * self.high), np.nan)

    @property
    def width(self) -> np.ndarray:
        """The error: log(high / low) of every bracket."""
        return np.log(self.high / self.low)

    def between(self, low: float, high: float) -> "Edge":
        """Return the part with low <= gamma <= high."""
        kept = (self.gamma >= low * (1 - 1e-9)) & (self.gamma <= high * (1 + 1e-9))
        status = tuple(s for s, keep in zip(self.status, kept, strict=True) if keep)
        return replace(self, gamma=self.gamma[kept], low=self.low[kept], high=self.high[kept], status=status)

    def slope(self) -> Slope:
        """Fit log eta = intercept + slope * log gamma, the interval from the brackets alone.

        Raises:
            ValueError: an edge that its scan does not hold (censored, or without a stable rate), fewer than
                two gammas.
        """
        for gamma, status in zip(self.gamma, self.status, strict=True):
            if status != "held":
                raise ValueError(
                    f"richness.Edge.slope: every {self.name} must be held by the rates scanned; given one "
                    f"{status!r} at gamma = {gamma:g}: fit another range of gamma, or scan other rates"
                )
        if len(self.gamma) < 2:
            raise ValueError(f"richness.Edge.slope: 2 or more gammas are needed; given {len(self.gamma)}")
        return line(self.gamma, np.log(self.value), self.width / _UNIFORM, replicates=10**6)


def edge(
    task: Task,
    name: EdgeName,
    gamma: Any,
    *,
    low: Any,
    high: Any,
    tolerance: float = 1e-3,
) -> Edge:
    """Find one edge at every gamma: scan rates from below, then divide the bracket until it is narrow.

    Args:
        name: which edge (`Edge`).
        gamma: positive numbers (n,).
        low, high: rates between which to scan, numbers or one a gamma.
        tolerance: largest log(high / low) of a bracket.

    Returns:
        Edge; where no rate of the scan is good, or the good ones reach its end, `status` says so.

    Raises:
        ValueError: an unknown name, or numbers that are not positive.

    Cost: n * (20 a decade + 16 a round) runs; four rounds reach 1e-6.

    Example:
        >>> found = edge(Task(layers=3, steps=4000), "eta_max", [1e3, 1e5], low=1e-3, high=1e5)
        >>> found.slope().value.round(2)
        0.67
    """
    if name not in get_args(EdgeName):
        raise ValueError(
            f"richness.edge: name must be one of {', '.join(get_args(EdgeName))}; given {name!r}"
        )
    gammas = checked("gamma", np.atleast_1d(gamma))
    below, above = (np.broadcast_to(checked("eta", end), gammas.shape) for end in (low, high))
    count = max(3, math.ceil(SCAN * np.log10(above / below).max()) + 1)
    below, above, status = _narrow(task, name, gammas, below, above, count)
    wide = np.log(above / below) > tolerance  # false where there is no bracket
    while wide.any():
        low_, high_, _ = _narrow(task, name, gammas[wide], below[wide], above[wide], POINTS + 2)
        found = np.isfinite(low_)  # rounding may flip a run at an end of its bracket, which then stays
        rows = np.flatnonzero(wide)[found]
        below[rows], above[rows] = low_[found], high_[found]
        wide[np.flatnonzero(wide)[~found]] = False
        wide &= np.log(above / below) > tolerance
    return Edge(name, gammas, below, above, status)


def _narrow(
    task: Task, name: str, gammas: np.ndarray, low: np.ndarray, high: np.ndarray, count: int
) -> tuple[np.ndarray, np.ndarray, tuple[Status, ...]]:
    """Divide every bracket into count - 1 parts and return the part with the edge in it."""
    etas = np.exp(np.linspace(np.log(low), np.log(high), count, axis=1))
    good = _GOOD[name](march(task, gammas[:, None], etas), task)
    some, first = good.any(axis=1), good.argmax(axis=1)
    after = np.arange(count) >= first[:, None]
    bad_after = after & ~good
    ends, last = bad_after.any(axis=1), bad_after.argmax(axis=1)
    inside = np.where(name == "eta_min", first, last)
    held = some & (first > 0 if name == "eta_min" else ends)
    missed: Status = "at the lower edge" if name == "eta_min" else "at the upper edge"
    status: tuple[Status, ...] = tuple(
        "held" if h else missed if s else "no stable rate"
        for h, s in zip(np.atleast_1d(held), np.atleast_1d(some), strict=True)
    )
    rows, upper = np.arange(len(gammas)), np.maximum(inside, 1)
    new_low, new_high = etas[rows, upper - 1], etas[rows, upper]
    return np.where(held, new_low, np.nan), np.where(held, new_high, np.nan), status
