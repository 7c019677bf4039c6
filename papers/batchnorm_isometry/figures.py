"""The pictures of the chains at initialisation, each from the trajectories it shows."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr
from sympy import Rational

from scalewright.papers.batchnorm_isometry import exponent_verdicts, predictions
from scalewright.papers.figures import PALETTE, band, canvas, log_numbers, shades
from scalewright.sim import fit
from scalewright.sim.fit import Estimate
from scalewright.theory import isometry

BACKWARDS = r"$\log\,|\partial L/\partial W_l|$"


def plot_decay(decays: Mapping[int, xr.Dataset]) -> Any:
    """Draw mean phi by depth at every width, with d/(d+2) a layer and the authors' curve."""
    figure, axes = canvas(len(decays), height=3.3)
    for ax, (width, data) in zip(axes.flat, decays.items(), strict=True):
        gap = data.isometry_gap.mean("seed").values
        layer = data.layer.values
        every = max(1, len(layer) // 20)
        rate, start = predictions.rate(width), width // 2
        drawn = isometry.theorem_1_layers(width, float(gap[0]), isometry.PLOTTED_CONSTANT)
        ax.plot(layer[::every], gap[::every], "o", color=PALETTE[0], ms=4, label="measured")
        ax.plot(
            layer,
            gap[start] * np.exp(rate * (layer - start)),
            color=PALETTE[6],
            lw=1,
            label="d / (d + 2) a layer",
        )
        ax.plot(layer, gap[0] * np.exp(-layer / drawn), ":", color=PALETTE[1], label="C = 0.015")
        ax.set(xlabel="layer", ylabel=r"mean isometry gap $\phi$", title=f"d = n = {width}", yscale="log")
        ax.set_ylim(gap[-1] / 3, 2 * gap[0])
    axes[0, 0].legend(fontsize=7, frameon=False)
    return figure


def plot_degenerate(ranks: Mapping[int, xr.Dataset], full: xr.Dataset) -> Any:
    """Draw weight gradients by layer for batches of r different samples, with the law of n = r."""
    figure, axes = canvas(1, height=3.6)
    ax = axes[0, 0]
    shown = {**ranks, int(full.attrs["samples"]): full}
    for colour, (rank, data) in zip(shades(len(shown)), shown.items(), strict=True):
        layer, values = data.layer.values[1:], data.log_gradient.values[:, 1:]
        band(ax, layer, values, color=colour, label=f"{rank} different samples")
        width, middle = int(data.attrs["width"]), len(layer) // 2
        law = np.median(values[:, middle]) - isometry.orthogonal_rate(rank, width) * (layer - layer[middle])
        ax.plot(layer, law, "--", color=colour, linewidth=1)
    ax.plot([], [], "--", color="grey", linewidth=1, label="law of n = rank")
    ax.set(xlabel="layer l", ylabel=BACKWARDS, title="orthogonal weights, n = d = 64")
    ax.legend(fontsize=7, frameon=False)
    return figure


def plot_explosion(
    orthogonal: xr.Dataset, gaussian: xr.Dataset, flat: xr.Dataset, exploding: xr.Dataset
) -> Any:
    """Draw the second layer's gradient against depth on images, and gradients by layer on Gaussian inputs."""
    figure, axes = canvas(2, height=3.4)
    for data, colour, label in ((orthogonal, PALETTE[0], "orthogonal"), (gaussian, PALETTE[1], "Gaussian")):
        values = data.log_gradient.transpose("seed", "depth").values
        band(axes[0, 0], data.depth.values, values, color=colour, marker="o", ms=3, label=label)
    for data, colour, label in ((flat, PALETTE[0], "orthogonal"), (exploding, PALETTE[1], "Gaussian")):
        band(axes[0, 1], data.layer.values[1:], data.log_gradient.values[:, 1:], color=colour, label=label)
    log_numbers(axes[0, 0], "x")
    rank, width = int(orthogonal["rank"]), int(orthogonal.attrs["width"])
    title = f"networks on a batch of images of rank {rank}, d = {width}"
    axes[0, 0].set(xlabel="depth", ylabel=r"$\log\,|\partial L/\partial W_2|$", title=title)
    axes[0, 1].set(
        xlabel="layer l", ylabel=BACKWARDS, title=f"Gaussian inputs, n = d = {flat.attrs['width']}"
    )
    for ax in axes.flat:
        ax.title.set_fontsize(9)
        ax.legend(fontsize=7, frameon=False)
    return figure


def plot_bounds(plateau: xr.Dataset, narrow: xr.Dataset) -> Any:
    """Draw the gradient's profile on its formula, and Jacobians of narrow chains under their bounds."""
    figure, axes = canvas(2, height=3.4)
    squares, width = np.exp(2 * plateau.log_input_gradient.values)[:, ::-1], int(plateau.attrs["width"])
    back = np.arange(1, squares.shape[1])
    means = squares.mean(0)[1:]
    errors = 1.96 * squares.std(0, ddof=1)[1:] / np.sqrt(len(squares))
    axes[0, 0].errorbar(
        back[::4], means[::4], yerr=errors[::4], fmt="o", ms=3, color=PALETTE[0], label="measured"
    )
    curve = [predictions.profile(width, int(k)) for k in back]
    axes[0, 0].plot(back, curve, color=PALETTE[6], lw=1, label="formula")
    axes[0, 0].axhline(float(isometry.plateau(width)), ls=":", color=PALETTE[1], label="(d - 1) / (2 d)")
    axes[0, 0].set(xlabel="layers back", ylabel=r"mean $|\partial L/\partial X|^2$", title=f"d = n = {width}")
    gap = narrow.isometry_gap.transpose("seed", "layer").values
    bounds = predictions.growth_bounds(int(narrow.attrs["width"]), gap)
    for row in range(min(4, len(gap))):
        name = {"label": "measured"} if row == 0 else {}
        axes[0, 1].plot(narrow.layer, narrow.log_jacobian.values[row], color=PALETTE[row], **name)
        name = {"label": "its bound"} if row == 0 else {}
        axes[0, 1].plot(narrow.layer, bounds[row], "--", color=PALETTE[row], linewidth=1, **name)
    title = f"d = n = {narrow.attrs['width']}, four chains"
    axes[0, 1].set(xlabel="layer l", ylabel=r"$\log\,\|\partial X_l/\partial X_0\|$", title=title)
    for ax in axes.flat:
        ax.legend(fontsize=7, frameon=False)
    return figure


def plot_samples(few: xr.Dataset, square: xr.Dataset, one_more: xr.Dataset) -> Any:
    """Draw exponents over mean field against n/d with both laws, and those of standard normalization."""
    figure, axes = canvas(2, height=3.5)
    width, left, right = int(few.attrs["width"]), axes[0, 0], axes[0, 1]
    batches = [int(n) for n in few.batch.values]
    found = [
        exponent_verdicts.over(fit.interval(few.lyapunov.sel(batch=n).values), isometry.mean_field_rate(n))
        for n in batches
    ]
    _bars(left, np.array(batches) / width, found, color=PALETTE[0], label=f"measured, d = {width}")
    share = np.linspace(0, 1, 200)
    left.plot(share, 1 - share, ":", color=PALETTE[1], label="1 - c")
    ratios = [Rational(k, 16) for k in range(2, 17)]
    derived = [2 * float(c) * isometry.growth(c).value for c in ratios]
    left.plot([float(c) for c in ratios], derived, color=PALETTE[6], lw=1, label="derived, d = ∞")
    left.set(xlabel="c = n / d", ylabel="top exponent / mean field", title="fewer samples than features")
    for data, colour, label in ((square, PALETTE[1], "n = d"), (one_more, PALETTE[0], "n = d + 1")):
        estimates = [fit.interval(data.lyapunov.sel(width=d).values) for d in data.width.values]
        _bars(right, data.width.values, estimates, color=colour, label=label)
    right.axhline(0.0, color="grey", linewidth=0.8)
    right.set(xlabel="d", ylabel="top exponent, nats a layer", title="mean reduction")
    for ax in axes.flat:
        ax.legend(fontsize=7, frameon=False)
    return figure


def _bars(ax: Any, x: np.ndarray, found: list[Estimate], **style: Any) -> None:
    values = np.array([(e.value, e.value - e.low, e.high - e.value) for e in found]).T
    ax.errorbar(x, values[0], yerr=values[1:], fmt="o", ms=4, capsize=2, **style)


def plot_response(gains: Mapping[str, xr.Dataset], widths: Mapping[str, xr.Dataset]) -> Any:
    """Draw the growth a layer against the gain on R(alpha), and the excess over R by width."""
    figure, axes = canvas(2, height=3.5)
    left, right = axes[0]
    for colour, (name, data) in zip(PALETTE, gains.items(), strict=False):
        alphas = data.gain.values
        found = [exponent_verdicts.growth(data.log_input_gradient.sel(gain=a).values) for a in alphas]
        _bars(left, alphas, found, color=colour, label=f"{name}, measured")
        fine = np.geomspace(0.4, 1.7, 60)
        curve = [predictions.response(name, float(a)) for a in fine]
        left.plot(fine, curve, color=colour, lw=1, label=f"{name}, R")
    for colour, (name, data) in zip(PALETTE, widths.items(), strict=False):
        predicted = predictions.response(name, float(data.attrs["alpha"]))
        ds = data.width.values
        found = [exponent_verdicts.growth(data.log_input_gradient.sel(width=d).values) for d in ds]
        _bars(right, ds, [exponent_verdicts.over(e, predicted) for e in found], color=colour, label=name)
    left.set(xlabel=r"gain $\alpha$", ylabel="growth, nats a layer", yscale="log", title="n = d = 64")
    right.axhline(1.0, color="grey", linewidth=0.8)
    right.set(xlabel="n = d", ylabel=r"growth / $R(1/2)$", title=r"finite width, $\alpha$ = 1/2")
    for ax in axes.flat:
        ax.legend(fontsize=7, frameon=False)
    return figure


def plot_schedules(found: Mapping[tuple[str, float], xr.Dataset]) -> Any:
    """Draw the gradient at the first layer against depth for every power of the gains, with the sums of R."""
    names = list(dict.fromkeys(name for name, _ in found))
    figure, axes = canvas(len(names), height=3.5)
    for ax, name in zip(axes.flat, names, strict=True):
        powers = [power for other, power in found if other == name]
        for colour, power in zip(PALETTE, powers, strict=False):
            data = found[name, power]
            depths = [int(depth) for depth in data.depth.values]
            values = data.log_input_gradient.transpose("seed", "depth").values
            band(ax, data.depth.values, values, color=colour, marker="o", ms=3, label=f"p = {power:g}")
            sums = [predictions.scheduled(name, power, depth) for depth in depths]
            ax.plot(depths, sums, "--", color=colour, linewidth=1)
        ax.plot([], [], "--", color="grey", linewidth=1, label=r"$\sum R(l^{-p})$")
        ax.set(
            xlabel="depth", ylabel=r"$\log\,|\partial L/\partial X_1|\,|X_1|$", title=f"{name}, n = d = 32"
        )
        ax.set_yscale("symlog", linthresh=2.0)
        ax.legend(fontsize=7, frameon=False)
    return figure
