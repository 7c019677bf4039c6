"""The pictures of the networks."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr

from scalewright.papers.feature_strength.network_verdicts import on_diagonal, raw_sharpness
from scalewright.papers.feature_strength.networks import toy_edge
from scalewright.papers.figures import PALETTE, canvas


def plot_sharpness(runs: Mapping[str, Mapping[int, xr.Dataset]]) -> Any:
    """Draw the sharpness at convergence against gamma, a panel an activation, a line of theory a depth."""
    figure, axes = canvas(len(runs), height=3.6)
    for ax, (activation, depths) in zip(axes.flat, runs.items(), strict=True):
        for colour, (layers, data) in zip(PALETTE, depths.items(), strict=False):
            values = np.where(on_diagonal(data, "reached_at") >= 0, raw_sharpness(data), np.nan)
            gammas = data.gamma.values
            for column in values.T:
                ax.plot(gammas, column, "o", ms=3, color=colour, alpha=0.5)
            line = 2 / toy_edge(gammas, layers)
            line *= np.exp(np.nanmean(np.log(values[-1])) - np.log(line[-1]))
            ax.plot(gammas, line, color=colour, linewidth=1, label=f"L = {layers}")
        ax.set(
            xscale="log",
            yscale="log",
            xlabel=r"feature-learning strength $\gamma$",
            ylabel=r"sharpness at convergence $\lambda$",
            title=f"{activation} networks",
        )
        ax.legend(fontsize=8, frameon=False)
    return figure
