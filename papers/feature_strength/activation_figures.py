"""The picture of activations that are no ReLU."""

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

import numpy as np
import xarray as xr

from scalewright.papers.feature_strength import network_verdicts as judged
from scalewright.papers.feature_strength.activation_verdicts import half_times, least_times
from scalewright.papers.feature_strength.network_figures import GAMMA
from scalewright.papers.figures import PALETTE, canvas
from scalewright.theory.richness import total_degree

NAMES = {"tanh": "tanh", "relu": "ReLU"}


def plot_activations(
    smooth: xr.Dataset, halves: Mapping[tuple[str, int], xr.Dataset], powers: Mapping[int, xr.Dataset]
) -> Any:
    """Draw the curvature of GELU networks and of powers of a ReLU, and the time to half the loss."""
    figure, axes = canvas(3, height=3.7)
    _smooth(axes[0, 0], smooth)
    _halves(axes[0, 1], halves)
    _powers(axes[0, 2], powers)
    for ax in axes.flat:
        ax.set(xscale="log", yscale="log", xlabel=GAMMA)
        ax.legend(fontsize=7, frameon=False)
    return figure


def _smooth(ax: Any, data: xr.Dataset) -> None:
    layers, rich = int(data.attrs["layers"]), data.gamma.values > 9
    gammas = data.gamma.values[rich]
    for quantity, marker, label in (
        ("sharpness", "o", "Hessian"),
        ("gauss_newton", ".", "Gauss-Newton part"),
    ):
        colour, values = PALETTE[quantity == "gauss_newton"], judged.raw_sharpness(data, quantity)[rich]
        for column in values.T:
            ax.plot(gammas, column, marker, ms=4, color=colour, alpha=0.6, label=label)
            label = "_"
        if quantity == "gauss_newton":
            _power(ax, gammas, values, -2 / layers, PALETTE[1], rf"$\gamma^{{-2/{layers}}}$")
    ax.set(title=f"GELU, L = {layers}", ylabel=r"sharpness at 2 % of the loss $\lambda$")


def _halves(ax: Any, runs: Mapping[tuple[str, int], xr.Dataset]) -> None:
    colours = dict(zip(runs, PALETTE, strict=False))
    for (kind, layers), data in runs.items():
        colour, gammas, times = colours[kind, layers], data.gamma.values, half_times(data)
        ax.plot(gammas, times, "o", ms=3.5, color=colour, alpha=0.6)
        power = 2 if kind == "tanh" else 1
        shown = rf"$\gamma^{power}$" if power > 1 else r"$\gamma$"
        _power(ax, gammas, times, power, colour, f"{NAMES[kind]}, L = {layers}: {shown}")
    fine = np.geomspace(10, max(data.gamma.values[-1] for data in runs.values()), 50)
    ax.plot(fine, least_times(fine), ":", color="0.3", label="least of a bounded network")
    ax.set(title="tanh against ReLU", ylabel=r"$\eta\,t$ at half the loss")


def _powers(ax: Any, runs: Mapping[int, xr.Dataset]) -> None:
    for colour, (power, data) in zip(PALETTE, runs.items(), strict=False):
        gammas, values = data.gamma.values, judged.raw_sharpness(data, "gauss_newton")
        for column in values.T:
            ax.plot(gammas, column, "o", ms=3.5, color=colour, alpha=0.6)
        degree = int(total_degree(int(data.attrs["layers"]), power))
        label = rf"ReLU$^{power}$, S = {degree}: $\gamma^{{-{Fraction(2, degree)}}}$"
        _power(ax, gammas, values, -2 / degree, colour, label)
    ax.set(title="two layers, powers of a ReLU", ylabel=r"Gauss-Newton sharpness $\lambda$")


def _power(
    ax: Any,
    gammas: np.ndarray,
    values: np.ndarray,
    power: float,
    colour: Any,
    label: str,
    *,
    style: str = "-",
) -> None:
    """Draw a power of gamma through the geometric mean of the networks at the largest gamma."""
    with np.errstate(invalid="ignore", divide="ignore"):
        last = float(np.exp(np.nanmean(np.log(np.where(values[-1] > 0, values[-1], np.nan)))))
    ax.plot(gammas, last * (gammas / gammas[-1]) ** power, style, color=colour, lw=1, label=label)
