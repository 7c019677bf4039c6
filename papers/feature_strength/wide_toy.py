"""Two wide linear layers over the plane: the catapult's band, cross-entropy's hole and island."""

from typing import Any

import numpy as np
import xarray as xr

from scalewright.papers.feature_strength import toy
from scalewright.papers.feature_strength.settings import Scale, decades
from scalewright.sim import richness
from scalewright.sim.dataset import dataset
from scalewright.sim.richness import Edge, Task
from scalewright.sim.richness.edges import EdgeName
from scalewright.theory.richness import LossName, wide

#: Rates of the wide network over 2 / K_0, in units of 1 / K_0: within and beyond the catapult's band.
BAND = tuple(round(0.5 + 0.02 * k, 2) for k in range(85))
WIDE_GAMMAS = decades(-6, -1, 1)
WIDE_STEPS = 6000
ISLAND_GAMMAS = (1e-4, 1e-3)


def wide_squared(scale: Scale, *, progress: toy.Progress = None) -> xr.Dataset:
    """Run the two-variable map of two wide layers over the catapult's band: (gamma, lr), lr = eta / gamma^2.

    By the map of f and K, written here by itself: `sim.richness` trains two modes instead.
    """
    gammas, rates = np.array(WIDE_GAMMAS)[:5, None], np.array(BAND)
    output, kernel = np.zeros((len(gammas), len(rates))), np.full((len(gammas), len(rates)), 2.0)
    top = np.zeros_like(output)
    with np.errstate(over="ignore", invalid="ignore"):
        for step in range(WIDE_STEPS):
            pull = 1 - output
            top = np.fmax(top, pull**2 / 2)
            moved = output + rates * kernel * pull + (rates * gammas * pull) ** 2 * output
            kernel = kernel + 4 * rates * gammas**2 * output * pull + (rates * gammas * pull) ** 2 * kernel
            output = moved
            if progress and step % 1000 == 0:
                progress(step, WIDE_STEPS)
    dims, loss = ("gamma", "lr"), (1 - output) ** 2 / 2
    # A catapult has thrown the loss above its start, 1/2; squares overflow where it diverged.
    gone = ~(np.abs(output) < 1e100)
    variables: Any = {
        "loss": (dims, np.where(gone, np.nan, loss)),
        "peak_loss": (dims, top),
        "ntk": (dims, np.where(gone, np.nan, kernel)),
    }
    return dataset(variables, {"gamma": gammas[:, 0], "lr": rates}, {"steps": WIDE_STEPS})


def wide_edges(scale: Scale, loss: LossName, *, progress: toy.Progress = None) -> xr.Dataset:
    """Find the edges of two wide layers; under cross-entropy the hole's top and the band's end above it."""
    task, gammas = Task(2, loss, model="wide", steps=WIDE_STEPS, error=toy.ERROR), np.array(WIDE_GAMMAS)
    crit = toy.curve(toy.theory_of(task), "eta_crit", gammas, task)
    options: dict[str, Any] = {"tolerance": toy.TOLERANCE}
    if loss == "squared":
        options |= {"low": crit / 100, "high": 20 * crit}
        names: tuple[EdgeName, ...] = ("eta_mono", "eta_max")
        found: dict[str, Edge] = {name: richness.edge(task, name, gammas, **options) for name in names}
        return toy.of_edges(found, task)
    stable = richness.edge(task, "eta_max", gammas, low=crit / 3, high=crit * 100, **options)
    top = richness.edge(
        task, "eta_min", gammas, low=1.02 * stable.high, high=1.5 * gammas + 1.1 * stable.high, **options
    )
    end = richness.edge(task, "eta_max", gammas, low=1.5 * gammas, high=20 * gammas, **options)
    if progress:
        progress(1, 1)
    return toy.of_edges({"eta_crit": stable, "eta_hole": top, "eta_max": end}, task)


def island(scale: Scale, *, progress: toy.Progress = None) -> xr.Dataset:
    """Train two wide layers under cross-entropy beyond the band: (gamma, lr), lr = eta / gamma."""
    task = Task(2, "cross-entropy", model="wide", steps=WIDE_STEPS, error=toy.ERROR)
    gammas, ratios = np.array(ISLAND_GAMMAS), np.linspace(2.0, 5.0, 1501)
    center = float(wide.island_ratio())
    ratios = np.sort(np.append(ratios, center))
    ends = richness.march(task, gammas[:, None], gammas[:, None] * ratios)
    variables: Any = {"regime": (("gamma", "lr"), richness.classify(ends, task.steps))}
    return dataset(variables, {"gamma": gammas, "lr": ratios}, {"steps": task.steps, "center": center})
