"""The pictures of the trained networks: accuracy by depth, gradients, weights, controls, evaluation."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr

from scalewright.papers.batchnorm_isometry.training import KINDS
from scalewright.papers.figures import PALETTE, canvas, log_numbers, shades

Runs = Mapping[int, xr.Dataset]


def plot_training(kinds: Mapping[str, Runs]) -> Any:
    """Draw training accuracy by epoch, a panel a kind, a curve a depth."""
    figure, axes = canvas(len(kinds), height=3.3)
    for ax, (name, runs) in zip(axes.flat, kinds.items(), strict=True):
        _curves(ax, runs)
        for level in (0.8, 0.9):
            ax.axhline(level, color="grey", linewidth=0.6, linestyle=":")
        ax.set(
            xlabel="epoch", ylabel="training accuracy", title=f"{KINDS[name].label}, rate {KINDS[name].lr:g}"
        )
        ax.legend(fontsize=7, frameon=False, loc="lower right")
    return figure


def _curves(ax: Any, runs: Runs) -> None:
    """Draw the mean over seeds as far as all of them came, and their range."""
    for colour, (depth, run) in zip(shades(len(runs)), runs.items(), strict=True):
        rows = run.accuracy.transpose("seed", "epoch").values
        seen = np.isfinite(rows).all(0)
        epochs, rows = run.epoch.values[seen], rows[:, seen]
        label = f"depth {depth}" + ("" if seen.all() else ", breaks off")
        ax.plot(epochs, rows.mean(0), "-" if seen.all() else "o", color=colour, label=label)
        ax.fill_between(epochs, rows.min(0), rows.max(0), color=colour, alpha=0.18, linewidth=0)
    ax.set_ylim(0, 1)


def plot_shaping(trained: Mapping[str, Runs]) -> Any:
    """Draw gradients by layer at initialisation with gains and without, at the largest compared depth."""
    figure, axes = canvas(2, height=3.4)
    for ax, name in zip(axes.flat, ("tanh", "sin"), strict=True):
        (unshaped,) = trained[f"{name}-unshaped"].values()
        shaped = trained[name][int(unshaped.attrs["depth"])]
        for run, style, label in ((shaped, "-", "gains $l^{-0.4}$"), (unshaped, "--", "gain 1")):
            values = run.log_gradient.isel(epoch=0, layer=slice(0, -1), seed=0).values
            ax.plot(np.arange(1, len(values) + 1), values, style, color=PALETTE[0], label=label)
        ax.axhline(88.7, color=PALETTE[1], linewidth=1, linestyle=":", label="largest float32")
        ax.set(xlabel="layer l", ylabel=r"$\log\,|\partial L/\partial W_l|$")
        ax.set_title(f"{name}, depth {shaped.attrs['depth']}, images")
        ax.legend(fontsize=7, frameon=False)
    return figure


def plot_weights(deep: xr.Dataset, unshaped: xr.Dataset) -> Any:
    """Draw the isometry gap of the weights by layer after training, and the gradients there."""
    figure, axes = canvas(2, height=3.4)
    left, right = axes[0]
    for run, colour, label in ((deep, PALETTE[0], "shaped"), (unshaped, PALETTE[1], "unshaped")):
        depth = int(run.attrs["depth"])
        layers = np.arange(2, depth + 1) / depth
        for ax, name in ((left, "weight_gap"), (right, "log_gradient")):
            values = run[name].isel(seed=0, layer=slice(1, -1)).values
            done = np.flatnonzero(np.isfinite(values).any(1))
            ax.plot(layers, values[done[-1]], ".", ms=2, color=colour, label=f"{label}, depth {depth}")
    left.set(xlabel="layer / depth", ylabel=r"isometry gap of $W_l$", title="weights after training")
    right.set(
        xlabel="layer / depth", ylabel=r"$\log\,|\partial L/\partial W_l|$", title="gradients, last observed"
    )
    log_numbers(left, "y")
    for ax in axes.flat:
        ax.legend(fontsize=7, frameon=False, markerscale=5)
    return figure


def plot_controls(kinds: Mapping[str, Runs]) -> Any:
    """Draw training accuracy of the networks that must fail."""
    figure, axes = canvas(len(kinds), height=3.1)
    for ax, (name, runs) in zip(axes.flat, kinds.items(), strict=True):
        _curves(ax, runs)
        ax.set(xlabel="epoch", ylabel="training accuracy", title=KINDS[name].label)
        ax.legend(fontsize=7, frameon=False)
    return figure


def plot_evaluation(square: xr.Dataset, narrow: xr.Dataset) -> Any:
    """Draw held-out accuracy with both kinds of statistics, by depth and width."""
    figure, axes = canvas(1, height=3.4)
    ax, rank = axes[0, 0], int(square["rank"])
    labels, heights = [], []
    for data in (square, narrow):
        for depth in data.depth.values:
            labels.append(f"d = {data.attrs['width']}\ndepth {int(depth)}")
            at = data.sel(depth=depth)
            heights.append((float(at.test_accuracy.mean()), float(at.running_accuracy.mean())))
    x, values = np.arange(len(labels)), np.array(heights)
    for shift, column, colour, label in (
        (-0.2, 0, PALETTE[0], "statistics of the batch"),
        (0.2, 1, PALETTE[1], "running averages"),
    ):
        ax.bar(x + shift, values[:, column], 0.38, color=colour, label=label)
    ax.axhline(0.1, color="grey", linewidth=0.8, linestyle=":")
    ax.set_xticks(x, labels, fontsize=8)
    ax.set(xlabel=f"width and depth; a batch has rank {rank}", ylabel="held-out accuracy", ylim=(0, 1.25))
    ax.legend(fontsize=7, frameon=False, ncols=2, loc="upper center")
    return figure
