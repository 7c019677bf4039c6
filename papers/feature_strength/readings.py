"""Read stored edges of the toys, and hold them against theory."""

from typing import Any

import numpy as np
import xarray as xr

from scalewright.papers.feature_strength import toy
from scalewright.sim.fit import Estimate
from scalewright.sim.richness import Edge, Task
from scalewright.sim.verdict import Verdict, judge

LAZY, RICH = (1e-4, 1e-3), (1e3, 1e5)
BISECTED = "derived; interval: the brackets of the bisection"
SCATTER = "derived; interval: scatter around the line"


def edge_of(data: xr.Dataset, name: str) -> Edge:
    """Return a stored edge; what its scan did not hold is known by its bracket (`Edge.low`)."""
    low, high = (data[end].sel(edge=name).values for end in ("edge_low", "edge_high"))
    status: Any = tuple(
        "no stable rate" if np.isnan(a) else "at the lower edge" if a == 0 else "held" if np.isfinite(b)
        else "at the upper edge"
        for a, b in zip(low.tolist(), high.tolist(), strict=True)
    )  # fmt: skip
    return Edge(name, data.gamma.values, low, high, status)


def task_of(data: xr.Dataset) -> Task:
    """Return the task of stored edges."""
    names = ("layers", "loss", "optimizer", "model", "steps", "error", "momentum")
    values = [data.attrs[name] for name in names]
    return Task(*(v.item() if isinstance(v, np.generic) else v for v in values))


def against_theory(data: xr.Dataset, name: str) -> np.ndarray:
    """Return a measured edge over theory's formula at every gamma."""
    task, found = task_of(data), edge_of(data, name)
    return found.value / toy.curve(toy.theory_of(task), name, found.gamma, task)


def slope_of_theory(name: str, gammas: np.ndarray, task: Task) -> float:
    """Return the power of gamma that theory's formula has over these gammas."""
    values = toy.curve(toy.theory_of(task), name, gammas, task)
    return float(np.polyfit(np.log(gammas), np.log(values), 1)[0])


def scatter_slope(x: np.ndarray, y: np.ndarray) -> Estimate:
    """Fit log y against log x by least squares, Student's interval from the scatter around the line."""
    from scipy.special import stdtrit

    places, values = np.log(x) - np.log(x).mean(), np.log(y) - np.log(y).mean()
    slope = float(places @ values / (places @ places))
    freedom = len(x) - 2
    error = float(np.sqrt(((values - slope * places) ** 2).sum() / freedom / (places @ places)))
    half = float(stdtrit(freedom, 0.975)) * error
    return Estimate(slope, error, slope - half, slope + half, len(x))


def within(id: str, statement: str, ratios: np.ndarray, tolerance: float, basis: str) -> Verdict:
    """Judge the ratio that is farthest from 1."""
    worst = float(ratios[np.abs(ratios - 1).argmax()])
    return judge(id, statement, worst, predicted=1.0, tolerance=tolerance, basis=basis)
