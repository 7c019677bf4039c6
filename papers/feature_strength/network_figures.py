"""The pictures of curvature, edges and best rates, measured on networks."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr

from scalewright.papers.feature_strength import network_verdicts as judged
from scalewright.papers.feature_strength import rate_verdicts as read
from scalewright.papers.feature_strength.networks import toy_edge
from scalewright.papers.figures import PALETTE, canvas
from scalewright.sim.rates import Rate

GAMMA = r"feature-learning strength $\gamma$"
ETA = r"learning rate $\eta$"
LABELS = {
    "linear": "linear MLP",
    "relu": "ReLU MLP",
    "gelu": "GELU MLP",
    "residual": "residual ReLU",
    "convnet": "ConvNet",
}


def _log_log(ax: Any, ylabel: str, title: str) -> None:
    held = bool(ax.lines) and any(np.isfinite(line.get_ydata()).any() for line in ax.lines)
    scale = "log" if held else "linear"  # a picture without a single point has no logarithms
    ax.set(xscale="log", yscale=scale, xlabel=GAMMA, ylabel=ylabel, title=title)
    if ax.get_legend_handles_labels()[0]:
        ax.legend(fontsize=7, frameon=False)


def plot_sharpness(runs: Mapping[str, Mapping[int, xr.Dataset]]) -> Any:
    """Draw the sharpness at convergence against gamma, a panel a kind, a line of the toy a depth."""
    figure, axes = canvas(len(runs), height=3.6)
    for ax, (kind, depths) in zip(axes.flat, runs.items(), strict=True):
        for colour, (layers, data) in zip(PALETTE, depths.items(), strict=False):
            part = "gauss_newton" if kind in judged.GAUSS_NEWTON else "sharpness"
            found = judged.raw_sharpness(data, part)
            values = np.where(judged.on_diagonal(data, "reached_at") >= 0, found, np.nan)
            gammas = data.gamma.values
            for column in values.T:
                ax.plot(gammas, column, "o", ms=3, color=colour, alpha=0.5)
            fine = np.geomspace(gammas[0], gammas[-1], 100)
            line = 2 / toy_edge(fine, layers)
            line *= np.exp(np.nanmean(np.log(values[-1])) - np.log(line[-1]))
            ax.plot(fine, line, color=colour, linewidth=1, label=rf"L = {layers}: $\gamma^{{-2/{layers}}}$")
        title = LABELS[kind] + (", Gauss-Newton" if kind in judged.GAUSS_NEWTON else "")
        _log_log(ax, r"sharpness at convergence $\lambda$", title)
    return figure


def _draw_rates(ax: Any, found: Mapping[float, Rate], *, label: str, **style: Any) -> None:
    """Draw the rates that their grids hold, with 95 % bars, over the seeds."""
    held = {gamma: rate for gamma, rate in found.items() if rate.status == "interior"}
    gammas = np.array(list(held))
    middle, low, high = (
        np.array([getattr(rate, name) for rate in held.values()]) for name in ("value", "low", "high")
    )
    ax.errorbar(
        gammas,
        middle,
        yerr=[middle - low, high - middle],
        ms=4,
        capsize=2,
        linestyle="",
        label=label,
        **style,
    )


def _draw_power(
    ax: Any, found: Mapping[float, Rate], window: tuple[float, float], slope: float, colour: Any
) -> None:
    """Draw the fitted power through the rates of a window."""
    used = read.in_window(found, window)
    gammas = np.array(list(used))
    middle = np.exp(np.mean(np.log([rate.value for rate in used.values()])))
    ax.plot(gammas, middle * (gammas / np.exp(np.log(gammas).mean())) ** slope, color=colour, linewidth=1)


def plot_edges(runs: Mapping[str, Mapping[int, xr.Dataset]]) -> Any:
    """Draw the largest stable rate against gamma with its fitted slopes, a panel a kind."""
    figure, axes = canvas(len(runs), height=3.8)
    for ax, (kind, depths) in zip(axes.flat, runs.items(), strict=True):
        for colour, (layers, data) in zip(PALETTE, depths.items(), strict=False):
            found = read.edges(data)
            slopes = [read.rate_slope(found, window) for window in (judged.LAZY, read.RICH)]
            _draw_rates(ax, found, label=_slopes(layers, slopes), fmt="o", color=colour)
            for window, slope in zip((judged.LAZY, read.RICH), slopes, strict=True):
                _draw_power(ax, found, window, slope.value, colour)
            fine = np.geomspace(min(found), max(found), 100)
            ax.plot(fine, toy_edge(fine, layers), ":", color=colour, linewidth=0.8)
        _log_log(ax, r"largest stable rate $\eta_{\mathrm{max}}$", LABELS[kind])
    return figure


def _slopes(layers: int, slopes: Sequence[Any]) -> str:
    shown = (f"{s.value:.2f} [{s.low:.2f}, {s.high:.2f}]" for s in slopes)
    return f"L = {layers}: " + ", ".join(shown)


def plot_best(runs: Mapping[int, xr.Dataset]) -> Any:
    """Draw best and largest stable rates online against gamma (left), and valleys of the loss (right)."""
    figure, axes = canvas(1 + len(runs), height=3.8)
    for colour, (layers, data) in zip(PALETTE, runs.items(), strict=False):
        found, limits = read.best_rates(data), read.online_edges(data, level=read.STABLE)
        slopes = [read.rate_slope(found, window) for window in (judged.WIDE_LAZY, read.RICH)]
        _draw_rates(axes[0, 0], found, label=_slopes(layers, slopes), fmt="o", color=colour)
        _draw_rates(
            axes[0, 0], limits, label=f"L = {layers}: largest stable", fmt="^", color=colour, mfc="none"
        )
        for window, slope in zip((judged.WIDE_LAZY, read.RICH), slopes, strict=True):
            _draw_power(axes[0, 0], found, window, slope.value, colour)
    _log_log(axes[0, 0], r"best rate $\eta^*$ after a fixed number of steps", "online, images")
    for ax, (layers, data) in zip(axes.flat[1:], runs.items(), strict=True):
        _valleys(ax, data)
        ax.set(title=f"L = {layers}", ylim=(0, 1.1))
    return figure


def _valleys(ax: Any, data: xr.Dataset) -> None:
    """Draw the last loss over the first against the rate over the toy's largest one, a line a gamma."""
    import matplotlib

    layers, count = int(data.attrs["layers"]), data.sizes["gamma"]
    for index, gamma in enumerate(data.gamma.values):
        first, last = np.moveaxis(data.loss.values[index], -1, 0)
        middle = np.median(last / first, axis=-1)
        colour = matplotlib.colormaps["viridis"](0.05 + 0.85 * index / (count - 1))
        ax.plot(data.eta.values / toy_edge(gamma, layers), middle, ".-", color=colour, label=f"{gamma:g}")
    ax.set(xscale="log", xlabel=r"$\eta$ over the toy's largest rate", ylabel="held-out loss over the first")
    ax.legend(title=r"$\gamma$", fontsize=6, title_fontsize=7, frameon=False, ncols=2)


def plot_performance(runs: Mapping[int, xr.Dataset]) -> Any:
    """Draw the lowest held-out loss that each gamma reaches within the budget, at the best of the rates."""
    figure, axes = canvas(1, height=3.6)
    ax = axes[0, 0]
    for colour, (layers, data) in zip(PALETTE, runs.items(), strict=False):
        last = data.loss.values[..., -1] / data.loss.values[..., 0]
        best = np.nanmin(np.where(np.isfinite(last), last, np.inf), axis=1)
        ax.plot(data.gamma.values, best.mean(axis=1), "o-", ms=4, color=colour, label=f"L = {layers}")
        ax.fill_between(
            data.gamma.values, best.min(axis=1), best.max(axis=1), color=colour, alpha=0.18, linewidth=0
        )
    ax.set(
        xscale="log", xlabel=GAMMA, ylabel="held-out loss over the first, best rate", title="online, images"
    )
    ax.legend(fontsize=8, frameon=False)
    return figure


def plot_batches(runs: Mapping[int, xr.Dataset]) -> Any:
    """Draw the edge online against gamma, a series a batch size."""
    figure, axes = canvas(1, height=3.8)
    ax = axes[0, 0]
    for colour, (size, data) in zip(PALETTE, runs.items(), strict=False):
        found = read.online_edges(data, level=0.1)
        slopes = [read.rate_slope(found, window) for window in (judged.LAZY, read.RICH)]
        shown = ", ".join(f"{s.value:.2f} [{s.low:.2f}, {s.high:.2f}]" for s in slopes)
        _draw_rates(ax, found, label=f"batch {size}: {shown}", fmt="o", color=colour)
        for window, slope in zip((judged.LAZY, read.RICH), slopes, strict=True):
            _draw_power(ax, found, window, slope.value, colour)
    _log_log(ax, r"largest stable rate $\eta_{\mathrm{max}}$", "ReLU MLP, L = 3, online")
    return figure


def plot_adam(runs: Mapping[int, xr.Dataset]) -> Any:
    """Draw the distance that Adam moves until the loss has halved, against gamma."""
    figure, axes = canvas(1, height=3.6)
    ax = axes[0, 0]
    for colour, (layers, data) in zip(PALETTE, runs.items(), strict=False):
        gammas = data.gamma.values
        distance = judged.on_diagonal(data, "reached_at") * data.eta.values[:, None]
        for column in distance.T:
            ax.plot(gammas, column, "o", ms=3, color=colour, alpha=0.6)
        fine = np.geomspace(gammas[0], gammas[-1], 100)
        line = fine * (1 + fine) ** (1 / layers - 1)
        line *= np.exp(np.log(distance[-1]).mean()) / line[-1]
        ax.plot(
            fine, line, color=colour, linewidth=1, label=rf"L = {layers}: $\gamma$, $\gamma^{{1/{layers}}}$"
        )
    _log_log(ax, r"Adam: $\eta\,t$ at half the loss", "linear MLP")
    return figure
