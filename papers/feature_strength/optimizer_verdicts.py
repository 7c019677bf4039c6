"""Judge the toy under other optimizers, under the logistic loss, and from unequal weights."""

import numpy as np
import xarray as xr

from scalewright.papers.feature_strength import toy
from scalewright.papers.feature_strength.readings import (
    LAZY,
    RICH,
    SCATTER,
    against_theory,
    edge_of,
    scatter_slope,
    slope_of_theory,
    task_of,
    within,
)
from scalewright.sim.richness import Regime, Task
from scalewright.sim.verdict import Verdict, judge


def optimizer(data: xr.Dataset) -> list[Verdict]:
    """Return the rows of one optimizer."""
    return momentum(data) if data.attrs["optimizer"] == "momentum" else signed(data)


def signed(data: xr.Dataset) -> list[Verdict]:
    """T14: under Adam and sign descent eta_min has the powers 1 and 1/L: no plateau."""
    task, found = task_of(data), edge_of(data, "eta_min")
    what, name = f"toy of {task.layers} layers, {task.optimizer}: ", f"toy-{task.optimizer}-min-{task.layers}"
    exact = task.optimizer == "sign"
    rich = found.between(*RICH)
    power = rich.slope() if exact else scatter_slope(rich.gamma, rich.value)
    predicted = slope_of_theory("eta_min", rich.gamma, task)
    band = 0.01 if exact else 0.03
    rows = [
        judge(
            f"{name}-lazy",
            f"{what}eta_min as a power of gamma in [1e-4, 1e-3]",
            scatter_slope(found.between(*LAZY).gamma, found.between(*LAZY).value),
            predicted=1.0,
            tolerance=0.01,
            basis=SCATTER,
        ),
        judge(
            f"{name}-rich",
            f"{what}eta_min as a power of gamma in [1e3, 1e5]",
            power,
            predicted=predicted,
            tolerance=band,
            basis="slope of the exact formula over this range"
            if exact
            else "slope of sign descent's formula over this range, which tends to 1/L; band: Adam's memory",
        ),
    ]
    for rival, value in (("descent", 2 / task.layers), ("deeper", 1 / (task.layers + 1))):
        rows.append(
            judge(
                f"{name}-{rival}-control",
                f"{what}eta_min in [1e3, 1e5] has the power {'2/L' if rival == 'descent' else '1/(L+1)'}",
                power,
                predicted=value,
                tolerance=band,
                expected="break",
                basis="the band of the derived power",
            )
        )
    return rows + (_room(data, task, what) if "eta_max" in data.edge else [])


def _room(data: xr.Dataset, task: Task, what: str) -> list[Verdict]:
    """Hold eta_max of sign descent between the rates of which every, and of which no, cycle is narrow."""
    found = edge_of(data, "eta_max")
    weight = [
        (1 + found.gamma * output) ** (1 / task.layers) for output in (1 - task.error, 1, 1 + task.error)
    ]
    every, none = weight[2] - weight[1], weight[2] - weight[0]
    share = (found.value - every) / (none - every)
    worst = float(share[np.abs(share - 0.5).argmax()])
    return [
        judge(
            f"toy-sign-max-{task.layers}",
            f"{what}eta_max from 0, every phase of the cycle within epsilon, to 1, none; farthest from the "
            "middle",
            worst,
            predicted=0.5,
            tolerance=0.505,
            basis="derived: a cycle of length two around the minimum, as wide as the rate",
        )
    ]


def momentum(data: xr.Dataset) -> list[Verdict]:
    """The heavy ball: linear stability decides in the lazy regime, and is too much in the rich one."""
    largest, gammas = against_theory(data, "eta_max"), data.gamma.values
    found = edge_of(data, "eta_max").between(*RICH)
    rich = largest[gammas > 9.0]
    what = "toy of 3 layers, momentum 0.9: "
    return [
        within(
            "toy-momentum-max-lazy",
            f"{what}eta_max over 2 (1 + mu) / sharpness, gamma <= 1e-2, farthest from 1",
            largest[gammas < 0.011],
            0.01,
            "derived",
        ),
        within(
            "toy-momentum-min",
            f"{what}eta_min over (1 - mu) times the flow's, farthest from 1",
            against_theory(data, "eta_min"),
            0.05,
            "derived; band: the memory of 10 steps",
        ),
        judge(
            "toy-momentum-max-rich",
            f"{what}eta_max as a power of gamma in [1e3, 1e5]",
            scatter_slope(found.gamma, found.value),
            predicted=2 / 3,
            tolerance=0.1,
            basis="derived, by the limit map; interval: scatter, as the edge is ragged",
        ),
        judge(
            "toy-momentum-stability-control",
            f"{what}eta_max over 2 (1 + mu) / sharpness, largest for gamma >= 10",
            float(rich.max()),
            predicted=1.0,
            tolerance=0.3,
            expected="break",
            basis="linear stability at the minimum does not see the speed gathered on the plateau",
        ),
    ]


def logistic(data: xr.Dataset) -> list[Verdict]:
    """The logistic loss has no upper edge: every run above eta_min converges, its loss never rising."""
    layers = int(data.attrs["layers"])
    return [
        judge(
            f"toy-logistic-{layers}",
            f"toy of {layers} layers, logistic loss: share of runs at 2 to 1e8 eta_min that converge "
            "monotonically",
            float((data.regime == int(Regime.MONOTONE)).mean()),
            predicted=1.0,
            tolerance=0.0,
            basis="derived: the pull is positive at every output",
        )
    ]


def unbalanced(data: xr.Dataset) -> list[Verdict]:
    """No start ends at a minimum flatter than the balanced one."""
    task = Task(3, "squared", steps=int(data.attrs["steps"]), error=float(data.attrs["error"]))
    crit = toy.curve(toy.theory_of(task), "eta_crit", data.gamma.values, task)
    # A start beyond its scan counts as infinite, one without a stable rate as undecided: neither is left out.
    high = data.edge_high.sel(edge="eta_max").values
    ratios = (
        np.where(np.isinf(high), np.inf, np.sqrt(data.edge_low.sel(edge="eta_max").values * high)) / crit
    ).ravel()
    return [
        judge(
            "toy-flattest",
            f"toy of 3 layers from {len(ratios)} draws of unequal weights, gamma = 1e3: largest eta_max over "
            "2 / sharpness of the balanced minimum",
            float(np.max(ratios)),
            predicted=0.5,
            tolerance=0.502,
            basis="at most 1, by the inequality of arithmetic and geometric mean",
        )
    ]
