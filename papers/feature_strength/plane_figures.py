"""The picture of the plane: how a network of every cell ended."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import xarray as xr

from scalewright.papers.feature_strength.network_figures import ETA, GAMMA
from scalewright.papers.figures import canvas

#: How a cell of the plane is drawn: not trained, too slow, learnt, catapulted, diverged.
CELLS = ("too slow", "learnt", "catapulted", "diverged", "lost")
SHADES = ("#d9d9d9", "#56B4E9", "#E69F00", "#D55E00", "#8c8c8c")


def cells_of(data: xr.Dataset) -> np.ndarray:
    """Return the kind of every cell as an index of CELLS (gamma, eta), nan where none was trained."""
    reached, diverged = (data[name].values[:, :, 0] for name in ("reached_at", "diverged_at"))
    kinds = np.where(reached >= 0, 1.0, 0.0)
    kinds[(reached >= 0) & (data.peak_loss.values[:, :, 0] > 1 + 1e-6)] = 2.0
    kinds[diverged >= 0] = 3.0
    for row, learnt in zip(kinds, reached >= 0, strict=True):
        if learnt.any():
            above = np.arange(len(row)) > np.flatnonzero(learnt)[0]
            row[above & (row == 0)] = 4.0  # neither learnt nor diverged, at a rate that is no longer small
    kinds[diverged == -2] = np.nan
    return kinds


def plot_portraits(
    runs: Mapping[str, xr.Dataset], boundary: Callable[[str, str, np.ndarray, int], np.ndarray]
) -> Any:
    """Draw how a network of every cell ended, with the toy's boundaries over it.

    Args:
        runs: loss -> plane. boundary: of loss, name ("eta_min" or "eta_crit"), gammas and steps.
    """
    from matplotlib.colors import ListedColormap
    from matplotlib.patches import Patch

    figure, axes = canvas(len(runs), height=4.4)
    for ax, (loss, data) in zip(axes.flat, runs.items(), strict=True):
        ax.grid(visible=False)
        gammas, etas = data.gamma.values, data.eta.values
        ax.pcolormesh(
            gammas,
            etas,
            cells_of(data).T,
            cmap=ListedColormap(SHADES),
            vmin=-0.5,
            vmax=4.5,
            shading="nearest",
        )
        for name, style in (("eta_min", "--"), ("eta_crit", "-")):
            line = boundary(loss, name, gammas, int(data.attrs["steps"]))
            ax.plot(gammas, line, style, color="black", linewidth=1.2)
        lines = [ax.lines[0], ax.lines[1]]
        names = [r"$\eta_{\mathrm{min}}$ of the toy", r"$\eta_{\mathrm{crit}}$ of the toy"]
        patches = [Patch(color=shade) for shade in SHADES]
        ax.legend([*patches, *lines], [*CELLS, *names], fontsize=7, loc="upper left", framealpha=0.9)
        ax.set(xscale="log", yscale="log", xlabel=GAMMA, ylabel=ETA, title=f"ReLU MLP, L = 3, {loss}")
    return figure
