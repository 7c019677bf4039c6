"""Find the edges of the regimes by bisection, at many gammas at once; the error of an edge is its bracket."""

import math
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, Literal, get_args

import numpy as np

from scalewright.sim.fit import Slope, line
from scalewright.sim.richness.march import Ends, checked, march
from scalewright.sim.richness.task import Task

EdgeName = Literal["eta_min", "eta_mono", "eta_max", "eta_div"]
Status = Literal["held", "at the lower edge", "at the upper edge", "no stable rate"]

#: Rates a decade in the first scan, and points by which a round of bisection divides a bracket.
SCAN, POINTS = 20, 16
#: Rates looked at between the lowest good one and an upper edge: holes of the band are not jumped over.
FILL = 400
#: Least tolerance: brackets of some rounding errors can't be divided.
FINEST = 1e-12
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
        gamma, low, high: gammas (n,) and the brackets; of what is not held (last good rate, inf), (0, first
            good rate), or nan where no rate is good.
        status: a word a gamma: "held", or why not.
        first: the lowest good rate that was found (n,).
    """

    name: str
    gamma: np.ndarray
    low: np.ndarray
    high: np.ndarray
    status: tuple[Status, ...]
    first: np.ndarray = field(default_factory=lambda: np.array([]))

    @property
    def held(self) -> np.ndarray:
        """Whether the scan holds the edge (n,)."""
        return np.array([status == "held" for status in self.status], dtype=bool)

    @property
    def value(self) -> np.ndarray:
        """The middle of every bracket, in logarithms; nan where the edge is not held."""
        value = np.full(len(self.gamma), np.nan)
        value[self.held] = np.sqrt(self.low[self.held] * self.high[self.held])
        return value

    @property
    def width(self) -> np.ndarray:
        """The error: log(high / low) of every bracket, inf where the edge is not held."""
        width = np.full(len(self.gamma), np.inf)
        width[self.held] = np.log(self.high[self.held] / self.low[self.held])
        return width

    def between(self, low: float, high: float) -> "Edge":
        """Return the part with low <= gamma <= high."""
        kept = (self.gamma >= low * (1 - 1e-9)) & (self.gamma <= high * (1 + 1e-9))
        status = tuple(s for s, keep in zip(self.status, kept, strict=True) if keep)
        first = self.first[kept] if len(self.first) else self.first
        return replace(
            self, gamma=self.gamma[kept], low=self.low[kept], high=self.high[kept], status=status, first=first
        )

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

    The band below an upper edge is looked at 400 rates from its lowest good one on, and the edge goes down
    to the first bad one: contiguity is checked to that resolution, and no further.

    Args:
        name: which edge (`Edge`).
        gamma: positive numbers (n,).
        low, high: rates between which to scan, numbers or one a gamma.
        tolerance: largest log(high / low) of a bracket.

    Returns:
        Edge; where no rate of the scan is good, or the good ones reach its end, `status` says so.

    Raises:
        ValueError: an unknown name, numbers that are not positive, low not below high.

    Cost: n * (20 a decade + 16 a round + 400) runs; four rounds reach 1e-6.

    Example:
        >>> found = edge(Task(layers=3, steps=4000), "eta_max", [1e3, 1e5], low=1e-3, high=1e5)
        >>> round(found.slope().value, 2)
        0.67
    """
    if name not in get_args(EdgeName):
        raise ValueError(
            f"richness.edge: name must be one of {', '.join(get_args(EdgeName))}; given {name!r}"
        )
    gammas = checked("gamma", np.atleast_1d(gamma))
    below, above = (np.array(np.broadcast_to(checked("eta", e), gammas.shape)) for e in (low, high))
    if not ((below < above).all() and tolerance >= FINEST):
        raise ValueError(
            f"richness.edge: low must be below high at every gamma, and tolerance at least {FINEST:g}; given "
            f"{below.tolist()}, {above.tolist()} and {tolerance:g}"
        )
    count = max(3, math.ceil(SCAN * np.log10(above / below).max()) + 1)
    found = _narrow(task, name, gammas, below, above, count)
    found = _bisect(task, name, found, tolerance)
    return found if name == "eta_min" else _without_holes(task, name, found, tolerance)


def _bisect(task: Task, name: EdgeName, found: Edge, tolerance: float) -> Edge:
    """Divide every bracket until it is narrow."""
    low, high = found.low.copy(), found.high.copy()
    wide = found.held & (found.width > tolerance)
    while wide.any():
        part = _narrow(task, name, found.gamma[wide], low[wide], high[wide], POINTS + 2)
        rows = np.flatnonzero(wide)
        wide[rows[~part.held]] = False  # rounding flipped a run at an end of its bracket, which then stays
        low[rows[part.held]], high[rows[part.held]] = part.low[part.held], part.high[part.held]
        wide[wide] = np.log(high[wide] / low[wide]) > tolerance
    return replace(found, low=low, high=high)


def _without_holes(task: Task, name: EdgeName, found: Edge, tolerance: float) -> Edge:
    """Look at many rates below the edge, and go down to the first bad one that the scan jumped over."""
    low, high = found.low.copy(), found.high.copy()
    start = np.where(found.held, found.first, np.nan)
    left = found.held & (start < low)
    while left.any():
        rows = np.flatnonzero(left)
        etas = np.exp(np.linspace(np.log(start[rows]), np.log(low[rows]), FILL, axis=1))
        good = _GOOD[name](march(task, found.gamma[rows, None], etas), task)
        bad = ~good[:, 1:-1]  # the ends are known to be good
        holes, at = bad.any(axis=1), bad.argmax(axis=1) + 1
        left[rows[~holes]] = False
        rows, at, etas = rows[holes], at[holes], etas[holes]
        if len(rows):
            low[rows], high[rows] = etas[np.arange(len(at)), at - 1], etas[np.arange(len(at)), at]
            status: tuple[Status, ...] = tuple("held" for _ in rows)
            part = Edge(name, found.gamma[rows], low[rows], high[rows], status)
            part = _bisect(task, name, part, tolerance)
            low[rows], high[rows] = part.low, part.high
        left &= start < low
    return replace(found, low=low, high=high)


def _narrow(
    task: Task, name: EdgeName, gammas: np.ndarray, low: np.ndarray, high: np.ndarray, count: int
) -> Edge:
    """Divide every bracket into count - 1 parts and return the part with the edge in it."""
    etas = np.exp(np.linspace(np.log(low), np.log(high), count, axis=1))
    good = _GOOD[name](march(task, gammas[:, None], etas), task)
    rows, some, first = np.arange(len(gammas)), good.any(axis=1), good.argmax(axis=1)
    bad_after = (np.arange(count) >= first[:, None]) & ~good
    ended = bad_after.any(axis=1)
    if name == "eta_min":
        upper, held = first, some & (first > 0)
        ends: tuple[Any, Any] = (0.0, etas[rows, first])
    else:
        upper, held = bad_after.argmax(axis=1), some & ended
        ends = (etas[:, -1], np.inf)
    missed: Status = "at the lower edge" if name == "eta_min" else "at the upper edge"
    status: tuple[Status, ...] = tuple(
        "held" if h else missed if s else "no stable rate"
        for h, s in zip(np.atleast_1d(held), np.atleast_1d(some), strict=True)
    )
    upper = np.maximum(upper, 1)
    return Edge(
        name,
        gammas,
        np.where(held, etas[rows, upper - 1], np.where(some, ends[0], np.nan)),
        np.where(held, etas[rows, upper], np.where(some, ends[1], np.nan)),
        status,
        np.where(some, etas[rows, first], np.nan),
    )
