"""The phase portrait of the gamma-eta plane: theory's boundaries, the integrated grid, measured edges."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import numpy as np
import xarray as xr

from scalewright.sim.dataset import dataset
from scalewright.sim.richness.curves import evaluate
from scalewright.sim.richness.edges import Edge, EdgeName, edge
from scalewright.sim.richness.hole import hole_top
from scalewright.sim.richness.march import checked, march
from scalewright.sim.richness.regimes import Regime, classify
from scalewright.sim.richness.task import Task
from scalewright.theory.richness import Boundaries, LossName, Model, boundaries

#: Cells a decade of the default grid, and room below and above theory's boundaries.
GAMMAS, ETAS = 12, 12
ROOM = 30.0
#: Ranges of gamma in which the two powers are fitted.
LAZY, RICH = (1e-4, 1e-3), (1e3, 1e5)
FITTED = 5
#: Cells of the largest grid.
LARGEST = 10**7
#: Scans of edges reach this far beyond the grid's theory.
BEYOND = 30.0


@dataclass(frozen=True)
class Power:
    """An exponent derived and measured: of an edge, in one regime, with the interval of its brackets."""

    boundary: str
    regime: Literal["small", "large"]
    gammas: tuple[float, float]
    derived: float
    exact: float | None
    measured: float
    low: float
    high: float


@dataclass(frozen=True)
class Portrait:
    """A phase portrait.

    Attributes:
        task: what was trained.
        theory: its boundaries, symbolic.
        data: (gamma, eta): `regime`, `loss`, `settled_at`, `diverged_at`; (gamma): `best_eta`, the rate that
            converges in the fewest steps, nan where none does, with its log error.
        curves: theory's boundaries at the grid's gammas, those that are numbers.
        edges: edges measured by bisection.
        status: "mapped", or "no stable cell".
    """

    task: Task
    theory: Boundaries
    data: xr.Dataset
    curves: dict[str, np.ndarray]
    edges: dict[str, Edge]
    status: Literal["mapped", "no stable cell"]

    @property
    def message(self) -> str:
        """What the status says and what to do next."""
        if self.status == "mapped":
            return "the grid holds cells that converge"
        counts = {one: int((self.data.regime == int(one)).sum()) for one in Regime}
        slow, gone = counts[Regime.TOO_SLOW], counts[Regime.DIVERGED] + counts[Regime.EDGE_OF_STABILITY]
        advice = (
            "raise the rates or the steps" if slow > gone else "lower the rates" if slow == 0 else
            "give a finer grid between the slow rates and the unstable ones, or more steps"
        )  # fmt: skip
        return (
            f"no cell of the grid converges within {self.task.steps} steps ({slow} too slow, {gone} "
            f"unstable), so that it has no optimum: {advice}"
        )

    @cached_property
    def optimum(self) -> Edge:
        """The rate that converges in the fewest steps at every gamma, between its neighbours of the grid.

        Censored where it ends the grid: `Edge.slope` refuses such an optimum.

        Raises:
            ValueError: no cell of the grid converges.
        """
        if self.status != "mapped":
            raise ValueError(f"richness.Portrait.optimum: {self.message}")
        return _optimum(self.data, self.task.steps)

    @cached_property
    def powers(self) -> tuple[Power, ...]:
        """The exponents of the measured edges beside the derived ones, where both are known."""
        rows = []
        for name, found in self.edges.items():
            for regime, ends in (("small", LAZY), ("large", RICH)):
                part = found.between(*ends)
                if len(part.gamma) >= 2 and set(part.status) == {"held"}:
                    rows.append(self._power(name, regime, ends, part))  # type: ignore[arg-type]
        return tuple(row for row in rows if row is not None)

    def _power(
        self, name: str, regime: Literal["small", "large"], ends: tuple[float, float], part: Edge
    ) -> Power | None:
        derived = self.theory[name].exponents[regime == "large"] if name in self.theory else None
        if derived is None:
            return None
        fitted, exact = part.slope(), None
        expression = self.theory[name].expression
        if expression is not None and name in self.curves:
            values = evaluate(expression, part.gamma, steps=self.task.steps, error=self.task.error)
            exact = float(np.polyfit(np.log(part.gamma), np.log(values), 1)[0])
        return Power(name, regime, ends, float(derived), exact, fitted.value, fitted.low, fitted.high)


def portrait(
    layers: int = 3,
    loss: LossName = "squared",
    optimizer: str = "sgd",
    *,
    model: Model = "balanced",
    gamma: Sequence[float] | np.ndarray | None = None,
    eta: Sequence[float] | np.ndarray | None = None,
    steps: int = 1000,
    error: float = 0.01,
    momentum: float = 0.9,
    measure: bool = True,
) -> Portrait:
    """Map the gamma-eta plane of a toy: integrate it, evaluate theory's boundaries, measure the edges.

    Args:
        layers, loss, optimizer, model: as in `theory.richness.boundaries`.
        gamma, eta: the grid, positive and increasing; by default five decades to either side of 1, and rates
            that hold every boundary.
        steps, error: T and epsilon: a run converges if |f - 1| <= epsilon from some step up to T on.
        momentum: decay of the heavy ball.
        measure: find the edges by bisection too, where the grid reaches into the ranges of the powers.

    Raises:
        ValueError: a gamma or eta that is not positive and increasing, or an unknown choice.

    Cost: about 5 to 30 ns a cell and step, and as much for the edges; some seconds by default.

    Example:
        >>> found = portrait(3, gamma=[0.1, 10.0], eta=np.geomspace(1e-5, 10, 25), steps=500, measure=False)
        >>> found.status, found.data.regime.shape
        ('mapped', (2, 25))
    """
    from sympy import Rational

    task = Task(layers, loss, optimizer, model, steps, error, momentum)
    exact = Rational(str(momentum))
    theory = boundaries(layers, loss, optimizer, model=model, momentum=exact)
    gammas = np.logspace(-5, 5, 10 * GAMMAS + 1) if gamma is None else _axis("gamma", gamma)
    curves = _curves(theory, gammas, task)
    etas = _rates(curves, task) if eta is None else _axis("eta", eta)
    if len(gammas) * len(etas) > LARGEST:
        raise ValueError(
            f"richness.portrait: the grid must have at most {LARGEST} cells; given {len(gammas)} x "
            f"{len(etas)}, each a run of {steps} steps"
        )
    data = _mapped(task, gammas, etas)
    stable = bool((data.settled_at.values <= steps).any())
    edges = _edges(task, theory, gammas) if measure and stable else {}
    return Portrait(task, theory, data, curves, edges, "mapped" if stable else "no stable cell")


def restored(data: xr.Dataset) -> Portrait:
    """Return the portrait whose grid was stored: theory's boundaries again, edges not measured."""
    from sympy import Rational

    names = ("layers", "loss", "optimizer", "model", "steps", "error", "momentum")
    task = Task(*(_python(data.attrs[name]) for name in names))
    model: Any = task.model  # "balanced" or "wide": what `portrait` takes
    momentum = Rational(str(task.momentum))
    theory = boundaries(task.layers, task.loss, task.optimizer, model=model, momentum=momentum)
    stable = bool((data.settled_at.values <= task.steps).any())
    curves = _curves(theory, data.gamma.values, task)
    return Portrait(task, theory, data, curves, {}, "mapped" if stable else "no stable cell")


def _python(value: Any) -> Any:
    """Return what NetCDF made of an attribute as a plain number or string."""
    return value.item() if isinstance(value, np.generic) else value


def _axis(name: str, values: Any) -> np.ndarray:
    axis = np.atleast_1d(checked(name, values))
    if axis.ndim != 1 or (np.diff(axis) <= 0).any():
        raise ValueError(f"richness.portrait: {name} must be increasing; given {axis.tolist()}")
    return axis


def _curves(theory: Boundaries, gammas: np.ndarray, task: Task) -> dict[str, np.ndarray]:
    """Evaluate the boundaries that are numbers; those known in their limits alone, where these hold.

    Of the hole of cross-entropy theory knows a bound; `eta_hole_top` is where `hole_top` predicts its end.
    """
    found = {}
    for entry in theory:
        if entry.name == "eta_hole":
            found["eta_hole_top"] = np.where(
                gammas < 1, hole_top(gammas, steps=task.steps, error=task.error), np.nan
            )
            continue
        pieces = [(entry.expression, np.ones(len(gammas), dtype=bool))]
        if entry.expression is None:
            pieces = [(entry.small, gammas <= 1e-2), (entry.large, gammas >= 10.0)]
        values = np.full(len(gammas), np.nan)
        for form, where in pieces:
            if form is not None and where.any() and _known(form):
                values[where] = evaluate(form, gammas[where], steps=task.steps, error=task.error)
        if np.isfinite(values).any():
            found[entry.name] = values
    return found


def _known(form: Any) -> bool:
    from scalewright.theory.richness.plane import DIVERGENCE

    return not form.has(DIVERGENCE)


def _rates(curves: dict[str, np.ndarray], task: Task) -> np.ndarray:
    every = np.concatenate([values[np.isfinite(values)] for values in curves.values()])
    # Where no upper edge is a number, up to T times the least rate, which gets there in a step.
    low, high = every.min() / ROOM, every.max() * (task.steps if len(curves) == 1 else ROOM)
    return np.geomspace(low, high, round(ETAS * np.log10(high / low)) + 1)


def _mapped(task: Task, gammas: np.ndarray, etas: np.ndarray) -> xr.Dataset:
    ends = march(task, gammas[:, None], etas)
    dims = ("gamma", "eta")
    variables: dict[str, Any] = {
        "regime": (dims, classify(ends, task.steps)),
        "loss": (dims, ends.loss),
        "settled_at": (dims, ends.settled_at),
        "diverged_at": (dims, ends.diverged_at),
    }
    attrs = {name: value for name, value in vars(task).items() if isinstance(value, int | float | str)}
    return dataset(variables, {"gamma": gammas, "eta": etas}, attrs | {"made_by": "sim.richness.portrait"})


def _edges(task: Task, theory: Boundaries, gammas: np.ndarray) -> dict[str, Edge]:
    """Bisect the edges that theory names, in the part of the two fitted ranges that the grid covers."""
    some = [np.geomspace(*ends, FITTED) for ends in (LAZY, RICH)]
    points = np.concatenate(some)
    points = points[(points >= gammas[0] * (1 - 1e-9)) & (points <= gammas[-1] * (1 + 1e-9))]
    if not len(points):
        return {}
    curves = _curves(theory, points, task)
    low = np.nanmin([v for v in curves.values() if np.isfinite(v).all()], axis=0) / BEYOND
    high = np.nanmax([np.where(np.isfinite(v), v, 0) for v in (*curves.values(), points)], axis=0) * BEYOND
    names: tuple[EdgeName, ...] = ("eta_min", "eta_max", "eta_div")
    # What has a hole in its band is scanned from above the hole.
    starts = {"eta_max": np.maximum(low, curves["eta_max"] / 3)} if "eta_hole" in theory else {}
    return {
        name: edge(task, name, points, low=starts.get(name, low), high=high, tolerance=1e-3)
        for name in names
        if name in theory and not np.isinf(curves.get(name, low)).any()
    }


def _optimum(data: xr.Dataset, steps: int) -> Edge:
    etas, settled = data.eta.values, data.settled_at.values.astype(float)
    settled = np.where(settled <= steps, settled, np.inf)
    best, rows = settled.argmin(axis=1), np.arange(len(settled))
    # Where neighbouring rates take equally many steps, the middle of them.
    ties = settled == settled[rows, best][:, None]
    first = ties.argmax(axis=1)
    run = np.array([np.argmin(np.append(row[at:], False)) for row, at in zip(ties, first, strict=True)])
    last = first + run - 1
    none = ~np.isfinite(settled).any(axis=1)
    low, high = etas[np.maximum(first - 1, 0)], etas[np.minimum(last + 1, len(etas) - 1)]
    status: Any = tuple(
        "no stable rate" if n else "at the lower edge" if a == 0 else "at the upper edge" if z else "held"
        for n, a, z in zip(np.atleast_1d(none), first, last == len(etas) - 1, strict=True)
    )  # fmt: skip
    return Edge(
        "eta_best", data.gamma.values, np.where(none, np.nan, low), np.where(none, np.nan, high), status
    )
