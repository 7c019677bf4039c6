"""The toys over the gamma-eta plane: edges by bisection, portraits, plateaus, the apex, other optimizers."""

from collections.abc import Callable, Mapping
from typing import Any, Literal

import numpy as np
import xarray as xr

from scalewright.papers.feature_strength.settings import Scale, decades
from scalewright.sim import richness
from scalewright.sim.dataset import dataset
from scalewright.sim.richness import Edge, Task
from scalewright.sim.richness.edges import EdgeName
from scalewright.theory.richness import Boundaries, LossName, boundaries, half_time
from scalewright.theory.richness.symbols import RATE

Progress = Callable[[int, int], None] | None

DEPTHS = (2, 3, 4, 5)
#: Gammas of the edges; the powers are fitted in [1e-4, 1e-3] and [1e3, 1e5].
GAMMAS = decades(-4, 5, 2)
ERROR = 0.01
TOLERANCE = 2e-4
#: Numbers of steps for eta_min against T, at one gamma of either regime.
HORIZONS = (500, 1000, 2000, 4000, 8000)
HORIZON_GAMMAS = (1e-3, 1e3)
#: Share of eta_crit at which the plateau is timed, and the gammas.
SHARE = 0.1
PLATEAU_GAMMAS = decades(2, 5, 2)
APEX_STEPS = tuple(round(160 * 2 ** (k / 2)) for k in range(15))
#: Gammas at which the edge of divergence is followed, many since it is ragged, and steps: so few that orbits
#: hardly ever meet outputs of order one, gamma T << 1, where the pull is neither -p_0 nor p_1.
RAGGED, RAGGED_STEPS = tuple(float(g) for g in np.logspace(-7, -4, 73)), 1000
STARTS, START_STEPS = 24, 2000
#: The rich edge of momentum is ragged too.
MOMENTUM_GAMMAS = (*decades(-4, 2, 2), *decades(3, 5, 12))


def edges(scale: Scale, loss: LossName, layers: int, *, progress: Progress = None) -> xr.Dataset:
    """Find eta_min and eta_max of the balanced toy at every gamma."""
    task = Task(layers, loss, steps=scale.toy_steps, error=ERROR)
    return _bisected(task, ("eta_min", "eta_max"), GAMMAS, progress)


def divergence(scale: Scale, layers: int, *, progress: Progress = None) -> xr.Dataset:
    """Find where the weights of the balanced toy diverge under cross-entropy, gamma << 1."""
    task = Task(layers, "cross-entropy", steps=RAGGED_STEPS, error=ERROR)
    return _bisected(task, ("eta_div",), RAGGED, progress)


def optimizer(scale: Scale, name: str, layers: int, *, progress: Progress = None) -> xr.Dataset:
    """Find the edges of another optimizer: of Adam eta_min alone, as its upper edge is ragged."""
    names: tuple[EdgeName, ...] = ("eta_min",) if name == "adam" else ("eta_min", "eta_max")
    task = Task(layers, "squared", name, steps=scale.toy_steps, error=ERROR)
    return _bisected(task, names, MOMENTUM_GAMMAS if name == "momentum" else GAMMAS, progress)


def _bisected(task: Task, names: tuple[EdgeName, ...], gammas: Any, progress: Progress) -> xr.Dataset:
    theory, points = theory_of(task), np.array(gammas)
    low = curve(theory, "eta_min", points, task)
    known = [e.name for e in theory if e.name in ("eta_crit", "eta_max") and e.expression is not None]
    top = np.max([points, 10 * low, *(curve(theory, name, points, task) for name in known)], axis=0)
    found: dict[str, Edge] = {}
    for done, name in enumerate(names):
        found[name] = richness.edge(task, name, points, low=low / 5, high=20 * top, tolerance=TOLERANCE)
        if progress:
            progress(done + 1, len(names))
    return of_edges(found, task)


def theory_of(task: Task) -> Boundaries:
    """Return theory's boundaries of a task."""
    from sympy import Rational

    model: Literal["balanced", "wide"] = "wide" if task.model == "wide" else "balanced"
    momentum = Rational(str(task.momentum))
    return boundaries(task.layers, task.loss, task.optimizer, model=model, momentum=momentum)


def curve(theory: Boundaries, name: str, gammas: np.ndarray, task: Task) -> np.ndarray:
    """Return a boundary at numbers."""
    expression = theory[name].expression
    if expression is None:
        raise ValueError(f"toy.curve: {name} has no expression at every gamma")
    return richness.evaluate(expression, gammas, steps=task.steps, error=task.error)


def of_edges(found: Mapping[str, Edge], task: Task) -> xr.Dataset:
    """Return edges as a trajectory with dimensions (edge, gamma)."""
    first, dims = next(iter(found.values())), ("edge", "gamma")
    brackets = {
        f"edge_{end}": (dims, [getattr(edge, end) for edge in found.values()]) for end in ("low", "high")
    }
    attrs = {key: value for key, value in vars(task).items() if isinstance(value, int | float | str)}
    return dataset(brackets, {"edge": list(found), "gamma": first.gamma}, attrs)


def horizons(scale: Scale, *, progress: Progress = None) -> xr.Dataset:
    """Find eta_min of three layers for several numbers of steps: (step, edge, gamma)."""
    rows = []
    for done, steps in enumerate(HORIZONS):
        task = Task(3, "squared", steps=steps, error=ERROR)
        rows.append(_bisected(task, ("eta_min",), HORIZON_GAMMAS, None))
        if progress:
            progress(done + 1, len(HORIZONS))
    return xr.concat(rows, dim="step", combine_attrs="drop_conflicts").assign_coords(step=list(HORIZONS))


def portrait(
    scale: Scale,
    layers: int,
    loss: LossName,
    model: Literal["balanced", "wide"],
    *,
    progress: Progress = None,
) -> xr.Dataset:
    """Map the plane of one toy, as the paper draws it."""
    gammas = np.logspace(-5, 5, scale.toy_cells)
    found = richness.portrait(
        layers, loss, model=model, gamma=gammas, steps=scale.toy_portrait_steps, error=ERROR, measure=False
    )
    if progress:
        progress(1, 1)
    return found.data


def plateau(scale: Scale, layers: int, *, progress: Progress = None) -> xr.Dataset:
    """Time the plateau and the drop at a tenth of eta_crit: steps until f = 1/2, and from 1/10 to 9/10."""
    gammas, task = np.array(PLATEAU_GAMMAS), Task(layers, "squared", steps=1, error=ERROR)
    etas = SHARE * curve(theory_of(task), "eta_crit", gammas, task)
    longest = int(3 * (predicted_half_time(layers, gammas) + 50).max())
    crossed = {level: np.full(len(gammas), np.nan) for level in (0.1, 0.5, 0.9)}
    weight, output = np.ones(len(gammas)), np.zeros(len(gammas))
    for step in range(longest):
        weight = weight + etas / gammas * (1 - output) * weight ** (layers - 1)
        after = (weight**layers - 1) / gammas
        for level, times in crossed.items():
            now = np.isnan(times) & (after >= level)
            times[now] = step + (level - output[now]) / (after[now] - output[now])
        output = after
        if progress and step % 1000 == 0:
            progress(step, longest)
    variables: Any = {
        "half_time": (("gamma",), crossed[0.5]),
        "drop_time": (("gamma",), crossed[0.9] - crossed[0.1]),
    }
    return dataset(variables, {"gamma": gammas}, {"layers": layers, "share": SHARE})


def predicted_half_time(layers: int, gammas: np.ndarray) -> np.ndarray:
    """Return theory's number of steps until f = 1/2 at a tenth of eta_crit."""
    task = Task(layers, "squared", steps=1, error=ERROR)
    edge = theory_of(task)["eta_crit"].expression
    expression = half_time(layers, rate=RATE).subs(RATE, edge) / SHARE
    return richness.evaluate(expression, gammas, steps=1, error=ERROR)


def apex(scale: Scale, layers: int, *, progress: Progress = None) -> xr.Dataset:
    """Find the gamma at which no rate converges within T steps any more: (edge, step)."""
    brackets, times = [], APEX_STEPS[: scale.toy_apexes]
    for done, steps in enumerate(times):
        brackets.append(_apex(layers, steps))
        if progress:
            progress(done + 1, len(times))
    ends = np.array(brackets).T
    variables: Any = {"edge_low": (("edge", "step"), ends[:1]), "edge_high": (("edge", "step"), ends[1:])}
    return dataset(variables, {"edge": ["apex"], "step": list(times)}, {"layers": layers})


def _apex(layers: int, steps: int) -> tuple[float, float]:
    """Bisect the gamma of the apex, starting from a decade to either side of theory's."""
    task = Task(layers, "squared", steps=steps, error=ERROR)
    guess = float((2 * steps * (layers - 2) / layers) ** (layers / (layers - 2)))
    low, high = guess / 30, guess * 30
    while np.log(high / low) > 1e-3:
        gammas = np.geomspace(low, high, 18)
        edge = curve(theory_of(task), "eta_crit", gammas, task)[:, None]
        etas = edge * np.geomspace(0.2, 1.05, 80)
        open_ = (richness.march(task, gammas[:, None], etas).settled_at <= steps).any(axis=1)
        last = int(np.flatnonzero(open_)[-1])
        low, high = gammas[last], gammas[last + 1]
    return low, high


def logistic(scale: Scale, layers: int, *, progress: Progress = None) -> xr.Dataset:
    """Train under the logistic loss at rates up to 1e8 times eta_min: what becomes of every run."""
    task = Task(layers, "logistic", steps=scale.toy_portrait_steps, error=ERROR)
    gammas, factors = np.array(decades(-4, 4, 1)), np.geomspace(2, 1e8, 60)
    least = curve(theory_of(task), "eta_min", gammas, task)
    ends = richness.march(task, gammas[:, None], least[:, None] * factors)
    variables: Any = {"regime": (("gamma", "lr"), richness.classify(ends, task.steps))}
    return dataset(variables, {"gamma": gammas, "lr": factors}, {"layers": layers, "steps": task.steps})


def unbalanced(scale: Scale, *, progress: Progress = None) -> xr.Dataset:
    """Find eta_max of three layers from unequal weights with product 1, gamma = 1e3: (seed, edge, gamma)."""
    gammas = np.array([1e3])
    rows, balanced = [], Task(3, "squared", steps=START_STEPS, error=ERROR)
    crit = curve(theory_of(balanced), "eta_crit", gammas, balanced)
    for seed in range(STARTS):
        logs = np.random.default_rng(seed).normal(size=3)
        start = tuple(float(w) for w in np.exp(logs - logs.mean()))
        task = Task(3, "squared", model="unbalanced", steps=START_STEPS, error=ERROR, start=start)
        found = richness.edge(task, "eta_max", gammas, low=crit / 30, high=crit * 10, tolerance=TOLERANCE)
        rows.append(of_edges({"eta_max": found}, task))
        if progress:
            progress(seed + 1, STARTS)
    return xr.concat(rows, dim="seed", combine_attrs="drop_conflicts").assign_coords(seed=range(STARTS))
