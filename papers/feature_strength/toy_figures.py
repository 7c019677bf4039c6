"""The pictures of the toys: phase portraits, edges and powers, plateau and drop, the apex, the hole."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr

from scalewright.papers.feature_strength import toy
from scalewright.papers.feature_strength.readings import edge_of, slope_of_theory, task_of
from scalewright.papers.figures import PALETTE, canvas
from scalewright.sim import richness
from scalewright.sim.richness.plot import COLOURS
from scalewright.theory.richness import wide

_TITLES = {"squared": "squared loss", "cross-entropy": "cross-entropy"}


def plot_portraits(found: Mapping[str, xr.Dataset]) -> Any:
    """Draw the phase portraits, one a panel, theory's boundaries over them."""
    from matplotlib.figure import Figure

    columns = 2
    rows = -(-len(found) // columns)
    figure = Figure(figsize=(6.2 * columns, 4.9 * rows), layout="constrained")
    for ax, data in zip(figure.subplots(rows, columns).flat, found.values(), strict=True):
        richness.plot_portrait(richness.restored(data), ax)
    return figure


def plot_edges(found: Mapping[Any, Mapping[int, xr.Dataset]]) -> Any:
    """Draw eta_max and eta_min against gamma, and the local power of eta_max, a column a loss."""
    figure, axes = canvas(len(found), rows=2, height=3.5)
    for column, (loss, depths) in enumerate(found.items()):
        top, bottom = axes[:, column]
        for colour, (layers, data) in zip(PALETTE, depths.items(), strict=False):
            _edge_lines(top, data, colour, layers)
            _local_power(bottom, data, colour, layers)
        top.set(xscale="log", yscale="log", ylabel=r"learning rate $\eta$", title=_TITLES[loss])
        bottom.set(xscale="log", xlabel=r"feature-learning strength $\gamma$", ylim=(0.2, 2.2))
        bottom.set_ylabel(r"$d \log \eta_{\max} / d \log \gamma$")
        top.legend(fontsize=8, frameon=False)
    return figure


def _edge_lines(ax: Any, data: xr.Dataset, colour: str, layers: int) -> None:
    task, fine = task_of(data), np.logspace(-4, 5, 120)
    for name, style, marker in (("eta_max", "-", "o"), ("eta_min", "--", "s")):
        found = edge_of(data, name)
        curve = toy.curve(toy.theory_of(task), name, fine, task)
        ax.plot(fine, curve, style, color=colour, lw=1.1, label=f"L = {layers}" if marker == "o" else None)
        ax.plot(found.gamma, found.value, marker, ms=3.5, mfc="none", color=colour)


def _local_power(ax: Any, data: xr.Dataset, colour: str, layers: int) -> None:
    found, fine = edge_of(data, "eta_max"), np.logspace(-4, 5, 120)
    middle = np.sqrt(found.gamma[1:] * found.gamma[:-1])
    local = np.diff(np.log(found.value)) / np.diff(np.log(found.gamma))
    ax.plot(middle, local, "o", ms=3.5, mfc="none", color=colour)
    ax.plot(fine, 2 - 2 * (layers - 1) / layers * fine / (1 + fine), color=colour, lw=1.1)
    power = "1" if layers == 2 else f"2/{layers}"
    ax.annotate(power, (1e5, 2 / layers), xytext=(4, 0), textcoords="offset points",
                va="center", fontsize=8, color=colour, annotation_clip=False)  # fmt: skip


def plot_times(plateaus: Mapping[int, xr.Dataset], apexes: Mapping[int, xr.Dataset]) -> Any:
    """Draw plateau and drop against gamma, and the gamma of the apex against T."""
    figure, axes = canvas(3, height=3.5)
    left, middle, right = axes[0]
    for colour, (layers, data) in zip(PALETTE, plateaus.items(), strict=False):
        gammas = data.gamma.values
        left.plot(gammas, data.half_time, "o", ms=4, mfc="none", color=colour)
        fine = np.geomspace(gammas[0], gammas[-1], 40)
        left.plot(fine, toy.predicted_half_time(layers, fine), color=colour, lw=1, label=f"L = {layers}")
        middle.plot(gammas, data.drop_time, "o-", ms=4, mfc="none", lw=1, color=colour)
    for layers, data in apexes.items():
        colour, steps = PALETTE[list(plateaus).index(layers)], data.step.values
        place = np.sqrt(data.edge_low * data.edge_high).sel(edge="apex").values
        right.plot(steps, place, "o", ms=4, mfc="none", color=colour)
        leading = (2 * steps * (layers - 2) / layers) ** (layers / (layers - 2))
        right.plot(steps, leading, color=colour, lw=1)
    left.set(xscale="log", yscale="log", xlabel=r"$\gamma$", ylabel="steps to f = 1/2", title="plateau")
    middle.set(xscale="log", xlabel=r"$\gamma$", ylabel="steps from 1/10 to 9/10", title="drop")
    middle.set_ylim(0, None)
    right.set(xscale="log", yscale="log", xlabel="steps T", ylabel=r"$\gamma$ of the apex", title="apex")
    left.legend(fontsize=8, frameon=False)
    return figure


def plot_catapults(band: xr.Dataset, edges: xr.Dataset) -> Any:
    """Draw where catapults end (squared loss), and the band of cross-entropy with its hole."""
    figure, axes = canvas(2, height=3.7)
    left, right = axes[0]
    for colour, gamma in zip(PALETTE, (1e-4, 1e-3, 1e-2), strict=False):
        row = band.sel(gamma=gamma, method="nearest")
        ended = row.loss < 1e-4
        left.plot(
            row.lr, (row.ntk * row.lr).where(ended), "o", ms=3, color=colour, label=rf"$\gamma$ = {gamma:g}"
        )
    left.plot([0.5, 2], [1, 4], ":", color="0.4", lw=1, label="without a catapult")
    left.axhline(2, color="0.2", lw=0.9)
    left.axvspan(1, 2, color=COLOURS[richness.Regime.CATAPULTED], alpha=0.18, lw=0)
    left.set(xlabel=r"$\eta / \gamma^2$", ylabel=r"$\eta K / \gamma^2$ at the end", ylim=(0, 4.2),
             title="squared loss: the kernel falls below 2")  # fmt: skip
    left.legend(fontsize=8, frameon=False, loc="upper left")
    _hole(right, edges)
    return figure


def _hole(ax: Any, edges: xr.Dataset) -> None:
    steps, error = int(edges.attrs["steps"]), float(edges.attrs["error"])
    fine = np.logspace(-6, -1, 60)
    task = task_of(edges)
    crit = toy.curve(toy.theory_of(task), "eta_crit", fine, task) / fine
    hole = richness.hole_top(fine, steps=steps, error=error) / fine
    top = np.full(len(fine), float(wide.edge_ratio()))
    shown = np.where(np.isfinite(hole), hole, crit)
    ax.fill_between(fine, crit, shown, color=COLOURS[richness.Regime.EDGE_OF_STABILITY], alpha=0.4, lw=0)
    ax.fill_between(
        fine, shown, top, where=top > shown, color=COLOURS[richness.Regime.CATAPULTED], alpha=0.4, lw=0
    )
    for name, values, label in (
        ("eta_max", top, "end of the band, 2.1996"),
        ("eta_hole", hole, f"top of the hole, T = {steps}"),
        ("eta_crit", crit, "stability of the flow's minimum"),
    ):
        found, inside = edge_of(edges, name), edges.gamma.values < 0.05
        (line,) = ax.plot(fine, values, lw=1.2, label=label)
        ax.plot(
            found.gamma[inside],
            (found.value / found.gamma)[inside],
            "o",
            ms=4,
            mfc="white",
            color=line.get_color(),
        )
    ax.set(xscale="log", yscale="log", xlabel=r"$\gamma$", ylabel=r"$\eta / \gamma$",
           title="cross-entropy: a band with a hole")  # fmt: skip
    ax.legend(fontsize=8, frameon=False, loc="lower right")


def plot_optimizers(found: Mapping[str, Mapping[int, xr.Dataset]]) -> Any:
    """Draw eta_min against gamma under sign descent and Adam, with theory's formula for sign descent."""
    figure, axes = canvas(len(found), height=3.5)
    for ax, (name, depths) in zip(axes.flat, found.items(), strict=True):
        for colour, (layers, data) in zip(PALETTE, depths.items(), strict=False):
            edge, task = edge_of(data, "eta_min"), task_of(data)
            rich = edge.between(1e3, 1e5)
            power = np.polyfit(np.log(rich.gamma), np.log(rich.value), 1)[0]
            formula = slope_of_theory("eta_min", rich.gamma, task)
            ax.plot(
                edge.gamma, toy.curve(toy.theory_of(task), "eta_min", edge.gamma, task), color=colour, lw=1
            )
            label = f"L = {layers}: power {power:.3f}, formula {formula:.3f}"
            ax.plot(edge.gamma, edge.value, "o", ms=4, mfc="none", color=colour, label=label)
        ax.set(xscale="log", yscale="log", xlabel=r"$\gamma$", ylabel=r"$\eta_{\min}$", title=name)
        ax.legend(fontsize=8, frameon=False)
    return figure
