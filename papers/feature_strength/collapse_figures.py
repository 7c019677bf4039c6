"""The pictures in rescaled time: collapse, silent alignment, predictors, stairs."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr

from scalewright.papers.feature_strength import collapse_verdicts as judged
from scalewright.papers.figures import PALETTE, canvas, shades

TAU = r"rescaled time $\eta t / \gamma$"


def plot_collapse(data: xr.Dataset) -> Any:
    """Draw the loss of one seed against raw time, and against rescaled time."""
    figure, axes = canvas(2, height=3.5)
    left, right = axes[0]
    used = judged.rich(data)
    losses, gammas = judged.relative_loss(used), used.gamma.values
    times = data.step.values * data.attrs["tau_step"]
    for colour, gamma, curves in zip(shades(len(gammas)), gammas, losses, strict=True):
        for seed, curve in enumerate(curves[:1]):
            label = rf"$\gamma$ = {gamma:.3g}" if seed == 0 else None
            left.plot(times[1:] * gamma, curve[1:], color=colour, linewidth=1, label=label)
            right.plot(times, curve, color=colour, linewidth=1, label=label)
    left.set(
        xscale="log", xlabel=r"steps times rate $\eta\, t$", ylabel="loss over the first", title="raw time"
    )
    right.set(xlabel=TAU, ylabel="loss over the first", title="rescaled time")
    for ax in axes.flat:
        ax.legend(fontsize=7, frameon=False)
    return figure


def plot_alignment(runs: Mapping[str, xr.Dataset]) -> Any:
    """Draw alignment (solid) and loss (dashed) of one seed against rescaled time, a panel a kind."""
    figure, axes = canvas(len(runs), height=3.7)
    for ax, (name, data) in zip(axes.flat, runs.items(), strict=True):
        times, aligned, losses = judged.observed(judged.rich(data))
        gammas = judged.rich(data).gamma.values
        for colour, gamma, curve, loss in zip(
            shades(len(gammas)), gammas, aligned[:, 1], losses[:, 1], strict=True
        ):
            ax.plot(times, curve, color=colour, linewidth=1.4, label=rf"$\gamma$ = {gamma:.3g}")
            ax.plot(times, loss, "--", color=colour, linewidth=0.9)
        ax.set(xlabel=TAU, ylabel="alignment (solid), loss (dashed)", title=name, ylim=(0, 1.05))
        ax.legend(fontsize=7, frameon=False)
    return figure


def plot_predictors(data: xr.Dataset) -> Any:
    """Draw the distance from the richest predictor along rescaled time, and all trained ones in a plane."""
    figure, axes = canvas(2, height=3.7)
    outputs = data.outputs.transpose("gamma", "seed", "step", "sample").values
    gammas, times = data.gamma.values, data.step.values * data.attrs["tau_step"]
    left, right = axes[0]
    middle = [judged.distance(outputs[i, :, -1], outputs[-1, :, -1]).mean() for i in range(len(gammas) - 1)]
    for index, gamma in enumerate(gammas[:-1]):
        apart = judged.distance(outputs[index, :, -1], outputs[-1, :, -1])
        left.plot(np.full(len(apart), gamma), apart, "o", ms=3, color=PALETTE[0], alpha=0.6)
    left.plot(
        gammas[:-1], middle, color=PALETTE[0], linewidth=1, label=rf"from that of $\gamma$ = {gammas[-1]:.0e}"
    )
    left.set(
        xscale="log", xlabel=r"$\gamma$", ylabel="relative distance of trained predictors", ylim=(0, None)
    )
    _plane(right, outputs[:, 1], gammas, times)
    for ax in axes.flat:
        ax.legend(fontsize=7, frameon=False)
    return figure


def _plane(ax: Any, outputs: np.ndarray, gammas: np.ndarray, times: np.ndarray) -> None:
    """Draw the paths of predictors of one seed in the plane of their two principal directions."""
    ends = outputs[:, -1] - outputs[:, -1].mean(axis=0)
    _, _, axes = np.linalg.svd(ends, full_matrices=False)
    for colour, gamma, path in zip(shades(len(gammas)), gammas, outputs, strict=True):
        place = (path - outputs[:, -1].mean(axis=0)) @ axes[:2].T / np.sqrt(outputs.shape[-1])
        ax.plot(*place.T, color=colour, linewidth=0.9)
        ax.plot(*place[-1], "o", ms=5, color=colour, label=rf"$\gamma$ = {gamma:.3g}")
    ax.set(
        xlabel="first principal direction", ylabel="second", title=f"paths up to time {times[-1]:g}, one seed"
    )


def plot_stairs(runs: Mapping[int, xr.Dataset], index: xr.Dataset) -> Any:
    """Draw the learnt shares of two modes, and of the monomials of the multi-index target, rich and lazy."""
    figure, axes = canvas(len(runs) + 2, height=3.5)
    for ax, (layers, data) in zip(axes.flat, runs.items(), strict=False):
        times = data.step.values * data.attrs["tau_step"]
        for colour, gamma, curves in zip(
            shades(data.sizes["gamma"]), data.gamma.values, data.outputs.values[:, 0], strict=True
        ):
            ax.plot(times, curves[:, 0], color=colour, label=rf"$\gamma$ = {gamma:g}")
            ax.plot(times, curves[:, 1], "--", color=colour)
        ax.set(
            xlabel=TAU,
            ylabel="learnt share of a mode",
            title=f"linear, L = {layers}: s = 2 (solid), 1 (dashed)",
        )
        ax.legend(fontsize=7, frameon=False)
    for ax, place in zip(axes.flat[len(runs) :], (2, 0), strict=True):
        for colour, name, curve in zip(
            PALETTE, ("$z_1$", "$z_1 z_2$", "$z_1 z_2 z_3$"), index.outputs.values[place, 0].T, strict=False
        ):
            ax.plot(index.step.values, curve, color=colour, label=name)
        gamma = index.gamma.values[place]
        ax.set(
            xlabel="step", ylabel="learnt share of a monomial", title=rf"multi-index, $\gamma$ = {gamma:g}"
        )
        ax.legend(fontsize=7, frameon=False)
    return figure
